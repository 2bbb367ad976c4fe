"""Deferral: where something sounds OFFSET later than by the hand, because a note was past its reach."""

from netaudio import midi
from netaudio.sampler.layout import ENDLESS
from netaudio.sampler.voice import Voice
from netaudio.sampler.voices import LINE_OF, Event, Score


class Deferral:
    """Which positions are like that: exact by the rule of reach, but not as in local mode."""

    def __init__(self, score: Score) -> None:
        self._score = score
        self._until = 0
        self._bent: list[Voice] = []  # whose phase is another ever since

    def note(self, event: Event) -> None:
        """Take an event that the score has just applied."""
        message, kind, channel = event.message, midi.kind(event.message), midi.channel(event.message)
        moved = kind == midi.CONTROL_CHANGE and message[1] in LINE_OF
        for voice in self._score.voices:
            if voice.reach >= ENDLESS or voice.acts(event.position) == event.position:
                continue
            ramp = 0
            if voice.off_seq == event.seq:
                ramp = self._score.release
            elif voice.stolen_seq == event.seq or (moved and voice.channel == channel):
                ramp = self._score.ramp
            elif kind == midi.PITCH_BEND and voice.channel == channel:
                self._bent.append(voice)
            if ramp:
                self._until = max(self._until, voice.acts(event.position) + voice.lag + ramp)

    def until(self, position: int, end: int) -> int:
        """Up to where positions from one on, and before another, are deferred."""
        self._bent = [voice for voice in self._bent if self._score.alive(voice, position)]
        return end if self._bent else min(self._until, end)
