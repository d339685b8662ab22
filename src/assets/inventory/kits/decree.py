"""The norms that a new installation begins with: QĐ 15/2025/QĐ-TTg, Phụ lục II, groups of the commune level. Data only.

The text was read when this was written; QĐ 10/2026 has amended it and was not seen. So each row says where it comes from
and that nobody has verified it yet; the province corrects it, ends it and adds its own. All are maxima, prices include
tax and leave out delivery, installation and licences of software.
"""

from datetime import date

from assets.inventory.kits.allowance import Per
from assets.inventory.kits.norm_book import NewNorm

VALID_FROM = date(2025, 7, 1)
_DECREE = "QĐ 15/2025/QĐ-TTg, Phụ lục II, {}. Đã được sửa đổi bởi QĐ 10/2026, chưa xem văn bản sửa đổi."
MILLION = 1_000_000
LEADER = "Bí thư Đảng ủy cấp xã"
DEPUTIES = "Phó Bí thư; Chủ tịch, Phó Chủ tịch HĐND, UBND; Chủ tịch MTTQ cấp xã; chuyên viên chính"
OFFICERS = "Trưởng, phó phòng cấp xã; công chức cấp xã; lao động hợp đồng"


def _norm(equipment: str, categories: list[str], title: str, millions: int, group: str, *, every: int = 1) -> NewNorm:
    where = f"nhóm {group}" if group and every == 1 else "Mục B (trang bị chung)"
    return NewNorm(
        equipment=equipment, categories=categories, title=title, quantity=1, per=Per.POST if group else Per.PERSON,
        every=every, post_group=group, price_max=millions * MILLION, valid_from=VALID_FROM, source=_DECREE.format(where),
    )  # fmt: skip


NORMS = (
    _norm("computer", ["desktop"], f"Máy tính để bàn: {LEADER}", 20, "VI"),
    _norm("computer", ["laptop"], f"Máy tính xách tay, máy tính bảng: {LEADER}", 25, "VI"),
    _norm("computer", ["desktop", "laptop"], f"Máy tính để bàn hoặc xách tay: {DEPUTIES}", 20, "VII"),
    _norm("computer", ["desktop", "laptop"], f"Máy tính để bàn hoặc xách tay: {OFFICERS}", 20, "VIII"),
    _norm("printer", ["printer"], f"Máy in: {LEADER}", 13, "VI"),
    _norm("printer", ["printer"], f"Máy in: {DEPUTIES}", 13, "VII"),
    _norm("printer", ["printer"], "Máy in dùng chung: 1 máy cho 3 người nhóm VIII", 13, "VIII", every=3),
    _norm("scanner", ["scanner"], "Máy scan tài liệu dùng chung: 1 máy cho 15 người", 22, "", every=15),
    _norm("shredder", ["shredder"], "Máy hủy tài liệu dùng chung: 1 máy cho 15 người", 10, "", every=15),
    _norm("copier", ["copier"], "Máy photocopy dùng chung: 1 máy cho 15 người", 110, "", every=15),
)
