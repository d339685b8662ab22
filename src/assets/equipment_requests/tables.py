"""Rows of equipment requests."""

from piccolo.columns import (
    UUID,
    Array,
    BigInt,
    Boolean,
    Date,
    ForeignKey,
    Integer,
    SmallInt,
    Text,
    Timestamptz,
    Varchar,
)
from piccolo.columns.base import OnDelete
from piccolo.constraints import Unique
from piccolo.table import Table

from assets.access.tables import User
from assets.clock import now
from assets.db import DB
from assets.ids import new_id
from assets.inventory.stock.tables import Consumable, StockShipment
from assets.inventory.tables import Application, Asset, AssetCategory
from assets.inventory.transfers.tables import Transfer
from assets.places.tables import Site


class EquipmentRequest(Table, db=DB, tablename="equipment_requests"):
    """What a centre asks for; its states are those of `workflow.State`.

    `round` counts how often it was asked anew, `digest` stands for what was asked then, `value` what that is worth in
    đồng as far as it is known. Whoever has to act has had it since `due_since` and should be done at `target_at`, after
    `target_hours` of work; `reminded` is 1 when they were told that half of them is gone, 2 when all are.
    """

    id = UUID(primary_key=True, default=new_id)
    number = Integer(unique=True)
    site = ForeignKey(Site, null=False, on_delete=OnDelete.restrict)
    requested_by = ForeignKey(User, null=False, on_delete=OnDelete.restrict)
    changed_by = ForeignKey(User, null=True, default=None, on_delete=OnDelete.restrict)  # who corrected it last
    state = Varchar(length=14, index=True)
    reason = Text()
    created_at = Timestamptz(default=now)
    submitted_at = Timestamptz(null=True, default=None)
    decided_at = Timestamptz(null=True, default=None)
    decided_by = Varchar(length=120, default="")
    decision_note = Text(default="")
    fulfilled_at = Timestamptz(null=True, default=None)
    search = Text(default="")
    round = SmallInt(default=0)
    digest = Varchar(length=64, default="")
    value = BigInt(null=True, default=None)
    value_known = Boolean(default=False)
    due_since = Timestamptz(null=True, default=None)
    target_at = Timestamptz(null=True, default=None)
    target_hours = SmallInt(default=0)
    reminded = SmallInt(default=0)
    version = Integer(default=1)


class EquipmentRequestLine(Table, db=DB, tablename="equipment_request_lines"):
    """So many of one thing: asked for, approved, given, and what of the approved will not be given after all (`declined`).

    What it is depends on `kind`: equipment of a `category`, a `consumable`, a `capability` (its kind, for an application
    or not, for the holder of a post), or the repair of an `asset`. `name` and `name_en` say so as it was called when it
    was asked for; `unit_cost` is what one is expected to cost, in whole đồng.
    """

    id = UUID(primary_key=True, default=new_id)
    request = ForeignKey(EquipmentRequest, null=False, on_delete=OnDelete.cascade)
    kind = Varchar(length=12, default="equipment")
    name = Varchar(length=300, default="")
    name_en = Varchar(length=300, default="")
    category = ForeignKey(AssetCategory, null=True, default=None, on_delete=OnDelete.restrict)
    consumable = ForeignKey(Consumable, null=True, default=None, on_delete=OnDelete.restrict)
    capability = Varchar(length=20, default="")
    application = ForeignKey(Application, null=True, default=None, on_delete=OnDelete.restrict)
    holder_post = Varchar(length=120, default="")
    asset = ForeignKey(Asset, null=True, default=None, on_delete=OnDelete.restrict)
    position = SmallInt(default=1)
    quantity = Integer()
    approved = Integer(null=True, default=None)
    given = Integer(default=0)
    declined = Integer(default=0)
    unit_cost = BigInt(null=True, default=None)
    reason = Text(default="")


class Purchase(Table, db=DB, tablename="purchases"):
    """What is bought for many requests at once: the parts of lines that name it."""

    id = UUID(primary_key=True, default=new_id)
    number = Integer(unique=True)
    title = Varchar(length=160)
    state = Varchar(length=10, index=True)
    supplier = Varchar(length=160, default="")
    decision_number = Varchar(length=60, default="")
    note = Text(default="")
    expected_on = Date(null=True, default=None)
    created_at = Timestamptz(default=now)
    created_by = Varchar(length=120, default="")
    ordered_at = Timestamptz(null=True, default=None)
    ended_at = Timestamptz(null=True, default=None)
    search = Text(default="")
    version = Integer(default=1)


class FulfilmentPart(Table, db=DB, tablename="fulfilment_parts"):
    """How `quantity` pieces of a line shall be answered: `way` and `state` are those of `splitting`; `done` of them are.

    `from_site` is where they come from (stock, transfer), `purchase` what they are bought with, `asset` what is repaired.
    Assets come with a `transfer`, which brings the `pieces`; a consumable comes with a `shipment`.
    """

    id = UUID(primary_key=True, default=new_id)
    line = ForeignKey(EquipmentRequestLine, null=False, on_delete=OnDelete.cascade, index=True)
    way = Varchar(length=10)
    state = Varchar(length=10)
    quantity = Integer()
    done = Integer(default=0)
    from_site = ForeignKey(Site, null=True, default=None, on_delete=OnDelete.restrict)
    transfer = ForeignKey(Transfer, null=True, default=None, on_delete=OnDelete.restrict, index=True)
    pieces = Array(base_column=UUID(), default=list)
    shipment = ForeignKey(StockShipment, null=True, default=None, on_delete=OnDelete.restrict, index=True)
    purchase = ForeignKey(Purchase, null=True, default=None, on_delete=OnDelete.restrict, index=True)
    asset = ForeignKey(Asset, null=True, default=None, on_delete=OnDelete.restrict)
    note = Text(default="")
    created_at = Timestamptz(default=now)
    created_by = Varchar(length=120, default="")
    ended_at = Timestamptz(null=True, default=None)


class PurchaseDelivery(Table, db=DB, tablename="purchase_deliveries"):
    """What arrived of a purchase at once: said again under the same `note` (the delivery note's number) it is known.

    `digest` stands for what was said then, `tags` are the assets that it became.
    """

    id = UUID(primary_key=True, default=new_id)
    purchase = ForeignKey(Purchase, null=False, on_delete=OnDelete.restrict)
    note = Varchar(length=60)
    digest = Varchar(length=64)
    tags = Array(base_column=Varchar(length=40), default=list)
    at = Timestamptz(default=now)
    actor_name = Varchar(length=120, default="")
    purchase_deliveries_note_uq = Unique([purchase, note])


class Fulfilment(Table, db=DB, tablename="fulfilments"):
    """An asset that was given for a line, from which site, for which part of it (null: at once, from stock)."""

    id = UUID(primary_key=True, default=new_id)
    line = ForeignKey(EquipmentRequestLine, null=False, on_delete=OnDelete.cascade)
    part = ForeignKey(FulfilmentPart, null=True, default=None, on_delete=OnDelete.restrict)
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
