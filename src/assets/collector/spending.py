"""What watching costs each network line, and how often its targets are looked at therefore."""

from collections import deque
from collections.abc import Iterable, Sequence
from uuid import UUID

from assets.probing import budget
from assets.probing.contract import Budget, TargetSpec
from assets.probing.readings import Result

WEIGHT = 0.1  # of the newest look in what a look is taken to cost
REPLAN_SECONDS = 60.0
POSTS_SECONDS = 3_600.0  # of talk that is taken for the day's: an assignment fetched or a backlog told is no habit
POSTS_SHARE_MAX = 0.5  # of a budget: whatever the talk costs, the looks keep the rest


class Spending:
    """The costs of looks as measured, and the paces that keep every budget."""

    def __init__(self) -> None:
        self._budgets: tuple[Budget, ...] = ()
        self._octets: dict[UUID, float] = {}
        self._until = 0.0
        self._posts: deque[tuple[float, int]] = deque()
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
        if self._posts and now - self._posts[-1][0] < REPLAN_SECONDS:
            return
        self._posts.append((now, octets))
        while len(self._posts) > 1 and self._posts[1][0] <= now - POSTS_SECONDS:
            self._posts.popleft()
        since, before = self._posts[0]
        self._posted_per_day = (octets - before) * budget.DAY_SECONDS / max(now - since, POSTS_SECONDS)

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
            posts = min(self._posted_per_day, line.octets_per_day * POSTS_SHARE_MAX) if line.posts else 0
            made = budget.plan((self._load(target) for target in behind), line.octets_per_day - posts)
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
