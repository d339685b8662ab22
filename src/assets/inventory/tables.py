"""Rows of the inventory."""

from typing import Any

from piccolo.columns import (
    JSONB,
    UUID,
    Array,
    BigInt,
    Boolean,
    Date,
    ForeignKey,
    Integer,
    SmallInt,
    Text,
    Timestamptz,
    Varchar,
)
from piccolo.columns.base import OnDelete
from piccolo.constraints import Unique
from piccolo.table import Table

from assets.clock import now
from assets.db import DB
from assets.ids import new_id
from assets.places.tables import Room, Site

__all__ = [
    "Application",
    "Asset",
    "AssetCategory",
    "AssetEvent",
    "AssetModel",
    "Capability",
    "CustomField",
    "Link",
    "WearRate",
]


class AssetCategory(Table, db=DB, tablename="asset_categories"):
    """A kind of equipment. `serves` says which need of a centre it meets: computer, printer, network, or nothing."""

    id = UUID(primary_key=True, default=new_id)
    code = Varchar(length=40, unique=True)
    name = Varchar(length=120)
    name_en = Varchar(length=120)
    serves = Varchar(length=20, default="")
    sort = SmallInt(default=0)
    version = Integer(default=1)


class AssetModel(Table, db=DB, tablename="asset_models"):
    """A maker's model; `profile` is the probe profile that its assets start with."""

    id = UUID(primary_key=True, default=new_id)
    category = ForeignKey(AssetCategory, null=False, on_delete=OnDelete.restrict)
    manufacturer = Varchar(length=80)
    name = Varchar(length=120)
    profile = Varchar(length=60, default="")
    expected_months = Integer(null=True, default=None)
    note = Text(default="")
    search = Text(default="")
    version = Integer(default=1)
    asset_models_maker_name_uq = Unique([manufacturer, name])


class Asset(Table, db=DB, tablename="assets"):
    """One thing that we own. `stage` is its lifecycle, `physical_state` what a person saw (hiện trạng), dated.

    `custodian` is a person or a post, as `custodian_kind` says; `national_code` is its code in the books of others;
    `custom` holds the values of the fields that its category has beside these, by their codes.
    """

    id = UUID(primary_key=True, default=new_id)
    tag = Varchar(length=40, unique=True)
    model = ForeignKey(AssetModel, null=False, on_delete=OnDelete.restrict)
    site = ForeignKey(Site, null=False, on_delete=OnDelete.restrict)
    room = ForeignKey(Room, null=True, default=None, on_delete=OnDelete.set_null)
    serial = Varchar(length=120, default="", index=True)
    name = Varchar(length=200, default="")
    stage = Varchar(length=20, index=True)
    physical_state = Varchar(length=20, default="good")
    physical_state_at = Timestamptz(null=True, default=None)
    macs = Array(base_column=Varchar(length=17), default=list)
    addresses = Array(base_column=Varchar(length=45), default=list)
    custodian = Varchar(length=120, default="")
    custodian_kind = Varchar(length=10, default="")
    supplier = Varchar(length=160, default="")
    funding_source = Varchar(length=160, default="")
    purchased_on = Date(null=True, default=None)
    original_cost = BigInt(null=True, default=None)  # nguyên giá, whole đồng
    put_into_use = Date(null=True, default=None)
    warranty_until = Date(null=True, default=None)
    national_code = Varchar(length=60, default="")
    custom = JSONB(default="{}")
    note = Text(default="")
    # What its stage asks for: see lifecycle.KEPT.
    borrower = Varchar(length=120, default="")
    due_back = Date(null=True, default=None)
    repairer = Varchar(length=120, default="")
    quotation = BigInt(null=True, default=None)  # whole đồng
    search = Text(default="")
    created_at = Timestamptz(default=now)
    # The asset that this record turned out to be too; it is then hidden, and its tag leads there.
    merged_into: ForeignKey[Any] = ForeignKey("self", null=True, default=None, on_delete=OnDelete.restrict)
    version = Integer(default=1)


class AssetEvent(Table, db=DB, tablename="asset_events"):
    """One line of an asset's timeline; it keeps the site where it happened."""

    id = UUID(primary_key=True, default=new_id)
    asset = ForeignKey(Asset, null=False, on_delete=OnDelete.cascade)
    site = ForeignKey(Site, null=False, on_delete=OnDelete.restrict)
    at = Timestamptz(default=now)
    kind = Varchar(length=40)
    actor_name = Varchar(length=120, default="")
    text = Text(default="")


class Link(Table, db=DB, tablename="links"):
    """A network line of a site; `kind` is dedicated (TSLCD), fibre, mobile or satellite.

    `wan_router` is the tag of the asset at the same site that the line ends at, `wan_interface` the interface as that
    device calls it. `budget_mb_per_day` is what watching may cost it, in millions of octets; empty: see probing.budget.
    """

    id = UUID(primary_key=True, default=new_id)
    site = ForeignKey(Site, null=False, on_delete=OnDelete.restrict)
    tag = Varchar(length=40, unique=True)
    kind = Varchar(length=20)
    carrier = Varchar(length=60)
    circuit_number = Varchar(length=60, default="")
    bandwidth_mbps = Integer(null=True, default=None)
    is_primary = Boolean(default=True)
    hotline = Varchar(length=40, default="")
    near_end = Varchar(length=160, default="")
    far_end = Varchar(length=160, default="")
    contract_number = Varchar(length=60, default="")
    contract_until = Date(null=True, default=None)
    monthly_cost = BigInt(null=True, default=None)  # whole đồng
    wan_router = Varchar(length=40, default="")
    wan_interface = Varchar(length=80, default="")
    budget_mb_per_day = Integer(null=True, default=None)
    note = Text(default="")
    search = Text(default="")
    version = Integer(default=1)


class Application(Table, db=DB, tablename="applications"):
    """A system that centres work with, its owner office and the web address to check."""

    id = UUID(primary_key=True, default=new_id)
    code = Varchar(length=40, unique=True)
    name = Varchar(length=160)
    name_en = Varchar(length=160, default="")
    owner_office = Varchar(length=160, default="")
    web_address = Varchar(length=255, default="")
    needs_account = Boolean(default=True)
    version = Integer(default=1)


class Capability(Table, db=DB, tablename="capabilities"):
    """What a site needs beside machines: account, authority, token, seal, training or manual, with status and expiry.

    Status: not_issued, waiting, issued, expired, revoked (domain: chưa cấp, đang chờ cấp, đã cấp, hết hạn, thu hồi).
    """

    id = UUID(primary_key=True, default=new_id)
    site = ForeignKey(Site, null=False, on_delete=OnDelete.restrict)
    application = ForeignKey(Application, null=True, default=None, on_delete=OnDelete.restrict)
    kind = Varchar(length=20)
    title = Varchar(length=160)
    holder_post = Varchar(length=120, default="")
    status = Varchar(length=20)
    since = Date(null=True, default=None)
    expires_on = Date(null=True, default=None)
    note = Text(default="")
    version = Integer(default=1)


class CustomField(Table, db=DB, tablename="custom_fields"):
    """A field that assets have beside the built-in ones: of one category, or of all (none named).

    A deprecated one keeps the values that there are and takes no new ones.
    """

    id = UUID(primary_key=True, default=new_id)
    code = Varchar(length=40, unique=True)
    category = ForeignKey(AssetCategory, null=True, default=None, on_delete=OnDelete.restrict)
    name = Varchar(length=120)
    name_en = Varchar(length=120, default="")
    kind = Varchar(length=20)
    choices = Array(base_column=Varchar(length=80), default=list)
    required = Boolean(default=False)
    deprecated = Boolean(default=False)
    sort = SmallInt(default=0)
    version = Integer(default=1)


class WearRate(Table, db=DB, tablename="wear_rates"):
    """What is in force for a category from a day on: useful life, threshold in whole đồng, rate in 0.01 % if it is set."""

    id = UUID(primary_key=True, default=new_id)
    category = ForeignKey(AssetCategory, null=False, on_delete=OnDelete.restrict)
    years = SmallInt()
    rate = Integer(null=True, default=None)
    threshold = BigInt()
    valid_from = Date()
    source = Varchar(length=255, default="")
    version = Integer(default=1)
    wear_rates_category_from_uq = Unique([category, valid_from])
