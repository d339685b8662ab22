"""Looking a device over: which profile fits, who it is, which rows it has and which of our questions it can answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from assets.probing import identity, rates
from assets.probing.ber import Value
from assets.probing.contract import TargetSpec
from assets.probing.door import Door, Peer, Walked
from assets.probing.identity import (
    DEVICE_DESCR,
    ENTITY_ROWS_MAX,
    HINTS,
    SYS_DESCR,
    SYS_OBJECT_ID,
    Answers,
    dotted,
    entity_columns,
)
from assets.probing.look import Facts, Look, rows, text
from assets.probing.profile import Found, Profile, Profiles
from assets.probing.profile_file import Table
from assets.probing.readings import Identity
from assets.probing.texts import Guesses
from assets.probing.turns import Turns

UNDER_ROWS_MAX = 8  # of a column in which the first text is wanted


@dataclass(frozen=True)
class Asking:
    """One device being asked, by one door, with the profiles of now."""

    door: Door
    peer: Peer
    target: TargetSpec
    profiles: Profiles
    turns: Turns = field(default_factory=Turns)

    @property
    def way(self) -> tuple[str, int, UUID, str]:
        """Another address, credential or profile makes it another device."""
        return self.peer.address, self.peer.port, self.peer.credential.id, self.target.profile

    async def get(self, oids: Sequence[str]) -> dict[str, Value]:
        """Like the door's, and nothing for no question."""
        return await self.door.get(self.peer, oids) if oids else {}

    async def walk(self, roots: Sequence[str], *, limit: int | None = None, texts: bool = False) -> Walked:
        """Like the door's, and nothing for no question."""
        if not roots:
            return Walked()
        return await self.door.walk(self.peer, roots, limit=limit, texts=texts)


@dataclass
class Known:
    """What is remembered of a device between looks; `static` and `tables` are the facts of its rows.

    Only `sample` changes, with every look.
    """

    way: tuple[str, int, UUID, str]
    profile: Profile
    identity: Identity
    looked_over_at: float
    static: Mapping[str, Mapping[str, Value]]
    tables: Mapping[str, dict[str, Facts]]
    scalars: tuple[str, ...]  # single objects to ask each time
    live: tuple[str, ...]  # columns to ask each time
    truncated: bool
    sample: rates.Sample | None = None


async def look_over(asking: Asking, system: Mapping[str, Value], now: float) -> tuple[Known, dict[str, Value]]:
    """Everything that seldom changes, and the single objects that were asked on the way; raises a DeviceError."""
    found = identity.with_makers(await _match(asking, system), system, asking.profiles)
    profile = found.profile
    told = profile.identity
    parts = [*told.vendor, *told.model, *told.serial, *told.firmware]
    names = dict.fromkeys([*HINTS, *profile.scalar_oids, *(p.oid for p in parts if p.oid)])
    scalars = await asking.get([name for name in names if name not in system])
    under = await asking.walk([p.under for p in parts if p.under], limit=UNDER_ROWS_MAX, texts=True)
    chassis = Walked()
    if any(p.entity for p in parts):
        chassis = await asking.walk(entity_columns(), limit=ENTITY_ROWS_MAX, texts=True)
    static = await asking.walk(_static(profile), texts=True)
    ports = sum(kind == identity.ETHERNET for kind in static.columns.get(identity.IF_TYPE, {}).values())
    answers = Answers({**system, **scalars}, {**under.columns, **chassis.columns})
    identified = await asking.turns.whole(
        lambda: identity.identify(found, answers, asking.profiles.makers, ports=ports)
    )  # fmt: skip
    guesses = Guesses()
    tables = {table.name: await asking.turns.take(rows(table, static.columns, guesses)) for table in profile.tables}
    known = Known(
        way=asking.way,
        profile=profile,
        identity=identified,
        looked_over_at=now,
        static=static.columns,
        tables=tables,
        scalars=profile.scalar_oids,
        live=_live(profile),
        truncated=static.truncated,
    )
    return known, scalars


def narrowed(known: Known, look: Look) -> Known:
    """The same, but asking only for what this device answered: other objects are tried again at the next overview."""
    live = {oid for table in known.profile.tables for oid in _useful(table, look)}
    return replace(
        known,
        scalars=tuple(o for o in known.scalars if o in look.scalars),
        live=tuple(o for o in known.live if o in live),
    )


async def _match(asking: Asking, system: Mapping[str, Value]) -> Found:
    """The profile that the assignment names, else the one that fits; a weak fit is checked against MIBs that answer."""
    object_id, device = dotted(system.get(SYS_OBJECT_ID)), ""
    if asking.profiles.tells_by_device(object_id):
        device = text((await asking.get([DEVICE_DESCR])).get(DEVICE_DESCR))
    found = asking.profiles.find(object_id, text(system.get(SYS_DESCR)), device)
    if asking.target.profile and (named := asking.profiles.get(asking.target.profile)):
        return found if found.profile is named else Found(named, None)
    if not found.weak:
        return found
    markers = asking.profiles.markers()
    walked = await asking.walk(tuple(markers), limit=1)
    return identity.overruled(found, {oid: p for oid, p in markers.items() if walked.columns.get(oid)})


def _static(profile: Profile) -> tuple[str, ...]:
    """Columns that are asked at an overview only: facts, and the speeds that rates are a share of."""
    facts = [fact.oid for table in profile.tables for fact in table.facts.values()]
    speeds = [w.oid for table in profile.tables for r in table.readings if r.raw for w in r.of]
    return tuple(dict.fromkeys(facts + speeds))


def _live(profile: Profile) -> tuple[str, ...]:
    """Columns that are asked each time."""
    oids: list[str] = []
    for table in profile.tables:
        for reads in table.readings:
            oids += [reads.oid, *reads.with_.values()]
            oids += [w.oid for w in reads.of if not reads.raw]
    return tuple(dict.fromkeys(oids))


def _useful(table: Table, look: Look) -> set[str]:
    """The columns that bring a row which no earlier entry for the same reading had (64-bit counters before 32)."""
    useful: set[str] = set()
    covered: dict[str, set[str]] = {}
    for reads in table.readings:
        have = set(look.columns.get(reads.oid, ()))
        if not have - covered.setdefault(reads.name, set()):
            continue
        if not reads.decoder:  # a decoder may leave rows to a later entry
            covered[reads.name] |= have
        useful |= {reads.oid, *reads.with_.values(), *(w.oid for w in reads.of if not reads.raw)}
    return useful
