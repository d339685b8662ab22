"""What was seen of each target since monitoring began, by the same rules that judge what is seen now."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from pydantic import TypeAdapter

from assets import phrases
from assets.db import Connection
from assets.demo.faults import Fault
from assets.demo.fleet import Centre, Line, Thing
from assets.demo.register import INTERVAL_SECONDS, WATCHED_BEFORE, name_of
from assets.demo.rows import write
from assets.demo.simulation import ways_out
from assets.demo.troubles import PAST, PRESENT, SILENT_FOR, SILENT_SITE, Trouble
from assets.ids import new_id
from assets.monitoring.conditions import Change, Look, Memory, Rules, advance, pass_time
from assets.monitoring.thresholds import Finding, evaluate
from assets.probing.profile import Profiles
from assets.probing.readings import Outcome, Reading

LAST_LOOK_BEFORE = timedelta(minutes=2)
GRACE = timedelta(minutes=2)  # until the collector has started; then silence counts again
RECHECK = timedelta(seconds=5)
_EVER = Rules(silence_after=timedelta(days=1_000))  # looks that changed nothing are left out: that was no silence
_MEMORY = TypeAdapter(Memory)
_BLACK = "Black Toner Cartridge"
# What a fault makes of the readings, as far as limits look at them.
READINGS: dict[Fault, tuple[Reading, ...]] = {
    Fault.TONER_OUT: (
        Reading(name="printer.error", instance="no_toner", value=4, state="no_toner"),
        Reading(name="supply.percent", instance="1.1", value=0, label=_BLACK),
    ),
    Fault.TONER_LOW: (Reading(name="supply.percent", instance="1.1", value=6, label=_BLACK),),
    Fault.JAM: (Reading(name="printer.error", instance="jammed", value=6, state="jammed"),),
    Fault.PAPER_OUT: (Reading(name="printer.error", instance="no_paper", value=2, state="no_paper"),),
    Fault.ON_BATTERY: (
        Reading(name="ups.status", value=5, state="on_battery"),
        Reading(name="ups.battery_percent", value=46),
    ),
}


@dataclass(frozen=True)
class Watched:
    """One target's past: how it is now, and every change on the way there."""

    subject: Thing | Line
    target: UUID
    memory: Memory
    changes: tuple[Change, ...]

    @property
    def name(self) -> str:
        """What people read."""
        return name_of(self.subject)


@dataclass(frozen=True)
class _Hit:
    """A trouble as one target felt it; `behind` is the target that is to blame, if it is another."""

    trouble: Trouble
    behind: UUID | None


def remembered(
    centres: Iterable[Centre], targets: Mapping[str, UUID], *, profiles: Profiles, now: datetime
) -> Iterator[Watched]:
    """The past of every target."""
    for number, centre in enumerate(centres):
        troubles = sorted((t for t in (*PAST, *PRESENT) if t.site == centre.code), key=lambda t: -t.began)
        subjects: tuple[Thing | Line, ...] = (*centre.lines, *centre.things)
        for subject in subjects:
            if subject.tag in targets:
                hits = [hit for t in troubles if (hit := _felt(t, subject, centre, targets))]
                looks = [Look(now - WATCHED_BEFORE + timedelta(seconds=7 * number), Outcome.ANSWERED)]
                for hit in hits:
                    looks += _looks(hit, _findings(hit.trouble, subject, profiles), now)
                yield _judged(subject, targets[subject.tag], looks, now)


def _felt(trouble: Trouble, subject: Thing | Line, centre: Centre, targets: Mapping[str, UUID]) -> _Hit | None:
    tag, router = trouble.tag_in(centre), centre.first("router")
    if tag == subject.tag:
        return _Hit(trouble, None)
    if trouble.fault is not Fault.SILENT or isinstance(subject, Line):
        return None
    cut_off = tag == router.tag or ways_out(centre) == (tag,)
    return _Hit(trouble, targets[tag]) if cut_off else None


def _findings(trouble: Trouble, subject: Thing | Line, profiles: Profiles) -> tuple[Finding, ...]:
    """What the fault breaks of the limits of the subject's profile."""
    profile = profiles.get(subject.make.profile) if isinstance(subject, Thing) else None
    return evaluate(READINGS.get(trouble.fault, ()), profile.limits if profile else ())


def _looks(hit: _Hit, found: tuple[Finding, ...], now: datetime) -> Iterator[Look]:
    """The looks that changed something: two at the beginning, two at the end, or the last one before now."""
    begin, end = hit.trouble.span(now)
    if hit.behind:
        begin += timedelta(seconds=2)
    bad = Look(begin, Outcome.SILENT, blocked_by=hit.behind)
    if hit.trouble.fault is not Fault.SILENT:
        bad = Look(begin, Outcome.ANSWERED, found)
    yield bad
    yield replace(bad, at=begin + RECHECK)
    if end is None:
        yield replace(bad, at=now - LAST_LOOK_BEFORE)
        return
    yield Look(end, Outcome.ANSWERED)
    yield Look(end + timedelta(seconds=INTERVAL_SECONDS), Outcome.ANSWERED)


def _judged(subject: Thing | Line, target: UUID, looks: Sequence[Look], now: datetime) -> Watched:
    last = now - LAST_LOOK_BEFORE
    if subject.site == SILENT_SITE:
        return _silent(subject, target, looks, now)
    if looks[-1].at < last:
        looks = [*looks, Look(last, Outcome.ANSWERED)]
    memory, changes = advance(Memory(), looks, _EVER, last)
    return Watched(subject, target, replace(memory, silence_at=now + GRACE), tuple(changes))


def _silent(subject: Thing | Line, target: UUID, looks: Sequence[Look], now: datetime) -> Watched:
    """Nobody has looked for days: unknown since shortly after the last look."""
    last = now - SILENT_FOR
    memory, changes = advance(Memory(), [*looks, Look(last, Outcome.ANSWERED)], _EVER, last)
    fading = replace(memory, silence_at=last + timedelta(seconds=3 * INTERVAL_SECONDS))
    memory, more = pass_time(fading, now)
    return Watched(subject, target, memory, (*changes, *more))


async def write_conditions(tx: Connection, watched: Sequence[Watched], sites: Mapping[str, UUID]) -> int:
    """Present states and all changes; answers how many changes."""
    await write(tx, "device_states", [_state(w) for w in watched])
    changes = sorted(((w, change) for w in watched for change in w.changes), key=lambda pair: pair[1].at)
    await write(tx, "condition_changes", [
        {
            "id": new_id(), "target": w.target, "site": sites[w.subject.site], "at": change.at,
            "before": change.before.value, "after": change.after.value, "reason": phrases.store(change.reasons),
            "cause": change.cause,
        }
        for w, change in changes
    ])  # fmt: skip
    return len(changes)


def _state(watched: Watched) -> dict[str, object]:
    memory = watched.memory
    return {
        "target": watched.target, "condition": memory.condition.value, "since": memory.since,
        "reason": phrases.store(memory.reasons), "severity": memory.severity.value if memory.severity else "",
        "cause": memory.cause, "flapping": memory.flapping, "observed_at": memory.observed_at,
        "silence_at": memory.due_at, "outcome": "silent" if memory.silent else "answered",
        "step": _MEMORY.dump_json(memory).decode(),
    }  # fmt: skip
