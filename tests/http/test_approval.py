"""Approval over HTTP: the province sets its rules, approvers and deputies decide by page and API, bad input is told."""

import re
from datetime import timedelta
from html import unescape
from typing import Any

import httpx2
import pytest

from assets import clock, db
from assets.access.permissions import Role
from tests import equipment_world
from tests.conftest import House, running
from tests.equipment_world import World

BASE = "/api/v1/equipment-requests"
ASK = {"lines": [{"category": "printer", "quantity": 3}], "reason": "Máy in cũ hay kẹt giấy"}
SETTINGS = "/equipment-requests/settings"
STEP = {"name": "Xem xét", "roles": ["approver"], "place": "unit", "position": "1", "hours": "8"}
HOSTILE = '<img src=x onerror="alert(1)">'


@pytest.fixture
async def world(house: House) -> World:
    return await equipment_world.build()


def shown(page: httpx2.Response) -> str:
    """What a page says, without its tags."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", " ", page.text)))


def version(page: httpx2.Response) -> str:
    found = re.search(r'name="version" value="(\d+)"', page.text)
    assert found
    return found[1]


def today(days: int = 0) -> str:
    return (clock.today() + timedelta(days=days)).isoformat()


async def test_when_the_province_sets_two_steps_then_pages_lead_through_both(world: World, house: House) -> None:
    admin = await house.person("root", Role.ADMINISTRATOR)
    near, far = await house.person("near", Role.APPROVER, world.home_code), await house.person("far", Role.APPROVER)
    clerk = await house.person("clerk-a", Role.CLERK, world.home_code)
    assert (await admin.post(f"{SETTINGS}/steps", data=STEP)).status_code == 303
    head = {**STEP, "name": "Phê duyệt", "name_en": "Head", "place": "province", "position": "2", "from_value": "50.000.000",
            "if_unknown": "1"}  # fmt: skip
    assert (await admin.post(f"{SETTINGS}/steps", data=head)).headers["location"] == f"{SETTINGS}?saved=1"
    page = shown(await clerk.get(SETTINGS))
    assert "from 50,000,000 VND, also when the value is not known" in page
    number = (await clerk.post(BASE, json=ASK)).json()["number"]
    at = f"/equipment-requests/{number}"
    first = await near.get(at)
    assert "Due now" in shown(first)
    assert "Approve how many" in shown(first)
    assert "Approve how many" not in shown(await far.get(at))  # it is not their turn
    said = {"version": version(first), "approved_1": "2", "note": HOSTILE}
    answer = await near.post(f"{at}/approve", data=said)
    assert answer.headers["location"] == f"{at}?done=approve"
    assert "This step has approved it; the next one is due." in shown(await near.get(f"{at}?done=approve"))
    second = await far.get(at)
    assert HOSTILE not in second.text
    assert HOSTILE in shown(httpx2.Response(200, text=second.text))
    assert "approved before 2" in shown(second)
    for fields, message in (({"approved_1": "3"}, "can only lower"), ({"approved_1": "1"}, "Write why fewer")):
        refused = await far.post(f"{at}/approve", data={"version": version(second), **fields})
        assert refused.status_code == 400
        assert message in shown(refused)
        assert f'value="{fields["approved_1"]}"' in refused.text  # what was typed is still there
    stale = await far.post(f"{at}/approve", data=said)
    assert stale.status_code == 412
    assert (await far.post(f"{at}/approve", data={"version": version(second)})).status_code == 303
    detail = (await clerk.get(f"{BASE}/{number}")).json()
    assert (detail["state"], detail["lines"][0]["approved"]) == ("approved", 2)
    assert [(s["name"], s["state"], s["approved"]) for s in detail["approval"]] == [
        ("Xem xét", "done", {"1": 2}), ("Head", "done", {"1": 2}),
    ]  # fmt: skip


async def test_when_lists_are_asked_what_waits_for_somebody_then_each_sees_their_own(
    world: World, house: House
) -> None:
    near, store = (
        await house.person("near", Role.APPROVER, world.home_code),
        await house.person("kho", Role.STOREKEEPER),
    )
    clerk, other = (await house.person("clerk-a", Role.CLERK, world.home_code),
                    await house.person("clerk-c", Role.CLERK, world.other_code))  # fmt: skip
    for who in (clerk, other, clerk):
        await who.post(BASE, json=ASK)
    await near.post(f"{BASE}/3/approve")
    await near.post(f"{BASE}/1/return", json={"note": "Ghi rõ"})
    await clerk.post(BASE, json=ASK)

    async def mine(who: httpx2.AsyncClient, **more: str) -> list[int]:
        answer = await who.get(BASE, params={"waiting_for_me": "true", "sort": "priority", **more})
        return [row["number"] for row in answer.json()["items"]]

    assert (await mine(near), await mine(store), await mine(clerk), await mine(other)) == ([4], [3], [1], [])
    assert [r["waiting_for_me"] for r in (await near.get(BASE, params={"sort": "number"})).json()["items"]] == [
        False, False, True,
    ]  # fmt: skip
    assert (await near.get(f"{BASE}/4")).json()["waiting_for_me"] is True
    exported = await near.get("/api/v1/exports/equipment-requests.csv?waiting_for_me=true")
    assert len(exported.text.strip().splitlines()) == 2
    page = await near.get("/equipment-requests?waiting_for_me=true&sort=priority")
    assert "Waiting for me" in shown(page)
    assert "No. 4" in shown(page)
    assert "No. 2" not in shown(page)
    targets = [row["target_at"] for row in (await store.get(BASE, params={"sort": "target_at"})).json()["items"]]
    assert targets == sorted(targets, key=lambda one: (one is None, one))  # what has none comes last


async def test_when_somebody_is_away_then_the_deputy_sees_for_whom_they_decide(world: World, house: House) -> None:
    boss, deputy = await house.person("boss", Role.APPROVER), await house.person("deputy", Role.INSPECTOR)
    clerk = await house.person("clerk-a", Role.CLERK, world.home_code)
    number = (await clerk.post(BASE, json=ASK)).json()["number"]
    wrong = await boss.post("/delegations", data={"deputy": "clerk-a", "from_on": today(), "until_on": today(-1)})
    assert wrong.status_code == 400
    assert "The last day is before the first one." in shown(wrong)
    assert "Choose somebody who may look at" in shown(wrong)
    given = {"deputy": "deputy", "from_on": today(), "until_on": today(), "reason": HOSTILE}
    told = await boss.post("/delegations", data=given)
    assert (told.status_code, "Approves nothing by their own role;" in shown(told)) == (200, True)
    assert (await boss.get("/api/v1/delegations")).json()["total"] == 0
    assert (await boss.post("/delegations", data=given | {"anyway": "1"})).status_code == 303
    assert "Boss" in shown(await deputy.get("/delegations"))
    assert HOSTILE not in (await deputy.get("/delegations")).text
    page = await deputy.get(f"/equipment-requests/{number}")
    assert "You decide in place of Boss, who is away." in shown(page)
    answer = await deputy.post(f"/equipment-requests/{number}/approve", data={"version": version(page)})
    assert answer.status_code == 303
    detail = (await boss.get(f"{BASE}/{number}")).json()
    assert (detail["approval"][0]["decided_by"], detail["approval"][0]["on_behalf_of"]) == ("Deputy", "Boss")
    [row] = (await boss.get("/api/v1/delegations?state=running")).json()["items"]
    at = f"/api/v1/delegations/{row['id']}"
    assert (await deputy.post(f"{at}/withdraw")).status_code == 404
    assert (await clerk.get(at)).status_code == 404
    assert (await clerk.get("/api/v1/delegations")).json()["total"] == 0
    assert (await boss.post(f"{at}/withdraw")).json()["state"] == "withdrawn"
    assert (await boss.post(f"{at}/withdraw")).status_code == 409
    assert (await clerk.post("/api/v1/delegations", json={"deputy": "deputy", "from_on": today(), "until_on": today()})
            ).status_code == 403  # fmt: skip


async def test_deputies_are_offered_with_what_speaks_against_them_and_approvers_first(
    world: World, house: House
) -> None:
    boss = await house.person("boss", Role.APPROVER)
    for name, role in (
        ("anh", Role.STOREKEEPER),
        ("binh", Role.INSPECTOR),
        ("zung", Role.APPROVER),
        ("yen", Role.PROVINCE_IT),
    ):
        await house.person(name, role)
    async with db.transaction(db.EVERYTHING) as tx:
        both = await tx.fetchval("select id from users where name = 'zung'")
        site = await tx.fetchval("select id from sites where code = $1", world.home_code)
        await tx.execute(
            'insert into grants (id, "user", role, site, created_at) values (gen_random_uuid(), $1, $2, $3, now())',
            both, Role.CLERK, site,
        )  # fmt: skip
    offered = (await boss.get("/delegations.json")).json()["candidates"]
    assert {one["deputy"]: one["cautions"] for one in offered} == {
        "yen": [], "zung": ["asks_themselves"], "binh": ["approves_nothing"], "anh": ["approves_nothing", "keeps_the_store"],
    }  # fmt: skip
    assert [one["deputy"] for one in offered] == ["yen", "zung", "binh", "anh"]
    page = (await boss.get("/delegations")).text
    assert page.index("Approve by their own role") < page.index('value="zung"') < page.index("Approve nothing by")
    asked = {"from_on": today(), "until_on": today()}
    assert (await boss.post("/delegations", data={"deputy": "yen", **asked})).status_code == 303
    nothing = await house.person("lan", Role.INSPECTOR)
    assert (await nothing.post("/delegations", data={"deputy": "anh", **asked})).status_code == 403
    told = await boss.post("/delegations", data={"deputy": "anh", **asked})
    assert "Keeps a store" in shown(told)
    assert 'value="anh" selected' in told.text


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"hours": 9}, 200), ({"hours": 0}, 400), ({"roles": []}, 400), ({"roles": ["king"]}, 400), ({"place": "moon"}, 400),
        ({"roles": ["director"], "place": "province"}, 400), ({"from_value": -1}, 400), ({"from_value": None}, 200),
        ({"kinds": ["people"]}, 400), ({"name": ""}, 400), ({"name": None}, 400), ({"colour": "red"}, 400),
    ],
)  # fmt: skip
async def test_when_a_step_is_changed_by_program_then_versions_and_values_count(
    world: World, house: House, change: dict[str, Any], status: int
) -> None:
    admin = await house.person("root", Role.ADMINISTRATOR)
    made = await admin.post("/api/v1/approval-steps", json={"name": "Một", "roles": ["approver"]})
    assert (made.status_code, made.headers["etag"]) == (201, '"1"')
    at = f"/api/v1/approval-steps/{made.json()['id']}"
    assert (await admin.patch(at, json={"hours": 9})).status_code == 428
    assert (await admin.patch(at, json={"hours": 9}, headers={"If-Match": '"7"'})).status_code == 412
    answer = await admin.patch(at, json=change, headers={"If-Match": '"1"'})
    assert answer.status_code == status, answer.text
    assert (await admin.get(at)).json()["version"] == (2 if status == 200 else 1)
    assert (await admin.delete(at, headers={"If-Match": f'"{2 if status == 200 else 1}"'})).status_code == 409


async def test_when_a_form_of_settings_is_wrong_then_each_field_says_so_and_keeps_what_was_typed(
    world: World, house: House
) -> None:
    admin = await house.person("root", Role.ADMINISTRATOR)
    page = await admin.post(
        f"{SETTINGS}/steps", data={**STEP, "name": " ", "hours": "mười", "roles": [], "name_en": HOSTILE}
    )
    assert page.status_code == 400
    text = shown(page)
    assert "Please write a whole number." in text
    assert "Choose at least one role." in text
    assert "Please fill this in." in text
    assert 'value="mười"' in page.text
    assert HOSTILE not in page.text
    costs = await admin.post(f"{SETTINGS}/costs", data={"unit_cost.printer": "5,5", "version.printer": "0"})
    assert (costs.status_code, "Please write a whole number." in shown(costs)) == (400, True)
    assert (await admin.post(f"{SETTINGS}/costs", data={"unit_cost.printer": "5.500.000"})).status_code == 303
    assert (await admin.get("/api/v1/category-costs/printer")).json()["unit_cost"] == 5_500_000
    seat = await admin.post(
        f"{SETTINGS}/general", data={"version": "0", "cost_source": "table", "seat": "1", "fulfil_hours": "8"}
    )
    assert "There is no unit with this code and with coordinates." in shown(seat)
    hours = await admin.post("/working-calendar/hours", data={"version": "0", "starts_1_0": "bảy", "ends_1_0": "11:00"})
    assert (hours.status_code, "such as 7:30, 7h30 or 07.30" in shown(hours)) == (400, True)
    assert 'value="bảy"' in hours.text
    none = await admin.post("/working-calendar/hours", data={"version": "0"})
    assert "Somebody must work on some day of the week." in shown(none)
    day = await admin.post("/working-calendar/days", data={"version": "0", "day": "", "kind": "party"})
    assert (day.status_code, "Please choose one of the list." in shown(day)) == (400, True)


async def test_when_the_calendar_is_set_by_program_then_it_is_whole_and_versioned(world: World, house: House) -> None:
    admin = await house.person("root", Role.ADMINISTRATOR)
    at = "/api/v1/working-calendar"
    first = await admin.get(at)
    assert (first.headers["etag"], len(first.json()["shifts"]), first.json()["days"]) == ('"0"', 10, [])
    shift = {"weekday": 1, "starts": "07:30", "ends": "24:00"}
    day = {"day": "2027-01-01", "kind": "holiday", "name": "Tết Dương lịch"}
    whole = {"shifts": [shift], "days": [day]}
    assert (await admin.put(at, json=whole)).status_code == 428
    assert (await admin.put(at, json=whole, headers={"If-Match": '"3"'})).status_code == 412
    answer = await admin.put(at, json=whole, headers={"If-Match": '"0"'})
    assert answer.json() == {**whole, "version": 1}
    for wrong in ({"shifts": [{**shift, "ends": "25:00"}]}, {"shifts": [{**shift, "weekday": 8}]}, {"shifts": []},
                  {"shifts": [{**shift, "ends": "07:00"}]}, {"shifts": [shift], "days": [day, day]}):  # fmt: skip
        assert (await admin.put(at, json=wrong, headers={"If-Match": '"1"'})).status_code == 400, wrong
    assert "Tết Dương lịch" in (await admin.get("/working-calendar")).text


async def test_when_a_channel_is_somebodys_own_then_it_says_whose(database: str) -> None:
    admin = await (await running(allowed_networks="127.0.0.0/8")).person("root", Role.ADMINISTRATOR)
    new = {"name": "n", "url": "mailto://a:b@127.0.0.1:2525?from=a@example.vn&to=b@example.vn", "person": "root"}
    assert (await admin.post("/api/v1/channels", json={**new, "person": "nobody"})).status_code == 400
    made = await admin.post("/api/v1/channels", json=new)
    assert made.json()["person"] == "root"
    at = f"/api/v1/channels/{made.json()['id']}"
    cleared = await admin.patch(at, json={"person": ""}, headers={"If-Match": '"1"'})
    assert cleared.json()["person"] is None
