"""The pages against a real database, each through the whole stack of sign-in, guards, queries and templates."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from httpx2 import ASGITransport, AsyncClient

from tests import web_world
from tests.web_world import PASSWORD, Web


@pytest.fixture
async def world(database: str) -> Web:
    return await web_world.build()


@pytest.fixture
async def client(world: Web, tmp_path: Path) -> AsyncIterator[AsyncClient]:
    application = web_world.app(tmp_path)
    async with AsyncClient(transport=ASGITransport(application), base_url="http://testserver") as client:
        yield client


async def enter(client: AsyncClient, name: str) -> None:
    answer = await client.post("/sign-in", data={"name": name, "password": PASSWORD}, follow_redirects=False)
    assert answer.status_code == 303


def text_of(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


async def test_smoke(client: AsyncClient, world: Web) -> None:
    await enter(client, "bob")
    for path in (
        "/",
        f"/sites/{world.limited}",
        f"/assets/{world.printer}",
        "/incidents",
        f"/incidents/{world.incident}",
        "/-/system",
    ):
        answer = await client.get(path)
        assert answer.status_code == 200, (path, text_of(answer.text)[:800])
