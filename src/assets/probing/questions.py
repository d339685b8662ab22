"""What is asked, as octets that are made once: the same question goes to a device round after round."""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from assets.probing import ber, oid
from assets.probing.contract import Community, Credential
from assets.probing.shapes import Shape
from assets.probing.walking import Step

TEMPLATES_MAX = 4_096


@dataclass(slots=True, eq=False)
class Question:
    """A question as it is the same every round: octets before and after the request-id, and what names must come back."""

    pdu: int
    names: tuple[str, ...]
    contents: tuple[bytes, ...]
    repetitions: int
    head: bytes = b""
    tail: bytes = b""
    community: bytes = b""
    sizes: dict[int, Shape | None] = field(default_factory=dict)  # shapes of replies by their size; None: seen once


@dataclass(slots=True, eq=False)
class Plan:
    """A look that takes one GET and one GETBULK, as it did the last time."""

    single: Question
    step: Step
    rows: Question


WHO = Question(ber.GET, (), (), 0)  # to an engine: who are you?


class Questions:
    """Every question in use."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[Any, ...], Question] = OrderedDict()
        self._communities: dict[UUID, tuple[Credential, bytes]] = {}

    def who(self, credential: Credential) -> bytes | UUID:
        """What makes one asker's questions differ from another's: the community; a user's are sealed later."""
        if not isinstance(credential, Community):
            return credential.id
        known = self._communities.get(credential.id)
        if known is None or known[0] is not credential:
            if len(self._communities) >= TEMPLATES_MAX:
                self._communities.clear()
            known = self._communities[credential.id] = (credential, credential.community.get_secret_value().encode())
        return known[1]

    def make(self, who: bytes | UUID, pdu: int, names: tuple[str, ...], step: Step | None) -> Question:
        repetitions, roots = (step.repetitions, step.roots) if step and pdu == ber.GETBULK else (0, step and step.roots)
        key = (who, pdu, names, repetitions, roots)
        known = self._known.get(key)
        if known is None:
            contents = tuple(map(oid.encode, names))
            known = Question(pdu, names, contents, repetitions)
            if isinstance(who, bytes):
                known.community = who
                known.head, known.tail = ber.request(
                    community=who, pdu=pdu, second=0, third=repetitions, bindings=b"".join(map(ber.name, contents))
                )
            if len(self._known) >= TEMPLATES_MAX:
                self._known.popitem(last=False)
            self._known[key] = known
        return known
