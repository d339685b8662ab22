"""What every command of the server has in common: settings, logs, the database and the parts."""

import asyncio
import logging
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

from assets import clock, db, embedded
from assets.errors import AssetsError, Unavailable
from assets.migrate import migrate
from assets.monitoring.storage import make_partitions
from assets.settings import Settings


class DemoData(AssetsError):
    """This database holds demonstration data with known passwords; only `assets demo` uses it."""


def set_up_logs(settings: Settings) -> None:
    """Structured logs on stderr: text for people, one JSON object a line for machines."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: structlog.typing.Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if settings.log_json
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(),
            exception_formatter=structlog.dev.plain_traceback,  # the other one shows local variables: secrets
        )
    )
    level = getattr(logging, settings.log_level.upper())
    structlog.configure(
        processors=[*shared, structlog.processors.format_exc_info, last] if settings.log_json else [*shared, last],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    formatter = structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=[
        structlog.stdlib.ProcessorFormatter.remove_processors_meta, last,
    ])  # fmt: skip
    handler = logging.StreamHandler()
    handler.setFormatter(formatter)
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for noisy in ("httpx2", "httpx", "httpcore", "httpcore2", "pgqueuer", "apprise", "asyncio", "asyncpg"):
        logging.getLogger(noisy).setLevel(logging.ERROR)


def find_database(settings: Settings, *, owned: bool = True) -> str:
    """The DSN to use: the configured server, else our own embedded one, started if need be. On the main thread only."""
    if settings.database_url is not None:
        return settings.database_url.get_secret_value()
    return embedded.ensure(settings.home, owned=owned).dsn


@asynccontextmanager
async def opened(settings: Settings, dsn: str) -> AsyncIterator[None]:
    """The pool open and the schema current, for as long as the block lasts."""
    await migrate(dsn)
    await db.connect(dsn, pool_max=settings.pool_max)
    try:
        async with db.transaction(db.EVERYTHING) as tx:
            await make_partitions(tx, clock.now().date())
        yield
    finally:
        await db.disconnect()


async def keep_database(settings: Settings, stop: asyncio.Event, *, every_seconds: float = 2.0) -> None:
    """Start the embedded server again when its owner died or it was killed, until `stop`.

    Runs on the main thread's loop on purpose: the embedded server ends with the thread that started it.
    """
    log = structlog.get_logger("assets.database")
    while not stop.is_set():
        try:
            await asyncio.wait_for(stop.wait(), every_seconds)
        except TimeoutError:
            if await _answers():
                continue
            log.warning("the embedded database does not answer; it is started again")
            try:
                embedded.ensure(settings.home)
                log.warning("the embedded database answers again")
            except AssetsError as error:
                log.error("the embedded database cannot be started; tried again soon", reason=error.detail)


async def _answers() -> bool:
    try:
        async with asyncio.timeout(5), db.transaction(db.EVERYTHING) as tx:
            await tx.execute("select 1")
    except (Unavailable, TimeoutError, OSError):
        return False
    return True


async def refuse_demo() -> None:
    """Raise DemoData when this is a demo's database."""
    async with db.transaction(db.EVERYTHING) as tx:
        if await tx.fetchval("select 1 from users where name = 'demo-marker'"):
            raise DemoData()
