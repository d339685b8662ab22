"""Numbers, money, days and hours as people in Viet Nam read them. Pure: values, a language and `now` in, text out."""

from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal

from assets.clock import LOCAL_ZONE
from assets.web.language import N_, catalogue, translate

SPACE = "\N{NO-BREAK SPACE}"
SEPARATORS = {"vi": (".", ","), "en": (",", ".")}  # thousands, decimals
JUST_NOW_SECONDS = 45
_STEPS = (
    # up to (seconds), one unit (seconds), singular, plural
    (3_600, 60, N_("%(num)s minute ago"), N_("%(num)s minutes ago")),
    (86_400, 3_600, N_("%(num)s hour ago"), N_("%(num)s hours ago")),
    (14 * 86_400, 86_400, N_("%(num)s day ago"), N_("%(num)s days ago")),
)
_AHEAD = (
    (3_600, 60, N_("in %(num)s minute"), N_("in %(num)s minutes")),
    (86_400, 3_600, N_("in %(num)s hour"), N_("in %(num)s hours")),
    (14 * 86_400, 86_400, N_("in %(num)s day"), N_("in %(num)s days")),
)
DASH = "–"
CENTRE = "Trung tâm Phục vụ hành chính công "  # how the official name of each centre begins


def number(value: float | Decimal | None, language: str, *, decimals: int | None = None) -> str:
    """1234567.5 → 1.234.567,5 in Vietnamese; a dash for None. Without `decimals`, at most two and no idle zeros."""
    if value is None:
        return DASH
    exact = Decimal(str(value)).quantize(Decimal(1).scaleb(-(2 if decimals is None else decimals)), ROUND_HALF_UP)
    text = f"{exact:,f}"
    if decimals is None and "." in text:
        text = text.rstrip("0").rstrip(".")
    thousands, point = SEPARATORS[language]
    return text.translate({ord(","): thousands, ord("."): point, ord("-"): "−"})


def percent(value: float | None, language: str, *, decimals: int | None = None) -> str:
    """14.29 → 14,29 %; the value is in percent already."""
    return DASH if value is None else f"{number(value, language, decimals=decimals)}{SPACE}%"


def measure(value: float | None, unit: str, language: str) -> str:
    """A number with its unit; bits a second in the unit that keeps them short: 23,1 kbit/s."""
    if value is None:
        return DASH
    if unit == "bit/s":
        step = min(3, max(0, (len(str(abs(int(value)))) - 1) // 3))
        value, unit = round(value / 1_000**step, 1), ("", "k", "M", "G")[step] + unit
    return f"{number(value, language)}{SPACE}{unit}" if unit else number(value, language)


def dial(text: str) -> str:
    """What a telephone needs of a number: digits, and a plus sign in front."""
    return "+" * text.strip().startswith("+") + "".join(char for char in text if char.isascii() and char.isdigit())


# The first that a User-Agent names; those that stand on another one's shoulders come before it.
_BROWSERS = (
    ("CocCoc/", "Cốc Cốc"), ("coc_coc", "Cốc Cốc"), ("Edg/", "Edge"), ("OPR/", "Opera"), ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"),
)  # fmt: skip
_SYSTEMS = (
    ("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"), ("Mac OS", "macOS"),
    ("Linux", "Linux"),
)  # fmt: skip


def browser(agent: str, language: str) -> str:
    """What a browser calls itself, in the words of whoever uses it: Chrome · Windows."""
    found = [next((name for mark, name in table if mark in agent), "") for table in (_BROWSERS, _SYSTEMS)]
    return " · ".join(filter(None, found)) or agent[:40].strip() or translate(language, N_("Unknown program"))


def money(value: int | None, language: str) -> str:
    """Whole đồng: 10.000.000 đồng."""
    if value is None:
        return DASH
    return number(value, language) + SPACE + ("đồng" if language == "vi" else "VND")


def local(value: datetime) -> datetime:
    """The same moment on the clocks of Viet Nam."""
    return value.astimezone(LOCAL_ZONE)


def day(value: date | datetime | None) -> str:
    """22/11/2026 in both languages, since both are read in Viet Nam."""
    if value is None:
        return DASH
    shown = local(value).date() if isinstance(value, datetime) else value
    return f"{shown.day:02d}/{shown.month:02d}/{shown.year}"


def moment(value: datetime | None) -> str:
    """22/11/2026 08:12."""
    return DASH if value is None else f"{day(value)} {clock(value)}"


def clock(value: datetime) -> str:
    """08:12, of today or of a day said elsewhere."""
    shown = local(value)
    return f"{shown.hour:02d}:{shown.minute:02d}"


def ago(value: datetime, language: str, now: datetime) -> str:
    """How long before `now`, in one unit ("3 giờ trước"); the day itself beyond two weeks."""
    seconds = (now - value).total_seconds()
    if abs(seconds) < JUST_NOW_SECONDS:
        return translate(language, N_("just now"))
    for limit, unit, singular, plural in _STEPS if seconds > 0 else _AHEAD:
        if abs(seconds) < limit:
            count = max(1, int(abs(seconds) // unit))
            return catalogue(language).ngettext(singular, plural, count) % {"num": count}
    return day(value)


def lasting(seconds: float, language: str) -> str:
    """A length of time in its two largest units: "2 giờ 5 phút"."""
    parts = []
    left = max(0, int(seconds))
    for unit, singular, plural in _UNITS:
        count, left = divmod(left, unit)
        if count:
            parts.append(catalogue(language).ngettext(singular, plural, count) % {"num": count})
    return " ".join(parts[:2]) if parts else translate(language, N_("less than a minute"))


_UNITS = (
    (86_400, N_("%(num)s day"), N_("%(num)s days")),
    (3_600, N_("%(num)s hour"), N_("%(num)s hours")),
    (60, N_("%(num)s minute"), N_("%(num)s minutes")),
)


def iso(value: datetime) -> str:
    """RFC 3339 in UTC, for machines."""
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


# What consumables are counted in, as provinces write it, and in English; what is not here is shown as it was written.
PIECES = {
    "hộp": "box(es)", "ram": "ream(s)", "cuộn": "roll(s)", "cái": "piece(s)", "chiếc": "piece(s)", "bộ": "set(s)",
    "lọ": "bottle(s)", "chai": "bottle(s)", "thẻ": "card(s)", "quyển": "book(s)", "tập": "pad(s)", "tờ": "sheet(s)",
    "ống": "tube(s)", "gói": "pack(s)", "thùng": "carton(s)", "mét": "m",
}  # fmt: skip


def piece(unit: str, language: str) -> str:
    """What something is counted in: hộp, in English box(es)."""
    return unit if language == "vi" else PIECES.get(unit.strip().lower(), unit)


def short_site(name: str) -> str:
    """A site's name where many stand below each other: of a centre its unit, "Xã Ba Gia"; others as they are."""
    rest = name.removeprefix(CENTRE)
    return rest[:1].upper() + rest[1:] if rest != name else name


def filesize(size: int, language: str) -> str:
    """1536000 → 1,5 MB; of what is smaller, whole kilobytes."""
    if size < 1_000_000:
        return f"{number(max(1, round(size / 1_000)), language)}{SPACE}kB"
    return f"{number(size / 1_000_000, language, decimals=1)}{SPACE}MB"
