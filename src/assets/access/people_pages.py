"""Pages of people: who may sign in, as what and where, and help for those who are locked out."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, URLEncodedBody
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler
from pydantic import BaseModel

from assets import clock
from assets.access import drawn, queries, service, sessions, tokens
from assets.access.actor import Actor
from assets.access.guards import requires
from assets.access.permissions import REACH, Action, Role
from assets.access.queries import SESSIONS, TOKENS, USERS, SessionOut, TokenOut, UserOut
from assets.db import Connection, transaction
from assets.errors import AssetsError, Conflict, Invalid, NotFound, Stale
from assets.places.service import IN_FORCE
from assets.web.language import N_, choose, translate
from assets.web.paging import ListQuery, Page, fetch, listed
from assets.web.templates import show, twin, without_suffix

AnyRequest = Request[Any, Any, Any]
Form = URLEncodedBody[dict[str, str]]
MANAGER = requires(Action.MANAGE_PEOPLE, province=True)
SHOWN_MAX = 100
PLACES_MAX = 2_000
DETAILS = ("display_name", "post", "email", "phone", "language")


class Place(BaseModel):
    """What a grant can cover beside the province: `unit:` or `site:` and a code."""

    value: str
    name: str


class PersonForm(BaseModel):
    """What the form for a new person offers: roles, units, and sites that are no centre."""

    roles: list[Role]
    units: list[Place]
    sites: list[Place]


class Person(PersonForm):
    """A person with where they are signed in and which programs act for them."""

    user: UserOut
    sessions: list[SessionOut]
    tokens: list[TokenOut]


@get(
    ["/people", "/people.json"], name="people", include_in_schema=False, guards=[MANAGER],
    dependencies=listed(USERS)["dependencies"], opt={"twin": (Page[UserOut], "people"), "listing": USERS},
)  # fmt: skip
async def listing(
    request: AnyRequest, actor: NamedDependency[Actor], asked: NamedDependency[ListQuery]
) -> Response[Any]:
    """Everybody who has an account."""
    async with transaction(actor.scope) as tx:
        view = await fetch(tx, USERS, asked, queries.user_out)
    return show(request, "access/people.html", view, query_text=asked.q, sort=asked.sort, kept=asked.again())


@get(["/people/new", "/people/new.json"], name="new_person", guards=[MANAGER], **twin(PersonForm, "new_person"))
async def form(request: AnyRequest, actor: NamedDependency[Actor]) -> Response[Any]:
    """The form for a new person."""
    return await _form(request, actor, {}, {})


@post("/people/new", guards=[MANAGER], include_in_schema=False)
async def add(request: AnyRequest, data: Form, actor: NamedDependency[Actor]) -> Response[Any]:
    """Add a person; the page that answers shows the initial password once."""
    plain = drawn.password()
    try:
        grant = _grant(data)
        new = service.NewUser(
            name=data.get("name", ""), role=grant.role, unit=grant.unit, site=grant.site, ends_at=grant.ends_at,
            password=plain, display_name=data.get("display_name", ""), post=data.get("post", ""),
            email=data.get("email", ""), phone=data.get("phone", ""),
        )  # fmt: skip
        await service.add_user(actor, new, now=clock.now())
    except (Invalid, Conflict) as error:
        return await _form(request, actor, data, _errors(request, error, "name"), error.status)
    return await _person(request, actor, new.name.strip().lower(), secret=plain)


async def _form(
    request: AnyRequest, actor: Actor, given: Mapping[str, str], errors: Mapping[str, str], status: int = 200
) -> Response[Any]:
    async with transaction(actor.scope) as tx:
        view = PersonForm(**await _choices(tx))
    return show(request, "access/new_person.html", view, given=given, errors=errors, status=status)


async def _choices(tx: Connection) -> dict[str, Any]:
    units = await tx.fetch(
        f"select code, name from administrative_units where {IN_FORCE.format(u='')} order by sort limit $1",  # noqa: S608
        PLACES_MAX, clock.today(),
    )  # fmt: skip
    sites = await tx.fetch("select code, name from sites where kind <> 'centre' order by sort limit $1", PLACES_MAX)
    return {
        "roles": [role for role in Role if REACH[role]],
        "units": [Place(value=f"unit:{row['code']}", name=row["name"]) for row in units],
        "sites": [Place(value=f"site:{row['code']}", name=row["name"]) for row in sites],
    }


def _grant(data: Mapping[str, str]) -> service.NewGrant:
    """The grant of a form: role, place and perhaps the last day; Invalid names what is wrong."""
    kind, _, code = data.get("place", "").partition(":")
    try:
        role = Role(data.get("role", ""))
    except ValueError:
        raise Invalid(fields={"role": N_("Please choose one of the list.")}) from None
    return service.NewGrant(
        role, unit=code if kind == "unit" else "", site=code if kind == "site" else "",
        ends_at=_last_day(data.get("until", "")),
    )  # fmt: skip


def _last_day(text: str) -> Any:
    if not text.strip():
        return None
    try:
        return clock.end_of_day(date.fromisoformat(text.strip()))
    except (ValueError, OverflowError):
        raise Invalid(fields={"ends_at": N_("Please write a date as day/month/year.")}) from None


def _errors(request: AnyRequest, error: AssetsError, otherwise: str) -> dict[str, str]:
    """One message a field, in the visitor's language; what is about no field stands beside `otherwise`."""
    chosen = choose(request)
    found = dict(error.fields) if isinstance(error, Invalid) else {}
    found = {("place" if name in ("unit", "site") else name.partition(".")[0]): said for name, said in found.items()}
    if "sites" in found:  # of a token: the choice is a list, and what is not in it was not chosen there
        found[otherwise] = found.pop("sites")
    return {n: translate(chosen, t) for n, t in found.items()} or {
        otherwise: translate(chosen, error.detail, **error.facts)
    }


@get("/people/{name:str}", name="person", guards=[MANAGER], **twin(Person, "person"))
async def person(request: AnyRequest, name: FromPath[str], actor: NamedDependency[Actor]) -> Response[Any]:
    """One person."""
    return await _person(request, actor, without_suffix(name))


async def _person(request: AnyRequest, actor: Actor, name: str, *, status: int = 200, **more: Any) -> Response[Any]:
    own = [("u.name = {}", [name])]
    async with transaction(actor.scope) as tx:
        view = Person(
            **await _choices(tx), user=await queries.user(tx, name),
            sessions=(await fetch(tx, SESSIONS, ListQuery(limit=SHOWN_MAX), queries.session_out, where=own)).items,
            tokens=(await fetch(tx, TOKENS, ListQuery(limit=SHOWN_MAX), queries.token_out, where=own)).items,
        )  # fmt: skip
    context = {
        "secret": "", "made": "", "given": {}, "errors": {}, "may_lock": view.user.id != actor.id, "actions": list(Action),
        "days": tokens.DAYS, **more,
    }  # fmt: skip
    return show(request, "access/person.html", view, status=status, **context)


@post("/people/{name:str}/edit", guards=[MANAGER], include_in_schema=False)
async def edit(request: AnyRequest, name: FromPath[str], data: Form, actor: NamedDependency[Actor]) -> Response[Any]:
    """Change what is written of a person."""
    changes: dict[str, Any] = {column: data[column] for column in DETAILS if column in data}
    if "active" in data:
        changes["active"] = data["active"] == "1"
    version = data.get("version", "")
    try:
        if not (version.isascii() and version.isdigit()):
            raise Stale()
        await service.edit_user(
            actor, name, changes, version=int(version[:9]), now=clock.now(), why=data.get("why", "")
        )
    except (Invalid, Conflict) as error:
        return await _person(
            request, actor, name, status=error.status, given=data, errors=_errors(request, error, "person")
        )
    return _back(name)


@post("/people/{name:str}/grants", guards=[MANAGER], include_in_schema=False)
async def give(request: AnyRequest, name: FromPath[str], data: Form, actor: NamedDependency[Actor]) -> Response[Any]:
    """Give a person another role."""
    try:
        await service.give_grant(actor, name, _grant(data), now=clock.now(), why=data.get("why", ""))
    except (Invalid, Conflict) as error:
        return await _person(
            request, actor, name, status=error.status, given=data, errors=_errors(request, error, "role")
        )
    return _back(name)


@post("/people/{name:str}/grants/{grant:uuid}/end", guards=[MANAGER], include_in_schema=False)
async def end_grant(
    request: AnyRequest, name: FromPath[str], grant: FromPath[UUID], data: Form, actor: NamedDependency[Actor]
) -> Response[Any]:
    """End a role of a person."""
    try:
        await service.end_grant(actor, name, grant, now=clock.now(), why=data.get("why", ""))
    except Conflict as error:
        return await _person(request, actor, name, status=error.status, errors=_errors(request, error, "person"))
    return _back(name)


@post("/people/{name:str}/initial-password", guards=[MANAGER], include_in_schema=False)
async def initial_password(
    request: AnyRequest, name: FromPath[str], data: Form, actor: NamedDependency[Actor]
) -> Response[Any]:
    """A new initial password; the page that answers shows it once."""
    plain = await service.initial_password(actor, name, now=clock.now(), why=data.get("why", ""))
    return await _person(request, actor, name, secret=plain)


@post("/people/{name:str}/remove-second-factor", guards=[MANAGER], include_in_schema=False)
async def remove_second_factor(name: FromPath[str], data: Form, actor: NamedDependency[Actor]) -> Response[Any]:
    """For a lost telephone."""
    await service.remove_second_factor(actor, name, why=data.get("why", ""))
    return _back(name)


@post("/people/{name:str}/tokens", guards=[MANAGER], include_in_schema=False)
async def make_token(request: AnyRequest, name: FromPath[str], actor: NamedDependency[Actor]) -> Response[Any]:
    """Make a token with limits for a program of a person; the page that answers shows it once."""
    fields = await request.form()
    given = {field: str(fields.get(field, "")) for field in ("title", "days", "place")}
    site = given["place"].removeprefix("site:")
    try:
        days = tokens.days_of(given["days"])
        actions = [Action(action) for action in fields.getall("action", []) if action in set(Action)]
        new = tokens.NewToken(name, given["title"], days, actions, [site] if site else [])
        made = await tokens.create_token(actor, new, now=clock.now())
    except (Invalid, Conflict) as error:
        errors = _errors(request, error, "title")
        return await _person(request, actor, name, status=error.status, given=given, errors=errors)
    return await _person(request, actor, name, made=made)


@post("/people/{name:str}/tokens/{token:uuid}/revoke", guards=[MANAGER], include_in_schema=False)
async def revoke(name: FromPath[str], token: FromPath[UUID], actor: NamedDependency[Actor]) -> Response[Any]:
    """End a token of a person."""
    await tokens.revoke_token(actor, token, now=clock.now())
    return _back(name)


@post("/people/{name:str}/sessions/{session:uuid}/end", guards=[MANAGER], include_in_schema=False)
async def end_session(name: FromPath[str], session: FromPath[UUID], actor: NamedDependency[Actor]) -> Response[Any]:
    """Sign a browser of a person out."""
    await sessions.end_one(actor, session)
    return _back(name)


def _back(name: str) -> Response[Any]:
    if not all(char.isalnum() or char in "._-" for char in name):
        raise NotFound()
    return Redirect(f"/people/{name}", status_code=303)


routes: Sequence[ControllerRouterHandler] = (
    listing, form, add, person, edit, give, end_grant, initial_password, remove_second_factor, make_token, revoke,
    end_session,
)  # fmt: skip
