"""The verbs of signing in: start a session, find who holds one, end it.

A session always begins under a new id, and gets another one when its holder shows a second factor or changes the
password. What somebody still owes (a code, a new password, a second factor) keeps them out of everything else.
"""

import json
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

import asyncpg
import structlog

from assets.access import passwords, throttle
from assets.access.actor import Actor
from assets.access.drawn import cookie as draw_cookie
from assets.access.drawn import digest
from assets.access.identify import identify
from assets.access.permissions import Action, needs_second_factor, staying
from assets.audit.service import record
from assets.db import EVERYTHING, Connection, transaction
from assets.errors import NotAllowed, NotFound, NotSignedIn
from assets.ids import new_id
from assets.text import clean
from assets.vault import SealBroken, Vault, VaultError
from assets.web.language import N_

TOUCH = timedelta(minutes=1)  # how stale last_seen_at may be: one write a minute and session, not one a click
WRONG = N_("The name or the password is not right. Please enter both again.")
DEVICE_MAX = 1_000  # characters of the cookie that knows a browser again
_log = structlog.get_logger(__name__)


class Owed(StrEnum):
    """What somebody whose password was right must do before anything else, in this order."""

    CODE = "code"
    PASSWORD = "password"
    ENROLMENT = "enrolment"


@dataclass(frozen=True)
class Visit:
    """Where a browser is and what it brings: its address, what it calls itself, its cookies (empty: none)."""

    address: str = ""
    agent: str = ""
    session: str = field(default="", repr=False)
    device: str = field(default="", repr=False)


@dataclass(frozen=True)
class Entered:
    """A fresh session: the cookie of the session and the one that knows this browser again."""

    cookie: str = field(repr=False)
    device: str = field(repr=False)
    actor: Actor = field(repr=False)


@dataclass(frozen=True)
class Holder:
    """Who holds a session. While something is owed `actor` may do nothing but that."""

    user: UUID
    session: str
    actor: Actor
    owed: Owed | None


async def sign_in(name: str, password: str, visit: Visit, *, vault: Vault, now: datetime) -> Entered:
    """Start a session; NotSignedIn says the same of an unknown name, a wrong password and a disabled account.

    TooMany after too many tries for the name, or from the address.
    """
    name = clean(name, 60).lower()
    device = _device(vault, visit.device, name)
    # A browser that is known has its own door alone: strangers behind the same address must not close it.
    doors = [throttle.by_device(device)] if device else [throttle.by_name(name), throttle.by_address(visit.address)]
    tries = await throttle.knock(doors, now)
    async with transaction(EVERYTHING) as tx:
        row = await tx.fetchrow(
            "select id, password_hash from users where name = $1 and active and (password_until is null or password_until > $2)",
            name, now,
        )  # fmt: skip
    if not await passwords.fits(password, row["password_hash"] if row else None) or row is None:
        # A name that does not exist may be a password in the wrong box.
        _log.warning("sign-in refused", name=name if row else "unknown", address=visit.address)
        raise NotSignedIn(WRONG)
    async with transaction(EVERYTHING) as tx:
        actor = await identify(tx, row["id"], now, origin=visit.address)
        if not actor.known:  # every grant has ended
            raise NotSignedIn(WRONG)
        await throttle.forget(tx, doors[:1])
        await throttle.take_back(tx, tries)
        await tx.execute("delete from sessions where digest = $1", digest(visit.session))
        cookie = await _start(tx, actor, visit, now)
        await record(
            tx, by=actor, action="sign_in", kind="user", subject=row["id"], name=actor.login,
            after={"agent": clean(visit.agent), "address": clean(visit.address, 60)},
        )  # fmt: skip
    return Entered(cookie, _known_from_now_on(vault, device, name), replace(actor, session=digest(cookie)))


def _device(vault: Vault, cookie: str, name: str) -> str:
    """The mark of a browser in which this person has signed in before; empty when it is none of those."""
    if not 0 < len(cookie) <= DEVICE_MAX:
        return ""
    try:
        mark, owner = json.loads(vault.unseal(cookie, bound_to="cookie.device"))
    except (VaultError, SealBroken, ValueError):
        return ""
    return str(mark) if owner == name else ""


def _known_from_now_on(vault: Vault, device: str, name: str) -> str:
    return vault.seal(json.dumps([device or str(new_id()), name]), bound_to="cookie.device")


async def _start(
    tx: Connection, actor: Actor, visit: Visit, now: datetime, second_factor_at: datetime | None = None
) -> str:
    limits, cookie = staying(actor.roles), draw_cookie()
    await tx.execute(
        'insert into sessions (digest, public_id, "user", created_at, last_seen_at, expires_at, ends_at, second_factor_at, '
        "agent, address) values ($1,$2,$3,$4,$4,$5,$6,$7,$8,$9)",
        digest(cookie), new_id(), actor.id, now, now + limits.idle, now + limits.absolute, second_factor_at,
        clean(visit.agent), clean(visit.address, 60),
    )  # fmt: skip
    return cookie


async def renew(tx: Connection, session: str, *, second_factor_at: datetime | None = None) -> str:
    """A new id for a session that has just become worth more; the cookie's new value."""
    cookie = draw_cookie()
    await tx.execute(
        "update sessions set digest = $2, second_factor_at = coalesce($3, second_factor_at) where digest = $1",
        session, digest(cookie), second_factor_at,
    )  # fmt: skip
    return cookie


async def holder_of(
    cookie: str, *, origin: str, second_factor: bool, now: datetime, touch: bool = True
) -> Holder | None:
    """Who holds this cookie, or None when it is unknown or over, its person was disabled, or no grant holds any more.

    With `second_factor` those whose grants cover the province owe one. Without `touch` the call does not count as use:
    a page that refreshes itself must not keep a session alive.
    """
    async with transaction(EVERYTHING) as tx:
        row = await tx.fetchrow(
            'select s.digest, s."user", s.last_seen_at, s.second_factor_at, u.totp is not null as has_totp, u.must_change '
            'from sessions s join users u on u.id = s."user" where s.digest = $1 and s.expires_at > $2 and s.ends_at > $2 '
            "and u.active", digest(cookie), now,
        )  # fmt: skip
        if row is None:
            return None
        actor = await identify(tx, row["user"], now, origin=origin, session=row["digest"])
        if not actor.known:
            return None
        if touch and now - row["last_seen_at"] > TOUCH:
            await tx.execute(
                "update sessions set last_seen_at = $2, expires_at = least(ends_at, $3) where digest = $1",
                row["digest"], now, now + staying(actor.roles).idle,
            )  # fmt: skip
        return Holder(row["user"], row["digest"], actor, _owed(row, actor, second_factor))


def _owed(row: asyncpg.Record, actor: Actor, second_factor: bool) -> Owed | None:
    if row["has_totp"] and row["second_factor_at"] is None:
        return Owed.CODE
    if row["must_change"]:
        return Owed.PASSWORD
    provincial = (held.role for held in actor.held if held.scope.everything)
    if second_factor and not row["has_totp"] and any(map(needs_second_factor, provincial)):
        return Owed.ENROLMENT
    return None


async def sign_out(holder: Holder) -> None:
    """End this session."""
    async with transaction(EVERYTHING) as tx:
        await tx.execute("delete from sessions where digest = $1", holder.session)
        await record(tx, by=holder.actor, action="sign_out", kind="user", subject=holder.user, name=holder.actor.login)


async def change_password(holder: Holder, new: str, *, now: datetime, old: str | None = None) -> str:
    """Another password; the cookie's new value. Every other session of the person ends.

    `old` is asked for unless the change is owed. Invalid names what is wrong, TooMany ends the trying.
    """
    door = throttle.by_session(holder.session)
    async with transaction(EVERYTHING) as tx:
        row = await tx.fetchrow("select name, display_name, password_hash from users where id = $1", holder.user)
    assert row is not None
    if holder.owed is not Owed.PASSWORD:
        await throttle.knock([door], now)
        if not await passwords.fits(old or "", row["password_hash"]):
            raise NotAllowed(N_("The present password is not right."))
    elif await passwords.fits(new, row["password_hash"]):
        raise NotAllowed(N_("Choose another password than the one that was given to you."))
    stored = await passwords.hashed(new, [row["name"], row["display_name"]])
    async with transaction(EVERYTHING) as tx:
        await tx.execute(
            "update users set password_hash = $2, must_change = false, password_until = null, version = version + 1 "
            "where id = $1",
            holder.user, stored,
        )  # fmt: skip
        await throttle.forget(tx, [door])
        await end_all(tx, holder.user, but=holder.session)
        await record(tx, by=holder.actor, action="change_password", kind="user", subject=holder.user, name=row["name"])
        return await renew(tx, holder.session)


async def end_all(tx: Connection, user: UUID, *, but: str = "") -> None:
    """End every session of somebody, except perhaps one."""
    await tx.execute('delete from sessions where "user" = $1 and digest <> $2', user, but)


async def end_one(actor: Actor, session: UUID, *, why: str = "") -> None:
    """End a session by its public id: one's own, or anybody's for whoever manages people; NotFound otherwise."""
    async with transaction(EVERYTHING) as tx:
        row = await tx.fetchrow(
            'select s.digest, s."user", u.name, s.agent, s.address from sessions s join users u on u.id = s."user" '
            "where s.public_id = $1",
            session,
        )
        if row is None or not (row["user"] == actor.id or actor.everywhere(Action.MANAGE_PEOPLE)):
            raise NotFound()
        await tx.execute("delete from sessions where digest = $1", row["digest"])
        await record(
            tx, by=actor, action="end_session", kind="user", subject=row["user"], name=row["name"],
            before={"agent": row["agent"], "address": row["address"]}, reason=clean(why),
        )  # fmt: skip


async def tidy(tx: Connection, now: datetime) -> None:
    """Forget sessions that are over, and tries that no longer count."""
    await tx.execute("delete from sessions where expires_at < $1 or ends_at < $1", now)
    await throttle.tidy(tx, now)
