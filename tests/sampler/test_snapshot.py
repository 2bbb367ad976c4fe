"""What a state to resume from may be, and that a score goes on from one as it was."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from netaudio.errors import ProtocolError
from netaudio.sampler.automation import LONG_AGO, Change
from netaudio.sampler.layout import BEND, ENDLESS, LINES, MOST_CHANGES, VOLUME
from netaudio.sampler.pitch import ONE
from netaudio.sampler.snapshot import MOST_BEND, NEVER, VOICES_A_NOTE, ScoreState, VoiceState, check_state
from netaudio.sampler.voices import Score
from tests.support.reference import Recording
from tests.support.scores import (
    MODES,
    RAMP,
    RATE,
    SONGS,
    Song,
    counting,
    instrument,
    play,
    region,
    rendered,
    spaced,
)

POLYPHONY = 4
ORGAN = region(Recording(counting(), (100, 150), 3 * ONE // 2))
LENGTHY = region(Recording(counting()))
INSTRUMENTS = {0: instrument("lengthy", LENGTHY), 1: instrument("organ", ORGAN)}
LATER = 1 << 32
EMPTY = Score(RATE, POLYPHONY, INSTRUMENTS.get).state()
VOICE = VoiceState(0, 0, 60, 127, 1, 0, 0, 0, 0, 0, NEVER, NEVER, NEVER, NEVER, 0, 0, False)
STATE = EMPTY._replace(seq=5000, position=LATER, voices=[VOICE])


def score() -> Score:
    return Score(RATE, POLYPHONY, INSTRUMENTS.get)


def voices(count: int) -> ScoreState:
    return STATE._replace(voices=[VOICE._replace(seq=seq) for seq in range(1, count + 1)])


def line(changes: Sequence[Change], number: int = VOLUME) -> ScoreState:
    """A state in which one line of the last channel is so."""
    lines = list(EMPTY.channels[15].lines)
    lines[number] = list(changes)
    return STATE._replace(channels=[*EMPTY.channels[:15], EMPTY.channels[15]._replace(lines=lines)])


def changes(count: int, apart: int = RAMP, value: float = 1.0) -> list[Change]:
    return [Change(n, apart * n, value) for n in range(count)]


def accepted(state: ScoreState) -> bool:
    try:
        check_state(state, POLYPHONY, RAMP)
    except ProtocolError as error:
        assert "no score can have" in str(error)
        return False
    return True


def test_a_score_that_has_done_nothing_has_a_state() -> None:
    assert accepted(EMPTY) and accepted(STATE)


def test_voices_are_bounded_by_the_polyphony() -> None:
    assert accepted(voices(VOICES_A_NOTE * POLYPHONY))
    assert not accepted(voices(VOICES_A_NOTE * POLYPHONY + 1))


@pytest.mark.parametrize("number", range(LINES))
def test_a_line_has_a_value_and_room_for_another(number: int) -> None:
    value = float(ONE) if number == BEND else 1.0
    assert not accepted(line([], number))
    assert accepted(line(changes(1, value=value), number))
    assert accepted(line(changes(MOST_CHANGES - 1, value=value), number))
    assert not accepted(line(changes(MOST_CHANGES, value=value), number))


def test_changes_of_a_line_are_a_ramp_apart() -> None:
    assert not accepted(line(changes(2, RAMP - 1)))
    assert not accepted(line(changes(2, -RAMP)))


@pytest.mark.parametrize(
    ("number", "value", "sound"),
    [
        (VOLUME, 0.0, True), (VOLUME, -1e-9, False), (VOLUME, 1.0001, False), (VOLUME, float("nan"), False),
        (VOLUME, float("inf"), False), (BEND, ONE, True), (BEND, ONE * MOST_BEND, True), (BEND, 1.0, False),
        (BEND, ONE * MOST_BEND * 2, False), (BEND, float("nan"), False), (BEND, -float("inf"), False),
    ],
)  # fmt: skip
def test_values_are_gains_and_ratios(number: int, value: float, sound: bool) -> None:
    assert accepted(line([Change(0, LONG_AGO, value)], number)) is sound


@pytest.mark.parametrize(
    "changes",
    [
        [Change(3, 0, 1.0), Change(3, RAMP, 1.0)], [Change(3, 0, 1.0), Change(2, RAMP, 1.0)], [Change(-1, 0, 1.0)],
        [Change(5001, 0, 1.0)], [Change(0, LATER + 1, 1.0)], [Change(0, LONG_AGO - 1, 1.0)],
    ],
)  # fmt: skip
def test_changes_rise_up_to_where_the_score_is(changes: list[Change]) -> None:
    assert not accepted(line(changes))


@pytest.mark.parametrize(
    "state",
    [
        STATE._replace(seq=-1, voices=[]),
        STATE._replace(seq=NEVER),
        STATE._replace(position=-1, voices=[]),
        STATE._replace(position=NEVER),
        STATE._replace(channels=STATE.channels[:15]),
        STATE._replace(channels=[*STATE.channels, STATE.channels[0]]),
        STATE._replace(channels=[STATE.channels[0]._replace(lines=STATE.channels[0].lines[:2])] * 16),
        STATE._replace(channels=[STATE.channels[0]._replace(bend_range=(-1, 0))] * 16),
        STATE._replace(channels=[STATE.channels[0]._replace(bend_range=(0, 128))] * 16),
        STATE._replace(channels=[STATE.channels[0]._replace(parameter=(1 << 80, 0))] * 16),
        STATE._replace(channels=[STATE.channels[0]._replace(program=128)] * 16),
        STATE._replace(voices=[VOICE, VOICE]),
        STATE._replace(voices=[VOICE._replace(seq=2), VOICE]),
        STATE._replace(voices=[VOICE._replace(start=9), VOICE._replace(seq=2, start=8)]),
        STATE._replace(seq=1, voices=[VOICE._replace(seq=2)]),
        STATE._replace(position=9, voices=[VOICE._replace(start=10)]),
    ],
)
def test_seqs_and_positions_rise_up_to_where_the_score_is(state: ScoreState) -> None:
    assert not accepted(state)


@pytest.mark.parametrize(
    "voice",
    [
        VOICE._replace(key=128), VOICE._replace(key=-1), VOICE._replace(channel=16), VOICE._replace(channel=-1),
        VOICE._replace(velocity=0), VOICE._replace(velocity=128), VOICE._replace(program=128),
        VOICE._replace(start=-1), VOICE._replace(seq=0), VOICE._replace(seq=NEVER),
        VOICE._replace(cut=-1), VOICE._replace(cut=ENDLESS + 1), VOICE._replace(shift=ENDLESS + 1),
        VOICE._replace(reach=ENDLESS + 1), VOICE._replace(delay=1 << 200), VOICE._replace(delay=-1),
        VOICE._replace(off_seq=2), VOICE._replace(off_at=2), VOICE._replace(off_seq=1, off_at=2),
        VOICE._replace(off_seq=5001, off_at=2), VOICE._replace(off_seq=2, off_at=LATER + 1),
        VOICE._replace(stolen_seq=2), VOICE._replace(stolen_seq=2, stolen_at=-1),
        VOICE._replace(start=9, anchor_at=8),
        VOICE._replace(anchor_at=NEVER), VOICE._replace(anchor_phase=-1), VOICE._replace(anchor_phase=NEVER),
    ],
)  # fmt: skip
def test_no_voice_is_like_that(voice: VoiceState) -> None:
    assert not accepted(STATE._replace(voices=[voice]))


def test_a_voice_may_be_released_and_stolen_and_wait_at_the_pedal() -> None:
    marked = VOICE._replace(off_seq=2, off_at=3, stolen_seq=3, stolen_at=3, cut=ENDLESS, reach=ENDLESS, key_up=True)
    assert accepted(STATE._replace(voices=[marked]))


@settings(max_examples=150)
@given(SONGS, SONGS, st.integers(0, 25), st.integers(0, 200), MODES)
def test_a_score_restored_from_its_state_sounds_the_same(
    song: Song, more: Song, heard: int, wait: int, mode: tuple[int, int, int]
) -> None:
    """Also where changes and bends were folded away, and the server holds all of what a client has heads of."""
    s, twin = score(), score()
    for event in spaced(song, mode):
        s.apply(event)
    first = s.position + wait
    s.forget(first, min(heard, s.seq))
    check_state(s.state(), POLYPHONY, RAMP)
    twin.restore(s.state())
    for event in spaced(more, mode, s.seq + 1, first + RAMP):
        s.apply(event)
        twin.apply(event)
    assert np.array_equal(rendered(twin, first, 400)[0], rendered(s, first, 400)[0])
    assert twin.state() == s.state()


@given(
    st.sampled_from((0, 1)), st.integers(0, NEVER - 1) | st.integers(1 << 31, 1 << 33), st.integers(0, NEVER - 1),
    st.sampled_from((ONE, ONE // MOST_BEND, ONE * MOST_BEND)), st.integers(0, 1 << 33),
)  # fmt: skip
@example(0, (1 << 31) + 105, 0, ONE, 0).via("a phase that lies just below 2^63")
def test_no_anchor_that_a_state_may_have_reads_past_the_bank(
    program: int, at: int, phase: int, bend: int, first: int
) -> None:
    """What its voices sound like is anyone's guess, but it is finite."""
    voice = VOICE._replace(program=program, anchor_at=at, anchor_phase=phase)
    state = line([Change(0, LONG_AGO, bend)], BEND)._replace(voices=[voice._replace(channel=15)])
    check_state(state, POLYPHONY, RAMP)
    s = score()
    s.restore(state)
    for position in range(first, first + 1500, 128):
        assert np.isfinite(rendered(s, position, 128)[0]).all()


def test_a_score_takes_over_no_voices_and_no_changes_of_its_own() -> None:
    s = score()
    play(s, (0, "90 3c 7f"), (5, "b0 07 00"), (9, "c0 01"))
    s.restore(EMPTY)
    assert s.state() == EMPTY and s.voices == []


def test_a_voice_of_a_program_that_is_not_here_is_silent_and_stays_a_voice() -> None:
    s, twin = score(), Score(RATE, POLYPHONY, lambda _: None)
    play(s, (0, "90 3c 7f"))
    twin.restore(s.state())
    assert not rendered(twin, 0, 600)[0].any()
    assert twin.state().voices == s.state().voices


HEADS = instrument("heads", region(Recording(counting(), (100, 150), 3 * ONE // 2), held=90))


@pytest.mark.parametrize("bent", [True, False])
def test_a_server_takes_over_a_loop_that_its_client_has_the_head_of(bent: bool) -> None:
    """After hours of holding it, bent or not."""
    client, server = Score(RATE, POLYPHONY, {1: HEADS}.get, program=1), score()
    play(client, (0, "90 3c 7f"), cut=20, reach=30)
    whole = score()
    whole.restore(client.state())
    for hour in range(1, 200):
        position = hour << 22
        for s in (client, whole):
            play(s, *[(position, f"e0 00 {hour % 128:02x}")] * bent)
            s.forget(position, s.seq)
    check_state(client.state(), POLYPHONY, RAMP)
    server.restore(client.state())
    first = 200 << 22
    assert np.array_equal(rendered(server, first, 300)[0], rendered(whole, first, 300)[0])
    assert rendered(server, first, 300)[0].any()
    assert not rendered(client, first, 300)[0].any(), "what it holds is long over"
