"""What counts the assets of a list: an index that says all that is counted by, so that no asset itself is read."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from assets.db import DB

ID = "0014-counting"
VERSION = "1.38.0"
DESCRIPTION = "An index that counts assets"


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="assets", description=DESCRIPTION)

    async def run() -> None:
        await DB.run_ddl("create index assets_standing on assets (site, stage) where merged_into is null")

    manager.add_raw(run)
    return manager
