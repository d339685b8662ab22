"""Rows of delegations."""

from piccolo.columns import UUID, Date, ForeignKey, Timestamptz, Varchar
from piccolo.columns.base import OnDelete
from piccolo.table import Table

from assets.access.tables import User
from assets.clock import now
from assets.db import DB
from assets.ids import new_id


class Delegation(Table, db=DB, tablename="delegations"):
    """Who decides equipment requests for somebody who is away, from a day to a day (both in Viet Nam, both included)."""

    id = UUID(primary_key=True, default=new_id)
    from_user = ForeignKey(User, null=False, on_delete=OnDelete.cascade, index=True)
    to_user = ForeignKey(User, null=False, on_delete=OnDelete.cascade, index=True)
    from_on = Date()
    until_on = Date()
    reason = Varchar(length=255, default="")
    created_at = Timestamptz(default=now)
    withdrawn_at = Timestamptz(null=True, default=None)
    withdrawn_by = Varchar(length=120, default="")
