"""Which assets of the stock answer an approved request. Pure.

Never more than was approved, never one asset twice, never a broken one; giving only a part is normal. For every line
`given before + picked + short = approved`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from assets.web.language import N_

FIT = ("good", "worn")  # physical states that may be given, the better first


@dataclass(frozen=True)
class Need:
    """What is still to be given for one line."""

    line: UUID
    category: UUID
    outstanding: int


@dataclass(frozen=True)
class Candidate:
    """An asset in stock at a store, `site` with the code `site_code`."""

    asset: UUID
    tag: str
    category: UUID
    physical_state: str
    stocked_at: datetime
    site: UUID
    site_code: str


@dataclass(frozen=True)
class Proposal:
    """Assets for each line, and how many each line will still lack."""

    picks: Mapping[UUID, tuple[Candidate, ...]]
    short: Mapping[UUID, int]


@dataclass(frozen=True)
class Refused:
    """Why a choice cannot be given; `reason` is a gettext source string filled from `params`."""

    reason: str
    params: Mapping[str, str]


def propose(needs: Sequence[Need], stock: Sequence[Candidate]) -> Proposal:
    """Serve the lines in their order: good things before worn ones, and what has waited longest first."""
    free = sorted((c for c in stock if c.physical_state in FIT), key=_preference)
    picks: dict[UUID, tuple[Candidate, ...]] = {}
    for need in needs:
        taken = tuple(c for c in free if c.category == need.category)[: max(0, need.outstanding)]
        picks[need.line] = taken
        free = [c for c in free if c not in taken]
    return Proposal(picks, {need.line: max(0, need.outstanding) - len(picks[need.line]) for need in needs})


def choose(needs: Sequence[Need], stock: Sequence[Candidate], tags: Mapping[UUID, Sequence[str]]) -> Proposal | Refused:
    """The proposal that a person made by naming `tags` for each line, or why it cannot be given as it stands."""
    by_tag = {candidate.tag: candidate for candidate in stock}
    lines = {need.line: need for need in needs}
    used: set[str] = set()
    for line, named in tags.items():
        if line not in lines:
            return Refused(N_("The request has no such line."), {})
        if len(named) > max(0, lines[line].outstanding):
            return Refused(N_("More was chosen than is still to be given."), {})
        for tag in named:
            if refused := _unfit(tag, by_tag.get(tag), lines[line].category, used):
                return refused
            used.add(tag)
    picks = {need.line: tuple(by_tag[tag] for tag in tags.get(need.line, ())) for need in needs}
    if not used:
        return Refused(N_("Nothing was chosen."), {})
    return Proposal(picks, {need.line: max(0, need.outstanding) - len(picks[need.line]) for need in needs})


def _unfit(tag: str, candidate: Candidate | None, category: UUID, used: set[str]) -> Refused | None:
    if candidate is None:
        return Refused(N_("%(tag)s is not in stock any more."), {"tag": tag})
    if candidate.category != category:
        return Refused(N_("%(tag)s is another kind of equipment than the line asks for."), {"tag": tag})
    if candidate.physical_state not in FIT:
        return Refused(N_("%(tag)s is broken."), {"tag": tag})
    if tag in used:
        return Refused(N_("%(tag)s was chosen twice."), {"tag": tag})
    return None


def _preference(candidate: Candidate) -> tuple[int, datetime, str]:
    return FIT.index(candidate.physical_state), candidate.stocked_at, candidate.tag
