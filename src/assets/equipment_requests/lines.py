"""The lines of a request as rows: looked up, named in words as they are called today, and written."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import asyncpg

from assets.db import Connection
from assets.equipment_requests.asking import LINES_MAX, NAMES, Asked, LineKind, faults
from assets.equipment_requests.pictures import picture_of
from assets.errors import Invalid
from assets.ids import new_id
from assets.inventory.kinds import CAPABILITY_KINDS
from assets.inventory.kits.allowance import HELD
from assets.text import clean, clean_block, clean_code, overlong
from assets.web.language import N_, translate
from assets.web.words import word

NAME_MAX = 300
POST_MAX = 120
LINE_REASON_MAX = 255
_REPAIR = N_("Repair of %(name)s (%(tag)s)")
_CAPABILITY = N_("%(what)s for %(holder)s")
_OF = N_("%(what)s of %(application)s")
_CAPABILITY_OF = N_("%(what)s of %(application)s for %(holder)s")


@dataclass(frozen=True)
class Line:
    """What a line is about, by ids, and what it is called in both languages."""

    asked: Asked
    name: str
    name_en: str
    category: UUID | None = None
    consumable: UUID | None = None
    application: UUID | None = None
    asset: UUID | None = None
    picture: str = "box"

    @property
    def said(self) -> str:
        """The line in words."""
        return f"{self.asked.quantity} × {self.name}"


def checked(lines: Sequence[Asked]) -> dict[str, str]:
    """What is wrong with the lines of a request as they are said, by field (`lines.0.quantity`)."""
    if not 1 <= len(lines) <= LINES_MAX:
        return {"lines": N_("There are too many lines at once.") if lines else N_("Choose what is needed.")}
    wrong = {f"lines.{i}.{name}": why for i, line in enumerate(lines) for name, why in faults(line).items()}
    repaired: set[str] = set()
    for index, line in enumerate(lines):
        wrong |= overlong({f"lines.{index}.reason": (line.reason, LINE_REASON_MAX)})
        tag = clean_code(line.asset)
        if tag and tag in repaired:
            wrong.setdefault(f"lines.{index}.asset", N_("Its repair is asked for already, in another line."))
        repaired.add(tag)
    return wrong


async def resolved(tx: Connection, site: UUID, lines: Sequence[Asked]) -> list[Line]:
    """The lines with what they name; Invalid names each field whose code is none, or an asset that stands elsewhere."""
    found = await _looked_up(tx, site, lines)
    wrong: dict[str, str] = {}
    answer = []
    for index, asked in enumerate(lines):
        missing = {name: why for name, why in _UNKNOWN.items() if _code(asked, name) and not found.get(asked, name)}
        wrong |= {f"lines.{index}.{name}": why for name, why in missing.items()}
        if not missing:
            answer.append(_line(asked, found))
    if wrong:
        raise Invalid(fields=wrong)
    return answer


async def found_of(tx: Connection, site: UUID | None, lines: Sequence[Asked]) -> list[Line | None]:
    """The same for lines that are still being written, named without the person that they are for; None: no such thing."""
    found = await _looked_up(tx, site, lines)
    return [_line(replace(asked, holder_post=""), found) if found.has(asked) else None for asked in lines]


_UNKNOWN = {
    "category": N_("There is no such kind of equipment."),
    "consumable": N_("There is no such consumable."),
    "application": N_("There is no such software."),
    "asset": N_("No such equipment stands at this centre."),
}
_ASSETS = """
select a.id, a.tag as code, coalesce(nullif(a.name, ''), c.name || ' ' || m.manufacturer || ' ' || m.name) as name,
    coalesce(nullif(a.name, ''), c.name_en || ' ' || m.manufacturer || ' ' || m.name) as name_en,
    c.code || ' ' || c.serves as drawn
from assets a join asset_models m on m.id = a.model join asset_categories c on c.id = m.category
where a.site = $1 and a.tag = any($2) and a.stage = any($3) and a.merged_into is null
"""


@dataclass(frozen=True)
class _Found:
    rows: Mapping[str, Mapping[str, asyncpg.Record]]

    def get(self, asked: Asked, name: str) -> asyncpg.Record | None:
        return self.rows[name].get(_code(asked, name))

    def has(self, asked: Asked) -> bool:
        if asked.kind is LineKind.CAPABILITY:
            known = asked.capability in CAPABILITY_KINDS
            return known and bool(not _code(asked, "application") or self.get(asked, "application"))
        return self.get(asked, next(iter(NAMES[asked.kind].must))) is not None


def _code(asked: Asked, name: str) -> str:
    """How the code of a field stands in its table."""
    text = clean(str(getattr(asked, name)), 120)
    return text.upper() if name in ("consumable", "asset") else text


async def _looked_up(tx: Connection, site: UUID | None, lines: Sequence[Asked]) -> _Found:
    codes = {name: sorted({code for line in lines if (code := _code(line, name))}) for name in _UNKNOWN}
    rows = {
        "category": await tx.fetch(
            "select id, code, name, name_en, code || ' ' || serves as drawn from asset_categories where code = any($1)",
            codes["category"],
        ),
        "consumable": await tx.fetch(
            "select id, code, name, name_en, kind as drawn from consumables where code = any($1)", codes["consumable"]
        ),
        "application": await tx.fetch(
            "select id, code, name, name_en from applications where code = any($1)", codes["application"]
        ),
        "asset": await tx.fetch(_ASSETS, site, codes["asset"], sorted(HELD)),
    }
    return _Found({name: {row["code"]: row for row in some} for name, some in rows.items()})


def _line(asked: Asked, found: _Found) -> Line:
    by = {name: found.get(asked, name) for name in _UNKNOWN}
    ids = {name: row["id"] for name, row in by.items() if row}
    name, name_en = (clean(_name(asked, by, language), NAME_MAX) for language in ("vi", "en"))
    row = by["category"] or by["consumable"] or by["asset"]
    drawn = picture_of(asked.kind, row["drawn"] if row else asked.capability)
    return Line(asked, name, name_en, **ids, picture=drawn)


def _name(asked: Asked, by: Mapping[str, Any], language: str) -> str:
    if asked.kind is LineKind.CAPABILITY:
        what = translate(language, word("capability_kind", asked.capability))
        holder = clean(asked.holder_post, POST_MAX)
        if by["application"]:
            application = _called(by["application"], language)
            text = _CAPABILITY_OF if holder else _OF
            return translate(language, text, what=what, application=application, holder=holder)
        return translate(language, _CAPABILITY, what=what, holder=holder) if holder else what
    if asked.kind is LineKind.REPAIR:
        return translate(language, _REPAIR, name=_called(by["asset"], language), tag=by["asset"]["code"])
    return _called(by["category"] or by["consumable"], language)


def _called(row: Mapping[str, Any], language: str) -> str:
    return str((row["name_en"] if language == "en" else "") or row["name"])


# What a line says, in the order of `columns`.
COLUMNS = ("kind", "category", "consumable", "capability", "application", "holder_post", "asset", "name", "name_en",
           "quantity", "unit_cost", "reason")  # fmt: skip


def columns(line: Line) -> tuple[object, ...]:
    """A line as its row has it, by `COLUMNS`."""
    asked = line.asked
    return (
        asked.kind, line.category, line.consumable, asked.capability, line.application, clean(asked.holder_post, POST_MAX),
        line.asset, line.name, line.name_en, asked.quantity, asked.unit_cost, clean_block(asked.reason, LINE_REASON_MAX),
    )  # fmt: skip


async def write_lines(tx: Connection, request: UUID, lines: Sequence[Line]) -> None:
    """Write them in their order, as the only lines of the request."""
    await tx.execute("delete from equipment_request_lines where request = $1", request)
    places = ", ".join(f"${i}" for i in range(4, 4 + len(COLUMNS)))
    await tx.executemany(
        f"insert into equipment_request_lines (id, request, position, given, declined, {', '.join(COLUMNS)}) "  # noqa: S608
        f"values ($1, $2, $3, 0, 0, {places})",
        [(new_id(), request, position, *columns(line)) for position, line in enumerate(lines, start=1)],
    )


def in_words(lines: Iterable[Line]) -> str:
    """What is asked for, in one line of a story."""
    return ", ".join(line.said for line in lines)


def audited(lines: Iterable[Line]) -> list[list[object]]:
    """The lines as the audit trail keeps them: what in words, how many, what for."""
    return [[line.name, line.asked.quantity, clean_block(line.asked.reason, LINE_REASON_MAX)] for line in lines]
