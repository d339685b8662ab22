"""The verbs of paper forms: set what a form says, and put an own .docx template in or take it out."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from assets.access.actor import Actor
from assets.access.permissions import Action
from assets.audit.service import differences, record
from assets.db import Connection, transaction
from assets.errors import Conflict, Invalid, NotFound, Stale
from assets.ids import new_id
from assets.papers.defaults import DEFAULTS, TITLES
from assets.papers.kinds import FIELDS, Form, Paper
from assets.papers.samples import SAMPLES
from assets.papers.templates import TEMPLATE_MAX, Unusable, filled, look_at
from assets.text import clean, clean_block
from assets.web.changes import refuse_others
from assets.web.language import N_

KIND = "paper_form"
ONE_LINE_MAX, BLOCK_MAX = 255, 2_000
ONE_LINE = frozenset({"number_pattern", "unit_of_measure"})
NAME_MAX = 160


def paper_of(text: str) -> Paper:
    """The paper of this name; NotFound when there is none."""
    try:
        return Paper(text)
    except ValueError:
        raise NotFound() from None


async def form_of(tx: Connection, paper: Paper) -> Form:
    """What is set of a paper."""
    row = await tx.fetchrow("select * from paper_forms where paper = $1", paper)
    return Form(**{name: row[name] for name in FIELDS}) if row else DEFAULTS[paper]


async def template_of(tx: Connection, paper: Paper) -> bytes | None:
    """The own template of a paper, if it has one."""
    content: bytes | None = await tx.fetchval(
        "select t.content from paper_templates t join paper_forms f on f.id = t.form where f.paper = $1", paper
    )
    return content


async def edit(actor: Actor, paper: Paper, changes: Mapping[str, str], *, version: int, now: datetime) -> None:
    """Change what a form says that is still as the caller saw it."""
    actor = actor.require_everywhere(Action.EDIT_PAPERS)
    refuse_others(changes, FIELDS)
    async with transaction(actor.scope) as tx:
        before = await _locked(tx, actor, paper, version, now)
        new = {name: before[name] for name in FIELDS} | {name: _cleaned(name, text) for name, text in changes.items()}
        sets = ", ".join(f"{name} = ${at}" for at, name in enumerate(FIELDS, 4))  # names from the code only
        after = await tx.fetchrow(
            f"update paper_forms set changed_at = $2, changed_by = $3, version = version + 1, {sets} "  # noqa: S608
            "where id = $1 returning *", before["id"], now, actor.name, *(new[name] for name in FIELDS),
        )  # fmt: skip
        await _told(tx, actor, "edit", paper, before, after)


def _cleaned(name: str, text: str) -> str:
    return clean(text, ONE_LINE_MAX) if name in ONE_LINE else clean_block(text, BLOCK_MAX)


async def _locked(tx: Connection, actor: Actor, paper: Paper, version: int, now: datetime) -> Mapping[str, Any]:
    """The row of a paper, made from its defaults when nobody has changed it yet; Stale when it is not as it was seen."""
    names, values = ", ".join(FIELDS), ", ".join(f"${at}" for at in range(5, 5 + len(FIELDS)))
    await tx.execute(
        f"insert into paper_forms (id, paper, changed_at, changed_by, version, {names}) "  # noqa: S608
        f"values ($1, $2, $3, $4, 1, {values}) on conflict (paper) do nothing",
        new_id(), paper, now, actor.name, *(getattr(DEFAULTS[paper], name) for name in FIELDS),
    )  # fmt: skip
    row: Mapping[str, Any] | None = await tx.fetchrow("select * from paper_forms where paper = $1 for update", paper)
    assert row is not None
    if row["version"] != version:
        raise Stale()
    return row


async def put_template(actor: Actor, paper: Paper, name: str, content: bytes, *, version: int, now: datetime) -> None:
    """Put an own .docx template in the place of the one there is; Invalid says why it cannot be used, and nothing changes."""
    actor = actor.require_everywhere(Action.EDIT_PAPERS)
    await _try(paper, content)
    async with transaction(actor.scope) as tx:
        before = await _locked(tx, actor, paper, version, now)
        await tx.execute("delete from paper_templates where form = $1", before["id"])
        await tx.execute(
            "insert into paper_templates (id, form, name, sha256, size, content, added_at, added_by) "
            "values ($1, $2, $3, $4, $5, $6, $7, $8)", new_id(), before["id"], clean(name, NAME_MAX) or "template.docx",
            hashlib.sha256(content).hexdigest(), len(content), content, now, actor.name,
        )  # fmt: skip
        await _changed_template(tx, actor, "put_template", paper, before, now, {"template": clean(name, NAME_MAX)})


async def _try(paper: Paper, content: bytes) -> None:
    if not content:
        raise Invalid(fields={"file": N_("Please choose a file.")})
    if len(content) > TEMPLATE_MAX:
        raise Invalid(fields={"file": N_("The file is too large.")})
    try:
        look_at(content)
        await filled(content, SAMPLES[paper], DEFAULTS[paper])
    except Unusable as error:
        said = N_("The template cannot be used: %(why)s. The one that was there stays.")
        raise Invalid(said, why=error.why) from None


async def remove_template(actor: Actor, paper: Paper, *, version: int, now: datetime) -> None:
    """Take the own template out; the usual layout is printed again."""
    actor = actor.require_everywhere(Action.EDIT_PAPERS)
    async with transaction(actor.scope) as tx:
        before = await _locked(tx, actor, paper, version, now)
        name = await tx.fetchval("delete from paper_templates where form = $1 returning name", before["id"])
        if name is None:
            raise Conflict(N_("This paper has no template of its own."))
        await _changed_template(tx, actor, "remove_template", paper, before, now, {"template": ""}, {"template": name})


async def _changed_template(
    tx: Connection, actor: Actor, action: str, paper: Paper, form: Mapping[str, Any], now: datetime,
    after: Mapping[str, str], before: Mapping[str, str] | None = None,
) -> None:  # fmt: skip
    await tx.execute(
        "update paper_forms set version = version + 1, changed_at = $2, changed_by = $3 where id = $1",
        form["id"], now, actor.name,
    )  # fmt: skip
    await record(
        tx, by=actor, action=action, kind=KIND, subject=form["id"], name=TITLES[paper], before=before, after=after
    )


async def _told(
    tx: Connection, actor: Actor, action: str, paper: Paper, before: Mapping[str, Any], after: Mapping[str, Any] | None
) -> None:
    assert after is not None
    await record(
        tx, by=actor, action=action, kind=KIND, subject=before["id"], name=TITLES[paper], **differences(before, after)
    )
