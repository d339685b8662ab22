"""SNMPv2c and v3 on the hot path: one socket per address family for all devices, our own BER, no task per request.

A reply counts only if it comes from the address and port asked, with the version, credential, PDU type and request-id
asked for, and with names that fit the question; in v3 also from the engine asked, at the level asked, rightly signed
and within its time window. Anything else is dropped and counted in `refused`; if the device asked is where it came from
and nothing better follows, the question ends as Malformed, not as Silent.
"""

import asyncio
import errno
import heapq
import os
import socket
from collections import Counter, OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from ipaddress import ip_address
from itertools import count
from typing import Any
from uuid import UUID

from assets.probing import ber, oid, usm
from assets.probing.ber import Bindings, Value
from assets.probing.contract import Community, Credential, User
from assets.probing.door import (
    GET_NAMES_MAX,
    DeviceError,
    Malformed,
    NotAsked,
    Peer,
    Silent,
    Walked,
    WrongCredential,
)
from assets.probing.session import Session
from assets.probing.shapes import Shape, Shapes
from assets.probing.traffic import Meter
from assets.probing.walking import Answer, Step, Walk, get_in_parts, run, values

IN_FLIGHT_MAX = 500  # more would overrun socket buffers when many answer at once (seen from 15,000 on)
IN_FLIGHT_FIRST = 64  # at the start; each answer makes room for one more, so that no burst meets an idle line
SLOT_SECONDS = 0.3  # what has not answered by then holds nobody up: its answer will not come in a burst
DATAGRAM_MAX = 8_192
DRAIN_MAX = 200  # datagrams per wake-up, and
DRAIN_SECONDS = 0.01  # time for them, so that a flood cannot starve the loop
BUFFER_BYTES = 4 << 20
NOISE_MAX = 50  # refused datagrams until a question is given up as badly answered
DEVICES_MAX = 20_000  # remembered; those asked longest ago go first
DEVICE_SHAPES_MAX = 64
QUESTION_SHAPES_MAX = 256
RECENT_MAX = 8_192  # request-ids that were answered or given up: their late replies are no fault
TEMPLATES_MAX = 4_096
PLANS_MAX = 8  # of one device: targets at one address with their own profiles
WEAK_SECONDS = 3_600.0  # then a device deaf to GETBULK is tried again: on a bad line two lost questions look the same
DEAD_AFTER = 3  # silences in a row, after which one try has to do until it answers again
REFUSAL_SECONDS = 0.2  # for the right answer to overtake a refusal that nobody signed
TIMER_SECONDS = 0.02  # deadlines closer together are met together
ROUNDS_MAX = 4  # of one v3 question: who are you, what time is it, another engine, the answer
_ID_LOW, _ID_HIGH = 0x0100_0000, 0x7FFF_FFFF  # always four octets, so that a template can be patched
_ICMP = {errno.ECONNREFUSED, errno.EHOSTDOWN, errno.EPROTO}  # the refusal of an earlier datagram, told at the next one
STATUS_MAX = 18  # inconsistentName, the last of RFC 3416
_REFUSES = (6, 16)  # noAccess, authorizationError


@dataclass(slots=True, eq=False)
class _Question:
    """A question as it is the same every round: octets before and after the request-id, and what names must come back."""

    pdu: int
    names: tuple[str, ...]
    contents: tuple[bytes, ...]
    repetitions: int
    head: bytes = b""
    tail: bytes = b""
    community: bytes = b""
    sizes: dict[int, Shape | None] = field(default_factory=dict)  # shapes of replies by their size; None: seen once


@dataclass(slots=True, eq=False)
class _Plan:
    """A look that takes one GET and one GETBULK, as it did the last time."""

    single: _Question
    step: Step
    rows: _Question


@dataclass(frozen=True, slots=True)
class Polled:
    """One look: single objects, when they came (seconds after the question), and the columns or why they did not come."""

    scalars: dict[str, Value]
    seconds: float
    walked: Walked | DeviceError


@dataclass(slots=True, eq=False)
class _Device:
    """What is known of an address and port, and the questions that wait for an answer from there."""

    key: tuple[str, int]
    waiting: "list[_Pending]" = field(default_factory=list)
    shapes: dict[_Question, "Shape | int"] = field(default_factory=dict)  # where it answers unlike others; see `_learn`
    rows: dict[tuple[str, ...], int] = field(default_factory=dict)  # of the longest column of a walk
    plans: dict[tuple[Any, ...], _Plan] = field(default_factory=dict)
    sessions: dict[UUID, Session] = field(default_factory=dict)
    bulk: bool = False  # has answered a GETBULK
    weak_until: float = 0.0
    silences: int = 0


@dataclass(slots=True, eq=False)
class _Pending:
    """One message under way: sent `tries` times at most, each time `timeout` seconds apart."""

    device: _Device
    request_id: int
    question: _Question
    session: Session | None  # of SNMPv3
    learns: bool  # whether the shape of the reply may be used and kept
    timeout: float
    tries: int
    future: "asyncio.Future[Answer | usm.Head]"
    left: int
    sock: socket.socket
    message: bytes
    then: _Question | None = None  # asked as soon as the first is answered as it was the last time
    first: Answer | None = None
    first_at: float = 0.0
    slot: bool = True
    until: float = 0.0  # the end of this try
    noise: int = 0
    complaint: str = ""
    refusal: DeviceError | None = None


@lru_cache(maxsize=65_536)
def _canonical(address: str) -> str:
    """The address as the system writes it, so that it can be compared with where a reply comes from."""
    try:
        return str(ip_address(address))
    except ValueError:
        raise NotAsked(f"{address[:80]!r} is no numeric address") from None


class Wire:
    """The door for v2c and v3. Made inside a running loop; sockets open at the first question."""

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
        self._pending: dict[int, _Pending] = {}
        self._devices: OrderedDict[tuple[str, int], _Device] = OrderedDict()
        self._devices_max = devices_max
        self._questions: OrderedDict[tuple[Any, ...], _Question] = OrderedDict()
        self._communities: dict[UUID, tuple[Credential, bytes]] = {}
        self._shapes = Shapes()
        self._plans: dict[tuple[Any, ...], _Plan] = {}
        self._rows: dict[tuple[str, ...], int] = {}
        self._keyring = usm.Keyring()
        self._salts = usm.Salts()
        self._deadlines: list[tuple[float, int, _Pending]] = []
        self._tickets = count()  # so that no two deadlines compare alike
        self._timer: asyncio.TimerHandle | None = None
        self._recent: deque[int] = deque()
        self._recent_ids: set[int] = set()
        self._random = b""
        self._random_at = 0
        self._loop = asyncio.get_running_loop()
        self._closed = False

    async def get(self, peer: Peer, oids: Sequence[str]) -> dict[str, Value]:
        """The values of exactly these objects; absent ones are left out."""

        async def ask(names: tuple[str, ...]) -> tuple[int, int, Bindings | dict[str, Value]]:
            answer = await self._ask(peer, ber.GET, names)
            return answer.status, answer.index, _found(names, answer) if answer.status == 0 else []

        if 0 < len(oids) <= GET_NAMES_MAX:
            answer = await self._ask(peer, ber.GET, names := tuple(oids))
            if answer.status == 0:
                return _found(names, answer)
        return await get_in_parts(ask, oids)

    async def walk(self, peer: Peer, roots: Sequence[str], *, limit: int | None = None, texts: bool = False) -> Walked:
        """All rows below each root, guarded (see `walking`); cut walks are marked."""
        return (await self._walk(peer, tuple(roots), limit=limit, texts=texts))[0]

    async def poll(self, peer: Peer, names: tuple[str, ...], roots: tuple[str, ...]) -> Polled:
        """`get` and then `walk`, in one go where both went as they will go the next time; raises what `get` raises."""
        device, key = self._device(peer), (peer.credential.id, names, roots)
        plan = device.plans.get(key) or self._plans.get(key)
        if plan is None:
            return await self._poll_slowly(peer, names, roots, key)
        session = self._session(peer, peer.credential) if isinstance(peer.credential, User) else None
        if (session is not None and not session.engine) or device.weak_until > self._loop.time():
            return await self._poll_slowly(peer, names, roots, key)
        started = self._loop.time()
        pending = await self._begin(device, peer, plan.single, session, learns=True, then=plan.rows)
        try:
            reply = await self._finish(pending)
        except DeviceError as error:
            if pending.first is not None:
                scalars, seconds = _found(names, pending.first), pending.first_at - started
                if isinstance(error, Silent) and not device.bulk:  # it may be deaf to GETBULK
                    return await self._rest(peer, scalars, seconds, roots, key)
                return Polled(scalars, seconds, error)
            if session is None or not isinstance(error, Silent):
                raise
            await self._doubt(peer, session)
            return await self._poll_slowly(peer, names, roots, key)
        if pending.first is None or not isinstance(reply, Answer):  # otherwise than the last time
            if isinstance(reply, usm.Head) and session is not None:
                session.follow(reply, self._loop.time())
            elif isinstance(reply, Answer) and reply.status == 0:
                return await self._rest(peer, _found(names, reply), self._loop.time() - started, roots, key)
            return await self._poll_slowly(peer, names, roots, key)
        if session is not None:
            session.answered()
        device.bulk = True
        scalars = _found(names, pending.first)
        if (walked := _whole(reply, roots)) is None:
            device.plans.pop(key, None)
            return await self._rest(peer, scalars, pending.first_at - started, roots, key, (plan.step, reply))
        return Polled(scalars, pending.first_at - started, walked)

    async def _poll_slowly(self, peer: Peer, names: tuple[str, ...], roots: tuple[str, ...], key: Any) -> Polled:
        started = self._loop.time()
        scalars = await self.get(peer, names)
        return await self._rest(peer, scalars, self._loop.time() - started, roots, key)

    async def _rest(
        self,
        peer: Peer,
        scalars: dict[str, Value],
        seconds: float,
        roots: tuple[str, ...],
        key: Any,
        begun: tuple[Step, Answer] | None = None,
    ) -> Polled:
        """The walk of a look; a plan for the next time if it took one question and would take the same."""
        try:
            walked, step = await self._walk(peer, roots, begun=begun)
        except DeviceError as error:
            return Polled(scalars, seconds, error)
        device = self._device(peer)
        if step is not None and step.roots == roots and 0 < len(key[1]) <= GET_NAMES_MAX:
            who = self._who(peer.credential)
            pdu = ber.GETBULK if step.repetitions > 1 else ber.GETNEXT
            single = self._question(who, ber.GET, key[1], None)
            plan = _Plan(single, step, self._question(who, pdu, step.names, step))
            plans = device.plans if key in self._plans else self._plans  # the first serves all that answer alike
            if len(plans) >= (PLANS_MAX if plans is device.plans else TEMPLATES_MAX):
                plans.clear()
            plans[key] = plan
        return Polled(scalars, seconds, walked)

    async def _walk(
        self,
        peer: Peer,
        roots: tuple[str, ...],
        *,
        limit: int | None = None,
        texts: bool = False,
        begun: tuple[Step, Answer] | None = None,
    ) -> tuple[Walked, Step | None]:
        """(what was walked, the one question that brought it all and will be asked in the same way the next time)."""
        device = self._device(peer)
        expected = device.rows.get(roots, self._rows.get(roots)) if limit is None else None
        walk = Walk(roots, limit=limit, texts=texts, now=self._loop.time(), expected=expected)
        steps: list[Step] = []

        async def ask(step: Step) -> Answer:
            steps.append(step)
            if begun is not None and len(steps) == 1 and step == begun[0]:
                return begun[1]
            return await self._bulk(peer, step, first=walk.rows == 0)

        walked = await run(walk, peer, ask)
        if walk.reasons:
            self.refused.update(walk.reasons)
            device.rows.pop(roots, None)
        elif limit is None and walk.longest != expected:
            if expected is None and len(self._rows) < TEMPLATES_MAX:
                self._rows[roots] = walk.longest  # what to expect of others
            else:
                device.rows[roots] = walk.longest
        elif limit is None and len(steps) == 1:
            return walked, steps[0]
        return walked, None

    def sockets(self) -> tuple[socket.socket, ...]:
        """The sockets open now, at most one per address family."""
        return tuple(self._sockets.values())

    async def close(self) -> None:
        """Closes the sockets; questions under way end as NotAsked."""
        self._closed = True
        if self._timer:
            self._timer.cancel()
        for sock in self._sockets.values():
            self._loop.remove_reader(sock.fileno())
            sock.close()
        self._sockets.clear()
        self._keyring.clear()
        for pending in self._pending.values():
            if not pending.future.done():
                pending.future.set_exception(NotAsked("the probe is being stopped"))

    async def _bulk(self, peer: Peer, step: Step, *, first: bool) -> Answer:
        """One GETBULK, or GETNEXT for a device that leaves GETBULK unanswered."""
        device = self._device(peer)
        if step.repetitions > 1 and device.weak_until <= self._loop.time():
            try:
                answer = await self._ask(peer, ber.GETBULK, step.names, step)
                device.bulk = True
                return answer
            except Silent:
                if not first:
                    raise
            answer = await self._ask(peer, ber.GETNEXT, step.names, step)
            device.weak_until = self._loop.time() + WEAK_SECONDS
            return answer
        return await self._ask(peer, ber.GETNEXT, step.names, step)

    async def _ask(self, peer: Peer, pdu: int, names: tuple[str, ...], step: Step | None = None) -> Answer:
        if isinstance(peer.credential, User):
            answer = await self._ask_v3(peer, peer.credential, pdu, names, step)
        else:
            question = self._question(self._who(peer.credential), pdu, names, step)
            reply = await self._send(peer, question, None, learns=step is None or step.whole)
            assert isinstance(reply, Answer)
            answer = reply
        if answer.status in _REFUSES:
            who = "user" if isinstance(peer.credential, User) else "community"
            raise WrongCredential(f"the device refuses this {who}")
        return answer

    async def _ask_v3(self, peer: Peer, user: User, pdu: int, names: tuple[str, ...], step: Step | None) -> Answer:
        """The answer to a user: finds out the engine and its time first, and again when they are not what they were."""
        if not usm.speaks(user):
            raise NotAsked("this door encrypts with AES only")
        session = self._session(peer, user)
        question = self._question(user.id, pdu, names, step)
        for _ in range(ROUNDS_MAX):
            if not session.engine:
                await self._discover(peer, session)
            try:
                reply = await self._send(peer, question, session, learns=step is None or step.whole)
            except Silent:
                await self._doubt(peer, session)
                continue
            if isinstance(reply, Answer):
                session.answered()
                return reply
            session.follow(reply, self._loop.time())
        raise Malformed("the device answers badly: its engine or its time changes with every question")

    async def _doubt(self, peer: Peer, session: Session) -> None:
        """After silence: nobody may be there (Silent), or somebody who meets what he cannot decrypt with silence."""
        await self._discover(replace(peer, tries=1), session)
        if session.fruitless():
            raise WrongCredential("the device speaks SNMPv3, but not with this user and privacy key") from None

    async def _discover(self, peer: Peer, session: Session) -> None:
        """Asks an engine who it is (RFC 3414 §4); what it says of its time is good for asking, and proves nothing."""
        reply = await self._send(peer, _WHO, Session(session.user, self._keyring), learns=False)
        assert isinstance(reply, usm.Head)
        session.meet(reply, self._loop.time())

    async def _send(
        self, peer: Peer, question: _Question, session: Session | None, *, learns: bool
    ) -> "Answer | usm.Head":
        """One message and what came back to it: the answer, or a report that the session can follow."""
        return await self._finish(await self._begin(self._device(peer), peer, question, session, learns=learns))

    async def _begin(
        self,
        device: _Device,
        peer: Peer,
        question: _Question,
        session: Session | None,
        *,
        learns: bool,
        then: _Question | None = None,
    ) -> _Pending:
        """Sends a message when it is its turn; `_finish` must be awaited for it at once."""
        if self._queue or self._in_flight >= self._room:
            await self._turn()
            device = self._devices.setdefault(device.key, device)  # it may have been forgotten meanwhile
        else:
            self._in_flight += 1
        try:
            if self._closed:
                raise NotAsked("the probe is being stopped")
            request_id = self._new_id()
            tries = peer.tries if device.silences < DEAD_AFTER else 1
            pending = _Pending(
                device, request_id, question, session, learns, peer.timeout_seconds, tries, self._loop.create_future(),
                tries, self._socket(device.key[0]), self._message(question, session, request_id), then,
            )  # fmt: skip
        except BaseException:
            self._free()
            raise
        self._pending[request_id] = pending
        device.waiting.append(pending)
        now = self._loop.time()
        self._try(pending, now)
        self._remind(pending, min(pending.until, now + SLOT_SECONDS))
        return pending

    async def _finish(self, pending: _Pending) -> "Answer | usm.Head":
        try:
            reply = await pending.future
        except Silent:
            pending.device.silences += 1
            raise
        finally:
            self._forget(pending)
        pending.device.silences = 0
        return reply

    def _follow(self, pending: _Pending, answer: Answer, question: _Question) -> None:
        """Asks what comes next without waking anybody; the deadlines go on with the new question."""
        self._retire(pending.request_id)
        pending.first, pending.first_at = answer, self._loop.time()
        pending.question, pending.then, pending.left = question, None, pending.tries
        request_id = pending.request_id = self._new_id()
        pending.message = self._message(question, pending.session, request_id)
        self._pending[request_id] = pending
        self._try(pending, pending.first_at)

    def _message(self, question: _Question, session: Session | None, request_id: int) -> bytes:
        octets = request_id.to_bytes(4, "big")
        if session is None:
            return question.head + octets + question.tail
        before, after = session.scoped(question, question.pdu, question.repetitions, question.contents)
        when = session.clock.now(self._loop.time())
        return usm.sealed(session.keys, request_id, when, before + octets + after, self._salts.next())

    def _try(self, pending: _Pending, now: float) -> None:
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
                pending.future.set_exception(NotAsked(f"cannot send: {error.strerror}"))
                return
            self.refused["icmp"] += 1
        # The request-id stays: a late answer to the first try still counts during the second.
        pending.until = now + pending.timeout

    def _give_up(self, pending: _Pending) -> None:
        if pending.refusal:
            error = pending.refusal
        elif pending.complaint:
            error = Malformed(pending.complaint)
        else:
            error = Silent(f"no answer in {pending.tries} x {pending.timeout:g} s")
        pending.future.set_exception(error)

    def _remind(self, pending: _Pending, at: float) -> None:
        heapq.heappush(self._deadlines, (at, next(self._tickets), pending))
        if self._timer is None:
            self._timer = self._loop.call_at(max(at, self._loop.time() + TIMER_SECONDS), self._meet_deadlines)

    def _meet_deadlines(self) -> None:
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

    def _forget(self, pending: _Pending) -> None:
        if pending.slot:
            pending.slot = False
            self._free()
        self._retire(pending.request_id)
        pending.device.waiting.remove(pending)
        if not pending.future.done():
            pending.future.cancel()
        elif not pending.future.cancelled():
            pending.future.exception()  # read, so that a stop between answer and reader is not logged as lost

    def _retire(self, request_id: int) -> bool:
        if self._pending.pop(request_id, None) is None:
            return False
        self._recent.append(request_id)
        self._recent_ids.add(request_id)
        if len(self._recent) > RECENT_MAX:
            self._recent_ids.discard(self._recent.popleft())
        return True

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
            if self._random_at >= len(self._random):
                self._random, self._random_at = os.urandom(4_096), 0
            octets = self._random[self._random_at : self._random_at + 4]
            self._random_at += 4
            drawn = _ID_LOW + int.from_bytes(octets, "big") % (_ID_HIGH - _ID_LOW)
            if drawn not in self._pending and drawn not in self._recent_ids:
                return drawn

    def _device(self, peer: Peer) -> _Device:
        device = self._devices.get((peer.address, peer.port))
        if device is not None:
            return device
        key = (_canonical(peer.address), peer.port)
        device = self._devices.get(key)
        if device is None:
            device = self._devices[key] = _Device(key)
            if len(self._devices) > self._devices_max:
                self._drop_one()
        return device

    def _drop_one(self) -> None:
        for _ in range(self._in_flight_max + len(self._queue) + 1):
            key, oldest = self._devices.popitem(last=False)
            if not oldest.waiting:
                return
            self._devices[key] = oldest

    def _session(self, peer: Peer, user: User) -> Session:
        sessions = self._device(peer).sessions
        session = sessions.get(user.id)
        if session is None or session.user != user:
            while len(sessions) >= 8:  # credentials that were tried here once
                del sessions[next(iter(sessions))]
            session = sessions[user.id] = Session(user, self._keyring)
        return session

    def _who(self, credential: Credential) -> bytes | UUID:
        """What makes one asker's questions differ from another's: the community; a user's are sealed later."""
        if not isinstance(credential, Community):
            return credential.id
        known = self._communities.get(credential.id)
        if known is None or known[0] is not credential:
            if len(self._communities) >= TEMPLATES_MAX:
                self._communities.clear()
            known = self._communities[credential.id] = (credential, credential.community.get_secret_value().encode())
        return known[1]

    def _question(self, who: bytes | UUID, pdu: int, names: tuple[str, ...], step: Step | None) -> _Question:
        repetitions, roots = (step.repetitions, step.roots) if step and pdu == ber.GETBULK else (0, step and step.roots)
        key = (who, pdu, names, repetitions, roots)
        known = self._questions.get(key)
        if known is None:
            contents = tuple(map(oid.encode, names))
            known = _Question(pdu, names, contents, repetitions)
            if isinstance(who, bytes):
                known.community = who
                known.head, known.tail = ber.request(
                    community=who, pdu=pdu, second=0, third=repetitions, bindings=b"".join(map(ber.name, contents))
                )
            if len(self._questions) >= TEMPLATES_MAX:
                self._questions.popitem(last=False)
            self._questions[key] = known
        return known

    def _socket(self, address: str) -> socket.socket:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        sock = self._sockets.get(family)
        if sock is None:
            try:
                sock = socket.socket(family, socket.SOCK_DGRAM)
            except OSError as error:
                raise NotAsked(f"no socket: {error.strerror}") from None
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
            if number % 16 == 0 and self._loop.time() > until:
                return

    def _receive(self, data: bytes, source: tuple[str, int]) -> None:
        """Settles the question that a datagram answers, or counts why it answers none."""
        device = self._devices.get(source)
        if device is None or not device.waiting:
            self.refused["late" if device and _number(data) in self._recent_ids else "stranger"] += 1
            return
        reason = self._settle(data, device)
        if reason is None:
            return
        self.refused[reason] += 1
        if reason == "late":
            return
        for pending in device.waiting:
            pending.complaint = pending.complaint or f"the device answers badly: {reason}"
            pending.noise += 1
            if pending.noise >= NOISE_MAX and not pending.future.done():
                self._give_up(pending)

    def _settle(self, data: bytes, device: _Device) -> str | None:
        if len(data) > DATAGRAM_MAX:
            return "too long"
        if self._settle_shaped(data, device):
            return None
        try:
            if any(p.session for p in device.waiting) and _version(data) == usm.V3:
                return self._settle_v3(data, device)
            return self._settle_v2c(data, device)
        except ber.BadBer:
            return "not well-made"

    def _settle_shaped(self, data: bytes, device: _Device) -> bool:
        """Settles a v2c answer that is built like one before; False, and nothing done, for any other datagram."""
        size, tried = len(data), None
        for waiting in device.waiting:
            question = waiting.question
            if question is tried or waiting.session is not None:
                continue
            tried = question
            for shape in (question.sizes.get(size), device.shapes.get(question)):
                changing = _read(shape, data)
                if changing is None or not isinstance(shape, Shape):
                    continue
                pending = self._pending.get(changing[0])
                if (
                    pending is None
                    or pending.device is not device
                    or pending.question is not question
                    or not pending.learns
                    or pending.future.done()
                ):
                    return False
                self._answer(pending, Answer(0, 0, (), shape, changing))
                return True
        return False

    def _settle_v2c(self, data: bytes, device: _Device) -> str | None:
        head = ber.header(data)
        pending = self._pending.get(head.request_id)
        if pending is None or pending.device is not device:
            return "late" if head.request_id in self._recent_ids else "unknown request-id"
        if pending.future.done():
            return "late"
        if pending.session is not None or head.version != ber.V2C:
            return "another version"
        if head.community != pending.question.community:
            return "another community"
        if (reason := _unfit(head.pdu, head.error_status, head.error_index)) is not None:
            return reason
        return self._take(pending, data, head.at, head.body, head.error_status, head.error_index)

    def _settle_v3(self, data: bytes, device: _Device) -> str | None:
        if self._settle_framed(data, device):
            return None
        found = usm.head(data)
        pending = self._pending.get(found.number)
        if pending is None or pending.device is not device:
            return "late" if found.number in self._recent_ids else "unknown request-id"
        if pending.future.done():
            return "late"
        session = pending.session
        if session is None:
            return "another version"
        now = self._loop.time()
        keys = session.keys
        level = found.flags & 0x03
        if level != keys.level:
            # The only messages below the level asked for that say anything are reports, and those prove nothing.
            if level & usm.PRIVACY and not level & usm.AUTH:
                return "an impossible level"
            return self._settle_report(data, found, pending, now)
        if keys.engine and found.engine != keys.engine:
            return "another engine" if level else self._settle_report(data, found, pending, now)
        if found.user != keys.user and keys.level:
            return "another user"
        if level & usm.AUTH:
            if len(found.digest) != keys.digest:
                return "a digest of another length"
            if not usm.authentic(data, found.digest, found.digest_at, keys):
                return "another digest"
        plain = usm.opened(data, found, keys)
        scoped = usm.scoped(plain, 0, len(plain))
        if scoped.pdu == usm.REPORT:
            return self._settle_report(data, found, pending, now)
        if pending.question is _WHO:
            return "another PDU type"
        if level & usm.AUTH and not session.clock.accepts(found.boots, found.time, now):
            return "outside the time window"
        if scoped.engine != keys.engine or scoped.context:
            return "another context"
        if (reason := _unfit(scoped.pdu, scoped.error_status, scoped.error_index)) is not None:
            return reason
        if scoped.request_id != pending.request_id:
            return "unknown request-id"
        self._frame(session, data, found)
        pdu = scoped.data[scoped.at :]
        if pending.learns:
            for shape in (pending.question.sizes.get(len(pdu)), device.shapes.get(pending.question)):
                changing = _read(shape, pdu)
                if changing is not None and changing[0] == pending.request_id and isinstance(shape, Shape):
                    self._answer(pending, Answer(0, 0, (), shape, changing))
                    return None
        return self._take(pending, pdu, 0, scoped.body - scoped.at, scoped.error_status, scoped.error_index)

    def _settle_framed(self, data: bytes, device: _Device) -> bool:
        """Settles an answer that is built like the last one; False, and nothing done, for any other message."""
        session = device.waiting[0].session
        frame = session.frames.get(len(data)) if session is not None else None
        if session is None or frame is None or (read := frame.read(data)) is None:
            return False
        number, time, digest, salt, cipher = read
        pending = self._pending.get(number)
        if pending is None or pending.session is not session or pending.device is not device or pending.future.done():
            return False
        if not pending.learns:
            return False
        keys = session.keys
        if not usm.authentic(data, digest, frame.digest_at, keys):
            return False
        plain = usm.decrypted(keys, frame.boots, time, salt, cipher)
        head = session.context(len(plain))
        if not plain.startswith(head):
            return False
        pdu, question = plain[len(head) :], pending.question
        changing, shape = _read(question.sizes.get(len(pdu)), pdu), question.sizes.get(len(pdu))
        if changing is None:
            shape = device.shapes.get(question)  # type: ignore[assignment]
            changing = _read(shape, pdu)
        if changing is None or changing[0] != number or not isinstance(shape, Shape):
            return False
        if not session.clock.accepts(frame.boots, time, self._loop.time()):
            return False
        self._answer(pending, Answer(0, 0, (), shape, changing))
        return True

    def _frame(self, session: Session, data: bytes, found: usm.Head) -> None:
        if len(session.frames) >= DEVICE_SHAPES_MAX:
            session.frames.clear()
        if (made := usm.Frame.of(data, found)) is not None:
            session.frames[len(data)] = made

    def _settle_report(self, data: bytes, found: usm.Head, pending: _Pending, now: float) -> str | None:
        """What a report means for the question: a step to follow, a refusal that ends it soon, or nothing."""
        session = pending.session
        assert session is not None
        verdict = session.judge(data, found)
        if isinstance(verdict, str):
            return verdict
        if isinstance(verdict, DeviceError):
            if pending.refusal is None:
                pending.refusal = verdict
                self._remind(pending, now + REFUSAL_SECONDS)
            return "a refusal"
        self._answer(pending, verdict)
        return None

    def _take(self, pending: _Pending, data: bytes, at: int, body: int, status: int, index: int) -> str | None:
        """Decodes the bindings of a reply that is the right one in everything else."""
        bindings = ber.bindings(data, body)
        question = pending.question
        if question.pdu != ber.GET:
            for name, _, _ in bindings:
                try:
                    oid.arcs(name)
                except ValueError:
                    return "not well-made"
        elif status == 0 and tuple([b[0] for b in bindings]) != question.contents:
            return "other names than asked for"
        shape = self._learn(pending, data, at, body, bindings) if status == 0 and pending.learns and bindings else None
        self._answer(pending, Answer(status, index, bindings, shape))
        return None

    def _learn(self, pending: _Pending, data: bytes, at: int, body: int, bindings: Bindings) -> Shape | None:
        """Notes a reply; the next of its size makes a shape, so that what is asked once leaves none behind.

        The first shape of a size serves every device that answers this question alike; a device that does not, though
        the size is the same, has one of its own.
        """
        own, question, size = pending.device.shapes, pending.question, len(data)
        alike = question.sizes.get(size)
        if size not in question.sizes:
            if len(question.sizes) >= QUESTION_SHAPES_MAX:
                question.sizes.clear()
            question.sizes[size] = None
            return None
        if alike is not None and alike.meaning is not None:
            known = own.get(question)
            if known is None or (known if isinstance(known, int) else known.size) != size:
                if known is None and len(own) >= DEVICE_SHAPES_MAX:
                    own.clear()  # walks whose steps differ each time
                own[question] = size
                return None
        id_at = ber.request_id_at(data, at)
        if id_at is None:
            return None
        made = self._shapes.make(question, data, id_at, ber.spans(data, body))
        if made is None:
            return None
        if question.pdu == ber.GET:
            made.meaning = _named(question.names, made, bindings)  # of a walk's reply, the walk says what it means
        if alike is not None and alike.meaning is not None:
            own[question] = made
        else:
            question.sizes[size] = made
        return made

    def _answer(self, pending: _Pending, reply: "Answer | usm.Head") -> None:
        if pending.then is not None and isinstance(reply, Answer) and reply.values is not None:
            self._follow(pending, reply, pending.then)
            return
        pending.future.set_result(reply)
        if self._room < self._in_flight_max:
            self._room += 1


_WHO = _Question(ber.GET, (), (), 0)


def _named(names: tuple[str, ...], shape: Shape, bindings: Bindings) -> tuple[tuple[str, ...], dict[str, Value]]:
    """(names of the values that change, what does not) of the reply to a GET."""
    changing = set(shape.bindings)
    fixed = {names[n]: b[1] for n, b in enumerate(bindings) if n not in changing and b[1] is not None}
    return tuple(names[n] for n in shape.bindings), fixed


def _found(names: tuple[str, ...], answer: Answer) -> dict[str, Value]:
    if answer.values is None or answer.shape is None:
        return values(names, answer.bindings)
    changing, fixed = answer.shape.meaning
    found = dict(zip(changing, answer.values[1:], strict=True))
    found.update(fixed)
    return found


def _whole(answer: Answer, roots: tuple[str, ...]) -> Walked | None:
    """What a walk of these roots brings, where this one reply is all of it."""
    if answer.values is None or answer.shape is None:
        return None
    columns: dict[str, dict[str, Value]] = {}
    for root, told in zip(roots, answer.shape.meaning, strict=True):
        if not told.done:
            return None
        column = columns[root] = dict(zip(told.suffixes, told.pick(answer.values), strict=True))
        if told.fixed:
            column.update(told.fixed)
    return Walked(columns)


def _read(shape: "Shape | int | None", data: bytes) -> Sequence[Any] | None:
    """The changing values of a datagram, if it has this shape and what the shape means is known."""
    if not isinstance(shape, Shape) or shape.size != len(data) or shape.meaning is None:
        return None
    return shape.read(data)


def _unfit(pdu: int, status: int, index: int) -> str | None:
    """Why a message with the right request-id and credential from the right place is still not the answer."""
    if pdu != ber.RESPONSE:
        return "another PDU type"
    if not 0 <= status <= STATUS_MAX or index < 0:
        return "an impossible error status"
    return None


def _version(data: bytes) -> int:
    try:
        start, end = ber.content(data, 0, len(data), 0x30)
        return ber.int32(data, start, end)[0]
    except IndexError:
        raise ber.BadBer("cut off") from None


def _number(data: bytes) -> int | None:
    """The request-id of a v2c message or the message-id of one of v3."""
    try:
        return usm.head(data).number if _version(data) == usm.V3 else ber.header(data).request_id
    except ber.BadBer:
        return None
