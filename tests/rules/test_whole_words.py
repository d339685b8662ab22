"""Somebody's own words are kept whole or refused with the number of characters that are kept."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.errors import Invalid
from assets.text import CODE_MAX, clean, clean_block, clean_code, overlong, uncut
from assets.web.language import translate


@pytest.mark.parametrize(
    ("text", "limit", "count"),
    [
        ("x" * 9, 9, 0), ("x" * 10, 9, 10), ("x" * 9 + "   ", 9, 0), ("  " + "x" * 9, 9, 0),
        ("x" * 9 + " y", 9, 11),  # would be cut at a space, which nobody would see
        ("x\r\ny", 3, 0), (unicodedata.normalize("NFD", "ặ" * 9), 9, 0), ("\u200b" * 5 + "x" * 9, 9, 0),
        (" " * 99 + "x", 9, 100), ("\u0958" * 9, 9, 18),  # one sign that is normalised to two
    ],
)  # fmt: skip
def test_what_would_be_cut_is_refused_and_nothing_else(text: str, limit: int, count: int) -> None:
    wrong = overlong({"note": (text, limit)})
    assert bool(wrong) is bool(count)
    if count:
        said = translate("vi", wrong["note"])
        assert said == f"Tối đa {limit} ký tự; nội dung này có {count} ký tự."
        assert str(wrong["note"]) == f"At most {limit} characters; this is {count}."
        with pytest.raises(Invalid) as refused:
            uncut("note", text, limit)
        assert refused.value.fields == wrong


@given(st.text(max_size=60), st.integers(1, 40), st.booleans())
def test_what_is_taken_is_kept_to_its_last_character(text: str, limit: int, lines: bool) -> None:
    if not overlong({"note": (text, limit)}):
        how = clean_block if lines else clean
        assert uncut("note", text, limit, lines=lines) == how(text, 9_999)


@given(st.text(max_size=60))
def test_a_code_fits_and_is_the_same_when_it_is_read_again(text: str) -> None:
    code = clean_code(text)
    assert len(code) <= CODE_MAX
    assert clean_code(code) == code


def test_a_code_of_letters_that_get_longer_in_upper_case_is_cut_when_it_is() -> None:
    assert clean_code("ß" * 30) == "S" * CODE_MAX
