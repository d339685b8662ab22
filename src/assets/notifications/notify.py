"""The only door to Apprise and to webhooks: `send` a message to one address within a hard deadline.

Webhooks (https) are posted from here. Everything else is spoken by a child process, see `sender`; a send that outlives
its deadline marks the child as worn out: it gets no more work, a fresh one takes over, and it is killed when its
other sends have ended, which is one deadline later at most.
"""

import asyncio
import itertools
import json
import os
import socket
import ssl
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from assets import clock
from assets.errors import Invalid, Unavailable
from assets.notifications.addresses import WEBHOOK, Address, Network, parse, refuse_internal
from assets.notifications.webhook import NotDelivered, Webhook

DEADLINE_SECONDS = 10.0
SENDS_MAX = 20  # at once, in one child: as many as a worker has jobs
RESOLVE_SECONDS = 5.0
RESOLVERS_MAX = 4  # threads: a dead DNS server holds each for as long as the system's resolver likes
START_SECONDS = 30.0
LINE_MAX = 64 * 1024
TITLE_MAX = 200
BODY_MAX = 4_000
REASON_MAX = 200
# What a child may see of our environment: no proxies (they would hide where a message goes), no settings, no secrets.
_ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "TZ", "PYTHONPATH", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE")


@dataclass(frozen=True)
class Message:
    """What people read: plain text, one line of title."""

    title: str
    body: str


@dataclass(frozen=True)
class Sent:
    """The channel took the message."""


@dataclass(frozen=True)
class Failed:
    """It did not; `retry` when trying again can help, `unsure` when it may have arrived all the same."""

    reason: str
    retry: bool
    retry_after: timedelta | None = None
    unsure: bool = False


class Outlet:
    """Where messages leave the house; one for each process, opened by first use and closed at its end.

    `allowed` are internal networks that may be reached all the same (the demo's mail sink, the province's mail
    server); `tls` knows whom to trust, None means the system's authorities.
    """

    def __init__(self, *, allowed: Sequence[Network] = (), tls: ssl.SSLContext | None = None) -> None:
        self.allowed = tuple(allowed)
        self._webhook = Webhook(tls)
        self._child: _Child | None = None
        self._worn_out: set[_Child] = set()
        self._resolvers: ThreadPoolExecutor | None = None

    async def send(
        self, url: str, message: Message, *, key: str, deadline_seconds: float = DEADLINE_SECONDS
    ) -> Sent | Failed:
        """Send once and say how it went, within `deadline_seconds`; nothing of `url` appears in the answer."""
        try:
            async with asyncio.timeout(deadline_seconds):
                return await self._send(parse(url), _signed(message, key), key=key, seconds=deadline_seconds)
        except TimeoutError:
            return Failed(f"no answer within {deadline_seconds:g} s", retry=True, unsure=True)
        except Invalid as error:
            return Failed(error.fields.get("url", "the address is not accepted"), retry=False)
        except NotDelivered as error:
            return Failed(error.reason, error.retry, error.retry_after, error.unsure)

    async def check(self, url: str) -> Address:
        """The address, when it is accepted, complete, and leads to no internal machine; raises Invalid.

        A name that cannot be resolved just now is accepted: it is asked for again before each send.
        """
        address = parse(url)
        for host in address.hosts:
            with suppress(NotDelivered, TimeoutError):
                await self._resolve([host])
        if address.scheme != WEBHOOK:
            try:
                child = await self._ready_child()
                answer = await asyncio.wait_for(child.ask({"act": "check", "url": url}), DEADLINE_SECONDS)
            except (NotDelivered, TimeoutError) as error:
                raise Unavailable("The address cannot be checked just now.") from error
            if not answer["ok"]:
                raise Invalid("The channel's address is not accepted.", fields={"url": answer["reason"]})
        return address

    def warm_up(self) -> None:
        """Begin to start the child, ahead of the first message: loading Apprise takes a second or two."""
        if self._child is None:
            self._child = _Child(self.allowed)

    @property
    def pids(self) -> frozenset[int]:
        """The child processes there are: one, and worn out ones for a deadline at most."""
        children = {*self._worn_out, *([self._child] if self._child else [])}
        return frozenset(child.pid for child in children if child.pid is not None)

    async def close(self) -> None:
        """End every child, whatever it is doing."""
        children = {*self._worn_out, *([self._child] if self._child else [])}
        self._child = None
        self._worn_out.clear()
        for child in children:
            await child.kill()
        if self._resolvers:
            self._resolvers.shutdown(wait=False, cancel_futures=True)
            self._resolvers = None

    async def _send(self, address: Address, message: Message, *, key: str, seconds: float) -> Sent | Failed:
        addresses = await self._resolve(address.hosts)
        if address.scheme == WEBHOOK:
            payload = {"key": key, "title": message.title, "body": message.body}
            await self._webhook.post(
                address.url, payload, key=key, addresses=addresses, now=clock.now(), seconds=seconds
            )
            return Sent()
        child = await self._ready_child()
        try:
            answer = await child.ask(
                {"act": "send", "url": address.url, "title": message.title, "body": message.body, "key": key}
            )
        except asyncio.CancelledError:
            self._wear_out(child)
            raise
        finally:
            await self._bury_worn_out()
        if answer["ok"]:
            return Sent()
        return Failed(str(answer["reason"])[:REASON_MAX], bool(answer["retry"]), unsure=bool(answer["unsure"]))

    async def _resolve(self, hosts: Sequence[str]) -> list[str]:
        """The addresses of all hosts, none of them internal; NotDelivered when one has none."""
        if self._resolvers is None:
            self._resolvers = ThreadPoolExecutor(RESOLVERS_MAX, thread_name_prefix="resolve")
        loop = asyncio.get_running_loop()
        found: list[str] = []
        for host in hosts:
            answers = loop.run_in_executor(self._resolvers, _look_up, host)
            found += await asyncio.wait_for(answers, RESOLVE_SECONDS)
        refuse_internal(found, allowed=self.allowed)
        return found

    async def _ready_child(self) -> "_Child":
        if self._child is None or self._child.gone:
            self._child = _Child(self.allowed)
        # Shielded: a send that gives up must not stop the start that others wait for.
        await asyncio.shield(self._child.started)
        return self._child

    def _wear_out(self, child: "_Child") -> None:
        if self._child is child:
            self._child = None
        self._worn_out.add(child)

    async def _bury_worn_out(self) -> None:
        for child in [child for child in self._worn_out if not child.waiting]:
            self._worn_out.discard(child)
            await child.kill()


class _Child:
    """One `sender` process and the questions it has not answered yet."""

    def __init__(self, allowed: Sequence[Network]) -> None:
        self.waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._numbers = itertools.count(1)
        self._places = asyncio.Semaphore(SENDS_MAX)
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._allowed = [str(network) for network in allowed]
        self.gone = False
        self.started = asyncio.ensure_future(self._start())
        self.started.add_done_callback(lambda task: task.cancelled() or task.exception())

    @property
    def pid(self) -> int | None:
        """The process's id, once it runs."""
        return self._process.pid if self._process else None

    async def ask(self, work: dict[str, Any]) -> dict[str, Any]:
        """The child's answer; NotDelivered when it dies before it gives one."""
        async with self._places:
            process, number = self._process, next(self._numbers)
            if self.gone or process is None or process.stdin is None:
                raise NotDelivered("the sending process ended", retry=True)
            answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
            self.waiting[number] = answer
            try:
                process.stdin.write(json.dumps({"id": number, **work}).encode() + b"\n")
                await process.stdin.drain()
                return await answer
            except (BrokenPipeError, ConnectionResetError):
                raise NotDelivered("the sending process ended", retry=True) from None
            finally:
                self.waiting.pop(number, None)

    async def kill(self) -> None:
        """End it at once; every open question fails."""
        self.started.cancel()
        process, self.gone = self._process, True
        if process is not None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        if self._reader is not None:
            await self._reader

    async def _start(self) -> None:
        environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
        try:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "assets.notifications.sender", *self._allowed, env=environment, limit=LINE_MAX,
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
            )  # fmt: skip
            assert self._process.stdout is not None
            line = await asyncio.wait_for(self._process.stdout.readline(), START_SECONDS)
            if not line:
                raise NotDelivered("the sending process did not start", retry=True)
        except (OSError, TimeoutError, NotDelivered):
            self.gone = True
            raise NotDelivered("the sending process did not start", retry=True) from None
        self._reader = asyncio.create_task(self._read(self._process.stdout))

    async def _read(self, answers: asyncio.StreamReader) -> None:
        try:
            while line := await answers.readline():
                answer = json.loads(line)
                waiting = self.waiting.get(answer["id"])
                if waiting is not None and not waiting.done():
                    waiting.set_result(answer)
        finally:
            self.gone = True
            for waiting in self.waiting.values():
                if not waiting.done():
                    waiting.set_exception(NotDelivered("the sending process ended", retry=True, unsure=True))


def _signed(message: Message, key: str) -> Message:
    """The message with its key at the end, by which people and programs know a repetition."""
    body = message.body if len(message.body) <= BODY_MAX else message.body[: BODY_MAX - 1] + "…"
    return Message(title=" ".join(message.title.split())[:TITLE_MAX], body=f"{body}\n\n#{key}")


def _look_up(host: str) -> list[str]:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise NotDelivered(f"the name of its host is not known: {host[:80]}", retry=True) from None
    return [str(entry[4][0]) for entry in found]
