"""Labels over HTTP and as a page: what is printed is counted, sheets and printers are remembered, nothing foreign shows."""

from typing import Any
from urllib.parse import urlencode

import httpx2
import pytest

from assets import clock
from assets.access.actor import SYSTEM
from assets.access.permissions import Role
from assets.db import EVERYTHING, transaction
from assets.inventory import service as inventory
from assets.inventory import things
from tests.conftest import House
from tests.papers import Paper

OWN, FOREIGN = "21025", "21028"
SHEET = {
    "name": "Giấy của phường", "page_width": 210, "page_height": 297, "margin_left": 10, "margin_top": 13.5,
    "label_width": 60, "label_height": 30, "pitch_x": 63, "pitch_y": 30, "across": 3, "down": 9,
}  # fmt: skip


@pytest.fixture
async def clerk(house: House) -> httpx2.AsyncClient:
    await things.add_default_categories(SYSTEM)
    model = await things.add_model(SYSTEM, things.NewModel("printer", "Canon", "LBP 6230"))
    for tag, site in (("A-1", OWN), ("A-2", OWN), ("B-1", FOREIGN)):
        await inventory.register(SYSTEM, inventory.NewAsset(tag, model, site), now=clock.now())
    return await house.person("lan", Role.CLERK, OWN)


async def events() -> list[tuple[str, str, str]]:
    async with transaction(EVERYTHING) as tx:
        rows = await tx.fetch(
            "select a.tag, e.actor_name, e.kind from asset_events e join assets a on a.id = e.asset "
            "where e.kind <> 'registered' order by a.tag"
        )
        return [tuple(row) for row in rows]


async def test_when_labels_are_printed_then_they_hold_the_short_address_and_are_counted(
    house: House, clerk: httpx2.AsyncClient
) -> None:
    answer = await clerk.get("/api/v1/labels.pdf", params={"tag": ["a-2", "A-1"], "preset": "a4-63x38", "start": 3})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/pdf"
    paper = Paper(answer.content)
    assert [code.text for code in paper.codes()] == [f"{house.settings.url}/t/A-2", f"{house.settings.url}/t/A-1"]
    assert "A-2 Canon LBP 6230 " in paper.text()
    again = await clerk.post("/api/v1/labels.pdf", json={"tags": ["A-1"]})
    assert (again.status_code, again.content[:5]) == (200, b"%PDF-")
    assert await events() == [("A-1", "Lan", "label_printed")] * 2 + [("A-2", "Lan", "label_printed")]
    page = (await clerk.get("/labels.json", params={"site": OWN})).json()
    assert [(item["tag"], item["printed"]) for item in page["items"]] == [("A-1", 2), ("A-2", 1)]


async def test_when_the_code_is_followed_then_it_leads_to_reporting_or_the_asset_also_over_the_sign_in(
    house: House, clerk: httpx2.AsyncClient
) -> None:
    answer = await clerk.get("/t/a-1")
    assert (answer.status_code, answer.headers["location"]) == (303, "/assets/A-1/report")
    keeper = await house.person("keeper", Role.STOREKEEPER)
    assert (await keeper.get("/t/a-1")).headers["location"] == "/assets/A-1"
    stranger = await house.client().get("/t/A-1", headers={"Accept": "text/html"})
    assert (stranger.status_code, stranger.headers["location"]) == (303, "/sign-in?next=/t/A-1")
    assert {(await clerk.get(f"/t/{tag}")).status_code for tag in ("B-1", "Z-9")} == {404}


@pytest.mark.parametrize("tag", ["B-1", "Z-9"])
async def test_when_one_of_the_tags_is_foreign_or_nothing_then_nothing_is_printed_or_counted(
    clerk: httpx2.AsyncClient, tag: str
) -> None:
    answer = await clerk.post("/api/v1/labels.pdf", json={"tags": ["A-1", tag]})
    assert answer.status_code == 404
    assert answer.json()["detail"] == f"There is no asset with the tag {tag}."
    assert await events() == []


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"preset": "a4-1x1"}, "preset"), ({"printer": "x"}, "printer"), ({"start": 25}, "start"), ({"start": 0}, "start"),
        ({"tags": []}, "tags"), ({"tags": ["A-1"] * 1001}, "tags"), ({"preset": "x" * 36}, "preset"),
    ],
)  # fmt: skip
async def test_when_what_is_asked_is_wrong_then_it_is_named_and_nothing_is_counted(
    clerk: httpx2.AsyncClient, asked: dict[str, Any], field: str
) -> None:
    answer = await clerk.post("/api/v1/labels.pdf", json={"tags": ["A-1"], **asked})
    assert answer.status_code == 400
    assert [error["field"].split(".")[0] for error in answer.json()["errors"]] == [field]
    assert await events() == []


async def test_when_a_sheet_and_a_printer_are_saved_then_labels_come_out_there(
    house: House, clerk: httpx2.AsyncClient
) -> None:
    sheet = (await clerk.post("/api/v1/label-grids", json=SHEET)).json()
    printer = (await clerk.post("/api/v1/label-printers", json={"name": "Quầy 1", "offset_x": 2.5})).json()
    assert (sheet["site"], printer["site"], sheet["margin_top"]) == (OWN, OWN, 13.5)
    wish = {"tags": ["A-1"], "preset": sheet["id"], "start": 5, "printer": printer["id"]}
    (code,) = Paper((await clerk.post("/api/v1/labels.pdf", json=wish)).content).codes()
    # Label 5 is the second of the second row; its code of 26 mm begins 2 mm from the edges, its modules 4 further in.
    module = (code.right - code.left) / 29
    assert code.left - 4 * module == pytest.approx(10 + 63 + 2 + 2.5, abs=0.2)
    assert code.top - 4 * module == pytest.approx(13.5 + 30 + 2, abs=0.2)
    changed = await clerk.patch(
        f"/api/v1/label-printers/{printer['id']}", json={"offset_x": 0}, headers={"If-Match": '"1"'}
    )
    assert (changed.json()["offset_x"], changed.json()["version"]) == (0, 2)
    stale = await clerk.patch(f"/api/v1/label-grids/{sheet['id']}", json={"down": 8}, headers={"If-Match": '"7"'})
    assert stale.status_code == 412
    wrong = await clerk.patch(f"/api/v1/label-grids/{sheet['id']}", json={"down": 99}, headers={"If-Match": '"1"'})
    assert [error["field"] for error in wrong.json()["errors"]] == ["down"]
    twice = await clerk.post("/api/v1/label-grids", json=SHEET)
    assert twice.status_code == 409
    other = await house.person("ha", Role.CLERK, FOREIGN)
    assert (await other.get("/api/v1/label-grids")).json()["total"] == 0
    assert (await other.get(f"/api/v1/label-grids/{sheet['id']}")).status_code == 404
    assert (await other.post("/api/v1/labels.pdf", json={**wish, "tags": ["B-1"]})).status_code == 400


async def test_when_something_is_the_provinces_then_all_may_use_it_and_only_the_province_changes_it(
    house: House, clerk: httpx2.AsyncClient
) -> None:
    bob = await house.person("bob", Role.PROVINCE_IT)
    sheet = (await bob.post("/api/v1/label-grids", json=SHEET)).json()
    assert sheet["site"] is None
    answer = await clerk.post("/api/v1/labels.pdf", json={"tags": ["A-1"], "preset": sheet["id"]})
    assert answer.status_code == 200
    one = f"/api/v1/label-grids/{sheet['id']}"
    assert (await clerk.patch(one, json={"down": 8}, headers={"If-Match": '"1"'})).status_code == 403
    assert (await bob.patch(one, json={"down": 8}, headers={"If-Match": '"1"'})).json()["down"] == 8


async def test_the_page_shows_what_will_be_printed_prints_it_and_says_what_is_wrong(clerk: httpx2.AsyncClient) -> None:
    empty = await clerk.get("/labels")
    assert "A-1" not in empty.text
    page = await clerk.get("/labels", params={"tags": "a-1; A-2,Z-9", "preset": "tape-24"})
    assert "A-1" in page.text
    assert "Not found, so without a label: Z-9<" in page.text
    assert (await clerk.get("/labels.json", params={"tags": "a-1 <b> B-1"})).json()["unknown"] == ["<B>", "B-1"]
    assert "/labels/preview.png?tag=A-1&amp;tag=A-2&amp;preset=tape-24" in page.text
    picture = await clerk.get("/labels/preview.png", params={"tag": ["A-1", "A-2"], "preset": "tape-24"})
    assert picture.content[:4] == b"\x89PNG"
    assert await events() == [], "looking is not printing"
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    wanted = urlencode([("tag", "A-1"), ("tag", "A-2"), ("preset", "tape-24"), ("start", "1")])
    printed = await clerk.post("/labels", content=wanted, headers=form)
    assert (printed.headers["content-type"], len(Paper(printed.content))) == ("application/pdf", 2)
    wrong = await clerk.post(
        "/labels", content=urlencode([("tag", "A-1"), ("start", "99"), ("q", "canon")]), headers=form
    )
    assert wrong.status_code == 400
    assert "wrong-start" in wrong.text
    assert 'value="99"' in wrong.text


async def test_printers_and_sheets_are_saved_from_the_page_in_the_way_that_figures_are_written_here(
    clerk: httpx2.AsyncClient,
) -> None:
    saved = await clerk.post("/labels/printers", data={"name": "Quầy 2", "offset_x": "1,5", "offset_y": "-0,5"})
    assert saved.status_code == 303
    (printer,) = (await clerk.get("/api/v1/label-printers")).json()["items"]
    assert (printer["offset_x"], printer["offset_y"]) == (1.5, -0.5)
    moved = {"printer": printer["id"], "version": "1", "offset_x": "0", "offset_y": "2"}
    assert (await clerk.post("/labels/printers", data=moved)).status_code == 303
    assert (await clerk.post("/labels/printers", data=moved)).status_code == 412
    wrong = await clerk.post(
        "/labels/grids", data={name: str(value) for name, value in SHEET.items()} | {"across": "9"}
    )
    assert (wrong.status_code, "wrong-across" in wrong.text) == (400, True)
    right = await clerk.post("/labels/grids", data={name: str(value) for name, value in SHEET.items()})
    assert right.status_code == 303
    rulers = await clerk.get("/api/v1/label-calibration.pdf", params={"printer": printer["id"]})
    assert "0 mm right, 2 mm down" in Paper(rulers.content).text()
