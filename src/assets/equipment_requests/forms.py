"""From the fields of a page's form to the values of a verb, and back to messages beside the fields."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from uuid import UUID

from litestar.datastructures import FormMultiDict

from assets.equipment_requests.asking import LINES_MAX, Asked, LineKind, of_thing
from assets.equipment_requests.service import Doing, Filing
from assets.equipment_requests.splitting import Wanted, Way
from assets.errors import Invalid
from assets.ids import new_id
from assets.web.forms import whole, written_day
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
        return whole(self.text(name), DIGITS_MAX)

    def day(self, name: str) -> date | None:
        """The field as a day, None when nothing is written; Invalid when it is none."""
        return written_day({name: self.text(name)}, name)


@dataclass(frozen=True)
class TypedLine:
    """A line as it stands in a form: `thing` as in `asking.thing`, the rest as it was typed."""

    thing: str
    quantity: str = "1"
    reason: str = ""
    holder_post: str = ""
    application: str = ""
    unit_cost: str = ""

    def asked(self) -> Asked:
        """The line as the verbs take it; a number that is none becomes one that they refuse."""
        begun = of_thing(self.thing) or Asked(category=self.thing)
        cost = self.unit_cost.translate(_GROUPING)
        return replace(
            begun, reason=self.reason, holder_post=self.holder_post,
            quantity=1 if begun.kind is LineKind.REPAIR else whole(self.quantity, DIGITS_MAX) or 0,
            application=begun.application or self.application,
            unit_cost=None if not cost else -1 if (n := whole(cost, COST_DIGITS_MAX)) is None else n,
        )  # fmt: skip


_GROUPING = str.maketrans("", "", ". \N{NO-BREAK SPACE}")  # of thousands
COST_DIGITS_MAX = 13


@dataclass(frozen=True)
class Typed:
    """A form that asks for things, as it was typed; `q` is what is looked for in the catalogue."""

    site: str = ""
    key: str = ""
    reason: str = ""
    q: str = ""
    lines: Sequence[TypedLine] = ()

    def filing(self, *, send: bool) -> Filing:
        """The new request that it means."""
        return Filing([line.asked() for line in self.lines], self.reason, self.site, form_key(self.key), send=send)


def typed(fields: "Fields") -> Typed:
    """The lines that stand in the form, less those to be left out, and those that were ticked in the catalogue now."""
    lines = []
    for position in range(1, LINES_MAX + 2):  # one too many is told, not forgotten
        said = {name: fields.text(f"{name}_{position}") for name in LINE_FIELDS}
        if f"quantity_{position}" not in fields.values:
            said["quantity"] = "1"
        if said["thing"] and not fields.text(f"remove_{position}"):
            lines.append(TypedLine(**said))
    there = {line.thing for line in lines}
    picks = dict.fromkeys(pick[:THING_MAX] for pick in fields.values.get("pick", ()) if pick)
    lines += [TypedLine(pick) for pick in picks if pick not in there]
    said = {name: fields.text(name) for name in ("site", "key", "reason", "q")}
    return Typed(**said, lines=lines[: LINES_MAX + 1])


LINE_FIELDS = ("thing", "quantity", "reason", "holder_post", "application", "unit_cost")
THING_MAX = 200


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


INSTEAD = "instead"  # of new equipment: the field with the tag of the asset that is repaired


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
    """`stock_1`, `transfer_1_21025`, `instead_1` … as parts by line position; Invalid names what is no number."""
    found, wrong = Split(), {}
    for name, values in fields.values.items():
        way, _, place = name.partition("_")
        position, _, site = place.partition("_")
        plain = whole(position, DIGITS_MAX) is not None
        if way not in {*Way, INSTEAD} or not plain or not (values and values[-1].strip()):
            continue
        line, note = int(position), fields.text(f"note_{position}")
        if way == INSTEAD:
            found.add(line, Wanted(Way.REPAIR, 1, assets=(values[-1],)), name)
        elif (number := fields.number(name)) is None:
            wrong[name] = WHOLE_NUMBER
        elif number:
            said = note if way == Way.DECLINE else ""
            found.add(line, Wanted(Way(way), number, from_site=site, note=said), name)
    if wrong:
        raise Invalid(fields=wrong)
    return found


def on_form(errors: Mapping[str, str]) -> dict[str, str]:
    """A verb's messages by the names of the form: `lines.0.quantity` stands at `quantity_1`."""
    found: dict[str, str] = {}
    for name, message in errors.items():
        head, _, rest = name.partition(".")
        index, _, field = rest.partition(".")
        if head == "lines" and index.isdigit():
            shown = field if field in LINE_FIELDS else "thing"
            found.setdefault(f"{shown}_{int(index) + 1}", message)
        else:
            found[name] = message
    return found
