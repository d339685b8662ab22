"""Whether a centre can serve citizens, from three facts, and what to tell people when it cannot. Pure.

    a working computer and printer · a working line · an issued account     →  Verdict(readiness, reasons)

Each finding is a row of DECISIONS; the verdict is the worst effect among the findings. From good to bad: able, limited,
unknown, unable. So a centre that surely cannot serve is `unable` whatever else is not known, and one thing without
data hides behind no number of good ones. Promises, each a property test: what breaks never improves the verdict;
no data never gives `able`; a verdict other than `able` has a reason; the order of the facts does not matter.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import IntEnum, StrEnum

from pydantic import BaseModel, ConfigDict

from assets.clock import LOCAL_ZONE
from assets.monitoring.conditions import Condition
from assets.web.language import N_

WORD_LASTS = timedelta(hours=24)  # so long "it works", said by a person, stands in for a measurement that is missing
NAMES_MAX = 5


class Readiness(StrEnum):
    """What a centre can do for citizens now."""

    ABLE = "able"
    LIMITED = "limited"
    UNKNOWN = "unknown"
    UNABLE = "unable"


RANK = {readiness: rank for rank, readiness in enumerate(Readiness)}  # declared from good to bad


class Health(IntEnum):
    """How one thing is, from good to bad."""

    WORKS = 0
    IMPAIRED = 1
    NO_DATA = 2
    FAILS = 3


class Source(StrEnum):
    """Where the knowledge of a thing comes from."""

    MEASURED = "measured"
    DECLARED = "declared"  # a person at the centre said so
    RECORDED = "recorded"  # the register's physical state


class Use(StrEnum):
    """Which need of a centre a thing meets; other things do not count here."""

    COMPUTER = "computer"
    PRINTER = "printer"


# What monitoring says, as health. Off as expected is no fault: at night a centre keeps the verdict of its day.
HEALTH_OF_CONDITION = {
    Condition.UP: Health.WORKS,
    Condition.OFF_EXPECTED: Health.WORKS,
    Condition.DEGRADED: Health.IMPAIRED,
    Condition.DOWN: Health.FAILS,
    Condition.UNREACHABLE: Health.NO_DATA,
    Condition.UNKNOWN: Health.NO_DATA,
}
USABLE = "issued"  # the one status of an account with which a person can work
BROKEN = "broken"


@dataclass(frozen=True)
class Said:
    """A person's open declaration about one thing: it works, or it is broken."""

    works: bool
    at: datetime


@dataclass(frozen=True)
class Thing:
    """A computer or printer in use at the centre, named for people; `condition` is None when nothing measures it."""

    name: str
    use: Use
    condition: Condition | None = None
    since: datetime | None = None
    said: Said | None = None
    recorded: str = "good"  # good, worn, broken
    recorded_at: datetime | None = None


@dataclass(frozen=True)
class Line:
    """A link of the centre; `behind` names what of the centre's own is down in front of it, if anything."""

    name: str
    carrier: str
    primary: bool = True
    hotline: str = ""
    condition: Condition | None = None
    since: datetime | None = None
    said: Said | None = None
    behind: str = ""


@dataclass(frozen=True)
class Account:
    """One account that an officer of the centre has, or waits for."""

    status: str  # not_issued, waiting, issued, expired, revoked
    expires_on: date | None = None
    said_broken: bool = False

    def usable(self, today: date) -> bool:
        """Whether somebody can work with it today."""
        return self.status == USABLE and not self.said_broken and (self.expires_on is None or self.expires_on >= today)


@dataclass(frozen=True)
class Application:
    """A system for which the centre needs an account, its owner, and the accounts that are recorded."""

    name: str
    office: str = ""
    accounts: tuple[Account, ...] = ()


@dataclass(frozen=True)
class Facts:
    """All that is known of one centre."""

    things: tuple[Thing, ...] = ()
    lines: tuple[Line, ...] = ()
    applications: tuple[Application, ...] = ()
    equipment_recorded: bool = False  # whether the register has anything at all for the centre
    paper_mode_since: datetime | None = None
    silent_collector: str = ""  # the name of the collector in charge, when it is silent or was never heard


class Reason(BaseModel):
    """One finding: what it makes of the centre, who has to act, and what they do next.

    `message`, `owner` and `next_step` are gettext source strings, all filled from `params`.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    code: str
    effect: Readiness
    message: str
    owner: str
    next_step: str
    params: dict[str, str] = {}
    since: datetime | None = None
    sources: tuple[Source, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """The readiness of a centre and why, worst reason first; `able` may carry notes."""

    readiness: Readiness
    reasons: tuple[Reason, ...]


def judge(facts: Facts, now: datetime) -> Verdict:
    """What the centre can do now; `now` decides how long a person's word lasts and which accounts have expired."""
    found = [
        *_equipment(facts, now),
        *_line(facts.lines, now),
        *_accounts(facts.applications, now.astimezone(LOCAL_ZONE).date()),
        *([_reason("paper_mode", since=facts.paper_mode_since)] if facts.paper_mode_since else []),
    ]
    if facts.silent_collector and any(reason.effect is Readiness.UNKNOWN for reason in found):
        found.append(_reason("collector_silent", collector=facts.silent_collector))
    reasons = sorted(found, key=lambda r: (-RANK[r.effect], _POSITION[r.code], sorted(r.params.items())))
    return Verdict(max((r.effect for r in reasons), key=RANK.__getitem__, default=Readiness.ABLE), tuple(reasons))


@dataclass(frozen=True)
class Decision:
    """What a finding makes of the centre, and the words for it."""

    effect: Readiness
    message: str
    owner: str
    next_step: str


_PROVINCE = N_("Provincial IT")
_CENTRE = N_("The centre")
_CARRIER = N_("Carrier %(carriers)s")
_OFFICE = N_("Office in charge: %(office)s")
_CALL_CARRIER = N_("Report it to %(carriers)s (hotline %(hotlines)s).")
_ABLE, _LIMITED, _UNKNOWN, _UNABLE = Readiness

# Not here on purpose: a UPS on battery (it still serves; the incident tells), one broken printer beside a working one
# (the incident tells), and an officer without an account where a colleague has one.
DECISIONS: dict[str, Decision] = {
    "computer_none": Decision(
        _UNABLE, N_("The centre has no computer in use."), _PROVINCE, N_("Issue a computer from stock."),
    ),
    "computer_fails": Decision(
        _UNABLE, N_("No computer works: %(names)s."), _PROVINCE, N_("Repair a computer or issue one from stock."),
    ),
    "computer_no_data": Decision(
        _UNKNOWN, N_("There is no data on the computers: %(names)s."), _PROVINCE,
        N_("Ask the centre whether they work, and check their monitoring."),
    ),
    "computer_impaired": Decision(
        _LIMITED, N_("The computers work with a fault: %(names)s."), _PROVINCE, N_("See the fault and have it mended."),
    ),
    "computer_by_register": Decision(
        _ABLE, N_("No computer is measured; by the register these are in order: %(names)s."), _CENTRE,
        N_("Confirm that the computers work."),
    ),
    "printer_none": Decision(
        _UNABLE, N_("The centre has no printer in use."), _PROVINCE, N_("Issue a printer from stock."),
    ),
    "printer_fails": Decision(
        _UNABLE, N_("No printer works: %(names)s."), _PROVINCE, N_("Repair a printer or issue one from stock."),
    ),
    "printer_no_data": Decision(
        _UNKNOWN, N_("There is no data on the printers: %(names)s."), _PROVINCE,
        N_("Ask the centre whether they print, and check their monitoring."),
    ),
    "printer_impaired": Decision(
        _LIMITED, N_("The printers work with a fault: %(names)s."), _CENTRE,
        N_("See to toner, paper and covers; report what remains."),
    ),
    "printer_by_register": Decision(
        _ABLE, N_("No printer is measured; by the register these are in order: %(names)s."), _CENTRE,
        N_("Confirm that the printers print."),
    ),
    "equipment_not_recorded": Decision(
        _UNKNOWN, N_("No equipment is recorded for the centre."), _PROVINCE, N_("Enter what the centre has."),
    ),
    "line_fails": Decision(_UNABLE, N_("The centre has no working line: %(names)s."), _CARRIER, _CALL_CARRIER),
    "line_behind": Decision(
        _UNABLE, N_("The line %(names)s is cut off because %(behind)s at the centre is down."), _PROVINCE,
        N_("Bring %(behind)s back: power, cables, then repair."),
    ),
    "line_no_data": Decision(
        _UNKNOWN, N_("There is no data on the line: %(names)s."), _PROVINCE,
        N_("Ask the centre by telephone, and check the monitoring of the line."),
    ),
    "line_not_recorded": Decision(
        _UNKNOWN, N_("No line is recorded for the centre."), _PROVINCE, N_("Enter the lines of the centre."),
    ),
    "line_on_backup": Decision(
        _LIMITED, N_("The main line %(names)s is down; switched over to the backup line %(backup)s."), _CARRIER,
        _CALL_CARRIER,
    ),
    "line_main_no_data": Decision(
        _LIMITED, N_("There is no data on the main line %(names)s; the backup line %(backup)s works."), _PROVINCE,
        N_("Check the monitoring of the main line."),
    ),
    "line_impaired": Decision(_LIMITED, N_("The line is poor: %(names)s."), _CARRIER, _CALL_CARRIER),
    "accounts_none": Decision(
        _UNABLE, N_("No account can be used: %(applications)s."), _OFFICE, N_("Issue the accounts of the centre."),
    ),
    "accounts_not_recorded": Decision(
        _UNKNOWN, N_("No account is recorded for the centre."), _PROVINCE,
        N_("Enter which accounts the centre has been issued."),
    ),
    "account_missing": Decision(
        _LIMITED, N_("No account for %(applications)s has been issued."), _OFFICE,
        N_("Issue the account for %(applications)s."),
    ),
    "account_expired": Decision(
        _LIMITED, N_("The account for %(applications)s has expired, was revoked or fails."), _OFFICE,
        N_("Renew the account for %(applications)s."),
    ),
    "paper_mode": Decision(
        _LIMITED, N_("The centre says that it works on paper."), _CENTRE,
        N_("Enter the paper dossiers and end paper mode when the systems work."),
    ),
    "collector_silent": Decision(
        _UNKNOWN, N_("The collector %(collector)s is silent."), _PROVINCE, N_("Check the collector and its line."),
    ),
}  # fmt: skip
_POSITION = {code: position for position, code in enumerate(DECISIONS)}


@dataclass(frozen=True)
class Grade:
    """How one thing is, who says so and since when."""

    name: str
    health: Health
    source: Source
    since: datetime | None = None


def grade_thing(thing: Thing, now: datetime) -> Grade:
    """A person's "broken" comes first, then the measurement, then the newer of a person's "works" and the register."""
    if thing.said and not thing.said.works:
        return Grade(thing.name, Health.FAILS, Source.DECLARED, thing.said.at)
    if thing.condition is not None:
        return _measured(thing.name, thing.condition, thing.since, thing.said, now)
    if thing.said and (thing.recorded_at is None or thing.said.at >= thing.recorded_at):
        return Grade(thing.name, Health.WORKS, Source.DECLARED, thing.said.at)
    health = Health.FAILS if thing.recorded == BROKEN else Health.WORKS
    return Grade(thing.name, health, Source.RECORDED, thing.recorded_at)


def grade_line(line: Line, now: datetime) -> Grade:
    """Like a thing, but no register vouches for a line; one behind a fault of the centre's own is surely cut off."""
    if line.said and not line.said.works:
        return Grade(line.name, Health.FAILS, Source.DECLARED, line.said.at)
    if line.condition is Condition.UNREACHABLE and line.behind:
        return Grade(line.name, Health.FAILS, Source.MEASURED, line.since)
    return _measured(line.name, line.condition or Condition.UNKNOWN, line.since, line.said, now)


def _measured(name: str, condition: Condition, since: datetime | None, said: Said | None, now: datetime) -> Grade:
    health = HEALTH_OF_CONDITION[condition]
    if health is Health.NO_DATA and said and said.works and now - said.at <= WORD_LASTS:
        return Grade(name, Health.WORKS, Source.DECLARED, said.at)
    return Grade(name, health, Source.MEASURED, since)


def _equipment(facts: Facts, now: datetime) -> list[Reason]:
    if not facts.things and not facts.equipment_recorded:
        return [_reason("equipment_not_recorded")]
    found = []
    for use in Use:
        grades = [grade_thing(thing, now) for thing in facts.things if thing.use is use]
        found += _of_use(use, grades)
    return found


def _of_use(use: Use, grades: Sequence[Grade]) -> list[Reason]:
    # One that works is enough, so the best decides.
    if not grades:
        return [_reason(f"{use}_none")]
    best = min(grade.health for grade in grades)
    of_it = [grade for grade in grades if grade.health is best]
    if best is Health.WORKS:
        vouched = all(grade.source is Source.RECORDED for grade in of_it)
        return [_graded(f"{use}_by_register", of_it)] if vouched else []
    ending = {Health.IMPAIRED: "impaired", Health.NO_DATA: "no_data", Health.FAILS: "fails"}[best]
    return [_graded(f"{use}_{ending}", of_it)]


def _line(lines: Sequence[Line], now: datetime) -> list[Reason]:
    if not lines:
        return [_reason("line_not_recorded")]
    main = [line for line in lines if line.primary] or list(lines)
    backup = [line for line in lines if line not in main]
    main_best, main_grades = _best(main, now)
    backup_best, backup_grades = _best(backup, now)
    if main_best is Health.WORKS:
        return []
    if main_best is Health.IMPAIRED:
        return [_graded("line_impaired", main_grades, **_carriers(main))]
    if backup and backup_best <= Health.IMPAIRED:
        code = "line_on_backup" if main_best is Health.FAILS else "line_main_no_data"
        return [_graded(code, main_grades, backup=_names(g.name for g in backup_grades), **_carriers(main))]
    if Health.NO_DATA in (main_best, backup_best):
        return [_graded("line_no_data", [g for g in main_grades + backup_grades if g.health is Health.NO_DATA])]
    behind = _names({line.behind for line in lines if line.behind})
    code = "line_behind" if behind and all(line.behind for line in lines) else "line_fails"
    return [_graded(code, main_grades + backup_grades, behind=behind, **_carriers(lines))]


def _best(lines: Sequence[Line], now: datetime) -> tuple[Health, list[Grade]]:
    grades = [grade_line(line, now) for line in lines]
    best = min((grade.health for grade in grades), default=Health.FAILS)
    return best, [grade for grade in grades if grade.health is best]


def _accounts(applications: Sequence[Application], today: date) -> list[Reason]:
    if applications and not any(application.accounts for application in applications):
        return [_reason("accounts_not_recorded")]
    lacking = [a for a in applications if not any(account.usable(today) for account in a.accounts)]
    if lacking and len(lacking) == len(applications):
        return [_about("accounts_none", lacking)]
    return [_about("account_expired" if _had(a) else "account_missing", [a]) for a in lacking]


def _had(application: Application) -> bool:
    return any(account.status in (USABLE, "expired", "revoked") for account in application.accounts)


def _about(code: str, applications: Sequence[Application]) -> Reason:
    offices = {application.office for application in applications if application.office}
    return _reason(code, applications=_names(a.name for a in applications), office=_names(offices) or "–")


def _carriers(lines: Iterable[Line]) -> dict[str, str]:
    lines = list(lines)
    return {
        "carriers": _names({line.carrier for line in lines if line.carrier}) or "–",
        "hotlines": _names({line.hotline for line in lines if line.hotline}) or "–",
    }


def _graded(code: str, grades: Sequence[Grade], **params: str) -> Reason:
    # The finding holds since the last of them became so.
    since = max((grade.since for grade in grades if grade.since), default=None)
    sources = tuple(source for source in Source if any(grade.source is source for grade in grades))
    return _reason(code, since=since, sources=sources, names=_names(grade.name for grade in grades), **params)


def _reason(code: str, *, since: datetime | None = None, sources: tuple[Source, ...] = (), **params: str) -> Reason:
    row = DECISIONS[code]
    return Reason(
        code=code, effect=row.effect, message=row.message, owner=row.owner, next_step=row.next_step,
        params=params, since=since, sources=sources,
    )  # fmt: skip


def _names(names: Iterable[str]) -> str:
    listed = sorted(names)
    return ", ".join(listed[:NAMES_MAX]) + ("…" if len(listed) > NAMES_MAX else "")
