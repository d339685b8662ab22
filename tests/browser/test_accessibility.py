"""axe-core finds nothing to complain about on any page, in both languages, on a phone and on a screen."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest
from axe_playwright_python.async_playwright import Axe
from litestar.routes import HTTPRoute
from playwright.async_api import Browser

from assets import clock, db
from assets.access.actor import SYSTEM
from assets.access.permissions import Role
from assets.incidents.faults import kinds
from assets.incidents.faults import service as faults
from assets.inventory.transfers import service as transfers
from assets.inventory.transfers.service import NewTransfer
from assets.web.language import LANGUAGES
from tests import web_world
from tests.browser.conftest import Stage, on_a_port
from tests.conftest import connected, empty, served

pytestmark = pytest.mark.long

PHONE, SCREEN = 360, 1280
LOOKS = [("vi", PHONE), ("en", SCREEN), ("vi", SCREEN), ("en", PHONE)]
# The rules of WCAG 2.2 up to AA, and what axe knows of good practice beyond them.
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# What is no page to read: files, documents for programs, and where signing in goes on only half-way.
NO_PAGE = re.compile(r"/(api|static|health)/|/schema|/metrics$|/sign-in|.*\.\w+$")


@pytest.fixture(scope="module")
async def whole(migrated: str, chromium: Browser) -> AsyncIterator[tuple[Stage, list[str]]]:
    """The whole service before the province of tests.web_world, and the addresses of its pages."""
    await connected(migrated)
    async with db.transaction(db.EVERYTHING) as tx:
        await empty(tx)
    web = await web_world.build()
    for language in LANGUAGES:
        await web_world.person(f"all-{language}", Role.ADMINISTRATOR, "Quản trị viên", language=language)
    async with db.transaction(db.EVERYTHING) as tx:
        for role in set(Role) - {Role.ADMINISTRATOR, Role.COLLECTOR, Role.SERVICE}:
            await tx.execute(
                'insert into grants (id, "user", role, created_at) '
                "select gen_random_uuid(), id, $1, now() from users where name like 'all-%'", role,
            )  # fmt: skip
    async with db.transaction(db.EVERYTHING) as tx:
        origin = await tx.fetchval(
            "select s.code from assets a join sites s on s.id = a.site where a.tag = $1", web.scanner
        )
    destination = web.unknown if origin != web.unknown else web.limited
    sent = await transfers.draft(SYSTEM, NewTransfer(origin, destination, [web.scanner], send=True), now=web.now)
    await kinds.add_default_kinds(SYSTEM)
    report = await faults.report(SYSTEM, web.scanner, faults.NewReport("other", "Kêu to"), now=web.now)
    async with db.transaction(db.EVERYTHING) as tx:
        reported = await tx.fetchval("select max(number) from incidents")
        issuer = replace(SYSTEM, id=await tx.fetchval("select id from users where name = 'all-vi'"))
    secret = (await faults.issue_address(issuer, web.printer, timedelta(days=1), now=clock.now())).secret
    async with db.transaction(db.EVERYTHING) as tx:
        target = await tx.fetchval("select id from targets order by id limit 1")
        line = await tx.fetchval("select tag from links order by tag limit 1")
    house = await served(second_factor="optional", demo=True)
    today = web.now.astimezone(clock.LOCAL_ZONE).date()
    pages = {
        "/nothing", f"/sites/{web.limited}", f"/sites/{web.unknown}", f"/assets/{web.printer}", f"/assets/{web.scanner}",
        f"/assets/{web.printer}/as-of?day={today}", f"/incidents/{web.incident}", "/equipment-requests/1", "/people/bob",
        "/papers/hand-over",
        f"/transfers/{sent}", f"/assets/{web.printer}/stage", f"/assets/{web.printer}/replace",
        f"/sites/{web.limited}/paper-mode", f"/assets/{web.printer}/report", f"/assets/{web.printer}/signed-addresses",
        f"/fault-reports/{report}", f"/r/{secret}", "/fault-kinds?edit=paper-jam",
        f"/targets/{target}", f"/targets/{target}/edit", "/targets/new?method=http", f"/links/{line}", f"/links/{line}/edit",
        f"/incidents/{reported}", f"/assets/change?site={origin}&field=note",
        f"/equipment-requests/new?site={origin}&pick=equipment:printer&pick=capability:token&pick=repair:{web.printer}",
    }  # fmt: skip
    for route in house.app.routes:
        for handler in route.route_handlers if isinstance(route, HTTPRoute) else ():
            if "GET" in handler.http_methods and not route.path_parameters and not NO_PAGE.match(route.path):
                pages.add(route.path)
    async with on_a_port(house.app) as url:
        yield Stage(url, web, chromium), sorted(pages)
    await db.disconnect()


@pytest.mark.timeout(400)
@pytest.mark.parametrize(("language", "width"), LOOKS)
async def test_when_a_page_is_shown_then_axe_has_nothing_to_say(
    whole: tuple[Stage, list[str]], language: str, width: int
) -> None:
    stage, addresses = whole
    stranger = await stage.visitor(width=width, language=language)
    everybody = await stage.visitor(f"all-{language}", width=width, language=language)
    complaints = []
    for page, address in [(stranger, "/sign-in"), *((everybody, address) for address in addresses)]:
        answer = await page.goto(stage.url + address)
        assert answer is not None
        # A page that wants to be asked something says so, and is looked at all the same.
        assert answer.status in ((404,) if address == "/nothing" else (200, 400)), address
        assert "text/html" in answer.headers["content-type"], address
        assert ("/sign-in" in page.url) is (address == "/sign-in"), address
        assert await page.get_attribute("html", "lang") == language, address
        found = await Axe().run(page, options={"runOnly": RULES, "resultTypes": ["violations"]})
        for wrong in found.response["violations"]:
            nodes = [f"{node['target']} {node['html'][:120]}" for node in wrong["nodes"]]
            complaints.append(f"{address}: {wrong['id']}, {len(nodes)} times: {wrong['help']}: {'; '.join(nodes[:3])}")
    for window in stage.browser.contexts:
        await window.close()
    assert not complaints, "\n".join(complaints)
