"""Fetches what voices read next of a mapped bank, so that render workers never wait for the disk."""

import math
import time
from collections.abc import Iterable
from itertools import cycle, islice
from queue import Empty, SimpleQueue

from netaudio.ahead import blocks, heads, reads, reads_from, runs
from netaudio.instrument import Instrument
from netaudio.session import ServerSession
from netaudio.shell.mapped import MappedBank

HEAD_SECONDS = 0.5  # of each sample past the OFFSET that is offered, always held
AHEAD_SECONDS = 0.1, 1.0  # what is read soonest is fetched first of all voices
LOOK_SECONDS = 0.4
ROUND_SECONDS = 20.0  # in which all heads are fetched again: so the kernel keeps them, with no privilege to lock them
FORGET_LOOKS = 10  # until what was fetched is no longer thought to be held, or twice as many


class Watch:
    """How far a session's voices are fetched."""

    __slots__ = ("asked", "reached", "session")

    def __init__(self, session: ServerSession) -> None:
        self.session = session
        self.reached = 0, 0  # all voices up to this seq, up to this position
        self.asked = False  # for more, which has yet to come


class Toucher:
    """One for each process, made before it is forked. Call `run` on a thread of its own; render workers call
    `watch`, `leave` and `fetched`.

    The heads of all samples are fetched at once, and again and again. Raises NetAudioError where the bank's file
    cannot be read.
    """

    def __init__(self, bank: MappedBank, instruments: Iterable[Instrument], rate: int, offset: int) -> None:
        """`offset` is the OFFSET that is offered, in frames."""
        self._bank = bank
        self._aheads = [round(seconds * rate) for seconds in AHEAD_SECONDS]
        self._watches: dict[ServerSession, Watch] = {}
        self._asked: SimpleQueue[Watch | None] = SimpleQueue()  # None ends the wait
        self._recent, self._older = set[int](), set[int]()  # blocks
        self._looks = 0
        self._stopped = False
        found = heads(instruments, offset + round(HEAD_SECONDS * rate))
        self._share, self._round = math.ceil(len(found) * LOOK_SECONDS / ROUND_SECONDS), cycle(found)
        for span in runs(found):
            bank.fetch(span)

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
                self._look(self._asked.get(timeout=max(0.0, due - time.monotonic())))
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
            self._answer()
        for span in runs(list(islice(self._round, self._share))):
            self._bank.fetch(span)
            self._answer()

    def _answer(self) -> None:
        while not self._asked.empty():
            self._look(self._asked.get())

    def _look(self, watch: Watch | None) -> None:
        if watch is None:
            return
        voices, position = list(watch.session.score.voices), watch.session.cursor
        for ahead in self._aheads:
            until = position + ahead
            wanted = {block for voice in voices for block in blocks(reads(voice, position, until))}
            for span in runs(sorted(wanted - self._recent - self._older)):
                self._bank.fetch(span)
            self._recent |= wanted - self._older
            watch.reached = voices[-1].seq if voices else 0, until
        watch.asked = False
