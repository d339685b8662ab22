"""Why a look ended is kept as a code's words and numbers, and said in the reader's language."""

import json

import pytest

from assets.phrases import load
from assets.probing.contract import Observation
from assets.probing.door import Malformed, Silent
from assets.probing.endings import ENDINGS, STORED_MAX, Param, badly, ending, english, told
from assets.probing.readings import Outcome, Result
from assets.web.language import say


@pytest.mark.parametrize(("code", "params", "in_english", "in_vietnamese"), [
    ("no_echoes", {"count": 3, "way": "icmp"}, "none of 3 echoes came back (icmp)",
     "gửi 3 gói ping, không gói nào quay lại (icmp)"),
    ("no_answer", {"tries": 2, "seconds": 2.0}, "no answer in 2 x 2 s", "không trả lời sau 2 lần hỏi, mỗi lần chờ 2 giây"),
    ("no_answer", {"tries": 1, "seconds": 0.15}, "no answer in 1 x 0.15 s",
     "không trả lời sau 1 lần hỏi, mỗi lần chờ 0,15 giây"),
    ("port_refused", {"port": 443}, "port 443: connection refused", "cổng 443 từ chối kết nối"),
    ("badly_community", {}, "the device answers badly: another community",
     "thiết bị trả lời sai: khác chuỗi cộng đồng"),
])  # fmt: skip
def test_an_ending_is_said_in_both_languages(
    code: str, params: dict[str, Param], in_english: str, in_vietnamese: str
) -> None:
    fields = ending(code, **params)
    assert fields["detail"] == english(code, params) == in_english
    kept = told(**fields)
    assert (say("en", kept), say("vi", kept)) == (in_english, in_vietnamese)


def test_an_error_carries_its_code_and_numbers_over_the_contract() -> None:
    error = Silent("no_answer", tries=2, seconds=1.5)
    sent = Result(outcome=Outcome.SILENT, detail=str(error), code=error.code, params=error.params).model_dump_json()
    seen = Result.model_validate_json(sent)
    assert (seen.code, dict(seen.params)) == ("no_answer", {"tries": 2, "seconds": 1.5})
    assert str(Malformed("by hand")) == "by hand"
    assert Malformed("by hand").code == ""


@pytest.mark.parametrize(("detail", "code", "params"), [
    ("as an older collector says it", "", {}),
    ("as a newer collector says it", "not_known_here", {"count": 1}),
    ("none of 3 echoes came back (icmp)", "no_echoes", {"number": 3}),  # other parameters than today's
])  # fmt: skip
def test_what_is_not_known_here_is_kept_as_it_was_said(detail: str, code: str, params: dict[str, Param]) -> None:
    assert told(detail, code, params) == detail
    assert say("vi", told(detail, code, params)) == detail


def test_what_a_collector_says_cannot_pass_for_stored_phrases_or_burst_the_column() -> None:
    hostile = json.dumps([["%(x)999999999d", {"x": 1}]])
    assert [phrase.params for phrase in load(told(hostile, "", {}))] == [{}]
    assert say("vi", told(hostile, "", {})) == hostile.lstrip("[")
    long = "x" * 250
    assert len(told(long, "no_tls", {"error": long})) <= STORED_MAX
    assert say("en", told("by %s", "by_way", {"way": "%(x)999999999d %s"})) == "by %(x)999999999d %s"


def test_every_reason_that_is_counted_has_an_ending() -> None:
    assert badly("another community") == ("badly_community", {})
    assert badly("something new") == ("badly", {"reason": "something new"})
    assert all(code in ENDINGS for code in (badly("too long")[0], badly("something new")[0]))


def test_an_observation_of_yesterday_is_still_read() -> None:
    old = {
        "sequence": 1,
        "target": None,
        "observed_at": "2026-11-26T00:00:00Z",
        "outcome": "silent",
        "detail": "no answer",
    }
    assert Observation.model_validate(old).code == ""
