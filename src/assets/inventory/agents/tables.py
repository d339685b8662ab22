"""Rows of the agents that report computers."""

from piccolo.columns import JSONB, UUID, ForeignKey, Integer, Text, Timestamptz, Varchar
from piccolo.columns.base import OnDelete
from piccolo.table import Table

from assets.clock import now
from assets.db import DB
from assets.ids import new_id
from assets.inventory.tables import Asset
from assets.places.tables import Site

__all__ = ["InventoryAgent"]


class InventoryAgent(Table, db=DB, tablename="inventory_agents"):
    """One agent on one computer; `last_seen_at` is its heartbeat, `computer` what it said last, as `computer.Computer`.

    `site` is empty where nothing says which one it is. One device id is one row at a site (index in the migration).
    """

    id = UUID(primary_key=True, default=new_id)
    device_id = Varchar(length=120)
    site = ForeignKey(Site, null=True, default=None, on_delete=OnDelete.restrict)
    asset = ForeignKey(Asset, null=True, default=None, on_delete=OnDelete.set_null, index=True)
    hostname = Varchar(length=120, default="")
    software = Varchar(length=120, default="")
    computer = JSONB(default="{}")
    first_seen_at = Timestamptz(default=now)
    last_seen_at = Timestamptz(default=now)
    inventory_at = Timestamptz(null=True, default=None)
    search = Text(default="")
    version = Integer(default=1)
