"""Units in time: tables of what is refused, and properties of any history that is possible."""

from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.places.origins import beginnings, known, shipped_origins
from assets.places.succession import (
    COUNTS,
    Change,
    Kind,
    Stay,
    Successor,
    Unit,
    in_force,
    outcome,
    refused,
    stays_from,
    unit_of,
)
from assets.places.units import parse, shipped

TODAY = date(2026, 11, 25)
BEGAN, DAY = date(2025, 7, 1), date(2026, 1, 1)


def key(number: int) -> UUID:
    return UUID(int=number)


A, B = Unit(key(1), "00001", BEGAN), Unit(key(2), "00002", BEGAN)
GONE = Unit(key(3), "00003", BEGAN, date(2025, 9, 1))
STAYS = (Stay("a", A.id, BEGAN), Stay("b", B.id, BEGAN), Stay("a2", A.id, date(2026, 3, 1)))


def to(*codes: str, **origins: str) -> tuple[Successor, ...]:
    found = [Successor(key(100 + number), code) for number, code in enumerate(codes)]
    return tuple(
        replace(s, comes_from=frozenset(origins[f"_{s.code}"].split())) if f"_{s.code}" in origins else s for s in found
    )


MERGE = Change(Kind.MERGE, DAY, ("00001", "00002"), to("00001"), {})
SPLIT = Change(Kind.SPLIT, DAY, ("00001",), to("00001", "00009"), {"a": "00009", "a2": "00001"})


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        (MERGE, set()),
        (SPLIT, set()),
        (Change(Kind.NEW, DAY, (), to("00009"), {}), set()),
        (Change(Kind.RENAME, DAY, ("00001",), to("00001"), {}), set()),
        (replace(MERGE, on=BEGAN), {"effective_on"}),  # a unit has at least one day
        (replace(MERGE, on=BEGAN + timedelta(days=1)), set()),
        (replace(MERGE, on=date(1900, 1, 1)), {"effective_on"}),
        (replace(MERGE, on=TODAY + timedelta(days=3 * 366)), {"effective_on"}),
        (replace(MERGE, predecessors=("00001",)), {"predecessors"}),
        (replace(MERGE, predecessors=("00001", "00001")), {"predecessors"}),
        (replace(MERGE, predecessors=("00001", "00003")), {"predecessors"}),  # it ended already
        (replace(MERGE, predecessors=("00001", "00008")), {"predecessors"}),  # nobody knows it
        (replace(MERGE, successors=to("00003")), {"successors"}),  # a code that was used
        (replace(MERGE, predecessors=("00001", "00003"), successors=to("00003")), {"predecessors"}),
        (replace(MERGE, successors=to("1")), {"successors"}),
        (replace(MERGE, successors=to("٠٠٠٠٩")), {"successors"}),  # digits, but not those of a code
        (replace(MERGE, successors=to("00001", "00009")), {"successors"}),
        (replace(MERGE, successors=to("00001", _00001="00001")), {"successors"}),  # and B?
        (replace(MERGE, sites={"a": "00009"}), {"sites.a"}),
        (replace(MERGE, sites={"x": "00001"}), {"sites.x"}),
        (replace(SPLIT, sites={}), {"sites.a", "sites.a2"}),
        (replace(SPLIT, successors=to("00009", "00009")), {"successors"}),
        (replace(SPLIT, sites={"a": "00002", "a2": "00001"}), {"sites.a"}),
        # B gives a part to A: what was in A stays there without a word, what was in B has two ways.
        (Change(Kind.REARRANGE, DAY, ("00001", "00002"), to("00001", "00002", _00002="00002"), {"b": "00002"}), set()),
        (Change(Kind.REARRANGE, DAY, ("00001", "00002"), to("00001", "00002", _00002="00002"), {}), {"sites.b"}),
        (Change(Kind.REARRANGE, DAY, ("00001", "00002"), to("00001", "00002", _00002="00002"), {"a": "00002", "b": "00002"}),
         {"sites.a"}),
    ],
)  # fmt: skip
def test_when_a_change_is_possible_or_not_then_the_field_is_named(change: Change, fields: set[str]) -> None:
    assert set(refused(change, (A, B, GONE), STAYS, TODAY)) == fields


def test_when_a_change_is_written_down_late_then_what_opened_since_never_was_under_the_old_unit() -> None:
    found = outcome(MERGE, (A, B), (*STAYS, Stay("a3", A.id, DAY)))
    new = found.began[0].id
    assert found.left == (Stay("a", A.id, BEGAN, DAY), Stay("b", B.id, BEGAN, DAY))
    assert found.entered == (Stay("a", new, DAY), Stay("b", new, DAY))
    assert [after for _, after in found.moved] == [Stay("a2", new, date(2026, 3, 1)), Stay("a3", new, DAY)]


def test_when_a_site_opens_before_a_change_that_is_written_down_then_it_goes_along_where_there_is_one_way() -> None:
    ends, after, other = replace(A, valid_to=DAY), Unit(key(5), "00005", DAY), Unit(key(6), "00006", DAY)
    opened = date(2025, 12, 1)
    assert stays_from("s", ends, opened, {A.id: [after]}) == [Stay("s", A.id, opened, DAY), Stay("s", after.id, DAY)]
    assert stays_from("s", after, DAY, {}) == [Stay("s", after.id, DAY)]
    assert stays_from("s", ends, opened, {A.id: [after, other]}) is None
    assert stays_from("s", ends, opened, {}) is None


@dataclass
class World:
    """Units and stays as a database would keep them."""

    units: dict[UUID, Unit] = field(default_factory=dict)
    stays: list[Stay] = field(default_factory=list)
    opened: dict[str, date] = field(default_factory=dict)
    numbers: int = 0

    def new(self) -> tuple[UUID, str]:
        self.numbers += 1
        return key(self.numbers), f"{self.numbers:05}"

    def open(self, code: str, on: date) -> None:
        unit = next(u for u in self.units.values() if u.code == code and u.valid_to is None)
        site = f"s{len(self.opened)}"
        self.opened[site] = max(on, unit.valid_from or on)
        self.stays.append(Stay(site, unit.id, self.opened[site]))

    def apply(self, change: Change) -> None:
        found = outcome(change, list(self.units.values()), self.stays)
        self.units |= {unit.id: unit for unit in (*found.ended, *found.began)}
        for before, after in (*((s, s) for s in found.left), *found.moved):
            place = next(
                i for i, s in enumerate(self.stays) if (s.site, s.valid_from) == (before.site, before.valid_from)
            )
            self.stays[place] = after
        self.stays += found.entered

    def living(self) -> list[Unit]:
        return [unit for unit in self.units.values() if unit.valid_to is None]


@st.composite
def histories(draw: st.DrawFn) -> World:
    """A province that lives for a while: sites open, and every change that the rules let through happens."""
    world = World()
    for _ in range(draw(st.integers(2, 4))):
        unit, code = world.new()
        world.units[unit] = Unit(unit, code, draw(st.sampled_from([None, BEGAN])))
    for _ in range(draw(st.integers(1, 12))):
        codes = sorted(unit.code for unit in world.living())
        on = BEGAN + timedelta(days=draw(st.integers(-20, 300)))
        if draw(st.booleans()):
            world.open(draw(st.sampled_from(codes)), on)
            continue
        change = draw(_change(world, codes, on))
        units = [unit for unit in world.units.values() if unit.code]
        if not refused(change, units, world.stays, TODAY):
            world.apply(change)
    return world


@st.composite
def _change(draw: st.DrawFn, world: World, codes: list[str], on: date) -> Change:
    kind = draw(st.sampled_from([kind for kind in Kind if COUNTS[kind][0][0] <= len(codes)]))
    (least, most), (fewest, many) = COUNTS[kind]
    ends = draw(st.permutations(codes))[: draw(st.integers(least, min(3, most, len(codes))))]
    free = [*ends, *(world.new()[1] for _ in range(3))]
    begins = [
        Successor(
            world.new()[0], code, draw(st.none() | st.frozensets(st.sampled_from(ends), min_size=1)) if ends else None
        )
        for code in draw(st.permutations(free))[: draw(st.integers(fewest, min(3, many)))]
    ]
    ending = {unit.id for unit in world.living() if unit.code in ends}
    concerned = sorted({stay.site for stay in world.stays if stay.unit in ending and stay.valid_to is None})
    # Mostly to where each may go, so that most changes are possible.
    sites = {site: draw(st.sampled_from(begins)).code for site in concerned if draw(st.integers(0, 9))}
    return Change(kind, on, tuple(ends), tuple(begins), sites)


@given(histories(), st.integers(-30, 400))
@settings(max_examples=50, deadline=None)
def test_on_each_day_each_site_belongs_to_exactly_one_unit_which_is_in_force(world: World, later: int) -> None:
    day = BEGAN + timedelta(days=later)
    there = {unit.id for unit in in_force(world.units.values(), day)}
    for site, opened in world.opened.items():
        holding = [stay.unit for stay in world.stays if stay.site == site and stay.holds(day)]
        assert len(holding) == (1 if day >= opened else 0), "no change loses a site or has it twice"
        assert set(holding) <= there
        assert unit_of(world.stays, site, day) == (holding[0] if holding else None)


@given(histories(), st.integers(-30, 400))
@settings(max_examples=50, deadline=None)
def test_on_each_day_one_unit_at_most_has_a_code(world: World, later: int) -> None:
    codes = [unit.code for unit in in_force(world.units.values(), BEGAN + timedelta(days=later))]
    assert len(codes) == len(set(codes))


def test_the_shipped_history_leads_to_each_of_the_96_units_once() -> None:
    found = beginnings(shipped_origins())
    codes = [code for one in found for code in one.successors]
    assert len(codes) == len(set(codes)) == 96
    assert set(codes) == {unit.code for unit in parse(shipped())}
    assert {unit.valid_from for unit in parse(shipped())} == {BEGAN}
    assert sum(len(one.origins) for one in found) == len(shipped_origins()) == 273
    both = next(one for one in found if "21136" in one.successors)
    assert (both.kind, both.successors, len(both.origins)) == (Kind.REARRANGE, ("21136", "21157"), 4)
    assert {len(known([both], codes)) for codes in (["21136"], ["21157"], [])} == {0}
    assert {province for one in found for province in {o.province for o in one.origins}} == {"Quảng Ngãi", "Kon Tum"}
    assert all(len({o.province for o in one.origins}) == 1 for one in found), "no unit mixes both provinces"
