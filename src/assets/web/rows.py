"""Answers made of rows: which field comes from which column is settled once a model, not once a row."""

from collections.abc import Callable, Mapping
from operator import itemgetter
from typing import Any, TypeVar

from pydantic import BaseModel

M = TypeVar("M", bound=BaseModel)


def from_row(model: type[M], /, *told: str, **columns: str) -> Callable[..., M]:
    """Makes a `model` of a row: each field from the column of its name or the one that `columns` gives it.

    The fields in `told` come by keyword with each row.
    """
    names = tuple(name for name in model.model_fields if name not in told)
    values = itemgetter(*(columns.get(name, name) for name in names))  # a tuple: each model has several

    def made(row: Mapping[str, Any], **more: Any) -> M:
        return model.model_validate(dict(zip(names, values(row), strict=True), **more))

    return made
