"""Invented cases that show what a paper looks like; each says in its names that it is a sample. Data only."""

from collections.abc import Mapping
from datetime import date

from assets.papers.kinds import (
    Content,
    CountedThing,
    Disposable,
    DisposalList,
    Figures,
    Handed,
    HandOver,
    Inspection,
    Need,
    Needs,
    Paper,
    Proposal,
    Seen,
    Stocktake,
    Submission,
    Wanted,
)

UNIT, SITE, OTHER = "Xã Mẫu", "Trung tâm Phục vụ hành chính công xã Mẫu", "Kho thiết bị mẫu"
DAY = date(2026, 11, 26)
DRAFT = "BẢN MẪU"
_LINES = (
    Wanted("Máy in", 2, 1, 3, 2, "Máy cũ kẹt giấy hằng ngày"),
    Wanted("Máy scan tài liệu", 1, 1, 0, 0),
)
_REASON = "Quầy tiếp nhận có một máy in dùng được cho bốn công chức; người dân phải chờ."

SAMPLES: Mapping[Paper, Content] = {
    Paper.PROPOSAL: Proposal(12, UNIT, SITE, DAY, "Người Mẫu", _REASON, _LINES),
    Paper.SUBMISSION: Submission(12, UNIT, SITE, DAY, "Người Mẫu", _REASON, _LINES),
    Paper.HAND_OVER: HandOver(
        "(Phiếu điều chuyển ĐC-7 trên hệ thống)", UNIT, OTHER, SITE, DAY,
        [
            Handed("Máy in HP LaserJet Pro M404dn", "QN-MAU-0001", "VNB3A00001", 12_500_000, 7_142_858, "Còn tốt"),
            Handed("Máy tính để bàn Dell OptiPlex 7010", "QN-MAU-0002", "AB1CD24", 17_400_000, 14_914_286),
        ],
        decision_number="00/QĐ-MẪU", decision_date=DAY, carrier="Lái xe Mẫu",
        missing=[Handed("Máy quét mã vạch Zebra DS2208", "QN-MAU-0006", note="không có trong thùng hàng")],
    ),
    Paper.DISPOSAL_LIST: DisposalList(UNIT, SITE, DAY, [
        Disposable("Máy in Canon LBP 2900", "QN-MAU-0003", "Máy in", 2014, 10_300_000, 0,
                   "Đã hết thời gian sử dụng (7 năm)"),
        Disposable("Máy scan Plustek PS3060U", "QN-MAU-0004", "Máy scan", 2022, 12_900_000, 5_528_572,
                   "Hư hỏng; báo giá sửa chữa 5.000.000 đồng, vượt 30% nguyên giá"),
    ]),
    Paper.NEEDS: Needs(DAY, [
        Need("Máy in", "Xã Mẫu", SITE, 2, [12]),
        Need("Máy in", "Phường Mẫu", "Trung tâm Phục vụ hành chính công phường Mẫu", 1, [15]),
        Need("Máy scan tài liệu", "Xã Mẫu", SITE, 1, [12]),
    ]),
    Paper.STOCKTAKE: Stocktake(
        3, UNIT, SITE, "Kiểm kê cuối năm", "00 giờ 00 phút ngày 26/11/2026", DAY,
        ["Người Mẫu – Trưởng ban", "Người Mẫu Hai – Thư ký"],
        [
            CountedThing("QN-MAU-0001", "Máy in HP LaserJet Pro M404dn", "Quầy 1", 2023, Figures(1, 12_500_000, 7_142_858),
                         Figures(1, 12_500_000, 7_142_858), "Đang sử dụng"),
            CountedThing("QN-MAU-0005", "Bộ lưu điện Santak TG1000", "Quầy 2", 2021, Figures(1, 3_200_000, None),
                         Figures(0, 0, None), "Thiếu"),
        ],
        ["Theo sổ: 2 tài sản. Khớp: 1. Thiếu: 1."], draft="Đang kiểm kê",
    ),
    Paper.INSPECTION: Inspection(
        UNIT, SITE, DAY, "QN-MAU-0004", "Máy scan Plustek PS3060U", "Máy scan", "A62Z00000001", "Quầy 2", "Người Mẫu",
        date(2022, 3, 1), date(2024, 3, 1), 12_900_000, 5_528_572, "Hư hỏng",
        faults=[Seen(date(2026, 10, 2), "Không phản hồi", "Đã khắc phục 03/10/2026")],
        declarations=[Seen(date(2026, 11, 20), "Không hoạt động: kẹt giấy, có tiếng kêu", "Người Mẫu")],
        repairs=[Seen(date(2025, 5, 12), "Thay trục kéo giấy", "Người Mẫu")],
        quotations=[Seen(date(2026, 11, 22), "5.000.000 đồng", "Cửa hàng Mẫu")],
    ),
}  # fmt: skip
