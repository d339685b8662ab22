"""The world that rows of a batch stand in: what is there of what they name, read under the caller's scope."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from assets.access.actor import Actor
from assets.clock import LOCAL_ZONE
from assets.db import Connection, as_owner
from assets.inventory import kinds
from assets.inventory.batches.planning import Present, Wanted, World, key_in
from assets.inventory.holding import promised
from assets.inventory.kinds import CUSTOM, Definition, Kind, with_definitions
from assets.inventory.values import Type, Wrong, last_beginning, plain, read
from assets.text import serial_key

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Stored:
    """How rows of a kind are read: `select` names fields as the API does, `among` chooses by keys ($1, $2, …)."""

    select: str
    among: str
    arguments: Callable[[Sequence[Mapping[str, Any]]], list[Any]]


def _column(name: str) -> Callable[[Sequence[Mapping[str, Any]]], list[Any]]:
    return lambda keys: [list({str(key.get(name) or "") for key in keys})]


STORED = {
    kinds.ASSETS.resource: Stored(
        "select t.*, c.code as category, m.manufacturer, m.name as model, s.code as site, coalesce(r.name, '') as room, "
        "t.site as site_id, t.model as model_id from assets t join asset_models m on m.id = t.model "
        "join asset_categories c on c.id = m.category join sites s on s.id = t.site left join rooms r on r.id = t.room",
        "t.tag = any($1)", _column("tag"),
    ),
    kinds.MODELS.resource: Stored(
        "select t.*, c.code as category, null::uuid as site_id from asset_models t join asset_categories c on c.id = t.category",
        "(lower(t.manufacturer), lower(t.name)) in (select * from unnest($1::text[], $2::text[]))",
        lambda keys: [[str(key.get(name) or "").lower() for key in keys] for name in ("manufacturer", "name")],
    ),
    kinds.LINKS.resource: Stored(
        "select t.*, s.code as site, t.site as site_id from links t join sites s on s.id = t.site",
        "t.tag = any($1)", _column("tag"),
    ),
    kinds.APPLICATIONS.resource: Stored(
        "select t.*, null::uuid as site_id from applications t", "t.code = any($1)", _column("code"),
    ),
    kinds.CAPABILITIES.resource: Stored(
        "select t.*, s.code as site, coalesce(p.code, '') as application, t.site as site_id from capabilities t "
        "join sites s on s.id = t.site left join applications p on p.id = t.application", "s.code = any($1)",
        _column("site"),
    ),
}  # fmt: skip


async def described(tx: Connection, resource: str) -> tuple[Kind, dict[str, Definition]]:
    """A kind with the fields that the province has given it, and those."""
    kind = kinds.KINDS[resource]
    own = await definitions(tx) if resource == kinds.ASSETS.resource else {}
    return with_definitions(kind, own.values()), own


async def look(
    tx: Connection,
    actor: Actor,
    kind: Kind,
    own: Mapping[str, Definition],
    rows: Sequence[Wanted],
    *,
    now: datetime,
    lock: bool = False,
) -> World:
    """The world of some rows at a moment; with `lock` what they may change is locked until the transaction ends."""
    said = {name for row in rows for name in row.cells}
    sites = await sites_by_name(tx) if "site" in said else {}
    meant = await _present(tx, kind, "t.id = any($1)", [[row.id for row in rows if row.id]], lock=lock)
    keys = [
        {**(meant[row.id].values if row.id in meant else {}), **_readable(kind, row, sites)}
        if row.id
        else _whole_key(kind, _readable(kind, row, sites))
        for row in rows
    ]
    stored = STORED[kind.resource]
    found = await _present(tx, kind, stored.among, stored.arguments(keys), lock=lock)
    present = {key_in(kind, one.values): one for one in found.values()}
    wanted = {key_in(kind, key) for key in keys}
    new = wanted - set(present)
    return World(
        present=present,
        by_id=meant,
        taken=await _taken(tx, kind, keys, new) if new else frozenset(),
        sites=sites,
        models=await _models(tx) if {"manufacturer", "model"} & said else {},
        categories=await _categories(tx) if "category" in said else {},
        applications=await _applications(tx) if "application" in said else frozenset(),
        serials=await _serials(tx, actor, rows) if "serial" in said else {},
        definitions=own,
        promised=await promised(tx, [one.id for one in (*found.values(), *meant.values())])
        if kind.resource == kinds.ASSETS.resource and "stage" in said
        else {},
        latest=last_beginning(now.astimezone(LOCAL_ZONE).date()),
    )


def _readable(kind: Kind, row: Wanted, sites: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in kind.key:
        if name in row.cells:
            try:
                found[name] = read(kind[name], row.cells[name])
            except Wrong:
                found[name] = ""
    if "site" in found:
        found["site"] = sites.get(found["site"].casefold(), "")
    return found


def _whole_key(kind: Kind, said: Mapping[str, Any]) -> dict[str, Any]:
    return {name: said.get(name, "") for name in kind.key}


async def _present(tx: Connection, kind: Kind, among: str, arguments: list[Any], *, lock: bool) -> dict[UUID, Present]:
    stored = STORED[kind.resource]
    query = f"{stored.select} where {among}" + (" for update of t" if lock else "")
    return {row["id"]: present_of(kind, row) for row in await tx.fetch(query, *arguments)}


def present_of(kind: Kind, row: Row) -> Present:
    """A row as the register has it, with the province's own fields beside the built-in ones."""
    values: dict[str, Any] = {}
    for one in kind.fields:
        if not one.name.startswith(CUSTOM):
            value = row[one.name]
            values[one.name] = one.empty if value is None else value
    if "custom" in row:
        known = kind.names
        values |= {
            CUSTOM + code: read(kind[CUSTOM + code], value)
            for code, value in json.loads(row["custom"] or "{}").items()
            if CUSTOM + code in known
        }
    return Present(row["id"], row["version"], values)


async def _taken(
    tx: Connection, kind: Kind, keys: Sequence[Mapping[str, Any]], new: set[tuple[str, ...]]
) -> frozenset[tuple[str, ...]]:
    # Of tags alone is told that they are in use: in the same words for one's own sites and for others.
    if kind.key != ("tag",):
        return frozenset()
    async with as_owner(tx):
        rows = await tx.fetch(f"select tag from {kind.table} where tag = any($1)", [key["tag"] for key in keys])  # noqa: S608
    return frozenset({key_in(kind, row) for row in rows} & new)


async def sites_by_name(tx: Connection) -> dict[str, str]:
    """The code of each site by its code, its name, and the name of its unit where that is unmistakable."""
    rows = await tx.fetch(
        "select s.code, s.name, s.kind, u.name as unit from sites s join administrative_units u on u.id = s.unit"
    )
    found: dict[str, str] = {}
    twice: set[str] = set()
    for row in rows:
        for name in {row["name"].casefold(), row["unit"].casefold() if row["kind"] == "centre" else ""} - {""}:
            if found.setdefault(name, row["code"]) != row["code"]:
                twice.add(name)
    return {name: code for name, code in found.items() if name not in twice} | {
        row["code"].casefold(): row["code"] for row in rows
    }


async def _models(tx: Connection) -> dict[tuple[str, str], tuple[str, str, str]]:
    rows = await tx.fetch(
        "select m.manufacturer, m.name, c.code from asset_models m join asset_categories c on c.id = m.category"
    )
    return {(row["manufacturer"].casefold(), row["name"].casefold()): tuple(row) for row in rows}


async def _categories(tx: Connection) -> dict[str, str]:
    rows = await tx.fetch("select code, name, name_en from asset_categories")
    return {row[name].casefold(): row["code"] for name in ("name_en", "name", "code") for row in rows}


async def _applications(tx: Connection) -> frozenset[str]:
    return frozenset(row["code"] for row in await tx.fetch("select code from applications"))


async def _serials(
    tx: Connection, actor: Actor, rows: Iterable[Wanted]
) -> dict[tuple[str, str], frozenset[str | None]]:
    said = {key for row in rows if (key := serial_key(str(row.cells.get("serial") or "")))}
    if not said:
        return {}
    # Of two who enter the same number at once the second finds the first one's.
    await tx.execute("select pg_advisory_xact_lock(hashtextextended('serials', 0))")
    async with as_owner(tx):  # a serial that is in use elsewhere is in use
        found = await tx.fetch(
            "select a.tag, a.serial, a.site, m.manufacturer from assets a join asset_models m on m.id = a.model "
            "where a.serial <> '' and serial_key(a.serial) = any($1) and a.merged_into is null", list(said),
        )  # fmt: skip
    owners: dict[tuple[str, str], set[str | None]] = {}
    for row in found:
        place = row["manufacturer"].casefold(), serial_key(row["serial"])
        owners.setdefault(place, set()).add(row["tag"] if actor.scope.sees(row["site"]) else None)
    return {place: frozenset(tags) for place, tags in owners.items()}


async def definitions(tx: Connection) -> dict[str, Definition]:
    """The province's own fields by their code, in the order in which people see them."""
    rows = await tx.fetch(
        "select f.*, coalesce(c.code, '') as of_category from custom_fields f "
        "left join asset_categories c on c.id = f.category order by f.sort, f.code"
    )
    return {
        row["code"]: Definition(
            row["code"], row["of_category"], row["name"], row["name_en"], Type(row["kind"]), tuple(row["choices"]),
            row["required"], row["deprecated"],
        )
        for row in rows
    }  # fmt: skip


async def columns_of(tx: Connection, kind: Kind, values: Sequence[Mapping[str, Any]]) -> "Columns":
    """What is needed to write values of these rows as columns: the ids behind the names."""
    named = {name for row in values for name in row}
    sites = {row["code"]: row["id"] for row in await tx.fetch("select id, code from sites")} if "site" in named else {}
    models, categories, applications = {}, {}, {}
    if kind.resource == kinds.ASSETS.resource:
        if {"manufacturer", "model"} & named:
            rows = await tx.fetch("select id, manufacturer, name from asset_models")
            models = {(row["manufacturer"], row["name"]): row["id"] for row in rows}
    elif "category" in named:
        categories = {row["code"]: row["id"] for row in await tx.fetch("select id, code from asset_categories")}
    if "application" in named:
        applications = {row["code"]: row["id"] for row in await tx.fetch("select id, code from applications")}
    return Columns(kind, sites, models, categories, applications)


@dataclass(frozen=True)
class Columns:
    """Values by the names of fields as columns of the table."""

    kind: Kind
    sites: Mapping[str, UUID]
    models: Mapping[tuple[str, str], UUID]
    categories: Mapping[str, UUID]
    applications: Mapping[str, UUID]

    def of(
        self, changed: Mapping[str, Any], whole: Mapping[str, Any], room: Callable[[UUID, str], UUID | None]
    ) -> dict[str, Any]:
        """The columns of what is changed; `whole` are all values of the row, changes among them."""
        assets = self.kind.resource == kinds.ASSETS.resource
        found: dict[str, Any] = {}
        for name, value in changed.items():
            if name.startswith(CUSTOM):
                own = {n.removeprefix(CUSTOM): plain(v) for n, v in whole.items() if n.startswith(CUSTOM)}
                found["custom"] = json.dumps(
                    {code: v for code, v in own.items() if v not in (None, "", [])}, ensure_ascii=False
                )
            elif assets and name in ("category", "manufacturer", "model"):
                found["model"] = self.models[whole["manufacturer"], whole["model"]]
            elif name == "category":
                found["category"] = self.categories[value]
            elif name == "site":
                found["site"] = self.sites[value]
            elif name == "application":
                found["application"] = self.applications.get(value)
            elif name == "room":
                found["room"] = room(self.sites[whole["site"]], value) if value else None
            else:
                found[name] = value
        return found
