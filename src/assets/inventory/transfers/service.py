"""The verbs of transfers: draft, take out of a draft, send, receive line by line, refuse, cancel.

Each is one transaction that sees both sites and nothing else. The transfer is locked before its state is read, then its
assets in the order of their ids: of two transfers that send one asset, the second finds it on its way. Custody follows
by itself, from the assets' rows (see CustodyMove).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from asyncpg import Record

from assets.access.actor import Actor
from assets.access.permissions import Action
from assets.audit.service import differences, record, shown
from assets.clock import LOCAL_ZONE
from assets.db import Connection, Scope, transaction
from assets.errors import Conflict, Invalid, NotAllowed, NotFound
from assets.ids import new_id
from assets.inventory import following, lifecycle
from assets.inventory.holding import refuse_promised
from assets.inventory.lifecycle import Stage
from assets.inventory.service import bring, write_event
from assets.inventory.transfers.course import (
    ACTION,
    NEEDS_NOTE,
    OF_SENDER,
    OUTCOMES,
    Act,
    Line,
    State,
    after,
    landing,
    refused,
)
from assets.phrases import Phrase
from assets.text import clean, clean_block, clean_code, overlong, searchable, uncut
from assets.web.language import N_

KIND = "transfer"
LINES_MAX = 200
CARRIER_MAX = 120
DECISION_MAX = 60
REASON_MAX = 2_000
NOTE_MAX = 500
ARRIVES_IN = frozenset({Stage.IN_USE, Stage.IN_STOCK})
_CHANGED = N_("Somebody else changed this transfer in the meantime; here is how it stands now.")


@dataclass(frozen=True)
class NewTransfer:
    """Assets of one site, by their tags, that shall go to another; `send` does so at once."""

    from_site: str
    to_site: str
    assets: Sequence[str]
    carrier: str = ""
    decision_number: str = ""
    decision_date: date | None = None
    reason: str = ""
    expected_on: date | None = None
    send: bool = False


@dataclass(frozen=True)
class Outcome:
    """What the receiver says of one asset."""

    state: Line
    note: str = ""


@dataclass(frozen=True)
class Receiving:
    """What has arrived: outcomes by tag, none for everything that is still on its way; the stage of what arrived."""

    outcomes: Mapping[str, Outcome] = field(default_factory=dict)
    stage: Stage | None = None


def shown_number(number: int) -> str:
    """How papers and timelines name a transfer, the same in every language."""
    return f"ĐC-{number}"


async def draft(actor: Actor, new: NewTransfer, *, now: datetime) -> int:
    """Make a transfer, as a draft or sent at once; answers its number.

    The actor must be allowed to change the register of the sending site and to see the receiving one. Invalid names each
    asset that is not there; Conflict when it is to be sent and cannot be.
    """
    actor = actor.require(Action.EDIT_INVENTORY)
    seen = actor.within(Action.VIEW).scope
    _check(new, now.astimezone(LOCAL_ZONE).date())
    async with transaction(actor.scope | seen) as tx:
        from_site = await _site(tx, actor.scope, new.from_site)
        to_site = await _site(tx, seen, new.to_site)
        if from_site["id"] == to_site["id"]:
            raise Invalid(fields={"to_site": N_("Choose another site than the one that sends.")})
        if not to_site["open"]:
            raise Invalid(fields={"to_site": N_("This site is closed.")})
        assets = await _listed(tx, actor, from_site["id"], new.assets)
        await _claimed(tx, assets)
        row = await _insert(tx, actor, new, from_site, to_site, assets, now)
        await record(
            tx, by=actor, action="file", kind=KIND, subject=row["id"], name=shown_number(row["number"]),
            site=row["from_site"], after={**shown(row), "assets": [asset["tag"] for asset in assets]},
        )  # fmt: skip
        if new.send:
            await _send(tx, actor, row, now)
        number: int = row["number"]
        return number


def _check(new: NewTransfer, today: date) -> None:
    wrong = {}
    if not 1 <= len(new.assets) <= LINES_MAX:
        wrong["assets"] = N_("Choose what shall go.") if not new.assets else N_("There are too many assets at once.")
    if new.expected_on is not None and new.expected_on < today:
        wrong["expected_on"] = N_("This day has passed already.")
    if new.decision_date is not None and new.decision_date > today:
        wrong["decision_date"] = N_("This day has not come yet.")
    wrong |= overlong({
        "carrier": (new.carrier, CARRIER_MAX), "decision_number": (new.decision_number, DECISION_MAX),
        "reason": (new.reason, REASON_MAX),
    })  # fmt: skip
    if wrong:
        raise Invalid(fields=wrong)


async def _site(tx: Connection, scope: Scope, code: str) -> Record:
    row: Record | None = await tx.fetchrow("select id, code, name, kind, open from sites where code = $1", code)
    if row is None or not scope.sees(row["id"]):
        raise NotFound(f"There is no site with the code {clean(code, 20)}.")
    return row


async def _listed(tx: Connection, actor: Actor, site: UUID, given: Sequence[str]) -> list[Record]:
    tags = [clean_code(tag) for tag in given]
    rows = await tx.fetch(
        "select a.id, a.tag, a.site, a.serial, coalesce(nullif(a.name, ''), m.manufacturer || ' ' || m.name) as name "
        "from assets a join asset_models m on m.id = a.model where a.tag = any($1)", tags,
    )  # fmt: skip
    known = {row["tag"]: row for row in rows if actor.scope.sees(row["site"])}
    wrong = {f"assets.{i}": N_("There is no such asset.") for i, tag in enumerate(tags) if tag not in known}
    wrong |= {
        f"assets.{i}": N_("It does not stand at the sending site.")
        for i, tag in enumerate(tags)
        if tag in known and known[tag]["site"] != site
    }
    if wrong:
        raise Invalid(fields=wrong)
    return [known[tag] for tag in dict.fromkeys(tags)]


async def _claimed(tx: Connection, assets: Sequence[Record]) -> None:
    """Lock what a draft shall list; Conflict when another one lists it, or when it is on its way."""
    ids = [asset["id"] for asset in assets]
    for row in await tx.fetch("select id, tag, stage from assets where id = any($1) order by id for update", ids):
        if row["stage"] == Stage.IN_TRANSIT:
            raise Conflict(N_("%(tag)s is on its way in another transfer already."), tag=row["tag"])
    await refuse_promised(tx, ids)


async def _insert(
    tx: Connection, actor: Actor, new: NewTransfer, from_site: Record, to_site: Record, assets: Sequence[Record],
    now: datetime,
) -> Record:  # fmt: skip
    number = await tx.fetchval("select nextval('transfer_numbers')")
    decision = clean(new.decision_number, DECISION_MAX)
    words = [shown_number(number), decision, from_site["name"], to_site["name"], *(asset["tag"] for asset in assets)]
    row = await tx.fetchrow(
        "insert into transfers (id, number, from_site, to_site, from_code, from_name, to_code, to_name, state, carrier, "
        "decision_number, decision_date, reason, expected_on, created_at, created_by, sent_by, ended_by, note, search, version) "
        "values ($1,$2,$3,$4,$5,$6,$7,$8,'draft',$9,$10,$11,$12,$13,$14,$15,'','','',$16,1) returning *",
        new_id(), number, from_site["id"], to_site["id"], from_site["code"], from_site["name"], to_site["code"],
        to_site["name"], clean(new.carrier, CARRIER_MAX), decision, new.decision_date, clean_block(new.reason, REASON_MAX),
        new.expected_on, now, actor.name, searchable(*words),
    )  # fmt: skip
    assert row is not None
    await tx.executemany(
        "insert into transfer_lines (id, transfer, asset, position, tag, name, serial, state, former_stage, note, settled_by) "
        "values ($1,$2,$3,$4,$5,$6,$7,'listed','','','')",
        [
            (new_id(), row["id"], asset["id"], position, asset["tag"], asset["name"], asset["serial"])
            for position, asset in enumerate(assets, start=1)
        ],
    )
    return row


async def send(actor: Actor, number: int, *, version: int | None = None, now: datetime) -> None:
    """Send a draft: its assets are on their way, with the carrier, under the sender's responsibility."""
    actor, both = await _sides(actor, number, Act.SEND)
    async with transaction(both) as tx:
        row, lines = await _locked(tx, number, version)
        _judged(row, Act.SEND, lines)
        await _send(tx, actor, row, now)


async def take_out(
    actor: Actor, number: int, tag: str, note: str = "", *, version: int | None = None, now: datetime
) -> None:
    """Let one asset of a draft go again, so that it is free; with the last one the draft is cancelled.

    NotFound when the draft does not list it; whoever waits for it by a request waits anew.
    """
    note = uncut("note", note, NOTE_MAX, lines=True)
    actor, both = await _sides(actor, number, Act.TAKE_OUT)
    async with transaction(both) as tx:
        row, lines = await _locked(tx, number, version)
        _judged(row, Act.TAKE_OUT, lines)
        line = next((line for line in lines if line["tag"] == clean_code(tag)), None)
        if line is None:
            raise NotFound()
        if line["state"] != Line.LISTED:
            raise Conflict(N_("%(tag)s has been settled already."), tag=line["tag"], state=line["state"])
        await _settle(tx, actor, row, lines, {line["id"]: Outcome(Line.CANCELLED, note)}, None, Act.TAKE_OUT, now, note)


async def receive(
    actor: Actor, number: int, receiving: Receiving, *, version: int | None = None, now: datetime
) -> None:
    """Say what has arrived and how; what is not named stays on its way, and without any names everything has arrived.

    Conflict when a line is settled already or the transfer is not on its way.
    """
    actor, both = await _sides(actor, number, Act.RECEIVE)
    async with transaction(both) as tx:
        row, lines = await _locked(tx, number, version)
        _judged(row, Act.RECEIVE, lines)
        await _settle(tx, actor, row, lines, _outcomes(lines, receiving), receiving.stage, Act.RECEIVE, now)


async def refuse(actor: Actor, number: int, note: str, *, version: int | None = None, now: datetime) -> None:
    """Send back everything that is still on its way; `note` says why."""
    note = uncut("note", note, NOTE_MAX, lines=True)
    if not note:
        raise Invalid(fields={"note": N_("Write why it is refused.")})
    actor, both = await _sides(actor, number, Act.REFUSE)
    async with transaction(both) as tx:
        row, lines = await _locked(tx, number, version)
        _judged(row, Act.REFUSE, lines)
        outcomes = {line["id"]: Outcome(Line.REFUSED, note) for line in lines if line["state"] == Line.WAITING}
        await _settle(tx, actor, row, lines, outcomes, None, Act.REFUSE, now, note)


async def cancel(actor: Actor, number: int, note: str = "", *, version: int | None = None, now: datetime) -> None:
    """Give up a transfer of which nothing has been settled: what was on its way is where it was before."""
    note = uncut("note", note, NOTE_MAX, lines=True)
    actor, both = await _sides(actor, number, Act.CANCEL)
    async with transaction(both) as tx:
        row, lines = await _locked(tx, number, version)
        _judged(row, Act.CANCEL, lines)
        outcomes = {line["id"]: Outcome(Line.CANCELLED, note) for line in lines if line["state"] != Line.CANCELLED}
        await _settle(tx, actor, row, lines, outcomes, None, Act.CANCEL, now, note)


async def _sides(actor: Actor, number: int, act: Act) -> tuple[Actor, Scope]:
    """The actor with the scope of the act, and the scope of both sites; NotFound for strangers, NotAllowed on the other side."""
    actor = actor.require(ACTION[act])
    async with transaction(actor.scope) as tx:
        row = await tx.fetchrow("select from_site, to_site from transfers where number = $1", number)
    if row is None or not (actor.scope.sees(row["from_site"]) or actor.scope.sees(row["to_site"])):
        raise NotFound()
    if act in OF_SENDER and not actor.scope.sees(row["from_site"]):
        raise NotAllowed(N_("Only the sending site can do this."))
    if act not in OF_SENDER and not actor.scope.sees(row["to_site"]):
        raise NotAllowed(N_("Only the receiving site can do this."))
    return actor, Scope.of_sites([row["from_site"], row["to_site"]])


async def _locked(tx: Connection, number: int, version: int | None) -> tuple[Record, list[Record]]:
    row = await tx.fetchrow("select * from transfers where number = $1 for update", number)
    if row is None:
        raise NotFound()
    if version is not None and version != row["version"]:
        raise Conflict(_CHANGED, state=row["state"])
    lines = await tx.fetch("select * from transfer_lines where transfer = $1 order by position", row["id"])
    return row, lines


def _judged(row: Record, act: Act, lines: Sequence[Record]) -> None:
    if reason := refused(State(row["state"]), act, [Line(line["state"]) for line in lines]):
        raise Conflict(reason, state=row["state"])


def _outcomes(lines: Sequence[Record], receiving: Receiving) -> dict[UUID, Outcome]:
    """What the receiver says, by line; Invalid names each wrong tag."""
    if receiving.stage is not None and receiving.stage not in ARRIVES_IN:
        raise Invalid(fields={"stage": N_("What arrives is in use or in stock.")})
    waiting = {line["tag"]: line["id"] for line in lines if line["state"] == Line.WAITING}
    if not receiving.outcomes:
        return {line: Outcome(Line.RECEIVED) for line in waiting.values()}
    said = {clean_code(tag): outcome for tag, outcome in receiving.outcomes.items()}
    known = {line["tag"]: line for line in lines}
    wrong = {f"lines.{tag}": N_("It is not in this transfer.") for tag in said if tag not in known}
    for tag, outcome in said.items():
        if outcome.state not in OUTCOMES:
            wrong[f"lines.{tag}"] = N_("This cannot be said of it.")
        elif outcome.state in NEEDS_NOTE and not clean_block(outcome.note, NOTE_MAX):
            wrong[f"lines.{tag}"] = N_("Write what is the matter with it.")
        wrong |= overlong({f"lines.{tag}": (outcome.note, NOTE_MAX)})
    if wrong:
        raise Invalid(fields=wrong)
    if settled := [tag for tag in said if tag not in waiting]:
        raise Conflict(N_("%(tag)s has been settled already."), tag=settled[0], state=known[settled[0]]["state"])
    return {waiting[tag]: Outcome(said[tag].state, clean_block(said[tag].note, NOTE_MAX)) for tag in said}


async def _assets(tx: Connection, lines: Iterable[Record]) -> dict[UUID, Record]:
    rows = await tx.fetch(
        "select * from assets where id = any($1) order by id for update", [line["asset"] for line in lines]
    )  # in one order, so that nobody waits for each other
    return {row["id"]: row for row in rows}


async def _send(tx: Connection, actor: Actor, row: Record, now: datetime) -> None:
    lines = await tx.fetch(
        "select * from transfer_lines where transfer = $1 and state = 'listed' order by position", row["id"]
    )
    assets = await _assets(tx, lines)
    for line in lines:
        # One that meanwhile stands where this scope does not reach is not there at all.
        _sendable(assets.get(line["asset"]), line["tag"], row)
    await refuse_promised(tx, list(assets), but=row["id"])
    way, why = _way(row), row["reason"]
    for line in lines:
        before = assets[line["asset"]]
        await tx.execute(
            "update transfer_lines set state = 'waiting', former_stage = $2, former_room = $3 where id = $1",
            line["id"], before["stage"], before["room"],
        )  # fmt: skip
        now_is = await bring(tx, before, Stage.IN_TRANSIT, more={"room": None})
        await write_event(tx, before["id"], row["from_site"], "sent", "", actor, now, phrases=[way])
        await _asset_told(tx, actor, "send", before, now_is, [row["from_site"]], why)
    await _step(tx, actor, row, Act.SEND, State.IN_TRANSIT, now, {"sent_at": now, "sent_by": actor.name})


def _sendable(asset: Record | None, tag: str, row: Record) -> None:
    if asset is None or asset["site"] != row["from_site"]:
        raise Conflict(N_("%(tag)s no longer stands at the sending site."), tag=tag, state=row["state"])
    if asset["stage"] == Stage.IN_TRANSIT:
        raise Conflict(N_("%(tag)s is on its way in another transfer already."), tag=tag, state=row["state"])
    if lifecycle.refused(Stage(asset["stage"]), Stage.IN_TRANSIT, by_transfer=True):
        raise Conflict(
            N_("%(tag)s cannot be sent: it is neither in use nor in stock."), tag=tag, state=row["state"],
            stage=asset["stage"],
        )  # fmt: skip


async def _settle(
    tx: Connection, actor: Actor, row: Record, lines: Sequence[Record], outcomes: Mapping[UUID, Outcome],
    wanted: Stage | None, act: Act, now: datetime, note: str = "",
) -> None:  # fmt: skip
    """Bring each named line to its outcome and its asset to where that leaves it, then the transfer."""
    chosen = [line for line in lines if line["id"] in outcomes]
    assets = await _assets(tx, [line for line in chosen if line["state"] == Line.WAITING])
    to_store = await tx.fetchval("select kind = 'store' from sites where id = $1", row["to_site"])
    for line in chosen:
        outcome = outcomes[line["id"]]
        if line["state"] == Line.WAITING:
            await _land(tx, actor, row, line, assets[line["asset"]], outcome, bool(to_store), wanted, now)
        await tx.execute(
            "update transfer_lines set state = $2, note = $3, settled_at = $4, settled_by = $5 where id = $1",
            line["id"], outcome.state, outcome.note, now, actor.name,
        )  # fmt: skip
    states = [outcomes[line["id"]].state if line["id"] in outcomes else Line(line["state"]) for line in lines]
    to = after(states)
    ended = {} if to in (State.DRAFT, State.IN_TRANSIT) else {"ended_at": now, "ended_by": actor.name, "note": note}
    told = {line["tag"]: outcomes[line["id"]].state for line in chosen}
    await _step(tx, actor, row, act, to, now, ended, {"assets": told}, note)
    arrived = {line["asset"]: outcomes[line["id"]].state is Line.RECEIVED for line in chosen}
    await following.settled(tx, actor, row["id"], arrived, now)


async def _land(
    tx: Connection, actor: Actor, row: Record, line: Record, asset: Record, outcome: Outcome, to_store: bool,
    wanted: Stage | None, now: datetime,
) -> None:  # fmt: skip
    way, note = _way(row), [Phrase(outcome.note)] if outcome.note else []
    found = landing(outcome.state, Stage(line["former_stage"]), to_store=to_store, wanted=wanted)
    more: dict[str, object] = {}
    if found.arrived:
        more = {"site": row["to_site"], "room": None, "custodian": ""}
        if found.stage is Stage.IN_USE and asset["put_into_use"] is None:
            more["put_into_use"] = now.astimezone(LOCAL_ZONE).date()
        if outcome.state is Line.DAMAGED:
            more |= {"physical_state": "broken", "physical_state_at": now}
    elif found.stage is not Stage.LOST:
        more = {"room": line["former_room"]}
    now_is = await bring(tx, asset, found.stage, more=more)
    if found.arrived:
        await following.moved(tx, actor, asset["id"], row["from_site"], row["to_site"])
    kind = {Line.RECEIVED: "received", Line.DAMAGED: "received_damaged", Line.REFUSED: "refused",
            Line.MISSING: "lost", Line.CANCELLED: "transfer_cancelled"}[outcome.state]  # fmt: skip
    await write_event(tx, asset["id"], now_is["site"], kind, "", actor, now, phrases=[way, *note])
    sites = [row["from_site"], row["to_site"]] if found.arrived else [row["from_site"]]
    await _asset_told(tx, actor, outcome.state, asset, now_is, sites, outcome.note)


def _way(row: Record) -> Phrase:
    """Both sides of a transfer, for a timeline."""
    names = {"number": shown_number(row["number"]), "origin": row["from_name"], "destination": row["to_name"]}
    return Phrase(N_("%(number)s: from %(origin)s to %(destination)s"), names)


async def _asset_told(
    tx: Connection, actor: Actor, action: str, before: Record, now_is: Record, sites: Sequence[UUID], why: str
) -> None:
    name = {"send": "send", Line.CANCELLED: "cancel", Line.REFUSED: "refuse"}.get(action, "receive")
    for site in sites:  # both sites' own trails say that it went, and that it came
        await record(
            tx, by=actor, action=name, kind="asset", subject=before["id"], name=before["tag"], site=site, reason=why,
            **differences(before, now_is),
        )  # fmt: skip


async def _step(
    tx: Connection, actor: Actor, row: Record, act: Act, to: State, now: datetime, stamps: Mapping[str, object],
    told: Mapping[str, Any] | None = None, note: str = "",
) -> None:  # fmt: skip
    sets = "".join(f", {column} = ${i}" for i, column in enumerate(stamps, start=3))
    now_is = await tx.fetchrow(
        f"update transfers set state = $2, version = version + 1{sets} where id = $1 returning *",  # noqa: S608
        row["id"], to, *stamps.values(),
    )  # fmt: skip
    assert now_is is not None
    changed = differences(row, now_is)
    for site in (row["from_site"], row["to_site"]):
        await record(
            tx, by=actor, action=act, kind=KIND, subject=row["id"], name=shown_number(row["number"]), site=site, reason=note,
            before=changed["before"], after={**changed["after"], **(told or {})},
        )  # fmt: skip
