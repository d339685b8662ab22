"""The prober on synthetic devices: what it identifies, reads, remembers and admits not to know."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from assets.ids import new_id
from assets.probing.contract import Community, TargetSpec
from assets.probing.door import DeviceError, Malformed, NotAsked, Silent, WrongCredential
from assets.probing.prober import Prober
from assets.probing.profile import Profiles
from assets.probing.rates import UPTIME_WRAP_TICKS
from assets.probing.readings import Method, Outcome, Reading, Result
from tests.probes import synthetic
from tests.probes.fake_door import FakeDoor
from tests.probes.synthetic import IF, IFX, SYSTEM, Device

PUBLIC = Community(id=new_id(), community="public")
PROFILES = Profiles.load()


@dataclass
class Desk:
    """A prober before one fake device, with a clock that the test moves."""

    door: FakeDoor
    now: float = 1_000.0
    target: TargetSpec = field(
        default_factory=lambda: TargetSpec(id=new_id(), name="TS-1", address="192.0.2.1", port=161, method=Method.SNMP)
    )

    def __post_init__(self) -> None:
        self.prober = Prober(PROFILES, v2c=self.door, monotonic=lambda: self.now)

    async def look(self, *, after: float = 0.0, **changes: "int | bytes | str") -> Result:
        """One look, `after` seconds later, when the objects given (dots as underscores) have changed."""
        self.now += after
        ticks = self.door.values.get(f"{SYSTEM}.3.0")
        if isinstance(ticks, int):
            self.door.values[f"{SYSTEM}.3.0"] = (ticks + round(after * 100)) % UPTIME_WRAP_TICKS
        self.door.values |= {key.strip("o").replace("_", "."): value for key, value in changes.items()}
        return await self.prober.probe(self.target, PUBLIC)


@pytest.fixture
async def desks() -> AsyncIterator[list[Desk]]:
    made: list[Desk] = []
    yield made
    for desk in made:
        await desk.prober.close()


def desk(device: Device) -> Desk:
    return Desk(FakeDoor(device))


def find(result: Result, name: str, instance: str = "") -> Reading:
    """The only reading of that name and instance."""
    (found,) = (r for r in result.readings if r.name == name and r.instance == instance)
    return found


TONER = ("Black Toner", 3, 3, 100, 80)
DEVICES: list[tuple[str, Device, dict[str, str]]] = [
    (
        "a printer that only its MIB gives away",
        synthetic.printer(TONER),
        {"profile": "printer-mib", "category": "printer", "model": "Synthetic P-100", "serial": "SYN0001"},
    ),
    (
        "a printer by its maker's number",
        synthetic.printer(TONER, object_id="1.3.6.1.4.1.2435.2.3.9.1"),
        {"profile": "printer-mib", "vendor": "Brother"},
    ),
    (
        "a power supply that only its MIB gives away",
        synthetic.ups(),
        {"profile": "ups-mib", "category": "ups", "vendor": "Synthetic", "model": "U-1500", "firmware": "1.0"},
    ),
    (
        "a switch by its own words",
        synthetic.switch(),
        {"profile": "switch", "category": "switch", "model": "SY-8", "serial": "SWITCH77", "firmware": "4.2"},
    ),
    ("a host by its agent", synthetic.host(), {"profile": "host", "category": "host", "vendor": ""}),
    (
        "a store that hides behind Net-SNMP and only its own MIB gives away",
        synthetic.host() | {"1.3.6.1.4.1.6574.1.5.1.0": b"SY-214", "1.3.6.1.4.1.6574.1.5.2.0": b"SN-1"},
        {"profile": "nas+synology", "category": "nas", "vendor": "Synology", "model": "SY-214", "serial": "SN-1"},
    ),
    (
        "a thing that says nothing",
        synthetic.system(descr="?"),
        {"profile": "generic", "category": "", "sys_name": "synthetic", "sys_location": "Bộ phận Một cửa"},
    ),
    (
        "an unknown thing that forwards packets",
        synthetic.system(descr="?") | {"1.3.6.1.2.1.4.1.0": 1, "1.3.6.1.2.1.2.1.0": 5},
        {"profile": "generic", "category": "router"},
    ),
    (
        "an unknown thing that bridges",
        synthetic.system(descr="?") | {"1.3.6.1.2.1.17.1.2.0": 24},
        {"profile": "generic", "category": "switch"},
    ),
    (
        "an unknown thing with a bridge's address and many ports",
        synthetic.system(descr="?") | {"1.3.6.1.2.1.17.1.1.0": bytes(range(6)), "1.3.6.1.2.1.2.1.0": 26},
        {"profile": "generic", "category": "switch"},
    ),
    ("a thing without any object", {}, {"profile": "generic", "category": "", "sys_object_id": ""}),
]


@pytest.mark.parametrize(("what", "device", "expected"), DEVICES, ids=[d[0] for d in DEVICES])
async def test_when_a_device_is_looked_at_then_it_is_identified_by_what_it_says(
    desks: list[Desk], what: str, device: Device, expected: dict[str, str]
) -> None:
    desks.append(desk(device))
    result = await desks[0].look()
    assert result.outcome is Outcome.ANSWERED
    assert result.identity is not None
    assert {key: getattr(result.identity, key) for key in expected} == expected
    assert (result.detail != "") == (expected["profile"] == "generic")


@pytest.mark.parametrize(
    ("level", "maximum", "value", "state", "why"),
    [
        (80, 100, 80.0, None, "a plain percentage"),
        (1_060, 5_300, 20.0, None, "a level in pages"),
        (0, 100, 0.0, None, "empty, and known to be"),
        (0, -2, None, "empty", "empty, though the maximum is not known"),
        (40, -2, None, "level_without_maximum", "a number of unknown meaning is no percentage"),
        (40, 0, None, "level_without_maximum", "nor is a share of nothing"),
        (-1, 100, None, "no_restriction", "RFC 3805"),
        (-2, 100, None, "unknown", "RFC 3805"),
        (-3, 100, None, "some_remaining", "RFC 3805: neither 50 % nor -3 %"),
        (120, 100, 100.0, None, "fuller than full is full"),
    ],
)
async def test_when_a_supply_tells_its_level_then_meanings_never_become_numbers(
    desks: list[Desk], level: int, maximum: int, value: float | None, state: str | None, why: str
) -> None:
    desks.append(desk(synthetic.printer(("Black Toner", 3, 3, maximum, level))))
    reading = find(await desks[0].look(), "supply.percent", "1.1")
    assert (reading.value, reading.state, reading.label) == (value, state, "Black Toner"), why


async def test_when_something_fills_up_then_it_is_no_supply_that_runs_out(desks: list[Desk]) -> None:
    desks.append(desk(synthetic.printer(TONER, ("Waste Toner", 4, 4, 100, 2), ("Waste box", 1, 4, 100, 2))))
    result = await desks[0].look()
    assert [r.instance for r in result.readings if r.name == "supply.percent"] == ["1.1"]
    assert [r.instance for r in result.readings if r.name == "receptacle.percent"] == ["1.2", "1.3"]


@pytest.mark.parametrize(
    ("bits", "raised", "known"),
    [
        (b"\x00", set(), 8),
        (b"", set(), 8),
        (b"\x04", {"jammed"}, 8),
        (b"\x58", {"no_paper", "no_toner", "door_open"}, 8),
        (b"\x80\x06", {"low_paper", "input_tray_empty", "overdue_maintenance"}, 15),
        (b"\xff\xff\xff\xff", None, 15),
    ],
)
async def test_when_a_printer_reports_errors_then_each_is_a_reading_of_its_own(
    desks: list[Desk], bits: bytes, raised: set[str] | None, known: int
) -> None:
    desks.append(desk(synthetic.printer(TONER, errors=bits)))
    errors = [r for r in (await desks[0].look()).readings if r.name == "printer.error"]
    assert len(errors) == known
    assert {r.instance for r in errors if r.state != "ok"} == (
        {r.instance for r in errors} if raised is None else raised
    )


async def test_when_the_mains_fail_then_the_power_supply_says_so(desks: list[Desk]) -> None:
    desks.append(desk(synthetic.ups(source=5, battery=3, percent=18, minutes=4, loads=(20, 65, 0))))
    result = await desks[0].look()
    assert (find(result, "ups.status").state, find(result, "ups.battery").state) == ("on_battery", "low")
    assert find(result, "ups.load_percent").value == 65.0
    assert find(result, "ups.runtime_minutes").value == 4.0
    assert find(result, "ups.input_volts").value == 229.0
    assert find(result, "ups.battery_volts").value == 27.3


@pytest.mark.parametrize("minutes", [0, -1, 65_535, 4_294_967_295])
async def test_when_a_card_cannot_tell_the_runtime_then_it_is_unknown_and_no_number(
    desks: list[Desk], minutes: int
) -> None:
    desks.append(desk(synthetic.ups(minutes=minutes)))
    reading = find(await desks[0].look(), "ups.runtime_minutes")
    assert (reading.value, reading.state) == (None, "unknown")


async def test_when_a_host_is_read_then_caches_and_memory_file_systems_do_not_count(desks: list[Desk]) -> None:
    desks.append(desk(synthetic.host()))
    result = await desks[0].look()
    assert find(result, "memory.used_percent").value == 50.0
    assert find(result, "cpu.load_percent").value == 25.5
    assert [(r.label, r.value) for r in result.readings if r.name == "storage.used_percent"] == [("/", 87.0)]


async def test_when_a_switch_is_read_then_ports_have_names_and_the_loopback_is_left_out(desks: list[Desk]) -> None:
    desks.append(desk(synthetic.switch(3)))
    result = await desks[0].look()
    ports = [(r.instance, r.label, r.state) for r in result.readings if r.name == "interface.oper"]
    assert ports == [("2", "p2", "up"), ("3", "p3", "down"), ("4", "p4", "up")]
    assert find(result, "temperature.celsius", "2").value == 41.5


# --- rates and memory ----------------------------------------------------------------------------------------------


async def test_when_a_port_is_looked_at_twice_then_the_second_look_has_rates(desks: list[Desk]) -> None:
    desks.append(desk(synthetic.switch(2)))
    first = await desks[0].look()
    assert not [r for r in first.readings if r.name.endswith("bps")]
    assert first.counters["interface.in_octets:2"] == 1_000
    desks[0].door.values[f"{IFX}.6.2"] = 1_000 + 12_500_000
    second = await desks[0].look(after=10.0)
    assert find(second, "interface.in_bps", "2").value == 10_000_000.0
    assert find(second, "interface.in_percent", "2").value == 1.0
    assert find(second, "interface.out_bps", "2").value == 0.0


async def test_when_only_32_bit_counters_are_there_then_a_wrap_is_still_a_rate(desks: list[Desk]) -> None:
    device = synthetic.system() | synthetic.interfaces(1, wide=False, speed_mbps=100)
    device[f"{IF}.10.2"] = (1 << 32) - 1_000
    desks.append(desk(device))
    await desks[0].look()
    desks[0].door.values[f"{IF}.10.2"] = 11_500
    second = await desks[0].look(after=10.0)
    assert find(second, "interface.in_bps", "2").value == 10_000.0
    assert find(second, "interface.in_bps", "2").label == "port 2"


async def test_when_a_device_restarted_then_there_is_no_rate_until_the_next_look(desks: list[Desk]) -> None:
    desks.append(desk(synthetic.switch(1)))
    await desks[0].look()
    desks[0].door.values |= {f"{SYSTEM}.3.0": 500, f"{IFX}.6.2": 50}
    second = await desks[0].look(after=10.0)
    assert not [r for r in second.readings if r.name.endswith(("bps", "in_percent"))]
    desks[0].door.values[f"{IFX}.6.2"] = 1_300
    assert find(await desks[0].look(after=10.0), "interface.in_bps", "2").value == 1_000.0


async def test_when_a_counter_was_cleared_then_there_is_no_rate_and_none_is_negative(desks: list[Desk]) -> None:
    device = synthetic.switch(1)
    device[f"{IFX}.6.2"] = 10**15
    desks.append(desk(device))
    await desks[0].look()
    desks[0].door.values[f"{IFX}.6.2"] = 7
    second = await desks[0].look(after=10.0)
    assert not [r for r in second.readings if r.name == "interface.in_bps" and r.instance == "2"]


async def test_when_uptime_wraps_after_497_days_then_rates_go_on(desks: list[Desk]) -> None:
    device = synthetic.switch(1)
    device[f"{SYSTEM}.3.0"] = UPTIME_WRAP_TICKS - 400
    desks.append(desk(device))
    await desks[0].look()
    desks[0].door.values[f"{IFX}.6.2"] = 2_000
    assert find(await desks[0].look(after=10.0), "interface.in_bps", "2").value == 800.0


async def test_when_a_device_is_known_then_a_look_asks_only_what_changes(desks: list[Desk]) -> None:
    desks.append(desk(synthetic.printer(TONER)))
    first = await desks[0].look()
    asked = len(desks[0].door.asked)
    second = await desks[0].look(after=60.0)
    again = desks[0].door.asked[asked:]
    assert (len(again), asked > 4) == (2, True)
    assert not {name for names in again for name in names} & {f"{IF}.2", f"{IFX}.18", f"{synthetic.PRT}.11.1.1.6"}
    assert [(r.name, r.instance, r.state) for r in second.readings if "bps" not in r.name and "in_p" not in r.name][
        : len(first.readings)
    ]
    assert second.identity == first.identity


async def test_when_an_hour_is_over_then_the_device_is_looked_over_again(desks: list[Desk]) -> None:
    desks.append(desk(synthetic.printer(TONER)))
    await desks[0].look()
    desks[0].door.values[f"{synthetic.PRT}.5.1.1.17.1"] = b"SYN0002"
    before = await desks[0].look(after=60.0)
    after = await desks[0].look(after=3_600.0)
    assert [r.identity.serial for r in (before, after) if r.identity] == ["SYN0001", "SYN0002"]


async def test_when_a_device_is_looked_over_again_then_its_rates_go_on(desks: list[Desk]) -> None:
    desks.append(desk(synthetic.switch(1)))
    await desks[0].look()
    await desks[0].look(after=3_590.0)
    desks[0].door.values[f"{IFX}.6.2"] = 3_000
    asked = len(desks[0].door.asked)
    assert find(await desks[0].look(after=20.0), "interface.in_bps", "2").value == 800.0
    assert len(desks[0].door.asked) - asked > 2


async def test_when_the_first_walk_was_cut_then_columns_without_rows_are_asked_again(desks: list[Desk]) -> None:
    device = synthetic.switch(1)
    hidden = {o: v for o, v in device.items() if o.startswith(f"{IF}.8.")}
    desks.append(Desk(FakeDoor({o: v for o, v in device.items() if o not in hidden}, truncates=True)))
    await desks[0].look()
    desks[0].door.values |= hidden
    assert find(await desks[0].look(after=10.0), "interface.oper", "2").state == "up"


async def test_when_another_device_answers_at_the_address_then_it_is_not_taken_for_the_first(desks: list[Desk]) -> None:
    desks.append(desk(synthetic.printer(TONER, object_id="1.3.6.1.4.1.2435.2.3.9.1")))
    await desks[0].look()
    desks[0].door.values = synthetic.host()
    result = await desks[0].look(after=10.0)
    assert result.identity is not None
    assert result.identity.category == "host"


async def test_when_a_row_is_new_then_it_gets_its_name_within_minutes(desks: list[Desk]) -> None:
    desks.append(desk(synthetic.switch(2)))
    await desks[0].look()
    desks[0].door.values |= synthetic.interfaces(3)
    assert find(await desks[0].look(after=60.0), "interface.oper", "4").label == ""
    assert find(await desks[0].look(after=301.0), "interface.oper", "4").label == "p4"


async def test_when_profiles_change_then_the_next_look_uses_them(desks: list[Desk]) -> None:
    desks.append(desk(synthetic.printer(TONER)))
    await desks[0].look()
    sources = PROFILES.sources()
    del sources["printer-mib"]
    desks[0].prober.use(Profiles.parse(sources))
    result = await desks[0].look(after=10.0)
    assert result.identity is not None
    assert result.identity.profile == "generic"


async def test_when_profiles_change_amid_a_look_then_the_next_one_uses_them(desks: list[Desk]) -> None:
    desks.append(desk(synthetic.printer(TONER)))
    sources = PROFILES.sources()
    del sources["printer-mib"]
    take = desks[0].prober._turns.take

    async def meanwhile(steps: Any) -> Any:
        desks[0].prober.use(Profiles.parse(sources))
        return await take(steps)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(desks[0].prober._turns, "take", meanwhile)
        first = await desks[0].look()
    after = await desks[0].look(after=10.0)
    assert first.identity is not None
    assert after.identity is not None
    assert (first.identity.profile, after.identity.profile) == ("printer-mib", "generic")


# --- failures ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "outcome", "alive"),
    [
        (Silent("no answer"), Outcome.SILENT, False),
        (Malformed("answers badly"), Outcome.MALFORMED, True),
        (WrongCredential("wrong key"), Outcome.WRONG_CREDENTIAL, True),
        (NotAsked("no route"), Outcome.NOT_ASKED, True),
    ],
)
async def test_when_the_first_question_fails_then_nothing_more_is_asked_and_the_reason_is_told(
    desks: list[Desk], error: DeviceError, outcome: Outcome, alive: bool
) -> None:
    desks.append(Desk(FakeDoor(synthetic.switch(), fails={0: error, 1: error})))
    result = await desks[0].look()
    assert (result.outcome, result.detail, result.readings) == (outcome, str(error), ())
    assert len(desks[0].door.asked) == 1
    assert await desks[0].prober.alive(desks[0].target, PUBLIC) is alive


@pytest.mark.parametrize("question", range(1, 6))
@pytest.mark.parametrize(("error", "outcome"), [(Silent("x"), Outcome.ANSWERED), (Malformed("x"), Outcome.MALFORMED)])
async def test_when_a_device_stops_after_the_first_answer_then_it_is_alive_and_the_look_is_marked_cut(
    desks: list[Desk], question: int, error: DeviceError, outcome: Outcome
) -> None:
    desks.append(Desk(FakeDoor(synthetic.switch(), fails={question: error})))
    result = await desks[0].look()
    assert (result.outcome, result.truncated, result.readings) == (outcome, True, ())
    assert result.identity is not None
    assert result.identity.category == "switch"
    assert (await desks[0].look(after=10.0)).readings


async def test_when_a_walk_was_cut_then_the_result_says_so(desks: list[Desk]) -> None:
    desks.append(Desk(FakeDoor(synthetic.switch(), truncates=True)))
    assert (await desks[0].look()).truncated


async def test_when_no_credential_is_assigned_then_the_device_is_not_asked(desks: list[Desk]) -> None:
    desks.append(desk(synthetic.switch()))
    result = await desks[0].prober.probe(desks[0].target, None)
    assert result.outcome is Outcome.NOT_ASKED


async def test_when_device_strings_are_hostile_then_readings_hold_clean_text_only(desks: list[Desk]) -> None:
    device = synthetic.switch(1)
    device |= {f"{IFX}.1.2": b"\x1b[31m\xff\x00\xe2\x80\xaeevil\r\n" + b"x" * 500, f"{SYSTEM}.5.0": b"\xc3\x28\x00"}
    desks.append(desk(device))
    result = await desks[0].look()
    label = find(result, "interface.oper", "2").label
    assert len(label) <= 255
    assert not set(label) & set("\x1b\x00\r\n\u202e")
    assert Result.model_validate_json(result.model_dump_json()) == result


# --- other methods -------------------------------------------------------------------------------------------------


def service(method: Method, port: int, address: str = "127.0.0.1") -> TargetSpec:
    return TargetSpec(id=new_id(), name="S", address=address, port=port, method=method, timeout_seconds=0.5, tries=1)


async def test_when_a_port_accepts_then_the_service_answers_and_when_it_is_closed_it_is_silent(
    desks: list[Desk],
) -> None:
    desks.append(desk({}))
    server = await asyncio.start_server(lambda r, w: w.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    open_ = await desks[0].prober.probe(service(Method.TCP, port))
    assert (open_.outcome, open_.latency_ms is not None) == (Outcome.ANSWERED, True)
    server.close()
    await server.wait_closed()
    closed = await desks[0].prober.probe(service(Method.TCP, port))
    assert (closed.outcome, "refused" in closed.detail) == (Outcome.SILENT, True)
    assert not await desks[0].prober.alive(service(Method.TCP, port))


async def test_when_this_machine_is_pinged_then_it_echoes_or_pinging_is_not_permitted(desks: list[Desk]) -> None:
    desks.append(desk({}))
    result = await desks[0].prober.probe(service(Method.PING, 1))
    assert result.outcome in (Outcome.ANSWERED, Outcome.NOT_ASKED)
    assert result.outcome is Outcome.ANSWERED or "ping_group_range" in result.detail


async def test_when_a_name_has_no_address_then_the_target_is_not_asked(desks: list[Desk]) -> None:
    desks.append(desk({}))
    result = await desks[0].prober.probe(service(Method.TCP, 80, address="no-such-name.invalid"))
    assert result.outcome is Outcome.NOT_ASKED
