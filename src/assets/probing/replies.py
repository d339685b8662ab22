"""Which question a datagram answers, and why most others answer none: every check on what comes back is here.

A reply counts only if it comes from the address and port asked, with the version, credential, PDU type and request-id
asked for, and with names that fit the question; in v3 also from the engine asked, at the level asked, rightly signed
and within its time window. For anything else there is a reason.
"""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from assets.probing import ber, oid, usm
from assets.probing.ber import Bindings, Value
from assets.probing.door import DeviceError
from assets.probing.questions import WHO
from assets.probing.session import Session
from assets.probing.shapes import Shape, Shapes
from assets.probing.waiting import Device, Pending
from assets.probing.walking import Answer

DATAGRAM_MAX = 8_192
DEVICE_SHAPES_MAX = 64
QUESTION_SHAPES_MAX = 256
RECENT_MAX = 8_192  # request-ids that were answered or given up: their late replies are no fault
STATUS_MAX = 18  # inconsistentName, the last of RFC 3416


class Replies:
    """Who waits for which answer; `answered` is told each right one, `refused` what ends the question if none comes soon.

    That is a refusal of the credential, or another engine in place of one that has answered before.
    """

    def __init__(
        self,
        *,
        now: Callable[[], float],
        answered: Callable[[Pending, Answer | usm.Head], None],
        refused: Callable[[Pending, DeviceError | usm.Head], None],
    ) -> None:
        self._now = now
        self._answer = answered
        self._refuse = refused
        self._pending: dict[int, Pending] = {}
        self._recent: deque[int] = deque()
        self._recent_ids: set[int] = set()
        self._shapes = Shapes()

    def expect(self, pending: Pending) -> None:
        """From now on an answer with its number is one to this question."""
        self._pending[pending.request_id] = pending

    def retire(self, request_id: int) -> None:
        """What comes with this number from now on is late."""
        if self._pending.pop(request_id, None) is None:
            return
        self._recent.append(request_id)
        self._recent_ids.add(request_id)
        if len(self._recent) > RECENT_MAX:
            self._recent_ids.discard(self._recent.popleft())

    def knows(self, request_id: int) -> bool:
        """Whether the number is taken, or was a moment ago."""
        return request_id in self._pending or request_id in self._recent_ids

    def all(self) -> tuple[Pending, ...]:
        """Everything that waits."""
        return tuple(self._pending.values())

    def is_late(self, data: bytes) -> bool:
        """Whether a datagram answers a question that is over."""
        return _number(data) in self._recent_ids

    def settle(self, data: bytes, device: Device) -> str | None:
        """Settles the question of this device that a datagram answers; else the reason why it answers none."""
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

    def _settle_shaped(self, data: bytes, device: Device) -> bool:
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

    def _settle_v2c(self, data: bytes, device: Device) -> str | None:
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

    def _settle_v3(self, data: bytes, device: Device) -> str | None:
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
        now = self._now()
        keys = session.keys
        level = found.flags & 0x03
        if level != keys.level:
            # The only messages below the level asked for that say anything are reports, and those prove nothing.
            if level & usm.PRIVACY and not level & usm.AUTH:
                return "an impossible level"
            return self._settle_report(data, found, pending)
        if keys.engine and found.engine != keys.engine:
            return "another engine" if level else self._settle_report(data, found, pending)
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
            return self._settle_report(data, found, pending)
        if pending.question is WHO:
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

    def _settle_framed(self, data: bytes, device: Device) -> bool:
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
        if not session.clock.accepts(frame.boots, time, self._now()):
            return False
        self._answer(pending, Answer(0, 0, (), shape, changing))
        return True

    def _frame(self, session: Session, data: bytes, found: usm.Head) -> None:
        if len(session.frames) >= DEVICE_SHAPES_MAX:
            session.frames.clear()
        if (made := usm.Frame.of(data, found)) is not None:
            session.frames[len(data)] = made

    def _settle_report(self, data: bytes, found: usm.Head, pending: Pending) -> str | None:
        """What a report means for the question: a step to follow, a refusal that ends it soon, or nothing."""
        session = pending.session
        assert session is not None
        verdict = session.judge(data, found)
        if isinstance(verdict, str):
            return verdict
        if isinstance(verdict, DeviceError):
            self._refuse(pending, verdict)
            return "a refusal"
        if session.proven and verdict.engine != session.engine:  # unsigned: anybody could have said so
            self._refuse(pending, verdict)
            return "another engine"
        self._answer(pending, verdict)
        return None

    def _take(self, pending: Pending, data: bytes, at: int, body: int, status: int, index: int) -> str | None:
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

    def _learn(self, pending: Pending, data: bytes, at: int, body: int, bindings: Bindings) -> Shape | None:
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


def _named(names: tuple[str, ...], shape: Shape, bindings: Bindings) -> tuple[tuple[str, ...], dict[str, Value]]:
    """(names of the values that change, what does not) of the reply to a GET."""
    changing = set(shape.bindings)
    fixed = {names[n]: b[1] for n, b in enumerate(bindings) if n not in changing and b[1] is not None}
    return tuple(names[n] for n in shape.bindings), fixed


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
