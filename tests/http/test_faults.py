"""Reporting a fault on pages and over the API: two taps, one answer, and an address that opens nothing else."""

import re
from datetime import timedelta

import httpx2
import pytest

from assets import clock, db
from assets.access.actor import SYSTEM
from assets.access.permissions import Role
from assets.incidents.faults import kinds, service
from assets.inventory import service as inventory
from assets.inventory import things
from assets.inventory.stock.consumables import NewConsumable, add_consumable
from assets.inventory.stock.ledger import Act
from assets.inventory.stock.service import Movement, move
from tests import pictures
from tests.conftest import House
from tests.permission_world import tells_of

OWN, FOREIGN = "21025", "21028"
FORM = f"/assets/P-{OWN}/report"
NO_FILE = {"file": ("", b"", "application/octet-stream")}
HOSTILE = "<script>alert(1)</script> {{ 7 * 7 }}"


@pytest.fixture
async def printers(house: House) -> House:
    """A printer at each of two centres, and the faults that ship."""
    await things.add_default_categories(SYSTEM)
    await kinds.add_default_kinds(SYSTEM)
    model = await things.add_model(SYSTEM, things.NewModel("printer", "Canon", "LBP"))
    for code in (OWN, FOREIGN):
        await inventory.register(SYSTEM, inventory.NewAsset(f"P-{code}", model, code), now=clock.now())
    return house


async def clerk_of(house: House, name: str = "lan") -> httpx2.AsyncClient:
    client = await house.person(name, Role.CLERK, OWN)
    client.cookies.set("language", "vi")
    return client


async def count(table: str) -> int:
    async with db.transaction(db.EVERYTHING) as tx:
        return int(await tx.fetchval(f"select count(*) from {table}"))


def key_in(page: str) -> str:
    return str(re.search(r'name="key" value="([0-9a-f-]{36})"', page)[1])  # type: ignore[index]


async def test_when_toner_is_out_then_the_answer_says_what_fits_and_leads_to_asking_for_it(printers: House) -> None:
    clerk = await clerk_of(printers)
    async with db.transaction(db.EVERYTHING) as tx:
        model = await tx.fetchval("select model from assets where tag = $1", f"P-{OWN}")
    for code, kind in (("TN-1", "toner"), ("A4", "paper")):
        await add_consumable(SYSTEM, NewConsumable(code, f"Loại <{code}>", "hộp", kind, models=[model]))
    await move(SYSTEM, Movement(Act.RECEIVE, OWN, "TN-1", 2), now=clock.now())
    for fault, shown in (("no-toner", True), ("paper-jam", False)):
        page = (await clerk.get(FORM)).text
        sent = await clerk.post(FORM, data={"fault": fault, "key": key_in(page)}, files=NO_FILE)
        answer = (await clerk.get(sent.headers["location"])).text
        assert ("Trung tâm còn 2 hộp" in answer, "new?pick=consumable%3ATN-1" in answer) == (shown, shown)
        assert "Loại &lt;A4&gt;" not in answer


async def test_from_the_label_to_the_answer_who_has_it(printers: House) -> None:
    clerk = await clerk_of(printers)
    await printers.person("bao", Role.ON_CALL)
    await printers.person("it", Role.PROVINCE_IT)
    label = await clerk.get(f"/t/P-{OWN}")
    assert label.headers["location"] == FORM
    page = (await clerk.get(FORM)).text
    assert "Kẹt giấy" in page
    assert "Không đăng nhập được" not in page  # no fault of a printer
    assert page.index("Kẹt giấy") < page.index("Không lên nguồn")  # its own before everybody's
    sent = await clerk.post(FORM, data={"fault": "paper-jam", "key": key_in(page)}, files=NO_FILE)
    assert sent.status_code == 303
    again = await clerk.post(FORM, data={"fault": "paper-jam", "key": key_in(page)}, files=NO_FILE)
    assert again.headers["location"] == sent.headers["location"]
    assert await count("fault_reports") == 1
    answer = (await clerk.get(sent.headers["location"])).text
    assert "Đã báo lúc" in answer
    assert re.search(r'class="holder"><strong>Bao</strong>', answer)  # who is on call, before the rest of the province
    incident = (await clerk.get("/api/v1/incidents")).json()["items"][0]
    assert f'href="/incidents/{incident["number"]}"' in answer
    fixer = await printers.person("fixer", Role.ON_CALL)
    assert (await fixer.post(f"/incidents/{incident['number']}/acknowledge", data={})).status_code == 303
    assert "<strong>Fixer</strong>" in (await clerk.get(sent.headers["location"])).text
    assert "Đã có người báo" in (await clerk.get(FORM)).text
    assert (await clerk.post(f"/assets/P-{OWN}/works", data={})).headers["location"] == f"/assets/P-{OWN}"
    assert "Đã sửa xong" in (await clerk.get(sent.headers["location"])).text
    asset = (await clerk.get(f"/assets/P-{OWN}")).text
    assert "Báo hỏng" in asset
    assert "Kẹt giấy" in asset


async def test_the_incident_tells_that_people_reported_it_and_how_it_was_mended(printers: House) -> None:
    clerk, fixer = await clerk_of(printers), await printers.person("bao", Role.PROVINCE_IT)
    fixer.cookies.set("language", "vi")
    await clerk.post(FORM, data={"fault": "paper-jam", "note": HOSTILE}, files=NO_FILE)
    await clerk.post(FORM, data={"fault": "no-toner"}, files=NO_FILE)
    number = (await fixer.get("/api/v1/incidents")).json()["items"][0]["number"]
    page = (await fixer.get(f"/incidents/{number}")).text
    assert "<script>alert" not in page
    assert "{{ 7 * 7 }}" in page
    assert "Báo hỏng thêm" in page
    assert "Thiết bị không" not in page.partition("</h1>")[0]
    assert "resolve" not in (await clerk.get(f"/incidents/{number}")).text
    long = await fixer.post(f"/incidents/{number}/resolve", data={"note": "ỏ" * 256})
    assert (long.status_code, "Tối đa 255 ký tự; nội dung này có 256" in long.text, "ỏ" * 256 in long.text) == (
        400,
        True,
        True,
    )
    assert (await fixer.post(f"/incidents/{number}/resolve", data={"note": "Thay mực"})).status_code == 303
    assert "Bao báo là đã sửa xong: Thay mực" in (await fixer.get(f"/incidents/{number}")).text
    assert (await fixer.post(f"/incidents/{number}/resolve", data={})).status_code == 409
    [*said] = (await clerk.get("/api/v1/declarations?open=true")).json()["items"]
    assert said == []


async def test_who_looks_after_the_register_comes_from_the_label_to_the_asset(printers: House) -> None:
    keeper, it = await printers.person("kho", Role.STOREKEEPER), await printers.person("it", Role.PROVINCE_IT)
    for somebody in (keeper, it):
        assert (await somebody.get(f"/t/P-{OWN}")).headers["location"] == f"/assets/P-{OWN}"


@pytest.mark.parametrize("typed", [f"p-{OWN}", f" P-{OWN} ", f"https://x.example/t/P-{OWN}", f"http://h/t/P-{OWN}?a=1"])
async def test_what_is_typed_or_scanned_leads_to_the_pictures(printers: House, typed: str) -> None:
    clerk = await clerk_of(printers)
    assert (await clerk.get("/report", params={"tag": typed})).headers["location"] == FORM


async def test_a_part_of_a_tag_leads_to_the_only_one_of_ones_own_that_has_it(printers: House) -> None:
    clerk = await clerk_of(printers)
    async with db.transaction(db.EVERYTHING) as tx:
        model = await tx.fetchval("select model from assets limit 1")
    for tag, site in (
        ("QN-1-0007", OWN),
        ("QN-1-0017", OWN),
        ("QN-2-0017", OWN),
        ("QN-9-0007", FOREIGN),
        ("QN-9-0099", FOREIGN),
    ):
        await inventory.register(SYSTEM, inventory.NewAsset(tag, model, site), now=clock.now())

    async def ask(typed: str) -> httpx2.Response:
        return await clerk.get("/report", params={"tag": typed})

    for typed in ("0007", "7", "qn10007", "qn-1-0007", "1-0007", " qn 1 0007", "QN.1.0007"):
        assert (await ask(typed)).headers["location"] == "/assets/QN-1-0007/report", typed
    for typed in ("0017", "17", "017"):
        page = await ask(typed)
        assert (page.status_code, "Là thiết bị nào?" in page.text) == (200, True)
        assert 'href="/assets/QN-1-0017/report"' in page.text
        assert 'href="/assets/QN-2-0017/report"' in page.text
        assert "QN-1-0007" not in page.text
    assert (await ask("qn-2-0017")).headers["location"] == "/assets/QN-2-0017/report"
    for typed in ("0099", "99", "%", "-", "٧", "(", "0"):
        assert (await ask(typed)).status_code == 404, typed
    twin = (await clerk.get("/report.json", params={"tag": "17"})).json()
    assert [one["asset_tag"] for one in twin["called"]] == ["QN-1-0017", "QN-2-0017"]


@pytest.mark.parametrize("typed", ["P-0", f"P-{FOREIGN}", "../../etc/passwd", "<b>"])
async def test_a_tag_that_is_not_here_is_told_in_one_sentence(printers: House, typed: str) -> None:
    clerk = await clerk_of(printers)
    page = await clerk.get("/report", params={"tag": typed})
    assert page.status_code == 404
    assert "Đơn vị không có thiết bị mang mã này" in page.text
    assert "<b>" not in page.text
    assert "Canon" not in page.text
    for path in (f"/assets/P-{FOREIGN}/report", "/assets/P-0/report"):
        assert (await clerk.get(path)).status_code == 404
        assert (await clerk.post(path, data={"fault": "paper-jam"}, files=NO_FILE)).status_code == 404


async def test_what_is_wrong_with_the_form_is_told_and_what_was_written_stays(printers: House) -> None:
    clerk = await clerk_of(printers)
    for data, said in (
        ({"note": HOSTILE}, "Đề nghị chọn kiểu hỏng."), ({"fault": "other"}, "Đề nghị ghi rõ hỏng thế nào."),
    ):  # fmt: skip
        page = await clerk.post(FORM, data=data, files=NO_FILE)
        assert (page.status_code, said in page.text) == (400, True)
        assert "<script>alert" not in page.text
    photo = {"file": ("a.jpg", b"no picture at all" * 10)}
    page = await clerk.post(FORM, data={"fault": "paper-jam", "note": "khay 2"}, files=photo)
    assert page.status_code == 400
    assert 'value="paper-jam" required checked' in page.text
    assert "khay 2</textarea>" in page.text
    assert 'id="wrong-file"' in page.text
    large = {"file": ("a.jpg", b"\xff\xd8" + bytes(20_000_000))}
    page = await clerk.post(FORM, data={"fault": "paper-jam"}, files=large)
    assert (page.status_code, "Tệp quá lớn." in page.text) == (413, True)
    assert await count("fault_reports") + await count("incidents") + await count("attachments") == 0


async def test_a_photo_comes_with_the_report_and_stands_on_the_asset(printers: House) -> None:
    clerk = await clerk_of(printers)
    sent = await clerk.post(FORM, data={"fault": "paper-jam"}, files={"file": ("a.jpg", pictures.photo())})
    report = (await clerk.get(sent.headers["location"] + ".json")).json()["report"]
    content = await clerk.get(f"/api/v1/attachments/{report['photo']}/content")
    assert content.headers["content-type"] == "image/jpeg"
    assert pictures.GPS not in content.content
    [file] = (await clerk.get("/api/v1/attachments")).json()["items"]
    assert (file["code"], file["note"]) == (f"P-{OWN}", "Kẹt giấy")


async def test_a_photo_comes_after_a_long_report(printers: House) -> None:
    clerk = await clerk_of(printers)
    long = {"fault": "paper-jam", "note": "x" * service.NOTE_MAX, "key": "01936b2e-0000-7000-8000-000000000001"}
    told = (await clerk.post(f"/api/v1/assets/P-{OWN}/report", json=long)).json()
    photo = f"/api/v1/fault-reports/{told['id']}/photo"
    assert (await clerk.post(photo, files={"file": ("b.png", pictures.png(9, 9))})).status_code == 200


async def test_the_api_does_what_the_pages_do(printers: House) -> None:
    clerk = await clerk_of(printers)
    body = {"fault": "paper-jam", "key": "01936b2e-0000-7000-8000-000000000001"}
    made = (await clerk.post(f"/api/v1/assets/P-{OWN}/report", json=body)).json()
    assert (await clerk.post(f"/api/v1/assets/P-{OWN}/report", json=body)).json() == made
    assert (made["fault"], made["text"], made["incident_state"], made["said_by"]) == (
        "paper-jam",
        "Kẹt giấy",
        "open",
        "Lan",
    )
    photo = f"/api/v1/fault-reports/{made['id']}/photo"
    assert (await clerk.post(photo, files={"file": ("a.png", pictures.png())})).json()["photo"]
    assert (await clerk.post(photo, files={"file": ("a.png", pictures.png())})).status_code == 409
    assert (await clerk.get("/api/v1/fault-reports?q=ket giay")).json()["total"] == 1
    [said] = (await clerk.get("/api/v1/declarations")).json()["items"]
    assert said["fault"] == "paper-jam"


async def test_the_province_says_what_can_be_reported(printers: House) -> None:
    keeper, clerk = await printers.person("kho", Role.STOREKEEPER), await clerk_of(printers)
    form = {"name": "Khay giấy gãy", "name_en": "Tray broken", "picture": "crack", "severity": "warning", "position": "5",
            "families": ["printer"], "active": "1"}  # fmt: skip
    assert (await keeper.post("/fault-kinds", data={**form, "code": "tray"})).status_code == 303
    twice = await keeper.post("/fault-kinds", data={**form, "code": "tray"})
    assert (twice.status_code, "Tray broken" in twice.text) == (409, True)
    assert "Khay giấy gãy" in (await clerk.get(FORM)).text
    wrong = await keeper.post("/fault-kinds/tray", data={**form, "version": "1", "picture": "virus", "name": ""})
    assert wrong.status_code == 400
    assert {"wrong-picture", "wrong-name"} <= set(re.findall(r'id="(wrong-\w+)"', wrong.text))
    off = {name: value for name, value in form.items() if name != "active"}
    assert (await keeper.post("/fault-kinds/tray", data={**off, "version": "1"})).status_code == 303
    assert (await keeper.post("/fault-kinds/tray", data={**off, "version": "1"})).status_code == 412
    assert "Khay giấy gãy" not in (await clerk.get(FORM)).text
    refused = await clerk.post(FORM, data={"fault": "tray"}, files=NO_FILE)
    assert refused.status_code == 400
    assert (await clerk.post("/fault-kinds", data={**form, "code": "x"})).status_code == 403


async def address_of(client: httpx2.AsyncClient, days: int = 7) -> str:
    made = await client.post("/api/v1/signed-addresses", json={"asset_tag": f"P-{OWN}", "days": days})
    return str(made.json()["url"].partition("//")[2].partition("/")[2])


async def test_an_address_opens_the_form_of_one_asset_and_tells_nothing_else(printers: House) -> None:
    clerk, stranger = await clerk_of(printers), printers.client()
    stranger.cookies.set("language", "vi")
    await clerk.post(FORM, data={"fault": "no-toner", "note": "BÍ MẬT"}, files=NO_FILE)
    place = "/" + await address_of(clerk)
    page = await stranger.get(place)
    assert (page.status_code, "Kẹt giấy" in page.text) == (200, True)
    sent = await stranger.post(
        place, data={"fault": "paper-jam", "name": HOSTILE, "key": key_in(page.text)}, files=NO_FILE
    )
    again = await stranger.post(place, data={"fault": "paper-jam", "key": key_in(page.text)}, files=NO_FILE)
    assert sent.headers["location"] == again.headers["location"]
    answer = await stranger.get(sent.headers["location"])
    drawn = re.compile(rf"{re.escape(place.removeprefix('/r/'))}|[0-9a-f]{{8}}-[0-9a-f-]{{27}}")  # may hold any word
    for said in (drawn.sub("", one.text) for one in (page, answer)):
        assert not [word for word in ("BÍ MẬT", "/sites/", "/incidents/", "Lan", '21025"', "Cẩm Thành") if word in said]
    assert "Đã báo lúc" in answer.text
    reports = (await clerk.get("/api/v1/fault-reports?fault=paper-jam")).json()
    assert reports["total"] == 1
    assert reports["items"][0]["said_by"] == f"{HOSTILE} (không đăng nhập)"
    listed = (await clerk.get(f"/assets/P-{OWN}/signed-addresses")).text
    assert place.removeprefix("/r/") not in listed
    assert "<script>alert" not in listed
    assert "đã dùng 1 lần" in listed
    # The answer to somebody else's report is not told, whatever is asked for.
    other = (await clerk.get("/api/v1/fault-reports?fault=no-toner")).json()["items"][0]["id"]
    for done in (other, "nonsense", "00000000-0000-7000-8000-000000000000"):
        assert (await stranger.get(f"{place}?done={done}")).status_code == 404
    for path in ("/", "/report", FORM, f"/fault-reports/{other}", "/api/v1/fault-reports"):
        assert (await stranger.get(path)).status_code in (303, 401)


async def test_an_address_that_is_over_is_one_plain_sentence(printers: House) -> None:
    clerk, stranger = await clerk_of(printers), printers.client()
    stranger.cookies.set("language", "vi")
    place = "/" + await address_of(clerk)
    [listed] = (await clerk.get("/api/v1/signed-addresses")).json()["items"]
    assert (await clerk.post(f"/assets/P-{OWN}/signed-addresses/{listed['id']}/withdraw", data={})).status_code == 303
    for answer in (await stranger.get(place), await stranger.post(place, data={"fault": "paper-jam"}, files=NO_FILE)):
        assert answer.status_code == 410
        assert "Đường dẫn này không còn hiệu lực." in answer.text
        assert not tells_of(OWN, answer.text)
    assert (await stranger.get("/r/nonsense")).status_code == 404
    second = "/" + await address_of(clerk)
    async with db.transaction(db.EVERYTHING) as tx:
        await tx.execute("update signed_addresses set expires_at = $1", clock.now() - timedelta(seconds=1))
    assert (await stranger.get(second)).status_code == 410
    third = "/" + await address_of(clerk)
    async with db.transaction(db.EVERYTHING) as tx:
        await tx.execute("update users set active = false")
    assert (await stranger.post(third, data={"fault": "paper-jam"}, files=NO_FILE)).status_code == 410
    assert await count("fault_reports") == 0


async def test_when_the_asset_has_moved_away_then_its_address_is_over(printers: House) -> None:
    clerk, stranger = await clerk_of(printers), printers.client()
    place = "/" + await address_of(clerk)
    async with db.transaction(db.EVERYTHING) as tx:
        await tx.execute(
            "update assets set site = (select id from sites where code = $1) where tag = $2", FOREIGN, f"P-{OWN}"
        )
    assert (await stranger.get(place)).status_code == 410
    assert (await stranger.post(place, data={"fault": "paper-jam"}, files=NO_FILE)).status_code == 410


async def test_the_page_shows_a_new_address_once_with_its_code(printers: House) -> None:
    clerk = await clerk_of(printers)
    place = f"/assets/P-{OWN}/signed-addresses"
    assert f'href="{place}"' in (await clerk.get(f"/assets/P-{OWN}")).text
    made = await clerk.post(place, data={"days": "30"})
    assert made.status_code == 200
    assert re.search(r'class="secret">http[^<]+/r/[\w-]{43}<', made.text)
    assert "<svg" in made.text.partition("code-picture")[2]
    assert "/r/" not in (await clerk.get(place)).text
    assert (await clerk.post(place, data={"days": "365"})).status_code == 400
    assert (await clerk.post(f"/assets/P-{FOREIGN}/signed-addresses", data={"days": "7"})).status_code == 404


async def test_another_site_cannot_send_somebodys_browser_to_an_address(printers: House) -> None:
    place = "/" + await address_of(await clerk_of(printers))
    stranger = printers.client(**{"Sec-Fetch-Site": "cross-site"})
    assert (await stranger.post(place, data={"fault": "paper-jam"}, files=NO_FILE)).status_code == 403
