"""The ledger of consumables: what a movement does to what lies there, and when it is refused. Pure.

A ledger only grows. What was written wrongly is taken back by its opposite; nothing is ever changed or removed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import TypeVar

from assets.web.language import N_

QUANTITY_MAX = 100_000  # of one movement
BALANCE_MAX = 1_000_000_000


class Kind(StrEnum):
    """What a line of the ledger says."""

    RECEIVED = "received"
    ISSUED = "issued"
    RETURNED = "returned"
    TRANSFER_OUT = "transfer_out"
    TRANSFER_IN = "transfer_in"
    CORRECTED = "corrected"
    DISCARDED = "discarded"
    EXPIRED = "expired"
    REVERSED = "reversed"


class Act(StrEnum):
    """What a person does; a transfer writes two lines, a count writes what it found too much or too little."""

    RECEIVE = "receive"
    ISSUE = "issue"
    RETURN = "return"
    TRANSFER = "transfer"
    COUNT = "count"
    DISCARD = "discard"
    EXPIRE = "expire"


WRITES: dict[Act, Kind] = {
    Act.RECEIVE: Kind.RECEIVED, Act.ISSUE: Kind.ISSUED, Act.RETURN: Kind.RETURNED, Act.TRANSFER: Kind.TRANSFER_OUT,
    Act.COUNT: Kind.CORRECTED, Act.DISCARD: Kind.DISCARDED, Act.EXPIRE: Kind.EXPIRED,
}  # fmt: skip
ADDS = frozenset({Act.RECEIVE, Act.RETURN})
NEEDS_REASON = frozenset({Act.COUNT, Act.DISCARD})


@dataclass(frozen=True)
class Batch:
    """What is left of a batch (the one without a name: what came without one)."""

    name: str
    quantity: int
    expires_on: date | None = None


def change(act: Act, quantity: int, balance: int) -> int:
    """What an act does to a balance; `quantity` of a count is what was found."""
    if act is Act.COUNT:
        return quantity - balance
    return quantity if act in ADDS else -quantity


def faults(act: Act, quantity: int, *, reason: str, asset_tag: str, holder: str, to_site: str) -> dict[str, str]:
    """What is wrong with an act as it was said, by field, as source phrases."""
    found = {}
    if act is Act.COUNT and not 0 <= quantity <= QUANTITY_MAX:
        found["quantity"] = N_("A whole number from 0 to 100000.")
    elif act is not Act.COUNT and not 1 <= quantity <= QUANTITY_MAX:
        found["quantity"] = N_("A whole number from 1 to 100000.")
    if act in NEEDS_REASON and not reason:
        found["reason"] = N_("Please say why.")
    if act in (Act.ISSUE, Act.RETURN):
        if bool(asset_tag) is bool(holder) and (holder or act is Act.ISSUE):
            found["holder" if holder else "asset_tag"] = N_("Say to which asset, or to whom, and not both.")
    else:
        for name, said in (("asset_tag", asset_tag), ("holder", holder)):
            if said:
                found[name] = N_("This belongs to what is issued or returned.")
    if (act is Act.TRANSFER) != bool(to_site):
        found["to_site"] = N_("The other site belongs to a transfer, and to nothing else.")
    return found


def refused(balance: int, by: int) -> str | None:
    """Why a balance cannot change by so much, as a source phrase; None when it can."""
    if balance + by < 0:
        return N_("There are only %(left)s left here.")
    if balance + by > BALANCE_MAX:
        return N_("So many cannot lie here.")
    return None


def pick(batches: Sequence[Batch], act: Act, quantity: int, day: date) -> Batch | str:
    """The batch that an act without a named one means, or why it must be named.

    What is given out comes from the batch that expires first and has enough, never from one that has expired.
    """
    unnamed = next((b for b in batches if not b.name), Batch("", 0))
    if act in ADDS:
        return unnamed
    filled = [b for b in batches if b.quantity]
    if act is Act.COUNT:
        return N_("Say which batch was counted.") if len(filled) > 1 else (filled[0] if filled else unnamed)
    usable = [b for b in filled if act in (Act.DISCARD, Act.EXPIRE) or b.expires_on is None or b.expires_on >= day]
    enough = [b for b in usable if b.quantity >= quantity]
    if enough:
        return min(enough, key=lambda b: (b.expires_on or date.max, b.name))
    if sum(b.quantity for b in usable) >= quantity:
        return N_("No batch alone has so many: take them batch by batch.")
    if sum(b.quantity for b in filled) >= quantity:
        return N_("What is left has expired.")
    return unnamed if not filled else filled[0]  # too few in all: refused by the balance


K = TypeVar("K")


def replay(lines: Iterable[tuple[K, int]]) -> dict[K, int]:
    """What the lines of a ledger make together, by place; ValueError where something lay below nothing on the way."""
    found: dict[K, int] = {}
    for place, by in lines:
        found[place] = found.get(place, 0) + by
        if found[place] < 0:
            raise ValueError(f"{place}: {found[place]}")
    return found
