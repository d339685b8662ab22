"""Several echoes in a row: loss, delay and jitter. ICMP, or TCP where the collector may not send ICMP."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from assets.probing.door import NotAsked, Silent
from assets.probing.options import PingOptions
from assets.probing.reach import Pinger, tcp
from assets.probing.readings import Reading, Traffic
from assets.probing.traffic import ECHO

SPACING_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Echoes:
    """The delay of each echo in its order, None where none came back; `way` is icmp or tcp, `traffic` what all cost."""

    delays: tuple[float | None, ...]
    way: str
    traffic: Traffic

    @property
    def met(self) -> tuple[float, ...]:
        """The delays of those that came back."""
        return tuple(delay for delay in self.delays if delay is not None)


async def echoes(pinger: Pinger, address: str, port: int, options: PingOptions, *, timeout_seconds: float) -> Echoes:
    """Send them, a tenth of a second apart; raises NotAsked when not a single one could be sent."""
    if options.way != "tcp":
        try:
            ask = lambda: pinger.ping(address, timeout_seconds=timeout_seconds)  # noqa: E731
            delays = await _series(ask, options.packets)
            met = sum(delay is not None for delay in delays)
            cost = Traffic(sent_octets=len(delays) * ECHO, received_octets=met * ECHO, packets=len(delays) + met)
            return Echoes(delays, "icmp", cost)
        except NotAsked:
            if options.way == "icmp":
                raise
    costs: list[Traffic] = []

    async def connect() -> float:
        # With "auto" any word of the host says that the way is open.
        auto = options.way == "auto"
        try:
            made = await tcp(address, port, timeout_seconds=timeout_seconds, refusal_counts=auto)
        except Silent as silent:
            costs.append(silent.traffic or Traffic())
            raise
        costs.append(made.traffic)
        return made.milliseconds

    delays = await _series(connect, options.packets)
    return Echoes(delays, "tcp", sum(costs, Traffic()))


async def _series(ask: Callable[[], Awaitable[float]], packets: int) -> tuple[float | None, ...]:
    async def one(number: int) -> float | NotAsked | None:
        await asyncio.sleep(number * SPACING_SECONDS)
        try:
            return await ask()
        except Silent:
            return None
        except NotAsked as reason:
            return reason

    found = await asyncio.gather(*(one(number) for number in range(packets)))
    sent = tuple(delay for delay in found if not isinstance(delay, NotAsked))
    for delay in found:
        if isinstance(delay, NotAsked) and not sent:
            raise delay
    return sent


def readings(seen: Echoes) -> tuple[Reading, ...]:
    """Loss, and of those that came back the mean and the greatest delay and how much it changes from one to the next."""
    made = [Reading(name="ping.loss_percent", value=round(100 * (1 - len(seen.met) / len(seen.delays)), 1))]
    if seen.met:
        made += [
            Reading(name="ping.delay_ms", value=round(sum(seen.met) / len(seen.met), 2)),
            Reading(name="ping.delay_max_ms", value=round(max(seen.met), 2)),
        ]
    if len(seen.met) > 1:
        made.append(Reading(name="ping.jitter_ms", value=round(jitter(seen.met), 2)))
    return tuple(made)


def jitter(delays: Sequence[float]) -> float:
    """The mean difference between one delay and the next."""
    steps = [abs(after - before) for before, after in pairwise(delays)]
    return sum(steps) / len(steps) if steps else 0.0
