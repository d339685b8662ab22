"""What holds for every route: search, unknown parameters, versions, and what is only for the whole province."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import httpx2
import pytest
from litestar.handlers import BaseRouteHandler
from litestar.routes import HTTPRoute

from assets import clock, db
from assets.access import service as access
from assets.access.actor import SYSTEM
from assets.access.permissions import Role
from assets.dashboards.history import NO_DATA
from assets.errors import Invalid
from assets.ids import new_id
from assets.inventory import service as inventory
from assets.inventory import things
from assets.web.paging import Listing, ListQuery
from assets.web.parameters import ANY
from tests.conftest import House

LENIENT = ("/static", "/health", "/schema", "/metrics")
STRANGER = "no_such_parameter"


def gets(house: House) -> Iterator[tuple[str, BaseRouteHandler]]:
    """The address of every GET route with something in the place of its parameters, twins of pages too."""
    for route in house.app.routes:
        if not isinstance(route, HTTPRoute) or "GET" not in route.methods or route.path.startswith(LENIENT):
            continue
        handler = next(h for h in route.route_handlers if "GET" in h.http_methods)
        filled = "/".join(_filled(part) for part in route.path_format.split("/"))
        yield filled, handler
        if "twin" in handler.opt and "{" in route.path_format and not filled.endswith(".json"):
            yield f"{filled}.json", handler


def _filled(part: str) -> str:
    return {"{number}": "1", "{code}": "21025", "{tag}": "QN-1", "{site}": "21025", "{ref}": "1"}.get(
        part, str(uuid4()) if part.startswith("{") else part
    )


def named(answer: httpx2.Response) -> list[str]:
    return [error["field"] for error in answer.json()["errors"]]


async def asset(tag: str = "QN-1", site: str = "21025") -> UUID:
    await things.add_default_categories(SYSTEM)
    async with db.transaction(db.EVERYTHING) as tx:
        model = await tx.fetchval("select id from asset_models limit 1")
    if model is None:
        model = await things.add_model(SYSTEM, things.NewModel(category="printer", manufacturer="Canon", name="L1"))
    return await inventory.register(SYSTEM, inventory.NewAsset(tag=tag, model=model, site=site), now=clock.now())


async def target(site: str = "21025", of: UUID | None = None) -> UUID:
    found = new_id()
    async with db.transaction(db.EVERYTHING) as tx:
        await tx.execute(
            "insert into targets (id, site, asset, name, method, address, port, profile, interval_seconds, confirm, enabled, "
            "created_at, version) select $1, id, $3, 'printer', 'snmp', '127.0.0.9', 161, 'generic', 60, 1, true, $4, 1 "
            "from sites where code = $2", found, site, of, clock.now() - timedelta(days=30),
        )  # fmt: skip
    return found


async def narrow(house: House, name: str, role: Role, unit: str = "21025") -> httpx2.AsyncClient:
    """Somebody with a role of the province who has it, by an odd grant, for one unit alone."""
    client = await house.person(name, role)
    async with db.transaction(db.EVERYTHING) as tx:
        await tx.execute(
            'update grants set unit = (select id from administrative_units where code = $2) where "user" = '
            "(select id from users where name = $1)", name, unit,
        )  # fmt: skip
    return client


async def test_when_any_list_is_searched_then_it_answers_and_finds_nothing_for_nonsense(house: House) -> None:
    root = await house.person("root", Role.ADMINISTRATOR)
    lists = [(path, h.opt["listing"], h) for path, h in gets(house) if "listing" in h.opt]
    assert len(lists) >= 20
    for path, listing, handler in lists:
        assert listing.search, f"{path} has nothing to search"
        if any("{" in one for one in handler.paths):
            continue  # the rows of a thing that is not there
        for words in ("Đà Nẵng", "x' \\ %_ \"", "zz-no-such-thing"):
            answer = await root.get(path, params={"q": words})
            assert answer.status_code == 200, (path, answer.text)
        if (path.startswith("/api/") or path.endswith(".json")) and "/exports/" not in path:
            assert (answer.json()["total"], answer.json()["items"]) == (0, []), path


async def test_when_names_have_accents_then_the_search_is_blind_to_them(house: House) -> None:
    root = await house.person("root", Role.ADMINISTRATOR)
    await access.add_user(SYSTEM, access.NewUser(name="dd", role=Role.INSPECTOR, display_name="Đỗ Thị ỨNG"))
    await root.post("/api/v1/applications", json={"code": "mot-cua", "name": "Phần mềm MỘT CỬA Đồng bộ"})
    for path, words in (("users", "do thi ung"), ("applications", "một cửa đồng"), ("applications", "MOT CUA dong")):
        found = await root.get(f"/api/v1/{path}", params={"q": words})
        assert found.json()["total"] == 1, (path, words)
    for path, words in (("audit-events", "mot-cua"), ("tokens", "root")):
        assert (await root.get(f"/api/v1/{path}", params={"q": words})).json()["total"] >= 1, path


def test_when_a_list_has_nothing_to_search_then_q_is_no_parameter_of_it() -> None:
    bare = Listing(select="a.*", source="a", key="a.id", columns={}, sort="id")
    with pytest.raises(Invalid) as caught:
        ListQuery.of({"q": "x"}, bare)
    assert list(caught.value.fields) == ["q"]


async def test_when_a_parameter_is_not_known_then_every_route_refuses_and_names_it(house: House) -> None:
    root, collector = await house.person("root", Role.ADMINISTRATOR), await house.collector()
    seen = 0
    for path, handler in gets(house):
        if ANY in handler.opt.get("query", ()):  # what people send each other gets parameters of their messengers
            continue
        who = collector if "/self/" in path else root
        answer = await who.get(path, params={STRANGER: "1"}, follow_redirects=False)
        assert answer.status_code == 400, (path, answer.status_code)
        if path.startswith("/api/") or path.endswith(".json"):
            assert named(answer) == [STRANGER], path
        else:
            assert STRANGER in answer.text, path
        seen += 1
        for name in handler.opt.get("query", ()):
            allowed = await root.get(path, params={name: "1"}, follow_redirects=False)
            assert allowed.status_code != 400 or STRANGER not in allowed.text, (path, name)
    assert seen >= 40
    assert (await collector.get("/api/v1/collectors/self/assignment")).status_code == 200
    assert (await house.client().get(f"/api/v1/incidents?{STRANGER}=1")).status_code == 401


PAGES = (
    "/sign-in?next=/incidents",
    "/?q=x&readiness=able&page=1",
    "/equipment-requests/new?pick=equipment:printer&site=21025",
)


@pytest.mark.parametrize("path", PAGES)
async def test_when_a_page_has_parameters_then_they_stay_allowed(house: House, path: str) -> None:
    root = await house.person("root", Role.ADMINISTRATOR)
    assert (await root.get(path, follow_redirects=False)).status_code in (200, 303)


async def keep_readings(of: UUID, rows: list[tuple[datetime, list[float | None]]], instances: int = 3) -> None:
    names = ", ".join(f'["interface.in", "{i}"]' for i in range(instances))
    async with db.transaction(db.EVERYTHING) as tx:
        number = await tx.fetchval(
            "insert into reading_sets (digest, names) values ($1, $2) returning id", str(uuid4()), f"[{names}]"
        )
        for at, values in rows:
            await tx.execute(
                'insert into readings (target, at, reading_set, "values") values ($1,$2,$3,$4)', of, at, number, values
            )


@pytest.mark.parametrize("sort", ["at", "-at"])
@pytest.mark.parametrize("limit", [1, 4, 5, 1_000])
async def test_when_readings_are_paged_then_each_value_comes_once_also_within_one_moment(
    house: House, sort: str, limit: int
) -> None:
    engineer, of = await house.person("eng", Role.PROVINCE_IT), await target()
    begin = clock.now() - timedelta(hours=5)
    # Five looks of three values, two of them at one moment: a device whose clock ran ahead.
    moments = [begin + timedelta(hours=hours) for hours in (0, 1, 1, 2, 3)]
    await keep_readings(of, [(at, [n * 10.0, n * 10.0 + 1, None]) for n, at in enumerate(moments)])
    asked = {"target": str(of), "reading": "interface.in", "limit": limit, "sort": sort}
    shown, cursor = [], None
    for _ in range(20):
        page = (
            await engineer.get("/api/v1/readings", params={**asked, **({"cursor": cursor} if cursor else {})})
        ).json()
        assert (page["total"], set(page)) == (15, {"items", "total", "next"})
        assert len(page["items"]) <= limit
        shown += [(item["at"], item["instance"], item["value"]) for item in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert len(shown) == 15
    assert [at for at, _, _ in shown] == sorted((at for at, _, _ in shown), reverse=sort == "-at")
    assert sorted(v for _, _, v in shown if v is not None) == [n * 10.0 + i for n in range(5) for i in (0, 1)]


async def test_when_readings_are_asked_for_wrongly_then_the_parameter_is_named(house: House) -> None:
    engineer, of = await house.person("eng", Role.PROVINCE_IT), await target()
    await keep_readings(of, [(clock.now() - timedelta(hours=30), [1.0, 2.0, 3.0])])
    asked = {"target": str(of), "reading": "interface.in"}
    for name, value in (
        ("limit", "1001"), ("limit", "0"), ("hours", "0"), ("hours", "745"), ("at__gte", "soon"), ("cursor", "x"),
        ("cursor", "-at:1:0"), ("cursor", "at:99999999999999999:0"), ("sort", "value"), ("reading", "x" * 81), ("colour", "red"),
    ):  # fmt: skip
        answer = await engineer.get("/api/v1/readings", params={**asked, name: value})
        assert (answer.status_code, named(answer)) == (400, [name]), (name, value, answer.text)
    both = await engineer.get("/api/v1/readings", params={**asked, "hours": 2, "at__gte": "2026-01-01T00:00:00Z"})
    assert named(both) == ["at__gte"]
    assert (await engineer.get("/api/v1/readings", params=asked)).json() == {"items": [], "total": 0, "next": None}
    assert (await engineer.get("/api/v1/readings", params={**asked, "hours": 40})).json()["total"] == 3
    since = (clock.now() - timedelta(hours=40)).astimezone(UTC).isoformat()
    assert (await engineer.get("/api/v1/readings", params={**asked, "at__gte": since})).json()["total"] == 3
    clerk = await house.person("alice", Role.CLERK, "21028")
    assert (await clerk.get("/api/v1/readings", params=asked)).status_code == 404


async def test_when_a_target_or_an_asset_is_edited_then_if_match_decides(house: House) -> None:
    engineer, of = await house.person("eng", Role.PROVINCE_IT), await asset()
    for path, change in (
        (f"/api/v1/targets/{await target(of=of)}", {"port": 1161}),
        ("/api/v1/assets/QN-1", {"note": "x"}),
    ):
        read = await engineer.get(path)
        assert (read.headers["etag"], read.json()["version"]) == ('"1"', 1)
        assert (await engineer.patch(path, json=change)).status_code == 428
        for stale in ('"2"', '"x"', "*", ""):
            assert (await engineer.patch(path, json=change, headers={"If-Match": stale})).status_code == 412, stale
        edited = await engineer.patch(path, json=change, headers={"If-Match": read.headers["etag"]})
        assert (edited.status_code, edited.headers["etag"]) == (200, '"2"'), edited.text
        assert edited.json() | change == edited.json()
        in_body = await engineer.patch(path, json={**change, "version": 2}, headers={"If-Match": '"2"'})
        assert in_body.status_code == 400


@pytest.mark.parametrize("path", ["/api/v1/silences", "/api/v1/maintenance-windows"])
async def test_when_quiet_is_asked_for_then_the_site_is_named_by_its_code(house: House, path: str) -> None:
    now = clock.now()
    wish = {"title": "Thay UPS", "starts_at": now.isoformat(), "ends_at": (now + timedelta(hours=2)).isoformat()}
    engineer, of = await house.person("eng", Role.PROVINCE_IT), await target()
    made = await engineer.post(path, json={**wish, "site": "21025", "target": str(of)})
    assert (made.status_code, made.json()["site"], made.json()["target"]) == (201, "21025", str(of)), made.text
    assert (await engineer.post(path, json={**wish, "site": "99999"})).status_code == 404
    near = await narrow(house, "near", Role.ON_CALL)
    assert (await near.post(path, json={**wish, "site": "21028"})).status_code == 404
    assert (await near.post(path, json=wish)).status_code == 404
    assert (await near.post(path, json={**wish, "site": "21025"})).status_code == 201
    assert (await engineer.get(path, params={"q": "thay ups"})).json()["total"] == 2


PAST = (
    "insert into incidents (id, number, kind, severity, state, site, subject_kind, subject, subject_name, asset, asset_tag, "
    "reason, opened_at, acknowledged_by, resolution, affected, version) select $1, extract(epoch from $5::timestamptz)::int, "
    "'device', 'critical', 'resolved', $2, 'target', $4, 'printer', $3, 'QN-1', $6::text, $5, '', '', 0, 1",
    "insert into declarations (id, site, asset, kind, text, said_by_name, said_at) "
    "select $1, $2, $3, 'broken', $6::text, '', $5::timestamptz where $4::uuid is not null",
    "insert into asset_events (id, asset, site, at, kind, actor_name, text) "
    "select $1, $3, $2, $5::timestamptz, 'sent', '', $6::text where $4::uuid is not null",
    "insert into condition_changes (id, target, site, at, before, after, reason) "
    "select $1, $4, $2, $5::timestamptz, 'down', 'up', $6::text where $3::uuid is not null",
)


async def test_when_an_asset_has_moved_then_its_past_at_the_old_site_stays_there(house: House) -> None:
    of = await asset()
    asked, now = await target(of=of), clock.now()
    moved = now - timedelta(days=2)
    async with db.transaction(db.EVERYTHING) as tx:
        for code, at, mark in (("21028", moved, "OLD"), ("21025", now - timedelta(hours=2), "NEW")):
            site = await tx.fetchval("select id from sites where code = $1", code)
            for statement in PAST:
                await tx.execute(statement, new_id(), site, of, asked, at, mark)
    clerk, engineer = await house.person("alice", Role.CLERK, "21025"), await house.person("eng", Role.PROVINCE_IT)
    own, whole = (await clerk.get("/assets/QN-1.json")).json(), (await engineer.get("/assets/QN-1.json")).json()
    assert "OLD" not in str(own)
    assert "OLD" not in (await clerk.get("/assets/QN-1")).text
    for part in ("incidents", "declarations", "timeline"):
        assert ("NEW" in str(own[part]), "OLD" in str(whole[part])) == (True, True), part
    assert "OLD" in str(whole["monitoring"]["history"])
    first, *_ = own["monitoring"]["history"]
    assert (first["condition"], datetime.fromisoformat(first["end"])) == (NO_DATA, moved)


FOREIGN = (
    {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "https://evil.example"},
    {"Origin": "null"}, {"Origin": "http://["},
)  # fmt: skip


@pytest.mark.parametrize("headers", FOREIGN)
@pytest.mark.parametrize("path", ["/sign-in", "/language", "/sign-out", "/api/v1/silences"])
async def test_when_a_change_comes_from_elsewhere_then_it_is_refused_before_anybody_signs_in(
    house: House, path: str, headers: dict[str, str]
) -> None:
    answer = await house.client(**headers).post(path, data={"name": "x", "password": "y", "language": "en"})
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


async def test_when_a_change_carries_a_token_or_comes_from_our_pages_then_it_goes_on(house: House) -> None:
    engineer = await house.person("eng", Role.PROVINCE_IT)
    added = await engineer.post("/api/v1/applications", json={"code": "a", "name": "A"}, headers=FOREIGN[0])
    assert added.status_code == 201
    for headers in ({"Sec-Fetch-Site": "same-origin"}, {"Origin": house.settings.url}, {}):
        answer = await house.client(**headers).post("/language", data={"language": "en"})
        assert answer.status_code == 303, headers
    assert (await house.client(**FOREIGN[0]).get("/sign-in")).status_code == 200


async def test_when_a_scope_is_narrow_then_what_belongs_to_the_province_is_refused(house: House) -> None:
    await house.collector()
    root, near = await house.person("root", Role.ADMINISTRATOR), await narrow(house, "near", Role.ADMINISTRATOR)
    collector = (await root.get("/api/v1/collectors")).json()["items"][0]["id"]
    for path in ("/api/v1/collectors", f"/api/v1/collectors/{collector}/orders/{uuid4()}", "/api/v1/users", "/api/v1/tokens",
                 "/-/system", "/-/system.json"):  # fmt: skip
        assert (await near.get(path)).status_code == 403, path
        assert (await root.get(path)).status_code in (200, 404), path
    for path, body in (
        (f"/api/v1/collectors/{collector}/revoke", {}), (f"/api/v1/collectors/{collector}/orders", {"kind": "sweep"}),
        ("/api/v1/users", {"name": "u", "role": "inspector"}), ("/api/v1/tokens", {"user": "near"}),
        ("/api/v1/applications", {"code": "a", "name": "A"}),
        ("/api/v1/asset-models", {"category": "printer", "manufacturer": "m", "name": "n"}),
    ):  # fmt: skip
        assert (await near.post(path, json=body)).status_code == 403, path
    assert (await near.get("/api/v1/sites")).json()["total"] == 1
