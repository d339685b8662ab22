"""Imports and edits of many: a full plan, all or nothing, undone as one, repeated without effect."""

import csv
import io
from datetime import date
from typing import Any

import httpx2
import pytest

from assets import clock, db
from assets.access.actor import SYSTEM
from assets.access.permissions import Role
from assets.inventory import api, things, things_api
from assets.inventory.batches import apart
from assets.inventory.kinds import KINDS
from assets.inventory.values import last_beginning
from tests.conftest import House

CSV = {"content-type": "text/csv"}
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
LIST = (
    "Mã tài sản;Hãng sản xuất;Kiểu máy (model);Số sê-ri;Đơn vị;Vị trí lắp đặt;Nguyên giá;Năm đưa vào sử dụng;Ghi chú\r\n"
    "QN-1;Canon;LBP 2900;S1;21025;Quầy 1;12.500.000 đồng;2024;Máy in một cửa\r\n"
    "QN-2;canon;lbp 2900;S2;21025;Quầy 2;9.000.000;15/03/2025;\r\n"
)


async def ready(house: House) -> httpx2.AsyncClient:
    await things.add_default_categories(SYSTEM)
    await things.add_model(SYSTEM, things.NewModel("printer", "Canon", "LBP 2900"))
    return await house.person("root", Role.ADMINISTRATOR)


async def planned(client: httpx2.AsyncClient, text: str | bytes, resource: str = "assets", **more: str) -> Any:
    content = text.encode() if isinstance(text, str) else text
    query = {"resource": resource, "filename": "list.csv", **more}
    answer = await client.post("/api/v1/imports", params=query, content=content, headers=CSV)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def rows_of(client: httpx2.AsyncClient, number: int) -> list[Any]:
    return (await client.get(f"/api/v1/imports/{number}/rows?limit=1000")).json()["items"]


def counts(batch: Any) -> list[int]:
    return [batch[name] for name in ("create", "change", "same", "refused")]


async def asset(client: httpx2.AsyncClient, tag: str) -> Any:
    return (await client.get(f"/api/v1/assets/{tag}")).json()


async def test_a_list_with_vietnamese_headings_is_planned_applied_repeated_and_undone(house: House) -> None:
    client = await ready(house)
    batch = await planned(client, LIST)
    assert (counts(batch), batch["state"], batch["unknown"]) == ([2, 0, 0, 0], "planned", [])
    assert (await client.get("/api/v1/assets")).json()["total"] == 0
    done = await client.post(f"/api/v1/imports/{batch['number']}/apply")
    assert (done.status_code, done.json()["state"]) == (200, "applied")
    one, two = await asset(client, "QN-1"), await asset(client, "QN-2")
    assert (one["original_cost"], one["put_into_use"], one["room"]) == (12_500_000, "2024-01-01", "Quầy 1")
    assert (two["manufacturer"], two["model"], two["put_into_use"]) == ("Canon", "LBP 2900", "2025-03-15")

    again = await planned(client, LIST)
    assert counts(again) == [0, 0, 2, 0]
    assert (await client.post(f"/api/v1/imports/{again['number']}/apply")).status_code == 200
    assert (await asset(client, "QN-1"))["version"] == one["version"]

    changed = await planned(client, LIST.replace("Quầy 2", "Quầy 3"))
    assert counts(changed) == [0, 1, 1, 0]
    [row] = [row for row in await rows_of(client, changed["number"]) if row["action"] == "change"]
    assert (row["key"], row["row"], row["changes"]) == ("QN-2", 3, {"room": ["Quầy 2", "Quầy 3"]})
    await client.post(f"/api/v1/imports/{changed['number']}/apply")
    assert (await asset(client, "QN-2"))["room"] == "Quầy 3"
    assert (await client.post(f"/api/v1/imports/{changed['number']}/undo")).json()["state"] == "undone"
    assert (await asset(client, "QN-2"))["room"] == "Quầy 2"

    undone = await client.post(f"/api/v1/imports/{batch['number']}/undo")
    assert undone.status_code == 409  # QN-2 was changed and put back since: versions went on
    assert (undone.json()["keys"], undone.json()["untouched"]) == (["QN-2"], 1)

    at = f"/imports/{batch['number']}"
    page = await client.post(f"{at}/undo", data={})
    assert (page.status_code, "Changed since: QN-2" in page.text) == (409, True)
    assert "Undo the 1 that nobody has changed" in page.text
    assert (await client.post(f"{at}/undo", data={"untouched": "1"})).status_code == 303
    assert (await client.get("/api/v1/assets/QN-1")).status_code == 404  # what was added and left alone is taken back
    assert (await asset(client, "QN-2"))["room"] == "Quầy 2"
    seen = (await client.get(f"/api/v1{at}")).json()
    assert (seen["state"], seen["kept"], seen["kept_keys"]) == ("undone", 1, ["QN-2"])
    assert "1 was changed since and stays as it was: QN-2" in (await client.get(at)).text
    assert (await client.post(f"/api/v1{at}/undo", json={"untouched_only": True})).status_code == 409


async def test_what_was_changed_by_a_batch_and_left_alone_since_is_put_back_without_the_rest(house: House) -> None:
    client = await ready(house)
    batch = await planned(client, LIST)
    await client.post(f"/api/v1/imports/{batch['number']}/apply")
    changed = await planned(client, LIST.replace("Quầy 2", "Quầy 3").replace("Quầy 1", "Quầy 4"))
    await client.post(f"/api/v1/imports/{changed['number']}/apply")
    touched = await client.patch(
        "/api/v1/assets/QN-1",
        json={"note": "Sửa tay"},
        headers={"If-Match": f'"{(await asset(client, "QN-1"))["version"]}"'},
    )
    assert touched.status_code == 200
    undo = f"/api/v1/imports/{changed['number']}/undo"
    assert (await client.post(undo, json={})).json()["keys"] == ["QN-1"]
    assert (await client.post(undo, json={"untouched_only": True})).json()["kept_keys"] == ["QN-1"]
    assert [(await asset(client, tag))["room"] for tag in ("QN-1", "QN-2")] == ["Quầy 4", "Quầy 2"]
    everything = [await client.post(f"/api/v1/imports/{batch['number']}/undo", json={"untouched_only": True})]
    assert [one.status_code for one in everything] == [409]  # nothing of it is untouched


async def test_what_a_batch_added_is_taken_back_and_can_be_added_again(house: House) -> None:
    client = await ready(house)
    for _ in range(2):
        batch = await planned(client, LIST)
        assert (await client.post(f"/api/v1/imports/{batch['number']}/apply")).status_code == 200
        assert (await client.post(f"/api/v1/imports/{batch['number']}/undo")).status_code == 200
        assert (await client.get("/api/v1/assets")).json()["total"] == 0
    assert (await client.post(f"/api/v1/imports/{batch['number']}/undo")).status_code == 409


@pytest.mark.parametrize(
    ("line", "column", "said"),
    [
        ("QN-9;Canon;LBP 2900;S9;99999;;;;", "site", "There is no site 99999."),
        ("QN-9;Canon;LBP 9000;S9;21025;;;;", "model", "There is no model Canon LBP 9000; add it first."),
        ("QN-9;Canon;LBP 2900;S9;21025;;mười triệu;;", "original_cost", "A whole number is expected."),
        ("QN-9;Canon;LBP 2900;S9;21025;;;31/02/2025;", "put_into_use", "A date is expected, as day/month/year."),
        (";Canon;LBP 2900;S9;21025;;;;", "tag", "This must be filled in."),
        ("QN/9;Canon;LBP 2900;S9;21025;;;;", "tag", "It cannot have / or \\, for it is part of a web address."),
        ("QN-1;Canon;LBP 2900;S9;21025;;;;", "tag", "The same thing stands in row 2 already."),
        ("QN-9;Canon;LBP 2900;s1;21025;;;;", "serial", "The same serial number stands in another row."),
        (f"QN-9;Canon;LBP 2900;{'9' * 200};21025;;;;", "serial", "At most 120 characters."),
    ],
)  # fmt: skip
async def test_a_row_that_cannot_be_says_why_and_nothing_is_changed(
    house: House, line: str, column: str, said: str
) -> None:
    client = await ready(house)
    batch = await planned(client, LIST + line + "\r\n")
    [refused] = [row for row in await rows_of(client, batch["number"]) if row["action"] == "refused"]
    assert refused["row"] == 4
    assert [(fault["column"], fault["reason"]) for fault in refused["faults"]] == [(column, said)]
    answer = await client.post(f"/api/v1/imports/{batch['number']}/apply")
    assert (answer.status_code, answer.json()["refused"]) == (409, 1)
    assert (await client.get("/api/v1/assets")).json()["total"] == 0


async def test_what_would_end_before_it_begins_is_refused_and_what_did_before_holds_up_no_other_change(
    house: House,
) -> None:
    client = await ready(house)
    await planned(client, LIST)
    await client.post("/api/v1/imports/1/apply")
    lists = [
        ("assets", "tag,purchased_on,warranty_until\r\nQN-1,2025-03-01,2024-01-01\r\n", "warranty_until"),
        ("capabilities", "site,kind,title,status,since,expires_on\r\n21025,seal,Con dấu,issued,2026-01-02,2026-01-01\r\n",
         "expires_on"),
    ]  # fmt: skip
    for resource, text, column in lists:
        batch = await planned(client, text, resource)
        [row] = await rows_of(client, batch["number"])
        assert [(fault["column"], fault["reason"]) for fault in row["faults"]] == [
            (column, "It cannot end before it begins.")
        ]
    path = "/api/v1/assets/QN-1"
    first = await client.patch(path, json={"purchased_on": "2025-03-01"}, headers={"If-Match": '"1"'})
    wrong = await client.patch(path, json={"warranty_until": "2025-02-28"}, headers={"If-Match": '"2"'})
    assert (first.status_code, wrong.status_code) == (200, 400), wrong.text
    assert wrong.json()["errors"] == [{"field": "warranty_until", "detail": "It cannot end before it begins."}]
    async with db.transaction(db.EVERYTHING) as tx:
        await tx.execute("update assets set warranty_until = '2020-01-01' where tag = 'QN-1'")
    other = await client.patch(path, json={"note": "cũ"}, headers={"If-Match": '"2"'})
    assert other.status_code == 200, other.text


async def test_what_begins_after_next_year_is_refused_and_what_does_already_holds_up_no_other_change(
    house: House,
) -> None:
    client = await ready(house)
    soon, late = last_beginning(clock.today()), date(2150, 1, 1)
    await planned(client, LIST + f"QN-3;Canon;LBP 2900;S3;21025;;;{soon.isoformat()};\r\n")
    assert (await client.post("/api/v1/imports/1/apply")).status_code == 200
    lists = [
        ("assets", f"tag,put_into_use\r\nQN-1,{late.year}\r\n", "put_into_use"),
        ("assets", f"tag,purchased_on,warranty_until\r\nQN-1,{late},{late}\r\n", "purchased_on"),
        ("capabilities", f"site,kind,title,status,since\r\n21025,seal,Con dấu,issued,{late}\r\n", "since"),
    ]  # fmt: skip
    for resource, text, column in lists:
        [row] = await rows_of(client, (await planned(client, text, resource))["number"])
        [fault] = row["faults"]
        assert (fault["column"], fault["reason"][:19]) == (column, "It cannot be after ")
    path = "/api/v1/assets/QN-1"
    wrong = await client.patch(path, json={"put_into_use": late.isoformat()}, headers={"If-Match": '"1"'})
    assert (wrong.status_code, [one["field"] for one in wrong.json()["errors"]]) == (400, ["put_into_use"])
    async with db.transaction(db.EVERYTHING) as tx:
        await tx.execute("update assets set put_into_use = $1 where tag = 'QN-1'", late)
    whole = {"note": "cũ", "put_into_use": late.isoformat(), "warranty_until": late.isoformat()}
    other = await client.patch(path, json=whole, headers={"If-Match": '"1"'})
    assert other.status_code == 200, other.text


@pytest.mark.parametrize("code", ["a/b", "a\\b", "..", "."])
async def test_a_code_that_no_web_address_can_hold_is_refused_wherever_one_is_given(house: House, code: str) -> None:
    client = await ready(house)
    [model] = (await client.get("/api/v1/asset-models")).json()["items"]
    bodies = {
        "assets": ("tag", {"model": model["id"], "site": "21025"}),
        "links": ("tag", {"site": "21025", "kind": "fibre", "carrier": "X"}),
        "applications": ("code", {"name": "X"}),
        "consumables": ("code", {"name": "X", "kind": "toner", "unit": "hộp"}),
        "kits": ("code", {"name": "X", "site_kind": "store", "lines": []}),
    }
    for resource, (field, body) in bodies.items():
        answer = await client.post(f"/api/v1/{resource}", json={field: code, **body})
        assert answer.status_code == 400, (resource, answer.text)
        assert [error["field"] for error in answer.json()["errors"]] == [field], (resource, answer.text)


async def test_what_has_a_slash_in_its_tag_from_before_is_changed_by_rows(house: House) -> None:
    client = await ready(house)
    await planned(client, LIST)
    await client.post("/api/v1/imports/1/apply")
    async with db.transaction(db.EVERYTHING) as tx:
        await tx.execute("update assets set tag = 'QN/1' where tag = 'QN-1'")
    edit = {"resource": "assets", "rows": [{"tag": "qn/1", "note": "cũ"}], "apply": True}
    answer = await client.post("/api/v1/bulk-edits", json=edit)
    assert answer.status_code == 201, answer.text
    [one] = (await client.get("/api/v1/assets", params={"tag": "QN/1"})).json()["items"]
    assert (one["note"], one["version"]) == ("cũ", 2)


async def test_every_field_of_the_register_is_a_filter_and_hardware_addresses_are_found_as_people_write_them(
    house: House,
) -> None:
    listings = {
        "assets": api.ASSETS, "asset-models": things_api.MODELS, "links": things_api.LINKS,
        "applications": things_api.APPLICATIONS, "capabilities": things_api.CAPABILITIES,
    }  # fmt: skip
    assert {name: set(KINDS[name].names) - set(listing.columns) for name, listing in listings.items()} == {
        name: set() for name in KINDS
    }
    client = await ready(house)
    await planned(client, "tag,manufacturer,model,site,macs,addresses\r\n"
        "QN-1,Canon,LBP 2900,21025,\"00:1b:44:11:3a:b7, 00:1b:44:11:3a:b8\",10.1.2.3\r\n"
        "QN-2,Canon,LBP 2900,21025,,\"10.1.2.4;2001:db8::1\"\r\n")  # fmt: skip
    await client.post("/api/v1/imports/1/apply")
    for query, tags in {
        "macs=00-1B-44-11-3A-B8": ["QN-1"], "macs=001b44113ab7&macs=00:00:00:00:00:01": ["QN-1"],
        "addresses=10.1.2.4": ["QN-2"], "addresses=2001:0DB8:0::1": ["QN-2"], "addresses=10.1.2.5": [],
    }.items():  # fmt: skip
        answer = await client.get(f"/api/v1/assets?{query}")
        assert [one["tag"] for one in answer.json()["items"]] == tags, (query, answer.text)
    async with db.transaction(db.EVERYTHING) as tx:  # zones were taken in once
        await tx.execute("update assets set addresses = '{fe80::1%eth0,10.1.2.4}' where tag = 'QN-2'")
    found = await client.get("/api/v1/assets?addresses=fe80::1")
    assert [one["tag"] for one in found.json()["items"]] == ["QN-2"]
    for query in (
        "macs=zz",
        "addresses=10.1.2.0/24",
        "addresses=fe80::1%25eth0",
        "macs__gte=00:1b:44:11:3a:b8",
        "sort=macs",
    ):
        assert (await client.get(f"/api/v1/assets?{query}")).status_code == 400, query


async def test_when_the_register_changed_since_the_plan_then_it_is_renewed_and_not_applied(house: House) -> None:
    client = await ready(house)
    batch = await planned(client, LIST)
    other = await planned(client, LIST.replace("Quầy 1", "Kho"))
    await client.post(f"/api/v1/imports/{other['number']}/apply")
    assert (await client.post(f"/api/v1/imports/{batch['number']}/apply")).status_code == 412
    renewed = (await client.get(f"/api/v1/imports/{batch['number']}")).json()
    assert (counts(renewed), renewed["state"]) == ([0, 1, 1, 0], "planned")
    assert (await client.post(f"/api/v1/imports/{batch['number']}/apply")).status_code == 200
    assert (await asset(client, "QN-1"))["room"] == "Quầy 1"


LONG = 2_300  # rows: three pieces


def long_list(**rooms: str) -> str:
    """A list of so many assets; rooms by the number of the asset."""
    lines = [f"QN-{n};Canon;LBP 2900;S{n};21025;{rooms.get(f'n{n}', 'Quầy 1')};1000;2024;" for n in range(LONG)]
    return "\r\n".join([LIST.splitlines()[0], *lines])


async def test_a_long_list_is_one_batch_though_it_is_planned_in_pieces(house: House) -> None:
    client = await ready(house)
    twins = await planned(
        client, long_list() + "\r\nqn-3;Canon;LBP 2900;T1;21025;;;;\r\nQN-X;Canon;LBP 2900;s-5;21025;;;;"
    )
    assert counts(twins) == [LONG, 0, 0, 2]
    refused = (await client.get(f"/api/v1/imports/{twins['number']}/rows?action=refused")).json()["items"]
    assert [(row["position"], row["faults"][0]["reason"]) for row in refused] == [
        (LONG, "The same thing stands in row 5 already."),
        (LONG + 1, "The same serial number stands in another row."),
    ]
    assert (await client.post(f"/api/v1/imports/{twins['number']}/apply")).status_code == 409
    assert (await client.get("/api/v1/assets")).json()["total"] == 0

    batch = await planned(client, long_list())
    done = await client.post(f"/api/v1/imports/{batch['number']}/apply")
    assert (done.status_code, counts(done.json())) == (200, [LONG, 0, 0, 0])
    assert (await client.get("/api/v1/assets")).json()["total"] == LONG

    changed = await planned(client, long_list(n7="Quầy 2", n2200="Quầy 3"))
    assert counts(changed) == [0, 2, LONG - 2, 0]
    version = f'"{(await asset(client, "QN-2200"))["version"]}"'
    moved = await client.patch("/api/v1/assets/QN-2200", json={"room": "Quầy 3"}, headers={"If-Match": version})
    assert moved.status_code == 200
    assert (await client.post(f"/api/v1/imports/{changed['number']}/apply")).status_code == 412
    assert (await asset(client, "QN-7"))["room"] == "Quầy 1"  # in a piece before the one that is other than planned
    assert counts((await client.get(f"/api/v1/imports/{changed['number']}")).json()) == [0, 1, LONG - 1, 0]
    positions = (await client.get(f"/api/v1/imports/{changed['number']}/rows?limit=1000&position__gte=1500")).json()
    assert [row["position"] for row in positions["items"]] == list(range(1500, LONG))
    assert (await client.post(f"/api/v1/imports/{changed['number']}/apply")).status_code == 200
    assert (await asset(client, "QN-7"))["room"] == "Quầy 2"
    for one in (changed, batch):
        undone = await client.post(f"/api/v1/imports/{one['number']}/undo", json={"untouched_only": True})
        assert undone.status_code == 200, undone.text
    assert (await client.get("/api/v1/assets")).json()["total"] == 2  # changed or moved since
    assert (await asset(client, "QN-7"))["room"] == "Quầy 1"


async def test_when_the_reading_of_a_file_breaks_off_then_there_is_no_batch(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = await ready(house)
    monkeypatch.setattr(apart, "SMALL", 0)
    monkeypatch.setattr(apart, "WAIT_SECONDS_MAX", 0.001)
    answer = await client.post("/api/v1/imports?resource=assets", content=long_list().encode(), headers=CSV)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "file")
    assert "too much time or memory" in answer.json()["errors"][0]["detail"]
    assert (await client.get("/api/v1/imports")).json()["total"] == 0


@pytest.mark.parametrize(
    ("kind", "headings"), [("csv", "names"), ("csv", "labels"), ("xlsx", "names"), ("xlsx", "labels")]
)
async def test_a_list_that_was_exported_comes_back_the_same_and_loses_nothing(
    house: House, kind: str, headings: str
) -> None:
    client = await ready(house)
    field = {"code": "port_count", "name": "Số cổng", "kind": "integer", "category": "printer"}
    assert (await client.post("/api/v1/custom-fields", json=field)).status_code == 201
    [model] = (await client.get("/api/v1/asset-models")).json()["items"]
    whole = {
        "tag": "QN-7", "model": model["id"], "site": "21025", "serial": "=1+1", "name": "Máy in, \"màu\"", "room": "Quầy 7",
        "stage": "in_stock", "physical_state": "worn", "custodian": "Quầy 7", "custodian_kind": "post",
        "macs": ["00:11:22:33:44:55"], "addresses": ["10.0.0.7", "2001:db8::7"], "supplier": "-Công ty A",
        "funding_source": "Ngân sách tỉnh", "purchased_on": "2024-02-29", "original_cost": 10_000_000,
        "put_into_use": "2024-03-01", "warranty_until": "2027-03-01", "national_code": "0012", "note": "'=x",
        "custom": {"port_count": 4},
    }  # fmt: skip
    made = await client.post("/api/v1/assets", json=whole)
    assert made.status_code == 201, made.text
    file = await client.get(f"/api/v1/exports/assets.{kind}?headings={headings}")
    query = {"resource": "assets", "filename": f"x.{kind}"}
    sent = await client.post(
        "/api/v1/imports",
        params=query,
        content=file.content,
        headers={"content-type": file.headers["content-type"].partition(";")[0]},
    )
    assert sent.status_code == 201, sent.text
    assert (counts(sent.json()), sent.json()["unknown"]) == ([0, 0, 1, 0], []), await rows_of(
        client, sent.json()["number"]
    )
    if kind == "csv" and headings == "names":
        lines = list(csv.DictReader(io.StringIO(file.content.decode("utf-8-sig"))))
        text = io.StringIO()
        new = [{**line, "tag": "QN-8", "serial": "S8", "version": ""} for line in lines]
        writer = csv.DictWriter(text, list(lines[0]))
        writer.writeheader()
        writer.writerows(new)
        batch = await planned(client, text.getvalue())
        assert counts(batch) == [1, 0, 0, 0], await rows_of(client, batch["number"])
        assert (await client.post(f"/api/v1/imports/{batch['number']}/apply")).status_code == 200
        before, after = await asset(client, "QN-7"), await asset(client, "QN-8")
        apart = {"id", "tag", "serial", "physical_state_at", "version"}
        assert {k: v for k, v in before.items() if k not in apart} == {k: v for k, v in after.items() if k not in apart}


async def test_many_are_changed_by_a_filter_with_a_preview_and_undone(house: House) -> None:
    client = await ready(house)
    await client.post(f"/api/v1/imports/{(await planned(client, LIST))['number']}/apply")
    edit = {"resource": "assets", "filter": {"site": "21025"}, "changes": {"funding_source": "Ngân sách tỉnh"}}
    preview = (await client.post("/api/v1/bulk-edits", json=edit)).json()
    assert (counts(preview), preview["state"]) == ([0, 2, 0, 0], "planned")
    assert (await asset(client, "QN-1"))["funding_source"] == ""
    await client.post(f"/api/v1/imports/{preview['number']}/apply")
    assert (await asset(client, "QN-1"))["funding_source"] == "Ngân sách tỉnh"
    await client.post(f"/api/v1/imports/{preview['number']}/undo")
    assert (await asset(client, "QN-1"))["funding_source"] == ""


async def test_rows_with_versions_are_done_at_once_or_not_at_all(house: House) -> None:
    client = await ready(house)
    await client.post(f"/api/v1/imports/{(await planned(client, LIST))['number']}/apply")
    rows = [{"tag": "QN-1", "version": 1, "note": "A"}, {"tag": "QN-2", "version": 7, "note": "B"}]
    answer = await client.post("/api/v1/bulk-edits", json={"resource": "assets", "rows": rows, "apply": True})
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == ["rows.1.version"]
    assert (await asset(client, "QN-1"))["note"] == "Máy in một cửa"
    rows[1]["version"] = 1
    answer = await client.post("/api/v1/bulk-edits", json={"resource": "assets", "rows": rows, "apply": True})
    assert (answer.status_code, counts(answer.json())) == (201, [0, 2, 0, 0])
    assert (await asset(client, "QN-2"))["note"] == "B"


async def test_another_commune_cannot_be_changed_by_a_file_and_is_not_told_of(house: House) -> None:
    client = await ready(house)
    await client.post(f"/api/v1/imports/{(await planned(client, LIST))['number']}/apply")
    other = await house.person("kho", Role.STOREKEEPER, unit="21028")
    batch = await planned(other, LIST)
    rows = await rows_of(other, batch["number"])
    assert [row["action"] for row in rows] == ["refused", "refused"]
    assert all(not row["changes"] or "Quầy" not in str(row["changes"].get("room", [""])[0]) for row in rows)
    assert (await other.get("/api/v1/imports/1")).status_code == 404
    assert (await other.post("/api/v1/imports/1/undo")).status_code == 404


async def test_the_fields_that_the_province_gives_a_kind_are_checked_kept_and_filtered_by(house: House) -> None:
    client = await ready(house)
    field = {"code": "toner", "name": "Loại mực", "kind": "choice", "choices": ["đen", "màu"], "category": "printer"}
    made = (await client.post("/api/v1/custom-fields", json=field)).json()
    await client.post(f"/api/v1/imports/{(await planned(client, LIST))['number']}/apply")
    change = {"custom": {"toner": "xanh"}}
    wrong = await client.patch("/api/v1/assets/QN-1", json=change, headers={"If-Match": '"1"'})
    assert [error["field"] for error in wrong.json()["errors"]] == ["custom.toner"]
    change = {"custom": {"toner": "màu"}}
    assert (await client.patch("/api/v1/assets/QN-1", json=change, headers={"If-Match": '"1"'})).status_code == 200
    found = (await client.get("/api/v1/assets", params={"custom.toner": "màu"})).json()["items"]
    assert [one["tag"] for one in found] == ["QN-1"]
    assert (await client.get("/api/v1/assets", params={"custom.toner": "nâu"})).status_code == 400
    assert (await client.get("/api/v1/assets", params={"custom.none": "1"})).status_code == 400
    gone = {"choices": ["đen"]}
    path = f"/api/v1/custom-fields/{made['id']}"
    assert (await client.patch(path, json=gone, headers={"If-Match": '"1"'})).status_code == 409


@pytest.mark.parametrize(
    ("resource", "path", "new", "change"),
    [
        ("links", "/api/v1/links/L-1", {"tag": "L-1", "site": "21025", "kind": "fibre", "carrier": "VNPT"},
         {"contract_until": "2027-01-01", "monthly_cost": 900_000}),
        ("applications", "/api/v1/applications/igate", {"code": "igate", "name": "Một cửa"}, {"owner_office": "Sở KH&CN"}),
        ("capabilities", "", {"site": "21025", "kind": "token", "title": "Chữ ký số", "status": "issued"},
         {"status": "expired", "expires_on": "2026-01-01"}),
        ("asset-models", "", {"category": "printer", "manufacturer": "HP", "name": "M1"}, {"expected_months": 60}),
    ],
)  # fmt: skip
async def test_what_stands_beside_assets_is_read_and_changed_with_its_version(
    house: House, resource: str, path: str, new: dict[str, Any], change: dict[str, Any]
) -> None:
    client = await ready(house)
    made = await client.post(f"/api/v1/{resource}", json=new)
    assert (made.status_code, made.headers["etag"]) == (201, '"1"'), made.text
    path = path or f"/api/v1/{resource}/{made.json()['id']}"
    assert (await client.patch(path, json=change)).status_code == 428
    assert (await client.patch(path, json=change, headers={"If-Match": '"7"'})).status_code == 412
    done = await client.patch(path, json=change, headers={"If-Match": '"1"'})
    assert (done.status_code, done.headers["etag"]) == (200, '"2"'), done.text
    assert {name: done.json()[name] for name in change} == change
    assert (await client.get(path)).json() == done.json()
    assert (await client.post(f"/api/v1/{resource}", json=new)).status_code == 409


async def test_models_that_the_catalogue_lacks_are_added_with_the_assets_and_taken_back_with_them(house: House) -> None:
    client = await ready(house)
    text = (
        "Mã tài sản;Loại thiết bị;Hãng sản xuất;Kiểu máy (model);Đơn vị\r\n"
        "QN-1;Máy in;Brother;HL-L2321D;21025\r\nQN-2;;brother;hl-l2321d;21025\r\nQN-3;Máy in;Canon;LBP 2900;21028\r\n"
    )
    plain = await planned(client, text)
    assert (counts(plain), plain["new_models"]) == ([1, 0, 0, 2], [])
    batch = await planned(client, text, add_models="true")
    assert (counts(batch), batch["new_models"]) == ([3, 0, 0, 0], [["Brother", "HL-L2321D", "printer"]])
    assert (await client.get("/api/v1/asset-models")).json()["total"] == 1  # nothing yet
    assert (await client.post(f"/api/v1/imports/{batch['number']}/apply")).status_code == 200
    assert [(await asset(client, tag))["model"] for tag in ("QN-1", "QN-2")] == ["HL-L2321D"] * 2
    page = await client.get(f"/imports/{batch['number']}", headers={"accept": "text/html"})
    assert "Brother HL-L2321D" in page.text

    again = await planned(client, text, add_models="true")
    assert (counts(again), again["new_models"]) == ([0, 0, 3, 0], [])
    assert (await client.post(f"/api/v1/imports/{batch['number']}/undo")).status_code == 200
    [left] = (await client.get("/api/v1/asset-models")).json()["items"]
    assert left["name"] == "LBP 2900"


async def test_a_model_that_somebody_uses_since_stays_when_the_import_is_undone(house: House) -> None:
    client = await ready(house)
    text = "Mã tài sản;Loại thiết bị;Hãng sản xuất;Kiểu máy (model);Đơn vị\r\nQN-1;Máy in;Brother;HL;21025\r\n"
    batch = await planned(client, text, add_models="true")
    await client.post(f"/api/v1/imports/{batch['number']}/apply")
    other = await planned(client, text.replace("QN-1", "QN-2"))
    await client.post(f"/api/v1/imports/{other['number']}/apply")
    undone = await client.post(f"/api/v1/imports/{batch['number']}/undo")
    assert undone.status_code == 200, undone.text
    assert (await client.get("/api/v1/asset-models")).json()["total"] == 2
    assert (await client.get("/api/v1/assets")).json()["total"] == 1


@pytest.mark.parametrize(
    ("line", "column", "said"),
    [
        ("QN-1;;Brother;HL;21025", "category", "The model Brother HL is new; say what kind of equipment it is."),
        ("QN-1;Tàu vũ trụ;Brother;HL;21025", "category", "There is no kind of equipment Tàu vũ trụ."),
        ("QN-0;Máy in;Brother;HL;21025\r\nQN-1;Máy tính để bàn;Brother;HL;21025", "category", "The model belongs to printer."),
    ],
)  # fmt: skip
async def test_a_new_model_is_of_one_kind_that_there_is(house: House, line: str, column: str, said: str) -> None:
    client = await ready(house)
    heading = "Mã tài sản;Loại thiết bị;Hãng sản xuất;Kiểu máy (model);Đơn vị\r\n"
    batch = await planned(client, heading + line + "\r\n", add_models="true")
    [refused] = [row for row in await rows_of(client, batch["number"]) if row["action"] == "refused"]
    assert [(fault["column"], fault["reason"]) for fault in refused["faults"]] == [(column, said)]


async def test_only_the_province_adds_models(house: House) -> None:
    await ready(house)
    commune = await house.person("hoa", Role.STOREKEEPER, "21025")
    query = {"resource": "assets", "filename": "x.csv", "add_models": "true"}
    answer = await commune.post("/api/v1/imports", params=query, content=LIST.encode(), headers=CSV)
    assert answer.status_code == 403


async def test_a_field_that_there_is_not_is_named_and_nothing_is_changed(house: House) -> None:
    client = await ready(house)
    rows = [{"tag": "QN-1", "manufacturer": "Canon", "model": "LBP 2900", "site": "21025", "colour\r": "x"}]
    for resource in ("assets", "applications"):
        plan = await client.post("/api/v1/bulk-edits", json={"resource": resource, "rows": rows})
        assert plan.status_code == 201, plan.text
        [row] = await rows_of(client, plan.json()["number"])
        assert ("colour\r", "There is no such field.") in [(f["column"], f["reason"]) for f in row["faults"]]
    answer = await client.post("/api/v1/bulk-edits", json={"resource": "assets", "rows": rows, "apply": True})
    assert (answer.status_code, answer.json()["errors"][0]["detail"]) == (400, "There is no such field.")
