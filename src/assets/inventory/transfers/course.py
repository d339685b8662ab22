"""How a transfer goes: states × acts, what may become of each line, and where its asset is then. Pure.

draft → in_transit → received (at least one line arrived)
      ↘ cancelled  ↘ refused (none did), or cancelled while nothing has been settled

Out of a draft lines can be taken one by one; with the last one it is cancelled.
"""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from assets.access.permissions import Action
from assets.inventory.lifecycle import Stage
from assets.web.language import N_


class State(StrEnum):
    """Where a transfer stands."""

    DRAFT = "draft"
    IN_TRANSIT = "in_transit"
    RECEIVED = "received"
    REFUSED = "refused"
    CANCELLED = "cancelled"


class Act(StrEnum):
    """What somebody does with a transfer."""

    SEND = "send"
    TAKE_OUT = "take_out"
    RECEIVE = "receive"
    REFUSE = "refuse"
    CANCEL = "cancel"


class Line(StrEnum):
    """What has become of one asset of a transfer."""

    LISTED = "listed"
    WAITING = "waiting"
    RECEIVED = "received"
    DAMAGED = "damaged"
    REFUSED = "refused"
    MISSING = "missing"
    CANCELLED = "cancelled"


class Side(StrEnum):
    """Which of the two."""

    GIVER = "giver"
    RECEIVER = "receiver"


# When a side can add photos of its assets: nobody receives what has not been sent, or gives what has been received.
PHOTOGRAPHED = {
    Side.GIVER: frozenset({State.DRAFT, State.IN_TRANSIT}),
    Side.RECEIVER: frozenset({State.IN_TRANSIT, State.RECEIVED}),
}
ARRIVED = frozenset({Line.RECEIVED, Line.DAMAGED})
OUTCOMES = (Line.RECEIVED, Line.DAMAGED, Line.REFUSED, Line.MISSING)  # what the receiver can say of a line
NEEDS_NOTE = frozenset({Line.DAMAGED, Line.REFUSED, Line.MISSING})
ACTION = {
    Act.SEND: Action.EDIT_INVENTORY, Act.TAKE_OUT: Action.EDIT_INVENTORY, Act.CANCEL: Action.EDIT_INVENTORY,
    Act.RECEIVE: Action.RECEIVE_TRANSFER, Act.REFUSE: Action.RECEIVE_TRANSFER,
}  # fmt: skip
OF_SENDER = frozenset({Act.SEND, Act.TAKE_OUT, Act.CANCEL})
FROM: dict[Act, frozenset[State]] = {
    Act.SEND: frozenset({State.DRAFT}),
    Act.TAKE_OUT: frozenset({State.DRAFT}),
    Act.RECEIVE: frozenset({State.IN_TRANSIT}),
    Act.REFUSE: frozenset({State.IN_TRANSIT}),
    Act.CANCEL: frozenset({State.DRAFT, State.IN_TRANSIT}),
}
NOT_NOW = {
    State.DRAFT: N_("The transfer is a draft; it has not been sent yet."),
    State.IN_TRANSIT: N_("The transfer is on its way already."),
    State.RECEIVED: N_("The transfer has been received already."),
    State.REFUSED: N_("The transfer was refused; everything is with its sender."),
    State.CANCELLED: N_("The transfer was cancelled."),
}
_PARTLY = N_("A part has been received already; the receiver says what becomes of the rest.")


def refused(state: State, act: Act, lines: Collection[Line] = ()) -> str | None:
    """Why an act is not possible now, as a source phrase; None when it is."""
    if state not in FROM[act]:
        return NOT_NOW[state]
    if act is Act.CANCEL and any(line in OUTCOMES for line in lines):
        return _PARTLY
    return None


def after(lines: Collection[Line]) -> State:
    """Where a transfer stands, by what has become of its lines."""
    if Line.LISTED in lines:
        return State.DRAFT
    if Line.WAITING in lines:
        return State.IN_TRANSIT
    if any(line in ARRIVED for line in lines):
        return State.RECEIVED
    return State.CANCELLED if set(lines) == {Line.CANCELLED} else State.REFUSED


@dataclass(frozen=True)
class Landing:
    """Where an asset is after its line was settled: at the receiver's or back at the sender's, in which stage."""

    stage: Stage
    arrived: bool


def landing(outcome: Line, former: Stage, *, to_store: bool, wanted: Stage | None = None) -> Landing:
    """Where a line's outcome leaves its asset.

    What arrives is in use, in a store in stock, or as the receiver says. What is refused or cancelled is with its sender
    as it was before. What is missing was lost under the sender's responsibility.
    """
    if outcome in ARRIVED:
        return Landing(wanted or (Stage.IN_STOCK if to_store else Stage.IN_USE), arrived=True)
    return Landing(Stage.LOST if outcome is Line.MISSING else former, arrived=False)
