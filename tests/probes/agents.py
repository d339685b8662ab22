"""Real agents for tests: Debian's snmpd with its own configuration, on a high port of the loopback."""

import contextlib
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import need
from tests.ports import free_port

COMMUNITY = "snmpd-tests"
USER, AUTH_KEY, PRIVACY_KEY = "watcher", "correct-auth-key", "correct-privacy-key"
READY_SECONDS_MAX = 60.0
CONFIGURATION = f"""\
agentaddress udp:127.0.0.1:{{port}}
rocommunity {COMMUNITY} 127.0.0.1
sysLocation Room 2
sysContact nobody
sysName snmpd-under-test
sysServices 72
"""
PERSISTENT = f"""\
createUser {USER} SHA-256 {AUTH_KEY} AES {PRIVACY_KEY}
rouser {USER} authpriv
"""


def free_udp_port() -> int:
    """A port that nobody uses at the moment."""
    return free_port(socket.SOCK_DGRAM)


@contextlib.contextmanager
def snmpd(folder: Path, *, users: str = PERSISTENT, port: int = 0) -> Iterator[int]:
    """The port of an snmpd that answers v2c and the users of SNMPv3; stopped at the end."""
    program, port = need("snmpd", "apt-get install snmpd"), port or free_udp_port()
    (folder / "log").unlink(missing_ok=True)
    (folder / "snmpd.conf").write_text(CONFIGURATION.format(port=port) + users)
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "SNMP_PERSISTENT_DIR": str(folder), "MIBS": ""}
    command = [program, "-f", "-C", "-c", str(folder / "snmpd.conf"), "-Lf", str(folder / "log"), "-I", "-smux"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            _wait(process, folder / "log")
            yield port
        finally:
            process.terminate()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()


def _wait(process: "subprocess.Popen[bytes]", log: Path) -> None:
    until = time.monotonic() + READY_SECONDS_MAX
    while time.monotonic() < until:
        if process.poll() is not None:
            pytest.fail(f"snmpd stopped: {log.read_text() if log.exists() else 'no log'}")
        if log.exists() and "NET-SNMP version" in log.read_text():
            return
        time.sleep(0.05)
    pytest.fail("snmpd did not become ready")
