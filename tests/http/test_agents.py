"""Computers that report themselves: what agents send, in both languages and however packed, and what becomes of it."""

import asyncio
import base64
import json
import os
import socket
import zlib
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
import pytest
import uvicorn

from assets import clock
from assets.access import service as access
from assets.access.actor import SYSTEM
from assets.access.permissions import Action, Role
from assets.access.tokens import NewToken, create_token
from assets.db import EVERYTHING, transaction
from assets.inventory import service as inventory
from assets.inventory import things
from tests.conftest import House, missing, need
from tests.inventories import DEVICE, PC, as_json, as_xml, gzipped, pc, zipped

OWN, FOREIGN = "21025", "21028"
PATH = "/api/v1/agent-inventories"


async def token_of(house: House, *sites: str, actions: tuple[Action, ...] = (Action.REPORT_INVENTORY,)) -> str:
    """The password of agents at some sites."""
    name = f"agents-{'-'.join(sites)}"
    await access.add_user(SYSTEM, access.NewUser(name=name, role=Role.SERVICE))
    return await create_token(SYSTEM, NewToken(name, actions=actions, sites=sites), now=clock.now())


async def agent(house: House, *sites: str, **limits: tuple[Action, ...]) -> httpx2.AsyncClient:
    """A client that signs in as agents do."""
    token = await token_of(house, *sites, **limits)
    return house.client(Authorization="Basic " + base64.b64encode(f"agent:{token}".encode()).decode())


async def send(
    client: httpx2.AsyncClient, body: bytes, kind: str = "application/xml", **headers: str
) -> httpx2.Response:
    return await client.post(PATH, content=body, headers={"Content-Type": kind, **headers})


async def model(maker: str = "Dell", name: str = "OptiPlex 3080") -> UUID:
    await things.add_default_categories(SYSTEM)
    return await things.add_model(SYSTEM, things.NewModel("desktop", maker, name))


async def asset(tag: str, of: UUID, *, site: str = OWN, serial: str = "7QKRNZ3") -> UUID:
    return await inventory.register(SYSTEM, inventory.NewAsset(tag, of, site, serial=serial), now=clock.now())


async def items(client: httpx2.AsyncClient, path: str, **asked: str) -> list[Any]:
    answer = await client.get(path, params=asked)
    assert answer.status_code == 200, answer.text
    found: list[Any] = answer.json()["items"]
    return found


async def test_an_agent_is_asked_for_a_password_then_told_to_send_and_its_computer_is_beside_the_record(
    house: House,
) -> None:
    bob, fusion = await house.person("bob", Role.PROVINCE_IT), await agent(house, OWN)
    await asset("A-1", await model())
    first = await send(house.client(), as_xml({}, query="PROLOG"))
    assert first.status_code == 401
    assert first.headers["www-authenticate"].startswith('Basic realm="'), "agents take up no other challenge"
    prolog = await send(fusion, *zipped(as_xml({}, query="PROLOG")))
    assert "<RESPONSE>SEND</RESPONSE>" in prolog.text
    assert prolog.headers["content-type"].startswith("application/xml")
    told = await send(fusion, *zipped(as_xml(PC)))
    assert (told.status_code, "<REPLY>" in told.text) == (200, True)
    seen = {row["key"]: row for row in await items(bob, "/api/v1/observed-values", tag="A-1")}
    assert {key: row["value"] for key, row in seen.items()} == {
        "serial": "7QKRNZ3", "uuid": PC["hardware"]["uuid"], "manufacturer": "Dell Inc.", "model": "OptiPlex 3080",
        "hostname": "QN-QUAY-01", "macs": "A4:BB:6D:10:20:30", "addresses": "10.66.1.21",
        "system": "Microsoft Windows 11 Pro 10.0.22631", "processor": "Intel(R) Core(TM) i5-10505", "memory": "8192 MB",
        "disks": "KINGSTON SA400 50026B7784A1 240 GB", "monitors": "Dell DELL P2219H (CN0ABC123X)",
        "usb": "Canon Canon LBP2900 (0000A1B2C3D4), Fujitsu fi-7160 scanner (AB12CD34)", "agent": "GLPI-Agent_v1.11",
    }  # fmt: skip
    assert not any(row["differs"] for row in seen.values())
    [row] = await items(bob, PATH)
    assert (row["device_id"], row["site"], row["asset"]) == (DEVICE, OWN, "A-1")


@pytest.mark.parametrize("packed", [zipped, gzipped, lambda body: (body, "application/json")])
async def test_glpi_agent_is_answered_in_json_from_its_first_word_on(house: House, packed: Any) -> None:
    bob, glpi = await house.person("bob", Role.PROVINCE_IT), await agent(house, OWN)
    who = {"GLPI-Agent-ID": "11111111-2222-4333-8444-555555555555"}
    prolog = await send(glpi, *zipped(as_xml({}, query="PROLOG")), **who)
    assert prolog.json() == {"status": "ok", "expiration": 24}
    contact = {
        "action": "contact",
        "deviceid": DEVICE,
        "name": "GLPI-Agent",
        "version": "1.11",
        "enabled-tasks": ["inventory"],
    }
    met = await send(glpi, *packed(json.dumps(contact).encode()), **who)
    assert (met.status_code, met.json()["status"]) == (200, "ok")
    assert await items(bob, PATH) == [], "a first word alone makes no agent"
    told = await send(glpi, *packed(as_json(PC)), **who)
    assert (told.status_code, told.json()["status"]) == (200, "ok")
    [row] = await items(bob, PATH)
    one = (await bob.get(f"{PATH}/{row['id']}")).json()
    assert one["computer"]["serial"] == "7QKRNZ3"
    before = datetime.fromisoformat(row["last_seen_at"])
    await send(glpi, *packed(json.dumps(contact).encode()), **who)
    assert datetime.fromisoformat((await items(bob, PATH))[0]["last_seen_at"]) > before, "each visit is a heartbeat"


async def test_what_is_nobodys_business_is_not_stored_anywhere(house: House) -> None:
    glpi = await agent(house, OWN)
    for body, kind in ((as_json(PC), "application/json"), (as_xml(PC), "application/xml")):
        assert (await send(glpi, body, kind)).status_code == 200
    async with transaction(EVERYTHING) as tx:
        for table in ("inventory_agents", "observed_values", "identity_proposals", "audit_events", "asset_events"):
            rows = repr([dict(row) for row in await tx.fetch(f"select * from {table}")])
            for secret in ("nguoi.dung", "Trò chơi", "bi-mat"):
                assert secret not in rows, (table, secret)


async def test_a_computer_that_nobody_has_registered_is_asked_about_and_never_made(house: House) -> None:
    bob, glpi = await house.person("bob", Role.PROVINCE_IT), await agent(house, OWN)
    of = await model()
    for _ in range(2):
        assert (await send(glpi, as_json(PC), "application/json")).status_code == 200
    assert await items(bob, "/api/v1/assets") == []
    [asked] = await items(bob, "/api/v1/identity-proposals")
    assert (asked["kind"], asked["state"], asked["hostname"], asked["site"]) == ("register", "open", "QN-QUAY-01", OWN)
    path = f"/api/v1/identity-proposals/{asked['id']}/accept"
    assert (await bob.post(path, json={"tag": "N-1", "model": str(of)})).status_code == 428
    match = {"If-Match": f'"{asked["version"]}"'}
    made = await bob.post(path, json={"tag": "N-1", "model": str(of)}, headers=match)
    assert (made.status_code, made.json()["state"]) == (200, "accepted"), made.text
    one = (await bob.get("/api/v1/assets/N-1")).json()
    assert (one["serial"], one["name"], one["site"]) == ("7QKRNZ3", "QN-QUAY-01", OWN)
    again = await bob.post(path, json={"tag": "N-2", "model": str(of)}, headers=match)
    assert again.status_code == 412
    assert len(await items(bob, "/api/v1/observed-values", tag="N-1")) > 5


async def test_a_password_is_good_for_reporting_and_for_nothing_else(house: House) -> None:
    fusion = await agent(house, OWN)
    assert (await fusion.get("/api/v1/assets")).status_code == 401
    assert (await fusion.get(PATH)).status_code in (401, 403)
    every = await agent(house, FOREIGN, actions=())
    refused = await send(every, as_xml(PC))
    assert (refused.status_code, "limited" in refused.json()["detail"]) == (401, True)
    for header in ("Basic", "Basic !!!", "Basic " + "A" * 100_000, "Basic " + base64.b64encode(b"\xff:\xff").decode()):
        answer = await house.client(Authorization=header).post(PATH, content=as_xml(PC))
        assert answer.status_code in (401, 431), header[:20]


async def test_an_agent_touches_nothing_outside_the_sites_of_its_token(house: House) -> None:
    bob, ivan = await house.person("bob", Role.PROVINCE_IT), await house.person("ivan", Role.STOREKEEPER, unit=OWN)
    await asset("F-1", await model(), site=FOREIGN)
    assert (await send(await agent(house, OWN), as_xml(PC))).status_code == 200
    assert await items(bob, "/api/v1/observed-values") == []
    assert {row["kind"] for row in await items(bob, "/api/v1/identity-proposals")} == {"attach", "register"}
    seen = await ivan.get("/api/v1/identity-proposals")
    assert [row["kind"] for row in seen.json()["items"]] == ["register"]
    assert "F-1" not in seen.text


async def test_an_agent_goes_along_with_its_asset_and_a_sites_own_token_does_not_reach_it_there(house: House) -> None:
    bob, ivan = await house.person("bob", Role.PROVINCE_IT), await house.person("ivan", Role.STOREKEEPER, unit=OWN)
    own, wide = await agent(house, OWN), await agent(house)
    await asset("A-1", await model())
    assert (await send(own, as_xml(PC))).status_code == 200
    async with transaction(EVERYTHING) as tx:
        await tx.execute("update assets set site = (select id from sites where code = $1)", FOREIGN)
    assert (await send(own, as_xml(pc(hardware={"name": "OTHER"})))).status_code == 200
    assert [row["value"] for row in await items(bob, "/api/v1/observed-values", key="hostname")] == ["QN-QUAY-01"]
    assert (await send(wide, as_xml(PC))).status_code == 200
    assert [row["site"] for row in await items(bob, PATH)] == [FOREIGN]
    assert await items(ivan, PATH) == []


BOMB = zlib.compress(b"<REQUEST>" + b" " * 64 * 1024 * 1024)
ENTITY = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><REQUEST><DEVICEID>&x;</DEVICEID></REQUEST>'
LAUGHS = b'<!DOCTYPE a [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><REQUEST>&b;</REQUEST>'
HOSTILE: dict[str, tuple[bytes, str]] = {
    "a bomb": (BOMB, "application/x-compress-zlib"),
    "an entity": (ENTITY, "application/xml"),
    "a document type": (as_xml(PC).replace(b"<REQUEST>", b"<!DOCTYPE REQUEST><REQUEST>", 1), "application/xml"),
    "laughs": (LAUGHS, "application/xml"),
    "cut off": (zipped(as_xml(PC))[0][:-20], "application/x-compress-zlib"),
    "not packed": (b"\x00\x01\x02", "application/x-compress-gzip"),
    "deep": (b"<REQUEST>" + b"<A>" * 100_000, "application/xml"),
    "deep JSON": (b'{"content":' * 50_000, "application/json"),
    "half": (as_xml(PC)[:-40], "application/xml"),
    "empty": (b"", "application/xml"),
    "a NUL": (as_json(pc(bios={"ssn": "a\0b"})), "application/json"),
    "a NUL in XML": (as_xml(PC).replace(b"7QKRNZ3", b"7Q\0Z3"), "application/xml"),
    "a huge text": (as_xml(pc(bios={"ssn": "x" * 100_000})), "application/xml"),
    "too many rows": (as_json(pc(networks=[{"mac": "a4:bb:6d:10:20:30"}] * 5_000)), "application/json"),
    "too many rows in XML": (as_xml(pc(networks=[{"mac": "a4:bb:6d:10:20:30"}] * 5_000)), "application/xml"),
    "a list of texts": (as_json(pc(bios=["x"])), "application/json"),
    "a number": (as_json(pc(networks=7)), "application/json"),
    "no device": (as_json(PC, device=""), "application/json"),
    "a device that is none": (json.dumps({"deviceid": 7, "content": {}}).encode(), "application/json"),
    "another query": (as_xml(PC, query="NETDISCOVERY"), "application/xml"),
    "a printer's": (as_json(PC, itemtype="Printer"), "application/json"),
    "UTF-16": (as_xml(PC).decode().encode("utf-16"), "application/xml"),
    "a list": (b"[]", "application/json"),
    "a word": (b"hello", "application/xml"),
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_what_cannot_be_an_inventory_is_a_problem_document_and_nothing_is_stored(house: House, name: str) -> None:
    body, kind = HOSTILE[name]
    answer = await send(await agent(house, OWN), body, kind)
    assert 400 <= answer.status_code < 500, name
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == answer.status_code
    async with transaction(EVERYTHING) as tx:
        for table in ("inventory_agents", "observed_values", "identity_proposals"):
            assert await tx.fetchval(f"select count(*) from {table}") == 0


async def test_a_body_larger_than_an_inventory_is_refused_while_it_is_read(house: House) -> None:
    answer = await send(await agent(house, OWN), b"<" * (5 * 1024 * 1024))
    assert answer.status_code == 413
    assert (await send(await agent(house, FOREIGN), b"x", "text/plain")).status_code == 415


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (as_xml(pc(hardware={"name": "MÁY-QUẦY"})), "MÁY-QUẦY"),
        (as_xml(pc(hardware={"name": "CAFÉ"}), encoding="ISO-8859-1"), "CAFÉ"),
        (as_xml(pc(hardware={"name": "BROKEN"})).replace(b"BROKEN", b"BRO\xe9KEN"), "BROéKEN"),
        (as_xml(pc(hardware={"name": "CTRL"})).replace(b"CTRL", b"CT\x01RL"), "CT RL"),
        (as_json(pc(hardware={"name": "MÁY"})), "MÁY"),
    ],
)
async def test_encodings_that_agents_really_send_are_read(house: House, body: bytes, name: str) -> None:
    bob = await house.person("bob", Role.PROVINCE_IT)
    kind = "application/json" if body.startswith(b"{") else "application/xml"
    assert (await send(await agent(house, OWN), body, kind)).status_code == 200
    assert [row["hostname"] for row in await items(bob, PATH)] == [name]


async def test_thousands_of_rows_that_nobody_keeps_are_read_over(house: House) -> None:
    body = as_xml(pc(softwares=[{"name": f"phần mềm {n}", "version": "1"} for n in range(20_000)]))
    assert (await send(await agent(house, OWN), *zipped(body))).status_code == 200


async def test_without_a_site_to_be_at_a_computer_belongs_to_the_province(house: House) -> None:
    bob, ivan = await house.person("bob", Role.PROVINCE_IT), await house.person("ivan", Role.STOREKEEPER, unit=OWN)
    wide = await agent(house)
    assert (await send(wide, as_xml(pc(accountinfo=[{"keyname": "TAG", "keyvalue": "nowhere"}])))).status_code == 200
    assert [row["site"] for row in await items(bob, PATH)] == [None]
    assert await items(ivan, PATH) == []
    assert (await send(wide, as_xml(PC, device="other"))).status_code == 200
    assert [row["site"] for row in await items(ivan, PATH)] == [OWN], "its tag says where it is"


@pytest.mark.timeout(360)  # it looks at all that this machine has
async def test_debians_fusioninventory_agent_reports_this_machine(house: House, tmp_path: Path) -> None:
    program = need("fusioninventory-agent", "apt-get install fusioninventory-agent")
    if not os.access("/var/lib/fusioninventory-agent", os.W_OK):
        missing("fusioninventory-agent keeps its state in /var/lib and must be run by root")
    bob = await house.person("bob", Role.PROVINCE_IT)
    password = await token_of(house, OWN)
    (tmp_path / "agent.cfg").write_text("no-httpd = 1\n", encoding="utf-8")
    server = uvicorn.Server(uvicorn.Config(house.app, port=0, log_level="warning", lifespan="off"))
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    agent = await asyncio.create_subprocess_exec(
        program, "--server", f"http://127.0.0.1:{port}{PATH}", "--user", "agent", "--password", password,
        "--tasks=inventory", "--tag", OWN, "--conf-file", str(tmp_path / "agent.cfg"), "--force", "--debug",
        "--backend-collect-timeout=90", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await asyncio.wait_for(agent.communicate(), 300)
    server.should_exit = True
    await serving
    assert agent.returncode == 0, said.decode()
    assert b"[error]" not in said, said.decode()
    [row] = await items(bob, PATH)
    assert (row["site"], row["software"].startswith("FusionInventory-Agent_v")) == (OWN, True), said.decode()
    one = (await bob.get(f"{PATH}/{row['id']}")).json()["computer"]
    assert (one["hostname"], one["system"] != "", one["memory_mb"] > 0) == (
        socket.gethostname().split(".")[0],
        True,
        True,
    )
    async with transaction(EVERYTHING) as tx:
        assert password not in repr([dict(r) for r in await tx.fetch("select * from inventory_agents")])
