"""Which credential a device is asked with next. Pure.

    Trials + candidates + now  →  those to ask with in this look, in their order

The rules in one place:

    one worked           it alone is asked with from then on
    it is refused        a credential incident, not an outage; every refusal doubles the rest before this credential is
                         shown again, up to LONGEST_SECONDS, so that no agent locks us out
    refused three times  the others are tried too, those of its level or a stronger one
    none worked yet      each in its order until one is accepted
    never weaker         what has spoken SNMPv3 in any way, be it to refuse, is never again shown a community, and what
                         was accepted with authentication and privacy is never asked with less
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from assets.probing.contract import Community, Credential
from assets.probing.readings import Outcome

FIRST_SECONDS = 60.0
LONGEST_SECONDS = 3_600.0
OTHERS_AFTER = 3
TIMES_MAX = 64
AT_ONCE = 4  # credentials shown to a device in one look
V2C, USER, AUTHENTICATED, PRIVATE = range(4)


@dataclass(frozen=True, slots=True)
class Refused:
    """How often in a row a credential was refused, and until when it rests."""

    times: int
    until: float


@dataclass(frozen=True, slots=True)
class Trials:
    """What is known of a device: what it accepts, from which level on it is asked, and what it refused."""

    worked: UUID | None = None
    level_min: int = V2C
    refused: Mapping[UUID, Refused] = field(default_factory=dict)


def level(credential: Credential) -> int:
    """How strong a credential is: a community, a user without a key, with authentication, with privacy as well."""
    if isinstance(credential, Community):
        return V2C
    if credential.auth is None:
        return USER
    return PRIVATE if credential.privacy else AUTHENTICATED


def to_ask(trials: Trials, candidates: Sequence[Credential], now: float) -> tuple[Credential, ...]:
    """Those to ask with now, in this order; empty while everything rests."""
    known = {credential.id: credential for credential in candidates}
    worked = known.get(trials.worked) if trials.worked else None
    least = max(trials.level_min, level(worked) if worked else V2C)
    if worked is not None:
        refused = trials.refused.get(worked.id)
        if refused is None:
            return (worked,)
        if refused.times < OTHERS_AFTER:
            return (worked,) if refused.until <= now else ()
    usable = [c for c in candidates if level(c) >= least and _rested(trials, c, now)]
    return tuple(usable[:AT_ONCE])


def goes_on(trials: Trials, credential: Credential) -> bool:
    """Whether one of those that were to be asked with may still be shown after what the ones before it brought."""
    return level(credential) >= trials.level_min


def after(trials: Trials, credential: Credential, outcome: Outcome, now: float) -> Trials:
    """What is known once a device was asked with a credential."""
    strength = level(credential)
    if outcome in (Outcome.ANSWERED, Outcome.MALFORMED) and _accepted(trials, credential, outcome):
        rest = {id_: r for id_, r in trials.refused.items() if id_ != credential.id}
        return Trials(credential.id, max(trials.level_min, strength), rest)
    if outcome is Outcome.WRONG_CREDENTIAL:
        before = trials.refused.get(credential.id)
        times = min(before.times + 1 if before else 1, TIMES_MAX)
        pause = min(FIRST_SECONDS * 2 ** (times - 1), LONGEST_SECONDS)
        refused = {**trials.refused, credential.id: Refused(times, now + pause)}
        # It speaks version 3, for it refused: a community would tell a listener more than it had to.
        return replace(trials, refused=refused, level_min=max(trials.level_min, min(strength, USER)))
    return trials


def _accepted(trials: Trials, credential: Credential, outcome: Outcome) -> bool:
    """A reply that cannot be read proves no credential, except the one that it is known to accept."""
    return outcome is Outcome.ANSWERED or trials.worked == credential.id


def _rested(trials: Trials, credential: Credential, now: float) -> bool:
    refused = trials.refused.get(credential.id)
    return refused is None or refused.until <= now
