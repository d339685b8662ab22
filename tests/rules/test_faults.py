"""Which pictures an asset gets, and that what ships can be shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.incidents.faults.fitting import FAMILIES, KINDS, OTHER, PICTURES, Shipped, fits
from assets.incidents.faults.kinds import NAME_MAX, SEVERITIES
from assets.inventory.categories import CATEGORIES
from assets.paths import data_dir

PARTS = (data_dir("dashboards") / "templates" / "faults" / "_parts.html").read_text(encoding="utf-8")


def kind(categories: tuple[str, ...] = (), families: tuple[str, ...] = ()) -> Shipped:
    return Shipped("x", "X", "X", OTHER, categories, families)


@pytest.mark.parametrize(
    ("one", "category", "serves", "expected"),
    [
        (kind(), "printer", "printer", True),
        (kind(), "shredder", "", True),
        (kind(families=("printer",)), "copier", "printer", True),
        (kind(families=("printer",)), "scanner", "", False),
        (kind(("scanner",)), "scanner", "", True),
        (kind(("scanner",)), "printer", "printer", False),
        (kind(("scanner",), ("printer",)), "copier", "printer", True),
        (kind(("scanner",), ("printer",)), "desktop", "computer", False),
        (kind(families=("",)), "shredder", "", False),  # no need at all is no family
    ],
)
def test_a_fault_is_offered_where_it_can_happen(one: Shipped, category: str, serves: str, expected: bool) -> None:
    assert fits(one, category, serves) is expected


@given(st.sampled_from(CATEGORIES))
def test_whatever_breaks_there_is_more_than_one_picture_for_it(category: object) -> None:
    code, serves = category.code, category.serves  # type: ignore[attr-defined]
    assert len([one for one in KINDS if fits(one, code, serves)]) >= 3


def test_what_ships_can_be_kept_and_drawn() -> None:
    assert len({one.code for one in KINDS}) == len(KINDS)
    known = {category.code for category in CATEGORIES}
    for one in KINDS:
        assert set(one.categories) <= known, one.code
        assert set(one.families) <= set(FAMILIES), one.code
        assert one.code != OTHER
        assert one.severity in SEVERITIES
        assert max(len(one.name), len(one.name_en)) <= NAME_MAX
        assert one.picture in PICTURES
    for name in PICTURES:
        assert name == OTHER or f"name == '{name}'" in PARTS, f"nothing draws {name}"
