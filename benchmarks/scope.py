"""What row-level security costs: lists and searches over 100,000 assets with it and without, and writes beside an import.

    .venv/bin/python benchmarks/scope.py [--assets N] [--import-rows N] [--rounds N] [--json] [--update-docs]

Each list is asked in three ways: as the service does, with the plain LIKE that a policy makes slow, and as the owner of
the tables, whom no policy concerns. The import registers assets one by one through the service, in one transaction,
with their audit events, while two people edit assets and the sealer runs; what counts is how long those edits wait.
"""

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path

import docs
from assets import clock, db, embedded
from assets.access.actor import SYSTEM
from assets.audit import sealer
from assets.db import EVERYTHING, Scope, as_owner, transaction
from assets.inventory import service as inventory
from assets.inventory import things
from assets.inventory.api import ASSETS, asset_out
from assets.migrate import migrate
from assets.places import service as places
from assets.places.units import parse, shipped
from assets.web.paging import ListQuery, fetch

EDITORS = 2


async def fill(count: int) -> tuple[list[str], Scope]:
    """So many assets at 96 centres; their tags and the scope of one centre."""
    await places.load_units(SYSTEM, parse(shipped()))
    await places.open_centres(SYSTEM)
    await things.add_default_categories(SYSTEM)
    model = await things.add_model(SYSTEM, things.NewModel("printer", "Canon", "LBP 6030"))
    async with transaction(EVERYTHING) as tx, as_owner(tx):
        await tx.execute(
            "insert into assets (id, tag, model, site, serial, name, stage, search, created_at, version) "
            "select gen_random_uuid(), 'QN-' || n, $1, (array(select id from sites order by code))[1 + n % 96], "
            "md5(n::text), 'máy in số ' || n, 'in_use', 'qn-' || n || ' ' || md5(n::text) || ' may in so ' || n, now(), 1 "
            "from generate_series(1, $2::int) n", model, count,
        )  # fmt: skip
        await tx.execute("analyze")
        site = await tx.fetchval("select id from sites order by code limit 1")
    return [f"QN-{n}" for n in range(1, count + 1)], Scope.of_sites([site])


# How a list is asked: as the service does, as it would without `found_by`, and with no policy at all (as the owner).
WAYS = ("as built", "policies and plain LIKE", "no policies")


async def ask(scope: Scope, query: ListQuery, way: str) -> int:
    """One list with its total."""
    listing = ASSETS if way == "as built" else replace(ASSETS, found_by="")
    async with transaction(scope) as tx, as_owner(tx) if way == "no policies" else nullcontext():
        return (await fetch(tx, listing, query, asset_out, scope=scope)).total


async def timed(act: Callable[[], Awaitable[object]]) -> float:
    began = time.perf_counter()
    await act()
    return (time.perf_counter() - began) * 1_000


async def lists(one: Scope, rounds: int) -> list[dict[str, object]]:
    """Each question in interleaved rounds with and without, as medians in ms."""
    questions = [
        ("first page of the province", EVERYTHING, ListQuery()),
        ("first page of a centre", one, ListQuery()),
        ("search in the province", EVERYTHING, ListQuery(q="in so 4242")),
        ("search in a centre", one, ListQuery(q="may in 424")),
        ("search that finds nothing", EVERYTHING, ListQuery(q="zz-no-such-thing")),
    ]
    found: list[dict[str, object]] = []
    for name, scope, query in questions:
        totals = [await ask(scope, query, way) for way in WAYS]
        assert len(set(totals)) == 1, (name, totals)
        times: dict[str, list[float]] = {way: [] for way in WAYS}
        for _ in range(rounds):
            for way in WAYS:
                times[way].append(await timed(partial(ask, scope, query, way)))
        found.append({"question": name, "rows": totals[0], **{w: statistics.median(t) for w, t in times.items()}})
    return found


async def beside_import(tags: list[str], rows: int) -> dict[str, float]:
    """The waits of edits while so many assets are registered in one transaction."""
    waits: list[float] = []
    began = clock.now()
    done = asyncio.Event()

    async def edit(mine: list[str]) -> None:
        for number, tag in enumerate(mine):
            if done.is_set():
                return
            waits.append(await timed(partial(_edit, tag, number)))
            await asyncio.sleep(0.05)

    async def seal() -> None:
        while not done.is_set():
            await sealer.seal(since=began, now=clock.now())
            await asyncio.sleep(1)

    async def register() -> float:
        start = time.perf_counter()
        async with transaction(EVERYTHING) as tx:
            model = await tx.fetchval("select id from asset_models limit 1")
            for n in range(rows):
                new = inventory.NewAsset(f"IMP-{n}", model, "21025", serial=f"S{n}")
                await inventory.register(SYSTEM, new, now=clock.now())
        done.set()
        return time.perf_counter() - start

    editors = [edit(tags[n::EDITORS]) for n in range(EDITORS)]
    registered, _ = await asyncio.gather(register(), asyncio.gather(seal(), *editors))
    waits.sort()
    return {
        "import_seconds": registered, "edits": float(len(waits)), "p50_ms": statistics.median(waits),
        "p99_ms": waits[int(len(waits) * 0.99)], "max_ms": waits[-1],
    }  # fmt: skip


async def _edit(tag: str, number: int) -> None:
    await inventory.edit(SYSTEM, tag, {"note": f"lần {number}"}, version=1, now=clock.now())


def table(found: list[dict[str, object]], writes: dict[str, float], assets: int, rows: int) -> str:
    """The figures as Markdown."""
    lines = [f"| {assets:,} assets | rows found | {' | '.join(WAYS)} |", "| --- | ---: " + "| ---: " * len(WAYS) + "|"]
    for row in found:
        lines.append(f"| {row['question']} | {row['rows']} | {' | '.join(f'{row[way]:.1f} ms' for way in WAYS)} |")
    lines += [
        "",
        f"Edits beside an import of {rows:,} assets ({writes['import_seconds']:.0f} s in one transaction, the sealer running): "
        f"{writes['edits']:.0f} edits, median {writes['p50_ms']:.0f} ms, p99 {writes['p99_ms']:.0f} ms, "
        f"longest {writes['max_ms']:.0f} ms.",
    ]
    return "\n".join(lines)


async def measure(arguments: argparse.Namespace, dsn: str) -> None:
    """Fill, ask, import, print."""
    await migrate(dsn)
    await db.connect(dsn)
    tags, one = await fill(arguments.assets)
    found = await lists(one, arguments.rounds)
    writes = await beside_import(tags, arguments.import_rows)
    text = table(found, writes, arguments.assets, arguments.import_rows)
    print(text)
    if arguments.update_docs:
        docs.put("scope", "Scope", text)
    if arguments.json:
        print(json.dumps({"lists": found, "writes": writes}))
    await db.disconnect()


def main() -> None:
    """Measure on an embedded server of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--assets", type=int, default=100_000)
    parser.add_argument("--import-rows", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--update-docs", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="assets-bench-") as home:
        server = embedded.ensure(Path(home))
        try:
            asyncio.run(measure(arguments, server.dsn))
        finally:
            embedded.stop(Path(home))


if __name__ == "__main__":
    main()
