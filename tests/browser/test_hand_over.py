"""A transfer from its draft to its minutes: one asset taken out, received by a signed address on a telephone, with a photo."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page

from assets import clock, db
from assets.access.actor import SYSTEM
from assets.inventory import service as inventory
from assets.inventory.lifecycle import Stage as InventoryStage
from tests import web_world
from tests.browser.conftest import Stage, on_a_port
from tests.conftest import served
from tests.papers import Paper
from tests.pictures import png

PHONE = 360


async def fits(page: Page) -> None:
    wide = await page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert wide[0] <= wide[1], "nothing is to be pushed sideways"
    small = await page.locator("main :is(button, label.button):visible").evaluate_all(
        "all => all.filter(one => one.getBoundingClientRect().height < 44).map(one => one.innerText)"
    )
    assert not small, small


async def press(page: Page, button: str) -> None:
    await page.locator(f"main button:has-text('{button}'):visible").first.click()
    await page.wait_for_load_state()
    await fits(page)


@pytest.fixture
async def giving(database: str, chromium: Browser) -> AsyncIterator[tuple[Stage, str, str]]:
    """The province with a centre that has three printers to give, its code, and that of another one."""
    web = await web_world.build()
    async with db.transaction(db.EVERYTHING) as tx:
        home = await tx.fetchrow(
            "select s.id, s.code, a.model from sites s join assets a on a.site = s.id where a.tag = $1", web.printer
        )
        other = await tx.fetchval("select code from sites where id <> $1 and kind = 'centre' order by code", home["id"])
    for at in range(3):
        new = inventory.NewAsset(f"GO-{at}", home["model"], home["code"], stage=InventoryStage.IN_STOCK)
        await inventory.register(SYSTEM, new, now=clock.now())
    house = await served(second_factor="optional", demo=True)
    async with on_a_port(house.app) as url:
        yield Stage(url, web, chromium), home["code"], other
        for window in chromium.contexts:
            await window.close()


async def test_from_a_draft_to_the_minutes_by_a_signed_address_on_a_telephone(
    giving: tuple[Stage, str, str], tmp_path: Path
) -> None:
    stage, here, there = giving
    photo = tmp_path / "anh.png"
    photo.write_bytes(png(40, 30))
    keeper = await stage.visitor("bob", width=PHONE)
    await keeper.goto(f"{stage.url}/transfers/new?from={here}")
    await keeper.select_option("#to_site", there)
    await keeper.fill("#tags", "GO-0\nGO-1\nGO-2")
    await press(keeper, "Lưu bản nháp")
    transfer = keeper.url
    await keeper.locator("li", has_text="GO-1").get_by_text("Đưa ra khỏi phiếu này").click()
    await keeper.locator("li", has_text="GO-1").get_by_role("textbox").fill("Giữ lại cho quầy 2")
    await press(keeper, "Đưa ra khỏi phiếu")
    last = keeper.locator(".parcel > li").last
    assert "GO-1" in await last.inner_text()
    assert "Đã đưa ra khỏi phiếu" in await last.inner_text()
    await press(keeper, "Gửi đi")
    await press(keeper, "Tạo đường dẫn cho bên nhận")
    assert "2 tài sản" in await keeper.inner_text(".poster")
    address = "/h/" + (await keeper.inner_text(".secret")).rpartition("/h/")[2]

    stranger = await stage.visitor(width=PHONE)
    await stranger.goto(stage.url + address)
    await fits(stranger)
    assert "GO-1" not in await stranger.inner_text("main")
    broken = stranger.locator("fieldset", has_text="GO-2")
    await broken.get_by_label("Đã nhận, bị hư hỏng").check()
    await stranger.fill("#name", "Bà Nhận")
    await stranger.locator("fieldset", has_text="GO-0").locator("input[type=file]").set_input_files(photo)
    await press(stranger, "Xác nhận")
    assert "Ảnh cần được chọn lại" in await stranger.inner_text("main")  # what is wrong with GO-2 was not said
    await broken.get_by_label("Vấn đề là gì?").fill("Vỡ góc")
    await stranger.locator("fieldset", has_text="GO-0").locator("input[type=file]").set_input_files(photo)
    await press(stranger, "Xác nhận")
    assert "Bà Nhận đã xác nhận" in await stranger.inner_text("main")

    await keeper.goto(transfer)
    await fits(keeper)
    shown = keeper.locator(".parcel > li", has_text="GO-0").get_by_role("img")
    await shown.scroll_into_view_if_needed()
    await shown.evaluate("image => image.decode()")  # it is there, and a picture
    printed = await keeper.request.get(stage.url + transfer.replace(stage.url, "/api/v1") + "/papers/hand-over.pdf")
    words = " ".join(Paper(await printed.body()).text().split())
    assert "GO-0" in words
    assert "Vỡ góc" in words
    assert "Bà Nhận" in words
    assert "GO-1" not in words
