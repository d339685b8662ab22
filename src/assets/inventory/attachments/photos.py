"""Pictures without what they tell besides the picture: where and when it was taken, with which phone, by whom. Pure.

A photo of a printer from a phone carries the place of whoever held it. Nothing is encoded anew: the parts of the file are
walked, and only those that make the picture are kept, up to its end. Of a JPEG its turn stays, or photos would lie on
their side. What cannot be walked is refused.
"""

import struct
import zlib
from collections.abc import Iterator

from assets.inventory.attachments.sniffing import BROKEN, JPEG, PNG, WEBP, Unfit
from assets.web.language import N_

PIXELS_MAX = 80_000_000  # of one picture; whoever opens it needs four bytes for each
TOO_MANY_PIXELS = Unfit(N_("It has more pixels than a browser should have to open."))
_STANDALONE = frozenset({0x01, *range(0xD0, 0xD8)})
_START_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_KEPT_APPS = {0xE0: b"JFIF\0", 0xE2: b"ICC_PROFILE\0", 0xEE: b"Adobe"}
_PNG_PARTS = frozenset({b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"sBIT"})
_WEBP_PARTS = frozenset({b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP"})
_WEBP_TELLS = 0x08 | 0x04  # flags of VP8X: there is Exif, there is XMP


def plain(content: bytes, media_type: str) -> bytes:
    """The picture alone; Unfit when it is damaged or too large to be opened."""
    try:
        return _PLAIN[media_type](content)
    except (struct.error, IndexError):
        raise BROKEN from None


def _jpeg(content: bytes) -> bytes:
    kept, turn, framed = [b"\xff\xd8"], 0, False
    for code, part in _jpeg_parts(content):
        if code == 0xE1:
            turn = turn or _turn(part[4:])
        elif code in _KEPT_APPS:
            if part[4:].startswith(_KEPT_APPS[code]):
                kept.append(part)
        elif not (0xE0 <= code <= 0xEF or code == 0xFE):
            if code in _START_OF_FRAME:
                _refuse_many(*struct.unpack(">HH", part[5:9]))
                framed = True
            kept.append(part)
    if not framed:
        raise BROKEN
    if 2 <= turn <= 8:
        kept.insert(1, _turned(turn))
    return b"".join(kept)


def _jpeg_parts(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Each marker with its segment, of a scan with its data too; the last is the end of the image, and BROKEN without it."""
    at = 2
    while True:
        if content[at] != 0xFF:
            raise BROKEN
        while content[at + 1] == 0xFF:  # fill bytes
            at += 1
        code = content[at + 1]
        if code == 0xD9:
            yield code, b"\xff\xd9"
            return
        if code in _STANDALONE or code in (0x00, 0xD8):
            raise BROKEN
        end = at + 2 + struct.unpack(">H", content[at + 2 : at + 4])[0]
        if end < at + 4 or end > len(content):
            raise BROKEN
        if code == 0xDA:
            end = _scan_end(content, end)
        yield code, content[at:end]
        at = end


def _scan_end(content: bytes, at: int) -> int:
    while True:
        at = content.find(b"\xff", at)
        if at < 0 or at + 1 >= len(content):
            raise BROKEN
        if content[at + 1] not in _STANDALONE and content[at + 1] not in (0x00, 0xFF):
            return at
        at += 1 if content[at + 1] == 0xFF else 2


def _turn(exif: bytes) -> int:
    """The orientation (1 to 8) in an Exif segment; 0 when there is none that can be read."""
    if not exif.startswith(b"Exif\0\0"):
        return 0
    tiff = exif[6:]
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(tiff[:4])
    if order is None:
        return 0
    try:
        first = struct.unpack(f"{order}I", tiff[4:8])[0]
        for number in range(struct.unpack(f"{order}H", tiff[first : first + 2])[0]):
            entry = tiff[first + 2 + 12 * number : first + 14 + 12 * number]
            tag, kind, count = struct.unpack(f"{order}HHI", entry[:8])
            if (tag, kind, count) == (0x0112, 3, 1):
                return int(struct.unpack(f"{order}H", entry[8:10])[0])
    except struct.error:
        pass
    return 0


def _turned(turn: int) -> bytes:
    """An Exif segment that says the orientation and nothing else."""
    tiff = b"MM\0*\0\0\0\x08" + struct.pack(">HHHIHHI", 1, 0x0112, 3, 1, turn, 0, 0)
    body = b"Exif\0\0" + tiff
    return b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body


def _png(content: bytes) -> bytes:
    kept, at, ended = [content[:8]], 8, False
    while not ended:
        size, kind = struct.unpack(">I4s", content[at : at + 8])
        end = at + 12 + size
        if (
            end > len(content)
            or zlib.crc32(content[at + 4 : end - 4]) != struct.unpack(">I", content[end - 4 : end])[0]
        ):
            raise BROKEN
        if (kind == b"IHDR") is not (at == 8):
            raise BROKEN
        if kind == b"IHDR":
            _refuse_many(*struct.unpack(">II", content[at + 8 : at + 16]))
        if kind in _PNG_PARTS:
            kept.append(content[at:end])
        at, ended = end, kind == b"IEND"
    return b"".join(kept)


def _webp(content: bytes) -> bytes:
    whole = 8 + struct.unpack("<I", content[4:8])[0]
    if whole > len(content) or whole < 20:
        raise BROKEN
    kept, at, pictured = [], 12, False
    while at < whole:
        kind, size = struct.unpack("<4sI", content[at : at + 8])
        end = at + 8 + size + size % 2
        if end > whole + size % 2 or at + 8 + size > whole:
            raise BROKEN
        part = content[at:end]
        if kind == b"VP8X":
            width, height = (1 + int.from_bytes(part[i : i + 3], "little") for i in (12, 15))
            _refuse_many(width, height)
            part = part[:8] + bytes([part[8] & ~_WEBP_TELLS]) + part[9:]
        if kind in _WEBP_PARTS:
            kept.append(part)
        pictured = pictured or kind in (b"VP8 ", b"VP8L", b"ANMF")
        at = end
    if not pictured:
        raise BROKEN
    body = b"WEBP" + b"".join(kept)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _refuse_many(one: int, other: int) -> None:
    if one * other > PIXELS_MAX:
        raise TOO_MANY_PIXELS


_PLAIN = {JPEG: _jpeg, PNG: _png, WEBP: _webp}
