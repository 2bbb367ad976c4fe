"""What there is to show of a client, as values."""

import math
import time

import numpy as np

from netaudio.audio.failover import FailoverOutput
from netaudio.client.autotune import Auto
from netaudio.client.commands import Commands
from netaudio.client.connector import Connector
from netaudio.client.library import Library
from netaudio.player.player import ClientPlayer
from netaudio.player.rings import Ring
from netaudio.readers.midi_files import Song
from netaudio.sampler.layout import ENDLESS
from netaudio.sampler.voice import Voice
from netaudio.screen.view import Status
from netaudio.statistics import quantile
from netaudio.units import to_ms

LEVEL_SECONDS = 0.1
RECENT_TRIPS = 20  # a second's
SILENCE = -120.0  # dBFS


def status(
    player: ClientPlayer,
    library: Library,
    connector: Connector,
    auto: Auto,
    commands: Commands,
    output: FailoverOutput,
    octave: int | None,
    song: Song | None,
) -> Status:
    """For the event loop. `octave` is the one that the computer keys play, if they do."""
    now, rate, tally = time.monotonic(), player.rate, player.knit.tally
    connected, packets = connector.connection is not None, connector.figures.packets
    link = connector.link if connected else None
    slack = link.receiver.slacks.lowest(now) if link else None
    margin = tally.margins[-1] if tally.margins and connected and commands.mode == "hybrid" else None
    sounding = [voice for voice in player.sounding() if _is_heard(player, voice)]
    names, instrument, played = library.names, commands.instrument, None
    if song and player.song_start is not None:
        played = (player.position - player.song_start) / rate, song.seconds
    trips = connector.figures.round_trips if connected and connector.figures.round_trips.count else None
    return Status(
        seconds=now,
        mode=commands.mode,
        instrument=instrument,
        number=names.index(instrument) + 1 if instrument in names else 0,
        server=str(connector.address) if connector.online else "",
        connected=connected,
        notes=tuple({v.key: _head_share(v, player.position, player.linked) for v in sounding}.items()),
        voices=len(sounding),
        polyphony=player.score.polyphony,
        level=_level(player),
        clipped=player.clipped,
        volume_db=commands.volume,
        offset_ms=to_ms(auto.offset, rate),
        held_ms=None if library.held is None else to_ms(library.held, rate),
        chunk_ms=to_ms(player.chunk, rate),
        buffer_ms=to_ms(connector.buffer_size, rate),
        aim_ms=to_ms(connector.aim, rate),
        round_trip_ms=1000 * quantile(trips.newest(RECENT_TRIPS), 0.5) if trips else None,
        jitter_ms=1000 * trips.jitter if trips else None,
        slack_ms=to_ms(slack, rate) if slack is not None else None,
        margin_ms=to_ms(margin, rate) if margin is not None else None,
        xruns=output.xruns,
        soundless=output.away,
        here=_peak(player, player.rings.local) > 0,
        streamed=_is_streamed(player),
        missing_ms=to_ms(tally.missing, rate),
        lost=max(0, packets.lost),
        recovered=packets.recovered,
        late=packets.late,
        late_notes=late_notes(player),
        song=played,
        hint=auto.hint,
        trouble=connector.failure,
        octave=octave,
        pedal=any(channel.pedal for channel in player.score.channels),
    )


def late_notes(player: ClientPlayer) -> int:
    """Remote notes that the server moved, and hybrid notes whose tail was not there at their cut."""
    return player.late_notes + player.knit.tally.late


def _is_heard(player: ClientPlayer, voice: Voice) -> bool:
    """Whether a voice that sounds has someone who plays it: the server, or this side as far as it is held."""
    region = voice.region
    here = region.whole or player.score.phase(voice, player.position) >> 32 < region.held
    return here or (player.linked and voice.cut < ENDLESS)


def _head_share(voice: Voice, position: int, linked: bool) -> float | None:
    """Which share of what sounded of it so far came from here; None: all of it."""
    if voice.cut >= ENDLESS or not linked:
        return None
    return min(1.0, voice.cut / max(1, voice.age(position)))


def _peak(player: ClientPlayer, ring: Ring) -> float:
    """Of what lately went into a ring."""
    count = round(LEVEL_SECONDS * player.rate)
    return float(np.abs(ring.read(player.position - count, count)).max(initial=0.0))


def _is_streamed(player: ClientPlayer) -> bool:
    """Whether the packet that plays about now has any sound."""
    packet = player.rings.remote.at(player.position)
    return packet is not None and bool(packet.frames.any())


def _level(player: ClientPlayer) -> float:
    """dBFS: the peak of what went out lately."""
    peak = _peak(player, player.rings.merged)
    return max(SILENCE, 20 * math.log10(peak)) if peak else SILENCE
