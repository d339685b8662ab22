"""The heads of the sealed trail, kept outside the database: in the home of each worker and of each collector.

Whoever cuts off the end of the trail in the database, or writes it anew, must change these files too. One JSON object
a line, oldest first; the number of lines is bounded by thinning out the old ones, so that the oldest stay.
"""

import contextlib
import os
from pathlib import Path

from pydantic import ValidationError

from assets.probing.contract import AuditHead

HEADS_FILE = "audit-heads.jsonl"
LINES_MAX = 1_000
LINE_MAX = 300  # bytes; a longer line is none of ours
BYTES_MAX = LINES_MAX * LINE_MAX


def keep(path: Path, head: AuditHead) -> bool:
    """Add a head and have it on disk before this returns; False when it was the last one already.

    The file is replaced in one step: a reader finds the old or the new one. OSError when the disk refuses.
    """
    line = head.model_dump_json()
    lines = _lines(path)
    if lines and lines[-1] == line:
        return False
    lines = _thinned([*lines, line])
    draft = path.with_name(f".{path.name}.{os.getpid()}.draft")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    with contextlib.suppress(OSError):  # not every file system lets a directory be synced
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    return True


def read(path: Path) -> tuple[list[AuditHead], int]:
    """The heads of a file, and how many lines of it are none. A file that is not there has no heads."""
    found, wrong = [], 0
    for line in _lines(path):
        try:
            found.append(AuditHead.model_validate_json(line))
        except ValidationError:
            wrong += 1
    return found, wrong


def _lines(path: Path) -> list[str]:
    try:
        with path.open("rb") as file:
            return file.read(BYTES_MAX).decode("utf-8", "replace").splitlines()
    except FileNotFoundError:
        return []


def _thinned(lines: list[str]) -> list[str]:
    if len(lines) <= LINES_MAX:
        return lines
    middle = len(lines) // 2
    return lines[:middle:2] + lines[middle:]
