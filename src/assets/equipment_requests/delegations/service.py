"""The verbs of delegations: name a deputy, take it back; and whose place somebody may take now.

A delegation lends a signature and no sight: the deputy decides at the sites where they may look at requests themselves,
and only what the absent person may by roles of their own, so that nothing is passed on. It holds on its days in Viet
Nam, while both people have their accounts and until it is withdrawn; all of it is asked at the moment of the act.
"""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

import asyncpg

from assets.access.actor import Actor
from assets.access.identify import identify
from assets.access.permissions import Action, Role
from assets.audit.service import record
from assets.clock import LOCAL_ZONE
from assets.db import EVERYTHING, Connection, Scope, transaction
from assets.equipment_requests.approval_rules.steps import deciding_roles
from assets.errors import Conflict, Invalid, NotAllowed, NotFound
from assets.ids import new_id
from assets.text import clean, overlong
from assets.web.language import N_

KIND = "delegation"
REASON_MAX = 255
DAYS_MAX = 366
OPEN_MAX = 20  # of one person
_NO_DEPUTY = N_("Choose somebody who may look at the requests of all your centres.")


@dataclass(frozen=True)
class NewDelegation:
    """Who decides for the actor, by sign-in name, from a day to a day."""

    deputy: str
    from_on: date
    until_on: date
    reason: str = ""


async def delegate(actor: Actor, new: NewDelegation, *, now: datetime) -> UUID:
    """Name a deputy; Invalid names each wrong field. Whoever decides nothing has nothing to give."""
    actor = actor.require(Action.VIEW_REQUESTS)
    if actor.id is None or actor.limited:
        raise NotAllowed()
    today = now.astimezone(LOCAL_ZONE).date()
    wrong = _wrong_days(new, today) | overlong({"reason": (new.reason, REASON_MAX)})
    async with transaction(EVERYTHING) as tx:
        if not decides(actor, await deciding_roles(tx)):
            raise NotAllowed(N_("You decide no requests, so there is nothing to delegate."))
        deputy = await _deputy(tx, actor, new.deputy, now)
        if deputy is None:
            wrong["deputy"] = _NO_DEPUTY
        if wrong or deputy is None:
            raise Invalid(fields=wrong)
        await _refuse_more(tx, actor.id, deputy["id"], new, today)
        made, reason = new_id(), clean(new.reason, REASON_MAX)
        await tx.execute(
            "insert into delegations (id, from_user, to_user, from_on, until_on, reason, created_at, withdrawn_by) "
            "values ($1,$2,$3,$4,$5,$6,$7,'')",
            made, actor.id, deputy["id"], new.from_on, new.until_on, reason, now,
        )  # fmt: skip
        await record(
            tx, by=actor, action="create", kind=KIND, subject=made, name=f"{actor.name} → {_shown(deputy)}", reason=reason,
            after={"from_user": actor.id, "to_user": deputy["id"], "from_on": new.from_on, "until_on": new.until_on},
        )  # fmt: skip
    return made


def _wrong_days(new: NewDelegation, today: date) -> dict[str, str]:
    wrong: dict[str, str] = {}
    if new.until_on < new.from_on:
        wrong["until_on"] = N_("The last day is before the first one.")
    elif new.until_on < today:
        wrong["until_on"] = N_("These days are over.")
    elif (new.until_on - new.from_on).days >= DAYS_MAX:
        wrong["until_on"] = N_("At most a year at once.")
    return wrong


async def _refuse_more(tx: Connection, person: UUID, deputy: UUID, new: NewDelegation, today: date) -> None:
    # Of two forms sent at once the second waits here.
    await tx.fetchval("select id from users where id = $1 for update", person)
    rows = await tx.fetch(
        "select to_user, from_on, until_on from delegations where from_user = $1 and withdrawn_at is null and until_on >= $2",
        person, today,
    )  # fmt: skip
    if len(rows) >= OPEN_MAX:
        raise Conflict(N_("There are too many delegations; withdraw some first."))
    if any(r["to_user"] == deputy and r["from_on"] <= new.until_on and new.from_on <= r["until_on"] for r in rows):
        raise Conflict(N_("This person stands in for you on some of these days already."))


async def withdraw(actor: Actor, delegation: UUID, *, now: datetime) -> None:
    """Take a delegation back; whoever gave it, or who manages people. NotFound for everybody else."""
    if not actor.known or actor.limited:
        raise NotAllowed()
    async with transaction(EVERYTHING) as tx:
        row = await tx.fetchrow("select * from delegations where id = $1 for update", delegation)
        if row is None or not (row["from_user"] == actor.id or actor.everywhere(Action.MANAGE_PEOPLE)):
            raise NotFound()
        if row["withdrawn_at"] is not None:
            raise Conflict(N_("The delegation was withdrawn already."))
        if row["until_on"] < now.astimezone(LOCAL_ZONE).date():
            raise Conflict(N_("These days are over."))
        await tx.execute(
            "update delegations set withdrawn_at = $2, withdrawn_by = $3 where id = $1", delegation, now, actor.name
        )
        await record(
            tx, by=actor, action="withdraw", kind=KIND, subject=delegation, before={"withdrawn_at": None},
            after={"withdrawn_at": now},
        )  # fmt: skip


# Delegations that hold at a moment ($1 its day in Viet Nam), with both accounts.
HOLDING = """delegations d join users absent on absent.id = d.from_user and absent.active
    join users deputy on deputy.id = d.to_user and deputy.active
    where d.withdrawn_at is null and $1::date between d.from_on and d.until_on"""


async def absent_ones(tx: Connection, deputy: UUID | None, now: datetime) -> list[Actor]:
    """Those whose place this person may take now, with the roles that they have themselves."""
    if deputy is None:
        return []
    rows = await tx.fetch(
        f"select distinct d.from_user as id from {HOLDING} and d.to_user = $2",  # noqa: S608
        now.astimezone(LOCAL_ZONE).date(), deputy,
    )  # fmt: skip
    return [await identify(tx, row["id"], now, origin="") for row in rows]


async def deputies_of(tx: Connection, people: list[UUID], now: datetime) -> list[UUID]:
    """Who stands in for some of these people now."""
    rows = await tx.fetch(
        f"select distinct d.to_user as id from {HOLDING} and d.from_user = any($2)",  # noqa: S608
        now.astimezone(LOCAL_ZONE).date(), people,
    )  # fmt: skip
    return [row["id"] for row in rows]


def decides(actor: Actor, roles: frozenset[str]) -> bool:
    """Whether somebody decides at some step."""
    return any(role in roles for role in actor.roles)


class Caution(StrEnum):
    """What speaks against a deputy."""

    APPROVES_NOTHING = "approves_nothing"
    KEEPS_THE_STORE = "keeps_the_store"
    ASKS_THEMSELVES = "asks_themselves"


@dataclass(frozen=True)
class Person:
    """Somebody who could stand in: the sign-in name, the name that is shown, and what speaks against it."""

    login: str
    name: str
    post: str
    cautions: tuple[Caution, ...] = ()


async def candidates(actor: Actor, now: datetime) -> list[Person]:
    """Who may look at the requests of all sites where the actor decides: who approves by their own role first, then by name."""
    async with transaction(EVERYTHING) as tx:
        roles = await deciding_roles(tx)
        needed = _deciding_scope(actor, roles)
        rows = await tx.fetch(
            'select distinct u.id, u.name, u.display_name, u.post from users u join grants g on g."user" = u.id '
            "and (g.ends_at is null or g.ends_at > $2) where u.active and u.id <> $1 "
            "and (not $3 or (g.unit is null and g.site is null)) order by u.display_name, u.name", actor.id, now,
            needed.everything,
        )  # fmt: skip
        people = [(row, await identify(tx, row["id"], now, origin="")) for row in rows]
        found = [
            Person(row["name"], _shown(row), row["post"], cautions(person, roles))
            for row, person in people
            if _sees(person, needed)
        ]
        return sorted(found, key=lambda one: (Caution.APPROVES_NOTHING in one.cautions, len(one.cautions)))


def cautions(person: Actor, roles: frozenset[str]) -> tuple[Caution, ...]:
    """What speaks against somebody as a deputy, where these roles decide: it is told, and not forbidden."""
    said = {
        Caution.APPROVES_NOTHING: not decides(person, roles),
        Caution.KEEPS_THE_STORE: Role.STOREKEEPER in person.roles,
        Caution.ASKS_THEMSELVES: bool({Role.CLERK, Role.DIRECTOR} & person.roles),
    }
    return tuple(caution for caution, holds in said.items() if holds)


async def _deputy(tx: Connection, actor: Actor, login: str, now: datetime) -> asyncpg.Record | None:
    row: asyncpg.Record | None = await tx.fetchrow(
        "select id, name, display_name from users where name = $1 and active and id <> $2",
        clean(login, 60).lower(), actor.id,
    )  # fmt: skip
    if row is None:
        return None
    needed = _deciding_scope(actor, await deciding_roles(tx))
    return row if _sees(await identify(tx, row["id"], now, origin=""), needed) else None


def _deciding_scope(actor: Actor, roles: frozenset[str]) -> Scope:
    if not actor.held:
        return actor.scope
    found = Scope()
    for held in actor.held:
        found = found | held.scope if held.role in roles else found
    return found


def _sees(person: Actor, needed: Scope) -> bool:
    if not person.may(Action.VIEW_REQUESTS):
        return False
    seen = person.within(Action.VIEW_REQUESTS).scope if person.held else person.scope
    return seen.everything or (not needed.everything and needed.sites <= seen.sites)


def _shown(row: asyncpg.Record) -> str:
    return str(row["display_name"] or row["name"])
