"""How one target is, step by step: the only rules that turn looks and time into a condition. Pure.

    Memory + look, or Memory + the passing of time  →  Memory, Change | None

Promises, each a property test: a late or repeated look changes nothing; many small steps equal one big one; one
change is reported once; no data is `unknown` and never `up`.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from assets.monitoring.thresholds import Finding
from assets.phrases import Phrase
from assets.probing.readings import Outcome, Severity

FLAP_HALF_LIFE = timedelta(minutes=15)
FLAP_BEGINS = 4.0  # about four falls or recoveries within a quarter of an hour
FLAP_ENDS = 1.5
STREAK_MAX = 1_000


class Condition(StrEnum):
    """What monitoring says of a thing; words and order as people see them."""

    UP = "up"
    DEGRADED = "degraded"
    DOWN = "down"
    UNREACHABLE = "unreachable"
    OFF_EXPECTED = "off_expected"
    UNKNOWN = "unknown"


GONE = frozenset({Condition.DOWN, Condition.UNREACHABLE})


@dataclass(frozen=True)
class Rules:
    """How patient to be with a target."""

    silence_after: timedelta  # without a look for so long it is unknown
    confirm: int = 2  # silent looks in a row before it is down
    clear: int = 1  # answered looks in a row before it is back
    late_is_down: bool = False  # it calls by itself: its silence is the failure, and not a lack of data


@dataclass(frozen=True)
class Look:
    """One observation, as far as the condition depends on it."""

    at: datetime
    outcome: Outcome
    findings: tuple[Finding, ...] = ()
    blocked_by: UUID | None = None
    partial: bool = False  # it was only asked whether it is there: says nothing of findings
    silence_after: timedelta | None = None  # instead of the rule's, while it is looked at more rarely


@dataclass(frozen=True)
class Streak:
    """How often in a row a finding was there or not, and whether it counts."""

    bad: int = 0
    good: int = 0
    active: bool = False
    severity: Severity = Severity.WARNING
    phrase: Phrase = Phrase("")
    clear: int = 2


@dataclass(frozen=True)
class Memory:
    """Everything that the next step needs to know of the past."""

    condition: Condition = Condition.UNKNOWN
    since: datetime | None = None
    cause: UUID | None = None
    reasons: tuple[Phrase, ...] = ()
    severity: Severity | None = None
    observed_at: datetime | None = None
    silence_at: datetime | None = None
    late_is_down: bool = False
    silent: int = 0
    answered: int = 0
    way_open: bool = True  # whether the newest silent look found nothing missing before it
    findings: Mapping[str, Streak] = field(default_factory=dict)
    flap_score: float = 0.0
    flap_at: datetime | None = None
    flapping: bool = False

    @property
    def due_at(self) -> datetime | None:
        """When time alone will change something: silence, or calm after flapping."""
        return min((t for t in (self.silence_at, self._calm_at()) if t is not None), default=None)

    def _calm_at(self) -> datetime | None:
        if not self.flapping or self.flap_at is None:
            return None
        return self.flap_at + FLAP_HALF_LIFE * math.log2(max(self.flap_score / FLAP_ENDS, 1.0))


@dataclass(frozen=True)
class Change:
    """A condition that became another, or stayed and changed its reasons; `at` is when it happened, as far as known."""

    at: datetime
    before: Condition
    after: Condition
    reasons: tuple[Phrase, ...]
    severity: Severity | None
    cause: UUID | None
    flapping: bool


def look(memory: Memory, seen: Look, rules: Rules) -> tuple[Memory, list[Change]]:
    """Take one look into account; one that is not newer than the newest, or that says nothing, changes nothing."""
    if memory.observed_at is not None and seen.at <= memory.observed_at:
        return memory, []
    if seen.outcome is Outcome.NOT_ASKED:
        return memory, []
    memory, changes = pass_time(memory, seen.at)
    patience = max(rules.silence_after, seen.silence_after or rules.silence_after)
    memory = replace(
        memory, observed_at=seen.at, silence_at=seen.at + patience, late_is_down=rules.late_is_down
    )  # fmt: skip
    if seen.outcome is Outcome.SILENT:
        memory, change = _silent(memory, seen, rules)
    else:
        memory, change = _answered(memory, seen, rules)
    return memory, [*changes, *([change] if change else [])]


def pass_time(memory: Memory, now: datetime) -> tuple[Memory, list[Change]]:
    """What the mere passing of time changes up to `now`, in its order."""
    changes: list[Change] = []
    while (due := memory.due_at) is not None and due <= now:
        memory, change = _fall_silent(memory, due) if due == memory.silence_at else _calm_down(memory, due)
        changes += [change] if change else []
    return memory, changes


def advance(memory: Memory, looks: Iterable[Look], rules: Rules, now: datetime) -> tuple[Memory, list[Change]]:
    """All looks in the order in which they happened, then the time up to `now`."""
    changes: list[Change] = []
    for seen in sorted(looks, key=lambda s: s.at):
        memory, more = look(memory, seen, rules)
        changes += more
    memory, more = pass_time(memory, now)
    return memory, changes + more


def _silent(memory: Memory, seen: Look, rules: Rules) -> tuple[Memory, Change | None]:
    way_open = seen.blocked_by is None
    opened_just_now = way_open and not memory.way_open
    # What stood before it is back: this thing may be starting too, so its own silence is counted anew.
    silent = 1 if opened_just_now else min(memory.silent + 1, STREAK_MAX)
    memory = replace(memory, silent=silent, answered=0, way_open=way_open)
    if silent < rules.confirm:
        return memory, None
    if seen.blocked_by is not None:
        reasons = (Phrase("something before it does not answer"),)
        return _become(memory, Condition.UNREACHABLE, seen.at, reasons, None, seen.blocked_by)
    return _become(memory, Condition.DOWN, seen.at, (Phrase("does not answer"),), Severity.CRITICAL, None)


_WELL_KNOWN = frozenset({Condition.UP, Condition.DEGRADED})
_ANSWERS_ILL = {
    Outcome.MALFORMED: Finding("outcome:malformed", Severity.WARNING, Phrase("answers badly")),
    Outcome.WRONG_CREDENTIAL: Finding("outcome:credential", Severity.WARNING, Phrase("refuses our credential")),
}


def _answered(memory: Memory, seen: Look, rules: Rules) -> tuple[Memory, Change | None]:
    found = seen.findings
    if seen.outcome in _ANSWERS_ILL:
        ill = _ANSWERS_ILL[seen.outcome]
        # One bad answer of a thing that was well may be chance; as the first answer it must not make it green.
        found = (ill if memory.condition in _WELL_KNOWN else replace(ill, confirm=1),)
    streaks = _streaks(memory.findings, found, keep=seen.outcome is not Outcome.ANSWERED or seen.partial)
    answered = min(memory.answered + 1, STREAK_MAX)
    memory = replace(memory, silent=0, answered=answered, way_open=True, findings=streaks)
    if memory.condition in GONE and memory.answered < rules.clear:
        return memory, None
    return _settle(memory, seen.at)


def _settle(memory: Memory, at: datetime) -> tuple[Memory, Change | None]:
    # Up or degraded, from the findings that count; a thing that keeps falling stays degraded until it is calm.
    memory = _count_flap(memory, at, fell=False)
    active = [s for s in memory.findings.values() if s.active]
    reasons = tuple(s.phrase for s in active)
    severity = max((s.severity for s in active), key=_RANK.__getitem__, default=None)
    if memory.flapping:
        reasons, severity = (Phrase("keeps failing and coming back"), *reasons), severity or Severity.WARNING
    condition = Condition.DEGRADED if reasons else Condition.UP
    return _become(memory, condition, at, reasons, severity, None)


_RANK = {Severity.WARNING: 0, Severity.CRITICAL: 1}


def _streaks(before: Mapping[str, Streak], found: tuple[Finding, ...], *, keep: bool) -> dict[str, Streak]:
    """Streaks after one more look; `keep` leaves the findings of readings alone that this look could not read."""
    after: dict[str, Streak] = {}
    now_bad = {f.key: f for f in found}
    for key, streak in before.items():
        if key in now_bad:
            continue
        if keep and not key.startswith("outcome:"):
            after[key] = streak
        elif streak.active and streak.good + 1 < streak.clear:
            after[key] = replace(streak, bad=0, good=streak.good + 1)
    for key, finding in now_bad.items():
        old = before.get(key, Streak())
        bad = min(old.bad + 1, STREAK_MAX)
        active = old.active or bad >= finding.confirm
        after[key] = Streak(bad, 0, active, finding.severity, finding.phrase, finding.clear)
    return after


def _fall_silent(memory: Memory, at: datetime) -> tuple[Memory, Change | None]:
    memory = replace(memory, silence_at=None, silent=0, answered=0)
    if memory.late_is_down:
        return _become(memory, Condition.DOWN, at, (Phrase("did not call in time"),), Severity.CRITICAL, None)
    return _become(memory, Condition.UNKNOWN, at, (Phrase("no data"),), None, None)


def _calm_down(memory: Memory, at: datetime) -> tuple[Memory, Change | None]:
    memory = replace(memory, flapping=False, flap_score=FLAP_ENDS, flap_at=at)
    if memory.condition is not Condition.DEGRADED:
        return memory, None
    return _settle(memory, at)


def _become(
    memory: Memory,
    condition: Condition,
    at: datetime,
    reasons: tuple[Phrase, ...],
    severity: Severity | None,
    cause: UUID | None,
) -> tuple[Memory, Change | None]:
    # Same condition with other numbers in its words is no change: "toner 4 %" after "toner 5 %" disturbs nobody.
    before = memory.condition
    same = condition is before and [r.text for r in reasons] == [r.text for r in memory.reasons]
    if same and severity == memory.severity and cause == memory.cause:
        return replace(memory, reasons=reasons), None
    if condition in GONE and before not in GONE:
        memory = _count_flap(memory, at, fell=True)
    memory = replace(
        memory, condition=condition, since=at if condition is not before else memory.since, reasons=reasons,
        severity=severity, cause=cause,
    )  # fmt: skip
    return memory, Change(at, before, condition, reasons, severity, cause, memory.flapping)


def _count_flap(memory: Memory, at: datetime, *, fell: bool) -> Memory:
    """The flap score after a fall or, coming from one, a recovery; it halves every FLAP_HALF_LIFE."""
    if not fell and memory.condition not in GONE:
        return memory
    if fell and memory.condition is Condition.UNKNOWN:
        return memory
    elapsed = at - memory.flap_at if memory.flap_at is not None else timedelta()
    score = memory.flap_score * 0.5 ** max(elapsed / FLAP_HALF_LIFE, 0.0) + 1.0
    return replace(memory, flap_score=score, flap_at=at, flapping=memory.flapping or score >= FLAP_BEGINS)
