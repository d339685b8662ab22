"""What the stores have for a request, and what a request still needs."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from assets.db import Connection, Scope
from assets.equipment_requests.fulfilment import Candidate, Need
from assets.inventory.holding import TAKEN

LOOK_MAX = 1_000  # assets in stock that one look considers
_CANDIDATES = f"""
select a.id, a.tag, m.category, a.physical_state, a.created_at, a.site, s.code as site_code
from assets a join asset_models m on m.id = a.model join sites s on s.id = a.site
where a.stage = 'in_stock' and s.kind = 'store' and a.physical_state <> 'broken'
    and m.category = any($1) and ($2 or a.site = any($3::uuid[]))
    and not {TAKEN}
"""  # noqa: S608 - a constant
_LOOK = (
    f"{_CANDIDATES} and ($4::text[] is null or a.tag = any($4)) and a.tag <> all($5::text[]) "
    f"order by a.created_at, a.id limit {LOOK_MAX}"
)
_LOCK = f"{_CANDIDATES} and a.tag = any($4) order by a.id for update of a"  # in one order, so nobody deadlocks


async def candidates(
    tx: Connection, scope: Scope, kinds: Sequence[UUID], *, lock: Sequence[str] | None = None,
    among: Collection[str] = (), but: Collection[str] = (),
) -> list[Candidate]:  # fmt: skip
    """What the stores of the scope have of these categories, `among` these tags (none: all) and `but` these.

    With `lock`, only these tags, locked.
    """
    values: list[object] = [list(kinds), scope.everything, list(scope.sites)]
    if lock is None:
        rows = await tx.fetch(_LOOK, *values, list(among) or None, list(but))
    else:
        rows = await tx.fetch(_LOCK, *values, list(lock))
    return [
        Candidate(r["id"], r["tag"], r["category"], r["physical_state"], r["created_at"], r["site"], r["site_code"])
        for r in rows
    ]


def needs(lines: Sequence[Mapping[str, Any]]) -> list[Need]:
    """What is still to be given for the lines of equipment, see `outstanding`."""
    return [
        Need(UUID(str(line["id"])), UUID(str(line["category_id"])), outstanding(line))
        for line in lines
        if line["category_id"] is not None
    ]


def outstanding(line: Mapping[str, Any]) -> int:
    """What nobody has given, promised or declined yet: of what was approved, or was asked while nothing is decided."""
    wanted = line["quantity"] if line["approved"] is None else line["approved"]
    return int(wanted) - int(line["given"]) - int(line["promised"]) - int(line["declined"])
