"""Rows of kits, norms and posts."""

from piccolo.columns import UUID, BigInt, Boolean, Date, ForeignKey, Integer, SmallInt, Varchar
from piccolo.columns.base import OnDelete
from piccolo.constraints import Unique
from piccolo.table import Table

from assets.db import DB
from assets.ids import new_id
from assets.inventory.tables import Application, AssetCategory
from assets.places.tables import Site

__all__ = ["Kit", "KitLine", "Norm", "NormCategory", "PostCount"]


class Kit(Table, db=DB, tablename="kits"):
    """What sites of a kind should have, in units of a kind (empty: of any); `is_example` marks what nobody decided."""

    id = UUID(primary_key=True, default=new_id)
    code = Varchar(length=40, unique=True)
    name = Varchar(length=160)
    name_en = Varchar(length=160, default="")
    site_kind = Varchar(length=20)
    unit_kind = Varchar(length=20, default="")
    is_example = Boolean(default=False)
    source = Varchar(length=255, default="")
    version = Integer(default=1)
    kits_for_whom_uq = Unique([site_kind, unit_kind])


class KitLine(Table, db=DB, tablename="kit_lines"):
    """`quantity` for every `every` sites, counters or persons (`per`), of a category, an application or a `code`.

    `what` says which: category, application, capability (code: its kind), link (code: its kind).
    """

    id = UUID(primary_key=True, default=new_id)
    kit = ForeignKey(Kit, null=False, on_delete=OnDelete.cascade)
    position = SmallInt()
    what = Varchar(length=20)
    category = ForeignKey(AssetCategory, null=True, default=None, on_delete=OnDelete.restrict)
    application = ForeignKey(Application, null=True, default=None, on_delete=OnDelete.restrict)
    code = Varchar(length=40, default="")
    quantity = Integer()
    per = Varchar(length=20)
    every = Integer(default=1)
    note = Varchar(length=255, default="")
    kit_lines_position_uq = Unique([kit, position])


class Norm(Table, db=DB, tablename="norms"):
    """A maximum: `quantity` of `equipment` for every `every` sites, counters, persons or persons of a post group.

    `price_max` is in whole đồng for one piece; `one_stop` is what the province sets for one-stop equipment, apart from
    what a decree allows its people; `verified` says that somebody has held the row against the text that `source` names.
    """

    id = UUID(primary_key=True, default=new_id)
    equipment = Varchar(length=40)
    title = Varchar(length=255)
    quantity = Integer()
    per = Varchar(length=20)
    every = Integer(default=1)
    post_group = Varchar(length=20, default="")
    price_max = BigInt(null=True, default=None)
    one_stop = Boolean(default=False)
    valid_from = Date()
    valid_to = Date(null=True, default=None)
    source = Varchar(length=255)
    verified = Boolean(default=False)
    note = Varchar(length=255, default="")
    version = Integer(default=1)


class NormCategory(Table, db=DB, tablename="norm_categories"):
    """A kind of equipment that a norm speaks of."""

    id = UUID(primary_key=True, default=new_id)
    norm = ForeignKey(Norm, null=False, on_delete=OnDelete.cascade)
    category = ForeignKey(AssetCategory, null=False, on_delete=OnDelete.restrict)
    norm_categories_uq = Unique([norm, category])


class PostCount(Table, db=DB, tablename="post_counts"):
    """How many people of a norm group (such as VIII) a site has, as of a date."""

    id = UUID(primary_key=True, default=new_id)
    site = ForeignKey(Site, null=False, on_delete=OnDelete.cascade)
    post_group = Varchar(length=20)
    as_of = Date()
    people = Integer()
    post_counts_site_group_as_of_uq = Unique([site, post_group, as_of])
