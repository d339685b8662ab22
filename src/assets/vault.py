"""Secrets at rest: AES-256-GCM (NIST SP 800-38D), each bound to the place where it is kept.

A sealed text is `v1.<key id>.<base64url of nonce, ciphertext and tag>`. The place (such as "channels.url:<row id>")
is authenticated with it, so that a secret copied to another row or column does not open there. Nonces are 96 random
bits: one key may seal some 2^32 texts before the chance of a repeat matters, far beyond what we keep.

    VaultError
    ├── KeyFileWrong    the key file is unreadable, open to others, or not what `Vault.open` writes
    ├── KeyMissing      the text names a key that this vault does not hold
    └── SealBroken      the text was altered, cut, or is bound to another place
"""

import base64
import binascii
import os
import secrets
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from assets.errors import AssetsError

KEY_BYTES = 32
NONCE_BYTES = 12
TAG_BYTES = 16
KEYS_MAX = 32
KEY_ID_MAX = 32
KEY_FILE = "assets-key"
KEY_FILE_BYTES_MAX = 8_192
_FORM = "v1"
_ID_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")


class VaultError(AssetsError):
    """A secret cannot be opened or closed."""


class KeyFileWrong(VaultError):
    """The file with the keys cannot be used."""


class KeyMissing(VaultError):
    """The secret was sealed with a key that is not here."""


class SealBroken(VaultError):
    """The sealed text was altered, or belongs to another place."""


class Vault:
    """Seals and unseals short secrets; the first key seals, every key unseals, so that keys can be changed in turn."""

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        _refuse_bad_keys(keys)
        self._ciphers = {key_id: AESGCM(key) for key_id, key in keys.items()}
        self._current = next(iter(keys))

    @classmethod
    def open(cls, home: Path, *, make: bool = True) -> Self:
        """The vault of this machine: systemd's credential where there is one, else a 0600 file, made on first use if `make`."""
        if given := os.environ.get("CREDENTIALS_DIRECTORY"):
            credential = Path(given) / KEY_FILE
            if credential.exists():
                # Its mode is systemd's business: an ACL makes it look group-readable.
                return cls(_parse(_read(credential), credential))
        path = home / KEY_FILE
        if not path.exists():
            if not make:
                raise KeyFileWrong(f"there is no key: neither {path} nor the systemd credential {KEY_FILE}")
            _create(path)
        _refuse_open_to_others(path)
        return cls(_parse(_read(path), path))

    def __repr__(self) -> str:
        return f"Vault({', '.join(self._ciphers)})"

    @property
    def current(self) -> str:
        """The id of the key that seals."""
        return self._current

    def seal(self, plaintext: bytes | str, *, bound_to: str) -> str:
        """The secret as text that opens only here and only for `bound_to`."""
        data = plaintext.encode() if isinstance(plaintext, str) else plaintext
        nonce = secrets.token_bytes(NONCE_BYTES)
        closed = self._ciphers[self._current].encrypt(nonce, data, _bound(self._current, bound_to))
        return f"{_FORM}.{self._current}.{base64.urlsafe_b64encode(nonce + closed).decode().rstrip('=')}"

    def unseal(self, text: str, *, bound_to: str) -> bytes:
        """The secret of a sealed text; KeyMissing or SealBroken when it does not open for `bound_to`."""
        key_id, blob = _split(text, bound_to)
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise KeyMissing(f"{bound_to} was sealed with the key {key_id}; this vault has {', '.join(self._ciphers)}")
        try:
            return cipher.decrypt(blob[:NONCE_BYTES], blob[NONCE_BYTES:], _bound(key_id, bound_to))
        except InvalidTag:
            raise SealBroken(
                f"{bound_to} does not open: altered, bound to another place, or another key named {key_id}"
            ) from None


def key_of(text: str) -> str:
    """The id of the key that sealed this text, so that a change of keys finds what is still to be sealed anew."""
    return _split(text, "the text")[0]


def new_key_line() -> str:
    """One line of a key file: a fresh id and a fresh key. The first line of the file seals."""
    return f"{secrets.token_hex(4)}:{base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()}\n"


def _bound(key_id: str, bound_to: str) -> bytes:
    # The form and the key's id are authenticated too: neither can be swapped for a weaker one later.
    return f"{_FORM}\0{key_id}\0{bound_to}".encode()


def _split(text: str, bound_to: str) -> tuple[str, bytes]:
    form, _, rest = text.partition(".")
    key_id, _, body = rest.partition(".")
    if form != _FORM or not _is_key_id(key_id):
        raise SealBroken(f"{bound_to} is not a sealed text of form {_FORM}")
    try:
        blob = base64.b64decode(body + "=" * (-len(body) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise SealBroken(f"{bound_to} is a sealed text with foreign characters in it") from None
    if len(blob) < NONCE_BYTES + TAG_BYTES:
        raise SealBroken(f"{bound_to} is a sealed text that was cut short")
    return key_id, blob


def _is_key_id(text: str) -> bool:
    return 0 < len(text) <= KEY_ID_MAX and _ID_LETTERS.issuperset(text)


def _refuse_bad_keys(keys: Mapping[str, bytes]) -> None:
    if not 0 < len(keys) <= KEYS_MAX:
        raise KeyFileWrong(f"a vault holds 1 to {KEYS_MAX} keys, not {len(keys)}")
    for key_id, key in keys.items():
        if not _is_key_id(key_id):
            raise KeyFileWrong(f"a key's id has 1 to {KEY_ID_MAX} of a-z, 0-9 and -")
        if len(key) != KEY_BYTES:
            raise KeyFileWrong(f"the key {key_id} has {len(key)} bytes instead of {KEY_BYTES}")


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(KEY_FILE_BYTES_MAX + 1)
    except OSError as error:
        raise KeyFileWrong(f"cannot read the key file {path}: {error.strerror}") from None
    if len(data) > KEY_FILE_BYTES_MAX:
        raise KeyFileWrong(f"the key file {path} is larger than {KEY_FILE_BYTES_MAX} bytes")
    return data


def _parse(data: bytes, path: Path) -> dict[str, bytes]:
    keys: dict[str, bytes] = {}
    for number, line in enumerate(data.decode("ascii", "replace").splitlines(), start=1):
        if not line.strip():
            continue
        key_id, _, encoded = line.strip().partition(":")
        try:
            key = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            key = b""
        if not _is_key_id(key_id) or len(key) != KEY_BYTES or key_id in keys:
            # The line itself is never quoted: it may be a key with one slip in it.
            raise KeyFileWrong(f"line {number} of the key file {path} is not `id:base64 of {KEY_BYTES} bytes`")
        keys[key_id] = key
    if not keys:
        raise KeyFileWrong(f"the key file {path} holds no key")
    return keys


def _create(path: Path) -> None:
    """Make the key file in one step: of several processes that start together one wins and all read the same."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(new_key_line())
            file.flush()
            os.fsync(file.fileno())
        _publish(draft, path)
    except OSError as error:
        raise KeyFileWrong(f"cannot make the key file {path}: {error.strerror}") from None
    finally:
        draft.unlink(missing_ok=True)


def _publish(draft: Path, path: Path) -> None:
    try:
        os.link(draft, path)  # unlike a rename it never replaces a key that somebody has already used
    except FileExistsError:
        return
    if os.name == "posix":
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _refuse_open_to_others(path: Path) -> None:
    mode = stat.S_IMODE(path.stat().st_mode)
    if os.name == "posix" and mode & 0o077:
        raise KeyFileWrong(f"the key file {path} is open to others (mode {mode:o}); it must be 600")
