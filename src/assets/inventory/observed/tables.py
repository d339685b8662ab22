"""Rows of what was seen, and of what may be one and the same."""

from piccolo.columns import JSONB, UUID, Array, ForeignKey, Integer, SmallInt, Text, Timestamptz, Varchar
from piccolo.columns.base import OnDelete
from piccolo.constraints import Unique
from piccolo.table import Table

from assets.clock import now
from assets.db import DB
from assets.ids import new_id
from assets.inventory.agents.tables import InventoryAgent
from assets.inventory.tables import Asset

__all__ = ["IdentityProposal", "ObservedValue"]


class ObservedValue(Table, db=DB, tablename="observed_values"):
    """What one source saw last under one key; `plain` are its values as they are compared.

    `since` is when this value was first seen, `seen_at` when last. `kept_at` is when a person said that the record is
    right all the same; another value takes that away.
    """

    id = UUID(primary_key=True, default=new_id)
    asset = ForeignKey(Asset, null=False, on_delete=OnDelete.cascade)
    key = Varchar(length=40)
    source = Varchar(length=20)
    value = Text()
    plain = Array(base_column=Varchar(length=120), default=list)
    since = Timestamptz(default=now)
    seen_at = Timestamptz(default=now)
    kept_at = Timestamptz(null=True, default=None)
    kept_by = Varchar(length=120, default="")
    version = Integer(default=1)
    observed_values_asset_key_source_uq = Unique([asset, key, source])


class IdentityProposal(Table, db=DB, tablename="identity_proposals"):
    """A question to people: is the computer of `agent` the asset, are two assets one, or is it a new one?

    Kinds: register (nobody has registered it), attach (agent and asset), merge (asset and other). States: open,
    accepted, dismissed, settled (another answer settled it too), undone. `undo` holds what a merge moved.
    """

    id = UUID(primary_key=True, default=new_id)
    kind = Varchar(length=20)
    agent = ForeignKey(InventoryAgent, null=True, default=None, on_delete=OnDelete.cascade)
    asset = ForeignKey(Asset, null=True, default=None, on_delete=OnDelete.cascade)
    other = ForeignKey(Asset, null=True, default=None, on_delete=OnDelete.cascade)
    asset_tag = Varchar(length=40, default="")
    other_tag = Varchar(length=40, default="")
    score = SmallInt(default=0)
    reasons = JSONB(default="[]")
    state = Varchar(length=20, default="open")
    made_at = Timestamptz(default=now)
    decided_at = Timestamptz(null=True, default=None)
    decided_by = Varchar(length=120, default="")
    undo = JSONB(null=True, default=None)
    version = Integer(default=1)
