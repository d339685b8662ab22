"""Papers as people get them: from a request, a transfer, a list, a stocktake and an asset, and what is set of them."""

import io
import time
import zipfile
from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID

import httpx2
import pytest

from assets import clock, db
from assets.access.actor import SYSTEM
from assets.access.permissions import Role
from assets.equipment_requests import purchases
from assets.equipment_requests import service as requests
from assets.equipment_requests.parts import split
from assets.equipment_requests.service import Asked, Doing, Filing
from assets.equipment_requests.splitting import Wanted as Part
from assets.equipment_requests.splitting import Way
from assets.inventory import service as inventory
from assets.inventory import things, wear_rates
from assets.inventory.disposal import service as disposal
from assets.inventory.transfers import service as transfers
from assets.inventory.wear import open_year
from assets.monitoring import declarations
from assets.papers.kinds import Paper
from assets.places import service as places
from tests.conftest import House
from tests.papers import Paper as Opened
from tests.papers import docx_template, docx_words

OWN, FOREIGN, STORE = "21025", "21028", "KHO"
FORMS = "/api/v1/paper-forms"
HOSTILE = "#panic() *đậm* {{ 7*7 }} {% raw %} <w:p/> &amp; $x$ @a"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


class Office:
    """A centre that asks for printers, gets one from the store, and prints its papers."""

    def __init__(self, house: House) -> None:
        self.house = house

    async def build(self) -> "Office":
        now = clock.now()
        await things.add_default_categories(SYSTEM)
        self.model: UUID = await things.add_model(SYSTEM, things.NewModel("printer", "HP", "M404dn"))
        await wear_rates.add_rate(SYSTEM, wear_rates.NewRate("printer", 5, now.date().replace(2015, 1, 1)))
        await places.create_site(SYSTEM, unit=OWN, code=STORE, kind="store", name="Kho tỉnh")
        await self.asset("QN-1", OWN, physical_state=inventory.PhysicalState.BROKEN)
        await self.asset("QN-2", STORE, stage=inventory.Stage.IN_STOCK)
        self.clerk = await self.house.person("clerk", Role.CLERK, OWN)
        self.stranger = await self.house.person("stranger", Role.CLERK, FOREIGN)
        self.it = await self.house.person("it", Role.PROVINCE_IT)
        return self

    async def asset(self, tag: str, site: str, **said: Any) -> None:
        used = date(open_year(clock.today()) - 2, 3, 1)  # 60 % of its value is left, on a 31 December too
        new = {"serial": f"SN-{tag}", "original_cost": 12_500_000, "put_into_use": used, **said}
        await inventory.register(SYSTEM, inventory.NewAsset(tag, self.model, site, **new), now=clock.now())

    async def request(self, reason: str = "Máy cũ kẹt giấy", quantity: int = 2, *, site: str = OWN) -> int:
        async with db.transaction(db.EVERYTHING) as tx:
            asker = await tx.fetchval("select id from users where name = 'clerk'")
        by = replace(SYSTEM, id=asker, name="Clerk")
        lines = [Asked("printer", quantity, "cho quầy 1")]
        return (await requests.file(by, Filing(lines, reason, site=site), now=clock.now())).number

    async def approved(self, **said: Any) -> int:
        number = await self.request(**said)
        await requests.approve(SYSTEM, str(number), Doing(), now=clock.now())
        return number


@pytest.fixture
async def office(house: House) -> Office:
    return await Office(house).build()


async def printed(client: httpx2.AsyncClient, path: str) -> tuple[str, str]:
    """The words of a paper as PDF and as DOCX."""
    pdf, word = await client.get(f"/api/v1/{path}.pdf"), await client.get(f"/api/v1/{path}.docx")
    assert (pdf.status_code, word.status_code) == (200, 200), (pdf.text[:300], word.text[:300])
    assert (pdf.headers["content-type"], word.headers["content-type"]) == ("application/pdf", DOCX)
    return " ".join(Opened(pdf.content).words().split()), docx_words(word.content)


def says(texts: tuple[str, str], *wanted: str) -> None:
    for said in wanted:
        for text in texts:
            assert said in text.replace("\u200b", ""), said


async def test_a_request_is_printed_as_proposal_and_submission(office: Office) -> None:
    number = await office.request()
    proposal = await printed(office.clerk, f"equipment-requests/{number}/papers/proposal")
    says(proposal, "PHIẾU ĐỀ NGHỊ CẤP THIẾT BỊ", "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", "Máy cũ kẹt giấy", "cho quầy 1",
         f"Đề nghị số {number}", "Clerk", "Đang sử dụng")  # fmt: skip
    submission = await printed(office.clerk, f"equipment-requests/{number}/papers/submission")
    says(submission, "TỜ TRÌNH", "Nơi nhận:", "Sự cần thiết")
    missing = await office.clerk.get(f"/api/v1/equipment-requests/{number}/papers/hand-over.pdf")
    assert (missing.status_code, missing.json()["detail"]) == (409, "Nothing has been issued for this request yet.")
    for name in ("needs.pdf", "proposal.txt", "proposal", ".pdf", "proposal.pdf.docx"):
        assert (await office.clerk.get(f"/api/v1/equipment-requests/{number}/papers/{name}")).status_code == 404, name
    page = (await office.clerk.get(f"/equipment-requests/{number}")).text
    assert f"/api/v1/equipment-requests/{number}/papers/proposal.docx" in page
    assert "hand-over.pdf" not in page


async def test_what_was_given_is_handed_over_and_what_is_missing_is_needed(office: Office) -> None:
    number = await office.approved(quantity=3)
    await requests.fulfil(SYSTEM, str(number), Doing(), tags={1: ["QN-2"]}, now=clock.now())
    minutes = await printed(office.clerk, f"equipment-requests/{number}/papers/hand-over")
    says(minutes, "BIÊN BẢN BÀN GIAO, TIẾP NHẬN TÀI SẢN CÔNG", "Mẫu số 02/TSC-BBGN", "Kho tỉnh", "QN-2", "SN-QN-2",
         "12.500.000", "7.500.000", "Máy móc, thiết bị", "Đại diện bên nhận")  # fmt: skip
    assert (
        minutes[0].index("Đại diện bên nhận")
        < minutes[0].index("Đại diện bên giao")
        < minutes[0].index("chứng kiến (nếu có) (Ký")
    )
    other = await office.approved(site=FOREIGN, quantity=5)
    needs = await printed(office.it, "equipment-requests/papers/needs")
    says(needs, "BẢNG TỔNG HỢP NHU CẦU MUA SẮM TẬP TRUNG", f"Đề nghị số {number}", f"Đề nghị số {other}", "Nghĩa Lộ")
    assert "Tổng cộng\n\n7" in needs[1]
    own = await printed(office.clerk, "equipment-requests/papers/needs")
    says(own, f"Đề nghị số {number}")
    assert not any("Nghĩa Lộ" in text for text in own), "nobody else's"
    some = await printed_with(office.it, "equipment-requests/papers/needs", site=FOREIGN)
    assert f"Đề nghị số {number}" not in some
    assert (await office.it.get("/api/v1/equipment-requests/papers/needs.pdf?strange=1")).status_code == 400


async def test_what_another_way_answers_or_is_ordered_is_no_need(office: Office) -> None:
    number, now = await office.approved(quantity=9), clock.now()
    parts = {1: [Part(Way.STOCK, 1), Part(Way.DECLINE, 2, note="đủ rồi"), Part(Way.PURCHASE, 4)]}
    await split(SYSTEM, str(number), parts, Doing(), now=now)
    async with db.transaction(db.EVERYTHING) as tx:
        await tx.execute("update equipment_request_lines set unit_cost = 3000000")
        bought = await tx.fetchval("select id from fulfilment_parts where way = 'purchase'")
    before = await printed_with(office.it, "equipment-requests/papers/needs")
    assert "Tổng cộng\n\n6\n18.000.000" in before, "two are open, four wait to be bought"
    purchase = await purchases.plan(SYSTEM, purchases.NewPurchase("Máy in", [bought]), now=now)
    await purchases.order(SYSTEM, purchase, purchases.Order("Nhà cung cấp A"), now=now)
    assert "Tổng cộng\n\n2\n6.000.000" in await printed_with(office.it, "equipment-requests/papers/needs")


async def printed_with(client: httpx2.AsyncClient, path: str, **query: str) -> str:
    return docx_words((await client.get(f"/api/v1/{path}.docx", params=query)).content)


async def test_both_sides_print_the_same_hand_over_of_a_transfer(office: Office) -> None:
    new = transfers.NewTransfer(OWN, FOREIGN, ["QN-1"], send=True, decision_number="12/QĐ-UBND", carrier="Ông Xe")
    number = await transfers.draft(SYSTEM, new, now=clock.now())
    sent = await printed(office.clerk, f"transfers/{number}/papers/hand-over")
    says(sent, "Căn cứ Quyết định số 12/QĐ-UBND", "Ông Xe", "QN-1", "12.500.000", "7.500.000")
    await transfers.receive(SYSTEM, number, transfers.Receiving(), now=clock.now())
    there = await printed(office.stranger, f"transfers/{number}/papers/hand-over")
    again = await printed(office.clerk, f"transfers/{number}/papers/hand-over")
    assert there == again
    says(there, "12.500.000", "Hôm nay, ngày")
    assert (await office.house.client().get(f"/api/v1/transfers/{number}/papers/hand-over.pdf")).status_code == 401


async def test_the_list_of_disposal_says_why_and_sums_up(office: Office) -> None:
    await disposal.quote(SYSTEM, "QN-1", disposal.NewQuotation(5_000_000, "Cửa hàng A", clock.today()), now=clock.now())
    texts = await printed(office.clerk, "disposal-candidates/papers/disposal-list")
    says(texts, "Mẫu số 01/TSC-XLTS", "V/v đề nghị xử lý tài sản", "DANH MỤC TÀI SẢN CÔNG ĐỀ NGHỊ XỬ LÝ", "QN-1", "Thanh lý",
         "5.000.000 đồng, trên 30% nguyên giá", "(11)", "Tổng cộng")  # fmt: skip
    none = await printed_with(office.clerk, "disposal-candidates/papers/disposal-list", q="khong-co")
    assert "QN-1" not in none


async def test_an_asset_is_printed_with_what_is_known_for_whoever_inspects_it(office: Office) -> None:
    now = clock.now()
    said = declarations.Said(OWN, declarations.Kind.BROKEN, "QN-1", "kẹt giấy liên tục")
    await declarations.declare(SYSTEM, said, now=now)
    await disposal.quote(SYSTEM, "QN-1", disposal.NewQuotation(5_000_000, "Cửa hàng A", clock.today()), now=now)
    texts = await printed(office.clerk, "assets/QN-1/papers/inspection")
    says(texts, "BIÊN BẢN KIỂM TRA TÌNH TRẠNG KỸ THUẬT", "SN-QN-1", "kẹt giấy liên tục", "Cửa hàng A", "5.000.000 đồng",
         "Hệ thống không ghi nhận.", "Đề nghị xử lý (thanh lý)")  # fmt: skip
    assert (await office.stranger.get("/api/v1/assets/QN-1/papers/inspection.pdf")).status_code == 404


async def test_hostile_text_stays_text_in_both_files(office: Office) -> None:
    number = await office.request(reason=HOSTILE)
    texts = await printed(office.clerk, f"equipment-requests/{number}/papers/proposal")
    says(texts, HOSTILE)
    template = docx_template("{{ reason }}")
    await put(office, Paper.PROPOSAL, template, 1)
    own = docx_words((await office.clerk.get(f"/api/v1/equipment-requests/{number}/papers/proposal.docx")).content)
    assert own.strip() == HOSTILE


async def put(office: Office, paper: Paper, content: bytes, version: int) -> httpx2.Response:
    return await office.it.post(
        f"{FORMS}/{paper}/template", files={"file": ("mẫu.docx", content)}, headers={"If-Match": f'"{version}"'}
    )


async def test_what_the_province_sets_is_printed_and_two_at_once_are_told_apart(office: Office) -> None:
    path = f"{FORMS}/submission"
    seen = await office.it.get(path)
    assert (seen.headers["etag"], seen.json()["usual"], seen.json()["form_number"]) == ('"1"', True, "")
    change = {"form_number": "Mẫu A", "issuer": "ỦY BAN NHÂN DÂN\n{unit}", "addressee": "Sở Tài chính",
              "legal_basis": "Căn cứ X;\nCăn cứ Y;",
              "signatories": "Chủ tịch", "number_pattern": "Số: {number}/TTr-UBND"}  # fmt: skip
    assert (await office.it.patch(path, json=change)).status_code == 428
    done = await office.it.patch(path, json=change, headers={"If-Match": '"1"'})
    assert (done.json()["version"], done.json()["changed_by"], done.json()["usual"]) == (2, "It", False)
    assert (await office.it.patch(path, json=change, headers={"If-Match": '"1"'})).status_code == 412
    assert (await office.it.patch(path, json={"paper": "x"}, headers={"If-Match": '"2"'})).status_code == 400
    number = await office.request()
    texts = await printed(office.clerk, f"equipment-requests/{number}/papers/submission")
    says(
        texts,
        "Mẫu A",
        "Phường Cẩm Thành",
        "Sở Tài chính",
        "Căn cứ X;",
        "Căn cứ Y;",
        "Chủ tịch",
        f"Số: {number}/TTr-UBND",
    )
    stale = await office.it.post("/papers/submission/edit", data={"version": "1", "addressee": "Z"})
    assert (stale.status_code, ">Z</textarea>" in stale.text) == (412, True)
    saved = await office.it.post("/papers/submission/edit", data={"version": "2", "addressee": "Z"})
    assert saved.headers["location"] == "/papers/submission?done=saved"
    assert (await office.it.get(path)).json()["addressee"] == "Z"
    assert 'name="addressee"' not in (await office.clerk.get("/papers/submission")).text


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (docx_template("{{ nothing_of_this_name }}"), "'nothing_of_this_name' is undefined"),
        (docx_template("{{ site "), "unexpected"),
        (docx_template("{{ ''.__class__.__mro__ }}"), "unsafe"),
        (docx_template("{{ 'x' * 999999999 }}"), "numbers only"),
        (docx_template("{{ site.ljust(9999999999) }}"), "too much"),
        (docx_template("{% include 'a' %}"), "loader"),
        (b"PK\x03\x04 no zip", "damaged"),
        (b"", "choose"),
    ],
)
async def test_when_a_template_cannot_be_used_then_its_error_is_named_and_the_old_one_stays(
    office: Office, content: bytes, why: str
) -> None:
    good = docx_template("Mẫu riêng: {{ site }} {% for line in lines %}{{ line.name }}×{{ line.quantity }}{% endfor %}")
    assert (await put(office, Paper.PROPOSAL, good, 1)).json()["template"]["name"] == "mẫu.docx"
    bad = await put(office, Paper.PROPOSAL, content, 2)
    assert bad.status_code == 400
    assert why in bad.text
    number = await office.request()
    word = await office.clerk.get(f"/api/v1/equipment-requests/{number}/papers/proposal.docx")
    assert "Mẫu riêng:" in docx_words(word.content)
    assert "×2" in docx_words(word.content)
    assert (await office.it.get(f"{FORMS}/proposal/template")).content == good
    gone = await office.it.delete(f"{FORMS}/proposal/template", headers={"If-Match": '"2"'})
    assert gone.status_code == 204
    word = await office.clerk.get(f"/api/v1/equipment-requests/{number}/papers/proposal.docx")
    assert "PHIẾU ĐỀ NGHỊ CẤP THIẾT BỊ" in docx_words(word.content)


def with_part(content: bytes, name: str, part: str) -> bytes:
    """The file with a part more, or another one in its place."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        for info in old.infolist():
            if info.filename != name:
                new.writestr(info, old.read(info))
        new.writestr(name, part)
    return made.getvalue()


RELATION = (
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" '
    'Type="http://x/relationships/{}" Target="{}" TargetMode="External"/></Relationships>'
)


@pytest.mark.parametrize(
    ("name", "part", "why"),
    [
        (
            "word/_rels/settings.xml.rels",
            RELATION.format("attachedTemplate", "https://x.example/a.dotm"),
            "another place",
        ),
        ("word/_rels/settings.xml.rels", RELATION.format("attachedTemplate", "file:///C:/Normal.dotm"), ""),
        ("word/_rels/x.xml.rels", RELATION.format("hyperlink", "https://x.example/"), ""),
        ("word/_rels/x.xml.rels", RELATION.format("image", "https://x.example/"), "another place"),
        ("word/vbaProject.bin", "x", "macros"),
        ("word/x.xml", '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "entities"),
        ("word/media/x.png", "0" * (21 << 20), "too much"),
    ],
)
async def test_a_template_that_reaches_out_or_hides_something_is_refused(
    office: Office, name: str, part: str, why: str
) -> None:
    answer = await put(office, Paper.NEEDS, with_part(docx_template("{{ unit }}"), name, part), 1)
    assert (answer.status_code, why in answer.text) == (400 if why else 200, True)


async def test_the_form_of_a_template_says_what_is_wrong(office: Office) -> None:
    bad = docx_template("{{ x }}")
    answer = await office.it.post("/papers/needs/template", data={"version": "1"}, files={"file": ("a.docx", bad)})
    assert (answer.status_code, "&#39;x&#39; is undefined" in answer.text) == (400, True)
    office.it.cookies.set("language", "vi")
    for content, why in (
        (b"PK no zip", "tệp không phải .docx hoặc đã hỏng"),
        (bad, "không có giá trị nào tên là “x”"),
    ):
        answer = await office.it.post(
            "/papers/needs/template", data={"version": "1"}, files={"file": ("a.docx", content)}
        )
        assert (answer.status_code, why in answer.text) == (400, True), answer.text[-3000:]
    office.it.cookies.set("language", "en")
    good = docx_template("{{ as_of | long_day }}")
    answer = await office.it.post("/papers/needs/template", data={"version": "1"}, files={"file": ("a.docx", good)})
    assert answer.headers["location"] == "/papers/needs?done=put"
    shown = (await office.clerk.get("/papers/needs")).text
    assert "a.docx" in shown
    assert 'type="file"' not in shown
    sample = await office.clerk.get(f"{FORMS}/needs/samples/needs.docx")
    assert docx_words(sample.content).strip() == "ngày 26 tháng 11 năm 2026"


@pytest.mark.parametrize("paper", list(Paper))
async def test_every_paper_has_a_sample_that_says_it_is_one(office: Office, paper: Paper) -> None:
    texts = await printed(office.clerk, f"paper-forms/{paper}/samples/{paper}")
    assert "BẢN MẪU" in texts[0]
    form = (await office.clerk.get(f"{FORMS}/{paper}")).json()
    assert form["title"].split()[0].upper() in texts[1].upper()
    picture = await office.clerk.get(f"/papers/{paper}/sample.png")
    assert picture.content.startswith(b"\x89PNG")
    assert len(picture.content) < 60_000
    page = await office.clerk.get(f"/papers/{paper}")
    assert f"/papers/{paper}/sample.png" in page.text


@pytest.mark.parametrize("paper", list(Paper))
async def test_the_template_to_begin_with_can_be_put_in_as_it_is(office: Office, paper: Paper) -> None:
    starter = await office.clerk.get(f"{FORMS}/{paper}/starter")
    assert (await put(office, paper, starter.content, 1)).status_code == 200
    filled = docx_words((await office.clerk.get(f"{FORMS}/{paper}/samples/{paper}.docx")).content)
    assert "{{" not in filled
    assert "None" not in filled
    assert "Mẫu" in filled


async def test_two_hundred_lines_go_over_pages_with_heads_in_a_moment(office: Office) -> None:
    long = "Máy in màu đa năng " + "Rất" * 30
    for at in range(200):
        await office.asset(f"L-{at:03}", OWN, name=long if at % 50 == 0 else "", original_cost=10**12 + at)
    tags = [f"L-{at:03}" for at in range(200)]
    number = await transfers.draft(SYSTEM, transfers.NewTransfer(OWN, FOREIGN, tags), now=clock.now())
    began = time.perf_counter()
    pdf = await office.clerk.get(f"/api/v1/transfers/{number}/papers/hand-over.pdf")
    word = await office.clerk.get(f"/api/v1/transfers/{number}/papers/hand-over.docx")
    assert time.perf_counter() - began < 10
    assert max(len(pdf.content), len(word.content)) < 400_000
    paper = Opened(pdf.content)
    with_lines = [paper.text(page) for page in range(len(paper)) if "(mã L-" in paper.text(page)]
    assert len(with_lines) > 3
    assert all("Danh mục tài sản" in text for text in with_lines)
    assert all(tag in pdf_words for pdf_words in [paper.words()] for tag in tags)
    assert docx_words(word.content).count("(mã L-") == 200
    with zipfile.ZipFile(io.BytesIO(word.content)) as file:
        assert b"w:tblHeader" in file.read("word/document.xml")
        assert b"Times New Roman" in file.read("word/styles.xml")
