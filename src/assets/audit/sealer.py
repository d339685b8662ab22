"""Sealing the audit trail: each second the committed events that have no seal yet become links of one chain.

An event carries no link itself: a chain head in each write would let all writers wait for one another. Any number of
processes run this loop; in each round one of them has the lock. Events are committed in another order than their ids
and times say, so a round asks for events without a seal, never for those behind the last one: it looks back LOOK_BACK,
which is longer than any transaction of ours may take, and at the start and each LOOK_ALL_SECONDS at everything.
"""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog
from pydantic import ValidationError

from assets import clock
from assets.audit.chain import START, link
from assets.db import EVERYTHING, Connection, transaction
from assets.errors import Unavailable
from assets.probing import audit_heads
from assets.probing.contract import AuditHead

LOCK = 0x5EA1  # pg_try_advisory_xact_lock key: one sealer at a time in the whole fleet
ROUND_SECONDS = 1.0
AWAY_SECONDS = 5.0
LOOK_BACK = timedelta(minutes=10)
LOOK_ALL_SECONDS = 300.0
BATCH_MAX = 2_000  # events of one transaction
EVER = datetime(1970, 1, 1, tzinfo=UTC)

_log = structlog.get_logger(__name__)


async def seal(*, since: datetime, now: datetime) -> int:
    """Give a seal to the committed events since then that have none, at most BATCH_MAX; how many there were.

    0 too when another process is at it.
    """
    async with transaction(EVERYTHING) as tx:
        if not await tx.fetchval("select pg_try_advisory_xact_lock($1)", LOCK):
            return 0
        events = await tx.fetch(
            "select id, digest from audit_events e where e.at >= $1 and not exists "
            "(select from audit_seals s where s.event = e.id) order by e.id limit $2", since, BATCH_MAX,
        )  # fmt: skip
        if not events:
            return 0
        last = await tx.fetchrow(_NEWEST)
        sealed, chain = (last["number"], last["chain"]) if last else (0, START)
        rows = []
        for number, event in enumerate(events, start=sealed + 1):
            chain = link(chain, number, event["id"], event["digest"], now)
            rows.append((number, event["id"], event["digest"], chain, now))
        await tx.copy_records_to_table(
            "audit_seals", columns=["number", "event", "digest", "chain", "sealed_at"], records=rows
        )
        return len(rows)


async def newest(tx: Connection) -> AuditHead | None:
    """The newest head of the chain; None as long as nothing is sealed.

    None too when somebody has made nonsense of it: collectors and readers ask for it by the way, and must not fail.
    """
    row = await tx.fetchrow(_NEWEST)
    try:
        return None if row is None else AuditHead(**dict(row))
    except ValidationError:
        return None


_NEWEST = "select number, chain, sealed_at from audit_seals order by number desc limit 1"


async def run(home: Path, stop: asyncio.Event) -> None:
    """Seal until `stop`, and keep the newest head in the home, whoever sealed; outlives a database that comes and goes."""
    work, failing = _Rounds(home / audit_heads.HEADS_FILE), False
    while not stop.is_set():
        try:
            wait = await work.step()
            if failing:
                _log.warning("the audit trail is sealed again")
            failing = False
        except Unavailable:
            wait = AWAY_SECONDS  # whoever keeps the database says so
        except Exception:  # noqa: BLE001 - the edge of the loop
            if not failing:
                _log.exception("the audit trail cannot be sealed; tried again soon")
            wait, failing = AWAY_SECONDS, True
        try:
            await asyncio.wait_for(stop.wait(), wait)
        except TimeoutError:
            continue


class _Rounds:
    """What one process remembers from round to round."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._looked_at_all: float | None = None  # monotonic
        self._kept: AuditHead | None = None
        self._trouble = ""

    async def step(self) -> float:
        """Seal what there is; how many seconds to wait before the next round."""
        now = clock.now()
        due = self._looked_at_all is None or time.monotonic() - self._looked_at_all > LOOK_ALL_SECONDS
        sealed = await seal(since=EVER if due else now - LOOK_BACK, now=now)
        if due and sealed < BATCH_MAX:
            self._looked_at_all = time.monotonic()
        async with transaction(EVERYTHING) as tx:
            head = await newest(tx)
        if head is not None and head != self._kept:
            await self._keep(head)
        return 0.0 if sealed == BATCH_MAX else ROUND_SECONDS

    async def _keep(self, head: AuditHead) -> None:
        try:
            await asyncio.to_thread(audit_heads.keep, self._path, head)
        except OSError as error:
            trouble = error.strerror or str(error)
        else:
            self._kept, trouble = head, ""
        if trouble and trouble != self._trouble:
            _log.error("the newest head of the audit trail is not kept outside the database", reason=trouble)
        self._trouble = trouble
