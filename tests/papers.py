"""Reading papers as a printer and a telephone do: pages in millimetres, the codes on them, their words and places; and Word
files."""

import io
from dataclasses import dataclass
from typing import Any

import docx
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

    def right(self, page: int = 0) -> float:
        """Where the rightmost letter of a page ends, in mm from its left edge."""
        words = self.document[page].get_textpage()
        return max(words.get_charbox(at)[2] for at in range(words.count_chars())) * MM

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

    def words(self) -> str:
        """The words of all pages, each page as one line."""
        return "\n".join(self.text(page) for page in range(len(self)))


def docx_words(body: bytes) -> str:
    """The words of a Word file: paragraphs and cells in the order in which they stand, one to a line."""
    return "\n".join("".join(t.text or "" for t in p.iter(f"{W}t")) for p in _opened(body).element.body.iter(f"{W}p"))


W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"


def _opened(body: bytes) -> Any:
    return docx.Document(io.BytesIO(body))


def docx_template(*paragraphs: str) -> bytes:
    """A Word file with these paragraphs."""
    file, made = docx.Document(), io.BytesIO()
    for text in paragraphs:
        file.add_paragraph(text)
    file.save(made)
    return made.getvalue()
