"""The main job told as stories: a device fails at a centre, the right people hear of it, once, and of its end too."""

from datetime import timedelta

import pytest

from assets import db
from assets.access.actor import SYSTEM
from assets.ids import new_id
from assets.monitoring import collectors, targets
from assets.probing.readings import Reading
from tests.stories.story import T0, Story

TREE = {"router": None, "switch": "router", "printer-7": "switch", "ups-1": "switch"}
ALL = tuple(TREE)


@pytest.fixture
async def story(database: str) -> Story:
    return await Story().begin(TREE)


async def test_when_a_printer_fails_then_people_hear_of_it_once_and_of_its_recovery(story: Story) -> None:
    story.at(0, 60, 120, 180, 240).answers("router", "switch", "ups-1")
    story.at(0).answers("printer-7")
    story.at(60, 70, 130, 190).silent("printer-7")
    story.at(250).answers("printer-7")
    await story.until(300)
    told = story.wants("opened", about="printer-7", between=(80, 90))
    assert "does not answer" in told.title
    story.wants("resolved", about="printer-7", between=(250, 260))
    assert len(story.heard) == 2


async def test_when_a_switch_fails_then_what_is_behind_it_stays_quiet(story: Story) -> None:
    story.at(0).answers(*ALL)
    story.at(60, 70, 130).answers("router")
    story.at(60, 70, 130).silent("printer-7", "ups-1", behind={"printer-7": "switch", "ups-1": "switch"})
    story.at(62, 72, 132).silent("switch")
    await story.until(150)
    told = story.wants("opened", about="switch", between=(80, 95))
    assert "Also unreachable behind it: 2" in told.body
    story.wants_nothing(about="printer-7")
    story.wants_nothing(about="ups-1")
    assert await story.condition("printer-7") == "unreachable"


async def test_when_the_cause_falls_a_little_later_than_its_children_then_they_stay_quiet_all_the_same(
    story: Story,
) -> None:
    story.at(0).answers(*ALL)
    story.at(60, 66).silent("printer-7")
    story.at(60, 70, 74).silent("switch")
    story.at(74).silent("printer-7", behind={"printer-7": "switch"})
    story.at(60, 120).answers("router", "ups-1")
    await story.until(120)
    story.wants_nothing(about="printer-7")
    story.wants("opened", about="switch", between=(80, 90))


async def test_when_it_is_over_before_anyone_had_to_know_then_nobody_hears_of_it(story: Story) -> None:
    story.at(0).answers(*ALL)
    story.at(60, 62).silent("printer-7")
    story.at(65).answers("printer-7")
    await story.until(120)
    assert story.heard == []
    assert "before anyone had to know" in " ".join(await story.quiet_reasons())


async def test_when_the_channel_is_away_then_the_message_is_sent_later_and_once(story: Story) -> None:
    story.refuses = 2
    story.at(0).answers(*ALL)
    story.at(60, 70, 130, 190, 250, 310, 370, 430).silent("printer-7")
    story.at(60, 120, 180, 240, 300, 360, 420).answers("router", "switch", "ups-1")
    await story.until(480)
    story.wants("opened", about="printer-7", between=(90, 480))


async def test_when_a_ups_is_on_battery_then_that_is_said_and_its_end_too(story: Story) -> None:
    on_line = (Reading(name="ups.status", value=3, state="on_line"), Reading(name="ups.battery_percent", value=100))
    on_battery = (
        Reading(name="ups.status", value=5, state="on_battery"),
        Reading(name="ups.battery_percent", value=90),
    )
    story.at(0).answers(*ALL, readings=on_line)
    story.at(60, 120, 180).answers("ups-1", readings=on_battery)
    story.at(240, 300, 360).answers("ups-1", readings=on_line)
    story.at(60, 120, 180, 240, 300, 360).answers("router", "switch", "printer-7")
    await story.until(400)
    told = story.wants("opened", about="ups-1", between=(60, 200))
    assert "on battery" in told.title
    story.wants("resolved", about="ups-1", between=(240, 390))


@pytest.mark.long
async def test_when_a_thing_flaps_for_an_hour_then_people_hear_a_few_times_and_not_a_hundred_and_twenty(
    story: Story,
) -> None:
    for minute in range(0, 3600, 60):
        story.at(minute).answers("router", "switch", "ups-1", "printer-7")
        story.at(minute + 20, minute + 25).silent("printer-7")
    await story.until(3600)
    told = [(h.at, h.title) for h in story.heard]
    assert 1 <= len(told) <= 5, told


async def test_when_the_collector_is_cut_off_and_comes_back_then_there_is_one_message_and_no_false_green(
    story: Story,
) -> None:
    story.at(0).answers(*ALL)
    await story.until(10)
    story.cut_off = True
    await story.until(400)
    assert {await story.condition(name) for name in ALL} == {"unknown"}
    assert len(story.heard) == 1
    assert "the collector is silent" in story.heard[0].title
    story.cut_off = False
    story.at(405).answers(*ALL)
    await story.until(430)
    assert {await story.condition(name) for name in ALL} == {"up"}
    assert len(story.heard) == 2


async def test_when_a_backlog_of_a_day_arrives_behind_the_present_then_nothing_old_is_told(story: Story) -> None:
    story.at(0).answers(*ALL)
    await story.until(5)
    story.clock = 90_000
    story.at(90_000).answers(*ALL)
    await story.until(90_005)
    heard = len(story.heard)
    for happened in range(60, 86_400, 3_600):
        await story.post_late("printer-7", happened=happened, posted=90_010)
    await story.until(90_100)
    assert len(story.heard) == heard
    assert await story.condition("printer-7") == "up"


async def test_when_planned_work_ends_and_the_device_is_still_down_then_people_hear_of_it_then(story: Story) -> None:
    async with db.transaction(db.EVERYTHING) as tx:
        await tx.execute(
            "insert into maintenance_windows (id, site, title, starts_at, ends_at, created_by, version) "
            "select $1, id, 'new switch', $2, $3, 'x', 1 from sites",
            new_id(), T0, T0 + timedelta(seconds=300),
        )  # fmt: skip
    story.at(0).answers(*ALL)
    story.at(60, 70, 130, 190, 250, 310, 370).silent("printer-7")
    story.at(60, 120, 180, 240, 300, 360).answers("router", "switch", "ups-1")
    await story.until(290)
    assert story.heard == []
    await story.until(400)
    story.wants("opened", about="printer-7", between=(300, 330))


async def test_when_a_target_is_switched_off_then_its_incident_ends_and_that_is_told(story: Story) -> None:
    story.at(0).answers(*ALL)
    story.at(60, 70).silent("printer-7")
    story.at(60).answers("router", "switch", "ups-1")
    await story.until(100)
    story.wants("opened", about="printer-7", between=(80, 95))
    await targets.edit_target(SYSTEM, story.targets["printer-7"], {"enabled": False}, version=1)
    await story.until(110)
    story.wants("resolved", about="printer-7", between=(100, 110))


async def test_when_a_collector_is_enrolled_and_never_speaks_then_that_is_told(story: Story) -> None:
    async with db.transaction(db.EVERYTHING) as tx:
        site = await tx.fetchval("select code from sites")
    await collectors.enrol(SYSTEM, site, name="new box", now=T0)
    await story.until(120)
    assert [h.title for h in story.heard if "new box" in h.title]
