"""What the register says should be at some sites, as it was at a moment."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from assets.audit.service import as_of
from assets.clock import LOCAL_ZONE
from assets.db import Connection
from assets.inventory.wear import Rule, wear
from assets.text import searchable

COLUMNS = (
    "site", "asset", "tag", "name", "category", "room", "stage", "physical_state", "original_cost", "put_into_use",
    "remaining", "search",
)  # fmt: skip
ABSENT = frozenset({"planned", "ordered", "disposed", "lost", "in_transit"})  # stages in which nobody looks for it here
_ROWS = """
select a.*, coalesce(nullif(a.name, ''), m.manufacturer || ' ' || m.name) as shown, c.code as category, m.category as kind
from assets a join asset_models m on m.id = a.model join asset_categories c on c.id = m.category
where a.created_at <= $2 and (a.site = any($1)
    or exists (select from asset_events e where e.asset = a.id and e.site = any($1) and e.at > $2))
"""
_RULE = """
select years, threshold, rate from wear_rates where category = $1 and valid_from <= $2 order by valid_from desc limit 1
"""


async def frozen(tx: Connection, sites: Sequence[UUID], moment: datetime, *, now: datetime) -> list[dict[str, Any]]:
    """Rows of the list, by tag. Reads as the owner: where a thing went since may be outside the caller's scope."""
    rows = await tx.fetch(_ROWS, list(sites), moment)
    changed: set[UUID] = set()
    if moment < now:
        found = await tx.fetch(
            "select distinct subject from audit_events where subject_kind = 'asset' and at > $1 and subject = any($2)",
            moment, [row["id"] for row in rows],
        )  # fmt: skip
        changed = {row["subject"] for row in found}
    rooms = {
        str(r["id"]): r["name"] for r in await tx.fetch("select id, name from rooms where site = any($1)", list(sites))
    }
    here, day, made = {str(site) for site in sites}, moment.astimezone(LOCAL_ZONE).date(), []
    for row in rows:
        past = await as_of(tx, "asset", row["id"], dict(row), moment) if row["id"] in changed else dict(row)
        if past is None or str(past["site"]) not in here or past["stage"] in ABSENT:
            continue
        name = past["name"] or row["shown"]
        rule = None
        if row["put_into_use"] is not None:
            rule = await tx.fetchrow(_RULE, row["kind"], row["put_into_use"])
        worth = wear(
            row["original_cost"], row["put_into_use"], Rule(**rule) if rule is not None else None, day
        ).remaining
        made.append({
            "site": UUID(str(past["site"])), "asset": row["id"], "tag": row["tag"], "name": name,
            "category": row["category"], "room": rooms.get(str(past["room"]), ""), "stage": past["stage"],
            "physical_state": past["physical_state"], "original_cost": row["original_cost"],
            "put_into_use": row["put_into_use"], "remaining": worth, "search": searchable(row["tag"], name),
        })  # fmt: skip
    return sorted(made, key=lambda one: str(one["tag"]))
