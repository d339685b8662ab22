"""Readiness: what three facts make of a centre, and the promises of the rule."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.monitoring.conditions import Condition
from assets.readiness.rules import (
    DECISIONS,
    RANK,
    WORD_LASTS,
    Account,
    Application,
    Facts,
    Line,
    Readiness,
    Said,
    Source,
    Thing,
    Use,
    judge,
)

NOW = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
BEFORE = NOW - timedelta(hours=2)
ABLE, LIMITED, UNKNOWN, UNABLE = Readiness

PC = Thing("PC-1", Use.COMPUTER, Condition.UP, BEFORE)
PRINTER = Thing("PR-1", Use.PRINTER, Condition.UP, BEFORE)
MAIN = Line("L-1", "Carrier A", hotline="0000", condition=Condition.UP, since=BEFORE)
BACKUP = Line("L-2", "Carrier B", primary=False, condition=Condition.UP, since=BEFORE)
HAVE = Application("Portal", "Department J", (Account("issued"),))
GOOD = Facts((PC, PRINTER), (MAIN,), (HAVE,), equipment_recorded=True)


def _is(thing: Thing, condition: Condition | None, **others: object) -> Thing:
    return replace(thing, condition=condition, **others)  # type: ignore[arg-type]


def _codes(facts: Facts) -> tuple[Readiness, list[str]]:
    verdict = judge(facts, NOW)
    return verdict.readiness, [reason.code for reason in verdict.reasons]


DOWN_MAIN = replace(MAIN, condition=Condition.DOWN)
NO_SOURCE = {"condition": None, "since": None}
CASES: list[tuple[str, Facts, Readiness, list[str]]] = [
    ("all three facts hold", GOOD, ABLE, []),
    ("at night a computer is off", replace(GOOD, things=(_is(PC, Condition.OFF_EXPECTED), PRINTER)), ABLE, []),
    ("one of two printers is broken", replace(GOOD, things=(PC, PRINTER, _is(PRINTER, Condition.DOWN))), ABLE, []),
    ("the only printer is out of toner", replace(GOOD, things=(PC, _is(PRINTER, Condition.DEGRADED))),
     LIMITED, ["printer_impaired"]),
    ("the only printer is down", replace(GOOD, things=(PC, _is(PRINTER, Condition.DOWN))), UNABLE, ["printer_fails"]),
    ("there is no printer", replace(GOOD, things=(PC,)), UNABLE, ["printer_none"]),
    ("a person says the printer is broken though it answers",
     replace(GOOD, things=(PC, replace(PRINTER, said=Said(works=False, at=BEFORE)))), UNABLE, ["printer_fails"]),
    ("the printer is not measured, the register says good",
     replace(GOOD, things=(PC, replace(PRINTER, **NO_SOURCE))), ABLE, ["printer_by_register"]),
    ("the register says broken", replace(GOOD, things=(PC, replace(PRINTER, **NO_SOURCE, recorded="broken"))),
     UNABLE, ["printer_fails"]),
    ("the register says broken, later a person says that it works",
     replace(GOOD, things=(PC, replace(PRINTER, **NO_SOURCE, recorded="broken", recorded_at=BEFORE,
                                       said=Said(works=True, at=NOW)))), ABLE, []),
    ("no data on the printer", replace(GOOD, things=(PC, _is(PRINTER, Condition.UNKNOWN))),
     UNKNOWN, ["printer_no_data"]),
    ("no data, but a person said within a day that it works",
     replace(GOOD, things=(PC, _is(PRINTER, Condition.UNKNOWN, said=Said(works=True, at=NOW - WORD_LASTS)))), ABLE, []),
    ("no data, and the person's word is too old",
     replace(GOOD, things=(PC, _is(PRINTER, Condition.UNREACHABLE,
                                   said=Said(works=True, at=NOW - WORD_LASTS - timedelta(seconds=1))))),
     UNKNOWN, ["printer_no_data"]),
    ("it is down, whatever a person said", replace(GOOD, things=(PC, _is(
        PRINTER, Condition.DOWN, said=Said(works=True, at=NOW)))), UNABLE, ["printer_fails"]),
    ("no equipment in the register", replace(GOOD, things=(), equipment_recorded=False),
     UNKNOWN, ["equipment_not_recorded"]),
    ("a register without computers and printers", replace(GOOD, things=()), UNABLE, ["computer_none", "printer_none"]),
    ("main line down, backup works", replace(GOOD, lines=(DOWN_MAIN, BACKUP)), LIMITED, ["line_on_backup"]),
    ("main line without data, backup works",
     replace(GOOD, lines=(replace(MAIN, condition=Condition.UNKNOWN), BACKUP)), LIMITED, ["line_main_no_data"]),
    ("both lines down", replace(GOOD, lines=(DOWN_MAIN, replace(BACKUP, condition=Condition.DOWN))),
     UNABLE, ["line_fails"]),
    ("the only line down", replace(GOOD, lines=(DOWN_MAIN,)), UNABLE, ["line_fails"]),
    ("main line down, backup without data", replace(GOOD, lines=(DOWN_MAIN, replace(BACKUP, condition=None))),
     UNKNOWN, ["line_no_data"]),
    ("the line is poor", replace(GOOD, lines=(replace(MAIN, condition=Condition.DEGRADED),)),
     LIMITED, ["line_impaired"]),
    ("the line is cut off by the centre's own router",
     replace(GOOD, lines=(replace(MAIN, condition=Condition.UNREACHABLE, behind="RT-1"),)), UNABLE, ["line_behind"]),
    ("the line is behind something elsewhere: nothing is known of it",
     replace(GOOD, lines=(replace(MAIN, condition=Condition.UNREACHABLE),)), UNKNOWN, ["line_no_data"]),
    ("nothing measures the line", replace(GOOD, lines=(replace(MAIN, condition=None),)), UNKNOWN, ["line_no_data"]),
    ("no line is recorded", replace(GOOD, lines=()), UNKNOWN, ["line_not_recorded"]),
    ("none of the lines is marked as the main one", replace(GOOD, lines=(BACKUP,)), ABLE, []),
    ("no account issued", replace(GOOD, applications=(replace(HAVE, accounts=(Account("waiting"),)),)),
     UNABLE, ["accounts_none"]),
    ("no account recorded", replace(GOOD, applications=(replace(HAVE, accounts=()),)),
     UNKNOWN, ["accounts_not_recorded"]),
    ("one application of two without account",
     replace(GOOD, applications=(HAVE, Application("Registry", "", (Account("waiting"),)))),
     LIMITED, ["account_missing"]),
    ("one of two has expired yesterday",
     replace(GOOD, applications=(HAVE, Application("Registry", "", (Account("issued", date(2026, 11, 23)),)))),
     LIMITED, ["account_expired"]),
    ("an account expires today and is still good",
     replace(GOOD, applications=(replace(HAVE, accounts=(Account("issued", date(2026, 11, 24)),)),)), ABLE, []),
    ("one officer waits while a colleague has an account",
     replace(GOOD, applications=(replace(HAVE, accounts=(Account("waiting"), Account("issued"))),)), ABLE, []),
    ("the account is said to fail",
     replace(GOOD, applications=(HAVE, Application("Registry", "", (Account("issued", said_broken=True),)))),
     LIMITED, ["account_expired"]),
    ("no application needs an account", replace(GOOD, applications=()), ABLE, []),
    ("paper mode", replace(GOOD, paper_mode_since=BEFORE), LIMITED, ["paper_mode"]),
    ("paper mode does not hide that no line works", replace(GOOD, lines=(DOWN_MAIN,), paper_mode_since=BEFORE),
     UNABLE, ["line_fails", "paper_mode"]),
    ("the collector is silent and so are its devices",
     replace(GOOD, things=(_is(PC, Condition.UNKNOWN), PRINTER), silent_collector="C-1"),
     UNKNOWN, ["computer_no_data", "collector_silent"]),
    ("the collector is silent, but its devices are not yet overdue", replace(GOOD, silent_collector="C-1"), ABLE, []),
    ("surely failing beats what is not known",
     replace(GOOD, things=(_is(PC, Condition.UNKNOWN), _is(PRINTER, Condition.DOWN))),
     UNABLE, ["printer_fails", "computer_no_data"]),
]  # fmt: skip


@pytest.mark.parametrize(("facts", "readiness", "codes"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_when_facts_are_such_then_the_verdict_is(facts: Facts, readiness: Readiness, codes: list[str]) -> None:
    assert _codes(facts) == (readiness, codes)


def test_when_every_case_is_judged_then_every_decision_has_been_seen() -> None:
    seen = {reason.code for _, facts, _, _ in CASES for reason in judge(facts, NOW).reasons}
    assert set(DECISIONS) - seen <= {"computer_impaired", "computer_fails", "computer_by_register"}  # as the printers'


def test_when_a_line_fails_then_the_carrier_is_named_as_owner() -> None:
    (reason,) = judge(replace(GOOD, lines=(DOWN_MAIN,)), NOW).reasons
    assert reason.owner % reason.params == "Carrier Carrier A"
    assert "0000" in reason.next_step % reason.params
    assert reason.sources == (Source.MEASURED,)
    assert reason.since == BEFORE


def test_when_a_person_said_it_then_the_reason_says_so() -> None:
    (reason,) = judge(replace(GOOD, things=(PC, replace(PRINTER, said=Said(works=False, at=NOW)))), NOW).reasons
    assert reason.sources == (Source.DECLARED,)


_CONDITIONS = st.sampled_from([None, *Condition])
_SAID = st.none() | st.builds(Said, works=st.booleans(), at=st.sampled_from([NOW, BEFORE, NOW - timedelta(days=9)]))
_NAMES = st.text("abc", min_size=1, max_size=3)
_THINGS = st.builds(
    Thing, name=_NAMES, use=st.sampled_from(Use), condition=_CONDITIONS, said=_SAID,
    recorded=st.sampled_from(["good", "worn", "broken"]),
)  # fmt: skip
_LINES = st.builds(
    Line, name=_NAMES, carrier=_NAMES, primary=st.booleans(), condition=_CONDITIONS, said=_SAID,
    behind=st.sampled_from(["", "RT-1"]),
)  # fmt: skip
_ACCOUNTS = st.builds(
    Account, status=st.sampled_from(["not_issued", "waiting", "issued", "expired", "revoked"]),
    expires_on=st.none() | st.dates(date(2026, 11, 1), date(2026, 12, 20)), said_broken=st.booleans(),
)  # fmt: skip
_APPLICATIONS = st.builds(Application, name=_NAMES, accounts=st.lists(_ACCOUNTS, max_size=3).map(tuple))
FACTS = st.builds(
    Facts, things=st.lists(_THINGS, max_size=5).map(tuple), lines=st.lists(_LINES, max_size=3).map(tuple),
    applications=st.lists(_APPLICATIONS, max_size=3).map(tuple), equipment_recorded=st.booleans(),
    paper_mode_since=st.none() | st.just(BEFORE), silent_collector=st.sampled_from(["", "C-1"]),
)  # fmt: skip


@given(FACTS)
def test_when_the_verdict_is_not_able_then_a_reason_of_that_weight_leads(facts: Facts) -> None:
    verdict = judge(facts, NOW)
    if verdict.readiness is not ABLE:
        assert verdict.reasons[0].effect is verdict.readiness
    for reason in verdict.reasons:
        assert all((text % reason.params).strip() for text in (reason.message, reason.owner, reason.next_step))


@given(FACTS, st.randoms(use_true_random=False))
def test_when_facts_come_in_another_order_then_the_verdict_is_the_same(facts: Facts, random: Random) -> None:
    mixed = {name: random.sample(getattr(facts, name), len(getattr(facts, name)))
             for name in ("things", "lines", "applications")}  # fmt: skip
    assert judge(replace(facts, **{k: tuple(v) for k, v in mixed.items()}), NOW) == judge(facts, NOW)


_WORSE = [Condition.UP, Condition.DEGRADED, Condition.UNKNOWN, Condition.DOWN]


@given(FACTS, st.data())
def test_when_more_is_broken_then_the_verdict_never_improves(facts: Facts, data: st.DataObject) -> None:
    worse = _break(facts, data)
    assert RANK[judge(worse, NOW).readiness] >= RANK[judge(facts, NOW).readiness]


def _break(facts: Facts, data: st.DataObject) -> Facts:
    """The same centre with one thing more that is wrong."""
    what = data.draw(st.sampled_from(["thing", "line", "account", "paper", "collector", "one more broken"]))
    if what == "thing" and facts.things:
        return replace(facts, things=_with(facts.things, data))
    if what == "line" and facts.lines:
        return replace(facts, lines=_with(facts.lines, data))
    if what == "account" and any(a.accounts for a in facts.applications):
        broken = tuple(
            replace(a, accounts=tuple(replace(x, said_broken=True) for x in a.accounts)) for a in facts.applications
        )
        return replace(facts, applications=broken)
    if what == "paper":
        return replace(facts, paper_mode_since=BEFORE)
    if what == "one more broken":
        return replace(facts, things=(*facts.things, Thing("x", data.draw(st.sampled_from(Use)), Condition.DOWN)))
    return replace(facts, silent_collector="C-1")


def _with(things: tuple, data: st.DataObject) -> tuple:  # type: ignore[type-arg]
    index = data.draw(st.integers(0, len(things) - 1))
    thing = things[index]
    if data.draw(st.booleans()) or thing.condition not in _WORSE:
        worse = replace(thing, said=Said(works=False, at=NOW))
    else:
        later = _WORSE[_WORSE.index(thing.condition) :]
        worse = replace(thing, condition=data.draw(st.sampled_from(later)))
    return (*things[:index], worse, *things[index + 1 :])


@given(FACTS)
def test_when_there_is_no_data_then_a_centre_is_never_able(facts: Facts) -> None:
    def blind(thing):  # type: ignore[no-untyped-def]
        return replace(thing, condition=Condition.UNKNOWN, said=None)

    dark = replace(facts, things=tuple(map(blind, facts.things)), lines=tuple(map(blind, facts.lines)))
    assert judge(dark, NOW).readiness in (UNKNOWN, UNABLE)
    assert judge(Facts(), NOW).readiness is UNKNOWN
