"""Everything that one device says of itself, as the plain document that `assets probe --json` prints. Pure.

A key is there only if the device supports it; None stands where the device itself says "not known". Words are those
of the MIBs (`lowPaper`, `notPresent`), so that the document can be compared with what other tools read.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from assets.probing import identity
from assets.probing.ber import Value
from assets.probing.decoders import OK, is_pseudo, is_ram, is_receptacle, level, unsigned
from assets.probing.identity import BRIDGE_ADDRESS, ENTITY, ENTITY_COLUMNS
from assets.probing.look import Facts, Look, at_once, readings, text
from assets.probing.oid import is_under
from assets.probing.overview import Known
from assets.probing.prober import Seen
from assets.probing.readings import Reading, Result
from assets.probing.texts import decoded
from assets.text import clean

Document = dict[str, Any]
Sources = Mapping[tuple[str, str], str]  # the object behind a reading, by its name and instance

SYS_CONTACT = "1.3.6.1.2.1.1.4.0"
ALARMS_PRESENT = "1.3.6.1.2.1.33.1.6.1.0"
COLORANTS = "1.3.6.1.2.1.43.12.1.1.4"  # prtMarkerColorantValue
FDB = "1.3.6.1.2.1.17.4.3.1.2"  # dot1dTpFdbPort
QFDB = "1.3.6.1.2.1.17.7.1.2.2.1.2"  # dot1qTpFdbPort
ALARMS = "1.3.6.1.2.1.33.1.6.2.1.2"  # upsAlarmDescr
LLDP = "1.0.8802.1.1.2.1.4.1.1"  # lldpRemTable (IEEE 802.1AB), indexed by time mark, local port, number
LLDP_COLUMNS = {"chassis": 5, "port": 7, "port_descr": 8, "sys_name": 9}
EXTRA_SCALARS = (SYS_CONTACT, BRIDGE_ADDRESS)
UCD, MAKERS = "1.3.6.1.4.1.2021", "1.3.6.1.4.1"
UCD_MEMORY = f"{UCD}.4.5.0"  # memTotalReal
PROCESSORS = "1.3.6.1.2.1.25.3.3.1.2"  # hrProcessorLoad
IF_NAME, IF_DESCR = "1.3.6.1.2.1.31.1.1.1.1", "1.3.6.1.2.1.2.2.1.2"
MIB_ADMIN, MIB_OPER = "1.3.6.1.2.1.2.2.1.7", "1.3.6.1.2.1.2.2.1.8"
STORAGE_USED = "1.3.6.1.2.1.25.2.3.1.6"
SPEED_OVERFLOWN = (1 << 32) - 1  # ifSpeed of what is faster; ifHighSpeed tells
_COLOURS = {  # also as makers write them for Viet Nam and Taiwan
    "black": ("black", "đen", "黑"),
    "cyan": ("cyan", "lục lam", "xanh lơ", "青"),
    "magenta": ("magenta", "đỏ tươi", "hồng sẫm", "洋紅"),
    "yellow": ("yellow", "vàng", "黃"),
}


@dataclass(frozen=True)
class Extra:
    """What the document needs beyond a look: single objects and columns that no reading comes from."""

    scalars: Mapping[str, Value] = field(default_factory=dict)
    columns: Mapping[str, Mapping[str, Value]] = field(default_factory=dict)


def extra_columns(category: str) -> tuple[str, ...]:
    """The columns worth asking a device of this category for its document."""
    if category == "printer":
        return (COLORANTS,)
    if category == "ups":
        return (ALARMS,)
    lldp = tuple(f"{LLDP}.{number}" for number in LLDP_COLUMNS.values())
    return (FDB, QFDB, *lldp, *identity.entity_columns())


def document(seen: Seen, extra: Extra) -> Document:
    """The whole document; for a device that did not answer only how the asking ended."""
    result, look, known = seen.result, seen.look, seen.known
    out: Document = {"schema": 1, "outcome": str(result.outcome), "detail": result.detail}
    out |= {"latency_ms": result.latency_ms, "truncated": result.truncated}
    if result.identity is not None:
        out |= _who(result, extra, {} if look is None else look.scalars)
    if look is None or known is None:
        return _said(out)
    sources = at_once(readings(known.profile, look, None, known.tables)).sources
    out["interfaces"] = _interfaces(known, look)
    if out.get("category") == "printer":
        out["printer"] = _printer(result, known, look, extra)
    if out.get("category") == "ups":
        out["ups"] = _ups(result, look, extra)
    if out.get("category") == "nas":
        out["nas"] = _nas(result)
    out |= {"storage": _storage(known, look), "cpu": _cpu(result, look, sources)}
    out["memory"] = _memory(result, known, look, sources)
    out |= {"temperatures": _temperatures(result, sources), "lldp_neighbors": _lldp(extra), "bridge": _bridge(extra)}
    out["chassis"] = _chassis(extra)
    out["readings"] = [_reading(r) for r in result.readings]
    return _said(out)


def _said(out: Document) -> Document:
    """Without the empty parts, which the device does not support; an empty list of neighbours is such a part."""
    return {key: value for key, value in out.items() if value not in ({}, [], "") or key.startswith("sys_")}


def _who(result: Result, extra: Extra, scalars: Mapping[str, Value]) -> Document:
    who = result.identity
    assert who is not None
    out: Document = {
        "category": who.category,
        "vendor": who.vendor,
        "model": who.model,
        "serial": who.serial,
        "firmware": who.firmware,
        "os": identity.operating_system(who.sys_descr) if who.category == "host" else "",
        "profile": who.profile,
    }
    system = {"sys_descr": identity.SYS_DESCR, "sys_name": identity.SYS_NAME, "sys_location": identity.SYS_LOCATION}
    for key, oid in system.items():
        if oid in scalars:
            out[key] = _as_sent(scalars[oid])
    out["sys_object_id"] = who.sys_object_id
    if SYS_CONTACT in extra.scalars:
        out["sys_contact"] = _as_sent(extra.scalars[SYS_CONTACT])
    if result.uptime_seconds is not None:
        out["uptime_s"] = int(result.uptime_seconds)
    return {key: value for key, value in out.items() if value != "" or key.startswith("sys_")}


def _as_sent(raw: Value | None) -> str:
    """A text as the device sent it: JSON escapes its control characters, and what it does not escape is left out."""
    if not isinstance(raw, bytes):
        return ""
    sent = decoded(raw.rstrip(b"\0"))
    return "".join(c for c in sent if c < " " or unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co", "Cn"))


def _camel(word: object) -> str:
    head, *rest = str(word).split("_")
    return head + "".join(part.title() for part in rest)


def _interfaces(known: Known, look: Look) -> Document:
    facts = known.tables.get("interface", {})
    oper = _words(known, look, "interface.oper", MIB_OPER)
    admin = _words(known, look, "interface.admin", MIB_ADMIN)
    indexes = sorted({*facts, *oper}, key=_order)
    if not indexes:
        return {}
    names = [known.static.get(column, {}) for column in (IF_NAME, IF_DESCR)]
    rows = [_interface(index, facts.get(index, {}), admin.get(index), oper.get(index)) for index in indexes]
    for row, index in zip(rows, indexes, strict=True):
        sent = next((name for column in names if (name := _as_sent(column.get(index)))), "")
        row["name"] = sent if clean(sent) == row["name"] else row["name"]
    up = sum(word == "up" for word in oper.values())
    out = {"count": len(rows), "oper_up": up, "oper_not_up": len(oper) - up}
    if admin:
        out["admin_down"] = sum(word == "down" for word in admin.values())
    return {**out, "list": rows}


def _interface(index: str, facts: Facts, admin: str | None, oper: str | None) -> Document:
    name, descr = str(facts.get("name") or ""), str(facts.get("descr") or "")
    row: Document = {"index": int(index), "name": name or descr}
    if name and descr and descr != name:
        row["descr"] = descr
    for key in ("alias", "type"):
        if facts.get(key) not in (None, ""):
            row[key] = facts[key]
    speed, high = facts.get("speed"), facts.get("high_speed")
    if isinstance(high, int) and high > 0 and (not isinstance(speed, int) or speed >= SPEED_OVERFLOWN or not speed):
        row["speed_bps"] = high * 1_000_000
    elif isinstance(speed, int):
        row["speed_bps"] = speed
    row |= {key: word for key, word in (("admin", admin), ("oper", oper)) if word}
    if facts.get("mac"):
        row["mac"] = facts["mac"]
    return row


def _words(known: Known, look: Look, name: str, oid: str) -> dict[str, str]:
    """A column of states in the MIB's words."""
    states = next((r.states for t in known.profile.tables for r in t.readings if r.name == name), {})
    column = look.columns.get(oid, {})
    return {i: _camel(states.get(raw, raw)) for i, raw in column.items() if isinstance(raw, int)}


def _printer(result: Result, known: Known, look: Look, extra: Extra) -> Document:
    out: Document = {}
    by_name = _by_name(result)
    if status := by_name.get("printer.status"):
        out["device_status"] = status[0].state
    if errors := by_name.get("printer.error"):
        out["errors"] = [_camel(r.state) for r in errors if r.state != OK]
    if pages := by_name.get("printer.pages"):
        out["page_count"] = None if pages[0].value is None else int(pages[0].value)
    colorants = {
        index.rpartition(".")[2]: text(raw).casefold() for index, raw in extra.columns.get(COLORANTS, {}).items()
    }
    supplies = known.tables.get("supply", {})
    if supplies:
        out["supplies"] = [_supply(i, supplies[i], colorants) for i in sorted(supplies, key=_order)]
    trays = known.tables.get("tray", {})
    if trays:
        out["trays"] = [_level_row(i, trays[i]) for i in sorted(trays, key=_order)]
    return out


def _supply(index: str, facts: Facts, colorants: Mapping[str, str]) -> Document:
    row = _level_row(index, facts)
    if facts.get("type"):
        row["type"] = _camel(facts["type"])
    name = str(facts.get("name") or "").casefold()
    colour = colorants.get(str(facts.get("colorant"))) or next(
        (colour for colour, words in _COLOURS.items() if any(word in name for word in words)), ""
    )
    if colour in _COLOURS:
        row["colour"] = colour
    if is_receptacle(facts):
        row["receptacle"] = True
    return row


def _level_row(index: str, facts: Facts) -> Document:
    row: Document = {"index": int(index.rpartition(".")[2]), "name": facts.get("name") or ""}
    raw = facts.get("level")
    if not isinstance(raw, int):
        return row
    derived = level(raw, {"of": facts.get("max")})[0]
    row["level"] = raw
    if isinstance(facts.get("max"), int):
        row["max"] = facts["max"]
    row["percent"] = derived.value
    row["state"] = derived.state or ("known" if raw else "empty")
    return row


_UPS_VALUES = {
    "battery_percent": "ups.battery_percent",
    "runtime_minutes": "ups.runtime_minutes",
    "seconds_on_battery": "ups.on_battery_seconds",
    "load_percent": "ups.load_percent",
    "input_voltage": "ups.input_volts",
    "output_voltage": "ups.output_volts",
    "battery_voltage": "ups.battery_volts",
    "battery_temperature_c": "ups.battery_celsius",
    "ambient_temperature_c": "ups.ambient_celsius",
}


def _ups(result: Result, look: Look, extra: Extra) -> Document:
    by_name = _by_name(result)
    out: Document = {}
    for key, name in (("status", "ups.status"), ("battery_status", "ups.battery")):
        if found := by_name.get(name):
            out[key] = found[0].state
    for key, name in _UPS_VALUES.items():
        if found := by_name.get(name):
            out[key] = found[0].value
    if found := by_name.get("ups.replace_battery"):
        out["replace_battery"] = found[0].state == "replace"
    if isinstance(present := look.scalars.get(ALARMS_PRESENT), int):
        out["alarms_present"] = present
        out["alarms"] = [str(raw) for raw in extra.columns.get(ALARMS, {}).values()]
    return out


def _storage(known: Known, look: Look) -> list[Document]:
    used = look.columns.get(STORAGE_USED, {})
    out: list[Document] = []
    for index, facts in sorted(known.tables.get("storage", {}).items(), key=lambda item: _order(item[0])):
        size, full = unsigned(facts.get("size")), unsigned(used.get(index))
        unit, kind = facts.get("unit_bytes"), facts.get("type")
        if kind not in ("fixed", "network", "flash", "ramdisk", "removable") or not isinstance(size, int) or size <= 0:
            continue
        if not isinstance(unit, int) or not isinstance(full, int) or full < 0:
            continue
        name = str(facts.get("name") or "")
        row: Document = {"name": name, "kind": kind, "size_bytes": size * unit, "used_bytes": full * unit}
        row["used_percent"] = round(min(100.0, full * 100 / size), 1)
        if is_pseudo(name):
            row["pseudo"] = True
        out.append(row)
    return out


def _cpu(result: Result, look: Look, sources: Sources) -> Document:
    found = _by_name(result).get("cpu.load_percent")
    if not found:
        return {}
    source = sources[found[0].name, found[0].instance]
    out: Document = {"load_percent": found[0].value, "source": _mib(source)}
    if source == PROCESSORS:
        out |= {"cores": len(look.columns[source]), "source": "hrProcessorLoad"}
    if lines := [v for v in look.columns.get(source, {}).values() if isinstance(v, int)]:
        out["load_percent_lines"] = lines
    return out


def _memory(result: Result, known: Known, look: Look, sources: Sources) -> Document:
    by_name = _by_name(result)
    found = by_name.get("memory.used_percent")
    if not found:
        return {}
    source = sources[found[0].name, found[0].instance]
    out: Document = {"used_percent": found[0].value, "source": _mib(source)}
    if total := by_name.get("memory.total_bytes"):
        out["total_bytes"] = None if total[0].value is None else int(total[0].value)
    elif isinstance(kilobytes := look.scalars.get(source), int) and source == UCD_MEMORY:
        out["total_bytes"] = kilobytes * 1_024
    elif source == STORAGE_USED:
        rows = [facts for facts in known.tables.get("storage", {}).values() if is_ram(facts)]
        sizes = [
            size * unit
            for facts in rows
            if isinstance(size := facts.get("size"), int) and isinstance(unit := facts.get("unit_bytes"), int)
        ]
        out |= {"total_bytes": max(sizes)} if sizes else {}
    return out


def _mib(source: str) -> str:
    """Which kind of MIB an object belongs to."""
    if is_under(source, UCD):
        return "UCD-SNMP-MIB"
    return "vendor MIB" if is_under(source, MAKERS) else "standard MIB"


def _temperatures(result: Result, sources: Sources) -> list[Document]:
    by_name = _by_name(result)
    named = [(r, r.label) for r in by_name.get("temperature.celsius", ())]
    named += [(r, "Battery") for r in by_name.get("ups.battery_celsius", ()) if r.value is not None]
    named += [(r, "Ambient") for r in by_name.get("ups.ambient_celsius", ()) if r.value]
    return [{"name": name, "celsius": r.value, "oid": sources[r.name, r.instance]} for r, name in named]


_NAS_PARTS = {
    "system_status": ("system.state", ""),
    "power_status": ("power_supply.state", "system"),
    "system_fan": ("fan.state", "system"),
    "cpu_fan": ("fan.state", "cpu"),
    "system_celsius": ("temperature.celsius", "system"),
}


def _nas(result: Result) -> Document:
    by_key = {(r.name, r.instance): r for r in result.readings}
    out: Document = {}
    for key, wanted in _NAS_PARTS.items():
        if found := by_key.get(wanted):
            out[key] = found.state or found.value
    if found := by_key.get(("firmware.update", "")):
        out["upgrade_available"] = {"available": True, "unavailable": False}.get(str(found.state))
    for key, name in (("disks", "disk.state"), ("volumes", "volume.state")):
        if rows := [_part(r, by_key) for r in result.readings if r.name == name]:
            out[key] = rows
    return out


def _part(reading: Reading, by_key: Mapping[tuple[str, str], Reading]) -> Document:
    """A disk or a volume with what else is known of the same row."""
    index = reading.instance.rpartition(".")[2]
    row: Document = {"index": int(index) if index.isdigit() else index, "status": reading.state}
    if reading.label:
        row["name"] = reading.label
    if heat := by_key.get(("temperature.celsius", reading.instance)):
        row["celsius"] = heat.value
    if used := by_key.get(("storage.used_percent", reading.instance)):
        row["used_percent"] = used.value
    return row


def _lldp(extra: Extra) -> list[Document]:
    columns = {key: extra.columns.get(f"{LLDP}.{number}", {}) for key, number in LLDP_COLUMNS.items()}
    out: list[Document] = []
    for index in sorted(columns["chassis"], key=_order):
        arcs = index.split(".")
        if len(arcs) < 2:
            continue
        row: Document = {"local_port": int(arcs[-2])}  # some agents leave the time mark out
        row |= {key: _shown(column[index]) for key, column in columns.items() if index in column}
        out.append({key: value for key, value in row.items() if value != ""})
    return out


def _bridge(extra: Extra) -> Document:
    out: Document = {}
    address = extra.scalars.get(BRIDGE_ADDRESS)
    if isinstance(address, bytes) and len(address) == 6 and any(address):
        out["base_mac"] = address.hex(":")
    entries = extra.columns.get(FDB) or extra.columns.get(QFDB)
    if entries:
        out["fdb_entries"] = len(entries)
    return out


_CHASSIS_KEYS = {
    "descr": "descr",
    "name": "name",
    "hardware": "hardware_rev",
    "firmware": "firmware_rev",
    "software": "software_rev",
    "serial": "serial",
    "maker": "manufacturer",
    "model": "model",
}


def _chassis(extra: Extra) -> list[Document]:
    classes = extra.columns.get(f"{ENTITY}.{ENTITY_COLUMNS['class']}", {})
    out: list[Document] = []
    for index in (i for i, kind in classes.items() if kind == 3):
        row = {
            ours: text(extra.columns.get(f"{ENTITY}.{ENTITY_COLUMNS[key]}", {}).get(index))
            for key, ours in _CHASSIS_KEYS.items()
        }
        out.append({key: value for key, value in row.items() if value})
    return [row for row in out if row]


def _shown(raw: Value) -> str:
    """A name that may be an address: text where it is text, else octets in hex; padding of NULs is left out."""
    if isinstance(raw, bytes) and len(raw) > 6:
        raw = raw.rstrip(b"\0")
    if isinstance(raw, bytes) and ((len(raw) == 6 and not raw.isascii()) or any(b < 9 for b in raw)):
        return raw.hex(":")
    return text(raw)


def _reading(reading: Reading) -> Document:
    out: Document = {"name": reading.name, "value": reading.value}
    for key in ("instance", "state", "label"):
        if getattr(reading, key):
            out[key] = getattr(reading, key)
    return out


def _by_name(result: Result) -> dict[str, list[Reading]]:
    out: dict[str, list[Reading]] = {}
    for reading in result.readings:
        out.setdefault(reading.name, []).append(reading)
    return out


def _order(index: str) -> tuple[int, ...]:
    return tuple(int(arc) for arc in re.findall(r"\d+", index))
