"""The verbs of answering a request in parts: split, say that a part is done, take a part back; arrivals follow by themselves.

Stock and transfers go as transfers, whose receiver says what arrived: the part and the line follow in the same
transaction. What is bought waits for a purchase, see `purchases`. PostgreSQL refuses what would promise too much.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from asyncpg import Record

from assets.access.actor import SYSTEM, Actor
from assets.access.permissions import Action
from assets.clock import LOCAL_ZONE
from assets.db import Connection, transaction
from assets.equipment_requests.arrivals import complete, end, give, wanted_no_more
from assets.equipment_requests.asking import LineKind
from assets.equipment_requests.fulfilment import Candidate
from assets.equipment_requests.sources import donors, ledgers, to_spare
from assets.equipment_requests.splitting import BY_HAND, OPEN, PartState, Wanted, Way, faults
from assets.equipment_requests.steps import Doing, Filed, in_own_words, judged, lines_for, locked, shown_number, take
from assets.equipment_requests.stock import candidates, outstanding
from assets.equipment_requests.workflow import Step
from assets.errors import Conflict, Invalid, NotFound
from assets.ids import new_id
from assets.inventory import service as inventory
from assets.inventory.editing import edit as edit_thing
from assets.inventory.holding import refuse_promised
from assets.inventory.kinds import CAPABILITIES
from assets.inventory.lifecycle import Stage
from assets.inventory.stock.ledger import Act
from assets.inventory.stock.service import Movement
from assets.inventory.stock.shipments import ship
from assets.inventory.things import NewCapability, add_capability
from assets.inventory.transfers.service import LINES_MAX, NewTransfer, cancel, draft
from assets.monitoring.declarations import Kind, Said, declare
from assets.readiness.service import request_recompute
from assets.text import clean, clean_block, clean_code, overlong
from assets.web.language import N_, translate
from assets.web.words import word

NOTE_MAX = 500
PARTS_MAX = 40  # of one line at once
HELD = frozenset({Stage.IN_USE, Stage.IN_STOCK, Stage.IN_REPAIR})


async def split(
    actor: Actor, ref: str, wanted: Mapping[int, Sequence[Wanted]], doing: Doing, *, now: datetime
) -> Filed:
    """Answer lines (by position) in parts; all of it or nothing.

    Invalid names each wrong part as `parts.<position>.<index>.<field>`; Conflict when the stock was given away meanwhile.
    What comes from a store is sent at once, what another site gives waits there as a draft transfer.
    """
    async with transaction(actor.scope) as tx:
        row = await locked(tx, actor, ref)
        judged(actor, row, Step.SPLIT, doing)
        if not await tx.fetchval("select open from sites where id = $1", row["site"]):
            raise Conflict(N_("This site is closed."), state=row["state"])
        actor = actor.within(Action.FULFIL_REQUEST)
        lines = await lines_for(tx, row["id"])
        _check(lines, wanted)
        work = _Answer(tx, actor, row, now)
        await work.lock_sites(wanted)
        for line in lines:
            for index, part in enumerate(wanted.get(line["position"], ())):
                await work.answer(line, index, part)
        await work.send()
        whole = await complete(tx, row["id"])
        said = in_own_words(doing, "; ".join(work.said))
        return await take(
            tx, actor, row, Step.SPLIT, said, now=now, complete=whole, lines=({"parts": []}, {"parts": work.said})
        )


def _check(lines: Sequence[Record], wanted: Mapping[int, Sequence[Wanted]]) -> None:
    by_position = {line["position"]: line for line in lines}
    wrong = {f"parts.{p}": N_("The request has no such line.") for p in wanted if p not in by_position}
    for position, parts in wanted.items():
        if len(parts) > PARTS_MAX:
            wrong[f"parts.{position}"] = N_("There are too many lines at once.")
        elif position in by_position:
            line = by_position[position]
            found = faults(LineKind(line["kind"]), outstanding(line), parts)
            wrong |= {f"parts.{position}.{i}.{field}": said for i, (field, said) in found.items()}
            wrong |= overlong({f"parts.{position}.{i}.note": (part.note, NOTE_MAX) for i, part in enumerate(parts)})
    if not any(wanted.values()):
        wrong["parts"] = N_("Nothing was chosen.")
    if wrong:
        raise Invalid(fields=wrong)


@dataclass(frozen=True)
class _Leaving:
    """An asset that leaves its site, for which part of which line."""

    line: Record
    part: Wanted
    asset: UUID
    tag: str


class _Answer:
    """The parts of one split as they are written; assets are gathered by the site that they leave."""

    def __init__(self, tx: Connection, actor: Actor, row: Record, now: datetime) -> None:
        self.tx, self.actor, self.row, self.now = tx, actor, row, now
        self.leaving: dict[UUID, list[_Leaving]] = {}  # by site
        self.said: list[str] = []
        self.taken: set[str] = set()
        self.spared: dict[tuple[UUID, UUID], int] = {}  # site and category → pieces

    async def lock_sites(self, wanted: Mapping[int, Sequence[Wanted]]) -> None:
        """Hold the sites that things may come from, in one order: of two splits at once the second sees what is left."""
        parts = [part for some in wanted.values() for part in some]
        any_store = any(part.way is Way.STOCK and not part.from_site for part in parts)
        codes = [clean(part.from_site, 20) for part in parts if part.from_site]
        await self.tx.execute(
            "select from sites where code = any($1) or $2 and kind = 'store' order by id for no key update",
            codes, any_store,
        )  # fmt: skip

    async def answer(self, line: Record, index: int, part: Wanted) -> None:
        self.place = f"parts.{line['position']}.{index}"
        ways = {
            Way.STOCK: self._stock, Way.TRANSFER: self._transfer, Way.REPAIR: self._repair, Way.DECLINE: self._decline,
            Way.PURCHASE: self._plan, Way.GRANT: self._plan,
        }  # fmt: skip
        await ways[part.way](line, part)
        self.said.append(_told(part.quantity, line["name"], part.way))

    def _wrong(self, field: str, said: str) -> Invalid:
        return Invalid(fields={f"{self.place}.{field}": said})

    async def _stock(self, line: Record, part: Wanted) -> None:
        if line["kind"] == LineKind.CONSUMABLE:
            await self._poured(line, part)
            return
        named = [clean_code(tag) for tag in part.assets]
        chosen: list[Candidate] = []
        # What somebody sends by hand meanwhile is no longer there once it is locked: then the next ones are looked at.
        while left := part.quantity - len(chosen):
            there = await self._in_stores(line, part, named)
            if len(there) < left:
                await self._refuse_promised(named)
                raise Conflict(N_("The stores have nothing of what is still to be given."), state=self.row["state"])
            tags = [c.tag for c in there[:left]]
            for candidate in await candidates(self.tx, self.actor.scope, [line["category"]], lock=tags):
                chosen.append(candidate)
                self.taken.add(candidate.tag)
        for site in dict.fromkeys(c.site for c in chosen):
            self._leaves(line, part, site, [(c.asset, c.tag) for c in chosen if c.site == site])

    async def _in_stores(self, line: Record, part: Wanted, named: Sequence[str]) -> list[Candidate]:
        """What the stores have for a part, the best and longest waiting first, without what was taken for another."""
        found = await candidates(self.tx, self.actor.scope, [line["category"]], among=named, but=self.taken)
        free = [c for c in found if not part.from_site or c.site_code == part.from_site]
        return sorted(free, key=lambda c: (c.physical_state, c.stocked_at))

    async def _refuse_promised(self, tags: Sequence[str]) -> None:
        rows = await self.tx.fetch("select id from assets where tag = any($1) order by id", list(tags))
        await refuse_promised(self.tx, [row["id"] for row in rows])

    async def _transfer(self, line: Record, part: Wanted) -> None:
        site = await self._site(part.from_site)
        if line["kind"] == LineKind.CONSUMABLE:
            await self._poured(line, part)
            return
        if site["kind"] == "store":
            raise self._wrong("from_site", N_("What a store has comes from stock."))
        await self._keeps_minimum(line, part, site)
        named = [clean_code(tag) for tag in part.assets]
        rows = await to_spare(
            self.tx, site["id"], self.row["site"], line["category"], named, part.quantity + len(self.taken)
        )
        free = [r for r in rows if r["tag"] not in self.taken][: part.quantity]
        if len(free) < part.quantity:
            await self._refuse_promised(named)
            raise self._wrong("quantity", N_("The site cannot spare that many."))
        self.taken |= {thing["tag"] for thing in free}
        self._leaves(line, part, site["id"], [(thing["id"], thing["tag"]) for thing in free])

    async def _keeps_minimum(self, line: Record, part: Wanted, site: Record) -> None:
        day = self.now.astimezone(LOCAL_ZONE).date()
        found = await donors(self.tx, self.actor.scope, self.row["site"], [line["category"]], day)
        can = next((donor.spare for donor in found.get(line["category"], ()) if donor.site == site["id"]), 0)
        self.spared[site["id"], line["category"]] = self.spared.get((site["id"], line["category"]), 0) + part.quantity
        if self.spared[site["id"], line["category"]] > can:
            raise self._wrong("quantity", N_("The site cannot spare that many."))

    def _leaves(self, line: Record, part: Wanted, site: UUID, things: Iterable[tuple[UUID, str]]) -> None:
        of = self.leaving.setdefault(site, [])
        of += [_Leaving(line, part, asset, tag) for asset, tag in things]

    async def _site(self, code: str) -> Record:
        row = await self.tx.fetchrow("select id, code, kind from sites where code = $1 and open", clean(code, 20))
        if row is None or not self.actor.scope.sees(row["id"]) or row["id"] == self.row["site"]:
            raise self._wrong("from_site", N_("Choose the site that it comes from."))
        return row

    async def _poured(self, line: Record, part: Wanted) -> None:
        """A consumable leaves its ledger at once, and is given when the centre says how many came."""
        if part.from_site:
            await self._ship(line, part, await self._pourer(line, part), part.quantity)
            return
        stores = (await ledgers(self.tx, self.actor.scope, [line["consumable"]])).get(line["consumable"], [])
        left = part.quantity
        if sum(store["quantity"] for store in stores) < left:
            raise self._wrong("quantity", N_("The stores do not have that many."))
        for store in stores:
            if some := min(left, store["quantity"]):
                await self._ship(line, part, store["code"], some)
                left -= some

    async def _ship(self, line: Record, part: Wanted, source: str, quantity: int) -> None:
        consumable = await self.tx.fetchval("select code from consumables where id = $1", line["consumable"])
        site = await self.tx.fetchval("select code from sites where id = $1", self.row["site"])
        why = shown_number(self.row["number"])
        said = Movement(Act.TRANSFER, source, consumable, quantity, to_site=site, reason=why)
        shipment = await ship(self.actor, said, now=self.now)
        origin = await self.tx.fetchval("select id from sites where code = $1", source)
        made = await self._write(line, part, quantity, PartState.UNDER_WAY, from_site=origin)
        await self.tx.execute("update fulfilment_parts set shipment = $2 where id = $1", made, shipment)

    async def _pourer(self, line: Record, part: Wanted) -> str:
        """The code of the site that is named, if it is a store, or keeps its lowest stock of the consumable."""
        site = await self._site(part.from_site)
        if (site["kind"] == "store") is not (part.way is Way.STOCK):
            raise self._wrong("from_site", N_("Choose the site that it comes from."))
        spare = await self.tx.fetchval(
            "select k.quantity - case when $3 then 0 else coalesce(k.minimum, c.minimum) end from stock k "
            "join consumables c on c.id = k.consumable where k.site = $1 and k.consumable = $2 for update of k",
            site["id"], line["consumable"], part.way is Way.STOCK,
        )  # fmt: skip
        if (spare or 0) < part.quantity:
            raise self._wrong("quantity", N_("The site cannot spare that many."))
        code: str = site["code"]
        return code

    async def _repair(self, line: Record, part: Wanted) -> None:
        asset = line["asset"]
        if line["kind"] == LineKind.EQUIPMENT:
            tag = clean_code(part.assets[0]) if len(part.assets) == 1 == part.quantity else ""
            asset = await self.tx.fetchval(
                "select a.id from assets a join asset_models m on m.id = a.model where a.tag = $1 and a.site = $2 "
                "and m.category = $3 and (a.physical_state = 'broken' or a.stage = 'in_repair' or exists (select from "
                "declarations d where d.asset = a.id and d.kind = 'broken' and d.ended_at is null)) for update of a",
                tag, self.row["site"], line["category"],
            )  # fmt: skip
            if asset is None:
                raise self._wrong("assets", N_("Name the one broken asset of the centre that is repaired instead."))
        await _standing(self.tx, self.row, asset)
        if await self.tx.fetchval("select exists (select from fulfilment_parts where asset = $1 and state = any($2))",
                                  asset, [str(state) for state in OPEN]):  # fmt: skip
            raise self._wrong("assets", N_("It is being repaired for a request already."))
        await self._write(line, part, part.quantity, PartState.UNDER_WAY, asset=asset)

    async def _plan(self, line: Record, part: Wanted) -> None:
        await self._write(line, part, part.quantity, PartState.PLANNED)

    async def _decline(self, line: Record, part: Wanted) -> None:
        await self._write(line, part, part.quantity, PartState.DONE)
        await self.tx.execute(
            "update equipment_request_lines set declined = declined + $2 where id = $1", line["id"], part.quantity
        )

    async def _write(
        self, line: Record, part: Wanted, quantity: int, state: PartState, *, from_site: UUID | None = None,
        asset: UUID | None = None,
    ) -> UUID:  # fmt: skip
        done = quantity if state is PartState.DONE else 0
        made: UUID = await self.tx.fetchval(
            "insert into fulfilment_parts (id, line, way, state, quantity, done, from_site, asset, note, created_at, "
            "created_by, ended_at) values ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12) returning id",
            new_id(), line["id"], part.way, state, quantity, done, from_site, asset, clean_block(part.note, NOTE_MAX),
            self.now, self.actor.name, self.now if done else None,
        )  # fmt: skip
        return made

    async def send(self) -> None:
        """Each site's assets as one transfer: a store's leaves at once, another site's is a draft that it sends.

        What is more than a transfer can hold goes in several.
        """
        to = await self.tx.fetchval("select code from sites where id = $1", self.row["site"])
        for site, things in self.leaving.items():
            origin = await self.tx.fetchrow("select code, kind from sites where id = $1", site)
            assert origin is not None
            for start in range(0, len(things), LINES_MAX):
                await self._send(site, origin, to, things[start : start + LINES_MAX])

    async def _send(self, site: UUID, origin: Record, to: str, things: Sequence[_Leaving]) -> None:
        why = shown_number(self.row["number"])
        new = NewTransfer(
            origin["code"], to, [thing.tag for thing in things], reason=why, send=origin["kind"] == "store"
        )
        number = await draft(self.actor, new, now=self.now)
        state = PartState.UNDER_WAY if new.send else PartState.PLANNED
        for part in dict.fromkeys((thing.line["id"], id(thing.part)) for thing in things):
            mine = [thing for thing in things if (thing.line["id"], id(thing.part)) == part]
            made = await self._write(mine[0].line, mine[0].part, len(mine), state, from_site=site)
            await self.tx.execute(
                "update fulfilment_parts set transfer = (select id from transfers where number = $2), pieces = $3 "
                "where id = $1", made, number, [thing.asset for thing in mine],
            )  # fmt: skip


def _told(quantity: int, name: str, way: str) -> str:
    """A part in the story of its request, which is Vietnamese as what people write in it."""
    return f"{quantity} × {name}: {translate('vi', word('fulfilment_way', way)).lower()}"


async def finish(actor: Actor, part: UUID, *, now: datetime) -> Filed:
    """Say that a repair is done or a capability is granted; Conflict for what ends by itself or is over."""
    async with transaction(actor.scope) as tx:
        found, row = await _part(tx, actor, part)
        actor = actor.within(Action.FULFIL_REQUEST)
        if found["way"] not in BY_HAND or found["state"] not in OPEN:
            raise Conflict(N_("This part cannot be ended by hand."), state=row["state"])
        left = found["quantity"] - found["done"]
        if found["way"] == Way.GRANT:
            await _granted(tx, actor, row, found, now)
        else:
            await _repaired(tx, actor, row, found, now)
        await tx.execute(
            "update fulfilment_parts set state = 'done', done = quantity, ended_at = $2 where id = $1", part, now
        )
        await give(tx, found["line"], left)
        return await _onward(tx, actor, row, _told(left, found["name"], found["way"]), now, action="finish")


async def take_back(actor: Actor, part: UUID, *, now: datetime) -> Filed:
    """Take back what is still open of a part: it is to be answered anew. What is on its way is ended by its transfer."""
    async with transaction(actor.scope) as tx:
        found, row = await _part(tx, actor, part)
        actor = actor.within(Action.FULFIL_REQUEST)
        if found["state"] not in OPEN:
            raise Conflict(N_("This part is over already."), state=row["state"])
        if found["transfer"] is not None:
            raise Conflict(N_("It is on its way: cancel or refuse the transfer."), state=row["state"])
        if found["shipment"] is not None:
            raise Conflict(N_("It is on its way: its sender can call it back."), state=row["state"])
        await end(tx, found, now)
        return await _onward(
            tx,
            actor,
            row,
            _told(found["quantity"] - found["done"], found["name"], found["way"]),
            now,
            action="take_back",
        )


async def wait_no_more(tx: Connection, actor: Actor, row: Record, now: datetime) -> None:
    """Nothing is bought, repaired or sent any more for a request that is over; what is on its way still arrives."""
    ended = await tx.fetch(
        "update fulfilment_parts p set state = case when done > 0 then 'done' else 'cancelled' end, "
        "quantity = case when done > 0 then done else p.quantity end, ended_at = $2 "
        "from equipment_request_lines l where l.id = p.line and l.request = $1 and coalesce(p.transfer, p.shipment) is null "
        "and p.state in ('planned', 'under_way') returning p.purchase", row["id"], now,
    )  # fmt: skip
    await wanted_no_more(tx, {part["purchase"] for part in ended}, now)
    drafts = await tx.fetch(
        "select distinct t.number from transfers t join fulfilment_parts p on p.transfer = t.id "
        "join equipment_request_lines l on l.id = p.line where l.request = $1 and t.state = 'draft'", row["id"],
    )  # fmt: skip
    by = replace(SYSTEM, id=actor.id, name=actor.name)  # it was made for this request alone
    for draft_ in drafts:
        await cancel(by, draft_["number"], shown_number(row["number"]), now=now)


async def _part(tx: Connection, actor: Actor, part: UUID) -> tuple[Record, Record]:
    """An open part with its line, and its request, locked, for whoever gives."""
    request = await tx.fetchval(
        "select l.request from fulfilment_parts p join equipment_request_lines l on l.id = p.line where p.id = $1", part
    )
    if request is None:
        raise NotFound()
    row = await locked(tx, actor, str(request))
    judged(actor, row, Step.SPLIT, Doing())
    found = await tx.fetchrow(
        "select p.*, l.name, l.capability, l.application, l.holder_post from fulfilment_parts p "
        "join equipment_request_lines l on l.id = p.line where p.id = $1 for update of p", part,
    )  # fmt: skip
    assert found is not None
    return found, row


async def _granted(tx: Connection, actor: Actor, row: Record, part: Record, now: datetime) -> None:
    day = now.astimezone(LOCAL_ZONE).date()
    if await tx.fetchval(
        "select exists (select from capabilities where site = $1 and kind = $2 and application is not distinct from $3 "
        "and holder_post = $4 and title = $5 and status = 'issued')",
        row["site"], part["capability"], part["application"], part["holder_post"], part["name"][:160],
    ):  # fmt: skip
        return  # whoever asked has it already
    known = await tx.fetchrow(
        "select id, version from capabilities where site = $1 and kind = $2 and application is not distinct from $3 "
        "and holder_post in ($4, '') and status <> 'issued' order by holder_post desc limit 1 for update",
        row["site"], part["capability"], part["application"], part["holder_post"],
    )  # fmt: skip
    if known is not None:
        cells = {"status": "issued", "since": day, "holder_post": part["holder_post"]}
        await edit_thing(
            actor, CAPABILITIES.resource, cells, version=known["version"], now=now, thing=known["id"],
            reason=shown_number(row["number"]),
        )  # fmt: skip
        return
    site = await tx.fetchval("select code from sites where id = $1", row["site"])
    application = await tx.fetchval("select code from applications where id = $1", part["application"])
    new = NewCapability(
        site, part["capability"], part["name"][:160], "issued", application or "", part["holder_post"], since=day,
        note=shown_number(row["number"]),
    )  # fmt: skip
    await add_capability(actor, new)


async def _repaired(tx: Connection, actor: Actor, row: Record, part: Record, now: datetime) -> None:
    asset = await _standing(tx, row, part["asset"])
    why = shown_number(row["number"])
    if asset["stage"] == Stage.IN_REPAIR:
        await inventory.move_stage(actor, asset["tag"], Stage.IN_USE, why=why, now=now)
    if asset["physical_state"] == "broken":
        version = await tx.fetchval("select version from assets where id = $1", asset["id"])
        await inventory.edit(actor, asset["tag"], {"physical_state": "good"}, version=version, now=now)
    await inventory.write_event(tx, asset["id"], asset["site"], "repaired", why, actor, now)
    if await _said_broken(tx, asset["id"]):
        site = await tx.fetchval("select code from sites where id = $1", asset["site"])
        by = replace(SYSTEM, id=actor.id, name=actor.name)  # whoever ends a repair says with that that it works
        await declare(by, Said(site, Kind.WORKS, asset["tag"], why), now=now)


async def _standing(tx: Connection, row: Record, asset: UUID) -> Record:
    """An asset that is to be repaired, locked; Conflict when it no longer stands at the centre that asked."""
    found = await tx.fetchrow("select * from assets where id = $1 for update", asset)
    if found is None or found["site"] != row["site"] or found["stage"] not in HELD:
        raise Conflict(N_("It no longer stands at the centre."), state=row["state"])
    return found


async def _said_broken(tx: Connection, asset: UUID) -> bool:
    found: bool = await tx.fetchval(
        "select exists (select from declarations where asset = $1 and kind = 'broken' and ended_at is null)", asset
    )
    return found


async def _onward(tx: Connection, actor: Actor, row: Record, note: str, now: datetime, action: str = "") -> Filed:
    """Where a request stands after one of its parts moved."""
    await request_recompute(tx, [row["site"]])
    return await take(
        tx, actor, row, Step.SPLIT, Doing(note), now=now, complete=await complete(tx, row["id"]), named=action
    )
