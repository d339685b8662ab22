"""Equipment requests in every state, with their stories; what was given stands at its centre."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from uuid import UUID

from assets.db import Connection
from assets.demo.people import APPROVER, STOREKEEPER, Person, clerk_of
from assets.demo.rows import Row, audited, write
from assets.demo.stock import STORE
from assets.equipment_requests.approval_rules.steps import Settings
from assets.equipment_requests.approvals import DEFAULT
from assets.equipment_requests.approving import OUTCOMES
from assets.equipment_requests.service import KIND, shown_number
from assets.equipment_requests.workflow import MOVES, State, Step
from assets.equipment_requests.working_calendar.working_time import EXAMPLE, after
from assets.ids import new_id
from assets.text import searchable


@dataclass(frozen=True)
class Taken:
    """One step of a request, so many days before now."""

    step: Step
    days_ago: float
    note: str = ""


@dataclass(frozen=True)
class Wish:
    """A line: how many of a category were asked for, granted and given, and how many wait to be bought."""

    category: str
    quantity: int
    approved: int | None = None
    given: int = 0
    to_buy: int = 0


@dataclass(frozen=True)
class Story:
    """One request from its filing on."""

    site: str
    reason: str
    filed_days_ago: float
    lines: tuple[Wish, ...]
    steps: tuple[Taken, ...] = ()


S = Step
STORIES = (
    Story(
        "21439", "Máy scan cũ hỏng bo mạch, không còn linh kiện thay.", 27.2, (Wish("scanner", 1, 1, 1),),
        (Taken(S.SUBMIT, 27.2), Taken(S.APPROVE, 25.1), Taken(S.FULFIL, 23.3), Taken(S.CLOSE, 22.9, "Đã nhận, máy chạy tốt.")),
    ),
    Story(
        "21478", "Bổ sung máy tính xách tay cho lãnh đạo.", 16.4, (Wish("laptop", 3),),
        (Taken(S.SUBMIT, 16.3), Taken(S.REFUSE, 14.2, "Vượt định mức; đơn vị đã đủ máy theo biên chế được giao.")),
    ),
    Story(
        "23446", "Xin cấp một bộ lưu điện cho quầy 1.", 13.1, (Wish("ups", 1),),
        (Taken(S.SUBMIT, 13.1), Taken(S.WITHDRAW, 12.6, "Đơn vị đã tự sửa được bộ lưu điện cũ.")),
    ),
    Story(
        "21205", "Máy in quầy 2 đã dùng trên mười năm, kẹt giấy liên tục.", 9.3, (Wish("printer", 1, 1, 1),),
        (Taken(S.SUBMIT, 9.3), Taken(S.APPROVE, 7.9), Taken(S.FULFIL, 2.2)),
    ),
    Story(
        "21115", "Thay hai máy tính đã dùng trên bảy năm, khởi động rất chậm.", 8.7, (Wish("desktop", 2, 2, 1, 1),),
        (Taken(S.SUBMIT, 8.6), Taken(S.APPROVE, 6.8), Taken(S.FULFIL, 5.9)),
    ),
    Story(
        "21289", "Mở thêm quầy 5, chưa có máy tính và máy scan.", 6.2, (Wish("desktop", 1, 1), Wish("scanner", 1, 1)),
        (Taken(S.SUBMIT, 6.1), Taken(S.APPROVE, 3.4)),
    ),
    Story(
        "23538", "Cần thêm bộ lưu điện.", 4.8, (Wish("ups", 2),),
        (Taken(S.SUBMIT, 4.8), Taken(S.RETURN, 3.9, "Đề nghị nêu rõ dùng cho thiết bị nào và số lần mất điện trong tháng.")),
    ),
    Story(
        "21250", "Mỗi cán bộ một máy tính; hiện hai người dùng chung một máy.", 2.6, (Wish("desktop", 1), Wish("scanner", 1)),
        (Taken(S.SUBMIT, 2.5),),
    ),
    Story(
        "23356", "Máy in duy nhất của Trung tâm bị hỏng, không in được giấy tờ cho người dân.", 0.8, (Wish("printer", 1),),
        (Taken(S.SUBMIT, 0.8),),
    ),
    Story("21205", "Bộ lưu điện cho máy tính quầy 1.", 0.3, (Wish("ups", 1),)),
)  # fmt: skip
_DECIDES = {S.APPROVE: APPROVER, S.RETURN: APPROVER, S.REFUSE: APPROVER, S.FULFIL: STOREKEEPER}


@dataclass(frozen=True)
class House:
    """What the requests need to know: who, where, of which kinds, and what lies in the store by category."""

    people: Mapping[str, Person]
    sites: Mapping[str, UUID]
    categories: Mapping[str, UUID]
    category_names: Mapping[str, tuple[str, str]]  # Vietnamese and English
    stock: Mapping[str, Sequence[tuple[str, UUID]]]  # category → (tag, asset) in the order in which they go


_TABLES = (
    "equipment_requests", "equipment_request_lines", "equipment_request_events", "request_steps", "approval_decisions",
    "fulfilments", "fulfilment_parts", "asset_events", "audit_events",
)  # fmt: skip


@dataclass
class _Written:
    """Rows by table, and the moves of assets: (asset, site, day of first use)."""

    rows: dict[str, list[Row]] = field(default_factory=lambda: {table: [] for table in _TABLES})
    moves: list[tuple[UUID, UUID, date]] = field(default_factory=list)


async def write_requests(tx: Connection, house: House, now: datetime) -> int:
    """All stories with their lines, events and hand-outs; answers how many requests."""
    written = _Written()
    stock = {category: iter(things) for category, things in house.stock.items()}
    for number, story in enumerate(STORIES, start=1):
        _Telling(written, house, stock, story, number, now).tell()
    for table in _TABLES:
        await write(tx, table, written.rows[table])
    await tx.execute("select setval('equipment_request_numbers', $1)", len(STORIES))
    await tx.executemany(
        "update assets set site = $2, put_into_use = $3, room = null, stage = 'in_use', custodian = '', "
        "version = version + 1 where id = $1", written.moves,
    )  # fmt: skip
    return len(STORIES)


class _Telling:
    """One request, told from its filing to where it stands now."""

    def __init__(
        self, written: _Written, house: House, stock: Mapping[str, Iterator[tuple[str, UUID]]], story: Story, number: int,
        now: datetime,
    ) -> None:  # fmt: skip
        self.rows, self.moves, self.house, self.stock, self.story = written.rows, written.moves, house, stock, story
        self.number, self.now = number, now
        self.id, self.site, self.state = new_id(), house.sites[story.site], State.DRAFT
        self.clerk = house.people[clerk_of(story.site)]
        self.lines = {line: new_id() for line in story.lines}
        self.stamps: dict[str, object] = dict.fromkeys(("submitted_at", "decided_at", "fulfilled_at"))
        self.stamps |= {"decided_by": "", "decision_note": ""}
        self.step = new_id()

    def tell(self) -> None:
        filed_at = self.now - timedelta(days=self.story.filed_days_ago)
        asked = [[line.category, line.quantity] for line in self.story.lines]
        self._event("file", filed_at, self.clerk, "", "", {"reason": self.story.reason, "lines": asked})
        for taken in self.story.steps:
            self._take(taken)
        self._finish(filed_at)

    def _take(self, taken: Taken) -> None:
        at, before = self.now - timedelta(days=taken.days_ago), self.state
        by = self.house.people[_DECIDES[taken.step]] if taken.step in _DECIDES else self.clerk
        tags = self._give(by, at) if taken.step is S.FULFIL else []
        complete = all(line.given >= (line.approved or 0) for line in self.story.lines)
        move = MOVES[before, taken.step]
        self.state = move.to if complete or taken.step is S.APPROVE else move.unless_complete or move.to
        note = taken.note or ", ".join(tags)
        self._event(taken.step, at, by, before, note, {"state": self.state} | ({"assets": tags} if tags else {}))
        if taken.step in OUTCOMES:
            self._decide(taken.step, at, by, note)
        if taken.step is S.SUBMIT:
            self.stamps["submitted_at"] = at
        elif taken.step in (S.APPROVE, S.REFUSE):
            self.stamps |= {"decided_at": at, "decided_by": by.name, "decision_note": note}
        elif taken.step is S.RETURN:
            self.stamps["decision_note"] = note
        elif self.state is State.FULFILLED:
            self.stamps["fulfilled_at"] = at

    def _decide(self, step: Step, at: datetime, by: Person, note: str) -> None:
        quantities = (
            {n: line.approved or 0 for n, line in enumerate(self.story.lines, start=1)} if step is S.APPROVE else {}
        )
        self.rows["approval_decisions"].append({
            "id": new_id(), "step": self.step, "outcome": str(OUTCOMES[step]), "at": at, "by": by.id, "by_name": by.name,
            "on_behalf_name": "", "quantities": json.dumps(quantities), "note": note,
        })  # fmt: skip

    def _approval(self) -> dict[str, object]:
        """The step that it passes or has passed, and since when whoever has to act has it."""
        if self.stamps["submitted_at"] is None:
            return {"round": 0, "due_since": None, "target_at": None, "target_hours": 0}
        self.rows["request_steps"].append({
            "id": self.step, "request": self.id, "round": 1, "position": 1, "name": DEFAULT.name,
            "name_en": DEFAULT.name_en, "roles": json.dumps(sorted(DEFAULT.roles)), "place": str(DEFAULT.place),
            "hours": DEFAULT.hours,
        })  # fmt: skip
        waits = {
            State.SUBMITTED: ("submitted_at", DEFAULT.hours),
            State.APPROVED: ("decided_at", Settings().fulfil_hours),
        }
        stamp, hours = waits.get(self.state, waits[State.APPROVED] if self.state is State.IN_FULFILMENT else ("", 0))
        since = self.stamps[stamp] if stamp else None
        target = after(EXAMPLE, since, timedelta(hours=hours)) if isinstance(since, datetime) else None
        return {"round": 1, "due_since": since, "target_at": target, "target_hours": hours}

    def _give(self, by: Person, at: datetime) -> list[str]:
        tags = []
        store, why = self.house.sites[STORE], shown_number(self.number)
        for line in self.story.lines:
            for _ in range(line.given):
                tag, asset = next(self.stock[line.category])
                tags.append(tag)
                self.moves.append((asset, self.site, at.date()))
                self.rows["fulfilments"].append({
                    "id": new_id(), "line": self.lines[line], "asset": asset, "from_site": store, "at": at,
                    "actor_name": by.name,
                })  # fmt: skip
                self.rows["asset_events"] += [
                    {"id": new_id(), "asset": asset, "site": s, "at": at, "kind": k, "actor_name": by.name, "text": why}
                    for k, s in (("sent", store), ("received", self.site))
                ]
        return tags

    def _event(self, step: str, at: datetime, by: Person, before: str, note: str, after: dict[str, object]) -> None:
        self.rows["equipment_request_events"].append({
            "id": new_id(), "request": self.id, "at": at, "action": str(step), "before": str(before),
            "after": str(self.state), "actor_name": by.name, "note": note,
        })  # fmt: skip
        self.rows["audit_events"].append(
            audited(
                at=at, by=(by.id, by.name), action=str(step), kind=KIND, subject=self.id, name=shown_number(self.number),
                site=self.site, before={"state": str(before)} if before else None, after=after, reason=note,
            )
        )  # fmt: skip

    def _finish(self, filed_at: datetime) -> None:
        names = " ".join(" ".join(self.house.category_names[line.category]) for line in self.story.lines)
        self.rows["equipment_requests"].append({
            "id": self.id, "number": self.number, "site": self.site, "requested_by": self.clerk.id,
            "state": str(self.state), "reason": self.story.reason, "created_at": filed_at,
            "search": searchable(names, self.story.reason), "version": 1 + len(self.story.steps), **self.stamps,
            **self._approval(),
        })  # fmt: skip
        self.rows["equipment_request_lines"] += [
            {
                "id": row,
                "request": self.id,
                "category": self.house.categories[line.category],
                "name": self.house.category_names[line.category][0],
                "name_en": self.house.category_names[line.category][1],
                "position": position,
                "quantity": line.quantity,
                "approved": line.approved,
                "given": line.given,
            }
            for position, (line, row) in enumerate(self.lines.items(), start=1)
        ]
        self.rows["fulfilment_parts"] += [
            {
                "id": new_id(), "line": row, "way": "purchase", "state": "planned", "quantity": line.to_buy,
                "created_at": self.now - timedelta(days=1), "created_by": self.house.people[STOREKEEPER].name,
            }
            for line, row in self.lines.items()
            if line.to_buy
        ]  # fmt: skip
