"""OFFSET and BUFFER_SIZE: set before the first note, and where they are auto, following the network."""

from collections.abc import Callable, Sequence

from netaudio.client.connection import Greeting
from netaudio.client.connector import PROBES, Connector
from netaudio.client.library import Library
from netaudio.config.settings import ResolvedSettings
from netaudio.modes import Mode
from netaudio.player.player import ClientPlayer
from netaudio.screen.report import Change
from netaudio.timing.latency_budget import (
    GUESS_SECONDS,
    MORE_HELD,
    Tuning,
    least_reach,
    most_offset,
    stream_chunk,
    tuned,
)
from netaudio.timing.latency_control import Follow
from netaudio.timing.round_trips import RoundTrips
from netaudio.units import Span, to_frames, to_ms

AUTO_PROBES = 70  # round trips that are awaited, one every 20 ms
LATE_NOTES, FORGIVE_SECONDS = 3, 30.0  # late notes until the player is told, and without any until no more
DEFAULT_OFFSET, DEFAULT_BUFFER_SIZE = Span.parse("100ms"), Span.parse("40ms")


async def measure(settings: ResolvedSettings, connector: Connector, greeting: Greeting | None, rate: int) -> None:
    """Enter the session, if there is one, and await as many round trips as the settings ask for."""
    auto = settings.offset.auto or settings.buffer_size.auto
    before = to_frames(GUESS_SECONDS, rate) if settings.buffer_size.auto else settings.buffer_size.frames(rate)
    connector.set_buffer_size(before, before)
    if greeting:
        await connector.enter(greeting, AUTO_PROBES if auto else PROBES)


class Auto:
    """Sets both by what was measured; then `follow` often. `offset` is frames, and `reach` those that every key must
    be able to play from what is held."""

    def __init__(
        self,
        settings: ResolvedSettings,
        player: ClientPlayer,
        connector: Connector,
        library: Library,
        say: Callable[[str], None],
    ) -> None:
        self.offset = self.reach = 0
        self.changes: list[Change] = []  # while playing
        self.hint = ""  # for the player, as long as it holds
        self._player, self._connector, self._library, self._say = player, connector, library, say
        self._rate = player.rate
        self._hybrid_chunk = stream_chunk("hybrid", settings.chunk_size)  # for which is held what is held
        self._trips = self._margins = 0  # round trips and knit margins that have been taken
        self._begun = self._short = False
        self._late = self._recent = 0  # notes
        self._late_at = 0.0
        spans = {"OFFSET": settings.offset, "BUFFER_SIZE": settings.buffer_size}
        self.follows = {name for name, span in spans.items() if span.auto}  # the settings that are auto
        timing = self._rate, player.chunk
        self._follow = Follow(settings.offset, settings.buffer_size, *timing) if self.follows else None
        if self._follow and connector.figures.round_trips.count:
            chosen = self._begin(self._follow, connector.figures.round_trips)
        else:
            offset = DEFAULT_OFFSET if settings.offset.auto else settings.offset
            buffer_size = DEFAULT_BUFFER_SIZE if settings.buffer_size.auto else settings.buffer_size
            chosen = tuned(offset, buffer_size, *timing, 0.0, 0.0)
            if self.follows:
                say(f"auto: nothing to measure; OFFSET {offset}, BUFFER_SIZE {buffer_size}")
        for name, span in spans.items():
            if span.frame_count and span.frame_count < self._rate // 240:
                ms = to_ms(span.frame_count, self._rate)
                say(f"{name} {span} means frames, {ms:.1f} ms: for milliseconds write {span}ms")
        self._set_offset(chosen.offset, to_frames(MORE_HELD, self._rate) if settings.offset.auto else 0)
        player.offset = chosen.offset
        connector.set_buffer_size(chosen.buffer_size, chosen.aim)

    def _set_offset(self, offset: int, more: int = 0) -> None:
        self.offset = offset
        self.reach = max(self.reach, least_reach(offset, self._rate, self._hybrid_chunk) + more)

    def _begin(self, follow: Follow, trips: RoundTrips, most: int | None = None) -> Tuning:
        chosen = follow.begin(trips.since(0), most)
        self._begun, self._trips = True, trips.count
        self._say(
            f"auto: OFFSET {to_ms(chosen.offset, self._rate):.0f} ms, BUFFER_SIZE "
            f"{to_ms(chosen.buffer_size, self._rate):.0f} ms for a round trip of {1000 * trips.median:.1f} ms"
        )
        return chosen

    def follow(self, now: float, mode: Mode) -> None:
        """Take what the network did since the last call, and choose anew where that asks for it."""
        follow, connection, trips = self._follow, self._connector.connection, self._connector.figures.round_trips
        if follow is None or connection is None:
            return
        most = most_offset(self._library.reach, self._rate, self._hybrid_chunk)
        if not self._begun:  # there was no server before the first note
            if trips.count >= PROBES:
                self._take(self._begin(follow, trips, most), mode)
            return
        follow.chunk = self._player.chunk
        follow.hear(now, trips.since(self._trips))
        self._trips = trips.count
        chosen = follow.look(now, connection.link.receiver.slacks.lowest(now), self._new_margins(), most)
        if chosen:
            self._take(chosen, mode)
        if follow.short and not self._short:
            self._short = True
            self._say(
                f"this network asks for a longer OFFSET than {to_ms(most, self._rate):.0f} ms, for which enough is "
                "held: start again with a longer --held"
            )

    def hold(self, offset: int) -> bool:
        """Choose to hold enough for an OFFSET, and some to spare; whether that is more than is held."""
        least = least_reach(offset, self._rate, self._hybrid_chunk)
        if self._library.reach >= least:
            return False
        self.reach = least + to_frames(MORE_HELD, self._rate)
        return True

    def fix(self, offset: int, mode: Mode) -> None:
        """An OFFSET of the player's own, which is not followed from now on."""
        self._recent, self.hint = 0, ""
        if "OFFSET" in self.follows:
            self.follows.remove("OFFSET")
            self._say("OFFSET is no longer auto: it stays where you put it")
        if self._follow is None:
            self._set_offset(offset)
            self._player.post(self._player.set_mode, mode, offset)
        else:
            self._take(self._follow.fix(offset), mode)

    def warn(self, now: float, late: int) -> None:
        """Keep `hint`: what a longer OFFSET would do, while notes go on coming late."""
        new, self._late = late - self._late, late
        if new > 0:
            self._late_at, self._recent = now, self._recent + new
        elif now - self._late_at > FORGIVE_SECONDS:
            self._recent, self.hint = 0, ""
        trips = self._connector.figures.round_trips
        if new > 0 and self._recent >= LATE_NOTES and trips.count and "OFFSET" not in self.follows:
            size = Span(self._connector.buffer_size)
            needed = tuned(Span(), size, self._rate, self._player.chunk, trips.median, trips.jitter).offset
            if needed > self.offset:
                self.hint = f"notes come late: this network asks for an OFFSET of {to_ms(needed, self._rate):.0f} ms"

    def _take(self, chosen: Tuning, mode: Mode) -> None:
        changed = (self.offset, self._connector.buffer_size) != (chosen.offset, chosen.buffer_size)
        self._connector.set_buffer_size(chosen.buffer_size, chosen.aim)
        if changed:
            self._set_offset(chosen.offset)
            self._player.post(self._player.set_mode, mode, chosen.offset)
            self.changes.append(Change(self._player.position, chosen.offset, chosen.buffer_size))

    def _new_margins(self) -> Sequence[int]:
        new = self._player.knit.tally.margins[self._margins :]
        self._margins += len(new)
        return new
