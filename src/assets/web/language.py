"""Two languages: Vietnamese from the catalogue, English from the source strings.

The catalogue is read from its .po file at the first use, so there is no compiled copy that could be out of date.
"""

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from assets import causes, phrases
from assets.paths import data_dir

if TYPE_CHECKING:  # processes of their own mark phrases, and need not load all this for it
    from babel.messages.catalog import Catalog
    from litestar.connection import ASGIConnection

LANGUAGES = ("vi", "en")
DEFAULT = "vi"
COOKIE = "language"
ACCEPTED_MAX = 10  # entries of Accept-Language that are looked at: the header comes from outside


def N_(text: str) -> str:  # noqa: N802 - the customary name of the gettext marker
    """Mark a source string for the catalogue; it is translated when it is shown."""
    return text


class Catalogue:
    """The messages of one language, with the methods that Jinja's i18n extension asks for."""

    def __init__(self, messages: Mapping[object, str]) -> None:
        self._messages = messages

    def gettext(self, text: str) -> str:
        """The translation, or the source string when there is none."""
        return self._messages.get(text) or text

    def ngettext(self, singular: str, plural: str, count: int) -> str:
        """Vietnamese has one form, English two."""
        translated = self._messages.get(singular)
        return translated or (singular if count == 1 else plural)

    def pgettext(self, context: str, text: str) -> str:
        """Like gettext, for a word that means two things."""
        return self._messages.get((context, text)) or text

    def npgettext(self, context: str, singular: str, plural: str, count: int) -> str:
        """Like ngettext, with a context."""
        translated = self._messages.get((context, singular))
        return translated or (singular if count == 1 else plural)


@cache
def catalogue(language: str) -> Catalogue:
    """The messages of `language`; English has none of its own."""
    return Catalogue(_messages(read(language))) if language != "en" else Catalogue({})


def read(language: str) -> "Catalog":
    """The .po file of `language`, parsed; raises FileNotFoundError when it is missing."""
    from babel.messages.pofile import read_po

    path = data_dir("dashboards") / "locale" / language / "LC_MESSAGES" / "assets.po"
    with path.open("rb") as file:
        return read_po(file, locale=language, abort_invalid=True)


def _messages(catalog: "Catalog") -> dict[object, str]:
    found: dict[object, str] = {}
    for message in catalog:
        source = message.id[0] if isinstance(message.id, (list, tuple)) else message.id
        text = message.string[0] if isinstance(message.string, (list, tuple)) else message.string
        if source and text and not message.fuzzy:
            found[(message.context, source) if message.context else source] = text
    return found


def translate(language: str, msgid: str, /, **params: object) -> str:
    """`msgid` in `language`, its %(name)s places filled; text that cannot be filled is given as it stands.

    A place can be filled by a phrase, which is said in the same language.
    """
    if isinstance(msgid, phrases.Told):
        return translate(language, msgid.phrase.text, **{**msgid.phrase.params, **params})
    text = catalogue(language if language in LANGUAGES else DEFAULT).gettext(msgid)
    if not params:
        return text
    filled = {name: _filled(language, value) for name, value in params.items()}
    try:
        return text % filled
    except (KeyError, TypeError, ValueError):
        return text  # a stored phrase with other places than its source has now: better odd than a page that fails


def _filled(language: str, value: object) -> object:
    if isinstance(value, phrases.Phrase):
        return translate(language, value.text, **_named(value.params))
    return _Measured(value, language) if isinstance(value, float) else value


class _Measured(float):
    """A number that a text may still format; as it stands it is written as the language does, whole ones without .0."""

    def __new__(cls, value: float, language: str) -> "_Measured":
        made = super().__new__(cls, value)
        made.mark = "," if language == "vi" else "."
        return made

    mark: str

    def __str__(self) -> str:
        return float.__repr__(self).removesuffix(".0").replace(".", self.mark)


def say(language: str, stored: str) -> str:
    """Stored phrases (see assets.phrases) in `language`, joined by semicolons.

    A phrase about one part of a device that does not name it itself gets the part's own name behind it.
    """
    try:
        return "; ".join(_said(language, p) for p in phrases.load(stored))
    except (ValueError, TypeError, AttributeError):
        return stored  # a person's own words that happen to begin like stored phrases


def _said(language: str, phrase: phrases.Phrase) -> str:
    text = translate(language, phrase.text, **_named(phrase.params))
    label = phrase.params.get("label")
    return f"{text} ({label})" if label and "%(label)" not in phrase.text else text


def _named(params: Mapping[str, Any]) -> dict[str, Any]:
    """What fills a phrase by name; what a system said of an error becomes our words for it, where there are some."""
    named = {str(name): value for name, value in params.items()}
    error = named.get("error")
    return named | {"error": causes.words(error) or error} if isinstance(error, str) else named


def choose(request: "ASGIConnection[Any, Any, Any, Any]") -> str:
    """The visitor's language: what they chose, else their account's, else their browser's, else Vietnamese."""
    chosen = request.cookies.get(COOKIE)
    if chosen in LANGUAGES:
        return chosen
    actor = request.scope["state"].get("actor")
    if actor is not None and actor.known and actor.language in LANGUAGES:
        return str(actor.language)
    return accepted(request.headers.get("accept-language", ""))


def accepted(header: str, otherwise: str = DEFAULT) -> str:
    """The first of our languages in an Accept-Language header (RFC 9110 §12.5.4), by weight; `otherwise` if none."""
    wishes = []
    for position, entry in enumerate(header.split(",")[:ACCEPTED_MAX]):
        tag, _, weight = entry.partition(";")
        language = tag.strip().lower().partition("-")[0]
        if language in LANGUAGES:
            wishes.append((-_weight(weight), position, language))
    return min(wishes)[2] if wishes else otherwise


def _weight(parameter: str) -> float:
    name, _, value = parameter.partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0
