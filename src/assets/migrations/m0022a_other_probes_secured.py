"""What watching costs by day, and what must hold of credentials' places."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from assets.db import DB
from assets.migrations.m0004_row_level_security import _secured

ID = "0022a-other-probes-secured"
VERSION = "1.38.0"
DESCRIPTION = "Traffic by day, checks and row-level security of credentials' places"

STATEMENTS = (
    # Like readings: rewritten with each batch, reached through a target that was fetched under scope.
    """create table traffic_days (
    id uuid not null default gen_random_uuid() unique,
    target uuid not null,
    day date not null,
    octets bigint not null,
    packets bigint not null,
    looks integer not null,
    primary key (target, day)
) with (fillfactor = 70)""",
    "create index traffic_days_day on traffic_days (day)",
    """alter table credential_places add constraint credential_places_ck check (num_nonnulls(site, unit) <= 1
    and position between 1 and 99)""",
    """create unique index credential_places_once on credential_places (credential, coalesce(site, unit,
    '00000000-0000-0000-0000-000000000000'))""",
    "alter table credentials add constraint credentials_level_ck check (level between 0 and 3)",
    "alter table links add constraint links_budget_ck check (budget_mb_per_day between 1 and 100000)",
    "create index links_wan_router on links (wan_router) where wan_router <> ''",
)


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="assets", description=DESCRIPTION)

    async def run() -> None:
        for statement in (*STATEMENTS, *_secured("credential_places", "(select scope_everything())")):
            await DB.run_ddl(statement)

    manager.add_raw(run)
    return manager
