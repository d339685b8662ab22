"""What the pages read: a fixed number of statements a page, everything within the caller's scope."""

import json
from datetime import datetime, timedelta
from uuid import UUID

from asyncpg import Record
from pydantic import TypeAdapter

from assets import __version__, phrases
from assets.access.actor import Actor
from assets.audit.pages import names_of
from assets.audit.wording import ids
from assets.clock import LOCAL_ZONE
from assets.dashboards import asset_rows, history
from assets.dashboards.views import (
    AssetPage,
    CapabilityRow,
    Centre,
    CentreRow,
    ChannelRow,
    CollectorRow,
    CorrectionRow,
    Counts,
    DeclarationRow,
    Fact,
    LinkRow,
    Monitoring,
    Overview,
    ReadinessCounts,
    ReadingRow,
    RequestRow,
    SilentCollector,
    System,
    TimelineRow,
    WayRow,
)
from assets.db import EVERYTHING, Connection, Scope, transaction
from assets.equipment_requests.queries import counts as request_counts
from assets.equipment_requests.queries import visible
from assets.equipment_requests.workflow import State
from assets.errors import NotAllowed, NotFound
from assets.incidents.queries import IncidentRow
from assets.incidents.queries import rows as incident_rows
from assets.inventory.attachments.api import files_of
from assets.inventory.kits.api import site_kit
from assets.inventory.lifecycle import KEPT
from assets.inventory.observed.api import OBSERVED, observed_out
from assets.inventory.transfers.queries import under_way
from assets.monitoring.worst import FIRST_TO_SPEAK, OF_LINK
from assets.probing.readings import Identity
from assets.readiness.rules import RANK, Readiness, Reason
from assets.text import clean_code, search_words
from assets.web.paging import WORDS_MAX, Conditions, ListQuery, fetch, literal
from assets.web.rows import from_row

CENTRES_MAX = 100  # a page; the province has 96
OPEN_INCIDENTS_MAX = 50
ASSETS_MAX = 500  # of one centre
ROWS_MAX = 50
OBSERVED_MAX = 100  # values of one asset, of all sources
TAG_MAX = 40  # of the column; tags are written in capitals
READINGS_SHOWN = 60  # a big switch has thousands
HISTORY = timedelta(days=7)
CONDITIONS = ("up", "degraded", "down", "unreachable", "off_expected", "unknown")
WORST_FIRST = ("unable", "limited", "unknown", "able")
_REASONS = TypeAdapter(list[Reason])
_READINGS = TypeAdapter(list[ReadingRow])
_COUNTED = ", ".join(f"count(*) filter (where coalesce(d.condition, 'unknown') = '{c}') as {c}" for c in CONDITIONS)
_IN_SCOPE = "($1 or {site} = any($2::uuid[]))"


async def overview(actor: Actor, *, q: str, readiness: list[str], page: int, now: datetime) -> Overview:
    """The centres of the scope that fit, worst first, and the counts of all of them."""
    scope = actor.scope
    async with transaction(scope) as tx:
        counts = await _readiness_counts(tx, scope)
        rows = await _centres(tx, scope, q, readiness, page)
        total = rows[0]["total"] if rows else 0
        facts = await tx.fetchrow(
            f"select (select count(*) from incidents i where i.state <> 'resolved' and {_IN_SCOPE.format(site='i.site')}) "  # noqa: S608
            "as incidents, (select max(d.observed_at) from device_states d "
            f"join targets t on t.id = d.target where {_IN_SCOPE.format(site='t.site')}) as observed_at",
            scope.everything, list(scope.sites),
        )  # fmt: skip
        waiting = await request_counts(tx, actor)
        silent = await _silent(tx, scope)
    return Overview(
        at=now, counts=counts, centres=[_centre_row(row) for row in rows], total=total, page=page,
        pages=max(1, -(-total // CENTRES_MAX)), q=q, readiness=readiness, incidents=facts["incidents"],
        requests=sum(waiting[state] for state in (State.SUBMITTED, State.APPROVED, State.IN_FULFILMENT)),
        observed_at=facts["observed_at"], silent=silent,
    )  # fmt: skip


async def _readiness_counts(tx: Connection, scope: Scope) -> ReadinessCounts:
    rows = await tx.fetch(
        "select coalesce(r.verdict, 'unknown') as verdict, count(*) as count from sites s "  # noqa: S608 - constants only
        "left join readiness r on r.site = s.id "
        f"where s.kind = 'centre' and s.open and {_IN_SCOPE.format(site='s.id')} group by 1",
        scope.everything, list(scope.sites),
    )  # fmt: skip
    return ReadinessCounts(**{row["verdict"]: row["count"] for row in rows})


async def _centres(tx: Connection, scope: Scope, q: str, readiness: list[str], page: int) -> list[Record]:
    fitting = Conditions()
    fitting.add("s.kind = 'centre' and s.open")
    fitting.add("{} or s.id = any({}::uuid[])", scope.everything, list(scope.sites))
    for word in search_words(q, WORDS_MAX):
        fitting.add("s.search like {0} or u.search like {0}".replace("{0}", fitting.value(f"%{literal(word)}%")))
    if readiness:
        fitting.add("coalesce(r.verdict, 'unknown') = any({}::text[])", readiness)
    order, limit, offset = (fitting.value(v) for v in (list(WORST_FIRST), CENTRES_MAX, (page - 1) * CENTRES_MAX))
    rows: list[Record] = await tx.fetch(
        "select s.code, s.name, u.name as unit, u.kind as unit_kind, coalesce(r.verdict, 'unknown') as readiness, r.since, "  # noqa: S608
        "coalesce(r.reasons, '[]') as reasons, c.*, coalesce(i.incidents, 0) as incidents, count(*) over () as total "
        "from sites s join administrative_units u on u.id = s.unit left join readiness r on r.site = s.id "
        f"left join (select t.site, {_COUNTED} from targets t left join device_states d on d.target = t.id "
        "where t.enabled group by t.site) c on c.site = s.id "
        "left join (select site, count(*) as incidents from incidents where state <> 'resolved' group by site) i "
        f"on i.site = s.id where {fitting.sql} "
        f"order by array_position({order}::text[], coalesce(r.verdict, 'unknown')), r.since nulls first, s.sort, s.code "
        f"limit {limit} offset {offset}",
        *fitting.values,
    )
    return rows


def _centre_row(row: Record) -> CentreRow:
    named = {name: row[name] for name in ("code", "name", "unit", "unit_kind", "readiness", "since", "incidents")}
    counts = Counts(**{condition: row[condition] or 0 for condition in CONDITIONS})
    return CentreRow(**named, reasons=_REASONS.validate_json(row["reasons"]), conditions=counts)


async def _silent(tx: Connection, scope: Scope, site: UUID | None = None) -> list[SilentCollector]:
    """Collectors that are silent and ask for something in the scope, or for one site."""
    rows = await tx.fetch(
        "select c.name, c.last_contact_at, count(s.id) as sites from collectors c join sites s on s.open and "
        "(exists(select 1 from collector_sites cs where cs.site = s.id and cs.collector = c.id) or (c.covers_rest and "
        "not exists(select 1 from collector_sites cs where cs.site = s.id))) "
        "where c.silent_since is not null and c.revoked_at is null and ($1 or s.id = any($2::uuid[])) "
        "and ($3::uuid is null or s.id = $3) group by c.id order by c.name limit 20",
        scope.everything, list(scope.sites), site,
    )  # fmt: skip
    return [SilentCollector(**dict(row)) for row in rows]


async def centre(actor: Actor, code: str, now: datetime) -> Centre:
    """One centre with everything on its page that the actor may see; NotFound outside the scope."""
    scope = actor.scope
    async with transaction(scope) as tx:
        site = await tx.fetchrow(
            "select s.*, u.name as unit_name, u.kind as unit_kind, r.verdict, r.since, coalesce(r.reasons, '[]') as reasons, "
            "(select people from head_counts h where h.site = s.id order by as_of desc limit 1) as people, "
            "(select max(d.observed_at) from device_states d join targets t on t.id = d.target where t.site = s.id) "
            "as observed_at from sites s join administrative_units u on u.id = s.unit left join readiness r on r.site = s.id "
            "where s.code = $1", code,
        )  # fmt: skip
        if site is None or not scope.sees(site["id"]):
            raise NotFound()
        incidents = await incident_rows(
            tx, "i.site = $1 and i.state <> 'resolved'", [site["id"]], limit=OPEN_INCIDENTS_MAX
        )
        assets = await asset_rows.of_site(tx, site["id"], limit=ASSETS_MAX)
        links = await _links(tx, site["id"])
        capabilities = await _capabilities(tx, site["id"])
        requests = await _requests(tx, actor, site["id"])
        kit = await site_kit(tx, site["id"], code, now.astimezone(LOCAL_ZONE).date())
        silent = await _silent(tx, scope, site["id"])
        incoming = await tx.fetchval(
            "select count(*) from transfers where to_site = $1 and state = 'in_transit'", site["id"]
        )
        supplies = await tx.fetchval(
            "select count(*) from stock_shipments where to_site = $1 and state = 'under_way'", site["id"]
        )
    return Centre(
        at=now, code=site["code"], name=site["name"], kind=site["kind"], unit=site["unit_name"],
        unit_kind=site["unit_kind"], address=site["address"], phone=site["phone"], people=site["people"],
        readiness=site["verdict"], since=site["since"], facts=facts_of(_REASONS.validate_json(site["reasons"])),
        incidents=incidents, assets=assets, links=links, capabilities=capabilities, requests=requests,
        kit=kit.lines, norms=kit.norms, incoming=incoming, incoming_supplies=supplies,
        observed_at=site["observed_at"], silent=silent,
    )  # fmt: skip


FACT_OF_CODE = {
    "computer": "equipment", "printer": "equipment", "equipment": "equipment", "line": "link", "account": "accounts",
    "accounts": "accounts",
}  # fmt: skip


def facts_of(reasons: list[Reason]) -> list[Fact]:
    """The three facts, each with its own worst verdict, and whatever else there is to say."""
    facts = []
    for name in ("equipment", "link", "accounts", "other"):
        of_it = [r for r in reasons if FACT_OF_CODE.get(r.code.partition("_")[0], "other") == name]
        worst = max((r.effect for r in of_it), key=RANK.__getitem__, default=Readiness.ABLE)
        if of_it or name != "other":
            facts.append(Fact(name=name, readiness=worst, reasons=of_it))
    return facts


async def _links(tx: Connection, site: UUID) -> list[LinkRow]:
    rows = await tx.fetch(
        "select l.tag, l.kind, l.carrier, l.circuit_number, l.bandwidth_mbps, l.is_primary, l.hotline, "  # noqa: S608
        "coalesce(d.condition, 'unknown') as condition, d.since, coalesce(d.reason, '') as reason, "
        "coalesce(b.name, '') as behind, "
        "d.latency_ms from links l " + OF_LINK + " "
        "left join targets b on b.id = d.cause "
        "where l.site = $1 order by l.is_primary desc, l.tag limit $2", site, ROWS_MAX,
    )  # fmt: skip
    return [LinkRow(**dict(row)) for row in rows]


async def _capabilities(tx: Connection, site: UUID) -> list[CapabilityRow]:
    rows = await tx.fetch(
        "select c.kind, c.title, coalesce(a.name, '') as application, coalesce(a.owner_office, '') as office, c.holder_post, "
        "c.status, c.since, c.expires_on from capabilities c left join applications a on a.id = c.application "
        "where c.site = $1 order by (c.status = 'issued'), a.name, c.title limit $2", site, ROWS_MAX,
    )  # fmt: skip
    return [CapabilityRow(**dict(row)) for row in rows]


async def _requests(tx: Connection, actor: Actor, site: UUID) -> list[RequestRow]:
    conditions = Conditions()
    conditions.add("r.site = {}", site)
    text, values = visible(actor)
    conditions.add(text, *values)
    rows = await tx.fetch(
        "select r.number, r.state, r.submitted_at, r.created_at, coalesce((select string_agg(l.quantity || ' × ' || l.name, "  # noqa: S608
        "', ' order by l.position) from equipment_request_lines l "
        f"where l.request = r.id), '') as summary from equipment_requests r where {conditions.sql} "
        "order by (r.state in ('closed', 'withdrawn', 'refused')), r.created_at desc limit 10",
        *conditions.values,
    )
    return [RequestRow(**dict(row)) for row in rows]


async def asset(scope: Scope, tag: str, now: datetime) -> AssetPage:
    """One asset with everything on its page; NotFound outside the scope."""
    async with transaction(scope) as tx:
        row = await tx.fetchrow(
            "select a.*, m.manufacturer, m.name as model_name, s.code as site_code, s.name as site_name from assets a "
            "join asset_models m on m.id = a.model join sites s on s.id = a.site where a.tag = $1", clean_code(tag),
        )  # fmt: skip
        if row is None or not scope.sees(row["site"]):
            raise NotFound()
        shown = (await asset_rows.of_site(tx, row["site"], asset=row["id"], limit=1))[0]
        # What happened at a site stays that site's: an asset that came from another brings its past to the province only.
        seen = (scope.everything, list(scope.sites), row["id"])
        monitoring = await _monitoring(tx, scope, row["id"], now)
        incidents: list[IncidentRow] = await incident_rows(
            tx, f"i.asset = $3 and {_IN_SCOPE.format(site='i.site')}", seen, limit=10
        )
        declarations = await tx.fetch(
            "select kind, text, said_by_name as said_by, said_at, ended_at from declarations where asset = $3 "  # noqa: S608
            f"and {_IN_SCOPE.format(site='site')} order by said_at desc limit $4", *seen, ROWS_MAX,
        )  # fmt: skip
        timeline = await tx.fetch(
            "select at, kind, actor_name as by, text from asset_events where asset = $3 "  # noqa: S608
            f"and {_IN_SCOPE.format(site='site')} order by at desc, id desc limit $4", *seen, ROWS_MAX,
        )  # fmt: skip
        corrections = [
            CorrectionRow(**{**dict(row), "before": json.loads(row["before"]), "after": json.loads(row["after"])})
            for row in await tx.fetch(
                "select at, actor_name as by, reason, before, after from audit_events where subject = $3 "  # noqa: S608
                f"and subject_kind = 'asset' and action = 'edit' and before is not null and after is not null "
                f"and {_IN_SCOPE.format(site='site')} order by at desc, id desc limit $4", *seen, ROWS_MAX,
            )
        ]  # fmt: skip
        names = await names_of(tx, ids(values for one in corrections for values in (one.before, one.after)))
        transfer = await under_way(tx, row["id"])
        ways = await ways_of(tx, row["id"])
        observed = await fetch(
            tx, OBSERVED, ListQuery(limit=OBSERVED_MAX, sort="key"), observed_out, scope=scope,
            where=[("o.asset = {}", [row["id"]])],
        )  # fmt: skip
        files = await files_of(tx, scope, row["id"])
    kept = (
        "serial",
        "site_name",
        "custodian",
        "original_cost",
        "put_into_use",
        "warranty_until",
        "supplier",
        "funding_source",
        "purchased_on",
        "note",
        "manufacturer",
        *KEPT,
    )
    return AssetPage(
        at=now, id=row["id"], asset=shown, transfer=transfer, model=row["model_name"], site=row["site_code"],
        monitoring=monitoring, targets=ways, incidents=incidents, declarations=[DeclarationRow(**dict(d)) for d in declarations],
        timeline=[TimelineRow(**dict(t)) for t in timeline],
        corrections=corrections, names=names, observed=observed.items,
        files=files, **{name: row[name] for name in kept},
    )  # fmt: skip


async def _monitoring(tx: Connection, scope: Scope, asset_id: UUID, now: datetime) -> Monitoring | None:
    return await of_thing(tx, scope, asset_id, now)


async def speaks_for(tx: Connection, thing: UUID) -> UUID | None:
    """The target that speaks for an asset or a line; one that is switched off where there is no other."""
    found: UUID | None = await tx.fetchval(
        "select t.id from targets t left join device_states d on d.target = t.id where t.asset = $1 or t.link = $1 "  # noqa: S608
        f"order by t.enabled desc, {FIRST_TO_SPEAK} limit 1", thing,
    )  # fmt: skip
    return found


async def of_thing(tx: Connection, scope: Scope, thing: UUID, now: datetime) -> Monitoring | None:
    """How an asset or a line is by all that asks it: the worst speaks for it, and each brings its readings."""
    target = await speaks_for(tx, thing)
    if target is None or (speaks := await monitoring(tx, scope, target, now)) is None:
        return None
    ids = [way.id for way in await ways_of(tx, thing) if way.enabled]
    told = [speaks if id_ == target else await monitoring(tx, scope, id_, now) for id_ in ids]
    some = [one for one in told if one is not None]
    if len(some) < 2:
        return speaks
    readings = [reading for one in some for reading in one.readings]
    return speaks.model_copy(update={
        "readings": readings[:READINGS_SHOWN], "readings_total": sum(one.readings_total for one in some),
        "identity": next((one.identity for one in some if one.identity != Identity()), speaks.identity),
        "uptime_seconds": next((one.uptime_seconds for one in some if one.uptime_seconds is not None), None),
        "history": history.worst([one.history for one in some]),
    })  # fmt: skip


async def ways_of(tx: Connection, thing: UUID) -> list[WayRow]:
    """All the ways in which an asset or a line is asked, those that are switched off last."""
    rows = await tx.fetch(
        "select t.id, t.method, t.address, t.port, t.enabled, coalesce(d.condition, 'unknown') as condition, d.since, "
        "coalesce(d.reason, '') as reason, case when d.outcome = 'not_asked' then d.detail else '' end as refused, "
        "d.observed_at from targets t left join device_states d on d.target = t.id "
        "where t.asset = $1 or t.link = $1 order by t.enabled desc, t.created_at, t.id limit $2", thing, ROWS_MAX,
    )  # fmt: skip
    return [WayRow(**dict(row)) for row in rows]


async def monitoring(tx: Connection, scope: Scope, target: UUID, now: datetime) -> Monitoring | None:
    """How a target is asked, what it answered last and how its last days were; whose it is was asked before."""
    row = await tx.fetchrow(
        "select t.id, t.asset, t.created_at, t.name, t.method, t.address, t.port, coalesce(nullif(t.profile, ''), "
        "d.identity->>'profile', '') as profile, t.interval_seconds, coalesce(d.condition, 'unknown') as condition, d.since, "
        "coalesce(d.reason, '') as reason, coalesce(b.name, '') as behind, coalesce(ba.tag, '') as behind_tag, "
        "d.observed_at, coalesce(d.outcome, '') as outcome, coalesce(d.detail, '') as detail, d.latency_ms, "
        "d.uptime_seconds, d.identity, coalesce(d.readings, '[]') as readings "
        "from targets t left join device_states d on d.target = t.id left join targets b on b.id = d.cause "
        "left join assets ba on ba.id = b.asset where t.id = $1", target,
    )  # fmt: skip
    if row is None:
        return None
    changes = await tx.fetch(
        "select at, before, after, reason from condition_changes where target = $3 and at >= $4 "  # noqa: S608
        f"and {_IN_SCOPE.format(site='site')} order by at, id limit 2000",
        scope.everything, list(scope.sites), row["id"], now - HISTORY,
    )  # fmt: skip
    elsewhere = await tx.fetchval("select elsewhere_until($1, $2)", row["asset"], row["id"])
    readings = asset_rows.readings(_READINGS.validate_json(row["readings"]))
    return _made(
        row, detail=phrases.english(row["detail"]), told=row["detail"],
        identity=Identity.model_validate_json(row["identity"] or "{}"), readings=readings[:READINGS_SHOWN],
        readings_total=len(readings),
        history=history.segments(
            [history.Change(**dict(c)) for c in changes], current=row["condition"], since=row["since"],
            watched_from=max(row["created_at"], elsewhere or row["created_at"]), start=now - HISTORY, now=now,
        ),
    )  # fmt: skip


_made = from_row(Monitoring, "identity", "readings", "readings_total", "history", "detail", "told")


async def system(actor: Actor, now: datetime) -> System:
    """How the service is, without anything secret; NotAllowed for those who do not look after the whole of it."""
    if not actor.scope.everything:
        raise NotAllowed()
    async with transaction(actor.scope) as tx:
        facts = await tx.fetchrow(
            "select current_setting('server_version') as version, pg_database_size(current_database()) as bytes, "
            "(select count(*) from targets where enabled) as targets, "
            "(select max(observed_at) from device_states) as observed_at, "
            "(select min(created_at) from notifications where state in ('waiting', 'sending')) as oldest_waiting_at"
        )
        counts = await tx.fetchrow(
            f"select {_COUNTED} from targets t left join device_states d on d.target = t.id where t.enabled"  # noqa: S608
        )
        told = await tx.fetch("select state, count(*) as count from notifications group by state order by state")
        collectors = await tx.fetch(
            "select c.name, c.covers_rest, c.last_contact_at, c.silent_since, c.backlog, c.skew_seconds, c.shed, c.rejected, "
            "c.software, c.revoked_at is not null as revoked, (select count(*) from collector_sites s where s.collector = c.id) "
            "as sites from collectors c order by c.silent_since nulls last, c.name limit 500"
        )
        channels = await tx.fetch(
            "select name, scheme, enabled, failing_since, last_error from channels order by failing_since nulls last, name "
            "limit 200"
        )
        jobs = await _jobs(tx)
    return System(
        at=now, version=__version__, database=facts["version"], database_bytes=facts["bytes"], targets=facts["targets"],
        conditions=Counts(**dict(counts)), observed_at=facts["observed_at"], oldest_waiting_at=facts["oldest_waiting_at"],
        jobs_waiting=jobs.get("queued", 0), jobs_running=jobs.get("picked", 0),
        notifications={row["state"]: row["count"] for row in told},
        collectors=[CollectorRow(**dict(row)) for row in collectors],
        channels=[ChannelRow(**dict(row)) for row in channels],
    )  # fmt: skip


async def _jobs(tx: Connection) -> dict[str, int]:
    if not await tx.fetchval("select to_regclass('pgqueuer') is not null"):
        return {}
    rows = await tx.fetch("select status::text as status, count(*) as count from pgqueuer group by status")
    return {row["status"]: row["count"] for row in rows}


async def site_code(site: UUID) -> str | None:
    """The code of a person's own site."""
    async with transaction(EVERYTHING) as tx:
        code: str | None = await tx.fetchval("select code from sites where id = $1", site)
        return code
