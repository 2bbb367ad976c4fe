"""The figures of a run: what --report writes and --plot reads."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from netaudio.errors import SettingError
from netaudio.modes import Mode
from netaudio.player.player import ClientPlayer
from netaudio.player.stream_figures import StreamFigures
from netaudio.screen.history import History, Row
from netaudio.statistics import SPREAD, Histogram, quantile
from netaudio.timing.round_trips import RoundTrips
from netaudio.units import to_ms


class Spread(msgspec.Struct):
    p50: float | None = None
    p99: float | None = None
    p99_9: float | None = msgspec.field(default=None, name="p99.9")
    max: float | None = None


class Slack(msgspec.Struct):
    min: int | None = None
    p50: int | None = None


class KnitMargin(msgspec.Struct):
    notes: int = 0
    min: int | None = None
    p1: int | None = None
    p50: int | None = None


class Packets(msgspec.Struct):
    received: int = 0
    lost: int = 0
    recovered: int = 0
    late: int = 0
    duplicate: int = 0
    strange: int = 0


class Frames(msgspec.Struct):
    played: int
    streamed: int
    uncovered: int
    deferred: int  # of the others
    missing: int
    concealed: int


class Stretch(msgspec.Struct, array_like=True):
    """Frames from `first` on and before `end`."""

    first: int
    end: int


class Change(msgspec.Struct, array_like=True):
    """Settings, in frames, that hold for notes from a position on."""

    position: int
    offset: int
    buffer_size: int


class Report(msgspec.Struct, kw_only=True):
    """Positions are those of the recording, which begins with the song or else with the run, as do the figures.
    None: not known."""

    mode: Mode
    rate: int
    chunk_size: int  # of the stream
    block_size: int  # of the sound device
    offset_frames: int
    offset_ms: float
    buffer_size_frames: int
    held_frames: int | None
    changes: list[Change]  # of OFFSET = auto and BUFFER_SIZE = auto
    notes: int
    late_notes: int
    stolen: int
    round_trip_ms: Spread
    jitter_ms: float | None
    slack_frames: Slack
    knit_margin_frames: KnitMargin
    packets: Packets
    frames: Frames
    uncovered_spans: list[Stretch]  # or deferred
    clipped: int
    callback_ms: Spread
    xruns: int
    device_losses: int
    auto: list[str]  # the settings that are auto at the end
    stream_gaps: int
    recording: str | None
    history: dict[str, list[float | None]]  # the columns of Row


def report(
    player: ClientPlayer,
    figures: StreamFigures,
    held: int | None,
    buffer_size: int,
    changes: Sequence[Change],
    *,
    block_size: int,
    callback_ms: Mapping[str, float],
    xruns: int,
    device_losses: int,
    auto: list[str],
    stream_gaps: int,
    recording: str | None,
    history: History,
) -> Report:
    """What is to be told of a run that is over. Positions in `changes` are the player's own."""
    tally, trips = player.knit.tally.since(player.before_song), figures.round_trips
    start = player.song_start or 0
    return Report(
        mode=player.mode,
        rate=player.rate,
        chunk_size=player.chunk,
        block_size=block_size,
        offset_frames=player.offset,
        offset_ms=to_ms(player.offset, player.rate),
        buffer_size_frames=buffer_size,
        held_frames=held,
        changes=[Change(change.position - start, change.offset, change.buffer_size) for change in changes],
        notes=player.notes,
        late_notes=player.late_notes + tally.late,
        stolen=player.score.stolen,
        round_trip_ms=_round_trip(trips),
        jitter_ms=round(1000 * trips.jitter, 3) if trips.count else None,
        slack_frames=_slack(figures.slacks),
        knit_margin_frames=_knit_margin(tally.margins),
        packets=msgspec.convert(figures.packets, Packets, from_attributes=True),
        frames=Frames(
            played=(player.song_end or player.position) - start,
            streamed=tally.streamed,
            uncovered=tally.uncovered,
            deferred=tally.deferred,
            missing=tally.missing,
            concealed=tally.concealed,
        ),
        uncovered_spans=[Stretch(first - start, end - start) for first, end in tally.spans],
        clipped=player.clipped,
        callback_ms=msgspec.convert(callback_ms, Spread),
        xruns=xruns,
        device_losses=device_losses,
        auto=auto,
        stream_gaps=stream_gaps,
        recording=recording,
        history=history.columns(start / player.rate),
    )


def _round_trip(trips: RoundTrips) -> Spread:
    if not trips.count:
        return Spread()
    return msgspec.convert({name: round(1000 * trips.quantile(share), 3) for name, share in SPREAD.items()}, Spread)


def _slack(slacks: Histogram) -> Slack:
    if not slacks.counts:
        return Slack()
    return Slack(min=round(slacks.quantile(0.0)), p50=round(slacks.quantile(0.5)))


def _knit_margin(margins: Sequence[int]) -> KnitMargin:
    if not margins:
        return KnitMargin()
    least, p1, p50 = (round(quantile(margins, share)) for share in (0.0, 0.01, 0.5))
    return KnitMargin(len(margins), least, p1, p50)


def write_report(path: Path, report: Report) -> None:
    """As JSON; raises SettingError."""
    try:
        path.write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n")
    except OSError as error:
        raise SettingError(f"cannot write the report {path}: {error.strerror}") from None


def read_report(path: Path) -> Report:
    """What `write_report` wrote; raises SettingError."""
    try:
        report = msgspec.json.decode(path.read_bytes(), type=Report)
        if len({len(report.history[name]) for name in Row._fields}) != 1:
            raise ValueError("columns of different lengths")
    except OSError as error:
        raise SettingError(f"cannot read {path}: {error.strerror}") from None
    except (msgspec.DecodeError, ValueError, KeyError):
        raise SettingError(f"{path} is no report of a session: make one with client.py --report FILE.json") from None
    return report
