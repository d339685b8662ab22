"""The verbs of people: add and edit them, give and end grants, help those who are locked out.

Signing in is in `sessions` and `second_factor`, bearer tokens are in `tokens`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from assets import clock
from assets.access import drawn, passwords, second_factor, sessions, tokens
from assets.access.actor import Actor
from assets.access.permissions import Action, Reach, Role, refused_reach
from assets.audit.service import record
from assets.db import EVERYTHING, Connection, transaction
from assets.errors import Conflict, Invalid, NotAllowed, NotFound, Stale
from assets.ids import new_id
from assets.places.service import IN_FORCE
from assets.text import clean
from assets.web.changes import refuse_others
from assets.web.language import LANGUAGES, N_

YEAR_MAX = 2100
INITIAL = timedelta(days=14)  # how long an initial password waits for its first use
LENGTHS = {"display_name": 120, "post": 120, "email": 254, "phone": 40}
LOCK = 0x0A55E70  # pg_advisory_xact_lock key: two administrators must not end each other at once
LAST_ADMINISTRATOR = N_("This is the last administrator; make another one first.")


@dataclass(frozen=True)
class NewGrant:
    """A role over the province, over the sites of a unit (its 5-digit code) or at one site (its code), perhaps to an end."""

    role: Role
    unit: str = ""
    site: str = ""
    ends_at: datetime | None = None

    @property
    def reach(self) -> Reach:
        """What it covers."""
        return Reach.UNIT if self.unit else Reach.SITE if self.site else Reach.PROVINCE


@dataclass(frozen=True)
class NewUser:
    """A person to be added, with a first grant. Their password is an initial one unless `must_change` is off."""

    name: str
    role: Role
    password: str | None = field(default=None, repr=False)
    display_name: str = ""
    post: str = ""
    email: str = ""
    phone: str = ""
    unit: str = ""
    site: str = ""
    ends_at: datetime | None = None
    language: str = "vi"
    must_change: bool = True


async def add_user(actor: Actor, new: NewUser, *, now: datetime | None = None) -> UUID:
    """Add a person with one grant; Conflict when the name is taken, NotFound when unit or site are not known."""
    _may_manage(actor)
    now = now or clock.now()
    name, grant = clean(new.name, 60).lower(), NewGrant(new.role, new.unit, new.site, new.ends_at)
    _check_grant(grant, now)
    if not name or name == "new" or not all(c.isalnum() or c in "._-" for c in name):
        raise Invalid(fields={"name": N_("Letters, digits, dot, dash and underscore.")})
    if new.language not in LANGUAGES:
        raise Invalid(fields={"language": N_("Please choose one of the list.")})
    stored = await passwords.hashed(new.password, [name, new.display_name]) if new.password is not None else None
    async with transaction(EVERYTHING) as tx:
        if await tx.fetchval("select 1 from users where name = $1", name):
            raise Conflict(N_("There is already a person with the name %(name)s."), name=name)
        user, initial = new_id(), stored is not None and new.must_change
        await tx.execute(
            "insert into users (id, name, display_name, post, email, phone, language, password_hash, must_change, "
            "password_until, active, created_at, version) values ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,true,$11,1)",
            user, name, *(clean(getattr(new, column), length) for column, length in LENGTHS.items()), new.language, stored,
            initial, now + INITIAL if initial else None, now,
        )  # fmt: skip
        await record(
            tx, by=actor, action="add", kind="user", subject=user, name=name,
            after={column: getattr(new, column) for column in (*LENGTHS, "language")},
        )  # fmt: skip
        await _give(tx, actor, user, name, grant, now)
        return user


EDITABLE = frozenset({*LENGTHS, "language", "active"})


async def edit_user(
    actor: Actor, name: str, changes: Mapping[str, Any], *, version: int, now: datetime, why: str = ""
) -> None:
    """Change what is written of somebody, or let them in no more (`active`: false), which ends their sessions at once."""
    _may_manage(actor)
    refuse_others(changes, EDITABLE)
    if changes.get("language", "vi") not in LANGUAGES:
        raise Invalid(fields={"language": N_("Please choose one of the list.")})
    async with transaction(EVERYTHING) as tx:
        row = await _locked(tx, name)
        if row["version"] != version:
            raise Stale()
        values = {c: clean(v, LENGTHS[c]) if c in LENGTHS else v for c, v in changes.items()}
        if values.get("active") is False:
            if row["id"] == actor.id:
                raise Conflict(N_("You cannot lock yourself out."))
            await _keep_an_administrator(tx, row["id"], now)
            await sessions.end_all(tx, row["id"])
            await tokens.revoke_all(tx, actor, row["id"], row["name"], now)
        merged = {column: values.get(column, row[column]) for column in sorted(EDITABLE)}
        await tx.execute(
            "update users set active = $2, display_name = $3, email = $4, language = $5, phone = $6, post = $7, "
            "version = version + 1 where id = $1", row["id"], *merged.values(),
        )  # fmt: skip
        await record(
            tx, by=actor, action="edit", kind="user", subject=row["id"], name=row["name"],
            before={c: row[c] for c in values}, after=values, reason=clean(why),
        )  # fmt: skip


async def give_grant(actor: Actor, name: str, grant: NewGrant, *, now: datetime, why: str = "") -> UUID:
    """Give somebody another role; Conflict when they have it over the same already."""
    _may_manage(actor)
    _check_grant(grant, now)
    async with transaction(EVERYTHING) as tx:
        row = await _locked(tx, name)
        await tx.execute("update users set version = version + 1 where id = $1", row["id"])
        return await _give(tx, actor, row["id"], row["name"], grant, now, why)


async def _give(
    tx: Connection, actor: Actor, user: UUID, name: str, grant: NewGrant, now: datetime, why: str = ""
) -> UUID:
    unit, site = await _place(tx, grant)
    same = (
        'select 1 from grants where "user" = $1 and role = $2 and unit is not distinct from $3 '
        "and site is not distinct from $4 and (ends_at is null or ends_at > $5)"
    )
    if await tx.fetchval(same, user, grant.role, unit, site, now):
        raise Conflict(N_("There is this grant already; end it first to give it another end."))
    made = new_id()
    await tx.execute(
        'insert into grants (id, "user", role, unit, site, ends_at, created_at, created_by) values ($1,$2,$3,$4,$5,$6,$7,$8)',
        made, user, grant.role, unit, site, grant.ends_at, now, actor.name,
    )  # fmt: skip
    await record(
        tx, by=actor, action="give_grant", kind="user", subject=user, name=name,
        after={"grant": made, "role": grant.role, "unit": unit, "site": site, "ends_at": grant.ends_at},
        reason=clean(why),
    )  # fmt: skip
    return made


async def end_grant(actor: Actor, name: str, grant: UUID, *, now: datetime, why: str = "") -> None:
    """End a role of somebody now; ending it twice is as once. Conflict when no administrator would be left."""
    _may_manage(actor)
    async with transaction(EVERYTHING) as tx:
        row = await _locked(tx, name)
        found = await tx.fetchrow(
            'select role, ends_at from grants where id = $1 and "user" = $2 for update', grant, row["id"]
        )
        if found is None:
            raise NotFound()
        if found["ends_at"] is not None and found["ends_at"] <= now:
            return
        if found["role"] == Role.ADMINISTRATOR:
            await _keep_an_administrator(tx, row["id"], now)
        await tx.execute("update grants set ends_at = $2 where id = $1", grant, now)
        await tx.execute("update users set version = version + 1 where id = $1", row["id"])
        await record(
            tx, by=actor, action="end_grant", kind="user", subject=row["id"], name=row["name"],
            before={"role": found["role"], "ends_at": found["ends_at"]}, after={"grant": grant, "ends_at": now},
            reason=clean(why),
        )  # fmt: skip


async def initial_password(actor: Actor, name: str, *, now: datetime, why: str = "") -> str:
    """A new initial password for somebody who forgot theirs, to be read once; their sessions end."""
    _may_manage(actor)
    plain = drawn.password()
    stored = await passwords.hashed(plain)
    async with transaction(EVERYTHING) as tx:
        row = await _locked(tx, name)
        await tx.execute(
            "update users set password_hash = $2, must_change = true, password_until = $3, version = version + 1 where id = $1",
            row["id"], stored, now + INITIAL,
        )  # fmt: skip
        await sessions.end_all(tx, row["id"])
        await tokens.revoke_all(tx, actor, row["id"], row["name"], now)
        await record(
            tx, by=actor, action="initial_password", kind="user", subject=row["id"], name=row["name"],
            before={"must_change": row["must_change"]}, after={"must_change": True, "password_until": now + INITIAL},
            reason=clean(why),
        )  # fmt: skip
    return plain


async def remove_second_factor(actor: Actor, name: str, *, why: str = "") -> None:
    """For somebody whose telephone is lost: they enrol another one at the next sign-in. Their sessions end."""
    _may_manage(actor)
    async with transaction(EVERYTHING) as tx:
        row = await _locked(tx, name)
        await second_factor.remove(tx, row["id"])
        await sessions.end_all(tx, row["id"])
        await record(
            tx, by=actor, action="remove_second_factor", kind="user", subject=row["id"], name=row["name"],
            before={"totp_since": row["totp_since"]}, after={"totp_since": None}, reason=clean(why),
        )  # fmt: skip


def _may_manage(actor: Actor) -> None:
    if not actor.require(Action.MANAGE_PEOPLE).scope.everything:
        raise NotAllowed()


def _check_grant(grant: NewGrant, now: datetime) -> None:
    wrong = {}
    if grant.unit and grant.site:
        wrong["site"] = N_("A unit or a site, not both.")
    elif reason := refused_reach(grant.role, grant.reach):
        wrong["role" if grant.role is Role.COLLECTOR else "site" if grant.site else "unit"] = reason
    if grant.ends_at is not None and grant.ends_at <= now:
        wrong["ends_at"] = N_("This is in the past.")
    elif grant.ends_at is not None and grant.ends_at.year > YEAR_MAX:
        wrong["ends_at"] = N_("This is too far away; leave it empty for no end.")
    if wrong:
        raise Invalid(fields=wrong)


async def _place(tx: Connection, grant: NewGrant) -> tuple[UUID | None, UUID | None]:
    if grant.unit:
        unit = await tx.fetchval(
            f"select id from administrative_units where code = $1 and {IN_FORCE.format(u='')}",  # noqa: S608 - a constant
            grant.unit, clock.today(),
        )  # fmt: skip
        if unit is None:
            raise NotFound(N_("There is no administrative unit with the code %(code)s."), code=clean(grant.unit, 5))
        return unit, None
    if grant.site:
        site = await tx.fetchval("select id from sites where code = $1", grant.site)
        if site is None:
            raise NotFound(N_("There is no site with the code %(code)s."), code=clean(grant.site, 20))
        return None, site
    return None, None


async def _locked(tx: Connection, name: str) -> asyncpg.Record:
    row: asyncpg.Record | None = await tx.fetchrow(
        "select * from users where name = $1 for update", clean(name, 60).lower()
    )
    if row is None:
        raise NotFound()
    return row


async def _keep_an_administrator(tx: Connection, but: UUID, now: datetime) -> None:
    """Conflict unless another person stays an administrator for good and can sign in; one such change at a time."""
    await tx.execute("select pg_advisory_xact_lock($1)", LOCK)
    others = await tx.fetchval(
        'select exists(select 1 from grants g join users u on u.id = g."user" where g.role = $1 and u.active '
        "and u.id <> $2 and g.ends_at is null and u.password_hash is not null)", Role.ADMINISTRATOR, but,
    )  # fmt: skip
    was = await tx.fetchval(
        'select exists(select 1 from grants where "user" = $2 and role = $1 and (ends_at is null or ends_at > $3))',
        Role.ADMINISTRATOR, but, now,
    )  # fmt: skip
    if was and not others:
        raise Conflict(LAST_ADMINISTRATOR)
