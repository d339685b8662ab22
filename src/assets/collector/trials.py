"""Which credential each device is asked with: the rules of `probing.trying` with what this collector has seen.

What was refused rests also across a restart of the collector, else each start would show every refused credential to
every device again. So the trials are kept on disk; times in them are counted by the clock that nobody can set, and
after a restart of the machine a rest begins as long as it was when it was last written down.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Annotated
from uuid import UUID

import structlog
from pydantic import Field, ValidationError

from assets.collector.uptime import Moment
from assets.probing import trying
from assets.probing.contract import CANDIDATES_MAX, TARGETS_MAX, Credential, TargetSpec
from assets.probing.readings import Loose, Result, Text
from assets.probing.trying import LONGEST_SECONDS, TIMES_MAX, Refused, Trials

_log = structlog.get_logger(__name__)
_Place = tuple[str, int]


class KeptRefusal(Loose):
    """One credential that a device refused; `digest` is of the credential as it was shown, `left` seconds of rest."""

    credential: UUID
    digest: Text
    times: Annotated[int, Field(ge=1, le=TIMES_MAX)]
    left: Annotated[float, Field(ge=0, le=LONGEST_SECONDS)]


class KeptTrials(Loose):
    """What is known of one device."""

    target: UUID
    address: Text
    port: int
    worked: UUID | None = None
    level_min: Annotated[int, Field(ge=0, le=3)] = 0
    refused: Annotated[tuple[KeptRefusal, ...], Field(max_length=4 * CANDIDATES_MAX)] = ()


class Kept(Loose):
    """Everything of one moment, which is named by the boot and the seconds since then."""

    boot: Text
    up_seconds: float
    trials: Annotated[tuple[KeptTrials, ...], Field(max_length=TARGETS_MAX)] = ()


class Trying:
    """The trials of each target; what the service remembers of a device comes with its target."""

    def __init__(self) -> None:
        self._credentials: dict[UUID, Credential] = {}
        self._trials: dict[UUID, Trials] = {}
        self._places: dict[UUID, _Place] = {}
        self._recalled: dict[UUID, str] = {}  # digests of credentials as they were before the restart
        self.changes = 0  # so that what is kept is written when there is something new

    def assign(self, targets: Iterable[TargetSpec], credentials: Iterable[Credential]) -> None:
        """Take over an assignment. A credential with another secret is as good as new; so is a device elsewhere."""
        before, self._credentials = self._credentials, {one.id: one for one in credentials}
        changed = {id_ for id_, one in self._credentials.items() if id_ in before and before[id_] != one}
        changed |= {
            id_ for id_, digest in self._recalled.items()
            if id_ in self._credentials and _digest(self._credentials[id_]) != digest
        }  # fmt: skip
        self._recalled = {id_: digest for id_, digest in self._recalled.items() if id_ not in self._credentials}
        trials, places, self._trials, self._places = self._trials, self._places, {}, {}
        for target in targets:
            place = self._places[target.id] = (target.address, target.port)
            known = trials.get(target.id) if places.get(target.id) == place else None
            self._trials[target.id] = _merged(known, target, changed)
        self.changes += 1

    def candidates(self, target: TargetSpec) -> tuple[Credential, ...]:
        """All that it may be asked with; what people have chosen for it alone is the only one."""
        wanted = target.candidates or ((target.credential,) if target.credential else ())
        return tuple(self._credentials[id_] for id_ in wanted if id_ in self._credentials)

    def to_ask(self, target: TargetSpec, now: float) -> tuple[Credential, ...]:
        """Those to ask with now, in this order."""
        return trying.to_ask(self._of(target), self.candidates(target), now)

    def goes_on(self, target: TargetSpec, credential: Credential) -> bool:
        """Whether it may still be shown after what this look has brought so far."""
        return trying.goes_on(self._of(target), credential)

    def learn(self, target: TargetSpec, credential: Credential, result: Result, now: float) -> None:
        """Remember what came of it."""
        before = self._of(target)
        after = self._trials[target.id] = trying.after(before, credential, result.outcome, now)
        self.changes += after != before

    def rests_for(self, target: TargetSpec, now: float) -> float:
        """Seconds until one of its credentials is shown again."""
        refused: Mapping[UUID, trying.Refused] = self._of(target).refused
        return max(0.0, min((r.until for r in refused.values()), default=now) - now)

    def remember(self, now: float, moment: Moment) -> bytes:
        """Everything worth keeping, as it is at this moment."""
        digests = {id_: _digest(one) for id_, one in self._credentials.items()}
        kept = tuple(
            KeptTrials(
                target=id_, address=self._places[id_][0], port=self._places[id_][1], worked=trials.worked,
                level_min=trials.level_min, refused=tuple(_kept(trials, digests, now)),
            )
            for id_, trials in self._trials.items() if id_ in self._places and trials != Trials()
        )  # fmt: skip
        return Kept(boot=moment.boot, up_seconds=moment.up_seconds, trials=kept).model_dump_json().encode()

    def recall(self, data: bytes, now: float, moment: Moment) -> None:
        """Go on where an earlier process left off; before the first assignment."""
        try:
            kept = Kept.model_validate_json(data)
        except ValidationError as error:
            _log.warning("what was tried before is unreadable", errors=error.error_count())
            return
        gone = moment.up_seconds - kept.up_seconds if moment.boot == kept.boot else 0.0
        for one in kept.trials:
            refused = {r.credential: Refused(r.times, now + max(0.0, r.left - gone)) for r in one.refused}
            self._trials[one.target] = Trials(one.worked, one.level_min, refused)
            self._places[one.target] = (one.address, one.port)
            self._recalled |= {r.credential: r.digest for r in one.refused}

    def _of(self, target: TargetSpec) -> Trials:
        return self._trials.get(target.id) or _merged(None, target, set())


def _kept(trials: Trials, digests: Mapping[UUID, str], now: float) -> Iterable[KeptRefusal]:
    for id_, refused in list(trials.refused.items())[: 4 * CANDIDATES_MAX]:
        if id_ in digests:
            left = min(max(0.0, refused.until - now), LONGEST_SECONDS)
            yield KeptRefusal(credential=id_, digest=digests[id_], times=refused.times, left=left)


def _digest(credential: Credential) -> str:
    return hashlib.sha256(credential.model_dump_json().encode()).hexdigest()


def _merged(known: Trials | None, target: TargetSpec, changed: set[UUID]) -> Trials:
    worked = target.credential if target.credential in target.candidates else None
    if known is None:
        return Trials(worked, target.level_min)
    refused = {id_: r for id_, r in known.refused.items() if id_ not in changed}
    return replace(
        known, worked=known.worked or worked, level_min=max(known.level_min, target.level_min), refused=refused
    )  # fmt: skip
