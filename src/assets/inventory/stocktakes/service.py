"""The verbs of stocktakes: open with a frozen list, count, close, settle, approve."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from assets.access.actor import Actor
from assets.access.permissions import Action
from assets.audit.service import differences, record, shown
from assets.db import Connection, as_owner, transaction
from assets.errors import Conflict, Invalid, NotAllowed, NotFound, Stale
from assets.ids import new_id
from assets.inventory import following
from assets.inventory.holding import refuse_promised
from assets.inventory.lifecycle import PhysicalState, Stage, Told
from assets.inventory.lifecycle import refused as stage_refused
from assets.inventory.rooms import find_room
from assets.inventory.service import bring, write_event
from assets.inventory.stocktakes import counting, freezing
from assets.inventory.stocktakes.counting import Act, Counted, Expected, Heard, Result, Scan, Settlement, State
from assets.text import clean, clean_block, overlong, searchable, uncut
from assets.web.language import N_

KIND = "stocktake"
NUMBER_MAX = 2**31 - 1
MEMBERS_MAX = 4_000
NOTE_MAX = 255
ROOM_MAX = 120
SCANS_MAX = 500
EARLY = timedelta(minutes=5)  # that a telephone's clock may be ahead
STATES: dict[Counted, tuple[str, str]] = {
    Counted.IN_USE: ("Còn sử dụng được, đúng mục đích", "Usable, used as intended"),
    Counted.OTHER_USE: ("Còn sử dụng được, không đúng mục đích", "Usable, used for something else"),
    Counted.UNUSED: ("Còn sử dụng được nhưng không sử dụng", "Usable, not used"),
    Counted.BROKEN: ("Hỏng, không sử dụng được", "Broken, not usable"),
}  # what such lists are seen to ask for; the words are the province's to edit


@dataclass(frozen=True)
class New:
    """A stocktake to open: of a site, or of all sites of the unit that it belongs to."""

    site: str
    title: str = ""
    whole_unit: bool = False
    as_of: datetime | None = None
    form_number: str = ""
    members: str = ""


@dataclass(frozen=True)
class Seen:
    """A scan as it comes in; id and time are those of the device."""

    tag: str
    id: UUID
    at: datetime | None = None
    state: str = ""
    room: str = ""
    note: str = ""


@dataclass(frozen=True)
class Answer:
    """What a scan is told; `site` says where the thing is registered, when the caller may know."""

    id: UUID
    tag: str
    heard: Heard


@dataclass(frozen=True)
class Settled:
    """How the difference of a tag is settled."""

    tag: str
    settlement: Settlement
    note: str = ""
    state: str = ""


async def open_stocktake(actor: Actor, new: New, *, now: datetime) -> int:
    """Freeze what should be there; Conflict when the same site is being counted already. Answers the number."""
    actor = actor.require(Action.TAKE_STOCK)
    moment = (new.as_of or now).astimezone(UTC)
    wrong = overlong({name: (getattr(new, name), most) for name, most in EDITABLE.items()})
    if moment > now:
        wrong["as_of"] = N_("A list can be frozen as of now or earlier, not ahead.")
    if wrong:
        raise Invalid(fields=wrong)
    async with transaction(actor.scope) as tx:
        site = await tx.fetchrow("select id, code, name, unit from sites where code = $1", clean(new.site, 20))
        if site is None or not actor.scope.sees(site["id"]):
            raise NotFound(N_("There is no such site."))
        async with as_owner(tx):
            places = [site["id"]]
            if new.whole_unit:
                places = [r["id"] for r in await tx.fetch("select id from sites where unit = $1", site["unit"])]
            if not all(actor.scope.sees(place) for place in places):
                raise NotAllowed(N_("A whole unit is counted by somebody who works for all its sites."))
            await tx.execute("select pg_advisory_xact_lock(hashtext('stocktake ' || $1::text))", str(site["unit"]))
            if number := await tx.fetchval(
                "select s.number from stocktakes s join stocktake_items i on i.stocktake = s.id "
                "where s.state not in ('approved', 'cancelled') and i.site = any($1) limit 1", places,
            ):  # fmt: skip
                raise Conflict(N_("Stocktake %(number)s of this site is not finished."), number=number)
            rows = await freezing.frozen(tx, places, moment, now=now)
        await words(tx)
        made = await tx.fetchrow(
            "insert into stocktakes (id, number, site, whole_unit, title, as_of, state, form_number, members, opened_at, "
            "opened_by_name, search, version) values ($1, nextval('stocktake_numbers'), $2,$3,$4,$5,'open',$6,$7,$8,$9,$10,1) "
            "returning *",
            new_id(), site["id"], new.whole_unit, clean(new.title, 160), moment, clean(new.form_number, 120),
            clean_block(new.members, MEMBERS_MAX), now, actor.name, searchable(new.title, site["name"]),
        )  # fmt: skip
        if rows:
            await tx.executemany(
                f"insert into stocktake_items (id, stocktake, expected, result, {', '.join(freezing.COLUMNS)}) values "  # noqa: S608
                f"($1, $2, true, 'pending', {', '.join(f'${i}' for i in range(3, 3 + len(freezing.COLUMNS)))})",
                [(new_id(), made["id"], *(row[column] for column in freezing.COLUMNS)) for row in rows],
            )
        await _record(tx, actor, "open_stocktake", made, after={**shown(made), "rows": len(rows)})
        return int(made["number"])


async def words(tx: Connection) -> None:
    """The words for counted states, where nobody has written any yet."""
    for sort, (code, (name, name_en)) in enumerate(STATES.items()):
        await tx.execute(
            "insert into counted_states (id, code, name, name_en, sort, version) values ($1,$2,$3,$4,$5,1) "
            "on conflict (code) do nothing", new_id(), code, name, name_en, sort,
        )  # fmt: skip


async def edit_words(actor: Actor, code: str, changes: Mapping[str, str], *, version: int) -> None:
    """Change the words of a counted state, for the whole province."""
    actor = actor.require_everywhere(Action.EDIT_INVENTORY)
    async with transaction(actor.scope) as tx:
        await words(tx)
        before = await tx.fetchrow("select * from counted_states where code = $1 for update", clean(code, 20))
        if before is None:
            raise NotFound()
        if before["version"] != version:
            raise Stale()
        new = {name: clean(changes.get(name, before[name]), 120) for name in ("name", "name_en")}
        if wrong := {name: "missing" for name, text in new.items() if not text}:
            raise Invalid(fields=wrong)
        after = await tx.fetchrow(
            "update counted_states set name = $2, name_en = $3, version = version + 1 where id = $1 returning *",
            before["id"], new["name"], new["name_en"],
        )  # fmt: skip
        await record(
            tx, by=actor, action="edit", kind="counted_state", subject=before["id"], name=before["code"],
            **differences(before, after),
        )  # fmt: skip


EDITABLE = {"title": 160, "form_number": 120, "members": MEMBERS_MAX}


async def edit(actor: Actor, number: str, changes: Mapping[str, str], *, version: int) -> None:
    """Change what stands on the minutes: title, form number, members; not once it is over."""
    actor = actor.require(Action.TAKE_STOCK)
    if wrong := overlong({name: (text, EDITABLE[name]) for name, text in changes.items()}):
        raise Invalid(fields=wrong)
    async with transaction(actor.scope) as tx:
        before = await lock(tx, actor, number)
        if before["version"] != version:
            raise Stale()
        if (state := State(before["state"])) in counting.OVER:
            raise Conflict(counting.refused(state, Act.SCAN), state=state)
        new = {
            n: (clean_block if n == "members" else clean)(changes.get(n, before[n]), most)
            for n, most in EDITABLE.items()
        }
        after = await tx.fetchrow(
            "update stocktakes set title = $2, form_number = $3, members = $4, version = version + 1 where id = $1 returning *",
            before["id"], *new.values(),
        )  # fmt: skip
        await _record(tx, actor, "edit", after, **differences(before, after))


async def scan(actor: Actor, number: str, seen: Sequence[Seen], *, now: datetime) -> list[Answer]:
    """Take in scans, all or none; one that is known by its id changes nothing and is answered as the first time."""
    actor = actor.require(Action.TAKE_STOCK)
    _check(seen, now)
    async with transaction(actor.scope) as tx:
        row = await lock(tx, actor, number)
        new = await _unknown(tx, row["id"], seen)
        if new:
            moved = _step(row, Act.SCAN)
            for one in new:
                await _take(tx, actor, row, one, now)
            await tx.execute("update stocktakes set state = $2 where id = $1", row["id"], moved)
            tags = sorted({counting.tag_of(one.tag) for one in new})
            await _record(tx, actor, "scan", row, after={"assets": tags, "state": moved})
        return [await _answer(tx, row["id"], one) for one in seen]


def _check(seen: Sequence[Seen], now: datetime) -> None:
    wrong: dict[str, str] = {}
    for index, one in enumerate(seen):
        if not counting.tag_of(one.tag):
            wrong[f"scans.{index}.tag"] = N_("Please fill this in.")
        if one.state and one.state not in set(Counted):
            wrong[f"scans.{index}.state"] = N_("Please choose one of the list.")
        if one.at is not None and one.at > now + EARLY:
            wrong[f"scans.{index}.at"] = N_("This moment is still to come: set the clock of the telephone.")
        said = {"note": (one.note, NOTE_MAX), "room": (one.room, ROOM_MAX)}
        wrong |= overlong({f"scans.{index}.{name}": text for name, text in said.items()})
    if wrong:
        raise Invalid(fields=wrong)


async def _unknown(tx: Connection, stocktake: UUID, seen: Sequence[Seen]) -> list[Seen]:
    """The scans that are not stored yet, each once; Conflict when an id was used elsewhere or for another tag."""
    async with as_owner(tx):
        rows = await tx.fetch(
            "select s.id, i.stocktake, i.tag from stocktake_scans s join stocktake_items i on i.id = s.item "
            "where s.id = any($1)", [one.id for one in seen],
        )  # fmt: skip
    stored = {row["id"]: (row["stocktake"], row["tag"]) for row in rows}
    fresh: dict[UUID, Seen] = {}
    for one in seen:
        known = stored.get(one.id) or (one.id in fresh and (stocktake, counting.tag_of(fresh[one.id].tag)))
        if known and known != (stocktake, counting.tag_of(one.tag)):
            raise Conflict(N_("The id of a scan was used for another one before."))
        if not known:
            fresh[one.id] = one
    return list(fresh.values())


async def _take(tx: Connection, actor: Actor, row: Any, one: Seen, now: datetime) -> None:
    tag = counting.tag_of(one.tag)
    item = await tx.fetchrow("select * from stocktake_items where stocktake = $1 and tag = $2", row["id"], tag)
    if item is None:
        async with as_owner(tx):  # also what is another commune's; nothing of it is told or copied but that it exists
            asset = await tx.fetchval("select id from assets where tag = $1", tag)
        item = await tx.fetchrow(
            "insert into stocktake_items (id, stocktake, site, expected, asset, tag, result, search) "
            "values ($1,$2,$3,false,$4,$5,'pending',$6) returning *",
            new_id(), row["id"], row["site"], asset, tag, searchable(tag),
        )  # fmt: skip
    await tx.execute(
        "insert into stocktake_scans (id, item, state, room, note, at, received_at, by, by_name) "
        "values ($1,$2,$3,$4,$5,$6,$7,$8,$9)",
        one.id, item["id"], one.state, clean(one.room, ROOM_MAX), clean(one.note, NOTE_MAX), one.at or now, now, actor.id,
        actor.name,
    )  # fmt: skip
    found = await _outcome(tx, item)
    await tx.execute(
        "update stocktake_items set result = $2, counted_state = $3, counted_room = $4, note = $5, counted_at = $6, "
        "counted_by_name = $7, scans = $8 where id = $1",
        item["id"], found.result, found.state, found.room, found.note, found.at, found.by_name, found.scans,
    )  # fmt: skip


async def _outcome(tx: Connection, item: Any) -> counting.Outcome:
    rows = await tx.fetch("select id, at, state, room, note, by_name from stocktake_scans where item = $1", item["id"])
    expected = Expected(item["expected"], item["room"], registered=item["asset"] is not None)
    return counting.outcome(expected, [Scan(**row) for row in rows])


async def _answer(tx: Connection, stocktake: UUID, one: Seen) -> Answer:
    tag = counting.tag_of(one.tag)
    item = await tx.fetchrow("select * from stocktake_items where stocktake = $1 and tag = $2", stocktake, tag)
    return Answer(one.id, tag, counting.heard(one.id, await _outcome(tx, item)))


async def close(actor: Actor, number: str, *, now: datetime) -> None:
    """End the counting; what nobody saw is missing."""
    actor = actor.require(Action.TAKE_STOCK)
    async with transaction(actor.scope) as tx:
        row = await lock(tx, actor, number, whole=True)
        state = _step(row, Act.CLOSE)
        await tx.execute(
            "update stocktake_items set result = 'missing' where stocktake = $1 and result = 'pending'", row["id"]
        )
        after = await tx.fetchrow(
            "update stocktakes set state = $2, closed_at = $3, closed_by_name = $4, version = version + 1 where id = $1 "
            "returning *", row["id"], state, now, actor.name,
        )  # fmt: skip
        await _record(tx, actor, "close", after, **differences(row, after))


async def settle(actor: Actor, number: str, settled: Sequence[Settled], *, now: datetime) -> None:
    """Decide what is done about differences, all of them that are named or none."""
    actor = actor.require(Action.TAKE_STOCK)
    async with transaction(actor.scope) as tx:
        row = await lock(tx, actor, number, whole=True)
        _step(row, Act.SETTLE)
        wrong: dict[str, str] = {}
        for index, one in enumerate(settled):
            item = await tx.fetchrow(
                "select * from stocktake_items where stocktake = $1 and tag = $2", row["id"], counting.tag_of(one.tag)
            )
            note = clean(one.note, NOTE_MAX)
            wrong |= overlong({f"settlements.{index}.note": (one.note, NOTE_MAX)})
            if item is None:
                wrong[f"settlements.{index}.tag"] = N_("This stocktake has no such tag.")
                continue
            if why := counting.settlement_refused(Result(item["result"]), one.settlement, note):
                wrong[f"settlements.{index}.{'note' if why == 'Write why.' else 'settlement'}"] = why
                continue
            if one.state and one.state not in set(Counted):
                wrong[f"settlements.{index}.state"] = N_("Please choose one of the list.")
                continue
            await tx.execute(
                "update stocktake_items set settlement = $2, settled_note = $3, settled_by = $4, settled_by_name = $5, "
                "counted_state = coalesce(nullif($6, ''), counted_state) where id = $1",
                item["id"], one.settlement, note, actor.id, actor.name, one.state,
            )  # fmt: skip
        if wrong:
            raise Invalid(fields=wrong)
        said = {counting.tag_of(one.tag): one.settlement for one in settled}
        await _record(tx, actor, "settle", row, after={"assets": said})


async def approve(actor: Actor, number: str, *, now: datetime) -> None:
    """Accept the result and put the register right, as one; Conflict while something is unsettled.

    Whoever counted or settled cannot approve: four eyes.
    """
    actor = actor.require(Action.APPROVE_STOCKTAKE)
    async with transaction(actor.scope) as tx:
        row = await lock(tx, actor, number, whole=True)
        state = _step(row, Act.APPROVE)
        if await _took_part(tx, actor, row["id"]):
            raise Conflict(N_("Somebody else must approve: who counted or settled cannot."), state=row["state"])
        open_ = await tx.fetchval(
            "select count(*) from stocktake_items where stocktake = $1 and result <> 'found' and settlement = ''",
            row["id"],
        )
        if open_:
            raise Conflict(N_("%(count)s differences are not settled yet."), count=open_, state=row["state"])
        items = await tx.fetch(
            "select * from stocktake_items where stocktake = $1 and asset is not null order by asset", row["id"]
        )
        for item in items:
            await _apply(tx, actor, row, item, now)
        after = await tx.fetchrow(
            "update stocktakes set state = $2, approved_at = $3, approved_by_name = $4, version = version + 1 where id = $1 "
            "returning *", row["id"], state, now, actor.name,
        )  # fmt: skip
        await _record(tx, actor, "approve", after, **differences(row, after))


async def cancel(actor: Actor, number: str, reason: str, *, now: datetime) -> None:
    """Give a stocktake up: nothing follows from it, and the site can be counted anew. What was scanned stays to be seen.

    Conflict once something has been settled: whoever decided about a difference is not to be passed over.
    """
    actor = actor.require(Action.TAKE_STOCK)
    reason = uncut("reason", reason, NOTE_MAX)
    if not reason:
        raise Invalid(fields={"reason": N_("Write why it is cancelled.")})
    async with transaction(actor.scope) as tx:
        row = await lock(tx, actor, number, whole=True)
        state = _step(row, Act.CANCEL)
        settled = await tx.fetchval(
            "select count(*) from stocktake_items where stocktake = $1 and settlement <> ''", row["id"]
        )
        if settled:
            raise Conflict(N_("%(count)s differences are settled already; it is approved, not cancelled."),
                           count=settled, state=row["state"])  # fmt: skip
        after = await tx.fetchrow(
            "update stocktakes set state = $2, cancelled_at = $3, cancelled_by_name = $4, cancel_reason = $5, "
            "version = version + 1 where id = $1 returning *", row["id"], state, now, actor.name, reason,
        )  # fmt: skip
        await _record(tx, actor, "cancel", after, reason=reason, **differences(row, after))


async def _took_part(tx: Connection, actor: Actor, stocktake: UUID) -> bool:
    found: bool = await tx.fetchval(
        "select exists(select from stocktake_items i left join stocktake_scans s on s.item = i.id where i.stocktake = $1 "
        "and ((s.id is not null and s.by is not distinct from $2) "
        "or (i.settlement <> '' and i.settled_by is not distinct from $2)))", stocktake, actor.id,
    )  # fmt: skip
    return found


async def _apply(tx: Connection, actor: Actor, row: Any, item: Any, now: datetime) -> None:
    """What follows for one asset. One that meanwhile left the scope is not touched: its own people decide."""
    asset = await tx.fetchrow("select * from assets where id = $1 for update", item["asset"])
    if asset is None or not actor.scope.sees(asset["site"]):
        if item["settlement"] == Settlement.CORRECT:
            raise Conflict(
                N_("%(tag)s is registered at a site of others: leave it, and let them transfer it."), tag=item["tag"]
            )
        return
    wanted = counting.change(
        Result(item["result"]), item["settlement"], item["counted_state"], stage=Stage(asset["stage"]),
        physical_state=PhysicalState(asset["physical_state"]),
    )  # fmt: skip
    if wanted.stage is not None and (why := stage_refused(Stage(asset["stage"]), wanted.stage)):
        raise Conflict(N_("%(tag)s cannot be settled like this: its stage has changed."), tag=item["tag"], why=why)
    if wanted.here and asset["stage"] in (Stage.IN_TRANSIT, Stage.DISPOSED):
        raise Conflict(N_("%(tag)s cannot be settled like this: its stage has changed."), tag=item["tag"])
    more: dict[str, object] = {}
    if wanted.physical_state is not None:
        more["physical_state"] = wanted.physical_state
    if item["counted_at"] is not None and (asset["physical_state_at"] or item["counted_at"]) <= item["counted_at"]:
        more["physical_state_at"] = item["counted_at"]
    if wanted.here:
        to = item["site"] if item["expected"] else row["site"]
        more |= {"site": to, "room": await find_room(tx, actor, to, item["counted_room"])}
    if not more and wanted.stage is None:
        return
    if more.get("site", asset["site"]) != asset["site"]:
        await refuse_promised(tx, [asset["id"]])
    after = await _write(tx, asset, wanted.stage, item["settled_note"], more)
    text = item["settled_note"] or item["note"]
    await write_event(tx, asset["id"], after["site"], "counted", text, actor, now)
    if wanted.stage is not None:
        await write_event(tx, asset["id"], after["site"], wanted.stage, text, actor, now)
    if after["site"] != asset["site"]:
        await write_event(tx, asset["id"], asset["site"], "sent", text, actor, now)
        await write_event(tx, asset["id"], after["site"], "received", text, actor, now)
        await following.moved(tx, actor, asset["id"], asset["site"], after["site"])
    for site in dict.fromkeys((asset["site"], after["site"])):
        await record(
            tx, by=actor, action="move" if wanted.stage or wanted.here else "edit", kind="asset", subject=asset["id"],
            name=asset["tag"], site=site, reason=text, **differences(asset, after),
        )  # fmt: skip


async def _write(tx: Connection, asset: Any, stage: Stage | None, why: str, more: Mapping[str, object]) -> Any:
    if stage is not None:
        return await bring(tx, asset, stage, Told(reason=why), more)
    sets = "".join(f", {column} = ${i}" for i, column in enumerate(more, start=2))  # names of ours
    return await tx.fetchrow(
        f"update assets set version = version + 1{sets} where id = $1 returning *",  # noqa: S608
        asset["id"], *more.values(),
    )  # fmt: skip


async def lock(tx: Connection, actor: Actor, number: str, *, whole: bool = False) -> Any:
    """The stocktake's row, locked; NotFound also when it is another's, or with `whole` when some of its sites are."""
    row = await tx.fetchrow("select * from stocktakes where number = $1 for update", number_of(number))
    if row is None or not actor.scope.sees(row["site"]):
        raise NotFound()
    if whole and row["whole_unit"]:
        async with as_owner(tx):
            places = await tx.fetch("select distinct site from stocktake_items where stocktake = $1", row["id"])
        if not all(actor.scope.sees(place["site"]) for place in places):
            raise NotFound()
    return row


def scan_id(text: str) -> UUID:
    """The id that a form carries for its scan; a new one when it carries none."""
    try:
        return UUID(text)
    except ValueError:
        return new_id()


def number_of(text: str) -> int:
    """The number in an address; NotFound when it is none."""
    if not (text.isascii() and text.isdigit() and len(text) <= 10 and int(text) <= NUMBER_MAX):
        raise NotFound()
    return int(text)


def _step(row: Any, act: Act) -> State:
    if why := counting.refused(State(row["state"]), act):
        raise Conflict(why, state=row["state"])
    return counting.MOVES[State(row["state"]), act]


async def _record(tx: Connection, actor: Actor, action: str, row: Any, **changes: Any) -> None:
    await record(
        tx, by=actor, action=action, kind=KIND, subject=row["id"], name=f"{row['number']}", site=row["site"], **changes
    )
