"""People, grants, tokens and sessions over HTTP."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from litestar import Controller, Response, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from litestar.types import ControllerRouterHandler
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, SecretStr

from assets import clock
from assets.access import queries, service, sessions, tokens
from assets.access.actor import Actor
from assets.access.guards import requires, signed_in
from assets.access.permissions import Action, Role
from assets.access.queries import SESSIONS, TOKENS, USERS, SessionOut, TokenOut, UserOut
from assets.db import transaction
from assets.web.paging import ListQuery, Page, fetch, listed
from assets.web.versions import IfMatch, version_of, with_version

MANAGER = requires(Action.MANAGE_PEOPLE, province=True)


class In(BaseModel):
    """What comes in: unknown fields are errors."""

    model_config = ConfigDict(extra="forbid")


class Why(In):
    """Why somebody does something; it stands in the audit trail."""

    reason: Annotated[str, Field(max_length=255)] = ""


Because = JSONBody[Why | None]


class GrantIn(Why):
    """A role over the province, over the sites of a unit (its 5-digit code) or at one site (its code), until an end."""

    role: Role
    unit: Annotated[str, Field(max_length=5)] = ""
    site: Annotated[str, Field(max_length=20)] = ""
    ends_at: AwareDatetime | None = None


class UserIn(GrantIn):
    """A person to add, with a first grant. A password given here must be changed at the first sign-in."""

    name: Annotated[str, Field(min_length=1, max_length=60)]
    password: SecretStr | None = None
    display_name: Annotated[str, Field(max_length=120)] = ""
    post: Annotated[str, Field(max_length=120)] = ""
    email: Annotated[str, Field(max_length=254)] = ""
    phone: Annotated[str, Field(max_length=40)] = ""
    language: Annotated[str, Field(pattern="^(vi|en)$")] = "vi"


class UserChange(Why):
    """What to change of a person; what is not named stays. `active`: false lets them in no more, from now on."""

    display_name: Annotated[str, Field(max_length=120)] | None = None
    post: Annotated[str, Field(max_length=120)] | None = None
    email: Annotated[str, Field(max_length=254)] | None = None
    phone: Annotated[str, Field(max_length=40)] | None = None
    language: Annotated[str, Field(pattern="^(vi|en)$")] | None = None
    active: bool | None = None


class TokenIn(In):
    """For whom a token is, what for, and its limits: only these actions, only at these sites (empty: all of the owner's)."""

    user: Annotated[str, Field(max_length=60)]
    title: Annotated[str, Field(max_length=255)] = ""
    days: Annotated[int, Field(ge=1, le=tokens.DAYS_MAX)] = tokens.DAYS
    actions: Annotated[list[Action], Field(max_length=len(Action))] = []
    sites: Annotated[list[Annotated[str, Field(max_length=20)]], Field(max_length=tokens.SITES_MAX)] = []


class NewToken(BaseModel):
    """A token, shown this once."""

    token: str


class InitialPassword(BaseModel):
    """An initial password, shown this once."""

    password: str


class Me(BaseModel):
    """Who the caller is, which roles they have, and what they may do somewhere."""

    name: str
    display_name: str
    roles: list[Role]
    actions: list[Action]
    everything: bool
    sites: list[str]


def _why(data: Why | None) -> str:
    return data.reason if data else ""


async def _user(actor: Actor, name: str) -> UserOut:
    async with transaction(actor.scope) as tx:
        return await queries.user(tx, name)


class Users(Controller):
    """People and services."""

    path = "/api/v1/users"
    tags = ("access",)

    @get(operation_id="listUsers", guards=[MANAGER], **listed(USERS))
    async def listing(self, asked: NamedDependency[ListQuery], actor: NamedDependency[Actor]) -> Page[UserOut]:
        """Everybody who may sign in."""
        async with transaction(actor.scope) as tx:
            return await fetch(tx, USERS, asked, queries.user_out)

    @post(operation_id="addUser", guards=[MANAGER])
    async def add(self, data: JSONBody[UserIn], actor: NamedDependency[Actor]) -> Response[UserOut]:
        """Add a person with one grant."""
        values = data.model_dump(exclude={"password", "reason"})
        password = data.password.get_secret_value() if data.password else None
        await service.add_user(actor, service.NewUser(**values, password=password), now=clock.now())
        return with_version(await _user(actor, data.name))

    @get("/{name:str}", operation_id="getUser", guards=[MANAGER])
    async def one(self, name: FromPath[str], actor: NamedDependency[Actor]) -> Response[UserOut]:
        """One person by the name that they sign in with."""
        return with_version(await _user(actor, name))

    @patch("/{name:str}", operation_id="editUser", guards=[MANAGER])
    async def edit(
        self, name: FromPath[str], data: JSONBody[UserChange], actor: NamedDependency[Actor], if_match: IfMatch = None
    ) -> Response[UserOut]:
        """Change what is written of a person, or let them in no more."""
        changes = data.model_dump(exclude_unset=True, exclude_none=True, exclude={"reason"})
        version = version_of(if_match)
        await service.edit_user(actor, name, changes, version=version, now=clock.now(), why=data.reason)
        return with_version(await _user(actor, name))

    @post("/{name:str}/grants", operation_id="giveGrant", guards=[MANAGER])
    async def give(self, name: FromPath[str], data: JSONBody[GrantIn], actor: NamedDependency[Actor]) -> UserOut:
        """Give a person another role."""
        grant = service.NewGrant(**data.model_dump(exclude={"reason"}))
        await service.give_grant(actor, name, grant, now=clock.now(), why=data.reason)
        return await _user(actor, name)

    @post("/{name:str}/grants/{grant:uuid}/end", operation_id="endGrant", status_code=200, guards=[MANAGER])
    async def end(
        self, name: FromPath[str], grant: FromPath[UUID], actor: NamedDependency[Actor], data: Because = None
    ) -> UserOut:
        """End a role of a person now."""
        await service.end_grant(actor, name, grant, now=clock.now(), why=_why(data))
        return await _user(actor, name)

    @post("/{name:str}/initial-password", operation_id="giveInitialPassword", status_code=200, guards=[MANAGER])
    async def initial(
        self, name: FromPath[str], actor: NamedDependency[Actor], data: Because = None
    ) -> InitialPassword:
        """Give a person a new password that they must change at the next sign-in; this answer alone shows it."""
        plain = await service.initial_password(actor, name, now=clock.now(), why=_why(data))
        return InitialPassword(password=plain)

    @post("/{name:str}/remove-second-factor", operation_id="removeSecondFactor", status_code=200, guards=[MANAGER])
    async def remove_second_factor(
        self, name: FromPath[str], actor: NamedDependency[Actor], data: Because = None
    ) -> UserOut:
        """For a lost telephone: the person enrols another one at the next sign-in."""
        await service.remove_second_factor(actor, name, why=_why(data))
        return await _user(actor, name)


class Tokens(Controller):
    """Bearer tokens."""

    path = "/api/v1/tokens"
    tags = ("access",)

    @get(operation_id="listTokens", guards=[MANAGER], **listed(TOKENS))
    async def listing(self, asked: NamedDependency[ListQuery], actor: NamedDependency[Actor]) -> Page[TokenOut]:
        """All tokens with their last use; no secret is kept or shown."""
        async with transaction(actor.scope) as tx:
            return await fetch(tx, TOKENS, asked, queries.token_out)

    @post(operation_id="createToken", guards=[MANAGER])
    async def create(self, data: JSONBody[TokenIn], actor: NamedDependency[Actor]) -> NewToken:
        """Make a token; this answer is the only place where it can be read."""
        return NewToken(token=await tokens.create_token(actor, tokens.NewToken(**data.model_dump()), now=clock.now()))

    @post("/{token:uuid}/revoke", operation_id="revokeToken", status_code=200, guards=[MANAGER])
    async def revoke(self, token: FromPath[UUID], actor: NamedDependency[Actor], data: Because = None) -> TokenOut:
        """End a token at once."""
        await tokens.revoke_token(actor, token, now=clock.now(), why=_why(data))
        async with transaction(actor.scope) as tx:
            return (
                await fetch(tx, TOKENS, ListQuery(limit=1), queries.token_out, where=[("t.id = {}", [token])])
            ).items[0]


class Sessions(Controller):
    """Browsers that are signed in."""

    path = "/api/v1/sessions"
    tags = ("access",)

    @get(operation_id="listSessions", guards=[MANAGER], **listed(SESSIONS))
    async def listing(self, asked: NamedDependency[ListQuery], actor: NamedDependency[Actor]) -> Page[SessionOut]:
        """Who is signed in, where and since when."""
        async with transaction(actor.scope) as tx:
            return await fetch(tx, SESSIONS, asked, queries.session_out)

    @post("/{session:uuid}/end", operation_id="endSession", status_code=204, guards=[MANAGER])
    async def end(self, session: FromPath[UUID], actor: NamedDependency[Actor], data: Because = None) -> None:
        """Sign a browser out, at once."""
        await sessions.end_one(actor, session, why=_why(data))


@get("/api/v1/me", operation_id="getMe", tags=["access"], guards=[signed_in])
async def me(actor: NamedDependency[Actor]) -> Me:
    """Who the caller is."""
    async with transaction(actor.scope) as tx:
        codes = await tx.fetch("select code from sites where id = any($1) order by code", list(actor.scope.sites))
    return Me(
        name=actor.login, display_name=actor.name, roles=sorted(actor.roles), everything=actor.scope.everything,
        actions=[action for action in Action if actor.may(action)], sites=[row["code"] for row in codes],
    )  # fmt: skip


routes: Sequence[ControllerRouterHandler] = [Users, Tokens, Sessions, me]
