"""One cycle of many devices, and a round among hostile ones: each in a process of its own, so that memory is its own.

    python fleets.py cycle DEVICES | python fleets.py hostile DEVICES SECONDS

Called by poll.py. A device is an address of the loopback, answered by fleet.py; one in ten is silent, or hostile.
"""

import asyncio
import contextlib
import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from poll import COLUMN, COMMUNITY, ROWS, SCALARS, profiles, started

from assets.collector.rounds import Rounds
from assets.collector.uptime import Uptime
from assets.ids import new_id
from assets.probing.contract import Assignment, Community, Credential, TargetSpec
from assets.probing.door import Peer, Silent
from assets.probing.look import Look, readings
from assets.probing.prober import Prober
from assets.probing.readings import Method, Outcome, Result
from assets.probing.turns import Turns
from assets.probing.wire import Wire

LOOKERS = 5_000  # looks under way at once
TIMEOUT_SECONDS, TRIES = 2.0, 2
INTERVAL_SECONDS = 10
LATE_SECONDS = 1.0


@contextlib.contextmanager
def fleet() -> Iterator[int]:
    """The port of the fleet."""
    command = [sys.executable, str(Path(__file__).parent / "fleet.py"), COMMUNITY, str(ROWS)]
    with started(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        yield int(process.stdout.readline())


def address(number: int, *, bad: str = "") -> str:
    """The address of a device of a net: good ones in 127.1 and up, the bad ones in a net of their kind."""
    low = f"{number // 250 % 250}.{number % 250 + 1}"
    return f"{bad}.{low}" if bad else f"127.{1 + number // 62_500}.{low}"


async def cycle(count: int) -> dict[str, float]:
    """One GET and one GETBULK of each device, turned into readings; every tenth device is silent."""
    with fleet() as port:
        wire, turns, profile = Wire(), Turns(), profiles().get("benchmark")
        public = Community(id=new_id(), community=COMMUNITY)
        numbers, ends = iter(range(count)), {"answered": 0, "silent": 0}

        async def looker() -> None:
            assert profile is not None
            for number in numbers:
                dead = number % 10 == 0
                peer = Peer(address(number, bad="127.100" if dead else ""), port, public, TIMEOUT_SECONDS, TRIES)
                try:
                    polled = await wire.poll(peer, SCALARS, (COLUMN,))
                except Silent:
                    ends["silent"] += 1
                    continue
                assert not isinstance(polled.walked, Exception), polled.walked
                look = Look(0.0, None, polled.scalars, polled.walked.columns)
                made = await turns.take(readings(profile, look, None, {}))
                assert len(made.readings) == ROWS + len(profile.scalars), (number, polled)
                ends["answered"] += 1

        await asyncio.wait_for(wire.poll(Peer("127.1.0.1", port, public), SCALARS, (COLUMN,)), 10)
        before, began = time.process_time(), time.perf_counter()
        await asyncio.gather(*(looker() for _ in range(min(LOOKERS, count))))
        took = {"wall_s": time.perf_counter() - began, "cpu_s": time.process_time() - before}
        await wire.close()
    wrong = abs(ends["silent"] - (count + 9) // 10)
    if wrong > count / 10_000:
        raise SystemExit(f"{ends} of {count}: the fleet did not answer as it should")
    return {"devices": count, **took, "rss_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


class Timed:
    """The prober as rounds see it, which writes down how long after its time each look at a good device ended."""

    def __init__(self, prober: Prober, good: set[Any]) -> None:
        self._prober, self._good = prober, good
        self.rounds: Rounds | None = None
        self.late: list[float] = []
        self.failed = 0

    async def probe(self, target: TargetSpec, credential: Credential | None) -> Result:
        """One look."""
        result = await self._prober.probe(target, credential)
        if target.id in self._good and self.rounds is not None:
            due = self.rounds._schedule._plans[target.id].due
            self.late.append(time.monotonic() - due)
            self.failed += result.outcome is not Outcome.ANSWERED
        return result

    def __getattr__(self, name: str) -> Any:
        return getattr(self._prober, name)


async def hostile(count: int, seconds: float) -> dict[str, float]:
    """The collector's rounds over devices of which every tenth floods, forges, breaks or leads in circles."""
    with fleet() as port:
        public, wire = Community(id=new_id(), community=COMMUNITY), Wire()
        targets = [
            TargetSpec(
                id=new_id(), name=str(n), address=address(n, bad="127.200" if n % 10 == 0 else ""), port=port,
                method=Method.SNMP, profile="benchmark", credential=public.id, interval_seconds=INTERVAL_SECONDS,
            )
            for n in range(count)
        ]  # fmt: skip
        timed = Timed(Prober(profiles(), v2c=wire), {t.id for n, t in enumerate(targets) if n % 10})
        rounds = Rounds(prober=timed, emit=lambda _: None, uptime=Uptime(), concurrency=200)
        rounds.assign(Assignment(hash="", targets=tuple(targets), credentials=(public,)))
        running = asyncio.create_task(rounds.run())
        await asyncio.sleep(INTERVAL_SECONDS)  # the first looks, which are longer
        timed.rounds, before = rounds, time.process_time()
        await asyncio.sleep(seconds)
        spent = time.process_time() - before
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await rounds.stop()
    late = sorted(timed.late)
    return {
        "devices": count, "looks": len(late), "in_time": sum(x <= LATE_SECONDS for x in late) / len(late),
        "p99_s": late[int(len(late) * 0.99)], "worst_s": late[-1], "failed": timed.failed,
        "refused": sum(wire.refused.values()), "cpu_s": spent, "seconds": seconds,
    }  # fmt: skip


if __name__ == "__main__":
    if sys.argv[1] == "cycle":
        print(json.dumps(asyncio.run(cycle(int(sys.argv[2])))))
    else:
        print(json.dumps(asyncio.run(hostile(int(sys.argv[2]), float(sys.argv[3])))))
