"""Where computers and scripts call by themselves: a secret web address each, which says that they are well."""

from collections.abc import Sequence
from typing import Any

from litestar import Request, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler

from assets import clock
from assets.access import drawn
from assets.errors import NotFound
from assets.ingest import Ingest

SECRET_MAX = 100
BODY_MAX = 1_024  # it is not read


async def _beat(ingest: Ingest, secret: str, *, failed: bool) -> None:
    if len(secret) > SECRET_MAX or not await ingest.beat(drawn.digest(secret), clock.now(), failed=failed):
        raise NotFound()


@post("/heartbeats/{secret:str}", status_code=204, include_in_schema=False)
async def well(request: Request[Any, Any, Any], secret: FromPath[str], ingest: NamedDependency[Ingest]) -> None:
    """Say that something ran and is well; the secret in the address is the key, and no body is needed."""
    await _beat(ingest, secret, failed=False)


@post("/heartbeats/{secret:str}/failed", status_code=204, include_in_schema=False)
async def failed(request: Request[Any, Any, Any], secret: FromPath[str], ingest: NamedDependency[Ingest]) -> None:
    """Say that something ran and that what it does went wrong."""
    await _beat(ingest, secret, failed=True)


routes: Sequence[ControllerRouterHandler] = [well, failed]
