"""The verbs for the province's own categories and fields: what assets have beside what everybody's have."""

import re
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
from assets.inventory.values import Type
from assets.text import clean

KINDS = (Type.TEXT, Type.INTEGER, Type.MONEY, Type.DATE, Type.BOOLEAN, Type.CHOICE)
CHOICES_MAX = 60
FIELDS_MAX = 200
_CODE = re.compile("[a-z][a-z0-9_]{0,39}")
_CATEGORY = re.compile("[a-z][a-z0-9-]{0,39}")
SERVES = ("", "computer", "printer", "network")


@dataclass(frozen=True)
class NewField:
    """A field to add; without a category all assets have it."""

    code: str
    name: str
    kind: Type
    category: str = ""
    name_en: str = ""
    choices: Sequence[str] = ()
    required: bool = False
    sort: int = 0


async def add_field(actor: Actor, new: NewField) -> UUID:
    """Add a field; Conflict when its code is or was in use, Invalid when it cannot be one."""
    actor = actor.require_everywhere(Action.EDIT_INVENTORY)
    if not _CODE.fullmatch(new.code):
        raise Invalid(fields={"code": "Small letters, digits and _, beginning with a letter."})
    choices = _choices(new.kind, new.choices)
    async with transaction(actor.scope) as tx:
        if await tx.fetchval("select 1 from custom_fields where code = $1", new.code):
            raise Conflict(f"There is already a field {new.code}.")
        if await tx.fetchval("select count(*) from custom_fields") >= FIELDS_MAX:
            raise Conflict(f"There are {FIELDS_MAX} fields already.")
        made = await tx.fetchrow(
            "insert into custom_fields (id, code, category, name, name_en, kind, choices, required, deprecated, sort, version) "
            "values ($1,$2,$3,$4,$5,$6,$7,$8,false,$9,1) returning *",
            new_id(), new.code, await _category(tx, new.category), _name(new.name), clean(new.name_en, 120), new.kind,
            choices, new.required, new.sort,
        )  # fmt: skip
        await record(
            tx, by=actor, action="add", kind="custom_field", subject=made["id"], name=new.code, after=shown(made)
        )
        found: UUID = made["id"]
        return found


async def edit_field(actor: Actor, field: UUID, changes: Mapping[str, Any], *, version: int) -> None:
    """Change what a field is called, its choices, whether it must be filled in or is used at all.

    What it holds stays what it was: values that are there must go on meaning something. So a choice that an asset has
    cannot be taken away (Conflict).
    """
    actor = actor.require_everywhere(Action.EDIT_INVENTORY)
    async with transaction(actor.scope) as tx:
        before = await tx.fetchrow("select * from custom_fields where id = $1 for update", field)
        if before is None:
            raise NotFound()
        if before["version"] != version:
            raise Stale()
        values = dict(changes)
        if "name" in values:
            values["name"] = _name(values["name"])
        if "name_en" in values:
            values["name_en"] = clean(values["name_en"], 120)
        if "choices" in values:
            values["choices"] = _choices(Type(before["kind"]), values["choices"])
            await _refuse_used_choices(tx, before, values["choices"])
        names = sorted(values)
        sets = "".join(f", {name} = ${i}" for i, name in enumerate(names, start=2))
        after = await tx.fetchrow(
            f"update custom_fields set version = version + 1{sets} where id = $1 returning *",  # noqa: S608 - fields of ours
            field, *(values[name] for name in names),
        )  # fmt: skip
        await record(
            tx, by=actor, action="edit", kind="custom_field", subject=field, name=before["code"],
            **differences(before, after),
        )  # fmt: skip


async def _refuse_used_choices(tx: Connection, before: Any, choices: Sequence[str]) -> None:
    gone = [one for one in before["choices"] if one not in choices]
    used = await tx.fetchval(
        "select custom ->> $1 from assets where custom ->> $1 = any($2) limit 1", before["code"], gone
    )
    if used is not None:
        raise Conflict(f"An asset has the choice {used}.")


def _name(text: str) -> str:
    name = clean(text, 120)
    if not name:
        raise Invalid(fields={"name": "missing"})
    return name


def _choices(kind: Type, given: Sequence[str]) -> list[str]:
    choices = list(dict.fromkeys(one for text in given if (one := clean(text, 80))))
    if (kind is Type.CHOICE) != bool(choices):
        raise Invalid(fields={"choices": "A choice has some, and nothing else has."})
    if len(choices) > CHOICES_MAX:
        raise Invalid(fields={"choices": f"At most {CHOICES_MAX}."})
    return choices


async def _category(tx: Connection, code: str) -> UUID | None:
    if not code:
        return None
    found: UUID | None = await tx.fetchval("select id from asset_categories where code = $1", code)
    if found is None:
        raise Invalid(fields={"category": "there is no such category"})
    return found


@dataclass(frozen=True)
class NewCategory:
    """A kind of equipment to add; `serves` is the need of a centre that it meets."""

    code: str
    name: str
    name_en: str = ""
    serves: str = ""
    sort: int = 1000


async def add_category(actor: Actor, new: NewCategory) -> UUID:
    """Add a kind of equipment; Conflict when its code is in use."""
    actor = actor.require_everywhere(Action.EDIT_INVENTORY)
    if not _CATEGORY.fullmatch(new.code):
        raise Invalid(fields={"code": "Small letters, digits and -, beginning with a letter."})
    async with transaction(actor.scope) as tx:
        if await tx.fetchval("select 1 from asset_categories where code = $1", new.code):
            raise Conflict(f"There is already a category {new.code}.")
        made = await tx.fetchrow(
            "insert into asset_categories (id, code, name, name_en, serves, sort, version) values ($1,$2,$3,$4,$5,$6,1) "
            "returning *", new_id(), new.code, _name(new.name), clean(new.name_en, 120), new.serves, new.sort,
        )  # fmt: skip
        await record(
            tx, by=actor, action="add", kind="asset_category", subject=made["id"], name=new.code, after=shown(made)
        )
        found: UUID = made["id"]
        return found


async def edit_category(actor: Actor, category: UUID, changes: Mapping[str, Any], *, version: int) -> None:
    """Change a kind of equipment that is still as the caller saw it; its code stays."""
    actor = actor.require_everywhere(Action.EDIT_INVENTORY)
    async with transaction(actor.scope) as tx:
        before = await tx.fetchrow("select * from asset_categories where id = $1 for update", category)
        if before is None:
            raise NotFound()
        if before["version"] != version:
            raise Stale()
        values = {n: clean(v, 120) if isinstance(v, str) else v for n, v in changes.items()}
        if "name" in values:
            values["name"] = _name(values["name"])
        names = sorted(values)
        sets = "".join(f", {name} = ${i}" for i, name in enumerate(names, start=2))
        after = await tx.fetchrow(
            f"update asset_categories set version = version + 1{sets} where id = $1 returning *",  # noqa: S608 - as above
            category, *(values[name] for name in names),
        )  # fmt: skip
        await record(
            tx, by=actor, action="edit", kind="asset_category", subject=category, name=before["code"],
            **differences(before, after),
        )  # fmt: skip
