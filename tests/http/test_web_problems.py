"""What callers are told when something fails: programs a document, people a page, nobody a trace."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Literal

import asyncpg
import pytest
from httpx2 import ASGITransport, AsyncClient
from litestar import get, post
from litestar.params import FromPath, JSONBody, URLEncodedBody
from pydantic import BaseModel, Field
from structlog.testing import capture_logs

from assets.errors import Conflict, Invalid, NotAllowed, NotFound, NotSignedIn, Stale, Unavailable
from tests import web_world


class Thing(BaseModel):
    name: str
    count: int
    inner: dict[str, object] = {}


ERRORS = {
    "not-found": NotFound(), "not-allowed": NotAllowed(), "conflict": Conflict("It is %(state)s already.", state="closed"),
    "stale": Stale(), "invalid": Invalid(fields={"name": "too short"}), "away": Unavailable(), "nobody": NotSignedIn(),
    "same": asyncpg.UniqueViolationError("duplicate key value violates unique constraint users_name_key"),
    "used": asyncpg.ForeignKeyViolationError("update or delete violates"),
    "range": asyncpg.NumericValueOutOfRangeError("integer out of range"), "defect": RuntimeError("secret: hunter2"),
    "sql": asyncpg.UndefinedColumnError("column secret_column does not exist"),
}  # fmt: skip
STATUS = {
    "not-found": 404, "not-allowed": 403, "conflict": 409, "stale": 412, "invalid": 400, "away": 503, "nobody": 401,
    "same": 409, "used": 409, "range": 400, "defect": 500, "sql": 500,
}  # fmt: skip


@get(["/api/v1/fail/{name:str}", "/fail/{name:str}"], sync_to_thread=False)
def fail(name: FromPath[str]) -> None:
    raise ERRORS[name]


@post(["/api/v1/things", "/things"], sync_to_thread=False)
def take(data: JSONBody[Thing]) -> Thing:
    return data


class Parcel(BaseModel):
    name: Annotated[str, Field(min_length=1, max_length=9)]
    count: Annotated[int, Field(ge=0)]
    kind: Literal["a", "b"] = "a"


@post("/api/v1/parcels", sync_to_thread=False)
def send(data: JSONBody[Parcel]) -> Parcel:
    return data


@post("/form", sync_to_thread=False)
def form(data: URLEncodedBody[dict[str, str]]) -> dict[str, str]:
    return data


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[AsyncClient]:
    application = web_world.app(tmp_path, raises=[fail, take, send, form])
    async with AsyncClient(transport=ASGITransport(application), base_url="http://testserver") as client:
        yield client


@pytest.mark.parametrize("name", ERRORS)
async def test_when_a_program_calls_then_every_error_is_a_problem_document(client: AsyncClient, name: str) -> None:
    answer = await client.get(f"/api/v1/fail/{name}")
    document = answer.json()
    assert answer.status_code == document["status"] == STATUS[name]
    assert answer.headers["content-type"] == "application/problem+json"
    assert {"type", "title", "status", "detail"} <= set(document)
    assert "hunter2" not in answer.text
    assert "secret_column" not in answer.text
    assert "duplicate key" not in answer.text


async def test_when_the_error_has_facts_then_the_document_carries_and_says_them(client: AsyncClient) -> None:
    document = (await client.get("/api/v1/fail/conflict")).json()
    assert (document["detail"], document["state"], document["title"]) == ("It is closed already.", "closed", "Conflict")
    assert (await client.get("/api/v1/fail/invalid")).json()["errors"] == [{"field": "name", "detail": "too short"}]


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        (None, "en"),
        ("en", "en"),
        ("fr, de", "en"),
        ("vi-VN,vi;q=0.9,en;q=0.8", "vi"),
        ("en;q=0.1, vi", "vi"),
        ("\xff;;=", "en"),
    ],
)
async def test_when_a_program_says_its_language_then_the_document_speaks_it_and_is_else_the_same(
    client: AsyncClient, accepted: str | None, language: str
) -> None:
    headers = {} if accepted is None else {"Accept-Language": accepted.encode("latin-1")}
    for name in ERRORS:
        with capture_logs():  # tracebacks are slow to write
            plain = await client.get(f"/api/v1/fail/{name}")
            answer = await client.get(f"/api/v1/fail/{name}", headers=headers)
        assert (answer.status_code, answer.headers["content-language"]) == (plain.status_code, language)
        assert "Accept-Language" in answer.headers["vary"]
        document, english = answer.json(), plain.json()
        for member in ("title", "detail"):
            same = document.pop(member) == english.pop(member)
            assert same is (language == "en" or (name, member) == ("conflict", "detail"))  # which no catalogue has
        assert document == english


@pytest.mark.parametrize(
    ("sent", "field", "said"),
    [
        ({"name": "x"}, "count", "Xin nhập mục này."),
        ({"name": "x", "count": "many"}, "count", "Xin nhập số nguyên."),
        ({"name": "x" * 10, "count": 1}, "name", "Nhiều nhất 9 ký tự."),
        ({"name": "", "count": 1}, "name", "Xin nhập mục này."),
        ({"name": "x", "count": -1}, "count", "Ít nhất 0."),
        ({"name": "x", "count": 1, "kind": "c"}, "kind", "Một trong các giá trị: 'a', 'b'."),
    ],
)  # fmt: skip
async def test_when_a_program_speaks_vietnamese_then_so_does_what_is_wrong_with_a_field(
    client: AsyncClient, sent: dict[str, object], field: str, said: str
) -> None:
    answer = await client.post("/api/v1/parcels", json=sent, headers={"Accept-Language": "vi"})
    assert answer.json()["errors"] == [{"field": field, "detail": said}]
    english = (await client.post("/api/v1/parcels", json=sent)).json()["errors"]
    assert english[0]["detail"].startswith(("Field required", "String should", "Input should"))


async def test_when_a_part_is_away_then_the_answer_says_when_to_try_again(client: AsyncClient) -> None:
    for path in ("/api/v1/fail/away", "/fail/away"):
        assert int((await client.get(path)).headers["retry-after"]) >= 1


@pytest.mark.parametrize("name", [n for n in ERRORS if n != "nobody"])
async def test_when_a_person_calls_then_a_page_says_what_failed_what_was_kept_and_what_to_do(
    client: AsyncClient, name: str
) -> None:
    answer = await client.get(f"/fail/{name}")
    assert answer.status_code == STATUS[name]
    assert answer.headers["content-type"].startswith("text/html")
    assert '<html lang="vi">' in answer.text
    assert "đề nghị" in answer.text.lower()
    assert "hunter2" not in answer.text


async def test_when_something_unexpected_happens_then_the_log_has_it_all(client: AsyncClient) -> None:
    with capture_logs() as logs:
        await client.get("/api/v1/fail/defect")
    assert any("hunter2" in str(entry.get("exc_info")) for entry in logs)


async def test_when_nobody_is_signed_in_then_a_page_leads_to_the_sign_in_and_back(client: AsyncClient) -> None:
    answer = await client.get("/fail/nobody?a=1&b=2")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/sign-in?next=/fail/nobody%3Fa%3D1%26b%3D2"


async def test_when_a_part_of_a_page_needs_a_sign_in_then_the_whole_page_goes_there(client: AsyncClient) -> None:
    answer = await client.get("/fail/nobody", headers={"HX-Request": "true"})
    assert (answer.status_code, answer.headers["hx-redirect"]) == (401, "/sign-in")


@pytest.mark.parametrize(
    ("path", "kind"), [("/api/v1/nothing", "application/problem+json"), ("/nothing", "text/html; charset=utf-8")]
)
async def test_when_there_is_no_such_route_then_each_gets_its_own_404(
    client: AsyncClient, path: str, kind: str
) -> None:
    answer = await client.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (404, kind)


async def test_when_the_method_is_wrong_then_405(client: AsyncClient) -> None:
    assert (await client.delete("/api/v1/things")).status_code == 405


HOSTILE = {
    "no json": b"{", "not utf-8": b'{"name": "\xff\xfe", "count": 1}',
    "deep": b'{"name":"x","count":1,"inner":' + b'{"a":' * 100_000,
    "deep list": b"[" * 200_000 + b"]" * 200_000, "lone surrogate": b'{"name": "\\ud800", "count": 1}', "empty": b"",
    "wrong type": b'{"name": [], "count": "many"}', "huge number": b'{"name": "x", "count": 1e999}', "null": b"null",
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
async def test_when_a_body_is_hostile_then_it_is_refused_and_never_a_500(client: AsyncClient, name: str) -> None:
    for path in ("/api/v1/things", "/things"):
        answer = await client.post(path, content=HOSTILE[name], headers={"content-type": "application/json"})
        assert answer.status_code in (400, 413) or (name == "lone surrogate" and answer.status_code == 201)


async def test_when_a_field_is_wrong_then_the_document_names_it(client: AsyncClient) -> None:
    document = (await client.post("/api/v1/things", json={"name": "x", "count": "many"})).json()
    assert [e["field"] for e in document["errors"]] == ["count"]


@pytest.mark.parametrize(
    "body", [b"name=%ff%fe", b"name=\xff\xfe", b"a=1&a=2", b"%", b"\x00" * 50, b"=" * 3_000, b"name"]
)
async def test_when_a_form_is_hostile_then_it_is_never_a_500(client: AsyncClient, body: bytes) -> None:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    for path in ("/form", "/language"):
        assert (await client.post(path, content=body, headers=headers)).status_code < 500


@pytest.mark.parametrize(
    "query", [b"q=%ff", b"q=%00", b"q=\xff", b"%%%", b"=", b"next=%ed%a0%80", b"q=" + b"%f0" * 9_000]
)
async def test_when_an_address_is_hostile_then_it_is_never_a_500(client: AsyncClient, query: bytes) -> None:
    for path in ("/sign-in", "/api/v1/nothing", "/fail/nobody"):
        assert await status_of(client, path, query) < 500


async def status_of(client: AsyncClient, path: str, query: bytes) -> int:
    """The status of a call whose query string no tidy client would send."""
    sent: list[dict[str, object]] = []

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http", "path": path,
        "raw_path": path.encode(), "query_string": query, "root_path": "", "headers": [(b"host", b"testserver")],
        "client": ("127.0.0.1", 1), "server": ("testserver", 80),
    }  # fmt: skip
    await client._transport.app(scope, receive, send)
    return int(str(sent[0]["status"]))
