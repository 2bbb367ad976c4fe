"""A client's link at 1000 Hz, in chunks of 10 frames, with its player, and what a server sends it."""

import numpy as np

from netaudio.player.link import Link
from netaudio.player.player import ClientPlayer
from netaudio.player.stream_figures import StreamFigures
from netaudio.sampler.bank import Bank
from netaudio.units import wrap32
from netaudio.wire import control
from netaudio.wire.payload import PAYLOADS
from netaudio.wire.rtcp import Reply, Report
from netaudio.wire.rtp import Audio
from tests.support.packets import encode, pack_audio

RATE, CHUNK, SSRC, SECRET = 1000, 10, 7, b"secret"
FRAMES = np.repeat(np.arange(CHUNK)[:, None] / 1024, 2, axis=1).astype(np.float32)
BLOCK = np.zeros((CHUNK, 2), np.float32)


class Linked:
    """A link whose player has joined, at position 10."""

    def __init__(self) -> None:
        self.player = ClientPlayer(RATE, CHUNK, 8, Bank(), {}, set(), "hybrid", 50)
        self.figures = StreamFigures()
        self.link = Link(self.player, SSRC, SECRET, PAYLOADS["F32"], 40, self.figures)
        self.player.post(self.player.join, CHUNK, 8, self.link.uplink.outbox)
        self.player.render(BLOCK, 0.0)
        self.messages(0.0)

    def receive(self, data: bytes, now: float = 0.0) -> None:
        self.link.receive(data, now)

    def messages(self, now: float) -> list[control.Message]:
        return self.link.uplink.messages(now)

    def report(self, now: float) -> Report | None:
        data = self.link.report(now)
        return Report.parse(data, SECRET) if data else None

    def reported(self, now: float) -> Report:
        """The report that is due."""
        report = self.report(now)
        assert report is not None
        return report

    def press(self, count: int = 1) -> None:
        """Keys, folded into a block."""
        for key in range(count):
            self.player.push(-1.0, bytes((0x90, key, 127)))
        self.player.render(BLOCK, 0.0)


def audio(sequence: int, position: int = 0, heard: int = 0, ssrc: int = SSRC, kind: int = 98) -> bytes:
    payload = encode(PAYLOADS["F32"], FRAMES)
    return pack_audio(Audio(kind, sequence, wrap32(position), ssrc, heard, heard, payload))


def reply(heard: int = 0, sent: int = 0, hold: int = 0, ssrc: int = SSRC) -> bytes:
    return Reply(ssrc, 0, 0, 0, 0, sent, hold, heard).pack()
