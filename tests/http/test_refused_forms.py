"""The address under which a refused form answers: whoever refreshes, copies or opens it comes to that form again."""

import re
from collections.abc import AsyncIterator, Iterator

import httpx2
import pytest
from litestar.routes import HTTPRoute

from tests.conftest import House, open_house
from tests.http.test_permissions import Undone
from tests.permission_world import RECIPES, Call, World, addressed, build, principals

# For programs and strangers, who have no page besides; what sends people back to where they were.
NO_PAGE = re.compile(r"/(api|h|r)/|/heartbeats/|/(language|sign-out|sign-in)\b|/account/(password|second-factor)$")
# Forms that are not on their page in this world or for this caller; the page is the right one all the same.
NOT_SHOWN = {
    "/account/sessions/{session}/end", "/assets/change", "/credentials", "/credentials/{credential}",
    "/credentials/{credential}/remove", "/fault-kinds", "/fault-kinds/{fault}", "/imports/{number}/undo",
    "/incidents/{number}/resolve", "/papers/{paper}/template/remove", "/people/{name}/remove-second-factor",
    "/sites/{code}/paper-mode/{declaration}/end", "/stocktakes/{number}/approve", "/stocktakes/{number}/settle",
    "/targets/{target}/heartbeat-address", "/targets/{target}/heartbeat-address/revoke", "/wear/rates/{rate}",
    "/wear/disposal-rules/{rule}",
}  # fmt: skip

# What is chosen before stands in the address of the form.
CHOSEN = {
    "/stock/{consumable}/move": "?site=21025&act=count",
    "/saved-filters": "?resource=assets&query=stage%3Din_use",
}


class Forms:
    """Every form of the pages, and somebody who may send them all."""

    def __init__(self, house: House, world: World, caller: httpx2.AsyncClient) -> None:
        self.house, self.world, self.caller = house, world, caller

    def all(self) -> Iterator[tuple[str, str, dict[str, str], bool]]:
        """Each form: its route, its address, its fields with what nobody would write, and whether it brings a file."""
        for route in self.house.app.routes:
            if isinstance(route, HTTPRoute) and "POST" in route.methods and not NO_PAGE.match(route.path):
                made = RECIPES.get(f"POST {route.path_format}", lambda w, t: Call(""))(self.world, self.world.own)
                fields = dict.fromkeys(made.form or {}, "☃" * 9) | {"version": "999999", "nonsense": "1"}
                path = made.path or addressed(route.path_format, self.world, self.world.own)
                path += CHOSEN.get(route.path_format, "")
                yield route.path_format, path, fields, bool(made.files)

    async def refuse(self, path: str, fields: dict[str, str], *, file: bool) -> httpx2.Response:
        """Send a form with wrong fields, and undo it should it be taken."""
        files = {"file": ("a.txt", b"no picture")} if file else None
        async with Undone():
            return await self.caller.post(path, data=fields, files=files)

    async def opened(self, path: str) -> httpx2.Response:
        """What somebody sees who opens an address."""
        answer = await self.caller.get(path)
        for _ in range(3):
            if answer.status_code != 303:
                break
            answer = await self.caller.get(answer.headers["location"])
        return answer


@pytest.fixture(scope="module")
async def forms(migrated: str) -> AsyncIterator[Forms]:
    async with open_house(migrated) as house:
        world = await build(house)
        yield Forms(house, world, (await principals(house))["administrator"])


async def test_whoever_opens_the_address_of_a_refused_form_comes_to_that_form(forms: Forms) -> None:
    lost, refused = {}, 0
    for route, path, fields, file in forms.all():
        answer = await forms.refuse(path, fields, file=file)
        assert answer.status_code < 500, route
        refused += answer.status_code >= 400
        page = await forms.opened(path)
        if answer.status_code == page.status_code == 404:  # it is somebody else's
            continue
        to = re.sub(r"\\\{\w+\\\}", r'[^/"?]+', re.escape(route))
        there = re.search(rf'action="{to}["?]', page.text) or route in NOT_SHOWN
        if page.status_code != 200 or page.url.path == "/" or not there:
            lost[route] = f"{page.status_code} {page.url.path}"
    assert not lost
    assert refused > 60
