"""What a file is by its content, what is refused, and that a picture tells nothing besides the picture."""

import contextlib
import io
import struct
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.inventory.attachments import sniffing
from assets.inventory.attachments.photos import TOO_MANY_PIXELS, plain
from assets.inventory.attachments.service import named
from assets.inventory.attachments.sniffing import DOCX, HEAD_BYTES, JPEG, PDF, PNG, WEBP, XLSX, Unfit, media_type
from tests import pictures
from tests.pictures import GPS, chunk, exif, frame, jpeg, office, photo, png, segment, webp


def looked_at(content: bytes) -> str:
    return media_type(content[:HEAD_BYTES], io.BytesIO(content))


def why_not(content: bytes) -> Unfit:
    def kept() -> None:
        plain(content, looked_at(content))

    with pytest.raises(Unfit) as caught:
        kept()
    return caught.value


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (photo(), JPEG),
        (png(), PNG),
        (webp(), WEBP),
        (pictures.PDF, PDF),
        (office(), DOCX),
        (office("xl/workbook.xml"), XLSX),
    ],
    ids=["jpeg", "png", "webp", "pdf", "docx", "xlsx"],
)
def test_a_file_is_what_its_content_is(content: bytes, kind: str) -> None:
    assert looked_at(content) == kind


def bomb() -> bytes:
    return office(**{"word/media/a.xml": b"\0" * (sniffing.UNPACKED_MAX + 1)})


def lying() -> bytes:
    """Says that its large part is small."""
    content = bytearray(office(**{"word/big.xml": b"x" * 100_000}))
    for mark, at in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        place = content.rfind(mark)
        if content[place:].find(b"word/big.xml") > 0:
            content[place + at : place + at + 4] = struct.pack("<I", 5)
    return bytes(content)


def twice() -> bytes:
    file = io.BytesIO(office())
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(file, "a") as packed:
        packed.writestr("word/document.xml", "<other/>")
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"<html><script>1</script>", sniffing.UNKNOWN), (b"<svg xmlns='http://www.w3.org/2000/svg'/>", sniffing.UNKNOWN),
        (b"", sniffing.UNKNOWN), (b"MZ\x90\0", sniffing.UNKNOWN), (b"GIF89a", sniffing.UNKNOWN), (b"#!/bin/sh", sniffing.UNKNOWN),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", sniffing.UNKNOWN),  # Word of 1997, with macros for all we know
        (office("script.js"), sniffing.UNKNOWN),
        (office(**{"xl/workbook.xml": b"x"}), sniffing.UNKNOWN),  # both at once
        (office(**{"word/vbaProject.bin": b"x"}), sniffing.MACROS), (office(**{"WORD/VBAPROJECT.BIN": b"x"}), sniffing.MACROS),
        (office(**{"xl/macrosheets/sheet1.xml": b"x"}), sniffing.MACROS),
        (office(**{"word/activeX/a.bin": b"x"}), sniffing.MACROS),
        (office(**{"word/embeddings/a.bin": b"x"}), sniffing.MACROS),
        (office(types="application/vnd.ms-word.document.macroEnabled.main+xml"), sniffing.MACROS),
        (office(types=" " * 70_000 + "MACROENABLED"), sniffing.MACROS),
        (bomb(), sniffing.BOMB), (office(**{f"word/{n}.xml": b"" for n in range(sniffing.PARTS_MAX)}), sniffing.BOMB),
        (lying(), sniffing.BROKEN), (twice(), sniffing.BROKEN), (office()[:-30], sniffing.BROKEN),
        (b"PK\x03\x04", sniffing.BROKEN),
    ],
)  # fmt: skip
def test_what_runs_bursts_or_is_nothing_we_know_is_refused(content: bytes, why: Unfit) -> None:
    assert why_not(content) == why


def test_a_photo_loses_where_and_when_and_keeps_picture_colours_and_turn() -> None:
    kept = plain(photo(), JPEG)
    assert GPS not in kept
    assert b"Pho\0" not in kept
    assert pictures.PICTURE in kept
    assert b"ICC_PROFILE" in kept
    assert kept.endswith(b"\xff\xd9")
    assert kept.count(b"Exif") == 1
    assert plain(kept, JPEG) == kept, "nothing more to take away, and its turn is read again"


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("turn", [None, 0, 1, 2, 3, 8, 9])
def test_a_turn_stays_when_it_is_one(turn: int | None, order: str) -> None:
    kept = plain(jpeg(exif(turn, order)), JPEG)
    assert (b"Exif" in kept) is (turn in (2, 3, 8))
    assert turn not in (2, 3, 8) or struct.pack(">HHIH", 0x0112, 3, 1, turn) in kept


def test_png_and_webp_lose_what_tells_too() -> None:
    told = chunk(b"tEXt", b"Author\0" + GPS) + chunk(b"eXIf", GPS) + chunk(b"tIME", b"\x07\xea" + bytes(5))
    assert plain(png(told=told) + GPS, PNG) == png()
    assert plain(webp(GPS) + GPS, WEBP) == webp(flags=0)


@pytest.mark.parametrize(
    "content",
    [
        photo()[:-400], jpeg()[:-2], b"\xff\xd8\xff", jpeg(b"\xff\xe1\xff\xff"), jpeg(b"\xff\xe1\0\x01"), jpeg(exif() + b"\0"),
        jpeg(picture=pictures.SCAN), jpeg(segment(0xC0, b"")), png()[:-1], png()[:20], png().replace(b"IDAT", b"IDAS"),
        png()[:8] + png()[33:], webp()[:-1], b"RIFF\xff\xff\xff\xffWEBP", b"RIFF\0\0\0\0WEBP", webp()[:30],
    ],
)  # fmt: skip
def test_a_picture_that_is_damaged_is_refused(content: bytes) -> None:
    assert why_not(content) == sniffing.BROKEN


@pytest.mark.parametrize(
    "content", [jpeg(picture=frame(60_000, 60_000) + pictures.SCAN), png(60_000, 60_000), webp(width=16_000_000)]
)
def test_a_picture_that_unpacks_to_too_many_pixels_is_refused(content: bytes) -> None:
    assert why_not(content) == TOO_MANY_PIXELS


@given(st.sampled_from([photo(), png(), webp(GPS), office()]), st.integers(0, 10_000), st.binary(max_size=8))
def test_whatever_is_done_to_a_file_the_answer_is_a_type_or_a_reason(content: bytes, at: int, other: bytes) -> None:
    place = at % len(content)
    changed = content[:place] + other + content[place + len(other) :]
    with contextlib.suppress(Unfit):  # and nothing else
        kind = looked_at(changed)
        if kind in sniffing.PICTURES:
            assert plain(plain(changed, kind), kind) == plain(changed, kind)


@pytest.mark.parametrize(
    ("name", "kind", "expected"),
    [
        ("ảnh máy in.JPEG", JPEG, "ảnh máy in.jpg"), ("..\\..\\windows\\a<1>.php", JPEG, "a_1_.jpg"),
        ("/etc/passwd", PDF, "passwd.pdf"), ("hóa\u202egnp.exe", PNG, "hóagnp.png"), ("", PDF, "file.pdf"),
        ("...", PDF, "file.pdf"), (".htaccess", PDF, "htaccess.pdf"), ("a" * 500 + ".pdf", PDF, "a" * 120 + ".pdf"),
        ("a\r\nX: y.pdf", PDF, "aX_ y.pdf"),
    ],
)  # fmt: skip
def test_a_name_is_one_that_every_system_takes(name: str, kind: str, expected: str) -> None:
    assert named(name, kind) == expected
