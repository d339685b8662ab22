"""The verbs of places: load units, open centres, count heads."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from asyncpg import Record

from assets.access.actor import Actor
from assets.access.permissions import Action
from assets.audit.service import Changes, differences, record, shown
from assets.db import Connection, transaction
from assets.errors import Conflict, Invalid, NotFound
from assets.ids import new_id
from assets.places.units import Unit, centre_name
from assets.text import clean, searchable, sort_key


async def load_units(actor: Actor, units: Sequence[Unit]) -> tuple[int, int]:
    """Add new units and correct known ones by their code; answers (added, changed). No unit is ever removed."""
    actor = actor.require(Action.EDIT_PLACES)
    async with transaction(actor.scope) as tx:
        known = {row["code"]: row for row in await tx.fetch("select * from administrative_units for update")}
        new = [u for u in units if u.code not in known]
        changed = [u for u in units if u.code in known and _differs(u, known[u.code])]
        for unit in new:
            row = await tx.fetchrow(
                "insert into administrative_units (id, code, province_code, kind, name, name_en, former_province, area_km2, "
                "latitude, longitude, sort, search, version) values ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,1) returning *",
                new_id(), *_values(unit),
            )  # fmt: skip
            await _record_unit(tx, actor, "add", row, {"after": shown(row)})
        for unit in changed:
            row = await tx.fetchrow(
                "update administrative_units set province_code = $2, kind = $3, name = $4, name_en = $5, "
                "former_province = $6, area_km2 = $7, latitude = $8, longitude = $9, sort = $10, search = $11, "
                "version = version + 1 where code = $1 returning *", *_values(unit),
            )  # fmt: skip
            await _record_unit(tx, actor, "edit", row, differences(known[unit.code], row))
        return len(new), len(changed)


async def _record_unit(tx: Connection, actor: Actor, action: str, row: Record, changes: Changes) -> None:
    await record(
        tx, by=actor, action=action, kind="administrative_unit", subject=row["id"], name=row["name"], **changes
    )


def _values(u: Unit) -> tuple[object, ...]:
    return (
        u.code, u.province_code, u.kind, u.name, u.name_en, u.former_province, u.area_km2, u.latitude, u.longitude,
        u.sort, u.search,
    )  # fmt: skip


def _differs(unit: Unit, row: object) -> bool:
    columns = (
        "code", "province_code", "kind", "name", "name_en", "former_province", "area_km2", "latitude", "longitude", "sort",
        "search",
    )  # fmt: skip
    return any(row[c] != v for c, v in zip(columns, _values(unit), strict=True))  # type: ignore[index]


async def open_centres(actor: Actor, province_code: str = "51") -> int:
    """Give each unit of a province that has none its one centre, under the unit's code; answers how many."""
    actor = actor.require(Action.EDIT_PLACES)
    async with transaction(actor.scope) as tx:
        rows = await tx.fetch(
            "select u.id, u.code, u.name, u.latitude, u.longitude from administrative_units u where u.province_code = $1 "
            "and not exists (select 1 from sites s where s.unit = u.id and s.kind = 'centre')", province_code,
        )  # fmt: skip
        for row in rows:
            name = centre_name(row["name"])
            site = await add_site(tx, unit=row["id"], code=row["code"], kind="centre", name=name)
            await _record_opened(tx, actor, site)
        return len(rows)


async def create_site(actor: Actor, *, unit: str, code: str, kind: str, name: str, address: str = "") -> UUID:
    """Open another site of a unit: a reception point or a store; Conflict when the code is in use."""
    actor = actor.require(Action.EDIT_PLACES)
    code = clean(code, 20).upper()
    if not code or not clean(name, 200):
        raise Invalid(fields={"code" if not code else "name": "missing"})
    async with transaction(actor.scope) as tx:
        row = await tx.fetchval("select id from administrative_units where code = $1", unit)
        if row is None or not actor.scope.everything:
            raise NotFound(f"There is no administrative unit with the code {clean(unit, 5)}.")
        if await tx.fetchval("select 1 from sites where code = $1", code):
            raise Conflict(f"There is already a site with the code {code}.")
        site = await add_site(tx, unit=row, code=code, kind=kind, name=name, address=address)
        await _record_opened(tx, actor, site)
        return site


async def _record_opened(tx: Connection, actor: Actor, site: UUID) -> None:
    row = await tx.fetchrow("select * from sites where id = $1", site)
    await record(tx, by=actor, action="open", kind="site", subject=site, name=row["name"], site=site, after=shown(row))


async def add_site(tx: Connection, *, unit: UUID, code: str, kind: str, name: str, address: str = "") -> UUID:
    """One site, within the caller's transaction."""
    site = new_id()
    await tx.execute(
        "insert into sites (id, unit, code, kind, name, address, phone, sort, search, open, created_at, version) "
        "values ($1,$2,$3,$4,$5,$6,'',$7,$8,true,now(),1)",
        site, unit, code, kind, clean(name, 200), clean(address), sort_key(name), searchable(name, code),
    )  # fmt: skip
    return site


async def count_heads(actor: Actor, site_code: str, people: int, *, as_of: date) -> None:
    """Write down how many people a site has as of a date; the same date again corrects it."""
    actor = actor.require(Action.EDIT_PLACES)
    if not 0 <= people <= 100_000:
        raise Invalid(fields={"people": "between 0 and 100000"})
    async with transaction(actor.scope) as tx:
        site = await tx.fetchrow("select id, name from sites where code = $1", site_code)
        if site is None or not actor.scope.sees(site["id"]):
            raise NotFound(f"There is no site with the code {site_code}.")
        before = await tx.fetchrow(
            "select * from head_counts where site = $1 and as_of = $2 for update", site["id"], as_of
        )
        after = await tx.fetchrow(
            "insert into head_counts (id, site, as_of, people) values ($1,$2,$3,$4) "
            "on conflict on constraint head_counts_site_as_of_uq do update set people = excluded.people returning *",
            new_id(), site["id"], as_of, people,
        )  # fmt: skip
        changes: Changes = {"after": shown(after)} if before is None else differences(before, after)
        await record(
            tx, by=actor, action="count_heads", kind="head_count", subject=after["id"], name=site["name"], site=site["id"],
            **changes,
        )  # fmt: skip
