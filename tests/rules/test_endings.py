"""Why a look ended is kept as a code's words and numbers, and said in the reader's language."""

import errno
import json
import os

import pytest

from assets import causes, phrases
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


# What each really says, in this order: the code it comes with, the error, in English, in Vietnamese.
ERRORS = [
    ("unreachable", "no route to host", "cannot be reached: no route to host", "không tới được: không có đường đến thiết bị"),
    ("port_failed", "network is unreachable", "port 443: network is unreachable", "cổng 443: không có đường đến mạng này"),
    ("port_failed", "connection timed out", "port 443: connection timed out", "cổng 443: chờ kết nối quá lâu"),
    ("broke", "[Errno 104] Connection reset by peer", "the connection broke: the other side broke off",
     "kết nối bị đứt: bên kia ngắt kết nối"),
    ("certificate", "certificate has expired", "certificate: expired", "chứng thư: đã hết hạn"),
    ("certificate", "self-signed certificate", "certificate: signed by itself", "chứng thư: tự ký, không do tổ chức nào cấp"),
    ("certificate", "Hostname mismatch, certificate is not valid for 'a.example'.",
     "certificate: made for another name", "chứng thư: cấp cho tên khác"),
    ("certificate", "IP address mismatch, certificate is not valid for '127.0.0.1'.",
     "certificate: made for another name", "chứng thư: cấp cho tên khác"),
    ("no_tls", "WRONG_VERSION_NUMBER", "no TLS: the port speaks something else than TLS (WRONG_VERSION_NUMBER)",
     "không thiết lập được TLS: cổng này không dùng TLS (WRONG_VERSION_NUMBER)"),
    ("no_tls", "TLSV1_ALERT_PROTOCOL_VERSION",
     "no TLS: no version of TLS that both take: one of them is too old (TLSV1_ALERT_PROTOCOL_VERSION)",
     "không thiết lập được TLS: hai bên không có chung phiên bản TLS: một bên quá cũ (TLSV1_ALERT_PROTOCOL_VERSION)"),
    ("server_badly", "[SSL: SSLV3_ALERT_HANDSHAKE_FAILURE] sslv3 alert handshake failure (_ssl.c:1006)",
     "the server answers badly: no way to encrypt that both take (SSLV3_ALERT_HANDSHAKE_FAILURE)",
     "máy chủ trả lời sai: hai bên không có chung cách mã hoá (SSLV3_ALERT_HANDSHAKE_FAILURE)"),
    ("broke", "snake_case of nobody", "the connection broke: snake_case of nobody", "kết nối bị đứt: snake_case of nobody"),
    ("broke", "x" * 400, "the connection broke: " + "x" * 400, "kết nối bị đứt: " + "x" * 400),
]  # fmt: skip


@pytest.mark.parametrize(("code", "error", "in_english", "in_vietnamese"), ERRORS)
def test_what_systems_and_tls_say_is_said_in_our_words_and_kept_as_it_was_said(
    code: str, error: str, in_english: str, in_vietnamese: str
) -> None:
    fields = ending(code, error=error, port=443)
    kept = phrases.store([phrases.Phrase(ENDINGS[code].text, fields["params"])])
    assert (say("en", kept), say("vi", kept)) == (in_english, in_vietnamese)
    assert error in fields["detail"]
    assert fields["params"]["error"] == error


def test_every_errno_that_is_usual_for_a_line_or_a_port_has_words_as_the_system_says_it() -> None:
    usual = (errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ETIMEDOUT, errno.ECONNRESET, errno.EPIPE,
             errno.EACCES, errno.EPERM, errno.EMFILE, errno.ENFILE, errno.EADDRNOTAVAIL, errno.ENETDOWN)  # fmt: skip
    for number in usual:
        assert causes.words(os.strerror(number)) == causes.words(str(OSError(number, os.strerror(number)))) is not None


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
