"""Whether something is there at all: TCP connect, ICMP echo, and names to addresses. Each ends by its deadline."""

import asyncio
import contextlib
import errno
import os
import socket
import ssl
import struct
import time
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from ipaddress import ip_address

from assets.probing.allowed import Allowed
from assets.probing.door import NotAsked, Silent
from assets.probing.readings import Traffic
from assets.probing.traffic import RST, SYN, UDP_HEADERS, counted, of_connection

NAMES_MAX = 4_096
NAME_SECONDS = 300.0
RESOLVERS_MAX = 4  # threads of our own: a dead DNS server must not fill the loop's default executor
RESOLVE_SECONDS_MAX = 5.0
_NAME_OCTETS = 18  # of a question beside the name itself: the head 12, the ends of the name 2, type and class 4
_RECORD_OCTETS = 16  # of an address in an answer
PINGS_MAX = 100  # sockets open at once
_OURS = {errno.ENETUNREACH, errno.EACCES, errno.EPERM, errno.EMFILE, errno.ENFILE, errno.EADDRNOTAVAIL}


class Resolver:
    """Numeric addresses of names, remembered for five minutes; numeric addresses pass as they are.

    Where there is a rule of what may be asked, it holds for what a name means at the moment of asking.
    """

    def __init__(self, allowed: Allowed | None = None) -> None:
        self._allowed = allowed
        self._known: OrderedDict[str, tuple[float, str]] = OrderedDict()
        self._threads: ThreadPoolExecutor | None = None
        self._costs: OrderedDict[str, Traffic] = (
            OrderedDict()
        )  # of names that were asked for, until somebody takes them

    def cost_of(self, host: str) -> Traffic | None:
        """What was asked of name servers for this name has cost since somebody asked for that, as far as one can tell."""
        return self._costs.pop(host, None) if self._costs else None

    async def address(self, host: str, port: int = 0, *, page: bool = False) -> str:
        """Raises NotAsked when the name has no address, the resolver does not answer, or nothing is asked there."""
        found = await self._address(host)
        if self._allowed is not None and (reason := self._allowed.why_not(found, port, page=page)):
            raise NotAsked(reason)
        return found

    async def _address(self, host: str) -> str:
        with contextlib.suppress(ValueError):
            return str(ip_address(host))
        now = time.monotonic()
        if (known := self._known.get(host)) and known[0] > now:
            return known[1]
        self._threads = self._threads or ThreadPoolExecutor(RESOLVERS_MAX, thread_name_prefix="resolve")
        asking = asyncio.get_running_loop().run_in_executor(self._threads, _resolve, host)
        try:
            async with asyncio.timeout(RESOLVE_SECONDS_MAX):
                self._asks(host)
                found = await asking
        except TimeoutError:
            raise NotAsked("name_slow", host=repr(host)) from None
        except OSError as error:
            raise NotAsked("name_unknown", host=repr(host), error=str(error.strerror)) from None
        self._asks(host, answered=True)
        self._known[host] = (now + NAME_SECONDS, found)
        while len(self._known) > NAMES_MAX:
            self._known.popitem(last=False)
        return found

    def _asks(self, host: str, *, answered: bool = False) -> None:
        """Both questions for a name, A and AAAA, or their answers, one of which says nothing."""
        if host == "localhost":
            return
        octets = 2 * (len(host) + _NAME_OCTETS + UDP_HEADERS)
        more = (
            Traffic(received_octets=octets + _RECORD_OCTETS, packets=2)
            if answered
            else Traffic(sent_octets=octets, packets=2)
        )
        self._costs[host] = self._costs.get(host, Traffic()) + more
        while len(self._costs) > NAMES_MAX:
            self._costs.popitem(last=False)

    def close(self) -> None:
        """Lets the threads go; one that waits for a dead server is not waited for."""
        if self._threads:
            self._threads.shutdown(wait=False, cancel_futures=True)


def _resolve(host: str) -> str:
    found = socket.getaddrinfo(host, None, type=socket.SOCK_DGRAM)
    v4_first = sorted(found, key=lambda entry: entry[0] != socket.AF_INET)
    return str(v4_first[0][4][0])


@dataclass(frozen=True, slots=True)
class Connected:
    """How long it took until a port accepted, and what all tries cost."""

    milliseconds: float
    traffic: Traffic


async def tcp(
    address: str, port: int, *, timeout_seconds: float, tries: int = 1, refusal_counts: bool = False
) -> Connected:
    """How fast a TCP port accepts; raises Silent, also when it refuses: the service is what is asked.

    With `refusal_counts` the host is what is asked, and that it refuses is an answer.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    last, cost = Silent("no_answer_at_all"), Traffic()
    for _ in range(tries):
        try:
            sock = socket.socket(family, socket.SOCK_STREAM)
        except OSError as error:
            raise NotAsked("no_socket", error=why(error)) from None
        sock.setblocking(False)
        started = time.perf_counter()
        try:
            async with asyncio.timeout(timeout_seconds):
                await asyncio.get_running_loop().sock_connect(sock, (address, port))
            took = (time.perf_counter() - started) * 1_000
            return Connected(took, cost + of_connection(sock))
        except TimeoutError:
            cost += counted(sock) or Traffic(sent_octets=SYN, packets=1)
            last = Silent("port_silent", port=port, seconds=timeout_seconds)
        except OSError as error:
            if error.errno in _OURS:
                raise NotAsked("cannot_connect", error=why(error)) from None
            cost += counted(sock) or Traffic(sent_octets=SYN, received_octets=RST, packets=2)
            if refusal_counts and error.errno == errno.ECONNREFUSED:
                return Connected((time.perf_counter() - started) * 1_000, cost)
            last = refusing(port, error)
        finally:
            sock.close()
    raise last.costing(cost)


class Pinger:
    """ICMP echo by the unprivileged datagram socket where the system allows it, else by a raw one."""

    def __init__(self) -> None:
        self._slots = asyncio.Semaphore(PINGS_MAX)

    async def ping(self, address: str, *, timeout_seconds: float, tries: int = 1) -> float:
        """Milliseconds to the echo; raises Silent, or NotAsked where neither kind of socket is permitted."""
        async with self._slots:
            sock, raw = _icmp_socket(v6=":" in address)
            try:
                for number in range(1, tries + 1):
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(timeout_seconds):
                            return await _echo(sock, address, number, raw=raw)
            finally:
                sock.close()
        raise Silent("no_echo", tries=tries, seconds=timeout_seconds)


def refusing(port: int, error: OSError) -> Silent:
    """What a TCP port that did not accept said."""
    if error.errno in (errno.ECONNREFUSED, errno.EHOSTUNREACH):
        return Silent("port_refused" if error.errno == errno.ECONNREFUSED else "port_no_route", port=port)
    return Silent("port_failed", port=port, error=why(error))


def why(error: Exception) -> str:
    """The system's words; asyncio puts its own where they belong, or none."""
    number = error.errno if isinstance(error, OSError) and not isinstance(error, ssl.SSLError) else None
    if number is None and not str(error) and isinstance(error, ConnectionError):
        number = errno.ECONNRESET
    return os.strerror(number).lower() if number and number > 0 else str(error)


def _icmp_socket(*, v6: bool) -> tuple[socket.socket, bool]:
    """(socket, whether it is raw)."""
    family, protocol = (socket.AF_INET6, socket.IPPROTO_ICMPV6) if v6 else (socket.AF_INET, socket.IPPROTO_ICMP)
    reason = ""
    for kind in (socket.SOCK_DGRAM, socket.SOCK_RAW):
        try:
            sock = socket.socket(family, kind, protocol)
        except OSError as error:
            reason = error.strerror or str(error)
            continue
        sock.setblocking(False)
        return sock, kind == socket.SOCK_RAW
    raise NotAsked("no_ping", error=reason)


async def _echo(sock: socket.socket, address: str, number: int, *, raw: bool) -> float:
    """One echo; waits for ever for the right answer, the caller has the deadline."""
    loop = asyncio.get_running_loop()
    v6 = ":" in address
    token = os.urandom(16)  # an answer is ours if it brings this back; the kernel may change the identifier
    kind, answer = (128, 129) if v6 else (8, 0)
    packet = struct.pack("!BBHHH", kind, 0, 0, os.getpid() & 0xFFFF, number) + token
    if not v6:
        packet = packet[:2] + struct.pack("!H", _checksum(packet)) + packet[4:]
    started = time.perf_counter()
    try:
        await loop.sock_sendto(sock, packet, (address, 0))
    except OSError as error:
        if error.errno in _OURS:
            raise NotAsked("cannot_ping", error=why(error)) from None
        raise Silent("unreachable", error=why(error)) from None
    while True:
        try:
            data, source = await loop.sock_recvfrom(sock, 2_048)
        except OSError as error:
            raise Silent("unreachable", error=why(error)) from None
        if raw and not v6:
            data = data[(data[0] & 0x0F) * 4 :] if data else data
        if len(data) >= 24 and data[0] == answer and data[8:24] == token and source[0].partition("%")[0] == address:
            return (time.perf_counter() - started) * 1_000


def _checksum(packet: bytes) -> int:
    """The Internet checksum (RFC 1071)."""
    total: int = sum(struct.unpack(f"!{len(packet) // 2}H", packet))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF
