"""What the two ways to ask by SNMP have in common: how a device is addressed, what comes back, what can go wrong.

DeviceError
├── Silent            nothing came back within the tries: it may be down
├── Malformed         something came back, but not as the protocol wants: alive, and answering badly
├── WrongCredential   it refuses us: alive
└── NotAsked          we could not even ask: says nothing of the device
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, Self

from assets.probing.ber import Value
from assets.probing.contract import Credential
from assets.probing.endings import ENDINGS, Param, english
from assets.probing.readings import Traffic

ROWS_MAX = 5_000  # of one walk
PDUS_MAX = 200  # of one walk
WALK_SECONDS_MAX = 10.0
GET_NAMES_MAX = 24  # in one request: the reply stays below a common MTU of 1,400 octets
BULK_NAMES = 60  # in one reply, for numbers; the answer to more is often cut to pieces on bad lines
BULK_TEXTS = 25  # the same for texts of up to 255 octets: 25 fit into the 8 kB that we accept
ROOTS_MAX = 20  # columns in one GETBULK


class DeviceError(Exception):
    """Asking a device did not work, for a reason of `endings`, or one in a sentence.

    `traffic` is what it cost all the same, where nobody else counts it.
    """

    traffic: Traffic | None = None

    def __init__(self, code: str, /, **params: Param) -> None:
        super().__init__(english(code, params))
        self.code = code if code in ENDINGS else ""
        self.params = params

    @property
    def ending(self) -> dict[str, Any]:
        """The fields of a result that say how it ended, as `endings.ending` makes them of a code."""
        return {"detail": str(self), "code": self.code, "params": self.params}

    def costing(self, traffic: Traffic) -> Self:
        """The same, with what it cost."""
        self.traffic = traffic
        return self


class Silent(DeviceError):
    """Nothing came back."""


class Malformed(DeviceError):
    """It answers, but not as the protocol wants."""


class WrongCredential(DeviceError):
    """It refuses the credential."""


class NotAsked(DeviceError):
    """The question could not be sent."""


@dataclass(frozen=True, slots=True)
class Peer:
    """A device as it is asked: a numeric address, a port, who we are, how patient we are."""

    address: str
    port: int
    credential: Credential
    timeout_seconds: float = 2.0  # of one try
    tries: int = 2


@dataclass(frozen=True, slots=True)
class Walked:
    """The rows of each root by index (the arcs below it); when `truncated` by a guard, what is absent proves nothing."""

    columns: Mapping[str, Mapping[str, Value]] = field(default_factory=dict)
    truncated: bool = False

    @property
    def rows(self) -> dict[str, Value]:
        """Everything as {OID: value}."""
        return {f"{root}.{index}": v for root, column in self.columns.items() for index, v in column.items()}


@dataclass(frozen=True, slots=True)
class Polled:
    """One look: single objects, when the first came (seconds after the question), and the columns or what went wrong."""

    scalars: dict[str, Value]
    seconds: float
    walked: Walked | DeviceError


class Door(Protocol):
    """One way to ask a device; every verb returns or raises a DeviceError, and neither hangs nor writes."""

    async def get(self, peer: Peer, oids: Sequence[str]) -> dict[str, Value]:
        """The values of exactly these objects; those that the device does not have are left out."""
        ...

    async def walk(self, peer: Peer, roots: Sequence[str], *, limit: int | None = None, texts: bool = False) -> Walked:
        """All rows below each root, or the first `limit` of each, which is not called truncated."""
        ...

    async def poll(self, peer: Peer, names: tuple[str, ...], roots: tuple[str, ...]) -> Polled:
        """`get` and then `walk`: what a device that is known is asked at each look; raises what the first question raises."""
        ...

    async def close(self) -> None:
        """Lets go of sockets; questions under way end as NotAsked."""
        ...


async def poll_in_parts(door: Door, peer: Peer, names: tuple[str, ...], roots: tuple[str, ...]) -> Polled:
    """A poll by the other verbs, one after the other; what was answered stays when what follows is not."""
    started = time.perf_counter()
    scalars = await door.get(peer, names[:GET_NAMES_MAX])
    seconds = time.perf_counter() - started
    try:
        if rest := names[GET_NAMES_MAX:]:
            scalars |= await door.get(peer, rest)
        return Polled(scalars, seconds, await door.walk(peer, roots) if roots else Walked())
    except DeviceError as error:
        return Polled(scalars, seconds, error)
