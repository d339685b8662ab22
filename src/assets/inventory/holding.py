"""What holds an asset where it is: the draft transfer that it is listed in, until that is sent or cancelled.

Whoever would take it elsewhere, out of use or into another record is refused, so that no line of a draft names what has
gone; a trigger on assets refuses it once more. A line whose asset has left all the same holds nothing.
"""

from collections.abc import Sequence
from uuid import UUID

from assets.db import Connection
from assets.errors import Conflict
from assets.inventory.lifecycle import PROMISED

# In SQL, of an asset `a`: it is listed in a draft that can still send it, or on its way.
TAKEN = (
    "exists (select from transfer_lines l join transfers t on t.id = l.transfer where l.asset = a.id "
    "and (l.state = 'waiting' or l.state = 'listed' and t.state = 'draft' and t.from_site = a.site))"
)


async def promised(tx: Connection, assets: Sequence[UUID], *, but: UUID | None = None) -> dict[UUID, dict[str, str]]:
    """By asset, the draft transfer that lists it (`tag`, `transfer`, `site`, `why`); `but` is one that does not count."""
    rows = await tx.fetch(
        "select distinct on (a.id) a.id, a.tag, 'ĐC-' || t.number as transfer, t.to_name as site, "
        "coalesce(nullif(left(t.reason, 80), ''), t.created_by) as why "
        "from transfer_lines l join transfers t on t.id = l.transfer join assets a on a.id = l.asset "
        "where l.asset = any($1) and l.state = 'listed' and t.state = 'draft' and t.from_site = a.site "
        "and t.id is distinct from $2 order by a.id, t.number", list(assets), but,
    )  # fmt: skip
    return {row["id"]: {name: row[name] for name in ("tag", "transfer", "site", "why")} for row in rows}


async def refuse_promised(tx: Connection, assets: Sequence[UUID], *, but: UUID | None = None) -> None:
    """Conflict names the first of these assets that a draft transfer holds; the caller has locked their rows."""
    for facts in (await promised(tx, assets, but=but)).values():
        raise Conflict(PROMISED, **facts)
