"""The pages against a real database, each through the whole stack of sign-in, guards, queries and templates."""

import html
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from httpx2 import ASGITransport, AsyncClient, Response

from assets import db
from assets.access.permissions import Role
from assets.dashboards.asset_rows import part_of
from assets.dashboards.views import ReadingRow
from tests import web_world
from tests.web_world import PASSWORD, Web

SITE = "http://testserver"


@pytest.fixture
async def world(database: str) -> Web:
    return await web_world.build()


@pytest.fixture
async def client(world: Web, tmp_path: Path) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(transport=ASGITransport(web_world.app(tmp_path)), base_url=SITE) as client:
        yield client


async def enter(client: AsyncClient, name: str, password: str = PASSWORD, onward: str = "/") -> Response:
    return await client.post("/sign-in", data={"name": name, "password": password, "next": onward})


def text_of(answer: Response) -> str:
    """What a reader sees."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", answer.text)))


async def test_when_provincial_it_opens_the_overview_then_the_sentence_counts_every_centre(client, world) -> None:
    await enter(client, "bob")
    seen = text_of(await client.get("/"))
    for words in ("2 không phục vụ được", "6 hạn chế", "1 chưa có dữ liệu", "87 sẵn sàng", "Tất cả 96 trung tâm"):
        assert words in seen


async def test_when_centres_are_listed_then_the_worst_stand_first_with_reason_and_next_step(client, world) -> None:
    await enter(client, "bob")
    listed = (await client.get("/index.json")).json()["centres"]
    verdicts = [row["readiness"] for row in listed]
    assert verdicts == ["unable"] * 2 + ["limited"] * 6 + ["unknown"] + ["able"] * 87
    assert "Trung tâm mất đường truyền" in text_of(await client.get("/"))
    assert all(row["reasons"] for row in listed if row["readiness"] != "able")


async def test_when_a_number_of_the_sentence_is_followed_then_just_those_centres_are_listed(client, world) -> None:
    await enter(client, "bob")
    page = await client.get("/")
    link = html.unescape(re.search(r'href="(\?readiness=limited[^"]*)"', page.text).group(1))
    assert link == "?readiness=limited"
    assert (await client.get("/index.json" + link)).json()["total"] == 6


@pytest.mark.parametrize(
    ("q", "name"), [("tra bong", "Xã Trà Bồng"), ("TRÀ BỒNG", "Xã Trà Bồng"), ("nghia lo", "Phường Nghĩa Lộ")]
)
async def test_when_searched_without_accents_then_the_commune_is_found(client, world, q: str, name: str) -> None:
    await enter(client, "bob")
    found = (await client.get("/index.json", params={"q": q})).json()["centres"]
    assert name in [row["unit"] for row in found]
    assert len(found) < 5


async def test_when_nothing_fits_then_the_page_says_so_and_shows_the_way_back(client, world) -> None:
    await enter(client, "bob")
    seen = text_of(await client.get("/", params={"q": "zzz"}))
    assert "Không có trung tâm nào phù hợp" in seen
    assert "Hiện tất cả" in seen


async def test_when_a_parameter_is_unknown_or_wrong_then_it_is_named_and_400(client, world) -> None:
    await enter(client, "bob")
    for query in ("colour=red", "readiness=splendid", "page=0", "page=x", "q=" + "a" * 201, "q=%00"):
        answer = await client.get("/index.json?" + query)
        assert answer.status_code == 400
        assert answer.headers["content-type"].startswith("application/problem+json")
        assert answer.json()["errors"][0]["field"] == query.partition("=")[0]
        assert (await client.get("/?" + query)).status_code == 400


async def test_when_a_clerk_opens_the_first_page_then_they_stand_in_their_own_centre(client, world) -> None:
    await enter(client, "alice")
    answer = await client.get("/")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/sites/{world.limited}")
    seen = text_of(await client.get(answer.headers["location"]))
    assert "Đề nghị cấp thiết bị" in seen
    assert "SNMP" not in seen


async def test_when_a_clerk_asks_for_another_centre_then_it_looks_as_if_it_did_not_exist(client, world) -> None:
    await enter(client, "alice")
    async with db.transaction(db.EVERYTHING) as tx:
        foreign = await tx.fetchval(
            "select i.number from incidents i join sites s on s.id = i.site where s.code = $1", world.unable
        )
    pairs = [
        (f"/sites/{world.unable}", "/sites/00000"), (f"/assets/{world.unable}-PC-1", "/assets/00000-PC-1"),
        (f"/incidents/{foreign}", "/incidents/999999"),
    ]  # fmt: skip
    for theirs, nothing in pairs:
        for suffix in ("", ".json"):
            real, unreal = await client.get(theirs + suffix), await client.get(nothing + suffix)
            assert (real.status_code, unreal.status_code) == (404, 404)
            assert text_of(real) == text_of(unreal)


async def test_when_a_clerk_lists_incidents_then_only_those_of_their_centre_are_counted(client, world) -> None:
    await enter(client, "alice")
    found = (await client.get("/incidents.json")).json()
    assert {row["site"] for row in found["items"]} == {world.limited}
    assert found["total"] == 1


async def test_when_a_clerk_asks_for_the_system_page_then_it_is_403(client, world) -> None:
    await enter(client, "alice")
    answer = await client.get("/-/system")
    assert answer.status_code == 403
    assert "không được phép" in text_of(answer)


async def test_when_a_centre_is_opened_then_each_asset_says_where_its_condition_comes_from(client, world) -> None:
    await enter(client, "bob")
    rows = {row["tag"]: row for row in (await client.get(f"/sites/{world.limited}.json")).json()["assets"]}
    printer, scanner, computer = rows[world.printer], rows[world.scanner], rows[world.computer]
    assert (printer["source"], printer["method"], printer["state"]) == ("measured", "snmp", "degraded")
    assert (computer["source"], computer["method"]) == ("measured", "tcp")
    assert (scanner["source"], scanner["state"], scanner["said_by"]) == ("said", "broken", "Bà A")
    seen = text_of(await client.get(f"/sites/{world.limited}"))
    assert "đo bằng SNMP" in seen
    assert "Bà A báo" in seen
    assert "kiểm tra bằng TCP" in seen


async def test_when_nothing_measures_an_asset_and_nobody_spoke_then_it_is_never_shown_as_good(client, world) -> None:
    await enter(client, "bob")
    rows = (await client.get(f"/sites/{world.able}.json")).json()["assets"]
    scanner = next(row for row in rows if "SCANNER" in row["tag"])
    assert (scanner["state"], scanner["source"]) == ("unknown", "register")
    for path in (f"/sites/{world.able}", f"/assets/{scanner['tag']}"):
        page = (await client.get(path)).text
        assert re.search(r'class="state unknown[^"]*"><svg class="shape unknown".*?Tốt \(theo sổ\)', page)
        assert "theo sổ)" not in re.sub(r"Tốt \(theo sổ\)", "", page)
        assert not re.search(r'class="state up[^"]*"[^\n]*\(theo sổ\)', page)


@pytest.mark.parametrize(
    ("label", "part"),
    [
        ("Black Toner Cartridge", "toner"), ("Black Cartridge", "cartridge"), ("Cyan", "cartridge"),
        ("Drum Unit", "drum"), ("Black Drum Cartridge", "drum"), ("OPC", "drum"), ("Photoconductor", "drum"),
        ("Fuser Kit", "fuser"), ("Transfer Belt", "transfer"), ("Maintenance Kit", "maintenance"),
        ("Magenta Ink", "ink"), ("Stapler", "other"), ("", "other"),
    ],
)  # fmt: skip
def test_when_a_printer_names_a_supply_then_it_is_known_what_part_it_is(label, part) -> None:
    assert part_of(ReadingRow(name="supply.percent", label=label)) == part
    assert part_of(ReadingRow(name="receptacle.percent", label=label)) == ""


async def test_when_a_printer_tells_of_its_drum_then_it_is_not_shown_as_ink(client, world) -> None:
    await enter(client, "bob")
    drum = [{"name": "supply.percent", "instance": "1.2", "label": "Drum Unit", "value": 61.0}]
    async with db.transaction(db.EVERYTHING) as tx:
        await tx.execute(
            "update device_states set readings = $1 where target = (select t.id from targets t join assets a on a.id = t.asset "
            "where a.tag = $2)", json.dumps(drum), world.printer,
        )  # fmt: skip
    seen = text_of(await client.get(f"/assets/{world.printer}")).replace("\xa0", " ")
    assert "Tuổi thọ còn lại Trống (drum) Drum Unit 61 %" in seen
    assert "Mực còn lại" not in seen


async def test_when_a_centre_is_limited_then_its_facts_say_what_who_and_what_next(client, world) -> None:
    await enter(client, "bob")
    facts = {f["name"]: f for f in (await client.get(f"/sites/{world.limited}.json")).json()["facts"]}
    assert [facts[n]["readiness"] for n in ("equipment", "link", "accounts")] == ["limited", "able", "limited"]
    seen = text_of(await client.get(f"/sites/{world.limited}"))
    assert "Sở Tư pháp" in seen
    assert "Chưa được cấp tài khoản" in seen


async def test_when_something_stands_behind_what_failed_then_the_page_says_because_of_what(client, world) -> None:
    await enter(client, "bob")
    seen = text_of(await client.get(f"/sites/{world.unable}"))
    assert "Do MikroTik RB2011".lower() in seen.lower()


async def test_when_an_asset_is_opened_then_readings_have_words_and_units_and_the_week_keeps_its_gaps(
    client, world
) -> None:
    await enter(client, "bob")
    answer = await client.get(f"/assets/{world.printer}")
    seen = text_of(answer)
    assert "Mực còn lại Hộp mực Black Cartridge 3 %" in seen.replace("\xa0", " ")
    assert "48.213 trang" in seen.replace("\xa0", " ")
    assert "vẫn còn" in seen
    assert 'class="strip"' in answer.text
    assert "Chưa có dữ liệu: 1" in seen
    history = (await client.get(f"/assets/{world.printer}.json")).json()["monitoring"]["history"]
    assert [h["condition"] for h in history].count("unknown") == 2


async def test_when_an_incident_is_acknowledged_then_it_says_who_has_it_and_the_button_is_gone(client, world) -> None:
    await enter(client, "bob")
    path = f"/incidents/{world.incident}"
    assert "Xác nhận đã tiếp nhận" in text_of(await client.get(path))
    answer = await client.post(path + "/acknowledge")
    assert (answer.status_code, answer.headers["location"]) == (303, path)
    seen = text_of(await client.get(path))
    assert "Ông B đã tiếp nhận" in seen
    assert "Xác nhận đã tiếp nhận" not in seen
    assert (await client.post(path + "/acknowledge")).status_code == 303


async def test_when_a_message_was_kept_back_then_the_incident_page_says_why(client, world) -> None:
    await enter(client, "bob")
    async with db.transaction(db.EVERYTHING) as tx:
        number = await tx.fetchval("select min(number) from incidents where severity = 'warning'")
    seen = text_of(await client.get(f"/incidents/{number}"))
    assert "Không gửi (có lý do)" in seen
    assert "trong khung giờ bảo trì: Thay mực định kỳ" in seen


async def test_when_an_inspector_opens_an_incident_then_there_is_no_button_and_the_post_is_403(client, world) -> None:
    await enter(client, "ivan")
    path = f"/incidents/{world.incident}"
    assert '<button class="button large"' not in (await client.get(path)).text
    assert (await client.post(path + "/acknowledge")).status_code == 403


async def test_when_incidents_are_paged_then_each_is_shown_once(client, world) -> None:
    await enter(client, "bob")
    seen, cursor = [], None
    for _ in range(10):
        parameters = {"limit": "3"} | ({"cursor": cursor} if cursor else {})
        found = (await client.get("/incidents.json", params=parameters)).json()
        seen += [row["number"] for row in found["items"]]
        cursor = found["next"]
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == found["total"] == 8


async def test_when_a_collector_is_silent_then_the_pages_say_so_and_since_when(client, world) -> None:
    await enter(client, "bob")
    async with db.transaction(db.EVERYTHING) as tx:
        await tx.execute(
            "update collectors set silent_since = now() - interval '9 minutes', last_contact_at = now() - interval '10 minutes'"
        )
    for path in ("/", f"/sites/{world.able}"):
        seen = text_of(await client.get(path))
        assert "Bộ thu thập tỉnh mất liên lạc" in seen
        assert "10 phút trước" in seen
    assert "Hệ thống cần được kiểm tra" in text_of(await client.get("/-/system"))


async def test_when_the_house_is_empty_then_every_page_still_says_what_belongs_there(database, tmp_path) -> None:
    await web_world.person("bob", Role.PROVINCE_IT, "Ông B")
    async with AsyncClient(transport=ASGITransport(web_world.app(tmp_path)), base_url=SITE) as client:
        await enter(client, "bob")
        assert "Các trung tâm của tỉnh sẽ hiện ở đây" in text_of(await client.get("/"))
        assert "Không có sự cố." in text_of(await client.get("/incidents"))
        assert "Chưa đăng ký bộ thu thập nào" in text_of(await client.get("/-/system"))


async def test_when_a_part_is_fetched_again_then_only_the_part_comes(client, world) -> None:
    await enter(client, "bob")
    asset, incident = f"/assets/{world.printer}", f"/incidents/{world.incident}"
    for path in ("/", f"/sites/{world.limited}", asset, "/incidents", incident, "/-/system"):
        part = await client.get(path, headers={"HX-Request": "true"})
        assert part.status_code == 200
        assert "<html" not in part.text
        assert "HX-Request" in part.headers["vary"]


async def test_when_a_device_calls_itself_by_a_script_then_the_page_shows_it_as_text(client, world) -> None:
    await enter(client, "bob")
    evil = "<script>alert(1)</script>{{ 7*7 }}"
    async with db.transaction(db.EVERYTHING) as tx:
        await tx.execute("update incidents set subject_name = $1, reason = $2 where number = $3", evil,
                         '[["%(label)s broke", {"label": "<img src=x>"}]]', world.incident)  # fmt: skip
        await tx.execute("update asset_models set name = $1", evil)
        await tx.execute("update declarations set text = $1, said_by_name = $2", evil, evil)
    asset, incident = f"/assets/{world.printer}", f"/incidents/{world.incident}"
    for path in (f"/sites/{world.limited}", asset, "/incidents", incident):
        page = (await client.get(path)).text
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert "49" not in page or "{{" in html.unescape(page)


async def test_when_a_page_is_served_then_nothing_inline_may_run_and_no_cache_keeps_it(client, world) -> None:
    await enter(client, "bob")
    answer = await client.get("/")
    policy = answer.headers["content-security-policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert "no-store" in answer.headers["cache-control"]
    assert not re.search(r"<script(?![^>]*\bsrc=)|\son\w+=|\sstyle=", answer.text)
    assert not re.search(r"(?:src|href)=\"(?:https?:)?//", answer.text)


async def test_when_a_static_file_is_asked_for_then_its_hash_makes_it_immutable(client, world) -> None:
    await enter(client, "bob")
    address = re.search(r'href="(/static/[^"]+app\.css)"', (await client.get("/")).text).group(1)
    assert "immutable" in (await client.get(address)).headers["cache-control"]
    assert "max-age=60" in (await client.get("/static/000000000000/app.css")).headers["cache-control"]
    for bad in (
        "/static/x/../templates/layout.html",
        "/static/x/%2e%2e/package.json",
        "/static/x//etc/passwd",
        "/static/x/nothing.css",
    ):
        assert (await client.get(bad)).status_code == 404


async def test_when_the_openapi_document_is_made_then_twins_lists_and_problems_are_described(tmp_path) -> None:
    document = web_world.app(tmp_path).openapi_schema.to_schema()
    for path in (
        "/index.json",
        "/sites/{code}.json",
        "/assets/{tag}.json",
        "/incidents.json",
        "/incidents/{number}.json",
        "/-/system.json",
    ):
        operation = document["paths"][path]["get"]
        schema = operation["responses"]["200"]["content"]["application/json"]["schema"]["$ref"]
        assert schema.rpartition("/")[2] in document["components"]["schemas"]
        assert "application/problem+json" in operation["responses"]["404"]["content"]
    assert {"state", "limit", "cursor", "q"} <= {
        p["name"] for p in document["paths"]["/incidents.json"]["get"]["parameters"]
    }
    text = str(document)
    for name in re.findall(r"#/components/schemas/(\w+)", text):
        assert name in document["components"]["schemas"], name
