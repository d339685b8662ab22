"""Thousands of malformed replies for v2c and v3: each ends as a counted, explained outcome, and nothing forged is taken.

`make test` takes a sample; LONG=1 takes 20,000 generated replies and 5,000 of noise for each version, and reads the log.
"""

import asyncio
import collections
import gc
import os
import socket
import struct
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field

import pytest

from assets.ids import new_id
from assets.probing import ber, oid, usm
from assets.probing.ber import Value, tlv
from assets.probing.contract import Community, Credential
from assets.probing.door import DeviceError, Malformed, Peer, Silent, WrongCredential
from assets.probing.flight import Flight
from assets.probing.wire import Wire
from tests.probes import engine as v3
from tests.probes.hostile import COMMUNITY, Question, reply
from tests.probes.mangle import mangled, parse, random_octets

pytestmark = pytest.mark.longer
LONG = bool(os.environ.get("LONG"))
GENERATED, NOISE = (20_000, 5_000) if LONG else (600, 150)
# Asked at once, each one question after the other, and the patience with each: sealing by v3 takes these devices long.
DEVICES = {"v2c": (250, 0.4), "v3": (60, 0.4)}
STALL_SECONDS_MAX = 0.1
NET = "127.66"
PUBLIC = Community(id=new_id(), community=COMMUNITY.decode())
ROOT = "1.3.6.1.2.1.2.2.1.10"
VALUES = {
    "1.3.6.1.2.1.1.1.0": tlv(4, b"a device"),
    "1.3.6.1.2.1.1.2.0": tlv(6, oid.encode("1.3.6.1.4.1.9.1.1")),
    "1.3.6.1.2.1.1.3.0": tlv(0x43, b"\x01\x02\x03"),
}
HONEST: dict[str, Value] = {
    "1.3.6.1.2.1.1.1.0": b"a device",
    "1.3.6.1.2.1.1.2.0": "1.3.6.1.4.1.9.1.1",
    "1.3.6.1.2.1.1.3.0": 0x010203,
}
ROWS = [(f"{ROOT}.{n}", tlv(0x41, b"\x01" + bytes((n,)))) for n in range(1, 9)] + [
    ("1.3.6.1.2.1.2.2.1.11.1", tlv(0x41, b"\x07"))
]
NAMES = tuple(VALUES)
Ruin = Callable[[bytes, int], bytes]


def bindings(question: Question) -> list[tuple[str, bytes]]:
    """What an honest device says."""
    if question.pdu == ber.GET:
        return [(name, VALUES[name]) for name in question.names]
    after = oid.arcs(oid.encode(question.names[0]))
    return [row for row in ROWS if oid.arcs(oid.encode(row[0])) > after][: max(1, question.repetitions)]


@dataclass
class Case:
    """What one device sends to its next question: ruined before it is signed, after, or from elsewhere."""

    number: int
    ruin: Ruin
    signed: bool = False
    elsewhere: bool = False
    sent: list[bytes] = field(default_factory=list)
    asked: list[Question] = field(default_factory=list)


class Devices:
    """A whole net of devices behind one socket, one for each loopback address: honest ones, until a case is set."""

    def __init__(self) -> None:
        self.cases: dict[str, Case] = {}
        self.engine = v3.Engine(v3.user(), self._v3)
        self._sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._sock.setsockopt(socket.IPPROTO_IP, getattr(socket, "IP_PKTINFO", 8), 1)
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self._sock.bind(("", 0))
        self._sock.setblocking(False)
        self.port = self._sock.getsockname()[1]
        self._address = ""
        asyncio.get_running_loop().add_reader(self._sock, self._read)

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._sock)
        self._sock.close()

    def _read(self) -> None:
        for _ in range(20):
            try:
                data, control, _, source = self._sock.recvmsg(4_096, 64)
            except BlockingIOError:
                return
            local = control[0][2][8:12]
            self._address = socket.inet_ntoa(local)
            case = self.cases.get(self._address)
            for datagram in self._answer(data):
                spec = local if case is None or not case.elsewhere else bytes((127, 67, 0, 1))
                info = struct.pack("=I4s4s", 0, spec, b"\0" * 4)
                self._sock.sendmsg([datagram], [(socket.IPPROTO_IP, getattr(socket, "IP_PKTINFO", 8), info)], 0, source)

    def _answer(self, data: bytes) -> list[bytes]:
        start, end = ber.content(data, 0, len(data), 0x30)
        if ber.int32(data, start, end)[0] == usm.V3:
            return list(self.engine.handle(data))
        head = ber.header(data)
        names = tuple(oid.decode(b[0]) for b in ber.bindings(data, head.body))
        question = Question(head.request_id, head.pdu, head.error_index, names)
        honest = reply(question, bindings=bindings(question))
        return [self._sent(question, honest)]

    def _v3(self, engine: v3.Engine, asked: v3.Asked, before: int) -> list[bytes]:
        pdu = v3.answer(asked.question, bindings=bindings(asked.question))
        case = self.cases.get(self._address)
        if case is not None and case.signed:
            return [engine.message(asked.head, self._sent(asked.question, pdu))]
        return [self._sent(asked.question, engine.message(asked.head, pdu))]

    def _sent(self, question: Question, honest: bytes) -> bytes:
        case = self.cases.get(self._address)
        if case is None:
            return honest
        ruined = case.ruin(honest, case.number)
        case.sent.append(ruined)
        case.asked.append(question)
        return ruined


@pytest.fixture
async def devices() -> AsyncIterator[Devices]:
    made = Devices()
    yield made
    made.close()


class Watched(Flight):
    """Messages under way, with the CPU time of each turn in which it takes datagrams: what would keep the loop from others."""

    longest = 0.0

    def _drain(self, sock: socket.socket) -> None:
        gc.disable()  # it would walk what all tests before have left
        began = time.thread_time()
        super()._drain(sock)
        self.longest = max(self.longest, time.thread_time() - began)
        gc.enable()


@pytest.fixture
async def flight() -> Watched:
    return Watched()


@pytest.fixture
async def wire(flight: Watched) -> AsyncIterator[Wire]:
    made = Wire(flight)
    yield made
    await made.close()


def plan(count: int, noise: int, *, signed: bool) -> Iterator[Case]:
    """Generated cases and noise, some signed as they are, some from another address."""
    for number in range(count):
        yield Case(number, mangled, signed=signed and number % 3 > 0, elsewhere=number % 97 == 0)
    for number in range(noise):
        yield Case(number, random_octets, signed=signed and number % 3 > 0)


def decoded(datagram: bytes) -> tuple[int, bytes, int, int, set[bytes]] | None:
    """(version, community, PDU type, request-id, names) as a reader that knows no types of values sees them."""
    try:
        (message,) = parse(datagram)
        version, community, pdu = message.inside
        request_id, _, _, listed = pdu.inside
        names = {pair.inside[0].content for pair in listed.inside}
    except (ValueError, IndexError, RecursionError):
        return None
    return (
        int.from_bytes(version.content, "big"), community.content, pdu.tag, int.from_bytes(request_id.content, "big"), names
    )  # fmt: skip


async def ask(wire: Wire, peer: Peer, number: int) -> dict[str, Value]:
    """One of the two questions."""
    if number % 2:
        return await wire.get(peer, NAMES)
    return dict((await wire.walk(peer, [ROOT])).rows)


def check_v2c(case: Case, found: dict[str, Value]) -> None:
    """What was taken must be, for another reader too, the answer to this very question."""
    told = [d for sent in case.sent if (d := decoded(sent)) is not None]
    ids = {question.request_id for question in case.asked}
    for name in found:
        assert name in NAMES or oid.is_under(name, ROOT), (case.number, name)
        fitting = [
            d for d in told if d[:3] == (1, COMMUNITY, ber.RESPONSE) and d[3] in ids and oid.encode(name) in d[4]
        ]
        assert fitting, (case.number, name, [sent.hex() for sent in case.sent])


def check_v3(case: Case, found: dict[str, Value]) -> None:
    """What was not signed by the engine as it came must be the honest answer or nothing."""
    for name, value in found.items():
        assert name in NAMES or oid.is_under(name, ROOT), (case.number, name)
        if not case.signed and name in HONEST:
            assert value == HONEST[name], (case.number, name)


@pytest.mark.timeout(1_500)
@pytest.mark.parametrize("version", ["v2c", "v3"])
async def test_when_thousands_of_replies_are_malformed_then_each_question_ends_and_nothing_forged_is_taken(
    wire: Wire, flight: Watched, devices: Devices, version: str, caplog: pytest.LogCaptureFixture
) -> None:
    credential: Credential = PUBLIC if version == "v2c" else devices.engine.user
    check = check_v2c if version == "v2c" else check_v3
    cases = plan(GENERATED, NOISE, signed=version == "v3")
    ends: collections.Counter[str] = collections.Counter()
    at_once, patience = DEVICES[version]

    async def device(number: int) -> None:
        address = f"{NET}.{number // 250}.{number % 250 + 1}"
        peer = Peer(address, devices.port, credential, 2.0, 1)
        for question in (0, 1) * 3:  # shapes and frames are known before the lies begin
            assert await ask(wire, peer, question)
        peer = Peer(address, devices.port, credential, patience, 1)
        for case in cases:
            devices.cases[address] = case
            try:
                found = await ask(wire, peer, case.number)
            except DeviceError as error:
                ends[type(error).__name__ if str(error) else "unexplained"] += 1
            else:
                ends["answered" if found else "left out"] += 1
                if case.sent:
                    check(case, found)

    await asyncio.gather(*(device(number) for number in range(at_once)))
    assert sum(ends.values()) == GENERATED + NOISE
    assert ends["Malformed"] > (GENERATED + NOISE) / 3, ends
    assert set(ends) <= {"answered", "left out", "Malformed", "Silent", "WrongCredential"}
    assert sum(wire.refused.values()) >= ends["Malformed"]
    assert flight.longest < STALL_SECONDS_MAX
    assert not [record for record in caplog.records if record.levelname in ("ERROR", "CRITICAL")], caplog.text[:2_000]
    print(version, dict(ends), dict(wire.refused), f"longest turn {flight.longest * 1e3:.1f} ms")


@pytest.mark.parametrize("version", ["v2c", "v3"])
async def test_when_every_honest_answer_is_ruined_in_one_octet_then_v3_takes_none_of_it(
    wire: Wire, devices: Devices, version: str
) -> None:
    """Each octet of an answer in turn: signed ones are refused whatever it is, v2c ones unless only a value changed."""
    credential: Credential = PUBLIC if version == "v2c" else devices.engine.user
    address = f"{NET}.9.9"
    peer = Peer(address, devices.port, credential, 1.0, 1)
    for _ in range(4):
        assert await wire.get(peer, NAMES) == HONEST
    taken = 0
    for place in range(0, 220, 1 if LONG else 9):
        case = Case(
            place,
            lambda data, at: (
                data[: at % len(data)] + bytes((data[at % len(data)] ^ 0x11,)) + data[at % len(data) + 1 :]
            ),
        )
        devices.cases[address] = case
        try:
            found = await wire.get(Peer(address, devices.port, credential, 0.06, 1), NAMES)
        except (Malformed, Silent, WrongCredential):
            continue
        taken += 1
        assert version == "v2c", place
        check_v2c(case, found)
    assert version == "v3" or taken > 0
