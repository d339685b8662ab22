"""Places over HTTP: rooms in rooms, what is written of sites and units, and units that become others on a day."""

import asyncio
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest

from assets import clock
from assets.access.actor import SYSTEM
from assets.access.permissions import Role
from assets.db import EVERYTHING, transaction
from assets.inventory import service as inventory
from assets.places import changes
from assets.places.succession import Kind
from tests.conftest import House
from tests.http.test_contract import asset, named

OWN, FOREIGN = "21025", "21028"
DAY = "2026-01-01"


async def room(client: httpx2.AsyncClient, name: str, **said: Any) -> Any:
    answer = await client.post("/api/v1/rooms", json={"site": OWN, "name": name, **said})
    assert answer.status_code == 201, answer.text
    return answer.json()


def at(thing: Any) -> dict[str, str]:
    return {"If-Match": f'"{thing["version"]}"'}


async def test_when_rooms_nest_then_a_move_takes_all_that_is_inside(house: House) -> None:
    bob = await house.person("bob", Role.PROVINCE_IT)
    building = await room(bob, "Nhà A", kind="building")
    floor = await room(bob, "Tầng 1", kind="floor", parent=building["id"])
    counter = await room(bob, "Quầy 1", kind="counter", parent=floor["id"])
    assert (counter["parent_name"], counter["site"]) == ("Tầng 1", OWN)
    other = await room(bob, "Nhà B", kind="building")
    path = f"/api/v1/rooms/{floor['id']}"
    moved = await bob.patch(path, json={"parent": other["id"], "name": "Tầng trệt"}, headers=at(floor))
    assert (moved.status_code, moved.headers["etag"], moved.json()["parent_name"]) == (200, '"2"', "Nhà B")
    assert (await bob.get(f"/api/v1/rooms/{counter['id']}")).json() == {**counter, "parent_name": "Tầng trệt"}
    inside = await bob.get("/api/v1/rooms", params={"parent": floor["id"], "site": OWN, "kind": "counter"})
    assert [row["name"] for row in inside.json()["items"]] == ["Quầy 1"]
    for wrong in (floor["id"], counter["id"], str(uuid4())):
        answer = await bob.patch(path, json={"parent": wrong}, headers=at(moved.json()))
        assert (answer.status_code, named(answer)) == (400, ["parent"]), answer.text
    there = (await bob.post("/api/v1/rooms", json={"site": FOREIGN, "name": "Nhà C"})).json()
    answer = await bob.patch(path, json={"parent": there["id"]}, headers=at(moved.json()))
    assert (answer.status_code, named(answer)) == (400, ["parent"])
    assert (await bob.patch(path, json={"name": "x"})).status_code == 428
    assert (await bob.patch(path, json={"name": "x"}, headers=at(floor))).status_code == 412
    taken = await bob.post("/api/v1/rooms", json={"site": OWN, "name": " nhà   A".replace("n", "N")})
    assert (taken.status_code, "Nhà A" in taken.text) == (409, True)
    out = await bob.patch(path, json={"parent": None}, headers=at(moved.json()))
    assert (out.status_code, out.json()["parent"]) == (200, None)


async def test_when_something_is_in_a_room_then_it_is_not_removed_and_the_answer_says_what(house: House) -> None:
    bob = await house.person("bob", Role.PROVINCE_IT)
    outer = await room(bob, "Tầng 1")
    inner = await room(bob, "Quầy 1", parent=outer["id"])
    await asset("QN-1")
    async with transaction(EVERYTHING) as tx:
        await tx.execute("update assets set room = $1", UUID(inner["id"]))
    for thing, said in ((outer, "Quầy 1"), (inner, "QN-1")):
        answer = await bob.delete(f"/api/v1/rooms/{thing['id']}", headers=at(thing))
        assert (answer.status_code, said in answer.json()["detail"]) == (409, True), answer.text
    async with transaction(EVERYTHING) as tx:
        await tx.execute("update assets set stage = 'disposed'")
    assert (await bob.delete(f"/api/v1/rooms/{inner['id']}", headers=at(inner))).status_code == 204
    assert (await bob.delete(f"/api/v1/rooms/{outer['id']}")).status_code == 428
    assert (await bob.delete(f"/api/v1/rooms/{outer['id']}", headers=at(outer))).status_code == 204
    assert (await bob.get("/api/v1/rooms")).json()["total"] == 0
    assert (await bob.get("/api/v1/assets/QN-1")).status_code == 200


async def test_when_a_site_is_described_and_closed_then_it_says_so_with_its_reason(house: House) -> None:
    bob = await house.person("bob", Role.PROVINCE_IT)
    site = (await bob.get(f"/api/v1/sites/{OWN}")).json()
    said = {"address": "12 Hùng Vương", "phone": "0255 3822 000", "latitude": 15.12, "longitude": 108.8,
            "agency_code": "H48.30.1"}  # fmt: skip
    path = f"/api/v1/sites/{OWN}"
    done = await bob.patch(path, json=said, headers=at(site))
    assert done.json() == site | said | {"version": 2}
    closing = await bob.patch(path, json={"open": False}, headers=at(done.json()))
    assert (closing.status_code, named(closing)) == (400, ["closed_reason"])
    shut = await bob.patch(path, json={"open": False, "closed_reason": "Sửa trụ sở"}, headers=at(done.json()))
    assert (shut.json()["open"], shut.json()["closed_reason"]) == (False, "Sửa trụ sở")
    assert [s["code"] for s in (await bob.get("/api/v1/sites?open=false")).json()["items"]] == [OWN]
    again = await bob.patch(path, json={"open": True}, headers=at(shut.json()))
    assert (again.json()["open"], again.json()["closed_reason"]) == (True, "")
    for wrong in ({"latitude": 91}, {"kind": "school"}, {"name": ""}, {"unit": FOREIGN}, {"code": "X"}):
        answer = await bob.patch(path, json=wrong, headers=at(again.json()))
        assert (answer.status_code, named(answer)) == (400, list(wrong)), answer.text
    second = {"unit": OWN, "code": "TT2", "kind": "centre", "name": "Trung tâm 2"}
    assert (await bob.post("/api/v1/sites", json=second)).status_code == 409


async def test_when_a_unit_is_corrected_then_it_is_found_by_its_new_name(house: House) -> None:
    bob = await house.person("bob", Role.PROVINCE_IT)
    path = f"/api/v1/administrative-units/{OWN}"
    unit = await bob.get(path)
    done = await bob.patch(path, json={"name": "Phường Cẩm Thanh", "agency_code": "H48.1"}, headers=at(unit.json()))
    assert (done.status_code, done.headers["etag"], done.json()["agency_code"]) == (200, '"2"', "H48.1")
    assert (await bob.get("/api/v1/administrative-units?q=cẩm thanh")).json()["total"] == 1
    assert (await bob.patch(path, json={"name": "x"}, headers=at(unit.json()))).status_code == 412
    assert (await bob.get("/api/v1/administrative-units/99999")).status_code == 404


async def change(client: httpx2.AsyncClient, **said: Any) -> httpx2.Response:
    body = {"effective_on": DAY, "decision_number": "12/NQ-HĐND", "decided_on": "2025-06-20", **said}
    return await client.post("/api/v1/unit-changes", json=body)


async def units(client: httpx2.AsyncClient, day: str = "") -> list[str]:
    answer = await client.get("/api/v1/administrative-units", params={"as_of": day} if day else {})
    return [f"{row['code']} {row['name']}" for row in answer.json()["items"]]


async def under(client: httpx2.AsyncClient, day: str = "") -> dict[str, str]:
    answer = await client.get("/api/v1/sites", params={"as_of": day} if day else {})
    return {row["code"]: row["unit_name"] for row in answer.json()["items"]}


MERGE = {"kind": "merge", "predecessors": [OWN, FOREIGN], "successors": [
    {"code": "21025", "name": "Phường Quảng Ngãi", "kind": "ward"}]}  # fmt: skip


async def test_when_units_are_merged_then_a_report_of_before_uses_the_old_ones(house: House) -> None:
    bob = await house.person("bob", Role.PROVINCE_IT)
    done = await change(bob, **MERGE, issued_by="HĐND tỉnh", web_address="https://example.vn/12")
    assert done.status_code == 201, done.text
    assert [u["name"] for u in done.json()["predecessors"]] == ["Phường Cẩm Thành", "Phường Nghĩa Lộ"]
    assert done.json()["sites"] == [{"site": c, "unit_code": "21025"} for c in (OWN, FOREIGN)]
    before, after = ["21025 Phường Cẩm Thành", "21028 Phường Nghĩa Lộ"], ["21025 Phường Quảng Ngãi"]
    assert (await units(bob, "2025-12-31"), await units(bob, DAY), await units(bob)) == (before, after, after)
    assert await under(bob, "2025-12-31") == {OWN: "Phường Cẩm Thành", FOREIGN: "Phường Nghĩa Lộ"}
    assert await under(bob) == await under(bob, DAY) == dict.fromkeys((OWN, FOREIGN), "Phường Quảng Ngãi")
    assert await under(bob, "2025-06-30") == {}, "no site was open before 1 July 2025"
    gone = await bob.get(f"/api/v1/administrative-units/{FOREIGN}")
    assert (gone.json()["valid_from"], gone.json()["valid_to"]) == ("2025-07-01", DAY)
    old = await bob.get(f"/api/v1/administrative-units/{OWN}?as_of=2025-12-31")
    assert old.json()["name"] == "Phường Cẩm Thành"
    assert (await bob.get(f"/api/v1/administrative-units/{FOREIGN}?as_of={DAY}")).status_code == 404
    listed = (await bob.get(f"/api/v1/unit-changes?unit={FOREIGN}&q=cam thanh")).json()
    assert listed["items"] == [done.json()]
    path = f"/api/v1/unit-changes/{done.json()['id']}"
    edited = await bob.patch(path, json={"decision_number": "13/NQ-HĐND"}, headers=at(done.json()))
    assert edited.json() == done.json() | {"decision_number": "13/NQ-HĐND", "version": 2}
    files = await bob.get("/api/v1/exports/sites.csv?as_of=2025-12-31")
    assert ("Phường Nghĩa Lộ" in files.text, "Phường Quảng Ngãi" in files.text) == (True, False)


async def test_when_a_unit_is_split_then_each_of_its_sites_must_know_where_it_goes(house: House) -> None:
    bob = await house.person("bob", Role.PROVINCE_IT)
    store = {"unit": OWN, "code": "KHO", "kind": "store", "name": "Kho", "opened_on": "2025-09-01"}
    assert (await bob.post("/api/v1/sites", json=store)).status_code == 201
    split = {"kind": "split", "predecessors": [OWN], "successors": [
        {"code": OWN}, {"code": "29999", "name": "Xã Mới", "kind": "commune"}]}  # fmt: skip
    asked = await change(bob, **split, sites={OWN: OWN})
    assert (asked.status_code, named(asked)) == (400, ["sites.KHO"]), asked.text
    wrong = await change(bob, **split, sites={OWN: OWN, "KHO": "12345", FOREIGN: OWN})
    assert named(wrong) == ["sites.KHO", "sites.21028"]
    assert await units(bob) == ["21025 Phường Cẩm Thành", "21028 Phường Nghĩa Lộ"], "nothing half done"
    done = await change(bob, **split, sites={OWN: OWN, "KHO": "29999"})
    assert done.status_code == 201, done.text
    assert await under(bob) == {OWN: "Phường Cẩm Thành", FOREIGN: "Phường Nghĩa Lộ", "KHO": "Xã Mới"}
    assert (await under(bob, "2025-12-31"))["KHO"] == "Phường Cẩm Thành"


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"effective_on": "2025-07-01"}, "effective_on"), ({"effective_on": "0001-01-01", "decided_on": None}, "effective_on"),
        ({"effective_on": "2999-01-01"}, "effective_on"), ({"effective_on": "2026-02-30"}, "effective_on"),
        ({"decided_on": "2026-01-02"}, "decided_on"), ({"decided_on": "2999-01-01"}, "decided_on"),
        ({"decision_number": " "}, "decision_number"), ({"web_address": "javascript:alert(1)"}, "web_address"),
        ({"predecessors": [OWN]}, "predecessors"), ({"predecessors": [OWN, OWN]}, "predecessors"),
        ({"predecessors": [OWN, "99999"]}, "predecessors"), ({"kind": "explode"}, "kind"),
        ({"successors": [{"code": "29999"}]}, "successors"), ({"successors": [{"code": "2999"}]}, "successors"),
        ({"successors": []}, "successors"), ({"sites": {"KHO": OWN}}, "sites.KHO"),
        ({"successors": [{"code": OWN, "comes_from": [OWN]}]}, "successors"), ({"colour": 1}, "colour"),
    ],
)  # fmt: skip
async def test_when_a_change_cannot_be_then_it_is_refused_by_the_field_and_nothing_changes(
    house: House, said: dict[str, Any], field: str
) -> None:
    bob = await house.person("bob", Role.PROVINCE_IT)
    answer = await change(bob, **(MERGE | said))
    assert answer.status_code == 400, answer.text
    assert [name.split(".0")[0] for name in named(answer)] == [field]
    assert await units(bob) == ["21025 Phường Cẩm Thành", "21028 Phường Nghĩa Lộ"]
    assert (await bob.get("/api/v1/unit-changes")).json()["total"] == 0


async def test_when_a_unit_is_no_more_then_neither_it_nor_its_code_comes_back(house: House) -> None:
    bob = await house.person("bob", Role.PROVINCE_IT)
    assert (await change(bob, **MERGE)).status_code == 201
    for said in (
        {"kind": "rename", "predecessors": [FOREIGN], "successors": [{"code": FOREIGN, "name": "X"}]},
        {"kind": "new", "predecessors": [], "successors": [{"code": FOREIGN, "name": "X", "kind": "ward"}]},
    ):
        answer = await change(bob, **said, effective_on="2026-06-01")
        assert answer.status_code == 409, answer.text
    store = {"unit": FOREIGN, "code": "KHO", "kind": "store", "name": "Kho"}
    assert (await bob.post("/api/v1/sites", json=store)).status_code == 404
    late = await bob.post("/api/v1/sites", json={**store, "opened_on": "2025-12-01"})
    assert (late.status_code, late.json()["unit_code"]) == (201, OWN), "it opened there, and came along"
    assert (await under(bob, "2025-12-31"))["KHO"] == "Phường Nghĩa Lộ"


async def test_when_two_write_down_changes_of_one_unit_at_once_then_one_of_them_is_told(house: House) -> None:
    bob = await house.person("bob", Role.PROVINCE_IT)
    renaming = {"kind": "rename", "predecessors": [OWN], "successors": [{"code": OWN, "name": "Phường Mới"}]}
    new = {"unit": OWN, "kind": "store", "name": "Kho"}
    answers = await asyncio.gather(
        change(bob, **renaming), change(bob, **MERGE, effective_on=DAY),
        *(bob.post("/api/v1/sites", json={**new, "code": f"KHO-{n}"}) for n in range(4)),
    )  # fmt: skip
    assert sorted(answer.status_code for answer in answers[:2]) in ([201, 400], [201, 409])
    assert {answer.status_code for answer in answers[2:]} == {201}
    async with transaction(EVERYTHING) as tx:
        lost = await tx.fetch(
            "select s.code from sites s where not exists (select from site_units m join administrative_units u "
            "on u.id = m.unit and u.valid_to is null where m.site = s.id and m.valid_to is null and m.unit = s.unit)"
        )
    assert lost == [], "each site is under a unit that is in force, whoever was first"


async def test_when_a_change_is_ahead_then_it_takes_effect_on_its_day_and_not_before(house: House) -> None:
    bob = await house.person("bob", Role.PROVINCE_IT)
    today = clock.today()
    day = today + timedelta(days=40)
    renamed = {"kind": "rename", "predecessors": [OWN], "successors": [{"code": OWN, "name": "Phường Mới"}]}
    assert (await change(bob, **renamed, effective_on=day.isoformat())).status_code == 201
    assert (await under(bob))[OWN] == "Phường Cẩm Thành"
    assert (await under(bob, day.isoformat()))[OWN] == "Phường Mới"
    store = {"unit": OWN, "code": "KHO", "kind": "store", "name": "Kho"}
    assert (await bob.post("/api/v1/sites", json=store)).status_code == 201
    assert await changes.take_effect(day - timedelta(days=1)) == 0
    assert await changes.take_effect(day) == 2
    assert await changes.take_effect(day) == 0
    async with transaction(EVERYTHING) as tx:
        names = await tx.fetch("select distinct u.name from sites s join administrative_units u on u.id = s.unit "
                               "where s.code in ('21025', 'KHO')")  # fmt: skip
        told = await tx.fetch("select subject_name, request from audit_events where action = 'change_unit'")
    assert [row["name"] for row in names] == ["Phường Mới"]
    assert len(told) == 2


async def test_when_a_unit_becomes_another_then_its_people_keep_the_sites_that_they_had(house: House) -> None:
    bob = await house.person("bob", Role.PROVINCE_IT)
    alice = await house.person("alice", Role.CLERK, unit=OWN)
    carol = await house.person("carol", Role.CLERK, unit=FOREIGN)
    assert (await change(bob, **MERGE)).status_code == 201
    assert set(await under(alice)) == {OWN, FOREIGN}, "the unit goes on under this code, and has both sites now"
    assert set(await under(carol)) == {FOREIGN}, "the other unit is no more: what its people had stays theirs"
    dave = await house.person("dave", Role.CLERK, unit=OWN)
    assert set(await under(dave)) == {OWN, FOREIGN}
    refused = await (await house.person("root", Role.ADMINISTRATOR)).post(
        "/api/v1/users", json={"name": "eve", "role": "clerk", "unit": FOREIGN}
    )
    assert refused.status_code == 404


async def test_when_the_shipped_history_is_loaded_then_june_2025_has_the_old_units_by_name(house: House) -> None:
    bob = await house.person("bob", Role.PROVINCE_IT)
    assert await changes.load_origins(SYSTEM) == 2
    assert await changes.load_origins(SYSTEM) == 0
    old = (await bob.get("/api/v1/administrative-units?as_of=2025-06-30")).json()["items"]
    assert len(old) == 8
    assert {"Phường Trần Phú", "Xã Nghĩa Dõng"} & {u["name"] for u in old} == {"Phường Trần Phú"}
    assert {(u["code"], u["valid_to"], u["former_province"]) for u in old} == {("", "2025-07-01", "Quảng Ngãi")}
    found = (await bob.get("/api/v1/unit-changes?q=hong phong")).json()["items"]
    assert [(c["kind"], c["decision_number"], c["decided_on"], c["effective_on"]) for c in found] == [
        ("merge", "1677/NQ-UBTVQH15", "2025-06-16", "2025-07-01")
    ]
    assert "chưa đối chiếu" in found[0]["note"]
    assert await under(bob, "2025-06-30") == {}


async def test_when_a_site_is_asked_for_as_it_was_then_its_unit_is_the_one_of_that_day(house: House) -> None:
    bob = await house.person("bob", Role.PROVINCE_IT)
    moment = clock.now().isoformat()
    today = clock.today()
    new = changes.NewChange(
        Kind.RENAME, today + timedelta(days=1), "1/NQ", (changes.NewUnit(OWN, "Phường Mới"),), (OWN,)
    )
    await changes.record_change(SYSTEM, new, today=today)
    await changes.take_effect(today + timedelta(days=1))
    past = await bob.get(f"/api/v1/sites/{OWN}", params={"as_of": moment})
    assert (past.status_code, past.json()["unit_name"]) == (200, "Phường Cẩm Thành"), past.text
    assert date.fromisoformat(past.json()["opened_on"]) == date(2025, 7, 1)


async def test_when_a_room_is_named_at_registering_then_it_is_in_the_list(house: House) -> None:
    bob = await house.person("bob", Role.PROVINCE_IT)
    await asset("QN-1")
    async with transaction(EVERYTHING) as tx:
        model = await tx.fetchval("select id from asset_models")
    await inventory.register(SYSTEM, inventory.NewAsset("QN-2", model, OWN, room="Quầy 9"), now=clock.now())
    assert [r["name"] for r in (await bob.get("/api/v1/rooms?q=quay 9")).json()["items"]] == ["Quầy 9"]


# --- pages ------------------------------------------------------------------------------------------------------


async def test_when_somebody_edits_rooms_by_form_then_the_tree_shows_it_and_mistakes_keep_what_was_typed(
    house: House,
) -> None:
    bob = await house.person("bob", Role.PROVINCE_IT)
    path = f"/sites/{OWN}/rooms"
    assert "No room or counter" in (await bob.get(path)).text
    for name, kind, inside in (("Tầng 1", "floor", ""), ("Quầy 1", "counter", "Tầng 1"), ("Tủ", "cabinet", "Quầy 1")):
        done = await bob.post(path, data={"name": name, "kind": kind, "inside": inside})
        assert (done.status_code, done.headers["location"]) == (303, path), done.text
    rows = {row["name"]: row for row in (await bob.get(f"{path}.json")).json()["rooms"]}
    assert {name: (row["depth"], row["parent_name"]) for name, row in rows.items()} == {
        "Tầng 1": (0, None), "Quầy 1": (1, "Tầng 1"), "Tủ": (2, "Quầy 1"),
    }  # fmt: skip
    one = f"{path}/{rows['Tầng 1']['id']}"
    circle = await bob.post(f"{one}/edit", data={"name": "<b>x", "kind": "floor", "inside": "Tủ", "version": "1"})
    assert circle.status_code == 400
    assert ("cannot stand in itself" in circle.text, "&lt;b&gt;x" in circle.text, "<b>x" in circle.text) == (
        True, True, False,
    )  # fmt: skip
    full = await bob.post(f"{one}/remove", data={"version": "1"})
    assert (full.status_code, "Quầy 1" in full.text) == (409, True)
    stale = await bob.post(f"{one}/edit", data={"name": "Tầng 2", "kind": "floor", "inside": "", "version": "9"})
    assert (stale.status_code, "Somebody else" in stale.text) == (412, True)
    inner = f"{path}/{rows['Tủ']['id']}"
    assert (await bob.post(f"{inner}/edit", data={"name": "Tủ", "kind": "cabinet", "version": "1"})).status_code == 303
    assert (await bob.post(f"{inner}/remove", data={"version": "2"})).status_code == 303
    reader = await (await house.person("ivan", Role.CLERK, unit=OWN)).get(path)
    assert ("Quầy 1" in reader.text, "<form" in reader.text.split('id="main"')[1]) == (True, False)


async def test_when_a_site_is_edited_by_form_then_it_says_so_and_mistakes_are_named(house: House) -> None:
    bob = await house.person("bob", Role.PROVINCE_IT)
    form = {"version": "1", "name": "Trung tâm", "kind": "centre", "address": "1 Trần Phú", "phone": "", "open": "1",
            "agency_code": "H48", "latitude": "15,12", "longitude": "108.8", "closed_reason": ""}  # fmt: skip
    path = f"/sites/{OWN}/edit"
    for wrong, said in (
        ({"latitude": "x"}, "write a number"),
        ({"open": "0"}, "Say why"),
        ({"version": ""}, "Somebody"),
    ):
        answer = await bob.post(path, data=form | wrong)
        assert (answer.status_code in (400, 412), said in answer.text, "1 Trần Phú" in answer.text) == (
            True,
            True,
            True,
        )
    done = await bob.post(path, data=form)
    assert (done.status_code, done.headers["location"]) == (303, f"/sites/{OWN}")
    site = (await bob.get(f"/api/v1/sites/{OWN}")).json()
    assert (site["latitude"], site["longitude"], site["address"]) == (15.12, 108.8, "1 Trần Phú")
    assert "1 Trần Phú" in (await bob.get(path)).text


async def test_when_a_split_is_written_down_by_form_then_it_asks_where_each_site_goes(house: House) -> None:
    bob = await house.person("bob", Role.PROVINCE_IT)
    form = {"kind": "split", "effective_on": DAY, "decision_number": "5/NQ", "predecessors": OWN, "code_1": OWN,
            "code_2": "29999", "name_2": "Xã Mới", "kind_2": "commune"}  # fmt: skip
    asked = await bob.post("/unit-changes/new", data=form)
    assert (asked.status_code, f'name="site_{OWN}"' in asked.text, "Xã Mới" in asked.text) == (400, True, True)
    done = await bob.post("/unit-changes/new", data=form | {f"site_{OWN}": OWN})
    assert (done.status_code, done.headers["location"]) == (303, "/unit-changes")
    page = await bob.get("/units/29999")
    assert all(words in page.text for words in ("Xã Mới", "5/NQ", "Phường Cẩm Thành", "01/01/2026"))
    units_then = await bob.get("/units?as_of=2025-12-31&q=cam&kind=")
    assert ("Phường Cẩm Thành" in units_then.text, "31/12/2025" in units_then.text) == (True, True)
    assert "5/NQ" in (await bob.get("/unit-changes?q=xa moi")).text
    edited = await bob.post("/units/29999/edit", data={"version": "1", "name": "Xã Mới", "agency_code": "H48.9"})
    assert (edited.status_code, edited.headers["location"]) == (303, "/units/29999")
    empty = await bob.post("/units/29999/edit", data={"version": "2", "name": " "})
    assert (empty.status_code, "fill this in" in empty.text) == (400, True)
