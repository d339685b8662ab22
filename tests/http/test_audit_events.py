"""No write without its audit event, and each event with the request that it was part of."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import timedelta
from typing import Any
from urllib.parse import quote
from uuid import UUID

import httpx2
import pytest
from litestar.routes import HTTPRoute

from assets import clock
from assets.access import service as access
from assets.access.actor import SYSTEM
from assets.access.permissions import Role
from assets.db import EVERYTHING, transaction
from assets.ids import new_id
from assets.incidents.reaction import Kind, Opens
from assets.incidents.service import Subject, open_or_join
from assets.inventory import service as inventory
from assets.inventory import things
from assets.inventory.lifecycle import Stage
from assets.inventory.observed.proposals import find_duplicates
from assets.inventory.observed.service import observe
from assets.inventory.stock.ledger import Act
from assets.inventory.stock.service import Movement
from assets.inventory.stock.shipments import ship
from assets.papers.grids import PRESETS
from assets.phrases import Phrase
from assets.probing.readings import Severity
from tests import pictures
from tests.conftest import House, running
from tests.inventories import as_json, pc
from tests.papers import docx_template

WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
# Observations are no audit events (DESIGN §5); signing in and one's own account are walked in test_signing_in.
ELSEWHERE = ("assets.access.pages", "assets.observations", "assets.heartbeats")
SECRET = "canary-77aa"
MAIL = f"mailto://robot:{SECRET}@127.0.0.1:2525?from=assets@example.vn&to=on-call@example.vn"


@pytest.fixture
async def mailing(database: str) -> House:
    """The service with a mail server of its own machine allowed."""
    return await running(allowed_networks="127.0.0.0/8")


class Walk:
    """Somebody who calls one write route after another and looks each time what the trail says of it."""

    def __init__(self, house: House, client: httpx2.AsyncClient) -> None:
        self.house, self.client = house, client
        self.routes = {
            (method, route.path_format)
            for route in house.app.routes
            if isinstance(route, HTTPRoute)
            for handler in route.route_handlers
            for method in handler.http_methods & WRITES
            if not handler.fn.__module__.startswith(ELSEWHERE)
        }
        self.walked: set[tuple[str, str]] = set()

    async def __call__(
        self, method: str, path: str, body: Any = None, *, version: int | None = None, form: Any = None,
        file: str | None = None, files: Any = None, query: str = "", **places: Any,
    ) -> Any:  # fmt: skip
        assert (method, path) in self.routes, f"{method} {path} is no write route any more"
        before = await self.events()
        headers = {"If-Match": f'"{version}"'} if version is not None else {}
        kind: Any = {"data": form, "files": files} if form is not None else {"json": body}
        kind: Any = {"data": form} if form is not None else {"json": body}
        if files is not None:
            kind["files"] = files
        if file is not None:
            kind, headers = {"content": file}, {"Content-Type": "text/csv"}
        answer = await self.client.request(
            method, path.format(**{k: quote(str(v)) for k, v in places.items()}) + query, headers=headers,
            **(kind if method != "DELETE" else {}),
        )  # fmt: skip
        assert answer.status_code in (200, 201, 202, 204, 303), (method, path, answer.status_code, answer.text[:500])
        new = [event for event in await self.events() if event["id"] not in {e["id"] for e in before}]
        assert new, f"{method} {path} changed something without an audit event"
        for event in new:
            assert event["request"] == answer.headers["x-request-id"]
            assert event["actor_name"].removesuffix(" (không đăng nhập)") == "Bob"
            assert event["before"] is not None or event["after"] is not None, f"{method} {path} says no fields"
        self.walked.add((method, path))
        return answer.json() if answer.content and "json" in answer.headers.get("content-type", "") else None

    async def events(self) -> list[Any]:
        async with transaction(EVERYTHING) as tx:
            return list(await tx.fetch("select * from audit_events order by id"))


async def test_every_route_that_writes_leaves_events_that_name_its_request(mailing: House) -> None:
    walk = Walk(mailing, await mailing.person("bob", Role.ADMINISTRATOR))
    await things.add_default_categories(SYSTEM)
    await inventory_is_written(walk)
    await transfers_are_written(walk)
    await shipments_are_written(walk)
    await labels_are_written(walk)
    await papers_are_written(walk)
    await stocktakes_are_written(walk)
    await places_are_written(walk)
    await monitoring_is_written(walk)
    await faults_are_written(walk)
    await channels_are_written(walk)
    await requests_are_written(walk)
    await approval_is_written(walk)
    await people_are_written(walk)
    assert walk.routes - walk.walked == set(), "a route that writes and that nobody has looked at"
    assert SECRET not in repr([dict(event) for event in await walk.events()])


async def inventory_is_written(walk: Walk) -> None:
    model = await walk("POST", "/api/v1/asset-models", {"category": "printer", "manufacturer": "Canon", "name": "L1"})
    new = {"tag": "QN-1", "model": model["id"], "site": "21025", "room": "Quầy 1", "original_cost": 12_000_000}
    made = await walk("POST", "/api/v1/assets", new)
    made = await walk("PATCH", "/api/v1/assets/{tag}", {"note": "Mới"}, version=made["version"], tag="QN-1")
    await walk("POST", "/api/v1/assets/{tag}/stage", {"stage": "in_repair", "reason": "Kẹt giấy"}, tag="QN-1")
    await walk("POST", "/api/v1/assets/{tag}/stage", {"stage": "in_use"}, tag="QN-1")
    await walk("POST", "/api/v1/links", {"tag": "L-1", "site": "21025", "kind": "fibre", "carrier": "VNPT"})
    line = "/api/v1/links/{tag}"
    await walk("PATCH", line, {"hotline": "1800"}, version=1, tag="L-1")
    await walk(
        "POST", "/links/{tag}/edit", form={"version": "2", "carrier": "VNPT", "budget_mb_per_day": "9"}, tag="L-1"
    )
    await walk("PATCH", "/api/v1/asset-models/{model}", {"expected_months": 60}, version=1, model=model["id"])
    await walk("POST", "/api/v1/applications", {"code": "igate", "name": "Một cửa"})
    account = {"site": "21025", "kind": "account", "title": "Một cửa", "status": "issued", "application": "igate"}
    has = await walk("POST", "/api/v1/capabilities", account)
    await walk("PATCH", "/api/v1/applications/{code}", {"owner_office": "Sở KH&CN"}, version=1, code="igate")
    await walk("PATCH", "/api/v1/capabilities/{capability}", {"note": "x"}, version=1, capability=has["id"])
    kind = await walk("POST", "/api/v1/asset-categories", {"code": "tent", "name": "Lều"})
    await walk("PATCH", "/api/v1/asset-categories/{category}", {"name": "Lều bạt"}, version=1, category=kind["id"])
    own = await walk("POST", "/api/v1/custom-fields", {"code": "ports", "name": "Số cổng", "kind": "integer"})
    await walk("PATCH", "/api/v1/custom-fields/{field}", {"name": "Cổng"}, version=1, field=own["id"])
    await batches_are_written(walk)
    rate = {"category": "printer", "years": 5, "valid_from": "2025-01-01"}
    rate = await walk("POST", "/api/v1/wear-rates", rate)
    saved = await walk(
        "POST", "/api/v1/saved-filters", {"resource": "assets", "name": "Kho", "query": "stage=in_stock"}
    )
    one = "/api/v1/saved-filters/{filter}"
    await walk("PATCH", one, {"shared": True}, version=1, filter=saved["id"])
    await walk("DELETE", one, version=2, filter=saved["id"])
    await walk("POST", "/saved-filters", form={"resource": "incidents", "name": "Nặng", "query": "severity=critical"})
    listed = (await walk.client.get("/api/v1/saved-filters")).json()["items"]
    await walk("POST", "/saved-filters/{filter}/delete", form={"version": "1"}, filter=listed[0]["id"])
    await walk("PATCH", "/api/v1/wear-rates/{rate}", {"years": 7}, version=rate["version"], rate=rate["id"])
    await kits_are_written(walk)
    await stock_is_written(walk, model["id"])
    await observed_is_settled(walk, model["id"])
    await disposal_is_written(walk, rate["id"])
    await files_are_written(walk)
    await walk("PATCH", "/api/v1/reminder-points/{kind}", {"days": [60]}, version=0, kind="warranty_end")
    await walk("POST", "/reminders/points/{kind}", form={"version": "1", "days": "60, 0"}, kind="warranty_end")
    store = {"unit": "21025", "code": "KHO", "kind": "store", "name": "Kho"}
    await walk("POST", "/api/v1/sites", store)
    await walk("POST", "/api/v1/sites/{code}/head-counts", {"people": 9, "as_of": "2026-01-01"}, code="21025")
    await inventory.register(
        SYSTEM, inventory.NewAsset("QN-2", UUID(model["id"]), "KHO", stage=Stage.IN_STOCK), now=clock.now()
    )


async def batches_are_written(walk: Walk) -> None:
    edit = {"resource": "assets", "rows": [{"tag": "QN-1", "custodian": "Quầy 2"}], "apply": True}
    await walk("POST", "/api/v1/bulk-edits", edit)
    planned = await walk("POST", "/api/v1/imports", file="tag,note\nQN-1,Nhập\n", query="?resource=assets")
    await walk("POST", "/api/v1/imports/{number}/apply", number=planned["number"])
    await walk("POST", "/api/v1/imports/{number}/undo", number=planned["number"])
    form = {"tag": "QN-5", "manufacturer": "Canon", "model": "L1", "site": "21025"}
    await walk("POST", "/assets/new", form=form)
    await walk("POST", "/assets/{tag}/edit", form={"version": "1", "note": "Mới"}, tag="QN-5")
    await walk("POST", "/assets/change", form={"site": "21025", "field": "note", "value": "Mới"})
    file = {"file": ("a.csv", b"tag,note\nQN-1,A\n", "text/csv")}
    await walk("POST", "/imports", form={"resource": "assets"}, files=file)
    await walk("POST", "/imports/{number}/apply", form={}, number=planned["number"] + 2)
    await walk("POST", "/imports/{number}/undo", form={}, number=planned["number"] + 2)


async def kits_are_written(walk: Walk) -> None:
    one = "/api/v1/kits/{kit}"
    lines = [{"what": "category", "code": "printer", "quantity": 2}]
    made = await walk("POST", "/api/v1/kits", {"code": "k", "name": "K", "site_kind": "centre", "lines": lines})
    lines = [*lines, {"what": "application", "code": "igate", "per": "person"}]
    made = await walk("PATCH", one, {"lines": lines}, version=made["version"], kit="k")
    await walk("DELETE", one, version=made["version"], kit="k")
    form = {"code": "f", "name": "F", "site_kind": "store", "of_1": "category:printer", "quantity_1": "2"}
    await walk("POST", "/kits/new", form=form)
    await walk("POST", "/kits/{kit}", form={**form, "version": "1", "of_2": "link:fibre"}, kit="f")
    one = "/api/v1/norms/{norm}"
    norm = {"equipment": "printer", "categories": ["printer"], "title": "Máy in", "quantity": 1, "source": "QĐ",
            "valid_from": "2025-07-01"}  # fmt: skip
    made = await walk("POST", "/api/v1/norms", norm)
    made = await walk("PATCH", one, {"verified": True}, version=made["version"], norm=made["id"])
    await walk("DELETE", one, version=made["version"], norm=made["id"])
    posts = {"post_group": "VIII", "people": 9, "as_of": "2026-01-01"}
    await walk("POST", "/api/v1/sites/{code}/posts", posts, code="21025")


async def stock_is_written(walk: Walk, model: str) -> None:
    one = "/api/v1/consumables/{consumable}"
    made = await walk("POST", "/api/v1/consumables", {"code": "C1", "name": "Mực", "unit": "hộp", "models": [model]})
    made = await walk("PATCH", one, {"minimum": 2, "models": []}, version=made["version"], consumable="C1")
    await walk("DELETE", one, version=made["version"], consumable="C1")
    await walk("POST", "/api/v1/consumables", {"code": "C1", "name": "Mực", "unit": "hộp"})
    kept = await walk("POST", "/api/v1/stock", {"site": "21025", "consumable": "C1"})
    await walk("PATCH", "/api/v1/stock/{stock}", {"minimum": 3}, version=kept["version"], stock=kept["id"])
    moved = {"act": "receive", "site": "21025", "consumable": "C1", "quantity": 2}
    await walk("POST", "/api/v1/stock-movements", moved)
    issued = await walk("POST", "/api/v1/stock-movements", {**moved, "act": "issue", "asset_tag": "QN-1"})
    await walk("POST", "/api/v1/stock-movements/{movement}/reverse", {"reason": "Nhầm"}, movement=issued["id"])
    await walk("POST", "/stock/new", form={"code": "C2", "name": "Giấy", "unit": "ram", "kind": "paper"})
    move, form = "/stock/{consumable}/move", {"act": "receive", "site": "21025", "quantity": "5"}
    await walk("POST", move, form=form, consumable="C2")
    async with transaction(EVERYTHING) as tx:
        line = await tx.fetchval("select id from stock_movements order by id desc limit 1")
    wrong = "/stock/{consumable}/{movement}/reverse"
    await walk("POST", wrong, form={"reason": "Nhầm"}, consumable="C2", movement=line)


async def shipments_are_written(walk: Walk) -> None:
    """Two cartridges to the store, there and called back, on pages too."""
    said = Movement(Act.TRANSFER, "21025", "C1", 1, to_site="KHO")
    for at, as_form in (("/api/v1/stock-shipments/{shipment}", False), ("/stock-shipments/{shipment}", True)):
        for act, what in (("/call-back", {"note": "Nhầm"}), ("/receive", {"got": "0", "note": "Mất"})):
            made = await ship(SYSTEM, said, now=clock.now())
            await walk("POST", at + act, **{"form" if as_form else "body": what}, shipment=made)


async def transfers_are_written(walk: Walk) -> None:
    """There and back again, on pages too; QN-1 stands where it stood before, and QN-2 in its store."""
    one, page = "/api/v1/transfers/{number}/", "/transfers/{number}/"

    async def make(send: bool = True) -> int:
        new = {"from_site": "21025", "to_site": "KHO", "assets": ["QN-1"], "send": send}
        return int((await walk("POST", "/api/v1/transfers", new))["number"])

    await walk("POST", one + "take-out", {"tag": "QN-1"}, number=await make(send=False))
    await walk("POST", page + "take-out", form={"only": "QN-1"}, number=await make(send=False))
    number = await make(send=False)
    await walk("POST", one + "send", number=number)
    await walk("POST", one + "cancel", {"note": "Nhầm"}, number=number)
    await walk("POST", one + "refuse", {"note": "Hỏng"}, number=await make())
    number = await make()
    made = await walk("POST", one + "hand-over-addresses", {"side": "giver"}, number=number)
    secret = made["address"].rpartition("/")[2]
    await walk("POST", page + "hand-over-address", form={"side": "receiver"}, number=number)
    async with transaction(EVERYTHING) as tx:
        address = await tx.fetchval(
            "select d.id from signed_addresses d join transfers t on t.id = d.subject and t.to_site = d.site "
            "where t.number = $1", number
        )  # fmt: skip
    await walk("POST", page + "hand-over-addresses/{address}/withdraw", form={}, number=number, address=address)
    await walk("POST", "/h/{secret}", form={"name": "Bob"}, files={"file": ("", b"")}, secret=secret)
    await walk("POST", one + "receive", number=number)
    for at in (one, page):
        of = {"tag": "QN-1", "side": "receiver"}
        await walk("POST", at + "photos", form=of, files={"file": ("a.png", pictures.png())}, number=number)
    back = {"from_site": "KHO", "to_site": "21025", "asset": "QN-1"}
    for act in ("cancel", "refuse", "receive"):
        await walk("POST", "/transfers/new", form=back)
        async with transaction(EVERYTHING) as tx:
            number = await tx.fetchval("select max(number) from transfers")
        await walk("POST", page + "send", form={}, number=number)
        await walk("POST", page + act, form={"note": "Hỏng"}, number=number)
    await walk(
        "POST", page + "files", form={"note": "Lúc nhận"}, files={"file": ("a.png", pictures.png())}, number=number
    )
    await walk("POST", "/assets/{tag}/stage", form={"stage": "in_repair", "repairer": "Công ty"}, tag="QN-1")
    await walk("POST", "/assets/{tag}/stage", form={"stage": "in_use"}, tag="QN-1")
    await walk("POST", "/api/v1/assets/{tag}/replace", {"by": "QN-2"}, tag="QN-1")
    await walk("POST", "/assets/{tag}/replace", form={"by": "QN-1", "stage": "in_stock"}, tag="QN-2")
    async with transaction(EVERYTHING) as tx:
        await tx.execute("update assets set site = (select id from sites where code = 'KHO') where tag = 'QN-2'")


async def observed_is_settled(walk: Walk, model: str) -> None:
    inventories, asked, one = (
        "/api/v1/agent-inventories",
        "/api/v1/identity-proposals",
        "/api/v1/identity-proposals/{proposal}",
    )

    async def proposal(kind: str) -> Any:
        found = (await walk.client.get(asked, params={"kind": kind, "state": "open"})).json()["items"][0]
        return {"version": found["version"], "proposal": found["id"]}

    for number in (1, 2):
        said = pc(bios={"ssn": f"WALK-{number}"}, hardware={"uuid": ""}, networks=[])
        await walk("POST", inventories, json.loads(as_json(said, f"PC-{number}")))
        how = {"tag": f"PC-{number}", "model": model} if number == 1 else None
        await (walk("POST", one + "/accept", how, **await proposal("register")) if how
               else walk("POST", one + "/dismiss", {}, **await proposal("register")))  # fmt: skip
    await walk.client.post("/api/v1/assets", json={"tag": "PC-3", "model": model, "site": "21025"})
    async with transaction(EVERYTHING) as tx:  # entered before there was a rule against it
        await tx.execute("update assets set serial = 'walk 1' where tag = 'PC-3'")
    await find_duplicates(clock.now())
    await walk("POST", one + "/accept", {"keep": "PC-3"}, **await proposal("merge"))
    done = (await walk.client.get(asked, params={"kind": "merge"})).json()["items"][0]
    await walk("POST", one + "/undo", {}, version=done["version"], proposal=done["id"])
    form = {"version": str(done["version"] + 1), "reason": "Nhầm"}
    assert (await walk.client.post(f"/identity-proposals/{done['id']}/dismiss", data=form)).status_code == 409
    await walk(
        "POST", inventories, json.loads(as_json(pc(bios={"ssn": "WALK-4"}, hardware={"uuid": ""}, networks=[]), "PC-4"))
    )
    asking = await proposal("register")
    await walk("POST", "/identity-proposals/{proposal}/{answer}", form={"version": str(asking["version"])}, answer="dismiss",
               proposal=asking["proposal"])  # fmt: skip
    for choice, serial in (("keep", "A-1"), ("take", "A-2"), ("settle", "A-3"), ("page", "A-4")):
        async with transaction(EVERYTHING) as tx:
            asset = await tx.fetchval("select id from assets where tag = 'PC-3'")
            await observe(tx, asset, "agent", {"serial": [f"SEEN-{serial}"]}, at=clock.now())
        [row] = (await walk.client.get("/api/v1/differences", params={"tag": "PC-3"})).json()["items"]
        many = {"choice": "keep", "differences": [{"id": row["id"], "version": row["version"]}]}
        if choice == "settle":
            await walk("POST", "/api/v1/differences/settle", many)
        elif choice == "page":
            await walk("POST", "/differences", form={"pick": f"{row['id']}:{row['version']}", "choice": "take"})
        else:
            path = "/api/v1/differences/{difference}/" + choice
            await walk("POST", path, {}, version=row["version"], difference=row["id"])


async def stocktakes_are_written(walk: Walk) -> None:
    one, page = "/api/v1/stocktakes/{number}", "/stocktakes/{number}"
    director = await walk.house.person("director", Role.DIRECTOR, "21025")
    for form in (False, True):
        if form:
            await walk("POST", "/stocktakes/new", form={"site": "21025"})
            async with transaction(EVERYTHING) as tx:
                number = await tx.fetchval("select max(number) from stocktakes")
            await walk("POST", page + "/edit", form={"version": "1", "title": "Cuối năm"}, number=number)
            await director.post(
                f"/api/v1/stocktakes/{number}/scans", json={"scans": [{"id": str(new_id()), "tag": "QN-1"}]}
            )
            await walk("POST", page + "/close", form={}, number=number)
            missing = (await walk.client.get(f"/api/v1/stocktakes/{number}/items?result=missing")).json()["items"]
            for item in missing:
                said = {"settlements": [{"tag": item["tag"], "settlement": "found_after"}]}
                await director.post(f"/api/v1/stocktakes/{number}/settle", json=said)
            await walk("POST", page + "/approve", form={}, number=number)
            continue
        for again in (one, page):
            made = await walk("POST", "/api/v1/stocktakes", {"site": "KHO"})
            said: dict[str, Any] = {"reason": "Nhầm"}
            await walk("POST", again + "/cancel", said if again == one else None,
                       form=None if again == one else said, number=made["number"])  # fmt: skip
        made = await walk("POST", "/api/v1/stocktakes", {"site": "KHO"})
        number = made["number"]
        await walk("PATCH", one, {"title": "Kho"}, version=made["version"], number=number)
        await walk("POST", one + "/scans", {"scans": [{"id": str(new_id()), "tag": "Z-1"}]}, number=number)
        await walk("POST", page + "/scans", form={"tag": "Z-2"}, number=number)
        await walk("POST", one + "/close", number=number)
        for item in (await walk.client.get(f"/api/v1/stocktakes/{number}/items")).json()["items"]:
            kind = "register" if item["result"] == "unknown" else "found_after"
            await walk(
                "POST", one + "/settle", {"settlements": [{"tag": item["tag"], "settlement": kind}]}, number=number
            )
        await walk("POST", page + "/settle", form={"tag": "Z-2", "settlement": "register"}, number=number)
        other = await walk.client.post(one.format(number=number) + "/approve")
        assert other.status_code == 409, "four eyes"
    async with transaction(EVERYTHING) as tx:  # somebody else counted
        await tx.execute("update stocktake_scans set by = null")
        await tx.execute("update stocktake_items set settled_by = null")
    await walk("POST", one + "/approve", number=number - 1)
    await walk("PATCH", "/api/v1/counted-states/{counted}", {"name": "Hỏng"}, version=1, counted="broken")


async def labels_are_written(walk: Walk) -> None:
    sheet = asdict(PRESETS["tape-24"])
    made = await walk("POST", "/api/v1/label-grids", {**sheet, "name": "Băng"})
    await walk("PATCH", "/api/v1/label-grids/{grid}", {"name": "Băng 24"}, version=made["version"], grid=made["id"])
    made = await walk("POST", "/api/v1/label-printers", {"name": "Máy in"})
    await walk("PATCH", "/api/v1/label-printers/{printer}", {"offset_x": 1}, version=1, printer=made["id"])
    await walk("POST", "/labels/grids", form={"name": "Băng 2", **{name: str(value) for name, value in sheet.items()}})
    await walk("POST", "/labels/printers", form={"name": "Máy in 2"})
    await walk("POST", "/api/v1/labels.pdf", {"tags": ["QN-1"]})
    await walk("POST", "/labels", form={"tag": "QN-1"})


async def papers_are_written(walk: Walk) -> None:
    one, page, word = "/api/v1/paper-forms/{paper}", "/papers/{paper}", ("a.docx", docx_template("{{ unit }}"))
    await walk("PATCH", one, {"addressee": "Sở Tài chính"}, version=1, paper="needs")
    await walk("POST", one + "/template", files={"file": word}, version=2, paper="needs")
    await walk("DELETE", one + "/template", version=3, paper="needs")
    await walk("POST", page + "/edit", form={"version": "4", "addressee": "x"}, paper="needs")
    await walk("POST", page + "/template", form={"version": "5"}, files={"file": word}, paper="needs")
    await walk("POST", page + "/template/remove", form={"version": "6"}, paper="needs")


async def disposal_is_written(walk: Walk, rate: str) -> None:
    quoted = {"amount": 5_000_000, "supplier": "Cửa hàng A", "quoted_on": "2026-11-01"}
    await walk("POST", "/api/v1/assets/{tag}/repair-quotations", quoted, tag="QN-1")
    await walk("POST", "/wear/quotations", form={**quoted, "tag": "QN-1", "amount": "5.000.000"})
    rule = await walk("POST", "/api/v1/disposal-rules", {"repair_percent": 40, "valid_from": "2027-01-01"})
    one = "/api/v1/disposal-rules/{rule}"
    await walk("PATCH", one, {"repair_percent": 35}, version=rule["version"], rule=rule["id"])
    form = {"repair_percent": "45", "valid_from": "2028-01-01"}
    await walk("POST", "/wear/disposal-rules", form=form)
    await walk(
        "POST",
        "/wear/disposal-rules/{rule}",
        form={**form, "valid_from": "2027-06-01", "version": "2"},
        rule=rule["id"],
    )
    form = {"category": "ups", "years": "8", "rate": "12,5", "threshold": "10.000.000", "valid_from": "2025-01-01"}
    await walk("POST", "/wear/rates", form=form)
    form = {**form, "version": "2", "valid_from": "2025-02-01"}
    await walk("POST", "/wear/rates/{rate}", form=form, rate=rate)


async def files_are_written(walk: Walk) -> None:
    of = {"subject_kind": "asset", "subject": "QN-1"}
    made = await walk("POST", "/api/v1/attachments", form=of, files={"file": ("a.png", pictures.png())})
    await walk("DELETE", "/api/v1/attachments/{attachment}", version=made["version"], attachment=made["id"])
    path = "/attachments/{subject_kind}/{subject}"
    await walk("POST", path, form={}, files={"file": ("b.pdf", pictures.PDF)}, **of)
    made = (await walk.client.get("/api/v1/attachments")).json()["items"][0]
    await walk("POST", "/attachments/{attachment}/remove", form={"version": "1"}, attachment=made["id"])


async def places_are_written(walk: Walk) -> None:
    room = await walk("POST", "/api/v1/rooms", {"site": "21025", "name": "Tầng 1", "kind": "floor"})
    renamed = {"name": "Tầng trệt"}
    room = await walk("PATCH", "/api/v1/rooms/{room}", renamed, version=room["version"], room=room["id"])
    await walk("DELETE", "/api/v1/rooms/{room}", version=room["version"], room=room["id"])
    path = "/api/v1/administrative-units/{code}"
    await walk("PATCH", path, {"agency_code": "H48.30"}, version=1, code="21028")
    await walk("PATCH", "/api/v1/sites/{code}", {"phone": "0255 000"}, version=1, code="21028")
    renaming = {"kind": "rename", "effective_on": "2026-01-01", "decision_number": "1/NQ", "predecessors": ["21028"],
                "successors": [{"code": "21028", "name": "Phường Mới"}]}  # fmt: skip
    change = await walk("POST", "/api/v1/unit-changes", renaming)
    await walk("PATCH", "/api/v1/unit-changes/{change}", {"note": "x"}, version=1, change=change["id"])
    at = {"code": "21028"}
    await walk("POST", "/sites/{code}/rooms", form={"name": "Quầy 1", "kind": "counter"}, **at)
    room = (await walk.client.get("/api/v1/rooms", params={"site": "21028"})).json()["items"][0]
    moved = {"name": "Quầy 2", "kind": "counter", "version": "1"}
    await walk("POST", "/sites/{code}/rooms/{room}/edit", form=moved, room=room["id"], **at)
    await walk("POST", "/sites/{code}/rooms/{room}/remove", form={"version": "2"}, room=room["id"], **at)
    site = (await walk.client.get("/api/v1/sites/21028")).json()
    await walk("POST", "/sites/{code}/edit", form={"version": str(site["version"]), "address": "1 Trần Phú"}, **at)
    await walk("POST", "/units/{code}/edit", form={"version": "1", "agency_code": "H48.31"}, **at)
    form = {"kind": "rename", "effective_on": "2026-02-01", "decision_number": "2/NQ", "predecessors": "21028",
            "code_1": "21028", "name_1": "Phường Mới Nữa"}  # fmt: skip
    await walk("POST", "/unit-changes/new", form=form)


async def monitoring_is_written(walk: Walk) -> None:
    collector = (await walk.house.collector()).headers["authorization"]
    assert collector
    async with transaction(EVERYTHING) as tx:
        collector = await tx.fetchval("select id from collectors")
    target = await walk("POST", "/api/v1/targets", {"address": "127.0.0.9", "method": "snmp", "asset_tag": "QN-1"})
    await walk("PATCH", "/api/v1/targets/{target}", {"port": 1161}, version=target["version"], target=target["id"])
    await probes_are_written(walk, target["id"], str(collector))
    said = await walk("POST", "/api/v1/declarations", {"site": "21025", "kind": "broken", "asset_tag": "QN-1"})
    await walk("POST", "/api/v1/declarations/{declaration}/end", declaration=said["id"])
    await walk("POST", "/sites/{code}/paper-mode", form={"reason": "network"}, code="21025")
    paper = (await walk.client.get("/sites/21025/paper-mode.json")).json()["now"]["id"]
    await walk("POST", "/sites/{code}/paper-mode/{declaration}/end", form={}, code="21025", declaration=paper)
    await walk("POST", "/api/v1/collectors/{collector}/orders", {"kind": "probe_now", "target": target["id"]},
               collector=collector)  # fmt: skip
    for number in (1, 2):
        await an_incident(UUID(target["id"]), number)
    numbers = [row["number"] for row in (await walk.client.get("/api/v1/incidents")).json()["items"]]
    await walk("POST", "/api/v1/incidents/{number}/acknowledge", number=numbers[0])
    await walk("POST", "/incidents/{number}/acknowledge", form={}, number=numbers[1])
    begin, end = clock.now(), clock.now() + timedelta(hours=2)
    quiet = {"site": "21025", "title": "Thay dây", "starts_at": begin.isoformat(), "ends_at": end.isoformat()}
    await walk("POST", "/api/v1/maintenance-windows", quiet)
    await walk("POST", "/api/v1/silences", quiet)
    await walk("POST", "/api/v1/collectors/{collector}/revoke", collector=collector)


async def probes_are_written(walk: Walk, device: str, collector: str) -> None:
    beat = {"method": "heartbeat", "site": "21025", "title": "Sao lưu"}
    made = await walk("POST", "/api/v1/targets", beat)
    one = {"target": made["id"]}
    for path in ("/api/v1/targets/{target}/heartbeat-address", "/api/v1/targets/{target}/heartbeat-address/revoke"):
        await walk("POST", path, **one)
    for path in ("/targets/{target}/heartbeat-address", "/targets/{target}/heartbeat-address/revoke"):
        await walk("POST", path, form={}, **one)
    asked = {"method": "tcp", "address": "127.0.0.8", "port": "80", "interval_seconds": "60", "confirm": "2"}
    await walk("POST", "/targets/new", form=asked | {"site": "21025", "title": "Cổng"})
    rows = (await walk.client.get("/api/v1/targets", params={"q": "Cổng"})).json()["items"]
    form = asked | {"version": "1", "port": "81", "enabled": "1"}
    await walk("POST", "/targets/{target}/edit", form=form, target=rows[0]["id"])
    first = await walk("POST", "/api/v1/credentials", {"name": "a", "secret": {"community": "word"}})
    await walk("POST", "/credentials", form={"name": "b", "kind": "v2c", "community": "word"})
    names = (await walk.client.get("/api/v1/credentials")).json()["items"]
    second = next(row for row in names if row["name"] == "b")
    await walk("PATCH", "/api/v1/credentials/{credential}", {"name": "c"}, version=1, credential=first["id"])
    await walk("POST", "/credentials/{credential}", form={"name": "d", "version": "1"}, credential=second["id"])
    await walk("POST", "/credential-orders", form={"credential_1": first["id"]})
    for path in ("/targets/{target}/probe", "/api/v1/targets/{target}/probe"):
        await walk("POST", path, form={} if "api" not in path else None, target=device)
    await walk("POST", "/api/v1/targets/{target}/try-credential", {"credential": first["id"]}, target=device)
    await walk("POST", "/targets/{target}/try-credential", form={"credential": first["id"]}, target=device)
    await walk("POST", "/api/v1/credential-orders", {"credentials": []})
    await walk("POST", "/credentials/{credential}/remove", form={"version": "2"}, credential=second["id"])
    await walk("DELETE", "/api/v1/credentials/{credential}", version=2, credential=first["id"])


async def an_incident(target: UUID, number: int) -> None:
    async with transaction(EVERYTHING) as tx:
        site = await tx.fetchval("select id from sites where code = '21025'")
        kind = Kind.DEVICE if number == 1 else Kind.CREDENTIAL
        opens = Opens(kind, Severity.CRITICAL, (Phrase("does not answer"),))
        now = clock.now()
        await open_or_join(tx, Subject("target", target, f"máy {number}", site), opens, at=now, tell_at=now, now=now)


async def faults_are_written(walk: Walk) -> None:
    one = "/api/v1/fault-kinds/{fault}"
    await walk("POST", "/api/v1/fault-kinds", {"code": "jam", "name": "Kẹt giấy"})
    await walk("PATCH", one, {"families": ["printer"]}, version=1, fault="jam")
    form = {"code": "ink", "name": "Hết mực", "picture": "toner", "severity": "warning", "position": "1"}
    await walk("POST", "/fault-kinds", form=form)
    await walk("POST", "/fault-kinds/{fault}", form=form | {"version": "1", "position": "2"}, fault="ink")
    report, photo = "/api/v1/assets/{tag}/report", {"file": ("a.png", pictures.png(2))}
    async with transaction(EVERYTHING) as tx:
        await tx.execute("update incidents set state = 'resolved'")
    said = await walk("POST", report, {"fault": "jam"}, tag="QN-1")
    await walk("POST", "/api/v1/fault-reports/{report}/photo", files=photo, form={}, report=said["id"])
    await walk("POST", "/api/v1/incidents/{number}/resolve", {"note": "Gỡ giấy"}, number=said["incident"])
    form = {"fault": "other", "note": "Kêu to"}
    await walk("POST", "/assets/{tag}/report", form=form, files={"file": ("", b"")}, tag="QN-1")
    number = (await walk.client.get("/api/v1/fault-reports")).json()["items"][0]["incident"]
    await walk("POST", "/incidents/{number}/resolve", form={}, number=number)
    await walk("POST", "/assets/{tag}/works", form={}, tag="QN-1")
    made = await walk("POST", "/api/v1/signed-addresses", {"asset_tag": "QN-1", "days": 1})
    secret = made["url"].rpartition("/")[2]
    await walk("POST", "/r/{secret}", form={**form, "name": "Bob"}, files={"file": ("", b"")}, secret=secret)
    await walk("POST", "/api/v1/signed-addresses/{address}/withdraw", address=made["id"])
    await walk("POST", "/assets/{tag}/signed-addresses", form={"days": "7"}, tag="QN-1")
    made = (await walk.client.get("/api/v1/signed-addresses?valid=true")).json()["items"][0]
    page = "/assets/{tag}/signed-addresses/{address}/withdraw"
    await walk("POST", page, form={}, tag="QN-1", address=made["id"])


async def channels_are_written(walk: Walk) -> None:
    one = "/api/v1/channels/{channel}"
    channel = await walk("POST", "/api/v1/channels", {"name": "Trực", "url": MAIL})
    changed = await walk("PATCH", one, {"url": MAIL + "&name=x", "language": "en"}, version=channel["version"],
                         channel=channel["id"])  # fmt: skip
    await walk("POST", one + "/test", channel=channel["id"])
    wish = "/api/v1/subscriptions/{subscription}"
    made = await walk("POST", "/api/v1/subscriptions", {"channel": channel["id"]})
    made = await walk("PATCH", wish, {"severity": "warning"}, version=made["version"], subscription=made["id"])
    await walk("DELETE", wish, version=made["version"], subscription=made["id"])
    await walk.client.post("/api/v1/subscriptions", json={"channel": channel["id"]})
    await walk("DELETE", one, version=changed["version"], channel=channel["id"])
    last = [(e["action"], e["subject_kind"]) for e in (await walk.events())[-2:]]
    assert last == [("delete", "subscription"), ("delete", "channel")]


async def requests_are_written(walk: Walk) -> None:
    base, page = "/api/v1/equipment-requests", "/equipment-requests/{number}"

    wish = {"lines": [{"category": "printer", "quantity": 1}], "reason": "Máy cũ hỏng", "site": "21025"}
    clerk = await walk.house.person("cam", Role.CLERK, "21025")

    async def ask(**more: Any) -> Any:  # as somebody else: nobody decides what they asked for
        return (await clerk.post(base, json={**wish, **more})).json()["number"]

    async def step(number: int, name: str, body: Any = None) -> None:
        await walk("POST", base + "/{ref}/" + name, body, ref=number)

    number = await ask(draft=True)
    await step(
        number, "amend", {"reason": "Hai máy hỏng", "quantities": {"1": 2}}
    )  # and so no longer for Bob to decide
    await step(number, "submit")
    number = await ask()
    await step(number, "return", {"note": "Ghi rõ hơn"})
    await step(number, "submit")
    await step(number, "approve", {"approved": {"1": 1}})
    await step(number, "fulfil")
    await step(number, "close")
    await answers_are_written(walk, await ask(lines=[{"category": "printer", "quantity": 9}]), step)
    await step(await ask(), "refuse", {"note": "Chưa có kinh phí"})
    number = (await walk("POST", base, wish))["number"]
    await walk("POST", base + "/{ref}/photos", form={}, files={"file": ("a.png", pictures.png())}, ref=number)
    await walk("POST", page + "/photos", form={}, files={"photo": ("b.png", pictures.png(2))}, number=number)
    await step(number, "withdraw")
    form = {"thing_1": "equipment:printer", "quantity_1": "1", "reason": "Hỏng", "site": "21025", "draft": "1"}
    await walk("POST", "/equipment-requests/new", form=form)
    async with transaction(EVERYTHING) as tx:
        number = await tx.fetchval("select max(number) from equipment_requests")
    await walk(
        "POST",
        page + "/amend",
        form={"reason": "Hỏng hẳn", "thing_1": "equipment:printer", "quantity_1": "3"},
        number=number,
    )
    await walk("POST", page + "/{step}", form={}, number=number, step="submit")


async def approval_is_written(walk: Walk) -> None:
    one, page = "/api/v1/approval-steps/{step}", "/equipment-requests/settings/steps"
    made = await walk("POST", "/api/v1/approval-steps", {"name": "Một", "roles": ["approver"]})
    step = made["id"]
    await walk("PATCH", one, {"hours": 8}, version=1, step=step)
    form = {"name": "Hai", "roles": ["approver"], "place": "any", "position": "2", "hours": "8"}
    await walk("POST", page, form=form)
    await walk("POST", page + "/{step}", form={**form, "version": "2"}, step=step)
    await walk("POST", page + "/{step}/remove", form={"version": "3"}, step=step)
    step = (await walk("POST", "/api/v1/approval-steps", {"name": "Ba", "roles": ["administrator"]}))["id"]
    last = (await walk.client.get("/api/v1/approval-steps?name=Hai")).json()["items"][0]
    await walk("DELETE", one, version=last["version"], step=last["id"])
    await walk("PATCH", "/api/v1/approval-settings", {"fulfil_hours": 8}, version=0)
    general = {"version": "1", "cost_source": "table", "seat": "", "fulfil_hours": "16"}
    await walk("POST", "/equipment-requests/settings/general", form=general)
    await walk("PATCH", "/api/v1/category-costs/{category}", {"unit_cost": 5}, version=0, category="printer")
    costs = {"unit_cost.printer": "", "version.printer": "1"}
    await walk("POST", "/equipment-requests/settings/costs", form=costs)
    shifts = [{"weekday": 1, "starts": "07:00", "ends": "11:00"}]
    await walk("PUT", "/api/v1/working-calendar", {"shifts": shifts}, version=0)
    await walk("POST", "/working-calendar/hours", form={"version": "1", "starts_2_0": "07:00", "ends_2_0": "11:00"})
    await walk("POST", "/working-calendar/days", form={"version": "2", "day": "2027-01-01", "kind": "holiday"})
    await walk("POST", "/working-calendar/days/{day}/remove", form={"version": "3"}, day="2027-01-01")
    await access.add_user(SYSTEM, access.NewUser(name="dung", role=Role.INSPECTOR))
    away = {"deputy": "dung", "from_on": "2099-01-01", "until_on": "2099-01-02"}
    given = (await walk("POST", "/api/v1/delegations", away))["id"]
    await walk("POST", "/api/v1/delegations/{delegation}/withdraw", delegation=given)
    await walk("POST", "/delegations", form=away | {"anyway": "1"})
    given = (await walk.client.get("/api/v1/delegations?state=coming")).json()["items"][0]["id"]
    await walk("POST", "/delegations/{delegation}/withdraw", form={}, delegation=given)


async def answers_are_written(walk: Walk, number: int, step: Callable[..., Awaitable[None]]) -> None:
    """A request that is answered in parts, and what is bought for it."""
    part, buy = "/api/v1/fulfilment-parts/{part}", "/api/v1/purchases/{number}"
    await step(number, "approve")
    ids: dict[str, list[str]] = {}

    async def repair(*more: dict[str, str]) -> str:
        async with transaction(EVERYTHING) as tx:
            await tx.execute("update assets set physical_state = 'broken' where tag = 'QN-1'")
        mended = {"way": "repair", "assets": ["QN-1"]}
        await step(number, "split", {"parts": {"1": [mended, *more]}})
        rows = (
            await walk.client.get(f"/api/v1/fulfilment-parts?request={number}&state=planned&state=under_way")
        ).json()
        ids.update({way: [row["id"] for row in rows["items"] if row["way"] == way] for way in ("repair", "purchase")})
        return ids["repair"][0]

    await walk("POST", part + "/finish", part=await repair(*[{"way": "purchase"}] * 5))
    await walk("POST", "/fulfilment-parts/{part}/{act}", form={}, part=await repair(), act="finish")
    await walk("POST", part + "/take-back", part=ids["purchase"][0])
    model = (await walk.client.get("/api/v1/asset-models?category=printer")).json()["items"][0]["id"]
    made = [
        await walk("POST", "/api/v1/purchases", {"title": "Máy in", "parts": [one]}) for one in ids["purchase"][1:3]
    ]
    await walk("POST", buy + "/order", {"supplier": "Công ty A"}, number=made[0]["number"])
    came = {"store": "KHO", "model": model, "serials": ["SN-1"]}
    await walk("POST", buy + "/arrive", came, number=made[0]["number"])
    await walk("POST", buy + "/cancel", {"note": "Hết kinh phí"}, number=made[1]["number"])
    await walk("POST", "/purchases/new", form={"title": "Nữa", "part": ids["purchase"][3]})
    last = made[1]["number"] + 1
    await walk("POST", "/purchases/{number}/{act}", form={"supplier": "B"}, number=last, act="order")


async def people_are_written(walk: Walk) -> None:
    for name, base, form in (("lan", "/api/v1/users", False), ("ba", "/people", True)):

        async def act(
            tail: str, body: Any = None, name: str = name, base: str = base, form: bool = form, **more: Any
        ) -> Any:
            said = {"form": body or {}} if form else {"body": body}
            return await walk("POST", f"{base}/{{name}}/{tail}", **said, name=name, **more)

        if form:
            await walk("POST", "/people/new", form={"name": name, "role": "clerk", "place": "unit:21025"})
            await act("edit", {"version": "1", "post": "Công chức"})
        else:
            await walk("POST", base, {"name": name, "role": "clerk", "unit": "21025"})
            await walk("PATCH", "/api/v1/users/{name}", {"post": "Công chức"}, version=1, name=name)
        await act("grants", {"role": "director", "place" if form else "unit": "unit:21025" if form else "21025"})
        await act("remove-second-factor")
        grants = (await walk.client.get(f"/api/v1/users/{name}")).json()["grants"]
        await act("grants/{grant}/end", grant=grants[1]["id"])
        await act("initial-password")
        session = await _signed_in(walk, name)
        await walk("POST", "/api/v1/tokens", {"user": name, "title": name})
        token = (await walk.client.get("/api/v1/tokens", params={"q": name})).json()["items"][0]["id"]
        if form:
            await act("tokens", {"title": "sổ", "days": "3"})
            await act("tokens/{token}/revoke", token=token)
            await act("sessions/{session}/end", session=session)
        else:
            await walk("POST", "/api/v1/tokens/{token}/revoke", token=token)
            await walk("POST", "/api/v1/sessions/{session}/end", session=session)


async def _signed_in(walk: Walk, name: str) -> str:
    """The session of somebody with a fresh initial password."""
    password = await access.initial_password(SYSTEM, name, now=clock.now())
    browser = walk.house.client(Origin=walk.house.settings.url)
    await browser.post("/sign-in", data={"name": name, "password": password})
    found = (await walk.client.get("/api/v1/sessions", params={"user": name})).json()["items"]
    return str(found[0]["id"])


async def test_when_an_asset_is_handed_out_then_its_events_say_all_that_changed(mailing: House) -> None:
    walk = Walk(mailing, await mailing.person("bob", Role.PROVINCE_IT))
    await things.add_default_categories(SYSTEM)
    await inventory_is_written(walk)
    await requests_are_written(walk)
    async with transaction(EVERYTHING) as tx:
        row = await tx.fetchrow("select * from audit_events where action = 'hand_out'")
        request = await tx.fetchrow("select * from audit_events where action = 'fulfil'")
        filed = await tx.fetchrow("select * from audit_events where action = 'register' and subject_name = 'QN-1'")
    changed = set(json.loads(row["after"]))
    assert changed == {"site", "stage", "put_into_use", "version"} == set(json.loads(row["before"]))
    assert {"state", "given", "assets", "fulfilled_at", "version"} <= set(json.loads(request["before"]))
    assert json.loads(filed["after"])["original_cost"] == 12_000_000
    assert {"serial", "room", "custodian", "warranty_until", "note", "physical_state"} <= set(
        json.loads(filed["after"])
    )


# --- which request ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/health/live", "/no/such/page", "/api/v1/assets", "/api/v1/assets?x=1", "/sign-in"])
async def test_each_answer_has_a_request_id_of_ours_whatever_the_caller_sent(house: House, path: str) -> None:
    client = house.client(**{"X-Request-ID": "mine"})
    first, second = [(await client.get(path)).headers.get_list("x-request-id") for _ in range(2)]
    assert len(first) == len(second) == 1
    assert UUID(first[0]).version == 7
    assert first != second
