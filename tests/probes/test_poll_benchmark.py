"""The benchmark of polls runs, counts its forgeries, and ends with the line that others read."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import need

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.mark.timeout(180)
def test_when_the_benchmark_runs_for_a_moment_then_its_last_line_has_the_four_figures() -> None:
    need("snmpd", "apt-get install snmpd")
    need("prometheus-snmp-exporter", "apt-get install prometheus-snmp-exporter")
    command = [sys.executable, str(BENCHMARKS / "poll.py"), "--rounds", "1", "--polls", "60", "--no-fleets", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=150, check=False)
    assert done.returncode == 0, done.stderr[-2_000:]
    found = json.loads(done.stdout.splitlines()[-1])
    for key in ("cpu_s_per_1000", "cpu_s_per_1000_moving"):
        assert set(found[key]) == {"assets_v2c", "assets_v3", "snmp_exporter_v2c", "snmp_exporter_v3"}
        assert all(cost > 0 for cost in found[key].values())
    assert done.stdout.count("every row moves |") == 4
