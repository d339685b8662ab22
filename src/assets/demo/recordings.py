"""Synthetic recordings: everything a device of a kind answers, made from a face, a state and a few dates.

`device(face, …)` is the door. The same face gives the same device on every machine; nothing is read from a file.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass

from assets.demo import mibs
from assets.demo.mibs import Port, Store
from assets.demo.models import Model, model_of
from assets.demo.printer_mib import Printer, printer_rows
from assets.demo.spec import Face, State
from assets.demo.ups_mib import Ups, ups_rows
from assets.demo.values import (
    DAY_SECONDS,
    OBJECT_ID,
    OCTETS,
    Cells,
    Rows,
    Rule,
    Value,
    gauging,
    integer,
    moving_integer,
    oid,
    swinging,
    text,
)

GIB = 1 << 30
MIB = 1 << 20
UP_DAYS_MAX = 120
NORMAL = State()


@dataclass(frozen=True, slots=True)
class Recording:
    """All objects of one device in one state."""

    model: Model
    rows: Rows

    def snmprec(self, now: float) -> str:
        """The recording at a moment in the snmpsim text format: one sorted `OID|TAG|VALUE` a line."""
        return "".join(f"{_dotted(name)}|{_tagged(value.at(now))}\n" for name, value in sorted(self.rows.items()))


@dataclass(frozen=True, slots=True)
class Making:
    """What the makers of rows work with; times are seconds since 1970."""

    face: Face
    model: Model
    state: State
    booted: float
    since: float  # when the state began
    mac: bytes
    dice: random.Random


def device(face: Face, *, epoch: float, state: State = NORMAL, since: float | None = None) -> Recording:
    """What a device answers that was started up to 120 days before `epoch`, and is in `state` since `since`.

    Chance is drawn alike in every state, so that a fault changes what it breaks and nothing else.
    """
    dice = random.Random(f"{face.kind}/{face.seed}/{face.serial}/{face.name}")  # noqa: S311 - believable, not secret
    model = model_of(face.kind, model=face.model, seed=face.seed)
    making = Making(
        face=face,
        model=model,
        state=state,
        booted=epoch - dice.uniform(0.4, UP_DAYS_MAX) * DAY_SECONDS,
        since=epoch if since is None else since,
        mac=bytes.fromhex(model.mac_prefix) + dice.randbytes(3),
        dice=dice,
    )
    return Recording(model=model, rows=_system(making) | _MAKERS[face.kind](making) | _texts(making))


def _router_port(number: int) -> str:
    return f"ether{number}"


def _switch_port(number: int) -> str:
    return f"Port{number:02d}"


def _host_port(number: int) -> str:
    return f"eth{number - 1}"


def _only_port(_number: int) -> str:
    return "eth0"


def _plain_port(_number: int) -> str:
    return "Ethernet"


def _system(m: Making) -> Rows:
    # sysServices: a sum of 2^(layer - 1) over the OSI layers that the device works at
    services = {"router": 78, "switch": 2, "ap": 6}.get(m.face.kind, 72)
    return mibs.system(
        descr=m.model.descr.format(serial=m.face.serial, name=m.face.name),
        kind=m.model.object_id,
        name=m.face.name,
        location=m.face.location,
        booted=m.booted,
        services=services,
    )


def _texts(m: Making) -> Rows:
    return {oid(name): text(words.format(serial=m.face.serial)) for name, words in m.model.texts}


def _printer(m: Making) -> Rows:
    colours = ("black", "cyan", "magenta", "yellow") if m.model.colour else ("black",)
    drawn = {colour: m.dice.randint(24, 96) for colour in colours}
    if m.state.toner_percent is not None:
        drawn["black"] = m.state.toner_percent
    printer = Printer(
        name=m.model.name,
        serial=m.face.serial,
        toner=drawn,
        trays=m.model.trays,
        coarse_toner=m.model.coarse_toner,
        pages=m.dice.randint(3_000, 90_000),
        pages_per_day=m.model.pages_per_day,
    )
    memory = [Store("RAM", mibs.HR_RAM, 256 * MIB, 96 * MIB)]
    rows = mibs.host(booted=m.booted, memory_mib=256, stores=memory, loads=[])
    rows |= mibs.interfaces(_ports(m, rate=2_000), booted=m.booted)
    return rows | printer_rows(printer, m.state, booted=m.booted, since=m.since)


def _ups(m: Making) -> Rows:
    ups = Ups(
        maker=m.model.vendor,
        model=m.model.name,
        firmware=m.model.firmware,
        name=m.face.name,
        battery_minutes=m.model.battery_minutes,
        load_percent=m.dice.randint(14, 48),
        volt_ampere=m.model.volt_ampere,
    )
    rows = ups_rows(ups, m.state, booted=m.booted, since=m.since)
    return rows | mibs.interfaces(_ports(m, rate=300), booted=m.booted)


def _router(m: Making) -> Rows:
    rows = mibs.interfaces(_ports(m, rate=240_000, names=_router_port), booted=m.booted)
    ram = m.model.memory_mib * MIB
    stores = [Store("main memory", mibs.HR_RAM, ram, ram * (88 if m.state.high_load else 23) // 100, 1024, 65_536)]
    for size in m.model.disks_gib:
        used = size * GIB * (97 if m.state.disk_full else 31) // 100
        stores.append(Store("system disk", mibs.HR_FIXED_DISK, size * GIB, used, 4096, 131_072))
    rows |= mibs.host(booted=m.booted, memory_mib=m.model.memory_mib, stores=stores, loads=_loads(m, usual=7))
    if m.model.vendor == "MikroTik":
        # MIKROTIK-MIB mtxrHlTemperature, tenths of a degree
        rows[oid("1.3.6.1.4.1.14988.1.1.3.10.0")] = moving_integer(_celsius(m, cool=41, tenths=True))
    return rows


def _switch(m: Making) -> Rows:
    ports = _ports(m, rate=45_000, names=_switch_port)
    rows = mibs.interfaces(ports, booted=m.booted) | mibs.bridge(ports, m.mac)
    rows |= mibs.lldp(name=m.face.name, descr=m.model.descr, mac=m.mac, ports=ports, uplink=m.face.uplink)
    if m.model.entity:
        rows |= mibs.chassis(
            descr=m.model.name,
            model=m.model.name,
            maker=m.model.vendor,
            serial=m.face.serial,
            firmware=m.model.firmware,
        )
        rows |= mibs.temperature_sensor(1006, "Switch 1 temperature", _celsius(m, cool=38))
    if m.model.vendor == "Cisco":
        # OLD-CISCO-CPU-MIB and CISCO-PROCESS-MIB cpmCPUTotal5minRev
        rows[oid("1.3.6.1.4.1.9.9.109.1.1.1.1.8.1")] = gauging(_loads(m, usual=9)[0])
    return rows


def _access_point(m: Making) -> Rows:
    uplink = _ports(m, rate=90_000, names=_only_port)
    radios = [
        Port(index=10 + n, descr=name, mac=m.mac, kind=mibs.WIFI, speed_mbps=speed, rate_in=30_000, rate_out=52_000)
        for n, (name, speed) in enumerate((("wifi0", 300), ("wifi1", 1_201)))
    ]
    rows = mibs.interfaces([*uplink, *radios], booted=m.booted)
    rows |= mibs.lldp(name=m.face.name, descr=m.model.descr, mac=m.mac, ports=uplink, uplink=m.face.uplink)
    ram = m.model.memory_mib * MIB
    stores = [Store("Physical memory", mibs.HR_RAM, ram, ram * (91 if m.state.high_load else 58) // 100, 1024)]
    rows |= mibs.host(booted=m.booted, memory_mib=m.model.memory_mib, stores=stores, loads=_loads(m, usual=12))
    usual = swinging(m.dice.randint(3, 9), 3, period=1_200)
    crowd = swinging(46, 6) if m.state.high_load else usual
    for vap, ssid in ((1, "HCC-NoiBo"), (2, "HCC-CongDan")):
        # UBNT-UniFi-MIB unifiVapEssId, unifiVapNumStations
        rows[(*oid("1.3.6.1.4.1.41112.1.6.1.2.1.6"), vap)] = text(ssid)
        rows[(*oid("1.3.6.1.4.1.41112.1.6.1.2.1.8"), vap)] = moving_integer(crowd)
    return rows


def _server(m: Making) -> Rows:
    windows = m.model.vendor == "Microsoft"
    ram = m.model.memory_mib * MIB
    usual = m.dice.randint(35, 62)
    busy = 94 if m.state.high_load else usual
    names = ["C:\\ Label:System", "D:\\ Label:Data"] if windows else ["/", "/srv"]
    stores = [Store("Physical Memory" if windows else "Physical memory", mibs.HR_RAM, ram, ram * busy // 100, 65_536)]
    stores += _disks(m, names)
    rows = mibs.interfaces(_ports(m, rate=60_000, names=_host_port), booted=m.booted)
    return rows | mibs.host(booted=m.booted, memory_mib=m.model.memory_mib, stores=stores, loads=_loads(m, usual=14))


def _nas(m: Making) -> Rows:
    ram = m.model.memory_mib * MIB
    stores = [Store("Physical memory", mibs.HR_RAM, ram, ram * 44 // 100, 1024)]
    stores += _disks(m, ["/volume1"])
    rows = mibs.interfaces(_ports(m, rate=80_000, names=_host_port), booted=m.booted)
    rows |= mibs.host(booted=m.booted, memory_mib=m.model.memory_mib, stores=stores, loads=_loads(m, usual=6))
    # SYNOLOGY-SYSTEM-MIB systemStatus and temperature; SYNOLOGY-DISK-MIB diskID, diskModel, diskStatus, diskTemperature
    rows[oid("1.3.6.1.4.1.6574.1.1.0")] = integer(1)
    rows[oid("1.3.6.1.4.1.6574.1.2.0")] = moving_integer(_celsius(m, cool=40))
    for number in range(len(m.model.disks_gib)):
        cells: Cells = {2: text(f"Drive {number + 1}"), 3: text("HAT3300-4T"), 5: integer(1)}
        cells[6] = moving_integer(_celsius(m, cool=36 + number))
        rows |= mibs.columns(oid("1.3.6.1.4.1.6574.2.1.1"), (number,), cells)
    return rows


def _camera(m: Making) -> Rows:
    rows = mibs.interfaces(_ports(m, rate=1_900_000, names=_only_port), booted=m.booted)
    used = 99 if m.state.disk_full else 87  # a recorder writes over its oldest hours: nearly full is its usual state
    load = _loads(m, usual=31)[0]
    if m.model.vendor == "Dahua":
        rows[oid("1.3.6.1.4.1.1004849.2.1.3.0")] = moving_integer(load)  # DAHUA-SNMP-MIB cpuUsage
        return rows
    # HIKVISION-MIB hikOnline, hikMemoryCapability (MB), hikMemoryUsage (%), hikDeviceStatus and hikDiskTable (MB)
    hikvision = oid("1.3.6.1.4.1.50001.1")
    rows[(*hikvision, 102, 0)] = integer(1)
    rows[(*hikvision, 220, 0)] = integer(m.model.memory_mib)
    rows[(*hikvision, 221, 0)] = moving_integer(swinging(91 if m.state.high_load else 54, 3))
    rows[(*hikvision, 230, 0)] = integer(1)
    for number, size in enumerate(m.model.disks_gib, start=1):
        cells: Cells = {1: integer(number), 2: text(f"HDD {number}"), 3: integer(0)}
        cells |= {4: integer(size * 1024 * (100 - used) // 100), 5: integer(size * 1024)}
        rows |= mibs.columns((*hikvision, 241, 1), (number,), cells)
    return rows


def _scanner(m: Making) -> Rows:
    rows = mibs.interfaces(_ports(m, rate=400), booted=m.booted)
    return rows | mibs.hr_device(1, mibs.HR_OTHER, m.model.name)


_MAKERS: dict[str, Callable[[Making], Rows]] = {
    "printer": _printer,
    "mfp": _printer,
    "ups": _ups,
    "router": _router,
    "switch": _switch,
    "ap": _access_point,
    "nas": _nas,
    "server": _server,
    "camera": _camera,
    "scanner": _scanner,
}


def _ports(m: Making, *, rate: float, names: Callable[[int], str] = _plain_port) -> list[Port]:
    """The sockets of a model, the first one always in use (its line or uplink), about 60 % of the others."""
    ports: list[Port] = []
    speeds = [speed for count, speed in m.model.ports for _ in range(count)]
    for index, speed in enumerate(speeds, start=1):
        down = index in m.state.ports_down
        busy = rate * m.dice.uniform(0.2, 1.6)
        plugged = m.dice.random() < 0.6 or index <= 2
        ports.append(
            Port(
                index=index,
                descr=names(index),
                mac=m.mac[:5] + bytes(((m.mac[5] + index) % 256,)),
                speed_mbps=speed,
                plugged=plugged and not down,
                alias="Uplink" if index == 1 and len(speeds) > 1 else "",
                rate_in=min(busy, speed * 60_000) * plugged,
                rate_out=min(busy * 0.6, speed * 60_000) * plugged,
                changed=m.since if down else None,
            )
        )
    return ports


def _disks(m: Making, names: list[str]) -> list[Store]:
    stores = []
    for name, size in zip(names, m.model.disks_gib, strict=False):
        usual = m.dice.randint(22, 71)
        used = 98 if m.state.disk_full else usual
        stores.append(Store(name, mibs.HR_FIXED_DISK, size * GIB, size * GIB * used // 100))
    return stores


def _loads(m: Making, *, usual: int) -> list[Rule]:
    mean, swing = (93, 4) if m.state.high_load else (usual, usual / 2)
    return [swinging(mean, swing, period=420 + 60 * n, phase=m.dice.uniform(0, 6)) for n in range(m.model.processors)]


def _celsius(m: Making, *, cool: int, tenths: bool = False) -> Rule:
    factor = 10 if tenths else 1
    return swinging((cool + (38 if m.state.overheated else 0)) * factor, 2 * factor, period=1_800)


def _dotted(name: tuple[int, ...]) -> str:
    return ".".join(str(arc) for arc in name)


def _tagged(value: Value) -> str:
    data = value.data
    if value.tag == OBJECT_ID and isinstance(data, tuple):
        return f"{OBJECT_ID}|{_dotted(data)}"
    if not isinstance(data, bytes):
        return f"{value.tag}|{data}"
    printable = data.isascii() and data.decode("ascii").isprintable()
    return f"{OCTETS}|{data.decode('ascii')}" if printable else f"{OCTETS}x|{data.hex()}"
