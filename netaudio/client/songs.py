"""A MIDI file's events as the player takes them, and when they begin."""

import asyncio
from collections.abc import Callable, Sequence

from netaudio import midi
from netaudio.client.connector import Connector
from netaudio.player.player import ClientPlayer
from netaudio.readers.midi_files import Song
from netaudio.sampler.voices import shapes_sound
from netaudio.units import to_frames

SETTLE_SECONDS, PATIENCE_SECONDS = 0.3, 2.0  # of audio before a song begins, and to wait for that at most
POLL_SECONDS = 0.02


def song_instruments(song: Song, names: Sequence[str]) -> list[str]:
    """Those that its program changes choose: by their numbers in the list, from 0."""
    wanted = {message[1] for _, message in song.events if midi.kind(message) == midi.PROGRAM_CHANGE}
    return [name for number, name in enumerate(names) if number in wanted]


def song_events(
    song: Song, rate: int, names: Sequence[str], program: Callable[[str], int]
) -> list[tuple[int, bytes]]:
    """(frame, message) of all that shapes sound, and in the end what lets go of everything. `program` gives an
    instrument's number here; program changes beyond the list are left out."""
    events = []
    for time, message in song.events:
        if midi.kind(message) == midi.PROGRAM_CHANGE:
            if message[1] >= len(names):
                continue
            message = midi.program_change(midi.channel(message), program(names[message[1]]))
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
