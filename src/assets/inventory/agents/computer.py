"""What is kept of what an agent tells of its computer: pure, from sections of rows to one `Computer`.

Only what stands here is kept. Who signed in, what is installed, what runs and how often it is used is nobody's business
here and falls away before anything is stored; so do the agent's own command line and settings, which hold its password.
"""

import ipaddress
import re
from collections.abc import Mapping, Sequence

from pydantic import BaseModel

from assets.inventory.observed import identity
from assets.text import clean

Rows = Sequence[Mapping[str, str]]
Sections = Mapping[str, Rows]
KEPT = frozenset({
    "bios", "hardware", "operatingsystem", "networks", "storages", "memories", "monitors", "usbdevices", "printers", "cpus",
})  # fmt: skip
NAME_MAX, ROWS_SHOWN = 80, 20
MEMORY_MAX_MB, DISK_MAX_MB = 64 * 1024 * 1024, 10**9
_USB_KINDS = {"7": "printer", "6": "scanner"}  # bDeviceClass of printers and of still-image devices
_PRINTER, _SCANNER = re.compile(r"print|máy in|laserjet|deskjet", re.I), re.compile(r"scan|quét", re.I)


class Disk(BaseModel):
    """A disk."""

    name: str
    serial: str
    size_mb: int | None


class Monitor(BaseModel):
    """A monitor at the computer."""

    name: str
    serial: str


class UsbDevice(BaseModel):
    """A printer or scanner on a cable; `kind` says which."""

    kind: str
    name: str
    serial: str


class Computer(BaseModel):
    """What an agent says of its computer; texts are empty and lists too where it says nothing useful."""

    hostname: str = ""
    manufacturer: str = ""
    model: str = ""
    serial: str = ""
    uuid: str = ""
    macs: list[str] = []
    addresses: list[str] = []
    system: str = ""
    processor: str = ""
    memory_mb: int | None = None
    disks: list[Disk] = []
    monitors: list[Monitor] = []
    usb: list[UsbDevice] = []


def computer(sections: Sections) -> Computer:
    """What is kept of an inventory."""
    bios, hardware = _first(sections, "bios"), _first(sections, "hardware")
    networks = [
        row for row in sections.get("networks", ()) if row.get("virtualdev", "").lower() not in ("1", "true", "yes")
    ]
    return Computer(
        hostname=_told(hardware, "name"),
        manufacturer=_told(bios, "smanufacturer", "mmanufacturer"),
        model=_told(bios, "smodel", "mmodel"),
        serial=_serial(bios, "ssn", "msn"),
        uuid=hardware.get("uuid", "").strip().lower() if identity.uuid(hardware.get("uuid", "")) else "",
        macs=_macs(networks),
        addresses=_addresses(networks),
        system=_system(_first(sections, "operatingsystem"), hardware),
        processor=_told(_first(sections, "cpus"), "name"),
        memory_mb=_memory(sections, hardware),
        disks=[_disk(row) for row in sections.get("storages", ()) if _is_disk(row)][:ROWS_SHOWN],
        monitors=_monitors(sections.get("monitors", ())),
        usb=_usb(sections)[:ROWS_SHOWN],
    )  # fmt: skip


def _first(sections: Sections, name: str) -> Mapping[str, str]:
    return next(iter(sections.get(name, ())), {})


def _told(row: Mapping[str, str], *names: str) -> str:
    """The first of these fields that says something."""
    return next((clean(row[name], NAME_MAX) for name in names if identity.plain(row.get(name, ""))), "")


def _serial(row: Mapping[str, str], *names: str) -> str:
    return next((clean(row[name], NAME_MAX) for name in names if identity.serial(row.get(name, ""))), "")


def _macs(networks: Rows) -> list[str]:
    pairs = [
        (row.get("mac") or row.get("macaddr") or "", f"{row.get('description', '')} {row.get('type', '')}")
        for row in networks
    ]
    return [identity.colons(address) for address in sorted(identity.macs(pairs))][:ROWS_SHOWN]


def _addresses(networks: Rows) -> list[str]:
    found = set()
    for row in networks:
        for text in (row.get("ipaddress", ""), row.get("ipaddress6", "")):
            try:
                address = ipaddress.ip_address(text.strip().split("%")[0])
            except ValueError:
                continue
            if not (address.is_loopback or address.is_link_local or address.is_unspecified):
                found.add(address)
    return [str(a) for a in sorted(found, key=lambda a: (a.version, int(a)))][:ROWS_SHOWN]


def _system(system: Mapping[str, str], hardware: Mapping[str, str]) -> str:
    name = _told(system, "full_name", "name") or _told(hardware, "osname")
    version = clean(system.get("version") or hardware.get("osversion") or "", NAME_MAX)
    return name if not version or version in name else f"{name} {version}"[: 2 * NAME_MAX]


def _memory(sections: Sections, hardware: Mapping[str, str]) -> int | None:
    modules = [size for row in sections.get("memories", ()) if (size := _whole(row.get("capacity"), MEMORY_MAX_MB))]
    return min(sum(modules), MEMORY_MAX_MB) or _whole(hardware.get("memory"), MEMORY_MAX_MB)


def _whole(text: str | None, most: int) -> int | None:
    found = re.fullmatch(r"\s*([0-9]{1,12})(\.[0-9]+)?\s*", text or "", re.ASCII)
    return value if found and 0 < (value := int(found[1])) <= most else None


def _is_disk(row: Mapping[str, str]) -> bool:
    kind = f"{row.get('type', '')} {row.get('description', '')} {row.get('interface', '')}".lower()
    return not re.search("cd|dvd|rom|floppy|card|usb|removable|tape", kind)


def _disk(row: Mapping[str, str]) -> Disk:
    return Disk(
        name=_told(row, "model", "name"), serial=_serial(row, "serialnumber", "serial"),
        size_mb=_whole(row.get("disksize"), DISK_MAX_MB),
    )  # fmt: skip


def _monitors(rows: Rows) -> list[Monitor]:
    found = []
    for row in rows[:ROWS_SHOWN]:
        name = " ".join(
            dict.fromkeys(filter(None, (_told(row, "manufacturer"), _told(row, "caption", "name", "description"))))
        )
        serial = _serial(row, "serial", "altserial")
        if name or serial:
            found.append(Monitor(name=name, serial=serial))
    return found


def _usb(sections: Sections) -> list[UsbDevice]:
    """Printers and scanners on a cable: by their USB class, else by their name; and printers whose port is USB."""
    found: dict[tuple[str, str], UsbDevice] = {}
    for row in sections.get("usbdevices", ()):
        name = " ".join(filter(None, (_told(row, "manufacturer"), _told(row, "caption", "name"))))
        kind = _USB_KINDS.get(row.get("class", "").strip()) or _by_name(name)
        if kind and name:
            one = UsbDevice(kind=kind, name=name[: 2 * NAME_MAX], serial=_serial(row, "serial"))
            found.setdefault((kind, one.serial or one.name), one)
    if not any(kind == "printer" for kind, _ in found):
        for row in sections.get("printers", ()):
            if row.get("port", "").upper().startswith(("USB", "DOT4")) and (name := _told(row, "name", "driver")):
                one = UsbDevice(kind="printer", name=name, serial=_serial(row, "serial"))
                found.setdefault(("printer", one.serial or one.name), one)
    return list(found.values())


def _by_name(name: str) -> str:
    return "printer" if _PRINTER.search(name) else "scanner" if _SCANNER.search(name) else ""


def observed(of: Computer, software: str) -> dict[str, list[str]]:
    """The values of a computer under the keys that they are kept by, beside what a person wrote."""
    found = {
        "serial": [of.serial], "uuid": [of.uuid], "manufacturer": [of.manufacturer], "model": [of.model],
        "hostname": [of.hostname], "macs": of.macs, "addresses": of.addresses, "system": [of.system],
        "processor": [of.processor], "memory": [f"{of.memory_mb} MB" if of.memory_mb else ""],
        "disks": [" ".join(filter(None, (d.name, d.serial, f"{d.size_mb // 1000} GB" if d.size_mb else ""))) for d in of.disks],
        "monitors": [f"{m.name} ({m.serial})" if m.serial else m.name for m in of.monitors],
        "usb": [f"{u.name} ({u.serial})" if u.serial else u.name for u in of.usb], "agent": [software],
    }  # fmt: skip
    return {key: kept for key, values in found.items() if (kept := [value for value in values if value])}


def facts(of: Computer, site: str = "") -> identity.Facts:
    """What tells this computer from others."""
    return identity.Facts(
        serials=_plains(identity.serial(of.serial)), uuids=_plains(identity.uuid(of.uuid)),
        macs=frozenset(filter(None, (identity.mac(m) for m in of.macs))),
        monitors=_plains(*(identity.serial(m.serial) for m in of.monitors)), hostname=identity.plain(of.hostname),
        maker=identity.maker(of.manufacturer), model=identity.plain(of.model), site=site,
    )  # fmt: skip


def _plains(*texts: str) -> frozenset[str]:
    return frozenset(filter(None, texts))
