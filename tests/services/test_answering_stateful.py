"""Whatever people do to answer requests, in whatever order: of each line, given + promised + declined + open = approved.

Hypothesis draws acts against a real PostgreSQL: requests of two centres are split over a store, another site, repair,
buying and refusal; transfers are sent, received in part, sent back and cancelled; purchases merge lines, are ordered,
arrive in part and are given up; parts are taken back. What the rules refuse is no act. After each one all is counted.
With LONG=1, as in `.ci/run`, there are three times as many.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar
from uuid import UUID

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from assets import clock, db
from assets.access.actor import SYSTEM, Actor
from assets.db import EVERYTHING, transaction
from assets.equipment_requests import parts, purchases, service
from assets.equipment_requests.purchases import Arrived, NewPurchase, Order
from assets.equipment_requests.queries import PROMISED
from assets.equipment_requests.service import Asked, Doing, Filing
from assets.equipment_requests.splitting import Wanted, Way
from assets.equipment_requests.workflow import State, Step
from assets.errors import Conflict, Invalid, NotFound
from assets.inventory.lifecycle import PhysicalState, Stage
from assets.inventory.transfers import service as transfers
from assets.inventory.transfers.course import NEEDS_NOTE, OUTCOMES
from tests import equipment_world
from tests.conftest import LONG, empty

pytestmark = pytest.mark.longer

T = TypeVar("T")
EXAMPLES = 20 if LONG else 6
PHASES = (Phase.generate, Phase.shrink) if LONG else (Phase.generate,)
STEPS = 40
WAYS = (Way.STOCK, Way.TRANSFER, Way.PURCHASE, Way.REPAIR, Way.DECLINE)
PLANS = st.lists(st.tuples(st.sampled_from(WAYS), st.integers(1, 3)), min_size=1, max_size=2)

FEW = 2
OFTEN = ("split", "send", "receive", "plan", "order", "arrive")  # what leads on
_OPEN = "select number::text from equipment_requests where state in ('approved', 'in_fulfilment') order by number"
_PARTS = "select id from fulfilment_parts where state in ('planned', 'under_way')"
_TRANSFERS = "select number from transfers where state = '{}' order by number"
_PURCHASES = "select number from purchases where state {} order by number"
# What can be done now, by the name of its act.
POSSIBLE = {
    "split": f"""
        select r.number::text from equipment_requests r join equipment_request_lines l on l.request = r.id
        where r.state in ('approved', 'in_fulfilment') and l.approved > l.given + l.declined + {PROMISED} order by 1
    """,
    "fulfil": _OPEN.replace(
        "order", "and exists (select from assets where stage = 'in_stock' and tag like 'STORE%') order"
    ),
    "close": _OPEN.replace("approved", "fulfilled"),
    "finish": f"{_PARTS} and way = 'repair' order by id",
    "take_back": f"{_PARTS} and transfer is null order by id",
    "send": _TRANSFERS.format("draft"),
    "receive": _TRANSFERS.format("in_transit"),
    "refuse": _TRANSFERS.format("in_transit"),
    "cancel": _TRANSFERS.format("in_transit"),
    "plan": f"{_PARTS} and way = 'purchase' and purchase is null order by id",
    "order": _PURCHASES.format("= 'planned'"),
    "arrive": _PURCHASES.format("= 'ordered'"),
    "give_up": _PURCHASES.format("in ('planned', 'ordered')"),
}
WAITING = """
    select l.tag from transfer_lines l join transfers t on t.id = l.transfer
    where t.number = $1 and l.state = 'waiting' order by l.tag
"""
LEFT = f"""
    select l.approved - l.given - l.declined - {PROMISED}
    from equipment_request_lines l join equipment_requests r on r.id = l.request where r.number = $1
"""


class Answers(RuleBasedStateMachine):
    """Two centres that ask for printers, and everything that can be done about it."""

    runner: asyncio.Runner
    dsn: str

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    @initialize()
    def enter(self) -> None:
        self.serial = self.refused = 0
        self.done: list[str] = []
        self.run(self._build())

    async def _build(self) -> None:
        if db.DB.pool is None:
            await db.connect(self.dsn)
        async with transaction(EVERYTHING) as tx:
            await empty(tx)
        self.here = await equipment_world.build()
        for number in range(3):
            await self.here.stock("printer", f"STORE-{number}")
            await self.here.thing("printer", f"SPARE-{number}", self.here.other_code, stage=Stage.IN_STOCK)
        await self.here.thing("printer", "BROKEN", self.here.home_code, state=PhysicalState.BROKEN)
        await self._ask(self.here.alice, 6)
        await self._ask(self.here.charlie, 2)

    async def _ask(self, by: Actor, quantity: int) -> None:
        filed = await service.file(by, Filing([Asked("printer", quantity)], "Thêm quầy"), now=clock.now())
        await service.approve(self.here.bob, str(filed.number), Doing(), now=clock.now())

    @rule(data=st.data())
    def act(self, data: st.DataObject) -> None:
        """One of the acts that there is something for; asking again and closing are rare, so that the others have work."""
        there = [(name, key) for name, query in POSSIBLE.items() for key in self._all(query)]
        if len(there) < FEW:
            self.run(self._ask(data.draw(st.sampled_from([self.here.alice, self.here.charlie])), 4))
            return
        now = {name for name, _ in there}
        names = [name for name in OFTEN if name in now] * 4 + sorted(now)
        name = data.draw(st.sampled_from(names))
        key = data.draw(st.sampled_from([k for n, k in there if n == name]))
        work = getattr(self, f"_{name}")(data, key)
        try:
            self.run(work)
        except (Conflict, Invalid, NotFound):
            self.refused += 1
        else:
            self.done.append(name)

    async def _split(self, data: st.DataObject, number: str) -> None:
        left = (await self._rows(LEFT, int(number)))[0]
        wanted = []
        for way, quantity in data.draw(PLANS):  # as much as is left, so that most plans can be done
            some = min(1 if way is Way.REPAIR else quantity, left)
            from_site = self.here.other_code if way is Way.TRANSFER else ""
            assets = ("BROKEN",) if way is Way.REPAIR else ()
            if some:
                wanted.append(Wanted(way, some, from_site, assets, note="Không"))
            left -= some
        await parts.split(self.here.bob, number, {1: wanted}, Doing(), now=clock.now())

    async def _fulfil(self, data: st.DataObject, number: str) -> None:
        await service.fulfil(self.here.bob, number, Doing(), now=clock.now())

    async def _close(self, data: st.DataObject, number: str) -> None:
        if data.draw(st.integers(0, 3)) == 0:
            await service.act(SYSTEM, number, Step.CLOSE, Doing("Hết"), now=clock.now())

    async def _finish(self, data: st.DataObject, part: UUID) -> None:
        await parts.finish(self.here.bob, part, now=clock.now())

    async def _take_back(self, data: st.DataObject, part: UUID) -> None:
        await parts.take_back(self.here.bob, part, now=clock.now())

    async def _send(self, data: st.DataObject, number: int) -> None:
        await transfers.send(SYSTEM, number, now=clock.now())

    async def _cancel(self, data: st.DataObject, number: int) -> None:
        await transfers.cancel(SYSTEM, number, now=clock.now())

    async def _refuse(self, data: st.DataObject, number: int) -> None:
        await transfers.refuse(SYSTEM, number, "Không nhận", now=clock.now())

    async def _receive(self, data: st.DataObject, number: int) -> None:
        tags = await self._rows(WAITING, number)
        some = {tag: data.draw(st.sampled_from(OUTCOMES)) for tag in tags if data.draw(st.booleans())}
        said = {tag: transfers.Outcome(o, "Ghi chú" if o in NEEDS_NOTE else "") for tag, o in some.items()}
        await transfers.receive(SYSTEM, number, transfers.Receiving(said), now=clock.now())

    async def _plan(self, data: st.DataObject, part: UUID) -> None:
        more = [one for one in await self._rows(POSSIBLE["plan"]) if data.draw(st.booleans())]
        await purchases.plan(self.here.bob, NewPurchase("Mua", list({part, *more})), now=clock.now())

    async def _order(self, data: st.DataObject, number: int) -> None:
        await purchases.order(self.here.bob, number, Order("Công ty A"), now=clock.now())

    async def _arrive(self, data: st.DataObject, number: int) -> None:
        came = data.draw(st.integers(1, 3))
        self.serial += came
        serials = [f"SN-{self.serial - n}" for n in range(came)]
        arrived = Arrived("KHO", self.here.models["printer"], serials)
        await purchases.arrive(self.here.bob, number, arrived, now=clock.now())

    async def _give_up(self, data: st.DataObject, number: int) -> None:
        await purchases.cancel(self.here.bob, number, "Hết kinh phí", now=clock.now())

    async def _rows(self, query: str, *values: object) -> list[Any]:
        async with transaction(EVERYTHING) as tx:
            return [row[0] for row in await tx.fetch(query, *values)]

    def _all(self, query: str) -> list[Any]:
        return self.run(self._rows(query))

    @invariant()
    def every_line_is_conserved(self) -> None:
        self.run(self._count())

    async def _count(self) -> None:
        async with transaction(EVERYTHING) as tx:
            lines = await tx.fetch(
                "select l.*, r.state, r.site from equipment_request_lines l join equipment_requests r on r.id = l.request"
            )
            rows = await tx.fetch(
                "select p.*, b.state as bought, exists (select from transfer_lines l where l.transfer = p.transfer "
                "and l.state in ('listed', 'waiting')) as moving from fulfilment_parts p "
                "left join purchases b on b.id = p.purchase"
            )
            came = await tx.fetch("select line, part, asset from fulfilments")
        assert len({row["asset"] for row in came}) == len(came)  # nothing is given twice
        for line in lines:
            own = [row for row in rows if row["line"] == line["id"]]
            open_ = [row for row in own if row["state"] in ("planned", "under_way")]
            promised = sum(row["quantity"] - row["done"] for row in open_)
            declined = sum(row["done"] for row in own if row["way"] == "decline")
            by_parts = sum(row["done"] for row in own if row["way"] != "decline")
            at_once = [row for row in came if row["line"] == line["id"] and row["part"] is None]
            assert line["declined"] == declined
            assert line["given"] == by_parts + len(at_once)
            assert line["given"] + promised + declined <= line["approved"]
            for row in own:
                arrived = [one for one in came if one["part"] == row["id"]]
                assert len(arrived) == (row["done"] if row["transfer"] else 0)
                assert (row["state"] == "done") == (row["done"] == row["quantity"])
                assert row not in open_ or row["transfer"] is None or row["moving"]
                assert not (row in open_ and row["bought"] == "cancelled" and row["transfer"] is None)
            if line["state"] == State.FULFILLED:
                assert line["given"] + declined == line["approved"]
            if line["state"] in (State.FULFILLED, State.CLOSED):
                assert all(row["transfer"] for row in open_)  # what is over waits for nothing but what is on its way


def test_whatever_is_done_no_piece_of_a_request_is_lost_or_given_twice(migrated: str) -> None:
    runner = asyncio.Runner()
    try:
        machine = type("Here", (Answers,), {"runner": runner, "dsn": migrated})
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=EXAMPLES, stateful_step_count=STEPS, deadline=None, derandomize=True, phases=PHASES,
                suppress_health_check=list(HealthCheck),
            ),
        )  # fmt: skip
    finally:
        runner.run(db.disconnect())
        runner.close()
