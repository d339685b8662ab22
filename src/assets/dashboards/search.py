"""Search across everything: the best finds of each kind, of what the caller may see of it.

A kind is a row of KINDS: the table that `found_best` (SQL, see the migration of search) looks in, and how a find is told.
It is asked in the scope of the action that shows such things; the joins run under row-level security once more.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from assets.access.actor import Actor
from assets.access.permissions import Action
from assets.dashboards.views import View
from assets.db import Connection, transaction
from assets.text import clean_code, search_words
from assets.web.paging import Q_MAX, WORDS_MAX, literal

MOST = 500  # finds of a kind that are counted; beyond it there are "more"
LIMIT_DEFAULT = 8
LIMIT_MAX = 100
INCIDENT_LINK, PLACE_LINK = "/incidents/{key}", "/sites/{site}"


class Find(View):
    """One thing that was found: `key` names it (tag, code, number, sign-in name), `state` is a code of its kind.

    `site` is the code of where it is, null when that is nowhere; `link` is its page, or that of where it is; `exact` says
    that its tag, serial number, code or number is just what was asked for.
    """

    kind: str
    key: str
    title: str
    detail: str
    state: str
    site: str | None
    site_name: str
    link: str
    exact: bool


class Finds(View):
    """What was found of one kind, best first; `total` counts no further than 500, and `more` says that there are more."""

    kind: str
    total: int
    more: bool
    items: list[Find]


class Found(View):
    """What was found, the kind with the best find first; `kinds` are those that were looked through."""

    q: str
    kinds: list[str]
    groups: list[Finds]


@dataclass(frozen=True)
class Kind:
    """How finds of a table are told: SQL of a row `t` (and of its site `s`), and the address of the page."""

    table: str
    key: str
    title: str
    detail: str
    link: str
    state: str = "''"
    join: str = ""
    sort: str = "1"
    action: Action = Action.VIEW
    of: Mapping[str, str] = field(default_factory=dict)


_AT = "join sites s on s.id = t.site"
_PLACE = "join lateral (select * from sites where unit = t.id order by kind <> 'centre', code limit 1) s on true"
KINDS: Mapping[str, Kind] = {
    "assets": Kind(
        "assets", "t.tag", "coalesce(nullif(t.name, ''), m.manufacturer || ' ' || m.name)",
        "concat_ws(' · ', nullif(case when t.name = '' then '' else m.manufacturer || ' ' || m.name end, ''), "
        "nullif(t.serial, ''), nullif(t.custodian, ''))",
        "/assets/{key}", "t.stage", f"{_AT} join asset_models m on m.id = t.model", "t.tag",
    ),
    "sites": Kind("sites", "t.code", "t.name", "t.address", "/sites/{key}", "t.kind", "join sites s on s.id = t.id", "t.sort"),
    "administrative-units": Kind(
        "administrative_units", "t.code", "t.name", "t.former_province", PLACE_LINK, "t.kind", _PLACE, "t.sort"
    ),
    "rooms": Kind("rooms", "''", "t.name", "''", PLACE_LINK, join=_AT, sort="t.name"),
    "links": Kind(
        "links", "t.tag", "t.carrier", "t.circuit_number", PLACE_LINK, "t.kind", _AT, "t.tag",
    ),
    "capabilities": Kind("capabilities", "''", "t.title", "t.holder_post", PLACE_LINK, "t.status", _AT, "t.title"),
    "equipment-requests": Kind(
        "equipment_requests", "t.number::text", "t.reason", "''", "/equipment-requests/{key}", "t.state", _AT,
        "t.number desc", Action.VIEW_REQUESTS,
    ),
    "incidents": Kind(
        "incidents", "t.number::text", "t.subject_name", "t.asset_tag", INCIDENT_LINK, "t.state",
        "left join sites s on s.id = t.site", "t.number desc",
    ),
    "asset-models": Kind(
        "asset_models", "''", "t.manufacturer || ' ' || t.name", "c.name", "", "''",
        "join asset_categories c on c.id = t.category left join sites s on false", "t.manufacturer, t.name",
    ),
    "applications": Kind(
        "applications", "t.code", "t.name", "t.owner_office", "", join="left join sites s on false", sort="t.name"
    ),
    "users": Kind(
        "users", "t.name", "coalesce(nullif(t.display_name, ''), t.name)", "t.post", "/people/{key}",
        join="left join sites s on false", sort="t.name", action=Action.MANAGE_PEOPLE,
    ),
}  # fmt: skip
# What has no page of its own leads to what there is of it.
SEARCHED_AGAIN = {"asset-models": "assets", "applications": "capabilities"}


def allowed(actor: Actor) -> list[str]:
    """The kinds that somebody may search; people only by those who look after all of them."""
    return [
        name
        for name, kind in KINDS.items()
        if (actor.everywhere(kind.action) if kind.action is Action.MANAGE_PEOPLE else actor.may(kind.action))
    ]


async def search(actor: Actor, q: str, *, kinds: Sequence[str] = (), limit: int = LIMIT_DEFAULT) -> Found:
    """The best `limit` finds of each kind that the actor may search, or of some of these; none of a blank search."""
    asked = [name for name in allowed(actor) if not kinds or name in kinds]
    words = [literal(word) for word in search_words(q, WORDS_MAX)]
    if not words:
        return Found(q=q, kinds=asked, groups=[])
    key = clean_code(q, Q_MAX).removeprefix("#")
    for number, patterns in enumerate(_tries(words)):
        values = [key if number == 0 else "", f"{literal(key)}%", patterns, MOST, actor.home_site, limit]
        if groups := await _once(actor, asked, values):
            return Found(q=q, kinds=asked, groups=groups)
    return Found(q=q, kinds=asked, groups=[])


def _tries(words: Sequence[str]) -> list[list[str]]:
    """Patterns from strict to loose: whole words; then the last one may still be being typed; then within others."""
    whole = [f"% {word} %" for word in words]
    return [whole, [*whole[:-1], f"% {words[-1]}%"], [f"%{word}%" for word in words]]


async def _once(actor: Actor, asked: Sequence[str], values: Sequence[object]) -> list[Finds]:
    found: list[tuple[int, int, Finds]] = []
    for action in dict.fromkeys(KINDS[name].action for name in asked):
        async with transaction(actor.within(action).scope) as tx:
            for order, name in enumerate(asked):
                if KINDS[name].action is action and (best := await _of(tx, name, KINDS[name], values)):
                    found.append((best[0], order, best[1]))
    return [finds for _, _, finds in sorted(found, key=lambda item: item[:2])]


async def _of(tx: Connection, name: str, kind: Kind, values: Sequence[object]) -> tuple[int, Finds] | None:
    rows = await tx.fetch(
        f"select f.rank, count(*) over () as total, {kind.key} as key, {kind.title} as title, {kind.detail} as detail, "  # noqa: S608 - constants only
        f"{kind.state} as state, s.code as site, coalesce(s.name, '') as site_name "
        f"from found_best('{kind.table}', $1, $2, $3::text[], $4) f join {kind.table} t on t.id = f.id {kind.join} "
        f"order by f.rank, (s.id is not distinct from $5::uuid) desc, {kind.sort} limit $6",
        *values,
    )
    if not rows:
        return None
    total = rows[0]["total"]
    items = [_find(name, kind, row) for row in rows]
    return rows[0]["rank"], Finds(kind=name, total=min(total, MOST), more=total >= MOST, items=items)


def _find(name: str, kind: Kind, row: Mapping[str, Any]) -> Find:
    told = {part: row[part] for part in ("key", "title", "detail", "state", "site", "site_name")}
    if other := SEARCHED_AGAIN.get(name):
        link = f"/search?{urlencode({'q': row['title'], 'kind': other})}"
    elif kind.link == PLACE_LINK:
        link = PLACE_LINK.format(site=quote(row["site"], safe=""))
    else:
        link = kind.link.format(key=quote(row["key"], safe=""))
    return Find(**told, kind=name, link=link, exact=row["rank"] == 0)
