"""The edge of the service: what holds for every answer and every call, whatever the route."""

import json
from collections.abc import AsyncIterator, Iterator
from functools import partial
from ipaddress import ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar.routes import HTTPRoute

from assets import db
from assets.access.permissions import Role
from assets.access.rates import Buckets, RateMiddleware
from assets.errors import Invalid
from assets.web.addresses import client_of, host_of
from assets.web.bodies import BODY_MAX, DEPTH_MAX, refuse_odd_json
from tests.conftest import House, served
from tests.http.test_ugly import KNOWN, Filled

JSON = {"Content-Type": "application/json"}
APPLICATION = {"code": "a", "name": "A"}
PUBLIC = "https://assets.example.vn"


# --- headers


async def test_when_anything_is_answered_then_the_browser_is_given_its_rules(house: House) -> None:
    root = await house.person("root", Role.ADMINISTRATOR)
    answers = {
        path: await root.get(path, follow_redirects=False)
        for path in ("/", "/sign-in", "/api/v1/sites", "/api/v1/nothing", "/nothing", "/index.json", "/health/live",
                     "/schema/openapi.json", "/static/000000000000/app.css", "/metrics")
    }  # fmt: skip
    answers["nobody"] = await house.client().get("/api/v1/sites")
    answers["wrong token"] = await house.client(Authorization="Bearer x").get("/api/v1/sites")
    answers["method"] = await root.put("/api/v1/sites", json={})
    for path, answer in answers.items():
        headers = answer.headers
        assert headers["x-content-type-options"] == "nosniff", path
        assert headers["referrer-policy"] == "same-origin", path
        assert headers["cross-origin-opener-policy"] == headers["cross-origin-resource-policy"] == "same-origin", path
        assert "geolocation=()" in headers["permissions-policy"], path
        page = headers["content-type"].startswith("text/html")
        assert ("script-src 'self'" in headers["content-security-policy"]) is page, path
        assert "frame-ancestors 'none'" in headers["content-security-policy"], path
        assert "strict-transport-security" not in headers, path
        assert ("max-age=60" if path.startswith("/static") else "no-store") in headers["cache-control"], path
        for name, value in headers.multi_items():
            assert headers.get_list(name) == [value], (path, name)


async def test_when_people_come_over_https_then_the_browser_is_told_to_stay_there(house: House) -> None:
    public = await served(public_url=PUBLIC)
    answer = await public.client().get("/sign-in")
    assert answer.headers["strict-transport-security"] == "max-age=31536000"


# --- bodies

OTHER_KINDS = ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/xml", "",
               "application/json; charset=latin-1", "application/jsonp", "text/json", "*/*")  # fmt: skip


@pytest.mark.parametrize("kind", OTHER_KINDS)
async def test_when_a_body_does_not_say_that_it_is_json_then_it_is_415(house: House, kind: str) -> None:
    root, collector = await house.person("root", Role.ADMINISTRATOR), await house.collector()
    for who, path in ((root, "/api/v1/applications"), (collector, "/api/v1/observations")):
        answer = await who.post(path, content=json.dumps(APPLICATION), headers={"Content-Type": kind})
        assert (answer.status_code, answer.headers["content-type"]) == (415, "application/problem+json"), answer.text
    assert (await root.get("/api/v1/applications")).json()["total"] == 0


async def test_when_a_body_says_that_it_is_json_then_it_is_taken(house: House) -> None:
    root = await house.person("root", Role.ADMINISTRATOR)
    for n, kind in enumerate(
        ("application/json", "application/json; charset=UTF-8", "application/vnd.x+json", "APPLICATION/JSON")
    ):
        body = json.dumps({**APPLICATION, "code": str(n)})
        answer = await root.post("/api/v1/applications", content=body, headers={"Content-Type": kind})
        assert answer.status_code == 201, (kind, answer.text)
    packed = await root.post("/api/v1/applications", content=b"x", headers={**JSON, "Content-Encoding": "gzip"})
    assert packed.status_code == 415
    assert (await house.client().post("/sign-in", json={"name": "x"})).status_code == 415


ODD: dict[bytes, str] = {
    b'{"code": "a", "code": "b", "name": "A"}': "code", b'{"code": "a", "name": "A", "x": {"y": 1, "y": 1}}': "y",
    b'{"code": "a", "name": "A"} x': "body", b'{"code": "a", "name": "A"}{}': "body", b'{"code": NaN}': "body",
    b'{"code": Infinity}': "body", b'{"code": -Infinity}': "body", b'{"code": 1e999}': "code", b"": "", b"{": "body",
    b'{"code": "a\\u0000", "name": "A"}': "code", b'{"code": "\\ud800", "name": "A"}': "code",
    b'{"a": [0, {"b": "\\udfff"}]}': "a.1.b", b'{"\\u0000": 1}': "body", b'{"code": "\xff"}': "body",
    b'{"code": ' + b"9" * 5_000 + b"}": "body", b"[" * 100_000: "body", b'{"a":' * 100_000: "body",
    b"[" * (DEPTH_MAX + 1) + b"]" * (DEPTH_MAX + 1): "body", b"\xef\xbb\xbf{}": "body", b"{'a': 1}": "body",
    b'{"\\ud800": 1, "\\ud800": 2}': "\N{REPLACEMENT CHARACTER}",
}  # fmt: skip


@pytest.mark.parametrize("body", ODD, ids=lambda body: repr(body[:30]))
async def test_when_json_is_odd_then_it_is_400_and_the_place_is_named(house: House, body: bytes) -> None:
    root = await house.person("root", Role.ADMINISTRATOR)
    answer = await root.post("/api/v1/applications", content=body, headers=JSON)
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json"), answer.text
    if ODD[body]:
        assert [error["field"] for error in answer.json()["errors"]] == [ODD[body]]


LETTERS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
PLAIN = st.none() | st.booleans() | st.integers(-(10**18), 10**18) | st.floats(allow_nan=False, allow_infinity=False)


@given(st.recursive(PLAIN | LETTERS, lambda x: st.lists(x, max_size=4) | st.dictionaries(LETTERS, x), max_leaves=12))
def test_when_json_is_plain_then_it_goes_on(value: object) -> None:
    try:
        refuse_odd_json(json.dumps(value).encode())
    except Invalid as error:
        assert "levels" in str(error.fields)  # noqa: PT017


def test_when_json_is_as_deep_as_may_be_then_it_goes_on() -> None:
    refuse_odd_json(b"[" * DEPTH_MAX + b"]" * DEPTH_MAX)
    with pytest.raises(Invalid):
        refuse_odd_json(b"[" * (DEPTH_MAX + 1) + b"]" * (DEPTH_MAX + 1))
    refuse_odd_json('{"a": "\\ud83d\\ude00 😀"}'.encode())


async def test_when_a_body_is_too_large_then_it_is_refused_while_it_comes(house: House) -> None:
    root, collector = await house.person("root", Role.ADMINISTRATOR), await house.collector()
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 100 * BODY_MAX:
            sent += 65_536
            yield b" " * 65_536

    for path in ("/api/v1/applications", "/language"):
        sent = 0
        kind = JSON if path.startswith("/api") else {"Content-Type": "application/x-www-form-urlencoded"}
        answer = await root.post(path, content=endless(), headers=kind)
        assert answer.status_code == 413, (path, answer.text)
    known = await root.post("/api/v1/applications", content=b" " * (BODY_MAX + 1), headers=JSON)
    assert (known.status_code, known.headers["content-type"]) == (413, "application/problem+json")
    stranger = await house.client().post("/api/v1/applications", content=b" " * (BODY_MAX + 1), headers=JSON)
    assert stranger.status_code == 401
    large = await collector.post("/api/v1/observations", content=b" " * (2 * BODY_MAX), headers=JSON)
    assert large.status_code == 400  # it was read: it is no batch


# --- rates


def test_when_a_bucket_is_empty_then_it_says_how_long_to_wait_and_fills_with_time() -> None:
    buckets = Buckets(60, most=2)
    assert [buckets.take("a", 0.0) for _ in range(60)] == [0.0] * 60
    assert buckets.take("a", 0.0) == pytest.approx(1.0)
    assert buckets.take("a", 0.5) == pytest.approx(0.5)
    assert buckets.take("a", 1.0) == 0.0
    assert buckets.take("a", 0.0) > 0  # a clock that goes back gives nothing
    for key in "bcdefg":
        buckets.take(key, 2.0)
    assert (len(buckets), "g" in buckets, "a" in buckets) == (2, True, False)


async def test_when_a_caller_asks_too_often_then_it_is_429_for_that_caller_alone(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assets.app.RateMiddleware", partial(RateMiddleware, clock=lambda: 0.0))  # nothing fills again
    root, clerk = await house.person("root", Role.ADMINISTRATOR), await house.person("a", Role.CLERK, "21025")
    collector, nobody = await house.collector(), house.client()
    strict = await served(rate_per_minute=60, rate_per_minute_unknown=10)
    root = strict.client(**dict(root.headers))
    clerk, collector, nobody = (strict.client(**dict(c.headers)) for c in (clerk, collector, nobody))
    seen = [(await root.get("/api/v1/sites")).status_code for _ in range(70)]
    assert seen == [200] * 60 + [429] * 10
    assert [(await clerk.get("/api/v1/sites")).status_code for _ in range(5)] == [200] * 5
    refused = await root.get("/api/v1/sites")
    assert (refused.status_code, refused.headers["content-type"]) == (429, "application/problem+json")
    assert int(refused.headers["retry-after"]) >= 1
    page = await root.get("/")
    assert (page.status_code, page.headers["content-type"]) == (429, "text/html; charset=utf-8")
    for _ in range(80):
        assert (await collector.get("/api/v1/collectors/self/assignment")).status_code == 200
    made_up = [(await strict.client(Authorization=f"Bearer {n}").get("/api/v1/sites")).status_code for n in range(15)]
    assert made_up[-1] == 429
    assert (await nobody.get("/sign-in")).status_code == 429
    assert (await nobody.get("/api/v1/nothing")).status_code == 429
    for free in ("/health/live", "/static/000000000000/app.css"):
        assert (await nobody.get(free)).status_code == 200
    assert (await clerk.get("/api/v1/sites")).status_code == 200
    async with db.transaction(db.EVERYTHING) as tx:
        await tx.execute("delete from tokens")  # now it is nobody's, and counts for its address
    assert [(await clerk.get("/api/v1/sites")).status_code for _ in range(2)] == [401, 429]


# --- where a call comes from

TRUSTED = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))
FORWARDED = [
    ("192.0.2.1", "203.0.113.9", "192.0.2.1"),  # the peer is nobody's proxy
    ("10.0.0.1", "", "10.0.0.1"),
    ("10.0.0.1", "203.0.113.9", "203.0.113.9"),
    ("10.0.0.1", "198.51.100.7, 203.0.113.9", "203.0.113.9"),  # what is further left was written by the caller
    ("10.0.0.1", "203.0.113.9, 10.0.0.2", "203.0.113.9"),  # two proxies
    ("10.0.0.1", "10.0.0.3,10.0.0.2", "10.0.0.3"),
    ("10.0.0.1", "203.0.113.9, unknown", "10.0.0.1"),
    ("10.0.0.1", "203.0.113.9:4711", "203.0.113.9"),
    ("fd00::1", "[2001:db8::1]:4711", "2001:db8::1"),
    ("::ffff:10.0.0.1", "203.0.113.9", "203.0.113.9"),
    ("10.0.0.1", "," * 9_999, "10.0.0.1"),
    ("", "203.0.113.9", ""),
]


@pytest.mark.parametrize(("peer", "forwarded", "client"), FORWARDED)
def test_only_what_a_trusted_proxy_saw_is_believed(peer: str, forwarded: str, client: str) -> None:
    assert client_of(peer, forwarded, TRUSTED) == client


async def origin_of(house: House, code: str, **headers: str) -> str:
    root = await house.person(f"r-{code}", Role.ADMINISTRATOR)
    answer = await house.client(**{**dict(root.headers), **headers}).post(
        "/api/v1/applications", json={"code": code, "name": "A"}
    )
    assert answer.status_code == 201, answer.text
    return (await root.get("/api/v1/audit-events?sort=-at&limit=1")).json()["items"][0]["origin"]


async def test_when_a_call_comes_through_a_proxy_then_the_trail_has_the_caller_only_if_it_is_trusted(
    house: House,
) -> None:
    forged = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https"}
    assert await origin_of(house, "a", **forged) == "127.0.0.1"
    behind = await served(trusted_proxies="127.0.0.1/32")
    assert await origin_of(behind, "b", **forged) == "203.0.113.9"


async def test_when_forwarded_headers_are_forged_then_cookies_and_ways_stay_as_the_settings_say(house: House) -> None:
    forged = {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https", "Forwarded": "host=evil.example"}
    behind = await served(trusted_proxies="127.0.0.1/32")
    for path in ("/", "/sign-in", "/api/v1/sites", "/schema/openapi.json"):
        answer = await behind.client(**forged).get(path, follow_redirects=False)
        assert "evil.example" not in answer.text + str(answer.headers), path
        assert "strict-transport-security" not in answer.headers


HOSTS = {
    "assets.example.vn": 200, "ASSETS.example.vn:443": 200, "127.0.0.1:8000": 200, "localhost": 200, "[::1]:8000": 200,
    "evil.example": 421, "assets.example.vn.evil.example": 421, "10.0.0.1": 421, "evil.example@assets.example.vn": 421,
}  # fmt: skip


@pytest.mark.parametrize("host", HOSTS)
async def test_when_host_names_another_service_then_it_is_refused(house: House, host: str) -> None:
    public = await served(public_url=PUBLIC)
    assert (await public.client(Host=host).get("/sign-in")).status_code == HOSTS[host]
    assert (await public.client(Host="10.9.9.9:80").get("/health/live")).status_code == 200
    assert (await house.client(Host=host).get("/sign-in")).status_code in (200, 400)


async def test_when_the_service_listens_on_one_address_then_its_own_collector_may_name_it(house: House) -> None:
    public = await served(public_url=PUBLIC, host="10.1.2.3")
    assert (await public.client(Host="10.1.2.3:8000").get("/sign-in")).status_code == 200
    assert (await public.client(Host="10.1.2.4:8000").get("/sign-in")).status_code == 421


@pytest.mark.parametrize(("given", "host"), [("a.b:1", "a.b"), ("[::1]:1", "::1"), ("[", ""), ("", ""), ("A.B", "a.b")])
def test_a_host_is_read_without_its_port(given: str, host: str) -> None:
    assert host_of(given) == host


async def test_when_host_and_origin_agree_on_a_strange_name_then_a_change_is_refused_all_the_same(house: House) -> None:
    form = {"language": "en"}
    for origin, host, status in (
        ("http://evil.example", "evil.example", 403), ("http://localhost:9", "localhost:9", 303),
        ("http://127.0.0.1:9", "127.0.0.1:9", 303), ("http://localhost:9", "localhost:8", 403),
        (house.settings.url, "127.0.0.1:8000", 303), (house.settings.url.upper(), "127.0.0.1:8000", 303),
        ("http://localhost.evil.example", "localhost.evil.example", 403), ("http://127.0.0.1:99999", "x", 403),
    ):  # fmt: skip
        answer = await house.client(Host=host, Origin=origin).post("/language", data=form)
        assert answer.status_code == status, (origin, host)
    public = await served(public_url=PUBLIC)
    for origin, status in ((f"{PUBLIC}:443", 303), (PUBLIC, 303), (PUBLIC.replace("https", "http"), 403)):
        answer = await public.client(Host="assets.example.vn", Origin=origin).post("/language", data=form)
        assert answer.status_code == status, origin


# --- methods and paths


NIL = "00000000-0000-7000-8000-000000000000"


def routes(house: House) -> Iterator[HTTPRoute]:
    for route in house.app.routes:
        if isinstance(route, HTTPRoute):
            yield route


def filled(route: HTTPRoute) -> str:
    parts = route.path_format.split("/")
    return "/".join({"{number}": "1"}.get(part, NIL) if part.startswith("{") else part for part in parts)


async def test_when_a_method_is_wrong_then_the_path_says_all_that_it_has(house: House) -> None:
    root = await house.person("root", Role.ADMINISTRATOR)
    for route in routes(house):
        has = {str(method) for handler in route.route_handlers for method in handler.http_methods} | {"OPTIONS"}
        has |= {"HEAD"} if "GET" in has else set()
        asked = await root.options(filled(route))
        assert (asked.status_code, set(asked.headers["allow"].split(", "))) == (204, has), route.path
        for method in {"PUT", "DELETE", "PATCH", "POST", "GET", "TRACE", "FOO"} - has:
            answer = await root.request(method, filled(route))
            of_form = method == "GET" and not route.path.startswith("/api/")
            assert answer.status_code == (303 if of_form else 405), (method, route.path, answer.text)
            assert set(answer.headers["allow"].split(", ")) == has, (method, route.path)
            if route.path.startswith("/api/"):
                assert answer.headers["content-type"] == "application/problem+json"


async def test_when_the_address_of_a_form_is_opened_then_its_page_is(house: House) -> None:
    root = await house.person("root", Role.ADMINISTRATOR)
    forms = [route for route in routes(house) if route.methods == {"POST", "OPTIONS"} and route.path[:5] != "/api/"]
    assert len(forms) > 50
    for route in forms:
        answer = await root.get(filled(route))
        page = answer.headers["location"]
        assert (answer.status_code, page[0]) == (303, "/"), route.path
        assert "GET" in (await root.options(page)).headers["allow"], (route.path, page)
    for path, page in (
        ("/transfers/7/receive", "/transfers/7"), ("/people/l%C3%A0n/edit", "/people/l%C3%A0n"), ("/sign-out", "/"),
        ("/equipment-requests/settings/steps", "/equipment-requests/settings"), ("/purchases/new", "/purchases"),
        (f"/fulfilment-parts/{NIL}/finish", None), ("/transfers/%0D%0AX/send", "/transfers/%0D%0AX"),
    ):  # fmt: skip
        assert (await root.get(path)).headers.get("location") == page, path


async def test_when_only_the_head_is_asked_for_then_it_is_that_of_the_whole(house: House) -> None:
    root = await house.person("root", Role.ADMINISTRATOR)
    for path in ("/", "/api/v1/sites", "/api/v1/sites/21025", "/api/v1/nothing", "/sign-in", "/health/live", "/metrics",
                 "/schema/openapi.json", "/api/v1/sites?x=1"):  # fmt: skip
        whole, head = await root.get(path), await root.head(path)
        assert (head.status_code, head.content) == (whole.status_code, b""), path
        assert head.headers["content-type"] == whole.headers["content-type"], path
        if path.startswith("/api/"):
            assert head.headers.get("content-length") == whole.headers.get("content-length"), path


@pytest.mark.parametrize(
    "path", ["/api", "/api/", "/api/v1", "/api/v1/", "/api/v1/nothing", "/api/v2/sites", "//api/v1//nothing"]
)
async def test_when_there_is_no_such_path_in_the_api_then_it_is_a_problem_document(house: House, path: str) -> None:
    for who in (house.client(), await house.person("root", Role.ADMINISTRATOR)):
        for method in ("GET", "POST", "DELETE"):
            answer = await who.request(method, f"{house.settings.url}{path}")
            assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


async def test_when_a_path_has_idle_slashes_then_it_is_the_same_resource(house: House) -> None:
    root = await house.person("root", Role.ADMINISTRATOR)
    for path in ("/api/v1/sites", "/api/v1/sites/21025", "/sites/21025", "/sites/21025.json", "/health/live"):
        plain = await root.get(path)
        for other in (f"{path}/", f"{path}//", f"/{path}"):
            again = await root.get(f"{house.settings.url}{other}", follow_redirects=False)
            assert (again.status_code, again.headers["content-type"]) == (200, plain.headers["content-type"]), other


SPELLINGS = ("1_0", "+1", "-1", "01", "%D9%A1", "1.0", "%201", "99999999999999999999", "9" * 5_000, "1e1", "0x1", "%00")


@pytest.mark.parametrize("number", SPELLINGS)
async def test_when_a_number_in_a_path_is_written_oddly_then_there_is_nothing(house: House, number: str) -> None:
    root = await house.person("root", Role.ADMINISTRATOR)
    for path in (f"/api/v1/incidents/{number}", f"/incidents/{number}", f"/incidents/{number}.json"):
        assert (await root.get(path)).status_code == 404, path
    assert (await root.post(f"/api/v1/incidents/{number}/acknowledge")).status_code == 404


@pytest.mark.parametrize("spelling", ["{}", "urn:uuid:{}", "{{{}}}"])
async def test_when_an_id_in_a_path_is_written_oddly_then_there_is_nothing(house: House, spelling: str) -> None:
    engineer = await house.person("eng", Role.ADMINISTRATOR)
    made = await engineer.post("/api/v1/channels", json={"name": "a", "url": "ntfys://ntfy.example.vn/topic"})
    if made.status_code == 201:
        plain = made.json()["id"]
        good = (plain, plain.upper())
        odd = spelling.format(plain if spelling != "{}" else plain.replace("-", ""))
        assert [(await engineer.get(f"/api/v1/channels/{one}")).status_code for one in (*good, odd)] == [200, 200, 404]


# --- versions


def plausible(document: dict[str, Any], path: str, method: str) -> Any:
    """What a route must be given at least: a version that is missing must not hide behind a field that is."""
    body = document["paths"][path][method.lower()].get("requestBody", {}).get("content", {}).get("application/json", {})
    return Filled(document, KNOWN).of(body["schema"]) if "schema" in body else {}


EDITABLE = {
    "/api/v1/administrative-units/{code}", "/api/v1/applications/{code}", "/api/v1/asset-categories/{category}",
    "/api/v1/asset-models/{model}", "/api/v1/assets/{tag}", "/api/v1/attachments/{attachment}",
    "/api/v1/capabilities/{capability}", "/api/v1/channels/{channel}", "/api/v1/consumables/{consumable}",
    "/api/v1/credentials/{credential}",
    "/api/v1/counted-states/{counted}", "/api/v1/custom-fields/{field}", "/api/v1/disposal-rules/{rule}",
    "/api/v1/kits/{kit}", "/api/v1/label-grids/{grid}", "/api/v1/label-printers/{printer}", "/api/v1/links/{tag}",
    "/api/v1/norms/{norm}", "/api/v1/reminder-points/{kind}", "/api/v1/rooms/{room}",
    "/api/v1/saved-filters/{filter}", "/api/v1/sites/{code}", "/api/v1/stock/{stock}", "/api/v1/stocktakes/{number}",
    "/api/v1/subscriptions/{subscription}", "/api/v1/targets/{target}", "/api/v1/unit-changes/{change}",
    "/api/v1/users/{name}", "/api/v1/wear-rates/{rate}", "/api/v1/paper-forms/{paper}",
    "/api/v1/paper-forms/{paper}/template", "/api/v1/approval-settings", "/api/v1/approval-steps/{step}",
    "/api/v1/category-costs/{category}", "/api/v1/fault-kinds/{fault}", "/api/v1/working-calendar",
}  # fmt: skip


async def test_when_a_thing_can_be_changed_or_removed_then_its_version_must_be_said(house: House) -> None:
    root = await house.person("root", Role.ADMINISTRATOR)
    document = house.app.openapi_schema.to_schema()
    seen = set()
    for route in routes(house):
        for handler in route.route_handlers:
            for method in {"PUT", "PATCH", "DELETE"} & {str(m) for m in handler.http_methods}:
                said = {"method": method, "url": filled(route), "json": plausible(document, route.path_format, method)}
                assert (await root.request(**said)).status_code == 428, route.path
                for stale in ('"x"', "*", '""', '"1_0"', '"٣"', '"1", "2"'):
                    answer = await root.request(**said, headers=[(b"if-match", stale.encode())])
                    assert answer.status_code == 412, (route.path, stale)
                parameters = document["paths"][route.path_format][method.lower()]["parameters"]
                assert "If-Match" in {p["name"] for p in parameters}, route.path
                assert "GET" in route.methods, f"{route.path}: nobody can read its version"
                seen.add(route.path_format)
    assert seen == EDITABLE


async def test_when_an_editable_thing_is_read_or_made_then_its_version_is_the_tag(house: House) -> None:
    from tests.http.test_contract import asset, target

    root = await house.person("root", Role.ADMINISTRATOR)
    paths = ["/api/v1/users/root", "/api/v1/assets/QN-1", f"/api/v1/targets/{await target(of=await asset())}"]
    open_house = await served(demo=True)
    demo = open_house.client(**dict(root.headers))
    made = await demo.post(
        "/api/v1/channels", json={"name": "a", "url": "mailto://127.0.0.1:2525/?from=a@b.vn&to=c@d.vn"}
    )
    assert (made.status_code, made.headers["etag"]) == (201, '"1"'), made.text
    asked = await demo.post("/api/v1/subscriptions", json={"channel": made.json()["id"]})
    assert (asked.status_code, asked.headers["etag"]) == (201, '"1"'), asked.text
    rate = {"category": "printer", "years": 5, "valid_from": "2025-01-01"}
    written = await demo.post("/api/v1/wear-rates", json=rate)
    assert (written.status_code, written.headers["etag"]) == (201, '"1"'), written.text
    paths += [f"/api/v1/wear-rates/{written.json()['id']}"]
    paths += [f"/api/v1/channels/{made.json()['id']}", f"/api/v1/subscriptions/{asked.json()['id']}"]
    for resource, new, key in (
        ("links", {"tag": "L-1", "site": "21025", "kind": "fibre", "carrier": "c"}, "tag"),
        ("applications", {"code": "a", "name": "A"}, "code"),
        ("capabilities", {"site": "21025", "kind": "seal", "title": "x", "status": "issued"}, "id"),
        ("asset-models", {"category": "printer", "manufacturer": "M", "name": "N"}, "id"),
        ("asset-categories", {"code": "tent", "name": "Lều"}, "id"),
        ("custom-fields", {"code": "ports", "name": "Cổng", "kind": "integer"}, "id"),
        ("rooms", {"site": "21025", "name": "Phòng họp"}, "id"),
        ("consumables", {"code": "A4", "name": "Giấy", "unit": "ram"}, "code"),
        ("kits", {"code": "k", "name": "K", "site_kind": "store"}, "code"),
    ):
        done = await demo.post(f"/api/v1/{resource}", json=new)
        assert (done.status_code, done.headers.get("etag")) == (201, '"1"'), (resource, done.text)
        paths.append(f"/api/v1/{resource}/{done.json()[key]}")
    paths += ["/api/v1/sites/21025", "/api/v1/administrative-units/21025"]
    for path in paths:
        read = await demo.get(path)
        assert read.headers["etag"] == f'"{read.json()["version"]}"', path
