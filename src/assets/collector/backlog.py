"""The buffer as the collector uses it: whatever happens to the disk, polls go on and what is lost is counted.

A damaged file is put aside under a name of its own and a new one begun. While the disk takes nothing (full,
read-only, failing), a bounded buffer in memory takes over, with its own id so that no number is ever used
twice; the disk is tried again every few seconds. What memory holds at a kill is gone: the status says
`durable: false` meanwhile.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from uuid import UUID

import structlog

from assets.collector.buffer import (
    AGE_MAX_SECONDS,
    BYTES_MAX,
    Buffer,
    BufferAway,
    BufferBroken,
    BufferTaken,
    Draft,
    Pending,
)
from assets.collector.uptime import Moment, Uptime
from assets.probing.contract import BATCH_MAX

MEMORY_BYTES_MAX = 32 << 20  # some 50,000 observations
RETRY_SECONDS = 10.0
REOPEN_AFTER_SECONDS = 60.0  # a disk that was taken out and put back needs its file opened anew

_T = TypeVar("_T")
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A batch out of one buffer."""

    buffer_id: UUID
    observations: list[Pending]
    left: int  # observations that wait behind it, in all buffers
    shed: int  # by this buffer since it was made


@dataclass(frozen=True, slots=True)
class Standing:
    """How the backlog is: what waits, what was lost, and whether a kill would lose more."""

    pending: int
    shed: int
    refused: int
    durable: bool
    buffer_id: UUID | None
    trouble: str


class Backlog:
    """One disk buffer, and memory while the disk is away. All calls from one thread."""

    def __init__(self, path: Path, *, bytes_max: int = BYTES_MAX, age_max_seconds: float = AGE_MAX_SECONDS) -> None:
        self._path = path
        self._bytes_max = bytes_max
        self._age_max_seconds = age_max_seconds
        self._disk: Buffer | None = None
        self._memory: Buffer | None = None
        self._trouble = ""
        self._shedding = False
        self._away_since: float | None = None
        self._retry_at = 0.0
        self._owed: tuple[UUID, frozenset[int], frozenset[int]] | None = None
        self._shed_here = 0  # by buffers that are gone
        self._refused_here = 0

    def open(self, now: Moment) -> None:
        """Begin; BufferTaken when another collector works here. A disk that is away is no reason to stop."""
        try:
            self._disk = self._opened()
        except BufferAway as error:
            self._went_away(error, now)

    def append(self, drafts: Sequence[Draft], now: Moment) -> None:
        """Keep these; durable on return unless `standing` says otherwise."""
        for _ in range(2):  # the second time with a new file, when the first turned out to be damaged
            disk = self._disk_or_none(now)
            if disk is None:
                break
            try:
                disk.append(drafts)
            except BufferAway as error:
                self._went_away(error, now)
            except BufferBroken as error:
                self._put_aside(error, now)
            else:
                self._came_back()
                self._make_room(disk, now)
                return
        if self._memory is None:
            self._memory = Buffer(None, bytes_max=MEMORY_BYTES_MAX)
        self._memory.append(drafts)
        self._make_room(self._memory, now)

    def _make_room(self, buffer: Buffer, now: Moment) -> None:
        # Apart from the append: these drafts are safe, whatever goes wrong from here on.
        try:
            shed = buffer.make_room(now)
        except BufferAway as error:
            self._went_away(error, now)
        except BufferBroken as error:
            self._put_aside(error, now)
        else:
            if shed and not self._shedding:
                self._shedding = True
                _log.warning("buffer full, shedding the oldest observations", pending=self._pending())

    def next_batch(self, now: Moment, *, limit: int = BATCH_MAX) -> Outgoing | None:
        """What to send next: memory's observations first, for they are the newest and the least safe."""
        disk = self._disk_or_none(now)
        for buffer in (self._memory, disk):
            if buffer is None or not buffer.pending:
                continue
            try:
                self._pay(buffer)
                if rows := buffer.next_batch(limit=limit):
                    return Outgoing(buffer.id, rows, self._pending() - len(rows), _shed_of(buffer))
            except BufferAway as error:
                self._went_away(error, now)
            except BufferBroken as error:
                self._put_aside(error, now)
        return None

    def empty_batch(self, now: Moment) -> Outgoing | None:
        """A batch without observations, to hear of orders; None while there is no buffer at all."""
        buffer = self._disk_or_none(now) or self._memory
        return Outgoing(buffer.id, [], self._pending(), _shed_of(buffer)) if buffer else None

    def settle(self, batch: Outgoing, done: Iterable[int], refused: Iterable[int], now: Moment) -> None:
        """The service has answered for these of a batch."""
        buffer = next((b for b in self._buffers() if b.id == batch.buffer_id), None)
        if buffer is None:
            return  # put aside while the batch was on its way
        self._owed = (buffer.id, frozenset(done), frozenset(refused))
        try:
            self._pay(buffer)
        except BufferAway as error:
            self._went_away(error, now)
        except BufferBroken as error:
            self._put_aside(error, now)
        self._drop_empty_memory()
        self._shedding = self._shedding and self._pending() > 0

    def _pay(self, buffer: Buffer) -> None:
        """Settle what was answered for before anything else leaves; a full disk would send it for ever."""
        if self._owed and self._owed[0] == buffer.id:
            buffer.settle(self._owed[1], refused=self._owed[2])
            self._owed = None

    def take_order(self, order: UUID, now: Moment) -> bool:
        """Whether this order is new here; it is known from now on."""
        if disk := self._disk_or_none(now):
            try:
                return disk.take_order(order)
            except BufferAway as error:
                self._went_away(error, now)
            except BufferBroken as error:
                self._put_aside(error, now)
        return True

    def unfinished_orders(self, now: Moment) -> list[UUID]:
        """Orders over which an earlier process died."""
        if disk := self._disk_or_none(now):
            try:
                return disk.unfinished_orders()
            except BufferAway as error:
                self._went_away(error, now)
            except BufferBroken as error:
                self._put_aside(error, now)
        return []

    def standing(self) -> Standing:
        """How the backlog is."""
        return Standing(
            pending=self._pending(),
            shed=self._shed(),
            refused=sum(map(_refused_of, self._buffers())) + self._refused_here,
            durable=self._disk is not None and self._away_since is None,
            buffer_id=self._disk.id if self._disk else None,
            trouble=self._trouble,
        )

    def close(self) -> None:
        """Let go of the files."""
        for buffer in self._buffers():
            with contextlib.suppress(BufferAway, BufferBroken):
                buffer.close()
        self._memory = self._disk = None

    def _disk_or_none(self, now: Moment) -> Buffer | None:
        """The disk buffer, unless it is away and not yet to be tried again."""
        if self._away_since is not None:
            if now.up_seconds < self._retry_at:
                return None
            if now.up_seconds > self._away_since + REOPEN_AFTER_SECONDS:
                self._forget_disk()
        if self._disk is None:
            try:
                self._disk = self._opened()
            except BufferAway as error:
                self._went_away(error, now)
            except BufferTaken as error:
                self._went_away(BufferAway(str(error)), now)
        return self._disk

    def _opened(self) -> Buffer:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise BufferAway(f"the buffer's folder: {error.strerror}") from None
        try:
            return self._new_buffer()
        except BufferBroken as error:
            self._rename(error)
        try:
            return self._new_buffer()
        except BufferBroken as error:
            raise BufferAway(f"a new buffer is damaged at once: {error}") from None

    def _new_buffer(self) -> Buffer:
        return Buffer(self._path, bytes_max=self._bytes_max, age_max_seconds=self._age_max_seconds)

    def _put_aside(self, error: BufferBroken, now: Moment) -> None:
        """Move the damaged file away under its own name, so that the next call begins a new one."""
        if self._disk is not None:
            self._shed_here += self._disk.pending
        self._forget_disk()
        try:
            self._rename(error)
        except BufferAway as away:
            self._went_away(away, now)

    def _rename(self, error: BufferBroken) -> None:
        aside = self._path.with_name(f"{self._path.name}.broken")
        try:
            for tail in ("", "-wal", "-shm"):
                old, new = _with_tail(self._path, tail), _with_tail(aside, tail)
                new.unlink(missing_ok=True)  # the damage before this one: each file can be as large as the buffer
                if old.exists():
                    old.replace(new)
        except OSError as failure:
            raise BufferAway(f"cannot put the damaged buffer aside: {failure.strerror}") from None
        _log.error("damaged buffer put aside, beginning a new one", reason=str(error), file=str(aside))

    def _forget_disk(self) -> None:
        disk, self._disk = self._disk, None
        if disk is not None:
            with contextlib.suppress(BufferAway, BufferBroken):
                disk.close()

    def _went_away(self, error: BufferAway, now: Moment) -> None:
        if self._away_since is None:
            self._away_since = now.up_seconds
            self._trouble = str(error)
            _log.error("disk away, keeping observations in memory", reason=str(error))
        self._retry_at = now.up_seconds + RETRY_SECONDS

    def _came_back(self) -> None:
        if self._away_since is not None:
            self._away_since, self._trouble = None, ""
            _log.info("disk back", in_memory=self._memory.pending if self._memory else 0)

    def _drop_empty_memory(self) -> None:
        if self._memory is not None and not self._memory.pending and self._away_since is None:
            self._shed_here += _shed_of(self._memory)
            self._refused_here += _refused_of(self._memory)
            self._memory.close()
            self._memory = None

    def _pending(self) -> int:
        return sum(b.pending for b in self._buffers())

    def _shed(self) -> int:
        return sum(map(_shed_of, self._buffers())) + self._shed_here

    def _buffers(self) -> list[Buffer]:
        return [b for b in (self._memory, self._disk) if b is not None]


def _shed_of(buffer: Buffer) -> int:
    try:
        return buffer.tally().shed
    except (BufferAway, BufferBroken):
        return 0  # a report must not fail with the disk


def _refused_of(buffer: Buffer) -> int:
    try:
        return buffer.tally().refused
    except (BufferAway, BufferBroken):
        return 0


def _with_tail(path: Path, tail: str) -> Path:
    return path.with_name(path.name + tail)


class SafeBacklog:
    """A backlog for the event loop: every call runs in one thread of its own, for a slow disk must not stop polls."""

    def __init__(self, backlog: Backlog, uptime: Uptime) -> None:
        self._backlog = backlog
        self._uptime = uptime
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="buffer")

    async def open(self) -> None:
        """See Backlog.open."""
        await self._run(lambda: self._backlog.open(self._uptime.now()))

    async def append(self, drafts: Sequence[Draft]) -> None:
        """See Backlog.append."""
        await self._run(lambda: self._backlog.append(drafts, self._uptime.now()))

    async def next_batch(self, *, limit: int) -> Outgoing | None:
        """See Backlog.next_batch."""
        return await self._run(lambda: self._backlog.next_batch(self._uptime.now(), limit=limit))

    async def empty_batch(self) -> Outgoing | None:
        """See Backlog.empty_batch."""
        return await self._run(lambda: self._backlog.empty_batch(self._uptime.now()))

    async def settle(self, batch: Outgoing, done: Iterable[int], refused: Iterable[int]) -> None:
        """See Backlog.settle."""
        await self._run(lambda: self._backlog.settle(batch, done, refused, self._uptime.now()))

    async def take_order(self, order: UUID) -> bool:
        """See Backlog.take_order."""
        return await self._run(lambda: self._backlog.take_order(order, self._uptime.now()))

    async def unfinished_orders(self) -> list[UUID]:
        """See Backlog.unfinished_orders."""
        return await self._run(lambda: self._backlog.unfinished_orders(self._uptime.now()))

    async def standing(self) -> Standing:
        """See Backlog.standing."""
        return await self._run(self._backlog.standing)

    async def close(self) -> None:
        """Wait for what is being written, and let go of the files."""
        await self._run(self._backlog.close)
        self._thread.shutdown(wait=False)

    async def _run(self, call: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, call)
