"""The real prober as rounds and orders want it: profiles by their text, walks as lines that people can read."""

from collections.abc import Mapping

import structlog

from assets.collector.rounds import Walk
from assets.probing.allowed import Allowed
from assets.probing.ber import Value
from assets.probing.contract import Credential, TargetSpec
from assets.probing.prober import Prober
from assets.probing.profile import Profiles
from assets.probing.readings import Result

_log = structlog.get_logger(__name__)


class Devices:
    """One prober for the life of the collector; it keeps its memory of devices when profiles change nothing for them."""

    def __init__(self, allowed: Allowed | None = None) -> None:
        self._prober = Prober(Profiles.load(), allowed=allowed)  # the product's own, until the service sends its

    @property
    def profiles(self) -> Profiles:
        """The profiles of now."""
        return self._prober.profiles

    def use(self, profiles: Mapping[str, str]) -> None:
        """Go on with these profiles, and with the old one in place of each that this version cannot read.

        Raises ProfileError and keeps all the old ones when not even the generic one is left.
        """
        if not profiles:
            return
        sound, old = Profiles.sound(profiles), self.profiles
        for name, error in sound.broken.items():
            _log.error("a probe profile cannot be read", profile=name, reason=error.detail)
        kept = {n: toml for n, toml in old.sources().items() if n in sound.broken and n not in old.broken}
        self._prober.use(Profiles.sound({**profiles, **kept}) if kept else sound)

    async def probe(self, target: TargetSpec, credential: Credential | None) -> Result:
        """See Prober.probe."""
        return await self._prober.probe(target, credential)

    async def alive(self, target: TargetSpec, credential: Credential | None) -> bool:
        """See Prober.alive."""
        return await self._prober.alive(target, credential)

    async def walk(self, target: TargetSpec, credential: Credential | None, root: str) -> Walk:
        """See Prober.walk."""
        walked = await self._prober.walk(target, credential, root)
        return Walk(tuple((oid, _shown(value)) for oid, value in walked.rows.items()), walked.truncated)

    async def close(self) -> None:
        """See Prober.close."""
        await self._prober.close()


def _shown(value: Value) -> str:
    """A value for people: numbers and names as they are, octets as text where they are text and as hex otherwise."""
    if not isinstance(value, bytes):
        return str(value)
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError:
        return f"0x{value.hex()}"
    return text if all(char.isprintable() or char in "\r\n\t" for char in text) else f"0x{value.hex()}"
