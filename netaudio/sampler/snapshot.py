"""A score's state, as `resume` carries it: bounded, so that no state costs more than playing does."""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from netaudio.errors import ProtocolError
from netaudio.midi import CHANNELS
from netaudio.sampler.automation import LONG_AGO, Change
from netaudio.sampler.layout import BEND, ENDLESS, LINES, MOST_CHANGES
from netaudio.sampler.pitch import ONE

NEVER = 1 << 60
"""The seq and position of what has not happened."""
VOICES_A_NOTE = 8
"""A state has at most so many voices times POLYPHONY: stolen and released ones, and those that wait."""
MOST_BEND = 4
"""The highest ratio of a bend, two octaves, and one over the lowest."""


class VoiceState(NamedTuple):
    """A voice with all its marks."""

    channel: int
    program: int
    key: int
    velocity: int
    seq: int
    start: int
    cut: int
    shift: int
    reach: int
    delay: int
    off_seq: int
    off_at: int
    stolen_seq: int
    stolen_at: int
    anchor_at: int
    anchor_phase: int
    key_up: bool


class ChannelState(NamedTuple):
    program: int
    pedal: bool
    lines: list[list[Change]]
    bend_range: tuple[int, int]
    parameter: tuple[int, int]


class ScoreState(NamedTuple):
    """A score as of `seq`: enough to go on from there exactly."""

    seq: int
    position: int
    voices: list[VoiceState]
    channels: list[ChannelState]


def check_state(state: ScoreState, polyphony: int, ramp: int) -> None:
    """Raises ProtocolError for a state that no score of this polyphony, whose changes ramp so long, can have."""
    seqs = [0, *(voice.seq for voice in state.voices), state.seq + 1]
    starts = [*(voice.start for voice in state.voices), state.position]
    sound = (
        len(state.channels) == CHANNELS
        and len(state.voices) <= VOICES_A_NOTE * polyphony
        and 0 <= state.seq < NEVER
        and 0 <= state.position < NEVER
        and all(one < another for one, another in pairwise(seqs))
        and all(one <= another for one, another in pairwise(starts))
        and all(_can_be(voice, state) for voice in state.voices)
        and all(len(channel.lines) == LINES for channel in state.channels)
        and all(
            0 <= number < 128
            for channel in state.channels
            for number in (channel.program, *channel.bend_range, *channel.parameter)
        )
        and all(
            _can_rise(number, line, state, ramp)
            for channel in state.channels
            for number, line in enumerate(channel.lines)
        )
    )
    if not sound:
        raise ProtocolError("a state to resume from that no score can have")


def _can_be(v: VoiceState, state: ScoreState) -> bool:
    marks = (v.off_seq, v.off_at), (v.stolen_seq, v.stolen_at)
    return (
        0 <= v.channel < CHANNELS
        and 0 <= v.program < 128
        and 0 <= v.key < 128
        and 0 < v.velocity < 128
        and v.start >= 0
        and all(0 <= span <= ENDLESS for span in (v.cut, v.shift, v.reach, v.delay))
        and all(
            mark == (NEVER, NEVER) or (v.seq < mark[0] <= state.seq and v.start <= mark[1] <= state.position)
            for mark in marks
        )
        and v.start <= v.anchor_at < NEVER
        and 0 <= v.anchor_phase < NEVER
    )


def _can_rise(number: int, line: Sequence[Change], state: ScoreState, ramp: int) -> bool:
    """Whether a line's changes rise in seq and position, `ramp` apart, to values that there are."""
    low, high = (ONE // MOST_BEND, ONE * MOST_BEND) if number == BEND else (0.0, 1.0)
    return (
        0 < len(line) < MOST_CHANGES
        and line[0].seq >= 0
        and line[0].position >= LONG_AGO
        and line[-1].seq <= state.seq
        and line[-1].position <= state.position
        and all(a.seq < b.seq and a.position + ramp <= b.position for a, b in pairwise(line))
        and all(low <= change.value <= high for change in line)
    )
