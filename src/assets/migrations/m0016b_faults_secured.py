"""Who may see reported faults and signed addresses, and how what was said of an asset is found from its incident."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from assets.db import DB
from assets.migrations.m0004_row_level_security import VISIBLE, _secured

ID = "0016b-faults-secured"
VERSION = "1.38.0"
DESCRIPTION = "Row-level security on reported faults and signed addresses"

STATEMENTS = (
    "alter table fault_kinds add constraint fault_kinds_severity_ck check (severity in ('critical', 'warning'))",
    "create index fault_reports_incident on fault_reports (incident)",
    "create index fault_reports_site on fault_reports (site, id desc)",
    "create index declarations_incident on declarations (incident) where incident is not null and ended_at is null",
    "create index incidents_open_of_asset on incidents (asset) where state <> 'resolved' and asset is not null",
)


def statements() -> list[str]:
    """Everything in its order."""
    found = list(STATEMENTS)
    for table in ("fault_reports", "signed_addresses"):
        found += _secured(table, VISIBLE.format(site="site"))
    return found


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="assets", description=DESCRIPTION)

    async def run() -> None:
        for statement in statements():
            await DB.run_ddl(statement)

    manager.add_raw(run)
    return manager
