"""How the collector is, as a small JSON file in its home, for people and for whoever watches it on that machine."""

import contextlib
from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict

STATUS_FILE = "status.json"


class Status(BaseModel):
    """One look at ourselves. Counts are since the start unless they say otherwise."""

    model_config = ConfigDict(frozen=True)

    software: str
    pid: int
    started_at: datetime
    written_at: datetime  # older than a minute: the collector hangs or is gone
    assignment: str  # hash of what it is doing; empty before the first one
    assignment_left_out: int  # targets and credentials that this version does not understand
    targets: int
    running: int  # looks at this moment
    late_seconds: float  # how long the most overdue look has waited
    skipped: int  # looks that were passed over because earlier ones took too long
    looks: int
    looks_cut: int  # ended by the hard limit
    last_post_at: datetime | None  # when the service last took something
    trouble: str  # why it does not, in words; empty when all is well
    skew_seconds: float  # how far this clock is from the service's
    backlog: int  # observations that wait
    shed: int  # dropped unsent since the buffer was made
    refused: int  # observations that the service will never take
    durable: bool  # whether a kill would lose none of the backlog
    restarts: int  # loops of ours that failed and were begun again


def write_status(folder: Path, status: Status) -> None:
    """Replace the file in one step; a full disk is no reason to fail, the reader sees the old time."""
    path = folder / STATUS_FILE
    draft = folder / f".{STATUS_FILE}.draft"
    with contextlib.suppress(OSError):
        draft.write_text(status.model_dump_json(indent=2) + "\n", encoding="utf-8")
        draft.replace(path)


def read_status(folder: Path) -> Status | None:
    """What the collector of this folder last said; None when it never did."""
    try:
        return Status.model_validate_json((folder / STATUS_FILE).read_bytes())
    except (OSError, ValueError):
        return None
