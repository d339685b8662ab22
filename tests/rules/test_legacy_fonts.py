"""Files typed for fonts from before Unicode come in as Vietnamese; all others are left as they are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.inventory.batches.reading import read_table
from assets.legacy_fonts import TCVN3, VNI, of_tcvn3, of_vni, respelled, typed_for
from tests.rules.test_reading import WESTERN

# As these fonts' own keyboards write them, read off their tables by hand.
WRITTEN = [
    ("Máy in", "M¸y in", "Maùy in"),
    ("Điện thoại", "§iÖn tho¹i", "Ñieän thoaïi"),
    ("Phòng tài chính", "Phßng tµi chÝnh", "Phoøng taøi chính"),
    ("Số lượng", "Sè l\xadîng", "Soá löôïng"),
    ("Bộ lưu điện đã cũ", "Bé l\xadu ®iÖn ®· cò", "Boä löu ñieän ñaõ cuõ"),
    ("Quầy số 1, xã Sơn Hạ", "QuÇy sè 1, x· S¬n H¹", "Quaày soá 1, xaõ Sôn Haï"),
    ("Nguyễn Thị Ỷ", "NguyÔn ThÞ û", "Nguyeãn Thò Yû"),
    ("ĐƯỜNG", "§¦êng", "ÑÖÔØNG"),
    ("Kỳ kế hoạch, ỵ", "Kú kÕ ho¹ch, þ", "Kyø keá hoaïch, î"),
]
LETTERS = "àảãáạăằẳẵắặâầẩẫấậèẻẽéẹêềểễếệìỉĩíịòỏõóọôồổỗốộơờởỡớợùủũúụưừửữứựỳỷỹýỵđaeiouybchn "


@pytest.mark.parametrize(("text", "tcvn3", "vni"), WRITTEN)
def test_what_was_typed_for_an_old_font_is_spelt_anew(text: str, tcvn3: str, vni: str) -> None:
    if text != "ĐƯỜNG" and not text.endswith("Ỷ"):  # no font of TCVN3 has a capital with a tone
        assert of_tcvn3(tcvn3) == text
    assert of_vni(vni) == text


@pytest.mark.parametrize("font", [TCVN3, VNI])
def test_a_whole_table_is_spelt_anew_and_what_is_right_already_is_left(font: str) -> None:
    at = 1 if font == TCVN3 else 2
    rows = [(number, [row[at], "LBP 2900", 7, None]) for number, row in enumerate(WRITTEN[:6])]
    assert typed_for(row[at] for row in WRITTEN) == font
    found = respelled([*rows, (99, ["Sơn Hà", "Café"])], font)
    assert [row[0] for _, row in found[:-1]] == [row[0] for row in WRITTEN[:6]]
    assert found[-1][1][0] == "Sơn Hà"
    assert [row[1:] for _, row in found[:-1]] == [["LBP 2900", 7, None]] * 6


@pytest.mark.parametrize(
    "text", [*WESTERN, *(row[0] for row in WRITTEN), "Intel® Core™ i5", "220V ± 5 %, 10 µF, ©2019"]
)
def test_other_text_is_left_alone(text: str) -> None:
    assert typed_for([text]) == ""


@given(st.lists(st.text(LETTERS, min_size=1, max_size=12), min_size=1, max_size=20))
def test_no_vietnamese_list_in_unicode_is_ever_changed(words: list[str]) -> None:
    assert typed_for(f"Sơn Hạ {word}" for word in words) == ""


def test_a_cell_of_an_old_font_in_a_list_of_today_changes_nothing() -> None:
    [sheet] = read_table("tag;note\r\nQN-1;M¸y in".encode(), "x.csv")
    assert (sheet.font, sheet.rows[0][1][1]) == ("", "M¸y in")


@pytest.mark.parametrize(("font", "at"), [(TCVN3, 1), (VNI, 2)])
def test_a_csv_of_that_time_has_its_headings_and_values(font: str, at: int) -> None:
    heading = {TCVN3: "M· tµi s¶n;Ghi chó", VNI: "Maõ taøi saûn;Ghi chuù"}[font]
    lines = [heading, *(f"QN-{n};{row[at]}" for n, row in enumerate(WRITTEN[:6]))]
    [sheet] = read_table("\r\n".join(lines).encode("latin-1"), "danh sach.csv")
    assert (sheet.headings, sheet.font) == (("Mã tài sản", "Ghi chú"), font)
    assert [cells[1] for _, cells in sheet.rows] == [row[0] for row in WRITTEN[:6]]
