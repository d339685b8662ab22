"""51 recordings of real devices, read over the wire: every standard-MIB fact must come out right.

The recordings are not part of the project: they lie beside the checkout, in ../shared, which CI must have.
"""

import asyncio
import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from assets.ids import new_id
from assets.probing.command import examine
from assets.probing.contract import Community, TargetSpec
from assets.probing.profile import Profiles
from assets.probing.readings import Method
from tests.conftest import missing
from tests.probes.expected import differences, facts

SHARED = Path(__file__).resolve().parents[3] / "shared"
RECORDINGS = SHARED / "recordings"
# Without recordings one name is left, so that something says what is missing.
NAMES = sorted(path.stem for path in (RECORDINGS / "expected").glob("*.json")) or ["none"]
READY_SECONDS_MAX = 20.0

# What we do not read as the expected file has it, and why.
KNOWN_MISSES = {
    ("grandstream-ap_gwn7660", "firmware"): "no object that we ask holds it",
    ("cyberpower_pr2200rt2uc", "interfaces.list[2].name"): "octets of an agent's bug; we show what is text in it",
    ("routeros_rb760igs", "lldp_neighbors[0 C0:06:C3:A1:3F:46].port"): "two neighbours of one address behind port 0",
    ("routeros_rb760igs", "lldp_neighbors[0 2C:C8:1B:97:04:1C].port"): "the expected file shows the text as hex",
    ("routeros_rb760igs", "lldp_neighbors[0 00:0C:29:93:07:19].port"): "the expected file shows the text as hex",
}


@pytest.fixture(scope="module")
def devices(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """Name → address, port, community of each recording, served on loopback addresses of its own."""
    if not RECORDINGS.is_dir():
        missing(f"there are no recordings of real devices at {RECORDINGS}")
    listing = tmp_path_factory.mktemp("served") / "map.json"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
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


@pytest.fixture(scope="module")
def documents(devices: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What `assets probe --json` says of each device, all asked at once."""
    profiles = Profiles.load()
    credential = Community(id=new_id(), community="public")

    async def one(name: str) -> dict[str, Any]:
        place = devices[name]
        target = TargetSpec(id=new_id(), name=name, address=place["address"], port=place["port"], method=Method.SNMP)
        _, document, _ = await examine(profiles, target, credential)
        return json.loads(json.dumps(document))  # type: ignore[no-any-return]

    async def all_() -> dict[str, dict[str, Any]]:
        return dict(zip(NAMES, await asyncio.gather(*map(one, NAMES)), strict=True))

    return asyncio.run(all_())


@pytest.mark.parametrize("name", NAMES)
def test_when_a_recorded_device_is_probed_then_its_standard_facts_are_right(
    documents: dict[str, dict[str, Any]], name: str
) -> None:
    expected = json.loads((RECORDINGS / "expected" / f"{name}.json").read_text())
    found = differences(expected, documents[name])
    wrong = [d for d in found if (name, d[0]) not in KNOWN_MISSES]
    assert not wrong, f"{len(wrong)} of {len(list(facts(expected)))} facts: {wrong[:10]}"


def test_when_all_recordings_are_read_then_every_known_miss_is_still_one(documents: dict[str, dict[str, Any]]) -> None:
    missed = {
        (name, path)
        for name in NAMES
        for path, _, _ in differences(
            json.loads((RECORDINGS / "expected" / f"{name}.json").read_text()), documents[name]
        )
    }
    assert missed == set(KNOWN_MISSES)
