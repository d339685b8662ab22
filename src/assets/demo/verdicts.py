"""What each centre is able to do now, judged by the rules, and how that came about."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from assets.db import Connection
from assets.demo.register import WATCHED_BEFORE
from assets.demo.rows import Row, write
from assets.demo.troubles import PAST, verdicts
from assets.ids import new_id
from assets.readiness import service as readiness
from assets.readiness.rules import Readiness

NO_REASONS = "[]"
FIRST_JUDGED_AFTER = timedelta(minutes=5)  # after monitoring began


async def settle_verdicts(tx: Connection, sites: Mapping[str, UUID], now: datetime) -> dict[str, int]:
    """Have the rules judge every centre, date the verdicts by their causes, and write what was before.

    Answers how many centres have which verdict. A rule that judges otherwise than `troubles` means is an error.
    """
    await readiness.recompute(None, now)
    judged = {row["site"]: row for row in await tx.fetch("select site, verdict, reasons from readiness")}
    meant = verdicts()
    first = now - WATCHED_BEFORE + FIRST_JUDGED_AFTER
    rows: list[Row] = []
    since: list[tuple[UUID, datetime]] = []
    for code, site in sites.items():
        if site not in judged:
            continue
        verdict, reasons = judged[site]["verdict"], judged[site]["reasons"]
        wanted, began = meant.get(code, (Readiness.ABLE.value, None))
        assert verdict == wanted, f"{code} should be {wanted} and is {verdict}: {reasons}"
        steps = [(first, "able", NO_REASONS), *_past(code, now)]
        if began is not None:
            steps.append((now - began, verdict, reasons))
        since.append((site, steps[-1][0]))
        rows += _changes(site, steps)
    await tx.execute("delete from readiness_changes")
    await write(tx, "readiness_changes", sorted(rows, key=lambda row: str(row["at"])))
    await tx.executemany("update readiness set since = $2 where site = $1", since)
    return {v.value: sum(row["verdict"] == v for row in judged.values()) for v in Readiness}


def _past(code: str, now: datetime) -> list[tuple[datetime, str, str]]:
    found = []
    for trouble in PAST:
        begin, end = trouble.span(now)
        if trouble.site == code and trouble.verdict and end:
            found += [(begin, trouble.verdict, NO_REASONS), (end, "able", NO_REASONS)]
    return found


def _changes(site: UUID, steps: list[tuple[datetime, str, str]]) -> list[Row]:
    before = ["", *(verdict for _, verdict, _ in steps)]
    return [
        {"id": new_id(), "site": site, "at": at, "before": was, "after": verdict, "reasons": reasons}
        for was, (at, verdict, reasons) in zip(before, steps, strict=False)
    ]
