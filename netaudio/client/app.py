"""The client: joins inputs, player, sound device and server, and keeps playing whatever becomes of them."""

import argparse
import asyncio
import dataclasses
import signal
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from netaudio.audio.failover import need_output, open_output
from netaudio.audio.recorder import Recorder
from netaudio.client.autotune import Auto
from netaudio.client.library import Library
from netaudio.client.reconnect import NARROW, Network, settled
from netaudio.client.simulation import Simulation
from netaudio.client.songs import song_events, song_instruments
from netaudio.client.status import status
from netaudio.config.settings import ClientSettings, ResolvedSettings
from netaudio.errors import NetAudioError, RefusedError
from netaudio.inputs.keyboard import Keys
from netaudio.inputs.midi_ports import MidiIn
from netaudio.inputs.sources import jack_is_away, open_inputs
from netaudio.modes import Mode
from netaudio.player.player import ClientPlayer
from netaudio.process import Progress
from netaudio.readers.midi_files import Song
from netaudio.realtime import prepare_interpreter
from netaudio.sampler.bank import Bank
from netaudio.sampler.voices import shapes_sound
from netaudio.screen.history import History
from netaudio.screen.live import Screen
from netaudio.screen.report import report
from netaudio.timing.latency_budget import MORE_HELD, least_held
from netaudio.units import to_frames

MODES: tuple[Mode, ...] = ("hybrid", "local", "remote")  # in the order of the M key
OFFSET_STEP, VOLUME_STEP = 0.005, 1.0  # seconds, dB
SETTLE_SECONDS, PATIENCE_SECONDS = 0.3, 2.0  # of audio before a song begins, and to wait for that at most
POLL_SECONDS = 0.02
SHOW_SECONDS = 0.1
# Within which the callback has the interpreter: a fifth of a block, at most so long. Who waits wakes up as often: at
# a tenth of it, with five clients on two CPUs, the server had 3 to 10 times as many late chunks.
SWITCH_SECONDS = 5e-4
FADE_SECONDS = 0.05  # from Esc to silence
ENDS = signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)  # the last: a closed terminal
RATE, POLYPHONY = 48000, 32  # where no server says otherwise


class Client:
    """`prepare`, then `run` until Esc, Ctrl-C or the song's end."""

    def __init__(
        self, settings: ClientSettings, flags: argparse.Namespace, screen: Screen, song: Song | None
    ) -> None:
        self.settings, self.flags, self.screen, self.song = settings, flags, screen, song
        simulation = Simulation(settings.simulate) if settings.simulate else None
        if simulation:
            screen.say("SIMULATE: this client makes its network worse on purpose")
        self.network = Network(settings.server, settings.token, settings.payload, screen.say, simulation)
        self.volume = settings.volume
        self.online = settings.mode != "local"
        self.history = History()
        self._inputs: list[Keys | MidiIn] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def prepare(self) -> None:
        """Ask the server, load the instrument, make the player and open the sound; raises NetAudioError."""
        self._loop, self._quit = asyncio.get_running_loop(), asyncio.Event()
        even_null = self.song is not None and not self.settings.device
        if not even_null:
            need_output(self.settings.device)  # before a server gives us a place
        settings = await self._settle()
        self.mode: Mode = settings.mode
        self.library = Library(Path(settings.wav), self.rate, Bank(), self.screen.say)
        self.player = ClientPlayer(
            self.rate, self.chunk, self.polyphony, self.library.bank, self.library.instruments,
            self.library.streamed, self.mode, 0,
        )  # fmt: skip
        self.player.unserved = self.library.unserved
        self.network.adopt(self.player, self.library)
        self._set_volume()
        self.auto = Auto(self.player, self.network, self.chunk, self.screen.say)
        await self.auto.measure(settings)
        if self.settings.instrument is None and settings.instrument not in self.library.names and self.library.names:
            settings = dataclasses.replace(settings, instrument=self.library.names[0])
        self.instrument = self.library.find(settings.instrument)
        for name in [self.instrument, *(song_instruments(self.song, self.library.names) if self.song else ())]:
            await self._have(name, self.mode, Progress())
        for channel in self.player.score.channels:
            channel.program = self.library.program(self.instrument, self.mode)
        self.speaker = open_output(
            settings.device, self.rate, self.chunk, self.player.render, self.screen.say,
            lambda away: jack_is_away(self._inputs, away), even_null=even_null, skew=self.flags.skew,
        )  # fmt: skip

    async def run(self) -> None:
        for number in ENDS:
            signal.signal(number, lambda *_: self.stop())
        recorder = self._open_recorder()
        prepare_interpreter(min(SWITCH_SECONDS, self.chunk / self.rate / 5))
        try:
            if not self.song:
                self._inputs = open_inputs(  # before the stream: this can hold up the loop for half a second
                    self._push, self._command, self.screen.say, self.settings.midi_in, not self.flags.no_keys
                )
            self.speaker.start()
            self._spawn(self._show())
            if self.online:
                self._stay_connected()
            if self.song:
                await self._begin_song(self.song)
            if recorder:
                recorder.start(self.player.song_start or 0)
            while self._going_on():
                await asyncio.sleep(POLL_SECONDS)
        finally:
            await self._finish(recorder)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            for number in ENDS[1:]:
                signal.signal(number, signal.SIG_DFL)

    async def _finish(self, recorder: Recorder | None) -> None:
        for opened in self._inputs:
            opened.let_go() if isinstance(opened, MidiIn) else opened.close()
        if self.player.song_end is None and self.speaker.alive:
            self.player.post(self.player.set_volume, 0.0)
            await asyncio.sleep(FADE_SECONDS)
        self.speaker.stop()
        for opened in self._inputs:
            opened.close()
        if recorder:
            recorder.stop(self.player.song_end or self.player.position)
            if recorder.error:
                self.screen.say(recorder.error)
        for task in list(self._tasks):
            task.cancel()
        await self.network.close()

    def _open_recorder(self) -> Recorder | None:
        self.recording: str | None = self.flags.record
        if not self.recording and self.flags.demo and self.speaker.name == "null":
            self.recording = "demo.wav"
            self.screen.say("no sound device: the demo is written to demo.wav")
        if self.recording and Path(self.recording).exists():
            self.screen.say(f"{self.recording} is replaced")
        return Recorder(Path(self.recording), self.player) if self.recording else None

    @property
    def late_notes(self) -> int:
        """Remote notes that the server moved, and hybrid notes whose tail was not there at their cut."""
        return self.player.late_notes + self.player.knit.tally.late

    @property
    def octave(self) -> int | None:
        """That the computer keys play, if they do."""
        return next((opened.octave for opened in self._inputs if not isinstance(opened, MidiIn)), None)

    def stop(self) -> None:
        """End `run`; from any thread."""
        self._loop.call_soon_threadsafe(self._quit.set)

    def figures(self) -> dict[str, Any]:
        held = None if self.mode == "local" else self.auto.held
        figures = report(self.player, self.network.link, held, self.network.buffer_size, self.auto.changes)
        return figures | self.speaker.figures() | {
            "auto": sorted(self.auto.follows), "stream_gaps": self.network.gaps, "recording": self.recording,
            "history": self.history.columns((self.player.song_start or 0) / self.rate),
        }  # fmt: skip

    async def _settle(self) -> ResolvedSettings:
        """What to play and how: our settings, the server's offer, the defaults."""
        self.rate, self.polyphony = RATE, POLYPHONY
        if self.online:
            try:
                welcome = await self.network.open(self.settings.chunk_size or 0)
            except RefusedError as error:
                if self.settings.mode == "remote":
                    raise
                self.network.failed(error)
            else:
                self.rate, self.chunk, self.polyphony = welcome.rate, welcome.chunk, welcome.polyphony
                return settled(self.settings, welcome)
        settings = self.settings.defaults()
        self.chunk = settings.chunk_size
        return settings

    async def _have(self, name: str, mode: Mode, progress: Progress | None = None) -> None:
        """Load an instrument as a mode needs it, and have the server know it; raises NetAudioError."""
        held = None if mode == "local" else self.auto.held
        await asyncio.to_thread(self.library.load, self.library.find(name), held, progress)
        if progress:
            progress.end()
        await self.network.describe(name)

    def _stay_connected(self) -> None:
        self.online = True
        if self.network.connection:
            self.network.join()
        self._spawn(self.network.stay(self._set_program))

    async def _begin_song(self, song: Song) -> None:
        """Await a steady stream for a while, then begin."""
        for _ in range(round(PATIENCE_SECONDS / POLL_SECONDS)):
            link = self.network.link
            if self.network.connection is None or self.mode == "local":
                break
            if link and link.figures.packets.received * self.chunk > SETTLE_SECONDS * self.rate:
                break
            await asyncio.sleep(POLL_SECONDS)
        events = song_events(song, self.rate, self.library.names, lambda name: self.library.program(name, self.mode))
        self.player.post(self.player.play, events)
        while self.player.song_start is None and self.speaker.alive:
            await asyncio.sleep(POLL_SECONDS)

    def _going_on(self) -> bool:
        if self.speaker.error is not None:
            raise NetAudioError(f"the sound stopped: {self.speaker.error!r}") from self.speaker.error
        self.network.watch(keys=self.octave is not None)
        self.auto.follow(self._loop.time(), self.mode)
        self.auto.warn(self._loop.time(), self.late_notes)
        return not self._quit.is_set() and self.player.song_end is None

    def _push(self, time: float, message: bytes, coarse: bool) -> None:
        """What a key did, on any thread: everything live is played on channel 1."""
        kind = message[0] & 0xF0
        if kind == 0xC0:
            self._command("instrument", message[1])
        elif shapes_sound(message):
            self.player.push(time, bytes((kind, *message[1:])), coarse)

    def _command(self, command: str, value: int) -> None:
        self._loop.call_soon_threadsafe(self._obey, command, value)

    def _obey(self, command: str, value: int) -> None:
        if command == "quit":
            self._quit.set()
        elif command == "volume":
            self.volume = min(max(self.volume + value * VOLUME_STEP, -60.0), 12.0)
            self._set_volume()
        elif command == "payload":
            self.network.set_payload(NARROW if self.network.payload != NARROW else "L24")
        elif command == "mode":
            self._spawn(self._in_turn(self._change_mode))
        elif command == "offset":
            self._spawn(self._in_turn(self._change_offset, value * to_frames(OFFSET_STEP, self.rate)))
        elif command == "instrument":
            self._spawn(self._in_turn(self._change_instrument, value))

    def _set_volume(self) -> None:
        self.player.post(self.player.set_volume, 10 ** (self.volume / 20))

    async def _in_turn(self, change: Callable[..., Coroutine[Any, Any, None]], *args: Any) -> None:
        """One change after the other, in the order of the keys: they load, and ask the server."""
        async with self.network.turn:
            await change(*args)

    async def _change_mode(self) -> None:
        mode = MODES[(MODES.index(self.mode) + 1) % len(MODES)]
        reads = mode == "local" and not self.library.whole(self.instrument)
        if reads:
            self.screen.say(f"local: reading all of {self.instrument}")
        await self._have(self.instrument, mode)
        if reads:
            self.screen.say(f"local: all of {self.instrument} is read")
        self.library.program(self.instrument, mode)
        self.mode = mode
        self.player.post(self.player.set_mode, mode, self.auto.offset)
        self._set_program()
        if mode != "local" and not self.online:
            self._stay_connected()

    async def _change_offset(self, step: int) -> None:
        """The player's own choice, which ends auto; more is held where that takes it."""
        offset = max(0, self.auto.offset + step)
        least = least_held(offset, self.rate, self.chunk)
        if self.auto.held < least:
            self.auto.held = least + to_frames(MORE_HELD, self.rate)
            for name in list(self.network.used):
                await self._have(name, self.mode)
        self.auto.fix(offset, self.mode)

    async def _change_instrument(self, place: int) -> None:
        name = self.library.at(place)
        await self._have(name, self.mode)
        self.library.program(name, self.mode)
        self.instrument = name
        self._set_program()

    def _set_program(self) -> None:
        program = self.library.program(self.instrument, self.mode)
        if program != self.player.score.channels[0].program:
            self.player.push(self._loop.time(), bytes((0xC0, program)))

    async def _show(self) -> None:
        while True:
            now = status(self)
            self.history.look(now, self.player, self.network.link)
            self.screen.show(now)
            await asyncio.sleep(SHOW_SECONDS)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        async def guarded() -> None:
            try:
                await work
            except NetAudioError as error:
                self.screen.say(str(error))

        task = asyncio.create_task(guarded())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
