"""The file of a backup: a tar with `database.dump` (PostgreSQL's custom format) and `manifest.json` behind it.

The manifest comes last, because it says what the dump hashes to. Both can be taken out with tar and read with
pg_restore where this program is not at hand. The file is made beside its name and gets it when it is whole.
"""

import hashlib
import os
import secrets
import tarfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import IO

from pydantic import BaseModel, ValidationError

from assets.backup.contents import TableFacts
from assets.embedded.files import sync_directory
from assets.errors import AssetsError

DUMP, MANIFEST = "database.dump", "manifest.json"
FORM = 1
MANIFEST_BYTES_MAX = 4_000_000
CHUNK = 1 << 20


class NoBackup(AssetsError):
    """The file is no backup of this program, or a damaged one."""


class Manifest(BaseModel):
    """What a backup says of itself; `sealed` opens only with the key that the secrets in it were sealed with."""

    form: int = FORM
    version: str
    taken_at: datetime
    server: str
    migrations: list[str]
    key: str
    sealed: str
    tables: dict[str, TableFacts]
    dump_sha256: str = ""

    @property
    def rows(self) -> int:
        """Rows of all tables."""
        return sum(table.rows for table in self.tables.values())


def write(path: Path, dump: Iterable[bytes], manifest: Manifest) -> Manifest:
    """Make the file from a dump as it comes and what is said of it; 0600, and never over another."""
    if path.exists():
        raise NoBackup(f"{path} exists already; a backup never replaces another file.")
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        handle = os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w+b") as file:
            told = _fill(file, dump, manifest)
            file.flush()
            os.fsync(file.fileno())
        _publish(part, path)
        sync_directory(path.parent)
    except FileExistsError:
        raise NoBackup(f"{path} exists already; a backup never replaces another file.") from None
    except OSError as error:
        raise NoBackup(f"{path} cannot be written: {error.strerror or error}.") from error
    finally:
        with suppress(OSError):
            part.unlink()
    return told


def _publish(part: Path, path: Path) -> None:
    try:
        os.link(part, path)  # unlike a rename it never replaces what came meanwhile
    except FileExistsError:
        raise
    except OSError:  # a memory stick or a share without hard links
        if path.exists():
            raise FileExistsError from None
        part.rename(path)


def _fill(file: IO[bytes], dump: Iterable[bytes], manifest: Manifest) -> Manifest:
    """The dump's size stands before it and is known after it: its header is written last."""
    file.write(bytes(tarfile.BLOCKSIZE))
    digest, size = hashlib.sha256(), 0
    for chunk in dump:
        file.write(chunk)
        digest.update(chunk)
        size += len(chunk)
    _pad(file, size)
    told = manifest.model_copy(update={"dump_sha256": digest.hexdigest()})
    text = told.model_dump_json(indent=1).encode()
    file.write(_header(MANIFEST, len(text), told.taken_at))
    file.write(text)
    _pad(file, len(text))
    file.write(bytes(2 * tarfile.BLOCKSIZE))
    file.seek(0)
    file.write(_header(DUMP, size, told.taken_at))
    return told


def _pad(file: IO[bytes], size: int) -> None:
    file.write(bytes(-size % tarfile.BLOCKSIZE))


def _header(name: str, size: int, at: datetime) -> bytes:
    member = tarfile.TarInfo(name)
    member.size, member.mode, member.mtime = size, 0o600, int(at.timestamp())
    return member.tobuf(format=tarfile.GNU_FORMAT)


def read(path: Path) -> Manifest:
    """What the file says of itself, after its dump was read once and found whole; NoBackup says what is wrong."""
    with _opened(path) as archive:
        told = _manifest(path, archive)
        digest = hashlib.sha256()
        for chunk in _chunks(archive, path):
            digest.update(chunk)
    if digest.hexdigest() != told.dump_sha256:
        raise NoBackup(f"{path} is damaged: its dump is not what its manifest says.")
    return told


def dump_of(path: Path) -> Iterator[bytes]:
    """The dump of a backup, in pieces."""
    with _opened(path) as archive:
        yield from _chunks(archive, path)


def _opened(path: Path) -> tarfile.TarFile:
    try:
        return tarfile.open(path, "r:")
    except (OSError, tarfile.TarError) as error:
        raise NoBackup(f"{path} is no backup: {getattr(error, 'strerror', None) or error}.") from None


def _manifest(path: Path, archive: tarfile.TarFile) -> Manifest:
    try:
        member = archive.getmember(MANIFEST)
        file = archive.extractfile(member) if member.size <= MANIFEST_BYTES_MAX else None
        text = file.read() if file else b""
    except (KeyError, OSError, tarfile.TarError):
        raise NoBackup(f"{path} is no backup, or it was cut off: it has no {MANIFEST}.") from None
    try:
        told = Manifest.model_validate_json(text)
    except ValidationError:
        raise NoBackup(f"{path} has a {MANIFEST} that this program does not read.") from None
    if told.form != FORM:
        raise NoBackup(f"{path} has the form {told.form}; this program reads form {FORM}.")
    return told


def _chunks(archive: tarfile.TarFile, path: Path) -> Iterator[bytes]:
    try:
        file = archive.extractfile(DUMP)
        while file and (chunk := file.read(CHUNK)):
            yield chunk
    except (KeyError, OSError, tarfile.TarError):
        raise NoBackup(f"{path} is damaged: its dump cannot be read.") from None
