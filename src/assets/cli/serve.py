"""`assets serve`: the service, a worker in the same process, and a collector as a child of its own."""

import asyncio
import contextlib
import itertools
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

from assets import clock, db, heap
from assets import settings as configuration
from assets.access.actor import SYSTEM
from assets.app import Parts, create_app
from assets.cli.runtime import find_database, keep_database, opened, refuse_demo, set_up_logs
from assets.incidents.faults import kinds
from assets.inventory import things
from assets.inventory.kits import decree, norm_book
from assets.monitoring import collectors
from assets.places import changes
from assets.places import service as places
from assets.places.units import parse, shipped
from assets.settings import Settings
from assets.worker import work

STOP_SECONDS = 3  # an open page must not hold up a stop
log = structlog.get_logger("assets.serve")


@click.command()
@click.option("--no-collector", is_flag=True, help="Do not start a collector beside the service.")
@click.option("--no-worker", is_flag=True, help="Leave jobs to `assets work` on this or other machines.")
def serve(no_collector: bool, no_worker: bool) -> None:
    """The service, with a worker and a collector of its own."""
    heap.set_up()
    settings = configuration.load()
    if settings.demo:
        raise configuration.WrongSettings("ASSETS_DEMO: only `assets demo` sets it")
    set_up_logs(settings)
    dsn = find_database(settings)
    asyncio.run(_serve(settings, dsn, collector=not no_collector, worker=not no_worker))


async def _serve(settings: Settings, dsn: str, *, collector: bool, worker: bool) -> None:
    async with opened(settings, dsn):
        await refuse_demo()
        await _first_start()
        async with running(settings, dsn, collector=collector, worker=worker) as server:
            log.info("ready", address=settings.url)
            await server


async def _first_start() -> None:
    """The 96 units with their centres, the usual kinds of equipment with their norms and faults, when there are none yet."""
    async with db.transaction(db.EVERYTHING) as tx:
        empty = not await tx.fetchval("select exists(select 1 from administrative_units)")
    if empty:
        await places.load_units(SYSTEM, parse(shipped()))
        await places.open_centres(SYSTEM)
    await changes.load_origins(SYSTEM)
    await things.add_default_categories(SYSTEM)
    await kinds.add_default_kinds(SYSTEM)
    if empty:
        await norm_book.add_decree_norms(SYSTEM, decree.NORMS)


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
    with heap.building():
        parts = Parts.make(settings)
        app = create_app(settings, parts, demo_accounts=demo_accounts)
    stop = asyncio.Event()
    async with AsyncExitStack() as stack:
        config = uvicorn.Config(
            app, host=settings.host, port=settings.port, log_config=None, access_log=False,
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
        tasks = []
        if settings.database_url is None:
            tasks.append(asyncio.create_task(keep_database(settings, stop), name="database"))
        if worker:
            tasks.append(asyncio.create_task(work(parts, dsn, stop), name="worker"))
        if collector:
            await _own_token(settings)
            tasks.append(asyncio.create_task(_keep_collector(settings, stop), name="collector"))
        if tasks:
            tasks.append(asyncio.create_task(_watch([*tasks], server, stop), name="watch"))
            stack.push_async_callback(_gather, stop, tasks)
        heap.settle()
        yield web


async def _finish(stop: asyncio.Event, server: uvicorn.Server, web: asyncio.Task[None]) -> None:
    stop.set()
    server.should_exit = True
    await asyncio.wait([web], timeout=STOP_SECONDS + 2)


async def _watch(tasks: list[asyncio.Task[None]], server: uvicorn.Server, stop: asyncio.Event) -> None:
    """End the service when a part of it ends before it was asked to: better started again than half alive."""
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    if not stop.is_set():
        log.error("a part of the service has ended; the service ends too", part=[t.get_name() for t in done])
        server.should_exit = True


async def _gather(stop: asyncio.Event, tasks: list[asyncio.Task[None]]) -> None:
    stop.set()
    done, late = await asyncio.wait(tasks, timeout=STOP_SECONDS + 1)
    for task in late:
        task.cancel()
    for task in done:
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a part of the service had failed", part=task.get_name(), exc_info=error)


async def _keep_collector(settings: Settings, stop: asyncio.Event) -> None:
    """The collector for all sites that have none of their own, as a child; one that dies is started again."""
    waits = itertools.chain((1, 2, 5), itertools.repeat(15))
    while not stop.is_set():
        child = await _start_collector(settings)
        gone, asked = asyncio.create_task(child.wait()), asyncio.create_task(stop.wait())
        await asyncio.wait({gone, asked}, return_when=asyncio.FIRST_COMPLETED)
        asked.cancel()
        if stop.is_set():
            await _end_child(child)
            return
        log.error("the collector has ended; it is started again", code=child.returncode)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), next(waits))


async def _start_collector(settings: Settings) -> asyncio.subprocess.Process:
    home = _collector_home(settings)
    address = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host  # noqa: S104 - not bound to
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith("ASSETS_")},
        "ASSETS_COLLECTOR_URL": f"http://{f'[{address}]' if ':' in address else address}:{settings.port}",
        "ASSETS_COLLECTOR_TOKEN_FILE": str(home / "token"),
        "ASSETS_COLLECTOR_HOME": str(home),
        "ASSETS_LOG_LEVEL": settings.log_level,
        "ASSETS_PROBE_NETWORKS": settings.asked_networks,
        "ASSETS_PROBE_CLOSED": settings.closed_addresses,
    }  # fmt: skip
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "assets", "collect", "--parent", str(os.getpid()), env=environment
    )


def _collector_home(settings: Settings) -> Path:
    home = settings.home / "collector"
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    return home


async def _own_token(settings: Settings) -> None:
    """A token that works, in a file that only we read; Conflict when another service's collector has the place."""
    path = _collector_home(settings) / "token"
    if path.exists() and await collectors.actor_of(path.read_text().strip(), origin="") is not None:
        return
    token = await collectors.enrol(SYSTEM, None, now=clock.now())
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
