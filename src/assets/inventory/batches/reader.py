"""The process that reads a file (`python -m`): from its stdin, to lines of JSON. It loads no more than it needs for that."""

import json
import sys
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from datetime import date, datetime

from assets import apart
from assets.inventory.batches.reading import Unreadable, read_table

BLOCK = 1_000  # rows
MEGABYTES_MAX = 1_536  # the largest table that may be has 2,000,000 cells and takes a third of it
SECONDS_MAX = 60  # of the processor


def told(content: bytes) -> Iterator[bytes]:
    """The tables of a file as lines: their heads, then the rows of each in pieces; or why there are none."""
    try:
        sheets = read_table(content, "")
    except Unreadable as unreadable:
        yield _line("unreadable", unreadable.phrase.text, dict(unreadable.phrase.params))
        return
    yield _line("sheets", [(one.name, one.headings, one.font, len(one.rows)) for one in sheets])
    for at, sheet in enumerate(sheets):
        odd = [sorted(places) for places in (sheet.formulas, sheet.inexact)]
        for start in range(0, len(sheet.rows), BLOCK):
            rows = sheet.rows[start : start + BLOCK]
            yield _line(at, rows, *(_between(places, rows[0][0], rows[-1][0]) for places in odd))


def _between(places: Sequence[tuple[int, int]], first: int, last: int) -> Sequence[tuple[int, int]]:
    return places[bisect_left(places, (first, 0)) : bisect_left(places, (last + 1, 0))]


def _line(*what: object) -> bytes:
    return json.dumps(what, default=_said).encode() + b"\n"


def _said(value: object) -> object:
    assert isinstance(value, date)
    return {"$time" if isinstance(value, datetime) else "$day": value.isoformat()}


def main() -> None:
    """Answer for the one file on stdin."""
    apart.limit(MEGABYTES_MAX, SECONDS_MAX)
    for line in told(sys.stdin.buffer.read()):
        sys.stdout.buffer.write(line)


if __name__ == "__main__":
    main()
