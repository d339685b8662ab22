"""What must hold of approval, who sees it, and what the approver's list is sorted by."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from assets.db import DB
from assets.migrations.m0004_row_level_security import _secured

ID = "0018a-approval-secured"
VERSION = "1.38.0"
DESCRIPTION = "Checks and row-level security of approval, remoteness, the first approval step"

DEFAULT_STEP = "00000000-0000-7000-8000-000000000018"
ROLES = '["administrator", "approver", "province_it"]'
STATEMENTS = (
    """alter table approval_steps add constraint approval_steps_ck check (position between 1 and 99 and hours between 1 and
    999 and coalesce(from_value, 0) >= 0 and place in ('any', 'unit', 'province'))""",
    """alter table approval_settings add constraint approval_settings_ck check (fulfil_hours between 1 and 9999
    and cost_source in ('none', 'table', 'last_purchase'))""",
    "alter table category_costs add constraint category_costs_ck check (unit_cost >= 0)",
    """alter table approval_decisions add constraint approval_decisions_ck check (outcome in ('approve', 'return',
    'refuse'))""",
    # A step is approved once, whoever reads what.
    "create unique index approval_decisions_once on approval_decisions (step) where outcome = 'approve'",
    "alter table delegations add constraint delegations_ck check (from_on <= until_on and from_user <> to_user)",
    "create index equipment_requests_due on equipment_requests (target_at) where due_since is not null",
    # What one of a kind cost when it was last bought, whichever centre it stands in: a sum of money and no more.
    """
create function last_cost(kind uuid) returns bigint
language sql stable security definer set search_path = public, pg_temp as $$
    select a.original_cost from assets a join asset_models m on m.id = a.model
    where m.category = kind and a.original_cost is not null and a.merged_into is null
    order by a.put_into_use desc nulls last, a.id desc limit 1
$$
""",
    # Kilometres from the unit that the province measures from, by the coordinates of the site or else of its unit.
    """
create function remoteness_km(place uuid) returns double precision language sql stable as $$
    select 2 * 6371 * asin(least(1, sqrt(power(sin(radians(here.lat - seat.lat) / 2), 2)
        + cos(radians(here.lat)) * cos(radians(seat.lat)) * power(sin(radians(here.lon - seat.lon) / 2), 2))))
    from (select coalesce(s.latitude, u.latitude) as lat, coalesce(s.longitude, u.longitude) as lon
        from sites s join administrative_units u on u.id = s.unit where s.id = place) here,
        (select u.latitude as lat, u.longitude as lon from approval_settings a join administrative_units u
        on u.code = a.seat where a.seat <> '' order by u.valid_to nulls first limit 1) seat
$$
""",
    # Who cannot serve comes first, then who is further away, then who has waited longer.
    """
create function request_priority(place uuid, since timestamptz) returns double precision language sql stable as $$
    select case coalesce((select verdict from readiness where site = place), 'unknown')
        when 'unable' then 0 when 'limited' then 1 when 'unknown' then 2 else 3 end * 1e12
        + (9999 - least(9999, coalesce(round(remoteness_km(place)), 0))) * 1e8
        + extract(epoch from since)::double precision / 60
$$
""",
    # What waits already is decided in one step, as it was.
    f"""insert into approval_steps (id, position, name, name_en, roles, place, if_unknown, kinds, hours, version)
    values ('{DEFAULT_STEP}', 1, 'Phê duyệt', 'Approval', '{ROLES}', 'any', true, '[]', 16, 1)""",  # noqa: S608 - constants only
    f"""insert into request_steps (id, request, round, position, name, name_en, roles, place, hours)
    select gen_random_uuid(), id, 1, 1, 'Phê duyệt', 'Approval', '{ROLES}', 'any', 16
    from equipment_requests where state = 'submitted'""",  # noqa: S608 - constants only
    "update equipment_requests set round = 1 where state = 'submitted'",
    """update equipment_requests set due_since = coalesce(submitted_at, created_at), target_hours = 16
    where state = 'submitted'""",
    """update equipment_requests set due_since = coalesce(decided_at, submitted_at, created_at), target_hours = 40
    where state in ('approved', 'in_fulfilment')""",
)  # fmt: skip
BY_PARENT = {
    "request_steps": ("request", "equipment_requests"),
    "approval_decisions": ("step", "request_steps"),
}


def statements() -> list[str]:
    """Everything in its order."""
    found = list(STATEMENTS)
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
