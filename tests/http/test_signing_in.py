"""Signing in, step by step, as a browser does it: initial passwords, second factors, too many tries, sessions that end."""

import re
from datetime import timedelta
from typing import Any

import httpx2
import pyotp
import pytest

from assets import clock, db
from assets.access import passwords, second_factor, service, sessions
from assets.access.actor import SYSTEM
from assets.access.permissions import Role, staying
from assets.access.sessions import Visit
from tests.conftest import AS_SLOW_AS_EVER, House

FIRST, OWN = "hop-giay-con-meo-xanh", "bon con vit qua song"
OURS = {"Origin": "http://127.0.0.1:8000", "Accept-Language": "en"}


async def add(name: str, role: Role, unit: str = "", *, must_change: bool = False) -> None:
    await service.add_user(
        SYSTEM, service.NewUser(name, role, FIRST, unit=unit, must_change=must_change, language="en")
    )


def browser(house: House) -> httpx2.AsyncClient:
    return house.client(**OURS)


async def enter(client: httpx2.AsyncClient, name: str, password: str = FIRST) -> httpx2.Response:
    return await client.post("/sign-in", data={"name": name, "password": password})


async def events(name: str) -> list[str]:
    async with db.transaction(db.EVERYTHING) as tx:
        rows = await tx.fetch("select action from audit_events where subject_name = $1 order by id", name)
    return [row["action"] for row in rows]


async def test_when_the_password_is_an_initial_one_then_nothing_opens_before_it_is_changed(house: House) -> None:
    await add("lan", Role.CLERK, "21025", must_change=True)
    client = browser(house)
    assert (await enter(client, "lan")).status_code == 303
    for path in ("/", "/account", "/sites/21025", "/equipment-requests"):
        assert (await client.get(path, follow_redirects=False)).headers["location"].startswith("/sign-in"), path
    assert (await client.get("/api/v1/assets")).status_code == 401
    assert (await client.get("/sign-in", follow_redirects=False)).headers["location"] == "/account/password"
    for wrong, field in (("short", "At least 12"), ("matkhau123456", "easy to guess"), (FIRST, "another password")):
        answer = await client.post("/account/password", data={"password": wrong, "again": wrong})
        assert answer.status_code in (400, 403), wrong
        assert field in answer.text, wrong
    unlike = await client.post("/account/password", data={"password": OWN, "again": OWN + "x"})
    assert "not the same" in unlike.text
    before = client.cookies[house.settings.cookie]
    assert (await client.post("/account/password", data={"password": OWN, "again": OWN})).status_code == 303
    assert client.cookies[house.settings.cookie] != before
    assert (await client.get("/account")).status_code == 200
    assert (await enter(browser(house), "lan")).status_code == 401
    assert (await enter(browser(house), "lan", OWN)).status_code == 303
    assert await events("lan") == ["add", "give_grant", "sign_in", "change_password", "sign_in"]


async def test_when_an_initial_password_is_old_then_it_opens_nothing(house: House) -> None:
    await add("lan", Role.CLERK, "21025", must_change=True)
    async with db.transaction(db.EVERYTHING) as tx:
        await tx.execute("update users set password_until = now() - interval '1 second'")
    assert (await enter(browser(house), "lan")).status_code == 401


def seed_on(page: str) -> str:
    return re.search(r"<code>([A-Z2-7]{32})</code>", page).group(1)  # type: ignore[union-attr]


def present_code(seed: str) -> str:
    return pyotp.TOTP(seed).at(clock.now())


def wrong_codes(seed: str) -> list[str]:
    """Eight that are no code of these minutes, not even by chance."""
    steps = [clock.now() + timedelta(seconds=second_factor.STEP_SECONDS * step) for step in range(-5, 6)]
    right = {pyotp.TOTP(seed).at(step) for step in steps}
    return [code for code in (f"{n:06d}" for n in range(20)) if code not in right][:8]


def offer_on(page: str) -> str:
    return re.search(r'name="offer" value="([^"]+)"', page).group(1)  # type: ignore[union-attr]


async def test_when_a_role_covers_the_province_then_a_second_factor_is_set_up_and_asked_for(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await moved(monkeypatch, timedelta())  # it stands: half a minute later another code would be the present one
    await add("eng", Role.PROVINCE_IT)
    client = browser(house)
    await enter(client, "eng")
    assert (await client.get("/", follow_redirects=False)).headers["location"] == "/sign-in"
    assert (await client.get("/sign-in", follow_redirects=False)).headers["location"] == "/account/second-factor"
    page = (await client.get("/account/second-factor")).text
    assert "<svg" in page
    seed, offer = seed_on(page), offer_on(page)
    wrong = await client.post("/account/second-factor", data={"offer": offer, "code": wrong_codes(seed)[0]})
    assert wrong.status_code == 403
    assert seed_on(wrong.text) == seed  # the picture is not to be photographed again
    done = await client.post("/account/second-factor", data={"offer": offer, "code": present_code(seed)})
    codes = re.findall(r"<code>(\w{5}-\w{5}-\w{5})</code>", done.text)
    assert (done.status_code, len(codes)) == (200, 10)
    assert (await client.get("/incidents")).status_code == 200

    again = browser(house)
    await enter(again, "eng")
    assert (await again.get("/incidents", follow_redirects=False)).status_code == 303
    assert (await again.get("/sign-in", follow_redirects=False)).headers["location"] == "/sign-in/code"
    for path in ("/account/password", "/account/second-factor"):
        assert (await again.get(path, follow_redirects=False)).status_code == 303, path
    used = await again.post("/sign-in/code", data={"code": present_code(seed)})
    assert (used.status_code, "not right" in used.text) == (403, True)  # each code counts once
    later = clock.now() + timedelta(seconds=second_factor.STEP_SECONDS)
    fresh = pyotp.TOTP(seed).at(later)
    assert (await again.post("/sign-in/code", data={"code": f"{fresh[:3]} {fresh[3:]}"})).status_code == 303
    assert (await again.get("/incidents")).status_code == 200

    lost = browser(house)
    await enter(lost, "eng")
    assert (await lost.post("/sign-in/code", data={"code": codes[0].upper()})).status_code == 303
    assert (await lost.get("/incidents")).status_code == 200
    twice = browser(house)
    await enter(twice, "eng")
    assert (await twice.post("/sign-in/code", data={"code": codes[0]})).status_code == 403
    async with db.transaction(db.EVERYTHING) as tx:
        stored = await tx.fetchrow("select totp from users where name = 'eng'")
        rows = await tx.fetch("select * from recovery_codes")
    assert seed not in str(stored)
    assert not any(code in str(dict(row)) for code in codes for row in rows)
    assert "use_recovery_code" in await events("eng")


async def test_when_an_offer_is_somebody_elses_then_another_seed_is_offered(house: House) -> None:
    await add("eng", Role.PROVINCE_IT)
    await add("bob", Role.PROVINCE_IT)
    one, two = browser(house), browser(house)
    await enter(one, "eng")
    await enter(two, "bob")
    page = (await one.get("/account/second-factor")).text
    stolen = await two.post(
        "/account/second-factor", data={"offer": offer_on(page), "code": present_code(seed_on(page))}
    )
    assert stolen.status_code == 403
    assert seed_on(stolen.text) != seed_on(page)


async def test_when_codes_are_guessed_then_it_ends_after_a_few(house: House) -> None:
    await add("eng", Role.PROVINCE_IT)
    client = browser(house)
    await enter(client, "eng")
    page = (await client.get("/account/second-factor")).text
    tries = [
        (await client.post("/account/second-factor", data={"offer": offer_on(page), "code": code})).status_code
        for code in wrong_codes(seed_on(page))
    ]
    assert tries == [403] * 6 + [429] * 2


@pytest.mark.parametrize("name", ["lan", "nobody-of-this-name"])
async def test_when_a_password_is_guessed_then_it_ends_whether_the_name_exists_or_not(house: House, name: str) -> None:
    await add("lan", Role.CLERK, "21025")
    client = browser(house)
    tries = [await enter(client, name, f"wrong one number {n}") for n in range(12)]
    assert [answer.status_code for answer in tries] == [401] * 10 + [429] * 2
    assert 0 < int(tries[-1].headers["retry-after"]) <= 15 * 60 + 1
    assert "too many attempts" in tries[-1].text
    assert (await enter(client, "lan")).status_code == (429 if name == "lan" else 303)


async def test_when_strangers_guess_then_the_owner_still_gets_in_from_a_known_browser(house: House) -> None:
    await add("lan", Role.CLERK, "21025")
    own = browser(house)
    assert (await enter(own, "lan")).status_code == 303
    await own.post("/sign-out")
    for n in range(11):
        await enter(browser(house), "lan", f"wrong one number {n}")
    assert (await enter(browser(house), "lan")).status_code == 429
    assert (await enter(own, "lan")).status_code == 303
    forged = browser(house)
    forged.cookies.set(house.settings.device_cookie, "v1.k.AAAA", domain="127.0.0.1")
    assert (await enter(forged, "lan")).status_code == 429


async def test_when_one_address_tries_many_names_then_it_is_stopped(house: House) -> None:
    visit, now = Visit(address="10.0.0.9"), clock.now()
    refused = []
    for n in range(103):
        try:
            await sessions.sign_in(f"name{n}", "x", visit, vault=house.parts.vault, now=now)
        except Exception as error:
            refused.append(type(error).__name__)
    assert refused == ["NotSignedIn"] * 100 + ["TooMany"] * 3
    async with db.transaction(db.EVERYTHING) as tx:
        kept = await tx.fetch("select key from sign_in_attempts")
    assert all(len(row["key"]) == 64 for row in kept)  # no names and no addresses at rest


@pytest.fixture
async def lan(house: House, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A clerk who is signed in, and a clock that the test moves."""
    await add("lan", Role.CLERK, "21025")
    client = browser(house)
    await enter(client, "lan")
    return client


async def moved(monkeypatch: pytest.MonkeyPatch, by: timedelta) -> None:
    now = clock.now() + by
    monkeypatch.setattr(clock, "now", lambda: now)


async def test_when_a_session_rests_too_long_then_it_is_over(
    house: House, lan: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    idle = staying(frozenset({Role.CLERK})).idle
    await moved(monkeypatch, idle - timedelta(minutes=1))
    assert (await lan.get("/account")).status_code == 200
    await moved(monkeypatch, idle - timedelta(minutes=1))
    assert (await lan.get("/account")).status_code == 200
    await moved(monkeypatch, idle + timedelta(minutes=1))
    assert (await lan.get("/account", follow_redirects=False)).status_code == 303


async def test_when_a_session_is_old_then_it_is_over_however_much_it_was_used(
    house: House, lan: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = staying(frozenset({Role.CLERK}))
    passed = timedelta()
    while passed < limits.absolute - timedelta(hours=1):
        await moved(monkeypatch, timedelta(hours=1))
        passed += timedelta(hours=1)
        assert (await lan.get("/account")).status_code == 200, passed
    await moved(monkeypatch, timedelta(hours=1, minutes=1))
    assert (await lan.get("/account", follow_redirects=False)).status_code == 303


async def test_when_an_account_is_disabled_then_its_sessions_and_tokens_end_at_once(
    house: House, lan: httpx2.AsyncClient
) -> None:
    root = await house.person("root", Role.ADMINISTRATOR)
    made = await root.post("/api/v1/tokens", json={"user": "lan"})
    program = house.client(Authorization=f"Bearer {made.json()['token']}")
    assert (await program.get("/api/v1/me")).json()["name"] == "lan"
    version = (await root.get("/api/v1/users/lan")).headers["etag"]
    ended = await root.patch("/api/v1/users/lan", json={"active": False}, headers={"If-Match": version})
    assert (ended.status_code, ended.json()["active"]) == (200, False)
    assert (await lan.get("/account", follow_redirects=False)).status_code == 303
    assert (await program.get("/api/v1/me")).status_code == 401
    assert (await enter(browser(house), "lan")).status_code == 401


async def test_when_a_grant_ends_then_so_does_what_it_allowed(
    house: House, lan: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = await house.person("root", Role.ADMINISTRATOR)
    three_days = clock.now() + timedelta(days=3)
    given = await root.post(
        "/api/v1/users/lan/grants", json={"role": "clerk", "unit": "21028", "ends_at": three_days.isoformat()}
    )
    assert given.status_code == 201, given.text
    assert (await lan.get("/sites/21028")).status_code == 200
    token = (await root.post("/api/v1/tokens", json={"user": "lan"})).json()["token"]
    program = house.client(Authorization=f"Bearer {token}")
    assert (await program.get("/api/v1/me")).json()["sites"] == ["21025", "21028"]
    await moved(monkeypatch, timedelta(days=3, minutes=1))
    assert (await program.get("/api/v1/me")).json()["sites"] == ["21025"]
    assert (await program.get("/api/v1/sites/21028")).status_code == 404


async def test_when_a_password_is_changed_then_other_browsers_are_signed_out(
    house: House, lan: httpx2.AsyncClient
) -> None:
    other = browser(house)
    await enter(other, "lan")
    wrong = await lan.post("/account/password", data={"old": "not it at all", "password": OWN, "again": OWN})
    assert (wrong.status_code, "present password is not right" in wrong.text) == (403, True)
    assert (await other.get("/account")).status_code == 200
    right = await lan.post("/account/password", data={"old": FIRST, "password": OWN, "again": OWN})
    assert right.status_code == 303
    assert (await lan.get("/account")).status_code == 200
    assert (await other.get("/account", follow_redirects=False)).status_code == 303


async def test_when_somebody_looks_at_their_account_then_sessions_and_tokens_can_be_ended_there(
    house: House, lan: httpx2.AsyncClient
) -> None:
    other = browser(house)
    await enter(other, "lan")
    page = await lan.post("/account/tokens", data={"title": "sổ tay <b>", "days": "30"})
    token = re.search(r"ast_[0-9a-f]{12}\.[\w-]+", page.text).group()  # type: ignore[union-attr]
    assert "sổ tay &lt;b&gt;" in page.text
    assert token not in (await lan.get("/account")).text
    assert (await house.client(Authorization=f"Bearer {token}").get("/api/v1/me")).status_code == 200
    view = (await lan.get("/account.json")).json()
    [made] = view["tokens"]
    assert (await lan.post(f"/account/tokens/{made['id']}/revoke")).status_code == 303
    assert (await house.client(Authorization=f"Bearer {token}").get("/api/v1/me")).status_code == 401
    for session in view["sessions"]:
        assert (await lan.post(f"/account/sessions/{session['id']}/end")).status_code in (303, 200)
    assert (await other.get("/account", follow_redirects=False)).status_code == 303
    for bad in ("", "0", "x", "99999", "٣"):
        assert "whole number" in (await _again(house, lan, bad)).text, bad


async def _again(house: House, lan: httpx2.AsyncClient, days: str) -> httpx2.Response:
    await enter(lan, "lan")
    return await lan.post("/account/tokens", data={"title": "x", "days": days})


async def test_when_a_token_has_limits_then_it_does_no_more_than_they_say(house: House) -> None:
    root, _ = await house.person("root", Role.ADMINISTRATOR), await house.person("eng", Role.PROVINCE_IT)
    wish = {"user": "eng", "title": "reads one centre", "actions": ["view"], "sites": ["21025"]}
    token = (await root.post("/api/v1/tokens", json=wish)).json()["token"]
    reader = house.client(Authorization=f"Bearer {token}")
    assert (await reader.get("/api/v1/sites")).json()["total"] == 1
    assert (await reader.get("/api/v1/sites/21028")).status_code == 404
    assert (await reader.post("/api/v1/links", json={})).status_code in (400, 403)
    me = (await reader.get("/api/v1/me")).json()
    assert (me["actions"], me["sites"], me["everything"]) == (["view"], ["21025"], False)
    for wrong in ({"sites": ["00000"]}, {"actions": ["everything"]}, {"days": 0}, {"user": "ghost"}):
        assert (await root.post("/api/v1/tokens", json={"user": "eng", **wrong})).status_code in (400, 404), wrong
    [listed] = (await root.get("/api/v1/tokens", params={"q": "reads one"})).json()["items"]
    assert (listed["actions"], listed["sites"]) == (["view"], ["21025"])
    assert token not in str(listed)


async def test_when_passwords_are_judged_then_length_counts_and_what_everybody_knows_does_not() -> None:
    for bad in (
        "",
        "ngan",
        "matkhau123456",
        "quangngai2026",
        "123456789012",
        "aaaaaaaaaaaaaaaa",
        "qwertyuiop12",
        "x" * 129,
    ):
        assert passwords.refused(bad), bad
    for good in (FIRST, OWN, "correct horse battery", "ă" * 3 + " sông Trà Khúc mùa lũ"):
        assert passwords.refused(good) is None, good
    assert passwords.refused("nguyen thi lan 2026", ["Nguyễn Thị Lan"])


async def test_when_a_password_is_kept_then_with_what_owasp_asks_of_argon2id_at_least(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(passwords, "_HASH", AS_SLOW_AS_EVER)
    kept = await passwords.hashed("trăng lên đầu núi bốn mùa")
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert await passwords.fits("trăng lên đầu núi bốn mùa", kept)
    assert not await passwords.fits("trăng lên đầu núi bốn mùa ", kept)
