"""What a run was like over time: rows enough for a picture, and few enough to keep for hours."""

from collections.abc import Callable
from typing import Any, NamedTuple

from netaudio.player.link import Link
from netaudio.player.player import ClientPlayer
from netaudio.screen.view import Status
from netaudio.statistics import quantile
from netaudio.units import to_ms

MOST_ROWS = 600


class Row(NamedTuple):
    """A stretch of a run. None: not known, or without meaning then."""

    seconds: float  # where it ends, since the sound began
    voices: int  # at most
    level_db: float  # the peak, dBFS
    offset_ms: float  # as set at its end
    buffer_size_ms: float | None
    spare_ms: float | None  # what OFFSET leaves for the way there and back
    round_trip_ms: float | None  # the median
    round_trip_max_ms: float | None
    slack_ms: float | None  # the least
    knit_margin_ms: float | None  # the least
    lost: int  # packets, as are late and recovered
    late: int
    recovered: int
    late_notes: int
    missing_ms: float
    xruns: int


_MERGE: dict[str, Callable[..., float]] = {
    "voices": max, "level_db": max, "round_trip_ms": lambda pair: sum(pair) / len(pair), "round_trip_max_ms": max,
    "slack_ms": min, "knit_margin_ms": min, "lost": sum, "late": sum, "recovered": sum, "late_notes": sum,
    "missing_ms": sum, "xruns": sum,
}  # fmt: skip


def merged(one: Row, other: Row) -> Row:
    """Both in a row; `other` is the later one, whose settings hold."""
    values: dict[str, Any] = {}
    for name, merge in _MERGE.items():
        known = [value for value in (getattr(one, name), getattr(other, name)) if value is not None]
        values[name] = merge(known) if known else None
    return other._replace(**values)


class History:
    """A row a second; whenever there are `most`, each two become one, and rows are made half as often."""

    def __init__(self, most: int = MOST_ROWS) -> None:
        self.rows: list[Row] = []
        self.step = 1.0  # seconds
        self._most = most
        self._row: Row | None = None  # the one that is growing
        self._begun = self._looked = float("-inf")
        self._trips: list[float] = []  # of the growing row, in ms
        self._taken = self._margins = 0  # round trips and knit margins that are in rows
        self._before: dict[str, float] = {}

    def look(self, s: Status, player: ClientPlayer, link: Link | None) -> None:
        """Take what came since the last look. Ten times a second is good, once a second is the least."""
        if s.seconds - self._begun >= 2 * self.step:  # at first, or held up
            self._begun = s.seconds
        row = self._since(s, player, link)
        self._row = row if self._row is None else merged(self._row, row)
        self._looked = s.seconds
        if s.seconds - self._begun >= self.step:
            self._begun += self.step
            self.rows.append(self._grown())
            self._row = None
            self._trips.clear()
            if len(self.rows) >= self._most:
                pairs = zip(self.rows[::2], self.rows[1::2], strict=False)
                self.rows = [merged(*pair) for pair in pairs] + self.rows[len(self.rows) // 2 * 2 :]
                self.step *= 2

    def columns(self, start: float) -> dict[str, list[Any]]:
        """Each column by its name, with the row that is growing; seconds count from `start`."""
        rows = [*self.rows, self._grown()] if self._row else self.rows
        table = {name: [_short(getattr(row, name)) for row in rows] for name in Row._fields}
        table["seconds"] = [round(row.seconds - start, 3) for row in rows]
        return table

    def _grown(self) -> Row:
        assert self._row is not None
        if not self._trips:
            return self._row
        return self._row._replace(round_trip_ms=quantile(self._trips, 0.5), round_trip_max_ms=max(self._trips))

    def _since(self, s: Status, player: ClientPlayer, link: Link | None) -> Row:
        tally, rate = player.knit.tally, player.rate
        margins = tally.margins[self._margins :]
        self._margins += len(margins)
        slacks: list[int] = []
        if link is not None:
            trips = link.figures.round_trips
            self._trips += [1000 * trip for trip in trips.since(self._taken)]
            self._taken = trips.count
            slacks = link.receiver.slacks.since(self._looked)
        return Row(
            seconds=player.position / rate,
            voices=s.voices,
            level_db=s.level,
            offset_ms=s.offset_ms,
            buffer_size_ms=s.buffer_ms,
            spare_ms=s.spare_ms,
            round_trip_ms=None,
            round_trip_max_ms=None,
            slack_ms=to_ms(min(slacks), rate) if slacks else None,
            knit_margin_ms=to_ms(min(margins), rate) if margins else None,
            lost=round(self._more("lost", s.lost)),
            late=round(self._more("late", s.late)),
            recovered=round(self._more("recovered", s.recovered)),
            late_notes=round(self._more("late_notes", s.late_notes)),
            missing_ms=self._more("missing_ms", s.missing_ms),
            xruns=round(self._more("xruns", s.xruns)),
        )

    def _more(self, name: str, count: float) -> float:
        """By how much a count has outgrown what it was: `lost` goes down when a packet comes after all."""
        before = self._before.get(name, 0)
        self._before[name] = max(before, count)
        return max(0, count - before)


def _short(value: float | None) -> float | None:
    return round(value, 2) if isinstance(value, float) else value
