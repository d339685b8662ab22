"""The simulated fleet, asked by programs that are not ours: net-snmp's tools, plain sockets, smtplib."""

import contextlib
import json
import os
import random
import re
import signal
import smtplib
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from assets.demo import faults, mailsink
from assets.demo.agent import Agent, Table
from assets.demo.faults import FAULTS_NAME, Fault, break_tag, current, mend_tag
from assets.demo.models import MODELS, Model, model_of, models
from assets.demo.recordings import device
from assets.demo.spec import SPEC_NAME, Device, Face, Listener, Spec, State, load, save
from assets.demo.values import COUNTER32, COUNTER64, Moving, Oid, encode_oid, oid
from assets.errors import Invalid, NotFound
from assets.ids import new_id
from assets.probing.contract import Community, TargetSpec
from assets.probing.prober import Prober
from assets.probing.profile import Profiles
from assets.probing.readings import Method
from tests.conftest import need
from tests.ports import free_port

EPOCH = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)
MANY = 1_500
COMMUNITY = "thu-nghiem"
SYS_DESCR, SYS_OBJECT_ID, SYS_UPTIME = "1.3.6.1.2.1.1.1.0", "1.3.6.1.2.1.1.2.0", "1.3.6.1.2.1.1.3.0"
PRINTER_ERRORS = "1.3.6.1.2.1.25.3.5.1.2.1"  # hrPrinterDetectedErrorState
TONER_LEVEL = "1.3.6.1.2.1.43.11.1.1.9.1.1"  # prtMarkerSuppliesLevel
UPS_SOURCE = "1.3.6.1.2.1.33.1.4.1.0"  # upsOutputSource
PORT_1 = "1.3.6.1.2.1.2.2.1.8.1"  # ifOperStatus
PATIENCE_SECONDS = 30.0  # alone it is a part of a second, as is the next
FAULT_SEEN_SECONDS = 30.0
SILENCE_SECONDS = 3  # of a device that would answer in a thousandth
FILE_READ_SECONDS = 0.5


class Running:
    """A simulator in a process of its own, and the ways to ask it."""

    def __init__(self, home: Path, spec: Spec) -> None:
        self.home, self.spec, self.port = home, spec, free_port(socket.SOCK_DGRAM)
        save(spec, home / SPEC_NAME)
        self.process = start("assets.demo.simulator", *self.arguments())

    def arguments(self) -> list[str]:
        files = ["--spec", self.home / SPEC_NAME, "--faults", self.home / FAULTS_NAME, "--stats", self.home / "stats"]
        return [*map(str, files), "--port", str(self.port)]

    def address(self, tag: str) -> str:
        return next(d.address for d in self.spec.devices if d.tag == tag)

    def ask(self, tool: str, tag: str, *arguments: str, community: str = COMMUNITY) -> list[str]:
        """The lines that a net-snmp tool prints, all in numbers; none when nothing answers."""
        need(tool, "apt-get install snmp")
        where = f"udp:{self.address(tag)}:{self.port}"
        command = [tool, "-v2c", "-c", community, "-On", "-Oe", "-OU", "-Ot", "-t", "1", "-r", "3", where, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, env={"MIBS": "", "PATH": os.environ["PATH"]})
        return done.stdout.splitlines()

    def get(self, tag: str, name: str) -> str:
        """One value as the tool writes it, without its type."""
        lines = self.ask("snmpget", tag, name)
        return lines[0].split(" = ", 1)[1].partition(": ")[2].strip() if lines else ""

    def stats(self) -> dict[str, float]:
        asked = time.time_ns()
        assert within(PATIENCE_SECONDS, lambda: (self.home / "stats").stat().st_mtime_ns > asked)
        found: dict[str, float] = json.loads((self.home / "stats").read_text())
        return found

    def is_silent(self, tag: str) -> bool:
        with asker() as udp:
            udp.settimeout(SILENCE_SECONDS)
            udp.sendto(question(0xA0, [SYS_DESCR]), (self.address(tag), self.port))
            try:
                udp.recv(65_535)
            except TimeoutError:
                return True
        return False

    def opens(self, tag: str) -> bool:
        """Whether the tag's door takes a connection."""
        door = next(x for x in self.spec.listeners if x.tag == tag)
        try:
            socket.create_connection((door.address, door.port), timeout=1).close()
        except OSError:
            return False
        return True


def start(module: str, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", module, *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    line = process.stdout.readline()
    if line != "ready\n":
        process.kill()
        raise AssertionError(f"not ready: {line}{process.communicate()[1]}")
    return process


def stop(process: subprocess.Popen[str]) -> int:
    process.terminate()
    process.communicate(timeout=PATIENCE_SECONDS)
    return process.returncode


def refusal(module: str, *arguments: str) -> tuple[int, str]:
    """How a start that must fail ends: its code and what it says."""
    done = subprocess.run([sys.executable, "-m", module, *arguments], capture_output=True, text=True, timeout=60)
    return done.returncode, done.stderr


def within(seconds: float, holds: object) -> bool:
    """Whether a condition comes to hold in time."""
    assert callable(holds)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if holds():
            return True
        time.sleep(0.02)
    return bool(holds())


def face(model: Model, **more: object) -> Face:
    given: dict[str, object] = {"serial": f"SN{len(model.key):03d}X7", "name": f"hcc-{model.key}", "seed": 11}
    return Face.model_validate(given | {"kind": model.kind, "model": model.key} | more)


def fleet() -> Spec:
    """One device of each model, many printers, and doors."""
    devices = [
        Device(tag=model.key, address=f"127.77.0.{n}", location="Bộ phận một cửa xã Sơn Hà", **face(model).model_dump(
            exclude={"location"}
        ))
        for n, model in enumerate(MODELS.values(), start=1)
    ]  # fmt: skip
    devices += [
        Device(tag=f"many-{n}", address=f"127.78.{n // 250}.{n % 250 + 1}", kind="printer", name=f"pr{n}", seed=n)
        for n in range(MANY)
    ]
    port = free_port(socket.SOCK_STREAM)
    doors = [Listener(tag=f"pc-{n}", address=f"127.79.{n // 250}.{n % 250 + 1}", port=port) for n in range(300)]
    doors.append(Listener(tag="hp-m404dn", address="127.77.0.1", port=port))
    return Spec(community=COMMUNITY, epoch=EPOCH, devices=tuple(devices), listeners=tuple(doors))


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    simulator = Running(tmp_path_factory.mktemp("demo"), fleet())
    yield simulator
    assert stop(simulator.process) == 0


@pytest.fixture
def mended(running: Running) -> Iterator[Running]:
    """The simulator, with everything mended again afterwards."""
    yield running
    for tag in current(running.home):
        mend_tag(running.home, tag)


# What a device answers


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_when_net_snmp_walks_a_device_then_it_gets_each_object_once_and_in_order(
    running: Running, model: Model
) -> None:
    expected = sorted(device(face(model), epoch=EPOCH.timestamp()).rows)
    lines = running.ask("snmpbulkwalk", model.key, "-Cr50", ".1")
    got = [oid(line.split(" = ")[0]) for line in lines if " = " in line and "No more variables left" not in line]

    assert got == expected


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_when_net_snmp_gets_who_a_device_is_then_it_is_what_the_model_says(running: Running, model: Model) -> None:
    expected = model.descr.format(serial=face(model).serial, name=face(model).name)
    lines = running.ask("snmpget", model.key, SYS_DESCR, SYS_OBJECT_ID, "1.3.6.1.2.1.1.6.0")

    assert lines[0] == f'.{SYS_DESCR} = STRING: "{expected}"'
    assert lines[1] == f".{SYS_OBJECT_ID} = OID: .{model.object_id}"
    assert '"Bộ phận một cửa xã Sơn Hà"' in lines[2] or "42 E1 BB 99" in lines[2]


def test_when_getnext_walks_then_it_sees_the_same_as_getbulk(running: Running) -> None:
    def names(lines: list[str]) -> list[str]:
        return [line.split(" = ")[0] for line in lines]

    for tag in ("cisco-2960-24tt", "apc-smt1500"):
        assert names(running.ask("snmpwalk", tag, ".1.3.6.1.2.1")) == names(
            running.ask("snmpbulkwalk", tag, ".1.3.6.1.2.1")
        )


def test_when_what_is_asked_is_not_there_then_the_device_says_which_kind_of_missing(running: Running) -> None:
    lines = running.ask("snmpget", "hp-m404dn", "1.3.6.1.2.1.1.1.1", "1.3.6.1.2.1.99.1.1.1.4.1")
    assert lines[0].endswith("No Such Instance currently exists at this OID")
    assert lines[1].endswith("No Such Object available on this agent at this OID")
    assert "No more variables left" in running.ask("snmpgetnext", "hp-m404dn", ".1.3.9")[0]


def test_when_somebody_tries_to_set_then_the_device_refuses(running: Running) -> None:
    before = running.get("hp-m404dn", "1.3.6.1.2.1.1.5.0")
    running.ask("snmpset", "hp-m404dn", "1.3.6.1.2.1.1.5.0", "s", "hacked")
    assert running.get("hp-m404dn", "1.3.6.1.2.1.1.5.0") == before != ""


def test_when_bulk_asks_for_much_then_each_answer_fits_one_frame(running: Running) -> None:
    packet = question(0xA5, ["1.3.6.1.2.1.2.2.1.2", "1.3.6.1.2.1.31.1.1.1.6"], second=100)
    with asker() as udp:
        udp.sendto(packet, (running.address("tplink-t1600g-52ts"), running.port))
        answer = udp.recv(65_535)
    assert 1_200 < len(answer) <= 1_400


def test_when_time_goes_by_then_counters_and_uptime_move_and_never_back() -> None:
    for model in MODELS.values():
        rows = device(face(model), epoch=EPOCH.timestamp()).rows
        moments = [EPOCH.timestamp() + seconds for seconds in (0, 1, 10, 600, 601, 90_000)]
        counters = [v for v in rows.values() if isinstance(v, Moving) and v.tag in (COUNTER32, COUNTER64)]
        assert counters
        for value in counters:
            counts = [value.rule(moment) % (1 << 62) for moment in moments]
            assert counts == sorted(counts) or value.tag == COUNTER32
        uptime = rows[oid(SYS_UPTIME)]
        assert uptime.at(moments[2]).data - uptime.at(moments[0]).data == 1_000  # type: ignore[operator]


def test_when_the_same_face_is_made_twice_then_it_is_the_same_device() -> None:
    for model in MODELS.values():
        now = EPOCH.timestamp() + 77
        one, two = (device(face(model), epoch=EPOCH.timestamp()).snmprec(now) for _ in range(2))
        assert one == two


def test_when_a_fault_comes_then_nothing_else_about_the_device_changes() -> None:
    now = EPOCH.timestamp() + 5_000
    for model in MODELS.values():
        well = device(face(model), epoch=EPOCH.timestamp())
        for fault, (kinds, change) in faults.EFFECTS.items():
            if model.kind not in kinds:
                continue
            ill = device(face(model), epoch=EPOCH.timestamp(), state=change(State()), since=now)
            different = [n for n, v in well.rows.items() if n in ill.rows and ill.rows[n].at(now) != v.at(now)]
            assert len(different) <= 16, (model.key, fault)
            if fault not in (Fault.SILENT, Fault.GARBLED):
                assert different or ill.rows.keys() != well.rows.keys(), (model.key, fault)


def test_when_the_seed_draws_the_model_then_all_models_of_a_kind_come_up() -> None:
    for kind in faults.EVERY_KIND:
        assert {model_of(kind, seed=n) for n in range(12)} == set(models(kind))


SOLD_AS = {"Santak": "Phoenixtec"}  # the enterprise number is the factory's


async def test_when_our_prober_looks_at_each_model_then_nothing_that_it_says_is_wrong(running: Running) -> None:
    prober = Prober(Profiles.load())
    credential = Community(id=new_id(), community=SecretStr(COMMUNITY))
    recognised: set[str] = set()
    wrong: list[str] = []
    for model in MODELS.values():
        target = TargetSpec(
            id=new_id(), name=model.key, address=running.address(model.key), port=running.port, method=Method.SNMP
        )
        told = (await prober.probe(target, credential)).identity
        assert told is not None
        checks = {
            "category": told.category in ("", model.category),
            "vendor": told.vendor in ("", model.vendor, SOLD_AS.get(model.vendor)),
            "model": told.model in model.name or model.name in told.model,
            "serial": told.serial in ("", face(model).serial),
            "place": told.sys_location == "Bộ phận một cửa xã Sơn Hà",
        }
        wrong += [f"{model.key}: {what}: {told}" for what, right in checks.items() if not right]
        if told.category == model.category:
            recognised.add(model.kind)
    await prober.close()

    assert wrong == []
    assert recognised == faults.EVERY_KIND


# Faults


def test_when_a_tag_is_broken_and_mended_then_the_device_follows_at_once(mended: Running) -> None:
    cases: list[tuple[str, Fault, str, str, str]] = [
        ("hp-m404dn", Fault.JAM, PRINTER_ERRORS, "00", "04"),
        ("ricoh-mp2555", Fault.TONER_OUT, PRINTER_ERRORS, "00", "10"),
        ("brother-l6200dw", Fault.TONER_LOW, TONER_LEVEL, "-3", "6"),
        ("santak-c3kr", Fault.ON_BATTERY, UPS_SOURCE, "3", "5"),
        ("cisco-2960-24tt", Fault.PORT_DOWN, PORT_1, "1", "2"),
    ]
    assert [mended.get(tag, name) for tag, _, name, _, _ in cases] == [well for *_, well, _ in cases]
    for tag, fault, _, _, _ in cases:
        break_tag(mended.home, tag, fault)
    ill = [word for *_, word in cases]
    assert within(FAULT_SEEN_SECONDS, lambda: [mended.get(tag, name) for tag, _, name, _, _ in cases] == ill)
    for tag, *_ in cases:
        assert mend_tag(mended.home, tag)
    well = [word for *_, word, _ in cases]
    assert within(FAULT_SEEN_SECONDS, lambda: [mended.get(tag, name) for tag, _, name, _, _ in cases] == well)


def test_when_a_device_is_silent_then_neither_agent_nor_door_answers_and_others_do(mended: Running) -> None:
    assert mended.opens("hp-m404dn")
    break_tag(mended.home, "hp-m404dn")
    assert within(FAULT_SEEN_SECONDS, lambda: not mended.opens("hp-m404dn"))
    assert mended.is_silent("hp-m404dn")
    assert not mended.is_silent("hp-m454dn")
    assert mended.opens("pc-7")
    mend_tag(mended.home, "hp-m404dn")
    assert within(FAULT_SEEN_SECONDS, lambda: mended.opens("hp-m404dn"))
    assert not mended.is_silent("hp-m404dn")


def test_when_a_printer_jams_then_its_door_stays_open(mended: Running) -> None:
    break_tag(mended.home, "hp-m404dn", "jam")
    assert within(FAULT_SEEN_SECONDS, lambda: mended.get("hp-m404dn", PRINTER_ERRORS) == "04")
    assert mended.opens("hp-m404dn")


def test_when_a_computer_is_broken_then_its_door_closes_until_it_is_mended(mended: Running) -> None:
    assert all(mended.opens(f"pc-{n}") for n in range(0, 300, 30))
    break_tag(mended.home, "pc-30")
    assert within(FAULT_SEEN_SECONDS, lambda: not mended.opens("pc-30"))
    assert mended.opens("pc-60")
    mend_tag(mended.home, "pc-30")
    assert within(FAULT_SEEN_SECONDS, lambda: mended.opens("pc-30"))


def test_when_a_device_is_garbled_then_it_answers_badly(mended: Running) -> None:
    break_tag(mended.home, "epson-ds970", "garbled")

    def cut_short() -> bool:
        with asker() as udp:
            udp.sendto(question(0xA0, [SYS_DESCR]), (mended.address("epson-ds970"), mended.port))
            answer = udp.recv(65_535)
        return len(answer) < answer[1] + 2

    assert within(FAULT_SEEN_SECONDS, cut_short)


def test_when_the_faults_file_is_nonsense_then_the_simulator_keeps_what_it_knew(mended: Running) -> None:
    break_tag(mended.home, "pc-90")
    assert within(FAULT_SEEN_SECONDS, lambda: not mended.opens("pc-90"))
    good = (mended.home / FAULTS_NAME).read_text()
    (mended.home / FAULTS_NAME).write_text('{"pc-90": ')
    time.sleep(FILE_READ_SECONDS)
    assert not mended.opens("pc-90")
    (mended.home / FAULTS_NAME).write_text(good)


def test_when_a_fault_is_repeated_then_it_keeps_its_date_and_another_replaces_it(tmp_path: Path) -> None:
    save(fleet(), tmp_path / SPEC_NAME)
    first = break_tag(tmp_path, "santak-c3kr", "on_battery", now=EPOCH)
    again = break_tag(tmp_path, "santak-c3kr", "on_battery", now=EPOCH + timedelta(hours=1))
    assert first == again == current(tmp_path)["santak-c3kr"]
    worse = break_tag(tmp_path, "santak-c3kr", "battery_low", now=EPOCH + timedelta(hours=2))
    assert (worse.fault, worse.since) == (Fault.BATTERY_LOW, EPOCH + timedelta(hours=2))
    assert mend_tag(tmp_path, "santak-c3kr")
    assert not mend_tag(tmp_path, "santak-c3kr")
    assert current(tmp_path) == {}


def test_when_nobody_has_the_tag_then_similar_tags_are_named(tmp_path: Path) -> None:
    save(fleet(), tmp_path / SPEC_NAME)
    with pytest.raises(NotFound, match=r"similar: .*santak-c3kr"):
        break_tag(tmp_path, "SANTAK-C3KT")
    with pytest.raises(NotFound, match="none has a similar one"):
        mend_tag(tmp_path, "ỷỷỷ")
    with pytest.raises(Invalid, match=r"it can have: battery_low, garbled, on_battery, .*silent$"):
        break_tag(tmp_path, "santak-c3kr", "jam")
    with pytest.raises(Invalid, match=r"it can have: silent$"):
        break_tag(tmp_path, "pc-3", "jam")


# Many at once, and hostile ones


def question(kind: int, names: list[str], *, first: int = 0, second: int = 0, community: str = COMMUNITY) -> bytes:
    """An SNMPv2c question with short lengths written by hand."""

    def part(tag: int, content: bytes) -> bytes:
        size = struct.pack("B", len(content)) if len(content) < 128 else struct.pack(">BH", 0x82, len(content))
        return bytes((tag,)) + size + content

    bindings = b"".join(part(0x30, encode_oid(oid(name)) + b"\x05\x00") for name in names)
    numbers = part(2, b"\x1f\x2e\x3d") + part(2, bytes((first,))) + part(2, bytes((second,)))
    head = part(2, b"\x01") + part(4, community.encode())
    return part(0x30, head + part(kind, numbers + part(0x30, bindings)))


@contextlib.contextmanager
def asker() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        udp.settimeout(20)
        yield udp


def test_when_many_addresses_are_asked_then_each_answers_for_itself_and_fast(running: Running) -> None:
    packet = question(0xA0, [SYS_DESCR, SYS_UPTIME, "1.3.6.1.2.1.1.5.0", TONER_LEVEL, PRINTER_ERRORS, PORT_1])
    addresses = [running.address(f"many-{n}") for n in range(MANY)]
    names = {running.address(f"many-{n}"): b"pr%d" % n for n in range(MANY)}
    rounds = 4
    before, started = running.stats(), time.monotonic()
    with asker() as udp:
        for _ in range(rounds):
            for window in range(0, MANY, 50):
                waiting = set(addresses[window : window + 50])
                for address in waiting:
                    udp.sendto(packet, (address, running.port))
                while waiting:
                    answer, (sender, _) = udp.recvfrom(65_535)
                    assert names[sender] in answer
                    waiting.remove(sender)
    wall = time.monotonic() - started
    after = running.stats()
    asked = rounds * MANY
    cpu = after["cpu_seconds"] - before["cpu_seconds"]
    print(f"\n{asked} questions of 6 objects, {MANY} devices: {asked / wall:.0f}/s, {asked / cpu:.0f} a core-second")
    assert after["answered"] - before.get("answered", 0) == asked


def test_when_packets_are_hostile_then_they_are_counted_and_the_devices_live_on(running: Running) -> None:
    before = running.stats()
    dice = random.Random(2026)
    honest = question(0xA0, [SYS_DESCR])
    where = (running.address("apc-smt1500"), running.port)
    with asker() as udp:
        for turn in range(300):
            broken = bytearray(honest)
            broken[dice.randrange(len(broken))] = dice.randrange(256)
            for packet in (dice.randbytes(dice.randint(0, 300)), bytes(broken)):
                udp.sendto(packet, where)
            if turn % 50 == 49:  # it has read all so far: none is lost for want of room
                assert running.get("apc-smt1500", SYS_DESCR) != ""
        udp.sendto(b"\x30" * 60_000, where)
        udp.sendto(honest, ("127.99.99.99", running.port))
        udp.sendto(question(0xA0, [SYS_DESCR], community="public"), where)
        udp.sendto(question(0xA3, [SYS_DESCR]), where)
        udp.sendto(question(0xA2, [SYS_DESCR]), where)
    assert running.get("apc-smt1500", SYS_DESCR) != ""
    after = running.stats()
    grown = {name: after[name] - before.get(name, 0) for name in after}
    assert grown["malformed"] >= 400
    assert grown["unknown_address"] == 1
    assert grown["wrong_community"] >= 1
    assert grown["refused_sets"] >= 1


def test_when_a_device_is_asked_from_outside_loopback_then_it_does_not_answer(running: Running) -> None:
    with contextlib.suppress(OSError), asker() as udp:
        udp.connect(("192.0.2.1", 9))  # sends nothing; tells our own address on the way out, if there is one
        own = udp.getsockname()[0]
        with asker() as outside:
            outside.settimeout(0.3)
            outside.sendto(question(0xA0, [SYS_DESCR]), (own, running.port))
            with pytest.raises(TimeoutError):
                outside.recv(100)


TABLE = Table.of(device(face(MODELS["apc-smt1500"]), epoch=EPOCH.timestamp()).rows)


@given(st.binary(max_size=400))
def test_when_bytes_are_random_then_the_agent_never_fails(packet: bytes) -> None:
    assert Agent(COMMUNITY).answer(packet, TABLE, 0.0) is None


@settings(max_examples=300)
@given(
    kind=st.sampled_from([0xA0, 0xA1, 0xA3, 0xA5]),
    names=st.lists(st.lists(st.integers(0, 2**32 - 1), max_size=12), max_size=8),
    first=st.integers(0, 127),
    second=st.integers(0, 127),
    place=st.integers(0, 60),
    octet=st.integers(0, 255),
)
def test_when_a_question_is_bent_then_the_agent_answers_or_is_silent_but_never_fails(
    kind: int, names: list[list[int]], first: int, second: int, place: int, octet: int
) -> None:
    asked = [".".join(map(str, (1, 3, *arcs))) for arcs in names]
    packet = bytearray(question(kind, asked, first=first, second=second))
    answer = Agent(COMMUNITY).answer(bytes(packet), TABLE, 0.0)
    assert answer is not None
    assert len(answer) < 8_200
    packet[place % len(packet)] = octet
    Agent(COMMUNITY).answer(bytes(packet), TABLE, 0.0)


@given(st.lists(st.integers(0, 2**32 - 1), max_size=10))
def test_when_next_is_asked_then_the_name_after_it_is_given(arcs: list[int]) -> None:
    name: Oid = (1, 3, *arcs)
    rest = [known for known in TABLE.shape.names if known > name]
    place = TABLE.after(encode_oid(name))
    assert TABLE.shape.names[place : place + 1] == tuple(rest[:1])


# Starting and ending


def test_when_it_cannot_start_then_it_says_why(running: Running, tmp_path: Path) -> None:
    code, words = refusal("assets.demo.simulator", *running.arguments())
    assert (code, f"UDP port {running.port}" in words, "choose another with --port" in words) == (1, True, True)

    text = (running.home / SPEC_NAME).read_text()
    (tmp_path / "outside.json").write_text(text.replace("127.77.0.3", "10.0.0.1"))
    code, words = refusal("assets.demo.simulator", "--spec", str(tmp_path / "outside.json"), "--faults", "x")
    assert code == 1
    assert "devices.2.address: Value error, 10.0.0.1 is not a loopback address" in words

    wrong = {
        "address of a device given twice: 127.77.0.4": text.replace('"127.77.0.3"', '"127.77.0.4"'),
        "no model of kind ups; known: apc-smt1500": text.replace('"model": "santak-c3kr"', '"model": "hp-m404dn"'),
        "colour: Extra inputs are not permitted": text.replace('"kind":', '"colour": "red", "kind":', 1),
        "Invalid JSON": text[:-5],
    }
    for reason, content in wrong.items():
        (tmp_path / "wrong.json").write_text(content)
        with pytest.raises(Invalid, match=re.escape(reason)):
            load(tmp_path / "wrong.json")


ORPHAN = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-m", *sys.argv[1:]], stdout=subprocess.PIPE, text=True)
print(child.stdout.readline().strip(), child.pid, flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("module", ["assets.demo.simulator", "assets.demo.mailsink"])
def test_when_the_parent_is_killed_then_the_child_ends_too(module: str, tmp_path: Path) -> None:
    save(Spec(epoch=EPOCH), tmp_path / SPEC_NAME)
    simulator = ["--spec", str(tmp_path / SPEC_NAME), "--faults", str(tmp_path / FAULTS_NAME)]
    own = simulator if module.endswith("simulator") else ["--dir", str(tmp_path / "mail")]
    port = free_port(socket.SOCK_DGRAM if module.endswith("simulator") else socket.SOCK_STREAM)
    command = [sys.executable, "-c", ORPHAN, module, *own, "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        ready, child = parent.stdout.readline().split()
        assert ready == "ready"
        parent.send_signal(signal.SIGKILL)
    ended = within(PATIENCE_SECONDS, lambda: not alive(int(child)))
    if not ended:
        os.kill(int(child), signal.SIGKILL)
    assert ended


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and waits for its reaper does not."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


# The mail sink


def test_when_a_mail_in_vietnamese_arrives_then_it_is_kept_as_it_was_meant(tmp_path: Path) -> None:
    port = free_port(socket.SOCK_STREAM)
    process = start("assets.demo.mailsink", "--dir", str(tmp_path / mailsink.FOLDER), "--port", str(port))
    try:
        mail = EmailMessage()
        mail["From"], mail["To"] = "he-thong@example.vn", "truc@example.vn, ky-thuat@example.vn"
        mail["Subject"] = "Máy in tầng 1 xã Sơn Hà không phản hồi — mức nghiêm trọng"
        mail["Message-ID"] = "<su-co-17@example.vn>"
        mail.set_content("Kính gửi Ông/Bà,\nMáy in ngừng trả lời lúc 08:15.\n")
        mail.add_alternative("<p>Kính gửi Ông/Bà</p>", subtype="html")
        with smtplib.SMTP("127.0.0.1", port, timeout=PATIENCE_SECONDS) as smtp:
            smtp.send_message(mail)
            smtp.sendmail(
                "a@example.vn", ["b@example.vn"], b"Subject: =?utf-8?b?xJDhu6k=?=\r\nX-Sink-To: c@d\r\n\r\n.\r\n"
            )
        code, words = refusal("assets.demo.mailsink", "--dir", str(tmp_path / "other"), "--port", str(port))
    finally:
        ended = stop(process)

    first, second = mailsink.mails(tmp_path)
    assert first.subject == "Máy in tầng 1 xã Sơn Hà không phản hồi — mức nghiêm trọng"
    assert first.to == ("truc@example.vn", "ky-thuat@example.vn")
    assert first.body == "Kính gửi Ông/Bà,\nMáy in ngừng trả lời lúc 08:15.\n"
    assert (first.sender, first.message_id, first.id) == ("he-thong@example.vn", "<su-co-17@example.vn>", 1)
    assert (second.subject, second.to, second.body.strip()) == ("Đứ", ("b@example.vn",), ".")
    assert first.at <= second.at
    assert (ended, code, f"port {port}" in words) == (0, 1, True)


def test_when_more_mails_come_than_are_kept_then_the_newest_stay(tmp_path: Path) -> None:
    folder = tmp_path / mailsink.FOLDER
    sink = mailsink.Sink(folder, kept_max=20)
    for n in range(260):
        sink.keep(f"Subject: {n}\r\n\r\nx".encode(), sender="a@b", to=["c@d"])
    kept = mailsink.mails(tmp_path)
    assert [mail.subject for mail in kept][-20:] == [str(n) for n in range(240, 260)]
    assert len(kept) == len(list(folder.glob("*.eml"))) <= 20 + mailsink.SWEEP_AFTER
    assert [mail.id for mail in kept] == sorted(mail.id for mail in kept)


def test_when_the_sink_was_killed_before_it_wrote_its_index_then_the_mail_comes_back(tmp_path: Path) -> None:
    folder = tmp_path / mailsink.FOLDER
    sink = mailsink.Sink(folder)
    for n in range(3):
        sink.keep(f"Subject: {n}\r\n\r\nx".encode(), sender="a@b", to=["c@d"])
    lines = (folder / mailsink.INDEX).read_text().splitlines(keepends=True)
    (folder / mailsink.INDEX).write_text("".join(lines[:2]) + lines[2][:30])
    assert [mail.subject for mail in mailsink.mails(tmp_path)] == ["0", "1"]

    again = mailsink.Sink(folder)
    assert [mail.subject for mail in mailsink.mails(tmp_path)] == ["0", "1", "2"]
    assert again.keep(b"Subject: 3\r\n\r\nx", sender="a@b", to=["c@d"]) == 4
