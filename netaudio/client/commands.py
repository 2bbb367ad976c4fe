"""What keys and MIDI program changes ask for."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from netaudio import midi
from netaudio.client.autotune import Auto
from netaudio.client.connector import NARROW, Say
from netaudio.client.setup import Setup
from netaudio.client.tasks import Tasks
from netaudio.modes import Mode
from netaudio.sampler.voices import shapes_sound
from netaudio.units import to_frames

MODES: tuple[Mode, ...] = ("hybrid", "local", "remote")  # in the order of the M key
OFFSET_STEP, VOLUME_STEP = 0.005, 1.0  # seconds, dB


class Commands:
    """`push` and `ask` from any thread. One change comes after the other, in the order of the keys: they load, and
    ask the server."""

    def __init__(self, setup: Setup, auto: Auto, tasks: Tasks, say: Say) -> None:
        self.volume, self.instrument = setup.settings.volume, setup.settings.instrument
        self.quit = asyncio.Event()
        self._held = setup.settings.held
        self._player, self._library, self._connector = setup.player, setup.library, setup.connector
        self._auto, self._tasks, self._say = auto, tasks, say
        self._loop = asyncio.get_running_loop()
        self._set_volume()

    @property
    def mode(self) -> Mode:
        return self._connector.mode

    def push(self, time: float, message: bytes, coarse: bool) -> None:
        """What a key did: everything live is played on channel 1."""
        if midi.kind(message) == midi.PROGRAM_CHANGE:
            self.ask("instrument", message[1])
        elif shapes_sound(message):
            self._player.push(time, midi.on_channel(0, message), coarse)

    def ask(self, command: str, value: int) -> None:
        self._loop.call_soon_threadsafe(self._obey, command, value)

    def stay_connected(self) -> None:
        """Begin the stream, and have it come back whenever it is lost."""
        self._connector.online = True
        if self._connector.connection:
            self._connector.join()
        self._tasks.begin(self._connector.stay(self._set_program))

    async def _have(self, name: str, mode: Mode) -> None:
        """Load an instrument as a mode needs it, and have the server know it; raises NetAudioError."""
        await self._connector.have(name, None if mode == "local" else self._held, self._auto.reach)

    def _obey(self, command: str, value: int) -> None:
        if command == "quit":
            self.quit.set()
        elif command == "volume":
            self.volume = min(max(self.volume + value * VOLUME_STEP, -60.0), 12.0)
            self._set_volume()
        elif command == "payload":
            self._connector.set_payload(NARROW if self._connector.payload != NARROW else "L24")
        elif command == "mode":
            self._tasks.begin(self._in_turn(self._change_mode))
        elif command == "offset":
            self._tasks.begin(self._in_turn(self._change_offset, value * to_frames(OFFSET_STEP, self._player.rate)))
        elif command == "instrument":
            self._tasks.begin(self._in_turn(self._change_instrument, value))

    async def _in_turn(self, change: Callable[..., Coroutine[Any, Any, None]], *args: Any) -> None:
        async with self._connector.turn:
            await change(*args)

    def _set_volume(self) -> None:
        self._player.post(self._player.set_volume, 10 ** (self.volume / 20))

    async def _change_mode(self) -> None:
        mode = MODES[(MODES.index(self.mode) + 1) % len(MODES)]
        reads = mode == "local" and not self._library.whole(self.instrument)
        if reads:
            self._say(f"local: reading all of {self.instrument}")
        await self._have(self.instrument, mode)
        if reads:
            self._say(f"local: all of {self.instrument} is read")
        self._library.program(self.instrument, mode)
        self._connector.set_mode(mode)
        self._player.post(self._player.set_mode, mode, self._auto.offset)
        self._set_program()
        if mode != "local" and not self._connector.online:
            self.stay_connected()

    async def _change_offset(self, step: int) -> None:
        """The player's own choice, which ends auto; more is held where that takes it."""
        offset = max(0, self._auto.offset + step)
        if self._auto.hold(offset):
            for name in list(self._connector.used):
                await self._have(name, self.mode)
        self._auto.fix(offset, self.mode)

    async def _change_instrument(self, place: int) -> None:
        name = self._library.at(place)
        await self._have(name, self.mode)
        self._library.program(name, self.mode)
        self.instrument = name
        self._set_program()

    def _set_program(self) -> None:
        program = self._library.program(self.instrument, self.mode)
        if program != self._player.score.channels[0].program:
            self._player.push(self._loop.time(), midi.program_change(0, program))
