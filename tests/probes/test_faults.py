"""What goes wrong at a device comes out as the right finding and condition: made devices, and the real ones changed."""

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from assets.monitoring.conditions import Condition, Look, Memory, Rules, advance
from assets.monitoring.thresholds import Finding, evaluate
from assets.probing.ber import Value
from assets.probing.prober import Prober
from assets.probing.profile import Profiles
from assets.probing.readings import Outcome, Result, Severity
from assets.probing.recording import Replay
from tests.conftest import missing
from tests.probes import synthetic
from tests.probes.replaying import OWN, PUBLIC, RECORDINGS, TARGET, rows
from tests.probes.synthetic import IF, IFX, PRT, SYSTEM, UPS, Device

PROFILES = Profiles.load()
NOW = datetime(2026, 11, 2, 8, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
CRITICAL, WARNING = Severity.CRITICAL, Severity.WARNING
M = "1.3.6.1.4.1"
DRIVE, DISK = f"{M}.674.10892.5.5.1.20.130.4.1.24.1", f"{M}.232.3.2.5.1.1.6.0.1"
PRINTER = synthetic.printer(("Black Toner", 3, 3, 100, 80), ("Waste", 4, 4, 100, 99))
ERRORS, LEVEL = f"{synthetic.HR}.3.5.1.2.1", f"{PRT}.11.1.1.9.1.1"


def look(device: Mapping[str, Value]) -> Result:
    """One look at a device that answers so."""
    prober = Prober(PROFILES, v2c=Replay(device))
    return asyncio.run(prober.probe(TARGET, PUBLIC))


def findings(device: Mapping[str, Value]) -> tuple[Finding, ...]:
    """What the limits of its profile find."""
    result = look(device)
    assert result.identity is not None
    return evaluate(result.readings, PROFILES.limits(result.identity.profile))


def said(device: Mapping[str, Value]) -> set[tuple[str, Severity]]:
    """The messages of all findings."""
    return {(str(finding.phrase.text), finding.severity) for finding in findings(device)}


def own(name: str) -> Device:
    """One of the project's own recordings."""
    return rows(OWN / f"{name}.snmprec")


def maker(number: str, **objects: Value) -> Device:
    """A UPS that speaks only its maker's MIB; tails of names with underscores for dots."""
    tails = {f"{M}.{number}.{tail.strip('o').replace('_', '.')}": value for tail, value in objects.items()}
    return synthetic.system(object_id=f"{M}.{number}") | tails


FAULTS: list[tuple[str, Device, Device, str, Severity]] = [
    ("on battery, RFC 1628", synthetic.ups(), {f"{UPS}.4.1.0": 5}, "on battery", CRITICAL),
    ("on bypass", synthetic.ups(), {f"{UPS}.4.1.0": 4}, "output not protected", WARNING),
    ("battery low", synthetic.ups(), {f"{UPS}.2.1.0": 3}, "battery low", CRITICAL),
    ("battery half empty", synthetic.ups(), {f"{UPS}.2.4.0": 40}, "battery low", WARNING),
    ("overloaded", synthetic.ups(), {f"{UPS}.4.4.1.5.1": 97}, "UPS load high", CRITICAL),
    (
        "on battery, PowerNet",
        maker("318", o1_1_1_4_1_1_0=2) | {f"{SYSTEM}.2.0": f"{M}.318.1.3.27"},
        {f"{M}.318.1.1.1.4.1.1.0": 3},
        "on battery",
        CRITICAL,
    ),
    (
        "worn battery, PowerNet",
        maker("318", o1_1_1_2_2_4_0=1) | {f"{SYSTEM}.2.0": f"{M}.318.1.3.27"},
        {f"{M}.318.1.1.1.2.2.4.0": 2},
        "battery worn out",
        WARNING,
    ),
    ("on battery, XUPS", maker("534.1", o4_5_0=3), {f"{M}.534.1.4.5.0": 5}, "on battery", CRITICAL),
    ("on battery, MGE", maker("705.1", o7_3_0=2, o7_4_0=2), {f"{M}.705.1.7.3.0": 1}, "on battery", CRITICAL),
    ("on battery, CyberPower", maker("3808.1.1.1", o4_1_1_0=2), {f"{M}.3808.1.1.1.4.1.1.0": 3}, "on battery", CRITICAL),
    ("on battery, Phoenixtec", maker("935.1.1.1", o4_1_1_0=2), {f"{M}.935.1.1.1.4.1.1.0": 3}, "on battery", CRITICAL),
    ("on battery, Delta", maker("2254.2.4", o5_1_0=0), {f"{M}.2254.2.4.5.1.0": 1}, "on battery", CRITICAL),
    ("on battery, Socomec", own("made_socomec"), {f"{M}.4555.1.1.1.1.4.1.0": 2}, "on battery", CRITICAL),
    ("paper jam", PRINTER, {ERRORS: b"\x04"}, "paper jam", CRITICAL),
    ("no toner", PRINTER, {ERRORS: b"\x10"}, "out of toner", CRITICAL),
    ("toner out by its level", PRINTER, {LEVEL: 0}, "toner low", CRITICAL),
    ("toner low", PRINTER, {LEVEL: 9}, "toner low", WARNING),
    ("no paper", PRINTER, {ERRORS: b"\x40"}, "out of paper", CRITICAL),
    ("door open", PRINTER, {ERRORS: b"\x08"}, "door open", CRITICAL),
    ("output full", PRINTER, {ERRORS: b"\x00\x08"}, "printer needs attention", CRITICAL),
    ("a described port is down", synthetic.switch(4), {f"{IFX}.18.2": b"to the router", f"{IF}.8.2": 2}, "port down", WARNING),
    (
        "a disk of a Synology",
        synthetic.host() | {f"{M}.6574.2.1.1.5.0": 1, f"{M}.6574.1.1.0": 1},
        {f"{M}.6574.2.1.1.5.0": 5},
        "disk failed",
        CRITICAL,
    ),
    (
        "a volume of a Synology",
        synthetic.host() | {f"{M}.6574.3.1.1.3.0": 1, f"{M}.6574.1.1.0": 1},
        {f"{M}.6574.3.1.1.3.0": 11},
        "volume degraded",
        WARNING,
    ),
    ("a disk of an iDRAC", own("made_idrac") | {DRIVE: 3}, {DRIVE: 5}, "disk failed", CRITICAL),
    ("a disk of a ProLiant", own("made_proliant") | {DISK: 2}, {DISK: 3}, "disk failed", CRITICAL),
    ("a fan of a switch", own("made_fastpath"), {f"{M}.4526.10.43.1.6.1.3.1.0": 3}, "fan failed", CRITICAL),
    ("a power supply of a switch", own("made_fastpath"), {f"{M}.4526.10.43.1.7.1.3.1.0": 3}, "power supply failed", CRITICAL),
    ("a hot sensor", synthetic.switch(2), {"1.3.6.1.2.1.99.1.1.1.4.2": 912}, "too hot", CRITICAL),
]  # fmt: skip


@pytest.mark.parametrize(
    ("device", "change", "message", "severity"), [f[1:] for f in FAULTS], ids=[f[0] for f in FAULTS]
)
def test_when_a_device_has_a_fault_then_its_finding_makes_it_degraded_and_mending_ends_it(
    device: Device, change: Device, message: str, severity: Severity
) -> None:
    before, after = findings(device), findings(device | change)
    assert (message, severity) not in {(str(f.phrase.text), f.severity) for f in before}
    assert (message, severity) in {(str(f.phrase.text), f.severity) for f in after}
    looks = [Look(NOW, Outcome.ANSWERED), *(Look(NOW + n * MINUTE, Outcome.ANSWERED, after) for n in (1, 2, 3))]
    memory, changes = advance(Memory(), looks, Rules(timedelta(hours=1)), NOW + 3 * MINUTE)
    assert memory.condition is Condition.DEGRADED
    assert changes[-1].severity is max((f.severity for f in after), key=lambda s: s is CRITICAL)
    calm = [Look(NOW + n * MINUTE, Outcome.ANSWERED) for n in range(4, 8)]
    assert advance(memory, calm, Rules(timedelta(hours=1)), NOW + 8 * MINUTE)[0].condition is Condition.UP


def real(category: str) -> list[str]:
    """Real recordings of one kind, or one name that says what is missing."""
    found = [
        path.stem
        for path in sorted((RECORDINGS / "expected").glob("*.json"))
        if json.loads(path.read_text())["category"] == category
    ]
    return found or ["none"]


def recorded(name: str) -> Device:
    """A real recording."""
    if name == "none":
        missing(f"there are no recordings of real devices at {RECORDINGS}")
    return rows(RECORDINGS / f"{name}.snmprec")


ON_BATTERY = {f"{UPS}.4.1.0": 5, f"{M}.318.1.1.1.4.1.1.0": 3, f"{M}.935.1.1.1.4.1.1.0": 3, f"{M}.534.1.4.5.0": 5}


@pytest.mark.parametrize("name", real("ups"))
def test_when_a_real_power_supply_loses_the_mains_then_it_is_on_battery_and_critical(name: str) -> None:
    device = recorded(name)
    assert ("on battery", CRITICAL) not in said(device)
    assert ("on battery", CRITICAL) in said(device | {k: v for k, v in ON_BATTERY.items() if k in device})


@pytest.mark.parametrize("name", real("printer"))
def test_when_a_real_printer_jams_or_runs_out_then_it_says_which(name: str) -> None:
    device = recorded(name)
    for bits, message in ((b"\x04", "paper jam"), (b"\x10", "out of toner"), (b"\x40", "out of paper")):
        assert (message, CRITICAL) in said(device | {ERRORS: bits})
    column = f"{PRT}.11.1.1.9."
    runs_out = [k for k in device if k.startswith(column) and device.get(k.replace(".9.", ".4.", 1)) != 4]
    assert ("toner low", CRITICAL) in said(device | dict.fromkeys(runs_out, 0))
