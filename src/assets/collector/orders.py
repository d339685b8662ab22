"""Orders of the service, each carried out once and before its deadline; what it brought goes the way of all observations.

A deadline is by the service's clock, so it is counted from the time in its answer, never by ours. An order that was
taken is written down first: if we die over it, the next start reports it as not done instead of doing it again.
"""

import asyncio
import ipaddress
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

import structlog

from assets.collector.backlog import SafeBacklog
from assets.collector.buffer import Draft, draft
from assets.collector.rounds import Prober, Rounds
from assets.collector.uplink import with_zone
from assets.collector.uptime import Uptime
from assets.probing.contract import (
    ORDER_RESULT_MAX,
    ORDERS_MAX,
    Answer,
    Credential,
    Order,
    OrderKind,
    OrderResult,
    ParentSeen,
    TargetSpec,
)
from assets.probing.door import DeviceError
from assets.probing.endings import ending
from assets.probing.readings import Method, Outcome, Result, Traffic
from assets.text import clean

AT_ONCE = 4
WAITING_MAX = 4 * ORDERS_MAX
SWEEP_ADDRESSES_MAX = 256
SWEEP_AT_ONCE = 32
SWEEP_TIMEOUT_SECONDS = 1.0
LONGEST_SECONDS = 300.0  # whatever the deadline says
SNMP_PORT = 161

_log = structlog.get_logger(__name__)


class CannotDo(Exception):
    """The order cannot be carried out here."""


@dataclass(frozen=True, slots=True)
class _Taken:
    order: Order
    until: float  # by the event loop's clock


@dataclass(frozen=True, slots=True)
class _Brought:
    """What an order brought."""

    result: Result
    rows: Sequence[tuple[str, str]] = ()
    done: bool = True
    parents: tuple[ParentSeen, ...] = ()


class Orders:
    """Takes orders out of answers and carries them out beside the rounds."""

    def __init__(self, *, rounds: Rounds, backlog: SafeBacklog, uptime: Uptime, emit: Callable[[Draft], None]) -> None:
        self._rounds = rounds
        self._backlog = backlog
        self._uptime = uptime
        self._emit = emit
        self._queue: asyncio.Queue[_Taken] = asyncio.Queue(WAITING_MAX)
        self._known: dict[UUID, None] = {}  # in the order they came; the disk remembers longer

    def hear(self, answer: Answer) -> None:
        """Take the new orders of an answer; what finds no room is sent again by the service."""
        now = asyncio.get_running_loop().time()
        for order in answer.orders:
            if order.id in self._known or self._queue.full():
                continue
            self._known[order.id] = None
            if len(self._known) > 2 * WAITING_MAX:
                self._known.pop(next(iter(self._known)))
            left = (with_zone(order.deadline) - with_zone(answer.received_at)).total_seconds()
            self._queue.put_nowait(_Taken(order, now + left))

    async def report_unfinished(self) -> None:
        """Say of the orders over which an earlier process died that they were not done."""
        for id_ in await self._backlog.unfinished_orders():
            self._known[id_] = None
            result = Result(outcome=Outcome.NOT_ASKED, **ending("order_stopped"))
            self._emit(draft(self._uptime.now(), None, result, order=OrderResult(order=id_, done=False)))

    async def run(self) -> None:
        """Carry out orders until cancelled."""
        async with asyncio.TaskGroup() as group:
            for number in range(AT_ONCE):
                group.create_task(self._work(), name=f"orders {number}")

    async def _work(self) -> None:
        while True:
            await self.step(await self._queue.get())

    async def step(self, taken: _Taken) -> None:
        """Carry out one order, whatever comes of it."""
        order = taken.order
        if not await self._backlog.take_order(order.id):
            return
        left = taken.until - asyncio.get_running_loop().time()
        if left <= 0:
            self._report(order, _not_done("past its deadline"))
            return
        try:
            async with asyncio.timeout(min(left, LONGEST_SECONDS)):
                brought = await self._do(order)
        except TimeoutError:
            brought = _not_done("not finished by its deadline")
        except (CannotDo, DeviceError) as reason:
            brought = _not_done(str(reason))
        except Exception as error:  # noqa: BLE001  the loop's edge: an order must not end the others
            _log.exception("an order fails", kind=order.kind, order=str(order.id))
            brought = _not_done(f"the collector failed: {type(error).__name__}")
        self._report(order, brought)

    def _report(self, order: Order, brought: _Brought) -> None:
        rows = tuple((clean(name), clean(text)) for name, text in brought.rows[:ORDER_RESULT_MAX])
        result = brought.result
        if len(brought.rows) > ORDER_RESULT_MAX:
            result = result.model_copy(update={"truncated": True})
        told = OrderResult(order=order.id, done=brought.done, rows=rows)
        self._emit(draft(self._uptime.now(), order.target, result, parents=brought.parents, order=told))

    async def _do(self, order: Order) -> _Brought:
        match order.kind:
            case OrderKind.PROBE_NOW:
                return await self._look(self._target(order), None)
            case OrderKind.TRY_CREDENTIAL:
                return await self._look(self._target(order), self._credential(order))
            case OrderKind.WALK:
                return await self._walk(self._target(order), order)
            case OrderKind.SWEEP:
                return await self._sweep(order)

    async def _look(self, target: TargetSpec, credential: Credential | None) -> _Brought:
        """With a credential on trial, or with those that are the target's own."""
        async with self._rounds.alone_with(target):
            if credential is None:
                result, _ = await self._rounds.look_with_ours(target)
            else:
                result, _ = await self._rounds.look(target, credential)
        parents = await self._rounds.parents_of(target, result)
        return _Brought(result, done=result.outcome is not Outcome.NOT_ASKED, parents=parents)

    async def _walk(self, target: TargetSpec, order: Order) -> _Brought:
        if not order.root:
            raise CannotDo("the order names no subtree")
        chosen = self._rounds.credential(order.credential) if order.credential else self._rounds.usual(target)
        async with self._rounds.alone_with(target):
            walk = await self._rounds.prober.walk(target, chosen, order.root)
        told = ending("rows", count=len(walk.rows))
        return _Brought(Result(outcome=Outcome.ANSWERED, **told, truncated=walk.truncated), walk.rows)

    async def _sweep(self, order: Order) -> _Brought:
        addresses = _addresses(order.network)
        credential = self._credential(order) if order.credential else None
        gate = asyncio.Semaphore(SWEEP_AT_ONCE)
        found: dict[str, str] = {}
        costs: list[Traffic] = []

        async def visit(address: str) -> None:
            async with gate:
                text, looks = await _who_is(self._rounds.prober, address, credential)
                costs.extend(look.traffic for look in looks if look.traffic is not None)
                if text:
                    found[address] = text

        async with asyncio.TaskGroup() as group:
            for address in addresses:
                group.create_task(visit(address))
        rows = [(address, found[address]) for address in addresses if address in found]
        told = ending("sweep", count=len(rows), total=len(addresses))
        return _Brought(Result(outcome=Outcome.ANSWERED, **told, traffic=sum(costs, Traffic())), rows)

    def _target(self, order: Order) -> TargetSpec:
        target = self._rounds.target(order.target)
        if target is None:
            raise CannotDo("the target is not assigned to this collector")
        return target

    def _credential(self, order: Order) -> Credential:
        credential = self._rounds.credential(order.credential)
        if credential is None:
            raise CannotDo("the credential is not assigned to this collector")
        return credential


def _not_done(reason: str) -> _Brought:
    return _Brought(Result(outcome=Outcome.NOT_ASKED, detail=reason), done=False)


def _addresses(network: str) -> list[str]:
    """The hosts of a block; only private ones, for a collector must not be turned against the Internet."""
    try:
        block = ipaddress.ip_network(network, strict=False)
    except ValueError:
        raise CannotDo(f"{network!r} is not a network such as 192.168.1.0/24") from None
    if block.num_addresses > SWEEP_ADDRESSES_MAX:
        raise CannotDo(f"{network} has more than {SWEEP_ADDRESSES_MAX} addresses")
    if not block.is_private:
        raise CannotDo(f"{network} is not a private network")
    return [str(address) for address in block.hosts()]


async def _who_is(prober: Prober, address: str, credential: Credential | None) -> tuple[str, list[Result]]:
    """What answers at an address, in a few words or empty when nothing does, and the looks that it took."""
    looks: list[Result] = []
    if credential is not None:
        result = await prober.probe(_spot(address, Method.SNMP), credential)
        looks.append(result)
        if result.outcome is Outcome.ANSWERED:
            identity = result.identity
            told = f"{identity.sys_name} {identity.sys_descr}" if identity else ""
            return f"snmp {told}".strip(), looks
        if result.alive:
            return f"snmp {result.outcome}", looks
    # Not `alive`, to which an address that is not to be asked counts as there.
    echo = await prober.probe(_spot(address, Method.PING, packets=1), None)
    return "ping" if echo.outcome is Outcome.ANSWERED else "", [*looks, echo]


def _spot(address: str, method: Method, **options: object) -> TargetSpec:
    # An address is no target yet, but a prober wants an id: the same for each address and never one of ours.
    return TargetSpec(
        id=UUID(int=int(ipaddress.ip_address(address))),
        name=address,
        address=address,
        port=SNMP_PORT,
        method=method,
        options=options,
        timeout_seconds=SWEEP_TIMEOUT_SECONDS,
        tries=1,
    )
