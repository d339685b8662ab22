"""The line to the service, over real HTTP on loopback: what a bad line, a bad answer or a bad observation can do."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

import assets.collector.uplink as uplink_module
from assets.collector.backlog import Backlog, Outgoing, SafeBacklog
from assets.collector.buffer import Pending, draft
from assets.collector.keep import Keep
from assets.collector.sender import BATCH_MIN, CONDEMNED_IN_A_ROW_MAX, HEARTBEAT_SECONDS, Sender, back_off
from assets.collector.settings import CollectorSettingsWrong, load
from assets.collector.uplink import Away, Door, Fetched, Refused, TooSlow, Uplink, compose, read_answer, read_assignment
from assets.collector.uptime import Moment
from assets.probing.contract import BATCH_MAX, Answer, Assignment, Batch, Community, OrderKind
from assets.vault import Vault
from tests.fake_prober import TOKEN, FakeService, FakeUptime, answered, target, token_file
from tests.probes.counted import loopback


class Line:
    """A collector's sending half and a service, joined by real HTTP."""

    def __init__(self, folder: Path, service: FakeService) -> None:
        self.service = service
        self.uptime = FakeUptime()
        self.backlog = SafeBacklog(Backlog(folder / "buffer.sqlite"), self.uptime)
        self.uplink = Uplink(Door(service.url, token_file(folder), is_loopback=True))
        self.heard: list[Answer] = []
        self.sender = Sender(backlog=self.backlog, uplink=self.uplink, uptime=self.uptime, heard=self.heard.append)

    async def sees(self, count: int, **more: object) -> None:
        moment = self.uptime.now()
        await self.backlog.append([draft(moment, uuid4(), answered(**more)) for _ in range(count)])

    async def pending(self) -> int:
        return (await self.backlog.standing()).pending


@pytest.fixture
async def service() -> AsyncIterator[FakeService]:
    async with FakeService() as service:
        yield service


@pytest.fixture
async def line(tmp_path: Path, service: FakeService) -> AsyncIterator[Line]:
    line = Line(tmp_path, service)
    await line.backlog.open()
    yield line
    await line.uplink.close()
    await line.backlog.close()


async def test_when_a_batch_is_posted_then_the_service_can_read_it_and_what_it_took_is_settled(line: Line) -> None:
    await line.sees(3)
    line.sender.assignment = "h7"
    assert await line.sender.step() == pytest.approx(1.0)
    (post,) = line.service.posts
    assert post.sequences == [1, 2, 3]
    assert (post.batch.assignment, post.batch.backlog, post.batch.shed) == ("h7", 0, 0)
    assert post.batch.observations[0].age_seconds == pytest.approx(0, abs=10)
    assert post.batch.observations[0].readings == answered().readings
    assert post.batch.observations[0].uptime_seconds == answered().uptime_seconds
    assert await line.pending() == 0


async def test_what_talking_to_the_service_cost_is_told_once_and_is_what_the_loopback_carried(line: Line) -> None:
    with loopback(line.service.port) as sizes:
        await line.uplink.fetch(None)
        for seen in (200, 1, 0, 40):
            await line.sees(seen)
            await line.uplink.post(await batch(line), now=line.uptime.now(), assignment="")
        line.service.lost_answers = 1
        with pytest.raises(Away):
            await line.uplink.post(await batch(line), now=line.uptime.now(), assignment="")
        await line.uplink.post(await batch(line), now=line.uptime.now(), assignment="")
        await line.uplink.close()
        await asyncio.sleep(0.2)
    told = sum((post.batch.traffic.octets for post in line.service.posts if post.batch.traffic), start=0)
    lost, last = line.service.posts[-2:]
    assert lost.batch.traffic is not None
    assert last.batch.traffic is not None
    assert last.batch.traffic.octets > lost.batch.traffic.octets, "what was not acknowledged is told again"
    if sizes is not None:  # a container may not let us look at packets
        assert line.uplink.gauge.octets == pytest.approx(sum(sizes), rel=0.04)
    assert told - lost.batch.traffic.octets + line.uplink.gauge.untold.octets == line.uplink.gauge.octets


async def batch(line: Line) -> Outgoing:
    return await line.backlog.next_batch(limit=BATCH_MAX) or Outgoing(uuid4(), [], 0, 0)


async def test_when_the_answer_is_lost_then_the_same_numbers_are_sent_again_and_nothing_doubles(line: Line) -> None:
    await line.sees(5)
    line.service.lost_answers = 2
    assert await line.sender.step() > 0
    assert await line.sender.step() > 0
    await line.sender.step()
    assert (len(line.service.stored), line.service.repeats, line.service.changed_repeats) == (5, 10, 0)
    assert await line.pending() == 0


async def test_when_the_line_was_away_then_the_newest_go_first_and_the_backlog_behind_them(line: Line) -> None:
    await line.sees(1_200)
    assert await line.sender.step() == 0.0, "no pause while a backlog waits"
    await line.sees(10)
    while await line.pending():
        await line.sender.step()
    assert [(p.sequences[0], p.sequences[-1]) for p in line.service.posts] == [(701, 1_200), (211, 1_210), (1, 210)]
    assert all(p.sequences == sorted(p.sequences) for p in line.service.posts)
    assert [p.batch.backlog for p in line.service.posts] == [700, 210, 0]
    assert len(line.service.stored) == 1_210


async def test_when_one_observation_is_poison_then_it_alone_is_dropped_and_the_rest_arrives(line: Line) -> None:
    await line.sees(200)
    line.service.poisoned = lambda body: b'"sequence":77,' in body
    await line.sender.step()
    assert {n for _, n in line.service.stored} == set(range(1, 201)) - {77}
    standing = await line.backlog.standing()
    assert (standing.pending, standing.refused) == (0, 1)
    assert len(line.service.calls) < 30, "found by halving"


async def test_when_something_refuses_even_an_empty_batch_then_nothing_is_dropped(line: Line) -> None:
    await line.sees(1)
    line.service.every_reply = (400, {}, b"who are you")  # a captive portal, a wrong proxy
    assert await line.sender.step() > 0
    assert await line.pending() == 1
    assert "refuses even an empty batch" in line.sender.trouble


async def test_when_the_service_refuses_all_observations_then_dropping_them_ends_soon(line: Line) -> None:
    await line.sees(100)
    line.service.poisoned = lambda body: b'"sequence"' in body
    for _ in range(3):
        await line.sender.step()
    assert (await line.backlog.standing()).refused == CONDEMNED_IN_A_ROW_MAX
    line.service.poisoned = lambda _: False
    await line.sender.step()
    assert await line.pending() == 0


@pytest.mark.parametrize("status", [400, 413, 422])
async def test_when_a_batch_is_too_large_then_it_goes_in_pieces(line: Line, status: int) -> None:
    await line.sees(100)
    line.service.replies = [(status, {}, b"")] * 3
    await line.sender.step()
    assert len(line.service.stored) == 100


async def test_when_the_service_rejects_some_then_they_are_let_go_once_and_counted(line: Line) -> None:
    await line.sees(30)
    line.service.rejects = lambda o: "not your target" if o.sequence % 3 == 0 else None
    await line.sender.step()
    standing = await line.backlog.standing()
    assert (standing.pending, standing.refused, len(line.service.stored)) == (0, 10, 20)


async def test_when_the_service_takes_part_of_a_batch_then_the_rest_is_sent_again(line: Line) -> None:
    await line.sees(50)
    line.service.accepts_at_most = 20
    for _ in range(3):
        await line.sender.step()
    assert len(line.service.stored) == 50
    line.service.accepts_at_most = 0
    await line.sees(1)
    assert await line.sender.step() > 0
    assert line.sender.trouble == "the service took none of the batch"


async def test_when_the_token_is_wrong_then_it_is_said_and_tried_slowly_and_a_new_one_is_read(
    line: Line, tmp_path: Path
) -> None:
    await line.sees(1)
    line.service.token = "col_1.another"
    assert 30 <= await line.sender.step() <= 60
    assert "token" in line.sender.trouble
    assert "canary" not in line.sender.trouble
    token_file(tmp_path, "col_1.another")
    await line.sender.step()
    assert (await line.pending(), line.sender.trouble) == (0, "")


@pytest.mark.parametrize(
    ("headers", "least", "most"),
    [
        ({"retry-after": "7"}, 7.0, 7.7),
        ({"retry-after": "999999999999"}, 300.0, 330.0),
        ({"date": "Tue, 24 Nov 2026 05:00:00 GMT", "retry-after": "Tue, 24 Nov 2026 05:00:09 GMT"}, 9.0, 9.9),
        ({"date": "Tue, 24 Nov 2026 05:00:00 GMT", "retry-after": "Tue, 24 Nov 1970 05:00:09 GMT"}, 1.0, 1.1),
        ({"retry-after": "soon"}, 0.5, 1.0),
        ({}, 0.5, 1.0),
    ],
)
async def test_when_the_service_is_busy_then_its_wish_is_honoured_within_reason(
    line: Line, headers: dict[str, str], least: float, most: float
) -> None:
    await line.sees(1)
    line.service.replies = [(503, headers, b"")]
    assert least <= await line.sender.step() <= most


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ((200, {}, b"<html>Welcome to the hotel</html>"), "no JSON"),
        ((200, {}, b"[]"), "no JSON object"),
        ((200, {}, b"[" * 100_000), "no JSON"),
        ((200, {}, b"\xff\xfe"), "no JSON"),
        ((200, {}, b'{"accepted_to": -1, "assignment": "h", "received_at": "2026-11-24T05:00:00Z"}'), "accepted_to"),
        ((200, {}, b'{"accepted_to": 1, "orders": 5}'), "a list is missing"),
        ((200, {}, b"{}"), "accepted_to"),
        ((200, {}, b" " * (2 << 20)), "larger than"),
        ((200, {"content-encoding": "gzip"}, b"\x1f\x8b"), "compressed"),
        ((302, {"location": "http://127.0.0.1:1/"}, b""), "answers 302"),
        ((404, {}, b""), "answers 404"),
        ((500, {}, b""), "answers 500"),
    ],
)
async def test_when_the_answer_is_not_the_services_then_nothing_is_settled_and_the_reason_said(
    line: Line, reply: tuple[int, dict[str, str], bytes], reason: str
) -> None:
    await line.sees(2)
    line.service.every_reply = reply
    assert 0.5 <= await line.sender.step() <= 1.0
    assert reason in line.sender.trouble
    assert await line.pending() == 2


async def test_when_an_answer_drips_then_the_call_has_a_hard_end_and_less_is_tried(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uplink_module, "POST_SECONDS", 2.0)
    await line.sees(300)
    line.service.drips = True
    begun = time.perf_counter()
    await line.sender.step()
    assert time.perf_counter() - begun < 30  # it would drip for minutes
    line.service.drips = False
    monkeypatch.setattr(uplink_module, "POST_SECONDS", 30.0)
    await line.sender.step()
    assert len(line.service.posts[-1].sequences) == 150


async def test_when_nothing_was_seen_then_a_sign_of_life_goes_out_at_its_time(line: Line) -> None:
    await line.sender.step()
    assert line.service.posts[-1].sequences == []
    rest = await line.sender.step()
    assert HEARTBEAT_SECONDS - 5 < rest <= HEARTBEAT_SECONDS
    assert len(line.service.posts) == 1
    line.uptime.up_off += HEARTBEAT_SECONDS
    await line.sender.step()
    assert len(line.service.posts) == 2


async def test_when_the_service_says_that_it_takes_gzip_then_batches_shrink(line: Line) -> None:
    await line.sees(100)
    await line.sender.step()
    assert "content-encoding" not in line.service.posts[-1].headers, "not before it said so"
    line.service.takes_gzip = True
    await line.sender.step()
    await line.sees(100)
    await line.sender.step()
    await line.sees(100)
    await line.sender.step()
    plain, packed = len(line.service.posts[0].body), int(line.service.posts[-1].headers["content-length"])
    assert line.service.posts[-1].headers["content-encoding"] == "gzip"
    assert packed < plain / 5
    line.service.replies = [(415, {}, b"")]
    await line.sees(100)
    await line.sender.step()
    await line.sender.step()
    assert await line.pending() == 0


async def test_when_the_clock_is_wrong_then_that_is_known_and_ages_are_right(line: Line) -> None:
    line.uptime.wall_off = timedelta(days=-56 * 365)
    await line.sees(1)
    line.uptime.wall_off = timedelta(days=365)
    line.uptime.up_off = 40.0
    line.service.skew_seconds = -365 * 86_400.0
    await line.sender.step()
    batch = line.service.posts[-1].batch
    assert batch.observations[0].observed_at.year < 1972
    assert batch.sent_at.year == datetime.now(UTC).year + 1
    assert batch.observations[0].age_seconds == pytest.approx(40, abs=10)
    assert line.sender.skew_seconds == -365 * 86_400.0


def test_when_failures_go_on_then_pauses_grow_to_half_a_minute_and_are_never_the_same() -> None:
    pauses = [back_off(n, Away("x")) for n in range(1, 40)]
    assert all(0.5 <= p <= 1 for p in pauses[:1])
    assert all(15 <= p <= 30 for p in pauses[6:])
    assert len(set(pauses)) == len(pauses)
    assert back_off(10_000, TooSlow("x")) <= 30
    assert 30 <= back_off(1, Refused("x")) <= 60


def test_when_a_newer_service_says_things_we_do_not_know_then_the_rest_counts() -> None:
    order = {"id": str(uuid4()), "kind": "probe_now", "deadline": "2026-11-24T05:00:00Z"}
    answer = read_answer(
        json.dumps({
            "accepted_to": 5, "assignment": "h", "received_at": "2026-11-24T05:00:00Z", "mood": "good",
            "orders": [order, order | {"kind": "make_coffee"}], "rejected": [{"sequence": 1}],
        }).encode()
    )  # fmt: skip
    assert [o.kind for o in answer.orders] == [OrderKind.PROBE_NOW]
    assert (answer.accepted_to, answer.rejected) == (5, ())
    known = json.loads(target().model_dump_json())
    secret = json.loads(Community(id=uuid4(), community="canary").model_dump_json())
    fetched = read_assignment(
        json.dumps({
            "hash": "h2", "targets": [known, known | {"method": "telepathy"}, known | {"later": 1}],
            "credentials": [secret, {"kind": "v4", "id": str(uuid4())}],
        }).encode()
    )  # fmt: skip
    assert (len(fetched.assignment.targets), len(fetched.assignment.credentials), fetched.left_out) == (2, 1, 2)


def test_when_a_batch_is_composed_by_hand_then_it_is_the_contracts_batch() -> None:
    now = Moment(datetime(2026, 11, 24, 5, tzinfo=UTC), "b1", 500.0)
    body = draft(replace(now, up_seconds=437.25), uuid4(), answered()).body
    batch = Outgoing(uuid4(), [Pending(8, "b1", 437.25, body), Pending(9, "b0", 1.0, body)], left=3, shed=4)
    read = Batch.model_validate_json(compose(batch, now=now, assignment="h"))
    assert [(o.sequence, o.age_seconds) for o in read.observations] == [(8, 62.75), (9, None)]
    assert (read.buffer_id, read.backlog, read.shed, read.sent_at) == (batch.buffer_id, 3, 4, now.wall)
    damaged = replace(batch, observations=[Pending(8, "b1", 437.25, b"{}")])
    assert json.loads(compose(damaged, now=now, assignment=""))["observations"] == [
        {"sequence": 8, "age_seconds": 62.75}
    ]
    assert BATCH_MAX >= BATCH_MIN


async def test_when_the_assignment_is_the_one_we_hold_then_it_does_not_travel_again(line: Line) -> None:
    line.service.assignment = Assignment(hash="h9", targets=(target(),))
    fetched = await line.uplink.fetch(None)
    assert fetched is not None
    assert fetched.assignment == line.service.assignment
    assert await line.uplink.fetch("h9") is None
    line.service.replies = [(304, {}, b"")]
    with pytest.raises(Away):
        await line.uplink.fetch(None)


def test_when_an_assignment_is_kept_then_the_disk_holds_no_secret_and_it_comes_back_whole(tmp_path: Path) -> None:
    assignment = Assignment(hash="h", credentials=(Community(id=uuid4(), community="canary-community"),))
    raw = assignment.model_dump_json().encode()
    keep = Keep(tmp_path / "kept", Vault.open(tmp_path))
    assert keep.load() is None
    keep.save(Fetched(assignment, raw, 0))
    assert b"canary" not in (tmp_path / "kept").read_bytes()
    assert (tmp_path / "kept").stat().st_mode & 0o777 == 0o600
    loaded = keep.load()
    assert loaded is not None
    assert loaded.assignment == assignment
    for damage in (b"", b"noise", b"\xff\xfe", (tmp_path / "kept").read_bytes()[:-9]):
        (tmp_path / "kept").write_bytes(damage)
        assert keep.load() is None
    keep.save(Fetched(assignment, raw, 0))
    (tmp_path / "assets-key").unlink()
    assert Keep(tmp_path / "kept", Vault.open(tmp_path)).load() is None, "another key: fetched again"
    (tmp_path / "folder").mkdir()
    Keep(tmp_path / "folder", Vault.open(tmp_path)).save(Fetched(assignment, raw, 0))  # refused by the disk: said only


@pytest.mark.parametrize(
    ("wrong", "name", "reason"),
    [
        ({"collector_url": None}, "ASSETS_COLLECTOR_URL", "missing"),
        ({"collector_url": "ftp://a"}, "ASSETS_COLLECTOR_URL", "must look like"),
        ({"collector_url": "https://a/path"}, "ASSETS_COLLECTOR_URL", "must look like"),
        ({"collector_url": "https://user@a"}, "ASSETS_COLLECTOR_URL", "must look like"),
        ({"collector_url": "https://a:99999"}, "ASSETS_COLLECTOR_URL", "ort"),
        ({"collector_url": "http://assets.example.vn"}, "ASSETS_COLLECTOR_URL", "plain http"),
        ({"collector_token_file": Path("/nowhere/token")}, "ASSETS_COLLECTOR_TOKEN_FILE", "No such file"),
        ({"collector_ca_file": Path("/nowhere/ca")}, "ASSETS_COLLECTOR_CA_FILE", "No such file"),
        ({"collector_buffer_mb": 0}, "ASSETS_COLLECTOR_BUFFER_MB", "greater than"),
        ({"collector_concurrency": "many"}, "ASSETS_COLLECTOR_CONCURRENCY", "integer"),
    ],
)
def test_when_a_setting_is_wrong_then_its_name_and_the_reason_are_said(
    tmp_path: Path, wrong: dict[str, object], name: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ASSETS_COLLECTOR_URL", raising=False)
    right: dict[str, object] = {
        "collector_url": "https://assets.example.vn",
        "collector_token_file": token_file(tmp_path),
    }
    with pytest.raises(CollectorSettingsWrong) as caught:
        load(**(right | wrong))
    assert str(caught.value).startswith(f"{name}: ")
    assert reason in str(caught.value)


@pytest.mark.parametrize("content", ["", "two words", "x" * 2_000, "tab\x07bell", "tiếng"])
def test_when_the_token_file_holds_no_token_then_the_start_stops_without_quoting_it(
    tmp_path: Path, content: str
) -> None:
    path = token_file(tmp_path, content)
    with pytest.raises(CollectorSettingsWrong, match="one word") as caught:
        load(collector_url="http://localhost:8000", collector_token_file=path)
    assert not content or content not in str(caught.value)


def test_when_the_token_file_is_open_to_others_then_the_start_stops(tmp_path: Path) -> None:
    path = token_file(tmp_path)
    path.chmod(0o640)
    with pytest.raises(CollectorSettingsWrong, match="mode 640"):
        load(collector_url="http://127.0.0.1:8000", collector_token_file=path)


@pytest.mark.parametrize("url", ["http://localhost:1", "http://127.0.0.7", "http://[::1]:8000/", "https://10.0.0.1"])
def test_when_the_service_is_near_or_encrypted_then_the_address_is_fine(tmp_path: Path, url: str) -> None:
    settings = load(collector_url=url, collector_token_file=token_file(tmp_path), home=tmp_path)
    assert settings.folder == tmp_path / "collector"
    assert TOKEN not in repr(settings)


async def test_when_the_service_is_not_there_then_the_call_ends_at_once(tmp_path: Path) -> None:
    uplink = Uplink(Door("http://127.0.0.1:9", token_file(tmp_path), is_loopback=True))
    with pytest.raises(Away, match="no contact"):
        await asyncio.wait_for(uplink.fetch(None), 20)
    await uplink.close()
    (tmp_path / "token").unlink()
    uplink = Uplink(Door("http://127.0.0.1:9", tmp_path / "token", is_loopback=True))
    with pytest.raises(Refused, match="cannot read the token file"):
        await uplink.fetch(None)
    await uplink.close()
