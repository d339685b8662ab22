"""Consumables and their ledger over HTTP: what lies where, who may move it, and what is refused."""

import asyncio
from typing import Any
from uuid import UUID

import httpx2
import pytest

from assets import clock
from assets.access.actor import SYSTEM
from assets.access.permissions import Role
from assets.db import EVERYTHING, transaction
from assets.ids import new_id
from assets.inventory import service as inventory
from assets.inventory import things
from assets.inventory.stock import consumables
from tests.conftest import House

OWN, FOREIGN = "21025", "21028"


async def toner(client: httpx2.AsyncClient, code: str = "CF259A", **said: Any) -> Any:
    new = {"code": code, "name": "Hộp mực HP 59A", "unit": "hộp", "kind": "toner", "minimum": 2} | said
    answer = await client.post("/api/v1/consumables", json=new)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def printer(tag: str = "QN-1", site: str = OWN) -> UUID:
    await things.add_default_categories(SYSTEM)
    async with transaction(EVERYTHING) as tx:
        model = await tx.fetchval("select id from asset_models limit 1")
    model = model or await things.add_model(SYSTEM, things.NewModel("printer", "HP", "M404dn"))
    await inventory.register(SYSTEM, inventory.NewAsset(tag, model, site), now=clock.now())
    return UUID(str(model))


async def act(client: httpx2.AsyncClient, what: str, quantity: int, status: int = 201, **said: Any) -> Any:
    body = {"act": what, "site": OWN, "consumable": "CF259A", "quantity": quantity} | said
    answer = await client.post("/api/v1/stock-movements", json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


async def lies(client: httpx2.AsyncClient, site: str = OWN) -> int | None:
    found = (await client.get("/api/v1/stock", params={"site": site})).json()["items"]
    return found[0]["quantity"] if found else None


async def test_when_a_cartridge_comes_and_goes_into_a_printer_then_stock_ledger_and_timeline_say_so(
    house: House,
) -> None:
    keeper = await house.person("kho", Role.STOREKEEPER)
    model = await printer()
    await toner(keeper, models=[str(model)])
    await act(keeper, "receive", 3, reason="Hóa đơn 12")
    issued = await act(keeper, "issue", 2, asset_tag="qn-1")
    assert (issued["change"], issued["balance"], issued["asset_tag"], issued["kind"]) == (-2, 1, "QN-1", "issued")
    row = (await keeper.get("/api/v1/stock", params={"low": "true"})).json()["items"][0]
    assert (row["quantity"], row["minimum"], row["low"], row["unit"]) == (1, 2, True, "hộp")
    lines = (await keeper.get("/api/v1/stock-movements", params={"site": OWN})).json()["items"]
    assert [(line["kind"], line["change"], line["balance"]) for line in lines] == [
        ("issued", -2, 1),
        ("received", 3, 3),
    ]
    async with transaction(EVERYTHING) as tx:
        told = await tx.fetchrow("select kind, text from asset_events order by at desc, id desc limit 1")
    assert (told["kind"], told["text"]) == ("consumable_issued", "2 × Hộp mực HP 59A (CF259A)")
    fits = (await keeper.get(f"/api/v1/asset-models/{model}/consumables")).json()["items"]
    assert [one["code"] for one in fits] == ["CF259A"]
    assert (await keeper.get(f"/api/v1/stock-movements/{issued['id']}")).json() == issued


async def test_when_two_want_the_last_piece_then_one_gets_it_and_the_other_is_told(house: House) -> None:
    keeper = await house.person("kho", Role.STOREKEEPER)
    await toner(keeper)
    await act(keeper, "receive", 1)
    body = {"act": "issue", "site": OWN, "consumable": "CF259A", "quantity": 1, "holder": "Quầy 1"}
    answers = await asyncio.gather(*(keeper.post("/api/v1/stock-movements", json=body) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
    refused = next(answer.json() for answer in answers if answer.status_code == 409)
    assert (refused["detail"], refused["left"]) == ("There are only 0 left here.", 0)
    assert await lies(keeper) == 0


async def test_when_something_goes_to_another_site_then_it_travels_and_is_there_when_they_say_so(house: House) -> None:
    keeper = await house.person("kho", Role.STOREKEEPER)
    await toner(keeper)
    await act(keeper, "receive", 5, batch="L1", expires_on="2099-01-31")
    out = await act(keeper, "transfer", 2, to_site=FOREIGN)
    assert (out["kind"], out["change"], out["other_site"], out["batch"]) == ("transfer_out", -2, FOREIGN, "L1")
    assert (await lies(keeper), await lies(keeper, FOREIGN)) == (3, None)
    back = await keeper.post(f"/api/v1/stock-movements/{out['id']}/reverse", json={"reason": "Gửi nhầm"})
    assert back.status_code == 409
    shipment = f"/api/v1/stock-shipments/{out['transfer']}"
    assert (await keeper.get(shipment)).json()["state"] == "under_way"
    short = await keeper.post(f"{shipment}/receive", json={"got": 1})
    assert (short.status_code, short.json()["errors"][0]["field"]) == (400, "note")
    came = await keeper.post(f"{shipment}/receive", json={"got": 1, "note": "Một hộp vỡ"})
    assert (came.status_code, came.json()["got"]) == (200, 1)
    both = (await keeper.get("/api/v1/stock-movements", params={"transfer": out["transfer"]})).json()["items"]
    assert {(line["site"], line["change"], line["expires_on"]) for line in both} == {
        (OWN, -2, "2099-01-31"), (FOREIGN, 1, "2099-01-31"),
    }  # fmt: skip
    assert (await lies(keeper), await lies(keeper, FOREIGN)) == (3, 1)
    form = {"act": "transfer", "site": OWN, "quantity": "1", "to_site": FOREIGN, "key": str(new_id())}
    for _ in range(2):  # a double tap
        sent = await keeper.post("/stock/CF259A/move", data=form)
        assert (sent.status_code, sent.headers["location"]) == (303, f"/stock/CF259A?site={OWN}&done=sent")
    assert (await keeper.get("/api/v1/stock-shipments?state=under_way")).json()["total"] == 1
    assert "/stock-shipments" in (await keeper.get(sent.headers["location"])).text
    assert f"/stock-shipments?state=under_way&amp;to_site={FOREIGN}" in (await keeper.get(f"/sites/{FOREIGN}")).text


async def test_when_somebody_fills_the_forms_then_it_is_written_once_and_the_pages_show_it(house: House) -> None:
    keeper = await house.person("kho", Role.STOREKEEPER)
    lan = await house.person("lan", Role.CLERK, OWN)
    model = await printer()
    await printer("QN-9")
    form = {"code": "cf259a", "name": "Mực <b>", "unit": "hộp", "kind": "toner", "minimum": "2", "models": str(model)}
    assert (await keeper.post("/stock/new", data={**form, "unit": ""})).status_code == 400
    assert (await keeper.post("/stock/new", data=form)).status_code == 303
    assert (await keeper.post("/stock/new", data=form)).status_code == 409
    key = str(new_id())
    came = {"act": "receive", "site": OWN, "quantity": "3", "batch": "L1", "expires_on": "2099-01-31", "key": key}
    for _ in range(2):
        answer = await keeper.post("/stock/CF259A/move", data=came)
        assert (answer.status_code, answer.headers["location"]) == (303, f"/stock/CF259A?site={OWN}&done=1")
    assert await lies(keeper) == 3
    issue = await keeper.get(f"/stock/CF259A/move?site={OWN}&act=issue")
    assert issue.text.index("It fits") < issue.text.index("QN-1")
    twin = (await keeper.get(f"/stock/CF259A/move.json?site={OWN}&act=issue")).json()
    assert [(one["tag"], one["fits"]) for one in twin["assets"]] == [("QN-1", True), ("QN-9", True)]
    refused = await keeper.post(
        "/stock/CF259A/move", data={"act": "issue", "site": OWN, "quantity": "9", "asset_tag": "QN-1"}
    )
    assert refused.status_code == 409
    assert "There are only 3 left here." in refused.text
    assert 'value="9"' in refused.text
    done = await keeper.post(
        "/stock/CF259A/move", data={"act": "issue", "site": OWN, "quantity": "2", "asset_tag": "QN-1"}
    )
    assert done.status_code == 303
    seen = await lan.get("/stock?low=true&site=&q=")
    assert "Mực &lt;b&gt;" in seen.text
    ledger = await lan.get(f"/stock/CF259A?site={OWN}")
    assert ledger.status_code == 200
    assert "QN-1" in ledger.text
    assert "/move" not in ledger.text  # who may only look is offered nothing to do
    line = (await lan.get("/stock/CF259A.json")).json()["lines"][0]
    back = f"/stock/CF259A/{line['id']}/reverse"
    assert (await lan.post(back, data={"reason": "x"})).status_code == 403
    assert (await keeper.post(back, data={"reason": ""})).status_code == 400
    assert (await keeper.post(back, data={"reason": "Nhầm máy", "site": OWN})).status_code == 303
    assert await lies(keeper) == 3
    assert (await keeper.get("/stock/CF259A/move?act=dance")).status_code == 400
    assert (await keeper.get("/stock/NONE")).status_code == 404


@pytest.mark.parametrize(
    ("said", "status", "field"),
    [
        ({"quantity": 0}, 400, "quantity"), ({"quantity": -1}, 400, "quantity"), ({"quantity": 100_001}, 400, "quantity"),
        ({"quantity": 1.5}, 400, "quantity"), ({"holder": "x", "site": "99999"}, 404, ""),
        ({"holder": "x", "consumable": "NONE"}, 404, ""),
        ({"asset_tag": "NONE"}, 400, "asset_tag"), ({"asset_tag": "QN-2"}, 400, "asset_tag"), ({}, 400, "asset_tag"),
        ({"holder": "\u202e\u200b"}, 400, "asset_tag"), ({"holder": "x" * 121}, 400, "holder"),
        ({"holder": "x", "batch": "none"}, 400, "batch"), ({"holder": "x", "expires_on": "2026-01-01"}, 400, "expires_on"),
        ({"holder": "x", "to_site": FOREIGN}, 400, "to_site"), ({"holder": "x", "quantity": 4}, 409, ""),
        ({"act": "transfer"}, 400, "to_site"), ({"act": "transfer", "to_site": OWN}, 400, "to_site"),
        ({"act": "transfer", "to_site": "99999"}, 404, ""), ({"act": "count", "quantity": 3}, 400, "reason"),
        ({"act": "receive", "expires_on": "2026-01-01"}, 400, "expires_on"), ({"act": "steal"}, 400, "act"),
    ],
)  # fmt: skip
async def test_when_a_movement_cannot_be_one_then_it_is_refused_and_nothing_moves(
    house: House, said: dict[str, Any], status: int, field: str
) -> None:
    keeper = await house.person("kho", Role.STOREKEEPER)
    await printer()
    await printer("QN-2", FOREIGN)
    await toner(keeper)
    await act(keeper, "receive", 3)
    body = {"act": "issue", "site": OWN, "consumable": "CF259A", "quantity": 1} | said
    answer = await keeper.post("/api/v1/stock-movements", json=body)
    assert answer.status_code == status, answer.text
    if field:
        assert field in {error["field"] for error in answer.json()["errors"]}
    assert await lies(keeper) == 3
    assert (await keeper.get("/api/v1/stock-movements")).json()["total"] == 1


async def test_when_a_minimum_or_a_consumable_changes_then_it_is_still_as_it_was_read(house: House) -> None:
    keeper = await house.person("kho", Role.STOREKEEPER)
    await toner(keeper)
    kept = await keeper.post("/api/v1/stock", json={"site": OWN, "consumable": "CF259A", "minimum": 0})
    assert (kept.status_code, kept.json()["low"], kept.json()["minimum"]) == (201, False, 0)
    again = await keeper.post("/api/v1/stock", json={"site": OWN, "consumable": "CF259A"})
    assert again.status_code == 409
    path = f"/api/v1/stock/{kept.json()['id']}"
    changed = await keeper.patch(path, json={"minimum": None}, headers={"If-Match": kept.headers["etag"]})
    assert (changed.json()["minimum"], changed.json()["own_minimum"], changed.json()["low"]) == (2, None, True)
    assert (await keeper.patch(path, json={"minimum": 5}, headers={"If-Match": '"1"'})).status_code == 412
    assert (await keeper.patch(path, json={"minimum": 5})).status_code == 428
    path = "/api/v1/consumables/CF259A"
    wrong = await keeper.patch(path, json={"models": [str(new_id())]}, headers={"If-Match": '"1"'})
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (400, "models.0")
    assert (await keeper.patch(path, json={"minimum": 1}, headers={"If-Match": '"1"'})).json()["version"] == 2
    assert (await keeper.delete(path, headers={"If-Match": '"2"'})).status_code == 409  # it is kept somewhere
    await toner(keeper, "OTHER")
    assert (await keeper.delete("/api/v1/consumables/OTHER", headers={"If-Match": '"1"'})).status_code == 204
    async with transaction(EVERYTHING) as tx:  # codes that no web address can hold were taken in once
        await tx.execute("update consumables set code = 'CF\\259/A'")
    await consumables.edit_consumable(SYSTEM, "CF\\259/A", {"minimum": 4}, version=2)


async def test_when_it_is_counted_then_the_difference_is_written_and_agreement_too(house: House) -> None:
    keeper = await house.person("kho", Role.STOREKEEPER)
    await toner(keeper)
    await act(keeper, "receive", 5)
    found = await act(keeper, "count", 3, reason="Kiểm kê quý IV")
    assert (found["kind"], found["change"], found["balance"]) == ("corrected", -2, 3)
    same = await act(keeper, "count", 3, reason="Kiểm kê quý IV")
    assert (same["change"], same["balance"], same["number"]) == (0, 3, 3)
    undone = await keeper.post(f"/api/v1/stock-movements/{same['id']}/reverse", json={"reason": "x"})
    assert undone.status_code == 409
