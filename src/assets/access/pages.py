"""Signing in and out, and the choice of language."""

from collections.abc import Sequence
from typing import Any

from litestar import Request, Response, get, post
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.params import URLEncodedBody
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler

from assets import clock
from assets.access import service
from assets.access.actor import Actor
from assets.errors import NotSignedIn
from assets.settings import Settings
from assets.web import language
from assets.web.forms import local_path
from assets.web.templates import page

AnyRequest = Request[Any, Any, Any]
YEAR_SECONDS = 365 * 24 * 3_600
AGENT_MAX = 200


@get("/sign-in", include_in_schema=False, opt={"public": True, "query": ("next",)})
async def form(request: AnyRequest, actor: NamedDependency[Actor]) -> Response[Any]:
    """The sign-in form, or straight on for those who are signed in."""
    onward = local_path(request.query_params.get("next"))
    if actor.known:
        return Redirect(onward, status_code=303)
    return _form(request, onward)


@post("/sign-in", include_in_schema=False, opt={"public": True})
async def sign_in(request: AnyRequest, data: URLEncodedBody[dict[str, str]]) -> Response[Any]:
    """Start a session and go on to the page that was wanted."""
    onward, name = local_path(data.get("next")), data.get("name", "").strip()
    agent = request.headers.get("user-agent", "")[:AGENT_MAX]
    try:
        entered = await service.sign_in(name, data.get("password", ""), agent=agent, now=clock.now())
    except NotSignedIn:
        return _form(request, onward, name=name, failed=True, status=401)
    return Redirect(onward, status_code=303, cookies=[_session_cookie(request, entered.cookie)])


@post("/sign-out", include_in_schema=False, opt={"public": True})
async def sign_out(request: AnyRequest, actor: NamedDependency[Actor]) -> Response[Any]:
    """End the session; without one there is nothing to end."""
    if actor.session:
        await service.sign_out(actor.session)
    return Redirect("/sign-in", status_code=303, cookies=[_session_cookie(request, "", max_age=0)])


@post("/language", include_in_schema=False, opt={"public": True}, sync_to_thread=False)
def choose_language(request: AnyRequest, data: URLEncodedBody[dict[str, str]]) -> Response[Any]:
    """Remember the language in this browser and go back to where it was chosen."""
    wanted = data.get("language", "")
    chosen = wanted if wanted in language.LANGUAGES else language.DEFAULT
    cookie = Cookie(
        key=language.COOKIE, value=chosen, path="/", max_age=YEAR_SECONDS, samesite="lax", httponly=True,
        secure=request.app.state.settings.secure,
    )  # fmt: skip
    return Redirect(local_path(data.get("next")), status_code=303, cookies=[cookie])


def _form(
    request: AnyRequest, onward: str, *, name: str = "", failed: bool = False, status: int = 200
) -> Response[Any]:
    accounts = request.app.state.get("demo_accounts", ()) if request.app.state.get("demo", False) else ()
    return page(
        request, "access/sign_in.html", status=status, onward=onward, name=name, failed=failed, accounts=accounts
    )


def _session_cookie(request: AnyRequest, value: str, max_age: int | None = None) -> Cookie:
    settings: Settings = request.app.state.settings
    return Cookie(
        key=settings.cookie, value=value, path="/", httponly=True, samesite="lax", secure=settings.secure,
        max_age=max_age,
    )  # fmt: skip


routes: Sequence[ControllerRouterHandler] = (form, sign_in, sign_out, choose_language)
