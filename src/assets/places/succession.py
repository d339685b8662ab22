"""Units in time: which were in force on a day, whether a change is possible, and which unit a site belonged to. Pure.

A day is the first of what begins and the first without what ends: a unit of [2025-07-01, null) is in force from 1 July
2025 on. A change ends its predecessors and begins its successors on one day; the sites go with it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from uuid import UUID

from assets.web.language import N_

FIRST_DAY = date(1945, 9, 2)
AHEAD = timedelta(days=2 * 366)  # a decision is written down when it is there, not years before it takes effect
PARTS_MAX = 50  # predecessors or successors of one change


class Kind(StrEnum):
    """What a change does, by how many units there are before and after it."""

    NEW = "new"
    RENAME = "rename"
    MERGE = "merge"
    SPLIT = "split"
    REARRANGE = "rearrange"


# Fewest and most predecessors, and successors.
COUNTS: Mapping[Kind, tuple[tuple[int, int], tuple[int, int]]] = {
    Kind.NEW: ((0, 0), (1, 1)),
    Kind.RENAME: ((1, 1), (1, 1)),
    Kind.MERGE: ((2, PARTS_MAX), (1, 1)),
    Kind.SPLIT: ((1, 1), (2, PARTS_MAX)),
    Kind.REARRANGE: ((1, PARTS_MAX), (1, PARTS_MAX)),
}


@dataclass(frozen=True)
class Unit:
    """A unit from one day (None: as long as anybody knows) to another (None: it goes on)."""

    id: UUID
    code: str
    valid_from: date | None = None
    valid_to: date | None = None

    def in_force(self, day: date) -> bool:
        """Whether it was there on this day."""
        return (self.valid_from is None or self.valid_from <= day) and (self.valid_to is None or day < self.valid_to)


@dataclass(frozen=True)
class Stay:
    """A site under a unit from one day to another; a site has one stay on each day since it opened."""

    site: str
    unit: UUID
    valid_from: date
    valid_to: date | None = None

    def holds(self, day: date) -> bool:
        """Whether the site belonged to the unit on this day."""
        return self.valid_from <= day and (self.valid_to is None or day < self.valid_to)


@dataclass(frozen=True)
class Successor:
    """A unit to be, and the codes of those that it comes from (None: all that end)."""

    id: UUID
    code: str
    comes_from: frozenset[str] | None = None


@dataclass(frozen=True)
class Change:
    """A change to be: codes of what ends, what begins, and the successor's code for each site that can go two ways."""

    kind: Kind
    on: date
    predecessors: tuple[str, ...]
    successors: tuple[Successor, ...]
    sites: Mapping[str, str]


Refusals = dict[str, str]
USED = N_("A code was used before, by a unit that is none of the predecessors.")
ENDED = N_("One of these units ends by another change already.")
# What is wrong with the books and not with what was written: somebody was first.
STANDS_AGAINST = frozenset({USED, ENDED})


def in_force(units: Iterable[Unit], day: date) -> list[Unit]:
    """The units of a day."""
    return [unit for unit in units if unit.in_force(day)]


def unit_of(stays: Iterable[Stay], site: str, day: date) -> UUID | None:
    """The unit that a site belonged to on a day; None before it opened."""
    return next((stay.unit for stay in stays if stay.site == site and stay.holds(day)), None)


def refused(change: Change, units: Sequence[Unit], stays: Sequence[Stay], today: date) -> Refusals:
    """Why a change is not possible, by the field that is wrong; empty when it is. The first reason of a field counts.

    `units` are all that have or had one of the change's codes, `stays` those of the sites of its predecessors.
    """
    open_now = {unit.code: unit for unit in units if unit.valid_to is None and unit.code}
    wrong: Refusals = {}
    for field, reason in (
        *_counts(change), *_days(change, open_now, today), *_predecessors(change, units, open_now),
        *_codes(change, units), *_origins(change),
    ):  # fmt: skip
        wrong.setdefault(field, reason)
    if not wrong:
        for field, reason in _sites(change, open_now, stays):
            wrong.setdefault(field, reason)
    return wrong


def _counts(change: Change) -> Iterable[tuple[str, str]]:
    for field, parts, (least, most) in zip(
        ("predecessors", "successors"), (change.predecessors, change.successors), COUNTS[change.kind], strict=True
    ):
        if not least <= len(parts) <= most:
            yield field, _TOLD[change.kind]


_TOLD = {
    Kind.NEW: N_("A new unit comes from none and is one."),
    Kind.RENAME: N_("One unit is renamed, and stays one."),
    Kind.MERGE: N_("At least two units are merged, into one."),
    Kind.SPLIT: N_("One unit is split, into at least two."),
    Kind.REARRANGE: N_("From 1 to 50 units become from 1 to 50 others."),
}


def _days(change: Change, open_now: Mapping[str, Unit], today: date) -> Iterable[tuple[str, str]]:
    if not FIRST_DAY <= change.on <= today + AHEAD:
        yield "effective_on", N_("No change can take effect on this day: it is too long ago or too far ahead.")
    for code in change.predecessors:
        begin = open_now[code].valid_from if code in open_now else None
        if begin is not None and change.on <= begin:
            yield "effective_on", N_("A unit that ends on this day began on it or later.")


def _predecessors(change: Change, units: Sequence[Unit], open_now: Mapping[str, Unit]) -> Iterable[tuple[str, str]]:
    if len(set(change.predecessors)) < len(change.predecessors):
        yield "predecessors", N_("The same unit stands twice.")
    for code in change.predecessors:
        if code not in open_now:
            ended = any(unit.code == code for unit in units)
            yield (
                "predecessors",
                (N_("One of these units ends by another change already.") if ended else N_("There is no such unit.")),
            )


def _codes(change: Change, units: Sequence[Unit]) -> Iterable[tuple[str, str]]:
    codes = [successor.code for successor in change.successors]
    if len(set(codes)) < len(codes):
        yield "successors", N_("The same code stands twice.")
    used = {unit.code for unit in units}
    for code in codes:
        if not (len(code) == 5 and code.isascii() and code.isdigit()):
            yield "successors", N_("A code has five digits.")
        # What goes on under its old code is the same body; any other use would make two of one in the books.
        elif code in used and code not in change.predecessors:
            yield "successors", USED


def _origins(change: Change) -> Iterable[tuple[str, str]]:
    named = set[str]()
    for successor in change.successors:
        origins = successor.comes_from
        named |= set(change.predecessors) if origins is None else origins
        if origins is not None and (not origins or not origins <= set(change.predecessors)):
            yield "successors", N_("A unit comes from some of those that end, and from no others.")
    if change.successors and not set(change.predecessors) <= named:
        yield "successors", N_("A unit that ends has no successor.")


def _sites(change: Change, open_now: Mapping[str, Unit], stays: Sequence[Stay]) -> Iterable[tuple[str, str]]:
    moving = {stay.site: code for code in change.predecessors for stay in _ended(stays, open_now[code], change.on)}
    known = {successor.code for successor in change.successors}
    for site, target in change.sites.items():
        if site not in moving:
            yield f"sites.{site}", N_("This site belongs to none of the units that end.")
        elif target not in known:
            yield f"sites.{site}", N_("This is none of the successors.")
        elif target not in {successor.code for successor in heirs(change, moving[site])}:
            yield f"sites.{site}", N_("This successor does not come from the unit of the site.")
    for site, code in moving.items():
        if site not in change.sites and len(heirs(change, code)) > 1:
            yield f"sites.{site}", N_("Say to which of the successors this site goes.")


def heirs(change: Change, code: str) -> list[Successor]:
    """What comes from the unit with this code."""
    return [s for s in change.successors if s.comes_from is None or code in s.comes_from]


def _ended(stays: Iterable[Stay], unit: Unit, on: date) -> list[Stay]:
    return [stay for stay in stays if stay.unit == unit.id and (stay.valid_to is None or stay.valid_to > on)]


@dataclass(frozen=True)
class Outcome:
    """What a change makes of units and stays: those that end on its day, those that begin, and those put right.

    A stay that began after the day of a change that is written down late is `moved`: it was never under the old unit.
    """

    ended: tuple[Unit, ...]
    began: tuple[Unit, ...]
    left: tuple[Stay, ...]
    entered: tuple[Stay, ...]
    moved: tuple[tuple[Stay, Stay], ...]


def outcome(change: Change, units: Sequence[Unit], stays: Sequence[Stay]) -> Outcome:
    """What a change that is not refused does."""
    open_now = {unit.code: unit for unit in units if unit.valid_to is None and unit.code}
    ended = tuple(replace(open_now[code], valid_to=change.on) for code in change.predecessors)
    began = tuple(Unit(successor.id, successor.code, change.on) for successor in change.successors)
    left: list[Stay] = []
    entered: list[Stay] = []
    moved: list[tuple[Stay, Stay]] = []
    for code in change.predecessors:
        for stay in _ended(stays, open_now[code], change.on):
            heir = _heir(change, code, stay.site)
            if stay.valid_from >= change.on:
                moved.append((stay, replace(stay, unit=heir.id)))
            else:
                left.append(replace(stay, valid_to=change.on))
                entered.append(Stay(stay.site, heir.id, change.on, stay.valid_to))
    return Outcome(ended, began, tuple(left), tuple(entered), tuple(moved))


def _heir(change: Change, code: str, site: str) -> Successor:
    found = heirs(change, code)
    return found[0] if len(found) == 1 else next(s for s in found if s.code == change.sites[site])


def stays_from(site: str, unit: Unit, opened: date, later: Mapping[UUID, Sequence[Unit]]) -> list[Stay] | None:
    """The stays of a site that opens under a unit, also when changes that are written down take it further.

    `later` are the successors of units that end. None when a unit on its way has several: nobody has said where it goes.
    """
    found: list[Stay] = []
    while True:
        begin = max(opened, unit.valid_from) if found and unit.valid_from else opened
        found.append(Stay(site, unit.id, begin, unit.valid_to))
        if unit.valid_to is None:
            return found
        following = later.get(unit.id, ())
        if len(following) != 1:
            return None
        unit = following[0]
