"""Rows of readiness."""

from piccolo.columns import JSONB, UUID, ForeignKey, Timestamptz, Varchar
from piccolo.columns.base import OnDelete
from piccolo.table import Table

from assets.clock import now
from assets.db import DB
from assets.ids import new_id
from assets.places.tables import Site


class Readiness(Table, db=DB, tablename="readiness"):
    """The present verdict on a centre: able, limited, unable or unknown, since when, and each reason with its owner."""

    site = ForeignKey(Site, primary_key=True, null=False, on_delete=OnDelete.cascade)
    verdict = Varchar(length=10)
    since = Timestamptz(default=now)
    reasons = JSONB(default="[]")
    computed_at = Timestamptz(default=now)


class ReadinessChange(Table, db=DB, tablename="readiness_changes"):
    """One change of a centre's verdict."""

    id = UUID(primary_key=True, default=new_id)
    site = ForeignKey(Site, null=False, on_delete=OnDelete.cascade)
    at = Timestamptz(default=now)
    before = Varchar(length=10)
    after = Varchar(length=10)
    reasons = JSONB(default="[]")
