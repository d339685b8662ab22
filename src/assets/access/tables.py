"""Rows of access."""

from piccolo.columns import UUID, Boolean, ForeignKey, Integer, Text, Timestamptz, Varchar
from piccolo.columns.base import OnDelete
from piccolo.table import Table

from assets.clock import now
from assets.db import DB
from assets.ids import new_id
from assets.places.tables import AdministrativeUnit, Site


class User(Table, db=DB, tablename="users"):
    """A person or service that may sign in; what it may do is in its grants."""

    id = UUID(primary_key=True, default=new_id)
    name = Varchar(length=60, unique=True)
    display_name = Varchar(length=120, default="")
    post = Varchar(length=120, default="")
    email = Varchar(length=254, default="")
    phone = Varchar(length=40, default="")
    language = Varchar(length=5, default="vi")
    password_hash = Varchar(length=255, null=True, default=None, secret=True)
    active = Boolean(default=True)
    created_at = Timestamptz(default=now)
    version = Integer(default=1)


class Grant(Table, db=DB, tablename="grants"):
    """A role of a user, over the province (neither unit nor site), a unit's sites or one site, perhaps until a day."""

    id = UUID(primary_key=True, default=new_id)
    user = ForeignKey(User, null=False, on_delete=OnDelete.cascade)
    role = Varchar(length=20)
    unit = ForeignKey(AdministrativeUnit, null=True, default=None, on_delete=OnDelete.cascade)
    site = ForeignKey(Site, null=True, default=None, on_delete=OnDelete.cascade)
    ends_at = Timestamptz(null=True, default=None)
    created_at = Timestamptz(default=now)


class Session(Table, db=DB, tablename="sessions"):
    """A signed-in browser; only the digest of its cookie is kept."""

    digest = Varchar(length=64, primary_key=True)
    user = ForeignKey(User, null=False, on_delete=OnDelete.cascade)
    created_at = Timestamptz(default=now)
    last_seen_at = Timestamptz(default=now)
    expires_at = Timestamptz()
    agent = Varchar(length=255, default="")


class Token(Table, db=DB, tablename="tokens"):
    """A bearer token `prefix.secret` of a user; only the secret's SHA-256 is kept."""

    id = UUID(primary_key=True, default=new_id)
    user = ForeignKey(User, null=False, on_delete=OnDelete.cascade)
    prefix = Varchar(length=16, unique=True)
    digest = Varchar(length=64, secret=True)
    title = Text(default="")
    created_at = Timestamptz(default=now)
    expires_at = Timestamptz(null=True, default=None)
    revoked_at = Timestamptz(null=True, default=None)
    last_used_at = Timestamptz(null=True, default=None)
