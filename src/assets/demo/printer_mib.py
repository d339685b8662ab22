"""Rows of the Printer-MIB (RFC 3805) and of hrPrinterTable (RFC 2790) for a printer in a given state."""

from collections.abc import Sequence
from dataclasses import dataclass

from assets.demo.mibs import DEVICE_DOWN, HR_PRINTER, RUNNING, WARNING, columns, hr_device
from assets.demo.spec import State
from assets.demo.values import (
    DAY_SECONDS,
    Cells,
    Oid,
    Rows,
    counter,
    counting,
    growing,
    integer,
    octets,
    oid,
    text,
    ticks,
)

LOW_PERCENT = 10  # below it, printers say "low toner"
SOME_REMAINING, UNKNOWN = -3, -2  # prtMarkerSuppliesLevel: meanings, not levels

_HR_PRINTER_ENTRY = oid("1.3.6.1.2.1.25.3.5.1")
_PRINTER = oid("1.3.6.1.2.1.43")
_IMPRESSIONS, _SHEETS, _PERCENT, _TENTHS_OF_GRAM = 7, 8, 19, 13  # PrtMarkerSuppliesSupplyUnitTC and its kin
_TONER, _WASTE_TONER, _DRUM = 3, 4, 9  # PrtMarkerSuppliesTypeTC
_CONSUMED, _FILLED = 3, 4  # supplyThatIsConsumed, receptacleThatIsFilled
_BITS = {"low_paper": 0, "no_paper": 1, "low_toner": 2, "no_toner": 3, "door_open": 4, "jammed": 5}
_LETTERS = {"black": "Black", "cyan": "Cyan", "magenta": "Magenta", "yellow": "Yellow"}


@dataclass(frozen=True, slots=True)
class Printer:
    """What a printer has: its supplies' levels in percent by colour, its trays' sheets, its page counter."""

    name: str
    serial: str
    toner: dict[str, int]
    trays: Sequence[int]
    coarse_toner: bool
    pages: int
    pages_per_day: int


@dataclass(frozen=True, slots=True)
class Alert:
    """One line of prtAlertTable."""

    error: str  # a key of the hrPrinterDetectedErrorState bits
    stops: bool
    group: int  # PrtAlertGroupTC
    code: int  # PrtAlertCodeTC
    words: str


def printer_rows(printer: Printer, state: State, *, booted: float, since: float) -> Rows:
    """Everything a printer answers beside system, interfaces and host; alerts are dated `since`."""
    alerts = alerts_of(printer, state)
    stopped = any(a.stops for a in alerts)
    status = DEVICE_DOWN if stopped else WARNING if alerts else RUNNING
    other, idle = 1, 3
    rows = hr_device(1, HR_PRINTER, printer.name, status=status)
    rows |= columns(_HR_PRINTER_ENTRY, (1,), {1: integer(other if stopped else idle), 2: octets(_error_bits(alerts))})
    rows |= _general(printer, alerts)
    rows |= _cover(state) | _trays(printer, state) | _output() | _marker(printer, booted)
    rows |= _supplies(printer) | _alert_table(alerts, since - booted)
    words = alerts[0].words if alerts else "Ready"
    rows[(*_PRINTER, 16, 5, 1, 2, 1, 1)] = text(words)
    return rows


def alerts_of(printer: Printer, state: State) -> list[Alert]:
    """What the panel complains of, what stops the printer first."""
    found: list[Alert] = []
    if state.jam:
        found.append(Alert("jammed", True, 13, 8, "Paper jam in the fuser area"))
    if state.cover_open:
        found.append(Alert("door_open", True, 6, 3, "Front cover is open"))
    if state.paper_out:
        found.append(Alert("no_paper", True, 8, 808, "Tray 2 is empty"))
    for colour, percent in printer.toner.items():
        if percent <= 0:
            found.append(Alert("no_toner", True, 11, 1101, f"{_LETTERS[colour]} cartridge is empty"))
        elif percent <= LOW_PERCENT:
            found.append(Alert("low_toner", False, 11, 1104, f"{_LETTERS[colour]} cartridge is low"))
    return found


def _error_bits(alerts: Sequence[Alert]) -> bytes:
    """hrPrinterDetectedErrorState: bit 0 is the highest bit of the first octet."""
    bits = 0
    for alert in alerts:
        bits |= 0x80 >> _BITS[alert.error]
    return bytes((bits,))


def _general(printer: Printer, alerts: Sequence[Alert]) -> Rows:
    stopping = sum(a.stops for a in alerts)
    values: Cells = {
        1: counter(7),
        2: integer(1),
        3: integer(3),
        4: text(""),
        5: text(""),
        6: integer(1),
        7: integer(1),
        8: integer(1),
        9: integer(1),
        10: integer(1),
        11: integer(1),
        12: integer(32),
        13: integer(4),
        14: integer(1),
        15: integer(1),
        16: text(printer.name),
        17: text(printer.serial),
        18: counter(stopping),
        19: counter(len(alerts)),
    }
    return columns((*_PRINTER, 5, 1, 1), (1,), values)


def _cover(state: State) -> Rows:
    opened, closed = 3, 4
    return columns(
        (*_PRINTER, 6, 1, 1), (1, 1), {2: text("Front cover"), 3: integer(opened if state.cover_open else closed)}
    )


def _trays(printer: Printer, state: State) -> Rows:
    rows: Rows = {}
    available, critical = 0, 16  # PrtSubUnitStatusTC, a sum: idle and available, a critical alert
    for number, sheets in enumerate(printer.trays, start=1):
        empty = state.paper_out and number == min(2, len(printer.trays))
        values: Cells = {
            2: integer(5 if number == 1 and len(printer.trays) > 1 else 3),  # fed by hand, or a cassette
            3: integer(4),  # micrometres
            4: integer(297_000),
            5: integer(210_000),
            6: integer(297_000),
            7: integer(210_000),
            8: integer(_SHEETS),
            9: integer(sheets),
            10: integer(0 if empty else SOME_REMAINING),
            11: integer(critical if empty else available),
            12: text("iso-a4-white"),
            13: text(f"Tray {number}"),
            14: text(""),
            15: text(""),
            16: text(""),
            17: text(""),
            18: text(f"Tray {number}, {sheets} sheets"),
        }
        rows |= columns((*_PRINTER, 8, 2, 1), (1, number), values)
    return rows


def _output() -> Rows:
    values: Cells = {
        2: integer(4),  # a bin that stays in place
        3: integer(_SHEETS),
        4: integer(150),
        5: integer(UNKNOWN),
        6: integer(0),
        7: text("Output bin"),
    }
    return columns((*_PRINTER, 9, 2, 1), (1, 1), values)


def _marker(printer: Printer, booted: float) -> Rows:
    laser = 4  # electrophotographicLaser
    per_second = printer.pages_per_day / DAY_SECONDS
    values: Cells = {
        2: integer(laser),
        3: integer(_IMPRESSIONS),
        4: counting(growing(per_second, booted, start=printer.pages)),
        5: counting(growing(per_second, booted)),
        6: integer(len(printer.toner)),
        7: integer(0),
        8: integer(3),
        9: integer(600),
        10: integer(600),
        15: integer(0),
    }
    return columns((*_PRINTER, 10, 2, 1), (1, 1), values)


def _supplies(printer: Printer) -> Rows:
    rows: Rows = {}
    for number, (colour, percent) in enumerate(printer.toner.items(), start=1):
        coarse = printer.coarse_toner and percent > LOW_PERCENT
        level = SOME_REMAINING if coarse else percent
        rows |= _supply(number, number, _TONER, f"{_LETTERS[colour]} Toner Cartridge", 100, level)
        colorant: Cells = {2: integer(1), 3: integer(3), 4: text(colour), 5: integer(2)}
        rows |= columns((*_PRINTER, 12, 1, 1), (1, number), colorant)
    drum, waste = len(printer.toner) + 1, len(printer.toner) + 2
    rows |= _supply(drum, 0, _DRUM, "Drum Unit", 50_000, max(0, 50_000 - printer.pages % 50_000), unit=_IMPRESSIONS)
    rows |= _supply(waste, 0, _WASTE_TONER, "Waste Toner Box", UNKNOWN, SOME_REMAINING, unit=_TENTHS_OF_GRAM)
    return rows


def _supply(
    index: int, colorant: int, kind: int, descr: str, capacity: int, level: int, *, unit: int = _PERCENT
) -> Rows:
    values: Cells = {
        2: integer(1),
        3: integer(colorant),
        4: integer(_FILLED if kind == _WASTE_TONER else _CONSUMED),
        5: integer(kind),
        6: text(descr),
        7: integer(unit),
        8: integer(capacity),
        9: integer(level),
    }
    return columns((*_PRINTER, 11, 1, 1), (1, index), values)


def _alert_table(alerts: Sequence[Alert], since_boot: float) -> Rows:
    rows: Rows = {}
    entry: Oid = (*_PRINTER, 18, 1, 1)
    for number, alert in enumerate(alerts, start=1):
        values: Cells = {
            2: integer(3 if alert.stops else 4),  # critical, warning
            3: integer(3),  # untrained: anybody can mend it
            4: integer(alert.group),
            5: integer(1),
            6: integer(UNKNOWN),
            7: integer(alert.code),
            8: text(alert.words),
            9: ticks(max(0.0, since_boot)),
        }
        rows |= columns(entry, (1, number), values)
    return rows
