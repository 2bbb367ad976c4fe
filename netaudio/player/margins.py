"""Knit margins: how early the server's sound of a note was there when it had to take over."""

import heapq
from collections import deque

from netaudio.player.counters import Tally
from netaudio.sampler.voice import Voice
from netaudio.sampler.voices import Score

FEW = 64  # notes among which none is looked for that has ended


class Margins:
    """Measures that of each new hybrid note. Positions and seqs go up."""

    def __init__(self, score: Score) -> None:
        self._score = score
        self._unheard: deque[Voice] = deque()
        self._many = FEW
        self._heard: list[tuple[int, int, int, Voice]] = []  # a heap: (cut, seq, where it was heard, note)

    def __len__(self) -> int:
        """How many notes wait for the server, or for their cut."""
        return len(self._unheard) + len(self._heard)

    def watch(self, voice: Voice) -> None:
        if len(self._unheard) >= self._many:  # the server is away, or far behind
            self._unheard = deque(v for v in self._unheard if self._score.alive(v, voice.start))
            self._many = 2 * len(self._unheard) + FEW
        self._unheard.append(voice)

    def hear(self, before: int, at: int) -> None:
        """From position `at` on a packet is there that has heard all events up to `before`."""
        while self._unheard and self._unheard[0].seq <= before:
            voice = self._unheard.popleft()
            cut = voice.start + voice.cut
            if at < cut or self._score.alive(voice, at):
                heapq.heappush(self._heard, (cut, voice.seq, at, voice))

    def settle(self, position: int, tally: Tally) -> None:
        """Count those of the notes whose cut lies before a position."""
        while self._heard and self._heard[0][0] <= position:
            cut, _, known, voice = heapq.heappop(self._heard)
            if min(self._score.end(voice), voice.stolen_at) > cut:
                tally.margins.append(cut - known)
                tally.late += known > cut
