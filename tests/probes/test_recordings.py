"""Recordings of devices: every fact of their expected files must be read, with whatever profile of a maker is deleted.

51 are of real devices and no part of the project: they lie beside the checkout, in ../shared, which CI must have. Those
in `devices/` are made from the object lists of MIBs, of no device that exists.
"""

import asyncio
import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from assets.ids import new_id
from assets.probing.ber import Value
from assets.probing.command import examine
from assets.probing.contract import TargetSpec
from assets.probing.identity import SYS_OBJECT_ID
from assets.probing.oid import is_under
from assets.probing.profile import Profiles
from assets.probing.readings import Method
from tests.conftest import missing
from tests.ports import free_port
from tests.probes.expected import Compared, compared
from tests.probes.replaying import OWN, PUBLIC, RECORDINGS, SHARED, read, rows
from tests.probes.synthetic import NOBODY

PROFILES = Profiles.load()
# Without the real ones one name is left, so that something says what is missing.
REAL = sorted(path.stem for path in (RECORDINGS / "expected").glob("*.json")) or ["none"]
MADE = sorted(path.stem for path in (OWN / "expected").glob("*.json"))
MAKERS = "1.3.6.1.4.1"
AGENT_KITS = ("1.3.6.1.4.1.2021",)  # UCD-SNMP-MIB, which the profiles of kinds read
NET_SNMP = "1.3.6.1.4.1.8072.3.2"
JOINING = [profile.name for profile in PROFILES.joining()]
READY_SECONDS_MAX = 60.0
AT_ONCE = 8  # one process answers for all devices: with all at once each would wait for all others

# Where the expected file cannot be right, and why.
EXPECTED_WRONG = {
    (
        "routeros_rb760igs",
        "lldp_neighbors[0 2C:C8:1B:97:04:1C 65:74:68:65:72:32].sys_name",
    ): "lldpRemPortIdSubtype is interfaceName (5): the octets are the text ether2, not an address",
    (
        "routeros_rb760igs",
        "lldp_neighbors[0 00:0C:29:93:07:19 6c:61:6e:32:35:34].sys_name",
    ): "lldpRemPortIdSubtype is interfaceName (5): the octets are the text lan254, not an address",
    (
        "dlink_dgs-1510-28",
        "memory.total_bytes",
    ): "the MIB counts memory in kB: 262144 kB are 256 MiB, not 256 KiB",
}


def folder(name: str) -> Path:
    """Where a recording lies."""
    return OWN if name in MADE else RECORDINGS


@cache
def expected(name: str) -> dict[str, Any]:
    """What is true of a recorded device."""
    if name == "none":
        missing(f"there are no recordings of real devices at {RECORDINGS}")
    return json.loads((folder(name) / "expected" / f"{name}.json").read_text())  # type: ignore[no-any-return]


@cache
def recorded(name: str) -> dict[str, Value]:
    """What a recorded device answers."""
    return rows(folder(name) / f"{name}.snmprec")


@cache
def document(name: str) -> dict[str, Any]:
    """What we say of it."""
    return read(recorded(name), PROFILES)


def wrong(name: str, facts: list[Compared]) -> list[tuple[str, Any, Any]]:
    """(fact, wanted, got) of those that we do not read right."""
    return [
        (f.fact.path, f.fact.wanted, f.got) for f in facts if not f.right and (name, f.fact.path) not in EXPECTED_WRONG
    ]


@pytest.mark.parametrize("name", [*REAL, *MADE])
def test_when_a_recorded_device_is_read_then_every_fact_is_right(name: str) -> None:
    facts = compared(expected(name), document(name))
    bad = wrong(name, facts)
    assert not bad, f"{len(bad)} of {len(facts)} facts: {bad[:10]}"


def test_when_an_expected_file_is_called_wrong_then_it_still_differs() -> None:
    found = {
        (name, fact.fact.path) for name in REAL for fact in compared(expected(name), document(name)) if not fact.right
    }
    assert found == set(EXPECTED_WRONG)


@cache
def standard(name: str) -> tuple[Compared, ...]:
    """The facts that are right without a single object of a maker's MIB."""
    plain = {
        key: value
        for key, value in recorded(name).items()
        if not is_under(key, MAKERS) or any(is_under(key, kit) for kit in AGENT_KITS)
    }
    return tuple(fact for fact in compared(expected(name), read(plain, PROFILES)) if fact.right)


@pytest.mark.parametrize("deleted", [*JOINING, "ups-powernet"])
def test_when_a_makers_profile_is_deleted_then_facts_of_standard_mibs_stay_right(deleted: str) -> None:
    profiles = Profiles.parse({name: toml for name, toml in PROFILES.sources().items() if name != deleted})
    # Nothing changes for devices whose profile it has no part in.
    touched = [name for name in [*REAL, *MADE] if name != "none" and deleted in document(name)["profile"].split("+")]
    assert touched or REAL == ["none"], "no recording is read with this profile"
    for name in touched:
        got = {f.fact.path: f for f in compared(expected(name), read(recorded(name), profiles))}
        lost = [
            (f.fact.path, f.fact.wanted, got[f.fact.path].got) for f in standard(name) if not got[f.fact.path].right
        ]
        assert not lost, f"{name}: {lost[:10]}"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """Name → address, port, community of each real recording, served on loopback addresses of its own."""
    if not RECORDINGS.is_dir():
        missing(f"there are no recordings of real devices at {RECORDINGS}")
    listing = tmp_path_factory.mktemp("served") / "map.json"
    port = free_port(socket.SOCK_DGRAM)
    command = [sys.executable, str(SHARED / "tools" / "serve.py"), str(RECORDINGS)]
    options = ["--net", "127.77", "--port", str(port), "--map-out", str(listing), "--seconds", "300"]
    with subprocess.Popen(command + options, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as server:
        try:
            assert server.stdout is not None
            until = time.monotonic() + READY_SECONDS_MAX
            while not server.stdout.readline().startswith(b"serving"):
                if server.poll() is not None or time.monotonic() > until:
                    pytest.fail("the recordings are not being served")
            yield json.loads(listing.read_text())
        finally:
            server.terminate()


def test_when_recorded_devices_are_asked_over_the_wire_then_they_say_what_their_recordings_do(
    served: dict[str, Any],
) -> None:
    turns = asyncio.Semaphore(AT_ONCE)

    async def one(name: str) -> dict[str, Any]:
        target = TargetSpec(
            id=new_id(), name=name, address=served[name]["address"], port=served[name]["port"], method=Method.SNMP,
            timeout_seconds=10,
        )  # fmt: skip
        async with turns:
            _, said, _ = await examine(PROFILES, target, PUBLIC)
        return json.loads(json.dumps(said))  # type: ignore[no-any-return]

    async def all_() -> list[dict[str, Any]]:
        return await asyncio.gather(*map(one, REAL))

    for name, said in zip(REAL, asyncio.run(all_()), strict=True):
        assert {**said, "latency_ms": 0} == {**document(name), "latency_ms": 0}, name


# Without its maker's number a firewall that describes nothing and a store that calls itself Linux say too little.
UNTOLD = {"fortigate_60f", "qnap"}


@pytest.mark.parametrize("name", REAL)
def test_when_nobody_knows_a_devices_maker_then_its_kind_is_told_by_what_standard_mibs_say(name: str) -> None:
    wanted = expected(name)
    plain = {key: value for key, value in recorded(name).items() if not is_under(key, MAKERS)}
    number = plain.get(SYS_OBJECT_ID)
    if not is_under(str(number), NET_SNMP):  # that one is nobody's
        plain[SYS_OBJECT_ID] = NOBODY
    said = read(plain, PROFILES)
    kinds = [wanted["category"], *wanted.get("category_ok", [])]
    assert (said.get("category") in kinds) == (name not in UNTOLD), said.get("category")
