"""Many devices behind one socket, each at a loopback address of its own, run as a process of its own.

    python fleet.py COMMUNITY ROWS

It prints its port. Any address of 127.0.0.0/8 is a device with 12 single objects and a column of so many rows, whose
values move with every answer. What kind of device follows from the last octet of the address: 0 to 9 are dead or
hostile as the third octet of a hostile net (127.200.x.y) says, the others are good.
"""

import socket
import struct
import sys
import time

from poll import COLUMN, SCALARS

from assets.probing import ber, oid
from assets.probing.ber import integer, length, tlv

PKTINFO = getattr(socket, "IP_PKTINFO", 8)
DEAD_NET, HOSTILE_NET = 127 << 8 | 100, 127 << 8 | 200  # the first two octets of their addresses
HOSTILE = ("slow", "garbage", "flood", "endless", "forged", "huge")


def values(names: tuple[str, ...]) -> list[tuple[bytes, bytes]]:
    """What a good device says of single objects."""
    found = []
    for number, name in enumerate(names):
        if name == "1.3.6.1.2.1.1.2.0":
            value = tlv(0x06, oid.encode("1.3.6.1.4.1.8072.9999.1"))
        elif name in ("1.3.6.1.2.1.1.1.0", "1.3.6.1.2.1.1.5.0", "1.3.6.1.2.1.1.6.0"):
            value = tlv(0x04, b"a device of a fleet")
        elif name in SCALARS:
            value = tlv(0x43 if name == "1.3.6.1.2.1.1.3.0" else 0x41, struct.pack(">I", 1_000_000 + number))
        else:
            value = b"\x81\x00"
        found.append((oid.encode(name), value))
    return found


def reply(data: bytes, rows: int) -> tuple[bytes, bytes]:
    """A good answer before and behind its request-id."""
    head = ber.header(data)
    asked = [b[0] for b in ber.bindings(data, head.body)]
    if head.pdu == ber.GET:
        shown = values(tuple(map(oid.decode, asked)))
    else:
        shown = []
        for step in range(max(1, head.error_index) if head.pdu == ber.GETBULK else 1):
            for name in asked:
                shown.append(_next(name, step, rows))
    inside = b"".join(tlv(0x30, tlv(0x06, name) + value) for name, value in shown)
    rest = integer(0) + integer(0) + tlv(0x30, inside)
    before = integer(1) + tlv(0x04, head.community)
    pdu = bytes((ber.RESPONSE,)) + length(6 + len(rest)) + b"\x02\x04"
    return bytes((0x30,)) + length(len(before) + len(pdu) + 4 + len(rest)) + before + pdu, rest


def _next(name: bytes, step: int, rows: int) -> tuple[bytes, bytes]:
    column = oid.encode(COLUMN)
    if name.startswith(column) and len(name) <= len(column) + 1:
        number = (name[-1] if len(name) > len(column) else 0) + step + 1
        if number <= rows:
            return column + bytes((number,)), tlv(0x41, struct.pack(">I", 0x10000000 + number))
    return name, b"\x82\x00"


def main() -> None:
    """Answer until standard input ends or somebody ends it."""
    community, rows = sys.argv[1].encode(), int(sys.argv[2])
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.IPPROTO_IP, PKTINFO, 1)
    for option in (33, socket.SO_RCVBUF):  # SO_RCVBUFFORCE where we may
        try:
            sock.setsockopt(socket.SOL_SOCKET, option, 32 << 20)
            break
        except OSError:
            continue
    sock.bind(("", 0))
    print(sock.getsockname()[1], flush=True)
    made: dict[bytes, tuple[bytes, bytes]] = {}
    while True:
        data, control, _, source = sock.recvmsg(4_096, 64)
        local = control[0][2][8:12]
        net = local[0] << 8 | local[1]
        if net == DEAD_NET:
            continue
        start = data.index(community) + len(community)
        start += 2 if data[start + 1] < 0x80 else 2 + (data[start + 1] & 0x7F)
        number = data[start + 2 : start + 6]
        key = data[: start + 2] + data[start + 6 :]
        known = made.get(key)
        if known is None:
            known = made[key] = reply(data, rows)
        back = [(socket.IPPROTO_IP, PKTINFO, struct.pack("=I4s4s", 0, local, b"\0" * 4))]
        good = known[0] + number + known[1]
        if net != HOSTILE_NET:
            sock.sendmsg([good], back, 0, source)
            continue
        for datagram in _hostile(HOSTILE[local[3] % len(HOSTILE)], good, number):
            sock.sendmsg([datagram], back, 0, source)


def _hostile(kind: str, good: bytes, number: bytes) -> list[bytes]:
    at = good.index(number)
    if kind == "garbage":
        return [good[:40], b"\xff" * 700, good[:-1] + b"\x80\x80"]
    if kind == "flood":
        return [good[:60]] * 300
    if kind == "endless":  # a walk that never rises
        return [good[:-1] + bytes((int(time.monotonic()) & 0x7F,))] * 20
    if kind == "forged":
        return [good[:at] + bytes((number[0] ^ 1,)) + good[at + 1 :]] * 10
    if kind == "huge":
        return [good + b"\0" * 50_000] * 3
    return []  # slow: for ever


if __name__ == "__main__":
    main()
