"""Rows of notifications; `notifications` is the outbox and the truth."""

from piccolo.columns import JSONB, UUID, Boolean, ForeignKey, Integer, Text, Timestamptz, Varchar
from piccolo.columns.base import OnDelete
from piccolo.constraints import Unique
from piccolo.table import Table

from assets.access.tables import User
from assets.clock import now
from assets.db import DB
from assets.ids import new_id
from assets.places.tables import Site


class Channel(Table, db=DB, tablename="channels"):
    """Where messages go: an Apprise URL, sealed by the vault and bound to this row.

    With a `person` it is theirs alone: it also gets what concerns them, without a subscription.
    """

    id = UUID(primary_key=True, default=new_id)
    name = Varchar(length=120, unique=True)
    url = Text(secret=True)
    scheme = Varchar(length=20)
    language = Varchar(length=5, default="vi")
    enabled = Boolean(default=True)
    failing_since = Timestamptz(null=True, default=None)
    last_error = Varchar(length=255, default="")
    person = ForeignKey(User, null=True, default=None, on_delete=OnDelete.cascade)
    version = Integer(default=1)


class Subscription(Table, db=DB, tablename="subscriptions"):
    """Which messages a channel gets: of one site or all (None), of these kinds or all (empty), from a severity up."""

    id = UUID(primary_key=True, default=new_id)
    channel = ForeignKey(Channel, null=False, on_delete=OnDelete.cascade)
    site = ForeignKey(Site, null=True, default=None, on_delete=OnDelete.cascade)
    kinds = JSONB(default="[]")
    severity = Varchar(length=10, default="critical")
    version = Integer(default=1)


class Notification(Table, db=DB, tablename="notifications"):
    """One message to one channel about one change of one subject; unique, so that it is told once however often asked.

    State: waiting, sending, sent, suppressed (`reason` says why), failed (`error` says why).
    """

    id = UUID(primary_key=True, default=new_id)
    subject_kind = Varchar(length=20)
    subject = UUID(index=True)
    change = Varchar(length=40)
    channel = ForeignKey(Channel, null=False, on_delete=OnDelete.cascade)
    site = UUID(null=True, default=None)
    state = Varchar(length=12)
    facts = JSONB(default="{}")
    severity = Varchar(length=10, default="")
    created_at = Timestamptz(default=now)
    next_attempt_at = Timestamptz()
    lease_until = Timestamptz(null=True, default=None)
    attempts = Integer(default=0)
    sent_at = Timestamptz(null=True, default=None)
    reason = Text(default="")
    error = Varchar(length=255, default="")
    notifications_once_uq = Unique([subject_kind, subject, change, channel])
