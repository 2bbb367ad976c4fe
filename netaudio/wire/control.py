"""The control wire, TCP: one line of JSON per message, typed and validated."""

from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta, Struct

from netaudio.errors import ProtocolError
from netaudio.modes import Mode
from netaudio.sampler.instrument import Source
from netaudio.sampler.layout import ENDLESS
from netaudio.sampler.snapshot import ScoreState
from netaudio.wire.rtcp import ALL_BITS

VERSION = 1
MAX_LINE = 1 << 14  # bytes of a line from a client
MAX_STATE = 1 << 18  # bytes of its `resume`, of which a session takes one
MAX_REPLY = 1 << 24  # bytes of a line from a server; `instrument` with many files is the longest

Natural = Annotated[int, Meta(ge=0, lt=1 << 62)]
Program = Annotated[int, Meta(ge=0, le=127)]
Text = Annotated[str, Meta(max_length=200)]
Span = Annotated[str, Meta(pattern=r"^(auto|[0-9]{1,9}|[0-9]{1,5}(\.[0-9]{1,9})?m?s)$")]  # as people write it


class Message(Struct, frozen=True, tag_field="type", tag=str.lower):
    """Any line of the control connection; its `type` is the class's name in lower case."""


class Hello(Message, frozen=True):
    """Client: who I am and how I want the stream; `session` and `secret` name an old session to replace."""

    version: int
    block: int = 0  # frames that the device asks for; 0: as the server proposes
    mode: Mode | None = None  # who plays; None: as the server proposes
    payload: Text = "L24"
    token: Text = ""
    session: Text = ""
    secret: Text = ""


class Welcome(Message, frozen=True):
    """Server: your session. The last five are what it proposes to clients that set none."""

    version: int
    session: str
    secret: Annotated[str, Meta(pattern="^[0-9a-f]{32}$")]  # keys the MAC of the client's datagrams
    ssrc: Annotated[int, Meta(ge=0, lt=1 << 32)]
    udp_port: Annotated[int, Meta(ge=1, lt=1 << 16)]
    rate: Annotated[int, Meta(ge=8000, le=192000)]
    chunk: Annotated[int, Meta(ge=32, le=1024)]  # frames of the stream that are rendered at a time
    polyphony: Annotated[int, Meta(ge=1, le=1024)]
    instruments: list[str]
    offset: Span
    buffer_size: Span
    mode: Mode
    instrument: str
    block: Annotated[int, Meta(ge=32, le=1024)]


class Select(Message, frozen=True):
    """Client: let this program number mean this instrument."""

    program: Program
    name: Text


class Instrument(Message, frozen=True):
    """Server: what the program now means: the decoded sources by note."""

    program: Program
    name: str
    sources: list[Source]


class Event(Message, frozen=True):
    """Client: what was played at a position of its timeline.

    `cut`, `shift` and `reach` count on note-ons only, in frames: fewer than 2^32 - 1, or ENDLESS.
    """

    seq: Natural
    position: Natural
    message: Annotated[bytes, Meta(min_length=1, max_length=3)]
    cut: Natural = 0  # the first voice frame that the server plays; ENDLESS: it plays none
    shift: Natural = 0  # how far the voice's own clock is behind the timeline
    reach: Natural = 0  # voice frames that the client holds: what happens to the voice after them acts `cut` later

    def __post_init__(self) -> None:
        if not all(frames < ALL_BITS or frames == ENDLESS for frames in (self.cut, self.shift, self.reach)):
            raise ValueError("cut, shift and reach are frames, fewer than 2^32 - 1, or ENDLESS")


class Resume(Message, frozen=True):
    """Client: begin the stream with this state; events after its seq follow."""

    state: ScoreState


class Late(Message, frozen=True):
    """Server: the remote note of this seq was heard late and moved by `delay` frames."""

    seq: Natural
    delay: Annotated[int, Meta(ge=0, lt=1 << 31)]


class Ping(Message, frozen=True):
    time: float


class Pong(Message, frozen=True):
    time: float


class Error(Message, frozen=True):
    """Why the connection ends, in one line for people."""

    text: str


class Bye(Message, frozen=True):
    pass


_T = TypeVar("_T")

FromClient = Hello | Select | Event | Resume | Ping | Bye
FromServer = Welcome | Instrument | Late | Pong | Error | Bye

_encoder = msgspec.json.Encoder()
_from_client = msgspec.json.Decoder(FromClient)
_from_server = msgspec.json.Decoder(FromServer)


def encode(message: Message) -> bytes:
    return _encoder.encode(message) + b"\n"


def decode_from_client(line: bytes) -> FromClient:
    """Raises ProtocolError, whose text says what was wrong with the line."""
    message: FromClient = _decode(_from_client, line)
    return message


def decode_from_server(line: bytes) -> FromServer:
    message: FromServer = _decode(_from_server, line)
    return message


def _decode(decoder: "msgspec.json.Decoder[_T]", line: bytes) -> _T:
    try:
        return decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        shown = line[:60].decode("utf-8", "replace").strip()
        raise ProtocolError(f"not a NetAudio message: {error}; got {shown!r}") from None
