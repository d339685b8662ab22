"""Small files of each kind, made by hand: what makes the picture, and what tells besides."""

import io
import struct
import zipfile
import zlib

GPS = b"GPS-15.1214-108.8044"  # stands for what a phone writes of where it was


def segment(code: int, body: bytes) -> bytes:
    return bytes([0xFF, code]) + struct.pack(">H", len(body) + 2) + body


def exif(turn: int | None = 6, order: str = ">") -> bytes:
    entries = [struct.pack(f"{order}HHIHH", 0x0112, 3, 1, turn, 0)] if turn is not None else []
    entries.append(struct.pack(f"{order}HHI4s", 0x010F, 2, 4, b"Pho\0"))
    head = {">": b"MM\0*", "<": b"II*\0"}[order] + struct.pack(f"{order}IH", 8, len(entries))
    return segment(0xE1, b"Exif\0\0" + head + b"".join(entries) + GPS)


def frame(width: int = 8, height: int = 8) -> bytes:
    return segment(0xC0, struct.pack(">BHHB", 8, height, width, 1) + b"\x01\x11\0")


SCAN = segment(0xDA, b"\x01\x01\0\0\x3f\0") + b"\x12\xff\x00\x34\xff\xd0\x56" * 40
PICTURE = segment(0xDB, b"\0" + bytes(64)) + frame() + SCAN


def jpeg(before: bytes = b"", picture: bytes = PICTURE, after: bytes = b"") -> bytes:
    return b"\xff\xd8" + before + picture + b"\xff\xd9" + after


def photo(turn: int | None = 6) -> bytes:
    """As a phone makes it: Exif with a place, XMP, a maker's part, a comment, and a second picture behind its end."""
    told = (
        exif(turn) + segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + GPS) + segment(0xE2, b"MPF\0" + GPS)
        + segment(0xE2, b"ICC_PROFILE\0\x01\x01colours") + segment(0xED, GPS) + segment(0xFE, GPS)
    )  # fmt: skip
    return jpeg(told, after=b"\xff\xd8" + GPS + b"\xff\xd9")


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int = 1, height: int = 1, told: bytes = b"") -> bytes:
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + told + chunk(b"IDAT", zlib.compress(b"\0\0")) + chunk(b"IEND", b"")


def webp(told: bytes = b"", flags: int = 0x0C, width: int = 1) -> bytes:
    def part(kind: bytes, body: bytes) -> bytes:
        return kind + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)

    size = (width - 1).to_bytes(3, "little")
    body = part(b"VP8X", bytes([flags, 0, 0, 0]) + size + size) + part(b"VP8L", b"\x2f\0\0\0\0")
    body += part(b"EXIF", told) + part(b"XMP ", told) if told else b""
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body


def office(main: str = "word/document.xml", types: str = "<Types/>", **more: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("[Content_Types].xml", types)
        packed.writestr(main, "<document/>")
        for name, content in more.items():
            packed.writestr(name, content)
    return file.getvalue()


PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"
