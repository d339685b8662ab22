"""The verbs of access: people, grants, sign-in, sessions and tokens."""

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, reduce
from operator import or_
from uuid import UUID

import anyio
import asyncpg
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from assets.access.actor import Actor, Held
from assets.access.permissions import Action, Reach, Role, refused_reach
from assets.audit.service import record
from assets.db import EVERYTHING, NOTHING, Connection, Scope, transaction
from assets.errors import Conflict, Invalid, NotAllowed, NotFound, NotSignedIn, Unavailable
from assets.ids import new_id
from assets.text import clean

SESSION_IDLE = timedelta(hours=8)
SESSION_TOUCH = timedelta(minutes=1)  # how stale last_seen_at may be: one write a minute and session, not one a click
SIGN_INS_WAITING_MAX = 40  # each takes a core for 0.1 s; who comes later is told so instead of waiting
PASSWORD_MIN = 10
PASSWORD_MAX = 128
TOKEN_PREFIX = "ast_"
# OWASP's minimum for Argon2id; the defaults cost five times as much on a busy machine.
_HASH = PasswordHash((Argon2Hasher(time_cost=2, memory_cost=19_456, parallelism=1),))


@cache
def _one_at_a_time() -> anyio.CapacityLimiter:
    return anyio.CapacityLimiter(2)  # a hash takes a core for 0.1 s: two at once at most


@dataclass(frozen=True)
class SignedIn:
    """A fresh session: the cookie's value, shown to the browser once, and who it is."""

    cookie: str
    actor: Actor


def digest(secret: str) -> str:
    """What is stored of a secret that a machine drew: 256 random bits need no slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()


async def hash_password(password: str) -> str:
    """Argon2id in a thread; raises Invalid when the password is too short or too long."""
    if not PASSWORD_MIN <= len(password) <= PASSWORD_MAX:
        raise Invalid(fields={"password": f"between {PASSWORD_MIN} and {PASSWORD_MAX} characters"})
    return await anyio.to_thread.run_sync(_HASH.hash, password, limiter=_one_at_a_time())


async def sign_in(name: str, password: str, *, agent: str = "", now: datetime) -> SignedIn:
    """Start a session under a new id; NotSignedIn says the same whether the name or the password is wrong."""
    if _one_at_a_time().statistics().tasks_waiting >= SIGN_INS_WAITING_MAX:
        raise Unavailable("Too many people are signing in just now.")
    async with transaction(EVERYTHING) as tx:
        row = await tx.fetchrow("select id, password_hash, active from users where name = $1", name.strip().lower())
    stored = row["password_hash"] if row and row["active"] and row["password_hash"] else await _dummy()
    good = await anyio.to_thread.run_sync(_verify, password[: PASSWORD_MAX + 1], stored, limiter=_one_at_a_time())
    if not good or row is None or not row["active"]:
        raise NotSignedIn("The name or the password is not right.")
    cookie = secrets.token_urlsafe(32)
    async with transaction(EVERYTHING) as tx:
        await tx.execute(
            'insert into sessions (digest, public_id, "user", created_at, last_seen_at, expires_at, ends_at, agent) '
            "values ($1,$2,$3,$4,$4,$5,$5,$6)", digest(cookie), new_id(), row["id"], now, now + SESSION_IDLE, clean(agent),
        )  # fmt: skip
        actor = await _actor(tx, row["id"], now, session=digest(cookie))
    return SignedIn(cookie, actor)


def _verify(password: str, stored: str) -> bool:
    return _HASH.verify(password, stored)


@cache
def _dummy_text() -> str:
    return _HASH.hash(secrets.token_urlsafe(16))


async def _dummy() -> str:
    # An unknown name must cost as much as a wrong password.
    return await anyio.to_thread.run_sync(_dummy_text, limiter=_one_at_a_time())


async def sign_out(session_digest: str) -> None:
    """End one session."""
    async with transaction(EVERYTHING) as tx:
        await tx.execute("delete from sessions where digest = $1", session_digest)


async def actor_of_session(cookie: str, *, origin: str, now: datetime, touch: bool = True) -> Actor | None:
    """Who holds this cookie, or None when it is unknown, over, or its person was disabled.

    Without `touch` the call does not count as use: a page that refreshes itself must not keep a session alive.
    """
    async with transaction(EVERYTHING) as tx:
        row = await tx.fetchrow(
            'select s.digest, s."user", s.last_seen_at from sessions s join users u on u.id = s."user" '
            "where s.digest = $1 and s.expires_at > $2 and u.active", digest(cookie), now,
        )  # fmt: skip
        if row is None:
            return None
        if touch and now - row["last_seen_at"] > SESSION_TOUCH:
            await tx.execute(
                "update sessions set last_seen_at = $2, expires_at = $3 where digest = $1",
                row["digest"],
                now,
                now + SESSION_IDLE,
            )
        return await _actor(tx, row["user"], now, session=row["digest"], origin=origin)


async def actor_of_token(token: str, *, origin: str, now: datetime) -> Actor | None:
    """Who holds this bearer token `ast_<prefix>.<secret>`, or None."""
    prefix, dot, secret = token.removeprefix(TOKEN_PREFIX).partition(".")
    if not dot or not token.startswith(TOKEN_PREFIX):
        return None
    async with transaction(EVERYTHING) as tx:
        row = await tx.fetchrow(
            'select t.id, t."user", t.digest, t.last_used_at from tokens t join users u on u.id = t."user" '
            "where t.prefix = $1 and t.revoked_at is null and (t.expires_at is null or t.expires_at > $2) and u.active",
            prefix, now,
        )  # fmt: skip
        if row is None or not hmac.compare_digest(row["digest"], digest(secret)):
            return None
        if row["last_used_at"] is None or now - row["last_used_at"] > SESSION_TOUCH:
            await tx.execute("update tokens set last_used_at = $2 where id = $1", row["id"], now)
        return await _actor(tx, row["user"], now, origin=origin)


async def _actor(tx: Connection, user: UUID, now: datetime, *, session: str = "", origin: str = "") -> Actor:
    person = await tx.fetchrow("select id, name, display_name, language from users where id = $1", user)
    assert person is not None
    grants = await tx.fetch(
        'select role, unit, site from grants where "user" = $1 and (ends_at is null or ends_at > $2)', user, now
    )
    held = await _held(tx, grants)
    scope = reduce(or_, (one.scope for one in held), NOTHING)
    return Actor(
        id=person["id"], name=person["display_name"] or person["name"], login=person["name"],
        roles=frozenset(one.role for one in held), scope=scope, language=person["language"], origin=origin,
        session=session, home_site=await _home(tx, scope), held=held,
    )  # fmt: skip


async def _held(tx: Connection, grants: Sequence[asyncpg.Record]) -> tuple[Held, ...]:
    """Each grant's role with the sites that it covers now: a site that is opened later belongs to its unit's people."""
    sites = await tx.fetch(
        "select id, unit from sites where unit = any($1) or id = any($2)",
        [g["unit"] for g in grants if g["unit"]], [g["site"] for g in grants if g["site"]],
    )  # fmt: skip
    return tuple(
        Held(
            Role(grant["role"]),
            EVERYTHING
            if grant["unit"] is None and grant["site"] is None
            else Scope.of_sites(s["id"] for s in sites if grant["unit"] == s["unit"] or grant["site"] == s["id"]),
        )
        for grant in grants
    )


async def _home(tx: Connection, scope: Scope) -> UUID | None:
    if scope.everything or not scope.sites:
        return None
    query = "select id from sites where id = any($1) order by (kind = 'centre') desc, code limit 1"
    site = await tx.fetchval(query, list(scope.sites))
    assert site is None or isinstance(site, UUID)
    return site


async def tidy(tx: Connection, now: datetime) -> None:
    """Forget sessions that are over."""
    await tx.execute("delete from sessions where expires_at < $1", now)


@dataclass(frozen=True)
class NewUser:
    """A person to be added; `unit` is a 5-digit code, or empty for the province."""

    name: str
    role: Role
    password: str | None = None
    display_name: str = ""
    post: str = ""
    email: str = ""
    unit: str = ""
    language: str = "vi"


async def add_user(actor: Actor, new: NewUser) -> UUID:
    """Add a person with one grant; Conflict when the name is taken, NotFound when the unit is not known."""
    _may_manage(actor)
    if reason := refused_reach(new.role, Reach.UNIT if new.unit else Reach.PROVINCE):
        raise Invalid(fields={"role" if new.role is Role.COLLECTOR else "unit": reason})
    name = clean(new.name, 60).lower()
    if not name or not all(c.isalnum() or c in "._-" for c in name):
        raise Invalid(fields={"name": "letters, digits, dot, dash and underscore"})
    hashed = await hash_password(new.password) if new.password is not None else None
    async with transaction(actor.scope) as tx:
        unit = await _unit(tx, new.unit)
        if await tx.fetchval("select 1 from users where name = $1", name):
            raise Conflict(f"There is already a person with the name {name}.")
        user = new_id()
        await tx.execute(
            "insert into users (id, name, display_name, post, email, language, password_hash, phone, active, created_at, version)"
            " values ($1,$2,$3,$4,$5,$6,$7,'',true,now(),1)",
            user, name, clean(new.display_name, 120), clean(new.post, 120), clean(new.email, 254), new.language, hashed,
        )  # fmt: skip
        await tx.execute(
            'insert into grants (id, "user", role, unit, created_at) values ($1,$2,$3,$4,now())',
            new_id(),
            user,
            new.role,
            unit,
        )
        await record(
            tx, by=actor, action="add", kind="user", subject=user, name=name, after={"role": new.role, "unit": new.unit}
        )
        return user


def _may_manage(actor: Actor) -> None:
    actor.require(Action.MANAGE_PEOPLE)
    if not actor.scope.everything:
        raise NotAllowed()


async def _unit(tx: Connection, code: str) -> UUID | None:
    if not code:
        return None
    unit = await tx.fetchval("select id from administrative_units where code = $1", code)
    if unit is None:
        raise NotFound(f"There is no administrative unit with the code {code}.")
    assert isinstance(unit, UUID)
    return unit


def draw_token() -> tuple[str, str, str]:
    """A new token in three: its prefix, what is stored of its secret, and the whole, which is shown once."""
    prefix, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    return prefix, digest(secret), f"{TOKEN_PREFIX}{prefix}.{secret}"


async def create_token(actor: Actor, user_name: str, *, title: str = "", now: datetime, days: int = 365) -> str:
    """A bearer token for a person; the only moment at which it can be read."""
    _may_manage(actor)
    async with transaction(actor.scope) as tx:
        user = await tx.fetchval("select id from users where name = $1 and active", user_name.strip().lower())
        if user is None:
            raise NotFound(f"There is no active person with the name {user_name}.")
        prefix, stored, whole = draw_token()
        token = new_id()
        await tx.execute(
            'insert into tokens (id, "user", prefix, digest, title, created_at, expires_at) values ($1,$2,$3,$4,$5,$6,$7)',
            token, user, prefix, stored, clean(title), now, now + timedelta(days=days),
        )  # fmt: skip
        await record(tx, by=actor, action="create", kind="token", subject=token, name=user_name)
        return whole
