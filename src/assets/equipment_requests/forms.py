"""From the fields of a page's form to the values of a verb, and back to messages beside the fields."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from litestar.datastructures import FormMultiDict

from assets.equipment_requests.service import LINES_MAX, Asked, Doing, Filing
from assets.equipment_requests.splitting import Wanted, Way
from assets.errors import Invalid
from assets.ids import new_id
from assets.web.language import N_

DIGITS_MAX = 6
FIELDS_MAX = 2_000  # of one form: every asset in stock may be a box to tick
WHOLE_NUMBER = N_("Please write a whole number.")


@dataclass(frozen=True)
class Fields:
    """What a form sent, as text."""

    values: Mapping[str, list[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, form: FormMultiDict) -> "Fields":
        """The text fields; files are not expected and left out. Invalid when there are far too many."""
        names = list(dict.fromkeys(form))
        if len(names) > FIELDS_MAX:
            raise Invalid(N_("What was sent cannot be read."))
        return cls({name: [v for v in form.getall(name) if isinstance(v, str)][:FIELDS_MAX] for name in names})

    def text(self, name: str) -> str:
        """The field's text, empty when it is not there."""
        given = self.values.get(name)
        return given[-1] if given else ""

    def number(self, name: str) -> int | None:
        """The field as a whole number, or None."""
        text = self.text(name).strip()
        return int(text) if text.isascii() and text.isdigit() and len(text) <= DIGITS_MAX else None


def filing(fields: Fields) -> Filing:
    """A new request from the clerk's form: one kind of thing, how many, what for."""
    quantity = fields.number("quantity")
    asked = [Asked(fields.text("category"), quantity or 0)] if fields.text("category") else []
    return Filing(
        asked, fields.text("reason"), site=fields.text("site"), key=form_key(fields.text("key")),
        send=not fields.text("draft"),
    )  # fmt: skip


def form_key(text: str) -> UUID:
    """The key that the form was made with; a new one when it is missing or none of ours."""
    try:
        key = UUID(text)
    except ValueError:
        return new_id()
    return key if key.version == 7 else new_id()


def doing(fields: Fields) -> Doing:
    """The note and the version that the page showed."""
    return Doing(fields.text("note"), fields.number("version"))


def numbers(fields: Fields, name: str) -> dict[int, int]:
    """`name_1`, `name_2` … as numbers by line position; Invalid names what is none."""
    found, wrong = {}, {}
    for position in range(1, LINES_MAX + 1):
        if f"{name}_{position}" not in fields.values:
            continue
        number = fields.number(f"{name}_{position}")
        if number is None:
            wrong[f"{name}.{position}"] = WHOLE_NUMBER
        else:
            found[position] = number
    if wrong:
        raise Invalid(fields=wrong)
    return found


def tags(fields: Fields) -> dict[int, list[str]]:
    """The ticked assets by line position."""
    found = {position: fields.values.get(f"asset_{position}", []) for position in range(1, LINES_MAX + 1)}
    return {position: ticked for position, ticked in found.items() if ticked}


@dataclass
class Split:
    """What the form of a split says, and which field each of its parts came from, for messages."""

    wanted: dict[int, list[Wanted]] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)

    def add(self, position: int, part: Wanted, name: str) -> None:
        """One part of a line, from the field `name`."""
        parts = self.wanted.setdefault(position, [])
        self.names[f"parts.{position}.{len(parts)}"] = name
        parts.append(part)

    def on_form(self, errors: Mapping[str, str]) -> dict[str, str]:
        """A verb's messages by the names of the form's fields."""
        return {self.names.get(name.rpartition(".")[0], name): said for name, said in errors.items()}


def split(fields: Fields) -> Split:
    """`stock_1`, `transfer_1_21025`, `repair_1` … as parts by line position; Invalid names what is no number."""
    found, wrong = Split(), {}
    for name, values in fields.values.items():
        way, _, place = name.partition("_")
        position, _, site = place.partition("_")
        if way not in set(Way) or not position.isdigit() or not (values and values[-1].strip()):
            continue
        line, note = int(position[:DIGITS_MAX]), fields.text(f"note_{position}")
        if way == Way.REPAIR and not values[-1].isdigit():  # the asset that is repaired instead
            found.add(line, Wanted(Way.REPAIR, 1, assets=(values[-1],)), name)
        elif (number := fields.number(name)) is None:
            wrong[name] = WHOLE_NUMBER
        elif number:
            said = note if way == Way.DECLINE else ""
            found.add(line, Wanted(Way(way), number, from_site=site, note=said), name)
    if wrong:
        raise Invalid(fields=wrong)
    return found


# Where a message of the verb stands on the clerk's form, which has one line only.
ON_FORM = {"lines": "category", "lines.0.category": "category", "lines.0.quantity": "quantity"}


def on_form(errors: Mapping[str, str]) -> dict[str, str]:
    """A verb's messages by the names of the clerk's form."""
    return {ON_FORM.get(name, name): message for name, message in errors.items()}
