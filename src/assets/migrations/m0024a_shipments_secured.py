"""What must hold of shipments and of promised assets, who sees them, one distance, and how serial numbers are compared."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from assets.db import DB
from assets.migrations.m0004_row_level_security import VISIBLE, _secured

ID = "0024a-shipments-secured"
VERSION = "1.38.0"
DESCRIPTION = "Checks and row-level security of shipments and deliveries, promised assets, distances, serial numbers"

BY_ONE_OF = {"stock_shipments": ("from_site", "to_site")}
BY_PARENT = {"purchase_deliveries": ("purchase", "purchases")}
STATEMENTS = (
    """alter table stock_shipments add constraint stock_shipments_ck check (quantity > 0 and from_site <> to_site
    and state in ('under_way', 'received', 'called_back') and (state = 'received') = (got is not null)
    and got between 0 and quantity)""",
    "create index stock_shipments_from on stock_shipments (from_site, sent_at)",
    "create index stock_shipments_to on stock_shipments (to_site, sent_at)",
    # An asset that a draft lists stays where the draft can send it from, whoever would take it away. A transfer that
    # sends it has made its own line `waiting` by then.
    """
create function keep_promised() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
begin
    if exists (select from transfer_lines l join transfers t on t.id = l.transfer where l.asset = new.id
        and l.state = 'listed' and t.state = 'draft' and t.from_site = old.site) then
        raise exception 'asset % is promised in a draft transfer', new.tag using errcode = 'check_violation';
    end if;
    return new;
end $$
""",
    """
create trigger assets_promised before update of site, stage, merged_into on assets for each row
when (old.site <> new.site or (old.stage <> new.stage and new.stage not in ('in_use', 'in_stock'))
    or (old.merged_into is null and new.merged_into is not null)) execute function keep_promised()
""",
    # The distance of two places (latitude, longitude in degrees) along a great circle; roads are longer.
    """
create function kilometres(lat double precision, lon double precision, to_lat double precision, to_lon double precision)
returns double precision language sql immutable strict parallel safe as $$
    select 2 * 6371 * asin(least(1, sqrt(power(sin(radians(lat - to_lat) / 2), 2)
        + cos(radians(lat)) * cos(radians(to_lat)) * power(sin(radians(lon - to_lon) / 2), 2))))
$$
""",
    """
create or replace function remoteness_km(place uuid) returns double precision language sql stable as $$
    select kilometres(here.lat, here.lon, seat.lat, seat.lon)
    from (select coalesce(s.latitude, u.latitude) as lat, coalesce(s.longitude, u.longitude) as lon
        from sites s join administrative_units u on u.id = s.unit where s.id = place) here,
        (select u.latitude as lat, u.longitude as lon from approval_settings a join administrative_units u
        on u.code = a.seat where a.seat <> '' order by u.valid_to nulls first limit 1) seat
$$
""",
    # As text.serial_key has it. No unique index: what two records share already is for people to settle.
    r"""
create function serial_key(said text) returns text language sql immutable strict parallel safe as $$
    select lower(regexp_replace(normalize(said, NFKC), '[\s\u00ad\u2010-\u2015\u2212-]', '', 'g'))
$$
""",
    "create index assets_serial_key on assets (serial_key(serial)) where serial <> ''",
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
