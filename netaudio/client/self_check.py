"""`client.py --check`: tries everything once, and says what is fine and how to mend what is not."""

import argparse
import asyncio
import os
import shutil
import textwrap
import time
from pathlib import Path
from typing import Literal

from netaudio.audio.devices import list_devices
from netaudio.audio.speaker import Speaker, open_speaker
from netaudio.client.app import POLYPHONY, RATE
from netaudio.client.autotune import DEFAULT_BUFFER_SIZE
from netaudio.client.library import Library
from netaudio.client.reconnect import PROBES, Network, settled
from netaudio.client.simulation import Simulation
from netaudio.config.settings import ClientSettings, ResolvedSettings
from netaudio.errors import DeviceError, NetAudioError
from netaudio.inputs.escape_codes import NO_KEY_UP
from netaudio.inputs.keyboard import open_keys
from netaudio.inputs.midi_ports import MidiIn, list_midi
from netaudio.inputs.tty import ANSWER_WAIT
from netaudio.player.link import Link
from netaudio.player.player import ClientPlayer
from netaudio.process import Progress
from netaudio.sampler.bank import Bank
from netaudio.timing.latency_budget import tuned
from netaudio.units import Span, to_ms
from netaudio.wire.control import Welcome

SOUND_SECONDS, WAY_SECONDS, POLL_SECONDS = 1.0, 5.0, 0.1
TOO_MANY_LOST = 0.05  # of the packets
_WHAT, _STATE = 12, 5  # columns

State = Literal["ok", "note", "mend"]


class Table:
    """A row for everything that was tried, printed as soon as it is known."""

    def __init__(self) -> None:
        self.states: list[State] = []
        self._width = shutil.get_terminal_size((100, 24)).columns

    def row(self, what: str, state: State, found: str) -> None:
        self.states.append(state)
        begin = f" {what:<{_WHAT}} {state.upper() if state == 'mend' else state:<{_STATE}} "
        room = max(self._width - len(begin) - 1, 30)
        print(
            begin
            + f"\n{'':<{len(begin)}}".join(
                textwrap.wrap(found, room, break_long_words=False, break_on_hyphens=False)
            ),
            flush=True,
        )

    def end(self) -> int:
        """The exit code, and what it means."""
        wrong = self.states.count("mend")
        print(f"\n {wrong} to mend" if wrong else "\n All is fine: python client.py", flush=True)
        return 1 if wrong else 0


def check(settings: ClientSettings, flags: argparse.Namespace) -> int:
    """Prints a table; 0 if nothing is to be mended, else 1."""
    table = Table()
    look_for_outputs(settings.device, table)
    played = look_for_midi(settings.midi_in, table)
    look_for_keys(played, not flags.no_keys, table)
    asyncio.run(_Session(settings, table).run())
    return table.end()


def look_for_outputs(device: str, table: Table) -> None:
    try:
        outputs = list_devices()
    except DeviceError as error:
        table.row("PortAudio", "note" if device == "null" else "mend", str(error))
    else:
        count = len(outputs) - 1  # without null
        table.row("PortAudio", "ok", f"starts, and has {f'{count} outputs' if count != 1 else '1 output'}")


def look_for_midi(wanted: str, table: Table) -> bool:
    """Whether there is a MIDI keyboard to play on."""
    said: list[str] = []
    try:
        names, midi = list_midi(), MidiIn(wanted or None, lambda *_: None, said.append)
    except DeviceError as error:
        table.row("MIDI", "mend" if wanted else "note", str(error))
        return False
    name = midi.name
    midi.close()
    if name:
        table.row("MIDI", "ok", f"{name} is heard")
    elif wanted or names:
        there = f"there is {', '.join(names)}" if names else "none is plugged in"
        table.row("MIDI", "mend" if wanted else "note", f"{said[-1].partition(': looking')[0]}; {there}")
    else:
        table.row("MIDI", "note", "no MIDI keyboard is plugged in")
    return name is not None


def look_for_keys(played: bool, wanted: bool, table: Table) -> None:
    """`played`: there is something else to play on."""
    if not wanted:
        table.row("keys", "note", "left alone (--no-keys)")
        return
    said: list[str] = []
    try:
        keys = open_keys(lambda *_: None, lambda *_: None, said.append)
    except DeviceError as error:
        table.row("keys", "note" if played else "mend", str(error))
        return
    try:
        time.sleep(2 * ANSWER_WAIT)  # a terminal that does not tell of itself by then is said to
    finally:
        keys.close()
    if keys.name == "pynput":
        table.row("keys", "note" if said else "ok", "; ".join(said) or "heard while this terminal has the focus")
        return
    names = ("SSH_CONNECTION", "WAYLAND_DISPLAY")
    why = next((f" ({name} is set)" for name in names if os.environ.get(name)), "")
    found = "; ".join([f"read from the terminal{why}", *said])
    if NO_KEY_UP in said:
        found += "; kitty, foot, WezTerm and Ghostty do tell"
    table.row("keys", "note" if said else "ok", found)


class _Session:
    """What a server is needed for, and the sound device, which plays at the server's rate."""

    def __init__(self, settings: ClientSettings, table: Table) -> None:
        self.settings, self.table = settings, table
        self.said: list[str] = []
        simulation = Simulation(settings.simulate) if settings.simulate else None
        self.network = Network(settings.server, settings.token, settings.payload, self.said.append, simulation)

    async def run(self) -> None:
        welcome = await self._server()
        settings = settled(self.settings, welcome) if welcome else self.settings.defaults()
        rate, chunk = (welcome.rate, welcome.chunk) if welcome else (RATE, settings.chunk_size)
        self.library = Library(Path(settings.wav), rate, Bank(), self.said.append)
        self.player = player = ClientPlayer(
            rate, chunk, welcome.polyphony if welcome else POLYPHONY, self.library.bank, self.library.instruments,
            self.library.streamed, settings.mode, 0,
        )  # fmt: skip
        speaker = await self._sound(rate, chunk)
        try:
            if welcome is not None:
                self.network.adopt(player, self.library)
                buffer_size = DEFAULT_BUFFER_SIZE if settings.buffer_size.auto else settings.buffer_size
                self.network.set_buffer_size(frames := buffer_size.frames(rate), frames)
                await self.network.enter(PROBES)
                await self._samples(settings)
                await self._way(settings, welcome)
        finally:
            await self.network.close()
            speaker.stop()

    async def _server(self) -> Welcome | None:
        if self.settings.mode == "local":
            self.table.row("server", "note", "none is needed in local mode")
            return None
        try:
            welcome = await self.network.open(self.settings.chunk_size or 0)
        except NetAudioError as error:
            self.table.row("server", "mend", str(error))
            return None
        names = ", ".join(f"{number} {name}" for number, name in enumerate(welcome.instruments, 1))
        self.table.row("server", "ok", f"{self.network.address}, {welcome.rate} Hz, has {names or 'no instruments'}")
        return welcome

    async def _sound(self, rate: int, chunk: int) -> Speaker:
        """The device if it opens, else a software clock, which the way can be measured with."""
        try:
            speaker = open_speaker(self.settings.device, rate, chunk, self.player.render)
            speaker.start()
        except DeviceError as error:
            self.table.row("sound", "mend", str(error))
            speaker = open_speaker("null", rate, chunk, self.player.render)
            speaker.start()
            return speaker
        await asyncio.sleep(SOUND_SECONDS)
        speed, block = self.player.position / rate / SOUND_SECONDS, to_ms(chunk, rate)
        found = f"{speaker.name}, {rate} Hz, {chunk} frames ({block:.1f} ms) at a time"
        if speaker.error is not None or not speaker.alive or speed < 0.5:
            self.table.row("sound", "mend", f"{found}: it asks for no sound; choose another --device")
        elif speaker.xruns:
            self.table.row("sound", "note", f"{found}: {speaker.xruns} xruns; a larger --chunk-size is safer")
        elif speaker.name == "null":
            self.table.row("sound", "note", f"{found}: silence, as asked for")
        else:
            self.table.row("sound", "ok", found)
        return speaker

    async def _samples(self, settings: ResolvedSettings) -> None:
        """Compare every instrument of the server's with ours, as far as they are held."""
        rate, before = self.player.rate, len(self.said)
        least = tuned(
            settings.offset, settings.buffer_size, settings.held, rate, self.player.rings.remote.chunk, 0, 0
        )
        progress, failed = Progress(), list[str]()
        for name in self.library.offered:
            try:
                await asyncio.to_thread(self.library.load, name, least.held, progress)
                await self.network.describe(name)
            except NetAudioError as error:
                failed.append(str(error))
        progress.end()
        different = self.said[before:] + failed
        for line in different:
            self.table.row("samples", "mend", line)
        if settings.instrument not in self.library.names:
            names = ", ".join(self.library.names)
            self.table.row("samples", "mend", f"the server has no {settings.instrument!r}: choose one of {names}")
        elif not different:
            seconds = least.held / rate
            self.table.row("samples", "ok", f"the first {seconds:g} s of each, which are held, equal the server's")

    async def _way(self, settings: ResolvedSettings, welcome: Welcome) -> None:
        """Have the stream come for a while, and measure round trips meanwhile."""
        link, progress = self.network.link, Progress("measuring")
        assert link is not None
        self.network.join()
        link.uplink.probing = True
        begun = time.monotonic()
        while (passed := time.monotonic() - begun) < WAY_SECONDS:
            progress("the way", passed / WAY_SECONDS)
            await asyncio.sleep(POLL_SECONDS)
        progress.end()
        where = f"UDP port {welcome.udp_port} of {self.network.address.host}"
        if not link.uplink.probed:
            self.table.row("round trip", "mend", f"no answer from {where}: is it blocked by a firewall?")
            return
        trip, jitter = link.figures.round_trips.median, link.figures.round_trips.jitter
        self.table.row("round trip", "ok", f"{1000 * trip:.1f} ms, jitter {1000 * jitter:.1f} ms")
        self._audio(link, where)
        self._offset(settings, trip, jitter, self.network.buffer_size)

    def _audio(self, link: Link, where: str) -> None:
        count, slack = link.figures.packets, link.receiver.slacks.lowest(time.monotonic())
        if not count.received or slack is None:
            self.table.row("audio", "mend", f"no sound came from {where}: is it blocked by a firewall?")
            return
        share = count.lost / (count.received + count.lost)
        early = f"{to_ms(slack, self.player.rate):.1f} ms"
        found = f"{count.received} packets, {count.lost} lost, {count.late} late; slack {early}"
        if share > TOO_MANY_LOST:
            self.table.row("audio", "mend", f"{found}: too many; is the line too narrow? Try --payload L16")
        elif count.late:
            self.table.row("audio", "note", f"{found}: a larger --buffer-size would have them in time")
        else:
            self.table.row("audio", "note" if count.lost else "ok", found)

    def _offset(self, settings: ResolvedSettings, trip: float, jitter: float, buffer_size: int) -> None:
        rate, chunk = self.player.rate, self.player.rings.remote.chunk
        needed = tuned(Span(), Span(buffer_size), Span(), rate, chunk, trip, jitter).offset
        asked = f"the way asks for {to_ms(needed, rate):.0f} ms"
        if settings.offset.auto:
            self.table.row("OFFSET", "ok", f"auto: {asked}")
        elif settings.offset.frames(rate) < needed - chunk:
            self.table.row("OFFSET", "mend", f"{settings.offset} is too short: {asked}; set it, or --offset auto")
        else:
            self.table.row("OFFSET", "ok", f"{settings.offset}: {asked}")
