"""Signing in and out, and the language."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from httpx2 import ASGITransport, AsyncClient
from hypothesis import given
from hypothesis import strategies as st

from assets.access.permissions import Role
from assets.web.forms import local_path
from assets.web.language import accepted, say, translate
from tests import web_world
from tests.web_world import PASSWORD


@pytest.fixture
async def client(database: str, tmp_path: Path) -> AsyncIterator[AsyncClient]:
    await web_world.person("bob", Role.PROVINCE_IT, "Ông B")
    await web_world.person("ivan", Role.INSPECTOR, "Ông I", language="en")
    async with AsyncClient(transport=ASGITransport(web_world.app(tmp_path)), base_url="http://testserver") as client:
        yield client


async def test_when_name_or_password_is_wrong_then_the_answer_does_not_say_which(client: AsyncClient) -> None:
    wrong = await client.post("/sign-in", data={"name": "bob", "password": "not this one"})
    unknown = await client.post("/sign-in", data={"name": "bobby", "password": PASSWORD})
    assert (wrong.status_code, unknown.status_code) == (401, 401)
    assert wrong.text.replace('value="bob"', "") == unknown.text.replace('value="bobby"', "")
    assert "set-cookie" not in wrong.headers
    assert PASSWORD not in unknown.text


async def test_when_signed_in_then_the_cookie_is_out_of_reach_of_scripts_and_other_sites(client: AsyncClient) -> None:
    answer = await client.post(
        "/sign-in", data={"name": " Bob ", "password": PASSWORD, "next": "/incidents?state=open"}
    )
    assert (answer.status_code, answer.headers["location"]) == (303, "/incidents?state=open")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert (await client.get("/sign-in")).status_code == 303


async def test_when_signed_out_then_the_old_cookie_opens_nothing(client: AsyncClient) -> None:
    await client.post("/sign-in", data={"name": "bob", "password": PASSWORD})
    kept = dict(client.cookies)
    assert (await client.post("/sign-out")).status_code == 303
    client.cookies.update(kept)
    assert (await client.get("/")).headers["location"] == "/sign-in"
    assert (await client.post("/sign-out")).status_code == 303


async def test_when_a_form_is_sent_from_another_site_then_it_is_refused(client: AsyncClient) -> None:
    await client.post("/sign-in", data={"name": "bob", "password": PASSWORD})
    answer = await client.post("/sign-out", headers={"sec-fetch-site": "cross-site"})
    assert answer.status_code == 403


ELSEWHERE = [
    "//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)", "/\t/evil", "", "x", "/a\r\nb",
]  # fmt: skip


@pytest.mark.parametrize("wanted", ELSEWHERE)
def test_when_the_way_back_leads_elsewhere_then_it_is_the_first_page(wanted: str) -> None:
    assert local_path(wanted) == "/"


async def test_when_a_sign_in_asks_for_another_site_then_it_stays_here(client: AsyncClient) -> None:
    answer = await client.post("/sign-in", data={"name": "bob", "password": PASSWORD, "next": "//evil.example"})
    assert answer.headers["location"] == "/"


@given(st.text(max_size=40))
def test_a_way_back_always_begins_with_one_slash(wanted: str) -> None:
    found = local_path("/" + wanted)
    assert found.startswith("/")
    assert not found.startswith(("//", "/\\"))


async def test_when_a_language_is_chosen_then_it_beats_the_account_and_the_browser(client: AsyncClient) -> None:
    vietnamese = {"accept-language": "vi"}
    assert "Đăng nhập" in (await client.get("/sign-in", headers={"accept-language": "vi-VN,en;q=0.5"})).text
    assert '<html lang="en">' in (await client.get("/sign-in", headers={"accept-language": "en-US,vi;q=0.9"})).text
    await client.post("/sign-in", data={"name": "ivan", "password": PASSWORD})
    assert '<html lang="en">' in (await client.get("/", headers=vietnamese)).text
    answer = await client.post("/language", data={"language": "vi", "next": "/incidents"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/incidents")
    assert '<html lang="vi">' in (await client.get("/", headers={"accept-language": "en"})).text


async def test_when_it_is_no_demonstration_then_no_account_is_shown(client: AsyncClient, tmp_path: Path) -> None:
    assert PASSWORD not in (await client.get("/sign-in")).text
    async with AsyncClient(
        transport=ASGITransport(web_world.app(tmp_path, demo=True)), base_url="http://testserver"
    ) as demo:
        shown = (await demo.get("/sign-in")).text
    assert PASSWORD in shown
    assert "Dữ liệu trình diễn" in shown


@pytest.mark.parametrize(
    ("header", "language"),
    [("", "vi"), ("en", "en"), ("fr,de", "vi"), ("fr, en;q=0.3, vi;q=0.9", "vi"), ("en;q=x, vi;q=0.1", "vi"), ("EN-gb", "en"),
     (";;;,,,=", "vi"), ("en" + ",en" * 9_999, "en")],
)  # fmt: skip
def test_the_browsers_wish_is_read_leniently(header: str, language: str) -> None:
    assert accepted(header) == language


def test_when_a_stored_phrase_does_not_fit_its_parameters_then_it_is_still_shown() -> None:
    assert translate("en", "behind %(name)s", other=1) == "behind %(name)s"
    assert translate("xx", "Normal") == "Bình thường"


@pytest.mark.parametrize(
    "stored", ["[abc", "[1, 2]", '[["a", 1]]', "[", '{"a": 1}', "100 %", '[["%(x)s and %(y)s", {"x": 1}]]', ""]
)
def test_when_stored_text_is_no_list_of_phrases_then_it_is_shown_as_it_stands(stored: str) -> None:
    assert isinstance(say("vi", stored), str)


def test_when_a_phrase_is_about_one_part_then_the_part_is_named() -> None:
    assert say("vi", '[["toner low", {"label": "Black Cartridge", "value": 3}]]') == "mực sắp hết (Black Cartridge)"
