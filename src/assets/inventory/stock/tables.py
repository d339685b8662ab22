"""Rows of consumables and of their stock."""

from typing import Any

from piccolo.columns import UUID, Date, ForeignKey, Integer, Text, Timestamptz, Varchar
from piccolo.columns.base import OnDelete
from piccolo.constraints import Unique
from piccolo.table import Table

from assets.clock import now
from assets.db import DB
from assets.ids import new_id
from assets.inventory.tables import Asset, AssetModel
from assets.places.tables import Site

__all__ = ["Consumable", "ConsumableModel", "Stock", "StockBatch", "StockMovement", "StockShipment"]


class Consumable(Table, db=DB, tablename="consumables"):
    """Vật tư tiêu hao, counted in whole `unit`s (đơn vị tính); `minimum` holds for sites that say none themselves."""

    id = UUID(primary_key=True, default=new_id)
    code = Varchar(length=40, unique=True)
    name = Varchar(length=160)
    name_en = Varchar(length=160, default="")
    kind = Varchar(length=20)
    unit = Varchar(length=40)
    minimum = Integer(default=0)
    note = Varchar(length=255, default="")
    search = Text(default="")
    version = Integer(default=1)


class ConsumableModel(Table, db=DB, tablename="consumable_models"):
    """A model that a consumable fits: the cartridges of a printer."""

    id = UUID(primary_key=True, default=new_id)
    consumable = ForeignKey(Consumable, null=False, on_delete=OnDelete.cascade)
    model = ForeignKey(AssetModel, null=False, on_delete=OnDelete.cascade, index=True)
    consumable_models_uq = Unique([consumable, model])


class Stock(Table, db=DB, tablename="stock"):
    """What of a consumable lies at a site, never below zero; the sum of its movements. `version` is that of `minimum`."""

    id = UUID(primary_key=True, default=new_id)
    site = ForeignKey(Site, null=False, on_delete=OnDelete.restrict)
    consumable = ForeignKey(Consumable, null=False, on_delete=OnDelete.restrict, index=True)
    quantity = Integer(default=0)
    minimum = Integer(null=True, default=None)
    version = Integer(default=1)
    stock_site_consumable_uq = Unique([site, consumable])


class StockBatch(Table, db=DB, tablename="stock_batches"):
    """What is left of a batch (số lô); the batch without a name is what came without one."""

    id = UUID(primary_key=True, default=new_id)
    stock = ForeignKey(Stock, null=False, on_delete=OnDelete.cascade)
    batch = Varchar(length=60, default="")
    expires_on = Date(null=True, default=None)
    quantity = Integer(default=0)
    stock_batches_uq = Unique([stock, batch])


class StockMovement(Table, db=DB, tablename="stock_movements"):
    """One line of the ledger, the `number`-th of its stock; it is never changed.

    `change` is signed, `balance` is what lay there afterwards.

    `asset` is the printer that it went to, `holder` the person or post, `other_site` and `transfer` the other half of a
    transfer, `reverses` the line that this one takes back.
    """

    id = UUID(primary_key=True, default=new_id)
    stock = ForeignKey(Stock, null=False, on_delete=OnDelete.restrict)
    site = ForeignKey(Site, null=False, on_delete=OnDelete.restrict)
    consumable = ForeignKey(Consumable, null=False, on_delete=OnDelete.restrict)
    at = Timestamptz(default=now)
    number = Integer()
    kind = Varchar(length=20)
    change = Integer()
    balance = Integer()
    batch = Varchar(length=60, default="")
    expires_on = Date(null=True, default=None)
    asset = ForeignKey(Asset, null=True, default=None, on_delete=OnDelete.restrict)
    holder = Varchar(length=120, default="")
    other_site = ForeignKey(Site, null=True, default=None, on_delete=OnDelete.restrict)
    transfer = UUID(null=True, default=None)
    reverses: ForeignKey[Any] = ForeignKey("self", null=True, default=None, on_delete=OnDelete.restrict, unique=True)
    reason = Varchar(length=255, default="")
    actor = UUID(null=True, default=None)
    actor_name = Varchar(length=120, default="")


class StockShipment(Table, db=DB, tablename="stock_shipments"):
    """So many of a consumable on their way from one site to another, until the receiver says how many came (`got`).

    Its id is the `transfer` of its lines in both ledgers. State: under_way, received, called_back. The sites' codes and
    names are kept as they were: each side reads this row, and neither can read the other's site.
    """

    id = UUID(primary_key=True, default=new_id)
    from_site = ForeignKey(Site, null=False, on_delete=OnDelete.restrict)
    to_site = ForeignKey(Site, null=False, on_delete=OnDelete.restrict)
    from_code = Varchar(length=20)
    from_name = Varchar(length=200)
    to_code = Varchar(length=20)
    to_name = Varchar(length=200)
    consumable = ForeignKey(Consumable, null=False, on_delete=OnDelete.restrict)
    batch = Varchar(length=60, default="")
    expires_on = Date(null=True, default=None)
    quantity = Integer()
    got = Integer(null=True, default=None)
    state = Varchar(length=12)
    reason = Varchar(length=255, default="")
    note = Varchar(length=500, default="")  # of the receiver, or of whoever called it back
    sent_at = Timestamptz(default=now)
    sent_by = Varchar(length=120, default="")
    ended_at = Timestamptz(null=True, default=None)
    ended_by = Varchar(length=120, default="")
    version = Integer(default=1)
