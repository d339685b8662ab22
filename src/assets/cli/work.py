"""`assets work`: one more worker, on this or any other machine that reaches the database."""

import asyncio
import signal

import rich_click as click
import structlog

from assets import settings as configuration
from assets.app import Parts
from assets.cli.runtime import find_database, keep_database, opened, refuse_demo, set_up_logs
from assets.settings import Settings
from assets.worker import work as run_worker


@click.command()
def work() -> None:
    """One more worker against the same database."""
    settings = configuration.load()
    set_up_logs(settings)
    asyncio.run(_work(settings, find_database(settings)))


async def _work(settings: Settings, dsn: str) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with opened(settings, dsn):
        await refuse_demo()
        structlog.get_logger("assets.work").info("ready")
        keeper = None if settings.database_url else asyncio.create_task(keep_database(settings, stop))
        await run_worker(Parts.make(settings), dsn, stop)
        stop.set()
        if keeper:
            await keeper
