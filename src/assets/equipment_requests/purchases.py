"""The verbs of purchases: plan, order, take in what arrived, cancel. A purchase merges the lines of many requests.

What arrives is taken in at a store and goes on at once to the centres that wait for it, those that cannot serve citizens
first, then the remote ones, then in the order in which they asked.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from hashlib import sha256
from itertools import count
from typing import Any
from uuid import UUID

from asyncpg import Record

from assets.access.actor import Actor
from assets.access.permissions import Action
from assets.audit.service import differences, record, shown
from assets.clock import LOCAL_ZONE
from assets.db import Connection, transaction
from assets.equipment_requests.steps import shown_number as request_number
from assets.errors import Conflict, Invalid, NotFound, Stale
from assets.ids import new_id
from assets.inventory import service as inventory
from assets.inventory.lifecycle import Stage
from assets.inventory.stock.ledger import Act
from assets.inventory.stock.service import Movement, move
from assets.inventory.stock.shipments import ship
from assets.inventory.things import NewModel, add_model
from assets.inventory.transfers.service import LINES_MAX, REASON_MAX, NewTransfer, draft
from assets.text import clean, clean_block, overlong, searchable, serial_key, uncut
from assets.web.language import N_

KIND = "purchase"
TITLE_MAX = 160
NOTE_MAX = 2_000
ARRIVES_MAX = LINES_MAX
_CHANGED = N_("Somebody else changed this purchase in the meantime; here is how it stands now.")


class State(StrEnum):
    """Where a purchase stands."""

    PLANNED = "planned"
    ORDERED = "ordered"
    RECEIVED = "received"
    CANCELLED = "cancelled"


OPEN = frozenset({State.PLANNED, State.ORDERED})
_NOT_NOW = {
    State.PLANNED: N_("The purchase has not been ordered yet."),
    State.ORDERED: N_("The purchase has been ordered already."),
    State.RECEIVED: N_("Everything of this purchase has arrived."),
    State.CANCELLED: N_("The purchase was cancelled."),
}


@dataclass(frozen=True)
class NewPurchase:
    """What is to be bought together: the waiting parts named here."""

    title: str
    parts: Sequence[UUID]
    note: str = ""


@dataclass(frozen=True)
class Order:
    """With whom, on which decision, until when."""

    supplier: str
    decision_number: str = ""
    expected_on: date | None = None


@dataclass(frozen=True)
class Arrived:
    """What came: machines of one model by their serial numbers, so many of a consumable, or both; taken in at `store`.

    Their tags are made of the purchase's number. `unit_cost` is in whole đồng. A model that is not known yet is said by
    `manufacturer` and `model_name`, and by its `category` where the purchase waits for several. What was taken in under a
    `delivery_note` (its number on paper) before is not taken in twice; each model and consumable stands on it once.
    """

    store: str
    model: UUID | None = None
    serials: Sequence[str] = ()
    consumable: str = ""
    quantity: int = 0
    unit_cost: int | None = None
    funding_source: str = ""
    warranty_until: date | None = None
    manufacturer: str = ""
    model_name: str = ""
    category: str = ""
    delivery_note: str = ""


def shown_number(number: int) -> str:
    """How papers and timelines name a purchase, the same in every language."""
    return f"MS-{number}"


async def plan(actor: Actor, new: NewPurchase, *, now: datetime) -> int:
    """Make a purchase of parts that wait for one; answers its number. Conflict when one is taken already."""
    actor = actor.require_everywhere(Action.FULFIL_REQUEST)
    title = clean(new.title, TITLE_MAX)
    wrong = overlong({"title": (new.title, TITLE_MAX), "note": (new.note, NOTE_MAX)})
    if not title:
        wrong["title"] = N_("Please fill this in.")
    if not new.parts:
        wrong["parts"] = N_("Choose what is to be bought.")
    if wrong:
        raise Invalid(fields=wrong)
    async with transaction(actor.scope) as tx:
        rows = await tx.fetch(
            "select p.id, l.name from fulfilment_parts p join equipment_request_lines l on l.id = p.line "
            "where p.id = any($1) and p.way = 'purchase' and p.state = 'planned' and p.purchase is null "
            "order by p.id for update of p", list(new.parts),
        )  # fmt: skip
        if len(rows) < len(set(new.parts)):
            raise Conflict(N_("A part of it is in another purchase already, or is not to be bought any more."))
        number = await tx.fetchval("select nextval('purchase_numbers')")
        words = (shown_number(number), title, *{row["name"] for row in rows})
        made = await tx.fetchrow(
            "insert into purchases (id, number, title, state, supplier, decision_number, note, created_at, created_by, "
            "search, version) values ($1,$2,$3,'planned','','',$4,$5,$6,$7,1) returning *",
            new_id(), number, title, clean_block(new.note, NOTE_MAX), now, actor.name, searchable(*words),
        )  # fmt: skip
        assert made is not None
        await tx.execute(
            "update fulfilment_parts set purchase = $2 where id = any($1)", [row["id"] for row in rows], made["id"]
        )
        after = {**shown(made), "parts": len(rows)}
        await record(
            tx,
            by=actor,
            action="file",
            kind=KIND,
            subject=made["id"],
            name=shown_number(number),
            site=None,
            after=after,
        )
        return int(number)


async def order(actor: Actor, number: int, said: Order, *, version: int | None = None, now: datetime) -> None:
    """Say with whom it was ordered."""
    supplier, decision = uncut("supplier", said.supplier, 160), uncut("decision_number", said.decision_number, 60)
    if not supplier:
        raise Invalid(fields={"supplier": N_("Write from whom it is bought.")})
    if said.expected_on is not None and said.expected_on < now.astimezone(LOCAL_ZONE).date():
        raise Invalid(fields={"expected_on": N_("This day has passed already.")})
    actor = actor.require_everywhere(Action.FULFIL_REQUEST)
    async with transaction(actor.scope) as tx:
        row = await _locked(tx, number, version, State.PLANNED)
        cells = {
            "state": State.ORDERED, "supplier": supplier, "decision_number": decision,
            "expected_on": said.expected_on, "ordered_at": now,
        }  # fmt: skip
        await _change(tx, actor, row, "order", cells)
        await tx.execute(
            "update fulfilment_parts set state = 'under_way' where purchase = $1 and state = 'planned'", row["id"]
        )


async def cancel(actor: Actor, number: int, note: str, *, version: int | None = None, now: datetime) -> None:
    """Give the purchase up: what of it has not arrived waits for another one."""
    note = uncut("note", note, NOTE_MAX, lines=True)
    if not note:
        raise Invalid(fields={"note": N_("Write why it is given up.")})
    actor = actor.require_everywhere(Action.FULFIL_REQUEST)
    async with transaction(actor.scope) as tx:
        row = await _locked(tx, number, version, *OPEN)
        await tx.execute(
            "update fulfilment_parts set purchase = null, state = 'planned' where purchase = $1 "
            "and coalesce(transfer, shipment) is null and state in ('planned', 'under_way')", row["id"],
        )  # fmt: skip
        await _change(tx, actor, row, "cancel", {"state": State.CANCELLED, "ended_at": now}, note)


async def arrive(actor: Actor, number: int, came: Arrived, *, version: int | None = None, now: datetime) -> list[str]:
    """Take in what arrived and send it on to whom it was bought for; answers the new tags (none for consumables).

    Invalid names each wrong field, `serials.<index>` for a number that another asset has; more than was ordered is refused.
    Said again it answers as before: machines are known by their serial numbers, the rest by the delivery note; without one
    the version must be said.
    """
    actor = actor.require_everywhere(Action.FULFIL_REQUEST)
    if came.quantity and not came.consumable:
        raise Invalid(fields={"consumable": N_("Choose what came, and how much of it.")})
    if wrong := _overlong(came):
        raise Invalid(fields=wrong)
    deliveries = {_Delivery.of(one): one for one in _goods(came)}
    async with transaction(actor.scope) as tx:
        row = await _locked(tx, number, None, *State)
        known = {one: tags for one in deliveries if (tags := await one.known(tx, row)) is not None}
        if len(known) < len(deliveries):
            row = await _locked(tx, number, version, State.ORDERED)
        made = [
            known[one] if one in known else await _taken_in(tx, actor, row, one, goods, version, now)
            for one, goods in deliveries.items()
        ]
        return [tag for tags in made for tag in tags]


def _overlong(came: Arrived) -> dict[str, str]:
    serials = {f"serials.{index}": (serial, 120) for index, serial in enumerate(came.serials)}
    return overlong({
        "delivery_note": (came.delivery_note, 60), "funding_source": (came.funding_source, 160),
        "manufacturer": (came.manufacturer, 80), "model_name": (came.model_name, 120), **serials,
    })  # fmt: skip


def _goods(came: Arrived) -> list[Arrived]:
    """The machines and the consumable of a delivery, each for itself."""
    machines = replace(came, consumable="", quantity=0)
    if not came.consumable:
        return [machines]
    poured = replace(came, serials=(), model=None, manufacturer="", model_name="", category="")
    return [machines, poured] if came.serials or came.model or came.manufacturer or came.model_name else [poured]


async def _taken_in(
    tx: Connection, actor: Actor, row: Record, delivery: "_Delivery", came: Arrived, version: int | None, now: datetime
) -> list[str]:
    """The assets that one kind of goods of a delivery became; it is kept under its note."""
    if not delivery.note and version is None:
        raise Invalid(
            fields={"delivery_note": N_("Write the number of the delivery note, so that nothing is taken in twice.")}
        )
    store = await tx.fetchrow("select id, code, kind from sites where code = $1", clean(came.store, 20))
    if store is None or store["kind"] != "store":
        raise Invalid(fields={"store": N_("Choose the store that takes it in.")})
    work = _consumables if came.consumable else _machines
    tags = await work(tx, actor, row, store, came, now)
    left = await tx.fetchval(
        "select exists (select from fulfilment_parts where purchase = $1 and state in ('planned', 'under_way') "
        "and coalesce(transfer, shipment) is null)", row["id"],
    )  # fmt: skip
    cells = {} if left else {"state": State.RECEIVED, "ended_at": now}
    told = {"assets": tags, "quantity": came.quantity or len(tags), "delivery_note": clean(came.delivery_note, 60)}
    await _change(tx, actor, row, "arrive", cells, told=told)
    await delivery.keep(tx, actor, row, tags, now)
    return tags


@dataclass(frozen=True)
class _Delivery:
    """What arrived at once, by what it is known again: `note`, `key` (it and what came), and the digest of what was said."""

    note: str
    key: str
    digest: str

    @classmethod
    def of(cls, came: Arrived) -> "_Delivery":
        keys = sorted(serial_key(serial) for serial in came.serials)
        model = str(came.model or f"{came.manufacturer} {came.model_name}")
        what = [came.consumable.upper(), came.quantity, keys] if came.consumable else [model, keys]
        digest = sha256(json.dumps([came.store, *what], ensure_ascii=False).encode()).hexdigest()
        if note := clean(came.delivery_note, 60):
            goods = sha256(json.dumps([note, came.consumable.upper() or model]).encode()).hexdigest()
            return cls(note, f"{note[:40]}#{goods[:16]}", digest)
        own = f"#{digest[:40]}" if keys and not came.consumable else ""
        return cls(own, own, digest)

    async def known(self, tx: Connection, row: Record) -> list[str] | None:
        """The tags that were made of it before; Conflict when something else was taken in under its note.

        Older houses kept what came under its note alone, whatever it was.
        """
        if not self.note:
            return None
        found = await tx.fetchrow(
            "select digest, tags from purchase_deliveries where purchase = $1 and (note = $2 or note = $3 and digest = $4) "
            "order by digest = $4 desc limit 1",
            row["id"], self.key, self.note, self.digest,
        )  # fmt: skip
        if found is not None and found["digest"] != self.digest:
            raise Conflict(
                N_("Something else was taken in under this delivery note: %(note)s."),
                note=self.note,
                state=row["state"],
            )
        return None if found is None else list(found["tags"])

    async def keep(self, tx: Connection, actor: Actor, row: Record, tags: Sequence[str], now: datetime) -> None:
        made = new_id()
        await tx.execute(
            "insert into purchase_deliveries (id, purchase, note, digest, tags, at, actor_name) values ($1,$2,$3,$4,$5,$6,$7)",
            made, row["id"], self.key or f"#{made}", self.digest, list(tags), now, actor.name,
        )  # fmt: skip


async def _machines(
    tx: Connection, actor: Actor, row: Record, store: Record, came: Arrived, now: datetime
) -> list[str]:
    serials = [clean(serial, 120) for serial in came.serials]
    model = await _model(tx, actor, row, came)
    folded = [serial_key(serial) for serial in serials]
    wrong = {f"serials.{i}": N_("Please fill this in.") for i, serial in enumerate(folded) if not serial}
    wrong |= {
        f"serials.{i}": N_("This serial number stands here twice.")
        for i, s in enumerate(folded)
        if s and s in folded[:i]
    }
    if model is None:
        wrong["model"] = N_("Choose the model that came.")
    if not 1 <= len(serials) <= ARRIVES_MAX:
        wrong["serials"] = N_("Write the serial numbers, one a line.")
    if wrong:
        raise Invalid(fields=wrong)
    assert model is not None
    parts = await _waiting(tx, row, "l.category = $2", model["category"])
    shares = _share(parts, len(serials), "serials")
    tags = await _registered(tx, actor, row, store, replace(came, model=model["id"]), serials, now)
    free = iter(tags)
    mine = {part["id"]: [next(free) for _ in range(n)] for part, n in shares}
    for site in dict.fromkeys(part["site"] for part, _ in shares):
        here = [(part, n) for part, n in shares if part["site"] == site]
        await _send_on(tx, actor, row, store, here, mine, now)
    return tags


async def _model(tx: Connection, actor: Actor, row: Record, came: Arrived) -> Record | None:
    """The model that came; one that nobody has entered yet is entered, of the kind that the purchase waits for."""
    maker, name = clean(came.manufacturer, 80), clean(came.model_name, 120)
    if came.model is not None or not (maker or name):
        found: Record | None = await tx.fetchrow("select id, category from asset_models where id = $1", came.model)
        return found
    if wrong := {f: N_("Please fill this in.") for f, v in (("manufacturer", maker), ("model_name", name)) if not v}:
        raise Invalid(fields=wrong)
    known = await tx.fetchrow(
        "select id, category from asset_models where lower(manufacturer) = lower($1) and lower(name) = lower($2)",
        maker, name,
    )  # fmt: skip
    if known is not None:
        return known
    waited = await tx.fetch(
        "select distinct c.code from fulfilment_parts p join equipment_request_lines l on l.id = p.line "
        "join asset_categories c on c.id = l.category where p.purchase = $1 and p.state in ('planned', 'under_way')",
        row["id"],
    )  # fmt: skip
    codes = {one["code"] for one in waited}
    category = clean(came.category, 40) or (codes.pop() if len(codes) == 1 else "")
    if not category:
        raise Invalid(fields={"category": N_("Choose what kind of equipment the new model is.")})
    made = await add_model(actor, NewModel(category, maker, name))
    return await tx.fetchrow("select id, category from asset_models where id = $1", made)


async def _registered(
    tx: Connection, actor: Actor, row: Record, store: Record, came: Arrived, serials: Sequence[str], now: datetime
) -> list[str]:
    stem = shown_number(row["number"])
    taken = {r["tag"] for r in await tx.fetch("select tag from assets where tag like $1", f"{stem}-%")}
    free = (tag for at in count(1) if (tag := f"{stem}-{at:03d}") not in taken)
    tags: list[str] = []
    wrong: dict[str, str] = {}
    for index, serial in enumerate(serials):
        tag = next(free)
        assert came.model is not None
        new = inventory.NewAsset(
            tag, came.model, store["code"], serial=serial, stage=Stage.IN_STOCK, supplier=row["supplier"],
            funding_source=clean(came.funding_source, 160), purchased_on=now.astimezone(LOCAL_ZONE).date(),
            original_cost=came.unit_cost, warranty_until=came.warranty_until,
        )  # fmt: skip
        try:
            await inventory.register(actor, new, now=now)
        except Conflict:  # the tag is new: it is the number that somebody has
            wrong[f"serials.{index}"] = N_("Another asset of this maker has this serial number.")
        tags.append(tag)
    if wrong:
        raise Invalid(fields=wrong)
    return tags


async def _send_on(
    tx: Connection, actor: Actor, row: Record, store: Record, here: Sequence[tuple[Record, int]],
    mine: Mapping[UUID, Sequence[str]], now: datetime,
) -> None:  # fmt: skip
    """One transfer to one centre; a part of which only some came is parted."""
    tags = [tag for part, _ in here for tag in mine[part["id"]]]
    why = ", ".join(
        dict.fromkeys([shown_number(row["number"]), *(request_number(p["request_number"]) for p, _ in here)])
    )
    new = NewTransfer(store["code"], here[0][0]["site_code"], tags, reason=clean(why, REASON_MAX), send=True)
    number = await draft(actor, new, now=now)
    for part, n in here:
        on_its_way = await _parted(tx, part, n)
        await tx.execute(
            "update fulfilment_parts set transfer = (select id from transfers where number = $2), state = 'under_way', "
            "from_site = $3, pieces = array(select id from assets where tag = any($4)) where id = $1",
            on_its_way, number, store["id"], list(mine[part["id"]]),
        )  # fmt: skip


async def _parted(tx: Connection, part: Record, n: int) -> UUID:
    """The part that `n` pieces of `part` make: itself, or a new one beside the rest."""
    left = part["quantity"] - part["done"] - n
    whole: UUID = part["id"]
    if not left:
        return whole
    made: UUID = await tx.fetchval(
        "insert into fulfilment_parts (id, line, way, state, quantity, done, purchase, note, created_at, created_by) "
        "select $2, line, way, state, $3, 0, purchase, note, created_at, created_by from fulfilment_parts where id = $1 "
        "returning id", whole, new_id(), n,
    )  # fmt: skip
    await tx.execute("update fulfilment_parts set quantity = quantity - $2 where id = $1", whole, n)
    return made


async def _consumables(
    tx: Connection, actor: Actor, row: Record, store: Record, came: Arrived, now: datetime
) -> list[str]:
    consumable = await tx.fetchrow("select id, code from consumables where code = $1", clean(came.consumable, 40))
    if consumable is None or came.quantity < 1:
        field = "quantity" if consumable is not None else "consumable"
        raise Invalid(fields={field: N_("Choose what came, and how much of it.")})
    parts = await _waiting(tx, row, "l.consumable = $2", consumable["id"])
    why = shown_number(row["number"])
    taken_in = Movement(Act.RECEIVE, store["code"], consumable["code"], came.quantity, reason=why)
    shares = _share(parts, came.quantity, "quantity")
    await move(actor, taken_in, now=now)
    for part, n in shares:
        said = Movement(Act.TRANSFER, store["code"], consumable["code"], n, to_site=part["site_code"], reason=why)
        shipment = await ship(actor, said, now=now)
        await tx.execute(
            "update fulfilment_parts set shipment = $2, state = 'under_way', from_site = $3 where id = $1",
            await _parted(tx, part, n), shipment, store["id"],
        )  # fmt: skip
    return []


async def _waiting(tx: Connection, row: Record, of: str, value: Any) -> list[Record]:
    """The parts that wait for what came, locked: centres that cannot serve first, then remote ones, then as they asked."""
    await tx.execute(  # requests before parts, as everybody locks them
        "select from equipment_requests where id in (select l.request from fulfilment_parts p "
        "join equipment_request_lines l on l.id = p.line where p.purchase = $1) order by id for update", row["id"],
    )  # fmt: skip
    rows: list[Record] = await tx.fetch(  # `of` is a text of ours
        "select p.*, s.id as site, s.code as site_code, r.number as request_number, r.submitted_at "  # noqa: S608
        "from fulfilment_parts p join equipment_request_lines l on l.id = p.line join equipment_requests r on r.id = l.request "
        "join sites s on s.id = r.site "
        "where p.purchase = $1 and s.open and coalesce(p.transfer, p.shipment) is null "
        f"and p.state in ('planned', 'under_way') and {of} "
        "order by request_priority(s.id, r.submitted_at), r.number, l.position, p.id for update of p",
        row["id"], value,
    )  # fmt: skip
    return rows


def _share(parts: Sequence[Record], came: int, field: str) -> list[tuple[Record, int]]:
    """How many of what came each part gets; Invalid names the field when more came than was ordered."""
    shares, left = [], came
    for part in parts:
        if n := min(left, part["quantity"] - part["done"]):
            shares.append((part, n))
            left -= n
    if left:
        raise Invalid(fields={field: N_("More came than this purchase still waits for.")})
    return shares


async def _locked(tx: Connection, number: int, version: int | None, *states: State) -> Record:
    row: Record | None = await tx.fetchrow("select * from purchases where number = $1 for update", number)
    if row is None:
        raise NotFound()
    if version is not None and version != row["version"]:
        raise Stale(_CHANGED, state=row["state"])
    if row["state"] not in states:
        raise Conflict(_NOT_NOW[State(row["state"])], state=row["state"])
    return row


async def _change(
    tx: Connection, actor: Actor, row: Record, action: str, cells: Mapping[str, object], note: str = "",
    told: Mapping[str, object] | None = None,
) -> None:  # fmt: skip
    sets = "".join(f", {column} = ${i}" for i, column in enumerate(cells, start=2))
    after = await tx.fetchrow(
        f"update purchases set version = version + 1{sets} where id = $1 returning *",  # noqa: S608 - names of ours
        row["id"], *cells.values(),
    )  # fmt: skip
    assert after is not None
    changed = differences(row, after)
    await record(
        tx, by=actor, action=action, kind=KIND, subject=row["id"], name=shown_number(row["number"]), site=None, reason=note,
        before=changed["before"], after={**changed["after"], **(told or {})},
    )  # fmt: skip
