"""What assets cost and what is left of it as of a day, for papers that list some of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from assets.db import Connection
from assets.inventory.wear import wear
from assets.inventory.wear_api import REGISTER, rule_of


@dataclass(frozen=True)
class Worth:
    """Original cost and remaining value in whole đồng; None where it is not known."""

    cost: int | None = None
    remaining: int | None = None


async def worth(tx: Connection, assets: Sequence[UUID], as_of: date) -> Mapping[UUID, Worth]:
    """The worth of those assets that the scope shows."""
    rows = await tx.fetch(
        f"select {REGISTER.select} from {REGISTER.source} where a.id = any($1::uuid[])",  # noqa: S608
        list(assets),
    )
    return {
        row["id"]: Worth(
            row["original_cost"], wear(row["original_cost"], row["put_into_use"], rule_of(row), as_of).remaining
        )
        for row in rows
    }
