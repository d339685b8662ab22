"""Rows of labels: grids and printers that somebody has measured. Without a site they are the province's, for all to use."""

from piccolo.columns import UUID, DoublePrecision, ForeignKey, Integer, Varchar
from piccolo.columns.base import OnDelete
from piccolo.constraints import Unique
from piccolo.table import Table

from assets.db import DB
from assets.ids import new_id
from assets.places.tables import Site


class LabelGrid(Table, db=DB, tablename="label_grids"):
    """A sheet or tape of one's own; lengths in mm, as papers.grids.Grid has them."""

    id = UUID(primary_key=True, default=new_id)
    site = ForeignKey(Site, null=True, default=None, on_delete=OnDelete.restrict)
    name = Varchar(length=80)
    page_width = DoublePrecision()
    page_height = DoublePrecision()
    margin_left = DoublePrecision()
    margin_top = DoublePrecision()
    label_width = DoublePrecision()
    label_height = DoublePrecision()
    pitch_x = DoublePrecision()
    pitch_y = DoublePrecision()
    across = Integer()
    down = Integer()
    version = Integer(default=1)
    label_grids_site_name_uq = Unique([site, name], nulls_distinct=False)


class LabelPrinter(Table, db=DB, tablename="label_printers"):
    """A printer by the name that people call it; by how many mm its prints must be moved right and down."""

    id = UUID(primary_key=True, default=new_id)
    site = ForeignKey(Site, null=True, default=None, on_delete=OnDelete.restrict)
    name = Varchar(length=80)
    offset_x = DoublePrecision(default=0.0)
    offset_y = DoublePrecision(default=0.0)
    version = Integer(default=1)
    label_printers_site_name_uq = Unique([site, name], nulls_distinct=False)
