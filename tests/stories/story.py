"""The language of the stories: a clock that is written down, devices that answer or not, and what people hear.

story.at(0).answers("sw-02", "printer-7")
story.at(60, 70).silent("sw-02", "printer-7", behind={"printer-7": "sw-02"})
await story.until(300)
story.wants("opened", about="sw-02", between=(70, 100))
story.wants_nothing(about="printer-7")
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from assets import db
from assets.access.actor import SYSTEM
from assets.ids import new_id
from assets.incidents.telling import IncidentTelling
from assets.ingest import Ingest
from assets.monitoring import collectors
from assets.monitoring.storage import make_partitions
from assets.notifications import outbox
from assets.notifications.notify import Failed, Message, Sent
from assets.places import service as places
from assets.places.units import parse, shipped
from assets.probing.contract import Batch, Observation, ParentSeen
from assets.probing.profile import Profiles
from assets.probing.readings import Outcome, Reading

T0 = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
STEP_SECONDS = 5  # how often time passes by itself, as the worker's schedule does
BEAT_SECONDS = 15  # how often a collector speaks at least, also without news
GROUP_WAIT = timedelta(seconds=10)


@dataclass(frozen=True)
class Heard:
    """A message that arrived, when, and under which key."""

    at: float
    title: str
    body: str
    key: str


@dataclass
class Moment:
    """What the collector sees at some seconds."""

    story: "Story"
    seconds: tuple[float, ...]

    def answers(self, *names: str, readings: tuple[Reading, ...] = ()) -> "Moment":
        """These answer, with these readings."""
        return self._see(names, Outcome.ANSWERED, {}, readings)

    def silent(self, *names: str, behind: Mapping[str, str] | None = None) -> "Moment":
        """These do not; `behind` names the parent that the collector found missing too."""
        return self._see(names, Outcome.SILENT, behind or {}, ())

    def _see(
        self, names: tuple[str, ...], outcome: Outcome, behind: Mapping[str, str], readings: tuple[Reading, ...]
    ) -> "Moment":
        for second in self.seconds:
            self.story.plan[second] += [(name, outcome, behind.get(name), readings) for name in names]
        return self


@dataclass
class Story:
    """A centre, its targets, a channel, and what happens to them."""

    targets: dict[str, UUID] = field(default_factory=dict)
    plan: dict[float, list[tuple[str, Outcome, str | None, tuple[Reading, ...]]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    heard: list[Heard] = field(default_factory=list)
    refuses: int = 0  # how many sends the channel refuses before it takes one
    cut_off: bool = False  # whether the collector cannot reach the service
    clock: float = 0.0
    sequence: int = 0
    buffer: UUID = field(default_factory=uuid4)

    async def begin(self, parents: Mapping[str, str | None]) -> "Story":
        """A centre with these targets, each behind its parent, asked each 60 s, and one channel for everything."""
        self.ingest = Ingest(Profiles.load(), GROUP_WAIT)
        await places.load_units(SYSTEM, parse(shipped())[:1])
        await places.open_centres(SYSTEM)
        actor = await collectors.actor_of(await collectors.enrol(SYSTEM, None, now=T0), origin="")
        assert actor is not None
        assert actor.id is not None
        self.collector = actor.id
        async with db.transaction(db.EVERYTHING) as tx:
            await make_partitions(tx, T0.date())
            site = await tx.fetchval("select id from sites")
            for name, parent in parents.items():
                self.targets[name] = await _target(tx, site, name, self.targets[parent] if parent else None)
            channel = new_id()
            await tx.execute(
                "insert into channels (id, name, url, scheme, language, enabled, last_error, version) "
                "values ($1, 'on call', 'sealed', 'mailto', 'en', true, '', 1)", channel,
            )  # fmt: skip
            await tx.execute(
                "insert into subscriptions (id, channel, kinds, severity, version) values ($1, $2, '[]', 'warning', 1)",
                new_id(), channel,
            )  # fmt: skip
        return self

    def at(self, *seconds: float) -> Moment:
        """What is seen at these seconds after the beginning."""
        return Moment(self, seconds)

    async def until(self, end: float) -> None:
        """Let it happen: looks when they are planned, time each five seconds, messages when they are due."""
        ticks = {float(t) for t in range(0, int(end) + 1, STEP_SECONDS)}
        for second in sorted(t for t in ticks | set(self.plan) if self.clock <= t <= end):
            self.clock = second
            if second in self.plan:
                await self.post(self.plan.pop(second))
            elif not self.cut_off and second % BEAT_SECONDS == 0:
                await self.post([])
            if second in ticks:
                await self.ingest.pass_time(self.now)
            await self.deliver()
        self.clock = end + 0.001

    @property
    def now(self) -> datetime:
        """The written clock."""
        return T0 + timedelta(seconds=self.clock)

    async def post(self, seen: list[tuple[str, Outcome, str | None, tuple[Reading, ...]]]) -> Batch:
        """The collector posts what it saw just now."""
        observations = []
        for name, outcome, parent, readings in seen:
            self.sequence += 1
            parents = (ParentSeen(target=self.targets[parent], alive=False),) if parent else ()
            observations.append(
                Observation(
                    sequence=self.sequence, target=self.targets[name], observed_at=self.now, outcome=outcome,
                    parents=parents, readings=readings,
                )
            )  # fmt: skip
        batch = Batch(buffer_id=self.buffer, sent_at=self.now, observations=tuple(observations))
        await self.ingest.take(self.collector, batch, self.now)
        return batch

    async def post_late(self, name: str, *, happened: float, posted: float) -> None:
        """A silence out of the backlog of a collector whose machine was started again: its age is not known."""
        self.clock = posted
        self.sequence += 1
        seen = Observation(
            sequence=self.sequence, target=self.targets[name], observed_at=T0 + timedelta(seconds=happened),
            outcome=Outcome.SILENT,
        )  # fmt: skip
        batch = Batch(buffer_id=self.buffer, sent_at=self.now, observations=(seen,))
        await self.ingest.take(self.collector, batch, self.now)

    async def deliver(self) -> None:
        """A worker deals with everything that is due."""
        subjects = {"incident": IncidentTelling("https://assets.example")}
        while await outbox.deliver_one(None, now=self.now, subjects=subjects, send=self._send):
            pass

    async def _send(self, destination: outbox.Destination, message: Message, key: str) -> Sent | Failed:
        if self.refuses:
            self.refuses -= 1
            return Failed("the channel is away", retry=True)
        self.heard.append(Heard(self.clock, message.title, message.body, key))
        return Sent()

    def wants(self, change: str, *, about: str, between: tuple[float, float]) -> Heard:
        """Exactly one message of this change about this thing, and in this time."""
        word = {"opened": "[Incident]", "worse": "[Worse]", "resolved": "[Resolved]"}[change]
        found = [h for h in self.heard if h.title.startswith(word) and f": {about} " in h.title]
        assert len(found) == 1, f"{change} about {about}: {self.heard}"
        assert between[0] <= found[0].at <= between[1], found[0]
        return found[0]

    def wants_nothing(self, *, about: str) -> None:
        """Nobody heard of this thing."""
        assert not [h for h in self.heard if f": {about} " in h.title], self.heard

    async def condition(self, name: str) -> str:
        """How a target is."""
        async with db.transaction(db.EVERYTHING) as tx:
            found: str = await tx.fetchval("select condition from device_states where target = $1", self.targets[name])
            return found

    async def quiet_reasons(self) -> list[str]:
        """Why messages were not sent."""
        async with db.transaction(db.EVERYTHING) as tx:
            rows = await tx.fetch("select reason from notifications where state = 'suppressed' order by created_at")
            return [row["reason"] for row in rows]


async def _target(tx: db.Connection, site: UUID, name: str, parent: UUID | None) -> UUID:
    target = new_id()
    await tx.execute(
        "insert into targets (id, site, name, method, address, port, profile, parent, interval_seconds, confirm, enabled, "
        "created_at, version) values ($1,$2,$3,'snmp','127.0.0.9',161,'ups-mib',$4,60,2,true,$5,1)",
        target, site, name, parent, T0,
    )  # fmt: skip
    return target
