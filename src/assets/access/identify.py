"""From a row of `users` to an Actor: its grants as they hold now, each with its sites."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import reduce
from operator import or_
from uuid import UUID

import asyncpg

from assets.access.actor import Actor, Held
from assets.access.permissions import Action, Reach, Role
from assets.db import EVERYTHING, NOTHING, Connection, Scope


@dataclass(frozen=True)
class Limits:
    """What a token may do of what its owner may: these actions (None: all), at these sites."""

    actions: frozenset[Action] | None
    scope: Scope

    @classmethod
    def stored(cls, actions: str, sites: str) -> "Limits":
        """From the columns of a token."""
        named, where = json.loads(actions), json.loads(sites)
        return cls(
            frozenset(Action(a) for a in named) if named else None,
            Scope.of_sites(UUID(s) for s in where) if where else EVERYTHING,
        )


NO_LIMITS = Limits(None, EVERYTHING)


def reach_of(grant: asyncpg.Record) -> Reach:
    """What a row of `grants` covers."""
    return Reach.UNIT if grant["unit"] else Reach.SITE if grant["site"] else Reach.PROVINCE


async def grants_of(tx: Connection, user: UUID, now: datetime) -> list[asyncpg.Record]:
    """The rows of somebody's grants that have not ended."""
    rows: list[asyncpg.Record] = await tx.fetch(
        'select role, unit, site from grants where "user" = $1 and (ends_at is null or ends_at > $2)', user, now
    )
    return rows


async def identify(
    tx: Connection, user: UUID, now: datetime, *, origin: str, session: str = "", limits: Limits = NO_LIMITS
) -> Actor:
    """Who this is and what they may do now; an Actor without roles when no grant holds."""
    person = await tx.fetchrow("select id, name, display_name, language from users where id = $1", user)
    assert person is not None
    held = [replace(h, scope=h.scope & limits.scope) for h in await _held(tx, await grants_of(tx, user, now))]
    scope = reduce(or_, (one.scope for one in held), NOTHING)
    return Actor(
        id=person["id"], name=person["display_name"] or person["name"], login=person["name"],
        roles=frozenset(one.role for one in held), scope=scope, language=person["language"], origin=origin,
        session=session, home_site=await _home(tx, scope), held=tuple(held), actions=limits.actions,
    )  # fmt: skip


async def _held(tx: Connection, grants: Sequence[asyncpg.Record]) -> list[Held]:
    """Each grant's role with the sites that it covers now: a site that is opened later belongs to its unit's people."""
    sites = await tx.fetch(
        "select id, unit from sites where unit = any($1) or id = any($2)",
        [g["unit"] for g in grants if g["unit"]], [g["site"] for g in grants if g["site"]],
    )  # fmt: skip
    return [
        Held(
            Role(grant["role"]),
            EVERYTHING
            if reach_of(grant) is Reach.PROVINCE
            else Scope.of_sites(s["id"] for s in sites if s["unit"] == grant["unit"] or s["id"] == grant["site"]),
        )
        for grant in grants
    ]


async def _home(tx: Connection, scope: Scope) -> UUID | None:
    if scope.everything or not scope.sites:
        return None
    query = "select id from sites where id = any($1) order by (kind = 'centre') desc, code limit 1"
    site = await tx.fetchval(query, list(scope.sites))
    assert site is None or isinstance(site, UUID)
    return site
