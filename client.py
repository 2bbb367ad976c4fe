"""The NetAudio client: python client.py --help"""

import argparse
import asyncio
import dataclasses
import sys
from pathlib import Path

from netaudio.config import client_parser, client_settings
from netaudio.shell.client import Client, write_report
from netaudio.shell.display import Plain
from netaudio.shell.midi import list_midi
from netaudio.shell.midifile import read_song
from netaudio.shell.program import HOME, read_config, run
from netaudio.shell.speaker import list_devices
from netaudio.shell.wavs import list_instruments


def main() -> int:
    flags = client_parser().parse_args()
    settings = client_settings(read_config(flags), flags)
    settings = dataclasses.replace(settings, wav=HOME / settings.wav)
    if flags.list_devices or flags.list_midi or flags.list_instruments:
        return show_lists(flags, settings.wav)
    screen = Plain()
    song = read_song(flags.play) if flags.play else None
    for line in song.left_out if song else ():
        screen.say(line)
    client = Client(settings, flags, screen, song)

    async def play() -> None:
        await client.prepare()
        await client.run()

    asyncio.run(play())
    if flags.report:
        write_report(Path(flags.report), client.figures())
    return 0


def show_lists(flags: argparse.Namespace, wav: Path) -> int:
    if flags.list_devices:
        print("\n".join(list_devices()))
    if flags.list_midi:
        print("\n".join(list_midi()) or "no MIDI inputs")
    if flags.list_instruments:
        print("\n".join(list_instruments(wav)) or f"no instruments in {wav}")
    return 0


if __name__ == "__main__":
    sys.exit(run(main))
