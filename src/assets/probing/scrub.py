"""What a recording must not hold: secrets, what people typed, and the addresses of other people's machines. Pure.

Whole tables of addresses, users, jobs and programs are not even asked for; single texts become `<private>`. Kept are
what a profile is written from: models, versions, serial numbers, the device's own interfaces, and every number.
"""

import re
from collections.abc import Iterable, Mapping
from typing import TypeGuard

from assets.probing.ber import Value
from assets.probing.oid import is_under
from assets.probing.recording import IP, OCTETS, arcs

PRIVATE = b"<private>"
ROOTS = ("1.0.8802", "1.3.6.1.2.1", "1.3.6.1.4.1")  # IEEE 802.1AB, mib-2, makers; SNMP's own users lie outside
_MIB, _MAKERS = "1.3.6.1.2.1", "1.3.6.1.4.1"
SKIPPED = (
    *(f"1.0.8802.1.1.2.1.{tail}" for tail in ("3.8", "4.2")),  # management addresses (LLDP-MIB)
    f"{_MIB}.3",  # addresses (RFC1213-MIB at)
    *(f"{_MIB}.4.{tail}" for tail in (20, 21, 22, 24, 32, 34, 35, 37, 39)),  # addresses, routes, neighbours (IP-MIB)
    *(f"{_MIB}.6.{tail}" for tail in (13, 19, 20)),  # connections (TCP-MIB)
    *(f"{_MIB}.7.{tail}" for tail in (5, 7)),  # listeners (UDP-MIB)
    *(f"{_MIB}.{tail}" for tail in (8, 14, 15, 23)),  # routing neighbours (EGP, OSPF, BGP, RIP)
    *(f"{_MIB}.16.{tail}" for tail in range(2, 21)),  # who talks to whom (RMON-MIB)
    *(f"{_MIB}.25.{tail}" for tail in (4, 5, 6)),  # programs and their parameters (HOST-RESOURCES-MIB)
    *(f"{_MIB}.{tail}" for tail in (67, 68, 92)),  # RADIUS, VRRP, the log of notifications
    f"{_MAKERS}.2.6.11",  # jobs (IBM)
    *(f"{_MAKERS}.9.9.{tail}" for tail in (23, 46, 68, 96, 106, 131, 147, 171, 187, 276, 392, 599)),  # Cisco: CDP, VPN
    f"{_MAKERS}.11.2.3.9.4.2.1.1.6",  # jobs (HP)
    f"{_MAKERS}.77",  # users, sessions, shares (LanMgr-Mib-II-MIB)
    *(f"{_MAKERS}.311.1.{tail}" for tail in (3, 7)),  # leases and web sites (Microsoft)
    f"{_MAKERS}.367.3.2.1.5",  # users and destinations (Ricoh)
    *(f"{_MAKERS}.2011.{tail}" for tail in ("5.25.42.2.1.3", "5.25.123", "6.139.18")),  # MAC table, ARP, stations
    *(f"{_MAKERS}.2021.{tail}" for tail in (2, 8, 255)),  # programs, scripts (UCD-SNMP-MIB)
    f"{_MAKERS}.2699.1.1",  # jobs (Job-Monitoring-MIB)
    f"{_MAKERS}.6876.2",  # virtual machines (VMware)
    f"{_MAKERS}.8072.1.3",  # scripts and their output (NET-SNMP-EXTEND-MIB)
    f"{_MAKERS}.11863.6.35",  # neighbours (TP-Link LLDP)
    *(f"{_MAKERS}.12356.101.{tail}" for tail in ("5", "11", "12")),  # policies, sessions, VPN users (Fortinet)
    *(f"{_MAKERS}.14179.2.1.{tail}" for tail in ("4", "6")),  # stations (Airespace)
    *(f"{_MAKERS}.14823.2.{tail}" for tail in ("2.1.1.2", "2.1.4", "3.3.1.2.4")),  # users and stations (Aruba)
    *(f"{_MAKERS}.14988.1.1.{tail}" for tail in ("1.2", "6", "8", "11")),  # stations, leases, scripts, neighbours
    f"{_MAKERS}.25053.1.2.2.1.1.3",  # stations (Ruckus)
    f"{_MAKERS}.41112.1.4.7",  # stations (Ubiquiti airMAX)
)
TYPED = (  # texts that a person wrote, or that show a person's name
    *(f"{_MIB}.1.{tail}.0" for tail in (4, 5, 6)),  # sysContact, sysName, sysLocation
    f"{_MIB}.31.1.1.1.18",  # ifAlias
    *(f"{_MIB}.33.1.1.{tail}" for tail in (5, 6)),  # upsIdentName, upsIdentAttachedDevices
    *(f"{_MIB}.43.5.1.1.{tail}" for tail in (4, 5, 16)),  # operator, service person, printer name (Printer-MIB)
    f"{_MIB}.43.16.5.1.2",  # prtConsoleDisplayBufferText: names of jobs and users
    *(f"{_MIB}.47.1.1.1.1.{tail}" for tail in (14, 15)),  # entPhysicalAlias, entPhysicalAssetID
    *(f"1.0.8802.1.1.2.1.{tail}" for tail in ("3.3", "3.7.1.4", "4.1.1.8", "4.1.1.9", "4.1.1.10")),  # names (LLDP-MIB)
    f"{_MIB}.17.7.1.4.3.1.1",  # dot1qVlanStaticName
    f"{_MAKERS}.318.1.1.1.1.1.2",  # upsBasicIdentName
    f"{_MAKERS}.318.2.1.2",  # trap receivers (APC)
    f"{_MAKERS}.935.2",  # trap receivers and communities (Phoenixtec)
)
# Tables whose index holds a MAC address in its last six arcs: rows stay, addresses become made-up ones.
FORWARDING = (f"{_MIB}.17.4.3.1", f"{_MIB}.17.7.1.2.2.1")
_FORWARDING_ADDRESS = f"{_MIB}.17.4.3.1.1"
_NEIGHBOURS = tuple(f"1.0.8802.1.1.2.1.4.1.1.{tail}" for tail in (5, 7))  # chassis and port of a neighbour
_PRODUCTS = (f"{_MIB}.1.1.0", f"{_MIB}.25.3.2.1.3.1", f"{_MIB}.47.1.1.1.1.13.1")  # sysDescr, hrDeviceDescr, a model
_UNAME = re.compile(rb"(linux|freebsd|darwin|sunos) ")  # what `uname -a` says begins so, and then with the host's name
KNOWN_MIN = 4  # shorter words than this would be found everywhere
_TELLING = re.compile(
    rb"[\w.+-]+@[\w-]+\.\w|://[^/\s]*:[^/\s]*@|\b(?:pass(?:word|wd|phrase)?|psk|secret|token|community)\b *[:=]",
    re.IGNORECASE,
)
_ADDRESS = re.compile(rb"(?<![\w.])(?:10\.\d{1,3}|192\.168|172\.(?:1[6-9]|2\d|3[01]))\.\d{1,3}\.\d{1,3}(?![\w.])")
_PHONE = re.compile(rb"(?<![\w.-])(?:\+84[ .-]?\d{2,3}[ .-]?|0\d{2,3}[ .-])\d{3}[ .-]?\d{3,4}(?![\w.-])")
_VERSION = re.compile(rb"(?:version|ver|release|firmware|fw)[ .:]*$", re.IGNORECASE)
_MAC = re.compile(rb"(?<![0-9A-Fa-f:-])(?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}(?![0-9A-Fa-f:-])")
_EXAMPLE = bytes((192, 0, 2, 1))  # RFC 5737

Rows = dict[str, tuple[int, Value]]


def skipped(name: str) -> str:
    """The subtree that is not asked for in which this name lies, "" if none."""
    return next((root for root in SKIPPED if is_under(name, root)), "")


def scrubbed(rows: Mapping[str, tuple[int, Value]], secrets: Iterable[str]) -> Rows:
    """The rows without what a recording must not hold; `secrets` are what the device was asked with."""
    kept = {name: row for name, row in rows.items() if not skipped(name)}
    macs = _made_up(kept)
    known = _known(kept, secrets)
    out: Rows = {}
    for name, (tag, value) in kept.items():
        at = _moved(name, macs)
        if not isinstance(value, bytes):
            out[at] = (tag, value)
        elif tag == IP:
            out[at] = (tag, value if value[:1] in (b"\0", b"\xff") else _EXAMPLE)
        elif _near(name):
            out[at] = (tag, macs.get(value) or _without(value, known))
        elif tag == OCTETS and value and any(is_under(name, root) for root in TYPED):
            out[at] = (tag, PRIVATE)
        else:
            out[at] = (tag, _without(value, known))
    return out


def _known(rows: Mapping[str, tuple[int, Value]], secrets: Iterable[str]) -> list[bytes]:
    """Words to look for in every text: what we asked with, and what people call the device, its place and its keeper."""
    contact, name, location = (_octets(rows, f"{_MIB}.1.{tail}.0") for tail in (4, 5, 6))
    products = b"\n".join(_octets(rows, product) for product in _PRODUCTS).lower()
    if name.lower() in products and not _UNAME.match(products):
        name = b""  # nobody named it: it goes by its product's name, which a profile needs
    words = {*(secret.encode() for secret in secrets), contact, location, name}
    return sorted((w for w in words if len(w) >= KNOWN_MIN), key=len, reverse=True)


def _octets(rows: Mapping[str, tuple[int, Value]], name: str) -> bytes:
    value = rows.get(name, (OCTETS, b""))[1]
    return value if isinstance(value, bytes) else b""


def _without(value: bytes, known: list[bytes]) -> bytes:
    """A text without words that tell of people; the whole of it goes where it holds a secret."""
    if _TELLING.search(value):
        return PRIVATE
    for word in known:
        value = value.replace(word, PRIVATE)
    value = _ADDRESS.sub(lambda m: m[0] if _VERSION.search(value[: m.start()]) else b"192.0.2.1", value)
    value = _PHONE.sub(PRIVATE, value)
    return _MAC.sub(b"02:00:00:00:00:00", value)


def _made_up(rows: Mapping[str, tuple[int, Value]]) -> dict[bytes, bytes]:
    """Made-up addresses for those of other machines, in the same order."""
    found = {value for name, (_, value) in rows.items() if _near(name) and _is_mac(value)}
    found |= {bytes(arcs(name)[-6:]) for name in rows if _in_forwarding(name)}
    return {real: b"\x02\0\0" + number.to_bytes(3, "big") for number, real in enumerate(sorted(found), start=1)}


def _is_mac(value: Value) -> TypeGuard[bytes]:
    """Six octets that are no word: the port of a neighbour may be called `ether2`."""
    return isinstance(value, bytes) and len(value) == 6 and not (value.isascii() and value.decode().isprintable())


def _near(name: str) -> bool:
    return any(is_under(name, root) for root in (*_NEIGHBOURS, _FORWARDING_ADDRESS))


def _in_forwarding(name: str) -> bool:
    return any(is_under(name, root) for root in FORWARDING) and all(arc < 256 for arc in arcs(name)[-6:])


def _moved(name: str, macs: Mapping[bytes, bytes]) -> str:
    """The name with a made-up address in its index."""
    if not _in_forwarding(name):
        return name
    parts = arcs(name)
    return ".".join(map(str, (*parts[:-6], *macs[bytes(parts[-6:])])))
