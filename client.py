"""The NetAudio client: python client.py --help"""

import signal

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # while modules are read Ctrl-C just ends it; then see `run`

import argparse
import asyncio
import dataclasses
import sys
from pathlib import Path

from netaudio.audio.devices import list_devices
from netaudio.client.app import Client
from netaudio.client.demo import demo_server, demo_song
from netaudio.client.self_check import check
from netaudio.compiler import prepare
from netaudio.config.load import client_parser, client_settings
from netaudio.config.settings import ClientSettings
from netaudio.inputs.midi_ports import list_midi
from netaudio.process import HOME, read_config, run
from netaudio.readers.midi_files import Song, read_song
from netaudio.readers.wav_folder import need_instruments
from netaudio.sampler import kernel
from netaudio.screen.live import open_screen
from netaudio.screen.plot import plot
from netaudio.screen.report import Report, write_report
from netaudio.screen.summary import summary
from netaudio.server.render_worker import COMPILED


def main() -> int:
    flags = client_parser().parse_args()
    if flags.plot:
        print(plot(Path(flags.plot)))
        return 0
    settings = client_settings(read_config(flags), flags)
    settings = dataclasses.replace(settings, wav=str(HOME / settings.wav))
    if flags.list_devices or flags.list_midi or flags.list_instruments:
        return show_lists(flags, settings.wav)
    prepare(kernel.held, *(COMPILED if flags.demo else ()))  # the demo's server then finds its own
    if flags.check:
        return check(settings, flags)
    if flags.demo:
        with demo_server(settings.wav) as address:
            settings = dataclasses.replace(settings, server=address, mode="hybrid", token="")
            figures = play(settings, flags, demo_song(settings.wav))
    else:
        figures = play(settings, flags, read_song(flags.play) if flags.play else None)
    print(summary(figures))
    return 0


def play(settings: ClientSettings, flags: argparse.Namespace, song: Song | None) -> Report:
    """Run the client to its end; the figures of the run."""
    screen = open_screen(flags.plain)

    async def to_its_end() -> Client:
        client = await Client.prepare(settings, flags, screen, song)
        await client.run()
        return client

    try:
        client = asyncio.run(to_its_end())
    finally:
        screen.close()
    figures = client.figures()
    if flags.report:
        write_report(Path(flags.report), figures)
    return figures


def show_lists(flags: argparse.Namespace, wav: str) -> int:
    if flags.list_devices:
        print("\n".join(list_devices()))
    if flags.list_midi:
        print("\n".join(list_midi()) or "no MIDI inputs")
    if flags.list_instruments:
        print("\n".join(f"{number} {name}" for number, name in enumerate(need_instruments(Path(wav)), 1)))
        print("these are here; --check names the server's", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(run(main))
