"""Transfers in the database: what each act does to assets, custody, timelines, and to what is monitored."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from assets import clock
from assets.access.actor import SYSTEM, Actor
from assets.access.permissions import Role
from assets.db import EVERYTHING, Scope, transaction
from assets.errors import Conflict, Invalid, NotAllowed, NotFound
from assets.inventory import replacement
from assets.inventory import service as inventory
from assets.inventory.lifecycle import Stage, Told
from assets.inventory.transfers import queries, service
from assets.inventory.transfers.course import Act, Line, State
from assets.inventory.transfers.service import NewTransfer, Outcome, Receiving
from assets.places import service as places
from assets.places.units import parse, shipped
from tests.http.test_contract import asset as registered
from tests.http.test_contract import target

OWN, OTHER, STORE = "21025", "21028", "KHO-1"


@pytest.fixture
async def centres(database: str) -> None:
    """Two communes with a centre each, without the service in front of them."""
    await places.load_units(SYSTEM, parse(shipped())[:2])
    await places.open_centres(SYSTEM)


async def world(*tags: str) -> dict[str, UUID]:
    """Assets at OWN, a store, and the ids of all sites by their codes."""
    for tag in tags or ("QN-1",):
        await registered(tag, OWN)
    await places.create_site(SYSTEM, unit=OWN, code=STORE, kind="store", name="Kho")
    async with transaction(EVERYTHING) as tx:
        return {row["code"]: row["id"] for row in await tx.fetch("select code, id from sites")}


def somebody(role: Role, *sites: UUID) -> Actor:
    return Actor(id=None, name="Bà A", roles=frozenset({role}), scope=Scope.of_sites(sites), login="a")


async def rows(query: str, *values: object) -> list[Any]:
    async with transaction(EVERYTHING) as tx:
        return list(await tx.fetch(query, *values))


async def one(tag: str) -> Any:
    return (await rows(
        "select a.*, s.code from assets a join sites s on s.id = a.site where tag = $1", tag
    ))[0]  # fmt: skip


async def sent(tags: Sequence[str] = ("QN-1",), to: str = OTHER, **more: Any) -> int:
    new = NewTransfer(OWN, to, list(tags), carrier="Bưu điện", send=True, **more)
    return await service.draft(SYSTEM, new, now=clock.now())


async def hands(tag: str) -> tuple[str, str, str]:
    found = await queries.custody(SYSTEM, tag)
    return found.party, found.site, found.carrier


async def test_when_a_transfer_is_sent_and_received_then_the_asset_passes_from_hand_to_hand(centres: None) -> None:
    await world()
    before = await one("QN-1")
    began = clock.now()
    assert await hands("QN-1") == ("site", OWN, "")
    number = await sent(decision_number="12/QĐ-UBND", decision_date=date(2026, 1, 2), reason="Thiếu máy")
    under_way = await one("QN-1")
    assert (under_way["stage"], under_way["code"], under_way["room"]) == ("in_transit", OWN, None)
    assert await hands("QN-1") == ("carrier", OWN, "Bưu điện")
    middle = clock.now()
    await service.receive(SYSTEM, number, Receiving(), now=clock.now())
    after = await one("QN-1")
    assert (after["stage"], after["code"], after["version"]) == ("in_use", OTHER, before["version"] + 2)
    assert await hands("QN-1") == ("site", OTHER, "")
    for moment, party, site in ((began, "site", OWN), (middle, "carrier", OWN), (clock.now(), "site", OTHER)):
        found = await queries.custody(SYSTEM, "QN-1", moment)
        assert (found.party, found.site) == (party, site)
    story = await rows("select kind, text, site from asset_events where kind <> 'registered' order by id")
    assert [row["kind"] for row in story] == ["sent", "received"]
    for row in story:  # each entry has both sides
        assert "Cẩm Thành" in row["text"]
        assert "Nghĩa Lộ" in row["text"]
        assert f"ĐC-{number}" in row["text"]
    it = await queries.one(SYSTEM, number)
    assert (it.state, it.lines[0].state, it.acts, it.decision_number) == (
        State.RECEIVED,
        Line.RECEIVED,
        [],
        "12/QĐ-UBND",
    )


async def test_when_lines_are_settled_one_by_one_then_each_asset_is_where_its_line_says(centres: None) -> None:
    tags = ("QN-1", "QN-2", "QN-3", "QN-4", "QN-5")
    await world(*tags)
    number = await sent(tags)
    some = {
        "qn-1": Outcome(Line.RECEIVED), "QN-2": Outcome(Line.DAMAGED, "Vỡ khay giấy"),
        "QN-3": Outcome(Line.REFUSED, "Không đúng loại"), "QN-4": Outcome(Line.MISSING, "Không có trong thùng"),
    }  # fmt: skip
    await service.receive(SYSTEM, number, Receiving(some, Stage.IN_STOCK), now=clock.now())
    found = {tag: await one(tag) for tag in tags}
    assert {tag: (row["code"], row["stage"]) for tag, row in found.items()} == {
        "QN-1": (OTHER, "in_stock"), "QN-2": (OTHER, "in_stock"), "QN-3": (OWN, "in_use"), "QN-4": (OWN, "lost"),
        "QN-5": (OWN, "in_transit"),
    }  # fmt: skip
    assert found["QN-2"]["physical_state"] == "broken"
    assert (await queries.one(SYSTEM, number)).state is State.IN_TRANSIT
    with pytest.raises(Conflict) as caught:  # a part has been received
        await service.cancel(SYSTEM, number, now=clock.now())
    assert caught.value.facts == {"state": "in_transit"}
    with pytest.raises(Conflict):
        await service.receive(SYSTEM, number, Receiving({"QN-1": Outcome(Line.RECEIVED)}), now=clock.now())
    await service.receive(SYSTEM, number, Receiving(), now=clock.now())
    assert (await queries.one(SYSTEM, number)).state is State.RECEIVED
    assert [await hands(tag) for tag in tags] == [
        ("site", OTHER, ""), ("site", OTHER, ""), ("site", OWN, ""), ("site", OWN, ""), ("site", OTHER, ""),
    ]  # fmt: skip


@pytest.mark.parametrize("act", ["refuse", "cancel"])
async def test_when_it_is_refused_or_cancelled_then_it_is_with_its_sender_as_it_was(centres: None, act: str) -> None:
    await world()
    async with transaction(EVERYTHING) as tx:
        room = await tx.fetchval(
            "insert into rooms (id, site, kind, name, sort, version) select gen_random_uuid(), id, 'room', 'Quầy 1', '', 1 "
            "from sites where code = $1 returning id", OWN,
        )  # fmt: skip
        await tx.execute("update assets set room = $1, stage = 'in_stock', custodian = 'Bà B'", room)
    before = await one("QN-1")
    number = await sent()
    await getattr(service, act)(SYSTEM, number, "Nhầm nơi nhận", now=clock.now())
    after = await one("QN-1")
    assert {k: v for k, v in after.items() if k != "version"} == {k: v for k, v in before.items() if k != "version"}
    assert await hands("QN-1") == ("site", OWN, "")
    it = await queries.one(SYSTEM, number)
    assert (it.state, it.note) == (State.REFUSED if act == "refuse" else State.CANCELLED, "Nhầm nơi nhận")
    again = await sent()
    assert (await queries.one(SYSTEM, again)).state is State.IN_TRANSIT


async def test_when_it_goes_to_a_store_then_it_is_in_stock_there(centres: None) -> None:
    await world()
    number = await sent(to=STORE)
    await service.receive(SYSTEM, number, Receiving(), now=clock.now())
    after = await one("QN-1")
    assert (after["stage"], after["code"]) == ("in_stock", STORE)


@pytest.mark.parametrize("send", [True, False])
async def test_when_two_transfers_want_one_asset_then_one_wins_and_the_other_is_told(centres: None, send: bool) -> None:
    await world()
    outcomes = await asyncio.gather(
        *(service.draft(SYSTEM, NewTransfer(OWN, to, ["QN-1"], send=send), now=clock.now()) for to in (OTHER, STORE)),
        return_exceptions=True,
    )
    lost = [error for error in outcomes if isinstance(error, BaseException)]
    assert len(lost) == 1
    assert isinstance(lost[0], Conflict)
    assert lost[0].facts["tag"] == "QN-1"
    assert len(await rows("select from transfers")) == 1


async def test_when_both_sides_act_at_once_then_one_of_them_is_told_how_it_stands(centres: None) -> None:
    await world()
    number = await sent()
    outcomes = await asyncio.gather(
        service.receive(SYSTEM, number, Receiving(), now=clock.now()), service.cancel(SYSTEM, number, now=clock.now()),
        service.refuse(SYSTEM, number, "Không", now=clock.now()), return_exceptions=True,
    )  # fmt: skip
    lost = [error for error in outcomes if error is not None]
    assert len(lost) == 2
    present = (await queries.one(SYSTEM, number)).state
    assert all(isinstance(error, Conflict) and error.facts["state"] == present for error in lost)


async def test_when_somebody_saw_another_version_then_they_are_told_the_present_state(centres: None) -> None:
    await world()
    number = await sent()
    with pytest.raises(Conflict) as caught:
        await service.receive(SYSTEM, number, Receiving(), version=1, now=clock.now())
    assert caught.value.status == 409
    assert caught.value.facts == {"state": "in_transit"}
    await service.receive(SYSTEM, number, Receiving(), version=2, now=clock.now())


async def test_when_somebody_has_one_side_then_they_see_it_and_do_what_is_theirs(centres: None) -> None:
    sites = await world()
    sender, receiver = somebody(Role.STOREKEEPER, sites[OWN]), somebody(Role.CLERK, sites[OTHER])
    stranger = somebody(Role.CLERK, sites[STORE])
    number = await sent()
    for who, acts in ((sender, [Act.CANCEL]), (receiver, [Act.RECEIVE, Act.REFUSE])):
        assert (await queries.one(who, number)).acts == acts
    for refused in (queries.one(stranger, number), service.receive(stranger, number, Receiving(), now=clock.now())):
        with pytest.raises(NotFound):
            await refused
    with pytest.raises(NotAllowed):
        await service.receive(sender, number, Receiving(), now=clock.now())
    with pytest.raises(NotAllowed):
        await service.cancel(receiver, number, now=clock.now())
    async with transaction(receiver.scope) as tx:
        assert [t.number for t in await queries.incoming(tx, receiver)] == [number]
        assert await tx.fetchval("select count(*) from assets") == 0  # it is not theirs yet
    await service.receive(receiver, number, Receiving(), now=clock.now())
    async with transaction(receiver.scope) as tx:
        assert await queries.incoming(tx, receiver) == []
        assert await tx.fetchval("select tag from assets") == "QN-1"
    for site in (OWN, OTHER):  # both sides' trails say it
        told = await rows("select action from audit_events where site = $1 and subject_kind = 'asset'", sites[site])
        assert "receive" in {row["action"] for row in told}


async def test_when_the_sender_does_not_see_the_receiving_site_then_there_is_none(centres: None) -> None:
    sites = await world()
    sender = somebody(Role.STOREKEEPER, sites[OWN])
    with pytest.raises(NotFound):
        await service.draft(sender, NewTransfer(OWN, OTHER, ["QN-1"]), now=clock.now())
    await registered("FOREIGN", OTHER)
    with pytest.raises(Invalid) as caught:
        await service.draft(
            replace(sender, scope=Scope.of_sites([sites[OWN], sites[STORE]])),
            NewTransfer(OWN, STORE, ["QN-1", "FOREIGN", "NONE"]), now=clock.now(),
        )  # fmt: skip
    assert caught.value.fields["assets.1"] == caught.value.fields["assets.2"] == "There is no such asset."


async def test_when_a_transfer_is_received_then_only_then_is_it_asked_from_the_new_site(centres: None) -> None:
    sites = await world()
    [row] = await rows("select id from assets")
    await target(OWN, row["id"])
    number = await sent()
    assert [r["site"] for r in await rows("select site from targets")] == [sites[OWN]]
    await service.receive(SYSTEM, number, Receiving(), now=clock.now())
    assert [r["site"] for r in await rows("select site from targets")] == [sites[OTHER]]


async def test_when_an_asset_is_on_its_way_then_nothing_else_moves_it(centres: None) -> None:
    await world("QN-1", "QN-2")
    number = await sent()
    for stage in Stage:
        with pytest.raises(Conflict):
            await inventory.move_stage(SYSTEM, "QN-1", stage, told=Told("x"), now=clock.now())
    for old, new in (("QN-1", "QN-2"), ("QN-2", "QN-1")):
        with pytest.raises(Conflict):
            await replacement.replace(SYSTEM, old, new, Stage.IN_STOCK, now=clock.now())
    with pytest.raises(Conflict):
        await inventory.move_stage(SYSTEM, "QN-2", Stage.IN_TRANSIT, now=clock.now())
    await service.receive(SYSTEM, number, Receiving(), now=clock.now())


async def test_when_stock_is_handed_out_then_custody_follows_too(centres: None) -> None:
    sites = await world()
    await inventory.move_stage(SYSTEM, "QN-1", Stage.IN_STOCK, now=clock.now())
    async with transaction(EVERYTHING) as tx:
        asset = await tx.fetchval("select id from assets")
        await inventory.hand_out(tx, SYSTEM, asset=asset, to_site=sites[OTHER], why="ĐN-1", now=clock.now())
    assert await hands("QN-1") == ("site", OTHER, "")
    assert len(await rows("select * from custody_moves")) == 1


WRONG = {
    "assets": NewTransfer(OWN, OTHER, []),
    "to_site": NewTransfer(OWN, OWN, ["QN-1"]),
    "expected_on": NewTransfer(OWN, OTHER, ["QN-1"], expected_on=date(2020, 1, 1)),
    "decision_date": NewTransfer(OWN, OTHER, ["QN-1"], decision_date=date(2999, 1, 1)),
    "assets.0": NewTransfer(STORE, OTHER, ["QN-1"]),
}


@pytest.mark.parametrize("field", WRONG)
async def test_when_a_field_is_wrong_then_it_is_named_and_nothing_is_made(centres: None, field: str) -> None:
    await world()
    with pytest.raises(Invalid) as caught:
        await service.draft(SYSTEM, WRONG[field], now=clock.now())
    assert list(caught.value.fields) == [field]
    assert not await rows("select * from transfers")


async def test_when_what_arrived_is_damaged_then_somebody_says_how(centres: None) -> None:
    await world()
    number = await sent()
    for said, wrong in (
        ({"QN-1": Outcome(Line.DAMAGED)}, "lines.QN-1"), ({"NONE": Outcome(Line.RECEIVED)}, "lines.NONE"),
        ({"QN-1": Outcome(Line.CANCELLED)}, "lines.QN-1"),
    ):  # fmt: skip
        with pytest.raises(Invalid) as caught:
            await service.receive(SYSTEM, number, Receiving(said), now=clock.now())
        assert list(caught.value.fields) == [wrong]
    with pytest.raises(Invalid):
        await service.receive(SYSTEM, number, Receiving(stage=Stage.LOST), now=clock.now())
    with pytest.raises(Invalid):
        await service.refuse(SYSTEM, number, " ", now=clock.now())


# --- one takes another's place ----------------------------------------------------------------------------------


async def test_when_one_replaces_another_then_the_place_and_what_is_asked_there_are_its_own(centres: None) -> None:
    sites = await world("OLD", "NEW")
    await inventory.edit(SYSTEM, "OLD", {"custodian": "Công chức một cửa"}, version=1, now=clock.now())
    await inventory.move_stage(SYSTEM, "NEW", Stage.IN_STOCK, now=clock.now())
    old, new = await one("OLD"), await one("NEW")
    kept, left = await target(OWN, old["id"]), await target(OWN, new["id"])
    async with transaction(EVERYTHING) as tx:
        await tx.execute("update assets set site = $1 where tag = 'NEW'", sites[STORE])
        await tx.execute(
            "insert into condition_changes (id, target, site, at, before, after, reason) "
            "values (gen_random_uuid(), $1, $2, now(), 'up', 'down', '')", kept, sites[OWN],
        )  # fmt: skip
    events = await rows("select id from audit_events")
    told = Told("Kẹt giấy liên tục", repairer="Công ty sửa chữa", quotation=1_500_000)
    await replacement.replace(SYSTEM, "old", "new", Stage.IN_REPAIR, told, now=clock.now())
    old, new = await one("OLD"), await one("NEW")
    assert (new["code"], new["stage"], new["custodian"]) == (OWN, "in_use", "Công chức một cửa")
    assert (old["code"], old["stage"], old["custodian"], old["repairer"]) == (OWN, "in_repair", "", "Công ty sửa chữa")
    asked = {row["id"]: row for row in await rows("select id, asset, site, enabled, name from targets")}
    assert (asked[kept]["asset"], asked[kept]["enabled"], asked[kept]["name"]) == (new["id"], True, "NEW")
    assert (asked[left]["asset"], asked[left]["enabled"]) == (None, False)
    assert (await rows("select target from condition_changes"))[0]["target"] == kept  # it stays with the place
    texts = {
        tag: " ".join(row["text"] for row in await rows("select text from asset_events where asset = $1", asset["id"]))
        for tag, asset in (("OLD", old), ("NEW", new))
    }
    assert "NEW" in texts["OLD"]
    assert "OLD" in texts["NEW"]
    assert await hands("NEW") == ("site", OWN, "")
    written = await rows("select action from audit_events where id <> all($1) and subject_kind = 'asset'",
                         [row["id"] for row in events])  # fmt: skip
    assert {row["action"] for row in written} == {"replace"}


REFUSED_REPLACEMENTS: list[tuple[str, str, Stage, Told, type[Exception]]] = [
    ("OLD", "OLD", Stage.IN_STOCK, Told(), Invalid),
    ("OLD", "NONE", Stage.IN_STOCK, Told(), Invalid),
    ("NONE", "NEW", Stage.IN_STOCK, Told(), NotFound),
    ("OLD", "NEW", Stage.IN_USE, Told(), Invalid),
    ("OLD", "NEW", Stage.LOST, Told(), Invalid),
    ("OLD", "NEW", Stage.DISPOSED, Told("x"), Conflict),
    ("OLD", "NEW", Stage.IN_TRANSIT, Told(), Conflict),
    ("OLD", "GONE", Stage.IN_STOCK, Told(), Conflict),
    ("GONE", "NEW", Stage.IN_STOCK, Told(), Conflict),
]


@pytest.mark.parametrize(("old", "new", "stage", "told", "error"), REFUSED_REPLACEMENTS)
async def test_when_a_replacement_is_refused_then_both_stay_as_they_are(
    centres: None, old: str, new: str, stage: Stage, told: Told, error: type[Exception]
) -> None:
    await world("OLD", "NEW", "GONE")
    for step in (Stage.AWAITING_DISPOSAL, Stage.DISPOSED):
        await inventory.move_stage(SYSTEM, "GONE", step, told=Told("Hỏng"), now=clock.now())
    before = await rows("select * from assets order by id")
    with pytest.raises(error):
        await replacement.replace(SYSTEM, old, new, stage, told, now=clock.now())
    assert await rows("select * from assets order by id") == before


async def test_when_a_stage_asks_for_something_then_it_is_kept_as_long_as_the_stage(centres: None) -> None:
    await world()
    soon = (clock.now() + timedelta(days=30)).date()
    with pytest.raises(Invalid) as caught:
        await inventory.move_stage(SYSTEM, "QN-1", Stage.LOANED, now=clock.now())
    assert set(caught.value.fields) == {"borrower", "due_back"}
    await inventory.move_stage(SYSTEM, "QN-1", Stage.LOANED, told=Told("", "Phòng A", soon), now=clock.now())
    row = await one("QN-1")
    assert (row["borrower"], row["due_back"]) == ("Phòng A", soon)
    await inventory.move_stage(SYSTEM, "QN-1", Stage.IN_USE, now=clock.now())
    row = await one("QN-1")
    assert (row["borrower"], row["due_back"]) == ("", None)
