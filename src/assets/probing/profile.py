"""Probe profiles: what to ask a kind of device and what its answers mean. Strict TOML, no programming.

One file per device family; a file whose name starts with an underscore is a mix-in that others extend.
A file's own entries come before inherited ones, and where two entries give the same reading the first that brings
a value wins: so "64-bit counter, else 32-bit" is two entries, not a condition.
"""

import hashlib
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal, Self, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, field_validator, model_validator

from assets.errors import Invalid
from assets.paths import data_dir
from assets.probing.decoders import DECODERS
from assets.probing.oid import is_under, valid
from assets.probing.readings import Limit, Name, Strict

GENERIC = "generic"
MAKERS = "_makers"
PROFILES_MAX = 500
EXTENDS_DEPTH_MAX = 8
_FILE_NAME = re.compile(r"_?[a-z0-9][a-z0-9.-]*")


class ProfileError(Invalid):
    """A probe profile is not valid."""


def _listed(value: object) -> object:
    return (value,) if isinstance(value, str | dict) else value


def _pattern(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from None
    return value


def _oid(value: str) -> str:
    if not valid(value):
        raise ValueError("not a numeric OID such as 1.3.6.1.2.1.1.1.0")
    return value


Oid = Annotated[str, AfterValidator(_oid)]
Pattern = Annotated[str, AfterValidator(_pattern)]
Word = Annotated[str, Field(pattern=r"^[a-z0-9_]+$", max_length=80)]
Codes = dict[Annotated[int, BeforeValidator(int)], Word]  # TOML writes table keys as strings
Unit = Literal["", "percent", "bps", "per_second", "seconds", "minutes", "celsius", "volts", "pages", "count"]


class Match(Strict):
    """When a profile fits: each part given must hold. `vendor` and `category` say more than the number does."""

    sys_object_id: Annotated[tuple[Oid, ...], BeforeValidator(_listed)] = ()
    sys_descr: Pattern = ""
    vendor: str = ""
    category: Word = ""
    weak: bool = False  # only a hint: what the device answers to may overrule it

    @model_validator(mode="after")
    def _asks_something(self) -> Self:
        if not self.sys_object_id and not self.sys_descr:
            raise ValueError("a match needs sys_object_id or sys_descr")
        return self

    def weight(self, sys_object_id: str, sys_descr: str) -> tuple[int, int] | None:
        """How well it fits: (arcs of the prefix, whether sysDescr fits too); None when it does not."""
        arcs = 0
        if self.sys_object_id:
            fitting = [p.count(".") + 1 for p in self.sys_object_id if is_under(sys_object_id, p)]
            if not fitting:
                return None
            arcs = max(fitting)
        if self.sys_descr and not re.search(self.sys_descr, sys_descr, re.IGNORECASE):
            return None
        return arcs, int(bool(self.sys_descr))


class Part(Strict):
    """Where a fact of the identity may be found; `pattern` cuts it out (its first group, else all that fits)."""

    oid: Oid | None = None  # one object
    under: Oid | None = None  # the first text in a column
    text: Literal["sys_descr", "sys_name"] | None = None
    entity: Literal["model", "serial", "software", "firmware", "hardware", "maker", "name", "descr"] | None = None
    pattern: Pattern = ""

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if sum(x is not None for x in (self.oid, self.under, self.text, self.entity)) != 1:
            raise ValueError("an identity source needs exactly one of oid, under, text, entity")
        return self


Parts = Annotated[tuple[Part, ...], BeforeValidator(_listed)]


class Told(Strict):
    """Where the device says what it is; the first place that answers wins."""

    vendor: Parts = ()
    model: Parts = ()
    serial: Parts = ()
    firmware: Parts = ()

    def before(self, other: "Told") -> "Told":
        """These places first, then the other's."""
        return Told(**{k: getattr(self, k) + getattr(other, k) for k in type(self).model_fields})


class Whole(Strict):
    """What a value is a share of, in the value's own unit after `scale`."""

    oid: Oid
    scale: float = 1.0


class Reads(Strict):
    """How one reading comes from one object or column.

    `states` turns a code into a word, `special` turns numbers that are no numbers into words, `of` makes a percentage,
    `raw` names the counter and makes the reading a rate per second; `with` hands more objects to a named decoder.
    """

    name: Name
    oid: Oid
    unit: Unit = ""
    scale: float = 1.0
    decimals: Annotated[int, Field(ge=0, le=6)] | None = None
    states: Codes = Field(default_factory=dict)
    special: Codes = Field(default_factory=dict)
    of: Annotated[tuple[Whole, ...], BeforeValidator(_listed)] = ()
    raw: Name | None = None
    bits: Literal[32, 64] = 64
    keep: Name | None = None  # also hand on the whole number, under this name (page counts)
    decoder: str | None = None
    with_: Annotated[dict[Word, Oid], Field(alias="with")] = Field(default_factory=dict)
    combine: Literal["mean", "max", "sum"] | None = None  # of a table: one value instead of one per row

    @field_validator("decoder")
    @classmethod
    def _known(cls, value: str | None) -> str | None:
        if value is not None and value not in DECODERS:
            raise ValueError(f"there is no decoder {value!r}; known are {', '.join(sorted(DECODERS))}")
        return value


class Fact(Strict):
    """A column that describes a row and seldom changes: a name, a type, a maximum."""

    oid: Oid
    kind: Literal["text", "number", "mac", "oid"] = "text"
    states: Codes = Field(default_factory=dict)
    scale: float = 1.0


class Table(Strict):
    """Rows of one MIB table: facts (asked when the device is looked over) and readings (asked each time)."""

    name: Name
    label: Annotated[tuple[Word, ...], BeforeValidator(_listed)] = ()  # facts that name a row, best first
    facts: dict[Word, Fact] = Field(default_factory=dict)
    skip: dict[Word, tuple[str, ...]] = Field(default_factory=dict)  # rows whose fact has such a value
    readings: tuple[Reads, ...] = ()

    @model_validator(mode="after")
    def _facts_exist(self) -> Self:
        if missing := [f for f in (*self.label, *self.skip) if f not in self.facts]:
            raise ValueError(f"there is no fact {missing[0]!r} in table {self.name!r}")
        return self

    def before(self, other: "Table") -> "Table":
        """This table's entries first, then those of the same table in a mix-in."""
        return Table(
            name=self.name,
            label=self.label or other.label,
            facts=other.facts | self.facts,
            skip=other.skip | self.skip,
            readings=self.readings + other.readings,
        )


class _File(Strict):
    """One TOML file as written."""

    title: str
    extends: tuple[str, ...] = ()
    category: Word = ""
    match: tuple[Match, ...] = ()
    answers: tuple[Oid, ...] = ()  # something below answers only on such a device
    identity: Told = Field(default_factory=Told)
    scalars: tuple[Reads, ...] = ()
    tables: tuple[Table, ...] = ()
    limits: tuple[Limit, ...] = ()


class Makers(Strict):
    """IANA enterprise numbers and the makers behind them (the file _makers.toml)."""

    title: str
    makers: dict[Annotated[int, BeforeValidator(int)], str]

    def of(self, sys_object_id: str) -> str:
        """The maker whose number a sysObjectID carries, "" if unknown."""
        arcs = sys_object_id.split(".")
        if arcs[:6] != ["1", "3", "6", "1", "4", "1"] or len(arcs) < 7:
            return ""
        return self.makers.get(int(arcs[6]), "")


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
    """The profile that fits a device best, and the match that says so (None: nothing fitted)."""

    profile: Profile
    match: Match | None

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
            makers = _read(Makers, MAKERS, sources[MAKERS])
        files = {n: _read(_File, n, toml) for n, toml in sources.items() if n != MAKERS}
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


def _fold(name: str, files: Mapping[str, _File]) -> Profile:
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


def _line(name: str, files: Mapping[str, _File], behind: tuple[str, ...]) -> list[str]:
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


_Model = TypeVar("_Model", bound=Strict)


def _read(model: type[_Model], name: str, toml: str) -> _Model:
    """One file as `model`; raises ProfileError naming file, line and key."""
    try:
        return model.model_validate(tomllib.loads(toml))
    except tomllib.TOMLDecodeError as error:
        raise ProfileError(f"{name}.toml: not TOML: {error}") from None
    except ValidationError as error:
        first = error.errors()[0]
        path = [part for part in first["loc"] if part != "[key]"]
        what = "unknown key" if first["type"] == "extra_forbidden" else first["msg"].removeprefix("Value error, ")
        where = ".".join(map(str, path)) or "file"
        raise ProfileError(f"{name}.toml{_line_of(toml, path)}: {where}: {what}") from None


def _line_of(toml: str, path: list[str | int]) -> str:
    """ ":<line>" of the key at the end of a path, as well as plain text can tell; "" if it is not there."""
    keys = [part for part in path if isinstance(part, str)]
    key = re.escape(keys[-1]) if keys else ""
    wanted = re.compile(rf'^\s*(\[+[^\]]*)?"?{key}"?\s*[=\].]|[{{,]\s*"?{key}"?\s*=')
    lines = [number for number, line in enumerate(toml.splitlines(), start=1) if wanted.search(line)] if keys else []
    index = next((part for part in reversed(path) if isinstance(part, int)), 0)
    return f":{lines[min(index, len(lines) - 1)]}" if lines else ""
