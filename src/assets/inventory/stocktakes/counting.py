"""What a scan means, what became of each thing, how a difference is settled and what then changes. Pure.

A result follows from all scans of a tag together, never from their order: telephones without a network send late.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from assets.inventory.lifecycle import PhysicalState, Stage
from assets.text import clean_code, fold
from assets.web.language import N_

TAG_MAX = 40


class State(StrEnum):
    """Where a stocktake is."""

    OPEN = "open"
    COUNTING = "counting"
    CLOSED = "closed"
    APPROVED = "approved"
    CANCELLED = "cancelled"


OVER = frozenset({State.APPROVED, State.CANCELLED})


class Act(StrEnum):
    """What can be done with it."""

    SCAN = "scan"
    CLOSE = "close"
    SETTLE = "settle"
    APPROVE = "approve"
    CANCEL = "cancel"  # while nothing has been settled


MOVES: dict[tuple[State, Act], State] = {
    (State.OPEN, Act.SCAN): State.COUNTING,
    (State.COUNTING, Act.SCAN): State.COUNTING,
    (State.COUNTING, Act.CLOSE): State.CLOSED,
    (State.CLOSED, Act.SETTLE): State.CLOSED,
    (State.CLOSED, Act.APPROVE): State.APPROVED,
    (State.OPEN, Act.CANCEL): State.CANCELLED,
    (State.COUNTING, Act.CANCEL): State.CANCELLED,
    (State.CLOSED, Act.CANCEL): State.CANCELLED,
}
_NOT_YET = N_("Nothing has been counted yet.")
_REFUSED = {
    State.OPEN: _NOT_YET,
    State.COUNTING: N_("It is still being counted: close it first."),
    State.CLOSED: N_("Counting is closed."),
    State.APPROVED: N_("It has been approved; nothing of it changes any more."),
    State.CANCELLED: N_("It was cancelled; nothing follows from it."),
}


def refused(state: State, act: Act) -> str | None:
    """Why an act cannot be done now, as a source phrase; None when it can."""
    return None if (state, act) in MOVES else _REFUSED[state]


class Result(StrEnum):
    """What became of a thing: each has exactly one."""

    PENDING = "pending"
    FOUND = "found"
    ELSEWHERE = "elsewhere"  # registered in another room, at another site, or not among what should be here
    UNKNOWN = "unknown"  # nothing in the register has this tag
    MISSING = "missing"


class Heard(StrEnum):
    """What a scan is told at once."""

    FOUND = "found"
    ELSEWHERE = "elsewhere"
    UNKNOWN = "unknown"
    DUPLICATE = "duplicate"


class Counted(StrEnum):
    """In what state it was counted; the words beside the codes are data of the province."""

    IN_USE = "in_use"
    OTHER_USE = "other_use"
    UNUSED = "unused"
    BROKEN = "broken"


@dataclass(frozen=True)
class Scan:
    """One look at a label."""

    id: UUID
    at: datetime
    state: str = ""
    room: str = ""
    note: str = ""
    by_name: str = ""


@dataclass(frozen=True)
class Expected:
    """What the register says of a tag: whether it is on the frozen list, in which room, whether anything has the tag."""

    listed: bool
    room: str = ""
    registered: bool = True


@dataclass(frozen=True)
class Outcome:
    """What the scans of one tag say together; `first` is the one that all others repeat."""

    result: Result
    state: str = ""
    room: str = ""
    note: str = ""
    at: datetime | None = None
    by_name: str = ""
    scans: int = 0
    first: UUID | None = None


def outcome(expected: Expected, scans: Iterable[Scan]) -> Outcome:
    """What became of one tag: the latest scan that says something of state, room or note counts for it."""
    known = {scan.id: scan for scan in scans}
    ordered = sorted(known.values(), key=lambda scan: (scan.at, scan.id))
    if not ordered:
        return Outcome(Result.PENDING)
    room = _last(scan.room for scan in ordered)
    return Outcome(
        _result(expected, room), _last(scan.state for scan in ordered), room, _last(scan.note for scan in ordered),
        ordered[-1].at, ordered[-1].by_name, len(ordered), ordered[0].id,
    )  # fmt: skip


def _result(expected: Expected, room: str) -> Result:
    if not expected.registered:
        return Result.UNKNOWN
    moved = bool(room) and fold(room) != fold(expected.room)
    return Result.ELSEWHERE if not expected.listed or moved else Result.FOUND


def _last(texts: Iterable[str]) -> str:
    return next((text for text in reversed(list(texts)) if text), "")


def heard(scan: UUID, found: Outcome) -> Heard:
    """What one scan is told, once all scans of its tag are known."""
    return Heard(found.result) if found.first == scan else Heard.DUPLICATE


def tag_of(text: str) -> str:
    """The tag in what a scanner types: the tag itself, or the web address on the label."""
    plain = text.strip()
    if "/t/" in plain:
        plain = plain.rpartition("/t/")[2].partition("?")[0]
    return clean_code(plain)


class Settlement(StrEnum):
    """What is decided of a difference."""

    LOST = "lost"
    FOUND_AFTER = "found_after"
    ACCOUNTED = "accounted"  # not here, and papers say where: at the repairer, on loan
    CORRECT = "correct"  # the register is put right: it is registered where it was found
    LEAVE = "leave"  # the register is right: it goes back, or another site's people see to it
    REGISTER = "register"  # to be entered in the register
    FOREIGN = "foreign"  # somebody else's, nothing of ours


SETTLEMENTS: dict[Result, frozenset[Settlement]] = {
    Result.MISSING: frozenset({Settlement.LOST, Settlement.FOUND_AFTER, Settlement.ACCOUNTED}),
    Result.ELSEWHERE: frozenset({Settlement.CORRECT, Settlement.LEAVE}),
    Result.UNKNOWN: frozenset({Settlement.REGISTER, Settlement.FOREIGN}),
}
NEEDS_NOTE = frozenset({Settlement.LOST, Settlement.ACCOUNTED, Settlement.FOREIGN})


def settlement_refused(result: Result, wanted: Settlement, note: str) -> str | None:
    """Why a difference cannot be settled like this, as a source phrase; None when it can."""
    if wanted not in SETTLEMENTS.get(result, frozenset()):
        return N_("This does not settle such a difference.")
    if wanted in NEEDS_NOTE and not note:
        return N_("Write why.")
    return None


def is_there(result: Result, settlement: str) -> bool:
    """Whether a thing counts as being here: by sight, or because papers account for it."""
    if result is Result.MISSING:
        return settlement in (Settlement.FOUND_AFTER, Settlement.ACCOUNTED)
    return result in (Result.FOUND, Result.ELSEWHERE, Result.UNKNOWN)


@dataclass(frozen=True)
class Change:
    """What approval changes of an asset; nothing where it is None or off."""

    stage: Stage | None = None
    physical_state: PhysicalState | None = None
    here: bool = False  # to the site and room where it was found


def change(result: Result, settlement: str, counted: str, *, stage: Stage, physical_state: PhysicalState) -> Change:
    """What follows from the result and settlement of an asset that now is in this stage and state."""
    if result is Result.MISSING and settlement == Settlement.LOST:
        return Change(stage=None if stage is Stage.LOST else Stage.LOST)
    seen = result is Result.FOUND or settlement in (Settlement.FOUND_AFTER, Settlement.CORRECT)
    if not seen and not (result is Result.ELSEWHERE and settlement == Settlement.LEAVE):
        return Change()
    return Change(
        stage=Stage.IN_USE if stage is Stage.LOST and seen else None,
        physical_state=_state(counted, physical_state),
        here=settlement == Settlement.CORRECT,
    )


def _state(counted: str, registered: PhysicalState) -> PhysicalState | None:
    """What is broken is broken; what is usable is as good as it was, unless the register thought it broken."""
    if counted == Counted.BROKEN:
        return None if registered is PhysicalState.BROKEN else PhysicalState.BROKEN
    return PhysicalState.GOOD if counted and registered is PhysicalState.BROKEN else None


def tally(expected: Mapping[str, Expected], scans: Mapping[str, Iterable[Scan]], *, closed: bool) -> dict[str, Outcome]:
    """The outcome of every tag that is expected or was scanned; what nobody saw is missing once counting is closed."""
    found = {}
    for tag in [*expected, *(tag for tag in scans if tag not in expected)]:
        said = outcome(expected.get(tag, Expected(listed=False, registered=False)), scans.get(tag, ()))
        found[tag] = Outcome(Result.MISSING) if closed and said.result is Result.PENDING else said
    return found
