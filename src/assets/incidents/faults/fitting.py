"""Which faults are offered for an asset, and the ones that a new installation begins with. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

OTHER = "other"  # always there, last, and wants words
FAMILIES = ("computer", "printer", "network")
# What templates/faults/_pictures.html can draw.
PICTURES = (
    "jam", "toner", "paper", "streaks", "offline", "power", "slow", "network", "wifi", "lock", "screen", "keyboard",
    "warning", "scan", "number", "card", "token", "battery", "camera", "sound", "fire", "crack", "other",
)  # fmt: skip


class Fitting(Protocol):
    """What says for which assets a fault is offered."""

    @property
    def categories(self) -> Sequence[str]:
        """Codes of categories."""

    @property
    def families(self) -> Sequence[str]:
        """What categories serve."""


def fits(kind: Fitting, category: str, serves: str) -> bool:
    """Whether a fault can be one of an asset of this category, which serves this need (empty: none)."""
    if not kind.categories and not kind.families:
        return True
    return category in kind.categories or (serves != "" and serves in kind.families)


@dataclass(frozen=True)
class Shipped:
    """A fault in both languages, for categories and families; with neither for all."""

    code: str
    name: str
    name_en: str
    picture: str
    categories: tuple[str, ...] = ()
    families: tuple[str, ...] = ()
    severity: str = "critical"


_PRINTS = ("printer",)
_COUNTS = ("kiosk", "public-computer")
KINDS = (
    Shipped("paper-jam", "Kẹt giấy", "Paper jam", "jam", families=_PRINTS, severity="warning"),
    Shipped("no-toner", "Hết mực, in mờ", "Out of toner, faint", "toner", families=_PRINTS, severity="warning"),
    Shipped("no-feed", "Không kéo giấy", "Does not feed paper", "paper", families=_PRINTS, severity="warning"),
    Shipped("streaks", "Bản in có vệt, nhòe", "Streaks or smears", "streaks", families=_PRINTS, severity="warning"),
    Shipped("does-not-print", "Bấm in mà không ra", "Does not print", "offline", families=_PRINTS),
    Shipped("cannot-sign-in", "Không đăng nhập được", "Cannot sign in", "lock", _COUNTS, ("computer",)),
    Shipped("no-network", "Không có mạng", "No network", "network", (*_COUNTS, "pos-terminal"), ("computer", "network")),
    Shipped("slow", "Chạy rất chậm, treo máy", "Very slow, hangs", "slow", _COUNTS, ("computer",), "warning"),
    Shipped("broken-screen", "Màn hình hỏng", "Broken screen", "screen", (*_COUNTS, "queue-display", "conference"),
            ("computer",)),
    Shipped("keyboard-mouse", "Bàn phím, chuột hỏng", "Keyboard or mouse", "keyboard", ("public-computer",), ("computer",),
            "warning"),
    Shipped("software-error", "Phần mềm báo lỗi", "Software shows an error", "warning", (*_COUNTS, "numbering-machine"),
            ("computer",)),
    Shipped("weak-wifi", "Wi-Fi yếu, chập chờn", "Weak Wi-Fi", "wifi", ("access-point",), severity="warning"),
    Shipped("does-not-scan", "Không quét được", "Does not scan", "scan", ("scanner", "copier")),
    Shipped("no-number", "Không cấp, không hiện số", "No numbers", "number", ("numbering-machine", "queue-display")),
    Shipped("does-not-read", "Không đọc được thẻ, mã", "Does not read", "card",
            ("id-card-reader", "barcode-reader", "pos-terminal")),
    Shipped("token-not-seen", "Máy không nhận thiết bị ký", "Token not recognised", "token", ("signing-token",)),
    Shipped("token-locked", "Bị khóa, sai mã PIN", "Locked, wrong PIN", "lock", ("signing-token",)),
    Shipped("beeps", "Kêu liên tục", "Beeps all the time", "sound", ("ups",), severity="warning"),
    Shipped("no-backup-power", "Mất điện là tắt ngay", "Goes off with the mains", "battery", ("ups",)),
    Shipped("no-picture", "Không có hình", "No picture", "camera", ("recorder", "conference", "queue-display")),
    Shipped("no-sound", "Không có tiếng", "No sound", "sound", ("conference", "queue-display", "recorder"), (), "warning"),
    Shipped("no-power", "Không lên nguồn", "Does not switch on", "power"),
    Shipped("smoke", "Có mùi khét, có khói", "Smell of burning, smoke", "fire"),
    Shipped("damaged", "Bị rơi, vỡ, vào nước", "Dropped, cracked, wet", "crack"),
)  # fmt: skip
