"""`assets backup` and `assets restore`: everything in one file, and back."""

import asyncio
import shutil
import signal
import sys
import tempfile
from pathlib import Path

import rich_click as click

from assets import clock, embedded
from assets import settings as configuration
from assets.backup import service
from assets.cli.runtime import find_database
from assets.vault import KEY_FILE, Vault

FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.argument("file", type=FILE)
def backup(file: Path) -> None:
    """Write everything in the database to the new FILE, while the service runs or not. The key is not in it."""
    settings = configuration.load()
    vault = Vault.open(settings.home, make=False)
    told = asyncio.run(service.take(find_database(settings), vault, file.absolute(), now=clock.now()))
    click.echo(
        f"{file}: {file.stat().st_size / 1e6:.1f} MB, {told.rows} rows of {len(told.tables)} tables, as of "
        f"{told.taken_at:%Y-%m-%d %H:%M:%S} UTC."
    )
    click.echo(f"The key {told.key} is not in it: keep a copy of {settings.home / KEY_FILE} in another place.")


@click.command()
@click.argument("file", type=FILE)
@click.option("--check", is_flag=True, help="Restore it into a database of its own, compare, and throw that away.")
@click.option(
    "--replace", is_flag=True, help="Replace what the database holds; that is backed up below the home first."
)
def restore(file: Path, check: bool, replace: bool) -> None:
    """Put the backup FILE into the database, all of it or nothing; every table is compared with what was kept."""
    settings = configuration.load()
    vault = Vault.open(settings.home, make=False)
    now = clock.now()
    if check:
        _tried(settings.home, vault, file)
        return
    replaced = settings.home / f"replaced-{now:%Y%m%dT%H%M%SZ}.backup" if replace else None
    try:
        done = asyncio.run(service.restore(find_database(settings), vault, file, replaced=replaced, now=now))
    finally:
        if replaced and replaced.exists():
            click.echo(f"What was there before is in {replaced}.")
    click.echo("Everybody signs in again.")
    _say(done, f"Restored {file}")


def _tried(beside: Path, vault: Vault, file: Path) -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # what follows is to be cleared away
    home = Path(tempfile.mkdtemp(prefix="restore-check-", dir=beside))  # there is room for it where the database is
    try:
        dsn = embedded.ensure(home).dsn
        done = asyncio.run(service.restore(dsn, vault, file, replaced=None, now=clock.now()))
    finally:
        embedded.stop(home)
        shutil.rmtree(home, ignore_errors=True)
    _say(done, f"{file} can be restored")


def _say(done: service.Restored, what: str) -> None:
    told = done.manifest
    click.echo(
        f"{what}, as of {told.taken_at:%Y-%m-%d %H:%M:%S} UTC: {told.rows} rows of {len(told.tables)} tables"
        f"{'' if done.wrong else ' as they were kept'}, {done.secrets} secrets open."
    )
    if done.wrong:
        click.echo("\n".join((f"{len(done.wrong)} findings:", *done.wrong)))
        sys.exit(1)
