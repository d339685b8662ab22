"""The ledger of consumables on a real PostgreSQL: whatever is tried, in whatever order and at once, it adds up."""

import asyncio
from collections import defaultdict
from dataclasses import replace
from datetime import date
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assets import clock
from assets.access.actor import SYSTEM
from assets.db import EVERYTHING, Scope, transaction
from assets.errors import Conflict, Invalid, NotAllowed, NotFound
from assets.ids import new_id
from assets.inventory.stock import consumables, service
from assets.inventory.stock.ledger import ADDS, Act, replay
from assets.inventory.stock.shipments import receive, ship
from assets.migrations.m0030a_older_houses import STATEMENTS as OLDER_HOUSES
from assets.places import service as places
from assets.places.units import parse, shipped

HERE, THERE = "21025", "21028"


@pytest.fixture
async def stores(database: str) -> None:
    """Two sites that may keep something."""
    await places.load_units(SYSTEM, parse(shipped())[:2])
    await places.open_centres(SYSTEM)


async def goods(minimum: int = 0) -> str:
    """A consumable that nobody has kept yet."""
    code = f"C-{new_id().hex[-12:]}".upper()
    await consumables.add_consumable(SYSTEM, consumables.NewConsumable(code, "Hộp mực", "hộp", minimum=minimum))
    return code


async def move(act: Act, code: str, quantity: int, site: str = HERE, **said: Any) -> Any:
    whole = {"reason": "r", **({"holder": "Quầy 1"} if act is Act.ISSUE else {}), **said}
    movement = service.Movement(act, site, code, quantity, **whole)
    if act is not Act.TRANSFER:
        return await service.move(SYSTEM, movement, now=clock.now())
    movement = replace(movement, key=movement.key or new_id())
    sent = await ship(SYSTEM, movement, now=clock.now())
    await receive(SYSTEM, sent, quantity, now=clock.now())
    return movement.key


async def books(code: str, *, under_way: int = 0) -> dict[str, int]:
    """What lies at each site, after everything that must hold of a ledger has been looked at."""
    async with transaction(EVERYTHING) as tx:
        lines = await tx.fetch(
            "select m.*, s.code as place from stock_movements m join sites s on s.id = m.site join consumables c "
            "on c.id = m.consumable where c.code = $1 order by m.stock, m.number", code,
        )  # fmt: skip
        stock = await tx.fetch(
            "select s.code as place, k.quantity from stock k join sites s on s.id = k.site join consumables c "
            "on c.id = k.consumable where c.code = $1", code,
        )  # fmt: skip
        batches = await tx.fetch(
            "select s.code as place, b.batch, b.quantity from stock_batches b join stock k on k.id = b.stock join sites s "
            "on s.id = k.site join consumables c on c.id = k.consumable where c.code = $1", code,
        )  # fmt: skip
    found = {row["place"]: row["quantity"] for row in stock}
    told = replay((line["place"], line["change"]) for line in lines)  # raises where it was below nothing
    assert {place: told.get(place, 0) for place in found} == found
    by_batch = replay(((line["place"], line["batch"]), line["change"]) for line in lines)
    assert by_batch == {(row["place"], row["batch"]): row["quantity"] for row in batches}
    running: dict[str, int] = defaultdict(int)
    numbers: dict[str, int] = defaultdict(int)
    transfers: dict[Any, list[int]] = defaultdict(list)
    for line in lines:
        running[line["place"]] += line["change"]
        assert line["balance"] == running[line["place"]]
        numbers[line["place"]] += 1
        assert line["number"] == numbers[line["place"]]
        if line["transfer"]:
            transfers[line["transfer"]].append(line["change"])
    assert all(len(changes) <= 2 for changes in transfers.values())
    assert -sum(sum(changes) for changes in transfers.values()) == under_way
    return found


steps = st.lists(
    st.tuples(
        st.sampled_from([*Act, "reverse"]), st.sampled_from((HERE, THERE)), st.integers(0, 6),
        st.sampled_from(("", "A", "B")), st.sampled_from((None, date(2026, 1, 31), date(2099, 1, 31))), st.integers(0, 99),
    ),
    min_size=4, max_size=14,
)  # fmt: skip


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps)
async def test_whatever_is_tried_the_stock_is_the_sum_of_its_lines_and_never_below_nothing(
    stores: None, steps: list[Any]
) -> None:
    code, outside, written = await goods(), 0, list[Any]()
    for act, site, quantity, batch, last, which in steps:
        before = await books(code)
        try:
            if act == "reverse":
                if written:
                    await service.reverse(SYSTEM, written[which % len(written)], "nhầm", now=clock.now())
                outside = sum((await books(code)).values())
                continue
            to = {"to_site": THERE if site == HERE else HERE} if act is Act.TRANSFER else {}
            expires = {"expires_on": last} if act is Act.RECEIVE and batch else {}
            written.append(await move(act, code, quantity, site, batch=batch, **to, **expires))
        except (Conflict, Invalid):
            assert await books(code) == before or not before  # nothing half done
            continue
        after = await books(code)
        if act is Act.TRANSFER:
            assert sum(after.values()) == outside
        elif act is Act.COUNT:
            outside = sum(after.values())
        else:
            outside += quantity if act in ADDS else -quantity
            assert sum(after.values()) == outside


async def test_when_many_want_the_same_and_send_it_both_ways_at_once_then_nothing_is_lost_or_made(stores: None) -> None:
    code = await goods()
    await move(Act.RECEIVE, code, 6)
    await move(Act.RECEIVE, code, 6, THERE)
    tries = [
        *(move(Act.TRANSFER, code, 2, HERE, to_site=THERE) for _ in range(4)),
        *(move(Act.TRANSFER, code, 2, THERE, to_site=HERE) for _ in range(4)),
        *(move(Act.ISSUE, code, 3, site) for site in (HERE, THERE) * 3),
    ]
    done = await asyncio.gather(*tries, return_exceptions=True)
    assert all(isinstance(one, Conflict) for one in done if isinstance(one, BaseException)), done
    assert not all(isinstance(one, Conflict) for one in done)
    issued = sum(3 for one in done[8:] if not isinstance(one, BaseException))  # none while all of it was under way
    assert issued == 12 - sum((await books(code)).values())


async def test_when_two_receive_the_first_of_it_at_once_then_both_count(stores: None) -> None:
    code = await goods()
    await asyncio.gather(*(move(Act.RECEIVE, code, 1) for _ in range(6)))
    assert await books(code) == {HERE: 6}


async def test_when_a_form_is_sent_twice_then_it_counts_once(stores: None) -> None:
    code, key = await goods(), new_id()
    await move(Act.RECEIVE, code, 3)
    one, two = await asyncio.gather(*(move(Act.ISSUE, code, 1, key=key) for _ in range(2)))
    assert one == two == key
    with pytest.raises(Conflict, match="something else"):
        await move(Act.TRANSFER, code, 1, to_site=THERE, key=key)
    said = service.Movement(Act.TRANSFER, HERE, code, 1, to_site=THERE, key=new_id())
    one, two = await asyncio.gather(*(ship(SYSTEM, said, now=clock.now()) for _ in range(2)))
    assert one == two == await ship(SYSTEM, said, now=clock.now())
    assert await books(code, under_way=1) == {HERE: 1}


async def test_when_an_expired_batch_is_all_that_is_left_then_it_is_taken_out_and_not_issued(stores: None) -> None:
    code = await goods()
    await move(Act.RECEIVE, code, 2, batch="A", expires_on=date(2026, 1, 31))
    with pytest.raises(Conflict, match="expired"):
        await move(Act.ISSUE, code, 1)
    await move(Act.EXPIRE, code, 2)
    assert await books(code) == {HERE: 0}


async def test_when_a_line_was_taken_back_or_its_goods_are_gone_then_it_cannot_be_taken_back(stores: None) -> None:
    code = await goods()
    came = await move(Act.RECEIVE, code, 2)
    gone = await move(Act.ISSUE, code, 2)
    with pytest.raises(Conflict, match="There are only"):
        await service.reverse(SYSTEM, came, "nhầm", now=clock.now())
    back = await service.reverse(SYSTEM, gone, "nhầm", now=clock.now())
    for line in (gone, back):
        with pytest.raises(Conflict):
            await service.reverse(SYSTEM, line, "nhầm", now=clock.now())
    await service.reverse(SYSTEM, came, "nhầm", now=clock.now())
    assert await books(code) == {HERE: 0}


async def test_when_something_goes_to_another_site_then_it_lies_there_once_they_say_so_and_by_nobody_elses_word(
    stores: None,
) -> None:
    code = await goods()
    await move(Act.RECEIVE, code, 2)
    said = service.Movement(Act.TRANSFER, HERE, code, 1, to_site=THERE, key=new_id())
    sent = await ship(SYSTEM, said, now=clock.now())
    assert await books(code, under_way=1) == {HERE: 1}
    async with transaction(EVERYTHING) as tx:
        here = await tx.fetchval("select id from sites where code = $1", HERE)
    narrow = replace(SYSTEM, scope=Scope.of_sites([here]))
    with pytest.raises(Conflict, match="belongs to a shipment"):
        await service.reverse(narrow, said.key or new_id(), "nhầm", now=clock.now())
    with pytest.raises(NotAllowed):
        await receive(narrow, sent, 1, now=clock.now())
    await receive(SYSTEM, sent, 1, now=clock.now())
    with pytest.raises(NotFound):
        await ship(narrow, service.Movement(Act.TRANSFER, HERE, code, 1, to_site=THERE), now=clock.now())
    with pytest.raises(NotFound):
        await service.move(narrow, service.Movement(Act.RECEIVE, THERE, code, 1), now=clock.now())
    assert await books(code) == {HERE: 1, THERE: 1}


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        ("update stock set quantity = -1", asyncpg.CheckViolationError),
        ("update stock_batches set quantity = -1", asyncpg.CheckViolationError),
        ("update stock_movements set change = 9", asyncpg.InsufficientPrivilegeError),
        ("delete from stock_movements", asyncpg.InsufficientPrivilegeError),
        ("truncate stock_movements", asyncpg.InsufficientPrivilegeError),
    ],
)
async def test_when_the_service_itself_goes_wrong_then_postgresql_still_keeps_the_ledger(
    stores: None, statement: str, error: type[Exception]
) -> None:
    code = await goods()
    await move(Act.RECEIVE, code, 2)
    with pytest.raises(error):
        async with transaction(EVERYTHING) as tx:
            await tx.execute(statement)
    assert await books(code) == {HERE: 2}


TAKEN_BACK = """insert into stock_movements (id, stock, site, consumable, at, number, kind, change, balance, batch, other_site,
transfer, reverses, reason, actor_name) select gen_random_uuid(), stock, site, consumable, at, number + 100, 'reversed', -change,
balance - change, batch, other_site, transfer, id, 'Nhầm', 'Lan' from stock_movements where transfer = $1"""


async def test_when_an_older_house_moved_stock_directly_then_it_is_a_shipment_that_has_ended(stores: None) -> None:
    code = await goods()
    await move(Act.RECEIVE, code, 9)
    for _ in range(2):
        await move(Act.TRANSFER, code, 2, to_site=THERE)
    await ship(SYSTEM, service.Movement(Act.TRANSFER, HERE, code, 3, to_site=THERE, reason="r"), now=clock.now())
    query = """select to_jsonb(s) - 'version' as s from stock_shipments s join consumables c on c.id = s.consumable
    where c.code = $1 order by s.id"""
    async with transaction(EVERYTHING) as tx:
        written = [row["s"] for row in await tx.fetch(query, code)]
        _, back = ids = [row["transfer"] for row in await tx.fetch(
            "select transfer from stock_movements where kind = 'transfer_in' order by transfer")]  # fmt: skip
        await tx.execute(TAKEN_BACK, back)
        await tx.execute("delete from stock_shipments where id = any($1)", ids)
        for statement in OLDER_HOUSES:
            await tx.execute(statement)
        found = [row["s"] for row in await tx.fetch(query, code)]
        state = await tx.fetch("select state, got, note, ended_by from stock_shipments where id = $1", back)
    assert [tuple(row) for row in state] == [("called_back", None, "Nhầm", "Lan")]
    assert found[0] == written[0]
    assert found[2] == written[2]  # what is under way stays so
