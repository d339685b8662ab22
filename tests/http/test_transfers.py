"""Transfers, moves and replacements over the web API and as pages: whole ways, wrong input, what people read."""

from typing import Any

import httpx2
import pytest

from assets import clock
from assets.access.actor import SYSTEM
from assets.access.permissions import Role
from assets.db import EVERYTHING, transaction
from assets.inventory import service as inventory
from assets.inventory.lifecycle import Stage
from tests import pictures
from tests.conftest import House
from tests.http.test_contract import asset

OWN, OTHER = "21025", "21028"
BASE = "/api/v1/transfers"


class People:
    """Provincial IT, who sends, and a clerk of the site that receives."""

    def __init__(self, house: House, it: httpx2.AsyncClient, clerk: httpx2.AsyncClient) -> None:
        self.house, self.it, self.clerk = house, it, clerk

    async def sent(self, *tags: str, **more: Any) -> int:
        new = {"from_site": OWN, "to_site": OTHER, "assets": list(tags), "send": True, **more}
        answer = await self.it.post(BASE, json=new)
        assert answer.status_code == 201, answer.text
        return int(answer.json()["number"])


@pytest.fixture
async def people(house: House) -> People:
    for tag in ("QN-1", "QN-2"):
        await asset(tag, OWN)
    it, clerk = await house.person("it", Role.PROVINCE_IT), await house.person("clerk", Role.CLERK, OTHER)
    return People(house, it, clerk)


async def test_a_transfer_goes_its_whole_way_over_the_web_api(people: People) -> None:
    it, clerk = people.it, people.clerk
    new = {
        "from_site": OWN, "to_site": OTHER, "assets": ["qn-1", "QN-2"], "carrier": "Bưu điện", "reason": "Thiếu máy",
        "decision_number": "12/QĐ-UBND", "decision_date": "2026-01-02", "expected_on": "2999-01-01",
    }  # fmt: skip
    made = (await it.post(BASE, json=new)).json()
    assert (made["state"], made["acts"], [line["state"] for line in made["lines"]]) == (
        "draft", ["send", "take_out", "cancel"], ["listed", "listed"],
    )  # fmt: skip
    one = f"{BASE}/{made['number']}"
    assert (await clerk.get(one)).json()["acts"] == []
    sent = await it.post(f"{one}/send", json={"version": made["version"]})
    assert sent.json()["state"] == "in_transit"
    custody = "/api/v1/assets/QN-1/custody"
    assert (await it.get(custody)).json() | {"since": ""} == {
        "tag": "QN-1", "party": "carrier", "site": OWN, "site_name": "Trung tâm Phục vụ hành chính công phường Cẩm Thành",
        "carrier": "Bưu điện", "transfer": made["number"], "since": "",
    }  # fmt: skip
    between = clock.now().isoformat()
    assert (await clerk.get("/api/v1/assets/QN-1")).status_code == 404
    stale = await clerk.post(f"{one}/receive", json={"version": made["version"]})
    assert (stale.status_code, stale.json()["state"]) == (409, "in_transit")
    part = {"lines": [{"tag": "QN-1"}, {"tag": "QN-2", "state": "damaged", "note": "Vỡ khay"}], "stage": "in_stock"}
    received = (await clerk.post(f"{one}/receive", json=part)).json()
    assert (received["state"], [line["state"] for line in received["lines"]]) == ("received", ["received", "damaged"])
    again = await clerk.post(f"{one}/receive")
    assert (again.status_code, again.json()["state"]) == (409, "received")
    there = (await clerk.get("/api/v1/assets/QN-2")).json()
    assert (there["site"], there["stage"], there["physical_state"]) == (OTHER, "in_stock", "broken")
    assert (await clerk.get(custody)).json()["party"] == "site"
    assert (await clerk.get(custody, params={"as_of": between})).status_code == 404  # it was another's then
    assert (await it.get(custody, params={"as_of": between})).json()["party"] == "carrier"


@pytest.mark.parametrize(
    ("path", "body", "status", "fields"),
    [
        ("", {"from_site": OWN, "to_site": OTHER, "assets": []}, 400, ["assets"]),
        ("", {"from_site": OWN, "to_site": OWN, "assets": ["QN-1"]}, 400, ["to_site"]),
        ("", {"from_site": OWN, "to_site": OTHER, "assets": ["QN-1"], "decision_date": "2026-02-30"}, 400,
         ["decision_date"]),
        ("", {"from_site": OTHER, "to_site": OWN, "assets": ["QN-1"]}, 400, ["assets.0"]),
        ("", {"from_site": "00000", "to_site": OTHER, "assets": ["QN-1"]}, 404, []),
        ("/1/receive", {"lines": [{"tag": "QN-9"}]}, 400, ["lines.QN-9"]),
        ("/1/receive", {"lines": [{"tag": "QN-1", "state": "missing"}]}, 400, ["lines.QN-1"]),
        ("/1/receive", {"lines": [{"tag": "QN-1"}, {"tag": "QN-1"}]}, 400, ["lines"]),
        ("/1/receive", {"stage": "lost"}, 400, ["stage"]),
        ("/1/refuse", {}, 400, ["note"]),
        ("/1/send", {}, 409, []),
        ("/999999/send", {}, 404, []),
        ("/99999999999/receive", {}, 404, []),
    ],
)  # fmt: skip
async def test_wrong_input_is_refused_and_named(
    people: People, path: str, body: dict[str, Any], status: int, fields: list[str]
) -> None:
    number = await people.sent("QN-1")
    answer = await people.it.post(BASE + path.replace("/1/", f"/{number}/"), json=body)
    assert answer.status_code == status, answer.text
    assert [error["field"] for error in answer.json().get("errors", [])] == fields


async def test_an_asset_is_lent_repaired_and_lost_with_what_the_stage_asks_for(people: People) -> None:
    stage = "/api/v1/assets/QN-1/stage"
    answer = await people.it.post(stage, json={"stage": "loaned"})
    assert {error["field"] for error in answer.json()["errors"]} == {"borrower", "due_back"}
    lent = await people.it.post(stage, json={"stage": "loaned", "borrower": "Phòng VH", "due_back": "2999-01-01"})
    assert (lent.json()["borrower"], lent.json()["due_back"]) == ("Phòng VH", "2999-01-01")
    refused = await people.it.post(stage, json={"stage": "in_repair"})
    assert (refused.status_code, refused.json()["stage"]) == (409, "loaned")
    assert "given back first" in refused.json()["detail"]
    assert (await people.it.post(stage, json={"stage": "in_transit"})).status_code == 409
    back = await people.it.post(stage, json={"stage": "in_use"})
    assert (back.json()["borrower"], back.json()["due_back"]) == ("", None)
    new = {"tag": "NEW", "model": await model(), "site": OWN, "stage": "in_transit"}
    assert (await people.it.post("/api/v1/assets", json=new)).status_code == 400


async def model() -> str:
    async with transaction(EVERYTHING) as tx:
        return str(await tx.fetchval("select id from asset_models"))


async def test_one_asset_replaces_another_over_the_web_api(people: People) -> None:
    await inventory.move_stage(SYSTEM, "QN-2", Stage.IN_STOCK, now=clock.now())
    body = {"by": "qn-2", "stage": "awaiting_disposal"}
    answer = await people.it.post("/api/v1/assets/QN-1/replace", json=body)
    assert [error["field"] for error in answer.json()["errors"]] == ["reason"]
    both = (await people.it.post("/api/v1/assets/QN-1/replace", json={**body, "reason": "Quá cũ"})).json()
    assert (both["old"]["stage"], both["new"]["tag"], both["new"]["stage"]) == ("awaiting_disposal", "QN-2", "in_use")


# --- pages ------------------------------------------------------------------------------------------------------


async def test_whoever_receives_what_was_asked_for_comes_back_to_the_request(people: People) -> None:
    asked, other = await people.sent("QN-1", reason="ĐN-7"), await people.sent("QN-2", reason="ĐN-7 và quầy 2")
    link = 'href="/equipment-requests/7"'
    assert link in (await people.clerk.get(f"/transfers/{asked}")).text
    told = await people.clerk.get(f"/transfers/{asked}?done=received")
    assert f"{link}>To request no. 7</a>" in told.text
    assert link not in (await people.clerk.get(f"/transfers/{other}?done=received")).text


async def test_a_transfer_goes_its_whole_way_with_forms_alone(people: People) -> None:
    it, clerk = people.it, people.clerk
    form = (await it.get("/transfers/new?asset=QN-1")).text
    assert 'name="asset" value="QN-1" checked' in form
    assert 'value="QN-2">' in form
    assert form.index("<summary>Printer") < form.index('value="QN-1" checked')  # by the kind of thing, in words
    assert (
        form.index("</details>") < form.index("<summary>Decision, expected day") < form.index('name="decision_number"')
    )
    said = {"from_site": OWN, "asset": "QN-1", "tags": "QN-2\nQN-77", "reason": "Thiếu <b>máy</b>", "send": "1"}
    wrong = await it.post("/transfers/new", data=said)
    assert wrong.status_code == 400
    assert "Thiếu &lt;b&gt;máy" in wrong.text  # what was written is still there
    wrong = await it.post("/transfers/new", data={**said, "to_site": OTHER})
    assert "There is no such asset." in wrong.text
    assert "QN-77" in wrong.text
    made = await it.post("/transfers/new", data={**said, "to_site": OTHER, "tags": "qn-2"})
    assert made.status_code == 303
    page = made.headers["location"].split("?")[0]
    listed = (await clerk.get("/transfers")).text
    assert "1 transfer comes in" in listed
    assert f'href="{page}"' in listed
    text = (await clerk.get(page)).text
    assert "Confirm that everything has been received" in text
    assert "Thiếu &lt;b&gt;máy" in text
    bad = await clerk.post(f"{page}/receive", data={"only": "QN-2", "state": "damaged", "note": "", "version": "2"})
    assert bad.status_code == 400
    photo = await clerk.post(f"{page}/files", data={"note": "Khi mở thùng"}, files={"file": ("a.png", pictures.png())})
    assert (photo.status_code, photo.headers["location"]) == (303, f"{page}#files")
    assert (await clerk.post(f"{page}/files", files={"file": ("a.svg", b"<svg/>")})).status_code == 400
    assert "Khi mở thùng" in (await it.get(page)).text  # both sides see it
    one = await clerk.post(f"{page}/receive", data={"only": "QN-2", "state": "damaged", "note": "Vỡ", "version": "2"})
    assert one.status_code == 303
    late = await clerk.post(f"{page}/receive", data={"version": "2"})
    assert late.status_code == 409
    assert "Somebody else changed this transfer" in late.text
    assert (await clerk.post(f"{page}/receive", data={"version": "3"})).status_code == 303
    twin = (await clerk.get(f"{page}.json")).json()
    assert (twin["state"], [line["state"] for line in twin["lines"]]) == ("received", ["received", "damaged"])
    assert (await clerk.get("/transfers.json")).json()["incoming"] == []
    assert "from Trung tâm" in (await clerk.get("/assets/QN-1")).text  # both sides stand on its timeline


async def test_people_read_vietnamese_and_strangers_nothing(people: People) -> None:
    number = await people.sent("QN-1")
    stranger = await people.house.person("stranger", Role.CLERK, OWN)
    people.clerk.cookies.set("language", "vi")
    text = (await people.clerk.get(f"/transfers/{number}")).text
    for words in ("Xác nhận đã nhận", "Đang vận chuyển", "chịu trách nhiệm", f"ĐC-{number}"):
        assert words in text
    assert (await stranger.get(f"/transfers/{number}")).status_code == 200  # the sending side
    async with transaction(EVERYTHING) as tx:
        await tx.execute(
            "update transfers set from_site = (select id from sites where code = $1), to_site = "
            "(select id from sites where code = $2)", OTHER, OWN,
        )  # fmt: skip
    assert (await people.clerk.get("/transfers/9999999999999999")).status_code == 404


async def test_moves_and_replacements_are_made_with_forms_alone(people: People) -> None:
    it = people.it
    form = (await it.get("/assets/QN-1/stage")).text
    assert 'value="loaned"' in form
    assert "It must await its disposal first" in form
    assert 'href="/assets/QN-1/stage"' in (await it.get("/assets/QN-1")).text
    assert 'href="/assets/QN-1/stage"' not in (await people.clerk.get("/assets/QN-1")).text
    wrong = await it.post("/assets/QN-1/stage", data={"stage": "loaned", "borrower": "Phòng <A>", "due_back": "31/12"})
    assert wrong.status_code == 400
    assert "Phòng &lt;A&gt;" in wrong.text
    assert (await it.post("/assets/QN-1/stage", data={"stage": "disposed", "reason": "x"})).status_code == 409
    moved = await it.post("/assets/QN-2/stage", data={"stage": "in_stock", "borrower": "left over"})
    assert (moved.status_code, moved.headers["location"]) == (303, "/assets/QN-2")
    assert 'value="QN-2"' in (await it.get("/assets/QN-1/replace")).text
    assert (await it.post("/assets/QN-1/replace", data={"stage": "in_repair"})).status_code == 400
    said = {"stage": "in_repair", "by": "QN-2", "repairer": "Công ty", "quotation": "1.500.000", "reason": "Kẹt"}
    assert (await it.post("/assets/QN-1/replace", data=said)).status_code == 303
    old = (await it.get("/api/v1/assets/QN-1")).json()
    assert (old["stage"], old["repairer"], old["quotation"]) == ("in_repair", "Công ty", 1_500_000)
    twin = (await it.get("/assets/QN-1/stage.json")).json()
    assert {one["stage"] for one in twin["possible"]} == {"in_stock", "in_use", "lost", "awaiting_disposal"}
    assert len(twin["possible"]) + len(twin["impossible"]) == len(Stage) - 1
