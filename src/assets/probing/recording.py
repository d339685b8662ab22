"""Recordings of devices: one `OID|TAG|VALUE` a line, sorted, and a door that answers from one without a network.

Tags are those of the wire: 2 INTEGER, 4 OCTET STRING, 6 OID, 64 IpAddress, 65 Counter32, 66 Gauge32, 67 TimeTicks,
68 Opaque, 70 Counter64; an `x` behind the number says that the value is written in hex. Lines that start with # are
remarks.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from pathlib import Path

from assets.errors import Invalid
from assets.probing import oid
from assets.probing.ber import Value
from assets.probing.door import ROWS_MAX, Peer, Polled, Walked, poll_in_parts

SUFFIX = ".snmprec"
FILE_BYTES_MAX = 32 << 20
INTEGER, OCTETS, OID, IP, OPAQUE = 2, 4, 6, 64, 68
NUMBERS = frozenset({INTEGER, 65, 66, 67, 70})
Rows = Mapping[str, tuple[int, Value]]  # by OID: tag and value as a door gives it


class BadRecording(Invalid):
    """A file is not a recording."""


def read(path: Path) -> dict[str, tuple[int, Value]]:
    """The rows of a recording; raises BadRecording naming file and line."""
    if path.stat().st_size > FILE_BYTES_MAX:
        raise BadRecording(f"{path.name}: larger than {FILE_BYTES_MAX >> 20} MiB")
    rows: dict[str, tuple[int, Value]] = {}
    for number, line in enumerate(path.read_bytes().split(b"\n"), start=1):
        if not line.strip() or line.startswith(b"#"):
            continue
        try:
            name, tag, raw = line.rstrip(b"\r").split(b"|", 2)
            key = name.decode("ascii").strip(".")
            if not oid.valid(key):
                raise ValueError("not an OID")
            rows.setdefault(key, _row(tag.decode("ascii"), raw))
        except ValueError as error:
            raise BadRecording(f"{path.name}:{number}: {error}") from None
    return rows


def text(rows: Rows) -> str:
    """Rows as the text of a recording."""
    return "".join(f"{name}|{_written(*rows[name])}\n" for name in sorted(rows, key=arcs))


def arcs(dotted: str) -> tuple[int, ...]:
    """What OIDs are sorted by."""
    return tuple(map(int, dotted.split(".")))


class Replay:
    """The door to a recording: every question is answered at once and alike, whatever address is asked."""

    def __init__(self, rows: Mapping[str, Value]) -> None:
        self._rows = dict(rows)
        self._sorted = sorted((arcs(name), name) for name in self._rows)

    @classmethod
    def of(cls, path: Path) -> "Replay":
        """The door to the recording in a file; raises BadRecording."""
        return cls({name: value for name, (_, value) in read(path).items()})

    async def get(self, _peer: Peer, oids: Sequence[str]) -> dict[str, Value]:
        """The values of exactly these objects."""
        return {name: self._rows[name] for name in oids if name in self._rows}

    async def walk(self, _peer: Peer, roots: Sequence[str], *, limit: int | None = None, texts: bool = False) -> Walked:
        """All rows below each root, or the first `limit` of each."""
        columns = {root: self._below(root, limit) for root in roots}
        return Walked(columns, truncated=any(len(column) >= ROWS_MAX for column in columns.values()))

    async def poll(self, peer: Peer, names: tuple[str, ...], roots: tuple[str, ...]) -> Polled:
        """`get` and then `walk`."""
        return await poll_in_parts(self, peer, names, roots)

    async def close(self) -> None:
        """There is nothing to let go of."""

    def _below(self, root: str, limit: int | None) -> dict[str, Value]:
        column: dict[str, Value] = {}
        for _, name in self._sorted[bisect_right(self._sorted, (arcs(root), root)) :]:
            if not oid.is_under(name, root) or len(column) >= min(ROWS_MAX, limit or ROWS_MAX):
                break
            column[name[len(root) + 1 :]] = self._rows[name]
        return column


def _row(tag: str, raw: bytes) -> tuple[int, Value]:
    number = int(tag.rstrip("x"))
    data = bytes.fromhex(raw.decode("ascii")) if tag.endswith("x") else raw
    if number in NUMBERS:
        return number, int(data)
    if number == OID:
        dotted = data.decode("ascii").strip(".") or "0.0"
        if not oid.valid(dotted):
            raise ValueError("the value is no OID")
        return number, dotted
    if number == IP:
        octets = data if tag.endswith("x") else bytes(map(int, data.split(b".")))
        if len(octets) != 4:
            raise ValueError("the value is no address of four octets")
        return number, octets
    if number not in (OCTETS, OPAQUE):
        raise ValueError(f"there is no tag {number}")
    return number, data


def _written(tag: int, value: Value) -> str:
    if not isinstance(value, bytes):
        return f"{tag}|{value}"
    if tag == IP:
        return f"{tag}|{'.'.join(map(str, value))}"
    plain = tag == OCTETS and all(32 <= octet < 127 for octet in value) and value.strip() == value
    return f"{tag}|{value.decode('ascii')}" if plain else f"{tag}x|{value.hex()}"
