"""What an asset looked like at a moment of the past, rebuilt from the audit trail."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from assets.audit.service import as_of
from assets.db import EVERYTHING, Connection, Scope, transaction
from assets.errors import NotFound
from assets.text import clean_code


async def asset_as_of(scope: Scope, tag: str, moment: datetime) -> Mapping[str, Any]:
    """The asset's row with the names around it, as the list has them; NotFound before it existed.

    It belongs to the scope in which it stood then, wherever it stands now. What happened to it since at other sites
    must be undone all the same, hence the reading of everything.
    """
    async with transaction(EVERYTHING) as tx:
        present = await tx.fetchrow("select * from assets where tag = $1", clean_code(tag))
        if present is None or present["created_at"] > moment:
            raise NotFound()
        past = await as_of(tx, "asset", present["id"], present, moment)
        if past is None or not scope.sees(UUID(past["site"])):
            raise NotFound()
        site = await _row(tx, "site", "select * from sites where id = $1", past["site"], moment)
        model = await _row(tx, "asset_model", "select * from asset_models where id = $1", past["model"], moment)
        category = await tx.fetchval("select code from asset_categories where id = $1", UUID(model["category"]))
        room = past["room"] and await tx.fetchval("select name from rooms where id = $1", UUID(past["room"]))
    return past | {
        "site_code": site["code"], "site_name": site["name"], "manufacturer": model["manufacturer"],
        "model_name": model["name"], "category": category, "room_name": room,
    }  # fmt: skip


async def _row(tx: Connection, kind: str, query: str, row: str, moment: datetime) -> dict[str, Any]:
    present = await tx.fetchrow(query, UUID(row))
    assert present is not None  # what stands at it keeps it
    return await as_of(tx, kind, present["id"], present, moment) or dict(present)
