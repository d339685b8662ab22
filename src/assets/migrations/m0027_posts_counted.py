"""What collectors' own talk with the service costs, by day."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from assets.db import DB

ID = "0027-posts-counted"
VERSION = "1.38.0"
DESCRIPTION = "What collectors post costs, by day"

STATEMENTS = (
    # Like traffic_days: rewritten with each batch, read through lines and sites that were fetched under scope.
    """create table collector_traffic_days (
    collector uuid not null references collectors (id) on delete cascade,
    day date not null,
    octets bigint not null,
    packets bigint not null,
    seconds double precision not null,
    primary key (collector, day)
) with (fillfactor = 70)""",
    "create index collector_traffic_days_day on collector_traffic_days (day)",
)


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="assets", description=DESCRIPTION)

    async def run() -> None:
        for statement in STATEMENTS:
            await DB.run_ddl(statement)

    manager.add_raw(run)
    return manager
