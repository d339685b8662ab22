"""The pages of the register: the list, the form of an asset, a file from its plan to its undoing."""

import re

import httpx2

from assets import db
from assets.access.actor import SYSTEM
from assets.access.permissions import Role
from assets.inventory import things
from tests.conftest import House

FILE = "Mã tài sản,Hãng sản xuất,Kiểu máy,Đơn vị,Ghi chú\nQN-1,Canon,LBP,21025,Mới\n"
FORM = {
    "tag": "qn-9", "manufacturer": "Canon", "model": "LBP", "site": "21025", "serial": "S9", "macs": "00-11-22-33-44-55",
    "original_cost": "12.000.000", "put_into_use": "2025-01-02", "version": "0",
}  # fmt: skip


async def keeper(house: House) -> httpx2.AsyncClient:
    await things.add_default_categories(SYSTEM)
    await things.add_model(SYSTEM, things.NewModel("printer", "Canon", "LBP"))
    client = await house.person("kho", Role.PROVINCE_IT)
    client.cookies.set("language", "vi")
    return client


async def test_an_asset_is_registered_and_corrected_by_a_form(house: House) -> None:
    client = await keeper(house)
    assert "Sổ tài sản chưa có gì." in (await client.get("/assets")).text
    made = await client.post("/assets/new", data=FORM)
    assert (made.status_code, made.headers["location"]) == (303, "/assets/QN-9")
    form = await client.get("/assets/QN-9/edit")
    assert 'value="00:11:22:33:44:55"' in form.text
    assert 'name="site"' not in form.text  # another site is a transfer's
    said = dict(re.findall(r'name="(\w+)"[^>]* value="([^"]*)"', form.text))
    answer = await client.post("/assets/QN-9/edit", data={**said, "note": "Đã dán nhãn"})
    assert answer.status_code == 303
    stale = await client.post("/assets/QN-9/edit", data={**said, "note": "Khác"})
    assert stale.status_code == 412
    assert "Khác" in stale.text
    assert "Đã dán nhãn" in (await client.get("/assets/QN-9")).text


async def test_an_asset_tells_who_corrected_what_to_whoever_may_see_where_it_was_done(house: House) -> None:
    client = await keeper(house)
    await client.post("/assets/new", data=FORM)
    change = {"room": "Quầy <1>", "original_cost": 13_000_000}
    done = await client.patch("/api/v1/assets/QN-9", json=change, headers={"If-Match": '"1"'})
    assert done.status_code == 200, done.text
    page = (await client.get("/assets/QN-9")).text
    assert "Đã sửa những gì" in page
    assert re.search(r"Nguyên giá:</span> 12\.000\.000\sđồng → <strong>13\.000\.000\sđồng</strong>", page)
    assert "→ <strong>Quầy &lt;1&gt;</strong>" in page  # a room by its name
    [one] = (await client.get("/assets/QN-9.json")).json()["corrections"]
    assert (one["by"], one["before"]["original_cost"], one["after"]["original_cost"]) == ("Kho", 12_000_000, 13_000_000)
    own, other = await house.person("lan", Role.CLERK, "21025"), await house.person("hoa", Role.CLERK, "21028")
    assert (await own.get("/assets/QN-9.json")).json()["corrections"] == [one]
    async with db.transaction(db.EVERYTHING) as tx:
        await tx.execute("update assets set room = null, site = (select id from sites where code = '21028')")
    assert (await other.get("/assets/QN-9.json")).json()["corrections"] == []  # its past stays where it was
    assert (await client.get("/assets/QN-9.json")).json()["corrections"] == [one]


async def test_what_is_wrong_on_the_form_is_said_beside_it_in_the_persons_language(house: House) -> None:
    client = await keeper(house)
    answer = await client.post("/assets/new", data={**FORM, "macs": "xyz", "original_cost": "mười"})
    assert answer.status_code == 400
    assert "xyz không phải là địa chỉ MAC." in answer.text
    assert "Cần nhập số nguyên." in answer.text
    assert 'value="S9"' in answer.text
    assert (await client.get("/assets.json")).json()["total"] == 0


async def test_a_file_is_looked_at_applied_and_undone_on_pages(house: House) -> None:
    client = await keeper(house)
    sent = await client.post(
        "/imports", data={"resource": "assets", "empty": "keep"}, files={"file": ("ds.csv", FILE.encode(), "text/csv")}
    )
    assert sent.status_code == 303, sent.text
    plan = await client.get(sent.headers["location"])
    assert "Áp dụng 1 thay đổi" in plan.text
    assert (await client.post(f"{sent.headers['location']}/apply")).status_code == 303
    assert "QN-1" in (await client.get("/assets?q=QN-1")).text
    assert "Hoàn tác toàn bộ" in (await client.get(sent.headers["location"])).text
    assert (await client.post(f"{sent.headers['location']}/undo")).status_code == 303
    assert (await client.get("/assets.json")).json()["total"] == 0


async def test_a_file_that_is_none_is_refused_with_its_reason(house: House) -> None:
    client = await keeper(house)
    for content, said in ((b"%PDF-1.7", "PDF"), (b"a,b\n1,2\n", "tag"), (b"", "")):
        answer = await client.post(
            "/imports", data={"resource": "assets"}, files={"file": ("ds.csv", content, "text/csv")}
        )
        assert answer.status_code == 400
        assert said in answer.text
    refused = await client.post(
        "/imports", data={"resource": "assets"},
        files={"file": ("ds.csv", FILE.replace("21025", "99999").encode(), "text/csv")},
    )  # fmt: skip
    assert "Không có đơn vị 99999." in (await client.get(refused.headers["location"])).text


async def two_assets(house: House) -> httpx2.AsyncClient:
    client = await keeper(house)
    for tag, site in (("QN-1", "21025"), ("QN-2", "21028")):
        made = await client.post("/assets/new", data={**FORM, "tag": tag, "serial": tag, "macs": "", "site": site})
        assert made.status_code == 303, made.text
    return client


async def test_one_field_of_all_assets_of_a_list_is_changed_after_a_preview_and_undone(house: House) -> None:
    client = await two_assets(house)
    assert "/assets/change?sort=tag&amp;site=21025" in (await client.get("/assets?site=21025")).text
    assert "/assets/change" not in (await client.get("/assets")).text
    assert "Sửa hàng loạt 1 tài sản" in (await client.get("/assets/change?site=21025")).text
    asked = await client.get("/assets/change?site=21025&field=funding_source")
    sent = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', asked.text.partition("<main")[2]))
    assert sent == {"site": "21025", "field": "funding_source"}
    planned = await client.post("/assets/change", data={**sent, "value": "Ngân sách tỉnh"})
    assert planned.status_code == 303, planned.text
    place = planned.headers["location"]
    assert "Ngân sách tỉnh" in (await client.get(place)).text

    async def sources() -> list[str]:
        items = (await client.get("/api/v1/assets?sort=tag")).json()["items"]
        return [row["funding_source"] for row in items]

    assert await sources() == ["", ""]
    await client.post(f"{place}/apply")
    assert await sources() == ["Ngân sách tỉnh", ""]
    await client.post(f"{place}/undo")
    assert await sources() == ["", ""]


async def test_what_cannot_be_for_many_is_said_on_the_form_and_nothing_is_planned(house: House) -> None:
    client = await two_assets(house)
    wrong = await client.post("/assets/change", data={"site": "21025", "field": "original_cost", "value": "mười"})
    assert (wrong.status_code, "Cần nhập số nguyên." in wrong.text, 'value="mười"' in wrong.text) == (400, True, True)
    for data, said in (
        ({"site": "21025", "field": "tag", "value": "X"}, "Xin chọn trong danh sách."),
        ({"field": "note", "value": "X"}, "Trước hết hãy lọc danh sách tài sản"),
        ({"site": "21025", "field": "note", "value": " "}, "Cần nhập nội dung, hoặc đánh dấu ô xóa nội dung hiện có."),
        ({"site": "21025", "q": "không có", "field": "note", "value": "X"}, "Không có tài sản nào phù hợp."),
    ):
        answer = await client.post("/assets/change", data=data)
        assert (answer.status_code, said in answer.text) == (400, True), answer.text
    assert (await client.get("/assets/change?site=21025&field=tag")).status_code == 400
    many = {f"x{number}": "1" for number in range(60)} | {"x" * 100: "1"}
    assert (await client.post("/assets/change", data={**many, "field": "note", "value": "X"})).status_code == 400
    for field, value in (("stage", ""), ("note", "both")):  # one has no empty value; of two wishes neither is guessed
        both = {"site": "21025", "field": field, "value": value, "clear": "1"}
        assert (await client.post("/assets/change", data=both)).status_code == 400
    assert 'name="clear"' not in (await client.get("/assets/change?site=21025&field=stage")).text
    assert 'name="clear"' in (await client.get("/assets/change?site=21025&field=custodian_kind")).text
    given = {"site": "21025", "field": "custodian_kind", "value": "", "clear": "1"}
    assert (await client.post("/assets/change", data=given)).status_code == 303
    assert (await client.get("/imports.json")).json()["total"] == 1  # the last one


async def test_a_plan_speaks_in_words_days_and_money_and_clearing_is_said(house: House) -> None:
    client = await two_assets(house)
    for field, value, said in (
        ("stage", "in_stock", "Đang sử dụng → Trong kho"),
        ("put_into_use", "2026-01-05", "02/01/2025 → 05/01/2026"),
        ("original_cost", "5230000", "5.230.000"),
    ):
        sent = {"site": "21025", "field": field, "value": value}
        plan = await client.get((await client.post("/assets/change", data=sent)).headers["location"])
        assert said in plan.text.replace("\N{NO-BREAK SPACE}", " "), plan.text
    cleared = {"site": "21025", "field": "original_cost", "value": "", "clear": "1"}
    plan = await client.get((await client.post("/assets/change", data=cleared)).headers["location"])
    assert "→ –" in plan.text
