"""The live view: a Status in, lines of styled text out. Nothing in it moves or changes width while one plays."""

import textwrap
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from netaudio.screen.piano import Notes, draw_piano
from netaudio.screen.styled_text import (
    BAD,
    BOLD,
    DIM,
    GOOD,
    LIT,
    PLAIN,
    UNICODE,
    Line,
    Marks,
    columns,
    fit,
    limit,
    runs,
)

FULL_HEIGHT = 23  # from here on with gaps, a taller piano and its bars
FLOOR = -60.0  # dBFS, the left end of the meter
HOLD_SECONDS, CLIP_SECONDS, FALL = 1.0, 3.0, 25.0  # the meter's; it falls by so many dB per second
HISTORY = 400  # seconds that are kept for the plots
_LABEL, _VALUE, _LIMIT = 12, 9, 18  # columns

KEYS = (
    ("A–K", "play"), ("Z X", "octave"), ("space", "sustain"), ("1–9", "instrument"), ("M", "mode"),
    ("[ ]", "OFFSET"), ("- =", "volume"), ("P", "bits"), ("Esc", "leave"),
)  # fmt: skip
FEWER_KEYS = (
    ("A–K", "play"), ("ZX", "octave"), ("space", "pedal"), ("1–9", "sound"), ("M", "mode"), ("[]", "OFFSET"),
    ("-=", "dB"), ("Esc", "end"),
)  # fmt: skip
FEWEST_KEYS = (
    ("A–K", ""), ("ZX", "octave"), ("1–9", "sound"), ("M", "mode"), ("[]", "OFFSET"), ("-=", "dB"), ("Esc", ""),
)  # fmt: skip


@dataclass(frozen=True)
class Status:
    """All that a frame needs. None: not known, or without meaning here."""

    seconds: float  # when this was read, on any steady clock
    mode: str
    instrument: str
    number: int  # the instrument's, from 1
    server: str  # HOST:PORT; "" while none is wanted
    connected: bool
    notes: Notes
    voices: int
    polyphony: int
    level: float  # dBFS, the peak since the last reading
    clipped: int  # frames, so far
    volume_db: float
    offset_ms: float
    held_ms: float | None  # None: all
    chunk_ms: float  # of the stream
    buffer_ms: float | None = None
    round_trip_ms: float | None = None
    jitter_ms: float | None = None
    slack_ms: float | None = None
    margin_ms: float | None = None
    xruns: int = 0
    soundless: bool = False  # the sound device is gone for now
    here: bool = False  # lately something sounded that was played here
    streamed: bool = False  # or that came from the server
    missing_ms: float = 0.0
    lost: int = 0  # packets
    recovered: int = 0  # of them
    late: int = 0  # packets
    late_notes: int = 0
    song: tuple[float, float] | None = None  # seconds played, and in all
    aim_ms: float | None = None  # the slack aimed at, where that is not BUFFER_SIZE
    hint: str = ""  # to the player, for as long as it holds
    trouble: str = ""  # why there is no server, which matters more
    pedal: bool = False
    octave: int | None = None  # that the computer keys play, where known; 4 begins at middle C

    @property
    def spare_ms(self) -> float | None:
        """What OFFSET leaves for round trip and jitter together."""
        return None if self.slack_aim is None else self.offset_ms - self.slack_aim - 2 * self.chunk_ms

    @property
    def slack_aim(self) -> float | None:
        return self.buffer_ms if self.aim_ms is None else self.aim_ms


class Plot(NamedTuple):
    """A figure over time, in ms: the worst of each second. `scale` is the full height."""

    label: str
    value: float | None
    word: str
    limit: float | None
    scale: float
    least: bool  # the limit is the least that is good, not the most
    bound: float | None  # beyond it, it is bad

    def bad(self, value: float) -> bool:
        return self.bound is not None and (value < self.bound if self.least else value > self.bound)


def plots(s: Status) -> tuple[Plot, ...]:
    spare = s.spare_ms
    rest = None if spare is None else spare - (s.round_trip_ms or 0.0)
    scale = max(spare or 0.0, 1.0)
    return (
        Plot("round trip", s.round_trip_ms, "at most", spare, scale, False, spare),
        Plot("jitter", s.jitter_ms, "at most", rest, scale, False, rest),
        Plot("slack", s.slack_ms, "aim", s.slack_aim, max(2 * (s.slack_aim or 0.0), 1.0), True, 0.0),
        Plot("knit margin", s.margin_ms, "at least", 0.0, max(s.offset_ms, 1.0), True, 0.0),
    )


class View:
    """Turns Statuses, one after the other, into frames; it remembers what plots and meter need."""

    def __init__(self, marks: Marks = UNICODE) -> None:
        self.marks = marks
        self._second: int | None = None
        self._past: dict[str, deque[float | None]] = {}
        self._time = self._level_at = self._clip_at = float("-inf")
        self._shown = self._peak = float("-inf")  # dBFS
        self._clipped = 0

    def frame(self, s: Status, messages: Sequence[str], width: int, height: int) -> list[Line]:
        """At most `height` lines, the same number for every Status, of at most `width` - 1 columns: a terminal's
        last column is better left alone."""
        self._remember(s)
        if last := s.trouble or s.hint:
            messages = [*(message for message in messages if last not in message), last]
        full = height >= FULL_HEIGHT
        gap: list[Line] = [[]] if full else []
        rows = 3 + (min(3, height - FULL_HEIGHT - 1) if height > FULL_HEIGHT + 1 else 0)
        lines = [
            self._top(s, width), *gap, *self._piano(s, width, full), *gap, self._meter(s, width), *gap,
            *(self._plot(plot, width) for plot in plots(s)), *gap, _figures(s, width), _troubles(s, width),
            *self._messages(messages, width, rows), *(gap if height > FULL_HEIGHT + 1 else []), self._help(s, width),
        ]  # fmt: skip
        return [limit(line, width - 1, self.marks.cut) for line in lines[:height]]

    def _remember(self, s: Status) -> None:
        second = int(s.seconds)
        steps = HISTORY if self._second is None else min(second - self._second, HISTORY)
        for plot in plots(s):
            past = self._past.setdefault(plot.label, deque(maxlen=HISTORY))
            past.extend([None] * steps)
            if plot.value is not None:
                was = plot.value if past[-1] is None else past[-1]
                past[-1] = min(was, plot.value) if plot.least else max(was, plot.value)
        self._second = second
        self._shown = max(s.level, self._shown - FALL * max(0.0, s.seconds - self._time))
        self._time = s.seconds
        if s.level >= self._peak or s.seconds - self._level_at > HOLD_SECONDS:
            self._peak, self._level_at = s.level, s.seconds
        if s.clipped > self._clipped:
            self._clip_at = s.seconds
        self._clipped = s.clipped

    def _top(self, s: Status, width: int) -> Line:
        state, style, mark = "offline", DIM, self.marks.off
        if s.server:
            state, style = ("connected", GOOD) if s.connected else ("trying again", BAD)
            mark = self.marks.on if s.connected else mark
        server = fit(s.server, min(columns(s.server), width // 3), self.marks.cut)
        name = f"{s.number} {s.instrument}" if s.number else s.instrument
        room = width - 38 - columns(server)
        return [
            (" NetAudio  ", BOLD), (f"{s.mode:<8}", PLAIN), (fit(name, max(room, 0), self.marks.cut), BOLD),
            ("  " + server, PLAIN), (f" {mark} ", style), (f"{state:<12}", BAD if style == BAD else DIM),
        ]  # fmt: skip

    def _piano(self, s: Status, width: int, full: bool) -> list[Line]:
        wide = width >= 78
        side: tuple[Line, ...] = (
            [(f"{s.voices:>3}/{s.polyphony} notes", DIM)],
            [("  " * wide + self.marks.full, LIT), (" played here" if wide else " here", PLAIN if s.here else DIM)],
            [
                ("  " * wide + self.marks.tail, LIT),
                (" streamed" if wide else " server", PLAIN if s.streamed else DIM),
            ],
            [("  " * wide + "pedal" if s.pedal else "", LIT)],
        )
        lines = draw_piano(s.notes, s.octave, width - (17 if wide else 12), full, self.marks)
        for line, words in zip(lines, side, strict=False):
            line += words
        return lines

    def _meter(self, s: Status, width: int) -> Line:
        room = _plot_room(width)

        def column(level: float) -> float:
            return min(max(1 - level / FLOOR, 0.0), 1.0) * room

        whole, part = divmod(round(column(self._shown) * len(self.marks.parts)), len(self.marks.parts))
        bar = self.marks.full * whole + (self.marks.parts[part] if part else "")
        cells = [(mark, LIT) for mark in bar[:room]] + [(" ", PLAIN)] * (room - len(bar))
        if self._peak > FLOOR:
            cells[min(int(column(self._peak)), room - 1)] = (self.marks.tick, BOLD)
        clipping = s.seconds - self._clip_at < CLIP_SECONDS
        return [
            (f" {'no sound' if s.soundless else 'level':<{_LABEL}}", BAD if s.soundless else DIM),
            (self._number(self._peak if self._peak > FLOOR else None), PLAIN),
            (" dB  ", DIM), *runs(cells), ("  clip ", BAD if clipping else DIM),
            ("VOLUME", DIM), (f"{s.volume_db:>4.0f}", PLAIN), (" dB", DIM),
        ]  # fmt: skip

    def _plot(self, plot: Plot, width: int) -> Line:
        past = list(self._past[plot.label])[-_plot_room(width) :]
        heights = self.marks.heights
        cells = [
            (" ", PLAIN)
            if value is None
            else (heights[min(max(int(value / plot.scale * len(heights)), 0), len(heights) - 1)],
                  BAD if plot.bad(value) else LIT)
            for value in past
        ]  # fmt: skip
        bad = plot.value is not None and plot.bad(plot.value)
        limit = f"{plot.word:<8}{self._number(plot.limit)} ms"
        if plot.limit is not None and plot.limit < 0:
            limit = "OFFSET too small"
        return [
            (f" {plot.label:<{_LABEL}}", DIM), (self._number(plot.value), BAD if bad else ""), (" ms  ", DIM),
            *runs(cells), (f"  {limit}", DIM),
        ]  # fmt: skip

    def _number(self, value: float | None) -> str:
        """Six columns."""
        if value is None:
            return f"{self.marks.dash:>6}"
        value = min(max(value, -9999.0), 99999.0)
        return f"{value:>6.1f}" if abs(value) < 999.95 else f"{value:>6.0f}"

    def _messages(self, messages: Sequence[str], width: int, rows: int) -> list[Line]:
        """The newest that fit, whole; only the newest of all may be cut."""
        lines: list[str] = []
        for message in reversed(messages[-3:]):
            wrapped = textwrap.wrap(message, max(width - 2, 10), subsequent_indent="  ")
            if len(wrapped) > rows and not lines:
                wrapped = [*wrapped[: rows - 1], " ".join([wrapped[rows - 1], *wrapped[rows:]])]
            if len(lines) + len(wrapped) > rows:
                break
            lines = wrapped + lines
        return [[(" " + line, DIM)] for line in lines] + [[] for _ in range(rows - len(lines))]

    def _help(self, s: Status, width: int) -> Line:
        if s.song:
            played, whole = (f"{int(t) // 60}:{int(t) % 60:02}" for t in s.song)
            return [(f" {played:>6}", PLAIN), (f" of {whole}   ", DIM), ("Ctrl-C", PLAIN), (" leave", DIM)]
        for keys, between in ((KEYS, f" {self.marks.dot} "), (FEWER_KEYS, "  "), (FEWEST_KEYS, "  ")):
            line: Line = [(" ", PLAIN)]
            for key, word in keys:
                line += [(between if len(line) > 1 else "", DIM), (key.replace("–", self.marks.dash), PLAIN)]
                line += [(f" {word}" if word else "", DIM)]
            if sum(len(text) for text, _ in line) < width:
                break
        return line


def _plot_room(width: int) -> int:
    return max(1, width - 2 - _LABEL - _VALUE - 2 - 2 - _LIMIT)


def _figures(s: Status, width: int) -> Line:
    between = " " * min(max((width - 51) // 2, 2), 8)
    line: Line = [(" ", PLAIN)]
    for label, value, none in (
        ("OFFSET", s.offset_ms, ""), ("BUFFER_SIZE", s.buffer_ms, ""), ("HELD", s.held_ms, "all"),
    ):  # fmt: skip
        shown, unit = (none, "   ") if value is None else (round(value), " ms")
        line += [(f"{between if len(line) > 1 else ''}{label}", DIM), (f"{shown:>6}", PLAIN), (unit, DIM)]
    return line


def _troubles(s: Status, width: int) -> Line:
    """Each in a place of its own, blank while there is none."""
    places = (
        ("xruns", s.xruns, "", 12), ("missing", s.missing_ms, " ms", 17), ("late notes", s.late_notes, "", 17),
        ("lost", s.lost - s.recovered, "", 11), ("late", s.late, "", 10),
    )  # fmt: skip
    texts = [f"{f'{name} {_short(value)}{unit}' if value > 0 else '':<{room}}" for name, value, unit, room in places]
    return [(" " + "".join(texts if width > 68 else texts[:-1]), BAD)]


def _short(value: float) -> str:
    """At most five columns."""
    if isinstance(value, float) and value < 99.95:
        return f"{value:.1f}"
    return f"{round(value)}" if value < 99_999.5 else f"{min(value / 1000, 9999):.0f}k"
