"""Where agents report, and what they have reported."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Controller, Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler
from pydantic import BaseModel

from assets import clock
from assets.access.actor import Actor
from assets.access.guards import requires
from assets.access.permissions import Action
from assets.db import transaction
from assets.errors import NotFound
from assets.inventory.agents import protocol, service
from assets.inventory.agents.computer import Computer
from assets.web.bodies import BASIC, OWN, TAKES
from assets.web.paging import Column, Listing, ListQuery, Page, fetch, listed
from assets.web.rows import from_row

AnyRequest = Request[Any, Any, Any]
AGENT_ID = "GLPI-Agent-ID"  # GLPI Agent names itself in this field, also where it speaks XML


class AgentOut(BaseModel):
    """An agent on a computer; `last_seen_at` is its heartbeat. Without `asset` nobody has said which asset it is."""

    id: UUID
    device_id: str
    hostname: str
    site: str | None
    asset: str | None
    software: str
    first_seen_at: datetime
    last_seen_at: datetime
    inventory_at: datetime | None


class AgentDetail(AgentOut):
    """An agent with what it said last of its computer; nothing else of it is kept."""

    computer: Computer


AGENTS = Listing(
    select="g.id, g.device_id, g.hostname, g.software, g.first_seen_at, g.last_seen_at, g.inventory_at, g.computer, "
    "s.code as site_code, a.tag as asset_tag",
    source="inventory_agents g left join sites s on s.id = g.site left join assets a on a.id = g.asset",
    key="g.id",
    columns={
        "device_id": Column("g.device_id"), "hostname": Column("g.hostname"), "site": Column("s.code"),
        "asset": Column("a.tag"), "attached": Column("a.tag is not null", "boolean", sortable=False),
        "software": Column("g.software"), "first_seen_at": Column("g.first_seen_at", "timestamptz"),
        "last_seen_at": Column("g.last_seen_at", "timestamptz"),
    },
    sort="-last_seen_at",
    search=("g.search",),
    site="g.site",
)  # fmt: skip


agent_out = from_row(AgentOut, site="site_code", asset="asset_tag")


class AgentInventories(Controller):
    """Computers that report themselves."""

    path = "/api/v1/agent-inventories"
    tags = ("inventory",)

    @post(
        operation_id="postAgentInventory", status_code=200, guards=[requires(Action.REPORT_INVENTORY)],
        request_max_body_size=protocol.PACKED_MAX,
        opt={OWN: True, TAKES: protocol.KINDS, BASIC: Action.REPORT_INVENTORY, "packed": True},
    )  # fmt: skip
    async def report(self, request: AnyRequest, actor: NamedDependency[Actor]) -> Response[str]:
        """What FusionInventory and GLPI agents send, as they send it: XML or JSON, plain, zlib or gzip.

        Agents sign in with HTTP Basic, any user, and as password a token that may do nothing but report computers.
        """
        # The largest that is let in takes a second to read; others are answered meanwhile.
        message = await asyncio.to_thread(protocol.read, await request.body(), request.content_type[0].lower())
        await service.report(actor, message, now=clock.now())
        kind, text = protocol.answer(message, request.headers.get(AGENT_ID, ""))
        return Response(text, media_type=kind)

    @get(operation_id="listAgentInventories", guards=[requires(Action.VIEW)], **listed(AGENTS))
    async def listing(self, asked: NamedDependency[ListQuery], actor: NamedDependency[Actor]) -> Page[AgentOut]:
        """Agents of the caller's sites, the one that was heard last first."""
        async with transaction(actor.scope) as tx:
            return await fetch(tx, AGENTS, asked, agent_out, scope=actor.scope)

    @get("/{agent:uuid}", operation_id="getAgentInventory", guards=[requires(Action.VIEW)])
    async def one(self, agent: FromPath[UUID], actor: NamedDependency[Actor]) -> AgentDetail:
        """One agent and its computer."""
        async with transaction(actor.scope) as tx:
            found = await fetch(
                tx, AGENTS, ListQuery(limit=1), _detail, scope=actor.scope, where=[("g.id = {}", [agent])]
            )  # fmt: skip
        if not found.items:
            raise NotFound()
        return found.items[0]


def _detail(row: Mapping[str, Any]) -> AgentDetail:
    return AgentDetail(**agent_out(row).model_dump(), computer=Computer(**json.loads(row["computer"])))


routes: Sequence[ControllerRouterHandler] = [AgentInventories]
