"""Rows of saved filters."""

from piccolo.columns import UUID, Boolean, ForeignKey, Integer, Text, Timestamptz, Varchar
from piccolo.columns.base import OnDelete
from piccolo.constraints import Unique
from piccolo.table import Table

from assets.access.tables import User
from assets.clock import now
from assets.db import DB
from assets.ids import new_id


class SavedFilter(Table, db=DB, tablename="saved_filters"):
    """What a list is asked, under a name of its owner's; `query` is that part of an address, `shared` shows it to all."""

    id = UUID(primary_key=True, default=new_id)
    owner = ForeignKey(User, null=False, on_delete=OnDelete.cascade)
    resource = Varchar(length=40)
    name = Varchar(length=80)
    query = Text()
    shared = Boolean(default=False)
    created_at = Timestamptz(default=now)
    version = Integer(default=1)
    saved_filters_name_uq = Unique([owner, resource, name])
