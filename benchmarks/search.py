"""The search across everything over 100,000 assets: as built, and with plain LIKE under the policies, side by side.

    .venv/bin/python benchmarks/search.py [--assets N] [--rounds N] [--update-docs]

Each search asks all kinds; p50 and p99 are of the whole answer, the processor time is that of one search. Plain LIKE is what
the same words cost with the policies and without `found_best`, for assets alone.
"""

import argparse
import asyncio
import os
import statistics
import tempfile
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

from scope import timed

import docs
from assets import db, embedded
from assets.access.actor import SYSTEM, Actor
from assets.access.permissions import Role
from assets.dashboards.search import search
from assets.db import EVERYTHING, Scope, as_owner, transaction
from assets.inventory import things
from assets.migrate import migrate
from assets.places import service as places
from assets.places.units import parse, shipped
from assets.text import search_words
from assets.web.paging import literal

BATCH = 5_000
QUESTIONS = (
    "may in son ha",
    "máy in Sơn Hà",
    "Sơn Hạ",
    "QN-4242",
    "qn-42",
    "canon",
    "may",
    "in so 4242",
    "zz-no-such-thing",
)


async def fill(count: int) -> Scope:
    """So many assets at the 96 centres, with names and texts as the service would write them; the scope of one centre."""
    await places.load_units(SYSTEM, parse(shipped()))
    await places.open_centres(SYSTEM)
    await things.add_default_categories(SYSTEM)
    model = await things.add_model(SYSTEM, things.NewModel("printer", "Canon", "LBP 6030"))
    for first in range(1, count + 1, BATCH):
        async with transaction(EVERYTHING) as tx, as_owner(tx):
            await tx.execute(
                "insert into assets (id, tag, model, site, serial, name, stage, search, created_at, version) "
                "select gen_random_uuid(), tag, $1, (array(select id from sites order by code))[1 + n % 96], serial, name, "
                "'in_use', searchable(tag || ' ' || serial || ' ' || name || ' Canon LBP 6030'), now(), 1 from (select n, "
                "'QN-' || n as tag, upper(substr(md5(n::text), 1, 12)) as serial, (array['Máy in', 'Máy tính để bàn', "
                "'Máy quét tài liệu', 'Màn hình'])[1 + (n / 96) % 4] || ' số ' || n as name "
                "from generate_series($2::int, $3::int) n) as made", model, first, min(first + BATCH - 1, count),
            )  # fmt: skip
    async with transaction(EVERYTHING) as tx, as_owner(tx):
        await tx.execute("analyze assets")
        await tx.execute("analyze sites")
        return Scope.of_sites([await tx.fetchval("select id from sites order by code limit 1")])


async def backend() -> int:
    """The process of the one connection that there is."""
    async with transaction(EVERYTHING) as tx:
        found: int = await tx.fetchval("select pg_backend_pid()")
        return found


def spent(pid: int) -> float:
    """Milliseconds of processor time that a process has used."""
    parts = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(parts[11]) + int(parts[12])) * 1_000 / os.sysconf("SC_CLK_TCK")


async def plainly(actor: Actor, q: str) -> int:
    """The same words with LIKE alone, in every row that the policies show; assets only, and only counted."""
    words = [f"%{literal(word)}%" for word in search_words(q)]
    fitting = " and ".join(f"(a.search like ${n} or s.search like ${n})" for n in range(1, len(words) + 1))
    async with transaction(actor.scope) as tx:
        found: int = await tx.fetchval(
            f"select count(*) from assets a join sites s on s.id = a.site where {fitting}", *words
        )
        return found


async def measure(arguments: argparse.Namespace, dsn: str) -> None:
    """Fill, ask, print."""
    await migrate(dsn)
    await db.connect(dsn, pool_max=1)
    one = await fill(arguments.assets)
    pid = await backend()
    centre = replace(SYSTEM, roles=frozenset({Role.CLERK}), scope=one, home_site=next(iter(one.sites)))
    lines = [
        f"| {arguments.assets:,} assets | who | kinds found | p50 | p99 | CPU of PostgreSQL | of the service | plain LIKE |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for who, actor in (("the province", SYSTEM), ("a centre", centre)):
        for q in QUESTIONS:
            before, mine = spent(pid), time.process_time()
            times = sorted([await timed(partial(search, actor, q)) for _ in range(arguments.rounds)])
            cost = (spent(pid) - before) / arguments.rounds, (time.process_time() - mine) * 1_000 / arguments.rounds
            plain = [await timed(partial(plainly, actor, q)) for _ in range(max(1, arguments.rounds // 10))]
            found = await search(actor, q)
            lines.append(
                f"| {q} | {who} | {len(found.groups)} | {statistics.median(times):.1f} ms | "
                f"{times[int(len(times) * 0.99)]:.1f} ms | {cost[0]:.1f} ms | {cost[1]:.1f} ms | "
                f"{statistics.median(plain):.1f} ms |"
            )
    text = "\n".join(lines)
    print(text)
    if arguments.update_docs:
        docs.put("search", "Search", text)
    await db.disconnect()


def main() -> None:
    """Measure on an embedded server of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--assets", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=30)
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
