"""Strict BER for SNMP (X.690, RFC 3416, RFC 3417 §8): what is not well made is refused, never guessed.

A message is bytes in, a `Message` out; values are int (INTEGER, Counter, Gauge, TimeTicks), bytes (OCTET STRING,
IpAddress, Opaque) or the dotted text of an OID. "No such object" and an INTEGER without content are None.
"""

from dataclasses import dataclass

from assets.probing import oid

Value = int | bytes | str

VARBINDS_MAX = 1_000  # of one message; a reply of 8 kB cannot hold more
GET, GETNEXT, RESPONSE, GETBULK = 0xA0, 0xA1, 0xA2, 0xA5
V2C = 1
INTEGER, COUNTER64 = 0x02, 0x46
_OCTETS, _NULL, _OID, _SEQUENCE = 0x04, 0x05, 0x06, 0x30
_IP, _COUNTER32, _GAUGE32, _TICKS, _OPAQUE = 0x40, 0x41, 0x42, 0x43, 0x44
UNSIGNED = (_COUNTER32, _GAUGE32, _TICKS, COUNTER64)
TEXTS = (_OCTETS, _OPAQUE, _IP)
_NO_OBJECT, _NO_INSTANCE, _END = 0x80, 0x81, 0x82
_UINT32, _UINT64 = 1 << 32, 1 << 64


class BadBer(ValueError):
    """The bytes are not a well-made SNMP message."""


@dataclass(frozen=True, slots=True)
class Header:
    """What tells whose answer a message is; `body` is where its variable bindings start."""

    version: int
    community: bytes
    pdu: int
    request_id: int
    error_status: int
    error_index: int
    body: int
    at: int  # where the PDU starts


Span = tuple[int, int, int]  # tag, where the content starts, where it ends
Binding = tuple[bytes, Value | None, bool]  # name (content octets), value, whether the MIB ends here
Bindings = list[Binding]


def length(n: int) -> bytes:
    """The length octets of `n`, in the shortest form."""
    if n < 0x80:
        return bytes((n,))
    octets = n.to_bytes((n.bit_length() + 7) // 8, "big")
    return bytes((0x80 | len(octets),)) + octets


def tlv(tag: int, content: bytes) -> bytes:
    """One element."""
    return bytes((tag,)) + length(len(content)) + content


def integer(n: int) -> bytes:
    """An INTEGER in the shortest form."""
    return tlv(INTEGER, n.to_bytes(n.bit_length() // 8 + 1, "big", signed=True))


def name(content: bytes) -> bytes:
    """A variable binding that asks for an OID."""
    return tlv(_SEQUENCE, tlv(_OID, content) + b"\x05\x00")


def request(*, community: bytes, pdu: int, second: int, third: int, bindings: bytes) -> tuple[bytes, bytes]:
    """A v2c request cut where its four-octet request-id goes: (before, after)."""
    rest = integer(second) + integer(third) + tlv(_SEQUENCE, bindings)
    pdu_head = bytes((pdu,)) + length(6 + len(rest)) + b"\x02\x04"
    inside = integer(V2C) + tlv(_OCTETS, community) + pdu_head
    head = bytes((_SEQUENCE,)) + length(len(inside) + 4 + len(rest)) + inside
    return head, rest


def content(data: bytes, at: int, end: int, tag: int) -> tuple[int, int]:
    """Where the content of the element at `at` starts and ends; it must have this tag and lie within `end`."""
    if at + 2 > end or data[at] != tag:
        raise BadBer("another element than expected")
    return _extent(data, at, end)


def _extent(data: bytes, at: int, end: int) -> tuple[int, int]:
    size = data[at + 1]
    start = at + 2
    if size >= 0x80:
        octets = size & 0x7F
        if not 1 <= octets <= 4 or start + octets > end:
            raise BadBer("a length that is indefinite, too long or cut off")
        size = int.from_bytes(data[start : start + octets], "big")
        start += octets
    if start + size > end:
        raise BadBer("an element that is longer than what holds it")
    return start, start + size


def int32(data: bytes, at: int, end: int) -> tuple[int, int]:
    """(an INTEGER of 32 bits, where it ends)."""
    start, stop = content(data, at, end, INTEGER)
    if not 1 <= stop - start <= 4:
        raise BadBer("an INTEGER of the wrong size")
    return int.from_bytes(data[start:stop], "big", signed=True), stop


def header(data: bytes) -> Header:
    """The fixed part of a v1 or v2c message; raises BadBer."""
    try:
        start, end = content(data, 0, len(data), _SEQUENCE)
        if end != len(data):
            raise BadBer("octets behind the message")
        version, at = int32(data, start, end)
        first, at2 = content(data, at, end, _OCTETS)
        pdu_tag, request_id, status, index, at = pdu(data, at2, end)
    except IndexError:
        raise BadBer("cut off") from None
    return Header(version, data[first:at2], pdu_tag, request_id, status, index, at, at2)


def pdu(data: bytes, at: int, end: int) -> tuple[int, int, int, int, int]:
    """(tag, request-id, error status, error index, where the bindings start) of the PDU at `at`, which ends at `end`."""
    if at + 2 > end or data[at] & 0xE0 != 0xA0:
        raise BadBer("no PDU where one belongs")
    inside, stop = _extent(data, at, end)
    if stop != end:
        raise BadBer("octets behind the PDU")
    request_id, after = int32(data, inside, stop)
    status, after = int32(data, after, stop)
    index, after = int32(data, after, stop)
    return data[at], request_id, status, index, after


def bindings(data: bytes, at: int) -> Bindings:
    """The variable bindings of a message that start at `at` and end with it; raises BadBer."""
    out: Bindings = []
    try:
        at, end = content(data, at, len(data), _SEQUENCE)
        if end != len(data):
            raise BadBer("octets behind the bindings")
        while at < end:
            # As `content` would, without the calls, where each length fits into one octet; the others go the long way.
            start, size = at + 2, data[at + 1]
            if data[at] != _SEQUENCE or size >= 0x80 or (stop := start + size) > end:
                start, stop = content(data, at, end, _SEQUENCE)
            first, size = start + 2, data[start + 1]
            if data[start] != _OID or size >= 0x80 or (last := first + size) > stop:
                first, last = content(data, start, stop, _OID)
            if last == first:
                raise BadBer("an OID that is empty")
            if last + 2 > stop:
                raise BadBer("a binding without a value")
            value, end_of_mib, after = _value(data, last, stop)
            if after != stop:
                raise BadBer("octets behind a value")
            out.append((data[first:last], value, end_of_mib))
            at = stop
            if len(out) > VARBINDS_MAX:
                raise BadBer("too many bindings")
    except IndexError:
        raise BadBer("cut off") from None
    return out


def request_id_at(data: bytes, at: int) -> int | None:
    """Where the four octets of the request-id are in the PDU at `at`; None if it is written in more or fewer."""
    inside, _ = _extent(data, at, len(data))
    return inside + 2 if data[inside + 1] == 4 else None


def spans(data: bytes, at: int) -> list[Span]:
    """Where the values are in bindings that `bindings` took."""
    out = []
    at, end = content(data, at, len(data), _SEQUENCE)
    while at < end:
        start, stop = content(data, at, end, _SEQUENCE)
        _, last = content(data, start, stop, _OID)
        first, after = _extent(data, last, stop)
        out.append((data[last], first, after))
        at = stop
    return out


def _value(data: bytes, at: int, end: int) -> tuple[Value | None, bool, int]:
    """(value, whether it is endOfMibView, where it ends)."""
    tag = data[at]
    start, stop = _extent(data, at, end)
    size = stop - start
    if tag == INTEGER:
        if size > 4:
            return _wide(data[start:stop]), False, stop
        # pysnmp reads an INTEGER without content as 0; it is no value.
        return (int.from_bytes(data[start:stop], "big", signed=True) if size else None), False, stop
    if tag in UNSIGNED:
        return _unsigned(data[start:stop], _UINT64 if tag == COUNTER64 else _UINT32), False, stop
    if tag in (_OCTETS, _OPAQUE):
        return data[start:stop], False, stop
    if tag == _OID:
        try:
            return (oid.decode(data[start:stop]) if size else "0.0"), False, stop
        except ValueError as error:
            raise BadBer(str(error)) from None
    if tag == _IP:
        if size != 4:
            raise BadBer("an IpAddress of another size than 4")
        return data[start:stop], False, stop
    if tag in (_NULL, _NO_OBJECT, _NO_INSTANCE, _END):
        if size:
            raise BadBer("an exception with content")
        return None, tag == _END, stop
    raise BadBer("a value of an unknown type")


def _wide(content: bytes) -> int:
    """An INTEGER in more than four octets: some agents pad, none may exceed 32 bits."""
    number = int.from_bytes(content[:9], "big", signed=True)
    if len(content) > 8 or not -(1 << 31) <= number < _UINT32:
        raise BadBer("an INTEGER above 32 bits")
    return number


def _unsigned(content: bytes, limit: int) -> int | None:
    """An unsigned number; agents that send the top bit without a leading zero mean the unsigned one."""
    if not content:
        return None
    number = int.from_bytes(content, "big") if len(content) <= 9 else limit
    if number >= limit:
        raise BadBer("a number above its type")
    return number
