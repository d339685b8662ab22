"""The collector in one process with fake devices: rounds, parents, orders, assignments, and what a bad device can do."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

import assets.collector.agent as agent_module
import assets.collector.rounds as rounds_module
import assets.collector.sender as sender_module
import assets.probing.schedule as schedule_module
from assets.collector.agent import Agent
from assets.collector.buffer import Buffer
from assets.collector.rounds import Walk
from assets.collector.settings import load
from assets.collector.status import read_status
from assets.probing import audit_heads
from assets.probing.contract import Assignment, AuditHead, Community, Observation, Order, OrderKind
from assets.probing.door import WrongCredential
from assets.probing.readings import Identity, Method, Outcome, Result, Traffic
from tests.fake_prober import FakeProber, FakeService, answered, target, token_file


@asynccontextmanager
async def collecting(folder: Path, service: FakeService, prober: FakeProber, **settings: Any) -> AsyncIterator[Agent]:
    """A collector at work; afterwards nothing of it may be left."""
    before = asyncio.all_tasks()
    given = {"collector_url": service.url, "collector_token_file": token_file(folder), "collector_home": folder / "c"}
    agent = Agent(load(**(given | settings)), prober=prober)
    stop = asyncio.Event()
    running = asyncio.create_task(agent.run(stop))
    try:
        yield agent
    finally:
        stop.set()
        async with asyncio.timeout(30):
            await running
        assert prober.closed
        left = [t for t in asyncio.all_tasks() - before if not t.done() and "_serve" not in repr(t)]
        assert left == []


@pytest.fixture(autouse=True)
def in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same collector with shorter pauses, and all the time to end on a busy machine; the process tests keep the real ones."""
    monkeypatch.setattr(agent_module, "STOP_SECONDS", 10)
    monkeypatch.setattr(schedule_module, "FIRST_LOOK_SECONDS", 0.3)
    monkeypatch.setattr(sender_module, "HEARTBEAT_SECONDS", 0.5)
    monkeypatch.setattr(sender_module, "POST_GAP_SECONDS", 0.1)
    monkeypatch.setattr(agent_module, "FLUSH_SECONDS", 0.05)
    monkeypatch.setattr(agent_module, "ASSIGNMENT_GAP_SECONDS", 0.2)
    monkeypatch.setattr(agent_module, "RESTART_SECONDS_MIN", 0.1)


@pytest.fixture
async def service() -> AsyncIterator[FakeService]:
    async with FakeService() as service:
        yield service


@pytest.fixture
def prober() -> FakeProber:
    return FakeProber()


def soon(seconds: float = 60) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


def silent(service: FakeService, id_: Any) -> Callable[[], list[Observation]]:
    return lambda: [o for o in service.observations(id_) if o.outcome is Outcome.SILENT]


async def test_when_targets_are_assigned_then_each_is_reported_and_an_identity_travels_once(
    tmp_path: Path, service: FakeService, prober: FakeProber
) -> None:
    targets = tuple(target(f"TB-{n}", address=f"10.0.0.{n}") for n in range(40))
    service.assignment = Assignment(hash="h1", targets=targets, profiles={"generic": "x"})
    async with collecting(tmp_path, service, prober):
        await service.until(lambda: len({o.target for o in service.observations()}) == 40)
        await service.until(lambda: len(service.observations()) > 40)
    assert prober.profiles == {"generic": "x"}
    assert prober.most_of_one_at_once == 1
    for one in targets:
        identities = [o.identity for o in service.observations(one.id)]
        assert identities[0] == Identity(vendor="Brother", model="HL-L2321D")
        assert not any(identities[1:]), "unchanged, so not repeated"
    status = read_status(tmp_path / "c")
    assert status is not None
    assert (status.targets, status.trouble, status.assignment, status.durable) == (40, "", "h1", True)


async def test_when_a_target_is_silent_then_its_parents_are_asked_once_for_all_and_reported_with_it(
    tmp_path: Path, service: FakeService, prober: FakeProber
) -> None:
    router = target("router", address="10.0.0.1", interval_seconds=3_600)
    switch = target("switch", address="10.0.0.2", interval_seconds=3_600)
    printers = [
        target(f"printer-{n}", address=f"10.0.1.{n}", parents=(switch.id, router.id, uuid4())) for n in range(20)
    ]
    prober.dead = {switch.address} | {p.address for p in printers}
    service.assignment = Assignment(hash="h1", targets=(router, switch, *printers))
    begun = asyncio.get_running_loop().time()
    async with collecting(tmp_path, service, prober):
        await service.until(lambda: all(silent(service, p.id)() for p in printers))
    seconds = asyncio.get_running_loop().time() - begun
    for printer in printers:
        first = silent(service, printer.id)()[0]
        assert [(p.target, p.alive) for p in first.parents] == [(switch.id, False), (router.id, True)]
    often = 4 + seconds / rounds_module.PARENT_FRESH_SECONDS
    assert prober.asked.count(("alive", switch.address)) <= often, "each few seconds, not for each printer"
    assert not any(o.parents for o in service.observations(router.id))


async def test_when_targets_are_each_others_parents_then_nothing_hangs(
    tmp_path: Path, service: FakeService, prober: FakeProber
) -> None:
    a, b = uuid4(), uuid4()
    one, two = target(id=a, address="10.0.0.1", parents=(b, a)), target(id=b, address="10.0.0.2", parents=(a,))
    prober.dead = {"10.0.0.1", "10.0.0.2"}
    service.assignment = Assignment(hash="h1", targets=(one, two))
    async with collecting(tmp_path, service, prober):
        await service.until(lambda: silent(service, a)() and silent(service, b)())


async def test_when_devices_hang_or_break_the_prober_then_the_others_are_asked_in_time(
    tmp_path: Path, service: FakeService, prober: FakeProber, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rounds_module, "LOOK_SECONDS_MAX", 2)
    bad = [target(f"bad-{n}", address=f"10.9.0.{n}") for n in range(20)]
    good = [target(f"good-{n}", address=f"10.0.0.{n}") for n in range(20)]
    for n, one in enumerate(bad):
        if n % 2:
            prober.takes_seconds[one.address] = 3_600
        else:
            prober.results[one.address] = ValueError("a decoder broke")
    service.assignment = Assignment(hash="h1", targets=(*bad, *good))
    async with collecting(tmp_path, service, prober) as agent:
        await service.until(lambda: all(service.observations(g.id) for g in good))
        await service.until(lambda: all(service.observations(b.id) for b in bad))
        assert agent._rounds.looks_cut >= 10
    for n, one in enumerate(bad):
        seen = service.observations(one.id)[0]
        assert seen.outcome is Outcome.NOT_ASKED, "it says nothing of the device"
        assert seen.detail == ("the look was ended after 2 s" if n % 2 else "the collector failed: ValueError")


async def test_a_page_may_take_as_long_as_its_own_settings_say(
    tmp_path: Path, service: FakeService, prober: FakeProber, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rounds_module, "LOOK_SECONDS_MIN", 0.2)
    slow = target("portal", method=Method.HTTP, timeout_seconds=0.01, options={"timeout_seconds": 10})
    other = target("port", address="10.0.0.2", method=Method.TCP, timeout_seconds=0.01)
    prober.takes_seconds = {slow.address: 0.6, other.address: 0.6}
    service.assignment = Assignment(hash="h1", targets=(slow, other))
    async with collecting(tmp_path, service, prober):
        await service.until(lambda: service.observations(slow.id) and service.observations(other.id))
    assert service.observations(slow.id)[0].outcome is Outcome.ANSWERED
    assert service.observations(other.id)[0].outcome is Outcome.NOT_ASKED


async def test_when_there_are_more_looks_than_places_then_no_more_than_that_run_at_once(
    tmp_path: Path, service: FakeService, prober: FakeProber
) -> None:
    targets = [target(f"TB-{n}", address=f"10.0.0.{n}") for n in range(30)]
    prober.takes_seconds = {t.address: 0.1 for t in targets}
    service.assignment = Assignment(hash="h1", targets=tuple(targets))
    async with collecting(tmp_path, service, prober, collector_concurrency=3):
        await service.until(lambda: len({o.target for o in service.observations()}) == 30)
    assert prober.most_at_once == 3


async def test_when_the_assignment_changes_then_it_is_followed_and_bad_profiles_do_not_stop_the_work(
    tmp_path: Path, service: FakeService, prober: FakeProber
) -> None:
    first, second = target(address="10.0.0.1"), target(address="10.0.0.2")
    service.assignment = Assignment(hash="h1", targets=(first,), profiles={"generic": "x"})
    async with collecting(tmp_path, service, prober):
        await service.until(lambda: service.observations(first.id))
        service.assignment = Assignment(hash="h2", targets=(second,), profiles={"broken": "y"})
        await service.until(lambda: service.observations(second.id))
    assert prober.profiles == {"generic": "x"}
    assert service.posts[-1].batch.assignment == "h2"


async def test_when_the_service_is_away_at_the_start_then_the_kept_assignment_is_worked_on(
    tmp_path: Path, service: FakeService, prober: FakeProber
) -> None:
    one = target()
    service.assignment = Assignment(hash="h1", targets=(one,))
    async with collecting(tmp_path, service, prober):
        await service.until(lambda: service.observations(one.id))
    await service.stop()
    service.stored.clear()
    again = FakeProber()
    async with collecting(tmp_path, service, again) as agent:
        await service.until(lambda: again.asked)
        await service.until(lambda: agent._backlog._backlog.standing().pending)
    assert service.stored == {}
    left = Buffer(tmp_path / "c" / "buffer.sqlite")
    assert left.pending >= 1, "kept on disk at the stop"
    left.close()
    for path in (tmp_path / "c").iterdir():
        assert path.stat().st_mode & 0o077 == 0 or path.name == "status.json"


async def carried_out(
    folder: Path, service: FakeService, prober: FakeProber, *orders: Order, short: Callable[[], Order] | None = None
) -> dict[OrderKind | str, Observation]:
    """Give these orders from the start, and one whose time is short once the collector is at work."""
    service.orders = list(orders)
    async with collecting(folder, service, prober):
        if short is not None:
            await service.until(lambda: service.posts)
            service.orders.append(short())
        await service.until(lambda: all(o.id in service.order_results for o in service.orders))
        await asyncio.sleep(0.5)  # the service goes on sending an order until its result is there
    assert all(len(results) == 1 for results in service.order_results.values()), "each once"
    return {o.kind: service.order_results[o.id][0] for o in service.orders}


def rows(observation: Observation) -> tuple[tuple[str, str], ...]:
    assert observation.order is not None
    return observation.order.rows


async def test_when_orders_come_then_each_is_carried_out_once_and_its_result_names_it(
    tmp_path: Path, service: FakeService, prober: FakeProber
) -> None:
    own, other = Community(id=uuid4(), community="a"), Community(id=uuid4(), community="b")
    one = target(credential=own.id, interval_seconds=3_600)
    walked = target(address="10.0.0.2", interval_seconds=3_600)
    gone = target(address="10.0.0.3", interval_seconds=3_600, parents=(walked.id,))
    service.assignment = Assignment(hash="h1", targets=(one, walked, gone), credentials=(own, other))
    prober.rows[walked.address] = Walk(tuple((f"1.3.6.{n}", f"row \x07{n}") for n in range(900)))
    prober.dead = {f"192.168.7.{n}" for n in range(256)} - {"192.168.7.9", "192.168.7.10"} | {gone.address}
    about_gone = Order(id=uuid4(), kind=OrderKind.PROBE_NOW, deadline=soon(), target=gone.id)
    cost = Traffic(sent_octets=70, received_octets=30, packets=2)
    prober.results["192.168.7.10"] = Result(outcome=Outcome.WRONG_CREDENTIAL, traffic=cost)
    prober.results["192.168.7.9"] = answered().model_copy(update={"traffic": cost})
    result = await carried_out(
        tmp_path,
        service,
        prober,
        about_gone,
        Order(id=uuid4(), kind=OrderKind.PROBE_NOW, deadline=soon(), target=one.id),
        Order(id=uuid4(), kind=OrderKind.TRY_CREDENTIAL, deadline=soon(), target=one.id, credential=other.id),
        Order(id=uuid4(), kind=OrderKind.WALK, deadline=soon(), target=walked.id, root="1.3.6"),
        Order(id=uuid4(), kind=OrderKind.SWEEP, deadline=soon(), network="192.168.7.0/24", credential=own.id),
    )
    assert all(o.order and o.order.done for o in result.values())
    assert result[OrderKind.PROBE_NOW].readings == answered().readings
    assert [(p.target, p.alive) for p in service.order_results[about_gone.id][0].parents] == [(walked.id, True)]
    assert other.id in prober.credentials
    walk = result[OrderKind.WALK]
    assert (len(rows(walk)), rows(walk)[1], walk.truncated) == (500, ("1.3.6.1", "row 1"), True)
    assert rows(result[OrderKind.SWEEP]) == (("192.168.7.9", "snmp"), ("192.168.7.10", "snmp wrong_credential"))
    assert result[OrderKind.SWEEP].target is None
    assert result[OrderKind.SWEEP].traffic == cost + cost
    assert prober.most_of_one_at_once == 1


async def test_when_an_order_cannot_be_done_then_it_is_reported_with_the_reason(
    tmp_path: Path, service: FakeService, prober: FakeProber
) -> None:
    one = target(interval_seconds=3_600)
    service.assignment = Assignment(hash="h1", targets=(one,))
    sweep = {"kind": OrderKind.SWEEP, "deadline": soon()}
    cases: list[tuple[dict[str, Any], str]] = [
        ({"kind": OrderKind.PROBE_NOW, "deadline": soon(-1), "target": one.id}, "past its deadline"),
        ({"kind": OrderKind.PROBE_NOW, "deadline": soon(), "target": uuid4()}, "the target is not assigned"),
        ({"kind": OrderKind.TRY_CREDENTIAL, "deadline": soon(), "target": one.id}, "the credential is not assigned"),
        ({"kind": OrderKind.WALK, "deadline": soon(), "target": one.id}, "the order names no subtree"),
        (sweep | {"network": "10.0.0.0/16"}, "has more than 256 addresses"),
        (sweep | {"network": "8.8.8.0/24"}, "is not a private network"),
        (sweep | {"network": "my network"}, "is not a network"),
    ]
    orders = [Order(id=uuid4(), **fields) for fields, _ in cases]
    await carried_out(tmp_path, service, prober, *orders)
    for order, (_, reason) in zip(orders, cases, strict=True):
        seen = service.order_results[order.id][0]
        assert seen.order is not None
        assert (seen.order.done, seen.outcome) == (False, Outcome.NOT_ASKED)
        assert reason in seen.detail


async def test_when_an_order_outlasts_its_deadline_or_fails_then_it_ends_and_the_rounds_go_on(
    tmp_path: Path, service: FakeService, prober: FakeProber
) -> None:
    slow, odd = target(address="10.0.0.1", interval_seconds=3_600), target(address="10.0.0.2")

    class Odd(FakeProber):
        async def walk(self, target: Any, credential: Any, root: str) -> Walk:
            raise WrongCredential("it refuses the community") if root == "1" else ValueError("a bug")

    prober = Odd()
    prober.takes_seconds[slow.address] = 3_600
    service.assignment = Assignment(hash="h1", targets=(slow, odd))
    orders = [
        Order(id=uuid4(), kind=OrderKind.WALK, deadline=soon(), target=odd.id, root="1"),
        Order(id=uuid4(), kind=OrderKind.WALK, deadline=soon(), target=odd.id, root="2"),
    ]

    def short() -> Order:
        return Order(id=uuid4(), kind=OrderKind.PROBE_NOW, deadline=soon(4), target=slow.id)

    await carried_out(tmp_path, service, prober, *orders, short=short)
    details = [service.order_results[o.id][0].detail for o in service.orders]
    assert details == [
        "it refuses the community",
        "the collector failed: ValueError",
        "not finished by its deadline",
    ]
    assert service.observations(odd.id)


async def test_when_the_process_died_over_an_order_then_it_is_not_done_again_but_said(
    tmp_path: Path, service: FakeService, prober: FakeProber
) -> None:
    order = Order(id=uuid4(), kind=OrderKind.WALK, deadline=soon(), target=uuid4(), root="1.3.6")
    (tmp_path / "c").mkdir()
    buffer = Buffer(tmp_path / "c" / "buffer.sqlite")
    buffer.take_order(order.id)
    buffer.close()
    await carried_out(tmp_path, service, prober, order)
    seen = service.order_results[order.id][0]
    assert seen.order is not None
    assert not seen.order.done
    assert "stopped before" in seen.detail
    assert prober.asked == []


async def test_when_the_service_tells_heads_of_its_audit_trail_then_they_are_kept_on_disk(
    tmp_path: Path, service: FakeService, prober: FakeProber, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agent_module, "HEAD_SECONDS", 0.05)
    told = [AuditHead(number=n, chain=f"{n:064x}", sealed_at=soon()) for n in (3, 4)]
    path = tmp_path / "c" / audit_heads.HEADS_FILE
    async with collecting(tmp_path, service, prober):
        for head in told:
            service.audit_head = head
            await service.until(lambda wanted=head: audit_heads.read(path)[0][-1:] == [wanted])  # type: ignore[misc]
    assert audit_heads.read(path) == (told, 0)


async def test_when_a_loop_fails_then_it_begins_again_and_is_counted(
    tmp_path: Path, service: FakeService, prober: FakeProber
) -> None:
    one = target()
    service.assignment = Assignment(hash="h1", targets=(one,))
    async with collecting(tmp_path, service, prober) as agent:
        await service.until(lambda: service.observations(one.id))
        # What no test can foresee: the sender's step itself breaks, once.
        step, broken = agent._sender.step, [True]

        async def breaks() -> float:
            if broken.pop() if broken else False:
                raise RuntimeError("unforeseen")
            return await step()

        agent._sender.step = breaks  # type: ignore[method-assign]
        await service.until(lambda: not broken)
        count = len(service.posts)
        await service.until(lambda: len(service.posts) > count + 1)
        assert agent._restarts == 1
    status = json.loads((tmp_path / "c" / "status.json").read_text())
    assert status["restarts"] == 1
