"""Events to voices: polyphony, stealing, pedal, and what the kernel reads of all that."""

from array import array
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from netaudio import midi
from netaudio.sampler.automation import Automation
from netaudio.sampler.instrument import Instrument
from netaudio.sampler.layout import (
    BEFORE,
    BEND,
    CHANGES,
    COUNTS,
    ENDLESS,
    EXPRESSION,
    FADE,
    FIRST,
    HEARD,
    INTO,
    JOB_SIZE,
    KNOWN,
    NUMBER,
    SHARE,
    VOICES,
    VOLUME,
    Job,
    voice_t,
)
from netaudio.sampler.pitch import ONE, mul, ratio
from netaudio.sampler.region import Region, ramp
from netaudio.sampler.snapshot import NEVER, VOICES_A_NOTE, ChannelState, ScoreState, VoiceState
from netaudio.sampler.voice import LONGEST, Voice
from netaudio.units import to_frames

ALL = NEVER - 1
"""`heard` of one who knows every event."""
LINE_OF = {midi.VOLUME: VOLUME, midi.EXPRESSION: EXPRESSION}
"""Controllers that move sounding voices."""
RELEASE_SECONDS = 0.1
BEND_RANGE = (2, 0)  # semitones and cents
MOST_BENT = 2400  # cents
NO_PARAMETER = (127, 127)  # of RPN 0x3FFF
SILENT = Region(0, LONGEST, 0, None, ONE, 0.0, 0.0, 1, 0)
LEAST_SHARE, SHARE_A_NOTE = 192, 12  # voices whose time the kernel may take on a server, and for each of its notes
FEW = 64  # voices that a table has room for at first
MOST_FOLDED = 64  # changes of a line at a time: a player makes 20 from one time to the next
LONG = 1 << 16  # frames in which no phase overflows 64 bits, at any pitch


class Event(NamedTuple):
    """What changes sound: seqs count up by one and positions never decrease with them."""

    seq: int
    position: int
    message: bytes  # a MIDI channel message
    cut: int = 0  # of a note-on: the first voice frame that the server plays; ENDLESS: it plays none
    shift: int = 0  # of a note-on: frames by which its own clock is behind the timeline
    reach: int = 0  # of a note-on: the voice frames that the client holds of it; ENDLESS: all


class Channel:
    __slots__ = ("bend_range", "parameter", "pedal", "program")

    def __init__(self, program: int) -> None:
        self.program, self.pedal = program, False
        self.bend_range, self.parameter = BEND_RANGE, NO_PARAMETER

    @property
    def most_bent(self) -> int:
        """Cents by which a bend goes at most, up or down."""
        semitones, cents = self.bend_range
        return min(100 * semitones + cents, MOST_BENT)


class Score:
    """Folds events into voices. Every decision depends on events of lower seq and their positions only,
    never on arrival, so that both sides decide alike.

    `instruments` gives a program's instrument, or None for a number that means nothing. A `client` holds nothing
    of what the server plays alone.
    """

    def __init__(
        self,
        rate: int,
        polyphony: int,
        instruments: Callable[[int], Instrument | None],
        program: int = 0,
        client: bool = False,
    ) -> None:
        self.polyphony, self.instruments, self._client = polyphony, instruments, client
        self.release, self.ramp = to_frames(RELEASE_SECONDS, rate), ramp(rate)
        self.channels = [Channel(program) for _ in range(midi.CHANNELS)]
        self.automation = Automation()
        self.voices: list[Voice] = []
        self.seq = self.position = self.stolen = 0
        self._job = array("q", [0] * JOB_SIZE)
        self._job[CHANGES] = self.automation.changes.ctypes.data
        self._job[COUNTS] = self.automation.counts.ctypes.data
        self._job[SHARE] = 0 if client else max(LEAST_SHARE, SHARE_A_NOTE * polyphony)
        self._job_address: Job = self._job.buffer_info()[0]
        self._keep(np.zeros(FEW, voice_t))  # a row for each of the voices

    @property
    def most_voices(self) -> int:
        """Beyond so many no note may begin."""
        return VOICES_A_NOTE * self.polyphony

    def apply(self, event: Event) -> Voice | None:
        """Take the next event; the voice that it starts, if it does."""
        assert event.seq == self.seq + 1 and event.position >= self.position, (event, self.seq, self.position)
        self.seq, self.position = event.seq, event.position
        message = event.message
        if len(message) < 2:
            return None
        kind, channel, first = midi.kind(message), midi.channel(message), message[1]
        if midi.begins_note(message):
            return self._note_on(event, channel, first, message[2])
        if kind in (midi.NOTE_OFF, midi.NOTE_ON):
            self._keys_up(channel, lambda voice: voice.key == first)
        elif kind == midi.CONTROL_CHANGE and len(message) == 3:
            self._control(channel, first, message[2])
        elif kind == midi.PITCH_BEND and len(message) == 3:
            self._bend(channel, midi.bend_value(message))
        elif kind == midi.PROGRAM_CHANGE and self.instruments(first) is not None:
            self.channels[channel].program = first
        return None

    def _note_on(self, event: Event, channel: int, key: int, velocity: int) -> Voice | None:
        program = self.channels[channel].program
        instrument = self.instruments(program)
        if instrument is None:
            return None
        for voice in self.voices:
            if voice.key == key and voice.off_seq == NEVER and voice.channel == channel:
                self._off(voice)
        at, released = self.position, self.position - self.release
        sounding = [  # by `end`
            v for v in self.voices
            if v.stolen_seq == NEVER and v.off_at > released and v.start + v.region.duration > at
        ]  # fmt: skip
        if len(sounding) >= self.polyphony:
            self._steal(min(sounding, key=lambda v: (v.off_seq == NEVER, v.seq)))
            self.stolen += 1
        state = VoiceState(
            channel, program, key, velocity, self.seq, self.position, event.cut, event.shift, event.reach, 0,
            NEVER, NEVER, NEVER, NEVER, self.position, 0, False,
        )  # fmt: skip
        region = instrument.region(key)
        if self._client and not event.cut:
            region = replace(region, held=0, covered=0)
        voice = Voice(state, region)
        self._add(voice)
        return voice

    def _add(self, voice: Voice) -> None:
        if len(self.voices) == len(self._table):
            self._keep(np.concatenate((self._table, np.zeros_like(self._table))))
        self._table[len(self.voices)] = voice.row()
        self.voices.append(voice)

    def _keys_up(self, channel: int, chosen: Callable[[Voice], bool]) -> None:
        for voice in self.voices:
            if voice.channel == channel and voice.off_seq == NEVER and chosen(voice):
                if self.channels[channel].pedal:
                    voice.key_up = True
                else:
                    self._off(voice)

    def _off(self, voice: Voice) -> None:
        voice.off_seq, voice.off_at = self.seq, self.position
        self.update(voice)

    def _steal(self, voice: Voice) -> None:
        voice.stolen_seq, voice.stolen_at = self.seq, self.position
        self.update(voice)

    def update(self, voice: Voice) -> None:
        """Have the kernel see a voice as it has become."""
        self._table[self.voices.index(voice)] = voice.row()

    def _control(self, channel: int, number: int, value: int) -> None:
        state = self.channels[channel]
        if number in LINE_OF:
            self.automation.change(channel, LINE_OF[number], self.seq, self.position, (value / 127) ** 2)
        elif number == midi.SUSTAIN:
            state.pedal = value >= midi.PEDAL_DOWN
            if not state.pedal:
                self._keys_up(channel, lambda voice: voice.key_up)
        elif number == midi.ALL_SOUND_OFF:
            for voice in self.voices:
                if voice.channel == channel and voice.stolen_seq == NEVER:
                    self._steal(voice)
        elif number == midi.ALL_NOTES_OFF:
            self._keys_up(channel, lambda _: True)
        elif number in (midi.RPN_COARSE, midi.RPN_FINE):
            coarse, fine = state.parameter
            state.parameter = (value, fine) if number == midi.RPN_COARSE else (coarse, value)
        elif number in (midi.NRPN_COARSE, midi.NRPN_FINE):
            state.parameter = NO_PARAMETER  # what is entered now is another's
        elif number in (midi.DATA_ENTRY, midi.DATA_ENTRY_FINE) and state.parameter == (0, 0):
            semitones, cents = state.bend_range
            state.bend_range = (value, cents) if number == midi.DATA_ENTRY else (semitones, value)

    def _bend(self, channel: int, value: int) -> None:
        """By cents/256; a range that changes counts for bends to come."""
        bent = ((value - midi.BEND_CENTRE) * self.channels[channel].most_bent) >> 5
        self.automation.change(channel, BEND, self.seq, self.position, ratio(bent))

    def end(self, voice: Voice) -> int:
        """The position from which it is silent by its length or its release, by the hand's positions, unbent: what
        decisions go by."""
        return min(voice.start + voice.region.duration, voice.off_at + self.release)

    def alive(self, voice: Voice, position: int, heard: int = ALL) -> bool:
        """Whether it may sound at or after a position, to one who has heard this much or more."""
        return self._lasts(voice, position, heard, self.automation.lowest_bend(voice.channel))

    def _lasts(self, voice: Voice, position: int, heard: int, bend: int) -> bool:
        """The same, where no bend is lower."""
        clock = position - voice.shift - voice.delay
        return not (
            (voice.off_seq <= heard and voice.acts(voice.off_at) + self.release <= clock)
            or (voice.stolen_seq <= heard and voice.acts(voice.stolen_at) + self.ramp <= clock)
            or voice.ended(position, bend)
        )

    def phase(self, voice: Voice, position: int) -> int:
        """Where in its sample a voice reads at a position, 32.32, under all events."""
        return self.motion(voice, position)[0]

    def motion(self, voice: Voice, position: int) -> tuple[int, int]:
        """The same, and the ratio by which that goes on."""
        clock, (_, _, bend), *later = position - voice.lag, *self.automation.bends(voice.channel)
        phase, since, ratio = voice.anchor_phase, voice.anchor_at, voice.region.ratio
        for _, at, next_bend in later:
            acting = min(max(voice.acts(at), since), clock)
            phase += (acting - since) * mul(ratio, bend)
            since, bend = acting, next_bend if voice.acts(at) <= clock else bend
        now = mul(ratio, bend)
        return voice.wrapped(phase + (clock - since) * now), now

    def forget(self, position: int, heard: int) -> None:
        """Drop voices and changes that no position from here on needs, for anyone who has heard this much."""
        lowest = {channel: self.automation.lowest_bend(channel) for channel in {v.channel for v in self.voices}}
        # One that is over early, because it was bent up, still counts where a voice to steal is chosen.
        kept = [
            self._lasts(v, position, heard, lowest[v.channel]) or (v.stolen_seq == NEVER and self.end(v) > position)
            for v in self.voices
        ]
        if not all(kept):
            self._table[: sum(kept)] = self._table[: len(kept)][np.array(kept)]
            self.voices = [voice for voice, stays in zip(self.voices, kept, strict=True) if stays]
        table = self._table[: len(self.voices)]
        there = {channel: np.flatnonzero(table["channel"] == channel) for channel in {v.channel for v in self.voices}}
        # At most so many frames after something happened it has acted on a voice.
        lasting = table["lag"] + np.where(table["reach"] < ENDLESS, table["cut"], 0)
        for channel, line in self.automation.moving():
            over = position - self.ramp - (int(lasting[there[channel]].max()) if channel in there else 0)
            number = min(self.automation.foldable(channel, line, over, heard), MOST_FOLDED)
            if number and line == BEND and channel in there:
                bends = self.automation.bends(channel)[: number + 1]
                acting = self._acting(there[channel], [at for _, at, _ in bends[1:]])
                self._anchor(there[channel], acting, [bend for _, _, bend in bends[:-1]])
            self.automation.fold(channel, line, number)
        for channel, rows in there.items():
            clock = position - table["lag"][rows]
            long = clock - table["anchor_at"][rows] >= LONG
            if long.any() and len(bends := self.automation.bends(channel)) == 1:
                self._anchor(rows[long], clock[long][:, np.newaxis], [bends[0][2]])

    def _acting(self, rows: NDArray[np.int64], positions: list[int]) -> NDArray[np.int64]:
        """Where what happened at positions acts on the clocks of voices (voices, positions): Voice.acts of each."""
        at, voices = np.array(positions), self._table[rows][:, np.newaxis]
        age = at - voices["start"]
        late = (age >= 0) & (voices["reach"] <= age + voices["cut"]) & (voices["reach"] < ENDLESS)
        acting: NDArray[np.int64] = np.where(late, at + voices["cut"], at)
        return acting

    def _anchor(self, rows: NDArray[np.int64], acting: NDArray[np.int64], bends: list[int]) -> None:
        """Let bends that were in force up to there (voices, bends), on the voices' clocks, count for good."""
        table = self._table[rows]
        since = np.maximum.accumulate(np.column_stack((table["anchor_at"], acting)), axis=1)
        ratios = mul(table["ratio"][:, np.newaxis], np.array(bends))
        phases = table["anchor_phase"] + (np.diff(since, axis=1) * ratios).sum(axis=1)
        voices = [self.voices[row] for row in rows.tolist()]
        for voice, at, phase in zip(voices, since[:, -1].tolist(), phases.tolist(), strict=True):
            voice.anchor_at, voice.anchor_phase = at, voice.wrapped(phase)
        self._table["anchor_at"][rows] = since[:, -1]
        self._table["anchor_phase"][rows] = [voice.anchor_phase for voice in voices]

    def job(self, first: int, known: int, before: int, heard: int, into: int = 0, fade: int = 1) -> Job:
        """These voices from a position on, for the kernel: good until the next call, or until something is done."""
        job = self._job
        job[NUMBER], job[FIRST], job[KNOWN], job[BEFORE], job[HEARD] = len(self.voices), first, known, before, heard
        job[INTO], job[FADE] = into, fade
        return self._job_address

    def _keep(self, table: NDArray[np.void]) -> None:
        self._table = table
        self._job[VOICES] = table.ctypes.data

    def state(self) -> ScoreState:
        channels = [
            ChannelState(c.program, c.pedal, self.automation.state(number), c.bend_range, c.parameter)
            for number, c in enumerate(self.channels)
        ]
        return ScoreState(self.seq, self.position, [v.state() for v in self.voices], channels)

    def restore(self, state: ScoreState) -> None:
        """Take over another score's state; voices of unknown programs are silent here, and count as voices."""
        self.seq, self.position, self.voices = state.seq, state.position, []
        for number, (channel, was) in enumerate(zip(self.channels, state.channels, strict=True)):
            channel.program, channel.pedal = was.program, was.pedal
            channel.bend_range, channel.parameter = was.bend_range, was.parameter
            self.automation.restore(number, was.lines)
        for voice in state.voices:
            instrument = self.instruments(voice.program)
            self._add(Voice(voice, instrument.region(voice.key) if instrument else SILENT))


MOVED = frozenset((*LINE_OF, midi.SUSTAIN, midi.ALL_SOUND_OFF, midi.ALL_NOTES_OFF, midi.RPN_COARSE, midi.RPN_FINE,
                   midi.NRPN_COARSE, midi.NRPN_FINE, midi.DATA_ENTRY, midi.DATA_ENTRY_FINE))  # fmt: skip
"""Controllers that mean anything here."""
KINDS = frozenset((midi.NOTE_OFF, midi.NOTE_ON, midi.PROGRAM_CHANGE, midi.PITCH_BEND))


def line_of(message: bytes) -> int | None:
    """The line of its channel that a message changes, if it moves what sounds."""
    kind = midi.kind(message)
    if kind == midi.PITCH_BEND:
        return BEND
    return LINE_OF.get(message[1]) if kind == midi.CONTROL_CHANGE else None


def shapes_sound(message: bytes) -> bool:
    """Whether a channel message means anything here."""
    kind = midi.kind(message)
    return kind in KINDS or (kind == midi.CONTROL_CHANGE and message[1] in MOVED)
