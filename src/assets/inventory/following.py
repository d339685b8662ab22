"""What other layers do when an asset goes elsewhere: those above the inventory add themselves.

A follower works in the transaction of the move, under its scope: it is kept or undone with it.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from uuid import UUID

from assets.access.actor import Actor
from assets.db import Connection

Moved = Callable[[Connection, Actor, UUID, UUID, UUID], Awaitable[None]]  # asset, from site, to site
Replaced = Callable[[Connection, Actor, UUID, UUID, UUID], Awaitable[None]]  # old asset, new asset, their site
# The transfer, and for each asset whose line was settled whether it arrived whole.
Settled = Callable[[Connection, Actor, UUID, Mapping[UUID, bool], datetime], Awaitable[None]]
# The shipment of a consumable, and how many of it came.
Delivered = Callable[[Connection, Actor, UUID, int, datetime], Awaitable[None]]
_moved: list[Moved] = []
_replaced: list[Replaced] = []
_settled: list[Settled] = []
_delivered: list[Delivered] = []


def on_move(follower: Moved) -> Moved:
    """Have this done whenever an asset stands at another site."""
    _moved.append(follower)
    return follower


def on_replacement(follower: Replaced) -> Replaced:
    """Have this done whenever an asset has taken another's place."""
    _replaced.append(follower)
    return follower


def on_settlement(follower: Settled) -> Settled:
    """Have this done whenever lines of a transfer were settled: received, sent back, missing or cancelled."""
    _settled.append(follower)
    return follower


def on_delivery(follower: Delivered) -> Delivered:
    """Have this done whenever somebody has said how many of a shipment came, or it was called back."""
    _delivered.append(follower)
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


async def settled(tx: Connection, actor: Actor, transfer: UUID, arrived: Mapping[UUID, bool], now: datetime) -> None:
    """Tell everybody what became of the assets of a transfer."""
    for follower in _settled:
        await follower(tx, actor, transfer, arrived, now)


async def delivered(tx: Connection, actor: Actor, shipment: UUID, got: int, now: datetime) -> None:
    """Tell everybody how many of a shipment came."""
    for follower in _delivered:
        await follower(tx, actor, shipment, got, now)
