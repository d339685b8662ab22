"""The row of the working calendar."""

from piccolo.columns import JSONB, UUID, Integer
from piccolo.table import Table

from assets.db import DB
from assets.ids import new_id


class WorkingCalendar(Table, db=DB, tablename="working_calendars"):
    """One row at most, the example without it: shifts as [weekday, starts, ends], days as [day, kind, name]."""

    id = UUID(primary_key=True, default=new_id)
    shifts = JSONB(default="[]")
    days = JSONB(default="[]")
    version = Integer(default=1)
