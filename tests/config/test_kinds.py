"""What each setting may be, and that all else is refused."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netaudio.config.kinds import Address
from netaudio.config.settings import TABLES
from netaudio.errors import SettingError
from netaudio.timing.network_model import Impairment
from netaudio.units import Span
from tests.config.test_load import SECTIONS, client, read, refusal, server


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("HOST = ::", "::"),
        ("HOST = [::1]", "::1"),
        ("HOST = sampler.local", "sampler.local"),
        ("PORT = 0", 0),
        ("UDP_PORTS = 5000-5009", range(5000, 5010)),
        ("UDP_PORTS = 5000", range(5000, 5001)),
        ("WAV = /srv/my sounds", "/srv/my sounds"),
        ("RATE = 44100", 44100),
        ("CHUNK_SIZE = 32", 32),
        ("chunk_size = 1024", 1024),
        ("POLYPHONY = 256", 256),
        ("TOKEN = a = b; c", "a = b; c"),
        ("MODE = Remote", "remote"),
        ("OFFSET = auto", Span()),
        ("BUFFER_SIZE = 1920", Span(1920)),
        ("OFFSET = 10s", Span(seconds=Decimal(10))),
        ("INSTRUMENT = Grand Piano", "Grand Piano"),
    ],
)
def test_server_values(line: str, value: object) -> None:
    assert getattr(server(line), line.split(" ")[0].lower()) == value


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("SERVER = studio", Address("studio", 4747)),
        ("SERVER = 10.0.0.7:5000", Address("10.0.0.7", 5000)),
        ("SERVER = [fe80::1%eth0]:5000", Address("fe80::1%eth0", 5000)),
        ("SERVER = ::1", Address("::1", 4747)),
        ("SIMULATE = delay=30ms LOSS=2%", Impairment(delay=0.03, loss=0.02)),
        ("VOLUME = -60", -60.0),
        ("VOLUME = 12 dB", 12.0),
        ("VOLUME = -1.5", -1.5),
        ("DEVICE = null", "null"),
        ("DEVICE = 3", "3"),
        ("DEVICE = USB Audio #2", "USB Audio #2"),
        ("MIDI_IN = Keys", "Keys"),
        ("PAYLOAD = f32", "F32"),
        ("HELD = auto", Span()),
        ("CHUNK_SIZE = 64", 64),
        ("INSTRUMENT = organ", "organ"),
    ],
)
def test_client_values(line: str, value: object) -> None:
    assert getattr(client(line), line.split(" ")[0].lower()) == value


@pytest.mark.parametrize(
    "line",
    [
        "HOST = a:80",
        "HOST = a b",
        "HOST = http://a",
        "HOST = :::",
        "PORT = 65536",
        "PORT = -1",
        "PORT = 4_7",
        "PORT = ٣",
        "UDP_PORTS = 5009-5000",
        "UDP_PORTS = 0-5",
        "UDP_PORTS = 5-",
        "UDP_PORTS = all",
        "RATE = 48k",
        "CHUNK_SIZE = 31",
        "CHUNK_SIZE = 1025",
        "CHUNK_SIZE = 128.0",
        "MAX_CLIENTS = 0",
        "POLYPHONY = 257",
        "RENDER_THREADS = 0",
        "WORKERS = 65",
        "STATS = 0s",
        "STATS = 5",
        "STATS = auto",
        "METRICS = here",
        "METRICS = 0",
        "MODE = both",
        "INSTRUMENT = ../piano",
        "INSTRUMENT = ..",
        "OFFSET = -1",
        "OFFSET = 10.1s",
        "OFFSET = 480001",
        "OFFSET = 1.5",
        "BUFFER_SIZE = fast",
        "BUFFER_SIZE = 1e3ms",
        "TOKEN = " + "x" * 201,
        "WAV = a\x00b",
    ],
)
def test_server_refuses(line: str) -> None:
    name = line.split(" ")[0]
    text = refusal("server", "# first\n[server]\n" + line)
    assert text.startswith(f"config.ini line 3, [server] {name} is ")
    assert "expected" in text and len(text) < 200


@pytest.mark.parametrize(
    "line",
    [
        "SERVER = :4747",
        "SERVER = a:b",
        "SERVER = a:0",
        "SERVER = [::1",
        "SERVER = [::1]x",
        "SERVER = [a]:1",
        "SERVER = http://a",
        "SERVER = a:1:2",
        "SIMULATE = delay=30",
        "SIMULATE = lag=30ms",
        "VOLUME = 12.1",
        "VOLUME = nan",
        "VOLUME = loud",
        "PAYLOAD = MP3",
        "HELD = 601s",
        "HELD = for ever",
    ],
)
def test_client_refuses(line: str) -> None:
    name = line.split(" ")[0]
    assert refusal("client", "[client]\n" + line).startswith(f"config.ini line 2, [client] {name} is ")


def test_an_address_reads_back() -> None:
    for address in (Address("::1", 5000), Address("studio", 1)):
        assert client(f"SERVER = {address}").server == address


@given(st.data(), st.text(st.characters(codec="utf-8")) | st.from_regex(r"[-+.:\[\]0-9a-fms%\s]*"))
def test_garbage_for_a_value(data: st.DataObject, text: str) -> None:
    section = data.draw(st.sampled_from(SECTIONS))
    name = data.draw(st.sampled_from(sorted(TABLES[section])))
    for ini, flags in ((f"[{section}]\n{name} = {text}", ()), ("", (f"--{name.replace('_', '-')}={text}",))):
        try:
            read(section, ini, *flags)
        except SettingError as error:
            assert "\n" not in str(error) and len(str(error)) < 600
