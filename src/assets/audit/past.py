"""What a row looked like before: the changes since then undone, the newest first. A pure function of values."""

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

Values: TypeAlias = Mapping[str, Any]


def undone(present: Values, newer: Iterable[tuple[Values | None, Values | None]]) -> dict[str, Any] | None:
    """`present` without the changes (before, after) that came later, newest first; None when it was not there yet.

    A change without a before is the one by which the thing came to be.
    """
    past = dict(present)
    for before, after in newer:
        if before is None and after is not None:
            return None
        past |= before or {}
    return past
