"""What the player is told in lines, where there is no live view."""

import shutil
import sys
import textwrap
from collections.abc import Iterable

from netaudio.screen.view import KEYS, Status

PLAIN_SECONDS = 10.0  # between lines of figures


def printed(lines: Iterable[str], wrap: bool) -> str:
    """Lines to be written; for a terminal broken at words, where it would break them anywhere."""
    if wrap:
        room = shutil.get_terminal_size().columns
        lines = [
            part
            for line in lines
            for part in textwrap.wrap(
                line, room, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
            )
        ]
    return "".join(f"{line}\n" for line in lines)


class Plain:
    """One line per thing worth saying, on stderr; where somebody watches, what keys change and figures, too."""

    def __init__(self, interactive: bool = False) -> None:
        self._interactive = interactive
        self._last: Status | None = None
        self._told = 0.0
        self._played = False

    def say(self, text: str) -> None:
        sys.stderr.write(printed([text], self._interactive))
        sys.stderr.flush()

    def show(self, status: Status) -> None:
        last, self._last = self._last, status
        if status.hint and not (last and last.hint):
            self.say(status.hint)
        if not self._interactive:
            return
        if last is None:
            self._told = status.seconds
            if status.octave is not None:
                self.say(", ".join(f"{key} {word}" for key, word in KEYS).replace("–", "-"))
        else:
            for before, now in zip(settings(last), settings(status), strict=True):
                if now not in (before, ""):
                    self.say(now)
        self._played = self._played or bool(status.notes)
        if self._played and status.seconds - self._told >= PLAIN_SECONDS:
            self._told, self._played = status.seconds, False
            self.say(figures(status))

    def close(self) -> None:
        """Nothing to restore."""


def settings(s: Status) -> tuple[str, ...]:
    """What keys change, each in a line."""
    return (
        f"MODE {s.mode}",
        f"INSTRUMENT {s.number} {s.instrument}",
        f"OFFSET {s.offset_ms:.0f} ms",
        f"VOLUME {s.volume_db:.0f} dB",
        "" if s.octave is None else f"octave: A plays C{s.octave}",
        f"pedal {'down' if s.pedal else 'up'}",
    )


def figures(s: Status) -> str:
    """A status in a line."""
    parts = [f"{s.voices} of {s.polyphony} notes", f"peak {s.level:.0f} dBFS"]
    for name, value in (("round trip", s.round_trip_ms), ("slack", s.slack_ms), ("knit margin", s.margin_ms)):
        parts += [f"{name} {value:.1f} ms"] if value is not None else []
    for name, count in (
        ("lost", s.lost), ("recovered", s.recovered), ("late", s.late), ("late notes", s.late_notes),
        ("xruns", s.xruns),
    ):  # fmt: skip
        parts += [f"{name} {count}"] if count else []
    parts += [f"missing {s.missing_ms:.1f} ms"] if s.missing_ms else []
    return ", ".join(parts)
