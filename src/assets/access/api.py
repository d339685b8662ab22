"""People and tokens over HTTP."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

from asyncpg import Record
from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody
from litestar.types import ControllerRouterHandler
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from assets import clock
from assets.access import service
from assets.access.actor import Actor
from assets.access.guards import requires
from assets.access.permissions import Action, Role
from assets.db import transaction
from assets.web.paging import Column, Listing, ListQuery, Page, fetch, folded, listed


class UserOut(BaseModel):
    """A person or service, with roles."""

    id: UUID
    name: str
    display_name: str
    post: str
    language: str
    active: bool
    roles: list[str]
    version: int


class UserIn(BaseModel):
    """A person to add: a role over the province, or over the sites of a unit."""

    model_config = ConfigDict(extra="forbid")
    name: Annotated[str, Field(min_length=1, max_length=60)]
    role: Role
    password: SecretStr | None = None
    display_name: Annotated[str, Field(max_length=120)] = ""
    post: Annotated[str, Field(max_length=120)] = ""
    email: Annotated[str, Field(max_length=254)] = ""
    unit: Annotated[str, Field(max_length=5)] = ""


class TokenOut(BaseModel):
    """A token; `token` is there in the one answer that makes it and never again."""

    id: UUID
    user: str
    prefix: str
    title: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None


class TokenIn(BaseModel):
    """For whom a token is, and what for."""

    model_config = ConfigDict(extra="forbid")
    user: Annotated[str, Field(max_length=60)]
    title: Annotated[str, Field(max_length=255)] = ""
    days: Annotated[int, Field(ge=1, le=3650)] = 365


class NewToken(BaseModel):
    """A token, shown this once."""

    token: str


USERS = Listing(
    select="u.*, coalesce((select array_agg(distinct g.role) from grants g where g.\"user\" = u.id), '{}') as roles",
    source="users u",
    key="u.id",
    columns={"name": Column("u.name"), "active": Column("u.active", "boolean")},
    sort="name",
    search=(folded("u.name"), folded("u.display_name"), folded("u.post")),
)
TOKENS = Listing(
    select='t.*, u.name as user_name', source='tokens t join users u on u.id = t."user"', key="t.id",
    columns={"user": Column("u.name"), "created_at": Column("t.created_at", "timestamptz")}, sort="-created_at",
    search=(folded("u.name"), folded("u.display_name"), folded("t.title")),
)  # fmt: skip


def _user(row: Record) -> UserOut:
    return UserOut(**{name: row[name] for name in UserOut.model_fields})


def _token(row: Record) -> TokenOut:
    return TokenOut(**{name: row[name] for name in TokenOut.model_fields if name != "user"}, user=row["user_name"])


class Users(Controller):
    """People and services."""

    path = "/api/v1/users"
    tags = ("access",)

    @get(operation_id="listUsers", guards=[requires(Action.MANAGE_PEOPLE, province=True)], **listed(USERS))
    async def listing(self, asked: NamedDependency[ListQuery], actor: NamedDependency[Actor]) -> Page[UserOut]:
        """Everybody who may sign in."""
        async with transaction(actor.scope) as tx:
            return await fetch(tx, USERS, asked, _user)

    @post(operation_id="addUser", guards=[requires(Action.MANAGE_PEOPLE, province=True)])
    async def add(self, data: JSONBody[UserIn], actor: NamedDependency[Actor]) -> UserOut:
        """Add a person with one grant."""
        values = data.model_dump(exclude={"password"})
        password = data.password.get_secret_value() if data.password else None
        user = await service.add_user(actor, service.NewUser(**values, password=password))
        async with transaction(actor.scope) as tx:
            found = await fetch(tx, USERS, ListQuery(limit=1), _user, where=[("u.id = {}", [user])])
        return found.items[0]


class Tokens(Controller):
    """Bearer tokens."""

    path = "/api/v1/tokens"
    tags = ("access",)

    @get(operation_id="listTokens", guards=[requires(Action.MANAGE_PEOPLE, province=True)], **listed(TOKENS))
    async def listing(self, asked: NamedDependency[ListQuery], actor: NamedDependency[Actor]) -> Page[TokenOut]:
        """All tokens with their last use; no secret is kept or shown."""
        async with transaction(actor.scope) as tx:
            return await fetch(tx, TOKENS, asked, _token)

    @post(operation_id="createToken", guards=[requires(Action.MANAGE_PEOPLE, province=True)])
    async def create(self, data: JSONBody[TokenIn], actor: NamedDependency[Actor]) -> NewToken:
        """Make a token; this answer is the only place where it can be read."""
        return NewToken(
            token=await service.create_token(actor, data.user, title=data.title, now=clock.now(), days=data.days)
        )


routes: Sequence[ControllerRouterHandler] = [Users, Tokens]
