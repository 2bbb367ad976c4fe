"""What a client plays with, put together from its settings and a server's offer."""

from dataclasses import dataclass
from pathlib import Path

from netaudio.client.connection import Greeting
from netaudio.client.connector import Connector, Say
from netaudio.client.library import Library
from netaudio.client.simulation import Simulation
from netaudio.config.settings import ClientSettings, ResolvedSettings
from netaudio.player.player import ClientPlayer
from netaudio.sampler.bank import Bank
from netaudio.timing.latency_budget import stream_chunk
from netaudio.units import Span
from netaudio.wire import control

RATE, POLYPHONY = 48000, 32  # where no server says otherwise


@dataclass(frozen=True)
class Setup:
    """A player that is silent yet, and what it needs; the settings have no gaps."""

    settings: ResolvedSettings
    library: Library
    player: ClientPlayer
    connector: Connector


async def greet(settings: ClientSettings, simulation: Simulation | None) -> Greeting:
    """Open the first session; raises RefusedError."""
    hello = control.Hello(control.VERSION, settings.chunk_size or 0, settings.mode, settings.payload, settings.token)
    return await Greeting.exchange(settings.server, hello, simulation)


def set_up(settings: ClientSettings, greeting: Greeting | None, simulation: Simulation | None, say: Say) -> Setup:
    """Within a running event loop."""
    if greeting:
        welcome = greeting.welcome
        rate, polyphony, chunk = welcome.rate, welcome.polyphony, welcome.chunk
        settled = as_offered(settings, welcome)
    else:
        rate, polyphony, settled = RATE, POLYPHONY, settings.defaults()
        chunk = stream_chunk(settled.mode, settled.chunk_size)
    library = Library(Path(settled.wav), rate, Bank(), say)
    player = ClientPlayer(
        rate, chunk, polyphony, library.bank, library.instruments, library.streamed, settled.mode, 0
    )
    player.unserved = library.unserved
    return Setup(settled, library, player, Connector(settled, simulation, player, library, say))


def as_offered(settings: ClientSettings, welcome: control.Welcome) -> ResolvedSettings:
    """A client's settings, with their gaps filled by what the server offers."""
    return settings.offered(
        mode=welcome.mode,
        offset=Span.parse(welcome.offset),
        buffer_size=Span.parse(welcome.buffer_size),
        instrument=welcome.instrument,
        chunk_size=welcome.block,
    )
