"""Fields and values of a batch in the words that people use: "Đang sử dụng → Trong kho", not codes."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from assets.inventory.batches.api import FaultOut
from assets.inventory.kinds import CUSTOM, Definition, Kind
from assets.inventory.values import Field, Type
from assets.web import formats, words
from assets.web.language import N_, translate

NOTHING: tuple[object, ...] = (None, "", [])
_YES_NO = {True: N_("Yes"), False: N_("No")}


class Spelling:
    """How the fields of a kind and their values, as a batch keeps them (see `values.plain`), are said in a language."""

    def __init__(
        self, language: str, kind: Kind, own: Mapping[str, Definition], categories: Iterable[Mapping[str, str]]
    ) -> None:
        self.language, self.kind, self.own = language, kind, own
        name = "name" if language == "vi" else "name_en"
        self.categories = {one["code"]: one[name] or one["name"] for one in categories}

    def label(self, name: str) -> str:
        """What a field is called."""
        definition = self.own.get(name.removeprefix(CUSTOM)) if name.startswith(CUSTOM) else None
        if definition is not None:
            return definition.called(self.language)
        known = name in self.kind.names or name == "version"
        return translate(self.language, words.field(self.kind.resource, name)) if known else name

    def said(self, name: str, value: Any) -> str:
        """A value as people read it."""
        if value in NOTHING:
            return formats.DASH
        if isinstance(value, list):
            return ", ".join(map(str, value))
        if name == "category":
            return self.categories.get(value, str(value))
        return self._typed(self.kind[name], value) if name in self.kind.names else str(value)

    def _typed(self, field: Field, value: Any) -> str:
        match field.type:
            case Type.MONEY:
                return formats.money(value, self.language)
            case Type.INTEGER:
                return formats.number(value, self.language)
            case Type.DATE:
                return formats.day(date.fromisoformat(value))
            case Type.BOOLEAN:
                return translate(self.language, _YES_NO[value])
            case Type.CHOICE if field.words:
                return translate(self.language, words.word(field.words, value))
        return str(value)

    def fault(self, fault: FaultOut) -> str:
        """Why a field is refused, with numbers as people write them."""
        params = {
            name: formats.number(value, self.language) if isinstance(value, int | float) else value
            for name, value in fault.params.items()
        }
        return translate(self.language, fault.text, **params)
