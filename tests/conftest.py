"""What every test may ask for: a real PostgreSQL, missing parts that fail in CI, and a clean database each time."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import httpx2
import pytest
from litestar import Litestar

from assets import clock, db, embedded
from assets.access import service as access
from assets.access.actor import SYSTEM
from assets.access.permissions import Role
from assets.access.tokens import NewToken, create_token
from assets.app import Parts, create_app
from assets.migrate import migrate
from assets.monitoring import collectors
from assets.places import service as places
from assets.places.units import parse, shipped
from assets.settings import Settings
from assets.settings import load as load_settings

os.environ.setdefault("PICCOLO_CONF", "assets.piccolo_app")
# Tables whose rows belong to the installation and not to a test.
KEPT = {"migration"}


def need(path: str, how: str) -> str:
    """The full path of a program that a test cannot do without: a failure in CI, a skip with advice elsewhere."""
    found = shutil.which(path) or shutil.which(path, path="/usr/sbin:/sbin") or (path if Path(path).exists() else None)
    return found or missing(f"{path} is missing: {how}")


def missing(advice: str) -> NoReturn:
    """A part that this machine lacks: in CI, where nothing may be missing, a failure; elsewhere a skip with advice."""
    if os.environ.get("CI"):
        pytest.fail(advice)
    pytest.skip(advice)


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The DSN of a server for this run: ASSETS_TEST_DATABASE, else our own embedded one below a temporary home."""
    given = os.environ.get("ASSETS_TEST_DATABASE")
    if given:
        yield asyncio.run(_own_database(given))
        return
    home = Path(tempfile.mkdtemp(prefix="assets-tests-"))
    server = embedded.ensure(home)
    yield server.dsn
    embedded.stop(home)
    shutil.rmtree(home, ignore_errors=True)


async def _own_database(dsn: str) -> str:
    """A fresh database for this process on a server that is not ours; one for each core that runs tests."""
    name = f"assets_{os.environ.get('PYTEST_XDIST_WORKER', 'test')}"
    connection = await asyncpg.connect(dsn)
    await connection.execute(f"drop database if exists {name} with (force)")
    await connection.execute(f"create database {name}")
    await connection.close()
    parts = urlsplit(dsn)
    return urlunsplit(parts._replace(path=f"/{name}"))


@pytest.fixture(scope="session")
async def migrated(postgres: str) -> str:
    """The server with every migration run, tuned for tests that do not pull its plug."""
    connection = await asyncpg.connect(postgres)
    for setting in ("fsync", "synchronous_commit", "full_page_writes"):
        await connection.execute(f"alter system set {setting} = off")
    await connection.execute("select pg_reload_conf()")
    await connection.close()
    await migrate(postgres)
    return postgres


@pytest.fixture
async def database(migrated: str) -> AsyncIterator[str]:
    """An open pool on an empty, migrated database; yields the DSN for processes that a test starts itself."""
    await db.connect(migrated)
    async with db.transaction(db.EVERYTHING) as tx:
        await empty(tx)
    yield migrated
    await asyncio.wait_for(db.disconnect(), 10)


async def empty(tx: db.Connection) -> None:
    """Take the rows out of every table."""
    rows = await tx.fetch(
        "select relname, relkind from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') "
        "and not relispartition"
    )
    names = sorted(row["relname"] for row in rows if row["relname"] not in KEPT)
    keep_rows = [name for name in names if not name.startswith("pgqueuer")] + [n for n in names if n == "pgqueuer"]
    async with db.as_owner(tx):
        await tx.execute("truncate " + ", ".join(f'"{name}"' for name in keep_rows) + " restart identity cascade")


class House:
    """The running service in this process, with two centres, and people who sign in when a test asks for them."""

    def __init__(self, app: Litestar, settings: Settings, parts: Parts) -> None:
        self.app, self.settings, self.parts = app, settings, parts

    async def build(self) -> "House":
        """Two centres: 21025 (Phường Cẩm Thành) and 21028 (Phường Nghĩa Lộ)."""
        await places.load_units(SYSTEM, parse(shipped())[:2])
        await places.open_centres(SYSTEM)
        return self

    async def person(self, name: str, role: Role, unit: str = "") -> httpx2.AsyncClient:
        """A client that carries the token of a new person."""
        new = access.NewUser(name=name, role=role, unit=unit, display_name=name.title(), language="en")
        await access.add_user(SYSTEM, new)
        token = await create_token(SYSTEM, NewToken(name), now=clock.now())
        return self.client(Authorization=f"Bearer {token}")

    async def collector(self, site: str | None = None) -> httpx2.AsyncClient:
        """A client that carries the token of a collector, of a site or of all that have none."""
        token = await collectors.enrol(SYSTEM, site, now=clock.now())
        return self.client(Authorization=f"Bearer {token}")

    def client(self, **headers: str) -> httpx2.AsyncClient:
        """A client of nobody in particular."""
        return httpx2.AsyncClient(transport=httpx2.ASGITransport(self.app), base_url=self.settings.url, headers=headers)


@pytest.fixture
async def house(database: str, tmp_path: Path) -> AsyncIterator[House]:
    """The service on a clean database."""
    async with running(tmp_path) as built:
        yield built


@asynccontextmanager
async def open_house(dsn: str, home: Path) -> AsyncIterator[House]:
    """The service on a clean database, for a whole module: its tests leave no trace, or are told."""
    await db.connect(dsn)
    async with db.transaction(db.EVERYTHING) as tx:
        await empty(tx)
    async with running(home) as built:
        yield built
    await asyncio.wait_for(db.disconnect(), 10)


@asynccontextmanager
async def running(home: Path, **settings: object) -> AsyncIterator[House]:
    """The service with these settings, before an open and empty database."""
    # A test asks in one second what people ask in an hour.
    chosen = load_settings(**{"home": home, "rate_per_minute_unknown": 100_000, **settings})
    parts = Parts.make(chosen)
    app = create_app(chosen, parts)
    up, stop = asyncio.Event(), asyncio.Event()
    living = asyncio.create_task(_live(app, up, stop))
    await up.wait()
    yield await House(app, chosen, parts).build()
    stop.set()
    await living


async def _live(app: Litestar, up: asyncio.Event, stop: asyncio.Event) -> None:
    # Start and end in one task: pytest runs the two halves of a fixture in different ones, and anyio minds.
    async with app.lifespan():
        up.set()
        await stop.wait()
