"""The verbs of disposal: write down what a repair would cost, and the share from which it is too dear."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from assets.access.actor import Actor
from assets.access.permissions import Action
from assets.audit.service import differences, record, shown
from assets.clock import LOCAL_ZONE
from assets.db import Connection, transaction
from assets.errors import Conflict, Invalid, NotFound, Stale
from assets.ids import new_id
from assets.inventory.service import lock, write_event
from assets.text import TEXT_MAX, clean, overlong
from assets.web.changes import refuse_others
from assets.web.language import N_

AMOUNT_MAX = 10**13
YEARS_BACK = 10  # an older quotation says nothing about a repair of today
EDITABLE = frozenset({"repair_percent", "valid_from", "source"})


@dataclass(frozen=True)
class NewQuotation:
    """What a supplier asks for a repair, in whole đồng."""

    amount: int
    supplier: str
    quoted_on: date
    note: str = ""


async def quote(actor: Actor, tag: str, new: NewQuotation, *, now: datetime) -> UUID:
    """Write down a quotation for an asset; Conflict when it is gone for good."""
    actor = actor.require(Action.EDIT_INVENTORY)
    today, wrong = now.astimezone(LOCAL_ZONE).date(), {}
    if not 1 <= new.amount <= AMOUNT_MAX:
        wrong["amount"] = N_("Whole VND, from 1 to 10,000,000,000,000.")
    if not clean(new.supplier, 160):
        wrong["supplier"] = N_("Please fill this in.")
    if new.quoted_on > today or new.quoted_on.year < today.year - YEARS_BACK:
        wrong["quoted_on"] = N_("A day of the last ten years, today at the latest.")
    wrong |= overlong({"supplier": (new.supplier, 160), "note": (new.note, TEXT_MAX)})
    if wrong:
        raise Invalid(fields=wrong)
    async with transaction(actor.scope) as tx:
        asset = await lock(tx, actor, tag)
        if asset["stage"] == "disposed":
            raise Conflict(N_("It has been disposed of; what is gone does not come back."))
        quotation = new_id()
        made = await tx.fetchrow(
            "insert into repair_quotations (id, asset, amount, supplier, quoted_on, note, written_by, written_at) "
            "values ($1,$2,$3,$4,$5,$6,$7,$8) returning *",
            quotation, asset["id"], new.amount, clean(new.supplier, 160), new.quoted_on, clean(new.note), actor.name, now,
        )  # fmt: skip
        text = f"{new.amount:,} đ".replace(",", ".") + f" · {made['supplier']}"
        await write_event(tx, asset["id"], asset["site"], "repair_quoted", text, actor, now)
        await record(
            tx, by=actor, action="quote", kind="repair_quotation", subject=quotation, name=asset["tag"],
            site=asset["site"], after=shown(made),
        )  # fmt: skip
        return quotation


@dataclass(frozen=True)
class NewRule:
    """From a day on: the share of the original cost, in percent, above which a repair is too dear."""

    repair_percent: int
    valid_from: date
    source: str = ""


async def add_rule(actor: Actor, new: NewRule) -> UUID:
    """Add a rule; Conflict when there is one from that day on."""
    actor = actor.require_everywhere(Action.EDIT_INVENTORY)
    _check(new.repair_percent)
    async with transaction(actor.scope) as tx:
        rule = new_id()
        await _alone(tx, new.valid_from, rule)
        made = await tx.fetchrow(
            "insert into disposal_rules (id, repair_percent, valid_from, source, version) values ($1,$2,$3,$4,1) returning *",
            rule, new.repair_percent, new.valid_from, clean(new.source),
        )  # fmt: skip
        name = new.valid_from.isoformat()
        await record(tx, by=actor, action="add", kind="disposal_rule", subject=rule, name=name, after=shown(made))
        return rule


async def edit_rule(actor: Actor, rule: UUID, changes: Mapping[str, Any], *, version: int) -> None:
    """Change a rule that is still as the caller saw it."""
    actor = actor.require_everywhere(Action.EDIT_INVENTORY)
    refuse_others(changes, EDITABLE)
    async with transaction(actor.scope) as tx:
        before = await tx.fetchrow("select * from disposal_rules where id = $1 for update", rule)
        if before is None:
            raise NotFound()
        if before["version"] != version:
            raise Stale()
        new = dict(before) | dict(changes)
        _check(new["repair_percent"])
        await _alone(tx, new["valid_from"], rule)
        after = await tx.fetchrow(
            "update disposal_rules set repair_percent = $2, valid_from = $3, source = $4, version = version + 1 "
            "where id = $1 returning *", rule, new["repair_percent"], new["valid_from"], clean(new["source"]),
        )  # fmt: skip
        await record(
            tx, by=actor, action="edit", kind="disposal_rule", subject=rule, name=after["valid_from"].isoformat(),
            **differences(before, after),
        )  # fmt: skip


def _check(percent: int) -> None:
    if not 1 <= percent <= 100:
        raise Invalid(fields={"repair_percent": N_("Whole percent, from 1 to 100.")})


async def _alone(tx: Connection, valid_from: date, rule: UUID) -> None:
    # There are few of them and they are written rarely: whoever writes one waits for the others.
    await tx.execute("lock table disposal_rules in share row exclusive mode")
    if await tx.fetchval("select 1 from disposal_rules where valid_from = $1 and id <> $2", valid_from, rule):
        raise Conflict(f"There is already a rule from {valid_from.isoformat()} on.")
