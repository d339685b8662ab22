"""An example of what a centre should have, the decree's norms, and the people by group: for the demo only.

The kit is nobody's decision, and says so on every page that shows it.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from uuid import UUID

from assets.access.actor import SYSTEM
from assets.db import Connection
from assets.demo.fleet import Centre
from assets.demo.rows import write
from assets.ids import new_id
from assets.inventory.kits.allowance import Per, What
from assets.inventory.kits.decree import NORMS
from assets.inventory.kits.norm_book import add_decree_norms
from assets.inventory.kits.service import NewKit, NewLine, add_kit

SOURCE = "Ví dụ để trình diễn: chưa có danh mục tối thiểu chính thức cho cấp xã."
COUNTED_BEFORE = timedelta(days=60)  # as the newest head-count
LINES = (
    NewLine(What.CATEGORY, "desktop", 1, Per.COUNTER), NewLine(What.CATEGORY, "printer", 1, Per.COUNTER, every=2),
    NewLine(What.CATEGORY, "scanner", 1, Per.COUNTER, every=3), NewLine(What.CATEGORY, "public-computer"),
    NewLine(What.CATEGORY, "numbering-machine"), NewLine(What.CATEGORY, "ups"), NewLine(What.CATEGORY, "router"),
    NewLine(What.CATEGORY, "signing-token"), NewLine(What.LINK, "dedicated"),
    NewLine(What.CAPABILITY, "account", 1, Per.COUNTER, every=2),
)  # fmt: skip


async def write_kit(tx: Connection, centres: Iterable[Centre], sites: Mapping[str, UUID], now: datetime) -> None:
    """The example kit, the norms as they are shipped, and all people as officers but one."""
    await add_kit(
        SYSTEM, NewKit("centre", "Danh mục ví dụ cho Trung tâm", "centre", name_en="Example kit of a centre",
                       is_example=True, source=SOURCE, lines=LINES),
    )  # fmt: skip
    await add_decree_norms(SYSTEM, NORMS)
    day = (now - COUNTED_BEFORE).date()
    await write(tx, "post_counts", [
        {"id": new_id(), "site": sites[centre.code], "post_group": group, "as_of": day, "people": people}
        for centre in centres for group, people in (("VII", 1), ("VIII", centre.people - 1))
    ])  # fmt: skip
