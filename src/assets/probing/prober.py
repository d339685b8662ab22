"""Asks one target how it is, by the method it is asked with: the same for the collector and for `assets probe`.

Reachability first: one request for the system group, and what is silent there is asked nothing more. A device is
looked over (matched, identified, its rows named) when it is new, once an hour, and when it restarted or became another
one; in between a look costs few packets, because only what changes is asked.
"""

import asyncio
import contextlib
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from assets.probing import echoes, identity, names, options, pages, rates
from assets.probing.allowed import Allowed
from assets.probing.ber import Value
from assets.probing.contract import TARGETS_MAX, Community, Credential, TargetSpec
from assets.probing.door import (
    GET_NAMES_MAX,
    DeviceError,
    Door,
    Malformed,
    NotAsked,
    Peer,
    Polled,
    Silent,
    Walked,
    WrongCredential,
)
from assets.probing.endings import ending
from assets.probing.flight import Flight
from assets.probing.identity import SYS_DESCR, SYS_OBJECT_ID, SYS_UPTIME, SYSTEM, Answers, dotted
from assets.probing.look import Kept, Look, readings, text
from assets.probing.options import DnsOptions, HttpOptions, PingOptions, TcpOptions
from assets.probing.overview import Asking, Known, look_over, narrowed
from assets.probing.profile import GENERIC, Profiles
from assets.probing.reach import Pinger, Resolver, tcp
from assets.probing.readings import Method, Outcome, Reading, Result, Traffic, answered
from assets.probing.traffic import Meter
from assets.probing.turns import Turns
from assets.probing.usm import speaks
from assets.probing.wire import Wire

_NO_PROFILE = ending("no_profile")
LOOK_OVER_SECONDS = 3_600.0
NEW_ROWS_SECONDS = 300.0  # rows without a name bring the next looking over forward to this
_OUTCOMES: dict[type[DeviceError], Outcome] = {
    Silent: Outcome.SILENT,
    Malformed: Outcome.MALFORMED,
    WrongCredential: Outcome.WRONG_CREDENTIAL,
    NotAsked: Outcome.NOT_ASKED,
}


@dataclass(frozen=True)
class Seen:
    """A look with everything raw, for `assets probe`, which shows more than readings."""

    result: Result
    look: Look | None = None
    known: Known | None = None


class Prober:
    """Probes targets; remembers identities and counters of the last TARGETS_MAX in memory only."""

    def __init__(
        self,
        profiles: Profiles,
        *,
        v2c: Door | None = None,
        v3: Door | None = None,
        allowed: Allowed | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.profiles = profiles
        self._meter = Meter()
        self._v2c: Door = v2c or Wire(Flight(meter=self._meter))
        self._v3 = v3
        self._pysnmp: Door | None = None
        self._kept = Kept()
        self._turns = Turns()
        self._peers: dict[UUID, tuple[TargetSpec, Peer]] = {}
        self._monotonic = monotonic
        self._known: OrderedDict[UUID, Known] = OrderedDict()
        self._owed: dict[UUID, Traffic] = {}  # what was asked beside the looks has cost, told with the next look
        self._resolver = Resolver(allowed)
        self._pinger = Pinger()

    def use(self, profiles: Profiles) -> None:
        """Goes on with other profiles; every device is looked over again at its next look."""
        if profiles.hash != self.profiles.hash:
            self.profiles = profiles
            self._known.clear()

    async def probe(self, target: TargetSpec, credential: Credential | None = None) -> Result:
        """One look; every failure of the device or of the way to it is an outcome, not an exception."""
        return (await self.look(target, credential)).result

    async def look(self, target: TargetSpec, credential: Credential | None = None) -> Seen:
        """One look, with what was raw in it."""
        try:
            if target.method is Method.SNMP:
                seen = await self._counted(target, credential)
            else:
                seen = Seen(await (self._light(target) if target.light else self._other(target)))
        except DeviceError as error:
            seen = Seen(_failure(error))
        self._owe(target.id, self._resolver.cost_of(target.address))
        if self._owed and (owed := self._owed.pop(target.id, None)) is not None:
            cost = seen.result.traffic or Traffic()
            seen = replace(seen, result=seen.result.model_copy(update={"traffic": cost + owed}))
        return seen

    async def alive(self, target: TargetSpec, credential: Credential | None = None) -> bool:
        """Whether it is there, by one cheap question. What we cannot ask counts as there: blaming it hides outages."""
        try:
            if target.method is Method.SNMP:
                await self.get(target, credential, (SYS_UPTIME,))
            else:
                self._owe(target.id, await self._reach(target))
        except DeviceError as error:
            self._owe(target.id, error.traffic)
            return not isinstance(error, Silent)
        return True

    async def walk(self, target: TargetSpec, credential: Credential | None, root: str) -> Walked:
        """Everything below `root`, guarded; raises a DeviceError."""
        return await self.columns(target, credential, (root,))

    async def get(self, target: TargetSpec, credential: Credential | None, oids: Sequence[str]) -> dict[str, Value]:
        """Single objects; raises a DeviceError."""
        peer = await self._peer(target, credential)
        with self._owing(target, peer):
            return await self._door(peer).get(peer, oids)

    async def columns(self, target: TargetSpec, credential: Credential | None, roots: Iterable[str]) -> Walked:
        """Several columns at once, guarded; raises a DeviceError."""
        peer = await self._peer(target, credential)
        with self._owing(target, peer):
            return await self._door(peer).walk(peer, tuple(roots), texts=True)

    async def ping(self, address: str, *, timeout_seconds: float = 1.0) -> float:
        """Milliseconds of an ICMP echo; raises a DeviceError."""
        resolved = await self._resolver.address(address)
        return await self._pinger.ping(resolved, timeout_seconds=timeout_seconds)

    async def close(self) -> None:
        """Lets go of sockets and threads."""
        await self._v2c.close()
        for door in (self._v3, self._pysnmp):
            if door:
                await door.close()
        self._resolver.close()

    @contextlib.contextmanager
    def _owing(self, target: TargetSpec, peer: Peer) -> Iterator[None]:
        """What is asked meanwhile is told with the next look."""
        key = (peer.address, peer.port)
        self._meter.begin(key)
        try:
            yield
        finally:
            self._owe(target.id, self._meter.so_far(key))
            self._meter.end(key)

    def _owe(self, id_: UUID, cost: Traffic | None) -> None:
        if cost is not None:
            self._owed[id_] = self._owed.get(id_, Traffic()) + cost
            while len(self._owed) > TARGETS_MAX:  # addresses of sweeps, which are never looked at
                del self._owed[next(iter(self._owed))]

    async def _reach(self, target: TargetSpec) -> Traffic:
        """What it cost to learn that it is there, by as little as its method can do; raises a DeviceError."""
        told = _options(target)
        if isinstance(told, PingOptions):
            told = told.model_copy(update={"packets": target.tries})
            seen = await self._echoes(target, told)
            if seen.outcome is Outcome.SILENT:
                raise Silent(seen.code, **seen.params).costing(seen.traffic or Traffic())
            return seen.traffic or Traffic()
        if isinstance(told, DnsOptions):
            return (await self._name(target, told)).traffic or Traffic()
        address = await self._resolver.address(target.address, target.port)
        made = await tcp(address, target.port, timeout_seconds=target.timeout_seconds, tries=target.tries)
        return made.traffic

    async def _light(self, target: TargetSpec) -> Result:
        started = time.perf_counter()
        cost = await self._reach(target)
        took = (time.perf_counter() - started) * 1_000
        return Result(outcome=Outcome.ANSWERED, latency_ms=took, truncated=True, traffic=cost)

    async def _other(self, target: TargetSpec) -> Result:
        """One look at what does not speak SNMP; raises a DeviceError."""
        match _options(target):
            case PingOptions() as told:
                return await self._echoes(target, told)
            case HttpOptions() as told:
                return await pages.ask(told, self._resolver)
            case DnsOptions() as told:
                return await self._name(target, told)
            case TcpOptions():
                address = await self._resolver.address(target.address, target.port)
                made = await tcp(address, target.port, timeout_seconds=target.timeout_seconds, tries=target.tries)
                reading = Reading(name="tcp.connect_ms", value=round(made.milliseconds, 2))
                return Result(
                    outcome=Outcome.ANSWERED, latency_ms=made.milliseconds, readings=(reading,), traffic=made.traffic
                )  # fmt: skip
        raise NotAsked(f"nothing asks by {target.method}")

    async def _echoes(self, target: TargetSpec, told: PingOptions) -> Result:
        address = await self._resolver.address(target.address, target.port)
        seen = await echoes.echoes(
            self._pinger, address, target.port, told, timeout_seconds=target.timeout_seconds
        )  # fmt: skip
        found = echoes.readings(seen)
        if not seen.met:
            silent = ending("no_echoes", count=len(seen.delays), way=seen.way)
            return Result(outcome=Outcome.SILENT, **silent, readings=found, traffic=seen.traffic)
        mean = sum(seen.met) / len(seen.met)
        return Result(
            outcome=Outcome.ANSWERED, **ending("by_way", way=seen.way), latency_ms=mean, readings=found, traffic=seen.traffic
        )  # fmt: skip

    async def _name(self, target: TargetSpec, told: DnsOptions) -> Result:
        address = await self._resolver.address(target.address, target.port)
        return await names.ask(names.Server(address, target.port, target.timeout_seconds, target.tries), told)

    async def _counted(self, target: TargetSpec, credential: Credential | None) -> Seen:
        """A look by SNMP with what it cost, however it ended."""
        peer = await self._peer(target, credential)
        key = (peer.address, peer.port)
        self._meter.begin(key)
        try:
            try:
                seen = await self._snmp(target, peer)
            except DeviceError as error:
                seen = Seen(_failure(error))
            if seen.look is not None:  # says it already
                return seen
            told = {"traffic": self._meter.so_far(key), "credential": peer.credential.id}
            return Seen(seen.result.model_copy(update=told))
        except asyncio.CancelledError:  # the look took too long, and cost all the same
            self._owe(target.id, self._meter.so_far(key))
            raise
        finally:
            self._meter.end(key)

    async def _peer(self, target: TargetSpec, credential: Credential | None) -> Peer:
        if credential is None:
            raise NotAsked("no_credential")
        known = self._peers.get(target.id)
        if known is not None and known[0] is target and known[1].credential is credential:
            return known[1]
        address = await self._resolver.address(target.address, target.port)
        peer = Peer(address, target.port, credential, target.timeout_seconds, target.tries)
        if address == target.address:  # a name may lead elsewhere the next time
            self._peers[target.id] = (target, peer)
            while len(self._peers) > TARGETS_MAX:
                del self._peers[next(iter(self._peers))]
        return peer

    def _door(self, peer: Peer) -> Door:
        if isinstance(peer.credential, Community):
            return self._v2c
        if self._v3:
            return self._v3
        if speaks(peer.credential):
            return self._v2c
        if self._pysnmp is None:
            from assets.probing.snmp import Snmp  # only for DES; it takes half a second to import

            self._pysnmp = Snmp(meter=self._meter)
        return self._pysnmp

    async def _snmp(self, target: TargetSpec, peer: Peer) -> Seen:
        asking = Asking(self._door(peer), peer, target, self.profiles, self._turns)
        known = self._known.get(target.id)
        if known is not None and known.way != asking.way:
            known = None
        wanted = (SYS_UPTIME,) if target.light else SYSTEM + (known.scalars if known else ())
        stale = known is None or self._monotonic() - known.looked_over_at >= LOOK_OVER_SECONDS
        polled: Polled | None = None
        if known is not None and not stale and not target.light:
            polled = await asking.door.poll(peer, wanted, known.live)
            scalars, latency_ms = polled.scalars, round(polled.seconds * 1_000, 2)
        else:
            started = time.perf_counter()
            scalars = await asking.door.get(peer, wanted[:GET_NAMES_MAX])
            latency_ms = round((time.perf_counter() - started) * 1_000, 2)
        ticks = _ticks(scalars)
        if target.light:
            uptime = None if ticks is None else ticks / 100
            return Seen(Result(outcome=Outcome.ANSWERED, latency_ms=latency_ms, uptime_seconds=uptime, truncated=True))
        if known is not None and _another(known, scalars, rates.Sample(self._monotonic(), ticks)):
            known = polled = None
        before = known.sample if known else None
        try:
            if polled is None:
                scalars |= await asking.get(wanted[GET_NAMES_MAX:])
            fresh = known is None or stale
            if known is None or fresh:
                known, more = await look_over(asking, scalars, self._monotonic())
                scalars = {**scalars, **more}
            at = self._monotonic()  # of the counters: looking over comes before them and may take seconds
            if polled is None:
                walked = await asking.walk(known.live)
            elif isinstance(polled.walked, DeviceError):
                raise polled.walked
            else:
                walked = polled.walked
        except DeviceError as error:
            return Seen(_half(error, known, self.profiles, scalars, latency_ms))
        look = Look(at, ticks, scalars, {**known.static, **walked.columns})
        made = await self._turns.take(
            readings(known.profile, look, before, known.tables, target.id, self._kept)
        )  # fmt: skip
        if fresh and not walked.truncated:
            known = narrowed(known, look)
        elif not fresh and _new_rows(known, look):
            known = replace(known, looked_over_at=known.looked_over_at - LOOK_OVER_SECONDS + NEW_ROWS_SECONDS)
        known.sample = rates.Sample(at, ticks, made.counters)
        if asking.profiles is self.profiles:  # others came meanwhile: it will be looked over with them
            self._remember(target.id, known)
        result = answered(
            outcome=Outcome.ANSWERED,
            **(_NO_PROFILE if known.profile.kind == GENERIC else {}),
            latency_ms=latency_ms,
            identity=known.identity,
            readings=made.readings,
            counters=made.counters,
            uptime_seconds=None if ticks is None else ticks / 100,
            truncated=walked.truncated or known.truncated or made.cut,
            credential=peer.credential.id,
            traffic=self._meter.so_far((peer.address, peer.port)),
        )
        return Seen(result, look, known)

    def _remember(self, id_: UUID, known: Known) -> None:
        self._known[id_] = known
        self._known.move_to_end(id_)
        while len(self._known) > TARGETS_MAX:
            self._known.popitem(last=False)


def _options(target: TargetSpec) -> options.Options:
    try:
        return options.read(target.method, target.options)
    except ValueError as error:
        raise NotAsked("options", error=str(error)) from None


def _failure(error: DeviceError) -> Result:
    return Result(outcome=_OUTCOMES[type(error)], **error.ending, traffic=error.traffic)


def _half(
    error: DeviceError, known: Known | None, profiles: Profiles, scalars: Mapping[str, Value], latency_ms: float
) -> Result:
    """A device that answered the first question and then no more, or badly: alive, and what is missing says nothing."""
    if known is None:
        found = profiles.find(dotted(scalars.get(SYS_OBJECT_ID)), text(scalars.get(SYS_DESCR)))
        told = identity.identify(found, Answers(scalars), profiles.makers)
    else:
        told = known.identity
    return Result(
        outcome=Outcome.ANSWERED if isinstance(error, Silent | NotAsked) else _OUTCOMES[type(error)],
        **_half_said(error),
        latency_ms=latency_ms,
        identity=told,
        uptime_seconds=None if (ticks := _ticks(scalars)) is None else ticks / 100,
        truncated=True,
    )


def _half_said(error: DeviceError) -> dict[str, Any]:
    if not isinstance(error, Silent):
        return error.ending
    if error.code == "no_answer":
        return ending("stopped_answering", **error.params)
    return {"detail": f"stopped answering: {error}"}


def _another(known: Known, scalars: Mapping[str, Value], sample: rates.Sample) -> bool:
    """Whether what is remembered no longer holds: it restarted, or another device answers at the address."""
    return dotted(scalars.get(SYS_OBJECT_ID)) != known.identity.sys_object_id or (
        known.sample is not None and rates.restarted(known.sample, sample)
    )


def _new_rows(known: Known, look: Look) -> bool:
    """Whether a row came that has no name yet (a new interface, a new disk)."""
    for table in known.profile.tables:
        if not table.facts:
            continue
        named = known.tables.get(table.name, {})
        if any(index not in named for reads in table.readings for index in look.columns.get(reads.oid, ())):
            return True
    return False


def _ticks(scalars: Mapping[str, Value]) -> int | None:
    ticks = scalars.get(SYS_UPTIME)
    return ticks if isinstance(ticks, int) and 0 <= ticks < rates.UPTIME_WRAP_TICKS else None
