"""Audio packets as bytes, for tests that need no sockets."""

from netaudio.sampler.mixer import Frames
from netaudio.session.session import ServerSession
from netaudio.wire.datagram import parse
from netaudio.wire.parity import Parity
from netaudio.wire.payload import Payload
from netaudio.wire.rtp import AUDIO_HEADER, Audio, write_header


def encode(payload: Payload, frames: Frames) -> bytes:
    """(frames, 2) as the payloads of one chunk's packets, one after another."""
    return b"".join(datagram[AUDIO_HEADER:] for datagram in payload.datagrams(frames[None])[0])


def pack_audio(audio: Audio) -> bytes:
    datagram = bytearray(AUDIO_HEADER) + audio.payload
    write_header(datagram, *audio[:6])
    return bytes(datagram)


def is_audio(data: bytes) -> bool:
    """Of what a server sent."""
    return isinstance(parse(data), Audio)


def is_parity(data: bytes) -> bool:
    return isinstance(parse(data), Parity)


def packets(session: ServerSession, mix: Frames) -> list[bytes]:
    """Those of the session's next chunk, whose mix (frames, 2) this is."""
    return list(map(bytes, session.packets(session.payload.datagrams(mix[None])[0])))
