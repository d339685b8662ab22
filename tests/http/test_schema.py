"""The OpenAPI document keeps its word: what is drawn from it is answered as it says, whoever asks.

Fifty right examples of each operation and fifty wrong ones, by an administrator and by a clerk.
"""

import asyncio
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import anyio
import httpx2
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from requests import Request
from schemathesis.checks import not_a_server_error
from schemathesis.errors import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from assets import clock
from assets.access.permissions import Role
from tests.conftest import House, served
from tests.http.test_contract import asset, target

pytestmark = pytest.mark.long

EXAMPLES = 50
PARTS = 6  # of the operations, so that both cores have their share
MODES = tuple(schemathesis.GenerationMode)
POSITIVE = schemathesis.GenerationMode.POSITIVE
CHECKS: list[Any] = [
    not_a_server_error, status_code_conformance, content_type_conformance, response_headers_conformance,
    response_schema_conformance,
]  # fmt: skip
TIMEOUT_SECONDS = 60
COLLECTORS_OWN = ("/observations", "/self/assignment")
WHO = ("administrator", "clerk", "collector")
Sent = Callable[[schemathesis.Case], httpx2.Response]


async def client_of(house: House, who: str) -> httpx2.AsyncClient:
    if who == "collector":
        return await house.collector()
    return await house.person("somebody", Role(who), "21025" if who == "clerk" else "")


async def furnish(house: House) -> None:
    """One thing of most kinds, so that lists and single things have something to show."""
    engineer = await house.person("eng", Role.PROVINCE_IT)
    clerk = await house.person("lan", Role.CLERK, "21025")
    await target(of=await asset())
    now = clock.now()
    for path, body in (
        ("applications", {"code": "a", "name": "A"}),
        ("links", {"tag": "L-1", "site": "21025", "kind": "fibre", "carrier": "VNPT"}),
        ("capabilities", {"site": "21025", "kind": "account", "title": "A", "status": "issued", "application": "a"}),
        ("silences", {"title": "x", "starts_at": now.isoformat(), "ends_at": (now + timedelta(days=2)).isoformat()}),
        ("declarations", {"site": "21025", "kind": "broken", "asset_tag": "QN-1"}),
    ):
        made = await engineer.post(f"/api/v1/{path}", json=body)
        assert made.status_code in (201, 403), made.text
    asked = {"reason": "x", "lines": [{"category": "printer"}]}
    assert (await clerk.post("/api/v1/equipment-requests", json=asked)).status_code == 201


@pytest.mark.timeout(1_500)
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("who", WHO)
async def test_what_the_document_says_is_what_is_answered(house: House, who: str, part: int) -> None:
    await furnish(house)
    fast = await served(rate_per_minute=1_000_000)
    token = (await client_of(house, who)).headers["authorization"]
    client = fast.client(Authorization=token)
    document = (await client.get("/schema/openapi.json")).json()
    loop = asyncio.get_running_loop()

    def send(case: schemathesis.Case) -> httpx2.Response:
        # Drawn in a thread, sent in the one loop that the pool of connections belongs to.
        call = asyncio.run_coroutine_threadsafe(client.send(built(case, client, fast.settings.url)), loop)
        return call.result(TIMEOUT_SECONDS)

    broken = await anyio.to_thread.run_sync(lambda: list(failures(document, send, who, part)))
    assert not broken, "\n\n".join(broken)


def built(case: schemathesis.Case, client: httpx2.AsyncClient, url: str) -> httpx2.Request:
    plain = Request(**{k: v for k, v in case.as_transport_kwargs(base_url=url).items() if k != "verify"}).prepare()
    headers = {name: value for name, value in plain.headers.items() if name.lower() not in ("authorization", "cookie")}
    return client.build_request(str(plain.method), str(plain.url), content=plain.body or b"", headers=headers)


def failures(document: dict[str, Any], send: Sent, who: str, part: int) -> Iterator[str]:
    """What of each operation is not as the document says."""
    config = schemathesis.Config.from_dict({"generation": {"with-security-parameters": False}})
    for turn, found in enumerate(schemathesis.openapi.from_dict(document, config=config).get_all_operations()):
        operation = found.ok()
        if (who == "collector") is not operation.path.endswith(COLLECTORS_OWN):
            continue
        if turn % PARTS != part:
            continue
        for mode in MODES:
            try:
                _try(operation, mode, send)
            except Unsatisfiable:
                assert mode is not POSITIVE, operation.label  # without parameters there is nothing to get wrong
            except FailureGroup as group:
                yield f"{operation.label}: " + "; ".join(str(error)[:600] for error in group.exceptions)


def _try(operation: schemathesis.APIOperation, mode: schemathesis.GenerationMode, send: Sent) -> None:
    @settings(
        max_examples=EXAMPLES, deadline=None, database=None, derandomize=True, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(operation.as_strategy(generation_mode=mode))
    def each(case: schemathesis.Case) -> None:
        case.validate_response(send(case), checks=CHECKS)

    each()
