"""The rounds: what is due is looked at, many at once, each with a hard end, and what was seen becomes a draft.

Before a silent target is reported its parents are asked again, so that the service can tell "down" from "behind
something that is down"; a parent that many silent targets share is asked once.
"""

import asyncio
import contextlib
import functools
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

import structlog

from assets.collector.buffer import Draft, draft
from assets.collector.spending import Spending
from assets.collector.trials import Trying
from assets.collector.uptime import Moment, Uptime
from assets.probing.contract import Assignment, Credential, ParentSeen, TargetSpec
from assets.probing.endings import ending
from assets.probing.readings import Identity, Method, Outcome, Result
from assets.probing.schedule import Health, Schedule

LOOK_SECONDS_MIN = 20.0  # a walk's own limit is 10 s
LOOK_SECONDS_MAX = 60.0
PARENT_FRESH_SECONDS = 3.0  # a parent seen this recently is not asked again
IDENTITY_SECONDS = 3_600.0  # how often an unchanged identity is repeated
RESTING_SECONDS_MAX = 1.0
TICK_SECONDS = 0.01  # targets that fall due within it are started together

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Walk:
    """A subtree as (OID, text); when `truncated`, what is absent proves nothing."""

    rows: Sequence[tuple[str, str]] = ()
    truncated: bool = False


class Prober(Protocol):
    """How devices are asked; `devices` is the real one."""

    def use(self, profiles: Mapping[str, str]) -> None:
        """Go on with these profiles (name to TOML); raises an AssetsError for what cannot be read."""
        ...

    async def probe(self, target: TargetSpec, credential: Credential | None) -> Result:
        """One look; failures of the device are outcomes."""
        ...

    async def alive(self, target: TargetSpec, credential: Credential | None) -> bool:
        """Whether it is there at all, by the cheapest question."""
        ...

    async def walk(self, target: TargetSpec, credential: Credential | None, root: str) -> Walk:
        """The subtree below `root`; raises a DeviceError."""
        ...

    async def close(self) -> None:
        """Let go of sockets."""
        ...


@dataclass(frozen=True, slots=True)
class _Seen:
    at: float
    alive: bool | None


class Rounds:
    """Looks at every assigned target in its time and hands each draft to `emit`. One event loop, one instance."""

    def __init__(self, *, prober: Prober, emit: Callable[[Draft], None], uptime: Uptime, concurrency: int) -> None:
        self.prober = prober
        self._emit = emit
        self._uptime = uptime
        self._concurrency = concurrency
        self._schedule = Schedule()
        self._targets: dict[UUID, TargetSpec] = {}  # at the pace that their lines allow
        self._assigned: dict[UUID, TargetSpec] = {}
        self.trying = Trying()
        self._rested: set[UUID] = set()  # targets that were there while all their credentials rested
        self.spending = Spending()
        self._credentials: dict[UUID, Credential] = {}
        self._wake = asyncio.Event()
        self._looks: dict[UUID, asyncio.Task[None]] = {}
        self._answers: dict[UUID, asyncio.Future[bool | None]] = {}  # of looks that still run
        self._asking: dict[UUID, asyncio.Task[bool | None]] = {}  # parents
        self._seen: dict[UUID, _Seen] = {}
        self._identities: dict[UUID, tuple[Identity, float]] = {}
        self._failing: set[UUID] = set()  # told once that looking at them fails within ourselves
        self.looks = 0
        self.looks_cut = 0

    def assign(self, assignment: Assignment) -> None:
        """Take over an assignment; targets that stay keep their place, and looks that run end as they began."""
        self._assigned = {target.id: target for target in assignment.targets}
        self._credentials = {credential.id: credential for credential in assignment.credentials}
        self.trying.assign(assignment.targets, assignment.credentials)
        self.spending.assign(assignment.targets, assignment.budgets)
        self._targets = {target.id: target for target in self.spending.paced(assignment.targets)}
        for known in (self._seen, self._identities):
            for gone in known.keys() - self._targets.keys():
                known.pop(gone, None)
        self._failing &= self._targets.keys()
        self._rested &= self._targets.keys()
        self._schedule.replace(self._targets.values(), self._now())
        self._wake.set()

    async def run(self) -> None:
        """Go round until cancelled."""
        while True:
            self._wake.clear()
            self._pace()
            for id_ in self._schedule.due(self._now(), self._concurrency - len(self._looks)):
                task = asyncio.create_task(self._look(id_), name=f"look {id_}")
                self._looks[id_] = task
                task.add_done_callback(functools.partial(self._over, id_))
            await within(self._wake, seconds=self._rest())
            await asyncio.sleep(TICK_SECONDS)

    def _pace(self) -> None:
        """Now and then look at what looking costs, and go slower or faster."""
        if not self.spending.due(self._now()):
            return
        paced = {target.id: target for target in self.spending.paced(self._assigned.values())}
        if paced != self._targets:
            self._targets = paced
            self._schedule.replace(paced.values(), self._now())

    async def stop(self) -> None:
        """End every look; what was not seen to its end was not seen."""
        tasks: list[asyncio.Task[Any]] = [*self._looks.values(), *self._asking.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.prober.close()

    def target(self, id_: UUID | None) -> TargetSpec | None:
        """An assigned target."""
        return self._targets.get(id_) if id_ else None

    def credential(self, id_: UUID | None) -> Credential | None:
        """An assigned credential."""
        return self._credentials.get(id_) if id_ else None

    def usual(self, target: TargetSpec) -> Credential | None:
        """The credential that a target is asked with at present."""
        asked = self.trying.to_ask(target, self._now())
        return asked[0] if asked else self.credential(target.credential)

    def health(self) -> Health:
        """How well the plan is kept."""
        return self._schedule.health(self._now())

    @contextlib.asynccontextmanager
    async def alone_with(self, target: TargetSpec) -> AsyncIterator[None]:
        """Have a target for oneself, for an order: waits for a look that runs, and no look begins meanwhile."""
        while not self._schedule.begin(target.id, self._now()):
            if target.id not in self._targets:
                break  # taken off the assignment meanwhile: nobody else looks at it
            await asyncio.sleep(0.1)
        try:
            yield
        finally:
            # What an order learnt says nothing about the rounds: the next regular look comes in its time.
            self._schedule.finished(target.id, self._now(), None)
            self._wake.set()

    async def look(self, target: TargetSpec, credential: Credential | None) -> tuple[Result, Moment]:
        """One look that always ends and never raises, and the moment it ended."""
        self.looks += 1
        limit = min(
            LOOK_SECONDS_MAX, LOOK_SECONDS_MIN + max(2 * target.tries * target.timeout_seconds, _own_end(target))
        )
        try:
            async with asyncio.timeout(limit):
                result = await self.prober.probe(target, credential)
            self._failing.discard(target.id)
        except TimeoutError:
            self.looks_cut += 1
            result = Result(outcome=Outcome.NOT_ASKED, **ending("look_cut", seconds=round(limit)))
        except Exception as error:  # noqa: BLE001  the loop's edge: one target must not end the rounds
            result = Result(outcome=Outcome.NOT_ASKED, **ending("collector_failed", error=type(error).__name__))
            if target.id not in self._failing:
                self._failing.add(target.id)
                _log.exception("looking at a target fails", target=target.name)
        return result, self._uptime.now()

    async def look_with_ours(self, target: TargetSpec) -> tuple[Result, Moment]:
        """One look with the credentials that are for this target, see `probing.trying`."""
        if target.method is not Method.SNMP or not self.trying.candidates(target):
            return await self.look(target, self.credential(target.credential))
        refused = silent = None
        cost = None
        for credential in self.trying.to_ask(target, self._now()):
            if not self.trying.goes_on(target, credential):
                continue
            result, moment = await self.look(target, credential)
            self.trying.learn(target, credential, result, self._now())
            if result.traffic is not None:
                cost = result.traffic + cost if cost else result.traffic
                result = result.model_copy(update={"traffic": cost})
            if result.outcome is Outcome.WRONG_CREDENTIAL:
                refused = result, moment
            elif result.outcome is Outcome.SILENT:
                silent = result, moment
            else:
                self._rested.discard(target.id)
                return result, moment
        return refused or silent or await self._rest_of(target)

    async def _rest_of(self, target: TargetSpec) -> tuple[Result, Moment]:
        """While all credentials rest: whether it is there at all, by an echo; what never echoed is taken to be there."""
        echo = target.model_copy(update={"method": Method.PING, "options": {"packets": 2}, "credential": None})
        there = await self.prober.alive(echo, None)
        if there:
            self._rested.add(target.id)
        elif target.id in self._rested:
            return Result(outcome=Outcome.SILENT, **ending("all_refused_and_gone")), self._uptime.now()
        rest = self.trying.rests_for(target, self._now())
        told = ending("all_refused", seconds=round(rest))
        return Result(outcome=Outcome.WRONG_CREDENTIAL, **told), self._uptime.now()

    async def parents_of(self, target: TargetSpec, result: Result) -> tuple[ParentSeen, ...]:
        """How the parents of a silent target are, nearest first; those of another one are not asked."""
        if result.outcome is not Outcome.SILENT:
            return ()
        known = [id_ for id_ in target.parents if id_ in self._targets and id_ != target.id]
        states = await asyncio.gather(*(self._is_alive(id_) for id_ in known))
        return tuple(
            ParentSeen(target=id_, alive=alive) for id_, alive in zip(known, states, strict=True) if alive is not None
        )

    async def _look(self, id_: UUID) -> None:
        target = self._targets.get(id_)
        alive: bool | None = None
        answer: asyncio.Future[bool | None] = asyncio.get_running_loop().create_future()
        self._answers[id_] = answer
        try:
            if target is not None:
                result, moment = await self.look_with_ours(target)
                self.spending.looked(target, result)
                alive = None if result.outcome is Outcome.NOT_ASKED else result.alive
                self._seen[id_] = _Seen(self._now(), alive)
                # Before the parents are asked: they may be waiting for this very answer.
                answer.set_result(alive)
                parents = await self.parents_of(target, result)
                seen = self._without_old_identity(id_, result)
                self._emit(draft(moment, id_, seen, parents=parents, next_seconds=self._slower(target)))
        finally:
            self._answers.pop(id_, None)
            if not answer.done():
                answer.set_result(None)
            self._schedule.finished(id_, self._now(), alive)

    def _slower(self, target: TargetSpec) -> float | None:
        """The pace of a target, when it is slower than assigned."""
        assigned = self._assigned.get(target.id)
        slower = assigned is not None and target.interval_seconds > assigned.interval_seconds
        return target.interval_seconds if slower else None

    def _over(self, id_: UUID, task: asyncio.Task[None]) -> None:
        self._looks.pop(id_)
        if not task.cancelled() and (error := task.exception()):
            _log.error("a look was lost", target=str(id_), reason=repr(error))
        self._wake.set()

    async def _is_alive(self, id_: UUID) -> bool | None:
        """Whether a parent is there: as just seen, as seen by the look that runs, or asked now."""
        seen = self._seen.get(id_)
        if seen is not None and self._now() - seen.at < PARENT_FRESH_SECONDS:
            return seen.alive
        if (running := self._answers.get(id_)) is not None:
            return await asyncio.shield(running)
        asking = self._asking.get(id_)
        if asking is None:
            asking = self._asking[id_] = asyncio.create_task(self._ask(self._targets[id_]), name=f"parent {id_}")
            asking.add_done_callback(lambda _: self._asking.pop(id_, None))
        return await asyncio.shield(asking)

    async def _ask(self, parent: TargetSpec) -> bool | None:
        alive: bool | None = None
        try:
            async with asyncio.timeout(LOOK_SECONDS_MIN):
                alive = await self._is_there(parent)
        except TimeoutError:
            self.looks_cut += 1
        except Exception:  # noqa: BLE001  the loop's edge: an unknown parent must not hide a silent target
            _log.exception("asking a parent fails", target=parent.name)
        self._seen[parent.id] = _Seen(self._now(), alive)
        return alive

    async def _is_there(self, parent: TargetSpec) -> bool:
        if parent.method is not Method.SNMP or not self.trying.candidates(parent):
            return await self.prober.alive(parent, self.credential(parent.credential))
        asked = self.trying.to_ask(parent, self._now())
        return await self.prober.alive(parent, asked[0]) if asked else True

    def _without_old_identity(self, id_: UUID, result: Result) -> Result:
        if result.identity is None:
            return result
        told = self._identities.get(id_)
        if told and told[0] == result.identity and self._now() - told[1] < IDENTITY_SECONDS:
            return result.model_copy(update={"identity": None})
        self._identities[id_] = (result.identity, self._now())
        return result

    def _rest(self) -> float:
        due = self._schedule.next_due()
        if due is None or len(self._looks) >= self._concurrency:
            return RESTING_SECONDS_MAX
        return min(RESTING_SECONDS_MAX, max(0.0, due - self._now()))

    def _now(self) -> float:
        return asyncio.get_running_loop().time()


def _own_end(target: TargetSpec) -> float:
    """Seconds after which a method ends by itself, as its options say it: a page that hangs is silent, not unasked."""
    told = target.options.get("timeout_seconds")
    return float(told) if isinstance(told, int | float) else 0.0


async def within(event: asyncio.Event, *, seconds: float) -> bool:
    """Wait for an event at most so long; False when it did not come.

    Not `asyncio.wait_for`: before Python 3.12 it loses a cancellation that comes together with the event.
    """
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True
