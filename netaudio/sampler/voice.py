"""A voice: one sounding note, all that was done to it, and its own clock."""

from netaudio.sampler.layout import ENDLESS
from netaudio.sampler.motion import AFTER
from netaudio.sampler.pitch import mul
from netaudio.sampler.region import Region
from netaudio.sampler.snapshot import MOST_BEND, VoiceState

LONGEST = 1 << 30
"""Frames of a sample that does not loop, or whose loop is not held."""


class Voice:
    """One sounding note. Its marks are pairs of a seq and the hand's position; NEVER is one that has not come.

    Its clock shows `position - lag`. What happened at position p acts there at `acts(p)`.
    """

    __slots__ = (
        "anchor_at", "anchor_phase", "channel", "cut", "delay", "key", "key_up", "off_at", "off_seq", "program",
        "reach", "region", "seq", "shift", "start", "stolen_at", "stolen_seq", "velocity",
    )  # fmt: skip

    def __init__(self, state: VoiceState, region: Region) -> None:
        self.channel, self.program = state.channel, state.program
        self.key, self.velocity = state.key, state.velocity
        self.seq, self.start = state.seq, state.start
        self.cut, self.shift, self.reach = state.cut, state.shift, state.reach
        self.delay = state.delay  # frames by which a late remote note was moved
        self.off_seq, self.off_at = state.off_seq, state.off_at
        self.stolen_seq, self.stolen_at = state.stolen_seq, state.stolen_at
        self.anchor_at, self.anchor_phase = state.anchor_at, state.anchor_phase  # where the bends kept begin to count
        self.key_up = state.key_up  # the key is up, the pedal holds the note
        self.region = region

    def state(self) -> VoiceState:
        return VoiceState(*(getattr(self, name) for name in VoiceState._fields))

    @property
    def lag(self) -> int:
        return self.shift + self.delay

    @property
    def begin(self) -> int:
        """The position from which it sounds."""
        return self.start + self.shift + self.delay

    def age(self, position: int) -> int:
        """Frames since it began to sound."""
        return position - self.start - self.shift - self.delay

    def acts(self, position: int) -> int:
        """Where, on its clock, something acts that happened at a position: OFFSET later where the client does not
        hold it for long enough to correct what the server has yet to hear."""
        age = position - self.start
        return position + self.cut if age >= 0 and self.reach <= age + self.cut and self.reach < ENDLESS else position

    def wrapped(self, phase: int) -> int:
        """The same place in the first turn of a loop, as the kernel turns it; in the second one where the loop is not
        held whole, so that what is past the held frames stays past them. Past all frames 64 bits still hold it."""
        if self.region.loop is None:
            return min(phase, LONGEST << 32)
        start, end = self.region.loop
        span = (end - start) << 32
        turn = ((end + AFTER) << 32) + (0 if self.region.whole else span)
        return phase if phase < turn else turn - span + (phase - turn) % span

    def ended(self, position: int, bend: int) -> bool:
        """Whether its sample is over, if no bend was lower than this ratio."""
        region = self.region
        if region.loop is not None or MOST_BEND * self.age(position) < region.duration:
            return False
        since = position - self.lag - self.anchor_at
        return self.anchor_phase + since * mul(region.ratio, bend) >= region.length << 32

    def row(self) -> tuple[float, ...]:
        """Itself as the kernel's voice_t."""
        region = self.region
        start, end = region.loop if region.loop and region.whole else (0, 0)
        return (
            self.seq, self.channel, self.start, self.lag, self.cut, self.reach, self.off_seq, self.acts(self.off_at),
            self.stolen_seq, self.acts(self.stolen_at), self.anchor_at, self.anchor_phase, region.address,
            min(region.length, LONGEST), region.held, region.covered, start, end, region.ratio, region.attack,
            self.gain * region.left, self.gain * region.right,
        )  # fmt: skip

    @property
    def gain(self) -> float:
        return (self.velocity / 127) ** 2
