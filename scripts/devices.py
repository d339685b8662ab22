"""Write docs/devices.md from the probe profiles: `.venv/bin/python scripts/devices.py` (with --check: only compare)."""

import sys
from collections.abc import Iterable
from pathlib import Path

from assets.probing.oid import is_under
from assets.probing.profile import Profile, Profiles
from assets.probing.profile_file import Reads
from assets.probing.readings import Limit
from assets.web import words

PAGE = Path(__file__).resolve().parents[1] / "docs" / "devices.md"
MIBS = {
    "1.3.6.1.2.1.2": "IF-MIB",
    "1.3.6.1.2.1.31": "IF-MIB",
    "1.3.6.1.2.1.25": "HOST-RESOURCES-MIB",
    "1.3.6.1.2.1.33": "UPS-MIB",
    "1.3.6.1.2.1.43": "Printer-MIB",
    "1.3.6.1.2.1.99": "ENTITY-SENSOR-MIB",
    "1.3.6.1.4.1.2021.13.16": "LM-SENSORS-MIB",
    "1.3.6.1.4.1.2021": "UCD-SNMP-MIB",
    "1.3.6.1.4.1.318": "PowerNet-MIB",
}
MAKERS = "1.3.6.1.4.1"
HEAD = """\
# Devices

Written by `scripts/devices.py` from `probes/`; a test fails when it is stale.

A device is matched to a kind by its sysObjectID, by words of its sysDescr, or by a MIB that only such devices answer;
what nothing fits is shown with the generic profile. What a maker's own MIBs add joins the profile of every device of
that maker, so a FortiGate is read by `router+fortinet`. Delete a maker's file and the readings of standard MIBs stay.
In brackets: unit, and when it is a finding (warning / critical), which counts after the confirming looks of its
profile. Only what a device answers is asked again, so a line says what can be read, not what each model has.

A new kind of device is one TOML file in `probes/`, one recording and one expected file in `tests/probes/devices/`, and
a run of this script:

1. `assets probe HOST --record NAME.snmprec` walks a device and leaves out secrets, what people typed and other
   machines' addresses. Look through the texts that are left before you hand the file on.
2. Describe what its MIB has, numeric OIDs with the object's name in a comment. Write for the MIB and the maker, not for
   the model: a kind of its own has `category` and `[[match]]`, a maker's additions have `joins`. What no key can say is
   a small named function in `probing/decoders.py`.
3. `assets check-probes` names file, line and key of what is wrong; a broken file stops only itself.
4. `assets probe NAME.snmprec --json` is what the monitor reads. What must stay so goes into `expected/NAME.json`:
   only facts that the recording holds, `null` where the device says that it does not know.
5. `tests/probes/test_recordings.py` reads every recording and deletes every maker's file once;
   `.venv/bin/python -m tests.probes.table --wrong` prints what is right, missing and wrong.

The project's own recordings are made from the object lists of MIBs, of no device that exists. They show that a profile
reads what it says; that real devices answer so is shown by recordings of 51 of them, which are not part of the project.
"""


def source(reads: Reads) -> str:
    """The MIB of a reading."""
    found = [(len(root), name) for root, name in MIBS.items() if is_under(reads.oid, root)]
    return max(found)[1] if found else f"MIBs of enterprise {reads.oid.removeprefix(MAKERS).split('.')[1]}"


def bound(below: float | None, above: float | None, states: Iterable[str]) -> str:
    """One severity of a limit in words."""
    parts = [f"< {below:g}"] if below is not None else []
    parts += [f"> {above:g}"] if above is not None else []
    parts += [words.READING_STATE.get(state, state) for state in states]
    return ", ".join(parts)


def thresholds(limits: Iterable[Limit]) -> str:
    """ "warning / critical" of a reading's limits, a dash for none of one severity."""
    warnings, criticals = [], []
    for limit in limits:
        warnings.append(bound(limit.warning_below, limit.warning_above, limit.warning_states))
        criticals.append(bound(limit.critical_below, limit.critical_above, limit.critical_states))
    both = [", ".join(part for part in parts if part) or "–" for parts in (warnings, criticals)]
    return "" if both == ["–", "–"] else " / ".join(both)


def reading(name: str, profile: Profile) -> str:
    """A reading with its unit and limits."""
    inside = [words.unit(name), thresholds(limit for limit in profile.limits if limit.reading == name)]
    shown = "; ".join(part for part in inside if part)
    return words.READING[name] + (f" [{shown}]" if shown else "")


def line(profile: Profile) -> str:
    """One row of the table."""
    reads = [*profile.scalars, *(r for table in profile.tables for r in table.readings)]
    names = dict.fromkeys(r.name for r in reads)
    own = profile.title.replace("|", "/")
    what = ", ".join(reading(name, profile) for name in names) or "identity only"
    mibs = ", ".join(sorted({source(r) for r in reads})) or "ENTITY-MIB, SNMPv2-MIB"
    return f"| `{profile.name}` | {own} | {what} | {mibs} |"


def page(profiles: Profiles) -> str:
    """The whole of docs/devices.md."""
    kinds = [profile for name in profiles.names() if (profile := profiles.get(name))]
    table = ["| profile | device | what is read | from |", "| --- | --- | --- | --- |"]
    lines = [HEAD, "## Kinds", "", *table, *map(line, kinds)]
    lines += ["", "## What makers add", "", *table, *map(line, profiles.joining()), ""]
    return "\n".join(lines)


if __name__ == "__main__":
    wanted = page(Profiles.load())
    if "--check" in sys.argv:
        sys.exit(0 if PAGE.read_text(encoding="utf-8") == wanted else f"{PAGE.name} is stale: run scripts/devices.py")
    PAGE.write_text(wanted, encoding="utf-8")
