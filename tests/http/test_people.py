"""People over the API and on pages: who manages them, what a grant covers, and who must never lock themselves out."""

import re
from datetime import timedelta

import pytest

from assets import clock, db
from assets.access.actor import SYSTEM
from assets.access.permissions import REACH, Reach, Role
from assets.places import service as places
from tests.conftest import House

REFUSED = [(role, reach) for role in Role for reach in Reach if reach not in REACH[role]]


@pytest.mark.parametrize(("role", "reach"), REFUSED)
async def test_when_a_role_cannot_cover_something_then_the_grant_is_refused_and_says_where(
    house: House, role: Role, reach: Reach
) -> None:
    root = await house.person("root", Role.ADMINISTRATOR)
    place = {Reach.PROVINCE: {}, Reach.UNIT: {"unit": "21025"}, Reach.SITE: {"site": "21025"}}[reach]
    answer = await root.post("/api/v1/users", json={"name": "x", "role": role, **place})
    assert answer.status_code == 400, answer.text
    assert {e["field"] for e in answer.json()["errors"]} <= {"unit", "role", "site"}


async def test_when_a_grant_is_for_one_site_then_the_other_sites_of_its_unit_stay_foreign(house: House) -> None:
    root = await house.person("root", Role.ADMINISTRATOR)
    await places.create_site(SYSTEM, unit="21025", code="KHO-1", kind="store", name="Kho Cẩm Thành")
    added = await root.post("/api/v1/users", json={"name": "kho", "role": "storekeeper", "site": "KHO-1"})
    assert added.status_code == 201, added.text
    [grant] = added.json()["grants"]
    assert (grant["reach"], grant["site"], grant["unit"]) == ("site", "KHO-1", None)
    token = (await root.post("/api/v1/tokens", json={"user": "kho"})).json()["token"]
    keeper = house.client(Authorization=f"Bearer {token}")
    assert [s["code"] for s in (await keeper.get("/api/v1/sites")).json()["items"]] == ["KHO-1"]
    assert (await keeper.get("/api/v1/sites/21025")).status_code == 404


async def test_when_roles_hold_at_different_places_then_none_lends_its_place_to_another(house: House) -> None:
    root = await house.person("root", Role.ADMINISTRATOR)
    both = await house.person("both", Role.STOREKEEPER, "21025")
    await root.post("/api/v1/users/both/grants", json={"role": "inspector"})
    assert (await both.get("/api/v1/sites")).json()["total"] == 2  # looks everywhere
    wish = {"kind": "fibre", "carrier": "VNPT"}
    assert (await both.post("/api/v1/links", json={**wish, "tag": "L-1", "site": "21025"})).status_code == 201
    assert (await both.post("/api/v1/links", json={**wish, "tag": "L-2", "site": "21028"})).status_code == 404
    assert (await both.post("/api/v1/applications", json={"code": "a", "name": "A"})).status_code == 403


async def test_when_a_person_is_edited_then_if_match_decides_and_the_change_is_on_record(house: House) -> None:
    root = await house.person("root", Role.ADMINISTRATOR)
    await house.person("lan", Role.CLERK, "21025")
    path = "/api/v1/users/lan"
    assert (await root.patch(path, json={"post": "Công chức"})).status_code == 428
    assert (await root.patch(path, json={"post": "x"}, headers={"If-Match": '"7"'})).status_code == 412
    done = await root.patch(path, json={"post": "Công chức"}, headers={"If-Match": '"1"'})
    assert (done.status_code, done.headers["etag"], done.json()["post"]) == (200, '"2"', "Công chức")
    for wrong in ({"language": "fr"}, {"name": "other"}, {"display_name": "x" * 121}, {"password_hash": "x"}):
        assert (await root.patch(path, json=wrong, headers={"If-Match": '"2"'})).status_code == 400, wrong
    event = (await root.get("/api/v1/audit-events", params={"action": "edit", "subject_name": "lan"})).json()["items"][
        0
    ]
    assert (event["before"], event["after"]) == ({"post": ""}, {"post": "Công chức"})
    assert (await root.get("/api/v1/users/nobody")).status_code == 404


async def test_when_the_last_administrator_would_go_then_it_is_refused(house: House) -> None:
    root = await house.person("root", Role.ADMINISTRATOR)
    me = (await root.get("/api/v1/users/root")).json()
    refused = await root.post(f"/api/v1/users/root/grants/{me['grants'][0]['id']}/end")
    assert refused.status_code == 409
    locked = await root.patch("/api/v1/users/root", json={"active": False}, headers={"If-Match": '"1"'})
    assert locked.status_code == 409
    await house.person("second", Role.ADMINISTRATOR)  # who has no password, and so cannot come and help
    without = await root.post(f"/api/v1/users/root/grants/{me['grants'][0]['id']}/end")
    assert without.status_code == 409
    await root.post("/api/v1/users/second/initial-password")
    ended = await root.post(f"/api/v1/users/root/grants/{me['grants'][0]['id']}/end")
    assert (ended.status_code, ended.json()["grants"]) == (200, [])
    assert (await root.get("/api/v1/users")).status_code == 401  # nobody without a role


async def test_when_somebody_is_locked_out_then_a_manager_helps_and_both_are_told_apart(house: House) -> None:
    root = await house.person("root", Role.ADMINISTRATOR)
    await house.person("lan", Role.CLERK, "21025")
    given = await root.post("/api/v1/users/lan/initial-password")
    password = given.json()["password"]
    assert re.fullmatch(r"(\w{4}-){3}\w{4}", password)
    client = house.client(Origin=house.settings.url)
    assert (await client.post("/sign-in", data={"name": "lan", "password": password})).status_code == 303
    assert (await root.get("/api/v1/sessions", params={"user": "lan"})).json()["total"] == 1
    assert (await root.get("/api/v1/users/lan")).json()["must_change_password"] is True
    await root.post("/api/v1/users/lan/remove-second-factor")
    assert (await root.get("/api/v1/sessions", params={"user": "lan"})).json()["total"] == 0
    async with db.transaction(db.EVERYTHING) as tx:
        kept = str([dict(row) for row in await tx.fetch("select * from audit_events")])
    assert password not in kept


async def test_when_a_session_is_listed_then_a_manager_can_end_it(house: House) -> None:
    root = await house.person("root", Role.ADMINISTRATOR)
    await house.person("lan", Role.CLERK, "21025")
    password = (await root.post("/api/v1/users/lan/initial-password")).json()["password"]
    client = house.client(Origin=house.settings.url, **{"User-Agent": "Coc_Coc <x>"})
    await client.post("/sign-in", data={"name": "lan", "password": password})
    [session] = (await root.get("/api/v1/sessions")).json()["items"]
    assert (session["user"], session["address"]) == ("lan", "127.0.0.1")
    assert (await root.post(f"/api/v1/sessions/{session['id']}/end")).status_code == 204
    assert (await root.post(f"/api/v1/sessions/{session['id']}/end")).status_code == 404
    assert (await root.get("/api/v1/sessions")).json()["total"] == 0


async def test_when_a_person_is_added_on_the_page_then_the_initial_password_is_shown_once(house: House) -> None:
    root = await house.person("root", Role.ADMINISTRATOR)
    until = (clock.now() + timedelta(days=3)).date().isoformat()
    fields = {
        "name": "tinh-nguyen",
        "display_name": "Bà <b>C</b>",
        "role": "clerk",
        "place": "unit:21025",
        "until": until,
    }
    page = await root.post("/people/new", data=fields)
    assert page.status_code == 200, page.text
    assert re.search(r"<code class=\"secret\">(\w{4}-){3}\w{4}</code>", page.text)
    assert "Bà &lt;b&gt;C&lt;/b&gt;" in page.text
    assert "secret" not in (await root.get("/people/tinh-nguyen")).text
    person = (await root.get("/people/tinh-nguyen.json")).json()
    [grant] = person["user"]["grants"]
    assert (grant["role"], grant["unit"], grant["ends_at"][:10]) == ("clerk", "21025", until)
    for wrong, field in (
        ({"name": ""}, "name"), ({"name": "a b"}, "name"), ({"role": ""}, "role"), ({"place": ""}, "place"),
        ({"until": "hôm qua"}, "ends_at"), ({"until": "2001-01-01"}, "ends_at"), ({"name": "tinh-nguyen"}, "name"),
    ):  # fmt: skip
        again = await root.post("/people/new", data={**fields, "name": "moi", **wrong})
        assert again.status_code in (400, 409), wrong
        assert f'id="wrong-{field}"' in again.text, wrong
        assert 'value="Bà &lt;b&gt;C&lt;/b&gt;"' in again.text, wrong
    assert (await root.get("/people.json")).json()["total"] == 2


async def test_when_a_person_is_managed_on_the_page_then_each_form_does_what_it_says(house: House) -> None:
    root = await house.person("root", Role.ADMINISTRATOR)
    await house.person("lan", Role.CLERK, "21025")
    base = "/people/lan"
    assert (await root.post(f"{base}/edit", data={"version": "1", "post": "Giám đốc"})).status_code == 303
    stale = await root.post(f"{base}/edit", data={"version": "1", "post": "x"})
    assert (stale.status_code, "Giám đốc" in stale.text) == (412, True)
    assert (await root.post(f"{base}/grants", data={"role": "director", "place": "unit:21025"})).status_code == 303
    twice = await root.post(f"{base}/grants", data={"role": "director", "place": "unit:21025"})
    assert (twice.status_code, 'id="wrong-role"' in twice.text) == (409, True)
    view = (await root.get(f"{base}.json")).json()
    assert {g["role"] for g in view["user"]["grants"]} == {"clerk", "director"}
    clerk = next(g["id"] for g in view["user"]["grants"] if g["role"] == "clerk")
    assert (await root.post(f"{base}/grants/{clerk}/end")).status_code == 303
    assert "secret" in (await root.post(f"{base}/initial-password")).text
    assert (await root.post(f"{base}/tokens/{view['tokens'][0]['id']}/revoke")).status_code == 303
    made = await root.post(
        f"{base}/tokens", data={"title": "cổng", "days": "30", "action": "view", "place": "site:21025"}
    )
    token = re.search(r"ast_[0-9a-f]{12}\.[\w-]+", made.text).group()  # type: ignore[union-attr]
    me = (await house.client(Authorization=f"Bearer {token}").get("/api/v1/me")).json()
    assert (me["actions"], me["sites"]) == (["view"], ["21025"])
    for wrong, field in (({"days": "0"}, "days"), ({"days": "036509"}, "days"), ({"place": "site:nowhere"}, "title")):
        again = await root.post(f"{base}/tokens", data={"title": "x", "days": "1", **wrong})
        assert (again.status_code, f'id="wrong-{field}"' in again.text) == (400, True), wrong
    version = (await root.get(f"{base}.json")).json()["user"]["version"]
    assert (await root.post(f"{base}/edit", data={"version": str(version), "active": "0"})).status_code == 303
    view = (await root.get(f"{base}.json")).json()
    assert (view["user"]["active"], [g["role"] for g in view["user"]["grants"]]) == (False, ["director"])
    assert view["tokens"][0]["revoked_at"]
    own = await root.post("/people/root/edit", data={"version": "1", "active": "0"})
    assert (own.status_code, 'id="wrong-person"' in own.text) == (409, True)
    assert (await root.get("/people/nobody")).status_code == 404


async def test_when_somebody_manages_nobody_then_the_pages_of_people_are_closed(house: House) -> None:
    await house.person("lan", Role.CLERK, "21025")
    for role in set(Role) - {Role.ADMINISTRATOR, Role.COLLECTOR}:
        reach = "21025" if Reach.PROVINCE not in REACH[role] else ""
        client = await house.person(f"p-{role}", role, reach)
        for path in ("/people", "/people/new", "/people/lan", "/people.json", "/people/lan.json"):
            assert (await client.get(path)).status_code == 403, (role, path)
        assert "/people" not in (await client.get("/account")).text.replace("/people.css", ""), role
