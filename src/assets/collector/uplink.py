"""The line to the service: two calls over HTTPS, each with a hard end, and answers read as hostile text.

    UplinkError
    ├── Away            no line, no service, or an answer that is not the service's: try again later
    │   └── TooSlow     the line is there, but it carried the call not in time: try less
    ├── Refused         the service does not know this collector's token, or no longer
    └── BatchRefused    the service will not take this batch as it is: too large, or something in it is wrong

What a newer service says in words this version does not know (a kind of order, a way to ask a target) is left out
and counted; the rest of the answer counts, for a collector in a far room is updated last.
"""

import asyncio
import gzip
import json
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, TypeVar

import httpx2
from pydantic import BaseModel, TypeAdapter, ValidationError

from assets import __version__
from assets.collector.backlog import Outgoing
from assets.collector.buffer import Pending
from assets.collector.uptime import Moment
from assets.probing.contract import Answer, Assignment, Batch, Credential, Order, Rejected, TargetSpec
from assets.probing.readings import Traffic
from assets.probing.traffic import counted
from assets.text import clean

POST_SECONDS = 30.0
FETCH_SECONDS = 60.0
CONNECT_SECONDS = 10.0
ANSWER_BYTES_MAX = 1 << 20
ASSIGNMENT_BYTES_MAX = 32 << 20
RETRY_AFTER_MAX_SECONDS = 300.0
COMPRESS_ABOVE_BYTES = 1_024
TOKEN_BYTES_MAX = 1_024
SOFTWARE = f"commune-assets {__version__}"
_ASSIGNMENT = "/api/v1/collectors/self/assignment"
_OBSERVATIONS = "/api/v1/observations"
_BATCH_IS_WRONG = frozenset({400, 413, 422})
_Item = TypeVar("_Item")


class UplinkError(Exception):
    """The service did not take what it was sent."""

    def __init__(self, reason: str, *, retry_after_seconds: float | None = None) -> None:
        self.reason = clean(reason)
        self.retry_after_seconds = retry_after_seconds
        super().__init__(self.reason)


class Away(UplinkError):
    """The service cannot be reached, or something else answers in its place."""


class TooSlow(Away):
    """The line is too slow, or died under the call."""


class Refused(UplinkError):
    """The service does not accept the token."""


class BatchRefused(UplinkError):
    """The service refuses the batch as it is."""


@dataclass(frozen=True, slots=True)
class Door:
    """Where the service is and how to prove who we are; the token is read anew for each try after a refusal."""

    url: str
    token_file: Path
    ca_file: Path | None = None
    is_loopback: bool = False


@dataclass(frozen=True, slots=True)
class Fetched:
    """An assignment as it came, so that a newer version of us can read more out of what is kept."""

    assignment: Assignment
    raw: bytes
    left_out: int  # targets and credentials in words that we do not know


class Gauge:
    """What talking to the service costs, as the system counts it for each connection; `untold` it has not heard of."""

    def __init__(self) -> None:
        self.octets = 0
        self.untold = Traffic()
        self._sock: Any = None
        self._before = Traffic()

    async def trace(self, event: str, info: dict[str, Any]) -> None:
        """Read the count at every step of a call: a connection that breaks is closed before anybody hears of it."""
        if event == "connection.connect_tcp.complete":
            self._sock, self._before = info["return_value"].get_extra_info("socket"), Traffic()
        if (now := counted(self._sock)) is None:
            return
        more, self._before = now - self._before, now
        self.untold += more
        self.octets += more.octets

    def told(self, cost: Traffic) -> None:
        """The service has heard of so much."""
        self.untold -= cost


class Uplink:
    """Both calls of the contract; one at a time is enough, and all it promises."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self.gauge = Gauge()
        self._token: str | None = None
        self._compress = False
        context: ssl.SSLContext | bool = True
        if door.ca_file is not None:
            context = ssl.create_default_context(cafile=door.ca_file)
        self._client = httpx2.AsyncClient(
            base_url=door.url,
            verify=context,
            trust_env=not door.is_loopback,  # a proxy leads to the province, never to ourselves
            follow_redirects=False,
            timeout=httpx2.Timeout(POST_SECONDS, connect=CONNECT_SECONDS),
            limits=httpx2.Limits(max_connections=2, max_keepalive_connections=1, keepalive_expiry=30.0),
            headers={"user-agent": SOFTWARE, "accept": "application/json", "accept-encoding": "identity"},
        )

    async def fetch(self, held: str | None) -> Fetched | None:
        """The assignment, or None when it still is the one whose hash is `held`."""
        headers = {"if-none-match": f'"{held}"'} if held else {}
        request = self._client.build_request("GET", _ASSIGNMENT, headers=headers)
        status, body = await self._send(request, seconds=FETCH_SECONDS, bytes_max=ASSIGNMENT_BYTES_MAX)
        if status == httpx2.codes.NOT_MODIFIED and held:
            return None
        if status != httpx2.codes.OK:
            raise Away(f"the service answers {status} when asked for the assignment")
        return read_assignment(body)

    async def post(self, batch: Outgoing, *, now: Moment, assignment: str) -> Answer:
        """Hand over a batch; its answer says what is settled."""
        cost = self.gauge.untold
        body = compose(batch, now=now, assignment=assignment, cost=cost)
        headers = {"content-type": "application/json"}
        if self._compress and len(body) > COMPRESS_ABOVE_BYTES:
            body, headers["content-encoding"] = gzip.compress(body, 6, mtime=0), "gzip"
        request = self._client.build_request("POST", _OBSERVATIONS, content=body, headers=headers)
        status, answer = await self._send(request, seconds=POST_SECONDS, bytes_max=ANSWER_BYTES_MAX)
        if status in _BATCH_IS_WRONG:
            raise BatchRefused(f"the service refuses the batch with {status}: {answer[:200].decode(errors='replace')}")
        if status == httpx2.codes.UNSUPPORTED_MEDIA_TYPE and self._compress:
            self._compress = False
            raise Away("the service no longer takes compressed batches")
        if status != httpx2.codes.OK:
            raise Away(f"the service answers {status} to a batch")
        read = read_answer(answer)
        self.gauge.told(cost)
        return read

    async def close(self) -> None:
        """Hang up."""
        await self._client.aclose()

    async def _send(self, request: httpx2.Request, *, seconds: float, bytes_max: int) -> tuple[int, bytes]:
        request.extensions["trace"] = self.gauge.trace
        request.headers["authorization"] = f"Bearer {self._read_token()}"
        async with _our_errors(seconds):
            response = await self._client.send(request, stream=True)
            try:
                body = await _read(response, bytes_max)
            finally:
                await response.aclose()
        if response.status_code in (401, 403):
            self._token = None  # it may have been replaced in its file meanwhile
            raise Refused(f"the service refuses this collector's token ({response.status_code})")
        if response.status_code in (429, 503):
            raise Away(f"the service is busy ({response.status_code})", retry_after_seconds=_retry_after(response))
        # RFC 9110 §12.5.3: a server may say which encodings it takes in requests; one that says nothing gets none.
        self._compress = self._compress or "gzip" in response.headers.get("accept-encoding", "")
        return response.status_code, body

    def _read_token(self) -> str:
        if self._token is None:
            self._token = read_token(self._door.token_file)
        return self._token


def read_token(path: Path) -> str:
    """The collector's token out of its file; Refused says what is wrong with the file, never what is in it."""
    try:
        with path.open("rb") as file:
            data = file.read(TOKEN_BYTES_MAX + 1)
    except OSError as error:
        raise Refused(f"cannot read the token file {path}: {error.strerror}") from None
    words = data.split()
    token = words[0].decode("ascii", "replace") if words else ""
    if len(words) != 1 or len(data) > TOKEN_BYTES_MAX or not token.isascii() or not token.isprintable():
        raise Refused(f"the token file {path} must hold one word")
    return token


def compose(batch: Outgoing, *, now: Moment, assignment: str, cost: Traffic | None = None) -> bytes:
    """The batch as JSON. Observations are JSON already and only get their number and age, for a backlog may be long."""
    head = Batch(
        buffer_id=batch.buffer_id,
        sent_at=now.wall,
        software=SOFTWARE,
        assignment=assignment,
        backlog=max(0, batch.left),
        shed=batch.shed,
        traffic=cost,
    ).model_dump_json(exclude={"observations"})
    rows = b",".join(_numbered(row, now) for row in batch.observations)
    return head.encode()[:-1] + b',"observations":[' + rows + b"]}"


def read_answer(body: bytes) -> Answer:
    """The service's answer to a batch; Away when it is none."""
    answer = _object(body)
    answer["orders"], _ = _each(answer.get("orders", []), Order.model_validate)
    answer["rejected"], _ = _each(answer.get("rejected", []), Rejected.model_validate)
    return _whole(Answer, answer)


def read_assignment(body: bytes) -> Fetched:
    """The assignment in a body, without what this version cannot understand; Away when it is none."""
    fields = _object(body)
    fields["targets"], strange = _each(fields.get("targets", []), TargetSpec.model_validate)
    fields["credentials"], locked = _each(fields.get("credentials", []), _CREDENTIAL.validate_python)
    return Fetched(_whole(Assignment, fields), body, strange + locked)


_CREDENTIAL: TypeAdapter[Credential] = TypeAdapter(Credential)
_Model = TypeVar("_Model", bound=BaseModel)


def _numbered(row: Pending, now: Moment) -> bytes:
    age = row.age_seconds(now)
    number = b'{"sequence":%d' % row.sequence
    if age is not None:
        number += b',"age_seconds":%.3f' % age
    return number + b"," + row.body[1:] if len(row.body) > 2 else number + b"}"


def _object(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise Away("what answers is not the service: no JSON") from None
    if not isinstance(value, dict):
        raise Away("what answers is not the service: no JSON object")
    return value


def _whole(model: type[_Model], fields: dict[str, Any]) -> _Model:
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        wrong = ", ".join(".".join(str(part) for part in e["loc"]) for e in error.errors(include_input=False)[:3])
        raise Away(f"what answers is not the service, or a newer one: {wrong}") from None


def _each(items: object, read: Callable[[Any], _Item]) -> tuple[tuple[_Item, ...], int]:
    """Those of a list that can be read, and how many cannot."""
    if not isinstance(items, list):
        raise Away("what answers is not the service: a list is missing")
    known: list[_Item] = []
    for item in items:
        try:
            known.append(read(item))
        except ValidationError:
            continue
    return tuple(known), len(items) - len(known)


async def _read(response: httpx2.Response, bytes_max: int) -> bytes:
    if response.headers.get("content-encoding", "identity") != "identity":
        raise Away("the service compressed its answer without being asked")  # a bomb would unpack in one piece
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > bytes_max:
            raise Away(f"the answer is larger than {bytes_max} bytes")
    return bytes(body)


@asynccontextmanager
async def _our_errors(seconds: float) -> AsyncIterator[None]:
    """The client's errors in our words, and an end after `seconds` however slowly the bytes drip."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise TooSlow(f"the call was not over within {seconds:.0f} s") from None
    except (httpx2.ConnectTimeout, httpx2.PoolTimeout) as error:
        raise Away(f"no contact with the service: {type(error).__name__}") from None
    except (httpx2.TimeoutException, httpx2.ReadError, httpx2.WriteError) as error:
        raise TooSlow(f"the line broke under the call: {type(error).__name__}") from None
    except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError, ssl.SSLError, OSError) as error:
        raise Away(f"no contact with the service: {error or type(error).__name__}") from None


def _retry_after(response: httpx2.Response) -> float | None:
    """Seconds of a Retry-After header (RFC 9110 §10.2.3), bounded; None without a readable one."""
    text = response.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), RETRY_AFTER_MAX_SECONDS)
    try:
        until = parsedate_to_datetime(text)
        sent = parsedate_to_datetime(response.headers.get("date", ""))
    except ValueError:
        return None
    # By the service's own clock on both ends: ours may be wrong.
    seconds = (with_zone(until) - with_zone(sent)).total_seconds()
    return min(max(seconds, 0.0), RETRY_AFTER_MAX_SECONDS)


def with_zone(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
