"""Thousands of simulated devices in one process: one UDP socket for all, one loopback address each.

    python -m assets.demo.simulator --spec FILE --faults FILE [--port N] [--stats FILE] [--parent PID]

It prints `ready` when it answers, follows the faults file, and ends with its parent.
"""

import argparse
import json
import os
import resource
import selectors
import signal
import socket
import struct
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from assets import clock
from assets.demo import faults as faulty
from assets.demo import portal
from assets.demo.agent import Agent, Table
from assets.demo.faults import Broken, Fault, Faults
from assets.demo.lifeline import LOOK_SECONDS, Lifeline
from assets.demo.recordings import device as record
from assets.demo.spec import Device, Listener, Spec, load, write_whole
from assets.errors import AssetsError, Invalid, Unavailable

PORT = 16_100
DATAGRAM_MAX = 8_192
TURN_MAX = 256  # datagrams answered before faults, doors and the parent are looked at again
ACCEPTS_MAX = 64  # connections taken from one door in a turn
RECEIVE_BUFFER_BYTES = 8 << 20  # a round of polls arrives at once; the kernel may grant less
STATS_SECONDS = 0.5
BACKLOG = 16
SPARE_FILES = 64

# Linux numbers that Python names only from 3.12 on, or not at all.
_IP_PKTINFO = 8
_SO_RCVBUFFORCE = 33
_PACKET_INFO = struct.Struct("=i4s4s")  # struct in_pktinfo: interface, local address, address asked for
_ANY_ADDRESS = b"\0\0\0\0"
_LOOPBACK_BYTE = 127


@dataclass(slots=True)
class Standing:
    """A device with its fault; the table is made when somebody asks."""

    device: Device
    broken: Broken | None = None
    unheard: bool = False
    table: Table | None = None


@dataclass(slots=True)
class Door:
    """A listener; the ear is there while it is open."""

    listener: Listener
    ear: socket.socket | None = None
    reason: str = ""  # why it could not be opened


class Simulator:
    """Answers until told to stop. `open`, then `turn` again and again, then `close`."""

    def __init__(self, spec: Spec, *, port: int, faults: Path) -> None:
        self.agent = Agent(spec.community)
        self._spec = spec
        self._epoch = spec.epoch_seconds
        self._port = port
        self._faults_path = faults
        self._faults_seen: tuple[int, ...] = ()
        self._faults: Faults = {}
        self._unheard: frozenset[str] = frozenset()
        self._devices = {socket.inet_aton(d.address): Standing(d) for d in spec.devices}
        self._doors = [Door(listener) for listener in spec.listeners]
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._selector = selectors.DefaultSelector()
        self._now = 0.0

    def open(self) -> None:
        """Bind everything; `Unavailable` names the port that somebody else has."""
        _allow_files(len(self._doors) + SPARE_FILES)
        self._udp.setblocking(False)
        self._udp.setsockopt(socket.IPPROTO_IP, _IP_PKTINFO, 1)
        with suppress(OSError):  # only on loopback, where the kernel lets us; each packet is looked at anyway
            self._udp.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo\0")
        _widen(self._udp)
        try:
            self._udp.bind(("0.0.0.0", self._port))  # noqa: S104 - all of 127/8; other destinations are refused
        except OSError as error:
            raise Unavailable(f"UDP port {self._port}: {error.strerror}; choose another with --port") from error
        self._selector.register(self._udp, selectors.EVENT_READ)
        self.look_at_faults()
        closed = next((door for door in self._doors if door.reason), None)
        if closed:
            where = f"{closed.listener.address}:{closed.listener.port}"
            raise Unavailable(f"TCP {where} for {closed.listener.tag}: {closed.reason}")

    def turn(self, timeout_seconds: float) -> None:
        """Answer what has arrived, at most `TURN_MAX` datagrams; wait at most so long for the first."""
        events = self._selector.select(timeout_seconds)
        # Never backwards, or counters would seem to be reset when somebody sets the machine's clock.
        self._now = max(self._now, clock.now().timestamp())
        for key, _ in events:
            if key.data is None:
                self._answer_waiting()
            else:
                self._accept(key.data)

    def look_at_faults(self) -> None:
        """Take over the faults file if it is another than last time."""
        try:
            status = self._faults_path.stat()
            seen: tuple[int, ...] = (status.st_ino, status.st_mtime_ns, status.st_size)
        except FileNotFoundError:
            seen = (0,)
        if seen != self._faults_seen:
            self._faults_seen = seen
            try:
                self._faults = faulty.read(self._faults_path)
            except Invalid as error:
                print(f"faults kept as they were: {error}", file=sys.stderr)
            self._apply()
        elif any(door.reason for door in self._doors):
            self._apply()  # the port of a door that could not be opened again may be free now

    def close(self) -> None:
        for door in self._doors:
            self._shut(door)
        self._udp.close()
        self._selector.close()

    def _apply(self) -> None:
        self._unheard = faulty.unheard(self._spec, self._faults)
        for standing in self._devices.values():
            standing.unheard = standing.device.tag in self._unheard
            broken = self._faults.get(standing.device.tag)
            if broken != standing.broken:
                standing.broken, standing.table = broken, None
        for door in self._doors:
            if door.listener.tag in self._unheard:
                self._shut(door)
            elif door.ear is None:
                self._open_door(door)

    def _open_door(self, door: Door) -> None:
        ear = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        ear.setblocking(False)
        ear.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            ear.bind((door.listener.address, door.listener.port))
            ear.listen(BACKLOG)
        except OSError as error:
            ear.close()
            door.reason = error.strerror or str(error)
            return
        door.ear, door.reason = ear, ""
        self._selector.register(ear, selectors.EVENT_READ, door)

    def _shut(self, door: Door) -> None:
        if door.ear is not None:
            self._selector.unregister(door.ear)
            door.ear.close()
            door.ear = None

    def _accept(self, door: Door) -> None:
        for _ in range(ACCEPTS_MAX):
            if door.ear is None:
                return
            try:
                connection, _peer = door.ear.accept()
            except OSError:  # nobody more, or gone before we came
                return
            connection.close()
            self.agent.counted["connections"] += 1

    def _answer_waiting(self) -> None:
        for _ in range(TURN_MAX):
            try:
                packet, ancillary, flags, sender = self._udp.recvmsg(DATAGRAM_MAX, 64)
            except BlockingIOError:
                return
            except OSError:  # an ICMP error of an earlier answer
                continue
            self.agent.counted["received"] += 1
            if flags & socket.MSG_TRUNC:
                self.agent.counted["malformed"] += 1
                continue
            asked = _asked(ancillary)
            answer = self._answer(packet, asked)
            if answer is not None:
                self._send(answer, asked, sender)

    def _answer(self, packet: bytes, asked: bytes) -> bytes | None:
        if asked[0] != _LOOPBACK_BYTE:
            self.agent.counted["not_loopback"] += 1
            return None
        standing = self._devices.get(asked)
        if standing is None:
            self.agent.counted["unknown_address"] += 1
            return None
        if standing.unheard:
            self.agent.counted["silent"] += 1
            return None
        if standing.table is None:
            standing.table = self._table(standing)
        answer = self.agent.answer(packet, standing.table, self._now)
        fault = standing.broken.fault if standing.broken else None
        return answer[:-5] if answer and fault is Fault.GARBLED else answer

    def _table(self, standing: Standing) -> Table:
        face, broken = standing.device, standing.broken
        state = faulty.changed(face.state, broken.fault) if broken else face.state
        since = broken.since.timestamp() if broken else self._epoch
        return Table.of(record(face, epoch=self._epoch, state=state, since=since).rows)

    def _send(self, answer: bytes, asked: bytes, sender: tuple[str, int]) -> None:
        source = [(socket.IPPROTO_IP, _IP_PKTINFO, _PACKET_INFO.pack(0, asked, _ANY_ADDRESS))]
        try:
            self._udp.sendmsg([answer], source, 0, sender)
        except OSError:  # a full buffer or an asker that is gone: UDP loses it, as a network would
            self.agent.counted["unsent"] += 1

    def statistics(self) -> dict[str, float]:
        """Counts since the start, and this process's seconds of CPU time."""
        used = resource.getrusage(resource.RUSAGE_SELF)
        doors = sum(door.ear is not None for door in self._doors)
        own = {"pid": os.getpid(), "devices": len(self._devices), "doors_open": doors, "faults": len(self._faults)}
        return {**own, **self.agent.counted, "cpu_seconds": round(used.ru_utime + used.ru_stime, 3)}


def _asked(ancillary: list[tuple[int, int, bytes]]) -> bytes:
    for level, kind, data in ancillary:
        if level == socket.IPPROTO_IP and kind == _IP_PKTINFO and len(data) >= _PACKET_INFO.size:
            address: bytes = _PACKET_INFO.unpack_from(data)[2]
            return address
    return _ANY_ADDRESS


def _widen(udp: socket.socket) -> None:
    try:
        udp.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, RECEIVE_BUFFER_BYTES)  # above the limit, for root
    except OSError:
        udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)


def _allow_files(needed: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < needed:
        if hard != resource.RLIM_INFINITY and hard < needed:
            raise Unavailable(f"{needed} open files are needed and {hard} allowed (ulimit -Hn)")
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))


class _Stop(Exception):
    """Somebody asked us to end."""


def _stop(_signal: int, _frame: FrameType | None) -> None:
    raise _Stop


def serve(simulator: Simulator, *, lifeline: Lifeline, stats: Path | None) -> None:
    """Turn until a signal comes or the parent is gone."""
    look_at = write_at = time.monotonic()
    while True:
        simulator.turn(LOOK_SECONDS)
        moment = time.monotonic()
        if moment >= look_at:
            look_at = moment + LOOK_SECONDS
            if lifeline.cut():
                return
            simulator.look_at_faults()
        if stats and moment >= write_at:
            write_at = moment + STATS_SECONDS
            _write_statistics(simulator, stats)


def _write_statistics(simulator: Simulator, stats: Path) -> None:
    with suppress(OSError):  # counts are a help; devices must answer also while the disk is full
        write_whole(stats, json.dumps(simulator.statistics()))


def main(arguments: Sequence[str] | None = None) -> int:
    """Start, say `ready`, serve; 0 when stopped, 1 with the reason on stderr when it could not start."""
    options = _options(arguments)
    lifeline = Lifeline(options.parent)  # before anybody is told that we are ready, or a quick death goes unseen
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop)
    try:
        simulator = Simulator(load(options.spec), port=options.port, faults=options.faults)
        try:
            simulator.open()
            try:
                portal.serve(options.spec.parent, options.port)
            except OSError as error:
                raise Unavailable(f"TCP {portal.ADDRESS}:{options.port}: {error.strerror}") from error
            print("ready", flush=True)
            serve(simulator, lifeline=lifeline, stats=options.stats)
        finally:
            simulator.close()
            if options.stats:
                _write_statistics(simulator, options.stats)
    except _Stop:
        return 0
    except AssetsError as error:
        print(f"simulator: {error}", file=sys.stderr)
        return 1
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m assets.demo.simulator", description="Simulated SNMP devices.")
    parser.add_argument("--spec", type=Path, required=True, help="JSON file that says which devices stand where")
    parser.add_argument("--faults", type=Path, required=True, help="JSON file of what is broken; need not exist")
    parser.add_argument("--port", type=int, default=PORT, help="UDP port of all devices (default: %(default)s)")
    parser.add_argument("--stats", type=Path, help="file for counts, rewritten twice a second")
    parser.add_argument("--parent", type=int, help="process to end with (default: whoever started this one)")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
