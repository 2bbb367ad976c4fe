"""The settings of both programs.

Each settings class is the table of its program: a field `chunk_size` is CHUNK_SIZE in config.ini and --chunk-size
among the flags, and says of which kind it is, its default, its group in --help, and its help.
"""

from dataclasses import dataclass
from typing import Annotated, TypeVar, get_type_hints

from netaudio.config import kinds
from netaudio.config.kinds import DEFAULT_PORT, Address, Kind, Setting
from netaudio.modes import Mode
from netaudio.timing.network_model import Impairment
from netaudio.units import Span

T = TypeVar("T")

_FOLDER = Kind("FOLDER", "a folder", str)
_WAV = Setting(_FOLDER, "wav", "sound", "folder with a folder per instrument")
_OFFER = "offered to clients that set none"


@dataclass(frozen=True)
class ServerSettings:
    """What server.py obeys. `port` 0 and `udp_ports` None mean any free ones, `token` "" that none is needed."""

    host: Annotated[str, Setting(kinds.HOST, "127.0.0.1", "network", "address to listen at; 0.0.0.0: all")]
    port: Annotated[int, Setting(kinds.whole(0, 65535), str(DEFAULT_PORT), "network", "TCP port; 0: any free one")]
    udp_ports: Annotated[range | None, Setting(kinds.PORTS, "", "network", "UDP ports for audio; empty: any free")]
    token: Annotated[str, Setting(kinds.TEXT, "", "network", "word that clients must give; empty: none")]
    wav: Annotated[str, _WAV]
    rate: Annotated[int, Setting(kinds.whole(8000, 192000, "HZ"), "48000", "sound", "sample rate")]
    bank: Annotated[
        str | None, Setting(_FOLDER, "", "sound", "folder for a bank bigger than memory; empty: in memory")
    ]
    chunk_size: Annotated[int, Setting(kinds.CHUNK, "128", "sound", "frames the outputs ask for, 32 to 1024")]
    max_clients: Annotated[int, Setting(kinds.whole(1, 1000), "5", "load", "players at a time")]
    polyphony: Annotated[int, Setting(kinds.whole(1, 256), "32", "load", "notes at a time for each, 1 to 256")]
    render_threads: Annotated[int, Setting(kinds.whole(1, 64), "1", "load", "threads that render, 1 to 64")]
    workers: Annotated[int, Setting(kinds.whole(1, 64), "1", "load", "processes that serve, 1 to 64")]
    stats: Annotated[float | None, Setting(kinds.PERIOD, "", "figures", "how often figures are logged; empty: never")]
    metrics: Annotated[
        Address | None, Setting(kinds.METRICS, "", "figures", "where Prometheus finds figures; empty: nowhere")
    ]
    mode: Annotated[Mode, Setting(kinds.MODE, "hybrid", _OFFER, "who plays: client, server or both")]
    instrument: Annotated[str, Setting(kinds.NAME, "piano", _OFFER, "what is played")]
    offset: Annotated[Span, Setting(kinds.span(10), "100ms", _OFFER, "how much of a note the client plays")]
    buffer_size: Annotated[Span, Setting(kinds.span(10), "40ms", _OFFER, "how early packets reach the client")]


@dataclass(frozen=True)
class ClientSettings:
    """What client.py obeys. None: as the server offers, until `offered` or `defaults` settles it."""

    server: Annotated[Address, Setting(kinds.SERVER, f"127.0.0.1:{DEFAULT_PORT}", "server", "where the server is")]
    token: Annotated[str, Setting(kinds.TEXT, "", "server", "the server's word, if it asks for one")]
    mode: Annotated[Mode | None, Setting(kinds.MODE, None, "playing", "who plays: this side, the server or both")]
    instrument: Annotated[str | None, Setting(kinds.NAME, None, "playing", "what is played")]
    midi_in: Annotated[str, Setting(kinds.DEVICE, "", "playing", "part of a MIDI port's name; empty: the first")]
    volume: Annotated[float, Setting(kinds.LEVEL, "0", "sound", "level in dB, -60 to 12")]
    device: Annotated[
        str,
        Setting(
            kinds.DEVICE, "", "sound", "output: number, part of its name, or null (silence); empty: system default"
        ),
    ]
    wav: Annotated[str, _WAV]
    offset: Annotated[Span | None, Setting(kinds.span(10), None, "stream", "how much of a note this side plays")]
    held: Annotated[Span, Setting(kinds.span(600), "auto", "stream", "how much of each recording this side keeps")]
    buffer_size: Annotated[Span | None, Setting(kinds.span(10), None, "stream", "how early packets come in")]
    chunk_size: Annotated[int | None, Setting(kinds.CHUNK, None, "sound", "frames the output asks for, 32 to 1024")]
    payload: Annotated[str, Setting(kinds.PAYLOAD, "L24", "stream", "form of the sound on the wire")]
    simulate: Annotated[
        Impairment | None,
        Setting(
            kinds.NETWORK,
            "",
            "stream",
            'play as over a worse network, each way: "delay=30ms jitter=5ms loss=1% burst=3"',
        ),
    ]

    def offered(
        self,
        *,
        mode: Mode | None = None,
        offset: Span | None = None,
        buffer_size: Span | None = None,
        instrument: str | None = None,
        chunk_size: int | None = None,
    ) -> "ResolvedSettings":
        """These settings with their gaps filled by a server's offer, and the gaps in that by the defaults."""
        base = ServerSettings(**{name: setting.value("", name) for name, setting in TABLES["server"].items()})
        return ResolvedSettings(
            **vars(self)
            | {
                "mode": _first(self.mode, mode, base.mode),
                "offset": _first(self.offset, offset, base.offset),
                "buffer_size": _first(self.buffer_size, buffer_size, base.buffer_size),
                "instrument": _first(self.instrument, instrument, base.instrument),
                "chunk_size": _first(self.chunk_size, chunk_size, base.chunk_size),
            }
        )

    def defaults(self) -> "ResolvedSettings":
        """These settings where no server offers anything."""
        return self.offered()


@dataclass(frozen=True)
class ResolvedSettings(ClientSettings):
    """Client settings with nothing left open."""

    mode: Mode
    instrument: str
    offset: Span
    buffer_size: Span
    chunk_size: int


def _first(*choices: T | None) -> T:
    return next(choice for choice in choices if choice is not None)


def _table(program: type) -> dict[str, Setting]:
    return {name: hint.__metadata__[0] for name, hint in get_type_hints(program, include_extras=True).items()}


TABLES = {"server": _table(ServerSettings), "client": _table(ClientSettings)}
