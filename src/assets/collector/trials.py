"""Which credential each device is asked with: the rules of `probing.trying` with what this process has seen."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from uuid import UUID

from assets.probing import trying
from assets.probing.contract import Credential, TargetSpec
from assets.probing.readings import Result
from assets.probing.trying import Trials

_Place = tuple[str, int]


class Trying:
    """The trials of each target; what the service remembers of a device comes with its target."""

    def __init__(self) -> None:
        self._credentials: dict[UUID, Credential] = {}
        self._trials: dict[UUID, Trials] = {}
        self._places: dict[UUID, _Place] = {}

    def assign(self, targets: Iterable[TargetSpec], credentials: Iterable[Credential]) -> None:
        """Take over an assignment. A credential with another secret is as good as new; so is a device elsewhere."""
        before, self._credentials = self._credentials, {one.id: one for one in credentials}
        changed = {id_ for id_, one in self._credentials.items() if id_ in before and before[id_] != one}
        trials, places, self._trials, self._places = self._trials, self._places, {}, {}
        for target in targets:
            place = self._places[target.id] = (target.address, target.port)
            known = trials.get(target.id) if places.get(target.id) == place else None
            self._trials[target.id] = _merged(known, target, changed)

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
        self._trials[target.id] = trying.after(self._of(target), credential, result.outcome, now)

    def rests_for(self, target: TargetSpec, now: float) -> float:
        """Seconds until one of its credentials is shown again."""
        refused: Mapping[UUID, trying.Refused] = self._of(target).refused
        return max(0.0, min((r.until for r in refused.values()), default=now) - now)

    def _of(self, target: TargetSpec) -> Trials:
        return self._trials.get(target.id) or _merged(None, target, set())


def _merged(known: Trials | None, target: TargetSpec, changed: set[UUID]) -> Trials:
    worked = target.credential if target.credential in target.candidates else None
    if known is None:
        return Trials(worked, target.level_min)
    refused = {id_: r for id_, r in known.refused.items() if id_ not in changed}
    return replace(
        known, worked=known.worked or worked, level_min=max(known.level_min, target.level_min), refused=refused
    )  # fmt: skip
