"""An event's before and after as people read them: fields by name, codes as words, ids as the names of things."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from assets.web import formats, words
from assets.web.language import N_, translate

Values = Mapping[str, Any] | None
LIST_MAX = 20  # things of one list that are told
HIDDEN = frozenset({"id", "version", "created_at", "grant"})  # in the trail, but nothing that a reader asks about
CODES = {
    "stage": "stage", "physical_state": "physical_state", "status": "capability_status", "severity": "severity",
    "role": "role", "actions": "action",
}  # fmt: skip
# Fields whose words depend on what the event is about.
CODES_OF = {
    ("incident", "state"): "incident_state", ("equipment_request", "state"): "request_state",
    ("link", "kind"): "link_kind", ("capability", "kind"): "capability_kind", ("declaration", "kind"): "declaration",
    ("administrative_unit", "kind"): "unit_kind", ("site", "kind"): "site_kind", ("incident", "kind"): "incident_kind",
    ("transfer", "state"): "transfer_state",
    ("room", "kind"): "room_kind", ("unit_change", "kind"): "unit_change_kind",
}  # fmt: skip
MONEY = frozenset({"original_cost", "threshold", "quotation"})
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d.*")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


@dataclass(frozen=True)
class Told:
    """One field of a change."""

    field: str
    before: str
    after: str


def ids(values: Iterable[Values]) -> set[str]:
    """Whatever looks like the id of a thing."""
    return {text for value in values for text in _texts(value or {}) if _UUID.fullmatch(text)}


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


def told(kind: str, before: Values, after: Values, names: Mapping[str, str], language: str) -> list[Told]:
    """The fields that an event names, in its order; of what came to be or is gone only those that say something."""
    fields = [field for field in {**(after or {}), **(before or {})} if field not in HIDDEN]
    whole = before is None or after is None

    def text(values: Values, field: str) -> str:
        return "" if values is None else _said(kind, field, values.get(field), names, language)

    found = [
        Told(translate(language, words.word("audit_field", f)), text(before, f), text(after, f))
        for f in fields
        if not whole or (before or after or {})[f] not in (None, "", [], False)
    ]
    return [row for row in found if row.before != row.after]


def _said(kind: str, field: str, value: Any, names: Mapping[str, str], language: str) -> str:
    if value is None or value in ("", []):
        return formats.DASH
    if isinstance(value, bool):
        return translate(language, N_("yes") if value else N_("no"))
    if isinstance(value, int | float):
        return formats.money(int(value), language) if field in MONEY else formats.number(value, language)
    if isinstance(value, list):
        shown = [_said(kind, field, item, names, language) for item in value[:LIST_MAX]]
        return ", ".join(shown) + (", …" if len(value) > LIST_MAX else "")
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {_said(kind, key, item, names, language)}" for key, item in value.items())
    return _text(kind, field, str(value), names, language)


def _text(kind: str, field: str, text: str, names: Mapping[str, str], language: str) -> str:
    if field == "agent":
        return formats.browser(text, language)
    table = CODES_OF.get((kind, field)) or CODES.get(field)
    if table:
        return translate(language, words.word(table, text))
    if _UUID.fullmatch(text):
        return names.get(text, text[-12:])
    try:
        if _MOMENT.fullmatch(text):
            return formats.moment(datetime.fromisoformat(text))
        if _DAY.fullmatch(text):
            return formats.day(date.fromisoformat(text))
    except (ValueError, OverflowError):
        return text
    return text
