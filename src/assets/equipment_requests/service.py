"""The verbs of equipment requests: file, amend, submit, return, approve, refuse, withdraw, fulfil, close.

Each is one transaction: the row, one event of its story, one audit event and the messages it causes. A request is
locked before its state is read, so that of two people who decide at once one gets a Conflict with the present state.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from assets.access.actor import Actor
from assets.access.permissions import Action
from assets.audit.service import record
from assets.db import Connection, transaction
from assets.equipment_requests import approving
from assets.equipment_requests.asking import LINES_MAX, QUANTITY_MAX, Asked, most
from assets.equipment_requests.fulfilment import Refused as Unfit
from assets.equipment_requests.fulfilment import choose, propose
from assets.equipment_requests.lines import COLUMNS, Line, audited, checked, columns, in_words, resolved, write_lines
from assets.equipment_requests.parts import wait_no_more
from assets.equipment_requests.steps import (
    KIND,
    NOTE_MAX,
    Doing,
    Filed,
    in_own_words,
    judged,
    lines_for,
    locked,
    shown_number,
    story,
    take,
)
from assets.equipment_requests.stock import candidates, needs
from assets.equipment_requests.workflow import State, Step
from assets.errors import Conflict, Invalid, NotAllowed, NotFound
from assets.ids import new_id
from assets.inventory.service import hand_out
from assets.readiness.service import request_recompute
from assets.text import clean, clean_block, clean_code, overlong, searchable
from assets.web.language import N_

__all__ = [
    "KIND",
    "LINES_MAX",
    "NOTE_MAX",
    "QUANTITY_MAX",
    "Amended",
    "Asked",
    "Doing",
    "Filed",
    "Filing",
    "shown_number",
]

REASON_MAX = 2_000
SETTLED = N_("The request is settled; photos belong to those that are not.")
CANNOT_AMEND = N_("Only a draft or a returned request can be corrected.")


@dataclass(frozen=True)
class Filing:
    """A new request. `site` is a code (empty: the actor's own site); `key` makes filing it twice the same request."""

    lines: Sequence[Asked]
    reason: str
    site: str = ""
    key: UUID | None = None
    send: bool = True


@dataclass(frozen=True)
class Amended:
    """The reason as it shall be, and either the lines in the place of those that were there, or quantities by position."""

    quantities: Mapping[int, int] = field(default_factory=dict)
    reason: str = ""
    lines: Sequence[Asked] | None = None


async def file(actor: Actor, filing: Filing, *, now: datetime) -> Filed:
    """Make a request and send it, or keep it as a draft; the same key of the same person answers the first again."""
    actor = actor.require(Action.REQUEST_EQUIPMENT)
    if actor.id is None:
        raise NotAllowed()
    reason = _checked(filing.reason, filing.lines)
    async with transaction(actor.scope) as tx:
        site = await asking_site(tx, actor, filing.site)
        if filing.key and (known := await _known(tx, actor, filing.key)):
            return known
        lines = await resolved(tx, site["id"], filing.lines)
        made = await _insert(tx, actor, filing, site, lines, reason, now)
        if made is None:  # the same form, sent twice at once: the other one was first
            assert filing.key is not None
            known = await _known(tx, actor, filing.key)
            if known is None:  # another's, whom this scope does not show
                raise Conflict(N_("This form was used already; open a new one."))
            return known
        await write_lines(tx, made.id, lines)
        await story(tx, made.id, actor.name, "file", "", State.DRAFT, in_words(lines), now)
        await record(
            tx, by=actor, action="file", kind=KIND, subject=made.id, name=shown_number(made.number), site=site["id"],
            after={
                "number": made.number, "site": site["id"], "requested_by": actor.id, "state": State.DRAFT, "reason": reason,
                "version": 1, "created_at": now, "lines": audited(lines),
            },
        )  # fmt: skip
        if not filing.send:
            return made
        return await take(tx, actor, await locked(tx, actor, str(made.id)), Step.SUBMIT, Doing(), now=now)


def _checked(reason: str, lines: Sequence[Asked]) -> str:
    """The reason, cleaned; Invalid names each wrong field."""
    wrong = checked(lines) | _wrong_reason(reason)
    if wrong:
        raise Invalid(fields=wrong)
    return clean_block(reason, REASON_MAX)


def _wrong_reason(reason: str) -> dict[str, str]:
    """What is wrong with a reason; one that is too long is not cut behind the back of whoever wrote it."""
    if clean_block(reason, REASON_MAX):
        return overlong({"reason": (reason, REASON_MAX)})
    return {"reason": N_("Write in a sentence what it is needed for.")}


async def asking_site(tx: Connection, actor: Actor, code: str) -> asyncpg.Record:
    """The site that asks, by its code or the actor's own; Conflict when it is none that can ask."""
    column, value = ("code", clean(code, 20)) if code else ("id", actor.home_site)
    site: asyncpg.Record | None = await tx.fetchrow(
        f"select id, code, kind, open from sites where {column} = $1",  # noqa: S608
        value,
    )
    if site is None and not code:
        raise Invalid(fields={"site": N_("Choose the centre that needs it.")})
    if site is None or not actor.scope.sees(site["id"]):
        raise NotFound()
    if not site["open"] or site["kind"] == "store":
        raise Conflict(N_("Only an open centre or reception point can ask for equipment."))
    return site


async def _known(tx: Connection, actor: Actor, key: UUID) -> Filed | None:
    row = await tx.fetchrow("select id, number, state, requested_by from equipment_requests where id = $1", key)
    if row is None:
        return None
    if row["requested_by"] != actor.id:
        raise Conflict(N_("This form was used already; open a new one."))
    return Filed(row["id"], row["number"], State(row["state"]), again=True)


async def _insert(
    tx: Connection, actor: Actor, filing: Filing, site: asyncpg.Record, lines: Sequence[Line], reason: str,
    now: datetime,
) -> Filed | None:  # fmt: skip
    words = " ".join(f"{line.name} {line.name_en}" for line in lines)
    row = await tx.fetchrow(
        "insert into equipment_requests (id, number, site, requested_by, state, reason, created_at, decided_by, "
        "decision_note, search, version) "
        "values ($1, nextval('equipment_request_numbers'), $2, $3, 'draft', $4, $5, '', '', $6, 1) "
        "on conflict (id) do nothing returning id, number",
        filing.key or new_id(), site["id"], actor.id, reason, now, searchable(words, reason),
    )  # fmt: skip
    return Filed(row["id"], row["number"], State.DRAFT) if row else None


async def amend(actor: Actor, ref: str, amended: Amended, doing: Doing, *, now: datetime) -> Filed:
    """Correct the lines and the reason of a draft, or of a request that was returned.

    What the same person corrected already, from the version that they say, is done: the answer may have been lost.
    """
    if amended.lines is not None and amended.quantities:
        raise Invalid(fields={"quantities": N_("Give the lines or the quantities, not both.")})
    async with transaction(actor.scope) as tx:
        row = await locked(tx, actor, ref)
        before = await lines_for(tx, row["id"])
        if doing.version == row["version"] - 1 and await _amended_so(tx, actor, row, before, amended):
            return Filed(row["id"], row["number"], State(row["state"]), again=True)
        judged(actor, row, Step.AMEND, doing)
        said = await _amended_lines(tx, row, before, amended)
        await tx.execute(
            "update equipment_requests r set reason = $2, search = searchable((select string_agg(l.name || ' ' || l.name_en, "
            "' ') from equipment_request_lines l where l.request = r.id) || ' ' || $2), changed_by = $3 where id = $1",
            row["id"], clean_block(amended.reason, REASON_MAX), actor.id,
        )  # fmt: skip
        after = await lines_for(tx, row["id"])
        was, is_now = ({"lines": [[line["name"], line["quantity"], line["reason"]] for line in some]}
                       for some in (before, after))  # fmt: skip
        return await take(tx, actor, row, Step.AMEND, in_own_words(doing, said), now=now, lines=(was, is_now))


async def _amended_so(
    tx: Connection, actor: Actor, row: asyncpg.Record, before: Sequence[asyncpg.Record], amended: Amended
) -> bool:
    """Whether the last thing that happened to a request is that this person corrected it to just this."""
    last = await tx.fetchval(
        "select action from equipment_request_events where request = $1 order by at desc, id desc limit 1", row["id"]
    )
    reason = clean_block(amended.reason, REASON_MAX)
    if last != Step.AMEND or row["changed_by"] != actor.id or actor.id is None or reason != row["reason"]:
        return False
    if amended.lines is None:
        present = {line["position"]: line["quantity"] for line in before}
        return all(present.get(position) == quantity for position, quantity in amended.quantities.items())
    if checked(amended.lines):
        return False
    lines = await resolved(tx, row["site"], amended.lines)
    return [columns(line) for line in lines] == [tuple(line[name] for name in COLUMNS) for line in before]


async def _amended_lines(
    tx: Connection, row: asyncpg.Record, before: Sequence[asyncpg.Record], amended: Amended
) -> str:
    """Write what the lines shall be and say it in words; Invalid names each wrong field."""
    if amended.lines is not None:
        _checked(amended.reason, amended.lines)
        lines = await resolved(tx, row["site"], amended.lines)
        await write_lines(tx, row["id"], lines)
        return in_words(lines)
    if wrong := _wrong_reason(amended.reason):
        raise Invalid(fields=wrong)
    wanted = _each(before, amended.quantities, "quantity", least=1, most=lambda line: most(line["kind"]))
    await tx.executemany("update equipment_request_lines set quantity = $2 where id = $1", list(wanted.items()))
    return ", ".join(f"{wanted[line['id']]} × {line['name']}" for line in before)


async def act(actor: Actor, ref: str, step: Step, doing: Doing, *, now: datetime) -> Filed:
    """Submit, return, refuse, withdraw or close: a step that changes nothing but where the request stands."""
    assert step in SIMPLE, step
    async with transaction(actor.scope) as tx:
        row = await locked(tx, actor, ref)
        if step not in (Step.RETURN, Step.REFUSE):
            filed = await take(tx, actor, row, step, doing, now=now)
            if step is Step.CLOSE:
                await wait_no_more(tx, actor, row, now)
            return filed
        ruling = await approving.ruling(tx, actor, row, now)
        judged(actor, row, step, doing, ruling=ruling)
        await approving.decide(tx, actor, ruling, step, {}, clean_block(doing.note, NOTE_MAX), now)
        return await take(tx, actor, row, step, doing, now=now, ruling=ruling)


SIMPLE = frozenset({Step.SUBMIT, Step.RETURN, Step.REFUSE, Step.WITHDRAW, Step.CLOSE})


async def approve(
    actor: Actor, ref: str, doing: Doing, *, quantities: Mapping[int, int] | None = None, now: datetime
) -> Filed:
    """Approve at the due step what was asked, or less of some lines (`quantities` by position, 0 for none).

    The lines are approved, and the request with them, once the last step has decided.
    """
    async with transaction(actor.scope) as tx:
        row = await locked(tx, actor, ref)
        ruling = await approving.ruling(tx, actor, row, now)
        judged(actor, row, Step.APPROVE, doing, ruling=ruling)
        lines, note = await lines_for(tx, row["id"]), clean_block(doing.note, NOTE_MAX)
        chosen = approving.granted(ruling, lines, quantities or {}, note)
        granted = _each(lines, chosen, "approved", least=0, most=lambda line: int(line["quantity"]))
        if not any(granted.values()):
            raise Invalid(fields={"approved": N_("Nothing would be approved; refuse the request instead.")})
        last = ruling.last()
        await approving.decide(tx, actor, ruling, Step.APPROVE, chosen, note, now)
        if last:
            await tx.executemany(
                "update equipment_request_lines set approved = $2 where id = $1", list(granted.items())
            )
        was = {"approved": [line["approved"] for line in lines]}
        is_now = {"approved": list(granted.values())} if last else was
        said = replace(doing, note=note or clean_block(_fewer(lines, granted), NOTE_MAX))
        return await take(
            tx, actor, row, Step.APPROVE, said, now=now, complete=last, lines=(was, is_now), ruling=ruling
        )


def _fewer(lines: Sequence[asyncpg.Record], granted: Mapping[UUID, int]) -> str:
    """What is approved of lines that are cut, for the story where nobody wrote why."""
    cut = [line for line in lines if granted[line["id"]] < line["quantity"]]
    return "; ".join(f"{line['name']}: {granted[line['id']]}/{line['quantity']}" for line in cut)


def _each(
    lines: Sequence[asyncpg.Record], given: Mapping[int, int], name: str, *, least: int, most: Any
) -> dict[UUID, int]:
    """A number for each line, the quantity asked for where none is given; Invalid names each wrong one."""
    positions = {line["position"] for line in lines}
    wrong = {f"{name}.{p}": N_("The request has no such line.") for p in given if p not in positions}
    chosen = {line["id"]: given.get(line["position"], line["quantity"]) for line in lines}
    for line in lines:
        if not least <= chosen[line["id"]] <= most(line):
            wrong[f"{name}.{line['position']}"] = N_("This number is not possible here.")
    if wrong:
        raise Invalid(fields=wrong)
    return chosen


async def fulfil(
    actor: Actor, ref: str, doing: Doing, *, tags: Mapping[int, Sequence[str]] | None = None, now: datetime
) -> Filed:
    """Give from stock: the assets named for each line position, or what `propose` finds. A part is normal.

    The assets stand in use at the centre afterwards. Conflict when one of them is no longer in stock.
    """
    async with transaction(actor.scope) as tx:
        row = await locked(tx, actor, ref)
        judged(actor, row, Step.FULFIL, doing)
        actor = actor.within(Action.FULFIL_REQUEST)  # what is given comes from stores where they may give
        lines = await lines_for(tx, row["id"])
        chosen = await _choose(tx, actor, State(row["state"]), lines, tags)
        picked: list[str] = []
        for line in lines:
            for candidate in chosen.get(line["id"], ()):
                why = shown_number(row["number"])
                from_site = await hand_out(tx, actor, asset=candidate.asset, to_site=row["site"], why=why, now=now)
                await tx.execute(
                    "insert into fulfilments (id, line, asset, from_site, at, actor_name) values ($1,$2,$3,$4,$5,$6)",
                    new_id(), line["id"], candidate.asset, from_site, now, actor.name,
                )  # fmt: skip
                picked.append(candidate.tag)
        counted = [(line["id"], len(chosen.get(line["id"], ()))) for line in lines]
        await tx.executemany("update equipment_request_lines set given = given + $2 where id = $1", counted)
        complete = all(
            line["given"] + line["declined"] + n >= line["approved"]
            for line, (_, n) in zip(lines, counted, strict=True)
        )
        await request_recompute(tx, [row["site"]])
        said = in_own_words(doing, ", ".join(picked))
        was = {"given": [line["given"] for line in lines], "assets": []}
        is_now = {"given": [line["given"] + n for line, (_, n) in zip(lines, counted, strict=True)], "assets": picked}
        return await take(tx, actor, row, Step.FULFIL, said, now=now, complete=complete, lines=(was, is_now))


async def _choose(
    tx: Connection,
    actor: Actor,
    state: State,
    lines: Sequence[asyncpg.Record],
    tags: Mapping[int, Sequence[str]] | None,
) -> Mapping[UUID, Sequence[Any]]:
    kinds, wanted = [line["category_id"] for line in lines if line["category_id"]], needs(lines)
    if tags is None:
        found = propose(wanted, await candidates(tx, actor.scope, kinds))
        named = {line: [c.tag for c in picks] for line, picks in found.picks.items()}
        if not any(named.values()):
            raise Conflict(N_("The stores have nothing of what is still to be given."), state=state)
    else:
        lines_by_position = {line["position"]: line["id"] for line in lines}
        if unknown := [p for p in tags if p not in lines_by_position]:
            raise Invalid(fields={f"assets.{p}": N_("The request has no such line.") for p in unknown})
        named = {lines_by_position[p]: [clean_code(tag) for tag in given] for p, given in tags.items()}
    locked = await candidates(tx, actor.scope, kinds, lock=[tag for given in named.values() for tag in given])
    chosen = choose(wanted, locked, named)
    if isinstance(chosen, Unfit):
        raise Conflict(chosen.reason, state=state, **chosen.params)
    return chosen.picks
