"""An SNMPv2c agent (RFC 3416): a question and a table in, the answer's bytes out; no socket, no clock.

It reads strictly and answers nothing to what it does not understand, as a device behind a wrong community does.
"""

from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from typing import Self

from assets.demo.values import INTEGER, OBJECT_ID, OCTETS, SEQUENCE, Moving, Oid, Rows, encode, encode_oid, wrapped

GET, GET_NEXT, RESPONSE, SET, GET_BULK = 0xA0, 0xA1, 0xA2, 0xA3, 0xA5
QUESTIONS = frozenset({GET, GET_NEXT, SET, GET_BULK})
TOO_BIG, NO_ACCESS = 1, 6  # error-status
NO_SUCH_OBJECT, NO_SUCH_INSTANCE, END_OF_MIB_VIEW = b"\x80\x00", b"\x81\x00", b"\x82\x00"
VERSION_2C = 1

BULK_BYTES_MAX = 1_400  # one Ethernet frame: what real cards send
ANSWER_BYTES_MAX = 8_000
REPETITIONS_MAX = 100
QUESTION_BYTES_MAX = 4_096
NAMES_MAX = 256  # variable bindings in one question
ARCS_MAX = 128  # sub-identifiers in one name (RFC 2578 §3.5)
QUESTIONS_KEPT = 8_192  # pollers repeat themselves: their lists of names are read once
SHARED_MAX = 200_000  # encoded objects kept for all devices together

_ARC_MAX = 0xFFFF_FFFF
_OVERHEAD = 48  # bytes of an answer around its bindings, the longest community not counted


class Malformed(ValueError):
    """This is not an SNMP question as RFC 3416 writes it."""


@dataclass(frozen=True, slots=True)
class Shape:
    """The names of a table in order; devices of one model share it."""

    names: tuple[Oid, ...]
    encoded: tuple[bytes, ...]
    places: dict[bytes, int]
    columns: frozenset[Oid]  # names without their last arc: tells a missing instance from a missing object


@lru_cache(maxsize=512)  # models × states; a fleet has some dozens
def _shape(names: tuple[Oid, ...]) -> Shape:
    encoded = tuple(encode_oid(name) for name in names)
    places = {name: place for place, name in enumerate(encoded)}
    return Shape(names=names, encoded=encoded, places=places, columns=frozenset(name[:-1] for name in names))


_shared: dict[bytes, bytes] = {}


@dataclass(frozen=True, slots=True)
class Table:
    """What one device answers: each binding ready to send, or the value that must be asked for the time."""

    shape: Shape
    bindings: tuple[bytes | Moving, ...]

    @classmethod
    def of(cls, rows: Rows) -> Self:
        """Sort and encode a recording's rows; equal bindings of different devices are kept once."""
        if len(_shared) > SHARED_MAX:
            _shared.clear()
        shape = _shape(tuple(sorted(rows)))
        bindings: list[bytes | Moving] = []
        for name, encoded in zip(shape.names, shape.encoded, strict=True):
            value = rows[name]
            if isinstance(value, Moving):
                bindings.append(value)
            else:
                binding = wrapped(SEQUENCE, encoded + encode(value))
                bindings.append(_shared.setdefault(binding, binding))
        return cls(shape=shape, bindings=tuple(bindings))

    def binding(self, place: int, now: float) -> bytes:
        found = self.bindings[place]
        if isinstance(found, bytes):
            return found
        return wrapped(SEQUENCE, self.shape.encoded[place] + encode(found.at(now)))

    def after(self, name: bytes) -> int:
        """The place of the first name behind `name`, which is the table's length behind the last."""
        place = self.shape.places.get(name)
        return bisect_right(self.shape.names, decode_oid(name)) if place is None else place + 1


@dataclass(frozen=True, slots=True)
class Question:
    """A question taken apart. `first` and `second` are non-repeaters and max-repetitions in GETBULK."""

    kind: int
    request_id: bytes  # tag and length included, sent back as it came
    first: int
    second: int
    names: tuple[bytes, ...]


class Agent:
    """Answers for any number of devices that share a community, and counts what it got."""

    def __init__(self, community: str) -> None:
        self._community = community.encode()
        self._head = wrapped(INTEGER, bytes((VERSION_2C,))) + wrapped(OCTETS, self._community)
        self.counted: Counter[str] = Counter()

    def answer(self, packet: bytes, table: Table, now: float) -> bytes | None:
        """The answer to a packet, or None where a device would keep silent."""
        try:
            question = self._read(packet)
        except Malformed:
            self.counted["malformed"] += 1
            return None
        if question is None:
            return None
        if question.kind == GET:
            bindings = [_get(table, name, now) for name in question.names]
        elif question.kind == GET_NEXT:
            bindings = [_next(table, name, now) for name in question.names]
        elif question.kind == GET_BULK:
            bindings = _bulk(table, question, now, BULK_BYTES_MAX - _OVERHEAD - len(self._community))
        else:
            self.counted["refused_sets"] += 1
            return self._written(question, NO_ACCESS, 1, [_binding(name, b"\x05\x00") for name in question.names])
        self.counted["answered"] += 1
        if sum(map(len, bindings)) > ANSWER_BYTES_MAX:
            return self._written(question, TOO_BIG, 0, [])
        return self._written(question, 0, 0, bindings)

    def _written(self, question: Question, status: int, index: int, bindings: list[bytes]) -> bytes:
        error = bytes((INTEGER, 1, status, INTEGER, 1, index))
        pdu = wrapped(RESPONSE, question.request_id + error + wrapped(SEQUENCE, b"".join(bindings)))
        return wrapped(SEQUENCE, self._head + pdu)

    def _read(self, packet: bytes) -> Question | None:
        if len(packet) > QUESTION_BYTES_MAX:
            raise Malformed("longer than any question")
        start, end = _part(packet, 0, len(packet), SEQUENCE)
        if end != len(packet):
            raise Malformed("something follows the message")
        version, at = _number(packet, start, end)
        if version != VERSION_2C:
            self.counted["wrong_version"] += 1
            return None
        start, at = _part(packet, at, end, OCTETS)
        if packet[start:at] != self._community:
            self.counted["wrong_community"] += 1
            return None
        if at >= end or packet[at] not in QUESTIONS:
            raise Malformed("no question")
        kind = packet[at]
        start, last = _part(packet, at, end, kind)
        _, at = _number(packet, start, last)
        request_id = packet[start:at]
        first, at = _number(packet, at, last)
        second, at = _number(packet, at, last)
        if last != end:
            raise Malformed("something follows the question")
        return Question(kind, request_id, first, second, _names(packet[at:last]))


def _get(table: Table, name: bytes, now: float) -> bytes:
    place = table.shape.places.get(name)
    if place is not None:
        return table.binding(place, now)
    decoded = decode_oid(name)
    known = decoded[:-1] in table.shape.columns
    return _binding(name, NO_SUCH_INSTANCE if known else NO_SUCH_OBJECT)


def _next(table: Table, name: bytes, now: float) -> bytes:
    place = table.after(name)
    return table.binding(place, now) if place < len(table.bindings) else _binding(name, END_OF_MIB_VIEW)


def _bulk(table: Table, question: Question, now: float, room: int) -> list[bytes]:
    """Rows of all repeaters in turn until max-repetitions, the end of everything, or no room (RFC 3416 §4.2.3)."""
    singles = max(0, min(question.first, len(question.names)))
    found = [_next(table, name, now) for name in question.names[:singles]]
    room -= sum(map(len, found))
    names = list(question.names[singles:])
    places = [table.after(name) for name in names]
    size = len(table.bindings)
    for _ in range(max(0, min(question.second, REPETITIONS_MAX)) if names else 0):
        ended = min(places) >= size
        for column, place in enumerate(places):
            if place < size:
                binding = table.binding(place, now)
                names[column] = table.shape.encoded[place]
                places[column] = place + 1
            else:
                binding = _binding(names[column], END_OF_MIB_VIEW)
            room -= len(binding)
            if room < 0 and found:
                return found
            found.append(binding)
        if ended:
            break
    return found


def _binding(name: bytes, value: bytes) -> bytes:
    return wrapped(SEQUENCE, name + value)


def _part(data: bytes, at: int, end: int, tag: int) -> tuple[int, int]:
    """Where the content of the element at `at` starts and ends; it must have this tag and fit before `end`."""
    if at + 2 > end or data[at] != tag:
        raise Malformed("another element was expected")
    size = data[at + 1]
    start = at + 2
    if size & 0x80:
        count = size & 0x7F
        if not 1 <= count <= 3 or start + count > end:
            raise Malformed("length")
        size = int.from_bytes(data[start : start + count], "big")
        start += count
    if start + size > end:
        raise Malformed("an element is longer than what holds it")
    return start, start + size


def _number(data: bytes, at: int, end: int) -> tuple[int, int]:
    """An INTEGER of at most four octets, and where it ends."""
    start, after = _part(data, at, end, INTEGER)
    if not 1 <= after - start <= 4:
        raise Malformed("a number of no size, or too large")
    return int.from_bytes(data[start:after], "big", signed=True), after


@lru_cache(maxsize=QUESTIONS_KEPT)
def _names(data: bytes) -> tuple[bytes, ...]:
    """The names in a list of variable bindings, each still encoded; the values are skipped."""
    at, end = _part(data, 0, len(data), SEQUENCE)
    if end != len(data):
        raise Malformed("something follows the bindings")
    names: list[bytes] = []
    while at < end:
        start, after = _part(data, at, end, SEQUENCE)
        _, value = _part(data, start, after, OBJECT_ID)
        if value >= after or _part(data, value, after, data[value])[1] != after or len(names) == NAMES_MAX:
            raise Malformed("a binding")
        names.append(encode_oid(decode_oid(data[start:value])))
        at = after
    return tuple(names)


@lru_cache(maxsize=QUESTIONS_KEPT)
def decode_oid(data: bytes) -> Oid:
    """The arcs of an encoded OBJECT IDENTIFIER, strictly: no padding, no loose end, nothing above 32 bits."""
    start, end = _part(data, 0, len(data), OBJECT_ID)
    arcs: list[int] = []
    value, fresh = 0, True
    for octet in data[start:end]:
        if fresh and octet == 0x80:
            raise Malformed("an arc starts with nothing")
        value = value << 7 | octet & 0x7F
        if value > _ARC_MAX + 80:  # the first number holds two arcs: 80 and more stand for a root of 2
            raise Malformed("an arc above 32 bits")
        fresh = octet < 0x80
        if fresh:
            arcs.append(value)
            value = 0
    if not fresh or not arcs or len(arcs) >= ARCS_MAX or max(arcs[1:], default=0) > _ARC_MAX:
        raise Malformed("a name")
    root = min(arcs[0] // 40, 2)
    return (root, arcs[0] - 40 * root, *arcs[1:])
