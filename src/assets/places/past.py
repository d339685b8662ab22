"""What a site looked like at a moment of the past, rebuilt from the audit trail."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from assets.audit.service import as_of
from assets.clock import LOCAL_ZONE
from assets.db import EVERYTHING, Connection, Scope, transaction
from assets.errors import NotFound


async def site_as_of(scope: Scope, code: str, moment: datetime) -> Mapping[str, Any]:
    """The site's row with its unit and the newest head-count of then; NotFound before it was opened."""
    async with transaction(EVERYTHING) as tx:
        present = await tx.fetchrow("select * from sites where code = $1", code)
        if present is None or present["created_at"] > moment or not scope.sees(present["id"]):
            raise NotFound()
        past = await as_of(tx, "site", present["id"], present, moment)
        if past is None:
            raise NotFound()
        # By the day, and not by what was known then: a decision that was written down late holds from its own day on.
        unit_now = await tx.fetchrow(
            "select u.*, (select min(valid_from) from site_units where site = m.site) as opened_on from site_units m "
            "join administrative_units u on u.id = m.unit where m.site = $1 and m.valid_from <= $2 "
            "and (m.valid_to is null or m.valid_to > $2)", present["id"], moment.astimezone(LOCAL_ZONE).date(),
        )  # fmt: skip
        if unit_now is None:
            raise NotFound()
        unit = await as_of(tx, "administrative_unit", unit_now["id"], unit_now, moment) or dict(unit_now)
        people = await _heads(tx, present["id"], moment)
    return past | {
        "unit_code": unit["code"], "unit_name": unit["name"], "people": people.get("people"),
        "people_as_of": people.get("as_of"), "opened_on": unit_now["opened_on"],
    }  # fmt: skip


async def _heads(tx: Connection, site: UUID, moment: datetime) -> dict[str, Any]:
    """The newest head-count that had been written down by then."""
    for row in await tx.fetch("select * from head_counts where site = $1 order by as_of desc", site):
        found = await as_of(tx, "head_count", row["id"], row, moment)
        if found is not None:
            return found
    return {}
