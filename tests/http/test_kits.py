"""Kits and norms over HTTP: what sites should and may have, and what they lack."""

import random
from datetime import date
from typing import Any

import httpx2
import pytest

from assets import clock
from assets.access.actor import SYSTEM
from assets.access.permissions import Role
from assets.db import EVERYTHING, transaction
from assets.inventory import service as inventory
from assets.inventory import things
from assets.inventory.kits import decree, norm_book
from assets.inventory.kits.allowance import counts
from assets.inventory.kits.gaps import kit_gap, kit_gaps, norm_gap, norm_gaps, rules_of
from assets.inventory.lifecycle import PhysicalState, Stage
from tests.conftest import House

OWN, FOREIGN = "21025", "21028"


async def register(category: str, count: int, *, site: str = OWN, **facts: Any) -> None:
    await things.add_default_categories(SYSTEM)
    async with transaction(EVERYTHING) as tx:
        model = await tx.fetchval("select id from asset_models where name = $1", category)
        number = await tx.fetchval("select count(*) from assets")
    model = model or await things.add_model(SYSTEM, things.NewModel(category, "M", category))
    for one in range(count):
        new = inventory.NewAsset(f"A-{number + one}", model, site, **facts)
        await inventory.register(SYSTEM, new, now=clock.now())


async def kit(client: httpx2.AsyncClient, *lines: dict[str, Any], **said: Any) -> Any:
    await things.add_default_categories(SYSTEM)
    new = {"code": "centre", "name": "Bộ tối thiểu", "site_kind": "centre", "lines": list(lines)} | said
    answer = await client.post("/api/v1/kits", json=new)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def gaps(client: httpx2.AsyncClient, of: str = "kit", **asked: object) -> Any:
    answer = await client.get(f"/api/v1/{of}-gaps", params=asked)  # type: ignore[arg-type]
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


async def people(client: httpx2.AsyncClient, count: int, as_of: str = "2026-01-01", **posts: int) -> None:
    said = {"people": count, "as_of": as_of}
    assert (await client.post(f"/api/v1/sites/{OWN}/head-counts", json=said)).status_code == 201
    for group, number in posts.items():
        answer = await client.post(
            f"/api/v1/sites/{OWN}/posts", json={"post_group": group, "people": number, "as_of": as_of}
        )
        assert answer.status_code == 201, answer.text


async def test_when_a_kit_is_written_down_then_each_site_shows_what_is_there_missing_and_broken(house: House) -> None:
    bob = await house.person("bob", Role.PROVINCE_IT)
    await kit(
        bob, {"what": "category", "code": "desktop", "per": "person"}, {"what": "category", "code": "printer", "quantity": 2},
        {"what": "capability", "code": "seal"}, {"what": "link", "code": "dedicated"},
    )  # fmt: skip
    await people(bob, 5)
    await register("desktop", 3)
    await register("desktop", 1, stage=Stage.DISPOSED)
    await register("printer", 1, physical_state=PhysicalState.BROKEN)
    await register("printer", 2, stage=Stage.IN_STOCK)
    await bob.post("/api/v1/capabilities", json={"site": OWN, "kind": "seal", "title": "Con dấu", "status": "issued"})
    found = (await bob.get(f"/api/v1/sites/{OWN}/kit")).json()
    wanted = [("desktop", 5, 3, 0, 2, 0, 2), ("printer", 2, 3, 1, 0, 1, 0), ("seal", 1, 1, 0, 0, 0, 0),
              ("dedicated", 1, 0, 0, 1, 0, 1)]  # fmt: skip
    numbers = ("code", "allowance", "present", "broken", "missing", "over", "short")
    assert [tuple(line[n] for n in numbers) for line in found["lines"]] == wanted
    assert (found["people"], found["people_as_of"], found["kit"]) == (5, "2026-01-01", "centre")
    short = await gaps(bob, missing__gte=1, site=OWN)
    assert [(row["code"], row["missing"]) for row in short] == [("desktop", 2), ("dedicated", 1)]
    unknown = await gaps(bob, site=FOREIGN, category="desktop")
    assert [(row["allowance"], row["missing"], row["unknown"]) for row in unknown] == [(None, None, "no_head_count")]


async def test_when_norms_are_those_of_the_decree_then_allowances_come_from_people_and_posts(house: House) -> None:
    bob = await house.person("bob", Role.PROVINCE_IT)
    await things.add_default_categories(SYSTEM)
    assert await norm_book.add_decree_norms(SYSTEM, decree.NORMS) == 10
    assert await norm_book.add_decree_norms(SYSTEM, decree.NORMS) == 0
    await people(bob, 16, VI=1, VII=2, VIII=13)
    await register("desktop", 17)
    await register("laptop", 2, original_cost=26_000_000)
    await register("printer", 8)
    await register("printer", 1, room="Quầy 1")
    async with transaction(EVERYTHING) as tx:
        await tx.execute("update rooms set kind = 'counter' where name = 'Quầy 1'")
    rows = {row["equipment"]: row for row in await gaps(bob, "norm", site=OWN)}
    # 2 for VI, 1 each for VII and VIII; printers: 1 for VI, 2 for VII, 1 for 3 of 13
    numbers = ("allowance", "present", "missing", "over", "apart", "above_price")
    assert {name: tuple(row[n] for n in numbers) for name, row in rows.items()} == {
        "computer": (17, 19, 0, 2, 0, 2), "printer": (8, 8, 0, 0, 1, 0), "scanner": (2, 0, 2, 0, 0, 0),
        "shredder": (2, 0, 2, 0, 0, 0), "copier": (2, 0, 2, 0, 0, 0),
    }  # fmt: skip
    assert not any(row["verified"] for row in rows.values())
    assert "QĐ 15/2025" in rows["computer"]["sources"]
    before = {row["equipment"]: row for row in await gaps(bob, "norm", site=OWN, as_of="2025-12-31")}
    assert (before["computer"]["allowance"], before["computer"]["unknown"]) == (None, "no_posts")
    assert before["scanner"]["unknown"] == "no_head_count"
    assert await gaps(bob, "norm", as_of="2025-06-30") == []
    assert date(2025, 7, 1) == decree.VALID_FROM


async def some(bob: httpx2.AsyncClient) -> None:
    """Sites, people, equipment and rules of all sorts."""
    dice = random.Random(15)
    await kit(
        bob, {"what": "category", "code": "desktop", "per": "person", "quantity": 2, "every": 3},
        {"what": "category", "code": "printer", "per": "counter"}, {"what": "category", "code": "kiosk"},
        {"what": "application", "code": "igate", "per": "person", "every": 4}, {"what": "capability", "code": "token"},
        {"what": "link", "code": "fibre", "quantity": 2},
    )  # fmt: skip
    await norm_book.add_decree_norms(SYSTEM, decree.NORMS)
    one_stop = {"equipment": "counter", "categories": ["desktop", "kiosk"], "title": "Tại quầy", "quantity": 1, "per": "counter",
                "one_stop": True, "valid_from": "2026-01-01", "source": "QĐ của UBND tỉnh (ví dụ)"}  # fmt: skip
    assert (await bob.post("/api/v1/norms", json=one_stop)).status_code == 201
    await people(bob, 11, VI=1, VIII=9)
    for number in range(60):
        site, room = dice.choice((OWN, OWN, FOREIGN)), dice.choice(("", "Quầy 1", "Kho"))
        facts = {"room": room, "original_cost": dice.choice((None, 5_000_000, 30_000_000))}
        await register(dice.choice(("desktop", "laptop", "printer", "kiosk", "scanner")), 1, site=site, **facts)
        async with transaction(EVERYTHING) as tx:
            await tx.execute(
                "update assets set stage = $1, physical_state = $2 where tag = $3", dice.choice(list(Stage)),
                dice.choice(list(PhysicalState)), f"A-{number}",
            )  # fmt: skip
        if number % 4 == 0:
            title = {"site": site, "title": f"x {number}", "kind": dice.choice(("token", "account")), "application": "igate",
                     "status": dice.choice(("issued", "expired", "revoked", "waiting")),
                     "expires_on": dice.choice((None, "2026-01-01", "2099-01-01"))}  # fmt: skip
            assert (await bob.post("/api/v1/capabilities", json=title)).status_code == 201
    async with transaction(EVERYTHING) as tx:
        await tx.execute("update rooms set kind = 'counter' where name = 'Quầy 1'")


async def test_when_postgresql_reckons_then_it_says_what_the_function_says(house: House) -> None:
    bob = await house.person("bob", Role.PROVINCE_IT)
    assert (await bob.post("/api/v1/applications", json={"code": "igate", "name": "iGate"})).status_code == 201
    await some(bob)
    async with transaction(EVERYTHING) as tx:
        sites = {row["code"]: row["id"] for row in await tx.fetch("select code, id from sites")}
        for day in (date(2025, 12, 31), date(2026, 6, 1)):
            rules = await rules_of(tx, day)
            for listing, judged in ((kit_gaps(day), kit_gap), (norm_gaps(day), norm_gap(rules))):
                rows = await tx.fetch(f"select {listing.select} from {listing.source}")
                assert len(rows) >= 10
                for row in rows:
                    found = judged(row)  # type: ignore[operator]
                    for name in ("allowance", "missing", "over", "short"):
                        assert row[name] == getattr(found, name), (dict(row), found)
            for listing, of_site in ((kit_gaps(day), kit_gaps), (norm_gaps(day), norm_gaps)):
                whole = await tx.fetch(f"select {listing.select} from {listing.source}")
                for code, site in sites.items():
                    alone = await tx.fetch(f"select * from {of_site(day, site).source}")
                    by_id = sorted((dict(r) for r in whole if r["site"] == code), key=lambda r: r["id"])
                    assert sorted((dict(r) for r in alone), key=lambda r: r["id"]) == by_id
    held = await tx_counts()
    for row in await gaps(bob, limit=1000):
        if row["category"]:
            assert (row["present"], row["broken"]) == held.get((row["site"], row["category"]), (0, 0)), row
    counter = {row["site"]: row for row in await gaps(bob, "norm", equipment="counter", as_of="2026-06-01")}
    assert counter[OWN]["one_stop"] is True
    assert counter[OWN]["present"] > 0


async def tx_counts() -> dict[tuple[str, str], tuple[int, int]]:
    """What lies in the register by site and category, counted one by one."""
    found: dict[tuple[str, str], tuple[int, int]] = {}
    async with transaction(EVERYTHING) as tx:
        rows = await tx.fetch(
            "select s.code as site, c.code as category, a.stage, a.physical_state from assets a join asset_models m "
            "on m.id = a.model join asset_categories c on c.id = m.category join sites s on s.id = a.site"
        )
    for row in rows:
        one = counts(Stage(row["stage"]), PhysicalState(row["physical_state"]))
        present, broken = found.get((row["site"], row["category"]), (0, 0))
        found[row["site"], row["category"]] = (present + one.present, broken + one.broken)
    return found


async def test_when_a_kit_names_the_kind_of_unit_then_it_goes_before_the_one_for_all(house: House) -> None:
    bob = await house.person("bob", Role.PROVINCE_IT)
    await kit(bob, {"what": "category", "code": "kiosk"})
    await kit(bob, {"what": "category", "code": "ups"}, code="ward", unit_kind="ward")
    assert {(row["kit"], row["code"]) for row in await gaps(bob)} == {("ward", "ups")}  # both are wards
    again = {"code": "other", "name": "x", "site_kind": "centre", "unit_kind": "ward"}
    assert (await bob.post("/api/v1/kits", json=again)).status_code == 409
    assert (await bob.post("/api/v1/kits", json={**again, "code": "ward", "site_kind": "store"})).status_code == 409


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ({"what": "category", "code": "ship"}, "lines.0.code"), ({"what": "application", "code": "x"}, "lines.0.code"),
        ({"what": "capability", "code": "magic"}, "lines.0.code"), ({"what": "link", "code": "pigeon"}, "lines.0.code"),
        ({"what": "category", "code": "ups", "quantity": 0}, "lines.0.quantity"),
        ({"what": "category", "code": "ups", "every": 0}, "lines.0.every"),
        ({"what": "category", "code": "ups", "per": "post"}, "lines.0.per"), ({"what": "thing", "code": "ups"}, "lines.0.what"),
    ],
)  # fmt: skip
async def test_when_a_line_cannot_be_one_then_it_is_named_and_nothing_is_kept(
    house: House, line: dict[str, Any], field: str
) -> None:
    bob = await house.person("bob", Role.PROVINCE_IT)
    made = await kit(bob, {"what": "category", "code": "kiosk"})
    answer = await bob.post("/api/v1/kits", json={"code": "n", "name": "N", "site_kind": "store", "lines": [line]})
    assert answer.status_code == 400
    assert field in {error["field"] for error in answer.json()["errors"]}
    changed = await bob.patch("/api/v1/kits/centre", json={"lines": [line]}, headers={"If-Match": '"1"'})
    assert changed.status_code == 400
    assert (await bob.get("/api/v1/kits")).json()["items"] == [made]


async def test_when_a_kit_or_norm_is_changed_then_it_is_still_as_it_was_read(house: House) -> None:
    bob = await house.person("bob", Role.PROVINCE_IT)
    await kit(bob, {"what": "category", "code": "kiosk"}, {"what": "category", "code": "ups"})
    path, first = "/api/v1/kits/centre", {"If-Match": '"1"'}
    twice = [{"what": "category", "code": "ups"}] * 2
    assert (await bob.patch(path, json={"lines": twice}, headers=first)).status_code == 400
    done = await bob.patch(path, json={"lines": twice[:1], "is_example": True}, headers=first)
    assert (done.status_code, done.headers["etag"], len(done.json()["lines"])) == (200, '"2"', 1)
    assert (await bob.patch(path, json={"name": "x"}, headers=first)).status_code == 412
    assert (await bob.delete(path)).status_code == 428
    assert (await bob.delete(path, headers={"If-Match": '"2"'})).status_code == 204
    assert (await bob.get(path)).status_code == 404
    norm = {"equipment": "computer", "categories": ["desktop"], "title": "x", "quantity": 1, "valid_from": "2026-01-01",
            "source": "QĐ"}  # fmt: skip
    made = (await bob.post("/api/v1/norms", json=norm)).json()
    path = f"/api/v1/norms/{made['id']}"
    other = await bob.post("/api/v1/norms", json={**norm, "equipment": "machine"})
    assert (other.status_code, other.json()["equipment"]) == (409, "computer")
    for wrong, field in (
        ({"valid_to": "2025-12-31"}, "valid_to"), ({"post_group": "VI"}, "post_group"), ({"per": "post"}, "post_group"),
        ({"categories": ["ship"]}, "categories"), ({"source": " "}, "source"),
    ):  # fmt: skip
        answer = await bob.patch(path, json=wrong, headers=first)
        assert (answer.status_code, [e["field"] for e in answer.json()["errors"]]) == (400, [field]), wrong
    done = await bob.patch(path, json={"verified": True, "valid_to": "2026-12-31"}, headers=first)
    assert (done.status_code, done.json()["verified"], done.json()["valid_to"]) == (200, True, "2026-12-31")
    assert await gaps(bob, "norm", as_of="2027-01-01") == []
    done = await bob.patch(path, json={"valid_to": None}, headers={"If-Match": '"2"'})
    assert done.json()["valid_to"] is None


async def test_when_somebody_fills_the_form_then_the_kit_and_its_gaps_are_shown(house: House) -> None:
    bob = await house.person("bob", Role.PROVINCE_IT)
    lan = await house.person("lan", Role.CLERK, OWN)
    assert "Nobody has written down yet" in (await bob.get("/kits")).text
    await things.add_default_categories(SYSTEM)
    form = {"code": "Centre", "name": "Bộ <b>", "site_kind": "centre", "is_example": "1", "of_1": "category:printer",
            "quantity_1": "2", "per_1": "site", "of_3": "link:fibre", "every_3": ""}  # fmt: skip
    wrong = await bob.post("/kits/new", data={**form, "quantity_1": "many"})
    assert wrong.status_code == 400
    assert 'value="Bộ &lt;b&gt;"' in wrong.text
    made = await bob.post("/kits/new", data=form)
    assert (made.status_code, made.headers["location"]) == (303, "/kits/centre")
    page = await bob.get("/kits/centre")
    assert 'value="category:printer" selected' in page.text
    assert (await bob.post("/kits/centre", data={**form, "version": "7"})).status_code == 412
    saved = await bob.post("/kits/centre", data={**form, "version": "1", "of_1": "", "of_2": "category:ups"})
    assert saved.status_code == 303
    twin = (await lan.get("/kits/centre.json")).json()
    assert [line["code"] for line in twin["kit"]["lines"]] == ["ups", "fibre"]
    assert 'class="kit-form"' not in (await lan.get("/kits/centre")).text
    seen = await lan.get("/kits?missing__gte=1&site=&category=")
    assert "1 missing" in seen.text
    assert "nobody has decided it" in seen.text
    assert {row["site"] for row in (await lan.get("/kits.json")).json()["items"]} == {OWN}
    centre = await lan.get(f"/sites/{OWN}")
    assert "Beside what it should have" in centre.text
    assert [row["code"] for row in (await lan.get(f"/sites/{OWN}.json")).json()["kit"]] == ["ups", "fibre"]
    await norm_book.add_decree_norms(SYSTEM, decree.NORMS)
    norms = await lan.get("/norms")
    assert norms.status_code == 200
    assert "All norms are maxima" in norms.text
    assert "QĐ 15/2025" in norms.text
