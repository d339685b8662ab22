"""A fault is reported from a phone on a bad line: from the label to the answer in a minute and a few taps."""

import io
import time
from collections.abc import AsyncIterator

import pytest
import segno
from playwright.async_api import Browser, Page

from assets import db
from assets.access.actor import SYSTEM
from assets.incidents.faults import kinds
from assets.web import static
from tests import web_world
from tests.browser.conftest import Stage, on_a_port
from tests.conftest import missing, served

PHONE = 360
LINE = {"offline": False, "latency": 300, "downloadThroughput": 64_000 / 8, "uploadThroughput": 64_000 / 8}
TAPS_MAX, SECONDS_MAX, BYTES_MAX = 4, 60, 60_000


@pytest.fixture
async def phones(database: str, chromium: Browser) -> AsyncIterator[Stage]:
    """The whole service with the faults that ship, and the clerk of the printer's centre."""
    web = await web_world.build()
    await kinds.add_default_kinds(SYSTEM)
    async with db.transaction(db.EVERYTHING) as tx:
        await tx.execute(
            'update grants set unit = null, site = (select site from assets where tag = $1) where "user" = '
            "(select id from users where name = 'alice')", web.printer,
        )  # fmt: skip
    house = await served(second_factor="optional", demo=True)
    async with on_a_port(house.app) as url:
        yield Stage(url, web, chromium)
        for window in chromium.contexts:
            await window.close()


async def test_from_the_label_on_a_slow_line_a_fault_is_reported_in_a_minute(phones: Stage) -> None:
    page = await phones.visitor("alice", width=PHONE)
    line = await page.context.new_cdp_session(page)
    taken: list[int] = []
    line.on("Network.loadingFinished", lambda event: taken.append(event["encodedDataLength"]))
    await line.send("Network.enable")
    await line.send("Network.setCacheDisabled", {"cacheDisabled": True})
    await line.send("Network.emulateNetworkConditions", LINE)
    began, taps = time.monotonic(), 1  # the camera of the phone opens what the label holds
    await page.goto(f"{phones.url}/t/{phones.web.printer}", timeout=SECONDS_MAX * 1_000)
    assert sum(taken) <= BYTES_MAX, taken
    for wanted in ("text=Kẹt giấy", "text=Gửi báo hỏng"):
        taps += 1
        await page.locator(wanted).click()
    await page.wait_for_url("**/fault-reports/**", timeout=SECONDS_MAX * 1_000)
    assert "Đã báo lúc" in await page.inner_text("h1")
    assert await page.inner_text(".holder")
    assert (taps <= TAPS_MAX, time.monotonic() - began < SECONDS_MAX) == (True, True), (taps, time.monotonic() - began)
    assert await wide(page) == PHONE
    async with db.transaction(db.EVERYTHING) as tx:
        assert await tx.fetchval("select fault from declarations where ended_at is null and incident is not null") == (
            "paper-jam"
        )


async def wide(page: Page) -> int:
    return int(await page.evaluate("document.documentElement.scrollWidth"))


async def test_without_scripts_it_is_as_many_taps(phones: Stage) -> None:
    page = await phones.visitor("alice", width=PHONE, scripts=False)
    await page.goto(f"{phones.url}/report")
    await page.fill("#tag", phones.web.printer.lower())
    await page.click("#by-tag button")
    await page.click("text=Kẹt giấy")
    await page.click("text=Gửi báo hỏng")
    assert "Đã báo lúc" in await page.inner_text("h1")


async def test_when_the_label_is_photographed_then_its_tag_need_not_be_typed(phones: Stage) -> None:
    if not static.has("vendor/zxing-reader.wasm"):
        missing("zxing-wasm is missing: scripts/setup.sh fetches it")
    page = await phones.visitor("alice", width=PHONE)
    await page.goto(f"{phones.url}/report")
    picture = io.BytesIO()
    segno.make_qr(f"https://vi.du/t/{phones.web.printer}").save(picture, kind="png", scale=6, border=8)
    await page.set_input_files("#picture", {"name": "a.png", "mimeType": "image/png", "buffer": picture.getvalue()})
    await page.wait_for_url(f"**/assets/{phones.web.printer}/report")
    await page.goto(f"{phones.url}/report")
    blank = io.BytesIO()
    segno.make_qr("x").save(blank, kind="png", scale=6, dark="white")
    await page.set_input_files("#picture", {"name": "b.png", "mimeType": "image/png", "buffer": blank.getvalue()})
    await page.locator("#scan-told").wait_for(state="visible")
    assert "Không tìm thấy mã trong ảnh" in await page.inner_text("#scan-told")
