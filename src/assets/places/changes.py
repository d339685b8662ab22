"""The verbs of the history of units: write down a change, correct its decision, and let it take effect on its day."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from asyncpg import Record

from assets.access.actor import SYSTEM, Actor
from assets.access.permissions import Action
from assets.audit.service import differences, record, shown
from assets.db import EVERYTHING, Connection, transaction
from assets.errors import Conflict, Invalid, NotFound, Stale
from assets.ids import new_id
from assets.places import origins
from assets.places.service import LOCK
from assets.places.succession import (
    STANDS_AGAINST,
    Change,
    Kind,
    Outcome,
    Stay,
    Successor,
    Unit,
    heirs,
    outcome,
    refused,
)
from assets.places.units import short_name
from assets.text import clean, searchable, sort_key
from assets.web.changes import refuse_others
from assets.web.language import N_

MISSING = N_("Please fill this in.")


@dataclass(frozen=True)
class NewUnit:
    """A unit to be. What goes on under a predecessor's code keeps what is not said; `comes_from` None means: from all."""

    code: str
    name: str = ""
    kind: str = ""
    name_en: str = ""
    agency_code: str = ""
    province_code: str = ""
    comes_from: tuple[str, ...] | None = None


@dataclass(frozen=True)
class NewChange:
    """A change and its decision; `sites` says to which successor a site goes that could go to several, by codes."""

    kind: Kind
    effective_on: date
    decision_number: str
    successors: tuple[NewUnit, ...]
    predecessors: tuple[str, ...] = ()
    sites: Mapping[str, str] = field(default_factory=dict)
    decided_on: date | None = None
    issued_by: str = ""
    web_address: str = ""
    note: str = ""


async def record_change(actor: Actor, new: NewChange, *, today: date) -> UUID:
    """Write down a change and apply it: units, and the unit of each site from its day on.

    Invalid names what is wrong; Conflict says that a unit ended or a code was used by another change.
    What takes effect on a day to come is known at once, and done by `take_effect` on that day.
    """
    actor = actor.require_everywhere(Action.EDIT_PLACES)
    change = Change(
        new.kind, new.effective_on, new.predecessors,
        tuple(Successor(new_id(), unit.code, _origin(unit)) for unit in new.successors), dict(new.sites),
    )  # fmt: skip
    said = _wrong_decision(_decision(new), today, new.effective_on)
    async with transaction(actor.scope) as tx:
        await tx.execute("select pg_advisory_xact_lock($1)", LOCK)
        rows = await _units(tx, {*new.predecessors, *(unit.code for unit in new.successors)})
        units = [Unit(row["id"], row["code"], row["valid_from"], row["valid_to"]) for row in rows]
        stays = await _stays(tx, [unit.id for unit in units])
        if wrong := said | refused(change, units, stays, today):
            if set(wrong.values()) <= STANDS_AGAINST:
                raise Conflict(next(iter(wrong.values())))
            raise Invalid(fields=wrong)
        before = {row["code"]: row for row in rows if row["valid_to"] is None}
        begun = [
            _described(unit, successor.id, new, before)
            for unit, successor in zip(new.successors, change.successors, strict=True)
        ]
        made = await _write_change(tx, new)
        after = outcome(change, units, stays)
        await _write_units(tx, actor, after, begun, before)
        for successor in change.successors:
            origin = [before[c]["id"] for c in new.predecessors if successor in heirs(change, c)]
            await _link(tx, made["id"], origin, successor.id)
        await _write_stays(tx, after)
        told = {
            "predecessors": list(new.predecessors), "successors": [unit.code for unit in new.successors],
            "sites": {stay.site: _code(change, stay.unit) for stay in (*after.entered, *(m for _, m in after.moved))},
        }  # fmt: skip
        await _record(tx, actor, "record", made, {"after": {**shown(made), **told}})
        await _settle(tx, actor, today)
        found: UUID = made["id"]
        return found


def _origin(unit: NewUnit) -> frozenset[str] | None:
    return None if unit.comes_from is None else frozenset(unit.comes_from)


def _code(change: Change, unit: UUID) -> str:
    return next(successor.code for successor in change.successors if successor.id == unit)


_DECISION = ("decision_number", "decided_on", "issued_by", "web_address", "note")


def _decision(thing: Any) -> dict[str, Any]:
    return {name: getattr(thing, name) for name in _DECISION}


def _wrong_decision(said: Mapping[str, Any], today: date, effective_on: date) -> dict[str, str]:
    wrong = {}
    if not clean(said["decision_number"], 80):
        wrong["decision_number"] = MISSING
    decided: date | None = said["decided_on"]
    if decided is not None and decided > today:
        wrong["decided_on"] = N_("This day is still to come.")
    elif decided is not None and decided > effective_on:
        wrong["decided_on"] = N_("A change takes effect on the day of its decision or later.")
    if not _web_address(said["web_address"]):
        wrong["web_address"] = N_("A web address begins with https:// or http://.")
    return wrong


def _web_address(text: str) -> bool:
    if not text:
        return True
    try:
        parts = urlsplit(text)
        return (
            parts.scheme in ("http", "https") and bool(parts.hostname) and len(text) <= 500 and clean(text, 500) == text
        )
    except ValueError:
        return False


async def _units(tx: Connection, codes: Iterable[str]) -> list[Record]:
    rows: list[Record] = await tx.fetch(
        "select * from administrative_units where code = any($1) and code <> '' order by id for update", sorted(codes)
    )
    return rows


async def _stays(tx: Connection, units: Sequence[UUID]) -> list[Stay]:
    # Whoever opens a site holds its unit's row, which is locked here.
    rows = await tx.fetch(
        "select s.code, m.unit, m.valid_from, m.valid_to from site_units m join sites s on s.id = m.site "
        "where m.unit = any($1)", units,
    )  # fmt: skip
    return [Stay(row["code"], row["unit"], row["valid_from"], row["valid_to"]) for row in rows]


def _described(unit: NewUnit, key: UUID, new: NewChange, before: Mapping[str, Record]) -> dict[str, Any]:
    """The row of a unit to be: what goes on under its code keeps what is not said; Invalid when a name is missing."""
    kept = before.get(unit.code)
    first = [before[code] for code in (unit.comes_from or new.predecessors)]
    name = clean(unit.name, 120) or (kept["name"] if kept else "")
    kind = unit.kind or (kept["kind"] if kept else "")
    if not name or not kind:
        raise Invalid(fields={"successors": N_("There is no unit with this code yet: say its name and its kind.")})
    same = kept if kept and new.kind is Kind.RENAME else None  # only a name changed: the land is the same
    provinces = {row["former_province"] for row in first}
    areas = [row["area_km2"] for row in first]
    name_en = clean(unit.name_en, 120) or (kept["name_en"] if kept and name == kept["name"] else "")
    return {
        "id": key, "code": unit.code, "kind": kind, "name": name, "name_en": name_en,
        "province_code": clean(unit.province_code, 2) or next((row["province_code"] for row in first), ""),
        "former_province": provinces.pop() if len(provinces) == 1 else "", "former_district": "",
        "agency_code": clean(unit.agency_code, 60) or (kept["agency_code"] if kept else ""),
        "area_km2": sum(areas) if areas and None not in areas and new.kind in (Kind.RENAME, Kind.MERGE) else None,
        "latitude": same and same["latitude"], "longitude": same and same["longitude"],
        "valid_from": new.effective_on, "valid_to": None,
        "sort": sort_key(short_name(name)), "search": searchable(name, name_en, unit.code), "version": 1,
    }  # fmt: skip


async def _write_change(tx: Connection, new: Any) -> Record:
    row = await tx.fetchrow(
        "insert into unit_changes (id, kind, effective_on, decision_number, decided_on, issued_by, web_address, note, "
        "recorded_at, version) values ($1,$2,$3,$4,$5,$6,$7,$8,now(),1) returning *",
        new_id(), new.kind, new.effective_on, clean(new.decision_number, 80), new.decided_on, clean(new.issued_by, 160),
        new.web_address, clean(new.note, 500),
    )  # fmt: skip
    assert row is not None
    return row


async def _write_units(
    tx: Connection, actor: Actor, after: Outcome, begun: Sequence[dict[str, Any]], before: Mapping[str, Record]
) -> None:
    for unit in after.ended:
        row = await tx.fetchrow(
            "update administrative_units set valid_to = $2, version = version + 1 where id = $1 returning *",
            unit.id, unit.valid_to,
        )  # fmt: skip
        await record(
            tx, by=actor, action="end", kind="administrative_unit", subject=unit.id, name=row["name"],
            **differences(before[unit.code], row),
        )  # fmt: skip
    for values in begun:
        row = await insert_unit(tx, values)
        await record(
            tx, by=actor, action="add", kind="administrative_unit", subject=row["id"], name=row["name"],
            after=shown(row),
        )  # fmt: skip


async def insert_unit(tx: Connection, values: Mapping[str, Any]) -> Record:
    """One unit, its columns by name, within the caller's transaction."""
    places = ", ".join(f"${number}" for number in range(1, len(values) + 1))
    row = await tx.fetchrow(
        f"insert into administrative_units ({', '.join(values)}) values ({places}) returning *",  # noqa: S608 - ours
        *values.values(),
    )
    assert row is not None
    return row


async def _link(tx: Connection, change: UUID, predecessors: Sequence[UUID], successor: UUID) -> None:
    await tx.executemany(
        "insert into unit_successions (id, change, predecessor, successor) values ($1,$2,$3,$4)",
        [(new_id(), change, predecessor, successor) for predecessor in predecessors or (None,)],
    )


async def _write_stays(tx: Connection, after: Outcome) -> None:
    site = "(select id from sites where code = $1)"
    await tx.executemany(
        f"update site_units set valid_to = $3 where site = {site} and valid_from = $2",  # noqa: S608 - a constant
        [(stay.site, stay.valid_from, stay.valid_to) for stay in after.left],
    )
    await tx.executemany(
        f"update site_units set unit = $3 where site = {site} and valid_from = $2",  # noqa: S608
        [(stay.site, stay.valid_from, stay.unit) for _, stay in after.moved],
    )
    await tx.executemany(
        f"insert into site_units (id, site, unit, valid_from, valid_to) values ($2, {site}, $3, $4, $5)",  # noqa: S608
        [(stay.site, new_id(), stay.unit, stay.valid_from, stay.valid_to) for stay in after.entered],
    )


async def _record(tx: Connection, actor: Actor, action: str, row: Record, changes: Mapping[str, Any]) -> None:
    await record(
        tx, by=actor, action=action, kind="unit_change", subject=row["id"], name=row["decision_number"], **changes
    )


async def take_effect(today: date) -> int:
    """Bring each site under its unit of this day, for changes that were written down ahead; answers how many moved."""
    async with transaction(EVERYTHING) as tx:
        return await _settle(tx, SYSTEM, today)


async def _settle(tx: Connection, actor: Actor, today: date) -> int:
    rows = await tx.fetch(
        "select s.id, s.name, s.unit as before, m.unit as after from sites s join site_units m on m.site = s.id "
        "and m.valid_from <= $1 and (m.valid_to is null or m.valid_to > $1) where m.unit <> s.unit order by s.id for update of s",
        today,
    )  # fmt: skip
    for row in rows:
        await tx.execute("update sites set unit = $2, version = version + 1 where id = $1", row["id"], row["after"])
        await record(
            tx, by=actor, action="change_unit", kind="site", subject=row["id"], name=row["name"], site=row["id"],
            before={"unit": row["before"]}, after={"unit": row["after"]},
        )  # fmt: skip
    return len(rows)


EDITABLE = frozenset(_DECISION)


async def edit_change(actor: Actor, change: UUID, changes: Mapping[str, Any], *, version: int, today: date) -> None:
    """Correct what is written of a decision; what it did is not undone by that."""
    actor = actor.require_everywhere(Action.EDIT_PLACES)
    refuse_others(changes, EDITABLE)
    async with transaction(actor.scope) as tx:
        before = await tx.fetchrow("select * from unit_changes where id = $1 for update", change)
        if before is None:
            raise NotFound()
        if before["version"] != version:
            raise Stale()
        said = {name: before[name] for name in _DECISION} | dict(changes)
        if wrong_fields := _wrong_decision(said, today, before["effective_on"]):
            raise Invalid(fields=wrong_fields)
        after = await tx.fetchrow(
            "update unit_changes set decision_number = $2, decided_on = $3, issued_by = $4, web_address = $5, note = $6, "
            "version = version + 1 where id = $1 returning *",
            change, clean(said["decision_number"], 80), said["decided_on"], clean(said["issued_by"], 160),
            said["web_address"], clean(said["note"], 500),
        )  # fmt: skip
        assert after is not None
        await _record(tx, actor, "edit", after, differences(before, after))


async def load_origins(actor: Actor, found: Sequence[origins.Beginning] | None = None) -> int:
    """Write down what the units of today were before 1 July 2025, for those of which nothing is known yet.

    Answers how many beginnings were written. The old units have names and no codes; no site belonged to them.
    """
    actor = actor.require_everywhere(Action.EDIT_PLACES)
    if found is None:
        found = origins.beginnings(origins.shipped_origins())
    async with transaction(actor.scope) as tx:
        await tx.execute("select pg_advisory_xact_lock($1)", LOCK)
        units = {
            row["code"]: row["id"]
            for row in await tx.fetch(
                "select u.code, u.id from administrative_units u where u.valid_from = $1 and not exists "
                "(select from unit_successions s where s.successor = u.id)", origins.EFFECTIVE_ON,
            )
        }  # fmt: skip
        possible = origins.known(found, units)
        for one in possible:
            await _begin(tx, actor, one, units)
        return len(possible)


async def _begin(tx: Connection, actor: Actor, one: origins.Beginning, units: Mapping[str, UUID]) -> None:
    new = NewChange(
        one.kind, origins.EFFECTIVE_ON, origins.DECISION, (), decided_on=origins.DECIDED_ON, issued_by=origins.ISSUED_BY,
        note=one.note,
    )  # fmt: skip
    made = await _write_change(tx, new)
    old = {origin: new_id() for origin in one.origins}
    for origin, key in old.items():
        await insert_unit(tx, {
            "id": key, "code": "", "province_code": "", "kind": origin.kind, "name": origin.name, "name_en": "",
            "former_province": origin.province, "former_district": origin.district, "agency_code": "",
            "area_km2": None, "latitude": None, "longitude": None, "valid_from": None, "valid_to": origins.EFFECTIVE_ON,
            "sort": sort_key(short_name(origin.name)), "search": searchable(origin.name, origin.district), "version": 1,
        })  # fmt: skip
    for code in one.successors:
        await _link(tx, made["id"], [old[o] for o in one.origins if code in o.successors], units[code])
    told = {"predecessors": [origin.name for origin in one.origins], "successors": list(one.successors)}
    await _record(tx, actor, "record", made, {"after": {**shown(made), **told}})
