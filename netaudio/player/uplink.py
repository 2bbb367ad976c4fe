"""What the player did, as messages, and as reports that repeat it until it is heard. Time is an argument."""

from collections import deque
from itertools import islice

from netaudio.errors import ProtocolError
from netaudio.player.player import ClientPlayer, Outbox
from netaudio.player.receiver import ReceptionReport
from netaudio.player.report_times import ReportTimes
from netaudio.sampler.snapshot import ScoreState
from netaudio.sampler.voices import Event
from netaudio.statistics import quantile
from netaudio.timing.round_trips import RoundTrips
from netaudio.units import wrap32
from netaudio.wire import control
from netaudio.wire.rtcp import MAX_EVENTS, UNKNOWN_SLACK, Reply, Report

RECENT_TRIPS = 40
MOST_SECONDS = 10.0  # of a round trip


class Uplink:
    """Of one session. Events go out by both ways until they are heard; replies to reports measure the round trip."""

    def __init__(self, player: ClientPlayer, ssrc: int, secret: bytes, aim: int, round_trips: RoundTrips) -> None:
        """`aim`: the slack that the server is asked for, in frames; `round_trips` are those of the run."""
        self.aim = aim
        self.probing = False  # ask for round trips more often
        self.outbox = Outbox()  # of this session, for the player
        self.measuring = True  # not while instruments load: the busy interpreter would be measured, not the way
        self._player, self._ssrc, self._secret = player, ssrc, secret
        self._round_trips, self._earlier_trips = round_trips, round_trips.count
        self._times = ReportTimes()
        self._unheard: deque[Event] = deque()
        self._heard = 0  # the server has all events up to this seq
        self._counter = 0  # reports
        self._began = player.began

    @property
    def probed(self) -> int:
        """Round trips that were measured in this session."""
        return self._round_trips.count - self._earlier_trips

    @property
    def due(self) -> float:
        """When a report is due, unless the player does something before; after many, some later."""
        return self._times.due

    def messages(self, now: float) -> list[control.Message]:
        """What the player did since the last call, for the control connection."""
        out: list[control.Message] = []
        self._began = self._player.began  # before the outbox is emptied: no event to come lies before it
        while self.outbox:
            item = self.outbox.popleft()
            if isinstance(item, ScoreState):
                self._unheard.clear()
                self._heard = item.seq
                out.append(control.Resume(item))
            else:
                self._unheard.append(item)
                self._times.resend(now)
                out.append(control.Event(*item))
        return out

    def is_due(self, now: float) -> bool:
        """Whether a `report` goes out, which it then must. After `messages`.

        Under hundreds of events a second reports carry more of them instead of going out more often."""
        if not self._unheard:
            self._times.rest()
        return self._times.take(now, self.probing)

    def report(self, now: float, reception: ReceptionReport) -> bytes:
        """With the first events that were not heard."""
        began, position, block = self._began
        self._counter += 1
        return Report(
            ssrc=self._ssrc,
            counter=self._counter,
            position=position,
            age=wrap32(round(max(0.0, now - began) * 1e6)),
            slack=UNKNOWN_SLACK if reception.slack is None else reception.slack,
            buffer_size=self.aim,
            round_trip=round(quantile(self._round_trips.newest(min(self.probed, RECENT_TRIPS)), 0.5) * 1e6),
            sent=wrap32(round(now * 1e6)),
            fraction_lost=reception.fraction_lost,
            lost=reception.lost,
            highest_sequence=reception.highest_sequence,
            jitter=reception.jitter,
            events=tuple(islice(self._unheard, MAX_EVENTS)),
            block=block,
            parity=reception.parity,
            window=reception.window,
        ).pack(self._secret)

    def receive(self, reply: Reply, now: float) -> None:
        """Raises ProtocolError for another session's."""
        if reply.ssrc != self._ssrc:
            raise ProtocolError("a reply of another session")
        self.acknowledge(reply.heard)
        seconds = (wrap32(round(now * 1e6) - reply.sent) - reply.hold) / 1e6
        if self.measuring and 0 <= seconds < MOST_SECONDS:
            self._round_trips.add(seconds)

    def acknowledge(self, heard: int) -> None:
        """The server has all events up to this seq, or to a later one."""
        self._heard = max(self._heard, heard)
        while self._unheard and self._unheard[0].seq <= self._heard:
            self._unheard.popleft()
