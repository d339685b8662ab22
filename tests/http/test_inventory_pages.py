"""The pages of the register: the list, the form of an asset, a file from its plan to its undoing."""

import re

import httpx2

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
