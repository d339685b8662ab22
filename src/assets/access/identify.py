"""From a row of `users` to an Actor: its grants as they hold now, each with its sites."""

import json
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import or_
from uuid import UUID

from assets.access.actor import Actor, Held
from assets.access.permissions import Action, Role
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


_WHO = """
select u.name, u.display_name, u.language,
    (select coalesce(json_agg(json_build_array(g.role, g.unit is null and g.site is null,
            (select coalesce(json_agg(json_build_array(s.id, s.kind = 'centre', s.code)), '[]')
                from sites s where s.unit = g.unit or s.id = g.site or s.unit in (select n.id
                    from administrative_units e join administrative_units n on n.code = e.code and n.code <> ''
                    where e.id = g.unit) or s.id in (select m.site from site_units m
                    join administrative_units e on e.id = m.unit and e.valid_to = m.valid_to where m.unit = g.unit
                    and not exists (select from administrative_units n where n.code = e.code and n.valid_to is null))
            ))), '[]')
        from grants g where g."user" = u.id and (g.ends_at is null or g.ends_at > $2)) as grants
from users u where u.id = $1
"""


async def identify(
    tx: Connection, user: UUID, now: datetime, *, origin: str, session: str = "", limits: Limits = NO_LIMITS
) -> Actor:
    """Who this is and what they may do now; an Actor without roles when no grant holds. One statement: each call asks it.

    A grant covers the sites that its unit has now: one that is opened later belongs to the unit's people too. When the
    unit goes on under its code, so does the grant; when no unit has that code any more, its people keep the sites that
    it had on its last day, until somebody gives them another place.
    """
    row = await tx.fetchrow(_WHO, user, now)
    assert row is not None
    held: list[Held] = []
    places: dict[UUID, tuple[bool, str]] = {}  # where a centre comes before a store, and then by code
    for role, whole, sites in json.loads(row["grants"]):
        places |= {UUID(site): (not centre, code) for site, centre, code in sites}
        covered = EVERYTHING if whole else Scope.of_sites(UUID(site) for site, _, _ in sites)
        held.append(Held(Role(role), covered & limits.scope))
    scope = reduce(or_, (one.scope for one in held), NOTHING)
    return Actor(
        id=user, name=row["display_name"] or row["name"], login=row["name"], roles=frozenset(h.role for h in held),
        scope=scope, language=row["language"], origin=origin, session=session, held=tuple(held), actions=limits.actions,
        limited=limits != NO_LIMITS,
        home_site=None if scope.everything else min(scope.sites & places.keys(), key=places.__getitem__, default=None),
    )  # fmt: skip
