"""Asks one name server for one name: whether it answers, what, and how fast."""

import contextlib
import time
from dataclasses import dataclass

import dns.asyncbackend
import dns.asyncquery
import dns.exception
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype

from assets.probing.door import DeviceError, Malformed, NotAsked, Silent
from assets.probing.endings import ending
from assets.probing.options import DnsOptions
from assets.probing.readings import Outcome, Reading, Result, Traffic
from assets.probing.traffic import TCP_HANDSHAKE, TCP_HEADERS, UDP_HEADERS

ANSWERS_MAX = 64
ANSWER, OTHER, NONE = 0, 1, 2  # the codes of dns.answer


@dataclass(frozen=True, slots=True)
class Server:
    """A name server as it is asked."""

    address: str
    port: int
    timeout_seconds: float
    tries: int


async def ask(server: Server, options: DnsOptions) -> Result:
    """One look; raises Silent, Malformed or NotAsked."""
    try:
        question = dns.message.make_query(options.name, options.kind, use_edns=0, payload=1_232)
    except dns.exception.DNSException as error:
        raise NotAsked("dns_name", error=str(error)) from None
    sent = len(question.to_wire()) + UDP_HEADERS
    tried = 0
    for _ in range(server.tries):
        tried += 1
        started = time.perf_counter()
        with contextlib.suppress(dns.exception.Timeout):
            try:
                reply, by_tcp = await _once(server, question)
            except DeviceError as error:
                raise error.costing(Traffic(sent_octets=tried * sent, packets=tried)) from None
            took = round((time.perf_counter() - started) * 1_000, 2)
            size = len(reply.to_wire())
            cost = Traffic(sent_octets=tried * sent, received_octets=size + UDP_HEADERS, packets=tried + 1)
            if by_tcp:  # what did not fit: the question once more, and the whole answer
                cost += TCP_HANDSHAKE + Traffic(sent_octets=sent, received_octets=size + TCP_HEADERS, packets=2)
            return _result(reply, options, took, cost)
    silent = Silent("no_answer", tries=tried, seconds=server.timeout_seconds)
    raise silent.costing(Traffic(sent_octets=tried * sent, packets=tried))


async def _once(server: Server, question: dns.message.Message) -> tuple[dns.message.Message, bool]:
    """(the answer, whether it came by TCP)."""
    try:
        # What comes from elsewhere, or answers another question, is let pass; the question's own time goes on.
        reply, by_tcp = await dns.asyncquery.udp_with_fallback(
            question, server.address, timeout=server.timeout_seconds, port=server.port, ignore_unexpected=True,
            backend=dns.asyncbackend.get_backend("asyncio"), ignore_errors=False,
        )  # fmt: skip
    except dns.exception.Timeout:
        raise
    except (dns.exception.DNSException, EOFError, ValueError, IndexError) as error:
        raise Malformed("server_badly", error=type(error).__name__) from None
    except OSError as error:
        raise Silent("unreachable", error=str(error.strerror or error)) from None
    return reply, by_tcp


def _result(reply: dns.message.Message, options: DnsOptions, took: float, cost: Traffic) -> Result:
    found = answers(reply, options.kind)
    code = reply.rcode()
    if code == dns.rcode.NOERROR and found:
        missing = [wanted for wanted in options.expected if _plain(wanted) not in found]
        state, told = (OTHER, ending("dns_missing", names=", ".join(missing))) if missing else (ANSWER, {})
    else:
        state, told = NONE, ending("dns_code", code=dns.rcode.to_text(code)) if code else ending("dns_none")
    words = {ANSWER: "as_expected", OTHER: "another_answer", NONE: "no_answer"}
    return Result(
        outcome=Outcome.ANSWERED,
        **told,
        latency_ms=took,
        readings=(
            Reading(name="dns.time_ms", value=took),
            Reading(
                name="dns.answer", value=state, state=words[state], label=", ".join(sorted(found))[:200] or options.name
            ),
            Reading(name="dns.answers", value=len(found)),
        ),
        traffic=cost,
    )


def answers(reply: dns.message.Message, kind: str) -> frozenset[str]:
    """The records of this kind as text, whichever name of a chain of aliases they belong to."""
    wanted = dns.rdatatype.from_text(kind)
    texts = [record.to_text() for group in reply.answer if group.rdtype == wanted for record in group]
    return frozenset(_plain(text) for text in texts[:ANSWERS_MAX])


def _plain(text: str) -> str:
    return text.strip().strip('"').rstrip(".").lower()
