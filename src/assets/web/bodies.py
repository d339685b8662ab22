"""What may come in a body: JSON only as JSON, plainly written; forms only for pages.

Strangers are turned away before a byte is read, and what is too large while it is read (Litestar's
`request_max_body_size`, for each route).
"""

import json
import math
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from litestar import Request
from litestar.enums import ScopeType
from litestar.exceptions import HTTPException
from litestar.handlers import HTTPRouteHandler
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

from assets.errors import Invalid

BODY_MAX = 1024 * 1024
NAME_SHOWN_MAX = 60  # of a name in a problem document
DEPTH_MAX = 32
FIELDS_MAX = 20  # named in one answer
CHANGES = frozenset({"POST", "PUT", "PATCH"})
FORMS = frozenset({"application/x-www-form-urlencoded", "multipart/form-data"})
API = "/api/"
OWN = "own_body"  # in a route's `opt`: it reads the body itself, as it comes
TAKES = "takes"  # in a route's `opt`: the media types of files that it takes in the place of JSON
BASIC = "basic"  # in a route's `opt`: the one action that a token must be limited to, to be its caller's password
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


class BodyMiddleware(ASGIMiddleware):
    """Refuses a body that is of another kind (415), too large (413) or not plain JSON (400) before a handler sees it."""

    scopes = (ScopeType.HTTP,)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Look at the body, then go on."""
        handler = scope["route_handler"]
        if scope.get("method") in CHANGES and isinstance(handler, HTTPRouteHandler):
            request: Request[Any, Any, Any] = Request(scope, receive, send)
            await handler.authorize_connection(request)
            if not scope["path"].startswith(API):
                _refuse_other_than_forms(request)
            elif TAKES in handler.opt:
                _refuse_other_than(request, handler.opt[TAKES])
                _refuse_packed(request)
            elif OWN in handler.opt:
                _refuse_other_than_json(request)
            elif body := await request.body():
                _refuse_other_than_json(request)
                _refuse_packed(request)
                refuse_odd_json(body)
        await next_app(scope, receive, send)


def _refuse_other_than_forms(request: Request[Any, Any, Any]) -> None:
    kind, _ = request.content_type
    if kind and kind not in FORMS:
        raise HTTPException(status_code=415, detail="Pages take forms only.")


def _refuse_other_than_json(request: Request[Any, Any, Any]) -> None:
    kind, options = request.content_type
    if kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
        raise HTTPException(status_code=415, detail="Send JSON and say so: Content-Type: application/json.")
    if options.get("charset", "utf-8").lower() not in ("utf-8", "utf8"):
        raise HTTPException(status_code=415, detail="JSON is sent as UTF-8.")


def _refuse_other_than(request: Request[Any, Any, Any], kinds: frozenset[str]) -> None:
    kind, _ = request.content_type
    if kind not in kinds:
        raise HTTPException(status_code=415, detail=f"Send one of: {', '.join(sorted(kinds))}.")


def _refuse_packed(request: Request[Any, Any, Any]) -> None:
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise HTTPException(
            status_code=415, detail="Send the body as it is, not compressed.", headers={"Accept-Encoding": "identity"}
        )


def refuse_odd_json(body: bytes) -> None:
    """Invalid unless it is JSON that each reader understands alike (RFC 7493) and that can be stored.

    That is: UTF-8, one value, no name twice in an object, no NaN, no number beyond a double's or with thousands of
    digits, no NUL, no half of a surrogate pair, at most DEPTH_MAX levels.
    """
    try:
        value = json.loads(body.decode(), object_pairs_hook=_named_once, parse_constant=_no_number)
    except RecursionError:
        raise _wrong("body", f"at most {DEPTH_MAX} levels") from None
    except UnicodeDecodeError:
        raise _wrong("body", "it is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise _wrong("body", f"it is not JSON: {error.msg}, line {error.lineno}, column {error.colno}") from None
    except ValueError:
        raise _wrong("body", "a number has too many digits") from None
    wrong: dict[str, str] = {}
    for place, fault in _faults(value):
        wrong.setdefault(place, fault)
        if len(wrong) >= FIELDS_MAX:
            break
    if wrong:
        raise Invalid("What was sent cannot be read.", fields=wrong)


def _faults(value: Any) -> Iterator[tuple[str, str]]:
    """Each wrong place with what is wrong there.

    A place is kept as its name and the place that it is in, and spelled out when it is told: a long name above many
    parts would stand in memory once for each of them.
    """
    waiting: list[tuple[_Place | None, int, Any]] = [(None, 1, value)]
    while waiting:
        where, depth, here = waiting.pop()
        if isinstance(here, str):
            if _UNSTORABLE.search(here):
                yield _spelled(where), "it has characters that cannot be stored"
        elif isinstance(here, float):
            if not math.isfinite(here):
                yield _spelled(where), "the number is too large"
        elif isinstance(here, dict | list):
            if depth > DEPTH_MAX:
                yield "body", f"at most {DEPTH_MAX} levels"
                return
            if isinstance(here, dict) and any(_UNSTORABLE.search(name) for name in here):
                yield _spelled(where), "a name has characters that cannot be stored"
                continue
            inner = here.items() if isinstance(here, dict) else enumerate(here)
            waiting += [
                (_Place(name, where), depth + 1, part)
                for name, part in inner
                if isinstance(part, str | float | dict | list)
            ]


class _Place(NamedTuple):
    name: str | int
    within: "_Place | None"


def _spelled(place: _Place | None) -> str:
    names: list[str] = []
    while place is not None:
        names.append(str(place.name)[:NAME_SHOWN_MAX])
        place = place.within
    return ".".join(reversed(names)) or "body"


def _named_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise _wrong(_UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", twice), "it is there more than once")
    return found


def _no_number(name: str) -> float:
    raise _wrong("body", f"{name} is not a number of JSON")


def _wrong(place: str, fault: str) -> Invalid:
    return Invalid("What was sent cannot be read.", fields={place: fault})
