"""Rows of batches."""

from piccolo.columns import JSONB, UUID, Array, ForeignKey, Integer, Timestamptz, Varchar
from piccolo.columns.base import OnDelete
from piccolo.table import Table

from assets.clock import now
from assets.db import DB
from assets.ids import new_id


class Batch(Table, db=DB, tablename="batches"):
    """Many changes of one resource. `state` is planned, applied or undone; `source` file or edit.

    `sites` is the scope of whoever made it, empty for the whole province: nobody with a smaller one sees it.
    """

    id = UUID(primary_key=True, default=new_id)
    number = Integer(unique=True)
    resource = Varchar(length=40)
    source = Varchar(length=10)
    title = Varchar(length=255, default="")
    digest = Varchar(length=64, default="")
    state = Varchar(length=10, default="planned")
    counts = JSONB(default="{}")
    headings = JSONB(default="[]")
    sites = Array(base_column=UUID(), default=list)
    made_by = UUID(null=True, default=None)
    made_by_name = Varchar(length=120, default="")
    made_at = Timestamptz(default=now)
    applied_at = Timestamptz(null=True, default=None)
    undone_at = Timestamptz(null=True, default=None)


class BatchRow(Table, db=DB, tablename="batch_rows"):
    """One row of a batch: what was wanted, what would become of it, and, once applied, of which thing."""

    id = UUID(primary_key=True, default=new_id)
    batch = ForeignKey(Batch, null=False, on_delete=OnDelete.cascade, index=True)
    position = Integer()
    sheet = Varchar(length=120, default="")
    row = Integer(default=0)
    action = Varchar(length=10)
    key = Varchar(length=255, default="")
    subject = UUID(null=True, default=None)
    subject_version = Integer(null=True, default=None)
    wanted = JSONB(default="{}")
    changes = JSONB(default="{}")
    faults = JSONB(default="[]")
