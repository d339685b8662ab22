"""What may be changed of a thing: some of its fields, by a caller who says which."""

from collections.abc import Collection, Iterable

from assets.errors import Invalid
from assets.web.language import N_


def refuse_others(changes: Iterable[str], editable: Collection[str]) -> None:
    """Invalid names each field that is none of the editable ones."""
    if wrong := sorted(set(changes) - set(editable)):
        raise Invalid(fields=dict.fromkeys(wrong, N_("This cannot be changed like this.")))
