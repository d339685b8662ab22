"""What an attacker tried and got: each of these once worked."""

import time
from datetime import timedelta

import pytest

from assets import clock, db
from assets.access import service as access
from assets.access import sessions, throttle
from assets.access.actor import SYSTEM
from assets.access.permissions import Role
from assets.access.service import NewGrant, NewUser
from assets.access.sessions import Visit
from assets.errors import NotSignedIn, TooMany
from assets.ids import new_id
from assets.monitoring import credentials
from assets.probing.contract import Community
from assets.text import clean, clean_block
from tests.conftest import House
from tests.permission_world import FOREIGN, build

PASSWORD = "hop-giay-con-meo-xanh"


def test_when_a_letter_carries_a_hundred_thousand_marks_then_it_is_cleaned_at_once() -> None:
    hostile = "a" + "\u0315\u0300" * 100_000
    began = time.process_time()
    assert len(clean(hostile, 60)) == 60
    assert len(clean_block(hostile, 2_000)) == 2_000
    assert time.process_time() - began < 1  # it was hours
    assert clean("Nguye\u0302\u0303n Thi\u0323 U\u031b\u0301ng" * 3, 60) == ("Nguyễn Thị Ứng" * 3)[:60]


async def test_when_json_has_a_long_name_above_many_parts_then_it_costs_no_more_than_itself(house: House) -> None:
    import tracemalloc

    clerk = await house.person("lan", Role.CLERK, "21025")
    parts = ",".join(['""'] * 20_000)
    body = f'{{"{"k" * 100_000}": [{parts}]}}'
    tracemalloc.start()
    answer = await clerk.post("/api/v1/declarations", content=body, headers={"Content-Type": "application/json"})
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert answer.status_code == 400
    assert peak < 50_000_000  # it was two gigabytes
    assert len(answer.text) < 5_000


@pytest.mark.parametrize("role", [Role.ON_CALL, Role.SERVICE])
async def test_when_a_role_may_not_see_requests_then_no_page_tells_of_them(house: House, role: Role) -> None:
    await build(house)
    one = await house.person("one", role, "21025")
    assert (await one.get("/sites/21025.json")).json()["requests"] == []
    assert (await one.get("/index.json")).json()["requests"] == 0
    approver = await house.person("approver", Role.APPROVER)
    shown = (await approver.get("/sites/21025.json")).json()["requests"]
    assert {row["state"] for row in shown} == {"submitted", "returned", "approved", "in_fulfilment", "fulfilled"}
    assert (await approver.get("/equipment-requests.json")).json()["counts"]["draft"] == 0


async def test_when_somebody_asks_here_and_decides_everywhere_then_foreign_drafts_stay_hidden(house: House) -> None:
    world = await build(house)
    both = await house.person("both", Role.CLERK, "21025")
    await access.give_grant(SYSTEM, "both", NewGrant(Role.APPROVER), now=clock.now())
    base = "/api/v1/equipment-requests"
    assert (await both.get(f"{base}/{world.own.requests['draft']}")).status_code == 200
    assert (await both.get(f"{base}/{world.foreign.requests['draft']}")).status_code == 404
    assert (await both.get(f"{base}/{world.foreign.requests['submitted']}")).status_code == 200
    drafts = (await both.get(base, params={"state": "draft"})).json()["items"]
    assert [row["site"] for row in drafts] == ["21025"]


async def test_when_the_rights_are_other_ones_now_then_an_earlier_answer_is_not_repeated(house: House) -> None:
    root, eng = await house.person("root", Role.ADMINISTRATOR), await house.person("eng", Role.PROVINCE_IT)
    said = {"url": "/api/v1/links", "json": {"tag": "L-9", "site": FOREIGN, "kind": "fibre", "carrier": "VNPT"}}
    key = {"Idempotency-Key": "once"}
    assert (await eng.post(**said, headers=key)).status_code == 201
    assert (await eng.post(**said, headers=key)).headers["idempotency-replayed"] == "true"
    limits = {"user": "eng", "actions": ["view", "edit_inventory"], "sites": ["21025"]}
    token = (await root.post("/api/v1/tokens", json=limits)).json()["token"]
    limited = house.client(Authorization=f"Bearer {token}")
    assert (await limited.post(**said, headers=key)).status_code == 409
    assert (await limited.post(**said)).status_code == 404


async def tried(house: House, address: str, names: range, password: str = "x") -> list[str]:
    found = []
    for n in names:
        try:
            await sessions.sign_in(f"n{n}", password, Visit(address), vault=house.parts.vault, now=clock.now())
            found.append("in")
        except (NotSignedIn, TooMany) as error:
            found.append(type(error).__name__)
    return found


async def test_when_addresses_are_of_one_network_then_they_are_one_place(house: House) -> None:
    refused = [(await tried(house, f"2001:db8:1:2::{n:x}", range(n, n + 1)))[0] for n in range(1, 104)]
    assert refused == ["NotSignedIn"] * 100 + ["TooMany"] * 3


async def test_when_an_office_signs_in_all_morning_then_right_passwords_close_no_door(house: House) -> None:
    await access.add_user(SYSTEM, NewUser("lan", Role.CLERK, PASSWORD, unit="21025", must_change=False))
    vault, now = house.parts.vault, clock.now()
    for _ in range(105):
        entered = await sessions.sign_in("lan", PASSWORD, Visit("10.0.0.1"), vault=vault, now=now)
    await tried(house, "10.0.0.1", range(101))
    with pytest.raises(TooMany):
        await sessions.sign_in("lan", PASSWORD, Visit("10.0.0.1"), vault=vault, now=now)
    known = Visit("10.0.0.1", device=entered.device)
    assert (await sessions.sign_in("lan", PASSWORD, known, vault=vault, now=now)).actor.login == "lan"


async def test_when_codes_are_guessed_then_the_owner_can_still_change_the_password(house: House) -> None:
    await access.add_user(SYSTEM, NewUser("lan", Role.CLERK, PASSWORD, unit="21025", must_change=False))
    entered = await sessions.sign_in("lan", PASSWORD, Visit(), vault=house.parts.vault, now=clock.now())
    holder = await sessions.holder_of(entered.cookie, origin="", second_factor=True, now=clock.now())
    assert holder is not None
    for _ in range(6):
        await throttle.knock([throttle.by_code(holder.user)], clock.now())
    await sessions.change_password(holder, "bon con vit qua song", old=PASSWORD, now=clock.now())


async def test_when_a_password_is_given_anew_then_tokens_that_an_intruder_made_are_dead(house: House) -> None:
    root, lan = await house.person("root", Role.ADMINISTRATOR), await house.person("lan", Role.CLERK, "21025")
    assert (await lan.get("/api/v1/me")).status_code == 200
    await root.post("/api/v1/users/lan/initial-password")
    assert (await lan.get("/api/v1/me")).status_code == 401
    other = await house.person("ba", Role.CLERK, "21025")
    for active in (False, True):
        version = (await root.get("/api/v1/users/ba")).headers["etag"]
        await root.patch("/api/v1/users/ba", json={"active": active}, headers={"If-Match": version})
    assert (await other.get("/api/v1/me")).status_code == 401


async def test_when_a_grant_would_end_in_the_year_9999_then_it_is_refused_and_the_page_lives(house: House) -> None:
    root = await house.person("root", Role.ADMINISTRATOR)
    for year in ("9999-12-31T23:59:59Z", "2101-01-01T00:00:00Z"):
        answer = await root.post(
            "/api/v1/users", json={"name": "lan", "role": "clerk", "unit": "21025", "ends_at": year}
        )
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "ends_at")
    soon = (clock.now() + timedelta(days=3)).isoformat()
    await root.post("/api/v1/users", json={"name": "lan", "role": "clerk", "unit": "21025", "ends_at": soon})
    assert (await root.get("/people/lan")).status_code == 200


async def test_when_a_token_is_limited_to_a_site_then_it_does_not_read_its_owners_account(house: House) -> None:
    root = await house.person("root", Role.ADMINISTRATOR)
    token = (await root.post("/api/v1/tokens", json={"user": "root", "sites": ["21025"]})).json()["token"]
    limited = house.client(Authorization=f"Bearer {token}")
    assert (await limited.get("/account.json")).status_code == 403
    assert (await limited.get("/api/v1/me")).json()["sites"] == ["21025"]


async def test_when_an_asset_leaves_a_store_then_the_trails_of_both_sites_say_so(house: House) -> None:
    world = await build(house)
    keeper = await house.person("keeper", Role.STOREKEEPER)
    ref = world.own.requests["approved"]
    given = await keeper.post(f"/api/v1/equipment-requests/{ref}/fulfil", json={"assets": {"1": [world.foreign.spare]}})
    assert given.status_code == 200, given.text
    for unit in ("21025", FOREIGN):
        inspector = await house.person(f"i{unit}", Role.INSPECTOR, unit)
        seen = await inspector.get(
            "/api/v1/audit-events", params={"action": "hand_out", "subject_name": world.foreign.spare}
        )
        assert seen.json()["total"] == 1, unit


async def test_when_steps_are_taken_together_then_what_stands_between_them_has_no_scope(house: House) -> None:
    async with db.together() as outer:
        async with db.transaction(db.EVERYTHING) as tx:
            assert await tx.fetchval("select count(*) from sites") == 2
        assert await outer.fetchval("select count(*) from sites") == 0


async def test_when_a_tag_is_used_elsewhere_then_the_refusal_is_the_one_for_a_tag_of_ones_own(house: House) -> None:
    world = await build(house)
    keeper = await house.person("keeper", Role.STOREKEEPER, "21025")
    new = {"model": str(world.model), "site": "21025"}
    for path, tags, more in (
        ("/api/v1/assets", (world.own.asset, world.foreign.asset), new),
        ("/api/v1/links", (world.own.link, world.foreign.link), {"site": "21025", "kind": "fibre", "carrier": "c"}),
    ):
        said = [(await keeper.post(path, json={**more, "tag": tag})) for tag in tags]
        assert [answer.status_code for answer in said] == [409, 409]
        assert said[0].json()["detail"].replace(tags[0], "T") == said[1].json()["detail"].replace(tags[1], "T")


async def test_when_a_device_is_asked_with_a_credential_of_the_province_then_only_the_province_says_where(
    house: House,
) -> None:
    world = await build(house)
    credential = new_id()
    await credentials.add_credential(SYSTEM, "v2c", Community(id=credential, community="word"), vault=house.parts.vault)
    async with db.transaction(db.EVERYTHING) as tx:
        await tx.execute("update targets set credential = $1", credential)
    near, whole = await house.person("near", Role.PROVINCE_IT, "21025"), await house.person("whole", Role.PROVINCE_IT)
    path, version = f"/api/v1/targets/{world.own.target}", {"If-Match": '"1"'}
    assert (await near.patch(path, json={"address": "203.0.113.9"}, headers=version)).status_code == 403
    assert (await near.patch(path, json={"confirm": 3}, headers=version)).status_code == 200
    assert (await whole.patch(path, json={"address": "10.0.0.9"}, headers={"If-Match": '"2"'})).status_code == 200
    lent = {"address": "203.0.113.9", "method": "snmp", "link": world.own.link, "credential": str(credential)}
    assert (await near.post("/api/v1/targets", json=lent)).status_code == 403
