"""A week of hourly readings of every simulated device, from the same rules that it answers by now."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from assets.db import Connection
from assets.demo.history import Watched
from assets.demo.simulation import recording_of
from assets.demo.spec import Device, Spec
from assets.demo.values import Moving, Rows, Value, oid
from assets.monitoring.conditions import GONE, Condition
from assets.monitoring.storage import make_partition

DAYS = 7
HOUR = timedelta(hours=1)
PAGES_A_CARTRIDGE = 3_000
At = Callable[[float], float | None]  # seconds since 1970 → the reading then
Named = tuple[tuple[str, str], At]  # (reading, instance) and its past

_IF_IN, _IF_OUT = oid("1.3.6.1.2.1.31.1.1.1.6.1"), oid("1.3.6.1.2.1.31.1.1.1.10.1")  # ifHCInOctets, ifHCOutOctets
_PROCESSOR_LOAD = oid("1.3.6.1.2.1.25.3.3.1.2")  # hrProcessorLoad
_PAGES = oid("1.3.6.1.2.1.43.10.2.1.4.1.1")  # prtMarkerLifeCount
_BLACK = oid("1.3.6.1.2.1.43.11.1.1.9.1.1")  # prtMarkerSuppliesLevel
_UPS_LOAD, _UPS_INPUT = oid("1.3.6.1.2.1.33.1.4.4.1.5.1"), oid("1.3.6.1.2.1.33.1.3.3.1.3.1")


@dataclass(frozen=True)
class _Curve:
    """The readings of one device, in the order of their reading set."""

    names: tuple[tuple[str, str], ...]
    past: tuple[At, ...]


async def write_readings(tx: Connection, spec: Spec, watched: Iterable[Watched], now: datetime) -> int:
    """COPY a point an hour into the partitions of the past days; answers how many readings."""
    hours = [now - HOUR * back for back in range(DAYS * 24, 0, -1)]
    for day in sorted({hour.date() for hour in hours} | {now.date()}):
        await make_partition(tx, day)
    devices = {device.tag: device for device in spec.devices}
    curves = [(w, _curve(devices[w.subject.tag], spec.epoch, now)) for w in watched if w.subject.tag in devices]
    sets = await _sets(tx, {curve.names for _, curve in curves})
    rows = [row for w, curve in curves for row in _points(w, curve, sets[curve.names], hours)]
    await tx.copy_records_to_table("readings", records=rows, columns=("target", "at", "reading_set", "values"))
    return sum(len(row[3]) for row in rows)


def _points(
    w: Watched, curve: _Curve, reading_set: int, hours: Sequence[datetime]
) -> Iterator[tuple[UUID, datetime, int, list[float | None]]]:
    """The points at which the device answered."""
    changes, done, condition = w.changes, 0, Condition.UNKNOWN
    for hour in hours:
        while done < len(changes) and changes[done].at <= hour:
            condition, done = changes[done].after, done + 1
        if condition not in GONE and condition is not Condition.UNKNOWN:
            yield w.target, hour, reading_set, [at(hour.timestamp()) for at in curve.past]


def _curve(device: Device, epoch: datetime, now: datetime) -> _Curve:
    rows = recording_of(device, epoch).rows
    named = dict(sorted(_READERS.get(device.kind, _traffic)(rows, now.timestamp())))
    return _Curve(tuple(named), tuple(named.values()))


def _traffic(rows: Rows, _now: float) -> Iterator[Named]:
    for name, counter in (("interface.in_bps", _IF_IN), ("interface.out_bps", _IF_OUT)):
        if counter in rows:
            yield (name, "1"), _rate(rows[counter])


def _rate(counter: Value | Moving) -> At:
    seconds = HOUR.total_seconds()

    def at(moment: float) -> float:
        return round((_number(counter, moment) - _number(counter, moment - seconds)) * 8 / seconds, 1)

    return at


def _host(rows: Rows, now: float) -> Iterator[Named]:
    yield from _traffic(rows, now)
    loads = [value for name, value in rows.items() if name[:-1] == _PROCESSOR_LOAD]
    if loads:
        yield ("cpu.load_percent", ""), lambda at: sum(_number(load, at) for load in loads) / len(loads)


def _printer(rows: Rows, now: float) -> Iterator[Named]:
    pages, level = rows[_PAGES], _number(rows[_BLACK], now)
    yield ("printer.pages", ""), lambda at: _number(pages, at)
    if level >= 0:
        printed = _number(pages, now)
        yield (
            ("supply.percent", "1.1"),
            lambda at: min(100, level + (printed - _number(pages, at)) * 100 // PAGES_A_CARTRIDGE),
        )


def _ups(rows: Rows, _now: float) -> Iterator[Named]:
    yield ("ups.battery_percent", ""), lambda _at: 100
    yield ("ups.load_percent", ""), lambda at: _number(rows[_UPS_LOAD], at)
    yield ("ups.input_volts", ""), lambda at: _number(rows[_UPS_INPUT], at)


_READERS: Mapping[str, Callable[[Rows, float], Iterator[Named]]] = {
    "printer": _printer, "mfp": _printer, "ups": _ups, "router": _host, "ap": _host, "nas": _host,
}  # fmt: skip


def _number(value: Value | Moving, at: float) -> int:
    data = value.at(at).data
    assert isinstance(data, int)
    return data


async def _sets(tx: Connection, wanted: set[tuple[tuple[str, str], ...]]) -> dict[tuple[tuple[str, str], ...], int]:
    """The numbers of the reading sets, each under the digest that ingest gives the same list."""
    found = {}
    for names in wanted:
        text = json.dumps([list(name) for name in names], ensure_ascii=False, separators=(",", ":"))
        digest = hashlib.sha256(text.encode()).hexdigest()
        found[names] = await tx.fetchval(
            "insert into reading_sets (digest, names) values ($1, $2) returning id", digest, text
        )
    return found
