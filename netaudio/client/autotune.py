"""OFFSET, BUFFER_SIZE and HELD: set before the first note, and where they are auto, following the network."""

from collections.abc import Callable, Sequence

from netaudio.client.reconnect import PROBES, Network
from netaudio.config.settings import ResolvedSettings
from netaudio.modes import Mode
from netaudio.player.player import ClientPlayer
from netaudio.timing.latency_budget import GUESS_SECONDS, Tuning, most_offset, tuned
from netaudio.timing.latency_control import Follow
from netaudio.timing.round_trips import RoundTrips
from netaudio.units import Span, to_frames, to_ms

AUTO_PROBES = 70  # round trips that are awaited, one every 20 ms
LATE_NOTES, FORGIVE_SECONDS = 3, 30.0  # late notes until the player is told, and without any until no more
DEFAULT_OFFSET, DEFAULT_BUFFER_SIZE = Span.parse("100ms"), Span.parse("40ms")


class Auto:
    """`measure` once, then `follow` often. `offset` and `held` are frames; more may be held at any time."""

    def __init__(self, player: ClientPlayer, network: Network, chunk: int, say: Callable[[str], None]) -> None:
        self.offset = self.held = 0
        self.changes: list[tuple[int, int, int]] = []  # while playing: (position, OFFSET, BUFFER_SIZE)
        self._player, self._network, self._chunk, self._say = player, network, chunk, say
        self._rate = player.rate
        self._follow: Follow | None = None
        self._trips = self._margins = 0  # round trips and knit margins that have been taken so far
        self._begun = self._short = False
        self.follows: set[str] = set()  # the settings that are auto now
        self.hint = ""  # for the player, as long as it holds
        self._late = self._recent = 0  # notes
        self._late_at = 0.0

    async def measure(self, settings: ResolvedSettings) -> None:
        """Set all three, from the network where they are auto."""
        network, rate = self._network, self._rate
        spans = settings.offset, settings.buffer_size, settings.held
        auto = settings.offset.auto or settings.buffer_size.auto
        guess = to_frames(GUESS_SECONDS, rate)
        before = guess if settings.buffer_size.auto else settings.buffer_size.frames(rate)
        network.set_buffer_size(before, before)
        if network.connection:
            await network.enter(AUTO_PROBES if auto else PROBES)
        link = network.link
        if auto:
            self._follow = Follow(*spans, rate, self._chunk)
            self.follows = {name for name, span in zip(("OFFSET", "BUFFER_SIZE"), spans, strict=False) if span.auto}
        if self._follow and link and link.figures.round_trips.count:
            chosen = self._begin(self._follow, link.figures.round_trips)
        else:
            offset = DEFAULT_OFFSET if settings.offset.auto else settings.offset
            buffer_size = DEFAULT_BUFFER_SIZE if settings.buffer_size.auto else settings.buffer_size
            chosen = tuned(offset, buffer_size, settings.held, rate, self._chunk, 0.0, 0.0)
            if auto:
                self._say(f"auto: nothing to measure; OFFSET {offset}, BUFFER_SIZE {buffer_size}")
        for name, span in zip(("OFFSET", "BUFFER_SIZE"), spans, strict=False):
            if span.frame_count and span.frame_count < rate // 240:
                ms = to_ms(span.frame_count, rate)
                self._say(f"{name} {span} means frames, {ms:.1f} ms: for milliseconds write {span}ms")
        self.held = chosen.held
        if not settings.held.auto and settings.held.frames(rate) < self.held:
            self._say(f"HELD raised to {to_ms(self.held, rate):.0f} ms: OFFSET, 2 chunks and 5 ms")
        self._player.offset = self.offset = chosen.offset
        network.set_buffer_size(chosen.buffer_size, chosen.aim)

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
        follow, link = self._follow, self._network.link
        if follow is None or link is None or self._network.connection is None:
            return
        trips = link.figures.round_trips
        most = most_offset(self.held, self._rate, self._chunk)
        if not self._begun:  # there was no server before the first note
            if trips.count >= PROBES:
                self._take(self._begin(follow, trips, most), mode)
            return
        follow.hear(now, trips.since(self._trips))
        self._trips = trips.count
        chosen = follow.look(now, link.receiver.slacks.lowest(now), self._new_margins(), most)
        if chosen:
            self._take(chosen, mode)
        if follow.short and not self._short:
            self._short = True
            self._say(
                f"this network asks for a longer OFFSET than the {to_ms(self.held, self._rate):.0f} ms that are held "
                "allow: start again with a longer --held"
            )

    def fix(self, offset: int, mode: Mode) -> None:
        """An OFFSET of the player's own, which is not followed from now on."""
        self._recent, self.hint = 0, ""
        if "OFFSET" in self.follows:
            self.follows.remove("OFFSET")
            self._say("OFFSET is no longer auto: it stays where you put it")
        if self._follow is None:
            self.offset = offset
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
        link = self._network.link
        if new > 0 and self._recent >= LATE_NOTES and link and "OFFSET" not in self.follows:
            size, trips = Span(self._network.buffer_size), link.figures.round_trips
            needed = tuned(Span(), size, Span(), self._rate, self._chunk, trips.median, trips.jitter).offset
            if needed > self.offset:
                self.hint = f"notes come late: this network asks for an OFFSET of {to_ms(needed, self._rate):.0f} ms"

    def _take(self, chosen: Tuning, mode: Mode) -> None:
        changed = (self.offset, self._network.buffer_size) != (chosen.offset, chosen.buffer_size)
        self._network.set_buffer_size(chosen.buffer_size, chosen.aim)
        if changed:
            self.offset = chosen.offset
            self._player.post(self._player.set_mode, mode, chosen.offset)
            self.changes.append((self._player.position, chosen.offset, chosen.buffer_size))

    def _new_margins(self) -> Sequence[int]:
        margins = self._player.knit.tally.margins
        new = margins[self._margins :] if len(margins) >= self._margins else margins[:]  # a song counts anew
        self._margins = len(margins)
        return new
