"""A hand-over that both sides confirm by signed addresses, without signing in."""

import asyncio
import tracemalloc
from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx2
import pytest

from assets import clock, db
from assets.access import service as access
from assets.access.actor import SYSTEM
from assets.access.permissions import Role
from assets.inventory import service as inventory
from assets.inventory import things
from assets.inventory.lifecycle import Stage
from assets.places import service as places
from tests import pictures
from tests.conftest import House
from tests.papers import Paper as Opened

CENTRE, STORE = "21025", "KHO"
STORE_UNIT = "21028"  # no clerk of the centre may act for it


@dataclass
class Way:
    """A transfer of two printers from a store to a centre, its clerk, its storekeeper, and a stranger with a phone."""

    number: int
    clerk: httpx2.AsyncClient
    keeper: httpx2.AsyncClient
    stranger: httpx2.AsyncClient

    async def address(self, side: str) -> str:
        by = self.clerk if side == "receiver" else self.keeper
        made = await by.post(f"/api/v1/transfers/{self.number}/hand-over-addresses", json={"side": side})
        assert made.status_code == 201, made.text
        return "/h/" + made.json()["address"].rpartition("/h/")[2]

    async def confirm(self, address: str, *tags: str, **fields: str) -> httpx2.Response:
        photo = ("anh.png", pictures.png()) if fields.pop("photo", "") else ("", b"")
        came = {f"state_{tag}": "received" for tag in tags}
        return await self.stranger.post(address, data={**came, **fields}, files={"file": photo})

    async def seen(self) -> dict:  # type: ignore[type-arg]
        found: dict = (await self.clerk.get(f"/api/v1/transfers/{self.number}")).json()  # type: ignore[type-arg]
        return found


@pytest.fixture
async def way(house: House) -> Way:
    await things.add_default_categories(SYSTEM)
    await places.create_site(SYSTEM, unit=STORE_UNIT, code=STORE, kind="store", name="Kho tỉnh")
    model = await things.add_model(SYSTEM, things.NewModel("printer", "Canon", "LBP"))
    for tag in ("P-1", "P-2"):
        await inventory.register(SYSTEM, inventory.NewAsset(tag, model, STORE, stage=Stage.IN_STOCK), now=clock.now())
    clerk = await house.person("lan", Role.CLERK, CENTRE)
    keeper = await house.person("bo", Role.STOREKEEPER)
    new = {"from_site": STORE, "to_site": CENTRE, "assets": ["P-1", "P-2"], "send": True}
    number = (await keeper.post("/api/v1/transfers", json=new)).json()["number"]
    return Way(number, clerk, keeper, house.client(Origin=house.settings.url))


async def test_when_both_sides_confirm_then_what_came_is_there_with_name_time_and_photo(way: Way) -> None:
    giver, receiver = await way.address("giver"), await way.address("receiver")
    shown = await way.stranger.get(receiver)
    assert (shown.status_code, "P-1" in shown.text, 'name="state_P-2"' in shown.text) == (200, True, True)
    assert (await way.confirm(giver, name="Ông Kho", post="Thủ kho")).headers["location"] == giver
    assert (await way.confirm(receiver, "P-1", name="Bà <b>A</b>", photo="1")).status_code == 303
    seen = await way.seen()
    assert {line["tag"]: line["state"] for line in seen["lines"]} == {"P-1": "received", "P-2": "waiting"}
    said = {one["side"]: one for one in seen["hand_overs"]}
    assert said["giver"]["name"] == "Ông Kho"
    assert said["giver"]["photo"] is None
    assert said["receiver"]["name"] == "Bà <b>A</b>"
    assert said["receiver"]["photo"]
    page = (await way.clerk.get(f"/transfers/{way.number}")).text
    assert "Ông Kho" in page
    assert "<b>A</b>" not in page
    pdf = await way.clerk.get(f"/api/v1/transfers/{way.number}/papers/hand-over.pdf")
    opened = Opened(pdf.content)
    words = " ".join(" ".join(opened.text(at) for at in range(len(opened))).split())
    assert "Bên nhận (Bà <b>A</b>) xác nhận qua hệ thống" in words
    again = await way.confirm(receiver, "P-2", name="Ai đó")  # each side confirms once
    assert again.status_code == 303
    assert (await way.seen())["lines"][1]["state"] == "waiting"
    assert seen["lines"][0]["settled_by"] == "Bà <b>A</b> (không đăng nhập)"
    assert "Bà &lt;b&gt;A" in (await way.stranger.get(receiver)).text


async def test_when_lines_are_photographed_then_page_and_minutes_say_of_which_and_by_whom(way: Way) -> None:
    giver, receiver = await way.address("giver"), await way.address("receiver")
    assert 'name="file_P-2"' in (await way.stranger.get(giver)).text
    photos = {
        "file": ("c.png", pictures.png(4)),
        "file_P-1": ("a.png", pictures.png()),
        "file_P-2": ("b.jpg", pictures.photo()),
    }
    assert (await way.stranger.post(giver, data={"name": "Ông Kho"}, files=photos)).status_code == 303
    came = {"name": "Bà A", "state_P-1": "received", "state_P-2": "damaged", "word_P-2": "Vỡ <khay>"}
    wrong = await way.stranger.post(receiver, data=came, files={"file_P-2": ("a.pdf", b"%PDF-1.4 no picture")})
    assert (wrong.status_code, 'id="wrong-file_P-2"' in wrong.text) == (400, True)
    assert 'value="Vỡ &lt;khay&gt;"' in wrong.text  # nothing that was typed is lost
    strange = await way.stranger.post(receiver, data=came, files={"file_P-9": ("a.png", pictures.png())})
    assert (strange.status_code, 'id="wrong-lines"' in strange.text) == (400, True)
    large = {"file_P-2": ("a.jpg", b"\xff" * 11 * 1024 * 1024)}
    assert 'id="wrong-file_P-2"' in (await way.stranger.post(receiver, data=came, files=large)).text
    assert [one["side"] for one in (await way.seen())["hand_overs"]] == ["giver"]  # and nothing is half done
    photos = {"file_P-2": ("c.png", pictures.png(2))}
    assert (await way.stranger.post(receiver, data=came, files=photos)).status_code == 303
    lines = {
        line["tag"]: (bool(line["photo_given"]), bool(line["photo_received"])) for line in (await way.seen())["lines"]
    }
    assert lines == {"P-1": (True, False), "P-2": (True, True)}
    page = (await way.clerk.get(f"/transfers/{way.number}")).text
    assert page.count('class="shots"') == 2
    pdf = Opened((await way.clerk.get(f"/api/v1/transfers/{way.number}/papers/hand-over.pdf")).content)
    words = " ".join(" ".join(pdf.text(at) for at in range(len(pdf))).split())
    assert "trên hệ thống: tài sản số 1 (bên giao); số 2 (bên giao, bên nhận)." in words


async def test_when_somebody_signed_in_photographs_a_line_then_it_is_of_their_side_and_the_newest_counts(
    way: Way,
) -> None:
    at = f"/api/v1/transfers/{way.number}/photos"
    photo = {"file": ("a.png", pictures.png())}
    made = await way.clerk.post(at, data={"tag": "p-1"}, files=photo)
    line = made.json()["lines"][0]
    assert (made.status_code, line["photo_given"], made.json()["photo_sides"]) == (201, None, ["receiver"])
    assert (await way.clerk.get(f"/api/v1/attachments/{line['photo_received']}/content")).status_code == 200
    again = await way.clerk.post(at, data={"tag": "P-1"}, files={"file": ("b.png", pictures.png(3))})
    assert again.json()["lines"][0]["photo_received"] not in (None, line["photo_received"])
    assert (await way.clerk.post(at, data={"tag": "P-1", "side": "giver"}, files=photo)).status_code == 403
    assert (await way.clerk.post(at, data={"tag": "P-9"}, files=photo)).status_code == 404
    assert (
        await way.keeper.post(at, data={"tag": "P-1"}, files=photo)
    ).status_code == 400  # who stands on both says which
    for fields, files, wrong in (
        ({"tag": "P-1"}, {"file": ("a.pdf", b"%PDF-1.4")}, "file"), ({}, photo, "tag"),
        ({"tag": "P-1", "side": "both"}, photo, "side"), ({"tag": "P-1", "x": "1"}, photo, "x"),
    ):  # fmt: skip
        answer = await way.clerk.post(at, data=fields, files=files)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, wrong)
    of_giver = {"tag": "P-2", "side": "giver"}
    form = await way.keeper.post(f"/transfers/{way.number}/photos", data=of_giver, files=photo)
    assert (form.status_code, form.headers["location"]) == (303, f"/transfers/{way.number}#lines")
    await way.clerk.post(f"/api/v1/transfers/{way.number}/refuse", json={"note": "Sai"})
    assert (await way.clerk.post(at, data={"tag": "P-1"}, files=photo)).status_code == 409
    new = {"from_site": STORE, "to_site": CENTRE, "assets": ["P-1"]}
    draft = (await way.keeper.post("/api/v1/transfers", json=new)).json()
    assert draft["photo_sides"] == ["giver"]  # nobody receives what has not been sent
    early = await way.clerk.post(f"/api/v1/transfers/{draft['number']}/photos", data={"tag": "P-1"}, files=photo)
    assert early.status_code == 409


async def test_when_a_file_is_on_a_transfer_then_the_side_that_added_it_takes_it_off_and_nobody_once_it_is_over(
    house: House, way: Way
) -> None:
    near = await house.person("near", Role.STOREKEEPER, STORE_UNIT)  # the sending side, and no more
    for name, person, at in (("given", near, 2), ("came", way.clerk, 3), ("province", way.keeper, 4)):
        photo = {"file": (f"{name}.png", pictures.png(at))}
        await person.post(f"/transfers/{way.number}/files", data={"note": name}, files=photo)
    again = {"file": ("given.png", pictures.png(2))}  # the giver's picture once more, from the receiver
    await way.clerk.post(f"/transfers/{way.number}/files", data={"note": "again"}, files=again)
    came = await way.confirm(await way.address("receiver"), name="Bà A", photo="1", note="Chưa nhận")
    assert came.status_code == 303
    files = (await way.clerk.get(f"/transfers/{way.number}.json")).json()["files"]
    of_both = {one["note"]: one["id"] for one in files}

    async def removed(person: httpx2.AsyncClient, name: str) -> int:
        at = f"/api/v1/attachments/{of_both[name]}"
        return (await person.delete(at, headers={"If-Match": '"1"'})).status_code

    def offered(page: str) -> set[str]:
        return {name for name, file in of_both.items() if f"/attachments/{file}/remove" in page}

    at = f"/transfers/{way.number}"
    assert offered((await near.get(at)).text) == {"given"}
    assert offered((await way.clerk.get(at)).text) == {"came", "again", "Bà A"}
    assert offered((await way.keeper.get(at)).text) == set(of_both)
    for name in ("came", "Bà A", "province"):
        assert await removed(near, name) == 403, name
    told = await near.post(
        f"/attachments/{of_both['came']}/remove", data={"version": "1"}, headers={"Accept-Language": "en"}
    )
    assert (told.status_code, "only they can take it off" in told.text) == (403, True)
    assert [await removed(way.clerk, name) for name in ("given", "province", "came")] == [403, 403, 204]
    assert await removed(way.keeper, "given") == 204
    assert await removed(way.clerk, "again") == 204
    assert (await way.clerk.post(f"/api/v1/transfers/{way.number}/receive")).status_code == 200
    for person in (way.clerk, way.keeper):
        assert (await removed(person, "Bà A"), offered((await person.get(at)).text)) == (409, set())


async def test_whoever_works_at_one_side_and_looks_at_the_other_adds_and_takes_off_as_their_own_side(
    house: House, way: Way
) -> None:
    both = await house.person("both", Role.CLERK, STORE_UNIT)
    await access.give_grant(SYSTEM, "both", access.NewGrant(Role.INSPECTOR, unit=CENTRE), now=clock.now())
    at = f"/transfers/{way.number}"
    for note, person, number in (("mine", both, 2), ("theirs", way.clerk, 3)):
        photo = {"file": (f"{note}.png", pictures.png(number))}
        assert (await person.post(f"{at}/files", data={"note": note}, files=photo)).status_code == 303
    page = (await both.get(at)).text
    files = {one["note"]: one["id"] for one in (await both.get(f"{at}.json")).json()["files"]}
    offered = {note: f"/attachments/{file}/remove" in page for note, file in files.items()}
    assert (offered, f'action="{at}/files"' in page) == ({"mine": True, "theirs": False}, True)
    removed = [
        await both.post(f"/attachments/{files[note]}/remove", data={"version": "1"}) for note in ("mine", "theirs")
    ]
    assert [answer.status_code for answer in removed] == [303, 403]
    looks = await house.person("looks", Role.INSPECTOR)
    seen = (await looks.get(at)).text
    assert ("/remove" in seen, f'action="{at}/files"' in seen) == (False, False)


async def test_when_a_form_brings_many_photos_then_one_at_a_time_is_in_memory(way: Way) -> None:
    model = await things.add_model(SYSTEM, things.NewModel("printer", "HP", "M404"))
    tags = [f"Q-{at}" for at in range(12)]
    for tag in tags:
        await inventory.register(SYSTEM, inventory.NewAsset(tag, model, STORE, stage=Stage.IN_STOCK), now=clock.now())
    new = {"from_site": STORE, "to_site": CENTRE, "assets": tags, "send": True}
    way.number = (await way.keeper.post("/api/v1/transfers", json=new)).json()["number"]
    address, size = await way.address("giver"), 3 * 1024 * 1024

    async def body() -> AsyncIterator[bytes]:
        yield b'--x\r\nContent-Disposition: form-data; name="name"\r\n\r\nB\xc3\xa0 A\r\n'
        for at, tag in enumerate(tags):
            yield f'--x\r\nContent-Disposition: form-data; name="file_{tag}"; filename="a.jpg"\r\n\r\n'.encode()
            yield b"\xff\xd8" + pictures.exif() + pictures.PICTURE + bytes([at])
            for _ in range(size // 65_536):
                yield b"\x12" * 65_536
            yield b"\xff\xd9\r\n"
        yield b"--x--\r\n"

    tracemalloc.start()
    made = await way.stranger.post(
        address, content=body(), headers={"Content-Type": "multipart/form-data; boundary=x"}
    )  # fmt: skip
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (made.status_code, peak < 6 * size) == (303, True), (made.text, peak)
    assert all(line["photo_given"] for line in (await way.seen())["lines"])


async def test_when_the_button_is_tapped_twice_then_one_form_counts_with_its_photo(way: Way) -> None:
    address = await way.address("receiver")
    said = {"name": "Bà A", "state_P-1": "received", "state_P-2": "received"}
    taps = [
        way.stranger.post(address, data=said, files={"file_P-1": (f"{at}.png", pictures.png(at))}) for at in (2, 3, 4)
    ]
    assert [answer.status_code for answer in await asyncio.gather(*taps)] == [303] * 3
    seen = (await way.clerk.get(f"/transfers/{way.number}.json")).json()
    assert (seen["state"], len(seen["hand_overs"]), len(seen["files"])) == ("received", 1, 1)


@pytest.mark.parametrize(
    ("tags", "fields", "wrong"),
    [
        (("P-1",), {"name": " "}, "wrong-name"),
        ((), {"name": "Bà A"}, "wrong-lines"),
        (("P-9",), {"name": "Bà A"}, "wrong-lines"),
        (("P-1",), {"name": "Bà A", "state_P-2": "damaged", "word_P-2": " "}, "wrong-lines-P-2"),
        ((), {"name": "Bà A", "state_P-2": "missing"}, "wrong-lines-P-2"),
        ((), {"name": "Bà A", "state_P-2": "refused", "word_P-2": "x"}, "wrong-lines-P-2"),
        ((), {"name": "Bà A", "state_P-2": "nonsense"}, "wrong-lines"),
        (("P-1",), {"name": "A" * 121}, "wrong-name"),
        (("P-1",), {"name": "Bà A", "note": "x" * 501}, "wrong-note"),
        (("P-1",), {"name": "Bà A", "state_P-2": "damaged", "word_P-2": "x" * 501}, "wrong-lines-P-2"),
    ],
)
async def test_when_something_is_missing_then_the_form_says_so_and_keeps_the_rest(
    way: Way, tags: tuple[str, ...], fields: dict[str, str], wrong: str
) -> None:
    address = await way.address("receiver")
    answer = await way.confirm(address, *tags, **fields)
    assert (answer.status_code, f'id="{wrong}"' in answer.text) == (400, True)
    assert not (await way.seen())["hand_overs"]
    kept = {"name", "note", "word_P-2"} & set(fields)
    assert all(f'value="{fields[name]}"' in answer.text for name in kept if fields[name].strip())


async def test_when_one_came_damaged_and_one_is_missing_then_register_and_minutes_say_so(way: Way) -> None:
    receiver = await way.address("receiver")
    said = {
        "state_P-1": "damaged",
        "word_P-1": "Vỡ <khay> giấy",
        "state_P-2": "missing",
        "word_P-2": "Không có trong thùng",
    }
    assert (await way.confirm(receiver, name="Bà A", **said)).status_code == 303
    lines = {line["tag"]: (line["state"], line["note"]) for line in (await way.seen())["lines"]}
    assert lines == {"P-1": ("damaged", "Vỡ <khay> giấy"), "P-2": ("missing", "Không có trong thùng")}
    assets = {tag: (await way.keeper.get(f"/api/v1/assets/{tag}")).json() for tag in ("P-1", "P-2")}
    assert (assets["P-1"]["physical_state"], assets["P-2"]["stage"]) == ("broken", "lost")
    pdf = await way.clerk.get(f"/api/v1/transfers/{way.number}/papers/hand-over.pdf")
    opened = Opened(pdf.content)
    words = " ".join(" ".join(opened.text(at) for at in range(len(opened))).split())
    assert "Hư hỏng; Vỡ <khay> giấy" in words
    assert "Bên nhận không nhận được 1 tài sản: Canon LBP (mã P-2): Không có trong thùng." in words
    assert len(opened) == 1
    after = (await way.stranger.get(receiver)).text
    assert "Vỡ &lt;khay&gt; giấy" in after


async def test_an_address_is_withdrawn_on_the_page_by_its_own_side_alone(way: Way) -> None:
    receiver, giver = await way.address("receiver"), await way.address("giver")
    page = f"/transfers/{way.number}"
    of_clerk = (await way.clerk.get(f"{page}.json")).json()["addresses"]
    assert [one["side"] for one in of_clerk] == ["receiver"]  # the other side's is not theirs to end
    both = (await way.keeper.get(f"{page}.json")).json()["addresses"]
    of_giver = next(one["id"] for one in both if one["side"] == "giver")
    assert (await way.clerk.post(f"{page}/hand-over-addresses/{of_giver}/withdraw")).status_code == 404
    form = f"{page}/hand-over-addresses/{of_clerk[0]['id']}/withdraw"
    assert f'action="{form}"' in (await way.clerk.get(page)).text
    elsewhere = form.replace(f"/transfers/{way.number}/", f"/transfers/{way.number + 1}/")
    assert (await way.clerk.post(elsewhere)).status_code == 404  # it is of another transfer
    done = await way.clerk.post(form)
    assert (done.status_code, done.headers["location"]) == (303, f"{page}?done=withdrawn#hand-over")
    assert (await way.stranger.get(receiver)).status_code == 410
    assert (await way.stranger.get(giver)).status_code == 200
    assert not (await way.clerk.get(f"{page}.json")).json()["addresses"]


async def test_when_an_address_is_none_or_over_then_it_opens_nothing(way: Way) -> None:
    address = await way.address("receiver")
    assert (await way.stranger.get("/h/nonsense")).status_code == 404
    assert (await way.stranger.get(address.replace("/h/", "/r/"))).status_code == 404  # it is for this alone
    row = (await way.clerk.get("/api/v1/signed-addresses")).json()["items"][0]
    assert (row["purpose"], row["name"]) == ("confirm_hand_over", f"ĐC-{way.number}")
    assert (await way.clerk.post(f"/api/v1/signed-addresses/{row['id']}/withdraw")).status_code == 200
    for answer in (await way.stranger.get(address), await way.confirm(address, "P-1", name="Bà A")):
        assert answer.status_code == 410
        assert "P-1" not in answer.text.replace(address.removeprefix("/h/"), "")  # which may hold anything
    assert (await way.seen())["lines"][0]["state"] == "waiting"


async def test_when_its_issuer_is_let_in_no_more_then_the_address_ends(way: Way) -> None:
    address = await way.address("receiver")
    async with db.transaction(db.EVERYTHING) as tx:
        await tx.execute("update users set active = false where name = 'lan'")
    assert (await way.confirm(address, "P-1", name="Bà A")).status_code == 410


async def test_when_a_side_is_not_ones_own_then_no_address_is_issued(way: Way) -> None:
    path = f"/api/v1/transfers/{way.number}/hand-over-addresses"
    assert (await way.clerk.post(path, json={"side": "giver"})).status_code == 403
    made = await way.clerk.post(f"/transfers/{way.number}/hand-over-address", data={"side": "receiver"})
    assert (made.status_code, "/h/" in made.text, "<svg" in made.text) == (200, True, True)
    receiver = await way.address("receiver")
    await way.keeper.post(f"/api/v1/transfers/{way.number}/cancel", json={"note": "Nhầm"})
    late = await way.confirm(receiver, "P-1", name="Kẻ lạ", photo="1")
    assert (late.status_code, (await way.seen())["hand_overs"]) == (409, [])
    assert not (await way.clerk.get(f"/transfers/{way.number}.json")).json()["files"]
    assert (await way.clerk.post(path, json={"side": "receiver"})).status_code == 409
