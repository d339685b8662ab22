"""The systems that centres work with, and the accounts, certificates and seals of each centre."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from assets.clock import LOCAL_ZONE
from assets.db import Connection
from assets.demo.fleet import Centre
from assets.demo.rows import Row, write
from assets.demo.troubles import LACKS, Lack
from assets.ids import new_id

CLERK, DIRECTOR = "Công chức một cửa", "Giám đốc Trung tâm"
CERTIFICATE_YEARS = 3


@dataclass(frozen=True)
class System:
    """An application; its office and web address are examples."""

    code: str
    name: str
    name_en: str
    office: str
    needs_account: bool = True

    @property
    def web_address(self) -> str:
        """An address that leads nowhere (RFC 2606)."""
        return f"https://{self.code}.tinh.example/"


SYSTEMS = (
    System("dvcqg", "Cổng Dịch vụ công quốc gia", "National Public Service Portal", "Văn phòng UBND tỉnh (ví dụ)"),
    System(
        "mot-cua", "Hệ thống thông tin giải quyết TTHC tỉnh", "Provincial one-stop system",
        "Sở Khoa học và Công nghệ (ví dụ)",
    ),
    System("ho-tich", "Hệ thống đăng ký và quản lý hộ tịch điện tử", "Electronic civil status", "Sở Tư pháp (ví dụ)"),
    System("van-ban", "Hệ thống quản lý văn bản và điều hành", "Document management", "Văn phòng UBND tỉnh (ví dụ)"),
    System("ky-so", "Chữ ký số chuyên dùng công vụ", "Official digital signature", "Sở Khoa học và Công nghệ (ví dụ)"),
    System("bao-cao", "Hệ thống báo cáo", "Reporting system", "Văn phòng UBND tỉnh (ví dụ)", needs_account=False),
)  # fmt: skip


async def issue(tx: Connection, centres: Iterable[Centre], sites: Mapping[str, UUID], now: datetime) -> dict[str, UUID]:
    """Write systems and capabilities: everybody has everything but what `troubles.LACKS` says; system ids by code."""
    systems = {system.code: new_id() for system in SYSTEMS}
    await write(tx, "applications", [
        {
            "id": systems[s.code], "code": s.code, "name": s.name, "name_en": s.name_en, "owner_office": s.office,
            "web_address": s.web_address, "needs_account": s.needs_account,
        }
        for s in SYSTEMS
    ])  # fmt: skip
    today = now.astimezone(LOCAL_ZONE).date()
    lacks = {(lack.site, lack.application): lack for lack in LACKS}
    rows = [
        {"id": new_id(), "site": sites[centre.code], **row}
        for number, centre in enumerate(centres)
        for row in _held(centre, number, systems, lacks, today)
    ]
    await write(tx, "capabilities", rows)
    return systems


def _held(
    centre: Centre, number: int, systems: Mapping[str, UUID], lacks: Mapping[tuple[str, str], Lack], today: date
) -> Iterator[Row]:
    issued = today - timedelta(days=380 - number)
    for system in SYSTEMS:
        if system.needs_account:
            lack = lacks.get((centre.code, system.code))
            yield _row("account", f"Tài khoản {system.name}", CLERK, issued, systems[system.code], lack, today)
    lack = lacks.get((centre.code, "ky-so"))
    ends = issued + timedelta(days=365 * CERTIFICATE_YEARS)
    certificate = _row("token", "Chứng thư số trên thiết bị lưu khóa bí mật", DIRECTOR, issued, None, lack, today)
    yield certificate if lack else {**certificate, "expires_on": ends}
    yield _row("seal", "Con dấu của Trung tâm", DIRECTOR, issued, None, None, today)
    if centre.size != "small":
        yield _row("training", "Đã tập huấn tiếp nhận hồ sơ trực tuyến", CLERK, issued, None, None, today)


def _row(
    kind: str, title: str, post: str, issued: date, system: UUID | None, lack: Lack | None, today: date
) -> dict[str, object]:
    had = lack is None or lack.status in ("expired", "revoked")
    return {
        "application": system, "kind": kind, "title": title, "holder_post": post,
        "status": lack.status if lack else "issued", "since": issued if had else None,
        "expires_on": lack.expires_on(today) if lack else None,
    }  # fmt: skip
