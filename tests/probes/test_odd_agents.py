"""What agents in the field do otherwise than the MIB says, and what is made of it all the same."""

from typing import Any

import pytest

from assets.probing.ber import Value
from assets.probing.look import text
from assets.probing.profile import Profiles
from tests.probes import synthetic
from tests.probes.replaying import read
from tests.probes.synthetic import HR, IF, NOBODY, SYSTEM, UPS, Device

PROFILES = Profiles.load()
LLDP = "1.0.8802.1.1.2.1.4.1.1"
BLOCKS = 1 << 32


def said(device: Device) -> dict[str, Any]:
    """The document of a device that answers so."""
    return read(device, PROFILES)


def disk(size: int, used: int) -> Device:
    """A host with one more disk."""
    row: tuple[tuple[int, Value], ...] = ((2, f"{HR}.2.1.4"), (3, b"/srv"), (4, 4_096), (5, size), (6, used))
    return synthetic.host() | {f"{HR}.2.3.1.{column}.40": value for column, value in row}


@pytest.mark.parametrize("used", [1_000_000_000, 2_500_000_000])
def test_when_a_disk_has_more_blocks_than_the_mib_can_count_then_it_is_measured_all_the_same(used: int) -> None:
    size = 3_000_000_000
    document = said(disk(size - BLOCKS, used - BLOCKS if used >= 1 << 31 else used))
    row = next(row for row in document["storage"] if row["name"] == "/srv")
    reading = next(r for r in document["readings"] if r["name"] == "storage.used_percent" and r["instance"] == "40")
    assert row["size_bytes"] == size * 4_096
    assert row["used_bytes"] == used * 4_096
    assert reading["value"] == row["used_percent"] == round(used * 100 / size, 1)


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        (b"\x02\x00\x00\x00\x00\x07", "02:00:00:00:00:07"),
        (b"02:00:00:00:00:07", "02:00:00:00:00:07"),
        (b"02-00-00-00-00-0A", "02:00:00:00:00:0a"),
        (b"2:0:0:0:0:a", "02:00:00:00:00:0a"),
        (b"00:00:00:00:00:00", None),
        (b"02:00:00:00:00", None),
        (b"two:of:hex:but:no:pe", None),
    ],
)
def test_when_an_address_comes_as_octets_or_as_text_then_it_is_the_same_address(sent: bytes, shown: str | None) -> None:
    row = said(synthetic.switch(2) | {f"{IF}.6.2": sent})["interfaces"]["list"][1]
    assert row.get("mac") == shown


@pytest.mark.parametrize("index", ["0.7.1", "7.1"])
def test_when_a_neighbour_is_listed_with_or_without_a_time_mark_then_its_port_is_known(index: str) -> None:
    neighbour: Device = {f"{LLDP}.5.{index}": b"far-switch", f"{LLDP}.7.{index}": b"ge1", f"{LLDP}.9.{index}": b"core"}
    assert [row["local_port"] for row in said(synthetic.switch(2) | neighbour)["lldp_neighbors"]] == [7]


@pytest.mark.parametrize(("sent", "degrees"), [(27, 27.0), (265, 26.5), (0, None), (-1, None), (2_147_483_647, None)])
def test_when_a_battery_is_measured_in_tenths_or_not_at_all_then_its_degrees_make_sense(
    sent: int, degrees: float | None
) -> None:
    battery = said(synthetic.ups() | {f"{UPS}.2.7.0": sent})["ups"]["battery_temperature_c"]
    assert battery == degrees


def test_when_a_text_has_line_breaks_then_its_words_stay_apart() -> None:
    descr = b"S5720-28P-SI-AC\r\nHuawei Versatile Routing Platform Software\r\nVRP (R) software,Version 5.170"
    assert text(descr).startswith("S5720-28P-SI-AC Huawei Versatile")
    document = said(synthetic.switch(2) | {f"{SYSTEM}.1.0": descr, f"{SYSTEM}.2.0": "1.3.6.1.4.1.2011.2.23.462"})
    assert document["sys_descr"] == descr.decode()


# What the sysDescr of a maker's devices says, where no MIB of theirs answers: (sysObjectID below enterprises, sysDescr,
# category, vendor, model, firmware). Texts in the makers' habits, of devices made up.
DESCRIBED = [
    ("641.52.1", "TOSHIBA e-STUDIO333S version CX.081.1 kernel 5.4", "printer", "Toshiba", "e-STUDIO333S", "CX.081.1"),
    ("641.2.1", "Dell Laser Printer M5000 version 55.10.1 kernel 2.4", "printer", "Dell", "M5000", "55.10.1"),
    ("367.1.1", "LANIER MP 333/LD33 2.01 / LANIER Network Printer", "printer", "Lanier", "MP 333/LD33", "2.01"),
    ("253.8.62.1", "Xerox Phaser 5555; System 1.3.7.P, OS 8.2", "printer", "Xerox", "Phaser 5555", "1.3.7.P"),
    ("11.2.3.9.1", "HP ETHERNET MULTI-ENVIRONMENT,ROM none,JETDIRECT", "printer", "HP", None, None),
    ("12325.1.1.2.1.1", "OPNsense a.lan 23.1.1 OPNsense FreeBSD 13.1", "router", "OPNsense", None, "23.1.1"),
    ("8741.1", "SonicWALL TZ 333 (SonicOS Enhanced 5.9.1.6-5o)", "router", "SonicWall", "TZ 333", "5.9.1.6-5o"),
    ("171.10.153.7.1", "WS6-DGS-3333-52/F1 6.10.007", "switch", "D-Link", "DGS-3333-52/F1", "6.10.007"),
    ("1916.2.1", "ExtremeXOS (X333-24t) version 22.4.1.4 by x", "switch", "Extreme", "X333-24t", "22.4.1.4"),
    ("5651.1.1", " SM3333 Device, Compiled\n SoftWare Version SM3333_6.0.2", "switch", "Maipu", "SM3333", "6.0.2"),
    ("9.1.359", "IOS (tm) C3333 Software (C3333-I-M), Version 12.1(22)EA1", None, "Cisco", "C3333", "12.1(22)EA1"),
    ("9.1.618", "Cisco IOS Software, C1133 Software (C1133-K9W7-M)", "ap", "Cisco", "C1133", None),
    ("171.10.37.56", "D-Link DAP-3333", "ap", "D-Link", "DAP-3333", None),
    ("25506.1.1", "H3C Switch S3333V2 Software Version 5.20.99", "switch", "H3C", None, "5.20.99"),
    ("25506.1.1", "H3C Comware Software, Version 7.1.064, H3C MSR3333", "router", "H3C", None, "7.1.064"),
    ("25506.1.1", "H3C Comware Platform Software H3C WX3333", "ap", "HPE", None, None),
    ("8072.3.2.10", "Uniview IPC333LB", "camera", "Uniview", "IPC333LB", None),
    ("5227.1", "BUFFALO TeraStation TS3333R Ver.3.00", "nas", "Buffalo", "TeraStation TS3333R", "3.00"),
    ("14988.1", "RouterOS hAP ac^9", "router", "MikroTik", "hAP ac^9", None),
    ("14988.1", "RouterOS 7.33 (stable) on RB3333-x", "router", "MikroTik", "RB3333-x", None),
    ("8072.3.2.10", "Ubiquiti UniFi UDM-Max 4.3.3 Linux 4.19.152", "router", "Ubiquiti", "UDM-Max", "4.3.3"),
    ("11863.3.2.10", "Omada EAP333-Wall", "ap", "TP-Link", "EAP333-Wall", None),
    ("2011.2.80.8", "Huawei HG8333H V300R033C10", "router", "Huawei", "HG8333H", "V300R033C10"),
    ("3902.1082.1001", "F333L", "router", "ZTE", "F333L", None),
    ("211.1.127.12.1", "fi-3333NX", "scanner", "Fujitsu", "fi-3333NX", None),
    ("36680.1", "Kodak Alaris S3333 Scanner", "scanner", "Kodak", "S3333 Scanner", None),
    ("641.2.714", "Lexmark MS333dn 701922033BHVV MSNGM.076.333 ", "printer", "Lexmark", "MS333dn", "MSNGM.076.333"),
    ("4555.1.1.1", "Net Vision v6.00 (SN 0000000000)", "ups", "Socomec", None, "6.00"),
]


@pytest.mark.parametrize(("number", "descr", "category", "vendor", "model", "firmware"), DESCRIBED)
def test_when_only_the_system_group_answers_then_a_device_is_known_by_its_words(
    number: str, descr: str, category: str | None, vendor: str, model: str | None, firmware: str | None
) -> None:
    document = said(synthetic.system(object_id=f"1.3.6.1.4.1.{number}", descr=descr))
    found = {key: document.get(key) for key in ("vendor", "model", "firmware")}
    assert found == {"vendor": vendor, "model": model, "firmware": firmware}
    assert category is None or document["category"] == category


@pytest.mark.parametrize(
    ("name", "category"), [("Brother ADS-3333W", "scanner"), ("Brother MFC-L3333DW series", "printer")]
)
def test_when_only_the_name_of_its_device_tells_a_scanner_from_a_printer_then_it_does(name: str, category: str) -> None:
    device = synthetic.system(
        object_id="1.3.6.1.4.1.2435.2.3.9.1", descr="Brother NC-9300w, Firmware Ver.P  ,MID 8CE-F01"
    )
    document = said(
        device | {f"{HR}.3.2.1.3.1": name.encode(), "1.3.6.1.4.1.2435.2.3.9.4.2.1.5.5.1.0": b"E75123A8F000333"}
    )
    assert (document["category"], document["vendor"]) == (category, "Brother")
    assert (document["model"], document["serial"]) == (name.split()[1], "E75123A8F000333")


def test_when_a_router_has_a_chassis_then_its_model_is_not_the_family_of_its_image() -> None:
    descr = (
        "Cisco IOS Software [Fuji], ISR Software (X86_64_LINUX_IOSD-UNIVERSALK9-M), Version 16.9.8, RELEASE SOFTWARE"
    )
    entity = "1.3.6.1.2.1.47.1.1.1.1"
    chassis: Device = {f"{entity}.5.1": 3, f"{entity}.11.1": b"FDO33333ABC", f"{entity}.13.1": b"ISR3333/K9"}
    document = said(synthetic.system(object_id="1.3.6.1.4.1.9.1.2068", descr=descr) | chassis)
    assert (document["category"], document["model"], document["serial"]) == ("router", "ISR3333/K9", "FDO33333ABC")


@pytest.mark.parametrize(("told", "vendor"), [("SANTAK", "Santak"), ("PPC", "Phoenixtec"), ("", "Phoenixtec")])
def test_when_a_card_is_sold_under_another_name_then_the_ups_says_whose_it_is(told: str, vendor: str) -> None:
    device = synthetic.system(object_id="1.3.6.1.4.1.935.10.1", descr="UPS SNMP Card") | {f"{UPS}.1.1.0": told.encode()}
    assert said(device)["vendor"] == vendor


def test_when_firmware_and_serial_number_follow_the_model_of_a_printer_then_they_are_not_part_of_it() -> None:
    device = synthetic.system(object_id="1.3.6.1.4.1.253.8.62.1.38", descr="Xerox VersaLink C333; System 68.61.11")
    assert (
        said(device | {f"{HR}.3.2.1.3.1": b"Xerox VersaLink C333DN; 1.7.8;SN3712345678"})["model"] == "VersaLink C333DN"
    )


def test_when_nobodys_number_comes_with_nobodys_words_then_no_maker_is_made_up() -> None:
    document = said(synthetic.system(object_id=NOBODY, descr="Box"))
    assert not {"vendor", "model", "firmware"} & document.keys()
