"""The files of a home: where they are, who may open them, and the locks on them."""

import fcntl
import os
import secrets
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from assets.errors import AssetsError

POLL_SECONDS = 0.02
LOG_BYTES_MAX = 10_000_000
LOG_BYTES_KEPT = 1_000_000


class EmbeddedError(AssetsError):
    """The embedded PostgreSQL cannot be used."""

    status = 503
    title = "Service Unavailable"


@dataclass(frozen=True)
class Home:
    """The paths of a home: see the package's docstring for what each is."""

    root: Path
    password: Path
    log: Path
    lock: Path
    running: Path
    data: Path
    unfinished: Path


def home_of(path: Path) -> Home:
    """The paths of the home at `path`, whether anything is there or not."""
    root = path.resolve()
    beside = [root / f"postgres.{name}" for name in ("password", "log", "lock")]
    inside = [root / "postgres" / name for name in ("running", "data", "data.new")]
    return Home(root, *beside, *inside)


def make_password(path: Path) -> str:
    """The password in `path`, drawn now and made durable if there is none."""
    if not path.exists():
        part = path.with_name(f"{path.name}.new")
        part.unlink(missing_ok=True)
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with closing(handle):
            os.write(handle, secrets.token_urlsafe(32).encode())
            os.fsync(handle)
        part.rename(path)
        sync_directory(path.parent)
    return path.read_text().strip()


def bound_log(log: Path) -> None:
    """Keep only the end of a log that has grown too long; the server appends, so it may be writing meanwhile."""
    if not log.exists() or log.stat().st_size <= LOG_BYTES_MAX:
        return
    with log.open("r+b") as file:
        file.seek(-LOG_BYTES_KEPT, os.SEEK_END)
        kept = file.read()
        file.truncate(0)
    with log.open("ab") as file:
        file.write(kept)


@contextmanager
def explained(home: Path) -> Iterator[None]:
    """Turn what the system refuses (not writable, disk full, another's file) into our error, naming the file."""
    try:
        yield
    except OSError as error:
        raise EmbeddedError(f"{error.filename or home}: {error.strerror or error}") from error


@contextmanager
def sole_starter(place: Home, deadline: float) -> Iterator[None]:
    """Hold the lock of whoever starts a server; EmbeddedError when another holds it until `deadline`."""
    while (lock := lock_if_free(place.lock)) is None:
        if time.monotonic() > deadline:
            raise EmbeddedError(f"Another process has been starting the server of {place.root} for too long")
        time.sleep(POLL_SECONDS)
    with closing(lock):
        yield


def lock_if_free(path: Path) -> int | None:
    """The open, locked file; None when somebody holds it."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    return handle


@contextmanager
def closing(handle: int) -> Iterator[None]:
    """Close a handle at the end, whatever happens."""
    try:
        yield
    finally:
        os.close(handle)


def sync_directory(path: Path) -> None:
    """Make a new name in the directory durable."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    with closing(handle):
        os.fsync(handle)


def is_private(path: Path, owner: int, mode: int) -> bool:
    """Whether `path` is a directory, no link, of exactly this owner and mode."""
    try:
        found = path.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == owner and stat.S_IMODE(found.st_mode) == mode
