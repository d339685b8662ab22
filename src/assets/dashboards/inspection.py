"""Biên bản kiểm tra tình trạng kỹ thuật of an asset: what register, monitoring and people know of it, for whoever inspects it."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import asyncpg
from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler

from assets import clock
from assets.access.actor import Actor
from assets.access.guards import requires
from assets.access.permissions import Action
from assets.clock import LOCAL_ZONE
from assets.db import transaction
from assets.errors import NotFound
from assets.inventory.paper_forms.printing import FILES, Named, Wish, answer
from assets.inventory.worth import Worth, worth
from assets.monitoring.worst import OF_ASSET
from assets.papers.document import money
from assets.papers.kinds import Inspection, Paper, Seen
from assets.text import clean, clean_code
from assets.web.language import say, translate
from assets.web.words import word

BACK = timedelta(days=365)
SEEN_MAX = 40  # of each kind; the newest
LANGUAGE = "vi"
_ASSET = f"""
select a.id, a.tag, coalesce(nullif(a.name, ''), m.manufacturer || ' ' || m.name) as name, c.name as category, a.serial,
    s.name as site, case when s.kind = 'store' then '' else u.name end as unit,
    coalesce(r.name, '') as room, a.custodian, a.put_into_use, a.warranty_until,
    a.physical_state, a.physical_state_at, d.condition, d.observed_at, d.reason
from assets a join asset_models m on m.id = a.model join asset_categories c on c.id = m.category
join sites s on s.id = a.site join administrative_units u on u.id = s.unit left join rooms r on r.id = a.room
{OF_ASSET}
where a.tag = $1 limit 1
"""  # noqa: S608 - constants only
_FAULTS = """
select opened_at as at, reason, resolved_at, resolution from incidents where asset = $1 and opened_at >= $2
order by opened_at desc limit $3
"""
_DECLARED = """
select said_at as at, kind, text, said_by_name from declarations where asset = $1 and said_at >= $2
order by said_at desc limit $3
"""
_REPAIRS = """
select at, text, actor_name from asset_events where asset = $1 and kind = 'in_repair' order by at desc limit $2
"""
_QUOTATIONS = """
select quoted_on, amount, supplier, note from repair_quotations where asset = $1 order by quoted_on desc, written_at desc limit $2
"""


async def inspection(actor: Actor, tag: str, *, now: datetime) -> Inspection:
    """The values; NotFound when the asset is another's."""
    today = now.astimezone(LOCAL_ZONE).date()
    async with transaction(actor.scope) as tx:
        row = await tx.fetchrow(_ASSET, clean_code(tag))
        if row is None:
            raise NotFound()
        asset, since = row["id"], now - BACK
        value = (await worth(tx, [asset], today)).get(asset, Worth())
        faults = await tx.fetch(_FAULTS, asset, since, SEEN_MAX)
        declared = await tx.fetch(_DECLARED, asset, since, SEEN_MAX)
        repairs = await tx.fetch(_REPAIRS, asset, SEEN_MAX)
        quoted = await tx.fetch(_QUOTATIONS, asset, SEEN_MAX)
    same = ("unit", "site", "tag", "name", "category", "serial", "room", "custodian", "put_into_use", "warranty_until")
    return Inspection(
        **{name: row[name] for name in same}, day=None, cost=value.cost, remaining=value.remaining,
        physical_state=_state(row), measured=_measured(row), faults=[_fault(one) for one in faults],
        declarations=[_declared(one) for one in declared],
        repairs=[Seen(_day(r["at"]), say(LANGUAGE, r["text"]) or "Đưa đi sửa chữa", r["actor_name"]) for r in repairs],
        quotations=[_quoted(one) for one in quoted],
    )  # fmt: skip


def _word(table: str, code: str) -> str:
    return translate(LANGUAGE, word(table, code))


def _day(moment: datetime | None) -> Any:
    return moment.astimezone(LOCAL_ZONE).date() if moment else None


def _state(row: Mapping[str, Any]) -> str:
    seen = _day(row["physical_state_at"])
    return _word("physical_state", row["physical_state"]) + (f" (ghi nhận ngày {seen:%d/%m/%Y})" if seen else "")


def _measured(row: Mapping[str, Any]) -> str:
    if not row["condition"] or row["condition"] == "unknown":
        return ""
    why = say(LANGUAGE, row["reason"] or "")
    at = row["observed_at"]
    when = f" (lúc {at.astimezone(LOCAL_ZONE):%H:%M ngày %d/%m/%Y})" if at else ""
    return _word("condition", row["condition"]) + (f": {why}" if why else "") + when


def _fault(row: asyncpg.Record) -> Seen:
    ended = _day(row["resolved_at"])
    outcome = f"Đã khắc phục {ended:%d/%m/%Y}" if ended else "Chưa khắc phục"
    return Seen(
        _day(row["at"]),
        say(LANGUAGE, row["reason"]),
        "; ".join(filter(None, (outcome, say(LANGUAGE, row["resolution"])))),
    )


def _declared(row: asyncpg.Record) -> Seen:
    said = ": ".join(filter(None, (_word("declaration", row["kind"]), say(LANGUAGE, row["text"]))))
    return Seen(_day(row["at"]), said, row["said_by_name"])


def _quoted(row: asyncpg.Record) -> Seen:
    return Seen(
        row["quoted_on"], "; ".join(filter(None, (f"{money(row['amount'])} đồng", row["note"]))), row["supplier"]
    )


@get("/api/v1/assets/{tag:str}/papers/{paper:str}", operation_id="printAsset", tags=["papers"],
     guards=[requires(Action.VIEW)], opt=FILES)  # fmt: skip
async def print_asset(tag: FromPath[str], paper: Named, actor: NamedDependency[Actor]) -> Response[bytes]:
    """The minutes of a technical inspection (inspection) as PDF or DOCX, with what is known and room for what is found."""
    wish = Wish.of(paper, Paper.INSPECTION)
    return await answer(wish, await inspection(actor, tag, now=clock.now()), clean(tag, 40))


routes: Sequence[ControllerRouterHandler] = [print_asset]
