"""The verbs for the pictures to tap: the province says what can be wrong with which equipment."""

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
from assets.incidents.faults.fitting import FAMILIES, KINDS, OTHER, PICTURES
from assets.text import clean
from assets.web.changes import refuse_others
from assets.web.language import N_

NAME_MAX = 60
FITTING_MAX = 40
KINDS_MAX = 200
POSITION_MAX = 10_000
SEVERITIES = ("critical", "warning")
EDITABLE = frozenset({"name", "name_en", "picture", "categories", "families", "severity", "position", "active"})
_CODE = re.compile("[a-z][a-z0-9-]{0,39}")


@dataclass(frozen=True)
class NewFaultKind:
    """A fault to offer for the assets of these categories and families, and how loudly it is told."""

    code: str
    name: str
    name_en: str = ""
    picture: str = OTHER
    categories: Sequence[str] = ()
    families: Sequence[str] = ()
    severity: str = "critical"
    position: int = 1000
    active: bool = True


async def add_default_kinds(actor: Actor) -> int:
    """The shipped faults, where there are none at all; answers how many were added."""
    async with transaction(actor.scope) as tx:
        if await tx.fetchval("select exists(select 1 from fault_kinds)"):
            return 0
        for number, kind in enumerate(KINDS, start=1):
            await _insert(tx, actor, NewFaultKind(**vars(kind), position=number * 10))
        return len(KINDS)


async def add_kind(actor: Actor, new: NewFaultKind) -> UUID:
    """Add a fault; Conflict when its code is in use, Invalid when it cannot be one."""
    actor = actor.require_everywhere(Action.EDIT_INVENTORY)
    if not _CODE.fullmatch(new.code) or new.code == OTHER:
        raise Invalid(fields={"code": N_("Small letters, digits and -, beginning with a letter.")})
    async with transaction(actor.scope) as tx:
        await tx.execute("select pg_advisory_xact_lock(hashtextextended('fault kinds', 0))")
        if await tx.fetchval("select 1 from fault_kinds where code = $1", new.code):
            raise Conflict(N_("The code %(code)s is in use already."), code=new.code)
        if await tx.fetchval("select count(*) from fault_kinds") >= KINDS_MAX:
            raise Conflict(N_("There are as many faults as there can be."))
        values = await _checked(tx, {name: value for name, value in vars(new).items() if name != "code"})
        return await _insert(tx, actor, NewFaultKind(code=new.code, **values))


async def _insert(tx: Connection, actor: Actor, new: NewFaultKind) -> UUID:
    made = await tx.fetchrow(
        "insert into fault_kinds (id, code, name, name_en, picture, categories, families, severity, position, active, version) "
        "values ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,1) returning *",
        new_id(), new.code, new.name, new.name_en, new.picture, list(new.categories), list(new.families), new.severity,
        new.position, new.active,
    )  # fmt: skip
    assert made is not None
    await record(tx, by=actor, action="add", kind="fault_kind", subject=made["id"], name=new.code, after=shown(made))
    found: UUID = made["id"]
    return found


async def edit_kind(actor: Actor, code: str, changes: Mapping[str, Any], *, version: int) -> None:
    """Change a fault that is still as the caller saw it; its code is what reports know and stays."""
    actor = actor.require_everywhere(Action.EDIT_INVENTORY)
    refuse_others(changes, EDITABLE)
    async with transaction(actor.scope) as tx:
        before = await tx.fetchrow("select * from fault_kinds where code = $1 for update", clean(code, 40))
        if before is None:
            raise NotFound()
        if before["version"] != version:
            raise Stale()
        values = await _checked(tx, {name: before[name] for name in EDITABLE} | dict(changes))
        after = await tx.fetchrow(
            "update fault_kinds set name = $2, name_en = $3, picture = $4, categories = $5, families = $6, severity = $7, "
            "position = $8, active = $9, version = version + 1 where id = $1 returning *",
            before["id"], *(values[name] for name in ("name", "name_en", "picture", "categories", "families", "severity",
                                                      "position", "active")),
        )  # fmt: skip
        await record(
            tx, by=actor, action="edit", kind="fault_kind", subject=before["id"], name=before["code"],
            **differences(before, after),
        )  # fmt: skip


async def _checked(tx: Connection, given: Mapping[str, Any]) -> dict[str, Any]:
    """The values as they are kept; Invalid names each that cannot be."""
    values = dict(given)
    values |= {"name": clean(given["name"], NAME_MAX), "name_en": clean(given["name_en"], NAME_MAX)}
    values["categories"] = list(dict.fromkeys(clean(code, 40) for code in given["categories"]))
    values["families"] = list(dict.fromkeys(given["families"]))
    wrong: dict[str, str] = {}
    if not values["name"]:
        wrong["name"] = N_("Please fill this in.")
    if values["picture"] not in PICTURES:
        wrong["picture"] = N_("Please choose one of the list.")
    if values["severity"] not in SEVERITIES:
        wrong["severity"] = N_("Please choose one of the list.")
    if not 0 <= values["position"] <= POSITION_MAX:
        wrong["position"] = N_("A whole number from 0 to 10,000.")
    if not set(values["families"]) <= set(FAMILIES):
        wrong["families"] = N_("Please choose one of the list.")
    known = await tx.fetchval("select count(*) from asset_categories where code = any($1)", values["categories"])
    if known != len(values["categories"]) or len(values["categories"]) > FITTING_MAX:
        wrong["categories"] = N_("Please choose one of the list.")
    if wrong:
        raise Invalid(fields=wrong)
    return values
