"""What is really on the way: a relay that counts datagrams, and the packets of the loopback as the system shows them."""

import asyncio
import contextlib
import ctypes
import socket
import struct
from collections.abc import AsyncIterator, Iterator
from typing import Any

UDP_HEADERS = 28
ATTACH_FILTER = 26  # SO_ATTACH_FILTER of Linux
OUTGOING = 4  # PACKET_OUTGOING: what the loopback shows twice, once on its way out


class Line(asyncio.DatagramProtocol):
    """A relay of datagrams that counts what it carries."""

    def __init__(self, to: int) -> None:
        self._to = ("127.0.0.1", to)
        self.asker: tuple[str, int] | None = None
        self.octets = self.packets = 0

    def connection_made(self, transport: Any) -> None:
        self._way = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.octets += len(data) + UDP_HEADERS
        self.packets += 1
        if addr != self._to:
            self.asker = addr
        to = self._to if addr != self._to else self.asker
        self._way.sendto(data, to)


@contextlib.asynccontextmanager
async def line(to: int) -> AsyncIterator[tuple[int, Line]]:
    way, made = await asyncio.get_running_loop().create_datagram_endpoint(lambda: Line(to), ("127.0.0.1", 0))
    try:
        yield way.get_extra_info("sockname")[1], made
    finally:
        way.close()


def _hear_only(ear: socket.socket, port: int) -> None:
    """Have the system pass over packets of other ports: others use the loopback too, and what waits has little room."""
    program = (
        (0xB1, 0, 0, 0),  # x = length of the IP header
        (0x48, 0, 0, 0), (0x15, 2, 0, port),  # from this port
        (0x48, 0, 0, 2), (0x15, 0, 1, port),  # or to it
        (0x06, 0, 0, 1 << 18), (0x06, 0, 0, 0),  # the whole packet, or nothing of it
    )  # fmt: skip
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in program))
    ear.setsockopt(socket.SOL_SOCKET, ATTACH_FILTER, struct.pack("HL", len(program), ctypes.addressof(code)))


@contextlib.contextmanager
def loopback(port: int) -> Iterator[list[int] | None]:
    """The sizes of all packets that go from and to a port of the loopback; None where the system shows them to nobody."""
    try:
        ear = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800))
        ear.bind(("lo", 0))
    except (OSError, AttributeError):
        yield None
        return
    ear.setblocking(False)
    _hear_only(ear, port)
    sizes: list[int] = []

    def drain() -> None:
        with contextlib.suppress(BlockingIOError):
            while True:
                data, (_, _, kind, *_rest) = ear.recvfrom(65_536)
                at = (data[0] & 0x0F) * 4
                if kind != OUTGOING and data[9] == socket.IPPROTO_TCP and port in struct.unpack_from("!HH", data, at):
                    sizes.append(struct.unpack_from("!H", data, 2)[0])

    loop = asyncio.get_running_loop()
    loop.add_reader(ear, drain)
    try:
        yield sizes
        drain()
    finally:
        loop.remove_reader(ear)
        ear.close()
