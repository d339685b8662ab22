"""Numbers, money and time as people in Viet Nam read them."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.dashboards.asset_rows import readings
from assets.dashboards.history import Change, segments, strip, ticks, worst
from assets.dashboards.views import ReadingRow, Segment
from assets.phrases import Phrase, store
from assets.web import formats
from assets.web.language import say, translate

NOW = datetime(2026, 11, 22, 1, 12, tzinfo=UTC)
START = NOW - timedelta(days=7)


@pytest.mark.parametrize(
    ("value", "vi", "en"),
    [
        (1_234_567.5, "1.234.567,5", "1,234,567.5"), (10_000_000, "10.000.000", "10,000,000"), (0, "0", "0"), (-3, "−3", "−3"),
        (14.29, "14,29", "14.29"),
        (0.005, "0,01", "0.01"), (Decimal("2.10"), "2,1", "2.1"), (None, "–", "–"), (100, "100", "100"),
    ],
)  # fmt: skip
def test_numbers_have_the_separators_of_their_language(value: float | None, vi: str, en: str) -> None:
    assert (formats.number(value, "vi"), formats.number(value, "en")) == (vi, en)


def test_money_percent_and_days() -> None:
    assert formats.money(10_000_000, "vi") == "10.000.000\xa0đồng"
    assert formats.percent(14.29, "vi") == "14,29\xa0%"
    assert formats.moment(NOW) == "22/11/2026 08:12"  # Asia/Ho_Chi_Minh is seven hours ahead
    assert formats.day(datetime(2026, 11, 21, 18, tzinfo=UTC)) == "22/11/2026"
    assert formats.day(date(2026, 1, 2)) == "02/01/2026"


@pytest.mark.parametrize(
    ("before", "vi", "en"),
    [
        (timedelta(seconds=5), "vừa xong", "just now"), (timedelta(seconds=50), "1 phút trước", "1 minute ago"),
        (timedelta(minutes=59, seconds=59), "59 phút trước", "59 minutes ago"),
        (timedelta(hours=3), "3 giờ trước", "3 hours ago"),
        (timedelta(days=13), "13 ngày trước", "13 days ago"), (timedelta(days=20), "02/11/2026", "02/11/2026"),
        (-timedelta(hours=2), "2 giờ nữa", "in 2 hours"),
    ],
)  # fmt: skip
def test_time_is_told_in_one_unit(before: timedelta, vi: str, en: str) -> None:
    assert (formats.ago(NOW - before, "vi", NOW), formats.ago(NOW - before, "en", NOW)) == (vi, en)


def test_a_length_of_time_has_its_two_largest_units() -> None:
    assert formats.lasting(3_600 * 26 + 61, "vi") == "1 ngày 2 giờ"
    assert formats.lasting(20, "vi") == "chưa đến một phút"


def test_a_measure_has_its_unit_and_bits_stay_short() -> None:
    assert formats.measure(23_062.5, "bit/s", "vi") == "23,1\xa0kbit/s"
    assert formats.measure(999, "bit/s", "en") == "999\xa0bit/s"
    assert formats.measure(2.5e9, "bit/s", "en") == "2.5\xa0Gbit/s"
    assert formats.measure(37.5, "%", "vi") == "37,5\xa0%"
    assert formats.measure(None, "%", "vi") == "–"
    assert formats.measure(7, "", "vi") == "7"


def test_a_number_to_dial_is_digits_only() -> None:
    assert formats.dial("1800 0000 (ví dụ)") == "18000000"
    assert formats.dial("+84 255-3.822") == "+842553822"


def test_when_nothing_is_wrong_then_faults_take_one_line_else_one_each() -> None:
    fine = [ReadingRow(name="printer.error", instance=i, state="ok") for i in ("no_paper", "jammed")]
    other = ReadingRow(name="printer.pages", value=7)
    assert [(r.name, r.state) for r in readings([*fine, other])] == [("printer.error", "ok"), ("printer.pages", None)]
    jam = ReadingRow(name="printer.error", instance="jammed", state="jammed")
    assert [r.state for r in readings([fine[0], jam, other])] == ["jammed", None]


MOMENTS = st.floats(min_value=0, max_value=7).map(lambda days: START + timedelta(days=days))
CONDITIONS = st.sampled_from(["up", "degraded", "down", "unreachable", "off_expected", "unknown"])


@given(st.lists(st.tuples(MOMENTS, CONDITIONS), max_size=20), CONDITIONS, st.none() | MOMENTS, MOMENTS)
def test_a_week_is_covered_without_holes_or_overlaps(moves, current, since, watched_from) -> None:
    moves = sorted(moves)
    befores = [current, *(condition for _, condition in moves)]
    changes = [Change(at, before, after) for (at, after), before in zip(moves, befores, strict=False)]
    found = segments(changes, current=current, since=since, watched_from=watched_from, start=START, now=NOW)
    assert found[0].start == START
    assert found[-1].end == NOW
    for one, following in pairwise(found):
        assert one.end == following.start
        assert one.condition != following.condition
    assert all(s.condition == "unknown" for s in found if s.end <= watched_from)
    for block in strip(found, width=1_000, narrowest=4):
        assert block.segment.condition != "unknown"
        assert 0 <= block.x <= block.x + block.width <= 1_000.01


def test_when_nothing_changed_then_the_week_is_what_it_is_now() -> None:
    found = segments([], current="up", since=START - timedelta(days=9), watched_from=START, start=START, now=NOW)
    assert [(s.condition, s.start, s.end) for s in found] == [("up", START, NOW)]


def test_when_nothing_was_ever_heard_then_the_week_is_one_gap() -> None:
    found = segments([], current="unknown", since=None, watched_from=START, start=START, now=NOW)
    assert [s.condition for s in found] == ["unknown"]
    assert strip(found, width=1_000, narrowest=4) == []


def test_days_begin_at_local_midnight() -> None:
    marks = ticks(START, NOW, width=700, zone=formats.LOCAL_ZONE)
    assert [mark.day.day for mark in marks] == [16, 17, 18, 19, 20, 21, 22]
    assert marks[0].x == pytest.approx(700 * (15.8 / 24) / 7, abs=0.1)


@pytest.mark.parametrize(
    ("agent", "said"),
    [
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0",
            "Edge · Windows",
        ),
        (
            "Mozilla/5.0 (Windows NT 6.1) AppleWebKit/537.36 coc_coc_browser/95 Chrome/89 Safari/537.36",
            "Cốc Cốc · Windows",
        ),
        ("Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36", "Chrome · Android"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Version/17 Safari/604.1", "Safari · iPhone"),
        ("curl/8.1", "curl/8.1"),
        ("", "Unknown program"),
    ],
)
def test_when_a_browser_names_itself_then_people_read_what_they_call_it(agent: str, said: str) -> None:
    assert formats.browser(agent, "en") == said


@pytest.mark.parametrize(
    ("language", "value", "shown"),
    [
        ("vi", 16.0, "còn hạn 16 ngày"),
        ("vi", 3.5, "còn hạn 3,5 ngày"),
        ("en", 3.5, "in 3.5 days"),
        ("vi", 3, "hạn 3 ngày"),
    ],
)
def test_when_a_reason_holds_a_number_then_it_is_written_as_the_language_does(
    language: str, value: float, shown: str
) -> None:
    assert shown in say(language, store([Phrase("the certificate ends in %(value)s days", {"value": value})]))
    assert translate(language, "%(value).2f", value=3.0) == "3.00"
    assert Phrase("%(value)s days", {"value": 16.0}).english() == "16 days"


def test_of_several_weeks_the_worst_counts_at_each_moment_and_no_data_never_hides_any() -> None:
    def week(*parts: tuple[str, int, int]) -> list[Segment]:
        return [
            Segment(condition=name, start=NOW + timedelta(hours=a), end=NOW + timedelta(hours=b), reason="")
            for name, a, b in parts
        ]

    first = week(("up", 0, 4), ("degraded", 4, 8), ("up", 8, 10))
    second = week(("unknown", 0, 3), ("up", 3, 6), ("down", 6, 7), ("unreachable", 7, 9), ("up", 9, 10))
    assert (
        worst([first, second])
        == worst([second, first])
        == week(("up", 0, 4), ("degraded", 4, 6), ("down", 6, 7), ("unreachable", 7, 9), ("up", 9, 10))
    )
    assert worst([first]) == first
    assert worst([]) == []
