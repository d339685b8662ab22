"""Walks one device from end to end for a recording; through pysnmp, which keeps the type of every value."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from assets.probing import oid
from assets.probing.contract import Community, Credential
from assets.probing.door import Malformed, Peer, Silent
from assets.probing.recording import arcs
from assets.probing.scrub import ROOTS, Rows, scrubbed, skipped
from assets.probing.snmp import Snmp, plain

RECORD_ROWS_MAX = 50_000
RECORD_SECONDS_MAX = 600.0
REPETITIONS = 25
_LAST_ARC = (1 << 32) - 1


@dataclass
class Recorded:
    """What was recorded, which subtrees were left out, and why it ended early, if it did."""

    rows: Rows = field(default_factory=dict)
    skipped: set[str] = field(default_factory=set)
    cut: str = ""


async def record(peer: Peer) -> Recorded:
    """Everything that a recording may hold; raises a DeviceError only when nothing came."""
    door, out = Snmp(), Recorded()
    try:
        async with asyncio.timeout(RECORD_SECONDS_MAX):
            for root in ROOTS:
                await _below(door, peer, root, out)
    except TimeoutError:
        out.cut = f"stopped after {RECORD_SECONDS_MAX:g} s"
    except (Silent, Malformed) as error:
        if not out.rows:
            raise
        out.cut = str(error)
    finally:
        await door.close()
    out.rows = scrubbed(out.rows, secrets(peer.credential))
    return out


def secrets(credential: Credential) -> tuple[str, ...]:
    """What the device is asked with."""
    if isinstance(credential, Community):
        return (credential.community.get_secret_value(),)
    keys = (credential.auth_key, credential.privacy_key)
    return (credential.user, *(key.get_secret_value() for key in keys if key))


async def _below(door: Snmp, peer: Peer, root: str, out: Recorded) -> None:
    """One subtree; ends where the device leaves it, stands still, or has given enough."""
    at, repetitions = root, REPETITIONS
    while len(out.rows) < RECORD_ROWS_MAX:
        try:
            status, _, objects = await door.exchange(peer, (at,), repetitions)
        except Silent:
            if repetitions == 1 or not out.rows:
                raise
            repetitions = 1  # some leave long answers unsent
            continue
        if status and repetitions > 1:
            repetitions = max(1, repetitions // 4)
            continue
        after = "" if status else _take(objects, at, root, out)
        if not after:
            return
        at = after
    out.cut = f"stopped after {RECORD_ROWS_MAX} objects"


def _take(objects: list[Any], at: str, root: str, out: Recorded) -> str:
    """The name after which to go on, "" at the end."""
    for name, value in objects:
        dotted = ".".join(map(str, tuple(name)))
        if not oid.is_under(dotted, root) or arcs(dotted) <= arcs(at):
            return ""
        at = dotted
        if subtree := skipped(dotted):
            out.skipped.add(subtree)
            return f"{subtree}.{_LAST_ARC}"
        if (raw := plain(value)) is not None:
            out.rows[dotted] = (_tag(value), raw)
    return at if objects else ""


def _tag(value: Any) -> int:
    """The octet of its tag on the wire, by which recordings name types."""
    outermost = value.tagSet[0]
    return int(outermost.tagClass) | int(outermost.tagId)
