"""A tap on a picture: what it brings about, once, and how it ends with and without a probe beside it."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from assets import clock, db
from assets.access import service as access
from assets.access import signed_addresses
from assets.access.actor import SYSTEM, Actor
from assets.access.identify import identify
from assets.access.permissions import Role
from assets.access.service import NewUser
from assets.access.signed_addresses import Purpose
from assets.errors import Conflict, Gone, Invalid, NotAllowed, NotFound, TooMany
from assets.ids import new_id
from assets.incidents import service as incidents
from assets.incidents.faults import kinds, service
from assets.incidents.faults.service import NewReport
from assets.incidents.reaction import Ends, Kind, Opens
from assets.incidents.service import Subject
from assets.inventory import service as inventory
from assets.inventory import things
from assets.monitoring import declarations, targets
from assets.phrases import Phrase, english
from assets.probing.readings import Severity
from tests.conftest import House

OWN, FOREIGN = "21025", "21028"
JAM = NewReport("paper-jam")


@pytest.fixture
async def printers(house: House) -> House:
    """A printer at each of two centres, and the faults that ship."""
    await things.add_default_categories(SYSTEM)
    await kinds.add_default_kinds(SYSTEM)
    model = await things.add_model(SYSTEM, things.NewModel("printer", "Canon", "LBP"))
    for code in (OWN, FOREIGN):
        await inventory.register(SYSTEM, inventory.NewAsset(f"P-{code}", model, code), now=clock.now())
    return house


async def somebody(name: str, role: Role, unit: str = "") -> Actor:
    await access.add_user(SYSTEM, NewUser(name, role, display_name=name.title(), unit=unit))
    return await again(name)


async def again(name: str) -> Actor:
    async with db.transaction(db.EVERYTHING) as tx:
        user = await tx.fetchval("select id from users where name = $1", name)
        return await identify(tx, user, clock.now(), origin="127.0.0.1")


async def rows(statement: str, *values: Any) -> list[Mapping[str, Any]]:
    async with db.transaction(db.EVERYTHING) as tx:
        return [dict(row) for row in await tx.fetch(statement, *values)]


async def one(statement: str, *values: Any) -> Mapping[str, Any]:
    [found] = await rows(statement, *values)
    return found


async def probed() -> Subject:
    """The own printer as a probe sees it."""
    target = await targets.add_target(SYSTEM, targets.NewTarget("127.0.0.9", "snmp", 161, asset_tag=f"P-{OWN}"))
    row = await one("select id, site from assets where tag = $1", f"P-{OWN}")
    return Subject("target", target, "printer", row["site"], row["id"], f"P-{OWN}")


async def measured_down(subject: Subject) -> None:
    opens = Opens(Kind.DEVICE, Severity.CRITICAL, (Phrase("does not answer"),))
    now = clock.now()
    async with db.transaction(db.EVERYTHING) as tx:
        await incidents.open_or_join(tx, subject, opens, at=now, tell_at=now, now=now)


async def measured_up(subject: Subject) -> None:
    now = clock.now()
    async with db.transaction(db.EVERYTHING) as tx:
        await incidents.end(tx, subject, Ends(Kind.DEVICE, Phrase("it answers again")), at=now, now=now)


async def stories() -> list[tuple[str, str]]:
    return [
        (r["kind"], english(r["text"])) for r in await rows("select kind, text from incident_events order by at, id")
    ]


async def test_when_a_picture_is_tapped_then_everything_that_follows_is_there_at_once(printers: House) -> None:
    clerk = await somebody("lan", Role.CLERK, OWN)
    made = await service.report(clerk, f"p-{OWN}", NewReport("paper-jam", "khay 2"), now=clock.now())
    said = await one("select kind, fault, text, said_by_name, ended_at, incident from declarations")
    incident = await one("select id, kind, state, severity, subject_kind, reason, asset_tag from incidents")
    assert (said["kind"], said["fault"], said["text"], said["said_by_name"], said["ended_at"]) == (
        "broken", "paper-jam", "Kẹt giấy: khay 2", "Lan", None,
    )  # fmt: skip
    assert said["incident"] == incident["id"]
    assert (incident["kind"], incident["state"], incident["severity"], incident["subject_kind"]) == (
        "device", "open", "warning", "asset",
    )  # fmt: skip
    assert english(incident["reason"]) == "reported: Kẹt giấy: khay 2"
    event = await one("select text, actor_name from asset_events where kind = 'fault_reported'")
    assert event == {"text": "Kẹt giấy: khay 2", "actor_name": "Lan"}
    audit = await rows("select action from audit_events where subject = $1", made)
    assert [row["action"] for row in audit] == ["report"]
    assert await rows("select from pgqueuer where entrypoint = 'readiness'")  # judged as soon as a worker is free


async def test_when_it_is_reported_again_then_it_is_one_incident_and_the_first_moment_stays(printers: House) -> None:
    lan, hoa = await somebody("lan", Role.CLERK, OWN), await somebody("hoa", Role.CLERK, OWN)
    first = clock.now()
    await service.report(lan, f"P-{OWN}", JAM, now=first)
    await service.report(hoa, f"P-{OWN}", JAM, now=first + timedelta(minutes=50))
    await service.report(hoa, f"P-{OWN}", NewReport("no-toner"), now=first + timedelta(minutes=55))
    assert len(await rows("select from incidents")) == 1
    assert len(await rows("select from fault_reports")) == 3
    said = await rows("select fault, said_at, ended_at from declarations order by said_at")
    assert [(row["fault"], row["ended_at"] is None) for row in said] == [("paper-jam", False), ("no-toner", True)]
    assert said[0]["said_at"] == first
    assert [kind for kind, _ in await stories()] == ["opened", "reported", "reported"]


async def test_when_something_worse_is_reported_then_the_incident_says_so_and_it_is_told(printers: House) -> None:
    clerk = await somebody("lan", Role.CLERK, OWN)
    async with db.transaction(db.EVERYTHING) as tx:
        channel = new_id()
        await tx.execute(
            "insert into channels (id, name, url, scheme, language, enabled, last_error, version) "
            "values ($1,'mail','x','mailtos','vi',true,'',1)", channel,
        )  # fmt: skip
        await tx.execute(
            "insert into subscriptions (id, channel, kinds, severity, version) values ($1,$2,'[]','critical',1)",
            new_id(), channel,
        )  # fmt: skip
    for fault in ("paper-jam", "no-toner", "paper-jam"):
        await service.report(clerk, f"P-{OWN}", NewReport(fault), now=clock.now())
    assert not await rows("select from notifications")
    await service.report(clerk, f"P-{OWN}", NewReport("smoke"), now=clock.now())
    incident = await one("select severity, reason from incidents")
    assert (incident["severity"], english(incident["reason"])) == (
        "critical", "reported: Kẹt giấy; reported: Hết mực, in mờ; reported: Có mùi khét, có khói",
    )  # fmt: skip
    [told] = await rows("select change from notifications")
    assert told["change"].startswith("worse-")


async def test_when_a_form_is_sent_twice_then_once_is_reported(printers: House) -> None:
    clerk, key = await somebody("lan", Role.CLERK, OWN), new_id()
    made = {await service.report(clerk, f"P-{OWN}", NewReport("paper-jam", key=key), now=clock.now()) for _ in range(2)}
    assert len(made) == 1
    assert len(await rows("select from incident_events")) == 1
    assert len(await rows("select from asset_events where kind = 'fault_reported'")) == 1


async def test_when_a_probe_is_satisfied_then_what_it_never_saw_goes_on(printers: House) -> None:
    clerk, subject = await somebody("lan", Role.CLERK, OWN), await probed()
    await measured_down(subject)
    await service.report(clerk, f"P-{OWN}", JAM, now=clock.now())
    assert len(await rows("select from incidents")) == 1  # joined
    await measured_up(subject)
    incident = await one("select state, subject_kind, reason, version from incidents")
    assert (incident["state"], incident["subject_kind"], english(incident["reason"])) == (
        "open", "asset", "reported: Kẹt giấy",
    )  # fmt: skip
    await measured_down(subject)  # once more: still the same one, and again what is measured
    incident = await one("select state, subject_kind, reason from incidents")
    assert (incident["subject_kind"], english(incident["reason"])) == ("target", "does not answer")
    await service.works(clerk, f"P-{OWN}", now=clock.now())
    assert (await one("select state from incidents"))["state"] == "open"  # the probe still sees it
    await measured_up(subject)
    assert (await one("select state from incidents"))["state"] == "resolved"
    assert ("noted", "it answers again") in await stories()
    assert ("noted", "Lan says that it works again") in await stories()


async def test_when_somebody_says_that_it_works_then_the_incident_is_over(printers: House) -> None:
    clerk = await somebody("lan", Role.CLERK, OWN)
    await service.report(clerk, f"P-{OWN}", JAM, now=clock.now())
    said = await one("select id from declarations where ended_at is null")
    # Saying through the API that a declaration is over is the same.
    await declarations.end(clerk, said["id"], now=clock.now())
    incident = await one("select state, resolution from incidents")
    assert (incident["state"], english(incident["resolution"])) == ("resolved", "Lan says that it works again")
    await service.report(clerk, f"P-{OWN}", JAM, now=clock.now())
    assert len(await rows("select from incidents")) == 2  # none reopens


async def test_when_it_is_mended_then_what_was_said_is_over_too(printers: House) -> None:
    clerk, fixer = await somebody("lan", Role.CLERK, OWN), await somebody("bao", Role.ON_CALL)
    await service.report(clerk, f"P-{OWN}", JAM, now=clock.now())
    number = (await one("select number from incidents"))["number"]
    await incidents.resolve(fixer, number, "thay lô cuốn", now=clock.now())
    incident = await one("select state, resolution from incidents")
    assert (incident["state"], english(incident["resolution"])) == ("resolved", "mended, says Bao: thay lô cuốn")
    assert (await one("select ended_at from declarations"))["ended_at"] is not None
    assert [kind for kind, _ in await stories()] == ["opened", "resolved"]
    with pytest.raises(Conflict):
        await incidents.resolve(fixer, number, now=clock.now())


async def test_what_is_measured_is_not_resolved_by_hand(printers: House) -> None:
    await measured_down(await probed())
    number = (await one("select number from incidents"))["number"]
    with pytest.raises(Conflict, match="ends by itself"):
        await incidents.resolve(SYSTEM, number, now=clock.now())


async def test_when_the_asset_leaves_then_its_incident_does_not_stay_open_for_ever(printers: House) -> None:
    clerk = await somebody("lan", Role.CLERK, OWN)
    await service.report(clerk, f"P-{OWN}", JAM, now=clock.now())
    async with db.transaction(db.EVERYTHING) as tx:
        await incidents.end_unasked(tx, now=clock.now())
        assert await tx.fetchval("select state from incidents") == "open"
        await tx.execute("update assets set stage = 'disposed' where tag = $1", f"P-{OWN}")
        await incidents.end_unasked(tx, now=clock.now())
        assert await tx.fetchval("select state from incidents") == "resolved"


@pytest.mark.parametrize(
    ("new", "field"),
    [
        (NewReport(""), "fault"), (NewReport("nonsense"), "fault"), (NewReport("token-locked"), "fault"),
        (NewReport("other"), "note"), (NewReport("other", " \u200b "), "note"),
    ],
)  # fmt: skip
async def test_when_nothing_that_fits_is_chosen_then_nothing_happens(
    printers: House, new: NewReport, field: str
) -> None:
    clerk = await somebody("lan", Role.CLERK, OWN)
    with pytest.raises(Invalid) as refused:
        await service.report(clerk, f"P-{OWN}", new, now=clock.now())
    assert set(refused.value.fields) == {field}
    assert not await rows("select from incidents") + await rows("select from declarations")


async def test_who_may_not_report_does_not_and_foreign_is_as_absent(printers: House) -> None:
    clerk, keeper = await somebody("lan", Role.CLERK, OWN), await somebody("kho", Role.STOREKEEPER)
    for tag in (f"P-{FOREIGN}", "P-0"):
        with pytest.raises(NotFound):
            await service.report(clerk, tag, JAM, now=clock.now())
    with pytest.raises(NotAllowed):
        await service.report(keeper, f"P-{OWN}", JAM, now=clock.now())
    await inventory.register(SYSTEM, inventory.NewAsset("P-X", await _model(), OWN), now=clock.now())
    async with db.transaction(db.EVERYTHING) as tx:
        await tx.execute("update assets set stage = 'disposed' where tag = 'P-X'")
    with pytest.raises(Conflict):
        await service.report(clerk, "P-X", JAM, now=clock.now())


async def _model() -> UUID:
    return UUID(str((await one("select id from asset_models"))["id"]))


async def issued(actor: Actor, days: int = 7, tag: str = f"P-{OWN}") -> signed_addresses.Issued:
    return await service.issue_address(actor, tag, timedelta(days=days), now=clock.now())


async def test_an_address_reports_for_its_asset_only_and_says_who_used_it(printers: House) -> None:
    made = await issued(await somebody("lan", Role.CLERK, OWN))
    address = await signed_addresses.opened(Purpose.REPORT_FAULT, made.secret, now=clock.now())
    actor = address.actor("Bác  Năm <b>")
    await service.report(actor, f"P-{OWN}", NewReport("paper-jam", address=address), now=clock.now())
    used = await one("select uses, last_used_by, digest from signed_addresses")
    assert (used["uses"], used["last_used_by"]) == (1, "Bác Năm <b> (không đăng nhập)")
    assert made.secret not in repr([used, *await rows("select * from audit_events")])
    assert used["digest"] not in repr(await rows("select * from audit_events"))
    assert [r["action"] for r in await rows("select action from audit_events where subject = $1 order by id", made.id)] == [
        "issue", "use",
    ]  # fmt: skip
    with pytest.raises(NotFound):
        await service.report(actor, f"P-{FOREIGN}", JAM, now=clock.now())
    with pytest.raises(NotAllowed):
        await incidents.acknowledge(actor, 1, now=clock.now())
    with pytest.raises(NotFound):  # of another purpose
        await signed_addresses.opened(Purpose.CONFIRM_HAND_OVER, made.secret, now=clock.now())


async def test_an_address_is_worth_no_more_than_who_issued_it(printers: House) -> None:
    lan = await somebody("lan", Role.CLERK, OWN)
    now = clock.now()

    async def opens(secret: str, at: timedelta = timedelta()) -> None:
        await signed_addresses.opened(Purpose.REPORT_FAULT, secret, now=now + at)

    short, withdrawn, orphan = await issued(lan, 1), await issued(lan), await issued(lan)
    await opens(short.secret)
    with pytest.raises(Gone):
        await opens(short.secret, timedelta(days=1, minutes=5))
    await signed_addresses.withdraw(await somebody("hoa", Role.CLERK, OWN), withdrawn.id, now=now)
    with pytest.raises(Gone):
        await opens(withdrawn.secret)
    async with db.transaction(db.EVERYTHING) as tx:
        await tx.execute("update users set active = false where name = 'lan'")
    with pytest.raises(Gone):
        await opens(orphan.secret)
    async with db.transaction(db.EVERYTHING) as tx:
        await tx.execute("update users set active = true where name = 'lan'")
        await tx.execute('update grants set ends_at = $1 where "user" = $2', now, lan.id)
    with pytest.raises(Gone):  # let in, but no longer of this centre
        await opens(orphan.secret, timedelta(seconds=1))
    with pytest.raises(NotFound):
        await opens("nonsense")


async def test_when_it_is_withdrawn_while_a_form_is_open_then_the_form_does_nothing(printers: House) -> None:
    lan = await somebody("lan", Role.CLERK, OWN)
    made = await issued(lan)
    address = await signed_addresses.opened(Purpose.REPORT_FAULT, made.secret, now=clock.now())
    await signed_addresses.withdraw(lan, made.id, now=clock.now())
    with pytest.raises(Gone):
        await service.report(address.actor(), f"P-{OWN}", NewReport("paper-jam", address=address), now=clock.now())
    assert not await rows("select from incidents") + await rows("select from declarations")


async def test_who_issues_and_withdraws_does_so_at_their_own_site(printers: House) -> None:
    lan, inspector = await somebody("lan", Role.CLERK, OWN), await somebody("tra", Role.INSPECTOR)
    with pytest.raises(NotFound):
        await issued(lan, tag=f"P-{FOREIGN}")
    with pytest.raises(NotAllowed):
        await issued(inspector)
    with pytest.raises(Invalid):
        await issued(lan, 31)
    foreign = await issued(await somebody("hoa", Role.CLERK, FOREIGN), tag=f"P-{FOREIGN}")
    with pytest.raises(NotFound):
        await signed_addresses.withdraw(lan, foreign.id, now=clock.now())


async def test_secrets_are_not_guessed_and_one_address_does_not_flood(printers: House) -> None:
    lan, now = await somebody("lan", Role.CLERK, OWN), clock.now()
    made = await issued(lan)
    address = await signed_addresses.opened(Purpose.REPORT_FAULT, made.secret, now=now, origin="10.0.0.1")
    for _ in range(signed_addresses.SENT_MAX):
        await signed_addresses.knock(address, now)
    with pytest.raises(TooMany):
        await signed_addresses.knock(address, now)
    for number in range(signed_addresses.TRIED_MAX):
        with pytest.raises(NotFound):
            await signed_addresses.opened(Purpose.REPORT_FAULT, f"guess {number}", now=now, origin="10.0.0.2")
    with pytest.raises(TooMany):
        await signed_addresses.opened(Purpose.REPORT_FAULT, "one more", now=now, origin="10.0.0.2")
    await signed_addresses.opened(Purpose.REPORT_FAULT, made.secret, now=now, origin="10.0.0.3")
