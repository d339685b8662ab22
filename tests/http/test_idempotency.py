"""An Idempotency-Key: whatever is sent again, in whatever way, has one effect and one answer."""

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from litestar.exceptions import LitestarException
from litestar.types import Receive, Scope, Send

from assets import clock, db
from assets.access import idempotency
from assets.access.actor import Actor
from assets.access.permissions import Role
from assets.db import DB
from assets.monitoring import declarations
from tests.conftest import House

PATH = "/api/v1/applications"
KEY = {"Idempotency-Key": "7b0e-1"}
BODY = {"code": "mot-cua", "name": "Phần mềm một cửa"}


async def count(table: str) -> int:
    async with db.transaction(db.EVERYTHING) as tx:
        return await tx.fetchval(f"select count(*) from {table}")


async def test_when_a_call_is_repeated_with_its_key_then_it_is_done_once_and_answered_alike(house: House) -> None:
    root = await house.person("root", Role.ADMINISTRATOR)
    before = await count("audit_events")
    first, *others = [await root.post(PATH, json=BODY, headers=KEY) for _ in range(3)]
    assert (first.status_code, "idempotency-replayed" in first.headers) == (201, False), first.text
    for again in others:
        assert (again.status_code, again.content, again.headers["content-type"]) == (
            201, first.content, first.headers["content-type"],
        )  # fmt: skip
        assert again.headers["idempotency-replayed"] == "true"
        assert again.headers["content-security-policy"] == first.headers["content-security-policy"]
    assert await count("applications") == 1
    assert await count("audit_events") == before + 1


async def test_when_calls_with_one_key_come_at_once_then_the_others_wait_for_the_first(house: House) -> None:
    root = await house.person("root", Role.ADMINISTRATOR)
    answers = await asyncio.gather(*(root.post(PATH, json=BODY, headers=KEY) for _ in range(8)))
    assert {(a.status_code, a.content) for a in answers} == {(201, answers[0].content)}
    assert sum("idempotency-replayed" in a.headers for a in answers) == 7
    assert await count("applications") == 1


async def test_when_the_first_of_two_at_once_fails_then_the_second_is_done(house: House) -> None:
    root = await house.person("root", Role.ADMINISTRATOR)
    wrong = {**BODY, "name": ""}
    failed, done = await asyncio.gather(
        root.post(PATH, json=wrong, headers=KEY), root.post(PATH, json=BODY, headers=KEY)
    )
    assert (failed.status_code in (400, 409), done.status_code) == (True, 201), failed.text


async def test_when_the_service_dies_between_effect_and_answer_then_the_repeat_gets_the_answer(house: House) -> None:
    root = await house.person("root", Role.ADMINISTRATOR)
    whole, dies = house.app.asgi_handler, True

    async def dying(scope: Scope, receive: Receive, send: Send) -> None:
        async def lost(message: Any) -> None:
            if dies:
                raise RuntimeError("the process ends here")
            await send(message)

        await whole(scope, receive, lost)

    house.app.asgi_handler = dying
    with pytest.raises(LitestarException):
        await root.post(PATH, json=BODY, headers=KEY)
    assert await count("applications") == 1
    dies = False
    again = await root.post(PATH, json=BODY, headers=KEY)
    assert (again.status_code, again.headers["idempotency-replayed"], again.json()["code"]) == (201, "true", "mot-cua")
    assert await count("applications") == 1


async def test_when_the_commit_fails_then_nothing_is_kept_and_the_answer_is_503(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = await house.person("root", Role.ADMINISTRATOR)
    plain = db._Transaction.__aexit__

    async def broken(self: Any, kind: Any, error: Any, trace: Any) -> bool:
        keyed = kind is None and not self._parent and await self.connection.fetchval(
            "select exists(select 1 from idempotency_keys where status = 201)"
        )  # fmt: skip
        if keyed:
            lost = asyncpg.ConnectionDoesNotExistError("gone")
            await plain(self, type(lost), lost, None)
            raise lost
        return await plain(self, kind, error, trace)

    with monkeypatch.context() as patched:
        patched.setattr(db._Transaction, "__aexit__", broken)
        answer = await root.post(PATH, json=BODY, headers=KEY)
    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json"), answer.text
    assert int(answer.headers["retry-after"]) > 0
    assert (await count("applications"), await count("idempotency_keys")) == (0, 0)
    assert (await root.post(PATH, json=BODY, headers=KEY)).status_code == 201


async def test_when_a_key_comes_with_another_content_then_it_is_refused_and_named(house: House) -> None:
    root = await house.person("root", Role.ADMINISTRATOR)
    assert (await root.post(PATH, json=BODY, headers=KEY)).status_code == 201
    other = await root.post(PATH, json={**BODY, "code": "ho-tich"}, headers=KEY)
    assert (other.status_code, other.json()["header"]) == (409, "Idempotency-Key")
    assert "mot-cua" not in other.text
    assert (await root.post(f"{PATH}/", json=BODY, headers=KEY)).headers["idempotency-replayed"] == "true"
    assert await count("applications") == 1


async def test_when_others_or_other_routes_have_the_same_key_then_they_do_not_meet(house: House) -> None:
    root, engineer = await house.person("root", Role.ADMINISTRATOR), await house.person("eng", Role.PROVINCE_IT)
    assert (await root.post(PATH, json=BODY, headers=KEY)).status_code == 201
    assert (await engineer.post(PATH, json=BODY, headers=KEY)).status_code == 409  # the code is taken
    assert (await engineer.post(PATH, json={**BODY, "code": "b"}, headers=KEY)).status_code == 201
    unit = {"unit": "21025", "code": "21025-K", "kind": "store", "name": "Kho"}
    assert (await root.post("/api/v1/sites", json=unit, headers=KEY)).status_code == 201


async def test_when_the_first_try_was_refused_then_the_key_is_free(house: House) -> None:
    root, clerk = await house.person("root", Role.ADMINISTRATOR), await house.person("a", Role.CLERK, "21025")
    assert (await root.post(PATH, json={**BODY, "name": ""}, headers=KEY)).status_code == 400
    assert (await clerk.post(PATH, json=BODY, headers=KEY)).status_code == 403
    assert (await house.client().post(PATH, json=BODY, headers=KEY)).status_code == 401
    assert await count("idempotency_keys") == 0
    assert (await root.post(PATH, json=BODY, headers=KEY)).status_code == 201


async def test_when_a_role_is_taken_away_then_its_old_answers_are_out_of_reach(house: House) -> None:
    root = await house.person("root", Role.ADMINISTRATOR)
    assert (await root.post("/api/v1/tokens", json={"user": "root"}, headers=KEY)).status_code == 201
    async with db.transaction(db.EVERYTHING) as tx:
        await tx.execute("update grants set role = 'inspector'")
    assert (await root.post("/api/v1/tokens", json={"user": "root"}, headers=KEY)).status_code == 403


async def test_when_the_answer_holds_a_new_token_then_the_table_does_not_show_it(house: House) -> None:
    root = await house.person("root", Role.ADMINISTRATOR)
    made = await root.post("/api/v1/tokens", json={"user": "root"}, headers=KEY)
    token = made.json()["token"]
    async with db.transaction(db.EVERYTHING) as tx:
        rows = await tx.fetch("select t::text as whole, id, body from idempotency_keys t")
    assert len(rows) == 1
    secret = token.rpartition(".")[2]
    assert secret not in rows[0]["whole"]
    assert secret.encode() in house.parts.vault.unseal(
        rows[0]["body"], bound_to=f"idempotency_keys.body:{rows[0]['id']}"
    )
    assert (await root.post("/api/v1/tokens", json={"user": "root"}, headers=KEY)).json()["token"] == token
    assert await count("tokens") == 2


@pytest.mark.parametrize("key", ["", "x" * 201, "a\tb", "khóa".encode(), b"\xff", b"a\x7f"])
async def test_when_a_key_is_not_printable_or_too_long_then_it_is_400_and_named(house: House, key: str | bytes) -> None:
    root = await house.person("root", Role.ADMINISTRATOR)
    answer = await root.post(
        PATH, json=BODY, headers=[(b"idempotency-key", key if isinstance(key, bytes) else key.encode())]
    )
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "Idempotency-Key")
    twice = await root.post(PATH, json=BODY, headers=[(b"idempotency-key", b"a"), (b"idempotency-key", b"b")])
    assert twice.status_code == 400
    assert await count("applications") == 0


async def test_when_a_day_has_passed_then_the_key_is_free_and_tidied_away(house: House) -> None:
    root = await house.person("root", Role.ADMINISTRATOR)
    assert (await root.post(PATH, json=BODY, headers=KEY)).status_code == 201
    async with db.transaction(db.EVERYTHING) as tx:
        await idempotency.tidy(tx, clock.now() + timedelta(hours=23))
    assert await count("idempotency_keys") == 1
    async with db.transaction(db.EVERYTHING) as tx:
        await tx.execute("update idempotency_keys set created_at = created_at - interval '25 hours'")
    late = await root.post(PATH, json={**BODY, "code": "later"}, headers=KEY)
    assert (late.status_code, late.json()["code"]) == (201, "later")
    async with db.transaction(db.EVERYTHING) as tx:
        await idempotency.tidy(tx, clock.now() + timedelta(hours=25))
    assert await count("idempotency_keys") == 0


async def test_when_an_answer_was_packed_for_one_caller_then_another_still_reads_it(house: House) -> None:
    root = await house.person("root", Role.ADMINISTRATOR)
    long = {**BODY, "name": "ố" * 160, "name_en": "ồ" * 160, "owner_office": "ộ" * 160}
    packed = await root.post(PATH, json=long, headers={**KEY, "Accept-Encoding": "gzip"})
    assert packed.num_bytes_downloaded > 1_000  # long enough to be packed
    plain = await root.post(PATH, json=long, headers={**KEY, "Accept-Encoding": "identity"})
    assert (plain.json(), plain.headers.get("content-encoding")) == (packed.json(), None)


async def test_when_a_call_has_a_key_then_what_it_does_has_the_scope_that_it_has_without(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    clerk, seen = await house.person("a", Role.CLERK, "21025"), []
    plain = declarations.declare

    async def watched(actor: Actor, said: declarations.Said, *, now: datetime) -> UUID:
        async with db.transaction(actor.scope) as tx:
            seen.append(
                await tx.fetchval("select current_setting('assets.everything') || current_setting('assets.sites')")
            )
        return await plain(actor, said, now=now)

    monkeypatch.setattr(declarations, "declare", watched)
    said = {"site": "21025", "kind": "paper_mode"}
    for headers in ({}, KEY):
        assert (await clerk.post("/api/v1/declarations", json=said, headers=headers)).status_code == 201
    assert seen[0] == seen[1]
    assert UUID(seen[1])


async def test_when_one_step_of_many_fails_then_the_others_are_kept_and_each_has_its_scope(database: str) -> None:
    nothing = "select current_setting('assets.everything')"
    async with db.together() as outer:
        async with db.transaction(db.EVERYTHING) as tx:
            await tx.execute("create temp table t (n int) on commit drop")
            assert await tx.fetchval(nothing) == "1"
        with pytest.raises(asyncpg.DivisionByZeroError):  # noqa: PT012 - the step is the statement
            async with db.transaction(db.EVERYTHING) as tx:
                await tx.execute("insert into t values (1)")
                await tx.execute("select 1 / 0")
        async with db.transaction(db.NOTHING) as tx:
            assert await tx.fetchval(nothing) == ""
            await tx.execute("insert into t values (2)")
            async with db.transaction(db.EVERYTHING) as inner:
                assert await inner.fetchval(nothing) == ""  # the outer scope stays in force
        assert [row["n"] for row in await outer.fetch("select n from t")] == [2]
    assert not DB.transaction_exists()
