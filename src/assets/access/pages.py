"""Signing in and out step by step, one's own account, and the choice of language."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote
from uuid import UUID

import segno
from litestar import Request, Response, get, post
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.params import FromPath, URLEncodedBody
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler
from markupsafe import Markup
from pydantic import BaseModel

from assets import clock
from assets.access import queries, second_factor, sessions, tokens
from assets.access.actor import Actor
from assets.access.guards import own_account
from assets.access.queries import SESSIONS, TOKENS, SessionOut, TokenOut, UserOut
from assets.access.sessions import Holder, Owed, Visit
from assets.db import EVERYTHING, transaction
from assets.errors import AssetsError, Conflict, Invalid, NotAllowed, NotSignedIn, TooMany
from assets.settings import Settings
from assets.vault import Vault
from assets.web import language
from assets.web.forms import local_path
from assets.web.language import N_
from assets.web.paging import ListQuery, fetch
from assets.web.templates import page, show, twin

AnyRequest = Request[Any, Any, Any]
Form = URLEncodedBody[dict[str, str]]
YEAR_SECONDS = 365 * 24 * 3_600
AGENT_MAX = 200
OWN_MAX = 100  # of one's sessions and tokens
STEPS = {Owed.CODE: "/sign-in/code", Owed.PASSWORD: "/account/password", Owed.ENROLMENT: "/account/second-factor"}
PUBLIC: dict[str, Any] = {"include_in_schema": False, "opt": {"public": True}}
PUBLIC_NEXT: dict[str, Any] = {"include_in_schema": False, "opt": {"public": True, "query": ("next",)}}


@get("/sign-in", **PUBLIC_NEXT)
async def form(request: AnyRequest, actor: NamedDependency[Actor]) -> Response[Any]:
    """The sign-in form, the step that is still owed, or straight on for those who are signed in."""
    onward = local_path(request.query_params.get("next"))
    if actor.known:
        return Redirect(onward, status_code=303)
    if (holder := _holder(request)) is not None and holder.owed is not None:
        return Redirect(_with_next(STEPS[holder.owed], onward), status_code=303)
    return _form(request, onward)


@post("/sign-in", **PUBLIC)
async def sign_in(request: AnyRequest, data: Form, vault: NamedDependency[Vault]) -> Response[Any]:
    """Start a session and go on to the page that was wanted."""
    onward, name = local_path(data.get("next")), data.get("name", "").strip()
    try:
        entered = await sessions.sign_in(
            name, data.get("password", ""), _visit(request), vault=vault, now=clock.now()
        )  # fmt: skip
    except (NotSignedIn, TooMany) as error:
        return _form(request, onward, name=name, failed=error)
    settings: Settings = request.app.state.settings
    device = Cookie(
        key=settings.device_cookie, value=entered.device, path="/", httponly=True, samesite="lax", secure=settings.secure,
        max_age=YEAR_SECONDS,
    )  # fmt: skip
    cookies = [_session_cookie(request, entered.cookie), device]
    return Redirect(onward, status_code=303, cookies=cookies)  # which leads back here while something is owed


def _with_next(path: str, onward: str) -> str:
    return path if onward == "/" else f"{path}?next={quote(onward, safe='/')}"


def _onward(request: AnyRequest, data: Mapping[str, str] | None = None) -> str:
    return local_path((data or {}).get("next") or request.query_params.get("next"))


def _visit(request: AnyRequest) -> Visit:
    settings: Settings = request.app.state.settings
    return Visit(
        address=request.client.host if request.client else "", agent=request.headers.get("user-agent", "")[:AGENT_MAX],
        session=request.cookies.get(settings.cookie, ""), device=request.cookies.get(settings.device_cookie, ""),
    )  # fmt: skip


@post("/sign-out", **PUBLIC)
async def sign_out(request: AnyRequest) -> Response[Any]:
    """End the session; without one there is nothing to end."""
    if (holder := _holder(request)) is not None:
        await sessions.sign_out(holder)
    return Redirect("/sign-in", status_code=303, cookies=[_session_cookie(request, "", max_age=0)])


@post("/language", **PUBLIC, sync_to_thread=False)
def choose_language(request: AnyRequest, data: Form) -> Response[Any]:
    """Remember the language in this browser and go back to where it was chosen."""
    wanted = data.get("language", "")
    chosen = wanted if wanted in language.LANGUAGES else language.DEFAULT
    cookie = Cookie(
        key=language.COOKIE, value=chosen, path="/", max_age=YEAR_SECONDS, samesite="lax", httponly=True,
        secure=request.app.state.settings.secure,
    )  # fmt: skip
    return Redirect(local_path(data.get("next")), status_code=303, cookies=[cookie])


# --- the second factor, and the new password --------------------------------------------------------------------


@get("/sign-in/code", **PUBLIC_NEXT)
async def code_form(request: AnyRequest) -> Response[Any]:
    """The question for the code that the telephone shows."""
    if _holding(request).owed is not Owed.CODE:
        return Redirect("/sign-in", status_code=303)
    return page(request, "access/code.html", errors={}, onward=_onward(request))


@post("/sign-in/code", **PUBLIC)
async def show_code(request: AnyRequest, data: Form, vault: NamedDependency[Vault]) -> Response[Any]:
    """Take the code, or one for a lost telephone."""
    holder, onward = _holding(request), _onward(request, data)
    try:
        cookie = await second_factor.show(holder, data.get("code", ""), vault=vault, now=clock.now())
    except (NotAllowed, TooMany) as error:
        errors = _beside("code", error, request)
        return page(request, "access/code.html", status=error.status, errors=errors, onward=onward)
    return Redirect(onward, status_code=303, cookies=[_session_cookie(request, cookie)])


@get("/account/second-factor", **PUBLIC_NEXT)
async def enrolment_form(request: AnyRequest, vault: NamedDependency[Vault]) -> Response[Any]:
    """The picture to be photographed with the telephone."""
    return _enrolment(request, second_factor.offer(_may_change(request), vault=vault), onward=_onward(request))


@post("/account/second-factor", **PUBLIC)
async def enrol(request: AnyRequest, data: Form, vault: NamedDependency[Vault]) -> Response[Any]:
    """Take the second factor when its first code is right, and show the codes for a lost telephone once."""
    holder, sealed, onward = _may_change(request), data.get("offer", ""), _onward(request, data)
    try:
        enrolled = await second_factor.enrol(holder, sealed, data.get("code", ""), vault=vault, now=clock.now())
    except (NotAllowed, TooMany) as error:
        again = second_factor.offered_again(holder, sealed, vault=vault)
        errors = _beside("code", error, request)
        return _enrolment(request, again, onward=onward, status=error.status, errors=errors)
    answer = page(request, "access/recovery_codes.html", codes=enrolled.codes, onward=onward)
    answer.cookies.append(_session_cookie(request, enrolled.cookie))
    return answer


def _enrolment(
    request: AnyRequest, offer: second_factor.Offer, *, onward: str, status: int = 200,
    errors: Mapping[str, str] | None = None,
) -> Response[Any]:  # fmt: skip
    picture = segno.make(offer.address, micro=False).svg_inline(
        scale=5, border=4, dark="#000", light="#fff", svgclass="qr"
    )
    return page(
        request, "access/second_factor.html", status=status, picture=Markup(picture), offer=offer, errors=errors or {},  # noqa: S704 - our own drawing
        owed=_holding(request).owed, onward=onward,
    )  # fmt: skip


@get("/account/password", **PUBLIC_NEXT)
async def password_form(request: AnyRequest) -> Response[Any]:
    """The form for another password."""
    return _password(request, _may_change(request), onward=_onward(request))


@post("/account/password", **PUBLIC)
async def change_password(request: AnyRequest, data: Form) -> Response[Any]:
    """Take another password; every other session of the person ends."""
    holder, onward = _may_change(request), _onward(request, data)
    try:
        if data.get("password", "") != data.get("again", ""):
            raise Invalid(fields={"again": N_("These two are not the same.")})
        cookie = await sessions.change_password(
            holder, data.get("password", ""), old=data.get("old"), now=clock.now()
        )  # fmt: skip
    except (Invalid, NotAllowed, TooMany) as error:
        field = "password" if holder.owed is Owed.PASSWORD else "old"
        errors = error.fields if isinstance(error, Invalid) else _beside(field, error, request)
        return _password(request, holder, onward=onward, status=error.status, errors=errors)
    then = onward if holder.owed else "/account"
    return Redirect(then, status_code=303, cookies=[_session_cookie(request, cookie)])


def _password(
    request: AnyRequest, holder: Holder, *, onward: str, status: int = 200, errors: Mapping[str, str] | None = None
) -> Response[Any]:
    # Only who owes the change itself need not say the present password: they have just typed it.
    return page(
        request, "access/password.html", status=status, errors=errors or {}, initial=holder.owed is Owed.PASSWORD,
        owed=holder.owed, onward=onward,
    )  # fmt: skip


def _holder(request: AnyRequest) -> Holder | None:
    holder: Holder | None = request.scope["state"].get("holder")
    return holder


def _holding(request: AnyRequest) -> Holder:
    """Who holds the session, whatever they owe; a token is no session."""
    holder = _holder(request)
    if holder is None:
        raise NotSignedIn()
    return holder


def _may_change(request: AnyRequest) -> Holder:
    """Who holds the session, unless they have still to show who they are."""
    holder = _holding(request)
    if holder.owed is Owed.CODE:
        raise NotSignedIn()
    return holder


def _beside(field: str, error: AssetsError, request: AnyRequest) -> dict[str, str]:
    return {field: language.translate(language.choose(request), error.detail, **error.facts)}


def _form(request: AnyRequest, onward: str, *, name: str = "", failed: AssetsError | None = None) -> Response[Any]:
    accounts = request.app.state.get("demo_accounts", ()) if request.app.state.get("demo", False) else ()
    said = _beside("failed", failed, request)["failed"] if failed else ""
    answer = page(
        request, "access/sign_in.html", status=failed.status if failed else 200, onward=onward, name=name, failed=said,
        accounts=accounts,
    )  # fmt: skip
    if isinstance(failed, TooMany):
        answer.headers["Retry-After"] = str(failed.retry_after_seconds)
    return answer


def _session_cookie(request: AnyRequest, value: str, max_age: int | None = None) -> Cookie:
    settings: Settings = request.app.state.settings
    return Cookie(
        key=settings.cookie, value=value, path="/", httponly=True, samesite="lax", secure=settings.secure,
        max_age=max_age,
    )  # fmt: skip


# --- one's own account ------------------------------------------------------------------------------------------


class Account(BaseModel):
    """Somebody's own account: who they are here, where they are signed in, and which programs act for them."""

    user: UserOut
    sessions: list[SessionOut]
    tokens: list[TokenOut]


@get(["/account", "/account.json"], name="account", guards=[own_account], **twin(Account, "account"))
async def account(request: AnyRequest, actor: NamedDependency[Actor]) -> Response[Any]:
    """One's own account."""
    return await _account(request, actor)


async def _account(request: AnyRequest, actor: Actor, **more: Any) -> Response[Any]:
    now = clock.now()
    own = [("u.name = {}", [actor.login])]
    async with transaction(EVERYTHING) as tx:  # one's own rows, whatever one's sites are
        view = Account(
            user=await queries.user(tx, actor.login),
            sessions=(await fetch(tx, SESSIONS, ListQuery(limit=OWN_MAX), queries.session_out, where=own)).items,
            tokens=(
                await fetch(
                    tx, TOKENS, ListQuery(limit=OWN_MAX), queries.token_out,
                    where=[*own, ("t.revoked_at is null and t.expires_at > {}", [now])],
                )
            ).items,
        )  # fmt: skip
        present = await tx.fetchval("select public_id from sessions where digest = $1", actor.session)
    return show(request, "access/account.html", view, present=present, **{"made": "", "errors": {}, **more})


@post("/account/tokens", guards=[own_account], include_in_schema=False)
async def make_token(request: AnyRequest, data: Form, actor: NamedDependency[Actor]) -> Response[Any]:
    """Make a token for a program of one's own; the page that answers shows it once."""
    _holding(request)
    try:
        new = tokens.NewToken(actor.login, data.get("title", ""), tokens.days_of(data.get("days", "")))
        made = await tokens.create_token(actor, new, now=clock.now())
    except Invalid as error:
        return await _account(request, actor, errors=error.fields)
    except Conflict as error:
        return await _account(request, actor, errors=_beside("title", error, request))
    return await _account(request, actor, made=made)


@post("/account/tokens/{token:uuid}/revoke", guards=[own_account], include_in_schema=False)
async def revoke_token(request: AnyRequest, token: FromPath[UUID], actor: NamedDependency[Actor]) -> Response[Any]:
    """End a token of one's own."""
    _holding(request)
    await tokens.revoke_token(actor, token, now=clock.now())
    return Redirect("/account", status_code=303)


@post("/account/sessions/{session:uuid}/end", guards=[own_account], include_in_schema=False)
async def end_session(request: AnyRequest, session: FromPath[UUID], actor: NamedDependency[Actor]) -> Response[Any]:
    """Sign another browser of one's own out."""
    _holding(request)
    await sessions.end_one(actor, session)
    return Redirect("/account", status_code=303)


routes: Sequence[ControllerRouterHandler] = (
    form, sign_in, sign_out, choose_language, code_form, show_code, enrolment_form, enrol, password_form, change_password,
    account, make_token, revoke_token, end_session,
)  # fmt: skip
