"""The verbs around collectors: enrolment, what one shall do, what it says of itself, and its silence."""

import hashlib
import ipaddress
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from assets.access import drawn
from assets.access.actor import Actor
from assets.access.permissions import Action, Role
from assets.audit.sealer import newest
from assets.audit.service import record
from assets.db import EVERYTHING, Connection, transaction
from assets.errors import Conflict, Invalid, NotFound
from assets.ids import new_id
from assets.monitoring import credentials, traffic
from assets.monitoring.arrival import PAST_MAX
from assets.monitoring.intake import Arrived, Intake
from assets.monitoring.targets import BY_COLLECTORS
from assets.monitoring.topology import ancestors
from assets.monitoring.traffic import LINE_OF, MAIN_LINE, SAID_MAX
from assets.probing.contract import (
    ORDERS_MAX,
    PARENTS_MAX,
    SCHEMA,
    Answer,
    Assignment,
    Batch,
    Order,
    OrderKind,
    TargetSpec,
)
from assets.probing.profile import Profiles
from assets.probing.readings import Method
from assets.text import clean
from assets.vault import Vault
from assets.web.language import N_

TOKEN_PREFIX = "col_"
SILENT_AFTER = timedelta(seconds=60)  # a collector posts at least each 15 s, with or without news
ORDER_DEADLINE = timedelta(minutes=2)
ORDERS_KEPT = timedelta(days=30)


async def enrol(actor: Actor, site_code: str | None, *, name: str = "", now: datetime) -> str:
    """Add a collector for a site (None: for every site that has none) and answer its token, shown this once.

    A site that has a collector keeps it under a new token: the one before stops working.
    """
    actor = actor.require(Action.EDIT_MONITORING)
    async with transaction(EVERYTHING) as tx:
        site = await _site(tx, site_code)
        if site is None and await tx.fetchval("select 1 from collectors where covers_rest and revoked_at is null"):
            raise Conflict(
                "Another collector already asks for all sites that have none of their own. "
                "Start this service with --no-collector, or revoke the other one."
            )
        before = await tx.fetchval("select collector from collector_sites where site = $1", site)
        if before is not None:
            return await _new_token(tx, actor, before)
        collector, made = new_id(), drawn.token(TOKEN_PREFIX)
        title = clean(name, 100) or (f"Bộ thu thập {site_code}" if site_code else "Bộ thu thập tại tỉnh")
        if await tx.fetchval("select 1 from collectors where name = $1", title):
            title = f"{title} ({made.prefix})"
        await tx.execute(
            "insert into collectors (id, name, covers_rest, token_prefix, token_digest, enrolled_at) "
            "values ($1,$2,$3,$4,$5,$6)", collector, title, site is None, made.prefix, made.digest, now,
        )  # fmt: skip
        if site is not None:
            await tx.execute(
                "insert into collector_sites (id, collector, site) values ($1,$2,$3)", new_id(), collector, site
            )
        await record(
            tx, by=actor, action="enrol", kind="collector", subject=collector, name=title, site=site,
            after={"name": title, "covers_rest": site is None, "sites": [site] if site else [], "token_prefix": made.prefix},
        )  # fmt: skip
    return made.whole


async def _new_token(tx: Connection, actor: Actor, collector: UUID) -> str:
    made = drawn.token(TOKEN_PREFIX)
    row = await tx.fetchrow(
        "select name, token_prefix from collectors where id = $1 and revoked_at is null for update", collector
    )
    if row is None:
        raise NotFound()
    await tx.execute(
        "update collectors set token_prefix = $2, token_digest = $3 where id = $1", collector, made.prefix, made.digest
    )
    await record(
        tx, by=actor, action="renew_token", kind="collector", subject=collector, name=row["name"],
        before={"token_prefix": row["token_prefix"]}, after={"token_prefix": made.prefix},
    )  # fmt: skip
    return made.whole


async def revoke(actor: Actor, collector: UUID, *, now: datetime) -> None:
    """Let a collector in no more, from its next call on; its sites fall to the one for the rest."""
    actor = actor.require(Action.EDIT_MONITORING)
    async with transaction(EVERYTHING) as tx:
        row = await tx.fetchrow(
            "select name, revoked_at, covers_rest from collectors where id = $1 for update", collector
        )
        if row is None:
            raise NotFound()
        revoked_at = row["revoked_at"] or now
        await tx.execute(
            "update collectors set revoked_at = $2, covers_rest = false where id = $1", collector, revoked_at
        )
        sites = await tx.fetch("delete from collector_sites where collector = $1 returning site", collector)
        await record(
            tx, by=actor, action="revoke", kind="collector", subject=collector, name=row["name"],
            before={"revoked_at": row["revoked_at"], "covers_rest": row["covers_rest"], "sites": [s["site"] for s in sites]},
            after={"revoked_at": revoked_at, "covers_rest": False, "sites": []},
        )  # fmt: skip


async def _site(tx: Connection, code: str | None) -> UUID | None:
    if code is None:
        return None
    site: UUID | None = await tx.fetchval("select id from sites where code = $1", code)
    if site is None:
        raise NotFound(f"There is no site with the code {code}.")
    return site


async def actor_of(token: str, *, origin: str) -> Actor | None:
    """The collector behind a token `col_<prefix>.<secret>`, as an actor that may report and nothing else."""
    parts = drawn.taken_apart(token, TOKEN_PREFIX)
    if parts is None:
        return None
    async with transaction(EVERYTHING) as tx:
        row = await tx.fetchrow(
            "select id, name, token_digest from collectors where token_prefix = $1 and revoked_at is null", parts[0]
        )
    if row is None or not drawn.fits(row["token_digest"], parts[1]):
        return None
    return Actor(id=row["id"], name=row["name"], roles=frozenset({Role.COLLECTOR}), origin=origin)


_OF_COLLECTOR = (
    "from targets t join sites s on s.id = t.site left join collector_sites cs on cs.site = t.site where "  # noqa: S608
    + BY_COLLECTORS
    + " and coalesce(cs.collector, (select id from collectors where covers_rest limit 1)) = $1"
)


_FINGERPRINT = (
    # Everything that an assignment shows of a row carries that row's version, or is shown here itself.
    "with mine as (select t.id, t.version, t.parent, t.credential, t.site, cs.collector as own " + _OF_COLLECTOR + ") "  # noqa: S608
    "select md5(concat_ws('|', (select string_agg(concat_ws('/', t.id, t.version, t.parent, t.own, t.credential, "
    "d.credential, d.level_min), ',' order by t.id) from mine t left join device_states d on d.target = t.id), "
    "(select string_agg(concat_ws('/', c.id, c.version), ',' order by c.id) from credentials c), "
    "(select string_agg(concat_ws('/', p.credential, p.site, p.unit, p.position), ',' order by p.id) from credential_places p), "
    "(select string_agg(concat_ws('/', l.id, l.version), ',' order by l.id) from links l "
    "where l.site in (select site from mine))))"
)  # fmt: skip


async def assignment_hash(tx: Connection, collector: UUID, profiles: Profiles) -> str:
    """A fingerprint of everything that `assignment` answers; cheap enough to be asked with each batch."""
    fingerprint = await tx.fetchval(_FINGERPRINT, collector)
    return hashlib.sha256(f"{SCHEMA}/{collector}/{fingerprint}/{profiles.hash}".encode()).hexdigest()


async def assignment(collector: UUID, *, profiles: Profiles, vault: Vault) -> Assignment:
    """What this collector shall ask, with the profiles and the credentials for it."""
    async with transaction(EVERYTHING) as tx:
        wanted = await assignment_hash(tx, collector, profiles)
        rows = await tx.fetch(
            "select t.*, d.credential as answered_to, d.level_min, " + LINE_OF + " as line from ("  # noqa: S608
            "select t.*, cs.collector " + _OF_COLLECTOR + ") t left join device_states d on d.target = t.id "
            "left join collector_sites cs on cs.site = t.site " + MAIN_LINE + " order by t.id", collector,
        )  # fmt: skip
        tried = await credentials.candidates(tx, list({row["site"] for row in rows}))
        parent_of = {row["id"]: row["parent"] for row in rows}
        specs = tuple(_spec(row, parent_of, tried.get(row["site"], ())) for row in rows)
        used = {one for spec in specs for one in (spec.credential, *spec.candidates)} - {None}
        sealed = await tx.fetch("select id, secret from credentials where id = any($1) order by id", list(used))
        budgets = await traffic.budgets(tx, {row["id"]: row["line"] for row in rows}, collector)
    return Assignment(
        hash=wanted, targets=specs, profiles=profiles.sources(), profiles_hash=profiles.hash,
        credentials=tuple(credentials.read(vault, s["id"], s["secret"]) for s in sealed), budgets=budgets,
    )  # fmt: skip


def _spec(row: Any, parent_of: Mapping[UUID, UUID | None], tried: tuple[UUID, ...]) -> TargetSpec:
    """A target as its collector sees it: what people chose for it, or what is tried at its site."""
    chosen = row["credential"]
    snmp = row["method"] == Method.SNMP
    remembered = row["answered_to"] if row["answered_to"] in tried else None
    return TargetSpec(
        id=row["id"], name=row["name"], address=row["address"], port=row["port"], method=row["method"],
        profile=row["profile"], options=json.loads(row["options"]), credential=chosen or (remembered if snmp else None),
        candidates=tried if snmp and not chosen else (), level_min=row["level_min"] or 0,
        parents=ancestors(row["id"], parent_of)[:PARENTS_MAX], interval_seconds=row["interval_seconds"],
        recheck_seconds=max(1, min(10, row["interval_seconds"] // 2)),
    )  # fmt: skip


@dataclass(frozen=True)
class Heard:
    """What a batch made known of its collector: `back` when it had been silent."""

    back: bool


async def hear(tx: Connection, collector: UUID, batch: Batch, intake: Intake, now: datetime) -> Heard:
    """Write down that and how the collector spoke."""
    row = await tx.fetchrow("select silent_since, last_contact_at from collectors where id = $1 for update", collector)
    assert row is not None
    await tx.execute(
        "update collectors set last_contact_at = $2, silent_since = null, software = $3, skew_seconds = $4, backlog = $5, "
        "shed = $6, rejected = rejected + $7 where id = $1",
        collector, now, batch.software[:60], intake.skew_seconds, min(batch.backlog, SAID_MAX), min(batch.shed, SAID_MAX),
        len(intake.rejected),
    )  # fmt: skip
    if batch.traffic is not None:
        await traffic.keep_posts(tx, collector, batch.traffic, row["last_contact_at"], now)
    return Heard(back=row["silent_since"] is not None)


async def answer(
    tx: Connection, collector: UUID, batch: Batch, intake: Intake, *, profiles: Profiles, now: datetime
) -> Answer:
    """What the collector is told: what is settled, what was refused, what else to do."""
    return Answer(
        accepted_to=intake.highest,
        rejected=intake.rejected,
        orders=await _open_orders(tx, collector, now),
        assignment=await assignment_hash(tx, collector, profiles),
        received_at=now,
        skew_seconds=intake.skew_seconds,
        audit_head=await newest(tx),
    )


SWEEP_MAX = 256  # addresses of one sweep


async def order(actor: Actor, collector: UUID, wish: Order, *, now: datetime) -> UUID:
    """Ask a collector to do something once; its next answer carries the order, its result comes as an observation."""
    actor = actor.require(Action.EDIT_MONITORING)
    async with transaction(EVERYTHING) as tx:
        name = await tx.fetchval("select name from collectors where id = $1 and revoked_at is null", collector)
        if name is None:
            raise NotFound()
        await _check_order(tx, collector, wish)
        await tx.execute(
            "insert into collector_orders (id, collector, kind, payload, created_at, deadline) values ($1,$2,$3,$4,$5,$6)",
            wish.id, collector, wish.kind, wish.model_dump_json(), now, wish.deadline,
        )  # fmt: skip
        wished = wish.model_dump(mode="json", exclude_defaults=True, exclude={"id"})
        await record(
            tx, by=actor, action=f"order_{wish.kind}", kind="collector_order", subject=wish.id, name=name,
            after={"collector": collector, **wished},
        )  # fmt: skip
    return wish.id


async def probe_now(actor: Actor, target: UUID, *, now: datetime) -> tuple[UUID, UUID]:
    """Have a target of the actor's sites looked at by its collector; (collector, order)."""
    actor = actor.require(Action.EDIT_MONITORING)
    wish = Order(id=new_id(), kind=OrderKind.PROBE_NOW, deadline=now + ORDER_DEADLINE, target=target)
    return await _order_for(actor, wish, now=now)


async def try_credential(actor: Actor, target: UUID, credential: UUID, *, now: datetime) -> tuple[UUID, UUID]:
    """Have a target asked once with this credential, which must be one that is tried there; (collector, order)."""
    actor = actor.require(Action.EDIT_MONITORING)
    wish = Order(
        id=new_id(), kind=OrderKind.TRY_CREDENTIAL, deadline=now + ORDER_DEADLINE, target=target, credential=credential
    )  # fmt: skip
    return await _order_for(actor, wish, now=now)


async def _order_for(actor: Actor, wish: Order, *, now: datetime) -> tuple[UUID, UUID]:
    async with transaction(actor.scope) as tx:
        row = await tx.fetchrow("select site, method from targets where id = $1", wish.target)
        if row is None or not actor.scope.sees(row["site"]):
            raise NotFound()
    async with transaction(EVERYTHING) as tx:
        collector = await tx.fetchval(
            "select coalesce((select collector from collector_sites where site = $1), "
            "(select id from collectors where covers_rest and revoked_at is null limit 1))", row["site"],
        )  # fmt: skip
    if row["method"] == Method.HEARTBEAT or collector is None:
        raise Conflict(N_("Nobody asks this at present: it calls by itself, or its site has no collector."))
    return collector, await order(actor, collector, wish, now=now)


async def _check_order(tx: Connection, collector: UUID, wish: Order) -> None:
    """Invalid names what an order of this kind lacks or has wrong."""
    wrong = {}
    if wish.kind is not OrderKind.SWEEP and not await tx.fetchval(
        "select 1 " + _OF_COLLECTOR + " and t.id = $2", collector, wish.target
    ):
        wrong["target"] = "one that this collector asks"
    if wish.kind is OrderKind.WALK and not re.fullmatch(r"\d+(\.\d+){1,100}", wish.root):
        wrong["root"] = "a dotted OID"
    if wish.kind is OrderKind.SWEEP and not _small_network(wish.network):
        wrong["network"] = f"a block of at most {SWEEP_MAX} addresses, such as 10.1.2.0/24"
    if wish.kind is OrderKind.TRY_CREDENTIAL and not await _may_be_tried(tx, wish):
        wrong["credential"] = "one that is tried there, and no weaker than what the device has answered to"
    if wrong:
        raise Invalid(fields=wrong)


async def _may_be_tried(tx: Connection, wish: Order) -> bool:
    """Whether a credential may be shown to a target: one of its own, and never a weaker one than it has answered to."""
    row = await tx.fetchrow(
        "select t.site, t.credential, coalesce(d.level_min, 0) as level_min, (select level from credentials where id = $2) "
        "as level from targets t left join device_states d on d.target = t.id where t.id = $1", wish.target, wish.credential,
    )  # fmt: skip
    if row is None or row["level"] is None or row["level"] < row["level_min"]:
        return False
    tried = await credentials.candidates(tx, [row["site"]])
    return wish.credential == row["credential"] or wish.credential in tried.get(row["site"], ())


def _small_network(text: str) -> bool:
    try:
        return ipaddress.ip_network(text).num_addresses <= SWEEP_MAX
    except ValueError:
        return False


async def _open_orders(tx: Connection, collector: UUID, now: datetime) -> tuple[Order, ...]:
    rows = await tx.fetch(
        "select payload from collector_orders where collector = $1 and done_at is null and deadline > $2 "
        "order by created_at limit $3", collector, now, ORDERS_MAX,
    )  # fmt: skip
    return tuple(Order.model_validate_json(row["payload"]) for row in rows)


async def settle_orders(tx: Connection, collector: UUID, arrived: Sequence[Arrived], now: datetime) -> set[int]:
    """Write down what came of orders; answers the numbers of looks that count for their targets: those of PROBE_NOW.

    A result that arrives twice, or of another's order, changes nothing.
    """
    counting = set()
    for item in arrived:
        result = item.seen.order
        if result is not None:
            kind = await tx.fetchval(
                "update collector_orders set done_at = $3, done = $4, result = $5 where id = $1 and collector = $2 "
                "and done_at is null returning kind", result.order, collector, now, result.done,
                json.dumps(result.rows, ensure_ascii=False),
            )  # fmt: skip
            if kind == OrderKind.PROBE_NOW:
                counting.add(item.seen.sequence)
    return counting


async def tidy(tx: Connection, now: datetime) -> None:
    """Forget old orders, and buffers whose observations would be refused as too old."""
    await tx.execute("delete from collector_orders where deadline < $1", now - ORDERS_KEPT)
    await tx.execute("delete from collector_buffers where last_seen_at < $1", now - PAST_MAX)
    await traffic.tidy(tx, now)


@dataclass(frozen=True)
class CollectorView:
    """A collector that fell silent."""

    id: UUID
    name: str
    site: UUID | None
    since: datetime


async def fall_silent(tx: Connection, now: datetime) -> list[CollectorView]:
    """The collectors that have just become silent; each is answered once until it speaks again."""
    rows = await tx.fetch(
        "update collectors c set silent_since = $1 where id in (select id from collectors where silent_since is null "
        "and revoked_at is null and coalesce(last_contact_at, enrolled_at) < $2 for update skip locked) "
        "returning id, name, coalesce(last_contact_at, enrolled_at) as last_contact_at, "
        "(select site from collector_sites cs where cs.collector = c.id limit 1) as site", now, now - SILENT_AFTER,
    )  # fmt: skip
    return [CollectorView(r["id"], r["name"], r["site"], r["last_contact_at"]) for r in rows]
