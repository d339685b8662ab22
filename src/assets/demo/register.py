"""Writing the fleet into an empty database: sites, rooms, equipment, lines, and what is asked of them."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from uuid import UUID

from assets.access.actor import SYSTEM
from assets.clock import LOCAL_ZONE
from assets.db import Connection
from assets.demo import portal
from assets.demo.catalogue import MAKES, Make
from assets.demo.fleet import Centre, Line, Thing
from assets.demo.rows import Row, write
from assets.demo.stock import STORE, STORE_NAME, STORE_UNIT
from assets.ids import new_id
from assets.inventory.categories import CATEGORIES
from assets.places import changes
from assets.places import service as places
from assets.places.origins import EFFECTIVE_ON
from assets.places.units import Unit
from assets.text import searchable, sort_key

INTERVAL_SECONDS, CONFIRM = 10, 2
ENTERED_BEFORE = timedelta(days=120)  # when the register was filled
WATCHED_BEFORE = timedelta(days=45)  # when monitoring began
STOCKTAKE_BEFORE = timedelta(days=96)
OPENING = time(8)
WARRANTY = timedelta(days=3 * 365)
EXAMPLE_HOTLINE = "1800 0000 (ví dụ)"
METERED_SITE, METERED_MB = "21196", 60  # a commune whose main line is 4G: it is watched more slowly than the others
PORTAL_SITES = ("21136", "21211", "21025")  # from where the one-stop system is timed
PORTAL_SECONDS = 30
ONE_STOP = "Hệ thống thông tin giải quyết TTHC tỉnh"
LINE_NAMES = {"dedicated": "Kênh TSLCD", "fibre": "Cáp quang Internet", "mobile": "Mạng di động 4G"}
SNMP_CREDENTIAL = "SNMP v2c, thiết bị mô phỏng"
ENTERED = "Đưa vào sổ theo dõi tài sản."


async def open_sites(tx: Connection, units: Sequence[Unit]) -> tuple[dict[str, UUID], dict[str, UUID]]:
    """The 96 units, a centre in each and the store; (sites, units) by code."""
    await places.load_units(SYSTEM, units)
    await places.open_centres(SYSTEM)
    await changes.load_origins(SYSTEM)
    unit_ids = {
        r["code"]: r["id"] for r in await tx.fetch("select id, code from administrative_units where valid_to is null")
    }
    await places.add_site(
        tx, unit=unit_ids[STORE_UNIT], code=STORE, kind="store", name=STORE_NAME, opened_on=EFFECTIVE_ON
    )
    return {r["code"]: r["id"] for r in await tx.fetch("select id, code from sites")}, unit_ids


async def furnish(
    tx: Connection, sites: Mapping[str, UUID], centres: Iterable[Centre], now: datetime
) -> dict[tuple[str, str], UUID]:
    """Head-counts of two dates and the rooms of each site; room ids by (site code, name)."""
    centres = list(centres)
    counted = [(now - timedelta(days=400)).date(), (now - timedelta(days=60)).date()]
    await write(tx, "head_counts", [
        {"id": new_id(), "site": sites[c.code], "as_of": day, "people": c.people - (day == counted[0] and c.size != "small")}
        for c in centres for day in counted
    ])  # fmt: skip
    rows, ids = [], {}
    for code, kind, name, inside in _rooms(centres):
        ids[code, name] = new_id()
        rows.append({
            "id": ids[code, name], "site": sites[code], "parent": ids[code, inside] if inside else None, "kind": kind,
            "name": name, "sort": sort_key(name),
        })  # fmt: skip
    await write(tx, "rooms", rows)
    return ids


def _rooms(centres: Iterable[Centre]) -> Iterator[tuple[str, str, str, str]]:
    """(site code, kind, name, the room that it is in)."""
    yield STORE, "room", "Kệ hàng", ""
    for centre in centres:
        for name in ("Khu tiếp nhận", "Sảnh chờ", "Phòng Giám đốc"):
            yield centre.code, "room", name, ""
        yield centre.code, "cabinet", "Tủ mạng", "Khu tiếp nhận"
        for number in range(1, centre.counters + 1):
            yield centre.code, "counter", f"Quầy {number}", "Khu tiếp nhận"


async def enter_models(tx: Connection) -> tuple[dict[str, UUID], dict[Make, UUID]]:
    """Categories by code, and models."""
    categories = {category.code: new_id() for category in CATEGORIES}
    await write(tx, "asset_categories", [
        {"id": categories[c.code], "code": c.code, "name": c.name, "name_en": c.name_en, "serves": c.serves, "sort": sort}
        for sort, c in enumerate(CATEGORIES, start=1)
    ])  # fmt: skip
    models = {make: new_id() for makes in MAKES.values() for make in makes}
    await write(tx, "asset_models", [
        {
            "id": models[m], "category": categories[m.category], "manufacturer": m.manufacturer, "name": m.name,
            "profile": m.profile, "search": searchable(m.manufacturer, m.name),
        }
        for m in models
    ])  # fmt: skip
    return categories, models


@dataclass(frozen=True)
class Entering:
    """What entries in the register refer to, who makes them and when."""

    sites: Mapping[str, UUID]
    rooms: Mapping[tuple[str, str], UUID]
    models: Mapping[Make, UUID]
    by: str
    now: datetime


async def enter_assets(tx: Connection, things: Iterable[Thing], entering: Entering) -> dict[str, UUID]:
    """The register of everything, with the line of its entry; ids by tag."""
    ids: dict[str, UUID] = {}
    rows, events = [], []
    first_day = (entering.now - ENTERED_BEFORE).astimezone(LOCAL_ZONE).date()
    entered = datetime.combine(first_day, OPENING, LOCAL_ZONE).astimezone(UTC)
    looked_at = entering.now - STOCKTAKE_BEFORE
    for number, thing in enumerate(things):
        ids[thing.tag] = new_id()
        at = entered + timedelta(seconds=25 * number)
        rows.append(_asset(thing, ids[thing.tag], entering) | {"created_at": at, "physical_state_at": looked_at})
        events.append({
            "id": new_id(), "asset": ids[thing.tag], "site": entering.sites[thing.site], "at": at, "kind": "registered",
            "actor_name": entering.by, "text": ENTERED,
        })  # fmt: skip
    await write(tx, "assets", rows)
    await write(tx, "asset_events", events)
    return ids


def _asset(thing: Thing, asset: UUID, entering: Entering) -> dict[str, object]:
    make, stocked = thing.make, thing.site == STORE
    return {
        "id": asset, "tag": thing.tag, "model": entering.models[make], "site": entering.sites[thing.site],
        "room": entering.rooms.get((thing.site, thing.room)), "serial": thing.serial, "name": thing.name,
        "stage": "in_stock" if stocked else "in_use", "physical_state": "worn" if thing.worn else "good",
        "custodian": "Thủ kho tỉnh" if stocked else _custodian(thing.room), "original_cost": thing.cost,
        "put_into_use": None if stocked else thing.put_into_use, "warranty_until": thing.put_into_use + WARRANTY,
        "note": thing.note, "search": searchable(thing.tag, thing.serial, thing.name, make.manufacturer, make.name),
    }  # fmt: skip


def _custodian(room: str) -> str:
    if room.startswith("Quầy"):
        return f"Công chức một cửa, {room.lower()}"
    return "Giám đốc Trung tâm" if room == "Phòng Giám đốc" else "Cán bộ phụ trách công nghệ thông tin"


async def enter_lines(tx: Connection, centres: Iterable[Centre], sites: Mapping[str, UUID]) -> dict[str, UUID]:
    """The network lines, each at its own interface of the router; ids by tag."""
    routers = {line.tag: centre.first("router").tag for centre in centres for line in centre.lines}
    lines = [line for centre in centres for line in centre.lines]
    ids = {line.tag: new_id() for line in lines}
    await write(tx, "links", [
        {
            "id": ids[x.tag], "site": sites[x.site], "tag": x.tag, "kind": x.kind, "carrier": x.carrier,
            "circuit_number": x.circuit, "bandwidth_mbps": x.mbps, "is_primary": x.primary, "hotline": EXAMPLE_HOTLINE,
            "wan_router": routers[x.tag], "wan_interface": f"ether{1 if x.primary else 2}",
            "budget_mb_per_day": METERED_MB if x.site == METERED_SITE and x.primary else None,
            "search": searchable(x.tag, x.carrier, x.circuit),
        }
        for x in lines
    ])  # fmt: skip
    return ids


@dataclass(frozen=True)
class Watching:
    """What targets need beside the fleet."""

    sites: Mapping[str, UUID]
    assets: Mapping[str, UUID]
    lines: Mapping[str, UUID]
    credential: UUID
    port: int
    since: datetime


async def watch(tx: Connection, centres: Iterable[Centre], watching: Watching) -> dict[str, UUID]:
    """Everything that is asked, behind the centre's router, which is behind the first line; target ids by tag."""
    ids: dict[str, UUID] = {}
    rows: list[Row] = []
    for centre in centres:
        lines = [line for line in centre.lines if line.address]
        things = [thing for thing in centre.things if thing.address]
        ids |= {tag: new_id() for tag in (*(x.tag for x in lines), *(x.tag for x in things))}
        router = centre.first("router")
        rows += [_target(x, ids[x.tag], None, watching) for x in lines]
        for thing in things:
            parent = lines[0].tag if thing is router else router.tag
            rows.append(_target(thing, ids[thing.tag], ids[parent], watching))
    await write(tx, "targets", rows)
    return ids


def _target(subject: Thing | Line, target: UUID, parent: UUID | None, watching: Watching) -> Row:
    snmp = isinstance(subject, Thing) and subject.speaks_snmp
    line = isinstance(subject, Line)
    return {
        "id": target, "site": watching.sites[subject.site], "asset": watching.assets.get(subject.tag),
        "link": watching.lines.get(subject.tag), "parent": parent, "credential": watching.credential if snmp else None,
        "name": name_of(subject), "method": "snmp" if snmp else "ping" if line else "tcp",
        "address": subject.address, "port": watching.port,
        "options": json.dumps({"packets": 3, "way": "tcp"} if line else {}),
        "interval_seconds": INTERVAL_SECONDS, "confirm": CONFIRM, "created_at": watching.since,
    }  # fmt: skip


async def watch_portal(tx: Connection, applications: Mapping[str, UUID], watching: Watching, own_ca: str) -> int:
    """The one-stop system as some centres see it, each outward from itself; how many watch it."""
    options = {
        "url": f"https://{portal.ADDRESS}:{watching.port}/", "text": portal.TITLE, "certificate": "own", "own_ca": own_ca,
    }  # fmt: skip
    await write(tx, "targets", [
        {
            "id": new_id(), "site": watching.sites[site], "application": applications["mot-cua"], "name": ONE_STOP,
            "method": "http", "address": portal.ADDRESS, "port": watching.port, "options": json.dumps(options),
            "interval_seconds": PORTAL_SECONDS, "confirm": CONFIRM, "created_at": watching.since,
        }
        for site in PORTAL_SITES
    ])  # fmt: skip
    return len(PORTAL_SITES)


def name_of(subject: Thing | Line) -> str:
    """What people read of a target: "Máy in quầy 1 (QN-21205-0007)"."""
    if isinstance(subject, Line):
        return f"{LINE_NAMES[subject.kind]} {subject.carrier} ({subject.tag})"
    return f"{subject.name} ({subject.tag})"
