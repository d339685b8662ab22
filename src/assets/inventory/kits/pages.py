"""Pages of kits and norms: what is missing where, worst first, and the form that writes a kit down."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from litestar import Request, Response, get, post
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler
from pydantic import BaseModel

from assets import clock
from assets.access.actor import Actor
from assets.access.guards import requires
from assets.access.permissions import Action
from assets.db import Connection, transaction
from assets.errors import AssetsError, Conflict, Invalid, Stale
from assets.inventory.kits import service
from assets.inventory.kits.allowance import Per, What
from assets.inventory.kits.api import KITS, NORMS, KitOut, NormOut, kit_out, norm_out, one_kit
from assets.inventory.kits.gaps import (
    SOME_DAY,
    KitGapOut,
    NormGapOut,
    kit_gap,
    kit_gaps,
    norm_gap,
    norm_gaps,
    rules_of,
)
from assets.text import clean
from assets.web.forms import Named
from assets.web.language import N_, choose, translate
from assets.web.moments import NAME, AsOfDay, day_of
from assets.web.paging import LIMIT_MAX, Listing, ListQuery, Page, fetch
from assets.web.templates import show, twin, without_suffix

AnyRequest = Request[Any, Any, Any]
EDITOR = requires(Action.EDIT_INVENTORY, province=True)
ROWS = 200  # on one page, which is printed as it stands
EMPTY_LINES = 5  # that the form offers beside those that are there
DIGITS_MAX = 6


class KitGapsPage(Page[KitGapOut]):
    """Gaps, worst first, the kits that they come from, and what the list can be narrowed to."""

    as_of: date
    kits: list[KitOut]
    sites: list[Named]
    categories: list[Named]


class NormGapsPage(Page[NormGapOut]):
    """What sites have beside their norms, which are maxima, and the norms themselves."""

    as_of: date
    norms: list[NormOut]
    sites: list[Named]


class KitForm(BaseModel):
    """A kit (null: a new one) and what its lines can name."""

    kit: KitOut | None
    categories: list[Named]
    applications: list[Named]


def _asked(listing: Listing) -> Provide:
    def provide(request: AnyRequest) -> ListQuery:
        # A form sends its empty fields too; they ask for nothing.
        given = request.query_params
        kept = {name: values for name in given if (values := [v for v in given.getall(name) if v])}
        asked = ListQuery.of(kept, listing, known=[NAME])
        return asked if "limit" in kept else replace(asked, limit=ROWS)

    return Provide(provide, sync_to_thread=False)


def _chosen(asked: ListQuery) -> dict[str, list[str]]:
    return {name: values for name, values in asked.again().items() if name not in ("q", "sort")}


@get(
    ["/kits", "/kits.json"], name="kits", guards=[requires(Action.VIEW)], include_in_schema=False,
    dependencies={"asked": _asked(kit_gaps(SOME_DAY))},
    opt={"twin": (KitGapsPage, "kits"), "listing": kit_gaps(SOME_DAY), "query": [NAME]},
)  # fmt: skip
async def listing(
    request: AnyRequest, actor: NamedDependency[Actor], asked: NamedDependency[ListQuery], as_of: AsOfDay = None
) -> Response[Any]:
    """What the caller's sites lack of their kits, worst first."""
    day = day_of(as_of, clock.today())
    async with transaction(actor.scope) as tx:
        view = KitGapsPage(
            **dict(await fetch(tx, kit_gaps(day), asked, kit_gap, scope=actor.scope)), as_of=day,
            kits=(await fetch(tx, KITS, ListQuery(limit=LIMIT_MAX), kit_out)).items, sites=await _sites(tx),
            categories=await _named(tx, "select code, name, name_en from asset_categories order by sort, code"),
        )  # fmt: skip
    return show(
        request, "inventory/kits.html", view, query_text=asked.q, asked=_chosen(asked), kept=asked.again(),
        may_edit=actor.everywhere(Action.EDIT_INVENTORY),
    )  # fmt: skip


@get(
    ["/norms", "/norms.json"], name="norms", guards=[requires(Action.VIEW)], include_in_schema=False,
    dependencies={"asked": _asked(norm_gaps(SOME_DAY))},
    opt={"twin": (NormGapsPage, "norms"), "listing": norm_gaps(SOME_DAY), "query": [NAME]},
)  # fmt: skip
async def norms(
    request: AnyRequest, actor: NamedDependency[Actor], asked: NamedDependency[ListQuery], as_of: AsOfDay = None
) -> Response[Any]:
    """What the caller's sites have beside the norms in force on a day, most over first."""
    day = day_of(as_of, clock.today())
    async with transaction(actor.scope) as tx:
        judged = norm_gap(await rules_of(tx, day))
        view = NormGapsPage(
            **dict(await fetch(tx, norm_gaps(day), asked, judged, scope=actor.scope)), as_of=day,
            norms=(await fetch(tx, NORMS, ListQuery(limit=LIMIT_MAX), norm_out)).items, sites=await _sites(tx),
        )  # fmt: skip
    return show(request, "inventory/norms.html", view, query_text=asked.q, asked=_chosen(asked), kept=asked.again())


async def _sites(tx: Connection) -> list[Named]:
    # Row-level security shows the caller's sites.
    return await _named(tx, "select code, name from sites where open order by sort, code")


async def _named(tx: Connection, query: str) -> list[Named]:
    return [Named(**row) for row in await tx.fetch(query)]


@get(["/kits/new", "/kits/new.json"], name="new_kit", guards=[EDITOR], **twin(KitForm, "new_kit"))
async def new(request: AnyRequest, actor: NamedDependency[Actor]) -> Response[Any]:
    """The form for a new kit."""
    return await _form(request, actor, "")


@post("/kits/new", guards=[EDITOR], include_in_schema=False)
async def add(request: AnyRequest, actor: NamedDependency[Actor]) -> Response[Any]:
    """Add a kit as the form says."""
    given = await _given(request)
    code = clean(given.get("code", ""), 40).lower()
    try:
        kit = service.NewKit(
            code, given.get("name", ""), _one_of(given, "site_kind", service.SITE_KINDS),
            _one_of(given, "unit_kind", ("", *service.UNIT_KINDS)), given.get("name_en", ""),
            "is_example" in given, given.get("source", ""), _lines(given),
        )  # fmt: skip
        await service.add_kit(actor, kit)
    except (Invalid, Conflict) as error:
        return await _form(request, actor, "", given, error)
    return Redirect(f"/kits/{_plain(code)}", status_code=303)


@get("/kits/{kit:str}", guards=[requires(Action.VIEW)], **twin(KitForm, "kit"))
async def one(request: AnyRequest, kit: FromPath[str], actor: NamedDependency[Actor]) -> Response[Any]:
    """A kit: as a form for those who write it down, to read for the others."""
    return await _form(request, actor, without_suffix(kit))


@post("/kits/{kit:str}", guards=[EDITOR], include_in_schema=False)
async def edit(request: AnyRequest, kit: FromPath[str], actor: NamedDependency[Actor]) -> Response[Any]:
    """Change a kit as the form says, if it is still as it was when the form was made."""
    given = await _given(request)
    try:
        version = given.get("version", "")
        if not (version.isascii() and version.isdigit()):
            raise Stale()
        changes = {
            "name": given.get("name", ""),
            "source": given.get("source", ""),
            "is_example": "is_example" in given,
        }
        changes |= {"lines": _lines(given)} | ({"name_en": given["name_en"]} if "name_en" in given else {})
        await service.edit_kit(actor, kit, changes, version=int(version[:9]))
    except (Invalid, Conflict) as error:
        return await _form(request, actor, kit, given, error)
    return Redirect(f"/kits/{_plain(kit)}", status_code=303)


async def _given(request: AnyRequest) -> dict[str, str]:
    form = await request.form()
    if len(form) > 10 * service.LINES_MAX:
        raise Invalid(N_("What was sent cannot be read."))
    return {name: value for name, value in form.items() if isinstance(value, str)}


def _plain(code: str) -> str:
    # What stands in an address of ours is written with letters, digits and a few signs.
    return "".join(char for char in code if char.isascii() and (char.isalnum() or char in "._-"))


def _one_of(given: Mapping[str, str], name: str, known: Sequence[str]) -> str:
    if given.get(name, "") not in known:
        raise Invalid(fields={name: N_("Please choose one of the list.")})
    return given.get(name, "")


def _lines(given: Mapping[str, str]) -> list[service.NewLine]:
    """The lines of the form whose choice is not empty; Invalid names each wrong field as the form does."""
    lines, wrong = [], {}
    for number in range(1, service.LINES_MAX + EMPTY_LINES + 1):
        chosen = given.get(f"of_{number}", "")
        if not chosen:
            continue
        what, _, code = chosen.partition(":")
        per = given.get(f"per_{number}", "site")
        if what not in set(What) or per not in (Per.SITE, Per.COUNTER, Per.PERSON):
            wrong[f"of_{number}"] = N_("Please choose one of the list.")
            continue
        quantity, every = (_number(given.get(f"{name}_{number}", "")) for name in ("quantity", "every"))
        lines.append(service.NewLine(What(what), code, quantity, Per(per), every, note=given.get(f"note_{number}", "")))
    if wrong:
        raise Invalid(fields=wrong)
    return lines


def _number(text: str) -> int:
    text = text.strip() or "1"
    return int(text) if text.isascii() and text.isdigit() and len(text) <= DIGITS_MAX else 0  # the verb refuses 0


async def _form(
    request: AnyRequest, actor: Actor, kit: str, given: Mapping[str, str] | None = None, error: AssetsError | None = None
) -> Response[Any]:  # fmt: skip
    chosen = choose(request)
    async with transaction(actor.scope) as tx:
        view = KitForm(
            kit=await one_kit(tx, kit) if kit else None,
            categories=await _named(tx, "select code, name, name_en from asset_categories order by sort, code"),
            applications=await _named(tx, "select code, name, name_en from applications order by code"),
        )  # fmt: skip
    errors = dict(error.fields) if isinstance(error, Invalid) else {}
    refused = translate(chosen, error.detail, **error.facts) if isinstance(error, Conflict) else ""
    template = "inventory/kit.html"
    return show(
        request, template, view, status=error.status if error else 200, given=given or _filled(view.kit), errors=errors,
        refused=refused, may_edit=actor.everywhere(Action.EDIT_INVENTORY), lines=_shown(view.kit, given),
        site_kinds=service.SITE_KINDS, unit_kinds=service.UNIT_KINDS, capabilities=service.CAPABILITIES, links=service.LINKS,
    )  # fmt: skip


def _filled(kit: KitOut | None) -> dict[str, str]:
    if kit is None:
        return {}
    found = {name: str(getattr(kit, name)) for name in ("code", "name", "name_en", "site_kind", "unit_kind", "source")}
    return found | ({"is_example": "1"} if kit.is_example else {})


def _shown(kit: KitOut | None, given: Mapping[str, str] | None) -> list[dict[str, str]]:
    """The lines that the form shows: what was typed, else what there is, and some empty ones."""
    empty = {"of": "", "quantity": "1", "per": "site", "every": "1", "note": ""}
    if given is not None:
        found = [
            {name: given.get(f"{name}_{number}", empty[name]) for name in empty}
            for number in range(1, service.LINES_MAX + EMPTY_LINES + 1)
            if given.get(f"of_{number}")
        ]
    else:
        found = [
            {"of": f"{line.what}:{line.code}", "quantity": str(line.quantity), "per": line.per, "every": str(line.every),
             "note": line.note}
            for line in (kit.lines if kit else ())
        ]  # fmt: skip
    return found + [empty] * EMPTY_LINES


routes: Sequence[ControllerRouterHandler] = (listing, norms, new, add, one, edit)
