"""Administrative units from a file: the 96 of Quảng Ngãi that ship with us, or any list in the same columns. Pure.

Columns: code, province_code, kind, name, name_en, former_province, area_km2, latitude, longitude, valid_from. The
nationwide list (3,321 units since July 2025) is loaded from a file of the same form.
"""

import csv
import io
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from importlib.resources import files

from assets.errors import Invalid
from assets.text import clean, searchable, sort_key

KINDS = {
    "commune": "commune", "ward": "ward", "special_zone": "special_zone", "xã": "commune", "phường": "ward",
    "đặc khu": "special_zone",
}  # fmt: skip
UNITS_MAX = 20_000
CENTRE_PREFIX = "Trung tâm Phục vụ hành chính công "


@dataclass(frozen=True)
class Unit:
    """One administrative unit; coordinates are those of the polygon's centroid and never of an office."""

    code: str
    province_code: str
    kind: str
    name: str
    name_en: str
    former_province: str
    area_km2: float | None
    latitude: float | None
    longitude: float | None
    valid_from: date | None = None  # None: nobody wrote down since when

    @property
    def sort(self) -> str:
        """Sorts as a Vietnamese list does, without the word for commune or ward in front."""
        return sort_key(short_name(self.name))

    @property
    def search(self) -> str:
        """What it is found by."""
        return searchable(self.name, self.name_en, self.code)


def shipped() -> str:
    """The text of our own file with the 96 units of Quảng Ngãi."""
    return files("assets.places").joinpath("quang_ngai.csv").read_text(encoding="utf-8")


def parse(text: str) -> list[Unit]:
    """The units of a file; Invalid names the row and column of the first thing that is wrong."""
    rows = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    units: list[Unit] = []
    seen: set[str] = set()
    for line, row in enumerate(rows, start=2):
        unit = _unit(row, line)
        if unit.code in seen:
            raise Invalid(fields={f"row {line}, code": f"{unit.code} stands twice"})
        seen.add(unit.code)
        units.append(unit)
        if len(units) > UNITS_MAX:
            raise Invalid(fields={"file": f"more than {UNITS_MAX} units"})
    return units


def _unit(row: dict[str, str], line: int) -> Unit:
    code = (row.get("code") or "").strip()
    kind = unicodedata.normalize("NFC", (row.get("kind") or "").strip().lower())
    name = clean(row.get("name") or "", 120)
    if not (len(code) == 5 and code.isascii() and code.isdigit()):
        raise Invalid(fields={f"row {line}, code": "five digits"})
    if kind not in KINDS:
        raise Invalid(fields={f"row {line}, kind": "commune, ward or special_zone"})
    if not name:
        raise Invalid(fields={f"row {line}, name": "missing"})
    area_km2, latitude, longitude = _numbers(row, line)
    return Unit(
        code, (row.get("province_code") or "").strip()[:2], KINDS[kind], name, clean(row.get("name_en") or "", 120),
        clean(row.get("former_province") or "", 60), area_km2, latitude, longitude, _day(row, line),
    )  # fmt: skip


def _numbers(row: dict[str, str], line: int) -> Iterator[float | None]:
    for column, low, high in (("area_km2", 0, 1e6), ("latitude", -90, 90), ("longitude", -180, 180)):
        text = (row.get(column) or "").strip()
        try:
            value = float(text) if text else None
        except ValueError:
            value = float("nan")
        if value is not None and not low <= value <= high:
            raise Invalid(fields={f"row {line}, {column}": f"a number between {low} and {high}"})
        yield value


def _day(row: dict[str, str], line: int) -> date | None:
    text = (row.get("valid_from") or "").strip()
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise Invalid(fields={f"row {line}, valid_from": "a day such as 2025-07-01"}) from None


def short_name(name: str) -> str:
    """The name without the word for its kind: "Xã Ba Gia" → "Ba Gia"."""
    for prefix in ("Xã ", "Phường ", "Đặc khu ", "Thị trấn ", "Huyện đảo "):
        if name.startswith(prefix):
            return name.removeprefix(prefix)
    return name


def centre_name(unit_name: str) -> str:
    """The full name of a unit's centre: "Trung tâm Phục vụ hành chính công xã Ba Gia"."""
    kind = unit_name[: len(unit_name) - len(short_name(unit_name))]
    return CENTRE_PREFIX + kind.lower() + short_name(unit_name)
