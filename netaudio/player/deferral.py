"""Deferral: where something sounds OFFSET later than by the hand, because a note was past its reach."""

from netaudio import midi
from netaudio.sampler.layout import BEND, ENDLESS
from netaudio.sampler.voice import Voice
from netaudio.sampler.voices import Event, Score, line_of


class Deferral:
    """Which positions are like that: exact by the rule of reach, but not as in local mode."""

    def __init__(self, score: Score) -> None:
        self._score = score
        self._until = 0
        self._bent: list[Voice] = []  # whose phase is another ever since

    def note(self, event: Event) -> None:
        """Take an event that the score has just applied."""
        channel, line = midi.channel(event.message), line_of(event.message)
        for voice in self._score.voices:
            if voice.reach >= ENDLESS or voice.acts(event.position) == event.position:
                continue
            ramp = 0
            if voice.off_seq == event.seq:
                ramp = self._score.release
            elif line == BEND and voice.channel == channel:
                if voice not in self._bent:
                    self._bent.append(voice)
            elif voice.stolen_seq == event.seq or (line is not None and voice.channel == channel):
                ramp = self._score.ramp
            if ramp:
                self._until = max(self._until, voice.acts(event.position) + voice.lag + ramp)

    def until(self, position: int, end: int) -> int:
        """Up to where positions from one on, and before another, are deferred."""
        self._bent = [voice for voice in self._bent if self._score.alive(voice, position)]
        return end if self._bent else min(self._until, end)
