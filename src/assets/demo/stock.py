"""What lies in the provincial store, ready to be issued. Pure."""

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

from assets.demo.catalogue import MAKES
from assets.demo.fleet import Place, Thing, bought

STORE = "KHO-01"
STORE_UNIT = "21025"  # a ward of the provincial seat
STORE_NAME = "Kho thiết bị công nghệ thông tin tỉnh (trình diễn)"
SHELVES = (
    ("desktop", 10), ("printer", 7), ("usb-printer", 2), ("scanner", 5), ("ups", 3), ("small-ups", 4), ("router", 2),
    ("switch", 3), ("access-point", 3), ("laptop", 3), ("signing-token", 4),
)  # fmt: skip
NEW_YEARS = 2  # what lies in the store was bought lately
DAYS_OLD = (60, 420)


def shelves(today: date, serials: set[str]) -> Iterator[Thing]:
    """The things of the store, in the order of their tags."""
    dice = random.Random("stock")  # noqa: S311 - believable, not secret
    number = 0
    for word, count in SHELVES:
        latest = max(make.years[1] for make in MAKES[word])
        recent = [make for make in MAKES[word] if make.years[1] >= latest - NEW_YEARS]
        for _ in range(count):
            number += 1
            place = Place(STORE, f"QN-KHO-{number:04d}", room="Kệ hàng")
            thing = bought(dice, dice.choice(recent), word, place, today, serials)
            yield replace(thing, put_into_use=today - timedelta(days=dice.randint(*DAYS_OLD)), worn=False, note="")
