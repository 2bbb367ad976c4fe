"""A voice: one sounding note, and all that was done to it."""

from netaudio.sampler.automation import Line
from netaudio.sampler.instrument import Sample
from netaudio.sampler.mixer import Row
from netaudio.sampler.snapshot import NEVER, VoiceState


class Channel:
    __slots__ = ("expression", "pedal", "program", "volume")

    def __init__(self, program: int, ramp: int) -> None:
        self.program, self.pedal = program, False
        self.volume, self.expression = Line(1.0, ramp), Line(1.0, ramp)


class Voice:
    """One sounding note. Its marks are pairs of a seq and a position; NEVER is one that has not come."""

    __slots__ = ("channel", "cut", "delay", "key", "key_up", "level", "lines", "off_at", "off_seq", "program",
                 "row", "sample", "seq", "start", "stolen_at", "stolen_seq", "touched", "velocity")  # fmt: skip

    def __init__(self, state: VoiceState, sample: Sample, channel: Channel) -> None:
        self.channel, self.program = state.channel, state.program
        self.key, self.velocity = state.key, state.velocity
        self.seq, self.start, self.cut = state.seq, state.start, state.cut
        self.off_seq, self.off_at = state.off_seq, state.off_at
        self.stolen_seq, self.stolen_at = state.stolen_seq, state.stolen_at
        self.delay = state.delay  # frames by which a late remote note was moved, with its release
        self.key_up = state.key_up  # the key is up, the pedal holds the note
        self.sample = sample
        self.level = (self.velocity / 127) ** 2
        self.lines = channel.volume, channel.expression
        known = self.seq, self.off_seq, self.stolen_seq, *(line.changes[-1].seq for line in self.lines)
        self.touched = max(seq for seq in known if seq != NEVER)  # the last event that shapes it
        self.row: Row | None = None  # how it goes on until an event touches it

    def state(self) -> VoiceState:
        return VoiceState(*(getattr(self, name) for name in VoiceState._fields))

    def age(self, position: int) -> int:
        """The sample frame that sounds at a position."""
        return position - self.start - self.delay

    def same(self, before: int, end: int) -> bool:
        """Whether all that shapes it before position `end` is known to one who has heard `before`."""
        volume, expression = self.lines
        return (
            self.seq <= before
            and (self.off_seq <= before or self.off_at + self.delay >= end)
            and (self.stolen_seq <= before or self.stolen_at >= end)
            and volume.same(before, end)
            and expression.same(before, end)
        )
