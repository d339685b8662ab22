"""An SNMP agent that answers exactly what a test tells it, over real loopback sockets."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field
from typing import cast

from assets.probing import ber, oid
from assets.probing.ber import integer, tlv

COMMUNITY = b"public"
NAME = "1.3.6.1.2.1.1.5.0"
TEXT = tlv(0x04, b"it-is-me")


@dataclass(frozen=True)
class Question:
    """What the agent was asked."""

    request_id: int
    pdu: int
    repetitions: int
    names: tuple[str, ...]


Behaviour = Callable[[Question, int], Iterable[bytes]]  # (question, how many came before) → datagrams


def reply(
    question: Question,
    *,
    request_id: int | None = None,
    community: bytes = COMMUNITY,
    version: int = 1,
    pdu: int = ber.RESPONSE,
    status: int = 0,
    index: int = 0,
    bindings: list[tuple[str, bytes]] | None = None,
) -> bytes:
    """A reply that is right except for what is asked to be wrong."""
    shown = [(name, TEXT) for name in question.names] if bindings is None else bindings
    inside = b"".join(tlv(0x30, tlv(0x06, oid.encode(name)) + value) for name, value in shown)
    number = question.request_id if request_id is None else request_id
    body = tlv(pdu, integer(number) + integer(status) + integer(index) + tlv(0x30, inside))
    return tlv(0x30, integer(version) + tlv(0x04, community) + body)


@dataclass
class Agent(asyncio.DatagramProtocol):
    """Answers by `behaviour`; `through` sends the answers from another socket instead."""

    behaviour: Behaviour
    through: asyncio.DatagramTransport | None = None
    questions: list[Question] = field(default_factory=list)
    port: int = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.DatagramTransport", transport)
        self.port = transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        head = ber.header(data)
        names = tuple(oid.decode(b[0]) for b in ber.bindings(data, head.body))
        question = Question(head.request_id, head.pdu, head.error_index, names)
        before = len(self.questions)
        self.questions.append(question)
        for datagram in self.behaviour(question, before):
            (self.through or self.transport).sendto(datagram, addr)


@contextlib.asynccontextmanager
async def agent(behaviour: Behaviour, *, from_address: str = "", address: str = "127.0.0.1") -> AsyncIterator[Agent]:
    """An agent on a loopback address, answering from `from_address` if that is given."""
    loop = asyncio.get_running_loop()
    other = None
    if from_address:
        other, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, local_addr=(from_address, 0))
    made = Agent(behaviour, through=other)
    transport, _ = await loop.create_datagram_endpoint(lambda: made, local_addr=(address, 0))
    try:
        yield made
    finally:
        transport.close()
        if other:
            other.close()
