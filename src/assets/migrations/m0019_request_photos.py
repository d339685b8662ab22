"""Photos on equipment requests: they are seen by whoever sees the request."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from assets.db import DB

ID = "0019-request-photos"
VERSION = "1.38.0"
DESCRIPTION = "Equipment requests as what files can be attached to"

STATEMENT = """
create or replace function attachment_visible(kind text, thing uuid) returns boolean language plpgsql stable as $$
declare
    parent text := case kind
        when 'asset' then 'assets' when 'model' then 'asset_models' when 'link' then 'links'
        when 'application' then 'applications' when 'capability' then 'capabilities' when 'site' then 'sites'
        when 'transfer' then 'transfers' when 'stocktake' then 'stocktakes'
        when 'equipment_request' then 'equipment_requests' end;
    found boolean;
begin
    if scope_everything() then
        return true;
    end if;
    if to_regclass(parent) is null then
        return false;
    end if;
    execute format('select exists (select from %I p where p.id = $1)', parent) into found using thing;
    return found;
end $$
"""


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="assets", description=DESCRIPTION)

    async def run() -> None:
        await DB.run_ddl(STATEMENT)

    manager.add_raw(run)
    return manager
