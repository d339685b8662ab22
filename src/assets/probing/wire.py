"""SNMPv2c on the hot path: one socket per address family for all devices, our own BER, no task per request.

A reply counts only if it comes from the address and port asked, with the version, community, PDU type and request-id
asked for, and with names that fit the question. Anything else is dropped and counted in `refused`; if the device
asked is where it came from and nothing better follows, the question ends as Malformed, not as Silent.
"""

import asyncio
import errno
import os
import socket
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address

from assets.probing import ber, oid
from assets.probing.ber import Value
from assets.probing.contract import Community
from assets.probing.door import Malformed, NotAsked, Peer, Silent, Walked, WrongCredential
from assets.probing.traffic import Meter
from assets.probing.walking import Step, Walk, get_in_parts, run

IN_FLIGHT_MAX = 500  # more would overrun socket buffers when many answer at once (seen from 15,000 on)
DATAGRAM_MAX = 8_192
DRAIN_MAX = 200  # datagrams per wake-up, so that a flood cannot starve the loop
BUFFER_BYTES = 4 << 20
RECENT_MAX = 8_192  # request-ids that were answered or given up: their late replies are no fault
WEAK_MAX = 4_096  # devices remembered as deaf to GETBULK
WEAK_SECONDS = 3_600.0  # then it is tried again: on a bad line two lost questions look the same
_ID_LOW, _ID_HIGH = 0x0100_0000, 0x7FFF_FFFF  # always four octets, so that a template can be patched
_ICMP = {errno.ECONNREFUSED, errno.EHOSTDOWN, errno.EPROTO}  # the refusal of an earlier datagram, told at the next one
STATUS_MAX = 18  # inconsistentName, the last of RFC 3416
_REFUSES = (6, 16)  # noAccess, authorizationError


@dataclass(slots=True)
class _Reply:
    status: int
    index: int
    bindings: ber.Bindings


@dataclass(slots=True, eq=False)
class _Pending:
    """One question under way: sent `tries` times at most, each time `timeout` seconds apart."""

    key: tuple[str, int]
    sock: socket.socket
    message: bytes
    community: bytes
    names: tuple[bytes, ...]  # what a reply to GET must repeat; empty for the other questions
    timeout: float
    tries: int
    future: asyncio.Future[_Reply]
    timer: asyncio.TimerHandle | None = None
    complaint: str = ""


@lru_cache(maxsize=4_096)
def _bindings(names: tuple[bytes, ...]) -> bytes:
    """The bindings of a GET, which is the same every round."""
    return b"".join(map(ber.name, names))


@lru_cache(maxsize=65_536)
def _canonical(address: str) -> str:
    """The address as the system writes it, so that it can be compared with where a reply comes from."""
    try:
        return str(ip_address(address))
    except ValueError:
        raise NotAsked(f"{address[:80]!r} is no numeric address") from None


class Wire:
    """The v2c door. Made inside a running loop; sockets open at the first question."""

    def __init__(self, *, in_flight_max: int = IN_FLIGHT_MAX, meter: Meter | None = None) -> None:
        self._meter = meter
        self.refused: Counter[str] = Counter()
        self._slots = asyncio.Semaphore(in_flight_max)
        self._sockets: dict[int, socket.socket] = {}
        self._pending: dict[int, _Pending] = {}
        self._by_peer: dict[tuple[str, int], list[_Pending]] = {}
        self._recent: deque[int] = deque()
        self._recent_ids: set[int] = set()
        self._weak: dict[tuple[str, int], float] = {}
        self._closed = False

    async def get(self, peer: Peer, oids: Sequence[str]) -> dict[str, Value]:
        """The values of exactly these objects; absent ones are left out."""

        async def ask(names: tuple[str, ...]) -> tuple[int, int, ber.Bindings]:
            reply = await self._ask(peer, ber.GET, names)
            return reply.status, reply.index, reply.bindings

        return await get_in_parts(ask, oids)

    async def walk(self, peer: Peer, roots: Sequence[str], *, limit: int | None = None, texts: bool = False) -> Walked:
        """All rows below each root, guarded (see `walking`); cut walks are marked."""
        walk = Walk(roots, limit=limit, texts=texts, now=asyncio.get_running_loop().time())
        walked = await run(walk, peer, lambda step: self._bulk(peer, step, first=walk.rows == 0))
        self.refused.update(walk.reasons)
        return walked

    def sockets(self) -> tuple[socket.socket, ...]:
        """The sockets open now, at most one per address family."""
        return tuple(self._sockets.values())

    async def close(self) -> None:
        """Closes the sockets; questions under way end as NotAsked."""
        self._closed = True
        loop = asyncio.get_running_loop()
        for sock in self._sockets.values():
            loop.remove_reader(sock.fileno())
            sock.close()
        self._sockets.clear()
        for pending in self._pending.values():
            if not pending.future.done():
                pending.future.set_exception(NotAsked("the probe is being stopped"))

    async def _bulk(self, peer: Peer, step: Step, *, first: bool) -> tuple[int, ber.Bindings]:
        """One GETBULK, or GETNEXT for a device that leaves GETBULK unanswered: (error status, bindings)."""
        key, now = (_canonical(peer.address), peer.port), asyncio.get_running_loop().time()
        if step.repetitions > 1 and self._weak.get(key, 0.0) <= now:
            try:
                reply = await self._ask(peer, ber.GETBULK, step.names, repetitions=step.repetitions)
                return reply.status, reply.bindings
            except Silent:
                if not first:
                    raise
            reply = await self._ask(peer, ber.GETNEXT, step.names)
            self._weak.pop(key, None)
            self._weak[key] = now + WEAK_SECONDS
            while len(self._weak) > WEAK_MAX:
                del self._weak[next(iter(self._weak))]
            return reply.status, reply.bindings
        reply = await self._ask(peer, ber.GETNEXT, step.names)
        return reply.status, reply.bindings

    async def _ask(self, peer: Peer, pdu: int, names: tuple[str, ...], *, repetitions: int = 0) -> _Reply:
        if not isinstance(peer.credential, Community):
            raise NotAsked("this door speaks SNMPv2c only")
        community = peer.credential.community.get_secret_value().encode()
        contents = tuple(map(oid.encode, names))
        bindings = _bindings(contents) if pdu == ber.GET else b"".join(map(ber.name, contents))
        head, tail = ber.request(community=community, pdu=pdu, second=0, third=repetitions, bindings=bindings)
        async with self._slots:
            if self._closed:
                raise NotAsked("the probe is being stopped")
            request_id = self._new_id()
            pending = _Pending(
                key=(_canonical(peer.address), peer.port),
                sock=self._socket(peer.address),
                message=head + request_id.to_bytes(4, "big") + tail,
                community=community,
                names=contents if pdu == ber.GET else (),
                timeout=peer.timeout_seconds,
                tries=peer.tries,
                future=asyncio.get_running_loop().create_future(),
            )
            self._pending[request_id] = pending
            self._by_peer.setdefault(pending.key, []).append(pending)
            try:
                self._try(pending, left=peer.tries)
                reply = await pending.future
            finally:
                self._forget(request_id, pending)
        if reply.status in _REFUSES:
            raise WrongCredential("the device refuses this community")
        return reply

    def _try(self, pending: _Pending, left: int) -> None:
        """Sends the question again, or gives it up when no try is left."""
        if pending.future.done():
            return
        if left == 0:
            silent = f"no answer in {pending.tries} x {pending.timeout:g} s"
            pending.future.set_exception(Malformed(pending.complaint) if pending.complaint else Silent(silent))
            return
        try:
            pending.sock.sendto(pending.message, pending.key)
            if self._meter is not None:
                self._meter.sent(pending.key, len(pending.message))
        except (BlockingIOError, InterruptedError):
            self.refused["send buffer full"] += 1  # as if lost on the way: the next try sends it again
        except OSError as error:
            if error.errno not in _ICMP:
                pending.future.set_exception(NotAsked(f"cannot send: {error.strerror}"))
                return
            self.refused["icmp"] += 1
        # The request-id stays: a late answer to the first try still counts during the second.
        loop = asyncio.get_running_loop()
        pending.timer = loop.call_later(pending.timeout, self._try, pending, left - 1)

    def _forget(self, request_id: int, pending: _Pending) -> None:
        if pending.timer:
            pending.timer.cancel()
        del self._pending[request_id]
        waiting = self._by_peer[pending.key]
        waiting.remove(pending)
        if not waiting:
            del self._by_peer[pending.key]
        if not pending.future.done():
            pending.future.cancel()
        elif not pending.future.cancelled():
            pending.future.exception()  # read, so that a stop between answer and reader is not logged as lost
        self._recent.append(request_id)
        self._recent_ids.add(request_id)
        if len(self._recent) > RECENT_MAX:
            self._recent_ids.discard(self._recent.popleft())

    def _new_id(self) -> int:
        # Drawn, not counted: a device that knows its own numbers must not know those of its neighbours.
        while True:
            drawn = _ID_LOW + int.from_bytes(os.urandom(4), "big") % (_ID_HIGH - _ID_LOW)
            if drawn not in self._pending and drawn not in self._recent_ids:
                return drawn

    def _socket(self, address: str) -> socket.socket:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        if family not in self._sockets:
            try:
                sock = socket.socket(family, socket.SOCK_DGRAM)
            except OSError as error:
                raise NotAsked(f"no socket: {error.strerror}") from None
            sock.setblocking(False)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
            asyncio.get_running_loop().add_reader(sock.fileno(), self._drain, sock)
            self._sockets[family] = sock
        return self._sockets[family]

    def _drain(self, sock: socket.socket) -> None:
        for _ in range(DRAIN_MAX):
            try:
                data, source = sock.recvfrom(DATAGRAM_MAX + 1)
            except (BlockingIOError, InterruptedError):
                return
            except OSError:  # an ICMP refusal of an earlier datagram; it says nothing about which
                self.refused["icmp"] += 1
                continue
            if self._meter is not None:
                self._meter.received((source[0], source[1]), len(data))
            self._receive(data, (source[0], source[1]))

    def _receive(self, data: bytes, source: tuple[str, int]) -> None:
        """Settles the question that a datagram answers, or counts why it answers none."""
        reason = self._settle(data, source)
        if reason is None:
            return
        self.refused[reason] += 1
        if reason == "late":
            return
        for pending in self._by_peer.get(source, ()):
            pending.complaint = pending.complaint or f"the device answers badly: {reason}"

    def _settle(self, data: bytes, source: tuple[str, int]) -> str | None:
        if source not in self._by_peer:
            return "late" if self._is_recent(data) else "stranger"
        if len(data) > DATAGRAM_MAX:
            return "too long"
        try:
            head = ber.header(data)
            pending = self._pending.get(head.request_id)
            if pending is None or pending.key != source:
                return "late" if head.request_id in self._recent_ids else "unknown request-id"
            if pending.future.done():
                return "late"
            if (reason := _unfit(head, pending)) is not None:
                return reason
            bindings = ber.bindings(data, head.body)
        except ber.BadBer:
            return "not well-made"
        if pending.names and head.error_status == 0 and tuple(b[0] for b in bindings) != pending.names:
            return "other names than asked for"
        pending.future.set_result(_Reply(head.error_status, head.error_index, bindings))
        return None

    def _is_recent(self, data: bytes) -> bool:
        try:
            return ber.header(data).request_id in self._recent_ids
        except ber.BadBer:
            return False


def _unfit(head: ber.Header, pending: _Pending) -> str | None:
    """Why a message with the right request-id from the right place is still not the answer."""
    if head.version != ber.V2C:
        return "another version"
    if head.community != pending.community:
        return "another community"
    if head.pdu != ber.RESPONSE:
        return "another PDU type"
    if not 0 <= head.error_status <= STATUS_MAX:
        return "an impossible error status"
    return None
