"""Keeps a player connected: opens sessions, measures the way, and comes back when a server was lost."""

import asyncio
import time
from collections.abc import Callable

from netaudio.client.connection import Connection
from netaudio.client.library import Library
from netaudio.client.simulation import Simulation
from netaudio.config.kinds import Address
from netaudio.config.settings import ClientSettings, ResolvedSettings
from netaudio.errors import NetAudioError, RefusedError
from netaudio.player.link import Link
from netaudio.player.player import ClientPlayer
from netaudio.player.stream_figures import StreamFigures
from netaudio.units import Span
from netaudio.wire import control

PROBES = 8  # round trips that are awaited before audio begins
RETRY_SECONDS = 1.0
ECHO_SECONDS = 2.0  # to wait for the first replies
NO_AUDIO_SECONDS = 2.0
POLL_SECONDS = 0.01
NARROW = "L16"  # the payload for a narrow network

Say = Callable[[str], None]


class Network:
    """`open` and `enter` begin; `stay` goes on until cancelled."""

    def __init__(
        self, address: Address, token: str, payload: str, say: Say, simulation: Simulation | None = None
    ) -> None:
        self.address, self.token, self.payload, self.say = address, token, payload, say
        self._simulation = simulation
        self.connection: Connection | None = None
        self.turn = asyncio.Lock()  # of whoever loads instruments and asks the server for them
        self.link: Link | None = None  # of the session, or of the last one
        self._figures = StreamFigures()
        self.used: dict[str, None] = {}  # the instruments that were chosen, in order
        self._session = self._secret = ""
        self._running: asyncio.Task[str] | None = None
        self.buffer_size = self.aim = 0  # frames; the second is the slack that is aimed at
        self._anew = self._told = False  # a session is ended to begin another; the player knows of the narrow way
        self._joined: float | None = None  # when the stream was asked for
        self.gaps = 0  # times without a stream while one was wanted
        self.failure = ""  # why there is no session, as it was said

    async def open(self, chunk: int) -> control.Welcome:
        """Begin a session, in place of the last; raises RefusedError. Chunk 0: as the server has it."""
        hello = control.Hello(control.VERSION, chunk, self.payload, self.token, self._session, self._secret)
        self.connection = await Connection.open(self.address, hello, self._simulation)
        welcome = self.connection.welcome
        self._session, self._secret = welcome.session, welcome.secret
        return welcome

    def failed(self, error: Exception, silent: bool = False) -> None:
        """No session came about: say why, once until another reason or a session. `silent`: nothing sounds."""
        if str(error) != self.failure:
            self.failure = str(error)
            meanwhile = "without a sound till then" if silent else "playing what is held here"
            self.say(f"{error}; {meanwhile}, and trying again")

    def adopt(self, player: ClientPlayer, library: Library) -> None:
        """Whom sessions are for."""
        self._player, self._library = player, library
        player.wake = self._wake

    def _wake(self) -> None:
        """On the callback's thread: what it has to say goes out at once."""
        if connection := self.connection:
            connection.wake()

    async def enter(self, probes: int) -> None:
        """Open the session's UDP side and await round trips; says so if none come."""
        assert self.connection is not None
        player, library = self._player, self._library
        library.offered = list(self.connection.welcome.instruments)
        self.link = link = await self.connection.attach(player, self.aim, self._figures)

        def late(seq: int, delay: int) -> None:
            player.post(player.moved, seq, delay)

        self._running = asyncio.create_task(self.connection.run(late))
        uplink = link.uplink
        uplink.probing = True
        for _ in range(round(ECHO_SECONDS / POLL_SECONDS)):
            if uplink.probed >= probes or self._running.done():
                break
            await asyncio.sleep(POLL_SECONDS)
        uplink.probing = uplink.measuring = False
        if not uplink.probed:
            self.say(
                f"no answer from {self.address.host}, UDP port {self.connection.welcome.udp_port}: "
                "is it blocked by a firewall?"
            )

    def set_buffer_size(self, frames: int, aim: int) -> None:
        """BUFFER_SIZE, and the slack to aim at, from now on."""
        self.buffer_size, self.aim = frames, aim
        if self.link is not None:
            self.link.uplink.aim = aim

    def set_payload(self, payload: str) -> None:
        """The form of the sound on the wire; where there is a session, another takes its place."""
        self.payload, self._told = payload, False
        if self.connection is not None and not self._anew:
            self._anew = True
            self.connection.close()

    async def describe(self, name: str) -> None:
        """Have the server load an instrument, and compare; nothing while there is no session."""
        self.used[name] = None
        if self.connection is not None and self._library.served(name):
            description = await self.connection.select(self._library.number(name, streamed=True), name)
            if self._library.compare(description):
                await self.connection.select(self._library.number(name), name)

    def join(self) -> None:
        """Begin the stream."""
        assert self.connection is not None
        self._joined = time.monotonic()
        if self.link is not None:
            self.link.uplink.measuring = True
        welcome = self.connection.welcome
        self._player.post(self._player.join, welcome.chunk, welcome.polyphony)

    def watch(self, keys: bool) -> None:
        """Say so, once a session, when no audio comes, or not all of it. `keys`: the player can press P."""
        if self.connection is None or self.link is None or self._joined is None:
            return
        if self.link.receiver.bandwidth.narrow and not self._told:
            self._told = True
            share = f"only {100 * self.link.receiver.bandwidth.carried:.0f} % of the sound gets through"
            if self.payload == NARROW:
                self.say(f"{share}: the network is too narrow, or too bad, even for PAYLOAD {NARROW}")
            else:
                way = f"press P for PAYLOAD {NARROW}" if keys else f"start it with --payload {NARROW}"
                self.say(f"{share}: {way}, which needs a third less")
        if time.monotonic() - max(self._joined, self.link.receiver.last_audio or 0.0) > NO_AUDIO_SECONDS:
            self._joined = None
            self.say(
                f"no audio for {NO_AUDIO_SECONDS:.0f} s: is UDP port {self.connection.welcome.udp_port} "
                f"of {self.address.host} blocked by a firewall?"
            )

    async def stay(self, joined: Callable[[], None]) -> None:
        """Watch the session, and open new ones when it is lost; `joined` is called after each."""
        self.gaps += self.failure != ""
        while True:
            if self._running is not None:
                why = await self._running
                self.gaps += 1
                self._leave()
                if not self._anew:
                    self.say(f"lost the server: {why}")
            if not self._anew:
                await asyncio.sleep(RETRY_SECONDS)
            self._anew = False
            try:
                await self._come_back()
                self.failure = ""
                joined()
                self.say(f"connected to {self.address}, {self.payload}")
            except (NetAudioError, OSError) as error:
                self.failed(error, self._player.mode == "remote")
                self._leave()

    async def _come_back(self) -> None:
        welcome = await self.open(self._player.rings.remote.chunk)
        if welcome.rate != self._player.rate:
            raise RefusedError(
                f"the server plays at {welcome.rate} Hz, this client at {self._player.rate}: start the client again"
            )
        await self.enter(PROBES)
        async with self.turn:
            for name in list(self.used):
                await self.describe(name)
        self.join()

    def _leave(self) -> None:
        self._joined = None
        self._player.post(self._player.leave)
        if self.connection is not None:
            self.connection.close()
        self.connection = self._running = None

    async def close(self) -> None:
        if self._running is not None and self.connection is not None:
            self.connection.flush()
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)


def settled(settings: ClientSettings, welcome: control.Welcome) -> ResolvedSettings:
    """A client's settings, with their gaps filled by what the server offers."""
    return settings.offered(
        mode=welcome.mode,
        offset=Span.parse(welcome.offset),
        buffer_size=Span.parse(welcome.buffer_size),
        instrument=welcome.instrument,
        chunk_size=welcome.chunk,
    )
