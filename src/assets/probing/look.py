"""What one look at a device brought, raw, and what its profile makes of it: pure."""

import math
import re
from collections import OrderedDict
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeVar

from assets.probing import rates
from assets.probing.ber import Value
from assets.probing.decoders import DECODERS, Derived
from assets.probing.profile import Profile
from assets.probing.profile_file import ANY, RANGES, Fact, Plain, Reads, Table, Whole
from assets.probing.readings import COUNTERS_MAX, NAME_MAX, READINGS_MAX, Reading, reading
from assets.probing.texts import Guesses, decoded
from assets.text import clean

Column = Mapping[str, Value]
Columns = Mapping[str, Column]
FactValue = int | str
_NUMBER = re.compile(r"\s*[-+]?\d{1,15}(?:\.\d{1,9})?")
Facts = dict[str, FactValue]
_Rows = dict[tuple[str, str], Reading]
KEPT_ROWS_MAX = 20_000  # about 10 MB
_NO_FACTS: dict[str, Facts] = {}
ROWS_A_STEP = 16
Steps = Generator[None, None, None]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Look:
    """Raw values: single objects by OID, table columns by OID and row index. `seconds` is monotonic."""

    at: float
    uptime_ticks: int | None
    scalars: Mapping[str, Value]
    columns: Columns


@dataclass(frozen=True)
class Made:
    """Readings and raw counters of one look; `cut` says that there were more than we keep.

    `sources` has the object that each reading comes from, by its name and instance; the column, where rows were
    combined.
    """

    readings: tuple[Reading, ...]
    counters: dict[str, int]
    cut: bool
    sources: dict[tuple[str, str], str]


class Kept:
    """Columns of plain numbers as they were last and what was read from them: most stand still from look to look.

    Readings never change, so a column that did not either keeps its own; where only numbers changed, names and labels
    are those of before. At most `limit` rows are kept, those of the columns that came last.
    """

    def __init__(self, limit: int = KEPT_ROWS_MAX) -> None:
        self._limit = limit
        self._rows = 0
        self._columns: OrderedDict[tuple[object, str, str], tuple[Reads, Column, object, _Rows]] = OrderedDict()

    def find(self, of: object, reads: Reads, facts: object) -> "tuple[Column, _Rows] | None":
        """The same column of the same device as it was, and its readings."""
        kept = self._columns.get((of, reads.name, reads.oid))
        if kept is None or kept[0] is not reads or kept[2] is not facts:
            return None
        return kept[1], kept[3]

    def keep(self, of: object, reads: Reads, column: Column, facts: object, rows: "_Rows") -> None:
        """Keep what was read, in the place of what was before."""
        key = (of, reads.name, reads.oid)
        if (old := self._columns.pop(key, None)) is not None:
            self._rows -= len(old[1])
        self._columns[key] = (reads, column, facts, rows)
        self._rows += len(column)
        while self._rows > self._limit:
            self._rows -= len(self._columns.popitem(last=False)[1][1])


@dataclass
class _Making:
    """Readings by (name, instance) in the order of the profile; the first that brings a value wins."""

    look: Look
    before: rates.Sample | None
    of: object = None
    kept: Kept | None = None
    readings: dict[tuple[str, str], Reading] = field(default_factory=dict)
    counters: dict[str, int] = field(default_factory=dict)
    sources: dict[tuple[str, str], str] | None = field(default_factory=dict)

    def add(self, reads: Reads, derived: Derived, instance: str, label: str, row: str = "") -> None:
        key = (reads.name, derived.instance or instance)
        there = self.readings.get(key)
        if there is None or (there.value is None and derived.value is not None):
            if self.sources is not None:
                self.sources[key] = f"{reads.oid}.{row}" if row else reads.oid
            self.readings[key] = reading(key[0], key[1], _finite(derived.value), derived.state, label)


def readings(
    profile: Profile,
    look: Look,
    before: rates.Sample | None,
    tables: Mapping[str, dict[str, Facts]],
    of: object = None,
    kept: Kept | None = None,
) -> Generator[None, None, Made]:
    """What the profile reads out of a look; `tables` has the facts of each table's rows by index.

    Thousands of rows take long: whoever has other work does it between two steps (see `turns`), others have it
    `at_once`. `before` is the sample of the look before, None after a restart: then there are no rates this time. `kept`
    saves work where the columns of the device `of` stand still; it changes nothing in what is read, but then nobody
    notes the sources.
    """
    making = _Making(look, before, of, kept, {}, {}, {} if kept is None else None)
    scalars, made, sources = look.scalars, making.readings, making.sources
    for oid, single, table, key, plain in profile.plan:
        if table is not None:
            yield from _table(making, table, tables.get(table.name, _NO_FACTS))
        elif single is not None and (raw := scalars.get(oid)) is not None:
            if plain is None or type(raw) is not int or key in made:
                _scalar(making, single, raw)
            elif (told := _told(plain, raw)) is not None:
                made[key] = reading(key[0], "", told[0], told[1], "")
                if sources is not None:
                    sources[key] = oid
    found = tuple(made.values())
    cut = len(found) > READINGS_MAX or len(making.counters) > COUNTERS_MAX
    counters = dict(islice(making.counters.items(), COUNTERS_MAX))
    return Made(found[:READINGS_MAX], counters, cut, sources or {})


def rows(table: Table, columns: Columns, guesses: Guesses) -> Generator[None, None, dict[str, Facts]]:
    """The facts of a table's rows by index, every row that any fact column has."""
    found: dict[str, Facts] = {}
    for name, fact in table.facts.items():
        for number, (index, raw) in enumerate(columns.get(fact.oid, {}).items(), start=1):
            value = fact_value(fact, raw, guess=type(raw) is bytes and not raw.isascii() and guesses.take())
            if value is not None:
                found.setdefault(index, {})[name] = value
            if not number % ROWS_A_STEP:
                yield
    return found


def at_once(steps: Generator[None, None, T]) -> T:
    """What comes out of work by steps."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            made: T = end.value
            return made


def fact_value(fact: Fact, raw: Value, *, guess: bool = True) -> FactValue | None:
    """One cell of a fact column in our words; None for what is not of its kind."""
    if fact.kind == "text":
        return text(raw, guess=guess) if isinstance(raw, bytes) else None
    if fact.kind == "mac":
        return _mac(raw) if isinstance(raw, bytes) else None
    if fact.kind == "oid":
        if not isinstance(raw, str):
            return None
        return fact.states.get(int(raw.rpartition(".")[2] or 0), raw) if fact.states else raw
    if not isinstance(raw, int):
        return None
    return fact.states.get(raw, str(raw)) if fact.states else raw


_WRITTEN_MAC = re.compile(rb"[0-9A-Fa-f]{1,2}(?:[:-][0-9A-Fa-f]{1,2}){5}")


def _mac(raw: bytes) -> str | None:
    """Six octets, or the text of them that some agents send; None for nothing but zeros."""
    octets = bytes(int(part, 16) for part in re.split(b"[:-]", raw)) if _WRITTEN_MAC.fullmatch(raw) else raw
    return octets.hex(":") if len(octets) == 6 and any(octets) else None


_BREAKS = bytes.maketrans(b"\t\n\v\f\r", b"     ")  # what stands on two lines is two words


def text(raw: Value | None, limit: int = 255, *, guess: bool = True) -> str:
    """Clean text of an OCTET STRING in whatever encoding (see `texts`); one line."""
    if not isinstance(raw, bytes):
        return ""
    if len(raw) > 1 and raw[-1:] == b"\0":
        raw = raw.rstrip(b"\0")
    return clean(decoded(raw.translate(_BREAKS), guess=guess), limit)


def _scalar(making: _Making, reads: Reads, raw: Value) -> None:
    row: dict[str, Value | float | None] = {key: making.look.scalars.get(o) for key, o in reads.with_.items()}
    row["of"] = _whole(reads.of, lambda w: making.look.scalars.get(w.oid))
    for derived in _derive(making, reads, raw, row, ""):
        making.add(reads, derived, reads.instance, reads.label)


def _table(making: _Making, table: Table, facts: Mapping[str, Facts]) -> Steps:
    for reads in table.readings:
        column = making.look.columns.get(reads.oid)
        if not column:
            continue
        if not table.skip and reads.plain is not None:
            if not _stands_still(making, reads, reads.plain, column, facts):
                yield from _plain_column(making, reads, reads.plain, table, column, facts)
            continue
        wholes = [making.look.columns.get(w.oid, {}) for w in reads.of]
        combined: list[Derived] = []
        for number, (index, raw) in enumerate(column.items(), start=1):
            if not number % ROWS_A_STEP:
                yield
            known = facts.get(index, {})
            if any(str(known.get(fact)) in values for fact, values in table.skip.items()):
                continue
            if not all(re.search(pattern, str(known.get(fact) or "")) for fact, pattern in reads.where.items()):
                continue
            row: dict[str, Value | float | None] = dict(known)
            row |= {key: making.look.columns.get(o, {}).get(index) for key, o in reads.with_.items()}
            row["of"] = _first_whole(reads.of, [c.get(index) for c in wholes])
            for derived in _derive(making, reads, raw, row, index):
                if reads.combine:
                    combined.append(derived)
                else:
                    instance = f"{table.prefix}{index}"[:NAME_MAX]
                    making.add(reads, derived, instance, reads.label or _label(table.label, known), index)
        if combined:
            making.add(reads, _combine(reads, combined), reads.instance, reads.label)


def _stands_still(making: _Making, reads: Reads, plain: Plain, column: Column, facts: Mapping[str, Facts]) -> bool:
    """Whether a column of such readings could be read as it was the last time; then it is."""
    made, kept = making.readings, making.kept
    known = kept.find(making.of, reads, facts) if kept is not None else None
    if kept is None or known is None or not made.keys().isdisjoint(known[1]):
        return False
    rows = known[1] if known[0] == column else _renewed(plain, *known, column)
    if rows is None:
        return False
    made.update(rows)
    if rows is not known[1]:
        kept.keep(making.of, reads, column, facts, rows)
    return True


def _plain_column(
    making: _Making, reads: Reads, plain: Plain, table: Table, column: Column, facts: Mapping[str, Facts]
) -> Steps:
    """A column of such readings, kept for the next time."""
    made, kept, before = making.readings, making.kept, len(making.readings)
    overlaps = kept is None or any((reads.name, f"{table.prefix}{index}"[:NAME_MAX]) in made for index in column)
    yield from _plain(making, reads, plain, table, column, facts)
    if kept is not None and not overlaps:
        kept.keep(making.of, reads, column, facts, dict(islice(made.items(), before, None)))


def _renewed(plain: Plain, before: Column, rows: _Rows, column: Column) -> _Rows | None:
    """The readings of a column of which only numbers changed; None where more did, or not every row is a reading."""
    if len(rows) != len(column) or list(before) != list(column):
        return None
    scale, states, special, decimals, lowest, highest = plain
    numbers = not states and not special
    made: _Rows = {}
    for (key, old), was, raw in zip(rows.items(), before.values(), column.values(), strict=True):
        if was == raw:
            made[key] = old
            continue
        if type(raw) is not int:
            return None
        if numbers and lowest <= (value := raw * scale) <= highest:
            made[key] = reading(key[0], key[1], round(value, decimals), None, old.label)
        elif (told := _told(plain, raw)) is not None:
            made[key] = reading(key[0], key[1], told[0], told[1], old.label)
        else:
            return None
    return made


def _plain(
    making: _Making, reads: Reads, plain: Plain, table: Table, column: Column, facts: Mapping[str, Facts]
) -> Steps:
    """Readings that come from one number each, in one loop, for most are of this kind; the same as one by one."""
    name, made, prefix = reads.name, making.readings, table.prefix
    for number, (index, raw) in enumerate(column.items(), start=1):
        if not number % ROWS_A_STEP:
            yield
        key = (name, f"{prefix}{index}"[:NAME_MAX])
        known = facts.get(index)
        called = _label(table.label, known) if known else ""
        if type(raw) is not int or key in made:
            for derived in _derive(making, reads, raw, known or {}, index):
                making.add(reads, derived, key[1], called, index)
        elif (told := _told(plain, raw)) is not None:
            made[key] = reading(name, key[1], told[0], told[1], called)
            if making.sources is not None:
                making.sources[key] = f"{reads.oid}.{index}"


def _told(plain: Plain, raw: int) -> tuple[float | None, str | None] | None:
    """The value and the state that a number stands for; None for a code that the MIB does not know."""
    scale, states, special, decimals, lowest, highest = plain
    if raw in special:
        return None, special[raw]
    if states:
        return (float(raw), states[raw]) if raw in states else None
    value = raw * scale
    return (round(value, decimals), None) if lowest <= value <= highest else (None, "unknown")


def _derive(
    making: _Making, reads: Reads, raw: Value, row: Mapping[str, Value | float | None], index: str
) -> tuple[Derived, ...]:
    if reads.raw is not None:
        return _rate(making, reads, raw, row.get("of"), index)
    if isinstance(raw, bytes) and not reads.decoder:
        return _written(reads, text(raw, guess=False), row)
    if isinstance(raw, int) and raw in reads.absent:
        return ()
    if isinstance(raw, int) and raw in reads.special:
        return (Derived(None, reads.special[raw]),)
    if reads.keep and isinstance(raw, int) and 0 <= raw < 1 << 64:
        key = f"{reads.keep}:{index}"
        making.counters[key] = raw
    if reads.decoder:
        return DECODERS[reads.decoder].decode(raw, row)
    if not isinstance(raw, int):
        return ()
    if reads.states:
        return (Derived(float(raw), reads.states[raw]),) if raw in reads.states else ()
    return _scaled(reads, raw, row)


def _written(reads: Reads, said: str, row: Mapping[str, Value | float | None]) -> tuple[Derived, ...]:
    """A word or a number that a device sends as text."""
    found = re.search(reads.pattern or r".*", said, re.IGNORECASE)
    if not said or found is None:
        return ()
    cut = (found.group(1) if found.groups() else found.group(0)) or ""
    if reads.texts:
        return (Derived(None, reads.texts.get(cut.strip().casefold(), "unknown")),)
    number = _NUMBER.match(cut)
    if number is None:
        return ()
    value = float(number[0])
    if value in reads.absent:
        return ()
    if value in reads.special:
        return (Derived(None, reads.special[int(value)]),)
    if reads.states:
        return (Derived(value, reads.states[int(value)]),) if value in reads.states else ()
    return _scaled(reads, value, row)


def _scaled(reads: Reads, number: float, row: Mapping[str, Value | float | None]) -> tuple[Derived, ...]:
    if not reads.of:
        return _sensible(reads, number * reads.scale + reads.offset)
    whole = row.get("of")
    if not isinstance(whole, int | float) or whole <= 0:
        return ()
    return _sensible(reads, number * reads.scale * 100 / whole)


def _sensible(reads: Reads, value: float) -> tuple[Derived, ...]:
    """The number, or "unknown" for one that cannot be meant: agents send -1 and 2^31-1 for what they do not know."""
    lowest, highest = RANGES.get(reads.unit, ANY)
    return (Derived(_rounded(reads, value)) if lowest <= value <= highest else Derived(None, "unknown"),)


def _rate(making: _Making, reads: Reads, raw: Value, whole: Value | float | None, index: str) -> tuple[Derived, ...]:
    if not isinstance(raw, int) or raw < 0 or reads.raw is None:
        return ()
    key = f"{reads.raw}:{index}"
    # The first entry that has this row decides which counter it is: 64 bits before 32.
    making.counters.setdefault(key, raw)
    before = making.before
    if making.counters[key] != raw or before is None or key not in before.counters:
        return ()
    number = whole if isinstance(whole, int | float) and whole > 0 else None
    per_second = rates.rate(
        before.counters[key],
        raw,
        seconds=making.look.at - before.at,
        bits=reads.bits,
        ceiling=number / reads.scale if number else None,
    )
    if per_second is None:
        return ()
    if not reads.of:
        return (Derived(round(per_second * reads.scale, 1)),)
    if number is None or per_second * reads.scale > number * 1.25:
        return ()  # the declared speed cannot be right: no percentage is better than 400 %
    return (Derived(min(100.0, round(per_second * reads.scale * 100 / number, 2))),)


def _combine(reads: Reads, derived: list[Derived]) -> Derived:
    known = [(d.value, d.state) for d in derived if d.value is not None]
    if not known:
        return derived[0]
    if reads.combine == "first":
        return Derived(*known[0])
    if reads.combine == "max":
        return Derived(*max(known, key=lambda one: one[0]))
    total = sum(value for value, _ in known)
    return Derived(_rounded(reads, total / len(known)) if reads.combine == "mean" else total)


def _whole(wholes: tuple[Whole, ...], value_of: Callable[[Whole], Value | None]) -> float | None:
    return _first_whole(wholes, [value_of(w) for w in wholes])


def _first_whole(wholes: tuple[Whole, ...], values: list[Value | None]) -> float | None:
    for whole, value in zip(wholes, values, strict=True):
        if isinstance(value, int) and value > 0:
            return value * whole.scale
    return None


def _label(facts: tuple[str, ...], known: Facts) -> str:
    for fact in facts:
        if known.get(fact):
            return str(known[fact])
    return ""


def _rounded(reads: Reads, value: float) -> float:
    return round(value, 3 if reads.decimals is None else reads.decimals)


def _finite(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else value
