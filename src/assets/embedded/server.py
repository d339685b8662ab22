"""The life of the server of one home: found, started, made when there is none, asked, and stopped."""

import asyncio
import ctypes
import os
import re
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import asyncpg
from asyncpg import exceptions

from assets.embedded.files import (
    LOG_BYTES_KEPT,
    POLL_SECONDS,
    EmbeddedError,
    Home,
    bound_log,
    closing,
    explained,
    home_of,
    lock_if_free,
    make_password,
    sole_starter,
    sync_directory,
)
from assets.embedded.postmaster import (
    PORT,
    Postmaster,
    end_orphans,
    has_sockets,
    make_sockets,
    postmaster_of,
    send_signal,
    socket_bases,
    sockets_name,
    stale_pid,
)
from assets.embedded.programs import Account, account_of, binaries, reachable_programs, refuse_other_version

LOGIN = "assets"
START_SECONDS_MAX = 120.0  # recovery after a crash replays the log; a start without it takes 0.1 s
STARTS_MAX = 3
ORPHAN_GRACE_SECONDS = 1.0  # idle processes notice a dead postmaster at once, busy ones perhaps never

# What postgresql.conf includes, written anew at each start, so that data made long ago has the values of today. An
# operator's own stand in postgresql.conf below the line that includes it.
INCLUDED = "assets.conf"
INCLUDE = f"include = '{INCLUDED}'"
# mmap, because /dev/shm is 64 MB in a container and logind empties it when a person signs out.
# Statements are kept out of the log, because they may carry a secret or a person's name.
# Memory is small: what is not in shared_buffers is in the system's cache. Statistics are made of 300 times as many rows as
# their target: of 30,000 rows of imports a worker of autovacuum took 50 MB, of 7,500 it takes 22; plans stay the same.
DEFAULTS = """\
max_connections = 100
shared_buffers = 32MB
maintenance_work_mem = 32MB
autovacuum_work_mem = 16MB
autovacuum_max_workers = 1
default_statistics_target = 25
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


@dataclass(frozen=True)
class Server:
    """A server that answered just now; `started_here` if it is this process whose death stops it."""

    dsn: str = field(repr=False)
    data: Path
    sockets: Path
    started_here: bool


_connect: Callable[..., Awaitable[Any]] = asyncpg.connect  # it has no types
_children: dict[Path, subprocess.Popen[bytes]] = {}


def ensure(home: Path, *, database: str = "assets", owned: bool = True) -> Server:
    """A server of `home` that answers and has `database`: the running one, else one started now.

    With `owned`, a server started here shuts down cleanly when this process dies, however it dies; whoever shares
    and loses it calls again. Call it from the main thread. EmbeddedError says what to do.
    """
    _refuse_misuse(database)
    with explained(home):
        place = home_of(home)
        place.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        place.running.parent.mkdir(mode=0o700, exist_ok=True)
        deadline = time.monotonic() + START_SECONDS_MAX
        with sole_starter(place, deadline):
            return _find_or_start(place, database=database, owned=owned, deadline=deadline)


def stop(home: Path, *, timeout_seconds: float = 10) -> None:
    """Ask the server of `home`, if one runs, to roll back what is open and end, and wait until it has."""
    with explained(home):
        place = home_of(home)
        if place.running.exists():
            _stop(place, time.monotonic() + timeout_seconds)


def _refuse_misuse(database: str) -> None:
    if not Path("/proc/self/fd").exists():
        raise EmbeddedError("The embedded server needs Linux with /proc; set ASSETS_DATABASE_URL instead")
    if threading.get_native_id() != os.getpid():  # the server would end with the thread, not the process: prctl(2)
        raise EmbeddedError("The embedded server must be started from the main thread")
    if not re.fullmatch(r"[a-z_][a-z0-9_]{0,62}", database):
        raise EmbeddedError(f"{database!r} is no database name: lower-case letters, digits and _ only")


def _find_or_start(place: Home, *, database: str, owned: bool, deadline: float) -> Server:
    started: subprocess.Popen[bytes] | None = None
    starts = 0
    reason = ""
    lost_since = time.monotonic()
    bound_log(place.log)
    log_start = place.log.stat().st_size if place.log.exists() else 0
    while time.monotonic() < deadline:
        if (lock := lock_if_free(place.running)) is not None:
            with closing(lock):  # the server has its own copy when this one closes
                # It gave up (1), or somebody stopped (0) or killed (below 0) it before we could sign in.
                if started and (started.wait() > 0 or starts >= STARTS_MAX):
                    raise EmbeddedError(f"PostgreSQL did not start. {_said(place.log, log_start)}")
                started = _start(place, lock=lock, owned=owned)
                starts += 1
        elif found := postmaster_of(place.data):
            reason = _knock(place, found.sockets, database)
            if not reason:
                child = _children.get(place.root)
                here = child is not None and child.pid == found.pid
                return Server(_dsn(place, found.sockets, database), place.data, found.sockets, here)
            if has_sockets(found):
                lost_since = time.monotonic()
            elif time.monotonic() - lost_since > ORPHAN_GRACE_SECONDS:  # deleted: nobody will reach it again
                send_signal(found.pid, place.data, signal.SIGINT)
        elif started and started.poll() is None:
            reason = "it is starting"
        elif time.monotonic() - lost_since > ORPHAN_GRACE_SECONDS:
            reason = "processes that cannot be seen from here, perhaps of another container, hold the data"
            end_orphans(place.data)
        time.sleep(POLL_SECONDS)
    raise EmbeddedError(f"PostgreSQL in {place.data} is not ready after {START_SECONDS_MAX:g} s: {reason}")


def _start(place: Home, *, lock: int, owned: bool) -> "subprocess.Popen[bytes]":
    """Start a server that holds `lock` on its data, which is made first if there is none."""
    _reap(place)
    account = account_of(place.data)
    programs = reachable_programs(binaries(), account)
    if not place.data.exists():
        _initialise(place, programs, account, lock)
    if not place.password.exists():
        raise EmbeddedError(f"{place.password} is missing; put it back from a backup, {place.data} needs it")
    refuse_other_version(place.data, programs)
    _configure(place.data)
    settings = {
        "listen_addresses": "",
        "port": PORT,
        "unix_socket_directories": make_sockets(place, account),
        "unix_socket_permissions": "0700",
        "cluster_name": "assets",
    }
    command = [str(programs / "postgres")]
    command += [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    # A living process whose id stands in a leftover postmaster.pid is taken for a server, unless it is said to be
    # the "grandparent". Holding the lock, we know that it is no server of ours.
    stale = {"PG_GRANDPARENT_PID": str(stale_pid(place.data))}
    log = os.open(place.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with closing(log):
        process = _spawn(command, place.data, account, keep=[lock], output=log, owned=owned, extra=stale)
    _children[place.root] = process
    return process


def _stop(place: Home, deadline: float) -> None:
    asked: Postmaster | None = None
    lost_since = time.monotonic()
    while (lock := lock_if_free(place.running)) is None:
        if found := postmaster_of(place.data):
            lost_since = time.monotonic()
            if found != asked and send_signal(found.pid, place.data, signal.SIGINT):
                asked = found
        elif time.monotonic() - lost_since > ORPHAN_GRACE_SECONDS:
            end_orphans(place.data)
        if time.monotonic() > deadline:
            raise EmbeddedError(f"PostgreSQL in {place.data} did not stop in time; see {place.log}")
        time.sleep(POLL_SECONDS)
    with closing(lock):
        _reap(place)
        for base in (Path("/run"), *socket_bases(None)):
            for path in base.glob(f"{sockets_name(place)}*"):
                with suppress(OSError):  # it was killed, or they are not ours
                    path.rmdir()


def _initialise(place: Home, programs: Path, account: Account | None, lock: int) -> None:
    """Make the data under another name, and give it its own when it is whole."""
    new = place.unfinished
    if new.exists():
        shutil.rmtree(new)
    new.mkdir(mode=0o700)
    if account:
        os.chown(new, account.uid, account.gid)
    secret = os.memfd_create("password")  # the account may not read the password's file
    with closing(secret):
        os.write(secret, make_password(place.password).encode())
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
    new.rename(place.data)
    sync_directory(place.data.parent)


def _configure(data: Path) -> None:
    """Give the server the settings of today. The data is another's when we are root, so no link is followed."""
    part = data / f"{INCLUDED}.new"
    part.unlink(missing_ok=True)
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with closing(handle):
        os.fchmod(handle, 0o644)  # the server's account reads it; nobody else comes into the directory
        os.write(handle, DEFAULTS.encode())
        os.fsync(handle)
    part.rename(data / INCLUDED)
    handle = os.open(data / "postgresql.conf", os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC)
    with os.fdopen(handle, "r+", encoding="utf-8", errors="replace") as conf:
        if INCLUDE not in map(str.strip, conf.read().splitlines()):
            conf.write(f"\n{INCLUDE}\n")
            conf.flush()
            os.fsync(handle)
    sync_directory(data)


def _spawn(
    command: list[str],
    data: Path,
    account: Account | None,
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


def _dsn(place: Home, sockets: Path, database: str) -> str:
    password = place.password.read_text().strip()
    return f"postgresql://{LOGIN}:{password}@/{database}?host={quote(str(sockets), safe='')}&port={PORT}"


def _knock(place: Home, sockets: Path, database: str) -> str:
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


def _reap(place: Home) -> None:
    """Take leave of our child, which is ending if not gone: the lock that it held is free."""
    child = _children.pop(place.root, None)
    if child:
        child.wait()
