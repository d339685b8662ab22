"""Rows of equipment requests."""

from piccolo.columns import UUID, ForeignKey, Integer, SmallInt, Text, Timestamptz, Varchar
from piccolo.columns.base import OnDelete
from piccolo.table import Table

from assets.access.tables import User
from assets.clock import now
from assets.db import DB
from assets.ids import new_id
from assets.inventory.tables import Asset, AssetCategory
from assets.places.tables import Site


class EquipmentRequest(Table, db=DB, tablename="equipment_requests"):
    """What a centre asks for. State: draft, submitted, returned, approved, refused, fulfilled, closed, withdrawn."""

    id = UUID(primary_key=True, default=new_id)
    number = Integer(unique=True)
    site = ForeignKey(Site, null=False, on_delete=OnDelete.restrict)
    requested_by = ForeignKey(User, null=False, on_delete=OnDelete.restrict)
    state = Varchar(length=14, index=True)
    reason = Text()
    created_at = Timestamptz(default=now)
    submitted_at = Timestamptz(null=True, default=None)
    decided_at = Timestamptz(null=True, default=None)
    decided_by = Varchar(length=120, default="")
    decision_note = Text(default="")
    fulfilled_at = Timestamptz(null=True, default=None)
    search = Text(default="")
    version = Integer(default=1)


class EquipmentRequestLine(Table, db=DB, tablename="equipment_request_lines"):
    """One kind of thing, how many were asked for, approved and given."""

    id = UUID(primary_key=True, default=new_id)
    request = ForeignKey(EquipmentRequest, null=False, on_delete=OnDelete.cascade)
    category = ForeignKey(AssetCategory, null=False, on_delete=OnDelete.restrict)
    position = SmallInt(default=1)
    quantity = Integer()
    approved = Integer(null=True, default=None)
    given = Integer(default=0)
    reason = Text(default="")


class Fulfilment(Table, db=DB, tablename="fulfilments"):
    """An asset that was given for a line, from which site."""

    id = UUID(primary_key=True, default=new_id)
    line = ForeignKey(EquipmentRequestLine, null=False, on_delete=OnDelete.cascade)
    asset = ForeignKey(Asset, null=False, on_delete=OnDelete.restrict)
    from_site = ForeignKey(Site, null=False, on_delete=OnDelete.restrict)
    at = Timestamptz(default=now)
    actor_name = Varchar(length=120, default="")


class EquipmentRequestEvent(Table, db=DB, tablename="equipment_request_events"):
    """One step of a request, who took it and what they wrote."""

    id = UUID(primary_key=True, default=new_id)
    request = ForeignKey(EquipmentRequest, null=False, on_delete=OnDelete.cascade)
    at = Timestamptz(default=now)
    action = Varchar(length=20)
    before = Varchar(length=14)
    after = Varchar(length=14)
    actor_name = Varchar(length=120, default="")
    note = Text(default="")
