"""Hao mòn: what an asset has lost of its original cost as of a day, in whole đồng. Pure.

A year is reckoned once, on 31 December, and counts in full for whatever is in use on that day: the first one is that of
the year in which the asset was put into use, whatever the month, and there are as many as its useful life has years.
Each year takes the same whole đồng, rounded down; the last year takes the rest, so that the years sum to the cost. That
a year is reckoned in December and that the last one takes the rest is what centres are used to; it has not been checked
against the circular's text, and neither have any rates: those are data of the province.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

WHOLE = 10_000  # a rate of 100 %, in hundredths of a percent


class Reason(StrEnum):
    """Why no wear is reckoned; the first that holds, in this order."""

    NO_COST = "no_cost"
    NO_DATE = "no_date"
    NOT_YET = "not_yet"  # put into use after the day that is asked for
    NO_RATE = "no_rate"  # none for its category that was in force on the day when it was put into use
    BELOW_THRESHOLD = "below_threshold"  # công cụ, dụng cụ: tracked, but no fixed asset


@dataclass(frozen=True)
class Rule:
    """What is in force for a category: useful life, the cost from which something is a fixed asset, the yearly rate.

    `rate` is in hundredths of a percent (1429: 14,29 %); without one a year is the cost divided by the years.
    """

    years: int
    threshold: int = 0
    rate: int | None = None


@dataclass(frozen=True)
class Wear:
    """The wear of an asset as of a day; without figures when there is a reason for none."""

    years: int | None = None
    yearly: int | None = None
    accumulated: int | None = None
    remaining: int | None = None
    worn_out: bool = False
    reason: Reason | None = None


def wear(cost: int | None, put_into_use: date | None, rule: Rule | None, as_of: date) -> Wear:
    """The wear as of the end of a day; `rule` is the one that was in force on the day when it was put into use."""
    if cost is None:
        return Wear(reason=Reason.NO_COST)
    if put_into_use is None:
        return Wear(reason=Reason.NO_DATE)
    if put_into_use > as_of:
        return Wear(reason=Reason.NOT_YET)
    if rule is None:
        return Wear(reason=Reason.NO_RATE)
    if cost < rule.threshold:
        return Wear(years=rule.years, reason=Reason.BELOW_THRESHOLD)
    each = yearly(cost, rule)
    passed = open_year(as_of) - put_into_use.year
    taken = cost if passed >= rule.years else min(each * passed, cost)
    return Wear(rule.years, each, taken, cost - taken, worn_out=passed >= rule.years)


def yearly(cost: int, rule: Rule) -> int:
    """What every year but the last one takes."""
    return cost // rule.years if rule.rate is None else cost * rule.rate // WHOLE


def open_year(as_of: date) -> int:
    """The first year that is not reckoned yet at the end of a day: on 31 December it is the next one."""
    return as_of.year + ((as_of.month, as_of.day) == (12, 31))


def refused(rule: Rule) -> str | None:
    """Why years and rate do not belong together, as a source phrase; None when they do.

    All years but the last must leave something for it, and not more than about a year's part.
    """
    if rule.rate is None or rule.rate * (rule.years - 1) < WHOLE <= rule.rate * (rule.years + 1):
        return None
    return "A rate in hundredths of a percent that fits the years, such as 2000 for 5 years."
