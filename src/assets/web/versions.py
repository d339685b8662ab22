"""Versions over HTTP: an ETag with what is read, an If-Match with what is changed."""

from typing import Annotated, Protocol, TypeVar

from litestar import Response
from litestar.exceptions import HTTPException
from litestar.params import HeaderParameter

from assets.errors import Stale

IfMatch = Annotated[str | None, HeaderParameter(name="If-Match", description='The version last read, such as "3"')]


class Versioned(Protocol):
    """What carries the number of its present version."""

    version: int


V = TypeVar("V", bound=Versioned)


def with_version(thing: V) -> Response[V]:
    """An answer whose ETag is the thing's version, quoted."""
    return Response(thing, headers={"ETag": f'"{thing.version}"'})


def version_of(if_match: str | None) -> int:
    """The version in an If-Match field (RFC 9110 §13.1.1): 428 without one, Stale when it is none of ours."""
    if if_match is None:
        raise HTTPException(status_code=428, detail="Say in If-Match which version you read.")
    # A proxy that compresses makes our tags weak; the number in them is still the version.
    text = if_match.strip().removeprefix("W/").strip('"')
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise Stale()
    return int(text)
