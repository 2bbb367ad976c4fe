"""The text of config.ini and the flags, made into settings.

A flag beats config.ini, which beats what the server offers (client only), which beats the default. An empty value
means "not set".
"""

import argparse
import configparser
import difflib
import re
from functools import partial
from typing import Any, NoReturn

from netaudio import __version__
from netaudio.config.kinds import shown, within
from netaudio.config.settings import TABLES, ClientSettings, ServerSettings
from netaudio.errors import SettingError


def server_settings(ini: str = "", flags: argparse.Namespace | None = None) -> ServerSettings:
    """What the flags and [server] in the text of config.ini say; raises SettingError."""
    return ServerSettings(**_values("server", ini, flags))


def client_settings(ini: str = "", flags: argparse.Namespace | None = None) -> ClientSettings:
    """What the flags and [client] in the text of config.ini say; raises SettingError."""
    return ClientSettings(**_values("client", ini, flags))


def _values(section: str, ini: str, flags: argparse.Namespace | None) -> dict[str, Any]:
    given = vars(flags) if flags else {}
    texts = read_ini(ini, section, given.get("config") or "config.ini")
    return {
        name: given[name] if name in given else setting.value(*texts.get(name, ("", name)))
        for name, setting in TABLES[section].items()
    }


class _Ini(configparser.RawConfigParser):
    SECTCRE = re.compile(r"^\[\s*(?P<header>.*\S)\s*\]$")  # nothing else stands on its line


def read_ini(ini: str, section: str, file: str = "config.ini") -> dict[str, tuple[str, str]]:
    """Each setting that a section names, as (text, where it stands); raises SettingError."""
    lines = [line.strip() for line in ini.removeprefix("\ufeff").split("\n")]
    lower = [_Ini.SECTCRE.sub(lambda head: f"[{head['header'].lower()}]", line) for line in lines]
    parser = _parsed(lower, lines, file)
    for name in parser.sections():
        if name not in TABLES:
            number = lower.index(f"[{name}]") + 1
            hint = _nearest(f"[{name}]", [f"[{known}]" for known in TABLES])
            raise SettingError(f"{file} line {number}: there is no section {shown(lines[number - 1])}; {hint}")
    if not parser.has_section(section):
        return {}
    found, begin = {}, lower.index(f"[{section}]")
    keys = [line.partition("=")[0].rstrip() for line in lines]
    for name, text in parser.items(section):
        place = next(place for place in range(begin, len(keys)) if keys[place].lower() == name)
        where = f"{file} line {place + 1}"
        if name not in TABLES[section]:
            raise SettingError(f"{where}: [{section}] has no setting {shown(keys[place])}; {_hint(name, section)}")
        found[name] = text, f"{where}, [{section}] {name.upper()}"
    return found


def _parsed(ini: list[str], lines: list[str], file: str) -> _Ini:
    """`lines` as they were written, for what is said about mistakes."""
    parser = _Ini(delimiters=("=",), default_section="")
    try:
        parser.read_file(ini)
    except configparser.DuplicateSectionError as error:
        raise SettingError(f"{file} line {error.lineno}: [{error.section}] begins twice; keep one") from None
    except configparser.DuplicateOptionError as error:
        where = f"{file} line {error.lineno}: [{error.section}] {error.option.upper()}"
        raise SettingError(f"{where} is set twice; keep one") from None
    except configparser.ParsingError as error:
        number = error.lineno if isinstance(error, configparser.MissingSectionHeaderError) else error.errors[0][0]
        where = f"{file} line {number} is {shown(lines[number - 1])}"
        raise SettingError(f"{where}: expected NAME = value below [server] or [client]") from None
    return parser


def _hint(name: str, section: str) -> str:
    """Where a setting that a section does not know belongs, or what it may be meant for."""
    other = next((other for other in TABLES if name in TABLES[other]), None)
    known = [name.upper() for name in TABLES[section]]
    return f"it belongs in [{other}]" if other else _nearest(name.upper().replace("-", "_"), known)


def _nearest(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name[:80], known, 1)
    return f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"


def server_parser() -> argparse.ArgumentParser:
    """The flags of server.py: those that are given become attributes; a wrong value raises SettingError."""
    return _parser("server", "Plays recorded instruments over the network for NetAudio clients.")


def client_parser() -> argparse.ArgumentParser:
    """The flags of client.py: its settings, as for the server, and what to do this once."""
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
    once.add_argument("--skew", metavar="PPM", type=_ppm, default=0.0, help="makes null's clock faster, for tests")
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
        groups[setting.group].add_argument(
            flag, type=partial(setting.value, where=flag), default=argparse.SUPPRESS, metavar=setting.kind.metavar,
            help=text.replace("%", "%%"),
        )  # fmt: skip
    return parser
