"""The collector as a real process: killed over its work, cut off, without room on the disk, without its parent.

Each victim's process id is printed, and the test fails when it was not at work or did not die of what was done to it.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from pydantic import SecretStr

from assets.collector.buffer import Buffer
from assets.collector.keep import Sealed
from assets.collector.status import read_status
from assets.probing.contract import Assignment, Community
from assets.vault import Vault
from tests.fake_prober import ROOT, FakeService, said, start_collector, target, token_file

Process = subprocess.Popen[bytes]


@pytest.fixture
async def service() -> AsyncIterator[FakeService]:
    targets = tuple(target(f"TB-{n}", address=f"10.0.0.{n}") for n in range(120))
    async with FakeService(assignment=Assignment(hash="h1", targets=targets)) as service:
        yield service


SECRET = Community(id=UUID(int=7), community=SecretStr("word"))


async def test_what_was_refused_is_not_shown_again_because_the_collector_was_started_again(tmp_path: Path) -> None:
    refusing = tuple(
        target(f"TB-{n}", address=f"10.0.0.{n}", candidates=(SECRET.id,), interval_seconds=5) for n in range(20)
    )
    assignment = Assignment(hash="h1", targets=refusing, credentials=(SECRET,))
    addresses = ",".join(one.address for one in refusing)

    want, seen = {one.id for one in refusing}, 0

    def shown() -> int:
        return sum(o.detail == "refused" for o in service.observations()[seen:])

    def all_looked_at() -> bool:
        return want <= {o.target for o in service.observations()[seen:]}

    def all_kept() -> bool:
        folder = tmp_path / "collector"
        kept = Sealed(folder / "trials.sealed", Vault.open(folder), bound_to="collector.trials").read() or b"{}"
        return want <= {UUID(one["target"]) for one in json.loads(kept).get("trials", ()) if one["refused"]}

    async with FakeService(assignment=assignment) as service:
        for turn in range(3):
            with ended(start_collector(tmp_path, service.url, FAKE_REFUSES=addresses)) as process:
                await service.until(all_looked_at)
                await service.until(all_kept)
                process.kill() if turn == 0 else process.terminate()
                await gone(process, seconds=20)
            assert shown() == (len(refusing) if turn == 0 else 0)
            assert all("asked again in" in o.detail for o in service.observations()[seen:] if turn)
            seen = len(service.observations())
        assert b"word" not in (tmp_path / "collector" / "trials.sealed").read_bytes()
        other = SECRET.model_copy(update={"community": SecretStr("another")})
        service.assignment = assignment.model_copy(update={"hash": "h2", "credentials": (other,)})
        with ended(start_collector(tmp_path, service.url, FAKE_REFUSES=addresses)):
            await service.until(lambda: shown() == len(refusing))


@contextmanager
def ended(process: Process) -> Iterator[Process]:
    """A process that does not outlive its test."""
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(10)


async def gone(process: Process, *, seconds: float) -> int:
    deadline = asyncio.get_running_loop().time() + seconds
    while (code := process.poll()) is None:
        assert asyncio.get_running_loop().time() < deadline, f"{process.pid} still lives after {seconds} s"
        await asyncio.sleep(0.02)
    return code


def kept(folder: Path) -> tuple[UUID, int, int]:
    """Out of the file of a dead collector: the buffer's id, how many were appended, how many wait."""
    buffer = Buffer(folder / "collector" / "buffer.sqlite")
    try:
        tally = buffer.tally()
        return buffer.id, tally.appended, tally.pending
    finally:
        buffer.close()


@pytest.mark.long
async def test_when_it_is_killed_over_its_work_again_and_again_then_nothing_kept_is_lost_or_doubled(
    tmp_path: Path, service: FakeService
) -> None:
    waited = 0
    for kill in range(3):
        with ended(start_collector(tmp_path, service.url)) as process:
            seen = len(service.stored) + service.repeats
            # Answers that are lost: the service has them, the collector must send them again.
            service.lost_answers = 1 + kill % 2
            await service.until(lambda seen=seen: len(service.stored) + service.repeats > seen + 5)
            await asyncio.sleep(0.15 * kill)
            process.kill()
            assert await gone(process, seconds=20) == -signal.SIGKILL
        id_, appended, pending = kept(tmp_path)
        waited += pending
        print(f"killed {process.pid}: {appended} kept so far, {pending} of them waiting")
    assert waited > 0, "no kill hit a batch on its way"
    service.lost_answers = 0
    with ended(start_collector(tmp_path, service.url)) as process:
        posts = len(service.posts)
        await service.until(lambda: len(service.posts) > posts)
        await service.until(lambda: {n for _, n in service.stored} >= set(range(1, appended + 1)))
        process.terminate()
        assert await gone(process, seconds=10) == 0
    assert {buffer_id for buffer_id, _ in service.stored} == {id_}
    assert service.changed_repeats == 0, "no number was ever used for two observations"
    assert service.repeats > 0
    assert all(post.sequences == sorted(set(post.sequences)) for post in service.posts)


@pytest.mark.long
async def test_when_the_service_is_away_then_polls_go_on_and_afterwards_the_newest_come_first(
    tmp_path: Path, service: FakeService
) -> None:
    with ended(start_collector(tmp_path, service.url)) as process:
        await service.until(lambda: len(service.stored) >= 120)
        await service.stop()
        before = len(service.posts)
        await asyncio.wait_for(_until_waiting(tmp_path / "collector", observations=5), 60)
        await asyncio.sleep(4)
        await service.start()
        await service.until(lambda: len(service.posts) > before)
        first = service.posts[before]
        await service.until(lambda: service.posts[-1].batch.backlog == 0 and len(service.posts) > before + 1)
        process.terminate()
        assert await gone(process, seconds=10) == 0
    print(f"{process.pid}: first post after the cut {first.sequences[0]}..{first.sequences[-1]}")
    assert len(first.sequences) >= 5, "what was seen during the cut"
    ages = [o.age_seconds for o in first.batch.observations if o.age_seconds is not None]
    assert len(ages) == len(first.sequences)
    later = [o.age_seconds or 0 for post in service.posts[before:] for o in post.batch.observations]
    assert min(ages) < 3.5, "the newest come first"
    assert max(later) > 3.5, "what was seen during the cut comes too"
    _, appended, pending = kept(tmp_path)
    delivered = {n for _, n in service.stored}
    assert len(delivered) >= appended - pending
    assert service.changed_repeats == 0
    lines = [line["event"] for line in said(tmp_path)]
    assert lines.count("service not reached, keeping observations") == 1, "changes are logged, not repetitions"
    assert lines.count("service reached again") == 1


async def _until_waiting(folder: Path, *, observations: int) -> None:
    """Until the collector says from now on that so many observations wait: the cut is felt, and polls go on."""
    cut = datetime.now(UTC)
    while (status := read_status(folder)) is None or status.written_at < cut or status.backlog < observations:
        await asyncio.sleep(0.1)


async def test_when_it_is_told_to_stop_then_it_goes_within_seconds_with_everything_on_disk(
    tmp_path: Path, service: FakeService
) -> None:
    with ended(start_collector(tmp_path, service.url, FAKE_TAKES="0.5")) as process:
        await service.until(lambda: len(service.stored) > 20)
        service.every_reply = (503, {}, b"")
        await asyncio.wait_for(_until_waiting(tmp_path / "collector", observations=1), 60)
        process.send_signal(signal.SIGINT)
        assert await gone(process, seconds=10) == 0
    _, appended, pending = kept(tmp_path)
    status = read_status(tmp_path / "collector")
    assert status is not None
    assert status.pid == process.pid
    assert status.backlog == pending > 0
    assert appended == pending + len(service.stored)
    assert not [line for line in said(tmp_path) if line["level"] == "error"]


async def test_when_its_parent_is_killed_then_it_stops_too(tmp_path: Path, service: FakeService) -> None:
    code = (
        "import os, sys; from pathlib import Path; from tests.fake_prober import start_collector\n"
        "p = start_collector(Path(sys.argv[1]), sys.argv[2], str(os.getpid())); print(p.pid, flush=True); p.wait()"
    )
    environment = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'src'}"}
    parent = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path), service.url],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
    )
    with ended(parent):
        assert parent.stdout is not None
        child = int(await asyncio.to_thread(parent.stdout.readline))
        parent.stdout.close()
        await service.until(lambda: service.stored)
        parent.kill()
        assert await gone(parent, seconds=20) == -signal.SIGKILL
        print(f"killed the parent {parent.pid} of {child}")
        await service.until(lambda: not alive(child), seconds=20)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.long
async def test_when_the_disk_is_full_then_polls_and_posts_go_on_and_later_the_disk_is_used_again(
    tmp_path: Path, service: FakeService
) -> None:
    with ended(start_collector(tmp_path, service.url, FAKE_FILE_BYTES_MAX="90000")) as process:
        await service.until(lambda: len({id_ for id_, _ in service.stored}) == 2)
        await service.until(lambda: (status := read_status(tmp_path / "collector")) is not None and not status.durable)
        process.send_signal(signal.SIGUSR1)
        await service.until(lambda: any(line["event"] == "disk back" for line in said(tmp_path)))
        process.terminate()
        assert await gone(process, seconds=10) == 0
    lines = [line["event"] for line in said(tmp_path)]
    print(f"{process.pid}: {len(service.stored)} stored, out of two buffers")
    assert lines.count("disk away, keeping observations in memory") <= 2
    assert service.changed_repeats == 0


@pytest.mark.parametrize(
    ("environment", "reason"),
    [
        ({"ASSETS_COLLECTOR_URL": "http://assets.example.vn"}, "ASSETS_COLLECTOR_URL: collector_url is plain http"),
        ({"ASSETS_COLLECTOR_TOKEN_FILE": "/nowhere/token"}, "ASSETS_COLLECTOR_TOKEN_FILE: cannot read /nowhere/token"),
    ],
)
def test_when_a_setting_is_wrong_then_the_command_stops_with_name_and_reason(
    tmp_path: Path, environment: dict[str, str], reason: str
) -> None:
    right = {
        "ASSETS_COLLECTOR_URL": "http://127.0.0.1:9",
        "ASSETS_COLLECTOR_TOKEN_FILE": str(token_file(tmp_path)),
        "PYTHONPATH": str(ROOT / "src"),
        "COLUMNS": "300",
    }
    done = subprocess.run(
        [sys.executable, "-c", "from assets.collector.command import collect; collect()"],
        env=os.environ | right | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert reason in done.stderr
    assert "canary" not in done.stderr + done.stdout


def test_when_a_collector_is_imported_then_neither_the_service_nor_its_libraries_are() -> None:
    code = (
        "import sys, assets.collector.command, assets.collector.devices\n"
        "ours = {m.split('.')[1] for m in sys.modules if m.startswith('assets.')}\n"
        "theirs = {'piccolo', 'litestar', 'asyncpg', 'apprise', 'pysnmp'} & set(sys.modules)\n"
        "known = set('probing vault text legacy_fonts phrases ids clock errors paths heap collector'.split())\n"
        "print(sorted(ours - known | theirs))"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, timeout=60, check=True
    )
    assert said.stdout.strip() == "[]"
