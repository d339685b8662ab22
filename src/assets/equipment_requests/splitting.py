"""How the approved pieces of a line are answered: from a store, by another site, by repair, by buying, or not. Pure.

Of every line, whatever happens: given + promised + declined + outstanding = approved.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from assets.equipment_requests.asking import LineKind
from assets.web.language import N_


class Way(StrEnum):
    """Where pieces come from; `decline` is from nowhere, with a reason."""

    STOCK = "stock"
    TRANSFER = "transfer"
    REPAIR = "repair"
    PURCHASE = "purchase"
    GRANT = "grant"
    DECLINE = "decline"


class PartState(StrEnum):
    """Where a part stands. A part that is done came as a whole, or as far as `done` says."""

    PLANNED = "planned"
    UNDER_WAY = "under_way"
    DONE = "done"
    CANCELLED = "cancelled"


OPEN = frozenset({PartState.PLANNED, PartState.UNDER_WAY})
WAYS: Mapping[LineKind, tuple[Way, ...]] = {
    LineKind.EQUIPMENT: (Way.STOCK, Way.TRANSFER, Way.REPAIR, Way.PURCHASE, Way.DECLINE),
    LineKind.CONSUMABLE: (Way.STOCK, Way.TRANSFER, Way.PURCHASE, Way.DECLINE),
    LineKind.CAPABILITY: (Way.GRANT, Way.DECLINE),
    LineKind.REPAIR: (Way.REPAIR, Way.DECLINE),
}
BY_HAND = frozenset({Way.REPAIR, Way.GRANT})  # somebody says when they are done; the others end by themselves


@dataclass(frozen=True)
class Wanted:
    """So many pieces by one way: from which site, which assets (by tag; none: whatever fits best), and a word about it."""

    way: Way
    quantity: int
    from_site: str = ""
    assets: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class Donor:
    """A site that could spare `spare` pieces and keep what its kit asks for; `km` is None where a place is not known."""

    site: UUID
    code: str
    name: str
    spare: int
    km: float | None


def faults(kind: LineKind, outstanding: int, wanted: Sequence[Wanted]) -> dict[int, tuple[str, str]]:
    """What is wrong with a line's parts: by index, the field and a source phrase."""
    found: dict[int, tuple[str, str]] = {}
    left = outstanding
    for index, part in enumerate(wanted):
        left -= max(0, part.quantity)
        if part.way not in WAYS[kind]:
            found[index] = ("way", N_("This cannot be answered that way."))
        elif part.quantity < 1:
            found[index] = ("quantity", N_("Please write a number from 1 on."))
        elif left < 0:
            found[index] = ("quantity", N_("More was chosen than is still to be given."))
        elif part.way is Way.DECLINE and not part.note.strip():
            found[index] = ("note", N_("Write why it cannot be given."))
        elif part.way is Way.TRANSFER and not part.from_site:
            found[index] = ("from_site", N_("Choose the site that it comes from."))
        elif part.assets and len(part.assets) != part.quantity:
            found[index] = ("assets", N_("As many assets as pieces are chosen, or none."))
    return found


def propose(kind: LineKind, outstanding: int, stock: int, donors: Sequence[Donor]) -> list[Wanted]:
    """What would answer a line soonest: what the stores have, then the nearest sites that can spare it, then buying."""
    if outstanding < 1:
        return []
    if kind is LineKind.CAPABILITY:
        return [Wanted(Way.GRANT, outstanding)]
    if kind is LineKind.REPAIR:
        return [Wanted(Way.REPAIR, outstanding)]
    found, left = [], outstanding
    if taken := min(left, stock):
        found.append(Wanted(Way.STOCK, taken))
        left -= taken
    for donor in nearest(donors):
        if taken := min(left, donor.spare):
            found.append(Wanted(Way.TRANSFER, taken, from_site=donor.code))
            left -= taken
    return [*found, Wanted(Way.PURCHASE, left)] if left else found


def nearest(donors: Sequence[Donor]) -> list[Donor]:
    """Those that can spare something, the nearest first; those whose place nobody knows come last."""
    return sorted((d for d in donors if d.spare > 0), key=lambda d: (d.km is None, d.km or 0.0, d.code))


def spare(fit: int, in_stock: int, minimum: int | None) -> int:
    """How many of `fit` things a site can give away and keep its minimum; of an unknown minimum, only what lies unused."""
    return max(0, in_stock if minimum is None else fit - minimum)
