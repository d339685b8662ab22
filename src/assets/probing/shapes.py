"""Reading a reply that is built like the last one: the same question brings the same names, types and sizes each round.

A shape is made from a reply that the strict decoder took and every guard let through. It cuts a datagram of the same
size into what must be the same octet for octet (version, community, PDU type, error status, names, tags, lengths) and
into values. If anything but the values differs the shape says so, and the strict decoder reads the datagram as if there
were no shape. So it refuses and returns what the decoder would, for a tenth of the work.
"""

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakValueDictionary

from assets.probing import ber
from assets.probing.ber import Span, Value

SHAPES_MAX = 8_192  # different ones at once, about 5 kB each; the replies of others are read by the decoder alone
_SIGNED = {1: "b", 2: "h", 4: "i"}
_UNSIGNED = {1: "B", 2: "H", 4: "I", 8: "Q"}


def _signed(octets: bytes) -> int:
    return int.from_bytes(octets, "big", signed=True)


def _unsigned(octets: bytes) -> int:
    return int.from_bytes(octets, "big")


@dataclass(frozen=True, slots=True)
class Column:
    """What a reply adds to one column of a walk: rows whose values change, rows whose values do not, and where it ends."""

    suffixes: tuple[str, ...]
    pick: Callable[[Sequence[Any]], Sequence[Any]]  # their values
    fixed: dict[str, Value]
    seen: int
    arcs: tuple[int, ...]
    last: str
    done: bool


class Shape:
    """One layout of replies to one question; `meaning` is what the question's asker made of the names."""

    __slots__ = ("__weakref__", "_consts", "_convert", "_unpack", "bindings", "meaning", "question", "size")

    def __init__(
        self, question: object, size: int, unpack: Any, consts: tuple[bytes, ...], convert: Any, bindings: Any
    ) -> None:
        self.question = question
        self.size = size
        self._unpack = unpack
        self._consts = consts
        self._convert = convert
        self.bindings: tuple[int, ...] = bindings  # which binding each value after the first belongs to
        self.meaning: Any = None

    def read(self, data: bytes) -> Sequence[Any] | None:
        """(request-id, values that change …) of a datagram of this size, or None if it is built otherwise."""
        parts = self._unpack(data)
        if parts[::2] != self._consts:
            return None
        if not self._convert:
            values: Sequence[Any] = parts[1::2]
            return values
        changed = list(parts[1::2])
        for position, convert in self._convert:
            changed[position] = convert(changed[position])
        return changed


class Shapes:
    """All shapes in use; two devices that answer alike share one."""

    def __init__(self, limit: int = SHAPES_MAX) -> None:
        self._limit = limit
        self._known: WeakValueDictionary[object, Shape] = WeakValueDictionary()

    def __len__(self) -> int:
        return len(self._known)

    def make(self, question: object, data: bytes, id_at: int, spans: Sequence[Span]) -> Shape | None:
        """The shape of a reply to this question whose request-id has its four octets at `id_at`."""
        layout, bindings, convert, cuts = ["i"], [], [], [(id_at, id_at + 4)]
        for number, (tag, start, stop) in enumerate(spans):
            found = _field(data, tag, start, stop)
            if found is None:
                continue
            start, code, how = found
            if how:
                convert.append((len(cuts), how))
            cuts.append((start, stop))
            layout.append(code)
            bindings.append(number)
        consts, pieces, at = [], [">"], 0
        for (start, stop), code in zip(cuts, layout, strict=True):
            consts.append(data[at:start])
            pieces.append(f"{start - at}s{code}")
            at = stop
        consts.append(data[at:])
        pieces.append(f"{len(data) - at}s")
        key = (question, "".join(pieces), tuple(consts), tuple(convert))
        known = self._known.get(key)
        if known is None and len(self._known) < self._limit:
            made = struct.Struct(key[1])
            known = Shape(question, len(data), made.unpack, key[2], key[3], tuple(bindings))
            self._known[key] = known
        return known


def _field(data: bytes, tag: int, start: int, stop: int) -> tuple[int, str, Callable[[bytes], int] | None] | None:
    """(where the changing octets start, their format, what makes a number of them), or None for what must not change."""
    size = stop - start
    if tag == ber.INTEGER:
        if size in _SIGNED:
            return start, _SIGNED[size], None
        return (start, "3s", _signed) if size == 3 else None
    if tag in ber.UNSIGNED:
        if size in (5, 9) and data[start] == 0:  # a leading zero keeps the sign bit clear
            start, size = start + 1, size - 1
        if size in _UNSIGNED and (size < 8 or tag == ber.COUNTER64):
            return start, _UNSIGNED[size], None
        allowed = size == 3 or (tag == ber.COUNTER64 and size in (5, 6, 7))
        return (start, f"{size}s", _unsigned) if allowed else None
    if tag in ber.TEXTS and size:
        return start, f"{size}s", None
    return None
