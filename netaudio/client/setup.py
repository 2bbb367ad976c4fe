"""What a client plays with, put together from its settings and a server's offer."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path

from netaudio.client.connection import Greeting
from netaudio.client.connector import Connector, Say
from netaudio.client.library import Library
from netaudio.client.simulation import Simulation
from netaudio.config.settings import ClientSettings, ResolvedSettings
from netaudio.player.player import ClientPlayer
from netaudio.sampler.bank import Bank
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
    hello = control.Hello(control.VERSION, settings.chunk_size or 0, settings.payload, settings.token)
    return await Greeting.exchange(settings.server, hello, simulation)


def set_up(settings: ClientSettings, greeting: Greeting | None, simulation: Simulation | None, say: Say) -> Setup:
    """Within a running event loop."""
    rate, polyphony, settled = RATE, POLYPHONY, settings.defaults()
    if greeting:
        rate, polyphony = greeting.welcome.rate, greeting.welcome.polyphony
        settled = as_offered(settings, greeting.welcome)
    library = Library(Path(settled.wav), rate, Bank(), say)
    player = ClientPlayer(
        rate, settled.chunk_size, polyphony, library.bank, library.instruments, library.streamed, settled.mode, 0
    )
    player.unserved = library.unserved
    return Setup(settled, library, player, Connector(settings, simulation, player, library, say))


def as_offered(settings: ClientSettings, welcome: control.Welcome) -> ResolvedSettings:
    """A client's settings, with their gaps filled by what the server offers; the chunk is what it renders."""
    offered = settings.offered(
        mode=welcome.mode,
        offset=Span.parse(welcome.offset),
        buffer_size=Span.parse(welcome.buffer_size),
        instrument=welcome.instrument,
    )
    return dataclasses.replace(offered, chunk_size=welcome.chunk)
