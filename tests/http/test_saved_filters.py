"""Saved filters: checked against their list, one's own or shared by the province's IT, and honest when they no longer fit."""

import httpx2
import pytest

from assets import db
from assets.access.permissions import Role
from tests.conftest import House

FILTERS = "/api/v1/saved-filters"


async def saved(client: httpx2.AsyncClient, **more: object) -> httpx2.Response:
    return await client.post(FILTERS, json={"resource": "assets", "name": "Kho", "query": "stage=in_stock", **more})


async def test_when_a_filter_is_saved_then_its_owner_finds_it_and_nobody_else(house: House) -> None:
    clerk, it = await house.person("clerk", Role.CLERK, "21025"), await house.person("it", Role.PROVINCE_IT)
    made = await saved(clerk, query="?q=m%C3%A1y%20in&limit=5&stage=in_stock&stage=in_use&cursor=x")
    assert made.status_code == 201, made.text
    assert made.json()["query"] == "q=m%C3%A1y+in&stage=in_stock&stage=in_use"
    assert (made.json()["own"], made.json()["owner"], made.json()["problem"]) == (True, "clerk", "")
    assert [item["name"] for item in (await clerk.get(FILTERS)).json()["items"]] == ["Kho"]
    assert (await it.get(FILTERS)).json()["items"] == []
    path = f"{FILTERS}/{made.json()['id']}"
    for answer in (await it.get(path), await it.patch(path, json={"name": "x"}, headers={"If-Match": '"1"'}),
                   await it.delete(path, headers={"If-Match": '"1"'})):  # fmt: skip
        assert answer.status_code == 404
    assert (await saved(clerk)).status_code == 409
    assert (await saved(it)).status_code == 201


async def test_when_the_provinces_it_shares_a_filter_then_all_have_it_and_only_they_change_it(house: House) -> None:
    clerk, it = await house.person("clerk", Role.CLERK, "21025"), await house.person("it", Role.PROVINCE_IT)
    assert (await saved(clerk, shared=True)).status_code == 403
    made = (await saved(it, shared=True)).json()
    seen = (await clerk.get(f"{FILTERS}?shared=true&resource=assets")).json()["items"]
    assert [(item["name"], item["own"]) for item in seen] == [("Kho", False)]
    path = f"{FILTERS}/{made['id']}"
    assert (await clerk.delete(path, headers={"If-Match": '"1"'})).status_code == 403
    assert (await it.patch(path, json={"name": "Trong kho"}, headers={"If-Match": '"1"'})).json()["version"] == 2
    assert (await it.delete(path, headers={"If-Match": '"1"'})).status_code == 412
    assert (await it.delete(path, headers={"If-Match": '"2"'})).status_code == 204
    assert (await clerk.get(FILTERS)).json()["items"] == []


@pytest.mark.parametrize(
    ("resource", "query", "field"),
    [
        ("nothing", "", "resource"), ("assets", "stage=nowhere", "query"), ("assets", "sort=note", "query"),
        ("assets", "colour=red", "query"), ("wear", "as_of=2026-01-01&worn_out=perhaps", "query"),
        ("exports/assets.csv", "", "resource"), ("assets", "&".join(f"tag={n}" for n in range(200)), "query"),
    ],
)  # fmt: skip
async def test_when_a_filter_does_not_fit_its_list_then_it_is_refused(
    house: House, resource: str, query: str, field: str
) -> None:
    it = await house.person("it", Role.PROVINCE_IT)
    answer = await saved(it, resource=resource, query=query)
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert (await saved(it, resource="wear", query="as_of=2026-01-01&worn_out=true")).status_code == 201


async def test_when_a_filter_no_longer_fits_then_it_says_so_and_the_page_still_opens(house: House) -> None:
    it = await house.person("it", Role.PROVINCE_IT)
    for resource in ("incidents", "equipment-requests", "wear"):
        await saved(it, resource=resource, query="", name=f"Tốt {resource}")
        await saved(it, resource=resource, query="", name=f"Cũ {resource}")
    async with db.transaction(db.EVERYTHING) as tx:
        await tx.execute("update saved_filters set query = 'gone=1' where name like 'Cũ%'")
    for resource in ("incidents", "equipment-requests", "wear"):
        told = (await it.get(f"{FILTERS}?resource={resource}&sort=name")).json()["items"]
        assert [bool(item["problem"]) for item in told] == [True, False]
        page = (await it.get(f"/{resource}?q=x")).text
        assert f"Tốt {resource}" in page
        assert f"Cũ {resource} – no longer fits this list" in page
        assert "Save this filter" in page


async def test_when_a_form_saves_a_filter_then_it_leads_back_to_the_list_or_says_what_is_wrong(house: House) -> None:
    it = await house.person("it", Role.PROVINCE_IT)
    form = {"resource": "incidents", "name": "Nặng", "query": "severity=critical", "shared": "true"}
    answer = await it.post("/saved-filters", data=form, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/incidents?severity=critical")
    assert 'href="/incidents?severity=critical"' in (await it.get("/incidents")).text
    for wrong in ({"name": ""}, {"query": "x=1"}, {"resource": "//evil"}, {}):
        again = await it.post("/saved-filters", data=form | wrong, follow_redirects=False)
        assert again.status_code in (400, 409)
        assert 'role="alert"' in again.text
    one = (await it.get(FILTERS)).json()["items"][0]
    gone = await it.post(
        f"/saved-filters/{one['id']}/delete", data={"version": "1", "next": "//evil"}, follow_redirects=False
    )
    assert (gone.status_code, gone.headers["location"]) == (303, "/")
