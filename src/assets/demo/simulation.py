"""The simulator's file, made from the fleet: every device with its face, every line and computer as a door. Pure."""

import zlib
from collections.abc import Iterable, Iterator
from datetime import datetime

from assets.demo.fleet import Centre, Thing
from assets.demo.models import MODELS
from assets.demo.recordings import Recording, device
from assets.demo.spec import Device, Face, Listener, Spec, State
from assets.demo.values import oid

COMMUNITY = "trinh-dien"
PORT_DOWN = {"21220": State(ports_down=(5,))}  # a switch with a socket that lost its cable
DRUM_LEFT_MIN = 15_000  # of 50,000 pages: a drum that wears out during a demonstration would be a fault by accident
_SUPPLY_LEVEL = oid("1.3.6.1.2.1.43.11.1.1.9.1")  # prtMarkerSuppliesLevel of device 1


def spec_of(centres: Iterable[Centre], *, port: int, epoch: datetime) -> Spec:
    """All that the simulator shows; doors listen on the TCP port with the number of the devices' UDP port."""
    centres = list(centres)
    return Spec(
        community=COMMUNITY,
        epoch=epoch,
        devices=tuple(d for centre in centres for d in _devices(centre, epoch)),
        listeners=tuple(x for centre in centres for x in _doors(centre, port)),
    )


def recording_of(face: Face, epoch: datetime) -> Recording:
    """What a device of the fleet answers while nothing is wrong with it."""
    return device(face, epoch=epoch.timestamp())


def ways_out(centre: Centre) -> tuple[str, ...]:
    """The lines over which the centre can be heard."""
    return tuple(line.tag for line in centre.lines if line.address)


def _devices(centre: Centre, epoch: datetime) -> Iterator[Device]:
    router = centre.first("router")
    for thing in centre.things:
        if thing.speaks_snmp:
            face = _face(thing, centre, epoch)
            yield Device(
                **face.model_dump(), tag=thing.tag, address=thing.address,
                state=PORT_DOWN.get(centre.code, State()) if thing.make.category == "switch" else State(),
                behind=ways_out(centre) if thing is router else (router.tag,),
            )  # fmt: skip


def _doors(centre: Centre, port: int) -> Iterator[Listener]:
    router = centre.first("router").tag
    for line in centre.lines:
        if line.address:
            yield Listener(tag=line.tag, address=line.address, port=port)
    for thing in centre.things:
        if thing.address and not thing.speaks_snmp:
            yield Listener(tag=thing.tag, address=thing.address, port=port, behind=(router,))


def _face(thing: Thing, centre: Centre, epoch: datetime) -> Face:
    kind = MODELS[thing.make.model].kind
    hangs_on = centre.first("router").tag.lower() if kind in ("switch", "ap") else ""
    face = Face(
        kind=kind, model=thing.make.model, serial=thing.serial, name=thing.tag.lower(), seed=zlib.crc32(thing.tag.encode()),
        location=f"{thing.room}, {centre.name}", uplink=hangs_on,
    )  # fmt: skip
    while kind in ("printer", "mfp") and _drum_left(recording_of(face, epoch)) < DRUM_LEFT_MIN:
        face = face.model_copy(update={"seed": face.seed + 1})
    return face


def _drum_left(recording: Recording) -> int:
    index = 5 if recording.model.colour else 2  # behind the cartridges
    left = recording.rows[(*_SUPPLY_LEVEL, index)].at(0).data
    assert isinstance(left, int)
    return left
