"""Whatever comes in, in whatever place of whatever route: refused as a document that names the place, never a 5xx.

With LONG=1, as `.ci/run` does, each place gets every value; in the short run a body or a field gets every tenth or
thirtieth, each place other ones than the one before.
"""

import asyncio
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote

import httpx2
import pytest
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute

from assets import clock, db
from assets.access import service as access
from assets.access.actor import SYSTEM
from assets.access.permissions import Action, Role
from assets.ids import new_id
from assets.web.bodies import TAKES
from assets.web.paging import RESERVED
from tests.conftest import LONG, House, running
from tests.http.test_contract import asset, target

ENDLESS = "x" * 20_000
pytestmark = pytest.mark.timeout(1_500)
NOTHING = "00000000-0000-7000-8000-000000000000"
# Values for a field or a parameter, as JSON.
VALUES = (
    '"a\\u0000b"', '"\\ud800"', '"\\udfff\\ud800"', json.dumps(ENDLESS), "2147483648", "9223372036854775808", "1" + "0" * 400,
    "-1", "1e400", "-0.0", "true", "null", "[]", "{}", '[[["a"]]]', '""', '" "', '"0001-01-01"', '"9999-12-31"',
    '"0001-01-01T00:00:00+14:00"', '"9999-12-31T23:59:59-14:00"', '"0000-00-00"', '"2026-02-30T25:61:61Z"', '"1e309"',
    '"../../etc/passwd"', '"%s%n%(x)s{0}"', '"\\u202e\\u200b\\ufeff"', '"99999999999999999999"', '"NaN"', '"Infinity"',
)  # fmt: skip
UNSTORABLE = VALUES[:3]
QUERIES = (
    "%00", "a%00b", "%ff", "%ed%a0%80", "%C0%80", ENDLESS, "2147483648", "9223372036854775808", "1" + "0" * 400, "-1", "1_0",
    "%D9%A1", "0001-01-01", "0001-01-01T00:00:00%2B14:00", "9999-12-31T23:59:59-14:00", "9999-12-31", "NaN", "1e400", "",
    "%20", "true", "[]", "%25s%25(x)s", "a,b,,", "%F0%9F%98%80",
)  # fmt: skip
SEGMENTS = (
    "%00", "%ff", "%ed%a0%80", "%C0%80", "a%00b", "x" * 5_000,
    "9" * 400, "-1", "1_0", "%D9%A1", "%2e%2e", "%2F", "%5C", "..%00",
    "%25s", "%7B0%7D", "0001-01-01", "%E2%80%AE", "%20", "null", ".json", "%0D%0Ax", "00000000000000000000000000000000",
)  # fmt: skip
BODIES: tuple[bytes, ...] = (
    b"\xff\xfe", b"{", b"[" * 100_000, b'{"a":' * 100_000,
    b"[" * 100_000 + b"]" * 100_000,
    b'{"a": "\\ud800"}', b'{"a": "\\u0000"}',
    b"null", b"[]", b"1", b'"x"', b"NaN", b"{} {}", b'{"a": 1, "a": 2}', b'{"a": ' + b"9" * 5_000 + b"}", b"\0",
    b"\xef\xbb\xbf{}",
    "{}".encode("utf-16"), b'{"__proto__": {"x": 1}}', b"<a/>", b"a=1&b=2",
)  # fmt: skip
FORMS: tuple[bytes, ...] = (
    b"a=%00", b"a=%ff", b"a=%ed%a0%80", b"a=\xff", b"%", b"=", b"&" * 5_000, b"a=1&" * 3_000, b"reason=" + b"x" * 100_000,
    b"version=9999999999999999999999", b"version=-1", b"version=1_0", b"quantity_1=9999999999999999999999&reason=x&version=1",
)  # fmt: skip


T = TypeVar("T")


class Turns:
    """Takes turns: all values with LONG, else every tenth or so, beginning one later at each turn."""

    def __init__(self, each: int = 10) -> None:
        self.each, self.turn, self.tried = each, 0, 0

    def __call__(self, values: Sequence[T], *, whole: bool = True) -> Sequence[T]:
        self.turn += 1
        found = values if LONG and whole else values[self.turn % self.each :: self.each]
        self.tried += len(found)
        return found


@dataclass(frozen=True)
class Call:
    """One method of one route."""

    method: str
    route: HTTPRoute
    handler: HTTPRouteHandler

    @property
    def name(self) -> str:
        return f"{self.method} {self.route.path_format}"

    @property
    def api(self) -> bool:
        return self.route.path.startswith("/api/")

    def path(self, things: dict[str, str], **other: str) -> str:
        parts = (part[1:-1] if part.startswith("{") else None for part in self.route.path_format.split("/"))
        plain = self.route.path_format.split("/")
        return "/".join(
            text if name is None else other.get(name, things.get(name, NOTHING))
            for name, text in zip(parts, plain, strict=True)
        )


@dataclass(frozen=True)
class Ugly:
    """The house with a person who may do everything, a collector, and one thing of each kind."""

    house: House
    everybody: httpx2.AsyncClient
    collector: httpx2.AsyncClient
    things: dict[str, str]

    def calls(self, *methods: str) -> Iterator[Call]:
        for route in self.house.app.routes:
            for handler in route.route_handlers if isinstance(route, HTTPRoute) else ():
                for method in sorted(set(methods) & {str(m) for m in handler.http_methods}):
                    yield Call(method, route, handler)

    def who(self, call: Call) -> httpx2.AsyncClient:
        actions = {getattr(guard, "action", None) for guard in call.handler.guards or ()}
        return self.collector if Action.REPORT_OBSERVATIONS in actions else self.everybody

    async def send(self, call: Call, path: str, **more: Any) -> httpx2.Response:
        headers = {"If-Match": '"1"', **more.pop("headers", {})}
        url = httpx2.URL(self.house.settings.url).copy_with(raw_path=path.encode("ascii"))
        answer = await self.who(call).request(call.method, url, headers=headers, follow_redirects=False, **more)
        assert answer.status_code < 500, (call.name, path[:200], str(more)[:200], answer.text[:300])
        if answer.status_code >= 400 and call.api:
            assert answer.headers["content-type"] == "application/problem+json", (call.name, answer.text[:300])
            assert answer.json()["status"] == answer.status_code
            for foreign in ("Traceback", "asyncpg", "pydantic", "msgspec", "litestar", "select ", "/src/", "postgres"):
                assert foreign not in answer.text, (call.name, answer.text[:300])
        return answer


@pytest.fixture
async def ugly(database: str) -> Ugly:
    house = await running(rate_per_minute=1_000_000)  # who is asked to wait says nothing of the value
    everybody = await house.person("every", Role.ADMINISTRATOR)
    of = await asset()
    things = {
        "tag": "QN-1",
        "target": str(await target(of=of)),
        "code": "21025",
        "site": "21025",
        "number": "1",
        "ref": "1",
    }
    async with db.transaction(db.EVERYTHING) as tx:
        things["model"] = str(await tx.fetchval("select id from asset_models limit 1"))
    user = await access.add_user(SYSTEM, access.NewUser(name="other", role=Role.INSPECTOR))
    things |= {"user": str(user)}
    async with db.transaction(db.EVERYTHING) as tx:
        mine = await tx.fetchval("select id from users where name = 'every'")
        for role in set(Role) - {Role.ADMINISTRATOR, Role.COLLECTOR, Role.SERVICE}:
            await tx.execute(
                'insert into grants (id, "user", role, created_at) values ($1,$2,$3,$4)',
                new_id(),
                mine,
                role,
                clock.now(),
            )
    collector = await house.collector()
    found = (await everybody.get("/api/v1/collectors")).json()["items"][0]["id"]
    await everybody.post("/api/v1/applications", json={"code": "a", "name": "A"})
    await everybody.post(
        "/api/v1/equipment-requests",
        json={"site": "21025", "reason": "x", "lines": [{"category": "printer", "quantity": 1}], "draft": True},
    )
    moving = {"from_site": "21025", "to_site": "21028", "assets": ["QN-1"]}
    things["number"] = str((await everybody.post("/api/v1/transfers", json=moving)).json()["number"])
    return Ugly(house, everybody, collector, {**things, "collector": found})


@pytest.mark.long
async def test_when_a_path_is_ugly_then_there_is_nothing_there(ugly: Ugly) -> None:
    some = Turns()
    for call in ugly.calls("GET", "POST", "PATCH", "PUT", "DELETE"):
        for name in call.route.path_parameters:
            for segment in some(SEGMENTS):
                more = {"json": {}} if call.method in ("PATCH", "PUT", "DELETE") else {}
                answer = await ugly.send(call, call.path(ugly.things, **{name: segment}), **more)
                assert answer.status_code >= 400 or not call.api or segment in (".json", "%2F"), (call.name, segment)
    assert some.tried > 500


@pytest.mark.long
async def test_when_a_query_is_ugly_then_the_parameter_is_named(ugly: Ugly) -> None:
    document = ugly.house.app.openapi_schema.to_schema()["paths"]
    some = Turns()
    for call in ugly.calls("GET"):
        operation = document.get(call.route.path_format, {}).get("get", {})
        queries = [p for p in operation.get("parameters", []) if p["in"] == "query"]
        needed = [p["name"] for p in queries if p.get("required")]
        names = [p["name"] for p in queries if not p["name"].endswith(("__gt", "__lt", "__lte"))]  # as __gte
        for name in [*names, *call.handler.opt.get("query", ())]:
            others = "".join(f"&{n}={ugly.things.get(n, 'x')}" for n in needed if n != name)
            # All lists read the reserved ones in one place, and a list and its files all of theirs.
            for value in some(QUERIES[:: 3 if name in RESERVED else 1], whole="/exports/" not in call.name):
                answer = await ugly.send(call, f"{call.path(ugly.things)}?{quote(name)}={value}{others}")
                if call.api and answer.status_code == 400:
                    fields = {error["field"] for error in answer.json().get("errors", [])}
                    assert name in fields, (call.name, name, value[:50], answer.text[:300])
        for query in some(("%ff=1", "%00=1", "=", "&&&", "a" * 9_000, "%ed%a0%80=1", "limit=1&limit=2", "q=a&q=b")):
            await ugly.send(call, f"{call.path(ugly.things)}?{query}")
    assert some.tried > 1_000


@pytest.mark.longer
async def test_when_a_body_is_ugly_then_it_is_refused(ugly: Ugly) -> None:
    some = Turns()
    for call in ugly.calls("POST", "PATCH", "PUT"):
        path = call.path(ugly.things)
        first, *_ = bodies = some(BODIES if call.api else FORMS)
        files = call.handler.opt.get(TAKES) or frozenset()
        files = files if "application/json" not in files else frozenset()
        for body in bodies:
            if files and call.api:  # takes files only, as they are or in a form, and says so
                for kind, status in (("application/json", 415), (f"{min(files)}; boundary=x", 400), (min(files), 400)):
                    answer = await ugly.send(call, path, content=body, headers={"Content-Type": kind})
                    assert answer.status_code == status, (call.name, kind, body[:30], answer.text[:200])
                continue
            kinds = ("application/json", "text/plain", "application/x-www-form-urlencoded") if call.api else (
                "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "multipart/form-data", "application/json",
            )  # fmt: skip
            for kind in kinds if body == first else kinds[:1]:
                answer = await ugly.send(call, path, content=body, headers={"Content-Type": kind})
                if call.api and kind != "application/json":
                    assert answer.status_code == 415, (call.name, kind, body[:30])
                elif call.api and body not in (b"null", b"{}", BODIES[-3]):
                    takes_none = (
                        answer.status_code in (200, 202, 404, 409)
                        and "data" not in call.handler.parsed_fn_signature.parameters
                    )
                    assert answer.status_code == 400 or takes_none, (call.name, body[:30], answer.text[:200])


@pytest.mark.longer
async def test_when_one_field_is_ugly_then_it_is_the_one_that_is_named(ugly: Ugly) -> None:
    document = ugly.house.app.openapi_schema.to_schema()
    filled = Filled(document, KNOWN | {"target": ugly.things["target"], "model": ugly.things["model"]})
    some, missed = Turns(30), list[object]()
    for call in ugly.calls("POST", "PATCH", "PUT"):
        content = document["paths"].get(call.route.path_format, {}).get(call.method.lower(), {}).get("requestBody", {})
        schema = content.get("content", {}).get("application/json", {}).get("schema")
        if schema is None:
            continue
        good = filled.of(schema)
        plain = await ugly.send(call, call.path(ugly.things), json=good)
        # A rule about several fields names one of them, also when another is missing.
        rules = {e["field"] for e in plain.json().get("errors", [])} if plain.status_code == 400 else set()
        for field in filled.properties(schema):
            for value in some(VALUES):
                rest = "".join(f", {json.dumps(k)}: {json.dumps(v)}" for k, v in good.items() if k != field)
                body = f'{{"{field}": {value}{rest}}}'
                answer = await ugly.send(
                    call, call.path(ugly.things), content=body, headers={"Content-Type": "application/json"}
                )
                if answer.status_code == 400:
                    fields = [error["field"] for error in answer.json().get("errors", [])]
                    right = (
                        fields == [field]
                        if value in UNSTORABLE
                        else ({field} | rules | RULES.get(field, set())) & {f.split(".")[0] for f in fields}
                    )
                    if not right:
                        missed.append((call.name, field, value[:60], answer.text[:300]))
    assert not missed, "\n".join(map(str, missed[:20]))
    assert some.tried > (1_000 if LONG else 30)


@pytest.mark.long
async def test_when_any_post_is_sent_again_with_its_key_then_it_has_one_effect_and_one_answer(ugly: Ugly) -> None:
    document = ugly.house.app.openapi_schema.to_schema()
    filled, done = Filled(document, KNOWN | {k: ugly.things[k] for k in ("target", "model")}), 0
    for call in ugly.calls("POST"):
        if not call.api or call.route.path.endswith("/observations"):
            continue
        operation = document["paths"][call.route.path_format]["post"]
        schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
        more: dict[str, Any] = {
            "headers": {"Idempotency-Key": "a key"},
            **({"json": filled.of(schema)} if schema else {}),
        }
        path = call.path(ugly.things)
        first = await ugly.send(call, path, **more)
        written = await rows()
        again = await asyncio.gather(*(ugly.send(call, path, **more) for _ in range(3)))
        if first.status_code < 400:
            assert {(a.status_code, a.content) for a in again} == {(first.status_code, first.content)}, call.name
            assert {a.headers.get("idempotency-replayed") for a in again} == {"true"}, call.name
            done += 1
        else:
            assert {a.status_code for a in again} == {first.status_code}, (call.name, first.text)
        assert await rows() == written, call.name
    assert done >= 10


async def rows() -> list[tuple[str, int]]:
    """How much of everything there is."""
    async with db.transaction(db.EVERYTHING) as tx:
        names = await tx.fetch(
            "select relname from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') "
            "and not relispartition"
        )
        kept = [n["relname"] for n in names if n["relname"] not in ("migration",)]
        return [(name, await tx.fetchval(f'select count(*) from "{name}"')) for name in sorted(kept)]


# Another field that a rule about two names when this one is odd.
RULES = {
    "starts_at": {"ends_at"}, "manufacturer": {"model"}, "asset_tag": {"address"}, "link": {"address"},
    "application": {"address"}, "quantity": {"consumable"},
}  # fmt: skip
# What the house has, by the names of fields.
KNOWN = {
    "site": "21025", "unit": "21025", "category": "printer", "user": "other", "name": "free", "code": "free",
    "starts_at": "2026-11-20T08:00:00Z", "ends_at": "2036-11-20T08:00:00Z", "url": "ntfys://203.0.113.1/topic",
    "lines": [{"category": "printer"}], "successors": [{"code": "29999", "name": "Xã Mới", "kind": "commune"}],
}  # fmt: skip


class Filled:
    """Plausible values for a schema of the OpenAPI document."""

    def __init__(self, document: dict[str, Any], known: dict[str, Any]) -> None:
        self.document, self.known = document, known

    def of(self, schema: dict[str, Any]) -> Any:
        schema = self.resolved(schema)
        if "enum" in schema:
            return schema["enum"][0]
        kind, form = schema.get("type"), schema.get("format")
        if kind == "object" or "properties" in schema:
            needed = {name: self.of(schema["properties"][name]) for name in schema.get("required", ())}
            return needed | {name: value for name, value in self.known.items() if name in needed}
        if kind == "array":
            return [self.of(schema["items"])] if schema.get("minItems") else []
        if kind == "string":
            known = {
                "uuid": NOTHING,
                "date": "2026-11-20",
                "date-time": "2026-11-20T08:00:00Z",
            }
            return known.get(form or "", "x" * max(1, schema.get("minLength", 1)))
        return {"integer": max(1, int(schema.get("minimum", 1))), "number": 1.0, "boolean": True}.get(str(kind))

    def properties(self, schema: dict[str, Any]) -> list[str]:
        return list(self.resolved(schema).get("properties", {}))

    def resolved(self, schema: dict[str, Any]) -> dict[str, Any]:
        while True:
            for some in ("oneOf", "anyOf", "allOf"):
                if some in schema:
                    schema = next(s for s in schema[some] if s.get("type") != "null")
                    break
            else:
                if "$ref" not in schema:
                    return schema
                schema = self.document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
