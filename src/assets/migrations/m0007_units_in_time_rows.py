"""What the units of today are known to be, what may not stand twice, and the wall around the new table of sites."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from assets.db import DB
from assets.migrations.m0004_row_level_security import VISIBLE

ID = "0007-units-in-time-rows"
VERSION = "1.38.0"
DESCRIPTION = "The first days of what is there, one unit a code on a day, and row-level security"

BY_SITE = {"site_units": "site"}
STATEMENTS = (
    # The 96 units of Quảng Ngãi, which are all that was there before this version, began on one day.
    "update administrative_units set valid_from = '2025-07-01' where province_code = '51'",
    # Centres began with their units, whatever else on the day on which it was written down.
    """
insert into site_units (id, site, unit, valid_from)
select gen_random_uuid(), s.id, s.unit, case when s.kind = 'centre' then coalesce(u.valid_from, opened.day)
    else greatest(opened.day, u.valid_from) end
from sites s join administrative_units u on u.id = s.unit,
    lateral (select (s.created_at at time zone 'Asia/Ho_Chi_Minh')::date as day) opened
""",
    "alter table administrative_units drop constraint units_kind_ck, drop constraint units_code_ck",
    "alter table administrative_units add constraint units_kind_ck check (kind in ('commune', 'ward', 'special_zone') "
    "or valid_to is not null and kind in ('township', 'district'))",
    "alter table administrative_units add constraint units_code_ck check (code ~ '^[0-9]{5}$' "
    "or valid_to is not null and code = '')",
    "alter table administrative_units add constraint units_valid_ck check (valid_from < valid_to)",
    "alter table site_units add constraint site_units_valid_ck check (valid_from < valid_to)",
    "alter table unit_changes add constraint unit_changes_kind_ck check "
    "(kind in ('new', 'rename', 'merge', 'split', 'rearrange'))",
    "alter table sites add constraint sites_closed_ck check (open or closed_reason <> '') not valid",
    # On each day one unit at most has a code, and a site is under one unit at most.
    "create extension if not exists btree_gist",
    "alter table administrative_units add constraint units_one_a_day_ck "
    "exclude using gist (code with =, daterange(valid_from, valid_to) with &&) where (code <> '')",
    "alter table site_units add constraint site_units_one_a_day_ck "
    "exclude using gist (site with =, daterange(valid_from, valid_to) with &&)",
    "create index site_units_unit on site_units (unit)",
    "create index unit_successions_predecessor on unit_successions (predecessor)",
    "create index unit_successions_successor on unit_successions (successor)",
    "create index unit_successions_change on unit_successions (change)",
    "create index rooms_parent on rooms (parent)",
)


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="assets", description=DESCRIPTION)

    async def run() -> None:
        for statement in STATEMENTS:
            await DB.run_ddl(statement)
        for table, site in BY_SITE.items():
            visible = VISIBLE.format(site=site)
            await DB.run_ddl(f"alter table {table} enable row level security")
            await DB.run_ddl(f"create policy scoped on {table} using ({visible}) with check ({visible})")

    manager.add_raw(run)
    return manager
