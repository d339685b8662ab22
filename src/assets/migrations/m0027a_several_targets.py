"""An asset or a line may be asked in several ways, each of them once."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.columns.column_types import ForeignKey

from assets.db import DB

ID = "0027a-several-targets"
VERSION = "1.38.0"
DESCRIPTION = "Several targets of one asset or line"

STATEMENTS = (
    "create index targets_asset on targets (asset) where asset is not null",
    "create index targets_link on targets (link) where link is not null",
    """create unique index targets_once on targets (coalesce(asset, link), method, lower(address), port)
    where coalesce(asset, link) is not null""",
)


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="assets", description=DESCRIPTION)
    for column in ("asset", "link"):
        manager.alter_column(
            table_class_name="Target", tablename="targets", column_name=column, db_column_name=column,
            params={"unique": False}, old_params={"unique": True}, column_class=ForeignKey,
            old_column_class=ForeignKey, schema=None,
        )  # fmt: skip

    async def run() -> None:
        for statement in STATEMENTS:
            await DB.run_ddl(statement)

    manager.add_raw(run)
    return manager
