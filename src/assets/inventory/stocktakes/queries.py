"""What people see of stocktakes: the list, one with its progress, what was expected and found. Only reads."""

from datetime import date, datetime
from uuid import UUID

from pydantic import BaseModel

from assets.db import Connection, Scope
from assets.errors import NotFound
from assets.inventory.stocktakes.counting import Result, State
from assets.inventory.stocktakes.service import number_of
from assets.web.paging import Column, Listing, ListQuery, Page, fetch, folded
from assets.web.rows import from_row


class StocktakeOut(BaseModel):
    """A stocktake and how far it is."""

    id: UUID
    number: int
    site: str
    site_name: str
    whole_unit: bool
    title: str
    as_of: datetime
    state: State
    form_number: str
    members: str
    opened_at: datetime
    opened_by: str
    closed_at: datetime | None
    closed_by: str
    approved_at: datetime | None
    approved_by: str
    cancelled_at: datetime | None
    cancelled_by: str
    cancel_reason: str
    expected: int
    found: int
    elsewhere: int
    unknown: int
    missing: int
    pending: int
    unsettled: int
    version: int


class ItemOut(BaseModel):
    """A thing that was expected or found; `registered_site` is where the register has it now, if the caller may know."""

    id: UUID
    stocktake: int
    tag: str
    name: str
    category: str
    site: str
    room: str
    expected: bool
    stage: str
    physical_state: str
    original_cost: int | None
    remaining: int | None
    put_into_use: date | None
    result: Result
    counted_state: str
    counted_room: str
    counted_at: datetime | None
    counted_by: str
    note: str
    scans: int
    settlement: str
    settled_note: str
    settled_by: str
    registered_site: str | None


class StateOut(BaseModel):
    """A state that is counted, in the province's words."""

    id: UUID
    code: str
    name: str
    name_en: str
    version: int


_COUNTS = ", ".join(f"count(*) filter (where i.result = '{result}') as {result}" for result in Result)
STOCKTAKES = Listing(
    select="t.*, t.opened_by_name as opened_by, t.closed_by_name as closed_by, t.approved_by_name as approved_by, "
    "t.cancelled_by_name as cancelled_by, "
    "s.code as site_code, s.name as site_name, n.*",
    source="stocktakes t join sites s on s.id = t.site cross join lateral (select count(*) filter (where i.expected) as "
    + f"expected, {_COUNTS}, count(*) filter (where i.result <> 'found' and i.settlement = '') as unsettled "
    + "from stocktake_items i where i.stocktake = t.id) n",
    key="t.id",
    columns={
        "number": Column("t.number", "integer"), "site": Column("s.code"),
        "state": Column("t.state", choices=tuple(State)), "as_of": Column("t.as_of", "timestamptz"),
        "opened_at": Column("t.opened_at", "timestamptz"),
    },
    sort="-number",
    search=("t.search", "s.search"),
    site="t.site",
)  # fmt: skip
# The joins are under row-level security: of what is registered elsewhere, only the caller's own shows.
ITEMS = Listing(
    select="i.*, t.number, s.code as site_code, i.counted_by_name as counted_by, i.settled_by_name as settled_by, "
    "r.code as registered_site",
    source="stocktake_items i join stocktakes t on t.id = i.stocktake join sites s on s.id = i.site "
    "left join assets a on a.id = i.asset left join sites r on r.id = a.site",
    key="i.id",
    columns={
        "stocktake": Column("t.number", "integer"), "tag": Column("i.tag"), "site": Column("s.code"),
        "category": Column("i.category"), "room": Column("i.room"), "expected": Column("i.expected", "boolean"),
        "result": Column("i.result", choices=tuple(Result)), "counted_state": Column("i.counted_state"),
        "counted_at": Column("i.counted_at", "timestamptz"), "settlement": Column("i.settlement"),
    },
    sort="tag",
    search=("i.search", "s.search"),
    site="i.site",
)  # fmt: skip
STATES = Listing(
    select="c.*", source="counted_states c", key="c.id", columns={"code": Column("c.code"), "sort": Column("c.sort", "integer")},
    sort="sort", search=(folded("c.code"), folded("c.name"), folded("c.name_en")),
)  # fmt: skip


stocktake_out = from_row(StocktakeOut, site="site_code")


item_out = from_row(ItemOut, site="site_code", stocktake="number")


state_out = from_row(StateOut)


async def one(tx: Connection, scope: Scope, number: str) -> StocktakeOut:
    """One stocktake; NotFound when it is another's."""
    where = [("t.number = {}", [number_of(number)])]
    found = await fetch(tx, STOCKTAKES, ListQuery(limit=1), stocktake_out, scope=scope, where=where)
    if not found.items:
        raise NotFound()
    return found.items[0]


async def items(tx: Connection, scope: Scope, number: str, asked: ListQuery) -> Page[ItemOut]:
    """What a stocktake expected and found."""
    await one(tx, scope, number)
    return await fetch(tx, ITEMS, asked, item_out, scope=scope, where=[("t.number = {}", [number_of(number)])])
