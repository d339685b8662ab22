"""The main job against a real PostgreSQL: what a batch brings about, and what its repeat does not."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from assets import db
from assets.access.actor import SYSTEM
from assets.errors import Conflict
from assets.ids import new_id
from assets.ingest import Ingest
from assets.inventory import service as inventory
from assets.inventory import things
from assets.inventory.lifecycle import Stage
from assets.monitoring import collectors, targets
from assets.monitoring.storage import make_partitions
from assets.places import service as places
from assets.places.units import parse, shipped
from assets.probing.contract import Batch, Observation, ParentSeen
from assets.probing.profile import Profiles
from assets.probing.readings import Outcome, Reading

T0 = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)


class House:
    """One centre with a router and a printer behind it, a collector, and a clock that is written down."""

    def __init__(self) -> None:
        self.ingest = Ingest(Profiles.load(), timedelta(seconds=10))
        self.buffer, self.sequence = uuid4(), 0

    async def build(self) -> "House":
        await places.load_units(SYSTEM, parse(shipped())[:2])
        await places.open_centres(SYSTEM)
        token = await collectors.enrol(SYSTEM, None, now=T0)
        actor = await collectors.actor_of(token, origin="")
        assert actor is not None
        assert actor.id is not None
        self.collector = actor.id
        async with db.transaction(db.EVERYTHING) as tx:
            await make_partitions(tx, T0.date())
            self.site = await tx.fetchval("select id from sites order by code limit 1")
            self.router = await self._target(tx, "router", None)
            self.printer = await self._target(tx, "printer", self.router)
        return self

    async def _target(self, tx, name, parent):
        target = new_id()
        await tx.execute(
            "insert into targets (id, site, name, method, address, port, profile, parent, interval_seconds, confirm, enabled,"
            " created_at, version) values ($1,$2,$3,'snmp','127.0.0.9',161,'generic',$4,60,2,true,$5,1)",
            target, self.site, name, parent, T0,
        )  # fmt: skip
        return target

    def saw(self, target, at, outcome=Outcome.ANSWERED, **more) -> Observation:
        self.sequence += 1
        moment = T0 + timedelta(seconds=at)
        return Observation(sequence=self.sequence, target=target, observed_at=moment, outcome=outcome, **more)

    async def post(self, *seen: Observation, at: float, **more):
        now = T0 + timedelta(seconds=at)
        batch = Batch(buffer_id=self.buffer, sent_at=now, observations=seen, **more)
        return await self.ingest.take(self.collector, batch, now), batch

    async def condition(self, target):
        async with db.transaction(db.EVERYTHING) as tx:
            return await tx.fetchval("select condition from device_states where target = $1", target)

    async def incidents(self):
        async with db.transaction(db.EVERYTHING) as tx:
            return await tx.fetch("select kind, state, subject_name, reason, affected from incidents order by number")


@pytest.fixture
async def house(database: str) -> House:
    return await House().build()


async def test_when_a_device_is_silent_twice_then_one_incident_opens_and_recovery_ends_it(house: House) -> None:
    await house.post(house.saw(house.router, 0), house.saw(house.printer, 0), at=1)
    assert await house.condition(house.printer) == "up"
    await house.post(house.saw(house.printer, 60, Outcome.SILENT), at=61)
    assert await house.incidents() == []
    await house.post(house.saw(house.printer, 70, Outcome.SILENT), at=71)
    assert await house.condition(house.printer) == "down"
    [incident] = await house.incidents()
    assert (incident["kind"], incident["state"], incident["subject_name"]) == ("device", "open", "printer")
    await house.post(house.saw(house.printer, 130), at=131)
    assert await house.condition(house.printer) == "up"
    assert [i["state"] for i in await house.incidents()] == ["resolved"]


async def test_when_a_parent_is_missing_then_what_is_behind_it_is_unreachable_and_only_the_parent_has_an_incident(
    house: House,
) -> None:
    await house.post(house.saw(house.router, 0), house.saw(house.printer, 0), at=1)
    gone = (ParentSeen(target=house.router, alive=False),)
    for at in (60, 70):
        await house.post(house.saw(house.printer, at, Outcome.SILENT, parents=gone), at=at + 1)
    assert await house.condition(house.printer) == "unreachable"
    for at in (80, 90):
        await house.post(house.saw(house.router, at, Outcome.SILENT), at=at + 1)
    [incident] = await house.incidents()
    assert (incident["subject_name"], incident["affected"]) == ("router", 1)


async def test_when_a_batch_comes_twice_then_the_second_changes_nothing(house: House) -> None:
    seen = [house.saw(house.router, 0, readings=(Reading(name="cpu.load_percent", value=7.0),))]
    first, batch = await house.post(*seen, at=1)
    second = await house.ingest.take(house.collector, batch, T0 + timedelta(seconds=5))
    assert first.accepted_to == second.accepted_to == 1
    async with db.transaction(db.EVERYTHING) as tx:
        assert await tx.fetchval("select count(*) from readings") == 1
        assert await tx.fetchval("select count(*) from condition_changes") == 1


async def test_when_nothing_is_heard_for_three_intervals_then_the_target_is_unknown_and_never_green(
    house: House,
) -> None:
    await house.post(house.saw(house.router, 0), at=1)
    await house.ingest.pass_time(T0 + timedelta(seconds=100))
    assert await house.condition(house.router) == "up"
    await house.ingest.pass_time(T0 + timedelta(seconds=190))
    assert await house.condition(house.router) == "unknown"


async def test_when_a_collector_falls_silent_then_it_is_told_once_and_taken_back(house: House) -> None:
    await house.post(house.saw(house.router, 0), at=1)
    for at in (50, 100, 110):
        await house.ingest.pass_time(T0 + timedelta(seconds=at))
    assert [(i["kind"], i["state"]) for i in await house.incidents()] == [("collector", "open")]
    await house.post(house.saw(house.router, 200), at=201)
    assert [i["state"] for i in await house.incidents()] == ["resolved"]


async def test_when_an_asset_leaves_for_the_store_then_it_is_no_longer_assigned_and_its_incident_ends(
    house: House,
) -> None:
    await things.add_default_categories(SYSTEM)
    model = await things.add_model(SYSTEM, things.NewModel("printer", "Brother", "HL"))
    await inventory.register(SYSTEM, inventory.NewAsset("QN-1", model, "21025"), now=T0)
    target = await targets.add_target(SYSTEM, targets.NewTarget("10.0.0.1", "snmp", 161, asset_tag="QN-1", confirm=1))
    await house.post(house.saw(target, 0, Outcome.SILENT), at=1)
    assert [i["state"] for i in await house.incidents()] == ["open"]
    await inventory.move_stage(SYSTEM, "QN-1", Stage.IN_STOCK, now=T0)
    answer, _ = await house.post(house.saw(target, 10), at=11)
    assert [r.reason for r in answer.rejected] == ["this target is not assigned to this collector"]
    await house.ingest.pass_time(T0 + timedelta(seconds=12))
    assert [i["state"] for i in await house.incidents()] == ["resolved"]


async def test_when_the_same_readings_come_a_thousand_times_then_no_number_is_used_up(house: House) -> None:
    for n in range(30):
        await house.post(house.saw(house.router, n, readings=(Reading(name="a.b", value=n),)), at=n + 1)
    async with db.transaction(db.EVERYTHING) as tx:
        assert await tx.fetchval("select last_value from pg_sequences where sequencename = 'reading_sets_id_seq'") == 1


async def test_when_a_site_is_enrolled_twice_then_its_collector_gets_a_new_token(house: House) -> None:
    first = await collectors.enrol(SYSTEM, "21025", now=T0)
    second = await collectors.enrol(SYSTEM, "21025", now=T0)
    assert await collectors.actor_of(first, origin="") is None
    actor = await collectors.actor_of(second, origin="")
    assert actor is not None
    assert actor.id is not None
    await collectors.revoke(SYSTEM, actor.id, now=T0)
    assert await collectors.actor_of(second, origin="") is None
    assert await collectors.actor_of(await collectors.enrol(SYSTEM, "21025", now=T0), origin="") is not None


async def test_when_the_central_collector_is_revoked_then_another_can_take_its_place(house: House) -> None:
    with pytest.raises(Conflict):
        await collectors.enrol(SYSTEM, None, now=T0)
    await collectors.revoke(SYSTEM, house.collector, now=T0)
    assert await collectors.enrol(SYSTEM, None, now=T0)
