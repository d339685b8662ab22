"""The register over its web API with 100,000 assets: what a request costs in time, and in CPU of service and PostgreSQL.

    .venv/bin/python benchmarks/inventory.py [--assets N] [--rounds N] [--json] [--update-docs]

A service of its own is started with an embedded PostgreSQL and asked over HTTP, one request after the other. CPU is read
from /proc before and after each kind of request: that of the service with all its children, and that of all PostgreSQL
processes. Memory is the PSS of the same processes, children among them: at rest, after everything, and the most that was
there at any moment of the heavy questions (looked at five times a second). Beside each figure stands what NetBox 4.6 took
on the same kind of machine with 20,000 devices (CPU of all its processes a request), where it was measured; NetBox itself
is not started here.
"""

import argparse
import asyncio
import io
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
import xlsxwriter

import docs
from assets import clock, db, embedded
from assets.access import service as access
from assets.access.actor import SYSTEM
from assets.access.permissions import Role
from assets.access.tokens import NewToken, create_token
from assets.db import EVERYTHING, as_owner, transaction
from assets.inventory import things
from assets.migrate import migrate
from assets.places import service as places
from assets.places.units import parse, shipped

TICK = os.sysconf("SC_CLK_TCK")
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
IMPORTED = 20_000
# CPU milliseconds of all of NetBox's processes for the same question.
NETBOX = {
    "one asset": 283, "list of 50": 524, "search": 582, "patch": 378, "list of 1,000": 2_200, "bulk create of 1,000": 143_000,
    "CSV of 20,000": 27_000,
}  # fmt: skip


def cpu(processes: list[int]) -> float:
    """CPU seconds of these processes and of what they have waited for."""
    total = 0
    for process in processes:
        try:
            fields = Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2].split()
        except OSError:
            continue
        total += sum(map(int, fields[11:15]))
    return total / TICK


def family(parent: int) -> list[int]:
    """A process, its children and theirs."""
    children: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(") ")[2].split()
        except OSError:
            continue
        children.setdefault(int(fields[1]), []).append(int(path.parent.name))
    found = [parent]
    for one in found:
        found += children.get(one, [])
    return found


def begins(process: int) -> bool:
    """Whether it is not yet what it will be: until then a child has the very memory of its parent, vfork(2)."""
    parent = Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2].split()[1]
    said = [Path(f"/proc/{one}/cmdline").read_bytes() for one in (process, parent)]
    return said[0] == said[1]


def memory(processes: list[int]) -> float:
    """Megabytes that are these processes' own, and their share of what they have in common (PSS)."""
    total = 0
    for process in processes:
        try:
            if begins(process):
                continue
            lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)
    return total / 1024


class Peak:
    """The most memory that service and PostgreSQL have had at one moment while somebody looked."""

    EVERY_SECONDS = 0.2

    def __init__(self, service: int, postmaster: int) -> None:
        self.roots = service, postmaster
        self.most: tuple[float, float] = (0.0, 0.0)

    @contextmanager
    def looking(self) -> Iterator[None]:
        """Look again and again, in a thread, until the block ends."""
        done = threading.Event()

        def look() -> None:
            while not done.wait(self.EVERY_SECONDS):
                service, server = (memory(family(root)) for root in self.roots)
                self.most = max(self.most, (service, server), key=sum)

        thread = threading.Thread(target=look)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()


async def fill(dsn: str, count: int) -> str:
    """So many assets at 96 centres; a token of an administrator."""
    await places.load_units(SYSTEM, parse(shipped()))
    await places.open_centres(SYSTEM)
    await things.add_default_categories(SYSTEM)
    model = await things.add_model(SYSTEM, things.NewModel("printer", "Canon", "LBP 6030"))
    async with transaction(EVERYTHING) as tx, as_owner(tx):
        await tx.execute(
            "insert into assets (id, tag, model, site, serial, name, stage, search, created_at, version) "
            "select gen_random_uuid(), 'QN-' || n, $1, (array(select id from sites order by code))[1 + n % 96], "
            "md5(n::text), 'máy in số ' || n, case when n <= 20000 then 'in_stock' else 'in_use' end, "
            "'qn-' || n || ' ' || md5(n::text) || ' may in so ' || n || "
            "' canon lbp 6030', now(), 1 from generate_series(1, $2::int) n", model, count,
        )  # fmt: skip
    server = await asyncpg.connect(dsn)
    await server.execute("vacuum analyze")  # as the server does by itself within minutes
    await server.close()
    await access.add_user(SYSTEM, access.NewUser("bench", Role.ADMINISTRATOR, must_change=False))
    return await create_token(SYSTEM, NewToken("bench"), now=clock.now())


class Measure:
    """A client that asks one thing many times and writes down what it cost."""

    def __init__(self, client: httpx2.Client, service: int, postmaster: int, assets: int) -> None:
        self.client, self.service, self.postmaster, self.assets = client, service, postmaster, assets
        self.rows: list[dict[str, Any]] = []
        self.peak = Peak(service, postmaster)

    def heavy(self, name: str, rounds: int, ask: Callable[[int], httpx2.Response]) -> None:
        """The same, with an eye on the memory."""
        self.peak.most = (0.0, 0.0)
        with self.peak.looking():
            self(name, rounds, ask)
        self.rows[-1]["peak_mb"] = self.peak.most

    def __call__(self, name: str, rounds: int, ask: Callable[[int], httpx2.Response]) -> None:
        """Ask `rounds` times; each answer must be good."""
        ask(-1)
        times = []
        before = cpu(family(self.service)), cpu(family(self.postmaster))
        for number in range(rounds):
            began = time.perf_counter()
            answer = ask(number)
            times.append((time.perf_counter() - began) * 1_000)
            if answer.status_code >= 400:
                raise SystemExit(f"{name}: {answer.status_code} {answer.text[:300]}")
        after = cpu(family(self.service)), cpu(family(self.postmaster))
        times.sort()
        service, server = ((b - a) * 1_000 / rounds for a, b in zip(before, after, strict=True))
        self.rows.append({
            "what": name, "rounds": rounds, "p50": times[len(times) // 2],
            "p99": times[min(len(times) - 1, int(len(times) * 0.99))],
            "service": service, "postgresql": server, "netbox": NETBOX.get(name),
        })  # fmt: skip


def ask_everything(measure: Measure, rounds: int) -> None:
    """All questions, each with its own rounds."""
    client, count = measure.client, measure.assets
    few = max(rounds // 20, 1)

    def tag(number: int) -> str:
        return f"QN-{1 + (number * 7_919) % count}"

    def patch(number: int) -> httpx2.Response:
        path = f"/api/v1/assets/{tag(number)}"
        version = client.get(path).headers["etag"]
        return client.patch(path, json={"note": f"lần {number} {time.time()}"}, headers={"If-Match": version})

    def create(number: int) -> httpx2.Response:
        rows = [
            {
                "tag": f"B{number}-{n}",
                "manufacturer": "Canon",
                "model": "LBP 6030",
                "site": "21025",
                "serial": f"B{number + 1:03}R{n:03}",  # signs between do not tell serial numbers apart
            }
            for n in range(1_000)
        ]
        return client.post("/api/v1/bulk-edits", json={"resource": "assets", "rows": rows, "apply": True})

    def edit(number: int) -> httpx2.Response:
        rows = [{"tag": f"QN-{n + 1}", "note": f"đợt {number} {time.time()}"} for n in range(1_000)]
        return client.post("/api/v1/bulk-edits", json={"resource": "assets", "rows": rows, "apply": True})

    files = {kind: book(kind) for kind in ("xlsx", "csv")}
    made: list[int] = []

    def plan(kind: str) -> Callable[[int], httpx2.Response]:
        def ask(number: int) -> httpx2.Response:
            media = XLSX if kind == "xlsx" else "text/csv"
            answer = client.post(
                "/api/v1/imports", params={"resource": "assets", "filename": f"x.{kind}"}, content=files[kind],
                headers={"content-type": media},
            )  # fmt: skip
            made.append(answer.json()["number"])
            return answer

        return ask

    measure("one asset", rounds, lambda n: client.get(f"/api/v1/assets/{tag(n)}"))
    measure("list of 50", rounds, lambda _: client.get("/api/v1/assets"))
    measure("filter", rounds, lambda _: client.get("/api/v1/assets?site=21025&stage=in_use"))
    measure("search", rounds, lambda n: client.get("/api/v1/assets", params={"q": f"may in so {4_000 + n}"}))
    measure("patch", rounds, patch)
    measure("list of 1,000", few, lambda _: client.get("/api/v1/assets?limit=1000"))
    measure.heavy("bulk edit of 1,000", few, edit)
    measure.heavy("bulk create of 1,000", few, create)
    for kind in files:
        measure.heavy(f"plan of an import of {IMPORTED:,}, {kind.upper()}", 1, plan(kind))
    began = len(made) - 1
    measure.heavy(f"apply of an import of {IMPORTED:,}", 1, lambda n: apply(client, made[began], n))
    measure.heavy("CSV of 20,000", 3, lambda _: client.get("/api/v1/exports/assets.csv?stage=in_stock"))
    measure.heavy("CSV of all", 1, lambda _: client.get("/api/v1/exports/assets.csv"))
    measure.heavy("XLSX of all", 1, lambda _: client.get("/api/v1/exports/assets.xlsx"))


def apply(client: httpx2.Client, number: int, round_: int) -> httpx2.Response:
    """Apply a batch once; the call that warms up only looks at it."""
    path = f"/api/v1/imports/{number}"
    return client.get(path) if round_ < 0 else client.post(f"{path}/apply")


def book(kind: str) -> bytes:
    """A file of new assets."""
    headings: list[object] = [
        "tag", "manufacturer", "model", "site", "serial", "room", "original_cost", "put_into_use", "note",
    ]  # fmt: skip
    rows: list[list[object]] = [
        [f"N-{n}", "Canon", "LBP 6030", "21025", f"N{n}", f"Quầy {n % 20}", 12_500_000, "2024-05-01", f"Ghi chú {n}"]
        for n in range(IMPORTED)
    ]
    if kind == "csv":
        return "\n".join(";".join(map(str, row)) for row in [headings, *rows]).encode()
    out = io.BytesIO()
    workbook = xlsxwriter.Workbook(out, {"constant_memory": True, "strings_to_formulas": False})
    sheet = workbook.add_worksheet()
    for number, row in enumerate([headings, *rows]):
        sheet.write_row(number, 0, row)
    workbook.close()
    return out.getvalue()


def parts(memory: tuple[float, float]) -> str:
    """Memory of both and their sum, as people read it."""
    return f"{memory[0]:.0f} + {memory[1]:.0f} = {sum(memory):.0f}"


def table(found: dict[str, Any]) -> str:
    """The figures as Markdown."""
    lines = [
        f"| {found['assets']:,} assets | p50 | p99 | CPU, service | CPU, PostgreSQL | NetBox, 20,000 devices | CPU ratio |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row in found["rows"]:
        own = row["service"] + row["postgresql"]
        peer = f"{row['netbox']:,} ms | {row['netbox'] / own:.0f}×" if row["netbox"] and own else "– | –"
        lines.append(
            f"| {row['what']} | {row['p50']:,.1f} ms | {row['p99']:,.1f} ms | {row['service']:,.1f} ms | "
            f"{row['postgresql']:,.1f} ms | {peer} |"
        )
    most = max((row["peak_mb"] for row in found["rows"] if "peak_mb" in row), key=sum)
    lines += [
        "",
        f"Start of the service until it is ready: {found['start_seconds']:.1f} s (NetBox 14 s). First migration: "
        f"{found['migration_seconds']:.1f} s (NetBox 9 min). Memory of service and PostgreSQL (PSS): "
        f"{parts(found['idle_mb'])} MiB idle (NetBox 675 in all), {parts(found['after_mb'])} MiB after all of this, at most "
        f"{parts(most)} MiB at any moment of it.",
    ]
    return "\n".join(lines)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as ear:
        ear.bind(("127.0.0.1", 0))
        return int(ear.getsockname()[1])


async def prepare(dsn: str, assets: int) -> tuple[str, float]:
    """Migrate and fill; the token and how long the migration took."""
    began = time.perf_counter()
    await migrate(dsn)
    took = time.perf_counter() - began
    await db.connect(dsn)
    token = await fill(dsn, assets)
    await db.disconnect()
    return token, took


def main() -> None:
    """Measure on an embedded server of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--assets", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--update-docs", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="assets-bench-") as home:
        server = embedded.ensure(Path(home))
        try:
            token, migration = asyncio.run(prepare(server.dsn, arguments.assets))
            found = serve_and_ask(server.dsn, home, token, arguments)
        finally:
            embedded.stop(Path(home))
    found["migration_seconds"] = migration
    text = table(found)
    print(text)
    if arguments.update_docs:
        docs.put("inventory", "The register over its web API", text)
    if arguments.json:
        print(json.dumps(found))


def serve_and_ask(dsn: str, home: str, token: str, arguments: argparse.Namespace) -> dict[str, Any]:
    """Start the service, ask it everything, stop it."""
    port = free_port()
    environment = {
        **os.environ, "ASSETS_DATABASE_URL": dsn, "ASSETS_HOME": home, "ASSETS_PORT": str(port),
        "ASSETS_RATE_PER_MINUTE": "100000",
    }  # fmt: skip
    began = time.perf_counter()
    service = subprocess.Popen(
        [sys.executable, "-m", "assets", "serve", "--no-collector"], env=environment, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        with httpx2.Client(
            base_url=f"http://127.0.0.1:{port}", headers={"Authorization": f"Bearer {token}"}, timeout=300
        ) as client:
            while True:
                if service.poll() is not None:
                    raise SystemExit("The service ended by itself.")
                try:
                    if client.get("/health/ready").status_code == 200:
                        break
                except httpx2.TransportError:
                    time.sleep(0.02)
            start = time.perf_counter() - began
            postmaster = _postmaster(dsn)
            time.sleep(2)
            idle = memory(family(service.pid)), memory(family(postmaster))
            measure = Measure(client, service.pid, postmaster, arguments.assets)
            ask_everything(measure, arguments.rounds)
            after = memory(family(service.pid)), memory(family(postmaster))
    finally:
        service.terminate()
        service.wait(20)
    return {
        "assets": arguments.assets, "rows": measure.rows, "start_seconds": start, "idle_mb": idle, "after_mb": after,
    }  # fmt: skip


def _postmaster(dsn: str) -> int:
    # Asked while the backend is there: its parent is the server.
    async def parent() -> int:
        await db.connect(dsn, pool_max=1)
        async with transaction(EVERYTHING) as tx:
            backend = await tx.fetchval("select pg_backend_pid()")
            found = int(Path(f"/proc/{backend}/stat").read_text().rpartition(") ")[2].split()[1])
        await db.disconnect()
        return found

    return asyncio.run(parent())


if __name__ == "__main__":
    main()
