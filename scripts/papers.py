"""Draw the first page of each paper's sample for docs/papers.md, small and in greys: `.venv/bin/python scripts/papers.py`."""

import asyncio
import struct
import zlib
from pathlib import Path

import pypdfium2

from assets.papers import typesetting
from assets.papers.defaults import DEFAULTS
from assets.papers.document import data_of
from assets.papers.layout import laid_out
from assets.papers.samples import DRAFT, SAMPLES

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "papers"
SHOWN = {"disposal-list": 1}  # the page that tells most, where it is not the first
SCALE = 1.5  # 108 dots an inch


def png(width: int, height: int, rows: bytes) -> bytes:
    """A picture of 4 bits a dot (PNG, colour type 0), from one byte a dot."""
    packed = b"".join(
        b"\0" + bytes(
            (row[at] >> 4) << 4 | (row[at + 1] >> 4 if at + 1 < width else 15) for at in range(0, width, 2)
        )
        for row in (rows[y * width : (y + 1) * width] for y in range(height))
    )  # fmt: skip

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    head = struct.pack(">IIBBBBB", width, height, 4, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(packed, 9)) + chunk(b"IEND", b"")


async def main() -> None:
    """Draw all of them."""
    FOLDER.mkdir(exist_ok=True)
    for paper, content in SAMPLES.items():
        document = laid_out(paper, content, DEFAULTS[paper], draft=DRAFT)
        pages = pypdfium2.PdfDocument(await typesetting.pdf("paper", data_of(document)))
        drawn = pages[SHOWN.get(paper, 0)].render(scale=SCALE, grayscale=True)
        whole = bytes(drawn.buffer)
        rows = b"".join(whole[y * drawn.stride : y * drawn.stride + drawn.width] for y in range(drawn.height))
        (FOLDER / f"{paper}.png").write_bytes(png(drawn.width, drawn.height, rows))


if __name__ == "__main__":
    asyncio.run(main())
