"""What asking costs, held against what was really on the way: counted by a relay, and by the loopback itself."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from assets.ids import new_id
from assets.probing.contract import Community, TargetSpec, User
from assets.probing.prober import Prober
from assets.probing.profile import Profiles
from assets.probing.readings import Method, Outcome, Result, Traffic
from tests.ports import closed_port
from tests.probes.agents import snmpd
from tests.probes.counted import line, loopback
from tests.probes.test_wire_v3 import created
from tests.probes.web import Authority, page, says, server

PUBLIC = Community(id=new_id(), community="word")
SHARE = 0.04  # by which a figure may be wrong


@pytest.fixture
async def prober() -> AsyncIterator[Prober]:
    made = Prober(Profiles.load())
    yield made
    await made.close()


def target(method: Method, port: int, **more: Any) -> TargetSpec:
    given = {"timeout_seconds": 5, "tries": 2} | more
    return TargetSpec(id=new_id(), name="x", address="127.0.0.1", port=port, method=method, **given)


def octets(result: Result) -> int:
    assert result.traffic is not None, result
    return result.traffic.octets


async def quiet(sizes: list[int] | None) -> None:
    """Wait until nothing more is on the way."""
    before = -1
    while sizes is not None and len(sizes) != before:
        before = len(sizes)
        await asyncio.sleep(0.2)


async def test_what_pysnmp_asks_costs_what_the_line_carried(prober: Prober, tmp_path: Path) -> None:
    key = "correct-privacy-key"
    user = User(id=new_id(), user="old", auth="sha1", auth_key="correct-auth-key", privacy="des", privacy_key=key)
    with snmpd(tmp_path, users=created(user)) as port:
        async with line(port) as (front, counted):
            spec = target(Method.SNMP, front, timeout_seconds=5)
            total = Traffic()
            for _ in range(3):
                found = await prober.probe(spec, user)
                assert found.outcome is Outcome.ANSWERED, found.detail
                assert found.traffic is not None
                total += found.traffic
            assert await prober.alive(spec, user)
            carried = counted.octets
            last = await prober.probe(spec, user)
            assert last.traffic is not None
            total += last.traffic
            wrong = user.model_copy(update={"id": new_id(), "privacy_key": type(user.privacy_key)("not-the-right-key")})
            refused = await prober.probe(spec.model_copy(update={"timeout_seconds": 2, "tries": 1}), wrong)
            assert refused.outcome is Outcome.WRONG_CREDENTIAL
            total += refused.traffic or Traffic()
    assert carried < counted.octets
    assert total.octets == pytest.approx(counted.octets, rel=SHARE)
    assert total.packets == pytest.approx(counted.packets, rel=SHARE)


async def test_what_is_asked_beside_the_looks_is_told_with_the_next_one(prober: Prober, tmp_path: Path) -> None:
    user = User(id=new_id(), user="new", auth="sha1", auth_key="correct-auth-key", privacy="aes128",
                privacy_key="correct-privacy-key")  # fmt: skip
    with snmpd(tmp_path, users=created(user)) as port:
        async with line(port) as (front, counted):
            spec = target(Method.SNMP, front, timeout_seconds=5)
            await prober.probe(spec, user)
            before = counted.octets
            assert (await prober.walk(spec, user, "1.3.6.1.2.1.1")).rows
            assert await prober.alive(spec, user)
            assert octets(await prober.probe(spec, user)) == counted.octets - before
            before = counted.octets
            assert octets(await prober.probe(spec, user)) == counted.octets - before


@pytest.mark.parametrize(
    "kind", ["plain", "large", "secure", "untrusted", "hangs", "tcp", "refused", "echo", "closed echo"]
)
async def test_what_goes_by_tcp_costs_what_the_loopback_carried(prober: Prober, tmp_path: Path, kind: str) -> None:
    authority = Authority.make()
    body = b"x" * 200_000 if kind == "large" else b"Trang"

    async def hangs(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await reader.read()  # until the asker has had enough

    secure: ssl.SSLContext | None = authority.context(tmp_path) if kind in ("secure", "untrusted") else None
    served = server(hangs if kind == "hangs" else says(page(body=body)), secure=secure)
    async with served as port, contextlib.AsyncExitStack() as held:
        if kind in ("refused", "closed echo"):
            port = held.enter_context(closed_port())
        method = {"tcp": Method.TCP, "refused": Method.TCP, "echo": Method.PING, "closed echo": Method.PING}.get(
            kind, Method.HTTP
        )
        options: dict[str, Any] = {}
        if method is Method.PING:
            options = {"way": "tcp", "packets": 3}
        elif method is Method.HTTP:
            options = {"url": f"http{'s' if secure else ''}://127.0.0.1:{port}/", "timeout_seconds": 1}
            if kind == "secure":
                options |= {"certificate": "own", "own_ca": authority.pem}
        with loopback(port) as sizes:
            found = await prober.probe(target(method, port, options=options))
            await quiet(sizes)
    if sizes is None:  # a container that may not look at packets
        assert octets(found) >= 80, "a first packet and its answer"
    else:
        assert octets(found) == pytest.approx(sum(sizes), rel=0.1 if len(sizes) < 40 else SHARE)


async def test_a_look_that_was_ended_over_it_costs_what_it_asked(prober: Prober) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        silent.settimeout(10)
        spec = target(Method.SNMP, silent.getsockname()[1], timeout_seconds=5)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await prober.probe(spec, PUBLIC)
        asked = len(silent.recv(2_048)) + 28
        later = await prober.probe(spec.model_copy(update={"timeout_seconds": 0.1, "tries": 1}), PUBLIC)
    assert later.outcome is Outcome.SILENT
    assert octets(later) == 2 * asked


async def test_a_light_look_at_echoes_costs_echoes_and_a_silent_one_is_silent(prober: Prober) -> None:
    options = {"way": "icmp", "packets": 5}
    light = await prober.probe(target(Method.PING, 1, options=options, light=True))
    if light.outcome is Outcome.NOT_ASKED:  # a container that may not send echoes
        assert "ping" in light.detail
    else:
        assert light.outcome is Outcome.ANSWERED
        assert (light.traffic, light.truncated) == (Traffic(sent_octets=88, received_octets=88, packets=4), True)
    with closed_port() as port:
        closed = target(Method.PING, port, options={"way": "tcp", "packets": 5}, light=True)
        silent = await prober.probe(closed)
        assert silent.outcome is Outcome.SILENT
        assert silent.traffic is not None
        assert silent.traffic.packets == 4  # two connects refused
        assert not await prober.alive(closed)
