"""Rows of approval: the steps that the province has set, those that a request has to pass, and what was decided."""

from piccolo.columns import (
    JSONB,
    UUID,
    BigInt,
    Boolean,
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

from assets.access.tables import User
from assets.clock import now
from assets.db import DB
from assets.equipment_requests.tables import EquipmentRequest
from assets.ids import new_id
from assets.inventory.tables import AssetCategory


class ApprovalStep(Table, db=DB, tablename="approval_steps"):
    """A step as the province has set it: see `approvals.Rule`."""

    id = UUID(primary_key=True, default=new_id)
    position = SmallInt(default=1)
    name = Varchar(length=120)
    name_en = Varchar(length=120, default="")
    roles = JSONB(default="[]")
    place = Varchar(length=10, default="any")
    from_value = BigInt(null=True, default=None)
    if_unknown = Boolean(default=True)
    kinds = JSONB(default="[]")
    hours = SmallInt(default=16)
    version = Integer(default=1)


class ApprovalSetting(Table, db=DB, tablename="approval_settings"):
    """What holds for all requests: one row at most, the defaults without it.

    `same_person` lets one person decide several steps; `cost_source` says where the cost of a line without one comes from;
    `seat` is the code of the unit from which remoteness is measured (empty: it is not), `fulfil_hours` the target of the
    stores in working hours.
    """

    id = UUID(primary_key=True, default=new_id)
    same_person = Boolean(default=False)
    cost_source = Varchar(length=14, default="none")
    seat = Varchar(length=5, default="")
    fulfil_hours = SmallInt(default=40)
    version = Integer(default=1)


class CategoryCost(Table, db=DB, tablename="category_costs"):
    """What one thing of a kind is expected to cost, in whole đồng, where a line does not say."""

    id = UUID(primary_key=True, default=new_id)
    category = ForeignKey(AssetCategory, null=False, on_delete=OnDelete.cascade, unique=True)
    unit_cost = BigInt()
    version = Integer(default=1)


class RequestStep(Table, db=DB, tablename="request_steps"):
    """A step that a request has to pass, as it was set when it was sent; what is asked anew is another `round`."""

    id = UUID(primary_key=True, default=new_id)
    request = ForeignKey(EquipmentRequest, null=False, on_delete=OnDelete.cascade)
    round = SmallInt()
    position = SmallInt()
    name = Varchar(length=120)
    name_en = Varchar(length=120, default="")
    roles = JSONB(default="[]")
    place = Varchar(length=10, default="any")
    hours = SmallInt(default=16)
    request_steps_once_uq = Unique([request, round, position])


class ApprovalDecision(Table, db=DB, tablename="approval_decisions"):
    """What somebody decided at a step, in their own name or for somebody who was away; quantities by line position."""

    id = UUID(primary_key=True, default=new_id)
    step = ForeignKey(RequestStep, null=False, on_delete=OnDelete.cascade, index=True)
    outcome = Varchar(length=10)
    at = Timestamptz(default=now)
    by = ForeignKey(User, null=True, default=None, on_delete=OnDelete.restrict)
    by_name = Varchar(length=120, default="")
    on_behalf_of = ForeignKey(User, null=True, default=None, on_delete=OnDelete.restrict)
    on_behalf_name = Varchar(length=120, default="")
    quantities = JSONB(default="{}")
    note = Text(default="")
