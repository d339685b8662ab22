"""Why nobody is disturbed just now, until when, and when people must hear of it."""

from datetime import UTC, datetime, timedelta

import pytest

from assets.incidents.suppression import Facts, Window, why_quiet
from assets.notifications.routing import Later, Quiet

NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
WORK = Window("replacing the switch", NOW - HOUR, NOW + HOUR)
LONGER = Window("the line is known", NOW - HOUR, NOW + 2 * HOUR)

CASES = [
    ("nothing speaks against it", Facts("opened", "open"), None),
    ("somebody has it: the others still hear", Facts("opened", "acknowledged"), None),
    ("it got worse", Facts("worse", "open"), None),
    ("its end", Facts("resolved", "resolved"), None),
    ("its end, during planned work", Facts("resolved", "resolved", windows=(WORK,)), None),
    ("over before it was told", Facts("opened", "resolved"), "over"),
    ("behind something gone", Facts("opened", "open", blamed_on="sw-02"), "unreachable"),
    ("planned work: told when it ends", Facts("opened", "open", windows=(WORK,)), Later(NOW + HOUR)),
    ("silenced: told when that ends", Facts("opened", "open", silences=(WORK,)), Later(NOW + HOUR)),
    ("both: the later end", Facts("opened", "open", windows=(WORK,), silences=(LONGER,)), Later(NOW + 2 * HOUR)),
    ("work that is over", Facts("opened", "open", windows=(Window("x", NOW - 2 * HOUR, NOW),)), None),
    ("work to come", Facts("opened", "open", windows=(Window("x", NOW + HOUR, NOW + 2 * HOUR),)), None),
]


@pytest.mark.parametrize(("why", "facts", "expected"), CASES, ids=[c[0] for c in CASES])
def test_when_it_is_asked_once_more_then_the_answer_is_as_written(
    why: str, facts: Facts, expected: Later | str | None
) -> None:
    verdict = why_quiet(facts, NOW)
    assert (verdict.code if isinstance(verdict, Quiet) else verdict) == expected
