"""Targets, readings, declarations and collectors over HTTP, and the collectors' own two routes."""

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from asyncpg import Record
from litestar import Controller, Request, Response, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from litestar.types import ControllerRouterHandler
from pydantic import BaseModel, ConfigDict, Field

from assets import clock
from assets.access.actor import SYSTEM, Actor
from assets.access.guards import requires
from assets.access.permissions import Action
from assets.db import transaction
from assets.errors import Invalid, NotFound
from assets.ids import new_id
from assets.monitoring import collectors, declarations, readings, targets
from assets.monitoring.conditions import Condition
from assets.probing.contract import Assignment, Order, OrderKind
from assets.probing.options import DnsOptions, HeartbeatOptions, HttpOptions, Options, PingOptions, TcpOptions, read
from assets.probing.profile import Profiles
from assets.probing.readings import Method
from assets.settings import Settings
from assets.vault import Vault
from assets.web.language import N_, choose, say
from assets.web.paging import Column, Listing, ListQuery, Page, fetch, folded, listed
from assets.web.rows import from_row
from assets.web.versions import IfMatch, version_of, with_version

AnyRequest = Request[Any, Any, Any]
OPTIONS = ("ping", "tcp", "http", "dns", "heartbeat")  # the methods that are told something


class TargetOut(BaseModel):
    """A thing being asked, how, and how it is; of the options only those of its own method are there."""

    id: UUID
    name: str
    asset_tag: str | None
    link: str | None
    application: str | None
    site: str
    method: str
    address: str
    port: int
    profile: str
    condition: Condition
    since: datetime | None
    reason: str
    severity: str
    cause: UUID | None
    flapping: bool
    observed_at: datetime | None
    outcome: str
    latency_ms: float | None
    interval_seconds: int
    pace_seconds: float
    credential: UUID | None
    answered_to: UUID | None
    ping: PingOptions | None
    tcp: TcpOptions | None
    http: HttpOptions | None
    dns: DnsOptions | None
    heartbeat: HeartbeatOptions | None
    enabled: bool
    version: int


TARGETS = Listing(
    select="t.id, t.name, a.tag as asset_tag, l.tag as link, p.code as application, s.code as site, t.method, t.address, "
    "t.port, coalesce(nullif(t.profile, ''), d.identity->>'profile', '') as profile, "
    "coalesce(d.condition, 'unknown') as condition, d.since, coalesce(d.reason, '') as reason, "
    "coalesce(d.severity, '') as severity, d.cause, coalesce(d.flapping, false) as flapping, d.observed_at, "
    "coalesce(d.outcome, '') as outcome, d.latency_ms, t.interval_seconds, t.options, t.credential, "
    "d.credential as answered_to, greatest(t.interval_seconds, coalesce(d.next_seconds, 0)) as pace_seconds, t.enabled, "
    "t.version",
    source="targets t join sites s on s.id = t.site left join device_states d on d.target = t.id "
    "left join assets a on a.id = t.asset left join links l on l.id = t.link left join applications p on p.id = t.application",
    key="t.id",
    columns={
        "name": Column("t.name"), "asset_tag": Column("a.tag"), "link": Column("l.tag"), "site": Column("s.code"),
        "condition": Column("coalesce(d.condition, 'unknown')", choices=tuple(Condition)),
        "method": Column("t.method", choices=tuple(Method)), "since": Column("d.since", "timestamptz"),
        "observed_at": Column("d.observed_at", "timestamptz"), "enabled": Column("t.enabled", "boolean"),
    },
    sort="name",
    search=("s.search", "a.search", "l.search", folded("t.name")),
    site="t.site",
)  # fmt: skip


class MethodOptions(BaseModel):
    """What a method is told beside address and port: one of these, that of the target's method."""

    model_config = ConfigDict(extra="forbid")
    ping: PingOptions | None = None
    tcp: TcpOptions | None = None
    http: HttpOptions | None = None
    dns: DnsOptions | None = None
    heartbeat: HeartbeatOptions | None = None

    def told(self) -> dict[str, Any] | None:
        """The options that were given; None when none were, Invalid when they are of more than one method."""
        given = {name: one for name in OPTIONS if (one := getattr(self, name)) is not None}
        if len(given) > 1:
            raise Invalid(fields=dict.fromkeys(given, N_("Only what belongs to the method.")))
        return next((one.model_dump(mode="json", exclude_defaults=True) for one in given.values()), None)

    def fits(self, method: str) -> None:
        """Invalid when the options are another method's."""
        wrong = [name for name in OPTIONS if name != method and getattr(self, name) is not None]
        if wrong:
            raise Invalid(fields=dict.fromkeys(wrong, N_("Only what belongs to the method.")))


class TargetIn(MethodOptions):
    """What to ask, where and how: an asset, a link, an application from a site outward, or something with a title."""

    address: Annotated[str, Field(max_length=80)] = ""
    method: Method
    port: Annotated[int, Field(ge=1, le=65_535)] | None = None
    title: Annotated[str, Field(max_length=120)] = ""
    asset_tag: Annotated[str, Field(max_length=40)] = ""
    link: Annotated[str, Field(max_length=40)] = ""
    application: Annotated[str, Field(max_length=40)] = ""
    site: Annotated[str, Field(max_length=20)] = ""
    profile: Annotated[str, Field(max_length=60)] = ""
    parent: UUID | None = None
    credential: UUID | None = None
    interval_seconds: Annotated[int, Field(ge=5, le=86_400)] | None = None
    confirm: Annotated[int, Field(ge=1, le=10)] = 2


class TargetChange(MethodOptions):
    """What to change of a target; what is not named stays."""

    address: Annotated[str, Field(min_length=1, max_length=80)] | None = None
    method: Method | None = None
    port: Annotated[int, Field(ge=1, le=65_535)] | None = None
    profile: Annotated[str, Field(max_length=60)] | None = None
    parent: UUID | None = None
    credential: UUID | None = None
    interval_seconds: Annotated[int, Field(ge=5, le=86_400)] | None = None
    confirm: Annotated[int, Field(ge=1, le=10)] | None = None
    enabled: bool | None = None


class OrderIn(BaseModel):
    """Something that a collector shall do once."""

    model_config = ConfigDict(extra="forbid")
    kind: OrderKind
    target: UUID | None = None
    credential: UUID | None = None
    root: Annotated[str, Field(max_length=120)] = ""
    network: Annotated[str, Field(max_length=60)] = ""


class OrderOut(BaseModel):
    """An order and what came of it: `done` is null until the collector has answered."""

    id: UUID
    kind: str
    created_at: datetime
    deadline: datetime
    done_at: datetime | None
    done: bool | None
    rows: list[list[str]]


async def _order(collector: UUID, order: UUID, actor: Actor) -> OrderOut:
    async with transaction(actor.scope) as tx:
        row = await tx.fetchrow("select * from collector_orders where id = $1 and collector = $2", order, collector)
    if row is None:
        raise NotFound()
    return _order_out(row, rows=json.loads(row["result"] or "[]"))


_order_out = from_row(OrderOut, "rows")


async def _ordered(made: tuple[UUID, UUID]) -> OrderOut:
    """An order of somebody who may give it, without asking whether they may see collectors."""
    return await _order(*made, SYSTEM)


class CredentialTrial(BaseModel):
    """A credential to ask with once."""

    model_config = ConfigDict(extra="forbid")
    credential: UUID


class HeartbeatAddress(BaseModel):
    """A secret web address to call; it cannot be shown again."""

    url: str


class Targets(Controller):
    """What is being asked."""

    path = "/api/v1/targets"
    tags = ("monitoring",)

    @get(operation_id="listTargets", guards=[requires(Action.VIEW)], **listed(TARGETS))
    async def listing(
        self, asked: NamedDependency[ListQuery], actor: NamedDependency[Actor], request: AnyRequest
    ) -> Page[TargetOut]:
        """Targets of the caller's sites with their condition."""
        async with transaction(actor.scope) as tx:
            return await fetch(tx, TARGETS, asked, target_out(choose(request)), scope=actor.scope)

    @post(operation_id="addTarget", guards=[requires(Action.EDIT_MONITORING)])
    async def add(
        self, data: JSONBody[TargetIn], actor: NamedDependency[Actor], settings: NamedDependency[Settings],
        request: AnyRequest,
    ) -> Response[TargetOut]:  # fmt: skip
        """Begin to ask an asset or a link; without an interval, as often as the installation usually asks."""
        data.fits(data.method)
        values = data.model_dump(exclude=set(OPTIONS)) | {"options": data.told() or {}, "port": data.port or 0}
        values["interval_seconds"] = data.interval_seconds or settings.interval_seconds
        made = await targets.add_target(actor, targets.NewTarget(**values))
        return with_version(await _one_target(actor, made, request))

    @get("/{target:uuid}", operation_id="getTarget", guards=[requires(Action.VIEW)])
    async def one(
        self, target: FromPath[UUID], actor: NamedDependency[Actor], request: AnyRequest
    ) -> Response[TargetOut]:
        """One target."""
        return with_version(await _one_target(actor, target, request))

    @patch("/{target:uuid}", operation_id="editTarget", guards=[requires(Action.EDIT_MONITORING)])
    async def edit(
        self, target: FromPath[UUID], data: JSONBody[TargetChange], actor: NamedDependency[Actor], request: AnyRequest,
        if_match: IfMatch = None,
    ) -> Response[TargetOut]:  # fmt: skip
        """Ask otherwise, or no longer (`enabled`: false)."""
        changes = data.model_dump(exclude_unset=True, exclude=set(OPTIONS))
        if (told := data.told()) is not None:
            changes["options"] = told
            data.fits(data.method or await targets.method_of(actor, target))
        await targets.edit_target(actor, target, changes, version=version_of(if_match))
        return with_version(await _one_target(actor, target, request))

    @post(
        "/{target:uuid}/probe", operation_id="probeTarget", status_code=200, guards=[requires(Action.EDIT_MONITORING)]
    )
    async def probe(self, target: FromPath[UUID], actor: NamedDependency[Actor]) -> OrderOut:
        """Have it looked at now; what comes of it is fetched from the order."""
        return await _ordered(await collectors.probe_now(actor, target, now=clock.now()))

    @post("/{target:uuid}/try-credential", operation_id="tryCredential",
          guards=[requires(Action.EDIT_MONITORING, province=True)])  # fmt: skip
    async def try_credential(
        self, target: FromPath[UUID], data: JSONBody[CredentialTrial], actor: NamedDependency[Actor]
    ) -> OrderOut:
        """Have it asked once with one of the credentials that are tried at its site."""
        return await _ordered(await collectors.try_credential(actor, target, data.credential, now=clock.now()))

    @post("/{target:uuid}/heartbeat-address", operation_id="drawHeartbeat", status_code=200,
          guards=[requires(Action.EDIT_MONITORING)])  # fmt: skip
    async def draw_heartbeat(
        self, target: FromPath[UUID], actor: NamedDependency[Actor], settings: NamedDependency[Settings]
    ) -> HeartbeatAddress:
        """A new secret web address for it to call, shown this once; the one before stops working."""
        secret = await targets.draw_heartbeat(actor, target)
        return HeartbeatAddress(url=f"{settings.url}/heartbeats/{secret}")

    @post("/{target:uuid}/heartbeat-address/revoke", operation_id="revokeHeartbeat", status_code=200,
          guards=[requires(Action.EDIT_MONITORING)])  # fmt: skip
    async def revoke_heartbeat(
        self, target: FromPath[UUID], actor: NamedDependency[Actor], request: AnyRequest
    ) -> Response[TargetOut]:
        """Let its web address in no more; until a new one is drawn it will be late."""
        await targets.revoke_heartbeat(actor, target)
        return with_version(await _one_target(actor, target, request))


def target_out(language: str) -> Callable[[Record], TargetOut]:
    def make(row: Record) -> TargetOut:
        return _target(row, reason=say(language, row["reason"]), **options_of(row["method"], row["options"]))

    return make


_target = from_row(TargetOut, "reason", *OPTIONS)


def options_of(method: str, stored: str) -> dict[str, Options | None]:
    """The options of a target by the names of the methods: its own, and nothing for the others."""
    own = read(Method(method), json.loads(stored)) if method in OPTIONS else None
    return {name: own if name == method else None for name in OPTIONS}


async def _one_target(actor: Actor, target: UUID, request: AnyRequest) -> TargetOut:
    return await one_target(actor, target, choose(request))


async def one_target(actor: Actor, target: UUID, language: str) -> TargetOut:
    """One target with its condition in words of this language; NotFound outside the scope."""
    async with transaction(actor.scope) as tx:
        found = await fetch(
            tx, TARGETS, ListQuery(limit=1), target_out(language), scope=actor.scope, where=[("t.id = {}", [target])]
        )  # fmt: skip
    if not found.items:
        raise NotFound()
    return found.items[0]


class DeclarationIn(BaseModel):
    """What a person at the site says: an asset is broken or works, or the site works on paper."""

    model_config = ConfigDict(extra="forbid")
    site: Annotated[str, Field(max_length=20)]
    kind: declarations.Kind
    asset_tag: Annotated[str, Field(max_length=40)] = ""
    text: Annotated[str, Field(max_length=500)] = ""
    files_counted: Annotated[int, Field(ge=0, le=declarations.FILES_MAX)] | None = None


class DeclarationEndIn(BaseModel):
    """What is known at the end of a declaration."""

    model_config = ConfigDict(extra="forbid")
    files_counted: Annotated[int, Field(ge=0, le=declarations.FILES_MAX)] | None = None


class DeclarationOut(BaseModel):
    """A declaration; it holds until it is ended or another about the same thing replaces it."""

    id: UUID
    site: str
    kind: str
    asset_tag: str | None
    fault: str
    text: str
    files_counted: int | None
    said_by: str
    said_at: datetime
    ended_at: datetime | None


DECLARATIONS = Listing(
    select="d.id, s.code as site, d.kind, a.tag as asset_tag, d.fault, d.text, d.files_counted, d.said_by_name as said_by, "
    "d.said_at, d.ended_at",
    source="declarations d join sites s on s.id = d.site left join assets a on a.id = d.asset",
    key="d.id",
    columns={
        "site": Column("s.code"), "kind": Column("d.kind", choices=tuple(declarations.Kind)), "asset_tag": Column("a.tag"),
        "said_at": Column("d.said_at", "timestamptz"), "open": Column("(d.ended_at is null)", "boolean", sortable=False),
    },
    sort="-said_at",
    search=("s.search", "a.search", folded("d.text"), folded("d.said_by_name")),
    site="d.site",
)  # fmt: skip


_declaration = from_row(DeclarationOut)


async def _said(actor: Actor, declaration: UUID) -> DeclarationOut:
    async with transaction(actor.scope) as tx:
        found = await fetch(
            tx, DECLARATIONS, ListQuery(limit=1), _declaration, scope=actor.scope, where=[("d.id = {}", [declaration])]
        )
    return found.items[0]


class Declarations(Controller):
    """What people at the sites said."""

    path = "/api/v1/declarations"
    tags = ("monitoring",)

    @get(operation_id="listDeclarations", guards=[requires(Action.VIEW)], **listed(DECLARATIONS))
    async def listing(self, asked: NamedDependency[ListQuery], actor: NamedDependency[Actor]) -> Page[DeclarationOut]:
        """Declarations of the caller's sites, the newest first."""
        async with transaction(actor.scope) as tx:
            return await fetch(tx, DECLARATIONS, asked, _declaration, scope=actor.scope)

    @post(operation_id="declare", guards=[requires(Action.DECLARE)])
    async def declare(self, data: JSONBody[DeclarationIn], actor: NamedDependency[Actor]) -> DeclarationOut:
        """Say how something is; it replaces what was said of the same thing."""
        said = await declarations.declare(actor, declarations.Said(**data.model_dump()), now=clock.now())
        return await _said(actor, said)

    @post("/{declaration:uuid}/end", operation_id="endDeclaration", status_code=200, guards=[requires(Action.DECLARE)])
    async def end(
        self,
        declaration: FromPath[UUID],
        actor: NamedDependency[Actor],
        data: JSONBody[DeclarationEndIn | None] = None,
    ) -> DeclarationOut:
        """Say that it is no longer so, and of work on paper how many files came in."""
        counted = data.files_counted if data else None
        await declarations.end(actor, declaration, files_counted=counted, now=clock.now())
        return await _said(actor, declaration)


class CollectorOut(BaseModel):
    """A collector and how it is."""

    id: UUID
    name: str
    covers_rest: bool
    sites: list[str]
    enrolled_at: datetime
    last_contact_at: datetime | None
    silent_since: datetime | None
    software: str
    skew_seconds: float
    backlog: int
    shed: int
    rejected: int


COLLECTORS = Listing(
    select="c.*, coalesce((select array_agg(s.code order by s.code) from collector_sites cs join sites s on s.id = cs.site "
    "where cs.collector = c.id), '{}') as sites",
    source="collectors c",
    key="c.id",
    columns={"name": Column("c.name"), "last_contact_at": Column("c.last_contact_at", "timestamptz")},
    sort="name",
    search=(folded("c.name"),),
)


_collector = from_row(CollectorOut)


class Collectors(Controller):
    """The programs that ask, and what they are told."""

    path = "/api/v1/collectors"
    tags = ("collectors",)

    @get(operation_id="listCollectors", guards=[requires(Action.VIEW_SYSTEM, province=True)], **listed(COLLECTORS))
    async def listing(self, asked: NamedDependency[ListQuery], actor: NamedDependency[Actor]) -> Page[CollectorOut]:
        """All collectors with their last contact."""
        async with transaction(actor.scope) as tx:
            return await fetch(tx, COLLECTORS, asked, _collector)

    @post("/{collector:uuid}/revoke", operation_id="revokeCollector", status_code=200,
          guards=[requires(Action.EDIT_MONITORING, province=True)])  # fmt: skip
    async def revoke(self, collector: FromPath[UUID], actor: NamedDependency[Actor]) -> CollectorOut:
        """Let a collector in no more."""
        await collectors.revoke(actor, collector, now=clock.now())
        async with transaction(actor.scope) as tx:
            found = await fetch(tx, COLLECTORS, ListQuery(limit=1), _collector, where=[("c.id = {}", [collector])])
        return found.items[0]

    @get("/self/assignment", operation_id="getAssignment", guards=[requires(Action.REPORT_OBSERVATIONS)])
    async def assignment(
        self, request: AnyRequest, actor: NamedDependency[Actor], profiles: NamedDependency[Profiles],
        vault: NamedDependency[Vault],
    ) -> Response[Assignment | None]:  # fmt: skip
        """What the calling collector shall do; 304 when that is what it already does."""
        assert actor.id is not None
        found = await collectors.assignment(actor.id, profiles=profiles, vault=vault)
        tag = f'"{found.hash}"'
        if request.headers.get("if-none-match") == tag:
            return Response(None, status_code=304, headers={"ETag": tag})
        return Response(found, headers={"ETag": tag})

    @post("/{collector:uuid}/orders", operation_id="orderCollector",
          guards=[requires(Action.EDIT_MONITORING, province=True)])  # fmt: skip
    async def order(
        self, collector: FromPath[UUID], data: JSONBody[OrderIn], actor: NamedDependency[Actor]
    ) -> OrderOut:
        """Ask a collector to probe now, walk or sweep; the result is fetched from the order."""
        now = clock.now()
        wish = Order(id=new_id(), deadline=now + collectors.ORDER_DEADLINE, **data.model_dump())
        return await _order(collector, await collectors.order(actor, collector, wish, now=now), actor)

    @get("/{collector:uuid}/orders/{order:uuid}", operation_id="getOrder",
         guards=[requires(Action.VIEW_SYSTEM, province=True)])  # fmt: skip
    async def one_order(
        self, collector: FromPath[UUID], order: FromPath[UUID], actor: NamedDependency[Actor]
    ) -> OrderOut:
        """An order and its result."""
        return await _order(collector, order, actor)


routes: Sequence[ControllerRouterHandler] = [Targets, readings.list_readings, Declarations, Collectors]
