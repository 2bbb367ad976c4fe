"""The knit: the client plays what the server has not heard yet.

    out(n) = r(n) * packet(n) + sum over voices of sample(n) * (g_E(n) - r(n) * g_H(n))

g_E is a voice's gain under all events, g_H the gain that the server gave it in the packet, r is 1 where packets
flow and 0 where they are missing. The sum is mix(E) for any r, wherever the client holds the sample's frames.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netaudio.player.counters import Mask, Tally
from netaudio.player.margins import Margins
from netaudio.player.rings import Packet, TripleRing
from netaudio.sampler.automation import Gains, Line, Straight
from netaudio.sampler.instrument import ENDLESS, GUARD
from netaudio.sampler.mixer import Frames, Mixer, Row, Rows
from netaudio.sampler.snapshot import NEVER
from netaudio.sampler.voice import Voice
from netaudio.sampler.voices import Score
from netaudio.timing.latency_budget import CAPACITY

NOISE = 2.0**-18  # what a packet's rounding alone may leave of a residue
FAINT = 1e-9  # a gain that is none
STREAMED = -1  # instead of the address of a voice that is left to the stream; its gain tells whether it sounds


@dataclass
class Plan:
    """Rows for the frames from `at` on, that serve up to `until` as long as what is `known` stays: the score's
    seq, what the packet had heard before it and at its end, and whether packets flow."""

    rows: Rows
    at: int
    known: tuple[int, int, int, bool]
    until: int = 0
    streamed: bool = False
    uncovered: bool = False  # all of them


class Knit:
    """Renders segments of the timeline from a score, a bank and the packets that are there. Positions go up."""

    def __init__(self, score: Score, rings: TripleRing) -> None:
        self.score, self.rings = score, rings
        self.volume = Line(1.0, score.ramp)
        self.tally = Tally()
        self.consumed = 0  # what the last packet played had heard: no later one has heard less
        self._mixer = Mixer()
        self._level = 0.0  # r at the last frame
        self._hidden: Frames = np.zeros((0, 2), np.float32)  # what is still to come of a concealment
        self._hidden_level: Gains = np.zeros(0)  # and its envelope
        self._lost: list[Voice] = []  # in the last 5 ms of their held data at the last hole: no more of it is played
        # A level within 0 .. 1 of which a full change takes a ramp falls in two of three ramps at most, as long as
        # it began full: the third is left for a concealment's own fade.
        self._lookback = min(3 * score.ramp, GUARD)
        self._levels: Gains = np.zeros(self._lookback)  # r and the concealment's, of the last frames not full
        self._full = 0  # frames since then, at level 1
        self._ones, self._range = np.ones(GUARD), np.arange(GUARD)
        self._silence: Frames = np.zeros((GUARD, 2), np.float32)
        self.margins = Margins(score)
        self.replan()

    def replan(self) -> None:
        """Look at every voice again: one has changed by something that is no event."""
        for voice in self.score.voices:
            voice.row = None
        self._plan = Plan(Rows(), 0, (-1, -1, -1, False))

    def render(self, bank: Frames, first: int, count: int) -> None:
        """Append positions first .. first + count to the merged ring; count is at most GUARD."""
        at, end = first, first + count
        while at < end:
            packet = self.rings.remote.at(at)
            stop = min(end, packet.end) if packet else self.rings.remote.next(at, end)
            self._segment(bank, packet, at, stop - at)
            at = stop
        self.tally.played += count
        self.margins.settle(end, self.tally)

    def _segment(self, bank: Frames, packet: Packet | None, at: int, count: int) -> None:
        if packet is None:
            if self._level > 0:
                self._conceal(bank, at)
            self._level, r, steady = 0.0, np.zeros(count), False
        else:
            steady = self._level == 1.0
            r = self._ones[:count] if steady else self._level + np.arange(1, count + 1) / self.score.ramp
            r = r if steady else np.clip(r, 0, 1)
            self._level = float(r[-1])
            self.consumed = max(self.consumed, packet.before)
            self.margins.hear(packet.before, at)
        out = self._own(bank, packet, at, count, r, steady)
        if out is not None:
            self.rings.local.write(at, out)
        if packet is not None:
            part = packet.frames[at - packet.position :][:count]
            part = part if steady else part * r[:, None].astype(np.float32)
            out = part if out is None else out + part
        elif out is None:
            out = self._silence[:count]
        volume = self.volume.straight(at, at + count - 1, 0)
        if volume is not None and not volume[1]:
            out = out * np.float32(volume[0])
        else:
            out = out * self.volume.values(np.arange(at, at + count), 0)[:, None].astype(np.float32)
        if len(self._hidden):
            part, self._hidden = self._hidden[:count], self._hidden[count:]
            out[: len(part)] += part
            level, self._hidden_level = self._hidden_level[:count], self._hidden_level[count:]
            r = r + np.pad(level, (0, count - len(level)))
            steady = False
        self._full = self._full + count if steady else 0
        if not steady:
            self._levels = np.concatenate((self._levels, r))[-self._lookback :]
        self.rings.merged.write(at, out)

    def _own(
        self, bank: Frames, packet: Packet | None, at: int, count: int, r: NDArray[np.float64], steady: bool
    ) -> Frames | None:
        """What the client adds: of each voice the gain that it should have less the one that the packet gives.
        Nothing, mostly, while the stream has it all."""
        before, heard = (packet.before, packet.heard) if packet else (-1, -1)
        plan, known = self._plan, (self.score.seq, before, heard, steady)
        uncovered = missing = None
        if plan.known == known and plan.at <= at and at + count <= plan.until and not len(self._hidden):
            plan.rows.moved = at - plan.at  # all goes straight on: half the callback's time with 32 voices
        else:
            plan = self._plan = Plan(Rows(), at, known)
            uncovered, missing = self._add_up(plan, packet, count, r)
        if uncovered is not None:
            self.tally.mark(at, uncovered | plan.uncovered, missing)
        elif plan.uncovered:
            self.tally.mark_whole(at, at + count)
        self.tally.streamed += count if plan.streamed else 0
        return self._mixer.mix(bank, [plan.rows], count)[0] if plan.rows else None

    def _add_up(
        self, plan: Plan, packet: Packet | None, count: int, r: NDArray[np.float64]
    ) -> tuple[Mask | None, Mask | None]:
        """Find the plan's rows; of these frames, and no others, those that they leave uncovered, and missing."""
        rows, score, at = plan.rows, self.score, plan.at
        _, before, heard, steady = plan.known
        end = at + count
        uncovered: Mask | None = None
        missing: Mask | None = None
        if len(self._hidden):
            uncovered = self._range[:count] < len(self._hidden)
            missing = uncovered.copy()
        voices, all_heard = score.voices, before >= score.seq
        until = 0
        if packet is None or steady:
            until = packet.end if packet and before != heard else NEVER
        if steady and all_heard and at >= score.cuts_until:  # nothing left to do here: the stream has it all
            until = max(map(score.silent_from, voices), default=at)
            plan.streamed, voices = until > at, []
            until = until if plan.streamed else NEVER
        kept: list[Row] = []
        ends: list[int] = []  # of the rows that serve again
        for voice in voices:
            row = voice.row
            if row and row.touched == voice.touched and row.at <= at and end <= row.until:
                if row.address != STREAMED:
                    if row.gain or row.slope:
                        kept.append(row)
                    ends.append(row.until)
                    continue
                if steady and row.touched <= before:
                    plan.streamed = plan.streamed or row.gain > 0
                    ends.append(row.until)
                    continue
            age, sample = voice.age(at), voice.sample
            if age + count <= 0 or age >= sample.length:
                until = min(until, at - age) if age < 0 else until
                continue
            if steady and age >= voice.cut and (all_heard or voice.same(before, end)):
                until = min(until, self._leave(plan, voice, count))
                continue
            line, curve = self._gain(voice, count, plan, packet, r)
            held, covered = (sample.held, sample.covered) if voice.cut else (-ENDLESS, 0)
            held = -ENDLESS if voice in self._lost else held
            if age < held and line is not None:
                rows.add(sample.read_at(age), *line)
            elif age < held and curve is not None:
                rows.curved.append((sample.read_at(age), curve))
            # A voice of which nothing is held here any more, and the packet has more or less of it than it should.
            streamed = voice.seq <= before and voice.cut <= age
            bare = steady and streamed and max(held, covered) <= age <= sample.length - count
            if line is None:
                until = 0
            else:
                bare = bare and not line[1]
                lasts = at + (sample.length if bare else min(covered, age + sample.straight_from(age))) - age
                lasts = min(lasts, score.straight_until(voice, at))
                head = at + voice.cut - age
                until = min(until, lasts, head if head > at else NEVER)
                if age >= 0 and age + count <= min(voice.cut, covered):  # whatever a packet has heard, not that
                    voice.row = Row(at, min(lasts, head), voice.touched, sample.read_at(age), *line)
            if bare and line is not None:
                plan.uncovered = plan.uncovered or abs(line[0]) > FAINT
            elif age + count > covered:
                mask = self._sounds(line, curve, count)
                mask[: max(0, covered - age)] = False
                mask[sample.length - age :] = False
                uncovered = mask if uncovered is None else uncovered | mask
                if not steady or not streamed:
                    hole = mask & (r < 1) if streamed else mask
                    missing = hole if missing is None else missing | hole
        rows.go_on(kept, at)
        plan.until = min(until, *ends) if ends else until
        return uncovered, missing

    def _leave(self, plan: Plan, voice: Voice, count: int) -> int:
        """Leave a voice to the stream, which has it just as it should be; until when that holds."""
        score, at = self.score, plan.at
        sounds = score.straight(voice, at, count) != (0.0, 0.0)
        plan.streamed = plan.streamed or sounds
        if voice.touched > plan.known[1]:
            return 0
        until = min(at + voice.sample.length - voice.age(at), score.straight_until(voice, at))
        voice.row = Row(at, until, voice.touched, STREAMED, float(sounds), 0.0)
        return until

    def _gain(
        self, voice: Voice, count: int, plan: Plan, packet: Packet | None, r: NDArray[np.float64]
    ) -> tuple[Straight | None, Gains | None]:
        """What is to be added of a voice: its gain less what the packet gives it, as one straight line, or else for
        each frame. The line takes a tenth of the time."""
        score, at = self.score, plan.at
        _, before, heard, steady = plan.known
        wanted, n = score.straight(voice, at, count), self._range[:count] + at
        if packet is None or voice.seq > heard or voice.age(at) + count <= voice.cut:  # nothing of it
            return (wanted, None) if wanted else (None, score.gains(voice, n))
        step, given = 1 / len(packet.frames), None
        x = (at - packet.position + 1) * step
        if voice.age(at) >= voice.cut:
            given = score.tail_straight(voice, at, count, before, heard, x, step)
        if steady and wanted and given:
            return (wanted[0] - given[0], wanted[1] - given[1]), None
        tail: Gains | float
        if given:
            tail = np.asarray(given[0] + given[1] * self._range[:count], np.float64) if given[1] else given[0]
        else:
            tail = score.tail_gains(voice, n, before, heard, np.asarray(x + step * self._range[:count], np.float64))
        return None, score.gains(voice, n) - (tail if steady else r * tail)

    def _sounds(self, line: Straight | None, curve: Gains | None, count: int) -> Mask:
        """Where a gain is any."""
        if line is not None:
            curve = np.asarray(line[0] + line[1] * self._range[:count], np.float64)
        assert curve is not None
        mask: Mask = np.abs(curve) > FAINT
        return mask

    def _conceal(self, bank: Frames, at: int) -> None:
        """Into a hole: what went out lately and the client cannot make is mirrored and fades over 5 ms.

        Of a streamed voice in the last 5 ms of its held data that is all: those frames fade themselves, and two
        fades at a time are a click. For the same reason a mirror image is left alone where it fades of its own,
        because what it shows had been fading in: all of it after a hole, or what a packet was the first to have.
        """
        ramp, count = self.score.ramp, self._lookback
        first, rows = at - count, Rows()
        n = np.arange(first, at)
        self._lost = []
        for voice in self.score.voices:
            age, sample = voice.age(at), voice.sample
            if not voice.cut or age <= 0 or age - count >= sample.held:
                continue
            streamed = age >= voice.cut and voice.seq <= self.consumed
            if streamed and sample.covered <= age and sample.covered < sample.length:
                self._lost.append(voice)
            else:
                rows.curved.append((sample.read_at(age - count), self.score.gains(voice, n)))
        own = self._mixer.mix(bank, [rows], count)[0] * self.volume.values(n, 0)[:, None]
        residue = self.rings.merged.read(first, count) - own
        mirrored = np.concatenate((self._levels, np.ones(min(self._full, count))))[-count:][::-1]
        fading, end = np.diff(mirrored, prepend=mirrored[0]) < 0, at
        while end > first and (packet := self.rings.remote.at(end - 1)):
            if packet.before < packet.heard:
                size = packet.end - packet.position
                fading[at - end :][: size - ramp if size > ramp else size] = True  # and over when the next may come
            end = packet.position
        share = np.clip(1 - np.cumsum(~fading) / ramp, 0, np.arange(count)[::-1] / ramp)
        self._hidden = (residue[::-1] * share[:, None]).astype(np.float32)
        heard = np.flatnonzero(np.abs(self._hidden).max(axis=1) > NOISE)
        length = int(heard[-1]) + 1 if len(heard) else 0
        self._hidden, self._hidden_level = self._hidden[:length], (share * mirrored)[:length]
        self.tally.concealed += length

    def forget(self, position: int, stream: bool) -> None:
        """Drop what is silent under all that is known and under all that a packet to come may have heard."""
        self.score.forget(position - self._lookback, self.consumed if stream else ENDLESS)
        self.score.forget(position - CAPACITY, ENDLESS)  # no packet was made so long before: none may ever come
        self.volume.forget(position - self._lookback, 0)
