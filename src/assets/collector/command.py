"""`assets collect`: the collector as a program."""

import asyncio
import contextlib
import ctypes
import logging
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import rich_click as click
import structlog

from assets import heap
from assets.collector.agent import Agent
from assets.collector.buffer import BufferTaken
from assets.collector.rounds import Prober
from assets.collector.settings import CollectorSettings, load
from assets.errors import AssetsError

PARENT_LOOK_SECONDS = 0.5
_WITHOUT_LOCALS = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)  # they hold secrets
PR_SET_PDEATHSIG = 1  # prctl(2)


@click.command("collect")
@click.option("--url", help="Web address of the service. [env: ASSETS_COLLECTOR_URL]")
@click.option(
    "--token-file", type=click.Path(path_type=Path), help="File with the token. [env: ASSETS_COLLECTOR_TOKEN_FILE]"
)
@click.option("--home", type=click.Path(path_type=Path), help="Directory of the buffer. [env: ASSETS_COLLECTOR_HOME]")
@click.option("--parent", type=int, help="Stop when this process, which started the collector, is gone.")
def collect(url: str | None, token_file: Path | None, home: Path | None, parent: int | None) -> None:
    """Ask the devices of a site and tell the service, also over bad lines and through outages."""
    from assets.collector.devices import Devices  # the prober is not needed to say that a setting is wrong

    try:
        settings = load(collector_url=url, collector_token_file=token_file, collector_home=home)
        run(settings, make_prober=lambda: Devices(settings.allowed), parent=parent)
    except BufferTaken as error:
        raise click.ClickException(f"{error}: {settings.folder}") from None
    except (AssetsError, FileNotFoundError) as error:
        raise click.ClickException(str(error)) from None


def run(settings: CollectorSettings, *, make_prober: Callable[[], Prober], parent: int | None = None) -> None:
    """Collect until SIGTERM, SIGINT or the parent's death. A second signal ends it at once."""
    configure_logs(settings.log_level)
    asyncio.run(_run(settings, make_prober, parent))


async def _run(settings: CollectorSettings, make_prober: Callable[[], Prober], parent: int | None) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError):  # Windows: Ctrl-C raises KeyboardInterrupt instead
            loop.add_signal_handler(number, _stop_or_leave, stop)
    watch = asyncio.create_task(_watch(parent, stop)) if parent is not None else None
    try:
        agent = Agent(settings, prober=make_prober())
        heap.settle()
        await agent.run(stop)
    finally:
        if watch is not None:
            watch.cancel()


def _stop_or_leave(stop: asyncio.Event) -> None:
    if stop.is_set():
        os._exit(1)  # what is kept is on disk; whoever asks twice does not want to wait
    stop.set()


async def _watch(parent: int, stop: asyncio.Event) -> None:
    """Stop when the parent is gone: at once where the kernel tells us, else within PARENT_LOOK_SECONDS."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    # After the call above, so that a parent that died before it is noticed too.
    while os.getppid() == parent:
        await asyncio.sleep(PARENT_LOOK_SECONDS)
    stop.set()


def configure_logs(level: str = "info") -> None:
    """One line an event on standard error: colours for a person, JSON for a journal."""
    shape: list[structlog.typing.Processor] = [
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    ]
    if not sys.stderr.isatty():
        shape = [
            structlog.processors.ExceptionRenderer(_WITHOUT_LOCALS),
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ]
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *shape,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
