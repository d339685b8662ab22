"""The verbs for norms and posts: what decrees allow at most, from a day on, and how many people of each group there are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from assets.access.actor import Actor
from assets.access.permissions import Action
from assets.audit.service import Changes, differences, record, shown
from assets.db import Connection, transaction
from assets.errors import Conflict, Invalid, NotFound, Stale
from assets.ids import new_id
from assets.inventory.kits.allowance import Per
from assets.inventory.kits.service import QUANTITY_MAX, THERE_IS_NONE
from assets.text import clean, clean_code
from assets.web.changes import refuse_others
from assets.web.language import N_

PRICE_MAX = 10**13
CATEGORIES_MAX = 50
FILL_IN = N_("Please fill this in.")
EDITABLE = frozenset({
    "equipment", "categories", "title", "quantity", "per", "every", "post_group", "price_max", "one_stop", "valid_from",
    "valid_to", "source", "verified", "note",
})  # fmt: skip


@dataclass(frozen=True)
class NewNorm:
    """A maximum of the equipment that these categories make together; `source` says where that is written."""

    equipment: str
    categories: Sequence[str]
    title: str
    quantity: int
    valid_from: date
    source: str
    per: Per = Per.PERSON
    every: int = 1
    post_group: str = ""
    price_max: int | None = None
    one_stop: bool = False
    valid_to: date | None = None
    verified: bool = False
    note: str = ""


async def add_norm(actor: Actor, new: NewNorm) -> UUID:
    """Add a norm; Invalid names what is wrong, Conflict when a category is counted under other equipment."""
    actor = actor.require_everywhere(Action.EDIT_INVENTORY)
    async with transaction(actor.scope) as tx:
        values = _checked(vars(new))
        categories = await _categories(tx, new.categories)
        await _counted_once(tx, values, categories)
        norm = new_id()
        made = await tx.fetchrow(
            "insert into norms (id, equipment, title, quantity, per, every, post_group, price_max, one_stop, valid_from, "
            "valid_to, source, verified, note, version) values ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,1) returning *",
            norm, *(values[name] for name in COLUMNS),
        )  # fmt: skip
        await _write_categories(tx, norm, categories)
        after = {**shown(made), "categories": sorted(new.categories)}
        await record(tx, by=actor, action="add", kind="norm", subject=norm, name=values["title"], after=after)
        return norm


COLUMNS = (
    "equipment", "title", "quantity", "per", "every", "post_group", "price_max", "one_stop", "valid_from", "valid_to",
    "source", "verified", "note",
)  # fmt: skip


async def edit_norm(actor: Actor, norm: UUID, changes: Mapping[str, Any], *, version: int) -> None:
    """Change a norm that is still as the caller saw it."""
    actor = actor.require_everywhere(Action.EDIT_INVENTORY)
    refuse_others(changes, EDITABLE)
    async with transaction(actor.scope) as tx:
        before = await _lock(tx, norm, version)
        had = await _codes(tx, norm)
        has = sorted(set(changes.get("categories", had)))
        values = _checked(dict(before) | dict(changes) | {"categories": has})
        categories = await _categories(tx, has)
        await _counted_once(tx, values, categories, besides=norm)
        sets = ", ".join(f"{column} = ${number}" for number, column in enumerate(COLUMNS, start=2))
        after = await tx.fetchrow(
            f"update norms set {sets}, version = version + 1 where id = $1 returning *",  # noqa: S608 - columns of ours
            norm, *(values[name] for name in COLUMNS),
        )  # fmt: skip
        told = differences(before, after)
        if had != has:
            await tx.execute("delete from norm_categories where norm = $1", norm)
            await _write_categories(tx, norm, categories)
            told["before"], told["after"] = {**told["before"], "categories": had}, {**told["after"], "categories": has}
        await record(tx, by=actor, action="edit", kind="norm", subject=norm, name=after["title"], **told)


async def delete_norm(actor: Actor, norm: UUID, *, version: int) -> None:
    """Remove a norm that should never have been written down; one that no longer holds gets an end instead."""
    actor = actor.require_everywhere(Action.EDIT_INVENTORY)
    async with transaction(actor.scope) as tx:
        row = await _lock(tx, norm, version)
        before = {**shown(row), "categories": await _codes(tx, norm)}
        await tx.execute("delete from norms where id = $1", norm)
        await record(tx, by=actor, action="delete", kind="norm", subject=norm, name=row["title"], before=before)


async def add_decree_norms(actor: Actor, norms: Sequence[NewNorm]) -> int:
    """The shipped norms, where there are none at all and their categories are there; answers how many were added."""
    async with transaction(actor.scope) as tx:
        if await tx.fetchval("select exists(select 1 from norms)"):
            return 0
        known = {row["code"] for row in await tx.fetch("select code from asset_categories")}
        fitting = [norm for norm in norms if known.issuperset(norm.categories)]
        for norm in fitting:
            await add_norm(actor, norm)
        return len(fitting)


async def count_posts(actor: Actor, site_code: str, group: str, people: int, *, as_of: date) -> UUID:
    """Write down how many people of a norm group a site has as of a date; the same date again corrects it."""
    actor = actor.require(Action.EDIT_PLACES)
    group = clean_code(group, 20)
    if not group:
        raise Invalid(fields={"post_group": FILL_IN})
    if not 0 <= people <= 100_000:
        raise Invalid(fields={"people": "between 0 and 100000"})
    async with transaction(actor.scope) as tx:
        site = await tx.fetchrow("select id, name from sites where code = $1", site_code)
        if site is None or not actor.scope.sees(site["id"]):
            raise NotFound()
        before = await tx.fetchrow(
            "select * from post_counts where site = $1 and post_group = $2 and as_of = $3 for update",
            site["id"], group, as_of,
        )  # fmt: skip
        after = await tx.fetchrow(
            "insert into post_counts (id, site, post_group, as_of, people) values ($1,$2,$3,$4,$5) on conflict on constraint "
            "post_counts_site_group_as_of_uq do update set people = excluded.people returning *",
            new_id(), site["id"], group, as_of, people,
        )  # fmt: skip
        assert after is not None
        changes: Changes = {"after": shown(after)} if before is None else differences(before, after)
        await record(
            tx, by=actor, action="count_posts", kind="post_count", subject=after["id"], name=f"{site['name']} {group}",
            site=site["id"], **changes,
        )  # fmt: skip
        counted: UUID = after["id"]
        return counted


def _checked(given: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of a norm, cleaned; Invalid names each wrong one."""
    values = {name: given[name] for name in COLUMNS}
    lengths = {"equipment": 40, "title": 255, "post_group": 20, "source": 255, "note": 255}
    values |= {name: clean(values[name], length) for name, length in lengths.items()}
    values["equipment"], values["post_group"] = values["equipment"].lower(), values["post_group"].upper()
    wrong = {name: FILL_IN for name in ("equipment", "title", "source") if not values[name]}
    if not 1 <= len(given["categories"]) <= CATEGORIES_MAX:
        wrong["categories"] = FILL_IN
    if not 0 <= values["quantity"] <= QUANTITY_MAX:
        wrong["quantity"] = N_("A whole number from 0 to 10000.")
    if not 1 <= values["every"] <= QUANTITY_MAX:
        wrong["every"] = N_("A whole number from 1 to 10000.")
    if (values["per"] == Per.POST) != bool(values["post_group"]):
        wrong["post_group"] = N_("A group belongs to a norm by post, and to no other.")
    if values["price_max"] is not None and not 0 <= values["price_max"] <= PRICE_MAX:
        wrong["price_max"] = "whole VND, from 0 to 10,000,000,000,000"
    if values["valid_to"] is not None and values["valid_to"] < values["valid_from"]:
        wrong["valid_to"] = N_("The last day cannot be before the first.")
    if wrong:
        raise Invalid(fields=wrong)
    return values


async def _categories(tx: Connection, codes: Sequence[str]) -> list[UUID]:
    rows = await tx.fetch("select id, code from asset_categories where code = any($1::text[])", list(codes))
    if unknown := set(codes) - {row["code"] for row in rows}:
        raise Invalid(fields={"categories": THERE_IS_NONE}, unknown=clean(sorted(unknown)[0], 40))
    return [row["id"] for row in rows]


async def _counted_once(
    tx: Connection, values: Mapping[str, Any], categories: list[UUID], besides: UUID | None = None
) -> None:
    """An asset must not fill two allowances: a category belongs to one equipment, and once more apart as one-stop."""
    await tx.execute("lock table norm_categories in share row exclusive mode")  # two at once are told apart
    other = await tx.fetchrow(
        "select c.code, n.equipment from norm_categories nc join norms n on n.id = nc.norm join asset_categories c "
        "on c.id = nc.category where nc.category = any($1::uuid[]) and n.one_stop = $2 and n.equipment <> $3 "
        "and n.id is distinct from $4 limit 1", categories, values["one_stop"], values["equipment"], besides,
    )  # fmt: skip
    if other is not None:
        raise Conflict(
            N_("%(category)s is counted as %(equipment)s already."),
            category=other["code"],
            equipment=other["equipment"],
        )


async def _codes(tx: Connection, norm: UUID) -> list[str]:
    rows = await tx.fetch(
        "select c.code from norm_categories nc join asset_categories c on c.id = nc.category where nc.norm = $1", norm
    )
    return sorted(row["code"] for row in rows)


async def _write_categories(tx: Connection, norm: UUID, categories: Sequence[UUID]) -> None:
    await tx.executemany(
        "insert into norm_categories (id, norm, category) values ($1,$2,$3)",
        [(new_id(), norm, category) for category in categories],
    )


async def _lock(tx: Connection, norm: UUID, version: int) -> Any:
    row = await tx.fetchrow("select * from norms where id = $1 for update", norm)
    if row is None:
        raise NotFound()
    if row["version"] != version:
        raise Stale()
    return row
