"""Which things stand in which centre: the same province each time, drawn from seeds. Pure.

A centre has what its size suggests; older things came from the offices that were merged. Everything networked gets a
loopback address of its own, and stands behind the centre's router as that stands behind the centre's lines.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from assets.demo.catalogue import MAKES, Make
from assets.places.units import Unit, short_name

LARGE = frozenset({
    "21040", "21115", "21220", "21235", "21289", "21364", "21400", "21484", "21548", "23377", "23401", "23473", "23500",
    "23527",
})  # fmt: skip
FAR_KM2 = 150.0  # wider communes are taken as small centres with long ways
MERGED = date(2025, 7, 1)  # the day on which the 96 units and their centres began
INHERITED = "Tiếp nhận từ cơ quan cũ khi sắp xếp đơn vị hành chính."
OLD_YEARS = 7

# What the stories told in `troubles` need of a centre's equipment.
ONLY_USB_PRINTER = frozenset({"23356", "23344", "21334", "23446"})
ONLY_ONE_PRINTER = frozenset({"23455", *ONLY_USB_PRINTER})
ONE_LINE = frozenset({"21520", "21548", "23476", "21196"})
MOBILE_LINE_ONLY = frozenset({"21196"})  # no fibre has come so far
TWO_LINES = frozenset({"21244", "23344"})
MAIN_LINE_NOT_WATCHED = frozenset({"23344"})
HAS_CARD_UPS = frozenset({"21211"})


@dataclass(frozen=True)
class Thing:
    """One asset to be; `address` is empty for what nothing can ask, `word` is what `catalogue.MAKES` calls it."""

    site: str
    tag: str
    word: str
    make: Make
    name: str
    serial: str
    put_into_use: date
    cost: int | None
    room: str = ""
    worn: bool = False
    note: str = ""
    address: str = ""

    @property
    def speaks_snmp(self) -> bool:
        """Whether it answers SNMP; what has an address and does not, is asked by a TCP connect."""
        return bool(self.address and self.make.model)


@dataclass(frozen=True)
class Line:
    """One network line of a centre; without an address nothing asks its far end."""

    site: str
    tag: str
    kind: str
    carrier: str
    circuit: str
    mbps: int
    primary: bool
    address: str


@dataclass(frozen=True)
class Centre:
    """One centre with its people, counters, lines and things; the first thing is its router."""

    code: str
    name: str
    size: str
    people: int
    counters: int
    lines: tuple[Line, ...]
    things: tuple[Thing, ...]

    def first(self, word: str) -> Thing:
        """The first thing of a kind; StopIteration when there is none."""
        return next(t for t in self.things if t.word == word)


def province(units: Sequence[Unit], today: date, serials: set[str]) -> dict[str, Centre]:
    """The centres of these units by code, as of `today`; `serials` are taken already, and grow."""
    return {
        unit.code: _Building(unit, net, today, serials).centre()
        for net, unit in enumerate(sorted(units, key=lambda u: u.code), start=1)
    }


def size_of(unit: Unit) -> str:
    """How large a centre is taken to be: small, medium or large. An example, not a measure of its work."""
    if unit.kind == "ward" or unit.code in LARGE:
        return "large"
    return "small" if (unit.area_km2 or 0) > FAR_KM2 else "medium"


class _Building:
    """Fills one centre; every draw comes from the centre's own dice, so that a change here moves nothing elsewhere."""

    def __init__(self, unit: Unit, net: int, today: date, serials: set[str]) -> None:
        self.unit, self.net, self.today, self.serials = unit, net, today, serials
        self.dice = random.Random(f"fleet/{unit.code}")  # noqa: S311 - believable, not secret
        self.size = size_of(unit)
        self.made: list[Thing] = []
        self.hosts = iter(range(10, 250))

    def centre(self) -> Centre:
        people = self.dice.randint(*{"small": (4, 6), "medium": (6, 10), "large": (10, 16)}[self.size])
        counters = {"small": 2, "medium": 3, "large": 4}[self.size]
        self._network()
        self._counters(counters)
        self._printers()
        self._scanners()
        self._power()
        self._for_citizens()
        self._others()
        return Centre(
            self.unit.code, short_name(self.unit.name), self.size, people, counters, tuple(self._lines()), tuple(self.made)
        )  # fmt: skip

    def _lines(self) -> Iterator[Line]:
        code = self.unit.code
        main = self.dice.choices(("VNPT", "Viettel"), (7, 3))[0]
        mbps = {"small": 50, "medium": 100, "large": 200}[self.size]
        second = code in TWO_LINES or self.dice.random() < {"small": 0.5, "medium": 0.55, "large": 1.0}[self.size]
        watched = code not in MAIN_LINE_NOT_WATCHED
        kind, mbps = ("mobile", 30) if code in MOBILE_LINE_ONLY else ("dedicated", mbps)
        yield self._line(1, kind, main, mbps, watched=watched)
        if second and code not in ONE_LINE:
            others = [c for c in ("VNPT", "Viettel", "FPT Telecom") if c != main]
            if self.size == "small" and code not in TWO_LINES and self.dice.random() < 0.5:
                yield self._line(2, "mobile", self.dice.choice(("MobiFone", "Viettel")), 30)
            else:
                yield self._line(2, "fibre", self.dice.choice(others if self.size == "large" else others[:1]), 150)

    def _line(self, number: int, kind: str, carrier: str, mbps: int, *, watched: bool = True) -> Line:
        code = self.unit.code
        circuit = f"VD-{code}-{number:02d}"  # VD, ví dụ: an example that nobody takes for a real circuit
        address = f"127.51.{self.net}.{number}" if watched else ""
        return Line(code, f"DT-{code}-{number}", kind, carrier, circuit, mbps, number == 1, address)

    def _network(self) -> None:
        self._add("router", "Bộ định tuyến", "Tủ mạng")
        if self.size != "small" or self.dice.random() < 0.6:
            big = self.size == "large" and self.dice.random() < 0.3
            self._add("big-switch" if big else "switch", "Thiết bị chuyển mạch", "Tủ mạng")
        if self.dice.random() < {"small": 0.25, "medium": 0.5, "large": 1.0}[self.size]:
            self._add("access-point", "Bộ phát Wi-Fi sảnh chờ", "Sảnh chờ")
        if self.dice.random() < {"small": 0.0, "medium": 0.1, "large": 0.55}[self.size]:
            self._add("recorder", "Đầu ghi camera", "Tủ mạng")
        if self.size == "large" and self.dice.random() < 0.25:
            self._add("storage", "Thiết bị lưu trữ hồ sơ quét", "Tủ mạng")

    def _counters(self, counters: int) -> None:
        missing = self.size == "medium" and self.dice.random() < 0.6  # a counter that waits for its computer
        for number in range(1, counters + 1 - missing):
            # The first counter's computer answers the service; the others are known from the register alone.
            self._add("desktop", f"Máy tính quầy {number}", f"Quầy {number}", asked=number == 1)
        if self.size == "large" and self.dice.random() < 0.4:
            self._add("laptop", "Máy tính xách tay của Giám đốc", "Phòng Giám đốc")

    def _printers(self) -> None:
        code = self.unit.code
        if code in ONLY_USB_PRINTER:
            self._add("usb-printer", "Máy in quầy 1", "Quầy 1")
            return
        self._add("printer", "Máy in quầy 1", "Quầy 1")
        if code in ONLY_ONE_PRINTER:
            return
        if self.size == "large":
            self._add("printer", "Máy in quầy 3", "Quầy 3")
        if self.dice.random() < {"small": 0.2, "medium": 0.3, "large": 0.2}[self.size]:
            self._add("usb-printer", "Máy in quầy 2", "Quầy 2")
        if self.dice.random() < {"small": 0.0, "medium": 0.12, "large": 0.85}[self.size]:
            self._add("copier", "Máy photocopy đa chức năng", "Khu tiếp nhận")

    def _scanners(self) -> None:
        if self.size == "large" and self.dice.random() < 0.35:
            self._add("network-scanner", "Máy scan dùng chung", "Khu tiếp nhận")
        if self.size != "small" or self.dice.random() < 0.6:
            self._add("scanner", "Máy scan quầy 1", "Quầy 1")

    def _power(self) -> None:
        card = (
            self.unit.code in HAS_CARD_UPS
            or self.dice.random() < {"small": 0.05, "medium": 0.25, "large": 0.9}[self.size]
        )
        if card:
            self._add("ups", "Bộ lưu điện tủ mạng", "Tủ mạng")
        elif self.dice.random() < 0.4:
            self._add("small-ups", "Bộ lưu điện quầy 1", "Quầy 1")
        if self.size == "small" and self.dice.random() < 0.2:
            self._add("generator", "Máy phát điện", "Khu tiếp nhận")

    def _for_citizens(self) -> None:
        if self.unit.kind == "ward":
            self._add("kiosk", "Kiosk tra cứu thủ tục", "Sảnh chờ")
            self._add("queue-display", "Màn hình gọi số", "Sảnh chờ")
            self._add("satisfaction-device", "Thiết bị đánh giá hài lòng", "Quầy 1")
            self._add("public-computer", "Máy tính nộp hồ sơ trực tuyến", "Sảnh chờ")
        if self.size == "large":
            self._add("numbering-machine", "Máy lấy số tự động", "Sảnh chờ")

    def _others(self) -> None:
        if self.size != "small" and self.dice.random() < 0.2:
            self._add("signing-token", "USB token ký số của đơn vị", "Phòng Giám đốc")
        if self.size == "large" and self.dice.random() < 0.35:
            self._add("conference", "Bộ họp trực tuyến", "Phòng Giám đốc")

    def _add(self, word: str, name: str, room: str, *, asked: bool = False) -> None:
        make = self.dice.choice(MAKES[word])
        tag = f"QN-{self.unit.code}-{len(self.made) + 1:04d}"
        address = f"127.51.{self.net}.{next(self.hosts)}" if asked or make.model else ""
        place = Place(self.unit.code, tag, name, room, address)
        self.made.append(bought(self.dice, make, word, place, self.today, self.serials))


@dataclass(frozen=True)
class Place:
    """Where a thing goes and what it is called there."""

    site: str
    tag: str
    name: str = ""
    room: str = ""
    address: str = ""


def bought(dice: random.Random, make: Make, word: str, place: Place, today: date, serials: set[str]) -> Thing:
    """One thing with a serial number that nothing else has, a year, a price, and the wear of its age."""
    first, last = make.years
    year = min(dice.randint(first, last), today.year - 1)
    day = date(year, dice.randint(1, 12), dice.randint(1, 28))
    cost = None if make.cost is None else int(round(make.cost * dice.uniform(0.95, 1.08), -4))
    inherited = day < MERGED and dice.random() < 0.7
    worn = today.year - year >= OLD_YEARS and dice.random() < 0.6
    return Thing(
        place.site, place.tag, word, make, place.name, _serial(dice, make.serial, serials), day, cost, place.room, worn,
        INHERITED if inherited else "", place.address,
    )  # fmt: skip


def _serial(dice: random.Random, pattern: str, taken: set[str]) -> str:
    alphabets = {"#": "0123456789", "@": "ABCDEFGHJKLMNPQRSTUVWXYZ"}
    while True:
        serial = "".join(dice.choice(alphabets[c]) if c in alphabets else c for c in pattern)
        if serial not in taken:
            taken.add(serial)
            return serial
