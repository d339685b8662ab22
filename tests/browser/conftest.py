"""A real browser (Debian's chromium) before the pages on a real socket."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvicorn
from litestar import Litestar
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

from tests import web_world
from tests.conftest import need
from tests.web_world import PASSWORD, Web

START_SECONDS_MAX = 60
expect.set_options(timeout=30_000)  # as all that waits in Playwright, and not a sixth of it


@dataclass
class Stage:
    """The pages as they are served, and a browser to look at them."""

    url: str
    web: Web
    browser: Browser

    async def visitor(
        self, name: str = "", *, width: int = 1280, scripts: bool = True, language: str = "vi", by_hand: bool = False
    ) -> Page:
        """A fresh window, signed in when a name is given: by the form itself, or by what it sends alone."""
        window: BrowserContext = await self.browser.new_context(
            viewport={"width": width, "height": 900}, java_script_enabled=scripts, locale=language
        )
        page = await window.new_page()
        if name and not by_hand:
            form = {"name": name, "password": PASSWORD}
            answer = await window.request.post(f"{self.url}/sign-in", form=form, max_redirects=0)
            assert answer.status == 303, await answer.text()
        elif name:
            await page.goto(f"{self.url}/sign-in")
            await page.fill("#name", name)
            await page.fill("#password", PASSWORD)
            await page.click("main button")
            await page.wait_for_url(lambda address: "sign-in" not in address)
        return page


@pytest.fixture(scope="session")
async def chromium() -> AsyncIterator[Browser]:
    """One browser for all tests; each visitor has a window of its own, with nothing in it."""
    program = need("/usr/bin/chromium", "apt-get install chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        await browser.close()


@pytest.fixture
async def stage(database: str, tmp_path: Path, chromium: Browser) -> AsyncIterator[Stage]:
    """The province of tests.web_world on a free port of loopback."""
    web = await web_world.build()
    async with on_a_port(web_world.app(tmp_path, demo=True)) as url:
        yield Stage(url, web, chromium)
        for window in chromium.contexts:
            await window.close()


@asynccontextmanager
async def on_a_port(app: Litestar) -> AsyncIterator[str]:
    """Serve it on loopback; yields its address."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
        running = asyncio.create_task(server.serve(sockets=[listener]))
        async with asyncio.timeout(START_SECONDS_MAX):
            while not server.started:
                await asyncio.sleep(0.02)
        yield f"http://127.0.0.1:{port}"
        server.should_exit = True
        await running
