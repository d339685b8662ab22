"""A list that leaves as a file and comes back says what it said: whatever assets there are, nothing is lost or changed.

With LONG=1, as `.ci/run` does, there are many more lists.
"""

import tempfile
import unicodedata
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, assume, given, reject, settings
from hypothesis import strategies as st

from assets.inventory.api import AssetOut
from assets.inventory.batches import service
from assets.inventory.batches.headings import columns
from assets.inventory.batches.planning import AS_WRITTEN, Options, Outcome, Planned, Present, World, plan
from assets.inventory.batches.reading import read_table
from assets.inventory.kinds import ASSETS, CUSTOM, Definition, with_definitions
from assets.inventory.values import LAST_DAY, YEARS, Field, Type, Wrong, fits_address, last_beginning, plain, read
from assets.text import serial_key
from assets.web import words
from assets.web.cells import cell
from assets.web.language import translate
from assets.web.sheets import BOM, Book, csv_lines
from tests.conftest import LONG

pytestmark = pytest.mark.longer

SOME = settings(
    max_examples=80 if LONG else 3, deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)  # fmt: skip
NOTHING = UUID(int=0)
OWN = {
    one.code: one
    for one in (
        Definition("port_count", "", "Số cổng", "Ports", Type.INTEGER, (), False, False),
        Definition("colour", "", "Màu", "Colour", Type.CHOICE, ("đen", "trắng", "=1+1"), False, False),
        Definition("shared", "", "Dùng chung", "Shared", Type.BOOLEAN, (), False, False),
        Definition("sealed_on", "", "Ngày dán tem", "Sealed on", Type.DATE, (), False, False),
        Definition("remark", "", "Nhận xét", "Remark", Type.TEXT, (), False, False),
    )
}
KIND = with_definitions(ASSETS, OWN.values())
GIVEN = {"category": "printer", "manufacturer": "Canon", "model": "LBP 2900", "site": "21025"}
WORLD = World(
    sites={"21025": "21025"}, models={("canon", "lbp 2900"): ("Canon", "LBP 2900", "printer")},
    categories={"printer": "printer", "máy in": "printer"}, definitions=OWN,
    latest=last_beginning(date(2026, 11, 26)),
)  # fmt: skip
TEXTS = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        ["=1+1", "'=x", "''", "0012", "1e5", "12.0", "2024-01-01", "true", "M¸y in", "Sơn Hạ", "a;b,c\"d", "[]", "-"]
    ),
)  # fmt: skip
HEADINGS = {
    "names": list(AssetOut.model_fields),
    **{language: [translate(language, words.field("assets", name)) for name in AssetOut.model_fields]
       for language in ("vi", "en")},
}  # fmt: skip


def values_of(field: Field) -> st.SearchStrategy[Any]:
    """What a field can hold, as the register has it."""
    addresses = st.ip_addresses().filter(lambda one: not getattr(one, "scope_id", None)).map(str)
    of_type: dict[Type, st.SearchStrategy[Any]] = {
        Type.TEXT: TEXTS,
        Type.INTEGER: st.integers(field.least, field.most), Type.MONEY: st.integers(field.least, field.most),
        Type.DATE: st.dates(date(YEARS.start, 1, 1), WORLD.latest if field.begins else LAST_DAY), Type.BOOLEAN: st.booleans(),
        Type.CHOICE: st.sampled_from(field.choices or ("",)),
        Type.MACS: st.lists(st.integers(0, 2**48 - 1).map(lambda n: f"{n:012x}"), max_size=3),
        Type.ADDRESSES: st.lists(addresses, max_size=3),
    }  # fmt: skip
    return st.one_of(st.just(field.empty), of_type[field.type]).map(lambda value: taken(field, value))


def taken(field: Field, value: Any) -> Any:
    try:
        return read(field, value)
    except Wrong:  # some letters get longer when they are normalised or put in upper case
        reject()


@st.composite
def assets(draw: st.DrawFn) -> dict[str, Any]:
    found = {one.name: GIVEN.get(one.name) or draw(values_of(one), label=one.name) for one in KIND.fields}
    assume(found["tag"] and fits_address(found["tag"]))
    if found["purchased_on"] and found["warranty_until"]:  # a warranty does not end before it begins
        found["purchased_on"], found["warranty_until"] = sorted((found["purchased_on"], found["warranty_until"]))
    return found


def row_of(values: dict[str, Any], version: int) -> AssetOut:
    own = {name.removeprefix(CUSTOM): plain(value) for name, value in values.items() if name.startswith(CUSTOM)}
    built_in = {name: value for name, value in values.items() if not name.startswith(CUSTOM)}
    return AssetOut(
        **built_in, id=NOTHING, site_name="Trung tâm", physical_state_at=datetime(2026, 1, 2, 3, 4, tzinfo=UTC),
        custom={code: value for code, value in own.items() if value not in (None, "", [])}, borrower="", due_back=None,
        repairer="", quotation=None, version=version,
    )  # fmt: skip


def as_csv(headings: list[str], rows: list[list[Any]]) -> bytes:
    return BOM.encode() + csv_lines([headings]) + csv_lines(rows)


def as_xlsx(headings: list[str], rows: list[list[Any]]) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.xlsx"
        book = Book(path, headings)
        book.add(rows)
        book.close()
        return path.read_bytes()


def back(content: bytes, world: World, options: Options) -> list[Planned]:
    [sheet] = read_table(content, "x")
    fields, unknown = columns(KIND, sheet.headings, OWN)
    assert unknown == []
    return plan(KIND, service._wanted(sheet, fields), world, options)


@pytest.mark.parametrize("headings", list(HEADINGS))
@pytest.mark.parametrize("write", [as_csv, as_xlsx])
@SOME
@given(found=st.lists(assets(), min_size=1, max_size=4, unique_by=lambda one: one["tag"].casefold()))
def test_what_left_as_a_file_comes_back_the_same(headings: str, write: Any, found: list[dict[str, Any]]) -> None:
    rows = [[cell(getattr(row_of(one, 1), name)) for name in AssetOut.model_fields] for one in found]
    content = write(HEADINGS[headings], rows)
    there = World(
        **{**vars(WORLD), "present": {(one["tag"].casefold(),): Present(NOTHING, 1, one) for one in found}},
    )  # fmt: skip
    for options in (Options(), AS_WRITTEN):
        told = [(row.outcome, dict(row.changes), [(f.name, f.reason.english()) for f in row.faults])
                for row in back(content, there, options)]  # fmt: skip
        assert told == [(Outcome.SAME, {}, [])] * len(found)


@SOME
@given(
    found=st.lists(
        assets(), min_size=1, max_size=4, unique_by=lambda one: (one["tag"].casefold(), one["serial"].casefold())
    )
)
def test_a_list_brought_to_an_empty_register_adds_what_it_says(found: list[dict[str, Any]]) -> None:
    assume(len({one["tag"].casefold() for one in found}) == len(found))
    serials = [key for one in found if (key := serial_key(one["serial"]))]
    assume(len(serials) == len(set(serials)))
    rows = [
        [cell(getattr(row_of(one, 1), name)) for name in AssetOut.model_fields if name != "version"] for one in found
    ]
    content = as_csv([name for name in AssetOut.model_fields if name != "version"], rows)
    for row, one in zip(back(content, WORLD, Options()), found, strict=True):
        expected = {name: value for name, value in one.items() if value != KIND[name].empty}
        if one["stage"] == "in_transit":
            assert row.outcome is Outcome.REFUSED  # only a transfer puts an asset on its way
            continue
        made = {name: after for name, (_, after) in row.changes.items() if after != KIND[name].empty}
        assert (row.outcome, row.faults, made) == (Outcome.CREATE, (), expected)


def test_when_letters_get_longer_in_upper_case_then_the_tag_is_measured_as_it_is_kept() -> None:
    assert read(KIND["tag"], "má\u03b9\u0308\u0301-ß") == unicodedata.normalize("NFC", "MÁ\u0399\u0308\u0301-SS")
    with pytest.raises(Wrong):
        read(KIND["tag"], "ß" * 40)
