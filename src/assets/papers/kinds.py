"""The papers that can be printed: what each says as values, and what the province sets of its form. Pure.

A field that is None or empty is not known and is printed as a line to write on.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum


class Paper(StrEnum):
    """The papers, by the name that they have in addresses."""

    PROPOSAL = "proposal"
    SUBMISSION = "submission"
    HAND_OVER = "hand-over"
    DISPOSAL_LIST = "disposal-list"
    NEEDS = "needs"
    STOCKTAKE = "stocktake-minutes"
    INSPECTION = "inspection"


@dataclass(frozen=True)
class Form:
    """What is set of a paper. `{unit}`, `{site}` and `{number}` in it stand for those of the case at hand.

    Without `issuer` the paper is issued by the site of a unit; `legal_basis`, `signatories` and `recipients` have one to
    a line.
    """

    form_number: str = ""
    issuer: str = ""
    number_pattern: str = ""
    addressee: str = ""
    legal_basis: str = ""
    opening: str = ""
    closing: str = ""
    signatories: str = ""
    recipients: str = ""
    unit_of_measure: str = ""


FIELDS = tuple(Form.__dataclass_fields__)


@dataclass(frozen=True)
class Wanted:
    """A line of a request: how many of a thing, how many the centre has in use and how many of those are broken.

    `measure` is its unit of measure; None is that of the form.
    """

    name: str
    quantity: int
    approved: int | None = None
    in_use: int | None = None
    broken: int | None = None
    reason: str = ""
    measure: str | None = None


@dataclass(frozen=True)
class Proposal:
    """Phiếu đề nghị cấp thiết bị: what a site asks for, and why."""

    number: int
    unit: str
    site: str
    day: date | None
    requested_by: str
    reason: str
    lines: Sequence[Wanted]


@dataclass(frozen=True)
class Submission(Proposal):
    """Tờ trình: the same request, put before a superior."""


@dataclass(frozen=True)
class Handed:
    """An asset that changes hands; money in whole đồng, `photos` are the sides that added one."""

    name: str
    tag: str
    serial: str = ""
    cost: int | None = None
    remaining: int | None = None
    note: str = ""
    photos: Sequence[str] = ()


@dataclass(frozen=True)
class Confirmed:
    """What one side confirmed from afar: who they said they are, and when (a moment in words)."""

    name: str
    post: str
    at: str
    note: str = ""


@dataclass(frozen=True)
class HandOver:
    """Biên bản bàn giao, tiếp nhận tài sản công (02/TSC-BBGN): who gives what to whom, on whose decision."""

    number: str
    unit: str
    giver: str
    receiver: str
    day: date | None
    lines: Sequence[Handed]
    decision_number: str = ""
    decision_date: date | None = None
    carrier: str = ""
    given: Confirmed | None = None
    received: Confirmed | None = None
    missing: Sequence[Handed] = ()  # was sent and did not come; `note` says what is known of it


@dataclass(frozen=True)
class Disposable:
    """An asset that is put forward for disposal, with the ground."""

    name: str
    tag: str
    category: str
    year: int | None
    cost: int | None
    remaining: int | None
    reason: str
    treatment: str = "Thanh lý"
    note: str = ""


@dataclass(frozen=True)
class DisposalList:
    """Danh mục tài sản công đề nghị xử lý (01/TSC-XLTS), with its letter."""

    unit: str
    site: str
    as_of: date
    lines: Sequence[Disposable]


@dataclass(frozen=True)
class Need:
    """How many of a kind a unit still needs, for which place, by which requests; `estimate` of all of them in whole đồng."""

    name: str
    unit: str
    place: str
    quantity: int
    requests: Sequence[int] = ()
    estimate: int | None = None


@dataclass(frozen=True)
class Needs:
    """Bảng tổng hợp nhu cầu mua sắm tập trung (04/TSC-MSTT); the lines in order of kind, then unit."""

    as_of: date
    lines: Sequence[Need]
    unit: str = ""
    site: str = ""


@dataclass(frozen=True)
class Figures:
    """How many, what they cost and what is left of it."""

    quantity: int
    cost: int | None
    remaining: int | None


@dataclass(frozen=True)
class CountedThing:
    """A line of a stocktake: by the register, by the count, and what is to be said of it."""

    tag: str
    name: str
    room: str
    year: int | None
    book: Figures
    count: Figures
    remark: str = ""


@dataclass(frozen=True)
class Stocktake:
    """Biên bản kiểm kê tài sản; `as_of` says the moment in words, `summary` has the figures in sentences."""

    number: int
    unit: str
    site: str
    title: str
    as_of: str
    day: date | None
    members: Sequence[str]
    lines: Sequence[CountedThing]
    summary: Sequence[str]
    form_number: str = ""
    by: Sequence[str] = ()
    draft: str = ""


@dataclass(frozen=True)
class Seen:
    """Something that was seen of an asset on a day: a fault, a declaration, a repair, a quotation."""

    day: date | None
    what: str
    outcome: str = ""


@dataclass(frozen=True)
class Inspection:
    """Biên bản kiểm tra tình trạng kỹ thuật: what is known of an asset before it is looked at; the rest is by hand."""

    unit: str
    site: str
    day: date | None
    tag: str
    name: str
    category: str
    serial: str = ""
    room: str = ""
    custodian: str = ""
    put_into_use: date | None = None
    warranty_until: date | None = None
    cost: int | None = None
    remaining: int | None = None
    physical_state: str = ""
    measured: str = ""
    faults: Sequence[Seen] = field(default_factory=tuple)
    declarations: Sequence[Seen] = field(default_factory=tuple)
    repairs: Sequence[Seen] = field(default_factory=tuple)
    quotations: Sequence[Seen] = field(default_factory=tuple)


Content = Proposal | HandOver | DisposalList | Needs | Stocktake | Inspection
