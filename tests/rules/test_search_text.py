"""What is searched: blind to accents, but not to those that are typed, whichever way tones and letters are composed."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.text import search_words, searchable, spelled

HA = "Máy in Canon LBP 2900 (cũ), xã Sơn Hà"


def found(q: str, text: str, pattern: str = "{}") -> bool:
    return all(pattern.format(word) in searchable(text) for word in search_words(q))


@pytest.mark.parametrize(
    ("q", "text", "expected"),
    [
        ("may in son ha", HA, True), ("MAY IN SON HA", HA, True), ("máy in sơn hà", HA, True), ("Máy in ha son", HA, True),
        ("Sơn Hạ", HA, False), ("Sơn Hà", "xã Sơn Hạ", False), ("Son Hạ", "xã Sơn Hạ", True), ("sơn ha", "xã Sơn Hạ", True),
        ("son ha", "xã Sơn Hạ", True), ("cũ", HA, True), ("cu", HA, True), ("cú", HA, False),
        ("hoà", "Phường Hòa Bình", True), ("hòa", "Phường Hoà Bình", True), ("hóa", "Phường Hoà Bình", False),
        ("thuý", "bà Thúy", True), ("thúy", "bà Thuý", True), ("quý", "Quý", True), ("khỏe", "khoẻ", True),
        ("đo", "máy đo", True), ("đo", "máy do", False), ("do", "máy đo", True), ("Đak", "Đắk", False), ("ĐẮK", "Đắk", True),
        (unicodedata.normalize("NFD", "Sơn Hà"), HA, True), ("Sơn Hà", unicodedata.normalize("NFD", HA), True),
        ("2900", HA, True), ("(2900)", HA, True), ('"canon"', HA, True), ("", HA, True), ("!!", HA, False),
        ("qn-1", "QN-1", True), ("%", HA, False), ("café", "Cafe", False), ("cafe", "Café", True),
        ("qn-12", "QN-1 tầng 2", False), ("QN-1/2", "QN-1/2, máy in", True), ("qn-Đ1", "QN-Đ1", True),
        ("van hoa-xa hoi", "Văn hóa-Xã hội", True), ("văn hoá – xã hội", "Văn hóa-Xã hội", True),
        ("văn hóa-xã hội", "Văn hóa - Xã hội", True), ("hóa/xã", "xã Hòa-Hóa", True), ("hóa/xã", "xã Hòa", False),
    ],
)  # fmt: skip
def test_when_words_are_searched_then_accents_count_where_they_are_typed(q: str, text: str, expected: bool) -> None:
    assert found(q, text) is expected


def test_when_a_whole_word_is_asked_for_then_its_beginning_elsewhere_does_not_count() -> None:
    text = "Trung tâm Phục vụ hành chính công xã Sơn Tây"
    assert found("son ha", text)
    assert not found("son ha", text, " {} ")
    assert found("son ha", HA, " {} ")


@pytest.mark.parametrize(
    "sign", ["-", "–", "—", "/", "\\", "…", "_", ".", ",", ";", ":", "(", "&", "+", "”", "»", "·", "\u2011"]
)
def test_when_a_sign_joins_syllables_then_each_is_a_word_of_its_own(sign: str) -> None:
    text = f"Phòng Văn hóa{sign}Xã hội"
    for form in ("NFC", "NFD"):
        for q in ("xã hội", "văn hóa", "xa hoi", "Hoá"):
            assert found(q, unicodedata.normalize(form, text), " {} "), (sign, q)
        assert not found("xạ", text)
    assert found(text, text)


def test_when_a_letter_has_a_mark_then_it_is_no_sign() -> None:
    assert searchable("đa≠b") == " da=b đa≠b "


def test_when_there_are_very_many_words_then_the_first_count() -> None:
    assert search_words("a " * 500) == ["a"] * 8
    assert searchable("", "  ") == "  "


@given(st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=30))
def test_when_a_text_is_searched_for_itself_then_it_is_found(text: str) -> None:
    said = [word for word in text.split() if any(map(str.isalnum, word))]
    assert found(" ".join(said[:8]), text)


@given(st.text("hoaàáảãạòóỏõọuyýỳỷỹỵúùủũụeéèẻẽẹâấậăắặ ", max_size=12))
def test_when_a_word_is_put_into_one_spelling_then_doing_so_again_changes_nothing(text: str) -> None:
    assert spelled(spelled(text)) == spelled(text)
    assert len(spelled(text)) == len(text.casefold())
