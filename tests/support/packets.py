"""Audio packets as bytes, for tests that need no sockets."""

import struct

from netaudio.sampler import kernel
from netaudio.session.session import Chunk, ServerSession
from netaudio.units import Frames
from netaudio.wire.datagram import parse
from netaudio.wire.parity import Parity
from netaudio.wire.payload import Payload
from netaudio.wire.rtp import AUDIO_HEADER, Audio


def encode(payload: Payload, frames: Frames) -> bytes:
    """(frames, 2) as the payloads of one chunk's packets, one after another."""
    return b"".join(datagram[AUDIO_HEADER:] for datagram in payload.packets(frames[None], [(0, 0, 0, 0, 0)]).of(0))


def pack_audio(audio: Audio) -> bytes:
    """Of the sequence number the low 16 bits."""
    kind, sequence, timestamp, ssrc, before, heard, payload = audio
    fields = kind, sequence & 0xFFFF, timestamp, ssrc, 0x4E41, 2, before, heard
    return struct.pack("!BBHIIHHII", 0x90, *fields) + payload


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
    return sent(session, due, sound, faded)


def sent(session: ServerSession, due: Chunk, sound: Frames, faded: bool) -> list[bytes]:
    """A chunk of this sound (frames, 2) goes out: its audio packets, and then what parity follows them."""
    made = session.payload.packets(sound[None], [session.head(due, faded)])
    return [*map(bytes, made.of(0)), *session.sent(due, made, 0)]
