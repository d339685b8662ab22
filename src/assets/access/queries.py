"""What the API and the pages read of people."""

import json
from datetime import datetime
from typing import Any
from uuid import UUID

from asyncpg import Record
from pydantic import BaseModel

from assets.access.permissions import Action, Reach, Role
from assets.db import Connection
from assets.errors import NotFound
from assets.text import clean
from assets.web.paging import Column, Listing, ListQuery, fetch, folded
from assets.web.rows import from_row


class GrantOut(BaseModel):
    """A role and what it covers; one that has ended has `ends_at` in the past."""

    id: UUID
    role: Role
    reach: Reach
    unit: str | None
    unit_name: str | None
    site: str | None
    site_name: str | None
    ends_at: datetime | None
    created_at: datetime
    created_by: str


class UserOut(BaseModel):
    """A person or service, with the grants that hold or are to come."""

    id: UUID
    name: str
    display_name: str
    post: str
    email: str
    phone: str
    language: str
    active: bool
    roles: list[Role]
    grants: list[GrantOut]
    has_password: bool
    must_change_password: bool
    second_factor_since: datetime | None
    last_seen_at: datetime | None
    created_at: datetime
    version: int


class TokenOut(BaseModel):
    """A token without its secret."""

    id: UUID
    user: str
    prefix: str
    title: str
    actions: list[Action]
    sites: list[str]
    created_at: datetime
    created_by: str
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None


class SessionOut(BaseModel):
    """A browser that is signed in."""

    id: UUID
    user: str
    agent: str
    address: str
    second_factor: bool
    created_at: datetime
    last_seen_at: datetime
    ends_at: datetime


_GRANTS = """(select coalesce(json_agg(json_build_object('id', g.id, 'role', g.role, 'unit', au.code, 'unit_name', au.name,
    'site', s.code, 'site_name', s.name, 'ends_at', g.ends_at, 'created_at', g.created_at, 'created_by', g.created_by,
    'reach', case when g.unit is not null then 'unit' when g.site is not null then 'site' else 'province' end)
    order by g.created_at, g.id), '[]') from grants g left join administrative_units au on au.id = g.unit
    left join sites s on s.id = g.site where g."user" = u.id and (g.ends_at is null or g.ends_at > now())) as grants"""
_ROLES = """coalesce((select string_agg(g.role, ' ') from grants g
    where g."user" = u.id and (g.ends_at is null or g.ends_at > now())), '')"""
_LAST_SEEN = """(select max(at) from (select last_seen_at as at from sessions where "user" = u.id
    union all select last_used_at from tokens where "user" = u.id) seen)"""
USERS = Listing(
    select="u.*, u.password_hash is not null as has_password, u.must_change as must_change_password, "
    f"u.totp_since as second_factor_since, {_LAST_SEEN} as last_seen_at, {_GRANTS}",
    source="users u",
    key="u.id",
    columns={
        "name": Column("u.name"), "active": Column("u.active", "boolean"), "created_at": Column("u.created_at", "timestamptz"),
    },
    sort="name",
    search=(folded("u.name"), folded("u.display_name"), folded("u.post"), _ROLES),
)  # fmt: skip
TOKENS = Listing(
    select="t.*, u.name as user_name, "
    "(select coalesce(json_agg(s.code order by s.code), '[]') from sites s where t.sites ? s.id::text) as site_codes",
    source='tokens t join users u on u.id = t."user"', key="t.id",
    columns={
        "user": Column("u.name"), "created_at": Column("t.created_at", "timestamptz"),
        "expires_at": Column("t.expires_at", "timestamptz"), "last_used_at": Column("t.last_used_at", "timestamptz"),
        "revoked": Column("(t.revoked_at is not null)", "boolean", sortable=False),
    },
    sort="-created_at",
    search=(folded("u.name"), folded("u.display_name"), folded("t.title")),
)  # fmt: skip
SESSIONS = Listing(
    select="s.public_id as id, u.name as user_name, s.agent, s.address, s.second_factor_at is not null as second_factor, "
    "s.created_at, s.last_seen_at, s.ends_at",
    source='(select * from sessions where expires_at > now() and ends_at > now()) s join users u on u.id = s."user"',
    key="s.public_id",
    columns={
        "user": Column("u.name"), "last_seen_at": Column("s.last_seen_at", "timestamptz"),
        "created_at": Column("s.created_at", "timestamptz"), "address": Column("s.address"),
    },
    sort="-last_seen_at",
    search=(folded("u.name"), folded("u.display_name"), folded("s.agent"), "s.address"),
)  # fmt: skip


def user_out(row: Record) -> UserOut:
    """A row of USERS."""
    grants = [GrantOut.model_validate(grant) for grant in json.loads(row["grants"])]
    return _user(row, grants=grants, roles=sorted({grant.role for grant in grants}))


_user = from_row(UserOut, "roles", "grants")


def token_out(row: Record) -> TokenOut:
    """A row of TOKENS."""
    return _token(row, actions=json.loads(row["actions"]), sites=json.loads(row["site_codes"]))


_token = from_row(TokenOut, "actions", "sites", user="user_name")
session_out = from_row(SessionOut, user="user_name")


async def user(tx: Connection, name: str) -> UserOut:
    """Somebody by the name that they sign in with; NotFound."""
    where: list[tuple[str, list[Any]]] = [("u.name = {}", [clean(name, 60).lower()])]
    found = await fetch(tx, USERS, ListQuery(limit=1), user_out, where=where)
    if not found.items:
        raise NotFound()
    return found.items[0]
