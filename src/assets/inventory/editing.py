"""Changing one thing of the register: the same rules and the same writing as for many."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from assets.access.actor import Actor
from assets.access.permissions import Action
from assets.db import transaction
from assets.inventory.batches.planning import Wanted
from assets.inventory.batches.service import kind_for
from assets.inventory.batches.writing import change_one


async def edit(
    actor: Actor, resource: str, cells: Mapping[str, Any], *, version: int, now: datetime, thing: UUID | None = None,
    reason: str = "",
) -> UUID:  # fmt: skip
    """Change some fields of a thing that is still as the caller saw it, found by its id or by what is in `cells`.

    NotFound, Stale, or Invalid with each wrong field.
    """
    actor = actor.require(Action.EDIT_INVENTORY)
    kind_for(actor, resource)
    async with transaction(actor.scope) as tx:
        return await change_one(tx, actor, resource, Wanted(cells, version=version, id=thing), now=now, reason=reason)
