"""The collector's two ends, faked: devices that answer from a dictionary, and a service that remembers every post.

`python -m tests.fake_prober` is a real collector process with fake devices (see `main`), for tests that kill it.
"""

import asyncio
import gzip
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self
from uuid import UUID, uuid4

from assets.collector import agent, backlog, sender
from assets.collector.command import run
from assets.collector.rounds import Walk
from assets.collector.settings import load
from assets.collector.uptime import Moment, Uptime
from assets.errors import Invalid
from assets.probing import schedule
from assets.probing.contract import Assignment, AuditHead, Batch, Credential, Observation, Order, TargetSpec
from assets.probing.readings import Identity, Method, Outcome, Reading, Result

ROOT = Path(__file__).parents[1]
TOKEN = "col_1.canary-of-the-token"
Reply = tuple[int, dict[str, str], bytes]


def target(name: str = "TB-1", *, address: str = "10.0.0.1", **more: Any) -> TargetSpec:
    """A target that is asked as often as the contract permits."""
    given: dict[str, Any] = {"id": uuid4(), "port": 161, "method": Method.SNMP, "interval_seconds": 5} | more
    return TargetSpec(name=name, address=address, **given)


def answered(**more: Any) -> Result:
    """A look at a printer that is well."""
    given: dict[str, Any] = {
        "latency_ms": 3.2,
        "readings": (
            Reading(name="toner_percent", instance="1.1", value=71.0, state="some_remaining", label="Black Cartridge"),
            Reading(name="pages.total", value=10_412.0),
        ),
        "uptime_seconds": 86_400.5,
    }
    return Result(outcome=Outcome.ANSWERED, **(given | more))


class FakeProber:
    """Devices by address: whatever is not in `results` answers well. `asked` lists what was asked, in order."""

    def __init__(self) -> None:
        self.results: dict[str, Result | Exception] = {}
        self.takes_seconds: dict[str, float] = {}
        self.dead: set[str] = set()  # addresses that do not answer at all
        self.refuses: set[str] = set()  # addresses that take no credential
        self.rows: dict[str, Walk] = {}
        self.asked: list[tuple[str, str]] = []
        self.credentials: list[UUID | None] = []
        self.running: dict[UUID, int] = {}
        self.most_at_once = 0
        self.most_of_one_at_once = 0
        self.profiles: Mapping[str, str] = {}
        self.closed = False

    def use(self, profiles: Mapping[str, str]) -> None:
        if "broken" in profiles:
            raise Invalid("broken.toml: line 1 is no TOML")
        self.profiles = profiles

    async def probe(self, target: TargetSpec, credential: Credential | None) -> Result:
        self.asked.append(("probe", target.address))
        self.credentials.append(credential.id if credential else None)
        self.running[target.id] = self.running.get(target.id, 0) + 1
        self.most_at_once = max(self.most_at_once, sum(self.running.values()))
        self.most_of_one_at_once = max(self.most_of_one_at_once, self.running[target.id])
        try:
            await asyncio.sleep(self.takes_seconds.get(target.address, 0.001))
        finally:
            self.running[target.id] -= 1
        if target.address in self.dead:
            return Result(outcome=Outcome.SILENT, detail="no answer")
        if target.address in self.refuses:
            return Result(outcome=Outcome.WRONG_CREDENTIAL, detail="refused")
        result = self.results.get(target.address, answered(identity=Identity(vendor="Brother", model="HL-L2321D")))
        if isinstance(result, Exception):
            raise result
        return result

    async def alive(self, target: TargetSpec, credential: Credential | None) -> bool:
        self.asked.append(("alive", target.address))
        await asyncio.sleep(self.takes_seconds.get(target.address, 0.001))
        return target.address not in self.dead

    async def walk(self, target: TargetSpec, credential: Credential | None, root: str) -> Walk:
        self.asked.append(("walk", target.address))
        return self.rows.get(target.address, Walk(((f"{root}.1.0", "a printer"),)))

    async def close(self) -> None:
        self.closed = True


class FakeUptime(Uptime):
    """A wall clock that is off by so much, and a boot that can change."""

    def __init__(self, *, wall_off: timedelta = timedelta(), boot: str | None = None) -> None:
        super().__init__()
        self.wall_off = wall_off
        self.up_off = 0.0
        self.boot = boot or self.boot

    def now(self) -> Moment:
        now = super().now()
        return Moment(now.wall + self.wall_off, self.boot, now.up_seconds + self.up_off)


@dataclass
class Post:
    """One batch as it came, and when."""

    at: float
    batch: Batch
    body: bytes
    headers: dict[str, str]

    @property
    def sequences(self) -> list[int]:
        return [o.sequence for o in self.batch.observations]


@dataclass
class FakeService:
    """The service's end of the contract over real HTTP on loopback; switches make it misbehave."""

    assignment: Assignment = field(default_factory=lambda: Assignment(hash="h1"))
    orders: list[Order] = field(default_factory=list)  # sent with each answer until their result came
    rejects: Callable[[Observation], str | None] = lambda _: None
    poisoned: Callable[[bytes], bool] = lambda _: False  # a body that makes it answer 400
    replies: list[Reply] = field(default_factory=list)  # said to the next calls, whatever they want
    every_reply: Reply | None = None
    lost_answers: int = 0  # so many posts are stored and then the line breaks
    accepts_at_most: int | None = None  # of one batch
    takes_gzip: bool = False
    drips: bool = False  # one byte of an answer each second
    token: str = TOKEN
    skew_seconds: float = 0.0
    audit_head: AuditHead | None = None
    port: int = 0
    posts: list[Post] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    stored: dict[tuple[UUID, int], Observation] = field(default_factory=dict)
    order_results: dict[UUID, list[Observation]] = field(default_factory=dict)
    repeats: int = 0
    changed_repeats: int = 0  # a number that came back with another content: must never be
    _server: asyncio.Server | None = None
    _lines: set[asyncio.StreamWriter] = field(default_factory=set)
    _serving: set["asyncio.Task[Any]"] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            for line in list(self._lines):
                line.transport.abort()
            await self._server.wait_closed()
            self._server = None
            if self._serving:
                await asyncio.wait(self._serving, timeout=2)

    async def until(self, happened: Callable[[], object], *, seconds: float = 40.0) -> None:
        """Wait for something to be true; fails loudly when it does not come true in time."""
        deadline = asyncio.get_running_loop().time() + seconds
        while not happened():
            assert asyncio.get_running_loop().time() < deadline, f"nothing within {seconds} s; calls: {self.calls[-5:]}"
            await asyncio.sleep(0.02)

    def observations(self, id_: UUID | None = None) -> list[Observation]:
        return [o for o in self.stored.values() if id_ is None or o.target == id_]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._lines.add(writer)
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in head[1:] if line)}
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                reply = self._answer(head[0], headers, body)
                if reply is None:
                    writer.transport.abort()
                    return
                await self._write(writer, reply)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._lines.discard(writer)
            writer.close()

    async def _write(self, writer: asyncio.StreamWriter, reply: Reply) -> None:
        status, headers, body = reply
        headers = {"content-length": str(len(body))} | headers
        if self.takes_gzip:
            headers["accept-encoding"] = "gzip"
        lines = [f"HTTP/1.1 {status} X", *(f"{k}: {v}" for k, v in headers.items()), "", ""]
        writer.write("\r\n".join(lines).encode())
        if self.drips:
            for byte in body:
                writer.write(bytes([byte]))
                for _ in range(20):
                    await asyncio.sleep(0.05)
                    if writer.transport.is_closing():
                        return
        writer.write(body)
        await writer.drain()

    def _answer(self, line: str, headers: dict[str, str], body: bytes) -> Reply | None:
        self.calls.append(line.rsplit(" ", 1)[0])
        if self.replies:
            return self.replies.pop(0)
        if self.every_reply is not None:
            return self.every_reply
        if headers.get("authorization") != f"Bearer {self.token}":
            return 401, {}, b"{}"
        if line.startswith("GET /api/v1/collectors/self/assignment "):
            return self._assignment(headers)
        if line.startswith("POST /api/v1/observations "):
            return self._post(headers, body)
        return 404, {}, b"{}"

    def _assignment(self, headers: dict[str, str]) -> Reply:
        etag = f'"{self.assignment.hash}"'
        if headers.get("if-none-match") == etag:
            return 304, {"etag": etag}, b""
        return 200, {"etag": etag}, self.assignment.model_dump_json().encode()

    def _post(self, headers: dict[str, str], body: bytes) -> Reply | None:
        if headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        if self.poisoned(body):
            return 400, {"content-type": "application/problem+json"}, b'{"detail": "poison"}'
        batch = Batch.model_validate_json(body)
        self.posts.append(Post(asyncio.get_running_loop().time(), batch, body, headers))
        taken = batch.observations[: self.accepts_at_most]
        rejected = []
        for observation in taken:
            if reason := self.rejects(observation):
                rejected.append({"sequence": observation.sequence, "reason": reason})
            else:
                self._store(batch.buffer_id, observation)
        if self.lost_answers:
            self.lost_answers -= 1
            return None
        answer = {
            "accepted_to": max((o.sequence for o in taken), default=0),
            "rejected": rejected,
            "orders": [json.loads(o.model_dump_json()) for o in self.orders if o.id not in self.order_results],
            "assignment": self.assignment.hash,
            "received_at": datetime.now(UTC).isoformat(),
            "skew_seconds": self.skew_seconds,
            "audit_head": self.audit_head and json.loads(self.audit_head.model_dump_json()),
        }
        return 200, {"content-type": "application/json"}, json.dumps(answer).encode()

    def _store(self, buffer_id: UUID, observation: Observation) -> None:
        key = (buffer_id, observation.sequence)
        if (known := self.stored.get(key)) is not None:
            self.repeats += 1
            if (known.target, known.observed_at) != (observation.target, observation.observed_at):
                self.changed_repeats += 1
            return
        self.stored[key] = observation
        if observation.order is not None:
            self.order_results.setdefault(observation.order.order, []).append(observation)


def token_file(folder: Path, token: str = TOKEN) -> Path:
    """A token as an administrator would leave it."""
    path = folder / "token"
    path.touch(mode=0o600)
    path.write_text(f"{token}\n")
    return path


def start_collector(folder: Path, url: str, *arguments: str, **environment: str) -> "subprocess.Popen[bytes]":
    """A real collector process with fake devices; its log goes to `folder/log`."""
    own = {
        "ASSETS_COLLECTOR_URL": url,
        "ASSETS_COLLECTOR_TOKEN_FILE": str(token_file(folder)),
        "ASSETS_COLLECTOR_HOME": str(folder / "collector"),
        "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'src'}",
    }
    kept = {k: v for k, v in os.environ.items() if not k.startswith("ASSETS_") and "proxy" not in k.lower()}
    with (folder / "log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "tests.fake_prober", *arguments],
            cwd=ROOT,
            env=kept | own | environment,
            stderr=log,
            stdout=log,
        )


def said(folder: Path) -> list[dict[str, Any]]:
    """What a collector process logged."""
    whole = (folder / "log").read_text(encoding="utf-8").rpartition("\n")[0]  # the last line may be half written
    lines: Iterable[str] = whole.splitlines()
    return [json.loads(line) for line in lines if line.startswith("{")]


def main() -> None:
    """A collector with fake devices, in more of a hurry than a real one.

    FAKE_DEAD lists addresses that are silent, FAKE_REFUSES those that take no credential, FAKE_TAKES the seconds of each
    look, FAKE_FILE_BYTES_MAX bounds every file (a full disk); an argument is the parent's process id.
    """
    schedule.FIRST_LOOK_SECONDS = 1.0
    backlog.RETRY_SECONDS = 1.0
    agent.STATUS_SECONDS = 0.5
    sender.BACK_OFF_MAX_SECONDS = 2.0
    prober = FakeProber()
    prober.dead = set(os.environ.get("FAKE_DEAD", "").split(","))
    prober.refuses = set(os.environ.get("FAKE_REFUSES", "").split(","))
    if seconds := float(os.environ.get("FAKE_TAKES", "0")):
        prober.takes_seconds = _Always(seconds)
    if size := int(os.environ.get("FAKE_FILE_BYTES_MAX", "0")):
        _bound_files(size)
    run(load(), make_prober=lambda: prober, parent=int(sys.argv[1]) if sys.argv[1:] else None)


class _Always(dict[str, float]):
    def __init__(self, value: float) -> None:
        super().__init__()
        self._value = value

    def get(self, key: str, default: Any = None) -> float:
        return self._value


def _bound_files(size: int) -> None:
    import resource
    import signal

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    # SIGUSR1: somebody made room
    signal.signal(signal.SIGUSR1, lambda *_: resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard)))


if __name__ == "__main__":
    main()
