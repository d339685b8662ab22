"""How one probe profile is written: the strict shape of a TOML file, and errors that name file, line and key."""

import math
import re
import tomllib
from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Literal, NamedTuple, Self, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, field_validator, model_validator

from assets.errors import Invalid
from assets.probing.decoders import DECODERS
from assets.probing.oid import is_under, valid
from assets.probing.readings import Limit, Name, Strict


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
Texts = dict[Annotated[str, Field(min_length=1, max_length=80)], Word]  # what a device writes, in lower case → our word
Unit = Literal["", "percent", "bps", "per_second", "seconds", "minutes", "celsius", "volts", "pages", "count"]


class Match(Strict):
    """When a profile fits: each part given must hold. `vendor` and `category` say more than the number does.

    `device_descr` is the hrDeviceDescr of the first device, for makers whose every other answer is alike.
    """

    sys_object_id: Annotated[tuple[Oid, ...], BeforeValidator(_listed)] = ()
    sys_descr: Pattern = ""
    device_descr: Pattern = ""
    vendor: str = ""
    category: Word = ""
    weak: bool = False  # only a hint: what the device answers to may overrule it

    @model_validator(mode="after")
    def _asks_something(self) -> Self:
        if not self.sys_object_id and not self.sys_descr:
            raise ValueError("a match needs sys_object_id or sys_descr")
        if self.device_descr and not self.sys_object_id:
            raise ValueError("a match by device_descr needs sys_object_id, so that not every device is asked for it")
        return self

    def weight(self, sys_object_id: str, sys_descr: str, device_descr: str = "") -> tuple[int, int] | None:
        """How well it fits: (arcs of the prefix, how many texts fit too); None when it does not."""
        arcs = 0
        if self.sys_object_id:
            fitting = [p.count(".") + 1 for p in self.sys_object_id if is_under(sys_object_id, p)]
            if not fitting:
                return None
            arcs = max(fitting)
        if self.sys_descr and not re.search(self.sys_descr, sys_descr, re.IGNORECASE):
            return None
        if self.device_descr and not re.search(self.device_descr, device_descr, re.IGNORECASE):
            return None
        return arcs, bool(self.sys_descr) + 2 * bool(self.device_descr)


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


RANGES: dict[str, tuple[float, float]] = {
    "percent": (0, 200),  # a power supply may be loaded beyond 100 %
    "minutes": (0, 1e6),
    "seconds": (0, 1e9),
    "celsius": (-60, 200),
    "volts": (0, 1e5),
    "pages": (0, (1 << 32) - 2),
    "count": (0, 1e9),
}
ANY = (-math.inf, math.inf)
_PLAIN = frozenset(("name", "oid", "unit", "scale", "decimals", "states", "special"))


class Plain(NamedTuple):
    """What makes a reading out of one number; what is outside `lowest` and `highest` cannot be meant."""

    scale: float
    states: Mapping[int, str]
    special: Mapping[int, str]
    decimals: int
    lowest: float
    highest: float


class Reads(Strict):
    """How one reading comes from one object or column.

    `states` turns a code into a word and `texts` a text, `special` turns numbers that are no numbers into words,
    `absent` are values that say "there is no such part", `of` makes a percentage, `raw` names the counter and makes
    the reading a rate per second; `with` hands more objects to a named decoder. A number that is sent as text is read
    as one; `pattern` cuts it, or the word, out of the text.
    """

    name: Name
    oid: Oid
    unit: Unit = ""
    scale: float = 1.0
    offset: float = 0.0  # added after the scale
    decimals: Annotated[int, Field(ge=0, le=6)] | None = None
    instance: Annotated[str, Field(max_length=40)] = ""  # of a single object that is one of several
    label: Annotated[str, Field(max_length=80)] = ""  # its name for people, where no fact gives one
    states: Codes = Field(default_factory=dict)
    texts: Texts = Field(default_factory=dict)
    pattern: Pattern = ""
    special: Codes = Field(default_factory=dict)
    absent: tuple[int, ...] = ()
    first: bool = False  # of what a maker adds: better than what the standard MIB says
    where: dict[Word, Pattern] = Field(default_factory=dict)  # of a table: only rows whose facts fit
    of: Annotated[tuple[Whole, ...], BeforeValidator(_listed)] = ()
    raw: Name | None = None
    bits: Literal[32, 64] = 64
    keep: Name | None = None  # also hand on the whole number, under this name (page counts)
    decoder: str | None = None
    with_: Annotated[dict[Word, Oid], Field(alias="with")] = Field(default_factory=dict)
    combine: Literal["mean", "max", "sum", "first"] | None = None  # of a table: one value instead of one per row

    @cached_property
    def plain(self) -> "Plain | None":
        """How it comes from one number alone, by scale, states and special values; None when it takes more."""
        if not self.__pydantic_fields_set__ <= _PLAIN:
            return None
        decimals = 3 if self.decimals is None else self.decimals
        return Plain(self.scale, self.states, self.special, decimals, *RANGES.get(self.unit, ANY))

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
    prefix: Annotated[str, Field(max_length=40)] = ""  # of each row's instance, where another table's might be alike
    label: Annotated[tuple[Word, ...], BeforeValidator(_listed)] = ()  # facts that name a row, best first
    facts: dict[Word, Fact] = Field(default_factory=dict)
    skip: dict[Word, tuple[str, ...]] = Field(default_factory=dict)  # rows whose fact has such a value
    readings: tuple[Reads, ...] = ()

    @model_validator(mode="after")
    def _facts_exist(self) -> Self:
        asked = [f for reads in self.readings for f in reads.where]
        if missing := [f for f in (*self.label, *self.skip, *asked) if f not in self.facts]:
            raise ValueError(f"there is no fact {missing[0]!r} in table {self.name!r}")
        return self

    def before(self, other: "Table") -> "Table":
        """This table's entries first, then those of the same table in a mix-in."""
        return Table(
            name=self.name,
            prefix=self.prefix or other.prefix,
            label=self.label or other.label,
            facts=other.facts | self.facts,
            skip=other.skip | self.skip,
            readings=self.readings + other.readings,
        )


class Joins(Strict):
    """The devices whose profile a maker's file is added to: by number, or by vendor where an agent kit hides it."""

    sys_object_id: Annotated[tuple[Oid, ...], BeforeValidator(_listed)] = ()
    vendor: Annotated[tuple[str, ...], BeforeValidator(_listed)] = ()
    category: Annotated[tuple[Word, ...], BeforeValidator(_listed)] = ()  # none: every kind

    @model_validator(mode="after")
    def _asks_something(self) -> Self:
        if not self.sys_object_id and not self.vendor:
            raise ValueError("joins needs sys_object_id or vendor")
        return self

    def fits(self, category: str, sys_object_id: str, vendor: str) -> bool:
        """Whether a device of this kind, number and maker is meant; a device of no known kind may be any."""
        if self.category and category and category not in self.category:
            return False
        return vendor in self.vendor or any(is_under(sys_object_id, prefix) for prefix in self.sys_object_id)


class File(Strict):
    """One TOML file as written."""

    title: str
    joins: Joins | None = None  # it describes what a maker adds, and is no kind of device by itself
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
    # Of makers who build for others: there the device's own text says whose it is.
    brands: dict[str, tuple[str, ...]] = Field(default_factory=dict)

    def of(self, sys_object_id: str) -> str:
        """The maker whose number a sysObjectID carries, "" if unknown."""
        arcs = sys_object_id.split(".")
        if arcs[:6] != ["1", "3", "6", "1", "4", "1"] or len(arcs) < 7:
            return ""
        return self.makers.get(int(arcs[6]), "")


_Model = TypeVar("_Model", bound=Strict)


def read(model: type[_Model], name: str, toml: str) -> _Model:
    """One file as `model`; raises ProfileError naming file, line and key."""
    try:
        return model.model_validate(tomllib.loads(toml))
    except tomllib.TOMLDecodeError as error:
        raise ProfileError(f"{name}.toml: not TOML: {error}") from None
    except ValidationError as error:
        first = error.errors()[0]
        path = [part for part in first["loc"] if part != "[key]"]
        what = "unknown key" if first["type"] == "extra_forbidden" else first["msg"].removeprefix("Value error, ")
        raise ProfileError(located(name, toml, path, what)) from None


def located(name: str, toml: str, path: list[str | int], what: str) -> str:
    """What is wrong, with file, line and key in front."""
    return f"{name}.toml{_line_of(toml, path)}: {'.'.join(map(str, path)) or 'file'}: {what}"


def _line_of(toml: str, path: list[str | int]) -> str:
    """ ":<line>" of the key at the end of a path, else of what it is missing in; "" if nothing of it is there.

    tomllib tells no places: a key is where renaming it renames it in the document.
    """
    keys = path
    while keys:
        key = keys[-1]
        if isinstance(key, int):
            inside = _at(tomllib.loads(toml), keys)
            first = next(iter(inside), None) if isinstance(inside, dict) else None
            if first is not None and (place := _place(toml, [*keys, first])):
                return place
        elif place := _place(toml, keys):
            return place
        keys = keys[:-1]
    return ""


_RENAMED = "renamed-by-us"


def _place(toml: str, path: list[str | int]) -> str:
    key = re.escape(str(path[-1]))
    for found in re.finditer(
        rf"""(?<![\w.-])(?P<quote>["']?){key}(?P=quote)(?=\s*[=\].])|(?<=\.){key}(?=\s*[=\].])""", toml
    ):
        try:
            renamed = tomllib.loads(f"{toml[: found.start()]}{_RENAMED}{toml[found.end() :]}")
        except tomllib.TOMLDecodeError:
            continue
        if _at(renamed, [*path[:-1], _RENAMED]) is not None:
            return f":{toml.count(chr(10), 0, found.start()) + 1}"
    return ""


def _at(document: object, path: list[str | int]) -> object:
    """What stands at a path, None for nothing."""
    for part in path:
        try:
            document = document[part]  # type: ignore[index]
        except (KeyError, IndexError, TypeError):
            return None
    return document
