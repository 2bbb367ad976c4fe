"""MIDI files as songs: channel messages in seconds."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from netaudio import midi
from netaudio.errors import SettingError

_TEMPO = 500_000  # microseconds per beat until the file says otherwise


@dataclass(frozen=True)
class Song:
    """Channel messages by time, in seconds from the first tick; the length; what is not played, in lines."""

    events: tuple[tuple[float, bytes], ...]
    seconds: float
    left_out: tuple[str, ...]


def read_song(path: str | Path) -> Song:
    """Reads a MIDI file of type 0, 1, or 2 (one track after the other); raises SettingError.

    Channel 10 is left out: its notes mean drums, not pitches.
    """
    events: list[tuple[float, bytes]] = []
    begin, drums = 0.0, 0
    for tracks, division in _parts(path):
        end = 0.0
        for seconds, message in _timed(tracks, division):
            end = max(end, seconds)
            data = None if message.is_meta else midi.playable(bytes(message.bytes()))
            if data is None:
                continue
            if midi.channel(data) == midi.DRUMS:
                drums += midi.begins_note(data)
            else:
                events.append((begin + seconds, data))
        begin += end
    left_out = f"channel 10 (drums): {drums} note{'s' * (drums != 1)} left out"
    if not any(midi.begins_note(data) for _, data in events):
        raise SettingError(f"{path}: there is nothing to play in this file" + f"; {left_out}" * bool(drums))
    return Song(tuple(events), begin, (left_out,) if drums else ())


def _parts(path: str | Path) -> Iterator[tuple[list[Any], int]]:
    """The sets of tracks that sound together, one set after the other, and the file's time division."""
    import mido
    from mido import KeySignatureError

    try:
        with open(path, "rb") as file:
            song = mido.MidiFile(file=file, clip=True)
    except EOFError as error:
        raise SettingError(f"{path}: this MIDI file is empty or cut short") from error
    except FileNotFoundError as error:
        raise SettingError(f"{path}: there is no such file") from error
    except PermissionError as error:
        raise SettingError(f"{path}: you may not read this file") from error
    except (OSError, ValueError, LookupError, TypeError, KeySignatureError) as error:
        damaged = "a message in it is damaged" if isinstance(error, LookupError) else error
        why = getattr(error, "strerror", None) or damaged
        raise SettingError(f"{path}: this is not a MIDI file that can be read: {why}") from error
    if song.ticks_per_beat == 0:
        raise SettingError(f"{path}: this MIDI file gives no length to its beats")
    for tracks in [[track] for track in song.tracks] if song.type == 2 else [song.tracks]:
        yield tracks, song.ticks_per_beat


def _timed(tracks: list[Any], division: int) -> Iterator[tuple[float, Any]]:
    """All messages of the tracks in order, with their seconds under all the tempos."""
    ticks: list[tuple[int, Any]] = []
    for track in tracks:
        tick = 0
        for message in track:
            tick += message.time
            ticks.append((tick, message))
    ticks.sort(key=lambda item: item[0])
    seconds, last = 0.0, 0
    tick_seconds = _tick_seconds(division, _TEMPO)
    for tick, message in ticks:
        seconds += (tick - last) * tick_seconds
        last = tick
        if message.type == "set_tempo":
            tick_seconds = _tick_seconds(division, message.tempo)
        yield seconds, message


def _tick_seconds(division: int, tempo: int) -> float:
    """A tick's length: a part of a beat, or, of a negative division, of a film frame, whatever the tempo."""
    if division > 0:
        return tempo / 1e6 / division
    rate, ticks = -(division >> 8), division & 0xFF
    return 1 / ((29.97 if rate == 29 else rate) * max(1, ticks))
