"""In which encoding a device wrote a short text: it never says. Pure rules, and where they prove nothing, Latin-1.

UTF-8 proves itself, also where the device cut it off. Chinese (GB 18030) shows by pairs of high octets that are all common
characters. Vietnamese from before Unicode (TCVN3, VNI, VISCII, windows-1258) shows when every word with a letter beyond
ASCII becomes a Vietnamese syllable, and either two words do or the letters were none in any other language: signs,
capitals and control characters inside a word. "Büro" and "Téléphone" never do.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable
from functools import lru_cache

from assets.legacy_fonts import VNI, of_tcvn3, of_viscii, of_vni, typed_for

LOOKED_AT = 96  # octets of a text that are guessed from: more would cost more and prove little
TEXT_OCTETS_MAX = 4_096
GUESSES_KEPT = 4_096  # about 1 MB
GUESSES_MAX = 200  # of one device at once: a guess takes a hundred times as long as reading
_TONES = "\u0300\u0301\u0303\u0309\u0323"
_HIGH = re.compile(rb"[\x80-\xff]+")
_HANZI = re.compile(rb"[\x80-\xff]{4}|(?<![A-Za-z])[\x80-\xff]{2}(?![A-Za-z])")  # not one between letters
_WORD = re.compile(r"[^\W\d_]+")
_TORN = re.compile(f"[^\\W\\d_][^\x00-\x7f\\w][^\\W\\d_]|[{_TONES}]")  # a sign inside a word, a tone on nothing
# What no word has in any language that windows-1252 is for.
_NOT_WESTERN = re.compile(
    "[A-Za-zÀ-ÿ][\x80-\x90\x95\x98-\x9f\u20ac-\u2122¡-©«-®°-¶¸-¹»-¿×÷\xad][A-Za-zÀ-ÿ]|[A-Za-z][µ¶·¸¹¨¬](?![\\w])"
    "|[a-zß-öø-ÿ][À-ÖØ-Þ]|[A-Z][À-ÖØ-Þ][a-z]|[A-Za-z][¼½¾]|§[A-Za-zÀ-ÿ¨]|[À-ÖØ-öø-ÿ]{3}|(?<!\\w)®[a-zµ-þ]"
)  # fmt: skip
_RHYMES = (
    "[aeêioôơuưy]|ai|ao|au|ay|âu|ây|eo|êu|ia|iu|iêu|oa|oe|oai|oao|oay|oeo|oi|ôi|ơi|ua|uê|uy|uya|uyu|ui|uôi|ưa|ưi|ưu|ươi"
    "|ươu|uây|uơ|yêu|(?P<stopped>(?:[aăâeêioôơuưy]|iê|yê|oa|oă|oe|uâ|uê|uy|uyê|uô|ươ)(?:ch|c|p|t))"
    "|(?:[aăâeêioôơuưy]|iê|yê|oa|oă|oe|uâ|uê|uy|uyê|uô|ươ|oo)(?:ng|nh|m|n)"
)
_SYLLABLE = re.compile(f"(?:b|ch|c|d|đ|gh|gi|g|h|kh|k|l|m|ngh|ng|nh|n|ph|qu|r|s|th|tr|t|v|x)?(?:{_RHYMES})")


# What offices, their places and their machines are called; the words of a text decide between encodings that both fit.
_WORDS = """
máy số quầy phòng tầng nhà trạm điện thoại lưu bộ mực giấy quét ảnh tài chính kế hoạch toán văn thư trữ tiếp nhận trả
kết quả hồ sơ một cửa hành công tâm phục vụ ủy nhân dân phường xã thôn tổ huyện tỉnh thị trấn thành phố đặc quảng ngãi
sơn hà đức phổ bình tịnh nghĩa mộ trà bồng lý lăng đảo thượng hạ đông tây bắc giữa ngoài trước trái phải hội họp
trường giám đốc phó chủ tịch lãnh đạo cán chuyên viên tư pháp hộ địa đất đai xây dựng giáo dục tế hóa hoá sự bảo vệ
cổng cầu hầm mạng mới cũ hỏng đã chưa không và của là về tại cấp thẻ màu đen trắng đỏ vàng chữ ký sách báo hiệu kiểm
soát kỹ thuật sửa chữa đường truyền dữ liệu hệ thống thiết bị đầu cuối nước môi nông lâm nghiệp quân đội đoàn thể mặt
trận phụ nữ niên bí đảng tuyên tổng hợp nội kê nguyễn trần lê phạm hoàng huỳnh võ vũ đặng bùi đỗ ngô dương tuấn dũng
hùng hải thủy thúy lượng hđnd đăk đắk cđ
"""
_COMMON = frozenset(_WORDS.split())


class Guesses:
    """How many texts of one device may still be guessed at, so that one of thousands of odd ones holds nobody up."""

    def __init__(self, left: int = GUESSES_MAX) -> None:
        self._left = left

    def take(self) -> bool:
        """Whether there is one left; it is taken."""
        self._left -= 1
        return self._left >= 0


def decoded(raw: bytes, *, guess: bool = True) -> str:
    """The text that a device sent, NFC where it was guessed; any octets are a text. Without `guess`, UTF-8 or Latin-1."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.reason == "unexpected end of data" and not raw[: error.start].isascii():
            return raw[: error.start].decode("utf-8")  # cut off inside a letter
    return _reader(raw[: LOOKED_AT + 1])(raw[:TEXT_OCTETS_MAX]) if guess else _western(raw)


@lru_cache(maxsize=GUESSES_KEPT)
def _reader(start: bytes) -> "_Reader":
    """What reads a text that starts so."""
    some = start[:LOOKED_AT]
    if len(start) > LOOKED_AT:  # not half a word
        some = some.rpartition(b" ")[0] or some
    return _vietnamese(some) or (_of_gb if _chinese(some) else _western)


_Reader = Callable[[bytes], str]


def _western(raw: bytes) -> str:
    try:
        return raw.decode("cp1252")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _of_gb(raw: bytes) -> str:
    return raw.decode("gb18030", errors="ignore")


def _chinese(raw: bytes) -> bool:
    """Whether all high octets are pairs of GB 2312, and at least two of them common characters."""
    common = rare = 0
    if not _HANZI.search(raw):
        return False
    for run in _HIGH.findall(raw):
        for lead, trail in zip(run[::2], run[1::2], strict=False):
            if not 0xA1 <= trail <= 0xFE or not (0xA1 <= lead <= 0xA3 or 0xB0 <= lead <= 0xF7):
                return False
            common += 0xB0 <= lead <= 0xD7
            rare += lead > 0xD7
        if len(run) % 2 and (len(raw) < LOOKED_AT or not raw.endswith(run)):
            return False
    try:
        raw.decode("gb18030", errors="ignore" if len(raw) >= LOOKED_AT else "strict")
    except UnicodeDecodeError:  # a pair that stands for nothing
        return False
    return common >= 2 and common >= 2 * rare


def _of_1258(raw: bytes) -> str:
    return unicodedata.normalize("NFC", raw.decode("cp1258", errors="replace"))


def _of_tcvn3(raw: bytes) -> str:
    return of_tcvn3(_western(raw))


def _of_vni(raw: bytes) -> str:
    return of_vni(_western(raw))


_VIETNAMESE: "tuple[_Reader, ...]" = (_of_tcvn3, _of_1258, of_viscii, _of_vni)


def _vietnamese(raw: bytes) -> "_Reader | None":
    """What makes most words Vietnamese; None where Latin-1 does as well or nothing is proven."""
    western = _western(raw)
    there = _beyond_ascii(western)
    strange, typed = _NOT_WESTERN.search(western) is not None, typed_for([western]) == VNI
    most, best, proven = _worth(filter(_syllable, there)), None, False
    for reader in _VIETNAMESE:
        text = reader(raw)
        words = _beyond_ascii(text)
        if all(map(_syllable, words)) and (worth := _worth(words)) > most and not _TORN.search(text):
            most, best, proven = worth, reader, strange or _proven(words, words - there, 3 if typed else 4)
    return best if proven else None


def _proven(words: set[str], new: set[str], letters: int) -> bool:
    common = [word for word in words if word.casefold() in _COMMON]
    return len(new) >= 2 or len(common) >= 2 or any(len(word) >= letters for word in new.intersection(common))


def _beyond_ascii(text: str) -> set[str]:
    return {word for word in _WORD.findall(text) if not word.isascii()}


def _worth(words: Iterable[str]) -> int:
    return sum(4 if word.casefold() in _COMMON else len(word) > 1 for word in words)


def _syllable(word: str) -> bool:
    """Whether a word could be Vietnamese: its letters in an order that exists, with one tone at most, and one that fits."""
    if word.casefold() in _COMMON:
        return True
    parts = unicodedata.normalize("NFD", word.casefold())
    tones = [part for part in parts if part in _TONES]
    found = _SYLLABLE.fullmatch(unicodedata.normalize("NFC", "".join(part for part in parts if part not in _TONES)))
    if found is None or len(tones) > 1:
        return False
    return found["stopped"] is None or tones in (["\u0301"], ["\u0323"])
