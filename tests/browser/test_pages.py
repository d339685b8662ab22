"""The pages in a real browser: live, without scripts, by keyboard, on a narrow screen, and with nothing from outside."""

import re
from datetime import date

from playwright.async_api import ConsoleMessage, Page, Request, expect

from assets import db
from assets.access.actor import SYSTEM
from assets.db import EVERYTHING
from assets.inventory import wear_rates
from tests.browser.conftest import Stage

NARROW, ZOOMED, WALL = 360, 640, 1920  # 640 is 1280 at 200 %
POLL_MS = 10_500


def addresses(stage: Stage) -> list[str]:
    web = stage.web
    return [
        "/", f"/sites/{web.limited}", f"/sites/{web.unable}", f"/sites/{web.unknown}", f"/assets/{web.printer}",
        f"/assets/{web.scanner}", "/incidents", f"/incidents/{web.incident}", "/-/system", "/nothing",
    ]  # fmt: skip


async def test_when_pages_are_shown_then_nothing_comes_from_outside_and_nothing_breaks_the_policy(stage: Stage) -> None:
    page = await stage.visitor("bob")
    wrongs: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and "404" not in message.text:
            wrongs.append(message.text)

    def look(request: Request) -> None:
        if not request.url.startswith((stage.url, "data:")):
            wrongs.append(request.url)

    page.on("console", hear)
    page.on("request", look)
    page.on("pageerror", lambda error: wrongs.append(str(error)))
    for address in addresses(stage):
        await page.goto(stage.url + address)
        assert await page.evaluate("typeof htmx") == "object" or address == "/nothing"
    assert not wrongs


async def test_when_a_centre_fails_then_the_open_overview_shows_it_without_a_reload(stage: Stage) -> None:
    page = await stage.visitor("bob")
    await page.clock.install()
    await page.goto(stage.url)
    await page.evaluate("window.untouched = true")
    assert "2 không phục vụ được" in await sentence(page)
    async with db.transaction(EVERYTHING) as tx:
        await tx.execute(
            "update readiness set verdict = 'unable' where site = (select id from sites where code = $1)",
            stage.web.able,
        )
    await page.clock.fast_forward(POLL_MS)
    await page.locator(".sentence a.down strong", has_text="3").wait_for()
    assert "3 không phục vụ được" in await sentence(page)
    assert await page.evaluate("window.untouched")


async def sentence(page: Page) -> str:
    return re.sub(r"\s+", " ", await page.inner_text(".sentence"))


async def test_when_the_service_goes_away_then_the_old_figures_stay_and_say_how_old_they_are(stage: Stage) -> None:
    page = await stage.visitor("bob")
    await page.clock.install()
    await page.goto(stage.url)
    await page.route("**/*", lambda route: route.fulfill(status=503, body="<h1>gone</h1>", content_type="text/html"))
    await page.clock.fast_forward(POLL_MS)
    await page.wait_for_selector("#stale:not([hidden])")
    assert re.search(r"lúc \d\d:\d\d", await page.inner_text("#stale"))
    assert "87 sẵn sàng" in await sentence(page)
    await page.unroute("**/*")
    await page.clock.fast_forward(POLL_MS)
    await page.wait_for_selector("#stale", state="hidden")


async def test_when_the_session_ends_meanwhile_then_the_page_goes_to_the_sign_in(stage: Stage) -> None:
    page = await stage.visitor("bob")
    await page.clock.install()
    await page.goto(stage.url)
    async with db.transaction(EVERYTHING) as tx:
        await tx.execute("delete from sessions")
    await page.clock.fast_forward(POLL_MS)
    await page.wait_for_url("**/sign-in")


async def test_when_scripts_are_off_then_search_filter_and_acknowledging_still_work(stage: Stage) -> None:
    page = await stage.visitor("bob", scripts=False, by_hand=True)
    await page.fill("#place", "ly son")
    await page.press("#place", "Enter")
    await expect(page.locator(".centres tbody tr")).to_have_count(1)
    await page.click("text=Hiện tất cả")
    await page.click(".sentence a.degraded")
    await expect(page.locator(".centres tbody tr")).to_have_count(6)
    await page.goto(f"{stage.url}/incidents/{stage.web.incident}")
    await page.click("text=Xác nhận đã tiếp nhận")
    await expect(page.locator("main")).to_contain_text("Ông B đã tiếp nhận")
    await page.click("button[value=en]")
    assert "Ông B has it" in await page.inner_text("main")
    assert await page.get_attribute("html", "lang") == "en"


async def fits(page: Page, address: str) -> None:
    """Open it and see that nothing scrolls sideways, however wide the window; the narrowest is left open."""
    await page.goto(address)
    for width in (WALL, 1280, 1200, ZOOMED, NARROW):
        await page.set_viewport_size({"width": width, "height": 900})
        over = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert over == 0, (address, width)


async def test_when_the_screen_is_narrow_or_wide_then_no_page_scrolls_sideways(stage: Stage) -> None:
    page = await stage.visitor("bob", width=NARROW)
    for address in addresses(stage):
        await fits(page, stage.url + address)


async def test_when_the_audit_log_is_open_then_it_fits_the_screen_and_its_links_lead_on(stage: Stage) -> None:
    page = await stage.visitor("root", width=NARROW)
    for address in ("/audit", "/audit?q=nothing-like-this", "/audit?subject_kind=site"):
        await fits(page, stage.url + address)
    assert await page.locator(".trail tbody tr").count() == 50
    await page.locator(".trail th a").first.click()
    await page.wait_for_url("**subject=**")
    await expect(page.locator(".trail tbody tr")).to_have_count(1)
    await page.select_option("#subject_kind", "asset")
    await page.click(".filters button")
    await expect(page.locator("main")).to_contain_text("Không có mục nào phù hợp.")


async def test_when_the_register_of_wear_is_open_then_it_fits_the_screen_and_can_be_narrowed(stage: Stage) -> None:
    async with db.transaction(EVERYTHING) as tx:
        await tx.execute("update assets set original_cost = 9990000000, put_into_use = '2022-03-01'")
    await wear_rates.add_rate(SYSTEM, wear_rates.NewRate("printer", 7, date(2020, 1, 1), 1429, source="Ví dụ " * 40))
    page = await stage.visitor("ivan", width=NARROW)
    await page.goto(stage.url)
    await page.click("header nav a[href='/assets']")
    await page.click("nav.tabs a[href='/wear']")
    for address in ("/wear?as_of=2026-12-31", "/wear?q=nothing-like-this", f"/wear?site={stage.web.limited}"):
        await fits(page, stage.url + address)
    await page.goto(f"{stage.url}/wear?as_of=2026-12-31&site={stage.web.limited}")
    await page.select_option("#category", "printer")
    await page.click(".filters button")
    row = page.locator(".wear tbody tr").first
    await expect(row.locator("td.gone")).to_have_text(re.compile(r"7[.,]137[.,]855[.,]000"))
    assert f"site={stage.web.limited}" in page.url


async def test_when_a_clerk_uses_a_phone_then_what_they_touch_is_large_enough(stage: Stage) -> None:
    page = await stage.visitor("alice", width=NARROW, by_hand=True)
    assert f"/sites/{stage.web.limited}" in page.url
    small = await page.evaluate(
        "[...document.querySelectorAll('button, input:not([type=hidden]), .button, nav a, a.row')].filter(e => {"
        "const at = (e.matches('a.row') ? e.closest('tr') : e).getBoundingClientRect();"
        "return at.width && (at.height < 44 || at.width < 32) }).map(e => e.outerHTML.slice(0, 90))"
    )
    assert small == []
    assert float((await page.evaluate("getComputedStyle(document.body).fontSize")).removesuffix("px")) >= 18


async def test_when_only_the_keyboard_is_used_then_the_first_stop_skips_to_the_content(stage: Stage) -> None:
    page = await stage.visitor("bob")
    await page.goto(stage.url)
    await page.keyboard.press("Tab")
    assert await page.evaluate("document.activeElement.className") == "skip"
    await page.keyboard.press("Enter")
    assert await page.evaluate("document.activeElement.id") == "main"
    await page.keyboard.press("/")
    assert await page.evaluate("document.activeElement.id") == "search"
    for _ in range(40):
        await page.keyboard.press("Tab")
        if await page.evaluate("document.activeElement.matches('a.row')"):
            break
    ring = await page.evaluate("getComputedStyle(document.activeElement, '::after').outlineStyle")
    assert ring == "solid"
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/sites/*")


async def test_when_a_state_is_shown_then_it_has_a_shape_and_a_word_beside_its_colour(stage: Stage) -> None:
    page = await stage.visitor("bob")
    for address in addresses(stage):
        await page.goto(stage.url + address)
        bare = await page.evaluate(
            "[...document.querySelectorAll('.state, .counts li, .sentence a')]"
            ".filter(e => !e.querySelector('svg.shape') || !e.textContent.trim()).length"
        )
        assert bare == 0
