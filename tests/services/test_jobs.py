"""PgQueuer behind its door, on a real server."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import asyncpg
import pytest

from assets import clock, jobs, occasion, worker
from assets.db import EVERYTHING, as_owner, transaction
from assets.ids import new_id
from assets.ingest import Ingest
from assets.jobs import Job, Jobs, enqueue, enqueue_many, every
from assets.notifications.notify import Message, Sent
from assets.notifications.outbox import Destination
from assets.probing.profile import Profiles


async def count(statement: str, *values: object) -> int:
    async with transaction(EVERYTHING) as tx, as_owner(tx):
        return int(await tx.fetchval(statement, *values))


async def until(true: Callable[[], Awaitable[bool]] | Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while True:
        answer = true()
        if answer if isinstance(answer, bool) else await answer:
            return
        assert time.monotonic() < deadline, "it did not happen in time"
        await asyncio.sleep(0.05)


@asynccontextmanager
async def running(*workers: Jobs) -> AsyncIterator[asyncio.Event]:
    stop = asyncio.Event()
    tasks = [asyncio.create_task(worker.run(stop)) for worker in workers]
    try:
        yield stop
    finally:
        stop.set()
        await asyncio.wait_for(asyncio.gather(*tasks), 60)


class Remembering:
    """A handler that keeps what it was given."""

    def __init__(self) -> None:
        self.seen: list[Mapping[str, Any]] = []

    async def __call__(self, payload: Mapping[str, Any], now: datetime) -> None:
        self.seen.append(payload)


@pytest.mark.parametrize(
    ("seconds", "cron"),
    [(5, "* * * * * */5"), (30, "* * * * * */30"), (60, "*/1 * * * *"), (300, "*/5 * * * *"), (3_600, "0 */1 * * *")],
)
def test_every_is_a_cron_expression(seconds: int, cron: str) -> None:
    assert every(seconds) == cron


@pytest.mark.parametrize("seconds", [0, 1, 4, 7, 45, 90, 86_400])
def test_when_an_interval_divides_nothing_then_it_is_refused(seconds: int) -> None:
    with pytest.raises(ValueError, match="divides"):
        every(seconds)


async def test_when_the_schema_is_there_then_installing_again_changes_nothing(database: str) -> None:
    connection = await asyncpg.connect(database)
    try:
        await jobs.install(connection)
        await jobs.install(connection)
    finally:
        await connection.close()


async def test_when_the_cause_is_rolled_back_then_its_job_is_gone_too(database: str) -> None:
    async def fail() -> None:
        async with transaction(EVERYTHING) as tx:
            assert await enqueue(tx, "look", {"at": 1})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await count("select count(*) from pgqueuer") == 0


async def test_when_a_key_is_taken_then_the_second_job_is_skipped_and_the_transaction_lives_on(database: str) -> None:
    async with transaction(EVERYTHING) as tx:
        assert await enqueue(tx, "look", {"at": 1}, key="one")
        assert not await enqueue(tx, "look", {"at": 1}, key="one")
        assert await enqueue_many(tx, [Job("look", {}, "one"), Job("look", {}, "two"), Job("look", {}, "two")]) == 1
        assert await tx.fetchval("select 1") == 1
    assert await count("select count(*) from pgqueuer") == 2


async def test_when_two_workers_run_then_each_job_runs_once_and_later_ones_wait(database: str) -> None:
    handler = Remembering()
    workers = [Jobs(database, look_seconds=0.5) for _ in range(2)]
    for one in workers:
        one.entrypoint("look", handler)
    async with transaction(EVERYTHING) as tx:
        await enqueue_many(tx, [Job("look", {"at": n, "name": "Sơn Hà"}) for n in range(40)])
        await enqueue(tx, "look", {"at": "later"}, after=timedelta(seconds=60))
    async with running(*workers):
        await until(lambda: len(handler.seen) >= 40)
    assert sorted(seen["at"] for seen in handler.seen) == list(range(40))
    assert await count("select count(*) from pgqueuer") == 1


async def test_when_asked_to_stop_then_it_is_gone_in_three_seconds_and_gives_back_what_it_held(database: str) -> None:
    begun = asyncio.Event()

    async def hang(payload: Mapping[str, Any], now: datetime) -> None:
        begun.set()
        await asyncio.sleep(60)

    one = Jobs(database, look_seconds=0.5)
    one.entrypoint("look", hang)
    async with transaction(EVERYTHING) as tx:
        await enqueue(tx, "look", {})
    async with running(one) as stop:
        await asyncio.wait_for(begun.wait(), 30)
        stop.set()
        asked = time.monotonic()
    assert time.monotonic() - asked < jobs.STOP_SECONDS + 15  # on a busy machine; the handler would take a minute
    assert await count("select count(*) from pgqueuer where status = 'queued'") == 1


async def test_when_a_handler_fails_then_the_job_is_tried_again_later(database: str) -> None:
    seen = []

    async def fail_once(payload: Mapping[str, Any], now: datetime) -> None:
        seen.append(now)
        if len(seen) == 1:
            raise ValueError("the first time")

    one = Jobs(database, look_seconds=0.3)
    one.entrypoint("look", fail_once)
    async with transaction(EVERYTHING) as tx:
        await enqueue(tx, "look", {})
    async with running(one):
        await until(lambda: len(seen) == 2)
    assert (seen[1] - seen[0]).total_seconds() >= 0.9


async def test_when_its_connections_are_cut_then_the_worker_goes_on(database: str) -> None:
    handler = Remembering()
    one = Jobs(database, look_seconds=0.3)
    one.entrypoint("look", handler)
    async with running(one):
        async with transaction(EVERYTHING) as tx:
            await enqueue(tx, "look", {"at": "before"})
        await until(lambda: len(handler.seen) == 1)
        cut = (  # those of this database: the server may be another run's as well
            "select count(pg_terminate_backend(pid)) from pg_stat_activity "
            "where application_name = 'assets worker' and datname = current_database()"
        )
        assert await count(cut) > 0
        async with transaction(EVERYTHING) as tx:
            await enqueue(tx, "look", {"at": "after"})
        await until(lambda: len(handler.seen) == 2)


async def test_when_a_cut_looks_like_a_fault_of_the_driver_then_the_worker_goes_on_too(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    handler, one = Remembering(), Jobs(database, look_seconds=0.3)
    one.entrypoint("look", handler)
    run_once, runs = one._run_once, []

    async def cut_at_first(stop: asyncio.Event) -> None:
        runs.append(stop)
        if len(runs) == 1:
            raise asyncpg.InternalClientError("got result for unknown protocol state 3")
        await run_once(stop)

    monkeypatch.setattr(one, "_run_once", cut_at_first)
    async with running(one):
        async with transaction(EVERYTHING) as tx:
            await enqueue(tx, "look", {"at": "after"})
        await until(lambda: len(handler.seen) == 1)


async def test_when_two_workers_have_one_schedule_then_each_tick_runs_on_one_of_them(database: str) -> None:
    ticks: list[datetime] = []

    async def tick(now: datetime) -> None:
        ticks.append(now)

    workers = [Jobs(database) for _ in range(2)]
    for one in workers:
        one.schedule("tick", every(5), tick)
    async with running(*workers):
        await until(lambda: len(ticks) >= 1)
        await asyncio.sleep(1.5)
    # On a busy machine the next tick may have come as well.
    assert all(later - earlier > timedelta(seconds=3) for earlier, later in pairwise(ticks)), ticks


async def test_when_a_job_or_a_schedule_runs_then_it_has_a_name_of_its_own(database: str) -> None:
    names: list[str] = []

    async def look(_: Mapping[str, Any], now: datetime) -> None:
        names.append(occasion.current())

    async def tock(now: datetime) -> None:
        names.append(occasion.current())

    one = Jobs(database, look_seconds=0.5)
    one.entrypoint("look", look)
    one.schedule("tock", every(5), tock)
    async with transaction(EVERYTHING) as tx:
        await enqueue(tx, "look", {})
        job = await tx.fetchval("select id from pgqueuer where entrypoint = 'look'")
    async with running(one):
        await until(lambda: len(set(names)) >= 2)
    assert {f"job/look/{job}", "schedule/tock"} == set(names)


async def test_tidying_removes_old_lines_of_the_log_and_nothing_else(database: str) -> None:
    async with transaction(EVERYTHING) as tx:
        await enqueue(tx, "look", {})
        await tx.execute("delete from pgqueuer_log")
        await tx.execute(
            "insert into pgqueuer_log (created, job_id, status, priority, entrypoint, aggregated) "
            "values (now() - interval '9 days', 1, 'successful', 0, 'look', true), (now(), 2, 'successful', 0, 'look', true)"
        )
        assert await jobs.tidy(tx, clock.now()) == 1
        assert await tx.fetchval("select count(*) from pgqueuer_log") == 1
        assert await tx.fetchval("select count(*) from pgqueuer") == 1


async def test_every_schedule_and_job_of_the_worker_runs_on_an_empty_database(database: str) -> None:
    async def send(destination: Destination, message: Message, key: str) -> Sent:
        raise AssertionError("there is nothing to send")

    bench = worker.Bench(
        subjects={}, send=send, ingest=Ingest(Profiles.load(), timedelta(seconds=20)), keep_readings=timedelta(days=30)
    )
    names = [name for name, _, _ in worker.SCHEDULES]
    assert len(set(names)) == len(names)
    for _, _, step in worker.SCHEDULES:
        await step(bench, clock.now())
    for _, entrypoint in worker.ENTRYPOINTS:
        await entrypoint(bench, {"notification": str(new_id())}, clock.now())
    worker.build(database, bench)
