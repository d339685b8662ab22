"""One SNMPv3 user at one device: its engine, its keys there, its clock, and what the engine's reports mean (RFC 3414).

Reports come mostly unsigned, because an engine that cannot check a message cannot sign for its user either. So an
unsigned one is believed only as far as it can do no harm: it may name the engine, or refuse the credential once nothing
better has come. It never sets a proven clock, and it never lowers the level.
"""

from assets.probing import ber, oid, usm
from assets.probing.ber import BadBer
from assets.probing.contract import User
from assets.probing.door import DeviceError, Malformed, NotAsked, WrongCredential

_USM_STATS = oid.encode("1.3.6.1.6.3.15.1.1")
_LEVEL, _TIME, _USER, _ENGINE, _DIGEST, _DECRYPTION = range(1, 7)  # usmStats…, each with .0 behind
_REFUSALS = {
    _LEVEL: "level_refused",
    _USER: "user_unknown",
    _DIGEST: "auth_key_wrong",
    _DECRYPTION: "privacy_key_wrong",
}
_OTHERS = {
    oid.encode("1.3.6.1.6.3.11.2.1.1.0"): "an invalid message",
    oid.encode("1.3.6.1.6.3.11.2.1.2.0"): "an unknown security model",
    oid.encode("1.3.6.1.6.3.11.2.1.3.0"): "nobody there for this kind of question",
    oid.encode("1.3.6.1.6.3.12.1.4.0"): "a context that is not available",
    oid.encode("1.3.6.1.6.3.12.1.5.0"): "an unknown context",
}
TEMPLATES_MAX = 64


class Session:
    """What is known of a user at a device; without an engine it has yet to be asked who it is."""

    def __init__(self, user: User, keyring: usm.Keyring) -> None:
        self.user = user
        self.keys = usm.NOBODY
        self.clock = usm.Clock()
        self._keyring = keyring
        self._proven = False  # by a right answer with these keys
        self._fruitless = 0
        self.frames: dict[int, usm.Frame] = {}  # by the size of a message
        self._contexts: dict[int, bytes] = {}
        self._scoped: dict[object, tuple[bytes, bytes]] = {}

    @property
    def engine(self) -> bytes:
        """The engine's id, empty while unknown."""
        return self.keys.engine

    def scoped(self, question: object, pdu: int, third: int, contents: tuple[bytes, ...]) -> tuple[bytes, bytes]:
        """The scoped PDU of a question around its request-id, made once."""
        known = self._scoped.get(question)
        if known is None:
            if len(self._scoped) >= TEMPLATES_MAX:
                self._scoped.clear()
            bindings = b"".join(map(ber.name, contents))
            known = self._scoped[question] = usm.question(self.keys.engine, pdu, third, bindings)
        return known

    def context(self, size: int) -> bytes:
        """What a scoped PDU of so many octets for this engine starts with, as everybody but those who pad writes it."""
        if size not in self._contexts:
            if len(self._contexts) >= TEMPLATES_MAX:
                self._contexts.clear()
            inside = ber.tlv(0x04, self.engine) + b"\x04\x00"
            rest = size - 2  # the tag, and a length of one octet at least
            rest -= 0 if rest < 0x80 else 1 if rest - 1 < 0x100 else 2
            self._contexts[size] = b"\x30" + ber.length(rest) + inside
        return self._contexts[size]

    def meet(self, found: usm.Head, at: float) -> None:
        """Takes an engine as the one to talk to; the time it claims serves for the first question only."""
        if found.engine == self.engine:
            return
        try:
            self.keys = self._keyring.keys(self.user, found.engine)
        except usm.BadKey as error:
            raise NotAsked(str(error)) from None
        self._scoped.clear()
        self.frames.clear()
        self._contexts.clear()
        self._proven = False
        self.clock.set(found.boots, found.time, at, proven=False)

    def follow(self, found: usm.Head, at: float) -> None:
        """Does what a report asks for: another engine to meet, or the signed time of this one.

        A signed report answers a number that we drew, so it is fresh even where it goes back: a device that was reset
        counts its starts anew.
        """
        if found.engine != self.engine:
            self.meet(found, at)
        else:
            self.clock.set(found.boots, found.time, at, proven=True)

    def answered(self) -> None:
        """A right answer came."""
        self._proven = True
        self._fruitless = 0

    @property
    def proven(self) -> bool:
        """Whether the engine has answered rightly with these keys."""
        return self._proven

    def fruitless(self) -> bool:
        """Whether silence, while the engine itself answers, now means that the keys are wrong and not that a line is bad."""
        self._fruitless += 1
        return not self._proven or self._fruitless > 1

    def judge(self, data: bytes, found: usm.Head) -> "usm.Head | DeviceError | str":
        """What a message below our level, or a report, means: a step to follow, a refusal, or why it is nothing."""
        level = found.flags & (usm.AUTH | usm.PRIVACY)
        if level & ~self.keys.level:
            return "another level"
        if level & usm.AUTH and not usm.authentic(data, found.digest, found.digest_at, self.keys):
            return "another digest"
        plain = usm.opened(data, found, self.keys)
        scoped = usm.scoped(plain, 0, len(plain))
        if scoped.pdu != usm.REPORT:
            return "a weaker level" if level != self.keys.level else "another PDU type"
        bindings = ber.bindings(scoped.data, scoped.body)
        if not bindings:
            raise BadBer("a report about nothing")
        return self._meaning(found, bindings[0][0], signed=bool(level & usm.AUTH))

    def _meaning(self, found: usm.Head, name: bytes, *, signed: bool) -> "usm.Head | DeviceError | str":
        told = name[len(_USM_STATS)] if name.startswith(_USM_STATS) and len(name) == len(_USM_STATS) + 2 else 0
        named = usm.ENGINE_ID_MIN <= len(found.engine) <= usm.ENGINE_ID_MAX
        if not self.engine:  # whatever it complains of, it says who it is
            return found if named else "no engine id"
        if told == _ENGINE:
            return found if named and found.engine != self.engine else "another engine"
        if found.engine != self.engine:
            return "another engine"
        if told == _TIME:
            return found if signed else "a time that nobody signed"
        if told in _REFUSALS:
            return WrongCredential(_REFUSALS[told])
        return Malformed("badly_report", reason=_OTHERS.get(name, "something unknown"))
