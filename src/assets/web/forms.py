"""What forms share: safe ways back, and messages for wrong input that a person can act on."""

from collections.abc import Mapping
from typing import Any, TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel, ValidationError

from assets.web.language import N_, translate

M = TypeVar("M", bound=BaseModel)
NEXT_MAX = 2_000

# What Pydantic's error types mean to a person; `ctx` fills the places.
MESSAGES = {
    "missing": N_("Please fill this in."),
    "string_too_short": N_("Please fill this in."),
    "string_too_long": N_("At most %(max_length)s characters."),
    "int_parsing": N_("Please write a whole number."),
    "int_from_float": N_("Please write a whole number."),
    "float_parsing": N_("Please write a number."),
    "greater_than_equal": N_("At least %(ge)s."),
    "greater_than": N_("More than %(gt)s."),
    "less_than_equal": N_("At most %(le)s."),
    "less_than": N_("Less than %(lt)s."),
    "date_parsing": N_("Please write a date as day/month/year."),
    "date_from_datetime_parsing": N_("Please write a date as day/month/year."),
    "uuid_parsing": N_("Please choose one of the list."),
    "enum": N_("Please choose one of the list."),
    "literal_error": N_("Please choose one of the list."),
}
OTHERWISE = N_("This value is not valid.")


def parse(model: type[M], data: Mapping[str, Any], language: str) -> tuple[M | None, dict[str, str]]:
    """The form's fields as `model`, or None and one message for each wrong field; empty text counts as missing."""
    filled = {name: value for name, value in data.items() if value != ""}
    try:
        return model.model_validate(filled), {}
    except ValidationError as error:
        return None, messages(error, language)


def messages(error: ValidationError, language: str) -> dict[str, str]:
    """One message for each wrong field, by its dotted name."""
    found: dict[str, str] = {}
    for item in error.errors(include_url=False, include_input=False):
        place = ".".join(str(part) for part in item["loc"])
        said = MESSAGES.get(item["type"], OTHERWISE)
        found.setdefault(place, translate(language, said, **item.get("ctx", {})))
    return found


def local_path(wanted: str | None, otherwise: str = "/") -> str:
    """`wanted` when it is a path of this service, else `otherwise`: a sign-in must not lead to somebody else's site."""
    if not wanted or len(wanted) > NEXT_MAX or not wanted.startswith("/") or wanted.startswith(("//", "/\\")):
        return otherwise
    if "\\" in wanted or any(ord(char) < 0x21 for char in wanted):
        return otherwise  # browsers drop tabs and line breaks and read a backslash as a slash
    try:
        parts = urlsplit(wanted)
    except ValueError:
        return otherwise
    return otherwise if parts.scheme or parts.netloc else wanted
