"""A believable province for the pages: 96 centres with equipment, lines, accounts, incidents and a week of history."""

import json
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import UUID

from litestar import Litestar, Request
from litestar.datastructures import State
from litestar.di import Provide

from assets import db, phrases
from assets.access import pages as access_pages
from assets.access import passwords
from assets.access import service as access
from assets.access.actor import SYSTEM, Actor
from assets.access.guards import current_actor
from assets.access.middleware import SignedInMiddleware
from assets.access.permissions import Role
from assets.app import surround
from assets.audit import pages as audit_pages
from assets.dashboards import pages as dashboard_pages
from assets.db import EVERYTHING
from assets.ids import new_id
from assets.incidents import pages as incident_pages
from assets.inventory import pages as inventory_pages
from assets.inventory import wear_pages
from assets.phrases import Phrase
from assets.places import service as places
from assets.places.units import parse, shipped
from assets.readiness.rules import DECISIONS, Reason
from assets.settings import Settings
from assets.text import fold
from assets.vault import Vault
from assets.web import problems, static

PASSWORD = "a long enough one"
CATEGORIES = (
    ("pc", "Máy tính để bàn", "Desktop computer", "computer"), ("printer", "Máy in", "Printer", "printer"),
    ("scanner", "Máy scan tài liệu", "Document scanner", ""), ("router", "Bộ định tuyến", "Router", "network"),
    ("switch", "Thiết bị chuyển mạch", "Switch", "network"), ("ups", "Bộ lưu điện (UPS)", "UPS", ""),
    ("kiosk", "Kiosk tra cứu", "Kiosk", ""),
)  # fmt: skip
MODELS = {
    "pc": ("Dell", "OptiPlex 3080"), "printer": ("HP", "LaserJet Pro 4003dw"), "scanner": ("Canon", "DR-C225"),
    "router": ("MikroTik", "RB2011"), "switch": ("Cisco", "CBS220-24T"), "ups": ("Santak", "C3K"),
    "kiosk": ("FPT", "K21"),
}  # fmt: skip
METHOD = {"pc": "tcp", "printer": "snmp", "router": "snmp", "switch": "snmp", "ups": "snmp"}
APPLICATIONS = (
    ("igate", "Hệ thống thông tin giải quyết TTHC tỉnh", "Sở Khoa học và Công nghệ"),
    ("hotich", "Phần mềm hộ tịch điện tử", "Sở Tư pháp"),
)


@dataclass
class Web:
    """Names of what the tests ask for."""

    unable: str
    limited: str
    unknown: str
    able: str
    printer: str
    scanner: str
    computer: str
    incident: int
    now: datetime


def app(home: Path, *, demo: bool = False, raises: Sequence[object] = ()) -> Litestar:
    """The pages alone, with the sign-in and the error pages of the service; `raises` are further routes."""
    settings = Settings(home=home, second_factor="optional")

    def actor(request: Request) -> Actor:  # type: ignore[type-arg]
        return current_actor(request)

    routes = [
        *access_pages.routes,
        *audit_pages.routes,
        *dashboard_pages.routes,
        *incident_pages.routes,
        *inventory_pages.routes,
        *wear_pages.routes,
        *static.routes,
    ]
    routes += raises
    accounts = [{"role": r, "name": n, "password": PASSWORD} for r, n in (("province_it", "bob"), ("clerk", "alice"))]

    found = Litestar(
        route_handlers=routes, dependencies={
            "actor": Provide(actor, sync_to_thread=False),
            "settings": Provide(lambda: settings, sync_to_thread=False, use_cache=True),
            "vault": Provide(lambda: Vault.open(home), sync_to_thread=False, use_cache=True),
        },
        middleware=[SignedInMiddleware(settings, [])], exception_handlers=problems.handlers,
        state=State({"demo": demo, "settings": settings, "demo_accounts": accounts}), logging_config=None,
    )  # fmt: skip
    problems.document_problems(found)
    return surround(found, settings)


async def build(now: datetime | None = None) -> Web:
    """Fill an empty database; the same at each call but for the time."""
    now = now or datetime.now(UTC).replace(microsecond=0)
    chance = random.Random(96)
    await places.load_units(SYSTEM, parse(shipped()))
    await places.open_centres(SYSTEM)
    async with db.transaction(EVERYTHING) as tx:
        sites = await tx.fetch("select s.id, s.code from sites s order by s.sort")
        models, categories = await _catalogue(tx)
        verdicts = ["unable"] * 2 + ["limited"] * 6 + ["unknown"] + ["able"] * 87
        chance.shuffle(verdicts)
        # The clerk's centre is one of the limited ones.
        world = _World(now, chance, models)
        for site, verdict in zip(sites, verdicts, strict=True):
            world.centre(site["id"], site["code"], verdict)
        await world.write(tx)
        await _applications(tx, world)
        by = {v: next(s["code"] for s, w in zip(sites, verdicts, strict=True) if w == v) for v in set(verdicts)}
        printer = await tx.fetchval("select asset_tag from incidents where kind = 'threshold' order by number limit 1")
        first = await tx.fetchval("select min(number) from incidents where state = 'open'")
        await _requests(tx, by["limited"], categories, now)
        await tx.execute(
            "insert into collectors (id, name, covers_rest, token_prefix, token_digest, enrolled_at, last_contact_at, "
            "software, skew_seconds, backlog, shed, rejected, version) "
            "values ($1, 'Bộ thu thập tỉnh', true, 'x', 'x', $2, $2, 'commune-assets 0.1.0', 0.4, 3, 0, 0, 1)",
            new_id(), now,
        )  # fmt: skip
    await person("bob", Role.PROVINCE_IT, "Ông B")
    await person("alice", Role.CLERK, "Bà A", unit=by["limited"])
    await person("ivan", Role.INSPECTOR, "Ông I", language="en")
    await person("root", Role.ADMINISTRATOR, "Quản trị viên Nguyễn Thị R")
    return Web(
        by["unable"], by["limited"], by["unknown"], by["able"], printer=printer, scanner=f"{by['limited']}-SCANNER-1",
        computer=f"{by['limited']}-PC-1", incident=first, now=now,
    )  # fmt: skip


_hashes: dict[str, str] = {}


async def person(name: str, role: Role, display: str, *, unit: str = "", language: str = "vi") -> None:
    """Somebody who can sign in with PASSWORD; its slow hash is made once a run."""
    if PASSWORD not in _hashes:
        _hashes[PASSWORD] = await passwords.hashed(PASSWORD)
    await access.add_user(SYSTEM, access.NewUser(name, role, None, display, unit=unit, language=language))
    async with db.transaction(EVERYTHING) as tx:
        await tx.execute("update users set password_hash = $2 where name = $1", name, _hashes[PASSWORD])


async def _catalogue(tx: db.Connection) -> tuple[dict[str, UUID], dict[str, UUID]]:
    models, categories = {}, {}
    for sort, (code, name, name_en, serves) in enumerate(CATEGORIES):
        categories[code], models[code] = new_id(), new_id()
        await tx.execute(
            "insert into asset_categories (id, code, name, name_en, serves, sort, version) values ($1,$2,$3,$4,$5,$6,1)",
            categories[code], code, name, name_en, serves, sort,
        )  # fmt: skip
        await tx.execute(
            "insert into asset_models (id, category, manufacturer, name, profile, search, version) "
            "values ($1,$2,$3,$4,'','',1)", models[code], categories[code], *MODELS[code],
        )  # fmt: skip
    return models, categories


async def _applications(tx: db.Connection, world: "_World") -> None:
    rows = []
    for code, name, office in APPLICATIONS:
        application = new_id()
        await tx.execute(
            "insert into applications (id, code, name, name_en, owner_office, web_address, needs_account, version) "
            "values ($1,$2,$3,'',$4,'',true,1)", application, code, name, office,
        )  # fmt: skip
        rows += [
            (new_id(), site, application, "account", name, "Công chức một cửa",
             "not_issued" if verdict == "limited" and code == "hotich" else "issued", date(2026, 7, 1))
            for site, verdict in world.sites
        ]  # fmt: skip
    await tx.executemany(
        "insert into capabilities (id, site, application, kind, title, holder_post, status, since, version) "
        "values ($1,$2,$3,$4,$5,$6,$7,$8,1)", rows,
    )  # fmt: skip


async def _requests(tx: db.Connection, code: str, categories: dict[str, UUID], now: datetime) -> None:
    site = await tx.fetchval("select id from sites where code = $1", code)
    person = new_id()
    await tx.execute(
        "insert into users (id, name, display_name, post, email, phone, language, active, created_at, version) "
        "values ($1,'someone','Ông N','','','','vi',true,$2,1)", person, now,
    )  # fmt: skip
    for number, state in enumerate(("submitted", "approved", "closed"), start=1):
        request = new_id()
        await tx.execute(
            "insert into equipment_requests (id, number, site, requested_by, state, reason, created_at, submitted_at, "
            "decided_by, decision_note, search, version) values ($1,$2,$3,$4,$5,'Máy cũ hỏng',$6,$6,'','','',1)",
            request, number, site, person, state, now - timedelta(days=number),
        )  # fmt: skip
        if state == "submitted":
            await tx.execute(
                "insert into request_steps (id, request, round, position, name, roles, place, hours) select "
                "gen_random_uuid(), $1, 1, n, 'Bước ' || n, '[\"administrator\"]', 'any', 16 from generate_series(1, 2) n",
                request,
            )  # fmt: skip
            await tx.execute(
                "update equipment_requests set round = 1, due_since = submitted_at, target_hours = 16 where id = $1",
                request,
            )
        await tx.execute(
            "insert into equipment_request_lines (id, request, kind, name, name_en, category, capability, holder_post, "
            "position, quantity, approved, given, declined, reason) "
            "values ($1,$2,'equipment','Máy scan','Scanner',$3,'','',1,$4,$4,0,0,'')",
            new_id(), request, categories["scanner"], number,
        )  # fmt: skip


class _World:
    """Rows under construction, written in a few statements."""

    def __init__(self, now: datetime, chance: random.Random, models: dict[str, UUID]) -> None:
        self.now, self.chance, self.models = now, chance, models
        self.sites: list[tuple[UUID, str]] = []
        self.rows: dict[str, list[Sequence[object]]] = {}

    def add(self, table: str, *row: object) -> None:
        self.rows.setdefault(table, []).append(row)

    def ago(self, **span: float) -> datetime:
        return self.now - timedelta(**span)

    def centre(self, site: UUID, code: str, verdict: str) -> None:
        """One centre with seven to nine assets, one or two lines, its verdict and what is wrong."""
        self.sites.append((site, verdict))
        since = self.ago(minutes=self.chance.randint(20, 1_700))
        router = self.asset(site, code, "router", 1, "unknown" if verdict == "unknown" else "up")
        self.link(site, code, verdict, since)
        for kind, count in (
            ("pc", 2 + self.chance.randint(0, 2)),
            ("printer", 1),
            ("switch", 1),
            ("ups", 1),
            ("scanner", 1),
        ):
            for number in range(1, count + 1):
                condition = "unknown" if verdict == "unknown" else "up"
                if verdict == "unable":
                    condition = "unreachable"
                self.asset(site, code, kind, number, condition, behind=router, since=since)
        reasons = self.reasons(code, verdict)
        self.add("readiness", site, verdict, since if verdict != "able" else self.ago(days=9), reasons, self.now)
        if verdict == "limited":
            self.trouble(site, code, since)
        self.add("head_counts", new_id(), site, date(2026, 7, 1), 6 + self.chance.randint(0, 9))

    def link(self, site: UUID, code: str, verdict: str, since: datetime) -> None:
        line, target = new_id(), new_id()
        self.add("links", line, site, f"{code}-TSLCD", "dedicated", "VNPT", f"QNI-{code}", 100, True, "18001166", "")
        self.add("targets", target, site, None, line, f"TSLCD {code}", "ping", "10.0.0.1", 0)
        condition = {"unable": "down", "unknown": "unknown"}.get(verdict, "up")
        self.state(target, condition, since, [Phrase("does not answer")] if condition == "down" else [])
        if condition == "down":
            self.incident(
                "link", "critical", site, target, f"TSLCD {code}", None, "", since, [Phrase("does not answer")], 7
            )

    def asset(
        self, site: UUID, code: str, kind: str, number: int, condition: str, *, behind: UUID | None = None,
        since: datetime | None = None,
    ) -> UUID:  # fmt: skip
        asset, target, tag = new_id(), new_id(), f"{code}-{kind.upper()}-{number}"
        maker, model = MODELS[kind]
        self.add(
            "assets", asset, tag, self.models[kind], site, f"SN{code}{number}", "", "in_use", "good", self.ago(days=120),
            "Bà C", 12_500_000, date(2025, 9, 1), date(2028, 9, 1), fold(f"{tag} {maker} {model}"),
        )  # fmt: skip
        if kind not in METHOD:
            return target
        self.add("targets", target, site, asset, None, f"{maker} {model}", METHOD[kind], "10.0.0.9", 161)
        reasons = [Phrase("something before it does not answer")] if condition == "unreachable" else []
        self.state(target, condition, since, reasons, behind if condition == "unreachable" else None, kind=kind)
        return target

    def state(
        self, target: UUID, condition: str, since: datetime | None, reasons: list[Phrase], cause: UUID | None = None,
        *, kind: str = "",
    ) -> None:  # fmt: skip
        readings = {"printer": PRINTER, "ups": UPS}.get(kind, ())
        seen = None if condition == "unknown" else self.ago(seconds=self.chance.randint(1, 12))
        self.add("device_states", target, condition, since or self.ago(days=9), phrases.store(reasons), cause, seen,
                 "" if seen is None else "answered", 12.4, json.dumps(readings), 812_345.0)  # fmt: skip

    def trouble(self, site: UUID, code: str, since: datetime) -> None:
        """A printer near its end and a scanner that a person reported."""
        asset = next(row for row in self.rows["assets"] if row[1] == f"{code}-PRINTER-1")
        target = next(row for row in self.rows["targets"] if row[2] == asset[0])
        states = self.rows["device_states"]
        place = next(i for i, row in enumerate(states) if row[0] == target[0])
        reasons = [Phrase("toner low", {"label": "Black Cartridge", "value": 3})]
        states[place] = (target[0], "degraded", since, phrases.store(reasons), None, self.ago(seconds=4), "answered", 31.0,
                         json.dumps(PRINTER), 812_345.0)  # fmt: skip
        self.incident(
            "threshold", "warning", site, target[0], str(target[4]), asset[0], str(asset[1]), since, reasons, 0
        )
        for at, before, after in ((160, "unknown", "up"), (100, "up", "down"), (97, "down", "up"), (40, "up", "unknown"),
                                  (30, "unknown", "up")):  # fmt: skip
            self.add("condition_changes", new_id(), target[0], site, self.ago(hours=at), before, after, "")
        self.add("condition_changes", new_id(), target[0], site, since, "up", "degraded", phrases.store(reasons))
        scanner = next(row for row in self.rows["assets"] if row[1] == f"{code}-SCANNER-1")
        self.add(
            "declarations",
            new_id(),
            site,
            scanner[0],
            "broken",
            "Kéo giấy bị kẹt, đã thử tắt bật",
            "Bà A",
            self.ago(days=2),
        )

    def incident(
        self, kind: str, severity: str, site: UUID, target: UUID, name: str, asset: object, tag: str, since: datetime,
        reasons: Iterable[Phrase], affected: int,
    ) -> None:  # fmt: skip
        self.add(
            "incidents",
            new_id(),
            kind,
            severity,
            "open",
            site,
            target,
            name,
            asset,
            tag,
            phrases.store(reasons),
            since,
            affected,
        )

    def reasons(self, code: str, verdict: str) -> str:
        found = {
            "unable": [("line_fails", {"names": f"TSLCD {code}", "carriers": "VNPT", "hotlines": "18001166"})],
            "limited": [
                ("printer_impaired", {"names": "HP LaserJet Pro 4003dw"}),
                ("account_missing", {"applications": "Phần mềm hộ tịch điện tử", "office": "Sở Tư pháp"}),
            ],
            "unknown": [
                ("computer_no_data", {"names": "Dell OptiPlex 3080"}),
                ("line_no_data", {"names": f"TSLCD {code}"}),
            ],
        }.get(verdict, [])
        return json.dumps([_reason(key, params) for key, params in found])

    async def write(self, tx: db.Connection) -> None:
        """All rows, then the story of each incident."""
        for table, columns in COLUMNS.items():
            rows = self.rows.get(table, [])
            if not rows:
                continue
            places = ", ".join(f"${i}" for i in range(1, len(rows[0]) + 1))
            await tx.executemany(f"insert into {table} ({columns}) values ({places}{EXTRA.get(table, '')})", rows)
        await tx.execute(
            "insert into incident_events (id, incident, at, kind, actor_name, text) "
            "select gen_random_uuid(), id, opened_at, 'opened', '', reason from incidents"
        )
        channel = new_id()
        await tx.execute(
            "insert into channels (id, name, url, scheme, language, enabled, last_error, version) "
            "values ($1, 'Thư điện tử trực tỉnh', 'sealed', 'mailto', 'vi', true, '', 1)", channel,
        )  # fmt: skip
        await tx.execute(
            "insert into notifications (id, subject_kind, subject, change, channel, site, state, facts, severity, created_at, "
            "next_attempt_at, attempts, sent_at, reason, error) select gen_random_uuid(), 'incident', id, 'opened', $1, site, "
            "case when severity = 'critical' then 'sent' else 'suppressed' end, '{}', severity, opened_at, opened_at, 1, "
            "case when severity = 'critical' then opened_at + interval '21 s' end, "
            "case when severity = 'critical' then '' else $2 end, '' from incidents", channel,
            phrases.store([Phrase("planned work: %(title)s", {"title": "Thay mực định kỳ"})]),
        )  # fmt: skip


def _reason(code: str, params: dict[str, str]) -> dict[str, object]:
    decision = DECISIONS[code]
    reason = Reason(code=code, effect=decision.effect, message=decision.message, owner=decision.owner,
                    next_step=decision.next_step, params=params)  # fmt: skip
    return reason.model_dump(mode="json")


PRINTER = (
    {"name": "printer.status", "state": "warning"}, {"name": "printer.error", "state": "low_toner"},
    {"name": "supply.percent", "instance": "1.1", "label": "Black Cartridge", "value": 3.0},
    {"name": "tray.percent", "instance": "1.2", "label": "Tray 2", "state": "some_remaining"},
    {"name": "printer.pages", "value": 48_213.0},
)  # fmt: skip
UPS = ({"name": "ups.status", "state": "on_line"}, {"name": "ups.battery_percent", "value": 100.0},
       {"name": "ups.runtime_minutes", "value": 42.0}, {"name": "ups.input_volts", "value": 221.5})  # fmt: skip
COLUMNS = {
    "links": "id, site, tag, kind, carrier, circuit_number, bandwidth_mbps, is_primary, hotline, search, version",
    "assets": "id, tag, model, site, serial, name, stage, physical_state, physical_state_at, custodian, original_cost, "
              "put_into_use, warranty_until, search, note, created_at, version",
    "targets": "id, site, asset, link, name, method, address, port, profile, interval_seconds, confirm, enabled, created_at, "
               "version",
    "device_states": "target, condition, since, reason, cause, observed_at, outcome, latency_ms, readings, uptime_seconds",
    "readiness": "site, verdict, since, reasons, computed_at",
    "head_counts": "id, site, as_of, people",
    "incidents": "id, kind, severity, state, site, subject, subject_name, asset, asset_tag, reason, opened_at, affected, "
                 "subject_kind, number, acknowledged_by, resolution, version",
    "condition_changes": "id, target, site, at, before, after, reason",
    "declarations": "id, site, asset, kind, text, said_by_name, said_at",
}  # fmt: skip
EXTRA = {
    "links": ", 1", "assets": ", '', now(), 1", "targets": ", '', 60, 2, true, now() - interval '30 days', 1",
    "incidents": ", 'target', nextval('incident_numbers'), '', '', 1",
}  # fmt: skip
