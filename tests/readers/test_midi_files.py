"""MIDI files made with mido, or by hand where they are odd, read as songs."""

import struct
from pathlib import Path

import mido
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netaudio import midi
from netaudio.errors import SettingError
from netaudio.readers.midi_events import read_midi
from netaudio.readers.midi_files import Song, read_song

TEMPO_60, TEMPO_120 = 1_000_000, 500_000


def note(kind: str, number: int, time: int, channel: int = 0, velocity: int = 90) -> mido.Message:
    return mido.Message(kind, note=number, velocity=velocity, time=time, channel=channel)


def tempo(value: int, time: int = 0) -> mido.MetaMessage:
    return mido.MetaMessage("set_tempo", tempo=value, time=time)


def song_of(folder: Path, *tracks: list[mido.Message], kind: int = 1, ticks: int = 100) -> Song:
    file = mido.MidiFile(type=kind, ticks_per_beat=ticks)
    file.tracks.extend(mido.MidiTrack(track) for track in tracks)
    file.save(folder / "song.mid")
    return read_song(folder / "song.mid")


def test_notes_come_in_seconds_at_120_beats_by_default(tmp_path: Path) -> None:
    song = song_of(tmp_path, [note("note_on", 60, 0), note("note_off", 60, 100)], kind=0)
    assert song == Song(((0.0, midi.note_on(0, 60, 90)), (0.5, midi.note_off(0, 60, 90))), 0.5, ())


def test_tempo_changes_hold_for_all_tracks(tmp_path: Path) -> None:
    song = song_of(
        tmp_path,
        [tempo(TEMPO_60), tempo(TEMPO_120, 200)],
        [note("note_on", 60, 100), note("note_on", 61, 100), note("note_on", 62, 100)],
    )
    assert [seconds for seconds, _ in song.events] == [1.0, 2.0, 2.5]


def test_events_of_one_tick_keep_their_order(tmp_path: Path) -> None:
    song = song_of(
        tmp_path,
        [note("note_on", 60, 0), note("note_off", 60, 50), note("note_on", 60, 0)],
        [note("note_on", 72, 0), note("note_on", 74, 50)],
    )
    assert [(midi.begins_note(data), data[1]) for _, data in song.events] == [
        (True, 60), (True, 72), (False, 60), (True, 60), (True, 74),
    ]  # fmt: skip


def test_the_length_reaches_the_end_of_the_longest_track(tmp_path: Path) -> None:
    song = song_of(tmp_path, [note("note_on", 60, 0), mido.MetaMessage("end_of_track", time=300)])
    assert song.seconds == 1.5


def test_tracks_of_type_2_follow_each_other(tmp_path: Path) -> None:
    song = song_of(
        tmp_path,
        [tempo(TEMPO_60), note("note_on", 60, 100), note("note_off", 60, 100)],
        [note("note_on", 72, 100)],
        kind=2,
    )
    assert [seconds for seconds, _ in song.events] == [1.0, 2.0, 2.5]
    assert song.seconds == 2.5


def test_film_frames_know_no_tempo(tmp_path: Path) -> None:
    song = song_of(tmp_path, [tempo(TEMPO_60), note("note_on", 60, 2000)], ticks=(-25 << 8) | 40)
    assert song.events[0][0] == pytest.approx(2.0)


def test_drums_are_left_out_and_said(tmp_path: Path) -> None:
    drums = [note("note_on", 36, 10, channel=9), note("note_on", 36, 10, channel=9, velocity=0)]
    song = song_of(tmp_path, [note("note_on", 60, 0)], drums * 2)
    assert len(song.events) == 1
    assert song.left_out == ("channel 10 (drums): 2 notes left out",)
    assert song_of(tmp_path, [note("note_on", 60, 0)], drums).left_out == ("channel 10 (drums): 1 note left out",)


def test_velocity_0_is_a_note_off(tmp_path: Path) -> None:
    song = song_of(tmp_path, [note("note_on", 60, 0, channel=3), note("note_on", 60, 1, 3, velocity=0)])
    assert song.events[1][1] == midi.note_off(3, 60)


def test_only_channel_messages_are_events(tmp_path: Path) -> None:
    song = song_of(
        tmp_path,
        [
            mido.MetaMessage("track_name", name="piano"),
            mido.Message("sysex", data=(1, 2, 3)),
            mido.Message("program_change", program=5),
            mido.Message("control_change", control=midi.SUSTAIN, value=127),
            mido.Message("pitchwheel", pitch=0),
            mido.Message("aftertouch", value=3),
            note("note_on", 60, 0),
        ],
    )
    assert [data[0] for _, data in song.events] == [
        midi.PROGRAM_CHANGE, midi.CONTROL_CHANGE, midi.PITCH_BEND, midi.CHANNEL_PRESSURE, midi.NOTE_ON,
    ]  # fmt: skip


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"none\.mid: there is no such file"):
        read_song(tmp_path / "none.mid")
    with pytest.raises(SettingError, match="not a MIDI file"):
        read_song(tmp_path)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "cut short"),
        (b"RIFF and some more", "not a MIDI file"),
        (b"MThd\0\0\0\6\0\1", "cut short"),
        (b"MThd\0\0\0\6\0\1\0\1\0\x60", "nothing to play .* a count of 1 tracks, where 0 can be read"),
        (b"MThd\0\0\0\6\0\1\0\1\0\x60MTrk\0\0\0\4\0\x90\x3c", "nothing to play .* the end, which is cut off"),
        (b"MThd\0\0\0\6\0\1\0\1\0\x60MTrk\0\0\0\3\0\x3c\x40", "nothing to play .* a damaged event"),
    ],
)
def test_a_broken_file_is_said_in_one_line(tmp_path: Path, data: bytes, said: str) -> None:
    (tmp_path / "bad.mid").write_bytes(data)
    with pytest.raises(SettingError, match=said) as caught:
        read_song(tmp_path / "bad.mid")
    assert "bad.mid" in str(caught.value) and "\n" not in str(caught.value)


def test_a_song_without_notes_is_said(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"nothing to play in this file$"):
        song_of(tmp_path, [mido.Message("program_change", program=5)])
    with pytest.raises(SettingError, match=r"nothing to play in this file; channel 10 \(drums\): 1 note left out"):
        song_of(tmp_path, [note("note_on", 36, 0, channel=9)])


NOTES = bytes.fromhex("00903c648170803c4000904064817080404000904364817080434000ff2f00")
"""Three quarter notes one after the other, at 480 ticks a quarter."""


def header(kind: int = 0, tracks: int = 1, division: int = 480) -> bytes:
    return struct.pack(">4sIHHH", b"MThd", 6, kind, tracks, division)


def track(*parts: bytes, size: int | None = None) -> bytes:
    content = b"".join(parts)
    return struct.pack(">4sI", b"MTrk", len(content) if size is None else size) + content


RUNNING = bytes.fromhex("00903c6400f00201f781703c00 00f0017f 00406481704000 00ff010161 00436481704300")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (header() + track(NOTES), ""),
        (header() + track(b"\0\xff\x59\2\x08\0", NOTES), "a key signature that makes no sense"),
        (header() + track(b"\0\xff\x59\1\0", NOTES), "a key signature that makes no sense"),
        (header() + track(b"\0\xff\x58\2\4\2\0\xff\x54\1\0", NOTES), "a meta event that makes no sense (2 times)"),
        (header() + track(b"\0\xff\x59\1\0\0", NOTES), "a key signature that makes no sense, a damaged event"),
        (header() + track(b"\0\xff\x51\4\0\7\xa1\x20", NOTES), "the size of a tempo, taken as 120 beats a minute"),
        (header() + track(b"\0\xff\x51\4\7\xa1\x20\0", NOTES), "the size of a tempo, taken as 120 beats a minute"),
        (header() + track(b"\0\xff\x51\2\7\xa1", NOTES), "a tempo that makes no sense"),
        (header() + track(b"\0\xff\x51\3\0\0\0", NOTES), "a tempo that makes no sense"),
        (header() + track(NOTES, size=127), "a wrong size of a track"),
        (header() + track(NOTES, size=9), "a wrong size of a track"),
        (header() + track(NOTES, size=0), "a wrong size of a track"),
        (header() + track(NOTES[:-4]), ""),
        (header() + track(NOTES)[:-3], "the end, which is cut off"),
        (header(1, 3) + track() + track(NOTES), "a count of 3 tracks, where 2 can be read"),
        (header(0, 1) + track() + track(NOTES), "a count of 1 tracks, where 2 can be read"),
        (header(1, 2) + track(NOTES, size=9) + track(NOTES[-4:]), "a wrong size of a track"),
        (header() + track(RUNNING), ""),
        (header() + b"abc" + track(NOTES), "3 bytes between the tracks"),
        (header() + b"XFIH\0\0\0\2ab" + track(NOTES), ""),
        (header() + track(NOTES) + b"\0", ""),
        (bytes(128) + header() + track(NOTES), "128 bytes before the header"),
        (b"RIFF\0\0\0\0RMIDdata\0\0\0\0" + header() + track(NOTES), ""),
        (header(division=0) + track(NOTES), "no ticks to a beat, taken as 480"),
        (header(kind=7) + track(NOTES), "format 7, which there is not"),
        (header() + track(b"\0\xf0\x81\x00\x7e\x7f", NOTES), "a damaged event"),  # sysex longer than the track
        (header() + track(b"\0\xf0\2\x7e\x7f", NOTES), ""),  # sysex without its end
        (header() + track(b"\x80\x80\x80\x80\x80\0\xff\1\0", NOTES), "a number of too many bytes"),
        (header() + track(b"\xff\xff\xff\xff\xff\0\xff\1\0", NOTES), "a number of too many bytes"),
        (header() + track(b"\0\xf8\0\xf2\1\1", NOTES), "a message that belongs in no file (2 times)"),
        (header() + track(NOTES) + header() + track(NOTES), "a second song"),
        (header(division=0xE728) + track(NOTES), ""),
    ],
)
def test_what_can_be_read_is_played_and_what_cannot_is_said(tmp_path: Path, data: bytes, said: str) -> None:
    (tmp_path / "odd.mid").write_bytes(data)
    song = read_song(tmp_path / "odd.mid")
    assert [message[1] for _, message in song.events if midi.begins_note(message)] == [60, 64, 67]
    assert [seconds for seconds, _ in song.events[:5]] == pytest.approx([0, 0.25, 0.25, 0.5, 0.5], abs=0.03)
    assert song.left_out == ((f"skipped in the MIDI file, or put right: {said}",) if said else ())


def test_a_value_above_127_is_127_and_keeps_the_events_in_step(tmp_path: Path) -> None:
    (tmp_path / "odd.mid").write_bytes(header() + track(NOTES.replace(b"\x40\x64", b"\x40\x80")))
    song = read_song(tmp_path / "odd.mid")
    assert song.events[2][1] == midi.note_on(0, 64, 127) and len(song.events) == 6
    assert "a value above 127" in song.left_out[0]


def test_what_comes_later_than_a_day_is_left_out(tmp_path: Path) -> None:
    late = b"\xff\xff\xff\x7f\x90\x3c\x64\x10\x80\x3c\x40"
    (tmp_path / "long.mid").write_bytes(header() + track(NOTES[:-4], late))
    song = read_song(tmp_path / "long.mid")
    assert len(song.events) == 6 and song.seconds == 0.75
    assert "later than a day" in song.left_out[0]


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400), st.integers(0, 300))
def test_any_bytes_in_a_track_are_read_or_said(data: bytes, size: int) -> None:
    found = read_midi(header() + track(data, size=size) + track(NOTES))
    assert found is not None
    for events in found.tracks:
        ticks = [tick for tick, _ in events]
        assert ticks == sorted(ticks)


@pytest.fixture(scope="module")
def good_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("song")
    song_of(
        folder,
        [
            tempo(TEMPO_60),
            mido.MetaMessage("key_signature", key="C"),
            mido.MetaMessage("time_signature", numerator=3),
            mido.MetaMessage("smpte_offset", frame_rate=25),
            mido.MetaMessage("sequence_number", number=1),
            mido.Message("sysex", data=(1, 2)),
        ],
        [note("note_on", 60, 0), note("note_off", 60, 10)],
    )
    return folder / "song.mid"


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_damage_is_read_or_said(good_file: Path, data: st.DataObject) -> None:
    content = bytearray(good_file.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    damaged = good_file.with_name("damaged.mid")
    damaged.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    try:
        song = read_song(damaged)
    except SettingError as error:
        assert "\n" not in str(error)
    else:
        times = [seconds for seconds, _ in song.events]
        assert times == sorted(times) and times[-1] <= song.seconds
