"""What the forms say until the province has set its own. Data only.

The numbers of 01/TSC-XLTS, 02/TSC-BBGN and 04/TSC-MSTT and the decree that they belong to were read in its text; all
other papers have no number here. Titles and sentences are usual words and nobody's rule: they are there to be changed.
"""

from collections.abc import Mapping

from assets.papers.kinds import Form, Paper
from assets.web.language import N_

DECREE = "Căn cứ Nghị định số 186/2025/NĐ-CP của Chính phủ;"
_NUMBER = "Số: ……/……"

TITLES: Mapping[Paper, str] = {
    Paper.PROPOSAL: "Phiếu đề nghị cấp thiết bị",
    Paper.SUBMISSION: "Tờ trình đề nghị cấp thiết bị",
    Paper.HAND_OVER: "Biên bản bàn giao, tiếp nhận tài sản công",
    Paper.DISPOSAL_LIST: "Danh mục tài sản công đề nghị xử lý",
    Paper.NEEDS: "Bảng tổng hợp nhu cầu mua sắm tập trung",
    Paper.STOCKTAKE: "Biên bản kiểm kê tài sản",
    Paper.INSPECTION: "Biên bản kiểm tra tình trạng kỹ thuật",
}
PURPOSES: Mapping[Paper, str] = {
    Paper.PROPOSAL: N_("What a centre asks for, and why. From an equipment request."),
    Paper.SUBMISSION: N_("The same request, put before a superior. From an equipment request."),
    Paper.HAND_OVER: N_("What passes from one party to another. From a transfer, or from what was issued for a request."),
    Paper.DISPOSAL_LIST: N_("What should be written off, with its letter. From the list of what is eligible for disposal."),
    Paper.NEEDS: N_("What is approved and still has to be bought, by kind and unit. From the list of equipment requests."),
    Paper.STOCKTAKE: N_("What the register has, what was counted, and the difference. From a stocktake."),
    Paper.INSPECTION: N_("What is known of an asset before a repair or write-off; findings are written by hand. From an asset."),
}  # fmt: skip
_NOT_ADDRESSED = frozenset({"addressee"})
UNUSED: Mapping[Paper, frozenset[str]] = {  # what a paper has no place for
    Paper.HAND_OVER: _NOT_ADDRESSED, Paper.NEEDS: _NOT_ADDRESSED,
    **dict.fromkeys((Paper.STOCKTAKE, Paper.INSPECTION), frozenset({"addressee", "unit_of_measure"})),
}  # fmt: skip
DEFAULTS: Mapping[Paper, Form] = {
    Paper.PROPOSAL: Form(
        number_pattern=_NUMBER,
        opening="{site} đề nghị cấp thiết bị như sau:",
        closing="Kính đề nghị xem xét, giải quyết.",
        signatories="Người đề nghị\nThủ trưởng đơn vị",
        unit_of_measure="Chiếc",
    ),
    Paper.SUBMISSION: Form(
        number_pattern="Số: ……/TTr-……",
        opening="{site} kính trình xem xét việc cấp thiết bị với các nội dung sau:",
        closing="Kính trình xem xét, quyết định./.",
        signatories="Thủ trưởng đơn vị",
        recipients="- Như trên;\n- Lưu: VT.",
        unit_of_measure="Chiếc",
    ),
    Paper.HAND_OVER: Form(
        form_number="Mẫu số 02/TSC-BBGN",
        number_pattern=_NUMBER,
        legal_basis=DECREE,
        closing="Biên bản được lập thành …… bản có giá trị như nhau, mỗi bên giữ …… bản.",
        signatories="Đại diện bên nhận\nĐại diện bên giao\nĐại diện cơ quan chứng kiến (nếu có)",
        unit_of_measure="Chiếc",
    ),
    Paper.DISPOSAL_LIST: Form(
        form_number="Mẫu số 01/TSC-XLTS",
        number_pattern=_NUMBER,
        legal_basis=DECREE,
        opening="{site} đề nghị xem xét, quyết định xử lý tài sản công theo danh mục kèm theo.",
        closing="Kính đề nghị xem xét, quyết định./.",
        signatories="Thủ trưởng đơn vị",
        recipients="- Như trên;\n- Lưu: VT.",
        unit_of_measure="Chiếc",
    ),
    Paper.NEEDS: Form(
        form_number="Mẫu số 04/TSC-MSTT",
        number_pattern=_NUMBER,
        signatories="Người lập biểu\nThủ trưởng đơn vị",
        unit_of_measure="Chiếc",
    ),
    Paper.STOCKTAKE: Form(
        number_pattern=_NUMBER,
        opening="Đã kiểm kê tài sản, kết quả như sau:",
        signatories="Người lập\nKế toán\nThủ trưởng đơn vị",
    ),
    Paper.INSPECTION: Form(
        number_pattern=_NUMBER,
        opening="Các bên đã kiểm tra tình trạng kỹ thuật của thiết bị sau:",
        closing="Biên bản được lập thành …… bản có giá trị như nhau.",
        signatories="Đại diện đơn vị sử dụng\nNgười kiểm tra\nThủ trưởng đơn vị",
    ),
}
