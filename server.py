"""The NetAudio server: python server.py --help"""

import signal

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # while modules are read Ctrl-C just ends it; then see `run`

import asyncio
import dataclasses
import logging
import sys

from netaudio.compiler import prepare
from netaudio.config.kinds import Address
from netaudio.config.load import server_parser, server_settings
from netaudio.process import HOME, Progress, read_config, run
from netaudio.realtime import prepare_interpreter
from netaudio.server.app import Server
from netaudio.server.listener import Listener
from netaudio.server.metrics import need_prometheus
from netaudio.server.render_worker import COMPILED
from netaudio.server.worker_processes import Parent, check_workers

SWITCH_SECONDS = 1e-4  # within which a render worker has the interpreter
LOOPBACK = ("127.0.0.1", "::1", "localhost")


def main() -> int:
    flags = server_parser().parse_args()
    settings = server_settings(read_config(flags), flags)
    settings = dataclasses.replace(
        settings, wav=str(HOME / settings.wav), bank=settings.bank and str(HOME / settings.bank)
    )
    if settings.workers > 1:
        check_workers(settings.workers, settings.metrics)
    if settings.metrics:
        need_prometheus()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    prepare(*COMPILED)
    server, progress = Server(settings), Progress()
    try:
        problems = server.load(progress)
    finally:
        progress.end()
    for problem in problems:
        print(f"netaudio: {problem}", file=sys.stderr)
    if settings.host not in LOOPBACK and not settings.token:
        print("netaudio: everyone who reaches this address can play here; set --token", file=sys.stderr)
    prepare_interpreter(SWITCH_SECONDS)

    def ready(address: Address) -> None:
        size, where = server.bank.frames.nbytes / 1e6, f"mapped, in {settings.bank}" if settings.bank else "in memory"
        logging.info("the bank has %.0f MB, %s", size, where)
        print(f"NetAudio server ready at {address}: {', '.join(sorted(server.instruments))}", flush=True)

    if settings.workers > 1:
        Parent(server, ready).run()
    else:
        asyncio.run(server.run(Listener(server.settings, ready)))
    return 0


if __name__ == "__main__":
    sys.exit(run(main))
