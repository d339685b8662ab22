"""A program that answers every question on a loopback port, and never comes to an end.

    python -m tests.probes.endless endless|table|texts   prints the port, and answers until it is ended

`endless` has ever more rows in every column, 8 kB a reply; `table` 30,000 rows in each; `texts` as
many modules as are asked for, each with a kilobyte of letters that have to be guessed.
It is a process of its own: what it costs is not the asker's.
"""

import socket
import sys
from collections.abc import Iterator

from assets.probing import ber, oid
from assets.probing.ber import integer, tlv

TABLE_ROWS = 30_000
REPLY_MAX = 8_000
MODULES = "1.3.6.1.2.1.47.1.1.1.1."  # ENTITY-MIB
ODD = b"\xb8\xe8\xe9\xd6 ab\xb5" * 150
_SYSTEM = "1.3.6.1.2.1.1."


def cells(kind: str, name: str, repetitions: int) -> Iterator[tuple[str, bytes]]:
    """The rows that come after a name; names of more than one arc below a column count on in the last."""
    before, _, last = name.rpartition(".")
    column, first = (before, int(last) + 1) if int(last) >= 1_000 else (name, 1_000)
    for number in range(first, first + repetitions):
        if kind == "table" and number > TABLE_ROWS:
            yield name, b"\x82\x00"
        elif kind == "texts" and column.startswith(MODULES):
            yield f"{column}.{number}", integer(3) if column == f"{MODULES}5" else tlv(0x04, ODD)  # each a chassis
        else:
            yield (
                f"{column}.{number}",
                tlv(0x04, b"\xe9%d" % number) if number % 2 else tlv(0x41, number.to_bytes(4, "big")),
            )


def reply(kind: str, data: bytes) -> bytes:
    """The answer to a question."""
    head = ber.header(data)
    names = [oid.decode(found[0]) for found in ber.bindings(data, head.body)]
    if head.pdu == ber.GET:
        shown = [(name, _single(name)) for name in names]
    else:
        columns = [list(cells(kind, name, max(1, head.error_index))) for name in names]
        shown = [row for rows in zip(*columns, strict=True) for row in rows]
    inside = b""
    for name, value in shown:
        more = tlv(0x30, tlv(0x06, oid.encode(name)) + value)
        if len(inside) + len(more) > REPLY_MAX:
            break
        inside += more
    body = integer(head.request_id) + integer(0) + integer(0) + tlv(0x30, inside)
    return tlv(0x30, integer(1) + tlv(0x04, head.community) + tlv(ber.RESPONSE, body))


def _single(name: str) -> bytes:
    if name.startswith(_SYSTEM):
        return {"2.0": tlv(0x06, oid.encode("1.3.6.1.4.1.8072.3.2.10")), "3.0": tlv(0x43, b"\x01\x00")}.get(
            name.removeprefix(_SYSTEM), tlv(0x04, b"Linux endless")
        )
    return integer(1)


def main() -> None:
    """Answer until somebody ends it."""
    kind = sys.argv[1]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ear:
        ear.bind(("127.0.0.1", 0))
        print(ear.getsockname()[1], flush=True)
        while True:
            data, source = ear.recvfrom(65_535)
            ear.sendto(reply(kind, data), source)


if __name__ == "__main__":
    main()
