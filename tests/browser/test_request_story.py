"""A request from the clerk's telephone to the last machine: asked, approved, split three ways, received, printed."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Page

from assets import clock, db
from assets.access.actor import SYSTEM
from assets.access.permissions import Role
from assets.inventory import service as inventory
from assets.inventory.lifecycle import Stage as InventoryStage
from assets.places import service as places
from tests import web_world
from tests.browser.conftest import Stage, on_a_port
from tests.conftest import served
from tests.papers import Paper

PHONE = 360
SLOW = {"offline": False, "latency": 300, "downloadThroughput": 64_000 / 8, "uploadThroughput": 64_000 / 8}


@pytest.fixture
async def town(database: str, chromium: Browser) -> AsyncIterator[tuple[Stage, str]]:
    """The province with a store that has one printer and another centre with one unused; the donor's code."""
    web = await web_world.build()
    await web_world.person("carol", Role.PROVINCE_IT, "Bà C")
    async with db.transaction(db.EVERYTHING) as tx:
        await tx.execute("select setval('equipment_request_numbers', 3)")  # three are there already
        model = await tx.fetchval(
            "select m.id from asset_models m join asset_categories c on c.id = m.category where c.code = 'printer' limit 1"
        )
        home = await tx.fetchrow(
            "select s.id, s.code, s.unit from sites s join assets a on a.site = s.id where a.tag = $1", web.printer
        )
        donor = await tx.fetchval(
            "select code from sites where id <> $1 and kind = 'centre' order by code limit 1", home["id"]
        )
        unit = await tx.fetchval(
            "select code from administrative_units where id <> $1 order by code desc limit 1", home["unit"]
        )
        await tx.execute(
            "update grants set unit = null, site = $1 where \"user\" = (select id from users where name = 'alice')",
            home["id"],
        )
    await places.create_site(SYSTEM, unit=unit, code="KHO", kind="store", name="Kho tỉnh")
    for tag, site in (("STORE-1", "KHO"), ("SPARE-1", donor)):
        new = inventory.NewAsset(tag, model, site, stage=InventoryStage.IN_STOCK)
        await inventory.register(SYSTEM, new, now=clock.now())
    house = await served(second_factor="optional", demo=True)
    async with on_a_port(house.app) as url:
        yield Stage(url, web, chromium), donor
        for window in chromium.contexts:
            await window.close()


async def press(page: Page, button: str) -> None:
    await page.locator(f"main button:has-text('{button}'):visible").first.click()
    await page.wait_for_load_state()
    await well(page)


async def well(page: Page) -> None:
    """Nothing is wrong, and nothing scrolls sideways."""
    assert not await page.locator(".problem").count(), await page.locator(".problem").first.inner_text()
    assert await page.evaluate("document.documentElement.scrollWidth") <= await page.evaluate("window.innerWidth")


async def where(tag: str) -> tuple[str, str]:
    async with db.transaction(db.EVERYTHING) as tx:
        row = await tx.fetchrow(
            "select s.code, a.stage from assets a join sites s on s.id = a.site where a.tag = $1", tag
        )
    return row["code"], row["stage"]


async def test_from_the_wish_to_the_last_machine_and_its_paper(town: tuple[Stage, str]) -> None:
    stage, donor = town
    clerk = await stage.visitor("alice", width=PHONE)
    line = await clerk.context.new_cdp_session(clerk)
    await line.send("Network.enable")
    await line.send("Network.emulateNetworkConditions", SLOW)
    await clerk.goto(f"{stage.url}/equipment-requests/new", timeout=60_000)
    await clerk.locator('.pick:has(input[value="equipment:printer"])').click()
    await clerk.click("#bar-go")
    await clerk.fill('[name^="quantity_"]:visible', "3")
    await clerk.fill("#reason", "Mở thêm hai quầy, thiếu máy in")
    await clerk.locator(
        "main button:has-text('Gửi đề nghị'):visible"
    ).first.click()  # a script sends it, then goes there
    await clerk.wait_for_url("**/equipment-requests/4**", timeout=60_000)
    await well(clerk)

    chief = await stage.visitor("bob", width=PHONE)  # who decides and gives, on a telephone too
    await chief.goto(f"{stage.url}/equipment-requests/4")
    await chief.fill("#approved_1", "3")
    await press(chief, "Phê duyệt")
    assert await chief.input_value("#stock_1") == "1"  # what would be soonest is there already
    assert await chief.input_value(f"#transfer_1_{donor}") == "1"
    assert await chief.input_value("#purchase_1") == "1"
    await press(chief, "Lưu phương án cấp")

    await chief.goto(f"{stage.url}/purchases")
    await chief.fill("#title", "Mua máy in quý IV")
    await press(chief, "Lập đợt mua cho các mục đã chọn")
    await chief.fill("#supplier", "Công ty trình diễn")
    await press(chief, "Ghi nhận đã đặt mua")
    await chief.select_option("#model", index=1)
    await chief.fill("#serials", "VNB3A00001")
    await press(chief, "Nhập và chuyển đến các Trung tâm")
    await chief.goto(f"{stage.url}/transfers?state=draft")
    await chief.locator("a.row").first.click()
    await press(chief, "Gửi đi")

    await line.send("Network.emulateNetworkConditions", {**SLOW, "downloadThroughput": -1, "uploadThroughput": -1})
    await clerk.goto(f"{stage.url}/equipment-requests/4")
    coming = await clerk.locator('.parts a[href^="/transfers/"]:not(.button)').evaluate_all(
        "links => links.map(a => a.getAttribute('href'))"
    )
    assert len(coming) == 3
    for way in coming:
        await clerk.goto(stage.url + way)
        await press(clerk, "Xác nhận đã nhận")
    paper = await clerk.request.get(f"{stage.url}/api/v1{coming[0]}/papers/hand-over.pdf")
    assert "BIÊN BẢN BÀN GIAO" in Paper(await paper.body()).text()
    await clerk.goto(f"{stage.url}/equipment-requests/4")
    await press(clerk, "Xác nhận đã nhận")
    assert "Đã kết thúc" in await clerk.inner_text(".standing")
    home = (await where("STORE-1"))[0]
    assert [await where(tag) for tag in ("STORE-1", "SPARE-1", "MS-1-001")] == [(home, "in_use")] * 3
    async with db.transaction(db.EVERYTHING) as tx:
        assert home == await tx.fetchval(
            "select s.code from sites s join assets a on a.site = s.id where a.tag = $1", stage.web.printer
        )
