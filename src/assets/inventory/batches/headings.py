"""Which column of a file holds which field. Pure."""

import re
from collections.abc import Mapping, Sequence
from functools import cache

from assets.inventory.kinds import ASSETS, CUSTOM, Definition, Kind
from assets.text import fold
from assets.web import words
from assets.web.language import LANGUAGES, translate

# What our lists show and a row does not say: it follows from something else, or from an act.
SHOWN = ("id", "site_name", "physical_state_at", "borrower", "due_back", "repairer", "quotation")
IGNORED = frozenset({"stt", "tt", "no.", "#"})
VERSION = "version"
OWN = "custom"  # all fields of the province's own in one cell, as exports have them
# What people write above a column beside the words of our own lists.
ALSO = {
    "tag": ("ma tai san", "ma ts", "nhan tai san", "asset tag"),
    "name": ("ten tai san", "ten thiet bi", "ten goi"),
    "category": ("loai tai san", "loai thiet bi", "chung loai"),
    "manufacturer": ("hang", "hang san xuat", "nha san xuat", "brand"),
    "model": ("kieu may", "model may", "ma kieu"),
    "serial": ("so se-ri", "so seri", "so serial", "s/n", "serial", "so may"),
    "site": ("don vi", "trung tam", "ma don vi", "diem", "noi su dung", "unit"),
    "room": ("phong", "vi tri", "vi tri lap dat", "quay"),
    "original_cost": ("nguyen gia", "nguyen gia (dong)", "gia mua"),
    "put_into_use": ("nam dua vao su dung", "ngay dua vao su dung", "nam su dung"),
    "custodian": ("nguoi quan ly, su dung", "nguoi su dung", "nguoi quan ly"),
    "physical_state": ("hien trang", "tinh trang"),
    "funding_source": ("nguon von", "nguon kinh phi"),
    "supplier": ("nha cung cap",),
    "warranty_until": ("bao hanh den", "han bao hanh"),
    "note": ("ghi chu",),
    "holder_post": ("chuc vu", "chuc danh"),
    "expires_on": ("ngay het han", "het han"),
    "carrier": ("nha mang",),
}


def columns(kind: Kind, headings: Sequence[str], own: Mapping[str, Definition]) -> tuple[list[str | None], list[str]]:
    """The field of each column (None: it is passed over), and the headings that are not known.

    A name of the API wins over a word; of two columns for one field the first one counts, the other is not known.
    """
    known: dict[str, str] = dict(_words(kind.resource, tuple(sorted(one.name for one in kind.fields))))
    for name in (VERSION, OWN) if kind.resource == ASSETS.resource else (VERSION,):
        known |= dict.fromkeys(_said(kind.resource, name), name)
    for definition in own.values():
        for said in (CUSTOM + definition.code, definition.name, definition.name_en):
            known.setdefault(fold(said), CUSTOM + definition.code)
    found: list[str | None] = []
    unknown = []
    for heading in headings:
        said = fold(" ".join(heading.replace("*", "").split()))
        found_name = known.get(said) or known.get(re.sub(r" *\([^)]*\)", "", said))
        if found_name is None or found_name in found:
            if said and said not in IGNORED and not _passed(kind.resource, said):
                unknown.append(heading)
            found.append(None)
        else:
            found.append(found_name)
    return found, unknown


def _said(resource: str, name: str) -> set[str]:
    """A field as people read it above a column: its name, and its word in each language."""
    return {fold(name), *(fold(translate(one, words.field(resource, name))) for one in LANGUAGES)}


@cache
def _words(resource: str, names: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    built_in = [name for name in names if not name.startswith(CUSTOM)]
    found = {fold(name): name for name in names}
    for name in built_in:
        for said in sorted(_said(resource, name)):
            found.setdefault(said, name)
    for name in built_in:
        for said in ALSO.get(name, ()):
            found.setdefault(said, name)
    return tuple(found.items())


@cache
def _passed(resource: str, said: str) -> bool:
    """Whether it is a heading of our own lists that says what follows from something else."""
    return any(said in _said(resource, name) for name in SHOWN)
