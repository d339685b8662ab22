"""What PostgreSQL itself keeps to of kits and stock: values, one ledger that only grows, and the second wall.

Apart from the tables, because raw statements of a migration run before its tables are made.
"""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from assets.db import DB
from assets.migrations.m0004_row_level_security import VISIBLE, _secured

ID = "0011-rules-of-stock"
VERSION = "1.38.0"
DESCRIPTION = "Constraints and row-level security of kits and stock"

BY_SITE = {"post_counts": "site", "stock": "site", "stock_movements": "site"}
BY_PARENT = {"stock_batches": ("stock", "stock")}
STATEMENTS = (
    """
alter table kit_lines
    add constraint kit_lines_of_one_kind check (case what
        when 'category' then category is not null and application is null and code = ''
        when 'application' then application is not null and category is null and code = ''
        else what in ('capability', 'link') and code <> '' and category is null and application is null end),
    add constraint kit_lines_numbers check (quantity >= 1 and every >= 1 and per in ('site', 'counter', 'person'))
""",
    """
alter table norms
    add constraint norms_numbers check (quantity >= 0 and every >= 1 and price_max >= 0 and valid_to >= valid_from),
    add constraint norms_per check ((per = 'post') = (post_group <> '') and per in ('site', 'counter', 'person', 'post'))
""",
    "alter table post_counts add constraint post_counts_numbers check (people >= 0)",
    "alter table consumables add constraint consumables_numbers check (minimum >= 0)",
    # Whatever goes wrong above, a shelf never holds less than nothing.
    "alter table stock add constraint stock_never_negative check (quantity >= 0 and minimum >= 0)",
    "alter table stock_batches add constraint stock_batches_never_negative check (quantity >= 0)",
    # A count that finds what the books say is a line too.
    "alter table stock_movements add constraint stock_movements_numbers "
    "check ((change <> 0 or kind = 'corrected') and balance >= 0)",
    "create unique index stock_movements_number on stock_movements (stock, number)",
    "create index stock_movements_site on stock_movements (site, at desc)",
    "create index stock_movements_asset on stock_movements (asset) where asset is not null",
)


def statements() -> list[str]:
    """Everything in its order."""
    found = list(STATEMENTS)
    for table, site in BY_SITE.items():
        found += _secured(table, VISIBLE.format(site=site))
    for table, (column, parent) in BY_PARENT.items():
        found += _secured(table, f"exists (select from {parent} p where p.id = {table}.{column})")
    return found


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="assets", description=DESCRIPTION)

    async def run() -> None:
        for statement in statements():
            await DB.run_ddl(statement)

    manager.add_raw(run)
    return manager
