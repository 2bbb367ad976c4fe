"""What there is to show of a client, as values."""

import math
import time
from typing import TYPE_CHECKING

import numpy as np

from netaudio.sampler.instrument import ENDLESS
from netaudio.sampler.voice import Voice
from netaudio.screen.view import Status
from netaudio.statistics import quantile
from netaudio.units import to_ms

if TYPE_CHECKING:
    from netaudio.client.app import Client

LEVEL_SECONDS = 0.1
RECENT_TRIPS = 20  # a second's
SILENCE = -120.0  # dBFS


def status(client: "Client") -> Status:
    """What there is to show of a client that has been prepared. For its own event loop."""
    player, network, rate = client.player, client.network, client.player.rate
    now, tally = time.monotonic(), player.knit.tally
    connected, count = network.connection is not None, network.link.figures.packets if network.link else None
    link = network.link if connected else None
    slack = link.receiver.slacks.lowest(now) if link else None
    margin = tally.margins[-1] if tally.margins and connected and client.mode == "hybrid" else None
    sounding = [voice for voice in player.sounding() if _is_heard(voice, player.position, player.linked)]
    names, song = client.library.names, None
    if client.song and player.song_start is not None:
        song = (player.position - player.song_start) / rate, client.song.seconds
    trips = link.figures.round_trips if link and link.figures.round_trips.count else None
    return Status(
        seconds=now,
        mode=client.mode,
        instrument=client.instrument,
        number=names.index(client.instrument) + 1 if client.instrument in names else 0,
        server=str(network.address) if client.online else "",
        connected=connected,
        notes=tuple({v.key: _head_share(v, player.position, player.linked) for v in sounding}.items()),
        voices=len(sounding),
        polyphony=player.score.polyphony,
        level=_level(client),
        clipped=player.clipped,
        volume_db=client.volume,
        offset_ms=to_ms(client.auto.offset, rate),
        held_ms=to_ms(client.auto.held, rate),
        chunk_ms=to_ms(client.chunk, rate),
        buffer_ms=to_ms(network.buffer_size, rate),
        aim_ms=to_ms(network.aim, rate),
        round_trip_ms=1000 * quantile(trips.newest(RECENT_TRIPS), 0.5) if trips else None,
        jitter_ms=1000 * trips.jitter if trips else None,
        slack_ms=to_ms(slack, rate) if slack is not None else None,
        margin_ms=to_ms(margin, rate) if margin is not None else None,
        xruns=client.speaker.xruns,
        soundless=client.speaker.away,
        missing_ms=to_ms(tally.missing, rate),
        lost=max(0, count.lost) if count else 0,
        recovered=count.recovered if count else 0,
        late=count.late if count else 0,
        late_notes=client.late_notes,
        song=song,
        hint=client.auto.hint,
        trouble=client.network.failure,
        octave=client.octave,
        pedal=any(channel.pedal for channel in player.score.channels),
    )


def _is_heard(voice: Voice, position: int, linked: bool) -> bool:
    """Whether a voice that sounds has someone who plays it: the server, or this side as far as it is held."""
    return (linked and voice.cut < ENDLESS) or (voice.cut > 0 and voice.age(position) < voice.sample.held)


def _head_share(voice: Voice, position: int, linked: bool) -> float | None:
    """Which share of what sounded of it so far came from here; None: all of it."""
    if voice.cut >= ENDLESS or (voice.cut and not linked):
        return None
    return min(1.0, voice.cut / max(1, voice.age(position)))


def _level(client: "Client") -> float:
    """dBFS: the peak of what went out lately."""
    player = client.player
    count = round(LEVEL_SECONDS * player.rate)
    peak = float(np.abs(player.rings.merged.read(player.position - count, count)).max(initial=0.0))
    return max(SILENCE, 20 * math.log10(peak)) if peak else SILENCE
