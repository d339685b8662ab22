"""Approval on a real PostgreSQL: steps one after another, deputies, targets by the calendar, who is told and reminded."""

import asyncio
import json
from collections.abc import Awaitable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from assets import db
from assets.access import service as access
from assets.access.actor import SYSTEM, Actor
from assets.access.identify import identify
from assets.access.permissions import Role
from assets.db import EVERYTHING
from assets.equipment_requests import queries, reminding, service
from assets.equipment_requests.approval_rules import service as approval
from assets.equipment_requests.approval_rules.service import NewCost, NewStep
from assets.equipment_requests.delegations import service as delegations
from assets.equipment_requests.delegations.service import NewDelegation
from assets.equipment_requests.service import Amended, Asked, Doing, Filed, Filing
from assets.equipment_requests.telling import EquipmentRequestTelling
from assets.equipment_requests.workflow import State, Step
from assets.equipment_requests.working_calendar import service as calendar
from assets.equipment_requests.working_calendar.service import Day
from assets.equipment_requests.working_calendar.working_time import EXAMPLE, DayKind
from assets.errors import AssetsError, Conflict, Invalid, NotAllowed, NotFound, Stale
from assets.ids import new_id
from assets.web.paging import Filter, ListQuery
from tests import equipment_world
from tests.equipment_world import T0, World, at

# T0 is a Tuesday, 08:00 in Viet Nam.
TODAY = date(2026, 11, 24)


@pytest.fixture
async def world(database: str) -> World:
    return await equipment_world.build()


async def person(name: str, role: Role, unit: str = "") -> Actor:
    """Somebody with a grant, as the sign-in finds them."""
    made = await access.add_user(SYSTEM, access.NewUser(name=name, role=role, unit=unit, display_name=name.title()))
    return await known(made)


async def known(user: UUID, now: datetime = T0) -> Actor:
    async with db.transaction(EVERYTHING) as tx:
        return await identify(tx, user, now, origin="test")


async def two_steps(**second: Any) -> None:
    """The unit's approver and then the province's."""
    await approval.add_step(SYSTEM, NewStep("Xem xét", ("approver",), "Review", 1, "unit", hours=8))
    values = {"name": "Phê duyệt", "roles": ("approver",), "position": 2, "place": "province", **second}
    await approval.add_step(SYSTEM, NewStep(**values))


async def filed(world: World, quantity: int = 3, by: Actor | None = None) -> str:
    made = await service.file(by or world.alice, Filing([Asked("printer", quantity)], "Máy cũ hỏng"), now=at(0))
    return str(made.number)


async def seen(actor: Actor, number: str) -> queries.RequestDetail:
    async with db.transaction(actor.scope) as tx:
        return await queries.one(tx, actor, number, "vi")


async def waiting(actor: Actor) -> list[int]:
    query = ListQuery(filters=(Filter("waiting_for_me", "", (True,)),), sort="priority")
    async with db.transaction(actor.scope) as tx:
        return [one.number for one in (await queries.listed_requests(tx, actor, query, "vi")).items]


async def shown(number: str, doing: Doing) -> Doing:
    """What somebody says who looks at the request's page now."""
    async with db.transaction(EVERYTHING) as tx:
        version = await tx.fetchval("select version from equipment_requests where number = $1", int(number))
    return doing if doing.due or doing.version else replace(doing, version=version)


async def approve(actor: Actor, number: str, doing: Doing, **said: Any) -> Filed:
    return await service.approve(actor, number, await shown(number, doing), **said)


async def act(actor: Actor, number: str, step: Step, doing: Doing, *, now: datetime) -> Filed:
    return await service.act(actor, number, step, await shown(number, doing), now=now)


async def refused(attempt: Awaitable[object]) -> AssetsError:
    with pytest.raises(AssetsError) as caught:
        await attempt
    return caught.value


async def test_when_two_steps_are_set_then_both_decide_in_turn_and_the_second_only_lowers(world: World) -> None:
    await two_steps()
    near, far = await person("near", Role.APPROVER, world.home_code), await person("far", Role.APPROVER)
    number = await filed(world)
    assert [(s.name, s.state) for s in (await seen(far, number)).approval] == [
        ("Xem xét", "due"),
        ("Phê duyệt", "to_come"),
    ]
    assert (await waiting(near), await waiting(far)) == ([1], [])
    assert isinstance(await refused(approve(far, number, Doing(), now=at(1))), NotAllowed)
    assert (await approve(near, number, Doing("Đủ 2"), quantities={1: 2}, now=at(1))).state is State.SUBMITTED
    between = await seen(far, number)
    assert (between.lines[0].approved, between.decided_at, between.due_step) == (None, None, "Phê duyệt")
    assert (await waiting(near), await waiting(far)) == ([], [1])
    raised = await refused(approve(far, number, Doing(), quantities={1: 3}, now=at(2)))
    assert isinstance(raised, Invalid)
    assert raised.fields.keys() == {"approved.1"}
    silent = await refused(approve(far, number, Doing(), quantities={1: 1}, now=at(2)))
    assert isinstance(silent, Invalid)
    assert silent.fields.keys() == {"note"}
    assert (await approve(far, number, Doing("Kho thiếu"), quantities={1: 1}, now=at(2))).state is State.APPROVED
    after = await seen(far, number)
    assert (after.lines[0].approved, after.decided_by) == (1, "Far")
    assert [(s.state, s.decided_by, s.approved) for s in after.approval] == [
        ("done", "Near", {1: 2}), ("done", "Far", {1: 1}),
    ]  # fmt: skip
    assert [e.after for e in after.events] == ["draft", "submitted", "submitted", "approved"]


async def test_when_nothing_is_said_of_a_number_then_what_the_step_before_approved_stands(world: World) -> None:
    await two_steps()
    near, far = await person("near", Role.APPROVER, world.home_code), await person("far", Role.APPROVER)
    number = await filed(world)
    await approve(near, number, Doing(), quantities={1: 2}, now=at(1))
    await approve(far, number, Doing(), now=at(2))
    assert (await seen(far, number)).lines[0].approved == 2


@pytest.mark.parametrize(
    ("source", "cost", "quantity", "steps"),
    [("table", 5_000_000, 3, 1), ("table", 20_000_000, 3, 2), ("none", 20_000_000, 1, 2), ("table", None, 1, 2)],
)
async def test_when_a_step_is_for_higher_values_then_the_value_decides(
    world: World, source: str, cost: int | None, quantity: int, steps: int
) -> None:
    await two_steps(from_value=50_000_000)
    await approval.set_settings(SYSTEM, {"cost_source": source}, version=0)
    await approval.set_costs(SYSTEM, {"printer": NewCost(cost, 0)})
    number = await filed(world, quantity)
    found = await seen(world.bob, number)
    assert len(found.approval) == steps
    assert found.value == (cost * quantity if source == "table" and cost else 0)


async def test_when_the_last_purchase_says_the_cost_then_another_centre_counts_too(world: World) -> None:
    await two_steps(from_value=50_000_000)
    await approval.set_settings(SYSTEM, {"cost_source": "last_purchase"}, version=0)
    asset = await world.thing("printer", "PR-1", world.other_code)
    async with db.transaction(EVERYTHING) as tx:
        await tx.execute("update assets set original_cost = 9000000 where id = $1", asset)
    assert (await seen(world.bob, await filed(world, 2))).value == 18_000_000


async def test_when_one_asks_and_decides_then_it_is_refused(world: World) -> None:
    number = await filed(world, by=replace(world.bob, home_site=world.home))
    found = await seen(world.bob, number)
    assert (found.steps, found.cannot_decide) == (["withdraw"], "Không ai được quyết định đề nghị do chính mình lập.")
    for verb in (approve(world.bob, number, Doing(), now=at(1)),
                 act(world.bob, number, Step.REFUSE, Doing("x"), now=at(1))):  # fmt: skip
        assert isinstance(await refused(verb), NotAllowed)
    assert await waiting(world.bob) == []


async def test_when_a_person_has_both_steps_then_the_second_needs_another_or_a_setting(world: World) -> None:
    await two_steps(place="any")
    near, far = await person("near", Role.APPROVER, world.home_code), await person("far", Role.APPROVER)
    number = await filed(world)
    await approve(near, number, Doing(), now=at(1))
    assert (await refused(approve(near, number, Doing(), now=at(2)))).detail.startswith("One person")
    await approval.set_settings(SYSTEM, {"same_person": True}, version=0)
    assert (await approve(near, number, Doing(), now=at(3))).state is State.APPROVED
    assert isinstance(await refused(approve(far, number, Doing(), now=at(4))), Conflict)


async def test_when_the_centre_changes_it_after_a_return_then_former_approvals_are_void(world: World) -> None:
    await two_steps()
    near, far = await person("near", Role.APPROVER, world.home_code), await person("far", Role.APPROVER)
    number = await filed(world)
    await approve(near, number, Doing(), now=at(1))
    await act(far, number, Step.RETURN, Doing("Ghi rõ"), now=at(2))
    await act(world.alice, number, Step.SUBMIT, Doing(), now=at(3))
    assert (await seen(far, number)).due_step == "Phê duyệt"  # nothing was changed: what was approved stands
    await act(far, number, Step.RETURN, Doing("Ghi rõ"), now=at(4))
    await service.amend(world.alice, number, Amended({1: 4}, "Máy cũ hỏng"), Doing(), now=at(5))
    await act(world.alice, number, Step.SUBMIT, Doing(), now=at(6))
    found = await seen(far, number)
    assert [(s.round, s.state) for s in found.approval] == [(1, "void"), (2, "due"), (2, "to_come")]
    assert isinstance(await refused(approve(far, number, Doing(), now=at(7))), NotAllowed)
    await approve(near, number, Doing(), quantities={1: 4}, now=at(8))


async def test_when_the_rules_change_then_what_is_under_way_keeps_its_steps(world: World) -> None:
    number = await filed(world)
    await two_steps()
    assert [s.name for s in (await seen(world.bob, number)).approval] == ["Phê duyệt"]
    assert (await approve(world.bob, number, Doing(), now=at(1))).state is State.APPROVED


async def test_when_two_decide_the_same_step_at_once_then_one_of_them_does(world: World) -> None:
    await two_steps(place="any", roles=("approver", "province_it"))
    one, other = (
        await person("one", Role.APPROVER, world.home_code),
        await person("other", Role.APPROVER, world.home_code),
    )
    number = await filed(world)
    version = (await seen(one, number)).version
    found = await asyncio.gather(
        *(approve(who, number, Doing(version=version), now=at(1)) for who in (one, other)),
        return_exceptions=True,
    )
    assert sorted(type(one).__name__ for one in found) == ["Filed", "Stale"]
    assert [s.state for s in (await seen(world.bob, number)).approval] == ["done", "due"]


@pytest.mark.parametrize("step", [Step.APPROVE, Step.REFUSE])
async def test_when_nobody_says_which_of_several_steps_is_meant_then_none_is_decided(world: World, step: Step) -> None:
    await two_steps(place="any", roles=("approver", "province_it"))
    people = [await person(name, Role.APPROVER, world.home_code) for name in ("one", "other")]
    number = await filed(world)

    def decided(who: Actor, said: Doing) -> Awaitable[Filed]:
        if step is Step.APPROVE:
            return service.approve(who, number, said, now=at(1))
        return service.act(who, number, step, said, now=at(1))

    blind = await asyncio.gather(*(decided(who, Doing("Vì")) for who in people), return_exceptions=True)
    assert [type(one) for one in blind] == [Invalid, Invalid]
    assert all(one.fields.keys() == {"step"} and one.facts["due"] == 1 for one in blind if isinstance(one, Invalid))
    at_once = await asyncio.gather(*(decided(who, Doing("Vì", due=1)) for who in people), return_exceptions=True)
    assert sorted(type(one).__name__ for one in at_once) == ["Conflict", "Filed"]
    assert [e.action for e in (await seen(world.bob, number)).events].count(step) == 1


async def test_when_another_step_is_due_than_was_meant_then_the_approval_is_stale(world: World) -> None:
    await two_steps(place="any")
    near, far = await person("near", Role.APPROVER, world.home_code), await person("far", Role.APPROVER)
    number = await filed(world)
    version = (await seen(near, number)).version
    await approve(near, number, Doing(due=1), now=at(1))
    late = await refused(approve(far, number, Doing(due=1), now=at(2)))
    assert (type(late), late.facts) == (Conflict, {"state": State.SUBMITTED, "due": 2})
    assert isinstance(await refused(approve(far, number, Doing(version=version), now=at(2))), Stale)
    assert (await approve(far, number, Doing(due=2), now=at(3))).state is State.APPROVED


# --- deputies ----------------------------------------------------------------------------------------------------


async def away(absent: Actor, deputy: str, first: date = TODAY, last: date = TODAY) -> UUID:
    return await delegations.delegate(absent, NewDelegation(deputy, first, last, "Đi công tác"), now=T0)


async def test_when_a_deputy_decides_then_it_is_in_the_place_of_the_absent(world: World) -> None:
    boss, deputy = await person("boss", Role.APPROVER), await person("deputy", Role.INSPECTOR)
    number = await filed(world)
    assert isinstance(await refused(approve(deputy, number, Doing(), now=at(1))), NotAllowed)
    await away(boss, "deputy")
    await approve(deputy, number, Doing(), now=at(1))
    after = await seen(boss, number)
    assert [(s.decided_by, s.on_behalf_of) for s in after.approval] == [("Deputy", "Boss")]
    assert after.decided_by == after.events[-1].by == "Deputy (thay mặt Boss)"
    async with db.transaction(EVERYTHING) as tx:
        row = await tx.fetchrow("select by, on_behalf_of from approval_decisions")
    assert (row["by"], row["on_behalf_of"]) == (deputy.id, boss.id)


MIDNIGHT = datetime(2026, 11, 24, 17, 0, tzinfo=UTC)  # in Viet Nam, the end of the 24th


@pytest.mark.parametrize(
    ("now", "may"),
    [
        (MIDNIGHT - timedelta(days=1, seconds=1), False), (MIDNIGHT - timedelta(days=1), True),
        (MIDNIGHT - timedelta(seconds=1), True), (MIDNIGHT, False),
    ],
)  # fmt: skip
async def test_when_the_day_is_over_in_viet_nam_then_so_is_the_delegation(
    world: World, now: datetime, may: bool
) -> None:
    boss, deputy = await person("boss", Role.APPROVER), await person("deputy", Role.INSPECTOR)
    number = await filed(world)
    await away(boss, "deputy")
    if may:
        assert (await approve(deputy, number, Doing(), now=now)).state is State.APPROVED
    else:
        assert isinstance(await refused(approve(deputy, number, Doing(), now=now)), NotAllowed)


@pytest.mark.parametrize("ends", ["withdrawn", "deputy disabled", "absent disabled", "absent loses the role"])
async def test_when_one_of_the_conditions_ends_then_the_deputy_decides_nothing(world: World, ends: str) -> None:
    boss, deputy = await person("boss", Role.APPROVER), await person("deputy", Role.INSPECTOR)
    number = await filed(world)
    given = await away(boss, "deputy")
    async with db.transaction(EVERYTHING) as tx:
        if ends.endswith("disabled"):
            await tx.execute("update users set active = false where name = $1",
                             "boss" if ends.startswith("absent") else "deputy")  # fmt: skip
        if ends == "absent loses the role":
            await tx.execute('update grants set ends_at = $2 where "user" = $1', boss.id, at(0))
    if ends == "withdrawn":
        assert isinstance(await refused(delegations.withdraw(deputy, given, now=at(0))), NotFound)
        await delegations.withdraw(boss, given, now=at(0))
    assert isinstance(await refused(approve(deputy, number, Doing(), now=at(1))), NotAllowed)


async def test_when_a_deputy_is_away_too_then_nothing_is_passed_on(world: World) -> None:
    boss, deputy = await person("boss", Role.APPROVER), await person("deputy", Role.INSPECTOR)
    third = await person("third", Role.INSPECTOR)
    await away(boss, "deputy")
    assert isinstance(await refused(away(deputy, "third")), NotAllowed)  # decides nothing of their own
    # Somebody with a step of their own gives that one and not the one that they were given.
    other = await person("other", Role.INSPECTOR)
    await access.give_grant(SYSTEM, "other", access.NewGrant(Role.APPROVER, unit=world.other_code), now=T0)
    await away(boss, "other")
    await away(await known(other.id), "third")  # type: ignore[arg-type]
    number = await filed(world)
    assert isinstance(await refused(approve(third, number, Doing(), now=at(1))), NotAllowed)


async def test_when_a_deputy_sees_less_than_the_absent_decides_then_they_cannot_be_named(world: World) -> None:
    boss = await person("boss", Role.APPROVER)
    await person("near", Role.APPROVER, world.home_code)
    await person("duty", Role.ON_CALL)
    for name in ("near", "duty", "nobody", "boss"):
        wrong = await refused(away(boss, name))
        assert isinstance(wrong, Invalid)
        assert wrong.fields.keys() == {"deputy"}, name
    await person("reader", Role.INSPECTOR)
    assert [one.login for one in await delegations.candidates(boss, T0)] == ["reader"]
    await away(boss, "reader")
    assert isinstance(await refused(away(boss, "reader")), Conflict)  # on these days already
    for first, last in ((TODAY, TODAY - timedelta(days=1)), (TODAY - timedelta(days=9), TODAY - timedelta(days=8)),
                        (TODAY, TODAY + timedelta(days=400))):  # fmt: skip
        wrong = await refused(away(boss, "reader", first, last))
        assert isinstance(wrong, Invalid)
        assert wrong.fields.keys() == {"until_on"}


async def test_when_a_token_may_not_decide_then_it_stands_in_for_nobody(world: World) -> None:
    boss, deputy = await person("boss", Role.APPROVER), await person("deputy", Role.INSPECTOR)
    await away(boss, "deputy")
    number = await filed(world)
    limited = replace(deputy, limited=True)
    assert isinstance(await refused(approve(limited, number, Doing(), now=at(1))), NotAllowed)
    assert isinstance(await refused(delegations.delegate(replace(boss, limited=True), NewDelegation("deputy", TODAY, TODAY),
                                                         now=T0)), NotAllowed)  # fmt: skip


# --- targets, reminders and who is told ---------------------------------------------------------------------------


async def own_channel(who: Actor) -> UUID:
    made = new_id()
    async with db.transaction(EVERYTHING) as tx:
        await tx.execute(
            "insert into channels (id, name, url, scheme, language, enabled, last_error, person, version) "
            "values ($1,$2,'x','mailtos','vi',true,'',$3,1)", made, who.name, who.id,
        )  # fmt: skip
    return made


async def told() -> list[tuple[str, str]]:
    """Whose channel was told of which change."""
    async with db.transaction(EVERYTHING) as tx:
        rows = await tx.fetch(
            "select c.name, n.change from notifications n join channels c on c.id = n.channel order by n.id"
        )
    return [(row["name"], row["change"].partition("-")[0]) for row in rows]


async def test_when_a_request_moves_then_the_right_people_are_told_on_their_own_channels(world: World) -> None:
    await two_steps()
    near, far = await person("near", Role.APPROVER, world.home_code), await person("far", Role.APPROVER)
    deputy, other = await person("deputy", Role.INSPECTOR), await person("other", Role.APPROVER, world.other_code)
    for who in (world.alice, near, far, deputy, other):
        await own_channel(who)
    await away(far, "deputy")
    number = await filed(world)
    assert await told() == [("Near", "submitted")]
    await approve(near, number, Doing(), now=at(1))
    assert sorted((await told())[1:]) == [("Bà A", "submitted"), ("Deputy", "submitted"), ("Far", "submitted")]
    await approve(deputy, number, Doing(), now=at(2))
    assert (await told())[4:] == [("Bà A", "approved")]


@pytest.mark.parametrize("how", ["inactive", "another unit", "grant over"])
async def test_when_who_asked_has_left_then_whoever_asks_for_the_centre_is_told(world: World, how: str) -> None:
    heir, elsewhere = (
        await person("heir", Role.CLERK, world.home_code),
        await person("no", Role.CLERK, world.other_code),
    )
    for who in (world.alice, heir, elsewhere):
        await own_channel(who)
    number = await filed(world)
    leaves = {
        "inactive": "update users set active = false where id = $1 and $2::uuid is not null",
        "another unit": 'update grants set site = $2 where "user" = $1',
        "grant over": 'update grants set ends_at = created_at where "user" = $1 and $2::uuid is not null',
    }
    async with db.transaction(EVERYTHING) as tx:
        await tx.execute(leaves[how], world.alice.id, world.other)
    await act(world.bob, number, Step.RETURN, Doing("Ghi rõ"), now=at(1))
    assert await told() == [("Heir", "returned")]
    assert int(number) in await waiting(heir)
    await service.amend(heir, number, Amended({1: 2}, "Máy cũ hỏng"), Doing(), now=at(2))
    assert (await act(heir, number, Step.SUBMIT, Doing(), now=at(3))).state is State.SUBMITTED


async def test_when_half_the_target_and_all_of_it_have_passed_then_each_is_told_once(world: World) -> None:
    boss = await person("boss", Role.APPROVER)
    await own_channel(boss)
    number = await filed(world)  # Tuesday 08:00; 16 working hours: Thursday 08:00
    assert (await seen(boss, number)).target_at == T0 + timedelta(days=2)
    for now, expected in (
        (T0 + timedelta(hours=23, minutes=59), []), (T0 + timedelta(hours=24), ["half"]),
        (T0 + timedelta(hours=47, minutes=59), []), (T0 + timedelta(hours=48), ["late"]), (T0 + timedelta(days=30), []),
    ):  # fmt: skip
        before = len(await told())
        await reminding.remind(now)
        await reminding.remind(now)
        assert [change for _, change in (await told())[before:]] == expected, now
    async with db.transaction(EVERYTHING) as tx:
        row = await tx.fetchrow("select * from notifications where change like 'late%'")
        telling = EquipmentRequestTelling("https://x.example")
        said = await telling.compose(tx, row["subject"], row["change"], json.loads(row["facts"]), "vi")
        assert "quá hạn" in said.title
        assert "thời hạn là 16 giờ" in said.body
        assert await telling.why_quiet(tx, row["subject"], row["change"], row["channel"], T0) is None
    await approve(boss, number, Doing(), now=T0 + timedelta(days=31))
    async with db.transaction(EVERYTHING) as tx:
        quiet = await telling.why_quiet(tx, row["subject"], row["change"], row["channel"], T0)
    assert quiet is not None  # somebody has decided meanwhile


async def test_when_nobody_looked_in_time_then_one_reminder_stands_for_both(world: World) -> None:
    await own_channel(await person("boss", Role.APPROVER))
    await filed(world)
    assert await reminding.remind(T0 + timedelta(days=9)) == 1
    assert [change for _, change in await told()] == ["submitted", "late"]


async def test_when_the_calendar_changes_then_targets_of_what_waits_follow(world: World) -> None:
    number = await filed(world)
    holiday = [Day(TODAY + timedelta(days=1), DayKind.HOLIDAY, "Nghỉ")]
    await calendar.set_calendar(SYSTEM, EXAMPLE.shifts, holiday, version=0)
    assert (await seen(world.bob, number)).target_at == T0 + timedelta(days=3)
    with pytest.raises(Stale):
        await calendar.set_calendar(SYSTEM, EXAMPLE.shifts, [], version=0)
    with pytest.raises(Invalid):
        await calendar.set_calendar(SYSTEM, [], [], version=1)


async def test_when_it_is_approved_then_the_stores_have_their_own_target(world: World) -> None:
    await approval.set_settings(SYSTEM, {"fulfil_hours": 8}, version=0)
    number = await filed(world)
    await approve(world.bob, number, Doing(), now=at(60))
    found = await seen(world.bob, number)
    assert (found.due_since, found.target_at, found.target_hours) == (at(60), at(60) + timedelta(days=1), 8)
    await act(world.bob, number, Step.CLOSE, Doing("Hết"), now=at(90))
    closed = await seen(world.bob, number)
    assert (closed.due_since, closed.target_at, closed.age) == (None, None, "")


async def test_when_an_approver_looks_then_who_cannot_serve_comes_first_and_then_who_is_far(world: World) -> None:
    first, second = await filed(world), await filed(world, by=world.charlie)

    async def order() -> list[int]:
        return await waiting(world.bob)

    assert await order() == [1, 2]
    async with db.transaction(EVERYTHING) as tx:
        seat = await tx.fetchrow(
            "select u.code from administrative_units u join sites s on s.unit = u.id where s.id = $1", world.home
        )
    await approval.set_settings(SYSTEM, {"seat": seat["code"]}, version=0)
    assert await order() == [2, 1]  # the second one's centre is further from there
    async with db.transaction(EVERYTHING) as tx:
        await tx.execute(
            "insert into readiness (site, verdict, since, reasons, computed_at) values ($1, 'unable', $2, '[]', $2)",
            world.home, T0,
        )  # fmt: skip
    assert await order() == [1, 2]
    assert (first, second) == ("1", "2")


# --- settings ------------------------------------------------------------------------------------------------------


async def test_when_settings_are_wrong_or_stale_then_they_are_refused(world: World) -> None:
    step = await approval.add_step(SYSTEM, NewStep("Một", ("approver",)))
    for more, field in (
        ({"roles": ()}, "roles"), ({"roles": ("collector",)}, "roles"), ({"name": " "}, "name"), ({"hours": 0}, "hours"),
        ({"from_value": -1}, "from_value"), ({"kinds": ("x",)}, "kinds"), ({"position": 0}, "position"),
        ({"roles": ("director",), "place": "province"}, "place"), ({"place": "moon"}, "place"),
    ):  # fmt: skip
        with pytest.raises(Invalid) as wrong:
            await approval.edit_step(SYSTEM, step, more, version=1)
        assert wrong.value.fields.keys() == {field}
    with pytest.raises(Conflict):
        await approval.remove_step(SYSTEM, step, version=1)  # the last one
    second = await approval.add_step(SYSTEM, NewStep("Hai", ("accountant",), position=2))
    with pytest.raises(Stale):
        await approval.remove_step(SYSTEM, second, version=2)
    await approval.remove_step(SYSTEM, second, version=1)
    with pytest.raises(Stale):
        await approval.set_settings(SYSTEM, {"fulfil_hours": 8}, version=1)
    with pytest.raises(Invalid):
        await approval.set_settings(SYSTEM, {"seat": "99999"}, version=0)
    with pytest.raises(NotAllowed):
        await approval.add_step(world.bob, NewStep("Ba", ("approver",)))
    await approval.set_costs(SYSTEM, {"printer": NewCost(5, 0), "pc": NewCost(None, 0)})
    with pytest.raises(Stale):  # all of them or none
        await approval.set_costs(SYSTEM, {"pc": NewCost(7, 0), "printer": NewCost(6, 0)})
    async with db.transaction(EVERYTHING) as tx:
        assert [r["unit_cost"] for r in await tx.fetch("select unit_cost from category_costs")] == [5]


async def test_when_a_director_has_a_step_then_the_centre_decides_first(world: World) -> None:
    await approval.add_step(SYSTEM, NewStep("Giám đốc", ("director",), position=1, place="unit"))
    await approval.add_step(SYSTEM, NewStep("Phê duyệt", ("province_it",), position=2))
    director, stranger = (await person("dir", Role.DIRECTOR, world.home_code),
                          await person("dir2", Role.DIRECTOR, world.other_code))  # fmt: skip
    number = await filed(world)
    assert isinstance(await refused(approve(stranger, number, Doing(), now=at(1))), NotFound)
    assert "approve" in (await seen(director, number)).steps
    assert (await approve(director, number, Doing(), now=at(1))).state is State.SUBMITTED
    assert (await approve(world.bob, number, Doing(), now=at(2))).state is State.APPROVED
