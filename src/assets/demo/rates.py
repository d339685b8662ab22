"""Example rates of wear, for the demo only: none of them has been checked, and the province writes down its own."""

from datetime import date

from assets.access.actor import SYSTEM
from assets.inventory.categories import CATEGORIES
from assets.inventory.wear_rates import NewRate, add_rate

SOURCE = "Dữ liệu ví dụ để trình diễn, chưa đối chiếu với văn bản; Sở Tài chính xác nhận trước khi dùng."
BEFORE, SINCE = date(2000, 1, 1), date(2025, 1, 1)
# Useful life in years and rate in hundredths of a percent.
FIVE, SEVEN, EIGHT = (5, 2000), (7, 1429), (8, 1250)
OFFICE = frozenset({"desktop", "laptop", "public-computer", "printer", "copier", "scanner"})
LONGER = frozenset({"ups"})


async def write_rates() -> int:
    """Two dated rates for what offices have, one for everything else; answers how many."""
    count = 0
    for category in CATEGORIES:
        lives = [(FIVE, BEFORE), (SEVEN, SINCE)] if category.code in OFFICE else [(FIVE, BEFORE)]
        for (years, rate), since in [(EIGHT, BEFORE)] if category.code in LONGER else lives:
            await add_rate(SYSTEM, NewRate(category.code, years, since, rate, source=SOURCE))
            count += 1
    return count
