"""SNMP values of a simulated device, at rest or moving with time, and how they are written in BER (X.690).

The encoder is deliberately not the prober's own: a mistake in one shows against the other.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

Oid = tuple[int, ...]
Rule = Callable[[float], int]  # seconds since 1970 → the number at that moment

INTEGER = 0x02
OCTETS = 0x04
OBJECT_ID = 0x06
SEQUENCE = 0x30
IP_ADDRESS = 0x40  # application types of SNMPv2-SMI, RFC 2578
COUNTER32 = 0x41
GAUGE32 = 0x42
TIME_TICKS = 0x43
COUNTER64 = 0x46

WRAP_32 = 1 << 32
WRAP_64 = 1 << 64
DAY_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Value:
    """A value that stays as it is."""

    tag: int
    data: int | bytes | Oid

    def at(self, _now: float) -> "Value":
        return self


@dataclass(frozen=True, slots=True)
class Moving:
    """A number that follows a rule of time."""

    tag: int
    rule: Rule

    def at(self, now: float) -> Value:
        return Value(self.tag, self.rule(now))


Rows = dict[Oid, Value | Moving]
Cells = dict[int, Value | Moving]  # one table row by column number


def oid(text: str) -> Oid:
    """ "1.3.6.1.2.1" → (1, 3, 6, 1, 2, 1)."""
    return tuple(int(part) for part in text.strip(".").split("."))


def integer(number: int) -> Value:
    return Value(INTEGER, number)


def text(words: str, limit: int = 255) -> Value:
    """A DisplayString or SnmpAdminString: UTF-8, never cut inside a letter."""
    return Value(OCTETS, words.encode()[:limit].decode(errors="ignore").encode())


def octets(data: bytes) -> Value:
    return Value(OCTETS, data)


def object_id(name: Oid | str) -> Value:
    return Value(OBJECT_ID, oid(name) if isinstance(name, str) else name)


def gauge(number: int) -> Value:
    return Value(GAUGE32, number)


def counter(number: int) -> Value:
    return Value(COUNTER32, number % WRAP_32)


def ticks(seconds: float) -> Value:
    """A TimeTicks that stands still, such as the moment of a port's last change."""
    return Value(TIME_TICKS, int(seconds * 100) % WRAP_32)


def growing(per_second: float, since: float, *, start: int = 0, wave: float = 0.0, period: float = 900.0) -> Rule:
    """A count that has grown from `start` since `since`; `wave` (below 1) makes it faster and slower, never back."""
    turn = math.tau / period

    def at(now: float) -> int:
        elapsed = max(0.0, now - since)
        return start + int(per_second * (elapsed + wave * math.sin(turn * elapsed) / turn))

    return at


def swinging(mean: float, swing: float, *, period: float = 600.0, phase: float = 0.0) -> Rule:
    """A level that goes up and down around `mean`, never below zero."""

    def at(now: float) -> int:
        return max(0, round(mean + swing * math.sin(math.tau * now / period + phase)))

    return at


def counting(rule: Rule) -> Moving:
    return Moving(COUNTER32, lambda now: rule(now) % WRAP_32)


def counting_64(rule: Rule) -> Moving:
    return Moving(COUNTER64, lambda now: rule(now) % WRAP_64)


def ticking(since: float) -> Moving:
    """A TimeTicks that runs, such as sysUpTime: hundredths of a second since `since`, wrapping after 497 days."""
    return Moving(TIME_TICKS, lambda now: int(max(0.0, now - since) * 100) % WRAP_32)


def gauging(rule: Rule) -> Moving:
    return Moving(GAUGE32, rule)


def moving_integer(rule: Rule) -> Moving:
    return Moving(INTEGER, rule)


def wrapped(tag: int, content: bytes) -> bytes:
    """Tag, length and content in BER, with the shortest length (X.690 §8.1.3)."""
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content


def encode(value: Value) -> bytes:
    """One value in BER; the unsigned types of SNMP are written as non-negative INTEGERs (RFC 2578 §7.1)."""
    data = value.data
    if isinstance(data, bytes):
        return wrapped(value.tag, data)
    if isinstance(data, tuple):
        return encode_oid(data)
    size = (data if data >= 0 else ~data).bit_length() // 8 + 1
    return wrapped(value.tag, data.to_bytes(size, "big", signed=True))


@lru_cache(maxsize=65_536)  # the object names of every kind of device fit; they are asked for again and again
def encode_oid(name: Oid) -> bytes:
    """An OBJECT IDENTIFIER in BER, tag and length included; the first two arcs share one number (X.690 §8.19)."""
    content = bytearray()
    for arc in (name[0] * 40 + name[1], *name[2:]):
        groups = [arc & 0x7F]
        while arc := arc >> 7:
            groups.append(0x80 | (arc & 0x7F))
        content += bytes(reversed(groups))
    return wrapped(OBJECT_ID, bytes(content))
