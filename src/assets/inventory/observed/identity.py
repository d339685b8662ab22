"""Whether two descriptions are of one and the same machine: pure, from what both say to points with reasons.

Makers leave fields unfilled and docking stations lend their network address to whoever sits in them; what cannot tell
one machine from another is junk and counts for nothing, on either side.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from unicodedata import normalize

PLAIN_MAX = 120
SHORTEST_SERIAL = 4  # shorter ones are counters or leftovers
SAME_MACHINE = 70  # from here on two descriptions are taken for one, if nothing else fits as well
PERHAPS = 35  # from here on people are asked
# Serial numbers are unique with their maker only, so that one alone is not enough.
POINTS: Mapping[str, int] = {
    "same_uuid": 60, "same_serial": 60, "same_mac": 40, "same_monitor": 15, "same_hostname": 10, "same_maker": 10,
    "same_model": 5, "same_site": 5,
    "other_serial": -60, "other_uuid": -30, "other_maker": -20,
}  # fmt: skip
MAC_MORE, MACS_MOST = 10, 60  # each further address that both have, and what all of them can tell
JUNK = frozenset({
    "TOBEFILLEDBYOEM", "TOBEFILLEDBYO", "DEFAULTSTRING", "SYSTEMSERIALNUMBER", "SYSTEMPRODUCTNAME", "SYSTEMMANUFACTURER",
    "SYSTEMVERSION", "SYSTEMNAME", "SERIALNUMBER", "SERIAL", "PRODUCTNAME", "MANUFACTURER", "CHASSISSERIALNUMBER",
    "BASEBOARDSERIALNUMBER", "BOARDSERIAL", "NOTSPECIFIED", "NOTAVAILABLE", "NOTAPPLICABLE", "NOTPRESENT", "NONE", "NULL",
    "NA", "UNKNOWN", "UNDEFINED", "EMPTY", "INVALID", "OEM", "OEMSTRING", "SERNUM", "ASSETSERIALNUMBER", "PARTNUMBER",
    "XXXXXXXX", "0123456789", "123456789", "1234567890", "12345678", "1234567", "123456", "12345", "01234567",
    "0123456789ABCDEF", "03000200040005000006000700080009", "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF", "LOCALHOST", "NOASSETTAG",
    "LOCALHOSTLOCALDOMAIN", "O2MICRO", "ALLSERIES", "BSN12345678901234567", "EVAL", "MBBSN", "PC", "DESKTOP", "WINDOWS",
})  # fmt: skip
# The first three bytes of addresses that belong to no single machine: virtual machines, their bridges, tunnels.
SHARED_MACS = frozenset({
    "000000", "FFFFFF", "005056", "000C29", "000569", "001C14", "080027", "0A0027", "525400", "00155D", "00163E",
    "001C42", "0242AC", "00FF00", "0050F2", "204153", "7A7919", "028037", "020054",
})  # fmt: skip
# Adapters and docks that go from desk to desk, by how agents name the interface.
_WANDERING = re.compile(
    r"dock|usb.{0,12}(lan|ethernet|gbe|giga)|ax88|rtl815|bluetooth|virtual|vmware|hyper-v|tap|vpn|wan mini", re.I
)
_MAC = re.compile(r"[0-9A-F]{12}")
_NOT_PLAIN = re.compile(r"[^0-9A-Z]")
_LEGAL = re.compile(r"(INCORPORATED|CORPORATION|COMPUTERS?|COMPANY|COLTD|LIMITED|GMBH|CORP|INC|LTD|LLC|CO)+$")
_SAME_MAKER = {"HEWLETTPACKARD": "HP", "HPE": "HP", "ASUSTEK": "ASUS", "MICROSTARINTERNATIONAL": "MSI", "TPLINK": "TP"}


@dataclass(frozen=True)
class Facts:
    """What is known of one machine; all texts plain (see `plain`), empty where nothing useful is known."""

    serials: frozenset[str] = frozenset()
    uuids: frozenset[str] = frozenset()
    macs: frozenset[str] = frozenset()
    monitors: frozenset[str] = frozenset()
    hostname: str = ""
    maker: str = ""
    model: str = ""
    site: str = ""


@dataclass(frozen=True)
class Likeness:
    """How much two descriptions have in common, and what: (reason, value) with reasons of POINTS."""

    points: int
    reasons: tuple[tuple[str, str], ...] = field(default=())

    @property
    def same(self) -> bool:
        """Whether it is one machine, unless another fits as well."""
        return self.points >= SAME_MACHINE

    @property
    def perhaps(self) -> bool:
        """Whether people should be asked."""
        return self.points >= PERHAPS


def plain(text: str) -> str:
    """A text as it is compared: capitals and digits only, empty when it is junk."""
    found = _NOT_PLAIN.sub("", normalize("NFKC", text).upper())[:PLAIN_MAX]
    return "" if junk(found) else found


def junk(text: str) -> bool:
    """Whether a plain text says nothing: a maker's placeholder, or one character again and again."""
    return text in JUNK or len(set(text)) <= 1


def serial(text: str) -> str:
    """A plain serial number, empty when it cannot tell one machine from another."""
    found = plain(text)
    return found if len(found) >= SHORTEST_SERIAL else ""


def uuid(text: str) -> str:
    """A plain system UUID; some makers ship one for all their boards."""
    found = plain(text)
    return found if re.fullmatch("[0-9A-F]{32}", found) and len(set(found)) > 3 else ""


def mac(text: str, interface: str = "") -> str:
    """A plain network address of a machine's own; empty for shared ones, groups, and adapters that wander."""
    found = _NOT_PLAIN.sub("", text.upper())
    if not _MAC.fullmatch(found) or len(set(found)) <= 2 or found[:6] in SHARED_MACS or _WANDERING.search(interface):
        return ""
    return "" if int(found[1], 16) & 3 else found  # a group, or one that software made up


def maker(text: str) -> str:
    """A maker's plain name without its legal form, in the spelling that we keep."""
    found = _LEGAL.sub("", plain(text))
    return next((short for long, short in _SAME_MAKER.items() if found.startswith(long)), found)


def alike(one: Facts, two: Facts) -> Likeness:
    """How much speaks for one machine; the same whichever comes first."""
    reasons: list[tuple[str, str]] = []
    points = 0
    for name, ours, theirs in (
        ("uuid", one.uuids, two.uuids), ("serial", one.serials, two.serials), ("monitor", one.monitors, two.monitors),
        ("hostname", _some(one.hostname), _some(two.hostname)), ("site", _some(one.site), _some(two.site)),
    ):  # fmt: skip
        if both := sorted(ours & theirs):
            reasons.append((f"same_{name}", ", ".join(both[:3]) if name != "site" else ""))
        elif ours and theirs and f"other_{name}" in POINTS:
            reasons.append((f"other_{name}", ""))
    if shared := sorted(one.macs & two.macs):
        reasons.append(("same_mac", ", ".join(map(colons, shared[:3]))))
        points += min(MACS_MOST - POINTS["same_mac"], MAC_MORE * (len(shared) - 1))
    # Maker and model say nothing of one machine; they only strengthen what does, or speak against it.
    if any(name in ("same_uuid", "same_serial", "same_mac") for name, _ in reasons):
        reasons += _kind(one, two)
        points += sum(POINTS[name] for name, _ in reasons)
    else:
        points = min(points + sum(POINTS[name] for name, _ in reasons), PERHAPS - 1)
    return Likeness(max(points, 0), tuple(reasons))


def _kind(one: Facts, two: Facts) -> list[tuple[str, str]]:
    found = []
    if one.maker and two.maker:
        found.append(("same_maker" if begins(one.maker, two.maker) else "other_maker", ""))
    if one.model and two.model and (one.model in two.model or two.model in one.model):
        found.append(("same_model", ""))
    return found


def begins(one: str, two: str) -> bool:
    """Whether one plain name begins the other."""
    return one.startswith(two) or two.startswith(one)


def _some(text: str) -> frozenset[str]:
    return frozenset({text}) if text else frozenset()


def colons(address: str) -> str:
    """A plain network address as people write it."""
    return ":".join(address[i : i + 2] for i in range(0, len(address), 2))


def macs(found: Iterable[tuple[str, str]]) -> frozenset[str]:
    """The plain addresses of (address, interface) pairs."""
    return frozenset(filter(None, (mac(address, interface) for address, interface in found)))


def plains(key: str, texts: Iterable[str]) -> list[str]:
    """The values of an observed key as they are compared, without what says nothing."""
    if key == "manufacturer":
        return sorted({form for text in texts for form in (maker(text), plain(text)) if form})
    how = {"serial": serial, "uuid": uuid, "macs": mac, "monitors": _in_brackets, "addresses": _compact}.get(key, plain)
    return sorted({form for text in texts if (form := how(text))})


def _in_brackets(text: str) -> str:
    """A monitor's serial number, which stands behind its name."""
    found = re.search(r"\(([^()]*)\)$", text)
    return serial(found[1]) if found else ""


def _compact(text: str) -> str:
    return text.strip().lower()[:PLAIN_MAX]
