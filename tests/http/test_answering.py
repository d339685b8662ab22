"""Answering requests over HTTP: the same way by the API and by forms, from the split to the asset that stands there."""

from typing import Any

import pytest

from assets import clock
from assets.access.actor import SYSTEM
from assets.access.permissions import Role
from assets.inventory import service as inventory
from assets.inventory import things
from assets.inventory.lifecycle import Stage
from assets.places import service as places
from tests.conftest import House

CENTRE, OTHER, STORE = "21025", "21028", "KHO"


@pytest.fixture
async def people(house: House) -> dict[str, Any]:
    """A clerk and Bob of the province; a printer in the store, one unused at the other centre."""
    await things.add_default_categories(SYSTEM)
    await places.create_site(SYSTEM, unit=CENTRE, code=STORE, kind="store", name="Kho tỉnh")
    model = await things.add_model(SYSTEM, things.NewModel("printer", "Canon", "LBP"))

    for tag, site in (("STORE-1", STORE), ("SPARE-1", OTHER)):
        await inventory.register(SYSTEM, inventory.NewAsset(tag, model, site, stage=Stage.IN_STOCK), now=clock.now())
    return {
        "clerk": await house.person("lan", Role.CLERK, CENTRE), "bob": await house.person("bob", Role.PROVINCE_IT),
        "model": str(model),
    }  # fmt: skip


async def asked(people: dict[str, Any], quantity: int) -> str:
    wish = {"lines": [{"category": "printer", "quantity": quantity}], "reason": "Mở thêm quầy <b>5</b>"}
    made = await people["clerk"].post("/api/v1/equipment-requests", json=wish)
    number = str(made.json()["number"])
    assert (await people["bob"].post(f"/api/v1/equipment-requests/{number}/approve")).status_code == 200
    return number


async def received(people: dict[str, Any], *, sent: int) -> None:
    """The clerk confirms everything that is on its way."""
    rows = (await people["clerk"].get("/api/v1/transfers?state=in_transit")).json()["items"]
    assert len(rows) == sent
    for row in rows:
        answer = await people["clerk"].post(f"/api/v1/transfers/{row['number']}/receive", json={})
        assert answer.status_code == 200, answer.text


async def where(people: dict[str, Any], tag: str) -> tuple[str, str]:
    row = (await people["bob"].get(f"/api/v1/assets/{tag}")).json()
    return row["site"], row["stage"]


async def test_when_the_whole_way_is_gone_by_api_then_every_asset_is_where_it_should_be(people: dict[str, Any]) -> None:
    bob, number = people["bob"], await asked(people, 3)
    shown = (await bob.get(f"/api/v1/equipment-requests/{number}/answer")).json()
    assert [(p["way"], p["quantity"], p["from_site"]) for p in shown["lines"][0]["proposed"]] == [
        ("stock", 1, ""), ("transfer", 1, OTHER), ("purchase", 1, ""),
    ]  # fmt: skip
    said = {"parts": {"1": shown["lines"][0]["proposed"]}}
    split = await bob.post(f"/api/v1/equipment-requests/{number}/split", json=said)
    assert (split.status_code, split.json()["state"], split.json()["lines"][0]["promised"]) == (200, "in_fulfilment", 3)
    again = await bob.post(f"/api/v1/equipment-requests/{number}/split", json=said)
    assert again.status_code == 400  # nothing is left to be answered
    (part,) = (await bob.get("/api/v1/fulfilment-parts?way=purchase&state=planned")).json()["items"]
    bought = (await bob.post("/api/v1/purchases", json={"title": "Máy in", "parts": [part["id"]]})).json()
    assert (bought["state"], bought["pieces"], bought["sites"], bought["acts"]) == (
        "planned",
        1,
        1,
        ["order", "cancel"],
    )
    at = f"/api/v1/purchases/{bought['number']}"
    assert (await bob.post(f"{at}/arrive", json={"store": STORE})).status_code == 409
    stale = await bob.post(f"{at}/order", json={"supplier": "A", "version": 7})
    assert stale.status_code == 412
    assert (await bob.post(f"{at}/order", json={"supplier": "Công ty A"})).status_code == 200
    came = {"store": STORE, "model": people["model"], "serials": ["SN-1"], "unit_cost": 3_000_000}
    assert (await bob.post(f"{at}/arrive", json=came)).json()["state"] == "received"
    (draft,) = (await bob.get("/api/v1/transfers?state=draft")).json()["items"]
    await bob.post(f"/api/v1/transfers/{draft['number']}/send")
    await received(people, sent=3)
    done = (await people["clerk"].get(f"/api/v1/equipment-requests/{number}")).json()
    tag = f"MS-{bought['number']}-001"
    assert (done["state"], done["lines"][0]["asset_tags"]) == ("fulfilled", sorted([tag, "SPARE-1", "STORE-1"]))
    assert [await where(people, t) for t in ("STORE-1", "SPARE-1", tag)] == [(CENTRE, "in_use")] * 3
    seen = (await people["clerk"].get("/api/v1/purchases")).json()["items"]
    assert [(row["number"], row["arrived"]) for row in seen] == [(bought["number"], 1)]


async def test_when_the_whole_way_is_gone_by_forms_then_the_pages_say_where_everything_is(
    people: dict[str, Any],
) -> None:
    bob, number = people["bob"], await asked(people, 3)
    page = f"/equipment-requests/{number}"
    text = (await bob.get(page)).text
    assert f'name="transfer_1_{OTHER}"' in text
    assert "<b>5</b>" not in text
    wrong = await bob.post(f"{page}/split", data={"stock_1": "x", "purchase_1": "1"})
    assert (wrong.status_code, 'id="wrong-stock_1"' in wrong.text) == (400, True)
    much = await bob.post(f"{page}/split", data={"purchase_1": "3", "decline_1": "1", "note_1": "n"})
    assert (much.status_code, 'id="wrong-decline_1"' in much.text) == (400, True)
    form = {"stock_1": "1", f"transfer_1_{OTHER}": "1", "purchase_1": "1"}
    assert (await bob.post(f"{page}/split", data=form)).headers["location"] == f"{page}?done=split"
    waiting = (await bob.get("/purchases.json")).json()["waiting"]
    made = await bob.post("/purchases/new", data={"title": "Máy in", "part": waiting[0]["id"]})
    at = made.headers["location"]
    twice = await bob.post("/purchases/new", data={"title": "Máy in", "part": waiting[0]["id"]})
    assert (twice.status_code, "Máy in" in twice.text) == (400, True)
    assert (await bob.post(f"{at}/order", data={"supplier": ""})).status_code == 400
    assert (await bob.post(f"{at}/order", data={"supplier": "Công ty A", "expected_on": ""})).status_code == 303
    bad = await bob.post(f"{at}/arrive", data={"store": STORE, "model": people["model"], "serials": "A\na"})
    assert (bad.status_code, 'id="wrong-serials"' in bad.text, ">A\na</textarea>" in bad.text) == (400, True, True)
    come = {"store": STORE, "model": people["model"], "serials": "SN-1", "unit_cost": "3.000.000"}
    assert (await bob.post(f"{at}/arrive", data=come)).headers["location"] == f"{at}?done=arrive"
    for address in (page, at, "/purchases", "/purchases?state=received"):
        answer = await bob.get(address)
        assert answer.status_code == 200, answer.text[:300]
    shown = await people["clerk"].get(page)
    assert "Kho tỉnh" in shown.text
    assert "/split" not in shown.text
