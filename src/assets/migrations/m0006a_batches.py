"""Numbers of batches, and who sees them."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from assets.db import DB

ID = "0006a-batches"
VERSION = "1.38.0"
DESCRIPTION = "Batches have a number, and the scope of whoever made them"
STATEMENTS = (
    "create sequence batch_numbers",
    "alter table batches enable row level security",
    # Who has a smaller scope than its maker does not see it.
    """
create policy scoped on batches using ((select scope_everything()) or
    cardinality(sites) > 0 and sites <@ (select scope_sites())::uuid[])
""",
    "alter table batch_rows enable row level security",
    "create policy scoped on batch_rows using (exists (select from batches b where b.id = batch_rows.batch))",
)


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="assets", description=DESCRIPTION)

    async def run() -> None:
        for statement in STATEMENTS:
            await DB.run_ddl(statement)

    manager.add_raw(run)
    return manager
