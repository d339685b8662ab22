"""What stands in offices like these: kinds of equipment, and makes with price, years and serial numbers. Data only.

Prices are whole đồng of the order that the norms allow (QĐ 15/2025/QĐ-TTg); they and the years of sale are examples.
In serial patterns `#` is a digit and `@` a letter.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Make:
    """A maker's model as the register has it; `model` is the key of the simulated one, for what speaks SNMP."""

    category: str
    manufacturer: str
    name: str
    cost: int | None
    years: tuple[int, int]  # first and last year in which such a thing was bought
    serial: str
    model: str = ""
    profile: str = ""


_DESKTOPS = (
    Make("desktop", "HP", "280 G2 MT", 11_800_000, (2016, 2018), "4CE6###@##"),
    Make("desktop", "CMS", "X-Media C450", 10_900_000, (2014, 2017), "CMS1######"),
    Make("desktop", "FPT Elead", "S998i", 11_200_000, (2015, 2019), "FPT######"),
    Make("desktop", "HP", "ProDesk 400 G6 MT", 14_600_000, (2019, 2021), "8CG9###@#@"),
    Make("desktop", "Dell", "OptiPlex 3080", 15_300_000, (2020, 2022), "#@@#@#3"),
    Make("desktop", "Lenovo", "ThinkCentre M70s", 15_900_000, (2022, 2025), "PC1@@#@#"),
    Make("desktop", "Dell", "OptiPlex 7010 SFF", 17_400_000, (2024, 2026), "@#@@##4"),
)
_LAPTOPS = (
    Make("laptop", "Dell", "Latitude 3420", 21_500_000, (2021, 2023), "@@#@#K3"),
    Make("laptop", "HP", "ProBook 450 G9", 22_900_000, (2022, 2025), "5CD2###@@#"),
)
_NETWORK_PRINTERS = (
    Make("printer", "HP", "LaserJet Pro M404dn", 9_200_000, (2019, 2024), "VNB3@#####", "hp-m404dn", "printer-mib"),
    Make("printer", "Canon", "LBP226dw", 7_600_000, (2020, 2025), "NBGA######", "canon-lbp226dw", "printer-mib"),
    Make("printer", "Brother", "HL-L6200DW", 9_900_000, (2018, 2023), "E7####@#@######", "brother-l6200dw", "printer-mib"),
    Make("printer", "HP", "Color LaserJet Pro M454dn", 12_600_000, (2020, 2024), "VNC4@#####", "hp-m454dn", "printer-mib"),
)  # fmt: skip
_USB_PRINTERS = (
    Make("printer", "Canon", "LBP 2900", 3_300_000, (2012, 2020), "LYDA######"),
    Make("printer", "HP", "LaserJet P1102", 2_400_000, (2012, 2016), "VNF3@#####"),
    Make("printer", "Brother", "HL-L2321D", 3_100_000, (2016, 2022), "E7####@#@######"),
)
_COPIERS = (
    Make("copier", "Ricoh", "MP 2555", 62_000_000, (2018, 2022), "G69#@######", "ricoh-mp2555", "printer-mib"),
    Make("copier", "Canon", "iR-ADV 4545", 98_000_000, (2019, 2023), "2KV#####", "canon-ir4545", "printer-mib"),
    Make("copier", "Fujifilm", "Apeos C3060", 104_000_000, (2022, 2026), "45####", "fujifilm-apeos-c3060", "printer-mib"),
)  # fmt: skip
_SCANNERS = (
    Make("scanner", "HP", "ScanJet Pro 3000 s4", 11_500_000, (2020, 2025), "CN1#@@####"),
    Make("scanner", "Fujitsu", "fi-7160", 20_900_000, (2016, 2022), "A36@######"),
    Make("scanner", "Brother", "ADS-2200", 9_800_000, (2018, 2023), "E7####@#@######"),
    Make("scanner", "Plustek", "PS3060U", 8_900_000, (2017, 2023), "A62Z########"),
    Make("scanner", "Canon", "imageFORMULA DR-C225 II", 10_400_000, (2018, 2024), "HQ3#####"),
)
_NETWORK_SCANNER = Make("scanner", "Epson", "DS-970", 20_500_000, (2021, 2025), "X6G@######", "epson-ds970", "scanner")
_CARD_UPS = (
    Make("ups", "APC", "Smart-UPS SMT1500", 19_400_000, (2018, 2024), "AS2#########", "apc-smt1500", "ups-powernet"),
    Make("ups", "Santak", "Castle C3KR", 24_200_000, (2017, 2024), "S3K#########", "santak-c3kr", "ups-mib"),
    Make("ups", "CyberPower", "OL3000ERTXL2U", 28_100_000, (2020, 2025), "PPKHT#######", "cyberpower-ol3000", "ups-mib"),
)  # fmt: skip
_SMALL_UPS = (
    Make("ups", "Santak", "TG500 Pro", 1_300_000, (2015, 2024), "TG5#########"),
    Make("ups", "Santak", "Blazer 1000 Pro", 2_700_000, (2016, 2024), "BZ1#########"),
    Make("ups", "APC", "BX650LI-MS", 1_600_000, (2018, 2025), "9B2#@########"),
)
_ROUTERS = (
    Make("router", "DrayTek", "Vigor2926", 5_900_000, (2018, 2024), "1949########", "draytek-vigor2926", "router"),
    Make("router", "MikroTik", "RB3011UiAS-RM", 5_200_000, (2017, 2024), "B88@0#@#####", "mikrotik-rb3011", "router"),
)
_SWITCHES = (
    Make("switch", "D-Link", "DGS-1210-28", 6_400_000, (2016, 2023), "R3C1##@######", "dlink-dgs1210-28", "switch"),
    Make("switch", "Cisco", "Catalyst 2960-24TT-L", 15_800_000, (2012, 2017), "FOC1####@#@", "cisco-2960-24tt", "switch"),
)  # fmt: skip
_BIG_SWITCH = Make(
    "switch", "TP-Link", "T1600G-52TS", 9_700_000, (2017, 2022), "2193###@#####", "tplink-t1600g-52ts", "switch"
)
_ACCESS_POINTS = (
    Make("access-point", "Ubiquiti", "UniFi U6-Lite", 3_100_000, (2021, 2025), "F4E2C6######", "unifi-u6-lite"),
    Make("access-point", "Ubiquiti", "UniFi AP AC-Lite", 2_200_000, (2017, 2021), "788A20######", "unifi-ac-lite"),
)
_RECORDERS = (
    Make("recorder", "Hikvision", "DS-7608NI-K2", 5_600_000, (2018, 2024), "D#########", "hikvision-nvr7608", "camera"),
    Make("recorder", "Dahua", "DHI-NVR4108HS-4KS2", 4_800_000, (2019, 2024), "6J0#@@#PAZ#####", "dahua-nvr4108", "camera"),
)  # fmt: skip

# What a centre asks for, by the word that `fleet` uses for it.
MAKES: dict[str, tuple[Make, ...]] = {
    "desktop": _DESKTOPS,
    "laptop": _LAPTOPS,
    "printer": _NETWORK_PRINTERS,
    "usb-printer": _USB_PRINTERS,
    "copier": _COPIERS,
    "scanner": _SCANNERS,
    "network-scanner": (_NETWORK_SCANNER,),
    "ups": _CARD_UPS,
    "small-ups": _SMALL_UPS,
    "router": _ROUTERS,
    "switch": _SWITCHES,
    "big-switch": (_BIG_SWITCH,),
    "access-point": _ACCESS_POINTS,
    "recorder": _RECORDERS,
    "storage": (Make("storage", "Synology", "DS220+", 12_400_000, (2021, 2024), "2040SBR######", "synology-ds220", "nas"),),
    "kiosk": (Make("kiosk", "Lắp ráp trong nước", "Kiosk cảm ứng 32 inch", 46_000_000, (2021, 2025), "KSK32#####"),),
    "numbering-machine": (
        Make("numbering-machine", "Lắp ráp trong nước", "Máy lấy số 17 inch", 24_000_000, (2019, 2025), "LS17#####"),
    ),
    "queue-display": (Make("queue-display", "LG", "43 inch", 9_300_000, (2019, 2025), "907VNXY#####"),),
    "satisfaction-device": (
        Make("satisfaction-device", "Samsung", "Galaxy Tab A8", 6_300_000, (2022, 2025), "R9@T#######"),
    ),
    "public-computer": (
        Make("public-computer", "Dell", "Inspiron 24 All-in-One", 16_800_000, (2021, 2025), "#@#@@#5"),
    ),
    "signing-token": (Make("signing-token", "Thales", "SafeNet eToken 5110", None, (2020, 2026), "02########"),),
    "conference": (Make("conference", "Logitech", "MeetUp", 22_700_000, (2020, 2025), "21##LZ######"),),
    "generator": (Make("generator", "Honda", "EU22i", 27_500_000, (2018, 2024), "EAMT#######"),),
}  # fmt: skip
