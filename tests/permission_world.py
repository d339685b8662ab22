"""Two communes with one of everything, the principals that stand before them, and how each route is called.

`OWN` is the commune of everybody whose grant is for a unit or a site, `FOREIGN` the other one. What is at a site carries
that site's code in its name, so that an answer shows whose it is.
"""

import io
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx2
from pydantic import SecretStr

from assets import clock, db
from assets.access import service as access
from assets.access.actor import SYSTEM
from assets.access.permissions import Action, Role
from assets.access.service import NewGrant, NewUser
from assets.access.tokens import NewToken, create_token
from assets.equipment_requests import parts, purchases
from assets.equipment_requests import service as requests
from assets.equipment_requests.approval_rules import service as approval_rules
from assets.equipment_requests.service import Asked, Doing, Filing
from assets.equipment_requests.splitting import Wanted as Split
from assets.equipment_requests.splitting import Way
from assets.equipment_requests.workflow import Step
from assets.equipment_requests.working_calendar import service as working_calendar
from assets.equipment_requests.working_calendar.working_time import EXAMPLE, DayKind
from assets.ids import new_id
from assets.incidents.faults import kinds as fault_kinds
from assets.incidents.faults import service as faults
from assets.inventory import custom_fields, things, wear_rates
from assets.inventory import service as inventory
from assets.inventory.agents import protocol
from assets.inventory.agents import service as agents
from assets.inventory.attachments import service as attachments
from assets.inventory.attachments.upload import Sent
from assets.inventory.batches import service as batches
from assets.inventory.batches.planning import Wanted
from assets.inventory.disposal import service as disposal
from assets.inventory.kits import norm_book
from assets.inventory.kits import service as kits
from assets.inventory.kits.allowance import What
from assets.inventory.labels import service as labels
from assets.inventory.observed import proposals
from assets.inventory.observed import service as observed
from assets.inventory.observed.identity import Likeness
from assets.inventory.stock import consumables, shipments
from assets.inventory.stock import service as stock
from assets.inventory.stock.ledger import Act
from assets.inventory.stocktakes import service as stocktakes
from assets.inventory.transfers import hand_over
from assets.inventory.transfers import service as transfers
from assets.inventory.transfers.hand_over import Side
from assets.inventory.values import Type
from assets.monitoring import collectors, credentials, declarations, targets
from assets.papers.grids import PRESETS
from assets.papers.labels import Offset
from assets.places import changes, rooms
from assets.places import service as places
from assets.places.succession import Kind
from assets.probing.contract import Community, Order, OrderKind
from tests import pictures
from tests.conftest import House
from tests.inventories import PC, as_json, pc
from tests.papers import docx_template

OWN, FOREIGN = "21025", "21028"
PASSWORD = "hop-giay-con-meo-xanh"
# Column of the table → role, and unit or site of its grant (none: the province).
GRANTED: dict[str, tuple[Role, dict[str, str]]] = {
    "administrator": (Role.ADMINISTRATOR, {}),
    **{
        f"{role}{suffix}": (role, place)
        for role in (
            Role.PROVINCE_IT, Role.ON_CALL, Role.APPROVER, Role.STOREKEEPER, Role.ACCOUNTANT, Role.INSPECTOR, Role.SERVICE,
        )
        for suffix, place in (("", {}), ("@unit", {"unit": OWN}))
    },
    "director@unit": (Role.DIRECTOR, {"unit": OWN}),
    "clerk@unit": (Role.CLERK, {"unit": OWN}),
    "clerk@site": (Role.CLERK, {"site": OWN}),
}  # fmt: skip
# And those that are made in another way: see `principals`.
OTHERS = ("nobody", "collector", "ended", "reader", "clerk@unit+inspector")


@dataclass
class There:
    """What stands at one of the two communes."""

    site: str
    asset: str = ""
    spare: str = ""
    link: str = ""
    capability: UUID = field(default_factory=new_id)
    batch: int = 0
    undoable: int = 0
    target: UUID = field(default_factory=new_id)
    incident: int = 0
    declaration: UUID = field(default_factory=new_id)
    notification: UUID = field(default_factory=new_id)
    subscription: UUID = field(default_factory=new_id)
    stock: UUID = field(default_factory=new_id)
    movement: UUID = field(default_factory=new_id)
    shipment: UUID = field(default_factory=new_id)
    agent: UUID = field(default_factory=new_id)
    difference: UUID = field(default_factory=new_id)
    proposal: UUID = field(default_factory=new_id)
    attachment: UUID = field(default_factory=new_id)
    room: UUID = field(default_factory=new_id)
    requests: dict[str, int] = field(default_factory=dict)
    parts: dict[str, UUID] = field(default_factory=dict)
    purchases: dict[str, int] = field(default_factory=dict)
    transfers: dict[str, int] = field(default_factory=dict)
    grid: UUID = field(default_factory=new_id)
    printer: UUID = field(default_factory=new_id)
    stocktakes: dict[str, int] = field(default_factory=dict)
    report: UUID = field(default_factory=new_id)
    address: UUID = field(default_factory=new_id)
    confirming: UUID = field(default_factory=new_id)


@dataclass
class World:
    """Both communes, and what belongs to the province."""

    own: There
    foreign: There
    model: UUID
    category: UUID
    own_field: UUID
    rate: UUID
    saved: UUID
    norm: UUID
    rule: UUID
    change: UUID
    channel: UUID
    collector: UUID
    order: UUID
    session: UUID
    token: UUID
    grant: UUID
    step: UUID
    delegation: UUID
    credential: UUID

    def at(self, place: str) -> There:
        """One of the two."""
        return self.foreign if place == "foreign" else self.own


async def build(house: House) -> World:
    """Fill the two centres of a House."""
    now = clock.now()
    await things.add_default_categories(SYSTEM)
    await fault_kinds.add_default_kinds(SYSTEM)
    model = await things.add_model(SYSTEM, things.NewModel("printer", "Canon", "LBP"))
    rate = await wear_rates.add_rate(SYSTEM, wear_rates.NewRate("printer", 5, date(2025, 1, 1)))
    rule = await disposal.add_rule(SYSTEM, disposal.NewRule(30, date(2025, 7, 1)))
    new_unit = changes.NewUnit("29999", "Xã Mới", "commune")
    change = await changes.record_change(
        SYSTEM, changes.NewChange(Kind.NEW, date(2026, 1, 1), "1/NQ", (new_unit,)), today=now.date()
    )
    await things.add_application(SYSTEM, things.NewApplication("igate", "iGate"))
    category = await custom_fields.add_category(SYSTEM, custom_fields.NewCategory("tent", "Lều"))
    own_field = await custom_fields.add_field(SYSTEM, custom_fields.NewField("ports", "Số cổng", Type.INTEGER))
    await kits.add_kit(SYSTEM, kits.NewKit("centre", "K", "centre", lines=[kits.NewLine(What.CATEGORY, "printer")]))
    norm = await norm_book.add_norm(
        SYSTEM, norm_book.NewNorm("printer", ["printer"], "Máy in", 1, date(2025, 7, 1), "QĐ 15/2025/QĐ-TTg")
    )
    await consumables.add_consumable(SYSTEM, consumables.NewConsumable("CF259A", "Hộp mực", "hộp", models=[model]))
    await access.add_user(SYSTEM, NewUser("asker", Role.CLERK, PASSWORD, "Bà A", unit=OWN, must_change=False))
    await access.give_grant(SYSTEM, "asker", NewGrant(Role.CLERK, FOREIGN), now=now)
    await collectors.enrol(SYSTEM, None, now=now)
    async with db.transaction(db.EVERYTHING) as tx:
        saved = await tx.fetchval(  # of somebody else, and not shared
            "insert into saved_filters (id, owner, resource, name, query, shared, created_at, version) "
            "select $1, id, 'assets', 'x', '', false, now(), 1 from users where name = 'asker' returning id", new_id(),
        )  # fmt: skip
    own, foreign = [await _there(code, model) for code in (OWN, FOREIGN)]
    async with db.transaction(db.EVERYTHING) as tx:
        channel = new_id()
        await tx.execute(
            "insert into channels (id, name, url, scheme, language, enabled, last_error, version) "
            "values ($1,'mail',$2,'mailtos','vi',true,'',1)", channel,
            house.parts.vault.seal("mailtos://a:b@127.0.0.1", bound_to=f"channels.url:{channel}"),
        )  # fmt: skip
        for there in (own, foreign):
            site = await tx.fetchval("select id from sites where code = $1", there.site)
            await tx.execute(
                "insert into subscriptions (id, channel, site, kinds, severity, version) values ($1,$2,$3,'[]','critical',1)",
                there.subscription, channel, site,
            )  # fmt: skip
            incident = await tx.fetchval("select id from incidents where number = $1", there.incident)
            await tx.execute(
                "insert into notifications (id, subject_kind, subject, change, channel, site, state, facts, created_at, "
                "next_attempt_at) values ($1,'incident',$2,'opened',$3,$4,'sent','{}',$5,$5)",
                there.notification, incident, channel, site, now,
            )  # fmt: skip
        collector = await tx.fetchval("select id from collectors")
    order = Order(
        id=new_id(), kind=OrderKind.PROBE_NOW, deadline=now + timedelta(hours=1), target=own.target
    )  # fmt: skip
    await collectors.order(SYSTEM, collector, order, now=now)
    session, token, grant = await _account(house)
    step, delegation = await _approval(now)
    return World(
        own,
        foreign,
        model,
        category,
        own_field,
        rate,
        saved,
        norm,
        rule,
        change,
        channel,
        collector,
        order.id,
        session,
        token,
        grant,
        step,
        delegation,
        await _credential(house, own, foreign),
    )


async def _credential(house: House, own: There, foreign: There) -> UUID:
    """A credential that is tried everywhere, and what looking at a target of each commune has cost."""
    made = await credentials.add_credential(
        SYSTEM, "Thử", Community(id=new_id(), community=SecretStr("word")), vault=house.parts.vault
    )  # fmt: skip
    await credentials.set_order(SYSTEM, [made])
    async with db.transaction(db.EVERYTHING) as tx:
        await tx.executemany(
            "insert into traffic_days (target, day, octets, packets, looks) values ($1, $2, 900, 4, 1)",
            [(there.target, clock.today()) for there in (own, foreign)],
        )
    return made


async def _approval(now: datetime) -> tuple[UUID, UUID]:
    """Two steps, a delegation between others, somebody who may stand in for everybody, and a calendar with a holiday."""
    roles = ("administrator", "approver", "province_it")
    step = await approval_rules.add_step(SYSTEM, approval_rules.NewStep("Xem xét", roles))
    await approval_rules.add_step(SYSTEM, approval_rules.NewStep("Phê duyệt", roles, position=2))
    deputy = await access.add_user(SYSTEM, NewUser("deputy", Role.INSPECTOR, PASSWORD, "Bà D", must_change=False))
    delegation = new_id()
    async with db.transaction(db.EVERYTHING) as tx:
        await tx.execute(
            "insert into delegations (id, from_user, to_user, from_on, until_on, reason, created_at, withdrawn_by) "
            "select $1, id, $2, '2098-01-01', '2098-01-02', '', $3, '' from users where name = 'asker'",
            delegation, deputy, now,
        )  # fmt: skip
    new_year = working_calendar.Day(date(2027, 1, 1), DayKind.HOLIDAY, "Nghỉ")
    await working_calendar.set_calendar(SYSTEM, EXAMPLE.shifts, [new_year], version=0)
    return step, delegation


async def _there(code: str, model: UUID) -> There:
    now, store = clock.now(), f"KHO-{code}"
    there = There(code, f"A-{code}", f"S-{code}", f"L-{code}")
    await places.create_site(SYSTEM, unit=code, code=store, kind="store", name=f"Kho {code}")
    await places.count_heads(SYSTEM, code, 5, as_of=now.date())
    await inventory.register(
        SYSTEM,
        inventory.NewAsset(
            there.asset,
            model,
            code,
            serial=f"SN-{code}",
            room=f"Quầy {code}",
            original_cost=12_000_000,
            physical_state=inventory.PhysicalState.BROKEN,
        ),
        now=now,
    )
    there.room = await rooms.add_room(SYSTEM, rooms.NewRoom(code, f"Kho {code}"))
    for tag in (there.spare, f"T-{code}", f"U-{code}", f"V-{code}"):
        await inventory.register(
            SYSTEM, inventory.NewAsset(tag, model, store, stage=inventory.Stage.IN_STOCK), now=now
        )  # fmt: skip
    # The centre is being counted, its store has been closed.
    for where, state in ((code, "open"), (store, "closed")):
        new_one = stocktakes.New(where, f"Kiểm kê {where}")
        there.stocktakes[state] = await stocktakes.open_stocktake(SYSTEM, new_one, now=now)
        tag = there.asset if state == "open" else there.spare
        await stocktakes.scan(SYSTEM, str(there.stocktakes[state]), [stocktakes.Seen(tag, new_id())], now=now)
    await stocktakes.close(SYSTEM, str(there.stocktakes["closed"]), now=now)
    there.grid = await labels.add_grid(SYSTEM, f"Giấy {code}", PRESETS["a4-70x37"], site=code)
    there.printer = await labels.add_printer(SYSTEM, f"Máy in {code}", Offset(1, 1), site=code)
    paper = Sent(io.BytesIO(pictures.PDF), f"{code}.pdf")
    there.attachment = await attachments.attach(SYSTEM, "asset", there.asset, paper, now=now)
    await disposal.quote(SYSTEM, there.asset, disposal.NewQuotation(5_000_000, f"Sửa {code}", now.date()), now=now)
    await things.add_link(SYSTEM, things.NewLink(there.link, code, "fibre", f"VNPT {code}"))
    there.capability = await things.add_capability(
        SYSTEM,
        things.NewCapability(code, "account", f"Tài khoản {code}", "issued", "igate", expires_on=date(2099, 1, 1)),
    )
    async with db.transaction(db.EVERYTHING) as tx:
        site = await tx.fetchval("select id from sites where code = $1", code)
    here = replace(SYSTEM, scope=db.Scope.of_sites([site]))
    rows = [Wanted({"tag": there.asset, "note": "Kiểm kê"})]
    there.batch = await batches.plan_rows(here, "assets", rows, title=f"Sửa {code}", now=now)
    there.undoable = await batches.plan_rows(
        here,
        "assets",
        [Wanted({"tag": there.asset, "national_code": "1"})],
        title=f"Mã {code}",
        now=now,
        apply_at_once=True,
    )
    for tag, state in ((f"U-{code}", "draft"), (f"V-{code}", "sent")):
        new = transfers.NewTransfer(store, code, [tag], send=state == "sent")
        there.transfers[state] = await transfers.draft(SYSTEM, new, now=now)
    there.target = await targets.add_target(
        SYSTEM, targets.NewTarget("127.0.0.9", "snmp", 161, asset_tag=there.asset)
    )  # fmt: skip
    said = declarations.Said(code, declarations.Kind.BROKEN, there.asset, f"kẹt giấy {code}")
    there.declaration = await declarations.declare(SYSTEM, said, now=now)
    async with db.transaction(db.EVERYTHING) as tx:
        site = await tx.fetchval("select id from sites where code = $1", code)
        incident = new_id()
        there.incident = await tx.fetchval("select nextval('incident_numbers')")
        await tx.execute(
            "insert into incidents (id, number, kind, severity, state, site, subject_kind, subject, subject_name, asset_tag, "
            "reason, opened_at, version) values ($1,$2,'device','critical','open',$3,'target',$4,$5,$6,'does not answer',$7,1)",
            incident, there.incident, site, there.target, f"printer {code}", there.asset, now,
        )  # fmt: skip
        await tx.execute(
            "insert into incident_events (id, incident, at, kind, text) values ($1,$2,$3,'opened',$4)",
            new_id(), incident, now, f"opened {code}",
        )  # fmt: skip
        for table, what in (("maintenance_windows", "title"), ("silences", "reason")):
            await tx.execute(
                f"insert into {table} (id, site, {what}, starts_at, ends_at) values ($1,$2,$3,$4,$5)",
                new_id(), site, f"work {code}", now, now + timedelta(hours=1),
            )  # fmt: skip
        await tx.execute(
            "insert into readiness (site, verdict, since, reasons, computed_at) values ($1,'able',$2,'[]',$2)",
            site,
            now,
        )
        await tx.execute(
            "insert into condition_changes (id, target, site, at, before, after, reason) "
            "values ($1,$2,$3,$4,'up','down',$5)", new_id(), there.target, site, now, f"change {code}",
        )  # fmt: skip
        asker = await tx.fetchrow("select id, name from users where name = 'asker'")
    there.movement = await stock.move(SYSTEM, stock.Movement(Act.RECEIVE, code, "CF259A", 5), now=now)
    await stock.move(SYSTEM, stock.Movement(Act.RECEIVE, store, "CF259A", 2), now=now)
    sent = stock.Movement(Act.TRANSFER, store, "CF259A", 2, to_site=code, reason=f"gửi {code}")
    there.shipment = await shipments.ship(SYSTEM, sent, now=now)
    await norm_book.count_posts(SYSTEM, code, "VIII", 5, as_of=date(2026, 1, 1))
    async with db.transaction(db.EVERYTHING) as tx:
        there.stock = await tx.fetchval("select stock from stock_movements where id = $1", there.movement)
    await _seen(there)
    there.report = await faults.report(SYSTEM, there.asset, faults.NewReport("other", f"hỏng {code}"), now=now)
    issuer = replace(SYSTEM, id=asker["id"])
    there.address = (await faults.issue_address(issuer, there.asset, timedelta(days=7), now=now)).id
    lasting = timedelta(days=7)
    there.confirming = (await hand_over.issue(issuer, there.transfers["sent"], Side.RECEIVER, lasting, now=now)).id
    for state in ("draft", "submitted", "returned", "approved", "fulfilled"):
        there.requests[state] = await _request(code, state, asker["id"])
    await _answered(there, asker["id"])
    return there


async def _answered(there: There, asker: UUID) -> None:
    """A request that is answered in parts: one is repaired, one waits to be bought, two are in purchases."""
    now, code = clock.now(), there.site
    by = replace(SYSTEM, id=asker, name="Bà A")
    filing = Filing([Asked("printer", 4)], f"thêm quầy {code}", site=code)
    number = there.requests["in_fulfilment"] = (await requests.file(by, filing, now=now)).number
    await requests.approve(SYSTEM, str(number), Doing(), now=now)
    bought = [Split(Way.PURCHASE, 1)] * 3
    wanted = {1: [Split(Way.REPAIR, 1, assets=(there.asset,)), *bought]}
    await parts.split(by, str(number), wanted, Doing(), now=now)
    async with db.transaction(db.EVERYTHING) as tx:
        rows = await tx.fetch(
            "select p.id, p.way from fulfilment_parts p join equipment_request_lines l on l.id = p.line "
            "join equipment_requests r on r.id = l.request where r.number = $1 order by p.way, p.id", number,
        )  # fmt: skip
    *waiting, there.parts["repair"] = [row["id"] for row in rows]
    there.parts["purchase"] = waiting[0]
    for part, state in zip(waiting[1:], ("planned", "ordered"), strict=True):
        new = purchases.NewPurchase(f"Mua cho {code}", [part])
        there.purchases[state] = await purchases.plan(SYSTEM, new, now=now)
    await purchases.order(SYSTEM, there.purchases["ordered"], purchases.Order("Công ty A"), now=now)


async def _seen(there: There) -> None:
    """A computer that nobody has registered, a serial number that differs, and two assets that may be one."""
    now, code = clock.now(), there.site
    content = pc(accountinfo=[{"keyname": "TAG", "keyvalue": code}], hardware={"name": f"PC-{code}", "uuid": ""},
                 bios={"ssn": f"AG-{code}"}, networks=[])  # fmt: skip
    message = protocol.read(as_json(content, f"PC-{code}"), "application/json")
    there.agent = await agents.report(SYSTEM, message, now=now) or there.agent
    async with db.transaction(db.EVERYTHING) as tx:
        asset, spare = [
            await tx.fetchval("select id from assets where tag = $1", t) for t in (there.asset, there.spare)
        ]
        await observed.observe(tx, asset, "agent", {"serial": [f"OTHER-{code}"]}, at=now)
        there.difference = await tx.fetchval("select id from observed_values where asset = $1", asset)
        await proposals.ask(tx, "merge", Likeness(70, (("same_serial", f"SN{code}"),)), now, asset=asset, other=spare)
        there.proposal = await tx.fetchval("select id from identity_proposals where asset = $1", asset)


async def _request(code: str, state: str, asker: UUID) -> int:
    by, now = replace(SYSTEM, id=asker, name="Bà A"), clock.now()
    filing = Filing([Asked("printer", 1)], f"cần cho {code}", site=code, send=state != "draft")
    filed = await requests.file(by, filing, now=now)
    ref = str(filed.number)
    if state == "returned":
        await requests.act(SYSTEM, ref, Step.RETURN, Doing("thiếu lý do"), now=now)
    if state in ("approved", "fulfilled"):
        await requests.approve(SYSTEM, ref, Doing(), now=now)
    if state == "fulfilled":
        await requests.fulfil(by, ref, Doing(), tags={1: [f"T-{code}"]}, now=now)
    return filed.number


async def _account(house: House) -> tuple[UUID, UUID, UUID]:
    """A session, a token and a grant of somebody whom managers may manage."""
    browser = house.client(Origin=house.settings.url)
    assert (await browser.post("/sign-in", data={"name": "asker", "password": PASSWORD})).status_code == 303
    await create_token(SYSTEM, NewToken("asker", "old"), now=clock.now())
    async with db.transaction(db.EVERYTHING) as tx:
        return (
            await tx.fetchval("select public_id from sessions limit 1"),
            await tx.fetchval("select id from tokens where title = 'old'"),
            await tx.fetchval("select id from grants order by created_at limit 1"),
        )


async def principals(house: House) -> dict[str, httpx2.AsyncClient]:
    """A client for each column of the table."""
    now = clock.now()
    found = {"nobody": house.client(), "collector": await house.collector(OWN)}
    for name, (role, place) in GRANTED.items():
        found[name] = await _person(house, name, role, place)
    found["clerk@unit+inspector"] = await _person(house, "both", Role.CLERK, {"unit": OWN})
    await access.give_grant(SYSTEM, "both", NewGrant(Role.INSPECTOR), now=now)
    found["ended"] = await _person(house, "ended", Role.PROVINCE_IT, {})
    limits = NewToken("administrator", "reader", actions=[Action.VIEW], sites=[OWN])
    found["reader"] = house.client(Authorization=f"Bearer {await create_token(SYSTEM, limits, now=now)}")
    async with db.transaction(db.EVERYTHING) as tx:
        await tx.execute(
            'update grants set ends_at = $1 where "user" = (select id from users where name = $2)',
            now - timedelta(seconds=1), "ended",
        )  # fmt: skip
    return found


async def _person(house: House, name: str, role: Role, place: Mapping[str, str]) -> httpx2.AsyncClient:
    login = name.replace("@", "-")
    await access.add_user(SYSTEM, NewUser(login, role, display_name=login, language="en", **place))
    token = await create_token(SYSTEM, NewToken(login), now=clock.now())
    return house.client(Authorization=f"Bearer {token}")


@dataclass(frozen=True)
class Call:
    """How a route is called: its address, and a body of JSON or of a form."""

    path: str
    json: Any = None
    files: Any = None
    form: Mapping[str, str] | None = None
    content: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes | None = None


Recipe = Callable[[World, There], Call]
IF_MATCH = {"If-Match": '"1"'}
IF_MATCH_TWO = {"If-Match": '"2"'}  # of an asset and of what was seen of it, added up


def _moment() -> str:
    return clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")


def _today() -> str:
    return clock.now().astimezone(clock.LOCAL_ZONE).date().isoformat()


def _quiet(there: There) -> dict[str, Any]:
    now = clock.now()
    return {"site": there.site, "title": "x", "starts_at": now.isoformat(), "ends_at": (now + timedelta(1)).isoformat()}


def _step(step: str, state: str, **body: Any) -> Recipe:
    return lambda w, t: Call(f"/api/v1/equipment-requests/{t.requests[state]}/{step}", json=body)


def _transfer(act: str, state: str, **body: Any) -> Recipe:
    return lambda w, t: Call(f"/api/v1/transfers/{t.transfers[state]}/{act}", json=body)


_STEP = {"name": "n", "roles": "approver", "place": "any", "position": "1", "hours": "9"}
_ASKED = {"method": "tcp", "address": "127.0.0.8", "port": "80", "interval_seconds": "60", "confirm": "2"}
_AWAY = {"deputy": "deputy", "from_on": "2099-01-01", "until_on": "2099-01-02"}


def _form(step: str, state: str, **fields: str) -> Recipe:
    return lambda w, t: Call(f"/equipment-requests/{t.requests[state]}/{step}", form=fields)


def _manage(tail: str, form: Mapping[str, str] | None = None) -> Recipe:
    return lambda w, t: Call(f"/people/asker/{tail.format(w=w)}", form=form or {})


# What a route needs that is more than its address: "VERB path" as the table has it → how it is called at a place.
RECIPES: dict[str, Recipe] = {
    "GET /api/v1/assets/{tag}?as_of": lambda w, t: Call(f"/api/v1/assets/{t.asset}?as_of={_moment()}"),
    "GET /api/v1/sites/{code}?as_of": lambda w, t: Call(f"/api/v1/sites/{t.site}?as_of={_moment()}"),
    "GET /assets/{tag}/as-of": lambda w, t: Call(f"/assets/{t.asset}/as-of?day={_today()}"),
    "GET /assets/{tag}/as-of.json": lambda w, t: Call(f"/assets/{t.asset}/as-of.json?day={_today()}"),
    "POST /api/v1/applications": lambda w, t: Call("", json={"code": "neu", "name": "N"}),
    "POST /api/v1/asset-models": lambda w, t: Call("", json={"category": "printer", "manufacturer": "M", "name": "N"}),
    "POST /api/v1/assets": lambda w, t: Call("", json={"tag": "NEW", "model": str(w.model), "site": t.site}),
    "PATCH /api/v1/assets/{tag}": lambda w, t: Call("", json={"note": "x"}, headers={"If-Match": '"2"'}),
    "POST /api/v1/assets/{tag}/stage": lambda w, t: Call("", json={"stage": "in_repair"}),
    "POST /api/v1/capabilities": lambda w, t: Call(
        "", json={"site": t.site, "kind": "account", "title": "x", "status": "waiting"}
    ),
    "POST /api/v1/channels": lambda w, t: Call("", json={"name": "n", "url": "mailtos://a:b@mail.example.org"}),
    "PATCH /api/v1/channels/{channel}": lambda w, t: Call("", json={"name": "x"}, headers=IF_MATCH),
    "DELETE /api/v1/channels/{channel}": lambda w, t: Call("", headers=IF_MATCH),
    "POST /api/v1/collectors/{collector}/orders": lambda w, t: Call(
        "", json={"kind": "probe_now", "target": str(t.target)}
    ),
    "POST /api/v1/declarations": lambda w, t: Call("", json={"site": t.site, "kind": "paper_mode"}),
    "POST /api/v1/equipment-requests": lambda w, t: Call(
        "", json={"site": t.site, "reason": "r", "lines": [{"category": "printer"}]}
    ),
    "POST /api/v1/equipment-requests/{ref}/amend": _step("amend", "draft", reason="r"),
    "POST /api/v1/equipment-requests/{ref}/submit": _step("submit", "draft"),
    "POST /api/v1/equipment-requests/{ref}/return": _step("return", "submitted", note="n"),
    "POST /api/v1/equipment-requests/{ref}/approve": _step("approve", "submitted"),
    "POST /api/v1/equipment-requests/{ref}/refuse": _step("refuse", "submitted", note="n"),
    "POST /api/v1/equipment-requests/{ref}/withdraw": _step("withdraw", "submitted"),
    "POST /api/v1/equipment-requests/{ref}/fulfil": lambda w, t: Call(
        f"/api/v1/equipment-requests/{t.requests['approved']}/fulfil", json={"assets": {"1": [t.spare]}}
    ),
    "POST /api/v1/equipment-requests/{ref}/close": _step("close", "fulfilled"),
    "GET /api/v1/equipment-requests/{ref}/answer": lambda w, t: Call(
        f"/api/v1/equipment-requests/{t.requests['approved']}/answer"
    ),
    "POST /api/v1/equipment-requests/{ref}/split": lambda w, t: Call(
        f"/api/v1/equipment-requests/{t.requests['approved']}/split", json={"parts": {"1": [{"way": "purchase"}]}}
    ),
    "POST /equipment-requests/{number}/split": lambda w, t: Call(
        f"/equipment-requests/{t.requests['approved']}/split", form={"purchase_1": "1"}
    ),
    "POST /api/v1/fulfilment-parts/{part}/finish": lambda w, t: Call(
        f"/api/v1/fulfilment-parts/{t.parts['repair']}/finish"
    ),
    "POST /api/v1/fulfilment-parts/{part}/take-back": lambda w, t: Call(
        f"/api/v1/fulfilment-parts/{t.parts['purchase']}/take-back"
    ),
    "GET /fulfilment-parts/{part}/{act}": lambda w, t: Call(f"/fulfilment-parts/{t.parts['repair']}/finish"),
    "POST /fulfilment-parts/{part}/{act}": lambda w, t: Call(
        f"/fulfilment-parts/{t.parts['repair']}/finish", form={}
    ),
    "POST /api/v1/transfers/{number}/hand-over-addresses": lambda w, t: Call("", json={"side": "receiver"}),
    "POST /transfers/{number}/hand-over-address": lambda w, t: Call("", form={"side": "receiver"}),
    "POST /transfers/{number}/hand-over-addresses/{address}/withdraw": lambda w, t: Call("", form={}),
    "POST /api/v1/purchases": lambda w, t: Call("", json={"title": "x", "parts": [str(t.parts["purchase"])]}),
    "POST /purchases/new": lambda w, t: Call("", form={"title": "x", "part": str(t.parts["purchase"])}),
    "GET /api/v1/purchases/{number}": lambda w, t: Call(f"/api/v1/purchases/{t.purchases['planned']}"),
    "GET /purchases/{number}": lambda w, t: Call(f"/purchases/{t.purchases['planned']}"),
    "GET /purchases/{number}.json": lambda w, t: Call(f"/purchases/{t.purchases['planned']}.json"),
    "POST /api/v1/purchases/{number}/order": lambda w, t: Call(
        f"/api/v1/purchases/{t.purchases['planned']}/order", json={"supplier": "A"}
    ),
    "POST /api/v1/purchases/{number}/arrive": lambda w, t: Call(
        f"/api/v1/purchases/{t.purchases['ordered']}/arrive",
        json={"store": f"KHO-{t.site}", "model": str(w.model), "serials": ["S-NEW"]},
    ),
    "POST /api/v1/purchases/{number}/cancel": lambda w, t: Call(
        f"/api/v1/purchases/{t.purchases['planned']}/cancel", json={"note": "n"}
    ),
    "POST /purchases/{number}/{act}": lambda w, t: Call(
        f"/purchases/{t.purchases['planned']}/order", form={"supplier": "A"}
    ),
    "POST /api/v1/links": lambda w, t: Call("", json={"tag": "NEW", "site": t.site, "kind": "fibre", "carrier": "c"}),
    "POST /api/v1/maintenance-windows": lambda w, t: Call("", json=_quiet(t)),
    "POST /api/v1/silences": lambda w, t: Call("", json=_quiet(t)),
    "POST /api/v1/observations": lambda w, t: Call(
        "", json={"buffer_id": str(new_id()), "sent_at": clock.now().isoformat(), "observations": []}
    ),
    "GET /api/v1/readings": lambda w, t: Call(f"/api/v1/readings?target={t.target}&reading=printer.pages"),
    "POST /api/v1/sites": lambda w, t: Call("", json={"unit": t.site, "code": "NEW", "kind": "store", "name": "n"}),
    "POST /api/v1/sites/{code}/head-counts": lambda w, t: Call("", json={"people": 6, "as_of": "2026-01-01"}),
    "POST /api/v1/subscriptions": lambda w, t: Call("", json={"channel": str(w.channel), "site": t.site}),
    "PATCH /api/v1/subscriptions/{subscription}": lambda w, t: Call("", json={"severity": "warning"}, headers=IF_MATCH),
    "DELETE /api/v1/subscriptions/{subscription}": lambda w, t: Call("", headers=IF_MATCH),
    "POST /api/v1/targets": lambda w, t: Call("", json={"address": "127.0.0.8", "method": "ping", "link": t.link}),
    "PATCH /api/v1/targets/{target}": lambda w, t: Call("", json={"port": 1161}, headers=IF_MATCH),
    "POST /api/v1/tokens": lambda w, t: Call("", json={"user": "asker"}),
    "POST /api/v1/users": lambda w, t: Call("", json={"name": "neu", "role": "clerk", "unit": t.site}),
    "PATCH /api/v1/users/{name}": lambda w, t: Call("", json={"post": "x"}, headers=IF_MATCH),
    "POST /api/v1/users/{name}/grants": lambda w, t: Call("", json={"role": "director", "unit": t.site}),
    "POST /account/tokens": lambda w, t: Call("", form={"title": "x", "days": "1"}),
    "POST /account/tokens/{token}/revoke": lambda w, t: Call("", form={}),
    "POST /account/sessions/{session}/end": lambda w, t: Call("", form={}),
    "POST /account/password": lambda w, t: Call("", form={"password": "x"}),
    "POST /account/second-factor": lambda w, t: Call("", form={"code": "1"}),
    "POST /api/v1/approval-steps": lambda w, t: Call("", json={"name": "n", "roles": ["approver"]}),
    "PATCH /api/v1/approval-steps/{step}": lambda w, t: Call("", json={"hours": 9}, headers=IF_MATCH),
    "DELETE /api/v1/approval-steps/{step}": lambda w, t: Call("", headers=IF_MATCH),
    "PATCH /api/v1/approval-settings": lambda w, t: Call("", json={"fulfil_hours": 9}, headers={"If-Match": '"0"'}),
    "GET /api/v1/category-costs/{category}": lambda w, t: Call("/api/v1/category-costs/printer"),
    "PATCH /api/v1/category-costs/{category}": lambda w, t: Call(
        "/api/v1/category-costs/printer", json={"unit_cost": 9}, headers={"If-Match": '"0"'}
    ),
    "POST /api/v1/delegations": lambda w, t: Call("", json=_AWAY),
    "PUT /api/v1/working-calendar": lambda w, t: Call(
        "", json={"shifts": [{"weekday": 1, "starts": "07:00", "ends": "11:00"}]}, headers=IF_MATCH
    ),
    "POST /equipment-requests/settings/steps": lambda w, t: Call("", form=_STEP),
    "POST /equipment-requests/settings/steps/{step}": lambda w, t: Call("", form={**_STEP, "version": "1"}),
    "POST /equipment-requests/settings/steps/{step}/remove": lambda w, t: Call("", form={"version": "1"}),
    "POST /equipment-requests/settings/general": lambda w, t: Call(
        "", form={"version": "0", "cost_source": "none", "seat": "", "fulfil_hours": "9"}
    ),
    "POST /equipment-requests/settings/costs": lambda w, t: Call(
        "", form={"unit_cost.printer": "9", "version.printer": "0"}
    ),
    "POST /delegations": lambda w, t: Call("", form=_AWAY),
    "POST /delegations/{delegation}/withdraw": lambda w, t: Call("", form={}),
    "POST /working-calendar/hours": lambda w, t: Call(
        "", form={"version": "1", "starts_1_0": "07:00", "ends_1_0": "11:00"}
    ),
    "POST /working-calendar/days": lambda w, t: Call("", form={"version": "1", "day": "2027-02-06", "kind": "holiday"}),
    "POST /working-calendar/days/{day}/remove": lambda w, t: Call("", form={"version": "1"}),
    "POST /equipment-requests/new": lambda w, t: Call(
        "", form={"site": t.site, "thing_1": "equipment:printer", "reason": "r", "key": str(new_id())}
    ),
    "GET /api/v1/equipment-request-catalogue": lambda w, t: Call(f"/api/v1/equipment-request-catalogue?site={t.site}"),
    "GET /api/v1/equipment-request-facts": lambda w, t: Call(
        f"/api/v1/equipment-request-facts?site={t.site}&thing=equipment:printer"
    ),
    "POST /api/v1/equipment-requests/{ref}/photos": lambda w, t: Call(
        f"/api/v1/equipment-requests/{t.requests['submitted']}/photos", files={"file": ("a.png", pictures.png())}
    ),
    "POST /equipment-requests/{number}/photos": lambda w, t: Call(
        f"/equipment-requests/{t.requests['submitted']}/photos", files={"photo": ("a.png", pictures.png())}
    ),
    "GET /equipment-requests/{number}/amend": lambda w, t: Call(f"/equipment-requests/{t.requests['draft']}/amend"),
    "POST /equipment-requests/{number}/amend": _form("amend", "draft", reason="r", thing_1="equipment:printer"),
    "POST /equipment-requests/{number}/submit": _form("submit", "draft"),
    "POST /equipment-requests/{number}/approve": _form("approve", "submitted", approved_1="1"),
    "POST /equipment-requests/{number}/return": _form("return", "submitted", note="n"),
    "POST /equipment-requests/{number}/refuse": _form("refuse", "submitted", note="n"),
    "POST /equipment-requests/{number}/withdraw": _form("withdraw", "submitted"),
    "POST /equipment-requests/{number}/fulfil": lambda w, t: Call(
        f"/equipment-requests/{t.requests['approved']}/fulfil", form={"asset_1": t.spare}
    ),
    "POST /equipment-requests/{number}/close": _form("close", "fulfilled"),
    "POST /incidents/{number}/acknowledge": lambda w, t: Call("", form={}),
    "POST /api/v1/agent-inventories": lambda w, t: Call(
        "", content=as_json(PC, "NEW"), headers={"Content-Type": "application/json"}
    ),
    "POST /api/v1/differences/{difference}/take": lambda w, t: Call("", json={}, headers=IF_MATCH_TWO),
    "POST /api/v1/differences/{difference}/keep": lambda w, t: Call("", json={}, headers=IF_MATCH_TWO),
    "POST /api/v1/differences/settle": lambda w, t: Call(
        "", json={"choice": "keep", "differences": [{"id": str(t.difference), "version": 2}]}
    ),
    "POST /api/v1/identity-proposals/{proposal}/accept": lambda w, t: Call("", json={"keep": t.asset}, headers=IF_MATCH),
    "POST /differences": lambda w, t: Call("", form={"choice": "keep", "pick": f"{t.difference}:2"}),
    "POST /identity-proposals/{proposal}/{answer}": lambda w, t: Call(
        f"/identity-proposals/{t.proposal}/dismiss", form={"version": "1"}
    ),
    "POST /api/v1/identity-proposals/{proposal}/dismiss": lambda w, t: Call("", json={}, headers=IF_MATCH),
    "POST /api/v1/identity-proposals/{proposal}/undo": lambda w, t: Call("", json={}, headers=IF_MATCH),
    "POST /api/v1/wear-rates": lambda w, t: Call("", json={"category": "ups", "years": 8, "valid_from": "2025-01-01"}),
    "PATCH /api/v1/wear-rates/{rate}": lambda w, t: Call("", json={"years": 7}, headers=IF_MATCH),
    "PATCH /api/v1/asset-models/{model}": lambda w, t: Call("", json={"note": "x"}, headers=IF_MATCH),
    "GET /api/v1/applications/{code}": lambda w, t: Call("/api/v1/applications/igate"),
    "PATCH /api/v1/applications/{code}": lambda w, t: Call(
        "/api/v1/applications/igate", json={"owner_office": "x"}, headers=IF_MATCH
    ),
    "GET /api/v1/links/{tag}": lambda w, t: Call(f"/api/v1/links/{t.link}"),
    "PATCH /api/v1/links/{tag}": lambda w, t: Call(f"/api/v1/links/{t.link}", json={"note": "x"}, headers=IF_MATCH),
    "PATCH /api/v1/capabilities/{capability}": lambda w, t: Call("", json={"note": "x"}, headers=IF_MATCH),
    "POST /api/v1/asset-categories": lambda w, t: Call("", json={"code": "neu", "name": "N"}),
    "PATCH /api/v1/asset-categories/{category}": lambda w, t: Call("", json={"name": "x"}, headers=IF_MATCH),
    "POST /api/v1/custom-fields": lambda w, t: Call("", json={"code": "neu", "name": "N", "kind": "text"}),
    "PATCH /api/v1/custom-fields/{field}": lambda w, t: Call("", json={"name": "x"}, headers=IF_MATCH),
    "POST /api/v1/imports": lambda w, t: Call(
        "/api/v1/imports?resource=assets", headers={"Content-Type": "text/csv"}, content=f"tag,note\n{t.asset},x\n"
    ),
    "POST /api/v1/imports/{number}/undo": lambda w, t: Call(f"/api/v1/imports/{t.undoable}/undo"),
    "POST /api/v1/bulk-edits": lambda w, t: Call(
        "", json={"resource": "assets", "rows": [{"tag": t.asset, "note": "x"}], "apply": True}
    ),
    "POST /api/v1/kits": lambda w, t: Call("", json={"code": "n", "name": "N", "site_kind": "store"}),
    "PATCH /api/v1/kits/{kit}": lambda w, t: Call("", json={"name": "x"}, headers=IF_MATCH),
    "DELETE /api/v1/kits/{kit}": lambda w, t: Call("", headers=IF_MATCH),
    "POST /api/v1/norms": lambda w, t: Call(
        "", json={
            "equipment": "ups", "categories": ["ups"], "title": "x", "quantity": 1, "valid_from": "2026-01-01", "source": "x"
        },
    ),
    "PATCH /api/v1/norms/{norm}": lambda w, t: Call("", json={"note": "x"}, headers=IF_MATCH),
    "DELETE /api/v1/norms/{norm}": lambda w, t: Call("", headers=IF_MATCH),
    "POST /api/v1/sites/{code}/posts": lambda w, t: Call(
        "", json={"post_group": "VI", "people": 1, "as_of": "2026-01-01"}
    ),
    "POST /api/v1/consumables": lambda w, t: Call("", json={"code": "N", "name": "N", "unit": "u"}),
    "PATCH /api/v1/consumables/{consumable}": lambda w, t: Call("", json={"note": "x"}, headers=IF_MATCH),
    "DELETE /api/v1/consumables/{consumable}": lambda w, t: Call("", headers=IF_MATCH),
    "POST /api/v1/stock": lambda w, t: Call("", json={"site": t.site, "consumable": "CF259A"}),
    "PATCH /api/v1/stock/{stock}": lambda w, t: Call("", json={"minimum": 3}, headers=IF_MATCH),
    "POST /api/v1/stock-movements": lambda w, t: Call(
        "", json={"act": "issue", "site": t.site, "consumable": "CF259A", "quantity": 1, "asset_tag": t.asset}
    ),
    "POST /api/v1/stock-movements (to)": lambda w, t: Call(
        "/api/v1/stock-movements",
        json={"act": "transfer", "site": OWN, "consumable": "CF259A", "quantity": 1, "to_site": t.site},
    ),
    "POST /api/v1/stock-movements/{movement}/reverse": lambda w, t: Call("", json={"reason": "x"}),
    "POST /api/v1/stock-shipments/{shipment}/receive": lambda w, t: Call("", json={"got": 2}),
    "POST /api/v1/stock-shipments/{shipment}/call-back": lambda w, t: Call("", json={"note": "x"}),
    "POST /stock-shipments/{shipment}/receive": lambda w, t: Call("", form={"got": "2"}),
    "POST /stock-shipments/{shipment}/call-back": lambda w, t: Call("", form={}),
    "POST /kits/new": lambda w, t: Call("", form={"code": "n", "name": "N", "site_kind": "store"}),
    "POST /kits/{kit}": lambda w, t: Call("", form={"version": "1", "name": "x"}),
    "POST /stock/new": lambda w, t: Call("", form={"code": "N", "name": "N", "unit": "u", "kind": "other"}),
    "GET /stock/{consumable}/move": lambda w, t: Call(f"/stock/CF259A/move?site={t.site}"),
    "GET /stock/{consumable}/move.json": lambda w, t: Call(f"/stock/CF259A/move.json?site={t.site}"),
    "POST /stock/{consumable}/move": lambda w, t: Call("", form={"act": "receive", "site": t.site, "quantity": "1"}),
    "POST /stock/{consumable}/{movement}/reverse": lambda w, t: Call("", form={"reason": "x"}),
    "GET /api/v1/assets/{tag}/custody?as_of": lambda w, t: Call(
        f"/api/v1/assets/{t.asset}/custody?as_of={_moment()}"
    ),
    "POST /api/v1/assets/{tag}/replace": lambda w, t: Call("", json={"by": t.spare}),
    "POST /api/v1/assets/{tag}/replace (by)": lambda w, t: Call(
        f"/api/v1/assets/{w.own.asset}/replace", json={"by": t.spare}
    ),
    "POST /assets/{tag}/stage": lambda w, t: Call("", form={"stage": "in_repair"}),
    "POST /assets/{tag}/replace": lambda w, t: Call("", form={"by": t.spare, "stage": "in_stock"}),
    "POST /api/v1/transfers": lambda w, t: Call(
        "", json={"from_site": f"KHO-{t.site}", "to_site": t.site, "assets": [t.spare]}
    ),
    "POST /api/v1/transfers (to)": lambda w, t: Call(
        "/api/v1/transfers", json={"from_site": f"KHO-{OWN}", "to_site": t.site, "assets": [w.own.spare]}
    ),
    "POST /api/v1/transfers/{number}/send": _transfer("send", "draft"),
    "POST /api/v1/transfers/{number}/take-out": lambda w, t: Call(
        f"/api/v1/transfers/{t.transfers['draft']}/take-out", json={"tag": f"U-{t.site}"}
    ),
    "POST /transfers/{number}/take-out": lambda w, t: Call(
        f"/transfers/{t.transfers['draft']}/take-out", form={"only": f"U-{t.site}"}
    ),
    "POST /api/v1/transfers/{number}/receive": _transfer("receive", "sent"),
    "POST /api/v1/transfers/{number}/refuse": _transfer("refuse", "sent", note="n"),
    "POST /api/v1/transfers/{number}/cancel": _transfer("cancel", "sent"),
    "POST /transfers/new": lambda w, t: Call(
        "", form={"from_site": f"KHO-{t.site}", "to_site": t.site, "asset": t.spare}
    ),
    "POST /transfers/{number}/send": lambda w, t: Call(f"/transfers/{t.transfers['draft']}/send", form={}),
    "POST /transfers/{number}/receive": lambda w, t: Call("", form={}),
    "POST /transfers/{number}/refuse": lambda w, t: Call("", form={"note": "n"}),
    "POST /transfers/{number}/photos": lambda w, t: Call(
        "", form={"tag": f"V-{t.site}", "side": "receiver"}, files={"file": ("a.png", pictures.png())}
    ),
    "POST /api/v1/transfers/{number}/photos": lambda w, t: Call(
        f"/api/v1/transfers/{t.transfers['sent']}/photos",
        form={"tag": f"V-{t.site}", "side": "receiver"}, files={"file": ("a.png", pictures.png())},
    ),
    "POST /transfers/{number}/files": lambda w, t: Call("", files={"file": ("a.png", pictures.png())}),
    "POST /transfers/{number}/cancel": lambda w, t: Call("", form={}),
    "POST /api/v1/stocktakes": lambda w, t: Call("", json={"site": t.site}),
    "PATCH /api/v1/stocktakes/{number}": lambda w, t: Call("", json={"title": "x"}, headers=IF_MATCH),
    "POST /api/v1/stocktakes/{number}/scans": lambda w, t: Call(
        "", json={"scans": [{"id": str(new_id()), "tag": t.asset}]}
    ),
    "POST /api/v1/stocktakes/{number}/settle": lambda w, t: Call(
        f"/api/v1/stocktakes/{t.stocktakes['closed']}/settle",
        json={"settlements": [{"tag": f"T-{t.site}", "settlement": "found_after"}]},
    ),
    "POST /api/v1/stocktakes/{number}/approve": lambda w, t: Call(f"/api/v1/stocktakes/{t.stocktakes['closed']}/approve"),
    "GET /api/v1/counted-states/{counted}": lambda w, t: Call("/api/v1/counted-states/broken"),
    "PATCH /api/v1/counted-states/{counted}": lambda w, t: Call(
        "/api/v1/counted-states/broken", json={"name": "x"}, headers=IF_MATCH
    ),
    "POST /api/v1/stocktakes/{number}/cancel": lambda w, t: Call("", json={"reason": "x"}),
    "POST /stocktakes/{number}/cancel": lambda w, t: Call("", form={"reason": "x"}),
    "POST /stocktakes/new": lambda w, t: Call("", form={"site": t.site}),
    "POST /stocktakes/{number}/scans": lambda w, t: Call("", form={"tag": t.asset}),
    "POST /stocktakes/{number}/settle": lambda w, t: Call("", form={"tag": t.asset, "settlement": "leave"}),
    "POST /stocktakes/{number}/edit": lambda w, t: Call("", form={"version": "1", "title": "x"}),
    "POST /stocktakes/{number}/close": lambda w, t: Call("", form={}),
    "POST /stocktakes/{number}/approve": lambda w, t: Call("", form={}),
    "GET /api/v1/equipment-requests/{ref}/papers/{paper}": lambda w, t: Call(
        f"/api/v1/equipment-requests/{t.requests['fulfilled']}/papers/hand-over.docx"
    ),
    "GET /api/v1/equipment-requests/papers/{paper}": lambda w, t: Call("/api/v1/equipment-requests/papers/needs.docx"),
    "GET /api/v1/transfers/{number}/papers/{paper}": lambda w, t: Call(
        f"/api/v1/transfers/{t.transfers['sent']}/papers/hand-over.pdf"
    ),
    "GET /api/v1/stocktakes/{number}/papers/{paper}": lambda w, t: Call(
        f"/api/v1/stocktakes/{t.stocktakes['open']}/papers/stocktake-minutes.docx"
    ),
    "GET /api/v1/disposal-candidates/papers/{paper}": lambda w, t: Call(
        "/api/v1/disposal-candidates/papers/disposal-list.docx"
    ),
    "GET /api/v1/assets/{tag}/papers/{paper}": lambda w, t: Call(f"/api/v1/assets/{t.asset}/papers/inspection.pdf"),
    "PATCH /api/v1/paper-forms/{paper}": lambda w, t: Call("", json={"addressee": "x"}, headers=IF_MATCH),
    "POST /api/v1/paper-forms/{paper}/template": lambda w, t: Call(
        "", files={"file": ("x.docx", docx_template("{{ unit }}"))}, headers=IF_MATCH
    ),
    "DELETE /api/v1/paper-forms/{paper}/template": lambda w, t: Call("", headers=IF_MATCH),
    "POST /papers/{paper}/edit": lambda w, t: Call("", form={"version": "1", "addressee": "x"}),
    "POST /papers/{paper}/template": lambda w, t: Call(
        "", form={"version": "1"}, files={"file": ("x.docx", docx_template("{{ unit }}"))}
    ),
    "POST /papers/{paper}/template/remove": lambda w, t: Call("", form={"version": "1"}),
    "GET /api/v1/labels.pdf": lambda w, t: Call(f"/api/v1/labels.pdf?tag={t.asset}"),
    "POST /api/v1/labels.pdf": lambda w, t: Call("", json={"tags": [t.asset]}),
    "POST /api/v1/labels.pdf (printer)": lambda w, t: Call(
        "/api/v1/labels.pdf", json={"tags": [w.own.asset], "printer": str(t.printer)}
    ),
    "POST /labels": lambda w, t: Call("", form={"tag": t.asset}),
    "GET /labels/preview.png": lambda w, t: Call(f"/labels/preview.png?tag={t.asset}"),
    "POST /api/v1/label-grids": lambda w, t: Call("", json={**asdict(PRESETS["tape-24"]), "name": "neu", "site": t.site}),
    "PATCH /api/v1/label-grids/{grid}": lambda w, t: Call("", json={"name": "neu"}, headers=IF_MATCH),
    "POST /api/v1/label-printers": lambda w, t: Call("", json={"name": "neu", "site": t.site}),
    "PATCH /api/v1/label-printers/{printer}": lambda w, t: Call("", json={"offset_x": 2}, headers=IF_MATCH),
    "POST /labels/printers": lambda w, t: Call("", form={"name": "neu"}),
    "POST /labels/grids": lambda w, t: Call(
        "", form={"name": "neu", **{k: str(v) for k, v in asdict(PRESETS["tape-24"]).items()}}
    ),
    "POST /api/v1/disposal-rules": lambda w, t: Call("", json={"repair_percent": 40, "valid_from": "2027-01-01"}),
    "PATCH /api/v1/disposal-rules/{rule}": lambda w, t: Call("", json={"repair_percent": 25}, headers=IF_MATCH),
    "POST /api/v1/assets/{tag}/repair-quotations": lambda w, t: Call(
        "", json={"amount": 1, "supplier": "x", "quoted_on": _today()}
    ),
    "POST /wear/rates": lambda w, t: Call(
        "", form={"category": "ups", "years": "8", "threshold": "0", "valid_from": "2025-01-01"}
    ),
    "POST /wear/rates/{rate}": lambda w, t: Call(
        "", form={"version": "1", "years": "7", "threshold": "0", "valid_from": "2025-01-01"}
    ),
    "POST /wear/disposal-rules": lambda w, t: Call("", form={"repair_percent": "40", "valid_from": "2027-01-01"}),
    "POST /wear/disposal-rules/{rule}": lambda w, t: Call(
        "", form={"version": "1", "repair_percent": "40", "valid_from": "2027-01-01"}
    ),
    "POST /wear/quotations": lambda w, t: Call(
        "", form={"tag": t.asset, "amount": "1", "supplier": "x", "quoted_on": _today()}
    ),
    "PATCH /api/v1/reminder-points/{kind}": lambda w, t: Call("", json={"days": [9]}, headers={"If-Match": '"0"'}),
    "POST /reminders/points/{kind}": lambda w, t: Call("", form={"version": "0", "days": "9"}),
    "POST /api/v1/attachments": lambda w, t: Call(
        "", form={"subject_kind": "asset", "subject": t.asset}, files={"file": ("a.png", pictures.png())}
    ),
    "POST /attachments/{subject_kind}/{subject}": lambda w, t: Call("", files={"file": ("a.png", pictures.png())}),
    "POST /attachments/{attachment}/remove": lambda w, t: Call("", form={"version": "1"}),
    "DELETE /api/v1/attachments/{attachment}": lambda w, t: Call("", headers=IF_MATCH),
    "POST /assets/new": lambda w, t: Call(
        "", form={"tag": "NEW", "manufacturer": "Canon", "model": "LBP", "site": t.site}
    ),
    "POST /assets/{tag}/edit": lambda w, t: Call("", form={"version": "2", "note": "x"}),
    "POST /sites/{code}/paper-mode": lambda w, t: Call("", form={"reason": "network"}),
    "POST /sites/{code}/paper-mode/{declaration}/end": lambda w, t: Call("", form={"files_counted": ""}),
    "POST /api/v1/assets/{tag}/report": lambda w, t: Call("", json={"fault": "paper-jam"}),
    "POST /assets/{tag}/report": lambda w, t: Call("", form={"fault": "paper-jam"}, files={"file": ("a.png", pictures.png())}),
    "POST /assets/{tag}/works": lambda w, t: Call("", form={}),
    "POST /api/v1/fault-reports/{report}/photo": lambda w, t: Call("", files={"file": ("a.png", pictures.png())}),
    "POST /api/v1/fault-kinds": lambda w, t: Call("", json={"code": "neu", "name": "N"}),
    "PATCH /api/v1/fault-kinds/{fault}": lambda w, t: Call("", json={"name": "x"}, headers=IF_MATCH),
    "POST /fault-kinds": lambda w, t: Call("", form={"code": "neu", "name": "N", "position": "1"}),
    "POST /fault-kinds/{fault}": lambda w, t: Call("", form={"version": "1", "name": "N", "position": "1"}),
    "POST /api/v1/signed-addresses": lambda w, t: Call("", json={"asset_tag": t.asset, "days": 7}),
    "POST /assets/{tag}/signed-addresses": lambda w, t: Call("", form={"days": "7"}),
    "POST /assets/{tag}/signed-addresses/{address}/withdraw": lambda w, t: Call("", form={}),
    "POST /incidents/{number}/resolve": lambda w, t: Call("", form={}),
    "POST /assets/change": lambda w, t: Call("", form={"site": t.site, "field": "note", "value": "x"}),
    "POST /imports": lambda w, t: Call("", form={"resource": "assets", "empty": "keep"}),
    "POST /imports/{number}/undo": lambda w, t: Call(f"/imports/{t.undoable}/undo", form={}),
    "POST /imports/{number}/apply": lambda w, t: Call("", form={}),
    "POST /api/v1/rooms": lambda w, t: Call("", json={"site": t.site, "name": "Phòng họp"}),
    "PATCH /api/v1/rooms/{room}": lambda w, t: Call("", json={"name": "Phòng họp"}, headers=IF_MATCH),
    "DELETE /api/v1/rooms/{room}": lambda w, t: Call("", headers=IF_MATCH),
    "PATCH /api/v1/sites/{code}": lambda w, t: Call("", json={"address": "x"}, headers=IF_MATCH),
    "PATCH /api/v1/administrative-units/{code}": lambda w, t: Call("", json={"agency_code": "x"}, headers=IF_MATCH),
    "POST /api/v1/unit-changes": lambda w, t: Call(
        "", json={"kind": "new", "effective_on": "2026-01-01", "decision_number": "2/NQ", "successors": [
            {"code": "29998", "name": "Xã Nữa", "kind": "commune"}]},
    ),
    "PATCH /api/v1/unit-changes/{change}": lambda w, t: Call("", json={"note": "x"}, headers=IF_MATCH),
    "POST /units/{code}/edit": lambda w, t: Call("", form={"version": "1", "agency_code": "x"}),
    "POST /unit-changes/new": lambda w, t: Call(
        "", form={"kind": "new", "effective_on": "2026-01-01", "decision_number": "2/NQ", "code_1": "29998",
                  "name_1": "Xã Nữa", "kind_1": "commune"},
    ),
    "POST /sites/{code}/edit": lambda w, t: Call("", form={"version": "1", "address": "x"}),
    "POST /sites/{code}/rooms": lambda w, t: Call("", form={"name": "Phòng họp", "kind": "room"}),
    "POST /sites/{code}/rooms/{room}/edit": lambda w, t: Call(
        "", form={"version": "1", "name": "Phòng họp", "kind": "room"}
    ),
    "POST /sites/{code}/rooms/{room}/remove": lambda w, t: Call("", form={"version": "1"}),
    "POST /api/v1/saved-filters": lambda w, t: Call("", json={"resource": "assets", "name": "x", "query": "stage=in_use"}),
    "PATCH /api/v1/saved-filters/{filter}": lambda w, t: Call("", json={"name": "y"}, headers=IF_MATCH),
    "DELETE /api/v1/saved-filters/{filter}": lambda w, t: Call("", headers=IF_MATCH),
    "POST /saved-filters": lambda w, t: Call("", form={"resource": "incidents", "name": "x", "query": "severity=critical"}),
    "POST /saved-filters/{filter}/delete": lambda w, t: Call("", form={"version": "1"}),
    "POST /language": lambda w, t: Call("", form={"language": "en"}),
    "POST /sign-in": lambda w, t: Call("", form={"name": "x", "password": "y"}),
    "POST /sign-in/code": lambda w, t: Call("", form={"code": "1"}),
    "POST /sign-out": lambda w, t: Call("", form={}),
    "POST /people/new": lambda w, t: Call("", form={"name": "neu", "role": "clerk", "place": f"unit:{t.site}"}),
    "POST /people/{name}/edit": _manage("edit", {"version": "1", "post": "x"}),
    "POST /people/{name}/grants": _manage("grants", {"role": "director", "place": f"unit:{OWN}"}),
    "POST /people/{name}/grants/{grant}/end": _manage("grants/{w.grant}/end"),
    "POST /people/{name}/initial-password": _manage("initial-password"),
    "POST /people/{name}/remove-second-factor": _manage("remove-second-factor"),
    "POST /people/{name}/sessions/{session}/end": _manage("sessions/{w.session}/end"),
    "POST /people/{name}/tokens/{token}/revoke": _manage("tokens/{w.token}/revoke"),
    "POST /people/{name}/tokens": _manage("tokens", {"title": "x", "days": "1", "action": "view"}),
    # What would come under a foreign parent: the thing is one's own, where it shall go is not.
    "POST /api/v1/targets (parent)": lambda w, t: Call(
        "/api/v1/targets", json={"address": "127.0.0.8", "method": "ping", "link": w.own.link, "parent": str(t.target)}
    ),
    "PATCH /api/v1/targets/{target} (parent)": lambda w, t: Call(
        f"/api/v1/targets/{w.own.target}", json={"parent": str(t.target)}, headers=IF_MATCH
    ),
    "POST /api/v1/declarations (asset)": lambda w, t: Call(
        "/api/v1/declarations", json={"site": OWN, "kind": "works", "asset_tag": t.asset}
    ),
    "POST /api/v1/targets (site)": lambda w, t: Call(
        "/api/v1/targets", json={"address": "127.0.0.8", "method": "tcp", "port": 80, "application": "igate", "site": t.site}
    ),
    "POST /api/v1/equipment-requests/{ref}/fulfil (stock)": lambda w, t: Call(
        f"/api/v1/equipment-requests/{w.own.requests['approved']}/fulfil", json={"assets": {"1": [t.spare]}}
    ),
    "GET /links/{tag}": lambda w, t: Call(f"/links/{t.link}"),
    "GET /links/{tag}.json": lambda w, t: Call(f"/links/{t.link}.json"),
    "GET /links/{tag}/edit": lambda w, t: Call(f"/links/{t.link}/edit"),
    "POST /links/{tag}/edit": lambda w, t: Call(f"/links/{t.link}/edit", form={"version": "1", "carrier": "x"}),
    "POST /targets/new": lambda w, t: Call("", form=_ASKED | {"site": t.site, "title": "x"}),
    "POST /targets/{target}/edit": lambda w, t: Call("", form=_ASKED | {"version": "1"}),
    "POST /targets/{target}/probe": lambda w, t: Call("", form={}),
    "POST /targets/{target}/heartbeat-address": lambda w, t: Call("", form={}),
    "POST /targets/{target}/heartbeat-address/revoke": lambda w, t: Call("", form={}),
    "POST /targets/{target}/try-credential": lambda w, t: Call("", form={"credential": str(w.credential)}),
    "POST /api/v1/targets/{target}/try-credential": lambda w, t: Call("", json={"credential": str(w.credential)}),
    "POST /api/v1/credentials": lambda w, t: Call("", json={"name": "neu", "secret": {"community": "c"}}),
    "PATCH /api/v1/credentials/{credential}": lambda w, t: Call("", json={"name": "x"}, headers=IF_MATCH),
    "DELETE /api/v1/credentials/{credential}": lambda w, t: Call("", headers=IF_MATCH),
    "POST /api/v1/credential-orders": lambda w, t: Call("", json={"site": t.site, "credentials": [str(w.credential)]}),
    "POST /credentials": lambda w, t: Call("", form={"name": "neu", "kind": "v2c", "community": "c"}),
    "POST /credentials/{credential}": lambda w, t: Call("", form={"name": "x", "version": "1"}),
    "POST /credentials/{credential}/remove": lambda w, t: Call("", form={"version": "1"}),
    "POST /credential-orders": lambda w, t: Call("", form={"site": t.site, "credential_1": str(w.credential)}),
    "POST /api/v1/silences (target)": lambda w, t: Call(
        "/api/v1/silences", json={**_quiet(w.own), "target": str(t.target)}
    ),
    "POST /api/v1/maintenance-windows (target)": lambda w, t: Call(
        "/api/v1/maintenance-windows", json={**_quiet(w.own), "target": str(t.target)}
    ),
}  # fmt: skip


def addressed(path: str, world: World, there: There) -> str:
    """The address of a route at a place: each parameter becomes the name of the thing that stands there."""
    values: dict[str, object] = {
        "{tag}": there.asset, "{code}": there.site, "{site}": there.site, "{target}": there.target,
        "{declaration}": there.declaration, "{notification}": there.notification, "{subscription}": there.subscription,
        "{channel}": world.channel, "{collector}": world.collector, "{order}": world.order, "{name}": "asker",
        "{rate}": world.rate, "{filter}": world.saved, "{credential}": world.credential,
        "{model}": world.model, "{category}": world.category, "{field}": world.own_field,
        "{capability}": there.capability,
        "{paper}": "needs", "{file}": "needs.docx",
        "{kit}": "centre", "{norm}": world.norm, "{consumable}": "CF259A", "{stock}": there.stock,
        "{movement}": there.movement, "{shipment}": there.shipment,
        "{agent}": there.agent, "{difference}": there.difference, "{proposal}": there.proposal,
        "{grid}": there.grid, "{printer}": there.printer,
        "{kind}": "capability_end", "{attachment}": there.attachment, "{subject_kind}": "asset",
        "{subject}": there.asset, "{rule}": world.rule,
        "{change}": world.change, "{room}": there.room,
        "{report}": there.report,
        "{address}": there.confirming if "hand-over" in path else there.address, "{fault}": "paper-jam",
        "{session}": world.session, "{token}": world.token, "{grant}": world.grant, "{step}": world.step,
        "{delegation}": world.delegation, "{day}": "2027-01-01", "{ref}": there.requests["submitted"],
        "{number}": (
            there.incident if "/incidents" in path
            else there.batch if "/imports" in path
            else there.transfers["sent"] if "/transfers" in path
            else there.stocktakes["open"] if "/stocktakes" in path else there.requests["submitted"]
        ),
    }  # fmt: skip
    for name, value in values.items():
        path = path.replace(name, str(value))
    return path


def tells_of(code: str, body: str) -> bool:
    """Whether a text speaks of a unit. Digests and ids are hexadecimal and may have its digits in them by chance."""
    return re.search(f"(?<![0-9a-f]){code}(?![0-9a-f])", body) is not None


def shown(body: str) -> str:
    """Whose things an answer shows: own, foreign, all or none. A body that quotes what was asked is not asked here."""
    seen = (tells_of(OWN, body), tells_of(FOREIGN, body))
    return {(True, True): "all", (True, False): "own", (False, True): "foreign", (False, False): "none"}[seen]


def problem_of(answer: httpx2.Response) -> Mapping[str, Any]:
    """The problem document of an answer; empty for a page."""
    try:
        found: Mapping[str, Any] = json.loads(answer.text)
    except ValueError:
        return {}
    return found
