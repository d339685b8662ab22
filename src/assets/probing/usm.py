"""SNMPv3 messages and their user-based security: RFC 3412 and 3414, SHA-2 by RFC 7860, AES by RFC 3826.

Nothing here knows sockets or waits. A message is sealed for a user at an engine, opened again, and what is wrong with
it has a name. AES with 192 and 256 bits is no standard: `aes192` and `aes256` extend the key as
draft-blumenthal-aes-usm-04 does (Net-SNMP and most others), `aes192c` and `aes256c` as draft-reeder-snmpv3-usm-3desede
does (Cisco and those who follow it).
"""

import hashlib
import hmac
import os
import struct
from collections import OrderedDict
from dataclasses import dataclass, field
from functools import lru_cache

from cryptography.hazmat.decrepit.ciphers.modes import CFB  # as RFC 3826 wants it; old, not broken
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES

from assets.probing import ber
from assets.probing.ber import BadBer, integer, length, tlv
from assets.probing.contract import User

V3 = 3
AUTH, PRIVACY, REPORTABLE = 1, 2, 4  # bits of msgFlags
REPORT = 0xA8
WINDOW_SECONDS = 150  # RFC 3414 §2.2.3
BOOTS_MAX = (1 << 31) - 1
ENGINE_ID_MIN, ENGINE_ID_MAX = 5, 32  # SnmpEngineID, RFC 3411
USER_MAX = 32
KEY_LENGTH_MIN = 8  # RFC 3414 §11.2
KEYS_MAX = 4_096
_MESSAGE_MAX = integer(65_507)
_USM_MODEL = 3
_STRETCHED = 1 << 20  # octets of the repeated password, RFC 3414 §A.2
DIGESTS = {"md5": 12, "sha1": 12, "sha224": 16, "sha256": 24, "sha384": 32, "sha512": 48}
_AES = {"aes128": 16, "aes192": 24, "aes256": 32, "aes192c": 24, "aes256c": 32}
_SALT_OCTETS = 8


def speaks(credential: object) -> bool:
    """Whether this is an SNMPv3 user whose protocols are all here; DES is left to pysnmp."""
    return isinstance(credential, User) and (credential.privacy is None or credential.privacy in _AES)


class BadKey(ValueError):
    """The credential cannot be used at all; the message says why."""


@dataclass(frozen=True, slots=True)
class Keys:
    """A user at one engine: its level in bits of msgFlags, and its localised keys."""

    engine: bytes
    user: bytes
    level: int
    algorithm: str = ""
    digest: int = 0  # octets of a digest on the wire
    auth: bytes = b""
    privacy: bytes = b""
    cipher: AES | None = field(default=None, compare=False)  # with the privacy key


class Keyring:
    """Stretched passwords and localised keys: a stretch takes a millisecond, so both are kept."""

    def __init__(self) -> None:
        self._stretched: OrderedDict[tuple[str, bytes], bytes] = OrderedDict()

    def keys(self, user: User, engine: bytes) -> Keys:
        """The keys of a user at an engine; raises BadKey."""
        name = user.user.encode()
        if not 1 <= len(name) <= USER_MAX:
            raise BadKey(f"a user name of SNMPv3 has 1 to {USER_MAX} octets")
        for secret in (user.auth_key, user.privacy_key):
            if secret and len(secret.get_secret_value().encode()) < KEY_LENGTH_MIN:
                raise BadKey(f"a key of SNMPv3 has at least {KEY_LENGTH_MIN} characters")
        if not user.auth or not user.auth_key:
            if user.privacy or user.auth:
                raise BadKey("authentication and privacy of SNMPv3 need their keys")
            return Keys(engine, name, 0)
        auth = self._localised(user.auth, user.auth_key.get_secret_value().encode(), engine)
        known = Keys(engine, name, AUTH, user.auth, DIGESTS[user.auth], auth)
        if not user.privacy:
            return known
        if not user.privacy_key:
            raise BadKey("privacy of SNMPv3 needs its key")
        privacy = self._localised(user.auth, user.privacy_key.get_secret_value().encode(), engine)
        size = _AES[user.privacy]
        while len(privacy) < size:
            if user.privacy.endswith("c"):
                privacy += self._localised(user.auth, privacy, engine)
            else:
                privacy += hashlib.new(user.auth, privacy).digest()
        key = privacy[:size]
        return Keys(engine, name, AUTH | PRIVACY, user.auth, DIGESTS[user.auth], auth, key, AES(key))

    def clear(self) -> None:
        """Forget every key."""
        self._stretched.clear()

    def _localised(self, algorithm: str, password: bytes, engine: bytes) -> bytes:
        key = self._stretch(algorithm, password)
        return hashlib.new(algorithm, key + engine + key).digest()

    def _stretch(self, algorithm: str, password: bytes) -> bytes:
        known = self._stretched.get((algorithm, password))
        if known is None:
            repeated = (password * (_STRETCHED // len(password) + 1))[:_STRETCHED]
            known = self._stretched[algorithm, password] = hashlib.new(algorithm, repeated).digest()
            if len(self._stretched) > KEYS_MAX:
                self._stretched.popitem(last=False)
        return known


class Clock:
    """How often an engine was started and how long ago, as it proved by a digest; times in monotonic seconds."""

    __slots__ = ("_at", "boots", "proven", "time")

    def __init__(self) -> None:
        self.boots = self.time = 0
        self._at = 0.0
        self.proven = False

    def now(self, at: float) -> tuple[int, int]:
        """(boots, seconds since the last) to put into a request."""
        return self.boots, min(self.time + int(at - self._at), BOOTS_MAX) if self.boots or self.time else 0

    def set(self, boots: int, time: int, at: float, *, proven: bool) -> None:
        """Take over what the engine says; unproven, it is good for asking only."""
        self.boots, self.time, self._at, self.proven = boots, time, at, proven

    def accepts(self, boots: int, time: int, at: float) -> bool:
        """Whether an authentic message is of now (RFC 3414 §3.2 step 7b), learning from it if so."""
        if not self.proven:
            self.set(boots, time, at, proven=True)
            return boots != BOOTS_MAX
        if boots == BOOTS_MAX or boots < self.boots:
            return False
        if boots == self.boots:
            if time + WINDOW_SECONDS < self.time + int(at - self._at):
                return False
            if time <= self.time:
                return True
        self.set(boots, time, at, proven=True)
        return True


@dataclass(frozen=True, slots=True)
class Head:
    """The open part of a message, believed by nobody yet; `body` is where the scoped PDU or its cipher starts."""

    number: int
    flags: int
    engine: bytes
    boots: int
    time: int
    user: bytes
    digest_at: int
    digest: bytes
    salt: bytes
    body: int


def head(data: bytes) -> Head:
    """The open part of a v3 message with the user-based model; raises BadBer."""
    try:
        start, end = ber.content(data, 0, len(data), 0x30)
        if end != len(data):
            raise BadBer("octets behind the message")
        version, at = ber.int32(data, start, end)
        if version != V3:
            raise BadBer("another version")
        first, at = ber.content(data, at, end, 0x30)
        number, inside = ber.int32(data, first, at)
        _, inside = ber.int32(data, inside, at)
        flags, inside = ber.content(data, inside, at, 0x04)
        model, last = ber.int32(data, inside, at)
        if inside - flags != 1 or last != at or model != _USM_MODEL:
            raise BadBer("a header of another form")
        first, body = ber.content(data, at, end, 0x04)
        first, last = ber.content(data, first, body, 0x30)
        if last != body:
            raise BadBer("octets behind the security parameters")
        engine, at = ber.content(data, first, last, 0x04)
        known = data[engine:at]
        boots, at = ber.int32(data, at, last)
        time, at = ber.int32(data, at, last)
        user, at = ber.content(data, at, last, 0x04)
        name = data[user:at]
        digest, at = ber.content(data, at, last, 0x04)
        salt, stop = ber.content(data, at, last, 0x04)
        if stop != last or boots < 0 or time < 0 or len(known) > ENGINE_ID_MAX or len(name) > USER_MAX:
            raise BadBer("security parameters of another form")
    except IndexError:
        raise BadBer("cut off") from None
    return Head(number, data[flags], known, boots, time, name, digest, data[digest:at], data[salt:stop], body)


@dataclass(frozen=True, slots=True)
class Scoped:
    """The PDU of a message with its context; `at` is where the PDU starts in `data`, `body` where its bindings do."""

    data: bytes
    at: int
    engine: bytes
    context: bytes
    pdu: int
    request_id: int
    error_status: int
    error_index: int
    body: int


def scoped(data: bytes, at: int, end: int) -> Scoped:
    """A scoped PDU out of the element at `at`, with nothing behind it, for AES-CFB pads nothing; raises BadBer."""
    try:
        start, stop = ber.content(data, at, end, 0x30)
        if stop != end:
            raise BadBer("octets behind the scoped PDU")
        first, at = ber.content(data, start, stop, 0x04)
        engine = data[first:at]
        first, at = ber.content(data, at, stop, 0x04)
        context = data[first:at]
        pdu, request_id, status, index, body = ber.pdu(data, at, stop)
    except IndexError:
        raise BadBer("cut off") from None
    return Scoped(data[:stop], at, engine, context, pdu, request_id, status, index, body)


class Frame:
    """The open part of an engine's messages of one size to one user, all octets but those that change with each.

    It reads such a message in one step and gives None for any that differs elsewhere: in version, flags, engine, boots,
    user, or any length.
    """

    __slots__ = ("_consts", "_unpack", "boots", "digest_at")

    def __init__(self, data: bytes, found: Head) -> None:
        _, top = ber.int32(data, ber.content(data, 0, len(data), 0x30)[0], len(data))
        number, _ = ber.content(data, ber.content(data, top, len(data), 0x30)[0], len(data), 0x02)
        digest = (found.digest_at, found.digest_at + len(found.digest))
        user = found.digest_at - 2 - len(found.user) - 2
        time = (user - len(integer(found.time)) + 2, user)
        salt = (found.body - len(found.salt), found.body)
        cipher = ber.content(data, found.body, len(data), 0x04)
        layout, at = [">"], 0
        consts = []
        for start, stop in ((number, number + 4), time, digest, salt, cipher):
            layout.append(f"{start - at}s{stop - start}s")
            consts.append(data[at:start])
            at = stop
        self._unpack = struct.Struct("".join(layout)).unpack
        self._consts = tuple(consts)
        self.boots = found.boots
        self.digest_at = found.digest_at

    @classmethod
    def of(cls, data: bytes, found: Head) -> "Frame | None":
        """The frame of a message that was taken; None where numbers are padded or nothing is encrypted."""
        if not found.flags & PRIVACY or len(found.salt) != _SALT_OCTETS:
            return None
        made = cls(data, found)
        read = made.read(data)
        if read is None or (read[0], read[1], read[2]) != (found.number, found.time, found.digest):
            return None
        return made

    def read(self, data: bytes) -> tuple[int, int, bytes, bytes, bytes] | None:
        """(number, time, digest, salt, cipher)."""
        parts = self._unpack(data)
        if parts[::2] != self._consts:
            return None
        number, time = int.from_bytes(parts[1], "big", signed=True), int.from_bytes(parts[3], "big", signed=True)
        return (number, time, parts[5], parts[7], parts[9]) if time >= 0 else None


def authentic(data: bytes, digest: bytes, at: int, keys: Keys) -> bool:
    """Whether the digest of a message, found `at` there, is what this user's key makes; compared in constant time."""
    if len(digest) != keys.digest:
        return False
    blank = data[:at] + bytes(keys.digest) + data[at + keys.digest :]
    return hmac.compare_digest(hmac.digest(keys.auth, blank, keys.algorithm)[: keys.digest], digest)


def opened(data: bytes, found: Head, keys: Keys) -> bytes:
    """The scoped PDU in the clear as one element; raises BadBer."""
    if not found.flags & PRIVACY:
        return data[found.body :]
    if len(found.salt) != _SALT_OCTETS:
        raise BadBer("a salt of another size than 8")
    try:
        start, end = ber.content(data, found.body, len(data), 0x04)
    except IndexError:
        raise BadBer("cut off") from None
    if end != len(data):
        raise BadBer("octets behind the cipher")
    return decrypted(keys, found.boots, found.time, found.salt, data[start:end])


def decrypted(keys: Keys, boots: int, time: int, salt: bytes, cipher: bytes) -> bytes:
    """What was encrypted for this user at an engine of this time."""
    return _cipher(keys, boots, time, salt).decryptor().update(cipher)


def _cipher(keys: Keys, boots: int, time: int, salt: bytes) -> "Cipher[CFB]":
    assert keys.cipher is not None
    return Cipher(keys.cipher, CFB(((boots << 32 | time) << 64).to_bytes(16, "big")[:8] + salt))


class Salts:
    """A salt of 64 bits for each message, never twice in one process (RFC 3826 §3.1.2.1)."""

    def __init__(self) -> None:
        self._next = int.from_bytes(os.urandom(8), "big")

    def next(self) -> bytes:
        """The next one."""
        self._next = (self._next + 1) & 0xFFFF_FFFF_FFFF_FFFF
        return self._next.to_bytes(_SALT_OCTETS, "big")


def sealed(keys: Keys, number: int, when: tuple[int, int], plain: bytes, salt: bytes) -> bytes:
    """A message of this user to its engine around a scoped PDU, encrypted and signed as its level wants."""
    boots, time = when
    if keys.level & PRIVACY:
        plain = _cipher(keys, boots, time, salt).encryptor().update(plain)
    else:
        salt = b""
    seconds = time.to_bytes(time.bit_length() // 8 + 1, "big")
    before, between, behind, last, cipher = _envelope(keys, boots, len(seconds), len(plain))
    start = before + number.to_bytes(4, "big") + between + seconds + behind
    end = last + salt + cipher + plain
    if not keys.level & AUTH:
        return start + end
    digest = hmac.digest(keys.auth, start + bytes(keys.digest) + end, keys.algorithm)[: keys.digest]
    return start + digest + end


@lru_cache(maxsize=KEYS_MAX)
def _envelope(keys: Keys, boots: int, time: int, size: int) -> tuple[bytes, bytes, bytes, bytes, bytes]:
    """What stands before number, time, digest, salt and scoped PDU of a message."""
    salt = bytes((0x04, _SALT_OCTETS if keys.level & PRIVACY else 0))
    start = tlv(0x04, keys.engine) + integer(boots) + bytes((0x02, time))
    behind = tlv(0x04, keys.user) + bytes((0x04, keys.digest))
    inside = len(start) + time + len(behind) + keys.digest + len(salt) + salt[1]
    security = bytes((0x30,)) + length(inside)
    between = bytes((0x04,)) + length(len(security) + inside) + security + start
    cipher = bytes((0x04,)) + length(size) if keys.level & PRIVACY else b""
    flags = _MESSAGE_MAX + tlv(0x04, bytes((keys.level | REPORTABLE,))) + integer(_USM_MODEL)
    head = integer(V3) + bytes((0x30,)) + length(6 + len(flags)) + b"\x02\x04"
    between = flags + between
    whole = len(head) + 4 + len(between) + time + len(behind) + keys.digest + len(salt) + salt[1] + len(cipher) + size
    return bytes((0x30,)) + length(whole) + head, between, behind, salt, cipher


NOBODY = Keys(b"", b"", 0)  # who asks an engine for its id


def question(engine: bytes, pdu: int, third: int, bindings: bytes) -> tuple[bytes, bytes]:
    """A scoped PDU cut where its four-octet request-id goes: (before, after)."""
    rest = integer(0) + integer(third) + tlv(0x30, bindings)
    inside = tlv(0x04, engine) + b"\x04\x00" + bytes((pdu,)) + length(6 + len(rest)) + b"\x02\x04"
    return bytes((0x30,)) + length(len(inside) + 4 + len(rest)) + inside, rest
