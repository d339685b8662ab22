"""Lists as files: the same rows as the list, to the last one, for whoever may see the list, and nothing left behind."""

import asyncio
import csv
import io
import json
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx2
import pytest
import python_calamine

from assets import db, exports
from assets.access.permissions import Role
from assets.exports import exported
from assets.web.cells import plain
from assets.web.language import translate
from tests.conftest import House
from tests.http.test_audit_events import an_incident
from tests.http.test_contract import asset, narrow, target
from tests.http.test_schema import furnish

MANY = 20_000
FEWER = 6_000  # still in the middle when the reader stops


def rows_of(answer: httpx2.Response) -> list[dict[str, str]]:
    assert answer.status_code == 200, answer.text
    assert answer.content.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))


def table_of(answer: httpx2.Response) -> list[list[Any]]:
    assert answer.status_code == 200, answer.text
    return list(
        python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(answer.content)).get_sheet_by_index(0).to_python()
    )


async def many(count: int = MANY) -> None:
    """As many assets more at the first centre."""
    await asset()
    async with db.transaction(db.EVERYTHING) as tx:
        await tx.execute(
            "insert into assets select (jsonb_populate_record(a, jsonb_build_object('id', gen_random_uuid(), "
            "'tag', 'T-' || lpad(n::text, 6, '0'), 'serial', '=1+' || n))).* from assets a, generate_series(1, $1) n",
            count,
        )


async def test_when_there_is_a_list_then_both_files_have_its_rows_and_fields(house: House) -> None:
    await furnish(house)
    admin = await house.person("root", Role.ADMINISTRATOR)
    for one in exported(house.app):
        if one.resource in ("audit-events", "users", "tokens"):
            continue  # their last columns move with each call; see below
        listed = (await admin.get(f"/api/v1/{one.resource}?limit=1000")).json()["items"]
        rows = rows_of(await admin.get(f"/api/v1/exports/{one.resource}.csv"))
        table = table_of(await admin.get(f"/api/v1/exports/{one.resource}.xlsx"))
        assert tuple(table[0]) == one.columns, one.resource
        assert len(rows) == len(table) - 1 == len(listed), one.resource
        for row, item in zip(rows, listed, strict=True):
            assert list(row) == list(item), one.resource
            for name, value in item.items():
                if one.resource == "collectors" or name.endswith("_at"):
                    continue
                expected = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
                assert row[name] == (expected if isinstance(value, list | dict) else str(plain(value))), name


QUERIES = ["q=QN-1&tag__lt=T-000007", "site=21028", "sort=-serial", "stage=in_use&sort=-tag", "serial==1%2B7",
           "original_cost__gte=5", "site=21025&site=21028&q=cam thanh&sort=tag"]  # fmt: skip


@pytest.mark.parametrize("query", QUERIES)
async def test_when_a_list_is_filtered_then_so_is_its_file_in_the_same_order(house: House, query: str) -> None:
    await many(30)
    await asset("QN-9", "21028")
    admin = await house.person("root", Role.ADMINISTRATOR)
    listed = [item["tag"] for item in (await admin.get(f"/api/v1/assets?limit=1000&{query}")).json()["items"]]
    assert [row["tag"] for row in rows_of(await admin.get(f"/api/v1/exports/assets.csv?{query}"))] == listed
    assert [row[1] for row in table_of(await admin.get(f"/api/v1/exports/assets.xlsx?{query}"))[1:]] == listed


async def test_when_a_parameter_or_a_resource_is_unknown_then_it_is_refused(house: House) -> None:
    admin = await house.person("root", Role.ADMINISTRATOR)
    for wrong in ("limit=1", "cursor=x", "x=1", "headings=none", "sort=note", "stage=nowhere", "tag__gte=%00"):
        answer = await admin.get(f"/api/v1/exports/assets.csv?{wrong}")
        assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json"), wrong
        assert answer.json()["errors"][0]["field"] == wrong.partition("=")[0]
    for path in ("nothing.csv", "assets.ods", "assets", "assets.csv.xlsx", "../assets.csv.csv"):
        assert (await admin.get(f"/api/v1/exports/{path}")).status_code == 404, path
    assert await _told() == []


async def test_when_a_file_is_sent_then_its_head_says_what_it_is_and_keeps_it_from_caches(house: House) -> None:
    admin = await house.person("root", Role.ADMINISTRATOR)
    for kind, media_type in (("csv", "text/csv; charset=utf-8"), ("xlsx", exports.MEDIA_TYPES["xlsx"])):
        head = (await admin.get(f"/api/v1/exports/equipment-requests.{kind}")).headers
        assert head["content-type"] == media_type
        name = head["content-disposition"].removeprefix('attachment; filename="').removesuffix('"')
        assert name.isascii()
        assert name.startswith("equipment-requests-20")
        assert name.endswith(f".{kind}")
        assert (head["x-content-type-options"], head["cache-control"]) == ("nosniff", "no-store")


async def test_when_people_ask_for_words_then_the_first_row_speaks_their_language(house: House) -> None:
    admin = await house.person("root", Role.ADMINISTRATOR)
    async with db.transaction(db.EVERYTHING) as tx:
        await tx.execute("update users set language = 'vi' where name = 'root'")
    answer = await admin.get("/api/v1/exports/assets.csv?headings=labels")
    assert "Mã tài sản" in answer.text.splitlines()[0]
    for one in exported(house.app):
        for language in ("vi", "en"):
            words = one.headings(language)
            assert len(set(words)) == len(words), (one.resource, language, words)  # two columns must not look alike
        assert all(translate("vi", word) != word for word in one.headings("en")), one.resource


async def test_when_a_device_or_person_wrote_a_formula_then_neither_file_has_one(house: House) -> None:
    await many(3)
    admin = await house.person("root", Role.ADMINISTRATOR)
    assert {row["serial"] for row in rows_of(await admin.get("/api/v1/exports/assets.csv?tag__gte=T-"))} == {
        "'=1+1", "'=1+2", "'=1+3"
    }  # fmt: skip
    assert {row[6] for row in table_of(await admin.get("/api/v1/exports/assets.xlsx?tag__gte=T-"))[1:]} == {
        "=1+1", "=1+2", "=1+3"
    }  # fmt: skip


# --- the trail


async def _told() -> list[Mapping[str, Any]]:
    async with db.transaction(db.EVERYTHING) as tx:
        rows = await tx.fetch("select * from audit_events where action = 'export' order by at")
    return [{**row, "after": json.loads(row["after"])} for row in rows]


async def test_when_anything_is_exported_then_the_trail_says_who_took_how_much_of_what(house: House) -> None:
    admin = await house.person("root", Role.ADMINISTRATOR)
    await house.person("lan", Role.CLERK, "21025")
    users = rows_of(await admin.get("/api/v1/exports/users.csv?active=true&sort=-name&headings=labels"))
    table = table_of(await admin.get("/api/v1/exports/audit-events.xlsx?action=add"))
    await admin.get("/api/v1/exports/sites.csv")
    first, second, third = await _told()
    assert (first["actor_name"], first["subject_name"], first["subject_kind"]) == ("Root", "users.csv", "export")
    assert first["after"] == {"rows": len(users), "filter": {"active": ["true"], "sort": ["-name"]}}
    assert second["subject_name"] == "audit-events.xlsx"
    assert second["after"] == {"rows": len(table) - 1, "filter": {"action": ["add"]}}
    assert third["after"] == {"rows": 2, "filter": {}}
    page = await admin.get("/audit?subject_kind=export")
    assert "users.csv" in page.text
    assert "Exported" in page.text


async def test_when_somebody_may_not_see_the_list_then_the_trail_stays_empty(house: House) -> None:
    clerk = await house.person("lan", Role.CLERK, "21025")
    for resource in ("users", "audit-events", "tokens", "channels"):
        assert (await clerk.get(f"/api/v1/exports/{resource}.csv")).status_code == 403
    assert (await house.client().get("/api/v1/exports/sites.csv")).status_code == 401
    keeper = await narrow(house, "thu", Role.STOREKEEPER)
    assert [row["code"] for row in rows_of(await keeper.get("/api/v1/exports/sites.csv"))] == ["21025"]
    assert len(await _told()) == 1


# --- many rows, and readers that go away


@pytest.mark.long
@pytest.mark.timeout(400)
async def test_when_a_list_is_long_then_every_row_comes_once_and_soon(house: House) -> None:
    await many()
    admin = await house.person("root", Role.ADMINISTRATOR)
    began = time.process_time()
    tags = [row["tag"] for row in rows_of(await admin.get("/api/v1/exports/assets.csv"))]
    assert tags == sorted({*tags})
    assert len(tags) == MANY + 1
    assert [row[1] for row in table_of(await admin.get("/api/v1/exports/assets.xlsx"))[1:]] == tags
    assert time.process_time() - began < 30  # our own share of it, whatever else the machine has to do
    assert (await _told())[0]["after"]["rows"] == MANY + 1


class Reader:
    """A reader that stops reading after some blocks, and goes away a little later."""

    def __init__(self, house: House, client: httpx2.AsyncClient, path: str, *, blocks: int, stays: float = 0.2) -> None:
        self.house, self.blocks, self.stays, self.got = house, blocks, stays, 0
        self.stopped, self.leaves = asyncio.Event(), asyncio.Event()
        self.scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http",
            "path": path, "raw_path": path.encode(), "root_path": "", "query_string": b"", "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80), "extensions": {}, "state": {},
            "headers": [(b"host", b"localhost"), (b"authorization", client.headers["authorization"].encode())],
        }  # fmt: skip
        self.asked = False

    async def read(self) -> None:
        await self.house.app(self.scope, self._receive, self._send)

    async def _receive(self) -> dict[str, Any]:
        if not self.asked:
            self.asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        if self.blocks:
            await self.stopped.wait()
        with suppress(TimeoutError):
            await asyncio.wait_for(self.leaves.wait(), self.stays)
        return {"type": "http.disconnect"}

    async def _send(self, message: Mapping[str, Any]) -> None:
        if message["type"] == "http.response.body":
            self.got += 1
            if self.got >= self.blocks > 0:
                self.stopped.set()
                await asyncio.sleep(60)  # as a full socket does


async def _busy() -> int:
    """Connections of the pool that somebody holds."""
    pool = db.DB.pool
    return int(pool.get_size() - pool.get_idle_size())


async def _none_busy() -> None:
    while await _busy():
        await asyncio.sleep(0.05)


@pytest.mark.parametrize(("kind", "blocks"), [("csv", 1), ("csv", 3), ("xlsx", 0)])
async def test_when_a_reader_goes_away_then_its_query_ends_and_its_connection_is_free(
    house: House, kind: str, blocks: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    await many(FEWER)
    admin = await house.person("root", Role.ADMINISTRATOR)
    reader = Reader(house, admin, f"/api/v1/exports/assets.{kind}", blocks=blocks)
    reading = asyncio.create_task(reader.read())
    if blocks > 1:
        await reader.stopped.wait()
        assert await _busy() == 1  # it is in the middle of the list
    await asyncio.wait_for(reading, 40)
    await asyncio.wait_for(_none_busy(), 30)
    assert exports.AT_ONCE._value == 4
    assert not list(tmp_path.glob("assets-export-*"))
    assert len(await _told()) == 1  # also who went away had begun to take it


async def test_when_a_reader_stands_still_then_the_connection_does_not_wait_for_it(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "STALLED_SECONDS", 0.2)
    await many(FEWER)
    admin = await house.person("root", Role.ADMINISTRATOR)
    reader = Reader(house, admin, "/api/v1/exports/assets.csv", blocks=3, stays=60)
    reading = asyncio.create_task(reader.read())
    await reader.stopped.wait()
    assert await _busy() == 1
    await asyncio.wait_for(_none_busy(), 30)
    assert not reading.done(), "it still stands there"
    reader.leaves.set()
    await asyncio.wait_for(reading, 40)


# --- buttons


async def test_when_a_page_shows_a_part_then_its_buttons_give_the_same_rows_whole(house: House) -> None:
    await furnish(house)
    await target(of=await asset("QN-3"))
    admin = await house.person("root", Role.ADMINISTRATOR)
    pages = {
        "/people?q=lan&sort=-name": "users", "/audit?subject_kind=asset&at__gte=2026-01-01&q=": "audit-events",
        "/equipment-requests?site=21025": "equipment-requests",
    }  # fmt: skip
    for path, resource in pages.items():
        page = await admin.get(path)
        assert page.status_code == 200, path
        for kind in ("csv", "xlsx"):
            [link] = [part.split('"')[0].replace("&amp;", "&") for part in page.text.split('href="')
                      if part.startswith(f"/api/v1/exports/{resource}.{kind}?")]  # fmt: skip
            answer = await admin.get(link)
            assert answer.status_code == 200, answer.text
            count = len(rows_of(answer)) if kind == "csv" else len(table_of(answer)) - 1
            path_json = path.partition("?")[0] + ".json?" + path.partition("?")[2]
            assert count >= (await admin.get(path_json)).json()["total"] - 1, path


async def test_when_incidents_are_shown_then_the_buttons_keep_state_and_order(house: House) -> None:
    admin = await house.person("root", Role.ADMINISTRATOR)
    of = await target(of=await asset())
    for number in (1, 2):
        await an_incident(of, number)
    async with db.transaction(db.EVERYTHING) as tx:
        first, second = [row["number"] for row in await tx.fetch("select number from incidents order by number")]
        await tx.execute("update incidents set state = 'resolved', resolved_at = now() where number = $1", first)
    for query, numbers in (("", [str(second)]), ("?state=resolved&sort=-resolved_at", [str(first)])):
        page = await admin.get(f"/incidents{query}")
        assert page.status_code == 200, query
        [link] = [part.split('"')[0].replace("&amp;", "&") for part in page.text.split('href="')
                  if part.startswith("/api/v1/exports/incidents.csv?")]  # fmt: skip
        assert [row["Number"] for row in rows_of(await admin.get(link))] == numbers
