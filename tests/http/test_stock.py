"""Consumables and their ledger over HTTP: what lies where, who may move it, and what is refused."""

import asyncio
from typing import Any
from uuid import UUID

import httpx2

from assets import clock
from assets.access.actor import SYSTEM
from assets.access.permissions import Role
from assets.db import EVERYTHING, transaction
from assets.inventory import service as inventory
from assets.inventory import things
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


async def test_when_something_goes_to_another_site_then_what_went_is_what_came(house: House) -> None:
    keeper = await house.person("kho", Role.STOREKEEPER)
    await toner(keeper)
    await act(keeper, "receive", 5, batch="L1", expires_on="2027-01-31")
    out = await act(keeper, "transfer", 2, to_site=FOREIGN)
    assert (out["kind"], out["change"], out["other_site"], out["batch"]) == ("transfer_out", -2, FOREIGN, "L1")
    both = (await keeper.get("/api/v1/stock-movements", params={"transfer": out["transfer"]})).json()["items"]
    assert {(line["site"], line["change"], line["expires_on"]) for line in both} == {
        (OWN, -2, "2027-01-31"), (FOREIGN, 2, "2027-01-31"),
    }  # fmt: skip
    assert (await lies(keeper), await lies(keeper, FOREIGN)) == (3, 2)
    back = await keeper.post(f"/api/v1/stock-movements/{out['id']}/reverse", json={"reason": "Gửi nhầm"})
    assert (back.status_code, back.json()["change"], back.json()["reverses"]) == (201, 2, out["id"])
    assert (await lies(keeper), await lies(keeper, FOREIGN)) == (5, 0)
    again = await keeper.post(f"/api/v1/stock-movements/{out['id']}/reverse", json={"reason": "Gửi nhầm"})
    assert again.status_code == 409
