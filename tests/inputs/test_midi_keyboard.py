"""Which MIDI port is opened, and what ends when it goes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netaudio import midi
from netaudio.inputs.midi_keyboard import HeldKeys, choose


@pytest.mark.parametrize(
    ("names", "wanted", "chosen"),
    [
        ([], None, None),
        (["Midi Through:Midi Through Port-0 14:0", "Keystation 20:0"], None, "Keystation 20:0"),
        (["Midi Through:Midi Through Port-0 14:0"], None, None),
        (["Midi Through:Midi Through Port-0 14:0"], "through", "Midi Through:Midi Through Port-0 14:0"),
        (["A", "B"], None, "A"),
        (["A", "B"], "", "A"),
        (["Piano 1", "PIANO 2"], "piano 2", "PIANO 2"),
        (["A", "B"], "c", None),
    ],
)
def test_the_port_that_is_chosen(names: list[str], wanted: str | None, chosen: str | None) -> None:
    assert choose(names, wanted) == chosen


MESSAGES = st.tuples(
    st.sampled_from((midi.NOTE_ON, midi.NOTE_OFF, midi.CONTROL_CHANGE)),
    st.integers(0, 15),
    st.sampled_from((60, 61, midi.SUSTAIN, midi.SUSTAIN + 1)),
    st.integers(0, 2),
)


@given(st.lists(MESSAGES, max_size=30))
def test_what_a_keyboard_held_is_ended_once(messages: list[tuple[int, int, int, int]]) -> None:
    held = HeldKeys()
    notes: set[tuple[int, int]] = set()
    pedals: set[int] = set()
    for kind, channel, number, value in messages:
        message = midi.playable(bytes((kind | channel, number, value)))
        assert message
        held.follow(message)
        if kind != midi.CONTROL_CHANGE:
            (notes.add if midi.begins_note(message) else notes.discard)((channel, number))
        elif number == midi.SUSTAIN:
            (pedals.add if value else pedals.discard)(channel)
    ends = held.release_all()
    assert set(ends) == {midi.note_off(*note) for note in notes} | {
        midi.control_change(channel, midi.SUSTAIN, 0) for channel in pedals
    }
    assert len(ends) == len(notes) + len(pedals) and held.release_all() == []
