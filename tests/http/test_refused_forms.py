"""The address under which a refused form answers: whoever refreshes, copies or opens it comes to that form again."""

import re
from collections.abc import AsyncIterator, Iterator
from html import unescape

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


# Where people write in their own words: the form, what it takes besides, the field, and how much of it is kept.
WORDS: list[tuple[str, dict[str, str], str, int]] = [
    ("/equipment-requests/new", {}, "reason", 2_000),
    ("/equipment-requests/new", {}, "reason_1", 255),
    ("/equipment-requests/{number}/amend", {}, "reason", 2_000),
    ("/equipment-requests/{number}/approve", {}, "note", 2_000),
    ("/equipment-requests/{number}/return", {}, "note", 2_000),
    ("/equipment-requests/{number}/split", {"decline_1": "1"}, "note_1", 500),
    ("/purchases/new", {}, "title", 160),
    ("/purchases/{number}/{act}", {}, "decision_number", 60),
    ("/delegations", {"deputy": "director"}, "reason", 255),
    ("/transfers/new", {}, "reason", 2_000),
    ("/transfers/new", {}, "carrier", 120),
    ("/transfers/{number}/take-out", {}, "note", 500),
    ("/transfers/{number}/receive", {"only": "V-21025", "state": "damaged"}, "note", 500),
    ("/transfers/{number}/refuse", {}, "note", 500),
    ("/transfers/{number}/cancel", {}, "note", 500),
    ("/stocktakes/new", {}, "members", 4_000),
    ("/stocktakes/{number}/scans", {}, "note", 255),
    ("/stocktakes/{number}/scans", {}, "room", 120),
    ("/stocktakes/{number}/edit", {}, "members", 4_000),
    ("/stocktakes/{number}/cancel", {}, "reason", 255),
    ("/assets/{tag}/stage", {}, "reason", 255),
    ("/assets/{tag}/stage", {}, "repairer", 120),
    ("/stock/{consumable}/move", {}, "reason", 255),
    ("/stock/{consumable}/{movement}/reverse", {}, "reason", 255),
    ("/stock-shipments/{shipment}/receive", {"got": "1"}, "note", 500),
    ("/wear/quotations", {}, "note", 255),
    ("/assets/{tag}/report", {}, "note", 300),
    ("/sites/{code}/paper-mode", {}, "text", 500),
]


@pytest.mark.parametrize(("route", "more", "field", "most"), WORDS)
async def test_when_somebody_writes_too_much_then_the_form_says_how_much_it_keeps_and_loses_none_of_it(
    forms: Forms, route: str, more: dict[str, str], field: str, most: int
) -> None:
    made = RECIPES[f"POST {route}"](forms.world, forms.world.own)
    path = made.path or addressed(route, forms.world, forms.world.own)
    words = ("Máy kẹt giấy suốt, " * most)[:most] + "!"
    async with Undone():
        answer = await forms.caller.post(
            path, data={**(made.form or {}), **more, field: words}, files=made.files, headers={"Cookie": "language=vi"}
        )
    page = unescape(answer.text)
    assert answer.status_code == 400
    assert f"Tối đa {most} ký tự" in page
    assert words in page
