"""The pages of equipment requests, used as a browser without scripts uses them."""

import re
from dataclasses import dataclass
from html import unescape

import httpx2
import pytest

from assets import db
from assets.access.permissions import Role
from assets.equipment_requests.queries import PICTURES
from tests import equipment_world
from tests.conftest import House
from tests.equipment_world import World

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


FORM = {"category": "printer", "quantity": "2", "reason": "Máy in cũ hay kẹt giấy"}


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
    return hidden((await client.get(NEW)).text, "key")


def hidden(page: str, name: str) -> str:
    """The value of a page's hidden field."""
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found, page
    return found.group(1)


async def test_when_a_clerk_opens_the_form_then_centre_and_kinds_are_there_without_it_words(town: Town) -> None:
    page = (await town.alice.get(NEW)).text
    assert hidden(page, "site") == town.world.home_code
    assert '<select id="site"' not in page
    assert page.count('<svg class="picture"') == page.count('type="radio"') == 3
    assert 'lang="vi"' in page
    for word in ("Máy in", "Cần bao nhiêu?", "Gửi đề nghị"):
        assert word in page
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
        ({"category": ""}, "category", "Xin chọn thiết bị cần cấp."),
        ({"category": "aircraft"}, "category", "Không có loại thiết bị này."),
        ({"quantity": ""}, "quantity", "Xin ghi số lượng"),
        ({"quantity": "hai"}, "quantity", "Xin ghi số lượng"),
        ({"quantity": "0"}, "quantity", "Xin ghi số lượng"),
        ({"quantity": "9999999999999"}, "quantity", "Xin ghi số lượng"),
        ({"reason": "   "}, "reason", "Xin ghi một câu"),
    ],
)
async def test_when_a_field_is_wrong_then_the_message_stands_beside_it_and_the_rest_is_kept(
    town: Town, change: dict[str, str], field: str, message: str
) -> None:
    form = {**FORM, "key": await key(town.alice), **change}
    answer = await town.alice.post(NEW, data=form)
    page = unescape(answer.text)
    assert answer.status_code == 400
    assert re.search(rf'id="wrong-{field}">{message}', page), page
    assert f'aria-describedby="wrong-{field}' in page
    assert hidden(page, "key") == form["key"]  # so that the corrected form still files one request
    if field != "reason":
        assert FORM["reason"] in page
    if field != "category":
        assert re.search(r'value="printer" required checked', page)


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


async def test_when_a_request_comes_back_then_the_clerk_corrects_and_sends_it_at_once(town: Town) -> None:
    at = await town.filed()
    await town.bob.post(f"{at}/return", data={"note": "Cho phòng nào?"})
    page = unescape((await town.alice.get(f"{at}/amend")).text)
    assert "Cho phòng nào?" in page
    wrong = await town.alice.post(
        f"{at}/amend", data={"version": hidden(page, "version"), "quantity_1": "x", "reason": "Mới"}
    )
    assert wrong.status_code == 400
    assert 'id="wrong-quantity-1"' in wrong.text
    assert "Mới" in wrong.text
    form = {"version": hidden(page, "version"), "quantity_1": "1", "reason": "Cho quầy 2", "send": "1"}
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
