"""What the 96 units of Quảng Ngãi were before 1 July 2025, from the file that ships with us. Pure.

The resolution, its date and the province that each unit was in are facts that were read in it. The names of the old
units are those that the National Statistics Office lists as converted to the new ones; codes of the old units are in no
list that was read, so they have none here. The note of each change says so.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from importlib.resources import files

from assets.places.succession import Kind

EFFECTIVE_ON = date(2025, 7, 1)
DECIDED_ON = date(2025, 6, 16)
DECISION = "1677/NQ-UBTVQH15"
ISSUED_BY = "Ủy ban Thường vụ Quốc hội"
NOTE = (
    "Tên đơn vị cũ theo bảng chuyển đổi của cơ quan thống kê, chưa đối chiếu với toàn văn Nghị quyết; mã cũ chưa ghi."
)
IN_PART = " Bảng này ghi: một phần."


@dataclass(frozen=True)
class Origin:
    """A unit of before, and the codes of those that it became; `part` when the list says that it went there in part."""

    name: str
    kind: str
    district: str
    province: str
    successors: tuple[str, ...]
    part: bool


@dataclass(frozen=True)
class Beginning:
    """How some units of today began: all that came from the same old ones, together."""

    origins: tuple[Origin, ...]
    successors: tuple[str, ...]

    @property
    def kind(self) -> Kind:
        """What was done; a unit that came whole from one other was renamed."""
        if len(self.successors) > 1 or any(origin.part for origin in self.origins):
            return Kind.REARRANGE
        return Kind.MERGE if len(self.origins) > 1 else Kind.RENAME

    @property
    def note(self) -> str:
        """Where the names come from."""
        return NOTE + (IN_PART if any(origin.part for origin in self.origins) else "")


def shipped_origins() -> list[Origin]:
    """The units of before 1 July 2025."""
    text = files("assets.places").joinpath("quang_ngai_before_2025.csv").read_text(encoding="utf-8")
    return [
        Origin(
            row["name"], row["kind"], row["district"], row["province"], tuple(row["successors"].split()),
            row["part"] == "yes",
        )
        for row in csv.DictReader(io.StringIO(text))
    ]  # fmt: skip


def beginnings(origins: Iterable[Origin]) -> list[Beginning]:
    """The old units by what became of them: each old and each new unit is in one of the answers."""
    groups: list[tuple[list[Origin], set[str]]] = []
    for origin in origins:
        codes = set(origin.successors)
        touching = [group for group in groups if group[1] & codes]
        members = [o for group in touching for o in group[0]] + [origin]
        groups = [group for group in groups if group not in touching]
        groups.append((members, codes.union(*(group[1] for group in touching))))
    return [Beginning(tuple(members), tuple(sorted(codes))) for members, codes in groups]


def known(found: Sequence[Beginning], codes: Iterable[str]) -> list[Beginning]:
    """Those whose successors are all among `codes`."""
    there = set(codes)
    return [one for one in found if there.issuperset(one.successors)]
