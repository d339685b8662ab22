"""The collector as a whole: what is due is probed, kept on disk, posted; orders and assignments come back.

    rounds, orders ── drafts ──▶ _flush ──▶ backlog (fsync) ──▶ sender ──▶ service
          ▲                                                                   │
          └──────── assignment, orders ◀──────────────────────── answers ◀────┘

Each arrow survives a kill: a look that was not kept is repeated in its time, what is kept is posted until the service
has settled it, and a batch whose answer was lost is known there by its numbers.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable
from datetime import datetime

import structlog

from assets.collector.backlog import Backlog, SafeBacklog
from assets.collector.buffer import Draft
from assets.collector.keep import Keep, Sealed
from assets.collector.orders import Orders
from assets.collector.rounds import Prober, Rounds, within
from assets.collector.sender import Sender, back_off
from assets.collector.settings import CollectorSettings
from assets.collector.status import Status, write_status
from assets.collector.uplink import SOFTWARE, Fetched, Uplink, UplinkError
from assets.collector.uptime import Uptime
from assets.errors import AssetsError
from assets.probing import audit_heads
from assets.probing.contract import Answer, AuditHead
from assets.vault import Vault

BUFFER_FILE = "buffer.sqlite"
KEPT_FILE = "assignment.sealed"
TRIALS_FILE = "trials.sealed"
TRIALS_SECONDS = 1.0  # from one look whether there is something new to the next
TRIALS_SHARE = 0.05  # of the time that may go into writing it, however much it is
FLUSH_SECONDS = 0.3  # what was seen within it is kept with one fsync
FRESH_MAX = 20_000  # drafts in memory while the disk hangs; the oldest go first
ASSIGNMENT_SECONDS = 3_600.0  # asked for at least this often
ASSIGNMENT_GAP_SECONDS = 2.0
STATUS_SECONDS = 5.0
HEAD_SECONDS = 10.0  # between two heads of the audit trail that are kept
RESTART_SECONDS_MIN = 1.0
RESTART_SECONDS_MAX = 60.0
STOP_SECONDS = 1.4  # twice: for the loops, then for what they hold; 3 s is what we promise

_log = structlog.get_logger(__name__)


class Agent:
    """One collector in one process. `run` returns when `stop` is set, with everything that was seen on disk."""

    def __init__(self, settings: CollectorSettings, *, prober: Prober, uptime: Uptime | None = None) -> None:
        self._settings = settings
        self._uptime = uptime or Uptime()
        self._fresh: list[Draft] = []
        self._overflow = 0
        self._something_fresh = asyncio.Event()
        self._something_kept = asyncio.Event()
        self._other_assignment = asyncio.Event()
        self._other_head = asyncio.Event()
        self._head: AuditHead | None = None
        self._restarts = 0
        self._held: Fetched | None = None
        self._started_at: datetime = self._uptime.now().wall
        backlog = Backlog(settings.folder / BUFFER_FILE, bytes_max=settings.collector_buffer_mb << 20)
        self._backlog = SafeBacklog(backlog, self._uptime)
        vault = Vault.open(settings.folder)
        self._keep = Keep(settings.folder / KEPT_FILE, vault)
        self._trials = Sealed(settings.folder / TRIALS_FILE, vault, bound_to="collector.trials")
        self._trials_kept = 0
        self._uplink = Uplink(settings.door)
        self._rounds = Rounds(
            prober=prober, emit=self._emit, uptime=self._uptime, concurrency=settings.collector_concurrency
        )
        self._orders = Orders(rounds=self._rounds, backlog=self._backlog, uptime=self._uptime, emit=self._emit)
        self._sender = Sender(backlog=self._backlog, uplink=self._uplink, uptime=self._uptime, heard=self._hear)

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop`; BufferTaken when another collector works in the same folder."""
        await self._backlog.open()
        if trials := await asyncio.to_thread(self._trials.read):
            self._rounds.trying.recall(trials, asyncio.get_running_loop().time(), self._uptime.now())
        if kept := await asyncio.to_thread(self._keep.load):
            self._adopt(kept)
        await self._orders.report_unfinished()
        loops = {
            "rounds": self._rounds.run,
            "orders": self._orders.run,
            "flush": self._flush,
            "send": self._send,
            "assignment": self._follow_assignment,
            "status": self._write_status,
            "audit": self._keep_heads,
            "trials": self._keep_trials,
        }
        tasks = [asyncio.create_task(self._for_ever(name, loop), name=name) for name, loop in loops.items()]
        _log.info("collecting", service=self._settings.collector_url, folder=str(self._settings.folder))
        try:
            await stop.wait()
        finally:
            await self._end(tasks)

    async def _end(self, tasks: list[asyncio.Task[None]]) -> None:
        """Let nothing run on, and keep what was seen."""
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks, timeout=STOP_SECONDS)
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await self._rounds.stop()
                await self._keep_fresh()
                await self._keep_trials_once()
                await self._write_status_once()
                await self._uplink.close()
                await self._backlog.close()
        except TimeoutError:
            _log.error("the disk or a device does not let go, leaving anyway", unkept=len(self._fresh))

    async def _for_ever(self, name: str, loop: Callable[[], Awaitable[None]]) -> None:
        """Begin a loop again when it fails, for nobody stands beside the machine; ever more slowly if it goes on."""
        clock = asyncio.get_running_loop()
        pause = RESTART_SECONDS_MIN
        while True:
            begun = clock.time()
            try:
                await loop()
            except Exception:  # noqa: BLE001  the edge of every loop
                self._restarts += 1
                _log.exception("a loop failed and begins again", loop=name)
            pause = RESTART_SECONDS_MIN if clock.time() - begun > RESTART_SECONDS_MAX else 2 * pause
            await asyncio.sleep(min(pause, RESTART_SECONDS_MAX))

    def _emit(self, seen: Draft) -> None:
        self._fresh.append(seen)
        if len(self._fresh) > FRESH_MAX:
            del self._fresh[0]
            self._overflow += 1
        self._something_fresh.set()

    async def _flush(self) -> None:
        while True:
            await self._something_fresh.wait()
            await asyncio.sleep(FLUSH_SECONDS)
            await self._keep_fresh()

    async def _keep_fresh(self) -> None:
        self._something_fresh.clear()
        drafts, self._fresh = self._fresh, []
        if drafts:
            # Shielded: the thread writes on after a cancellation, and closing waits for it in the same thread.
            await asyncio.shield(self._backlog.append(drafts))
            self._something_kept.set()

    async def _send(self) -> None:
        while True:
            self._something_kept.clear()
            self._sender.assignment = self._held.assignment.hash if self._held else ""
            rest = await self._sender.step()
            if not self._sender.idle:
                await asyncio.sleep(rest)
                continue
            await within(self._something_kept, seconds=rest)

    def _hear(self, answer: Answer) -> None:
        self._orders.hear(answer)
        self._rounds.spending.posted(self._uplink.gauge.octets, asyncio.get_running_loop().time())
        if self._held is None or answer.assignment != self._held.assignment.hash:
            self._other_assignment.set()
        if answer.audit_head is not None and answer.audit_head != self._head:
            self._head = answer.audit_head
            self._other_head.set()

    async def _keep_heads(self) -> None:
        """Keep what the service says of its audit trail, so that it cannot cut it off unseen."""
        while True:
            await self._other_head.wait()
            self._other_head.clear()
            if self._head is not None:
                try:
                    await asyncio.to_thread(
                        audit_heads.keep, self._settings.folder / audit_heads.HEADS_FILE, self._head
                    )
                except OSError as error:
                    _log.warning("head of the audit trail not kept on disk", reason=error.strerror)
            await asyncio.sleep(HEAD_SECONDS)

    async def _keep_trials(self) -> None:
        clock = asyncio.get_running_loop()
        while True:
            begun = clock.time()
            await self._keep_trials_once()
            await asyncio.sleep(max(TRIALS_SECONDS, (clock.time() - begun) / TRIALS_SHARE))

    async def _keep_trials_once(self) -> None:
        """Keep which credentials rest, so that no start shows them all again."""
        trying = self._rounds.trying
        if trying.changes == self._trials_kept:
            return
        self._trials_kept = trying.changes
        data = trying.remember(asyncio.get_running_loop().time(), self._uptime.now())
        await asyncio.to_thread(self._trials.write, data)

    async def _follow_assignment(self) -> None:
        failures = 0
        while True:
            self._other_assignment.clear()
            try:
                fetched = await self._uplink.fetch(self._held.assignment.hash if self._held else None)
            except UplinkError as error:
                if not failures:
                    _log.warning("assignment not fetched", reason=error.reason, working=self._held is not None)
                failures += 1
                await asyncio.sleep(back_off(failures, error))
                continue
            failures = 0
            if fetched is not None:
                self._adopt(fetched)
                await asyncio.to_thread(self._keep.save, fetched)
            await asyncio.sleep(ASSIGNMENT_GAP_SECONDS)
            await within(self._other_assignment, seconds=ASSIGNMENT_SECONDS)

    def _adopt(self, fetched: Fetched) -> None:
        assignment = fetched.assignment
        try:
            self._rounds.prober.use(assignment.profiles)
        except AssetsError as error:
            _log.error("profiles unreadable for this version, going on with the old ones", reason=error.detail)
        self._rounds.assign(assignment)
        self._held = fetched
        _log.info("assignment", hash=assignment.hash, targets=len(assignment.targets), left_out=fetched.left_out)

    async def _write_status(self) -> None:
        while True:
            await self._write_status_once()
            await asyncio.sleep(STATUS_SECONDS)

    async def _write_status_once(self) -> None:
        standing, health = await self._backlog.standing(), self._rounds.health()
        status = Status(
            software=SOFTWARE,
            pid=os.getpid(),
            started_at=self._started_at,
            written_at=self._uptime.now().wall,
            assignment=self._held.assignment.hash if self._held else "",
            assignment_left_out=self._held.left_out if self._held else 0,
            targets=health.targets,
            running=health.running,
            late_seconds=round(health.lag_seconds, 3),
            skipped=health.skipped,
            looks=self._rounds.looks,
            looks_cut=self._rounds.looks_cut,
            last_post_at=self._sender.last_post_at,
            trouble="; ".join(filter(None, (self._sender.trouble, standing.trouble))),
            skew_seconds=self._sender.skew_seconds,
            backlog=standing.pending + len(self._fresh),
            shed=standing.shed + self._overflow,
            refused=standing.refused,
            durable=standing.durable,
            restarts=self._restarts,
        )
        await asyncio.to_thread(write_status, self._settings.folder, status)
