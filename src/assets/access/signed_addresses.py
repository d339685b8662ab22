"""Signed addresses: a web address with a secret in it that opens one form about one thing, for a time, without signing in.

Only the digest of the secret is stored. An address is worth no more than the person who issued it: once they are let in
no more, or may no longer do at that site what the address is for, it opens nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from assets.access import drawn, throttle
from assets.access.actor import Actor
from assets.access.identify import identify
from assets.access.permissions import Action, Role
from assets.access.throttle import Door
from assets.audit.service import record, shown
from assets.db import EVERYTHING, Connection, Scope, transaction
from assets.errors import Conflict, Gone, Invalid, NotAllowed, NotFound
from assets.ids import new_id
from assets.text import clean
from assets.web.addresses import place_of
from assets.web.language import DEFAULT, N_, translate

KIND = "signed_address"
NAME_MAX = 120
GIVEN_NAME_MAX = 80  # nobody has verified it: what follows it says so
DAYS = (1, 7, 30)
LIFE_MAX = timedelta(days=30)
OPEN_MAX = 20  # of one thing at a time
SENT_MAX = 20  # forms with one address within throttle.WINDOW
TRIED_MAX = 60  # unknown secrets from one place within throttle.WINDOW
SECRET_LENGTH_MAX = 100
OVER = N_("This address is no longer valid. Please ask whoever gave it to you for a new one.")


class Purpose(StrEnum):
    """What an address opens."""

    REPORT_FAULT = "report_fault"
    CONFIRM_HAND_OVER = "confirm_hand_over"


@dataclass(frozen=True)
class Lends:
    """What an address lends to whoever comes by it, and what its issuer must be allowed to do at the site: one of these."""

    action: Action
    issuer: tuple[Action, ...]


LENDS: Mapping[Purpose, Lends] = {
    Purpose.REPORT_FAULT: Lends(Action.DECLARE, (Action.DECLARE, Action.EDIT_INVENTORY)),
    Purpose.CONFIRM_HAND_OVER: Lends(Action.RECEIVE_TRANSFER, (Action.RECEIVE_TRANSFER, Action.EDIT_INVENTORY)),
}


@dataclass(frozen=True)
class Issued:
    """A new address; the secret can be read at this moment only."""

    id: UUID
    secret: str = field(repr=False)


@dataclass(frozen=True)
class SignedAddress:
    """An address that is valid: what it opens, about which thing of which site, and who issued it."""

    id: UUID
    purpose: Purpose
    subject: UUID
    name: str
    site: UUID
    issued_by: str
    expires_at: datetime
    origin: str = ""

    def actor(self, name: str = "") -> Actor:
        """Whoever came by it, under the name that they gave: may do what it lends, at its site, and nothing else."""
        said = clean(name, GIVEN_NAME_MAX)
        by = (
            translate(DEFAULT, N_("%(name)s (not signed in)"), name=said)
            if said
            else translate(DEFAULT, N_("somebody by an address of %(name)s"), name=self.issued_by)
        )
        return Actor(
            id=None, name=by[:NAME_MAX], roles=frozenset({Role.CLERK}), scope=Scope.of_sites([self.site]), origin=self.origin,
            actions=frozenset({LENDS[self.purpose].action}), limited=True,
        )  # fmt: skip


async def issue(
    tx: Connection,
    actor: Actor,
    purpose: Purpose,
    subject: UUID,
    site: UUID,
    *,
    name: str,
    until: datetime,
    now: datetime,
) -> Issued:
    """Make an address about a thing (`name`: what people call it) at a site, within the caller's transaction.

    NotAllowed unless the actor is a person who may do there what it is for; Conflict when the thing has many already.
    """
    if actor.id is None or actor.limited or not _may(actor, purpose, site):
        raise NotAllowed()
    if not now < until <= now + LIFE_MAX:
        raise Invalid(fields={"days": N_("From 1 to 30 days.")})
    await tx.execute("select pg_advisory_xact_lock(hashtextextended($1, 0))", f"signed addresses {subject}")
    valid = "select count(*) from signed_addresses where subject = $1 and withdrawn_at is null and expires_at > $2"
    if await tx.fetchval(valid, subject, now) >= OPEN_MAX:
        raise Conflict(N_("There are many addresses of it already; withdraw those that nobody uses."))
    made, secret = new_id(), drawn.cookie()
    row = await tx.fetchrow(
        "insert into signed_addresses (id, purpose, subject, name, site, digest, issued_by, issued_by_name, issued_at, "
        "expires_at, withdrawn_by_name, uses, last_used_by) values ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,'',0,'') returning *",
        made, purpose, subject, clean(name, NAME_MAX), site, drawn.digest(secret), actor.id, actor.name, now, until,
    )  # fmt: skip
    await record(tx, by=actor, action="issue", kind=KIND, subject=made, name=name, site=site, after=shown(row))
    return Issued(made, secret)


def _may(actor: Actor, purpose: Purpose, site: UUID) -> bool:
    return any(actor.may(action, at=site) and actor.within(action).scope.sees(site) for action in LENDS[purpose].issuer)


async def opened(purpose: Purpose, secret: str, *, now: datetime, origin: str = "") -> SignedAddress:
    """What an address opens now. NotFound when there is none, Gone when it has ended, TooMany when somebody guesses.

    Why it has ended is not told: expired, withdrawn and issued by somebody who may no longer look alike.
    """
    place = Door(drawn.digest(f"signed-address-from:{place_of(origin)}"), TRIED_MAX)
    tries = await throttle.knock([place], now)
    async with transaction(EVERYTHING) as tx:
        row = await tx.fetchrow(
            "select a.*, u.active from signed_addresses a join users u on u.id = a.issued_by "
            "where a.digest = $1 and a.purpose = $2", drawn.digest(secret[:SECRET_LENGTH_MAX]), purpose,
        )  # fmt: skip
        if row is None:
            raise NotFound()
        await throttle.take_back(tx, tries)
        if not (row["withdrawn_at"] is None and now < row["expires_at"] and row["active"]):
            raise Gone(OVER)
        if not _may(await identify(tx, row["issued_by"], now, origin=""), purpose, row["site"]):
            raise Gone(OVER)
    return SignedAddress(
        row["id"], purpose, row["subject"], row["name"], row["site"], row["issued_by_name"], row["expires_at"], origin
    )


async def knock(address: SignedAddress, now: datetime) -> None:
    """Count a form that comes by this address; TooMany when it had its share."""
    await throttle.knock([Door(drawn.digest(f"signed-address:{address.id}"), SENT_MAX)], now)


async def use(tx: Connection, address: SignedAddress, by: Actor, *, now: datetime) -> None:
    """Write down that somebody did by this address what it is for, in the transaction in which they do it."""
    after = await tx.fetchrow(
        "update signed_addresses set uses = uses + 1, last_used_at = $2, last_used_by = $3 where id = $1 "
        "and withdrawn_at is null and expires_at > $2 returning uses, last_used_at, last_used_by",
        address.id, now, by.name,
    )  # fmt: skip
    if after is None:
        raise Gone(OVER)  # withdrawn in this moment
    before = {"uses": after["uses"] - 1}
    await record(
        tx, by=by, action="use", kind=KIND, subject=address.id, name=address.name, site=address.site, before=before,
        after=dict(after),
    )  # fmt: skip


async def withdraw(actor: Actor, address: UUID, *, now: datetime) -> Mapping[str, Any]:
    """End an address at once, whoever issued it; ending it twice is as once. The answer is its row.

    NotFound when it stands at a site where the actor may not issue one.
    """
    async with transaction(actor.scope) as tx:
        before = await tx.fetchrow("select * from signed_addresses where id = $1 for update", address)
        if before is None or not _may(actor, Purpose(before["purpose"]), before["site"]):
            raise NotFound()
        if before["withdrawn_at"] is None:
            after = await tx.fetchrow(
                "update signed_addresses set withdrawn_at = $2, withdrawn_by_name = $3 where id = $1 returning *",
                address, now, actor.name,
            )  # fmt: skip
            await record(
                tx, by=actor, action="withdraw", kind=KIND, subject=address, name=before["name"], site=before["site"],
                before={"withdrawn_at": None}, after={"withdrawn_at": after["withdrawn_at"]},
            )  # fmt: skip
        found: Mapping[str, Any] = before
        return found
