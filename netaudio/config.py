"""The text of config.ini and the flags, made into frozen settings.

Each settings class is the table of its program: its field `chunk_size` is CHUNK_SIZE in config.ini and
--chunk-size among the flags. A flag beats config.ini, which beats what the server offers (client only),
which beats the default. An empty value means "not set".
"""

import argparse
import difflib
import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NamedTuple, TypeVar, get_type_hints

from netaudio import __version__
from netaudio.errors import SettingError
from netaudio.impairment import MOST_SECONDS, Impairment
from netaudio.units import Span

Mode = Literal["local", "remote", "hybrid"]
Payload = Literal["L24", "L16", "F32"]
T = TypeVar("T")
Number = TypeVar("Number", int, float)

DEFAULT_PORT = 4747


class Address(NamedTuple):
    """A host, by name or number (IPv6 without brackets), and a TCP port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Kind(NamedTuple):
    """What a setting's text may be: `read` raises ValueError for all that is not `expected`."""

    metavar: str
    expected: str
    read: Callable[[str], Any]
    unset: str | None = None


class Setting(NamedTuple):
    """A line of a program's table. Default None: as the server offers; "": unset, as the help explains."""

    kind: Kind
    default: str | None
    group: str
    help: str

    def value(self, text: str, where: str) -> object:
        """The field's value, from a text that stands `where`; raises SettingError."""
        text = text.strip() or self.default or ""
        if not text:
            return self.kind.unset
        try:
            if any(ord(character) < 32 for character in text):
                raise ValueError
            return self.kind.read(text)
        except ValueError:
            hint = "; a comment needs a line of its own" if re.search(r"\s[#;]", text) else ""
            raise SettingError(f"{where} is {_shown(text)}: expected {self.kind.expected}{hint}") from None


def _shown(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:60] + "…")


def _match(pattern: str, text: str) -> str:
    if not re.fullmatch(pattern, text):
        raise ValueError
    return text


def _within(number: Number, low: Number, high: Number) -> Number:
    if not low <= number <= high:
        raise ValueError
    return number


def _whole(low: int, high: int, metavar: str = "N") -> Kind:
    expected = f"a whole number from {low} to {high}"
    return Kind(metavar, expected, lambda text: _within(int(_match("[0-9]{1,9}", text)), low, high))


def _choice(*words: str) -> Kind:
    lower = [word.lower() for word in words]
    expected = f"{', '.join(words[:-1])} or {words[-1]}"
    return Kind("|".join(words), expected, lambda text: words[lower.index(text.lower())])


def _span(longest: int) -> Kind:
    """Up to so many seconds, or as many frames as those are at 48 kHz."""

    def read(text: str) -> Span:
        span = Span.parse(text)
        _within(float(span.seconds or 0), 0, longest)
        _within(span.frame_count or 0, 0, longest * 48000)
        return span

    return Kind("TIME", f"a time (40ms, 0.5s; at most {longest}s), frames (1920) or auto", read)


def _host(text: str) -> str:
    if ":" in text:
        return str(ipaddress.IPv6Address(text[1:-1] if text[0] + text[-1] == "[]" else text))
    return _match(r"[^\s/\[\]]+", text)


def _address(text: str) -> Address:
    match = re.fullmatch(r"(\[.*\]|[^:]*)(?::([0-9]+))?", text)
    host, port = match.groups() if match else (text, None)
    return Address(_host(host), _UDP.read(port) if port else DEFAULT_PORT)


def _ports(text: str) -> range:
    first, dash, last = text.partition("-")
    low, high = _UDP.read(first.strip()), _UDP.read((last if dash else first).strip())
    return range(_within(low, 1, high), high + 1)


def _period(text: str) -> float:
    span = Span.parse(text)
    return _within(float(span.seconds or 0), 0.1, 3600)


_UDP = _whole(1, 65535)
_HOST = Kind("HOST", "a host name or an IP address, without a port", _host)
_SERVER = Kind("HOST[:PORT]", "HOST or HOST:PORT (IPv6: [::1]:4747)", _address)
_METRICS = Kind(
    "[HOST:]PORT", "PORT or HOST:PORT", lambda text: _address(text if ":" in text else f"127.0.0.1:{text}")
)
_PERIOD = Kind("TIME", "a time such as 5s, 100ms to 3600s", _period)
_PORTS = Kind("A-B", "a range of ports such as 5000-5009", _ports)
_NAME = Kind("NAME", "the name of a folder inside WAV", lambda text: _match(r"(?!\.+$)[^/\\:]{1,200}", text))
_TEXT = Kind("TEXT", "at most 200 characters", lambda text: _match(".{1,200}", text), "")
_DEVICE = _TEXT._replace(metavar="DEVICE")
_LEVEL = Kind(
    "DB", "a level in dB from -60 to 12", lambda text: _within(float(re.sub("(?i) *db$", "", text)), -60, 12)
)
_NETWORK = Kind(
    "NETWORK",
    f'words such as "delay=30ms jitter=5ms loss=1% burst=3" (times up to {MOST_SECONDS}s; also twice=1% reorder=1% '
    "and rate=KBIT/S)",
    Impairment.parse,
)
_CHUNK = _whole(32, 1024, "FRAMES")
_MODE = _choice("local", "remote", "hybrid")
_PAYLOAD = _choice("L24", "L16", "F32")

_WAV = Setting(Kind("FOLDER", "a folder", str), "wav", "sound", "folder with a folder per instrument")
_OFFER = "offered to clients that set none"


@dataclass(frozen=True)
class ServerSettings:
    """What server.py obeys. `port` 0 and `udp_ports` None: any free ones; `token` "": none is asked for."""

    host: Annotated[str, Setting(_HOST, "127.0.0.1", "network", "address to listen at; 0.0.0.0: all")]
    port: Annotated[int, Setting(_whole(0, 65535), str(DEFAULT_PORT), "network", "TCP port; 0: any free one")]
    udp_ports: Annotated[range | None, Setting(_PORTS, "", "network", "UDP ports for audio; empty: any free")]
    token: Annotated[str, Setting(_TEXT, "", "network", "word that clients must give; empty: none")]
    wav: Annotated[str, _WAV]
    rate: Annotated[int, Setting(_whole(8000, 192000, "HZ"), "48000", "sound", "sample rate")]
    chunk_size: Annotated[int, Setting(_CHUNK, "128", "sound", "frames rendered at a time, 32 to 1024")]
    max_clients: Annotated[int, Setting(_whole(1, 1000), "5", "load", "players at a time")]
    polyphony: Annotated[int, Setting(_whole(1, 256), "32", "load", "notes at a time for each, 1 to 256")]
    render_threads: Annotated[int, Setting(_whole(1, 64), "1", "load", "threads that render, 1 to 64")]
    workers: Annotated[int, Setting(_whole(1, 64), "1", "load", "processes that serve, 1 to 64")]
    stats: Annotated[float | None, Setting(_PERIOD, "", "figures", "log figures so often; empty: never")]
    metrics: Annotated[
        Address | None, Setting(_METRICS, "", "figures", "where Prometheus finds figures; empty: nowhere")
    ]
    mode: Annotated[Mode, Setting(_MODE, "hybrid", _OFFER, "who plays: client, server or both")]
    instrument: Annotated[str, Setting(_NAME, "piano", _OFFER, "what is played")]
    offset: Annotated[Span, Setting(_span(10), "100ms", _OFFER, "how much of a note the client plays")]
    buffer_size: Annotated[Span, Setting(_span(10), "40ms", _OFFER, "how early packets reach the client")]


@dataclass(frozen=True)
class ClientSettings:
    """What client.py obeys. None: as the server offers, until `offered` or `defaults` settles it."""

    server: Annotated[Address, Setting(_SERVER, f"127.0.0.1:{DEFAULT_PORT}", "server", "where the server is")]
    token: Annotated[str, Setting(_TEXT, "", "server", "the server's word, if it asks for one")]
    mode: Annotated[Mode | None, Setting(_MODE, None, "playing", "who plays: this side, the server or both")]
    instrument: Annotated[str | None, Setting(_NAME, None, "playing", "what is played")]
    midi_in: Annotated[str, Setting(_DEVICE, "", "playing", "part of a MIDI port's name; empty: the first")]
    volume: Annotated[float, Setting(_LEVEL, "0", "sound", "level in dB, -60 to 12")]
    device: Annotated[
        str,
        Setting(_DEVICE, "", "sound", "output: number, part of its name, or null (silence); empty: system default"),
    ]
    wav: Annotated[str, _WAV]
    offset: Annotated[Span | None, Setting(_span(10), None, "stream", "how much of a note this side plays")]
    held: Annotated[Span, Setting(_span(600), "1s", "stream", "how much of each sample this side keeps")]
    buffer_size: Annotated[Span | None, Setting(_span(10), None, "stream", "how early packets come in")]
    chunk_size: Annotated[int | None, Setting(_CHUNK, None, "stream", "frames made at a time, 32 to 1024")]
    payload: Annotated[Payload, Setting(_PAYLOAD, "L24", "stream", "form of the sound on the wire")]
    simulate: Annotated[
        Impairment | None,
        Setting(
            _NETWORK, "", "stream", 'play as over a worse network, each way: "delay=30ms jitter=5ms loss=1% burst=3"'
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
                raise SettingError(f"{where}: there is no section {_shown(line)}; {hint}")
            continue
        key, equals, text = line.partition("=")
        name = key.strip().lower()
        if not current or not equals or not name:
            raise SettingError(f"{where} is {_shown(line)}: expected NAME = value below [server] or [client]")
        if current != section:
            continue
        if name not in TABLES[section]:
            known = [name.upper() for name in TABLES[section]]
            other = [other for other in TABLES if name in TABLES[other]]
            hint = f"it belongs in [{other[0]}]" if other else _nearest(name.upper().replace("-", "_"), known)
            raise SettingError(f"{where}: [{section}] has no setting {_shown(key.strip())}; {hint}")
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
    once.add_argument("--play", metavar="FILE.mid", help="play a MIDI file")
    once.add_argument("--demo", action="store_true", help="play a short built-in piece")
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
        return _within(float(text), -10_000, 10_000)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{_shown(text)}: expected a number from -10000 to 10000") from None


def _parser(section: str, description: str) -> argparse.ArgumentParser:
    epilog = f"In config.ini, --chunk-size is CHUNK_SIZE in [{section}], and so on. A flag wins."
    parser = argparse.ArgumentParser(f"{section}.py", None, description, epilog, allow_abbrev=False)
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
