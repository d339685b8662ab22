"""Texts of devices in old encodings are read as they were meant, and honest Latin-1 never becomes something else."""

import contextlib
import unicodedata
from collections.abc import Callable

import pytest
from babel import Locale
from hypothesis import given
from hypothesis import strategies as st

from assets.legacy_fonts import of_tcvn3, of_viscii, of_vni
from assets.probing.look import at_once, rows, text
from assets.probing.profile import Profiles
from assets.probing.texts import Guesses, decoded
from tests.rules.test_legacy_fonts import WRITTEN
from tests.rules.test_reading import WESTERN, of_windows

VISCII = {of_viscii(bytes([octet])): octet for octet in range(0x80, 0x100)}
LATIN_1 = [
    *WESTERN[:1], *WESTERN[2:], "Büro", "Téléphone", "GRÖßE", "Größe", "ÄÖÜ äöüß", "Straße 5, Gebäude Süd", "Küche", "für",
    "Réseau créé", "Imprimante à l\x92étage", "Salle de réunion n°3", "né, thé", "été", "Año", "España", "sí", "¿Dónde?",
    "São Paulo", "não", "três pães", "più", "però", "København", "Göteborg", "på", "Málaga Ñ", "Île-de-France", "Español",
    "Intel® Core™ i5", "25 °C ± 1", "10 µF", "1/2 m²", "½ €", "« oui »", "Mª del Carmen", "col·lecció", "Þórður", "naïve",
    "Crème brûlée", "ÉCOLE", "Zürich-Höngg", "Łódź"[1:2], "Ångström", "Canon iR-ADV © 2019", "Brüssel/Löwen", "°°", "×2",
    "Fünf Bücher, schöne Grüße aus Köln", "Hôtel de ville, côté nord", "Máquina de fotocópias, 3.º andar", "Señor Núñez",
]  # fmt: skip
CHINESE = [
    "打印机", "机房", "3楼打印机", "HP打印机", "财务室（2号）", "北京市海淀区", "办公楼一层 交换机",
    "华为交换机 S5720", "重庆", "网络视频录像机", "海康威视数字技术股份有限公司", "默认位置", "佳能", "鑫达打印室",
]  # fmt: skip
# In places and names of offices; what a single short word leaves without a proof is shown as Latin-1.
VIETNAMESE = [
    "Tầng 2, phòng 201", "Phòng họp", "Trung tâm Phục vụ hành chính công", "Quầy số 3", "UBND xã Sơn Hạ",
    "UBND phường Cẩm Thành", "Xã Đăk Rơ Wa", "Bộ phận một cửa", "Phòng máy chủ", "Nhà văn hóa", "Công an xã",
    "Trạm y tế xã Ba Tơ", "Nguyễn Văn Đức", "Lê Thị Hoa", "Văn phòng HĐND và UBND", "Giấy A4", "Camera cổng chính",
    "Bộ lưu điện", "Phòng Văn hóa - Xã hội", "Lý Sơn", "Sa Huỳnh", "May in (kế toán)", *(row[0] for row in WRITTEN[:6]),
]  # fmt: skip
_TCVN3 = {letter: old for old in map(chr, range(0xA1, 0x100)) if (letter := of_tcvn3(old)) != old}
_VNI = {of_vni(first + old): first + old for first in ["", *"aeouyôöAEOUYÔÖ"] for old in map(chr, range(0xC0, 0x100))}


def tcvn3(said: str) -> bytes:
    return "".join(_TCVN3.get(letter, letter) for letter in said).encode("cp1252")


def vni(said: str) -> bytes:
    return "".join(_VNI.get(letter, letter) for letter in said).encode("cp1252")


def viscii(said: str) -> bytes:
    return b"".join(bytes([VISCII[letter]]) if letter in VISCII else letter.encode() for letter in said)


@pytest.mark.parametrize("said", LATIN_1)
def test_western_text_stays_what_it_is(said: str) -> None:
    raw = said.encode("cp1252") if "\x92" not in said else said.encode("latin-1")
    assert decoded(raw) == raw.decode("cp1252")


@pytest.mark.parametrize("said", CHINESE)
def test_chinese_text_is_read(said: str) -> None:
    assert decoded(said.encode("gb18030")) == decoded(said.encode()) == said


@pytest.mark.parametrize("encode", [str.encode, tcvn3, vni, viscii, of_windows], ids=lambda encode: encode.__name__)
@pytest.mark.parametrize("said", VIETNAMESE)
def test_vietnamese_text_from_before_unicode_is_read(encode: Callable[[str], bytes], said: str) -> None:
    assert decoded(encode(said)) == said


def test_what_old_fonts_keyboards_write_is_what_these_tests_write() -> None:
    for said, old_tcvn3, old_vni in WRITTEN[:6]:
        assert (tcvn3(said), vni(said)) == (old_tcvn3.encode("cp1252"), old_vni.encode("cp1252"))


def test_hardly_any_name_of_a_western_language_is_taken_for_another() -> None:
    names, wrong = set(), []
    for language in ("fr", "de", "es", "pt", "it", "nl", "sv", "da", "nb", "fi", "is", "ca", "ga", "sq"):
        locale = Locale.parse(language)
        days = [day for width in locale.days["format"].values() for day in width.values()]
        for name in [*locale.languages.values(), *locale.territories.values(), *days]:
            names |= {name, name.upper(), *name.split()}
    for name in sorted(names):
        with contextlib.suppress(UnicodeEncodeError):
            raw = name.encode("cp1252")
            wrong += [] if raw.isascii() or decoded(raw) == name else [name]
    assert wrong == []


@pytest.mark.parametrize(("raw", "said"), [
    ("Máy in phòng họp".encode()[:-2], "Máy in phòng h"),  # cut off inside the letter ọ
    ("Máy in phòng h".encode() + b"\xe1", "Máy in phòng h"),
    ("打印机".encode()[:-1], "打印"),
    (b"Caf\xe9", "Café"),  # a letter that begins at the end of ASCII text is one of Latin-1
    (b"\xff\xfe\x00", "ÿþ"),
    (b"Kho \x80 \x9d", "Kho"),
])  # fmt: skip
def test_what_is_cut_off_or_broken_is_shown_as_far_as_it_goes(raw: bytes, said: str) -> None:
    assert text(raw) == said


def test_a_device_of_thousands_of_odd_names_is_read_in_little_time() -> None:
    table = next(t for t in Profiles.load().get("switch").tables if any(f.kind == "text" for f in t.facts.values()))  # type: ignore[union-attr]
    column = {str(n): b"M\xb8y in s\xe8 %d" % n for n in range(5_000)}
    found = at_once(
        rows(table, {fact.oid: column for fact in table.facts.values() if fact.kind == "text"}, Guesses(100))
    )
    shown = [fact for row in found.values() for fact in row.values()]
    assert sum(str(said).startswith("Máy in số") for said in shown) == 100
    assert all(str(said).startswith(("Máy in số", "M¸y in sè")) for said in shown)


@given(st.binary(max_size=300))
def test_any_octets_are_a_text(raw: bytes) -> None:
    assert len(text(raw)) <= 255
    assert unicodedata.is_normalized("NFC", text(raw))
