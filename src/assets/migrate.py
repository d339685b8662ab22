"""Bring the database to this version of the code; safe when several processes try at once."""

import contextlib
import io
import os

import asyncpg

from assets.errors import AssetsError

LOCK = 0x0A55E75  # pg_advisory_lock key: one migrating process at a time in the whole fleet


class MigrationFailed(AssetsError):
    """The database could not be brought to this version."""


async def migrate(dsn: str) -> None:
    """Run what has not run yet, Piccolo's migrations and then PgQueuer's schema; needs the pool to be open."""
    os.environ["PICCOLO_CONF"] = "assets.piccolo_app"
    lock = await asyncpg.connect(dsn, timeout=10)
    try:
        await lock.execute("select pg_advisory_lock($1)", LOCK)
        await _piccolo()
        from assets.jobs import install

        await install(lock)
    finally:
        await lock.close()


async def _piccolo() -> None:
    from piccolo.apps.migrations.commands.forwards import ForwardsMigrationManager

    said = io.StringIO()  # Piccolo prints its progress; it is only of interest when it fails
    with contextlib.redirect_stdout(said):
        result = await ForwardsMigrationManager(app_name="assets").run()
    if not result.success:
        raise MigrationFailed(f"{result.message or ''}\n{said.getvalue()}".strip())
