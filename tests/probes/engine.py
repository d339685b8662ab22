"""An SNMPv3 engine for tests: answers as RFC 3414 wants it, and wrongly in any one point that a test asks for.

It makes its messages by itself, from `hmac` and `cryptography`; only keys and the reading of questions are the wire's.
pysnmp and net-snmp talk to it too, so that it is not only our own idea of the protocol.
"""

import asyncio
import contextlib
import hmac
import time
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, cast

from cryptography.hazmat.decrepit.ciphers.modes import CFB
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES

from assets.ids import new_id
from assets.probing import ber, oid, usm
from assets.probing.ber import integer, tlv
from assets.probing.contract import User
from tests.probes.hostile import NAME, TEXT, Question

ENGINE_ID = bytes.fromhex("80001f8880c0ffee00c0ffee00")
USM_STATS = "1.3.6.1.6.3.15.1.1"
LEVEL, TIME, USER, ENGINE, DIGEST, DECRYPTION = (f"{USM_STATS}.{n}.0" for n in range(1, 7))


def user(**changes: Any) -> User:
    """The user of these tests, or one with something wrong."""
    right = {
        "id": new_id(), "user": "watcher", "auth": "sha256", "auth_key": "correct-auth-key", "privacy": "aes128",
        "privacy_key": "correct-privacy-key",
    }  # fmt: skip
    return User.model_validate(right | changes)


@dataclass(frozen=True)
class Asked:
    """A question as the engine read it."""

    head: usm.Head
    pdu: bytes
    question: Question


def answer(question: Question, *, bindings: list[tuple[str, bytes]] | None = None, **wrong: Any) -> bytes:
    """A response PDU that is right except for what is asked to be wrong."""
    shown = [(name, TEXT) for name in question.names] if bindings is None else bindings
    inside = b"".join(tlv(0x30, tlv(0x06, oid.encode(name)) + value) for name, value in shown)
    number = wrong.get("request_id", question.request_id)
    numbers = integer(number) + integer(wrong.get("status", 0)) + integer(wrong.get("index", 0))
    return tlv(wrong.get("pdu", ber.RESPONSE), numbers + tlv(0x30, inside))


@dataclass
class Engine(asyncio.DatagramProtocol):
    """Answers `user` by `behaviour`, which gets what was asked and how many came before."""

    user: User
    behaviour: "Callable[[Engine, Asked, int], Iterable[bytes]]"
    id: bytes = ENGINE_ID
    boots: int = 7
    started: float = field(default_factory=lambda: time.monotonic() - 1_000)
    silent_when_wrong: bool = False
    asked: list[Asked] = field(default_factory=list)
    reports: list[str] = field(default_factory=list)
    port: int = 0
    _ring: usm.Keyring = field(default_factory=usm.Keyring)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.DatagramTransport", transport)
        self.port = transport.get_extra_info("sockname")[1]

    @property
    def keys(self) -> usm.Keys:
        """Of the user at this engine."""
        return self._ring.keys(self.user, self.id)

    @property
    def now(self) -> int:
        """Seconds since it started."""
        return int(time.monotonic() - self.started)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        for datagram in self.handle(data):
            self.transport.sendto(datagram, addr)

    def handle(self, data: bytes) -> Iterable[bytes]:
        """The datagrams that go back."""
        found, keys = usm.head(data), self.keys
        level = found.flags & 3
        if found.engine != self.id:
            return self._report(found, ENGINE, 0)
        if found.user != keys.user:
            return self._report(found, USER, 0)
        if level != keys.level:
            return self._report(found, LEVEL, 0)
        if level and not usm.authentic(data, found.digest, found.digest_at, keys):
            return self._report(found, DIGEST, 0)
        if level and (found.boots != self.boots or abs(found.time - self.now) > usm.WINDOW_SECONDS):
            return self._report(found, TIME, usm.AUTH)
        try:
            plain = usm.opened(data, found, keys)
            scoped = usm.scoped(plain, 0, len(plain))
            bindings = ber.bindings(scoped.data, scoped.body)
        except ber.BadBer:
            return [] if self.silent_when_wrong else self._report(found, DECRYPTION, 0)
        names = tuple(oid.decode(b[0]) for b in bindings)
        question = Question(scoped.request_id, scoped.pdu, scoped.error_index, names)
        asked = Asked(found, scoped.data[scoped.at :], question)
        self.asked.append(asked)
        return self.behaviour(self, asked, len(self.asked) - 1)

    def message(self, found: usm.Head, pdu: bytes, *, level: int | None = None, **wrong: Any) -> bytes:
        """A message around a PDU, signed and encrypted at the user's level, right except for what is asked to be wrong."""
        keys = wrong.get("keys", self.keys)
        level = keys.level if level is None else level
        boots, seconds = wrong.get("boots", self.boots), wrong.get("time", self.now)
        engine = wrong.get("engine", self.id)
        scoped = tlv(0x30, tlv(0x04, wrong.get("context_engine", engine)) + tlv(0x04, wrong.get("context", b"")) + pdu)
        salt = b""
        if level & usm.PRIVACY:
            salt = wrong.get("salt", b"\x01\x02\x03\x04\x05\x06\x07\x08")
            initial = (
                (boots & 0xFFFFFFFF).to_bytes(4, "big") + (seconds & 0xFFFFFFFF).to_bytes(4, "big") + salt[:8].ljust(8)
            )
            scoped = tlv(0x04, Cipher(AES(keys.privacy), CFB(initial)).encryptor().update(scoped))
        size = wrong.get("digest_size", keys.digest if level & usm.AUTH else 0)
        before = (
            tlv(0x04, engine)
            + integer(boots)
            + integer(seconds)
            + tlv(0x04, wrong.get("user", keys.user if level else b""))
        )

        def whole(digest: bytes) -> bytes:
            security = tlv(0x04, tlv(0x30, before + tlv(0x04, digest) + tlv(0x04, salt)))
            flags = bytes((wrong.get("flags", level),))
            head = integer(wrong.get("number", found.number)) + integer(65_507) + tlv(0x04, flags)
            head += integer(wrong.get("model", 3))
            return tlv(0x30, integer(wrong.get("version", 3)) + tlv(0x30, head) + security + scoped)

        if not level & usm.AUTH:
            return whole(wrong.get("digest", bytes(size)))
        digest = hmac.digest(keys.auth, whole(bytes(size)), keys.algorithm)[:size]
        return whole(wrong.get("digest", digest))

    def report(self, found: usm.Head, name: str, level: int, **wrong: Any) -> bytes:
        """A report of one counter."""
        question = Question(found.number, 0, 0, (name,))
        return self.message(
            found, answer(question, bindings=[(name, tlv(0x41, b"\x05"))], pdu=0xA8), level=level, **wrong
        )

    def _report(self, found: usm.Head, name: str, level: int) -> Iterable[bytes]:
        self.reports.append(name)
        return [self.report(found, name, level)]


def honest(engine: Engine, asked: Asked, before: int) -> Iterable[bytes]:
    """The right answer."""
    return [engine.message(asked.head, answer(asked.question))]


@contextlib.asynccontextmanager
async def engine(
    behaviour: "Callable[[Engine, Asked, int], Iterable[bytes]]" = honest, **options: Any
) -> AsyncIterator[Engine]:
    """An engine on the loopback."""
    made = Engine(options.pop("user", None) or user(), behaviour, **options)
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: made, local_addr=("127.0.0.1", 0))
    try:
        yield made
    finally:
        transport.close()


__all__ = ["NAME", "Asked", "Engine", "answer", "engine", "honest", "user"]
