"""Events to voices: polyphony, stealing, pedal, and every gain as a pure function of (position, heard)."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from netaudio.sampler.automation import Gains, Straight, between_0_and_1
from netaudio.sampler.instrument import ENDLESS, Instrument, Sample
from netaudio.sampler.snapshot import CHANNELS, NEVER, ChannelState, ScoreState, VoiceState
from netaudio.sampler.voice import Channel, Voice

ALL = NEVER - 1  # `heard` of one who knows every event
CONTROLS = frozenset((7, 11, 64, 120, 123))  # volume, expression, pedal, all sound off, all notes off
SILENT = Sample(0, ENDLESS, 0, 0, None)
RELEASE_SECONDS, RAMP_SECONDS = 0.1, 0.005


class Event(NamedTuple):
    """What changes sound: seqs count up by one and positions never decrease with them."""

    seq: int
    position: int
    message: bytes  # a MIDI channel message
    cut: int = 0  # of a note-on: the first voice frame that the server plays; ENDLESS: it plays none
    shift: int = 0  # of a note-on: frames by which its own clock is behind the timeline
    reach: int = 0  # of a note-on: the voice frames that the client holds of it; ENDLESS: all


class Score:
    """Folds events into voices. Every decision depends on events of lower seq and their positions only,
    never on arrival, so that both sides decide alike.

    `instruments` gives a program's instrument, or None for a number that means nothing.
    """

    def __init__(
        self, rate: int, polyphony: int, instruments: Callable[[int], Instrument | None], program: int = 0
    ) -> None:
        self.polyphony, self.instruments = polyphony, instruments
        self.release, self.ramp = round(RELEASE_SECONDS * rate), round(RAMP_SECONDS * rate)
        self.channels = [Channel(program, self.ramp) for _ in range(CHANNELS)]
        self.voices: list[Voice] = []
        self.seq = self.position = self.stolen = 0
        self.cuts_until = 0  # from this position on every voice is past its cut

    def apply(self, event: Event) -> Voice | None:
        """Take the next event; the voice that it starts, if it does."""
        assert event.seq == self.seq + 1 and event.position >= self.position, (event, self.seq, self.position)
        self.seq, self.position = event.seq, event.position
        if len(event.message) < 2:
            return None
        kind, channel = event.message[0] & 0xF0, event.message[0] & 0x0F
        first = event.message[1]
        second = event.message[2] if len(event.message) > 2 else 0
        if kind == 0x90 and second:
            return self._note_on(channel, first, second, event.cut)
        if kind in (0x80, 0x90):
            self._keys_up(channel, lambda voice: voice.key == first)
        elif kind == 0xB0:
            self._control(channel, first, second)
        elif kind == 0xC0 and self.instruments(first) is not None:
            self.channels[channel].program = first
        return None

    def _note_on(self, channel: int, key: int, velocity: int, cut: int) -> Voice | None:
        program = self.channels[channel].program
        instrument = self.instruments(program)
        if instrument is None:
            return None
        for voice in self.voices:
            if voice.key == key and voice.off_seq == NEVER and voice.channel == channel:
                self._off(voice)
        at, released = self.position, self.position - self.release
        sounding = [  # by `end`, here in half its time
            v for v in self.voices
            if v.stolen_seq == NEVER and v.off_at > released and v.start + v.sample.length > at
        ]  # fmt: skip
        if len(sounding) >= self.polyphony:
            victim = min(sounding, key=lambda v: (v.off_seq == NEVER, v.seq))
            self._steal(victim)
            self.stolen += 1
        state = VoiceState(channel, program, key, velocity, self.seq, self.position, cut,
                           NEVER, NEVER, NEVER, NEVER, 0, False)  # fmt: skip
        voice = Voice(state, instrument.sample(key), self.channels[channel])
        self.voices.append(voice)
        self.cuts_until = max(self.cuts_until, self.position + cut)
        return voice

    def _keys_up(self, channel: int, chosen: Callable[[Voice], bool]) -> None:
        for voice in self.voices:
            if voice.channel == channel and voice.off_seq == NEVER and chosen(voice):
                if self.channels[channel].pedal:
                    voice.key_up = True
                else:
                    self._off(voice)

    def _off(self, voice: Voice) -> None:
        voice.off_seq, voice.off_at = self.seq, self.position
        voice.touched = self.seq

    def _steal(self, voice: Voice) -> None:
        voice.stolen_seq, voice.stolen_at = self.seq, self.position
        voice.touched = self.seq

    def _control(self, channel: int, number: int, value: int) -> None:
        state = self.channels[channel]
        if number == 7:
            state.volume.change(self.seq, self.position, (value / 127) ** 2)
        elif number == 11:
            state.expression.change(self.seq, self.position, (value / 127) ** 2)
        if number in (7, 11):
            for voice in self.voices:
                voice.touched = self.seq if voice.channel == channel else voice.touched
        elif number == 64:
            state.pedal = value >= 64
            if not state.pedal:
                self._keys_up(channel, lambda voice: voice.key_up)
        elif number == 120:
            for voice in self.voices:
                if voice.channel == channel and voice.stolen_seq == NEVER:
                    self._steal(voice)
        elif number == 123:
            self._keys_up(channel, lambda _: True)

    def end(self, voice: Voice) -> int:
        """The position from which it is silent by its length or its release; decisions ignore `delay`."""
        return min(voice.start + voice.sample.length, voice.off_at + self.release)

    def silent_from(self, voice: Voice) -> int:
        """The position from which it is silent, whatever ends it."""
        return min(self.end(voice) + voice.delay, voice.stolen_at + self.ramp)

    def alive(self, voice: Voice, position: int, heard: int = ALL) -> bool:
        """Whether it may sound at or after a position, to one who has heard this much or more."""
        return not (
            voice.age(position) >= voice.sample.length
            or (voice.off_seq <= heard and voice.off_at + voice.delay + self.release <= position)
            or (voice.stolen_seq <= heard and voice.stolen_at + self.ramp <= position)
        )

    def forget(self, position: int, heard: int) -> None:
        """Drop voices and changes that no position from here on needs, for anyone who has heard this much."""
        self.voices = [
            v for v in self.voices
            if (v.off_seq == NEVER == v.stolen_seq and position < v.start + v.sample.length)  # as mostly, by a look
            or self.alive(v, position, heard)
        ]  # fmt: skip
        self.cuts_until = max((v.start + v.delay + v.cut for v in self.voices), default=0)
        for channel in self.channels:
            for line in (channel.volume, channel.expression):
                if len(line.changes) > 1:
                    line.forget(position, heard)

    def straight(self, voice: Voice, first: int, count: int, heard: int = ALL) -> Straight | None:
        """Gain at `first` and its change per frame, where that is one straight line; else None."""
        if voice.seq > heard:
            return 0.0, 0.0
        last = first + count - 1
        beyond = max(last, first + 1)  # a ramp that begins here gives even a single frame its slope
        gain, slope = voice.level, 0.0
        if voice.off_seq <= heard or voice.stolen_seq <= heard:  # seldom: most voices are simply held
            for seq, at, length in (
                (voice.off_seq, voice.off_at + voice.delay, self.release),
                (voice.stolen_seq, voice.stolen_at, self.ramp),
            ):
                if seq > heard or at >= beyond:
                    continue
                if at + length <= first:
                    return 0.0, 0.0
                if slope or at > first or last > at + length:
                    return None
                slope = -gain / length
                gain *= 1 - (first - at) / length
        for line in voice.lines:
            if len(line.changes) == 1:
                gain, slope = gain * line.changes[0].value, slope * line.changes[0].value
                continue
            part = line.straight(first, last, heard)
            if part is None or (slope and part[1]):
                return None
            gain, slope = gain * part[0], slope * part[0] + gain * part[1]
        return gain, slope

    def straight_until(self, voice: Voice, position: int) -> int:
        """Up to where a voice's gain goes on as it does from a position, if it is `straight` there."""
        volume, expression = voice.lines
        if voice.off_seq == voice.stolen_seq == NEVER and len(volume.changes) == len(expression.changes) == 1:
            return NEVER  # as mostly: simply held
        until = NEVER
        ramps = [(voice.off_at + voice.delay, self.release), (voice.stolen_at, self.ramp)]
        ramps += [(change.position, self.ramp) for line in (volume, expression) for change in line.changes[1:]]
        for at, length in ramps:
            if at > position:
                until = min(until, at)
            elif at + length > position:
                until = min(until, at + length)
        return until

    def gains(self, voice: Voice, n: NDArray[np.int64], heard: int = ALL) -> Gains:
        """Gain at each of the positions `n`, as known by one who has heard the events up to `heard`."""
        if voice.seq > heard:
            return np.zeros(len(n))
        out: Gains | None = None
        for seq, at, length in (
            (voice.off_seq, voice.off_at + voice.delay, self.release),
            (voice.stolen_seq, voice.stolen_at, self.ramp),
        ):
            if seq <= heard:
                fade = 1 - between_0_and_1((n - at) / length)
                out = fade if out is None else out * fade
        level = voice.level
        for line in voice.lines:
            if len(line.changes) == 1:
                level *= line.changes[0].value
            else:
                out = line.values(n, heard) if out is None else out * line.values(n, heard)
        return np.full(len(n), level) if out is None else level * out

    def tail_gains(self, voice: Voice, n: NDArray[np.int64], before: int, heard: int, x: Gains) -> Gains:
        """Gain that the server gives a voice in a packet: from its cut on, with what came in between
        `before` and `heard` faded in by `x`."""
        out = self.gains(voice, n, before)
        if heard != before:
            out = (1 - x) * out + x * self.gains(voice, n, heard)
        out[: max(0, voice.cut - voice.age(int(n[0])))] = 0.0
        return out

    def tail_straight(
        self, voice: Voice, first: int, count: int, before: int, heard: int, x: float, step: float
    ) -> Straight | None:
        """The same past its cut, where `x` at `first` and its step per frame tell all of it, and the gain is one
        straight line: a note that was stolen long ago, say, fades from a level to none. Two curves for each of
        eight such notes took a tenth of a chunk."""
        given = self.straight(voice, first, count, before)
        if given is None or before == heard:
            return given
        then = self.straight(voice, first, count, heard)
        if then is None or given[1] or then[1]:
            return given if then == given else None
        change = then[0] - given[0]
        return given[0] + change * x, change * step

    def state(self) -> ScoreState:
        channels = [
            ChannelState(c.program, c.pedal, list(c.volume.changes), list(c.expression.changes))
            for c in self.channels
        ]
        return ScoreState(self.seq, self.position, [v.state() for v in self.voices], channels)

    def restore(self, state: ScoreState) -> None:
        """Take over another score's state; voices of unknown programs are silent here, and count as voices."""
        self.seq, self.position, self.voices = state.seq, state.position, []
        for channel, was in zip(self.channels, state.channels, strict=True):
            channel.program, channel.pedal = was.program, was.pedal
            channel.volume.changes, channel.expression.changes = list(was.volume), list(was.expression)
        for voice in state.voices:
            instrument = self.instruments(voice.program)
            sample = instrument.sample(voice.key) if instrument else SILENT
            self.voices.append(Voice(voice, sample, self.channels[voice.channel]))


def shapes_sound(message: bytes) -> bool:
    """Whether a channel message means anything here: notes, program changes and the CONTROLS do."""
    kind = message[0] & 0xF0 if message else 0
    return kind in (0x80, 0x90, 0xC0) or (kind == 0xB0 and message[1] in CONTROLS)
