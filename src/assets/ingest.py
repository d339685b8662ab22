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
from assets.monitoring import collectors, storage
from assets.monitoring.intake import Arrived, admit
from assets.monitoring.service import advance
from assets.probing.contract import Answer, Batch, Rejected
from assets.probing.profile import Profiles


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
            await storage.keep(tx, intake.fresh)
            ordered = await collectors.settle_orders(tx, collector, intake.fresh, now)
            looks = _by_target(intake.fresh, ordered)
            changes = await advance(tx, looks, profiles=self.profiles, now=now) if looks else []
            await incidents.follow(tx, changes, group_wait=self.group_wait, now=now)
            if heard.back:
                await incidents.collector_is_back(tx, collector, now=now)
            return await collectors.answer(tx, collector, batch, intake, profiles=self.profiles, now=now)

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


def _by_target(fresh: tuple[Arrived, ...], ordered: set[int]) -> dict[UUID, list[Arrived]]:
    looks: dict[UUID, list[Arrived]] = defaultdict(list)
    for item in fresh:
        counts = item.seen.order is None or item.seen.sequence in ordered
        if item.seen.target is not None and counts:
            looks[item.seen.target].append(item)
    return looks
