"""What was seen beside what is recorded: settled by people only; duplicates proposed, merged with undo, never silently."""

import json
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx2
import pytest

from assets import clock
from assets.access.actor import SYSTEM
from assets.access.permissions import Role
from assets.db import EVERYTHING, as_owner, transaction
from assets.ids import new_id
from assets.inventory import service as inventory
from assets.inventory import things
from assets.inventory.observed.proposals import find_duplicates
from assets.inventory.observed.service import observe
from assets.monitoring import declarations, targets
from assets.monitoring.seen import note_identities
from tests.conftest import House
from tests.pictures import png

OWN, FOREIGN = "21025", "21028"
DIFFERENCES, PROPOSALS = "/api/v1/differences", "/api/v1/identity-proposals"


@pytest.fixture
async def here(house: House) -> House:
    """The running service with a model."""
    await things.add_default_categories(SYSTEM)
    await things.add_model(SYSTEM, things.NewModel("printer", "Canon", "LBP"))
    return house


async def asset(tag: str, serial: str, site: str = OWN) -> UUID:
    async with transaction(EVERYTHING) as tx:
        of = await tx.fetchval("select id from asset_models limit 1")
    return await inventory.register(SYSTEM, inventory.NewAsset(tag, of, site, serial=serial), now=clock.now())


async def see(of: UUID, source: str = "agent", **values: str) -> None:
    async with transaction(EVERYTHING) as tx:
        await observe(tx, of, source, {key: [value] for key, value in values.items()}, at=clock.now())


async def items(client: httpx2.AsyncClient, path: str, **asked: str) -> list[Any]:
    answer = await client.get(path, params=asked)
    assert answer.status_code == 200, answer.text
    found: list[Any] = answer.json()["items"]
    return found


async def act(client: httpx2.AsyncClient, path: str, row: Any, what: str, **body: Any) -> httpx2.Response:
    return await client.post(f"{path}/{row['id']}/{what}", json=body, headers={"If-Match": f'"{row["version"]}"'})


# --- differences --------------------------------------------------------------------------------------------------


async def test_what_was_seen_changes_the_record_only_when_a_person_takes_it(here: House) -> None:
    bob = await here.person("bob", Role.PROVINCE_IT)
    await see(
        await asset("A-1", "OLD-123"), serial="NEW-456", hostname="PC1", manufacturer="Canon Inc.", model="LBP 2900"
    )
    [row] = await items(bob, DIFFERENCES)
    assert (row["key"], row["recorded"], row["value"], row["source"]) == ("serial", "OLD-123", "NEW-456", "agent")
    assert (await bob.get("/api/v1/assets/A-1")).json()["serial"] == "OLD-123"
    assert (await bob.post(f"{DIFFERENCES}/{row['id']}/take", json={})).status_code == 428
    assert (await act(bob, DIFFERENCES, row, "take")).json() == {"settled": 1}
    assert (await bob.get("/api/v1/assets/A-1")).json()["serial"] == "NEW-456"
    assert await items(bob, DIFFERENCES) == []
    assert (await act(bob, DIFFERENCES, row, "take")).status_code == 412


async def test_a_record_that_was_kept_stays_until_something_else_is_seen(here: House) -> None:
    bob, one = await here.person("bob", Role.PROVINCE_IT), await asset("A-1", "OLD-123")
    await see(one, serial="NEW-456")
    [row] = await items(bob, DIFFERENCES)
    assert (await act(bob, DIFFERENCES, row, "keep", reason="Đã kiểm tra nhãn")).status_code == 200
    await see(one, serial="new 456")
    assert await items(bob, DIFFERENCES) == [], "it is the same value, however it is written"
    assert [r["kept_by"] for r in await items(bob, DIFFERENCES, kept="true")] == ["Bob"]
    await see(one, serial="OTHER-789")
    assert [r["value"] for r in await items(bob, DIFFERENCES)] == ["OTHER-789"]


async def test_many_differences_are_settled_at_once_or_none_is(here: House) -> None:
    bob = await here.person("bob", Role.PROVINCE_IT)
    for number in range(3):
        await see(await asset(f"A-{number}", f"OLD-{number}00"), serial=f"NEW-{number}00")
    rows = await items(bob, DIFFERENCES)
    await bob.patch("/api/v1/assets/A-1", json={"note": "x"}, headers={"If-Match": '"1"'})
    chosen = [{"id": row["id"], "version": row["version"]} for row in rows]
    stale = await bob.post(f"{DIFFERENCES}/settle", json={"choice": "take", "differences": chosen})
    assert stale.status_code == 412
    assert [row["serial"] for row in await items(bob, "/api/v1/assets")] == ["OLD-000", "OLD-100", "OLD-200"]
    chosen = [{"id": row["id"], "version": row["version"]} for row in await items(bob, DIFFERENCES)]
    done = await bob.post(f"{DIFFERENCES}/settle", json={"choice": "take", "differences": chosen})
    assert done.json() == {"settled": 3}
    assert [row["serial"] for row in await items(bob, "/api/v1/assets")] == ["NEW-000", "NEW-100", "NEW-200"]


async def test_addresses_and_models_are_taken_over_too_where_the_register_can_have_them(
    house: House, here: House
) -> None:
    bob, one = await here.person("bob", Role.PROVINCE_IT), await asset("A-1", "OLD-123")
    macs = {"macs": ["a4:bb:6d:00:00:01"], "addresses": ["10.66.1.9"]}
    await bob.patch("/api/v1/assets/A-1", json=macs, headers={"If-Match": '"1"'})
    async with transaction(EVERYTHING) as tx:
        seen = {"macs": ["A4:BB:6D:00:00:02", "A4:BB:6D:00:00:03"], "addresses": ["10.66.1.10"], "model": ["MF 3010"]}
        await observe(tx, one, "agent", seen, at=clock.now())
    rows = {row["key"]: row for row in await items(bob, DIFFERENCES)}
    assert set(rows) == {"macs", "addresses", "model"}
    unknown = await act(bob, DIFFERENCES, rows["model"], "take")
    assert (unknown.status_code, "model" in unknown.text) == (400, True), unknown.text
    await things.add_model(SYSTEM, things.NewModel("printer", "Canon", "MF 3010"))
    chosen = [{"id": row["id"], "version": row["version"]} for row in rows.values()]
    done = await bob.post(f"{DIFFERENCES}/settle", json={"choice": "take", "differences": chosen})
    assert done.status_code == 200, done.text
    now = (await bob.get("/api/v1/assets/A-1")).json()
    assert (now["macs"], now["addresses"], now["model"]) == (
        ["a4:bb:6d:00:00:02", "a4:bb:6d:00:00:03"], ["10.66.1.10"], "MF 3010",
    )  # fmt: skip
    assert await items(bob, DIFFERENCES) == []


async def test_two_sources_that_disagree_are_not_both_taken(here: House) -> None:
    bob, one = await here.person("bob", Role.PROVINCE_IT), await asset("A-1", "OLD-123")
    await see(one, serial="NEW-1000")
    await see(one, "snmp", serial="NEW-2000")
    chosen = [{"id": row["id"], "version": row["version"]} for row in await items(bob, DIFFERENCES)]
    assert len(chosen) == 2
    assert (await bob.post(f"{DIFFERENCES}/settle", json={"choice": "take", "differences": chosen})).status_code == 409


async def test_what_devices_tell_over_snmp_is_noted_beside_the_record(here: House) -> None:
    bob = await here.person("bob", Role.PROVINCE_IT)
    await asset("A-1", "OLD-123")
    target = await targets.add_target(SYSTEM, targets.NewTarget("127.0.0.9", "snmp", 161, asset_tag="A-1"))
    identity = {"vendor": "Canon", "model": "LBP226", "serial": "NXKA123", "sys_name": "may-in", "firmware": "1.2"}
    async with transaction(EVERYTHING) as tx:
        await tx.execute(
            "insert into device_states (target, identity, observed_at) values ($1,$2,$3) on conflict (target) do update "
            "set identity = excluded.identity, observed_at = excluded.observed_at",
            target, json.dumps(identity), clock.now(),
        )  # fmt: skip
    assert await note_identities(clock.now()) == 1
    assert await note_identities(clock.now()) == 0
    assert [(row["key"], row["source"], row["value"]) for row in await items(bob, DIFFERENCES)] == [
        ("serial", "snmp", "NXKA123")
    ]
    page = await bob.get("/assets/A-1", headers={"Accept-Language": "vi"})
    assert "NXKA123" in page.text


async def test_of_two_devices_of_one_asset_the_first_says_what_it_is(here: House) -> None:
    bob = await here.person("bob", Role.PROVINCE_IT)
    await asset("A-1", "OLD-123")
    async with transaction(EVERYTHING) as tx:
        at = clock.now() - timedelta(hours=1)
        for number, serial in ((8, ""), (9, "FIRST-1"), (10, "CARD-1")):
            made = await targets.add_target(
                SYSTEM, targets.NewTarget(f"127.0.0.{number}", "snmp", 161, asset_tag="A-1")
            )
            await tx.execute("delete from device_states where target = $1", made)
            await tx.execute(
                "insert into device_states (target, identity, observed_at) values ($1, $2, $3)",
                made, json.dumps({"serial": serial} if serial else {}), at,
            )  # fmt: skip
    assert await note_identities(clock.now()) == 1
    assert [row["value"] for row in await items(bob, DIFFERENCES)] == ["FIRST-1"]
    async with transaction(EVERYTHING) as tx:
        await tx.execute("update device_states set observed_at = $1", clock.now())
    assert await note_identities(clock.now()) == 1
    assert [row["value"] for row in await items(bob, DIFFERENCES)] == ["FIRST-1"]


# --- one thing twice ----------------------------------------------------------------------------------------------


async def twins(here: House, site: str = OWN) -> tuple[UUID, UUID]:
    """Two records of one printer, each with things of its own."""
    now = clock.now()
    one, two = await asset("A-1", "SAME-123"), await asset("A-2", "", site)
    async with transaction(EVERYTHING) as tx:  # entered before there was a rule against it
        await tx.execute("update assets set serial = 'same 123' where id = $1", two)
    for tag in ("A-1", "A-2"):
        await targets.add_target(SYSTEM, targets.NewTarget(f"127.0.0.{tag[-1]}", "snmp", 161, asset_tag=tag))
        at = OWN if tag == "A-1" else site
        await declarations.declare(SYSTEM, declarations.Said(at, declarations.Kind.BROKEN, tag, "kẹt giấy"), now=now)
    await see(one, serial="SAME-123", hostname="ONE")
    await see(two, serial="SAME-123", memory="8 GB")
    assert await find_duplicates(now) == 1
    assert await find_duplicates(now) == 0
    return one, two


async def everything() -> dict[str, list[dict[str, Any]]]:
    """All rows of all tables but of the trails and of the questions, without versions."""
    async with transaction(EVERYTHING) as tx, as_owner(tx):
        tables = await tx.fetch(
            "select relname from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r' "
            "and not relispartition and relname !~ '^(pgqueuer|audit|migration|identity_proposals|tokens)'"
        )
        found = {}
        for table in sorted(row["relname"] for row in tables):
            rows = [dict(row) for row in await tx.fetch(f"select * from {table}")]
            kept = [
                {k: v for k, v in row.items() if k != "version"}
                for row in rows
                if row.get("kind") not in ("merged", "unmerged")
            ]
            found[table] = sorted(kept, key=repr)
        return found


async def test_two_records_become_one_and_two_again_exactly(here: House) -> None:
    bob = await here.person("bob", Role.PROVINCE_IT)
    await twins(here)
    before = await everything()
    [asked] = await items(bob, PROPOSALS)
    assert (asked["kind"], {asked["asset"], asked["other"]}) == ("merge", {"A-1", "A-2"})
    assert "same_serial" in {reason["code"] for reason in asked["reasons"]}
    done = await act(bob, PROPOSALS, asked, "accept", keep="A-2", reason="Nhập hai lần")
    assert (done.status_code, done.json()["state"]) == (200, "accepted"), done.text
    assert [row["tag"] for row in await items(bob, "/api/v1/assets")] == ["A-2"]
    leads = await bob.get("/api/v1/assets/a-1", follow_redirects=False)
    assert (leads.status_code, leads.headers["location"], leads.json()["tag"]) == (308, "/api/v1/assets/A-2", "A-2")
    page = await bob.get("/assets/A-1", follow_redirects=False)
    assert (page.status_code, page.headers["location"]) == (303, "/assets/A-2")
    assert len(await items(bob, "/api/v1/declarations")) == 2
    assert {row["tag"] for row in await items(bob, "/api/v1/observed-values")} == {"A-2"}
    async with transaction(EVERYTHING) as tx:
        assert await tx.fetch("select from targets where enabled") != []
        assert await tx.fetchval("select count(*) from targets where enabled") == 1, "what cannot be moved asks no more"
    again = await bob.post("/api/v1/assets", json={"tag": "A-1", "model": str(new_id()), "site": OWN})
    assert again.status_code in (400, 409), "the tag stays used"
    undone = await act(bob, PROPOSALS, done.json(), "undo")
    assert (undone.status_code, undone.json()["state"]) == (200, "undone"), undone.text
    after = await everything()
    for table in before:
        assert after[table] == before[table], table


async def test_files_and_whatever_else_names_an_asset_go_with_it(here: House) -> None:
    bob = await here.person("bob", Role.PROVINCE_IT)
    await twins(here)
    for tag in ("A-1", "A-2"):
        picture = {"file": ("anh.png", png(), "image/png")}
        put = await bob.post("/api/v1/attachments", data={"subject_kind": "asset", "subject": tag}, files=picture)
        assert put.status_code in (200, 201), put.text
    [asked] = await items(bob, PROPOSALS)
    done = await act(bob, PROPOSALS, asked, "accept", keep="A-2")
    async with transaction(EVERYTHING) as tx, as_owner(tx):
        on = "select a.tag from attachments f join assets a on a.id = f.subject order by 1"
        assert [row["tag"] for row in await tx.fetch(on)] == ["A-2", "A-2"]
    await act(bob, PROPOSALS, done.json(), "undo")
    async with transaction(EVERYTHING) as tx, as_owner(tx):
        assert [row["tag"] for row in await tx.fetch(on)] == ["A-1", "A-2"]


async def test_what_is_on_its_way_is_not_merged(here: House) -> None:
    bob = await here.person("bob", Role.PROVINCE_IT)
    await twins(here)
    sent = await bob.post(
        "/api/v1/transfers", json={"from_site": OWN, "to_site": FOREIGN, "assets": ["A-1"], "send": True}
    )
    assert sent.status_code == 201, sent.text
    [asked] = await items(bob, PROPOSALS)
    assert (await act(bob, PROPOSALS, asked, "accept", keep="A-2")).status_code == 409


async def test_a_question_that_was_answered_is_not_asked_again(here: House) -> None:
    bob = await here.person("bob", Role.PROVINCE_IT)
    await twins(here)
    [asked] = await items(bob, PROPOSALS)
    assert (await act(bob, PROPOSALS, asked, "dismiss", reason="Hai máy khác nhau")).status_code == 200
    assert await find_duplicates(clock.now() + timedelta(days=1)) == 0
    assert await items(bob, PROPOSALS, state="open") == []
    assert (await act(bob, PROPOSALS, asked, "accept", keep="A-1")).status_code == 412


async def test_a_duplicate_at_a_foreign_site_is_told_only_to_who_sees_both(here: House) -> None:
    bob, ivan = await here.person("bob", Role.PROVINCE_IT), await here.person("ivan", Role.STOREKEEPER, unit=OWN)
    await twins(here, FOREIGN)
    [asked] = await items(bob, PROPOSALS)
    seen = await ivan.get(PROPOSALS)
    assert (seen.json()["total"], "A-2" in seen.text) == (0, False)
    assert (await ivan.get(f"{PROPOSALS}/{asked['id']}")).status_code == 404
    for what, body in (("accept", {"keep": "A-1"}), ("dismiss", {})):
        assert (await act(ivan, PROPOSALS, asked, what, **body)).status_code == 404
    assert (await act(bob, PROPOSALS, asked, "accept", keep="A-2")).status_code == 200
    assert (await ivan.get("/api/v1/assets/A-1", follow_redirects=False)).status_code == 404, (
        "its record is elsewhere now"
    )


async def test_a_chain_of_merges_is_undone_from_its_end(here: House) -> None:
    bob = await here.person("bob", Role.PROVINCE_IT)
    await twins(here)
    await asset("A-3", "SAME.123")
    await find_duplicates(clock.now())
    pairs = {frozenset((row["asset"], row["other"])): row for row in await items(bob, PROPOSALS)}
    first = (await act(bob, PROPOSALS, pairs[frozenset(("A-1", "A-2"))], "accept", keep="A-2")).json()
    rows = {frozenset((row["asset"], row["other"])): row for row in await items(bob, PROPOSALS, state="open")}
    assert set(rows) == {frozenset(("A-2", "A-3"))}, "what was asked about a hidden record is settled"
    second = (await act(bob, PROPOSALS, rows[frozenset(("A-2", "A-3"))], "accept", keep="A-3")).json()
    leads = await bob.get("/api/v1/assets/A-1", follow_redirects=False)
    assert leads.headers["location"] == "/api/v1/assets/A-3", "the tag leads to the record that is left"
    assert (await act(bob, PROPOSALS, first, "undo")).status_code == 409
    assert (await act(bob, PROPOSALS, second, "undo")).status_code == 200
    assert (await act(bob, PROPOSALS, first, "undo")).status_code == 200
    assert [row["tag"] for row in await items(bob, "/api/v1/assets")] == ["A-1", "A-2", "A-3"]


# --- pages --------------------------------------------------------------------------------------------------------


async def test_the_pages_settle_and_answer_without_a_script(here: House) -> None:
    bob = await here.person("bob", Role.PROVINCE_IT)
    one, _ = await twins(here)
    await see(one, serial="OTHER-99")
    page = await bob.get("/differences")
    [row] = (await bob.get("/differences.json")).json()["items"]
    assert f"{row['id']}:{row['version']}" in page.text
    for form in ({}, {"choice": "take"}, {"choice": "x", "pick": f"{row['id']}:1"}, {"choice": "take", "pick": "x"}):
        assert (await bob.post("/differences", data=form)).status_code in (400, 412), form
    form = {"choice": "take", "all": "1", "shown": f"{row['id']}:{row['version']}"}
    assert (await bob.post("/differences", data=form)).status_code == 303
    [asked] = (await bob.get("/identity-proposals.json")).json()["items"]
    path = f"/identity-proposals/{asked['id']}"
    assert "A-1" in (await bob.get("/identity-proposals")).text
    wrong = await bob.post(f"{path}/accept", data={"version": str(asked["version"]), "keep": "A-9"})
    assert wrong.status_code == 400
    assert (await bob.post(f"{path}/accept", data={"version": str(asked["version"]), "keep": "A-1"})).status_code == 303
    view = (await bob.get("/identity-proposals.json")).json()
    assert (view["items"], [row["other"] for row in view["merged"]]) == ([], ["A-2"])
    assert (await bob.post(f"{path}/undo", data={"version": str(view["merged"][0]["version"])})).status_code == 303
    assert (await bob.post(f"{path}/other", data={})).status_code == 404
