"""The only door to PgQueuer: install its schema, put a job beside its cause, run jobs and schedules until stopped.

A job only says "look at X"; what is true stands in our own rows, so that a job that runs twice or is lost does no harm.
Delivery is at least once: a job whose worker died is picked up again HEARTBEAT_SECONDS after its last sign of life.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeAlias, cast

import asyncpg
import structlog
from pgqueuer import PgQueuer
from pgqueuer.core.qm import QueueManager
from pgqueuer.db import AsyncpgDriver
from pgqueuer.errors import FailingListenerError, RetryRequested
from pgqueuer.executors import DatabaseRetryEntrypointExecutor, EntrypointExecutorParameters
from pgqueuer.models import HealthCheckEvent
from pgqueuer.models import Job as Picked
from pgqueuer.models import Schedule as Tick
from pgqueuer.queries import Queries

from assets import clock, occasion
from assets.db import Connection

HEARTBEAT_SECONDS = 20  # must outlast the lease of whatever a job claims, so that the next worker finds it free
LOOK_SECONDS = 5  # between two looks at the queue when no NOTIFY came; also finds the jobs of dead workers
BATCH_MAX = 10
AT_ONCE_MAX = 20  # jobs of one worker; PgQueuer wants at least twice the batch
ATTEMPTS_MAX = 5  # then the row is held as `failed`, for people to see
GRACE_SECONDS = 2.0  # what a running job may still take once the worker is asked to stop
STOP_SECONDS = 3.0
SHORTEST_SECONDS = 5  # PgQueuer looks about once a second and skips ticks of shorter schedules
POOL_MAX = 4  # one connection LISTENs for good, the others carry PgQueuer's own statements
RESTART_SECONDS = (1, 2, 5, 10)  # waits after the database went away
KEEP_LOG = timedelta(days=2)
KEEP_FAILED = timedelta(days=30)
TIDY_ROWS_MAX = 50_000

Handler: TypeAlias = Callable[[Mapping[str, Any], datetime], Awaitable[object]]
Tock: TypeAlias = Callable[[datetime], Awaitable[object]]
_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Job:
    """One job to be: `key` keeps a second one out while the first waits or runs, `after` is how long it waits."""

    name: str
    payload: Mapping[str, Any]
    key: str | None = None
    after: timedelta | None = None


async def install(connection: Connection) -> None:
    """Bring PgQueuer's tables to the installed version; needs a connection of its own and the migrations' lock."""
    queries = _queries(connection)
    if await queries.schema_is_installed():
        await queries.apply_upgrade()
    else:
        await queries.install()


async def enqueue(
    tx: Connection, name: str, payload: Mapping[str, Any], *, key: str | None = None, after: timedelta | None = None
) -> bool:
    """Put one job into the caller's transaction; False when a job with this `key` waits or runs already."""
    return await enqueue_many(tx, [Job(name, payload, key, after)]) == 1


async def enqueue_many(tx: Connection, jobs: Sequence[Job]) -> int:
    """Put jobs into the caller's transaction in one statement; how many were new.

    A key that is taken is skipped by ON CONFLICT DO NOTHING: it raises nothing, so the transaction lives on.
    """
    if not jobs:
        return 0
    # The savepoint is for the rest (a queue table in the middle of an upgrade): the cause must not be lost with it.
    async with tx.transaction():
        ids = await _queries(tx).enqueue(
            [job.name for job in jobs], [_encode(job.payload) for job in jobs], [0] * len(jobs),
            [job.after for job in jobs], [job.key for job in jobs], on_conflict="skip",
        )  # fmt: skip
    return sum(1 for job in ids if job is not None)


def every(seconds: int) -> str:
    """The cron expression (seconds last) of "each so many seconds"; only what divides a minute, an hour or a day."""
    for unit, whole, form in ((1, 60, "* * * * * */{}"), (60, 60, "*/{} * * * *"), (3_600, 24, "0 */{} * * *")):
        step, rest = divmod(seconds, unit)
        if seconds >= SHORTEST_SECONDS and rest == 0 and step < whole and whole % step == 0:
            return form.format(step)
    raise ValueError(f"{seconds} s is below {SHORTEST_SECONDS} or divides no minute, hour or day")


async def tidy(tx: Connection, now: datetime) -> int:
    """Remove PgQueuer's log of finished jobs and very old failures; at most TIDY_ROWS_MAX of each a call."""
    removed = 0
    for statement, before in (
        (_TIDY_LOG, now - KEEP_LOG), (_TIDY_STATISTICS, now - KEEP_FAILED), (_TIDY_FAILED, now - KEEP_FAILED),
    ):  # fmt: skip
        status = await tx.execute(statement, before, TIDY_ROWS_MAX)
        removed += int(status.rpartition(" ")[2])
    return removed


_TIDY_LOG = (
    "delete from pgqueuer_log where id in (select id from pgqueuer_log where created < $1 and aggregated limit $2)"
)
_TIDY_STATISTICS = (
    "delete from pgqueuer_statistics where id in (select id from pgqueuer_statistics where created < $1 limit $2)"
)
_TIDY_FAILED = (
    "delete from pgqueuer where id in (select id from pgqueuer where status = 'failed' and updated < $1 limit $2)"
)


@dataclass
class Jobs:
    """What one worker can do; any number of them may run against one database."""

    dsn: str = field(repr=False)
    look_seconds: float = LOOK_SECONDS
    heartbeat_seconds: float = HEARTBEAT_SECONDS
    _entrypoints: dict[str, Handler] = field(default_factory=dict)
    _schedules: dict[tuple[str, str], Tock] = field(default_factory=dict)
    _running: set[asyncio.Task[object]] = field(default_factory=set)

    def entrypoint(self, name: str, handler: Handler) -> None:
        """Jobs called `name` go to `handler(payload, now)`; it must be safe to run twice."""
        self._entrypoints[name] = handler

    def schedule(self, name: str, cron: str, step: Tock) -> None:
        """Run `step(now)` when `cron` says so (UTC), on one worker of the fleet; 5 s is the shortest interval."""
        self._schedules[name, cron] = step

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set, then be gone within STOP_SECONDS; outlives a database that comes and goes.

        Whatever still runs after GRACE_SECONDS is cancelled, and its job is given back to the queue at once.
        """
        failures = 0
        while not stop.is_set():
            started = asyncio.get_running_loop().time()
            try:
                await self._run_once(stop)
            except _DATABASE_AWAY as error:
                if asyncio.get_running_loop().time() - started > 60:
                    failures = 0
                wait = RESTART_SECONDS[min(failures, len(RESTART_SECONDS) - 1)]
                if failures == 0:
                    _log.warning("jobs.database_away", error=str(error)[:200], error_type=type(error).__name__)
                failures += 1
                await _wait(stop, wait)

    async def _run_once(self, stop: asyncio.Event) -> None:
        pool = await asyncpg.create_pool(
            self.dsn, min_size=1, max_size=POOL_MAX, timeout=5, command_timeout=30,
            server_settings={"application_name": "assets worker", "timezone": "UTC"},
        )  # fmt: skip
        try:
            queuer = self._register(_Queuer.from_asyncpg_pool(pool), stop)
            await self._drive(queuer, stop)
        finally:
            try:
                await asyncio.wait_for(pool.close(), 1)
            except (TimeoutError, *_DATABASE_AWAY):
                pool.terminate()

    async def _drive(self, queuer: PgQueuer, stop: asyncio.Event) -> None:
        work = asyncio.create_task(
            queuer.run(
                dequeue_timeout=timedelta(seconds=self.look_seconds), batch_size=BATCH_MAX,
                max_concurrent_tasks=AT_ONCE_MAX, shutdown_on_listener_failure=True,
                heartbeat_timeout=timedelta(seconds=self.heartbeat_seconds),
            )
        )  # fmt: skip
        asked = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({work, asked}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                queuer.shutdown.set()
                await asyncio.wait({work}, timeout=GRACE_SECONDS)
                for task in self._running:
                    task.cancel()
                await asyncio.wait({work}, timeout=STOP_SECONDS - GRACE_SECONDS)
        finally:
            asked.cancel()
            work.cancel()
            # Waits for the cancellation too; a database error of a stopping worker is of no interest any more.
            (outcome,) = await asyncio.gather(work, return_exceptions=True)
        if isinstance(outcome, Exception) and not stop.is_set():
            raise outcome

    def _register(self, queuer: PgQueuer, stop: asyncio.Event) -> PgQueuer:
        for name, handler in self._entrypoints.items():
            queuer.entrypoint(name, accepts_context=False, on_failure="hold", executor_factory=_retried)(
                self._guarded_job(name, handler, stop)
            )
        for (name, cron), step in self._schedules.items():
            queuer.schedule(name, cron, accepts_context=False)(self._guarded_step(name, step))
        return queuer

    def _guarded_job(self, name: str, handler: Handler, stop: asyncio.Event) -> Callable[[Picked], Awaitable[None]]:
        async def run(job: Picked) -> None:
            try:
                with occasion.during(f"job/{name}/{job.id}"):
                    await self._watched(handler(_decode(job.payload), clock.now()))
            except asyncio.CancelledError:
                if not stop.is_set():
                    raise
                # PgQueuer would take a cancelled job off the queue; another worker shall have it instead.
                raise RetryRequested(delay=timedelta(0), reason="the worker stops") from None

        return run

    def _guarded_step(self, name: str, step: Tock) -> Callable[[Tick], Awaitable[None]]:
        async def run(_: Tick) -> None:
            with occasion.during(f"schedule/{name}"):
                await self._watched(step(clock.now()))

        return run

    async def _watched(self, work: Awaitable[object]) -> None:
        task = asyncio.ensure_future(work)
        self._running.add(task)
        try:
            await task
        finally:
            self._running.discard(task)


class _PatientManager(QueueManager):
    """PgQueuer asks whether its listener hears before it has begun to LISTEN: the first "no" is not believed."""

    async def listener_healthy(self, timeout: timedelta = timedelta(seconds=10)) -> HealthCheckEvent:
        """Ask for two seconds, then once more for the whole time."""
        try:
            return await super().listener_healthy(timedelta(seconds=2))
        except FailingListenerError:
            return await super().listener_healthy(timeout)


class _Queuer(PgQueuer):
    """PgQueuer with the patient manager in place of its own."""

    def __post_init__(self) -> None:
        super().__post_init__()
        assert self.queries is not None
        self.qm = _PatientManager(self.queries, self.channel, resources=self.resources)
        self.qm.shutdown = self.shutdown


def _retried(parameters: EntrypointExecutorParameters) -> DatabaseRetryEntrypointExecutor:
    return DatabaseRetryEntrypointExecutor(parameters=parameters, max_attempts=ATTEMPTS_MAX)


def _queries(connection: Connection) -> Queries:
    return Queries(AsyncpgDriver(cast("asyncpg.Connection", connection)))


def _encode(payload: Mapping[str, Any]) -> bytes:
    return json.dumps(payload, ensure_ascii=False, default=str).encode()


def _decode(payload: bytes | None) -> Mapping[str, Any]:
    found = json.loads(payload or b"{}")
    if not isinstance(found, dict):
        raise TypeError("a job's payload is a JSON object")
    return found


async def _wait(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return


# asyncpg calls it a fault of its own when a connection ends in the middle of an exchange.
_DATABASE_AWAY = (
    OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, TimeoutError, FailingListenerError,
)  # fmt: skip
