"""Passwords: which are refused, and how they are kept (Argon2id, RFC 9106)."""

import secrets
from collections.abc import Sequence
from functools import cache

import anyio
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from assets.errors import Invalid, Unavailable
from assets.text import fold
from assets.web.language import N_

LENGTH_MIN = 12  # length over composition: no rule about signs and digits
LENGTH_MAX = 128
JUDGED_MAX = 72  # characters that are looked at for patterns; the time for it grows with their square
SCORE_MIN = 2  # zxcvbn: more than a million guesses, where ten may be made in a quarter of an hour
WAITING_MAX = 40  # each takes a core for 0.1 s; who comes later is told so instead of waiting
# What people here would think of first.
COMMON = (
    "matkhau", "quangngai", "kontum", "hanhchinhcong", "dichvucong", "motcua", "trungtam", "phucvu", "anhyeuem", "vietnam",
    "congchuc", "uyban", "ubnd", "nhandan",
)  # fmt: skip
# OWASP's minimum for Argon2id; the library's defaults cost five times as much on a busy machine.
_HASH = PasswordHash((Argon2Hasher(time_cost=2, memory_cost=19_456, parallelism=1),))


def refused(password: str, words: Sequence[str] = ()) -> str | None:
    """Why this cannot be a password, as a source phrase; None when it can. `words` are those of its owner: name, unit."""
    if len(password) < LENGTH_MIN:
        return N_("At least 12 characters; several words with spaces are easiest to remember.")
    if len(password) > LENGTH_MAX:
        return N_("At most 128 characters.")
    parts = [fold(word).split() for word in words]
    known = [*COMMON, *("".join(some) for some in parts), *(part for some in parts for part in some if len(part) > 1)]
    plain = fold(password)[:JUDGED_MAX]
    # With and without what stands between words: "nguyen thi lan" is as easy for its owner's name as "nguyenthilan".
    if min(_judged(plain, known), _judged("".join(c for c in plain if c.isalnum()), known)) < SCORE_MIN:
        return N_("This is easy to guess; take several words that do not belong together.")
    return None


def _judged(password: str, known: Sequence[str]) -> int:
    from zxcvbn import zxcvbn  # its lists are read when somebody chooses a password, not at each start

    return int(zxcvbn(password, user_inputs=known)["score"])  # type: ignore[no-untyped-call]  # it has no annotations


async def hashed(password: str, words: Sequence[str] = ()) -> str:
    """What is stored of it; Invalid when it is refused. Works in a thread."""
    if reason := refused(password, words):
        raise Invalid(fields={"password": reason})
    return await anyio.to_thread.run_sync(_HASH.hash, password, limiter=_two_at_a_time())


async def fits(password: str, stored: str | None) -> bool:
    """Whether it is the one; without a stored one the same time passes, and it is not. Works in a thread.

    Unavailable when too many wait already.
    """
    if _two_at_a_time().statistics().tasks_waiting >= WAITING_MAX:
        raise Unavailable(N_("Too many people are signing in just now."))
    against = stored if stored is not None else await anyio.to_thread.run_sync(_nobodys, limiter=_two_at_a_time())
    right = await anyio.to_thread.run_sync(_verify, password[: LENGTH_MAX + 1], against, limiter=_two_at_a_time())
    return right and stored is not None


def _verify(password: str, stored: str) -> bool:
    return _HASH.verify(password, stored)


@cache
def _two_at_a_time() -> anyio.CapacityLimiter:
    return anyio.CapacityLimiter(2)


@cache
def _nobodys() -> str:
    return _HASH.hash(secrets.token_urlsafe(16))
