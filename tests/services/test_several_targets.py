"""An asset or a line that is asked in several ways: the worst speaks for it, and one outage is one incident."""

import json
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from assets import db
from assets.access.actor import SYSTEM
from assets.dashboards import asset_rows, queries
from assets.equipment_requests.knowing import HAVE
from assets.errors import Conflict
from assets.inventory import service as inventory
from assets.inventory import things
from assets.inventory.lifecycle import Stage
from assets.inventory.replacement import replace
from assets.monitoring import targets
from assets.probing.contract import ParentSeen
from assets.probing.readings import Outcome, Reading
from assets.readiness import service as readiness
from tests.services.test_ingest import T0, House
from tests.services.test_watching import code, line


@pytest.fixture
async def house(database: str, tmp_path: Path) -> House:
    made = await House().build()
    await things.add_default_categories(SYSTEM)
    made.model = await things.add_model(SYSTEM, things.NewModel("desktop", "Maker", "S1"))
    await asset(made, "QN-S")
    return made


async def asset(house: House, tag: str, stage: Stage = Stage.IN_USE, site: str = "") -> UUID:
    new = inventory.NewAsset(tag, house.model, site or await code(house), stage=stage, name="Máy chủ")
    return await inventory.register(SYSTEM, new, now=T0)


async def ask(method: str, port: int, address: str = "10.0.0.7", tag: str = "QN-S", **more: Any) -> UUID:
    if method == "http":
        more["options"] = {"url": f"http://{address}:{port}/"}
    return await targets.add_target(SYSTEM, targets.NewTarget(address, method, port, asset_tag=tag, **more))


async def rows(*ids: UUID) -> list[Any]:
    async with db.transaction(db.EVERYTHING) as tx:
        found = {row["id"]: row for row in await tx.fetch("select * from targets where id = any($1)", ids)}
    return [found[id_] for id_ in ids]


async def see(house: House, at: int, outcomes: Iterable[tuple[UUID, Outcome]], parent_gone: UUID | None = None) -> None:
    parents = (ParentSeen(target=parent_gone, alive=False),) if parent_gone else ()
    seen = [
        house.saw(target, at, outcome, parents=parents if outcome is Outcome.SILENT and target != parent_gone else ())
        for target, outcome in outcomes
    ]
    await house.post(*seen, at=at + 1)


async def test_each_way_is_asked_once_named_by_how_and_stands_behind_the_first(house: House) -> None:
    snmp, tcp, page = await ask("snmp", 161), await ask("tcp", 22), await ask("http", 443)
    made = await rows(snmp, tcp, page)
    assert [row["name"] for row in made] == ["Máy chủ (QN-S)", "Máy chủ (QN-S) · TCP 22", "Máy chủ (QN-S) · HTTP"]
    assert [row["parent"] for row in made] == [None, snmp, snmp]
    with pytest.raises(Conflict):
        await ask("tcp", 22)
    other = await ask("tcp", 5432, parent=house.router)
    assert (await rows(other))[0]["parent"] == house.router, "what people say counts"
    with pytest.raises(Conflict):
        await targets.edit_target(SYSTEM, other, {"port": 22}, version=1)
    await targets.edit_target(SYSTEM, other, {"port": 5433}, version=1)


async def test_only_what_tells_of_the_whole_thing_stands_before_the_others(house: House) -> None:
    """A page that failed before must not explain why the machine is gone, and a missed run is told in any case."""
    page, ping = await ask("http", 443), await ask("ping", 80)
    tcp, beat = await ask("tcp", 22), await ask("heartbeat", 1, address="")
    assert [row["parent"] for row in await rows(page, ping, tcp, beat)] == [None, None, ping, None]


async def test_the_worst_speaks_for_the_asset_with_its_reason(house: House) -> None:
    snmp, tcp = await ask("snmp", 161), await ask("tcp", 22)
    await see(house, 0, ((snmp, Outcome.ANSWERED),))

    async def shown() -> tuple[str, str]:
        async with db.transaction(db.EVERYTHING) as tx:
            [row] = await asset_rows.of_site(tx, house.site, limit=5)
        return row.state, row.reason

    assert (await shown())[0] == "unknown", "what one of them does not know is not green"
    await house.post(house.saw(tcp, 1, readings=(Reading(name="tcp.connect_ms", value=3),)), at=2)
    assert (await shown())[0] == "up"
    for at in (60, 120):
        answered = house.saw(snmp, at, readings=(Reading(name="cpu.load_percent", value=7),))
        await house.post(answered, house.saw(tcp, at, Outcome.SILENT), at=at + 1)
    state, reason = await shown()
    assert state == "down"
    assert json.loads(reason)
    async with db.transaction(db.EVERYTHING) as tx:
        view = await tx.fetchval("select id from assets where tag = 'QN-S'")
        assert await queries.speaks_for(tx, view) == tcp
        assert [(way.method, way.condition) for way in await queries.ways_of(tx, view)] == [
            ("snmp", "up"),
            ("tcp", "down"),
        ]
        told = await queries.of_thing(tx, db.EVERYTHING, view, T0 + timedelta(seconds=180))
        assert told is not None
        assert (told.method, told.condition) == ("tcp", "down")
        assert [reading.name for reading in told.readings] == ["cpu.load_percent", "tcp.connect_ms"], "of all of them"
        category = await tx.fetchval("select category from asset_models where id = $1", house.model)
        [have] = await tx.fetch(HAVE, house.site, [category])
        assert (have["n"], have["broken"]) == (1, 1), "one thing, however often it is asked"
        [thing] = await tx.fetch(readiness._THINGS, [house.site])
        assert thing["condition"] == "down"
    await targets.edit_target(SYSTEM, tcp, {"enabled": False}, version=1)
    assert (await shown())[0] == "up", "what is not asked does not speak"


async def test_a_device_that_is_gone_is_one_incident_and_a_port_that_is_gone_one_of_its_own(house: House) -> None:
    snmp, tcp = await ask("snmp", 161), await ask("tcp", 22)
    await see(house, 0, ((snmp, Outcome.ANSWERED), (tcp, Outcome.ANSWERED)))
    for at in (60, 120):
        await see(house, at, ((snmp, Outcome.SILENT), (tcp, Outcome.SILENT)), parent_gone=snmp)
    assert [await house.condition(one) for one in (snmp, tcp)] == ["down", "unreachable"]
    assert [(row["subject_name"], row["state"]) for row in await house.incidents()] == [("Máy chủ (QN-S)", "open")]
    for at in (180, 240, 300):
        await see(house, at, ((snmp, Outcome.ANSWERED), (tcp, Outcome.SILENT)))
    assert [(row["subject_name"], row["state"]) for row in await house.incidents()] == [
        ("Máy chủ (QN-S)", "resolved"), ("Máy chủ (QN-S) · TCP 22", "open"),
    ]  # fmt: skip


async def test_a_line_is_as_its_worst_target(house: House) -> None:
    link = await line(house)
    ping = await targets.add_target(SYSTEM, targets.NewTarget("10.0.0.1", "ping", 80, link="DT-1"))
    name = {"name": "portal.example"}
    dns = await targets.add_target(SYSTEM, targets.NewTarget("10.0.0.53", "dns", 53, link="DT-1", options=name))
    for at in (0, 60, 120):
        await see(house, at, ((ping, Outcome.ANSWERED), (dns, Outcome.SILENT if at else Outcome.ANSWERED)))
    async with db.transaction(db.EVERYTHING) as tx:
        [shown] = await queries._links(tx, house.site)
        assert (shown.tag, shown.condition) == ("DT-1", "down")
        assert await queries.speaks_for(tx, link) == dns
        [read] = await tx.fetch(readiness._LINES, [house.site])
        assert read["condition"] == "down"


async def test_all_ways_go_with_the_asset_and_stay_with_its_place(house: House) -> None:
    snmp, tcp = await ask("snmp", 161), await ask("tcp", 22, interval_seconds=300)
    await asset(house, "QN-T", Stage.IN_STOCK)
    own = await ask("ping", 80, "10.0.0.8", "QN-T")
    await replace(SYSTEM, "QN-S", "QN-T", Stage.IN_STOCK, now=T0)
    async with db.transaction(db.EVERYTHING) as tx:
        new = await tx.fetchval("select id from assets where tag = 'QN-T'")
        elsewhere = await tx.fetchval("select id from sites where id <> $1 order by code limit 1", house.site)
        assert elsewhere is not None
    made = await rows(snmp, tcp, own)
    assert [(row["asset"], row["name"]) for row in made[:2]] == [
        (new, "Máy chủ (QN-T)"), (new, "Máy chủ (QN-T) · TCP 22"),
    ]  # fmt: skip
    assert (made[2]["asset"], made[2]["enabled"]) == (None, False)
    async with db.transaction(db.EVERYTHING) as tx:
        await targets.follow_asset(tx, SYSTEM, new, house.site, elsewhere)
    assert [(row["site"], row["parent"]) for row in await rows(snmp, tcp)] == [(elsewhere, None), (elsewhere, snmp)]
