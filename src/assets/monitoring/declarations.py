"""What people at a site say: each dated, each by somebody, the newest about a thing holds until it is ended."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from asyncpg import Record

from assets.access.actor import Actor
from assets.access.permissions import Action
from assets.audit.service import record, shown
from assets.db import Connection, transaction
from assets.errors import Invalid, NotFound
from assets.ids import new_id
from assets.text import clean, clean_code, uncut
from assets.web.language import N_

TEXT_MAX = 500
FILES_MAX = 100_000
WRONG_COUNT = N_("A whole number from 0 to 100000.")


# Readiness is above monitoring and adds itself; a follower works in the transaction of what was said.
Follower = Callable[[Connection, UUID], Awaitable[None]]
_followers: list[Follower] = []


def on_declaration(follower: Follower) -> Follower:
    """Have this done with the site whenever somebody says something there, or that it is over."""
    _followers.append(follower)
    return follower


async def _told(tx: Connection, site: UUID) -> None:
    for follower in _followers:
        await follower(tx, site)


@dataclass(frozen=True)
class Over:
    """What somebody said of an asset and no longer holds: what was said in its place (None: nothing), by whom, when."""

    incident: UUID
    then: "Kind | None"
    by: Actor
    at: datetime


# Incidents are above monitoring and add themselves: what a person opened, a person ends.
EndFollower = Callable[[Connection, Over], Awaitable[None]]
_end_followers: list[EndFollower] = []


def on_end(follower: EndFollower) -> EndFollower:
    """Have this done when what an incident follows from is said to be over, or otherwise."""
    _end_followers.append(follower)
    return follower


async def _told_of_end(tx: Connection, row: Record, then: "Kind | None", by: Actor, at: datetime) -> None:
    if row["incident"] is not None:
        for follower in _end_followers:
            await follower(tx, Over(row["incident"], then, by, at))


class Kind(StrEnum):
    """What can be said."""

    BROKEN = "broken"
    WORKS = "works"
    PAPER_MODE = "paper_mode"


@dataclass(frozen=True)
class Said:
    """One declaration: BROKEN and WORKS are about an asset, PAPER_MODE is about the site."""

    site: str
    kind: Kind
    asset_tag: str = ""
    text: str = ""
    files_counted: int | None = None
    fault: str = ""


async def declare(actor: Actor, said: Said, *, incident: UUID | None = None, now: datetime) -> UUID:
    """Write down what somebody says; what was said before of the same thing ends.

    `incident` is what follows from it. Who says once more that it is broken speaks of the same incident.
    """
    actor = actor.require(Action.DECLARE)
    if (said.kind is Kind.PAPER_MODE) == bool(said.asset_tag):
        raise Invalid(fields={"asset_tag": "needed for an asset, and only for an asset"})
    text = uncut("text", said.text, TEXT_MAX, lines=True)
    async with transaction(actor.scope) as tx:
        site = await tx.fetchval("select id from sites where code = $1", said.site)
        if site is None or not actor.scope.sees(site):
            raise NotFound(f"There is no site with the code {clean(said.site, 20)}.")
        asset = await _asset(tx, site, said.asset_tag)
        ended = await tx.fetch(
            "update declarations set ended_at = $3 where site = $1 and asset is not distinct from $2 and ended_at is null "
            "and (asset is not null or kind = $4) returning id, site, kind, incident", site, asset, now, said.kind,
        )  # fmt: skip
        for over in ended:
            await _record_end(tx, actor, over, now)
            if said.kind is Kind.BROKEN:
                incident = incident or over["incident"]
            else:
                await _told_of_end(tx, over, said.kind, actor, now)
        row = new_id()
        made = await tx.fetchrow(
            "insert into declarations (id, site, asset, kind, fault, text, incident, files_counted, said_by, said_by_name, "
            "said_at) values ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11) returning *",
            row, site, asset, said.kind, said.fault, text, incident, said.files_counted,
            actor.id, actor.name, now,
        )  # fmt: skip
        await record(
            tx, by=actor, action="declare", kind="declaration", subject=row, name=clean(said.asset_tag or said.site),
            site=site, after=shown(made),
        )  # fmt: skip
        await _told(tx, site)
        return row


async def _asset(tx: Connection, site: UUID, tag: str) -> UUID | None:
    if not tag:
        return None
    asset: UUID | None = await tx.fetchval("select id from assets where tag = $1 and site = $2", clean_code(tag), site)
    if asset is None:
        raise NotFound("There is no such asset at this site.")
    return asset


async def end(actor: Actor, declaration: UUID, *, files_counted: int | None = None, now: datetime) -> None:
    """Say that it is no longer so, and how many files came in on paper; ending twice is the same as once."""
    actor = actor.require(Action.DECLARE)
    if files_counted is not None and not 0 <= files_counted <= FILES_MAX:
        raise Invalid(fields={"files_counted": WRONG_COUNT})
    async with transaction(actor.scope) as tx:
        row = await tx.fetchrow(
            "select id, site, kind, ended_at, files_counted, incident from declarations where id = $1 for update",
            declaration,
        )
        if row is None or not actor.scope.sees(row["site"]):
            raise NotFound()
        if row["ended_at"] is None:
            if files_counted is not None and row["kind"] != Kind.PAPER_MODE:
                raise Invalid(fields={"files_counted": N_("Only files on paper are counted.")})
            counted = row["files_counted"] if files_counted is None else files_counted
            await tx.execute(
                "update declarations set ended_at = $2, files_counted = $3 where id = $1", declaration, now, counted
            )
            await _record_end(tx, actor, row, now, counted)
            await _told_of_end(tx, row, None, actor, now)
            await _told(tx, row["site"])


async def end_of_incident(tx: Connection, actor: Actor, incident: UUID, *, now: datetime) -> None:
    """End what an incident followed from, since somebody has resolved it; within the caller's transaction."""
    for over in await tx.fetch(
        "update declarations set ended_at = $2 where incident = $1 and ended_at is null returning id, site, kind",
        incident, now,
    ):  # fmt: skip
        await _record_end(tx, actor, over, now)
        await _told(tx, over["site"])


async def _record_end(
    tx: Connection, actor: Actor, row: Record, now: datetime, files_counted: int | None = None
) -> None:
    after: dict[str, object] = {"ended_at": now}
    if files_counted is not None:
        after["files_counted"] = files_counted
    await record(
        tx, by=actor, action="end", kind="declaration", subject=row["id"], name=row["kind"], site=row["site"],
        before={"ended_at": None}, after=after,
    )  # fmt: skip
