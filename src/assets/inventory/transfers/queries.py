"""Transfers and custody as they are read."""

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from assets.access.actor import Actor
from assets.access.permissions import Action
from assets.access.signed_addresses import Purpose, may_issue
from assets.db import EVERYTHING, Connection, Scope, transaction
from assets.errors import NotFound
from assets.inventory.holding import TAKEN
from assets.inventory.transfers import line_photos
from assets.inventory.transfers.course import ACTION, OF_SENDER, PHOTOGRAPHED, Act, Line, Side, State, refused
from assets.text import clean_code
from assets.web.paging import Column, Listing, ListQuery, Page, fetch
from assets.web.rows import from_row


class LineOut(BaseModel):
    """One asset of a transfer, as it was called then, what has become of it, and each side's photo of it."""

    position: int
    tag: str
    name: str
    serial: str
    state: Line
    note: str
    settled_at: datetime | None
    settled_by: str
    photo_given: UUID | None
    photo_received: UUID | None


class TransferOut(BaseModel):
    """Assets that go from one site to another; `age_days` counts from the sending to the end, or until now."""

    number: int
    state: State
    from_site: str
    from_name: str
    to_site: str
    to_name: str
    carrier: str
    decision_number: str
    decision_date: date | None
    reason: str
    expected_on: date | None
    created_at: datetime
    created_by: str
    sent_at: datetime | None
    sent_by: str
    ended_at: datetime | None
    ended_by: str
    note: str
    age_days: int | None
    lines: list[LineOut]
    version: int


class HandOverOut(BaseModel):
    """What one side confirmed by a signed address; nobody has verified who they are. `photo` is a file on the transfer."""

    side: str
    name: str
    post: str
    note: str
    at: datetime
    photo: UUID | None


class HandOverAddressRow(BaseModel):
    """An address of a side that is valid; its secret is known to nobody here."""

    id: UUID
    side: str
    issued_by: str
    issued_at: datetime
    expires_at: datetime


class TransferDetail(TransferOut):
    """A transfer with the acts that are possible for the caller now, and what its sides confirmed by signed addresses.

    `photo_sides` are those for which the caller can add photos of its assets.
    """

    acts: list[Act]
    hand_overs: list[HandOverOut]
    addressable: list[str]
    photo_sides: list[Side]


_LINES = """(select coalesce(json_agg(json_build_object('position', l.position, 'tag', l.tag, 'name', l.name, 'serial', l.serial,
    'state', l.state, 'note', l.note, 'settled_at', l.settled_at, 'settled_by', l.settled_by,
    'photo_given', (select a.id from attachments a where a.id = l.photo_given and a.removed_at is null),
    'photo_received', (select a.id from attachments a where a.id = l.photo_received and a.removed_at is null))
    order by l.position), '[]') from transfer_lines l where l.transfer = t.id) as lines"""
# What waits for somebody first, the oldest before the others; then drafts, then what is over, the newest first.
_URGENCY = """(case t.state when 'in_transit' then 0 when 'draft' then 1 else 2 end * 1e10
    + case when t.state = 'in_transit' then 1 else -1 end * extract(epoch from coalesce(t.sent_at, t.created_at)))"""
LISTING = Listing(
    select="t.*, extract(day from coalesce(t.ended_at, now()) - t.sent_at)::int as age_days, " + _LINES,
    source="transfers t",
    key="t.id",
    columns={
        "urgency": Column(f"{_URGENCY}::double precision", "double precision", filterable=False),
        "number": Column("t.number", "integer"), "state": Column("t.state", choices=tuple(State)),
        "from_site": Column("t.from_code"), "to_site": Column("t.to_code"),
        "decision_number": Column("t.decision_number"), "created_at": Column("t.created_at", "timestamptz"),
        "sent_at": Column("t.sent_at", "timestamptz"), "ended_at": Column("t.ended_at", "timestamptz"),
        "expected_on": Column("t.expected_on", "date"),
    },
    sort="urgency",
    search=("t.search",),
)  # fmt: skip
Condition = tuple[str, Sequence[object]]


def of_scope(scope: Scope) -> list[Condition]:
    """The transfers of which at least one side is in the scope."""
    if scope.everything:
        return []
    sites = list(scope.sites)
    return [("t.from_site = any({}::uuid[]) or t.to_site = any({}::uuid[])", [sites, sites])]


def transfer_out(row: Mapping[str, Any]) -> TransferOut:
    """A row of LISTING."""
    return _transfer(row, lines=json.loads(row["lines"]))


_transfer = from_row(TransferOut, "lines", from_site="from_code", to_site="to_code")
_hand_over = from_row(HandOverOut)
_address = from_row(HandOverAddressRow)


async def listed_transfers(
    tx: Connection, scope: Scope, asked: ListQuery, where: Sequence[Condition] = ()
) -> Page[TransferOut]:
    """The transfers of both sides that the scope sees."""
    return await fetch(tx, LISTING, asked, transfer_out, where=[*of_scope(scope), *where])


async def one(actor: Actor, number: int) -> TransferDetail:
    """One transfer with what the actor may do with it; NotFound for strangers of both sides."""
    async with transaction(actor.scope) as tx:
        found = await listed_transfers(tx, actor.scope, ListQuery(limit=1), [("t.number = {}", [number])])
        if not found.items:
            raise NotFound()
        sites = await tx.fetchrow("select id, from_site, to_site from transfers where number = $1", number)
        assert sites is not None
        said = await tx.fetch("select * from hand_overs where transfer = $1 order by side", sites["id"])
    it = found.items[0]
    lines = [line.state for line in it.lines]
    acts = [
        act
        for act in Act
        if refused(it.state, act, lines) is None
        and actor.may(ACTION[act])
        and actor.within(ACTION[act]).scope.sees(sites["from_site" if act in OF_SENDER else "to_site"])
    ]
    confirmed = [_hand_over(row) for row in said]
    sides = {"giver": sites["from_site"], "receiver": sites["to_site"]} if it.state in UNDER_WAY else {}
    addressable = [
        side
        for side, site in sides.items()
        if may_issue(actor, Purpose.CONFIRM_HAND_OVER, site) and side not in {one.side for one in confirmed}
    ]
    shooting = Action.RECEIVE_TRANSFER
    of_photos = line_photos.sides(actor.within(shooting).scope, sites)
    photo_sides = [side for side in of_photos if it.state in PHOTOGRAPHED[side] and actor.may(shooting)]
    return TransferDetail(
        **it.model_dump(), acts=acts, hand_overs=confirmed, addressable=addressable, photo_sides=photo_sides
    )  # fmt: skip


async def valid_addresses(actor: Actor, number: int, *, now: datetime) -> list[HandOverAddressRow]:
    """The addresses of a transfer that are valid and that the actor may withdraw, the one that ends first before the others."""
    async with transaction(actor.scope) as tx:
        rows = await tx.fetch(
            "select d.id, d.site, case when d.site = t.from_site then 'giver' else 'receiver' end as side, "
            "d.issued_by_name as issued_by, d.issued_at, d.expires_at from signed_addresses d "
            "join transfers t on t.id = d.subject where t.number = $1 and d.purpose = $2 and d.withdrawn_at is null "
            "and d.expires_at > $3 order by d.expires_at, d.id", number, Purpose.CONFIRM_HAND_OVER, now,
        )  # fmt: skip
    return [_address(row) for row in rows if may_issue(actor, Purpose.CONFIRM_HAND_OVER, row["site"])]


INCOMING_MAX = 50
UNDER_WAY = (State.DRAFT, State.IN_TRANSIT)


async def incoming(tx: Connection, actor: Actor) -> list[TransferOut]:
    """What is on its way to sites where the actor may receive it, the oldest first; not for those who receive everywhere."""
    action = ACTION[Act.RECEIVE]
    scope = actor.within(action).scope
    if not actor.may(action) or scope.everything:
        return []
    where: list[Condition] = [("t.state = 'in_transit' and t.to_site = any({}::uuid[])", [list(scope.sites)])]
    return (await fetch(tx, LISTING, ListQuery(limit=INCOMING_MAX), transfer_out, where=where)).items


SITES_MAX = 500
CHOICES_MAX = 500


async def new_form(actor: Actor, from_code: str, tag: str) -> dict[str, Any]:
    """What the form of a new transfer offers; the site is that of `tag` when none is chosen.

    Assets are offered as long as they are few enough for a page; more are written by their tags.
    """
    own, seen = actor.scope, actor.within(Action.VIEW).scope
    async with transaction(own | seen) as tx:
        sites = await tx.fetch("select id, code, name from sites where open order by sort, code limit $1", SITES_MAX)
        mine = [row for row in sites if own.sees(row["id"])]
        code = from_code or await tx.fetchval(
            "select s.code from assets a join sites s on s.id = a.site where a.tag = $1", clean_code(tag)
        )
        chosen = next((row for row in mine if row["code"] == code), mine[0] if len(mine) == 1 else None)
        assets = await tx.fetch(
            "select a.tag as code, coalesce(nullif(a.name, ''), m.manufacturer || ' ' || m.name) as name, a.serial, "  # noqa: S608
            "c.name as kind, c.name_en as kind_en from assets a join asset_models m on m.id = a.model "
            "join asset_categories c on c.id = m.category where a.site = $1 and a.stage in ('in_use', 'in_stock') "
            f"and not {TAKEN} order by c.name, a.tag limit $2", chosen["id"], CHOICES_MAX,
        ) if chosen else []  # fmt: skip
    named = [{"code": row["code"], "name": row["name"]} for row in sites if seen.sees(row["id"])]
    return {
        "from_site": chosen["code"] if chosen else "",
        "from_sites": [{"code": row["code"], "name": row["name"]} for row in mine],
        "to_sites": [site for site in named if not chosen or site["code"] != chosen["code"]],
        "assets": [dict(row) for row in assets],
    }  # fmt: skip


async def under_way(tx: Connection, asset: UUID) -> int | None:
    """The number of the transfer that an asset is on its way in."""
    number: int | None = await tx.fetchval(
        "select t.number from transfer_lines l join transfers t on t.id = l.transfer where l.asset = $1 and l.state = 'waiting'",
        asset,
    )
    return number


class CustodyOut(BaseModel):
    """In whose hands an asset is or was: `party` is site or carrier, `site` the one that answers for it.

    `since` is null where nothing is known of an earlier change of hands.
    """

    tag: str
    party: str
    site: str
    site_name: str
    carrier: str
    transfer: int | None
    since: datetime | None


async def custody(actor: Actor, tag: str, moment: datetime | None = None) -> CustodyOut:
    """Who had an asset at a moment (None: who has it); NotFound unless the one who answered for it is in the scope."""
    # Who had it then may have been elsewhere than it is now, so that the scope is applied to the answer.
    async with transaction(actor.scope if moment is None else EVERYTHING) as tx:
        asset = await tx.fetchrow("select id, tag, site, stage, created_at from assets where tag = $1", clean_code(tag))
        if asset is None or (moment is not None and asset["created_at"] > moment):
            raise NotFound()
        last = await tx.fetchrow(
            "select * from custody_moves where asset = $1 and ($2::timestamptz is null or at <= $2) order by id desc limit 1",
            asset["id"], moment,
        )  # fmt: skip
        following = await tx.fetchrow(
            "select * from custody_moves where asset = $1 and at > $2 order by id limit 1", asset["id"], moment
        ) if last is None and moment is not None else None  # fmt: skip
        if last is not None:
            party, site = last["to_party"], last["to_site"]
        elif following is not None:
            party, site = following["from_party"], following["from_site"]
        else:
            party, site = "carrier" if asset["stage"] == "in_transit" else "site", asset["site"]
        if not actor.scope.sees(site):
            raise NotFound()
        named = await tx.fetchrow("select code, name from sites where id = $1", site)
        number = last and await tx.fetchval("select number from transfers where id = $1", last["transfer"])
    assert named is not None
    return CustodyOut(
        tag=asset["tag"], party=party, site=named["code"], site_name=named["name"],
        carrier=last["carrier"] if last is not None and party == "carrier" else "",
        transfer=number, since=last["at"] if last is not None else None,
    )  # fmt: skip
