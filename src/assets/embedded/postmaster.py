"""The running server as the system shows it: its process, its leftovers, and the directory of its socket."""

import hashlib
import os
import secrets
import signal
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from assets.embedded.files import EmbeddedError, Home, closing, is_private
from assets.embedded.programs import TEMPORARY, Account, may_reach

SUN_PATH_MAX = 107  # bytes of a socket's path without the final NUL, unix(7)
PORT = 5432  # only a part of the socket's name: nothing listens on the network


@dataclass(frozen=True)
class Postmaster:
    """A living server: its first process, and the directory of its socket."""

    pid: int
    sockets: Path


def postmaster_of(data: Path) -> Postmaster | None:
    """The living server of `data`, shown by /proc to be it; None without one, or before it has named its socket."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
        pid, sockets = int(lines[0]), Path(lines[4])
    except (FileNotFoundError, ValueError, IndexError):
        return None
    return Postmaster(pid, sockets) if sockets.is_absolute() and _is_of(pid, data) else None


def stale_pid(data: Path) -> int:
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


def send_signal(pid: int, data: Path, number: signal.Signals) -> bool:
    """Signal a process that is shown to be of `data`; while we hold its handle its id cannot become another's."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return False
    with closing(handle), suppress(ProcessLookupError):
        if _is_of(pid, data):
            signal.pidfd_send_signal(handle, number)
            return True
    return False


def end_orphans(data: Path) -> None:
    """End what a dead postmaster left busy: the next may not start beside it, and its memory is void anyway."""
    for pid in [int(p.name) for p in Path("/proc").iterdir() if p.name.isdigit()]:
        if _is_of(pid, data):
            send_signal(pid, data, signal.SIGKILL)


def has_sockets(found: Postmaster) -> bool:
    """Whether the server still has its directory of sockets, here or in the file system that it sees."""
    return found.sockets.exists() or Path(f"/proc/{found.pid}/root{found.sockets}").exists()


def make_sockets(place: Home, account: Account | None) -> Path:
    """A short directory that only the server's account and root may enter; never one that somebody else made."""
    owner = account.uid if account else os.geteuid()
    name = sockets_name(place)
    for base in socket_bases(account):
        for path in (base / name, base / f"{name}-{secrets.token_hex(4)}"):  # the second if the first is a trap
            if len(os.fsencode(path / f".s.PGSQL.{PORT}")) > SUN_PATH_MAX:
                continue
            with suppress(OSError):  # it exists, or may not be made here
                path.mkdir(mode=0o700)
                if account:
                    os.chown(path, account.uid, account.gid)
            if is_private(path, owner, 0o700):
                for leftover in path.glob(".s.PGSQL.*"):  # of a killed server: we hold the lock
                    leftover.unlink()
                return path
    raise EmbeddedError("There is no writable directory with a short path for PostgreSQL's socket, not even /tmp")


def sockets_name(place: Home) -> str:
    """The name of the directory of a home\'s socket, the same at each start."""
    return "assets-" + hashlib.sha256(os.fsencode(place.root)).hexdigest()[:12]


def socket_bases(account: Account | None) -> Iterator[Path]:
    """Where that directory may be made, the best place first."""
    runtime = Path(os.environ.get("XDG_RUNTIME_DIR", "."))
    if account:
        yield Path("/run")
    elif runtime.is_absolute() and is_private(runtime, os.geteuid(), 0o700):
        yield runtime
    yield from (base for base in TEMPORARY if base.is_dir() and (not account or may_reach(base, account)))
