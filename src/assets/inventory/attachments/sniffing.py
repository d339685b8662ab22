"""What a file is, by its content, and whether it may be kept. Pure.

Its name and what a browser says of it decide nothing. Kept are pictures (JPEG, PNG, WebP), PDF, and Word and Excel files
without macros; HTML, SVG and everything else that a browser could run is not. What is packed is unpacked here to its end,
piece by piece, so that it is no bomb for whoever opens it.
"""

import zipfile
from dataclasses import dataclass
from typing import IO

from assets.web.language import N_

JPEG, PNG, WEBP, PDF = "image/jpeg", "image/png", "image/webp", "application/pdf"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
ENDINGS = {JPEG: "jpg", PNG: "png", WEBP: "webp", PDF: "pdf", DOCX: "docx", XLSX: "xlsx"}
PICTURES = frozenset({JPEG, PNG, WEBP})
HEAD_BYTES = 16
PARTS_MAX = 2_000
UNPACKED_MAX = 64 * 1024 * 1024
RATIO_MAX = 200  # a sheet of equal rows packs 100:1, a bomb 1000:1
PIECE = 1 << 16
_HEIC = frozenset(
    {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
)  # brands of ISO/IEC 23008-12
_WORD, _EXCEL = "word/document.xml", "xl/workbook.xml"
_TYPES = "[Content_Types].xml"
# What runs, or brings something that runs.
_ACTIVE = ("vbaproject", "vbadata", "macrosheets/", "activex/", "/embeddings/", "customui/")
_MACRO_TYPE = b"macroenabled"


@dataclass
class Unfit(Exception):
    """Why a file is not kept, as a source phrase."""

    why: str

    def __str__(self) -> str:
        return self.why


UNKNOWN = Unfit(N_("Only pictures (JPEG, PNG, WebP), PDF, and Word and Excel files without macros are kept."))
HEIC = Unfit(
    N_("This photo is in the HEIC format, which many computers cannot open. Save it as JPEG and choose it again.")
)
MACROS = Unfit(N_("It has macros or other parts that run. Save it without them."))
BOMB = Unfit(N_("It unpacks to far more than a paper or a table needs."))
BROKEN = Unfit(N_("It is damaged or cut off."))
LOCKED = Unfit(N_("It is locked with a password, so that nobody can see what is in it."))


def media_type(head: bytes, file: IO[bytes]) -> str:
    """The media type of a file, from its first HEAD_BYTES and, for what is packed, from all of it; Unfit says why not."""
    if head.startswith(b"\xff\xd8\xff"):
        return JPEG
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return PNG
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return WEBP
    if head.startswith(b"%PDF-"):
        return PDF
    if head.startswith(b"PK\x03\x04"):
        return _office(file)
    if head[4:8] == b"ftyp" and head[8:12] in _HEIC:
        raise HEIC
    raise UNKNOWN


def _office(file: IO[bytes]) -> str:
    try:
        with zipfile.ZipFile(file) as packed:
            return _packed(packed)
    except (zipfile.BadZipFile, NotImplementedError, EOFError, ValueError, OSError, KeyError):
        raise BROKEN from None
    except RuntimeError:  # what zipfile says of a password
        raise LOCKED from None
    except Exception as error:
        if type(error).__module__ in ("zlib", "lzma", "bz2"):
            raise BROKEN from None
        raise


def _packed(packed: zipfile.ZipFile) -> str:
    parts = packed.infolist()
    names = [part.filename for part in parts]
    if _TYPES not in names or (_WORD in names) is (_EXCEL in names):
        raise UNKNOWN
    if len(parts) > PARTS_MAX:
        raise BOMB
    if any(part.flag_bits & 1 for part in parts):
        raise LOCKED
    if any(active in f"/{name.lower()}" for name in names for active in _ACTIVE):
        raise MACROS
    if len(set(names)) != len(names):
        raise BROKEN  # programs disagree about which of two parts counts
    total = 0
    for part in parts:
        total += _unpacked(packed, part, UNPACKED_MAX - total)
    return DOCX if _WORD in names else XLSX


def _unpacked(packed: zipfile.ZipFile, part: zipfile.ZipInfo, most: int) -> int:
    """The size of a part as it is and not as it says; its checksum is looked at too."""
    size, before = 0, b""
    with packed.open(part) as stream:
        while piece := stream.read(PIECE):
            size += len(piece)
            if size > most or (size > PIECE * 16 and size > RATIO_MAX * max(part.compress_size, 1)):
                raise BOMB
            if part.filename == _TYPES and _MACRO_TYPE in (before + piece).lower():
                raise MACROS
            before = piece[-len(_MACRO_TYPE) :]
    return size
