"""Probe profiles: what to ask a kind of device and what its answers mean. Strict TOML, no programming.

One file per device family; a file whose name starts with an underscore is a mix-in that others extend.
A file's own entries come before inherited ones, and where two entries give the same reading the first that brings
a value wins: so "64-bit counter, else 32-bit" is two entries, not a condition.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Self

from assets.paths import data_dir
from assets.probing.decoders import DECODERS
from assets.probing.profile_file import File, Makers, Match, ProfileError, Reads, Table, Told, read
from assets.probing.readings import Limit

__all__ = ["GENERIC", "MAKERS", "Found", "Profile", "ProfileError", "Profiles"]

GENERIC = "generic"
MAKERS = "_makers"
PROFILES_MAX = 500
EXTENDS_DEPTH_MAX = 8
_FILE_NAME = re.compile(r"_?[a-z0-9][a-z0-9.-]*")


@dataclass(frozen=True)
class Profile:
    """A profile with everything it extends folded in."""

    name: str
    title: str
    category: str
    matches: tuple[Match, ...]
    answers: tuple[str, ...]
    identity: Told
    scalars: tuple[Reads, ...]
    tables: tuple[Table, ...]
    limits: tuple[Limit, ...]

    @property
    def abstract(self) -> bool:
        """Whether it is a mix-in, which no device has by itself."""
        return self.name.startswith("_")

    @cached_property
    def scalar_oids(self) -> tuple[str, ...]:
        """Every single object that its readings need, each once."""
        names = [o for r in self.scalars for o in (r.oid, *(w.oid for w in r.of), *r.with_.values())]
        return tuple(dict.fromkeys(names))


@dataclass(frozen=True)
class Found:
    """The profile that fits a device best, and what says so: a match, or a MIB that answers, or nothing."""

    profile: Profile
    match: Match | None
    marker: str = ""  # the subtree that told the kind of device by answering

    @property
    def weak(self) -> bool:
        """Whether what the device answers to may overrule it."""
        return self.match is None or self.match.weak


class Profiles:
    """All profiles of one folder or assignment; immutable, and alike when `hash` is alike."""

    def __init__(self, profiles: Mapping[str, Profile], makers: Makers, sources: Mapping[str, str]) -> None:
        self._profiles = dict(profiles)
        self._sources = dict(sources)
        self.makers = makers
        text = "".join(f"{name}\0{toml}\0" for name, toml in sorted(sources.items()))
        self.hash = hashlib.sha256(text.encode()).hexdigest()

    @classmethod
    def load(cls, folder: Path | None = None) -> Self:
        """Every *.toml of a folder, by default the product's own; raises ProfileError."""
        folder = folder or data_dir("probes")
        sources = {}
        for path in sorted(folder.glob("*.toml")):
            try:
                sources[path.stem] = path.read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError) as error:
                raise ProfileError(f"{path.name}: cannot be read: {error}") from None
        return cls.parse(sources)

    @classmethod
    def parse(cls, sources: Mapping[str, str]) -> Self:
        """Profiles from name → TOML, as a collector receives them; raises ProfileError."""
        if len(sources) > PROFILES_MAX:
            raise ProfileError(f"{len(sources)} profiles are more than {PROFILES_MAX}")
        for name in sources:
            if not _FILE_NAME.fullmatch(name):
                raise ProfileError(f"{name}.toml: a profile's name is lower-case letters, digits, dots and dashes")
        makers = Makers(title="", makers={})
        if MAKERS in sources:
            makers = read(Makers, MAKERS, sources[MAKERS])
        files = {n: read(File, n, toml) for n, toml in sources.items() if n != MAKERS}
        if GENERIC not in files:
            raise ProfileError(f"there is no {GENERIC}.toml, the profile of a device that nothing else fits")
        return cls({name: _fold(name, files) for name in files}, makers, sources)

    def __iter__(self) -> Iterator[Profile]:
        return iter(self._profiles.values())

    def __len__(self) -> int:
        return len(self._profiles)

    def names(self) -> list[str]:
        """The profiles that a device can have."""
        return sorted(p.name for p in self._profiles.values() if not p.abstract)

    def get(self, name: str) -> Profile | None:
        """The profile of that name; None for an unknown one and for mix-ins."""
        found = self._profiles.get(name)
        return None if found is None or found.abstract else found

    def limits(self, name: str) -> tuple[Limit, ...]:
        """When the readings of a profile are findings; none for an unknown one."""
        profile = self.get(name)
        return profile.limits if profile else ()

    def find(self, sys_object_id: str, sys_descr: str) -> Found:
        """What fits best: longest sysObjectID prefix, then sysDescr; the generic profile if nothing does."""
        best: tuple[tuple[int, int], str, Found] | None = None
        for profile in self._profiles.values():
            for match in profile.matches:
                weight = match.weight(sys_object_id, sys_descr)
                if weight is None or (best and (weight, profile.name) <= best[:2]):
                    continue
                best = (weight, profile.name, Found(profile, match))
        return best[2] if best else Found(self._profiles[GENERIC], None)

    def match(self, sys_object_id: str, sys_descr: str) -> Profile:
        """The profile that fits a device best."""
        return self.find(sys_object_id, sys_descr).profile

    def markers(self) -> dict[str, Profile]:
        """Subtrees that tell a kind of device by answering at all, and the profile each stands for."""
        return {oid: profile for profile in self._profiles.values() for oid in profile.answers if not profile.abstract}

    def sources(self) -> dict[str, str]:
        """The TOML of every file, to hand to a collector."""
        return dict(self._sources)


def _fold(name: str, files: Mapping[str, File]) -> Profile:
    """A file and everything that it extends as one profile; own entries first."""
    tables: dict[str, Table] = {}
    limits: dict[tuple[str, str], Limit] = {}
    scalars: list[Reads] = []
    told = Told()
    for ancestor in _line(name, files, ()):
        file = files[ancestor]
        scalars += [r for r in file.scalars if r not in scalars]
        told = told.before(file.identity)
        for table in file.tables:
            tables[table.name] = tables[table.name].before(table) if table.name in tables else table
        for limit in file.limits:
            limits.setdefault((limit.reading, limit.message), limit)
    file = files[name]
    profile = Profile(
        name=name,
        title=file.title,
        category=file.category,
        matches=file.match,
        answers=file.answers,
        identity=told,
        scalars=tuple(scalars),
        tables=tuple(tables.values()),
        limits=tuple(limits.values()),
    )
    if not profile.abstract:
        _check_limits(profile)
    return profile


def _line(name: str, files: Mapping[str, File], behind: tuple[str, ...]) -> list[str]:
    """A profile and its ancestors, nearest first, each once."""
    if name in behind or len(behind) >= EXTENDS_DEPTH_MAX:
        raise ProfileError(f"{behind[-1]}.toml: extends: goes round or too deep: {' → '.join((*behind, name))}")
    line = [name]
    for parent in files[name].extends:
        if parent not in files:
            raise ProfileError(f"{name}.toml: extends: there is no profile {parent!r}")
        line += [a for a in _line(parent, files, (*behind, name)) if a not in line]
    return line


def _check_limits(profile: Profile) -> None:
    """A limit on a reading or a state that the profile never gives would never speak."""
    given: dict[str, set[str]] = {}
    for reads in (*profile.scalars, *(r for t in profile.tables for r in t.readings)):
        words = given.setdefault(reads.name, set())
        words |= {*reads.states.values(), *reads.special.values()}
        words |= set(DECODERS[reads.decoder].states) if reads.decoder else set()
    for limit in profile.limits:
        if limit.reading not in given:
            raise ProfileError(f"{profile.name}.toml: limits: no reading is called {limit.reading!r}")
        for word in (*limit.warning_states, *limit.critical_states):
            if word not in given[limit.reading]:
                raise ProfileError(f"{profile.name}.toml: limits: {limit.reading} is never {word!r}")
