"""What other layers do when an asset goes elsewhere: monitoring and readiness are above the inventory and add themselves.

A follower works in the transaction of the move, under its scope: it is kept or undone with it.
"""

from collections.abc import Awaitable, Callable
from uuid import UUID

from assets.access.actor import Actor
from assets.db import Connection

Moved = Callable[[Connection, Actor, UUID, UUID, UUID], Awaitable[None]]  # asset, from site, to site
Replaced = Callable[[Connection, Actor, UUID, UUID, UUID], Awaitable[None]]  # old asset, new asset, their site
_moved: list[Moved] = []
_replaced: list[Replaced] = []


def on_move(follower: Moved) -> Moved:
    """Have this done whenever an asset stands at another site."""
    _moved.append(follower)
    return follower


def on_replacement(follower: Replaced) -> Replaced:
    """Have this done whenever an asset has taken another's place."""
    _replaced.append(follower)
    return follower


async def moved(tx: Connection, actor: Actor, asset: UUID, from_site: UUID, to_site: UUID) -> None:
    """Tell everybody that an asset stands at another site; nothing when it is the same one."""
    if from_site != to_site:
        for follower in _moved:
            await follower(tx, actor, asset, from_site, to_site)


async def replaced(tx: Connection, actor: Actor, old: UUID, new: UUID, site: UUID) -> None:
    """Tell everybody that an asset has taken another's place."""
    for follower in _replaced:
        await follower(tx, actor, old, new, site)
