"""Where what is asked for could come from: stores, sites that can spare it, ledgers. Only reads."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from assets.db import Connection, Scope
from assets.equipment_requests.splitting import Donor, spare
from assets.inventory.holding import TAKEN
from assets.inventory.kits.gaps import kit_gaps

# What stands free somewhere: in use or unused, not broken, not on its way or listed to go, and not where more is asked for.
_FREE = f"""
    from assets a join asset_models m on m.id = a.model join sites s on s.id = a.site
    where a.stage in ('in_use', 'in_stock') and a.physical_state <> 'broken' and s.kind <> 'store' and s.open
        and s.id <> $1 and m.category = any($2) and ($3 or s.id = any($4::uuid[]))
        and not {TAKEN}
        and not exists (select from equipment_requests r join equipment_request_lines w on w.request = r.id
            where r.site = s.id and w.category = m.category and r.state in ('submitted', 'approved', 'in_fulfilment'))
"""


async def donors(
    tx: Connection, scope: Scope, site: UUID, categories: Sequence[UUID], day: date
) -> dict[UUID, list[Donor]]:
    """By category, the sites of the scope that can give some of it to `site` and keep what their kits ask for."""
    if not categories:
        return {}
    free = await tx.fetch(
        "select m.category, s.id, s.code, s.name, count(*)::integer as fit, "
        "(count(*) filter (where a.stage = 'in_stock'))::integer as in_stock " + _FREE + "group by m.category, s.id",
        site, list(categories), scope.everything, list(scope.sites),
    )  # fmt: skip
    if not free:
        return {}
    minimums = await tx.fetch(
        f"select g.site_id, c.id as category, max(g.allowance) as least from {kit_gaps(day).source} "  # noqa: S608
        "join asset_categories c on c.code = g.category where c.id = any($1) group by g.site_id, c.id",
        list(categories),
    )
    least = {(row["site_id"], row["category"]): row["least"] for row in minimums}
    km = await distances(tx, site, [row["id"] for row in free])
    found: dict[UUID, list[Donor]] = {}
    for row in free:
        minimum = least.get((row["id"], row["category"]))
        can = spare(row["fit"], row["in_stock"], minimum)
        if can:
            found.setdefault(row["category"], []).append(Donor(row["id"], row["code"], row["name"], can, km[row["id"]]))
    return found


async def distances(tx: Connection, site: UUID, others: Sequence[UUID]) -> dict[UUID, float | None]:
    """How far other sites are from one as the crow flies, in kilometres; None where a place is not known."""
    rows = await tx.fetch(
        "with places as (select s.id, coalesce(s.latitude, u.latitude) as lat, coalesce(s.longitude, u.longitude) as lon "
        "from sites s join administrative_units u on u.id = s.unit where s.id = any($2) or s.id = $1) "
        "select p.id, kilometres(here.lat, here.lon, p.lat, p.lon) as km from places p, places here where here.id = $1",
        site, list(others),
    )  # fmt: skip
    return {row["id"]: row["km"] for row in rows}


async def to_spare(tx: Connection, donor: UUID, to: UUID, category: UUID, tags: Sequence[str], most: int) -> list[Any]:
    """Assets of a site that can go, locked: those named, or the first that fit (unused and good ones first)."""
    rows: list[Any] = await tx.fetch(
        "select a.id, a.tag " + _FREE + "and s.id = $5 and (cardinality($6::text[]) = 0 or a.tag = any($6)) "
        "order by a.stage, a.physical_state, a.put_into_use desc nulls last, a.id limit $7 for update of a",
        to, [category], True, [], donor, list(tags), most,
    )  # fmt: skip
    return rows


async def pourers(tx: Connection, scope: Scope, site: UUID, consumables: Sequence[UUID]) -> dict[UUID, list[Donor]]:
    """By consumable, the sites of the scope that can give some of it to `site` and keep their lowest stock.

    A site that asks for it itself gives none.
    """
    rows = await tx.fetch(
        "select k.consumable, s.id, s.code, s.name, k.quantity - coalesce(k.minimum, c.minimum) as spare "
        "from stock k join consumables c on c.id = k.consumable join sites s on s.id = k.site "
        "where s.kind <> 'store' and s.open and s.id <> $1 and k.consumable = any($2) and ($3 or s.id = any($4::uuid[])) "
        "and k.quantity > coalesce(k.minimum, c.minimum) and not exists (select from equipment_requests r "
        "join equipment_request_lines w on w.request = r.id where r.site = s.id and w.consumable = k.consumable "
        "and r.state in ('submitted', 'approved', 'in_fulfilment'))",
        site, list(consumables), scope.everything, list(scope.sites),
    )  # fmt: skip
    km = await distances(tx, site, [row["id"] for row in rows])
    found: dict[UUID, list[Donor]] = {}
    for row in rows:
        one = Donor(row["id"], row["code"], row["name"], row["spare"], km[row["id"]])
        found.setdefault(row["consumable"], []).append(one)
    return found


async def ledgers(tx: Connection, scope: Scope, consumables: Sequence[UUID]) -> dict[UUID, list[Any]]:
    """By consumable, the stores of the scope that have some, the fullest first."""
    rows = await tx.fetch(
        "select k.consumable, s.id, s.code, s.name, k.quantity from stock k join sites s on s.id = k.site "
        "where s.kind = 'store' and k.quantity > 0 and k.consumable = any($1) and ($2 or s.id = any($3::uuid[])) "
        "order by k.quantity desc, s.code", list(consumables), scope.everything, list(scope.sites),
    )  # fmt: skip
    found: dict[UUID, list[Any]] = {}
    for row in rows:
        found.setdefault(row["consumable"], []).append(row)
    return found
