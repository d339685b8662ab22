"""Reading what agents send: both languages say the same, and whatever else comes is refused by name."""

import gzip
import json
import zlib
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.errors import Invalid
from assets.inventory.agents import protocol
from assets.inventory.agents.computer import KEPT, computer, facts, observed
from tests.inventories import DEVICE, PC, as_json, as_xml, pc

JSON, XML = "application/json", "application/xml"


def test_both_languages_say_the_same_of_a_computer() -> None:
    by_json, by_xml = protocol.read(as_json(PC), JSON), protocol.read(as_xml(PC), XML)
    assert computer(by_json.sections) == computer(by_xml.sections)
    assert (by_json.device_id, by_json.tag, by_json.software) == (by_xml.device_id, by_xml.tag, by_xml.software)
    assert by_json.sections.keys() <= KEPT >= by_xml.sections.keys()


@pytest.mark.parametrize(
    ("changes", "field", "value"),
    [
        ({"bios": {"ssn": "To be filled by O.E.M."}}, "serial", "/7QKRNZ3/CNFCW0012300AB/"),
        ({"bios": {"ssn": "Default string", "msn": "0"}}, "serial", ""),
        ({"hardware": {"uuid": "00000000-0000-0000-0000-000000000000"}}, "uuid", ""),
        ({"hardware": {"name": "MÁY\u202e \tQUẦY"}}, "hostname", "MÁY QUẦY"),
        ({"memories": []}, "memory_mb", 7900),
        ({"memories": [{"capacity": "99999999999"}], "hardware": {"memory": "-5"}}, "memory_mb", None),
        ({"networks": [{"mac": "a4:bb:6d:10:20:30", "virtualdev": True}]}, "macs", []),
        ({"networks": [{"macaddr": "A4-BB-6D-10-20-30", "ipaddress": "fe80::1%eth0"}]}, "macs", ["A4:BB:6D:10:20:30"]),
        ({"networks": [{"ipaddress": "10.0.0.1"}, {"ipaddress": "999.1.1.1"}, {"ipaddress6": "FD00::1"}]}, "addresses",
         ["10.0.0.1", "fd00::1"]),
        ({"storages": [{"name": "USB stick", "interface": "USB", "disksize": "8000"}]}, "disks", []),
        ({"monitors": [{"serial": "0"}]}, "monitors", []),
    ],
)  # fmt: skip
def test_what_is_kept_of_a_computer(changes: dict[str, Any], field: str, value: object) -> None:
    for body, kind in ((as_json(pc(**changes)), JSON), (as_xml(pc(**changes)), XML)):
        assert getattr(computer(protocol.read(body, kind).sections), field) == value, kind


def test_a_printer_on_a_cable_is_told_once() -> None:
    found = computer(protocol.read(as_json(PC), JSON).sections).usb
    assert [(one.kind, one.serial) for one in found] == [("printer", "0000A1B2C3D4"), ("scanner", "AB12CD34")]


@pytest.mark.parametrize("pack", [zlib.compress, gzip.compress])
@pytest.mark.parametrize("kind", ["application/x-compress-zlib", "application/x-compress-gzip", XML])
def test_what_is_packed_is_unpacked_whatever_its_type_says(pack: Any, kind: str) -> None:
    assert protocol.read(pack(as_xml(PC)), kind).device_id == DEVICE


@settings(max_examples=60)
@given(st.binary(max_size=300), st.sampled_from(sorted(protocol.KINDS)))
def test_whatever_bytes_come_are_read_or_refused(body: bytes, kind: str) -> None:
    with suppress(Invalid):
        protocol.read(body, kind)


anything = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**12), 10**12) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["name", "mac", "ssn", "uuid", "x"]), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@settings(max_examples=80)
@given(st.dictionaries(st.sampled_from(sorted(KEPT | {"users", "X"})), anything, max_size=4), anything)
def test_whatever_stands_in_the_sections_becomes_a_computer_or_is_refused(content: dict[str, Any], tag: Any) -> None:
    body = json.dumps({"deviceid": "d", "content": content, "tag": tag}).encode()
    try:
        message = protocol.read(body, JSON)
    except Invalid:
        return
    told = computer(message.sections)
    facts(told)
    for values in observed(told, message.software).values():
        assert values
        assert all(value and "\0" not in value and len(value) < 1_000 for value in values)


@pytest.mark.parametrize("cut", range(20, 220, 20))
def test_half_of_a_message_is_no_message(cut: int) -> None:
    for body, kind in ((as_json(PC)[:-cut], JSON), (as_xml(PC)[:-cut], XML), (zlib.compress(as_xml(PC))[:-cut], XML)):
        with pytest.raises(Invalid):
            protocol.read(body, kind)
