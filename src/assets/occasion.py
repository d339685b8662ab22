"""What is running here: one HTTP request, one job, one round of a schedule, or one command.

The audit trail and the log lines name it, so that everything that one call brought about can be found together.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import structlog

NAME_MAX = 60
_name: ContextVar[str] = ContextVar("assets_occasion", default="")


def current() -> str:
    """The name of what is running; empty when nobody named it."""
    return _name.get()


@contextmanager
def during(name: str, *, logged: bool = True) -> Iterator[None]:
    """Everything inside this block, and every task that it starts, belongs to `name`; log lines say so if `logged`."""
    token = _name.set(name[:NAME_MAX])
    try:
        with structlog.contextvars.bound_contextvars(**({"request": name[:NAME_MAX]} if logged else {})):
            yield
    finally:
        _name.reset(token)
