"""Fetches what voices read next of a mapped bank, so that render workers never wait for the disk."""

import math
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from itertools import cycle, islice
from queue import Empty, SimpleQueue

from netaudio.sampler.instrument import Instrument
from netaudio.server.ahead import blocks, heads, reads, reads_from, runs
from netaudio.server.mapped_bank import MappedBank
from netaudio.session.session import ServerSession
from netaudio.units import Span

HEAD_SECONDS = 0.5  # of each sample past the OFFSET that is offered, always held
AHEAD_SECONDS = 1.0
SOON_SECONDS = 0.7  # that whoever asks is given at once: mostly a head, and it lasts beyond the next look
LOOK_SECONDS = 0.4  # from one look at all voices to the next
ROUND_SECONDS = 20.0  # in which all heads are fetched again: the kernel keeps what is used, and needs no privilege
FORGET_SECONDS = 4.0  # after which, or twice that, what was fetched may be gone


class Watch:
    """How far a session's voices are fetched."""

    __slots__ = ("asked", "reached", "session")

    def __init__(self, session: ServerSession) -> None:
        self.session = session
        self.reached = -1, 0, 0  # all voices up to this seq, from this position on, up to that
        self.asked = False  # for more, which has yet to come


class Prefetcher:
    """One for each process, made before it is forked. Call `run` on a thread of its own; render workers call
    `watch`, `leave` and `fetched`.

    The heads of all samples are fetched at once, and again and again. Raises NetAudioError where the bank's file
    cannot be read.
    """

    def __init__(self, bank: MappedBank, instruments: Iterable[Instrument], rate: int, offset: Span) -> None:
        """`offset` is the OFFSET that is offered."""
        self._bank = bank
        self._ahead, self._soon = round(AHEAD_SECONDS * rate), round(SOON_SECONDS * rate)
        self._watches: dict[ServerSession, Watch] = {}
        self._asked: SimpleQueue[Watch | None] = SimpleQueue()  # None ends a wait
        self._recent, self._older = set[int](), set[int]()  # blocks
        self._forgot = -math.inf  # when
        self._stopped = False
        head = round(HEAD_SECONDS * rate) + (0 if offset.auto else offset.frames(rate))
        found = heads(instruments, head)
        self._share, self._round = math.ceil(len(found) * LOOK_SECONDS / ROUND_SECONDS), cycle(found)
        bank.fetch(list(runs(found)))

    def watch(self, session: ServerSession) -> None:
        """Begin with a session, or anew where it has gone on from another state."""
        self._watches[session] = Watch(session)

    def leave(self, session: ServerSession) -> None:
        del self._watches[session]

    def stop(self) -> None:
        self._stopped = True
        self._asked.put(None)

    def fetched(self, session: ServerSession) -> bool:
        """Whether the session's next chunk reads fetched frames only. Has more fetched if that, or a note that has
        begun, takes more."""
        watch, voices = self._watches[session], session.score.voices
        if not voices:
            return True
        known, since, until = watch.reached
        first, end = session.cursor, session.cursor + session.chunk
        far, news = since <= first and end <= until, voices[-1].seq > known
        if (news or not far) and not watch.asked:
            watch.asked = True
            self._asked.put(watch)
        return far and not (news and any(v.seq > known and reads_from(v) < end for v in voices))

    def run(self) -> None:
        due = time.monotonic()
        while not self._stopped:
            now = time.monotonic()
            if now >= due:
                due = now + LOOK_SECONDS
                self.look_around(now)
            self.answer(max(0.0, due - time.monotonic()))

    def look_around(self, now: float) -> None:
        """Keep ahead of all voices, and hold the heads; whoever asks meanwhile comes first."""
        if now - self._forgot >= FORGET_SECONDS:
            self._forgot, self._older, self._recent = now, self._recent, set()
        for watch in list(self._watches.values()):
            self._look(watch)
        self._bank.fetch(list(runs(list(islice(self._round, self._share)))), self.answer)

    def answer(self, wait: float = 0.0) -> None:
        """Give all who ask by now what they read soon; the next look fetches the rest. Waits as long for one."""
        with suppress(Empty):
            for _ in range(max(1, self._asked.qsize())):  # and not who comes meanwhile: others want their turn
                watch = self._asked.get(timeout=wait)
                if watch is not None:
                    self._give(watch)

    def _give(self, watch: Watch) -> None:
        session, (known, since, until) = watch.session, watch.reached
        first, end = session.cursor, session.cursor + self._soon
        if since <= first and first + session.chunk <= until:  # a note has begun: the others are as far
            end = min(end, until)
        else:
            known = -1
        watch.reached = self._fetch(session, known, first, end), first, end
        watch.asked = False

    def _look(self, watch: Watch) -> None:
        session, first = watch.session, watch.session.cursor
        end = first + self._ahead
        known = self._fetch(session, -1, first, end, self.answer)
        watch.reached = self._fetch(session, known, first, end), first, end  # with the notes begun meanwhile

    def _fetch(
        self, session: ServerSession, known: int, first: int, end: int, between: Callable[[], None] = lambda: None
    ) -> int:
        """What a session's voices after the one `known` read between two positions; the last voice's seq."""
        voices = list(session.score.voices)
        wanted = {b for v in voices if v.seq > known for b in blocks(reads(session.score, v, first, end))}
        self._bank.fetch(list(runs(sorted(wanted - self._recent - self._older))), between)
        self._recent |= wanted - self._older
        return voices[-1].seq if voices else known
