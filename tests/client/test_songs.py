import pytest

from netaudio import midi
from netaudio.client import general_midi
from netaudio.client.demo_piece import piece
from netaudio.client.songs import chosen_by, song_events, song_instruments, without_first_programs
from netaudio.readers.midi_files import Song

NAMES = ["epiano", "guitar", "organ", "piano"]
NOTE = midi.note_on(0, 60, 64)
NUMBERS = {"epiano": 5, "guitar": 7, "organ": 9, "piano": 0}


def song(*events: tuple[float, bytes], seconds: float = 2.0) -> Song:
    return Song(events, seconds, ())


def test_program_changes_choose_by_name_and_become_this_clients_numbers() -> None:
    changes = song(
        (0.0, midi.program_change(0, 25)), (1.0, midi.program_change(3, 0)), (1.5, midi.program_change(0, 40))
    )
    assert song_instruments(changes, NAMES) == ["guitar", "piano"]
    events = song_events(changes, 100, NAMES, NUMBERS.__getitem__)
    assert events[:2] == [(0, midi.program_change(0, 7)), (100, midi.program_change(3, 0))]


@pytest.mark.parametrize(
    ("program", "names", "instrument"),
    [
        (0, NAMES, "piano"),
        (0, ["bells", "Acoustic_Grand Piano", "piano"], "Acoustic_Grand Piano"),
        (0, ["bells", "drone"], "bells"),
        (1, ["bells", "drone"], "drone"),
        (2, ["bells", "drone"], None),
        (4, ["Electric Piano 1", "epiano"], "Electric Piano 1"),
        (5, NAMES, "epiano"),
        (19, ["Church Organ", "organ"], "Church Organ"),
        (24, ["Acoustic Guitar", "guitar"], "Acoustic Guitar"),
        (25, ["Acoustic Guitar (nylon)", "Acoustic Guitar (steel)"], "Acoustic Guitar (steel)"),
        (26, ["Electric Guitar", "guitar"], "Electric Guitar"),
        (48, ["strings"], "strings"),
        (127, NAMES, None),
    ],
)
def test_a_program_means_a_name_of_general_midi_else_a_place_in_the_list(
    program: int, names: list[str], instrument: str | None
) -> None:
    assert chosen_by(program, names) == instrument


def test_there_are_as_many_names_as_programs() -> None:
    assert len(general_midi.NAMES) == len(set(general_midi.NAMES)) == 128
    assert general_midi.NAMES[56] == "Trumpet" and general_midi.NAMES[127] == "Gunshot"


def test_a_chosen_instrument_wins_over_a_channels_first_program_and_no_other() -> None:
    changes = song(
        (0.0, midi.program_change(0, 0)), (0.0, NOTE), (0.5, midi.program_change(0, 24)), (1.0, NOTE),
        (1.0, midi.program_change(3, 16)),
    )  # fmt: skip
    kept = without_first_programs(changes, "epiano")
    assert kept.events == ((0.0, NOTE), (0.5, midi.program_change(0, 24)), (1.0, NOTE))
    (line,) = kept.left_out
    assert "--instrument epiano" in line and "Acoustic Grand Piano (0), Drawbar Organ (16)" in line
    assert without_first_programs(kept, "epiano") == kept


def test_what_shapes_no_sound_is_left_out() -> None:
    pressure, modulation = bytes((midi.CHANNEL_PRESSURE, 64)), midi.control_change(0, 1, 127)
    events = song_events(song((0.0, pressure), (0.5, modulation), (1.0, NOTE)), 100, NAMES, len)
    assert events[0] == (100, NOTE)


def test_the_end_lets_go_of_every_channel() -> None:
    events = song_events(song((0.0, NOTE), (0.5, midi.on_channel(2, NOTE))), 100, NAMES, len)
    assert events[2:] == [
        (200, midi.control_change(channel, number, 0))
        for channel in (0, 2)
        for number in (midi.SUSTAIN, midi.ALL_NOTES_OFF)
    ]


def test_the_demos_piece_ends_every_note_that_it_begins_within_the_instruments_range() -> None:
    events, seconds = piece(NAMES)
    sounding: set[tuple[int, int]] = set()
    for time, message in events:
        assert 0 <= time <= seconds
        note = midi.channel(message), message[1]
        if midi.begins_note(message):
            assert 48 <= message[1] <= 84 and note not in sounding
            sounding.add(note)
        elif midi.kind(message) == midi.NOTE_OFF:
            sounding.remove(note)
    assert not sounding
