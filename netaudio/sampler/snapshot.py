"""A score's state, as `resume` carries it."""

from itertools import pairwise
from typing import NamedTuple

from netaudio.errors import ProtocolError
from netaudio.sampler.automation import Change

NEVER = 1 << 60  # the seq and position of what has not happened
CHANNELS = 16
MAX_VOICES = 2048  # of a state: in remote mode many wait for their position, stolen or not


class VoiceState(NamedTuple):
    """A voice with all its marks, as `resume` carries it."""

    channel: int
    program: int
    key: int
    velocity: int
    seq: int
    start: int
    cut: int
    off_seq: int
    off_at: int
    stolen_seq: int
    stolen_at: int
    delay: int
    key_up: bool


class ChannelState(NamedTuple):
    program: int
    pedal: bool
    volume: list[Change]
    expression: list[Change]


class ScoreState(NamedTuple):
    """A score as of `seq`: enough to go on from there exactly."""

    seq: int
    position: int
    voices: list[VoiceState]
    channels: list[ChannelState]


def check_state(state: ScoreState) -> None:
    """Raises ProtocolError for a state that no score can have."""
    seqs = [*(voice.seq for voice in state.voices), state.seq + 1]
    wrong = (
        len(state.channels) != CHANNELS
        or len(state.voices) > MAX_VOICES
        or not all(-1 < n < NEVER for n in state[:2])
        or not all(-1 < n <= NEVER for voice in state.voices for n in voice)
        or not all(one < next_one for one, next_one in pairwise(seqs))
        or not all(v.channel < CHANNELS and v.key < 128 and 0 < v.velocity < 128 for v in state.voices)
        or not all(
            0 < len(line) <= 1000 and all(-NEVER < at < NEVER and 0 <= value <= 1 for _, at, value in line)
            for channel in state.channels
            for line in (channel.volume, channel.expression)
        )
    )
    if wrong:
        raise ProtocolError("a state to resume from that no score can have")
