"""What can be asked for, and how a line says it: each kind of line names what it needs and nothing else. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from assets.inventory.kinds import CAPABILITY_KINDS
from assets.text import clean
from assets.web.language import N_

LINES_MAX = 20
QUANTITY_MAX = 1_000
COST_MAX = 10**12  # of one piece, in whole đồng


class LineKind(StrEnum):
    """What a line asks for."""

    EQUIPMENT = "equipment"
    CONSUMABLE = "consumable"
    CAPABILITY = "capability"
    REPAIR = "repair"


@dataclass(frozen=True)
class Asked:
    """So many of one thing, by its codes: equipment of a `category`, a `consumable`, a `capability` or the repair of an `asset`.

    A capability says its kind, the application where it is for one, and the person or post that is to have it
    (`holder_post`). `unit_cost` is what one is expected to cost in whole đồng, where somebody knows.
    """

    category: str = ""
    quantity: int = 1
    reason: str = ""
    kind: LineKind = LineKind.EQUIPMENT
    consumable: str = ""
    capability: str = ""
    application: str = ""
    holder_post: str = ""
    asset: str = ""
    unit_cost: int | None = None


@dataclass(frozen=True)
class _Names:
    """The fields that a kind of line must have, and those that it may have."""

    must: frozenset[str]
    may: frozenset[str] = frozenset()


NAMES = {
    LineKind.EQUIPMENT: _Names(frozenset({"category"})),
    LineKind.CONSUMABLE: _Names(frozenset({"consumable"})),
    LineKind.CAPABILITY: _Names(frozenset({"capability", "holder_post"}), frozenset({"application"})),
    LineKind.REPAIR: _Names(frozenset({"asset"})),
}
_FIELDS = ("category", "consumable", "capability", "application", "holder_post", "asset")
_MISSING = {
    "category": N_("Choose a kind of equipment."),
    "consumable": N_("Choose a consumable."),
    "capability": N_("Choose what is needed: an account, a signing token, a seal …"),
    "holder_post": N_("Write for whom it is: a name or a post."),
    "asset": N_("Choose the equipment that is to be repaired."),
    "application": N_("Choose the software that the account is for."),
}
_FOREIGN = N_("A line of this kind does not have this.")


def faults(asked: Asked) -> dict[str, str]:
    """What is wrong with a line as it is said, by field, as source strings; whether its codes exist is not looked at."""
    names = NAMES[asked.kind]
    must = names.must | ({"application"} if asked.capability == "account" else set())
    wrong: dict[str, str] = {}
    for field in _FIELDS:
        said = clean(getattr(asked, field))  # control characters say nothing
        if not said and field in must:
            wrong[field] = _MISSING[field]
        elif said and field not in names.must | names.may:
            wrong[field] = _FOREIGN
    if asked.capability and "capability" not in wrong and asked.capability not in CAPABILITY_KINDS:
        wrong["capability"] = _MISSING["capability"]
    if not 1 <= asked.quantity <= QUANTITY_MAX:
        wrong["quantity"] = N_("Write how many: a whole number from 1 to 1000.")
    elif asked.kind is LineKind.REPAIR and asked.quantity != 1:
        wrong["quantity"] = N_("A line is for the repair of one thing.")
    if asked.unit_cost is not None and not 0 <= asked.unit_cost <= COST_MAX:
        wrong["unit_cost"] = N_("Write a price in whole VND, without decimals.")
    return wrong


def most(kind: str) -> int:
    """How many a line of this kind can ask for."""
    return 1 if kind in (LineKind.REPAIR, LineKind.CAPABILITY) else QUANTITY_MAX


def thing(asked: Asked) -> str:
    """How a form and an address name what a line is about: `equipment:printer`, `capability:account:igate` …"""
    parts = {
        LineKind.EQUIPMENT: [asked.category],
        LineKind.CONSUMABLE: [asked.consumable],
        LineKind.CAPABILITY: [asked.capability, asked.application],
        LineKind.REPAIR: [asked.asset],
    }[asked.kind]
    return ":".join([asked.kind, *filter(None, parts)])


def of_thing(text: str) -> Asked | None:
    """The line that such a name begins; None when it is none."""
    kind, _, code = text.partition(":")
    capability, _, application = code.partition(":")
    begun = {
        LineKind.EQUIPMENT: Asked(category=code),
        LineKind.CONSUMABLE: Asked(kind=LineKind.CONSUMABLE, consumable=code),
        LineKind.CAPABILITY: Asked(kind=LineKind.CAPABILITY, capability=capability, application=application),
        LineKind.REPAIR: Asked(kind=LineKind.REPAIR, asset=code),
    }
    return begun[LineKind(kind)] if code and kind in set(LineKind) else None
