"""Rows of disposal: the rule that is in force from a day on, and what repairs would cost."""

from piccolo.columns import UUID, BigInt, Date, ForeignKey, Integer, SmallInt, Text, Timestamptz, Varchar
from piccolo.columns.base import OnDelete
from piccolo.table import Table

from assets.clock import now
from assets.db import DB
from assets.ids import new_id
from assets.inventory.tables import Asset


class DisposalRule(Table, db=DB, tablename="disposal_rules"):
    """From a day on: a broken asset may go when a repair costs more than this share (percent) of its original cost."""

    id = UUID(primary_key=True, default=new_id)
    repair_percent = SmallInt()
    valid_from = Date(unique=True)
    source = Varchar(length=255, default="")
    version = Integer(default=1)


class RepairQuotation(Table, db=DB, tablename="repair_quotations"):
    """What a supplier asks for the repair of an asset, in whole đồng; the newest one counts."""

    id = UUID(primary_key=True, default=new_id)
    asset = ForeignKey(Asset, null=False, on_delete=OnDelete.cascade)
    amount = BigInt()
    supplier = Varchar(length=160)
    quoted_on = Date()
    note = Text(default="")
    written_by = Varchar(length=120, default="")
    written_at = Timestamptz(default=now)
