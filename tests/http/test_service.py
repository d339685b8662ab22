"""The service as a whole: who is let in, what a collector posts, what people then read."""

import asyncio
import gzip
import json
import threading
from datetime import timedelta
from uuid import uuid4

import pytest

from assets import clock, db
from assets.access.permissions import Role
from assets.app import Service
from assets.ids import new_id
from assets.probing.contract import Batch, Observation
from assets.probing.readings import Outcome
from tests.conftest import House


async def add_target(house: House, name: str = "printer"):
    async with db.transaction(db.EVERYTHING) as tx:
        site = await tx.fetchval("select id from sites where code = '21025'")
        target = new_id()
        await tx.execute(
            "insert into targets (id, site, name, method, address, port, profile, interval_seconds, confirm, enabled, "
            "created_at, version) values ($1,$2,$3,'snmp','127.0.0.9',161,'generic',60,1,true,now(),1)", target, site, name,
        )  # fmt: skip
        return target


def body(*seen: Observation) -> dict:
    return Batch(buffer_id=uuid4(), sent_at=clock.now(), observations=seen).model_dump(mode="json")


async def test_when_nobody_is_signed_in_then_programs_get_401_and_people_the_sign_in_page(house: House) -> None:
    stranger = house.client()
    answer = await stranger.get("/api/v1/incidents")
    assert answer.status_code == 401
    assert answer.headers["content-type"].startswith("application/problem+json")
    page = await stranger.get("/", follow_redirects=False)
    assert (page.status_code, page.headers["location"]) == (303, "/sign-in")


async def test_when_a_collector_posts_a_silence_then_people_read_the_incident_with_its_reason(house: House) -> None:
    target, collector = await add_target(house), await house.collector()
    silent = Observation(sequence=1, target=target, observed_at=clock.now(), outcome=Outcome.SILENT)
    answer = await collector.post("/api/v1/observations", json=body(silent))
    assert answer.status_code == 200, answer.text
    assert answer.json()["accepted_to"] == 1
    engineer = await house.person("eng", Role.PROVINCE_IT)
    [incident] = (await engineer.get("/api/v1/incidents?state=open")).json()["items"]
    assert (incident["reason"], incident["site"], incident["kind"]) == ("does not answer", "21025", "device")
    taken = await engineer.post(f"/api/v1/incidents/{incident['number']}/acknowledge")
    assert taken.json()["state"] == "acknowledged"
    page = await engineer.get("/incidents")
    assert page.status_code == 200
    assert "printer" in page.text


async def test_when_a_clerk_of_another_centre_looks_then_there_is_nothing(house: House) -> None:
    target, collector = await add_target(house), await house.collector()
    silent = Observation(sequence=1, target=target, observed_at=clock.now(), outcome=Outcome.SILENT)
    await collector.post("/api/v1/observations", json=body(silent))
    charlie = await house.person("charlie", Role.CLERK, "21028")
    assert (await charlie.get("/api/v1/incidents")).json()["total"] == 0
    assert (await charlie.get("/api/v1/incidents/1")).status_code == 404
    assert (await charlie.get("/api/v1/sites/21025")).status_code == 404
    assert (await charlie.get("/api/v1/targets")).json()["total"] == 0
    assert (await charlie.post("/api/v1/incidents/1/acknowledge")).status_code == 403


async def test_when_a_collector_fetches_twice_then_the_second_answer_is_not_modified(house: House) -> None:
    await add_target(house)
    collector = await house.collector()
    first = await collector.get("/api/v1/collectors/self/assignment")
    assert first.status_code == 200, first.text
    assert [t["name"] for t in first.json()["targets"]] == ["printer"]
    again = await collector.get("/api/v1/collectors/self/assignment", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


async def test_when_a_batch_is_hostile_then_it_is_refused_or_counted_and_never_a_500(house: House) -> None:
    target, collector = await add_target(house), await house.collector()
    good = body(Observation(sequence=1, target=target, observed_at=clock.now(), outcome=Outcome.ANSWERED))
    hostile = [
        b"\xff\xfe", b"[" * 100_000, b"{}", b'{"buffer_id": 5}', b"null",
        *[str(good).encode()],
    ]  # fmt: skip
    for content in hostile:
        answer = await collector.post(
            "/api/v1/observations", content=content, headers={"Content-Type": "application/json"}
        )
        assert answer.status_code == 400, answer.text
    for change in (
        {"detail": "a\0b\ud800"}, {"observed_at": "1970-01-01T00:00:00Z"}, {"observed_at": "9999-12-31T23:59:59Z"},
        {"observed_at": (clock.now() + timedelta(days=400)).isoformat()}, {"target": str(uuid4())},
        {"observed_at": "0001-01-01T00:00:00Z"}, {"uptime_seconds": 1e11},
        {"readings": [{"name": "a.b", "instance": "\0" * 10, "value": 1e308}]},
    ):  # fmt: skip
        odd = {**good, "buffer_id": str(uuid4()), "observations": [{**good["observations"][0], **change}]}
        answer = await collector.post(
            "/api/v1/observations", content=json.dumps(odd), headers={"Content-Type": "application/json"}
        )
        assert answer.status_code in (200, 400), answer.text
    engineer = await house.person("eng", Role.PROVINCE_IT)
    assert (await engineer.get("/api/v1/incidents")).json()["total"] == 0


async def test_when_a_person_signs_in_then_the_session_is_new_and_ends_with_the_sign_out(house: House) -> None:
    from assets.access import service as access
    from assets.access.actor import SYSTEM

    await access.add_user(
        SYSTEM, access.NewUser("lan", Role.CLERK, "mot-mat-khau-dai", "Lan", unit="21025", must_change=False)
    )
    browser = house.client()
    browser.cookies.set(house.settings.cookie, "chosen-by-somebody-else", domain="127.0.0.1", path="/")
    wrong = await browser.post("/sign-in", data={"name": "lan", "password": "mot-mat-khau-sai"})
    assert wrong.status_code in (200, 400, 401, 422)
    answer = await browser.post("/sign-in", data={"name": "lan", "password": "mot-mat-khau-dai"})
    assert answer.status_code == 303, answer.text
    assert browser.cookies.get(house.settings.cookie) != "chosen-by-somebody-else"
    assert (await browser.get("/account")).status_code == 200
    stolen = await browser.post("/sign-out", headers={"Origin": "https://elsewhere.example"})
    assert stolen.status_code == 403
    assert (await browser.post("/sign-out", headers={"Origin": house.settings.url})).status_code == 303
    assert (await browser.get("/", follow_redirects=False)).status_code == 303


async def test_when_the_openapi_document_is_first_asked_for_then_it_is_made_once_and_holds_nobody_up(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int] = []
    encoded = Service._encoded

    def noted(service: Service) -> bytes:
        made.append(threading.get_ident())
        return encoded(service)

    monkeypatch.setattr(Service, "_encoded", noted)
    monkeypatch.setattr(house.app, "_document", None)
    client = house.client()
    answers = await asyncio.gather(*(client.get("/schema/openapi.json") for _ in range(3)))
    unknown = await client.get("/schema/other.json")
    assert {answer.status_code for answer in answers} == {200}
    assert {answer.headers["content-type"] for answer in answers} == {"application/vnd.oai.openapi+json"}
    assert len({answer.content for answer in answers}) == 1
    assert len(made) == 1
    assert made[0] != threading.get_ident()
    assert unknown.status_code == 404


async def test_when_the_openapi_document_is_asked_for_then_it_is_there(house: House) -> None:
    document = (await house.client().get("/schema/openapi.json")).json()
    assert "/api/v1/incidents" in document["paths"]


async def test_when_provincial_it_registers_a_printer_then_it_can_be_asked_and_a_clerk_cannot_do_so(
    house: House,
) -> None:
    from assets.access.actor import SYSTEM
    from assets.inventory import things

    await things.add_default_categories(SYSTEM)
    engineer = await house.person("eng", Role.PROVINCE_IT)
    model = await engineer.post(
        "/api/v1/asset-models", json={"category": "printer", "manufacturer": "Brother", "name": "HL-L2366DW"}
    )
    assert model.status_code == 201, model.text
    asset = await engineer.post(
        "/api/v1/assets", json={"tag": "qn-1", "model": model.json()["id"], "site": "21025", "name": "Máy in quầy 1"}
    )
    assert (asset.status_code, asset.json()["tag"]) == (201, "QN-1"), asset.text
    twice = await engineer.post("/api/v1/assets", json={"tag": "QN-1", "model": model.json()["id"], "site": "21025"})
    assert twice.status_code == 409
    link = await engineer.post(
        "/api/v1/links", json={"tag": "DT-1", "site": "21025", "kind": "dedicated", "carrier": "VNPT"}
    )
    line = await engineer.post("/api/v1/targets", json={"link": "DT-1", "address": "10.1.0.1", "method": "ping"})
    assert (link.status_code, line.status_code) == (201, 201), line.text
    target = await engineer.post(
        "/api/v1/targets",
        json={"asset_tag": "QN-1", "address": "10.1.0.9", "method": "snmp", "parent": line.json()["id"]},
    )
    assert target.status_code == 201, target.text
    assert target.json()["condition"] == "unknown"
    loop = await engineer.patch(
        f"/api/v1/targets/{line.json()['id']}", json={"parent": target.json()["id"]}, headers={"If-Match": '"1"'}
    )
    assert (loop.status_code, loop.json()["errors"][0]["field"]) == (400, "parent")
    for address, body_ in (
        ("applications", {"code": "mot-cua", "name": "Phần mềm một cửa"}),
        (
            "capabilities",
            {"site": "21025", "kind": "account", "title": "Một cửa", "status": "issued", "application": "mot-cua"},
        ),
    ):
        assert (await engineer.post(f"/api/v1/{address}", json=body_)).status_code == 201
    clerk = await house.person("alice", Role.CLERK, "21025")
    assert (
        await clerk.post("/api/v1/targets", json={"link": "DT-1", "address": "x", "method": "ping"})
    ).status_code == 403
    found = await clerk.get("/api/v1/assets", params={"q": "brother"})
    assert [a["tag"] for a in found.json()["items"]] == ["QN-1"]


async def test_when_one_observation_of_a_batch_cannot_be_read_then_the_others_are_taken(house: House) -> None:
    target, collector = await add_target(house), await house.collector()
    seen = [
        Observation(sequence=n, target=target, observed_at=clock.now(), outcome=Outcome.ANSWERED) for n in (1, 2, 3)
    ]
    batch = body(*seen)
    batch["observations"][1]["outcome"] = "exploded"
    answer = await collector.post("/api/v1/observations", json=batch)
    assert answer.status_code == 200, answer.text
    assert (answer.json()["accepted_to"], [r["sequence"] for r in answer.json()["rejected"]]) == (3, [2])
    again = await collector.post("/api/v1/observations", json=batch)
    assert again.json()["accepted_to"] == 3


async def test_when_a_batch_is_compressed_then_it_is_taken_and_a_bomb_is_refused(house: House) -> None:
    target, collector = await add_target(house), await house.collector()
    one = Observation(sequence=1, target=target, observed_at=clock.now(), outcome=Outcome.ANSWERED)
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    packed = gzip.compress(json.dumps(body(one)).encode())
    answer = await collector.post("/api/v1/observations", content=packed, headers=headers)
    assert (answer.status_code, answer.json()["accepted_to"], answer.headers["accept-encoding"]) == (200, 1, "gzip")
    for hostile in (gzip.compress(b" " * 200_000_000, 9), packed[:-9], b"no gzip at all"):
        answer = await collector.post("/api/v1/observations", content=hostile, headers=headers)
        assert answer.status_code == 400, answer.text
