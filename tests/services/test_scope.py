"""The second wall: what PostgreSQL shows and takes when a query has forgotten its filter."""

from collections.abc import AsyncIterator
from uuid import UUID

import asyncpg
import pytest

from assets import db
from assets.db import EVERYTHING, NOTHING, Scope, transaction
from assets.ids import new_id
from assets.migrations import m0007_units_in_time_rows as units
from assets.migrations import m0009_transfers_custody as transfers
from assets.migrations import m0010b_stocktakes_secured as stocktakes
from assets.migrations import m0011_rules_of_stock as stock
from assets.migrations.m0004_row_level_security import BY_PARENT as PARENTS
from assets.migrations.m0004_row_level_security import BY_SITE as SITES
from assets.migrations.m0012_second_wall import SECURED as KEPT_SINCE
from assets.migrations.m0015a_requests_secured import BY_PARENT as REQUESTED
from assets.migrations.m0018a_approval_secured import BY_PARENT as APPROVED
from assets.migrations.m0020a_hand_overs_secured import BY_PARENT as HANDED
from assets.migrations.m0024a_shipments_secured import BY_ONE_OF as SHIPPED
from assets.migrations.m0024a_shipments_secured import BY_PARENT as DELIVERED
from tests import web_world
from tests.conftest import connected, empty

BY_SITE = {**SITES, **units.BY_SITE, **stock.BY_SITE, **stocktakes.BY_SITE, **dict.fromkeys(stocktakes.SHARED, "site")}
BY_PARENT = {
    **PARENTS,
    **stock.BY_PARENT,
    **transfers.BY_PARENT,
    **stocktakes.BY_PARENT,
    **REQUESTED,
    **HANDED,
    **APPROVED,
    **DELIVERED,
}
# Tables with a site and no policy, each with its reason.
WITHOUT_POLICY = {
    "notifications": "the outbox: announced from any scope, delivered by workers, listed with the filter of its listing",
    "subscriptions": "belong to the province, and a clerk's request must find whom to tell",
    "grants": "who is who is asked before there is a scope; listed for the province alone",
    "collector_sites": "belong to the province; ingest asks them for every batch",
    "fulfilments": "have the site that something came from; the request that it went to decides",
}


@pytest.fixture(scope="module")
async def world(migrated: str) -> AsyncIterator[dict[str, UUID]]:
    """A whole province, once for this module: its sites by code."""
    await connected(migrated)
    async with transaction(EVERYTHING) as tx:
        await empty(tx)
    await web_world.build()
    async with transaction(EVERYTHING) as tx:
        sites = {row["code"]: row["id"] for row in await tx.fetch("select code, id from sites")}
    yield sites
    await db.disconnect()


async def count(scope: Scope, table: str, condition: str = "true") -> int:
    async with transaction(scope) as tx:
        found: int = await tx.fetchval(f"select count(*) from {table} t where {condition}")
        return found


async def test_when_a_table_has_a_site_then_it_has_a_policy_or_a_reason(world: dict[str, UUID]) -> None:
    async with transaction(EVERYTHING) as tx:
        with_site = await tx.fetch(
            "select distinct c.table_name from information_schema.columns c join pg_class p on p.relname = c.table_name "
            "where c.table_schema = 'public' and c.column_name like '%site' and not p.relispartition"
        )
        secured = {r["relname"] for r in await tx.fetch("select relname from pg_class where relrowsecurity")}
    named = {row["table_name"] for row in with_site}
    assert named - secured == set(WITHOUT_POLICY) - {"fulfilments"}
    # Walked by test_permissions, test_observed and test_faults.
    seen = {"inventory_agents", "observed_values", "identity_proposals", "fault_reports", "signed_addresses"}
    shared = {"paper_forms", "paper_templates"}  # read by all, written by the province: see the last test
    others = {*KEPT_SINCE, *shared, "purchases", "audit_events", "batches", "batch_rows", "credential_places"}
    others |= {*transfers.BY_ONE_OF, *SHIPPED}
    assert secured == {*BY_SITE, *BY_PARENT, *others, *seen}


@pytest.mark.parametrize("table", [*BY_SITE, *BY_PARENT])
async def test_when_a_query_forgets_its_filter_then_it_sees_its_own_site_and_nothing_else(
    world: dict[str, UUID], table: str
) -> None:
    whole = await count(EVERYTHING, table)
    assert await count(NOTHING, table) == 0
    assert await count(Scope.of_sites([new_id()]), table) == 0
    column = BY_SITE.get(table)
    if column is None or not whole:
        return
    async with transaction(EVERYTHING) as tx:
        some = await tx.fetchval(f"select {column} from {table} where {column} is not null limit 1")
    own = await count(EVERYTHING, table, f"t.{column} = '{some}'")
    assert await count(Scope.of_sites([some]), table) == own > 0
    assert await count(Scope.of_sites([some, new_id()]), table) == own


async def test_when_there_is_no_transaction_of_ours_then_a_connection_shows_no_site_at_all(
    world: dict[str, UUID],
) -> None:
    assert db.DB.pool is not None
    async with db.DB.pool.acquire() as connection:
        assert await connection.fetchval("select current_user") == db.ROLE
        for table in BY_SITE:
            assert await connection.fetchval(f"select count(*) from {table}") == 0, table


async def test_when_a_transaction_is_over_then_its_scope_is_over_too(world: dict[str, UUID]) -> None:
    assert await count(EVERYTHING, "sites") == len(world)
    assert db.DB.pool is not None
    async with db.DB.pool.acquire() as connection:
        assert await connection.fetchval("select count(*) from sites") == 0


@pytest.mark.parametrize(
    "statement",
    [
        "update assets set site = $2 where site = $1",
        "update links set site = $2 where site = $1",
        "update targets set site = $2 where site = $1",
        "insert into rooms (id, site, kind, name, sort, version) "
        "select gen_random_uuid(), $2, 'room', 'x', '', 1 where $1::uuid is not null",
        "insert into asset_events (id, asset, site, at, kind) "
        "select gen_random_uuid(), id, $2, now(), 'x' from assets where site = $1 limit 1",
    ],
)
async def test_when_something_is_moved_under_a_foreign_site_then_postgresql_refuses(
    world: dict[str, UUID], statement: str
) -> None:
    own, foreign, *_ = world.values()
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with transaction(Scope.of_sites([own])) as tx:
            await tx.execute(statement, own, foreign)


async def test_when_a_foreign_row_is_changed_or_deleted_then_nothing_happens(world: dict[str, UUID]) -> None:
    own, foreign, *_ = world.values()
    before = await count(EVERYTHING, "links", f"t.site = '{foreign}'")
    async with transaction(Scope.of_sites([own])) as tx:
        assert await tx.execute("update links set carrier = 'x' where site = $1", foreign) == "UPDATE 0"
        assert await tx.execute("delete from links where site = $1", foreign) == "DELETE 0"
    assert before == await count(EVERYTHING, "links", f"t.site = '{foreign}' and carrier <> 'x'") > 0


ONLY_THE_OWNER = (
    "update audit_events set reason = 'x'", "delete from audit_events", "truncate audit_events", "delete from audit_seals",
    "drop table assets", "alter table assets disable row level security", "create table stolen as select * from assets",
)  # fmt: skip


@pytest.mark.parametrize("statement", ONLY_THE_OWNER)
async def test_when_the_service_tries_what_only_the_owner_may_then_postgresql_refuses(
    world: dict[str, UUID], statement: str
) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with transaction(EVERYTHING) as tx:
            await tx.execute(statement)


async def test_when_a_migration_rewrites_a_large_table_then_it_may_take_its_time(
    migrated: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(db, "STATEMENT_TIMEOUT_MS", 200)
    async with db.owning(migrated):
        await db.DB.run_ddl("select pg_sleep(0.5)")


async def test_when_a_search_goes_through_the_index_then_it_keeps_to_the_scope(world: dict[str, UUID]) -> None:
    own, *_ = world.values()
    for kind, pattern in (("assets", "%optiplex%"), ("links", "%a%"), ("sites", "%a%"), ("equipment_requests", "%a%")):
        column = "id" if kind == "sites" else "site"
        asked = f"t.id in (select found_by('{kind}', array['{pattern}']))"
        everywhere = await count(EVERYTHING, kind, asked)
        assert everywhere > 0, kind
        assert await count(NOTHING, kind, asked) == 0
        async with transaction(Scope.of_sites([own])) as tx:
            ids = await tx.fetch("select found_by($1, array[$2])", kind, pattern)
        async with transaction(EVERYTHING) as tx:
            sites = await tx.fetch(
                f"select distinct {column} as site from {kind} where id = any($1)", [i[0] for i in ids]
            )
        assert {row["site"] for row in sites} <= {own}, kind
    async with transaction(Scope.of_sites([own])) as tx:
        for kind in ("users", "assets; drop table assets", "pg_class"):
            with pytest.raises(asyncpg.RaiseError):
                async with tx.transaction():
                    await tx.fetch("select found_by($1, array['%a%'])", kind)
        assert len(await tx.fetch("select found_by('assets', '{}')")) == await tx.fetchval(
            "select count(*) from assets"
        )


async def test_when_somebody_of_one_site_writes_a_paper_form_then_the_wall_refuses(world: dict[str, UUID]) -> None:
    own, *_ = world.values()
    made = "insert into paper_forms (id, paper, version) values ($1, $2, 1)"
    async with transaction(EVERYTHING) as tx:
        await tx.execute(made, new_id(), "needs")
    async with transaction(Scope.of_sites([own])) as tx:
        assert await tx.fetchval("select count(*) from paper_forms") == 1
        assert await tx.execute("update paper_forms set closing = 'x'") == "UPDATE 0"
        assert await tx.execute("delete from paper_forms") == "DELETE 0"
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with tx.transaction():
                await tx.execute(made, new_id(), "proposal")


async def test_when_something_is_shipped_then_both_its_sites_see_it_and_no_third(world: dict[str, UUID]) -> None:
    here, there, third, *_ = world.values()
    async with transaction(EVERYTHING) as tx:
        consumable = await tx.fetchval(
            "insert into consumables (id, code, name, unit) values ($1, 'scope', 'x', 'y') returning id", new_id()
        )
        await tx.execute(
            "insert into stock_shipments (id, consumable, from_site, to_site, quantity, state, sent_at) "
            "values ($1, $2, $3, $4, 1, 'under_way', now())", new_id(), consumable, here, there,
        )  # fmt: skip
    assert await count(Scope.of_sites([here]), "stock_shipments") == 1
    assert await count(Scope.of_sites([there]), "stock_shipments") == 1
    assert await count(Scope.of_sites([third]), "stock_shipments") == 0


async def test_when_credentials_are_tried_in_an_order_then_the_province_alone_reads_it(world: dict[str, UUID]) -> None:
    own, *_ = world.values()
    async with transaction(EVERYTHING) as tx:
        credential = await tx.fetchval(
            "insert into credentials (id, name, kind, secret) values ($1, 'scope', 'v2c', 'x') returning id", new_id()
        )
        await tx.execute(
            "insert into credential_places (id, credential, site, position) values ($1, $2, $3, 1)",
            new_id(), credential, own,
        )  # fmt: skip
    assert await count(EVERYTHING, "credential_places") > 0
    assert await count(Scope.of_sites([own]), "credential_places") == 0
