"""Rows of access."""

from piccolo.columns import JSONB, UUID, BigInt, Boolean, ForeignKey, Integer, SmallInt, Text, Timestamptz, Varchar
from piccolo.columns.base import OnDelete
from piccolo.constraints import Unique
from piccolo.table import Table

from assets.clock import now
from assets.db import DB
from assets.ids import new_id
from assets.places.tables import AdministrativeUnit, Site


class User(Table, db=DB, tablename="users"):
    """A person or service that may sign in; what it may do is in its grants.

    An initial password must be changed (`must_change`) before `password_until`. `totp` is the sealed seed of the second
    factor and `totp_step` the last time step that was used, so that a code counts once (RFC 6238 §5.2).
    """

    id = UUID(primary_key=True, default=new_id)
    name = Varchar(length=60, unique=True)
    display_name = Varchar(length=120, default="")
    post = Varchar(length=120, default="")
    email = Varchar(length=254, default="")
    phone = Varchar(length=40, default="")
    language = Varchar(length=5, default="vi")
    password_hash = Varchar(length=255, null=True, default=None, secret=True)
    must_change = Boolean(default=False)
    password_until = Timestamptz(null=True, default=None)
    totp = Text(null=True, default=None, secret=True)
    totp_since = Timestamptz(null=True, default=None)
    totp_step = BigInt(default=0)
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
    created_by = Varchar(length=120, default="")


class Session(Table, db=DB, tablename="sessions"):
    """A signed-in browser; only the digest of its cookie is kept, and `public_id` names it to people.

    It ends at `expires_at` unless it is used before, and at `ends_at` in any case.
    """

    digest = Varchar(length=64, primary_key=True)
    public_id = UUID(default=new_id, unique=True)
    user = ForeignKey(User, null=False, on_delete=OnDelete.cascade)
    created_at = Timestamptz(default=now)
    last_seen_at = Timestamptz(default=now)
    expires_at = Timestamptz()
    ends_at = Timestamptz()
    second_factor_at = Timestamptz(null=True, default=None)
    agent = Varchar(length=255, default="")
    address = Varchar(length=60, default="")


class Token(Table, db=DB, tablename="tokens"):
    """A bearer token `prefix.secret` of a user; only the secret's SHA-256 is kept.

    It may do no more than its owner: of that only `actions` (empty: all of it), at `sites` (ids; empty: all of them).
    """

    id = UUID(primary_key=True, default=new_id)
    user = ForeignKey(User, null=False, on_delete=OnDelete.cascade)
    prefix = Varchar(length=16, unique=True)
    digest = Varchar(length=64, secret=True)
    title = Text(default="")
    actions = JSONB(default="[]")
    sites = JSONB(default="[]")
    created_by = Varchar(length=120, default="")
    created_at = Timestamptz(default=now)
    expires_at = Timestamptz(null=True, default=None)
    revoked_at = Timestamptz(null=True, default=None)
    last_used_at = Timestamptz(null=True, default=None)


class RecoveryCode(Table, db=DB, tablename="recovery_codes"):
    """A code that stands in for a lost telephone, once."""

    id = UUID(primary_key=True, default=new_id)
    user = ForeignKey(User, null=False, on_delete=OnDelete.cascade)
    digest = Varchar(length=64, secret=True)
    used_at = Timestamptz(null=True, default=None)


class SignInAttempt(Table, db=DB, tablename="sign_in_attempts"):
    """One try to sign in that was not (yet) right, under the digest of a name, a device or an address."""

    id = UUID(primary_key=True, default=new_id)
    key = Varchar(length=64, index=True)
    at = Timestamptz(default=now)


class IdempotencyKey(Table, db=DB, tablename="idempotency_keys"):
    """An Idempotency-Key of a caller and route with the answer that it got, stored with its effect; `body` is sealed."""

    id = UUID(primary_key=True, default=new_id)
    caller = UUID()
    route = Varchar(length=255)
    key = Varchar(length=200)
    request_digest = Varchar(length=64)
    status = SmallInt(default=0)
    headers = JSONB(default="{}")
    body = Text(default="", secret=True)
    created_at = Timestamptz(default=now, index=True)
    idempotency_keys_once_uq = Unique([caller, route, key])


class SignedAddress(Table, db=DB, tablename="signed_addresses"):
    """A web address that opens one form about one thing until a moment, without signing in; its secret is not kept.

    `subject` is what it is about and `name` how people call that; it stands at `site`.
    """

    id = UUID(primary_key=True, default=new_id)
    purpose = Varchar(length=20)
    subject = UUID(index=True)
    name = Varchar(length=120)
    site = ForeignKey(Site, null=False, on_delete=OnDelete.cascade)
    digest = Varchar(length=64, unique=True, secret=True)
    issued_by = ForeignKey(User, null=False, on_delete=OnDelete.cascade)
    issued_by_name = Varchar(length=120)
    issued_at = Timestamptz(default=now)
    expires_at = Timestamptz()
    withdrawn_at = Timestamptz(null=True, default=None)
    withdrawn_by_name = Varchar(length=120, default="")
    uses = Integer(default=0)
    last_used_at = Timestamptz(null=True, default=None)
    last_used_by = Varchar(length=120, default="")
