"""Equipment requests on a real PostgreSQL: from the clerk's form to the asset that stands at the centre."""

import asyncio
import json
from collections.abc import Awaitable
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from assets import db
from assets.access.actor import SYSTEM
from assets.access.permissions import Role
from assets.db import EVERYTHING
from assets.equipment_requests import queries, service, steps
from assets.equipment_requests.facts import beside
from assets.equipment_requests.service import Amended, Asked, Doing, Filing
from assets.equipment_requests.telling import EquipmentRequestTelling
from assets.equipment_requests.workflow import State, Step
from assets.errors import AssetsError, Conflict, Invalid, NotAllowed, NotFound, Stale
from assets.ids import new_id
from assets.inventory.lifecycle import PhysicalState
from assets.web.paging import ListQuery
from tests import equipment_world
from tests.equipment_world import World, at

SAID = Doing("Xin bổ sung")


@pytest.fixture
async def world(database: str) -> World:
    return await equipment_world.build()


def _printers(quantity: int = 1, **more: object) -> Filing:
    return Filing([Asked("printer", quantity)], "Máy in cũ hay kẹt giấy", **more)  # type: ignore[arg-type]


async def _approved(world: World, quantity: int = 1) -> str:
    filed = await service.file(world.alice, _printers(quantity), now=at(0))
    await service.approve(world.bob, str(filed.number), Doing(), now=at(1))
    return str(filed.number)


async def _detail(world: World, number: str) -> queries.RequestDetail:
    async with db.transaction(EVERYTHING) as tx:
        return await queries.one(tx, world.bob, number, "vi")


async def test_when_many_lines_are_cut_then_the_story_says_of_it_what_a_note_holds(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    filed = await service.file(world.alice, _printers(2), now=at(0))
    for module in (service, steps):
        monkeypatch.setattr(module, "NOTE_MAX", 6)
    await service.approve(world.bob, str(filed.number), Doing(), quantities={1: 1}, now=at(1))
    assert (await _detail(world, str(filed.number))).events[-1].note == "Máy in"


async def test_when_a_clerk_asks_and_the_province_agrees_then_the_asset_stands_at_the_centre(world: World) -> None:
    await world.stock("printer", "PR-9")
    number = await _approved(world)
    filed = await service.fulfil(world.bob, number, Doing(), now=at(2))
    assert filed.state is State.FULFILLED
    assert await world.asset("PR-9") == (world.home, "in_use")
    assert (await service.act(world.alice, number, Step.CLOSE, Doing(), now=at(3))).state is State.CLOSED
    seen = await _detail(world, number)
    assert [(e.action, e.after) for e in seen.events] == [
        ("file", "draft"), ("submit", "submitted"), ("approve", "approved"), ("fulfil", "fulfilled"), ("close", "closed"),
    ]  # fmt: skip
    assert seen.lines[0].asset_tags == ["PR-9"]
    assert seen.fulfilled_at == at(2)


async def test_when_it_is_handed_over_at_night_then_the_day_is_that_of_viet_nam(world: World) -> None:
    await world.stock("printer", "PR-9")
    number = await _approved(world)
    evening = datetime(2026, 12, 31, 18, 0, tzinfo=UTC)  # one o'clock of the next year
    await service.fulfil(world.bob, number, Doing(), now=evening)
    async with db.transaction(EVERYTHING) as tx:
        assert await tx.fetchval("select put_into_use from assets where tag = 'PR-9'") == date(2027, 1, 1)


async def test_when_a_request_goes_its_way_then_every_step_is_audited_and_readiness_is_asked_for(world: World) -> None:
    await world.stock("printer", "PR-9")
    number = await _approved(world)
    await service.fulfil(world.bob, number, Doing(), now=at(2))
    async with db.transaction(EVERYTHING) as tx:
        audited = await tx.fetch("select action, actor_name from audit_events where subject_kind = $1 order by id",
                                 service.KIND)  # fmt: skip
        jobs = await tx.fetch("select payload from pgqueuer where entrypoint = 'readiness'")
    assert [tuple(row) for row in audited] == [
        ("file", "Bà A"), ("submit", "Bà A"), ("approve", "Ông B"), ("fulfil", "Ông B"),
    ]  # fmt: skip
    # The centre that got it, and the store that it left.
    asked = sorted(site for job in jobs for site in json.loads(job["payload"])["sites"])
    assert asked == sorted(map(str, (world.home, world.store)))


async def test_when_the_same_form_is_sent_twice_then_one_request_is_filed(world: World) -> None:
    filing = _printers(key=new_id())
    first = await service.file(world.alice, filing, now=at(0))
    again = await service.file(world.alice, filing, now=at(1))
    at_once = await asyncio.gather(*(service.file(world.alice, filing, now=at(2)) for _ in range(3)))
    assert {f.number for f in (first, again, *at_once)} == {first.number}
    async with db.transaction(EVERYTHING) as tx:
        assert await tx.fetchval("select count(*) from equipment_requests") == 1
        assert await tx.fetchval("select count(*) from equipment_request_lines") == 1


async def test_when_a_new_form_is_sent_many_times_at_once_then_one_request_is_filed(world: World) -> None:
    filing = _printers(key=new_id())
    filed = await asyncio.gather(*(service.file(world.alice, filing, now=at(0)) for _ in range(5)))
    assert len({f.id for f in filed}) == 1
    async with db.transaction(EVERYTHING) as tx:
        assert await tx.fetchval("select count(*) from equipment_request_events where action = 'submit'") == 1


async def test_when_somebody_else_uses_the_key_of_a_form_then_nothing_is_told_of_the_request(world: World) -> None:
    key = new_id()
    await service.file(world.alice, _printers(key=key), now=at(0))
    with pytest.raises(Conflict):
        await service.file(world.charlie, _printers(key=key), now=at(1))


@pytest.mark.parametrize(
    ("lines", "reason", "field"),
    [
        ([], "x", "lines"),
        ([Asked("printer", 0)], "x", "lines.0.quantity"),
        ([Asked("printer", 1001)], "x", "lines.0.quantity"),
        ([Asked("aircraft", 1)], "x", "lines.0.category"),
        ([Asked("printer", 1)], " \n\t", "reason"),  # blanks and control characters are no reason
        ([Asked("printer", 1)] * 21, "x", "lines"),
    ],
)
async def test_when_input_is_wrong_then_the_field_is_named_and_nothing_is_kept(
    world: World, lines: list[Asked], reason: str, field: str
) -> None:
    with pytest.raises(Invalid) as caught:
        await service.file(world.alice, Filing(lines, reason), now=at(0))
    assert field in caught.value.fields
    async with db.transaction(EVERYTHING) as tx:
        assert await tx.fetchval("select count(*) from equipment_requests") == 0


async def test_when_text_is_hostile_then_it_is_cleaned_and_not_refused(world: World) -> None:
    filed = await service.file(world.alice, Filing([Asked("printer", 1)], "Hết mực\0 \ud800‮<b>"), now=at(0))
    assert (await _detail(world, str(filed.number))).reason == "Hết mực <b>"


async def test_when_a_clerk_asks_for_another_centre_then_it_does_not_exist(world: World) -> None:
    with pytest.raises(NotFound):
        await service.file(world.alice, _printers(site=world.other_code), now=at(0))


async def test_when_the_province_files_for_a_centre_then_the_centre_must_be_named(world: World) -> None:
    with pytest.raises(Invalid) as caught:
        await service.file(world.bob, _printers(), now=at(0))
    assert "site" in caught.value.fields
    filed = await service.file(world.bob, _printers(site=world.home_code), now=at(0))
    assert (await _detail(world, str(filed.number))).site == world.home_code


async def test_when_a_store_asks_for_equipment_then_it_is_refused(world: World) -> None:
    with pytest.raises(Conflict):
        await service.file(world.bob, _printers(site="KHO"), now=at(0))


async def test_when_charlie_touches_alices_request_then_it_does_not_exist(world: World) -> None:
    number = str((await service.file(world.alice, _printers(), now=at(0))).number)
    tries: list[Awaitable[object]] = [
        service.act(world.charlie, number, Step.WITHDRAW, Doing(), now=at(1)),
        service.amend(world.charlie, number, Amended({1: 2}, "x"), Doing(), now=at(1)),
        service.approve(world.charlie, number, Doing(), now=at(1)),
        service.fulfil(world.charlie, number, Doing(), now=at(1)),
    ]
    for attempt in tries:
        with pytest.raises(NotFound):
            await attempt
    async with db.transaction(world.charlie.scope) as tx:
        assert (await queries.listed_requests(tx, world.charlie, ListQuery(), "vi")).items == []
        with pytest.raises(NotFound):
            await queries.one(tx, world.charlie, number, "vi")


async def test_when_a_clerk_approves_then_the_role_forbids_it(world: World) -> None:
    number = str((await service.file(world.alice, _printers(), now=at(0))).number)
    with pytest.raises(NotAllowed):
        await service.approve(world.alice, number, Doing(), now=at(1))
    with pytest.raises(NotAllowed):
        await service.act(world.alice, number, Step.REFUSE, SAID, now=at(1))


async def test_when_a_request_is_approved_twice_then_the_second_hears_the_present_state(world: World) -> None:
    number = await _approved(world)
    with pytest.raises(Conflict) as caught:
        await service.approve(world.bob, number, Doing(), now=at(2))
    assert caught.value.facts["state"] == State.APPROVED


async def test_when_two_decide_at_once_then_one_wins_and_one_conflicts(world: World) -> None:
    number = str((await service.file(world.alice, _printers(), now=at(0))).number)
    answers = await asyncio.gather(
        service.approve(world.bob, number, Doing(), now=at(1)),
        service.act(world.bob, number, Step.REFUSE, SAID, now=at(1)),
        return_exceptions=True,
    )
    assert sorted(isinstance(answer, Conflict) for answer in answers) == [False, True]
    assert len((await _detail(world, number)).events) == 3


async def test_when_the_page_is_older_than_the_request_then_the_step_is_stale(world: World) -> None:
    number = str((await service.file(world.alice, _printers(), now=at(0))).number)
    seen = (await _detail(world, number)).version
    await service.act(world.bob, number, Step.RETURN, Doing("Cho phòng nào?", seen), now=at(1))
    with pytest.raises(Stale):
        await service.act(world.alice, number, Step.WITHDRAW, Doing("", seen), now=at(2))


async def test_when_a_request_is_returned_then_the_centre_amends_and_sends_it_again(world: World) -> None:
    number = str((await service.file(world.alice, _printers(3), now=at(0))).number)
    for nothing in ("", " \n", "\0\u200b"):
        with pytest.raises(Invalid) as caught:
            await service.act(world.bob, number, Step.RETURN, Doing(nothing), now=at(1))
        assert "note" in caught.value.fields
    await service.act(world.bob, number, Step.RETURN, Doing("Sao cần ba máy?"), now=at(1))
    assert (await _detail(world, number)).decision_note == "Sao cần ba máy?"
    await service.amend(world.alice, number, Amended({1: 2}, "Hai quầy mới"), Doing(), now=at(2))
    await service.act(world.alice, number, Step.SUBMIT, Doing(), now=at(3))
    seen = await _detail(world, number)
    assert (seen.state, seen.lines[0].quantity, seen.reason) == (State.SUBMITTED, 2, "Hai quầy mới")


async def test_when_a_request_was_sent_then_it_cannot_be_amended(world: World) -> None:
    number = str((await service.file(world.alice, _printers(), now=at(0))).number)
    with pytest.raises(Conflict):
        await service.amend(world.alice, number, Amended({1: 9}, "Thêm"), Doing(), now=at(1))
    assert (await _detail(world, number)).lines[0].quantity == 1


async def test_when_less_is_approved_then_no_more_than_that_is_given(world: World) -> None:
    for n in range(3):
        await world.stock("printer", f"PR-{n}")
    number = str((await service.file(world.alice, _printers(3), now=at(0))).number)
    await service.approve(world.bob, number, Doing(), quantities={1: 2}, now=at(1))
    with pytest.raises(Conflict):
        await service.fulfil(world.bob, number, Doing(), tags={1: ["PR-0", "PR-1", "PR-2"]}, now=at(2))
    filed = await service.fulfil(world.bob, number, Doing(), now=at(2))
    assert filed.state is State.FULFILLED
    assert (await _detail(world, number)).lines[0].given == 2


@pytest.mark.parametrize("approved", [{1: 4}, {1: -1}, {2: 1}, {1: 0}])
async def test_when_an_impossible_number_is_approved_then_it_is_refused(world: World, approved: dict[int, int]) -> None:
    number = str((await service.file(world.alice, _printers(3), now=at(0))).number)
    with pytest.raises(Invalid):
        await service.approve(world.bob, number, Doing(), quantities=approved, now=at(1))
    assert (await _detail(world, number)).state is State.SUBMITTED


async def test_when_the_stock_has_only_a_part_then_the_rest_is_given_later(world: World) -> None:
    await world.stock("printer", "PR-1")
    number = await _approved(world, 2)
    assert (await service.fulfil(world.bob, number, Doing(), now=at(2))).state is State.IN_FULFILMENT
    with pytest.raises(Conflict):  # the stores are empty
        await service.fulfil(world.bob, number, Doing(), now=at(3))
    await world.stock("printer", "PR-2")
    assert (await service.fulfil(world.bob, number, Doing(), now=at(4))).state is State.FULFILLED
    assert (await _detail(world, number)).lines[0].asset_tags == ["PR-1", "PR-2"]


async def test_when_the_rest_cannot_be_given_then_the_province_closes_it_with_a_reason(world: World) -> None:
    number = await _approved(world)
    with pytest.raises(NotAllowed):
        await service.act(world.alice, number, Step.CLOSE, Doing("x"), now=at(2))
    with pytest.raises(Invalid):
        await service.act(world.bob, number, Step.CLOSE, Doing(), now=at(2))
    filed = await service.act(world.bob, number, Step.CLOSE, Doing("Mua sắm tập trung năm sau"), now=at(2))
    assert filed.state is State.CLOSED


async def test_when_two_give_the_last_printer_at_once_then_one_centre_gets_it(world: World) -> None:
    await world.stock("printer", "PR-1")
    first, second = await _approved(world), await _approved(world)
    answers = await asyncio.gather(
        *(service.fulfil(world.bob, number, Doing(), tags={1: ["PR-1"]}, now=at(2)) for number in (first, second)),
        return_exceptions=True,
    )
    assert sorted(isinstance(answer, Conflict) for answer in answers) == [False, True]
    async with db.transaction(EVERYTHING) as tx:
        assert await tx.fetchval("select count(*) from fulfilments") == 1
        assert await tx.fetchval("select sum(given) from equipment_request_lines") == 1


async def test_when_the_same_fulfilment_is_sent_twice_then_nothing_is_given_twice(world: World) -> None:
    for n in range(4):
        await world.stock("printer", f"PR-{n}")
    number = await _approved(world, 2)
    version = (await _detail(world, number)).version
    answers = await asyncio.gather(
        *(service.fulfil(world.bob, number, Doing("", version), now=at(2)) for _ in range(3)), return_exceptions=True
    )
    assert sum(not isinstance(answer, AssetsError) for answer in answers) == 1
    assert (await _detail(world, number)).lines[0].given == 2


async def test_when_the_proposal_is_taken_then_good_and_old_stock_goes_first(world: World) -> None:
    await world.stock("printer", "NEW", day=9)
    await world.stock("printer", "OLD", day=1)
    await world.stock("printer", "WORN", PhysicalState.WORN)
    await world.stock("printer", "BROKEN", PhysicalState.BROKEN)
    number = await _approved(world)
    await service.fulfil(world.bob, number, Doing(), now=at(2))
    assert (await _detail(world, number)).lines[0].asset_tags == ["OLD"]


@pytest.mark.parametrize("tags", [{1: ["PC-1"]}, {1: ["NOT-OURS"]}, {1: []}, {1: ["IN-USE"]}, {1: ["BROKEN"]}])
async def test_when_something_unfit_is_chosen_then_nothing_moves(world: World, tags: dict[int, list[str]]) -> None:
    await world.stock("pc", "PC-1")
    await world.stock("printer", "BROKEN", PhysicalState.BROKEN)
    await world.thing("printer", "IN-USE", world.other_code)
    number = await _approved(world)
    with pytest.raises(Conflict):
        await service.fulfil(world.bob, number, Doing(), tags=tags, now=at(2))
    assert await world.asset("PC-1") == (world.store, "in_stock")
    assert (await _detail(world, number)).state is State.APPROVED


async def test_when_the_list_is_read_then_what_waits_longest_for_a_decision_comes_first(world: World) -> None:
    late = await service.file(world.alice, _printers(), now=at(9))
    early = await service.file(world.charlie, _printers(), now=at(1))
    over = await service.file(world.alice, _printers(), now=at(0))
    await service.act(world.alice, str(over.number), Step.WITHDRAW, Doing(), now=at(2))
    async with db.transaction(EVERYTHING) as tx:
        page = await queries.listed_requests(tx, world.bob, ListQuery(limit=2), "en")
        rest = await queries.listed_requests(tx, world.bob, ListQuery(limit=2, cursor=page.next), "en")
        counted = await queries.counts(tx, SYSTEM)
    assert [item.number for item in (*page.items, *rest.items)] == [early.number, late.number, over.number]
    assert (page.total, counted[State.SUBMITTED], counted[State.WITHDRAWN]) == (3, 2, 1)
    assert page.items[0].lines[0].name == "Printer"


async def test_when_somebody_who_only_decides_looks_then_drafts_are_not_shown(world: World) -> None:
    draft = await service.file(world.alice, _printers(send=False), now=at(0))
    approver = replace(world.bob, roles=frozenset({Role.APPROVER}))
    async with db.transaction(EVERYTHING) as tx:
        assert (await queries.listed_requests(tx, approver, ListQuery(), "vi")).items == []
        with pytest.raises(NotFound):
            await queries.one(tx, approver, str(draft.number), "vi")


async def test_when_an_approver_looks_then_the_facts_stand_beside_each_line(world: World) -> None:
    await world.thing("printer", "PR-1", world.home_code)
    broken = await world.thing("printer", "PR-2", world.home_code, state=PhysicalState.BROKEN)
    await world.stock("printer", "PR-9")
    number = str((await service.file(world.alice, _printers(2), now=at(0))).number)
    other = await service.file(world.alice, _printers(), now=at(0))
    async with db.transaction(EVERYTHING) as tx:
        await tx.execute(
            "insert into incidents (id, number, kind, severity, state, site, subject_kind, subject, subject_name, asset, "
            "asset_tag, reason, opened_at, acknowledged_by, resolution, affected, version) values "
            "($1, 7, 'device', 'critical', 'open', $2, 'asset', $3, 'PR-2', $3, 'PR-2', '', $4, '', '', 0, 1)",
            new_id(), world.home, broken, at(0),
        )  # fmt: skip
        facts = (await beside(tx, world.bob, number, "vi")).lines[0]
    assert (facts.in_use, facts.good, facts.broken, facts.in_stock) == (2, 1, 1, 1)
    assert [fault.number for fault in facts.faults] == [7]
    assert ([thing.tag for thing in facts.stock if thing.proposed], facts.short) == (["PR-9"], 1)
    assert facts.asked_elsewhere == 1
    assert other.number != int(number)


async def test_when_a_person_or_a_measurement_says_it_fails_then_it_does_not_count_as_good(world: World) -> None:
    said = await world.thing("printer", "PR-1", world.home_code)
    down = await world.thing("printer", "PR-2", world.home_code)
    await world.thing("printer", "PR-3", world.home_code, state=PhysicalState.WORN)
    mended = await world.thing("printer", "PR-4", world.home_code, state=PhysicalState.BROKEN)
    number = str((await service.file(world.alice, _printers(), now=at(0))).number)
    target = new_id()
    async with db.transaction(EVERYTHING) as tx:
        for asset, kind in ((said, "broken"), (mended, "works")):
            await tx.execute(
                "insert into declarations (id, site, asset, kind, text, said_by_name, said_at) "
                "values ($1,$2,$3,$4,'','Bà A',$5)", new_id(), world.home, asset, kind, at(1),
            )  # fmt: skip
        await tx.execute(
            "insert into targets (id, site, asset, name, method, address, port, profile, interval_seconds, confirm, "
            "enabled, created_at, version) values ($1,$2,$3,'PR-2','ping','127.0.0.9',0,'',60,2,true,$4,1)",
            target, world.home, down, at(0),
        )  # fmt: skip
        await tx.execute(
            "insert into device_states (target, condition, since, reason, severity, flapping, outcome, detail, step, "
            "readings, counters) values ($1,'down',$2,'','',false,'','','{}','[]','{}')", target, at(0),
        )  # fmt: skip
        facts = (await beside(tx, world.bob, number, "vi")).lines[0]
        assert (facts.in_use, facts.good, facts.worn, facts.broken) == (4, 1, 1, 2)
        await tx.execute("update declarations set ended_at = $1", at(2))
        facts = (await beside(tx, world.bob, number, "vi")).lines[0]
    assert (facts.good, facts.worn, facts.broken) == (1, 1, 2), "PR-1 is good again, PR-4 broken by the register"


@pytest.mark.parametrize("ref", ["0", "99999999999", "x", "-1", "1.json", "٣", ""])
async def test_when_an_address_names_nothing_then_it_is_not_found(world: World, ref: str) -> None:
    with pytest.raises(NotFound):
        await service.act(world.bob, ref, Step.SUBMIT, Doing(), now=at(0))


async def _subscribe(kinds: str, severity: str = "info") -> None:
    async with db.transaction(EVERYTHING) as tx:
        channel = new_id()
        await tx.execute(
            "insert into channels (id, name, url, scheme, language, enabled, last_error, version) "
            "values ($1,$2,'sealed','mailto','vi',true,'',1)", channel, f"Kênh {kinds}",
        )  # fmt: skip
        await tx.execute(
            "insert into subscriptions (id, channel, kinds, severity, version) values ($1,$2,$3,$4,1)",
            new_id(), channel, kinds, severity,
        )  # fmt: skip


async def test_when_a_channel_wants_requests_then_each_change_is_announced_once(world: World) -> None:
    await _subscribe('["equipment_request"]')
    await _subscribe('["device"]')
    number = await _approved(world)
    await service.act(world.bob, number, Step.CLOSE, SAID, now=at(2))
    async with db.transaction(EVERYTHING) as tx:
        rows = await tx.fetch("select change, site, severity from notifications order by created_at, id")
    assert [(row["change"].partition("-")[0], row["site"], row["severity"]) for row in rows] == [
        ("submitted", world.home, "info"), ("approved", world.home, "info"), ("closed", world.home, "info"),
    ]  # fmt: skip


async def test_when_a_request_is_told_of_then_the_message_says_who_asks_for_what_and_what_comes_next(
    world: World,
) -> None:
    await _subscribe("[]")
    number = await _approved(world, 2)
    telling = EquipmentRequestTelling("https://assets.example.vn")
    async with db.transaction(EVERYTHING) as tx:
        row = await tx.fetchrow("select * from notifications where change like 'approved-%'")
        message = await telling.compose(tx, row["subject"], row["change"], json.loads(row["facts"]), "vi")
        quiet = await telling.why_quiet(tx, row["subject"], row["change"], row["channel"], at(2))
        passed = await telling.why_quiet(tx, row["subject"], "submitted-2", row["channel"], at(2))
    assert "Đã phê duyệt" in message.title
    for text in ("2 × Máy in", "Máy in cũ hay kẹt giấy", f"https://assets.example.vn/equipment-requests/{number}"):
        assert text in message.body
    assert quiet is None
    assert passed is not None
    assert passed.code == "moved_on"
