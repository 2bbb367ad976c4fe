"""The client's engine: keys and packets in, frames out. Time is an argument; the audio callback owns it."""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from netaudio import midi
from netaudio.modes import Mode
from netaudio.player.counters import Tally
from netaudio.player.deferral import Deferral
from netaudio.player.knit import Knit
from netaudio.player.rings import TripleRing
from netaudio.sampler.bank import Bank
from netaudio.sampler.instrument import Instrument
from netaudio.sampler.layout import ENDLESS, MOST_CHANGES
from netaudio.sampler.pitch import CENT, ratio
from netaudio.sampler.snapshot import ScoreState
from netaudio.sampler.voice import Voice
from netaudio.sampler.voices import Event, Score, line_of
from netaudio.timing.clock import CardClock
from netaudio.units import Frames

FORGET_FRAMES = 1024  # between searches for voices that have ended
MOST_PENDING = MOST_CHANGES // 2  # changes of a line that wait to be heard: the server folds its own later
Outbox = deque[Event | ScoreState]
"""What is to go to a server: each session's own, so that none takes what was meant for the one before."""
Song = Sequence[tuple[int, bytes]]  # (frames from its start, channel message), sorted


class ClientPlayer:
    """Stamps what the player does, folds it into a score and knits the sound.

    Other threads only `push` keys, `post` commands, put packets into `rings.remote`, and take from `outbox`.
    """

    def __init__(
        self,
        rate: int,
        chunk: int,
        polyphony: int,
        bank: Bank,
        instruments: dict[int, Instrument],
        streamed: set[int],
        mode: Mode,
        offset: int,
    ) -> None:
        """`instruments` by program, and those of which nothing is held, which play as in remote mode; others
        may add to both."""
        self.rate, self.bank, self.mode, self.offset = rate, bank, mode, offset
        self.instruments, self.streamed = instruments, streamed
        self.unserved: set[int] = set()  # programs that the server does not have: they play as in local mode
        self.score = Score(rate, polyphony, instruments.get, client=True)
        self.rings = TripleRing(chunk)
        self.knit = Knit(self.score, self.rings)
        self.clock = CardClock(rate)
        self.position = 0  # the next frame to be rendered
        self.began = (0.0, 0, 0)  # when the last block began, its first frame, and its frames
        self.outbox = Outbox()
        self.wake: Callable[[], None] = lambda: None
        """Called after a block that left something there; must not let go of the interpreter's lock."""
        self.linked = False
        self.notes = self.late_notes = self.clipped = self.refused = 0
        self._deferral = Deferral(self.score)
        self._thinned: dict[tuple[int, int], bytes] = {}  # the newest change of a (channel, line), to be stamped
        self.song_start: int | None = None
        self.song_end: int | None = None  # when it was over and all was silent
        self.before_song = Tally()  # what the knit had counted by then
        self._forgot = 0
        self._song: deque[tuple[int, bytes]] = deque()
        self._inbox: deque[tuple[float, bytes, bool]] = deque()
        self._early: list[tuple[int, bytes]] = []  # keys with their positions, which the next block will reach
        self._commands: deque[tuple[Callable[..., None], tuple[Any, ...]]] = deque()

    @property
    def chunk(self) -> int:
        """Frames of the stream that the server renders at a time."""
        return self.rings.remote.chunk

    def push(self, time: float, message: bytes, coarse: bool = False) -> None:
        """A key or controller moved at `time` (seconds, the clock that `render` is given); a coarse one in the
        block of the device before that time, which tells no more than when the device handed it over."""
        self._inbox.append((time, message, coarse))

    def post(self, command: Callable[..., None], *args: Any) -> None:
        """Have one of the methods below called at the start of the next block."""
        self._commands.append((command, args))

    def set_mode(self, mode: Mode, offset: int) -> None:
        """For notes from now on; sounding ones keep theirs."""
        self.mode, self.offset = mode, offset

    def set_volume(self, gain: float) -> None:
        self.knit.volume.move(self.position, gain)

    def play(self, song: Song) -> None:
        """Begin a song with the coming block."""
        self.song_start, self.song_end = self.position, None
        self.before_song = self.knit.tally.reading()
        self._song.extend((self.position + at, message) for at, message in song)

    def join(self, chunk: int, polyphony: int, outbox: Outbox) -> None:
        """Begin a new session: its state goes to its outbox, and all events after it."""
        self.score.polyphony = polyphony
        self.rings.new_stream(chunk)
        for voice in self.score.voices:
            if voice.program in self.unserved:  # by now: it is played from here, as far as it is held
                voice.cut = voice.reach = ENDLESS
                self.score.update(voice)
        self.knit.forget(self.position, stream=False)
        self.knit.consumed = self.score.seq
        self.outbox = outbox
        self.outbox.append(self.score.state())
        self.linked = True

    def leave(self) -> None:
        """The stream is lost: nothing more will be heard of the old session."""
        self.linked = False
        self.rings.new_stream(self.chunk)
        self.outbox = Outbox()

    def moved(self, seq: int, delay: int) -> None:
        """The server heard a remote note late and moved it by `delay` frames."""
        self.late_notes += 1
        for voice in self.score.voices:
            if voice.seq == seq:
                voice.delay = delay
                self.score.update(voice)

    @property
    def playing_song(self) -> bool:
        return self.song_start is not None and self.song_end is None

    def sounding(self) -> list[Voice]:
        return [v for v in self.score.voices if v.start <= self.position and self.score.alive(v, self.position)]

    def render(self, out: Frames, now: float, xrun: bool = False) -> None:
        """Fill a block (frames, 2) of any size; `now` is the time at which it began, `xrun` whether the card had
        run dry before it."""
        count, start = len(out), self.position
        self.clock.report(now, start, xrun)
        self.began = now, start, count
        while self._commands:
            command, args = self._commands.popleft()
            command(*args)
        if start - self._forgot >= FORGET_FRAMES:
            self._forgot = start
            self.knit.forget(start, self.linked)
        for position, message in self._stamped(start, count):
            self._stamp(start, position, message)
        self._stamp_thinned(start, start + count - 1)
        self.knit.deferred_until = self._deferral.until(start, start + count)
        self.knit.render(self.bank.frames, start, count)
        self.position = start + count
        self._give(self.rings.merged.read(start, count), out)
        if self.outbox:
            self.wake()
        over = not self._song and not self._thinned and self.position > self.score.position
        if self.playing_song and over and self._silent():
            self.song_end = self.position

    def _give(self, block: Frames, out: Frames) -> None:
        """Clip, and count, only where there is a need: a tenth of a steady block's time."""
        if np.maximum.reduce(block, None, initial=0) > 1 or np.minimum.reduce(block, None, initial=0) < -1:
            self.clipped += int((np.abs(block) > 1.0).any(axis=1).sum())
            np.clip(block, -1.0, 1.0, out=out)
        else:
            out[:] = block

    def _silent(self) -> bool:
        return not any(self.score.alive(voice, self.position) for voice in self.score.voices)

    def _stamped(self, start: int, count: int) -> list[tuple[int, bytes]]:
        """What is due in this block, in order of position. Keys of the last block come one block later, at
        the same place in it, or if coarse at its beginning: a constant delay is easier to play on than a
        varying one. Keys of this block, which the device may hand over as it begins, wait for the next."""
        end, keys = start + count, self._early
        while self._inbox:
            time, message, coarse = self._inbox.popleft()
            position = round(self.clock.position(time)) + count
            if coarse:
                position = start + count * round((position - start) / count)
            keys.append((min(max(position, start), end + count - 1), message))
        due, self._early = [key for key in keys if key[0] < end], [key for key in keys if key[0] >= end]
        while self._song and self._song[0][0] < end:
            due.append(self._song.popleft())
        return sorted(due, key=lambda item: item[0])

    def _stamp(self, start: int, position: int, message: bytes) -> None:
        """Apply what was done, but of each channel and controller one change in 5 ms at most: the newest, later."""
        self._stamp_thinned(start, position)
        channel, line = midi.channel(message), line_of(message)
        if line is None:
            self._apply(position, message)
        elif self._free(channel, line) > position:
            self._thinned[channel, line] = message
        else:
            self._thinned.pop((channel, line), None)
            self._apply(position, message)

    def _stamp_thinned(self, start: int, until: int) -> None:
        """Apply the changes that waited, up to a position."""
        while self._thinned:
            at, key = min((max(start, self._free(*key)), key) for key in self._thinned)
            if at > until:
                return
            self._apply(at, self._thinned.pop(key))

    def _free(self, channel: int, line: int) -> int:
        """The first position at which a line may change again."""
        automation = self.score.automation
        if automation.full(channel, line, MOST_PENDING):
            return self.position + FORGET_FRAMES
        return automation.last(channel, line) + self.score.ramp

    def _placed(self, program: int, channel: int, key: int) -> tuple[int, int, int]:
        """A note's cut, shift and reach: in hybrid mode where enough of it is held."""
        if self.mode == "local" or program in self.unserved:
            return ENDLESS, 0, ENDLESS
        instrument = self.instruments.get(program)
        if self.mode == "hybrid" and instrument and program not in self.streamed:
            reach = instrument.region(key).reach(ratio(CENT * self.score.channels[channel].most_bent))
            if reach >= self.offset + self.score.ramp:
                return self.offset, 0, reach
        return 0, self.offset, 0

    def _apply(self, position: int, message: bytes) -> None:
        score, channel = self.score, midi.channel(message)
        placed = 0, 0, 0
        begins = midi.begins_note(message)
        if begins:
            if len(score.voices) >= score.most_voices:  # more than anyone plays, or hears
                self.refused += 1
                return
            placed = self._placed(score.channels[channel].program, channel, message[1])
        event = Event(score.seq + 1, max(position, score.position), message, *placed)
        voice = score.apply(event)
        self._log(event)
        self.notes += begins
        if voice is not None and 0 < voice.cut < ENDLESS:
            self.knit.margins.watch(voice)

    def _log(self, event: Event) -> None:
        """What there is to do for each event that was applied."""
        self._deferral.note(event)
        if self.linked:
            self.outbox.append(event)
