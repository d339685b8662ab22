"""From a notification's row to a message that left: claim, ask once more, send, record.

    waiting → sending (lease, attempt counted) → sent | waiting (next attempt) | failed
    waiting → suppressed (why)

The row is the truth, a job only says "look". The attempt is counted and the lease written before the send begins, so
a worker that dies in the middle is seen by the next one; no transaction is open while a message travels; and nothing
is marked sent before the channel took it.
"""

import json
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeAlias
from uuid import UUID

import structlog

from assets import phrases
from assets.db import EVERYTHING, Connection, transaction
from assets.errors import Unavailable
from assets.jobs import Job, enqueue_many
from assets.notifications.notify import Failed, Outlet, Sent
from assets.notifications.notify import Message as Message  # what a Subject composes
from assets.notifications.routing import CHANNEL_OFF, OVER, RESOLVED, Later, Told, crowded, next_attempt, order, told
from assets.phrases import Phrase
from assets.vault import Vault, VaultError

DELIVER = "deliver"  # the job's name
LEASE = timedelta(seconds=15)  # a send takes 10 s at most; shorter than jobs.HEARTBEAT_SECONDS, see there
EARLY = timedelta(seconds=2)  # clocks of worker and database may differ by this much
OVERDUE = timedelta(seconds=10)  # a job that has not come by then is taken for lost
SWEEP_MAX = 500
REASON_MAX = 255  # the columns' length
UNSURE = "it may have arrived: "  # begins the error of a row whose attempt broke off; it stays with the row
_log = structlog.get_logger(__name__)


class Quiet(Protocol):
    """Why nobody is to be disturbed: the kind of reason, and the reason as people read it."""

    @property
    def code(self) -> str:
        """Such as silence, maintenance, unreachable."""

    @property
    def phrase(self) -> Phrase:
        """Such as "planned work: new switch"."""


class Subject(Protocol):
    """What another feature knows about the things its notifications are about."""

    async def why_quiet(
        self, tx: Connection, subject: UUID, change: str, channel: UUID, now: datetime
    ) -> Quiet | Later | None:
        """Why this channel must not be told of this change any more; None when it must."""

    async def compose(
        self, tx: Connection, subject: UUID, change: str, facts: Mapping[str, Any], language: str
    ) -> Message:
        """The message, from the facts that were stored when it happened."""


Subjects: TypeAlias = Mapping[str, Subject]


@dataclass(frozen=True)
class Destination:
    """A channel as the outbox hands it over: its address is still sealed."""

    channel: UUID
    sealed: str = field(repr=False)


Send: TypeAlias = "Callable[[Destination, Message, str], Awaitable[Sent | Failed]]"


def place_of(channel: UUID) -> str:
    """What a channel's sealed address is bound to."""
    return f"channels.url:{channel}"


def through(vault: Vault, outlet: Outlet) -> Send:
    """The real way out: unseal the address just before it is used."""

    async def send(destination: Destination, message: Message, key: str) -> Sent | Failed:
        try:
            url = vault.unseal(destination.sealed, bound_to=place_of(destination.channel)).decode()
        except VaultError as error:
            return Failed(f"the channel's address cannot be opened: {type(error).__name__}", retry=False)
        return await outlet.send(url, message, key=key)

    return send


def key_of(notification: UUID) -> str:
    """What every attempt of one notification carries: a row is unique per change and channel, and so is this.

    The random half of a version 7 UUID: short enough for a text message.
    """
    return notification.hex[16:]


async def deliver_one(which: UUID | None, *, now: datetime, subjects: Subjects, send: Send) -> bool:
    """Deal with one notification (None: the one due longest) and say whether there was anything to do.

    Safe to call at any time, twice, and by several workers at once. Raises what a subject raises, after pushing the
    row's next attempt away so that it does not stop the line.
    """
    started = time.monotonic()
    found = which or await _next_due(now)
    if found is None:
        return False
    try:
        claim = await _claim(found, now, subjects)
    except Unavailable:
        raise
    except Exception as error:
        await _put_aside(found, now, error)
        raise
    if not isinstance(claim, _Claim):
        return claim
    outcome = await send(claim.destination, claim.message, key_of(claim.id))
    await _record(claim, outcome, now + timedelta(seconds=time.monotonic() - started))
    return True


async def sweep(now: datetime) -> int:
    """Enqueue what has lost its job or its worker, SWEEP_MAX of the longest overdue at most; how many."""
    async with transaction(EVERYTHING) as tx:
        rows = await tx.fetch(
            "select id, state, next_attempt_at, lease_until from notifications where "
            "(state = 'waiting' and next_attempt_at <= $1) or (state = 'sending' and lease_until <= $2) "
            "order by next_attempt_at limit $3",
            now - OVERDUE, now, SWEEP_MAX,
        )  # fmt: skip
        due = ((row, row["lease_until"] if row["state"] == "sending" else row["next_attempt_at"]) for row in rows)
        return await enqueue_many(tx, [look(row["id"], at, now=now) for row, at in due])


def look(notification: UUID, at: datetime, *, now: datetime) -> Job:
    """The job that looks at a notification at `at`; one for each moment, however often it is asked for."""
    return Job(
        DELIVER, {"notification": str(notification)}, key=f"deliver:{notification}:{int(at.timestamp())}",
        after=max(at - now, timedelta(0)),
    )  # fmt: skip


@dataclass(frozen=True)
class _Claim:
    id: UUID
    lease_until: datetime
    attempts: int
    created_at: datetime
    was_unsure: bool
    failing: bool
    channel_name: str
    destination: Destination
    message: Message


async def _next_due(now: datetime) -> UUID | None:
    async with transaction(EVERYTHING) as tx:
        found: UUID | None = await tx.fetchval(
            "select id from notifications where (state = 'waiting' and next_attempt_at <= $1) "
            "or (state = 'sending' and lease_until <= $1) order by next_attempt_at limit 1",
            now,
        )
        return found


async def _claim(which: UUID, now: datetime, subjects: Subjects) -> _Claim | bool:
    """One transaction: lock the row, decide, and take it; else whether something was done."""
    async with transaction(EVERYTHING) as tx:
        row, others = await _lock(tx, which)
        if row is None or row["state"] not in ("waiting", "sending"):
            return False
        sending = row["state"] == "sending"
        if (row["lease_until"] if sending else row["next_attempt_at"] - EARLY) > now:
            await enqueue_many(tx, [look(which, row["lease_until" if sending else "next_attempt_at"], now=now)])
            return False
        if sending:
            row = await _taken_back(tx, row)
            if next_attempt(row["attempts"], now, since=row["created_at"]) is None:  # it ended worker after worker
                await tx.execute("update notifications set state = 'failed' where id = $1", which)
                return True
        verdict = await _why_not(tx, row, others, now, subjects)
        if isinstance(verdict, Later):
            await tx.execute("update notifications set next_attempt_at = $2 where id = $1", which, verdict.at)
            await enqueue_many(tx, [look(which, verdict.at, now=now)])
            return True
        if row["change"] == RESOLVED:
            # What is still to be told of the beginning is old news now, whether the end is told or not.
            await _suppress(tx, [other["id"] for other in others if other["state"] == "waiting"], OVER.phrase)
        if verdict is not None:
            await _suppress(tx, [which], verdict.phrase)
            return True
        return await _take(tx, row, now, subjects[row["subject_kind"]])


_ROWS = """
select n.*, c.url, c.language, c.enabled, c.failing_since, c.name as channel_name
from notifications n join channels c on c.id = n.channel
where (n.subject_kind, n.subject, n.channel) = (
    select m.subject_kind, m.subject, m.channel from notifications m where m.id = $1)
order by n.id for update of n for no key update of c
"""


async def _lock(tx: Connection, which: UUID) -> tuple[Any | None, list[Any]]:
    """The row, and what else its channel is told of the same subject: all of it, in one order, so nobody deadlocks.

    The channel is locked too, so that those who count its messages under way do so one after another.
    """
    rows = await tx.fetch(_ROWS, which)
    return next((row for row in rows if row["id"] == which), None), [row for row in rows if row["id"] != which]


async def _why_not(
    tx: Connection, row: Any, others: list[Any], now: datetime, subjects: Subjects
) -> Quiet | Later | None:
    """The questions before a send, cheap ones first."""
    if not row["enabled"]:
        return CHANNEL_OFF
    known = {other["change"]: _told(other, now) for other in others}
    leases = [other["lease_until"] for other in others if known[other["change"]] is Told.IN_FLIGHT]
    if verdict := order(row["change"], known, look_again=max(leases, default=now)):
        return verdict
    subject = subjects[row["subject_kind"]]
    if quiet := await subject.why_quiet(tx, row["subject"], row["change"], row["channel"], now):
        return quiet
    in_flight = await tx.fetchval(
        "select count(*) from notifications where state = 'sending' and channel = $1 and lease_until > $2",
        row["channel"], now,
    )  # fmt: skip
    return crowded(in_flight=in_flight, failing=row["failing_since"] is not None, now=now)


def _told(row: Any, now: datetime) -> Told:
    leased = row["lease_until"] is not None and row["lease_until"] > now
    return told(row["state"], leased=leased, unsure=row["error"].startswith(UNSURE))


async def _taken_back(tx: Connection, row: Mapping[str, Any]) -> dict[str, Any]:
    """The row of a worker that died while it was sending: it waits again, and whether it arrived is not known."""
    back = {
        "state": "waiting",
        "lease_until": None,
        "error": _error("the worker ended while it was sending", unsure=True),
    }
    await tx.execute(
        "update notifications set state = $2, lease_until = $3, error = $4 where id = $1", row["id"], *back.values()
    )
    return {**row, **back}


async def _take(tx: Connection, row: Mapping[str, Any], now: datetime, subject: Subject) -> _Claim:
    message = await subject.compose(tx, row["subject"], row["change"], json.loads(row["facts"]), row["language"])
    lease_until = now + LEASE
    await tx.execute(
        "update notifications set state = 'sending', lease_until = $2, attempts = attempts + 1 where id = $1",
        row["id"],
        lease_until,
    )
    return _Claim(
        id=row["id"],
        lease_until=lease_until,
        attempts=row["attempts"] + 1,
        created_at=row["created_at"],
        was_unsure=row["error"].startswith(UNSURE),
        failing=row["failing_since"] is not None,
        channel_name=row["channel_name"],
        destination=Destination(row["channel"], row["url"]),
        message=message,
    )


async def _suppress(tx: Connection, notifications: list[UUID], phrase: Phrase) -> None:
    stored = phrases.store([phrase])
    await tx.execute(
        "update notifications set state = 'suppressed', lease_until = null, reason = $2 where id = any($1)",
        notifications, stored if len(stored) <= REASON_MAX else phrase.english()[:REASON_MAX],
    )  # fmt: skip


async def _record(claim: _Claim, outcome: Sent | Failed, now: datetime) -> None:
    async with transaction(EVERYTHING) as tx:
        if isinstance(outcome, Sent):
            # Also when the lease was lost meanwhile: it did leave, and whoever sends it again will find it sent.
            await tx.execute(
                "update notifications set state = 'sent', sent_at = $2, lease_until = null, reason = '' "
                "where id = $1 and state in ('waiting', 'sending', 'failed')",
                claim.id, now,
            )  # fmt: skip
        elif not await _record_failure(tx, claim, outcome, now):
            return
        await _channel_health(tx, claim, outcome, now)


async def _record_failure(tx: Connection, claim: _Claim, failed: Failed, now: datetime) -> bool:
    """Write the next attempt, or that there is none; False when the lease was lost to another worker."""
    at = _again(claim.attempts, now, claim.created_at, failed) if failed.retry else None
    taken = await tx.fetchval(
        "update notifications set state = $2, next_attempt_at = coalesce($3, next_attempt_at), lease_until = null, "
        "error = $4 where id = $1 and state = 'sending' and lease_until = $5 returning id",
        claim.id, "failed" if at is None else "waiting", at,
        _error(failed.reason, unsure=failed.unsure or claim.was_unsure), claim.lease_until,
    )  # fmt: skip
    if taken and at is not None:
        await enqueue_many(tx, [look(claim.id, at, now=now)])
    return taken is not None


async def _channel_health(tx: Connection, claim: _Claim, outcome: Sent | Failed, now: datetime) -> None:
    if isinstance(outcome, Failed):
        await tx.execute(
            "update channels set failing_since = coalesce(failing_since, $2), last_error = $3 where id = $1",
            claim.destination.channel, now, outcome.reason[:REASON_MAX],
        )  # fmt: skip
        if not claim.failing:
            _log.warning("channel.failing", channel=claim.channel_name, reason=outcome.reason)
    elif claim.failing:
        await tx.execute(
            "update channels set failing_since = null, last_error = '' where id = $1", claim.destination.channel
        )
        _log.info("channel.works_again", channel=claim.channel_name)


async def _put_aside(which: UUID, now: datetime, error: Exception) -> None:
    """A row that cannot even be judged waits like a failed one, and shows why."""
    async with transaction(EVERYTHING) as tx:
        row = await tx.fetchrow(
            "select * from notifications where id = $1 and (state = 'waiting' or state = 'sending' and lease_until <= $2) "
            "for update", which, now,
        )  # fmt: skip
        if row is None:
            return
        failed = Failed(f"it could not be prepared: {type(error).__name__}", retry=True)
        unsure = row["state"] == "sending" or row["error"].startswith(UNSURE)
        at = _again(row["attempts"] + 1, now, row["created_at"], failed)
        await tx.execute(
            "update notifications set state = $2, attempts = attempts + 1, next_attempt_at = coalesce($3, "
            "next_attempt_at), lease_until = null, error = $4 where id = $1",
            which, "failed" if at is None else "waiting", at, _error(failed.reason, unsure=unsure),
        )  # fmt: skip
        if at is not None:
            await enqueue_many(tx, [look(which, at, now=now)])


def _again(attempts: int, now: datetime, created_at: datetime, failed: Failed) -> datetime | None:
    # S311: spreads load, guards nothing.
    return next_attempt(attempts, now, failed.retry_after, since=created_at, jitter=random.random())  # noqa: S311


def _error(reason: str, *, unsure: bool) -> str:
    return f"{UNSURE if unsure else ''}{reason}"[:REASON_MAX]
