"""What was seen beside what is recorded, and questions of identity, over HTTP."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from litestar.types import ControllerRouterHandler
from pydantic import BaseModel, ConfigDict, Field

from assets import clock
from assets.access.actor import Actor
from assets.access.guards import requires
from assets.access.permissions import Action
from assets.db import transaction
from assets.errors import NotFound
from assets.inventory.lifecycle import PhysicalState, Stage
from assets.inventory.observed import proposals, service
from assets.inventory.observed.service import BULK_MAX, Choice, Chosen
from assets.inventory.service import NewAsset
from assets.web.paging import Column, Listing, ListQuery, Page, fetch, listed
from assets.web.rows import from_row
from assets.web.versions import IfMatch, version_of, with_version

Line = Annotated[str, Field(max_length=255)]
Tag = Annotated[str, Field(min_length=1, max_length=40)]
KEYS = (
    "serial", "uuid", "manufacturer", "model", "hostname", "macs", "addresses", "system", "processor", "memory", "disks",
    "monitors", "usb", "agent", "firmware",
)  # fmt: skip
SOURCES = ("agent", "snmp")


class ObservedOut(BaseModel):
    """What one source saw of an asset under one key; `recorded` is what a person wrote of the same, if there is a place."""

    id: UUID
    key: str
    source: str
    value: str
    recorded: str | None
    differs: bool
    since: datetime
    seen_at: datetime
    kept_at: datetime | None
    kept_by: str


class DifferenceOut(ObservedOut):
    """Where the record of an asset says something else than was seen; `takeable` when it can be taken over."""

    tag: str
    name: str
    category: str
    site: str
    site_name: str
    takeable: bool
    version: int


# By key: what is recorded, and whether it differs from `o.plain`. Makers and models are written long and short.
RECORDED: Mapping[str, tuple[str, str]] = {
    "serial": ("a.serial", "cardinality(o.plain) > 0 and plain_text(a.serial) <> all(o.plain)"),
    "manufacturer": (
        "m.manufacturer",
        "cardinality(o.plain) > 0 and not exists (select from unnest(o.plain) p where "
        "starts_with(p, plain_text(m.manufacturer)) or starts_with(plain_text(m.manufacturer), p))",
    ),
    "model": (
        "m.name",
        "cardinality(o.plain) > 0 and not exists (select from unnest(o.plain) p where "
        "strpos(p, plain_text(m.name)) > 0 or strpos(plain_text(m.name), p) > 0)",
    ),
    # Nothing written of addresses is no difference: most centres write none down.
    "macs": (
        "array_to_string(a.macs, ', ')",
        "cardinality(o.plain) > 0 and cardinality(a.macs) > 0 and not (array(select plain_text(one) from unnest(a.macs) one) "
        "@> o.plain::text[])",
    ),
    "addresses": (
        "array_to_string(a.addresses, ', ')",
        "cardinality(o.plain) > 0 and cardinality(a.addresses) > 0 and not (a.addresses::text[] && o.plain::text[])",
    ),
}


def _by_key(column: int, otherwise: str) -> str:
    cases = " ".join(f"when '{key}' then {expressions[column]}" for key, expressions in RECORDED.items())
    return f"case o.key {cases} else {otherwise} end"


RECORDED_SQL, DIFFERS_SQL = _by_key(0, "null"), _by_key(1, "false")
_TAKEABLE = f"o.key in ({', '.join(repr(key) for key in service.TAKEN)})"
OBSERVED = Listing(
    select=f"o.*, {RECORDED_SQL} as recorded, {DIFFERS_SQL} as differs, {_TAKEABLE} as takeable, a.tag, "
    "coalesce(nullif(a.name, ''), m.manufacturer || ' ' || m.name) as name, c.code as category, s.code as site_code, "
    "s.name as site_name, a.version as asset_version",
    source="observed_values o join assets a on a.id = o.asset join asset_models m on m.id = a.model "
    "join asset_categories c on c.id = m.category join sites s on s.id = a.site",
    key="o.id",
    columns={
        "tag": Column("a.tag"), "site": Column("s.code"), "category": Column("c.code"), "key": Column("o.key", choices=KEYS),
        "source": Column("o.source", choices=SOURCES), "seen_at": Column("o.seen_at", "timestamptz"),
        "since": Column("o.since", "timestamptz"), "kept": Column("o.kept_at is not null", "boolean", sortable=False),
    },
    sort="tag",
    search=("a.search", "s.search"),
    site="a.site",
)  # fmt: skip


observed_out = from_row(ObservedOut)


def difference_out(row: Mapping[str, Any]) -> DifferenceOut:
    """A row of OBSERVED as a difference; its version rests on the value and on the asset."""
    return _difference(row, version=row["version"] + row["asset_version"])


_difference = from_row(DifferenceOut, "version", site="site_code")


def unsettled(asked: ListQuery) -> list[tuple[str, Sequence[object]]]:
    """What makes a row of OBSERVED a difference; those that people have settled only when they are asked for."""
    found: list[tuple[str, Sequence[object]]] = [("o.key = any({}::text[])", [list(RECORDED)]), (DIFFERS_SQL, [])]
    if not any(one.column == "kept" for one in asked.filters):
        found.append(("o.kept_at is null", []))
    return found


class SettleIn(BaseModel):
    """How some differences are settled, each in the version in which it was read; all or none."""

    model_config = ConfigDict(extra="forbid")

    class One(BaseModel):
        """A difference as it was read."""

        model_config = ConfigDict(extra="forbid")
        id: UUID
        version: Annotated[int, Field(ge=0, le=2**31 - 1)]

    choice: Choice
    differences: Annotated[list[One], Field(min_length=1, max_length=BULK_MAX)]
    reason: Line = ""


class Settled(BaseModel):
    """How many differences were settled."""

    settled: int


class Reason(BaseModel):
    """Why."""

    model_config = ConfigDict(extra="forbid")
    reason: Line = ""


class Differences(Controller):
    """Where what is recorded and what was seen differ."""

    path = "/api/v1/differences"
    tags = ("inventory",)

    @get(operation_id="listDifferences", guards=[requires(Action.VIEW)], **listed(OBSERVED))
    async def listing(self, asked: NamedDependency[ListQuery], actor: NamedDependency[Actor]) -> Page[DifferenceOut]:
        """Differences of the caller's sites that nobody has settled; with `kept=true` those where the record was kept."""
        async with transaction(actor.scope) as tx:
            return await fetch(tx, OBSERVED, asked, difference_out, scope=actor.scope, where=unsettled(asked))

    @get("/{difference:uuid}", operation_id="getDifference", guards=[requires(Action.VIEW)])
    async def one(self, difference: FromPath[UUID], actor: NamedDependency[Actor]) -> Response[DifferenceOut]:
        """One difference, settled or not; 404 once there is none."""
        async with transaction(actor.scope) as tx:
            found = await fetch(
                tx, OBSERVED, ListQuery(limit=1), difference_out, scope=actor.scope,
                where=[("o.id = {}", [difference]), (DIFFERS_SQL, [])],
            )  # fmt: skip
        if not found.items:
            raise NotFound()
        return with_version(found.items[0])

    @post("/{difference:uuid}/take", operation_id="takeObserved", status_code=200,
          guards=[requires(Action.EDIT_INVENTORY)])  # fmt: skip
    async def take(
        self, difference: FromPath[UUID], actor: NamedDependency[Actor], if_match: IfMatch = None
    ) -> Settled:
        """Write what was seen into the record."""
        chosen = [Chosen(difference, version_of(if_match))]
        return Settled(settled=await service.settle(actor, Choice.TAKE, chosen, now=clock.now()))

    @post("/{difference:uuid}/keep", operation_id="keepRecorded", status_code=200,
          guards=[requires(Action.EDIT_INVENTORY)])  # fmt: skip
    async def keep(
        self, difference: FromPath[UUID], data: JSONBody[Reason], actor: NamedDependency[Actor], if_match: IfMatch = None
    ) -> Settled:  # fmt: skip
        """Say that the record is right, until something else is seen."""
        chosen = [Chosen(difference, version_of(if_match))]
        return Settled(settled=await service.settle(actor, Choice.KEEP, chosen, why=data.reason, now=clock.now()))

    @post("/settle", operation_id="settleDifferences", status_code=200, guards=[requires(Action.EDIT_INVENTORY)])
    async def settle(self, data: JSONBody[SettleIn], actor: NamedDependency[Actor]) -> Settled:
        """Settle many differences at once, all or none."""
        chosen = [Chosen(one.id, one.version) for one in data.differences]
        return Settled(settled=await service.settle(actor, data.choice, chosen, why=data.reason, now=clock.now()))


@get("/api/v1/observed-values", operation_id="listObservedValues", guards=[requires(Action.VIEW)], tags=["inventory"],
     **listed(OBSERVED))  # fmt: skip
async def list_observed(asked: NamedDependency[ListQuery], actor: NamedDependency[Actor]) -> Page[DifferenceOut]:
    """What was seen of the caller's assets, beside what is recorded; `differs` where the two do not agree."""
    async with transaction(actor.scope) as tx:
        return await fetch(tx, OBSERVED, asked, difference_out, scope=actor.scope)


class ReasonOut(BaseModel):
    """What speaks for or against: a code such as same_serial or other_uuid, and the value that both have."""

    code: str
    value: str


class ProposalOut(BaseModel):
    """A question of identity: register (nobody has registered this computer), attach (is it this asset?) or merge
    (are these two assets one?). `score` is how much speaks for yes."""

    id: UUID
    kind: str
    state: str
    site: str | None
    site_name: str | None
    asset: str
    other: str
    device_id: str | None
    hostname: str | None
    manufacturer: str | None
    model: str | None
    serial: str | None
    last_seen_at: datetime | None
    score: int
    reasons: list[ReasonOut]
    made_at: datetime
    decided_at: datetime | None
    decided_by: str
    version: int


PROPOSALS = Listing(
    select="p.*, g.device_id, g.hostname, g.last_seen_at, g.computer ->> 'manufacturer' as manufacturer, "
    "g.computer ->> 'model' as model, g.computer ->> 'serial' as serial, s.code as site_code, s.name as site_name",
    source="identity_proposals p left join inventory_agents g on g.id = p.agent "
    "left join sites s on s.id = coalesce(site_of_asset(p.asset), g.site)",
    key="p.id",
    columns={
        "kind": Column("p.kind", choices=("register", "attach", "merge")),
        "state": Column("p.state", choices=("open", "accepted", "dismissed", "settled", "undone")),
        "site": Column("s.code"), "asset": Column("p.asset_tag"), "other": Column("p.other_tag"),
        "hostname": Column("g.hostname"), "score": Column("p.score", "integer"), "made_at": Column("p.made_at", "timestamptz"),
        "decided_at": Column("p.decided_at", "timestamptz"),
    },
    sort="-score",
    search=("g.search", "s.search", "lower(p.asset_tag)", "lower(p.other_tag)"),
    site="s.id",
)  # fmt: skip


def proposal_out(row: Mapping[str, Any]) -> ProposalOut:
    """A row of PROPOSALS."""
    return _proposal(row, reasons=[ReasonOut(code=code, value=value) for code, value in json.loads(row["reasons"])])


_proposal = from_row(ProposalOut, "reasons", site="site_code", asset="asset_tag", other="other_tag")


class AcceptIn(BaseModel):
    """The answer yes. To merge: `keep`, the tag of the record that stays. To attach: nothing, or the `tag` of another
    asset that it is. To register: `tag` and `model` of the asset to be made; what is not said comes from the agent."""

    model_config = ConfigDict(extra="forbid")
    keep: Tag | None = None
    tag: Tag | None = None
    model: UUID | None = None
    site: Annotated[str, Field(max_length=20)] = ""
    room: Line = ""
    name: Line = ""
    custodian: Line = ""
    stage: Stage = Stage.IN_USE
    physical_state: PhysicalState = PhysicalState.GOOD
    reason: Line = ""


class Proposals(Controller):
    """Questions of identity, answered by people."""

    path = "/api/v1/identity-proposals"
    tags = ("inventory",)

    @get(operation_id="listIdentityProposals", guards=[requires(Action.VIEW)], **listed(PROPOSALS))
    async def listing(self, asked: NamedDependency[ListQuery], actor: NamedDependency[Actor]) -> Page[ProposalOut]:
        """Questions about what the caller sees all of, those with the most behind them first."""
        async with transaction(actor.scope) as tx:
            return await fetch(tx, PROPOSALS, asked, proposal_out, scope=actor.scope)

    @get("/{proposal:uuid}", operation_id="getIdentityProposal", guards=[requires(Action.VIEW)])
    async def one(self, proposal: FromPath[UUID], actor: NamedDependency[Actor]) -> Response[ProposalOut]:
        """One question."""
        return await _one(actor, proposal)

    @post("/{proposal:uuid}/accept", operation_id="acceptIdentityProposal", status_code=200,
          guards=[requires(Action.EDIT_INVENTORY)])  # fmt: skip
    async def accept(
        self, proposal: FromPath[UUID], data: JSONBody[AcceptIn], actor: NamedDependency[Actor], if_match: IfMatch = None
    ) -> Response[ProposalOut]:  # fmt: skip
        """Say yes: register, attach or merge."""
        await accept_proposal(actor, proposal, data, version_of(if_match))
        return await _one(actor, proposal)

    @post("/{proposal:uuid}/dismiss", operation_id="dismissIdentityProposal", status_code=200,
          guards=[requires(Action.EDIT_INVENTORY)])  # fmt: skip
    async def dismiss(
        self, proposal: FromPath[UUID], data: JSONBody[Reason], actor: NamedDependency[Actor], if_match: IfMatch = None
    ) -> Response[ProposalOut]:  # fmt: skip
        """Say no; it is not asked again."""
        version = version_of(if_match)
        await proposals.dismiss(actor, proposal, version=version, why=data.reason, now=clock.now())
        return await _one(actor, proposal)

    @post("/{proposal:uuid}/undo", operation_id="undoMerge", status_code=200, guards=[requires(Action.EDIT_INVENTORY)])
    async def undo(
        self, proposal: FromPath[UUID], data: JSONBody[Reason], actor: NamedDependency[Actor], if_match: IfMatch = None
    ) -> Response[ProposalOut]:  # fmt: skip
        """Make two records of one again, each with what it had."""
        version = version_of(if_match)
        await proposals.undo_merge(actor, proposal, version=version, why=data.reason, now=clock.now())
        return await _one(actor, proposal)


async def accept_proposal(actor: Actor, proposal: UUID, said: AcceptIn, version: int) -> str:
    """Do what a yes means here; answers the tag of the asset that it leads to."""
    now, why = clock.now(), said.reason
    if said.keep is not None:
        return await proposals.accept_merge(actor, proposal, keep=said.keep, version=version, why=why, now=now)
    if said.model is not None and said.tag is not None:
        same = {name: getattr(said, name) for name in ("site", "room", "name", "custodian", "stage", "physical_state")}
        new = NewAsset(tag=said.tag, model=said.model, **same)
        return await proposals.accept_register(actor, proposal, new, version=version, now=now)
    return await proposals.accept_attach(actor, proposal, version=version, tag=said.tag or "", why=why, now=now)


async def _one(actor: Actor, proposal: UUID) -> Response[ProposalOut]:
    async with transaction(actor.scope) as tx:
        found = await fetch(
            tx, PROPOSALS, ListQuery(limit=1), proposal_out, scope=actor.scope, where=[("p.id = {}", [proposal])]
        )
    if not found.items:
        raise NotFound()
    return with_version(found.items[0])


routes: Sequence[ControllerRouterHandler] = [Differences, list_observed, Proposals]
