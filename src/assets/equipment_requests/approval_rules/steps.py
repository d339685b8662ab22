"""The rules of approval as they are stored, as values of `approvals`. Only reads."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from assets.access.permissions import Role
from assets.db import Connection
from assets.equipment_requests.approvals import DEFAULT, Place, Priced, Rule

ONE = UUID("00000000-0000-7000-8000-000000000002")


class CostSource(StrEnum):
    """Where the cost of a line comes from that has none of its own."""

    NONE = "none"
    TABLE = "table"
    LAST_PURCHASE = "last_purchase"


@dataclass(frozen=True)
class Settings:
    """What holds for all requests: see the table."""

    same_person: bool = False
    cost_source: CostSource = CostSource.NONE
    seat: str = ""
    fulfil_hours: int = 40
    version: int = 0


async def rules(tx: Connection) -> list[Rule]:
    """The steps in their order; the default one where none is set."""
    rows = await tx.fetch("select * from approval_steps order by position, id")
    return [rule_of(row) for row in rows] or [DEFAULT]


def rule_of(row: Mapping[str, Any]) -> Rule:
    """A row of approval_steps."""
    return Rule(
        row["id"], row["position"], row["name"], row["name_en"], roles_of(row["roles"]), Place(row["place"]),
        row["from_value"], row["if_unknown"], frozenset(json.loads(row["kinds"])), row["hours"],
    )  # fmt: skip


def roles_of(stored: str) -> frozenset[Role]:
    """The roles of a step's row."""
    return frozenset(Role(role) for role in json.loads(stored))


async def deciding_roles(tx: Connection) -> frozenset[str]:
    """The roles that decide at some step, of the rules or of a request that is under way."""
    found = {role for rule in await rules(tx) for role in rule.roles}
    rows = await tx.fetch(
        "select distinct q.roles from request_steps q join equipment_requests r on r.id = q.request and r.round = q.round "
        "where r.state = 'submitted'"
    )
    return frozenset(found.union(*(roles_of(row["roles"]) for row in rows)))


async def settings(tx: Connection) -> Settings:
    """What the province has set, or the defaults."""
    row = await tx.fetchrow("select * from approval_settings where id = $1", ONE)
    if row is None:
        return Settings()
    return Settings(
        row["same_person"], CostSource(row["cost_source"]), row["seat"], row["fulfil_hours"], row["version"]
    )


async def priced(tx: Connection, lines: Sequence[Mapping[str, Any]], source: CostSource) -> list[Priced]:
    """Lines (kind, quantity, unit_cost, category) with the cost that they are reckoned with.

    What the asker expects counts where it is more than what is known: a low estimate goes under no limit.
    """
    kinds = list({line["category"] for line in lines if line["category"]})
    costs = await _costs(tx, kinds, source) if kinds else {}
    found = []
    for line in lines:
        said = [cost for cost in (line["unit_cost"], costs.get(line["category"])) if cost is not None]
        found.append(Priced(line["kind"], line["quantity"], max(said, default=None)))
    return found


async def _costs(tx: Connection, kinds: list[UUID], source: CostSource) -> dict[UUID, int]:
    if source is CostSource.TABLE:
        rows = await tx.fetch("select category, unit_cost from category_costs where category = any($1)", kinds)
    elif source is CostSource.LAST_PURCHASE:
        rows = await tx.fetch("select c as category, last_cost(c) as unit_cost from unnest($1::uuid[]) c", kinds)
    else:
        rows = []
    return {row["category"]: row["unit_cost"] for row in rows if row["unit_cost"] is not None}
