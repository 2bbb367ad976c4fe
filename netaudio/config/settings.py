"""The text of config.ini and the flags, made into frozen settings.

Each settings class is the table of its program: its field `chunk_size` is CHUNK_SIZE in config.ini and
--chunk-size among the flags. A flag beats config.ini, which beats what the server offers (client only),
which beats the default. An empty value means "not set".
"""

import argparse
import difflib
from dataclasses import dataclass
from typing import Annotated, Any, NoReturn, TypeVar, get_type_hints

from netaudio import __version__
from netaudio.config import kinds
from netaudio.config.kinds import DEFAULT_PORT, Address, Kind, Setting, shown, within
from netaudio.errors import SettingError
from netaudio.modes import Mode
from netaudio.timing.network_model import Impairment
from netaudio.units import Span

T = TypeVar("T")

_FOLDER = Kind("FOLDER", "a folder", str)
_WAV = Setting(_FOLDER, "wav", "sound", "folder with a folder per instrument")
_OFFER = "offered to clients that set none"


@dataclass(frozen=True)
class ServerSettings:
    """What server.py obeys. `port` 0 and `udp_ports` None: any free ones; `token` "": none is asked for."""

    host: Annotated[str, Setting(kinds.HOST, "127.0.0.1", "network", "address to listen at; 0.0.0.0: all")]
    port: Annotated[int, Setting(kinds.whole(0, 65535), str(DEFAULT_PORT), "network", "TCP port; 0: any free one")]
    udp_ports: Annotated[range | None, Setting(kinds.PORTS, "", "network", "UDP ports for audio; empty: any free")]
    token: Annotated[str, Setting(kinds.TEXT, "", "network", "word that clients must give; empty: none")]
    wav: Annotated[str, _WAV]
    rate: Annotated[int, Setting(kinds.whole(8000, 192000, "HZ"), "48000", "sound", "sample rate")]
    bank: Annotated[
        str | None, Setting(_FOLDER, "", "sound", "folder for a bank bigger than memory; empty: in memory")
    ]
    chunk_size: Annotated[int, Setting(kinds.CHUNK, "128", "sound", "frames rendered at a time, 32 to 1024")]
    max_clients: Annotated[int, Setting(kinds.whole(1, 1000), "5", "load", "players at a time")]
    polyphony: Annotated[int, Setting(kinds.whole(1, 256), "32", "load", "notes at a time for each, 1 to 256")]
    render_threads: Annotated[int, Setting(kinds.whole(1, 64), "1", "load", "threads that render, 1 to 64")]
    workers: Annotated[int, Setting(kinds.whole(1, 64), "1", "load", "processes that serve, 1 to 64")]
    stats: Annotated[float | None, Setting(kinds.PERIOD, "", "figures", "log figures so often; empty: never")]
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
    held: Annotated[Span, Setting(kinds.span(600), "1s", "stream", "how much of each sample this side keeps")]
    buffer_size: Annotated[Span | None, Setting(kinds.span(10), None, "stream", "how early packets come in")]
    chunk_size: Annotated[int | None, Setting(kinds.CHUNK, None, "stream", "frames made at a time, 32 to 1024")]
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
        base = server_settings()
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


def server_settings(ini: str = "", flags: argparse.Namespace | None = None) -> ServerSettings:
    """What the flags and [server] in the text of config.ini say; raises SettingError."""
    return ServerSettings(**_values("server", ini, flags))


def client_settings(ini: str = "", flags: argparse.Namespace | None = None) -> ClientSettings:
    """What the flags and [client] in the text of config.ini say; raises SettingError."""
    return ClientSettings(**_values("client", ini, flags))


def _values(section: str, ini: str, flags: argparse.Namespace | None) -> dict[str, Any]:
    given = vars(flags) if flags else {}
    lines = read_ini(ini, section, given.get("config") or "config.ini")
    values = {}
    for name, setting in TABLES[section].items():
        text, where = lines.get(name, ("", name))
        if given.get(name) is not None:
            text, where = given[name], "--" + name.replace("_", "-")
        values[name] = setting.value(text, where)
    return values


def read_ini(ini: str, section: str, file: str = "config.ini") -> dict[str, tuple[str, str]]:
    """Each setting that a section names, as (text, where it stands); raises SettingError."""
    found: dict[str, tuple[str, str]] = {}
    current = ""
    for number, line in enumerate(ini.removeprefix("\ufeff").split("\n"), 1):
        where, line = f"{file} line {number}", line.strip()
        if not line or line[0] in "#;":
            continue
        if line[0] == "[" and line[-1] == "]":
            current = line[1:-1].strip().lower()
            if current not in TABLES:
                known = [f"[{name}]" for name in TABLES]
                hint = _nearest(line.lower(), known)
                raise SettingError(f"{where}: there is no section {shown(line)}; {hint}")
            continue
        key, equals, text = line.partition("=")
        name = key.strip().lower()
        if not current or not equals or not name:
            raise SettingError(f"{where} is {shown(line)}: expected NAME = value below [server] or [client]")
        if current != section:
            continue
        if name not in TABLES[section]:
            known = [name.upper() for name in TABLES[section]]
            other = [other for other in TABLES if name in TABLES[other]]
            hint = f"it belongs in [{other[0]}]" if other else _nearest(name.upper().replace("-", "_"), known)
            raise SettingError(f"{where}: [{section}] has no setting {shown(key.strip())}; {hint}")
        if name in found:
            raise SettingError(f"{where}: [{section}] {name.upper()} is set twice; keep one")
        found[name] = text, f"{where}, [{section}] {name.upper()}"
    return found


def _nearest(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name[:80], known, 1)
    return f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"


def server_parser() -> argparse.ArgumentParser:
    """The flags of server.py."""
    return _parser("server", "Plays recorded instruments over the network for NetAudio clients.")


def client_parser() -> argparse.ArgumentParser:
    """The flags of client.py: its settings, and what to do this once."""
    parser = _parser("client", "Plays a NetAudio server's instruments as if they were here.")
    once = parser.add_argument_group("this once")
    once.add_argument("--no-keys", action="store_true", help="leave the computer keyboard alone")
    song = once.add_mutually_exclusive_group()
    song.add_argument("--play", metavar="FILE.mid", help="play a MIDI file")
    song.add_argument("--demo", action="store_true", help="play a short built-in piece")
    once.add_argument("--record", metavar="OUT.wav", help="record what is heard")
    once.add_argument("--report", metavar="OUT.json", help="write the session's figures at its end")
    once.add_argument("--plot", metavar="REPORT.json", help="draw such a report into a PNG beside it, and end")
    once.add_argument("--check", action="store_true", help="try sound, keys, MIDI, network and samples, and end")
    once.add_argument("--skew", metavar="PPM", type=_ppm, default=0.0, help="null's clock is so much fast, for tests")
    once.add_argument("--plain", action="store_true", help="print plain lines, draw no screen")
    for flag, what in (("devices", "sound outputs"), ("midi", "MIDI inputs"), ("instruments", "instruments")):
        once.add_argument(f"--list-{flag}", action="store_true", help=f"name the {what}, and end")
    return parser


def _ppm(text: str) -> float:
    try:
        return within(float(text), -10_000, 10_000)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{shown(text)}: expected a number from -10000 to 10000") from None


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, as everything else does."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"netaudio: {message}; {self.prog} --help tells all\n")


def _parser(section: str, description: str) -> argparse.ArgumentParser:
    epilog = f"In config.ini, --chunk-size is CHUNK_SIZE in [{section}], and so on. A flag wins."
    parser = _Parser(f"{section}.py", None, description, epilog, allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"NetAudio {__version__}")
    parser.add_argument("--config", metavar="FILE", help="settings (default: config.ini beside the program)")
    table = TABLES[section]
    groups = {group: parser.add_argument_group(group) for group in dict.fromkeys(row.group for row in table.values())}
    for name, setting in table.items():
        default = "as the server offers" if setting.default is None else setting.default
        text = f"{setting.help} (default: {default})" if default else setting.help
        flag = "--" + name.replace("_", "-")
        groups[setting.group].add_argument(flag, metavar=setting.kind.metavar, help=text.replace("%", "%%"))
    return parser
