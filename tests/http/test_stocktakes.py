"""Stocktakes from opening to the register put right: many hands, in any order, nothing twice, four eyes."""

from collections.abc import Mapping
from datetime import timedelta
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
from assets.migrations.m0031_joined_syllables import STATEMENTS as JOINED
from tests.conftest import House
from tests.papers import Paper
from tests.permission_world import tells_of

OWN, FOREIGN = "21025", "21028"
BASE = "/api/v1/stocktakes"


class Room:
    """A centre with four assets, two clerks who count and a director who approves."""

    def __init__(self, clerk: httpx2.AsyncClient, other: httpx2.AsyncClient, director: httpx2.AsyncClient) -> None:
        self.clerk, self.other, self.director, self.number = clerk, other, director, 0

    async def open(self, **more: Any) -> Any:
        answer = await self.clerk.post(BASE, json={"site": OWN, "title": "Cuối năm", **more})
        assert answer.status_code == 201, answer.text
        self.number = answer.json()["number"]
        return answer.json()

    async def scan(self, *tags: str, by: httpx2.AsyncClient | None = None, **more: Any) -> list[str]:
        scans = [{"id": str(new_id()), "tag": tag, **more} for tag in tags]
        return [row["heard"] for row in await self.send(scans, by)]

    async def send(self, scans: list[dict[str, Any]], by: httpx2.AsyncClient | None = None) -> Any:
        answer = await (by or self.clerk).post(f"{BASE}/{self.number}/scans", json={"scans": scans})
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def act(self, name: str, body: Any = None, by: httpx2.AsyncClient | None = None) -> httpx2.Response:
        return await (by or self.clerk).post(f"{BASE}/{self.number}/{name}", **({"json": body} if body else {}))

    async def items(self) -> Mapping[str, Any]:
        found = (await self.clerk.get(f"{BASE}/{self.number}/items")).json()["items"]
        return {item["tag"]: item for item in found}

    async def results(self) -> Mapping[str, str]:
        return {tag: item["result"] for tag, item in (await self.items()).items()}


@pytest.fixture
async def room(house: House) -> Room:
    await things.add_default_categories(SYSTEM)
    model = await things.add_model(SYSTEM, things.NewModel("printer", "Canon", "LBP 6230"))
    for tag, site, where in (("A-1", OWN, "Quầy 1"), ("A-2", OWN, "Quầy 1"), ("A-3", OWN, "Quầy 2"), ("A-4", OWN, ""),
                             ("B-1", FOREIGN, "")):  # fmt: skip
        new = inventory.NewAsset(tag, model, site, room=where, original_cost=12_000_000)
        await inventory.register(SYSTEM, new, now=clock.now() - timedelta(days=9))
    people = [
        await house.person(n, r, OWN) for n, r in (("lan", Role.CLERK), ("hoa", Role.CLERK), ("ba", Role.DIRECTOR))
    ]
    return Room(*people)


async def asset(tag: str) -> Any:
    async with transaction(EVERYTHING) as tx:
        return await tx.fetchrow(
            "select a.*, r.name as room_name from assets a left join rooms r on r.id = a.room where a.tag = $1", tag
        )


async def test_when_a_stocktake_is_searched_then_accents_count_also_in_those_from_before(room: Room) -> None:
    await room.open(title="Kiểm kê cuối-năm")
    async with transaction(EVERYTHING) as tx:
        await tx.execute("update stocktake_items set name = 'Máy quét' where tag = 'A-2'")
        await tx.execute("update stocktakes set search = 'kiem ke cuoi-nam'")
        for statement in (one for one in JOINED if "stocktake" in one):
            await tx.execute(statement)
    for q, found in (("kiểm kê năm", 1), ("kiem ke cuoi-nam", 1), ("kiểm kế", 0)):
        assert (await room.clerk.get(BASE, params={"q": q})).json()["total"] == found, q
    items = await room.clerk.get(f"{BASE}/{room.number}/items", params={"q": "máy quét"})
    assert [item["tag"] for item in items.json()["items"]] == ["A-2"]


async def test_from_opening_to_the_register_put_right(room: Room) -> None:
    opened = await room.open()
    assert (opened["state"], opened["expected"], opened["pending"]) == ("open", 4, 4)
    assert await room.scan("a-1", state="in_use", room="quầy 1") == ["found"]
    assert await room.scan("https://x.vn/t/A-2", state="broken", room="Quầy 3", by=room.other) == ["elsewhere"]
    assert await room.scan("B-1", "Z-9", "A-1") == ["elsewhere", "unknown", "duplicate"]
    assert (await room.act("close")).json()["state"] == "closed"
    assert await room.results() == {
        "A-1": "found", "A-2": "elsewhere", "A-3": "missing", "A-4": "missing", "B-1": "elsewhere", "Z-9": "unknown",
    }  # fmt: skip
    assert (await asset("A-3"))["stage"] == "in_use", "nothing changes before the approval"
    early = await room.act("approve", by=room.director)
    assert (early.status_code, early.json()["detail"]) == (409, "5 differences are not settled yet.")
    settled = [
        {"tag": "A-2", "settlement": "correct"}, {"tag": "A-3", "settlement": "lost", "note": "Mất khi dời trụ sở"},
        {"tag": "A-4", "settlement": "found_after", "state": "in_use"}, {"tag": "B-1", "settlement": "leave"},
        {"tag": "Z-9", "settlement": "register"},
    ]  # fmt: skip
    assert (await room.act("settle", {"settlements": settled})).json()["unsettled"] == 0
    done = await room.act("approve", by=room.director)
    assert (done.status_code, done.json()["state"], done.json()["approved_by"]) == (200, "approved", "Ba")
    assert (await asset("A-2"))["physical_state"] == "broken"
    assert (await asset("A-2"))["room_name"] == "Quầy 3"
    assert (await asset("A-3"))["stage"] == "lost"
    assert (await asset("A-4"))["stage"] == "in_use"
    assert (await asset("B-1"))["version"] == 1, "another commune's is not touched"
    async with transaction(EVERYTHING) as tx:
        request = done.headers["x-request-id"]
        batch = await tx.fetch(
            "select subject_name from audit_events where request = $1 and subject_kind = 'asset'", request
        )
        assert {row["subject_name"] for row in batch} >= {"A-1", "A-2", "A-3"}
    assert (await room.act("scans", {"scans": [{"id": str(new_id()), "tag": "A-1"}]})).status_code == 409


async def test_when_scans_come_late_twice_or_in_another_order_then_the_result_is_the_same(room: Room) -> None:
    await room.open()
    now = clock.now()
    scans = [
        {"id": str(new_id()), "tag": "A-1", "at": (now - timedelta(hours=2)).isoformat(), "room": "Quầy 1"},
        {"id": str(new_id()), "tag": "A-1", "at": (now - timedelta(hours=1)).isoformat(), "state": "broken"},
        {"id": str(new_id()), "tag": "A-2", "at": (now - timedelta(hours=3)).isoformat(), "room": "Kho"},
    ]
    first = await room.send(list(reversed(scans)))
    assert [(row["tag"], row["heard"]) for row in first] == [
        ("A-2", "elsewhere"), ("A-1", "duplicate"), ("A-1", "found"),
    ]  # fmt: skip
    before = await room.items()
    again = await room.send(scans, room.other)
    assert [row["heard"] for row in again] == ["found", "duplicate", "elsewhere"]
    assert await room.items() == before, "sent again they change nothing"
    assert (before["A-1"]["result"], before["A-1"]["counted_state"], before["A-1"]["scans"]) == ("found", "broken", 2)
    other = await room.clerk.post(f"{BASE}/{room.number}/scans", json={"scans": [{"id": scans[0]["id"], "tag": "A-3"}]})
    assert other.status_code == 409


async def test_when_a_thing_is_anothers_then_only_that_it_is_registered_is_told(room: Room) -> None:
    await room.open()
    answer = (await room.send([{"id": str(new_id()), "tag": "B-1"}]))[0]
    assert answer["heard"] == "elsewhere"
    assert (answer["item"]["registered_site"], answer["item"]["name"], answer["item"]["category"]) == (None, "", "")
    assert not tells_of(FOREIGN, str(answer))


async def test_whoever_counted_or_settled_cannot_approve(room: Room, house: House) -> None:
    await room.open()
    await room.scan("A-1", by=room.director)
    await room.scan("A-2", "A-3", "A-4")
    await room.act("close")
    refused = await room.act("approve", by=room.director)
    assert (refused.status_code, refused.json()["detail"]) == (
        409, "Somebody else must approve: who counted or settled cannot.",
    )  # fmt: skip
    assert (await room.act("approve", by=room.clerk)).status_code == 403
    accountant = await house.person("ke", Role.ACCOUNTANT, OWN)
    assert (await room.act("approve", by=accountant)).json()["state"] == "approved"


async def test_what_is_wrong_is_named_and_nothing_is_half_done(room: Room) -> None:
    await room.open()
    assert (await room.clerk.post(BASE, json={"site": OWN})).status_code == 409, "one at a time"
    assert (await room.clerk.post(BASE, json={"site": FOREIGN})).status_code == 404
    assert (await room.act("close")).status_code == 409
    ahead = (clock.now() + timedelta(hours=1)).isoformat()
    wrong = await room.act("scans", {"scans": [{"id": str(new_id()), "tag": "A-1"},
                                               {"id": str(new_id()), "tag": "A-2", "at": ahead}]})  # fmt: skip
    assert [error["field"] for error in wrong.json()["errors"]] == ["scans.1.at"]
    assert (await room.results())["A-1"] == "pending"
    await room.scan("A-1")
    await room.act("close")
    mixed = [{"tag": "A-2", "settlement": "lost", "note": "x"}, {"tag": "A-3", "settlement": "lost"},
             {"tag": "A-4", "settlement": "correct"}, {"tag": "Q", "settlement": "lost"}]  # fmt: skip
    refused = await room.act("settle", {"settlements": mixed})
    assert [error["field"] for error in refused.json()["errors"]] == [
        "settlements.1.note", "settlements.2.settlement", "settlements.3.tag",
    ]  # fmt: skip
    assert (await room.items())["A-2"]["settlement"] == ""


async def test_one_that_was_begun_by_mistake_is_cancelled_with_a_reason_until_something_is_settled(room: Room) -> None:
    await room.open()
    await room.scan("A-1", "A-2")
    assert (await room.act("cancel", {"reason": " "})).json()["errors"][0]["field"] == "reason"
    page = f"/stocktakes/{room.number}"
    empty = await room.clerk.post(f"{page}/cancel", data={"reason": ""})
    assert (empty.status_code, "Write why it is cancelled." in empty.text) == (400, True)
    assert (await room.clerk.post(f"{page}/cancel", data={"reason": "Mở nhầm <đợt>"})).status_code == 303
    shown = (await room.clerk.get(page)).text
    assert "Mở nhầm &lt;đợt&gt;" in shown
    assert 'action="/stocktakes' not in shown  # nothing can be done with it any more
    for act, body in (
        ("close", None),
        ("cancel", {"reason": "x"}),
        ("scans", {"scans": [{"id": str(new_id()), "tag": "A-3"}]}),
    ):
        assert (await room.act(act, body)).status_code == 409
    assert (await asset("A-1"))["version"] == 1
    async with transaction(EVERYTHING) as tx:
        told = await tx.fetchrow("select * from audit_events where subject_kind = 'stocktake' and action = 'cancel'")
    assert (told["actor_name"], told["reason"]) == ("Lan", "Mở nhầm <đợt>")
    await room.open()  # the site can be counted anew
    await room.scan("A-1", "A-2", "A-3")
    await room.act("close")
    await room.act("settle", {"settlements": [{"tag": "A-4", "settlement": "found_after"}]})
    late = await room.act("cancel", {"reason": "Thôi"})
    assert (late.status_code, late.json()["state"]) == (409, "closed")


async def test_a_list_as_of_an_earlier_moment_is_the_register_of_that_moment(room: Room) -> None:
    moment = clock.now()
    await inventory.move_stage(SYSTEM, "A-1", inventory.Stage.LOST, why="x", now=clock.now())
    async with transaction(EVERYTHING) as tx:
        model: UUID = await tx.fetchval("select id from asset_models")
    await inventory.register(SYSTEM, inventory.NewAsset("A-5", model, OWN), now=clock.now())
    await room.open(as_of=moment.isoformat())
    assert {tag: item["stage"] for tag, item in (await room.items()).items()} == dict.fromkeys(
        ("A-1", "A-2", "A-3", "A-4"), "in_use"
    )
    ahead = await room.clerk.post(BASE, json={"site": FOREIGN, "as_of": (moment + timedelta(days=1)).isoformat()})
    assert ahead.status_code in (400, 404)


async def test_the_minutes_say_what_was_there_and_how_many(room: Room) -> None:
    await room.open(form_number="Mẫu số 01", members="Ông A – Trưởng ban\nBà B – Thư ký")
    await room.scan("A-1", "A-2", "Z-9", state="in_use")
    paper = Paper((await room.clerk.get(f"{BASE}/{room.number}/minutes.pdf")).content)
    assert paper.size() == (297.0, 210.0)
    text = " ".join(paper.text(page) for page in range(len(paper)))
    for said in ("CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", "BIÊN BẢN KIỂM KÊ TÀI SẢN", "Mẫu số 01", "Ông A – Trưởng ban",
                 "DỰ THẢO", "48.000.000", "24.000.000", "−24.000.000", "A-4", "Z-9"):  # fmt: skip
        assert said in text, said
    blank = await room.clerk.patch(f"{BASE}/{room.number}", json={"form_number": ""}, headers={"If-Match": '"1"'})
    assert blank.json()["form_number"] == ""


async def test_the_page_counts_without_a_script_and_keeps_the_room(room: Room) -> None:
    nowhere = await room.clerk.post("/stocktakes/new", data={"site": "", "title": "Trên điện thoại"})
    assert (nowhere.status_code, 'value="Trên điện thoại"' in nowhere.text) == (400, True)
    page = await room.clerk.post("/stocktakes/new", data={"site": OWN, "title": "Trên điện thoại"})
    path = page.headers["location"]
    counted = await room.clerk.post(
        f"{path}/scans", data={"tag": "A-1", "room": "Quầy 1", "state": "in_use", "key": str(new_id())}
    )
    assert counted.headers["location"] == f"{path}?scanned=A-1&room=Qu%E1%BA%A7y+1"
    shown = (await room.clerk.get(counted.headers["location"])).text
    assert 'value="Quầy 1"' in shown
    assert "1 of 4 expected assets seen" in shown
    assert (await room.clerk.post(f"{path}/close", data={})).status_code == 303
    wrong = await room.clerk.post(f"{path}/settle", data={"tag": "A-2", "settlement": "lost"})
    assert (wrong.status_code, "Write why." in wrong.text) == (400, True)
    for tag in ("A-2", "A-3", "A-4"):
        form = {"tag": tag, "settlement": "accounted", "note": "Đang sửa"}
        assert (await room.clerk.post(f"{path}/settle", data=form)).status_code == 303
    assert (await room.director.post(f"{path}/approve", data={})).status_code == 303
    assert "Approved" in (await room.clerk.get(path)).text
    assert (await room.clerk.get("/stocktakes")).text.count("Trên điện thoại") == 1
