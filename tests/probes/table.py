"""The table of what is read from the recordings: kinds of facts against right, missing and wrong.

.venv/bin/python -m tests.probes.table [--wrong] [NAME…]
"""

import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator

from assets.probing.profile import Profiles
from tests.probes.expected import ABSENT, Compared, compared
from tests.probes.replaying import OWN, RECORDINGS, read, rows


def devices(names: Iterable[str] = ()) -> Iterator[tuple[str, list[Compared]]]:
    """Each recording that has an expected file, with every fact compared."""
    profiles, wanted = Profiles.load(), set(names)
    for folder in (RECORDINGS, OWN):
        for path in sorted((folder / "expected").glob("*.json")):
            if not wanted or path.stem in wanted:
                recorded = rows(folder / f"{path.stem}.snmprec")
                yield path.stem, compared(json.loads(path.read_text()), read(recorded, profiles))


def main() -> None:
    """Prints the table; with --wrong also each fact that is not right."""
    names = [argument for argument in sys.argv[1:] if not argument.startswith("-")]
    kinds: dict[str, Counter[str]] = {}
    per_device: dict[str, Counter[str]] = {}
    for name, facts in devices(names):
        for one in facts:
            how = "right" if one.right else "missing" if one.got == ABSENT else "wrong"
            kind = f"{one.fact.group}{' (vendor)' if one.fact.vendor else ''}"
            kinds.setdefault(kind, Counter())[how] += 1
            per_device.setdefault(name, Counter())[how] += 1
            if how != "right" and "--wrong" in sys.argv:
                print(f"{name}: {one.fact.path}: wanted {one.fact.wanted!r}, got {one.got!r}")
    for title, counted in (("device", per_device), ("fact", kinds)):
        print(f"\n| {title} | right | missing | wrong |\n| --- | ---: | ---: | ---: |")
        for key in sorted(counted):
            print(f"| {key} | {counted[key]['right']} | {counted[key]['missing']} | {counted[key]['wrong']} |")
        total = sum(counted.values(), Counter[str]())
        print(f"| all | {total['right']} | {total['missing']} | {total['wrong']} |")


if __name__ == "__main__":
    main()
