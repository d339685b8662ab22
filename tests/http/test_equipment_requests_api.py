"""Equipment requests and readiness for programs: Alice asks, Bob decides, Charlie of another centre sees nothing."""

from dataclasses import dataclass

import httpx2
import pytest

from assets import clock
from assets.access.permissions import Role
from assets.ids import new_id
from assets.readiness import service as readiness
from tests import equipment_world, pictures
from tests.conftest import House
from tests.equipment_world import World
from tests.pictures import png

BASE = "/api/v1/equipment-requests"
ASK = {"lines": [{"category": "printer", "quantity": 2}], "reason": "Máy in cũ hay kẹt giấy"}


@dataclass
class Town:
    """The service with a small province and three people at it."""

    world: World
    alice: httpx2.AsyncClient
    bob: httpx2.AsyncClient
    charlie: httpx2.AsyncClient
    house: House


@pytest.fixture
async def town(house: House) -> Town:
    world = await equipment_world.build()
    return Town(
        world, await house.person("clerk-a", Role.CLERK, world.home_code), await house.person("it", Role.PROVINCE_IT),
        await house.person("clerk-c", Role.CLERK, world.other_code), house,
    )  # fmt: skip


async def test_when_the_whole_way_is_gone_by_api_then_the_assets_stand_at_the_centre(town: Town) -> None:
    for tag in ("PR-1", "PR-2"):
        await town.world.stock("printer", tag)
    filed = await town.alice.post(BASE, json=ASK)
    assert filed.status_code == 201, filed.text
    assert (filed.json()["state"], filed.json()["site"]) == ("submitted", town.world.home_code)
    at = f"{BASE}/{filed.json()['number']}"
    approved = await town.bob.post(f"{at}/approve", json={"note": "Đồng ý"})
    assert (approved.status_code, approved.json()["lines"][0]["approved"]) == (200, 2)
    part = await town.bob.post(f"{at}/fulfil", json={"assets": {"1": ["PR-2"]}})
    assert (part.json()["state"], part.json()["lines"][0]["given"]) == ("in_fulfilment", 1)
    rest = await town.bob.post(f"{at}/fulfil")  # without a body: what the stock has
    assert rest.json()["state"] == "fulfilled", rest.text
    assert rest.json()["lines"][0]["asset_tags"] == ["PR-1", "PR-2"]
    closed = await town.alice.post(f"{at}/close")
    assert closed.json()["state"] == "closed"
    assert [event["action"] for event in closed.json()["events"]] == [
        "file", "submit", "approve", "fulfil", "fulfil", "close",
    ]  # fmt: skip
    assert await town.world.asset("PR-1") == (town.world.home, "in_use")


async def test_when_charlie_uses_any_route_of_alices_request_then_it_is_not_there(town: Town) -> None:
    filed = (await town.alice.post(BASE, json=ASK)).json()
    for ref in (filed["number"], filed["id"]):
        assert (await town.charlie.get(f"{BASE}/{ref}")).status_code == 404
        assert (await town.charlie.get(f"{BASE}/{ref}/facts")).status_code == 404
        assert (await town.charlie.post(f"{BASE}/{ref}/amend", json={"reason": "x"})).status_code == 404
        for step in ("submit", "withdraw", "close"):
            assert (await town.charlie.post(f"{BASE}/{ref}/{step}")).status_code == 404
    assert (await town.charlie.get(BASE)).json() == {"items": [], "total": 0, "next": None}
    assert (await town.charlie.get(f"{BASE}?site={town.world.home_code}")).json()["total"] == 0
    assert (await town.charlie.post(BASE, json={**ASK, "site": town.world.home_code})).status_code == 404
    missing = (await town.charlie.get(f"{BASE}/999")).json()
    assert (await town.charlie.get(f"{BASE}/{filed['number']}")).json() == missing  # the two look alike


@pytest.mark.parametrize("step", ["approve", "return", "refuse", "fulfil"])
async def test_when_a_clerk_decides_then_it_is_forbidden(town: Town, step: str) -> None:
    number = (await town.alice.post(BASE, json=ASK)).json()["number"]
    answer = await town.alice.post(f"{BASE}/{number}/{step}", json={"note": "x"})
    assert answer.status_code == 403
    assert answer.headers["content-type"].startswith("application/problem+json")


async def test_when_an_inspector_reads_then_nothing_can_be_changed(town: Town) -> None:
    number = (await town.alice.post(BASE, json=ASK)).json()["number"]
    inspector = await town.house.person("insp", Role.INSPECTOR)
    assert (await inspector.get(f"{BASE}/{number}")).json()["steps"] == []
    assert (await inspector.post(BASE, json=ASK)).status_code == 403
    assert (await inspector.post(f"{BASE}/{number}/close")).status_code in (403, 409)


async def test_when_nobody_is_signed_in_then_every_route_asks_for_it(town: Town) -> None:
    nobody = town.house.client()
    for path in (BASE, f"{BASE}/1", f"{BASE}/1/facts", "/api/v1/readiness", "/api/v1/readiness/21025"):
        assert (await nobody.get(path)).status_code == 401
    for path in ("", "/1/submit", "/1/approve", "/1/return", "/1/refuse", "/1/withdraw", "/1/fulfil", "/1/close"):
        assert (await nobody.post(BASE + path, json={})).status_code in (400, 401)


async def test_when_a_step_is_stale_then_409_tells_the_present_state(town: Town) -> None:
    number = (await town.alice.post(BASE, json=ASK)).json()["number"]
    await town.alice.post(f"{BASE}/{number}/withdraw")
    answer = await town.bob.post(f"{BASE}/{number}/approve")
    assert answer.status_code == 409
    assert answer.json()["state"] == "withdrawn"
    older = await town.bob.post(f"{BASE}/{number}/approve", json={"version": 1})
    assert older.status_code == 412


async def test_when_the_same_key_is_sent_again_then_the_same_request_answers(town: Town) -> None:
    keyed = {**ASK, "key": str(new_id())}
    numbers = {(await town.alice.post(BASE, json=keyed)).json()["number"] for _ in range(3)}
    assert len(numbers) == 1


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"lines": []}, "lines"),
        ({"lines": [{"category": "printer", "quantity": 0}]}, "quantity"),
        ({"lines": [{"category": "printer", "quantity": 1001}]}, "quantity"),
        ({"lines": [{"category": "aircraft"}]}, "category"),
        ({"reason": ""}, "reason"),
        ({"reason": " "}, "reason"),
        ({"reason": None}, "reason"),
        ({"surprise": 1}, "surprise"),
    ],
)
async def test_when_input_is_wrong_then_400_names_the_field(town: Town, change: dict, field: str) -> None:
    answer = await town.alice.post(BASE, json={**ASK, **change})
    assert answer.status_code == 400, answer.text
    assert any(field in str(error["field"]) for error in answer.json()["errors"]), answer.text


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "state=lost", "colour=red", "sort=reason", "cursor=x"])
async def test_when_a_list_is_asked_with_a_wrong_parameter_then_it_is_400(town: Town, query: str) -> None:
    assert (await town.bob.get(f"{BASE}?{query}")).status_code == 400
    assert (await town.bob.get(f"/equipment-requests.json?{query}")).status_code == 400


async def test_when_a_list_is_filtered_and_searched_without_accents_then_it_finds(town: Town) -> None:
    number = (await town.alice.post(BASE, json=ASK)).json()["number"]
    await town.charlie.post(BASE, json={"lines": [{"category": "pc"}], "reason": "Thiếu máy"})
    found = (await town.bob.get(f"{BASE}?state=submitted&q=may in ket giay&limit=1")).json()
    assert (found["total"], [item["number"] for item in found["items"]]) == (1, [number])
    first = (await town.bob.get(f"{BASE}?limit=1")).json()
    rest = (await town.bob.get(f"{BASE}?limit=1&cursor={first['next']}")).json()
    assert {first["items"][0]["number"], rest["items"][0]["number"]} == {number, number + 1}
    assert rest["next"] is None


async def test_when_an_approver_asks_for_the_facts_then_stock_and_readiness_are_there(town: Town) -> None:
    await town.world.stock("printer", "PR-1")
    await readiness.recompute(None, clock.now())
    number = (await town.alice.post(BASE, json=ASK)).json()["number"]
    facts = (await town.bob.get(f"{BASE}/{number}/facts")).json()
    assert facts["readiness"] == "unknown"
    assert [thing["tag"] for thing in facts["lines"][0]["stock"]] == ["PR-1"]
    own = (await town.alice.get(f"{BASE}/{number}/facts")).json()
    assert own["lines"][0]["stock"] == []  # the store is not in a clerk's scope


FACTS, CATALOGUE = "/api/v1/equipment-request-facts", "/api/v1/equipment-request-catalogue"
MIXED = [
    {"category": "printer", "quantity": 2}, {"kind": "capability", "capability": "seal", "holder_post": "Văn thư"},
    {"kind": "repair", "asset": "PR-1", "reason": "Kẹt giấy", "unit_cost": 500_000},
]  # fmt: skip


async def test_when_lines_of_several_kinds_are_asked_for_and_amended_then_the_answers_say_so(town: Town) -> None:
    await town.world.thing("printer", "PR-1", town.world.home_code)
    filed = await town.alice.post(BASE, json={**ASK, "lines": MIXED, "draft": True})
    assert filed.status_code == 201, filed.text
    assert [(line["kind"], line["name"]) for line in filed.json()["lines"]] == [
        ("equipment", "Printer"), ("capability", "Seal for Văn thư"),
        ("repair", "Repair of Printer Maker printer (PR-1)"),
    ]  # fmt: skip
    at = f"{BASE}/{filed.json()['number']}/amend"
    more = {"reason": "Mới", "lines": [MIXED[1], {"category": "pc", "quantity": 3}]}
    amended = await town.alice.post(at, json=more)
    assert [(line["position"], line["kind"], line["quantity"]) for line in amended.json()["lines"]] == [
        (1, "capability", 1), (2, "equipment", 3),
    ]  # fmt: skip
    both = await town.alice.post(at, json={**more, "quantities": {"1": 2}})
    assert (both.status_code, both.json()["errors"][0]["field"]) == (400, "quantities")
    numbers = await town.alice.post(at, json={"reason": "Mới", "quantities": {"2": 4}})
    assert [line["quantity"] for line in numbers.json()["lines"]] == [1, 4]


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ({"kind": "capability", "capability": "seal"}, "lines.0.holder_post"),
        ({"kind": "capability", "capability": "crown", "holder_post": "A"}, "lines.0.capability"),
        ({"kind": "capability", "capability": "account", "holder_post": "A"}, "lines.0.application"),
        ({"kind": "consumable", "consumable": "NONE"}, "lines.0.consumable"),
        ({"kind": "repair", "asset": "PR-C"}, "lines.0.asset"),
        ({"kind": "repair", "asset": "PR-C", "quantity": 2}, "lines.0.quantity"),
        ({"kind": "equipment", "category": "printer", "asset": "PR-C"}, "lines.0.asset"),
        ({"kind": "aircraft", "category": "printer"}, "lines.0.kind"),
        ({"category": "printer", "unit_cost": -1}, "lines.0.unit_cost"),
        ({"category": "printer", "unit_cost": 10**15}, "lines.0.unit_cost"),
        ({}, "lines.0.category"),
    ],
)
async def test_when_a_line_is_wrong_then_its_field_is_named(town: Town, line: dict, field: str) -> None:
    await town.world.thing("printer", "PR-C", town.world.other_code)
    answer = await town.alice.post(BASE, json={**ASK, "lines": [line]})
    assert answer.status_code == 400, answer.text
    assert field in [error["field"] for error in answer.json()["errors"]], answer.text
    assert (await town.bob.get(BASE)).json()["total"] == 0


async def test_when_facts_are_asked_for_beforehand_then_they_are_those_of_the_caller_s_own_centre(town: Town) -> None:
    await town.world.stock("printer", "PR-9")
    await town.world.thing("printer", "PR-1", town.world.home_code)
    await town.world.thing("printer", "PR-C", town.world.other_code)
    known = (await town.alice.get(f"{FACTS}?thing=equipment:printer&thing=repair:PR-1")).json()
    assert known["site"] == town.world.home_code
    assert [(thing["thing"], thing["name"]) for thing in known["things"]] == [
        ("equipment:printer", "Printer"), ("repair:PR-1", "Repair of Printer Maker printer (PR-1)"),
    ]  # fmt: skip
    printer = known["things"][0]["facts"]
    assert (printer["in_use"], printer["in_stock"], printer["asset"]) == (1, 1, None)
    assert "PR-9" not in str(known), "how many the store has, not which"
    for foreign in ("repair:PR-C", "repair:PR-9", "equipment:aircraft", "x", "capability:crown"):
        answer = await town.alice.get(f"{FACTS}?thing={foreign}")
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "thing"), foreign
    assert (await town.alice.get(FACTS)).status_code == 400
    assert (await town.alice.get(f"{FACTS}?thing=equipment:pc&site={town.world.other_code}")).status_code == 404
    theirs = (await town.bob.get(f"{FACTS}?thing=repair:PR-C&site={town.world.other_code}")).json()
    assert theirs["things"][0]["facts"]["asset"]["tag"] == "PR-C"
    offered = (await town.alice.get(f"{CATALOGUE}?q=pr-1")).json()
    assert [[choice["thing"] for choice in group["choices"]] for group in offered["groups"]][3] == ["repair:PR-1"]


async def test_when_a_photo_is_added_then_whoever_sees_requests_sees_it_until_the_request_is_settled(
    town: Town,
) -> None:
    number = (await town.alice.post(BASE, json=ASK)).json()["number"]
    at = f"{BASE}/{number}/photos"
    made = await town.alice.post(at, files={"file": ("<b>máy.png", png())})
    assert made.status_code == 201, made.text
    assert (made.json()["name"], made.json()["code"]) == ("_b_máy.png", str(number))
    again = await town.alice.post(at, files={"file": ("b.png", png())})
    assert again.json()["id"] == made.json()["id"]
    content = f"/api/v1/attachments/{made.json()['id']}/content"
    on_call = await town.house.person("oncall", Role.ON_CALL)
    assert [(await client.get(content)).status_code for client in (town.bob, town.alice, town.charlie, on_call)] == [
        200, 200, 404, 404,
    ]  # fmt: skip
    assert [(await client.get("/api/v1/attachments")).json()["total"] for client in (town.bob, on_call)] == [1, 0]
    assert (await on_call.get(f"/attachments/equipment_request/{number}")).status_code == 404
    assert (await town.charlie.post(at, files={"file": ("b.png", png())})).status_code == 404
    paper = await town.alice.post(at, files={"file": ("a.pdf", pictures.PDF)})
    assert (paper.status_code, paper.json()["errors"][0]["field"]) == (400, "file")
    await town.alice.post(f"{BASE}/{number}/withdraw")
    assert (await town.alice.post(at, files={"file": ("c.png", png(2))})).status_code == 409


async def test_when_a_request_is_a_draft_then_its_photos_are_the_business_of_those_who_ask(town: Town) -> None:
    number = (await town.alice.post(BASE, json=ASK | {"draft": True})).json()["number"]
    made = (await town.alice.post(f"{BASE}/{number}/photos", files={"file": ("b.png", png())})).json()
    approver = await town.house.person("boss", Role.APPROVER)
    at = f"/api/v1/attachments/{made['id']}"
    looks = (at, f"{at}/content", f"/attachments/equipment_request/{number}")
    assert [(await approver.get(look)).status_code for look in looks] == [404, 404, 404]
    assert (await approver.get("/api/v1/attachments")).json()["total"] == 0
    assert (await town.alice.get("/api/v1/attachments")).json()["total"] == 1
    assert (await town.alice.get(f"{at}/content")).status_code == 200
    await town.alice.post(f"{BASE}/{number}/submit")
    assert [(await approver.get(look)).status_code for look in looks] == [200, 200, 200]
    assert (await approver.get("/api/v1/attachments")).json()["total"] == 1


async def test_when_the_answer_to_a_correction_was_lost_then_the_same_again_is_done(town: Town) -> None:
    number = (await town.alice.post(BASE, json=ASK | {"draft": True})).json()["number"]
    at = f"{BASE}/{number}/amend"
    said = {"reason": "Cần thêm", "version": 1, "lines": [{"category": "pc", "quantity": 2, "reason": " hai "}]}
    for _ in range(2):
        answer = await town.alice.post(at, json=said)
        assert (answer.status_code, answer.json()["version"]) == (200, 2)
    keyed = said | {"version": 2, "reason": "Cần gấp"}
    for _ in range(2):
        answer = await town.alice.post(at, json=keyed, headers={"Idempotency-Key": "k1"})
        assert (answer.status_code, answer.json()["version"]) == (200, 3)
    for other in (keyed | {"lines": [{"category": "pc", "quantity": 3}]}, keyed | {"reason": "Khác"}, said):
        assert (await town.alice.post(at, json=other)).status_code == 412
    assert (await town.bob.post(at, json=keyed)).status_code == 412  # it is Alice who corrected it
    quantities = {"reason": "Cần gấp", "version": 3, "quantities": {"1": 5}}
    assert [(await town.alice.post(at, json=quantities)).status_code for _ in range(2)] == [200, 200]
    assert (await town.alice.post(at, json=quantities | {"quantities": {"1": 6}})).status_code == 412
    assert (await town.alice.get(f"{BASE}/{number}")).json()["version"] == 4


async def test_when_readiness_is_listed_then_the_worst_comes_first_and_charlie_sees_his_own(town: Town) -> None:
    await town.world.thing("pc", "PC-1", town.world.other_code)
    unjudged = (await town.bob.get("/api/v1/readiness")).json()
    assert [item["readiness"] for item in unjudged["items"]] == ["unknown", "unknown"]
    await readiness.recompute(None, clock.now())
    listed = (await town.bob.get("/api/v1/readiness")).json()
    assert [item["site"] for item in listed["items"]] == [town.world.other_code, town.world.home_code]
    reason = listed["items"][0]["reasons"][0]
    assert (reason["code"], reason["effect"]) == ("printer_none", "unable")
    assert all(reason[name] for name in ("message", "owner", "next_step"))
    assert (await town.bob.get("/api/v1/readiness?readiness=able")).json()["total"] == 0
    assert (await town.bob.get("/api/v1/readiness?readiness=fine")).status_code == 400
    assert [item["site"] for item in (await town.charlie.get("/api/v1/readiness")).json()["items"]] == [
        town.world.other_code
    ]
    assert (await town.charlie.get(f"/api/v1/readiness/{town.world.other_code}")).json()["readiness"] == "unable"
    assert (await town.charlie.get(f"/api/v1/readiness/{town.world.home_code}")).status_code == 404
    assert (await town.bob.get("/api/v1/readiness/KHO")).status_code == 404  # a store serves nobody


async def test_when_the_language_is_vietnamese_then_the_words_are_too(town: Town) -> None:
    await readiness.recompute(None, clock.now())
    number = (await town.alice.post(BASE, json=ASK)).json()["number"]
    there = (await town.bob.get(f"{BASE}/{number}", headers={"Cookie": "language=vi"})).json()
    assert (there["holder"], there["lines"][0]["name"]) == ("Bộ phận công nghệ thông tin tỉnh", "Máy in")
    here = (await town.bob.get(f"{BASE}/{number}", headers={"Cookie": "language=en"})).json()
    assert (here["holder"], here["lines"][0]["name"]) == ("Provincial IT", "Printer")


async def test_when_the_document_is_read_then_every_route_has_an_operation_id(town: Town) -> None:
    paths = (await town.bob.get("/schema/openapi.json")).json()["paths"]
    mine = {path: item for path, item in paths.items() if path.startswith((BASE, "/api/v1/readiness"))}
    assert len(mine) == 18
    assert all(operation["operationId"] for item in mine.values() for operation in item.values())
