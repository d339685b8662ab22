"""Recordings: what a walk of a device leaves in the file, and that the file reads like the device."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from assets.probing import recording
from assets.probing.ber import Value
from assets.probing.command import probe
from assets.probing.recording import BadRecording, Replay
from assets.probing.scrub import PRIVATE, scrubbed
from tests.probes.agents import AUTH_KEY, COMMUNITY, PRIVACY_KEY, USER, snmpd
from tests.probes.replaying import PUBLIC

MIB, MAKERS = "1.3.6.1.2.1", "1.3.6.1.4.1"
PERSON, ROOM, NAME = "Nguyễn Văn An 0905 123 456", "Phòng Một cửa", "mc-cua-an"
SECRET = "thu-do-gio"


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with snmpd(tmp_path_factory.mktemp("snmpd")) as port:
        yield port


Rows = dict[str, tuple[int, Value]]


def device(**texts: Value) -> Rows:
    """A named device; further rows by OID."""
    rows: dict[str, Value] = {
        f"{MIB}.1.1.0": f"Linux {NAME} 6.1.0 #1 SMP".encode(),
        f"{MIB}.1.4.0": PERSON.encode(),
        f"{MIB}.1.5.0": NAME.encode(),
        f"{MIB}.1.6.0": ROOM.encode(),
    } | texts
    return {name: (4 if isinstance(value, bytes) else 2, value) for name, value in rows.items()}


@pytest.mark.parametrize(
    ("where", "value", "left"),
    [
        (f"{MIB}.1.4.0", PERSON.encode(), PRIVATE),
        (f"{MIB}.31.1.1.1.18.1", b"to the flat of Mr An", PRIVATE),
        (f"{MIB}.17.7.1.4.3.1.1.20", b"Rooms of the chairman", PRIVATE),
        (f"{MIB}.43.16.5.1.2.1.1", b"Printing: salaries.xlsx", PRIVATE),
        (f"{MAKERS}.4242.1.1.0", f"read {SECRET} write".encode(), b"read <private> write"),
        (f"{MAKERS}.4242.1.1.0", b"password: hunter2", PRIVATE),
        (f"{MAKERS}.4242.1.1.0", b"rtsp://admin:12345@10.0.0.9/live", PRIVATE),
        (f"{MAKERS}.4242.1.1.0", b"an.nguyen@example.org", PRIVATE),
        (f"{MAKERS}.4242.1.1.0", b"call 0905 123 456", b"call <private>"),
        (f"{MAKERS}.4242.1.1.0", b"NTP 192.168.7.20 ok", b"NTP 192.0.2.1 ok"),
        (f"{MAKERS}.4242.1.1.0", b"station 3C:22:FB:00:11:22", b"station 02:00:00:00:00:00"),
        (f"{MAKERS}.4242.1.1.0", f"name={NAME}".encode(), b"name=<private>"),
        # What a profile is written from stays.
        (f"{MIB}.1.1.0", f"Linux {NAME} 6.1.0 #1 SMP".encode(), b"Linux <private> 6.1.0 #1 SMP"),
        (f"{MAKERS}.4242.1.1.0", b"Firmware Version 10.1.2.3", b"Firmware Version 10.1.2.3"),
        (f"{MIB}.43.5.1.1.17.1", b"0505571100", b"0505571100"),
        (f"{MIB}.2.2.1.6.1", bytes.fromhex("3c22fb001122"), bytes.fromhex("3c22fb001122")),
        (f"{MAKERS}.4242.1.2.0", 4, 4),
    ],
)
def test_when_a_row_is_recorded_then_what_tells_of_people_is_gone_and_the_rest_stays(
    where: str, value: Value, left: Value
) -> None:
    assert scrubbed(device(**{where: value}), [SECRET])[where][1] == left


@pytest.mark.parametrize(
    "where", [f"{MIB}.4.22.1.2.1.10.0.0.9", f"{MIB}.25.4.2.1.5.700", f"{MAKERS}.77.1.2.25.1.1.2.97", f"{MIB}.6.13.1.1"]
)
def test_when_a_table_is_of_users_programs_or_addresses_then_no_row_of_it_is_kept(where: str) -> None:
    assert where not in scrubbed(device(**{where: b"x"}), [])


def test_when_a_device_goes_by_its_products_name_then_the_products_name_stays() -> None:
    rows = device() | {f"{MIB}.1.1.0": (4, b"GS1900-48"), f"{MIB}.1.5.0": (4, b"GS1900")}
    assert scrubbed(rows, [])[f"{MIB}.1.1.0"] == (4, b"GS1900-48")


def test_when_a_switch_knows_other_machines_then_their_addresses_are_made_up_and_their_number_and_order_stay() -> None:
    macs = [bytes.fromhex("00aabbccdd01"), bytes.fromhex("3c22fb001122")]
    rows: Rows = {f"{MIB}.17.4.3.1.2.{'.'.join(map(str, mac))}": (2, port) for port, mac in enumerate(macs)}
    rows |= {"1.0.8802.1.1.2.1.4.1.1.5.0.1.1": (4, macs[1]), "1.0.8802.1.1.2.1.4.1.1.7.0.1.1": (4, b"ether2")}
    out = scrubbed(rows, [])
    assert [out[f"{MIB}.17.4.3.1.2.2.0.0.0.0.{n}"] for n in (1, 2)] == [(2, 0), (2, 1)]
    assert out["1.0.8802.1.1.2.1.4.1.1.5.0.1.1"] == (4, bytes.fromhex("020000000002"))
    assert out["1.0.8802.1.1.2.1.4.1.1.7.0.1.1"] == (4, b"ether2")


def test_when_rows_are_written_and_read_then_they_are_the_same_and_sorted_by_arcs(tmp_path: Path) -> None:
    rows: dict[str, tuple[int, Value]] = {
        "1.3.10.0": (4, b" edge "),
        "1.3.9.0": (4, "đèn".encode()),
        "1.3.9.1": (6, "0.0"),
        "1.3.9.2": (64, bytes((192, 0, 2, 1))),
        "1.3.9.3": (70, (1 << 64) - 1),
        "1.3.9.4": (68, b"\x9f\x78\x04\x41"),
        "1.3.9.5": (2, -3),
    }
    (tmp_path / "a.snmprec").write_text(recording.text(rows))
    assert recording.read(tmp_path / "a.snmprec") == rows
    lines = (tmp_path / "a.snmprec").read_text().splitlines()
    assert (lines[0], lines[-1]) == ("1.3.9.0|4x|c491c3a86e", "1.3.10.0|4x|206564676520")


@pytest.mark.parametrize("line", ["1.3.6|9|1", "1.3.6|2|x", "x|2|1", "1.3.6|4x|0g", "1.3.6", "1.3.6|64|1.2.3", "1|2|3"])
def test_when_a_line_is_not_of_a_recording_then_file_and_line_are_named(tmp_path: Path, line: str) -> None:
    (tmp_path / "bad.snmprec").write_text(f"1.3.6.1.2.1.1.3.0|67|1\n{line}\n")
    with pytest.raises(BadRecording, match=r"bad\.snmprec:2: "):
        recording.read(tmp_path / "bad.snmprec")
    result = CliRunner().invoke(probe, [str(tmp_path / "bad.snmprec")])
    assert (result.exit_code, "bad.snmprec:2: " in result.output) == (1, True)


async def test_when_a_recording_is_walked_then_rows_come_below_each_root_only() -> None:
    door = Replay({"1.3.6.1.2.1.2": 0, "1.3.6.1.2.1.2.2": 1, "1.3.6.1.2.1.2.10": 2, "1.3.6.1.2.1.20.1": 3})
    peer: object = PUBLIC
    walked = await door.walk(peer, ["1.3.6.1.2.1.2"])  # type: ignore[arg-type]
    assert walked.columns == {"1.3.6.1.2.1.2": {"2": 1, "10": 2}}
    assert (await door.walk(peer, ["1.3.6.1.2.1.2"], limit=1)).columns == {"1.3.6.1.2.1.2": {"2": 1}}  # type: ignore[arg-type]


@pytest.mark.parametrize("way", ["v2c", "v3"])
def test_when_a_device_is_recorded_then_the_file_reads_like_the_device_and_holds_no_credential(
    port: int, way: str, tmp_path: Path
) -> None:
    file = tmp_path / "new.snmprec"
    v3 = ("--v3-user", USER, "--v3-auth", "sha256", "--v3-privacy", "aes128")
    keys = {"ASSETS_V3_AUTH_KEY": AUTH_KEY, "ASSETS_V3_PRIVACY_KEY": PRIVACY_KEY}
    arguments = [f"127.0.0.1:{port}", "--json", *(v3 if way == "v3" else ("--community", COMMUNITY))]
    live = CliRunner().invoke(probe, [*arguments, "--record", str(file)], env=keys)
    assert live.exit_code == 0, live.output
    assert file.stat().st_mode & 0o077 == 0
    content = file.read_text()
    assert not any(word in content for word in (COMMUNITY, USER, AUTH_KEY, "snmpd-under-test", "Room 2", "nobody"))
    replayed = CliRunner().invoke(probe, [str(file), "--json"])
    said, wanted = json.loads(replayed.stdout), json.loads(live.stdout)
    assert said["sys_contact"] == said["sys_name"] == said["sys_location"] == PRIVATE.decode()
    for part in ("category", "os", "profile"):
        assert said[part] == wanted[part]
    assert [i["name"] for i in said["interfaces"]["list"]] == [i["name"] for i in wanted["interfaces"]["list"]]


@pytest.mark.parametrize("options", [("--record", "there"), ("--record", "new")])
def test_when_a_recording_cannot_be_made_then_nothing_is_written_or_lost(
    tmp_path: Path, options: tuple[str, str]
) -> None:
    (tmp_path / "there").write_text("kept")
    (tmp_path / "a.snmprec").write_text("1.3.6.1.2.1.1.3.0|67|1\n")
    host = "127.0.0.1:1" if options[1] == "there" else str(tmp_path / "a.snmprec")
    result = CliRunner().invoke(probe, [host, options[0], str(tmp_path / options[1])])
    assert result.exit_code == 2
    assert ((tmp_path / "there").read_text(), (tmp_path / "new").exists()) == ("kept", False)
