"""The file that tells the simulator what stands where: devices that speak SNMP, and doors that only open."""

from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator

from assets.demo.models import MODELS
from assets.errors import Invalid

SPEC_NAME = "simulator.json"
DEVICES_MAX = 20_000
LISTENERS_MAX = 10_000
LOOPBACK = IPv4Network("127.0.0.0/8")

Kind = Literal["printer", "mfp", "ups", "router", "switch", "ap", "nas", "server", "camera", "scanner"]
Percent = Annotated[int, Field(ge=0, le=100)]


def _on_loopback(address: str) -> str:
    if IPv4Address(address) not in LOOPBACK:
        raise ValueError(f"{address} is not a loopback address (127.x.y.z)")
    return address


Loopback = Annotated[str, AfterValidator(_on_loopback)]
Line = Annotated[str, Field(max_length=120)]
Tag = Annotated[str, Field(min_length=1, max_length=80)]
Port = Annotated[int, Field(ge=1, le=65_535)]
Ways = Annotated[tuple[Tag, ...], Field(max_length=8)]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class State(_Strict):
    """How a device is; what its kind has no part for does nothing. `toner_percent` None: what its seed draws."""

    toner_percent: Percent | None = None
    jam: bool = False
    paper_out: bool = False
    cover_open: bool = False
    on_battery: bool = False
    battery_low: bool = False
    replace_battery: bool = False
    overloaded: bool = False
    ports_down: Annotated[tuple[int, ...], Field(max_length=64)] = ()  # ifIndex
    high_load: bool = False
    disk_full: bool = False
    overheated: bool = False


class Face(_Strict):
    """What a device is and says it is; `model` is a key of `models.MODELS`, empty for one that the seed draws."""

    kind: Kind
    model: str = ""
    serial: Line = ""
    name: Line
    location: Line = ""
    seed: int = 0
    uplink: Line = ""  # sysName of what it is plugged into, told by LLDP

    @model_validator(mode="after")
    def _model_of_kind(self) -> Self:
        if self.model and (self.model not in MODELS or MODELS[self.model].kind != self.kind):
            known = ", ".join(m.key for m in MODELS.values() if m.kind == self.kind)
            raise ValueError(f"{self.model!r} is no model of kind {self.kind}; known: {known}")
        return self


class Device(Face):
    """A device that answers SNMP at its own loopback address, in the state it has when nobody broke it.

    `behind` are the tags of its ways out: it cannot be heard while all of them are silent.
    """

    tag: Tag
    address: Loopback
    state: State = State()
    behind: Ways = ()


class Listener(_Strict):
    """A TCP door: a computer, a line's far end or a web address that is probed by a connect."""

    tag: Tag
    address: Loopback
    port: Port
    behind: Ways = ()


class Spec(_Strict):
    """All of it. `epoch` is the moment at which the fleet's clocks were set: uptimes and counters run from there."""

    schema_version: Literal[1] = 1
    community: Annotated[str, Field(min_length=1, max_length=64)] = "public"
    epoch: AwareDatetime
    devices: Annotated[tuple[Device, ...], Field(max_length=DEVICES_MAX)] = ()
    listeners: Annotated[tuple[Listener, ...], Field(max_length=LISTENERS_MAX)] = ()

    @model_validator(mode="after")
    def _one_place_each(self) -> Self:
        _no_twins("tag of a device", [d.tag for d in self.devices])
        _no_twins("address of a device", [d.address for d in self.devices])
        _no_twins("address of a listener", [f"{x.address}:{x.port}" for x in self.listeners])
        return self

    @property
    def tags(self) -> frozenset[str]:
        return frozenset(d.tag for d in self.devices) | frozenset(x.tag for x in self.listeners)

    @property
    def epoch_seconds(self) -> float:
        return self.epoch.timestamp()


def _no_twins(what: str, values: list[str]) -> None:
    seen: set[str] = set()
    for value in values:
        if value in seen:
            raise ValueError(f"{what} given twice: {value}")
        seen.add(value)


def load(path: Path) -> Spec:
    """The spec in a file; `Invalid` names the file and the first thing that is wrong with it."""
    try:
        return Spec.model_validate_json(path.read_bytes())
    except OSError as error:
        raise Invalid(f"cannot read {path}: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file"
        raise Invalid(f"{path}: {place}: {first['msg']} ({error.error_count()} in all)") from error


def save(spec: Spec, path: Path) -> None:
    """Write the spec so that a reader sees the old file or the new one, never half of one."""
    write_whole(path, spec.model_dump_json(indent=1))


def write_whole(path: Path, content: str) -> None:
    """Replace a file in one step."""
    beside = path.with_name(f".{path.name}.new")
    beside.write_text(content, encoding="utf-8")
    beside.replace(path)
