"""The main job: what a collector posts becomes readings, conditions, incidents and messages, in one transaction.

    batch → admit (new? when? whose?) → store → advance (thresholds, n of m, flapping, topology)
          → incidents open, join or end → messages written → commit → answer

If the process dies before the commit nothing has happened and the collector posts again; if it dies after it, the
batch is known and its repeat changes nothing, and the messages wait for a worker.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from assets.db import EVERYTHING, transaction
from assets.incidents import service as incidents
from assets.monitoring import collectors, storage, traffic
from assets.monitoring.intake import Arrived, admit
from assets.monitoring.service import advance
from assets.monitoring.targets import ASKED
from assets.probing.contract import Answer, Batch, Observation, Rejected
from assets.probing.profile import Profiles
from assets.probing.readings import Outcome, Reading, Traffic

CALL = Traffic(sent_octets=1_500, received_octets=4_500, packets=18)  # about what HTTPS takes: nobody counts it for us
OFTENEST = timedelta(seconds=5)  # calls that come more often are taken as one


@dataclass(frozen=True)
class Ingest:
    """The main job with what it needs to know."""

    profiles: Profiles
    group_wait: timedelta

    async def take(self, collector: UUID, batch: Batch, now: datetime, unreadable: tuple[Rejected, ...] = ()) -> Answer:
        """Everything that one batch brings about; the answer says what is settled."""
        async with transaction(EVERYTHING) as tx:
            intake = await admit(tx, collector, batch, now, unreadable)
            heard = await collectors.hear(tx, collector, batch, intake, now)
            fresh = await traffic.with_lines(tx, intake.fresh)
            await storage.keep(tx, fresh)
            await traffic.keep(tx, fresh)
            await traffic.keep_sweeps(tx, collector, fresh, now)
            ordered = await collectors.settle_orders(tx, collector, fresh, now)
            looks = _by_target(fresh, ordered)
            changes = await advance(tx, looks, profiles=self.profiles, now=now) if looks else []
            await incidents.follow(tx, changes, group_wait=self.group_wait, now=now)
            if heard.back:
                await incidents.collector_is_back(tx, collector, now=now)
            return await collectors.answer(tx, collector, batch, intake, profiles=self.profiles, now=now)

    async def beat(self, digest: str, now: datetime, *, failed: bool) -> bool:
        """Something called by itself, with the secret of this digest; False when there is none, or no longer."""
        async with transaction(EVERYTHING) as tx:
            row = await tx.fetchrow(
                f"select t.id, d.observed_at from targets t left join device_states d on d.target = t.id "  # noqa: S608
                f"where t.heartbeat_digest = $1 and {ASKED}", digest,
            )  # fmt: skip
            if row is None:
                return False
            before = row["observed_at"]
            if before is not None and now - before < OFTENEST:
                return True
            arrived = Arrived(_call(row["id"], now, before, failed=failed), now)
            await storage.keep(tx, (arrived,))
            await traffic.keep(tx, (arrived,))
            changes = await advance(tx, {row["id"]: [arrived]}, profiles=self.profiles, now=now)
            await incidents.follow(tx, changes, group_wait=self.group_wait, now=now)
            return True

    async def pass_time(self, now: datetime) -> int:
        """What time alone brings about: unknown after silence, calm after flapping, silent collectors. Called each 5 s."""
        async with transaction(EVERYTHING) as tx:
            # Collectors before states, as in `take`: the other order could wait for it in a circle.
            silent = await collectors.fall_silent(tx, now)
            changes = await advance(tx, {}, profiles=self.profiles, now=now)
            await incidents.follow(tx, changes, group_wait=self.group_wait, now=now)
            await incidents.end_unasked(tx, now=now)
            await incidents.collectors_fell_silent(tx, silent, group_wait=self.group_wait, now=now)
            return len(changes)


def _call(target: UUID, now: datetime, before: datetime | None, *, failed: bool) -> Observation:
    """A call as a look: that it came, what it said, and how long after the one before."""
    word = "failed" if failed else "well"
    readings = [Reading(name="heartbeat.result", value=int(failed), state=word)]
    if before is not None:
        readings.append(Reading(name="heartbeat.after_seconds", value=round((now - before).total_seconds(), 1)))
    return Observation(
        sequence=1, target=target, observed_at=now, outcome=Outcome.ANSWERED, readings=tuple(readings), traffic=CALL
    )  # fmt: skip


def _by_target(fresh: tuple[Arrived, ...], ordered: set[int]) -> dict[UUID, list[Arrived]]:
    looks: dict[UUID, list[Arrived]] = defaultdict(list)
    for item in fresh:
        counts = item.seen.order is None or item.seen.sequence in ordered
        if item.seen.target is not None and counts:
            looks[item.seen.target].append(item)
    return looks
