"""Reads a recording through the same prober and report as `assets probe`, without a network."""

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from assets.ids import new_id
from assets.probing import recording
from assets.probing.ber import Value
from assets.probing.command import examine
from assets.probing.contract import Community, TargetSpec
from assets.probing.profile import Profiles
from assets.probing.readings import Method

OWN = Path(__file__).parent / "devices"
SHARED = Path(__file__).resolve().parents[3] / "shared"
RECORDINGS = SHARED / "recordings"
PUBLIC = Community(id=new_id(), community="public")
TARGET = TargetSpec(id=new_id(), name="replayed", address="127.0.0.1", port=161, method=Method.SNMP)


def rows(path: Path) -> dict[str, Value]:
    """A recording as a door gives it."""
    return {name: value for name, (_, value) in recording.read(path).items()}


def read(device: Mapping[str, Value], profiles: Profiles) -> dict[str, Any]:
    """What `assets probe --json` says of a device that answers so."""
    _, document, _ = asyncio.run(examine(profiles, TARGET, PUBLIC, door=recording.Replay(device)))
    return json.loads(json.dumps(document))  # type: ignore[no-any-return]
