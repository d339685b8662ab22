"""The page of credentials: their names, where they are tried and in which order; a secret goes in and is never shown."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.datastructures import FormMultiDict
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler
from pydantic import BaseModel, ValidationError

from assets.access.actor import Actor
from assets.access.permissions import Action
from assets.db import transaction
from assets.errors import Conflict, Invalid, NotFound
from assets.monitoring import credentials
from assets.monitoring.credentials_api import (
    CREDENTIALS,
    LOOKS_AFTER,
    PASSPHRASE_MIN,
    SECRET_MAX,
    SEES,
    CredentialOrder,
    CredentialOut,
    SecretIn,
    credential_out,
    orders,
)
from assets.probing.contract import CANDIDATES_MAX, Community, User
from assets.vault import Vault
from assets.web.forms import Typed, messages, told
from assets.web.language import N_, choose
from assets.web.paging import ListQuery, fetch
from assets.web.templates import show, twin

AnyRequest = Request[Any, Any, Any]
SHOWN = 500
SECRET = ("community", "user_name", "auth", "auth_passphrase", "privacy", "privacy_passphrase")
AUTHS = ("sha256", "sha512", "sha384", "sha224", "sha1", "md5")
PRIVACIES = ("aes128", "aes256", "aes192", "des")


class CredentialsPage(BaseModel):
    """All credentials, and the lists of places."""

    credentials: list[CredentialOut]
    orders: list[CredentialOrder]


@get(["/credentials", "/credentials.json"], name="credentials", guards=SEES,
     **twin(CredentialsPage, "credentials", ("edit", "site", "unit")))  # fmt: skip
async def listing(request: AnyRequest, actor: NamedDependency[Actor]) -> Response[Any]:
    """What devices are asked with, and where."""
    query = request.query_params
    place = {name: str(query.get(name) or "") for name in ("site", "unit")}
    return await _page(request, actor, edited=str(query.get("edit") or ""), place=place)


async def _page(
    request: AnyRequest, actor: Actor, *, edited: str = "", place: Mapping[str, str] | None = None,
    given: Mapping[str, str] | None = None, errors: Mapping[str, str] | None = None, status: int = 200,
) -> Response[Any]:  # fmt: skip
    async with transaction(actor.scope) as tx:
        found = (await fetch(tx, CREDENTIALS, ListQuery(limit=SHOWN), credential_out)).items
    view = CredentialsPage(credentials=found, orders=(await orders(actor)).items)
    place = place or {"site": "", "unit": ""}
    one = next((item for item in found if str(item.id) == edited), None)
    kept = next(
        (item for item in view.orders if (item.site, item.unit) == (place["site"], place["unit"])), None
    )  # fmt: skip
    shown = {"name": one.name if one else "", "user_name": one.user_name if one else "",
             "auth": (one.auth if one else "") or "sha256", "privacy": (one.privacy if one else "") or "aes128",
             "kind": one.kind if one else "v3", "version": str(one.version) if one else ""}  # fmt: skip
    return show(
        request, "probes/credentials.html", view, status=status, edited=one, given={**shown, **(given or {})},
        errors=errors or {}, may_edit=actor.everywhere(Action.EDIT_MONITORING), form=bool(one or given or edited == "new"),
        place=place, order=[str(id_) for id_ in kept.credentials] if kept else [], most=CANDIDATES_MAX, auths=AUTHS,
        privacies=PRIVACIES, passphrase_min=PASSPHRASE_MIN, secret_max=SECRET_MAX, ordering="order" in request.url.path,
    )  # fmt: skip


@post("/credentials", guards=LOOKS_AFTER, include_in_schema=False)
async def add(request: AnyRequest, actor: NamedDependency[Actor], vault: NamedDependency[Vault]) -> Response[Any]:
    """Keep a new one."""
    form = await request.form()
    try:
        secret = _secret(form, choose(request), required=True)
        assert secret is not None
        await credentials.add_credential(actor, str(form.get("name") or ""), secret, vault=vault)
    except (Invalid, Conflict) as error:
        return await _page(
            request, actor, edited="new", given=_shown(form), errors=told(error, "name"), status=error.status
        )  # fmt: skip
    return Redirect("/credentials", status_code=303)


@post("/credentials/{credential:uuid}", guards=LOOKS_AFTER, include_in_schema=False)
async def edit(
    request: AnyRequest, credential: FromPath[UUID], actor: NamedDependency[Actor], vault: NamedDependency[Vault]
) -> Response[Any]:
    """Rename it, or give it another secret; without one it keeps its own."""
    form = await request.form()
    try:
        secret = _secret(form, choose(request), required=False)
        version = Typed({"version": str(form.get("version") or "")}).version()
        await credentials.edit_credential(
            actor, credential, version=version, vault=vault, name=str(form.get("name") or ""), secret=secret
        )  # fmt: skip
    except (Invalid, Conflict) as error:
        return await _page(
            request, actor, edited=str(credential), given=_shown(form), errors=told(error, "name"), status=error.status
        )  # fmt: skip
    return Redirect("/credentials", status_code=303)


@post("/credentials/{credential:uuid}/remove", guards=LOOKS_AFTER, include_in_schema=False)
async def remove(request: AnyRequest, credential: FromPath[UUID], actor: NamedDependency[Actor]) -> Response[Any]:
    """Forget it."""
    form = await request.form()
    version = Typed({"version": str(form.get("version") or "")}).version()
    try:
        await credentials.remove_credential(actor, credential, version=version)
    except Conflict as error:
        return await _page(request, actor, errors={"removed": error.detail}, status=error.status)
    return Redirect("/credentials", status_code=303)


@post("/credential-orders", guards=LOOKS_AFTER, include_in_schema=False, opt={"page": "/credentials"})
async def order(request: AnyRequest, actor: NamedDependency[Actor]) -> Response[Any]:
    """Say what is tried at a place, in which order."""
    form = await request.form()
    place = {name: str(form.get(name) or "").strip() for name in ("site", "unit")}
    chosen = [text for number in range(1, CANDIDATES_MAX + 1) if (text := str(form.get(f"credential_{number}") or ""))]
    try:
        await credentials.set_order(actor, [_uuid(text) for text in chosen], **place, before=_before(form))
    except (Invalid, Conflict, NotFound) as error:
        errors = {"order": error.detail if isinstance(error, NotFound) else next(iter(told(error, "order").values()))}
        return await _page(request, actor, place=place, errors=errors, status=error.status)
    return Redirect("/credentials", status_code=303)


def _before(form: FormMultiDict) -> list[UUID] | None:
    given = form.get("before")
    return None if given is None else [_uuid(text) for text in str(given).split()]


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Invalid(fields={"credentials": N_("Please choose one of the list.")}) from None


def _shown(form: FormMultiDict) -> dict[str, str]:
    """What the form is given again: everything but the secrets."""
    return {name: str(form.get(name) or "") for name in ("name", "kind", "user_name", "auth", "privacy", "version")}


def _secret(form: FormMultiDict, language: str, *, required: bool) -> Community | User | None:
    """The secret of the form; None when nothing secret was typed and none is needed."""
    kind = str(form.get("kind") or "v3")
    typed = {name: str(form.get(name) or "") for name in SECRET}
    secrets = ("community",) if kind == "v2c" else ("auth_passphrase", "privacy_passphrase")
    if not required and not any(typed[name] for name in secrets):
        return None
    if kind == "v2c":
        given = {"community": typed["community"]}
        lacking = [] if typed["community"] else ["community"]
    else:
        given = {name: typed[name] for name in SECRET[1:] if typed[name]}
        for key, passphrase in (("auth", "auth_passphrase"), ("privacy", "privacy_passphrase")):
            if not typed[passphrase]:
                given.pop(key, None)
        lacking = [] if typed["user_name"] else ["user_name"]
    if lacking:
        raise Invalid(fields=dict.fromkeys(lacking, N_("Please fill this in.")))
    try:
        return SecretIn.model_validate(given).secret()
    except ValidationError as error:
        raise Invalid(
            fields={name or "auth_passphrase": said for name, said in messages(error, language).items()}
        ) from None


routes: Sequence[ControllerRouterHandler] = [listing, add, edit, remove, order]
