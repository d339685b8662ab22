"""Synthetic devices: made from the object lists of the MIBs, of no make that exists. {OID: value} as a door returns it."""

from assets.probing.ber import Value

Device = dict[str, Value]
SYSTEM = "1.3.6.1.2.1.1"
IF, IFX = "1.3.6.1.2.1.2.2.1", "1.3.6.1.2.1.31.1.1.1"
PRT, HR, UPS, ENT = "1.3.6.1.2.1.43", "1.3.6.1.2.1.25", "1.3.6.1.2.1.33.1", "1.3.6.1.2.1.47.1.1.1.1"
UCD = "1.3.6.1.4.1.2021.4"
DAY_TICKS = 8_640_000
NOBODY = "1.3.6.1.4.1.4294967295.1"  # a number that IANA will not assign


def system(*, object_id: str = NOBODY, descr: str = "Synthetic", ticks: int = 3 * DAY_TICKS) -> Device:
    """The system group (SNMPv2-MIB)."""
    return {
        f"{SYSTEM}.1.0": descr.encode(),
        f"{SYSTEM}.2.0": object_id,
        f"{SYSTEM}.3.0": ticks,
        f"{SYSTEM}.5.0": b"synthetic",
        f"{SYSTEM}.6.0": "Bộ phận Một cửa".encode(),
    }


def interfaces(count: int, *, speed_mbps: int = 1_000, wide: bool = True, octets: int = 1_000) -> Device:
    """IF-MIB: a loopback as number 1, then ports of which each third is down; 32-bit counters only unless `wide`."""
    out: Device = {}
    for index in range(1, count + 2):
        loop = index == 1
        out |= {
            f"{IF}.2.{index}": b"lo" if loop else f"port {index}".encode(),
            f"{IF}.3.{index}": 24 if loop else 6,
            f"{IF}.5.{index}": min(speed_mbps * 1_000_000, (1 << 32) - 1),
            f"{IF}.6.{index}": b"" if loop else bytes((2, 0, 0, 0, 0, index)),
            f"{IF}.7.{index}": 1,
            f"{IF}.8.{index}": 2 if index % 3 == 0 else 1,
            f"{IF}.10.{index}": octets % (1 << 32),
            f"{IF}.16.{index}": octets * 2 % (1 << 32),
        }
        if wide:
            out |= {
                f"{IFX}.1.{index}": f"p{index}".encode(),
                f"{IFX}.6.{index}": octets,
                f"{IFX}.10.{index}": octets * 2,
                f"{IFX}.15.{index}": speed_mbps,
            }
    return out


Supply = tuple[str, int, int, int, int]  # name, class, type, maximum, level


def printer(*supplies: Supply, errors: bytes = b"\0", pages: int = 12_345, object_id: str = NOBODY) -> Device:
    """Printer-MIB and the parts of HOST-RESOURCES-MIB that go with it; class 3 is consumed, 4 is filled."""
    out = system(object_id=object_id, descr="Synthetic page maker") | interfaces(1)
    out |= {
        f"{HR}.3.2.1.2.1": f"{HR}.3.1.5",
        f"{HR}.3.2.1.3.1": b"Synthetic P-100 series",
        f"{HR}.3.2.1.5.1": 2,
        f"{HR}.3.5.1.2.1": errors,
        f"{PRT}.5.1.1.17.1": b"SYN0001",
        f"{PRT}.8.2.1.9.1.1": 250,
        f"{PRT}.8.2.1.10.1.1": -3,
        f"{PRT}.8.2.1.13.1.1": b"Khay 1",
        f"{PRT}.10.2.1.4.1.1": pages,
    }
    for index, (name, kind, type_, maximum, left) in enumerate(supplies, start=1):
        values: tuple[tuple[int, Value], ...] = ((4, kind), (5, type_), (6, name.encode()), (8, maximum), (9, left))
        out |= {f"{PRT}.11.1.1.{column}.1.{index}": value for column, value in values}
    return out


def ups(
    *, source: int = 3, battery: int = 2, percent: int = 100, minutes: int = 40, loads: tuple[int, ...] = (30,)
) -> Device:
    """UPS-MIB; upsOutputSource 3 is normal and 5 the battery, upsBatteryStatus 2 is normal and 3 low."""
    out = system(descr="Synthetic power box") | {
        f"{UPS}.1.1.0": b"Synthetic",
        f"{UPS}.1.2.0": b"U-1500",
        f"{UPS}.1.3.0": b"1.0",
        f"{UPS}.2.1.0": battery,
        f"{UPS}.2.2.0": 0 if source == 3 else 90,
        f"{UPS}.2.3.0": minutes,
        f"{UPS}.2.4.0": percent,
        f"{UPS}.2.5.0": 273,
        f"{UPS}.2.7.0": 27,
        f"{UPS}.4.1.0": source,
        f"{UPS}.6.1.0": 0 if source == 3 else 1,
    }
    for line, load in enumerate(loads, start=1):
        out |= {f"{UPS}.4.4.1.5.{line}": load, f"{UPS}.4.4.1.2.{line}": 230, f"{UPS}.3.3.1.3.{line}": 2_290}
    return out


def switch(ports: int = 8) -> Device:
    """A switch with a chassis (ENTITY-MIB) and a temperature sensor (ENTITY-SENSOR-MIB)."""
    sensor = "1.3.6.1.2.1.99.1.1.1"
    return (
        system(descr=f"Synthetic {ports}-port Ethernet Switch")
        | interfaces(ports)
        | {
            f"{ENT}.2.1": b"Synthetic chassis",
            f"{ENT}.5.1": 3,
            f"{ENT}.7.1": b"unit 1",
            f"{ENT}.10.1": b"4.2",
            f"{ENT}.11.1": b"SWITCH77",
            f"{ENT}.13.1": b"SY-8",
            f"{ENT}.2.2": b"board",
            f"{ENT}.5.2": 8,
            f"{sensor}.1.2": 8,
            f"{sensor}.2.2": 9,
            f"{sensor}.3.2": 1,
            f"{sensor}.4.2": 415,
            f"{sensor}.5.2": 1,
        }
    )


def host() -> Device:
    """A Net-SNMP host: processors, memory by UCD-SNMP-MIB, one disk and one memory file system."""
    out = system(object_id="1.3.6.1.4.1.8072.3.2.10", descr="Linux synthetic 6.1.0 #1 SMP x86_64") | interfaces(1)
    rows: tuple[tuple[int, int, str, int, int], ...] = (
        (1, 2, "Physical memory", 1_000, 900),
        (31, 4, "/", 10_000, 8_700),
        (35, 4, "/run", 100, 99),
    )
    for index, kind, name, size, used in rows:
        values: tuple[tuple[int, Value], ...] = (
            (2, f"{HR}.2.1.{kind}"),
            (3, name.encode()),
            (4, 4_096),
            (5, size),
            (6, used),
        )
        out |= {f"{HR}.2.3.1.{column}.{index}": value for column, value in values}
    out |= {f"{HR}.3.3.1.2.196608": 20, f"{HR}.3.3.1.2.196609": 31}
    return out | {f"{UCD}.5.0": 1_000_000, f"{UCD}.6.0": 100_000, f"{UCD}.14.0": 50_000, f"{UCD}.15.0": 350_000}
