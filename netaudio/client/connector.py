"""Keeps a player connected: enters sessions, measures the way, and comes back when a server was lost."""

import asyncio
import threading
import time
from collections.abc import Callable
from functools import partial
from queue import SimpleQueue

from netaudio.client.connection import Connection, Greeting
from netaudio.client.library import Library
from netaudio.client.simulation import Simulation
from netaudio.config.settings import ResolvedSettings
from netaudio.errors import NetAudioError, RefusedError
from netaudio.modes import Mode
from netaudio.player.link import Link
from netaudio.player.player import ClientPlayer
from netaudio.player.stream_figures import StreamFigures
from netaudio.process import Progress
from netaudio.timing.latency_budget import stream_chunk
from netaudio.units import Span
from netaudio.wire import control

PROBES = 8  # round trips that are awaited before audio begins
RETRY_SECONDS = 1.0
ECHO_SECONDS = 2.0  # to wait for the first replies
NO_AUDIO_SECONDS = 2.0
POLL_SECONDS = 0.01
NARROW = "L16"  # the payload for a narrow network

Say = Callable[[str], None]


class Connector:
    """`enter` the first session; `stay` goes on until cancelled."""

    def __init__(
        self,
        settings: ResolvedSettings,
        simulation: Simulation | None,
        player: ClientPlayer,
        library: Library,
        say: Say,
    ) -> None:
        self.address, self.payload = settings.server, settings.payload
        self.mode = settings.mode  # who plays, which shapes the stream
        self.online = settings.mode != "local"  # a server is wanted
        self.connection: Connection | None = None
        self.turn = asyncio.Lock()  # of whoever loads instruments and asks the server for them
        self.link: Link | None = None  # of the session, or of the last one
        self.figures = StreamFigures()
        self.used: dict[str, None] = {}  # the instruments that were chosen, in order
        self.buffer_size = self.aim = 0  # frames; the second is the slack that is aimed at
        self.gaps = 0  # times without a stream while one was wanted
        self.failure = ""  # why there is no session, as it was said
        self._token, self._block = settings.token, settings.chunk_size
        self._simulation, self._say = simulation, say
        self._player, self._library = player, library
        self._session = self._secret = ""
        self._running: asyncio.Task[str] | None = None
        self._entering = self._anew = False  # a session is begun; one is ended to begin another
        self._told = False  # the player knows of the narrow way
        self._joined: float | None = None  # when the stream was asked for
        self._wakes: SimpleQueue[bool] = SimpleQueue()
        player.wake = partial(self._wakes.put, True)
        self._waker = threading.Thread(target=self._wake, name="waker", daemon=True)
        self._waker.start()

    def _wake(self) -> None:
        """Have what the callback left go out at once, until False comes. To wake the event loop lets go of the
        interpreter's lock, which would cost the callback itself a switch interval; to put into a queue does not."""
        while self._wakes.get():
            if connection := self.connection:
                connection.wake()

    def failed(self, error: Exception, silent: bool = False) -> None:
        """No session came about: say why, once until another reason or a session. `silent`: nothing sounds."""
        if str(error) != self.failure:
            self.failure = str(error)
            meanwhile = "without a sound till then" if silent else "playing what is held here"
            self._say(f"{error}; {meanwhile}, and trying again")

    async def enter(self, greeting: Greeting, probes: int) -> None:
        """Open the session's UDP side and await round trips; says so if none come."""
        player, welcome = self._player, greeting.welcome
        self.online = True
        self._session, self._secret = welcome.session, welcome.secret
        self._library.offered = list(welcome.instruments)
        self.connection = connection = await Connection.open(greeting, player, self.aim, self.figures)
        self.link, uplink = connection.link, connection.link.uplink

        def late(seq: int, delay: int) -> None:
            player.post(player.moved, seq, delay)

        self._running = asyncio.create_task(connection.run(late))
        uplink.probing = True
        for _ in range(round(ECHO_SECONDS / POLL_SECONDS)):
            if uplink.probed >= probes or self._running.done():
                break
            await asyncio.sleep(POLL_SECONDS)
        uplink.probing = uplink.measuring = False
        if not uplink.probed:
            self._say(
                f"no answer from {self.address.host}, UDP port {welcome.udp_port}: is it blocked by a firewall?"
            )

    def set_buffer_size(self, frames: int, aim: int) -> None:
        """BUFFER_SIZE, and the slack to aim at, from now on."""
        self.buffer_size, self.aim = frames, aim
        if self.link is not None:
            self.link.uplink.aim = aim

    def set_payload(self, payload: str) -> None:
        """The form of the sound on the wire; where there is a session, another takes its place."""
        self.payload, self._told = payload, False
        self._renew()

    def set_mode(self, mode: Mode) -> None:
        """Who plays; where that asks for another chunk, another session takes this one's place."""
        before, self.mode = self._stream, mode
        if self._stream != before:
            self._renew()

    @property
    def _stream(self) -> tuple[str, int]:
        """What is wanted of a session: its payload and its chunk."""
        return self.payload, stream_chunk(self.mode, self._block)

    def _renew(self) -> None:
        if self.connection is not None and not self._anew and not self._entering:
            self._anew = True
            self.connection.close()

    async def have(self, name: str, held: Span | None, reach: int, progress: Progress | None = None) -> None:
        """Load as much of an instrument as Library.load says, and have the server know it; raises NetAudioError."""
        try:
            await asyncio.to_thread(self._library.load, self._library.find(name), held, reach, progress)
        finally:
            if progress:
                progress.end()
        await self._describe(name)

    async def _describe(self, name: str) -> None:
        """Have the server load an instrument, and compare; nothing while there is no session, or one that ends."""
        self.used[name] = None
        if self.connection is not None and not self._anew and self._library.served(name):
            description = await self.connection.select(self._library.number(name, streamed=True), name)
            if self._library.compare(description):
                await self.connection.select(self._library.number(name), name)

    def join(self) -> None:
        """Begin the stream."""
        assert self.connection is not None
        self._joined = time.monotonic()
        self.connection.link.uplink.measuring = True
        welcome = self.connection.welcome
        outbox = self.connection.link.uplink.outbox
        self._player.post(self._player.join, welcome.chunk, welcome.polyphony, outbox)

    def watch(self, keys: bool) -> None:
        """Say so, once a session, when no audio comes, or not all of it. `keys`: the player can press P."""
        if self.connection is None or self._joined is None:
            return
        receiver = self.connection.link.receiver
        if receiver.bandwidth.narrow and not self._told:
            self._told = True
            share = f"only {100 * receiver.bandwidth.carried:.0f} % of the sound gets through"
            if self.payload == NARROW:
                self._say(f"{share}: the network is too narrow, or too bad, even for PAYLOAD {NARROW}")
            else:
                way = f"press P for PAYLOAD {NARROW}" if keys else f"start it with --payload {NARROW}"
                self._say(f"{share}: {way}, which needs a third less")
        if time.monotonic() - max(self._joined, receiver.last_audio or 0.0) > NO_AUDIO_SECONDS:
            self._joined = None
            self._say(
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
                    self._say(f"lost the server: {why}")
            if not self._anew:
                await asyncio.sleep(RETRY_SECONDS)
            self._anew, self._entering, asked = False, True, self._stream
            try:
                await self._come_back()
                self.failure = ""
                joined()
                self._say(f"connected to {self.address}, {self.payload}")
            except (NetAudioError, OSError) as error:
                self.failed(error, self._player.mode == "remote")
                self._leave()
            finally:
                self._entering = False
            if self._stream != asked:  # by what was chosen meanwhile
                self._renew()

    async def _come_back(self) -> None:
        hello = control.Hello(
            control.VERSION, self._block, self.mode, self.payload, self._token, self._session, self._secret
        )
        greeting, rate = await Greeting.exchange(self.address, hello, self._simulation), self._player.rate
        if greeting.welcome.rate != rate:
            greeting.end()
            raise RefusedError(
                f"the server plays at {greeting.welcome.rate} Hz, this client at {rate}: start the client again"
            )
        await self.enter(greeting, PROBES)
        async with self.turn:
            for name in list(self.used):
                await self._describe(name)
        self.join()

    def _leave(self) -> None:
        self._joined = None
        self._player.post(self._player.leave)
        if self.connection is not None:
            self.connection.close()
        self.connection = self._running = None

    async def close(self) -> None:
        self._wakes.put(False)
        self._waker.join()
        if self._running is not None and self.connection is not None:
            self.connection.flush()
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)
