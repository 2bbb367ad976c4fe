"""MIDI files as songs: channel messages in seconds."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from netaudio import midi
from netaudio.errors import SettingError
from netaudio.readers.midi_events import Event, read_midi

LONGEST_SECONDS = 24 * 3600.0
"""Of a song: what comes later is left out."""
MOST_BYTES = 1 << 26
"""Of a file that are read."""
_TEMPO = 500_000  # microseconds per beat until the file says otherwise
_BEAT, _FRAME = 480, 40  # ticks to a beat, and to a film frame, where the file says 0
_FILM_RATES = {24: 24.0, 25: 25.0, 29: 29.97, 30: 30.0}


@dataclass(frozen=True)
class Song:
    """Channel messages by time, in seconds from the first tick; the length; what is not played, in lines."""

    events: tuple[tuple[float, bytes], ...]
    seconds: float
    left_out: tuple[str, ...]


def read_song(path: str | Path) -> Song:
    """Reads all that can be read of a MIDI file of type 0, 1, or 2 (one track after the other); raises SettingError
    if there is no note in it.

    Channel 10 is left out: its notes mean drums, not pitches.
    """
    data = _content(path)
    found = read_midi(data)
    if found is None:
        said = "it is empty or cut short" if data[:4] in (b"", b"MThd") else "it has no MIDI header"
        raise SettingError(f"{path}: this is not a MIDI file that can be read: {said}")
    skipped = found.skipped
    if len(data) == MOST_BYTES:
        skipped[f"all but its first {MOST_BYTES >> 20} MB"] = 1
    events: list[tuple[float, bytes]] = []
    begin, drums = 0.0, 0
    for tracks in [[track] for track in found.tracks] if found.kind == 2 else [found.tracks]:
        end = begin
        for seconds, message in _timed(tracks, found.division, skipped):
            if begin + seconds > LONGEST_SECONDS:
                skipped["all that comes later than a day"] = 1
                break
            end = begin + seconds
            data = midi.playable(message) or b""
            if data and midi.channel(data) == midi.DRUMS:
                drums += midi.begins_note(data)
            elif data:
                events.append((end, data))
        begin = end
    left_out = [f"skipped in the MIDI file, or put right: {_listed(skipped)}"] if skipped else []
    if drums:
        left_out.append(f"channel 10 (drums): {drums} note{'s' * (drums != 1)} left out")
    if not any(midi.begins_note(data) for _, data in events):
        raise SettingError("; ".join([f"{path}: there is nothing to play in this file", *left_out]))
    return Song(tuple(events), begin, tuple(left_out))


def _content(path: str | Path) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(MOST_BYTES)
    except FileNotFoundError as error:
        raise SettingError(f"{path}: there is no such file") from error
    except PermissionError as error:
        raise SettingError(f"{path}: you may not read this file") from error
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise SettingError(f"{path}: this is not a MIDI file that can be read: {why}") from error


def _listed(skipped: Counter[str]) -> str:
    """In words, each with how often; of bytes how many."""
    return ", ".join(
        f"{count} {what}" if what.startswith("bytes") else what if count == 1 else f"{what} ({count} times)"
        for what, count in skipped.items()
    )


def _timed(tracks: list[list[Event]], division: int, skipped: Counter[str]) -> Iterator[tuple[float, bytes]]:
    """All messages of the tracks in order, with their seconds under all the tempos."""
    events = [event for track in tracks for event in track]
    events.sort(key=lambda event: event[0])
    seconds, last = 0.0, 0
    tick_seconds = _tick_seconds(division, _TEMPO, skipped)
    for tick, message in events:
        seconds += (tick - last) * tick_seconds
        last = tick
        if isinstance(message, int):
            tick_seconds = _tick_seconds(division, message, skipped)
        else:
            yield seconds, message


def _tick_seconds(division: int, tempo: int, skipped: Counter[str]) -> float:
    """A tick's length: a part of a beat, or, of a negative division, of a film frame, whatever the tempo."""
    if division > 0:
        return tempo / 1e6 / division
    rate, ticks = -(division >> 8), division & 0xFF
    if not ticks:
        ticks = _FRAME if division else _BEAT
        skipped[f"no ticks to a {'film frame' if division else 'beat'}, taken as {ticks}"] = 1
    if not division:
        return tempo / 1e6 / ticks
    if rate not in _FILM_RATES:
        skipped[f"{rate} film frames a second"] = 1
    return 1 / (_FILM_RATES.get(rate, float(rate)) * ticks)
