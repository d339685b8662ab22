"""What would become of each row of a batch, and why not. Pure.

A row is something to add or to change; the world says what is there. The same rows in the same world give the same plan,
and once it has been applied, rows that are all the same: a file imported again has no effect.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any
from uuid import UUID

from assets.inventory.kinds import ASSETS, CUSTOM, Definition, Kind
from assets.inventory.lifecycle import PROMISED, SENDABLE, Stage, inputs, refused
from assets.inventory.values import LAST_DAY, UNADDRESSED, Field, Wrong, fits_address, read
from assets.phrases import Phrase
from assets.text import serial_key
from assets.web.language import N_

NewModel = tuple[str, str, str]


class Outcome(StrEnum):
    """What becomes of a row."""

    CREATE = "create"
    CHANGE = "change"
    SAME = "same"
    REFUSED = "refused"


class Emptiness(StrEnum):
    """What an empty cell says of a field that has a value."""

    KEEP = "keep"
    CLEAR = "clear"


@dataclass(frozen=True)
class Options:
    """What holds for all rows of a batch: what empty cells say, and whether models that nobody has are added with them."""

    empty: Emptiness = Emptiness.KEEP
    add_models: bool = False


AS_READ = Options()
AS_WRITTEN = Options(Emptiness.CLEAR)  # of a person who empties a field, or a program that sends null


@dataclass(frozen=True)
class Wanted:
    """A row: cells by the names of fields, and where they come from; a field that is not there is left alone.

    `version` is that of the thing as the caller saw it; without one, whatever it is now. With an `id` it is that thing
    that is meant, and what else identifies it can be changed.
    """

    cells: Mapping[str, object]
    sheet: str = ""
    row: int = 0
    version: int | None = None
    id: UUID | None = None
    formulas: frozenset[str] = frozenset()  # fields whose cell holds one
    inexact: frozenset[str] = frozenset()  # fields whose number has lost its last digits


@dataclass(frozen=True)
class Present:
    """A thing as it is: values by the names of fields."""

    id: UUID
    version: int
    values: Mapping[str, Any]


@dataclass(frozen=True)
class World:
    """What is there, as far as it matters to some rows.

    `present` are things by their key, `by_id` those that are meant by their id. `taken` are keys that are in use where
    the caller cannot see. `sites` are the caller's, by everything that people call one. `models` are (manufacturer,
    name) in small letters, with the names as they are written and the category. `serials` are those of makers (see
    `text.serial_key`) with the tags that have them, None for one that is not to be told. `promised` are the
    drafts that list assets (see `holding`). `latest` is the last day on which anything can begin.
    """

    present: Mapping[tuple[str, ...], Present] = field(default_factory=dict)
    by_id: Mapping[UUID, Present] = field(default_factory=dict)
    taken: Collection[tuple[str, ...]] = frozenset()
    sites: Mapping[str, str] = field(default_factory=dict)
    models: Mapping[tuple[str, str], tuple[str, str, str]] = field(default_factory=dict)
    categories: Mapping[str, str] = field(default_factory=dict)
    applications: Collection[str] = frozenset()
    serials: Mapping[tuple[str, str], Collection[str | None]] = field(default_factory=dict)
    definitions: Mapping[str, Definition] = field(default_factory=dict)
    promised: Mapping[UUID, Mapping[str, str]] = field(default_factory=dict)
    latest: date = LAST_DAY


@dataclass(frozen=True)
class Fault:
    """What is wrong with a field of a row. `error` says of what kind it is when it is not the value as such.

    It is conflict, stale, or foreign: something that is not there, or not for this person.
    """

    name: str
    reason: Phrase
    error: str = ""


@dataclass(frozen=True)
class Planned:
    """A row of a plan: `values` are all fields that it says, `changes` those that differ, as (before, after).

    `new_model` is a model that must be added first: manufacturer, name, category.
    """

    wanted: Wanted
    outcome: Outcome
    key: str
    present: Present | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    changes: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    faults: tuple[Fault, ...] = ()
    new_model: NewModel | None = None


@dataclass
class Earlier:
    """What the rows before have said: of which keys (and in which row), serial numbers and new models."""

    keys: dict[tuple[str, ...], int] = field(default_factory=dict)
    serials: dict[tuple[str, str], str] = field(default_factory=dict)
    models: dict[tuple[str, str], NewModel] = field(default_factory=dict)


def plan(
    kind: Kind, rows: Sequence[Wanted], world: World, options: Options = AS_READ, *, undoing: bool = False,
    earlier: Earlier | None = None,
) -> list[Planned]:  # fmt: skip
    """The plan of these rows. `undoing` lets an asset go back to a stage that no person could bring it to.

    A batch can be planned some rows at a time, with the same `earlier` each time.
    """
    earlier = earlier or Earlier()
    return [_Row(kind, wanted, world, options, undoing).plan(earlier) for wanted in rows]


def _same(name: str) -> str:
    # Accents count: Sơn Hà and Sơn Hạ are two communes.
    return name.casefold()


def key_in(kind: Kind, values: Mapping[str, Any]) -> tuple[str, ...]:
    """What identifies a row among those of its kind; its case does not count."""
    return tuple(_same(str(values.get(name) or "")) for name in kind.key)


class _Row:
    def __init__(self, kind: Kind, wanted: Wanted, world: World, options: Options, undoing: bool) -> None:
        self.kind, self.wanted, self.world, self.options, self.undoing = kind, wanted, world, options, undoing
        self.new_model: NewModel | None = None
        self.faults: list[Fault] = []
        self.values: dict[str, Any] = {}
        self.blank: set[str] = set()

    def plan(self, earlier: Earlier) -> Planned:
        self._read()
        self._refer()
        present = self.world.by_id.get(self.wanted.id) if self.wanted.id else None
        whole = {**present.values, **self.values} if present else self.values
        key = key_in(self.kind, whole)
        namesake = self.world.present.get(key)
        if present is not None and namesake is not None and namesake.id != present.id:
            self._wrong(
                self.kind.key[-1], N_("%(key)s is in use already."), error="conflict", key=self.kind.key_of(whole)[:60]
            )
        present = present or namesake
        self._look_for_twins(key, earlier.keys)
        if present is None:
            self._look_at_new(key)
        else:
            self._look_at_change(present)
        self._look_at_model(present, earlier.models)
        self._look_at_serial(key, present, earlier.serials)
        self._look_at_custom(present)
        changes = self._changes(present)
        self._look_at_beginnings(changes)
        self._look_at_spans(present, changes)
        if self.faults:
            outcome = Outcome.REFUSED
        elif present is None:
            outcome = Outcome.CREATE
        else:
            outcome = Outcome.CHANGE if changes else Outcome.SAME
        return Planned(
            self.wanted, outcome, self.kind.key_of(whole), present, self.values, changes, tuple(self.faults), self.new_model
        )  # fmt: skip

    def _wrong(self, field_name: str, text: str, /, *, error: str = "", **params: str | int) -> None:
        self.faults.append(Fault(field_name, Phrase(text, params), error))

    def _read(self) -> None:
        fields = {one.name: one for one in self.kind.fields}
        for name, cell in self.wanted.cells.items():
            if name not in fields:
                self._wrong(name, N_("There is no such field."))
                continue
            if name in self.wanted.formulas:
                self._wrong(name, N_("A formula stands here; paste its value."))
                continue
            if name in self.wanted.inexact:
                self._wrong(name, N_("The spreadsheet dropped the last digits; write it as text."))
                continue
            try:
                self.values[name] = read(fields[name], cell)
            except Wrong as wrong:
                self.faults.append(Fault(name, wrong.reason))
                continue
            if self.values[name] in (None, "", []) or cell is None or not str(cell).strip():
                self.blank.add(name)

    def _refer(self) -> None:
        """Places, categories and applications by what people call them."""
        site = self.values.get("site")
        if site:
            found = self.world.sites.get(_same(site))
            if found is None:
                self._wrong("site", N_("There is no site %(name)s."), error="foreign", name=site[:60])
            else:
                self.values["site"] = found
        category = self.values.get("category")
        if category:
            known = self.world.categories.get(_same(category))
            if known is None:
                self._wrong("category", N_("There is no kind of equipment %(name)s."), name=category[:60])
            else:
                self.values["category"] = known
        application = self.values.get("application")
        if application and application not in self.world.applications:
            self._wrong("application", N_("There is no application %(name)s."), name=application[:60])

    def _look_for_twins(self, key: tuple[str, ...], seen: dict[tuple[str, ...], int]) -> None:
        if key not in seen:
            seen[key] = self.wanted.row
        elif any(key):
            self._wrong(self.kind.key[0], N_("The same thing stands in row %(row)s already."), row=seen[key])

    def _look_at_new(self, key: tuple[str, ...]) -> None:
        if self.wanted.version is not None:
            self._wrong(self.kind.key[0], N_("It is not there any more."), error="stale")
        if key in self.world.taken:
            self._wrong(
                self.kind.key[0],
                N_("%(key)s is in use already."),
                error="conflict",
                key=self.kind.key_of(self.values)[:60],
            )
        told = {fault.name for fault in self.faults}
        for one in self.kind.fields:
            if one.required and one.name not in told and self.values.get(one.name) in (None, ""):
                self._wrong(one.name, N_("This must be filled in."))
            if one.once and not fits_address(str(self.values.get(one.name) or "")):
                self._wrong(one.name, UNADDRESSED)
        if self.values.get("stage") == Stage.IN_TRANSIT and not self.undoing:
            self._wrong("stage", N_("Only a transfer puts an asset on its way."))

    def _look_at_change(self, present: Present) -> None:
        if self.wanted.version is not None and self.wanted.version != present.version:
            # A list that was taken away before and comes back unchanged is no harm.
            if self._changes(present):
                self._wrong(
                    "version",
                    N_("Somebody changed it since; it is version %(now)s now."),
                    error="stale",
                    now=present.version,
                )
            return
        if self.options.empty is Emptiness.CLEAR:
            for name in sorted(self.blank):
                if self._field(name).required:
                    self._wrong(name, N_("This must be filled in."))
        if self.kind.resource != ASSETS.resource:
            return
        site = self.values.get("site")
        if site and site != present.values["site"] and not self.undoing:
            self._wrong("site", N_("An asset goes to another site by a transfer."), error="conflict")
        stage = self.values.get("stage")
        if stage and "stage" not in self.blank and stage != present.values["stage"] and not self.undoing:
            reason = refused(Stage(present.values["stage"]), Stage(stage))
            if reason is None and set(inputs(Stage(stage)).required) - {"reason"}:
                reason = N_("This stage asks for more than a list has; move the asset on its own page.")
            if reason:
                self._wrong("stage", reason, error="conflict")
            elif stage not in SENDABLE and (draft := self.world.promised.get(present.id)):
                self._wrong("stage", PROMISED, error="conflict", **draft)

    def _look_at_model(self, present: Present | None, new: dict[tuple[str, str], NewModel]) -> None:
        if self.kind.resource != ASSETS.resource or not {"manufacturer", "model"} & set(self.values):
            return
        both = self._together(present, "manufacturer"), self._together(present, "model")
        if not all(both):
            return
        place = _same(both[0]), _same(both[1])
        found = self.world.models.get(place) or self._added_model(place, both, new)
        if found is None:
            return
        maker, name, category = found
        said = self.values.get("category")
        if said and "category" not in self.blank and said != category:
            self._wrong("category", N_("The model belongs to %(name)s."), name=category)
        self.values |= {"manufacturer": maker, "model": name, "category": category}

    def _added_model(
        self, place: tuple[str, str], names: tuple[str, str], new: dict[tuple[str, str], NewModel]
    ) -> NewModel | None:
        category = self.values.get("category")
        shown = f"{names[0]} {names[1]}"[:80]
        if not self.options.add_models:
            self._wrong("model", N_("There is no model %(name)s; add it first."), name=shown)
        elif category in self.world.categories.values():
            self.new_model = new.setdefault(place, (*names, str(category)))
        elif place in new and not category:
            self.new_model = new[place]
        elif not category:
            self._wrong("category", N_("The model %(name)s is new; say what kind of equipment it is."), name=shown)
        return self.new_model

    def _look_at_serial(
        self, key: tuple[str, ...], present: Present | None, serials: dict[tuple[str, str], str]
    ) -> None:
        serial = serial_key(self.values.get("serial") or "")
        if self.kind.resource != ASSETS.resource or not serial:
            return
        if (
            present and serial_key(present.values["serial"]) == serial
        ):  # two that share one already are for people to settle
            return
        place = _same(self._together(present, "manufacturer")), serial
        others = [tag for tag in self.world.serials.get(place, ()) if tag is None or _same(tag) != key[0]]
        if others:
            self._wrong(
                "serial",
                N_("Another asset of this maker has this serial number: %(tag)s."),
                error="conflict",
                tag=next((tag for tag in others if tag), "–"),
            )
        first = serials.setdefault(place, key[0])
        if first != key[0]:
            self._wrong("serial", N_("The same serial number stands in another row."))

    def _together(self, present: Present | None, name: str) -> str:
        said = self.values.get(name)
        if said and name not in self.blank:
            return str(said)
        return str(present.values[name]) if present else ""

    def _look_at_custom(self, present: Present | None) -> None:
        if self.kind.resource != ASSETS.resource:
            return
        category = self._together(present, "category")
        for code, definition in self.world.definitions.items():
            name = CUSTOM + code
            value = self.values.get(name)
            filled = value not in (None, "", [])
            before = present.values.get(name) if present else None
            if filled and definition.category and category and definition.category != category:
                self._wrong(name, N_("This field is not for %(name)s."), name=category)
            elif filled and definition.deprecated and value != before:
                self._wrong(name, N_("This field is no longer used."))
            elif (
                definition.required and not definition.deprecated and present is None and not filled
                and definition.category in ("", category)
            ):  # fmt: skip
                self._wrong(name, N_("This must be filled in."))

    def _look_at_beginnings(self, changes: Mapping[str, tuple[Any, Any]]) -> None:
        for one in self.kind.fields:
            day = changes[one.name][1] if one.begins and one.name in changes else None
            if day and day > self.world.latest and not self.undoing:
                self._wrong(one.name, N_("It cannot be after %(year)s."), year=self.world.latest.year)

    def _look_at_spans(self, present: Present | None, changes: Mapping[str, tuple[Any, Any]]) -> None:
        for span in self.kind.spans:
            begins, ends = (
                changes[name][1] if name in changes else present and present.values.get(name) for name in span
            )
            # What was so before is not held against another change.
            if begins and ends and ends < begins and not changes.keys().isdisjoint(span) and not self.undoing:
                self._wrong(span[1], N_("It cannot end before it begins."))

    def _changes(self, present: Present | None) -> dict[str, tuple[Any, Any]]:
        before = present.values if present else {}
        found = {}
        for name, value in self.values.items():
            if present and name in self.blank and (self.options.empty is Emptiness.KEEP or self._kept(name)):
                continue
            was = before.get(name, self._field(name).empty)
            if value != was and (present is None or not self._field(name).once):
                found[name] = (was if present else None, value)
        return found

    def _kept(self, name: str) -> bool:
        one = self._field(name)
        return one.required or one.default is not None or name == "category"

    def _field(self, name: str) -> Field:
        return self.kind[name]
