"""The client's instruments: its own files and how much of them is held, the server's descriptions, and which of
both a program means."""

import difflib
from collections.abc import Callable
from pathlib import Path

from netaudio.errors import InstrumentError, SettingError
from netaudio.modes import Mode
from netaudio.readers.wav_folder import list_instruments, load, whole_size
from netaudio.sampler.bank import Bank
from netaudio.sampler.instrument import Instrument, described, differences
from netaudio.sampler.layout import ENDLESS
from netaudio.units import Span, to_frames, to_ms
from netaudio.wire.control import Instrument as Description

PROGRAMS = 128
FRAME_BYTES = 8
WHOLE_BYTES = 256_000_000  # HELD = auto: instruments are held whole while the bank stays smaller,
PART_SECONDS = 1.0  # and so much of each recording where it would not

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
        self.held: int | None = None  # frames, of the recording of which the least is held; None: all are whole
        self.reach = ENDLESS  # frames that every key can play from what is held
        self._numbers: dict[tuple[str, bool], int] = {}  # (name, whether it is the server's alone)
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
        return name not in self.own or self._holds(name, None, 0)

    def load(
        self, name: str, held: Span | None, reach: int, progress: Callable[[str, float], None] | None = None
    ) -> None:
        """Read our files of an instrument, unless as much is held already; raises InstrumentError. Slow.

        Held is what HELD says of each recording (None: all), or more where a key needs that to play `reach` frames.
        """
        if name not in self.own or self._holds(name, None, 0):
            return
        wanted = self._wanted(name, held)
        if self._holds(name, wanted, reach):
            return
        loaded = load(self.folder, [name], self.rate, wanted, self.bank, progress, reach)[name]
        for problem in loaded.problems:
            self.say(problem)
        most = max(region.held for region in loaded.instrument.regions)
        if held and not held.auto and wanted is not None and most > wanted:
            self.say(
                f"HELD raised for {name}, to {to_ms(most, self.rate):.0f} ms: "
                "what its highest keys read of a recording in OFFSET, 2 chunks and 5 ms"
            )
        self.instruments[self.number(name)] = loaded.instrument
        regions = [region for own in self._loaded() for region in own.regions]
        self.held = min((region.held for region in regions if not region.whole), default=None)
        self.reach = min(region.reach() for region in regions)

    def _wanted(self, name: str, held: Span | None) -> int | None:
        """The frames of each recording that HELD asks for; None: all."""
        if held is None:
            return None
        if not held.auto:
            return held.frames(self.rate)
        frames = len(self.bank.frames) + whole_size(self.folder / name, self.rate)
        return None if FRAME_BYTES * frames < WHOLE_BYTES else to_frames(PART_SECONDS, self.rate)

    def _holds(self, name: str, held: int | None, reach: int) -> bool:
        """Whether so much of each recording (None: all) is here, and every key can play so much of it."""
        number = self._numbers.get((name, False), -1)
        return number in self.instruments and all(
            region.whole or (held is not None and region.held >= held and region.reach() >= reach)
            for region in self.instruments[number].regions
        )

    def _loaded(self) -> list[Instrument]:
        return [
            self.instruments[n]
            for (_, streamed), n in list(self._numbers.items())  # at once: others number theirs meanwhile
            if not streamed and n in self.instruments
        ]

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
