"""Whether an asset may be put forward for disposal (đủ điều kiện thanh lý), and on which grounds. Pure.

Điều 28 of NĐ 186/2025/NĐ-CP: its useful life is over, or it is broken and a repair would cost more than a share of its
original cost. The share is data of the province, dated like the rates of wear; SHARE_PERCENT is what the decree says.
Whose decision it is follows from whether it is a fixed asset.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from assets.inventory.lifecycle import PhysicalState
from assets.inventory.wear import Rule, open_year

SHARE_PERCENT = 30
SHARE_SOURCE = "Điều 28 Nghị định 186/2025/NĐ-CP"


class Ground(StrEnum):
    """Why it may be disposed of."""

    LIFE_OVER = "life_over"
    REPAIR_TOO_DEAR = "repair_too_dear"


@dataclass(frozen=True)
class Facts:
    """What is known of an asset: cost and quotation in whole đồng, the rule of wear that holds for it."""

    physical_state: str
    cost: int | None
    put_into_use: date | None
    rule: Rule | None
    quotation: int | None = None


@dataclass(frozen=True)
class Verdict:
    """The grounds (none: it stays), and whether it is a fixed asset (None: its cost or its rule is not known)."""

    grounds: tuple[Ground, ...]
    fixed_asset: bool | None


def judge(facts: Facts, as_of: date, share_percent: int = SHARE_PERCENT) -> Verdict:
    """The verdict as of the end of a day; what is not known is never a ground."""
    grounds = []
    if _life_over(facts, as_of):
        grounds.append(Ground.LIFE_OVER)
    if _repair_too_dear(facts, share_percent):
        grounds.append(Ground.REPAIR_TOO_DEAR)
    known = facts.cost is not None and facts.rule is not None
    return Verdict(tuple(grounds), facts.cost >= facts.rule.threshold if known else None)  # type: ignore[operator,union-attr]


def _life_over(facts: Facts, as_of: date) -> bool:
    if facts.put_into_use is None or facts.rule is None or facts.put_into_use > as_of:
        return False
    return open_year(as_of) - facts.put_into_use.year >= facts.rule.years


def _repair_too_dear(facts: Facts, share_percent: int) -> bool:
    if facts.physical_state != PhysicalState.BROKEN or facts.cost is None or facts.quotation is None:
        return False
    return facts.quotation * 100 > facts.cost * share_percent
