"""`client.py --check`: tries everything once, and says what is fine and how to mend what is not."""

import argparse
import asyncio
import os
import shutil
import textwrap
import time
from typing import Literal

from netaudio.audio.backends import open_output
from netaudio.audio.devices import list_devices
from netaudio.audio.output import Output
from netaudio.client.autotune import DEFAULT_BUFFER_SIZE
from netaudio.client.connection import Greeting
from netaudio.client.connector import PROBES
from netaudio.client.setup import Setup, greet, set_up
from netaudio.client.simulation import Simulation
from netaudio.config.settings import ClientSettings
from netaudio.errors import DeviceError, NetAudioError
from netaudio.inputs.midi_keyboard import MidiKeyboard
from netaudio.inputs.midi_ports import list_midi
from netaudio.inputs.sources import open_keys
from netaudio.inputs.timed_keys import NO_KEY_UP
from netaudio.inputs.tty import ANSWER_WAIT
from netaudio.player.link import Link
from netaudio.process import Progress
from netaudio.timing.latency_budget import least_reach, tuned
from netaudio.units import Span, to_ms

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
    asyncio.run(_play(settings, table))
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
        names, midi = list_midi(), MidiKeyboard(wanted or None, lambda *_: None, said.append)
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


async def _play(settings: ClientSettings, table: Table) -> None:
    """Try the server, the sound device at its rate, and what comes over the way."""
    said: list[str] = []
    simulation = Simulation(settings.simulate) if settings.simulate else None
    greeting = await _server(settings, simulation, table)
    setup = set_up(settings, greeting, simulation, said.append)
    output = await _sound(setup, table)
    try:
        if greeting is not None:
            rate, buffer_size = setup.player.rate, setup.settings.buffer_size
            frames = (DEFAULT_BUFFER_SIZE if buffer_size.auto else buffer_size).frames(rate)
            setup.connector.set_buffer_size(frames, frames)
            await setup.connector.enter(greeting, PROBES)
            await _samples(setup, said, table)
            await _way(setup, greeting.welcome.udp_port, table)
    finally:
        await setup.connector.close()
        output.stop()


async def _server(settings: ClientSettings, simulation: Simulation | None, table: Table) -> Greeting | None:
    if settings.mode == "local":
        table.row("server", "note", "none is needed in local mode")
        return None
    try:
        greeting = await greet(settings, simulation)
    except NetAudioError as error:
        table.row("server", "mend", str(error))
        return None
    welcome = greeting.welcome
    names = ", ".join(f"{number} {name}" for number, name in enumerate(welcome.instruments, 1))
    table.row("server", "ok", f"{settings.server}, {welcome.rate} Hz, has {names or 'no instruments'}")
    return greeting


async def _sound(setup: Setup, table: Table) -> Output:
    """The device if it opens, else a software clock, which the way can be measured with."""
    player, rate, block = setup.player, setup.player.rate, setup.settings.chunk_size
    try:
        output = open_output(setup.settings.device, rate, block, player.render)
        output.start()
    except DeviceError as error:
        table.row("sound", "mend", str(error))
        output = open_output("null", rate, block, player.render)
        output.start()
        return output
    await asyncio.sleep(SOUND_SECONDS)
    speed = player.position / rate / SOUND_SECONDS
    found = f"{output.name}, {rate} Hz, {block} frames ({to_ms(block, rate):.1f} ms) at a time"
    if output.error is not None or not output.alive or speed < 0.5:
        table.row("sound", "mend", f"{found}: it asks for no sound; choose another --device")
    elif output.xruns:
        table.row("sound", "note", f"{found}: {output.xruns} xruns; a larger --chunk-size is safer")
    elif output.name == "null":
        table.row("sound", "note", f"{found}: silence, as asked for")
    else:
        table.row("sound", "ok", found)
    return output


async def _samples(setup: Setup, said: list[str], table: Table) -> None:
    """Compare every instrument of the server's with ours, as far as they are held."""
    settings, library, rate, chunk = setup.settings, setup.library, setup.player.rate, setup.player.chunk
    reach = least_reach(tuned(settings.offset, settings.buffer_size, rate, chunk, 0, 0).offset, rate, chunk)
    progress, failed, before = Progress(), list[str](), len(said)
    for name in library.offered:
        try:
            await setup.connector.have(name, settings.held, reach, progress)
        except NetAudioError as error:
            failed.append(str(error))
    different = said[before:] + failed
    for line in different:
        table.row("samples", "mend", line)
    if settings.instrument not in library.names:
        names = ", ".join(library.names)
        table.row("samples", "mend", f"the server has no {settings.instrument!r}: choose one of {names}")
    elif not different:
        held = library.held
        part = "all of each, which is held, equals" if held is None else f"{held / rate:g} s of each, held, equal"
        table.row("samples", "ok", f"{part} the server's")


async def _way(setup: Setup, udp_port: int, table: Table) -> None:
    """Have the stream come for a while, and measure round trips meanwhile."""
    connector, progress = setup.connector, Progress("measuring")
    link = connector.link
    assert link is not None
    connector.join()
    link.uplink.probing = True
    begun = time.monotonic()
    while (passed := time.monotonic() - begun) < WAY_SECONDS:
        progress("the way", passed / WAY_SECONDS)
        await asyncio.sleep(POLL_SECONDS)
    progress.end()
    where = f"UDP port {udp_port} of {connector.address.host}"
    if not link.uplink.probed:
        table.row("round trip", "mend", f"no answer from {where}: is it blocked by a firewall?")
        return
    trip, jitter = link.figures.round_trips.median, link.figures.round_trips.jitter
    table.row("round trip", "ok", f"{1000 * trip:.1f} ms, jitter {1000 * jitter:.1f} ms")
    table.row("audio", *_audio(link, setup.player.rate, where))
    needed = tuned(Span(), Span(connector.buffer_size), setup.player.rate, setup.player.chunk, trip, jitter).offset
    table.row("OFFSET", *_offset(setup, needed))


def _audio(link: Link, rate: int, where: str) -> tuple[State, str]:
    count, slack = link.figures.packets, link.receiver.slacks.lowest(time.monotonic())
    if not count.received or slack is None:
        return "mend", f"no sound came from {where}: is it blocked by a firewall?"
    share = count.lost / (count.received + count.lost)
    early = f"{to_ms(slack, rate):.1f} ms"
    found = f"{count.received} packets, {count.lost} lost, {count.late} late; slack {early}"
    if share > TOO_MANY_LOST:
        return "mend", f"{found}: too many; is the line too narrow? Try --payload L16"
    if count.late:
        return "note", f"{found}: a larger --buffer-size would have them in time"
    return "note" if count.lost else "ok", found


def _offset(setup: Setup, needed: int) -> tuple[State, str]:
    """`needed`: frames that the way asks for."""
    offset, rate, chunk = setup.settings.offset, setup.player.rate, setup.player.chunk
    asked = f"the way asks for {to_ms(needed, rate):.0f} ms"
    if offset.auto:
        return "ok", f"auto: {asked}"
    if offset.frames(rate) < needed - chunk:
        return "mend", f"{offset} is too short: {asked}; set it, or --offset auto"
    return "ok", f"{offset}: {asked}"
