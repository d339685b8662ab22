"""Kits and norms over HTTP: what sites should and may have, and what they lack."""

from datetime import date
from typing import Any

import httpx2

from assets import clock
from assets.access.actor import SYSTEM
from assets.access.permissions import Role
from assets.db import EVERYTHING, transaction
from assets.inventory import service as inventory
from assets.inventory import things
from assets.inventory.kits import decree, norm_book
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
