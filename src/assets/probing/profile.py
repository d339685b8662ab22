"""Probe profiles: what to ask a kind of device and what its answers mean. Strict TOML, no programming.

One file per kind of device, from standard MIBs; a file whose name starts with an underscore is a mix-in that others
extend. What a maker's own MIBs add is a file that joins the profile of every device of that maker, so that each can be
deleted and the standard readings stay. A file's own entries come before inherited ones and joining ones behind both,
and where two entries give the same reading the first that brings a value wins: so "64-bit counter, else 32-bit" is
two entries, not a condition.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Self

from assets.paths import data_dir
from assets.probing.decoders import DECODERS
from assets.probing.oid import is_under
from assets.probing.profile_file import (
    File,
    Joins,
    Makers,
    Match,
    Plain,
    ProfileError,
    Reads,
    Table,
    Told,
    located,
    read,
)
from assets.probing.readings import Limit

__all__ = ["GENERIC", "MAKERS", "Found", "Profile", "ProfileError", "Profiles"]

GENERIC = "generic"
MAKERS = "_makers"
PROFILES_MAX = 500
EXTENDS_DEPTH_MAX = 8
JOIN = "+"  # between the names of a kind and of what joins it
COMBINED_MAX = 1_000  # kinds with what joins them, made when first met
_FILE_NAME = re.compile(r"_?[a-z0-9][a-z0-9.-]*")


class _Misfit(Exception):
    """An entry that is well written and does not fit the others: (where in the file, what is wrong)."""

    def __init__(self, path: list[str | int], what: str) -> None:
        super().__init__(what)
        self.path = path


@dataclass(frozen=True)
class Profile:
    """A profile with everything it extends folded in."""

    name: str
    title: str
    category: str
    matches: tuple[Match, ...]
    answers: tuple[str, ...]
    identity: Told
    steps: tuple[Reads | Table, ...]  # in the order in which they are tried
    limits: tuple[Limit, ...]
    joins: Joins | None = None

    @property
    def kind(self) -> str:
        """The profile without what joined it."""
        return self.name.partition(JOIN)[0]

    @cached_property
    def scalars(self) -> tuple[Reads, ...]:
        """What comes from single objects."""
        return tuple(step for step in self.steps if isinstance(step, Reads))

    @cached_property
    def tables(self) -> tuple[Table, ...]:
        """What comes from tables."""
        return tuple(step for step in self.steps if isinstance(step, Table))

    @cached_property
    def plan(self) -> tuple[tuple[str, Reads | None, Table | None, tuple[str, str], Plain | None], ...]:
        """The steps with what every look needs of each: (object, single reading or table, its name and instance, how)."""
        return tuple(
            ("", None, step, ("", ""), None)
            if isinstance(step, Table)
            else (step.oid, step, None, (step.name, ""), step.plain)
            for step in self.steps
        )

    @property
    def abstract(self) -> bool:
        """Whether no device has it by itself: a mix-in, or what a maker adds."""
        return self.name.startswith("_") or self.joins is not None

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

    def __init__(
        self,
        profiles: Mapping[str, Profile],
        makers: Makers,
        sources: Mapping[str, str],
        broken: Mapping[str, ProfileError],
    ) -> None:
        self._profiles = dict(profiles)
        self._sources = dict(sources)
        self.broken = dict(broken)  # by file name: what is wrong with those that are left out
        self._joining = [p for p in self._profiles.values() if p.joins is not None]
        self._combined: dict[str, Profile] = {}
        self.makers = makers
        text = "".join(f"{name}\0{toml}\0" for name, toml in sorted(sources.items()))
        self.hash = hashlib.sha256(text.encode()).hexdigest()

    @classmethod
    def load(cls, folder: Path | None = None) -> Self:
        """Every sound *.toml of a folder, by default the product's own; raises ProfileError if nothing is left."""
        folder = folder or data_dir("probes")
        sources: dict[str, str] = {}
        broken: dict[str, ProfileError] = {}
        for path in sorted(folder.glob("*.toml")):
            try:
                sources[path.stem] = path.read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError) as error:
                broken[path.stem] = ProfileError(f"{path.name}: cannot be read: {error}")
        return cls.sound(sources, broken)

    @classmethod
    def parse(cls, sources: Mapping[str, str]) -> Self:
        """Profiles from name → TOML; raises ProfileError for the first that is wrong."""
        profiles = cls.sound(sources)
        for error in profiles.broken.values():
            raise error
        return profiles

    @classmethod
    def sound(cls, sources: Mapping[str, str], broken: Mapping[str, ProfileError] | None = None) -> Self:
        """Profiles from name → TOML, as a collector receives them: a broken one stops itself and what extends it.

        Raises ProfileError when even the generic one is missing or broken.
        """
        if len(sources) > PROFILES_MAX:
            raise ProfileError(f"{len(sources)} profiles are more than {PROFILES_MAX}")
        wrong = dict(broken or {})
        makers = Makers(title="", makers={})
        files: dict[str, File] = {}
        for name, toml in sources.items():
            try:
                if not _FILE_NAME.fullmatch(name):
                    raise ProfileError(f"{name}.toml: a profile's name is lower-case letters, digits, dots and dashes")
                if name == MAKERS:
                    makers = read(Makers, name, toml)
                else:
                    files[name] = read(File, name, toml)
            except ProfileError as error:
                wrong[name] = error
        profiles: dict[str, Profile] = {}
        for name in files:
            try:
                profiles[name] = _fold(name, files, wrong)
            except _Misfit as error:
                wrong[name] = ProfileError(located(name, sources[name], error.path, str(error)))
        if GENERIC not in profiles:
            raise wrong.get(GENERIC) or ProfileError(
                f"there is no {GENERIC}.toml, the profile of a device that nothing else fits"
            )
        return cls(profiles, makers, sources, wrong)

    def __iter__(self) -> Iterator[Profile]:
        return iter(self._profiles.values())

    def __len__(self) -> int:
        return len(self._profiles)

    def names(self) -> list[str]:
        """The profiles that a device can have."""
        return sorted(p.name for p in self._profiles.values() if not p.abstract)

    def joining(self) -> list[Profile]:
        """What makers add to the profiles of their devices."""
        return sorted(self._joining, key=lambda p: p.name)

    def get(self, name: str) -> Profile | None:
        """The profile of that name, with what joined it ("switch+cisco"); None for an unknown one and for mix-ins."""
        kind, *joining = name.split(JOIN)
        found = self._profiles.get(kind)
        if found is None or found.abstract:
            return None
        known = [p for n in joining if (p := self._profiles.get(n)) and p.joins]  # others were deleted since
        return self._combine(found, known)

    def joined(self, profile: Profile, *, category: str, sys_object_id: str, vendor: str) -> Profile:
        """A profile with all that makers add for such a device."""
        joining = [p for p in self._joining if p.joins and p.joins.fits(category, sys_object_id, vendor)]
        return self._combine(self._profiles.get(profile.kind, profile), joining)

    def _combine(self, profile: Profile, joining: list[Profile]) -> Profile:
        name = JOIN.join([profile.name, *(p.name for p in joining)])
        if not joining:
            return profile
        if name not in self._combined:
            if len(self._combined) >= COMBINED_MAX:
                self._combined.clear()
            combined = profile
            for one in joining:
                combined = _join(combined, one)
            self._combined[name] = combined
        return self._combined[name]

    def limits(self, name: str) -> tuple[Limit, ...]:
        """When the readings of a profile are findings; none for an unknown one."""
        profile = self.get(name)
        return profile.limits if profile else ()

    def tells_by_device(self, sys_object_id: str) -> bool:
        """Whether only hrDeviceDescr can tell what kind of device this maker's number stands for."""
        return any(
            match.device_descr and any(is_under(sys_object_id, prefix) for prefix in match.sys_object_id)
            for profile in self._profiles.values()
            for match in profile.matches
        )

    def find(self, sys_object_id: str, sys_descr: str, device_descr: str = "") -> Found:
        """What fits best: longest sysObjectID prefix, then texts; the generic profile if nothing does."""
        best: tuple[tuple[int, int], str, Found] | None = None
        for profile in self._profiles.values():
            for match in profile.matches:
                weight = match.weight(sys_object_id, sys_descr, device_descr)
                if weight is None or (best and (weight, profile.name) <= best[:2]):
                    continue
                best = (weight, profile.name, Found(profile, match))
        return best[2] if best else Found(self._profiles[GENERIC], None)

    def match(self, sys_object_id: str, sys_descr: str) -> Profile:
        """The profile that fits a device best."""
        return self.find(sys_object_id, sys_descr).profile

    def markers(self) -> dict[str, Profile]:
        """Subtrees that tell a kind of device by answering at all, and the profile each stands for."""
        kinds = (profile for profile in self._profiles.values() if not profile.abstract)
        return {oid: profile for profile in kinds for oid in profile.answers}

    def sources(self) -> dict[str, str]:
        """The TOML of every file, to hand to a collector."""
        return dict(self._sources)


def _fold(name: str, files: Mapping[str, File], broken: Mapping[str, ProfileError]) -> Profile:
    """A file and everything that it extends as one profile; own entries first."""
    tables: dict[str, Table] = {}
    limits: dict[tuple[str, str], Limit] = {}
    scalars: list[Reads] = []
    told = Told()
    for ancestor in _line(name, files, broken, ()):
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
        steps=(*scalars, *tables.values()),
        limits=tuple(limits.values()),
        joins=file.joins,
    )
    return profile if name.startswith("_") else _with_limits(profile, file.limits)


def _join(profile: Profile, other: Profile) -> Profile:
    """A profile with what a maker adds: identity before its own, readings behind its own unless they come first."""
    first = [reads for reads in other.scalars if reads.first]
    theirs = {table.name: table for table in other.tables}
    own = [
        step.before(theirs.pop(step.name)) if isinstance(step, Table) and step.name in theirs else step
        for step in profile.steps
    ]
    rest = [s for s in other.steps if (s.name in theirs if isinstance(s, Table) else not s.first)]
    limits = {(limit.reading, limit.message): limit for limit in (*other.limits, *profile.limits)}
    return replace(
        profile,
        name=f"{profile.name}{JOIN}{other.name}",
        identity=other.identity.before(profile.identity),
        steps=(*first, *own, *rest),
        limits=tuple(limits.values()),
    )


def _line(
    name: str, files: Mapping[str, File], broken: Mapping[str, ProfileError], behind: tuple[str, ...]
) -> list[str]:
    """A profile and its ancestors, nearest first, each once."""
    if name in behind or len(behind) >= EXTENDS_DEPTH_MAX:
        raise _Misfit(["extends"], f"goes round or too deep: {' → '.join((*behind, name))}")
    line = [name]
    for parent in files[name].extends:
        if parent in broken:
            raise _Misfit(["extends"], broken[parent].detail)
        if parent not in files:
            raise _Misfit(["extends"], f"there is no profile {parent!r}")
        line += [a for a in _line(parent, files, broken, (*behind, name)) if a not in line]
    return line


def _with_limits(profile: Profile, own: tuple[Limit, ...]) -> Profile:
    """With the inherited limits that concern it; one of its own that could never speak is an error."""
    given: dict[str, set[str]] = {}
    for reads in (*profile.scalars, *(r for t in profile.tables for r in t.readings)):
        words = given.setdefault(reads.name, set())
        words |= {*reads.states.values(), *reads.special.values(), *reads.texts.values()}
        words |= set(DECODERS[reads.decoder].states) if reads.decoder else set()
    for number, limit in enumerate(own):
        if limit.reading not in given:
            raise _Misfit(["limits", number, "reading"], f"no reading is called {limit.reading!r}")
        for key in ("warning_states", "critical_states"):
            if never := sorted(set(getattr(limit, key)) - given[limit.reading]):
                raise _Misfit(["limits", number, key], f"{limit.reading} is never {never[0]!r}")
    return replace(profile, limits=tuple(limit for limit in profile.limits if limit.reading in given))
