"""Observations on disk until the service has them: one SQLite file that survives a kill at any moment.

`append` has fsynced before it returns (WAL with synchronous=FULL). Numbers rise for the life of the file and are never
used twice; a new file draws a new `buffer_id`. Each number that was given is at any time exactly one of pending,
settled (the service has it), refused (it will never take it) or shed (dropped, oldest first, because the file is full
or the observation too old to matter).

    BufferBroken    the file is damaged: it can only be put aside
    BufferAway      the disk is full or cannot be written: it may come back
    BufferTaken     another process works with this file
"""

import json
import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

from assets.collector.uptime import Moment
from assets.probing.contract import BATCH_MAX, OrderResult, ParentSeen
from assets.probing.readings import Result

BYTES_MAX = 1 << 30  # 30 days of 50 devices, each asked once a minute
BYTES_MIN = 1 << 20
AGE_MAX_SECONDS = 30 * 86_400
BATCH_BYTES_MAX = 1_000_000  # of JSON before compression
AGE_SENT_MAX_SECONDS = 400 * 86_400  # what the contract can say
SHED_AT_ONCE = 500
ORDERS_KEPT = 1_000
BUSY_SECONDS = 5.0
_FREE_PAGES_MAX = 1_024  # more free pages than this are handed back to the disk, a few at a time
_BROKEN = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_TAKEN = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_VERSION = 1
_SCHEMA = """
CREATE TABLE tally (one INTEGER PRIMARY KEY CHECK (one = 1), buffer_id TEXT NOT NULL,
                    settled INTEGER NOT NULL, refused INTEGER NOT NULL, shed INTEGER NOT NULL);
CREATE TABLE observation (sequence INTEGER PRIMARY KEY AUTOINCREMENT, boot TEXT NOT NULL, up_seconds REAL NOT NULL,
                          length INTEGER NOT NULL, body BLOB NOT NULL);
CREATE TABLE known_order (id TEXT PRIMARY KEY, number INTEGER NOT NULL, done INTEGER NOT NULL);
"""
# What observations are made of, most frequent last: deflate then needs a quarter of the room for each. Part of the
# file's format: a change of this text needs a new _VERSION.
_WORDS = (
    b'"truncated":true,"rows":[["1.3.6.1.2.1.","sys_object_id":"1.3.6.1.4.1.","sys_descr":"","sys_name":"",'
    b'"sys_location":"","identity":{"category":"","vendor":"","model":"","serial":"","firmware":"","profile":"generic"'
    b'"malformed","wrong_credential","not_asked","silent","detail":"","parents":[{"target":"","alive":true},'
    b'"alive":false}],"order":{"order":"","done":true,"interface.status","state":"up"},"state":"down"},'
    b'"counters":{"interface.in_octets:1":,"interface.out_octets:1":,"interface.in_errors:1":,"pages.total":'
    b'"uptime_seconds":,"label":"Black Cartridge"},"label":"ether1"},"state":"some_remaining"},"instance":"1.1",'
    b'"value":0.0},"instance":"1","value":100.0},{"name":"toner_percent","outcome":"answered","latency_ms":1.,'
    b'"readings":[{"name":"target":"01936f00-","observed_at":"2026-11-24T00:00:00Z"'
)


class BufferBroken(Exception):
    """The buffer's file is damaged."""


class BufferAway(Exception):
    """The buffer's disk takes nothing at present."""


class BufferTaken(Exception):
    """Another collector works with this buffer."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What was seen and when, as JSON; it becomes an observation when the buffer gives it a number."""

    moment: Moment
    body: bytes
    order: UUID | None = None  # whose result this is


def draft(
    moment: Moment,
    target: UUID | None,
    result: Result,
    *,
    parents: Sequence[ParentSeen] = (),
    order: OrderResult | None = None,
    next_seconds: float | None = None,
) -> Draft:
    """One look as a draft. `age_seconds` and `sequence` are missing: they are known when it is sent."""
    head: dict[str, object] = {
        "target": str(target) if target else None,
        "observed_at": moment.wall.isoformat(),
    }
    if parents:
        head["parents"] = [parent.model_dump(mode="json") for parent in parents]
    if next_seconds is not None:
        head["next_seconds"] = next_seconds
    if order:
        head["order"] = order.model_dump(mode="json")
    tail = result.model_dump_json(exclude_defaults=True).encode()
    body = json.dumps(head, separators=(",", ":")).encode()[:-1] + b"," + tail[1:]
    return Draft(moment, body, order.order if order else None)


@dataclass(frozen=True, slots=True)
class Pending:
    """One observation in the buffer, on its way."""

    sequence: int
    boot: str
    up_seconds: float
    body: bytes

    def age_seconds(self, now: Moment) -> float | None:
        """How long ago it was seen; None when the machine was started again in between."""
        age = now.up_seconds - self.up_seconds
        return age if self.boot == now.boot and 0 <= age <= AGE_SENT_MAX_SECONDS else None


@dataclass(frozen=True, slots=True)
class Tally:
    """What became of every number the buffer gave."""

    appended: int
    pending: int
    settled: int
    refused: int
    shed: int


class Buffer:
    """One buffer file, or memory when `path` is None. For one process; any method may raise the errors above."""

    def __init__(
        self, path: Path | None, *, bytes_max: int = BYTES_MAX, age_max_seconds: float = AGE_MAX_SECONDS
    ) -> None:
        self.path = path
        self.durable = path is not None
        self._bytes_max = max(bytes_max, BYTES_MIN)
        self._age_max_seconds = age_max_seconds
        self._db: sqlite3.Connection | None = None
        with _our_errors():
            self._db = _connect(path)
            _prepare(self._db)
            self.id = UUID(self._one("SELECT buffer_id FROM tally"))
            self._pending = int(self._one("SELECT count(*) FROM observation"))

    def append(self, drafts: Sequence[Draft]) -> None:
        """Keep these, in order and durably, with one commit; orders whose results they are end with it."""
        rows = [(d.moment.boot, d.moment.up_seconds, len(d.body), _pack(d.body)) for d in drafts]
        with self._change() as db:
            db.executemany("INSERT INTO observation (boot, up_seconds, length, body) VALUES (?, ?, ?, ?)", rows)
            finished = [(str(d.order),) for d in drafts if d.order]
            db.executemany("UPDATE known_order SET done = 1 WHERE id = ?", finished)
        self._pending += len(rows)

    def make_room(self, now: Moment) -> int:
        """Shed the oldest while the file is too large, and what is too old to matter; returns how many."""
        shed = self._shed_aged(now)
        while self._bytes_used() > self._bytes_max and self._pending > 1:
            with self._change() as db:
                few = max(1, min(SHED_AT_ONCE, self._pending // 10))
                query = "SELECT sequence FROM observation ORDER BY sequence LIMIT ?"
                oldest = {row[0] for row in db.execute(query, (few,))}
                shed += self._count_shed(db, _delete(db, oldest))
        return shed

    def next_batch(self, *, limit: int = BATCH_MAX, bytes_max: int = BATCH_BYTES_MAX) -> list[Pending]:
        """The newest observations, at most `limit` and about `bytes_max`, in rising order; one at least if any is there.

        Newest first is both lanes in one: what was just seen always goes out with the next batch, and the rest of the
        batch eats into the backlog from its recent end, so that after a cut the present is known at once.
        """
        taken: list[Pending] = []
        size = 0
        with _our_errors():
            cursor = self._open.execute(
                "SELECT sequence, boot, up_seconds, length, body FROM observation ORDER BY sequence DESC LIMIT ?",
                (min(limit, BATCH_MAX),),
            )
            for sequence, boot, up_seconds, length, body in cursor:
                size += length
                if taken and size > bytes_max:
                    break
                taken.append(Pending(sequence, boot, up_seconds, _unpack(body)))
        return taken[::-1]

    def settle(self, sequences: Iterable[int], *, refused: Iterable[int] = ()) -> None:
        """The service has answered for these: the first it has, the second it will never take. Unknown ones are ignored."""
        lost = set(refused)
        kept = set(sequences) - lost
        with self._change() as db:
            settled, dropped = _delete(db, kept), _delete(db, lost)
            db.execute("UPDATE tally SET settled = settled + ?, refused = refused + ?", (settled, dropped))
        self._pending -= settled + dropped
        self._give_back()

    def tally(self) -> Tally:
        """What became of every number so far."""
        with _our_errors():
            settled, refused, shed = self._open.execute("SELECT settled, refused, shed FROM tally").fetchone()
            appended = self._one("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'observation'")
        return Tally(int(appended), self._pending, settled, refused, shed)

    @property
    def pending(self) -> int:
        """How many observations wait."""
        return self._pending

    def take_order(self, order: UUID) -> bool:
        """Whether this order is new here; from now on it is known, so that it is carried out once, also across a crash."""
        with self._change() as db:
            number = db.execute("SELECT coalesce(max(number), 0) + 1 FROM known_order").fetchone()[0]
            cursor = db.execute("INSERT OR IGNORE INTO known_order VALUES (?, ?, 0)", (str(order), number))
            db.execute("DELETE FROM known_order WHERE number <= ?", (number - ORDERS_KEPT,))
            return cursor.rowcount == 1

    def unfinished_orders(self) -> list[UUID]:
        """Orders that were taken and never finished: the process died over them."""
        with _our_errors():
            rows = self._open.execute(
                "SELECT id FROM known_order WHERE done = 0 ORDER BY number LIMIT ?", (ORDERS_KEPT,)
            )
            return [UUID(row[0]) for row in rows]

    def close(self) -> None:
        """Let go of the file."""
        if self._db is not None:
            with _our_errors():
                self._db.close()
            self._db = None

    @property
    def _open(self) -> sqlite3.Connection:
        if self._db is None:
            raise BufferAway("the buffer is closed")
        return self._db

    def _one(self, query: str) -> str:
        value: str = self._open.execute(query).fetchone()[0]
        return value

    @contextmanager
    def _change(self) -> Iterator[sqlite3.Connection]:
        """One transaction: all of it is on disk afterwards, or none of it."""
        with _our_errors():
            db = self._open
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
                db.execute("COMMIT")
            finally:
                if db.in_transaction:
                    db.rollback()

    def _shed_aged(self, now: Moment) -> int:
        # Only the clock of this boot is trusted for an age: after a wall clock's jump everything would look
        # old. What an earlier boot saw is too old for certain once this boot has lasted for the whole span.
        border = now.up_seconds - self._age_max_seconds
        if border < 0:
            return 0
        query = "SELECT sequence, boot, up_seconds FROM observation ORDER BY sequence LIMIT ?"
        with _our_errors():
            oldest = self._open.execute(query, (SHED_AT_ONCE,)).fetchall()
        aged = {sequence for sequence, boot, up_seconds in oldest if boot != now.boot or up_seconds < border}
        if not aged:
            return 0
        with self._change() as db:
            return self._count_shed(db, _delete(db, aged))

    def _count_shed(self, db: sqlite3.Connection, count: int) -> int:
        db.execute("UPDATE tally SET shed = shed + ?", (count,))
        self._pending -= count
        return count

    def _bytes_used(self) -> int:
        with _our_errors():
            return self._pages() * int(self._one("PRAGMA page_size"))

    def _pages(self) -> int:
        pages, free = int(self._one("PRAGMA page_count")), int(self._one("PRAGMA freelist_count"))
        return pages - free

    def _give_back(self) -> None:
        with _our_errors():
            if int(self._one("PRAGMA freelist_count")) > _FREE_PAGES_MAX:
                self._open.execute(f"PRAGMA incremental_vacuum({_FREE_PAGES_MAX // 2})").fetchall()


def _connect(path: Path | None) -> sqlite3.Connection:
    if path is not None:
        path.touch(mode=0o600, exist_ok=True)
    db = sqlite3.connect(
        path or ":memory:",
        timeout=BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=32,
    )
    try:
        # Before the first page is written; it has no effect on a file that exists.
        db.execute("PRAGMA auto_vacuum = INCREMENTAL")
        # One process only: a second one is told so instead of giving the same numbers, and no shared memory is needed.
        db.execute("PRAGMA locking_mode = EXCLUSIVE")
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA trusted_schema = OFF")
    except BaseException:
        db.close()
        raise
    return db


def _prepare(db: sqlite3.Connection) -> None:
    """Make the tables of a new file; BufferBroken for a file that is not ours."""
    try:
        db.execute("BEGIN IMMEDIATE")
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if version == 0:
            for statement in _SCHEMA.split(";"):
                db.execute(statement)
            db.execute("INSERT INTO tally VALUES (1, ?, 0, 0, 0)", (str(uuid4()),))
            db.execute(f"PRAGMA user_version = {_VERSION}")
        elif version != _VERSION:
            raise BufferBroken(f"the buffer has form {version}, this collector knows {_VERSION}")
        db.execute("COMMIT")
    except BaseException:
        db.close()
        raise


def _delete(db: sqlite3.Connection, sequences: set[int]) -> int:
    if not sequences:
        return 0
    cursor = db.execute(
        "DELETE FROM observation WHERE sequence IN (SELECT value FROM json_each(?))",
        (json.dumps(sorted(sequences)),),
    )
    return cursor.rowcount


def _pack(body: bytes) -> bytes:
    squeeze = zlib.compressobj(6, zlib.DEFLATED, -15, zdict=_WORDS)
    return squeeze.compress(body) + squeeze.flush()


def _unpack(packed: bytes) -> bytes:
    try:
        return zlib.decompressobj(-15, zdict=_WORDS).decompress(packed)
    except zlib.error:
        # A flipped bit on the disk costs this observation, not the file: the service refuses an empty one by number.
        return b"{}"


@contextmanager
def _our_errors() -> Iterator[None]:
    """SQLite's errors in our words."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # extended codes keep the plain one in the low byte
        if code in _BROKEN or isinstance(error, (sqlite3.ProgrammingError, sqlite3.IntegrityError)):
            raise BufferBroken(f"the buffer is damaged: {error}") from None
        if code in _TAKEN:
            raise BufferTaken("another collector works with this buffer") from None
        if code in (
            sqlite3.SQLITE_FULL,
            sqlite3.SQLITE_IOERR,
            sqlite3.SQLITE_CANTOPEN,
            sqlite3.SQLITE_READONLY,
        ):
            raise BufferAway(f"the buffer's disk: {error}") from None
        raise BufferBroken(f"the buffer cannot be read: {error}") from None
    except OSError as error:
        raise BufferAway(f"the buffer's disk: {error.strerror or error}") from None
