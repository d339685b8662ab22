"""Name servers and echoes as they are asked, honest and hostile."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import dns.message
import dns.rcode
import dns.rrset
import pytest

from assets.ids import new_id
from assets.probing import echoes
from assets.probing.contract import TargetSpec
from assets.probing.door import NotAsked
from assets.probing.options import PingOptions
from assets.probing.prober import Prober
from assets.probing.profile import Profiles
from assets.probing.reach import Pinger
from assets.probing.readings import Method, Outcome, Result
from tests.ports import closed_port
from tests.probes.web import page, says, server

Reply = Callable[[dns.message.Message], "list[bytes]"]


class _Server(asyncio.DatagramProtocol):
    def __init__(self, reply: Reply) -> None:
        self.reply = reply
        self.transport: Any = None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        for octets in self.reply(dns.message.from_wire(data)):
            self.transport.sendto(octets, addr)


@asynccontextmanager
async def name_server(reply: Reply, host: str = "127.0.0.1") -> AsyncIterator[int]:
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: _Server(reply), local_addr=(host, 0)
    )  # fmt: skip
    yield transport.get_extra_info("sockname")[1]
    transport.close()


@pytest.fixture
async def prober() -> AsyncIterator[Prober]:
    made = Prober(Profiles.load())
    yield made
    await made.close()


def target(method: Method, port: int, address: str = "127.0.0.1", *, patience: float = 5, **options: Any) -> TargetSpec:
    return TargetSpec(
        id=new_id(), name="t", address=address, port=port, method=method, timeout_seconds=patience, tries=2, options=options
    )  # fmt: skip


def values(result: Result) -> dict[str, Any]:
    return {r.name: r.value if r.state is None else r.state for r in result.readings}


def answer(query: dns.message.Message, *texts: str, rcode: int = 0) -> dns.message.Message:
    made = dns.message.make_response(query)
    made.set_rcode(rcode)
    if texts:
        made.answer.append(dns.rrset.from_text(query.question[0].name, 60, "IN", "A", *texts))
    return made


@pytest.mark.parametrize(
    ("texts", "rcode", "expected", "state"),
    [
        (("203.0.113.7",), 0, (), "as_expected"),
        (("203.0.113.7", "203.0.113.8"), 0, ("203.0.113.8",), "as_expected"),
        (("203.0.113.66",), 0, ("203.0.113.8",), "another_answer"),
        ((), 0, (), "no_answer"),
        ((), dns.rcode.NXDOMAIN, (), "no_answer"),
        ((), dns.rcode.SERVFAIL, (), "no_answer"),
        (("203.0.113.7",), dns.rcode.REFUSED, (), "no_answer"),
    ],
)
async def test_a_name_server_is_up_when_it_answers_and_what_it_answers_is_judged(
    prober: Prober, texts: tuple[str, ...], rcode: int, expected: tuple[str, ...], state: str
) -> None:
    async with name_server(lambda query: [answer(query, *texts, rcode=rcode).to_wire()]) as port:
        found = await prober.probe(target(Method.DNS, port, name="portal.example", expected=expected))
    assert found.outcome is Outcome.ANSWERED
    assert values(found)["dns.answer"] == state
    assert values(found)["dns.time_ms"] >= 0
    assert found.traffic is not None
    assert found.traffic.packets == 2


def forged(query: dns.message.Message) -> dns.message.Message:
    made = answer(query, "198.51.100.1")
    made.id = (query.id + 1) & 0xFFFF
    return made


def other_question(query: dns.message.Message) -> dns.message.Message:
    return dns.message.make_response(dns.message.make_query("evil.example", "A", id=query.id))


@pytest.mark.parametrize(
    ("reply", "outcomes"),
    [
        (lambda query: [], {Outcome.SILENT}),
        (lambda query: [b"\x00"], {Outcome.MALFORMED, Outcome.SILENT}),
        (lambda query: [b"\xff" * 512], {Outcome.MALFORMED, Outcome.SILENT}),
        (lambda query: [query.to_wire()[:2] + b"\x81\x80\xff\xff\xff\xff\xff\xff\xff\xff"], {Outcome.MALFORMED}),
        (lambda query: [answer(query, "203.0.113.7").to_wire()[:-3]], {Outcome.MALFORMED}),
        # A pointer that points at itself.
        (lambda query: [query.to_wire()[:2] + b"\x81\x80\0\1\0\0\0\0\0\0" + b"\xc0\x0c\0\1\0\1"], {Outcome.MALFORMED}),
        (lambda query: [forged(query).to_wire()], {Outcome.SILENT, Outcome.MALFORMED}),
        (lambda query: [other_question(query).to_wire()], {Outcome.SILENT, Outcome.MALFORMED}),
        (lambda query: [query.to_wire()], {Outcome.SILENT, Outcome.MALFORMED}),
    ],
)
async def test_garbage_from_a_name_server_ends_in_an_outcome_and_is_never_an_answer(
    prober: Prober, reply: Reply, outcomes: set[Outcome]
) -> None:
    async with name_server(reply) as port:
        one = target(Method.DNS, port, name="portal.example", patience=0.4)
        found = await asyncio.wait_for(prober.probe(one), 10)
    assert found.outcome in outcomes, found
    assert not found.readings


async def test_a_name_server_over_ipv6(prober: Prober) -> None:
    async with name_server(lambda query: [answer(query, "203.0.113.7").to_wire()], "::1") as port:
        found = await prober.probe(target(Method.DNS, port, "::1", name="portal.example"))
    assert values(found)["dns.answer"] == "as_expected"


async def test_an_open_port_tells_its_time_and_a_closed_one_is_silent(prober: Prober) -> None:
    async with server(says(page())) as port:
        found = await prober.probe(target(Method.TCP, port))
        assert found.outcome is Outcome.ANSWERED
        assert values(found).keys() == {"tcp.connect_ms"}
    assert (await prober.probe(target(Method.TCP, port))).outcome is Outcome.SILENT


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
async def test_where_icmp_is_not_permitted_tcp_tells_and_a_refusal_is_an_answer(
    prober: Prober, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    async def not_permitted(*_: object, **__: object) -> float:
        raise NotAsked("this system does not let us ping")

    monkeypatch.setattr(Pinger, "ping", not_permitted)
    with closed_port(address) as port:
        found = await prober.probe(target(Method.PING, port, address, packets=4))
        only_icmp = await prober.probe(target(Method.PING, port, address, packets=4, way="icmp"))
    assert found.outcome is Outcome.ANSWERED
    assert found.detail == "by tcp"
    assert values(found)["ping.loss_percent"] == 0
    assert only_icmp.outcome is Outcome.NOT_ASKED


async def test_loss_delay_and_jitter_are_of_those_that_came_back(
    prober: Prober, monkeypatch: pytest.MonkeyPatch
) -> None:
    delays = iter([10.0, None, 14.0, 12.0, None])

    async def one(*_: object, **__: object) -> float:
        delay = next(delays)
        if delay is None:
            raise echoes.Silent("lost")
        return delay

    monkeypatch.setattr(Pinger, "ping", one)
    found = await prober.probe(target(Method.PING, 1, packets=5))
    assert found.outcome is Outcome.ANSWERED
    assert values(found) == {
        "ping.loss_percent": 40, "ping.delay_ms": 12, "ping.delay_max_ms": 14, "ping.jitter_ms": 3,
    }  # fmt: skip
    assert found.traffic is not None
    assert (found.traffic.packets, found.traffic.octets) == (8, 8 * 44)


async def test_when_nothing_comes_back_the_whole_is_lost(prober: Prober, monkeypatch: pytest.MonkeyPatch) -> None:
    async def lost(*_: object, **__: object) -> float:
        raise echoes.Silent("lost")

    monkeypatch.setattr(Pinger, "ping", lost)
    found = await prober.probe(target(Method.PING, 1, packets=3))
    assert found.outcome is Outcome.SILENT
    assert values(found) == {"ping.loss_percent": 100}


async def test_one_packet_that_could_not_be_sent_is_no_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    answers: list[Any] = [NotAsked("busy"), 5.0]

    async def one(*_: object, **__: object) -> float:
        found = answers.pop(0)
        if isinstance(found, Exception):
            raise found
        return float(found)

    monkeypatch.setattr(Pinger, "ping", one)
    seen = await echoes.echoes(Pinger(), "127.0.0.1", 1, PingOptions(packets=2), timeout_seconds=0.2)
    assert seen.delays == (5.0,)


async def test_icmp_where_this_system_permits_it(prober: Prober) -> None:
    found = await prober.probe(target(Method.PING, 1, packets=3, way="icmp"))
    if found.outcome is Outcome.NOT_ASKED:
        assert "ping" in found.detail
        return
    assert found.outcome is Outcome.ANSWERED
    assert values(found)["ping.loss_percent"] == 0


async def test_settings_of_a_newer_service_that_mean_nothing_here_are_let_pass(prober: Prober) -> None:
    async with server(says(page())) as port:
        found = await prober.probe(target(Method.TCP, port, colour="red"))
        wrong = await prober.probe(target(Method.DNS, port))  # without a name
    assert found.outcome is Outcome.ANSWERED
    assert wrong.outcome is Outcome.NOT_ASKED
