"""Who sees what was observed, what is compared, and records that turned out to be another's: they are hidden."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from assets.db import DB
from assets.migrations.m0004_row_level_security import VISIBLE, _secured

ID = "0008-b-observed-walls"
VERSION = "1.38.0"
DESCRIPTION = "Row-level security and functions for observed values, agents and proposals"

STATEMENTS = (
    # Capitals and digits only, as observed.identity.plain has it, but for its junk.
    """
create function plain_text(said text) returns text language sql immutable parallel safe as
$$ select regexp_replace(upper(coalesce(said, '')), '[^0-9A-Z]', '', 'g') $$
""",
    # A hidden record is no asset: it stands in no list, no count and no sum, whoever asks.
    f"""
alter policy scoped on assets using (({VISIBLE.format(site="site")}) and merged_into is null)
    with check (({VISIBLE.format(site="site")}) and merged_into is null)
""",
    # Where an asset stands, hidden or not: proposals are shown to those who may see all that they are about.
    """
create function site_of_asset(thing uuid) returns uuid
language sql stable security definer set search_path = public, pg_temp as
$$ select site from assets where id = thing $$
""",
    # Where the record of this tag went: the tag that it is under now, and its site.
    """
create function moved_to(asked text) returns table (tag text, site uuid)
language sql stable security definer set search_path = public, pg_temp as
$$ select k.tag, k.site from assets a join assets k on k.id = a.merged_into where a.tag = asked $$
""",
    "create unique index inventory_agents_device_site_uq on inventory_agents (device_id, site) nulls not distinct",
    "create index inventory_agents_site on inventory_agents (site)",
    "create index inventory_agents_search on inventory_agents using gin (search gin_trgm_ops)",
    "create index assets_plain_serial on assets (plain_text(serial)) where serial <> ''",
    "create index assets_macs on assets using gin (macs) where macs <> '{}'",
    "create index assets_merged_into on assets (merged_into) where merged_into is not null",
    "create index observed_values_plain on observed_values using gin (plain)",
    "create index observed_values_unkept on observed_values (asset) where kept_at is null",
    "create unique index identity_proposals_pair_uq on identity_proposals (kind, agent, asset, other) nulls not distinct",
    "create index identity_proposals_open on identity_proposals (made_at) where state = 'open'",
    "create index identity_proposals_asset on identity_proposals (asset)",
    "create index identity_proposals_other on identity_proposals (other)",
    "alter table identity_proposals add constraint identity_proposals_kind_ck "
    "check (kind in ('register', 'attach', 'merge'))",
    "alter table identity_proposals add constraint identity_proposals_state_ck "
    "check (state in ('open', 'accepted', 'dismissed', 'settled', 'undone'))",
    *_secured("inventory_agents", VISIBLE.format(site="site")),
    *_secured("observed_values", "exists (select from assets p where p.id = observed_values.asset)"),
    *_secured(
        "identity_proposals",
        "(agent is null or exists (select from inventory_agents p where p.id = agent)) and "
        f"(asset is null or {VISIBLE.format(site='site_of_asset(asset)')}) and "
        f"(other is null or {VISIBLE.format(site='site_of_asset(other)')})",
    ),
)


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="assets", description=DESCRIPTION)

    async def run() -> None:
        for statement in STATEMENTS:
            await DB.run_ddl(statement)

    manager.add_raw(run)
    return manager
