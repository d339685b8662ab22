"""How often a wrong password or code may be tried. The tries count before the secret is looked at, and name nobody:
a name that does not exist is refused as soon as one that does.

A browser in which somebody has signed in before has a door of its own, so that strangers who try a person's name do not
lock that person out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from assets.access.drawn import digest
from assets.clock import LOCAL_ZONE
from assets.db import EVERYTHING, Connection, transaction
from assets.errors import TooMany
from assets.ids import new_id
from assets.web.addresses import place_of
from assets.web.language import N_

WINDOW = timedelta(minutes=15)


@dataclass(frozen=True)
class Door:
    """Something that is tried, by its digest, and how many wrong tries it takes within WINDOW."""

    key: str
    most: int


def by_name(name: str) -> Door:
    """The tries for a name from browsers that nobody knows."""
    return Door(digest(f"name:{name}"), 10)


def by_device(device: str) -> Door:
    """The tries in a browser that its owner has signed in with before."""
    return Door(digest(f"device:{device}"), 10)


def by_address(address: str) -> Door:
    """The wrong tries from one place of the network, whatever the names: an office may stand behind it."""
    return Door(digest(f"address:{place_of(address)}"), 100)


def by_code(user: UUID) -> Door:
    """The tries of a second factor, for somebody whose password was right."""
    return Door(digest(f"code:{user}"), 6)


def by_session(session: str) -> Door:
    """The tries of the present password, by whoever is signed in already."""
    return Door(digest(f"session:{session}"), 6)


async def knock(doors: Sequence[Door], now: datetime) -> list[UUID]:
    """Count one try at each door; TooMany when one of them has had its share, and then none is counted.

    The answer is what `take_back` needs.
    """
    async with transaction(EVERYTHING) as tx:
        for door in sorted(doors, key=lambda d: d.key):
            await tx.execute("select pg_advisory_xact_lock(hashtextextended($1, 0))", door.key)
            counted = await tx.fetchrow(
                "select count(*) as n, min(at) as first from sign_in_attempts where key = $1 and at > $2",
                door.key, now - WINDOW,
            )  # fmt: skip
            assert counted is not None
            if counted["n"] >= door.most:
                wait = counted["first"] + WINDOW - now
                again = (now + wait + timedelta(minutes=1)).astimezone(LOCAL_ZONE)
                raise TooMany(
                    N_("There were too many attempts. Try again at %(time)s."), time=f"{again:%H:%M}",
                    seconds=int(wait.total_seconds()) + 1,
                )  # fmt: skip
        tries = [(new_id(), door.key, now) for door in doors]
        await tx.executemany("insert into sign_in_attempts (id, key, at) values ($1,$2,$3)", tries)
        return [this for this, _, _ in tries]


async def forget(tx: Connection, doors: Sequence[Door]) -> None:
    """The secret was right: what was tried before does not count any more."""
    await tx.execute("delete from sign_in_attempts where key = any($1)", [door.key for door in doors])


async def take_back(tx: Connection, tries: Sequence[UUID]) -> None:
    """These tries were right: they do not count, but what was tried beside them does."""
    await tx.execute("delete from sign_in_attempts where id = any($1)", list(tries))


async def tidy(tx: Connection, now: datetime) -> None:
    """Forget tries that no longer count."""
    await tx.execute("delete from sign_in_attempts where at < $1", now - WINDOW)
