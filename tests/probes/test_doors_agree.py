"""The wire and pysnmp read the same values: of every recording where they lie beside the checkout, else of made-up devices.

By v3 the same agents are asked through an engine of the tests in front of them, once sealed by us and once by pysnmp.
"""

import asyncio
import contextlib
import os
from bisect import bisect_right
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import pytest

from assets.ids import new_id
from assets.probing import ber, oid
from assets.probing.ber import Value, integer, tlv
from assets.probing.contract import Community, Credential
from assets.probing.door import Peer
from assets.probing.snmp import Snmp
from assets.probing.wire import Wire
from tests.probes import engine as v3
from tests.probes import synthetic
from tests.probes.hostile import COMMUNITY, Question, agent, reply

pytestmark = pytest.mark.longer
LONG = bool(os.environ.get("LONG"))
RECORDINGS = Path(__file__).resolve().parents[3] / "shared" / "recordings"
FILES = sorted(RECORDINGS.glob("*.snmprec"))
ROWS_MAX = 600 if LONG else 60  # of each device: pysnmp takes its time
MIB = list[tuple[tuple[int, ...], str, bytes]]
MADE_UP = {
    "printer": synthetic.printer(("Đen", 3, 3, 100, -3), ("Vàng", 3, 3, 100, 40)),
    "ups": synthetic.ups(source=5),
    "switch": synthetic.switch(24),
    "host": synthetic.host(),
}


def made_up(device: dict[str, Value]) -> MIB:
    """A device of the synthetic ones as its agent would send it."""
    out: MIB = []
    for name, value in device.items():
        if isinstance(value, int):
            element = integer(value) if value < 1 << 31 else tlv(0x46, value.to_bytes(9, "big"))
        else:
            element = tlv(0x06, oid.encode(value)) if isinstance(value, str) else tlv(0x04, value)
        out.append((tuple(map(int, name.split("."))), name, element))
    return sorted(out)


def recorded(path: Path) -> MIB:
    """A recording as its agent would send it; a share of the rows, evenly taken, where there are many."""
    out: MIB = []
    for line in path.read_text(encoding="utf-8", errors="surrogateescape").splitlines():
        parts = line.split("|", 2)
        if len(parts) != 3 or parts[0].startswith("#") or not oid.valid(name := parts[0].strip(".")):
            continue
        if (element := _element(parts[1], parts[2])) is not None:
            out.append((tuple(map(int, name.split("."))), name, element))
    out.sort()
    return out[:: max(1, len(out) // ROWS_MAX)]


def _element(tag: str, value: str) -> bytes | None:
    raw = value.encode("utf-8", "surrogateescape")
    if tag.endswith("x"):
        raw, tag = bytes.fromhex(value), tag[:-1]
    kind = int(tag)
    if kind == 2:
        return integer(int(raw))
    if kind in (65, 66, 67, 70):
        number = int(raw)
        return tlv(kind, number.to_bytes(number.bit_length() // 8 + 1, "big"))
    if kind == 6:
        return tlv(6, oid.encode(value.strip("."))) if oid.valid(value.strip(".")) else None
    if kind == 64:
        if len(raw) != 4:
            raw = bytes(map(int, value.split(".")))
        return tlv(64, raw)
    return tlv(kind, raw) if kind in (4, 68) and len(raw) < 1_000 else None


DEVICES: dict[str, MIB] = {name: made_up(device) for name, device in MADE_UP.items()}
DEVICES |= {path.stem: recorded(path) for path in FILES}


def shown(mib: MIB, question: Question) -> list[tuple[str, bytes]]:
    """What an agent with these objects answers."""
    keys = [row[0] for row in mib]
    if question.pdu == ber.GET:
        have = {row[1]: row[2] for row in mib}
        return [(name, have.get(name, b"\x80\x00")) for name in question.names]
    found, after = [], [tuple(map(int, name.split("."))) for name in question.names]
    for _ in range(max(1, question.repetitions) if question.pdu == ber.GETBULK else 1):
        for column, last in enumerate(after):
            at = bisect_right(keys, last)
            if at < len(mib):
                after[column] = mib[at][0]
                found.append((mib[at][1], mib[at][2]))
            else:
                found.append((".".join(map(str, last)), b"\x82\x00"))
    return found


def fitted(question: Question, pairs: list[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
    """As many rows of pairs as an agent puts into one datagram."""
    width, size = max(1, len(question.names)), 0
    for number, (_, element) in enumerate(pairs):
        size += len(element) + 30
        if size > 7_000 and number >= width and question.pdu != ber.GET:
            return pairs[: number // width * width]
    return pairs


@contextlib.asynccontextmanager
async def serving(mib: MIB, version: str) -> AsyncIterator[tuple[int, Credential]]:
    """(port, credential) of an agent with these objects."""
    if version == "v2c":
        async with agent(lambda q, n: [reply(q, bindings=fitted(q, shown(mib, q)))]) as made:
            yield made.port, Community(id=new_id(), community=COMMUNITY.decode())
        return

    def answers(e: v3.Engine, asked: v3.Asked, before: int) -> Iterable[bytes]:
        pairs = fitted(asked.question, shown(mib, asked.question))
        return [e.message(asked.head, v3.answer(asked.question, bindings=pairs))]

    async with v3.engine(answers) as made:
        yield made.port, made.user


# By v3 a share of the recordings, unless there is time for all.
ASKED = [(name, "v2c") for name in DEVICES] + [(name, "v3") for name in (DEVICES if LONG else list(DEVICES)[::6])]


@pytest.mark.parametrize(("name", "version"), ASKED)
async def test_when_both_doors_read_an_honest_device_then_they_agree_on_every_value(name: str, version: str) -> None:
    mib = DEVICES[name]
    assert len(mib) > 5
    async with serving(mib, version) as (port, credential):
        fast, reference, peer = Wire(), Snmp(), Peer("127.0.0.1", port, credential, 5.0, 1)
        roots, single = ("1.3.6.1.2.1", "1.3.6.1.4.1"), (*(row[1] for row in mib[:20]), "1.3.6.1.2.1.1.99.0")
        try:
            theirs, mine = await reference.walk(peer, roots, texts=True), await fast.walk(peer, roots, texts=True)
            assert not mine.truncated
            assert not theirs.truncated
            assert mine.rows == theirs.rows
            assert len(mine.rows) > 5
            want = await reference.get(peer, single)
            polled = [await fast.poll(peer, single, roots[:1]) for _ in range(4)]  # also by shape and frame
            assert all(p.scalars == want for p in polled)
            assert all(p.walked == polled[0].walked for p in polled)
            slow = await reference.poll(peer, single, roots[:1])
            assert (slow.scalars, slow.walked) == (want, polled[0].walked)
            assert not fast.refused
        finally:
            await fast.close()
            await reference.close()
        await asyncio.sleep(0)
