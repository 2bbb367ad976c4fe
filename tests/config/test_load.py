"""config.ini and the flags: which of them wins, and that every mistake gets one clear line."""

import dataclasses
import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netaudio.config.kinds import Address
from netaudio.config.load import client_parser, client_settings, read_ini, server_parser, server_settings
from netaudio.config.settings import TABLES, ClientSettings, ServerSettings
from netaudio.errors import SettingError
from netaudio.units import Span

SHIPPED = (Path(__file__).parent.parent.parent / "config.ini").read_text(encoding="utf-8")
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
        bank=None,
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
        held=Span(),
        buffer_size=None,
        chunk_size=None,
        payload="L24",
        simulate=None,
    )


def test_a_flag_beats_the_ini_which_beats_the_default() -> None:
    assert server("PORT = 5000").port == 5000
    assert server("PORT = 5000", "--port", "6000").port == 6000


def test_empty_means_not_set() -> None:
    assert server("PORT =\nTOKEN =\nUDP_PORTS =") == server()
    assert server("PORT = 5000", "--port", "").port == 4747
    assert server("UDP_PORTS = 5000", "--udp-ports", "").udp_ports is None


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
        ("[server]\n[client]\n[ Server ]", [], "config.ini line 3: [server] begins twice; keep one"),
        (
            "[server] x",
            [],
            "config.ini line 1 is '[server] x': expected NAME = value below [server] or [client]",
        ),
        ("[server]\n= 1", [], "config.ini line 2 is '= 1': expected NAME = value below [server] or [client]"),
    ],
)
def test_mistakes_are_named(ini: str, flags: list[str], said: str) -> None:
    assert refusal("server", ini, *flags) == said


def test_the_other_programs_values_are_not_judged() -> None:
    assert read("server", "[client]\nVOLUME = loud\nTUNING = 440") == server()


def test_comments_blank_lines_and_line_ends() -> None:
    ini = "\ufeff# a\r\n; b\r\n\r\n [ Server ] \r\n  PORT=5000  \r\n    TOKEN = a\r\n"
    assert (server_settings(ini).port, server_settings(ini).token) == (5000, "a")


@given(st.sampled_from(SECTIONS), st.text())
def test_garbage_for_an_ini(section: str, ini: str) -> None:
    try:
        read(section, ini)
    except SettingError as error:
        assert "\n" not in str(error)


# The parsers and the shipped file


@pytest.mark.parametrize("section", SECTIONS)
def test_a_name_is_the_same_everywhere(section: str) -> None:
    parser = server_parser() if section == "server" else client_parser()
    program = ServerSettings if section == "server" else ClientSettings
    fields = {field.name for field in dataclasses.fields(program)}
    assert set(TABLES[section]) == fields
    for name in fields:
        flag = "--" + name.replace("_", "-")
        assert not hasattr(parser.parse_args([]), name)
        assert getattr(parser.parse_args([flag, ""]), name) == getattr(read(section), name)
        assert flag in parser.format_help()


def test_the_clients_other_flags() -> None:
    flags = client_parser().parse_args(
        [
            "--no-keys",
            "--play",
            "a.mid",
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
    assert flags.no_keys and flags.plain and client_parser().parse_args(["--demo"]).demo
    assert flags.list_devices and flags.list_midi and flags.list_instruments
    nothing = client_parser().parse_args([])
    assert not any(vars(nothing).values())


def test_a_song_or_the_demo(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        client_parser().parse_args(["--demo", "--play", "a.mid"])
    said = capsys.readouterr().err
    assert said == "netaudio: argument --play: not allowed with argument --demo; client.py --help tells all\n"


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
