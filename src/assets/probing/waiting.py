"""A device and the messages to it that wait for an answer: the state of the wire, without what is done with it."""

import asyncio
import socket
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from assets.probing import usm
from assets.probing.door import DeviceError
from assets.probing.questions import Plan, Question
from assets.probing.session import Session
from assets.probing.shapes import Shape
from assets.probing.walking import Answer


@dataclass(slots=True, eq=False)
class Device:
    """What is known of an address and port, and the questions that wait for an answer from there."""

    key: tuple[str, int]
    waiting: "list[Pending]" = field(default_factory=list)
    shapes: dict[Question, "Shape | int"] = field(default_factory=dict)  # where it answers unlike others; see `_learn`
    rows: dict[tuple[str, ...], int] = field(default_factory=dict)  # of the longest column of a walk
    plans: dict[tuple[Any, ...], Plan] = field(default_factory=dict)
    sessions: dict[UUID, Session] = field(default_factory=dict)
    bulk: bool = False  # has answered a GETBULK
    weak_until: float = 0.0
    silences: int = 0
    noise: int = 0  # datagrams refused since the last right answer

    def numbered(self, data: bytes) -> bool:
        """Whether a datagram has the number of a question that waits in it, which takes one look through it."""
        return any(pending.request_id.to_bytes(4, "big") in data for pending in self.waiting)


@dataclass(slots=True, eq=False)
class Pending:
    """One message under way: sent `tries` times at most, each time `timeout` seconds apart."""

    device: Device
    request_id: int
    question: Question
    session: Session | None  # of SNMPv3
    learns: bool  # whether the shape of the reply may be used and kept
    timeout: float
    tries: int
    future: "asyncio.Future[Answer | usm.Head]"
    left: int
    sock: socket.socket
    message: bytes
    then: Question | None = None  # asked as soon as the first is answered as it was the last time
    first: Answer | None = None
    first_at: float = 0.0
    slot: bool = True
    until: float = 0.0  # the end of this try
    lies: int = 0  # datagrams refused while it waits
    complaint: str = ""
    refusal: "DeviceError | usm.Head | None" = None
