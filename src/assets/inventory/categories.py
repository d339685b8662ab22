"""The kinds of equipment that a new installation begins with; the province changes them as it likes. Data only.

The list follows what commune-level centres were found to have and are asked about; it is no official list.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Category:
    """A kind of equipment in both languages; `serves` names the need of a centre that it meets."""

    code: str
    name: str
    name_en: str
    serves: str = ""


CATEGORIES = (
    Category("desktop", "Máy tính để bàn", "Desktop computer", "computer"),
    Category("laptop", "Máy tính xách tay", "Laptop computer", "computer"),
    Category("public-computer", "Máy tính phục vụ người dân", "Computer for citizens"),
    Category("printer", "Máy in", "Printer", "printer"),
    Category("copier", "Máy photocopy, đa chức năng", "Photocopier, multifunction device", "printer"),
    Category("scanner", "Máy scan tài liệu", "Document scanner"),
    Category("numbering-machine", "Máy lấy số", "Numbering machine"),
    Category("queue-display", "Màn hình gọi số", "Queue display"),
    Category("kiosk", "Kiosk tra cứu, nộp hồ sơ", "Kiosk"),
    Category("satisfaction-device", "Thiết bị đánh giá hài lòng", "Satisfaction rating device"),
    Category("id-card-reader", "Đầu đọc căn cước gắn chip", "Chip identity card reader"),
    Category("barcode-reader", "Đầu đọc mã vạch, mã QR", "Barcode and QR reader"),
    Category("pos-terminal", "Máy POS", "Payment terminal"),
    Category("signing-token", "Thiết bị lưu khóa bí mật (USB token ký số)", "Digital signature token"),
    Category("router", "Bộ định tuyến", "Router", "network"),
    Category("firewall", "Tường lửa", "Firewall", "network"),
    Category("switch", "Thiết bị chuyển mạch", "Switch", "network"),
    Category("access-point", "Bộ phát Wi-Fi", "Wi-Fi access point", "network"),
    Category("recorder", "Camera và đầu ghi hình", "Cameras and recorder"),
    Category("storage", "Thiết bị lưu trữ mạng", "Network storage"),
    Category("ups", "Bộ lưu điện (UPS)", "Uninterruptible power supply"),
    Category("generator", "Máy phát điện", "Generator"),
    Category("conference", "Bộ họp trực tuyến", "Video conference set"),
    Category("shredder", "Máy hủy tài liệu", "Document shredder"),
)
