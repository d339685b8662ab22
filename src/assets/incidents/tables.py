"""Rows of incidents."""

from piccolo.columns import UUID, ForeignKey, Integer, Text, Timestamptz, Varchar
from piccolo.columns.base import OnDelete
from piccolo.table import Table

from assets.clock import now
from assets.db import DB
from assets.ids import new_id
from assets.places.tables import Site


class Incident(Table, db=DB, tablename="incidents"):
    """Something that is wrong until it is resolved; at most one is open per subject and kind, and none reopens.

    `subject_kind` and `subject` name what it is about (target, asset, collector, site); the site is the one where
    it happened and stays so when the asset moves on.
    """

    id = UUID(primary_key=True, default=new_id)
    number = Integer(unique=True)
    kind = Varchar(length=20)
    severity = Varchar(length=10)
    state = Varchar(length=14, index=True)
    site = ForeignKey(Site, null=True, default=None, on_delete=OnDelete.restrict)
    subject_kind = Varchar(length=20)
    subject = UUID()
    subject_name = Varchar(length=200)
    asset = UUID(null=True, default=None)
    asset_tag = Varchar(length=40, default="")
    reason = Text(default="")  # phrases, see assets.phrases
    opened_at = Timestamptz(default=now)
    acknowledged_at = Timestamptz(null=True, default=None)
    acknowledged_by = Varchar(length=120, default="")
    resolved_at = Timestamptz(null=True, default=None)
    resolution = Text(default="")
    affected = Integer(default=0)  # how many other things are unreachable behind this one
    version = Integer(default=1)


class IncidentEvent(Table, db=DB, tablename="incident_events"):
    """One line of an incident's story."""

    id = UUID(primary_key=True, default=new_id)
    incident = ForeignKey(Incident, null=False, on_delete=OnDelete.cascade)
    at = Timestamptz(default=now)
    kind = Varchar(length=20)
    actor_name = Varchar(length=120, default="")
    text = Text(default="")


class MaintenanceWindow(Table, db=DB, tablename="maintenance_windows"):
    """Planned work on a site or one of its targets: conditions are still recorded, nobody is disturbed."""

    id = UUID(primary_key=True, default=new_id)
    site = ForeignKey(Site, null=False, on_delete=OnDelete.cascade)
    target = UUID(null=True, default=None)
    title = Varchar(length=160)
    starts_at = Timestamptz()
    ends_at = Timestamptz()
    created_by = Varchar(length=120, default="")
    version = Integer(default=1)


class Silence(Table, db=DB, tablename="silences"):
    """Somebody asked for quiet about a site (None: everything) or one target until a moment, and why."""

    id = UUID(primary_key=True, default=new_id)
    site = ForeignKey(Site, null=True, default=None, on_delete=OnDelete.cascade)
    target = UUID(null=True, default=None)
    reason = Varchar(length=255)
    starts_at = Timestamptz(default=now)
    ends_at = Timestamptz()
    created_by = Varchar(length=120, default="")
    version = Integer(default=1)
