"""The server's side of one client: events and reports in, chunks and packets out. Time is an argument."""

import math
from collections import deque
from typing import NamedTuple

from netaudio import midi
from netaudio.errors import ProtocolError
from netaudio.sampler.instrument import Instrument
from netaudio.sampler.layout import ENDLESS, Job
from netaudio.sampler.snapshot import NEVER, ScoreState, check_state
from netaudio.sampler.voices import Event, Score, line_of
from netaudio.timing.latency_budget import CAPACITY
from netaudio.timing.pacer import Pacer
from netaudio.wire.packing import Head, Packets
from netaudio.wire.parity import ParityEncoder
from netaudio.wire.payload import Payload
from netaudio.wire.rtcp import MAX_EVENTS, UNKNOWN_SLACK, Reply, Report

HELD_BACK = 4096  # events that may wait for an earlier one, or for their turn
EVENT_EFFORT, FORGET_EFFORT = 8, 8  # of an event, beside one for each voice, and of each voice to be forgotten
FORGET_SECONDS = 0.2  # between searches for voices that have ended


class Chunk(NamedTuple):
    """A chunk that may be sent: where it begins, what the last one had heard and what it has heard itself, and by how
    many frames it is overdue (> 0) or early."""

    first: int
    before: int
    heard: int
    overdue: float


class ServerSession:
    """Renders by the client's positions: it learns them from reports, and stays ahead of them.

    One owner calls everything but `restored`. For each chunk that is `due` have the kernel render its `job`, send it
    as packets, the first of which has its `head`, and say that it was `sent`. Who serves others, too, limits by
    `go_on` what its events may take.
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
        self._effort = math.inf  # that events may still take
        self._fade, self._octets = payload.packet_frames(chunk), chunk * 2 * payload.width
        self._forget_every = max(1, round(FORGET_SECONDS * rate / chunk))  # chunks
        self._counter = -1
        self._complete = 0  # no event that is still to come lies before
        self._steps: deque[tuple[int, int]] = deque()  # (position, heard until then), past what was reported

    def restored(self, state: ScoreState) -> Score:
        """A score to `resume` from, by a client's state; on any thread, as it takes a while. Raises ProtocolError."""
        check_state(state, self.score.polyphony, self.score.ramp)
        score = Score(self.rate, self.score.polyphony, self.instruments.get)
        score.restore(state)
        return score

    def resume(self, score: Score) -> None:
        """Go on from a score: the first packet has heard its seq."""
        self.score = score
        self.pacer.restart()
        self._before = score.seq
        self._waiting.clear()
        self._steps.clear()
        self.cursor = 0
        self.playing = True

    @property
    def waiting(self) -> int:
        """Events that wait for an earlier one, or for their turn."""
        return len(self._waiting)

    def go_on(self, effort: float) -> None:
        """Go on with the events that wait: they and those of `hear` until the next call may look at so many voices.
        Raises ProtocolError."""
        self._effort = effort
        self._apply()

    def hear(self, event: Event) -> None:
        """Apply events strictly in seq order, once each; one that comes too early waits. Raises ProtocolError."""
        if not self.playing or event.seq <= self.score.seq:
            return
        data, spans = event.message[1:], (event.cut, event.shift, event.reach)
        if not data or max(data) > 127 or max(event.seq, event.position) >= NEVER or max(spans) > ENDLESS:
            raise ProtocolError(f"event {event.seq} is empty or out of range")
        if len(self._waiting) >= HELD_BACK:
            what = "comes after more than can be heard" if self.score.seq + 1 in self._waiting else "is missing"
            raise ProtocolError(f"event {self.score.seq + 1} {what} and {HELD_BACK} wait")
        self._waiting[event.seq] = event
        self._apply()

    def _apply(self) -> None:
        """Apply what can be by now."""
        while self._effort > 0 and (ready := self._waiting.pop(self.score.seq + 1, None)) is not None:
            if ready.position < self.score.position:
                raise ProtocolError(f"event {ready.seq} lies before event {ready.seq - 1}")
            self._check_rate(ready)
            self._effort -= EVENT_EFFORT + len(self.score.voices)
            voice = self.score.apply(ready)
            if voice is not None and voice.cut == 0 and voice.begin < self.cursor:
                voice.delay = self.cursor - voice.begin
                self.score.update(voice)
                self.late.append((voice.seq, voice.delay))

    def _check_rate(self, event: Event) -> None:
        """What a player thins where it is stamped may not come faster: so that all lists stay short."""
        score, message = self.score, event.message
        channel, line = midi.channel(message), line_of(message)
        if line is not None:
            if event.position < score.automation.last(channel, line) + score.ramp:
                raise ProtocolError(
                    f"event {event.seq} changes what has changed less than {score.ramp} frames before"
                )
            if score.automation.full(channel, line):
                raise ProtocolError(f"event {event.seq} is one change too many of those not yet heard")
        if len(score.voices) >= 2 * score.most_voices and midi.begins_note(message):
            self._effort -= FORGET_EFFORT * len(score.voices)  # its reports do not come through
            score.forget(event.position - CAPACITY, NEVER)
            if len(score.voices) >= 2 * score.most_voices:
                raise ProtocolError(f"more than {2 * score.most_voices} notes sound or wait")

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

    def due(self, now: float) -> Chunk | None:
        """The next chunk; None while nothing may be sent.

        A session that fell behind skips what is already played; one that is far ahead makes anew what was made for
        long after now: the client takes what has heard more.
        """
        place = self.pacer.place(now, self.cursor) if self.playing else None
        if place is None:
            return None
        start, overdue = place
        if start != self.cursor:
            self._move(start)
        return Chunk(start, self._before, self.score.seq, overdue)

    def _move(self, start: int) -> None:
        """Go on from elsewhere than where the last chunk ended."""
        if start < self.cursor:
            while self._steps and self._steps[-1][0] >= start:
                self._before = self._steps.pop()[1]
        elif self.cursor:
            self.skipped += (start - self.cursor) // self.chunk
        self.cursor = start

    def job(self, chunk: Chunk) -> Job:
        """A chunk for the kernel: the tail of each voice, as it was heard."""
        return self.score.job(chunk.first, 0, chunk.before, chunk.heard, 0, self._fade)

    def head(self, chunk: Chunk, faded: bool) -> Head:
        """The header of its first packet; it is `faded` if anything that was heard since the last one shapes it."""
        return self.packets_sent, chunk.first, self.ssrc, chunk.before if faded else chunk.heard, chunk.heard

    def sent(self, chunk: Chunk, packets: Packets, number: int) -> list[bytes]:
        """A chunk went out, that of this number among `packets`: go on to the next. The parity to send after it."""
        self.packets_sent += len(packets.sizes)
        self.octets_sent += self._octets
        self.pass_over(chunk)
        if not self.parity.rate:
            return []
        return [parity for datagram in packets.of(number) for parity in self.parity.follow(bytes(datagram))]

    def pass_over(self, chunk: Chunk) -> None:
        """Go on to the next chunk, whether this one was sent or not."""
        if chunk.heard != chunk.before:
            self._steps.append((chunk.first, chunk.before))
        self._before = chunk.heard
        self.cursor += self.chunk
        if self.cursor // self.chunk % self._forget_every == 0:
            # Events to come may lie before the cursor, but not before what the client last reported: until
            # then a voice that has ended still counts when one is chosen to be stolen, and is needed to go back.
            ready = self._waiting.get(self.score.seq + 1)
            complete = self._complete if ready is None else min(ready.position, self._complete)
            self.score.forget(min(self.cursor, complete), self._steps[0][1] if self._steps else self._before)
