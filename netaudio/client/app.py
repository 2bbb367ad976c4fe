"""The client: joins inputs, player, sound device and server, and keeps playing whatever becomes of them."""

import argparse
import asyncio
import dataclasses
import signal
import time
from pathlib import Path

from netaudio.audio.backends import need_output
from netaudio.audio.failover import FailoverOutput, open_failover
from netaudio.audio.recorder import Recorder
from netaudio.client.autotune import Auto, measure
from netaudio.client.commands import Commands
from netaudio.client.connector import Say
from netaudio.client.setup import Setup, greet, set_up
from netaudio.client.simulation import Simulation
from netaudio.client.songs import song_events, song_instruments, steady, without_first_programs
from netaudio.client.status import late_notes, status
from netaudio.client.tasks import Tasks
from netaudio.config.settings import ClientSettings
from netaudio.errors import NetAudioError, RefusedError
from netaudio.inputs.sources import Inputs
from netaudio.process import Progress
from netaudio.readers.midi_files import Song
from netaudio.realtime import prepare_interpreter
from netaudio.screen.history import History
from netaudio.screen.live import Screen
from netaudio.screen.report import Report, report
from netaudio.screen.view import Status

POLL_SECONDS = 0.02
SHOW_SECONDS = 0.1
# Within which the callback has the interpreter: a fifth of a block, at most so long. Who waits wakes up as often: at
# a tenth of it, with five clients on two CPUs, the server had 3 to 10 times as many late chunks.
SWITCH_SECONDS = 5e-4
FADE_SECONDS = 0.05  # from Esc to silence
ENDS = signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)  # the last: a closed terminal


class Client:
    """`prepare` one, then `run` it until Esc, Ctrl-C or the song's end."""

    def __init__(
        self,
        setup: Setup,
        auto: Auto,
        output: FailoverOutput,
        inputs: Inputs,
        recording: str | None,
        flags: argparse.Namespace,
        screen: Screen,
        song: Song | None,
    ) -> None:
        """`run` opens the inputs. Raises SettingError if it cannot write the recording."""
        self.player, self.auto, self.output, self.history = setup.player, auto, output, History()
        self._setup, self._inputs = setup, inputs
        self._flags, self._screen, self._song = flags, screen, song
        self._recording = recording
        self._recorder = Recorder(Path(recording), setup.player) if recording else None
        self._tasks = Tasks(screen.say)
        self.commands = Commands(setup, auto, self._tasks, screen.say)

    @classmethod
    async def prepare(
        cls, settings: ClientSettings, flags: argparse.Namespace, screen: Screen, song: Song | None
    ) -> "Client":
        """Ask the server, make the player, load the instrument and open the sound; raises NetAudioError."""
        say = screen.say
        simulation = Simulation(settings.simulate) if settings.simulate else None
        if simulation:
            say("SIMULATE: this client makes its network worse on purpose")
        chosen: str | None = getattr(flags, "instrument", None)
        if song and flags.play and chosen:
            song = without_first_programs(song, chosen)
        for line in song.left_out if song else ():
            say(line)
        even_null = song is not None and not settings.device
        if not even_null:
            need_output(settings.device)  # before a server gives us a place
        greeting = refusal = None
        if settings.mode != "local":
            try:
                greeting = await greet(settings, simulation)
            except RefusedError as error:
                if settings.mode == "remote":
                    raise
                refusal = error
        setup = set_up(settings, greeting, simulation, say)
        if refusal:
            setup.connector.failed(refusal)
        player = setup.player
        await measure(setup.settings, setup.connector, greeting, player.rate)
        auto = Auto(setup.settings, player, setup.connector, setup.library, say)
        setup = await _with_instruments(setup, auto, settings.instrument is not None, song)
        inputs = Inputs()
        output = open_failover(
            settings.device, player.rate, setup.settings.chunk_size, player.render, say,
            inputs.jack_is_away, even_null=even_null, skew=flags.skew,
        )  # fmt: skip
        return cls(setup, auto, output, inputs, _recording(flags, output.name, say), flags, screen, song)

    async def run(self) -> None:
        for number in ENDS:
            signal.signal(number, lambda *_: self.commands.ask("quit", 0))
        prepare_interpreter(min(SWITCH_SECONDS, self._setup.settings.chunk_size / self.player.rate / 5))
        try:
            await self._begin()
            while self._going_on():
                await asyncio.sleep(POLL_SECONDS)
        finally:
            await self._end()
            signal.signal(signal.SIGINT, signal.default_int_handler)
            for number in ENDS[1:]:
                signal.signal(number, signal.SIG_DFL)

    async def _begin(self) -> None:
        connector = self._setup.connector
        if not self._song:
            self._inputs.open(  # before the stream: this can hold up the loop for half a second
                self.commands.push, self.commands.ask, self._screen.say, self._setup.settings.midi_in,
                not self._flags.no_keys,
            )  # fmt: skip
        self.output.start()
        self._tasks.begin(self._show())
        if connector.online:
            self.commands.stay_connected()
        if self._song:
            await steady(self.player, connector)
            await self._begin_song(self._song)
        if self._recorder:
            self._recorder.start(self.player.song_start or 0)

    async def _begin_song(self, song: Song) -> None:
        library, mode = self._setup.library, self.commands.mode
        events = song_events(song, self.player.rate, library.names, lambda name: library.program(name, mode))
        self.player.post(self.player.play, events)
        while self.player.song_start is None and self.output.alive:
            await asyncio.sleep(POLL_SECONDS)

    def _going_on(self) -> bool:
        if self.output.error is not None:
            raise NetAudioError(f"the sound stopped: {self.output.error!r}") from self.output.error
        now = time.monotonic()
        self._setup.connector.watch(keys=self._inputs.octave is not None)
        self.auto.follow(now, self.commands.mode)
        self.auto.warn(now, late_notes(self.player))
        return not self.commands.quit.is_set() and self.player.song_end is None

    async def _end(self) -> None:
        self._inputs.release_all()
        if self.player.song_end is None and self.output.alive:
            self.player.post(self.player.set_volume, 0.0)
            await asyncio.sleep(FADE_SECONDS)
        self.output.stop()
        self._inputs.close()
        if self._recorder:
            self._recorder.stop(self.player.song_end or self.player.position)
            if self._recorder.error:
                self._screen.say(self._recorder.error)
        self._tasks.cancel()
        await self._setup.connector.close()

    async def _show(self) -> None:
        while True:
            shown = self.status()
            self.history.look(shown, self.player, self._setup.connector.link)
            self._screen.show(shown)
            await asyncio.sleep(SHOW_SECONDS)

    def status(self) -> Status:
        """What there is to show. For the event loop."""
        setup = self._setup
        return status(
            setup.player, setup.library, setup.connector, self.auto, self.commands, self.output, self._inputs.octave,
            self._song,
        )  # fmt: skip

    def figures(self) -> Report:
        """For the report and the summary."""
        connector, held = self._setup.connector, self._setup.library.held
        return report(
            self.player, connector.figures, held, connector.buffer_size, self.auto.changes,
            block_size=self.output.block, callback_ms=self.output.times.summary(), xruns=self.output.xruns,
            device_losses=self.output.losses, auto=sorted(self.auto.follows), stream_gaps=connector.gaps,
            recording=self._recording, history=self.history,
        )  # fmt: skip


async def _with_instruments(setup: Setup, auto: Auto, chosen: bool, song: Song | None) -> Setup:
    """Load what is played first; where the player has chosen none, it is the first if the proposed is not there."""
    library, wanted, mode = setup.library, setup.settings.instrument, setup.settings.mode
    if not chosen and wanted not in library.names and library.names:
        wanted = library.names[0]
    instrument, held = library.find(wanted), None if mode == "local" else setup.settings.held
    for name in [instrument, *(song_instruments(song, library.names) if song else ())]:
        await setup.connector.have(name, held, auto.reach, Progress())
    for channel in setup.player.score.channels:
        channel.program = library.program(instrument, mode)
    return dataclasses.replace(setup, settings=dataclasses.replace(setup.settings, instrument=instrument))


def _recording(flags: argparse.Namespace, output: str, say: Say) -> str | None:
    """The file to record into, if any."""
    recording: str | None = flags.record
    if not recording and flags.demo and output == "null":
        recording = "demo.wav"
        say("no sound device: the demo is written to demo.wav")
    if recording and Path(recording).exists():
        say(f"{recording} is replaced")
    return recording
