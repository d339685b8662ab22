"""An asset's stages and the moves between them, as one table. Pure."""

from enum import StrEnum


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


def refused(now_in: Stage, wanted: Stage) -> str | None:
    """Why an asset in stage `now_in` cannot go to `wanted`, as a source phrase; None when it can."""
    if wanted in MOVES[now_in]:
        return None
    if now_in is wanted:
        return "It is in this stage already."
    if now_in is Stage.DISPOSED:
        return "It has been disposed of; what is gone does not come back."
    return "An asset cannot go from its present stage to this one."
