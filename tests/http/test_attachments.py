"""Files on things over HTTP and on pages: kept once, served safely, refused early, seen by whoever sees the thing."""

import hashlib
import tracemalloc
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from assets.access.permissions import Role
from assets.db import EVERYTHING, Scope, transaction
from assets.inventory.attachments import service
from tests import pictures
from tests.conftest import House, running
from tests.http.test_wear import FOREIGN, OWN, asset, model
from tests.pictures import GPS, office, photo, png

PATH = "/api/v1/attachments"
MB = 1024 * 1024


async def attach(
    client: httpx2.AsyncClient, content: bytes, name: str = "ảnh.jpg", tag: str = "A-1", **said: Any
) -> Any:
    form = {"subject_kind": "asset", "subject": tag} | said
    return await client.post(PATH, data=form, files={"file": (name, content, "text/html")})


async def two(house: House) -> tuple[httpx2.AsyncClient, httpx2.AsyncClient]:
    """Somebody of the province and a storekeeper of the first commune, and an asset in each."""
    printer = await model()
    await asset("A-1", printer)
    await asset("A-2", printer, site=FOREIGN)
    return await house.person("bob", Role.PROVINCE_IT), await house.person("near", Role.STOREKEEPER, unit=OWN)


async def stored() -> int:
    async with transaction(EVERYTHING) as tx:
        found: int = await tx.fetchval("select count(*) from stored_files")
        return found


async def test_when_a_photo_is_added_then_it_is_served_without_its_place_and_nothing_in_it_can_run(
    house: House,
) -> None:
    bob, near = await two(house)
    made = await attach(near, photo(), "..\\IMG<1>.PHP", note="Mặt trước")
    assert made.status_code == 201, made.text
    one = made.json()
    assert (one["name"], one["media_type"], one["code"], one["site"], one["note"]) == (
        "IMG_1_.jpg", "image/jpeg", "A-1", OWN, "Mặt trước",
    )  # fmt: skip
    got = await bob.get(f"{PATH}/{one['id']}/content")
    assert got.status_code == 200
    assert GPS not in got.content
    assert (len(got.content), hashlib.sha256(got.content).hexdigest()) == (one["size"], one["sha256"])
    head = got.headers
    assert (head["content-type"], head["x-content-type-options"]) == ("image/jpeg", "nosniff")
    assert head["content-disposition"].startswith('inline; filename="IMG_1_.jpg"')
    assert head["content-security-policy"].startswith("sandbox;")
    assert "script" not in head["content-security-policy"]
    again = await bob.get(f"{PATH}/{one['id']}/content", headers={"If-None-Match": head["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    paper = (await attach(bob, pictures.PDF, "Hóa đơn số 1.pdf")).json()
    sent = (await bob.get(f"{PATH}/{paper['id']}/content")).headers["content-disposition"]
    assert (
        sent
        == "attachment; filename=\"H_a __n s_ 1.pdf\"; filename*=UTF-8''H%C3%B3a%20%C4%91%C6%A1n%20s%E1%BB%91%201.pdf"
    )
    line = (await bob.get("/assets/A-1.json")).json()["timeline"][0]
    assert (line["kind"], line["text"]) == ("file_added", "Hóa đơn số 1.pdf")


async def test_when_the_same_file_comes_again_then_its_bytes_stand_once(house: House) -> None:
    bob, near = await two(house)
    first = (await attach(near, png())).json()
    assert (await attach(near, png(), "khác.png")).json() == first, "the same thing has it already"
    other = (await attach(bob, png(), tag="A-2")).json()
    assert (other["sha256"], other["id"] == first["id"], await stored()) == (first["sha256"], False, 1)
    listed = (await bob.get(PATH)).json()
    assert listed["total"] == 2


async def test_when_a_thing_is_foreign_then_its_files_are_not_there(house: House) -> None:
    bob, near = await two(house)
    foreign = (await attach(bob, png(), tag="A-2")).json()
    assert (await near.get(PATH)).json()["total"] == 0
    for answer in (
        await near.get(f"{PATH}/{foreign['id']}"), await near.get(f"{PATH}/{foreign['id']}/content"),
        await near.delete(f"{PATH}/{foreign['id']}", headers={"If-Match": '"1"'}), await attach(near, png(), tag="A-2"),
        await near.get("/attachments/asset/A-2"),
    ):  # fmt: skip
        assert answer.status_code == 404
    async with transaction(EVERYTHING) as tx:
        site = await tx.fetchval("select id from sites where code = $1", OWN)
    async with transaction(Scope.of_sites([site])) as tx:  # what PostgreSQL itself shows
        assert await tx.fetchval("select count(*) from attachments") == 0
        assert await tx.fetchval("select count(*) from stored_files") == 0
    async with transaction(EVERYTHING) as tx:  # the thing moves, and its files go with it
        await tx.execute("update assets set site = $1 where tag = 'A-2'", site)
    assert (await near.get(f"{PATH}/{foreign['id']}/content")).status_code == 200


async def test_when_a_model_has_a_picture_then_everybody_sees_it_and_the_province_alone_changes_it(
    house: House,
) -> None:
    bob, near = await two(house)
    model_id = (await bob.get("/api/v1/asset-models")).json()["items"][0]["id"]
    said = {"subject_kind": "model", "subject": model_id}
    assert (await attach(near, png(), **said)).status_code == 403
    made = (await attach(bob, png(), **said)).json()
    assert (await near.get(f"{PATH}?subject={model_id}")).json()["total"] == 1
    assert (await near.get(f"{PATH}/{made['id']}/content")).status_code == 200
    assert (await near.delete(f"{PATH}/{made['id']}", headers={"If-Match": '"1"'})).status_code == 403
    page = (await near.get(f"/attachments/model/{model_id}")).text
    assert ("<img" in page, 'type="file"' in page) == (True, False)


async def test_when_a_file_is_removed_then_who_and_when_stays_and_its_bytes_are_no_longer_served(house: House) -> None:
    bob, _ = await two(house)
    made = (await attach(bob, png())).json()
    path = f"{PATH}/{made['id']}"
    assert (await bob.delete(path)).status_code == 428
    assert (await bob.delete(path, headers={"If-Match": '"9"'})).status_code == 412
    assert (await bob.delete(path, headers={"If-Match": '"1"'})).status_code == 204
    assert (await bob.delete(path, headers={"If-Match": '"2"'})).status_code == 409
    gone = (await bob.get(path)).json()
    assert (gone["removed_by"], gone["removed_at"] is not None, gone["version"]) == ("Bob", True, 2)
    assert (await bob.get(f"{path}/content")).status_code == 404
    assert (await bob.get(PATH)).json()["total"] == 0
    assert (await bob.get(f"{PATH}?removed=true")).json()["total"] == 1
    assert (await attach(bob, png())).json()["id"] != made["id"]


@pytest.mark.parametrize(
    ("content", "said", "status", "field"),
    [
        (b"<svg/>", {}, 400, "file"), (b"<html>", {}, 400, "file"), (office(**{"word/vbaProject.bin": b"x"}), {}, 400, "file"),
        (photo()[:-400], {}, 400, "file"), (b"", {}, 400, "file"), (png(), {"subject_kind": "ship"}, 400, "subject_kind"),
        (png(), {"subject": "A-0"}, 404, None), (png(), {"subject": ""}, 400, "subject"), (png(), {"colour": "1"}, 400, "colour"),
        (png(), {"note": "x" * 5_000}, 400, "note"), (png(), {"subject_kind": "model", "subject": "x"}, 404, None),
    ],
)  # fmt: skip
async def test_when_a_file_is_not_kept_then_the_answer_says_why_and_nothing_is_there(
    house: House, content: bytes, said: dict[str, str], status: int, field: str | None
) -> None:
    bob, _ = await two(house)
    answer = await attach(bob, content, **said)
    assert answer.status_code == status, answer.text
    assert field is None or [e["field"] for e in answer.json()["errors"]] == [field]
    assert await stored() == 0


BOUNDARY = "x" * 20
HEAD = (
    f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="subject_kind"\r\n\r\nasset\r\n--{BOUNDARY}\r\n'
    'Content-Disposition: form-data; name="subject"\r\n\r\nA-1\r\n'
    f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n'
).encode()


@pytest.mark.parametrize("announced", [True, False])
@pytest.mark.parametrize("path", [PATH, "/attachments/asset/A-1"])
async def test_when_a_gigabyte_is_sent_then_it_is_refused_at_the_limit_and_fills_nothing(
    house: House, path: str, *, announced: bool
) -> None:
    bob, _ = await two(house)
    pulled, size, piece = 0, 1024 * MB, b"\0" * 65_536

    async def body() -> AsyncIterator[bytes]:
        nonlocal pulled
        yield HEAD
        while pulled < size:
            pulled += len(piece)
            yield piece

    headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    headers |= {"Content-Length": str(size)} if announced else {}
    tracemalloc.start()
    answer = await bob.post(path, content=body(), headers=headers)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert answer.status_code == 413
    assert pulled <= (0 if announced else 10 * MB + 2 * 65_536)
    assert peak < 4 * MB, "the file is on its way to a disk, and not in memory"
    assert await stored() == 0


async def test_when_the_administrator_allows_less_then_less_is_taken(database: str) -> None:
    bob, _ = await two(await running(attachment_mb=1))
    assert (await attach(bob, pictures.PDF + b" " * MB)).status_code == 413
    assert (await attach(bob, pictures.PDF + b" " * (MB - 100))).status_code == 201


async def test_when_a_thing_has_many_files_then_one_more_is_refused(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    bob, _ = await two(house)
    monkeypatch.setattr(service, "FILES_MAX", 2)
    answers = [await attach(bob, pictures.PDF + bytes([65 + n])) for n in range(3)]
    assert [answer.status_code for answer in answers] == [201, 201, 409]


async def test_when_the_form_is_odd_then_it_is_refused(house: House) -> None:
    bob, _ = await two(house)
    kind = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    end = f"\r\n--{BOUNDARY}--\r\n".encode()
    twice = (
        HEAD
        + png()
        + f'\r\n--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="b"\r\n\r\nx'.encode()
    )
    for content in (b"", HEAD, HEAD + png(), twice + end, end, HEAD[:-2] + b"\r\n" * 3_000 + end):
        answer = await bob.post(PATH, content=content, headers=kind)
        assert answer.status_code == 400, content[:50]
    for content_type in ("multipart/form-data", "multipart/form-data; boundary=" + "x" * 500):
        assert (await bob.post(PATH, content=HEAD, headers={"Content-Type": content_type})).status_code == 400
    assert (await bob.post(PATH, json={})).status_code == 415
    assert (await bob.post(PATH, content=HEAD, headers=kind | {"Content-Encoding": "gzip"})).status_code == 415


async def test_when_somebody_uses_the_page_then_the_form_adds_shows_and_removes(house: House) -> None:
    _, near = await two(house)
    clerk = await house.person("lan", Role.CLERK, unit=OWN)
    done = await near.post("/attachments/asset/a-1", data={"note": "Hóa đơn"}, files={"file": ("h.pdf", pictures.PDF)},
                           follow_redirects=False)  # fmt: skip
    assert (done.status_code, done.headers["location"]) == (303, "/assets/A-1#files")
    await near.post("/attachments/asset/A-1", files={"file": ("a.png", png())})
    near.cookies.set("language", "vi")
    page = (await near.get("/assets/A-1")).text
    for words in (
        "Tệp đính kèm",
        "h.pdf",
        'capture="environment"',
        'enctype="multipart/form-data"',
        '<img src="/api/v1/',
    ):
        assert words in page, words
    seen = (await clerk.get("/assets/A-1")).text
    assert ("h.pdf" in seen, 'type="file"' in seen) == (True, False)
    refused = await near.post("/attachments/asset/A-1", files={"file": ("a.svg", b"<svg/>")})
    assert refused.status_code == 400
    assert "Chỉ nhận ảnh" in refused.text
    first = (await near.get(f"{PATH}?name=h.pdf")).json()["items"][0]
    gone = await near.post(f"/attachments/{first['id']}/remove", data={"version": "1"}, follow_redirects=False)
    assert gone.status_code == 303
    assert (await near.post(f"/attachments/{first['id']}/remove", data={"version": "x"})).status_code == 412
    twin = (await near.get("/attachments/asset/A-1.json")).json()
    assert [file["name"] for file in twin["files"]] == ["a.png"]
