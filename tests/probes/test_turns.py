"""Long work of many looks leaves the loop free in between, whatever devices send."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from assets.ids import new_id
from assets.probing.contract import Community, TargetSpec
from assets.probing.prober import Prober
from assets.probing.profile import Profiles
from assets.probing.readings import Method, Outcome
from assets.probing.turns import Turns
from tests.probes.rounds import measured

STALL_SECONDS = 0.1
PUBLIC = Community(id=new_id(), community="public")
PROFILES = Profiles.load()
DEVICES = 8


def work(steps: int) -> Generator[None, None, int]:
    """A millisecond of CPU a step."""
    for _ in range(steps):
        until = time.thread_time() + 0.001
        while time.thread_time() < until:
            pass
        yield
    return steps


async def test_when_many_long_works_come_together_then_each_round_of_the_loop_does_a_little(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    turns, asked = Turns(), [*[60] * 10, *[2] * 10]
    with measured(monkeypatch) as spent:
        assert await asyncio.gather(*(turns.take(work(steps)) for steps in asked)) == asked
    assert sum(spent) > sum(asked) / 1_000
    assert max(spent) < STALL_SECONDS / 2


async def test_when_long_works_are_under_way_then_short_ones_do_not_queue_behind_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    turns, ended, now = Turns(), [], [0.0]
    monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: now[0])  # no other work on the machine counts

    def reckoned(steps: int) -> Generator[None, None, int]:
        for _ in range(steps):
            now[0] += 0.001
            yield
        return steps

    async def one(steps: int) -> None:
        ended.append(await turns.take(reckoned(steps)))

    await asyncio.gather(*map(one, [*[60] * 5, *[2] * 20]))
    assert ended[-4:] == [60] * 4


def test_when_a_loop_ended_amid_its_round_then_the_turns_go_on_in_another() -> None:
    turns = Turns()
    assert [asyncio.run(turns.take(work(12))) for _ in range(2)] == [12, 12]


@pytest.fixture(params=["endless", "table", "texts"])
def hostile(request: pytest.FixtureRequest) -> Iterator[int]:
    """The port of an agent in a process of its own."""
    command = [sys.executable, "-m", "tests.probes.endless", request.param]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]) as process:
        assert process.stdout
        yield int(process.stdout.readline())
        process.kill()


async def test_when_devices_have_rows_without_end_then_the_loop_is_never_held_up(
    hostile: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    prober = Prober(PROFILES)
    common = {"name": "x", "address": "127.0.0.1", "port": hostile, "method": Method.SNMP, "timeout_seconds": 10}
    specs = [TargetSpec(id=new_id(), profile="switch", tries=1, **common) for _ in range(DEVICES)]
    await asyncio.sleep(0)
    with measured(monkeypatch) as spent:
        for _ in range(2):
            seen = await asyncio.gather(*(prober.look(spec, PUBLIC) for spec in specs))
    await prober.close()
    for one in seen:
        assert (one.result.outcome, one.result.truncated) == (Outcome.ANSWERED, True)
        assert one.look is not None
        rows = sum(map(len, one.look.columns.values()))
        assert rows > 100  # 8,400; fewer where a busy machine ends a walk by time
    assert max(spent) < STALL_SECONDS
