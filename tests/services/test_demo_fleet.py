"""The demonstration's province: believable, the same each time, and judged by the rules as it is meant to be."""

import asyncio
import json
import re
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from pydantic import SecretStr

from assets import db
from assets.access.actor import SYSTEM
from assets.access.permissions import Role
from assets.access.sessions import Visit, sign_in
from assets.audit.chain import digest
from assets.demo import faults, fleet, simulation, stock, troubles
from assets.demo.load import Loaded, load
from assets.demo.people import ACCOUNTS
from assets.demo.spec import SPEC_NAME, Device, Listener, Spec
from assets.equipment_requests.workflow import State
from assets.ingest import Ingest
from assets.monitoring import collectors
from assets.places.units import parse, shipped, short_name
from assets.probing.contract import BATCH_MAX, Batch, Community, Observation, ParentSeen, TargetSpec
from assets.probing.prober import Prober
from assets.probing.profile import Profiles
from assets.probing.readings import Outcome, Result
from assets.readiness import service as readiness
from assets.vault import Vault

NOW = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
PASSWORD = "thu-nghiem-2026"
VERDICTS = {"able": 87, "limited": 6, "unable": 2, "unknown": 1}
AT_ONCE = 40
FAMILY_NAMES = (
    "Nguyễn|Trần|Lê|Phạm|Huỳnh|Hoàng|Phan|Vũ|Võ|Đặng|Bùi|Đỗ|Hồ|Ngô|Dương|Lý|Đinh|Trịnh|Mai|Tô|Lương|Cao|Hà|Tạ|Trương"
)


@dataclass
class Province:
    """A loaded demonstration."""

    loaded: Loaded
    home: Path
    port: int
    now: datetime

    async def rows(self, query: str, *values: object) -> list[dict[str, object]]:
        async with db.transaction(db.EVERYTHING) as tx:
            return [dict(row) for row in await tx.fetch(query, *values)]

    async def verdicts(self) -> Counter[object]:
        return Counter(row["verdict"] for row in await self.rows("select verdict from readiness"))

    async def reasons(self) -> dict[object, set[str]]:
        """Why centres are not able: reason codes by site code."""
        rows = await self.rows("select s.code, r.verdict, r.reasons from readiness r join sites s on s.id = r.site")
        return {r["code"]: {x.code for x in readiness.load(str(r["reasons"]))} for r in rows if r["verdict"] != "able"}


async def build(home: Path, now: datetime) -> Province:
    port = free_port()
    started = time.process_time()
    loaded = await load(
        vault=Vault.open(home), spec_out=home / SPEC_NAME, sim_port=port, sink_port=16_025, password=PASSWORD, now=now
    )
    seconds = time.process_time() - started
    print(f"demo loaded in {seconds:.1f} CPU-s: {dict(loaded.counts)}")
    assert seconds < 20, "loading takes 2 CPU-seconds on an idle machine"
    return Province(loaded, home, port, now)


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def simulated(province: Province) -> Iterator[None]:
    """The simulator, in a process of its own, for as long as the block lasts."""
    files = ["--spec", province.home / SPEC_NAME, "--faults", province.home / faults.FAULTS_NAME]
    command = [sys.executable, "-m", "assets.demo.simulator", *map(str, files), "--port", str(province.port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "ready\n"
            yield
        finally:
            process.terminate()


async def test_when_the_province_is_loaded_then_it_is_what_an_engineer_would_believe(
    database: str, tmp_path: Path
) -> None:
    province = await build(tmp_path, NOW)
    [counts] = await province.rows(
        "select (select count(*) from administrative_units where valid_to is null) as units, "
        "(select count(*) from sites where kind = 'centre') as centres, (select count(*) from assets) as assets, "
        "(select count(distinct serial) from assets) as serials, (select count(distinct tag) from assets) as tags, "
        "(select count(*) from targets where method = 'snmp') as snmp, "
        "(select count(*) from targets where application is null) as targets, "
        "(select count(distinct address) from targets where application is null) as addresses, "
        "(select count(*) from assets where stage = 'in_stock') as stock, "
        "(select count(*) from targets where address not like '127.%') as elsewhere, "
        "(select count(*) from readings_default) as misplaced, (select count(*) from readings) as readings"
    )
    assert (counts["units"], counts["centres"], counts["elsewhere"], counts["misplaced"]) == (96, 96, 0, 0)
    assert 600 <= counts["assets"] <= 1_000
    assert counts["serials"] == counts["tags"] == counts["assets"]
    assert (
        counts["addresses"]
        == counts["targets"]
        == len({d.address for d in province.loaded.spec.devices})
        + len({x.address for x in province.loaded.spec.listeners})
    )
    assert 0.4 <= counts["snmp"] / counts["assets"] <= 0.6
    assert counts["stock"] >= 30
    assert counts["readings"] > 50_000
    assert await province.verdicts() == VERDICTS
    assert len({frozenset(codes) for codes in (await province.reasons()).values()}) == 9, "nine reasons, all different"
    await everything_stands_behind_a_router(province)
    await every_state_of_a_request_is_there(province)
    await nobody_real_is_named(province)
    await people_can_sign_in(province)
    await audit_digests_hold(province)


async def everything_stands_behind_a_router(province: Province) -> None:
    rows = await province.rows(
        "select c.code, t.link is not null as line, p.link is not null as behind_line, m.category as behind "
        "from targets t left join targets p on p.id = t.parent left join assets a on a.id = t.asset "
        "left join asset_models k on k.id = a.model left join asset_categories c on c.id = k.category "
        "left join assets b on b.id = p.asset left join asset_models n on n.id = b.model "
        "left join (select id, code as category from asset_categories) m on m.id = n.category "
        "where t.application is null"
    )
    for row in rows:
        if row["line"]:
            assert row["behind"] is None
            assert not row["behind_line"]
        else:
            assert row["behind_line"] if row["code"] == "router" else row["behind"] == "router"


async def every_state_of_a_request_is_there(province: Province) -> None:
    rows = await province.rows("select distinct state from equipment_requests")
    assert {row["state"] for row in rows} == {str(state) for state in State}
    given = await province.rows(
        "select a.site = r.site as stands_there, a.stage, l.given, "
        "(select count(*) from fulfilments g where g.line = l.id) as fulfilled from fulfilments f "
        "join equipment_request_lines l on l.id = f.line join equipment_requests r on r.id = l.request "
        "join assets a on a.id = f.asset"
    )
    assert given
    assert all(r["stands_there"] and r["stage"] == "in_use" and r["given"] == r["fulfilled"] for r in given)


async def nobody_real_is_named(province: Province) -> None:
    names = {short_name(unit.name) for unit in parse(shipped())}
    rows = await province.rows(
        "select display_name || ' | ' || post as text from users union select custodian from assets "
        "union select name || ' | ' || note from assets union select text || ' | ' || said_by_name from declarations "
        "union select reason || ' | ' || decided_by || ' | ' || decision_note from equipment_requests "
        "union select acknowledged_by from incidents union select text || ' | ' || actor_name from incident_events "
        "union select holder_post || ' | ' || title from capabilities union select actor_name from audit_events"
    )
    for row in rows:
        text = str(row["text"])
        for name in sorted(names, key=len, reverse=True):
            text = text.replace(name, "")
        assert not re.search(rf"\b({FAMILY_NAMES})\s+[A-ZĐÀ-Ỹ]\w+", text), text
    people = await province.rows("select name, display_name, active, phone, email from users")
    assert all(not p["phone"] and not p["email"] for p in people)
    roles = {account.display_name for account in ACCOUNTS}  # each named after a post
    assert {p["display_name"] for p in people if p["active"]} == roles
    assert [p["active"] for p in people if p["name"] == "demo-marker"] == [False]
    assert {r["hotline"] for r in await province.rows("select hotline from links")} == {"1800 0000 (ví dụ)"}


async def people_can_sign_in(province: Province) -> None:
    roles = {role for _, role, _ in province.loaded.accounts}
    assert roles == {str(role) for role in Role} - {str(Role.COLLECTOR)}
    vault = Vault({"test": bytes(32)})
    clerk = (await sign_in("clerk", PASSWORD, Visit(), vault=vault, now=NOW)).actor
    [home] = await province.rows("select id from sites where code = '21205'")
    assert clerk.scope.sites == {home["id"]}
    assert (await sign_in("admin", PASSWORD, Visit(), vault=vault, now=NOW)).actor.scope.everything


async def audit_digests_hold(province: Province) -> None:
    for row in await province.rows("select * from audit_events where origin = 'demo'"):
        plain = {k: json.loads(str(v)) if k in ("before", "after") and v is not None else v for k, v in row.items()}
        assert digest(plain) == row["digest"], row["action"]


@pytest.mark.long
async def test_when_every_simulated_thing_is_really_asked_then_nothing_is_other_than_it_was_loaded(
    database: str, tmp_path: Path
) -> None:
    province = await build(tmp_path, datetime.now(UTC))
    token = await collectors.enrol(SYSTEM, None, now=province.now)
    collector = await collectors.actor_of(token, origin="")
    assert collector is not None
    assert collector.id is not None
    targets = {
        row["id"]: row for row in await province.rows(
            "select t.* from targets t left join collector_sites c on c.site = t.site "
            "where c.id is null and t.application is null"
        )
    }  # fmt: skip
    before = await province.rows("select id from condition_changes")
    with simulated(province):
        seen = await ask_all(targets)
    assert Counter(r.outcome for r in seen.values())[Outcome.SILENT] == 6, "two lines, and four things behind one"
    ingest, buffer = Ingest(Profiles.load(), timedelta(seconds=5)), uuid4()
    for offset in (1, 12):
        await post(
            ingest, collector.id, buffer, observations(targets, seen, province.now, offset), province.now, offset
        )
    assert await province.rows("select id from condition_changes") == before
    assert [r["state"] for r in await province.rows("select state from incidents where number > 17")] == []
    await readiness.recompute(None, province.now + timedelta(seconds=20))
    assert await province.verdicts() == VERDICTS

    clean = {target: Result(outcome=Outcome.ANSWERED) for target in targets}
    for offset in (30, 42):
        await post(
            ingest, collector.id, buffer, observations(targets, clean, province.now, offset), province.now, offset
        )
    await readiness.recompute(None, province.now + timedelta(seconds=50))
    left = await province.reasons()
    assert set(left) == {"21250", "21334", "21136", "23344", "23356", "23535"}, "what no device can mend"


async def ask_all(targets: dict[object, dict[str, object]]) -> dict[object, Result]:
    """One look at each target by the prober that collectors use."""
    prober, slots = Prober(Profiles.load()), asyncio.Semaphore(AT_ONCE)
    credential = Community(id=uuid4(), community=SecretStr(simulation.COMMUNITY))

    async def ask(row: dict[str, object]) -> Result:
        wanted = {key: row[key] for key in ("id", "name", "address", "port", "method")}
        wanted["options"] = json.loads(str(row["options"]))
        async with slots:
            return await prober.probe(TargetSpec.model_validate(wanted | {"timeout_seconds": 2.0}), credential)

    return dict(zip(targets, await asyncio.gather(*map(ask, targets.values())), strict=True))


def observations(
    targets: dict[object, dict[str, object]], seen: dict[object, Result], now: datetime, offset: int
) -> list[Observation]:
    found = []
    for sequence, (target, result) in enumerate(seen.items(), start=offset * 10_000):
        parents, here = [], targets[target]["parent"]
        while here is not None and result.outcome is Outcome.SILENT:
            parents.append(ParentSeen(target=UUID(str(here)), alive=seen[here].alive))
            here = targets[here]["parent"]
        found.append(
            Observation(
                sequence=sequence, target=UUID(str(target)), observed_at=now + timedelta(seconds=offset),
                parents=tuple(parents), **result.model_dump(),
            )
        )  # fmt: skip
    return found


async def post(
    ingest: Ingest, collector: UUID, buffer: UUID, seen: list[Observation], now: datetime, offset: int
) -> None:
    at = now + timedelta(seconds=offset + 1)
    for start in range(0, len(seen), BATCH_MAX):
        part = tuple(seen[start : start + BATCH_MAX])
        answer = await ingest.take(collector, Batch(buffer_id=buffer, sent_at=at, observations=part), at)
        assert answer.rejected == ()


def test_when_the_fleet_is_made_twice_then_it_is_the_same() -> None:
    units, today = parse(shipped()), date(2026, 11, 24)

    def made() -> tuple[object, ...]:
        serials: set[str] = set()
        return fleet.province(units, today, serials), tuple(stock.shelves(today, serials))

    assert made() == made()
    assert made() == made()


def test_when_a_trouble_is_told_then_its_centre_has_the_thing_that_it_is_about() -> None:
    centres = fleet.province(parse(shipped()), date(2026, 11, 24), set())
    told = [*troubles.PRESENT, *troubles.PAST]
    tags = [trouble.tag_in(centres[trouble.site]) for trouble in told]
    assert len(set(tags)) == len(tags), "a thing is in trouble once, or its incident would not know which it was"
    for word in troubles.WORDS:
        assert not word.what or centres[word.site].first(word.what)


def _spec() -> Spec:
    """Two lines, a router behind both, and a printer and a computer behind the router."""
    return Spec(
        epoch=NOW,
        devices=(
            Device(kind="router", name="r", tag="router", address="127.0.0.3", behind=("line-1", "line-2")),
            Device(kind="printer", name="p", tag="printer", address="127.0.0.4", behind=("router",)),
        ),
        listeners=(
            Listener(tag="line-1", address="127.0.0.1", port=9),
            Listener(tag="line-2", address="127.0.0.2", port=9),
            Listener(tag="computer", address="127.0.0.5", port=9, behind=("router",)),
        ),
    )


@pytest.mark.parametrize(
    ("silent", "unheard"),
    [
        ((), set()),
        (("line-1",), {"line-1"}),  # the other line still carries
        (("line-1", "line-2"), {"line-1", "line-2", "router", "printer", "computer"}),
        (("router",), {"router", "printer", "computer"}),  # lines end at the carrier, not at the router
        (("printer",), {"printer"}),
    ],
)
def test_when_every_way_out_of_a_thing_is_silent_then_it_cannot_be_heard(
    silent: tuple[str, ...], unheard: set[str]
) -> None:
    broken = {tag: faults.Broken(fault=faults.Fault.SILENT, since=NOW) for tag in silent}
    jammed = {"router": faults.Broken(fault=faults.Fault.HIGH_LOAD, since=NOW)} if not silent else {}
    assert faults.unheard(_spec(), broken | jammed) == unheard
