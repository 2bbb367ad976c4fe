"""Settings: which source wins, what each may be, and that every mistake gets one clear line."""

import argparse
import dataclasses
import itertools
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netaudio.config import (
    TABLES,
    ClientSettings,
    ServerSettings,
    client_parser,
    client_settings,
    read_ini,
    server_parser,
    server_settings,
)
from netaudio.errors import SettingError
from netaudio.impairment import Impairment
from netaudio.kinds import Address
from netaudio.units import Span, parse_frames

SHIPPED = (Path(__file__).parent.parent / "config.ini").read_text(encoding="utf-8")
SECTIONS = ("server", "client")


def read(section: str, ini: str = "", *flags: str) -> ServerSettings | ClientSettings:
    if section == "server":
        return server_settings(ini, server_parser().parse_args(flags))
    return client_settings(ini, client_parser().parse_args(flags))


def server(ini: str = "", *flags: str) -> ServerSettings:
    return server_settings("[server]\n" + ini, server_parser().parse_args(flags))


def client(ini: str = "", *flags: str) -> ClientSettings:
    return client_settings("[client]\n" + ini, client_parser().parse_args(flags))


def refusal(section: str, ini: str, *flags: str) -> str:
    with pytest.raises(SettingError) as caught:
        read(section, ini, *flags)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# The sources and their order


def test_server_defaults() -> None:
    assert server() == ServerSettings(
        host="127.0.0.1",
        port=4747,
        udp_ports=None,
        token="",
        wav="wav",
        rate=48000,
        chunk_size=128,
        max_clients=5,
        polyphony=32,
        render_threads=1,
        workers=1,
        stats=None,
        metrics=None,
        mode="hybrid",
        instrument="piano",
        offset=Span.parse("100ms"),
        buffer_size=Span.parse("40ms"),
    )


def test_client_defaults_leave_open_what_the_server_offers() -> None:
    assert client() == ClientSettings(
        server=Address("127.0.0.1", 4747),
        token="",
        mode=None,
        instrument=None,
        midi_in="",
        volume=0.0,
        device="",
        wav="wav",
        offset=None,
        held=Span.parse("1s"),
        buffer_size=None,
        chunk_size=None,
        payload="L24",
        simulate=None,
    )


def test_a_flag_beats_the_ini_which_beats_the_default() -> None:
    assert server("PORT = 5000").port == 5000
    assert server("PORT = 5000", "--port", "6000").port == 6000


def test_the_client_beats_the_offer_which_beats_the_default() -> None:
    settled = client("OFFSET = 70ms\nMODE = remote").offered(mode="local", offset=Span(9), instrument="organ")
    assert (settled.mode, settled.offset, settled.instrument) == ("remote", Span.parse("70ms"), "organ")
    assert (settled.buffer_size, settled.chunk_size) == (Span.parse("40ms"), 128)


def test_what_nobody_offers_is_the_servers_default() -> None:
    settled, base = client("VOLUME = -6").defaults(), server()
    assert settled.volume == -6
    for name in ("mode", "offset", "buffer_size", "instrument", "chunk_size"):
        assert getattr(settled, name) == getattr(base, name)


def test_settling_twice_changes_nothing() -> None:
    settled = client().offered(chunk_size=64, mode="local")
    assert settled.offered(chunk_size=256, mode="remote") == settled


def test_empty_means_not_set() -> None:
    assert server("PORT =\nTOKEN =\nUDP_PORTS =") == server()
    assert server("PORT = 5000", "--port", "").port == 4747


# What each setting may be


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


# What is said about mistakes


@pytest.mark.parametrize(
    ("ini", "flags", "said"),
    [
        ("", ["--port", "x"], "--port is 'x': expected a whole number from 0 to 65535"),
        (
            "[server]\nPORT = x",
            [],
            "config.ini line 2, [server] PORT is 'x': expected a whole number from 0 to 65535",
        ),
        (
            "[server]\nPORT = x",
            ["--config", "my.ini"],
            "my.ini line 2, [server] PORT is 'x': expected a whole number from 0 to 65535",
        ),
        (
            "[server]\nPORT = 1 # mine",
            [],
            "config.ini line 2, [server] PORT is '1 # mine': expected a whole number from 0 to 65535; "
            "a comment needs a line of its own",
        ),
        (
            "[server]\nMODE = hybird",
            [],
            "config.ini line 2, [server] MODE is 'hybird': expected local, remote or hybrid",
        ),
        ("[server]\nPROT = 1", [], "config.ini line 2: [server] has no setting 'PROT'; did you mean PORT?"),
        (
            "[server]\nchunk-size = 1",
            [],
            "config.ini line 2: [server] has no setting 'chunk-size'; did you mean CHUNK_SIZE?",
        ),
        ("[server]\nVOLUME = 1", [], "config.ini line 2: [server] has no setting 'VOLUME'; it belongs in [client]"),
        ("[sever]\n", [], "config.ini line 1: there is no section '[sever]'; did you mean [server]?"),
        ("[x]\n", [], "config.ini line 1: there is no section '[x]'; known are [server], [client]"),
        ("[server]\nPORT 1", [], "config.ini line 2 is 'PORT 1': expected NAME = value below [server] or [client]"),
        ("PORT = 1", [], "config.ini line 1 is 'PORT = 1': expected NAME = value below [server] or [client]"),
        ("[server]\nPORT = 1\n\nport = 2", [], "config.ini line 4: [server] PORT is set twice; keep one"),
    ],
)
def test_mistakes_are_named(ini: str, flags: list[str], said: str) -> None:
    assert refusal("server", ini, *flags) == said


def test_the_other_programs_values_are_not_judged() -> None:
    assert read("server", "[client]\nVOLUME = loud\nTUNING = 440") == server()


def test_comments_blank_lines_and_line_ends() -> None:
    ini = "\ufeff# a\r\n; b\r\n\r\n [ Server ] \r\n  PORT=5000  \r\n"
    assert server_settings(ini).port == 5000


@given(st.sampled_from(SECTIONS), st.text())
def test_garbage_for_an_ini(section: str, ini: str) -> None:
    try:
        read(section, ini)
    except SettingError as error:
        assert "\n" not in str(error)


@given(st.data(), st.text(st.characters(codec="utf-8")) | st.from_regex(r"[-+.:\[\]0-9a-fms%\s]*"))
def test_garbage_for_a_value(data: st.DataObject, text: str) -> None:
    section = data.draw(st.sampled_from(SECTIONS))
    name = data.draw(st.sampled_from(sorted(TABLES[section])))
    known = server_settings if section == "server" else client_settings
    for ini, flags in ((f"[{section}]\n{name} = {text}", {}), ("", {name: text})):
        try:
            known(ini, argparse.Namespace(**flags))
        except SettingError as error:
            assert "\n" not in str(error) and len(str(error)) < 600


# Spans


@pytest.mark.parametrize(
    ("text", "frames"),
    [
        ("1920", 1920),
        ("40ms", 1920),
        ("0.04s", 1920),
        (" 40 MS ", 1920),
        ("0", 0),
        ("0.01ms", 0),
        ("1920.0", 1920),
    ],
)
def test_span_frames(text: str, frames: int) -> None:
    assert Span.parse(text).frames(48000) == frames == parse_frames(text, 48000)


def test_frames_stay_while_times_follow_the_rate() -> None:
    assert (Span.parse("1920").frames(44100), Span.parse("40ms").frames(44100)) == (1920, 1764)


def test_auto_has_no_frames_of_its_own() -> None:
    assert Span.parse("Auto").auto and not Span(0).auto and not Span(seconds=Decimal(0)).auto
    with pytest.raises(SettingError, match="OFFSET"):
        parse_frames("auto", 48000, "OFFSET")


spans = (
    st.just(Span())
    | st.integers(0, 999_999_999).map(Span)
    | st.decimals(0, 9_999, places=6).map(lambda seconds: Span(seconds=abs(seconds)))
)


@given(spans)
def test_spans_read_back(span: Span) -> None:
    assert Span.parse(str(span)) == span


@given(st.text() | st.from_regex(r"[0-9.]+ ?(ms|s)?"))
def test_garbage_for_a_span(text: str) -> None:
    try:
        span = Span.parse(text)
    except ValueError:
        return
    assert span.auto or span.frames(192000) >= 0


# The parsers and the shipped file


@pytest.mark.parametrize("section", SECTIONS)
def test_a_name_is_the_same_everywhere(section: str) -> None:
    parser = server_parser() if section == "server" else client_parser()
    program = ServerSettings if section == "server" else ClientSettings
    fields = {field.name for field in dataclasses.fields(program)}
    assert set(TABLES[section]) == fields
    for name in fields:
        flag = "--" + name.replace("_", "-")
        assert getattr(parser.parse_args([flag, "x"]), name) == "x"
        assert flag in parser.format_help()


def test_the_clients_other_flags() -> None:
    flags = client_parser().parse_args(
        [
            "--no-keys",
            "--play",
            "a.mid",
            "--demo",
            "--record",
            "o.wav",
            "--report",
            "o.json",
            "--plain",
            "--list-devices",
            "--list-midi",
            "--list-instruments",
        ]
    )
    assert (flags.play, flags.record, flags.report) == ("a.mid", "o.wav", "o.json")
    assert flags.no_keys and flags.demo and flags.plain
    assert flags.list_devices and flags.list_midi and flags.list_instruments
    nothing = client_parser().parse_args([])
    assert not any(vars(nothing).values())


def test_a_level_below_zero_needs_no_equals_sign() -> None:
    assert client("", "--volume", "-6").volume == -6


@pytest.mark.parametrize("section", SECTIONS)
def test_the_shipped_ini_names_every_setting_with_its_default(section: str) -> None:
    named = {name: text.strip() for name, (text, _) in read_ini(SHIPPED, section).items()}
    assert named == {name: setting.default or "" for name, setting in TABLES[section].items()}
    assert read(section, SHIPPED) == read(section)


def test_the_shipped_ini_explains_every_setting() -> None:
    lines = SHIPPED.split("\n")
    for before, line in itertools.pairwise(lines):
        assert "=" not in line or line.startswith("#") or before.startswith("# ")
