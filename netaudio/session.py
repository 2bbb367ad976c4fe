"""The server's side of one client: events and reports in, rows and packets out. Time is an argument."""

import math
from collections import deque
from collections.abc import Sequence

from netaudio.clock import JUMP_SECONDS, PlayheadClock
from netaudio.errors import ProtocolError
from netaudio.instrument import Instrument
from netaudio.mixer import Rows
from netaudio.parity import ParityEncoder
from netaudio.rings import CAPACITY
from netaudio.rtp import MAX_EVENTS, UNKNOWN_SLACK, Payload, Reply, Report, write_header
from netaudio.score import Event, Score
from netaudio.state import MAX_VOICES, NEVER, ScoreState, check_state
from netaudio.tails import Tails

SILENCE_SECONDS = 1.0  # without a report for so long nothing is paced
HELD_BACK = 4096  # events that may wait for an earlier one
MEMORY_SECONDS = 1.5  # a reported slack is of packets no older
PATIENCE = 0.5  # of BUFFER_SIZE, beyond it
JITTERS = 4  # from a packet's mean lateness to the latest percent's, about
EASE = 0.02  # seconds a second by which the lead shrinks
HASTE = 0.5  # by which it grows, at most by half a chunk a report
FORGET_SECONDS = 0.1  # between searches for voices that have ended


class ServerSession:
    """Renders by the client's positions: it learns them from reports, and stays `lead` frames ahead.

    One owner calls everything. For each chunk that is `due`, call `rows`, mix them, and send `packets`.
    """

    def __init__(self, rate: int, chunk: int, payload: Payload, polyphony: int, ssrc: int) -> None:
        self.rate, self.chunk, self.payload, self.ssrc = rate, chunk, payload, ssrc
        self.instruments: dict[int, Instrument] = {}
        self.score = Score(rate, polyphony, self.instruments.get)
        self.clock = PlayheadClock(rate)
        self.parity = ParityEncoder(ssrc)
        self.cursor = 0
        self.late: list[tuple[int, int]] = []  # (seq, delay) of remote notes, for the client to be told
        self.packets_sent = self.octets_sent = self.skipped = 0
        self.playing = False
        self._before = 0  # what the last chunk had heard
        self._waiting: dict[int, Event] = {}
        self._fade = payload.packet_frames(chunk)
        self._forget_every = max(1, round(FORGET_SECONDS * rate / chunk))  # chunks
        self._counter = -1
        self._reported = -math.inf
        self._position = 0  # as last reported
        self._complete = 0  # no event that is still to come lies before
        self._past = False  # since the last chunk, an event was heard that lies before the cursor
        self.lead = 0.0  # frames that the cursor should be ahead of the playhead, as this side sees it
        self._leads: deque[tuple[float, float]] = deque()  # (time, least lead since) of MEMORY_SECONDS
        self._heard: tuple[int, int] = (0, 0)
        self._steps: deque[tuple[int, int]] = deque()  # (position, heard until then), past what was reported
        self._tails = Tails(self.score, chunk, self._fade)

    def resume(self, state: ScoreState) -> None:
        """Go on from a client's state: the first packet has heard its seq."""
        check_state(state)
        self.score.restore(state)
        self.clock = PlayheadClock(self.rate)
        self._before = state.seq
        self._waiting.clear()
        self._leads.clear()
        self._steps.clear()
        self._reported = -math.inf
        self.cursor = 0
        self._tails.forget()
        self.playing = True

    def hear(self, event: Event) -> None:
        """Apply events strictly in seq order, once each; one that comes too early waits."""
        if not self.playing or event.seq <= self.score.seq:
            return
        data = event.message[1:]
        if not data or max(data) > 127 or max(event.seq, event.position, event.cut) >= NEVER:
            raise ProtocolError(f"event {event.seq} is empty or out of range")
        if len(self._waiting) >= HELD_BACK:
            raise ProtocolError(f"event {self.score.seq + 1} is missing and {HELD_BACK} wait for it")
        self._waiting[event.seq] = event
        while (ready := self._waiting.pop(self.score.seq + 1, None)) is not None:
            if ready.position < self.score.position:
                raise ProtocolError(f"event {ready.seq} lies before event {ready.seq - 1}")
            self._past = self._past or ready.position < self.cursor
            voice = self.score.apply(ready)
            if len(self.score.voices) > MAX_VOICES:  # of a client whose reports do not come through
                self.score.forget(ready.position - CAPACITY, NEVER)
                if len(self.score.voices) > MAX_VOICES:
                    raise ProtocolError(f"more than {MAX_VOICES} notes sound or wait")
            if voice is not None and voice.cut == 0 and voice.start < self.cursor:
                voice.delay = self.cursor - voice.start
                self.late.append((voice.seq, voice.delay))

    def check(self, report: Report) -> None:
        """Raises ProtocolError for a report that was replayed, is another session's or makes no sense."""
        if report.counter <= self._counter or report.ssrc != self.ssrc:
            raise ProtocolError("a report that was replayed or is another session's")
        if report.position >= NEVER:
            raise ProtocolError("a report from beyond all positions")

    def take(self, report: Report, arrived: float, now: float) -> Reply:
        """Learn from a report that passed `check` and arrived at `arrived` (seconds); answer it at `now`."""
        self._counter = report.counter
        elapsed = min(arrived - self._reported, SILENCE_SECONDS)
        self._reported = arrived
        self._position = report.position
        while self._steps and self._steps[0][0] < report.position:
            self._steps.popleft()
        full = len(report.events) >= MAX_EVENTS  # it may have left out some
        self._complete = report.events[-1].position if full else report.position
        self.clock.report(arrived, report.sent, report.age, report.position + report.block)
        self._aim(report, elapsed, arrived)
        self.parity.ask(report.parity / 16, report.window)
        for event in report.events:
            self.hear(event)
        hold, heard = round((now - arrived) * 1e6), self.score.seq
        return Reply(self.ssrc, 0, self.cursor, self.packets_sent, self.octets_sent, report.sent, hold, heard)

    def _go_back(self, goal: float) -> None:
        """Make anew what was made for long after now: the client takes what has heard more."""
        start = math.ceil(goal / self.chunk) * self.chunk
        if start + JUMP_SECONDS * self.rate < self.cursor:
            self.cursor = max(start, 0)
            while self._steps and self._steps[-1][0] >= self.cursor:
                self._before, self._past = self._steps.pop()[1], True
            self._tails.forget()

    def _aim(self, report: Report, elapsed: float, now: float) -> None:
        """Set the lead so that the slack becomes the client's BUFFER_SIZE. The least slack of the last second
        came about under the least lead of that time: their difference is what the way takes.

        It grows as far as jitter explains, and by no more than half of BUFFER_SIZE: a single stall would make
        all that is played for seconds after it late, and OFFSET has no room for that."""
        buffer_size = min(report.buffer_size, CAPACITY // 4)
        usual = buffer_size + report.round_trip / 1e6 * self.rate + self.chunk
        goal = usual
        if report.slack != UNKNOWN_SLACK and self._leads:
            goal = buffer_size + self._leads[0][1] - report.slack
            # No packet comes before it is sent, a chunk ahead of its time at most: more slack than that is of a card
            # that lags behind what it reports, and what it has yet to play must not be skipped.
            least = max(buffer_size - self.chunk, self.chunk)
            goal = max(goal, self.lead - EASE * elapsed * self.rate, least)
            # The pace is slewed: no chunk becomes overdue by this, however many reports come at once.
            goal = min(goal, self.lead + min(self.chunk / 2, HASTE * elapsed * self.rate))
        patience = min(JITTERS * report.jitter, PATIENCE * buffer_size)
        self.lead = min(goal, usual + patience, CAPACITY / 2)
        while self._leads and self._leads[-1][1] >= self.lead:
            self._leads.pop()
        self._leads.append((now, self.lead))
        while self._leads[0][0] < now - MEMORY_SECONDS:
            self._leads.popleft()

    def ahead(self, now: float) -> float:
        """Frames by which the next chunk is overdue (> 0) or early; -inf while nothing may be sent."""
        if not self.playing or now - self._reported > SILENCE_SECONDS:
            return -math.inf
        playhead = self.clock.position(now)
        goal = playhead + self.lead
        if self.cursor < playhead:  # at the start, or fallen behind: what is already played is skipped
            first = goal if not self.cursor else playhead
            start = math.ceil(first / self.chunk) * self.chunk
            self.skipped += (start - self.cursor) // self.chunk if self.cursor else 0
            self.cursor = start
        elif self.cursor > goal + JUMP_SECONDS * self.rate:
            self._go_back(goal)
        if self.cursor + self.chunk > self._position + CAPACITY // 2:
            return -math.inf
        return goal - self.cursor

    @property
    def voices(self) -> int:
        """How many the last chunk summed."""
        return self._tails.rows.voices

    def rows(self) -> Rows:
        """What the next chunk sums: each voice from its cut on, as the events heard so far shape it."""
        first, heard = self.cursor, self.score.seq
        if heard != self._before:
            self._steps.append((first, self._before))
        before = self._before if self._past else heard  # what is heard in time needs no fade
        self._heard = before, heard
        self._before, self._past = heard, False
        return self._tails.chunk(first, before, heard)

    def packets(self, datagrams: Sequence[memoryview]) -> Sequence[memoryview | bytes]:
        """What to send of the chunk whose rows were asked for last: `datagrams` hold its mix (Payload.datagrams)."""
        before, heard = self._heard
        position = self.cursor
        for datagram in datagrams:
            write_header(datagram, self.payload.type, self.packets_sent, position, self.ssrc, before, heard)
            self.packets_sent += 1
            position += self._fade
            before = heard  # the fade is the first packet's alone
        self.octets_sent += self.chunk * 2 * self.payload.width
        self.cursor += self.chunk
        if self.cursor // self.chunk % self._forget_every == 0:
            # Events to come may lie before the cursor, but not before what the client last reported: until
            # then a voice that has ended still counts when one is chosen to be stolen, and is needed to go back.
            self.score.forget(min(self.cursor, self._complete), self._steps[0][1] if self._steps else self._before)
        if not self.parity.rate:
            return datagrams
        sent: list[memoryview | bytes] = []
        for datagram in datagrams:
            sent += [datagram, *self.parity.follow(bytes(datagram))]
        return sent
