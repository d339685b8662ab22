"""One asset takes another's place, as one act: where it stands, who is in charge, and what is asked there."""

from datetime import datetime
from typing import Any

from assets.access.actor import Actor
from assets.access.permissions import Action
from assets.audit.service import differences, record
from assets.clock import LOCAL_ZONE
from assets.db import Connection, transaction
from assets.errors import Conflict, Invalid, NotFound
from assets.inventory import following
from assets.inventory.holding import refuse_promised
from assets.inventory.lifecycle import BY_TRANSFER, NOT_HERE_YET, NOTHING_TOLD, Stage, Told, faults, refused
from assets.inventory.service import bring, cleaned, said, write_event
from assets.phrases import Phrase
from assets.text import clean_code
from assets.web.language import N_

WITHOUT_PLACE = NOT_HERE_YET | BY_TRANSFER | {Stage.DISPOSED}


async def replace(actor: Actor, tag: str, by: str, stage: Stage, told: Told = NOTHING_TOLD, *, now: datetime) -> None:
    """`by` takes the place of `tag` (site, room, person in charge) and is in use; `tag` goes to its new stage.

    `told` is what that stage asks for. Conflict says why when one of them cannot; NotFound when the old one is not there
    for the actor, Invalid when the new one is not.
    """
    actor = actor.require(Action.EDIT_INVENTORY)
    told = cleaned(told)
    async with transaction(actor.scope) as tx:
        old, new = await _both(tx, actor, tag, by)
        _check(old, new, stage, told, now)
        await refuse_promised(tx, [new["id"]])
        moves_on = stage != old["stage"]
        after = await bring(tx, old, stage, told if moves_on else _present(old), {"room": None, "custodian": ""})
        place = {"site": old["site"], "room": old["room"], "custodian": old["custodian"]}
        first_use = new["put_into_use"] or now.astimezone(LOCAL_ZONE).date()
        instead = await bring(tx, new, Stage.IN_USE, more={**place, "put_into_use": first_use})
        why = [Phrase(told.reason)] if told.reason else []
        replaced = Phrase(N_("%(tag)s has taken its place"), {"tag": new["tag"]})
        await write_event(tx, old["id"], old["site"], "replaced", "", actor, now, phrases=[replaced, *why])
        if moves_on:
            await write_event(tx, old["id"], old["site"], stage, told.reason, actor, now, phrases=said(told))
        if new["site"] != old["site"]:
            await write_event(tx, new["id"], new["site"], "sent", "", actor, now, phrases=[_for(old)])
        await write_event(tx, new["id"], old["site"], "replaces", "", actor, now, phrases=[_for(old), *why])
        await following.replaced(tx, actor, old["id"], new["id"], old["site"])
        await following.moved(tx, actor, new["id"], new["site"], old["site"])
        from_elsewhere = [(new, instead, new["site"])] if new["site"] != old["site"] else []
        for before, now_is, site in [(old, after, old["site"]), (new, instead, old["site"]), *from_elsewhere]:
            await record(
                tx, by=actor, action="replace", kind="asset", subject=before["id"], name=before["tag"], site=site,
                reason=told.reason, **differences(before, now_is),
            )  # fmt: skip


def _for(old: Any) -> Phrase:
    return Phrase(N_("It has taken the place of %(tag)s"), {"tag": old["tag"]})


def _present(row: Any) -> Told:
    """What a stage that does not change already asks for."""
    return Told("", row["borrower"], row["due_back"], row["repairer"], row["quotation"])


async def _both(tx: Connection, actor: Actor, tag: str, by: str) -> tuple[Any, Any]:
    """Both rows, locked in the order of their ids."""
    tags = [clean_code(text) for text in (tag, by)]
    rows = await tx.fetch("select * from assets where tag = any($1) order by id for update", tags)
    found: dict[str, Any] = {row["tag"]: row for row in rows if actor.scope.sees(row["site"])}
    if tags[0] not in found:
        raise NotFound()
    if tags[1] not in found:
        raise Invalid(fields={"by": N_("There is no such asset.")})
    if tags[0] == tags[1]:
        raise Invalid(fields={"by": N_("An asset cannot take its own place.")})
    return found[tags[0]], found[tags[1]]


def _check(old: Any, new: Any, stage: Stage, told: Told, now: datetime) -> None:
    present, other = Stage(old["stage"]), Stage(new["stage"])
    if present in WITHOUT_PLACE:
        raise Conflict(N_("%(tag)s holds no place that another one could take."), tag=old["tag"], stage=present)
    if other is not Stage.IN_USE and (reason := refused(other, Stage.IN_USE)):
        raise Conflict(reason, tag=new["tag"], stage=other)
    if stage is Stage.IN_USE:
        raise Invalid(fields={"stage": N_("Say what becomes of the old one; it is not in use here any more.")})
    if stage is not present:
        if reason := refused(present, stage):
            raise Conflict(reason, tag=old["tag"], stage=present)
        if wrong := faults(stage, told, now.astimezone(LOCAL_ZONE).date()):
            raise Invalid(fields=wrong)
