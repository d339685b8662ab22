"""What watching costs each network line, and how often its targets are looked at therefore."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from assets.probing import budget
from assets.probing.contract import Budget, TargetSpec
from assets.probing.readings import Result

WEIGHT = 0.1  # of the newest look in what a look is taken to cost
REPLAN_SECONDS = 60.0


class Spending:
    """The costs of looks as measured, and the paces that keep every budget."""

    def __init__(self) -> None:
        self._budgets: tuple[Budget, ...] = ()
        self._octets: dict[UUID, float] = {}
        self._until = 0.0
        self._posts: tuple[int, float] | None = None
        self._posted_per_day = 0.0
        self.over: tuple[str, ...] = ()  # lines whose budget not even the longest pace keeps

    def assign(self, targets: Iterable[TargetSpec], budgets: Sequence[Budget]) -> None:
        """Take over an assignment; what was measured of targets that stay is kept."""
        self._budgets = tuple(budgets)
        ids = {target.id for target in targets}
        self._octets = {id_: octets for id_, octets in self._octets.items() if id_ in ids}
        self._until = 0.0

    def looked(self, target: TargetSpec, result: Result) -> None:
        """Learn what a look cost. A light one says nothing of a whole one, nor does one that was never answered."""
        if result.traffic is None or target.light or not result.alive:
            return
        before = self._octets.get(target.id, budget.FIRST_OCTETS[target.method])
        self._octets[target.id] = before + WEIGHT * (result.traffic.octets - before)

    def posted(self, octets: int, now: float) -> None:
        """Learn what talking to the service costs a day, from how many octets it has cost so far."""
        if self._posts is None:
            self._posts = octets, now
        before, since = self._posts
        if now - since < REPLAN_SECONDS:
            return
        per_day = (octets - before) * budget.DAY_SECONDS / (now - since)
        known = self._posted_per_day or per_day
        self._posted_per_day = known + WEIGHT * (per_day - known)
        self._posts = octets, now

    def due(self, now: float) -> bool:
        """Whether it is time to plan anew."""
        if now < self._until or not self._budgets:
            return False
        self._until = now + REPLAN_SECONDS
        return True

    def paced(self, targets: Iterable[TargetSpec]) -> list[TargetSpec]:
        """These targets with the pace that their lines' budgets allow."""
        by_id = {target.id: target for target in targets}
        over = []
        for line in self._budgets:
            behind = [by_id[id_] for id_ in line.targets if id_ in by_id]
            left = line.octets_per_day - (self._posted_per_day if line.posts else 0)
            made = budget.plan((self._load(target) for target in behind), max(1, left))
            for target in behind:
                pace = made.paces[target.id]
                by_id[target.id] = target.model_copy(
                    update={"interval_seconds": pace.interval_seconds, "light": pace.light}
                )
            if made.over:
                over.append(line.name)
        self.over = tuple(over)
        return list(by_id.values())

    def _load(self, target: TargetSpec) -> budget.Load:
        octets = self._octets.get(target.id, budget.FIRST_OCTETS[target.method])
        return budget.Load(target.id, target.interval_seconds, octets)
