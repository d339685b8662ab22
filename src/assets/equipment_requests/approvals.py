"""Which approval steps a request has to pass, whose turn it is, and what they may decide. Pure.

Rules are what the province has set: ordered, each for whoever holds one of some roles, from a value on, for some kinds
of lines. A request gets those that concern it when it is sent, and passes them one after another. A later step may
lower what an earlier one approved and never raise it; nobody decides what they asked for themselves; and one person does
not stand for two steps, in their own name or for somebody who is away, unless the province allows it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256
from json import dumps
from uuid import UUID

from assets.access.permissions import Role
from assets.web.language import N_


class Place(StrEnum):
    """Over what the role must have been given: anything that has the centre in it, its unit or site, or the province."""

    ANY = "any"
    UNIT = "unit"
    PROVINCE = "province"


class Outcome(StrEnum):
    """What was decided at a step."""

    APPROVE = "approve"
    RETURN = "return"
    REFUSE = "refuse"


@dataclass(frozen=True)
class Rule:
    """A step as the province has set it; `from_value` None: always, `if_unknown`: also when the value is not known.

    Without `kinds` it is for lines of every kind. `hours` is the target in working hours.
    """

    id: UUID
    position: int
    name: str
    name_en: str
    roles: frozenset[Role]
    place: Place = Place.ANY
    from_value: int | None = None
    if_unknown: bool = True
    kinds: frozenset[str] = frozenset()
    hours: int = 16


# Until the province has set its own: one step, whoever may decide today, whatever it costs.
DEFAULT = Rule(
    UUID("00000000-0000-7000-8000-000000000018"), 1, "Phê duyệt", "Approval",
    frozenset({Role.APPROVER, Role.PROVINCE_IT, Role.ADMINISTRATOR}),
)  # fmt: skip


@dataclass(frozen=True)
class Priced:
    """A line with what one of it is expected to cost, in đồng (None: nobody knows)."""

    kind: str
    quantity: int
    unit_cost: int | None


@dataclass(frozen=True)
class Worth:
    """What a request is worth as far as it is known; `known` is false when a line has no cost."""

    value: int
    known: bool


def worth(lines: Iterable[Priced]) -> Worth:
    """Quantity times cost of all lines that have one."""
    lines = list(lines)
    value = sum(line.quantity * line.unit_cost for line in lines if line.unit_cost is not None)
    return Worth(value, all(line.unit_cost is not None for line in lines))


def planned(rules: Iterable[Rule], lines: Iterable[Priced]) -> tuple[Rule, ...]:
    """The rules that concern a request with these lines, in their order; never none: the first one if no other does."""
    lines = list(lines)
    total, kinds = worth(lines), {line.kind for line in lines}
    ordered = sorted(rules, key=lambda rule: (rule.position, rule.id)) or [DEFAULT]
    found = tuple(rule for rule in ordered if (not rule.kinds or rule.kinds & kinds) and _reached(rule, total))
    return found or (ordered[0],)


def _reached(rule: Rule, total: Worth) -> bool:
    if rule.from_value is None or total.value >= rule.from_value:
        return True
    return not total.known and rule.if_unknown


def digest(reason: str, lines: Iterable[Mapping[str, object]]) -> str:
    """What was asked, as one text: when it differs after a return, former approvals were of something else."""
    plain = dumps([reason, [dict(line) for line in lines]], ensure_ascii=False, sort_keys=True, default=str)
    return sha256(plain.encode()).hexdigest()


@dataclass(frozen=True)
class Due:
    """A step that a request has to pass."""

    id: UUID
    position: int
    roles: frozenset[Role]
    place: Place


@dataclass(frozen=True)
class Decision:
    """What was decided at a step, by whom and for whom (`persons`), with the quantities by line position."""

    step: UUID
    outcome: Outcome
    persons: frozenset[UUID] = frozenset()
    quantities: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Capacity:
    """In whose name somebody may act at a site: roles, each with whether it holds over the whole province.

    `person` is whose roles they are; with `on_behalf` the actor stands in for that person.
    """

    person: UUID | None
    held: frozenset[tuple[Role, bool]]
    on_behalf: bool = False
    name: str = ""


@dataclass(frozen=True)
class Refusal:
    """Why somebody may not decide now; `reason` is a gettext source string."""

    reason: str


NOTHING_DUE = N_("No approval step is due.")
NO_ROLE = N_("Your role does not permit this step.")
OWN = N_("Nobody decides what they asked for themselves.")
TWICE = N_("One person does not decide two steps of a request.")
ONLY_LOWER = N_("A step before approved fewer; a later one can only lower the number.")
WHY_LOWER = N_("Write why fewer are approved than the step before did.")


def due(steps: Sequence[Due], decisions: Iterable[Decision]) -> Due | None:
    """The first step that nobody has approved yet; None when all are."""
    done = {decision.step for decision in decisions if decision.outcome is Outcome.APPROVE}
    return next((step for step in sorted(steps, key=lambda s: s.position) if step.id not in done), None)


def fits(step: Due, capacity: Capacity) -> bool:
    """Whether these roles are those of the step."""
    return any(
        role in step.roles and (step.place is Place.ANY or (step.place is Place.PROVINCE) is province)
        for role, province in capacity.held
    )


def judge(
    steps: Sequence[Due], decisions: Sequence[Decision], capacities: Iterable[Capacity], *,
    actor: UUID | None, askers: frozenset[UUID], same_person: bool = False,
) -> Capacity | Refusal:  # fmt: skip
    """In whose name the actor decides the due step, their own before anybody else's; or why they may not."""
    step = due(steps, decisions)
    if step is None:
        return Refusal(NOTHING_DUE)
    why = NO_ROLE
    for capacity in sorted(capacities, key=lambda c: c.on_behalf):
        if not fits(step, capacity):
            continue
        persons = {person for person in (actor, capacity.person) if person is not None}
        if askers & persons:
            why = OWN
        elif not same_person and any(persons & decision.persons for decision in _approvals(decisions)):
            why = TWICE
        else:
            return capacity
    return Refusal(why)


def most(asked: Mapping[int, int], decisions: Sequence[Decision]) -> dict[int, int]:
    """How many of each line can still be approved: what was asked, or what the steps before left of it."""
    left = dict(asked)
    for decision in _approvals(decisions):
        left = {position: min(number, decision.quantities.get(position, number)) for position, number in left.items()}
    return left


def _approvals(decisions: Iterable[Decision]) -> list[Decision]:
    return [decision for decision in decisions if decision.outcome is Outcome.APPROVE]
