"""Messages under way: when each is sent, sent again and given up, over one socket per address family for all devices.

No task per message: a heap of deadlines, a queue of those that wait for room, and one reader per socket. What a
datagram means is decided in `replies`.
"""

import asyncio
import errno
import heapq
import os
import socket
import struct
from collections import Counter, OrderedDict, deque
from functools import lru_cache
from ipaddress import ip_address
from itertools import count

from assets.probing import usm
from assets.probing.door import DeviceError, Malformed, NotAsked, Peer, Silent
from assets.probing.endings import badly
from assets.probing.questions import Question
from assets.probing.replies import DATAGRAM_MAX, Replies
from assets.probing.session import Session
from assets.probing.traffic import Meter
from assets.probing.waiting import Device, Pending
from assets.probing.walking import Answer

IN_FLIGHT_MAX = 500  # more would overrun socket buffers when many answer at once (seen from 15,000 on)
IN_FLIGHT_FIRST = 64  # at the start; each answer makes room for one more, so that no burst meets an idle line
SLOT_SECONDS = 0.3  # what has not answered by then holds nobody up: its answer will not come in a burst
DRAIN_MAX = 200  # datagrams per wake-up, and
DRAIN_SECONDS = 0.01  # time for them, so that a flood cannot starve the loop; looked at more often
LARGE = 1_400  # after datagrams above this, each of which may take a millisecond or two
BUFFER_BYTES = 4 << 20
NOISE_MAX = 50  # datagrams refused in a row; then only what has the number of a question is looked at, and
LIES_MAX = 300  # refused datagrams in all until a question is given up as badly answered
DEVICES_MAX = 20_000  # remembered; those asked longest ago go first
DEAD_AFTER = 3  # silences in a row, after which one try has to do until it answers again
REFUSAL_SECONDS = 0.2  # for the right answer to overtake a refusal that nobody signed
TIMER_SECONDS = 0.02  # deadlines closer together are met together
_ID_LOW, _ID_HIGH = 0x0100_0000, 0x7FFF_FFFF  # always four octets, so that a template can be patched
_DRAWN = struct.Struct("1024I")
_ICMP = {errno.ECONNREFUSED, errno.EHOSTDOWN, errno.EPROTO}  # the refusal of an earlier datagram, told at the next one


@lru_cache(maxsize=65_536)
def _canonical(address: str) -> str:
    """The address as the system writes it, so that it can be compared with where a reply comes from."""
    try:
        return str(ip_address(address))
    except ValueError:
        raise NotAsked("no_address", address=repr(address[:80])) from None


class Flight:
    """Sends questions and brings what came back. Made inside a running loop; sockets open at the first question."""

    def __init__(
        self, *, in_flight_max: int = IN_FLIGHT_MAX, devices_max: int = DEVICES_MAX, meter: Meter | None = None
    ) -> None:
        self._meter = meter
        self.refused: Counter[str] = Counter()
        self._in_flight = 0
        self._in_flight_max = in_flight_max
        self._room = min(IN_FLIGHT_FIRST, in_flight_max)
        self._queue: deque[asyncio.Future[None]] = deque()
        self._sockets: dict[int, socket.socket] = {}
        self._devices: OrderedDict[tuple[str, int], Device] = OrderedDict()
        self._devices_max = devices_max
        self._salts = usm.Salts()
        self._deadlines: list[tuple[float, int, Pending]] = []
        self._tickets = count()  # so that no two deadlines compare alike
        self._timer: asyncio.TimerHandle | None = None
        self._random: list[int] = []
        self._loop = asyncio.get_running_loop()
        self._replies = Replies(now=self._loop.time, answered=self._answered, refused=self._refused)
        self._closed = False

    def device(self, peer: Peer) -> Device:
        """What is known at an address and port."""
        device = self._devices.get((peer.address, peer.port))
        if device is not None:
            return device
        key = (_canonical(peer.address), peer.port)
        device = self._devices.get(key)
        if device is None:
            device = self._devices[key] = Device(key)
            if len(self._devices) > self._devices_max:
                self._drop_one()
        return device

    async def begin(
        self,
        device: Device,
        peer: Peer,
        question: Question,
        session: Session | None,
        *,
        learns: bool,
        then: Question | None = None,
    ) -> Pending:
        """Sends a message when it is its turn; `finish` must be awaited for it at once."""
        if self._queue or self._in_flight >= self._room:
            await self._turn()
            device = self._devices.setdefault(device.key, device)  # it may have been forgotten meanwhile
        else:
            self._in_flight += 1
        try:
            if self._closed:
                raise NotAsked("stopped")
            request_id = self._new_id()
            tries = peer.tries if device.silences < DEAD_AFTER else 1
            pending = Pending(
                device, request_id, question, session, learns, peer.timeout_seconds, tries, self._loop.create_future(),
                tries, self._socket(device.key[0]), self._message(question, session, request_id), then,
            )  # fmt: skip
        except BaseException:
            self._free()
            raise
        self._replies.expect(pending)
        if not device.waiting:
            device.noise = 0
        device.waiting.append(pending)
        now = self._loop.time()
        self._try(pending, now)
        self._remind(pending, min(pending.until, now + SLOT_SECONDS))
        return pending

    async def finish(self, pending: Pending) -> Answer | usm.Head:
        """What came back: the answer, or a report that the session can follow; raises a DeviceError."""
        try:
            reply = await pending.future
        except Silent:
            pending.device.silences += 1
            raise
        finally:
            self._forget(pending)
        pending.device.silences = 0
        return reply

    def sockets(self) -> tuple[socket.socket, ...]:
        """The sockets open now, at most one per address family."""
        return tuple(self._sockets.values())

    def close(self) -> None:
        """Closes the sockets; questions under way end as NotAsked."""
        self._closed = True
        if self._timer:
            self._timer.cancel()
        for sock in self._sockets.values():
            self._loop.remove_reader(sock.fileno())
            sock.close()
        self._sockets.clear()
        for pending in self._replies.all():
            if not pending.future.done():
                pending.future.set_exception(NotAsked("stopped"))

    def _answered(self, pending: Pending, reply: Answer | usm.Head) -> None:
        if pending.then is not None and isinstance(reply, Answer) and reply.values is not None:
            self._follow(pending, reply, pending.then)
            return
        pending.future.set_result(reply)
        if self._room < self._in_flight_max:
            self._room += 1

    def _refused(self, pending: Pending, verdict: "DeviceError | usm.Head") -> None:
        if pending.refusal is None:
            pending.refusal = verdict
            self._remind(pending, self._loop.time() + REFUSAL_SECONDS)

    def _follow(self, pending: Pending, answer: Answer, question: Question) -> None:
        """Asks what comes next without waking anybody; the deadlines go on with the new question."""
        self._replies.retire(pending.request_id)
        pending.first, pending.first_at = answer, self._loop.time()
        pending.question, pending.then, pending.left = question, None, pending.tries
        request_id = pending.request_id = self._new_id()
        pending.message = self._message(question, pending.session, request_id)
        self._replies.expect(pending)
        self._try(pending, pending.first_at)

    def _message(self, question: Question, session: Session | None, request_id: int) -> bytes:
        octets = request_id.to_bytes(4, "big")
        if session is None:
            return question.head + octets + question.tail
        before, after = session.scoped(question, question.pdu, question.repetitions, question.contents)
        when = session.clock.now(self._loop.time())
        return usm.sealed(session.keys, request_id, when, before + octets + after, self._salts.next())

    def _try(self, pending: Pending, now: float) -> None:
        """Sends the question again, or gives it up when no try is left."""
        if pending.left == 0:
            self._give_up(pending)
            return
        pending.left -= 1
        try:
            pending.sock.sendto(pending.message, pending.device.key)
            if self._meter is not None:
                self._meter.sent(pending.device.key, len(pending.message))
        except (BlockingIOError, InterruptedError):
            self.refused["send buffer full"] += 1  # as if lost on the way: the next try sends it again
            self._room = max(self._room // 2, min(IN_FLIGHT_FIRST, self._in_flight_max))
        except OSError as error:
            if error.errno not in _ICMP:
                pending.future.set_exception(NotAsked("cannot_send", error=str(error.strerror)))
                return
            self.refused["icmp"] += 1
        # The request-id stays: a late answer to the first try still counts during the second.
        pending.until = now + pending.timeout

    def _give_up(self, pending: Pending) -> None:
        error: DeviceError
        if isinstance(pending.refusal, usm.Head):
            self._answered(pending, pending.refusal)
            return
        if pending.refusal:
            error = pending.refusal
        elif pending.complaint:
            code, params = badly(pending.complaint)
            error = Malformed(code, **params)
        else:
            error = Silent("no_answer", tries=pending.tries, seconds=pending.timeout)
        pending.future.set_exception(error)

    def _remind(self, pending: Pending, at: float) -> None:
        heapq.heappush(self._deadlines, (at, next(self._tickets), pending))
        if self._timer is None:
            self._timer = self._loop.call_at(max(at, self._loop.time() + TIMER_SECONDS), self._meet_deadlines)

    def _meet_deadlines(self) -> None:
        for sock in self._sockets.values():
            self._drain(sock)  # what has come before a deadline counts, however late the loop gets to it
        now = self._loop.time()
        self._timer = None
        due = []
        while self._deadlines and self._deadlines[0][0] <= now:
            due.append(heapq.heappop(self._deadlines)[2])
        for pending in due:
            if pending.future.done():
                continue
            if pending.slot:
                pending.slot = False
                self._free()
            if pending.refusal:
                self._give_up(pending)
                continue
            if pending.until <= now:
                self._try(pending, now)
            if not pending.future.done():
                heapq.heappush(self._deadlines, (pending.until, next(self._tickets), pending))
        if self._deadlines and self._timer is None:
            self._timer = self._loop.call_at(max(self._deadlines[0][0], now + TIMER_SECONDS), self._meet_deadlines)

    def _forget(self, pending: Pending) -> None:
        if pending.slot:
            pending.slot = False
            self._free()
        self._replies.retire(pending.request_id)
        pending.device.waiting.remove(pending)
        if not pending.future.done():
            pending.future.cancel()
        elif not pending.future.cancelled():
            pending.future.exception()  # read, so that a stop between answer and reader is not logged as lost

    async def _turn(self) -> None:
        """Waits for room in flight, first come first served."""
        turn = self._loop.create_future()
        self._queue.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._in_flight -= 1
                self._admit()
            raise

    def _free(self) -> None:
        self._in_flight -= 1
        self._admit()

    def _admit(self) -> None:
        while self._queue and self._in_flight < self._room:
            turn = self._queue.popleft()
            if not turn.done():
                self._in_flight += 1
                turn.set_result(None)

    def _new_id(self) -> int:
        # Drawn, not counted: a device that knows its own numbers must not know those of its neighbours.
        while True:
            if not self._random:
                self._random = list(_DRAWN.unpack(os.urandom(_DRAWN.size)))
            drawn = _ID_LOW + self._random.pop() % (_ID_HIGH - _ID_LOW)
            if not self._replies.knows(drawn):
                return drawn

    def _drop_one(self) -> None:
        for _ in range(self._in_flight_max + len(self._queue) + 1):
            key, oldest = self._devices.popitem(last=False)
            if not oldest.waiting:
                return
            self._devices[key] = oldest

    def _socket(self, address: str) -> socket.socket:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        sock = self._sockets.get(family)
        if sock is None:
            try:
                sock = socket.socket(family, socket.SOCK_DGRAM)
            except OSError as error:
                raise NotAsked("no_socket", error=str(error.strerror)) from None
            sock.setblocking(False)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
            self._loop.add_reader(sock.fileno(), self._drain, sock)
            self._sockets[family] = sock
        return sock

    def _drain(self, sock: socket.socket) -> None:
        until = self._loop.time() + DRAIN_SECONDS
        for number in range(1, DRAIN_MAX + 1):
            try:
                data, source = sock.recvfrom(DATAGRAM_MAX + 1)
            except (BlockingIOError, InterruptedError):
                return
            except OSError:  # an ICMP refusal of an earlier datagram; it says nothing about which
                self.refused["icmp"] += 1
                continue
            source = source if len(source) == 2 else source[:2]
            if self._meter is not None:
                self._meter.received(source, len(data))
            self._receive(data, source)
            if (number % 16 == 0 or len(data) > LARGE) and self._loop.time() > until:
                return

    def _receive(self, data: bytes, source: tuple[str, int]) -> None:
        """Settles the question that a datagram answers, or counts why it answers none."""
        device = self._devices.get(source)
        if device is None or not device.waiting:
            self.refused["late" if device and self._replies.is_late(data) else "stranger"] += 1
            return
        if device.noise >= NOISE_MAX and not device.numbered(data):
            self.refused["flood"] += 1
            return
        reason = self._replies.settle(data, device)
        if reason is None:
            device.noise = 0
            return
        self.refused[reason] += 1
        if reason == "late":
            return
        device.noise += 1
        for pending in device.waiting:
            pending.complaint = pending.complaint or reason
            pending.lies += 1
            if pending.lies >= LIES_MAX and not pending.future.done():
                self._give_up(pending)
