"""A look at a workbook before anything reads it: part by part, with every number in it held against a limit.

A workbook is a zip of XML, and anybody may have made it. Refused are parts that unpack to more than they say, two parts
of one name, XML that declares entities, cells so far away that the table up to them would fill the memory, passwords and
macros. The same look finds what the reader of cells does not tell: where formulas and errors are.
"""

import io
import zipfile
import zlib
from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat

from assets.inventory.batches.sheet import CELLS_MAX, COLUMNS_MAX, ROWS_MAX, Unreadable
from assets.web.language import N_

PARTS_MAX = 1_000
UNPACKED_MAX = 200 << 20  # bytes of all parts together
RATIO_MAX = 200  # of a part's size to its packed size; sheets that people make reach 30
SMALL = 1 << 20  # bytes of a part whose ratio does not matter
FORMULAS_MAX = 200_000
ERROR_TEXT_MAX = 20
BLOCK = 1 << 16
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # how .xls begins, and a workbook with a password
_WORKBOOK = "xl/workbook.xml"
_RELATIONS = "xl/_rels/workbook.xml.rels"

DAMAGED = N_("The workbook is damaged. Open it in Excel and save it again as .xlsx.")
TOO_LARGE = N_("The workbook unpacks to more than can be read. Save only the table into a new workbook.")
ONLY_XLSX = N_("Only .xlsx and CSV can be read. Open the file in Excel and save it as .xlsx.")
MACROS = N_("The workbook has macros. Save it as .xlsx, without them.")
PASSWORD = N_("The workbook is protected by a password. Save it without one.")
_FAILURES = (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError, expat.ExpatError)


@dataclass
class Look:
    """What is in one part: of a sheet formulas and errors by (row, column), both from 0; of a list of parts its entries."""

    formulas: set[tuple[int, int]] = field(default_factory=set)
    errors: dict[tuple[int, int], str] = field(default_factory=dict)
    entries: list[dict[str, str]] = field(default_factory=list)
    height: int = 0
    width: int = 0


def is_workbook(content: bytes) -> bool:
    """Whether it is for this module to say what these bytes are."""
    return content.startswith((b"PK\x03\x04", b"PK\x05\x06", OLE))


def look_through(content: bytes) -> dict[str, Look]:
    """What is in each sheet, by its name. Unreadable with the reason when the workbook must not be read."""
    if content.startswith(OLE):
        raise Unreadable(PASSWORD if "EncryptedPackage".encode("utf-16-le") in content else ONLY_XLSX)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as book:
            parts = _admitted(book)
            _refuse_kinds(book, parts)
            looks = {name: _look(book, part) for name, part in parts.items()}
    except _FAILURES:
        raise Unreadable(DAMAGED) from None
    if sum(look.height * look.width for look in looks.values()) > CELLS_MAX:
        raise Unreadable(N_("The file has more than %(cells)s cells."), cells=CELLS_MAX)
    return _by_sheet(looks)


def _admitted(book: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    listed = book.infolist()
    parts = {part.filename.lower(): part for part in listed}
    if len(listed) > PARTS_MAX or sum(part.file_size for part in listed) > UNPACKED_MAX:
        raise Unreadable(TOO_LARGE)
    if any(part.file_size > max(SMALL, RATIO_MAX * part.compress_size) for part in listed):
        raise Unreadable(TOO_LARGE)
    if len(parts) < len(listed):
        raise Unreadable(DAMAGED)  # readers differ in which of two parts of one name they take
    if any(part.flag_bits & 1 for part in listed):
        raise Unreadable(PASSWORD)
    return parts


def _refuse_kinds(book: zipfile.ZipFile, parts: dict[str, zipfile.ZipInfo]) -> None:
    types = parts.get("[content_types].xml")
    said = b"".join(_blocks(book, types)) if types else b""
    if any(name.endswith("vbaproject.bin") or "/macrosheets/" in name for name in parts) or b"macroEnabled" in said:
        raise Unreadable(MACROS)
    if _WORKBOOK not in parts:
        raise Unreadable(ONLY_XLSX)


def _blocks(book: zipfile.ZipFile, part: zipfile.ZipInfo) -> Iterator[bytes]:
    """The whole part, whatever size it says it has; a part that lies is refused."""
    whole = copy(part)
    whole.file_size = UNPACKED_MAX  # or reading would stop at what it says, and other readers would go on
    size = 0
    with book.open(whole) as file:
        while block := file.read(BLOCK):
            size += len(block)
            if size > part.file_size:
                raise Unreadable(TOO_LARGE)
            yield block
    if size < part.file_size:
        raise Unreadable(DAMAGED)


def _look(book: zipfile.ZipFile, part: zipfile.ZipInfo) -> Look:
    look = Look()
    if not part.filename.lower().endswith((".xml", ".rels")):
        for _ in _blocks(book, part):
            pass
        return look
    parser = _parser(look)
    for block in _blocks(book, part):
        parser.Parse(block)
    parser.Parse(b"", True)
    return look


def _by_sheet(looks: dict[str, Look]) -> dict[str, Look]:
    targets = {entry.get("Id", ""): entry.get("Target", "") for entry in looks.get(_RELATIONS, Look()).entries}
    found: dict[str, Look] = {}
    for entry in looks[_WORKBOOK].entries:
        target = targets.get(entry.get("id", ""), "").removeprefix("/")
        path = (target if target.startswith("xl/") else f"xl/{target}").lower()
        if not path.endswith(".xml") or path not in looks or entry.get("name", "") in found:
            raise Unreadable(DAMAGED)
        found[entry.get("name", "")] = looks[path]
    return found


def _parser(look: Look) -> Any:
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = _refuse_entities

    def start(name: str, attributes: dict[str, str]) -> None:
        local = name.rpartition(":")[2]
        if local == "sheetData":
            # Cells count wherever they are: the reader does not ask what a part is called.
            cells = _Cells(look, parser)
            parser.ordered_attributes = True
            parser.StartElementHandler, parser.EndElementHandler = cells.start, cells.end
        elif local in ("sheet", "Relationship") and len(look.entries) < PARTS_MAX:
            look.entries.append({key.rpartition(":")[2]: value for key, value in attributes.items()})

    parser.StartElementHandler = start
    return parser


def _refuse_entities(*_: object) -> None:
    raise Unreadable(DAMAGED)


class _Cells:
    """Follows the cells of a sheet that have something in them, as the reader does: by their reference, or in a row."""

    def __init__(self, look: Look, parser: Any) -> None:
        self._look, self._parser = look, parser
        self._row = self._column = -1
        self._attributes: list[str] = []
        self._columns: dict[str, int] = {}
        self._error = ""

    def start(self, name: str, attributes: list[str]) -> None:
        local = name if ":" not in name else name.rpartition(":")[2]
        if local == "c":
            self._attributes = attributes
            self._column += 1
        elif local in ("v", "is", "f"):
            self._place(local)
        elif local == "row":
            self._row, self._column = _row_of(attributes, self._row), -1

    def end(self, name: str) -> None:
        if self._parser.CharacterDataHandler is not None and name.rpartition(":")[2] == "v":
            self._parser.CharacterDataHandler = None
            self._look.errors[self._row, self._column] = self._error[:ERROR_TEXT_MAX]

    def _place(self, local: str) -> None:
        look, attributes = self._look, self._attributes
        if attributes and attributes[0] == "r":
            self._at(attributes[1])
        elif "r" in attributes[::2]:
            self._at(attributes[2 * attributes[::2].index("r") + 1])
        row, column = self._row, self._column
        if row >= look.height or column >= look.width:
            look.height, look.width = max(look.height, row + 1), max(look.width, column + 1)
            _refuse_large(look)
        if local == "f":
            look.formulas.add((row, column))
            if len(look.formulas) > FORMULAS_MAX:
                raise Unreadable(N_("The file has more than %(formulas)s formulas."), formulas=FORMULAS_MAX)
        elif (
            local == "v"
            and "e" in attributes[1::2]
            and dict(zip(attributes[::2], attributes[1::2], strict=True)).get("t") == "e"
        ):
            self._error = ""
            self._parser.CharacterDataHandler = self._say

    def _say(self, text: str) -> None:
        self._error += text[:ERROR_TEXT_MAX]

    def _at(self, reference: str) -> None:
        letters = reference.rstrip("0123456789")
        column = self._columns.get(letters)
        if column is None:
            column = self._columns[letters] = _column_of(letters)
        self._row, self._column = int(reference[len(letters) :]) - 1, column


def _row_of(attributes: list[str], before: int) -> int:
    return int(attributes[attributes.index("r") + 1]) - 1 if "r" in attributes[::2] else before + 1


def _column_of(letters: str) -> int:
    found = 0
    for letter in letters.upper():
        if not "A" <= letter <= "Z" or len(letters) > 3:
            raise ValueError("no column")
        found = 26 * found + ord(letter) - ord("A") + 1
    return found - 1


def _refuse_large(look: Look) -> None:
    if look.height > ROWS_MAX + 1:
        raise Unreadable(N_("The file has more than %(rows)s rows."), rows=ROWS_MAX)
    if look.width > COLUMNS_MAX:
        raise Unreadable(N_("The file has more than %(columns)s columns."), columns=COLUMNS_MAX)
    if look.height * look.width > CELLS_MAX:
        raise Unreadable(N_("The file has more than %(cells)s cells."), cells=CELLS_MAX)
