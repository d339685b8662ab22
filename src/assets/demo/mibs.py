"""Rows of the standard MIBs that most devices answer, made from the MIBs' own object lists.

Each function returns {OID: value} of one group; a recording is their union. Times are seconds since 1970.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from assets.demo.values import (
    Cells,
    Oid,
    Rows,
    Rule,
    counter,
    counting,
    counting_64,
    gauge,
    growing,
    integer,
    moving_integer,
    object_id,
    octets,
    oid,
    text,
    ticking,
    ticks,
)

UP, DOWN = 1, 2  # ifAdminStatus, ifOperStatus (IF-MIB)
ETHERNET, LOOPBACK_IF, WIFI = 6, 24, 71  # IANAifType
RUNNING, WARNING, DEVICE_DOWN = 2, 3, 5  # hrDeviceStatus (HOST-RESOURCES-MIB)

_SYSTEM = oid("1.3.6.1.2.1.1")
_IF_NUMBER = oid("1.3.6.1.2.1.2.1.0")
_IF_ENTRY = oid("1.3.6.1.2.1.2.2.1")
_IF_X_ENTRY = oid("1.3.6.1.2.1.31.1.1.1")
_IF_TABLE_LAST_CHANGE = oid("1.3.6.1.2.1.31.1.5.0")
_HR_SYSTEM = oid("1.3.6.1.2.1.25.1")
_HR_MEMORY_SIZE = oid("1.3.6.1.2.1.25.2.2.0")
_HR_STORAGE_ENTRY = oid("1.3.6.1.2.1.25.2.3.1")
_HR_DEVICE_ENTRY = oid("1.3.6.1.2.1.25.3.2.1")
_HR_PROCESSOR_ENTRY = oid("1.3.6.1.2.1.25.3.3.1")
_ENT_PHYSICAL_ENTRY = oid("1.3.6.1.2.1.47.1.1.1.1")
_ENT_SENSOR_ENTRY = oid("1.3.6.1.2.1.99.1.1.1")
_BRIDGE = oid("1.3.6.1.2.1.17")
_LLDP = oid("1.0.8802.1.1.2.1")

HR_RAM = "1.3.6.1.2.1.25.2.1.2"  # hrStorageTypes
HR_VIRTUAL_MEMORY = "1.3.6.1.2.1.25.2.1.3"
HR_FIXED_DISK = "1.3.6.1.2.1.25.2.1.4"
HR_OTHER = "1.3.6.1.2.1.25.3.1.1"  # hrDeviceTypes
HR_PROCESSOR = "1.3.6.1.2.1.25.3.1.3"
HR_NETWORK = "1.3.6.1.2.1.25.3.1.4"
HR_PRINTER = "1.3.6.1.2.1.25.3.1.5"
HR_DISK = "1.3.6.1.2.1.25.3.1.6"
NO_SUCH_KIND = "0.0"  # zeroDotZero: "no further information"


def columns(entry: Oid, index: Sequence[int], values: Cells) -> Rows:
    """One table row: column number → value, at `entry`.column.`index`."""
    return {(*entry, column, *index): value for column, value in values.items()}


@dataclass(frozen=True, slots=True)
class Port:
    """One interface as IF-MIB shows it; rates are bytes a second."""

    index: int
    descr: str
    mac: bytes = b""
    kind: int = ETHERNET
    speed_mbps: int = 100
    plugged: bool = True
    enabled: bool = True
    alias: str = ""
    rate_in: float = 0.0
    rate_out: float = 0.0
    changed: float | None = None  # when it went down or up last; None: at boot

    @property
    def oper(self) -> int:
        return UP if self.plugged and self.enabled else DOWN


def system(*, descr: str, kind: str, name: str, location: str, booted: float, services: int) -> Rows:
    """SNMPv2-MIB system group (RFC 3418)."""
    return columns(
        _SYSTEM,
        (0,),
        {
            1: text(descr),
            2: object_id(kind),
            3: ticking(booted),
            4: text(""),
            5: text(name),
            6: text(location),
            7: integer(services),
        },
    )


def interfaces(ports: Sequence[Port], *, booted: float) -> Rows:
    """ifTable and ifXTable (RFC 2863) with counters that started at zero when the device did."""
    rows: Rows = {_IF_NUMBER: integer(len(ports)), _IF_TABLE_LAST_CHANGE: ticks(0)}
    for port in ports:
        rows |= _interface(port, booted)
    return rows


def _interface(port: Port, booted: float) -> Rows:
    lives = port.oper == UP
    octets_in = _traffic(port, port.rate_in, booted, wave=0.6)
    octets_out = _traffic(port, port.rate_out, booted, wave=0.5)
    packets_in = _traffic(port, port.rate_in / 640, booted, wave=0.6)
    packets_out = _traffic(port, port.rate_out / 710, booted, wave=0.5)
    changed = ticks(max(0.0, port.changed - booted)) if port.changed is not None else ticks(3)
    none = counter(0)
    return columns(
        _IF_ENTRY,
        (port.index,),
        {
            1: integer(port.index),
            2: text(port.descr),
            3: integer(port.kind),
            4: integer(65_536 if port.kind == LOOPBACK_IF else 1500),
            5: gauge(min(port.speed_mbps * 1_000_000, (1 << 32) - 1) if lives else 0),
            6: octets(port.mac),
            7: integer(UP if port.enabled else DOWN),
            8: integer(port.oper),
            9: changed,
            10: counting(octets_in),
            11: counting(packets_in),
            13: none,
            14: none,
            15: none,
            16: counting(octets_out),
            17: counting(packets_out),
            19: none,
            20: none,
        },
    ) | _interface_x(port, (octets_in, packets_in, octets_out, packets_out))


def _traffic(port: Port, rate: float, booted: float, *, wave: float) -> Rule:
    """Octets or packets since the start; a port that went down keeps the count that it had."""
    rule = growing(rate, booted, wave=wave, period=700 + 37 * port.index)
    if port.oper == UP or port.changed is None:
        return rule
    return partial(_stopped, rule, port.changed)


def _stopped(rule: Rule, at: float, now: float) -> int:
    return rule(min(now, at))


def _interface_x(port: Port, rules: tuple[Rule, Rule, Rule, Rule]) -> Rows:
    octets_in, packets_in, octets_out, packets_out = rules
    return columns(
        _IF_X_ENTRY,
        (port.index,),
        {
            1: text(port.descr),
            2: counter(0),
            3: counter(0),
            6: counting_64(octets_in),
            7: counting_64(packets_in),
            10: counting_64(octets_out),
            11: counting_64(packets_out),
            15: gauge(port.speed_mbps if port.oper == UP else 0),
            16: integer(2),
            17: integer(1 if port.kind != LOOPBACK_IF else 2),
            18: text(port.alias),
        },
    )


@dataclass(frozen=True, slots=True)
class Store:
    """A row of hrStorageTable, sizes in bytes."""

    descr: str
    kind: str
    size: int
    used: int
    unit: int = 4096
    index: int = 0  # 0: the next free one


def host(*, booted: float, memory_mib: int, stores: Sequence[Store], loads: Sequence[Rule]) -> Rows:
    """HOST-RESOURCES-MIB (RFC 2790): storage, processors with their load in percent, and the system group's uptime."""
    rows: Rows = {(*_HR_SYSTEM, 1, 0): ticking(booted), _HR_MEMORY_SIZE: integer(memory_mib * 1024)}
    rows[(*_HR_SYSTEM, 6, 0)] = gauge(60 + memory_mib // 256)
    for number, store in enumerate(stores, start=1):
        index = store.index or number
        rows |= columns(
            _HR_STORAGE_ENTRY,
            (index,),
            {
                1: integer(index),
                2: object_id(store.kind),
                3: text(store.descr),
                4: integer(store.unit),
                5: integer(store.size // store.unit),
                6: integer(store.used // store.unit),
            },
        )
    for number, load in enumerate(loads, start=1):
        rows |= hr_device(number, HR_PROCESSOR, "processor")
        rows |= columns(_HR_PROCESSOR_ENTRY, (number,), {1: object_id(NO_SUCH_KIND), 2: moving_integer(load)})
    return rows


def hr_device(index: int, kind: str, descr: str, *, status: int = RUNNING) -> Rows:
    """A row of hrDeviceTable."""
    return columns(
        _HR_DEVICE_ENTRY,
        (index,),
        {
            1: integer(index),
            2: object_id(kind),
            3: text(descr, 64),
            4: object_id(NO_SUCH_KIND),
            5: integer(status),
            6: counter(0),
        },
    )


CHASSIS, SENSOR = 3, 8  # IANAPhysicalClass


def chassis(*, descr: str, model: str, maker: str, serial: str, firmware: str) -> Rows:
    """ENTITY-MIB (RFC 6933): the device itself as entity 1."""
    return columns(
        _ENT_PHYSICAL_ENTRY,
        (1,),
        {
            2: text(descr),
            3: object_id(NO_SUCH_KIND),
            4: integer(0),
            5: integer(CHASSIS),
            6: integer(-1),
            7: text("1"),
            8: text("V02"),
            9: text(""),
            10: text(firmware),
            11: text(serial),
            12: text(maker),
            13: text(model),
            14: text(""),
            15: text(""),
            16: integer(1),
        },
    )


def temperature_sensor(index: int, name: str, rule: Rule) -> Rows:
    """A thermometer: its ENTITY-MIB row in the chassis and its ENTITY-SENSOR-MIB reading (RFC 3433), whole °C."""
    entity: Cells = {
        2: text(name),
        3: object_id(NO_SUCH_KIND),
        4: integer(1),
        5: integer(SENSOR),
        6: integer(index),
        7: text(name),
    }
    entity |= dict.fromkeys(range(8, 16), text("")) | {16: integer(2)}
    celsius, units, ok = 8, 9, 1
    reading: Cells = {
        1: integer(celsius),
        2: integer(units),
        3: integer(0),
        4: moving_integer(rule),
        5: integer(ok),
        6: text("degrees C"),
    }
    return columns(_ENT_PHYSICAL_ENTRY, (index,), entity) | columns(_ENT_SENSOR_ENTRY, (index,), reading)


def bridge(ports: Sequence[Port], mac: bytes) -> Rows:
    """BRIDGE-MIB (RFC 4188): base group, ports, and one learnt address on each port in use."""
    rows: Rows = {
        (*_BRIDGE, 1, 1, 0): octets(mac),
        (*_BRIDGE, 1, 2, 0): integer(len(ports)),
        (*_BRIDGE, 1, 3, 0): integer(2),
    }
    for number, port in enumerate(ports, start=1):
        rows |= columns(
            (*_BRIDGE, 1, 4, 1),
            (number,),
            {1: integer(number), 2: integer(port.index), 3: object_id(NO_SUCH_KIND), 4: counter(0), 5: counter(0)},
        )
        if port.oper == UP:
            # Made from the port alone, so that switches of one model share their object names in memory.
            learnt = (0x02, 0x5E, 0x10, 0, 0, number)
            row: Cells = {1: octets(bytes(learnt)), 2: integer(number), 3: integer(3)}
            rows |= columns((*_BRIDGE, 4, 3, 1), learnt, row)
    return rows


def lldp(*, name: str, descr: str, mac: bytes, ports: Iterable[Port], uplink: str) -> Rows:
    """LLDP-MIB (IEEE 802.1AB): the local system, its ports and the neighbour `uplink`, if there is one."""
    by_mac, by_name = integer(4), integer(5)
    local: Cells = {1: by_mac, 2: octets(mac), 3: text(name), 4: text(descr)}
    rows = columns((*_LLDP, 3), (0,), local)
    for port in ports:
        rows |= columns(
            (*_LLDP, 3, 7, 1), (port.index,), {2: by_name, 3: text(port.descr), 4: text(port.alias or port.descr)}
        )
    if uplink:
        neighbour: Cells = {
            4: integer(7),  # chassis id is a local name
            5: text(uplink),
            6: by_name,
            7: text("uplink"),
            8: text("uplink"),
            9: text(uplink),
            10: text(""),
            11: octets(b"\x28\x00"),  # bridge and router
            12: octets(b"\x08\x00"),
        }
        rows |= columns((*_LLDP, 4, 1, 1), (0, 1, 1), neighbour)
    return rows
