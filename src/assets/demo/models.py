"""Makes and models that stand in commune centres, with what each answers about itself.

sysObjectIDs lie under the makers' true enterprise numbers (IANA); descriptions follow each maker's pattern with
versions of our own. `texts` are objects outside the standard MIBs. In patterns, {serial} and {name} are the device's.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Model:
    """One model: facts that its recordings are made from. `category` is what a good prober should call it."""

    key: str
    kind: str
    category: str
    vendor: str
    name: str
    object_id: str
    descr: str
    firmware: str = ""
    mac_prefix: str = "02005e"  # locally administered unless the maker's own is given
    says_serial: bool = True  # whether any object holds the serial number
    texts: tuple[tuple[str, str], ...] = ()
    # printers
    colour: bool = False
    coarse_toner: bool = False  # the level is only "some remaining" (-3) until it runs low
    pages_per_day: int = 60
    trays: tuple[int, ...] = (250,)
    # network
    ports: tuple[tuple[int, int], ...] = ((1, 100),)  # (how many, Mbit/s)
    entity: bool = False  # answers ENTITY-MIB
    # power
    battery_minutes: int = 25
    volt_ampere: int = 1500
    # hosts
    memory_mib: int = 1024
    disks_gib: tuple[int, ...] = ()
    processors: int = 2


_NET_SNMP_LINUX = "1.3.6.1.4.1.8072.3.2.10"

_PRINTERS = (
    Model(
        key="hp-m404dn", kind="printer", category="printer", vendor="HP", name="HP LaserJet Pro M404dn",
        object_id="1.3.6.1.4.1.11.2.3.9.1", mac_prefix="3c52a1", pages_per_day=110, trays=(100, 250),
        descr="HP ETHERNET MULTI-ENVIRONMENT,SN:{serial},FN:6B20A4C,SVCID:31207,PID:HP LaserJet Pro M404dn",
        firmware="002_2418A",
    ),
    Model(
        key="hp-m454dn", kind="printer", category="printer", vendor="HP", name="HP Color LaserJet Pro M454dn",
        object_id="1.3.6.1.4.1.11.2.3.9.1", mac_prefix="3c52a1", pages_per_day=55, trays=(50, 250), colour=True,
        descr="HP ETHERNET MULTI-ENVIRONMENT,SN:{serial},FN:7C11D0E,SVCID:32155,PID:HP Color LaserJet Pro M454dn",
        firmware="002_2406B",
    ),
    Model(
        key="canon-lbp226dw", kind="printer", category="printer", vendor="Canon", name="Canon LBP226",
        object_id="1.3.6.1.4.1.1602.4.7", mac_prefix="f4a997", pages_per_day=80, trays=(100, 250),
        descr="Canon LBP226 /P", firmware="06.02",
    ),
    Model(
        key="brother-l6200dw", kind="printer", category="printer", vendor="Brother", name="Brother HL-L6200DW series",
        object_id="1.3.6.1.4.1.2435.2.3.9.1", mac_prefix="3c2af4", pages_per_day=140, trays=(50, 520),
        descr="Brother NC-8600h, Firmware Ver.1.31  (21.03.09),MID 84UB06", firmware="1.31", coarse_toner=True,
    ),
)  # fmt: skip

_MFPS = (
    Model(
        key="ricoh-mp2555", kind="mfp", category="printer", vendor="Ricoh", name="RICOH MP 2555",
        object_id="1.3.6.1.4.1.367.1.1", mac_prefix="002673", pages_per_day=260, trays=(550, 550),
        descr="RICOH MP 2555 1.14 / RICOH Network Printer C model / RICOH Network Scanner C model", firmware="1.14",
    ),
    Model(
        key="canon-ir4545", kind="mfp", category="printer", vendor="Canon", name="Canon iR-ADV 4545",
        object_id="1.3.6.1.4.1.1602.4.7", mac_prefix="f4a997", pages_per_day=320, trays=(550, 550, 550),
        descr="Canon iR-ADV 4545 /P", firmware="59.36",
    ),
    Model(
        key="fujifilm-apeos-c3060", kind="mfp", category="printer", vendor="Fujifilm", name="FUJIFILM Apeos C3060",
        object_id="1.3.6.1.4.1.297.1.11.93.2.1.60", mac_prefix="080037", pages_per_day=210, trays=(520, 520),
        descr="FUJIFILM Apeos C3060 ; ESS1.8.2,IOT 64.2.0,ADF 13.0.0", firmware="1.8.2", colour=True,
    ),
)  # fmt: skip

_POWER = (
    Model(
        key="apc-smt1500", kind="ups", category="ups", vendor="APC", name="Smart-UPS 1500",
        object_id="1.3.6.1.4.1.318.1.3.27", mac_prefix="00c0b7", firmware="UPS 15.5 / ID=1026", volt_ampere=1500,
        descr="APC Web/SNMP Management Card (MB:v4.1.1 PF:v7.0.4 PN:apc_hw05_aos_704.bin AF1:v7.0.4 MN:AP9630 HR:05)",
        texts=(  # PowerNet-MIB upsBasicIdentModel, upsAdvIdentFirmwareRevision, upsAdvIdentSerialNumber
            ("1.3.6.1.4.1.318.1.1.1.1.1.1.0", "Smart-UPS 1500"),
            ("1.3.6.1.4.1.318.1.1.1.1.2.1.0", "UPS 15.5 / ID=1026"),
            ("1.3.6.1.4.1.318.1.1.1.1.2.3.0", "{serial}"),
        ),
    ),
    Model(
        key="santak-c3kr", kind="ups", category="ups", vendor="Santak", name="Castle C3KR",
        object_id="1.3.6.1.4.1.935", mac_prefix="0003ea", says_serial=False, firmware="2.71", volt_ampere=3000,
        descr="NetAgent II SNMP Card", battery_minutes=18,
    ),
    Model(
        key="cyberpower-ol3000", kind="ups", category="ups", vendor="CyberPower", name="OL3000ERTXL2U",
        object_id="1.3.6.1.4.1.3808.1.1.1", mac_prefix="000c15", firmware="1.06", volt_ampere=3000, battery_minutes=14,
        descr="UPS SNMP Card",
        texts=(  # CPS-MIB upsBaseIdentModel, upsAdvanceIdentFirmwareRevision, upsAdvanceIdentSerialNumber
            ("1.3.6.1.4.1.3808.1.1.1.1.1.1.0", "OL3000ERTXL2U"),
            ("1.3.6.1.4.1.3808.1.1.1.1.2.1.0", "1.06"),
            ("1.3.6.1.4.1.3808.1.1.1.1.2.3.0", "{serial}"),
        ),
    ),
)  # fmt: skip

_NETWORK = (
    Model(
        key="mikrotik-rb3011", kind="router", category="router", vendor="MikroTik", name="RB3011UiAS",
        object_id="1.3.6.1.4.1.14988.1", mac_prefix="48a98a", ports=((10, 1000),), memory_mib=1024, firmware="7.16.2",
        descr="RouterOS RB3011UiAS", disks_gib=(1,),
        texts=(  # MIKROTIK-MIB mtxrLicVersion, mtxrSerialNumber, mtxrFirmwareVersion
            ("1.3.6.1.4.1.14988.1.1.4.4.0", "7.16.2"),
            ("1.3.6.1.4.1.14988.1.1.7.3.0", "{serial}"),
            ("1.3.6.1.4.1.14988.1.1.7.4.0", "7.16.2"),
        ),
    ),
    Model(
        key="draytek-vigor2926", kind="router", category="router", vendor="DrayTek", name="Vigor2926",
        object_id="1.3.6.1.4.1.7367", mac_prefix="001daa", ports=((6, 1000),), memory_mib=128, firmware="3.9.9.4",
        says_serial=False,
        descr="DrayTek Corporation, Router Model: Vigor2926 Series, Version: 3.9.9.4, Build Date/Time: Mar 4 2024 10:21:47",
    ),
    Model(
        key="cisco-2960-24tt", kind="switch", category="switch", vendor="Cisco", name="WS-C2960-24TT-L",
        object_id="1.3.6.1.4.1.9.1.716", mac_prefix="001d70", ports=((24, 100), (2, 1000)), entity=True,
        firmware="12.2(55)SE12", memory_mib=64,
        descr="Cisco IOS Software, C2960 Software (C2960-LANBASEK9-M), Version 12.2(55)SE12, RELEASE SOFTWARE (fc2)",
    ),
    Model(
        key="dlink-dgs1210-28", kind="switch", category="switch", vendor="D-Link", name="DGS-1210-28",
        object_id="1.3.6.1.4.1.171.10.76.15", mac_prefix="28107b", ports=((28, 1000),), firmware="4.21.B008",
        descr="DGS-1210-28 4.21.B008", memory_mib=128,
        texts=(("1.3.6.1.4.1.171.12.1.1.12.0", "{serial}"),),  # AGENT-GENERAL-MIB agentSerialNumber
    ),
    Model(
        key="tplink-t1600g-52ts", kind="switch", category="switch", vendor="TP-Link", name="T1600G-52TS",
        object_id="1.3.6.1.4.1.11863.5.29", mac_prefix="50c7bf", ports=((52, 1000),), firmware="3.0.6",
        descr="JetStream 48-Port Gigabit Smart Switch with 4 SFP Slots", memory_mib=128,
        texts=(  # TPLINK-SYSINFO-MIB tpSysInfoHwVersion, tpSysInfoSwVersion, tpSysInfoSerialNum
            ("1.3.6.1.4.1.11863.6.1.1.5.0", "T1600G-52TS 3.0"),
            ("1.3.6.1.4.1.11863.6.1.1.6.0", "3.0.6 Build 20220718 Rel.51204(s)"),
            ("1.3.6.1.4.1.11863.6.1.1.8.0", "{serial}"),
        ),
    ),
    Model(
        key="unifi-u6-lite", kind="ap", category="ap", vendor="Ubiquiti", name="U6-Lite",
        object_id="1.3.6.1.4.1.41112", mac_prefix="0418d6", ports=((1, 1000),), firmware="6.6.77.15402",
        says_serial=False, memory_mib=256, descr="U6-Lite 6.6.77.15402",
        texts=(  # UBNT-UniFi-MIB unifiApSystemModel, unifiApSystemVersion
            ("1.3.6.1.4.1.41112.1.6.3.3.0", "U6-Lite"),
            ("1.3.6.1.4.1.41112.1.6.3.6.0", "6.6.77.15402"),
        ),
    ),
    Model(
        key="unifi-ac-lite", kind="ap", category="ap", vendor="Ubiquiti", name="UAP-AC-Lite",
        object_id=_NET_SNMP_LINUX, mac_prefix="788a20", ports=((1, 1000),), firmware="6.6.77.15402",
        says_serial=False, memory_mib=128, descr="UAP-AC-Lite 6.6.77.15402",
        texts=(
            ("1.3.6.1.4.1.41112.1.6.3.3.0", "UAP-AC-Lite"),
            ("1.3.6.1.4.1.41112.1.6.3.6.0", "6.6.77.15402"),
        ),
    ),
)  # fmt: skip

_HOSTS = (
    Model(
        key="synology-ds220", kind="nas", category="nas", vendor="Synology", name="DS220+",
        object_id=_NET_SNMP_LINUX, mac_prefix="001132", ports=((2, 1000),), firmware="DSM 7.2-64570",
        descr="Linux {name} 4.4.302+ #64570 SMP Thu Jul 20 22:33:12 CST 2023 x86_64", memory_mib=2048,
        disks_gib=(3725, 3725),
        texts=(  # SYNOLOGY-SYSTEM-MIB modelName, serialNumber, version
            ("1.3.6.1.4.1.6574.1.5.1.0", "DS220+"),
            ("1.3.6.1.4.1.6574.1.5.2.0", "{serial}"),
            ("1.3.6.1.4.1.6574.1.5.3.0", "DSM 7.2-64570"),
        ),
    ),
    Model(
        key="linux-server", kind="server", category="host", vendor="", name="Linux server",
        object_id=_NET_SNMP_LINUX, ports=((2, 1000),), memory_mib=16_384, disks_gib=(447, 1862), processors=8,
        descr="Linux {name} 6.1.0-26-amd64 #1 SMP PREEMPT_DYNAMIC Debian 6.1.112-1 (2024-09-30) x86_64",
        says_serial=False,
    ),
    Model(
        key="windows-server-2019", kind="server", category="host", vendor="Microsoft", name="Windows Server 2019",
        object_id="1.3.6.1.4.1.311.1.1.3.1.2", ports=((2, 1000),), memory_mib=32_768, disks_gib=(446, 1863),
        processors=8, says_serial=False,
        descr="Hardware: Intel64 Family 6 Model 158 Stepping 10 AT/AT COMPATIBLE - Software: Windows Version 6.3 "
        "(Build 17763 Multiprocessor Free)",
    ),
    Model(
        key="dahua-nvr4108", kind="camera", category="camera", vendor="Dahua", name="DHI-NVR4108HS-4KS2",
        object_id="1.3.6.1.4.1.1004849.3.2", mac_prefix="3cef8c", memory_mib=512, disks_gib=(3726,),
        firmware="4.003.0000000.1", descr="Dahua NVR",
        texts=(  # DAHUA-SNMP-MIB softwareRevision, hardwareRevision, serialNumber, systemVersion, deviceType
            ("1.3.6.1.4.1.1004849.2.1.1.1.0", "4.003.0000000.1"),
            ("1.3.6.1.4.1.1004849.2.1.1.2.0", "1.0"),
            ("1.3.6.1.4.1.1004849.2.1.2.4.0", "{serial}"),
            ("1.3.6.1.4.1.1004849.2.1.2.5.0", "4.003.0000000.1"),
            ("1.3.6.1.4.1.1004849.2.1.2.6.0", "DHI-NVR4108HS-4KS2"),
        ),
    ),
    Model(
        key="hikvision-nvr7608", kind="camera", category="camera", vendor="Hikvision", name="DS-7608NI-K2",
        object_id="1.3.6.1.4.1.50001", mac_prefix="4419b6", memory_mib=1024, disks_gib=(3726, 3726),
        firmware="V4.62.210", descr="Hikvision DS-7608NI-K2 V4.62.210",
        texts=(("1.3.6.1.4.1.50001.1.3.0", "{serial}"),),  # HIKVISION-MIB hikEntityIndex
    ),
    Model(
        key="epson-ds970", kind="scanner", category="scanner", vendor="Epson", name="EPSON DS-970",
        # EEPS2 numbers a network unit by the letters of "Network Interface Unit", their count in front
        object_id="1.3.6.1.4.1.1248.1.1.2.1.3." + ".".join(str(n) for n in (22, *b"Network Interface Unit")),
        mac_prefix="a4ee57", descr="EPSON DS-970 Ext. Scan Server", firmware="03.12", says_serial=False,
    ),
)  # fmt: skip

MODELS: dict[str, Model] = {m.key: m for m in (*_PRINTERS, *_MFPS, *_POWER, *_NETWORK, *_HOSTS)}


def models(kind: str) -> tuple[Model, ...]:
    """The models of a kind, always in the same order."""
    return tuple(m for m in MODELS.values() if m.kind == kind)


def model_of(kind: str, *, model: str = "", seed: int = 0) -> Model:
    """The model named, or else the one that the seed draws from the kind."""
    return MODELS[model] if model else models(kind)[seed % len(models(kind))]
