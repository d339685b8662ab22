"""Files that people import, as tables of typed cells, whatever program wrote them; or the reason why they are none.

    read_table(content, "danh sách.xlsx")[0].rows  →  [(2, ("QN-001", 1, datetime.date(2024, 5, 1), None)), …]

What a file is shows in its first bytes, never in its name.
"""

import re

from assets.inventory.batches.looks import ONLY_XLSX, is_workbook
from assets.inventory.batches.sheet import Sheet, Unreadable
from assets.inventory.batches.text_tables import read_csv
from assets.inventory.batches.workbooks import read_workbook
from assets.web.language import N_

__all__ = ["Sheet", "Unreadable", "read_table"]
CONTENT_MAX = 20 << 20  # bytes
_NO_TABLES = {
    b"%PDF": N_("This is a PDF. Only .xlsx and CSV can be read."),
    b"{\\rtf": ONLY_XLSX,
    b"\xff\xd8\xff": N_("This is a picture. Only .xlsx and CSV can be read."),
    b"\x89PNG": N_("This is a picture. Only .xlsx and CSV can be read."),
    b"\x1f\x8b": N_("This is a packed file. Unpack it first."),
    b"7z\xbc\xaf": N_("This is a packed file. Unpack it first."),
    b"Rar!": N_("This is a packed file. Unpack it first."),
}
_WEB_PAGE = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype|\?xml|html|head|meta|style|table|div|body)\b", re.IGNORECASE)


def read_table(content: bytes, filename: str) -> list[Sheet]:
    """The tables of a file: one of a CSV, one for each visible sheet of a workbook that has something in it.

    Unreadable (an Invalid for `file`) when it cannot be read as a whole. Nothing is skipped but blank rows.
    """
    if len(content) > CONTENT_MAX:
        raise Unreadable(N_("The file is larger than %(megabytes)s MB."), megabytes=CONTENT_MAX >> 20)
    for beginning, reason in _NO_TABLES.items():
        if content.startswith(beginning):
            raise Unreadable(reason)
    if _WEB_PAGE.match(content):
        raise Unreadable(N_("This is a web page, whatever its name says. Open it in Excel and save it as .xlsx."))
    sheets = read_workbook(content) if is_workbook(content) else [read_csv(content)]
    if not sheets:
        raise Unreadable(N_("There is nothing in the file."))
    return sheets
