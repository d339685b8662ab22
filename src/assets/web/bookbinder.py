"""Writes a workbook in a process of its own: `python -m assets.web.bookbinder FILE`, fed by the service through its stdin.

What comes are pickles, from nobody but the service: the headings, then rows some at a time, and at last None. Without
that last word the file is not completed, because whoever wanted it has gone.
"""

import pickle
import sys
from pathlib import Path

from assets import apart
from assets.web.sheets import Book

MEGABYTES_MAX = 512
SECONDS_MAX = 900  # of the processor; 100,000 assets need 20


def main() -> None:
    """Write one workbook."""
    apart.limit(MEGABYTES_MAX, SECONDS_MAX)
    told = sys.stdin.buffer
    book = Book(Path(sys.argv[1]), pickle.load(told))  # noqa: S301 - see above
    try:
        while (rows := pickle.load(told)) is not None:  # noqa: S301 - see above
            book.add(rows)
    except EOFError:
        book.drop()
        sys.exit(1)
    book.close()


if __name__ == "__main__":
    main()
