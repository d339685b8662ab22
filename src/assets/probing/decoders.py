"""What TOML cannot say: small named functions from one raw value and what is known of its row to readings.

Each gets the raw value, the row (facts by name, `of` = the whole in the value's unit, and what `with` asked for) and
returns what it makes of it; an empty tuple means "this row has no such reading".
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from assets.probing.ber import Value

Row = Mapping[str, Value | float | None]


@dataclass(frozen=True, slots=True)
class Derived:
    """A value, or the word for what stands in a value's place; `instance` where one object gives several readings."""

    value: float | None = None
    state: str | None = None
    instance: str | None = None


@dataclass(frozen=True)
class Decoder:
    """A function and every word that it may answer."""

    decode: Callable[[Value, Row], tuple[Derived, ...]]
    states: tuple[str, ...] = ()


# hrPrinterDetectedErrorState (RFC 2790; two octets since RFC 3805 §2.2.13.2): bit 0 is the highest of the first octet.
PRINTER_ERRORS = (
    "low_paper",
    "no_paper",
    "low_toner",
    "no_toner",
    "door_open",
    "jammed",
    "offline",
    "service_requested",
    "input_tray_missing",
    "output_tray_missing",
    "supply_missing",
    "output_near_full",
    "output_full",
    "input_tray_empty",
    "overdue_maintenance",
)
_ALWAYS = 8  # a printer that sends no second octet says nothing of the later errors
OK = "ok"


def printer_errors(value: Value, _row: Row) -> tuple[Derived, ...]:
    """One reading per error that the printer can report: its number from 1 and its word, or 0 and "ok"."""
    if not isinstance(value, bytes):
        return ()
    known = PRINTER_ERRORS[: _ALWAYS if len(value) < 2 else None]
    bits = int.from_bytes(value[:2].ljust(2, b"\0"), "big")
    return tuple(
        Derived(float(number), word, word) if bits >> (16 - number) & 1 else Derived(0.0, OK, word)
        for number, word in enumerate(known, start=1)
    )


# prtMarkerSuppliesLevel, prtInputCurrentLevel (RFC 3805): negative numbers are meanings.
LEVEL_WORDS = {-1: "no_restriction", -2: "unknown", -3: "some_remaining"}
LEVEL_STATES = (*LEVEL_WORDS.values(), "empty", "level_without_maximum")
_WASTE = re.compile(r"waste|thải", re.IGNORECASE)


def is_receptacle(row: Row) -> bool:
    """Whether a supply fills up instead of running out: by its class, else its type, else its name."""
    if row.get("class") in ("consumed", "filled"):
        return row["class"] == "filled"
    if kind := row.get("type"):
        return str(kind).startswith("waste")
    return bool(_WASTE.search(str(row.get("name") or "")))


def level(value: Value, row: Row) -> tuple[Derived, ...]:
    """A level as percent of its maximum; a word instead where the printer gives no such number (RFC 3805)."""
    if not isinstance(value, int):
        return ()
    if value < 0:
        return (Derived(state=LEVEL_WORDS.get(value, "unknown")),)
    whole = row.get("of")
    if not isinstance(whole, int | float) or whole <= 0:
        return (Derived(state="level_without_maximum" if value else "empty"),)
    return (Derived(min(100.0, round(value * 100 / whole, 1))),)


def supply_level(value: Value, row: Row) -> tuple[Derived, ...]:
    """`level` of what runs out."""
    return () if is_receptacle(row) else level(value, row)


def receptacle_level(value: Value, row: Row) -> tuple[Derived, ...]:
    """`level` of what fills up; makers differ whether 100 is full, so nothing here is a finding by itself."""
    return level(value, row) if is_receptacle(row) else ()


_DISKS = frozenset({"fixed", "network", "flash", "removable", "other"})
_PSEUDO = re.compile(
    r"^/(dev|run|sys|proc|tmp|var/(run|tmp|lock)|etc|snap)(/|$)|memory|swap|cached|buffer|^ram\b|malloc|mbuf|uma:",
    re.IGNORECASE,
)


def is_pseudo(name: str) -> bool:
    """Whether a storage row is memory or a system mount, which nobody needs to clear."""
    return bool(_PSEUDO.search(name))


def percent(value: Value, whole: Value | float | None) -> tuple[Derived, ...]:
    """A share in percent, if both numbers make sense."""
    if not isinstance(value, int) or not isinstance(whole, int | float) or whole <= 0 or not 0 <= value <= whole * 1.01:
        return ()
    return (Derived(min(100.0, round(value * 100 / whole, 1))),)


def unsigned(value: Value | float | None) -> Value | float | None:
    """A number of blocks: Integer32 in the MIB, and below zero from agents that have more than 2^31 of them."""
    return value + (1 << 32) if isinstance(value, int) and -(1 << 31) <= value < 0 else value


def disk_used(value: Value, row: Row) -> tuple[Derived, ...]:
    """hrStorageUsed of a real disk in percent of its size."""
    if row.get("type") not in _DISKS or is_pseudo(str(row.get("name") or "")):
        return ()
    used = unsigned(value)
    return percent(used, row.get("of") or unsigned(row.get("size"))) if isinstance(used, int) else ()


_RAM = re.compile(r"physical|^(main|real|random access|system) memory|^memory$|^s?d?ram\b", re.IGNORECASE)


def is_ram(row: Row) -> bool:
    """Whether a storage row is the machine's memory."""
    return row.get("type") == "ram" and bool(_RAM.search(str(row.get("name") or "")))


def ram_used(value: Value, row: Row) -> tuple[Derived, ...]:
    """hrStorageUsed of the machine's memory in percent; makers put caches in or out of it."""
    return percent(value, row.get("of")) if is_ram(row) else ()


def ucd_memory(value: Value, row: Row) -> tuple[Derived, ...]:
    """UCD-SNMP-MIB memTotalReal with free, buffers and cached: what programs hold, in percent."""
    free, buffers, cached = (row.get(key) for key in ("free", "buffers", "cached"))
    if not isinstance(value, int) or not isinstance(free, int):
        return ()
    spare = free + sum(x for x in (buffers, cached) if isinstance(x, int))
    if spare > value:  # some agents count the cache inside the free memory
        spare = free
    return percent(value - spare, value)


def left(value: Value, row: Row) -> tuple[Derived, ...]:
    """What is used, in whole percent, where the device says what is free of the whole."""
    whole = row.get("of")
    if not isinstance(value, int) or not isinstance(whole, int | float):
        return ()
    return _whole(percent(int(whole) - value, whole))


def used_and_free(value: Value, row: Row) -> tuple[Derived, ...]:
    """What is used, in whole percent of it and of what is `free` together."""
    free = row.get("free")
    if not isinstance(value, int) or not isinstance(free, int) or free < 0:
        return ()
    return _whole(percent(value, value + free))


def _whole(derived: tuple[Derived, ...]) -> tuple[Derived, ...]:
    """Makers' memory in use comes in whole percent from those that count it themselves: so does what we count."""
    return tuple(Derived(None if one.value is None else float(round(one.value))) for one in derived)


def plus_free(value: Value, row: Row) -> tuple[Derived, ...]:
    """The whole, where the device says what is used and what is `free`."""
    free = row.get("free")
    return (Derived(float(value + free)),) if isinstance(value, int) and isinstance(free, int) else ()


_PHYSICAL = frozenset({"6", "62", "69", "117", "71"})  # ifType: Ethernet of all ages, fibre, wireless
_LINK = {1: "up", 2: "down", 7: "down"}  # ifOperStatus


def described_link(value: Value, row: Row) -> tuple[Derived, ...]:
    """Whether a port that is described (ifAlias) and switched on has a link."""
    if not isinstance(value, int) or value not in _LINK or row.get("admin") != 1:
        return ()
    if (
        not row.get("alias")
        or row["alias"] in (row.get("name"), row.get("descr"))
        or str(row.get("type")) not in _PHYSICAL
    ):
        return ()
    return (Derived(float(value), _LINK[value]),)


def voltage(value: Value, _row: Row) -> tuple[Derived, ...]:
    """Volts of RFC 1628; some cards send tenths, and no mains line has a thousand volts."""
    if not isinstance(value, int) or value < 0:
        return ()
    return (Derived(value / 10 if value > 1_000 else float(value)),)


def warmth(value: Value, _row: Row) -> tuple[Derived, ...]:
    """Degrees Celsius of RFC 1628; some cards send tenths, and no battery is hotter than boiling water."""
    if not isinstance(value, int) or not -60 <= value <= 1_000:
        return (Derived(state="unknown"),)
    return (Derived(value / 10 if value > 100 else float(value)),)


# EntitySensorDataScale (RFC 3433): 9 is units, one step is a factor of a thousand.
def sensor(value: Value, row: Row) -> tuple[Derived, ...]:
    """entPhySensorValue in degrees Celsius, if the sensor measures that and says that it works."""
    scale, precision = row.get("scale"), row.get("precision") or 0
    if not isinstance(value, int) or row.get("type") != "celsius" or row.get("status", "ok") != "ok":
        return ()
    if not isinstance(scale, int) or not isinstance(precision, int) or abs(precision) > 9 or not 1 <= scale <= 17:
        return ()
    celsius = round(value * 10.0 ** (3 * (scale - 9) - precision), 2)
    return (Derived(celsius),) if -60 <= celsius <= 200 else ()


DECODERS: dict[str, Decoder] = {
    "printer_errors": Decoder(printer_errors, (*PRINTER_ERRORS, OK)),
    "supply_level": Decoder(supply_level, LEVEL_STATES),
    "receptacle_level": Decoder(receptacle_level, LEVEL_STATES),
    "level": Decoder(level, LEVEL_STATES),
    "disk_used": Decoder(disk_used),
    "ram_used": Decoder(ram_used),
    "ucd_memory": Decoder(ucd_memory),
    "left": Decoder(left),
    "used_and_free": Decoder(used_and_free),
    "described_link": Decoder(described_link, ("up", "down")),
    "plus_free": Decoder(plus_free),
    "voltage": Decoder(voltage),
    "warmth": Decoder(warmth, ("unknown",)),
    "sensor": Decoder(sensor),
}
