"""Quotations for repairs and papers on things, through the same verbs that people use."""

import io
from collections.abc import Iterable
from datetime import datetime, timedelta

from assets.access.actor import SYSTEM
from assets.clock import LOCAL_ZONE
from assets.demo.fleet import Centre
from assets.inventory import service as inventory
from assets.inventory.attachments import service as attachments
from assets.inventory.attachments.upload import Sent
from assets.inventory.disposal import service as disposal

# A kind that no centre's readiness stands on; of the cost, what a repair would cost, and how long ago that was said.
QUOTED = "small-ups"
SHARES = (
    (46, 12, "Cửa hàng máy tính A (ví dụ)"),
    (38, 30, "Công ty Thiết bị B (ví dụ)"),
    (18, 5, "Cửa hàng máy tính A (ví dụ)"),
)
STATE = "broken"


async def keep(centres: Iterable[Centre], now: datetime) -> int:
    """Some broken things with what their repair would cost, each with the quotation as a paper; answers how many."""
    things = [thing for centre in centres for thing in centre.things if thing.word == QUOTED and thing.cost]
    today = now.astimezone(LOCAL_ZONE).date()
    for thing, (share, days, supplier) in zip(things, SHARES, strict=False):
        assert thing.cost
        await inventory.edit(SYSTEM, thing.tag, {"physical_state": STATE}, version=1, now=now)
        amount = thing.cost * share // 100 // 1_000 * 1_000
        quoted = disposal.NewQuotation(amount, supplier, today - timedelta(days=days), "Thay ắc quy và bo mạch.")
        await disposal.quote(SYSTEM, thing.tag, quoted, now=now)
        paper = Sent(
            io.BytesIO(_paper(f"Bao gia sua chua {thing.tag}: {amount} VND (du lieu trinh dien)")), "Báo giá sửa chữa"
        )
        await attachments.attach(SYSTEM, "asset", thing.tag, paper, note=supplier, now=now)
    return min(len(things), len(SHARES))


def _paper(line: str) -> bytes:
    """A PDF of one line; letters without marks, which every viewer has."""
    drawn = f"BT /F1 14 Tf 60 760 Td ({line}) Tj ET".encode("ascii")
    objects = (
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(drawn), drawn),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    )
    paper, places = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, start=1):
        places.append(len(paper))
        paper += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    start = len(paper)
    return paper + b"xref\n0 6\n0000000000 65535 f \n%strailer<</Size 6/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (
        table,
        start,
    )
