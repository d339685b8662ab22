"""What fields, parameters and schemas of the OpenAPI document mean: the words of fields.toml and the models' docstrings.

What has words of its own keeps them. That everything has some and that no line of fields.toml is left over is for
tests/docs/test_documented.py to find, not for the start.
"""

import inspect
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib.resources import files
from typing import Any

from litestar import Litestar
from litestar.openapi.spec import OpenAPI, Operation, Parameter, Reference
from pydantic import BaseModel

from assets.web.description import VERBS

# What Litestar says of each field of a type, and so of none.
OF_A_TYPE = "datetime with the constraint that the value must have timezone info"
Words = Mapping[str, str]
Model = type[BaseModel]
Models = Mapping[str, Sequence[Model]]  # by name, which several features can have given


@dataclass(frozen=True)
class Glossary:
    """What names mean, by the tables of fields.toml; `used` are the lines that were needed."""

    fields: Words = field(default_factory=dict)
    parameters: Words = field(default_factory=dict)
    schemas: Words = field(default_factory=dict)
    used: set[tuple[str, str]] = field(default_factory=set)

    @classmethod
    def load(cls) -> "Glossary":
        """The one that ships with us."""
        return cls(**tomllib.loads(files("assets.web").joinpath("fields.toml").read_text(encoding="utf-8")))

    @cached_property
    def owners(self) -> frozenset[str]:
        """The models in which a field means something else."""
        return frozenset(name.partition(".")[0] for name in self.fields if "." in name)

    def find(self, table: str, *names: str) -> str:
        """The words for the first of these names that has some; empty when none has."""
        words: Words = getattr(self, table)
        for name in names:
            if name in words:
                self.used.add((table, name))
                return words[name]
        return ""


def document_meanings(app: Litestar) -> None:
    """Complete `app.openapi_schema`; call once, at start-up, when everything else is in it."""
    if app.openapi_config is not None:
        describe(app.openapi_schema, Glossary.load(), models())


def describe(document: OpenAPI, glossary: Glossary, known: Models) -> None:
    """Give words to what has none in a document, and change nothing else."""
    # Litestar writes plain mappings into its document as they stand.
    schemas: dict[str, Any] = document.components.schemas if document.components else {}
    for key, schema in schemas.items():
        schemas[key] = _described(key, schema, glossary, known)
    for item in (document.paths or {}).values():
        for verb in VERBS:
            operation: Operation | None = getattr(item, verb)
            if operation is not None and operation.parameters:
                operation.parameters = [_parameter(one, operation, glossary) for one in operation.parameters]


def models() -> Models:
    """Our models by their names."""
    found = defaultdict(list)
    for model in _below(BaseModel):
        if model.__module__.startswith("assets."):
            found[model.__name__].append(model)
    return found


def _below(model: Model) -> Iterator[Model]:
    for one in model.__subclasses__():
        yield one
        yield from _below(one)


def _described(key: str, schema: Any, glossary: Glossary, known: Models) -> Any:
    properties: Mapping[str, Any] = _get(schema, "properties") or {}
    # A name that two features use is told by its fields.
    made_from = [m for m in known.get(_get(schema, "title"), ()) if m.model_fields.keys() == properties.keys()]
    named = [key, *(model.__name__ for model in made_from[0].__mro__)] if made_from else [key]
    owners = [name for name in named if name in glossary.owners]
    more: dict[str, Any] = {}
    if properties:
        more["properties"] = {
            name: part if _words(part) else _with(part, description=_meaning(name, owners, glossary))
            for name, part in properties.items()
        }
    if not _words(schema):
        more["description"] = glossary.find("schemas", key) or _docstring(made_from)
    return _with(schema, **more)


def _meaning(name: str, owners: Sequence[str], glossary: Glossary) -> str:
    return glossary.find("fields", *(f"{owner}.{name}" for owner in owners), name)


def _docstring(made_from: Sequence[Model]) -> str:
    """What the models say of themselves; nothing when they say different things."""
    said = {_own(model) for model in made_from}
    return said.pop() if len(said) == 1 else ""


def _own(model: Model) -> str:
    of = model.__pydantic_generic_metadata__["origin"] or model  # a page of something is a page
    return inspect.cleandoc(vars(of).get("__doc__") or "")


def _parameter(one: Parameter | Reference, operation: Operation, glossary: Glossary) -> Parameter | Reference:
    if not isinstance(one, Parameter) or one.description or (one.schema and one.schema.description):
        return one
    base, sign, operator = one.name.partition("__")
    names = (f"*{sign}{operator}",) if sign else (f"{operation.operation_id}.{base}", base)
    found: Parameter = _with(one, description=glossary.find("parameters", *names) or glossary.find("fields", base))
    return found


def _words(part: Any) -> bool:
    said = _get(part, "description")
    return bool(said) and said != OF_A_TYPE


def _get(part: Any, name: str) -> Any:
    return part.get(name) if isinstance(part, dict) else getattr(part, name, None)


def _with(part: Any, **more: Any) -> Any:
    """A copy with more in it, for a part of a document can stand in several places."""
    if isinstance(part, dict):
        return {**part, **more}
    made = object.__new__(type(part))  # of thousands of parts; copy() and replace() take longer than all else here
    made.__dict__ = {**vars(part), **more}
    return made
