"""The verbs of places: load and describe units, open, describe and close sites, count heads."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from asyncpg import Record

from assets import clock
from assets.access.actor import Actor
from assets.access.permissions import Action
from assets.audit.service import Changes, differences, record, shown
from assets.db import Connection, transaction
from assets.errors import Conflict, Invalid, NotFound, Stale
from assets.ids import new_id
from assets.places import succession
from assets.places.succession import stays_from
from assets.places.units import KINDS, Unit, centre_name, short_name
from assets.text import clean, clean_code, searchable, sort_key
from assets.web.changes import refuse_others
from assets.web.language import N_

UNIT_EDITABLE = frozenset(
    {"name", "kind", "name_en", "former_province", "agency_code", "area_km2", "latitude", "longitude"}
)
SITE_KINDS = ("centre", "reception_point", "store")
SITE_EDITABLE = frozenset(
    {"name", "kind", "address", "phone", "latitude", "longitude", "agency_code", "open", "closed_reason"}
)
# How long the texts of units and sites may be.
LENGTHS = {
    "name": 200, "name_en": 120, "former_province": 60, "agency_code": 60, "address": 255, "phone": 40,
    "closed_reason": 255,
}  # fmt: skip
MISSING = N_("Please fill this in.")
# pg_advisory_xact_lock key: two changes of units at once could give one code twice, and who opens a site must not look for
# its unit while a change puts another one in its place.
LOCK = 0x0A55E77


async def load_units(actor: Actor, units: Sequence[Unit]) -> tuple[int, int]:
    """Add new units and correct known ones by their code; answers (added, changed). No unit is ever removed."""
    actor = actor.require(Action.EDIT_PLACES)
    async with transaction(actor.scope) as tx:
        rows = await tx.fetch("select * from administrative_units where code <> '' for update")
        known = {row["code"]: row for row in rows if row["valid_to"] is None}
        ended = {row["code"] for row in rows} - set(known)
        if gone := next((u.code for u in units if u.code in ended), None):
            raise Conflict(f"The unit with the code {gone} is no more; a change brought others in its place.")
        new = [u for u in units if u.code not in known]
        changed = [u for u in units if u.code in known and _differs(u, known[u.code])]
        for unit in new:
            row = await tx.fetchrow(
                "insert into administrative_units (id, code, province_code, kind, name, name_en, former_province, area_km2, "
                "latitude, longitude, sort, search, valid_from, version) "
                "values ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,1) returning *",
                new_id(), *_values(unit), unit.valid_from,
            )  # fmt: skip
            await _record_unit(tx, actor, "add", row, {"after": shown(row)})
        for unit in changed:
            row = await tx.fetchrow(
                "update administrative_units set province_code = $2, kind = $3, name = $4, name_en = $5, "
                "former_province = $6, area_km2 = $7, latitude = $8, longitude = $9, sort = $10, search = $11, "
                "version = version + 1 where code = $1 and valid_to is null returning *", *_values(unit),
            )  # fmt: skip
            await _record_unit(tx, actor, "edit", row, differences(known[unit.code], row))
        return len(new), len(changed)


async def edit_unit(actor: Actor, code: str, changes: Mapping[str, Any], *, version: int) -> None:
    """Correct what is written of the unit with this code; that it became another is a change: see `places.changes`."""
    actor = actor.require_everywhere(Action.EDIT_PLACES)
    refuse_others(changes, UNIT_EDITABLE)
    new = _cleaned(changes, {**LENGTHS, "name": 120})
    _check(new, kinds=tuple(KINDS.values()))
    async with transaction(actor.scope) as tx:
        key = await tx.fetchval(
            f"select id from administrative_units where code = $1 {NEWEST} limit 1",  # noqa: S608
            code,
            clock.today(),
        )
        before = await tx.fetchrow("select * from administrative_units where id = $1 for update", key)
        if before is None:
            raise NotFound()
        if before["version"] != version:
            raise Stale()
        whole = dict(before) | new
        new |= {
            "sort": sort_key(short_name(whole["name"])),
            "search": searchable(whole["name"], whole["name_en"], code),
        }
        row = await _update(tx, "administrative_units", before["id"], new)
        await _record_unit(tx, actor, "edit", row, differences(before, row))


# The one unit that has a code on the day $2; {u} is the alias of the table with a dot, or nothing.
IN_FORCE = "{u}code <> '' and coalesce({u}valid_from <= $2, true) and coalesce({u}valid_to > $2, true)"
# Of the units that had a code one after another: that of the day $2, else the last one.
NEWEST = (
    "and code <> '' order by coalesce(valid_from <= $2, true) and coalesce(valid_to > $2, true) desc, "
    "coalesce(valid_from <= $2, true) desc, valid_from desc nulls last"
)


def _cleaned(changes: Mapping[str, Any], lengths: Mapping[str, int]) -> dict[str, Any]:
    return {
        name: clean(value, lengths.get(name, 255)) if isinstance(value, str) else value
        for name, value in changes.items()
    }


def _check(new: Mapping[str, Any], *, kinds: Sequence[str]) -> None:
    wrong = {}
    if "name" in new and not new["name"]:
        wrong["name"] = MISSING
    if "kind" in new and new["kind"] not in kinds:
        wrong["kind"] = N_("Please choose one of the list.")
    for name, low, high in (("latitude", -90, 90), ("longitude", -180, 180), ("area_km2", 0, 10**6)):
        if new.get(name) is not None and not low <= new[name] <= high:
            wrong[name] = f"a number between {low} and {high}"
    if wrong:
        raise Invalid(fields=wrong)


async def _update(tx: Connection, table: str, key: UUID, new: Mapping[str, Any]) -> Record:
    """Set some columns, by names that the caller has looked at."""
    sets = "".join(f", {column} = ${number}" for number, column in enumerate(new, start=2))
    row = await tx.fetchrow(
        f"update {table} set version = version + 1{sets} where id = $1 returning *",  # noqa: S608
        key,
        *new.values(),
    )
    assert row is not None
    return row


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
            "select u.id, u.code, u.name, u.valid_from from administrative_units u where u.province_code = $1 "  # noqa: S608
            f"and {IN_FORCE.format(u='u.')} and not exists (select 1 from sites s where s.unit = u.id and s.kind = 'centre')",
            province_code, clock.today(),
        )  # fmt: skip
        for row in rows:
            name = centre_name(row["name"])
            site = await add_site(
                tx, unit=row["id"], code=row["code"], kind="centre", name=name, opened_on=row["valid_from"]
            )
            await _record_opened(tx, actor, site)
        return len(rows)


async def create_site(
    actor: Actor, *, unit: str, code: str, kind: str, name: str, address: str = "", phone: str = "",
    agency_code: str = "", latitude: float | None = None, longitude: float | None = None, opened_on: date | None = None,
) -> UUID:  # fmt: skip
    """Open another site of a unit, today or on a day of the past; Conflict when the code is in use."""
    actor = actor.require(Action.EDIT_PLACES)
    code, today = clean_code(code, 20), clock.today()
    if not code or not clean(name, 200):
        raise Invalid(fields={"code" if not code else "name": "missing"})
    if opened_on is not None and not succession.FIRST_DAY <= opened_on <= today:
        raise Invalid(fields={"opened_on": N_("A site opened today or on a day of the past.")})
    facts = {"phone": phone, "agency_code": agency_code, "latitude": latitude, "longitude": longitude}
    facts = _cleaned(facts, LENGTHS)
    _check({"kind": kind, **facts}, kinds=SITE_KINDS)
    async with transaction(actor.scope) as tx:
        await tx.execute("select pg_advisory_xact_lock_shared($1)", LOCK)
        row = await tx.fetchval(
            f"select id from administrative_units where code = $1 and {IN_FORCE.format(u='')} for update",  # noqa: S608
            unit, opened_on or today,
        )  # fmt: skip
        if row is None or not actor.scope.everything:
            raise NotFound(
                N_("There is no administrative unit with the code %(code)s on that day."), code=clean(unit, 5)
            )
        if await tx.fetchval("select 1 from sites where code = $1", code):
            raise Conflict(N_("There is already a site with the code %(code)s."), code=code)
        site = await add_site(
            tx, unit=row, code=code, kind=kind, name=name, address=address, opened_on=opened_on or today, facts=facts
        )
        await _one_centre(tx, site)
        await _record_opened(tx, actor, site)
        return site


async def _one_centre(tx: Connection, site: UUID) -> None:
    """Conflict when the unit of a centre has another one that is open."""
    other = await tx.fetchval(
        "select o.code from sites s join sites o on o.unit = s.unit and o.id <> s.id and o.kind = 'centre' and o.open "
        "where s.id = $1 and s.kind = 'centre' and s.open", site,
    )  # fmt: skip
    if other is not None:
        raise Conflict(N_("The unit has a centre already: %(code)s."), code=other)


async def _record_opened(tx: Connection, actor: Actor, site: UUID) -> None:
    row = await tx.fetchrow("select * from sites where id = $1", site)
    await record(tx, by=actor, action="open", kind="site", subject=site, name=row["name"], site=site, after=shown(row))


async def add_site(
    tx: Connection, *, unit: UUID, code: str, kind: str, name: str, address: str = "",
    opened_on: date | None = None, facts: Mapping[str, Any] | None = None,
) -> UUID:  # fmt: skip
    """One site, within the caller's transaction; without a day it opens today, or when its unit began."""
    site, today = new_id(), clock.today()
    stays = await _stays(tx, code, unit, opened_on or today)
    present = next(stay.unit for stay in stays if stay.holds(today))
    more = {"phone": "", "agency_code": "", "latitude": None, "longitude": None, **(facts or {})}
    await tx.execute(
        "insert into sites (id, unit, code, kind, name, address, sort, search, phone, agency_code, latitude, longitude, open, "
        "closed_reason, created_at, version) values ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,true,'',now(),1)",
        site, present, code, kind, clean(name, 200), clean(address), sort_key(name), searchable(name, code), more["phone"],
        more["agency_code"], more["latitude"], more["longitude"],
    )  # fmt: skip
    await tx.executemany(
        "insert into site_units (id, site, unit, valid_from, valid_to) values ($1,$2,$3,$4,$5)",
        [(new_id(), site, stay.unit, stay.valid_from, stay.valid_to) for stay in stays],
    )
    return site


async def _stays(tx: Connection, code: str, unit: UUID, opened_on: date) -> list[succession.Stay]:
    """Under which units the new site is from its day on, also where a change is written down that is still to come."""
    found: dict[UUID, succession.Unit] = {}
    later: dict[UUID, list[succession.Unit]] = {}
    waiting = [unit]
    while waiting:
        # Held against a change that ends the unit meanwhile: see `places.changes`.
        row = await tx.fetchrow(
            "select id, code, valid_from, valid_to from administrative_units where id = $1 for share", waiting.pop()
        )
        assert row is not None
        found[row["id"]] = succession.Unit(*row)
        if row["valid_to"] is not None:
            heirs = await tx.fetch(
                "select u.id, u.code, u.valid_from, u.valid_to from unit_successions s join administrative_units u "
                "on u.id = s.successor where s.predecessor = $1", row["id"],
            )  # fmt: skip
            later[row["id"]] = [succession.Unit(*heir) for heir in heirs]
            waiting += [heir["id"] for heir in heirs] if len(heirs) == 1 else []
    stays = stays_from(code, found[unit], opened_on, later)
    if stays is None:
        raise Conflict(
            N_("The unit is split on a day that is written down; open the site under one of its successors.")
        )
    return stays


async def edit_site(actor: Actor, code: str, changes: Mapping[str, Any], *, version: int) -> None:
    """Correct what is written of a site that is still as the caller saw it; to close it says why."""
    actor = actor.require(Action.EDIT_PLACES)
    refuse_others(changes, SITE_EDITABLE)
    new = _cleaned(changes, LENGTHS)
    _check(new, kinds=SITE_KINDS)
    async with transaction(actor.scope) as tx:
        before = await tx.fetchrow("select * from sites where code = $1 for update", clean_code(code, 20))
        if before is None or not actor.scope.sees(before["id"]):
            raise NotFound()
        if before["version"] != version:
            raise Stale()
        whole = dict(before) | new
        if not whole["open"] and not whole["closed_reason"]:
            raise Invalid(fields={"closed_reason": N_("Say why the site is closed.")})
        if whole["open"]:
            new["closed_reason"] = ""
        new |= {"sort": sort_key(whole["name"]), "search": searchable(whole["name"], whole["code"])}
        row = await _update(tx, "sites", before["id"], new)
        if (row["kind"], row["open"]) != (before["kind"], before["open"]):
            await _one_centre(tx, row["id"])
        await record(
            tx, by=actor, action="edit", kind="site", subject=row["id"], name=row["name"], site=row["id"],
            **differences(before, row),
        )  # fmt: skip


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
