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
    """A commune, ward or special zone, keyed by its 5-digit code; `kind` is commune, ward or special_zone."""

    id = UUID(primary_key=True, default=new_id)
    code = Varchar(length=5, unique=True)
    province_code = Varchar(length=2, index=True)
    kind = Varchar(length=20)
    name = Varchar(length=120)
    name_en = Varchar(length=120, default="")
    former_province = Varchar(length=60, default="")
    area_km2 = DoublePrecision(null=True, default=None)
    latitude = DoublePrecision(null=True, default=None)  # of the polygon's centroid, not of an office
    longitude = DoublePrecision(null=True, default=None)
    sort = Varchar(length=600, default="")
    search = Text(default="")
    version = Integer(default=1)


class Site(Table, db=DB, tablename="sites"):
    """A centre, reception_point or store of a unit. `code` is the unit's for its centre, so that it can be spoken."""

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
    created_at = Timestamptz(default=now)
    version = Integer(default=1)


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
