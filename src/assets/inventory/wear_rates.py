"""The verbs for wear rates: the province writes down what is in force for a category from a day on."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from assets.access.actor import Actor
from assets.access.permissions import Action
from assets.audit.service import differences, record, shown
from assets.db import Connection, transaction
from assets.errors import Conflict, Invalid, NotFound, Stale
from assets.ids import new_id
from assets.inventory.wear import Rule, refused
from assets.text import clean
from assets.web.changes import refuse_others

# A fixed asset costs at least this: Điều 3 of TT 141/2025/TT-BTC. It is a column of each rate and no setting: a rule that
# changes holds for what is put into use from then on, and a register of the past must not change with it.
THRESHOLD = 10_000_000
YEARS_MAX = 100
EDITABLE = frozenset({"years", "rate", "threshold", "valid_from", "source"})


@dataclass(frozen=True)
class NewRate:
    """What is in force for a category from a day on; `source` says where that is written."""

    category: str
    years: int
    valid_from: date
    rate: int | None = None
    threshold: int = THRESHOLD
    source: str = ""


async def add_rate(actor: Actor, new: NewRate) -> UUID:
    """Add a rate; Invalid when it cannot be one, Conflict when the category has one from that day on."""
    actor = actor.require_everywhere(Action.EDIT_INVENTORY)
    _check(Rule(new.years, new.threshold, new.rate))
    async with transaction(actor.scope) as tx:
        category = await tx.fetchval("select id from asset_categories where code = $1", clean(new.category, 40))
        if category is None:
            raise Invalid(fields={"category": "there is no such category"})
        rate = new_id()
        await _alone(tx, category, new.valid_from, rate)
        made = await tx.fetchrow(
            "insert into wear_rates (id, category, years, rate, threshold, valid_from, source, version) "
            "values ($1,$2,$3,$4,$5,$6,$7,1) returning *",
            rate, category, new.years, new.rate, new.threshold, new.valid_from, clean(new.source),
        )  # fmt: skip
        name = f"{clean(new.category, 40)} {new.valid_from.isoformat()}"
        await record(tx, by=actor, action="add", kind="wear_rate", subject=rate, name=name, after=shown(made))
        return rate


async def edit_rate(actor: Actor, rate: UUID, changes: Mapping[str, Any], *, version: int) -> None:
    """Change a rate that is still as the caller saw it; each register that stands on it changes too."""
    actor = actor.require_everywhere(Action.EDIT_INVENTORY)
    refuse_others(changes, EDITABLE)
    async with transaction(actor.scope) as tx:
        before = await tx.fetchrow("select * from wear_rates where id = $1 for update", rate)
        if before is None:
            raise NotFound()
        if before["version"] != version:
            raise Stale()
        new = dict(before) | dict(changes)
        _check(Rule(new["years"], new["threshold"], new["rate"]))
        await _alone(tx, new["category"], new["valid_from"], rate)
        after = await tx.fetchrow(
            "update wear_rates set years = $2, rate = $3, threshold = $4, valid_from = $5, source = $6, "
            "version = version + 1 where id = $1 returning *",
            rate, new["years"], new["rate"], new["threshold"], new["valid_from"], clean(new["source"]),
        )  # fmt: skip
        code = await tx.fetchval("select code from asset_categories where id = $1", after["category"])
        await record(
            tx, by=actor, action="edit", kind="wear_rate", subject=rate,
            name=f"{code} {after['valid_from'].isoformat()}", **differences(before, after),
        )  # fmt: skip


def _check(rule: Rule) -> None:
    wrong = {}
    if not 1 <= rule.years <= YEARS_MAX:
        wrong["years"] = f"whole years, from 1 to {YEARS_MAX}"
    elif why := refused(rule):
        wrong["rate"] = why
    if not 0 <= rule.threshold <= 10**13:
        wrong["threshold"] = "whole VND, from 0 to 10,000,000,000,000"
    if wrong:
        raise Invalid(fields=wrong)


async def _alone(tx: Connection, category: UUID, valid_from: date, rate: UUID) -> None:
    # Whoever writes rates of one category waits here, so that two at once are told apart.
    await tx.execute("select 1 from asset_categories where id = $1 for update", category)
    if await tx.fetchval(
        "select 1 from wear_rates where category = $1 and valid_from = $2 and id <> $3", category, valid_from, rate
    ):
        raise Conflict(f"There is already a rate of this category from {valid_from.isoformat()} on.")
