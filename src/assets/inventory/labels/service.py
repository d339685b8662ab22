"""The verbs of labels: print them and count it, and keep what somebody has measured of sheets and printers."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from assets.access.actor import Actor
from assets.access.permissions import Action
from assets.audit.service import differences, record, shown
from assets.db import Connection, transaction
from assets.errors import Conflict, Invalid, NotAllowed, NotFound, Stale
from assets.ids import new_id
from assets.papers import grids, labels
from assets.papers.grids import OFFSET_MAX, PRESETS, Grid
from assets.papers.labels import LABELS_MAX, Label, Offset
from assets.text import clean, clean_code
from assets.web.language import N_

NAME_MAX = 80
GRID = tuple(Grid.__dataclass_fields__)
OFFSETS = ("offset_x", "offset_y")
DEFAULT_PRESET = next(iter(PRESETS))


@dataclass(frozen=True)
class Wish:
    """Labels to be printed: on a preset or a saved grid (by its id), from label `start` on, for a printer (by its id)."""

    tags: Sequence[str]
    preset: str = DEFAULT_PRESET
    start: int = 1
    printer: str = ""


async def print_labels(actor: Actor, wish: Wish, *, url: str, now: datetime) -> bytes:
    """The PDF, with each label counted on its asset's timeline; nothing is counted when it cannot be made."""
    actor = actor.require(Action.PRINT_LABELS)
    async with transaction(actor.scope) as tx:
        grid, offset = await grid_of(tx, wish.preset), await offset_of(tx, wish.printer)
        rows = await assets(tx, wish.tags)
    made = await labels.sheets(labelled(rows, url), grid, start=wish.start, offset=offset)
    async with transaction(actor.scope) as tx:
        await tx.execute(
            "insert into asset_events (id, asset, site, at, kind, actor_name, text) "
            "select e.id, a.id, a.site, $3, 'label_printed', $4, '' from unnest($1::uuid[], $2::uuid[]) as e(id, asset) "
            "join assets a on a.id = e.asset",
            [new_id() for _ in rows], [row["id"] for row in rows], now, actor.name,
        )  # fmt: skip
        await record(
            tx, by=actor, action="print", kind="label", subject=new_id(), name=_named(rows), site=actor.home_site,
            after={"assets": [row["tag"] for row in rows], "preset": wish.preset},
        )  # fmt: skip
    return made


def _named(rows: Sequence[Mapping[str, Any]]) -> str:
    return str(rows[0]["tag"]) + (f" + {len(rows) - 1}" if len(rows) > 1 else "")


def labelled(rows: Sequence[Mapping[str, Any]], url: str) -> list[Label]:
    """What stands on the labels of assets; the code holds the short web address."""
    return [Label(row["tag"], row["name"], row["site_name"], f"{url}/t/{row['tag']}") for row in rows]


async def assets(tx: Connection, tags: Sequence[str]) -> list[Mapping[str, Any]]:
    """Assets in the order of their tags; NotFound names the first that is not there for the caller."""
    if not 1 <= len(tags) <= LABELS_MAX:
        raise Invalid(fields={"tags": N_("From 1 to 1,000 tags.")})
    wanted = [clean_code(tag) for tag in tags]
    rows = await tx.fetch(
        "select a.id, a.tag, coalesce(nullif(a.name, ''), m.manufacturer || ' ' || m.name) as name, s.name as site_name "
        "from assets a join asset_models m on m.id = a.model join sites s on s.id = a.site where a.tag = any($1)", wanted,
    )  # fmt: skip
    found = {row["tag"]: row for row in rows}
    for tag in wanted:
        if tag not in found:
            raise NotFound(N_("There is no asset with the tag %(tag)s."), tag=tag)
    return [found[tag] for tag in wanted]


async def grid_of(tx: Connection, preset: str) -> Grid:
    """A preset by its code or a saved grid by its id; Invalid when there is neither."""
    if preset in PRESETS:
        return PRESETS[preset]
    row = await tx.fetchrow("select * from label_grids where id = $1", _uuid(preset))
    if row is None:
        raise Invalid(fields={"preset": N_("There is no such sheet of labels.")})
    return Grid(**{name: row[name] for name in GRID})


async def offset_of(tx: Connection, printer: str) -> Offset:
    """How far a saved printer is out; nothing when none is named."""
    if not printer:
        return Offset()
    row = await tx.fetchrow("select offset_x, offset_y from label_printers where id = $1", _uuid(printer))
    if row is None:
        raise Invalid(fields={"printer": N_("There is no such printer.")})
    return Offset(row["offset_x"], row["offset_y"])


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text) if len(text) == 36 else None
    except ValueError:
        return None


async def add_grid(actor: Actor, name: str, grid: Grid, *, site: str = "") -> UUID:
    """Save a sheet of one's own; `site` is a code, without one it is that of the caller or the province's."""
    if wrong := grids.refused(grid):
        raise Invalid(fields=wrong)
    return await _add(actor, "label_grid", name, site, asdict(grid))


async def add_printer(actor: Actor, name: str, offset: Offset, *, site: str = "") -> UUID:
    """Save how far a printer is out."""
    values = {"offset_x": offset.x, "offset_y": offset.y}
    _check_offsets(values)
    return await _add(actor, "label_printer", name, site, values)


async def edit_grid(actor: Actor, grid: UUID, changes: Mapping[str, Any], *, version: int) -> None:
    """Change a saved grid that is still as the caller saw it."""

    def check(row: Mapping[str, Any]) -> None:
        if wrong := grids.refused(Grid(**{name: row[name] for name in GRID})):
            raise Invalid(fields=wrong)

    await _edit(actor, "label_grid", grid, changes, version, GRID, check)


async def edit_printer(actor: Actor, printer: UUID, changes: Mapping[str, Any], *, version: int) -> None:
    """Change how far a printer is out, or its name."""
    await _edit(actor, "label_printer", printer, changes, version, OFFSETS, _check_offsets)


def _check_offsets(values: Mapping[str, Any]) -> None:
    wrong = {name: N_("From -20 to 20 mm.") for name in OFFSETS if not -OFFSET_MAX <= values[name] <= OFFSET_MAX}
    if wrong:
        raise Invalid(fields=wrong)


async def _add(actor: Actor, kind: str, name: str, site: str, values: Mapping[str, Any]) -> UUID:
    actor, name = actor.require(Action.PRINT_LABELS), clean(name, NAME_MAX)
    if not name:
        raise Invalid(fields={"name": "missing"})
    async with transaction(actor.scope) as tx:
        where = await _site(tx, actor, site)
        await _alone(tx, kind, where, name, None)
        made = new_id()
        columns = ["id", "site", "name", *values]  # names from the code only
        row = await tx.fetchrow(
            f"insert into {kind}s ({', '.join(columns)}, version) values "  # noqa: S608
            f"({', '.join(f'${i}' for i in range(1, len(columns) + 1))}, 1) returning *",
            made, where, name, *values.values(),
        )  # fmt: skip
        await record(tx, by=actor, action="add", kind=kind, subject=made, name=name, site=where, after=shown(row))
        return made


async def _site(tx: Connection, actor: Actor, code: str) -> UUID | None:
    if not code:
        if actor.scope.everything:
            return None
        if actor.home_site is None or not actor.scope.sees(actor.home_site):
            raise Invalid(fields={"site": "missing"})
        return actor.home_site
    site: UUID | None = await tx.fetchval("select id from sites where code = $1", clean(code, 20))
    if site is None or not actor.scope.sees(site):
        raise NotFound(N_("There is no such site."))
    return site


async def _edit(
    actor: Actor, kind: str, thing: UUID, changes: Mapping[str, Any], version: int, columns: Sequence[str], check: Any
) -> None:
    actor = actor.require(Action.PRINT_LABELS)
    changes = {n: clean(v, NAME_MAX) if isinstance(v, str) else v for n, v in changes.items()}
    if changes.get("name") == "":
        raise Invalid(fields={"name": "missing"})
    async with transaction(actor.scope) as tx:
        before = await tx.fetchrow(f"select * from {kind}s where id = $1", thing)  # noqa: S608
        if before is None:
            raise NotFound()
        if not actor.scope.sees(before["site"]):
            raise NotAllowed(N_("This belongs to the province; save one for this site instead."))
        before = await tx.fetchrow(f"select * from {kind}s where id = $1 for update", thing)  # noqa: S608
        if before is None or before["version"] != version:
            raise Stale()
        new = dict(before) | dict(changes)
        check(new)
        await _alone(tx, kind, before["site"], new["name"], thing)
        names = ["name", *columns]
        sets = ", ".join(f"{name} = ${i}" for i, name in enumerate(names, start=2))
        after = await tx.fetchrow(
            f"update {kind}s set {sets}, version = version + 1 where id = $1 returning *",  # noqa: S608
            thing, *(new[name] for name in names),
        )  # fmt: skip
        await record(
            tx, by=actor, action="edit", kind=kind, subject=thing, name=after["name"], site=after["site"],
            **differences(before, after),
        )  # fmt: skip


async def _alone(tx: Connection, kind: str, site: UUID | None, name: str, thing: UUID | None) -> None:
    # Two at once are told apart by waiting for each other.
    await tx.execute("select pg_advisory_xact_lock(hashtext($1))", f"{kind} {site}")
    if await tx.fetchval(
        f"select 1 from {kind}s where site is not distinct from $1 and name = $2 and id is distinct from $3",  # noqa: S608
        site, name, thing,
    ):  # fmt: skip
        raise Conflict(N_("The name %(name)s is in use already."), name=name)
