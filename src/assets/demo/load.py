"""Fills an empty, migrated database with a province as it is some months in, and writes the simulator's file.

Everything is drawn from seeds: the same fleet, tags and serial numbers each time, dated from `now` backwards.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

from pydantic import SecretStr

from assets.access.actor import SYSTEM
from assets.access.passwords import hashed
from assets.clock import LOCAL_ZONE
from assets.db import EVERYTHING, Connection, as_owner, transaction
from assets.demo import accounts, fleet, people, portal, register, simulation, stock, troubles
from assets.demo.catalogue import Make
from assets.demo.counted import write_stocktakes
from assets.demo.faults import break_tag
from assets.demo.fleet import Centre, Thing
from assets.demo.history import Watched, remembered, write_conditions
from assets.demo.kept import keep
from assets.demo.kit import write_kit
from assets.demo.measured import DAYS, write_readings
from assets.demo.people import Person
from assets.demo.rates import write_rates
from assets.demo.reported import Report, Told, reports, take_on, write_reports
from assets.demo.requested import House, write_requests
from assets.demo.rows import write
from assets.demo.said import write_words
from assets.demo.seen import write_seen
from assets.demo.spec import SPEC_NAME, Spec, save
from assets.demo.supplies import Shop, write_supplies
from assets.demo.transferred import write_transfers
from assets.demo.verdicts import settle_verdicts
from assets.ids import new_id
from assets.incidents.faults.kinds import add_default_kinds
from assets.incidents.reaction import Kind
from assets.inventory.categories import CATEGORIES
from assets.monitoring import collectors, credentials
from assets.notifications.outbox import place_of
from assets.phrases import Phrase, store
from assets.places.units import parse, shipped
from assets.probing.contract import Community
from assets.probing.profile import Profiles
from assets.probing.readings import Severity
from assets.vault import Vault

CHANNEL = "Hộp thư trình diễn"
MAIL_OPTIONS = "from=giam-sat@demo.example&to=truc@demo.example"
Progress = Callable[[str, float], None]  # what is being done, and how much of the whole is done (0 to 1)


@dataclass(frozen=True)
class Loaded:
    """What there is now: accounts as (login, role, what for), how many of what, and a tag to try `break` with."""

    accounts: tuple[tuple[str, str, str], ...]
    counts: Mapping[str, int]
    example_tag: str
    spec: Spec


def _say_nothing(_step: str, _share: float) -> None:
    """The progress of a caller that does not want any."""


async def load(
    *, vault: Vault, spec_out: Path, sim_port: int, sink_port: int, password: str, now: datetime,
    progress: Progress = _say_nothing,
) -> Loaded:  # fmt: skip
    """Fill the database in one transaction, then write the simulator's spec and the faults that hold now beside it.

    `sim_port` is the UDP port of all devices and the TCP port of all doors; messages go to the mail sink at
    `sink_port`. All accounts get `password`.
    """
    assert spec_out.name == SPEC_NAME, spec_out
    progress("fleet", 0.0)
    today, serials = now.astimezone(LOCAL_ZONE).date(), set[str]()
    centres = fleet.province(parse(shipped()), today, serials)
    shelves = tuple(stock.shelves(today, serials))
    spec = simulation.spec_of(centres.values(), port=sim_port, epoch=now - timedelta(days=DAYS + 1))
    password_hash = await hashed(password)
    # COPY is not for those whom row-level security concerns.
    async with transaction(EVERYTHING) as tx, as_owner(tx):
        building = _Building(tx, vault, centres, shelves, now, spec_out.parent)
        progress("centres and equipment", 0.15)
        await building.place(password_hash, sim_port)
        progress("a week of history", 0.3)
        counts = await building.remember(spec, sink_port)
        progress("requests and verdicts", 0.85)
        counts |= await building.settle()
        await tx.execute("analyze")
    save(spec, spec_out)
    for trouble in troubles.PRESENT:
        tag = trouble.tag_in(centres[trouble.site])
        break_tag(spec_out.parent, tag, trouble.fault, now=now - trouble.began)
    progress("done", 1.0)
    return Loaded(
        accounts=tuple((a.login, a.role.value, a.purpose) for a in people.ACCOUNTS),
        counts=counts | {"centres": len(centres), "simulated devices": len(spec.devices), "doors": len(spec.listeners)},
        example_tag=centres[people.HOME].first("printer").tag,
        spec=spec,
    )


class _Building:
    """The steps of filling the database, in their order."""

    def __init__(
        self,
        tx: Connection,
        vault: Vault,
        centres: dict[str, Centre],
        shelves: tuple[Thing, ...],
        now: datetime,
        folder: Path,
    ) -> None:
        self.folder = folder
        self.tx, self.vault, self.centres, self.shelves, self.now = tx, vault, centres, shelves, now
        self.sites: dict[str, UUID] = {}
        self.categories: dict[str, UUID] = {}
        self.assets: dict[str, UUID] = {}
        self.targets: dict[str, UUID] = {}
        self.people: dict[str, Person] = {}
        self.models: dict[Make, UUID] = {}

    async def place(self, password_hash: str, sim_port: int) -> None:
        """Sites, people, equipment, lines, accounts, and what is watched."""
        tx, now, centres = self.tx, self.now, self.centres.values()
        self.sites, units = await register.open_sites(tx, parse(shipped()))
        self.people = await people.settle(
            tx, password_hash=password_hash, units=units, now=now - register.ENTERED_BEFORE
        )
        rooms = await register.furnish(tx, self.sites, centres, now)
        self.categories, self.models = await register.enter_models(tx)
        await write_rates()
        await add_default_kinds(SYSTEM)
        things = [*(t for c in centres for t in c.things), *self.shelves]
        by = self.people[people.PROVINCE].name
        entering = register.Entering(self.sites, rooms, self.models, by, now)
        self.assets = await register.enter_assets(tx, things, entering)
        lines = await register.enter_lines(tx, centres, self.sites)
        systems = await accounts.issue(tx, centres, self.sites, now)
        await write_kit(tx, centres, self.sites, now)
        await write_supplies(Shop(self.centres, self.models, self.people), now)
        community = Community(id=new_id(), community=SecretStr(simulation.COMMUNITY))
        credential = await credentials.add_credential(SYSTEM, register.SNMP_CREDENTIAL, community, vault=self.vault)
        since = now - register.WATCHED_BEFORE
        watching = register.Watching(self.sites, self.assets, lines, credential, sim_port, since)
        self.targets = await register.watch(tx, centres, watching)
        await register.watch_portal(tx, systems, watching, portal.make(self.folder, now))
        await credentials.set_order(SYSTEM, [credential])

    async def remember(self, spec: Spec, sink_port: int) -> dict[str, int]:
        """What was seen, reported and measured; answers how much."""
        tx, now = self.tx, self.now
        watched = list(remembered(self.centres.values(), self.targets, profiles=Profiles.load(), now=now))
        changes = await write_conditions(tx, watched, self.sites)
        incidents = await self._reports(watched)
        await write_reports(tx, incidents, Told(await self._channel(sink_port), self.people))
        readings = await write_readings(tx, spec, watched, now)
        return {
            "targets": len(watched),
            "condition changes": changes,
            "incidents": len(incidents),
            "readings": readings,
        }

    async def _reports(self, watched: Sequence[Watched]) -> list[Report]:
        found = reports(watched, self.centres, sites=self.sites, assets=self.assets)
        take_on(found, self.people[people.ON_CALL])
        return sorted([*found, await self._silent_collector()], key=lambda report: report.opened_at)

    async def _silent_collector(self) -> Report:
        """The one centre with a collector of its own, which has not been heard for days."""
        site, name = troubles.SILENT_SITE, f"Bộ thu thập tại {self.centres[troubles.SILENT_SITE].name}"
        last = self.now - troubles.SILENT_FOR
        await collectors.enrol(SYSTEM, site, name=name, now=self.now - register.WATCHED_BEFORE)
        collector = await self.tx.fetchval(
            "update collectors set last_contact_at = $2, silent_since = $3, software = 'demo' where name = $1 returning id",
            name, last, last + collectors.SILENT_AFTER,
        )  # fmt: skip
        reason = store([Phrase("the collector is silent")])
        report = Report(Kind.COLLECTOR, Severity.CRITICAL, self.sites[site], "collector", collector, name, reason, last)
        report.events.append((last, "opened", "", reason))
        return report

    async def _channel(self, sink_port: int) -> UUID:
        """The mail sink as a channel, told of everything critical. Written past the check of addresses: it is our own."""
        channel = new_id()
        url = f"mailto://127.0.0.1:{sink_port}/?{MAIL_OPTIONS}"
        await write(self.tx, "channels", [
            {"id": channel, "name": CHANNEL, "url": self.vault.seal(url, bound_to=place_of(channel)), "scheme": "mailto"}
        ])  # fmt: skip
        await write(self.tx, "subscriptions", [{"id": new_id(), "channel": channel, "severity": "critical"}])
        return channel

    async def settle(self) -> dict[str, int]:
        """What people said and asked for, and what each centre can do."""
        tx, now = self.tx, self.now
        words = await write_words(tx, self.centres, sites=self.sites, assets=self.assets, people=self.people, now=now)
        names = {c.code: (c.name, c.name_en) for c in CATEGORIES}
        house = House(self.people, self.sites, self.categories, names, _by_category(self.shelves, self.assets))
        requests = await write_requests(tx, house, now)
        transfers = await write_transfers(tx, self.people, now)
        stocktakes = await write_stocktakes(tx, self.people, now)
        await keep(self.centres.values(), now)
        computers = await write_seen(tx, now)
        verdicts = await settle_verdicts(tx, self.sites, now)
        assets = len(self.assets)
        return {
            "assets": assets,
            "declarations": words,
            "equipment requests": requests,
            "transfers": transfers,
            "stocktakes": stocktakes,
            "computers that report": computers,
            **verdicts,
        }


def _by_category(things: Iterable[Thing], assets: Mapping[str, UUID]) -> dict[str, list[tuple[str, UUID]]]:
    found: dict[str, list[tuple[str, UUID]]] = defaultdict(list)
    for thing in things:
        found[thing.make.category].append((thing.tag, assets[thing.tag]))
    return found
