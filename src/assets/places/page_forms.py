"""What the forms of places share: numbers and versions as people write them, and errors as they read them."""

import math
from collections.abc import Mapping
from typing import Any

from litestar import Request

from assets.errors import AssetsError, Invalid, Stale
from assets.web.language import N_, choose, translate

Given = Mapping[str, str]


def number(data: Given, name: str) -> float | None:
    """A number, with a comma as in Viet Nam or a point; None when nothing is written, Invalid when it is none."""
    text = data.get(name, "").strip().replace(",", ".")
    try:
        value = float(text) if text else None
    except ValueError:
        value = math.nan
    if value is not None and not math.isfinite(value):
        raise Invalid(fields={name: N_("Please write a number.")})
    return value


def version(data: Given) -> int:
    """The hidden version of a form; Stale when it is none of ours."""
    text = data.get("version", "")
    if not (text.isascii() and text.isdigit()):
        raise Stale()
    return int(text[:9])


def errors_of(request: Request[Any, Any, Any], error: AssetsError, otherwise: str) -> dict[str, str]:
    """One message a field, in the visitor's language; what is about no field stands beside `otherwise`."""
    chosen = choose(request)
    found = error.fields if isinstance(error, Invalid) else {}
    return {name: translate(chosen, said) for name, said in found.items()} or {
        otherwise: translate(chosen, error.detail, **error.facts)
    }
