"""Asking for things on a telephone: several kinds on one screen, a draft that survives, a request that arrives once."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Page, Route, expect

from assets import db
from assets.access.permissions import Role
from tests import web_world
from tests.browser.conftest import Stage, on_a_port
from tests.conftest import served
from tests.pictures import png
from tests.web_world import PASSWORD

NEW = "/equipment-requests/new"


@pytest.fixture
async def phone(database: str, chromium: Browser) -> AsyncIterator[tuple[Page, str]]:
    """Alice's telephone at her centre, and the address of the service."""
    web = await web_world.build()
    await web_world.person("carol", Role.CLERK, "Bà C", unit=web.limited)
    async with db.transaction(db.EVERYTHING) as tx:
        await tx.execute("select setval('equipment_request_numbers', 3)")  # three are there already
    house = await served(second_factor="optional", demo=True)
    async with on_a_port(house.app) as url:
        page = await Stage(url, web, chromium).visitor("alice", width=360)
        yield page, url
        await page.context.close()


async def choose(page: Page, url: str) -> None:
    """A printer, an account and a repair, with what has to be said of them."""
    await page.goto(url + NEW)
    for thing in ("equipment:printer", "capability:account:hotich"):
        await page.locator(f'.pick:has(input[value="{thing}"])').click()
    await page.locator('.group[data-kind="repair"] .pick').first.click()
    await page.click("#bar-go")
    await page.fill('[data-thing="equipment:printer"] [name^="quantity_"]', "2")
    await page.fill('[data-thing="capability:account:hotich"] [name^="holder_post_"]', "Công chức tư pháp")
    await page.fill("#reason", "Mở quầy 5 <b>")


async def requests() -> list[tuple[str, int]]:
    """Each request since, with how many lines it has."""
    async with db.transaction(db.EVERYTHING) as tx:
        rows = await tx.fetch(
            "select r.reason, count(*) as n from equipment_requests r join equipment_request_lines l on l.request = r.id "
            "where r.number > 3 group by r.id, r.reason"
        )
    return [(row["reason"], row["n"]) for row in rows]


async def test_when_a_draft_was_begun_then_it_survives_and_belongs_to_whoever_wrote_it(phone: tuple[Page, str]) -> None:
    page, url = phone
    await choose(page, url)
    await expect(page.locator('[data-thing="equipment:printer"] .known')).to_contain_text("Đang sử dụng tại trung tâm")
    assert await page.evaluate("document.documentElement.scrollWidth") <= 360
    await page.reload()
    await page.click("#offer .button:not(.second)")
    assert await page.input_value('[data-thing="equipment:printer"] [name^="quantity_"]') == "2"
    assert (
        await page.input_value('[data-thing="capability:account:hotich"] [name^="holder_post_"]') == "Công chức tư pháp"
    )
    assert await page.input_value("#reason") == "Mở quầy 5 <b>"
    await page.click('form[action="/sign-out"] button')
    await page.goto(f"{url}/sign-in")
    await page.fill("#name", "carol")
    await page.fill("#password", PASSWORD)
    await page.click("main button")
    await page.wait_for_url(lambda address: "sign-in" not in address)
    await page.goto(url + NEW)
    await expect(page.locator("#bar")).to_be_hidden()
    assert "Mở quầy" not in await page.content()
    assert await page.locator("#offer .notice").count() == 0


async def test_when_three_things_are_sent_without_a_network_then_one_request_arrives(phone: tuple[Page, str]) -> None:
    page, url = phone
    await choose(page, url)
    await page.set_input_files("#photo", [{"name": "a.png", "mimeType": "image/png", "buffer": png()}])
    await expect(page.locator("#thumbs img")).to_have_count(1)
    await page.context.set_offline(True)
    await page.click("#chosen .button:not(.second)")
    await expect(page.locator("#queue")).to_contain_text("Chưa gửi được – sẽ gửi lại khi có mạng")
    assert await requests() == []
    await page.context.set_offline(False)
    await expect(page.locator(".arrived")).to_contain_text("Đã gửi")
    await page.goto(f"{url}/equipment-requests")
    assert await page.locator("#queue .notice").count() == 0
    async with db.transaction(db.EVERYTHING) as tx:
        assert await tx.fetchval("select count(*) from attachments where subject_kind = 'equipment_request'") == 1
    assert await requests() == [("Mở quầy 5 <b>", 3)]


async def test_when_the_answer_is_lost_on_the_way_then_the_request_still_arrives_once(phone: tuple[Page, str]) -> None:
    page, url = phone
    await choose(page, url)

    async def lose(route: Route) -> None:
        if route.request.method == "POST":
            await route.fetch(max_redirects=0)
            await route.abort()
        else:
            await route.continue_()

    await page.route("**/equipment-requests/new", lose)
    await page.click("#chosen .button:not(.second)")
    await expect(page.locator("#queue")).to_contain_text("Chưa gửi được")
    assert await requests() == [("Mở quầy 5 <b>", 3)], "it has arrived, and nobody here knows"
    await page.unroute("**/equipment-requests/new")
    await page.goto(f"{url}/equipment-requests")
    await expect(page.locator(".arrived a")).to_have_attribute("href", f"{url}/equipment-requests/4?done=sent")
    assert await requests() == [("Mở quầy 5 <b>", 3)]


async def test_when_something_is_wrong_then_it_is_said_beside_the_field_and_what_was_typed_stays(
    phone: tuple[Page, str],
) -> None:
    page, url = phone
    await choose(page, url)
    await page.fill('[data-thing="capability:account:hotich"] [name^="holder_post_"]', "")
    await page.click("#chosen .button:not(.second)")
    field = page.locator('[data-thing="capability:account:hotich"] [name^="holder_post_"]')
    await expect(field).to_have_attribute("aria-invalid", "true")
    await expect(page.locator('[data-thing="capability:account:hotich"] .wrong')).to_contain_text("Xin ghi cấp cho ai")
    await expect(field).to_be_focused()
    assert await page.input_value("#reason") == "Mở quầy 5 <b>"
    await field.fill("Công chức tư pháp")
    await page.click("#chosen .button:not(.second)")
    await page.wait_for_url(lambda address: address.endswith("done=sent"))
    assert await requests() == [("Mở quầy 5 <b>", 3)]
