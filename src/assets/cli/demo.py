"""`assets demo`: everything on one machine, and `assets demo break` and `mend` for one simulated device."""

import asyncio
import fcntl
import os
import shutil
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path

import rich_click as click

from assets import clock, db, embedded
from assets import settings as configuration
from assets.app import Parts
from assets.cli.runtime import opened, set_up_logs
from assets.cli.serve import running
from assets.demo import faults, mailsink
from assets.demo.load import Loaded, load
from assets.demo.spec import SPEC_NAME
from assets.errors import Conflict
from assets.probing.audit_heads import HEADS_FILE
from assets.readiness import service as readiness
from assets.settings import Settings

PASSWORD = "trinh-dien-2026"  # printed on the sign-in page of the demo; `assets serve` refuses this database
FOLDER = "demo"
READY_SECONDS = 60
GROUP_WAIT_SECONDS = 5
SIMULATOR_PORTS = range(16_100, 16_200)
SINK_PORTS = range(16_025, 16_099)


@click.group(invoke_without_command=True)
@click.option("--home", type=click.Path(path_type=Path), help="Directory of the demo's data. [default: ASSETS_HOME]")
@click.option("--port", type=click.IntRange(1, 65_535), default=8000, show_default=True, help="Port of the pages.")
@click.pass_context
def demo(context: click.Context, home: Path | None, port: int) -> None:
    """Everything on one machine, with a believable fleet of simulated devices; Ctrl-C stops all of it."""
    settings = _settings(home, port)
    context.obj = settings
    if context.invoked_subcommand is None:
        set_up_logs(settings)
        with _alone(settings.home / FOLDER):
            started = time.monotonic()
            said = _Progress(started)
            said("PostgreSQL")
            server = embedded.ensure(settings.home)
            asyncio.run(_demo(settings, server.dsn, said))


def _settings(home: Path | None, port: int) -> Settings:
    os.environ.setdefault("ASSETS_LOG_LEVEL", "warning")
    wanted: dict[str, object] = {
        "demo": True, "port": port, "interval_seconds": 10, "group_wait_seconds": GROUP_WAIT_SECONDS, "database_url": None,
        "host": "127.0.0.1", "public_url": "",
    }  # fmt: skip
    return configuration.load(**wanted, **({"home": home} if home else {}))


@demo.command("break")
@click.argument("tag")
@click.option("--fault", default="silent", show_default=True, help="silent, jam, toner_out, on_battery, port_down, …")
@click.pass_obj
def break_(settings: Settings, tag: str, fault: str) -> None:
    """Let one simulated device or line fail; the incident follows within 45 s."""
    broken = faults.break_tag(_running_home(settings), tag, fault)
    click.echo(f"{tag}: {broken.fault} since {broken.since.astimezone(clock.LOCAL_ZONE):%H:%M:%S}")


@demo.command()
@click.argument("tag")
@click.pass_obj
def mend(settings: Settings, tag: str) -> None:
    """Let it recover."""
    mended = faults.mend_tag(_running_home(settings), tag)
    click.echo(f"{tag}: {'mended' if mended else 'nothing was wrong with it'}")


def _running_home(settings: Settings) -> Path:
    folder = settings.home / FOLDER
    if not (folder / SPEC_NAME).exists():
        raise Conflict(f"There is no demo below {settings.home}; start it with `assets demo`, or set ASSETS_HOME.")
    return folder


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One demo a home at a time."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Conflict(f"A demo is running below {folder.parent} already; use --home for another one.") from None
        yield


class _Progress:
    """Says what is being done and how long the last thing took."""

    def __init__(self, started: float) -> None:
        self.started = self.last = started
        self.doing = ""

    def __call__(self, step: str) -> None:
        """The next step begins."""
        now = time.monotonic()
        if self.doing:
            click.echo(f"demo: {self.doing:<46} {now - self.last:5.1f} s")
        self.doing, self.last = step, now

    @property
    def seconds(self) -> float:
        """Since the beginning."""
        return time.monotonic() - self.started


async def _demo(settings: Settings, dsn: str, said: _Progress) -> None:
    folder = settings.home / FOLDER
    said("empty database")
    await empty_database(settings.home, dsn, now=clock.now())
    said("tables")
    async with opened(settings, dsn), AsyncExitStack() as stack:
        sim_port, sink_port = _free(socket.SOCK_DGRAM, SIMULATOR_PORTS), _free(socket.SOCK_STREAM, SINK_PORTS)
        said("96 centres, their fleet and a week of history")
        parts = Parts.make(settings)
        (folder / faults.FAULTS_NAME).unlink(missing_ok=True)
        shutil.rmtree(settings.home / "collector", ignore_errors=True)  # its buffer is of the demo before
        loaded = await load(
            vault=parts.vault, spec_out=folder / SPEC_NAME, sim_port=sim_port, sink_port=sink_port, password=PASSWORD,
            now=clock.now(),
        )  # fmt: skip
        said("simulated devices and mail sink")
        await stack.enter_async_context(_simulator(folder, sim_port))
        await stack.enter_async_context(_mail_sink(folder, sink_port))
        said("service, worker and collector")
        accounts = [{"name": n, "role": r, "title": t, "password": PASSWORD} for n, r, t in loaded.accounts]
        web = await stack.enter_async_context(running(settings, dsn, demo_accounts=accounts))
        said("first look at every device")
        await _until(_all_polled, READY_SECONDS)
        await readiness.recompute(None, now=clock.now())
        said("")
        _announce(settings, loaded, said.seconds)
        await web


async def empty_database(home: Path, dsn: str, *, now: datetime) -> None:
    """A fresh schema; Conflict when the database holds anything but an earlier demo.

    What was kept of that demo's audit trail outside the database is set aside: the trail begins anew.
    """
    connection = await db.alone(dsn)
    try:
        used = await connection.fetchval("select to_regclass('public.users') is not null")
        if used and await connection.fetchval(
            "select exists(select 1 from users) and not exists(select 1 from users where name = 'demo-marker')"
        ):
            raise Conflict("This home holds real data; give the demo a --home of its own.")
        await connection.execute("drop schema public cascade; create schema public")
    finally:
        await connection.close()
    with suppress(FileNotFoundError):
        (home / HEADS_FILE).rename(home / f"audit-heads-until-{now:%Y%m%dT%H%M%S}Z.jsonl")


def _free(kind: socket.SocketKind, ports: range) -> int:
    for port in ports:
        with socket.socket(socket.AF_INET, kind) as probe:
            try:
                probe.bind(("127.0.0.1" if kind is socket.SOCK_STREAM else "", port))
            except OSError:
                continue
            return port
    raise Conflict(f"No free port between {ports.start} and {ports.stop - 1}.")


def _simulator(folder: Path, port: int) -> AbstractAsyncContextManager[asyncio.subprocess.Process]:
    return _child(
        "assets.demo.simulator", "--spec", folder / SPEC_NAME, "--faults", folder / faults.FAULTS_NAME, "--port", port
    )


def _mail_sink(folder: Path, port: int) -> AbstractAsyncContextManager[asyncio.subprocess.Process]:
    return _child("assets.demo.mailsink", "--dir", folder / mailsink.FOLDER, "--port", port)


@asynccontextmanager
async def _child(module: str, *arguments: object) -> AsyncIterator[asyncio.subprocess.Process]:
    """A child process that has said `ready`, ended when the block ends."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, *map(str, arguments), stdout=asyncio.subprocess.PIPE
    )
    assert child.stdout is not None
    try:
        line = await asyncio.wait_for(child.stdout.readline(), 20)
        if not line.startswith(b"ready"):
            raise Conflict(f"{module} did not start: {line.decode(errors='replace').strip() or 'see above'}")
        yield child
    finally:
        if child.returncode is None:
            child.send_signal(signal.SIGTERM)
            await asyncio.wait_for(child.wait(), 5)


async def _until(done: Callable[[], Awaitable[bool]], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and not await done():
        await asyncio.sleep(0.25)


async def _all_polled() -> bool:
    """Every target of a collector that speaks has been looked at."""
    async with db.transaction(db.EVERYTHING) as tx:
        waiting = await tx.fetchval(
            "select count(*) from targets t left join device_states d on d.target = t.id "
            "left join collector_sites cs on cs.site = t.site where t.enabled and cs.id is null "
            "and (d.observed_at is null or d.observed_at < $1)", clock.now() - timedelta(seconds=READY_SECONDS),
        )  # fmt: skip
    return bool(waiting == 0)


def _announce(settings: Settings, loaded: Loaded, seconds: float) -> None:
    click.echo(f"\nReady after {seconds:.0f} s: {settings.url}\n")
    click.echo(f"Sign in as one of these, password {PASSWORD}")
    for name, role, purpose in loaded.accounts:
        click.echo(f"  {name:<22} {role:<14} {purpose}")
    home = f"ASSETS_HOME={settings.home} " if settings.home != configuration.default_home() else ""
    click.echo(
        f"\nLet something fail:  {home}assets demo break {loaded.example_tag}   (and: mend {loaded.example_tag})"
    )
    click.echo(f"Mails that were sent: {settings.home / FOLDER / mailsink.FOLDER}")
    click.echo("Ctrl-C stops everything.")
