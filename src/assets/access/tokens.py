"""The verbs of bearer tokens: make one, with limits if need be, find whose it is, end it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from assets.access import drawn
from assets.access.actor import Actor
from assets.access.identify import Limits, identify
from assets.access.permissions import Action
from assets.audit.service import record
from assets.db import EVERYTHING, Connection, transaction
from assets.errors import Conflict, Invalid, NotAllowed, NotFound
from assets.ids import new_id
from assets.text import clean
from assets.web.language import N_

KIND = "ast_"
DAYS = 365
DAYS_MAX = 3_650


def days_of(text: str) -> int:
    """For how many days, as a form says it; Invalid for what is no whole number from 1 to DAYS_MAX."""
    days = int(text) if text.isascii() and text.isdigit() and len(text) <= 4 else 0
    if not 1 <= days <= DAYS_MAX:
        raise Invalid(fields={"days": N_("Please write a whole number.")})
    return days


TOKENS_MAX = 50  # of one person at a time
SITES_MAX = 200
TOUCH = timedelta(minutes=1)


@dataclass(frozen=True)
class NewToken:
    """A token to be: for whom, what for, how long, and no more than these actions at these sites (codes; empty: all)."""

    user: str
    title: str = ""
    days: int = DAYS
    actions: Sequence[Action] = ()
    sites: Sequence[str] = ()


async def create_token(actor: Actor, new: NewToken, *, now: datetime) -> str:
    """The token; the only moment at which it can be read. One's own, or anybody's for whoever manages people."""
    name = clean(new.user, 60).lower()
    if not actor.known or (name != actor.login and not actor.everywhere(Action.MANAGE_PEOPLE)):
        raise NotAllowed()
    if actor.limited:
        raise NotAllowed(N_("A token with limits cannot make another."))
    async with transaction(EVERYTHING) as tx:
        user = await tx.fetchval("select id from users where name = $1 and active", name)
        if user is None:
            raise NotFound(N_("There is no active person with this name."))
        in_use = 'select count(*) from tokens where "user" = $1 and revoked_at is null and expires_at > $2'
        if await tx.fetchval(in_use, user, now) >= TOKENS_MAX:
            raise Conflict(N_("There are too many tokens already; revoke those that nobody uses."))
        token, made = new_id(), drawn.token(KIND)
        actions = sorted(set(new.actions))
        await tx.execute(
            'insert into tokens (id, "user", prefix, digest, title, actions, sites, created_by, created_at, expires_at) '
            "values ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10)",
            token, user, made.prefix, made.digest, clean(new.title), json.dumps(actions),
            json.dumps([str(site) for site in await _sites(tx, new.sites)]), actor.name, now, now + timedelta(days=new.days),
        )  # fmt: skip
        await record(
            tx, by=actor, action="create", kind="token", subject=token, name=name,
            after={"title": new.title, "days": new.days, "actions": actions, "sites": list(new.sites)},
        )  # fmt: skip
        return made.whole


async def _sites(tx: Connection, codes: Sequence[str]) -> list[UUID]:
    rows = {r["code"]: r["id"] for r in await tx.fetch("select id, code from sites where code = any($1)", list(codes))}
    if wrong := {f"sites.{n}": N_("There is no such site.") for n, code in enumerate(codes) if code not in rows}:
        raise Invalid(fields=wrong)
    return [rows[code] for code in codes]


async def revoke_token(actor: Actor, token: UUID, *, now: datetime, why: str = "") -> None:
    """End a token at once: one's own, or anybody's for whoever manages people; NotFound otherwise. Twice is as once."""
    async with transaction(EVERYTHING) as tx:
        row = await tx.fetchrow(
            'select t.revoked_at, t."user", u.name from tokens t join users u on u.id = t."user" where t.id = $1 for update of t',
            token,
        )
        if row is None or not (row["user"] == actor.id or actor.everywhere(Action.MANAGE_PEOPLE)):
            raise NotFound()
        if row["revoked_at"] is None:
            await tx.execute("update tokens set revoked_at = $2 where id = $1", token, now)
            await record(
                tx, by=actor, action="revoke", kind="token", subject=token, name=row["name"],
                before={"revoked_at": None}, after={"revoked_at": now}, reason=clean(why),
            )  # fmt: skip


async def revoke_all(tx: Connection, actor: Actor, user: UUID, name: str, now: datetime) -> None:
    """End every token of somebody who is let in no more: they do not come back when the person does."""
    rows = await tx.fetch(
        'update tokens set revoked_at = $2 where "user" = $1 and revoked_at is null returning id', user, now
    )
    for row in rows:
        await record(
            tx, by=actor, action="revoke", kind="token", subject=row["id"], name=name, before={"revoked_at": None},
            after={"revoked_at": now},
        )  # fmt: skip


async def actor_of_token(token: str, *, origin: str, now: datetime) -> Actor | None:
    """Who holds this bearer token, or None when it is none, has ended or was revoked."""
    parts = drawn.taken_apart(token, KIND)
    if parts is None:
        return None
    async with transaction(EVERYTHING) as tx:
        row = await tx.fetchrow(
            'select t.id, t."user", t.digest, t.last_used_at, t.actions, t.sites from tokens t '
            'join users u on u.id = t."user" where t.prefix = $1 and t.revoked_at is null '
            "and (t.expires_at is null or t.expires_at > $2) and u.active", parts[0], now,
        )  # fmt: skip
        if row is None or not drawn.fits(row["digest"], parts[1]):
            return None
        if row["last_used_at"] is None or now - row["last_used_at"] > TOUCH:
            await tx.execute("update tokens set last_used_at = $2 where id = $1", row["id"], now)
        limits = Limits.stored(row["actions"], row["sites"])
        return await identify(tx, row["user"], now, origin=origin, limits=limits)
