"""Readiness on a real PostgreSQL: which facts are found, what is written, and how fast."""

import asyncio
import time
from datetime import UTC, date, datetime
from uuid import UUID

import pytest

from assets import db
from assets.access.actor import SYSTEM
from assets.db import EVERYTHING
from assets.ids import new_id
from assets.inventory.lifecycle import PhysicalState
from assets.places import service as places
from assets.places.units import parse, shipped
from assets.readiness import service
from assets.readiness.rules import Readiness
from tests import equipment_world
from tests.equipment_world import World, at


class Centre(World):
    """The first centre, made able: a measured computer, a registered printer, a line, an account."""

    async def make_able(self) -> None:
        self.pc = await self.thing("pc", "PC-1", self.home_code)
        self.printer = await self.thing("printer", "PR-1", self.home_code)
        async with db.transaction(EVERYTHING) as tx:
            self.line = await self.add_line(tx, "L-1", primary=True)
            self.pc_target = await self.target(tx, "PC-1", asset=self.pc)
            self.line_target = await self.target(tx, "L-1", link=self.line)
            self.account = await self.add_account(tx, "portal", "issued")

    async def add_line(self, tx: db.Connection, tag: str, *, primary: bool) -> UUID:
        link = new_id()
        await tx.execute(
            "insert into links (id, site, tag, kind, carrier, circuit_number, is_primary, hotline, search, version) "
            "values ($1,$2,$3,'fibre','Nhà mạng A','',$4,'','',1)", link, self.home, tag, primary,
        )  # fmt: skip
        return link

    async def target(
        self,
        tx: db.Connection,
        name: str,
        *,
        asset: UUID | None = None,
        link: UUID | None = None,
        condition: str = "up",
    ) -> UUID:
        target = new_id()
        await tx.execute(
            "insert into targets (id, site, asset, link, name, method, address, port, profile, interval_seconds, confirm, "
            "enabled, created_at, version) values ($1,$2,$3,$4,$5,'ping','127.0.0.9',0,'',60,2,true,$6,1)",
            target, self.home, asset, link, name, at(0),
        )  # fmt: skip
        await tx.execute(
            "insert into device_states (target, condition, since, reason, severity, flapping, outcome, detail, step, "
            "readings, counters) values ($1,$2,$3,'','',false,'','','{}','[]','{}')", target, condition, at(0),
        )  # fmt: skip
        return target

    async def add_account(self, tx: db.Connection, code: str, status: str) -> UUID:
        application, capability = new_id(), new_id()
        await tx.execute(
            "insert into applications (id, code, name, name_en, owner_office, web_address, needs_account, version) "
            "values ($1,$2,'Cổng','','Sở T','',true,1)", application, code,
        )  # fmt: skip
        await tx.execute(
            "insert into capabilities (id, site, application, kind, title, holder_post, status, version) "
            "values ($1,$2,$3,'account',$4,'',$5,1)", capability, self.home, application, code, status,
        )  # fmt: skip
        return capability

    async def sql(self, statement: str, *values: object) -> None:
        async with db.transaction(EVERYTHING) as tx:
            await tx.execute(statement, *values)

    async def declare(self, kind: str, *, asset: UUID | None = None, capability: UUID | None = None) -> None:
        await self.sql(
            "insert into declarations (id, site, asset, capability, kind, text, said_by_name, said_at) "
            "values ($1,$2,$3,$4,$5,'','Bà A',$6)", new_id(), self.home, asset, capability, kind, at(1),
        )  # fmt: skip

    async def judged(self, minutes: float = 2) -> tuple[str, list[str]]:
        """The stored verdict and the codes of its reasons, after a computation at that minute."""
        await service.recompute([self.home], at(minutes))
        async with db.transaction(EVERYTHING) as tx:
            row = await tx.fetchrow("select verdict, reasons from readiness where site = $1", self.home)
        return row["verdict"], [reason.code for reason in service.load(row["reasons"])]


@pytest.fixture
async def centre(database: str) -> Centre:
    centre = Centre(**vars(await equipment_world.build()))
    await centre.make_able()
    return centre


async def test_when_all_three_facts_hold_then_the_centre_is_able_and_the_register_is_named(centre: Centre) -> None:
    assert await centre.judged() == ("able", ["printer_by_register"])


async def test_when_each_fact_is_spoilt_in_the_tables_then_the_verdict_follows(centre: Centre) -> None:
    await centre.declare("broken", asset=centre.printer)
    assert await centre.judged() == ("unable", ["printer_fails"])
    await centre.sql("update declarations set ended_at = $1", at(2))
    await centre.sql("update device_states set condition = 'down' where target = $1", centre.line_target)
    assert await centre.judged() == ("unable", ["line_fails", "printer_by_register"])
    async with db.transaction(EVERYTHING) as tx:
        backup = await centre.add_line(tx, "L-2", primary=False)
        await centre.target(tx, "L-2", link=backup)
    assert await centre.judged() == ("limited", ["line_on_backup", "printer_by_register"])
    await centre.sql("update device_states set condition = 'up' where target = $1", centre.line_target)
    await centre.declare("broken", capability=centre.account)
    assert await centre.judged() == ("unable", ["accounts_none", "printer_by_register"])
    await centre.sql("update declarations set ended_at = $1", at(2))
    await centre.declare("paper_mode")
    assert await centre.judged() == ("limited", ["paper_mode", "printer_by_register"])


async def test_when_an_account_expires_overnight_in_viet_nam_then_the_centre_is_unable(centre: Centre) -> None:
    await centre.sql("update capabilities set expires_on = $1", date(2026, 11, 24))
    await service.recompute([centre.home], datetime(2026, 11, 24, 16, 59, tzinfo=UTC))  # 23:59 of the 24th there
    changes = await service.recompute([centre.home], datetime(2026, 11, 24, 17, 0, tzinfo=UTC))
    assert [change.after for change in changes] == [Readiness.UNABLE]


async def test_when_the_collector_is_silent_and_nothing_is_known_then_the_centre_is_unknown(centre: Centre) -> None:
    await centre.sql("update device_states set condition = 'unknown'")
    await centre.sql(
        "insert into collectors (id, name, covers_rest, token_prefix, token_digest, enrolled_at, silent_since, "
        "software, skew_seconds, backlog, shed, rejected, version) "
        "values ($1,'C-1',true,'p','d',$2,$2,'',0,0,0,0,1)", new_id(), at(0),
    )  # fmt: skip
    verdict, codes = await centre.judged()
    assert verdict == "unknown"
    assert set(codes) == {"computer_no_data", "line_no_data", "collector_silent", "printer_by_register"}


async def test_when_the_line_is_behind_the_centres_own_router_then_the_router_is_named(centre: Centre) -> None:
    async with db.transaction(EVERYTHING) as tx:
        router = await centre.target(tx, "RT-1", condition="down")
        await tx.execute(
            "update device_states set condition = 'unreachable', cause = $2 where target = $1",
            centre.line_target,
            router,
        )
    assert (await centre.judged())[1][0] == "line_behind"


async def test_when_only_a_broken_thing_is_in_the_register_then_it_counts_as_broken(centre: Centre) -> None:
    await centre.sql("update assets set physical_state = $2 where id = $1", centre.printer, PhysicalState.BROKEN)
    assert await centre.judged() == ("unable", ["printer_fails"])
    await centre.sql("update assets set stage = 'in_repair' where id = $1", centre.printer)
    assert await centre.judged() == ("unable", ["printer_none"])


async def test_when_nothing_changes_then_nothing_is_written_but_how_fresh_it_is(centre: Centre) -> None:
    await centre.judged(2)
    assert await service.recompute([centre.home], at(3)) == []
    async with db.transaction(EVERYTHING) as tx:
        row = await tx.fetchrow("select since, computed_at from readiness where site = $1", centre.home)
        assert await tx.fetchval("select count(*) from readiness_changes") == 1
    assert tuple(row) == (at(2), at(3))


async def test_when_only_the_reason_changes_then_since_stays_and_no_change_is_counted(centre: Centre) -> None:
    await centre.sql("update device_states set condition = 'down' where target = $1", centre.line_target)
    await centre.judged(2)
    await centre.sql("update device_states set condition = 'up' where target = $1", centre.line_target)
    await centre.sql("update device_states set condition = 'down' where target = $1", centre.pc_target)
    assert await centre.judged(3) == ("unable", ["computer_fails", "printer_by_register"])
    async with db.transaction(EVERYTHING) as tx:
        assert await tx.fetchval("select since from readiness where site = $1", centre.home) == at(2)
        assert await tx.fetchval("select count(*) from readiness_changes") == 1


async def test_when_a_verdict_changes_then_the_change_is_a_row_with_its_reasons(centre: Centre) -> None:
    await centre.judged(2)
    await centre.sql("update device_states set condition = 'down' where target = $1", centre.line_target)
    (change,) = await service.recompute([centre.home], at(5))
    assert (change.before, change.after) == (Readiness.ABLE, Readiness.UNABLE)
    async with db.transaction(EVERYTHING) as tx:
        row = await tx.fetchrow('select "before", "after", at, reasons from readiness_changes order by at desc limit 1')
    assert (row["before"], row["after"], row["at"]) == ("able", "unable", at(5))
    assert service.load(row["reasons"])[0].code == "line_fails"


async def test_when_two_compute_at_once_then_a_change_is_written_once(centre: Centre) -> None:
    found = await asyncio.gather(*(service.recompute(None, at(2)) for _ in range(3)))
    assert sorted(len(changes) for changes in found) == [0, 0, 2]


async def test_when_a_centre_closes_then_its_verdict_goes(centre: Centre) -> None:
    await service.recompute(None, at(2))
    await centre.sql("update sites set open = false, closed_reason = 'x' where id = $1", centre.other)
    await service.recompute(None, at(3))
    async with db.transaction(EVERYTHING) as tx:
        assert [row["site"] for row in await tx.fetch("select site from readiness")] == [centre.home]


async def test_when_the_job_runs_then_its_payload_says_which_centres(centre: Centre) -> None:
    assert [change.site for change in await service.run({"sites": [str(centre.home)]}, at(2))] == [centre.home]
    assert [change.site for change in await service.run({}, at(2))] == [centre.other]
    assert await service.run({"sites": [str(new_id())]}, at(2)) == []


async def test_when_many_centres_ask_then_one_job_looks_at_all(centre: Centre) -> None:
    async with db.transaction(EVERYTHING) as tx:
        await service.request_recompute(tx, [new_id() for _ in range(service.ASKED_MAX + 1)])
        await service.request_recompute(tx, [centre.home])
        await service.request_recompute(tx, [centre.home])
        assert await tx.fetchval("select count(*) from pgqueuer where entrypoint = 'readiness'") == 2


async def test_when_reasons_are_shown_then_they_are_in_the_language_of_the_reader(centre: Centre) -> None:
    await centre.sql("update device_states set condition = 'down' where target = $1", centre.line_target)
    await centre.judged()
    async with db.transaction(EVERYTHING) as tx:
        stored = await tx.fetchval("select reasons from readiness where site = $1", centre.home)
    english, vietnamese = service.explain(stored, "en")[0], service.explain(stored, "vi")[0]
    assert english.owner == "Carrier Nhà mạng A"
    assert vietnamese.message != english.message
    assert "L-1" in vietnamese.message


async def test_when_things_are_named_in_reasons_then_as_people_name_them_with_their_tag(centre: Centre) -> None:
    await centre.sql("update device_states set condition = 'down'")
    await centre.sql("update targets set enabled = false where id = $1", centre.line_target)
    await centre.sql("update assets set name = 'Máy tính quầy 1' where id = $1", centre.pc)
    await centre.judged()
    async with db.transaction(EVERYTHING) as tx:
        stored = await tx.fetchval("select reasons from readiness where site = $1", centre.home)
        named = {reason.code: reason.params["names"] for reason in service.load(stored)}
        assert named == {
            "computer_fails": "Máy tính quầy 1 (PC-1)", "line_no_data": "Nhà mạng A (L-1)",
            "printer_by_register": "Máy in (PR-1)",
        }  # fmt: skip
        await tx.execute(
            "update targets set enabled = true, name = 'Kênh TSLCD Nhà mạng A (L-1)' where id = $1", centre.line_target
        )
    assert "line_fails" in (await centre.judged())[1]
    async with db.transaction(EVERYTHING) as tx:
        assert "Kênh TSLCD Nhà mạng A (L-1)" in await tx.fetchval(
            "select reasons from readiness where site = $1", centre.home
        )


async def test_when_all_96_centres_are_judged_then_it_takes_less_than_a_second(centre: Centre) -> None:
    await places.load_units(SYSTEM, parse(shipped()))
    await places.open_centres(SYSTEM)
    async with db.transaction(EVERYTHING) as tx:
        sites = [row["id"] for row in await tx.fetch("select id from sites where kind = 'centre'")]
        rows = [(new_id(), f"X-{n}", centre.models["pc"], sites[n % len(sites)]) for n in range(1_000)]
        await tx.executemany(
            "insert into assets (id, tag, model, site, serial, name, stage, physical_state, custodian, note, search, "
            "created_at, version) values ($1,$2,$3,$4,'','','in_use','good','','','',now(),1)", rows,
        )  # fmt: skip
    started = time.process_time()  # of a core: what else the machine does is not ours
    assert len(await service.recompute(None, at(2))) == len(sites) == 96
    assert time.process_time() - started < 1
