"""What Piccolo cannot describe of stocktakes and labels: their numbers, a check, and the policies of the second wall."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from assets.db import DB
from assets.migrations.m0004_row_level_security import VISIBLE, _secured

ID = "0010b-stocktakes-secured"
VERSION = "1.38.0"
DESCRIPTION = "Row-level security on stocktakes and labels"

BY_SITE = {"stocktakes": "site", "stocktake_items": "site"}
BY_PARENT = {"stocktake_scans": ("item", "stocktake_items")}
# What has no site is the province's, for everybody to use and for the province to change.
SHARED = ("label_grids", "label_printers")


def statements() -> list[str]:
    """Everything in its order."""
    found = ["create sequence stocktake_numbers"]
    found += [
        "alter table stocktake_items add constraint stocktake_items_expected check (not expected or asset is not null)"
    ]
    for table, site in BY_SITE.items():
        found += _secured(table, VISIBLE.format(site=site))
    for table, (column, parent) in BY_PARENT.items():
        found += _secured(table, f"exists (select from {parent} p where p.id = {table}.{column})")
    visible = VISIBLE.format(site="site")
    for table in SHARED:
        found += [
            f"alter table {table} enable row level security",
            f"create policy scoped on {table} using (site is null or {visible}) with check ({visible})",
        ]
    return found


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="assets", description=DESCRIPTION)

    async def run() -> None:
        for statement in statements():
            await DB.run_ddl(statement)

    manager.add_raw(run)
    return manager
