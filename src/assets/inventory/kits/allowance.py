"""What a site should or may have, and what it lacks: numbers of values, with the reason where there is none. Pure.

Kits and norms are reckoned alike, and mean the opposite: a kit is what should be there, a norm is a maximum (tối đa, QĐ
15/2025/QĐ-TTg), so that what is missing to it is room and no claim.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from assets.inventory.lifecycle import PhysicalState, Stage


class Per(StrEnum):
    """What a quantity is counted by; `post` is the people of one post group, for norms."""

    SITE = "site"
    COUNTER = "counter"
    PERSON = "person"
    POST = "post"


class What(StrEnum):
    """What a line of a kit asks for."""

    CATEGORY = "category"
    APPLICATION = "application"
    CAPABILITY = "capability"
    LINK = "link"


class Unknown(StrEnum):
    """Why nobody can say what a site should have."""

    NO_HEAD_COUNT = "no_head_count"
    NO_POSTS = "no_posts"


@dataclass(frozen=True)
class Staff:
    """A site as of a day: its counters, its people, and its people by post group.

    Where the posts of a site are written down at all, a group that is not among them has nobody.
    """

    counters: int = 0
    people: int | None = None
    posts: tuple[tuple[str, int], ...] | None = None

    def number(self, per: Per, group: str = "") -> int | Unknown:
        """How many there are to count by, or why that is not known."""
        if per is Per.SITE:
            return 1
        if per is Per.COUNTER:
            return self.counters
        if per is Per.PERSON:
            return Unknown.NO_HEAD_COUNT if self.people is None else self.people
        return Unknown.NO_POSTS if self.posts is None else dict(self.posts).get(group, 0)


@dataclass(frozen=True)
class Rule:
    """`quantity` for every `every` of `per`, the last ones counted as whole: one for 3 people is 2 for 4 of them."""

    quantity: int
    per: Per = Per.SITE
    every: int = 1
    group: str = ""

    def of(self, staff: Staff) -> int | Unknown:
        """What it makes for a site."""
        number = staff.number(self.per, self.group)
        return number if isinstance(number, Unknown) else self.quantity * -(-number // self.every)


@dataclass(frozen=True)
class Held:
    """What is there: `present` are all on the register, `broken` those of them that cannot be used now."""

    present: int = 0
    broken: int = 0


@dataclass(frozen=True)
class Result:
    """What is missing (thiếu), broken (hỏng), over (vượt) and short: too few that can be used now, missing and broken alike.

    `unknown` says why there is no allowance; what is present and broken is known all the same.
    """

    allowance: int | None
    present: int
    broken: int
    missing: int | None = None
    over: int | None = None
    short: int | None = None
    unknown: Unknown | None = None


def allowance(rules: Iterable[Rule], staff: Staff, held: Held) -> Result:
    """What a site has beside what these rules make together; one that cannot be reckoned leaves the whole unknown."""
    total = 0
    for rule in rules:
        found = rule.of(staff)
        if isinstance(found, Unknown):
            return Result(None, held.present, held.broken, unknown=found)
        total += found
    return Result(
        total, held.present, held.broken, missing=max(0, total - held.present), over=max(0, held.present - total),
        short=max(0, total - (held.present - held.broken)),
    )  # fmt: skip


# What counts as being at its site: not what has not come yet, is on its way, is lost, or was given up.
HELD = frozenset({Stage.IN_STOCK, Stage.IN_USE, Stage.IN_REPAIR, Stage.LOANED})
AWAY = frozenset({Stage.IN_REPAIR, Stage.LOANED})  # held, but not to be used now


def counts(stage: Stage, state: PhysicalState) -> Held:
    """What one asset adds."""
    if stage not in HELD:
        return Held()
    return Held(1, int(stage in AWAY or state is PhysicalState.BROKEN))


ISSUED, SPENT = "issued", "expired"  # statuses of a capability that is there; a revoked one was taken away


def serves(status: str, expires_on: date | None, day: date) -> Held:
    """What one capability adds on a day: an expired one is there and does not serve, whatever its status says."""
    if status not in (ISSUED, SPENT):
        return Held()
    return Held(1, int(status == SPENT or (expires_on is not None and expires_on < day)))


def stands_apart(*, at_counter: bool, in_decree: bool) -> bool:
    """Whether an asset is one-stop equipment, for which the province sets the norm (Đ6.3 of QĐ 15/2025/QĐ-TTg).

    It is when it stands at a counter, or is of a kind that no norm for people speaks of, such as a numbering machine.
    """
    return at_counter or not in_decree
