"""Whatever people do to assets and supplies, in whatever order: nothing is lost, each is in one place and one hand.

Hypothesis draws acts against a real PostgreSQL: moves between stages, replacements, hand-outs, and transfers that are
drafted, sent (also two at once), received line by line, refused and cancelled; supplies that come in, go out, to another
site and into printers, are counted, and taken back. What the rules refuse is no act. After each one the whole of it is
looked at. With LONG=1, as in `.ci/run`, there are ten times as many.
"""

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from assets import clock, db
from assets.access.actor import SYSTEM
from assets.db import EVERYTHING, transaction
from assets.errors import Conflict, Invalid, NotFound
from assets.ids import new_id
from assets.inventory import replacement, things
from assets.inventory import service as inventory
from assets.inventory.lifecycle import MOVES, Stage, Told, inputs
from assets.inventory.stock import consumables, shipments
from assets.inventory.stock import service as stock
from assets.inventory.stock.ledger import Act
from assets.inventory.stock.service import Movement
from assets.inventory.transfers import service
from assets.inventory.transfers.course import NEEDS_NOTE, OUTCOMES, Line, State, after
from assets.inventory.transfers.service import NewTransfer, Outcome, Receiving
from assets.places import service as places
from assets.places.units import parse, shipped
from tests.conftest import LONG, empty

pytestmark = [pytest.mark.longer, pytest.mark.timeout(1_500)]  # with LONG=1 on a machine that does something else

T = TypeVar("T")
EXAMPLES = 60 if LONG else 6
# A failure is made small in the long run only: that takes minutes, and the seed is the same.
PHASES = (Phase.generate, Phase.shrink) if LONG else (Phase.generate,)
STEPS = 25
ASSETS = 4
QUANTITY_MAX = 4
SITES = ("21025", "21028", "KHO-1")
PLACES = st.sampled_from(SITES)
NUMBERS = st.integers(0, ASSETS - 1)
# Which of those there are, however many: what is drawn must not depend on who won, or Hypothesis calls the test flaky.
WHICH = st.integers(0, 999)
# What the last line of a timeline says of the stage; any other kind is a stage's own name.
ENDED = {"in_use", "in_stock"}
MEANS = {
    "registered": ENDED, "sent": {"in_transit"}, "received": ENDED, "received_damaged": ENDED, "refused": ENDED,
    "transfer_cancelled": ENDED, "replaces": {"in_use"},
}  # fmt: skip


class World:
    """An event loop with an open pool, and the sites that all examples share."""

    def __init__(self, dsn: str) -> None:
        self.runner, self.dsn = asyncio.Runner(), dsn
        self.model, self.sites = self.run(self._build())

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    async def _build(self) -> tuple[UUID, dict[str, UUID]]:
        await db.connect(self.dsn)
        async with transaction(EVERYTHING) as tx:
            await empty(tx)
        await places.load_units(SYSTEM, parse(shipped())[:2])
        await places.open_centres(SYSTEM)
        await places.create_site(SYSTEM, unit=SITES[0], code=SITES[2], kind="store", name="Kho")
        await things.add_default_categories(SYSTEM)
        model = await things.add_model(SYSTEM, things.NewModel("printer", "Canon", "LBP"))
        async with transaction(EVERYTHING) as tx:
            return model, {row["code"]: row["id"] for row in await tx.fetch("select id, code from sites")}

    def close(self) -> None:
        self.run(db.disconnect())
        self.runner.close()


class Assets(RuleBasedStateMachine):
    """Some assets of one site, and everything that can be done with them."""

    world: World

    def __init__(self) -> None:
        super().__init__()
        self.prefix = new_id().hex[-12:].upper()
        self.tags = [f"{self.prefix}-{number}" for number in range(ASSETS)]
        self.drafts: list[int] = []

    def try_to(self, act: Coroutine[Any, Any, T]) -> T | None:
        try:
            return self.world.run(act)
        except (Conflict, Invalid, NotFound):
            return None

    @initialize(stages=st.lists(st.sampled_from([Stage.IN_USE, Stage.IN_STOCK]), min_size=ASSETS, max_size=ASSETS))
    def enter(self, stages: list[Stage]) -> None:
        for tag, stage in zip(self.tags, stages, strict=True):
            new = inventory.NewAsset(tag, self.world.model, SITES[0], stage=stage, room="Quầy 1", custodian="Bà A")
            self.world.run(inventory.register(SYSTEM, new, now=clock.now()))
        self.world.run(consumables.add_consumable(SYSTEM, consumables.NewConsumable(self.prefix, "Mực", "hộp")))

    @rule(number=NUMBERS, wanted=st.sampled_from([*Stage, Stage.IN_USE, Stage.IN_STOCK]))
    def move(self, number: int, wanted: Stage) -> None:
        self.try_to(inventory.move_stage(SYSTEM, self.tags[number], wanted, told=_told(wanted), now=clock.now()))

    @rule(old=NUMBERS, new=NUMBERS, stage=st.sampled_from([Stage.IN_STOCK, Stage.IN_REPAIR, Stage.LOST]))
    def replace(self, old: int, new: int, stage: Stage) -> None:
        act = replacement.replace(SYSTEM, self.tags[old], self.tags[new], stage, _told(stage), now=clock.now())
        self.try_to(act)

    @rule(number=NUMBERS, to=PLACES)
    def hand_out(self, number: int, to: str) -> None:
        async def work() -> None:
            async with transaction(EVERYTHING) as tx:
                asset = await tx.fetchval("select id from assets where tag = $1", self.tags[number])
                await inventory.hand_out(
                    tx, SYSTEM, asset=asset, to_site=self.world.sites[to], why="ĐN-1", now=clock.now()
                )  # fmt: skip

        self.try_to(work())

    @rule(chosen=st.sets(NUMBERS, min_size=1), origin=PLACES, destination=PLACES, send=st.booleans())
    def draft(self, chosen: set[int], origin: str, destination: str, send: bool) -> None:
        new = NewTransfer(origin, destination, [self.tags[n] for n in sorted(chosen)], carrier="Bưu điện", send=send)
        number = self.try_to(service.draft(SYSTEM, new, now=clock.now()))
        if number is not None:
            self.drafts.append(number)

    @rule(number=NUMBERS, destination=PLACES)
    def send_from_where_it_is(self, number: int, destination: str) -> None:
        """Most sites that are drawn are not that of an asset: here the drawing is made to hit."""

        async def where() -> str:
            async with transaction(EVERYTHING) as tx:
                return str(
                    await tx.fetchval(
                        "select s.code from assets a join sites s on s.id = a.site where a.tag = $1", self.tags[number]
                    )
                )

        self.draft({number}, self.world.run(where()), destination, send=True)

    @rule(one=WHICH, other=WHICH)
    def send_two_at_once(self, one: int, other: int) -> None:
        if not self.drafts:
            return
        both = [self.drafts[which % len(self.drafts)] for which in (one, other)]

        async def work() -> None:
            acts = [service.send(SYSTEM, number, now=clock.now()) for number in both]
            for error in await asyncio.gather(*acts, return_exceptions=True):
                if error is not None and not isinstance(error, Conflict):
                    raise error

        self.world.run(work())

    @rule(
        which=WHICH, said=st.dictionaries(NUMBERS, st.sampled_from(OUTCOMES), max_size=2),
        stage=st.sampled_from([None, Stage.IN_USE, Stage.IN_STOCK]),
    )  # fmt: skip
    def receive(self, which: int, said: dict[int, Line], stage: Stage | None) -> None:
        if not self.drafts:
            return
        number = self.drafts[which % len(self.drafts)]
        outcomes = {self.tags[n]: Outcome(line, "n" if line in NEEDS_NOTE else "") for n, line in said.items()}
        self.try_to(service.receive(SYSTEM, number, Receiving(outcomes, stage), now=clock.now()))

    @rule(which=WHICH, act=st.sampled_from([service.refuse, service.cancel]))
    def end(self, which: int, act: Any) -> None:
        if self.drafts:
            self.try_to(act(SYSTEM, self.drafts[which % len(self.drafts)], "n", now=clock.now()))

    @rule(
        act=st.sampled_from([*Act, Act.RECEIVE, Act.ISSUE]), site=PLACES, to=PLACES, quantity=st.integers(0, QUANTITY_MAX),
        batch=st.sampled_from(["", "L1"]), number=st.one_of(st.none(), NUMBERS),
    )  # fmt: skip
    def move_supplies(self, act: Act, site: str, to: str, quantity: int, batch: str, number: int | None) -> None:
        self.try_to(self._moved(self._movement(act, site, to, quantity, batch, number)))

    async def _moved(self, said: Movement) -> None:
        await (shipments.ship if said.act is Act.TRANSFER else stock.move)(SYSTEM, said, now=clock.now())

    @rule(which=WHICH, got=st.none() | st.integers(0, QUANTITY_MAX))
    def say_how_many_came(self, which: int, got: int | None) -> None:
        """Of something that is on its way, all or some; or its sender calls it back."""
        found = self.world.run(self._under_way())
        if found:
            one = found[which % len(found)]
            self.try_to(
                shipments.call_back(SYSTEM, one["id"], now=clock.now()) if got is None
                else shipments.receive(SYSTEM, one["id"], min(got, one["quantity"]), "Thiếu", now=clock.now())
            )  # fmt: skip

    async def _under_way(self) -> list[Any]:
        async with transaction(EVERYTHING) as tx:
            return list(
                await tx.fetch(
                    "select h.* from stock_shipments h join consumables c on c.id = h.consumable "
                    "where c.code = $1 and h.state = 'under_way' order by h.id", self.prefix,
                )
            )  # fmt: skip

    def _movement(self, act: Act, site: str, to: str, quantity: int, batch: str, number: int | None) -> Movement:
        given = act in (Act.ISSUE, Act.RETURN)
        return Movement(
            act, site, self.prefix, quantity, asset_tag=self.tags[number] if given and number is not None else "",
            holder="Bà A" if given and number is None else "", to_site=to if act is Act.TRANSFER else "",
            batch="" if act is Act.ISSUE else batch, reason="n",
        )  # fmt: skip

    @rule(site=PLACES, to=PLACES, quantity=st.integers(1, QUANTITY_MAX))
    def take_the_last_piece_at_once(self, site: str, to: str, quantity: int) -> None:
        async def work() -> None:
            acts = [
                self._moved(self._movement(act, site, to, quantity, "", None))
                for act in (Act.ISSUE, Act.TRANSFER, Act.ISSUE)
            ]
            for error in await asyncio.gather(*acts, return_exceptions=True):
                if isinstance(error, BaseException) and not isinstance(error, Conflict | Invalid):
                    raise error

        self.world.run(work())

    @rule(which=WHICH)
    def take_back(self, which: int) -> None:
        lines = [row["id"] for row in self.world.run(self._ledger())]
        if lines:
            self.try_to(stock.reverse(SYSTEM, lines[which % len(lines)], "Nhầm", now=clock.now()))

    async def _ledger(self) -> list[Any]:
        async with transaction(EVERYTHING) as tx:
            return list(
                await tx.fetch(
                    "select m.* from stock_movements m join consumables c on c.id = m.consumable where c.code = $1 "
                    "order by m.number", self.prefix,
                )
            )  # fmt: skip

    @invariant()
    def supplies_are_never_below_zero_and_their_sums_are_kept(self) -> None:
        self.world.run(self._count())

    async def _count(self) -> None:
        lines = await self._ledger()
        async with transaction(EVERYTHING) as tx:
            lying = await tx.fetch(
                "select s.id, s.quantity, (select coalesce(sum(b.quantity), 0) from stock_batches b where b.stock = s.id) as "
                "batches, (select coalesce(min(b.quantity), 0) from stock_batches b where b.stock = s.id) as least "
                "from stock s join consumables c on c.id = s.consumable where c.code = $1", self.prefix,
            )  # fmt: skip
            away = await tx.fetchval(
                "select coalesce(sum(h.quantity - coalesce(h.got, 0)), 0) from stock_shipments h "
                "join consumables c on c.id = h.consumable where c.code = $1 and h.state <> 'called_back'", self.prefix,
            )  # fmt: skip
        for row in lying:
            own = [line for line in lines if line["stock"] == row["id"]]
            balance = 0
            for line in own:
                balance += line["change"]
                assert balance == line["balance"] >= 0
            assert row["quantity"] == row["batches"] == balance
            assert row["least"] >= 0
        assert (
            sum(line["change"] for line in lines if line["transfer"]) == -away
        )  # what left came, or is said to be away
        assert (
            sum(row["quantity"] for row in lying)
            == sum(line["change"] for line in lines if not line["transfer"]) - away
        )

    @invariant()
    def everything_is_in_one_place_and_in_one_hand(self) -> None:
        self.world.run(self._look())

    async def _look(self) -> None:
        async with transaction(EVERYTHING) as tx:
            assets = await tx.fetch("select * from assets where tag like $1", f"{self.prefix}-%")
            ids = [row["id"] for row in assets]
            hands = await tx.fetch("select * from custody_moves where asset = any($1) order by id", ids)
            events = await tx.fetch("select * from asset_events where asset = any($1) order by id", ids)
            lines = await tx.fetch(
                "select l.asset, l.state, t.id, t.state as of, t.from_site, t.sent_at from transfer_lines l "
                "join transfers t on t.id = l.transfer where l.asset = any($1)", ids,
            )  # fmt: skip
        assert len(assets) in (0, ASSETS)  # before and after they were entered
        for asset in assets:
            self._custody(asset, [row for row in hands if row["asset"] == asset["id"]])
            self._timeline(asset, [row for row in events if row["asset"] == asset["id"]])
            waiting = [row for row in lines if row["asset"] == asset["id"] and row["state"] == "waiting"]
            assert len(waiting) == (asset["stage"] == "in_transit")
            assert all(row["from_site"] == asset["site"] and row["of"] == "in_transit" for row in waiting)
        for transfer in {row["id"] for row in lines}:
            own = [row for row in lines if row["id"] == transfer]
            if own[0]["sent_at"] is None:
                assert own[0]["of"] in (State.DRAFT, State.CANCELLED)
            else:
                assert own[0]["of"] == after([Line(row["state"]) for row in own])

    def _custody(self, asset: Any, moves: list[Any]) -> None:
        hand, since = ("site", self.world.sites[SITES[0]]), asset["created_at"]
        for row in moves:
            assert (row["from_party"], row["from_site"]) == hand  # from whoever had it, and from nobody else
            assert row["at"] >= since
            hand, since = (row["to_party"], row["to_site"]), row["at"]
            assert (row["transfer"] is not None) or "carrier" not in (row["from_party"], row["to_party"])
        assert hand == ("carrier" if asset["stage"] == "in_transit" else "site", asset["site"])

    def _timeline(self, asset: Any, events: list[Any]) -> None:
        events = [row for row in events if not row["kind"].startswith("consumable_")]
        assert events[0]["kind"] == "registered"
        assert events[-1]["site"] == asset["site"]
        kinds = [row["kind"] for row in events]
        said = [kind for kind in kinds if kind != "replaced"]
        assert asset["stage"] in MEANS.get(said[-1], {said[-1]}), kinds
        stages = [kind for kind in kinds if kind in set(Stage)]
        assert all(kind in {move for moves in MOVES.values() for move in moves} for kind in stages)
        present, kept = Stage(asset["stage"]), inputs(Stage(asset["stage"]))
        assert (asset["borrower"] != "") == ("borrower" in kept.required), present


def _told(stage: Stage) -> Told:
    day = clock.now().date() + timedelta(days=9)
    said = {"reason": "lý do", "borrower": "Phòng A", "due_back": day}
    return Told(**{name: said[name] for name in inputs(stage).required})  # type: ignore[arg-type]


def test_whatever_is_done_every_asset_is_in_one_place_and_in_one_hand(migrated: str) -> None:
    world = World(migrated)
    try:
        machine = type("Here", (Assets,), {"world": world})
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=EXAMPLES, stateful_step_count=STEPS, deadline=None, derandomize=True, phases=PHASES,
                suppress_health_check=list(HealthCheck),
            ),
        )  # fmt: skip
    finally:
        world.close()
