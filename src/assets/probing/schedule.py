"""Which target is due when: values and `now` in, ids out. Time is monotonic seconds, given by the caller.

Each target has its own slots, `phase + k * interval`, with the phase taken from a hash of its id: a fleet is spread
evenly over the interval, the same after each restart. The rules in one place:

    first look       within FIRST_LOOK_SECONDS of being assigned, spread by the same hash
    change seen      silent after alive, or alive after silent: look again after `recheck_seconds`, to confirm it
    dead             after DEAD_AFTER silent looks in a row, only each DEAD_STRETCH-th slot
    too slow         slots that passed while a look ran or waited are skipped and counted, never caught up
    one at a time    a target that is being looked at is not due
"""

import hashlib
import heapq
import math
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from assets.probing.contract import TargetSpec

FIRST_LOOK_SECONDS = 5.0  # every target has been asked within 10 s of the start, timeouts included
DEAD_AFTER = 4
# The service calls a target unknown after three intervals without a word, and a dead one must stay "down": so a
# target is never left alone for longer than two.
DEAD_STRETCH = 2
_HASH_RANGE = float(1 << 64)


@dataclass(slots=True)
class _Plan:
    """What is known of one target: when it is due, and how its last looks went."""

    target: TargetSpec
    due: float
    alive: bool | None = None  # None until the first look that says something
    silences: int = 0
    started: float | None = None  # set while a look runs


@dataclass(frozen=True, slots=True)
class Health:
    """How well the plan is kept."""

    targets: int
    running: int
    waiting: int  # due, but not started yet
    lag_seconds: float  # of the one that has waited longest
    skipped: int  # slots passed over since the start


class Schedule:
    """The plan for one assignment. It holds no clock: each call says what time it is, never less than the call before."""

    def __init__(self) -> None:
        self._plans: dict[UUID, _Plan] = {}
        self._removed: dict[UUID, _Plan] = {}  # no longer assigned, but a look still runs
        self._heap: list[tuple[float, UUID]] = []
        self.skipped = 0

    def replace(self, targets: Iterable[TargetSpec], now: float) -> None:
        """Take over a new assignment; targets that stay keep their place and their past."""
        before, self._plans = self._plans, {}
        for target in targets:
            old = before.pop(target.id, None) or self._removed.pop(target.id, None)
            self._plans[target.id] = _plan(target, old, now)
        self._removed |= {id_: plan for id_, plan in before.items() if plan.started is not None}
        self._heap = [(plan.due, id_) for id_, plan in self._plans.items() if plan.started is None]
        heapq.heapify(self._heap)

    def due(self, now: float, limit: int) -> list[UUID]:
        """Up to `limit` targets whose time has come, longest waiting first; they count as running from here on."""
        taken: list[UUID] = []
        while len(taken) < limit and self._heap and self._heap[0][0] <= now:
            due, id_ = heapq.heappop(self._heap)
            plan = self._plans.get(id_)
            if plan is not None and plan.started is None and plan.due == due:
                plan.started = now
                self.skipped += int((now - due) // plan.target.interval_seconds)
                taken.append(id_)
        return taken

    def begin(self, id_: UUID, now: float) -> bool:
        """Start a look out of turn, for an order; False when one is running or the target is not assigned."""
        plan = self._plans.get(id_)
        if plan is None or plan.started is not None:
            return False
        plan.started = now
        return True

    def finished(self, id_: UUID, now: float, alive: bool | None) -> None:
        """A look is over; `alive` is None when it says nothing of the target (the collector itself could not ask)."""
        self._removed.pop(id_, None)
        plan = self._plans.get(id_)
        if plan is None or plan.started is None:
            return
        started, plan.started = plan.started, None
        plan.due, skipped = _next(plan, started=started, now=now, alive=alive)
        self.skipped += skipped
        if alive is not None:
            plan.silences = 0 if alive else plan.silences + 1
            plan.alive = alive
        heapq.heappush(self._heap, (plan.due, id_))

    def is_running(self, id_: UUID) -> bool:
        """Whether a look at this target runs, also when it is no longer assigned."""
        plan = self._plans.get(id_) or self._removed.get(id_)
        return plan is not None and plan.started is not None

    def next_due(self) -> float | None:
        """When something is due next; None while everything runs or nothing is assigned."""
        while self._heap:
            due, id_ = self._heap[0]
            plan = self._plans.get(id_)
            if plan is not None and plan.started is None and plan.due == due:
                return due
            heapq.heappop(self._heap)
        return None

    def health(self, now: float) -> Health:
        """How well the plan is kept at `now`."""
        idle = [plan.due for plan in self._plans.values() if plan.started is None]
        waiting = [due for due in idle if due <= now]
        return Health(
            targets=len(self._plans),
            running=len(self._plans) - len(idle) + len(self._removed),
            waiting=len(waiting),
            lag_seconds=now - min(waiting, default=now),
            skipped=self.skipped,
        )


def share(id_: UUID) -> float:
    """Where a target stands in its interval, 0 up to 1; the bytes of a UUIDv7 begin with its time, hence the hash."""
    return int.from_bytes(hashlib.blake2b(id_.bytes, digest_size=8).digest(), "big") / _HASH_RANGE


def _plan(target: TargetSpec, old: _Plan | None, now: float) -> _Plan:
    first = now + share(target.id) * min(target.interval_seconds, FIRST_LOOK_SECONDS)
    if old is None:
        return _Plan(target, due=first)
    plan = _Plan(target, due=old.due, alive=old.alive, silences=old.silences, started=old.started)
    if _asks_differently(old.target, target):
        plan.due, plan.alive, plan.silences = min(first, old.due), None, 0
    elif old.target.interval_seconds != target.interval_seconds:
        plan.due = min(old.due, _slot_after(target, now))
    return plan


def _asks_differently(old: TargetSpec, new: TargetSpec) -> bool:
    return (old.address, old.port, old.method, old.profile, old.credential) != (
        new.address,
        new.port,
        new.method,
        new.profile,
        new.credential,
    )


def _next(plan: _Plan, *, started: float, now: float, alive: bool | None) -> tuple[float, int]:
    """When to look again, and how many slots were passed over by a look that took too long."""
    interval = plan.target.interval_seconds
    # Half an interval after the last start at the soonest: a look out of turn does not make two in a row.
    regular = _slot_after(plan.target, started + interval / 2)
    skipped = max(0, math.ceil((now - regular) / interval))
    regular += skipped * interval
    if alive is None:
        return regular, skipped
    if plan.alive != alive and not (plan.alive is None and alive):
        return min(regular, now + plan.target.recheck_seconds), skipped
    if not alive and plan.silences + 1 >= DEAD_AFTER:
        return max(regular, _slot_after(plan.target, started + (DEAD_STRETCH - 1) * interval)), skipped
    return regular, skipped


def _slot_after(target: TargetSpec, moment: float) -> float:
    """The target's first slot after `moment`."""
    interval = target.interval_seconds
    phase = share(target.id) * interval
    return phase + (math.floor((moment - phase) / interval) + 1) * interval
