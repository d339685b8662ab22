"""The pages of equipment requests, used as a browser without scripts uses them."""

import re
from dataclasses import dataclass
from html import unescape

import httpx2
import pytest

from assets import db
from assets.access.actor import SYSTEM
from assets.access.permissions import Role
from assets.equipment_requests.pictures import PICTURES
from assets.inventory import things
from assets.inventory.kits import service as kits
from assets.inventory.kits.allowance import What
from assets.inventory.lifecycle import PhysicalState
from assets.inventory.stock import consumables
from tests import equipment_world, pictures
from tests.conftest import House
from tests.equipment_world import World
from tests.pictures import photo, png

NEW = "/equipment-requests/new"
VIETNAMESE = {"Cookie": "language=vi"}


@dataclass
class Town:
    """The service with a small province and three people who read pages in Vietnamese."""

    world: World
    alice: httpx2.AsyncClient
    bob: httpx2.AsyncClient
    charlie: httpx2.AsyncClient
    house: House

    async def filed(self, **fields: str) -> str:
        """Where Alice's new request is."""
        answer = await self.alice.post(NEW, data={**FORM, "key": await key(self.alice), **fields})
        assert answer.status_code == 303, answer.text
        return answer.headers["location"].partition("?")[0]


FORM = {"thing_1": "equipment:printer", "quantity_1": "2", "reason": "Máy in cũ hay kẹt giấy"}


@pytest.fixture
async def town(house: House) -> Town:
    world = await equipment_world.build()
    people = [
        await house.person("clerk-a", Role.CLERK, world.home_code), await house.person("it", Role.PROVINCE_IT),
        await house.person("clerk-c", Role.CLERK, world.other_code),
    ]  # fmt: skip
    for client in people:
        client.headers.update(VIETNAMESE)
    return Town(world, *people, house=house)


async def key(client: httpx2.AsyncClient) -> str:
    """The key of a fresh form."""
    return hidden((await client.get(f"{NEW}?pick=equipment:printer")).text, "key")


def hidden(page: str, name: str) -> str:
    """The value of a page's hidden field."""
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found, page
    return found.group(1)


async def test_when_a_clerk_opens_the_form_then_the_catalogue_stands_there_without_it_words(town: Town) -> None:
    await town.world.thing("printer", "PR-1", town.world.home_code, state=PhysicalState.BROKEN)
    await town.world.thing("pc", "PC-9", town.world.other_code)
    page = (await town.alice.get(NEW)).text
    assert hidden(page, "site") == town.world.home_code
    assert '<select id="site"' not in page
    picks = re.findall(r'name="pick" value="([^"]*)"', page)
    assert picks[:3] == ["equipment:pc", "equipment:printer", "equipment:scanner"]
    assert {"capability:token", "capability:seal", "repair:PR-1"} < set(picks)
    assert "repair:PC-9" not in picks, "another centre's"
    assert 'lang="vi"' in page
    for words in ("Vật tư tiêu hao", "Sửa chữa thiết bị đang có", "Hỏng", "Tìm trong danh mục"):
        assert words in page
    for forbidden in ("bạn", "UUID", "category_id", "model"):
        assert forbidden not in re.sub(r"<[^>]*>", " ", page)


async def test_when_the_form_is_sent_then_the_page_says_who_has_it(town: Town) -> None:
    answer = await town.alice.post(NEW, data={**FORM, "key": await key(town.alice)})
    assert answer.status_code == 303
    assert re.fullmatch(r"/equipment-requests/\d+\?done=sent", answer.headers["location"])
    page = unescape((await town.alice.get(answer.headers["location"])).text)
    for text in ("Đã gửi đề nghị.", "2 × Máy in", "Chờ duyệt", "Bộ phận công nghệ thông tin tỉnh"):
        assert text in page


async def test_when_the_same_form_is_sent_twice_then_there_is_one_request(town: Town) -> None:
    form = {**FORM, "key": await key(town.alice)}
    places = {(await town.alice.post(NEW, data=form)).headers["location"] for _ in range(3)}
    assert len(places) == 1
    assert (await town.alice.get("/equipment-requests.json")).json()["total"] == 1


@pytest.mark.parametrize(
    ("change", "field", "message"),
    [
        ({"thing_1": ""}, "lines", "Xin chọn thiết bị cần cấp."),
        ({"thing_1": "equipment:aircraft"}, "thing_1", "Không có loại thiết bị này."),
        ({"thing_1": "aircraft"}, "thing_1", "Không có loại thiết bị này."),
        ({"thing_1": "repair:PC-9"}, "thing_1", "Trung tâm không có thiết bị này."),
        ({"thing_1": "capability:seal"}, "holder_post_1", "Xin ghi cấp cho ai"),
        ({"quantity_1": ""}, "quantity_1", "Xin ghi số lượng"),
        ({"quantity_1": "hai"}, "quantity_1", "Xin ghi số lượng"),
        ({"quantity_1": "0"}, "quantity_1", "Xin ghi số lượng"),
        ({"quantity_1": "9999999999999"}, "quantity_1", "Xin ghi số lượng"),
        ({"unit_cost_1": "1,5"}, "unit_cost_1", "Xin ghi giá"),
        ({"reason": "   "}, "reason", "Xin ghi một câu"),
        ({"reason": "x" * 2_001}, "reason", "Tối đa 2000 ký tự; nội dung này có 2001"),
        ({"reason_1": "x" * 256}, "reason_1", "Tối đa 255 ký tự; nội dung này có 256"),
    ],
)
async def test_when_a_field_is_wrong_then_the_message_stands_beside_it_and_the_rest_is_kept(
    town: Town, change: dict[str, str], field: str, message: str
) -> None:
    await town.world.thing("pc", "PC-9", town.world.other_code)
    form = {**FORM, "key": await key(town.alice), **change}
    answer = await town.alice.post(NEW, data=form)
    page = unescape(answer.text)
    assert answer.status_code == 400
    assert re.search(rf'id="wrong-{field}">{message}', page), page
    if field.partition("_")[0] in ("holder", "quantity", "unit", "reason"):
        assert f'aria-describedby="wrong-{field}' in page
    assert hidden(page, "key") == form["key"]  # so that the corrected form still files one request
    if field != "reason":
        assert FORM["reason"] in page
    if form["thing_1"]:
        assert hidden(page, "thing_1") == form["thing_1"]
    assert (await town.alice.get("/equipment-requests.json")).json()["total"] == 0


MIXED = {
    "thing_1": "equipment:printer", "quantity_1": "2", "reason_1": "Quầy 2", "unit_cost_1": "4.500.000",
    "thing_2": "consumable:CF259A", "quantity_2": "5",
    "thing_3": "capability:account:igate", "quantity_3": "1", "holder_post_3": "Công chức <b>tư pháp</b>",
    "thing_4": "repair:PR-1", "reason_4": "Kẹt giấy liên tục", "reason": "Mở quầy mới",
}  # fmt: skip


async def goods(town: Town) -> None:
    """A consumable that fits the centre's printer, an application, and the printer."""
    await consumables.add_consumable(
        SYSTEM, consumables.NewConsumable("CF259A", "Hộp mực 59A", "hộp", models=[town.world.models["printer"]])
    )
    await things.add_application(SYSTEM, things.NewApplication("igate", "iGate"))
    await town.world.thing("printer", "PR-1", town.world.home_code)


async def test_when_lines_of_all_kinds_are_asked_for_then_each_is_said_in_words(town: Town) -> None:
    await goods(town)
    at = await town.filed(**MIXED)
    lines = (await town.bob.get(f"{at}.json")).json()["lines"]
    assert [(line["kind"], line["name"], line["quantity"]) for line in lines] == [
        ("equipment", "Máy in", 2), ("consumable", "Hộp mực 59A", 5),
        ("capability", "Tài khoản iGate cho Công chức <b>tư pháp</b>", 1),
        ("repair", "Sửa chữa Máy in Maker printer (PR-1)", 1),
    ]  # fmt: skip
    assert (lines[0]["unit_cost"], lines[3]["reason"]) == (4_500_000, "Kẹt giấy liên tục")
    page = (await town.bob.get(at)).text
    assert "<b>tư pháp" not in page
    assert "Tài khoản iGate cho Công chức &lt;b&gt;tư pháp&lt;/b&gt;" in page
    assert (await town.bob.get("/equipment-requests.json?q=hop muc 59a")).json()["total"] == 1


async def test_when_there_are_no_scripts_then_things_are_chosen_looked_for_and_left_out_by_buttons(town: Town) -> None:
    await goods(town)
    found = (await town.alice.get(f"{NEW}?pick=equipment:printer&q=mực&find=find")).text
    assert re.findall(r'name="pick" value="([^"]*)"', found) == ["consumable:CF259A"], "what fits the words"
    form = {"thing_1": "equipment:printer", "quantity_1": "ba", "reason": "Cũ", "key": hidden(found, "key"),
            "pick": ["consumable:CF259A", "repair:PR-1", "equipment:printer"], "go": "more"}  # fmt: skip
    page = (await town.alice.post(NEW, data=form)).text
    assert [hidden(page, f"thing_{n}") for n in (1, 2, 3)] == ["equipment:printer", "consumable:CF259A", "repair:PR-1"]
    assert 'name="quantity_1"' in page
    assert 'value="ba"' in page, "what was typed stays as it was typed"
    assert "thing_4" not in page
    assert (await town.alice.get("/equipment-requests.json")).json()["total"] == 0
    less = {"thing_1": "equipment:printer", "thing_2": "repair:PR-1", "remove_1": "1", "reason": "Cũ", "go": "update"}
    page = (await town.alice.post(NEW, data=less)).text
    assert (hidden(page, "thing_1"), "thing_2" in page) == ("repair:PR-1", False)


async def test_when_something_is_chosen_then_what_is_known_of_it_stands_beside_it(town: Town) -> None:
    await goods(town)
    await town.world.stock("printer", "PR-9")
    await town.filed()
    page = unescape((await town.alice.get(f"{NEW}?pick=equipment:printer&pick=repair:PR-1")).text)
    assert "Đang sử dụng tại trung tâm: <strong>1" in page
    assert "Trong kho: <strong>1" in page, "a number, though the store is not hers"
    assert "PR-9" not in page
    assert re.search(r'Trong các đề nghị khác[^:]*: <strong>2</strong> \(<a href="/equipment-requests/1"', page), page
    assert '<a href="/assets/PR-1">PR-1</a>: Tốt' in page
    alone = await town.alice.get(f"{NEW}?pick=equipment:printer", headers={"HX-Request": "true"})
    assert "<html" not in alone.text
    assert "Trong kho" in unescape(alone.text)


async def test_when_a_page_of_somebody_else_sends_its_form_then_it_is_not_filed_in_this_name(town: Town) -> None:
    form = {**FORM, "key": await key(town.alice), "person": str(town.world.charlie.id)}
    answer = await town.alice.post(NEW, data=form)
    assert answer.status_code == 403
    assert (await town.bob.get("/equipment-requests.json")).json()["total"] == 0


async def test_when_a_link_leads_from_an_asset_or_a_gap_then_the_form_knows_what_is_asked_for(town: Town) -> None:
    await town.world.thing("printer", "PR-1", town.world.home_code)
    await town.world.thing("printer", "PR-C", town.world.other_code)
    asset = unescape((await town.alice.get("/assets/PR-1")).text)
    links = re.findall(r'href="(/equipment-requests/new\?[^"]*)"', asset)
    assert len(links) == 2
    repair, another = [(await town.alice.get(link)).text for link in links]
    assert hidden(repair, "thing_1") == "repair:PR-1"
    assert hidden(another, "thing_1") == "equipment:printer"
    assert 'value="Thay cho PR-1"' in unescape(another)
    assert "thing_1" not in (await town.alice.get(f"{NEW}?replaces=PR-C")).text
    await kits.add_kit(SYSTEM, kits.NewKit("centre", "K", "centre", lines=[kits.NewLine(What.CATEGORY, "printer", 3)]))
    gaps = unescape((await town.alice.get("/kits")).text)
    assert f"/equipment-requests/new?pick=equipment%3Aprinter&site={town.world.home_code}" in gaps


async def test_when_a_photo_comes_with_the_form_then_it_stands_on_the_request_once(town: Town) -> None:
    form = {**FORM, "key": await key(town.alice)}
    files = [("photo", ("a.png", png())), ("photo", ("b.jpg", photo()))]
    places = [(await town.alice.post(NEW, data=form, files=files)).headers["location"] for _ in range(2)]
    assert len(set(places)) == 1
    shown = (await town.bob.get(f"{places[0].partition('?')[0]}.json")).json()["files"]
    assert sorted(file["name"] for file in shown) == ["a.png", "b.jpg"]
    assert (await town.alice.get(f"/api/v1/attachments/{shown[0]['id']}/content")).status_code == 200
    assert (await town.charlie.get(f"/api/v1/attachments/{shown[0]['id']}/content")).status_code == 404
    more = await town.alice.post("/equipment-requests/1/photos", files={"photo": ("c.png", png(3))})
    assert more.headers["location"] == "/equipment-requests/1#photos"
    for content, said in ((b"\0\0\0\x18ftypheic" + bytes(99), "định dạng HEIC"), (b"<svg/>", "Chỉ thêm được ảnh")):
        wrong = await town.alice.post("/equipment-requests/1/photos", files={"photo": ("c.jpg", content)})
        assert (wrong.status_code, 'id="wrong-photo"' in wrong.text, said in wrong.text) == (400, True, True)
    assert (
        await town.charlie.post("/equipment-requests/1/photos", files={"photo": ("c.png", png())})
    ).status_code == 404


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ([("photo", ("ảnh lớn.jpg", b"\xff\xd8\xff" + b"\0" * 20 * 1024 * 1024))], "Có ảnh quá lớn"),
        ([("photo", ("a.jpg", b"<script>"))], "Chỉ thêm được ảnh"),
        ([("photo", ("a.pdf", pictures.PDF))], "Chỉ thêm được ảnh"),
        ([("photo", (f"{n}.png", png(n + 1))) for n in range(5)], "Tối đa 4 ảnh"),
    ],
)
async def test_when_a_photo_cannot_be_kept_then_nothing_of_what_was_typed_is_lost(
    town: Town, files: list[tuple[str, tuple[str, bytes]]], message: str
) -> None:
    form = {**FORM, "key": await key(town.alice)}
    answer = await town.alice.post(NEW, data=form, files=files)
    page = unescape(answer.text)
    assert answer.status_code == 400, page
    assert re.search(f'id="wrong-photo">{message}', page), page
    assert FORM["reason"] in page
    assert hidden(page, "thing_1") == "equipment:printer"
    assert (await town.alice.get("/equipment-requests.json")).json()["total"] == 0
    assert (await town.alice.post(NEW, data=form)).status_code == 303, "without it the same form goes through"


async def test_when_hostile_text_is_asked_for_then_it_is_shown_as_text(town: Town) -> None:
    at = await town.filed(reason="<script>alert(1)</script> {{ 7*7 }} %(state)s")
    page = (await town.bob.get(at)).text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; {{ 7*7 }} %(state)s" in page
    assert (await town.bob.get("/equipment-requests")).status_code == 200


async def test_when_a_draft_is_kept_then_it_is_sent_later(town: Town) -> None:
    at = await town.filed(draft="1")
    page = (await town.alice.get(at)).text
    assert "Bản nháp" in page
    sent = await town.alice.post(f"{at}/submit", data={"version": hidden(page, "version")})
    assert sent.headers["location"] == f"{at}?done=submit"


async def test_when_the_province_decides_then_facts_and_three_buttons_are_there(town: Town) -> None:
    await town.world.stock("printer", "PR-1")
    await town.world.thing("printer", "PR-OLD", town.world.home_code)
    at = await town.filed()
    page = unescape((await town.bob.get(at)).text)
    for text in ("Phê duyệt", "Trả lại", "Từ chối", "Trong kho: <strong>1", "Đang sử dụng tại trung tâm: <strong>1"):
        assert text in page
    clerk = unescape((await town.alice.get(at)).text)
    assert "Trong kho" not in clerk
    assert "Từ chối" not in clerk


async def test_when_it_goes_its_whole_way_by_forms_then_the_asset_stands_at_the_centre(town: Town) -> None:
    for tag in ("PR-1", "PR-2", "PR-3"):
        await town.world.stock("printer", tag)
    async with db.transaction(db.EVERYTHING) as tx:
        await tx.execute("update assets set serial = 'SN-1' where tag = 'PR-1'")
    at = await town.filed()
    page = (await town.bob.get(at)).text
    approved = await town.bob.post(
        f"{at}/approve", data={"version": hidden(page, "version"), "approved_1": "2", "note": ""}
    )
    assert approved.headers["location"] == f"{at}?done=approve"
    page = (await town.bob.get(at)).text
    assert re.findall(r'name="asset_1" value="(PR-\d)" checked', page) == ["PR-1", "PR-2"]
    assert re.search(r'PR-1 <span class="muted">Maker printer · số sê-ri SN-1 · Tốt', page)
    issued = await town.bob.post(f"{at}/fulfil", data={"version": hidden(page, "version"), "asset_1": ["PR-1", "PR-3"]})
    assert issued.status_code == 303, issued.text
    assert await town.world.asset("PR-3") == (town.world.home, "in_use")
    page = (await town.alice.get(at)).text
    assert "Xác nhận đã nhận đủ" in unescape(page)
    closed = await town.alice.post(f"{at}/close", data={"version": hidden(page, "version")})
    assert closed.headers["location"] == f"{at}?done=close"
    twin = (await town.alice.get(f"{at}.json")).json()
    assert (twin["state"], twin["lines"][0]["asset_tags"]) == ("closed", ["PR-1", "PR-3"])


async def test_when_a_request_is_returned_without_a_note_then_the_note_is_asked_for(town: Town) -> None:
    at = await town.filed()
    version = hidden((await town.bob.get(at)).text, "version")
    answer = await town.bob.post(f"{at}/return", data={"version": version, "approved_1": "1", "note": " "})
    page = unescape(answer.text)
    assert answer.status_code == 400
    assert re.search('id="wrong-note">Xin ghi', page)
    assert re.search('name="approved_1"[^>]* value="1"', page)  # what was typed is still there
    assert (await town.alice.get(f"{at}.json")).json()["state"] == "submitted"


async def test_when_one_of_several_is_decided_then_the_next_is_one_tap_away(town: Town) -> None:
    first, second = await town.filed(), await town.filed()
    sent = await town.bob.post(f"{first}/return", data={"note": "Cho phòng nào?"})
    page = (await town.bob.get(sent.headers["location"])).text
    assert f'class="button" href="{second}"' in page
    assert "1 đề nghị đang chờ xử lý" in page
    sent = await town.bob.post(f"{second}/refuse", data={"note": "Vượt định mức"})
    assert "Không còn đề nghị nào chờ xử lý" in (await town.bob.get(sent.headers["location"])).text
    assert "chờ xử lý" not in (await town.bob.get(first)).text  # to whoever only looks, nothing is offered


async def test_when_a_request_comes_back_then_the_clerk_corrects_and_sends_it_at_once(town: Town) -> None:
    at = await town.filed()
    await town.bob.post(f"{at}/return", data={"note": "Cho phòng nào?"})
    page = unescape((await town.alice.get(f"{at}/amend")).text)
    assert "Cho phòng nào?" in page
    wrong = await town.alice.post(
        f"{at}/amend", data={"version": hidden(page, "version"), **FORM, "quantity_1": "x", "reason": "Mới"}
    )
    assert wrong.status_code == 400
    assert 'id="wrong-quantity_1"' in wrong.text
    assert "Mới" in wrong.text
    form = {"version": hidden(page, "version"), **FORM, "quantity_1": "1", "reason": "Cho quầy 2", "send": "1"}
    assert (await town.alice.post(f"{at}/amend", data=form)).headers["location"] == f"{at}?done=amend"
    twin = (await town.bob.get(f"{at}.json")).json()
    assert (twin["state"], twin["lines"][0]["quantity"], twin["reason"]) == ("submitted", 1, "Cho quầy 2")


async def test_when_somebody_was_faster_then_the_page_shows_how_it_stands_now(town: Town) -> None:
    at = await town.filed()
    version = hidden((await town.bob.get(at)).text, "version")
    await town.alice.post(f"{at}/withdraw", data={"version": version})
    answer = await town.bob.post(f"{at}/approve", data={"version": version, "approved_1": "2"})
    page = unescape(answer.text)
    assert answer.status_code == 412
    assert 'role="alert"' in page
    assert "Đã rút" in page
    again = await town.bob.post(f"{at}/approve", data={"approved_1": "2"})
    assert again.status_code == 409
    assert "Đề nghị đã được rút." in unescape(again.text)


async def test_when_the_stock_is_gone_meanwhile_then_the_page_says_so_and_nothing_moves(town: Town) -> None:
    await town.world.stock("printer", "PR-1")
    at = await town.filed()
    await town.bob.post(f"{at}/approve", data={})
    answer = await town.bob.post(f"{at}/fulfil", data={"asset_1": "PR-404"})
    assert answer.status_code == 409
    assert "PR-404 không còn trong kho." in unescape(answer.text)
    nothing = await town.bob.post(f"{at}/fulfil", data={})
    assert nothing.status_code == 409
    assert await town.world.asset("PR-1") == (town.world.store, "in_stock")


async def test_when_charlie_opens_any_page_of_alices_request_then_it_is_not_there(town: Town) -> None:
    at = await town.filed()
    for path in (at, f"{at}.json", f"{at}/amend"):
        assert (await town.charlie.get(path)).status_code == 404
    for step in ("submit", "withdraw", "close", "approve", "return", "refuse", "fulfil", "amend", "nonsense"):
        answer = await town.charlie.post(f"{at}/{step}", data={"note": "x", "reason": "x", "asset_1": "PR-1"})
        assert answer.status_code == 404, step
    assert at not in (await town.charlie.get("/equipment-requests")).text
    assert (await town.charlie.post(NEW, data={**FORM, "site": town.world.home_code})).status_code == 404


async def test_when_a_clerk_posts_a_decision_then_the_page_refuses(town: Town) -> None:
    at = await town.filed()
    assert (await town.alice.post(f"{at}/approve", data={})).status_code == 403


async def test_when_the_list_is_read_by_the_province_then_numbers_and_states_are_there(town: Town) -> None:
    at = await town.filed()
    page = unescape((await town.bob.get("/equipment-requests")).text)
    assert "1 đề nghị chờ duyệt" in page
    assert f'href="{at}"' in page
    twin = (await town.bob.get("/equipment-requests.json?state=submitted")).json()
    assert (twin["total"], twin["counts"]["submitted"]) == (1, 1)
    empty = unescape((await town.bob.get("/equipment-requests?state=closed")).text)
    assert "Không có đề nghị nào phù hợp." in empty


async def test_when_the_list_is_empty_then_it_says_what_belongs_there(town: Town) -> None:
    page = unescape((await town.alice.get("/equipment-requests")).text)
    assert "Chưa có đề nghị nào." in page
    assert f'href="{NEW}"' in page


async def test_when_somebody_of_the_province_files_then_the_centre_is_chosen(town: Town) -> None:
    page = (await town.bob.get(f"{NEW}?site={town.world.other_code}")).text
    assert f'<option value="{town.world.other_code}" selected' in page
    missing = await town.bob.post(NEW, data={**FORM, "site": ""})
    assert missing.status_code == 400
    assert 'id="wrong-site"' in missing.text
    twin = (await town.bob.get(f"{NEW}.json")).json()
    assert [site["code"] for site in twin["sites"]] == [town.world.home_code, town.world.other_code]


async def test_when_pages_are_read_in_english_then_they_are_english(town: Town) -> None:
    at = await town.filed()
    page = (await town.bob.get(at, headers={"Cookie": "language=en"})).text
    assert "2 × Printer" in page
    assert "Pending approval" in page
    assert "Phê duyệt" not in page


@pytest.mark.parametrize("path", ["/equipment-requests/0", "/equipment-requests/x", "/equipment-requests/-1.json"])
async def test_when_an_address_names_nothing_then_the_page_says_404(town: Town, path: str) -> None:
    assert (await town.bob.get(path)).status_code == 404


def test_when_kinds_have_pictures_then_no_part_hides_a_later_one() -> None:
    parts = [part for part, _ in PICTURES]
    assert all(earlier not in later for i, later in enumerate(parts) for earlier in parts[:i])
