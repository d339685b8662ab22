"""Object identifiers: dotted text for people and profiles, BER bytes on the wire (X.690 §8.19)."""

from functools import lru_cache

ARCS_MAX = 128  # RFC 2578 §3.5
ARC_MAX = (1 << 32) - 1
_CACHE = 65_536  # names and row suffixes seen again every round; about 15 MB when full


def valid(dotted: str) -> bool:
    """Whether the text is a numeric OID that the wire can carry."""
    arcs = dotted.split(".")
    if not 2 <= len(arcs) <= ARCS_MAX or not all(a.isascii() and a.isdigit() and len(a) <= 10 for a in arcs):
        return False
    numbers = [int(a) for a in arcs]
    return numbers[0] <= 2 and (numbers[0] == 2 or numbers[1] < 40) and max(numbers) <= ARC_MAX


def is_under(dotted: str, root: str) -> bool:
    """Whether an OID is the root itself or lies below it."""
    return dotted == root or dotted.startswith(root + ".")


@lru_cache(maxsize=_CACHE)
def encode(dotted: str) -> bytes:
    """The content octets of an OID; raises ValueError for text that is none."""
    if not valid(dotted):
        raise ValueError(f"not an OID: {dotted[:80]!r}")
    first, second, *rest = map(int, dotted.split("."))
    return _arc(first * 40 + second) + b"".join(map(_arc, rest))


def _arc(number: int) -> bytes:
    groups = [number & 0x7F]
    while number := number >> 7:
        groups.append(number & 0x7F | 0x80)
    return bytes(reversed(groups))


@lru_cache(maxsize=_CACHE)
def arcs(content: bytes) -> tuple[int, ...]:
    """The sub-identifiers in content octets (the first two arcs still in one); ValueError if they are not well made."""
    if not content or content[-1] & 0x80:
        raise ValueError("an OID that is empty or cut off")
    out: list[int] = []
    number = 0
    fresh = True
    for octet in content:
        if fresh and octet == 0x80:
            raise ValueError("an OID with a padded arc")
        number = number << 7 | octet & 0x7F
        fresh = not octet & 0x80
        if number > ARC_MAX + 80:
            raise ValueError("an OID with an arc above 32 bits")
        if fresh:
            out.append(number)
            number = 0
    if len(out) > ARCS_MAX:
        raise ValueError("an OID of more than 128 arcs")
    return tuple(out)


@lru_cache(maxsize=_CACHE)
def decode(content: bytes) -> str:
    """The dotted text of content octets; ValueError if they are not well made."""
    first, *rest = arcs(content)
    top = min(first // 40, 2)
    return ".".join(map(str, (top, first - top * 40, *rest)))


@lru_cache(maxsize=_CACHE)
def suffix(content: bytes) -> str:
    """The dotted text of the arcs below a root."""
    return ".".join(map(str, arcs(content)))
