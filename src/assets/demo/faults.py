"""Breaking and mending what the simulator shows: a small file between the person who breaks and the simulator."""

import difflib
import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from assets import clock
from assets.demo.spec import DEVICES_MAX, SPEC_NAME, Spec, State, load, write_whole
from assets.errors import Invalid, NotFound

FAULTS_NAME = "faults.json"
NEARBY_MAX = 5
EVERY_KIND = frozenset({"printer", "mfp", "ups", "router", "switch", "ap", "nas", "server", "camera", "scanner"})
PRINTERS = frozenset({"printer", "mfp"})


class Fault(StrEnum):
    """What can be wrong with a simulated thing; listeners know only SILENT."""

    SILENT = "silent"  # no answer; listeners refuse the connection
    GARBLED = "garbled"  # answers that end too early
    JAM = "jam"
    PAPER_OUT = "paper_out"
    COVER_OPEN = "cover_open"
    TONER_LOW = "toner_low"
    TONER_OUT = "toner_out"
    ON_BATTERY = "on_battery"
    BATTERY_LOW = "battery_low"
    REPLACE_BATTERY = "replace_battery"
    OVERLOADED = "overloaded"
    OVERHEATED = "overheated"
    PORT_DOWN = "port_down"
    HIGH_LOAD = "high_load"
    DISK_FULL = "disk_full"


Change = Callable[[State], State]


def _with(state: State, **change: Any) -> State:
    return state.model_copy(update=change)


# Fault → the kinds of device that can have it, and what it makes of their state.
EFFECTS: dict[Fault, tuple[frozenset[str], Change]] = {
    Fault.SILENT: (EVERY_KIND, _with),
    Fault.GARBLED: (EVERY_KIND, _with),
    Fault.JAM: (PRINTERS, partial(_with, jam=True)),
    Fault.PAPER_OUT: (PRINTERS, partial(_with, paper_out=True)),
    Fault.COVER_OPEN: (PRINTERS, partial(_with, cover_open=True)),
    Fault.TONER_LOW: (PRINTERS, partial(_with, toner_percent=6)),
    Fault.TONER_OUT: (PRINTERS, partial(_with, toner_percent=0)),
    Fault.ON_BATTERY: (frozenset({"ups"}), partial(_with, on_battery=True)),
    Fault.BATTERY_LOW: (frozenset({"ups"}), partial(_with, on_battery=True, battery_low=True)),
    Fault.REPLACE_BATTERY: (frozenset({"ups"}), partial(_with, replace_battery=True)),
    Fault.OVERLOADED: (frozenset({"ups"}), partial(_with, overloaded=True)),
    Fault.OVERHEATED: (frozenset({"ups", "nas"}), partial(_with, overheated=True)),
    Fault.PORT_DOWN: (frozenset({"router", "switch"}), partial(_with, ports_down=(1,))),
    Fault.HIGH_LOAD: (frozenset({"router", "server", "nas", "ap"}), partial(_with, high_load=True)),
    Fault.DISK_FULL: (frozenset({"server", "nas"}), partial(_with, disk_full=True)),
}


class Broken(BaseModel):
    """What is wrong with a tag, and since when."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fault: Fault
    since: AwareDatetime


Faults = dict[str, Broken]
_FAULTS: TypeAdapter[Faults] = TypeAdapter(Annotated[Faults, Field(max_length=DEVICES_MAX)])


def break_tag(home: Path, tag: str, fault: str = Fault.SILENT, *, now: datetime | None = None) -> Broken:
    """Give a tag a fault from now on; one that it has already keeps its date. Another fault replaces it.

    `NotFound` names tags that look alike; `Invalid` names the faults that this kind of thing can have.
    """
    spec = load(home / SPEC_NAME)
    possible = faults_of(spec, tag)
    if fault not in possible:
        raise Invalid(f"{tag} cannot have the fault {fault!r}; it can have: {', '.join(sorted(possible))}")
    with _changing(home) as faults:
        before = faults.get(tag)
        if before is None or before.fault != fault:
            faults[tag] = Broken(fault=Fault(fault), since=now or clock.now())
        return faults[tag]


def mend_tag(home: Path, tag: str) -> bool:
    """Take the fault off a tag; False when it had none. `NotFound` names tags that look alike."""
    faults_of(load(home / SPEC_NAME), tag)
    with _changing(home) as faults:
        return faults.pop(tag, None) is not None


def current(home: Path) -> Faults:
    """What is broken now; nothing when nothing ever was."""
    return read(home / FAULTS_NAME)


def read(path: Path) -> Faults:
    """The faults in a file; `Invalid` when it is not one of ours."""
    try:
        return _FAULTS.validate_json(path.read_bytes())
    except FileNotFoundError:
        return {}
    except ValidationError as error:
        raise Invalid(f"{path}: {error.errors()[0]['msg']}") from error


def faults_of(spec: Spec, tag: str) -> frozenset[str]:
    """The faults that a tag can have. A tag may be a device, a listener, or both."""
    kinds = {d.kind for d in spec.devices if d.tag == tag}
    if not kinds and tag not in spec.tags:
        raise NotFound(_nobody(spec, tag))
    possible = {fault.value for fault, (can, _) in EFFECTS.items() if kinds & can}
    return frozenset(possible | {Fault.SILENT.value})


def unheard(spec: Spec, faults: Faults) -> frozenset[str]:
    """The tags that nobody can hear: silent themselves, or with every way out silent. A loop of ways is open."""
    ways = {d.tag: d.behind for d in spec.devices} | {x.tag: x.behind for x in spec.listeners}
    known = {tag: True for tag, broken in faults.items() if broken.fault is Fault.SILENT}

    def silent(tag: str) -> bool:
        if tag not in known:
            known[tag] = False  # for as long as its own ways are being looked at
            known[tag] = bool(ways.get(tag)) and all(silent(way) for way in ways[tag])
        return known[tag]

    return frozenset(tag for tag in ways if silent(tag))


def changed(state: State, fault: Fault) -> State:
    """The state of a device with a fault."""
    return EFFECTS[fault][1](state)


def _nobody(spec: Spec, tag: str) -> str:
    by_folded = {known.casefold(): known for known in sorted(spec.tags)}
    close = difflib.get_close_matches(tag.casefold(), by_folded, n=NEARBY_MAX, cutoff=0.5)
    if not close:
        return f"no simulated thing has the tag {tag!r}, and none has a similar one"
    return f"no simulated thing has the tag {tag!r}; similar: {', '.join(by_folded[c] for c in close)}"


@contextmanager
def _changing(home: Path) -> Iterator[Faults]:
    """The faults to change; written in one step when the caller is done. Two at once wait for each other."""
    with (home / f".{FAULTS_NAME}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        faults = current(home)
        yield faults
        write_whole(home / FAULTS_NAME, _FAULTS.dump_json(faults, indent=1).decode())
