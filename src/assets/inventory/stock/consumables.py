"""The verbs for consumables and for how many of them should lie at a site."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from assets.access.actor import Actor
from assets.access.permissions import Action
from assets.audit.service import differences, record, shown
from assets.db import Connection, transaction
from assets.errors import Conflict, Invalid, NotFound, Stale
from assets.ids import new_id
from assets.inventory.values import UNADDRESSED, fits_address
from assets.text import clean, clean_code, searchable
from assets.web.changes import refuse_others
from assets.web.language import N_

KINDS = ("toner", "ink", "drum", "maintenance", "paper", "label", "ribbon", "token", "battery", "cable", "other")
MINIMUM_MAX = 100_000
MODELS_MAX = 200
EDITABLE = frozenset({"name", "name_en", "kind", "unit", "minimum", "note", "models"})
COLUMNS = ("name", "name_en", "kind", "unit", "minimum", "note", "search")
NO_MODEL = N_("There is no such model.")


@dataclass(frozen=True)
class NewConsumable:
    """Vật tư tiêu hao: counted in whole `unit`s (đơn vị tính), at least `minimum` at each site that keeps it."""

    code: str
    name: str
    unit: str
    kind: str = "other"
    name_en: str = ""
    minimum: int = 0
    note: str = ""
    models: Sequence[UUID] = ()


async def add_consumable(actor: Actor, new: NewConsumable) -> UUID:
    """Add a consumable; Conflict when its code is in use, Invalid when a model is not known."""
    actor = actor.require_everywhere(Action.EDIT_INVENTORY)
    code = clean_code(new.code)
    values = _checked(code, vars(new), new=True)
    async with transaction(actor.scope) as tx:
        if await tx.fetchval("select 1 from consumables where code = $1", code):
            raise Conflict(N_("There is already a consumable %(code)s."), code=code)
        consumable = new_id()
        made = await tx.fetchrow(
            "insert into consumables (id, code, name, name_en, kind, unit, minimum, note, search, version) "
            "values ($1,$2,$3,$4,$5,$6,$7,$8,$9,1) on conflict (code) do nothing returning *",
            consumable, code, *(values[name] for name in COLUMNS),
        )  # fmt: skip
        if made is None:  # somebody else was first
            raise Conflict(N_("There is already a consumable %(code)s."), code=code)
        models = await _write_models(tx, consumable, new.models)
        after = {**shown(made), "models": models}
        await record(tx, by=actor, action="add", kind="consumable", subject=consumable, name=code, after=after)
        return consumable


async def edit_consumable(actor: Actor, code: str, changes: Mapping[str, Any], *, version: int) -> None:
    """Change a consumable that is still as the caller saw it; `models` replace all that it fitted."""
    actor = actor.require_everywhere(Action.EDIT_INVENTORY)
    refuse_others(changes, EDITABLE)
    async with transaction(actor.scope) as tx:
        before = await _lock(tx, code, version)
        values = _checked(before["code"], dict(before) | dict(changes))
        sets = ", ".join(f"{column} = ${number}" for number, column in enumerate(COLUMNS, start=2))
        after = await tx.fetchrow(
            f"update consumables set {sets}, version = version + 1 where id = $1 returning *",  # noqa: S608 - ours
            before["id"], *(values[name] for name in COLUMNS),
        )  # fmt: skip
        told = differences(before, after)
        if "models" in changes:
            had = await _models(tx, before["id"])
            await tx.execute("delete from consumable_models where consumable = $1", before["id"])
            has = await _write_models(tx, before["id"], changes["models"])
            if had != has:
                told["before"], told["after"] = {**told["before"], "models": had}, {**told["after"], "models": has}
        await record(tx, by=actor, action="edit", kind="consumable", subject=before["id"], name=before["code"], **told)


async def delete_consumable(actor: Actor, code: str, *, version: int) -> None:
    """Remove a consumable that nobody ever kept; Conflict when there is a ledger of it."""
    actor = actor.require_everywhere(Action.EDIT_INVENTORY)
    async with transaction(actor.scope) as tx:
        row = await _lock(tx, code, version)
        if await tx.fetchval("select exists(select from stock where consumable = $1)", row["id"]):
            raise Conflict(N_("There is stock of it, or has been: a ledger stays."))
        before = {**shown(row), "models": await _models(tx, row["id"])}
        await tx.execute("delete from consumables where id = $1", row["id"])
        await record(
            tx, by=actor, action="delete", kind="consumable", subject=row["id"], name=row["code"], before=before
        )


async def keep(actor: Actor, site_code: str, code: str, minimum: int | None) -> UUID:
    """Say that a site keeps a consumable, and how many at least (None: as the consumable says); Conflict when it does."""
    actor = actor.require(Action.EDIT_INVENTORY)
    _check_minimum(minimum)
    async with transaction(actor.scope) as tx:
        site, consumable = await site_of(tx, actor, site_code), await consumable_of(tx, code)
        made = await tx.fetchrow(
            "insert into stock (id, site, consumable, quantity, minimum, version) values ($1,$2,$3,0,$4,1) "
            "on conflict on constraint stock_site_consumable_uq do nothing returning *",
            new_id(), site["id"], consumable["id"], minimum,
        )  # fmt: skip
        if made is None:
            raise Conflict(N_("This site keeps it already."))
        await record(
            tx, by=actor, action="add", kind="stock", subject=made["id"], name=f"{consumable['code']} {site['code']}",
            site=site["id"], after=shown(made),
        )  # fmt: skip
        kept: UUID = made["id"]
        return kept


async def set_minimum(actor: Actor, stock: UUID, minimum: int | None, *, version: int) -> None:
    """Say how many should lie at a site at least (None: as the consumable says)."""
    actor = actor.require(Action.EDIT_INVENTORY)
    _check_minimum(minimum)
    async with transaction(actor.scope) as tx:
        before = await tx.fetchrow("select * from stock where id = $1 for update", stock)
        if before is None or not actor.scope.sees(before["site"]):
            raise NotFound()
        if before["version"] != version:
            raise Stale()
        after = await tx.fetchrow(
            "update stock set minimum = $2, version = version + 1 where id = $1 returning *", stock, minimum
        )
        name = await tx.fetchval(
            "select c.code || ' ' || s.code from consumables c, sites s where c.id = $1 and s.id = $2",
            before["consumable"], before["site"],
        )  # fmt: skip
        await record(
            tx, by=actor, action="edit", kind="stock", subject=stock, name=name, site=before["site"],
            **differences(before, after),
        )  # fmt: skip


async def site_of(tx: Connection, actor: Actor, code: str) -> Any:
    """A site that the actor may see; NotFound, in the same words for others' sites."""
    row = await tx.fetchrow("select id, code, name, open from sites where code = $1", clean_code(code, 20))
    if row is None or not actor.scope.sees(row["id"]):
        raise NotFound(N_("There is no such site."))
    return row


async def consumable_of(tx: Connection, code: str) -> Any:
    """A consumable by its code; NotFound when there is none."""
    row = await tx.fetchrow("select * from consumables where code = $1", clean_code(code))
    if row is None:
        raise NotFound(N_("There is no such consumable."))
    return row


def _checked(code: str, given: Mapping[str, Any], *, new: bool = False) -> dict[str, Any]:
    lengths = {"name": 160, "name_en": 160, "unit": 40, "note": 255}
    values = {name: clean(given[name], length) for name, length in lengths.items()}
    wrong = {name: N_("Please fill this in.") for name in ("name", "unit") if not values[name]}
    if not code:
        wrong["code"] = N_("Please fill this in.")
    elif new and not fits_address(code):
        wrong["code"] = UNADDRESSED
    if given["kind"] not in KINDS:
        wrong["kind"] = N_("Please choose one of the list.")
    if wrong:
        raise Invalid(fields=wrong)
    _check_minimum(given["minimum"])
    search = searchable(code, values["name"], values["name_en"])
    return values | {"kind": given["kind"], "minimum": given["minimum"], "search": search}


def _check_minimum(minimum: int | None) -> None:
    if minimum is not None and not 0 <= minimum <= MINIMUM_MAX:
        raise Invalid(fields={"minimum": N_("A whole number from 0 to 100000.")})


async def _lock(tx: Connection, code: str, version: int) -> Any:
    row = await tx.fetchrow("select * from consumables where code = $1 for update", clean_code(code))
    if row is None:
        raise NotFound()
    if row["version"] != version:
        raise Stale()
    return row


async def _models(tx: Connection, consumable: UUID) -> list[str]:
    rows = await tx.fetch(
        "select m.manufacturer || ' ' || m.name as name from consumable_models cm join asset_models m on m.id = cm.model "
        "where cm.consumable = $1", consumable,
    )  # fmt: skip
    return sorted(row["name"] for row in rows)


async def _write_models(tx: Connection, consumable: UUID, models: Sequence[UUID]) -> list[str]:
    wanted = list(dict.fromkeys(models))
    if len(wanted) > MODELS_MAX:
        raise Invalid(fields={"models": N_("At most 200 models.")})
    known = {row["id"] for row in await tx.fetch("select id from asset_models where id = any($1::uuid[])", wanted)}
    if wrong := {f"models.{number}": NO_MODEL for number, model in enumerate(models) if model not in known}:
        raise Invalid(fields=wrong)
    await tx.executemany(
        "insert into consumable_models (id, consumable, model) values ($1,$2,$3)",
        [(new_id(), consumable, model) for model in wanted],
    )
    return await _models(tx, consumable)
