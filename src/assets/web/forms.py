"""What forms share: safe ways back, and messages for wrong input that a person can act on."""

from collections.abc import Mapping
from datetime import date
from typing import Any, TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel, ValidationError

from assets.errors import Conflict, Invalid, NotFound, Stale
from assets.web.language import N_, translate
from assets.web.moments import YEARS

M = TypeVar("M", bound=BaseModel)
DATE = N_("Please write a date as day/month/year.")
NUMBER_DIGITS = 9  # of what people count: numbers of papers, versions
NEXT_MAX = 2_000
DIGITS_MAX = 14
_GROUPING = str.maketrans("", "", ". \N{NO-BREAK SPACE}")  # of thousands

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
    "date_parsing": DATE,
    "date_from_datetime_parsing": DATE,
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


class Choice(BaseModel):
    """Something to choose, by its code."""

    code: str
    name: str


class Named(Choice):
    """A thing by its code, as people call it in both languages."""

    name_en: str = ""


def whole(text: str, digits: int = NUMBER_DIGITS) -> int | None:
    """A text as a whole number, or None."""
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= digits else None


def grouped(text: str) -> int | None:
    """A whole number as people write it, with points between thousands: 15.000.000; None when it is none."""
    return whole(text.translate(_GROUPING), DIGITS_MAX)


def numbered(text: str) -> int:
    """The number of a thing in an address; NotFound when it is none."""
    if not (text.isascii() and text.isdigit() and len(text) <= NUMBER_DIGITS):
        raise NotFound()
    return int(text)


def written_day(data: Mapping[str, str], name: str) -> date | None:
    """A day, None when nothing is written; Invalid when it is none."""
    text = data.get(name, "").strip()
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise Invalid(fields={name: DATE}) from None


class Typed:
    """The fields of a form as values; what cannot be read is collected, and told all at once by `check`."""

    def __init__(self, given: Mapping[str, str]) -> None:
        self.given, self.wrong = given, dict[str, str]()

    def text(self, name: str) -> str:
        """What was typed, without spaces around it."""
        return self.given.get(name, "").strip()

    def whole(self, name: str) -> int:
        """A whole number as people write it: 15.000.000; 0 when it is wrong."""
        return self._number(name, self.text(name).translate(_GROUPING), N_("Please write a whole number."))

    def hundredths(self, name: str) -> int | None:
        """A percentage with up to two decimals, in hundredths (14,29 → 1429); None when nothing was typed."""
        whole, _, part = self.text(name).replace(",", ".").partition(".")
        if not whole and not part:
            return None
        text = whole + part.ljust(2, "0") if len(part) <= 2 else ""
        return self._number(name, text, N_("Please write a percentage such as 14,29."))

    def day(self, name: str) -> date:
        """A day; the first of all when it is wrong."""
        try:
            found = date.fromisoformat(self.text(name))
        except ValueError:
            found = date.min
        if found.year not in YEARS:
            self.wrong[name] = DATE if self.text(name) else MESSAGES["missing"]
        return found

    def version(self) -> int:
        """The version that the form was made from; Stale when it is none."""
        text = self.text("version")
        if not (text.isascii() and text.isdigit() and len(text) <= 9):
            raise Stale()
        return int(text)

    def check(self) -> None:
        """Invalid when something could not be read."""
        if self.wrong:
            raise Invalid(fields=self.wrong)

    def _number(self, name: str, text: str, said: str) -> int:
        if text.isascii() and text.isdigit() and len(text) <= DIGITS_MAX:
            return int(text)
        self.wrong[name] = said if self.text(name) else MESSAGES["missing"]
        return 0


def told(error: Invalid | Conflict, otherwise: str) -> dict[str, str]:
    """One message a field of a refused form; what is about no field stands beside `otherwise`."""
    fields = {name.partition(".")[0]: said for name, said in error.fields.items()} if isinstance(error, Invalid) else {}
    return fields or {otherwise: error.detail}
