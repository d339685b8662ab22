"""docs/devices.md is what the profiles say."""

import subprocess
import sys
from pathlib import Path

from assets.probing.profile import Profiles

ROOT = Path(__file__).parents[2]


def test_when_a_profile_changes_then_the_page_of_devices_is_written_anew() -> None:
    checked = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "devices.py"), "--check"], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stderr


def test_when_there_is_a_profile_then_the_page_has_a_line_of_it() -> None:
    page = (ROOT / "docs" / "devices.md").read_text(encoding="utf-8")
    profiles = Profiles.load()
    names = [*profiles.names(), *(joining.name for joining in profiles.joining())]
    assert not [name for name in names if page.count(f"\n| `{name}` | ") != 1]
