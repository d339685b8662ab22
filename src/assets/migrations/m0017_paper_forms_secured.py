"""The second wall for the forms of papers: everybody prints them, the province alone changes them."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from assets.db import DB

ID = "0017-paper-forms-secured"
VERSION = "1.38.0"
DESCRIPTION = "Row-level security on forms of papers"

STATEMENTS = (
    *(
        statement
        for table in ("paper_forms", "paper_templates")
        for statement in (
            f"alter table {table} enable row level security",
            f"create policy readable on {table} for select using (true)",
            f"create policy written on {table} using ((select scope_everything())) with check ((select scope_everything()))",
        )
    ),
    "alter table paper_templates alter column content set storage external",  # a .docx is packed already
)


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="assets", description=DESCRIPTION)

    async def run() -> None:
        for statement in STATEMENTS:
            await DB.run_ddl(statement)

    manager.add_raw(run)
    return manager
