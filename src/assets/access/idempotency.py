"""The same POST twice is one effect: an Idempotency-Key is stored with what it did, in the same transaction."""

import gzip
import hashlib
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from litestar import Request
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from assets import clock, db
from assets.access.guards import current_actor
from assets.errors import Conflict, Invalid
from assets.ids import new_id
from assets.vault import Vault
from assets.web.bodies import OWN

KEPT = timedelta(hours=24)
KEY_MAX = 200
ROUTE_MAX = 255  # nothing of ours has a longer address
HEADER = "Idempotency-Key"
REPLAYED = (b"idempotency-replayed", b"true")
# They belong to one sending of an answer and not to the answer.
OF_SENDING = frozenset({b"content-encoding", b"content-length", b"date", b"vary"})


@dataclass(frozen=True)
class Once:
    """One caller's wish to do something once."""

    caller: UUID
    route: str
    key: str
    digest: str


@dataclass(frozen=True)
class Answer:
    """A whole answer, to be sent once more."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes

    async def send(self, send: Send) -> None:
        """Send it."""
        length = (b"content-length", str(len(self.body)).encode())
        await send({"type": "http.response.start", "status": self.status, "headers": [*self.headers, length]})
        await send({"type": "http.response.body", "body": self.body, "more_body": False})


class _Refused(Exception):
    def __init__(self, answer: Answer) -> None:
        self.answer = answer


class IdempotencyMiddleware(ASGIMiddleware):
    """Does a keyed POST of the API in one transaction with its answer, and repeats that answer for 24 hours.

    A refusal (400 and more) leaves no trace. A second call that comes while the first is under way waits for it. It
    stands inside the sign-in and the guards: only who may act gets an earlier answer.
    """

    scopes = (ScopeType.HTTP,)

    def __init__(self, vault: Vault) -> None:
        self.vault = vault

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Go on once, or say again what was said."""
        wish = await _wish(scope, receive)
        if wish is None:
            await next_app(scope, receive, send)
            return
        messages: list[Message] = []

        async def keep(message: Message) -> None:
            messages.append(message)

        try:
            async with db.together() as tx:
                row, now = new_id(), clock.now()
                if not await _claimed(tx, row, wish, now):
                    answer = await self._earlier(tx, wish)
                else:
                    await next_app(scope, receive, keep)
                    answer = _answer(messages)
                    if answer.status >= 400:
                        raise _Refused(answer)
                    await self._store(tx, row, answer)
        except _Refused as refused:
            answer = refused.answer
        await answer.send(send)

    async def _store(self, tx: db.Connection, row: UUID, answer: Answer) -> None:
        headers = [[name.decode("latin-1"), value.decode("latin-1")] for name, value in answer.headers]
        await tx.execute(
            "update idempotency_keys set status = $2, headers = $3, body = $4 where id = $1",
            row, answer.status, json.dumps(headers), self.vault.seal(answer.body, bound_to=_place(row)),
        )  # fmt: skip

    async def _earlier(self, tx: db.Connection, wish: Once) -> Answer:
        row = await tx.fetchrow(
            "select id, request_digest, status, headers, body from idempotency_keys "
            "where caller = $1 and route = $2 and key = $3", wish.caller, wish.route, wish.key,
        )  # fmt: skip
        assert row is not None  # its insert has been waited for
        if row["request_digest"] != wish.digest:
            raise Conflict("This key was used here before, with another content.", header=HEADER)
        headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in json.loads(row["headers"])]
        return Answer(row["status"], (*headers, REPLAYED), self.vault.unseal(row["body"], bound_to=_place(row["id"])))


async def tidy(tx: db.Connection, now: datetime) -> None:
    """Forget answers that are older than anybody's repeat."""
    await tx.execute("delete from idempotency_keys where created_at < $1", now - KEPT)


async def _wish(scope: Scope, receive: Receive) -> Once | None:
    request: Request[Any, Any, Any] = Request(scope, receive)
    given = request.headers.getall(HEADER, [])
    actor, route = current_actor(request), scope["path"]
    if not given or scope.get("method") != "POST" or not route.startswith("/api/v1/") or len(route) > ROUTE_MAX:
        return None
    if actor.id is None or OWN in scope["route_handler"].opt:
        return None
    [key, *more] = given
    if more or not (0 < len(key) <= KEY_MAX and key.isascii() and key.isprintable()):
        raise Invalid(fields={HEADER: f"one of 1 to {KEY_MAX} printable ASCII characters"})
    # Who may do less than when the answer was given must not be given it: a grant has ended, a token has limits.
    allowed = f"{sorted(map(str, actor.scope.sites))} {actor.scope.everything} {sorted(actor.actions or ())}"
    content = hashlib.sha256(b"\0".join([scope["query_string"], allowed.encode(), await request.body()]))
    return Once(actor.id, route, key, content.hexdigest())


async def _claimed(tx: db.Connection, row: UUID, wish: Once, now: datetime) -> bool:
    """Whether this call is the first; waits for one that holds the same key and has not ended."""
    await tx.execute(
        "delete from idempotency_keys where caller = $1 and route = $2 and key = $3 and created_at < $4",
        wish.caller, wish.route, wish.key, now - KEPT,
    )  # fmt: skip
    return await tx.fetchval(
        "insert into idempotency_keys (id, caller, route, key, request_digest, status, headers, body, created_at) "
        "values ($1,$2,$3,$4,$5,0,'[]','',$6) on conflict (caller, route, key) do nothing returning true",
        row, wish.caller, wish.route, wish.key, wish.digest, now,
    ) is not None  # fmt: skip


def _answer(messages: list[Message]) -> Answer:
    start: Any = next(message for message in messages if message["type"] == "http.response.start")
    body = b"".join(message["body"] for message in messages if message["type"] == "http.response.body")
    headers = [(name.lower(), value) for name, value in start["headers"]]
    if (b"content-encoding", b"gzip") in headers:
        body = gzip.decompress(body)
    return Answer(start["status"], tuple(pair for pair in headers if pair[0] not in OF_SENDING), body)


def _place(row: UUID) -> str:
    return f"idempotency_keys.body:{row}"
