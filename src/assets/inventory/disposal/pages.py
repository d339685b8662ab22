"""Pages of wear and disposal that have forms: the list of candidates with quotations, and the rates of the province."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, URLEncodedBody
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler
from pydantic import BaseModel

from assets import clock
from assets.access.actor import Actor
from assets.access.guards import requires
from assets.access.permissions import Action
from assets.db import transaction
from assets.errors import AssetsError, Conflict, Invalid, NotFound
from assets.inventory import wear_rates
from assets.inventory.disposal import service
from assets.inventory.disposal.api import (
    CANDIDATES,
    RULES,
    CandidateList,
    DisposalRuleOut,
    Share,
    listed_candidates,
    rule_out,
    share_of,
)
from assets.inventory.wear_api import RATES, WearRateOut, rate_out
from assets.inventory.wear_pages import asked_of, categories, printable, sites
from assets.web.forms import Named, Typed, told
from assets.web.language import N_
from assets.web.moments import NAME, AsOfDay, day_of
from assets.web.paging import LIMIT_MAX, ListQuery, fetch
from assets.web.templates import show, twin

AnyRequest = Request[Any, Any, Any]
Form = URLEncodedBody[dict[str, str]]
PROVINCE = requires(Action.EDIT_INVENTORY, province=True)
RATES_PATH, DISPOSAL_PATH = "/wear/rates", "/wear/disposal"
EDIT, NONE = "edit", UUID(int=0)


class DisposalPage(CandidateList):
    """The candidates with what they can be narrowed to."""

    sites: list[Named]
    categories: list[Named]


class RatesPage(BaseModel):
    """All rates of wear, the rules of disposal, and the share that is in force today."""

    rates: list[WearRateOut]
    rules: list[DisposalRuleOut]
    share: Share
    categories: list[Named]


def _asked(request: AnyRequest) -> ListQuery:
    return asked_of(request, CANDIDATES)


@get(
    [DISPOSAL_PATH, f"{DISPOSAL_PATH}.json"], name="disposal", guards=[requires(Action.VIEW)], include_in_schema=False,
    dependencies={"asked": Provide(_asked, sync_to_thread=False)},
    opt={"twin": (DisposalPage, "disposal"), "listing": CANDIDATES, "query": [NAME]},
)  # fmt: skip
async def candidates(
    request: AnyRequest, actor: NamedDependency[Actor], asked: NamedDependency[ListQuery], as_of: AsOfDay = None
) -> Response[Any]:
    """What may be put forward for disposal, and why."""
    return await _candidates(request, actor, asked, day_of(as_of, clock.today()))


@post(
    "/wear/quotations",
    guards=[requires(Action.EDIT_INVENTORY)],
    include_in_schema=False,
    opt={"page": "/wear/disposal"},
)
async def quote(request: AnyRequest, data: Form, actor: NamedDependency[Actor]) -> Response[Any]:
    """Write down what a repair would cost."""
    typed = Typed(data)
    new = service.NewQuotation(
        typed.whole("amount"), typed.text("supplier"), typed.day("quoted_on"), typed.text("note")
    )
    try:
        typed.check()
        await service.quote(actor, typed.text("tag"), new, now=clock.now())
    except (Invalid, Conflict, NotFound) as error:
        errors = _errors(error, "tag")
        return await _candidates(request, actor, ListQuery(), clock.today(), data, errors, error.status)
    return Redirect(DISPOSAL_PATH, status_code=303)


async def _candidates(
    request: AnyRequest, actor: Actor, asked: ListQuery, day: date, given: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None, status: int = 200,
) -> Response[Any]:  # fmt: skip
    async with transaction(actor.scope) as tx:
        found = await listed_candidates(tx, actor, asked, day)
        view = DisposalPage(
            **dict(found), as_of=day, share=await share_of(tx, day), sites=await sites(tx),
            categories=await categories(tx),
        )  # fmt: skip
    return show(
        request, "inventory/disposal.html", view, status=status, given=given or {}, errors=errors or {},
        query_text=asked.q, kept=asked.again(), may_quote=actor.may(Action.EDIT_INVENTORY), today=clock.today(),
        print_all=printable(found, asked),
    )  # fmt: skip


@get([RATES_PATH, f"{RATES_PATH}.json"], name="wear_rates", guards=[requires(Action.VIEW)],
     **twin(RatesPage, "wear_rates", (EDIT,)))  # fmt: skip
async def rates(request: AnyRequest, actor: NamedDependency[Actor]) -> Response[Any]:
    """The rates and rules that the registers stand on; the province changes them here, `?edit=` one of them."""
    try:
        chosen = UUID(str(request.query_params.get(EDIT) or NONE))
    except ValueError:
        raise Invalid(fields={EDIT: N_("There is no such rate.")}) from None
    return await _rates(request, actor, chosen=chosen)


@post(RATES_PATH, guards=[PROVINCE], include_in_schema=False)
async def add_rate(request: AnyRequest, data: Form, actor: NamedDependency[Actor]) -> Response[Any]:
    """Add a rate of wear."""
    typed = Typed(data)
    new = wear_rates.NewRate(typed.text("category"), **_rate(typed))
    try:
        typed.check()
        await wear_rates.add_rate(actor, new)
    except (Invalid, Conflict) as error:
        return await _rates(request, actor, data, error, "rate")
    return Redirect(RATES_PATH, status_code=303)


@post(RATES_PATH + "/{rate:uuid}", guards=[PROVINCE], include_in_schema=False)
async def edit_rate(
    request: AnyRequest, rate: FromPath[UUID], data: Form, actor: NamedDependency[Actor]
) -> Response[Any]:
    """Change a rate of wear."""
    typed = Typed(data)
    changes = _rate(typed)
    try:
        typed.check()
        await wear_rates.edit_rate(actor, rate, changes, version=typed.version())
    except (Invalid, Conflict) as error:
        return await _rates(request, actor, data, error, "rate", rate)
    return Redirect(RATES_PATH, status_code=303)


@post("/wear/disposal-rules", guards=[PROVINCE], include_in_schema=False, opt={"page": "/wear/rates"})
async def add_rule(request: AnyRequest, data: Form, actor: NamedDependency[Actor]) -> Response[Any]:
    """Add a rule of disposal."""
    typed = Typed(data)
    new = service.NewRule(typed.whole("repair_percent"), typed.day("valid_from"), typed.text("source"))
    try:
        typed.check()
        await service.add_rule(actor, new)
    except (Invalid, Conflict) as error:
        return await _rates(request, actor, data, error, "rule")
    return Redirect(RATES_PATH, status_code=303)


@post("/wear/disposal-rules/{rule:uuid}", guards=[PROVINCE], include_in_schema=False, opt={"page": "/wear/rates"})
async def edit_rule(
    request: AnyRequest, rule: FromPath[UUID], data: Form, actor: NamedDependency[Actor]
) -> Response[Any]:
    """Change a rule of disposal."""
    typed = Typed(data)
    changes = {
        "repair_percent": typed.whole("repair_percent"), "valid_from": typed.day("valid_from"), "source": typed.text("source"),
    }  # fmt: skip
    try:
        typed.check()
        await service.edit_rule(actor, rule, changes, version=typed.version())
    except (Invalid, Conflict) as error:
        return await _rates(request, actor, data, error, "rule", rule)
    return Redirect(RATES_PATH, status_code=303)


def _rate(typed: Typed) -> dict[str, Any]:
    return {
        "years": typed.whole("years"), "rate": typed.hundredths("rate"), "threshold": typed.whole("threshold"),
        "valid_from": typed.day("valid_from"), "source": typed.text("source"),
    }  # fmt: skip


async def _rates(
    request: AnyRequest, actor: Actor, given: Mapping[str, str] | None = None, error: Invalid | Conflict | None = None,
    form: str = "", chosen: UUID = NONE,
) -> Response[Any]:  # fmt: skip
    """The page; `chosen` is what is being changed, `form` which of the two forms was refused, with what was typed."""
    async with transaction(actor.scope) as tx:
        view = RatesPage(
            rates=(await fetch(tx, RATES, ListQuery(limit=LIMIT_MAX), rate_out)).items,
            rules=(await fetch(tx, RULES, ListQuery(limit=LIMIT_MAX), rule_out)).items,
            share=await share_of(tx, clock.today()), categories=await categories(tx),
        )  # fmt: skip
    return show(
        request, "inventory/wear_rates.html", view, status=error.status if error else 200, form=form, chosen=chosen,
        given=defaultdict(str, given or {}), errors=told(error, "valid_from") if error else {},
        may_edit=actor.everywhere(Action.EDIT_INVENTORY), threshold=wear_rates.THRESHOLD,
    )  # fmt: skip


def _errors(error: AssetsError, otherwise: str) -> dict[str, str]:
    return told(error, otherwise) if isinstance(error, Invalid | Conflict) else {otherwise: error.detail}


routes: Sequence[ControllerRouterHandler] = [candidates, quote, rates, add_rate, edit_rate, add_rule, edit_rule]
