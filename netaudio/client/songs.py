"""A MIDI file's events as the player takes them, and when they begin."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace

from netaudio import midi
from netaudio.client import general_midi
from netaudio.client.connector import Connector
from netaudio.player.player import ClientPlayer
from netaudio.readers.midi_files import Song
from netaudio.sampler.voices import shapes_sound
from netaudio.units import to_frames

SETTLE_SECONDS, PATIENCE_SECONDS = 0.3, 2.0  # of audio before a song begins, and to wait for that at most
POLL_SECONDS = 0.02


def chosen_by(program: int, names: Sequence[str]) -> str | None:
    """The instrument that a program means: of its General MIDI name, else of its number in the list, from 0."""
    return general_midi.meant(program, names) or (names[program] if program < len(names) else None)


def without_first_programs(song: Song, instrument: str) -> Song:
    """The song with a chosen instrument in place of the programs that channels are given before their first note; and
    a line that says so."""
    played: set[int] = set()
    events: list[tuple[float, bytes]] = []
    given: dict[int, int] = {}
    for time, message in song.events:
        channel = midi.channel(message)
        if midi.kind(message) == midi.PROGRAM_CHANGE and channel not in played:
            given[channel] = message[1]
            continue
        if midi.begins_note(message):
            played.add(channel)
        events.append((time, message))
    if not given:
        return song
    programs = ", ".join(f"{general_midi.NAMES[n]} ({n})" for n in dict.fromkeys(given[c] for c in sorted(given)))
    line = f"--instrument {instrument} plays what the file gives to {programs}: leave it out to follow the file"
    return replace(song, events=tuple(events), left_out=(*song.left_out, line))


def song_instruments(song: Song, names: Sequence[str]) -> list[str]:
    """Those that its program changes choose, in the order of the list."""
    programs = {message[1] for _, message in song.events if midi.kind(message) == midi.PROGRAM_CHANGE}
    wanted = {chosen_by(program, names) for program in programs}
    return [name for name in names if name in wanted]


def song_events(
    song: Song, rate: int, names: Sequence[str], program: Callable[[str], int]
) -> list[tuple[int, bytes]]:
    """(frame, message) of all that shapes sound, and in the end what lets go of everything. `program` gives an
    instrument's number here; program changes that choose none are left out."""
    events = []
    for time, message in song.events:
        if midi.kind(message) == midi.PROGRAM_CHANGE:
            name = chosen_by(message[1], names)
            if name is None:
                continue
            message = midi.program_change(midi.channel(message), program(name))
        if shapes_sound(message):
            events.append((to_frames(time, rate), message))
    end = to_frames(song.seconds, rate)
    for channel in sorted({midi.channel(message) for _, message in events}):
        events += [(end, midi.control_change(channel, number, 0)) for number in (midi.SUSTAIN, midi.ALL_NOTES_OFF)]
    return events


async def steady(player: ClientPlayer, connector: Connector) -> None:
    """Await a stream that has come for a while, where one is to come; not for long."""
    for _ in range(round(PATIENCE_SECONDS / POLL_SECONDS)):
        if connector.connection is None or player.mode == "local":
            break
        frames = connector.connection.link.receiver.payload.packet_frames(player.chunk)
        if connector.figures.packets.received * frames > SETTLE_SECONDS * player.rate:
            break
        await asyncio.sleep(POLL_SECONDS)
