"""Credentials and where they are tried, over HTTP: their secrets go in and never come out."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from litestar import Controller, Response, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from litestar.status_codes import HTTP_200_OK
from litestar.types import ControllerRouterHandler
from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from assets.access.actor import Actor
from assets.access.guards import requires
from assets.access.permissions import Action
from assets.db import transaction
from assets.errors import Conflict, NotFound, Stale
from assets.ids import new_id
from assets.monitoring import credentials
from assets.probing.contract import CANDIDATES_MAX, Community, User
from assets.vault import Vault
from assets.web.language import N_
from assets.web.paging import Column, Listing, ListQuery, Page, fetch, folded, listed
from assets.web.rows import from_row
from assets.web.versions import IfMatch, version_of, with_version

PASSPHRASE_MIN = 8  # RFC 3414 §11.2
SECRET_MAX = 128
LOOKS_AFTER = [requires(Action.EDIT_MONITORING, province=True)]
SEES = [requires(Action.VIEW_SYSTEM, province=True)]


class CredentialOut(BaseModel):
    """A credential without its secret. `devices` answer to it now."""

    id: UUID
    name: str
    kind: str
    level: int
    user_name: str
    auth: str
    privacy: str
    places: int
    targets: int
    devices: int
    created_at: datetime
    version: int


CREDENTIALS = Listing(
    select="c.id, c.name, c.kind, c.level, c.user_name, c.auth, c.privacy, c.created_at, c.version, "
    "(select count(*) from credential_places p where p.credential = c.id) as places, "
    "(select count(*) from targets t where t.credential = c.id) as targets, "
    "(select count(*) from device_states d where d.credential = c.id) as devices",
    source="credentials c",
    key="c.id",
    columns={
        "name": Column("c.name"), "kind": Column("c.kind", choices=("v2c", "v3")), "level": Column("c.level", "integer"),
        "created_at": Column("c.created_at", "timestamptz"),
    },
    sort="name",
    search=(folded("c.name"), folded("c.user_name")),
)  # fmt: skip


class SecretIn(BaseModel):
    """A secret: a community (v2c), or a user with the passphrases of its level (v3)."""

    model_config = ConfigDict(extra="forbid")
    community: Annotated[SecretStr, Field(min_length=1, max_length=SECRET_MAX)] | None = None
    user_name: Annotated[str, Field(max_length=32)] = ""
    auth: Literal["md5", "sha1", "sha224", "sha256", "sha384", "sha512"] | None = None
    auth_passphrase: Annotated[SecretStr, Field(min_length=PASSPHRASE_MIN, max_length=SECRET_MAX)] | None = None
    privacy: Literal["des", "aes128", "aes192", "aes256"] | None = None
    privacy_passphrase: Annotated[SecretStr, Field(min_length=PASSPHRASE_MIN, max_length=SECRET_MAX)] | None = None

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if (self.community is None) == (not self.user_name):
            raise ValueError("either a community, or a user")
        if (self.auth is None) != (self.auth_passphrase is None):
            raise ValueError("auth and auth_passphrase belong together")
        if (self.privacy is None) != (self.privacy_passphrase is None) or (self.privacy and not self.auth):
            raise ValueError("privacy and privacy_passphrase belong together, and need auth")
        if self.community is not None and (self.auth or self.privacy):
            raise ValueError("a community has no keys")
        return self

    def secret(self) -> Community | User:
        """As collectors have it."""
        if self.community is not None:
            return Community(id=new_id(), community=self.community)
        return User(
            id=new_id(), user=self.user_name, auth=self.auth, auth_key=self.auth_passphrase, privacy=self.privacy,
            privacy_key=self.privacy_passphrase,
        )  # fmt: skip


class CredentialIn(BaseModel):
    """A credential to keep."""

    model_config = ConfigDict(extra="forbid")
    name: Annotated[str, Field(min_length=1, max_length=credentials.NAME_MAX)]
    secret: SecretIn


class CredentialChange(BaseModel):
    """Another name, or another secret as a whole; what is not named stays."""

    model_config = ConfigDict(extra="forbid")
    name: Annotated[str, Field(min_length=1, max_length=credentials.NAME_MAX)] | None = None
    secret: SecretIn | None = None


credential_out = from_row(CredentialOut)


async def _one(actor: Actor, credential: UUID) -> Response[CredentialOut]:
    async with transaction(actor.scope) as tx:
        found = await fetch(
            tx, CREDENTIALS, ListQuery(limit=1), credential_out, where=[("c.id = {}", [credential])]
        )  # fmt: skip
    if not found.items:
        raise NotFound()
    return with_version(found.items[0])


class Credentials(Controller):
    """What devices are asked with."""

    path = "/api/v1/credentials"
    tags = ("monitoring",)

    @get(operation_id="listCredentials", guards=SEES, **listed(CREDENTIALS))
    async def listing(self, asked: NamedDependency[ListQuery], actor: NamedDependency[Actor]) -> Page[CredentialOut]:
        """All credentials, and how many places, targets and devices have each."""
        async with transaction(actor.scope) as tx:
            return await fetch(tx, CREDENTIALS, asked, credential_out)

    @post(operation_id="addCredential", guards=LOOKS_AFTER)
    async def add(
        self, data: JSONBody[CredentialIn], actor: NamedDependency[Actor], vault: NamedDependency[Vault]
    ) -> Response[CredentialOut]:
        """Keep a credential; it is tried nowhere until a list names it."""
        return await _one(actor, await credentials.add_credential(actor, data.name, data.secret.secret(), vault=vault))

    @get("/{credential:uuid}", operation_id="getCredential", guards=SEES)
    async def one(self, credential: FromPath[UUID], actor: NamedDependency[Actor]) -> Response[CredentialOut]:
        """One credential."""
        return await _one(actor, credential)

    @patch("/{credential:uuid}", operation_id="editCredential", guards=LOOKS_AFTER)
    async def edit(
        self, credential: FromPath[UUID], data: JSONBody[CredentialChange], actor: NamedDependency[Actor],
        vault: NamedDependency[Vault], if_match: IfMatch = None,
    ) -> Response[CredentialOut]:  # fmt: skip
        """Rename it, or give it another secret: devices that refused the old one are asked anew at once."""
        secret = data.secret.secret() if data.secret else None
        await credentials.edit_credential(
            actor, credential, version=version_of(if_match), vault=vault, name=data.name, secret=secret
        )  # fmt: skip
        return await _one(actor, credential)

    @delete("/{credential:uuid}", operation_id="removeCredential", guards=LOOKS_AFTER)
    async def remove(self, credential: FromPath[UUID], actor: NamedDependency[Actor], if_match: IfMatch = None) -> None:
        """Forget it; 409 while a list or a target names it."""
        await credentials.remove_credential(actor, credential, version=version_of(if_match))


class CredentialOrder(BaseModel):
    """What is tried at a place, in this order; a site or a unit by its code, the whole province without either."""

    site: str
    unit: str
    name: str
    credentials: list[UUID]
    names: list[str]


class CredentialOrderIn(BaseModel):
    """What shall be tried at a place, in this order; an empty list leaves it to the unit's and the province's."""

    model_config = ConfigDict(extra="forbid")
    site: Annotated[str, Field(max_length=20)] = ""
    unit: Annotated[str, Field(max_length=20)] = ""
    credentials: Annotated[list[UUID], Field(max_length=CANDIDATES_MAX)]
    before: Annotated[list[UUID], Field(max_length=CANDIDATES_MAX)] | None = None


class CredentialOrders(BaseModel):
    """Every place that has a list of its own, the province first."""

    items: list[CredentialOrder]


async def orders(actor: Actor) -> CredentialOrders:
    """The lists of all places."""
    async with transaction(actor.scope) as tx:
        rows = await tx.fetch(
            "select coalesce(s.code, '') as site, coalesce(u.code, '') as unit, coalesce(s.name, u.name, '') as name, "
            "array_agg(p.credential order by p.position) as credentials, array_agg(c.name order by p.position) as names "
            "from credential_places p join credentials c on c.id = p.credential left join sites s on s.id = p.site "
            "left join administrative_units u on u.id = p.unit group by s.code, u.code, s.name, u.name "
            "order by s.code nulls first, u.code nulls first"
        )
    return CredentialOrders(items=[CredentialOrder(**dict(row)) for row in rows])


@get("/api/v1/credential-orders", operation_id="listCredentialOrders", guards=SEES, tags=["monitoring"])
async def list_orders(actor: NamedDependency[Actor]) -> CredentialOrders:
    """Where which credentials are tried, in which order."""
    return await orders(actor)


@post(
    "/api/v1/credential-orders", operation_id="setCredentialOrder", guards=LOOKS_AFTER, tags=["monitoring"],
    status_code=HTTP_200_OK,
)  # fmt: skip
async def set_order(data: JSONBody[CredentialOrderIn], actor: NamedDependency[Actor]) -> CredentialOrders:
    """Say what is tried at one place; the list there is replaced, unless it is no longer the `before` that was read."""
    try:
        await credentials.set_order(
            actor, data.credentials, site=data.site, unit=data.unit, before=data.before
        )  # fmt: skip
    except Stale:
        raise Conflict(N_("The list of this place has been changed meanwhile; look at it again.")) from None
    return await orders(actor)


routes: Sequence[ControllerRouterHandler] = [Credentials, list_orders, set_order]
