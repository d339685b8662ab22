"""Reminders from the register to the message: once, grouped, to whom it concerns, and as a list and a page."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from assets import clock
from assets.access.actor import SYSTEM
from assets.access.permissions import Role
from assets.db import EVERYTHING, transaction
from assets.ids import new_id
from assets.inventory import things
from assets.inventory.reminders import service
from assets.inventory.reminders.telling import ReminderTelling
from assets.notifications import service as notifications
from tests.conftest import House
from tests.http.test_wear import FOREIGN, OWN, asset, model

SEVEN = datetime(2027, 3, 1, 0, 0, tzinfo=UTC)  # 07:00 in Viet Nam
DAY = date(2027, 3, 1)


async def channel(name: str, *, site: str | None = None, kinds: tuple[str, ...] = (), severity: str = "info") -> UUID:
    made = new_id()
    async with transaction(EVERYTHING) as tx:
        await tx.execute(
            "insert into channels (id, name, url, scheme, language, enabled, last_error, version) "
            "values ($1,$2,'x','mailtos','vi',true,'',1)", made, name,
        )  # fmt: skip
    await notifications.create_subscription(SYSTEM, notifications.NewSubscription(made, site, kinds, severity))
    return made


async def account(title: str, ends: date | None, site: str = OWN, status: str = "issued") -> None:
    await things.add_capability(SYSTEM, things.NewCapability(site, "token", title, status, expires_on=ends))


async def written() -> list[Any]:
    async with transaction(EVERYTHING) as tx:
        rows = await tx.fetch(
            "select n.*, c.name as channel_name from notifications n join channels c on c.id = n.channel order by c.name, n.id"
        )
    return [dict(row) | {"facts": json.loads(row["facts"])} for row in rows]


def named(row: Any) -> list[str]:
    return [line["name"] for line in row["facts"]["lines"]]


async def test_when_things_run_out_then_each_recipient_gets_one_message_of_what_concerns_it(house: House) -> None:
    await channel("a-province")
    await channel("b-centre", site=FOREIGN)
    await channel("c-tokens", kinds=("capability_end",), severity="critical")
    printer = await model()
    await asset("A-1", printer, name="Máy in", warranty_until=DAY + timedelta(days=30))
    await asset("A-2", printer, name="Máy cũ", warranty_until=DAY - timedelta(days=30), site=FOREIGN)
    await asset("A-3", printer, name="Còn lâu", warranty_until=DAY + timedelta(days=31))
    await asset("A-4", printer, name="Hết từ lâu", warranty_until=DAY - timedelta(days=31))
    await account("Hết hôm nay", DAY)
    await account("Còn 90 ngày", DAY + timedelta(days=90), FOREIGN)
    await account("Chưa cấp", DAY, status="waiting")
    line = things.NewLink("L-1", OWN, "fibre", "VNPT", contract_until=DAY + timedelta(days=29))
    await things.add_link(SYSTEM, line)
    assert await service.remind(SEVEN - timedelta(minutes=1)) == 0, "not before seven"
    assert await service.remind(SEVEN) == 5
    province, centre, tokens = await written()
    assert set(named(province)) == {"Máy in", "Máy cũ", "Hết hôm nay", "Còn 90 ngày", "VNPT"}
    assert set(named(centre)) == {"Máy cũ", "Còn 90 ngày"}
    assert named(tokens) == ["Hết hôm nay"]
    assert [row["severity"] for row in (province, centre, tokens)] == ["critical", "warning", "critical"]
    assert (province["site"], centre["site"] is not None) == (None, True)
    for later in range(1, 100):  # every ten minutes, and after a restart
        await service.remind(SEVEN + timedelta(minutes=10 * later))
    assert len(await written()) == 3
    message = await ReminderTelling("https://x").compose(None, province["subject"], "", province["facts"], "vi")  # type: ignore[arg-type]
    assert "5 mục" in message.title
    for words in (
        "Phường Cẩm Thành: Máy in (A-1)",
        "31/03/2027",
        "còn 30 ngày",
        "hết hạn hôm nay",
        "https://x/reminders",
    ):
        assert words in message.body, (words, message.body)
    assert message.body.count("\n") < 13


async def test_when_a_day_changes_or_nobody_was_there_then_it_starts_anew_or_catches_up_once(house: House) -> None:
    await account("Chứng thư", DAY + timedelta(days=90))
    assert await service.remind(SEVEN) == 0, "nobody has subscribed"
    await channel("a")
    assert await service.remind(SEVEN + timedelta(days=1)) == 1
    assert await service.remind(SEVEN + timedelta(days=80)) == 1, "30 was missed: one message, for the nearest point"
    assert await service.remind(SEVEN + timedelta(days=81)) == 0
    async with transaction(EVERYTHING) as tx:
        told = await tx.fetch("select point from reminders order by told_at")
        await tx.execute("update capabilities set expires_on = $1", DAY + timedelta(days=120))
    assert [row["point"] for row in told] == [90, 30]
    assert await service.remind(SEVEN + timedelta(days=82)) == 1, "renewed: its new day has points of its own"
    assert len(await written()) == 3


async def test_when_much_has_ended_before_the_first_look_then_the_message_stays_short(house: House) -> None:
    await channel("a")
    for number in range(service.LINES_MAX + 5):
        await account(f"Tài khoản {number}", DAY - timedelta(days=number // 2 + 1))
    assert await service.remind(SEVEN) == service.LINES_MAX + 5
    [row] = await written()
    assert (len(named(row)), row["facts"]["total"]) == (service.LINES_MAX, service.LINES_MAX + 5)
    message = await ReminderTelling("https://x").compose(None, row["subject"], "", row["facts"], "en")  # type: ignore[arg-type]
    assert "and 5 more" in message.body
    assert await service.remind(SEVEN + timedelta(days=1)) == 0


async def test_when_a_write_fails_then_the_day_is_not_done(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    await channel("a")
    await account("Chứng thư", DAY)

    async def fail(*_: Any, **__: Any) -> Any:
        raise RuntimeError

    with monkeypatch.context() as broken:
        broken.setattr(service, "announce_together", fail)
        with pytest.raises(RuntimeError):
            await service.remind(SEVEN)
    assert await service.remind(SEVEN) == 1


async def test_when_reminders_are_listed_then_they_say_what_was_told_and_what_comes(house: House) -> None:
    bob, ivan = await house.person("bob", Role.PROVINCE_IT), await house.person("ivan", Role.CLERK, unit=FOREIGN)
    today = clock.today()
    await channel("a")
    await account("Chứng thư", today + timedelta(days=7))
    await account("Tài khoản", today - timedelta(days=3), FOREIGN)
    await account("Từ lâu", today - timedelta(days=900))
    listed = (await bob.get("/api/v1/reminders")).json()["items"]
    assert [(row["name"], row["days_left"], row["told_point"], row["next_on"]) for row in listed] == [
        ("Từ lâu", -900, None, None), ("Tài khoản", -3, None, today.isoformat()), ("Chứng thư", 7, None, today.isoformat()),
    ]  # fmt: skip
    await service.remind(clock.end_of_day(today) - timedelta(minutes=1))
    listed = (await bob.get("/api/v1/reminders?sort=-ends_on")).json()["items"]
    assert [(row["told_point"], row["next_on"]) for row in listed] == [
        (7, (today + timedelta(days=7)).isoformat()), (0, None), (None, None),
    ]  # fmt: skip
    assert [row["name"] for row in (await ivan.get("/api/v1/reminders")).json()["items"]] == ["Tài khoản"]
    bob.cookies.set("language", "vi")
    page = (await bob.get("/reminders")).text
    assert ("Chứng thư" in page, "Tài khoản</a>" in page, "/reminders/points/" in page) == (True, False, True)
    past = (await bob.get(f"/reminders?ends_on__lt={today}&sort=-ends_on&site=&kind=")).text
    assert "Tài khoản</a>" in past
    own = (await ivan.get("/reminders?ends_on__gte=2000-01-01")).text
    assert ("Chứng thư" in own, "Tài khoản</a>" in own, "/reminders/points/" in own) == (False, True, False)


async def test_when_the_province_sets_points_then_they_hold_and_a_stale_one_is_refused(house: House) -> None:
    bob, near = await house.person("bob", Role.PROVINCE_IT), await house.person("near", Role.STOREKEEPER, unit=OWN)
    path = "/api/v1/reminder-points/capability_end"
    read = await bob.get(path)
    assert (read.json()["days"], read.headers["etag"]) == ([90, 30, 7, 0], '"0"')
    assert (await bob.patch(path, json={"days": [5]})).status_code == 428
    set_ = await bob.patch(path, json={"days": [5, 60]}, headers={"If-Match": '"0"'})
    assert (set_.status_code, set_.json()["days"], set_.headers["etag"]) == (200, [60, 5], '"1"')
    assert (await bob.patch(path, json={"days": []}, headers={"If-Match": '"0"'})).status_code == 412
    assert (await near.patch(path, json={"days": []}, headers={"If-Match": '"1"'})).status_code == 403
    for wrong in ([731], [-1], [3, 3], list(range(11)), ["x"]):
        answer = await bob.patch(path, json={"days": wrong}, headers={"If-Match": '"1"'})
        assert answer.status_code == 400, wrong
    assert (await bob.get("/api/v1/reminder-points/nothing")).status_code == 404
    assert (await bob.patch("/api/v1/reminder-points/nothing", json={"days": []}, headers={"If-Match": '"0"'})
            ).status_code == 404  # fmt: skip
    form = {"version": "1", "days": "45; 3,0"}
    done = await bob.post("/reminders/points/capability_end", data=form, follow_redirects=False)
    assert done.status_code == 303
    assert (await bob.get(path)).json()["days"] == [45, 3, 0]
    for said, status in (({"days": "ba mươi"}, 400), ({"days": "99999"}, 400), ({"days": "1,1"}, 400), ({}, 412)):
        answer = await bob.post(
            "/reminders/points/capability_end", data=form | {"version": "2"} | said if said else form
        )
        assert answer.status_code == status, said
        assert 'aria-invalid="true"' in answer.text
    await channel("a")
    await account("Chứng thư", DAY + timedelta(days=46))
    assert await service.remind(SEVEN) == 0
    assert await service.remind(SEVEN + timedelta(days=1)) == 1
