"""Disposal over HTTP: who is a candidate as of a day and why, quotations for repairs, and the rule of the province."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import Controller, Response, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from litestar.types import ControllerRouterHandler
from pydantic import BaseModel, ConfigDict, Field

from assets import clock
from assets.access.actor import Actor
from assets.access.guards import requires
from assets.access.permissions import Action
from assets.db import Connection, transaction
from assets.errors import NotFound
from assets.inventory.disposal import service
from assets.inventory.disposal.eligible import SHARE_PERCENT, SHARE_SOURCE, Facts, Ground, judge
from assets.inventory.wear import open_year, wear
from assets.inventory.wear_api import REGISTER, held, rule_of
from assets.web.moments import AsOfDay, day_of
from assets.web.paging import Column, Listing, ListQuery, Page, fetch, folded, listed
from assets.web.rows import from_row
from assets.web.versions import IfMatch, version_of, with_version

Percent = Annotated[int, Field(ge=1, le=100)]
Amount = Annotated[int, Field(ge=1, le=service.AMOUNT_MAX)]
STAGES = (
    "in_stock",
    "in_transit",
    "in_use",
    "in_repair",
    "loaned",
    "awaiting_disposal",
)  # what is here to be decided on


class CandidateOut(BaseModel):
    """An asset that may be put forward for disposal, on which grounds; money in whole đồng.

    `fixed_asset` says whose decision it is (null: its cost or the rate of its category is not known); `quotation` is the
    newest one for its repair.
    """

    tag: str
    name: str
    category: str
    site: str
    site_name: str
    stage: str
    physical_state: str
    put_into_use: date | None
    years: int | None
    original_cost: int | None
    accumulated: int | None
    remaining: int | None
    fixed_asset: bool | None
    grounds: list[Ground]
    quotation: int | None
    quotation_supplier: str
    quoted_on: date | None


class Share(BaseModel):
    """The share of the original cost (percent) above which a repair is too dear, and where that is written."""

    repair_percent: int
    source: str


class CandidateList(Page[CandidateOut]):
    """A page of candidates as of the end of a day, and the share that was used."""

    as_of: date
    share: Share


class QuotationOut(BaseModel):
    """What a supplier asks for the repair of an asset."""

    id: UUID
    tag: str
    site: str
    amount: int
    supplier: str
    quoted_on: date
    note: str
    written_by: str
    written_at: datetime


class QuotationIn(BaseModel):
    """A quotation to write down; `amount` is in whole đồng."""

    model_config = ConfigDict(extra="forbid")
    amount: Amount
    supplier: Annotated[str, Field(min_length=1, max_length=160)]
    quoted_on: date
    note: Annotated[str, Field(max_length=255)] = ""


class DisposalRuleOut(BaseModel):
    """From a day on: the share of the original cost above which a repair is too dear."""

    id: UUID
    repair_percent: int
    valid_from: date
    source: str
    version: int


class DisposalRuleIn(BaseModel):
    """A rule to add."""

    model_config = ConfigDict(extra="forbid")
    repair_percent: Percent
    valid_from: date
    source: Annotated[str, Field(max_length=255)] = ""


class DisposalRuleChange(BaseModel):
    """What to change of a rule; what is not named stays."""

    model_config = ConfigDict(extra="forbid")
    repair_percent: Percent | None = None
    valid_from: date | None = None
    source: Annotated[str, Field(max_length=255)] | None = None


_LIFE_OVER = "coalesce(a.put_into_use <= '{day}' and extract(year from a.put_into_use)::int + w.years <= {year}, false)"
_TOO_DEAR = "coalesce(a.physical_state = 'broken' and q.amount * 100 > a.original_cost * {percent}, false)"
_SHARE = (
    "coalesce((select r.repair_percent from disposal_rules r where r.valid_from <= '{day}' order by r.valid_from desc "
    "limit 1), {percent})"
)
_QUOTED = (
    " left join lateral (select amount, supplier, quoted_on from repair_quotations where asset = a.id "
    "order by quoted_on desc, written_at desc, id desc limit 1) q on true"
)


def candidates(as_of: date) -> Listing:
    """The list as of the end of a day: in SQL the same rule as `judge`, so that it can be filtered and counted."""
    share = _SHARE.format(day=as_of.isoformat(), percent=SHARE_PERCENT)
    life_over = _LIFE_OVER.format(day=as_of.isoformat(), year=open_year(as_of))
    too_dear = _TOO_DEAR.format(percent=share)
    return replace(
        REGISTER,
        select=f"{REGISTER.select}, a.stage, a.physical_state, q.amount as quotation, coalesce(q.supplier, '') as "
        f"quotation_supplier, q.quoted_on, {share} as share",
        source=REGISTER.source + _QUOTED,
        columns={
            **{name: column for name, column in REGISTER.columns.items() if name != "worn_out"},
            "stage": Column("a.stage", choices=STAGES),
            "life_over": Column(life_over, "boolean", sortable=False),
            "repair_too_dear": Column(too_dear, "boolean", sortable=False),
            "quotation": Column("q.amount", "bigint"),
        },
    )


CANDIDATES = candidates(date.min)  # its columns; which day it is, is put in when it is asked


def chosen_by(listing: Listing, as_of: date) -> list[tuple[str, Sequence[object]]]:
    """The candidates among all assets: on any of the grounds, and still here."""
    grounds = " or ".join(listing.columns[ground].expression for ground in Ground)
    return [*held(as_of), (grounds, []), ("a.stage = any({}::text[])", [list(STAGES)])]


def candidate_out(row: Mapping[str, Any], as_of: date) -> CandidateOut:
    """A row of the list with its verdict."""
    rule = rule_of(row)
    facts = Facts(row["physical_state"], row["original_cost"], row["put_into_use"], rule, row["quotation"])
    verdict = judge(facts, as_of, row["share"])
    worn = wear(row["original_cost"], row["put_into_use"], rule, as_of)
    return _candidate(
        row, years=worn.years, accumulated=worn.accumulated, remaining=worn.remaining,
        fixed_asset=verdict.fixed_asset, grounds=list(verdict.grounds),
    )  # fmt: skip


_candidate = from_row(CandidateOut, "years", "accumulated", "remaining", "fixed_asset", "grounds")


async def listed_candidates(tx: Connection, actor: Actor, asked: ListQuery, as_of: date) -> Page[CandidateOut]:
    """The candidates of the actor's sites."""
    listing = candidates(as_of)
    return await fetch(
        tx, listing, asked, lambda row: candidate_out(row, as_of), scope=actor.scope, where=chosen_by(listing, as_of)
    )


async def share_of(tx: Connection, as_of: date) -> Share:
    """The share that is in force on a day."""
    row = await tx.fetchrow(
        "select repair_percent, source from disposal_rules where valid_from <= $1 order by valid_from desc limit 1",
        as_of,
    )
    return Share(**row) if row else Share(repair_percent=SHARE_PERCENT, source=SHARE_SOURCE)


@get("/api/v1/disposal-candidates", operation_id="listDisposalCandidates", guards=[requires(Action.VIEW)],
     tags=["inventory"], **listed(CANDIDATES, known=["as_of"]))  # fmt: skip
async def list_candidates(
    asked: NamedDependency[ListQuery], actor: NamedDependency[Actor], as_of: AsOfDay = None
) -> CandidateList:
    """What may be put forward for disposal as of the end of a day, also one that is to come, and why."""
    day = day_of(as_of, clock.today())
    async with transaction(actor.scope) as tx:
        found = await listed_candidates(tx, actor, asked, day)
        return CandidateList(**dict(found), as_of=day, share=await share_of(tx, day))


QUOTATIONS = Listing(
    select="q.*, a.tag, s.code as site",
    source="repair_quotations q join assets a on a.id = q.asset join sites s on s.id = a.site",
    key="q.id",
    columns={
        "tag": Column("a.tag"), "site": Column("s.code"), "amount": Column("q.amount", "bigint"),
        "supplier": Column("q.supplier"), "quoted_on": Column("q.quoted_on", "date"),
        "written_at": Column("q.written_at", "timestamptz"),
    },
    sort="-quoted_on",
    search=("a.search", "s.search", folded("q.supplier")),
    site="a.site",
)  # fmt: skip
RULES = Listing(
    select="r.*", source="disposal_rules r", key="r.id",
    columns={"valid_from": Column("r.valid_from", "date"), "repair_percent": Column("r.repair_percent", "smallint")},
    sort="-valid_from",
    search=(folded("r.source"),),
)  # fmt: skip


quotation_out = from_row(QuotationOut)


@get("/api/v1/repair-quotations", operation_id="listRepairQuotations", guards=[requires(Action.VIEW)],
     tags=["inventory"], **listed(QUOTATIONS))  # fmt: skip
async def list_quotations(asked: NamedDependency[ListQuery], actor: NamedDependency[Actor]) -> Page[QuotationOut]:
    """Quotations for repairs, the newest first."""
    async with transaction(actor.scope) as tx:
        return await fetch(tx, QUOTATIONS, asked, quotation_out, scope=actor.scope)


@post("/api/v1/assets/{tag:str}/repair-quotations", operation_id="addRepairQuotation",
      guards=[requires(Action.EDIT_INVENTORY)], tags=["inventory"])  # fmt: skip
async def add_quotation(tag: FromPath[str], data: JSONBody[QuotationIn], actor: NamedDependency[Actor]) -> QuotationOut:
    """Write down what a supplier asks for the repair of an asset."""
    made = await service.quote(actor, tag, service.NewQuotation(**data.model_dump()), now=clock.now())
    async with transaction(actor.scope) as tx:
        found = await fetch(tx, QUOTATIONS, ListQuery(limit=1), quotation_out, where=[("q.id = {}", [made])])
    return found.items[0]


rule_out = from_row(DisposalRuleOut)


async def _one_rule(actor: Actor, rule: UUID) -> Response[DisposalRuleOut]:
    async with transaction(actor.scope) as tx:
        found = await fetch(tx, RULES, ListQuery(limit=1), rule_out, where=[("r.id = {}", [rule])])
    if not found.items:
        raise NotFound()
    return with_version(found.items[0])


class DisposalRules(Controller):
    """What the province has written down; before the first one the decree's own share is used."""

    path = "/api/v1/disposal-rules"
    tags = ("inventory",)

    @get(operation_id="listDisposalRules", guards=[requires(Action.VIEW)], **listed(RULES))
    async def listing(self, asked: NamedDependency[ListQuery], actor: NamedDependency[Actor]) -> Page[DisposalRuleOut]:
        """Rules, the newest first."""
        async with transaction(actor.scope) as tx:
            return await fetch(tx, RULES, asked, rule_out)

    @post(operation_id="addDisposalRule", guards=[requires(Action.EDIT_INVENTORY, province=True)])
    async def add(self, data: JSONBody[DisposalRuleIn], actor: NamedDependency[Actor]) -> Response[DisposalRuleOut]:
        """Add what is in force from a day on."""
        return await _one_rule(actor, await service.add_rule(actor, service.NewRule(**data.model_dump())))

    @get("/{rule:uuid}", operation_id="getDisposalRule", guards=[requires(Action.VIEW)])
    async def one(self, rule: FromPath[UUID], actor: NamedDependency[Actor]) -> Response[DisposalRuleOut]:
        """One rule."""
        return await _one_rule(actor, rule)

    @patch("/{rule:uuid}", operation_id="editDisposalRule", guards=[requires(Action.EDIT_INVENTORY, province=True)])
    async def edit(
        self,
        rule: FromPath[UUID],
        data: JSONBody[DisposalRuleChange],
        actor: NamedDependency[Actor],
        if_match: IfMatch = None,
    ) -> Response[DisposalRuleOut]:
        """Change a rule that is still as the caller read it."""
        changes, version = data.model_dump(exclude_unset=True, exclude_none=True), version_of(if_match)
        await service.edit_rule(actor, rule, changes, version=version)
        return await _one_rule(actor, rule)


routes: Sequence[ControllerRouterHandler] = [list_candidates, list_quotations, add_quotation, DisposalRules]
