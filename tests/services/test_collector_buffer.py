"""The buffer on disk: nothing that was appended is lost, doubled or counted twice, whatever happens to the file."""

import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from assets.collector.backlog import RETRY_SECONDS, Backlog
from assets.collector.buffer import (
    AGE_MAX_SECONDS,
    BATCH_BYTES_MAX,
    BYTES_MIN,
    Buffer,
    BufferBroken,
    BufferTaken,
    Draft,
    draft,
)
from assets.collector.uptime import Moment
from assets.probing.contract import BATCH_MAX, OrderResult, ParentSeen
from tests.fake_prober import ROOT, answered

NOON = datetime(2026, 11, 24, 5, tzinfo=UTC)


def at(up_seconds: float, *, boot: str = "b1", wall: datetime | None = None) -> Moment:
    return Moment(wall or NOON + timedelta(seconds=up_seconds), boot, up_seconds)


def seen(up_seconds: float = 0.0, *, boot: str = "b1") -> Draft:
    return draft(at(up_seconds, boot=boot), uuid4(), answered())


def heavy(up_seconds: float = 0.0, *, kilobytes: int = 50) -> Draft:
    noise = random.Random(kilobytes).randbytes(kilobytes * 512)  # alike in each run, and it does not shrink
    return Draft(at(up_seconds), b'{"x":"' + noise.hex().encode() + b'"}')


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "buffer.sqlite"


@pytest.fixture
def buffer(path: Path) -> Iterator[Buffer]:
    buffer = Buffer(path)
    yield buffer
    buffer.close()


def numbers(buffer: Buffer, **how: int) -> list[int]:
    return [row.sequence for row in buffer.next_batch(**how)]


def test_when_observations_wait_then_the_newest_go_first_and_numbers_rise_within_a_batch(buffer: Buffer) -> None:
    buffer.append([seen(n) for n in range(BATCH_MAX + 100)])
    assert numbers(buffer) == list(range(101, BATCH_MAX + 101))
    assert numbers(buffer, limit=3) == [BATCH_MAX + 98, BATCH_MAX + 99, BATCH_MAX + 100]
    buffer.settle(numbers(buffer))
    buffer.append([seen()])
    assert numbers(buffer) == [*range(1, 101), BATCH_MAX + 101], "what is new leads, the backlog fills the rest"


def test_when_bodies_are_large_then_a_batch_is_cut_by_size_but_never_empty(buffer: Buffer) -> None:
    buffer.append([heavy(kilobytes=400) for _ in range(4)])
    assert len(numbers(buffer)) == 2
    assert numbers(buffer, bytes_max=10) == [4]
    assert BATCH_BYTES_MAX >= 1_000_000


def test_when_the_file_is_opened_again_then_everything_is_there_and_numbers_go_on(path: Path) -> None:
    first = Buffer(path)
    first.append([seen(), seen()])
    first.settle([2])
    id_ = first.id
    first.close()
    again = Buffer(path)
    again.append([seen()])
    assert (again.id, numbers(again), again.pending) == (id_, [1, 3], 2)
    again.settle([1, 3])
    again.append([seen()])
    assert numbers(again) == [4], "also after the file was empty"
    again.close()


def test_when_a_second_collector_opens_the_file_then_it_is_turned_away(path: Path, buffer: Buffer) -> None:
    code = (
        "import sys, assets.collector.buffer as b; b.BUSY_SECONDS = 0.1\n"
        "from pathlib import Path\n"
        "try: b.Buffer(Path(sys.argv[1]))\n"
        "except b.BufferTaken: print('taken')"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    said = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, env=environment, timeout=60, check=True
    )
    assert said.stdout.strip() == "taken"
    assert issubclass(BufferTaken, Exception)


def test_when_the_wall_clock_jumps_then_ages_stay_right(buffer: Buffer) -> None:
    buffer.append([draft(at(100, wall=datetime(1970, 1, 1, tzinfo=UTC)), uuid4(), answered())])
    buffer.append([draft(at(160, wall=datetime(2027, 11, 24, tzinfo=UTC)), uuid4(), answered())])
    ages = [row.age_seconds(at(200, wall=datetime(2026, 1, 1, tzinfo=UTC))) for row in buffer.next_batch()]
    assert ages == [100, 40]


@pytest.mark.parametrize(
    ("now", "why"),
    [
        (at(200, boot="b2"), "another boot counts from zero"),
        (at(50), "a clock that runs backwards is not believed"),
        (at(100 + 401 * 86_400), "more than the contract can say"),
    ],
)
def test_when_an_age_cannot_be_known_then_none_is_given(buffer: Buffer, now: Moment, why: str) -> None:
    buffer.append([seen(100)])
    assert buffer.next_batch()[0].age_seconds(now) is None, why


def test_when_the_buffer_is_full_then_the_oldest_are_shed_and_counted(path: Path) -> None:
    buffer = Buffer(path, bytes_max=BYTES_MIN)
    for n in range(60):
        buffer.append([heavy(n)])
        buffer.make_room(at(n))
        assert path.stat().st_size < BYTES_MIN + 400_000
    tally = buffer.tally()
    assert tally.shed > 20
    assert tally.pending + tally.shed == tally.appended == 60
    assert numbers(buffer)[-1] == 60, "the newest stays"
    assert [row.sequence for row in buffer.next_batch(bytes_max=1 << 30)] == list(range(tally.shed + 1, 61))
    buffer.close()


def test_when_observations_are_a_month_old_then_they_are_shed_but_only_by_a_clock_that_can_be_trusted(
    buffer: Buffer,
) -> None:
    buffer.append([seen(5, boot="b0"), seen(10), seen(AGE_MAX_SECONDS)])
    a_year_later = at(AGE_MAX_SECONDS, wall=NOON + timedelta(days=365))
    assert buffer.make_room(a_year_later) == 1, "only what an earlier boot saw: this one has lasted a month"
    assert buffer.make_room(at(11 + AGE_MAX_SECONDS)) == 1
    assert numbers(buffer) == [3]
    assert buffer.make_room(at(3, boot="b2", wall=NOON + timedelta(days=900))) == 0


def test_when_an_order_is_taken_then_it_is_known_for_good_and_ends_with_its_result(path: Path) -> None:
    buffer, done, died = Buffer(path), uuid4(), uuid4()
    assert buffer.take_order(done)
    assert not buffer.take_order(done)
    assert buffer.take_order(died)
    buffer.append([draft(at(1), None, answered(), order=OrderResult(order=done, done=True))])
    buffer.close()
    again = Buffer(path)
    assert again.unfinished_orders() == [died]
    assert not again.take_order(done)
    again.close()


def test_when_texts_are_strange_then_the_body_still_is_json_with_everything_in_it(buffer: Buffer) -> None:
    result = answered(detail="Máy in \u202e\x00 hỏng \ud800", counters={"pages": 2**63})
    buffer.append([draft(at(1), None, result, parents=(ParentSeen(target=uuid4(), alive=False),))])
    body = buffer.next_batch()[0].body
    assert "Máy in hỏng".encode() in body
    assert b'"pages":9223372036854775808' in body
    assert body.startswith(b'{"target":null,"observed_at":"2026-11-24T05:00:01+00:00","parents":[{')


def test_when_one_stored_body_is_damaged_then_only_that_observation_is_lost(path: Path) -> None:
    buffer = Buffer(path)
    buffer.append([seen(), seen()])
    buffer.close()
    with sqlite3.connect(path) as db:
        db.execute("UPDATE observation SET body = x'ffffff' WHERE sequence = 1")
    db.close()
    buffer = Buffer(path)
    damaged, whole = buffer.next_batch()
    assert damaged.body == b"{}"
    assert len(whole.body) > 100
    buffer.close()


@pytest.mark.parametrize("content", [b"no database at all" * 300, b"SQLite format 3\0" + b"\xff" * 8_000])
def test_when_the_file_is_no_buffer_then_it_is_put_aside_and_a_new_one_begun(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(BufferBroken):
        Buffer(path)
    backlog = Backlog(path)
    backlog.open(at(0))
    backlog.append([seen()], at(1))
    assert backlog.standing().pending == 1
    assert path.with_name("buffer.sqlite.broken").read_bytes() == content
    backlog.close()
    backlog.open(at(2))
    assert backlog.standing().pending == 1, "no loop of new files"
    backlog.close()


def test_when_the_file_is_damaged_at_run_time_then_polls_go_on_in_a_new_one(path: Path) -> None:
    backlog = Backlog(path)
    backlog.open(at(0))
    for n in range(120):
        backlog.append([heavy(n)], at(n))
    batch = backlog.next_batch(at(120))
    assert batch is not None
    with path.open("r+b") as file:  # a worn card: every page but the first few is noise
        file.seek(8 * 4_096)
        file.write(os.urandom(path.stat().st_size - 12 * 4_096))
    backlog.settle(batch, range(1, 121), (), at(121))
    backlog.append([seen(121)], at(121))
    standing = backlog.standing()
    assert (standing.durable, standing.pending, standing.shed) == (True, 1, 120), "and what was lost is counted"
    assert standing.buffer_id not in (None, batch.buffer_id), "numbers begin again, so the id must be another"
    assert path.with_name("buffer.sqlite.broken").exists()
    backlog.settle(batch, range(1, 121), (), at(122))
    assert backlog.standing().pending == 1, "a late answer to the old file's numbers settles nothing of the new one"
    backlog.close()


def test_when_the_disk_is_away_then_memory_takes_over_and_the_disk_is_tried_again(tmp_path: Path) -> None:
    folder = tmp_path / "stick"
    folder.write_text("a file where the folder should be")
    backlog = Backlog(folder / "buffer.sqlite")
    backlog.open(at(0))
    backlog.append([seen(1)], at(1))
    assert not backlog.standing().durable
    in_memory = backlog.next_batch(at(2))
    assert in_memory is not None
    folder.unlink()
    backlog.append([seen(2)], at(2))
    assert not backlog.standing().durable, "not tried again yet"
    backlog.append([seen(3)], at(2 + RETRY_SECONDS))
    standing = backlog.standing()
    assert (standing.durable, standing.pending, standing.trouble) == (True, 3, "")
    first = backlog.next_batch(at(20))
    assert first is not None
    assert first.buffer_id == in_memory.buffer_id, "what is least safe goes first"
    backlog.settle(first, {1, 2}, (), at(20))
    second = backlog.next_batch(at(20))
    assert second is not None
    assert second.buffer_id == standing.buffer_id
    backlog.settle(second, {1}, (), at(20))
    assert backlog.standing().pending == 0
    backlog.close()


def test_when_a_month_of_a_centre_is_buffered_then_it_fits_and_costs_little(path: Path) -> None:
    buffer = Buffer(path)
    drafts = [seen(n) for n in range(5_000)]
    begun = time.process_time()
    for n in range(0, 5_000, 100):
        buffer.append(drafts[n : n + 100])
    rate = 5_000 / (time.process_time() - begun)
    buffer.close()
    each = path.stat().st_size / 5_000
    month = each * 50 * 1_440 * 30
    print(f"{each:.0f} bytes each, 30 days of 50 devices {month / 2**20:.0f} MiB, {rate:.0f} a core-second")
    assert month < 1 << 30
    assert rate > 1_000


class Conservation(RuleBasedStateMachine):
    """Whatever happens in whatever order, every number is exactly one of pending, settled, refused, shed."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "buffer.sqlite"
        self.buffer = Buffer(self.path, bytes_max=BYTES_MIN)
        self.pending: set[int] = set()
        self.appended = self.settled = self.refused = self.shed = 0
        self.id = self.buffer.id

    @rule(count=st.integers(0, 30), kilobytes=st.sampled_from([0, 0, 60]))
    def append(self, count: int, kilobytes: int) -> None:
        drafts = [heavy(kilobytes=kilobytes) if kilobytes else seen() for _ in range(count)]
        self.buffer.append(drafts)
        self.pending |= set(range(self.appended + 1, self.appended + count + 1))
        self.appended += count
        shed = self.buffer.make_room(at(0))
        for _ in range(shed):
            self.pending.remove(min(self.pending))
        self.shed += shed

    @precondition(lambda self: self.pending)
    @rule(data=st.data(), limit=st.integers(1, 40))
    def post(self, data: st.DataObject, limit: int) -> None:
        batch = [row.sequence for row in self.buffer.next_batch(limit=limit)]
        assert batch == sorted(self.pending)[-len(batch) :]
        accepted_to = data.draw(st.sampled_from([0, *batch, batch[-1] + 1_000]))
        refused = set(data.draw(st.lists(st.sampled_from(batch), max_size=5)))
        done = {n for n in batch if n <= accepted_to} - refused
        self.buffer.settle(done, refused=refused)
        self.buffer.settle(done, refused=refused)  # an answer that came twice
        self.pending -= done | refused
        self.settled += len(done)
        self.refused += len(refused)

    @rule(clean=st.booleans())
    def open_again(self, clean: bool) -> None:
        if clean:
            self.buffer.close()
        else:  # as after a kill: the files as they are at this moment, with a write-ahead log to recover
            copy = Path(self.folder.name) / f"copy-{self.appended}-{time.monotonic_ns()}"
            for tail in ("", "-wal"):
                if (source := Path(f"{self.path}{tail}")).exists():
                    Path(f"{copy}{tail}").write_bytes(source.read_bytes())
            self.buffer.close()
            self.path = copy
        self.buffer = Buffer(self.path, bytes_max=BYTES_MIN)

    @invariant()
    def every_number_is_one_thing(self) -> None:
        tally = self.buffer.tally()
        assert (tally.appended, tally.settled, tally.refused, tally.shed, tally.pending) == (
            self.appended,
            self.settled,
            self.refused,
            self.shed,
            len(self.pending),
        )
        assert tally.appended == tally.settled + tally.refused + tally.shed + tally.pending
        assert self.buffer.id == self.id

    def teardown(self) -> None:
        self.buffer.close()
        self.folder.cleanup()


TestConservation = Conservation.TestCase
TestConservation.settings = settings(
    max_examples=12, stateful_step_count=15, deadline=None, suppress_health_check=list(HealthCheck)
)
