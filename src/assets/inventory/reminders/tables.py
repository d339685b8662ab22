"""Rows of reminders: the points that the province set, what was told, and the days that are done."""

from piccolo.columns import JSONB, UUID, Date, ForeignKey, Integer, SmallInt, Timestamptz, Varchar
from piccolo.columns.base import OnDelete
from piccolo.constraints import Unique
from piccolo.table import Table

from assets.clock import now
from assets.db import DB
from assets.ids import new_id
from assets.places.tables import Site


class ReminderPoint(Table, db=DB, tablename="reminder_points"):
    """How many days before its end something of a kind is told, largest first; a kind without a row has the defaults."""

    id = UUID(primary_key=True, default=new_id)
    kind = Varchar(length=20, unique=True)
    days = JSONB(default="[]")
    version = Integer(default=1)


class Reminder(Table, db=DB, tablename="reminders"):
    """What was told: a thing, the day on which it ends, and the point; `message` names the grouped notification."""

    id = UUID(primary_key=True, default=new_id)
    kind = Varchar(length=20)
    subject = UUID()
    site = ForeignKey(Site, null=False, on_delete=OnDelete.cascade)
    ends_on = Date()
    point = SmallInt()
    message = UUID()
    told_at = Timestamptz(default=now)
    reminders_once_uq = Unique([kind, subject, ends_on, point])


class ReminderDay(Table, db=DB, tablename="reminder_days"):
    """A day in Viet Nam whose reminders are done; whoever writes the row does them."""

    day = Date(primary_key=True)
    done_at = Timestamptz(default=now)
    told = Integer(default=0)
