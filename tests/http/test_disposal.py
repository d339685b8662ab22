"""What may be disposed of, over HTTP and as pages: the list agrees with the rule, quotations, rates and their forms."""

import random
from datetime import date, timedelta
from typing import Any

import httpx2
import pytest

from assets import clock
from assets.access.permissions import Role
from assets.inventory.disposal.eligible import Facts, judge
from assets.inventory.lifecycle import Stage
from assets.inventory.wear import Rule
from tests.conftest import House
from tests.http.test_wear import FOREIGN, OWN, asset, model, rate, tags

LATER = "2026-12-31"


async def quoted(client: httpx2.AsyncClient, tag: str, amount: int, **said: Any) -> httpx2.Response:
    new = {"amount": amount, "supplier": "Cửa hàng A", "quoted_on": clock.today().isoformat()} | said
    return await client.post(f"/api/v1/assets/{tag}/repair-quotations", json=new)


async def candidates(client: httpx2.AsyncClient, **asked: Any) -> Any:
    answer = await client.get("/api/v1/disposal-candidates", params={"as_of": LATER, **asked})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_when_the_list_is_asked_for_then_it_holds_what_the_rule_says_and_why(house: House) -> None:
    bob = await house.person("bob", Role.PROVINCE_IT)
    models = {category: await model(category) for category in ("printer", "ups")}
    await rate(bob, valid_from="2010-01-01")
    dice, expected = random.Random(30), dict[str, list[str]]()
    today, day = clock.today(), date.fromisoformat(LATER)
    for number in range(40):
        tag, category = f"A-{number}", dice.choice(list(models))
        cost = dice.choice((None, 9_000_000, 10_000_000, 20_000_001))
        used = dice.choice((None, date(2019, 12, 31), date(2021, 12, 31), date(2022, 1, 1), date(2025, 1, 1)))
        state, quotation = (
            dice.choice(("good", "broken")),
            dice.choice((None, 3_000_000, 3_000_001, 6_000_000, 6_000_001)),
        )
        await asset(tag, models[category], original_cost=cost, put_into_use=used, physical_state=state)
        if quotation:
            assert (await quoted(bob, tag, 1, quoted_on=(today - timedelta(days=9)).isoformat())).status_code == 201
            assert (await quoted(bob, tag, quotation)).status_code == 201
        rule = Rule(5, 10_000_000, 2000) if category == "printer" and used else None
        if grounds := judge(Facts(state, cost, used, rule, quotation), day).grounds:
            expected[tag] = list(grounds)
    found = await candidates(bob, limit=1000)
    assert {row["tag"]: row["grounds"] for row in found["items"]} == expected
    assert 3 < len(expected) < 40
    assert found["share"]["repair_percent"] == 30
    for ground in ("life_over", "repair_too_dear"):
        some = await candidates(bob, limit=1000, **{ground: "true"})
        assert set(tags(some)) == {tag for tag, grounds in expected.items() if ground in grounds}
    file = await bob.get(f"/api/v1/exports/disposal-candidates.csv?as_of={LATER}")
    assert len(file.text.strip().splitlines()) == len(expected) + 1


async def test_when_the_province_changes_the_share_then_it_holds_from_its_day_on(house: House) -> None:
    bob = await house.person("bob", Role.PROVINCE_IT)
    await asset("A-1", await model(), physical_state="broken", original_cost=10_000_000)
    await quoted(bob, "A-1", 4_000_000)
    assert tags(await candidates(bob)) == ["A-1"]
    rule = {"repair_percent": 50, "valid_from": "2026-12-01", "source": "QĐ ví dụ"}
    made = await bob.post("/api/v1/disposal-rules", json=rule)
    assert (made.status_code, made.headers["etag"]) == (201, '"1"')
    assert tags(await candidates(bob)) == []
    assert tags(await candidates(bob, as_of="2026-11-30")) == ["A-1"]
    path = f"/api/v1/disposal-rules/{made.json()['id']}"
    assert (await bob.patch(path, json={"repair_percent": 40})).status_code == 428
    assert (await bob.patch(path, json={"repair_percent": 39}, headers={"If-Match": '"1"'})).json()["version"] == 2
    assert (await bob.patch(path, json={"repair_percent": 1}, headers={"If-Match": '"1"'})).status_code == 412
    assert tags(await candidates(bob)) == ["A-1"]
    assert (await bob.post("/api/v1/disposal-rules", json=rule)).status_code == 409
    assert (await bob.post("/api/v1/disposal-rules", json=rule | {"repair_percent": 0})).status_code == 400


async def test_when_a_quotation_cannot_be_one_then_the_field_is_named_and_nothing_is_kept(house: House) -> None:
    bob = await house.person("bob", Role.PROVINCE_IT)
    near = await house.person("near", Role.STOREKEEPER, unit=OWN)
    printer, today = await model(), clock.today()
    await asset("A-1", printer)
    await asset("A-2", printer, site=FOREIGN)
    await asset("GONE", printer, stage=Stage.DISPOSED)
    for said, field in (
        ({"amount": 0}, "amount"), ({"supplier": " "}, "supplier"), ({"quoted_on": "2026-02-30"}, "quoted_on"),
        ({"quoted_on": (today + timedelta(days=1)).isoformat()}, "quoted_on"), ({"quoted_on": "1999-01-01"}, "quoted_on"),
    ):  # fmt: skip
        answer = await quoted(bob, "A-1", **({"amount": 5} | said))
        assert (answer.status_code, [e["field"] for e in answer.json()["errors"]]) == (400, [field]), answer.text
    assert (await quoted(bob, "GONE", 5)).status_code == 409
    assert (await quoted(near, "A-2", 5)).json() == (await quoted(near, "A-0", 5)).json()
    assert (await bob.get("/api/v1/repair-quotations")).json()["total"] == 0
    assert (await quoted(near, "a-1", 5)).status_code == 201
    [line] = [row for row in (await bob.get("/assets/A-1.json")).json()["timeline"] if row["kind"] == "repair_quoted"]
    assert line["text"] == "5 đ · Cửa hàng A"


async def test_when_somebody_uses_the_pages_then_they_say_the_reasons_and_take_quotations(house: House) -> None:
    bob = await house.person("bob", Role.PROVINCE_IT)
    ivan = await house.person("ivan", Role.ACCOUNTANT, unit=OWN)
    printer = await model()
    await rate(bob, valid_from="2010-01-01")
    await asset("A-1", printer, name="Máy in <b>", put_into_use=date(2018, 1, 1))
    await asset("A-2", printer, site=FOREIGN, put_into_use=date(2018, 1, 1))
    bob.cookies.set("language", "vi")
    page = (await bob.get("/wear/disposal")).text
    for words in ("Máy in &lt;b&gt;", "hết thời gian sử dụng", "Tài sản cố định", "30\N{NO-BREAK SPACE}%", "186/2025",
                  "<td class=\"place\">Phường Cẩm Thành</td>", "/api/v1/exports/disposal-candidates.xlsx?"):  # fmt: skip
        assert words in page, words
    own = (await ivan.get("/wear/disposal")).text
    assert ("A-1" in own, "A-2" in own, "/wear/quotations" in own) == (True, False, False)
    form = {"tag": "A-1", "amount": "4.000.000", "supplier": "Cửa hàng", "quoted_on": clock.today().isoformat()}
    assert (await bob.post("/wear/quotations", data=form, follow_redirects=False)).status_code == 303
    for wrong in ({"amount": "bốn triệu"}, {"supplier": ""}, {"quoted_on": "hôm nay"}, {"tag": "A-0"}):
        answer = await bob.post("/wear/quotations", data=form | wrong)
        assert answer.status_code in (400, 404), wrong
        assert 'aria-invalid="true"' in answer.text, wrong
        assert "Cửa hàng" in answer.text or wrong == {"supplier": ""}, "what was typed stays"
    assert (await bob.get("/api/v1/repair-quotations")).json()["total"] == 1


async def test_when_the_province_writes_rates_on_the_page_then_the_register_follows(house: House) -> None:
    bob = await house.person("bob", Role.PROVINCE_IT)
    near = await house.person("near", Role.STOREKEEPER, unit=OWN)
    await asset("A-1", await model(), put_into_use=date(2025, 3, 1), original_cost=14_000_000)
    form = {"category": "printer", "years": "7", "rate": "14,29", "threshold": "10.000.000", "valid_from": "2025-01-01"}
    assert (await near.post("/wear/rates", data=form)).status_code == 403
    assert "<form" not in (await near.get("/wear/rates")).text.partition("<main")[2]
    assert (await bob.post("/wear/rates", data=form, follow_redirects=False)).status_code == 303
    [made] = (await bob.get("/api/v1/wear-rates")).json()["items"]
    assert (made["rate"], made["threshold"]) == (1429, 10_000_000)
    for wrong, field in (({"rate": "14,299"}, "rate"), ({"rate": "50"}, "rate"), ({"years": "x"}, "years"),
                         ({"category": "ship"}, "category"), ({"valid_from": ""}, "valid_from"), ({}, "valid_from")):  # fmt: skip
        refused = await bob.post("/wear/rates", data=form | wrong)
        assert refused.status_code in (400, 409), wrong
        assert f'aria-describedby="wrong-{field}"' in refused.text, wrong
    edit = (await bob.get(f"/wear/rates?edit={made['id']}")).text
    assert 'value="14.29"' in edit or 'value="14,29"' in edit
    path, changed = f"/wear/rates/{made['id']}", {k: v for k, v in form.items() if k != "category"}
    assert (
        await bob.post(path, data=changed | {"version": "1", "rate": ""}, follow_redirects=False)
    ).status_code == 303
    stale = await bob.post(path, data=changed | {"version": "1", "source": "Văn bản X"})
    assert stale.status_code == 412
    assert "Văn bản X" in stale.text
    assert (await bob.get(f"/api/v1/wear?as_of={LATER}")).json()["items"][0]["yearly"] == 2_000_000


async def test_when_a_register_is_long_then_the_screen_has_pages_and_paper_has_all(house: House) -> None:
    bob = await house.person("bob", Role.PROVINCE_IT)
    printer = await model()
    for number in range(52):
        await asset(f"A-{number:02}", printer)
    page = (await bob.get(f"/wear?as_of={LATER}&q=a-")).text
    assert (page.count('class="row"'), "rows for printing" in page, "cursor=" in page) == (50, True, True)
    whole = (await bob.get(f"/wear?as_of={LATER}&q=a-&limit=1000")).text
    assert (whole.count('class="row"'), "rows for printing" in whole) == (52, False)


@pytest.mark.parametrize("edit", ["x", "%00", "1"])
async def test_when_what_shall_be_edited_is_nonsense_then_it_is_refused(house: House, edit: str) -> None:
    bob = await house.person("bob", Role.PROVINCE_IT)
    assert (await bob.get(f"/wear/rates?edit={edit}")).status_code == 400
