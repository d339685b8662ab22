"""What every test may ask for: a real PostgreSQL, missing parts that fail in CI, and a clean database each time."""

import asyncio
import gc
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, ClassVar, NoReturn
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import httpx2
import pytest
from hypothesis import HealthCheck, settings
from litestar import Litestar
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from assets import clock, db, embedded
from assets.access import passwords
from assets.access import service as access
from assets.access.actor import SYSTEM
from assets.access.permissions import Role
from assets.access.tokens import NewToken, create_token
from assets.app import Parts, routed, surround
from assets.errors import Unavailable
from assets.migrate import migrate
from assets.monitoring import collectors
from assets.places import service as places
from assets.places.units import parse, shipped
from assets.settings import Settings
from assets.settings import load as load_settings

os.environ.setdefault("PICCOLO_CONF", "assets.piccolo_app")
# What takes long is for LONG=1, which `.ci/run` asks for in addition: tests marked `long` run only then, those marked
# `longer` do more then than every day.
LONG = os.environ.get("LONG", "") not in ("", "0")
# How long an example takes is the machine's doing: in CI Hypothesis knows that by itself.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
if not os.environ.get("CI"):
    settings.load_profile("patient")
# Tables whose rows belong to the installation and not to a test.
KEPT = {"migration", "pgqueuer_schedules"}


def need(path: str, how: str) -> str:
    """The full path of a program that a test cannot do without: a failure in CI, a skip with advice elsewhere."""
    found = shutil.which(path) or shutil.which(path, path="/usr/sbin:/sbin") or (path if Path(path).exists() else None)
    return found or missing(f"{path} is missing: {how}")


def missing(advice: str) -> NoReturn:
    """A part that this machine lacks: in CI, where nothing may be missing, a failure; elsewhere a skip with advice."""
    if os.environ.get("CI"):
        pytest.fail(advice)
    pytest.skip(advice)


# Guessing is as slow as ever in the programs that tests start, and in the test that measures it against OWASP's minimum;
# thousands of people of one test each would spend a minute on theirs.
AS_SLOW_AS_EVER, passwords._HASH = passwords._HASH, PasswordHash((Argon2Hasher(1, 8, 1),))

# They wait and start processes: what is begun last leaves the other core with nothing to do.
LONGEST = ("tests/http/test_schema.py", "tests/stories/", "tests/services/test_commands.py", "tests/http/test_ugly.py")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The longest first; the others stay in their order."""
    if not LONG:
        config.hook.pytest_deselected(items=[item for item in items if item.get_closest_marker("long")])
        items[:] = [item for item in items if not item.get_closest_marker("long")]
    items.sort(key=lambda item: not item.nodeid.startswith(LONGEST))


def pytest_collection_finish() -> None:
    """Modules and tests stay until the end: the collector of garbage need not walk them again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


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
async def migrated(postgres: str) -> AsyncIterator[str]:
    """The server with every migration run, tuned for tests that do not pull its plug."""
    connection = await asyncpg.connect(postgres)
    for setting in ("fsync", "synchronous_commit", "full_page_writes"):
        await connection.execute(f"alter system set {setting} = off")
    await connection.execute("select pg_reload_conf()")
    await connection.close()
    await migrate(postgres)
    yield postgres
    await Service.end_all()
    await Kept.end()


@pytest.fixture
async def database(migrated: str) -> AsyncIterator[str]:
    """An open pool on an empty, migrated database; yields the DSN for processes that a test starts itself."""
    async with emptied(migrated):
        yield migrated


@asynccontextmanager
async def emptied(dsn: str) -> AsyncIterator[None]:
    """An open pool on a clean database."""
    await Kept.open(dsn)
    async with db.transaction(db.EVERYTHING) as tx:
        await empty(tx)
    yield
    await Kept.close()


class Kept:
    """The pool of one test, put away for the next: a connection that is made anew learns every table and query anew."""

    pool: ClassVar[Any] = None
    lent: ClassVar[Any] = None

    @classmethod
    async def open(cls, dsn: str) -> None:
        """What was put away, or a new one."""
        if cls.pool is None:
            await connected(dsn)
        else:
            db.DB.pool, cls.pool = cls.pool, None
        cls.lent = db.DB.pool

    @classmethod
    async def close(cls) -> None:
        """Put it away; another one, or one that a test closed or left something running in, is closed for good."""
        pool = db.DB.pool
        if pool is None or pool is not cls.lent or pool.is_closing() or pool.get_idle_size() < pool.get_size():
            await asyncio.wait_for(db.disconnect(), 10)
        else:
            cls.pool, db.DB.pool = pool, None

    @classmethod
    async def end(cls) -> None:
        """Close what was put away."""
        if cls.pool is not None:
            db.DB.pool, cls.pool = cls.pool, None
            await asyncio.wait_for(db.disconnect(), 10)


async def connected(dsn: str) -> None:
    """An open pool; a machine that has other things to do for longer than people wait is asked again."""
    with suppress(Unavailable):
        await db.connect(dsn)
        return
    await db.connect(dsn)


async def empty(tx: db.Connection) -> None:
    """Take the rows out of every table, and let what counts begin anew.

    Of the hundred tables a test fills ten. TRUNCATE of all gives each new files, a fifth of a second a test; so the
    few that hold something are asked for first, and small ones are deleted from.
    """
    tables = await tx.fetch(
        "select relname as name, relkind from pg_class where relnamespace = 'public'::regnamespace "
        "and relkind in ('r', 'p') and not relispartition"
    )
    names = sorted(row["name"] for row in tables if row["name"] not in KEPT)
    async with db.as_owner(tx):
        filled = await tx.fetchrow("select " + ", ".join(f'exists(select from "{name}") as "{name}"' for name in names))
        # Neither the triggers that keep rows from being deleted nor the order of foreign keys.
        await tx.execute("set local session_replication_role = replica")
        for name in (name for name in names if filled[name]):
            await tx.execute(f'delete from "{name}"')
        await tx.execute("set local session_replication_role = origin")
        await tx.execute(
            "select setval(seq.oid, s.start_value, false) from pg_sequences s join pg_class seq on "
            "seq.relname = s.sequencename and seq.relnamespace = 'public'::regnamespace "
            "where s.last_value is not null and not s.sequencename = any($1)",
            [f"{name}_id_seq" for name in KEPT],
        )


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


class Service:
    """The service behind some settings, made once for all tests of a run: its hundreds of routes take half a second.

    Its home, with the key of its vault, is one for all as well. What it counts and what a test puts around it is not.
    """

    _made: ClassVar[dict[frozenset[tuple[str, object]], "Service"]] = {}
    _home: ClassVar[Path | None] = None

    def __init__(self, settings: Settings) -> None:
        self.settings, self.parts = settings, Parts.make(settings)
        self.app = routed(self.settings, self.parts)
        self._inside = self.app.asgi_handler
        self._up, self._stop = asyncio.Event(), asyncio.Event()
        self._living = asyncio.create_task(self._live())

    @classmethod
    async def of(cls, **settings: object) -> "Service":
        """The one with these settings, as if it had just been started."""
        cls._home = cls._home or Path(tempfile.mkdtemp(prefix="assets-tests-home-"))
        chosen = frozenset(settings.items())
        if chosen not in cls._made:
            cls._made[chosen] = cls(load_settings(home=cls._home, **settings))
        found = cls._made[chosen]
        await found._up.wait()
        found.app.asgi_handler = found._inside
        surround(found.app, found.settings)
        return found

    @classmethod
    async def end_all(cls) -> None:
        """End them and what they started."""
        for service in cls._made.values():
            service._stop.set()
            await service._living
        cls._made.clear()
        if cls._home:
            shutil.rmtree(cls._home)
            cls._home = None

    async def _live(self) -> None:
        # Start and end in one task: pytest runs the two halves of a fixture in different ones, and anyio minds.
        async with self.app.lifespan():
            self._up.set()
            await self._stop.wait()


@pytest.fixture
async def house(database: str) -> House:
    """The service on a clean database."""
    return await running()


@asynccontextmanager
async def open_house(dsn: str) -> AsyncIterator[House]:
    """The service on a clean database, for a whole module: its tests leave no trace, or are told."""
    async with emptied(dsn):
        yield await running()


async def served(**settings: object) -> House:
    """The service with these settings, before a database that is open."""
    service = await Service.of(**settings)
    return House(service.app, service.settings, service.parts)


async def running(**settings: object) -> House:
    """The same before an empty database, with its two centres."""
    # A test asks in one second what people ask in an hour.
    return await (await served(rate_per_minute_unknown=100_000, **settings)).build()
