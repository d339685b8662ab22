"""Whatever people do to answer requests, in whatever order: of each line, given + promised + declined + open = approved.

Hypothesis draws acts against a real PostgreSQL: requests of two centres for equipment, consumables, accounts and repairs
pass two approval steps and are split over a store, another site, repair, buying, issuing and refusal; transfers are sent,
shortened, received in part, sent back and cancelled; consumables arrive short or are called back; purchases merge lines, are
ordered, arrive in part and are given up; parts are taken back. Meanwhile assets are sent elsewhere by hand, lost and
found, their models corrected, and a site is closed and opened again. What the rules refuse is no act. After each one all
is counted. With LONG=1, as in `.ci/run`, there is far more of it.
"""

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any, TypeVar
from uuid import UUID

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from assets import clock, db
from assets.access import service as access
from assets.access.actor import SYSTEM, Actor
from assets.access.permissions import Role
from assets.db import EVERYTHING, transaction
from assets.equipment_requests import parts, purchases, service
from assets.equipment_requests.approval_rules import service as approval
from assets.equipment_requests.approval_rules.service import NewStep
from assets.equipment_requests.asking import LineKind
from assets.equipment_requests.purchases import Arrived, NewPurchase, Order
from assets.equipment_requests.queries import PROMISED
from assets.equipment_requests.service import Asked, Doing, Filing
from assets.equipment_requests.splitting import WAYS, Wanted, Way
from assets.equipment_requests.workflow import State, Step
from assets.errors import Conflict, Invalid, NotAllowed, NotFound
from assets.inventory import service as inventory
from assets.inventory.lifecycle import PhysicalState, Stage
from assets.inventory.stock import service as stock
from assets.inventory.stock import shipments
from assets.inventory.stock.consumables import NewConsumable, add_consumable
from assets.inventory.stock.ledger import Act
from assets.inventory.transfers import service as transfers
from assets.inventory.transfers.course import NEEDS_NOTE, OUTCOMES
from tests import equipment_world
from tests.conftest import LONG, empty

pytestmark = [pytest.mark.longer, pytest.mark.timeout(1_500)]  # with LONG=1 on a machine that does something else

T = TypeVar("T")
EXAMPLES = 40 if LONG else 2
PHASES = (Phase.generate, Phase.shrink) if LONG else (Phase.generate,)
STEPS = 80 if LONG else 50
OFTEN = (
    "ask",
    "grab",
    "decide",
    "split",
    "send",
    "receive",
    "unpack",
    "plan",
    "order",
    "arrive",
    "finish",
)  # what leads on
TROUBLE = frozenset({"carry_off", "lose", "correct", "shut"})  # what happens meanwhile
TONER = "TN-1"
_OPEN = "select number::text from equipment_requests where state in ('approved', 'in_fulfilment') order by number"
_PARTS = "select id from fulfilment_parts where state in ('planned', 'under_way')"
_TRANSFERS = "select number from transfers where state = '{}' order by number"
_PURCHASES = "select number from purchases where state {} order by number"
# What can be done now, by the name of its act.
POSSIBLE = {
    "ask": "select name from users where name in ('alice', 'charlie') and 3 > (select count(*) from equipment_requests "
    "where state in ('submitted', 'approved', 'in_fulfilment')) order by name",
    "decide": "select number::text from equipment_requests where state = 'submitted' order by number",
    "split": f"""
        select r.number || '/' || l.position from equipment_requests r join equipment_request_lines l on l.request = r.id
        where r.state in ('approved', 'in_fulfilment') and l.approved > l.given + l.declined + {PROMISED} order by 1
    """,
    "fulfil": _OPEN.replace(
        "order", "and exists (select from assets where stage = 'in_stock' and tag like 'STORE%') order"
    ),
    "close": _OPEN.replace("approved", "fulfilled"),
    "finish": f"{_PARTS} and way in ('repair', 'grant') order by id",
    "take_back": f"{_PARTS} and transfer is null and shipment is null order by id",
    "unpack": "select id from stock_shipments where state = 'under_way' order by id",
    "call_back": "select id from stock_shipments where state = 'under_way' order by id",
    "carry_off": "select tag from assets where stage in ('in_use', 'in_stock') order by tag",
    "lose": "select tag from assets where stage in ('in_use', 'in_stock', 'lost') order by tag",
    "grab": "select tag from transfer_lines where state = 'listed' order by tag",
    "correct": "select tag from assets order by tag",
    "shut": "select code from sites where kind <> 'store' order by code",
    "send": _TRANSFERS.format("draft"),
    "receive": _TRANSFERS.format("in_transit"),
    "refuse": _TRANSFERS.format("in_transit"),
    "cancel": _TRANSFERS.format("in_transit"),
    "leave_out": "select t.number || '/' || l.tag from transfer_lines l join transfers t on t.id = l.transfer "
    "where l.state = 'listed' order by 1",
    "drop": _TRANSFERS.format("draft"),
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
    select l.kind, l.approved - l.given - l.declined - {PROMISED} as n
    from equipment_request_lines l join equipment_requests r on r.id = l.request where r.number = $1 and l.position = $2
"""
# An asset that a draft lists where the draft cannot send it from, or that two list.
DEAD = """
    select a.tag from transfer_lines l join transfers t on t.id = l.transfer join assets a on a.id = l.asset
    where l.state = 'listed' and t.state = 'draft' group by a.id, a.tag, a.site, a.stage
    having count(*) > 1 or a.stage not in ('in_use', 'in_stock') or bool_or(t.from_site <> a.site)
"""
LEDGERS = """
    select (select coalesce(sum(change), 0) from stock_movements where kind = 'received') as received,
        (select coalesce(sum(quantity), 0) from stock) as lying,
        (select coalesce(sum(quantity - coalesce(got, 0)), 0) from stock_shipments where state <> 'called_back') as away
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
        await self.here.thing("scanner", "OLD", self.here.home_code)
        await add_consumable(SYSTEM, NewConsumable(TONER, "Hộp mực", "hộp", minimum=1))
        for site, quantity in (("KHO", 3), (self.here.other_code, 4)):
            await stock.move(SYSTEM, stock.Movement(Act.RECEIVE, site, TONER, quantity), now=clock.now())
        async with transaction(EVERYTHING) as tx:
            await tx.execute("delete from approval_steps")
        for name in ("Xem xét", "Phê duyệt"):
            await approval.add_step(SYSTEM, NewStep(name, roles=("province_it",)))
        first = await access.add_user(SYSTEM, access.NewUser(name="dan", role=Role.PROVINCE_IT, display_name="Dân"))
        self.deciders = [replace(self.here.bob, id=first, name="Dân"), self.here.bob]
        # A site that asks for printers itself gives none: something is promised before it does.
        for by, quantity in ((self.here.alice, 6), (self.here.charlie, 2)):
            await self._file(by, quantity, more=by is self.here.alice)
            number = "1" if by is self.here.alice else "2"
            for due, who in enumerate(self.deciders, start=1):
                await service.approve(who, number, Doing(due=due), now=clock.now())
            if by is self.here.alice:
                promised = {1: [Wanted(Way.TRANSFER, 2, self.here.other_code)]}
                await parts.split(self.here.bob, number, promised, Doing(), now=clock.now())

    async def _file(self, by: Actor, quantity: int, *, more: bool = True) -> None:
        lines = [Asked("printer", quantity)]
        if more:
            lines += [
                Asked(kind=LineKind.CONSUMABLE, consumable=TONER, quantity=quantity),
                Asked(kind=LineKind.CAPABILITY, capability="token", holder_post="Cán bộ", quantity=2),
            ]
            if "OLD" in await self._rows("select tag from assets where site = $1 and stage = 'in_use'", by.home_site):
                lines.append(Asked(kind=LineKind.REPAIR, asset="OLD"))
        await service.file(by, Filing(lines, "Thêm quầy"), now=clock.now())

    @rule(data=st.data())
    def act(self, data: st.DataObject) -> None:
        """One of the acts that there is something for; closing and trouble are rare, so that the others have work."""
        there = [(name, key) for name, query in POSSIBLE.items() for key in self._all(query)]
        now = {name for name, _ in there}
        if data.draw(st.integers(0, 2)):
            now -= TROUBLE
        names = [name for name in OFTEN if name in now] * 4 + sorted(now)
        name = data.draw(st.sampled_from(names))
        key = data.draw(st.sampled_from([k for n, k in there if n == name]))
        work = getattr(self, f"_{name}")(data, key)
        try:
            self.run(work)
        except (Conflict, Invalid, NotFound, NotAllowed):
            self.refused += 1
        else:
            self.done.append(name)

    async def _ask(self, data: st.DataObject, name: str) -> None:
        """Somebody asks, and the store gets a little more."""
        by = {"alice": self.here.alice, "charlie": self.here.charlie}[name]
        await self._file(by, data.draw(st.integers(1, 4)), more=data.draw(st.booleans()))
        self.serial += 1
        await self.here.stock("printer", f"MORE-{self.serial}")
        await stock.move(SYSTEM, stock.Movement(Act.RECEIVE, "KHO", TONER, 1), now=clock.now())

    async def _decide(self, data: st.DataObject, number: str) -> None:
        """By whoever is due, or now and then by the other; at their step, or at one that they take for it."""
        done = await self._rows(
            "select count(*) from approval_decisions d join request_steps q on q.id = d.step join equipment_requests r "
            "on r.id = q.request where r.number = $1", int(number),
        )  # fmt: skip
        due = done[0] + 1
        which = data.draw(st.sampled_from([due, due, due, 3 - due])) - 1
        lower = {1: 1} if data.draw(st.booleans()) else {}
        doing = Doing("Vì", due=data.draw(st.sampled_from([which + 1, which + 1, which + 1, 2 - which, None])))
        await service.approve(self.deciders[which], number, doing, quantities=lower, now=clock.now())

    async def _split(self, data: st.DataObject, key: str) -> None:
        number, position = key.split("/")
        async with transaction(EVERYTHING) as tx:
            line = await tx.fetchrow(LEFT, int(number), int(position))
        left, wanted = line["n"], []
        plans = st.lists(
            st.tuples(st.sampled_from(WAYS[LineKind(line["kind"])]), st.integers(1, 3)), min_size=1, max_size=2
        )
        for way, quantity in data.draw(plans):  # as much as is left, so that most plans can be done
            some = min(1 if way is Way.REPAIR else quantity, left)
            from_site = self.here.other_code if way is Way.TRANSFER else ""
            assets = ("BROKEN",) if way is Way.REPAIR and line["kind"] == LineKind.EQUIPMENT else ()
            if some:
                wanted.append(Wanted(way, some, from_site, assets, note="Không"))
            left -= some
        await parts.split(self.here.bob, number, {int(position): wanted}, Doing(), now=clock.now())

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

    async def _drop(self, data: st.DataObject, number: int) -> None:
        await transfers.cancel(SYSTEM, number, now=clock.now())

    async def _leave_out(self, data: st.DataObject, key: str) -> None:
        """One thing of a draft shall not go; whoever it was promised to waits anew at once."""
        number, tag = key.split("/")
        await transfers.take_out(SYSTEM, int(number), tag, now=clock.now())

    async def _carry_off(self, data: st.DataObject, tag: str) -> None:
        """Somebody sends it elsewhere by hand, or only lists it; what is promised stays."""
        codes = await self._rows("select s.code from assets a join sites s on s.id = a.site where a.tag = $1", tag)
        to = data.draw(st.sampled_from([self.here.home_code, self.here.other_code, "KHO"]))
        new = transfers.NewTransfer(codes[0], to, [tag], send=data.draw(st.booleans()))
        await transfers.draft(SYSTEM, new, now=clock.now())

    async def _lose(self, data: st.DataObject, tag: str) -> None:
        [stage] = await self._rows("select stage from assets where tag = $1", tag)
        to = Stage.IN_USE if stage == Stage.LOST else data.draw(st.sampled_from([Stage.LOST, Stage.IN_REPAIR]))
        await inventory.move_stage(SYSTEM, tag, to, why="Kiểm tra", now=clock.now())

    async def _grab(self, data: st.DataObject, tag: str) -> None:
        """Somebody wants what is promised; whatever they do, they are refused."""
        await (self._lose if data.draw(st.booleans()) else self._carry_off)(data, tag)

    async def _correct(self, data: st.DataObject, tag: str) -> None:
        [version] = await self._rows("select version from assets where tag = $1", tag)
        model = data.draw(st.sampled_from(["printer", "scanner"]))
        await inventory.edit(SYSTEM, tag, {"manufacturer": "Maker", "model": model}, version=version, now=clock.now())

    async def _shut(self, data: st.DataObject, code: str) -> None:
        """A site is closed or, more often, opened again."""
        if await self._rows("select 1 from sites where code = $1 and open", code) and data.draw(st.integers(0, 2)):
            return
        async with transaction(EVERYTHING) as tx:
            await tx.execute(
                "update sites set open = not open, closed_reason = case when open then 'Lũ' else '' end where code = $1",
                code,
            )

    async def _unpack(self, data: st.DataObject, shipment: UUID) -> None:
        [sent] = await self._rows("select quantity from stock_shipments where id = $1", shipment)
        got = data.draw(st.integers(0, sent + 1))
        await shipments.receive(SYSTEM, shipment, got, "Thiếu", now=clock.now())

    async def _call_back(self, data: st.DataObject, shipment: UUID) -> None:
        await shipments.call_back(SYSTEM, shipment, now=clock.now())

    async def _refuse(self, data: st.DataObject, number: int) -> None:
        await transfers.refuse(SYSTEM, number, "Không nhận", now=clock.now())

    async def _receive(self, data: st.DataObject, number: int) -> None:
        tags = await self._rows(WAITING, number)
        some = {tag: data.draw(st.sampled_from(OUTCOMES)) for tag in tags if data.draw(st.booleans())}
        said = {tag: transfers.Outcome(o, "Ghi chú" if o in NEEDS_NOTE else "") for tag, o in some.items()}
        await transfers.receive(SYSTEM, number, transfers.Receiving(said), now=clock.now())

    async def _plan(self, data: st.DataObject, part: UUID) -> None:
        more = [one for one in await self._rows(POSSIBLE["plan"]) if data.draw(st.booleans())]
        await purchases.plan(self.here.bob, NewPurchase("Mua", list(dict.fromkeys([part, *more]))), now=clock.now())

    async def _order(self, data: st.DataObject, number: int) -> None:
        await purchases.order(self.here.bob, number, Order("Công ty A"), now=clock.now())

    async def _arrive(self, data: st.DataObject, number: int) -> None:
        came = data.draw(st.integers(1, 3))
        self.serial += came
        if data.draw(st.booleans()):
            arrived = Arrived("KHO", consumable=TONER, quantity=came, delivery_note=f"PGH-{self.serial}")
        else:
            arrived = Arrived("KHO", self.here.models["printer"], [f"SN-{self.serial - n}" for n in range(came)])
        for _ in range(data.draw(st.integers(1, 2))):  # said again it is taken in once
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
                "select p.*, b.state as bought, h.state as shipped, h.got, "
                "exists (select from transfer_lines l where l.transfer = p.transfer "
                "and l.state in ('listed', 'waiting')) as moving from fulfilment_parts p "
                "left join purchases b on b.id = p.purchase "
                "left join stock_shipments h on h.id = p.shipment"
            )
            came = await tx.fetch("select line, part, asset from fulfilments")
            decided = await tx.fetch("select step, count(*) as n from approval_decisions group by step")
            undecided = await tx.fetchval(
                "select count(*) from equipment_request_lines l join equipment_requests r on r.id = l.request "
                "where (r.state = 'submitted') <> (l.approved is null)"
            )
            assert await tx.fetch(DEAD) == []
            shelves = await tx.fetchrow(LEDGERS)
        assert shelves["received"] == shelves["lying"] + shelves["away"]  # a cartridge lies somewhere, or is on its way
        assert all(row["n"] == 1 for row in decided)
        assert not undecided
        by_part = [(row["part"], row["asset"]) for row in came if row["part"]]
        assert len(set(by_part)) == len(by_part)  # nothing is given twice for one part
        lines = [line for line in lines if line["approved"] is not None]
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
                assert not arrived or {one["asset"] for one in arrived} <= set(row["pieces"])
                assert row not in open_ or row["transfer"] is None or row["moving"]
                assert row["shipment"] is None or (row in open_) == (row["shipped"] == "under_way")
                assert row["shipped"] != "received" or row["done"] == row["got"]
                assert not (row in open_ and row["bought"] == "cancelled" and not (row["transfer"] or row["shipment"]))
            if line["state"] == State.FULFILLED:
                assert line["given"] + declined == line["approved"]
            if line["state"] in (State.FULFILLED, State.CLOSED):
                assert all(
                    row["transfer"] or row["shipment"] for row in open_
                )  # what is over waits for nothing but what is on its way


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
