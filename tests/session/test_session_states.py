"""A session that goes on from a client's state."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netaudio.errors import ProtocolError
from netaudio.sampler.automation import LONG_AGO, Change
from netaudio.sampler.layout import ENDLESS
from netaudio.sampler.pitch import ONE
from netaudio.sampler.snapshot import NEVER, ScoreState, VoiceState
from netaudio.sampler.voices import Event, Score
from tests.session.test_session import HARP, POLYPHONY, fresh, on, render, report
from tests.support.scores import RATE


def test_a_state_goes_on_where_it_was() -> None:
    client = Score(RATE, POLYPHONY, {0: HARP}.get)
    client.apply(on(1, 100, cut=50))
    client.apply(Event(2, 120, b"\xb0\x40\x7f"))
    client.apply(Event(3, 130, b"\x80\x3c\x00"))
    session = fresh()
    session.resume(session.restored(client.state()))
    session.hear(Event(4, 200, b"\xb0\x40\x00"))
    assert session.score.seq == 4
    assert session.score.voices[0].off_at == 200


def test_the_first_packet_has_heard_the_state() -> None:
    client = Score(RATE, POLYPHONY, {0: HARP}.get)
    client.apply(on(1, 0, cut=20))
    session = fresh()
    session.resume(session.restored(client.state()))
    session.take(report(0, 10), 0.0, 0.0)
    sound, (packet,) = render(session)
    assert (packet.before, packet.heard) == (1, 1)
    assert (1024 * sound[:, 0]).tolist() == list(range(packet.timestamp, packet.timestamp + 10))


EMPTY = Score(RATE, POLYPHONY, {0: HARP}.get).state()


def test_an_impossible_state_is_refused_and_changes_nothing() -> None:
    session = fresh()
    for state in (EMPTY._replace(seq=-1), EMPTY._replace(channels=[])):
        with pytest.raises(ProtocolError, match="no score can have"):
            session.resume(session.restored(state))
    assert not session.playing and session.score.state() == EMPTY


CHANGES = st.lists(st.builds(Change, st.integers(0, 9), st.integers(-9, 100), st.floats(0, 1)), max_size=2)
GAINS = CHANGES.map(lambda changes: [Change(0, LONG_AGO, 1.0), *sorted(changes)])
BENDS = GAINS.map(lambda line: [change._replace(value=ONE + change.value * ONE) for change in line])
MARKS = st.sampled_from(((NEVER, NEVER), (NEVER, NEVER), (9, 100), (10, 60), (1, 5), (5, NEVER)))
VOICES = st.builds(
    lambda voice, off, stolen: voice._replace(
        off_seq=off[0], off_at=off[1], stolen_seq=stolen[0], stolen_at=stolen[1], anchor_at=voice.start + voice.delay
    ),
    st.builds(
        VoiceState, st.integers(0, 15), st.integers(0, 1), st.integers(0, 127), st.integers(1, 127),
        st.integers(0, 9), st.integers(0, 60), st.sampled_from((0, 20, ENDLESS)), st.sampled_from((0, 30)),
        st.sampled_from((0, 50, ENDLESS)), st.sampled_from((0, 0, 40)), *[st.just(0)] * 5,
        st.integers(0, 1 << 45), st.booleans(),
    ),
    MARKS, MARKS,
)  # fmt: skip
STATES = st.lists(VOICES, max_size=3, unique_by=lambda voice: voice.seq).map(
    lambda voices: sorted(voices, key=lambda voice: voice.seq)
)


@settings(max_examples=300)
@given(st.integers(8, 12), STATES, GAINS, GAINS, BENDS)
def test_any_state_is_played_or_refused(
    seq: int, voices: list[VoiceState], volume: list[Change], expression: list[Change], bends: list[Change]
) -> None:
    channel = EMPTY.channels[0]._replace(lines=[volume, expression, bends])
    session = fresh()
    try:
        session.resume(session.restored(ScoreState(seq, 100, voices, [channel] * 16)))
    except ProtocolError:
        return
    session.take(report(0, 50), 0.0, 0.0)
    for k in range(1, 20):
        render(session)
        message = bytes((0xB0 + k % 3, 7, k)) if k % 2 else bytes((0x90, k, 99))
        session.hear(Event(seq + k, 100 + 5 * k, message, k % 3))
