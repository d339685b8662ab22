"""Who may see transfers, what must hold of them, and the trigger that writes down each change of hands."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from assets.db import DB
from assets.migrations.m0004_row_level_security import VISIBLE, _secured

ID = "0009-transfers-custody"
VERSION = "1.38.0"
DESCRIPTION = "Checks, indexes and row-level security of transfers, and the trigger of custody"

BY_ONE_OF = {"transfers": ("from_site", "to_site"), "custody_moves": ("from_site", "to_site")}
BY_PARENT = {"transfer_lines": ("transfer", "transfers")}
STATEMENTS = (
    "create sequence transfer_numbers",
    """alter table transfers add constraint transfers_state_ck check (state in ('draft', 'in_transit', 'received',
    'refused', 'cancelled'))""",
    "alter table transfers add constraint transfers_sites_ck check (from_site <> to_site)",
    """alter table transfer_lines add constraint transfer_lines_state_ck check (state in ('listed', 'waiting', 'received',
    'damaged', 'refused', 'missing', 'cancelled'))""",
    "create index transfers_from on transfers (from_site)",
    "create index transfers_to on transfers (to_site)",
    "create index transfer_lines_transfer on transfer_lines (transfer)",
    # An asset is on its way in one transfer at most.
    "create unique index transfer_lines_under_way on transfer_lines (asset) where state = 'waiting'",
    "create index custody_moves_asset on custody_moves (asset, id)",
    """alter table custody_moves add constraint custody_moves_party_ck check (from_party in ('site', 'carrier')
    and to_party in ('site', 'carrier'))""",
    # Whoever changes where an asset is writes down that it changed hands, even one who does not know of custody. Rows of
    # an asset are written while its own row is locked, so that their ids have the order of what happened.
    """
create function write_custody() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
declare
    way record;
begin
    select t.id, t.carrier into way from transfer_lines l join transfers t on t.id = l.transfer
        where l.asset = new.id and l.state = 'waiting';
    insert into custody_moves (asset, at, from_party, from_site, to_party, to_site, carrier, transfer) values (
        new.id, greatest(clock_timestamp(), (select max(m.at) from custody_moves m where m.asset = new.id)),
        case old.stage when 'in_transit' then 'carrier' else 'site' end, old.site,
        case new.stage when 'in_transit' then 'carrier' else 'site' end, new.site, coalesce(way.carrier, ''), way.id);
    return null;
end $$
""",
    """
create trigger assets_custody after update of site, stage on assets for each row
when (old.site <> new.site or (old.stage = 'in_transit') <> (new.stage = 'in_transit')) execute function write_custody()
""",
)


def statements() -> list[str]:
    """Everything in its order."""
    found = list(STATEMENTS)
    for table, sites in BY_ONE_OF.items():
        found += _secured(table, " or ".join([VISIBLE.format(site=site) for site in sites]))
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
