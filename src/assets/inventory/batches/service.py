"""The verbs of batches: plan, apply, undo. All or nothing, and nothing twice."""

import hashlib
import json
import pickle
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import starmap
from tempfile import TemporaryFile
from typing import IO, Any
from uuid import UUID

import anyio

from assets import heap
from assets.access.actor import Actor
from assets.access.permissions import Action
from assets.audit.service import record
from assets.db import Connection, transaction
from assets.errors import Conflict, Invalid, NotAllowed, NotFound, Stale
from assets.ids import new_id
from assets.inventory.batches.apart import Head, tables
from assets.inventory.batches.headings import OWN, VERSION, columns
from assets.inventory.batches.planning import (
    AS_READ,
    AS_WRITTEN,
    Earlier,
    Emptiness,
    NewModel,
    Options,
    Outcome,
    Planned,
    Wanted,
    plan,
)
from assets.inventory.batches.reading import Sheet, Unreadable
from assets.inventory.batches.world import described, look
from assets.inventory.batches.writing import BLOCK, add_models, take_back, take_back_models, write
from assets.inventory.kinds import CUSTOM, KINDS, MODELS, Kind
from assets.inventory.values import plain
from assets.phrases import Phrase
from assets.text import clean
from assets.web import words
from assets.web.language import N_, translate

KEYS_MAX = 50  # of what was touched since that are named
ROWS_MAX = 50_000
AUDITED = "batch"


@dataclass(frozen=True)
class Applied:
    """What became of the rows of a batch that was applied at once."""

    number: int
    counts: Mapping[str, int]


def kind_for(actor: Actor, resource: str) -> Kind:
    """The kind of a resource that this person may change; Invalid when it cannot be changed by rows."""
    kind = KINDS.get(resource)
    if kind is None:
        raise Invalid(fields={"resource": f"One of: {', '.join(KINDS)}."})
    if not kind.site and not actor.scope.everything:
        raise NotAllowed()
    return kind


async def plan_file(
    actor: Actor, resource: str, content: bytes, name: str, *, options: Options = AS_READ, now: datetime
) -> int:
    """Plan the import of a file; answers the number of the batch. Nothing is changed yet."""
    actor = actor.require(Action.EDIT_INVENTORY)
    _allow(actor, resource, options)
    digest = hashlib.sha256(content).hexdigest()
    with closing(await tables(content)) as found:
        async with transaction(actor.scope) as tx:
            kind, own = await described(tx, resource)
            headings = []
            lists: dict[int, Sequence[str | None]] = {}
            for at, head in enumerate(found.heads):
                fields, unknown = columns(kind, head.headings, own)
                if any(name in fields for name in kind.key):
                    headings.append({"sheet": head.name, "columns": fields, "unknown": unknown, "font": head.font})
                    lists[at] = fields
                elif len(found.heads) == 1:  # else it is a sheet of notes beside the list
                    raise _without_key(kind, head)
            count = sum(found.heads[at].count for at in lists)
            if not count:
                raise Unreadable(N_("There is no row in it."))
            if count > ROWS_MAX:
                raise Unreadable(N_("The file has more than %(rows)s rows."), rows=ROWS_MAX)
            pieces = (_wanted(sheet, lists[at]) for at, sheet in found.pieces() if at in lists)
            return await _keep(tx, actor, resource, "file", clean(name), digest, headings, pieces, options, now)


def _allow(actor: Actor, resource: str, options: Options) -> None:
    kind_for(actor, resource)
    if options.add_models:
        kind_for(actor, MODELS.resource)  # the catalogue of models is the province's


def _without_key(kind: Kind, sheet: Head) -> Unreadable:
    found = ", ".join(heading for heading in sheet.headings if heading)[:200]
    wanted = ", ".join(f"{translate('vi', words.field(kind.resource, name))} ({name})" for name in kind.key)
    return Unreadable(
        N_("The file lacks the column that tells one row from another: %(wanted)s. Its columns are: %(found)s."),
        wanted=wanted, found=found,
    )  # fmt: skip


def _wanted(sheet: Sheet, fields: Sequence[str | None]) -> list[Wanted]:
    rows = []
    for number, cells in sheet.rows:
        said: dict[str, object] = {name: cell for name, cell in zip(fields, cells, strict=False) if name is not None}
        version = said.pop(VERSION, None)
        said |= _unfolded(said.pop(OWN, None))
        odd = [
            frozenset(name for column, name in enumerate(fields) if name is not None and (number, column) in places)
            for places in (sheet.formulas, sheet.inexact)
        ]
        rows.append(Wanted(said, sheet.name, number, _version(version), None, *odd))
    return rows


def _unfolded(cell: object) -> dict[str, object]:
    """The province's own fields of an exported list, which has all of them in one cell."""
    try:
        found = json.loads(str(cell or "{}"))
    except ValueError:
        found = None
    if not isinstance(found, dict):
        return {}
    return {CUSTOM + code: value for code, value in found.items()}


def _version(cell: object) -> int | None:
    text = str(cell or "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else None


async def plan_rows(
    actor: Actor, resource: str, rows: Sequence[Wanted], *, title: str = "",
    options: Options = AS_WRITTEN, now: datetime, apply_at_once: bool = False,
) -> int:  # fmt: skip
    """Plan changes of many things at once, and do them if asked to; answers the number of the batch.

    Invalid when a row is refused that should be done at once: then there is no batch either.
    """
    actor = actor.require(Action.EDIT_INVENTORY)
    _allow(actor, resource, options)
    if not rows:
        raise Invalid(fields={"rows": "There is no row to change."})
    if len(rows) > ROWS_MAX:
        raise Invalid(fields={"rows": f"At most {ROWS_MAX} rows."})
    async with transaction(actor.scope) as tx:
        pieces = (rows[start : start + BLOCK] for start in range(0, len(rows), BLOCK))
        number = await _keep(tx, actor, resource, "edit", clean(title), "", [], pieces, options, now)
        if apply_at_once:
            await _refuse_refused(tx, number)
            await apply(actor, number, now=now)
        return number


async def _refuse_refused(tx: Connection, number: int) -> None:
    rows = await tx.fetch(
        "select r.row, r.faults from batch_rows r join batches b on b.id = r.batch where b.number = $1 "
        "and r.action = 'refused' order by r.position limit 20", number,
    )  # fmt: skip
    if rows:
        raise Invalid(fields={
            f"rows.{row['row'] - 1}.{name}": Phrase(text, params).english()
            for row in rows for name, text, params in json.loads(row["faults"])
        })  # fmt: skip


async def _keep(
    tx: Connection, actor: Actor, resource: str, source: str, title: str, digest: str, headings: list[Any],
    pieces: Iterator[Sequence[Wanted]], options: Options, now: datetime,
) -> int:  # fmt: skip
    batch = new_id()
    made = await tx.fetchrow(
        "insert into batches (id, number, resource, source, title, digest, state, counts, headings, sites, made_by, "
        "made_by_name, made_at) values ($1, nextval('batch_numbers'), $2, $3, $4, $5, 'planned', '{}', $6, $7, $8, $9, $10) "
        "returning number",
        batch, resource, source, title, digest, json.dumps(headings),
        [] if actor.scope.everything else list(actor.scope.sites), actor.id, actor.name, now,
    )  # fmt: skip
    number: int = made["number"]
    planner, found = await _planner(tx, actor, resource, options, now=now), Summary()
    while rows := await anyio.to_thread.run_sync(next, pieces, None):
        planned = await planner(rows)
        await _store(tx, batch, planned, found.rows)
        found.add(planned)
    await _keep_counts(tx, batch, found.kept(options))
    await record(
        tx, by=actor, action="plan_batch", kind=AUDITED, subject=batch, name=shown_number(number), site=actor.home_site,
        after={"resource": resource, "title": title, "counts": found.counts},
    )  # fmt: skip
    heap.give_back()
    return number


def shown_number(number: int) -> str:
    """A batch as people call it."""
    return f"#{number}"


async def _planner(
    tx: Connection, actor: Actor, resource: str, options: Options, *, now: datetime, lock: bool = False
) -> Callable[[Sequence[Wanted]], Awaitable[list[Planned]]]:
    """What plans the rows of a batch, some at a time, so that never all of them are in memory."""
    kind, own = await described(tx, resource)
    earlier = Earlier()

    async def planned(rows: Sequence[Wanted]) -> list[Planned]:
        world = await look(tx, actor, kind, own, rows, now=now, lock=lock)
        return await anyio.to_thread.run_sync(partial(plan, kind, rows, world, options, earlier=earlier))

    return planned


class Summary:
    """What a plan comes to: how many rows have which outcome, and which models they need that nobody has."""

    def __init__(self) -> None:
        self._outcomes: Counter[Outcome] = Counter()
        self.models: dict[NewModel, None] = {}

    def add(self, planned: Iterable[Planned]) -> None:
        """Count some rows more."""
        for row in planned:
            self._outcomes[row.outcome] += 1
            if row.new_model:
                self.models[row.new_model] = None

    @property
    def rows(self) -> int:
        """How many rows there were."""
        return self._outcomes.total()

    @property
    def counts(self) -> dict[str, int]:
        """Rows by their outcome."""
        return {outcome.value: self._outcomes[outcome] for outcome in Outcome}

    def kept(self, options: Options) -> dict[str, Any]:
        """What a batch keeps of its plan as a whole, beside its rows."""
        return {
            **self.counts, "empty": options.empty, "add_models": options.add_models, "models": list(self.models),
        }  # fmt: skip


async def _keep_counts(tx: Connection, batch: UUID, counts: Mapping[str, Any]) -> None:
    await tx.execute("update batches set counts = $2 where id = $1", batch, json.dumps(counts))


def _options(kept: Mapping[str, Any]) -> Options:
    return Options(Emptiness(kept["empty"]), kept.get("add_models", False))


_ROW = (
    "id", "batch", "position", "sheet", "row", "action", "key", "subject", "subject_version", "wanted", "changes", "faults",
)  # fmt: skip


async def _store(tx: Connection, batch: UUID, planned: Sequence[Planned], start: int) -> None:
    await tx.executemany(
        f"insert into batch_rows ({', '.join(_ROW)}) values ({', '.join(f'${i}' for i in range(1, len(_ROW) + 1))})",  # noqa: S608
        (_row(batch, position, row) for position, row in enumerate(planned, start)),
    )


def _row(batch: UUID, position: int, row: Planned) -> tuple[Any, ...]:
    wanted = {
        "cells": {name: plain(cell) for name, cell in row.wanted.cells.items()},
        "version": row.wanted.version, "formulas": sorted(row.wanted.formulas), "inexact": sorted(row.wanted.inexact),
        "id": str(row.wanted.id) if row.wanted.id else None,
    }  # fmt: skip
    present = row.present
    return (
        new_id(), batch, position, row.wanted.sheet[:120], row.wanted.row, row.outcome, row.key[:255],
        present.id if present else None, present.version if present else None, _json(wanted), changes_json(row),
        _json([[fault.name, fault.reason.text, dict(fault.reason.params)] for fault in row.faults]),
    )  # fmt: skip


def changes_json(row: Planned) -> str:
    """What a row changes, as JSON: before and after by the names of fields."""
    return _json({name: [plain(before), plain(after)] for name, (before, after) in row.changes.items()})


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)


async def _locked(tx: Connection, actor: Actor, number: int, state: str) -> Any:
    row = await tx.fetchrow("select * from batches where number = $1 for update", number)
    if row is None:
        raise NotFound()
    kind_for(actor, row["resource"])
    if row["state"] != state:
        raise Conflict(
            N_("It is not to be undone: it was not applied, or is undone already.") if state == "applied"
            else N_("It was applied already."), state=row["state"],
        )  # fmt: skip
    return row


async def apply(actor: Actor, number: int, *, now: datetime) -> Applied:
    """Do what a batch planned, all of it; Conflict when a row is refused or the plan is not the same any more.

    Then nothing has been changed, and the plan is renewed for whoever looks at it next.
    """
    actor = actor.require(Action.EDIT_INVENTORY)
    async with transaction(actor.scope) as tx:
        with TemporaryFile() as spool:
            batch = await _locked(tx, actor, number, "planned")
            options = _options(json.loads(batch["counts"]))
            found, same = await _planned_again(tx, actor, batch, options, spool, now)
            if not same:
                await _renew(tx, batch["id"], found, options, spool)
            elif found.counts[Outcome.REFUSED]:
                raise Conflict(
                    N_("Some rows are refused; all or nothing is changed."), refused=found.counts[Outcome.REFUSED]
                )
            else:
                await _do(tx, actor, batch, found, options, spool, now)
    heap.give_back()
    if not same:
        raise Stale(N_("The register has changed since this was planned; look at the plan again."))
    return Applied(number, found.counts)


async def _planned_again(
    tx: Connection, actor: Actor, batch: Any, options: Options, spool: IO[bytes], now: datetime
) -> tuple[Summary, bool]:
    """Plan a batch anew, with what it may change locked, and whether it still means the same; the rows go to `spool`."""
    planner = await _planner(tx, actor, batch["resource"], options, now=now, lock=True)
    found, same = Summary(), True
    stored = await tx.cursor("select * from batch_rows where batch = $1 order by position", batch["id"])
    while rows := await stored.fetch(BLOCK):
        planned = await planner([_restored(row) for row in rows])
        same = same and all(starmap(_means_the_same, zip(rows, planned, strict=True)))
        found.add(planned)
        await anyio.to_thread.run_sync(pickle.dump, ([row["id"] for row in rows], planned), spool)
    spool.seek(0)
    return found, same


def _spooled(spool: IO[bytes]) -> Iterator[tuple[list[UUID], list[Planned]]]:
    while True:
        try:
            yield pickle.load(spool)  # noqa: S301 - a file of ours that has no name
        except EOFError:
            return


def _means_the_same(stored: Any, planned: Planned) -> bool:
    # By the meaning of what is changed: PostgreSQL keeps JSON in an order of its own.
    return stored["action"] == planned.outcome and _sorted(stored["changes"]) == changes_json(planned)


def _sorted(text: str) -> str:
    return _json(json.loads(text))


async def _renew(tx: Connection, batch: UUID, found: Summary, options: Options, spool: IO[bytes]) -> None:
    await tx.execute("delete from batch_rows where batch = $1", batch)
    start = 0
    for _, planned in _spooled(spool):
        await _store(tx, batch, planned, start)
        start += len(planned)
    await _keep_counts(tx, batch, found.kept(options))


async def _do(
    tx: Connection, actor: Actor, batch: Any, found: Summary, options: Options, spool: IO[bytes], now: datetime
) -> None:
    kind, _ = await described(tx, batch["resource"])
    name = shown_number(batch["number"])
    models = await add_models(tx, actor, found.models, now=now)
    for ids, planned in _spooled(spool):
        written = await write(tx, actor, kind, planned, now=now, reason=f"{name} {batch['title']}".strip())
        await tx.executemany(
            "update batch_rows set subject = $2, subject_version = $3 where id = $1",
            [(ids[place], thing, version) for place, (thing, version) in written.items()],
        )
    await tx.execute("update batches set state = 'applied', applied_at = $2 where id = $1", batch["id"], now)
    await _keep_counts(tx, batch["id"], found.kept(options) | {"added_models": list(map(str, models))})
    await record(
        tx, by=actor, action="apply_batch", kind=AUDITED, subject=batch["id"], name=name, site=actor.home_site,
        before={"state": "planned"}, after={"state": "applied", "counts": found.counts},
    )  # fmt: skip


def _restored(row: Any) -> Wanted:
    said = json.loads(row["wanted"])
    cells = {sys.intern(name): cell for name, cell in said["cells"].items()}  # the same names in 20,000 rows
    return Wanted(
        cells, sys.intern(row["sheet"]), row["row"], said["version"], UUID(said["id"]) if said["id"] else None,
        frozenset(said["formulas"]), frozenset(said["inexact"]),
    )  # fmt: skip


async def undo(actor: Actor, number: int, *, untouched_only: bool = False, now: datetime) -> None:
    """Put everything back that a batch changed and take back what it added; Conflict when something was touched since.

    With `untouched_only` what was touched stays as it is and is named in the batch; Conflict when nothing else is left.
    """
    actor = actor.require(Action.EDIT_INVENTORY)
    async with transaction(actor.scope) as tx:
        batch = await _locked(tx, actor, number, "applied")
        kind, own = await described(tx, batch["resource"])
        stored = await tx.fetch(
            "select action, key, subject, subject_version, sheet, row, case action when 'change' then changes end as changes "
            "from batch_rows where batch = $1 and action in ('create', 'change') order by position", batch["id"],
        )  # fmt: skip
        changed = [row for row in stored if row["action"] == Outcome.CHANGE]
        back = [
            Wanted({n: was for n, (was, _) in json.loads(row["changes"]).items()}, row["sheet"], row["row"],
                   row["subject_version"], row["subject"]) for row in changed
        ]  # fmt: skip
        world = await look(tx, actor, kind, own, back, now=now, lock=True)
        planned = plan(kind, back, world, AS_WRITTEN, undoing=True)
        made = [row for row in stored if row["action"] == Outcome.CREATE]
        now_at = {
            row["id"]: row["version"]
            for row in await tx.fetch(
                f"select id, version from {kind.table} where id = any($1) for update",  # noqa: S608 - a table of ours
                [row["subject"] for row in made],
            )
        }
        ours = {row["subject"] for row in made if now_at.get(row["subject"]) == 1}
        free = [not row.faults and row.present is not None and row.present.version == was["subject_version"]
                for row, was in zip(planned, changed, strict=True)]  # fmt: skip
        touched = [row["key"] for row in made if row["subject"] not in ours]
        touched += [row.key for row, untouched in zip(planned, free, strict=True) if not untouched]
        left = len(stored) - len(touched)
        if touched and not (untouched_only and left):
            raise Conflict(
                N_("Some were changed since; nothing was undone."), count=len(touched), keys=touched[:KEYS_MAX],
                untouched=left,
            )  # fmt: skip
        reason = shown_number(number)
        back_now = [row for row, untouched in zip(planned, free, strict=True) if untouched]
        await write(tx, actor, kind, back_now, now=now, reason=reason)
        await take_back(tx, actor, kind, [row["subject"] for row in made if row["subject"] in ours], reason=reason)
        counts = json.loads(batch["counts"])
        if not touched:  # what stays may need them
            await take_back_models(tx, actor, [UUID(one) for one in counts.get("added_models", ())], reason=reason)
        counts |= {"kept": len(touched), "kept_keys": touched[:KEYS_MAX]} if touched else {}
        await tx.execute(
            "update batches set state = 'undone', undone_at = $2, counts = $3 where id = $1", batch["id"], now,
            json.dumps(counts),
        )  # fmt: skip
        await record(
            tx, by=actor, action="undo_batch", kind=AUDITED, subject=batch["id"], name=reason, site=actor.home_site,
            before={"state": "applied"},
            after={"state": "undone", **({"kept": touched[:KEYS_MAX]} if touched else {})},
        )  # fmt: skip
