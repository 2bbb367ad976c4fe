"""The server's side of one client: events and reports in, rows and packets out. Time is an argument."""

import math
from collections import deque
from collections.abc import Sequence

from netaudio.errors import ProtocolError
from netaudio.sampler.instrument import Instrument
from netaudio.sampler.mixer import Rows
from netaudio.sampler.snapshot import MAX_VOICES, NEVER, ScoreState, check_state
from netaudio.sampler.voices import Event, Score
from netaudio.session.tails import Tails
from netaudio.timing.latency_budget import CAPACITY
from netaudio.timing.pacer import Pacer
from netaudio.wire.parity import ParityEncoder
from netaudio.wire.payload import Payload
from netaudio.wire.rtcp import MAX_EVENTS, UNKNOWN_SLACK, Reply, Report
from netaudio.wire.rtp import write_header

HELD_BACK = 4096  # events that may wait for an earlier one
FORGET_SECONDS = 0.1  # between searches for voices that have ended


class ServerSession:
    """Renders by the client's positions: it learns them from reports, and stays `lead` frames ahead.

    One owner calls everything. For each chunk that is `due`, call `rows`, mix them, and send `packets`.
    """

    def __init__(self, rate: int, chunk: int, payload: Payload, polyphony: int, ssrc: int) -> None:
        self.rate, self.chunk, self.payload, self.ssrc = rate, chunk, payload, ssrc
        self.instruments: dict[int, Instrument] = {}
        self.score = Score(rate, polyphony, self.instruments.get)
        self.pacer = Pacer(rate, chunk)
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
        self._complete = 0  # no event that is still to come lies before
        self._past = False  # since the last chunk, an event was heard that lies before the cursor
        self._heard: tuple[int, int] = (0, 0)
        self._steps: deque[tuple[int, int]] = deque()  # (position, heard until then), past what was reported
        self._tails = Tails(self.score, chunk, self._fade)

    def resume(self, state: ScoreState) -> None:
        """Go on from a client's state: the first packet has heard its seq."""
        check_state(state)
        self.score.restore(state)
        self.pacer.restart()
        self._before = state.seq
        self._waiting.clear()
        self._steps.clear()
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
        while self._steps and self._steps[0][0] < report.position:
            self._steps.popleft()
        full = len(report.events) >= MAX_EVENTS  # it may have left out some
        self._complete = report.events[-1].position if full else report.position
        slack = None if report.slack == UNKNOWN_SLACK else report.slack
        self.pacer.report(
            arrived, report.sent, report.age, report.position, report.block,
            slack, report.buffer_size, report.round_trip / 1e6, report.jitter,
        )  # fmt: skip
        self.parity.ask(report.parity / 16, report.window)
        for event in report.events:
            self.hear(event)
        hold, heard = round((now - arrived) * 1e6), self.score.seq
        return Reply(self.ssrc, 0, self.cursor, self.packets_sent, self.octets_sent, report.sent, hold, heard)

    def ahead(self, now: float) -> float:
        """Frames by which the next chunk is overdue (> 0) or early; -inf while nothing may be sent."""
        if not self.playing:
            return -math.inf
        start, overdue = self.pacer.place(now, self.cursor)
        if start < self.cursor:  # made anew, what was made for long after now: the client takes what has heard more
            while self._steps and self._steps[-1][0] >= start:
                self._before, self._past = self._steps.pop()[1], True
            self._tails.forget()
        elif self.cursor:
            self.skipped += (start - self.cursor) // self.chunk
        self.cursor = start
        return overdue

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
