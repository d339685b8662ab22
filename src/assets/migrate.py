"""Bring the database to this version of the code; safe when several processes try at once."""

import contextlib
import io
import os

import asyncpg

from assets import db
from assets.errors import AssetsError

LOCK = 0x0A55E75  # pg_advisory_lock key: one migrating process at a time in the whole fleet


class MigrationFailed(AssetsError):
    """The database could not be brought to this version."""


async def migrate(dsn: str) -> None:
    """Run what has not run yet: the service's role, Piccolo's migrations, PgQueuer's schema, and who may do what."""
    os.environ["PICCOLO_CONF"] = "assets.piccolo_app"
    lock = await db.alone(dsn)
    try:
        await lock.execute("select pg_advisory_lock($1)", LOCK)
        await make_role(lock)
        async with db.owning(dsn):
            await _piccolo()
        from assets.jobs import install

        await install(lock)
        await lock.execute(GRANTS)
    finally:
        await lock.close()


# The service reads and writes rows and changes no table. Of the audit trail it can only read and add.
GRANTS = f"""
grant usage on schema public to {db.ROLE};
grant select, insert, update, delete on all tables in schema public to {db.ROLE};
grant usage, select, update on all sequences in schema public to {db.ROLE};
revoke insert, update, delete on migration from {db.ROLE};
revoke update, delete on audit_events, audit_seals, stock_movements from {db.ROLE};
"""


async def make_role(owner: asyncpg.Connection) -> None:
    """The role that the service acts as; roles are the whole server's, so another database may have made it."""
    try:
        if not await owner.fetchval("select exists(select from pg_roles where rolname = $1)", db.ROLE):
            with contextlib.suppress(asyncpg.DuplicateObjectError, asyncpg.UniqueViolationError):
                await owner.execute(f"create role {db.ROLE} nologin")
        if not await owner.fetchval("select pg_has_role(current_user, $1, 'member')", db.ROLE):
            await owner.execute(f"grant {db.ROLE} to current_user")
    except asyncpg.InsufficientPrivilegeError:
        login = await owner.fetchval("select current_user")
        raise MigrationFailed(
            f"The database login {login} may not make the role {db.ROLE}. Ask the administrator of the server for: "
            f"create role {db.ROLE} nologin; grant {db.ROLE} to {login};"
        ) from None


async def _piccolo() -> None:
    from piccolo.apps.migrations.commands.forwards import ForwardsMigrationManager

    said = io.StringIO()  # Piccolo prints its progress; it is only of interest when it fails
    with contextlib.redirect_stdout(said):
        result = await ForwardsMigrationManager(app_name="assets").run()
    if not result.success:
        raise MigrationFailed(f"{result.message or ''}\n{said.getvalue()}".strip())
