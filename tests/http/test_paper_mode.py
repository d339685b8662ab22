"""A centre says on a page that it takes files on paper, and that it is over: two taps each, and everybody sees it."""

import re

import httpx2
import pytest

from assets import db
from assets.access.permissions import Role
from tests.conftest import House

PAGE = "/sites/21025/paper-mode"


async def clerk_of(house: House) -> httpx2.AsyncClient:
    client = await house.person("lan", Role.CLERK, "21025")
    client.cookies.set("language", "vi")
    return client


async def end_of(client: httpx2.AsyncClient) -> str:
    return str(re.search(r'action="(/sites/21025/paper-mode/[0-9a-f-]+/end)"', (await client.get(PAGE)).text)[1])  # type: ignore[index]


async def test_paper_mode_begins_with_a_tap_on_its_reason_and_ends_with_the_files_counted(house: House) -> None:
    clerk = await clerk_of(house)
    assert f'href="{PAGE}"' in (await clerk.get("/sites/21025")).text
    assert "Mất mạng" in (await clerk.get(PAGE)).text
    assert (await clerk.post(PAGE, data={"reason": "network", "text": ""})).headers["location"] == PAGE
    page = (await clerk.get(PAGE)).text
    assert "Trung tâm đang nhận hồ sơ giấy" in page
    assert "Mất mạng" in page
    assert "Lan" in page
    [said] = (await clerk.get("/api/v1/declarations?kind=paper_mode")).json()["items"]
    assert (said["text"], said["said_by"], said["ended_at"]) == ("Mất mạng", "Lan", None)
    async with db.transaction(db.EVERYTHING) as tx:  # the province sees it as soon as a worker is free
        assert await tx.fetchval("select count(*) from pgqueuer where entrypoint = 'readiness'") == 1

    where = await end_of(clerk)
    wrong = await clerk.post(where, data={"files_counted": "mười"})
    assert (wrong.status_code, "Số nguyên từ 0 đến 100000." in wrong.text, 'value="mười"' in wrong.text) == (
        400,
        True,
        True,
    )
    assert (await clerk.post(where, data={"files_counted": "12"})).status_code == 303
    assert "12 hồ sơ giấy" in (await clerk.get(PAGE)).text
    [said] = (await clerk.get("/api/v1/declarations?kind=paper_mode")).json()["items"]
    assert said["files_counted"] == 12
    assert said["ended_at"]
    assert (await clerk.get(PAGE + ".json")).json()["now"] is None


@pytest.mark.parametrize("data", [{}, {"reason": "weather"}, {"reason": "", "text": "  "}])
async def test_without_a_reason_nothing_is_said(house: House, data: dict[str, str]) -> None:
    clerk = await clerk_of(house)
    answer = await clerk.post(PAGE, data=data)
    assert (answer.status_code, "Đề nghị ghi rõ lý do." in answer.text) == (400, True), answer.text
    assert (await clerk.get("/api/v1/declarations")).json()["total"] == 0


async def test_a_reason_of_ones_own_is_kept_as_it_was_written(house: House) -> None:
    clerk = await clerk_of(house)
    await clerk.post(PAGE, data={"reason": "", "text": "Sét đánh <b>hỏng</b> bộ phát"})
    assert "Sét đánh &lt;b&gt;hỏng&lt;/b&gt; bộ phát" in (await clerk.get(PAGE)).text


async def test_over_the_api_files_are_counted_at_the_end_and_only_of_paper(house: House) -> None:
    clerk = await clerk_of(house)
    made = (await clerk.post("/api/v1/declarations", json={"site": "21025", "kind": "paper_mode"})).json()
    where = f"/api/v1/declarations/{made['id']}/end"
    assert (await clerk.post(where, json={"files_counted": -1})).status_code == 400
    assert (await clerk.post(where, json={"files_counted": 3})).json()["files_counted"] == 3
    assert (await clerk.post(where)).json()["files_counted"] == 3  # over is over


async def test_whoever_only_reads_sees_how_it_is_and_has_no_button(house: House) -> None:
    reader = await house.person("xem", Role.INSPECTOR)
    page = await reader.get(PAGE)
    assert (page.status_code, '<form class="stack"' in page.text) == (200, False)
    assert (await reader.post(PAGE, data={"reason": "network"})).status_code == 403
