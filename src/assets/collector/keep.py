"""The last assignment, encrypted on disk, so that a collector starts and works while the service is away."""

import os
from pathlib import Path

import structlog

from assets.collector.uplink import ASSIGNMENT_BYTES_MAX, Away, Fetched, read_assignment
from assets.vault import Vault, VaultError

SEALED_BYTES_MAX = 2 * ASSIGNMENT_BYTES_MAX  # base64 and the seal around it
BOUND_TO = "collector.assignment"

_log = structlog.get_logger(__name__)


class Keep:
    """One sealed file. It holds credentials, hence the seal; whoever steals the disk without the key reads nothing."""

    def __init__(self, path: Path, vault: Vault) -> None:
        self._path = path
        self._vault = vault

    def save(self, fetched: Fetched) -> None:
        """Replace what is kept, in one step; a disk that refuses is said and survived, for it is only a copy."""
        draft = self._path.with_name(f".{self._path.name}.draft")
        try:
            handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "w", encoding="ascii") as file:
                file.write(self._vault.seal(fetched.raw, bound_to=BOUND_TO))
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self._path)
        except OSError as error:
            _log.warning("assignment not kept on disk", reason=error.strerror)

    def load(self) -> Fetched | None:
        """What is kept; None when there is nothing, or nothing that can be read: it will be fetched again."""
        try:
            with self._path.open(encoding="ascii") as file:
                sealed = file.read(SEALED_BYTES_MAX + 1)
            return read_assignment(self._vault.unseal(sealed, bound_to=BOUND_TO))
        except FileNotFoundError:
            return None
        except OSError as error:
            reason = error.strerror or str(error)
        except (UnicodeDecodeError, VaultError, Away) as error:
            reason = str(error)
        _log.warning("kept assignment unreadable, waiting for the service", reason=reason)
        return None
