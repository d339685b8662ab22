"""Rows of the UPS-MIB (RFC 1628) for a UPS in a given state."""

from dataclasses import dataclass

from assets.demo.mibs import columns
from assets.demo.spec import State
from assets.demo.values import (
    Cells,
    Oid,
    Rows,
    Rule,
    counter,
    gauge,
    integer,
    moving_integer,
    object_id,
    oid,
    swinging,
    text,
    ticks,
)

# A demonstration runs for hours: a charge that really ran out would turn every power cut into a dead battery.
HELD_PERCENT = 46
LOW_PERCENT = 9

_UPS = oid("1.3.6.1.2.1.33.1")
_WELL_KNOWN_ALARMS: Oid = (*_UPS, 6, 3)
_BATTERY_BAD, _ON_BATTERY, _LOW_BATTERY, _TEMPERATURE_BAD, _INPUT_BAD, _OVERLOAD = 1, 2, 3, 5, 6, 8
_NORMAL, _LOW = 2, 3  # upsBatteryStatus
_SOURCE_NORMAL, _SOURCE_BATTERY = 3, 5  # upsOutputSource


@dataclass(frozen=True, slots=True)
class Ups:
    """What a UPS says it is, and how long it would carry its load from full."""

    maker: str
    model: str
    firmware: str
    name: str
    battery_minutes: int
    load_percent: int
    volt_ampere: int


def ups_rows(ups: Ups, state: State, *, booted: float, since: float) -> Rows:
    """All groups of the UPS-MIB; on battery, the charge falls from `since` on."""
    on_battery = state.on_battery or state.battery_low
    ident: Cells = {
        1: text(ups.maker, 31),
        2: text(ups.model, 63),
        3: text(ups.firmware, 63),
        4: text("2.14", 63),
        5: text(ups.name, 63),
        6: text("", 63),
    }
    rows = columns((*_UPS, 1), (0,), ident)
    rows |= _battery(ups, state, on_battery, since)
    rows |= _input(on_battery) | _output(ups, state, on_battery)
    rows |= _alarms(state, on_battery, max(0.0, since - booted))
    rows |= _configuration(ups)
    return rows


def _charge(ups: Ups, state: State, on_battery: bool, since: float) -> Rule:
    if state.battery_low or not on_battery:
        return swinging(LOW_PERCENT if state.battery_low else 100, 0)
    per_second = 100 / (ups.battery_minutes * 60)
    return lambda now: max(HELD_PERCENT, int(100 - max(0.0, now - since) * per_second))


def _battery(ups: Ups, state: State, on_battery: bool, since: float) -> Rows:
    charge = _charge(ups, state, on_battery, since)
    hot = 47 if state.overheated else 29

    def minutes(now: float) -> int:
        return charge(now) * ups.battery_minutes // 100

    def on_battery_for(now: float) -> int:
        return int(max(0.0, now - since)) if on_battery else 0

    values: Cells = {
        1: integer(_LOW if state.battery_low else _NORMAL),
        2: moving_integer(on_battery_for),
        3: moving_integer(minutes),
        4: moving_integer(charge),
        5: moving_integer(lambda now: 240 + charge(now) * 34 // 100),  # tenths of a volt
        6: integer(58 if on_battery else 0),  # tenths of an ampere
        7: moving_integer(swinging(hot, 1, period=3_600)),
    }
    return columns((*_UPS, 2), (0,), values)


def _input(on_battery: bool) -> Rows:
    volts = swinging(0, 0) if on_battery else swinging(226, 4, period=340)
    rows: Rows = {
        (*_UPS, 3, 1, 0): counter(4 + on_battery),
        (*_UPS, 3, 2, 0): integer(1),
    }
    line: Cells = {
        2: integer(0 if on_battery else 500),  # tenths of a hertz
        3: moving_integer(volts),
        4: integer(0 if on_battery else 21),
        5: integer(0 if on_battery else 410),
    }
    return rows | columns((*_UPS, 3, 3, 1), (1,), line)


def _output(ups: Ups, state: State, on_battery: bool) -> Rows:
    load = swinging(113, 3) if state.overloaded else swinging(ups.load_percent, 4, period=480)
    rows: Rows = {
        (*_UPS, 4, 1, 0): integer(_SOURCE_BATTERY if on_battery else _SOURCE_NORMAL),
        (*_UPS, 4, 2, 0): integer(500),
        (*_UPS, 4, 3, 0): integer(1),
    }
    line: Cells = {
        2: integer(230),
        3: integer(ups.volt_ampere * ups.load_percent // 2300),
        4: moving_integer(lambda now: load(now) * ups.volt_ampere * 7 // 1000),
        5: moving_integer(load),
    }
    return rows | columns((*_UPS, 4, 4, 1), (1,), line)


def _alarms(state: State, on_battery: bool, since_boot: float) -> Rows:
    present = [
        number
        for number, holds in (
            (_BATTERY_BAD, state.replace_battery),
            (_ON_BATTERY, on_battery),
            (_LOW_BATTERY, state.battery_low),
            (_TEMPERATURE_BAD, state.overheated),
            (_INPUT_BAD, on_battery),
            (_OVERLOAD, state.overloaded),
        )
        if holds
    ]
    rows: Rows = {(*_UPS, 6, 1, 0): gauge(len(present))}
    for row, number in enumerate(present, start=1):
        alarm: Cells = {
            2: object_id((*_WELL_KNOWN_ALARMS, number)),
            3: ticks(since_boot),
        }
        rows |= columns((*_UPS, 6, 2, 1), (row,), alarm)
    return rows


def _configuration(ups: Ups) -> Rows:
    values: Cells = {
        1: integer(230),
        2: integer(500),
        3: integer(230),
        4: integer(500),
        5: integer(ups.volt_ampere),
        6: integer(ups.volt_ampere * 7 // 10),
        7: integer(2),  # low battery warning, minutes
        8: integer(2),
        9: integer(170),
        10: integer(280),
    }
    return columns((*_UPS, 9), (0,), values)
