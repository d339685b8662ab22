"""What Piccolo cannot describe: partitions, multiranges, partial and trigram indexes, sequences, checks."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from assets.db import DB

ID = "0002-postgresql"
VERSION = "1.38.0"
DESCRIPTION = "Partitioned readings, indexes and checks that need plain SQL"

STATEMENTS = """
create extension if not exists pg_trgm;

create table readings (
    target uuid not null,
    at timestamptz not null,
    reading_set integer not null,
    "values" real[] not null
) partition by range (at);
create table readings_default partition of readings default;
create index readings_target_at on readings (target, at);

alter table collector_buffers add column taken int8multirange not null default '{}';
alter table device_states set (fillfactor = 60);
create index device_states_silence on device_states (silence_at) where silence_at is not null;

create unique index incidents_one_open on incidents (subject_kind, subject, kind) where state <> 'resolved';
create index incidents_open on incidents (opened_at desc) where state <> 'resolved';
create sequence incident_numbers;
create sequence equipment_request_numbers;

create index notifications_due on notifications (next_attempt_at) where state in ('waiting', 'sending');
create index declarations_open on declarations (site) where ended_at is null;
create index condition_changes_site_at on condition_changes (site, at desc);

create index administrative_units_search on administrative_units using gin (search gin_trgm_ops);
create index sites_search on sites using gin (search gin_trgm_ops);
create index assets_search on assets using gin (search gin_trgm_ops);
create index assets_site on assets (site);
create index links_search on links using gin (search gin_trgm_ops);

alter table sites add constraint sites_kind_ck check (kind in ('centre', 'reception_point', 'store'));
alter table administrative_units add constraint units_kind_ck check (kind in ('commune', 'ward', 'special_zone'));
alter table administrative_units add constraint units_code_ck check (code ~ '^[0-9]{5}$');
alter table head_counts add constraint head_counts_people_ck check (people between 0 and 100000);
alter table assets add constraint assets_stage_ck check (stage in ('planned', 'ordered', 'in_stock', 'in_transit',
    'in_use', 'in_repair', 'loaned', 'lost', 'awaiting_disposal', 'disposed'));
alter table assets add constraint assets_physical_state_ck check (physical_state in ('good', 'worn', 'broken'));
alter table capabilities add constraint capabilities_status_ck check (status in ('not_issued', 'waiting', 'issued',
    'expired', 'revoked'));
alter table device_states add constraint device_states_condition_ck check (condition in ('up', 'degraded', 'down',
    'unreachable', 'off_expected', 'unknown'));
alter table incidents add constraint incidents_state_ck check (state in ('open', 'acknowledged', 'resolved'));
alter table notifications add constraint notifications_state_ck check (state in ('waiting', 'sending', 'sent',
    'suppressed', 'failed'));
alter table equipment_requests add constraint equipment_requests_state_ck check (state in ('draft', 'submitted',
    'returned', 'approved', 'refused', 'fulfilled', 'closed', 'withdrawn'));
alter table equipment_request_lines add constraint lines_quantity_ck check (quantity between 1 and 1000);
alter table equipment_request_lines add constraint lines_given_ck check (given between 0 and coalesce(approved, 0));
alter table readiness add constraint readiness_verdict_ck check (verdict in ('able', 'limited', 'unable', 'unknown'));
alter table targets add constraint targets_one_subject_ck check (num_nonnulls(asset, link, application) <= 1);
"""


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="assets", description=DESCRIPTION)

    async def run() -> None:
        for statement in STATEMENTS.split(";\n"):
            if statement.strip():
                await DB.run_ddl(statement.strip())

    manager.add_raw(run)
    return manager
