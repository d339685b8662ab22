"""What can be asked for, in plain words and with pictures: what the centre lacks or uses itself comes first. Only reads."""

from collections.abc import Iterable, Mapping
from datetime import date
from uuid import UUID

from pydantic import BaseModel

from assets.db import Connection
from assets.equipment_requests.asking import Asked, LineKind, thing
from assets.equipment_requests.pictures import picture, picture_of
from assets.inventory.kinds import CAPABILITY_KINDS
from assets.inventory.kits.allowance import HELD
from assets.inventory.kits.gaps import KitGapOut, kit_gap, kit_gaps
from assets.text import search_words, searchable
from assets.web.formats import piece
from assets.web.language import N_, translate
from assets.web.paging import LIMIT_MAX, ListQuery, fetch
from assets.web.words import word

SHOWN = 6  # of a group at once; the others are one tap away
ROWS_MAX = 120  # of a group on the page; beyond, the search finds them


class CatalogueChoice(BaseModel):
    """One thing to tick: `thing` is what the form sends, `note` says why it may be wanted, in the reader's language.

    `wanted` things come first: what the kit lacks, what fits the centre's printers, what is broken.
    """

    thing: str
    name: str
    note: str
    picture: str
    wanted: bool


class Group(BaseModel):
    """The choices of one kind, and how many more the search would find."""

    kind: LineKind
    choices: list[CatalogueChoice]
    left_out: int


async def catalogue(tx: Connection, site: UUID | None, q: str, language: str, day: date) -> list[Group]:
    """The four groups for a site (None: not chosen yet), narrowed to what has all the words of `q`."""
    gaps = (await fetch(tx, kit_gaps(day, site), ListQuery(limit=LIMIT_MAX), kit_gap)).items if site else []
    missing: Missing = {(str(gap.what), gap.code): gap for gap in gaps}
    return [
        _group(LineKind.EQUIPMENT, await _equipment(tx, missing, language), q),
        _group(LineKind.CONSUMABLE, await _consumables(tx, site, language), q),
        _group(LineKind.CAPABILITY, await _capabilities(tx, site, missing, language, day), q),
        _group(LineKind.REPAIR, await _repairs(tx, site, language) if site else [], q),
    ]


def _group(kind: LineKind, found: Iterable[CatalogueChoice], q: str) -> Group:
    words = search_words(q)
    fitting = [c for c in found if all(w in searchable(c.name, c.note, c.thing.partition(":")[2]) for w in words)]
    first = sorted(fitting, key=lambda choice: not choice.wanted)
    return Group(kind=kind, choices=first[:ROWS_MAX], left_out=max(0, len(first) - ROWS_MAX))


ANY_ACCOUNT = ("capability", "account")
Missing = Mapping[tuple[str, str], KitGapOut]


def _lacks(gap: KitGapOut | None, language: str) -> str:
    if gap is None or not gap.short:
        return ""
    if gap.missing:
        return translate(language, N_("%(number)s missing in the kit"), number=gap.missing)
    return translate(language, N_("%(number)s broken"), number=gap.broken)


async def _equipment(tx: Connection, missing: Missing, language: str) -> list[CatalogueChoice]:
    rows = await tx.fetch("select code, name, name_en, serves from asset_categories order by sort, name")
    found = []
    for row in rows:
        note = _lacks(missing.get(("category", row["code"])), language)
        found.append(
            CatalogueChoice(
                thing=thing(Asked(row["code"])), name=called(row, language), note=note, wanted=bool(note),
                picture=picture(f"{row['code']} {row['serves']}"),
            )
        )  # fmt: skip
    return found


async def _consumables(tx: Connection, site: UUID | None, language: str) -> list[CatalogueChoice]:
    return [
        CatalogueChoice(
            thing=thing(Asked(kind=LineKind.CONSUMABLE, consumable=row["code"])), name=called(row, language),
            note=" · ".join(filter(None, (_fits(row["fits"], language), _left(row, language)))),
            picture=picture_of(LineKind.CONSUMABLE, row["kind"]), wanted=bool(row["fits"]),
        )
        for row in await tx.fetch(_CONSUMABLES, site)
    ]  # fmt: skip


def _fits(models: list[str], language: str) -> str:
    return translate(language, N_("for %(models)s"), models=", ".join(models[:2])) if models else ""


def _left(row: Mapping[str, object], language: str) -> str:
    if row["quantity"] is None:
        return ""
    return translate(
        language, N_("%(number)s %(unit)s left"), number=row["quantity"], unit=piece(str(row["unit"]), language)
    )


async def _capabilities(
    tx: Connection, site: UUID | None, missing: Missing, language: str, day: date
) -> list[CatalogueChoice]:
    stands = {(row["kind"], row["application"]): row["status"] for row in await tx.fetch(_NOT_THERE, site, day)}
    has = {row["code"] for row in await tx.fetch(_HAS_ACCOUNT, site, day)}
    account = translate(language, word("capability_kind", "account"))
    found = []
    for row in await tx.fetch("select code, name, name_en from applications where needs_account order by name"):
        status = stands.get(("account", row["code"]))
        # A kit asks for accounts of an application, or for some accounts whichever they are.
        gap = missing.get(("application", row["code"])) or (
            missing.get(ANY_ACCOUNT) if row["code"] not in has else None
        )
        note = _lacks(gap, language) or _status(status, language)
        found.append(
            CatalogueChoice(
                thing=thing(Asked(kind=LineKind.CAPABILITY, capability="account", application=row["code"])),
                name=f"{account}: {called(row, language)}", note=note,
                picture=picture_of(LineKind.CAPABILITY, "account"), wanted=bool(note),
            )
        )  # fmt: skip
    for kind in CAPABILITY_KINDS:
        if kind == "account":
            continue
        note = _lacks(missing.get(("capability", kind)), language) or _status(stands.get((kind, "")), language)
        found.append(
            CatalogueChoice(
                thing=thing(Asked(kind=LineKind.CAPABILITY, capability=kind)), note=note, wanted=bool(note),
                name=translate(language, word("capability_kind", kind)), picture=picture_of(LineKind.CAPABILITY, kind),
            )
        )  # fmt: skip
    return found


def _status(status: str | None, language: str) -> str:
    return translate(language, word("capability_status", status)) if status else ""


async def _repairs(tx: Connection, site: UUID, language: str) -> list[CatalogueChoice]:
    return [
        CatalogueChoice(
            thing=thing(Asked(kind=LineKind.REPAIR, asset=row["tag"])), name=called(row, language),
            note=" · ".join(filter(None, (row["tag"], row["room"], _broken(row, language)))),
            picture=picture(f"{row['code']} {row['serves']}"), wanted=row["reported"] or row["physical_state"] == "broken",
        )
        for row in await tx.fetch(_REPAIRS, site, sorted(HELD))
    ]  # fmt: skip


def _broken(row: Mapping[str, object], language: str) -> str:
    if row["reported"]:
        return translate(language, N_("a fault is reported"))
    return translate(language, word("physical_state", str(row["physical_state"])))


def called(row: Mapping[str, object], language: str) -> str:
    """What a row with `name` and `name_en` is called."""
    return str((row["name_en"] if language == "en" else "") or row["name"])


async def applications(tx: Connection, language: str) -> list[tuple[str, str]]:
    """Code and name of what an account or a token can be for."""
    rows = await tx.fetch("select code, name, name_en from applications order by name, code")
    return [(row["code"], called(row, language)) for row in rows]


async def holders(tx: Connection, site: UUID) -> list[str]:
    """Posts and people for whom the site has or wants something, those without it first."""
    rows = await tx.fetch(
        "select holder_post from capabilities where site = $1 and holder_post <> '' group by 1 "
        "order by bool_or(status in ('not_issued', 'waiting')) desc, 1 limit 20", site,
    )  # fmt: skip
    return [row["holder_post"] for row in rows]


_CONSUMABLES = """
select c.code, c.name, c.name_en, c.kind, c.unit, k.quantity,
    array(select distinct m.manufacturer || ' ' || m.name from assets a join asset_models m on m.id = a.model
        join consumable_models f on f.model = m.id where f.consumable = c.id and a.site = $1 and a.stage = 'in_use'
        order by 1) as fits
from consumables c left join stock k on k.consumable = c.id and k.site = $1 order by c.name, c.code
"""
# Of several, the one that is furthest from being there.
_NOT_THERE = """
select distinct on (c.kind, p.code) c.kind, coalesce(p.code, '') as application,
    case when c.status = 'issued' then 'expired' else c.status end as status
from capabilities c left join applications p on p.id = c.application
where c.site = $1 and (c.status <> 'issued' or c.expires_on < $2)
order by c.kind, p.code, array_position(array['not_issued', 'waiting', 'revoked', 'expired'], c.status::text)
"""
_HAS_ACCOUNT = """
select p.code from capabilities c join applications p on p.id = c.application
where c.site = $1 and c.kind = 'account' and c.status = 'issued' and coalesce(c.expires_on >= $2, true)
"""
_REPAIRS = """
select a.tag, coalesce(nullif(a.name, ''), c.name || ' ' || m.manufacturer || ' ' || m.name) as name,
    coalesce(nullif(a.name, ''), c.name_en || ' ' || m.manufacturer || ' ' || m.name) as name_en, c.code, c.serves,
    a.physical_state, coalesce(r.name, '') as room,
    exists (select from incidents i where i.asset = a.id and i.state <> 'resolved')
        or exists (select from declarations e where e.asset = a.id and e.kind = 'broken' and e.ended_at is null) as reported
from assets a join asset_models m on m.id = a.model join asset_categories c on c.id = m.category
left join rooms r on r.id = a.room where a.site = $1 and a.stage = any($2) and a.merged_into is null
order by array_position(array['broken', 'worn', 'good'], a.physical_state::text), c.sort, a.tag
"""
