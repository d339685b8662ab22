"""Counting with a scanner on a telephone: the page says at once what a scan came to and how far the counting is."""

from playwright.async_api import Browser

from assets import clock, db
from assets.access.actor import SYSTEM
from assets.inventory.stocktakes.service import New, open_stocktake
from tests import web_world
from tests.browser.conftest import Stage, on_a_port
from tests.conftest import served


async def test_when_a_label_is_scanned_then_the_page_says_how_far_the_counting_is(
    database: str, chromium: Browser
) -> None:
    web = await web_world.build()
    async with db.transaction(db.EVERYTHING) as tx:
        site = await tx.fetchval(
            "select s.code from assets a join sites s on s.id = a.site where a.tag = $1", web.printer
        )
    number = await open_stocktake(SYSTEM, New(site), now=clock.now())
    house = await served(second_factor="optional", demo=True)
    async with on_a_port(house.app) as url:
        page = await Stage(url, web, chromium).visitor("bob", width=360)
        await page.goto(f"{url}/stocktakes/{number}")
        before = await page.inner_text("#standing")
        await page.fill("#tag", web.printer)
        await page.click("#scan button")
        await page.locator('#counts progress[value="1"]').wait_for(state="attached")
        assert before != await page.inner_text("#standing")
        assert web.printer in await page.inner_text("#told")
        await page.context.close()
