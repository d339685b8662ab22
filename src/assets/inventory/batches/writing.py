"""Writing what was planned: the one place where rows of the register are added, changed and taken back."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from assets.access.actor import Actor
from assets.audit.service import Event, differences, record_all, shown
from assets.db import Connection
from assets.errors import Conflict, Invalid, NotFound, Stale
from assets.ids import new_id
from assets.inventory.batches.planning import AS_WRITTEN, Fault, NewModel, Outcome, Planned, Wanted, plan
from assets.inventory.batches.world import Columns, columns_of, described, look
from assets.inventory.kinds import ASSETS, MODELS, Kind
from assets.inventory.lifecycle import NOTHING_TOLD, kept
from assets.inventory.rooms import find_room
from assets.text import clean, searchable
from assets.web.language import N_

BLOCK = 1_000  # rows that are in memory at a time, as they were and as they will be
Written = dict[int, tuple[UUID, int]]  # by the place in the plan: the thing and its version from now on


async def write(
    tx: Connection, actor: Actor, kind: Kind, rows: Sequence[Planned], *, now: datetime, reason: str = ""
) -> Written:
    """Do what was planned for each row, in the caller's transaction, in which its things were locked."""
    places = [number for number, row in enumerate(rows) if row.outcome in (Outcome.CREATE, Outcome.CHANGE)]
    acting = [rows[number] for number in places]
    ids = {id(row): row.present.id if row.present else new_id() for row in acting}
    for start in range(0, len(acting), BLOCK):
        block = acting[start : start + BLOCK]
        columns = await columns_of(tx, kind, [_whole(kind, row) for row in block])
        room = await _rooms(tx, actor, columns, kind, block)
        new = [(ids[id(row)], row) for row in block if row.outcome is Outcome.CREATE]
        old = [row for row in block if row.outcome is Outcome.CHANGE]
        await _add(tx, actor, kind, new, columns, room, now)
        await _change(tx, actor, kind, old, columns, room, now, reason)
    return {
        number: (ids[id(row)], row.present.version + 1 if row.present else 1)
        for number, row in zip(places, acting, strict=True)
    }


def _whole(kind: Kind, row: Planned) -> dict[str, Any]:
    """All values of a row as they will be."""
    before = dict(row.present.values) if row.present else {one.name: one.empty for one in kind.fields}
    return before | {name: after for name, (_, after) in row.changes.items()}


Room = Callable[[UUID, str], UUID | None]


async def _rooms(tx: Connection, actor: Actor, columns: Columns, kind: Kind, rows: Iterable[Planned]) -> Room:
    found: dict[tuple[UUID, str], UUID | None] = {}
    for row in rows:
        if kind.resource == ASSETS.resource and "room" in row.changes:
            whole = _whole(kind, row)
            place = (columns.sites[whole["site"]], whole["room"])
            if whole["room"] and place not in found:
                found[place] = await find_room(tx, actor, *place)
    return lambda site, name: found[site, name]


def _search(kind: Kind, values: Mapping[str, Any]) -> str:
    parts = (values.get(name) or "" for name in kind.searched)
    return searchable(*(" ".join(part) if isinstance(part, list) else str(part) for part in parts))


async def _add(
    tx: Connection, actor: Actor, kind: Kind, rows: Sequence[tuple[UUID, Planned]], columns: Columns, room: Room,
    now: datetime,
) -> None:  # fmt: skip
    if not rows:
        return
    made = []
    for thing, row in rows:
        whole = _whole(kind, row)
        found: dict[str, Any] = {"id": thing} | columns.of(whole, whole, room)
        if kind.searched:
            found["search"] = _search(kind, whole)
        if kind.resource == ASSETS.resource:
            found |= {"custom": found.get("custom", "{}"), "physical_state_at": now, "created_at": now}
        made.append(found | {"version": 1})
    names = list(made[0])
    places = ", ".join(f"${i}" for i in range(1, len(names) + 1))
    await tx.executemany(
        f"insert into {kind.table} ({', '.join(names)}) values ({places})",  # noqa: S608 - names of fields
        [tuple(row[name] for name in names) for row in made],
    )
    stored = await _stored(tx, kind, [thing for thing, _ in rows])
    if kind.resource == ASSETS.resource:
        await _tell(tx, actor, [(thing, stored[thing]["site"], "registered", "") for thing, _ in rows], now)
    await record_all(
        tx, by=actor, action="register" if kind.resource == ASSETS.resource else "add", kind=kind.subject,
        events=[Event(thing, row.key, _site(kind, stored[thing]), None, shown(stored[thing])) for thing, row in rows],
    )  # fmt: skip


async def _change(
    tx: Connection, actor: Actor, kind: Kind, rows: Sequence[Planned], columns: Columns, room: Room, now: datetime,
    reason: str,
) -> None:  # fmt: skip
    if not rows:
        return
    before = await _stored(tx, kind, [row.present.id for row in rows if row.present])
    alike: dict[tuple[str, ...], list[tuple[Any, ...]]] = {}
    for row in rows:
        assert row.present is not None
        whole = _whole(kind, row)
        found = columns.of({name: after for name, (_, after) in row.changes.items()}, whole, room)
        if kind.searched and set(row.changes) & set(kind.searched):
            found["search"] = _search(kind, whole)
        if "physical_state" in row.changes:
            found["physical_state_at"] = now
        if kind.resource == ASSETS.resource and "stage" in row.changes:
            found |= kept(NOTHING_TOLD)  # what the stage before asked for
        alike.setdefault(tuple(found), []).append((row.present.id, *found.values()))
    for names, values in alike.items():
        sets = "".join(f", {name} = ${i}" for i, name in enumerate(names, start=2))
        await tx.executemany(f"update {kind.table} set version = version + 1{sets} where id = $1", values)  # noqa: S608
    after = await _stored(tx, kind, list(before))
    moved = [(row.present.id, before[row.present.id]["site"], row.changes["stage"][1], reason)
             for row in rows if row.present and kind.resource == ASSETS.resource and "stage" in row.changes]  # fmt: skip
    await _tell(tx, actor, moved, now)
    events = [
        Event(row.present.id, row.key, _site(kind, after[row.present.id]),
              **differences(before[row.present.id], after[row.present.id]))
        for row in rows if row.present
    ]  # fmt: skip
    await record_all(tx, by=actor, action="edit", kind=kind.subject, events=events, reason=clean(reason))


async def add_models(tx: Connection, actor: Actor, new: Collection[NewModel], *, now: datetime) -> list[UUID]:
    """Add models that rows need and nobody has; answers their ids."""
    if not new:
        return []
    kind, own = await described(tx, MODELS.resource)
    wanted = [Wanted(dict(zip(("manufacturer", "name", "category"), model, strict=True))) for model in new]
    planned = plan(kind, wanted, await look(tx, actor, kind, own, wanted, now=now))
    for row in planned:
        if row.faults:
            raise refusal(row.faults)
    return [thing for thing, _ in (await write(tx, actor, kind, planned, now=now)).values()]


async def take_back_models(tx: Connection, actor: Actor, models: Sequence[UUID], *, reason: str) -> None:
    """Remove models that were added on the way, except those that somebody has changed or used since."""
    untouched = await tx.fetch("select id from asset_models where id = any($1) and version = 1", list(models))
    for row in untouched:
        with suppress(Conflict):
            await take_back(tx, actor, MODELS, [row["id"]], reason=reason)


async def take_back(tx: Connection, actor: Actor, kind: Kind, things: Sequence[UUID], *, reason: str) -> None:
    """Remove what a batch added and nobody has touched since; Conflict when something hangs on it by now."""
    if not things:
        return
    try:
        async with tx.transaction():
            for start in range(0, len(things), BLOCK):
                await _take_back(tx, actor, kind, things[start : start + BLOCK], reason)
    except (asyncpg.ForeignKeyViolationError, asyncpg.RestrictViolationError) as error:
        raise Conflict(N_("Something refers to what was added; it cannot be taken back any more.")) from error


async def _take_back(tx: Connection, actor: Actor, kind: Kind, things: Sequence[UUID], reason: str) -> None:
    before = await _stored(tx, kind, things)
    await tx.execute(f"delete from {kind.table} where id = any($1)", list(things))  # noqa: S608
    events = [Event(thing, _name(kind, row), _site(kind, row), shown(row), None) for thing, row in before.items()]
    await record_all(tx, by=actor, action="unregister", kind=kind.subject, events=events, reason=reason)


async def _stored(tx: Connection, kind: Kind, things: Sequence[UUID]) -> dict[UUID, Any]:
    rows = await tx.fetch(f"select * from {kind.table} where id = any($1)", list(things))  # noqa: S608 - a table of ours
    return {row["id"]: row for row in rows}


def _site(kind: Kind, row: Mapping[str, Any]) -> UUID | None:
    return row["site"] if kind.site else None


def _name(kind: Kind, row: Any) -> str:
    names = [name for name in kind.key if name in row.keys()]  # noqa: SIM118 - asyncpg's rows iterate over their values
    return " · ".join(str(row[name]) for name in names if not isinstance(row[name], UUID))


async def _tell(tx: Connection, actor: Actor, lines: Sequence[tuple[UUID, UUID, str, str]], now: datetime) -> None:
    await tx.executemany(
        "insert into asset_events (id, asset, site, at, kind, actor_name, text) values ($1,$2,$3,$4,$5,$6,$7)",
        [(new_id(), asset, site, now, kind, actor.name, clean(text)) for asset, site, kind, text in lines],
    )


async def change_one(
    tx: Connection, actor: Actor, resource: str, wanted: Wanted, *, now: datetime, reason: str = "", add: bool = False
) -> UUID:
    """Add or change one thing; the row's refusal becomes the caller's error. Answers its id."""
    kind, own = await described(tx, resource)
    unknown = sorted(set(wanted.cells) - kind.names)
    if unknown:
        raise Invalid(fields=dict.fromkeys(unknown, "There is no such field."))
    world = await look(tx, actor, kind, own, [wanted], now=now, lock=not add)
    [row] = plan(kind, [wanted], world, AS_WRITTEN)
    if add and row.present is not None:
        raise Conflict(N_("%(key)s is in use already.") % {"key": row.key})
    if not add and row.present is None:
        raise NotFound()
    if row.faults:
        raise refusal(row.faults)
    written = await write(tx, actor, kind, [row], now=now, reason=reason)
    assert row.present is not None or written
    return written[0][0] if written else row.present.id  # type: ignore[union-attr]


_ERRORS: dict[str, Callable[[str], Exception]] = {"conflict": Conflict, "foreign": NotFound, "stale": lambda _: Stale()}


class Refused(Invalid):
    """A value of one row cannot be; `reasons` says why in phrases, for those who read another language."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        first = {fault.name: fault.reason for fault in reversed(faults)}
        super().__init__(fields={name: reason.english() for name, reason in first.items()})
        self.reasons = first


def refusal(faults: Sequence[Fault]) -> Exception:
    """The error that says what is wrong with one row: its values first, then what stands in their way."""
    wrong = [fault for fault in faults if not fault.error]
    if wrong:
        return Refused(wrong)
    return _ERRORS[faults[0].error](faults[0].reason.english())
