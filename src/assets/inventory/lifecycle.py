"""An asset's stages, the moves between them, what each needs and why the others are refused, as tables. Pure.

docs/stages.md is drawn from these tables by scripts/stages.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from assets.web.language import N_


class Stage(StrEnum):
    """Where an asset is in its life."""

    PLANNED = "planned"
    ORDERED = "ordered"
    IN_STOCK = "in_stock"
    IN_TRANSIT = "in_transit"
    IN_USE = "in_use"
    IN_REPAIR = "in_repair"
    LOANED = "loaned"
    LOST = "lost"
    AWAITING_DISPOSAL = "awaiting_disposal"
    DISPOSED = "disposed"


class PhysicalState(StrEnum):
    """What a person saw of it (hiện trạng)."""

    GOOD = "good"
    WORN = "worn"
    BROKEN = "broken"


S = Stage
MOVES: dict[Stage, frozenset[Stage]] = {
    S.PLANNED: frozenset({S.ORDERED, S.IN_STOCK, S.IN_USE}),
    S.ORDERED: frozenset({S.IN_STOCK, S.IN_USE, S.PLANNED}),
    S.IN_STOCK: frozenset({S.IN_USE, S.IN_TRANSIT, S.LOANED, S.IN_REPAIR, S.LOST, S.AWAITING_DISPOSAL}),
    S.IN_TRANSIT: frozenset({S.IN_STOCK, S.IN_USE, S.LOST}),
    S.IN_USE: frozenset({S.IN_STOCK, S.IN_TRANSIT, S.IN_REPAIR, S.LOANED, S.LOST, S.AWAITING_DISPOSAL}),
    S.IN_REPAIR: frozenset({S.IN_STOCK, S.IN_USE, S.LOST, S.AWAITING_DISPOSAL}),
    S.LOANED: frozenset({S.IN_STOCK, S.IN_USE, S.LOST}),
    S.LOST: frozenset({S.IN_STOCK, S.IN_USE, S.DISPOSED}),
    S.AWAITING_DISPOSAL: frozenset({S.IN_STOCK, S.IN_USE, S.DISPOSED}),
    S.DISPOSED: frozenset(),
}
BY_TRANSFER = frozenset({S.IN_TRANSIT})  # only a transfer brings an asset into these stages, and out of them again
NOT_HERE_YET = frozenset({S.PLANNED, S.ORDERED})
SENDABLE = frozenset(stage for stage, moves in MOVES.items() if S.IN_TRANSIT in moves)
# Why an asset that a draft transfer lists goes nowhere else: see `holding`.
PROMISED = N_("%(tag)s is promised to %(site)s: send or cancel the draft transfer %(transfer)s first (%(why)s).")


@dataclass(frozen=True)
class Told:
    """What a person says with a move: why, to whom it is lent until when, who repairs it for how much (whole đồng)."""

    reason: str = ""
    borrower: str = ""
    due_back: date | None = None
    repairer: str = ""
    quotation: int | None = None


NOTHING_TOLD = Told()


@dataclass(frozen=True)
class Inputs:
    """What a stage asks for when an asset comes into it, by the names of Told."""

    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ("reason",)


INPUTS: dict[Stage, Inputs] = {
    S.IN_REPAIR: Inputs(optional=("repairer", "quotation", "reason")),
    S.LOANED: Inputs(required=("borrower", "due_back")),
    S.LOST: Inputs(required=("reason",), optional=()),
    S.AWAITING_DISPOSAL: Inputs(required=("reason",), optional=()),
    S.DISPOSED: Inputs(required=("reason",), optional=()),
}
PLAIN = Inputs()
# An asset keeps them as long as it is in the stage that asks for them.
KEPT = ("borrower", "due_back", "repairer", "quotation")
MISSING = {
    "reason": N_("Write why."),
    "borrower": N_("Write who borrows it."),
    "due_back": N_("Write the day on which it shall come back."),
}


def inputs(stage: Stage) -> Inputs:
    """What has to be said, and what can be, when an asset comes into a stage."""
    return INPUTS.get(stage, PLAIN)


def faults(wanted: Stage, told: Told, today: date) -> dict[str, str]:
    """What is missing or has no place in what was said with a move, by name, as source phrases."""
    asked = inputs(wanted)
    wrong = {name: MISSING[name] for name in asked.required if not getattr(told, name)}
    wrong |= {
        name: N_("This does not belong to the stage.")
        for name in KEPT
        if getattr(told, name) not in ("", None) and name not in (*asked.required, *asked.optional)
    }
    if told.due_back is not None and "due_back" not in wrong and told.due_back < today:
        wrong["due_back"] = N_("This day has passed already.")
    return wrong


def kept(told: Told) -> Mapping[str, object]:
    """The columns of an asset that say more of its stage, as they are after a move: empty where nothing was said."""
    return {name: getattr(told, name) for name in KEPT}


_BACK_FIRST = {
    S.LOST: N_("A lost asset must be found first: bring it into stock or into use again."),
    S.IN_REPAIR: N_("It must come back from its repair first, into stock or into use."),
    S.LOANED: N_("It must be given back first, into stock or into use."),
    S.AWAITING_DISPOSAL: N_("It awaits its disposal; take it back into stock or into use first."),
}
_SAME = N_("It is in this stage already.")
_GONE = N_("It has been disposed of; what is gone does not come back.")
_ONLY_TRANSFER = N_("Only a transfer sends an asset on its way: make one.")
_UNDER_WAY = N_("It is on its way: receive, refuse or cancel its transfer first.")
_NOT_ARRIVED = N_("It has not arrived yet: enter it into stock or into use first.")
_NOT_BOUGHT = N_("It has not been bought yet: order it, or enter it into stock or into use first.")
_HERE = N_("It is here already; what has arrived is neither planned nor ordered any more.")
_AWAIT = N_("It must await its disposal first, until the decision is there.")


def refused(now_in: Stage, wanted: Stage, *, by_transfer: bool = False) -> str | None:
    """Why an asset in stage `now_in` cannot go to `wanted`, as a source phrase; None when it can.

    `by_transfer`: the move is a transfer's own; nobody else sends an asset on its way or ends the way.
    """
    if now_in is wanted:
        return _SAME
    if now_in is S.DISPOSED:
        return _GONE
    if not by_transfer and now_in in BY_TRANSFER:
        return _UNDER_WAY
    if wanted in MOVES[now_in]:
        return _ONLY_TRANSFER if wanted in BY_TRANSFER and not by_transfer else None
    return _why(now_in, wanted)


def _why(now_in: Stage, wanted: Stage) -> str:
    """The reason of a move that the table does not have."""
    if now_in in NOT_HERE_YET:
        return _NOT_BOUGHT if now_in is S.PLANNED else _NOT_ARRIVED
    if wanted in NOT_HERE_YET:
        return _HERE
    if now_in in BY_TRANSFER:
        return _UNDER_WAY
    if wanted is S.DISPOSED and S.AWAITING_DISPOSAL in MOVES[now_in]:
        return _AWAIT
    return _BACK_FIRST[now_in]


def choices(now_in: Stage) -> list[Stage]:
    """The stages that a person can bring an asset to, in the order of its life."""
    return [stage for stage in Stage if refused(now_in, stage) is None]
