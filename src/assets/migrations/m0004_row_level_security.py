"""The second wall: the role of the service, and policies that show it only the rows of the transaction's scope."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from assets.db import DB

ID = "0004-row-level-security"
VERSION = "1.38.0"
DESCRIPTION = "Row-level security on everything that a person can list"

# By the column that holds the site; an empty one belongs to the province.
BY_SITE = {
    "sites": "id", "rooms": "site", "head_counts": "site", "assets": "site", "asset_events": "site", "links": "site",
    "capabilities": "site", "targets": "site", "declarations": "site", "condition_changes": "site", "incidents": "site",
    "maintenance_windows": "site", "silences": "site", "equipment_requests": "site", "readiness": "site",
    "readiness_changes": "site",
}  # fmt: skip
# By the row that they belong to; the policy of that one decides.
BY_PARENT = {
    "incident_events": ("incident", "incidents"),
    "equipment_request_lines": ("request", "equipment_requests"),
    "equipment_request_events": ("request", "equipment_requests"),
    "fulfilments": ("line", "equipment_request_lines"),
}
FUNCTIONS = (
    """
create function scope_everything() returns boolean language sql stable parallel safe as
$$ select coalesce(current_setting('assets.everything', true), '') = '1' $$
""",
    """
create function scope_sites() returns uuid[] language sql stable parallel safe as
$$ select coalesce(string_to_array(nullif(current_setting('assets.sites', true), ''), ',')::uuid[], '{}') $$
""",
    # A policy stands before LIKE, which is not leakproof, and so before every trigram index. This function looks first
    # and applies the scope itself. Each word must be found in the row or, for what stands at a site, in the site.
    """
create function found_by(kind text, patterns text[]) returns setof uuid
language plpgsql stable security definer set search_path = public, pg_temp as $$
declare
    site text := case kind when 'sites' then 'id' when 'administrative_units' then null else 'site' end;
    wanted text := '';
begin
    if kind not in ('administrative_units', 'sites', 'assets', 'links', 'equipment_requests') then
        raise exception 'nothing is searched under %', kind;
    end if;
    for i in 1 .. coalesce(array_length(patterns, 1), 0) loop
        wanted := wanted || format(' and (t.search like $1[%s]', i);
        if site is not null then
            wanted := wanted || format(' or t.%I = any (array(select s.id from sites s join administrative_units u '
                'on u.id = s.unit where s.search like $1[%s] or u.search like $1[%s]))', site, i, i);
        end if;
        wanted := wanted || ')';
    end loop;
    if site is not null and not scope_everything() then
        wanted := wanted || format(' and t.%I = any ($2)', site);
    end if;
    return query execute format('select t.id from %I t where true%s', kind, wanted) using patterns, scope_sites();
end $$
""",
    # When a thing was last at a site outside the scope: what is shown of it begins there. It tells no more than that.
    """
create function elsewhere_until(thing uuid, asked uuid) returns timestamptz
language sql stable security definer set search_path = public, pg_temp as $$
    select max(at) from (
        select at, site from asset_events where asset = thing
        union all select at, site from condition_changes where target = asked) as past
    where not scope_everything() and site <> all (scope_sites())
$$
""",
)
VISIBLE = "(select scope_everything()) or {site} = any ((select scope_sites())::uuid[])"


def statements() -> list[str]:
    """Everything in its order."""
    found = list(FUNCTIONS)
    for table, site in BY_SITE.items():
        found += _secured(table, VISIBLE.format(site=site))
    for table, (column, parent) in BY_PARENT.items():
        found += _secured(table, f"exists (select from {parent} p where p.id = {table}.{column})")
    # Whoever does something writes down that it was done, also what concerns the province.
    found += ["alter table audit_events enable row level security"]
    found += [f"create policy seen on audit_events for select using ({VISIBLE.format(site='site')})"]
    found += ["create policy written on audit_events for insert with check (true)"]
    return found


def _secured(table: str, visible: str) -> list[str]:
    return [
        f"alter table {table} enable row level security",
        f"create policy scoped on {table} using ({visible}) with check ({visible})",
    ]


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="assets", description=DESCRIPTION)

    async def run() -> None:
        for statement in statements():
            await DB.run_ddl(statement)

    manager.add_raw(run)
    return manager
