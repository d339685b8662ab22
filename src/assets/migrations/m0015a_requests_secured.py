"""What must hold of the lines of requests and the parts that answer them, and who may see purchases."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from assets.db import DB
from assets.migrations.m0004_row_level_security import _secured

ID = "0015a-requests-secured"
VERSION = "1.38.0"
DESCRIPTION = "Checks and row-level security of the lines' parts and of purchases"

STATEMENTS = (
    "create sequence purchase_numbers",
    "alter table equipment_requests drop constraint equipment_requests_state_ck",
    """alter table equipment_requests add constraint equipment_requests_state_ck check (state in ('draft', 'submitted',
    'returned', 'approved', 'in_fulfilment', 'refused', 'fulfilled', 'closed', 'withdrawn'))""",
    # What was half given before there was a word for it.
    """update equipment_requests r set state = 'in_fulfilment' where state = 'approved' and exists (
    select from equipment_request_lines l where l.request = r.id and l.given > 0)""",
    """update equipment_request_lines l set name = c.name, name_en = c.name_en from asset_categories c
    where c.id = l.category""",
    "alter table equipment_request_lines drop constraint lines_given_ck",
    """alter table equipment_request_lines add constraint lines_given_ck check (given >= 0 and declined >= 0
    and given + declined <= coalesce(approved, 0))""",
    """alter table equipment_request_lines add constraint lines_subject_ck check (case kind
    when 'equipment' then category is not null when 'consumable' then consumable is not null
    when 'capability' then capability <> '' when 'repair' then asset is not null else false end)""",
    """alter table equipment_request_lines add constraint lines_unit_cost_ck check (unit_cost >= 0)""",
    """alter table purchases add constraint purchases_state_ck check (state in ('planned', 'ordered', 'received',
    'cancelled'))""",
    """alter table fulfilment_parts add constraint parts_way_ck check (way in ('stock', 'transfer', 'repair', 'purchase',
    'grant', 'decline'))""",
    """alter table fulfilment_parts add constraint parts_state_ck check (state in ('planned', 'under_way', 'done',
    'cancelled'))""",
    """alter table fulfilment_parts add constraint parts_quantity_ck check (quantity > 0 and done between 0 and quantity)""",
    # No line is ever promised more than was approved: counted when all is written, whoever wrote it.
    """
create function parts_conserve() returns trigger language plpgsql as $$
declare
    line equipment_request_lines;
    promised integer;
begin
    select * into line from equipment_request_lines where id = new.line;
    select coalesce(sum(quantity - done), 0) into promised from fulfilment_parts
        where fulfilment_parts.line = new.line and state in ('planned', 'under_way');
    if line.given + line.declined + promised > coalesce(line.approved, 0) then
        raise exception 'line % is promised more than was approved', new.line using errcode = 'check_violation';
    end if;
    return null;
end $$
""",
    """
create constraint trigger parts_conserved after insert or update on fulfilment_parts deferrable initially deferred
for each row execute function parts_conserve()
""",
)
BY_PARENT = {"fulfilment_parts": ("line", "equipment_request_lines")}
# A purchase belongs to the province; a centre sees those that something is bought with for it.
BOUGHT = "exists (select from fulfilment_parts p where p.purchase = purchases.id)"


def statements() -> list[str]:
    """Everything in its order."""
    found = list(STATEMENTS)
    for table, (column, parent) in BY_PARENT.items():
        found += _secured(table, f"exists (select from {parent} p where p.id = {table}.{column})")
    return [
        *found,
        "alter table purchases enable row level security",
        f"create policy scoped on purchases using ((select scope_everything()) or {BOUGHT}) "
        "with check ((select scope_everything()))",
    ]


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="assets", description=DESCRIPTION)

    async def run() -> None:
        for statement in statements():
            await DB.run_ddl(statement)

    manager.add_raw(run)
    return manager
