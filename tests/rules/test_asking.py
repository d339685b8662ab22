"""What can be asked for: each kind of line names what it needs and nothing else."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.equipment_requests.asking import NAMES, Asked, LineKind, faults, of_thing, thing
from assets.equipment_requests.catalogue import CatalogueChoice, _group
from assets.equipment_requests.forms import Fields, on_form, typed
from assets.inventory.kinds import CAPABILITY_KINDS

GOOD = {
    LineKind.EQUIPMENT: Asked("printer"),
    LineKind.CONSUMABLE: Asked(kind=LineKind.CONSUMABLE, consumable="CF259A"),
    LineKind.CAPABILITY: Asked(kind=LineKind.CAPABILITY, capability="account", application="igate", holder_post="Bà A"),
    LineKind.REPAIR: Asked(kind=LineKind.REPAIR, asset="PR-1"),
}
FIELDS = ("category", "consumable", "capability", "application", "holder_post", "asset")
CODES = st.text(st.characters(categories=["L", "N"], include_characters="-_."), min_size=1, max_size=20)


@pytest.mark.parametrize("kind", LineKind)
def test_when_a_line_says_what_its_kind_needs_then_nothing_is_wrong_and_anything_else_is(kind: LineKind) -> None:
    good = GOOD[kind]
    assert faults(good) == {}
    for field in FIELDS:
        if getattr(good, field):
            assert list(faults(replace(good, **{field: " "}))) == [field]
        elif field not in NAMES[kind].may:
            assert list(faults(replace(good, **{field: "x"}))) == [field]


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        (replace(GOOD[LineKind.EQUIPMENT], quantity=0), {"quantity"}),
        (replace(GOOD[LineKind.EQUIPMENT], quantity=1001), {"quantity"}),
        (replace(GOOD[LineKind.REPAIR], quantity=2), {"quantity"}),
        (replace(GOOD[LineKind.CAPABILITY], capability="crown"), {"capability"}),
        (Asked(kind=LineKind.CAPABILITY, capability="seal", holder_post="Văn thư"), set()),
        (replace(GOOD[LineKind.CONSUMABLE], unit_cost=-1), {"unit_cost"}),
        (replace(GOOD[LineKind.CONSUMABLE], unit_cost=10**13), {"unit_cost"}),
        (replace(GOOD[LineKind.CONSUMABLE], unit_cost=0), set()),
    ],
)
def test_when_a_number_or_a_kind_is_impossible_then_its_field_is_named(line: Asked, wrong: set[str]) -> None:
    assert set(faults(line)) == wrong


@given(st.sampled_from(LineKind), CODES, CODES, st.sampled_from(CAPABILITY_KINDS))
def test_when_a_thing_is_named_then_the_name_leads_back_to_it(kind: LineKind, code: str, app: str, what: str) -> None:
    field = next(iter(NAMES[kind].must - {"holder_post"}))
    asked = Asked(kind=kind, **{field: what if kind is LineKind.CAPABILITY else code})
    if kind is LineKind.CAPABILITY:
        asked = replace(asked, application=app)
    assert of_thing(thing(asked)) == asked


@given(st.text())
def test_when_any_text_is_named_then_it_is_a_thing_or_none(text: str) -> None:
    found = of_thing(text)
    assert found is None or thing(found).startswith(found.kind)


@given(
    st.dictionaries(
        st.sampled_from(["thing_1", "thing_2", "quantity_1", "pick", "unit_cost_1", "q"]), st.lists(st.text())
    )
)
def test_when_a_form_has_anything_in_it_then_it_is_read_and_judged(fields: dict[str, list[str]]) -> None:
    for line in typed(Fields(fields)).lines:
        faults(line.asked())


def test_when_lines_are_left_out_and_ticked_then_the_form_has_what_is_meant() -> None:
    fields = Fields({
        "thing_1": ["equipment:pc"], "quantity_1": ["x"], "thing_2": ["repair:A"], "remove_2": ["1"],
        "thing_7": ["consumable:B"], "pick": ["equipment:pc", "repair:A"],
    })  # fmt: skip
    assert [(line.thing, line.quantity) for line in typed(fields).lines] == [
        ("equipment:pc", "x"), ("consumable:B", "1"), ("repair:A", "1")
    ]  # fmt: skip


def test_when_a_verb_names_a_line_then_the_message_stands_at_its_field() -> None:
    said = {"lines.0.asset": "a", "lines.1.quantity": "b", "lines": "c", "reason": "d", "lines.2.application": "e"}
    assert on_form(said) == {"thing_1": "a", "quantity_2": "b", "lines": "c", "reason": "d", "application_3": "e"}


def test_when_the_catalogue_is_searched_then_accents_and_codes_are_found_and_what_is_wanted_comes_first() -> None:
    def choice(name: str, code: str, *, wanted: bool = False) -> CatalogueChoice:
        return CatalogueChoice(thing=f"consumable:{code}", name=name, note="", picture="box", wanted=wanted)

    all_ = [choice("Giấy A4", "A4"), choice("Hộp mực HP 59A", "CF259A", wanted=True), choice("Mực dấu", "MD")]
    assert [c.name for c in _group(LineKind.CONSUMABLE, all_, "muc").choices] == ["Hộp mực HP 59A", "Mực dấu"]
    assert [c.name for c in _group(LineKind.CONSUMABLE, all_, "cf259a").choices] == ["Hộp mực HP 59A"]
    assert _group(LineKind.CONSUMABLE, all_, "").choices[0].name == "Hộp mực HP 59A"
    many = _group(LineKind.CONSUMABLE, [choice(str(n), str(n)) for n in range(130)], "")
    assert (len(many.choices), many.left_out) == (120, 10)
