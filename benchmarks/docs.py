"""Where the figures of a benchmark stand: a table between two marks of docs/benchmarks.md, under a heading of its own."""

import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path

DOC = Path(__file__).parent.parent / "docs" / "benchmarks.md"


def put(name: str, heading: str, text: str, *, by: str = "") -> None:
    """Put what `benchmarks/{by or name}.py` found into its place, with date, commit and machine."""
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True).stdout
    said = f"{datetime.now(UTC):%Y-%m-%d}, commit {commit.strip()}, {platform.machine()}, {platform.system()}, 2 cores shared"
    mark = f"<!-- {name} -->"
    old = DOC.read_text(encoding="utf-8")
    if mark not in old:
        old = f"{old.rstrip()}\n\n## {heading}\n\n{mark}\n{mark}\n"
    before, _, rest = old.partition(mark)
    _, _, after = rest.partition(mark)
    block = f"{mark}\n{text}\n\n({said}; `benchmarks/{by or name}.py --update-docs`)\n{mark}"
    DOC.write_text(before + block + after, encoding="utf-8")
