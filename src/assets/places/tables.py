"""Rows of places."""

from typing import Any

from piccolo.columns import UUID, Boolean, Date, DoublePrecision, ForeignKey, Integer, Text, Timestamptz, Varchar
from piccolo.columns.base import OnDelete
from piccolo.constraints import Unique
from piccolo.table import Table

from assets.clock import now
from assets.db import DB
from assets.ids import new_id


class AdministrativeUnit(Table, db=DB, tablename="administrative_units"):
    """A commune, ward or special zone from one day to another; what it becomes is another row.

    One row at most has a 5-digit code on a day; empty where nobody wrote the code down. `valid_to` is the first day
    on which it is no more (null: it goes on), `valid_from` null means: since before anybody wrote it down.
    """

    id = UUID(primary_key=True, default=new_id)
    code = Varchar(length=5, index=True)
    province_code = Varchar(length=2, index=True)
    kind = Varchar(length=20)
    name = Varchar(length=120)
    name_en = Varchar(length=120, default="")
    former_province = Varchar(length=60, default="")
    former_district = Varchar(length=80, default="")
    agency_code = Varchar(length=60, default="")  # mã định danh điện tử
    valid_from = Date(null=True, default=None)
    valid_to = Date(null=True, default=None)
    area_km2 = DoublePrecision(null=True, default=None)
    latitude = DoublePrecision(null=True, default=None)  # of the polygon's centroid, not of an office
    longitude = DoublePrecision(null=True, default=None)
    sort = Varchar(length=600, default="")
    search = Text(default="")
    version = Integer(default=1)


class UnitChange(Table, db=DB, tablename="unit_changes"):
    """A new, renamed, merged, split or rearranged unit: what took effect on a day, and the decision that says so."""

    id = UUID(primary_key=True, default=new_id)
    kind = Varchar(length=20)
    effective_on = Date(index=True)
    decision_number = Varchar(length=80)
    decided_on = Date(null=True, default=None)
    issued_by = Varchar(length=160, default="")
    web_address = Varchar(length=500, default="")
    note = Varchar(length=500, default="")
    recorded_at = Timestamptz(default=now)
    version = Integer(default=1)


class UnitSuccession(Table, db=DB, tablename="unit_successions"):
    """Which unit came from which by a change; without a predecessor it is new."""

    id = UUID(primary_key=True, default=new_id)
    change = ForeignKey(UnitChange, null=False, on_delete=OnDelete.cascade)
    predecessor = ForeignKey(AdministrativeUnit, null=True, default=None, on_delete=OnDelete.restrict)
    successor = ForeignKey(AdministrativeUnit, null=False, on_delete=OnDelete.restrict)


class Site(Table, db=DB, tablename="sites"):
    """A centre, reception_point or store of a unit. `code` is the unit's for its centre, so that it can be spoken.

    `unit` is the one of today; SiteUnit knows those of other days.
    """

    id = UUID(primary_key=True, default=new_id)
    unit = ForeignKey(AdministrativeUnit, null=False, on_delete=OnDelete.restrict)
    code = Varchar(length=20, unique=True)
    kind = Varchar(length=20)
    name = Varchar(length=200)
    address = Varchar(length=255, default="")
    phone = Varchar(length=40, default="")
    latitude = DoublePrecision(null=True, default=None)
    longitude = DoublePrecision(null=True, default=None)
    sort = Varchar(length=600, default="")
    search = Text(default="")
    open = Boolean(default=True)
    closed_reason = Varchar(length=255, default="")
    agency_code = Varchar(length=60, default="")  # mã định danh điện tử
    created_at = Timestamptz(default=now)
    version = Integer(default=1)


class SiteUnit(Table, db=DB, tablename="site_units"):
    """Which unit a site belonged to, from a day on and before another: on each day since it opened, exactly one."""

    id = UUID(primary_key=True, default=new_id)
    site = ForeignKey(Site, null=False, on_delete=OnDelete.cascade)
    unit = ForeignKey(AdministrativeUnit, null=False, on_delete=OnDelete.restrict)
    valid_from = Date()
    valid_to = Date(null=True, default=None)
    site_units_site_from_uq = Unique([site, valid_from])


class HeadCount(Table, db=DB, tablename="head_counts"):
    """How many people a site has, as of a date; norms count from it (QĐ 15/2025/QĐ-TTg Đ5.2.b)."""

    id = UUID(primary_key=True, default=new_id)
    site = ForeignKey(Site, null=False, on_delete=OnDelete.cascade)
    as_of = Date()
    people = Integer()
    head_counts_site_as_of_uq = Unique([site, as_of])


class Room(Table, db=DB, tablename="rooms"):
    """A room, counter or cabinet of a site; `parent` nests them to any depth."""

    id = UUID(primary_key=True, default=new_id)
    site = ForeignKey(Site, null=False, on_delete=OnDelete.cascade)
    parent: ForeignKey[Any] = ForeignKey("self", null=True, default=None, on_delete=OnDelete.restrict)
    kind = Varchar(length=20, default="room")
    name = Varchar(length=120)
    sort = Varchar(length=600, default="")
    version = Integer(default=1)
    rooms_site_name_uq = Unique([site, name])
