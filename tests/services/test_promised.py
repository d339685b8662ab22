"""An asset promised in a draft transfer stays where the draft can send it from; splits at once share what there is."""

import asyncio
from collections.abc import Awaitable
from typing import Any

import asyncpg
import pytest

from assets import db
from assets.access.actor import SYSTEM
from assets.db import EVERYTHING
from assets.equipment_requests import parts, sources
from assets.equipment_requests.purchases import Arrived, NewPurchase, Order, arrive, order, plan
from assets.equipment_requests.service import Doing
from assets.equipment_requests.splitting import Wanted, Way
from assets.errors import Conflict, Invalid, NotFound
from assets.inventory import replacement
from assets.inventory import service as inventory
from assets.inventory.lifecycle import PROMISED, Stage, Told
from assets.inventory.observed import merging
from assets.inventory.transfers import service as transfers
from assets.inventory.transfers.service import NewTransfer
from tests import equipment_world
from tests.equipment_world import World, at
from tests.services.test_splitting import approved, ledger, part_of, transfers_of


@pytest.fixture
async def world(database: str) -> World:
    return await equipment_world.build()


async def promised(world: World) -> tuple[str, int]:
    """A request that SPARE of the other centre is promised to, and the draft that lists it."""
    await world.thing("printer", "SPARE", world.other_code, stage=Stage.IN_STOCK)
    number = await approved(world, 1)
    wanted = {1: [Wanted(Way.TRANSFER, 1, from_site=world.other_code)]}
    await parts.split(world.bob, number, wanted, Doing(), now=at(2))
    ((drafted, _),) = await transfers_of(number)
    return number, drafted


async def merged(stays: str, goes: str) -> None:
    async with db.transaction(EVERYTHING) as tx:
        ids = [await tx.fetchval("select id from assets where tag = $1", tag) for tag in (stays, goes)]
        await merging.merge(tx, SYSTEM, *ids, now=at(3))


async def test_when_an_asset_is_promised_then_nothing_else_takes_it_and_who_tries_is_told_for_what(
    world: World,
) -> None:
    number, drafted = await promised(world)
    await world.thing("printer", "OLD", world.other_code)
    version = 1
    tries: dict[str, Awaitable[Any]] = {
        "another draft": transfers.draft(SYSTEM, NewTransfer(world.other_code, "KHO", ["SPARE"]), now=at(3)),
        "sent by hand": transfers.draft(SYSTEM, NewTransfer(world.other_code, "KHO", ["SPARE"], send=True), now=at(3)),
        "lost": inventory.move_stage(SYSTEM, "SPARE", Stage.LOST, why="Mất", now=at(3)),
        "retired": inventory.move_stage(SYSTEM, "SPARE", Stage.AWAITING_DISPOSAL, why="Hỏng", now=at(3)),
        "edited away": inventory.edit(SYSTEM, "SPARE", {"stage": "lost"}, version=version, now=at(3)),
        "a replacement": replacement.replace(SYSTEM, "OLD", "SPARE", Stage.IN_STOCK, Told(), now=at(3)),
        "merged": merged("OLD", "SPARE"),
    }
    for name, attempt in tries.items():
        with pytest.raises(Conflict) as caught:
            await attempt
        text = caught.value.detail % caught.value.facts if caught.value.detail == PROMISED else caught.value.detail
        assert f"ĐC-{drafted}" in text, name
        assert f"ĐN-{number}" in text, name
    with pytest.raises(asyncpg.CheckViolationError):  # and who forgets to ask is refused by PostgreSQL
        async with db.transaction(EVERYTHING) as tx:
            await tx.execute("update assets set stage = 'disposed' where tag = 'SPARE'")
    assert await ledger(number) == {"given": 0, "promised": 1, "declined": 0, "open": 0}
    await inventory.move_stage(SYSTEM, "SPARE", Stage.IN_USE, now=at(4))  # from there it can still be sent
    await transfers.send(SYSTEM, drafted, now=at(5))
    await transfers.receive(world.alice, drafted, transfers.Receiving(), now=at(6))
    assert await world.asset("SPARE") == (world.home, "in_use")


async def test_when_the_draft_is_cancelled_then_the_asset_is_free_and_offered_again(world: World) -> None:
    number, drafted = await promised(world)
    await transfers.cancel(SYSTEM, drafted, now=at(3))
    assert await ledger(number) == {"given": 0, "promised": 0, "declined": 0, "open": 1}
    again = {1: [Wanted(Way.TRANSFER, 1, from_site=world.other_code, assets=("SPARE",))]}
    await parts.split(world.bob, number, again, Doing(), now=at(4))
    assert await ledger(number) == {"given": 0, "promised": 1, "declined": 0, "open": 0}


async def test_when_one_asset_is_taken_out_of_a_draft_then_it_is_free_and_the_rest_still_goes(world: World) -> None:
    for tag in ("SPARE-1", "SPARE-2", "SPARE-3"):
        await world.thing("printer", tag, world.other_code, stage=Stage.IN_STOCK)
    number = await approved(world, 3)
    wanted = {1: [Wanted(Way.TRANSFER, 3, from_site=world.other_code)]}
    await parts.split(world.bob, number, wanted, Doing(), now=at(2))
    ((drafted, _),) = await transfers_of(number)
    await transfers.take_out(SYSTEM, drafted, "spare-2", "Máy đang dùng", now=at(3))
    assert await ledger(number) == {"given": 0, "promised": 2, "declined": 0, "open": 1}
    await inventory.move_stage(SYSTEM, "SPARE-2", Stage.IN_USE, now=at(3))  # it is held no more
    with pytest.raises(Conflict):
        await transfers.take_out(SYSTEM, drafted, "SPARE-2", now=at(4))  # said twice
    with pytest.raises(NotFound):
        await transfers.take_out(SYSTEM, drafted, "STORE-1", now=at(4))
    with pytest.raises(Conflict):
        await transfers.take_out(SYSTEM, drafted, "SPARE-1", version=1, now=at(4))  # by whoever saw it before
    await transfers.send(SYSTEM, drafted, now=at(5))
    with pytest.raises(Conflict):
        await transfers.take_out(
            SYSTEM, drafted, "SPARE-1", now=at(5)
        )  # what is on its way is its receiver's to settle
    await transfers.receive(world.alice, drafted, transfers.Receiving(), now=at(6))
    assert await world.asset("SPARE-2") == (world.other, "in_use")
    assert await world.asset("SPARE-3") == (world.home, "in_use")
    assert await ledger(number) == {"given": 2, "promised": 0, "declined": 0, "open": 1}


async def test_when_the_last_asset_is_taken_out_then_the_draft_is_cancelled(world: World) -> None:
    number, drafted = await promised(world)
    await transfers.take_out(SYSTEM, drafted, "SPARE", now=at(3))
    assert await transfers_of(number) == [(drafted, "cancelled")]
    assert await ledger(number) == {"given": 0, "promised": 0, "declined": 0, "open": 1}
    async with db.transaction(EVERYTHING) as tx:
        told = await tx.fetch("select action from audit_events where subject_name = $1 order by id", f"ĐC-{drafted}")
    assert [row["action"] for row in told] == ["file", "take_out", "take_out"]  # in each side's own trail


async def test_when_a_line_of_a_draft_is_dead_then_it_hides_nothing(world: World) -> None:
    """Drafts of before there was such a rule: their asset stands in the store by now."""
    _, drafted = await promised(world)
    async with db.transaction(EVERYTHING) as tx, db.as_owner(tx):
        await tx.execute("set local session_replication_role = replica")
        await tx.execute("update assets set site = $1 where tag = 'SPARE'", world.store)
    number = await approved(world, 1)
    await parts.split(world.bob, number, {1: [Wanted(Way.STOCK, 1)]}, Doing(), now=at(3))
    assert await ledger(number) == {"given": 0, "promised": 1, "declined": 0, "open": 0}
    with pytest.raises(Conflict):
        await transfers.send(SYSTEM, drafted, now=at(4))


async def test_when_a_promised_asset_is_named_for_another_request_then_its_draft_is_named(world: World) -> None:
    _, drafted = await promised(world)
    number = await approved(world, 1)
    named = {1: [Wanted(Way.TRANSFER, 1, from_site=world.other_code, assets=("SPARE",))]}
    await world.thing("printer", "SPARE-2", world.other_code, stage=Stage.IN_STOCK)
    with pytest.raises((Conflict, Invalid)):
        await parts.split(world.bob, number, named, Doing(), now=at(3))
    await transfers.draft(SYSTEM, NewTransfer("KHO", world.other_code, [await _stored(world)]), now=at(3))
    with pytest.raises(Conflict) as caught:
        await parts.split(world.bob, number, {1: [Wanted(Way.STOCK, 1, assets=("STORE-1",))]}, Doing(), now=at(4))
    assert caught.value.facts["transfer"] == f"ĐC-{drafted + 1}"


async def _stored(world: World) -> str:
    await world.stock("printer", "STORE-1")
    return "STORE-1"


@pytest.mark.parametrize("there", [4, 3])
async def test_when_two_splits_take_from_one_store_at_once_then_both_get_theirs_as_far_as_it_goes(
    world: World, there: int
) -> None:
    for number in range(there):
        await world.stock("printer", f"STORE-{number}", day=number)
    numbers = [await approved(world, 2) for _ in range(2)]
    outcomes = await asyncio.gather(
        *(parts.split(world.bob, n, {1: [Wanted(Way.STOCK, 2)]}, Doing(), now=at(2)) for n in numbers),
        return_exceptions=True,
    )
    refused = [one for one in outcomes if isinstance(one, BaseException)]
    assert len(refused) == (0 if there == 4 else 1)
    assert all(isinstance(one, Conflict) for one in refused)
    async with db.transaction(EVERYTHING) as tx:
        listed = [row["asset"] for row in await tx.fetch("select asset from transfer_lines")]
    assert len(listed) == len(set(listed)) == 4 - 2 * len(refused)


async def test_when_somebody_sends_by_hand_at_the_same_time_then_the_split_takes_the_next(world: World) -> None:
    for number in range(3):
        await world.stock("printer", f"STORE-{number}", day=number)
    number = await approved(world, 2)
    by_hand = NewTransfer("KHO", world.other_code, ["STORE-0"], send=True)
    await asyncio.gather(
        transfers.draft(SYSTEM, by_hand, now=at(2)),
        parts.split(world.bob, number, {1: [Wanted(Way.STOCK, 2)]}, Doing(), now=at(2)),
        return_exceptions=True,
    )
    ours = [row for row in await transfers_of(number) if row[1] == "in_transit"]
    assert len(ours) == 1  # whoever was first, two are left for the request


async def test_when_more_leaves_a_store_than_one_transfer_holds_then_it_goes_in_several(world: World) -> None:
    async with db.transaction(EVERYTHING) as tx:
        await world.stock("printer", "STORE-0")
        await tx.execute(
            "insert into assets (id, tag, model, site, serial, name, stage, physical_state, macs, addresses, custodian, "
            "custodian_kind, supplier, funding_source, national_code, custom, note, borrower, repairer, search, created_at, "
            "version) select gen_random_uuid(), 'MANY-' || n, model, site, '', '', 'in_stock', 'good', '{}', '{}', '', '', "
            "'', '', '', '{}', '', '', '', '', created_at + interval '1 day', 1 from assets, generate_series(1, 400) n"
        )
    number = await approved(world, 401)
    wanted = {1: [Wanted(Way.STOCK, 250), Wanted(Way.STOCK, 151)]}
    await parts.split(world.bob, number, wanted, Doing(), now=at(2))
    sent = await transfers_of(number)
    assert [state for _, state in sent] == ["in_transit"] * 3
    for transfer, _ in sent:
        await transfers.receive(world.alice, transfer, transfers.Receiving(), now=at(3))
    assert await ledger(number) == {"given": 401, "promised": 0, "declined": 0, "open": 0}


async def test_when_a_model_is_corrected_on_the_way_then_the_asset_counts_for_its_line(world: World) -> None:
    await world.stock("printer", "STORE-1")
    number = await approved(world, 2)
    wanted = {1: [Wanted(Way.STOCK, 1), Wanted(Way.PURCHASE, 1)]}
    await parts.split(world.bob, number, wanted, Doing(), now=at(2))
    bought = await plan(world.bob, NewPurchase("Máy in", [await part_of("purchase")]), now=at(3))
    await order(world.bob, bought, Order("Công ty A"), now=at(3))
    [came] = await arrive(world.bob, bought, Arrived("KHO", world.models["printer"], ["SN-1"]), now=at(4))
    for tag in ("STORE-1", came):
        async with db.transaction(EVERYTHING) as tx:
            version = await tx.fetchval("select version from assets where tag = $1", tag)
        await inventory.edit(
            SYSTEM, tag, {"manufacturer": "Maker", "model": "scanner"}, version=version, now=at(4)
        )  # fmt: skip
    for transfer, _ in await transfers_of(number):
        await transfers.receive(world.alice, transfer, transfers.Receiving(), now=at(5))
    assert await ledger(number) == {"given": 2, "promised": 0, "declined": 0, "open": 0}


async def test_when_distance_is_reckoned_then_donors_and_remoteness_agree(world: World) -> None:
    async with db.transaction(EVERYTHING) as tx:
        await tx.execute("update sites set latitude = 15.12, longitude = 108.80 where id = $1", world.home)
        await tx.execute("update sites set latitude = 15.38, longitude = 109.12 where id = $1", world.other)  # Lý Sơn
        await tx.execute(
            "update administrative_units set latitude = 15.12, longitude = 108.80 where id = "
            "(select unit from sites where id = $1)", world.home,
        )  # fmt: skip
        await tx.execute("delete from approval_settings")
        await tx.execute(
            "insert into approval_settings (id, fulfil_hours, cost_source, same_person, seat, version) "
            "values (gen_random_uuid(), 40, 'none', false, $1, 1)", world.home_code[:5],
        )  # fmt: skip
        far = await sources.distances(tx, world.home, [world.other, world.store])
        assert far[world.other] == pytest.approx(45.1, abs=0.5)
        assert far[world.other] == await tx.fetchval("select remoteness_km($1)", world.other)
        await tx.execute("update sites set latitude = null, longitude = null where id = $1", world.store)
        await tx.execute("update administrative_units set latitude = null where id = (select unit from sites where id = $1)",
                         world.store)  # fmt: skip
        assert (await sources.distances(tx, world.home, [world.store]))[world.store] is None
