"""What asking costs the line: octets with all headers, counted where they are sent and received.

UDP is counted by the datagram in a `Meter`. Of TCP the system itself keeps count (`of_connection`); where it does not
tell, a connection counts as what opening and closing one takes.
"""

import contextlib
import socket
import struct
import sys
from typing import Any

from assets.probing.readings import Traffic, traffic

UDP_HEADERS = 28  # IPv4 20 + UDP 8; IPv6 has 20 more, which no budget is near enough to feel
TCP_HEADERS = 52  # IPv4 20 + TCP 20 + timestamps 12
SYN = 60  # with its options
RST = 40
_SYN_MORE = SYN - TCP_HEADERS
TCP_HANDSHAKE = Traffic(sent_octets=4 * TCP_HEADERS + _SYN_MORE, received_octets=2 * TCP_HEADERS + _SYN_MORE, packets=6)
ECHO = 44  # IPv4 20 + ICMP 8 + 16 of ours
_TCP_INFO = 11
_OFFSET = 120  # struct tcp_info of Linux: tcpi_bytes_acked, tcpi_bytes_received, tcpi_segs_out, tcpi_segs_in
_FORMAT = "=QQII"
Key = tuple[str, int]


class Meter:
    """Counts the datagrams of those peers that somebody asks about just now."""

    def __init__(self) -> None:
        self._open: dict[Key, list[int]] = {}  # sent, received, packets, how many ask

    def begin(self, key: Key) -> None:
        """Count from here on."""
        self._open.setdefault(key, [0, 0, 0, 0])[3] += 1

    def so_far(self, key: Key) -> Traffic | None:
        """What there was since `begin` or since this was asked before; of two that ask one peer the first has it all."""
        counted = self._open[key]
        sent, received, packets, _ = counted
        if not packets:
            return None
        counted[:3] = 0, 0, 0
        return traffic(sent, received, packets)

    def end(self, key: Key) -> None:
        """Count no longer."""
        counted = self._open[key]
        counted[3] -= 1
        if not counted[3]:
            del self._open[key]

    def sent(self, key: Key, octets: int) -> None:
        """A datagram went out."""
        if (counted := self._open.get(key)) is not None:
            counted[0] += octets + UDP_HEADERS
            counted[2] += 1

    def received(self, key: Key, octets: int) -> None:
        """A datagram came in, whatever it was."""
        if (counted := self._open.get(key)) is not None:
            counted[1] += octets + UDP_HEADERS
            counted[2] += 1


def of_connection(sock: Any) -> Traffic:
    """What a TCP connection costs; without the system's count what an empty one does."""
    return counted(sock) or TCP_HANDSHAKE


def counted(sock: Any) -> Traffic | None:
    """What a TCP connection costs by what it has carried so far and its end; None where the system does not tell."""
    if sock is None or not sys.platform.startswith("linux"):
        return None
    with contextlib.suppress(OSError, struct.error):
        raw = sock.getsockopt(socket.IPPROTO_TCP, _TCP_INFO, _OFFSET + struct.calcsize(_FORMAT))
        acked, received, out, into = struct.unpack_from(_FORMAT, raw, _OFFSET)
        if not acked:  # refused, or never answered
            return Traffic(sent_octets=out * SYN, received_octets=into * RST, packets=out + into)
        # The end of the connection is still to come: FIN, FIN with ACK, ACK. The SYN counts as an octet there.
        return Traffic(
            sent_octets=acked - 1 + (out + 2) * TCP_HEADERS + _SYN_MORE,
            received_octets=received + (into + 1) * TCP_HEADERS + _SYN_MORE,
            packets=out + into + 3,
        )
    return None
