"""Lists: every row once in any order, only whitelisted columns, values only as parameters."""

import pytest

from assets import db
from assets.access.actor import SYSTEM
from assets.db import EVERYTHING, Scope
from assets.errors import Invalid
from assets.ids import new_id
from assets.places import service as places
from assets.places.units import parse, shipped
from assets.web.paging import LIMIT_MAX, Column, Listing, ListQuery, Page, fetch, parameters

UNITS = Listing(
    select="u.code, u.name, u.area_km2",
    source="administrative_units u left join sites s on s.unit = u.id",
    key="u.id",
    columns={
        "code": Column("u.code"), "name": Column("u.sort"), "kind": Column("u.kind", choices=("commune", "ward", "special_zone")),
        "area_km2": Column("u.area_km2", "double precision"), "version": Column("u.version", "integer"),
        "odd": Column("nullif(u.version, 1)", "integer"), "id": Column("u.id", "uuid", sortable=False),
    },
    sort="name", search=("u.search",), site="s.id",
)  # fmt: skip


@pytest.fixture
async def units(database: str) -> None:
    await places.load_units(SYSTEM, parse(shipped()))
    async with db.transaction(EVERYTHING) as tx:
        await tx.execute("update administrative_units set area_km2 = null where code like '%5'")
        await tx.execute("update administrative_units set version = 2 where code like '%0'")


async def ask(scope: Scope = EVERYTHING, **asked: str | list[str]) -> Page[str]:
    async with db.transaction(scope) as tx:
        return await fetch(tx, UNITS, ListQuery.of(asked, UNITS), lambda row: str(row["code"]), scope=scope)


@pytest.mark.parametrize(
    "sort", ["name", "-name", "code", "-code", "area_km2", "-area_km2", "version", "-odd", "odd", "kind"]
)
async def test_when_a_list_is_paged_then_each_row_comes_once_in_any_order(units: None, sort: str) -> None:
    whole = (await ask(sort=sort, limit="1000")).items
    assert len(set(whole)) == 96
    paged, cursor = [], None
    for _ in range(20):
        page = await ask(sort=sort, limit="7", **({"cursor": cursor} if cursor else {}))
        assert page.total == 96
        paged += page.items
        cursor = page.next
        if cursor is None:
            break
    assert paged == whole


async def test_when_a_row_vanishes_between_pages_then_none_is_skipped(units: None) -> None:
    first = await ask(limit="10", sort="code")
    async with db.transaction(EVERYTHING) as tx:
        await tx.execute("delete from administrative_units where code = $1", first.items[0])
    second = await ask(limit="10", sort="code", cursor=first.next or "")
    whole = await ask(limit="1000", sort="code")
    assert first.items[1:] + second.items == whole.items[:19]


async def test_filters_search_and_ranges(units: None) -> None:
    assert (await ask(kind="ward")).total == 9
    assert (await ask(kind=["ward", "special_zone"])).total == 10
    assert (await ask(q="ly son")).items == (await ask(kind="special_zone")).items
    big, small = await ask(area_km2__gte="200"), await ask(area_km2__lt="200")
    assert big.total + small.total == 96 - (await ask(odd="2", area_km2__gte="9999")).total - await nulls()
    assert (await ask(q="100%")).total == 0
    assert (await ask(q="_")).total == 0


async def nulls() -> int:
    async with db.transaction(EVERYTHING) as tx:
        return int(await tx.fetchval("select count(*) from administrative_units where area_km2 is null"))


async def test_when_the_scope_is_narrow_then_total_rows_and_search_keep_to_it(units: None) -> None:
    await places.open_centres(SYSTEM)
    async with db.transaction(EVERYTHING) as tx:
        site = await tx.fetchrow("select s.id, s.code from sites s order by s.code limit 1")
    assert (await ask(Scope.of_sites([site["id"]]))).items == [site["code"]]
    assert (await ask(Scope.of_sites([]))).total == 0
    assert (await ask(Scope.of_sites([new_id()]), q="xa")).total == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("colour", "red"), ("limit", "0"), ("limit", str(LIMIT_MAX + 1)), ("limit", "ten"),
        ("limit", "-1"), ("limit", "١"), ("limit", ""),
        ("sort", "colour"), ("sort", "id"), ("sort", "name; drop table users"), ("kind", "duchy"), ("version", "two"),
        ("version", "99999999999"), ("id", "not-a-uuid"), ("kind__gte", "ward"), ("id__lt", "x"), ("area_km2__between", "1"),
        ("q", "x" * 201), ("q", "\0"), ("code", "\0"), ("area_km2__gte", "wide"),
    ],
)  # fmt: skip
def test_when_a_parameter_is_wrong_then_it_is_named(name: str, value: str) -> None:
    with pytest.raises(Invalid) as caught:
        ListQuery.of({name: value}, UNITS)
    assert list(caught.value.fields) == [name]


@pytest.mark.parametrize(
    "cursor", ["", "x", "!!!", "bnVsbA", "W10", "WyJuYW1lIiwgMSwgMl0", "a" * 2_000, "é", "WyJjb2RlIiwgImEiLCAiYiJd"]
)
async def test_when_a_cursor_is_not_ours_then_it_is_refused(units: None, cursor: str) -> None:
    if cursor == "":
        assert (await ask(cursor=cursor)).total == 96
        return
    with pytest.raises(Invalid) as caught:
        await ask(cursor=cursor)
    assert list(caught.value.fields) == ["cursor"]


def test_when_a_type_is_not_known_then_the_listing_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="known"):
        Column("a.b", "money")


def test_the_description_has_every_parameter() -> None:
    names = {p.name for p in parameters(UNITS)}
    assert {"limit", "cursor", "sort", "q", "kind", "area_km2__gte", "version__lt"} <= names
    assert "kind__gte" not in names
