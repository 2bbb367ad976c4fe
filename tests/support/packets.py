"""Audio packets as bytes, for tests that need no sockets."""

from netaudio.sampler import kernel
from netaudio.session.session import Chunk, ServerSession
from netaudio.units import Frames
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


def rendered(session: ServerSession, due: Chunk, bank: Frames) -> tuple[Frames, bool]:
    """A chunk's sound (frames, 2), and whether it was faded from one knowledge to another."""
    score = session.score
    sound, facts = kernel.tails(bank, [session.job(due)], session.chunk, score.ramp, score.release)
    return sound[0], bool(facts[0, 0])


def packets(session: ServerSession, due: Chunk, bank: Frames) -> list[bytes]:
    """Those of the session's next chunk."""
    sound, faded = rendered(session, due, bank)
    return list(map(bytes, session.packets(due, faded, session.payload.datagrams(sound[None])[0])))
