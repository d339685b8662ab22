"""The only door to pysnmp: for SNMPv3 with DES, and as the reference that `wire` is tested against.

pysnmp alone would wait for ever in some cases and take a reply of any length, so every question has a deadline of
asyncio's monotonic clock, names are checked here, and walks run under our own guards. No MIB is compiled or looked up.
"""

import asyncio
import hashlib
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from pyasn1.error import PyAsn1Error
from pyasn1.type.univ import Integer, Null, ObjectIdentifier, OctetString
from pysnmp.error import PySnmpError
from pysnmp.hlapi.v3arch import asyncio as _pysnmp
from pysnmp.proto import errind
from pysnmp.proto.rfc1905 import EndOfMibView

from assets.probing import oid
from assets.probing.ber import Bindings, Value
from assets.probing.contract import Community, Credential, User
from assets.probing.discovery import engine_answers
from assets.probing.door import Malformed, NotAsked, Peer, Polled, Silent, Walked, WrongCredential, poll_in_parts
from assets.probing.traffic import Meter
from assets.probing.walking import Answer, Step, Walk, get_in_parts, run

IN_FLIGHT_MAX = 50  # pysnmp decodes about 75 answers a second; more waiting would time out in the queue
ENGINES_MAX = 16
CREDENTIALS_MAX = 4_096
KEY_LENGTH_MIN = 8  # RFC 3414 §11.2
GRACE_SECONDS = 3.0  # beyond our tries: pysnmp counts in ticks of half a second and asks for the engine first

hlapi: Any = _pysnmp  # its annotations promise less than it does

_AUTH = {
    "md5": hlapi.USM_AUTH_HMAC96_MD5,
    "sha1": hlapi.USM_AUTH_HMAC96_SHA,
    "sha224": hlapi.USM_AUTH_HMAC128_SHA224,
    "sha256": hlapi.USM_AUTH_HMAC192_SHA256,
    "sha384": hlapi.USM_AUTH_HMAC256_SHA384,
    "sha512": hlapi.USM_AUTH_HMAC384_SHA512,
}
_PRIVACY = {
    "des": hlapi.USM_PRIV_CBC56_DES,
    "aes128": hlapi.USM_PRIV_CFB128_AES,
    "aes192": hlapi.USM_PRIV_CFB192_AES_BLUMENTHAL,
    "aes256": hlapi.USM_PRIV_CFB256_AES_BLUMENTHAL,
    "aes192c": hlapi.USM_PRIV_CFB192_AES,
    "aes256c": hlapi.USM_PRIV_CFB256_AES,
}
# Each says that the device is there and does not take this user, key or level (RFC 3414 §3.2).
_REFUSALS = {
    errind.UnknownUserName: "the device does not know this user",
    errind.UnknownSecurityName: "the device does not know this user",
    errind.WrongDigest: "the authentication key is wrong",
    errind.AuthenticationFailure: "the authentication key is wrong",
    errind.AuthenticationError: "the authentication key is wrong",
    errind.DecryptionError: "the privacy key is wrong",
    errind.UnsupportedSecurityLevel: "the device wants another security level for this user",
    errind.UnknownCommunityName: "the device does not know this community",
    errind.NoAccessEntry: "this user may read nothing on the device",
    errind.NoGroupName: "this user may read nothing on the device",
}
_REFUSES = (6, 16)  # noAccess, authorizationError


class _Target(hlapi.UdpTransportTarget):  # type: ignore[misc]
    """An address that needs no resolver: pysnmp would ask one, in a thread, for numbers too."""

    async def _resolve_address(self, address: tuple[str, int]) -> tuple[str, int]:
        return address


class _Target6(hlapi.Udp6TransportTarget):  # type: ignore[misc]
    async def _resolve_address(self, address: tuple[str, int]) -> tuple[str, int]:
        return address


def _counting(kind: Any, meter: Meter) -> Any:
    """The same kind of target over a socket whose datagrams are counted."""

    class Transport(kind.PROTO_TRANSPORT):  # type: ignore[misc]
        def send_message(self, outgoingMessage: bytes, transportAddress: Any) -> None:  # noqa: N803 - pysnmp's names
            meter.sent(tuple(transportAddress[:2]), len(outgoingMessage))
            super().send_message(outgoingMessage, transportAddress)

        def datagram_received(self, datagram: bytes, transportAddress: Any) -> None:  # noqa: N803
            meter.received(tuple(transportAddress[:2]), len(datagram))
            super().datagram_received(datagram, transportAddress)

    return type(kind.__name__, (kind,), {"PROTO_TRANSPORT": Transport})


class Snmp:
    """The door through pysnmp. Made inside a running loop."""

    def __init__(self, *, in_flight_max: int = IN_FLIGHT_MAX, meter: Meter | None = None) -> None:
        self._meter = meter or Meter()
        self._kinds = {v6: _counting(kind, self._meter) for v6, kind in ((False, _Target), (True, _Target6))}
        self._slots = asyncio.Semaphore(in_flight_max)
        self._engines: list[tuple[Any, dict[str, str]]] = []
        self._auths: dict[UUID, tuple[Credential, Any, Any]] = {}

    async def get(self, peer: Peer, oids: Sequence[str]) -> dict[str, Value]:
        """The values of exactly these objects; absent ones are left out."""

        async def ask(names: tuple[str, ...]) -> tuple[int, int, Bindings]:
            status, index, bindings = await self._ask(peer, names)
            if status == 0 and [oid.decode(b[0]) for b in bindings] != list(names):
                raise Malformed("badly_named")
            return status, index, bindings

        return await get_in_parts(ask, oids)

    async def walk(self, peer: Peer, roots: Sequence[str], *, limit: int | None = None, texts: bool = False) -> Walked:
        """All rows below each root, guarded (see `walking`); cut walks are marked."""

        async def ask(step: Step) -> Answer:
            return Answer(*await self._ask(peer, step.names, repetitions=step.repetitions))

        walk = Walk(roots, limit=limit, texts=texts, now=asyncio.get_running_loop().time())
        return await run(walk, peer, ask)

    async def poll(self, peer: Peer, names: tuple[str, ...], roots: tuple[str, ...]) -> Polled:
        """`get` and then `walk`."""
        return await poll_in_parts(self, peer, names, roots)

    async def close(self) -> None:
        """Closes the engines: one that is forgotten keeps a socket and a megabyte."""
        for engine, _ in self._engines:
            engine.close_dispatcher()
        self._engines.clear()
        self._auths.clear()

    async def _ask(self, peer: Peer, names: Sequence[str], *, repetitions: int = 0) -> tuple[int, int, Bindings]:
        status, index, objects = await self.exchange(peer, names, repetitions)
        return status, index, [_binding(*o) for o in objects]

    async def exchange(self, peer: Peer, names: Sequence[str], repetitions: int) -> tuple[int, int, list[Any]]:
        """(error status, error index, pysnmp's objects): GETBULK, or GET for no repetitions; raises a DeviceError."""
        patience = peer.timeout_seconds * peer.tries + GRACE_SECONDS
        async with self._slots:
            try:
                engine, auth = self._auth(peer.credential)
                async with asyncio.timeout(patience):
                    kind = self._kinds[":" in peer.address]
                    answer = await _send(kind, engine, auth, peer, names, repetitions)
            except TimeoutError:
                raise Silent("no_answer_within", seconds=patience) from None
            except (ValueError, TypeError, IndexError) as error:  # what its decoder lets out on hostile answers
                raise Malformed("badly", reason=type(error).__name__) from None
            except (PySnmpError, PyAsn1Error) as error:
                raise _ours(error) from None
            except OSError as error:
                raise NotAsked("cannot_send", error=str(error.strerror or error)) from None
        indication, status, index, objects = answer
        asked_v3 = isinstance(indication, errind.RequestTimedOut) and isinstance(peer.credential, User)
        if asked_v3 and await engine_answers(
            peer.address, peer.port, timeout_seconds=peer.timeout_seconds, meter=self._meter
        ):
            raise WrongCredential("user_or_privacy")
        if indication:
            raise _ours(indication)
        if int(status) in _REFUSES:
            raise WrongCredential("user_refused")
        return int(status), int(index), list(objects)

    def _auth(self, credential: Credential) -> tuple[Any, Any]:
        known = self._auths.get(credential.id)
        if known and known[0] == credential:
            return known[1], known[2]
        if len(self._auths) >= CREDENTIALS_MAX:
            self._auths.pop(next(iter(self._auths)))
        engine = self.engine_for(credential)
        self._auths[credential.id] = (credential, engine, _auth_data(credential))
        return engine, self._auths[credential.id][2]

    def engine_for(self, credential: Credential) -> Any:
        """The first engine where this user name has no other keys: pysnmp knows a user by name alone."""
        user, keys = _fingerprint(credential)
        for engine, users in self._engines:
            if users.setdefault(user, keys) == keys:
                return engine
        if len(self._engines) >= ENGINES_MAX:
            raise NotAsked("too many different keys for one user name")
        self._engines.append((hlapi.SnmpEngine(), {user: keys}))
        return self._engines[-1][0]


async def _send(kind: Any, engine: Any, auth: Any, peer: Peer, names: Sequence[str], repetitions: int) -> Any:
    target = await kind.create((peer.address, peer.port), timeout=peer.timeout_seconds, retries=peer.tries - 1)
    objects = [hlapi.ObjectType(hlapi.ObjectIdentity(name)) for name in names]
    if repetitions:
        return await hlapi.bulk_cmd(
            engine, auth, target, hlapi.ContextData(), 0, repetitions, *objects, lookupMib=False
        )
    return await hlapi.get_cmd(engine, auth, target, hlapi.ContextData(), *objects, lookupMib=False)


def _auth_data(credential: Credential) -> Any:
    if isinstance(credential, Community):
        return hlapi.CommunityData(credential.id.hex, credential.community.get_secret_value(), mpModel=1)
    keys: dict[str, Any] = {}
    for secret in (credential.auth_key, credential.privacy_key):
        if secret and len(secret.get_secret_value()) < KEY_LENGTH_MIN:
            raise NotAsked(f"a key of SNMPv3 has at least {KEY_LENGTH_MIN} characters")
    if credential.auth and credential.auth_key:
        keys |= {"authProtocol": _AUTH[credential.auth], "authKey": credential.auth_key.get_secret_value()}
    if credential.privacy and credential.privacy_key:
        keys |= {"privProtocol": _PRIVACY[credential.privacy], "privKey": credential.privacy_key.get_secret_value()}
    return hlapi.UsmUserData(credential.user, **keys)


def _fingerprint(credential: Credential) -> tuple[str, str]:
    """(what pysnmp tells users apart by, a digest of everything else)."""
    if not isinstance(credential, User):
        return f"v2c {credential.id}", ""
    secrets = (credential.auth_key, credential.privacy_key)
    parts = [credential.auth or "", credential.privacy or "", *(s.get_secret_value() if s else "" for s in secrets)]
    return credential.user, hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _ours(error: Any) -> Exception:
    """Our error for one of pysnmp's."""
    for kind, sentence in _REFUSALS.items():
        if isinstance(error, kind):
            return WrongCredential(sentence)
    if isinstance(error, errind.RequestTimedOut):
        return Silent("no_answer_at_all")
    if isinstance(error, errind.ErrorIndication):
        return Malformed("badly", reason=str(error))
    return NotAsked(f"the question could not be made: {error}")


def _binding(name: Any, value: Any) -> tuple[bytes, Value | None, bool]:
    """One of pysnmp's objects as `ber.bindings` gives it."""
    return oid.encode(".".join(map(str, tuple(name)))), plain(value), isinstance(value, EndOfMibView)


def plain(value: Any) -> Value | None:
    """One of pysnmp's values as `ber` gives it."""
    if isinstance(value, Null):  # also "no such object"; pyasn1 makes it a kind of text
        return None
    if isinstance(value, OctetString):
        return bytes(value)
    if isinstance(value, ObjectIdentifier):
        return ".".join(map(str, tuple(value)))
    return int(value) if isinstance(value, Integer) else None
