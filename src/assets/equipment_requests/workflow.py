"""How an equipment request moves: states × steps as one table, with who may take each step and what it needs. Pure.

draft → submitted → approved → in_fulfilment → fulfilled → closed
           ⇅ returned    ↘ fulfilled at once, or closed from either (the rest cannot be given)
           ↘ refused     and withdrawn from draft, submitted or returned

It stays submitted until the last of its approval steps has decided; whose turn it is, is said by `approvals`.
"""

from dataclasses import dataclass
from enum import StrEnum

from assets.access.permissions import Action
from assets.web.language import N_


class State(StrEnum):
    """Where a request stands."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    RETURNED = "returned"
    APPROVED = "approved"
    IN_FULFILMENT = "in_fulfilment"
    REFUSED = "refused"
    FULFILLED = "fulfilled"
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"


class Step(StrEnum):
    """What somebody does with a request."""

    AMEND = "amend"
    SUBMIT = "submit"
    RETURN = "return"
    APPROVE = "approve"
    REFUSE = "refuse"
    WITHDRAW = "withdraw"
    FULFIL = "fulfil"
    SPLIT = "split"
    CLOSE = "close"


OVER = frozenset({State.REFUSED, State.CLOSED, State.WITHDRAWN})
WAITING = frozenset({State.SUBMITTED, State.APPROVED, State.IN_FULFILMENT, State.RETURNED})  # somebody has to act


class Why(StrEnum):
    """What kind of refusal it is."""

    STATE = "state"
    ROLE = "role"
    NOTE = "note"


@dataclass(frozen=True)
class Move:
    """The state after a step; `unless_complete` is where it stays while something is still to be given or approved."""

    to: State
    by: frozenset[Action]
    needs_note: bool = False
    unless_complete: State | None = None


@dataclass(frozen=True)
class Refused:
    """Why a step may not be taken; `reason` is a gettext source string."""

    why: Why
    reason: str


_CENTRE = frozenset({Action.REQUEST_EQUIPMENT})
_DECIDES = frozenset({Action.DECIDE_REQUEST})
_GIVES = frozenset({Action.FULFIL_REQUEST})

MOVES: dict[tuple[State, Step], Move] = {
    (State.DRAFT, Step.AMEND): Move(State.DRAFT, by=_CENTRE),
    (State.DRAFT, Step.SUBMIT): Move(State.SUBMITTED, by=_CENTRE),
    (State.DRAFT, Step.WITHDRAW): Move(State.WITHDRAWN, by=_CENTRE),
    (State.SUBMITTED, Step.RETURN): Move(State.RETURNED, by=_DECIDES, needs_note=True),
    (State.SUBMITTED, Step.APPROVE): Move(State.APPROVED, by=_DECIDES, unless_complete=State.SUBMITTED),
    (State.SUBMITTED, Step.REFUSE): Move(State.REFUSED, by=_DECIDES, needs_note=True),
    (State.SUBMITTED, Step.WITHDRAW): Move(State.WITHDRAWN, by=_CENTRE),
    (State.RETURNED, Step.AMEND): Move(State.RETURNED, by=_CENTRE),
    (State.RETURNED, Step.SUBMIT): Move(State.SUBMITTED, by=_CENTRE),
    (State.RETURNED, Step.WITHDRAW): Move(State.WITHDRAWN, by=_CENTRE),
    (State.APPROVED, Step.FULFIL): Move(State.FULFILLED, by=_GIVES, unless_complete=State.IN_FULFILMENT),
    (State.APPROVED, Step.SPLIT): Move(State.FULFILLED, by=_GIVES, unless_complete=State.IN_FULFILMENT),
    (State.APPROVED, Step.CLOSE): Move(State.CLOSED, by=_DECIDES | _GIVES, needs_note=True),
    (State.IN_FULFILMENT, Step.FULFIL): Move(State.FULFILLED, by=_GIVES, unless_complete=State.IN_FULFILMENT),
    (State.IN_FULFILMENT, Step.SPLIT): Move(State.FULFILLED, by=_GIVES, unless_complete=State.IN_FULFILMENT),
    (State.IN_FULFILMENT, Step.CLOSE): Move(State.CLOSED, by=_DECIDES | _GIVES, needs_note=True),
    (State.FULFILLED, Step.CLOSE): Move(State.CLOSED, by=_CENTRE | _GIVES),
}

_NOT_NOW = {
    State.DRAFT: N_("The request is a draft; it has not been sent yet."),
    State.SUBMITTED: N_("The request has been sent and waits for approval."),
    State.RETURNED: N_("The request was returned to the centre for more information."),
    State.APPROVED: N_("The request has already been approved."),
    State.IN_FULFILMENT: N_("The request is approved and being answered."),
    State.REFUSED: N_("The request was refused."),
    State.FULFILLED: N_("Everything approved has already been issued."),
    State.CLOSED: N_("The request is closed."),
    State.WITHDRAWN: N_("The request was withdrawn."),
}
_NO_ROLE = N_("Your role does not permit this step.")
_NO_NOTE = N_("Write a sentence for the other side: what is missing, or why.")


def move(
    state: State, step: Step, *, allowed: frozenset[Action], note: str = "", complete: bool = True
) -> State | Refused:
    """The state after `step`, or why not; `allowed` is what the person may do, `complete` whether all was given."""
    rule = MOVES.get((state, step))
    if rule is None:
        return Refused(Why.STATE, _NOT_NOW[state])
    if not rule.by & allowed:
        return Refused(Why.ROLE, _NO_ROLE)
    if rule.needs_note and not note.strip():
        return Refused(Why.NOTE, _NO_NOTE)
    return rule.to if complete or rule.unless_complete is None else rule.unless_complete


def open_steps(state: State, allowed: frozenset[Action]) -> frozenset[Step]:
    """The steps that this person may take now."""
    return frozenset(step for (at, step), rule in MOVES.items() if at is state and rule.by & allowed)


@dataclass(frozen=True)
class Standing:
    """In whose hands a request is and what happens next, both gettext source strings."""

    holder: str
    next: str


_CENTRE_HAS_IT = N_("The centre")
_NOBODY = N_("Nobody: it is settled")
STANDING: dict[State, Standing] = {
    State.DRAFT: Standing(_CENTRE_HAS_IT, N_("Send the request when it says all that is needed.")),
    State.SUBMITTED: Standing(N_("Provincial IT"), N_("Provincial IT approves it, or answers with a reason.")),
    State.RETURNED: Standing(_CENTRE_HAS_IT, N_("Add what was asked for and send it again.")),
    State.APPROVED: Standing(N_("The store"), N_("The store issues the equipment as soon as it is there.")),
    State.IN_FULFILMENT: Standing(
        N_("The store"), N_("What is on its way, being bought or repaired comes as soon as it can.")
    ),
    State.FULFILLED: Standing(_CENTRE_HAS_IT, N_("Confirm when the equipment has arrived and works.")),
    State.REFUSED: Standing(_NOBODY, N_("A new request can be made when something has changed.")),
    State.CLOSED: Standing(_NOBODY, N_("Nothing more; a new need is a new request.")),
    State.WITHDRAWN: Standing(_NOBODY, N_("Nothing more; a new need is a new request.")),
}
