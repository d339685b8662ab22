"""Who may do what, where: the table `permissions.csv`, written by hand, against the running service and the rules.

A row is a route at a place (own, foreign, none: what belongs to no site, list), a column a principal. A cell is 401, 403,
404, 400 or 409; `yes` when the call is let through; of a list whose things are shown: own, all, foreign or none. Each
call is one transaction that is rolled back, so that no cell changes the next.

With LONG=1 each row is tried by every principal, as `.ci/run` does; else by a few, see `asked`.
"""

import csv
import io
import zipfile
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import httpx2
import pytest
from litestar.routes import HTTPRoute

from assets import db
from assets.access import service as access
from assets.access.actor import SYSTEM
from assets.access.permissions import ALLOWED, Action, Role
from tests.conftest import LONG, House, open_house
from tests.permission_world import (
    FOREIGN,
    GRANTED,
    OTHERS,
    OWN,
    RECIPES,
    Call,
    There,
    World,
    addressed,
    build,
    principals,
    problem_of,
    shown,
    tells_of,
)

pytestmark = pytest.mark.longer

TABLE = Path(__file__).parent / "permissions.csv"
CELLS_MIN = 6_300
REFUSED = {"400", "401", "403", "404", "409"}
SEEN = {"own", "all", "foreign", "none"}
# Routes that have no guard on purpose: they lead in and out, or say nothing of anybody.
PUBLIC = {
    "GET /sign-in", "POST /sign-in", "POST /sign-out", "POST /language", "GET /static/{digest}/{name}", "GET /health/live",
    "GET /health/ready", "GET /metrics", "GET /schema", "GET /schema/{path}", "GET /schema/openapi.json",
    # The secret in the address is the key: what opens behind it is walked in test_faults.
    "GET /r/{secret}", "POST /r/{secret}", "GET /h/{secret}", "POST /h/{secret}",
    "POST /heartbeats/{secret}", "POST /heartbeats/{secret}/failed",
}  # fmt: skip
# Of these the workflow and the rules of approval know more than the guard.
BY_STATE = "POST /equipment-requests/{number}/"
BY_STEP = (
    "/close",
    "{ref}/approve",
    "{ref}/return",
    "{ref}/refuse",
    "/delegations",
    "{delegation}",
    "{delegation}/withdraw",
)
# What speaks of units and not of what stands there: everybody may know that the other commune exists.
OF_UNITS = (
    "GET /api/v1/administrative-units", "GET /api/v1/exports/administrative-units.csv",
    "GET /api/v1/exports/administrative-units.xlsx", "GET /units", "GET /units.json",
)  # fmt: skip


def table() -> list[dict[str, str]]:
    with TABLE.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


ROWS = table()
COLUMNS = tuple(name for name in ROWS[0] if name not in ("route", "place"))
# Who stands for many in the short run: a stranger, the province, and a commune's clerk.
ALWAYS = ("nobody", "province_it", "clerk@unit")


def asked(turn: int, row: Mapping[str, str]) -> list[str]:
    """Who tries a row. In the short run: those who stand for many, another one at each row, and one for each answer."""
    if LONG:
        return list(COLUMNS)
    start = turn % len(COLUMNS)
    others = COLUMNS[start:] + COLUMNS[:start]
    found = dict.fromkeys((*ALWAYS, others[0]))
    for caller in others:
        if row[caller] not in {row[name] for name in found}:
            found[caller] = None
    return list(found)


class Stage:
    """The running service with its world, and everybody who calls."""

    def __init__(self, house: House, world: World, callers: Mapping[str, httpx2.AsyncClient]) -> None:
        self.house, self.world, self.callers = house, world, callers

    async def outcome(self, row: Mapping[str, str], caller: str) -> tuple[str, httpx2.Response]:
        """What a principal gets, in the words of the table, and the answer itself."""
        answer = await self.call(self.callers[caller], row["route"], self.world.at(row["place"]))
        return in_words(answer, row["place"]), answer

    async def call(self, client: httpx2.AsyncClient, route: str, there: There) -> httpx2.Response:
        """One call of a route, undone afterwards."""
        verb, _, path = route.partition(" ")
        made = RECIPES.get(route, lambda w, t: Call(""))(self.world, there)
        address = made.path or addressed(path, self.world, there)
        async with Undone():
            return await client.request(
                verb,
                address,
                json=made.json,
                data=made.form,
                content=made.content,
                files=made.files,
                headers=dict(made.headers),
                follow_redirects=False,
            )


class Undone:
    """A transaction around a call, rolled back: the service's own transactions join it and set their scope in it."""

    async def __aenter__(self) -> None:
        self.transaction = db.DB.transaction()
        await self.transaction.__aenter__()

    async def __aexit__(self, *_: object) -> None:
        await self.transaction.__aexit__(_Undo, _Undo(), None)


class _Undo(Exception):
    """Not an error: what was done is undone."""


def in_words(answer: httpx2.Response, place: str) -> str:
    """An answer in the words of the table."""
    if answer.status_code == 303 and answer.headers["location"].startswith("/sign-in"):
        return "401"  # a person is shown the way in
    if str(answer.status_code) in REFUSED:
        return str(answer.status_code)
    return shown(text_of(answer)) if place == "list" else "yes"


def text_of(answer: httpx2.Response) -> str:
    """What an answer says; an office file is opened for it."""
    if not answer.headers.get("content-type", "").endswith(("spreadsheetml.sheet", "wordprocessingml.document")):
        return answer.text
    with zipfile.ZipFile(io.BytesIO(answer.content)) as book:
        return "".join(book.read(name).decode() for name in book.namelist())


@pytest.fixture(scope="module")
async def stage(migrated: str) -> AsyncIterator[Stage]:
    """One world for all cells."""
    async with open_house(migrated) as house:
        world = await build(house)
        yield Stage(house, world, await principals(house))


@pytest.mark.parametrize("turn", range(len(ROWS)), ids=[f"{row['route']} [{row['place']}]" for row in ROWS])
async def test_when_anybody_calls_then_they_get_what_the_table_says(stage: Stage, turn: int) -> None:
    row, wrong = ROWS[turn], []
    for caller in asked(turn, row):
        expected = row[caller]
        got, answer = await stage.outcome(row, caller)
        # A request that is let through may still be wrong for the workflow; who may not act must hear that first.
        if expected == "yes" and got in ("400", "409"):
            got = "yes"
        if got != expected:
            said = " ".join(answer.text.split())[:120]
            wrong.append(f"{caller}: {expected} expected, {got} ({answer.status_code}) came: {said}")
        narrow = "@" in caller or caller == "reader"
        shows_foreign = (
            tells_of(FOREIGN, text_of(answer)) and row["place"] != "foreign" and row["route"] not in OF_UNITS
        )
        if narrow and "+" not in caller and shows_foreign and f"={FOREIGN}" not in row["route"]:
            wrong.append(f"{caller}: the answer tells of {FOREIGN}")
    assert not wrong, "\n".join(wrong)


def test_the_table_is_whole_and_has_no_word_of_its_own() -> None:
    columns = set(ROWS[0]) - {"route", "place"}
    assert columns == {*GRANTED, *OTHERS}
    assert len(ROWS) * len(columns) >= CELLS_MIN
    for row in ROWS:
        words = SEEN | REFUSED if row["place"] == "list" else {"yes"} | REFUSED
        assert {row[c] for c in columns} <= words, row["route"]
    assert len({(row["route"], row["place"]) for row in ROWS}) == len(ROWS)


async def test_when_there_is_a_route_then_the_table_has_it(stage: Stage) -> None:
    named = {row["route"].split("?")[0].split(" (")[0] for row in ROWS}
    steps = ("submit", "approve", "return", "refuse", "withdraw", "fulfil", "split", "close")
    named |= {route.replace("/equipment-requests/{number}/" + step, "/equipment-requests/{number}/{step}")
              for route in list(named) for step in steps if route.startswith("POST /")}  # fmt: skip
    there: set[str] = set()
    paths = {route.path_format for route in stage.house.app.routes}
    for route in stage.house.app.routes:
        for handler in route.route_handlers if isinstance(route, HTTPRoute) else ():
            path = route.path_format or "/"
            for verb in set(handler.http_methods) - {"OPTIONS", "HEAD"}:
                there.add(f"{verb} {path}")
                if "twin" in handler.opt and "{" in path and f"{path}.json" not in paths and not path.endswith(".json"):
                    there.add(f"{verb} {path}.json")
                if f"{verb} {path}" not in PUBLIC and not handler.opt.get("public"):
                    assert handler.guards, f"{verb} {path} has no guard"
    assert there - PUBLIC - named == set()
    assert {n for n in named if "{step}" not in n and "/equipment-requests/{number}/" not in n} - there == set()


def guard_action(house: House, route: str) -> Action | None:
    verb, _, path = route.partition(" ")
    path = path.split("?")[0].split(" (")[0].removesuffix(".json") or "/"
    for known in house.app.routes:
        if isinstance(known, HTTPRoute) and known.path_format in (path, f"{path}.json"):
            for handler in known.route_handlers:
                if verb in handler.http_methods:
                    found = [getattr(guard, "action", None) for guard in handler.guards or ()]
                    return next((action for action in found if action), None)
    return None


async def test_when_a_role_is_refused_in_the_table_then_the_rules_say_so_too(stage: Stage) -> None:
    for row in ROWS:
        action = guard_action(stage.house, row["route"])
        if action is None:
            continue
        for caller, (role, place) in GRANTED.items():
            if not place:  # over the province nothing but the role can refuse
                expected = action in ALLOWED[role]
                let_in = row[caller] not in ("401", "403")
                if row["route"].startswith(BY_STATE) or row["route"].endswith(BY_STEP):
                    assert let_in <= expected, (row["route"], caller)  # the workflow knows more than the guard
                else:
                    assert let_in == expected, (row["route"], caller)


async def test_when_a_thing_is_foreign_then_the_answer_is_the_one_for_what_does_not_exist(stage: Stage) -> None:
    clerk, keeper = stage.callers["clerk@unit"], stage.callers["storekeeper@unit"]
    pairs = [
        ("/api/v1/sites/{}", FOREIGN, "99999"), ("/api/v1/assets/{}", f"A-{FOREIGN}", "A-0"),
        ("/api/v1/targets/{}", stage.world.foreign.target, stage.world.channel),
        ("/api/v1/incidents/{}", stage.world.foreign.incident, 999_999),
        ("/api/v1/equipment-requests/{}", stage.world.foreign.requests["submitted"], 999_999),
        ("/assets/{}.json", f"A-{FOREIGN}", "A-0"), ("/incidents/{}.json", stage.world.foreign.incident, 999_999),
    ]  # fmt: skip
    for path, foreign, absent in pairs:
        one, two = await clerk.get(path.format(foreign)), await clerk.get(path.format(absent))
        assert (one.status_code, problem_of(one)) == (two.status_code, problem_of(two)) == (404, problem_of(two)), path
    body = {"note": "x"}
    tried = [await keeper.patch(f"/api/v1/assets/{tag}", json=body, headers={"If-Match": '"1"'}) for tag in
             (f"A-{FOREIGN}", "A-0")]  # fmt: skip
    assert problem_of(tried[0]) == problem_of(tried[1])
    for site in (FOREIGN, "99999"):
        answer = await keeper.post("/api/v1/links", json={"tag": "N", "site": site, "kind": "fibre", "carrier": "c"})
        assert problem_of(answer)["detail"].replace(site, "X") == "There is no site X."


async def test_when_a_session_owes_a_step_then_it_opens_nothing(stage: Stage) -> None:
    await access.add_user(SYSTEM, access.NewUser("half", Role.PROVINCE_IT, "bon con vit qua song", must_change=False))
    half = stage.house.client(Origin=stage.house.settings.url)
    assert (await half.post("/sign-in", data={"name": "half", "password": "bon con vit qua song"})).status_code == 303
    allowed = ("/account/password", "/account/second-factor", "/sign-in/code")
    for row in ROWS:
        if row["route"].split(" ")[1].startswith(allowed):
            continue
        answer = await stage.call(half, row["route"], stage.world.at(row["place"]))
        assert in_words(answer, "none") == "401", row["route"]
    assert not tells_of(OWN, (await half.get("/sign-in")).text)


@pytest.mark.long
@pytest.mark.timeout(1_500)
async def test_when_every_filter_is_forgotten_then_the_second_wall_still_shows_nothing_foreign(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with db.transaction(db.EVERYTHING) as tx:
        own = await tx.fetchval("select id from sites where code = $1", OWN)
    monkeypatch.setattr(db.Scope, "sees", lambda *_: True)
    for route in stage.house.app.routes:
        for handler in route.route_handlers if isinstance(route, HTTPRoute) else ():
            if (listing := handler.opt.get("listing")) is not None and listing.site:
                monkeypatch.setitem(listing.__dict__, "site", f"'{own}'::uuid")  # true of every row
    leaks, tried = [], 0
    narrow = ("clerk@unit", "clerk@site", "storekeeper@unit", "province_it@unit", "inspector@unit", "reader")
    for row in ROWS:
        # No policy guards the outbox and the subscriptions, on purpose: see tests/services/test_scope.py. What a thing was
        # at a moment belongs to where it stood then, which no policy on today's rows can tell.
        if any(part in row["route"] for part in ("notifications", "subscriptions", "as_of", "as-of")):
            continue
        for caller in narrow:
            if row[caller] in ("own", "none", "404"):
                got, answer = await stage.outcome(row, caller)
                tried += 1
                if got != row[caller] and (answer.status_code < 300 or got == "foreign"):
                    leaks.append(f"{caller} {row['route']} [{row['place']}]: {got} ({answer.status_code})")
    assert tried > 400
    assert not leaks, "\n".join(leaks)
