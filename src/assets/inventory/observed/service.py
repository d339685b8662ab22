"""The verbs for what was seen: note it down, and settle where it differs from what a person wrote."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from assets.access.actor import Actor
from assets.access.permissions import Action
from assets.audit.service import differences, record
from assets.db import Connection, transaction
from assets.errors import Conflict, Invalid, NotFound, Stale
from assets.ids import new_id
from assets.inventory import service as inventory
from assets.inventory.observed import identity
from assets.web.language import N_

VALUE_MAX = 1_000
BULK_MAX = 500
# Which column of an asset an observed key is taken over into; the others stand beside the record only.
# (A model must be there, of the maker that is recorded.)
TAKEN: Mapping[str, str] = {"serial": "serial", "macs": "macs", "addresses": "addresses", "model": "model"}


async def observe(
    tx: Connection, asset: UUID, source: str, values: Mapping[str, Sequence[str]], *, at: datetime, whole: bool = True
) -> None:
    """Note down what a source sees of an asset now; with `whole`, what it sees no longer is forgotten.

    A value that is still the same keeps its beginning and what people said of it. What a person wrote stays untouched.
    """
    rows = [
        (new_id(), key, ", ".join(texts)[:VALUE_MAX], identity.plains(key, texts))
        for key, texts in sorted(values.items())
        if any(texts)
    ]
    await tx.executemany(
        "insert into observed_values as o (id, asset, key, source, value, plain, since, seen_at, version) "
        "values ($1,$2,$3,$4,$5,$6,$7,$7,1) on conflict (asset, key, source) do update set value = excluded.value, "
        "seen_at = excluded.seen_at, plain = excluded.plain, "
        "since = case when o.plain = excluded.plain then o.since else excluded.since end, "
        "kept_at = case when o.plain = excluded.plain then o.kept_at end, "
        "kept_by = case when o.plain = excluded.plain then o.kept_by else '' end, "
        "version = o.version + (o.plain <> excluded.plain)::int",
        [(row, asset, key, source, value, plain, at) for row, key, value, plain in rows],
    )  # fmt: skip
    if whole:
        await tx.execute(
            "delete from observed_values where asset = $1 and source = $2 and key <> all($3::text[])",
            asset, source, [key for _, key, _, _ in rows],
        )  # fmt: skip


class Choice(StrEnum):
    """How a difference is settled."""

    TAKE = "take"  # the record shall say what was seen
    KEEP = "keep"  # the record is right; until something else is seen


@dataclass(frozen=True)
class Chosen:
    """A difference and the version in which somebody saw it: that of the value and that of the asset, added up."""

    difference: UUID
    version: int


async def settle(actor: Actor, choice: Choice, chosen: Sequence[Chosen], *, why: str = "", now: datetime) -> int:
    """Settle some differences, all or none; Stale when one of them is not as it was seen any more."""
    actor = actor.require(Action.EDIT_INVENTORY)
    wanted = {one.difference: one.version for one in chosen}
    if not 1 <= len(wanted) <= BULK_MAX:
        raise Invalid(fields={"differences": f"1 to {BULK_MAX} of them"})
    async with transaction(actor.scope) as tx:
        # Assets before their values, in one order: whoever comes at the same time waits and is not waited for.
        await tx.execute(
            "select from assets where id in (select asset from observed_values where id = any($1)) order by id for update",
            list(wanted),
        )
        rows = await tx.fetch(
            "select o.*, a.tag, a.site, a.version as asset_version from observed_values o join assets a on a.id = o.asset "
            "where o.id = any($1) order by o.asset, o.key for update of o", list(wanted),
        )  # fmt: skip
        if len(rows) != len(wanted) or not all(actor.scope.sees(row["site"]) for row in rows):
            raise NotFound()
        if any(row["version"] + row["asset_version"] != wanted[row["id"]] for row in rows):
            raise Stale()
        if choice is Choice.KEEP:
            for row in rows:
                await _keep(tx, actor, row, why, now)
        else:
            await _take(actor, rows, now)
        return len(rows)


async def _keep(tx: Connection, actor: Actor, row: Any, why: str, now: datetime) -> None:
    after = await tx.fetchrow(
        "update observed_values set kept_at = $2, kept_by = $3, version = version + 1 where id = $1 returning *",
        row["id"], now, actor.name,
    )  # fmt: skip
    before = {name: row[name] for name in after.keys()}  # noqa: SIM118 - a Record iterates over its values
    await record(
        tx, by=actor, action="keep", kind="observed_value", subject=row["id"], name=f"{row['tag']} {row['key']}",
        site=row["site"], reason=why, **differences(before, after),
    )  # fmt: skip


async def _take(actor: Actor, rows: Sequence[Any], now: datetime) -> None:
    changes: dict[tuple[str, int], dict[str, Any]] = {}
    for row in rows:
        column = TAKEN.get(row["key"])
        if column is None:
            raise Conflict(
                N_("Only some values can be taken over; keep the record, or change it by hand."), key=row["key"]
            )
        said = changes.setdefault((row["tag"], row["asset_version"]), {})
        if said.setdefault(column, taken(row["key"], row["value"])) != taken(row["key"], row["value"]):
            raise Conflict(N_("Two sources saw different values; take one of them."), key=row["key"])
    for (tag, version), columns in changes.items():
        await inventory.edit(actor, tag, columns, version=version, now=now)


def taken(key: str, value: str) -> Any:
    """An observed value as the record has it."""
    return value.split(", ") if key in ("macs", "addresses") else value
