"""Who may see what the sides of a transfer confirmed: whoever sees the transfer."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from assets.db import DB
from assets.migrations.m0004_row_level_security import _secured

ID = "0020a-hand-overs-secured"
VERSION = "1.38.0"
DESCRIPTION = "Row-level security on hand-overs"

BY_PARENT = {"hand_overs": ("transfer", "transfers")}


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="assets", description=DESCRIPTION)

    async def run() -> None:
        await DB.run_ddl(
            "alter table hand_overs add constraint hand_overs_side_ck check (side in ('giver', 'receiver'))"
        )
        for table, (column, parent) in BY_PARENT.items():
            for statement in _secured(table, f"exists (select from {parent} p where p.id = {table}.{column})"):
                await DB.run_ddl(statement)

    manager.add_raw(run)
    return manager
