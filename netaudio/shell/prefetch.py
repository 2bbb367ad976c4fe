"""Fetches what voices read next of a mapped bank, so that render workers never wait for the disk."""

import math
import time
from collections.abc import Iterable
from itertools import cycle, islice
from queue import Empty, SimpleQueue

from netaudio.ahead import blocks, heads, reads, reads_from, runs
from netaudio.instrument import Instrument
from netaudio.score import Voice
from netaudio.session import ServerSession
from netaudio.shell.mapped import MappedBank
from netaudio.units import Span

HEAD_SECONDS = 0.5  # of each sample past the OFFSET that is offered, always held
AHEAD_SECONDS = 1.0
LOOK_SECONDS = 0.4  # from one look at all voices to the next
ROUND_SECONDS = 20.0  # in which all heads are fetched again: the kernel keeps what is used, and needs no privilege
FORGET_LOOKS = 10  # after so many, or twice that, what was fetched may be gone


class Watch:
    """How far a session's voices are fetched."""

    __slots__ = ("asked", "reached", "session")

    def __init__(self, session: ServerSession) -> None:
        self.session = session
        self.reached = 0, 0  # all voices up to this seq, up to this position
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
        self._ahead = round(AHEAD_SECONDS * rate)
        self._watches: dict[ServerSession, Watch] = {}
        self._asked: SimpleQueue[Watch | None] = SimpleQueue()  # None ends a wait
        self._recent, self._older = set[int](), set[int]()  # blocks
        self._looks = 0
        self._stopped = False
        head = round(HEAD_SECONDS * rate) + (0 if offset.auto else offset.frames(rate))
        found = heads(instruments, head)
        self._share, self._round = math.ceil(len(found) * LOOK_SECONDS / ROUND_SECONDS), cycle(found)
        bank.fetch(list(runs(found)))

    def watch(self, session: ServerSession) -> None:
        self._watches[session] = Watch(session)

    def leave(self, session: ServerSession) -> None:
        del self._watches[session]

    def stop(self) -> None:
        self._stopped = True
        self._asked.put(None)

    def fetched(self, session: ServerSession) -> bool:
        """Whether the session's next chunk reads fetched frames only. Has more fetched if that, or a note that has
        begun, takes more."""
        watch, voices, end = self._watches[session], session.score.voices, session.cursor + session.chunk
        known, until = watch.reached
        news = bool(voices) and voices[-1].seq > known
        if (news or end > until) and not watch.asked:
            watch.asked = True
            self._asked.put(watch)
        if not voices:
            return True
        return end <= until and not (news and any(v.seq > known and reads_from(v) < end for v in voices))

    def run(self) -> None:
        due = time.monotonic()
        while not self._stopped:
            try:
                self._answer(self._asked.get(timeout=max(0.0, due - time.monotonic())))
            except Empty:
                due = time.monotonic() + LOOK_SECONDS
                self._look_around()

    def _look_around(self) -> None:
        """Keep ahead of all voices, and hold the heads; whoever asks comes first."""
        self._looks += 1
        if self._looks % FORGET_LOOKS == 0:
            self._older, self._recent = self._recent, set()
        for watch in list(self._watches.values()):
            self._look(watch)
            self._answer_all()
        for span in runs(list(islice(self._round, self._share))):
            self._bank.fetch([span])
            self._answer_all()

    def _answer_all(self) -> None:
        while not self._asked.empty():
            self._answer(self._asked.get())

    def _answer(self, watch: Watch | None) -> None:
        if watch is None:
            return
        session, (known, until) = watch.session, watch.reached
        if session.cursor + session.chunk > until:
            self._look(watch)
        else:  # a note has begun: the others are as far
            voices = [voice for voice in session.score.voices if voice.seq > known]
            self._fetch(voices, session.cursor, until)
            watch.reached = max((voice.seq for voice in voices), default=known), until
        watch.asked = False

    def _look(self, watch: Watch) -> None:
        voices, position = list(watch.session.score.voices), watch.session.cursor
        until = position + self._ahead
        self._fetch(voices, position, until)
        watch.reached = voices[-1].seq if voices else 0, until

    def _fetch(self, voices: list[Voice], position: int, until: int) -> None:
        wanted = {block for voice in voices for block in blocks(reads(voice, position, until))}
        self._bank.fetch(list(runs(sorted(wanted - self._recent - self._older))))
        self._recent |= wanted - self._older
