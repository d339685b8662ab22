"""The reading of files that people bring, in a process of its own: most of them are made by nobody we know.

The process (`reader`) answers with lines of JSON, which do no more than say something. So the service holds a thousand
rows of a file at a time, whatever the file is.
"""

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from tempfile import TemporaryFile
from typing import IO, Any

import anyio

from assets import apart
from assets.inventory.batches import reader
from assets.inventory.batches.looks import is_workbook
from assets.inventory.batches.reading import Sheet, Unreadable
from assets.web.language import N_

SMALL = 1 << 17  # bytes of a CSV that is not worth a process
WAIT_SECONDS_MAX = 240.0
AT_ONCE = anyio.CapacityLimiter(2)
TOO_MUCH = N_("The file needs too much time or memory to be read.")


@dataclass(frozen=True)
class Head:
    """A table of a file without its rows, of which there are `count`."""

    name: str
    headings: tuple[str, ...]
    font: str
    count: int


class Tables:
    """The tables of a file that has been read: their heads, and their rows in pieces. To be closed."""

    def __init__(self, answer: IO[bytes]) -> None:
        self._answer = answer
        said, *what = json.loads(answer.readline())
        if said == "unreadable":
            text, params = what
            raise Unreadable(text, **params)
        self.heads = [Head(name, tuple(headings), font, count) for name, headings, font, count in what[0]]

    def pieces(self) -> Iterator[tuple[int, Sheet]]:
        """Each table (by its place among `heads`) again and again with the next rows of it."""
        for line in self._answer:
            at, rows, formulas, inexact = json.loads(line, object_hook=_day)
            head = self.heads[at]
            yield at, Sheet(
                head.name, head.headings, [(number, tuple(cells)) for number, cells in rows], frozenset(map(tuple, formulas)),
                inexact=frozenset(map(tuple, inexact)), font=head.font,
            )  # fmt: skip

    def close(self) -> None:
        """Forget the rows."""
        self._answer.close()


async def tables(content: bytes) -> Tables:
    """The tables of a file; Unreadable says why there are none."""
    if len(content) <= SMALL and not is_workbook(content):
        return Tables(io.BytesIO(b"".join(await anyio.to_thread.run_sync(lambda: [*reader.told(content)]))))
    answer = TemporaryFile()  # noqa: SIM115 - whoever gets the tables closes it
    try:
        with TemporaryFile() as asked:
            await anyio.to_thread.run_sync(asked.write, content)
            async with AT_ONCE:
                await apart.run(reader.__name__, asked=asked, answer=answer, seconds=WAIT_SECONDS_MAX)
        return Tables(answer)
    except apart.Ended:
        answer.close()
        raise Unreadable(TOO_MUCH) from None
    except BaseException:
        answer.close()
        raise


def _day(found: dict[str, Any]) -> object:
    if "$time" in found:
        return datetime.fromisoformat(found["$time"])
    return date.fromisoformat(found["$day"])
