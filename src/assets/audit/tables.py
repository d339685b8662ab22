"""Rows of the audit trail."""

from piccolo.columns import JSONB, UUID, BigInt, Text, Timestamptz, Varchar
from piccolo.table import Table

from assets.clock import now
from assets.db import DB
from assets.ids import new_id


class AuditEvent(Table, db=DB, tablename="audit_events"):
    """One change of one thing, written in the transaction that made it; `digest` covers all other columns."""

    id = UUID(primary_key=True, default=new_id)
    at = Timestamptz(default=now, index=True)
    actor = UUID(null=True, default=None)
    actor_name = Varchar(length=120, default="")
    action = Varchar(length=60)
    subject_kind = Varchar(length=40)
    subject = UUID(index=True)
    subject_name = Varchar(length=255, default="")
    site = UUID(null=True, default=None, index=True)
    before = JSONB(null=True, default=None)
    after = JSONB(null=True, default=None)
    reason = Text(default="")
    origin = Varchar(length=120, default="")
    request = Varchar(length=60, default="")  # the HTTP request or job that it was part of
    digest = Varchar(length=64)


class AuditSeal(Table, db=DB, tablename="audit_seals"):
    """One link of the chain: the event with this number, its digest, and the digest over the link before and both."""

    number = BigInt(primary_key=True)
    event = UUID(unique=True)
    digest = Varchar(length=64)
    chain = Varchar(length=64)
    sealed_at = Timestamptz(default=now)
