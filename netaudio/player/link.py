"""The client's side of the wire: events and reports out, packets in. Time is an argument."""

import math
from collections import deque
from dataclasses import dataclass
from itertools import islice

from netaudio.errors import ProtocolError
from netaudio.player.bandwidth import Bandwidth
from netaudio.player.parity_requests import Recovery
from netaudio.player.player import ClientPlayer
from netaudio.player.rings import Packet
from netaudio.sampler.snapshot import ScoreState
from netaudio.sampler.voices import Event
from netaudio.statistics import quantile
from netaudio.timing.latency_budget import CAPACITY
from netaudio.units import unwrap16, unwrap32, wrap32
from netaudio.wire import control
from netaudio.wire.parity import is_parity
from netaudio.wire.rtp import (
    MAX_EVENTS,
    UNKNOWN_SLACK,
    Audio,
    Payload,
    Reply,
    Report,
    is_audio,
    parse_audio,
    parse_reply,
)

REPORT_SECONDS = 0.05
PROBE_SECONDS = 0.02  # between reports while the round trip is being measured
RESEND_SECONDS = (0.0, 0.005, 0.015, 0.035)  # a lost TCP segment would hold an event back for 200 ms
BURST, REPLENISH_SECONDS = 8, 0.01  # reports with events that may go out at once, and how soon another may
WINDOW_SECONDS = 1.0
ROUND_TRIPS, RECENT_TRIPS = 2000, 40  # kept


@dataclass
class PacketCount:
    received: int = 0
    lost: int = 0
    recovered: int = 0  # of the lost, by parity, before they were to be played
    late: int = 0
    duplicate: int = 0
    strange: int = 0  # datagrams that were not ours or made no sense


class Link:
    """One session's wire. Feed it datagrams; send what `control` and `datagrams` give."""

    def __init__(
        self,
        player: ClientPlayer,
        ssrc: int,
        secret: bytes,
        payload: Payload,
        aim: int,
        earlier: "Link | None" = None,
    ) -> None:
        """`earlier` is the last session's, whose figures this one's go on from."""
        self.player, self.ssrc, self.secret, self.payload = player, ssrc, secret, payload
        self.aim = aim  # frames: the slack that the server is asked for
        self.count: PacketCount = earlier.count if earlier else PacketCount()
        self.bandwidth = Bandwidth(player.rate)
        self._end = 0  # the highest position that came
        self.heard = 0  # the server has all events up to this seq
        self.probed: int = earlier.probed if earlier else 0  # round trips
        self.round_trips: deque[float] = earlier.round_trips if earlier else deque(maxlen=ROUND_TRIPS)  # seconds
        self._recent_trips: deque[float] = deque(maxlen=RECENT_TRIPS)
        self.slacks: deque[tuple[float, int]] = deque()  # (time, frames) of the last second's packets
        self.all_slacks: SlackHistogram = earlier.all_slacks if earlier else SlackHistogram()
        self._slack: int | None = None
        self._slack_at = -REPORT_SECONDS
        self.last_audio: float | None = None
        self.probing = False
        self.measuring = True  # not while instruments load: the busy interpreter would be measured, not the way
        self._unheard: deque[Event] = deque()
        self._due: list[float] = []
        self._next_report = 0.0
        self._burst, self._burst_at = float(BURST), 0.0
        self._counter = 0
        self._began = player.began
        self._highest: int | None = None  # extended sequence number
        self._first = self._expected_before = 0
        self._received_before = self.count.received
        self._seen: set[int] = set()
        self._transit: float | None = None
        self._jitter = 0.0  # RFC 3550, 6.4.1; frames
        self.recovery = Recovery(ssrc, payload.type)

    def control(self, now: float) -> list[control.Message]:
        """What the player did since the last call, for the control connection."""
        out: list[control.Message] = []
        self._began = self.player.began  # before the outbox is emptied: no event to come lies before it
        while self.player.outbox:
            item = self.player.outbox.popleft()
            if isinstance(item, ScoreState):
                self._unheard.clear()
                self.heard = item.seq
                out.append(control.Resume(item))
            else:
                out.append(control.Event(*item))
                self._unheard.append(item)
                self._due = [now + delay for delay in RESEND_SECONDS]
        return out

    @property
    def due(self) -> float:
        """When `datagrams` will have something, unless the player does something before; after many, some later."""
        return min(self._next_report, self._due[0]) if self._due else self._next_report

    def datagrams(self, now: float) -> list[bytes]:
        """The reports that are due: at once and thrice more with new events, else regularly. After `control`.

        Under hundreds of events a second reports carry more of them instead of going out more often."""
        while self._unheard and self._unheard[0].seq <= self.heard:
            self._unheard.popleft()
        if not self._unheard:
            self._due.clear()
        if now < self.due:
            return []
        self._burst = min(BURST, self._burst + (now - self._burst_at) / REPLENISH_SECONDS)
        self._burst_at = now
        if now < self._next_report:
            if self._burst < 1:
                return []
            self._burst -= 1
        self._due = [due for due in self._due if due > now]
        self._next_report = now + (PROBE_SECONDS if self.probing else REPORT_SECONDS)
        return [self._report(now).pack(self.secret)]

    def receive_datagram(self, data: bytes, now: float) -> None:
        """Take what came from the server's address; what makes no sense is counted and dropped."""
        try:
            if is_parity(data):
                self._take_recovered(self.recovery.take_parity(data))
            elif is_audio(data):
                self._take_audio(parse_audio(data), data, now)
            else:
                self._take_reply(parse_reply(data), now)
        except ProtocolError:
            self.count.strange += 1

    def round_trip(self, share: float) -> float:
        """A quantile of the measured round trips, in seconds; 0 before the first."""
        return quantile(self.round_trips, share)

    def trips_since(self, probed: int) -> list[float]:
        """The round trips after so many, in seconds."""
        new = min(self.probed - probed, len(self.round_trips))
        return list(islice(reversed(self.round_trips), new))[::-1]

    @property
    def jitter(self) -> float:
        """Seconds: p99.9 less p50 of the round trip."""
        trips = sorted(self.round_trips)  # and so not twice
        return quantile(trips, 0.999) - quantile(trips, 0.5)

    def slack(self, now: float) -> int | None:
        """Frames: p1 of the last second's packets, as of the last REPORT_SECONDS."""
        if now - self._slack_at >= REPORT_SECONDS:
            while self.slacks and self.slacks[0][0] < now - WINDOW_SECONDS:
                self.slacks.popleft()
            self._slack = round(quantile([s for _, s in self.slacks], 0.01)) if self.slacks else None
            self._slack_at = now
        return self._slack

    def _report(self, now: float) -> Report:
        time, position, block = self._began
        slack, trip = self.slack(now), quantile(self._recent_trips, 0.5)
        parity, window = self._parity(now, slack)
        expected = 0 if self._highest is None else self._highest - self._first + 1
        gone = (expected - self._expected_before) - (self.count.received - self._received_before)
        fraction = max(0, 256 * gone // max(1, expected - self._expected_before))
        self._expected_before, self._received_before = expected, self.count.received
        self._counter += 1
        return Report(
            self.ssrc, self._counter, position, round(max(0.0, now - time) * 1e6) & 0xFFFF_FFFF,
            UNKNOWN_SLACK if slack is None else slack, self.aim, round(trip * 1e6),
            round(now * 1e6) & 0xFFFF_FFFF, min(fraction, 255), self.count.lost, self._highest or 0,
            round(self._jitter), tuple(self._unheard)[:MAX_EVENTS], block, parity, window,
        )  # fmt: skip

    def _take_reply(self, reply: Reply, now: float) -> None:
        if reply.ssrc != self.ssrc:
            raise ProtocolError("a reply of another session")
        self.heard = max(self.heard, reply.heard)
        trip = wrap32(round(now * 1e6) - reply.sent) - reply.hold
        if self.measuring and 0 <= trip < 10_000_000:
            self.round_trips.append(trip / 1e6)
            self._recent_trips.append(trip / 1e6)
            self.probed += 1

    def _parity(self, now: float, slack: int | None) -> tuple[int, int]:
        """What to ask for: packets to 16 audio packets, and how many each is over: all that it can still serve."""
        chunk = self.player.rings.remote.chunk
        ahead = max(0, self.aim if slack is None else slack) // chunk
        rate, window = self.recovery.wanted(now, ahead * -(-chunk // self.payload.packet_frames(chunk)))
        return math.ceil(16 * rate), window

    def _take_audio(self, audio: Audio, data: bytes, now: float) -> None:
        if audio.ssrc != self.ssrc or audio.type != self.payload.type:
            raise ProtocolError("audio of another session")
        if not self.player.linked:
            return
        packet = self._packet(audio)
        if not self._is_new(audio.sequence):
            self.count.duplicate += 1
            return
        assert self._highest is not None
        sequence = unwrap16(audio.sequence, self._highest)
        self.count.recovered -= self.recovery.came_after_all(sequence)
        self.last_audio = now
        self.count.received += 1
        slack = self._put(packet)
        self.slacks.append((now, slack))
        self.all_slacks.add(slack)
        self._measure_jitter(now, packet.position)
        self._end = max(self._end, packet.position)
        self.bandwidth.add(now, self._end, self.count.received, self.count.lost - self.count.recovered)
        if slack < 0:
            self.count.late += 1
        self._take_recovered(self.recovery.take_audio(sequence, data, now))

    def _take_recovered(self, datagrams: list[bytes]) -> None:
        """Packets that came back are played like any other, but say nothing of the network."""
        for data in datagrams if self.player.linked else []:
            audio = parse_audio(data)
            if self._put(self._packet(audio)) >= 0:
                self.count.recovered += 1
                self.recovery.came_back(audio.sequence)

    def _packet(self, audio: Audio) -> Packet:
        position = unwrap32(audio.timestamp, self.player.position)
        return Packet(position, audio.before, audio.heard, self.payload.decode(audio.payload))

    def _put(self, packet: Packet) -> int:
        """Have a packet played, if there is time; its slack."""
        slack = packet.position - self.player.position
        self.heard = max(self.heard, packet.heard)
        if -len(packet.frames) < slack < CAPACITY - self.player.rings.remote.chunk:
            self.player.rings.remote.put(packet)
        return slack

    def _is_new(self, sequence: int) -> bool:
        """Count gaps in the sequence numbers (RFC 3550, A.1, A.3); False for a duplicate."""
        if self._highest is None:
            self._first = self._highest = sequence
        extended = unwrap16(sequence, self._highest)
        if extended in self._seen:
            return False
        if extended > self._highest:
            self.count.lost += extended - self._highest - 1
            self._highest = extended
        elif self._seen:
            self.count.lost -= extended >= self._first
        self._seen.add(extended)
        if len(self._seen) > 8192:
            self._seen = {s for s in self._seen if s > self._highest - 4096}
        return True

    def _measure_jitter(self, now: float, position: int) -> None:
        transit = now * self.player.rate - position
        if self._transit is not None:
            self._jitter += (abs(transit - self._transit) - self._jitter) / 16
        self._transit = transit


class SlackHistogram:
    """Slacks of a whole session, counted, as far as the rings reach; for the report's minimum and median."""

    def __init__(self) -> None:
        self.counts: dict[int, int] = {}

    def add(self, slack: int) -> None:
        slack = min(max(slack, -CAPACITY), CAPACITY)
        self.counts[slack] = self.counts.get(slack, 0) + 1

    def summary(self) -> dict[str, int | None]:
        total, seen = sum(self.counts.values()), 0
        for slack in sorted(self.counts):
            seen += self.counts[slack]
            if 2 * seen >= total:
                return {"min": min(self.counts), "p50": slack}
        return {"min": None, "p50": None}
