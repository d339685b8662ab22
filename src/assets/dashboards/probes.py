"""Pages of what is asked: the list of targets, each of them, each network line, and what watching costs."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler

from assets import clock
from assets.access.actor import Actor
from assets.access.guards import requires
from assets.access.permissions import Action
from assets.dashboards import history, queries
from assets.dashboards.pages import STRIP_NARROWEST, STRIP_WIDTH
from assets.dashboards.probe_views import LinkPage, TargetPage, Traffic, Use
from assets.dashboards.views import Monitoring
from assets.db import Connection, transaction
from assets.errors import NotFound
from assets.incidents.queries import rows as incident_rows
from assets.inventory.things_api import one_link_of
from assets.monitoring import credentials, traffic_queries
from assets.monitoring.api import TARGETS, TargetOut, one_target, target_out
from assets.monitoring.checks import limits_of
from assets.monitoring.credentials_api import CREDENTIALS, CredentialOut, credential_out
from assets.probing.profile import Profiles
from assets.probing.readings import Method, Reading
from assets.web.language import choose
from assets.web.paging import ListQuery, Page, fetch, listed
from assets.web.templates import show, twin, without_suffix

AnyRequest = Request[Any, Any, Any]
INCIDENTS_MAX = 10
CONDITIONS = ("down", "unreachable", "degraded", "unknown", "off_expected", "up")
# Worst first: that is what people come for.
LISTING = replace(
    TARGETS, columns={
        **TARGETS.columns,
        "urgency": replace(TARGETS.columns["since"], expression="array_position(array['down','unreachable','degraded','unknown',"
                           "'off_expected','up'], coalesce(d.condition, 'unknown'))", type="integer"),
    }, sort="urgency",
)  # fmt: skip


@get(
    ["/targets", "/targets.json"], name="targets", guards=[requires(Action.VIEW)], include_in_schema=False,
    dependencies=listed(LISTING)["dependencies"], opt={"twin": (Page[TargetOut], "targets"), "listing": LISTING},
)  # fmt: skip
async def listing(
    request: AnyRequest, actor: NamedDependency[Actor], asked: NamedDependency[ListQuery]
) -> Response[Any]:
    """Everything that is asked at the caller's sites, the worst first."""
    filters = {f.column: f.values for f in asked.filters}
    async with transaction(actor.scope) as tx:
        found = await fetch(tx, LISTING, asked, target_out(choose(request)), scope=actor.scope)
    return show(
        request, "probes/targets.html", found, part="probes/_targets.html", asked=filters, query_text=asked.q,
        conditions=CONDITIONS, methods=tuple(Method), kept=asked.again(), may_edit=actor.may(Action.EDIT_MONITORING),
        province=actor.everywhere(Action.VIEW_SYSTEM),
    )  # fmt: skip


@get("/targets/{target:str}", guards=[requires(Action.VIEW)], **twin(TargetPage, "target"))
async def target(
    request: AnyRequest, target: FromPath[str], actor: NamedDependency[Actor], profiles: NamedDependency[Profiles]
) -> Response[Any]:
    """One target."""
    id_ = _id(target)
    shown = await one_target(actor, id_, choose(request))
    now = clock.now()
    async with transaction(actor.scope) as tx:
        row = await tx.fetchrow(
            "select s.name, t.site, t.options, t.heartbeat_digest is not null as drawn from targets t "
            "join sites s on s.id = t.site where t.id = $1", id_,
        )  # fmt: skip
        watched = await queries.monitoring(tx, actor.scope, id_, now)
        assert row is not None
        assert watched is not None
        profile = profiles.get(watched.profile)
        limits = limits_of(Method(shown.method), json.loads(row["options"]))
        view = TargetPage(
            at=now, site_name=row["name"], target=shown, monitoring=watched,
            limits=[*(profile.limits if profile else ()), *limits],
            cost=await traffic_queries.of_target(tx, actor.scope, id_),
            incidents=await incident_rows(
                tx, "i.subject = $1 and i.subject_kind = 'target' and i.site = $2", [id_, row["site"]], limit=INCIDENTS_MAX
            ),
            credentials=await _tried(tx, actor, shown, row["site"]), heartbeat_drawn=row["drawn"],
        )  # fmt: skip
    return show(
        request, "probes/target.html", view, part="probes/_target.html",
        may_edit=actor.may(Action.EDIT_MONITORING), province=actor.everywhere(Action.EDIT_MONITORING), **_strip(watched, now),
    )  # fmt: skip


async def _tried(tx: Connection, actor: Actor, shown: TargetOut, site: UUID) -> list[CredentialOut]:
    """The credentials that are tried, in their order, for those who may know."""
    if shown.method != Method.SNMP or not actor.everywhere(Action.VIEW_SYSTEM):
        return []
    wanted = [shown.credential] if shown.credential else (await credentials.candidates(tx, [site])).get(site, ())
    found = await fetch(
        tx, CREDENTIALS, ListQuery(limit=100), credential_out, where=[("c.id = any({}::uuid[])", [list(wanted)])]
    )  # fmt: skip
    by_id = {one.id: one for one in found.items}
    return [by_id[one] for one in wanted if one in by_id]


def _strip(watched: Monitoring | None, now: Any) -> Mapping[str, Any]:
    """The last days as a drawing."""
    stretches = watched.history if watched else []
    return {
        "blocks": history.strip(stretches, width=STRIP_WIDTH, narrowest=STRIP_NARROWEST), "strip_width": STRIP_WIDTH,
        "ticks": history.ticks(now - queries.HISTORY, now, width=STRIP_WIDTH, zone=clock.LOCAL_ZONE),
        "totals": history.seconds_by_condition(stretches),
    }  # fmt: skip


def _id(text: str) -> UUID:
    try:
        return UUID(without_suffix(text))
    except ValueError:
        raise NotFound() from None


@get("/links/{tag:str}", guards=[requires(Action.VIEW)], **twin(LinkPage, "link"))
async def link(request: AnyRequest, tag: FromPath[str], actor: NamedDependency[Actor]) -> Response[Any]:
    """One network line."""
    view = await link_page(request, actor, without_suffix(tag))
    return show(
        request, "probes/link.html", view, part="probes/_link.html", may_edit=actor.may(Action.EDIT_INVENTORY),
        may_watch=actor.may(Action.EDIT_MONITORING), **_strip(view.monitoring, view.at),
    )  # fmt: skip


async def link_page(request: AnyRequest, actor: Actor, tag: str) -> LinkPage:
    """What the page of a line shows; NotFound outside the scope."""
    shown = await one_link_of(actor, tag)
    now = clock.now()
    async with transaction(actor.scope) as tx:
        site = await tx.fetchrow("select id, name from sites where code = $1", shown.site)
        id_ = await queries.speaks_for(tx, shown.id)
        ways = await queries.ways_of(tx, shown.id)
        watched = await queries.of_thing(tx, actor.scope, shown.id, now)
        costs = await traffic_queries.by_line(tx, actor.scope, shown.tag)
        use = await _use(tx, shown.id)
        incidents = await incident_rows(
            tx, "i.subject = any($1) and i.subject_kind = 'target' and i.site = $2",
            [[way.id for way in ways], site["id"]], limit=INCIDENTS_MAX
        )  # fmt: skip
    return LinkPage(
        at=now, link=shown, site_name=site["name"], monitoring=watched, targets=ways, cost=costs[0], incidents=incidents, use=use,
        target=await one_target(actor, id_, choose(request)) if id_ else None,
    )  # fmt: skip


async def _use(tx: Connection, line: UUID) -> Use | None:
    """What the interface that a line ends at said last; None when nobody has said where it ends."""
    row = await tx.fetchrow(
        "select l.wan_router, l.wan_interface, l.bandwidth_mbps, d.observed_at, coalesce(d.readings, '[]') as readings "
        "from links l left join assets a on a.tag = l.wan_router and a.site = l.site "
        "left join targets t on t.asset = a.id and t.method = 'snmp' left join device_states d on d.target = t.id "
        "where l.id = $1 order by d.observed_at desc nulls last limit 1", line,
    )  # fmt: skip
    if row is None or not (row["wan_router"] and row["wan_interface"]):
        return None
    rates = {
        reading.name: reading.value
        for reading in (Reading.model_validate(one) for one in json.loads(row["readings"]))
        if row["wan_interface"] in (reading.label, reading.instance)
    }
    bits = (row["bandwidth_mbps"] or 0) * 1_000_000
    values = {way: rates.get(f"interface.{way}_bps") for way in ("in", "out")}
    percents = {way: round(100 * rate / bits, 1) if rate is not None and bits else None for way, rate in values.items()}
    return Use(
        router=row["wan_router"], interface=row["wan_interface"], observed_at=row["observed_at"], in_bps=values["in"],
        out_bps=values["out"], in_percent=percents["in"], out_percent=percents["out"],
    )  # fmt: skip


@get(["/traffic", "/traffic.json"], name="traffic", guards=[requires(Action.VIEW)], **twin(Traffic, "traffic"))
async def traffic(request: AnyRequest, actor: NamedDependency[Actor]) -> Response[Any]:
    """What watching costs each line beside its budget, and each site."""
    async with transaction(actor.scope) as tx:
        lines = await traffic_queries.by_line(tx, actor.scope)
        sites = await traffic_queries.by_site(tx, actor.scope)
    view = Traffic(at=clock.now(), total=traffic_queries.sums(sites), lines=lines, sites=sites)
    return show(request, "probes/traffic.html", view, may_edit=actor.may(Action.EDIT_INVENTORY))


routes: Sequence[ControllerRouterHandler] = (listing, target, link, traffic)
