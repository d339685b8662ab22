"""Who a device says it is: pure, from the raw answers to an identity.

A maker's number in sysObjectID is the surest sign of the vendor; where an agent kit hides it, the profile's match or
the device's own text tells. The category comes from the profile, else from what the device does.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from assets.probing.ber import Value
from assets.probing.look import text
from assets.probing.oid import is_under
from assets.probing.profile import Found, Profile, Profiles
from assets.probing.profile_file import Makers, Part
from assets.probing.readings import Identity

SYS_DESCR = "1.3.6.1.2.1.1.1.0"
SYS_OBJECT_ID = "1.3.6.1.2.1.1.2.0"
SYS_UPTIME = "1.3.6.1.2.1.1.3.0"
SYS_NAME = "1.3.6.1.2.1.1.5.0"
SYS_LOCATION = "1.3.6.1.2.1.1.6.0"
SYS_SERVICES = "1.3.6.1.2.1.1.7.0"
IF_NUMBER = "1.3.6.1.2.1.2.1.0"
IP_FORWARDING = "1.3.6.1.2.1.4.1.0"
BRIDGE_PORTS = "1.3.6.1.2.1.17.1.2.0"  # dot1dBaseNumPorts
BRIDGE_ADDRESS = "1.3.6.1.2.1.17.1.1.0"  # dot1dBaseBridgeAddress
HR_UPTIME = "1.3.6.1.2.1.25.1.1.0"
SYSTEM = (SYS_UPTIME, SYS_OBJECT_ID, SYS_DESCR, SYS_NAME, SYS_LOCATION)
DEVICE_DESCR = "1.3.6.1.2.1.25.3.2.1.3.1"  # hrDeviceDescr of the first device
IF_TYPE = "1.3.6.1.2.1.2.2.1.3"
ETHERNET = 6
SWITCH_PORTS = 12  # Ethernet interfaces; few routers have so many
HINTS = (SYS_SERVICES, IF_NUMBER, IP_FORWARDING, BRIDGE_PORTS, BRIDGE_ADDRESS, HR_UPTIME, DEVICE_DESCR)

ENTITY = "1.3.6.1.2.1.47.1.1.1.1"  # entPhysicalTable (RFC 6933)
ENTITY_ROWS_MAX = 64  # the chassis comes early; modules of a big switch fill thousands of rows
ENTITY_COLUMNS = {
    "descr": 2,
    "class": 5,
    "name": 7,
    "hardware": 8,
    "firmware": 9,
    "software": 10,
    "serial": 11,
    "maker": 12,
    "model": 13,
}
_CHASSIS, _STACK = 3, 11
_NOTHING = re.compile(r"^(n/?a|none|unknown|not available|null|-+|0+|x+|\"+|\\\"+)$", re.IGNORECASE)
SERIAL_MIN = 5  # shorter ones may be part of a name
TEXT_MAX = 80  # of a model, serial number or firmware


@dataclass(frozen=True)
class Answers:
    """What the device said when it was looked over."""

    scalars: Mapping[str, Value]
    columns: Mapping[str, Mapping[str, Value]] = field(default_factory=dict)

    @cached_property
    def chassis(self) -> dict[str, str]:
        """The texts of its row in ENTITY-MIB, read once: four parts ask for them."""
        return chassis(self.columns)


def identify(found: Found, answers: Answers, makers: Makers, *, ports: int = 0) -> Identity:
    """The identity of a device that was matched to a profile; `ports` counts its Ethernet interfaces."""
    profile, match = found.profile, found.match
    descr = text(answers.scalars.get(SYS_DESCR))
    object_id = dotted(answers.scalars.get(SYS_OBJECT_ID))
    told = _first(profile.identity.vendor, answers)
    numbered = makers.of(object_id)
    vendor = (
        (match.vendor if match else "")
        or next((b for b in makers.brands.get(numbered, ()) if told.casefold().startswith(b.casefold())), "")
        or numbered
        or _known_maker(told, makers)
        or makers.of(found.marker)
        or _named_maker((descr, cell(answers.scalars.get(DEVICE_DESCR))), makers)
    )
    serial = _first(profile.identity.serial, answers)
    return Identity(
        category=(match.category if match else "") or profile.category or guess(answers.scalars, ports),
        vendor=vendor,
        model=tidy_model(_first(profile.identity.model, answers), vendor, serial),
        serial=serial,
        firmware=_first(profile.identity.firmware, answers),
        sys_object_id=object_id,
        sys_descr=descr,
        sys_name=text(answers.scalars.get(SYS_NAME)),
        sys_location=text(answers.scalars.get(SYS_LOCATION)),
        profile=profile.name,
    )


def with_makers(found: Found, system: Mapping[str, Value], profiles: Profiles) -> Found:
    """The same with what makers add to its profile, by its number, its match, or the MIB that answered."""
    match, object_id = found.match, dotted(system.get(SYS_OBJECT_ID))
    vendor = (match.vendor if match else "") or profiles.makers.of(object_id) or profiles.makers.of(found.marker)
    category = (match.category if match else "") or found.profile.category
    joined = profiles.joined(found.profile, category=category, sys_object_id=object_id, vendor=vendor)
    return replace(found, profile=joined)


def guess(scalars: Mapping[str, Value], ports: int = 0) -> str:
    """A category for a device that no profile knows, from what it does; "" if that tells nothing.

    sysServices (RFC 3418) sums 2^(layer-1): 2 bridges, 4 routes, 64 serves applications.
    """
    services = _number(scalars.get(SYS_SERVICES))
    if _number(scalars.get(BRIDGE_PORTS)) >= 4:
        return "switch"
    if BRIDGE_ADDRESS in scalars and _number(scalars.get(IF_NUMBER)) >= 8:
        return "switch"
    if _number(scalars.get(IP_FORWARDING)) == 1 and _number(scalars.get(IF_NUMBER)) >= 3:
        return "router"
    if services & 64 and not services & 6 and HR_UPTIME in scalars:
        return "host"
    return "switch" if services & 6 == 2 or ports >= SWITCH_PORTS else ""


def overruled(found: Found, answering: Mapping[str, Profile]) -> Found:
    """The match, unless it was weak and the device answers to a MIB that only another kind of device has."""
    if found.weak:
        for marker, better in answering.items():
            return Found(better, None, marker)
    return found


def entity_columns() -> tuple[str, ...]:
    """The columns that describe a chassis."""
    return tuple(map(_column, ENTITY_COLUMNS))


def _column(key: str) -> str:
    return f"{ENTITY}.{ENTITY_COLUMNS[key]}"


def chassis(columns: Mapping[str, Mapping[str, Value]]) -> dict[str, str]:
    """The texts of the row that stands for the device: its chassis, else its stack, else the first with a model."""
    classes = columns.get(_column("class"), {})
    wanted: list[tuple[int, int, dict[str, str]]] = []
    indexes = dict.fromkeys(i for key in ("class", "model", "serial") for i in columns.get(_column(key), ()))
    for place, index in enumerate(indexes):
        kind = classes.get(index)
        row = {
            key: cell(columns.get(_column(key), {}).get(index), guess=False) for key in ENTITY_COLUMNS if key != "class"
        }
        rank = {_CHASSIS: 0, _STACK: 1}.get(kind if isinstance(kind, int) else 0, 2)
        if row["model"] or row["serial"] or rank < 2:
            wanted.append((rank + (0 if row["model"] or row["serial"] else 3), place, row))
    return min(wanted, key=lambda w: w[:2])[2] if wanted else {}


def tidy_model(model: str, vendor: str, serial: str = "") -> str:
    """A model name without its maker's in front and without "series", or the serial number and what follows, behind."""
    out = model.strip()
    if len(serial) > SERIAL_MIN and f" {serial}" in out:
        out = out.partition(f" {serial}")[0].strip()
    for prefix in (vendor, "Hewlett-Packard", "HPE", *vendor.split()[:1]):
        if prefix and out.casefold().startswith(prefix.casefold() + " "):
            out = out[len(prefix) :].strip()
    return re.sub(r"\s+series$", "", out, flags=re.IGNORECASE)


def dotted(value: Value | None) -> str:
    """An OID value, "" for anything else and for 0.0, which means none."""
    return value if isinstance(value, str) and is_under(value, "1") else ""


def cell(value: Value | None, *, guess: bool = True) -> str:
    """The text of an identity object; "" for the many ways to say nothing."""
    out = text(value, TEXT_MAX, guess=guess).strip("\\\"' ")  # some agents quote their answers
    return "" if _NOTHING.fullmatch(out) else out


def operating_system(descr: str) -> str:
    """The operating system of a host by its sysDescr, "" if it does not say."""
    for word in ("ESXi", "Windows", "Linux", "FreeBSD", "OpenBSD", "NetBSD", "SunOS"):
        if re.search(rf"\b{word}\b", descr):
            return word
    return "macOS" if re.search(r"\bDarwin\b", descr) else ""


def _first(parts: tuple[Part, ...], answers: Answers) -> str:
    for part in parts:
        for raw in _texts(part, answers):
            if not part.pattern:
                if raw:
                    return raw
            elif fits := re.search(part.pattern, raw):
                cut = (fits.group(1) if fits.groups() else fits.group(0)) or ""
                if cut.strip() and not _NOTHING.fullmatch(cut.strip()):
                    return cut.strip()[:TEXT_MAX]
    return ""


def _texts(part: Part, answers: Answers) -> list[str]:
    if part.oid:
        return [cell(answers.scalars.get(part.oid))]
    if part.under:
        return [cell(value) for value in answers.columns.get(part.under, {}).values()]
    if part.entity:
        return [answers.chassis.get(part.entity, "")]
    return [text(answers.scalars.get(SYS_DESCR if part.text == "sys_descr" else SYS_NAME))]


def _known_maker(told: str, makers: Makers) -> str:
    """A maker's name as we write it, if the device's own text starts with one; else the text."""
    for name in sorted(set(makers.makers.values()), key=len, reverse=True):
        if re.match(rf"{re.escape(name)}\b", told, re.IGNORECASE):
            return name
    return told


def _named_maker(texts: Iterable[str], makers: Makers) -> str:
    """A maker whose name one of the texts begins with, "" if none does: for numbers that IANA's list does not hold."""
    names = sorted(set(makers.makers.values()), key=len, reverse=True)
    return next((n for said in texts for n in names if re.match(rf"{re.escape(n)}\b", said, re.IGNORECASE)), "")


def _number(value: Value | None) -> int:
    return value if isinstance(value, int) else 0
