"""Computer keys to actions: every key, repeats, Shift, octaves, the pedal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netaudio import midi
from netaudio.inputs.key_layout import NOTE_KEYS, VELOCITY, Action, Do, KeyLayout, Play, fold

PEDAL_DOWN, PEDAL_UP = (Play(midi.control_change(0, midi.SUSTAIN, value)) for value in (127, 0))


def on(note: int) -> Play:
    return Play(midi.note_on(0, note, VELOCITY))


def off(note: int) -> Play:
    return Play(midi.note_off(0, note))


@pytest.mark.parametrize(("key", "note"), [(key, 60 + i) for i, key in enumerate("awsedftgyhujk")])
def test_a_row_of_keys_is_an_octave_from_c4(key: str, note: int) -> None:
    keys = KeyLayout()
    assert keys.press(key) == [on(note)]
    assert keys.release(key) == [off(note)]


@pytest.mark.parametrize(
    ("key", "action"),
    [
        ("esc", Do("quit")),
        ("m", Do("mode")),
        ("p", Do("payload")),
        ("M", Do("mode")),
        ("-", Do("volume", -1)),
        ("=", Do("volume", 1)),
        ("+", Do("volume", 1)),
        ("[", Do("offset", -1)),
        ("]", Do("offset", 1)),
        ("1", Do("instrument", 0)),
        ("9", Do("instrument", 8)),
    ],
)
def test_commands_come_once_per_press(key: str, action: Do) -> None:
    keys = KeyLayout()
    assert keys.press(key) == [action]
    assert keys.press(key) == ([action] if key in "[]-=+" else [])  # steps go on while their key is held
    assert keys.release(key) == []
    assert keys.press(key) == [action]


@pytest.mark.parametrize("key", ["q", "0", "up", "shift", "", "ß", "ä", "aw", "€"])
def test_other_keys_do_nothing(key: str) -> None:
    keys = KeyLayout()
    assert keys.press(key) == keys.release(key) == keys.release_all() == []


def test_a_repeat_does_not_strike_again() -> None:
    keys = KeyLayout()
    assert [keys.press("a") for _ in range(3)] == [[on(60)], [], []]
    assert keys.release("a") == [off(60)]
    assert keys.release("a") == []


def test_shift_between_leaves_no_stuck_note() -> None:
    keys = KeyLayout()
    assert keys.press("A") == [on(60)]
    assert keys.press("a") == []
    assert keys.release("a") == [off(60)]


def test_shift_that_renames_a_command_key_loses_no_later_press() -> None:
    keys = KeyLayout()
    keys.press("1")
    keys.release("!")
    assert keys.press("1") == [Do("instrument", 0)]


def test_space_is_the_pedal() -> None:
    keys = KeyLayout()
    assert keys.press(" ") == [PEDAL_DOWN]
    assert keys.press("space") == []
    assert keys.release("an unknown key") == []
    assert keys.release(" ") == [PEDAL_UP]


def test_held_keys_end_the_note_that_they_began_after_an_octave_shift() -> None:
    keys = KeyLayout()
    keys.press("a")
    assert keys.press("x") == []
    assert keys.press("s") == [on(74)]
    assert keys.release("a") == [off(60)]
    keys.release("x")
    keys.press("x")
    assert keys.press("a") == [on(84)]
    keys.press("z")
    assert keys.release("a") == [off(84)]


def test_two_keys_on_one_note_end_it_once() -> None:
    keys = KeyLayout()
    assert keys.press("k") == [on(72)]
    keys.press("x")
    assert keys.press("a") == [on(72)]
    assert keys.release("k") == []
    assert keys.release("a") == [off(72)]


def test_octaves_stop_at_the_ends_of_midi() -> None:
    keys = KeyLayout()
    for _ in range(20):
        keys.press("x")
        keys.release("x")
    assert keys.octave == 9
    assert keys.press("g") == [on(127)]
    assert keys.press("y") == keys.release("y") == []
    for _ in range(20):
        keys.press("z")
        keys.release("z")
    assert keys.octave == -1
    assert keys.press("a") == [on(0)]


def test_release_all_ends_notes_and_pedal() -> None:
    keys = KeyLayout()
    for key in "as ":
        keys.press(key)
    assert keys.release_all() == [off(60), off(62), PEDAL_UP]
    assert keys.release_all() == keys.release("a") == []
    assert keys.press("a") == [on(60)]


@given(st.lists(st.tuples(st.booleans(), st.sampled_from([*NOTE_KEYS, *NOTE_KEYS.upper(), *" zxm1!["]))))
def test_after_release_all_nothing_sounds(strokes: list[tuple[bool, str]]) -> None:
    keys = KeyLayout()
    actions: list[Action] = []
    for down, key in strokes:
        actions += keys.press(key) if down else keys.release(key)
    sounding: set[int] = set()
    pedal = 0
    for action in actions + keys.release_all():
        if isinstance(action, Play):
            status, first, second = action.message
            assert 0 <= first <= 127
            if status == midi.CONTROL_CHANGE:
                pedal = second
            else:
                (sounding.add if status == midi.NOTE_ON else sounding.remove)(first)
    assert not sounding and pedal == 0


@given(st.text(max_size=3))
def test_folding_twice_is_folding_once(key: str) -> None:
    assert fold(fold(key)) == fold(key)
