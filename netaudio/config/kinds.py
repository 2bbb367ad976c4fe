"""What a setting's text may be, and what it then means."""

import ipaddress
import re
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar, get_args

from netaudio.errors import SettingError
from netaudio.modes import Mode
from netaudio.timing.network_model import MOST_SECONDS, Impairment
from netaudio.units import Span
from netaudio.wire.payload import PAYLOADS

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

    def value(self, text: str, where: str) -> Any:
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
            raise SettingError(f"{where} is {shown(text)}: expected {self.kind.expected}{hint}") from None


def shown(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:60] + "…")


def _match(pattern: str, text: str) -> str:
    if not re.fullmatch(pattern, text):
        raise ValueError
    return text


def within(number: Number, low: Number, high: Number) -> Number:
    if not low <= number <= high:
        raise ValueError
    return number


def whole(low: int, high: int, metavar: str = "N") -> Kind:
    expected = f"a whole number from {low} to {high}"
    return Kind(metavar, expected, lambda text: within(int(_match("[0-9]{1,9}", text)), low, high))


def choice(*words: str) -> Kind:
    lower = [word.lower() for word in words]
    expected = f"{', '.join(words[:-1])} or {words[-1]}"
    return Kind("|".join(words), expected, lambda text: words[lower.index(text.lower())])


def span(longest: int) -> Kind:
    """Up to so many seconds, or as many frames as those are at 48 kHz."""

    def read(text: str) -> Span:
        span = Span.parse(text)
        within(float(span.seconds or 0), 0, longest)
        within(span.frame_count or 0, 0, longest * 48000)
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
    return range(within(low, 1, high), high + 1)


def _period(text: str) -> float:
    span = Span.parse(text)
    return within(float(span.seconds or 0), 0.1, 3600)


_UDP = whole(1, 65535)
HOST = Kind("HOST", "a host name or an IP address, without a port", _host)
SERVER = Kind("HOST[:PORT]", "HOST or HOST:PORT (IPv6: [::1]:4747)", _address)
METRICS = Kind(
    "[HOST:]PORT", "PORT or HOST:PORT", lambda text: _address(text if ":" in text else f"127.0.0.1:{text}")
)
PERIOD = Kind("TIME", "a time such as 5s, 100ms to 3600s", _period)
PORTS = Kind("A-B", "a range of ports such as 5000-5009", _ports)
NAME = Kind("NAME", "the name of a folder inside WAV", lambda text: _match(r"(?!\.+$)[^/\\:]{1,200}", text))
TEXT = Kind("TEXT", "at most 200 characters", lambda text: _match(".{1,200}", text), "")
DEVICE = TEXT._replace(metavar="DEVICE")
LEVEL = Kind("DB", "a level in dB from -60 to 12", lambda text: within(float(re.sub("(?i) *db$", "", text)), -60, 12))
NETWORK = Kind(
    "NETWORK",
    f'words such as "delay=30ms jitter=5ms loss=1% burst=3" (times up to {MOST_SECONDS}s; also twice=1% reorder=1% '
    "and rate=KBIT/S)",
    Impairment.parse,
)
CHUNK = whole(32, 1024, "FRAMES")
MODE = choice(*get_args(Mode))
PAYLOAD = choice(*PAYLOADS)
