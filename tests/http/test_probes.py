"""Targets of every method, lines, costs and credentials, on their pages and over the API."""

import re
from typing import Any
from uuid import UUID

import httpx2
import pytest

from assets import clock
from assets.access.permissions import Role
from assets.db import EVERYTHING, transaction
from assets.probing.allowed import OWN
from assets.probing.endings import ending, told
from tests.conftest import House

PING = {
    "method": "ping",
    "address": "10.0.0.1",
    "packets": "3",
    "way": "auto",
    "interval_seconds": "60",
    "confirm": "2",
}


@pytest.fixture
async def it(house: House) -> httpx2.AsyncClient:
    return await house.person("it", Role.PROVINCE_IT)


async def added(client: httpx2.AsyncClient, **values: Any) -> dict[str, Any]:
    answer = await client.post("/api/v1/targets", json={"site": "21025", "title": "Cổng"} | values)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


METHODS = [
    ("ping", {"address": "10.0.0.1", "ping": {"packets": 7, "warning_ms": None}}, 80),
    ("tcp", {"address": "10.0.0.1", "port": 22}, 22),
    ("http", {"http": {"url": "https://portal.example:8443/x", "status": "200, 401", "text": "Cổng"}}, 8443),
    ("dns", {"address": "10.0.0.53", "dns": {"name": "portal.example", "expected": ["203.0.113.7"]}}, 53),
    ("heartbeat", {"heartbeat": {"grace_seconds": 60}}, 1),
]


@pytest.mark.parametrize(("method", "values", "port"), METHODS, ids=[m[0] for m in METHODS])
async def test_each_method_keeps_its_settings_and_has_a_page_with_a_form(
    it: httpx2.AsyncClient, method: str, values: dict[str, Any], port: int
) -> None:
    made = await added(it, method=method, **values)
    assert made["port"] == port
    assert values.get(method, {}).items() <= {**made[method], "status": "200, 401"}.items()
    assert all(made[other] is None for other, _, _ in METHODS if other != method)
    page = await it.get(f"/targets/{made['id']}")
    assert page.status_code == 200
    form = (await it.get(f"/targets/{made['id']}/edit")).text
    fields = dict(re.findall(r'<input id="([a-z_]+)" name="[a-z_]+" type="text" value="([^"]*)"', form))
    chosen = re.findall(r'<select id="([a-z]+)".*?<option value="([a-zA-Z]*)" selected', form)
    areas = dict(re.findall(r'<textarea id="([a-z_]+)"[^>]*>([^<]*)<', form))
    sent = {
        **fields,
        **dict(chosen),
        **areas,
        "method": method,
        "version": "1",
        "enabled": "1",
        "interval_seconds": "90",
    }
    sent.setdefault("confirm", "2")
    answer = await it.post(f"/targets/{made['id']}/edit", data=sent)
    assert answer.status_code == 303, answer.text
    after = (await it.get(f"/api/v1/targets/{made['id']}")).json()
    assert (after["interval_seconds"], after["version"]) == (90, 2)
    assert after[method] == made[method], "the form changes nothing that nobody changed"


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"method": "http", "http": {"url": "ftp://x.example/"}}, "http.url"),
        ({"method": "http", "http": {"url": "https://a:b@x.example/"}}, "http.url"),
        ({"method": "http", "http": {"url": "https://x.example/", "status": "abc"}}, "http.status"),
        ({"method": "http", "http": {"url": "https://x.example/", "certificate": "own"}}, "http"),
        ({"method": "ping", "address": "10.0.0.1", "tcp": {}}, "tcp"),
        ({"method": "ping"}, "address"),
        ({"method": "tcp", "address": "169.254.169.254"}, "address"),
        ({"method": "http", "http": {"url": "http://[::ffff:169.254.169.254]/latest"}}, "http.url"),
        ({"method": "http", "http": {"url": "http://0.0.0.0:5432/"}}, "http.url"),
        ({"method": "dns", "address": "10.0.0.1"}, "dns.name"),
    ],
)
async def test_what_is_wrong_is_named_by_its_field(it: httpx2.AsyncClient, values: Any, field: str) -> None:
    answer = await it.post("/api/v1/targets", json={"site": "21025", "title": "Cổng"} | values)
    assert answer.status_code == 400, answer.text
    assert any(error["field"].startswith(field) for error in answer.json()["errors"]), answer.text


async def test_a_form_with_faults_comes_back_with_its_input(it: httpx2.AsyncClient) -> None:
    answer = await it.post("/targets/new", data=PING | {"site": "21025", "title": "Máy chủ", "packets": "900"})
    assert answer.status_code == 400
    assert 'id="wrong-packets"' in answer.text
    assert 'value="Máy chủ"' in answer.text
    good = await it.post("/targets/new", data=PING | {"site": "21025", "title": "Máy chủ"})
    assert good.status_code == 303
    found = (await it.get(f"{good.headers['location']}.json")).json()
    assert found["target"]["ping"]["warning_ms"] is None, "an empty limit is none"


async def test_why_something_is_not_asked_is_said_on_its_page(it: httpx2.AsyncClient) -> None:
    made = await added(it, method="tcp", address="127.0.0.1", port=5432)
    async with transaction(EVERYTHING) as tx:
        await tx.execute(
            "insert into device_states (target, outcome, detail, observed_at) values ($1, 'not_asked', $2, now())",
            UUID(made["id"]), OWN,
        )  # fmt: skip
    assert (
        "Pages of the collector&#39;s own machine are looked at only if its settings say so."
        in (await it.get(f"/targets/{made['id']}")).text
    )


async def test_what_a_look_ended_with_is_said_in_the_readers_language(it: httpx2.AsyncClient) -> None:
    made = await added(it, method="ping", address="10.0.0.1", ping={"packets": 3})
    async with transaction(EVERYTHING) as tx:
        await tx.execute(
            "insert into device_states (target, outcome, detail, observed_at) values ($1, 'silent', $2, now())",
            UUID(made["id"]), told(**ending("no_echoes", count=3, way="icmp")),
        )  # fmt: skip
    assert "none of 3 echoes came back (icmp)" in (await it.get(f"/targets/{made['id']}")).text
    it.cookies.set("language", "vi")
    page = (await it.get(f"/targets/{made['id']}")).text
    assert "gửi 3 gói ping, không gói nào quay lại (icmp)" in page
    assert "echoes" not in page
    watch = (await it.get(f"/targets/{made['id']}.json")).json()["monitoring"]
    assert (watch["detail"], watch["outcome"]) == ("none of 3 echoes came back (icmp)", "silent")


async def test_a_heartbeat_is_called_without_a_sign_in_and_its_address_is_shown_once(
    it: httpx2.AsyncClient, house: House
) -> None:
    made = await added(it, method="heartbeat")
    page = await it.post(f"/targets/{made['id']}/heartbeat-address")
    assert page.headers["cache-control"] == "no-store"
    found = re.search(r"/heartbeats/([\w-]+)", page.text)
    assert found is not None
    secret = found[1]
    nobody = house.client()
    assert (await nobody.post(f"/heartbeats/{secret}")).status_code == 204
    assert (await nobody.post("/heartbeats/made-up")).status_code == 404
    assert (await nobody.post(f"/heartbeats/{'x' * 300}")).status_code == 404
    assert (await it.get(f"/api/v1/targets/{made['id']}")).json()["condition"] == "up"
    for path in (f"/targets/{made['id']}", f"/api/v1/targets/{made['id']}", "/api/v1/audit-events"):
        assert secret not in (await it.get(path)).text
    assert (await it.post(f"/targets/{made['id']}/heartbeat-address/revoke")).status_code == 303
    assert (await nobody.post(f"/heartbeats/{secret}")).status_code == 404


async def test_a_line_tells_what_watching_costs_beside_its_budget(it: httpx2.AsyncClient) -> None:
    line = {"tag": "DT-1", "site": "21025", "kind": "mobile", "carrier": "Nhà mạng", "bandwidth_mbps": 30}
    assert (await it.post("/api/v1/links", json=line)).status_code == 201
    made = (
        await it.post("/api/v1/targets", json={"method": "ping", "address": "10.0.0.1", "link": "DT-1"})
    ).json()  # fmt: skip
    form = {"version": "1", "carrier": "Nhà mạng", "bandwidth_mbps": "30", "budget_mb_per_day": "2"}
    assert (await it.post("/links/DT-1/edit", data=form)).status_code == 303
    async with transaction(EVERYTHING) as tx:
        await tx.execute(
            "insert into traffic_days (target, day, octets, packets, looks) values ($1, $2, 5000, 10, 2)",
            made["id"], clock.today(),
        )  # fmt: skip
    cost = (await it.get("/links/DT-1.json")).json()["cost"]
    assert (cost["budget"], cost["own_budget"], cost["today"], cost["per_day"]) == (2_000_000, True, 5_000, 3_600_000)
    assert cost["over"] is True
    assert (await it.get("/api/v1/traffic-totals")).json()["links"][0]["tag"] == "DT-1"
    [row] = (await it.get("/api/v1/traffic", params={"site": "21025"})).json()["items"]
    assert (row["link"], row["octets"], row["looks"]) == ("DT-1", 5_000, 2)
    assert (
        await it.post("/links/DT-1/edit", data=form | {"version": "2", "budget_mb_per_day": "0"})
    ).status_code == 400


async def test_credentials_are_kept_renewed_ordered_and_removed_and_never_shown(it: httpx2.AsyncClient) -> None:
    secret = "canary-passphrase"
    form = {"name": "Cấp tỉnh", "kind": "v3", "user_name": "u", "auth": "sha256", "auth_passphrase": secret,
            "privacy": "aes128", "privacy_passphrase": secret}  # fmt: skip
    assert (await it.post("/credentials", data=form)).status_code == 303
    short = await it.post("/credentials", data=form | {"name": "b", "auth_passphrase": "short"})
    assert short.status_code == 400
    assert secret not in short.text
    [one] = (await it.get("/api/v1/credentials")).json()["items"]
    assert (one["level"], one["user_name"], one["auth"], one["privacy"]) == (3, "u", "sha256", "aes128")
    renamed = await it.post(f"/credentials/{one['id']}", data={"name": "Tỉnh", "kind": "v3", "version": "1"})
    assert renamed.status_code == 303
    assert (await it.post("/credential-orders", data={"site": "21025", "credential_1": one["id"]})).status_code == 303
    [order] = (await it.get("/api/v1/credential-orders")).json()["items"]
    assert (order["site"], order["names"]) == ("21025", ["Tỉnh"])
    assert (await it.post("/credential-orders", data={"site": "nowhere", "credential_1": one["id"]})).status_code == 404
    used = await it.post(f"/credentials/{one['id']}/remove", data={"version": "2"})
    assert used.status_code == 409
    weak = {"secret": {"community": "word", "auth": "sha1", "auth_passphrase": secret}}
    assert (await it.post("/api/v1/credentials", json={"name": "x"} | weak)).status_code == 400
    stale = {"site": "21025", "credentials": [], "before": []}
    assert (await it.post("/api/v1/credential-orders", json=stale)).status_code == 409
    assert (await it.post("/api/v1/credential-orders", json={**stale, "before": [one["id"]]})).status_code == 200
    assert (await it.post(f"/credentials/{one['id']}/remove", data={"version": "2"})).status_code == 303
    for path in ("/credentials", "/api/v1/credentials", "/api/v1/audit-events"):
        assert secret not in (await it.get(path)).text


async def test_a_credential_is_tried_on_order_of_the_province(it: httpx2.AsyncClient, house: House) -> None:
    await house.collector()
    made = (await it.post("/api/v1/credentials", json={"name": "a", "secret": {"community": "word"}})).json()
    target = await added(it, method="snmp", address="10.0.0.9")
    path = f"/api/v1/targets/{target['id']}/try-credential"
    assert (await it.post(path, json={"credential": made["id"]})).status_code == 400, "no list names it"
    await it.post("/api/v1/credential-orders", json={"credentials": [made["id"]]})
    order = await it.post(path, json={"credential": made["id"]})
    assert (order.status_code, order.json()["kind"]) == (201, "try_credential")
    assert (await it.post(f"/targets/{target['id']}/probe")).status_code == 303
    page = (await it.get(f"/targets/{target['id']}")).text
    assert made["id"] in page
