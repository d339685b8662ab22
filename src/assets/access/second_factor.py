"""The second factor: time-based one-time passwords (RFC 6238: SHA-1, 6 digits, 30 s) and codes for a lost telephone."""

import hmac
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import pyotp

from assets.access import throttle
from assets.access.drawn import digest, recovery_codes
from assets.access.sessions import Holder, Owed, end_all, renew
from assets.audit.service import record
from assets.db import EVERYTHING, Connection, transaction
from assets.errors import Conflict, NotAllowed
from assets.ids import new_id
from assets.vault import Vault, VaultError
from assets.web.language import N_

ISSUER = "commune-assets"
STEP_SECONDS = 30
DRIFT_STEPS = 1  # a telephone may be half a minute off
WRONG = N_("This code is not right. Wait for the next one and type that.")


@dataclass(frozen=True)
class Offer:
    """A seed to be put into a telephone; `sealed` goes through the form and back, for this session alone."""

    address: str = field(repr=False)  # otpauth://, for the picture
    seed: str = field(repr=False)  # to be typed in where no camera is
    sealed: str = field(repr=False)


@dataclass(frozen=True)
class Enrolled:
    """The codes for a lost telephone, shown this once, and the session's new cookie."""

    codes: list[str] = field(repr=False)
    cookie: str = field(repr=False)


def offer(holder: Holder, *, vault: Vault, seed: str = "") -> Offer:
    """A new seed, or the one that was offered before and not confirmed."""
    seed = seed or pyotp.random_base32()
    address = pyotp.TOTP(seed).provisioning_uri(name=holder.actor.login, issuer_name=ISSUER)
    return Offer(address, seed, vault.seal(seed, bound_to=_offered(holder)))


def offered_again(holder: Holder, sealed: str, *, vault: Vault) -> Offer:
    """The offer that came back with a form; a new one when that is none of ours."""
    try:
        return offer(holder, vault=vault, seed=vault.unseal(sealed, bound_to=_offered(holder)).decode())
    except (VaultError, UnicodeDecodeError):
        return offer(holder, vault=vault)


def _offered(holder: Holder) -> str:
    return f"offer.totp:{holder.session}"


async def enrol(holder: Holder, sealed: str, code: str, *, vault: Vault, now: datetime) -> Enrolled:
    """Take the offered seed when the telephone shows its code; NotAllowed when it does not, Conflict when there is one."""
    seed = offered_again(holder, sealed, vault=vault).seed
    await throttle.knock([throttle.by_code(holder.user)], now)
    step = matching_step(seed, code, after=0, now=now)
    if step is None:
        raise NotAllowed(WRONG)
    async with transaction(EVERYTHING) as tx:
        taken = await tx.fetchval(
            "update users set totp = $2, totp_since = $3, totp_step = $4, version = version + 1 "
            "where id = $1 and totp is null returning name",
            holder.user, vault.seal(seed, bound_to=place_of(holder.user)), now, step,
        )  # fmt: skip
        if taken is None:
            raise Conflict(N_("There is a second factor already."))
        codes = recovery_codes()
        await tx.execute('delete from recovery_codes where "user" = $1', holder.user)
        await tx.executemany(
            'insert into recovery_codes (id, "user", digest) values ($1,$2,$3)',
            [(new_id(), holder.user, digest(plain)) for plain in codes],
        )
        await throttle.forget(tx, [throttle.by_code(holder.user)])
        await end_all(tx, holder.user, but=holder.session)
        await record(tx, by=holder.actor, action="enrol_second_factor", kind="user", subject=holder.user, name=taken)
        return Enrolled(codes, await renew(tx, holder.session, second_factor_at=now))


async def show(holder: Holder, code: str, *, vault: Vault, now: datetime) -> str:
    """Show the second factor, or a code for a lost telephone; the cookie's new value. NotAllowed when it is wrong."""
    if holder.owed is not Owed.CODE:
        raise Conflict(N_("Nothing is asked for."))
    door = throttle.by_code(holder.user)
    await throttle.knock([door], now)
    async with transaction(EVERYTHING) as tx:
        how = await _used(tx, holder.user, code, vault, now)
        if how is None:
            raise NotAllowed(WRONG)
        await throttle.forget(tx, [door])
        await record(
            tx, by=holder.actor, action=how, kind="user", subject=holder.user, name=holder.actor.login
        )  # fmt: skip
        return await renew(tx, holder.session, second_factor_at=now)


async def _used(tx: Connection, user: UUID, code: str, vault: Vault, now: datetime) -> str | None:
    """Use the code up; which kind it was, None when it is neither."""
    row = await tx.fetchrow("select totp, totp_step from users where id = $1 for update", user)
    assert row is not None
    seed = vault.unseal(row["totp"], bound_to=place_of(user)).decode()
    step = matching_step(seed, code, after=row["totp_step"], now=now)
    if step is not None:
        await tx.execute("update users set totp_step = $2 where id = $1", user, step)
        return "show_second_factor"
    spent = await tx.fetchval(
        'update recovery_codes set used_at = $3 where "user" = $1 and digest = $2 and used_at is null returning id',
        user, digest(code.strip().lower()), now,
    )  # fmt: skip
    return "use_recovery_code" if spent else None


def matching_step(seed: str, code: str, *, after: int, now: datetime) -> int | None:
    """The time step whose code this is, within DRIFT_STEPS of now; None when it is none, or one that was used before."""
    typed = "".join(char for char in code if not char.isspace())
    if not (typed.isascii() and typed.isdigit()):
        return None
    present = int(now.timestamp()) // STEP_SECONDS
    totp = pyotp.TOTP(seed)
    for step in range(present - DRIFT_STEPS, present + DRIFT_STEPS + 1):
        if step > after and hmac.compare_digest(totp.at(step * STEP_SECONDS), typed):
            return step
    return None


def place_of(user: UUID) -> str:
    """What the seal of a seed is bound to."""
    return f"users.totp:{user}"


async def remove(tx: Connection, user: UUID) -> None:
    """Take the second factor away: the telephone is lost, and so are the codes."""
    await tx.execute("update users set totp = null, totp_since = null, version = version + 1 where id = $1", user)
    await tx.execute('delete from recovery_codes where "user" = $1', user)
