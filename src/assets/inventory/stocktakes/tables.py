"""Rows of stocktakes."""

from piccolo.columns import UUID, BigInt, Boolean, Date, ForeignKey, Integer, SmallInt, Text, Timestamptz, Varchar
from piccolo.columns.base import OnDelete
from piccolo.constraints import Unique
from piccolo.table import Table

from assets.clock import now
from assets.db import DB
from assets.ids import new_id
from assets.inventory.tables import Asset
from assets.places.tables import Site


class CountedState(Table, db=DB, tablename="counted_states"):
    """In what state something was counted: the code is the rules', the words are the province's to edit."""

    id = UUID(primary_key=True, default=new_id)
    code = Varchar(length=20, unique=True)
    name = Varchar(length=120)
    name_en = Varchar(length=120)
    sort = SmallInt(default=0)
    version = Integer(default=1)


class Stocktake(Table, db=DB, tablename="stocktakes"):
    """A session. `site` is the one that is counted, or the centre of the unit whose sites are counted all."""

    id = UUID(primary_key=True, default=new_id)
    number = Integer(unique=True)
    site = ForeignKey(Site, null=False, on_delete=OnDelete.restrict)
    whole_unit = Boolean(default=False)
    title = Varchar(length=160)
    as_of = Timestamptz()
    state = Varchar(length=10, index=True)
    form_number = Varchar(length=120, default="")
    members = Text(default="")
    opened_at = Timestamptz(default=now)
    opened_by_name = Varchar(length=120, default="")
    closed_at = Timestamptz(null=True, default=None)
    closed_by_name = Varchar(length=120, default="")
    approved_at = Timestamptz(null=True, default=None)
    approved_by_name = Varchar(length=120, default="")
    cancelled_at = Timestamptz(null=True, default=None)
    cancelled_by_name = Varchar(length=120, default="")
    cancel_reason = Varchar(length=255, default="")
    search = Text(default="")
    version = Integer(default=1)


class StocktakeItem(Table, db=DB, tablename="stocktake_items"):
    """What the register expected, as it was at that moment, or what was found beyond it; and what came of it.

    Of what was found beyond the list nothing is copied here: it may be another commune's.
    """

    id = UUID(primary_key=True, default=new_id)
    stocktake = ForeignKey(Stocktake, null=False, on_delete=OnDelete.cascade)
    site = ForeignKey(Site, null=False, on_delete=OnDelete.restrict)
    expected = Boolean(default=True)
    asset = ForeignKey(Asset, null=True, default=None, on_delete=OnDelete.restrict)
    tag = Varchar(length=40)
    name = Varchar(length=255, default="")
    category = Varchar(length=40, default="")
    room = Varchar(length=120, default="")
    stage = Varchar(length=20, default="")
    physical_state = Varchar(length=20, default="")
    original_cost = BigInt(null=True, default=None)
    put_into_use = Date(null=True, default=None)
    remaining = BigInt(null=True, default=None)  # giá trị còn lại at that moment, whole đồng
    result = Varchar(length=12, index=True)
    counted_state = Varchar(length=20, default="")
    counted_room = Varchar(length=120, default="")
    counted_at = Timestamptz(null=True, default=None)
    counted_by_name = Varchar(length=120, default="")
    note = Text(default="")
    scans = Integer(default=0)
    settlement = Varchar(length=12, default="")
    settled_note = Text(default="")
    settled_by = UUID(null=True, default=None)
    settled_by_name = Varchar(length=120, default="")
    search = Text(default="")
    stocktake_items_tag_uq = Unique([stocktake, tag])


class StocktakeScan(Table, db=DB, tablename="stocktake_scans"):
    """One look at a label; the id and the time are those of the device that was used."""

    id = UUID(primary_key=True, default=new_id)
    item = ForeignKey(StocktakeItem, null=False, on_delete=OnDelete.cascade, index=True)
    state = Varchar(length=20, default="")
    room = Varchar(length=120, default="")
    note = Text(default="")
    at = Timestamptz()
    received_at = Timestamptz(default=now)
    by = UUID(null=True, default=None)
    by_name = Varchar(length=120, default="")
