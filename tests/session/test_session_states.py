"""A session that goes on from a client's state."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netaudio.errors import ProtocolError
from netaudio.sampler.automation import Change
from netaudio.sampler.snapshot import NEVER, ScoreState, VoiceState
from netaudio.sampler.voices import Event, Score
from tests.session.test_session import HARP, RATE, fresh, on, render, report


def test_a_state_goes_on_where_it_was() -> None:
    client = Score(RATE, 8, {0: HARP}.get)
    client.apply(on(1, 100, cut=50))
    client.apply(Event(2, 120, b"\xb0\x40\x7f"))
    client.apply(Event(3, 130, b"\x80\x3c\x00"))
    session = fresh()
    session.resume(client.state())
    session.hear(Event(4, 200, b"\xb0\x40\x00"))
    assert session.score.seq == 4
    assert session.score.voices[0].off_at == 200


STATE = Score(RATE, 8, {0: HARP}.get).state()
VOICE = VoiceState(0, 0, 60, 127, 1, 0, 0, NEVER, NEVER, NEVER, NEVER, 0, False)


@pytest.mark.parametrize(
    "state",
    [
        STATE._replace(seq=-1),
        STATE._replace(position=NEVER),
        STATE._replace(channels=STATE.channels[:15]),
        STATE._replace(channels=[STATE.channels[0]._replace(volume=[])] * 16),
        STATE._replace(channels=[STATE.channels[0]._replace(volume=[Change(0, 0, 1e300)])] * 16),
        STATE._replace(seq=1, voices=[VOICE._replace(key=128)]),
        STATE._replace(seq=1, voices=[VOICE._replace(channel=16)]),
        STATE._replace(seq=1, voices=[VOICE._replace(velocity=0)]),
        STATE._replace(seq=1, voices=[VOICE._replace(start=-1)]),
        STATE._replace(seq=1, voices=[VOICE._replace(delay=1 << 200)]),
        STATE._replace(seq=1, voices=[VOICE] * 2),
        STATE._replace(seq=2, voices=[VOICE._replace(seq=2), VOICE]),
        STATE._replace(seq=1, voices=[VOICE._replace(seq=NEVER)]),
        STATE._replace(seq=10_000, voices=[VOICE._replace(seq=seq) for seq in range(1, 10_000)]),
    ],
)
def test_an_impossible_state_is_refused(state: ScoreState) -> None:
    with pytest.raises(ProtocolError, match="no score can have"):
        fresh().resume(state)


LINES = st.lists(st.builds(Change, st.integers(0, 9), st.integers(-9, 200), st.floats(0, 1)), min_size=1, max_size=3)
MARKS = st.sampled_from((0, 1, 5, 100, NEVER))
VOICES = st.builds(
    VoiceState, st.integers(0, 15), st.integers(0, 1), st.integers(0, 127), st.integers(1, 127), st.integers(0, 9),
    st.integers(0, 200), st.integers(0, 50), MARKS, MARKS, MARKS, MARKS, st.integers(0, 50), st.booleans(),
)  # fmt: skip


STATES = st.lists(VOICES, max_size=3, unique_by=lambda voice: voice.seq)


@given(st.integers(0, 12), STATES.map(lambda voices: sorted(voices, key=lambda voice: voice.seq)), LINES, LINES)
def test_any_state_is_played_or_refused(
    seq: int, voices: list[VoiceState], volume: list[Change], other: list[Change]
) -> None:
    channel = STATE.channels[0]._replace(volume=volume, expression=other)
    session = fresh()
    try:
        session.resume(ScoreState(seq, 100, voices, [channel] * 16))
    except ProtocolError:
        return
    session.take(report(0, 50), 0.0, 0.0)
    session.ahead(0.0)
    for k in range(1, 20):
        render(session)
        session.hear(
            Event(seq + k, 100 + 5 * k, bytes((0xB0 + k % 3, 7, k)) if k % 2 else bytes((0x90, k, 99)), k % 3)
        )
