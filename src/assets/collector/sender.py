"""What goes out when: one batch at a time, smaller after a slow line, later after a refusal, and no batch twice bad.

taken        settle what the answer names, go on at once while a backlog waits
refused      halve until the one bad observation is alone; let it go once the service proves that it takes others
away         back off with jitter, from one second up to BACK_OFF_MAX_SECONDS, or as Retry-After says
token wrong  say so once and ask slowly: an administrator may put it right
"""

import secrets
from collections.abc import Callable
from datetime import datetime

import structlog

from assets.collector.backlog import Outgoing, SafeBacklog
from assets.collector.buffer import Pending
from assets.collector.uplink import Away, BatchRefused, Refused, TooSlow, Uplink, UplinkError
from assets.collector.uptime import Uptime
from assets.probing.contract import BATCH_MAX, Answer

POST_GAP_SECONDS = 1.0  # between posts without a backlog: what was seen within it goes out together
HEARTBEAT_SECONDS = 10.0  # an empty batch: the service hears of us, we hear of orders
BACK_OFF_FIRST_SECONDS = 1.0
BACK_OFF_MAX_SECONDS = 30.0
REFUSED_SECONDS = 60.0
BATCH_MIN = 20  # some 20 kB: passes a line of 10 kbit/s in time
SKEW_TOLD_SECONDS = 5.0
CONDEMNED_IN_A_ROW_MAX = 16
TOLD_MAX = 20  # rejected observations of one answer that are logged one by one

_log = structlog.get_logger(__name__)
_random = secrets.SystemRandom()


class Sender:
    """Takes batches out of the backlog, one step at a time, and tells `heard` each answer of the service."""

    def __init__(
        self, *, backlog: SafeBacklog, uplink: Uplink, uptime: Uptime, heard: Callable[[Answer], None]
    ) -> None:
        self._backlog = backlog
        self._uplink = uplink
        self._uptime = uptime
        self._heard = heard
        self._limit = BATCH_MAX
        self._failures = 0
        self._condemned_in_a_row = 0
        self._last_contact: float | None = None  # uptime
        self.idle = False  # nothing waits: the next observation may cut the pause short
        self.assignment = ""  # hash of what we are doing, for the service to compare
        self.last_post_at: datetime | None = None
        self.trouble = ""
        self.skew_seconds = 0.0

    async def step(self) -> float:
        """Send one batch, or a sign of life when it is time; returns how many seconds to wait before the next step."""
        batch = await self._backlog.next_batch(limit=self._limit)
        self.idle = batch is None
        if batch is None:
            if (rest := self._heartbeat_in()) > 0:
                return rest
            batch = await self._backlog.empty_batch()
            if batch is None:
                return HEARTBEAT_SECONDS
        try:
            await self._deliver(batch)
        except UplinkError as error:
            return self._failed(error, sent=len(batch.observations))
        self._succeeded()
        return 0.0 if batch.left > 0 else POST_GAP_SECONDS

    async def _deliver(self, batch: Outgoing) -> None:
        """Bring every observation of the batch to an end: settled, or refused and let go."""
        pieces = [batch.observations]
        while pieces:
            piece = pieces.pop()
            try:
                await self._post(batch, piece)
            except BatchRefused as error:
                if len(piece) <= 1:
                    await self._condemn(batch, piece, error)
                else:
                    half = len(piece) // 2
                    pieces += [piece[:half], piece[half:]]  # the newer half is next

    async def _post(self, batch: Outgoing, piece: list[Pending]) -> None:
        part = Outgoing(batch.buffer_id, piece, batch.left, batch.shed)
        answer = await self._uplink.post(part, now=self._uptime.now(), assignment=self.assignment)
        sent = {row.sequence for row in piece}
        refused = {r.sequence: r.reason for r in answer.rejected if r.sequence in sent}
        done = {sequence for sequence in sent if sequence <= answer.accepted_to and sequence not in refused}
        _tell_refused(refused)
        await self._backlog.settle(batch, done, refused)
        if sent and not done and not refused:
            raise Away("the service took none of the batch")
        self._condemned_in_a_row = 0 if done else self._condemned_in_a_row
        self._contact(answer)

    async def _condemn(self, batch: Outgoing, piece: list[Pending], error: BatchRefused) -> None:
        """Let one observation go that the service refuses even alone, unless it is the service that is wrong."""
        if not piece:
            raise Away(f"the service refuses even an empty batch: {error.reason}")
        if self._condemned_in_a_row >= CONDEMNED_IN_A_ROW_MAX:
            raise Away(f"the service refuses every observation: {error.reason}")
        try:
            await self._post(batch, [])  # a portal or proxy that refuses everything proves nothing against this one
        except BatchRefused:
            raise Away(f"the service refuses even an empty batch: {error.reason}") from None
        self._condemned_in_a_row += 1
        _tell_refused({piece[0].sequence: error.reason})
        await self._backlog.settle(batch, (), {piece[0].sequence})

    def _contact(self, answer: Answer) -> None:
        now = self._uptime.now()
        self._last_contact, self.last_post_at = now.up_seconds, now.wall
        told, skewed = (
            abs(self.skew_seconds) > SKEW_TOLD_SECONDS,
            abs(answer.skew_seconds) > SKEW_TOLD_SECONDS,
        )
        self.skew_seconds = answer.skew_seconds
        if skewed != told:
            _log.warning("clock is wrong" if skewed else "clock is right again", skew_seconds=answer.skew_seconds)
        self._heard(answer)

    def _heartbeat_in(self) -> float:
        if self._last_contact is None:
            return 0.0
        return self._last_contact + HEARTBEAT_SECONDS - self._uptime.now().up_seconds

    def _succeeded(self) -> None:
        if self.trouble:
            _log.info("service reached again", after_failures=self._failures)
        self._failures, self.trouble = 0, ""
        self._limit = min(BATCH_MAX, self._limit * 2)

    def _failed(self, error: UplinkError, *, sent: int) -> float:
        # Once when it goes and once when it comes back; the reasons in between are in the status.
        if not self.trouble:
            _log.warning("service not reached, keeping observations", reason=error.reason)
        self.trouble = error.reason
        self._failures += 1
        self.idle = False
        if isinstance(error, TooSlow):
            self._limit = max(BATCH_MIN, min(self._limit, sent) // 2)
        return back_off(self._failures, error)


def back_off(failures: int, error: UplinkError) -> float:
    """Seconds to wait after so many failures in a row, never the same twice: a hundred collectors come back at once."""
    if error.retry_after_seconds is not None:
        return max(BACK_OFF_FIRST_SECONDS, error.retry_after_seconds) * _random.uniform(1.0, 1.1)
    if isinstance(error, Refused):
        return REFUSED_SECONDS * _random.uniform(0.5, 1.0)
    return min(BACK_OFF_MAX_SECONDS, BACK_OFF_FIRST_SECONDS * 2.0 ** min(failures - 1, 10)) * _random.uniform(0.5, 1.0)


def _tell_refused(reasons: dict[int, str]) -> None:
    for sequence, reason in sorted(reasons.items())[:TOLD_MAX]:
        _log.error("the service will never take this observation, it is dropped", sequence=sequence, reason=reason)
    if len(reasons) > TOLD_MAX:
        _log.error("and more of the same answer", observations=len(reasons) - TOLD_MAX)
