"""Answering a request in parts on a real PostgreSQL: stock, another site, repair, purchase, and nothing lost between."""

import asyncio
from collections.abc import Mapping
from uuid import UUID

import pytest

from assets import db
from assets.access.actor import SYSTEM
from assets.db import EVERYTHING
from assets.equipment_requests import papers, parts, purchases, service
from assets.equipment_requests.answering import answer
from assets.equipment_requests.asking import LineKind
from assets.equipment_requests.purchases import Arrived, NewPurchase, Order
from assets.equipment_requests.service import Asked, Doing, Filing
from assets.equipment_requests.splitting import Wanted, Way
from assets.equipment_requests.workflow import State, Step
from assets.errors import Conflict, Invalid, NotAllowed, NotFound
from assets.inventory.lifecycle import PhysicalState, Stage
from assets.inventory.stock.consumables import NewConsumable, add_consumable
from assets.inventory.stock.ledger import Act
from assets.inventory.stock.service import Movement, move, reverse
from assets.inventory.stock.shipments import call_back, receive
from assets.inventory.transfers import service as transfers
from assets.inventory.transfers.course import Line
from assets.monitoring.declarations import Kind, Said, declare
from assets.places import service as places
from assets.web.paging import ListQuery
from tests import equipment_world
from tests.equipment_world import World, at


@pytest.fixture
async def world(database: str) -> World:
    return await equipment_world.build()


async def approved(world: World, quantity: int, category: str = "printer") -> str:
    filing = Filing([Asked(category, quantity)], "Mở thêm quầy")
    number = str((await service.file(world.alice, filing, now=at(0))).number)
    await service.approve(world.bob, number, Doing(), now=at(1))
    return number


async def ledger(number: str) -> Mapping[str, int]:
    """What the first line says, and what its parts say: the two must agree."""
    async with db.transaction(EVERYTHING) as tx:
        line = await tx.fetchrow(
            "select l.* from equipment_request_lines l join equipment_requests r on r.id = l.request where r.number = $1 "
            "order by l.position limit 1", int(number),
        )  # fmt: skip
        rows = await tx.fetch("select * from fulfilment_parts where line = $1", line["id"])
        came = await tx.fetchval("select count(*) from fulfilments where line = $1", line["id"])
    promised = sum(r["quantity"] - r["done"] for r in rows if r["state"] in ("planned", "under_way"))
    declined = sum(r["done"] for r in rows if r["way"] == "decline")
    given = sum(r["done"] for r in rows if r["way"] != "decline")
    assert (line["given"], line["declined"]) == (given, declined)
    by_transfer = sum(r["done"] for r in rows if r["transfer"] is not None)
    assert came == by_transfer
    open_ = line["approved"] - given - promised - declined
    assert open_ >= 0
    return {"given": given, "promised": promised, "declined": declined, "open": open_}


async def transfers_of(number: str) -> list[tuple[int, str]]:
    async with db.transaction(EVERYTHING) as tx:
        rows = await tx.fetch(
            "select number, state from transfers where reason like '%' || $1 || '%' order by number", f"ĐN-{number}"
        )
    return [(row["number"], row["state"]) for row in rows]


async def part_of(way: str) -> UUID:
    async with db.transaction(EVERYTHING) as tx:
        found: UUID = await tx.fetchval(
            "select id from fulfilment_parts where way = $1 and state in ('planned', 'under_way')", way
        )
    return found


async def test_when_a_request_is_split_then_every_asset_ends_where_it_should_be(world: World) -> None:
    await world.stock("printer", "STORE-1")
    for tag in ("SPARE-1", "SPARE-2"):
        await world.thing("printer", tag, world.other_code, stage=Stage.IN_STOCK)
    number = await approved(world, 6)
    filed = await parts.split(
        world.bob, number,
        {1: [
            Wanted(Way.STOCK, 1), Wanted(Way.TRANSFER, 2, from_site=world.other_code), Wanted(Way.PURCHASE, 2),
            Wanted(Way.DECLINE, 1, note="Vượt định mức"),
        ]},
        Doing(), now=at(2),
    )  # fmt: skip
    assert filed.state is State.IN_FULFILMENT
    assert await ledger(number) == {"given": 0, "promised": 5, "declined": 1, "open": 0}
    (sent, first), (drafted, second) = await transfers_of(number)
    assert (first, second) == ("in_transit", "draft")  # the store sends at once, the other centre when it can

    await transfers.receive(world.alice, sent, transfers.Receiving(), now=at(3))
    await transfers.send(world.bob, drafted, now=at(4))
    await transfers.receive(world.alice, drafted, transfers.Receiving(), now=at(5))
    assert await ledger(number) == {"given": 3, "promised": 2, "declined": 1, "open": 0}
    for tag in ("STORE-1", "SPARE-1", "SPARE-2"):
        assert await world.asset(tag) == (world.home, "in_use")

    bought = await purchases.plan(world.bob, NewPurchase("Mua máy in", [await part_of("purchase")]), now=at(6))
    await purchases.order(world.bob, bought, Order("Công ty A"), now=at(7))
    came = Arrived("KHO", world.models["printer"], ["SN-1"], unit_cost=3_000_000)
    assert await purchases.arrive(world.bob, bought, came, now=at(8)) == [f"MS-{bought}-001"]
    assert await purchases.arrive(world.bob, bought, Arrived("KHO", world.models["printer"], ["SN-2"]), now=at(9)) == [
        f"MS-{bought}-002"
    ]
    assert await ledger(number) == {"given": 3, "promised": 2, "declined": 1, "open": 0}
    for transfer, state in (await transfers_of(number))[2:]:
        assert state == "in_transit"
        await transfers.receive(world.alice, transfer, transfers.Receiving(), now=at(10))
    assert await ledger(number) == {"given": 5, "promised": 0, "declined": 1, "open": 0}
    assert await world.asset(f"MS-{bought}-002") == (world.home, "in_use")
    assert (await service.act(world.alice, number, Step.CLOSE, Doing(), now=at(11))).state is State.CLOSED


async def test_when_something_is_sent_back_or_lost_then_it_is_to_be_answered_anew(world: World) -> None:
    for tag in ("STORE-1", "STORE-2", "STORE-3"):
        await world.stock("printer", tag)
    number = await approved(world, 3)
    await parts.split(world.bob, number, {1: [Wanted(Way.STOCK, 3)]}, Doing(), now=at(2))
    ((sent, _),) = await transfers_of(number)
    outcomes = {"STORE-1": transfers.Outcome(Line.RECEIVED), "STORE-2": transfers.Outcome(Line.REFUSED, "Sai máy")}
    await transfers.receive(world.alice, sent, transfers.Receiving(outcomes), now=at(3))
    assert await ledger(number) == {"given": 1, "promised": 1, "declined": 0, "open": 1}
    await transfers.receive(
        world.alice, sent, transfers.Receiving({"STORE-3": transfers.Outcome(Line.MISSING, "Không có")}), now=at(4)
    )
    assert await ledger(number) == {"given": 1, "promised": 0, "declined": 0, "open": 2}
    await world.stock("printer", "STORE-4")
    await parts.split(world.bob, number, {1: [Wanted(Way.STOCK, 1, assets=("STORE-4",))]}, Doing(), now=at(4))
    *_, (sent, _) = await transfers_of(number)
    damaged = {"STORE-4": transfers.Outcome(Line.DAMAGED, "Vỡ khay giấy")}
    await transfers.receive(world.alice, sent, transfers.Receiving(damaged), now=at(4))
    assert await ledger(number) == {"given": 1, "promised": 0, "declined": 0, "open": 2}
    await parts.split(world.bob, number, {1: [Wanted(Way.STOCK, 1), Wanted(Way.PURCHASE, 1)]}, Doing(), now=at(5))
    await parts.take_back(world.bob, await part_of("purchase"), now=at(6))
    assert await ledger(number) == {"given": 1, "promised": 1, "declined": 0, "open": 1}


async def test_when_many_centres_buy_together_then_the_purchase_splits_again_on_arrival(world: World) -> None:
    await world.thing("printer", "OLD", world.home_code)
    mine = await approved(world, 2)
    theirs = str((await service.file(world.charlie, Filing([Asked("printer", 1)], "Hỏng"), now=at(0))).number)
    await service.approve(world.bob, theirs, Doing(), now=at(1))
    for number, quantity in ((mine, 2), (theirs, 1)):
        await parts.split(world.bob, number, {1: [Wanted(Way.PURCHASE, quantity)]}, Doing(), now=at(2))
    async with db.transaction(EVERYTHING) as tx:
        waiting = [r["id"] for r in await tx.fetch("select id from fulfilment_parts where purchase is null")]
        await tx.execute(
            "insert into readiness (site, verdict, since, reasons) values ($1, 'unable', now(), '[]') "
            "on conflict (site) do update set verdict = 'unable'", world.other,
        )  # fmt: skip
    bought = await purchases.plan(world.bob, NewPurchase("Chung", waiting), now=at(3))
    with pytest.raises(Conflict):
        await purchases.plan(world.bob, NewPurchase("Lần nữa", waiting), now=at(3))
    await purchases.order(world.bob, bought, Order("Công ty A"), now=at(4))
    model = world.models["printer"]
    await world.thing("printer", "HAS-IT", world.other_code)
    async with db.transaction(EVERYTHING) as tx:
        await tx.execute("update assets set serial = 'SN-9' where tag = 'HAS-IT'")
    for serials, field in (
        (["SN-1", "sn-1"], "serials.1"),
        (["SN-9"], "serials.0"),
        (["A", "B", "C", "D"], "serials"),
    ):
        with pytest.raises(Invalid) as caught:
            await purchases.arrive(world.bob, bought, Arrived("KHO", model, serials), now=at(5))
        assert field in caught.value.fields
    await purchases.arrive(world.bob, bought, Arrived("KHO", model, ["SN-1"]), now=at(6))
    assert await transfers_of(mine) == []  # the centre that cannot serve comes first
    await purchases.arrive(world.bob, bought, Arrived("KHO", model, ["SN-2", "SN-3"]), now=at(7))
    with pytest.raises(Conflict):  # everything has come
        await purchases.arrive(world.bob, bought, Arrived("KHO", model, ["SN-4"]), now=at(8))
    for number, receiver in ((mine, world.alice), (theirs, world.charlie)):
        ((transfer, _),) = await transfers_of(number)
        await transfers.receive(receiver, transfer, transfers.Receiving(), now=at(9))
        assert (await ledger(number))["open"] == 0
    assert await world.asset(f"MS-{bought}-001") == (world.other, "in_use")


async def test_when_an_equipment_line_is_answered_by_repair_then_the_asset_is_good_again(world: World) -> None:
    await world.thing("printer", "BROKEN", world.home_code, state=PhysicalState.BROKEN)
    await declare(SYSTEM, Said(world.home_code, Kind.BROKEN, "BROKEN", "Kẹt giấy"), now=at(0))
    number = await approved(world, 1)
    await parts.split(world.bob, number, {1: [Wanted(Way.REPAIR, 1, assets=("broken",))]}, Doing(), now=at(2))
    assert (await parts.finish(world.bob, await part_of("repair"), now=at(3))).state is State.FULFILLED
    async with db.transaction(EVERYTHING) as tx:
        assert await tx.fetchval("select physical_state from assets where tag = 'BROKEN'") == "good"
        assert await tx.fetchval("select kind from declarations where ended_at is null") == "works"


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({1: [Wanted(Way.STOCK, 3)]}, "parts.1.0.quantity"),
        ({1: [Wanted(Way.PURCHASE, 1), Wanted(Way.PURCHASE, 2)]}, "parts.1.1.quantity"),
        ({1: [Wanted(Way.STOCK, 0)]}, "parts.1.0.quantity"),
        ({1: [Wanted(Way.GRANT, 1)]}, "parts.1.0.way"),
        ({1: [Wanted(Way.DECLINE, 1, note=" ")]}, "parts.1.0.note"),
        ({1: [Wanted(Way.TRANSFER, 1)]}, "parts.1.0.from_site"),
        ({1: [Wanted(Way.TRANSFER, 1, from_site="KHO")]}, "parts.1.0.from_site"),
        ({1: [Wanted(Way.TRANSFER, 1, from_site="99999")]}, "parts.1.0.from_site"),
        ({1: [Wanted(Way.REPAIR, 1, assets=("NO",))]}, "parts.1.0.assets"),
        ({2: [Wanted(Way.STOCK, 1)]}, "parts.2"),
        ({}, "parts"),
    ],
)
async def test_when_a_part_is_impossible_then_it_is_named_and_nothing_is_kept(
    world: World, wanted: dict[int, list[Wanted]], field: str
) -> None:
    await world.stock("printer", "STORE-1")
    number = await approved(world, 2)
    with pytest.raises(Invalid) as caught:
        await parts.split(world.bob, number, wanted, Doing(), now=at(2))
    assert field in caught.value.fields
    assert await ledger(number) == {"given": 0, "promised": 0, "declined": 0, "open": 2}


async def test_when_a_site_would_fall_below_its_kit_then_it_gives_nothing(world: World) -> None:
    await world.thing("printer", "ONLY-ONE", world.other_code)
    number = await approved(world, 1)
    with pytest.raises(Invalid) as caught:
        await parts.split(
            world.bob, number, {1: [Wanted(Way.TRANSFER, 1, from_site=world.other_code)]}, Doing(), now=at(2)
        )
    assert "parts.1.0.quantity" in caught.value.fields


async def test_when_a_clerk_or_a_stranger_answers_then_it_is_refused(world: World) -> None:
    number = await approved(world, 1)
    with pytest.raises(NotAllowed):
        await parts.split(world.alice, number, {1: [Wanted(Way.PURCHASE, 1)]}, Doing(), now=at(2))
    with pytest.raises(NotFound):
        await parts.split(world.charlie, number, {1: [Wanted(Way.PURCHASE, 1)]}, Doing(), now=at(2))
    await parts.split(SYSTEM, number, {1: [Wanted(Way.PURCHASE, 1)]}, Doing(), now=at(2))
    with pytest.raises(NotAllowed):
        await parts.take_back(world.alice, await part_of("purchase"), now=at(3))


async def shipments() -> list[UUID]:
    """What is under way."""
    async with db.transaction(EVERYTHING) as tx:
        rows = await tx.fetch("select id from stock_shipments where state = 'under_way' order by sent_at, id")
    return [row["id"] for row in rows]


async def lying() -> dict[str, int]:
    async with db.transaction(EVERYTHING) as tx:
        rows = await tx.fetch("select s.code, k.quantity from stock k join sites s on s.id = k.site")
    return {row["code"]: row["quantity"] for row in rows}


async def test_when_toner_is_bought_then_it_goes_from_ledger_to_ledger_and_its_line_is_given(world: World) -> None:
    await add_consumable(SYSTEM, NewConsumable("TN-1", "Hộp mực", "hộp"))
    filing = Filing([Asked(kind=LineKind.CONSUMABLE, consumable="TN-1", quantity=3)], "Hết mực")
    number = str((await service.file(world.alice, filing, now=at(0))).number)
    await service.approve(world.bob, number, Doing(), now=at(1))
    await move(SYSTEM, Movement(Act.RECEIVE, "KHO", "TN-1", 1), now=at(2))
    wanted = {1: [Wanted(Way.STOCK, 1), Wanted(Way.PURCHASE, 2)]}
    await parts.split(world.bob, number, wanted, Doing(), now=at(3))
    assert await ledger(number) == {"given": 0, "promised": 3, "declined": 0, "open": 0}
    assert await lying() == {"KHO": 0}
    [first] = await shipments()
    await receive(world.alice, first, 1, now=at(4))
    assert await ledger(number) == {"given": 1, "promised": 2, "declined": 0, "open": 0}
    bought = await purchases.plan(world.bob, NewPurchase("Mực", [await part_of("purchase")]), now=at(4))
    await purchases.order(world.bob, bought, Order("Công ty A"), now=at(5))
    with pytest.raises(Invalid):
        await purchases.arrive(world.bob, bought, Arrived("KHO", consumable="TN-1", quantity=3), version=2, now=at(6))
    for note in ("PGH-1", "PGH-2"):
        came = Arrived("KHO", consumable="TN-1", quantity=1, delivery_note=note)
        await purchases.arrive(world.bob, bought, came, now=at(7))
    for shipment in await shipments():
        await receive(world.alice, shipment, 1, now=at(8))
    assert await ledger(number) == {"given": 3, "promised": 0, "declined": 0, "open": 0}
    assert (await lying())[world.home_code] == 3
    async with db.transaction(EVERYTHING) as tx:
        assert await tx.fetchval("select state from equipment_requests") == "fulfilled"


async def toner(world: World, quantity: int) -> str:
    """An approved request of the first centre for so many cartridges."""
    filing = Filing([Asked(kind=LineKind.CONSUMABLE, consumable="TN-1", quantity=quantity)], "Hết mực")
    number = str((await service.file(world.alice, filing, now=at(0))).number)
    await service.approve(world.bob, number, Doing(), now=at(1))
    return number


async def test_when_fewer_cartridges_come_than_were_sent_then_the_rest_is_open_again(world: World) -> None:
    await add_consumable(SYSTEM, NewConsumable("TN-1", "Hộp mực", "hộp"))
    await move(SYSTEM, Movement(Act.RECEIVE, "KHO", "TN-1", 10), now=at(0))
    number = await toner(world, 5)
    await parts.split(world.bob, number, {1: [Wanted(Way.STOCK, 5)]}, Doing(), now=at(2))
    [shipment] = await shipments()
    part = await part_of("stock")
    with pytest.raises(Conflict):  # it is called back, not taken back
        await parts.take_back(world.bob, part, now=at(3))
    async with db.transaction(EVERYTHING) as tx:
        line = await tx.fetchval("select id from stock_movements where kind = 'transfer_out'")
    with pytest.raises(Conflict):
        await reverse(SYSTEM, line, "Sai", now=at(3))
    for got, note, field in ((6, "", "got"), (-1, "", "got"), (10**12, "x", "got"), (3, "  ", "note")):
        with pytest.raises(Invalid) as caught:
            await receive(world.alice, shipment, got, note, now=at(3))
        assert caught.value.fields.keys() == {field}
    with pytest.raises(NotFound):
        await receive(world.charlie, shipment, 5, now=at(3))
    with pytest.raises(NotAllowed):  # it is not the giving side that says what came
        await call_back(world.alice, shipment, now=at(3))
    assert await lying() == {"KHO": 5}
    both = await asyncio.gather(
        *(receive(world.alice, shipment, 3, "Thiếu hai hộp", now=at(4)) for _ in range(2)), return_exceptions=True
    )
    assert both == [None, None]  # said twice, done once
    with pytest.raises(Conflict) as refused:
        await receive(world.alice, shipment, 5, now=at(5))
    assert refused.value.facts["got"] == 3
    assert await lying() == {"KHO": 5, world.home_code: 3}
    assert await ledger(number) == {"given": 3, "promised": 0, "declined": 0, "open": 2}
    await parts.split(world.bob, number, {1: [Wanted(Way.STOCK, 2)]}, Doing(), now=at(6))
    [shipment] = await shipments()
    await call_back(world.bob, shipment, now=at(7))
    assert await lying() == {"KHO": 5, world.home_code: 3}
    assert await ledger(number) == {"given": 3, "promised": 0, "declined": 0, "open": 2}
    with pytest.raises(Conflict):
        await receive(world.alice, shipment, 2, now=at(8))


async def test_when_sites_could_give_cartridges_then_those_are_offered_that_keep_their_lowest_stock(
    world: World,
) -> None:
    await add_consumable(SYSTEM, NewConsumable("TN-1", "Hộp mực", "hộp", minimum=2))
    async with db.transaction(EVERYTHING) as tx:
        unit = await tx.fetchval("select unit from sites where id = $1", world.other)
        await places.add_site(tx, unit=unit, code="GAN", kind="reception_point", name="Điểm gần")
        for site, latitude in (("GAN", 15.13), (world.home_code, 15.12), (world.other_code, 15.9)):
            await tx.execute("update sites set latitude = $2, longitude = 108.8 where code = $1", site, latitude)
    for site, quantity in (("GAN", 3), (world.other_code, 6), ("KHO", 2), (world.home_code, 9)):
        await move(SYSTEM, Movement(Act.RECEIVE, site, "TN-1", quantity), now=at(0))
    number = await toner(world, 8)
    async with db.transaction(EVERYTHING) as tx:
        [line] = (await answer(tx, world.bob, number, "vi", at(2))).lines
    assert [(one.code, one.spare) for one in line.donors] == [("GAN", 1), (world.other_code, 4)]
    offered = [Wanted(p.way, p.quantity, p.from_site) for p in line.proposed]
    assert [(p.way, p.quantity, p.from_site) for p in offered] == [
        (Way.STOCK, 2, ""), (Way.TRANSFER, 1, "GAN"), (Way.TRANSFER, 4, world.other_code), (Way.PURCHASE, 1, ""),
    ]  # fmt: skip
    with pytest.raises(Invalid):
        await parts.split(world.bob, number, {1: [Wanted(Way.TRANSFER, 2, "GAN")]}, Doing(), now=at(2))
    await parts.split(world.bob, number, {1: offered}, Doing(), now=at(3))
    assert await lying() == {"KHO": 0, "GAN": 2, world.other_code: 2, world.home_code: 9}
    for shipment in await shipments():
        async with db.transaction(EVERYTHING) as tx:
            sent = await tx.fetchval("select quantity from stock_shipments where id = $1", shipment)
        await receive(world.alice, shipment, sent, now=at(4))
    assert await ledger(number) == {"given": 7, "promised": 1, "declined": 0, "open": 0}
    again = await toner(world, 1)
    async with db.transaction(EVERYTHING) as tx:
        assert (await answer(tx, world.bob, again, "vi", at(2))).lines[0].donors == []


async def test_when_two_splits_take_cartridges_at_once_then_never_more_than_there_are(world: World) -> None:
    await add_consumable(SYSTEM, NewConsumable("TN-1", "Hộp mực", "hộp"))
    await move(SYSTEM, Movement(Act.RECEIVE, "KHO", "TN-1", 3), now=at(0))
    numbers = [await toner(world, 2) for _ in range(2)]
    found = await asyncio.gather(
        *(parts.split(world.bob, n, {1: [Wanted(Way.STOCK, 2)]}, Doing(), now=at(2)) for n in numbers),
        return_exceptions=True,
    )
    assert sorted(type(one).__name__ for one in found) == ["Filed", "Invalid"]
    assert await lying() == {"KHO": 1}


async def test_when_a_request_is_closed_then_nothing_is_bought_or_sent_for_it_any_more(world: World) -> None:
    await world.thing("printer", "SPARE-1", world.other_code, stage=Stage.IN_STOCK)
    number = await approved(world, 2)
    wanted = {1: [Wanted(Way.TRANSFER, 1, from_site=world.other_code), Wanted(Way.PURCHASE, 1)]}
    await parts.split(world.bob, number, wanted, Doing(), now=at(2))
    bought = await purchases.plan(world.bob, NewPurchase("Máy in", [await part_of("purchase")]), now=at(3))
    await purchases.order(world.bob, bought, Order("Công ty A"), now=at(4))
    await service.act(world.bob, number, Step.CLOSE, Doing("Không cần nữa"), now=at(5))
    assert await ledger(number) == {"given": 0, "promised": 0, "declined": 0, "open": 2}
    assert [state for _, state in await transfers_of(number)] == ["cancelled"]
    async with db.transaction(EVERYTHING) as tx:
        assert await tx.fetchval("select state from purchases") == "cancelled"


async def test_when_a_machine_is_repaired_then_once_and_only_where_it_stands(world: World) -> None:
    await world.thing("printer", "BROKEN", world.home_code, state=PhysicalState.BROKEN)
    await world.thing("printer", "GOOD", world.home_code)
    number = await approved(world, 3)
    mend = Wanted(Way.REPAIR, 1, assets=("BROKEN",))
    for wrong in ([mend, mend], [Wanted(Way.REPAIR, 1, assets=("GOOD",))]):
        with pytest.raises(Invalid):
            await parts.split(world.bob, number, {1: wrong}, Doing(), now=at(2))
    await parts.split(world.bob, number, {1: [mend]}, Doing(), now=at(3))
    with pytest.raises(Invalid):
        await parts.split(world.bob, number, {1: [mend]}, Doing(), now=at(4))
    async with db.transaction(EVERYTHING) as tx:
        await tx.execute("update assets set site = $1 where tag = 'BROKEN'", world.other)
    with pytest.raises(Conflict):
        await parts.finish(world.bob, await part_of("repair"), now=at(5))
    assert await ledger(number) == {"given": 0, "promised": 1, "declined": 0, "open": 2}


async def test_when_whoever_decides_has_rewritten_the_request_then_somebody_else_decides(world: World) -> None:
    number = str((await service.file(world.alice, Filing([Asked("printer", 1)], "Hỏng"), now=at(0))).number)
    await service.act(world.bob, number, Step.RETURN, Doing("Ghi rõ"), now=at(1))
    await service.amend(world.bob, number, service.Amended({1: 900}, "Nhiều hơn"), Doing(), now=at(2))
    await service.act(world.bob, number, Step.SUBMIT, Doing(), now=at(3))
    with pytest.raises(NotAllowed):
        await service.approve(world.bob, number, Doing(), now=at(4))


async def test_when_needs_are_listed_then_they_are_what_is_approved_and_not_arranged(world: World) -> None:
    await world.stock("printer", "STORE-1")
    await world.thing("printer", "SPARE-1", world.other_code, stage=Stage.IN_STOCK)
    first, second = await approved(world, 8), await approved(world, 3)
    await approved(world, 2, "scanner")
    wanted = {1: [
        Wanted(Way.STOCK, 1), Wanted(Way.TRANSFER, 1, from_site=world.other_code), Wanted(Way.PURCHASE, 2),
        Wanted(Way.DECLINE, 1, note="Vượt định mức"),
    ]}  # fmt: skip
    await parts.split(world.bob, first, wanted, Doing(), now=at(2))

    async def sums() -> dict[str, tuple[int, list[int]]]:
        found = await papers.needs(world.bob, ListQuery(), now=at(9))
        assert len(found.lines) == len({(line.name, line.place) for line in found.lines})
        return {line.name: (line.quantity, list(line.requests)) for line in found.lines}

    # 8 - 1 given - 1 promised - 1 declined, of them 2 wait to be bought; and 3 of the other request
    both = [int(first), int(second)]
    assert await sums() == {"Máy in": (5 + 3, both), "Máy scan tài liệu": (2, [int(second) + 1])}
    bought = await purchases.plan(world.bob, NewPurchase("Mua", [await part_of("purchase")]), now=at(3))
    assert (await sums())["Máy in"] == (8, both)  # planned, not ordered
    await purchases.order(world.bob, bought, Order("Công ty A"), now=at(4))
    assert (await sums())["Máy in"] == (6, both)
    await purchases.arrive(world.bob, bought, Arrived("KHO", world.models["printer"], ["SN-1"]), now=at(5))
    assert (await sums())["Máy in"] == (6, both)
    await purchases.cancel(world.bob, bought, "Hết hàng", now=at(6))
    assert (await sums())["Máy in"] == (7, both)
    (sent, _), (drafted, _), (arriving, _) = await transfers_of(first)
    await transfers.cancel(SYSTEM, drafted, now=at(7))
    assert (await sums())["Máy in"] == (8, both)
    for number in (sent, arriving):
        await transfers.receive(world.alice, number, transfers.Receiving(), now=at(8))
    assert (await sums())["Máy in"] == (8, both)
    await service.act(world.bob, first, Step.CLOSE, Doing("Hết"), now=at(9))
    assert (await sums())["Máy in"] == (3, [int(second)])
