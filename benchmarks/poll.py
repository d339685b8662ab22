"""What a poll costs the poller: CPU per 1,000 polls, beside Debian's prometheus-snmp-exporter, against one real snmpd.

    .venv/bin/python benchmarks/poll.py [--rounds N] [--polls N] [--no-fleets] [--json] [--update-docs]

One poll is a GET of 12 single objects and a GETBULK of a column of 24 rows: one column that stands still between polls,
and one of which every value moves. Ours is a whole look of the prober, as the
collector takes it: every guard on, answers turned into readings and checked for their number; the exporter's is a scrape
over a kept connection. CPU is that of the poller's process alone. The eight take turns in each round; the median of the
rounds counts. In every loop of ours eight forged answers arrive and each must be refused, else the program fails.
"""

import argparse
import asyncio
import contextlib
import gzip
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from relay import FORGED

import docs
from assets.ids import new_id
from assets.probing.contract import Community, Credential, TargetSpec, User
from assets.probing.prober import Prober
from assets.probing.profile import Profiles
from assets.probing.readings import Method, Outcome
from assets.probing.wire import Wire

HERE = Path(__file__).parent
TICK = os.sysconf("SC_CLK_TCK")
CONTESTANTS = ("assets_v2c", "assets_v3", "snmp_exporter_v2c", "snmp_exporter_v3")
DEVICES = 20  # of ours in turn, and scrapes under way: the agent answers one question after the other anyway
COMMUNITY, USER, AUTH_KEY, PRIVACY_KEY = "benchmark", "benchmark", "authentication-key", "privacy-key-of-it"
ROOT = "1.3.6.1.4.1.8072.9999.9999"  # netSnmpPlaypen, which is there for trying things
ROWS = 24
COLUMN, MOVING = f"{ROOT}.2.1", f"{ROOT}.3.1"
NUMBERS = tuple(f"1.3.6.1.2.1.11.{n}.0" for n in (1, 2, 4, 13, 15, 16, 28))  # the agent's own counters: they never rest
# What the prober asks of the system group at every look, and these.
SCALARS = (*(f"1.3.6.1.2.1.1.{n}.0" for n in (3, 2, 1, 5, 6)), *NUMBERS)
# The fields that Prometheus sends with a scrape.
SCRAPE = (
    "User-Agent: Prometheus/2.42.0\r\nAccept: application/openmetrics-text;version=1.0.0,"
    "application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1\r\n"
    "Accept-Encoding: gzip\r\nX-Prometheus-Scrape-Timeout-Seconds: 10\r\n"
)


def snmpd_configuration(port: int) -> str:
    """An agent with a column of 24 rows, for one community and one user."""
    lines = [
        f"agentaddress udp:127.0.0.1:{port}",
        f"rocommunity {COMMUNITY} 127.0.0.1",
        f"createUser {USER} SHA {AUTH_KEY} AES {PRIVACY_KEY}",
        f"rouser {USER} authpriv",
        "sysName benchmark",
        "sysLocation nowhere",
        "dontLogTCPWrappersConnects yes",
        f"pass_persist .{MOVING} {sys.executable} {HERE / 'moving.py'} {MOVING} {ROWS}",
        *(f"override {COLUMN}.{n} counter {3_000_000_000 + 11_111 * n}" for n in range(1, ROWS + 1)),
    ]
    return "\n".join(lines) + "\n"


def exporter_configuration() -> str:
    """Both versions of both modules; metrics of every object, so that what was asked is also shown."""
    singles = [
        {"name": f"single_{n}", "oid": oid, "type": "DisplayString" if oid.endswith(("1.1.0", "1.5.0", "1.6.0")) else "gauge"}
        for n, oid in enumerate(SCALARS) if not oid.endswith(".1.2.0")
    ]  # fmt: skip
    common = {"get": list(SCALARS), "max_repetitions": 25, "timeout": "5s", "retries": 1}
    keys = {
        "security_level": "authPriv", "username": USER, "auth_protocol": "SHA", "password": AUTH_KEY,
        "priv_protocol": "AES", "priv_password": PRIVACY_KEY,
    }  # fmt: skip
    modules = {}
    for suffix, column in (("", COLUMN), ("_moving", MOVING)):
        row = {"name": "column", "oid": column, "type": "counter", "indexes": [{"labelname": "row", "type": "gauge"}]}
        module = {**common, "walk": [column], "metrics": [*singles, row]}
        modules[f"v2c{suffix}"] = {**module, "version": 2, "auth": {"community": COMMUNITY}}
        modules[f"v3{suffix}"] = {**module, "version": 3, "auth": keys}
    return json.dumps(modules)  # YAML reads JSON


def profiles() -> Profiles:
    """The product's profiles and two more that read what the agent of this benchmark has."""
    singles = [f'[[scalars]]\nname = "benchmark.single_{n}"\noid = "{name}"\n' for n, name in enumerate(NUMBERS)]
    made = {}
    for number, (name, column) in enumerate((("benchmark", COLUMN), ("benchmark-moving", MOVING))):
        table = (
            f'[[tables]]\nname = "rows"\n[[tables.readings]]\nname = "benchmark.row"\noid = "{column}"\nunit = "count"\n'
            "scale = 0.1\n"
        )
        match = f'match = [{{ sys_object_id = "1.3.6.1.4.1.8072.9999.{number}" }}]\n'
        made[name] = f'title = "Benchmark"\ncategory = "host"\n{match}' + "\n".join(singles) + table
    return Profiles.parse({**Profiles.load().sources(), **made})


def program(name: str, package: str) -> str:
    """The full path of a program; a sentence that says where it comes from when it is missing."""
    found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if not found:
        raise SystemExit(f"{name} is missing: apt-get install {package}")
    return found


def free_port(kind: socket.SocketKind) -> int:
    """A port of the loopback that nobody uses."""
    with socket.socket(socket.AF_INET, kind) as ear:
        ear.bind(("127.0.0.1", 0))
        return int(ear.getsockname()[1])


@contextlib.contextmanager
def started(command: list[str], **options: Any) -> Iterator["subprocess.Popen[str]"]:
    """A process that ends with the block."""
    process = subprocess.Popen(command, text=True, **options)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextlib.contextmanager
def snmpd(folder: Path) -> Iterator[int]:
    """The port of a real agent with nothing of the machine's own configuration or MIBs."""
    port = free_port(socket.SOCK_DGRAM)
    (folder / "snmpd.conf").write_text(snmpd_configuration(port))
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "SNMP_PERSISTENT_DIR": str(folder), "MIBS": ""}
    log = folder / "snmpd.log"
    command = [
        program("snmpd", "snmpd"), "-f", "-C", "-c", str(folder / "snmpd.conf"), "-Lf", str(log), "-I", "-smux",
    ]  # fmt: skip
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with started(command, env=environment, **quiet) as process:
        until = time.monotonic() + 10
        while not (log.exists() and "NET-SNMP version" in log.read_text()):
            if process.poll() is not None or time.monotonic() > until:
                raise SystemExit(f"snmpd did not start: {log.read_text() if log.exists() else ''}")
            time.sleep(0.05)
        yield port


@contextlib.contextmanager
def exporter(folder: Path) -> Iterator[tuple[int, int]]:
    """(port, process id) of the exporter."""
    (folder / "exporter.yml").write_text(exporter_configuration())
    port = free_port(socket.SOCK_STREAM)
    command = [
        program("prometheus-snmp-exporter", "prometheus-snmp-exporter"), f"--config.file={folder / 'exporter.yml'}",
        f"--web.listen-address=127.0.0.1:{port}", "--log.level=error",
    ]  # fmt: skip
    with (folder / "exporter.log").open("w") as log, started(command, stdout=log, stderr=log) as process:
        until = time.monotonic() + 10
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            if process.poll() is not None or time.monotonic() > until:
                raise SystemExit(f"the exporter did not start: {(folder / 'exporter.log').read_text()[-2_000:]}")
            time.sleep(0.05)
        yield port, process.pid


class Relay:
    """The forger in front of the agent, for one version."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdin
        assert process.stdout
        self._stdin = process.stdin
        self.port = int(process.stdout.readline())

    def again(self) -> None:
        """Forge the next answers."""
        self._stdin.write("\n")
        self._stdin.flush()


@contextlib.contextmanager
def relay(kind: str, agent: int) -> Iterator[Relay]:
    """A forger in front of the agent."""
    command = [sys.executable, str(HERE / "relay.py"), kind, str(agent)]
    with started(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        yield Relay(process)


def target(port: int, name: str, profile: str = "benchmark") -> TargetSpec:
    """One device at the agent."""
    return TargetSpec(
        id=new_id(),
        name=name,
        address="127.0.0.1",
        port=port,
        method=Method.SNMP,
        profile=profile,
        timeout_seconds=5.0,
    )


class Ours:
    """Our poller for one credential: some devices at the agent itself, and one behind the forger."""

    def __init__(self, credential: Credential, agent: int, forger: Relay, *, moving: bool = False) -> None:
        self._wire = Wire()
        self._prober = Prober(profiles(), v2c=self._wire)
        self._credential = credential
        profile = "benchmark-moving" if moving else "benchmark"
        self._targets = [target(agent, f"device {n}", profile) for n in range(DEVICES)]
        self._behind, self._forger = target(forger.port, "behind the forger", profile), forger
        self._moving, self._sums = moving, dict[str, float]()
        self._asked = 0

    async def warm(self) -> None:
        """The first look at each, which is longer, and a few more."""
        for one in (*self._targets, self._behind) * 3:
            await self._look(one)

    async def run(self, polls: int) -> float:
        """CPU seconds of this process for so many polls; each is checked, and each forged answer must be refused."""
        self._forger.again()
        await asyncio.sleep(0.05)
        before, refused = time.process_time(), self._wire.refused.total()
        self._asked = 0
        await asyncio.gather(*(self._turns(one, polls) for one in self._targets), self._forged())
        spent = time.process_time() - before
        if (found := self._wire.refused.total() - refused) != FORGED:
            raise SystemExit(f"{found} of {FORGED} forged answers were refused: {dict(self._wire.refused)}")
        return spent * polls / self._asked

    async def close(self) -> None:
        """Let go of sockets."""
        await self._prober.close()

    async def _turns(self, one: TargetSpec, polls: int) -> None:
        while self._asked < polls:
            await self._look(one)

    async def _forged(self) -> None:
        for _ in range(FORGED // 2):
            await self._look(self._behind)

    async def _look(self, one: TargetSpec) -> None:
        self._asked += 1
        result = await self._prober.probe(one, self._credential)
        if result.outcome is not Outcome.ANSWERED or len(result.readings) != ROWS + len(NUMBERS):
            raise SystemExit(f"{one.name}: {result.outcome} {result.detail}, {len(result.readings)} readings")
        last, self._sums[one.name] = self._sums.get(one.name), result.readings[-1].value or 0.0
        if self._moving and last == self._sums[one.name]:
            raise SystemExit(f"{one.name}: the rows stand still")


class Theirs:
    """The exporter, scraped over kept connections with the fields that Prometheus sends."""

    def __init__(self, module: str, agent: int, port: int, process: int) -> None:
        self._request = (
            f"GET /snmp?module={module}&target=127.0.0.1:{agent} HTTP/1.1\r\nHost: localhost\r\n{SCRAPE}\r\n"
        ).encode()
        self._port, self._process = port, process
        self._left = 0

    async def warm(self) -> None:
        """A few scrapes on each connection."""
        await self.run(DEVICES * 3)

    async def run(self, polls: int) -> float:
        """CPU seconds of the exporter for so many scrapes."""
        self._left, before = polls, cpu(self._process)
        await asyncio.gather(*(self._turns() for _ in range(DEVICES)))
        return cpu(self._process) - before

    async def close(self) -> None:
        """Nothing is kept."""

    async def _turns(self) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        while self._left > 0:
            self._left -= 1
            writer.write(self._request)
            head = await reader.readuntil(b"\r\n\r\n")
            body = await self._body(reader, head)
            body = gzip.decompress(body) if b"gzip" in head.lower() else body
            if (
                b" 200 " not in head[:20]
                or body.count(b"\ncolumn{") != ROWS
                or body.count(b"\nsingle_") != len(SCALARS) - 1
            ):
                raise SystemExit(f"the exporter answers otherwise: {head.decode()}{body.decode()[:2_000]}")
        writer.close()
        await writer.wait_closed()

    async def _body(self, reader: asyncio.StreamReader, head: bytes) -> bytes:
        fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:] if b": " in line)
        if b"content-length" in fields:
            return await reader.readexactly(int(fields[b"content-length"]))
        body = b""
        while size := int(await reader.readuntil(b"\r\n"), 16):
            body += (await reader.readexactly(size + 2))[:-2]
        await reader.readuntil(b"\r\n")
        return body


def cpu(process: int) -> float:
    """CPU seconds of a process."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


async def compare(rounds: int, polls: int, folder: Path) -> dict[str, list[float]]:
    """CPU seconds per 1,000 polls of each contestant in each round."""
    public = Community(id=new_id(), community=COMMUNITY)
    user = User(id=new_id(), user=USER, auth="sha1", auth_key=AUTH_KEY, privacy="aes128", privacy_key=PRIVACY_KEY)
    with snmpd(folder) as agent, exporter(folder) as (port, process), contextlib.ExitStack() as stack:
        contestants: dict[str, Ours | Theirs] = {
            "assets_v2c": Ours(public, agent, stack.enter_context(relay("v2c", agent))),
            "assets_v3": Ours(user, agent, stack.enter_context(relay("v3", agent))),
            "snmp_exporter_v2c": Theirs("v2c", agent, port, process),
            "snmp_exporter_v3": Theirs("v3", agent, port, process),
            "assets_v2c_moving": Ours(public, agent, stack.enter_context(relay("v2c", agent)), moving=True),
            "assets_v3_moving": Ours(user, agent, stack.enter_context(relay("v3", agent)), moving=True),
            "snmp_exporter_v2c_moving": Theirs("v2c_moving", agent, port, process),
            "snmp_exporter_v3_moving": Theirs("v3_moving", agent, port, process),
        }
        found: dict[str, list[float]] = {name: [] for name in contestants}
        for one in contestants.values():
            await one.warm()
        for _ in range(rounds):
            for name, one in contestants.items():
                found[name].append(await one.run(polls) * 1_000 / polls)
        for one in contestants.values():
            await one.close()
    return found


def fleets(*arguments: str) -> dict[str, float]:
    """What fleets.py found, in a process of its own."""
    command = [sys.executable, str(HERE / "fleets.py"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    if done.returncode:
        raise SystemExit(f"fleets.py {' '.join(arguments)}: {done.stderr[-2_000:]}")
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def fleet_table(found: dict[str, Any]) -> list[str]:
    """Many devices, as Markdown."""
    lines = [
        "| one cycle of v2c, every tenth device silent | wall | CPU | memory |",
        "| --- | ---: | ---: | ---: |",
    ]
    for cycle in found["cycles"]:
        lines.append(
            f"| {cycle['devices']:,} devices | {cycle['wall_s']:.1f} s | {cycle['cpu_s']:.1f} s | {cycle['rss_mib']:.0f} MiB |"
        )
    bad = found["hostile"]
    lines += [
        "",
        f"Of {bad['devices']:,} devices every tenth floods, forges, breaks, leads in circles or keeps silent: "
        f"{bad['in_time']:.2%} of {bad['looks']:,} looks at the others ended within 1 s of their time "
        f"(99 % within {bad['p99_s'] * 1_000:.0f} ms, the last within {bad['worst_s'] * 1_000:.0f} ms), {bad['failed']} failed, "
        f"{bad['refused']:,} datagrams were refused.",
    ]
    return lines


def table(found: dict[str, Any]) -> str:
    """The figures as Markdown."""
    costs, rounds = found["cpu_s_per_1000"], found["rounds"]
    lines = [
        f"| one poll: 12 objects + 24 rows ({found['polls']:,} polls × {len(rounds['assets_v2c'])} rounds) "
        "| CPU-s per 1,000 polls | of the exporter's | rounds |",
        "| --- | ---: | ---: | --- |",
    ]
    costs = {**costs, **{f"{name}_moving": cost for name, cost in found["cpu_s_per_1000_moving"].items()}}
    for name in rounds:
        version = name.partition("_v")[2]
        share = costs[name] / costs[f"snmp_exporter_v{version}"]
        ratio = f"1/{1 / share:.1f}" if name.startswith("assets") else "1"
        spread = f"{min(rounds[name]):.3f} to {max(rounds[name]):.3f}"
        shown = name.replace("_v", ", v").replace("_moving", ", every row moves")
        lines.append(f"| {shown} | {costs[name]:.3f} | {ratio} | {spread} |")
    lines += [
        "",
        "In the first four the 24 rows stand still between polls, as most of what devices tell does, and the prober keeps the "
        "readings of a column that stands still; in the others every row moves with every poll. The seven counters and the "
        "time beside them always move.",
    ]
    return "\n".join(lines)


def main() -> None:
    """Measure, print, and write down where asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--polls", type=int, default=2_000)
    parser.add_argument(
        "--no-fleets", action="store_true", help="leave out the cycles of many devices and the hostile ones"
    )
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--update-docs", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="assets-bench-") as folder:
        rounds = asyncio.run(compare(arguments.rounds, arguments.polls, Path(folder)))
    found: dict[str, Any] = {
        "cpu_s_per_1000": {name: round(statistics.median(rounds[name]), 4) for name in CONTESTANTS},
        "cpu_s_per_1000_moving": {name: round(statistics.median(rounds[f"{name}_moving"]), 4) for name in CONTESTANTS},
        "polls": arguments.polls,
        "rounds": {name: [round(cost, 4) for cost in costs] for name, costs in rounds.items()},
    }
    if not arguments.no_fleets:
        found["cycles"] = [fleets("cycle", str(count)) for count in (5_000, 100_000)]
        found["hostile"] = fleets("hostile", "1000", "60")
    print(text := table(found))
    if arguments.update_docs:
        docs.put("poll", "Asking devices", text)
    if "cycles" in found:
        print(text := "\n".join(fleet_table(found)))
        if arguments.update_docs:
            docs.put("fleets", "Asking many devices", text, by="poll")
    if arguments.json:
        print(json.dumps(found))


if __name__ == "__main__":
    main()
