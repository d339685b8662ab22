"""The audit trail on a real PostgreSQL: digests, seals, heads outside, and the verifier that misses nothing."""

import asyncio
import json
import random
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assets import clock, db, occasion
from assets.access.actor import SYSTEM
from assets.audit import sealer
from assets.audit.chain import digest, link
from assets.audit.past import undone
from assets.audit.service import differences, parsed, record
from assets.audit.verifying import Count, Finding, findings
from assets.db import EVERYTHING, transaction
from assets.ids import new_id
from assets.probing import audit_heads
from assets.probing.contract import AuditHead
from tests.conftest import LONG

NUMBERS = st.one_of(
    st.integers(-(10**40), 10**40), st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([1e22, 1e23, 1000.0, -0.0, 1e-7, 5e-324])
)  # fmt: skip
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=20)
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


async def note(number: int = 0, **values: Any) -> None:
    """One event of its own."""
    async with transaction(EVERYTHING) as tx:
        await record(
            tx, by=SYSTEM, action="edit", kind="asset", subject=new_id(), name=f"QN-{number}",
            before={"number": number}, after={"number": number + 1.5, **values}, reason="for a test",
        )  # fmt: skip


async def seal_all() -> int:
    return await sealer.seal(since=sealer.EVER, now=clock.now())


async def found(tx: Any, *known: AuditHead, count: Count | None = None) -> list[Finding]:
    outside = [("outside", head) for head in known]
    return [finding async for finding in findings(tx, outside, now=clock.now(), count=count)]


async def verify(*known: AuditHead) -> list[str]:
    async with transaction(EVERYTHING) as tx:
        return [finding.kind for finding in await found(tx, *known)]


async def head() -> AuditHead:
    async with transaction(EVERYTHING) as tx:
        newest = await sealer.newest(tx)
    assert newest is not None
    return newest


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.dictionaries(TEXTS, JSON, max_size=5))
async def test_a_digest_is_the_same_after_a_journey_through_postgresql(database: str, values: dict[str, Any]) -> None:
    async with transaction(EVERYTHING) as tx:
        subject = new_id()
        await record(tx, by=SYSTEM, action="edit", kind="x", subject=subject, before=None, after=values)
        row = await tx.fetchrow("select * from audit_events where subject = $1", subject)
    assert row["digest"] == digest({**row, "before": parsed(row["before"]), "after": parsed(row["after"])})


@pytest.mark.parametrize("text", ["0.1", "0.10000000000000000001", '"0.1"', "1e400", "0.1e-400"])
def test_numbers_that_a_float_cannot_tell_apart_have_digests_of_their_own(text: str) -> None:
    others = {"0.1", "0.10000000000000000001", '"0.1"', "1e400", "0.1e-400"} - {text}
    assert digest({"after": parsed(f"[{text}]")}) not in {digest({"after": parsed(f"[{other}]")}) for other in others}


async def test_when_nothing_names_itself_then_the_column_is_empty_and_else_it_says_what_ran(database: str) -> None:
    await note()
    with occasion.during("job/x/1"):
        await note()
        with occasion.during("y" * 99):
            await note()
    assert occasion.current() == ""
    async with transaction(EVERYTHING) as tx:
        rows = await tx.fetch("select request from audit_events order by id")
    assert [row["request"] for row in rows] == ["", "job/x/1", "y" * occasion.NAME_MAX]


async def test_when_the_service_acts_then_it_can_only_read_and_add(database: str) -> None:
    await note()
    await seal_all()
    for table in ("audit_events", "audit_seals"):
        for statement in (f"update {table} set digest = ''", f"delete from {table}", f"truncate {table}"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                async with transaction(EVERYTHING) as tx:
                    await tx.execute(statement)


# --- sealing ----------------------------------------------------------------------------------------------------


async def test_when_events_are_sealed_then_each_has_one_number_and_a_second_round_finds_nothing(database: str) -> None:
    for number in range(5):
        await note(number)
    assert await seal_all() == 5
    assert await seal_all() == 0
    await note(6)
    assert await seal_all() == 1
    async with transaction(EVERYTHING) as tx:
        seals = await tx.fetch("select number from audit_seals order by number")
        count = Count()
        assert await found(tx, count=count) == []
    assert [row["number"] for row in seals] == [1, 2, 3, 4, 5, 6]
    assert (count.events, count.seals, count.unsealed) == (6, 6, 0)


async def test_when_a_long_transaction_commits_after_younger_events_were_sealed_then_its_event_is_sealed_too(
    database: str,
) -> None:
    begun, finish = asyncio.Event(), asyncio.Event()

    async def long() -> None:
        async with transaction(EVERYTHING) as tx:
            await record(tx, by=SYSTEM, action="edit", kind="asset", subject=new_id(), name="slow")
            begun.set()
            await finish.wait()

    slow = asyncio.create_task(long())
    await begun.wait()
    await note(1)
    assert await seal_all() == 1
    finish.set()
    await slow
    assert await sealer.seal(since=clock.now() - sealer.LOOK_BACK, now=clock.now()) == 1
    assert await verify(await head()) == []


async def test_when_several_processes_seal_at_once_then_the_chain_stays_one(database: str) -> None:
    for number in range(40):
        await note(number)
    await asyncio.gather(*(seal_all() for _ in range(6)), *(note(n) for n in range(20)))
    while await seal_all():
        pass
    assert await verify(await head()) == []
    assert (await head()).number == 60


async def test_when_the_loop_runs_then_it_seals_and_keeps_the_head_in_the_home(database: str, tmp_path: Path) -> None:
    stop = asyncio.Event()
    loop = asyncio.create_task(sealer.run(tmp_path, stop))
    await note(1)
    async with asyncio.timeout(30):
        while not audit_heads.read(tmp_path / audit_heads.HEADS_FILE)[0]:
            await asyncio.sleep(0.05)
    stop.set()
    await asyncio.wait_for(loop, 20)
    assert audit_heads.read(tmp_path / audit_heads.HEADS_FILE) == ([await head()], 0)


async def test_when_a_round_fails_then_the_loop_goes_on(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealer, "AWAY_SECONDS", 0.05)
    async with transaction(EVERYTHING) as tx, db.as_owner(tx):
        await tx.execute("revoke insert on audit_seals from assets_app")
    step, failed = sealer._Rounds.step, list[Exception]()

    async def watched(self: sealer._Rounds) -> Any:
        try:
            return await step(self)
        except asyncpg.PostgresError as error:
            failed.append(error)
            raise

    monkeypatch.setattr(sealer._Rounds, "step", watched)
    stop = asyncio.Event()
    await note(1)
    loop = asyncio.create_task(sealer.run(tmp_path, stop))
    async with asyncio.timeout(30):
        while len(failed) < 2:
            await asyncio.sleep(0.05)
    assert not loop.done()
    async with transaction(EVERYTHING) as tx, db.as_owner(tx):
        await tx.execute("grant insert on audit_seals to assets_app")
    async with asyncio.timeout(30):
        while not audit_heads.read(tmp_path / audit_heads.HEADS_FILE)[0]:
            await asyncio.sleep(0.05)
    stop.set()
    await asyncio.wait_for(loop, 20)


async def test_when_the_loop_began_with_an_old_event_then_that_one_is_sealed_as_well(
    database: str, tmp_path: Path
) -> None:
    await note(1)
    async with transaction(EVERYTHING) as tx, db.as_owner(tx):
        await tx.execute("update audit_events set at = at - interval '1 year'")
    await sealer._Rounds(tmp_path / "heads").step()
    assert (await head()).number == 1


# --- heads outside ----------------------------------------------------------------------------------------------


def some_head(number: int) -> AuditHead:
    return AuditHead(number=number, chain=f"{number:064x}", sealed_at=clock.now())


def test_when_many_heads_are_kept_then_the_file_is_bounded_and_the_oldest_and_newest_stay(tmp_path: Path) -> None:
    path = tmp_path / audit_heads.HEADS_FILE
    path.write_text("".join(some_head(n).model_dump_json() + "\n" for n in range(1, audit_heads.LINES_MAX)))
    for number in range(audit_heads.LINES_MAX, audit_heads.LINES_MAX + 20):
        assert audit_heads.keep(path, some_head(number))
    found, wrong = audit_heads.read(path)
    assert wrong == 0
    assert len(found) <= audit_heads.LINES_MAX
    assert (found[0].number, found[-1].number) == (1, audit_heads.LINES_MAX + 19)
    assert path.stat().st_size < audit_heads.BYTES_MAX
    assert [p.name for p in tmp_path.iterdir()] == [audit_heads.HEADS_FILE]


def test_when_the_same_head_comes_again_then_nothing_is_written(tmp_path: Path) -> None:
    path, same = tmp_path / audit_heads.HEADS_FILE, some_head(7)
    assert audit_heads.keep(path, same)
    assert not audit_heads.keep(path, same)
    assert audit_heads.read(path) == ([same], 0)


def test_when_a_file_has_other_lines_then_they_are_counted_and_not_believed(tmp_path: Path) -> None:
    path = tmp_path / audit_heads.HEADS_FILE
    path.write_bytes(b'{"number": 0}\nnonsense \xff\n' + some_head(3).model_dump_json().encode() + b"\n")
    assert [h.number for h in audit_heads.read(path)[0]] == [3]
    assert audit_heads.read(path)[1] == 2


# --- verifying --------------------------------------------------------------------------------------------------


async def test_when_an_event_waits_longer_than_a_minute_for_its_seal_then_it_is_named(database: str) -> None:
    await note(1)
    assert await verify() == []
    async with transaction(EVERYTHING) as tx:
        kinds = [f.kind async for f in findings(tx, [], now=clock.now() + timedelta(minutes=2))]
    assert kinds == ["event not sealed"]


async def test_when_the_end_is_cut_off_then_only_a_head_outside_shows_it(database: str) -> None:
    for number in range(4):
        await note(number)
    await seal_all()
    before = await head()
    async with transaction(EVERYTHING) as tx, db.as_owner(tx):
        await tx.execute("delete from audit_events where id in (select event from audit_seals where number > 2)")
        await tx.execute("delete from audit_seals where number > 2")
    assert await verify() == []
    assert await verify(before) == ["trail too short"]
    # And it stays found when the service goes on sealing over the cut.
    for number in range(4):
        await note(number)
    await seal_all()
    assert await verify(before) == ["head differs"]


@pytest.mark.parametrize(
    ("statement", "kinds"),
    [
        ("update audit_events set reason = 'x' where id = (select event from audit_seals where number = 2)", ["event edited"]),
        ("delete from audit_events where id = (select event from audit_seals where number = 2)", ["event missing"]),
        ("delete from audit_seals where number = 2", ["seal missing", "seal edited or moved", "event not sealed"]),
        ("delete from audit_seals where number < 3", ["seal missing", "seal edited or moved", *["event not sealed"] * 2]),
        ("update audit_seals set sealed_at = now() where number = 2", ["seal edited or moved"]),
        ("delete from audit_seals where number = 5", ["event not sealed", "trail too short"]),
        ("truncate audit_seals, audit_events", ["trail too short"]),
    ],
)  # fmt: skip
async def test_when_something_is_wrong_then_it_is_named(database: str, statement: str, kinds: list[str]) -> None:
    for number in range(5):
        await note(number)
    await seal_all()
    newest = await head()
    async with transaction(EVERYTHING) as tx:
        async with db.as_owner(tx):
            await tx.execute(statement)
        found = [f async for f in findings(tx, [("outside", newest)], now=clock.now() + timedelta(minutes=2))]
    assert [finding.kind for finding in found] == kinds
    assert all(finding.text for finding in found)


@pytest.mark.parametrize("nonsense", ["chain = 'x'", "sealed_at = 'infinity'", "number = -5"])
async def test_when_the_newest_seal_is_nonsense_then_sealing_goes_on_and_the_verifier_says_so(
    database: str, nonsense: str
) -> None:
    await note(1)
    await seal_all()
    outside = await head()
    async with transaction(EVERYTHING) as tx:
        async with db.as_owner(tx):
            await tx.execute(f"update audit_seals set {nonsense}")
        assert await sealer.newest(tx) is None
    await note(2)
    assert await seal_all() == 1
    assert await verify(outside) != []


EVENTS = 250
TAMPERINGS = 1_000 if LONG else 100
SEALED = 240  # the last ten events have no seal yet
TEXT_COLUMNS = ("actor_name", "action", "subject_kind", "subject_name", "reason", "origin", "request", "digest")
UUID_COLUMNS = ("id", "actor", "subject", "site")


@pytest.fixture
async def trail(database: str) -> AsyncIterator[tuple[asyncpg.Connection, AuditHead]]:
    """A sealed trail, the owner of its tables, and the newest head as it is known outside."""
    for number in range(SEALED):
        await note(number, stage="in_use", cost=number * 1000)
    await seal_all()
    outside = await head()
    for number in range(EVENTS - SEALED):
        await note(number, stage="in_stock")
    owner = await asyncpg.connect(database)
    yield owner, outside
    await owner.close()


@pytest.mark.longer
async def test_of_many_tamperings_by_the_owner_every_one_is_found_and_the_whole_trail_passes(
    trail: tuple[asyncpg.Connection, AuditHead],
) -> None:
    owner, outside = trail
    chance = random.Random(2026)
    missed = []
    async with owner.transaction():
        assert await found(owner, outside) == []
        for turn in range(TAMPERINGS):
            savepoint = owner.transaction()
            await savepoint.start()
            name = await tamper(owner, chance)
            if not await found(owner, outside):
                missed.append((turn, name))
            await savepoint.rollback()
        assert await found(owner, outside) == []
    assert missed == []


async def tamper(owner: asyncpg.Connection, chance: random.Random) -> str:
    """One random change of the trail that an honest history cannot have; its name."""
    ids = [row["id"] for row in await owner.fetch("select id from audit_events order by id")]
    numbers = range(1, SEALED + 1)
    ways = {
        "edit text": edit_text, "edit id": edit_uuid, "edit time": edit_time, "edit json": edit_json,
        "delete event": delete_event, "swap contents": swap_contents, "truncate": truncate, "edit seal": edit_seal,
        "delete seal": delete_seal, "swap seals": swap_seals, "insert seal": insert_seal, "rewrite": rewrite,
    }  # fmt: skip
    name = chance.choice(list(ways))
    await ways[name](owner, chance, ids, numbers)
    return name


async def edit_text(owner: Any, chance: random.Random, ids: list[UUID], _: range) -> None:
    column = chance.choice(TEXT_COLUMNS)
    await owner.execute(f"update audit_events set {column} = left({column} || $2, 60) where id = $1",
                        chance.choice(ids), chance.choice("xyz"))  # fmt: skip


async def edit_uuid(owner: Any, chance: random.Random, ids: list[UUID], _: range) -> None:
    await owner.execute(
        f"update audit_events set {chance.choice(UUID_COLUMNS)} = $2 where id = $1", chance.choice(ids), new_id()
    )


async def edit_time(owner: Any, chance: random.Random, ids: list[UUID], _: range) -> None:
    by = chance.choice(["1 microsecond", "-1 second", "1 year"])
    to = chance.choice([f"at + interval '{by}'", "'infinity'", "'-infinity'"])
    await owner.execute(f"update audit_events set at = {to} where id = $1", chance.choice(ids))


async def edit_json(owner: Any, chance: random.Random, ids: list[UUID], _: range) -> None:
    column = chance.choice(["before", "after"])
    to = chance.choice([
        "null", f"{column} || '{{\"x\": 1}}'", f"{column} - 'number'", f"jsonb_set({column}, '{{number}}', '1e-30')",
        f"jsonb_set({column}, '{{number}}', '{'9' * 5000}')", f"jsonb_set({column}, '{{number}}', '\"7\"')",
        f"'{'[' * 3000}{']' * 3000}'",
    ])  # fmt: skip
    await owner.execute(f"update audit_events set {column} = {to} where id = $1", chance.choice(ids))


async def delete_event(owner: Any, chance: random.Random, ids: list[UUID], _: range) -> None:
    await owner.execute("delete from audit_events where id = $1", chance.choice(ids[:SEALED]))


async def swap_contents(owner: Any, chance: random.Random, ids: list[UUID], _: range) -> None:
    one, other = chance.sample(ids, 2)
    columns = ("subject_name", "before", "after", "subject", "digest", "at")
    sets = ", ".join(f"{c} = o.{c}" for c in columns)
    await owner.execute(f"update audit_events e set {sets} from audit_events o where (e.id, o.id) in (($1, $2), ($2, $1))",
                        one, other)  # fmt: skip


async def truncate(owner: Any, chance: random.Random, ids: list[UUID], numbers: range) -> None:
    last = chance.choice(numbers) - 1
    await owner.execute(
        "delete from audit_events where id not in (select event from audit_seals where number <= $1)", last
    )
    await owner.execute("delete from audit_seals where number > $1", last)


async def edit_seal(owner: Any, chance: random.Random, ids: list[UUID], numbers: range) -> None:
    change = chance.choice([
        "digest = md5(digest) || md5(digest)", "chain = md5(chain) || md5(chain)", "sealed_at = sealed_at + interval '1 second'",
        "event = gen_random_uuid()", "number = number + 100000", "number = -number",
    ])  # fmt: skip
    await owner.execute(f"update audit_seals set {change} where number = $1", chance.choice(numbers))


async def delete_seal(owner: Any, chance: random.Random, ids: list[UUID], numbers: range) -> None:
    await owner.execute("delete from audit_seals where number = $1", chance.choice(numbers))


async def swap_seals(owner: Any, chance: random.Random, ids: list[UUID], numbers: range) -> None:
    one, other = chance.sample(numbers, 2)
    for start, end in ((one, 0), (other, one), (0, other)):
        await owner.execute("update audit_seals set number = $2 where number = $1", start, end)


async def insert_seal(owner: Any, chance: random.Random, ids: list[UUID], numbers: range) -> None:
    await owner.execute(
        "insert into audit_seals (number, event, digest, chain, sealed_at) values ($1, $2, $3, $3, now())",
        chance.choice([-1, 0, SEALED + 1, SEALED + 9]), chance.choice([new_id(), ids[-1]]), f"{chance.getrandbits(256):064x}",
    )  # fmt: skip


async def rewrite(owner: Any, chance: random.Random, ids: list[UUID], numbers: range) -> None:
    """The cleverest: an event is changed or taken out, and everything behind it is sealed anew, all by the book."""
    row = dict(await owner.fetchrow("select * from audit_events where id = $1", chance.choice(ids[:SEALED])))
    if chance.random() < 0.5:
        await owner.execute("delete from audit_seals where event = $1", row["id"])
        await owner.execute("delete from audit_events where id = $1", row["id"])
    else:
        changed = {**row, "reason": "another", "before": parsed(row["before"]), "after": parsed(row["after"])}
        await owner.execute("update audit_events set reason = $2, digest = $3 where id = $1",
                            row["id"], "another", digest(changed))  # fmt: skip
    seals = await owner.fetch(
        "select e.id, e.digest, s.sealed_at from audit_seals s join audit_events e on e.id = s.event order by s.number"
    )
    await owner.execute("delete from audit_seals")
    chain, rows = "", []
    for number, seal in enumerate(seals, start=1):
        chain = link(chain, number, seal["id"], seal["digest"], seal["sealed_at"])
        rows.append((number, seal["id"], seal["digest"], chain, seal["sealed_at"]))
    await owner.copy_records_to_table("audit_seals", records=rows)


# --- the past ---------------------------------------------------------------------------------------------------


def test_changes_are_undone_the_newest_first_and_before_its_beginning_a_thing_is_not_there() -> None:
    newer = [
        ({"stage": "in_use"}, {"stage": "lost"}),
        ({"stage": "in_stock", "site": "a"}, {"stage": "in_use", "site": "b"}),
    ]
    assert undone({"stage": "lost", "site": "b", "tag": "T"}, newer) == {"stage": "in_stock", "site": "a", "tag": "T"}
    assert undone({"stage": "lost"}, newer[:1]) == {"stage": "in_use"}
    assert undone({"stage": "lost"}, [*newer, (None, {"stage": "in_stock"})]) is None
    assert undone({"a": 1}, []) == {"a": 1}


def test_an_event_of_a_change_names_the_columns_that_differ_and_never_a_secret() -> None:
    before, after = {"a": 1, "b": 2, "url": "x", "search": "m"}, {"a": 1, "b": 3, "url": "y", "search": "n"}
    assert differences(before, after) == {"before": {"b": 2}, "after": {"b": 3}}
    assert json.dumps(differences(before, after))
