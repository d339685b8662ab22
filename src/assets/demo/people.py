"""Who can sign in to the demonstration: an account for each role, and for a few centres. No name of a person."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from assets.access.permissions import Role
from assets.db import Connection
from assets.demo.rows import write
from assets.ids import new_id

MARKER = "demo-marker"  # `assets serve` refuses a database with this user
ON_CALL, APPROVER, STOREKEEPER, PROVINCE = "on_call", "approver", "storekeeper", "province_it"
HOME = "21205"  # the centre of the accounts that are named after their role


@dataclass(frozen=True)
class Account:
    """One account; `unit` is the code of a commune, or empty for the province."""

    login: str
    role: Role
    display_name: str
    post: str
    purpose: str
    unit: str = ""


def _clerk(unit: str, name: str, purpose: str) -> Account:
    return Account(clerk_of(unit), Role.CLERK, f"Công chức một cửa {name}", "Công chức một cửa", purpose, unit)


def clerk_of(unit: str) -> str:
    """The login of a centre's clerk."""
    return "clerk" if unit == HOME else f"clerk-{unit}"


_PROVINCIAL = (
    Account("admin", Role.ADMINISTRATOR, "Quản trị hệ thống", "Quản trị hệ thống", "everything"),
    Account(
        PROVINCE, Role.PROVINCE_IT, "Chuyên viên Sở KH&CN", "Chuyên viên",
        "all centres worst first, inventory, requests",
    ),
    Account(ON_CALL, Role.ON_CALL, "Kỹ sư trực", "Kỹ sư trực", "takes incidents on, plans work"),
    Account(APPROVER, Role.APPROVER, "Người phê duyệt đề nghị", "Lãnh đạo phòng", "approves or returns requests"),
    Account(STOREKEEPER, Role.STOREKEEPER, "Thủ kho tỉnh", "Thủ kho", "issues equipment from the store"),
    Account("inspector", Role.INSPECTOR, "Thanh tra tỉnh", "Thanh tra viên", "reads all, with the audit log"),
    Account("service", Role.SERVICE, "Hệ thống kết nối", "Tài khoản máy", "reads, for programs"),
)  # fmt: skip
_CENTRES = (
    Account("accountant", Role.ACCOUNTANT, "Kế toán xã Ba Gia", "Kế toán", "the register of Ba Gia", HOME),
    Account("director", Role.DIRECTOR, "Giám đốc Trung tâm xã Ba Gia", "Giám đốc", "Ba Gia as a whole", HOME),
    _clerk(HOME, "xã Ba Gia", "Ba Gia: asks for equipment, follows it"),
    _clerk("23356", "xã Xốp", "Xốp: its only printer is broken"),
    _clerk("21250", "xã Nghĩa Giang", "Nghĩa Giang: an account has not been issued"),
    _clerk("21136", "xã Cà Đam", "Cà Đam: works on paper"),
    _clerk("21439", "phường Đức Phổ", "Đức Phổ: everything works"),
    _clerk("21115", "xã Trà Bồng", "Trà Bồng: a request that was given in part"),
    _clerk("21289", "xã Sơn Hà", "Sơn Hà: an approved request"),
    _clerk("21478", "phường Sa Huỳnh", "Sa Huỳnh: a refused request"),
    _clerk("23446", "xã Măng Ri", "Măng Ri: a withdrawn request"),
    _clerk("23538", "xã Ia Tơi", "Ia Tơi: a returned request"),
)  # fmt: skip
ACCOUNTS = (*_PROVINCIAL, *_CENTRES)


@dataclass(frozen=True)
class Person:
    """A user's row as events quote it."""

    id: UUID
    name: str


async def settle(tx: Connection, *, password_hash: str, units: Mapping[str, UUID], now: datetime) -> dict[str, Person]:
    """Write the accounts and the mark that this is a demonstration; answers people by login."""
    ids = {account.login: new_id() for account in ACCOUNTS}
    users = [
        {
            "id": ids[a.login], "name": a.login, "display_name": a.display_name, "post": a.post, "language": "vi",
            "password_hash": password_hash, "active": True, "created_at": now,
        }
        for a in ACCOUNTS
    ]  # fmt: skip
    marker = {
        "id": new_id(), "name": MARKER, "display_name": "Cơ sở dữ liệu trình diễn", "post": "", "language": "vi",
        "password_hash": None, "active": False, "created_at": now,
    }  # fmt: skip
    await write(tx, "users", [*users, marker])
    grants = [
        {"id": new_id(), "user": ids[a.login], "role": a.role.value, "unit": units.get(a.unit), "created_at": now}
        for a in ACCOUNTS
    ]
    await write(tx, "grants", grants)
    return {a.login: Person(ids[a.login], a.display_name) for a in ACCOUNTS}
