"""Pages from templates: one Jinja environment a language, everything escaped, an unknown name is an error."""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from functools import cache
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from litestar import Request, Response
from litestar.enums import MediaType
from markupsafe import Markup
from pydantic import BaseModel

from assets import clock
from assets.paths import data_dir
from assets.web import formats, language, static, words

JSON = ".json"
HEADERS = {"Vary": "Cookie, Accept-Language, HX-Request"}


def page(request: Request[Any, Any, Any], name: str, /, *, status: int = 200, **context: Any) -> Response[str]:
    """The template `name` of dashboards/templates in the visitor's language.

    A template also knows lang, actor (None when nobody is signed in), path, here (path with its query), demo and now.
    """
    chosen = language.choose(request)
    body = _environment(chosen).get_template(name).render({**_surroundings(request), **context})
    return Response(
        body, status_code=status, media_type=MediaType.HTML, headers={**HEADERS, "Content-Language": chosen}
    )


def show(
    request: Request[Any, Any, Any], name: str, view: BaseModel, *, part: str = "", **context: Any
) -> Response[Any]:
    """One query result in the form that was asked for: its JSON twin, the page's changing `part` alone, or the page.

    The templates know the result as `view`.
    """
    if request.scope["path"].endswith(JSON):
        return Response(view)
    return page(request, part if part and wants_fragment(request) else name, view=view, **context)


def twin(model: type[BaseModel], name: str, query: Sequence[str] = ()) -> dict[str, Any]:
    """Arguments of a page's Litestar handler that describe its JSON twin in the OpenAPI document.

    `query` names the parameters that the page reads; any other is refused (see web.parameters).
    """
    return {"include_in_schema": False, "opt": {"twin": (model, name), "query": query}}


def without_suffix(value: str) -> str:
    """A path parameter as the page has it: its twin's ends in .json."""
    return value.removesuffix(JSON)


def wants_fragment(request: Request[Any, Any, Any]) -> bool:
    """Whether a script of the page asks for its main part alone."""
    return "hx-request" in request.headers


def render(chosen: str, name: str, **context: Any) -> str:
    """A template outside a call, for tests and papers; the caller gives everything that it names."""
    return _environment(chosen).get_template(name).render(context)


def _surroundings(request: Request[Any, Any, Any]) -> dict[str, Any]:
    state = request.scope["state"]
    actor = state.get("person") or state.get("actor")
    query = request.scope["query_string"].decode("ascii", "replace")
    path = request.scope["path"]
    return {
        "actor": actor if actor is not None and actor.known else None,
        "path": path,
        "here": f"{path}?{query}" if query else path,
        "demo": bool(request.app.state.get("demo", False)),
        "now": clock.now(),
    }


@cache
def _environment(chosen: str) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(data_dir("dashboards") / "templates"),
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
        extensions=["jinja2.ext.i18n", "jinja2.ext.do"],
    )  # fmt: skip
    catalogue = language.catalogue(chosen)
    environment.install_gettext_callables(  # type: ignore[attr-defined]  # added by the i18n extension
        catalogue.gettext, catalogue.ngettext, newstyle=True, pgettext=catalogue.pgettext, npgettext=catalogue.npgettext
    )
    environment.globals |= {
        "lang": chosen, "languages": language.LANGUAGES, "static": static.url, "has_static": static.has,
        "word": lambda table, code: language.translate(chosen, words.word(table, code)),
        "looks": words.LOOKS,
        "tr": lambda text, params=None: language.translate(chosen, text, **(params or {})), "query": _query,
    }  # fmt: skip
    environment.filters |= _filters(chosen)
    return environment


def _filters(chosen: str) -> dict[str, Callable[..., Any]]:
    return {
        "number": lambda value, decimals=None: formats.number(value, chosen, decimals=decimals),
        "percent": lambda value, decimals=None: formats.percent(value, chosen, decimals=decimals),
        "measure": lambda value, reading: formats.measure(
            value, language.translate(chosen, words.unit(reading)) if words.unit(reading) else "", chosen
        ),
        "local_day": lambda value: formats.local(value).date().isoformat(),
        "dial": formats.dial,
        "browser": lambda agent: formats.browser(agent, chosen),
        "money": lambda value: formats.money(value, chosen),
        "date": lambda value: _time(value, formats.day(value)),
        "datetime": lambda value: _time(value, formats.moment(value)),
        "clock": lambda value: formats.clock(value) if value else formats.DASH,
        "short_site": formats.short_site,
        "piece": lambda unit: formats.piece(unit, chosen),
        "filesize": lambda size: formats.filesize(size, chosen),
        "lasting": lambda seconds: formats.lasting(seconds, chosen),
        "said": lambda stored: language.say(chosen, stored),
        "when": _when(chosen),
    }


def _when(chosen: str) -> Callable[..., Any]:
    @pass_context
    def when(context: Context, value: datetime | None) -> str | Markup:
        """How long ago, with the exact moment for pointer, keyboard and print."""
        if value is None:
            return formats.DASH
        exact = formats.moment(value)
        text = formats.ago(value, chosen, context["now"])
        return Markup('<time datetime="{}" title="{}" data-exact="{}">{}</time>').format(
            formats.iso(value), exact, exact, text
        )

    return when


def _time(value: date | datetime | None, text: str) -> str | Markup:
    if value is None:
        return text
    machine = formats.iso(value) if isinstance(value, datetime) else value.isoformat()
    return Markup('<time datetime="{}">{}</time>').format(machine, text)


def _query(**changes: Any) -> str:
    """A query string of the given names without the empty ones: for links that keep a filter."""
    kept = [(name.rstrip("_"), value) for name, value in changes.items() if value not in (None, "", [])]
    return "?" + urlencode(kept, doseq=True) if kept else "?"
