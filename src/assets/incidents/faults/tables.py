"""Rows of reported faults: what can be wrong with a kind of equipment, and who reported what."""

from piccolo.columns import UUID, Array, Boolean, ForeignKey, Integer, SmallInt, Text, Timestamptz, Varchar
from piccolo.columns.base import OnDelete
from piccolo.table import Table

from assets.clock import now
from assets.db import DB
from assets.ids import new_id
from assets.incidents.tables import Incident
from assets.inventory.tables import Asset
from assets.places.tables import Site


class FaultKind(Table, db=DB, tablename="fault_kinds"):
    """A picture to tap: what can be wrong with the assets of these categories or families; with neither, with any."""

    id = UUID(primary_key=True, default=new_id)
    code = Varchar(length=40, unique=True)
    name = Varchar(length=60)
    name_en = Varchar(length=60, default="")
    picture = Varchar(length=20)
    categories = Array(base_column=Varchar(length=40), default=list)
    families = Array(base_column=Varchar(length=20), default=list)
    severity = Varchar(length=10)
    position = SmallInt(default=0)
    active = Boolean(default=True)
    version = Integer(default=1)


class FaultReport(Table, db=DB, tablename="fault_reports"):
    """What somebody reported of an asset, once for each form; `signed_address` is what they came by, if they did."""

    id = UUID(primary_key=True, default=new_id)
    key = UUID(unique=True)
    site = ForeignKey(Site, null=False, on_delete=OnDelete.restrict)
    asset = ForeignKey(Asset, null=False, on_delete=OnDelete.cascade)
    incident = ForeignKey(Incident, null=False, on_delete=OnDelete.cascade)
    fault = Varchar(length=40)
    text = Text()
    photo = UUID(null=True, default=None)
    said_by = UUID(null=True, default=None)
    said_by_name = Varchar(length=120)
    said_at = Timestamptz(default=now)
    signed_address = UUID(null=True, default=None)
