"""What goes wrong in the demonstration: what holds now, and what was over before. Data, with times before `now`.

Six centres are limited, two cannot serve and one says nothing; each has its own reason. The communes are those of which
such troubles are known from their first months, but every event here is invented.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from assets.demo.faults import Fault
from assets.demo.fleet import Centre, Line, Thing
from assets.demo.people import clerk_of

SILENT_SITE = "23535"  # its own collector has not been heard for days
SILENT_FOR = timedelta(days=5, hours=3)
BROKEN_PRINTER_SITE, BROKEN_SCANNER_SITE, PAPER_MODE_SITE = "23356", "21205", "21136"


@dataclass(frozen=True)
class Trouble:
    """A fault of one thing of a centre: `what` is a word of the fleet, or `line-1`, `line-2`.

    `verdict` is what the centre was meanwhile; `planned` the title of the work that made it quiet.
    """

    site: str
    what: str
    fault: Fault
    began: timedelta  # before now
    lasted: timedelta | None = None  # None: it lasts
    acknowledged_after: timedelta | None = None
    note: str = ""
    verdict: str = ""
    planned: str = ""

    def span(self, now: datetime) -> tuple[datetime, datetime | None]:
        """When it began and ended."""
        begin = now - self.began
        return begin, begin + self.lasted if self.lasted is not None else None

    def tag_in(self, centre: Centre) -> str:
        """The tag of the thing or line that it is about."""
        subject: Thing | Line
        if self.what.startswith("line-"):
            subject = centre.lines[int(self.what.removeprefix("line-")) - 1]
        else:
            subject = centre.first(self.what)
        return subject.tag


def _h(hours: float) -> timedelta:
    return timedelta(hours=hours)


def _m(minutes: float) -> timedelta:
    return timedelta(minutes=minutes)


CARRIER_TOLD = "Đã báo nhà mạng; nhà mạng hẹn cử người đến trong ngày."
PRESENT = (
    Trouble("21520", "line-1", Fault.SILENT, _h(5.2), acknowledged_after=_m(12), note=CARRIER_TOLD, verdict="unable"),
    Trouble("21244", "line-1", Fault.SILENT, _h(27.4), acknowledged_after=_m(25), note=CARRIER_TOLD, verdict="limited"),
    Trouble("23455", "printer", Fault.TONER_OUT, _h(3.1), verdict="limited"),
    Trouble("21211", "ups", Fault.ON_BATTERY, _m(38)),
    Trouble("23293", "printer", Fault.TONER_LOW, _h(49.5)),
)
PAST = (
    Trouble("23500", "line-1", Fault.SILENT, _h(151), _m(47), _m(9), verdict="limited"),
    Trouble("23476", "line-1", Fault.SILENT, _h(139.6), _m(12), verdict="unable"),
    Trouble("21364", "printer", Fault.TONER_LOW, _h(131), _h(5)),
    Trouble("23473", "router", Fault.SILENT, _h(118), _m(124), planned="Nâng cấp phần mềm bộ định tuyến"),
    Trouble("21040", "ups", Fault.ON_BATTERY, _h(98.3), _m(27), _m(6), "Khu vực cắt điện theo lịch của điện lực."),
    Trouble("21548", "line-1", Fault.SILENT, _h(74.5), _m(86), _m(15), CARRIER_TOLD, verdict="unable"),
    Trouble("21028", "access-point", Fault.SILENT, _h(60), _h(9), _h(8.5), "Lỏng dây nguồn, đã cắm lại."),
    Trouble("21172", "printer", Fault.JAM, _h(51.2), _m(18)),
    Trouble("21220", "switch", Fault.SILENT, _h(30.4), timedelta(seconds=11)),
    Trouble("21439", "printer", Fault.PAPER_OUT, _h(26.7), _m(9)),
    Trouble("23401", "router", Fault.SILENT, _h(21.9), _m(22), _m(4), "Khởi động lại sau khi mất điện."),
)


@dataclass(frozen=True)
class Word:
    """What a person at a centre said, and perhaps took back."""

    site: str
    kind: str
    said: timedelta  # before now
    what: str = ""  # a word of the fleet; empty: about the whole centre
    text: str = ""
    files_counted: int | None = None
    ended: timedelta | None = None

    @property
    def by(self) -> str:
        """The login of the clerk who said it."""
        return clerk_of(self.site)


WORDS = (
    Word(
        BROKEN_PRINTER_SITE, "broken", _h(20.3), "usb-printer", "In ra toàn sọc đen, đã thay hộp mực nhưng không hết."
    ),
    Word(BROKEN_SCANNER_SITE, "broken", _h(43.6), "scanner", "Kéo lệch giấy, quét hai mặt báo lỗi liên tục."),
    Word(
        PAPER_MODE_SITE,
        "paper_mode",
        _h(6.4),
        text="Không đăng nhập được phần mềm một cửa.",
        files_counted=14,
    ),
    Word("21439", "broken", _h(96), "scanner", "Không nhận máy.", ended=_h(94.2)),
)
VERDICT_OF_WORD = {BROKEN_PRINTER_SITE: "unable", PAPER_MODE_SITE: "limited"}


@dataclass(frozen=True)
class Lack:
    """An account that a centre cannot use, and why."""

    site: str
    application: str
    status: str
    began: timedelta

    def expires_on(self, today: date) -> date | None:
        """The day on which it ended, for what has expired."""
        return today - self.began if self.status == "expired" else None


LACKS = (
    Lack("21250", "ho-tich", "waiting", timedelta(days=20)),
    Lack("21334", "ky-so", "expired", timedelta(days=4)),
)
# The main line of this centre is not being watched, so that only its backup is known to work.
NO_DATA_ON_MAIN_LINE = ("23344", timedelta(days=9))


def verdicts() -> dict[str, tuple[str, timedelta]]:
    """What each centre is that is not able, and since how long; everything else is able."""
    found = {t.site: (t.verdict, t.began) for t in PRESENT if t.verdict}
    found |= {w.site: (VERDICT_OF_WORD[w.site], w.said) for w in WORDS if w.site in VERDICT_OF_WORD and not w.ended}
    found |= {lack.site: ("limited", lack.began) for lack in LACKS}
    site, since = NO_DATA_ON_MAIN_LINE
    return found | {site: ("limited", since), SILENT_SITE: ("unknown", SILENT_FOR)}
