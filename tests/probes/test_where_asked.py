"""The rule of where a collector asks, held at the moment of asking: names that move, redirects, every method."""

import asyncio
import socket
from collections.abc import AsyncIterator
from ipaddress import ip_address
from typing import Any

import pytest

from assets.collector import orders
from assets.collector.devices import Devices
from assets.ids import new_id
from assets.probing import pages, reach
from assets.probing.allowed import CLOSED, METADATA, OWN, Allowed, read_networks
from assets.probing.contract import Community, TargetSpec
from assets.probing.door import NotAsked
from assets.probing.options import HttpOptions
from assets.probing.prober import Prober
from assets.probing.profile import Profiles
from assets.probing.reach import Resolver
from assets.probing.readings import Method, Outcome
from tests.probes.web import page, says, server

PUBLIC = Community(id=new_id(), community="word")
LOOPBACK = read_networks("127.0.0.0/8")


@pytest.fixture
async def prober() -> AsyncIterator[Prober]:
    made = Prober(Profiles.load(), allowed=Allowed())
    yield made
    await made.close()


def target(method: Method, address: str, port: int = 80, **options: Any) -> TargetSpec:
    return TargetSpec(
        id=new_id(), name="x", address=address, port=port, method=method, options=options, timeout_seconds=0.5, tries=1
    )


@pytest.mark.parametrize("address", ["127.0.0.1", "localhost"])
async def test_pages_of_the_collectors_own_machine_are_not_looked_at(prober: Prober, address: str) -> None:
    asked = 0

    async def heard(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        asked += 1

    async with server(heard) as port:
        found = await prober.probe(target(Method.HTTP, address, port, url=f"http://{address}:{port}/"))
        assert (found.outcome, found.detail) == (Outcome.NOT_ASKED, OWN)
    assert asked == 0


@pytest.mark.parametrize("light", [False, True])
@pytest.mark.parametrize("method", [Method.SNMP, Method.TCP, Method.HTTP, Method.DNS, Method.PING])
async def test_what_was_closed_is_asked_by_no_method(method: Method, light: bool) -> None:
    asked = 0

    async def heard(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        asked += 1

    async with server(heard) as port:
        prober = Prober(Profiles.load(), allowed=Allowed(LOOPBACK, frozenset({(ip_address("127.0.0.1"), port)})))
        options = {Method.HTTP: {"url": f"http://127.0.0.1:{port}/"}, Method.DNS: {"name": "portal.example"}}
        one = target(method, "127.0.0.1", port, **options.get(method, {})).model_copy(update={"light": light})
        try:
            found = await prober.probe(one, PUBLIC)
            assert (found.outcome, found.detail) == (Outcome.NOT_ASKED, CLOSED)
            assert await prober.alive(one, PUBLIC), "what we may not ask is not blamed"
        finally:
            await prober.close()
    assert asked == 0


@pytest.mark.parametrize("method", [Method.SNMP, Method.TCP, Method.DNS, Method.PING])
async def test_the_collectors_own_machine_is_a_device_like_others(prober: Prober, method: Method) -> None:
    async with server(says(page())) as port:
        options = {"name": "portal.example"} if method is Method.DNS else {}
        found = await prober.probe(target(method, "127.0.0.1", port, **options), PUBLIC)
    assert found.outcome is not Outcome.NOT_ASKED


async def test_a_name_that_comes_to_mean_something_else_is_looked_at_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    meant = ["10.0.0.9", "169.254.169.254"]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [(socket.AF_INET, 0, 0, "", (meant[0], 0))])
    monkeypatch.setattr(reach, "NAME_SECONDS", 0.0)
    resolver = Resolver(Allowed())
    try:
        assert await resolver.address("printer.example") == "10.0.0.9"
        del meant[0]
        with pytest.raises(NotAsked, match=METADATA):
            await resolver.address("printer.example")
    finally:
        resolver.close()


async def test_what_names_cost_is_told_once_with_the_look_that_asked_for_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [(socket.AF_INET, 0, 0, "", ("127.0.0.1", 0))])
    async with server(says(page())) as port:
        prober = Prober(Profiles.load())
        try:
            page_of = target(Method.HTTP, "page.example", port, url=f"http://page.example.localhost:{port}/")
            for one in (target(Method.TCP, "name.example", port), page_of.model_copy(update={"address": "127.0.0.1"})):
                first, second = [(await prober.probe(one)).traffic for _ in range(2)]
                assert first is not None
                assert second is not None
                assert (first - second).packets == 4
                assert (first - second).octets >= 4 * (len("name.example") + 18 + 28)
        finally:
            await prober.close()


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("http://169.254.169.254/latest", METADATA),
        ("http://[::1]:{port}/", OWN),
        ("http://127.0.0.1:{closed}/", CLOSED),
    ],
)
async def test_a_page_does_not_redirect_to_where_nothing_is_asked(location: str, reason: str) -> None:
    async with server(says(page())) as closed, server(says(page())) as port:
        where = location.format(port=port, closed=closed)
        async with server(says(page("302 Found", head=f"Location: {where}\r\n"))) as first:
            rule = Allowed(LOOPBACK, frozenset({(ip_address("127.0.0.1"), closed)}))
            resolver = Resolver(rule)
            try:
                with pytest.raises(NotAsked, match=reason):
                    await pages.ask(HttpOptions(url=f"http://127.0.0.1:{first}/"), resolver)
            finally:
                resolver.close()


async def test_a_sweep_finds_nobody_where_nothing_is_asked() -> None:
    devices = Devices(Allowed(closed=frozenset({(ip_address("127.0.0.1"), 0)})))
    try:
        text, looks = await orders._who_is(devices, "127.0.0.1", PUBLIC)
        assert (text, [look.outcome for look in looks]) == ("", [Outcome.NOT_ASKED] * 2)
    finally:
        await devices.close()
