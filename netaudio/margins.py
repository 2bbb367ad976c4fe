"""Knit margins: how early the server's sound of a note was there when it had to take over."""

from netaudio.score import Score
from netaudio.state import NEVER
from netaudio.tally import Tally
from netaudio.voice import Voice


class Margins:
    """Measures that of each new hybrid note. Positions go up."""

    def __init__(self, score: Score) -> None:
        self._score = score
        self._awaiting: list[tuple[Voice, int | None]] = []  # until their cut; where the server had heard them
        self._first_cut = NEVER  # of those

    def watch(self, voice: Voice) -> None:
        self._awaiting.append((voice, None))
        self._first_cut = min(self._first_cut, voice.start + voice.cut)

    def hear(self, before: int, at: int) -> None:
        """From position `at` on a packet is there that has heard all events up to `before`."""
        if any(known is None for _, known in self._awaiting):
            self._awaiting = [
                (voice, at if known is None and voice.seq <= before else known) for voice, known in self._awaiting
            ]

    def settle(self, position: int, tally: Tally) -> None:
        """Count those of the notes whose cut lies before a position."""
        if position < self._first_cut:
            return
        waiting = []
        for voice, known in self._awaiting:
            cut = voice.start + voice.cut
            if position < cut or (known is None and self._score.alive(voice, position)):
                waiting.append((voice, known))
            elif known is not None and min(self._score.end(voice), voice.stolen_at) > cut:
                tally.margins.append(cut - known)
                tally.late += known > cut
        self._awaiting = waiting
        self._first_cut = min((voice.start + voice.cut for voice, _ in waiting), default=NEVER)
