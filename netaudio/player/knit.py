"""The knit: the client plays what the server has not heard yet.

    out(n) = r(n) * packet(n) + sum over voices of v(all events) - r(n) * v(what the packet has heard)

r is 1 where packets flow and 0 where they are missing, with a ramp of 5 ms after a hole. The sum is what all events
sound like for any r, wherever the client holds the frames that this takes.
"""

from collections import deque
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from netaudio.player.concealment import Concealment, Levels
from netaudio.player.counters import Tally
from netaudio.player.fader import Fader
from netaudio.player.margins import Margins
from netaudio.player.rings import Packet, TripleRing
from netaudio.sampler.kernel import corrections
from netaudio.sampler.layout import ENDLESS, MISSING, STREAMED, UNCOVERED, Job
from netaudio.sampler.voices import Score
from netaudio.timing.latency_budget import CAPACITY
from netaudio.units import Frames

MOST = 1024
"""Frames of a segment."""


class Knit:
    """Renders segments of the timeline from a score, a bank and the packets that are there. Positions go up."""

    def __init__(self, score: Score, rings: TripleRing) -> None:
        self.score, self.rings = score, rings
        self.volume = Fader(1.0, score.ramp)
        self.tally, self.margins = Tally(), Margins(score)
        self.consumed = 0  # the most that a packet played had heard
        self._least = 0  # what a packet must have heard: what others need is not kept
        self._seqs: deque[tuple[int, int]] = deque()  # (position, seq) of the last CAPACITY frames
        self.deferred_until = 0  # up to there something sounds later than by the hand, as the rule of reach has it
        self._risen = 0  # frames of r's ramp, up to score.ramp
        self._concealment = Concealment(score.ramp)
        self._out = np.zeros(2 * MOST, np.float32)
        self._marks = np.zeros((1, MOST), np.uint8)
        self._unmarked = self._marks[:, :0]

    def render(self, bank: Frames, first: int, count: int) -> None:
        """Append positions first .. first + count to the merged ring."""
        at, end = first, first + count
        while at < end:
            packet = self.rings.remote.at(at)
            stop = min(end, at + MOST, packet.end if packet else self.rings.remote.next(at, end))
            if packet and packet.before < self._least:  # of an earlier pass, and came when it was not waited for
                packet = None
            if stop == at:  # its packet has come meanwhile
                continue
            if packet and self._risen < self.score.ramp:
                stop = min(stop, at + self.score.ramp - self._risen)
            self._segment(bank, packet, at, stop - at)
            at = stop
        self.tally.played += count
        self.margins.settle(end, self.tally)

    def _segment(self, bank: Frames, packet: Packet | None, at: int, count: int) -> None:
        ramp, r = self.score.ramp, None
        if packet is None:
            if self._risen:
                self._conceal(bank, at)
            self._risen, r = 0, np.zeros(count)
        else:
            if self._risen < ramp:
                r = np.arange(self._risen + 1, self._risen + count + 1) / ramp
                self._risen += count
            self.consumed = max(self.consumed, packet.before)
            self.margins.hear(packet.before, at)
        out = self._own(bank, packet, at, count, r)
        self.rings.local.write(at, out)
        if packet is not None:
            part = packet.frames[at - packet.position :][:count]
            out = out + (part if r is None else part * r[:, None].astype(np.float32))
        volume = self.volume.steady(at)
        if volume is None:
            out = out * self.volume.values(np.arange(at, at + count))[:, None].astype(np.float32)
        elif volume != 1.0:
            out = out * np.float32(volume)
        self._count(at, count)
        if len(self._concealment):
            self._concealment.add(out)
        self._concealment.follow(r, count)
        self.rings.merged.write(at, out)

    def _own(self, bank: Frames, packet: Packet | None, at: int, count: int, r: Levels | None) -> Frames:
        """What the client adds: of each voice its sound less what the packet has of it. A view that the next call
        overwrites."""
        score, share = self.score, (0.0, 0.0)
        job = score.job(at, score.seq, -1, -1)
        if packet is not None:
            job = score.job(at, score.seq, packet.before, packet.heard, at - packet.position, len(packet.frames))
            share = (1.0, 0.0) if r is None else (float(r[0]), 1 / score.ramp)
        self._marks[0, :count] = 0
        return self._sum(bank, job, share, count, self._marks[:, :count])

    def _sum(
        self, bank: Frames, job: Job, share: tuple[float, float], count: int, marks: NDArray[np.uint8]
    ) -> Frames:
        out = self._out[: 2 * count].reshape(1, -1)
        corrections(bank, job, share, out, marks, self.score.ramp, self.score.release)
        return out.reshape(count, 2)

    def _count(self, at: int, count: int) -> None:
        marks, tally = self._marks[0, :count], self.tally
        found = int(np.bitwise_or.reduce(marks))
        hidden = min(count, len(self._concealment))
        if found & STREAMED:
            tally.streamed += int(np.count_nonzero(marks & STREAMED))
        if found & UNCOVERED or hidden or at < self.deferred_until:
            if hidden:
                marks[:hidden] |= UNCOVERED | MISSING
            deferred = np.arange(at, at + count) < self.deferred_until
            tally.mark(at, (marks & UNCOVERED) > 0, (marks & MISSING) > 0, deferred)

    def _conceal(self, bank: Frames, at: int) -> None:
        """Into a hole: mirror what went out lately and the client cannot make.

        Of a streamed voice in the last 5 ms of its held data that is all: those frames fade themselves, and two
        fades at a time are a click."""
        score, count = self.score, self._concealment.lookback
        for voice in score.voices:
            region, age = voice.region, voice.age(at)
            if age < voice.cut or voice.seq > self.consumed or region.whole or not region.held:
                continue
            phase, ratio = score.motion(voice, at)
            if phase >> 32 >= region.covered_at(ratio, score.ramp):
                voice.region = replace(region, held=0, covered=0)
                score.update(voice)
        first = at - count
        own = np.zeros((count, 2), np.float32)
        for part in range(0, count, MOST):
            job = score.job(first + part, score.seq, -1, -1)
            own[part : part + MOST] = self._sum(bank, job, (0.0, 0.0), min(MOST, count - part), self._unmarked)
        own *= self.volume.values(np.arange(first, at))[:, None].astype(np.float32)
        residue = self.rings.merged.read(first, count) - own
        self.tally.concealed += self._concealment.begin(at, residue, self.rings.remote)

    def forget(self, position: int, stream: bool) -> None:
        """Drop what is silent under all that is known and under all that a packet to come may have heard."""
        lookback = self._concealment.lookback
        self._least = max(self._least, self.rings.remote.least(position, self.consumed))
        self.score.forget(position - lookback, self._least if stream else ENDLESS)
        self._seqs.append((position, self.score.seq))
        while self._seqs[0][0] < position - CAPACITY:
            self._seqs.popleft()
        if stream and self._least < self._seqs[0][1]:
            self.score.forget(position - CAPACITY, ENDLESS)  # no packet was made so long before: none may ever come
        self.volume.forget(position - lookback)
