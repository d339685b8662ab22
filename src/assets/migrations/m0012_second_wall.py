"""The second wall for quotations, reminders and files: each belongs to a thing, and is seen by whoever sees that."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from assets.db import DB

ID = "0012-second-wall"
VERSION = "1.38.0"
DESCRIPTION = "Row-level security on repair quotations, reminders and attachments"

VISIBLE = "(select scope_everything()) or site = any ((select scope_sites())::uuid[])"
SECURED = ("attachments", "stored_files", "repair_quotations", "reminders")
STATEMENTS = (
    # The parent's own policy answers, so that a file goes where its thing goes. What a later migration brings is asked
    # for only once it is there.
    """
create function attachment_visible(kind text, thing uuid) returns boolean language plpgsql stable as $$
declare
    parent text := case kind
        when 'asset' then 'assets' when 'model' then 'asset_models' when 'link' then 'links'
        when 'application' then 'applications' when 'capability' then 'capabilities' when 'site' then 'sites'
        when 'transfer' then 'transfers' when 'stocktake' then 'stocktakes' end;
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
""",
    "alter table attachments enable row level security",
    "create policy scoped on attachments using (attachment_visible(subject_kind, subject)) with check ("
    "attachment_visible(subject_kind, subject) and (subject_kind not in ('model', 'application') or scope_everything()))",
    # Bytes are written by the owner of the tables: they stand once, also for those who see another thing.
    "alter table stored_files enable row level security",
    "create policy scoped on stored_files for select using (exists (select from attachments a where a.file = stored_files.id))",
    "alter table stored_files alter column content set storage external",  # what is in there is packed already
    "create index attachments_file_idx on attachments (file)",
    "alter table repair_quotations enable row level security",
    "create policy scoped on repair_quotations using (exists (select from assets p where p.id = repair_quotations.asset)) "
    "with check (exists (select from assets p where p.id = repair_quotations.asset))",
    "create index repair_quotations_asset_idx on repair_quotations (asset, quoted_on desc, written_at desc)",
    "alter table reminders enable row level security",
    f"create policy scoped on reminders using ({VISIBLE}) with check ({VISIBLE})",
)


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="assets", description=DESCRIPTION)

    async def run() -> None:
        for statement in STATEMENTS:
            await DB.run_ddl(statement)

    manager.add_raw(run)
    return manager
