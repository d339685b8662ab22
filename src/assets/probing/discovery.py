"""Whether an SNMPv3 engine is there at all, asked without any user (the discovery of RFC 3414 §4).

An agent that cannot decrypt a request says nothing. So silence to a user, while the engine itself answers, means
that the user's privacy key is wrong, and not that the device is down.
"""

import asyncio
import os
import socket

from assets.probing import ber
from assets.probing.ber import BadBer, integer, tlv
from assets.probing.traffic import Meter

_REPORTABLE, _USM, _NO_CONTEXT = b"\x04", 3, b""
_DATAGRAM_MAX = 2_048
_MESSAGE_MAX = 65_507


def question(number: int) -> bytes:
    """A discovery request: no engine, no user, nothing asked for."""
    head = tlv(0x30, integer(number) + integer(_MESSAGE_MAX) + tlv(0x04, _REPORTABLE) + integer(_USM))
    usm = tlv(0x30, tlv(0x04, b"") + integer(0) + integer(0) + tlv(0x04, b"") * 3)
    pdu = tlv(ber.GET, integer(number) + integer(0) + integer(0) + tlv(0x30, b""))
    scoped = tlv(0x30, tlv(0x04, _NO_CONTEXT) + tlv(0x04, _NO_CONTEXT) + pdu)
    return tlv(0x30, integer(3) + head + tlv(0x04, usm) + scoped)


def answers(data: bytes, number: int) -> bool:
    """Whether a datagram is an SNMPv3 message with this message-id."""
    try:
        start, end = ber.content(data, 0, len(data), 0x30)
        version, at = ber.int32(data, start, end)
        inside, stop = ber.content(data, at, end, 0x30)
        found, _ = ber.int32(data, inside, stop)
    except (BadBer, IndexError):
        return False
    return end == len(data) and version == 3 and found == number


async def engine_answers(address: str, port: int, *, timeout_seconds: float, meter: Meter | None = None) -> bool:
    """Asks once; False for silence and for every way in which asking fails."""
    number = int.from_bytes(os.urandom(4), "big") >> 1
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        try:
            async with asyncio.timeout(timeout_seconds):
                await loop.sock_connect(sock, (address, port))  # the kernel drops what others send
                await loop.sock_sendall(sock, asked := question(number))
                if meter is not None:
                    meter.sent((address, port), len(asked))
                while True:
                    data = await loop.sock_recv(sock, _DATAGRAM_MAX)
                    if meter is not None:
                        meter.received((address, port), len(data))
                    if answers(data, number):
                        return True
        except OSError:  # TimeoutError among them
            return False
