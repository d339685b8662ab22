"""The arrows of the main job from the collector's post on, each with the process killed in the middle of it.

The collector's own arrows are in tests/services/test_collector_*.py, the worker's in test_notifications_outbox.py.
"""

import asyncio
import os
import signal
from pathlib import Path

import asyncpg
import httpx2
import pytest

from assets import db
from assets.access.actor import SYSTEM
from assets.clock import now
from assets.ids import new_id
from assets.monitoring import collectors
from assets.probing.readings import Outcome
from tests.stories.processes import Poster, Service, free_port, serving


async def a_collector(url: str) -> Poster:
    """A token and one target at one of the 96 centres."""
    token = await collectors.enrol(SYSTEM, None, now=now())
    async with db.transaction(db.EVERYTHING) as tx:
        site, target = await tx.fetchval("select id from sites order by code limit 1"), new_id()
        await tx.execute(
            "insert into targets (id, site, name, method, address, port, profile, interval_seconds, confirm, enabled, "
            "created_at, version) values ($1,$2,'router','snmp','127.0.0.9',161,'generic',60,1,true,now(),1)", target, site,
        )  # fmt: skip
    return Poster(url, token, target)


async def counts() -> tuple[int, int, int]:
    """How many readings, condition changes and incidents there are."""
    async with db.transaction(db.EVERYTHING) as tx:
        return (
            await tx.fetchval("select count(*) from readings"),
            await tx.fetchval("select count(*) from condition_changes"),
            await tx.fetchval("select count(*) from incidents"),
        )


async def test_when_the_service_dies_inside_the_transaction_then_nothing_happened_and_the_repeat_counts(
    database: str, tmp_path: Path
) -> None:
    port = free_port()
    async with serving(tmp_path, "--no-collector", "--no-worker", port=port, dsn=database) as victim:
        poster = await a_collector(victim.url)
        await poster.post(poster.batch())
        before = await counts()
        silent = poster.batch(Outcome.SILENT)
        holder = await asyncpg.connect(database)
        hold = holder.transaction()
        await hold.start()
        await holder.execute("select 1 from device_states for update")
        post = asyncio.create_task(poster.post(silent))
        await _until_waiting(holder)
        await victim.kill()
        await asyncio.gather(post, return_exceptions=True)
        assert isinstance(post.exception(), httpx2.HTTPError), "the collector was answered by a dead service"
        await hold.rollback()
        await holder.close()
    assert await counts() == before
    async with serving(tmp_path, "--no-collector", "--no-worker", port=port, dsn=database):
        answer = await poster.post(silent)
    assert answer.json()["accepted_to"] == 2
    assert await counts() == (before[0] + 1, before[1] + 1, before[2] + 1)


async def _until_waiting(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Until the service's transaction has done its first part and waits for our lock: work in flight, and seen."""
    for _ in range(800):
        waiting = await connection.fetchval(
            "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and application_name = 'assets' "
            "and datname = current_database()"
        )
        if waiting:
            return
        await asyncio.sleep(0.05)
    raise AssertionError("no ingest was in flight when it should be killed")


@pytest.mark.long
async def test_when_the_service_dies_after_the_commit_and_before_the_answer_then_the_repeat_changes_nothing(
    database: str, tmp_path: Path
) -> None:
    port = free_port()
    async with serving(tmp_path, "--no-collector", "--no-worker", port=port, dsn=database) as victim:
        poster = await a_collector(victim.url)
        await poster.post(poster.batch())
        batch = poster.batch(Outcome.SILENT)
        deaf = await _DeafLine(port).open()
        post = asyncio.create_task(poster.post(batch, url=deaf.url))
        for _ in range(800):
            if (after := await counts())[2] == 1:
                break
            await asyncio.sleep(0.05)
        else:
            raise AssertionError("the batch was never committed")
        await victim.kill()
        await deaf.close()
        await asyncio.gather(post, return_exceptions=True)
        assert post.exception() is not None, "the collector heard an answer"
    async with serving(tmp_path, "--no-collector", "--no-worker", port=port, dsn=database):
        answer = await poster.post(batch)
    assert (answer.status_code, answer.json()["accepted_to"]) == (200, 2)
    assert await counts() == after


class _DeafLine:
    """A way to the service that carries what is sent and loses what is answered."""

    def __init__(self, port: int) -> None:
        self.port = port

    async def open(self) -> "_DeafLine":
        self.server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self.server.sockets[0].getsockname()[1]}"
        self.writers: list[asyncio.StreamWriter] = []
        return self

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        _, out = await asyncio.open_connection("127.0.0.1", self.port)
        self.writers += [writer, out]
        while data := await reader.read(65_536):
            out.write(data)
            await out.drain()

    async def close(self) -> None:
        for writer in self.writers:
            writer.close()
        self.server.close()


@pytest.mark.long
async def test_when_the_embedded_database_is_killed_while_batches_arrive_then_nothing_acknowledged_is_lost(
    database: str, tmp_path: Path
) -> None:
    async with serving(tmp_path, "--no-collector", "--no-worker") as service:
        dsn, postmaster = _embedded(service)
        await db.disconnect()
        await db.connect(dsn)
        poster = await a_collector(service.url)
        acknowledged = set()
        for number in range(1, 121):
            batch = poster.batch()
            if number == 40:
                print(f"killing the postmaster, pid {postmaster}")
                os.kill(postmaster, signal.SIGKILL)
            answer = await poster.post(batch)
            while answer.status_code == 503:
                await asyncio.sleep(0.2)
                answer = await poster.post(batch)
            assert answer.status_code == 200, answer.text
            acknowledged.add(answer.json()["accepted_to"])
        assert _embedded(service)[1] != postmaster, "the victim lives"
        async with db.transaction(db.EVERYTHING) as tx:
            assert await tx.fetchval("select count(*) from readings") == len(acknowledged) == 120


def _embedded(service: Service) -> tuple[str, int]:
    from assets import embedded

    server = embedded.ensure(service.home, owned=False)
    pid = int((server.data / "postmaster.pid").read_text().split()[0])
    return server.dsn, pid
