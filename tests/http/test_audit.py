"""The audit trail over HTTP: heads for collectors, the list and its page, and the past as it was."""

import json
import random
from datetime import date, datetime, timedelta
from typing import Any

import httpx2
import pytest

from assets import clock, db
from assets.access.actor import SYSTEM
from assets.access.permissions import Role
from assets.audit import sealer
from assets.audit.wording import told
from assets.db import EVERYTHING, transaction
from assets.errors import Conflict
from assets.ids import new_id
from assets.inventory import service as inventory
from assets.inventory import things
from assets.inventory.lifecycle import PhysicalState, Stage, Told, inputs
from assets.places import service as places
from assets.probing.contract import AuditHead
from tests.conftest import House
from tests.http.test_contract import asset, narrow


async def test_when_a_collector_posts_then_it_is_told_the_newest_seal(house: House) -> None:
    collector = await house.collector()
    batch = {"buffer_id": str(new_id()), "sent_at": clock.now().isoformat(), "observations": []}
    assert (await collector.post("/api/v1/observations", json=batch)).json()["audit_head"] is None
    await sealer.seal(since=sealer.EVER, now=clock.now())
    async with transaction(EVERYTHING) as tx:
        head = await sealer.newest(tx)
    told = (await collector.post("/api/v1/observations", json=batch)).json()["audit_head"]
    assert AuditHead.model_validate(told) == head


# --- the list ---------------------------------------------------------------------------------------------------


async def listed(client: httpx2.AsyncClient, path: str = "/api/v1/audit-events", **asked: Any) -> Any:
    answer = await client.get(path, params=asked)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_when_events_are_asked_for_by_subject_request_or_time_then_only_those_come(house: House) -> None:
    admin = await house.person("root", Role.ADMINISTRATOR)
    made = await asset()
    before = clock.now()
    edited = await admin.patch("/api/v1/assets/QN-1", json={"note": "x"}, headers={"If-Match": '"1"'})
    of_asset = await listed(admin, subject=str(made))
    assert [event["action"] for event in of_asset["items"]] == ["edit", "register"]
    assert [e["action"] for e in (await listed(admin, subject=str(made), at__gte=before.isoformat()))["items"]] == [
        "edit"
    ]
    same = await listed(admin, request=edited.headers["x-request-id"])
    assert [event["request"] for event in same["items"]] == [edited.headers["x-request-id"]]
    assert same["items"][0]["before"] == {"note": "", "version": 1}
    assert (await admin.get("/api/v1/audit-events", params={"subject": "nonsense"})).status_code == 400


async def test_when_the_page_is_opened_then_it_shows_what_changed_in_words_and_how_far_it_is_sealed(
    house: House,
) -> None:
    ivan = await house.person("ivan", Role.INSPECTOR)
    made = await asset()
    await inventory.move_stage(SYSTEM, "QN-1", Stage.IN_REPAIR, why="<b>Kẹt</b>", now=clock.now())
    await inventory.edit(SYSTEM, "QN-1", {"original_cost": 12_000_000}, version=2, now=clock.now())
    empty = (await ivan.get("/audit?q=nothing-like-this")).text
    assert "No entry fits." in empty
    assert "Nothing has been sealed yet." in empty
    await sealer.seal(since=sealer.EVER, now=clock.now())
    page = (await ivan.get("/audit", params={"subject": str(made), "actor_name": "", "at__gte": "", "q": ""})).text
    assert "In use" in page
    assert "Under repair" in page
    assert "12,000,000" in page
    assert "&lt;b&gt;Kẹt&lt;/b&gt;" in page
    assert "Sealed up to number" in page
    assert page.count("<tr>") == 4  # the head and three events
    data = await listed(ivan, "/audit.json", subject=str(made))
    assert data["seal"]["number"] > 3
    assert data["total"] == 3
    registered = data["items"][-1]
    assert data["names"][registered["after"]["model"]] == "Canon L1"


async def test_when_there_are_more_than_fifty_then_the_next_page_keeps_the_filters(house: House) -> None:
    ivan = await house.person("ivan", Role.INSPECTOR)
    day = clock.today().isoformat()
    await asset()
    for number in range(55):
        await inventory.edit(SYSTEM, "QN-1", {"note": str(number)}, version=number + 1, now=clock.now())
    page = (await ivan.get("/audit", params={"subject_kind": "asset", "at__gte": day})).text
    assert page.count("<tr>") == 51
    following = page.split('class="pages"')[1].split('href="')[1].split('"')[0].replace("&amp;", "&")
    assert "subject_kind=asset" in following
    rest = await ivan.get(following)
    assert rest.status_code == 200
    assert rest.text.count("<tr>") == 7


async def test_when_somebody_may_not_view_the_audit_log_then_there_is_no_way_to_it(house: House) -> None:
    bob, inspector = await house.person("bob", Role.PROVINCE_IT), await house.person("ivan", Role.INSPECTOR)
    assert (await bob.get("/audit")).status_code == 403
    assert (await bob.get("/audit.json")).status_code == 403
    assert 'href="/audit' not in (await bob.get("/")).text
    assert 'href="/audit' in (await inspector.get("/")).text
    assert (await house.client().get("/audit.json")).status_code == 401


async def test_when_an_inspector_has_one_commune_then_the_trail_of_others_stays_hidden(house: House) -> None:
    local = await narrow(house, "local", Role.INSPECTOR)
    await asset("QN-1", "21025")
    await asset("QN-2", "21028")
    data = await listed(local, "/audit.json", limit=500)
    assert {event["subject_name"] for event in data["items"] if event["subject_kind"] == "asset"} == {"QN-1"}
    assert not {"QN-2"} & set(data["names"].values())


def test_an_event_is_told_in_words_and_numbers_of_the_language() -> None:
    site = str(new_id())
    before = {
        "stage": "in_stock",
        "site": site,
        "put_into_use": None,
        "original_cost": 5000,
        "version": 1,
        "x_y": [1, 2],
    }
    after = {
        "stage": "in_use",
        "site": None,
        "put_into_use": "2026-11-01",
        "original_cost": 7500.5,
        "version": 2,
        "x_y": {},
    }
    rows = {row.field: (row.before, row.after) for row in told("asset", before, after, {site: "Kho"}, "vi")}
    assert rows["Tình trạng sử dụng"] == ("Trong kho", "Đang sử dụng")
    assert ("Kho", "–") in rows.values()
    assert ("–", "01/11/2026") in rows.values()
    assert ("1, 2", "") in rows.values()
    assert not any("version" in field for field in rows)


# --- as of ------------------------------------------------------------------------------------------------------


async def move(tag: str, to: str) -> None:
    """Hand an asset out of stock to another site, as a fulfilled request does."""
    async with transaction(EVERYTHING) as tx:
        row = await tx.fetchrow("select id, stage from assets where tag = $1", tag)
        site = await tx.fetchval("select id from sites where code = $1", to)
        await inventory.hand_out(tx, SYSTEM, asset=row["id"], to_site=site, why="for a test", now=clock.now())


STAGES = (Stage.IN_STOCK, Stage.IN_USE, Stage.IN_REPAIR, Stage.LOANED)  # from each of them there is a way on


async def any_verb(chance: random.Random) -> None:
    """One random change of the asset QN-1 or of its site; what the rules refuse is no change."""
    async with transaction(EVERYTHING) as tx:
        version = await tx.fetchval("select version from assets where tag = 'QN-1'")
    choice = chance.randrange(4)
    try:
        if choice == 0:
            fields = {"note": "n", "custodian": "Bà A", "serial": "S", "name": "Máy in"}
            changes = {name: f"{text}{chance.random()}" for name, text in fields.items() if chance.random() < 0.5}
            more = {"physical_state": chance.choice(list(PhysicalState)), "original_cost": chance.randrange(10**9)}
            await inventory.edit(SYSTEM, "QN-1", {**changes, **more}, version=version, now=clock.now())
        elif choice == 1:
            now, wanted = clock.now(), chance.choice(STAGES)
            asked = {"reason": "r", "borrower": "b", "due_back": now.date() + timedelta(days=chance.randrange(2, 9))}
            said = Told(**{name: asked[name] for name in inputs(wanted).required})
            await inventory.move_stage(SYSTEM, "QN-1", wanted, told=said, now=now)
        elif choice == 2:
            await move("QN-1", chance.choice(["21025", "21028"]))
        else:
            day = date(2026, 1, chance.randrange(1, 5))
            await places.count_heads(SYSTEM, "21025", chance.randrange(100), as_of=day)
    except Conflict:
        return


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_was_done_to_it_a_thing_as_of_a_moment_is_what_it_was_then(house: House, seed: int) -> None:
    admin = await house.person("root", Role.ADMINISTRATOR)
    chance = random.Random(seed)
    new = await asset()
    assert new
    pictures = []
    for _ in range(60):
        await any_verb(chance)
        pictures.append(await picture(admin))
    for moment, paths in pictures:
        for path, seen in paths.items():
            assert (await admin.get(path, params={"as_of": moment.isoformat()})).json() == seen, (moment, path)
    assert len({json.dumps(paths) for _, paths in pictures}) > 20


async def picture(admin: httpx2.AsyncClient) -> tuple[datetime, dict[str, Any]]:
    paths = {path: (await admin.get(path)).json() for path in ("/api/v1/assets/QN-1", "/api/v1/sites/21025")}
    return clock.now(), paths


async def test_when_a_thing_did_not_exist_yet_then_it_is_not_found(house: House) -> None:
    admin = await house.person("root", Role.ADMINISTRATOR)
    early = clock.now()
    await asset()
    assert (await admin.get("/api/v1/assets/QN-1", params={"as_of": early.isoformat()})).status_code == 404
    assert (await admin.get("/api/v1/assets/QN-9", params={"as_of": early.isoformat()})).status_code == 404
    assert (await admin.get("/api/v1/sites/21025", params={"as_of": early.isoformat()})).status_code == 200
    assert (await admin.get("/api/v1/sites/21025", params={"as_of": "2020-01-01T00:00:00Z"})).status_code == 404


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "\0", "9" * 39])
async def test_when_as_of_is_no_moment_then_it_is_named(house: House, text: str) -> None:
    admin = await house.person("root", Role.ADMINISTRATOR)
    await asset()
    for path in ("/api/v1/assets/QN-1", "/api/v1/sites/21025"):
        answer = await admin.get(path, params={"as_of": text})
        assert answer.status_code == 400
        assert [error["field"] for error in answer.json()["errors"]] == ["as_of"]


async def test_when_an_asset_stood_elsewhere_then_it_is_seen_by_whose_site_it_was_at_and_by_nobody_else(
    house: House,
) -> None:
    charlie = await house.person("charlie", Role.CLERK, "21025")
    alice = await house.person("alice", Role.CLERK, "21028")
    await things.add_default_categories(SYSTEM)
    model = await things.add_model(SYSTEM, things.NewModel(category="printer", manufacturer="Canon", name="L1"))
    new = inventory.NewAsset(tag="QN-1", model=model, site="21025", stage=Stage.IN_STOCK)
    await inventory.register(SYSTEM, new, now=clock.now())
    at_21025 = clock.now().isoformat()
    await move("QN-1", "21028")
    at_21028 = clock.now().isoformat()

    async def seen(client: httpx2.AsyncClient, moment: str) -> int:
        return (await client.get("/api/v1/assets/QN-1", params={"as_of": moment})).status_code

    assert (await seen(charlie, at_21025), await seen(charlie, at_21028)) == (200, 404)
    assert (await seen(alice, at_21025), await seen(alice, at_21028)) == (404, 200)
    assert (await charlie.get("/api/v1/sites/21028", params={"as_of": at_21028})).status_code == 404


async def test_when_a_day_is_chosen_on_the_page_of_an_asset_then_the_register_of_that_day_is_shown(
    house: House,
) -> None:
    ivan = await house.person("ivan", Role.INSPECTOR)
    made = await asset()
    async with transaction(EVERYTHING) as tx, db.as_owner(tx):
        await tx.execute("update assets set created_at = created_at - interval '9 days'")
        await tx.execute("update audit_events set at = at - interval '9 days'")
    await inventory.edit(SYSTEM, "QN-1", {"custodian": "Bà Hằng"}, version=1, now=clock.now())
    today = clock.now().astimezone(clock.LOCAL_ZONE).date()
    page = (await ivan.get("/assets/QN-1")).text
    assert f'href="/audit?subject={made}"' in page
    assert 'action="/assets/QN-1/as-of"' in page
    then = (await ivan.get("/assets/QN-1/as-of", params={"day": (today - timedelta(days=2)).isoformat()})).text
    now = (await ivan.get("/assets/QN-1/as-of", params={"day": today.isoformat()})).text
    assert "Bà Hằng" not in then
    assert "Bà Hằng" in now
    twin = await listed(ivan, "/assets/QN-1/as-of.json", day=today.isoformat())
    assert twin["asset"]["custodian"] == "Bà Hằng"
    assert (await ivan.get("/assets/QN-1/as-of", params={"day": "2020-01-01"})).status_code == 404
    assert (await ivan.get("/assets/QN-1/as-of", params={"day": "x"})).status_code == 400
    assert (await ivan.get("/assets/QN-1/as-of.json", params={"day": "9999-12-31"})).status_code in (200, 400)
