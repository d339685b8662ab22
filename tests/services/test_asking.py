"""Asking for things of all kinds on a real PostgreSQL: what lines become, how they are corrected, what is known beside them."""

import json
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import pytest

from assets import db
from assets.access.actor import SYSTEM
from assets.db import EVERYTHING
from assets.equipment_requests import queries, service
from assets.equipment_requests.asking import Asked, LineKind
from assets.equipment_requests.catalogue import catalogue
from assets.equipment_requests.facts import LineFacts, beside
from assets.equipment_requests.service import Amended, Doing, Filing
from assets.equipment_requests.telling import EquipmentRequestTelling
from assets.equipment_requests.workflow import State, Step
from assets.errors import Conflict, Invalid
from assets.ids import new_id
from assets.inventory import things, wear_rates
from assets.inventory.kits import norm_book
from assets.inventory.kits import service as kits
from assets.inventory.kits.allowance import Per, What
from assets.inventory.lifecycle import PhysicalState, Stage
from assets.inventory.stock import consumables
from assets.inventory.stock.ledger import Act
from assets.inventory.stock.service import Movement, move
from assets.web.paging import ListQuery
from tests import equipment_world
from tests.equipment_world import T0, World, at

PRINTER = Asked("printer", 2, "Quầy 2", unit_cost=4_500_000)
TONER = Asked(kind=LineKind.CONSUMABLE, consumable="cf259a", quantity=5)
ACCOUNT = Asked(
    kind=LineKind.CAPABILITY, capability="account", application="igate", holder_post="Công chức <b> tư pháp\0"
)
SEAL = Asked(kind=LineKind.CAPABILITY, capability="seal", holder_post="Văn thư")
REPAIR = Asked(kind=LineKind.REPAIR, asset="pr-1", reason="Kẹt giấy")
ALL = [PRINTER, TONER, ACCOUNT, REPAIR]


@dataclass
class Shop:
    """The world with a consumable for the centre's printer, an application, a kit and a norm."""

    world: World

    async def file(self, lines: list[Asked], **more: Any) -> str:
        filed = await service.file(self.world.alice, Filing(lines, "Mở quầy 5", **more), now=at(0))
        return str(filed.number)

    async def detail(self, number: str, language: str = "vi") -> queries.RequestDetail:
        async with db.transaction(EVERYTHING) as tx:
            return await queries.one(tx, self.world.bob, number, language)

    async def facts(self, number: str) -> list[LineFacts]:
        async with db.transaction(EVERYTHING) as tx:
            return (await beside(tx, self.world.bob, number, "vi", at(0))).lines


@pytest.fixture
async def shop(database: str) -> Shop:
    world = await equipment_world.build()
    model = world.models["printer"]
    await consumables.add_consumable(
        SYSTEM, consumables.NewConsumable("CF259A", "Hộp mực 59A", "hộp", "toner", "Toner 59A", 3, models=[model])
    )
    await things.add_application(SYSTEM, things.NewApplication("igate", "Một cửa điện tử", name_en="One-stop"))
    await world.thing("printer", "PR-1", world.home_code, state=PhysicalState.WORN)
    await world.thing("printer", "PR-X", world.other_code)
    lines = [kits.NewLine(What.CATEGORY, "printer", 3), kits.NewLine(What.APPLICATION, "igate", 2)]
    await kits.add_kit(SYSTEM, kits.NewKit("centre", "Bộ tối thiểu", "centre", lines=lines))
    norm = norm_book.NewNorm("printer", ["printer"], "Máy in", 2, date(2025, 7, 1), "QĐ 15/2025/QĐ-TTg", per=Per.SITE)
    await norm_book.add_norm(SYSTEM, norm)
    return Shop(world)


async def test_when_all_kinds_are_asked_for_then_every_record_says_them_in_words(shop: Shop) -> None:
    number = await shop.file(ALL)
    vi, en = await shop.detail(number), await shop.detail(number, "en")
    assert [line.name for line in vi.lines] == [
        "Máy in", "Hộp mực 59A", "Tài khoản Một cửa điện tử cho Công chức <b> tư pháp",
        "Sửa chữa Máy in Maker printer (PR-1)",
    ]  # fmt: skip
    assert [line.name for line in en.lines] == [
        "Printer", "Toner 59A", "Account of One-stop for Công chức <b> tư pháp", "Repair of Printer Maker printer (PR-1)",
    ]  # fmt: skip
    assert [(li.kind, li.category, li.consumable, li.capability, li.application, li.asset) for li in vi.lines] == [
        ("equipment", "printer", "", "", "", ""), ("consumable", "", "CF259A", "", "", ""),
        ("capability", "", "", "account", "igate", ""), ("repair", "", "", "", "", "PR-1"),
    ]  # fmt: skip
    assert (vi.lines[0].unit_cost, vi.lines[1].unit_cost, vi.lines[3].reason) == (4_500_000, None, "Kẹt giấy")
    assert vi.events[0].note.startswith("2 × Máy in, 5 × Hộp mực 59A, 1 × Tài khoản")
    async with db.transaction(EVERYTHING) as tx:
        after = json.loads(await tx.fetchval("select after from audit_events where action = 'file'"))
        request = await tx.fetchval("select id from equipment_requests")
        told = await EquipmentRequestTelling("http://x").compose(tx, request, "", {"state": "submitted"}, "en")
        for words in ("hop muc 59a", "toner", "mot cua dien tu", "pr-1"):
            found = await queries.listed_requests(tx, shop.world.bob, ListQuery(q=words), "vi")
            assert found.total == 1, words
    assert after["lines"][3] == ["Sửa chữa Máy in Maker printer (PR-1)", 1, "Kẹt giấy"]
    assert "5 × Toner 59A" in told.body


@pytest.mark.parametrize(
    ("lines", "field"),
    [
        ([PRINTER, replace(TONER, consumable="NONE")], "lines.1.consumable"),
        ([replace(ACCOUNT, application="none")], "lines.0.application"),
        ([replace(ACCOUNT, application="")], "lines.0.application"),
        ([replace(ACCOUNT, holder_post="\0 ")], "lines.0.holder_post"),
        ([replace(REPAIR, asset="PR-X")], "lines.0.asset"),  # another centre's
        ([replace(REPAIR, asset="PR-GONE")], "lines.0.asset"),  # disposed of
        ([replace(REPAIR, asset="NONE")], "lines.0.asset"),
        ([REPAIR, replace(REPAIR, asset=" PR-1 ")], "lines.1.asset"),
        ([replace(REPAIR, quantity=2)], "lines.0.quantity"),
        ([replace(REPAIR, category="printer")], "lines.0.category"),
        ([SEAL] * 21, "lines"),
    ],
)
async def test_when_a_line_names_what_is_not_there_then_its_field_is_named_and_nothing_is_kept(
    shop: Shop, lines: list[Asked], field: str
) -> None:
    await shop.world.thing("printer", "PR-GONE", shop.world.home_code, stage=Stage.DISPOSED)
    number = await shop.file([PRINTER], send=False)
    with pytest.raises(Invalid) as caught:
        await shop.file(lines)
    assert list(caught.value.fields) == [field]
    with pytest.raises(Invalid) as caught:
        await service.amend(shop.world.alice, number, Amended(reason="x", lines=lines), Doing(), now=at(1))
    assert list(caught.value.fields) == [field]
    async with db.transaction(EVERYTHING) as tx:
        assert await tx.fetchval("select count(*) from equipment_request_lines") == 1


async def test_when_lines_are_corrected_then_they_are_what_was_said_last_and_the_story_says_both(shop: Shop) -> None:
    number = await shop.file(ALL)
    await service.act(shop.world.bob, number, Step.RETURN, Doing("Mực loại nào?"), now=at(1))
    lines = [replace(PRINTER, quantity=1, reason="Quầy 3"), SEAL, REPAIR]
    await service.amend(shop.world.alice, number, Amended(reason="Mở quầy 3", lines=lines), Doing(), now=at(2))
    seen = await shop.detail(number)
    assert [(line.position, line.name, line.quantity, line.reason) for line in seen.lines] == [
        (1, "Máy in", 1, "Quầy 3"), (2, "Con dấu cho Văn thư", 1, ""),
        (3, "Sửa chữa Máy in Maker printer (PR-1)", 1, "Kẹt giấy"),
    ]  # fmt: skip
    assert seen.events[-1].note == "1 × Máy in, 1 × Con dấu cho Văn thư, 1 × Sửa chữa Máy in Maker printer (PR-1)"
    async with db.transaction(EVERYTHING) as tx:
        row = await tx.fetchrow("select before, after from audit_events where action = 'amend'")
        assert (await queries.listed_requests(tx, shop.world.bob, ListQuery(q="hop muc"), "vi")).total == 0
        assert (await queries.listed_requests(tx, shop.world.bob, ListQuery(q="con dau"), "vi")).total == 1
    assert len(json.loads(row["before"])["lines"]) == 4
    assert json.loads(row["after"])["lines"][1] == ["Con dấu cho Văn thư", 1, ""]
    await service.act(shop.world.alice, number, Step.SUBMIT, Doing(), now=at(3))
    with pytest.raises(Conflict):
        await service.amend(shop.world.alice, number, Amended(reason="x", lines=lines), Doing(), now=at(4))


async def test_when_only_numbers_are_corrected_then_a_repair_stays_one(shop: Shop) -> None:
    number = await shop.file([TONER, REPAIR], send=False)
    await service.amend(shop.world.alice, number, Amended({1: 7}, "x"), Doing(), now=at(1))
    assert [line.quantity for line in (await shop.detail(number)).lines] == [7, 1]
    for amended in (Amended({2: 2}, "x"), Amended({1: 8}, "x", [TONER])):
        with pytest.raises(Invalid):
            await service.amend(shop.world.alice, number, amended, Doing(), now=at(2))


async def test_when_the_kinds_are_mixed_then_the_store_still_issues_the_equipment(shop: Shop) -> None:
    for tag in ("PR-8", "PR-9"):
        await shop.world.stock("printer", tag)
    number = await shop.file(ALL)
    await service.approve(shop.world.bob, number, Doing(), now=at(1))
    filed = await service.fulfil(shop.world.bob, number, Doing(), now=at(2))
    assert filed.state is State.IN_FULFILMENT
    assert [line.given for line in (await shop.detail(number)).lines] == [2, 0, 0, 0]


async def _happen(shop: Shop) -> None:
    """A year of the printer: an incident, a report, two repairs, one of them long ago; and what it cost."""
    async with db.transaction(EVERYTHING) as tx:
        asset = await tx.fetchval(
            "update assets set original_cost = 12000000, put_into_use = '2024-03-01', warranty_until = '2026-11-24' "
            "where tag = 'PR-1' returning id"
        )
        home = shop.world.home
        for number, days in ((7, 30), (8, 400)):
            await tx.execute(
                "insert into incidents (id, number, kind, severity, state, site, subject_kind, subject, subject_name, asset, "
                "asset_tag, reason, opened_at, acknowledged_by, resolution, affected, version) values "
                "($1,$2,'device','critical','resolved',$3,'asset',$4,'PR-1',$4,'PR-1','',$5,'','',0,1)",
                new_id(), number, home, asset, T0 - timedelta(days=days),
            )  # fmt: skip
            await tx.execute(
                "insert into asset_events (id, asset, site, at, kind, actor_name, text) values ($1,$2,$3,$4,'in_repair','','')",
                new_id(), asset, home, T0 - timedelta(days=days),
            )  # fmt: skip
        await tx.execute(
            "insert into declarations (id, site, asset, kind, text, said_by_name, said_at, ended_at) "
            "values ($1,$2,$3,'broken','','Bà A',$4,$4)", new_id(), home, asset, T0 - timedelta(days=3),
        )  # fmt: skip
        await tx.execute(
            "insert into repair_quotations (id, asset, amount, supplier, quoted_on, note, written_by, written_at) "
            "values ($1,$2,900000,'Cửa hàng','2026-11-01','','',$3)", new_id(), asset, T0,
        )  # fmt: skip
    await wear_rates.add_rate(SYSTEM, wear_rates.NewRate("printer", 5, date(2020, 1, 1)))


async def test_when_somebody_decides_then_what_is_known_of_every_kind_stands_beside_its_line(shop: Shop) -> None:
    await _happen(shop)
    await shop.world.stock("printer", "PR-9")
    for movement in (
        Movement(Act.RECEIVE, "KHO", "CF259A", 14), Movement(Act.RECEIVE, shop.world.home_code, "CF259A", 6),
        Movement(Act.ISSUE, shop.world.home_code, "CF259A", 4, asset_tag="PR-1"),
        Movement(Act.RETURN, shop.world.home_code, "CF259A", 1, asset_tag="PR-1"),
    ):  # fmt: skip
        await move(SYSTEM, movement, now=at(0))
    for status, until in (("issued", date(2027, 5, 1)), ("issued", date(2026, 1, 1)), ("not_issued", None)):
        new = things.NewCapability(
            shop.world.home_code, "account", f"{status} {until}", status, application="igate", expires_on=until
        )
        await things.add_capability(SYSTEM, new)
    number = await shop.file(ALL)
    other = await shop.file([replace(TONER, quantity=9)])
    printer, toner, account, repair = await shop.facts(number)
    assert printer.kit is not None
    assert (printer.kit.allowance, printer.kit.present, printer.kit.missing) == (3, 1, 2)
    assert [(n.allowance, n.missing, n.over, n.verified) for n in printer.norms] == [(2, 1, 0, False)]
    assert (printer.faults_last_year, printer.reports_last_year, printer.repairs_last_year) == (1, 1, 1)
    assert (printer.in_stock, [thing.tag for thing in printer.stock]) == (1, ["PR-9"])
    assert toner.supply is not None
    assert (toner.supply.at_centre, toner.supply.minimum, toner.supply.used_last_year) == (3, 3, 3)
    assert (toner.supply.printers, toner.in_stock) == (["Maker printer"], 14)
    assert (toner.asked_elsewhere, toner.asked_in) == (9, [int(other)])
    assert account.capability is not None
    assert (account.capability.issued, account.capability.not_issued, account.capability.ended) == (1, 1, 1)
    assert account.capability.ends_first == date(2027, 5, 1)
    assert account.kit is not None
    assert (account.kit.allowance, account.kit.missing, account.kit.short) == (2, 0, 1)
    asset = repair.asset
    assert asset is not None
    assert (asset.years, asset.in_warranty, asset.quotation, asset.repairs) == (2, True, 900_000, 2)
    assert (asset.original_cost, asset.remaining) == (12_000_000, 7_200_000)
    assert asset.reported_broken_at is None  # it was, and works again
    assert (repair.faults_last_year, repair.repairs_last_year, repair.in_stock) == (1, 1, 0)
    assert (printer.asset, printer.supply, toner.kit, repair.norms) == (None, None, None, [])
    async with db.transaction(db.EVERYTHING) as tx:
        await tx.execute("update declarations set ended_at = null where kind = 'broken'")
    *_, repair = await shop.facts(number)
    assert repair.asset is not None
    assert repair.asset.reported_broken_at == T0 - timedelta(days=3)


async def test_when_the_catalogue_is_opened_then_what_the_centre_lacks_or_uses_stands_first(shop: Shop) -> None:
    world = shop.world
    await consumables.add_consumable(SYSTEM, consumables.NewConsumable("A4", "A giấy", "ram", "paper"))
    await world.thing("scanner", "SC-1", world.home_code, state=PhysicalState.BROKEN)
    async with db.transaction(world.alice.scope) as tx:
        equipment, supplies, accounts, repairs = await catalogue(tx, world.home, "", "vi", T0.date())
    first = equipment.choices[0]
    assert (first.thing, first.note, first.wanted) == ("equipment:printer", "thiếu 2 so với danh mục tối thiểu", True)
    assert [(c.thing, c.wanted) for c in supplies.choices] == [("consumable:CF259A", True), ("consumable:A4", False)]
    assert (accounts.choices[0].thing, accounts.choices[0].wanted) == ("capability:account:igate", True)
    assert [c.thing for c in repairs.choices] == ["repair:SC-1", "repair:PR-1"]
