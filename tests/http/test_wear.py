"""The register of wear over HTTP and as a page: rates that the province writes down, days, filters, totals, scope."""

import random
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import httpx2
import pytest

from assets import clock
from assets.access.actor import SYSTEM
from assets.access.permissions import Role
from assets.db import EVERYTHING, transaction
from assets.inventory import service as inventory
from assets.inventory import things
from assets.inventory.lifecycle import Stage
from tests.conftest import House

OWN, FOREIGN = "21025", "21028"
DAY = "2026-12-31"


async def model(category: str = "printer") -> UUID:
    await things.add_default_categories(SYSTEM)
    return await things.add_model(SYSTEM, things.NewModel(category, "Canon", f"LBP {category}"))


async def asset(tag: str, of: UUID, *, site: str = OWN, **facts: Any) -> None:
    new = inventory.NewAsset(tag, of, site, **{"original_cost": 15_000_000, "put_into_use": date(2024, 5, 20)} | facts)
    await inventory.register(SYSTEM, new, now=clock.now())


async def rate(client: httpx2.AsyncClient, **said: Any) -> Any:
    new = {"category": "printer", "years": 5, "rate": 2000, "valid_from": "2020-01-01", "source": "Ví dụ"} | said
    answer = await client.post("/api/v1/wear-rates", json=new)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def register(client: httpx2.AsyncClient, **asked: object) -> Any:
    answer = await client.get("/api/v1/wear", params={"as_of": DAY, **asked})  # type: ignore[dict-item]
    assert answer.status_code == 200, answer.text
    return answer.json()


def tags(answer: Mapping[str, Any]) -> list[str]:
    return [row["tag"] for row in answer["items"]]


async def test_when_a_day_is_asked_for_then_each_asset_has_its_wear_or_the_reason_for_none(house: House) -> None:
    bob = await house.person("bob", Role.PROVINCE_IT)
    printer, ups = await model(), await model("ups")
    await rate(bob)
    await asset("A-1", printer)
    await asset("A-2", printer, put_into_use=date(2019, 12, 31))
    await asset("A-3", printer, original_cost=9_999_999)
    await asset("A-4", printer, original_cost=None)
    await asset("A-5", printer, put_into_use=None)
    await asset("A-6", ups)
    found = {row["tag"]: row for row in (await register(bob))["items"]}
    figures = ("years", "yearly", "accumulated", "remaining", "worn_out", "reason")
    assert {tag: tuple(row[f] for f in figures) for tag, row in found.items()} == {
        "A-1": (5, 3_000_000, 9_000_000, 6_000_000, False, None),
        "A-2": (None, None, None, None, False, "no_rate"),  # it was in use before there was a rate
        "A-3": (5, None, None, None, False, "below_threshold"),
        "A-4": (None, None, None, None, False, "no_cost"),
        "A-5": (None, None, None, None, False, "no_date"),
        "A-6": (None, None, None, None, False, "no_rate"),
    }
    one = (await bob.get(f"/api/v1/assets/a-1/wear?as_of={DAY}")).json()
    assert one == found["A-1"], "the list and the asset must never disagree"
    early = (await bob.get("/api/v1/assets/A-1/wear?as_of=2024-05-19")).json()
    assert (early["reason"], early["accumulated"]) == ("not_yet", None)


async def test_when_a_rate_follows_another_then_each_asset_keeps_the_one_of_its_first_day(house: House) -> None:
    bob = await house.person("bob", Role.PROVINCE_IT)
    printer = await model()
    await rate(bob)
    await rate(bob, years=7, rate=1429, valid_from="2024-05-20")
    await asset("A-1", printer, put_into_use=date(2024, 5, 19))
    await asset("A-2", printer, put_into_use=date(2024, 5, 20))
    assert [row["years"] for row in (await register(bob))["items"]] == [5, 7]


async def test_when_totals_are_asked_for_then_they_are_the_sums_of_all_pages(house: House) -> None:
    bob = await house.person("bob", Role.PROVINCE_IT)
    await some(bob)
    for asked in ({}, {"worn_out": "true"}, {"site": OWN}, {"category": "ups"}, {"q": "a-1"}):
        rows: list[Any] = []
        page = first = await register(bob, limit=7, **asked)
        rows += page["items"]
        while page["next"]:
            page = await register(bob, limit=7, cursor=page["next"], **asked)
            assert page["totals"] is None
            rows += page["items"]
        reckoned = [row for row in rows if row["reason"] is None]
        assert first["totals"] == {
            "assets": len(rows), "reckoned": len(reckoned), "worn_out": sum(row["worn_out"] for row in reckoned),
            **{name: sum(row[name] for row in reckoned) for name in ("original_cost", "accumulated", "remaining")},
        }, asked  # fmt: skip
        assert rows, asked


async def some(bob: httpx2.AsyncClient, count: int = 40) -> None:
    """Assets of all sorts around the ends of years and of rules."""
    dice = random.Random(10)
    models = [await model(), await model("ups"), await model("kiosk")]
    await rate(bob)
    await rate(bob, years=7, rate=None, valid_from="2023-12-31")
    await rate(bob, category="ups", years=1, rate=None, threshold=0, valid_from="2018-01-01")
    for number in range(count):
        used = date(dice.randint(2017, 2026), 12, 31) + timedelta(days=dice.choice((-200, -1, 0, 1)))
        cost = dice.choice((None, 0, 3, 9_999_999, 10_000_000, 12_345_678, 10**13))
        facts = {"original_cost": cost, "put_into_use": dice.choice((None, used, used, used))}
        await asset(f"A-{number}", dice.choice(models), site=dice.choice((OWN, FOREIGN)), **facts)


@pytest.mark.parametrize("day", ["2023-12-30", "2023-12-31", "2024-01-01", DAY])
async def test_when_worn_out_is_asked_for_then_the_filter_chooses_what_the_function_says(
    house: House, day: str
) -> None:
    bob = await house.person("bob", Role.PROVINCE_IT)
    await some(bob)
    whole = (await register(bob, as_of=day, limit=1000))["items"]
    expected = {row["tag"] for row in whole if row["worn_out"]}
    assert 0 < len(expected) < len(whole)
    assert set(tags(await register(bob, as_of=day, limit=1000, worn_out="true"))) == expected
    assert (
        set(tags(await register(bob, as_of=day, limit=1000, worn_out="false")))
        == set(tags({"items": whole})) - expected
    )


async def test_when_something_was_not_ours_on_that_day_then_the_register_leaves_it_out(house: House) -> None:
    bob = await house.person("bob", Role.PROVINCE_IT)
    printer = await model()
    await asset("HERE", printer)
    await asset("LATER", printer, put_into_use=date(2026, 12, 31))
    await asset("PLANNED", printer, stage=Stage.PLANNED, put_into_use=None)
    await asset("GONE", printer, stage=Stage.AWAITING_DISPOSAL)
    today = clock.today()
    moved = await bob.post("/api/v1/assets/GONE/stage", json={"stage": "disposed", "reason": "QĐ 1"})
    assert moved.status_code == 200
    async with transaction(EVERYTHING) as tx:  # it was done yesterday
        await tx.execute("update asset_events set at = at - interval '1 day' where kind = 'disposed'")
    assert "GONE" not in tags(await register(bob, as_of=today))
    assert "GONE" not in tags(await register(bob, as_of=today - timedelta(days=1)))
    assert tags(await register(bob, as_of=today - timedelta(days=2), q="gone")) == ["GONE"]
    assert tags(await register(bob, as_of="2026-06-30", tag=["HERE", "LATER", "PLANNED"])) == ["HERE"]
    assert tags(await register(bob, tag=["HERE", "LATER", "PLANNED"])) == ["HERE", "LATER"]


async def test_when_a_commune_asks_then_it_sees_its_own_assets_and_sums(house: House) -> None:
    bob, ivan = await house.person("bob", Role.PROVINCE_IT), await house.person("ivan", Role.ACCOUNTANT, unit=OWN)
    printer = await model()
    await rate(bob)
    await asset("A-1", printer)
    await asset("A-2", printer, site=FOREIGN)
    seen = await register(ivan)
    assert (tags(seen), seen["total"], seen["totals"]["original_cost"]) == (["A-1"], 1, 15_000_000)
    assert (await ivan.get("/api/v1/assets/A-2/wear")).status_code == 404
    page = await ivan.get("/wear.json")
    assert (tags(page.json()), [site["code"] for site in page.json()["sites"]]) == (["A-1"], [OWN])
    assert "A-2" not in (await ivan.get("/wear")).text


@pytest.mark.parametrize("day", ["yesterday", "2026-13-01", "0001-01-01", "9999-12-31", "2026-12-31T00:00:00Z", "%00"])
async def test_when_the_day_is_none_then_it_is_refused_by_name(house: House, day: str) -> None:
    bob = await house.person("bob", Role.PROVINCE_IT)
    for path in ("/api/v1/wear", "/wear.json", "/api/v1/assets/A-1/wear"):
        answer = await bob.get(f"{path}?as_of={day}")
        assert answer.status_code == 400, path
        assert "as_of" in answer.text


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"years": 0}, "years"), ({"years": 101}, "years"), ({"rate": 14}, "rate"), ({"threshold": -1}, "threshold"),
        ({"valid_from": "2026-02-30"}, "valid_from"), ({"category": "ship"}, "category"), ({"colour": 1}, "colour"),
    ],
)  # fmt: skip
async def test_when_a_rate_cannot_be_one_then_it_is_refused_and_nothing_is_kept(
    house: House, said: dict[str, Any], field: str
) -> None:
    bob = await house.person("bob", Role.PROVINCE_IT)
    await model()
    good = await rate(bob, valid_from="2019-01-01")
    new = {"category": "printer", "years": 5, "rate": 2000, "valid_from": "2020-01-01"} | said
    answer = await bob.post("/api/v1/wear-rates", json=new)
    assert answer.status_code == 400
    assert field in answer.text
    if field != "category":
        changed = await bob.patch(f"/api/v1/wear-rates/{good['id']}", json=said, headers={"If-Match": '"1"'})
        assert changed.status_code == 400
        assert field in changed.text
    assert (await bob.get("/api/v1/wear-rates")).json()["items"] == [good]


async def test_when_a_rate_changes_then_it_is_still_as_it_was_read_and_alone_on_its_day(house: House) -> None:
    bob = await house.person("bob", Role.PROVINCE_IT)
    printer = await model()
    await asset("A-1", printer)
    one, two = await rate(bob), await rate(bob, valid_from="2025-01-01")
    path = f"/api/v1/wear-rates/{one['id']}"
    assert (await bob.post("/api/v1/wear-rates", json={"category": "printer", "years": 3, "valid_from": "2020-01-01"})
            ).status_code == 409  # fmt: skip
    taken = await bob.patch(path, json={"valid_from": two["valid_from"]}, headers={"If-Match": '"1"'})
    assert taken.status_code == 409
    done = await bob.patch(path, json={"years": 4, "rate": None}, headers={"If-Match": '"1"'})
    assert (done.status_code, done.headers["etag"]) == (200, '"2"')
    assert done.json() == {**one, "years": 4, "rate": None, "version": 2}
    assert (await bob.patch(path, json={"years": 5}, headers={"If-Match": '"1"'})).status_code == 412
    assert (await register(bob))["items"][0]["yearly"] == 3_750_000


async def test_when_a_rate_says_no_threshold_then_it_is_the_one_of_the_circular(house: House) -> None:
    bob = await house.person("bob", Role.PROVINCE_IT)
    await model()
    assert (await rate(bob))["threshold"] == 10_000_000


async def test_when_somebody_opens_the_register_then_it_says_the_day_the_sums_and_what_it_stands_on(
    house: House,
) -> None:
    bob = await house.person("bob", Role.PROVINCE_IT)
    ivan = await house.person("ivan", Role.INSPECTOR)
    ivan.cookies.set("language", "vi")
    empty = await ivan.get("/wear?as_of=2026-12-31")
    assert empty.status_code == 200
    assert "/wear/rates" in empty.text
    printer = await model()
    await rate(bob, source="Dữ liệu ví dụ <b>")
    await asset("A-1", printer, name="Máy in <script>")
    page = await ivan.get("/wear", params={"as_of": DAY, "site": OWN, "category": "", "worn_out": "", "q": ""})
    for words in ("31/12/2026", "15.000.000", "9.000.000", "6.000.000", "Hao mòn lũy kế", "Dữ liệu ví dụ &lt;b&gt;",
                  "Máy in &lt;script&gt;", "20\N{NO-BREAK SPACE}%"):  # fmt: skip
        assert words in page.text, words
    ivan.cookies.set("language", "en")
    assert "Accumulated wear" in (await ivan.get(f"/wear?as_of={DAY}")).text
    assert "No asset fits" in (await ivan.get("/wear?worn_out=true&as_of=2024-12-31")).text
    assert (await ivan.get("/wear?colour=red")).status_code == 400
    twin = (await ivan.get(f"/wear.json?as_of={DAY}")).json()
    assert (twin["as_of"], twin["totals"]["accumulated"], len(twin["rates"])) == (DAY, 9_000_000, 1)
