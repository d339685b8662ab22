"""Credentials in order, budgets, costs, the use of lines, and what calls by itself, against a real PostgreSQL."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from pydantic import SecretStr

from assets import db
from assets.access import drawn
from assets.access.actor import SYSTEM
from assets.errors import Conflict, Invalid, Stale
from assets.ids import new_id
from assets.inventory import service as inventory
from assets.inventory import things
from assets.monitoring import collectors, credentials, targets, traffic_queries
from assets.monitoring.traffic import DAY_MAX
from assets.probing.budget import METERED_OCTETS
from assets.probing.contract import Assignment, Community, Order, OrderKind, OrderResult, TargetSpec, User
from assets.probing.options import HttpOptions
from assets.probing.readings import Outcome, Reading, Traffic
from assets.vault import Vault
from tests.services.test_ingest import T0, House

WORD = SecretStr("word-of-eight")


@pytest.fixture
async def house(database: str, tmp_path: Path) -> House:
    made = await House().build()
    made.vault = Vault.open(tmp_path)
    return made


async def add(house: House, name: str, level: int = 0) -> UUID:
    secret: Community | User = Community(id=new_id(), community=WORD)
    if level:
        secret = User(id=new_id(), user="u", auth="sha256", auth_key=WORD, privacy="aes128", privacy_key=WORD)
    return await credentials.add_credential(SYSTEM, name, secret, vault=house.vault)


async def assigned(house: House) -> Assignment:
    return await collectors.assignment(house.collector, profiles=house.ingest.profiles, vault=house.vault)


async def spec(house: House, target: UUID) -> TargetSpec:
    return next(one for one in (await assigned(house)).targets if one.id == target)


async def state(target: UUID) -> Any:
    async with db.transaction(db.EVERYTHING) as tx:
        return await tx.fetchrow("select * from device_states where target = $1", target)


async def code(house: House) -> str:
    async with db.transaction(db.EVERYTHING) as tx:
        return await tx.fetchval("select code from sites where id = $1", house.site)


async def test_a_sites_own_list_comes_before_its_communes_and_the_provinces(house: House) -> None:
    a, b, c = await add(house, "a"), await add(house, "b"), await add(house, "c", 3)
    here = await code(house)
    assert (await spec(house, house.printer)).candidates == ()
    await credentials.set_order(SYSTEM, [a])
    await credentials.set_order(SYSTEM, [b, a], unit=here)
    assert (await spec(house, house.printer)).candidates == (b, a)
    await credentials.set_order(SYSTEM, [c], site=here)
    found = await assigned(house)
    assert next(one for one in found.targets if one.id == house.printer).candidates == (c, b, a)
    assert {one.id for one in found.credentials} == {a, b, c}
    with pytest.raises(Conflict):
        await credentials.remove_credential(SYSTEM, a, version=1)
    with pytest.raises(Stale):
        await credentials.set_order(SYSTEM, [a], before=[b])
    with pytest.raises(Invalid):
        await credentials.set_order(SYSTEM, [a, a])


async def test_what_a_device_answers_to_is_remembered_and_weaker_ones_are_never_ordered_again(house: House) -> None:
    weak, strong = await add(house, "weak"), await add(house, "strong", 3)
    await credentials.set_order(SYSTEM, [weak, strong])
    before = (await assigned(house)).hash
    await house.post(house.saw(house.printer, 0, credential=strong), at=1)
    after = await assigned(house)
    assert after.hash != before
    told = await spec(house, house.printer)
    assert (told.credential, told.level_min) == (strong, 3)
    # A weaker one's answer, were there ever one, would not lower it again.
    await house.post(house.saw(house.printer, 60, credential=weak), at=61)
    assert (await state(house.printer))["level_min"] == 3
    wish = Order(
        id=new_id(),
        kind=OrderKind.TRY_CREDENTIAL,
        deadline=T0 + timedelta(hours=1),
        target=house.printer,
        credential=weak,
    )
    with pytest.raises(Invalid):
        await collectors.order(SYSTEM, house.collector, wish, now=T0)
    await targets.edit_target(SYSTEM, house.printer, {"address": "127.0.0.10"}, version=1)
    told = await spec(house, house.printer)
    assert (told.credential, told.level_min) == (None, 0)  # another device


async def test_a_refusal_by_v3_is_a_credential_incident_and_closes_the_way_to_communities(house: House) -> None:
    strong = await add(house, "strong", 3)
    await credentials.set_order(SYSTEM, [strong])
    await house.post(house.saw(house.printer, 0), at=1)
    for at in (60, 120):
        await house.post(house.saw(house.printer, at, Outcome.WRONG_CREDENTIAL, credential=strong), at=at + 1)
    assert await house.condition(house.printer) == "degraded"
    [incident] = await house.incidents()
    assert (incident["kind"], incident["state"]) == ("credential", "open")
    assert (await spec(house, house.printer)).level_min == 1
    await house.post(house.saw(house.printer, 180, credential=strong), at=181)
    await house.post(house.saw(house.printer, 240, credential=strong), at=241)
    assert [one["state"] for one in await house.incidents()] == ["resolved"]


async def test_a_secret_goes_in_and_comes_out_only_for_the_collector(house: House) -> None:
    made = await add(house, "strong", 3)
    await credentials.set_order(SYSTEM, [made])
    async with db.transaction(db.EVERYTHING) as tx:
        rows = [dict(row) for row in await tx.fetch("select * from credentials")]
        events = await tx.fetch("select before, after from audit_events")
    assert WORD.get_secret_value() not in json.dumps([rows, [dict(e) for e in events]], default=str)
    [held] = (await assigned(house)).credentials
    assert isinstance(held, User)
    assert held.auth_key == WORD
    before = (await assigned(house)).hash
    await credentials.edit_credential(
        SYSTEM, made, version=1, vault=house.vault, secret=Community(id=new_id(), community=SecretStr("other"))
    )
    after = await assigned(house)
    assert after.hash != before
    assert after.credentials[0].kind == "v2c"


async def line(house: House, **more: Any) -> UUID:
    new = things.NewLink("DT-1", await code(house), "mobile", "Nhà mạng", bandwidth_mbps=30, **more)
    return await things.add_link(SYSTEM, new)


async def test_a_metered_line_has_a_small_budget_for_all_that_is_asked_over_it(house: House) -> None:
    link = await line(house)
    async with db.transaction(db.EVERYTHING) as tx:
        model = await tx.fetchval("select id from asset_models limit 1")
        assert model is None
    assert (await assigned(house)).budgets == ()  # the two stand for no asset: nobody says where they are
    made = await targets.add_target(SYSTEM, targets.NewTarget("10.0.0.1", "ping", 80, link="DT-1"))
    [budget] = (await assigned(house)).budgets
    assert (budget.link, budget.octets_per_day, budget.targets) == (link, METERED_OCTETS, (made,))


async def test_what_looks_cost_is_added_up_by_day_and_held_against_the_line(house: House) -> None:
    await line(house, budget_mb_per_day=5)
    made = await targets.add_target(SYSTEM, targets.NewTarget("10.0.0.1", "ping", 80, link="DT-1"))
    cost = Traffic(sent_octets=6_000, received_octets=4_000, packets=20)
    await house.post(house.saw(made, 0, traffic=cost), house.saw(made, 60, traffic=cost), at=61)
    late = 20 * 3_600  # the next day in Viet Nam
    await house.post(house.saw(made, late, traffic=cost, next_seconds=240.0), at=late + 1)
    async with db.transaction(db.EVERYTHING) as tx:
        rows = await tx.fetch("select octets, packets, looks from traffic_days order by day")
        assert [tuple(row) for row in rows] == [(20_000, 40, 2), (10_000, 20, 1)]
        await tx.execute("update traffic_days set day = (now() at time zone 'Asia/Ho_Chi_Minh')::date where looks = 1")
        [found] = await traffic_queries.by_line(tx, db.EVERYTHING)
    assert (found.budget, found.today, found.slowed) == (5_000_000, 10_000, 1)
    assert found.per_day == 10_000 * 86_400 // 240
    assert not found.over


async def measured(house: House) -> tuple[traffic_queries.LineCost, traffic_queries.SiteCost]:
    """What the one line and the one site cost, as if all of it had been today."""
    async with db.transaction(db.EVERYTHING) as tx:
        for table in ("collector_traffic_days", "traffic_days"):
            await tx.execute(f"update {table} set day = (now() at time zone 'Asia/Ho_Chi_Minh')::date")
        [by_line] = await traffic_queries.by_line(tx, db.EVERYTHING)
        [by_site] = await traffic_queries.by_site(tx, db.EVERYTHING)
    return by_line, by_site


async def stands_at_the_site(house: House) -> None:
    async with db.transaction(db.EVERYTHING) as tx:
        await tx.execute("insert into collector_sites (id, collector, site) values ($1, $2, $3)",
                         new_id(), house.collector, house.site)  # fmt: skip


POSTED = Traffic(sent_octets=3_000, received_octets=1_000, packets=8)


async def test_what_a_collector_at_the_site_posts_counts_on_its_main_line(house: House) -> None:
    await line(house, budget_mb_per_day=5)
    made = await targets.add_target(SYSTEM, targets.NewTarget("10.0.0.1", "ping", 80, link="DT-1"))
    for at in (0, 10, 20):  # what came before the first was never heard of: how long it took is not known
        await house.post(at=at, traffic=POSTED)
    assert (await measured(house))[0].per_day == 0, "it stands in the province"
    await stands_at_the_site(house)
    found, there = await measured(house)
    assert (found.today, found.targets, found.posts_per_day) == (12_000, 3, 8_000 * 86_400 // 20)
    assert found.per_day == there.per_day == found.posts_per_day
    assert found.over
    [budget] = (await assigned(house)).budgets
    assert made in budget.targets
    assert budget.posts


async def test_a_sweep_counts_as_sent_and_says_nothing_of_the_rest_of_the_day(house: House) -> None:
    await line(house, budget_mb_per_day=40)
    await stands_at_the_site(house)
    swept = house.saw(None, 1, traffic=Traffic(sent_octets=90_000, received_octets=10_000, packets=900),
                      order=OrderResult(order=new_id(), done=True))  # fmt: skip
    for at in (1, 11):  # sent again, it costs nothing again
        await house.post(swept, at=at)
    found, there = await measured(house)
    assert (found.today, found.packets_today, there.today) == (100_000, 900, 100_000)
    assert (found.per_day, found.posts_per_day, there.per_day, found.over) == (0, 0, 0, False)
    await house.post(at=21, traffic=POSTED)
    found, there = await measured(house)
    assert (found.today, found.per_day, found.over) == (104_000, 4_000 * 86_400 // 10, False)
    assert found.posts_per_day == there.per_day == found.per_day


async def test_a_cost_that_cannot_be_is_bounded_and_stops_no_batch(house: House) -> None:
    absurd = Traffic(sent_octets=2**64 - 1, received_octets=2**64 - 1, packets=2**64 - 1)
    swept = [
        house.saw(None, n, traffic=absurd, order=OrderResult(order=new_id(), done=True)) for n in (1, 2)
    ]  # fmt: skip
    for n in range(3):
        await house.post(
            *(house.saw(house.router, n + part / 4, traffic=absurd) for part in range(3)), *(swept if n == 2 else ()),
            at=n + 1, traffic=absurd, backlog=2**80, shed=2**80,
        )  # fmt: skip
    async with db.transaction(db.EVERYTHING) as tx:
        kept = "select octets, packets from traffic_days where target = $1"
        assert tuple(await tx.fetchrow(kept, house.router)) == (3 << 40, 3 << 40)
        assert tuple(await tx.fetchrow(kept, house.collector)) == (2 << 40, 2 << 40)


async def test_days_and_sums_of_absurd_costs_end_where_their_columns_do(house: House) -> None:
    await line(house, budget_mb_per_day=5)
    await stands_at_the_site(house)
    absurd = Traffic(sent_octets=2**64 - 1, received_octets=2**64 - 1, packets=2**64 - 1)
    await house.post(house.saw(house.router, 0, traffic=absurd), at=1, traffic=absurd)
    await house.post(at=1.000_001, traffic=absurd)
    async with db.transaction(db.EVERYTHING) as tx:
        for table in ("collector_traffic_days", "traffic_days"):
            await tx.execute(f"update {table} set octets = $1, packets = $1", DAY_MAX)
        await tx.execute("update traffic_days set looks = 1 << 30")
    await house.post(house.saw(house.router, 2, traffic=absurd), at=1.000_002, traffic=absurd)
    async with db.transaction(db.EVERYTHING) as tx:
        rows = await tx.fetch("select octets, packets from collector_traffic_days union all "
                              "select octets, packets from traffic_days")  # fmt: skip
    assert [tuple(row) for row in rows] == [(DAY_MAX, DAY_MAX)] * 3
    found, there = await measured(house)
    assert (found.per_day, found.posts_per_day, there.per_day) == (traffic_queries.SUM_MAX,) * 3
    assert (found.today, found.over) == (3 * DAY_MAX, True)


async def test_a_slowed_target_is_not_unknown_before_its_own_pace_says_so(house: House) -> None:
    await house.post(house.saw(house.router, 0, next_seconds=600.0), at=1)
    await house.ingest.pass_time(T0 + timedelta(seconds=1_700))
    assert await house.condition(house.router) == "up"
    await house.ingest.pass_time(T0 + timedelta(seconds=1_900))
    assert await house.condition(house.router) == "unknown"


async def test_a_light_look_leaves_findings_and_readings_as_they_were(house: House) -> None:
    made = await targets.add_target(
        SYSTEM,
        targets.NewTarget("10.0.0.1", "tcp", 80, site=await code(house), title="Cổng", options={"warning_ms": 100}),
    )
    slow = (Reading(name="tcp.connect_ms", value=500.0),)
    for at in (0, 60):
        await house.post(house.saw(made, at, readings=slow), at=at + 1)
    assert await house.condition(made) == "degraded"
    await house.post(house.saw(made, 120, truncated=True), at=121)
    await house.post(house.saw(made, 180, truncated=True), at=181)
    assert await house.condition(made) == "degraded"
    assert json.loads((await state(made))["readings"])[0]["value"] == 500.0


@pytest.mark.parametrize(
    ("readings", "condition", "severity"),
    [
        ([("http.status", 200, "expected"), ("http.certificate_days", 90, None)], "up", ""),
        ([("http.status", 503, "unexpected")], "degraded", "critical"),
        ([("http.certificate_days", 14, None)], "degraded", "warning"),
        ([("http.certificate_days", 3, None)], "degraded", "critical"),
        ([("http.certificate", 1, "expired"), ("http.certificate_days", -2, None)], "degraded", "critical"),
        ([("http.time_ms", 6_000, None)], "degraded", "warning"),
        ([("http.text", 1, "missing")], "degraded", "critical"),
    ],
)
async def test_a_page_is_judged_by_what_it_answers(
    house: House, readings: list[tuple[str, float, str | None]], condition: str, severity: str
) -> None:
    made = await targets.add_target(
        SYSTEM,
        targets.NewTarget(
            "", "http", 0, site=await code(house), title="Cổng", options={"url": "https://portal.example:8443/x"}
        ),
    )
    told = await spec(house, made)
    assert (told.address, told.port) == ("portal.example", 8443)
    assert HttpOptions.model_validate(told.options).url == "https://portal.example:8443/x"
    found = tuple(Reading(name=name, value=value, state=state_) for name, value, state_ in readings)
    for at in (0, 60):
        await house.post(house.saw(made, at, readings=found), at=at + 1)
    kept = await state(made)
    assert (kept["condition"], kept["severity"]) == (condition, severity)


async def test_the_use_of_a_line_is_what_the_interface_that_it_ends_at_says(house: House) -> None:
    here = await code(house)
    await things.add_default_categories(SYSTEM)
    model = await things.add_model(SYSTEM, things.NewModel("router", "Maker", "R1"))
    await inventory.register(SYSTEM, inventory.NewAsset("QN-R", model, here), now=T0)
    router = await targets.add_target(SYSTEM, targets.NewTarget("10.0.0.254", "snmp", 161, asset_tag="QN-R"))
    await line(house, wan_router="QN-R", wan_interface="wan1")
    ports = tuple(
        Reading(name=f"interface.{way}_bps", instance=index, label=label, value=bits)
        for index, label, way, bits in (
            ("1", "wan1", "in", 28_500_000.0), ("1", "wan1", "out", 3e6), ("2", "lan1", "in", 9e8),
        )
    )  # fmt: skip
    for at in range(0, 300, 60):
        await house.post(house.saw(router, at, readings=ports), at=at + 1)
    kept = await state(router)
    used = [r for r in json.loads(kept["readings"]) if r["name"] == "link.used_percent"]
    assert used == [{"name": "link.used_percent", "instance": "DT-1", "label": "Nhà mạng (DT-1)", "value": 95.0}]
    assert (kept["condition"], kept["severity"]) == ("degraded", "warning")
    assert (await assigned(house)).budgets[0].targets == (router,)


async def heartbeat(house: House) -> tuple[UUID, str]:
    made = await targets.add_target(
        SYSTEM,
        targets.NewTarget(
            "", "heartbeat", 0, site=await code(house), title="Sao lưu", interval_seconds=600,
            options={"grace_seconds": 60},
        ),
    )  # fmt: skip
    return made, drawn.digest(await targets.draw_heartbeat(SYSTEM, made))


async def test_what_calls_by_itself_is_up_while_it_calls_and_down_when_it_is_late(house: House) -> None:
    made, digest = await heartbeat(house)
    assert made not in {one.id for one in (await assigned(house)).targets}
    assert await house.ingest.beat(digest, T0, failed=False)
    assert await house.condition(made) == "up"
    await house.ingest.pass_time(T0 + timedelta(seconds=659))
    assert await house.condition(made) == "up"
    await house.ingest.pass_time(T0 + timedelta(seconds=661))
    assert await house.condition(made) == "down"
    assert [one["state"] for one in await house.incidents() if one["kind"] == "device"] == ["open"]
    assert await house.ingest.beat(digest, T0 + timedelta(seconds=900), failed=False)
    assert await house.condition(made) == "up"
    assert [one["state"] for one in await house.incidents() if one["kind"] == "device"] == ["resolved"]


async def test_a_call_that_says_it_failed_is_worth_an_incident_at_once(house: House) -> None:
    made, digest = await heartbeat(house)
    await house.ingest.beat(digest, T0, failed=True)
    assert await house.condition(made) == "degraded"
    await house.ingest.beat(digest, T0 + timedelta(seconds=2), failed=False)  # too soon after the other to count
    assert await house.condition(made) == "degraded"
    await house.ingest.beat(digest, T0 + timedelta(seconds=60), failed=False)
    assert await house.condition(made) == "up"


async def test_a_withdrawn_or_replaced_secret_calls_for_nobody(house: House) -> None:
    made, digest = await heartbeat(house)
    newer = drawn.digest(await targets.draw_heartbeat(SYSTEM, made))
    assert not await house.ingest.beat(digest, T0, failed=False)
    assert await house.ingest.beat(newer, T0, failed=False)
    await targets.revoke_heartbeat(SYSTEM, made)
    assert not await house.ingest.beat(newer, T0 + timedelta(minutes=1), failed=False)
    with pytest.raises(Conflict):
        await targets.draw_heartbeat(SYSTEM, house.printer)
