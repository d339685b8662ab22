"""What the pages and the API read of reported faults: the pictures for an asset, reports, and who has them."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pydantic import BaseModel

from assets.access.actor import Actor
from assets.access.permissions import Role
from assets.access.signed_addresses import Purpose
from assets.db import EVERYTHING, Connection, Scope, transaction
from assets.errors import NotFound
from assets.incidents.faults.fitting import PICTURES, fits
from assets.text import clean, clean_code
from assets.web.paging import Column, Listing, ListQuery, fetch, folded
from assets.web.rows import from_row

RECENT = 10
SUPPLIES_MAX = 4
CALLED_MAX = 20  # assets to choose from; of more, people write more of the tag
TOLD_MAX = 5


class FaultKindOut(BaseModel):
    """A picture to tap: what can be wrong with the assets of these categories or families; with neither, with any."""

    code: str
    name: str
    name_en: str
    picture: str
    categories: list[str]
    families: list[str]
    severity: str
    position: int
    active: bool
    version: int


class FaultReportOut(BaseModel):
    """A reported fault and the incident that it belongs to, with whoever has that."""

    id: UUID
    asset_tag: str
    asset_name: str
    site: str
    fault: str
    text: str
    photo: UUID | None
    said_by: str
    said_at: datetime
    incident: int
    incident_state: str
    acknowledged_by: str
    acknowledged_at: datetime | None
    resolved_at: datetime | None


class SignedAddressOut(BaseModel):
    """A signed address without its secret: what it opens, about what, until when, and how often it was used."""

    id: UUID
    purpose: str
    subject: UUID
    name: str
    site: str
    issued_by: str
    issued_at: datetime
    expires_at: datetime
    withdrawn_at: datetime | None
    withdrawn_by: str
    uses: int
    last_used_at: datetime | None
    last_used_by: str


KINDS = Listing(
    select="k.*", source="fault_kinds k", key="k.id",
    columns={
        "code": Column("k.code"), "name": Column("k.name"), "picture": Column("k.picture", choices=PICTURES),
        "severity": Column("k.severity", choices=("critical", "warning")), "position": Column("k.position", "smallint"),
        "active": Column("k.active", "boolean"),
    },
    sort="position", search=(folded("k.code"), folded("k.name"), folded("k.name_en")),
)  # fmt: skip
REPORTS = Listing(
    select="r.id, a.tag as asset_tag, coalesce(nullif(a.name, ''), m.manufacturer || ' ' || m.name) as asset_name, "
    "s.code as site, r.fault, r.text, r.photo, r.said_by_name as said_by, r.said_at, i.number as incident, "
    "i.state as incident_state, i.acknowledged_by, i.acknowledged_at, i.resolved_at",
    source="fault_reports r join assets a on a.id = r.asset join asset_models m on m.id = a.model "
    "join sites s on s.id = r.site join incidents i on i.id = r.incident",
    key="r.id",
    columns={
        "asset_tag": Column("a.tag"), "site": Column("s.code"), "fault": Column("r.fault"),
        "said_at": Column("r.said_at", "timestamptz"), "incident": Column("i.number", "integer"),
        "incident_state": Column("i.state", choices=("open", "acknowledged", "resolved")),
    },
    sort="-said_at",
    search=("s.search", "a.search", folded("r.text"), folded("r.said_by_name")),
    site="r.site",
)  # fmt: skip
ADDRESSES = Listing(
    select="d.id, d.purpose, d.subject, d.name, s.code as site, d.issued_by_name as issued_by, d.issued_at, d.expires_at, "
    "d.withdrawn_at, d.withdrawn_by_name as withdrawn_by, d.uses, d.last_used_at, d.last_used_by",
    source="signed_addresses d join sites s on s.id = d.site",
    key="d.id",
    columns={
        "purpose": Column("d.purpose", choices=tuple(Purpose)), "subject": Column("d.subject", "uuid", sortable=False),
        "name": Column("d.name"), "site": Column("s.code"), "issued_at": Column("d.issued_at", "timestamptz"),
        "expires_at": Column("d.expires_at", "timestamptz"),
        "valid": Column("(d.withdrawn_at is null and d.expires_at > now())", "boolean", sortable=False),
    },
    sort="-issued_at",
    search=("s.search", folded("d.name"), folded("d.issued_by_name")),
    site="d.site",
)  # fmt: skip


kind_out = from_row(FaultKindOut)


report_out = from_row(FaultReportOut)


address_out = from_row(SignedAddressOut)


async def one_kind(tx: Connection, code: str) -> FaultKindOut:
    """A fault by its code, also one that is no longer offered."""
    found = await fetch(tx, KINDS, ListQuery(limit=1), kind_out, where=[("k.code = {}", [clean(code, 40)])])
    if not found.items:
        raise NotFound()
    return found.items[0]


class SupplyOut(BaseModel):
    """A consumable that ends a fault, and how many of it lie at the site."""

    code: str
    name: str
    name_en: str
    unit: str
    here: int


SUPPLIED_BY = {"no-toner": ("toner", "ink", "ribbon")}  # kinds of consumables, by the fault that they end


async def supplies_for(tx: Connection, report: FaultReportOut) -> list[SupplyOut]:
    """What would end a reported fault and fits the asset's model, what lies at its site first."""
    rows = await tx.fetch(
        "select c.code, c.name, c.name_en, c.unit, coalesce(k.quantity, 0) as here from assets a "
        "join consumable_models f on f.model = a.model join consumables c on c.id = f.consumable "
        "left join stock k on k.consumable = c.id and k.site = a.site where a.tag = $1 and c.kind = any($2) "
        "order by here desc, c.code limit $3", report.asset_tag, list(SUPPLIED_BY.get(report.fault, ())), SUPPLIES_MAX,
    )  # fmt: skip
    return [SupplyOut(**row) for row in rows]


async def one_report(tx: Connection, scope: Scope, report: UUID) -> FaultReportOut:
    """A report by its id; NotFound when it is another's."""
    found = await fetch(tx, REPORTS, ListQuery(limit=1), report_out, scope=scope, where=[("r.id = {}", [report])])
    if not found.items:
        raise NotFound()
    return found.items[0]


@dataclass(frozen=True)
class Reportable:
    """An asset of which a fault can be reported."""

    id: UUID
    tag: str
    name: str
    category: str
    serves: str
    site: UUID
    site_code: str
    site_name: str


_REPORTABLE = """select a.id, a.tag, coalesce(nullif(a.name, ''), m.manufacturer || ' ' || m.name) as name, c.code as category,
    c.serves, a.site, s.code as site_code, s.name as site_name from assets a join asset_models m on m.id = a.model
    join asset_categories c on c.id = m.category join sites s on s.id = a.site """
_SEPARATORS = "-_./ "


async def reportable(tx: Connection, scope: Scope, tag: str) -> Reportable:
    """The asset with this tag; NotFound when it is another's."""
    row = await tx.fetchrow(_REPORTABLE + "where a.tag = $1", clean_code(tag))
    if row is None or not scope.sees(row["site"]):
        raise NotFound()
    return Reportable(**row)


async def called(tx: Connection, scope: Scope, text: str) -> list[Reportable]:
    """The assets of the scope that somebody means who wrote a part of the tag, or wrote it without its dashes.

    The whole tag but for dashes means that one alone. Else what ends so, from three characters on, and what has this
    number at its end: 7 is 0007. One more than CALLED_MAX says that there are more.
    """
    plain = clean_code(text).translate(str.maketrans("", "", _SEPARATORS))
    number = plain.lstrip("0") if plain.isascii() and plain.isdigit() else ""
    rows = await tx.fetch(
        _REPORTABLE + """where ($5 or a.site = any($4::uuid[])) and a.merged_into is null and a.stage <> 'disposed' and (
            (length($1) > 2 and right(translate(a.tag, $3, ''), length($1)) = $1)
            or ($2 <> '' and substring(a.tag from '([0-9]+)$') ~ ('^0*' || $2 || '$')))
        order by a.tag limit $6""",
        plain, number, _SEPARATORS, [] if scope.everything else list(scope.sites), scope.everything, CALLED_MAX + 1,
    )  # fmt: skip
    found = [Reportable(**row) for row in rows]
    whole = [one for one in found if one.tag.translate(str.maketrans("", "", _SEPARATORS)) == plain]
    return whole if len(whole) == 1 else found


async def pictures_for(tx: Connection, asset: Reportable) -> list[FaultKindOut]:
    """The faults that an asset can have, its own before those of everything."""
    rows = await tx.fetch("select * from fault_kinds where active order by position, code")
    kinds = [kind for kind in map(kind_out, rows) if fits(kind, asset.category, asset.serves)]
    return sorted(kinds, key=lambda kind: not (kind.categories or kind.families))


async def lately(tx: Connection, actor: Actor) -> list[FaultReportOut]:
    """What was reported last at the actor's sites."""
    return (await fetch(tx, REPORTS, ListQuery(limit=RECENT), report_out, scope=actor.scope)).items


async def told_of(site: UUID, now: datetime) -> list[str]:
    """Who looks after incidents of a site, by name: who is on call before the rest, and of the nearest grant first."""
    async with transaction(EVERYTHING) as tx:  # accounts belong to no site; no more than names leave here
        rows = await tx.fetch(
            "select coalesce(nullif(u.display_name, ''), u.name) as name, min(case g.role when $3 then 0 else 1 end) as turn, "
            'bool_or(g.site is not null or g.unit is not null) as near from grants g join users u on u.id = g."user" '
            "where g.role = any($2) and u.active and (g.ends_at is null or g.ends_at > $5) "
            "and (g.site = $1 or g.unit = (select unit from sites where id = $1) or (g.site is null and g.unit is null)) "
            "group by 1 order by turn, near desc, name limit $4",
            site, [Role.ON_CALL, Role.PROVINCE_IT], Role.ON_CALL, TOLD_MAX, now,
        )  # fmt: skip
    turns = {row["turn"] for row in rows}
    return [row["name"] for row in rows if row["turn"] == min(turns)]
