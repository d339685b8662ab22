"""Search across everything, on a real PostgreSQL: ranks, scopes, accents, and the two `searchable`s that must agree."""

import unicodedata
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from assets import clock, db
from assets.access.actor import SYSTEM, Actor
from assets.access.permissions import Role
from assets.access.service import NewUser, add_user
from assets.dashboards.search import KINDS, MOST, Find, Found, search
from assets.inventory import service as inventory
from assets.inventory import things
from assets.inventory.api import ASSETS
from assets.migrations.m0013_search import FOUND_AGAIN, FUNCTIONS
from assets.migrations.m0031_joined_syllables import STATEMENTS as JOINED
from assets.migrations.m0031_joined_syllables import TABLES
from assets.places import service as places
from assets.places.units import parse, shipped
from assets.text import searchable
from assets.web.paging import ListQuery, fetch
from tests.conftest import connected, empty

BA_GIA, SON_HA, SON_HA_LOW = "21112", "21289", "21292"


@pytest.fixture(scope="module")
async def register(migrated: str) -> AsyncIterator[None]:
    """The province with some of everything; the tests read only."""
    await connected(migrated)
    async with db.transaction(db.EVERYTHING) as tx:
        await empty(tx)
    await places.load_units(SYSTEM, parse(shipped()))
    await places.open_centres(SYSTEM)
    await things.add_default_categories(SYSTEM)
    model = await things.add_model(SYSTEM, things.NewModel("printer", "Canon", "LBP 2900"))
    for tag, site, serial, name, room in (
        ("QN-1", SON_HA, "X900", "Máy in hộ tịch", "Quầy 1"), ("QN-10", SON_HA_LOW, "X901", "Máy in một cửa", "Quầy 2"),
        ("QN-100", SON_HA, "", "Thương binh-Xã hội", ""), ("X900-B", SON_HA_LOW, "", "Máy quét Hoà Bình", ""),
    ):  # fmt: skip
        new = inventory.NewAsset(tag, model, site, serial=serial, name=name, room=room)
        await inventory.register(SYSTEM, new, now=clock.now())
    await things.add_link(SYSTEM, things.NewLink("L-1", SON_HA, "fibre", "VNPT", "FTTH/0123"))
    await things.add_application(SYSTEM, things.NewApplication("igate", "Một cửa điện tử", "iGate", "Sở Nội vụ"))
    await things.add_capability(SYSTEM, things.NewCapability(SON_HA, "account", "Tài khoản dịch vụ công", "issued"))
    await add_user(SYSTEM, NewUser("hoa", Role.CLERK, display_name="Bà Nguyễn Thị Hoà", unit=SON_HA))
    yield
    await db.disconnect()


async def of(site: str, *roles: Role) -> Actor:
    async with db.transaction(db.EVERYTHING) as tx:
        at = await tx.fetchval("select id from sites where code = $1", site)
    return replace(SYSTEM, roles=frozenset(roles), scope=db.Scope.of_sites([at]), home_site=at)


def keys(found: Found, kind: str = "assets") -> list[str]:
    return [find.key for group in found.groups if group.kind == kind for find in group.items]


def first(found: Found) -> Find:
    return found.groups[0].items[0]


@pytest.mark.parametrize(
    ("q", "tags"),
    [
        ("may in son ha", ["QN-1", "QN-10"]), ("máy in Sơn Hà", ["QN-1"]), ("Máy in sơn hạ", ["QN-10"]),
        ("Sơn Hà", ["QN-1", "QN-100"]), ("qn-1", ["QN-1", "QN-10", "QN-100"]), ("QN-10", ["QN-10", "QN-100"]),
        ("x900", ["QN-1", "X900-B"]), ("canon", ["QN-1", "QN-10", "QN-100", "X900-B"]), ("hòa bình", ["X900-B"]),
        ("hoá", []), ("anon", ["QN-1", "QN-10", "QN-100", "X900-B"]), ("may in canon 2900 21289", ["QN-1"]), ("%", []),
        ("zz", []), ("QN", ["QN-1", "QN-10", "QN-100"]), ("xã hội", ["QN-100"]), ("thương binh – xã hội", ["QN-100"]),
    ],
)  # fmt: skip
async def test_when_assets_are_searched_then_the_best_come_first(register: None, q: str, tags: list[str]) -> None:
    assert keys(await search(SYSTEM, q)) == tags


@pytest.mark.parametrize(
    ("q", "tags"),
    [
        ("may quet son ha", ["X900-B"]), ("máy in sơn hà", ["QN-1"]), ("Sơn Hạ", ["QN-10", "X900-B"]),
        ("Sơn Hà", ["QN-1", "QN-100"]), ("hoà bình", ["X900-B"]), ("canon son ha", ["QN-1", "QN-10", "QN-100", "X900-B"]),
        ("xã hội", ["QN-100"]), ("binh-xã sơn hà", ["QN-100"]), ("Thương Bình", []),
    ],
)  # fmt: skip
async def test_when_a_list_is_searched_then_syllables_with_accents_are_whole(
    register: None, q: str, tags: list[str]
) -> None:
    """Each centre is called "Trung tâm Phục vụ hành chính công …": as a part of a word "hà" is in all of them."""
    async with db.transaction(db.EVERYTHING) as tx:
        found = await fetch(tx, ASSETS, ListQuery(q=q), lambda row: str(row["tag"]), scope=db.EVERYTHING)
    assert found.items == tags


async def test_when_a_tag_or_serial_is_typed_whole_then_its_kind_and_thing_are_first_and_marked(register: None) -> None:
    for q, key in (
        ("qn-1", "QN-1"),
        ("X900", "QN-1"),
        ("l-1", "L-1"),
        ("21289", SON_HA),
        ("IGATE", "igate"),
        ("hoa", "hoa"),
    ):
        found = first(await search(SYSTEM, q))
        assert (found.key, found.exact) == (key, True), q
    assert [find.exact for find in (await search(SYSTEM, "qn-1", kinds=["assets"])).groups[0].items] == [
        True,
        False,
        False,
    ]


@pytest.mark.parametrize(
    ("q", "kind", "link"),
    [
        ("Sơn Hà", "sites", f"/sites/{SON_HA}"), ("son ha", "administrative-units", f"/sites/{SON_HA}"),
        ("quay 1", "rooms", f"/sites/{SON_HA}"), ("ftth/0123", "links", f"/sites/{SON_HA}"),
        ("tai khoan son ha", "capabilities", f"/sites/{SON_HA}"), ("noi vu", "applications", None),
        ("lbp", "asset-models", "/search?q=Canon+LBP+2900&kind=assets"), ("bà hòa", "users", "/people/hoa"),
        ("QN-1", "assets", "/assets/QN-1"),
    ],
)  # fmt: skip
async def test_when_a_thing_of_any_kind_is_searched_then_it_is_found_with_a_way_to_it(
    register: None, q: str, kind: str, link: str | None
) -> None:
    found = {group.kind: group for group in (await search(SYSTEM, q)).groups}
    assert kind in found, list(found)
    assert link is None or found[kind].items[0].link == link
    only = await search(SYSTEM, q, kinds=[kind])
    assert [group.kind for group in only.groups] == [kind] == only.kinds


async def test_when_somebody_has_one_centre_then_nothing_of_another_is_found_or_counted(register: None) -> None:
    clerk = await of(SON_HA, Role.CLERK)
    assert "users" not in (await search(clerk, "hoa")).kinds
    for q in ("son ha", "canon", "may in", "trung tâm", "x90", "QN-10", SON_HA_LOW, "quay", "a"):
        found = await search(clerk, q, limit=100)
        sites = {find.site for group in found.groups for find in group.items}
        assert sites <= {SON_HA, None}, q
        assert all(group.total == len(group.items) for group in found.groups), q
    assert keys(await search(clerk, "canon")) == ["QN-1", "QN-100"]
    assert (await search(replace(clerk, roles=frozenset({Role.ON_CALL})), "1")).kinds == [
        name for name in KINDS if name not in ("users", "equipment-requests")
    ]


async def test_when_the_finds_are_equal_then_those_of_ones_own_centre_come_first(register: None) -> None:
    at_low = (await of(SON_HA_LOW, Role.CLERK)).home_site
    assert keys(await search(replace(SYSTEM, home_site=at_low), "canon"))[:2] == ["QN-10", "X900-B"]


async def test_when_there_are_very_many_then_the_best_are_shown_and_more_are_told_of(register: None) -> None:
    found = await search(SYSTEM, "xa", limit=3)
    sites = next(group for group in found.groups if group.kind == "sites")
    assert (len(sites.items), sites.total, sites.more) == (3, sites.total, False)
    assert 80 < sites.total < MOST


async def test_when_the_search_is_blank_then_nothing_is_found_and_nothing_is_asked(register: None) -> None:
    for q in ("", "  ", "\u0301"):
        assert (await search(SYSTEM, q)).groups == []


async def test_when_the_database_makes_a_text_searchable_then_it_does_as_the_service(register: None) -> None:
    texts = [unicodedata.normalize(form, text) for text in SAID for form in ("NFC", "NFD")]
    async with db.transaction(db.EVERYTHING) as tx:
        for text in texts:
            assert await tx.fetchval("select searchable($1::text)", text) == searchable(text), text
        for statement in FOUND_AGAIN:
            table = statement.split()[1]
            before = dict(await tx.fetch(f"select id, search from {table}"))
            await tx.execute(statement)
            assert dict(await tx.fetch(f"select id, search from {table}")) == before, table


async def test_when_rows_were_written_before_then_they_are_found_as_if_written_today(register: None) -> None:
    before = FUNCTIONS[0].replace("function searchable(", "function pg_temp.searchable_before(")
    kept: dict[str, dict[object, object]] = {}
    async with db.transaction(db.EVERYTHING) as tx, db.as_owner(tx):
        tables = await tx.fetch("select table_name from information_schema.columns where column_name = 'search'")
        assert {row["table_name"] for row in tables} == {*TABLES, "stocktakes", "stocktake_items"}
        await tx.execute(before)
        for statement in FOUND_AGAIN:
            table = statement.split()[1]
            kept[table] = dict(await tx.fetch(f"select id, search from {table}"))
            await tx.execute(statement.replace("searchable(", "pg_temp.searchable_before("))
        assert await tx.fetchval("select search from assets where tag = 'QN-100'") not in kept["assets"].values()
        for statement in JOINED:
            await tx.execute(statement)
        for table, rows in kept.items():
            assert dict(await tx.fetch(f"select id, search from {table}")) == rows, table


SAID = [
    "",
    " ",
    "Máy in Sơn Hà",
    "Hoà Bình, Thuý (cũ)",
    '"a" b: c; d! e?',
    "đ Đ",
    "ĐẮK TÔ",
    "(",
    "((x))",
    "QN-001/2",
    "quý",
    "khuỷu",
    "Văn hóa-Xã hội, QN-1/2",
    "«Tư pháp/hộ tịch…» – Đ-x, a≠b",
    "đa≠b ở _một_cửa_(hành,chính) \\hoá\\ [xã]^hội` {tỉnh}|~",
    "Quầy-1·số−2‑ba‒bốn–năm—sáu―bảy‘tám’chín‚mười“”„•…",
]
