"""When each target is due: rules as cases with a written clock, and what must hold for any fleet."""

import itertools
from collections import Counter
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.probing.contract import TargetSpec
from assets.probing.readings import Method
from assets.probing.schedule import DEAD_AFTER, FIRST_LOOK_SECONDS, Schedule, share

START = 1_000.0


def target(id_: UUID | None = None, *, interval: int = 60, recheck: int = 10, address: str = "10.0.0.1") -> TargetSpec:
    return TargetSpec(
        id=id_ or uuid4(),
        name="TB-1",
        address=address,
        port=161,
        method=Method.SNMP,
        interval_seconds=interval,
        recheck_seconds=recheck,
    )


class Fleet:
    """Plays a schedule against a written clock: each look takes `takes` seconds and says what `alive` says."""

    def __init__(self, targets: list[TargetSpec], *, now: float = START) -> None:
        self.schedule = Schedule()
        self.now = now
        self.targets = {t.id: t for t in targets}
        self.alive: dict[UUID, bool | None] = {}
        self.takes: dict[UUID, float] = {}
        self.starts: dict[UUID, list[float]] = {t.id: [] for t in targets}
        self.running: dict[UUID, float] = {}
        self.schedule.replace(targets, now)

    def play(self, seconds: float, *, capacity: int = 10_000, step: float = 0.5) -> None:
        until = self.now + seconds
        while self.now < until:
            for id_, ends in list(self.running.items()):
                if ends <= self.now:
                    del self.running[id_]
                    self.schedule.finished(id_, self.now, self.alive.get(id_, True))
            for id_ in self.schedule.due(self.now, capacity - len(self.running)):
                assert id_ not in self.running, "two looks at one target at once"
                self.starts.setdefault(id_, []).append(self.now)
                self.running[id_] = self.now + self.takes.get(id_, 0.1)
            self.now += step

    def gaps(self, id_: UUID) -> list[float]:
        starts = self.starts[id_]
        return [b - a for a, b in itertools.pairwise(starts)]


def test_when_targets_are_assigned_then_each_is_looked_at_within_seconds() -> None:
    fleet = Fleet([target(interval=3_600) for _ in range(200)])
    fleet.play(FIRST_LOOK_SECONDS + 1)
    assert all(len(starts) == 1 for starts in fleet.starts.values())


def test_when_a_target_goes_silent_then_it_is_looked_at_again_soon() -> None:
    one = target(interval=300, recheck=10)
    fleet = Fleet([one])
    fleet.play(900)
    fleet.alive[one.id] = False
    fleet.play(600)
    assert any(9 <= gap <= 12 for gap in fleet.gaps(one.id)), "the first silence earns a quick recheck"
    assert sum(gap < 100 for gap in fleet.gaps(one.id)[3:]) == 1, "and only the first one"


def test_when_a_dead_target_answers_then_that_is_confirmed_soon() -> None:
    one = target(interval=300, recheck=10)
    fleet = Fleet([one])
    fleet.alive[one.id] = False
    fleet.play(6_000)
    seen = len(fleet.starts[one.id])
    fleet.alive[one.id] = True
    fleet.play(1_000)
    assert min(fleet.gaps(one.id)[seen - 1 :]) <= 12


@pytest.mark.parametrize("interval", [10, 60, 3_600])
def test_when_a_target_is_dead_then_it_is_asked_rarely_but_never_left_for_more_than_two_intervals(
    interval: int,
) -> None:
    one = target(interval=interval)
    fleet = Fleet([one])
    fleet.alive[one.id] = False
    fleet.play(30 * interval, step=interval / 100)
    dead = fleet.gaps(one.id)[DEAD_AFTER + 1 :]
    assert max(dead) <= 2.02 * interval, "after three the service would call it unknown instead of down"
    assert min(dead) >= 1.5 * interval


def test_when_the_collector_itself_cannot_ask_then_nothing_is_learnt_about_the_target() -> None:
    one = target(interval=60)
    fleet = Fleet([one])
    fleet.alive[one.id] = None
    fleet.play(600)
    assert all(29 <= gap <= 91 for gap in fleet.gaps(one.id)), "neither a recheck nor a rest for the dead"


def test_when_a_look_takes_longer_than_the_interval_then_slots_are_skipped_and_counted() -> None:
    one = target(interval=10)
    fleet = Fleet([one])
    fleet.takes[one.id] = 35.0
    fleet.play(400)
    assert fleet.schedule.skipped >= 20
    assert all(gap >= 35 for gap in fleet.gaps(one.id)), "never caught up in a burst"


def test_when_there_are_three_times_too_many_targets_then_each_gets_its_turn_and_lag_stays_below_three_intervals() -> (
    None
):
    many = [target(interval=10) for _ in range(300)]
    fleet = Fleet(many)
    fleet.takes = {t.id: 1.0 for t in many}
    fleet.play(120, capacity=10, step=0.1)
    assert fleet.schedule.health(fleet.now).lag_seconds <= 30
    turns = [len(starts) for starts in fleet.starts.values()]
    assert max(turns) - min(turns) <= 1
    assert fleet.schedule.skipped > 0
    fleet.takes = {}
    fleet.play(20, step=0.1)
    assert fleet.schedule.health(fleet.now).lag_seconds <= 1, "on time again within an interval"


def test_when_the_assignment_changes_then_targets_that_stay_keep_their_place() -> None:
    stays, goes, comes = target(), target(), target()
    fleet = Fleet([stays, goes])
    fleet.play(10)
    fleet.schedule.replace([stays, comes], fleet.now)
    fleet.play(9)
    assert len(fleet.starts[stays.id]) == 1, "no second first look"
    assert len(fleet.starts[comes.id]) == 1
    fleet.play(200)
    assert len(fleet.starts[goes.id]) == 1


def test_when_the_address_changes_then_the_target_is_looked_at_at_once() -> None:
    one = target(interval=3_600)
    fleet = Fleet([one])
    fleet.play(10)
    fleet.schedule.replace([one.model_copy(update={"address": "10.0.0.2"})], fleet.now)
    fleet.play(6)
    assert len(fleet.starts[one.id]) == 2


def test_when_a_target_is_removed_and_comes_back_during_its_look_then_it_still_is_not_asked_twice_at_once() -> None:
    one = target(interval=5)
    schedule = Schedule()
    schedule.replace([one], START)
    assert schedule.due(START + 5, 10) == [one.id]
    schedule.replace([], START + 6)
    assert schedule.is_running(one.id)
    schedule.replace([one], START + 7)
    assert schedule.due(START + 60, 10) == []
    assert not schedule.begin(one.id, START + 60)
    schedule.finished(one.id, START + 61, True)
    assert schedule.next_due() is not None


def test_when_an_order_asks_out_of_turn_then_the_next_regular_look_still_comes() -> None:
    one = target(interval=60)
    schedule = Schedule()
    schedule.replace([one], START)
    assert schedule.begin(one.id, START)
    assert schedule.due(START + 30, 10) == []
    schedule.finished(one.id, START + 30, True)
    due = schedule.next_due()
    assert due is not None
    assert START + 30 <= due <= START + 90


def test_when_nothing_is_known_of_an_id_then_finishing_it_changes_nothing() -> None:
    schedule = Schedule()
    schedule.finished(uuid4(), START, True)
    assert schedule.next_due() is None
    assert not schedule.begin(uuid4(), START)


def test_when_ids_are_made_one_after_another_then_they_are_still_spread() -> None:
    # UUIDv7: the same first bytes, the rest rising
    base = UUID("01936f00-0000-7000-8000-000000000000").int
    tenths = Counter(int(10 * share(UUID(int=base + n))) for n in range(5_000))
    assert len(tenths) == 10
    assert max(tenths.values()) < 1.2 * min(tenths.values())


def test_when_a_fleet_is_polled_then_no_second_is_crowded() -> None:
    fleet = Fleet([target(interval=60) for _ in range(1_200)])
    fleet.play(60)
    busy = Counter(int(start) for starts in fleet.starts.values() for start in starts if start > START + 10)
    assert max(busy.values()) <= 2.5 * 20, "20 a second on average"


@settings(max_examples=60, deadline=None)
@given(
    fleet=st.lists(
        st.tuples(
            st.uuids(),
            st.sampled_from([5, 10, 60]),
            st.floats(0.05, 40),
            st.sampled_from([True, False, None]),
        ),
        min_size=1,
        max_size=25,
        unique_by=lambda row: row[0],
    ),
    start=st.floats(0, 1e9),
)
def test_no_target_starves_and_none_is_asked_twice_at_once(
    fleet: list[tuple[UUID, int, float, bool | None]], start: float
) -> None:
    play = Fleet([target(id_, interval=interval) for id_, interval, _, _ in fleet], now=start)
    play.takes = {id_: takes for id_, _, takes, _ in fleet}
    play.alive = {id_: alive for id_, _, _, alive in fleet}
    play.play(400)  # Fleet.play asserts that no two looks at one target overlap
    for id_, interval, takes, _ in fleet:
        longest = max(2.02 * interval, interval + takes) + takes % interval + 2
        assert play.starts[id_][0] - start <= FIRST_LOOK_SECONDS + 1
        assert max(play.gaps(id_), default=0) <= longest
        assert play.now - play.starts[id_][-1] <= longest


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_change_of_assignment_keeps_every_assigned_target_planned(data: st.DataObject) -> None:
    pool = [target(UUID(int=n), interval=interval) for n, interval in enumerate((5, 10, 60, 60, 300))]
    schedule, now, running = Schedule(), START, set[UUID]()
    assigned: set[UUID] = set()
    for _ in range(data.draw(st.integers(1, 30))):
        now += data.draw(st.floats(0, 30))
        step = data.draw(st.sampled_from(["replace", "due", "finish", "begin"]))
        if step == "replace":
            chosen = data.draw(st.lists(st.sampled_from(pool), unique=True))
            schedule.replace(chosen, now)
            assigned = {t.id for t in chosen}
        elif step == "due":
            started = schedule.due(now, data.draw(st.integers(0, 5)))
            assert not running & set(started)
            assert assigned >= set(started)
            running |= set(started)
        elif step == "begin":
            id_ = data.draw(st.sampled_from(pool)).id
            began = schedule.begin(id_, now)
            assert began == (id_ in assigned and id_ not in running)
            running |= {id_} if began else set()
        elif running:
            id_ = data.draw(st.sampled_from(sorted(running)))
            schedule.finished(id_, now, data.draw(st.sampled_from([True, False, None])))
            running.discard(id_)
    for id_ in running:
        schedule.finished(id_, now, True)
    assert set(schedule.due(now + 700, 100)) == assigned
