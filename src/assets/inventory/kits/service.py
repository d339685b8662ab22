"""The verbs for kits: the province writes down what a kind of centre should have."""

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
from assets.inventory.kits.allowance import Per, What
from assets.inventory.values import UNADDRESSED, fits_address
from assets.text import clean
from assets.web.changes import refuse_others
from assets.web.language import N_

SITE_KINDS = ("centre", "reception_point", "store")
UNIT_KINDS = ("commune", "ward", "special_zone")
CAPABILITIES = ("account", "authority", "token", "seal", "training", "manual")
LINKS = ("dedicated", "fibre", "mobile", "satellite")
LINES_MAX = 100
QUANTITY_MAX = 10_000
EDITABLE = frozenset({"name", "name_en", "is_example", "source", "lines"})
THERE_IS_NONE = N_("There is no such thing.")


@dataclass(frozen=True)
class NewLine:
    """`quantity` for every `every` of `per`, of what `what` and `code` say: a category, an application, a kind."""

    what: What
    code: str
    quantity: int = 1
    per: Per = Per.SITE
    every: int = 1
    note: str = ""


@dataclass(frozen=True)
class NewKit:
    """A kit for sites of a kind, in units of a kind (empty: any; the kit that names the unit's kind goes before)."""

    code: str
    name: str
    site_kind: str
    unit_kind: str = ""
    name_en: str = ""
    is_example: bool = False
    source: str = ""
    lines: Sequence[NewLine] = ()


async def add_kit(actor: Actor, new: NewKit) -> UUID:
    """Add a kit; Conflict when its code is in use or there is one for the same sites, Invalid when a line is none."""
    actor = actor.require_everywhere(Action.EDIT_INVENTORY)
    code = clean(new.code, 40).lower()
    if not code or not clean(new.name, 160):
        raise Invalid(fields={"code" if not code else "name": N_("Please fill this in.")})
    if not fits_address(code):
        raise Invalid(fields={"code": UNADDRESSED})
    async with transaction(actor.scope) as tx:
        await tx.execute("lock table kits in share row exclusive mode")  # two at once are told apart
        if await tx.fetchval("select 1 from kits where code = $1", code):
            raise Conflict(N_("There is already a kit %(code)s."), code=code)
        if await tx.fetchval(
            "select 1 from kits where site_kind = $1 and unit_kind = $2", new.site_kind, new.unit_kind
        ):
            raise Conflict(N_("There is already a kit for sites of this kind."))
        kit = new_id()
        made = await tx.fetchrow(
            "insert into kits (id, code, name, name_en, site_kind, unit_kind, is_example, source, version) "
            "values ($1,$2,$3,$4,$5,$6,$7,$8,1) returning *",
            kit, code, clean(new.name, 160), clean(new.name_en, 160), new.site_kind, new.unit_kind, new.is_example,
            clean(new.source),
        )  # fmt: skip
        lines = await _write_lines(tx, kit, new.lines)
        await record(
            tx, by=actor, action="add", kind="kit", subject=kit, name=code, after={**shown(made), "lines": lines}
        )
        return kit


async def edit_kit(actor: Actor, code: str, changes: Mapping[str, Any], *, version: int) -> None:
    """Change a kit that is still as the caller saw it; `lines` replace all that it had."""
    actor = actor.require_everywhere(Action.EDIT_INVENTORY)
    refuse_others(changes, EDITABLE)
    async with transaction(actor.scope) as tx:
        before = await _lock(tx, code, version)
        new = dict(before) | {name: value for name, value in changes.items() if name != "lines"}
        if not clean(new["name"], 160):
            raise Invalid(fields={"name": N_("Please fill this in.")})
        after = await tx.fetchrow(
            "update kits set name = $2, name_en = $3, is_example = $4, source = $5, version = version + 1 where id = $1 "
            "returning *", before["id"], clean(new["name"], 160), clean(new["name_en"], 160), new["is_example"],
            clean(new["source"]),
        )  # fmt: skip
        told = differences(before, after)
        if "lines" in changes:
            had = await _lines(tx, before["id"])
            await tx.execute("delete from kit_lines where kit = $1", before["id"])
            has = await _write_lines(tx, before["id"], changes["lines"])
            if had != has:
                told["before"], told["after"] = {**told["before"], "lines": had}, {**told["after"], "lines": has}
        await record(tx, by=actor, action="edit", kind="kit", subject=before["id"], name=before["code"], **told)


async def delete_kit(actor: Actor, code: str, *, version: int) -> None:
    """Remove a kit with its lines; the audit trail keeps them."""
    actor = actor.require_everywhere(Action.EDIT_INVENTORY)
    async with transaction(actor.scope) as tx:
        row = await _lock(tx, code, version)
        lines = await _lines(tx, row["id"])
        await tx.execute("delete from kits where id = $1", row["id"])
        await record(
            tx, by=actor, action="delete", kind="kit", subject=row["id"], name=row["code"],
            before={**shown(row), "lines": lines},
        )  # fmt: skip


async def _lock(tx: Connection, code: str, version: int) -> Any:
    row = await tx.fetchrow("select * from kits where code = $1 for update", clean(code, 40).lower())
    if row is None:
        raise NotFound()
    if row["version"] != version:
        raise Stale()
    return row


async def _lines(tx: Connection, kit: UUID) -> list[dict[str, object]]:
    rows = await tx.fetch(
        "select l.what, coalesce(c.code, p.code, l.code) as code, l.quantity, l.per, l.every, l.note from kit_lines l "
        "left join asset_categories c on c.id = l.category left join applications p on p.id = l.application "
        "where l.kit = $1 order by l.position", kit,
    )  # fmt: skip
    return [dict(row) for row in rows]


async def _write_lines(tx: Connection, kit: UUID, lines: Sequence[NewLine]) -> list[dict[str, object]]:
    if len(lines) > LINES_MAX:
        raise Invalid(fields={"lines": N_("At most 100 lines.")})
    rows, wrong, named = [], dict[str, str](), set[tuple[What, str]]()
    for number, line in enumerate(lines):
        category, application, fault = await _found(tx, line)
        if (line.what, line.code) in named:
            fault = fault or N_("This stands in another line already.")
        named.add((line.what, line.code))
        if fault:
            wrong[f"lines.{number}.code"] = fault
        if line.per not in (Per.SITE, Per.COUNTER, Per.PERSON):
            wrong[f"lines.{number}.per"] = N_("Please choose one of the list.")
        for name, value in (("quantity", line.quantity), ("every", line.every)):
            if not 1 <= value <= QUANTITY_MAX:
                wrong[f"lines.{number}.{name}"] = N_("A whole number from 1 to 10000.")
        code = "" if category or application else line.code
        rows.append((
            new_id(), kit, number + 1, line.what, category, application, code, line.quantity, line.per, line.every,
            clean(line.note),
        ))  # fmt: skip
    if wrong:
        raise Invalid(fields=wrong)
    await tx.executemany(
        "insert into kit_lines (id, kit, position, what, category, application, code, quantity, per, every, note) "
        "values ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11)", rows,
    )  # fmt: skip
    return await _lines(tx, kit)


async def _found(tx: Connection, line: NewLine) -> tuple[UUID | None, UUID | None, str]:
    """The category or the application that a line means, and what is wrong with its code."""
    if line.what is What.CATEGORY:
        category = await tx.fetchval("select id from asset_categories where code = $1", line.code)
        return category, None, "" if category else THERE_IS_NONE
    if line.what is What.APPLICATION:
        application = await tx.fetchval("select id from applications where code = $1", line.code)
        return None, application, "" if application else THERE_IS_NONE
    known = CAPABILITIES if line.what is What.CAPABILITY else LINKS
    return None, None, "" if line.code in known else THERE_IS_NONE
