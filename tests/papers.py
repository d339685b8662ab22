"""Reading papers as a printer and a telephone do: pages in millimetres, the codes on them, their words and places."""

from dataclasses import dataclass
from typing import Any

import pypdfium2
import zxingcpp

MM = 25.4 / 72  # of a point


@dataclass(frozen=True)
class Code:
    """What a code holds, and its modules' frame in mm from the upper left corner."""

    text: str
    left: float
    top: float
    right: float
    bottom: float


class Paper:
    """An opened PDF."""

    def __init__(self, body: bytes) -> None:
        self.document: Any = pypdfium2.PdfDocument(body)

    def __len__(self) -> int:
        return len(self.document)

    def size(self, page: int = 0) -> tuple[float, float]:
        """Width and height in mm."""
        width, height = self.document[page].get_size()
        return round(width * MM, 1), round(height * MM, 1)

    def text(self, page: int = 0) -> str:
        """The words of a page, in one line."""
        return " ".join(self.document[page].get_textpage().get_text_range().split())

    def codes(self, page: int = 0, *, dpi: int = 300) -> list[Code]:
        """The codes that a camera would read off a page, from its top."""
        drawn = self.document[page].render(scale=dpi / 72, grayscale=True)
        rows = memoryview(bytes(drawn.buffer)).cast("B", [drawn.height, drawn.stride])
        mm = 25.4 / dpi
        found = []
        for code in zxingcpp.read_barcodes(rows):
            corners = [getattr(code.position, n) for n in ("top_left", "top_right", "bottom_left", "bottom_right")]
            across, down = [c.x * mm for c in corners], [c.y * mm for c in corners]
            found.append(Code(code.text, min(across), min(down), max(across), max(down)))
        return sorted(found, key=lambda code: (round(code.top), code.left))
