"""The door for SNMPv2c and v3 on the hot path: our own BER over one socket per address family, no task per request.

    questions   what is asked, as octets made once      flight    when it is sent, again, and given up
    replies     what comes back, and why most does not count      session   the engine and the clock of a v3 device

What nothing better follows than wrong answers from the device asked ends as Malformed, not as Silent.
"""

import asyncio
import socket
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from assets.probing import ber, usm
from assets.probing.ber import Bindings, Value
from assets.probing.contract import User
from assets.probing.door import (
    GET_NAMES_MAX,
    DeviceError,
    Malformed,
    NotAsked,
    Peer,
    Polled,
    Silent,
    Walked,
    WrongCredential,
)
from assets.probing.flight import Flight
from assets.probing.questions import TEMPLATES_MAX, WHO, Plan, Question, Questions
from assets.probing.session import Session
from assets.probing.walking import Answer, Step, Walk, get_in_parts, run, values

PLANS_MAX = 8  # of one device: targets at one address with their own profiles
WEAK_SECONDS = 3_600.0  # then a device deaf to GETBULK is tried again: on a bad line two lost questions look the same
ROUNDS_MAX = 4  # of one v3 question: who are you, what time is it, another engine, the answer
_REFUSES = (6, 16)  # noAccess, authorizationError


class Wire:
    """The door for v2c and v3. Made inside a running loop; sockets open at the first question."""

    def __init__(self, flight: Flight | None = None) -> None:
        self._flight = flight or Flight()
        self._questions = Questions()
        self._plans: dict[tuple[Any, ...], Plan] = {}
        self._rows: dict[tuple[str, ...], int] = {}
        self._keyring = usm.Keyring()
        self._loop = asyncio.get_running_loop()

    @property
    def refused(self) -> Counter[str]:
        """How many datagrams were refused, by their reason."""
        return self._flight.refused

    def sockets(self) -> tuple[socket.socket, ...]:
        """The sockets open now, at most one per address family."""
        return self._flight.sockets()

    async def close(self) -> None:
        """Closes the sockets; questions under way end as NotAsked."""
        self._flight.close()
        self._keyring.clear()

    async def get(self, peer: Peer, oids: Sequence[str]) -> dict[str, Value]:
        """The values of exactly these objects; absent ones are left out."""

        async def ask(names: tuple[str, ...]) -> tuple[int, int, Bindings | dict[str, Value]]:
            answer = await self._ask(peer, ber.GET, names)
            return answer.status, answer.index, _found(names, answer) if answer.status == 0 else []

        if 0 < len(oids) <= GET_NAMES_MAX:
            answer = await self._ask(peer, ber.GET, names := tuple(oids))
            if answer.status == 0:
                return _found(names, answer)
        return await get_in_parts(ask, oids)

    async def walk(self, peer: Peer, roots: Sequence[str], *, limit: int | None = None, texts: bool = False) -> Walked:
        """All rows below each root, guarded (see `walking`); cut walks are marked."""
        return (await self._walk(peer, tuple(roots), limit=limit, texts=texts))[0]

    async def poll(self, peer: Peer, names: tuple[str, ...], roots: tuple[str, ...]) -> Polled:
        """`get` and then `walk`, in one go where both went as they will go the next time; raises what `get` raises."""
        device, key = self._flight.device(peer), (peer.credential.id, names, roots)
        plan = device.plans.get(key) or self._plans.get(key)
        if plan is None:
            return await self._poll_slowly(peer, names, roots, key)
        session = self._session(peer, peer.credential) if isinstance(peer.credential, User) else None
        if (session is not None and not session.engine) or device.weak_until > self._loop.time():
            return await self._poll_slowly(peer, names, roots, key)
        started = self._loop.time()
        pending = await self._flight.begin(device, peer, plan.single, session, learns=True, then=plan.rows)
        try:
            reply = await self._flight.finish(pending)
        except DeviceError as error:
            if pending.first is not None:
                scalars, seconds = _found(names, pending.first), pending.first_at - started
                if isinstance(error, Silent) and not device.bulk:  # it may be deaf to GETBULK
                    return await self._rest(peer, scalars, seconds, roots, key)
                return Polled(scalars, seconds, error)
            if session is None or not isinstance(error, Silent):
                raise
            await self._doubt(peer, session)
            return await self._poll_slowly(peer, names, roots, key)
        if pending.first is None or not isinstance(reply, Answer):  # otherwise than the last time
            if isinstance(reply, usm.Head) and session is not None:
                session.follow(reply, self._loop.time())
            elif isinstance(reply, Answer) and reply.status == 0:
                return await self._rest(peer, _found(names, reply), self._loop.time() - started, roots, key)
            return await self._poll_slowly(peer, names, roots, key)
        if session is not None:
            session.answered()
        device.bulk = True
        scalars = _found(names, pending.first)
        if (walked := _whole(reply, roots)) is None:
            device.plans.pop(key, None)
            return await self._rest(peer, scalars, pending.first_at - started, roots, key, (plan.step, reply))
        return Polled(scalars, pending.first_at - started, walked)

    async def _poll_slowly(self, peer: Peer, names: tuple[str, ...], roots: tuple[str, ...], key: Any) -> Polled:
        started = self._loop.time()
        scalars = await self.get(peer, names[:GET_NAMES_MAX])
        seconds = self._loop.time() - started
        try:
            if more := names[GET_NAMES_MAX:]:
                scalars |= await self.get(peer, more)
        except DeviceError as error:
            return Polled(scalars, seconds, error)
        return await self._rest(peer, scalars, seconds, roots, key)

    async def _rest(
        self,
        peer: Peer,
        scalars: dict[str, Value],
        seconds: float,
        roots: tuple[str, ...],
        key: Any,
        begun: tuple[Step, Answer] | None = None,
    ) -> Polled:
        """The walk of a look; a plan for the next time if it took one question and would take the same."""
        try:
            walked, step = await self._walk(peer, roots, begun=begun)
        except DeviceError as error:
            return Polled(scalars, seconds, error)
        device = self._flight.device(peer)
        if step is not None and step.roots == roots and 0 < len(key[1]) <= GET_NAMES_MAX:
            who = self._questions.who(peer.credential)
            pdu = ber.GETBULK if step.repetitions > 1 else ber.GETNEXT
            single = self._questions.make(who, ber.GET, key[1], None)
            plan = Plan(single, step, self._questions.make(who, pdu, step.names, step))
            plans = device.plans if key in self._plans else self._plans  # the first serves all that answer alike
            if len(plans) >= (PLANS_MAX if plans is device.plans else TEMPLATES_MAX):
                plans.clear()
            plans[key] = plan
        return Polled(scalars, seconds, walked)

    async def _walk(
        self,
        peer: Peer,
        roots: tuple[str, ...],
        *,
        limit: int | None = None,
        texts: bool = False,
        begun: tuple[Step, Answer] | None = None,
    ) -> tuple[Walked, Step | None]:
        """(what was walked, the one question that brought it all and will be asked in the same way the next time)."""
        device = self._flight.device(peer)
        expected = device.rows.get(roots, self._rows.get(roots)) if limit is None else None
        walk = Walk(roots, limit=limit, texts=texts, now=self._loop.time(), expected=expected)
        steps: list[Step] = []

        async def ask(step: Step) -> Answer:
            steps.append(step)
            if begun is not None and len(steps) == 1 and step == begun[0]:
                return begun[1]
            return await self._bulk(peer, step, first=walk.rows == 0)

        walked = await run(walk, peer, ask)
        if walk.reasons:
            self._flight.refused.update(walk.reasons)
            device.rows.pop(roots, None)
        elif limit is None and walk.longest != expected:
            if expected is None and len(self._rows) < TEMPLATES_MAX:
                self._rows[roots] = walk.longest  # what to expect of others
            else:
                device.rows[roots] = walk.longest
        elif limit is None and len(steps) == 1:
            return walked, steps[0]
        return walked, None

    async def _bulk(self, peer: Peer, step: Step, *, first: bool) -> Answer:
        """One GETBULK, or GETNEXT for a device that leaves GETBULK unanswered."""
        device = self._flight.device(peer)
        if step.repetitions > 1 and device.weak_until <= self._loop.time():
            try:
                answer = await self._ask(peer, ber.GETBULK, step.names, step)
                device.bulk = True
                return answer
            except Silent:
                if not first:
                    raise
            answer = await self._ask(peer, ber.GETNEXT, step.names, step)
            device.weak_until = self._loop.time() + WEAK_SECONDS
            return answer
        return await self._ask(peer, ber.GETNEXT, step.names, step)

    async def _ask(self, peer: Peer, pdu: int, names: tuple[str, ...], step: Step | None = None) -> Answer:
        if isinstance(peer.credential, User):
            answer = await self._ask_v3(peer, peer.credential, pdu, names, step)
        else:
            question = self._questions.make(self._questions.who(peer.credential), pdu, names, step)
            reply = await self._send(peer, question, None, learns=step is None or step.whole)
            assert isinstance(reply, Answer)
            answer = reply
        if answer.status in _REFUSES:
            raise WrongCredential("user_refused" if isinstance(peer.credential, User) else "community_refused")
        return answer

    async def _ask_v3(self, peer: Peer, user: User, pdu: int, names: tuple[str, ...], step: Step | None) -> Answer:
        """The answer to a user: finds out the engine and its time first, and again when they are not what they were."""
        if not usm.speaks(user):
            raise NotAsked("this door encrypts with AES only")
        session = self._session(peer, user)
        question = self._questions.make(user.id, pdu, names, step)
        for _ in range(ROUNDS_MAX):
            if not session.engine:
                await self._discover(peer, session)
            try:
                reply = await self._send(peer, question, session, learns=step is None or step.whole)
            except Silent:
                await self._doubt(peer, session)
                continue
            if isinstance(reply, Answer):
                session.answered()
                return reply
            session.follow(reply, self._loop.time())
        raise Malformed("badly_changing")

    async def _doubt(self, peer: Peer, session: Session) -> None:
        """After silence: nobody may be there (Silent), or somebody who meets what he cannot decrypt with silence."""
        await self._discover(replace(peer, tries=1), session)
        if session.fruitless():
            raise WrongCredential("user_or_privacy") from None

    async def _discover(self, peer: Peer, session: Session) -> None:
        """Asks an engine who it is (RFC 3414 §4); what it says of its time is good for asking, and proves nothing."""
        reply = await self._send(peer, WHO, Session(session.user, self._keyring), learns=False)
        assert isinstance(reply, usm.Head)
        session.meet(reply, self._loop.time())

    async def _send(
        self, peer: Peer, question: Question, session: Session | None, *, learns: bool
    ) -> Answer | usm.Head:
        """One message and what came back to it: the answer, or a report that the session can follow."""
        device = self._flight.device(peer)
        return await self._flight.finish(await self._flight.begin(device, peer, question, session, learns=learns))

    def _session(self, peer: Peer, user: User) -> Session:
        sessions = self._flight.device(peer).sessions
        session = sessions.get(user.id)
        if session is None or session.user != user:
            while len(sessions) >= 8:  # credentials that were tried here once
                del sessions[next(iter(sessions))]
            session = sessions[user.id] = Session(user, self._keyring)
        return session


def _found(names: tuple[str, ...], answer: Answer) -> dict[str, Value]:
    if answer.values is None or answer.shape is None:
        return values(names, answer.bindings)
    changing, fixed = answer.shape.meaning
    found = dict(zip(changing, answer.values[1:], strict=True))
    found.update(fixed)
    return found


def _whole(answer: Answer, roots: tuple[str, ...]) -> Walked | None:
    """What a walk of these roots brings, where this one reply is all of it."""
    if answer.values is None or answer.shape is None:
        return None
    columns: dict[str, dict[str, Value]] = {}
    for root, told in zip(roots, answer.shape.meaning, strict=True):
        if not told.done:
            return None
        column = columns[root] = dict(zip(told.suffixes, told.pick(answer.values), strict=True))
        if told.fixed:
            column.update(told.fixed)
    return Walked(columns)
