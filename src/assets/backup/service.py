"""Taking a backup and restoring it: seen in one snapshot, put back in one transaction, compared before it is believed.

The key that seals secrets is not in a backup: a stolen one opens nothing. What is sealed with it stands in the
manifest, so that a restore without the right key fails before it changes anything.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

import asyncpg

from assets import __version__, db, migrate
from assets.access import second_factor
from assets.access.actor import SYSTEM
from assets.audit.service import record
from assets.audit.verifying import Count, findings
from assets.backup import archive
from assets.backup.archive import Manifest
from assets.backup.contents import contents_of, differences
from assets.backup.programs import Programs
from assets.errors import Conflict
from assets.ids import new_id
from assets.monitoring import credentials
from assets.notifications import outbox
from assets.vault import Vault, VaultError

CANARY, BOUND_TO = "assets", "backup.key"
_FRESH = (
    "drop schema if exists public cascade; create schema public authorization pg_database_owner; "
    "grant usage on schema public to public"
)
_SEALED: tuple[tuple[str, str, Callable[[UUID], str]], ...] = (
    ("credentials", "secret", credentials.sealed_for),
    ("channels", "url", outbox.place_of),
    ("users", "totp", second_factor.place_of),
)


@dataclass(frozen=True)
class Restored:
    """What a restore brought back: how many secrets open, and what is not as it was or does not hold, if anything."""

    manifest: Manifest
    secrets: int
    wrong: list[str]
    kept: Path | None  # the backup of what was there before


async def take(dsn: str, vault: Vault, path: Path, *, now: datetime) -> Manifest:
    """Everything in the database, as it is at this moment, as the new file `path`; the service may run meanwhile.

    Conflict when there is nothing to back up or the vault is not the service's, NoBackup when the file cannot be made.
    """
    owner = await db.alone(dsn)
    try:
        async with owner.transaction(isolation="repeatable_read", readonly=True):
            if not await _is_ours(owner):
                raise Conflict("This database holds nothing of this program.")
            opened, closed = await _secrets(owner, vault)
            if closed and not opened:
                raise Conflict(
                    f"The key {vault.current} opens none of the {len(closed)} secrets in this database: it is not the "
                    "service's key, which must be here too."
                )
            snapshot = await owner.fetchval("select pg_export_snapshot()")
            told = Manifest(
                version=__version__,
                taken_at=now,
                server=await owner.fetchval("show server_version"),
                migrations=[name for (name,) in await owner.fetch("select name from migration order by name")],
                key=vault.current,
                sealed=vault.seal(CANARY, bound_to=BOUND_TO),
                tables=await contents_of(owner),
            )
            programs = Programs(dsn, await _server(owner))
            return await asyncio.to_thread(archive.write, path, programs.dump(snapshot), told)
    finally:
        await owner.close()


def examine(path: Path, vault: Vault) -> Manifest:
    """What a backup says of itself, when it is whole, not newer than this program, and its secrets can be opened."""
    told = archive.read(path)
    try:
        vault.unseal(told.sealed, bound_to=BOUND_TO)
    except VaultError as error:
        raise Conflict(
            f"The secrets in {path} were sealed with the key {told.key}, which is not here: put the file assets-key of "
            f"then into the home first. ({error.detail})"
        ) from None
    if newer := sorted(set(told.migrations) - known_migrations()):
        raise Conflict(
            f"{path} was taken by version {told.version}, which knows more than this one ({newer[0]}): restore it with "
            "that version or a newer one."
        )
    return told


def known_migrations() -> set[str]:
    """The names of the migrations that this version runs."""
    from assets.piccolo_app import APP_CONFIG

    return {
        line.split('"')[1]
        for file in Path(APP_CONFIG.resolved_migrations_folder_path).glob("m*.py")
        for line in file.read_text(encoding="utf-8").splitlines()
        if line.startswith("ID = ")
    }


async def restore(dsn: str, vault: Vault, path: Path, *, replaced: Path | None, now: datetime) -> Restored:
    """Put a backup into the database, all of it or nothing, and compare every table with what was kept.

    What is there already is kept as the file `replaced` first; without that name Conflict. Everybody signs in again.
    """
    told = await asyncio.to_thread(examine, path, vault)
    owner = await db.alone(dsn)
    try:
        # A service that starts meanwhile waits here, before it looks at anything.
        await owner.execute("select pg_advisory_lock($1)", migrate.LOCK)
        await _refuse_used(owner)
        kept = await _keep(owner, dsn, vault, replaced, now)
        await migrate.make_role(owner)
        programs = Programs(dsn, await _server(owner))
        await asyncio.to_thread(programs.restore, archive.dump_of(path), before=_FRESH)
        async with owner.transaction(readonly=True):
            wrong = differences(told.tables, await contents_of(owner))
    finally:
        await owner.close()
    await migrate.migrate(dsn)
    async with db.owning(dsn):
        await _settle(told, path)
        async with db.transaction(db.EVERYTHING) as tx:
            opened, closed = await _secrets(tx, vault)
            wrong += closed
            wrong += [f"{one.kind}: {one.text}" async for one in findings(tx, (), now=now, count=Count())]
    return Restored(told, opened, wrong, kept)


async def _is_ours(owner: asyncpg.Connection) -> bool:
    return bool(await owner.fetchval("select to_regclass('public.migration') is not null"))


async def _server(owner: asyncpg.Connection) -> int:
    return int(await owner.fetchval("show server_version_num")) // 10_000


async def _refuse_used(owner: asyncpg.Connection) -> None:
    names = await owner.fetch(
        "select coalesce(nullif(application_name, ''), 'unnamed') from pg_stat_activity where datname = current_database() "
        "and backend_type = 'client backend' and pid <> pg_backend_pid()"
    )
    if names:
        raise Conflict(
            f"The database is in use ({', '.join(sorted({name for (name,) in names}))}): stop the service, its workers "
            "and the demo first."
        )


async def _keep(owner: asyncpg.Connection, dsn: str, vault: Vault, replaced: Path | None, now: datetime) -> Path | None:
    """Back up what is there; None when nobody has worked with it yet."""
    if not await _is_ours(owner):
        if other := await owner.fetchval(
            "select count(*) from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')"
        ):
            raise Conflict(f"The database holds {other} tables of another program: name an empty one.")
        return None
    events, people = await owner.fetchrow("select (select count(*) from audit_events), (select count(*) from users)")
    if not events and not people:
        return None
    if replaced is None:
        raise Conflict(
            f"The database holds {people} people and {events} events of the audit trail. With --replace they are backed "
            "up beside it and then replaced."
        )
    await take(dsn, vault, replaced, now=now)
    return replaced


async def _settle(told: Manifest, path: Path) -> None:
    """What must be done whatever is found afterwards."""
    async with db.transaction(db.EVERYTHING) as tx:
        await tx.execute("delete from sessions")  # who was signed out or locked since then would be in again
        await record(
            tx, by=SYSTEM, action="restore", kind="backup", subject=new_id(), name=path.name,
            after={"taken_at": told.taken_at, "version": told.version, "rows": told.rows},
        )  # fmt: skip


async def _secrets(tx: db.Connection, vault: Vault) -> tuple[int, list[str]]:
    """How many secrets open, and which do not."""
    opened, closed = 0, []
    for table, column, place in _SEALED:
        if not await tx.fetchval("select to_regclass($1) is not null", table):  # in a backup of long ago
            continue
        rows = await tx.fetch(f"select id, {column} from {table} where {column} <> ''")  # noqa: S608 - constants
        for row, sealed in rows:
            try:
                vault.unseal(sealed, bound_to=place(row))
                opened += 1
            except VaultError as error:
                closed.append(f"secret: {error.detail}")
    return opened, closed
