"""The only way to a database connection, and the scope that every one of them carries.

`transaction(scope)` is used for reads too. It tells PostgreSQL, for this transaction only, which sites the caller may
see. Queries filter by it, and row-level security does once more, for what a query forgets: connections act as the role
ROLE, which owns nothing; outside a transaction of ours it sees no row of any site. Two habits keep the pool whole: a
failed COMMIT gives its connection back, and no query runs beside the transaction in a gathered task (asyncpg: one
operation at a time).
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, TypeAlias, cast
from uuid import UUID

import asyncpg
from asyncpg.pool import PoolConnectionProxy
from piccolo.engine.postgres import PostgresEngine, PostgresTransaction

from assets.errors import Unavailable

POOL_MAX = 16
IDLE_SECONDS_MAX = 20.0  # of a connection: its process keeps what it knows of the tables, 10 MB
ROLE = "assets_app"  # who the service is to PostgreSQL; the login owns the tables and may become it
STATEMENT_TIMEOUT_MS = 30_000
Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]"


@dataclass(frozen=True)
class Scope:
    """Whose rows a transaction may see: everything, or what belongs to these sites."""

    everything: bool = False
    sites: frozenset[UUID] = frozenset()

    @classmethod
    def of_sites(cls, sites: Iterable[UUID]) -> "Scope":
        """The scope of a person whose grants name these sites."""
        return cls(sites=frozenset(sites))

    def __or__(self, other: "Scope") -> "Scope":
        return Scope(self.everything or other.everything, self.sites | other.sites)

    def __and__(self, other: "Scope") -> "Scope":
        if self.everything or other.everything:
            return other if self.everything else self
        return Scope(sites=self.sites & other.sites)

    def sees(self, site: UUID | None) -> bool:
        """Whether something at `site` may be seen; what has no site belongs to the province."""
        return self.everything or (site is not None and site in self.sites)


EVERYTHING = Scope(everything=True)  # the province, and the system acting for nobody
NOTHING = Scope()


class _Transaction(PostgresTransaction):
    """Piccolo's transaction, less its leak: a COMMIT that fails kept the connection and the context."""

    async def get_connection(self) -> Any:
        """A connection of the pool; Unavailable also when the server's socket is gone."""
        try:
            return await super().get_connection()  # type: ignore[no-untyped-call]
        except OSError as error:
            raise Unavailable() from error

    async def __aexit__(self, exception_type: Any, exception: Any, traceback: Any) -> bool:
        if self._parent:
            return exception is None
        try:
            if exception and not self._rolled_back:
                with suppress(asyncpg.InterfaceError, asyncpg.PostgresError, OSError):
                    # On a connection that died there is nothing left to roll back; the first error is what counts.
                    await self.transaction.rollback()
            elif not exception and not self._committed and not self._rolled_back:
                await self.transaction.commit()
        finally:
            self.engine.current_transaction.reset(self.context)
            if self.engine.pool:
                await self.engine.pool.release(self.connection)
            else:
                await self.connection.close()
        return exception is None


class Engine(PostgresEngine):
    """PostgreSQL through a pool that is opened by `connect` and never by an import."""

    async def check_version(self) -> None:
        """Nothing: constructing the engine must not reach for a server that is not there yet."""

    async def prep_database(self) -> None:
        """Nothing: extensions are made by migrations."""

    def transaction(self, allow_nested: bool = True) -> PostgresTransaction:
        """Piccolo's own entry; `transaction(scope)` of this module is the one to use."""
        return _Transaction(engine=self, allow_nested=allow_nested)


DB = Engine(config={}, extensions=())
_scope: ContextVar[Scope | None] = ContextVar("assets_scope", default=None)


async def connect(dsn: str, *, pool_max: int = POOL_MAX) -> None:
    """Open the pool on `dsn`; raises Unavailable with the server's own words when it does not answer."""
    DB.config = {"dsn": dsn, "timeout": 5, "server_settings": {"application_name": "assets", "timezone": "UTC"}}
    DB.pool = await _pool(dsn, pool_max, init=_become_service)


async def alone(dsn: str) -> Connection:
    """A connection without the pool, as the login of `dsn`, to be closed by the caller; raises Unavailable as `connect`."""
    return await _answered(asyncpg.connect(dsn, timeout=10))


async def _pool(
    dsn: str, size: int, init: Callable[[Any], Awaitable[None]] | None = None, *, patient: bool = False
) -> Any:
    return await _answered(
        asyncpg.create_pool(
            dsn, min_size=1, max_size=size, timeout=5, init=init,
            command_timeout=None if patient else STATEMENT_TIMEOUT_MS / 1000, max_inactive_connection_lifetime=IDLE_SECONDS_MAX,
            server_settings={"application_name": "assets", "timezone": "UTC"},
        )
    )  # fmt: skip


async def _answered(connecting: Awaitable[Any]) -> Any:
    try:
        return await connecting
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as error:
        raise Unavailable(f"The database does not answer: {error}") from error


async def _become_service(connection: Connection) -> None:
    # asyncpg's RESET ALL between two uses leaves the role as it is.
    await connection.execute(f"set role {ROLE}")


@asynccontextmanager
async def owning(dsn: str) -> AsyncIterator[None]:
    """Piccolo acts as the owner of the tables inside this block: for migrations, before anything else runs."""
    before = DB.pool
    DB.config = {**(DB.config or {}), "dsn": dsn}
    pool = DB.pool = await _pool(dsn, 1, patient=True)  # a migration may rewrite a large table
    try:
        yield
    finally:
        DB.pool = before
        await pool.close()


@asynccontextmanager
async def as_owner(tx: Connection) -> AsyncIterator[None]:
    """Be the owner of the tables for some statements of a transaction: nobody else makes and drops partitions."""
    before = await tx.fetchval("select current_setting('role')")
    await tx.execute("set local role none")
    yield
    await tx.execute("select set_config('role', $1, true)", before)  # after an error the transaction ends anyway


async def disconnect() -> None:
    """Close the pool; a connection that is still busy is cut after five seconds."""
    pool, DB.pool = DB.pool, None
    if pool is None:
        return
    pool = cast("asyncpg.Pool[asyncpg.Record]", pool)
    try:
        await asyncio.wait_for(pool.close(), timeout=5)
    except TimeoutError:
        pool.terminate()


@asynccontextmanager
async def transaction(scope: Scope) -> AsyncIterator[Connection]:
    """One transaction under `scope`; an inner one joins the outer, whose scope stays in force.

    Raises Unavailable when the server is away: nothing was changed and the caller may try again.
    """
    if _scope.get() is not None and DB.transaction_exists():
        async with DB.transaction() as inner:
            yield inner.connection
        return
    step = DB.transaction_exists()  # of `together`
    token = _scope.set(scope)
    try:
        async with (
            _told_when_away(),
            DB.transaction() as outer,
            _savepoint(outer.connection) if step else nullcontext(),
        ):
            await _set(outer.connection, scope)
            yield outer.connection
            if step:
                await _set(outer.connection, NOTHING)  # what goes on in `together` has no scope
    finally:
        _scope.reset(token)


async def _set(connection: Connection, scope: Scope) -> None:
    await connection.execute(
        "select set_config('assets.everything', $1, true), set_config('assets.sites', $2, true)",
        "1" if scope.everything else "",
        ",".join(map(str, sorted(scope.sites))),
    )


def _savepoint(connection: Connection) -> AbstractAsyncContextManager[None]:
    found: AbstractAsyncContextManager[None] = connection.transaction()
    return found


@asynccontextmanager
async def together() -> AsyncIterator[Connection]:
    """Each `transaction(scope)` inside is a step with a scope of its own; all that succeed are kept at the end, or none.

    The connection that it yields has no scope: it is for what belongs to no site.
    """
    async with _told_when_away(), DB.transaction() as outer:
        yield outer.connection


@asynccontextmanager
async def _told_when_away() -> AsyncIterator[None]:
    try:
        yield
    except _AWAY as error:
        raise Unavailable() from error
    except asyncpg.InterfaceError as error:
        if not _gone(error):
            raise
        raise Unavailable() from error


def _gone(error: asyncpg.InterfaceError) -> bool:
    # asyncpg has one class for "you used me wrongly" and for "the connection is gone"; only its words differ.
    return any(
        words in str(error)
        for words in ("connection is closed", "pool is closing", "pool is closed", "has been released")
    )


_AWAY = (
    ConnectionError,
    TimeoutError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.ConnectionDoesNotExistError,
    asyncpg.ConnectionFailureError,
    asyncpg.TooManyConnectionsError,
)
