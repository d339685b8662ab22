"""The composition root of the service: which routes there are, and what stands around them."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import structlog
from litestar import Litestar, Request, Response, Router, get
from litestar.config.compression import CompressionConfig
from litestar.constants import OPENAPI_JSON_HANDLER_NAME
from litestar.datastructures import State
from litestar.di import Provide
from litestar.enums import OpenAPIMediaType, ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, OpenAPI, SecurityScheme
from litestar.plugins.prometheus import PrometheusConfig, PrometheusController
from litestar.serialization import encode_json
from litestar.types import ControllerRouterHandler, Message

from assets import __version__, clock, db, exports, heartbeats, observations, occasion
from assets.access import api as access_api
from assets.access import pages as access_pages
from assets.access import people_pages
from assets.access.actor import Actor
from assets.access.guards import current_actor
from assets.access.idempotency import IdempotencyMiddleware
from assets.access.middleware import SignedInMiddleware
from assets.access.rates import RateMiddleware
from assets.access.tokens import actor_of_token
from assets.audit import api as audit_api
from assets.audit import pages as audit_pages
from assets.dashboards import inspection, probes, search_pages
from assets.dashboards import pages as dashboard_pages
from assets.equipment_requests import answer_api, purchase_pages
from assets.equipment_requests import api as requests_api
from assets.equipment_requests import pages as requests_pages
from assets.equipment_requests import papers as requests_papers
from assets.equipment_requests.approval_rules import api as approval_api
from assets.equipment_requests.approval_rules import pages as approval_pages
from assets.equipment_requests.delegations import api as delegations_api
from assets.equipment_requests.delegations import pages as delegations_pages
from assets.equipment_requests.working_calendar import api as calendar_api
from assets.equipment_requests.working_calendar import pages as calendar_pages
from assets.ids import new_id
from assets.incidents import api as incidents_api
from assets.incidents import pages as incidents_pages
from assets.incidents.faults import address_pages, kind_pages
from assets.incidents.faults import api as faults_api
from assets.incidents.faults import pages as faults_pages
from assets.ingest import Ingest
from assets.inventory import api as inventory_api
from assets.inventory import (
    change_many,
    custom_fields_api,
    link_pages,
    stage_api,
    stage_pages,
    things_api,
    wear_api,
    wear_pages,
)
from assets.inventory import pages as inventory_pages
from assets.inventory.agents import api as agents_api
from assets.inventory.attachments import api as attachments_api
from assets.inventory.attachments import pages as attachments_pages
from assets.inventory.batches import api as batches_api
from assets.inventory.batches import pages as batches_pages
from assets.inventory.disposal import api as disposal_api
from assets.inventory.disposal import pages as disposal_pages
from assets.inventory.disposal import papers as disposal_papers
from assets.inventory.kits import api as kits_api
from assets.inventory.kits import pages as kits_pages
from assets.inventory.labels import api as labels_api
from assets.inventory.labels import pages as labels_pages
from assets.inventory.observed import api as observed_api
from assets.inventory.observed import pages as observed_pages
from assets.inventory.paper_forms import api as paper_forms_api
from assets.inventory.paper_forms import pages as paper_forms_pages
from assets.inventory.reminders import api as reminders_api
from assets.inventory.reminders import pages as reminders_pages
from assets.inventory.saved_filters import api as saved_filters_api
from assets.inventory.saved_filters import pages as saved_filters_pages
from assets.inventory.stock import api as stock_api
from assets.inventory.stock import pages as stock_pages
from assets.inventory.stock import shipments_api
from assets.inventory.stocktakes import api as stocktakes_api
from assets.inventory.stocktakes import pages as stocktakes_pages
from assets.inventory.stocktakes import papers as stocktakes_papers
from assets.inventory.transfers import api as transfers_api
from assets.inventory.transfers import hand_over_pages
from assets.inventory.transfers import pages as transfers_pages
from assets.inventory.transfers import papers as transfers_papers
from assets.monitoring import api as monitoring_api
from assets.monitoring import collectors, credential_pages, credentials_api, paper_pages, target_pages, traffic_api
from assets.notifications import api as notifications_api
from assets.notifications.notify import Outlet
from assets.places import api as places_api
from assets.places import changes_api, rooms_api, site_pages, unit_pages
from assets.probing.profile import Profiles
from assets.readiness import api as readiness_api
from assets.settings import Settings
from assets.vault import Vault
from assets.web import documented, parameters, problems, static
from assets.web.addresses import ClientMiddleware, HostMiddleware, host_of
from assets.web.bodies import BODY_MAX, BodyMiddleware
from assets.web.headers import HeadersMiddleware
from assets.web.paths import PathMiddleware

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Parts:
    """What the routes need beside the database."""

    settings: Settings
    profiles: Profiles
    vault: Vault
    ingest: Ingest

    @classmethod
    def make(cls, settings: Settings) -> "Parts":
        """The parts of a process, read once: profiles from their folder, the key from the home."""
        profiles = Profiles.load()
        for name, error in profiles.broken.items():
            _log.error("a probe profile is left out", profile=name, reason=error.detail)
        ingest = Ingest(profiles, timedelta(seconds=settings.group_wait_seconds))
        return cls(settings, profiles, Vault.open(settings.home), ingest)


GZIP_LEVEL = 5  # a quarter of the work of 9, for a hundredth more of bytes


@get("/health/live", operation_id="isLive", tags=["health"])
async def live() -> dict[str, str]:
    """The process answers."""
    return {"status": "live", "version": __version__}


@get("/health/ready", operation_id="isReady", tags=["health"])
async def ready() -> dict[str, str]:
    """The process can work: its database answers."""
    async with db.transaction(db.EVERYTHING) as tx:
        await tx.execute("select 1")
    return {"status": "ready", "version": __version__}


class Metrics(PrometheusController):
    """Figures for Prometheus."""

    path = "/metrics"
    openmetrics_format = True


class NamedMiddleware(ASGIMiddleware):
    """Gives each request an id of ours, which is in the audit events and log lines that it causes and in the answer.

    An id that a caller sends is not looked at: the trail must not be filled with names of somebody's choice.
    """

    scopes = (ScopeType.HTTP,)

    async def handle(self, scope: Any, receive: Any, send: Any, next_app: Any) -> None:
        """Name the request, then answer it."""
        name = str(new_id())

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"x-request-id", name.encode())]
            await send(message)

        with occasion.during(name):
            await next_app(scope, receive, answer)


class Service(Litestar):
    """Its OpenAPI document is made when somebody asks for it: it takes a second and 20 MB, and few ever do."""

    _described: OpenAPI | None = None
    _document: asyncio.Task[bytes] | None = None

    @property
    def openapi_schema(self) -> OpenAPI:
        """The document with all that we say in it."""
        document = super().openapi_schema
        if self._described is not document:
            self._described = document
            problems.document_problems(self)
            documented.document_meanings(self)
        return document

    async def document(self) -> bytes:
        """The document as JSON, made once and in a thread: whoever asks first holds nobody up."""
        if self._document is None:
            self._document = asyncio.create_task(asyncio.to_thread(self._encoded), name="openapi")
        try:
            return await asyncio.shield(self._document)
        except Exception:
            self._document = None
            raise

    def _encoded(self) -> bytes:
        return encode_json(self.openapi_schema.to_schema())


async def answer_document(request: Request[Any, Any, Any]) -> Response[bytes] | None:
    """For `before_request` of Litestar's own route, which would make the document in the loop and without our words."""
    parameters.check(request)
    if request.route_handler.name != OPENAPI_JSON_HANDLER_NAME:
        return None
    assert isinstance(request.app, Service)
    return Response(await request.app.document(), media_type=OpenAPIMediaType.OPENAPI_JSON)


FEATURES: Sequence[Any] = (
    observations, places_api, access_api, audit_api, inventory_api, things_api, custom_fields_api, batches_api,
    wear_api, agents_api, observed_api, observed_pages, kits_api, stock_api, monitoring_api, paper_pages, incidents_api,
    notifications_api, readiness_api, requests_api, answer_api, access_pages, people_pages, audit_pages, dashboard_pages,
    search_pages, incidents_pages, requests_pages, purchase_pages, wear_pages, kits_pages, stock_pages, shipments_api,
    stage_api, stage_pages,
    saved_filters_api, saved_filters_pages,
    transfers_api, transfers_pages, hand_over_pages, labels_api, labels_pages, disposal_api, disposal_pages, reminders_api,
    reminders_pages, attachments_api, attachments_pages, inventory_pages, change_many, batches_pages,
    rooms_api, changes_api, unit_pages, site_pages, stocktakes_api, stocktakes_pages, stocktakes_papers,
    transfers_papers, disposal_papers, requests_papers, inspection, paper_forms_api, paper_forms_pages,
    approval_api, approval_pages, delegations_api, delegations_pages, calendar_api, calendar_pages,
    faults_api, faults_pages, kind_pages, address_pages, credentials_api, traffic_api, target_pages, credential_pages, probes,
    link_pages, heartbeats,
)  # fmt: skip


def routes() -> list[ControllerRouterHandler]:
    """Every route of the service."""
    found: list[ControllerRouterHandler] = [live, ready, Metrics]
    for feature in FEATURES:
        found += feature.routes
    return [*found, *static.routes]


def create_app(
    settings: Settings, parts: Parts | None = None, *, dsn: str | None = None, demo_accounts: Sequence[Any] = ()
) -> Litestar:
    """The service; with `dsn` it opens and closes the database pool itself, else the caller does.

    `demo_accounts` are shown on the sign-in page of a demo: mappings of role, name, password and title.
    """
    inside = routed(settings, parts or Parts.make(settings), dsn=dsn, demo_accounts=demo_accounts)
    return surround(inside, settings)


def routed(settings: Settings, parts: Parts, *, dsn: str | None = None, demo_accounts: Sequence[Any] = ()) -> Litestar:
    """The routes and what Litestar itself puts around each of them, without what counts and holds for every call."""
    outlet = Outlet(allowed=settings.channel_networks)

    @asynccontextmanager
    async def pool(app: Litestar) -> AsyncIterator[None]:
        if dsn is not None:
            await db.connect(dsn, pool_max=settings.pool_max)
        yield
        await outlet.close()
        if dsn is not None:
            await db.disconnect()

    def given(value: Any) -> Provide:
        return Provide(lambda: value, sync_to_thread=False, use_cache=True)

    def actor(request: Request[Any, Any, Any]) -> Actor:
        return current_actor(request)

    app = Service(
        route_handlers=routes(),
        dependencies={
            "actor": Provide(actor, sync_to_thread=False), "ingest": given(parts.ingest), "profiles": given(parts.profiles),
            "vault": given(parts.vault), "settings": given(settings), "outlet": given(outlet),
        },
        middleware=[
            PrometheusConfig(app_name="assets", prefix="assets", group_path=True).middleware,
            problems.ProblemMiddleware(),
            SignedInMiddleware(settings, [_person, _collector]),
            BodyMiddleware(),
            IdempotencyMiddleware(parts.vault),
        ],
        before_request=parameters.check,
        exception_handlers=problems.handlers,
        lifespan=[pool],
        state=State({"demo": settings.demo, "settings": settings, "demo_accounts": demo_accounts}),
        openapi_config=OpenAPIConfig(
            title="commune-assets", version=__version__, render_plugins=[JsonRenderPlugin()],
            openapi_router=Router("/schema", route_handlers=[], before_request=answer_document, include_in_schema=False),
            components=Components(security_schemes={"token": SecurityScheme(type="http", scheme="bearer")}),
            security=[{"token": []}],
        ),
        compression_config=CompressionConfig(
            backend="gzip", gzip_compress_level=GZIP_LEVEL, minimum_size=1_000, exclude_opt_key="packed",
        ),
        request_max_body_size=BODY_MAX,
        logging_config=None,
    )  # fmt: skip
    exports.add_exports(app)
    return app


def surround(app: Litestar, settings: Settings) -> Litestar:
    """The same service inside what holds for each answer: Litestar's own middleware does not see a path without a route."""
    layers = [
        NamedMiddleware(),
        HeadersMiddleware(secure=settings.secure),
        problems.ProblemMiddleware(),
        ClientMiddleware(settings.proxies),
        *([HostMiddleware({host_of(urlsplit(settings.url).netloc), settings.host})] if settings.public_url else []),
        PathMiddleware(),
        RateMiddleware(settings),
    ]
    for layer in reversed(layers):
        app.asgi_handler = layer(app.asgi_handler)
    return app


async def _person(token: str, origin: str) -> Actor | None:
    return await actor_of_token(token, origin=origin, now=clock.now())


async def _collector(token: str, origin: str) -> Actor | None:
    return await collectors.actor_of(token, origin=origin)
