"""The forms of targets: begin to ask, ask otherwise, look now, and the secret address of what calls by itself."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.datastructures import FormMultiDict
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler
from pydantic import ValidationError

from assets import clock
from assets.access.actor import Actor
from assets.access.guards import requires
from assets.access.permissions import Action
from assets.db import transaction
from assets.errors import Conflict, Invalid, NotAllowed, NotFound
from assets.monitoring import collectors, targets
from assets.monitoring.api import OPTIONS, TargetOut, one_target
from assets.probing.options import BY_METHOD, Options
from assets.probing.readings import Method
from assets.settings import Settings
from assets.web.forms import Typed, messages, told
from assets.web.language import N_, choose
from assets.web.templates import page

AnyRequest = Request[Any, Any, Any]
METHODS = tuple(Method)
LISTS = frozenset({"expected"})
BOXES = frozenset({"same_host"})
PLAIN = ("asset_tag", "link", "application", "site", "title", "address", "port", "profile", "interval_seconds", "confirm",
         "parent", "credential", "version")  # fmt: skip
CHOICES_MAX = 500
_EDITS = [requires(Action.EDIT_MONITORING)]


@get("/targets/new", guards=_EDITS, include_in_schema=False, opt={"query": ("method", *PLAIN)})
async def new(request: AnyRequest, actor: NamedDependency[Actor], settings: NamedDependency[Settings]) -> Response[Any]:
    """The form that begins to ask something, by one of the methods."""
    query = {name: str(value) for name, value in request.query_params.items()}
    method = _method(query.get("method", Method.PING))
    given = {**_usual(method), "interval_seconds": str(settings.interval_seconds), "confirm": "2", **query}
    return await _form(request, actor, method, given)


@post("/targets/new", guards=_EDITS, include_in_schema=False)
async def add(request: AnyRequest, actor: NamedDependency[Actor]) -> Response[Any]:
    """Begin to ask it."""
    form = await request.form()
    method = _method(str(form.get("method") or ""))
    given = _given(method, form)
    try:
        values = _values(method, given, choose(request))
        subject: Any = {name: given[name].strip() for name in ("asset_tag", "link", "application", "site", "title")}
        made = await targets.add_target(actor, targets.NewTarget(method=method, **subject, **values))
    except (Invalid, Conflict, NotAllowed, NotFound) as error:
        return await _form(request, actor, method, given, errors=_errors(error, "asset_tag"), status=error.status)
    return Redirect(f"/targets/{made}", status_code=303)


@get("/targets/{target:uuid}/edit", guards=_EDITS, include_in_schema=False)
async def edit_form(request: AnyRequest, target: FromPath[UUID], actor: NamedDependency[Actor]) -> Response[Any]:
    """The form that changes how it is asked."""
    shown = await one_target(actor, target, choose(request))
    return await _form(request, actor, Method(shown.method), await _present(actor, shown), shown=shown)


@post("/targets/{target:uuid}/edit", guards=_EDITS, include_in_schema=False)
async def edit(request: AnyRequest, target: FromPath[UUID], actor: NamedDependency[Actor]) -> Response[Any]:
    """Ask it as the form says."""
    shown = await one_target(actor, target, choose(request))
    method = Method(shown.method)
    given = _given(method, form := await request.form())
    try:
        changes = _values(method, given, choose(request)) | {"enabled": bool(form.get("enabled"))}
        if not actor.everywhere(Action.EDIT_MONITORING):
            changes.pop("credential")
        if method is Method.HTTP:
            changes = {name: value for name, value in changes.items() if name not in ("address", "port")}
        await targets.edit_target(actor, target, changes, version=Typed(given).version())
    except (Invalid, Conflict, NotAllowed) as error:
        errors = _errors(error, "address")
        return await _form(request, actor, method, given, shown=shown, errors=errors, status=error.status)
    return Redirect(f"/targets/{target}", status_code=303)


@post("/targets/{target:uuid}/probe", guards=_EDITS, include_in_schema=False)
async def probe(target: FromPath[UUID], actor: NamedDependency[Actor]) -> Response[Any]:
    """Have it looked at now, and show it again."""
    await collectors.probe_now(actor, target, now=clock.now())
    return Redirect(f"/targets/{target}", status_code=303)


@post("/targets/{target:uuid}/try-credential", guards=[requires(Action.EDIT_MONITORING, province=True)],
      include_in_schema=False)  # fmt: skip
async def try_credential(request: AnyRequest, target: FromPath[UUID], actor: NamedDependency[Actor]) -> Response[Any]:
    """Have it asked once with a credential, and show it again."""
    form = await request.form()
    await collectors.try_credential(actor, target, _uuid(str(form.get("credential") or "")), now=clock.now())
    return Redirect(f"/targets/{target}", status_code=303)


@post("/targets/{target:uuid}/heartbeat-address", guards=_EDITS, include_in_schema=False)
async def draw(
    request: AnyRequest, target: FromPath[UUID], actor: NamedDependency[Actor], settings: NamedDependency[Settings]
) -> Response[Any]:
    """Draw a new secret address and show it, this once."""
    secret = await targets.draw_heartbeat(actor, target)
    shown = await one_target(actor, target, choose(request))
    answer = page(request, "probes/heartbeat.html", target=shown, url=f"{settings.url}/heartbeats/{secret}")
    answer.headers["Cache-Control"] = "no-store"
    return answer


@post("/targets/{target:uuid}/heartbeat-address/revoke", guards=_EDITS, include_in_schema=False)
async def revoke(target: FromPath[UUID], actor: NamedDependency[Actor]) -> Response[Any]:
    """Let its address in no more, and show it again."""
    await targets.revoke_heartbeat(actor, target)
    return Redirect(f"/targets/{target}", status_code=303)


async def _form(
    request: AnyRequest, actor: Actor, method: Method, given: Mapping[str, str], *, shown: TargetOut | None = None,
    errors: Mapping[str, str] | None = None, status: int = 200,
) -> Response[Any]:  # fmt: skip
    province = actor.everywhere(Action.EDIT_MONITORING)
    async with transaction(actor.scope) as tx:
        applications = await tx.fetch("select code, name from applications order by name limit $1", CHOICES_MAX)
        known = await tx.fetch(
            "select id::text, name from credentials where $1 order by name limit $2", province, CHOICES_MAX
        )  # fmt: skip
        beside = await tx.fetch(
            "select id::text, name from targets where site = (select site from targets where id = $1) and id <> $1 "
            "and enabled order by name limit $2", shown.id if shown else None, CHOICES_MAX,
        )  # fmt: skip
    return page(
        request, "probes/target_form.html", status=status, method=method, methods=METHODS, given=_Given(given), shown=shown,
        errors=errors or {}, applications=applications, credentials=known, beside=beside, province=province,
        fields=tuple(BY_METHOD[method].model_fields),
    )  # fmt: skip


class _Given(dict[str, str]):
    """What was given; nothing for what was not."""

    def __missing__(self, name: str) -> str:
        return ""


def _method(text: str) -> Method:
    try:
        return Method(text)
    except ValueError:
        raise Invalid(fields={"method": N_("Please choose one of the list.")}) from None


def _given(method: Method, form: FormMultiDict) -> _Given:
    return _Given({name: str(form.get(name) or "") for name in (*PLAIN, *BY_METHOD[method].model_fields)})


def _values(method: Method, given: Mapping[str, str], language: str) -> dict[str, Any]:
    """What the form says, for the verbs; Invalid with all that is wrong at once."""
    typed = Typed(given)
    values: dict[str, Any] = {
        "address": typed.text("address"), "profile": typed.text("profile"), "parent": None, "credential": None,
        "interval_seconds": typed.whole("interval_seconds"), "confirm": typed.whole("confirm"),
        "port": typed.whole("port") if typed.text("port") else 0,
    }  # fmt: skip
    for name, low, high in (("interval_seconds", 5, 86_400), ("confirm", 1, 10)):
        if name not in typed.wrong and not low <= values[name] <= high:
            typed.wrong[name] = N_("Outside of what is possible.")
    if values["port"] > 65_535:
        typed.wrong["port"] = N_("Outside of what is possible.")
    for name in ("parent", "credential"):
        if typed.text(name):
            values[name] = _uuid(typed.text(name))
    try:
        values["options"] = BY_METHOD[method].model_validate(_options(method, given)).model_dump(
            mode="json", exclude_defaults=True
        )  # fmt: skip
    except ValidationError as error:
        typed.wrong |= {(name or "own_ca").partition(".")[0]: said for name, said in messages(error, language).items()}
    typed.check()
    return values


def _options(method: Method, given: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, field in BY_METHOD[method].model_fields.items():
        text = given[name].strip()
        if name in LISTS:
            found[name] = tuple(line.strip() for line in text.splitlines() if line.strip())
        elif name in BOXES:
            found[name] = bool(text)
        elif text or isinstance(field.default, str):
            found[name] = text.replace(",", ".") if isinstance(field.default, float) else text
        elif not field.is_required():
            found[name] = None if _may_lack(method, name) else field.default
    return found


def _may_lack(method: Method, name: str) -> bool:
    """Whether an empty field means that there is no such limit."""
    return name.startswith(("warning_", "critical_"))


def _usual(method: Method) -> dict[str, str]:
    """The method's options as they usually are."""
    fields = BY_METHOD[method].model_fields
    return {name: _text(field.default) for name, field in fields.items() if not field.is_required()}


def _text(value: Any) -> str:
    if value is None or value is False:
        return ""
    if isinstance(value, tuple | list):
        return "\n".join(map(str, value))
    return "1" if value is True else f"{value:g}" if isinstance(value, float) else str(value)


async def _present(actor: Actor, shown: TargetOut) -> dict[str, str]:
    async with transaction(actor.scope) as tx:
        parent = await tx.fetchval("select parent::text from targets where id = $1", shown.id)
        own = await tx.fetchval("select profile from targets where id = $1", shown.id)
    told_: Options | None = getattr(shown, shown.method) if shown.method in OPTIONS else None
    values = {name: _text(value) for name, value in told_.model_dump().items()} if told_ else {}
    return {
        **values, "address": shown.address, "port": str(shown.port), "profile": own or "", "parent": parent or "",
        "credential": str(shown.credential or ""), "interval_seconds": str(shown.interval_seconds),
        "confirm": str(await _confirm(actor, shown.id)), "version": str(shown.version), "enabled": "1" if shown.enabled else "",
    }  # fmt: skip


async def _confirm(actor: Actor, target: UUID) -> int:
    async with transaction(actor.scope) as tx:
        found: int = await tx.fetchval("select confirm from targets where id = $1", target)
    return found


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Invalid(fields={"credential": N_("Please choose one of the list.")}) from None


def _errors(error: Invalid | Conflict | NotAllowed | NotFound, otherwise: str) -> dict[str, str]:
    if isinstance(error, Invalid):
        return {name.rpartition(".")[2]: said for name, said in error.fields.items()} or {otherwise: error.detail}
    return told(error, otherwise) if isinstance(error, Conflict) else {otherwise: error.detail}


routes: Sequence[ControllerRouterHandler] = [
    new, add, edit_form, edit, probe, try_credential, draw, revoke,
]  # fmt: skip
