"""Replies gone wrong by plan: an honest datagram in, one that is wrong in some place out, the same for the same number.

What is changed is the structure: tags, lengths, numbers, names, whole elements, nesting, order, ends; with the lengths
around it put right or left as they were.
"""

import random
from dataclasses import dataclass, field

from assets.probing.ber import length

CONSTRUCTED = {0x30, *range(0xA0, 0xA9)}
TAGS = (0, 1, 2, 4, 5, 6, 0x1F, 0x22, 0x24, 0x30, 0x31, *range(0x40, 0x49), 0x80, 0x81, 0x82, *range(0xA0, 0xA9), 0xFF)
LENGTHS = (
    b"\x80", b"\xff", b"\x00", b"\x7f", b"\x81\x00", b"\x81\xff", b"\x82\xff\xff", b"\x83\xff\xff\xff",
    b"\x84\xff\xff\xff\xff", b"\x84\x7f\xff\xff\xff", b"\x85\x00\x00\x00\x00\x01", b"\x88" + b"\xff" * 8, b"\xfe" + b"\0" * 126,
)  # fmt: skip
CONTENTS = (
    b"", b"\0", b"\x01", b"\x7f", b"\x80", b"\xff", b"\xff\xff", b"\x80\0\0\0", b"\x7f\xff\xff\xff", b"\xff" * 5, b"\0" * 5,
    b"\x01" + b"\0" * 8, b"\xff" * 9, b"\0" * 9, b"\xff" * 64, b"A" * 300, b"\x80" * 40 + b"\x01", b"\x2b" + b"\x01" * 140,
    b"\x2b\x06\x01\x02\x01\x01\x06\x00", b"\x2b\x06\x01\x02\x01\x01\x80\x05\x00", b"\x2b\x8f\xff\xff\xff\xff\xff\x7f",
    b"\x2b\x06\x01\x02\x01\x01\x85", b"\x06\x01", b"public", b"private", b"\x02\x01\x01" * 3,
)  # fmt: skip


@dataclass
class Node:
    """One element; `inside` where it holds others."""

    tag: int
    content: bytes = b""
    inside: "list[Node]" = field(default_factory=list)

    def encode(self) -> bytes:
        """Its octets."""
        content = b"".join(node.encode() for node in self.inside) if self.inside else self.content
        return bytes((self.tag,)) + length(len(content)) + content

    def all(self) -> "list[tuple[Node, Node | None]]":
        """Every element with the one that holds it."""
        found: list[tuple[Node, Node | None]] = [(self, None)]
        for node in self.inside:
            found += [(child, parent or self) for child, parent in node.all()]
        return found


def parse(data: bytes) -> list[Node]:
    """The elements of a well-made stretch."""
    nodes, at = [], 0
    while at < len(data):
        tag, size, start = data[at], data[at + 1], at + 2
        if size >= 0x80:
            start += size & 0x7F
            size = int.from_bytes(data[at + 2 : start], "big")
        content = data[start : start + size]
        nodes.append(Node(tag, content, parse(content) if tag in CONSTRUCTED else []))
        at = start + size
    return nodes


def mangled(honest: bytes, number: int) -> bytes:
    """The same datagram, wrong in the way of this number."""
    dice = random.Random(number)
    data = honest
    for _ in range(dice.choice((1, 1, 1, 2, 3))):
        try:
            data = (_raw if dice.random() < 0.35 else _structure)(data, dice)
        except (IndexError, ValueError, RecursionError):  # what an earlier change left cannot be parsed any more
            data = _raw(data, dice)
    return data[:65_000]


def _structure(data: bytes, dice: random.Random) -> bytes:
    """A change of one element, with every length around it put right."""
    (root, *_) = parse(data)
    node, parent = dice.choice(root.all())
    what = dice.randrange(9)
    if what == 0:
        node.tag = dice.choice(TAGS)
    elif what == 1:
        node.content, node.inside = dice.choice(CONTENTS), []
    elif what == 2 and parent:
        parent.inside.remove(node)
    elif what == 3 and parent:
        parent.inside[0:0] = [node] * dice.choice((1, 2, 40))
    elif what == 4 and parent:
        dice.shuffle(parent.inside)
    elif what == 5:
        inner = Node(node.tag, node.content, node.inside)
        for _ in range(dice.choice((1, 3, 300))):
            inner = Node(dice.choice((0x30, 0x30, 0xA2, 0x24)), b"", [inner])
        node.tag, node.inside = inner.tag, inner.inside
    elif what == 6:
        content = bytearray(node.encode()[2:] or b"\0")
        content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)
        node.content, node.inside = bytes(content), []
    elif what == 7:
        node.inside, node.content = [], dice.randbytes(dice.choice((1, 2, 3, 4, 5, 8, 9, 33, 127, 128, 256)))
    else:
        node.inside, node.content = [*node.inside, Node(dice.choice(TAGS), dice.choice(CONTENTS))], b""
    return root.encode()


def _raw(data: bytes, dice: random.Random) -> bytes:
    """A change of octets, with nothing put right."""
    what = dice.randrange(7)
    at = dice.randrange(len(data)) if data else 0
    if what == 0:
        return data[:at]
    if what == 1:
        return data + dice.randbytes(dice.choice((1, 2, 40, 9_000)))
    if what == 2:
        changed = bytearray(data)
        for _ in range(dice.choice((1, 1, 2, 8))):
            if changed:
                changed[dice.randrange(len(changed))] ^= 1 << dice.randrange(8)
        return bytes(changed)
    if what == 3:
        return data[:at] + data[at + dice.choice((1, 2, 8)) :]
    if what == 4:
        return data[:at] + dice.randbytes(dice.choice((1, 2, 8))) + data[at:]
    if what == 5:
        return data[:at] + bytes((dice.choice(TAGS),)) + data[at + 1 :]
    # The length of some element, in every way that a length can lie.
    places = [place for place in range(len(data) - 1) if data[place] in (2, 4, 6, 0x30, 0xA2, 0xA8)] or [0]
    place = dice.choice(places)
    new = dice.choice(
        (*LENGTHS, bytes(((data[place + 1] if place + 1 < len(data) else 0) + dice.choice((1, -1)) & 0xFF,)))
    )
    return data[: place + 1] + new + data[place + 2 :]


def random_octets(honest: bytes, number: int) -> bytes:
    """Octets without sense; some of them begin or end as a right answer would."""
    dice = random.Random(number)
    noise = dice.randbytes(dice.choice((0, 1, 2, 3, 10, 60, 200, 1_400, 9_000)))
    kept = dice.randrange(len(honest))
    return dice.choice((noise, noise, honest[:kept] + noise, noise + honest[kept:]))
