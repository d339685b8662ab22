"""What a collector keeps encrypted on disk, so that it starts and works while the service is away, and as it left off."""

import os
import threading
from pathlib import Path

import structlog

from assets.collector.uplink import ASSIGNMENT_BYTES_MAX, Away, Fetched, read_assignment
from assets.vault import Vault, VaultError

SEALED_BYTES_MAX = 2 * ASSIGNMENT_BYTES_MAX  # base64 and the seal around it

_log = structlog.get_logger(__name__)


class Sealed:
    """One sealed file that is replaced as a whole; whoever steals the disk without the key reads nothing."""

    def __init__(self, path: Path, vault: Vault, *, bound_to: str) -> None:
        self._path = path
        self._vault = vault
        self._bound_to = bound_to
        self._writing = threading.Lock()  # a thread writes on after whoever sent it was stopped

    def write(self, data: bytes) -> None:
        """Replace what is kept, in one step; a disk that refuses is said and survived, for it is only a copy."""
        with self._writing:
            self._replace(data)

    def _replace(self, data: bytes) -> None:
        draft = self._path.with_name(f".{self._path.name}.draft")
        try:
            handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "w", encoding="ascii") as file:
                file.write(self._vault.seal(data, bound_to=self._bound_to))
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self._path)
        except OSError as error:
            _log.warning("not kept on disk", what=self._bound_to, reason=error.strerror)

    def read(self) -> bytes | None:
        """What is kept; None when there is nothing, or nothing that can be read."""
        try:
            with self._path.open(encoding="ascii") as file:
                return self._vault.unseal(file.read(SEALED_BYTES_MAX + 1), bound_to=self._bound_to)
        except FileNotFoundError:
            return None
        except OSError as error:
            reason = error.strerror or str(error)
        except (UnicodeDecodeError, VaultError) as error:
            reason = str(error)
        _log.warning("what was kept is unreadable", what=self._bound_to, reason=reason)
        return None


class Keep:
    """The last assignment. It holds credentials, hence the seal; what cannot be read is fetched again."""

    def __init__(self, path: Path, vault: Vault) -> None:
        self._file = Sealed(path, vault, bound_to="collector.assignment")

    def save(self, fetched: Fetched) -> None:
        """Replace what is kept."""
        self._file.write(fetched.raw)

    def load(self) -> Fetched | None:
        """What is kept."""
        if (raw := self._file.read()) is None:
            return None
        try:
            return read_assignment(raw)
        except Away as error:
            _log.warning("kept assignment unreadable, waiting for the service", reason=str(error))
            return None
