"""`assets serve`: the service, a worker in the same process, and a collector as a child of its own."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import rich_click as click
import structlog
import uvicorn

from assets import clock, db
from assets import settings as configuration
from assets.access.actor import SYSTEM
from assets.app import Parts, create_app
from assets.cli.runtime import find_database, keep_database, opened, set_up_logs
from assets.errors import AssetsError, Conflict
from assets.monitoring import collectors
from assets.places import service as places
from assets.places.units import parse, shipped
from assets.settings import Settings
from assets.worker import work

STOP_SECONDS = 3  # an open page must not hold up a stop
log = structlog.get_logger("assets.serve")


class DemoData(AssetsError):
    """This database holds demonstration data with known passwords; `assets serve` does not use it."""


@click.command()
@click.option("--no-collector", is_flag=True, help="Do not start a collector beside the service.")
@click.option("--no-worker", is_flag=True, help="Leave jobs to `assets work` on this or other machines.")
def serve(no_collector: bool, no_worker: bool) -> None:
    """The service, with a worker and a collector of its own."""
    settings = configuration.load()
    if settings.demo:
        raise configuration.WrongSettings("ASSETS_DEMO: only `assets demo` sets it")
    set_up_logs(settings)
    dsn = find_database(settings)
    asyncio.run(_serve(settings, dsn, collector=not no_collector, worker=not no_worker))


async def _serve(settings: Settings, dsn: str, *, collector: bool, worker: bool) -> None:
    async with opened(settings, dsn):
        await _refuse_demo()
        await _first_start()
        async with running(settings, dsn, collector=collector, worker=worker) as server:
            log.info("ready", address=settings.url)
            await server


async def _refuse_demo() -> None:
    async with db.transaction(db.EVERYTHING) as tx:
        if await tx.fetchval("select 1 from users where name = 'demo-marker'"):
            raise DemoData()


async def _first_start() -> None:
    """The 96 units with their centres and the usual kinds of equipment, when there are none yet."""
    async with db.transaction(db.EVERYTHING) as tx:
        empty = not await tx.fetchval("select exists(select 1 from administrative_units)")
    if empty:
        await places.load_units(SYSTEM, parse(shipped()))
        await places.open_centres(SYSTEM)


class _Web(uvicorn.Server):
    """Uvicorn, less its habit of raising the signal again: it would end the process before its parts are closed."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Nothing: `running` has its own handlers."""
        yield

    def ask_to_stop(self) -> None:
        """Stop politely; the second time at once."""
        self.force_exit = self.should_exit
        self.should_exit = True


@asynccontextmanager
async def running(
    settings: Settings, dsn: str, *, collector: bool = True, worker: bool = True, demo_accounts: Sequence[Any] = ()
) -> AsyncIterator[asyncio.Task[None]]:
    """Service, worker and collector, for as long as the block lasts; the block gets the service's own task."""
    parts = Parts.make(settings)
    stop = asyncio.Event()
    async with AsyncExitStack() as stack:
        config = uvicorn.Config(
            create_app(settings, parts, demo_accounts=demo_accounts),
            host=settings.host, port=settings.port, log_config=None, access_log=False,
            timeout_graceful_shutdown=STOP_SECONDS, server_header=False, proxy_headers=False, lifespan="on",
        )  # fmt: skip
        server = _Web(config)
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, server.ask_to_stop)
        web = asyncio.create_task(server.serve(), name="web")
        stack.push_async_callback(_finish, stop, server, web)
        while not server.started and not web.done():
            await asyncio.sleep(0.02)
        if web.done():
            web.result()
            raise configuration.WrongSettings(f"ASSETS_PORT: {settings.host}:{settings.port} cannot be listened on")
        tasks = [asyncio.create_task(keep_database(settings, stop), name="database")]
        if worker:
            tasks.append(asyncio.create_task(work(parts, dsn, stop), name="worker"))
        if collector:
            child = await start_collector(settings)
            stack.push_async_callback(_end_child, child)
        stack.push_async_callback(_gather, stop, tasks)
        yield web


async def _finish(stop: asyncio.Event, server: uvicorn.Server, web: asyncio.Task[None]) -> None:
    stop.set()
    server.should_exit = True
    await asyncio.wait([web], timeout=STOP_SECONDS + 2)


async def _gather(stop: asyncio.Event, tasks: list[asyncio.Task[None]]) -> None:
    stop.set()
    done, late = await asyncio.wait(tasks, timeout=STOP_SECONDS + 1)
    for task in late:
        task.cancel()
    for task in done:
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a part of the service had failed", part=task.get_name(), exc_info=error)


async def start_collector(settings: Settings) -> asyncio.subprocess.Process:
    """The collector for all sites that have none of their own, as a child that speaks loopback HTTP."""
    home = settings.home / "collector"
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    token = home / "token"
    await _own_token(token)
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith("ASSETS_")},
        "ASSETS_COLLECTOR_URL": f"http://{'127.0.0.1' if settings.host == '0.0.0.0' else settings.host}:{settings.port}",  # noqa: S104
        "ASSETS_COLLECTOR_TOKEN_FILE": str(token),
        "ASSETS_COLLECTOR_HOME": str(home),
    }  # fmt: skip
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "assets", "collect", "--parent", str(os.getpid()), env=environment
    )


async def _own_token(path: Path) -> None:
    """A token that works, in a file that only we read; drawn anew when the file or the collector is gone."""
    if path.exists() and await collectors.actor_of(path.read_text().strip(), origin="") is not None:
        return
    try:
        token = await collectors.enrol(SYSTEM, None, now=clock.now())
    except Conflict:
        async with db.transaction(db.EVERYTHING) as tx:
            central = await tx.fetchval("select id from collectors where covers_rest and revoked_at is null")
        token = await collectors.renew_token(SYSTEM, central)
    path.touch(mode=0o600)
    path.write_text(token + "\n")


async def _end_child(child: asyncio.subprocess.Process) -> None:
    if child.returncode is None:
        child.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(child.wait(), STOP_SECONDS + 1)
        except TimeoutError:
            child.kill()
            await child.wait()
