"""The client's instruments: its own files, the server's descriptions, and which of both a program means."""

import difflib
from collections.abc import Callable
from pathlib import Path

from netaudio.errors import InstrumentError, SettingError
from netaudio.modes import Mode
from netaudio.readers.wav_folder import list_instruments, load
from netaudio.sampler.bank import Bank
from netaudio.sampler.instrument import Instrument, described, differences
from netaudio.wire.control import Instrument as Description

PROGRAMS = 128

Say = Callable[[str], None]


class Library:
    """Gives every instrument a program number that holds for this client's life.

    Where the client's files are missing or differ from the server's, the server's instrument has a number of
    its own, of which nothing is held: two different recordings are never knitted.
    """

    def __init__(self, folder: Path, rate: int, bank: Bank, say: Say) -> None:
        self.folder, self.rate, self.bank, self.say = folder, rate, bank, say
        self.own = list_instruments(folder)
        self.offered: list[str] = []  # by the server
        self.instruments: dict[int, Instrument] = {}
        self.streamed: set[int] = set()  # programs of which nothing is held
        self.unserved: set[int] = set()  # programs that the server does not have: they play from here alone
        self._numbers: dict[tuple[str, bool], int] = {}  # (name, whether it is the server's alone)
        self._held: dict[str, int] = {}  # frames; 0: whole
        self._compared: dict[str, bool] = {}  # whether ours is the server's

    @property
    def names(self) -> list[str]:
        """What can be chosen, in the order of the number keys."""
        return self.offered or self.own

    def find(self, name: str) -> str:
        """The instrument of this name, else of it in another case, else of this number; raises SettingError."""
        names = self.names
        lower = {there.lower(): there for there in names}
        numbers = {str(number): there for number, there in enumerate(names, 1)}
        if name in names:
            return name
        if found := lower.get(name.lower()) or numbers.get(name):
            return found
        where = "on the server" if self.offered else f"in {self.folder}"
        near = difflib.get_close_matches(name.lower(), lower, 1)
        hint = f"did you mean {lower[near[0]]}?" if near else f"choose one of {self._numbered()}"
        raise SettingError(f"there is no instrument {name!r} {where}: {hint}")

    def at(self, place: int) -> str:
        """The instrument in that place of the list; raises SettingError."""
        if place < len(self.names):
            return self.names[place]
        raise SettingError(f"there is no instrument {place + 1}: choose one of {self._numbered()}")

    def _numbered(self) -> str:
        return ", ".join(f"{number} {name}" for number, name in enumerate(self.names, 1)) or "none"

    def number(self, name: str, streamed: bool = False) -> int:
        if (name, streamed) not in self._numbers:
            if len(self._numbers) >= PROGRAMS:
                raise InstrumentError(f"more than {PROGRAMS} instruments in one run: start again to play {name}")
            self._numbers[name, streamed] = len(self._numbers)
        return self._numbers[name, streamed]

    def program(self, name: str, mode: Mode) -> int:
        """The number that plays an instrument in a mode; raises InstrumentError if nothing can."""
        own, served = self.number(name), self.number(name, streamed=True)
        if own in self.instruments and (mode == "local" or self._compared.get(name, True)):
            return own
        if served in self.instruments and mode != "local":
            return served
        raise InstrumentError(f"{name} has no files in {self.folder}: {mode} mode cannot play it here")

    def served(self, name: str) -> bool:
        """Whether the server has an instrument; says so if it has not."""
        number, there = self.number(name), name in self.offered
        if there:
            self.unserved.discard(number)
        elif number not in self.unserved:
            self.unserved.add(number)
            self.say(f"the server has no instrument {name!r}: it is played here alone, as far as it is held")
        return there

    def whole(self, name: str) -> bool:
        """Whether all of an instrument is here, or all that can be."""
        return name not in self.own or self._held.get(name) == 0

    def load(self, name: str, held: int | None, progress: Callable[[str, float], None] | None = None) -> None:
        """Read our files of an instrument, unless as much is held already; raises InstrumentError. Slow."""
        if name not in self.own:
            return
        wanted = held or 0
        there = self._held.get(name, -1)
        if there == 0 or (there >= wanted > 0):
            return
        loaded = load(self.folder, [name], self.rate, held, self.bank, progress)[name]
        for problem in loaded.problems:
            self.say(problem)
        self._held[name] = wanted
        self.instruments[self.number(name)] = loaded.instrument

    def compare(self, description: Description) -> bool:
        """Take the server's description of an instrument; whether ours is the same, to the last frame held."""
        name = description.name
        lines = ["no files here"]
        if name in self.own and self.number(name) in self.instruments:
            lines = differences(self.instruments[self.number(name)].sources, description.sources)
        same = not lines
        if not same and self._compared.get(name) is not False:
            self.say(
                f"{name}: {'; '.join(lines[:3])}{' …' if len(lines) > 3 else ''}: played by the server alone, with "
                f"its latency; copy the server's folder to {self.folder / name} to play it at once"
            )
        self._compared[name] = same
        (self.unserved.discard if same else self.unserved.add)(self.number(name))  # what sounds yet is ours alone
        number = self.number(name, streamed=True)
        self.instruments[number] = described(name, description.sources, self.rate)
        self.streamed.add(number)
        return same
