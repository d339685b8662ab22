"""A forger between poller and agent, run as a process of its own so that its work is not the poller's.

    python relay.py v2c|v3 AGENT_PORT

It prints its port. Each honest answer is handed on; before each of the first ones of a batch it sends one forged answer,
each wrong in another way. A line on standard input begins the next batch. It knows no keys.
"""

import select
import socket
import sys
from collections.abc import Callable

FORGED = 8  # kinds, each sent once in a batch


def element(data: bytes, at: int) -> tuple[int, int]:
    """Where the content of the element at `at` starts and ends."""
    size, start = data[at + 1], at + 2
    if size >= 0x80:
        start += size & 0x7F
        size = int.from_bytes(data[at + 2 : start], "big")
    return start, start + size


def elements(data: bytes, start: int, end: int) -> list[tuple[int, int, int]]:
    """(where it is, where its content starts, where it ends) of each element in a stretch."""
    found = []
    while start < end:
        first, last = element(data, start)
        found.append((start, first, last))
        start = last
    return found


def flipped(data: bytes, at: int, bits: int = 0x01) -> bytes:
    """The same with other bits in one octet."""
    return data[:at] + bytes((data[at] ^ bits,)) + data[at + 1 :]


def v2c(data: bytes, before: bytes) -> list[bytes]:
    """Forged answers: version, community, PDU type, request-id, error status, name, tail, an older answer."""
    message = elements(data, *element(data, 0))
    (_, version, _), (_, community, _), (pdu, inside, end) = message
    request_id, status, _, bindings = elements(data, inside, end)
    first = elements(data, bindings[1], bindings[2])[0]
    name = elements(data, first[1], first[2])[0]
    return [
        flipped(data, version),
        flipped(data, community),
        flipped(data, pdu, 0x01),
        flipped(data, request_id[2] - 1),
        flipped(data, status[1], 0x40),
        flipped(data, name[2] - 1),
        data + b"\0",
        before,
    ]


def v3(data: bytes, before: bytes) -> list[bytes]:
    """Forged answers: version, message-id, level, engine id, time, user, digest, an older answer; none rightly signed."""
    version, head, security, _ = elements(data, *element(data, 0))
    number, _, flags, _ = elements(data, head[1], head[2])
    engine, _, time, user, digest, _ = elements(data, *element(data, security[1]))
    return [
        flipped(data, version[1]),
        flipped(data, number[2] - 1),
        flipped(data, flags[1], 0x03),
        flipped(data, engine[2] - 1),
        flipped(data, time[2] - 1),
        flipped(data, user[2] - 1),
        flipped(data, digest[2] - 1),
        before,
    ]


def run(forge: Callable[[bytes, bytes], list[bytes]], agent: int) -> None:
    """Relay until standard input ends."""
    near, far = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
    near.bind(("127.0.0.1", 0))
    far.connect(("127.0.0.1", agent))
    print(near.getsockname()[1], flush=True)
    kind, before = FORGED, b""
    while True:
        ready, _, _ = select.select([near, sys.stdin], [], [])
        if sys.stdin in ready:
            if not sys.stdin.readline():
                return
            kind = 0
        if near not in ready:
            continue
        question, poller = near.recvfrom(8_192)
        far.send(question)
        if not select.select([far], [], [], 5)[0]:
            continue
        answer = far.recv(8_192)
        if kind < FORGED and before:
            near.sendto(forge(answer, before)[kind], poller)
            kind += 1
        near.sendto(answer, poller)
        before = answer


if __name__ == "__main__":
    run({"v2c": v2c, "v3": v3}[sys.argv[1]], int(sys.argv[2]))
