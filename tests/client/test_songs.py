from netaudio.client.demo_piece import piece
from netaudio.client.songs import song_events, song_instruments
from netaudio.readers.midi_files import Song

NAMES = ["epiano", "guitar", "organ", "piano"]
NUMBERS = {"epiano": 5, "guitar": 7, "organ": 9, "piano": 0}


def song(*events: tuple[float, bytes], seconds: float = 2.0) -> Song:
    return Song(events, seconds, ())


def test_program_changes_choose_by_the_list_and_become_this_clients_numbers() -> None:
    changes = song((0.0, b"\xc0\x01"), (1.0, b"\xc3\x03"), (1.5, b"\xc0\x28"))
    assert song_instruments(changes, NAMES) == ["guitar", "piano"]
    events = song_events(changes, 100, NAMES, NUMBERS.__getitem__)
    assert events[:2] == [(0, b"\xc0\x07"), (100, b"\xc3\x00")]


def test_what_shapes_no_sound_is_left_out() -> None:
    events = song_events(
        song((0.0, b"\xe0\x00\x40"), (0.5, b"\xb0\x01\x7f"), (1.0, b"\x90\x3c\x40")), 100, NAMES, len
    )
    assert events[0] == (100, b"\x90\x3c\x40")


def test_the_end_lets_go_of_every_channel() -> None:
    events = song_events(song((0.0, b"\x90\x3c\x40"), (0.5, b"\x92\x3c\x40")), 100, NAMES, len)
    assert events[2:] == [(200, bytes((0xB0 | c, n, 0))) for c in (0, 2) for n in (64, 123)]


def test_the_demos_piece_ends_every_note_that_it_begins_within_the_instruments_range() -> None:
    events, seconds = piece(NAMES)
    sounding: set[tuple[int, int]] = set()
    for time, message in events:
        assert 0 <= time <= seconds
        note = message[0] & 15, message[1]
        if message[0] & 0xF0 == 0x90:
            assert 48 <= message[1] <= 84 and note not in sounding
            sounding.add(note)
        elif message[0] & 0xF0 == 0x80:
            sounding.remove(note)
    assert not sounding
