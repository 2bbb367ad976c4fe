"""Regions: which recording of the bank a key plays, how much of it is here, and how it sounds."""

from dataclasses import dataclass

from netaudio.sampler.interpolator import TAPS
from netaudio.sampler.layout import ENDLESS
from netaudio.sampler.pitch import CENT, ONE, mul, ratio
from netaudio.units import to_frames

GUARD = 1024
"""Silent frames in the bank before each recording and after it."""
BEYOND = 2 * TAPS
"""Frames of a whole loop's next turn that the bank has after it, for taps across the seam."""
RAMP_SECONDS = 0.005
"""Of the fade at the end of a recording and of what is held of it."""
LEVEL = 0.25
"""A voice at full velocity peaks at -12 dBFS."""
HIGHEST_BEND = ratio(200 * CENT)
"""The ratio of a bend by two semitones, the range of a channel that was not told another."""


def ramp(rate: int) -> int:
    """Frames of RAMP_SECONDS."""
    return to_frames(RAMP_SECONDS, rate)


def attack(rate: int) -> int:
    """Frames of the ramp at a note's beginning: 1 ms."""
    return max(1, rate // 1000)


@dataclass(frozen=True, slots=True)
class Region:
    """A recording as a key plays it. Frames are the recording's, at the bank's rate, where nothing else is said."""

    address: int
    """Of its first frame in the bank; in the silence at the bank's beginning if nothing of it is held."""
    length: int
    """Frames until it is silent; ENDLESS if it loops."""
    held: int
    """Frames of it that the bank has, from the first on; a loop's end if all of it."""
    loop: tuple[int, int] | None
    """(start, end), end exclusive, also where not all of it is held."""
    ratio: int
    """Frames for each that is played, 32.32."""
    left: float
    """Gain, as `right`."""
    right: float
    attack: int
    """Frames that are played until it is at its full level; 1: at once."""
    covered: int
    """Frames that are exactly the recording's: `covers` of what is held, or `length` if it is whole."""

    @property
    def whole(self) -> bool:
        return self.held >= (self.loop[1] if self.loop else self.length)

    @property
    def duration(self) -> int:
        """Played frames until it is silent, if nobody bends it; ENDLESS if it loops."""
        return ENDLESS if self.loop else -(-self.length * ONE // self.ratio)

    def covered_at(self, ratio: int, ramp: int) -> int:
        """Frames that are exactly the recording's where it is read at a ratio: bent up, the fade takes more."""
        if self.whole:
            return self.covered
        return min(self.covered, max(0, self.held - TAPS // 2 - -(-ramp * max(ratio, ONE) // ONE)))

    def reach(self, bend: int = HIGHEST_BEND) -> int:
        """Played frames that are covered under any bend up to that ratio; ENDLESS if it is whole."""
        return ENDLESS if self.whole else self.covered * ONE // mul(self.ratio, bend)


def covers(held: int, ratio: int, rate: int) -> int:
    """Frames of a recording that are played exactly at a ratio, if `held` and not all of it are in the bank: without
    those that the last taps and the closing fade take."""
    return max(0, held - TAPS // 2 - _fade(ratio, rate))


def needed(reach: int, ratio: int, rate: int) -> int:
    """Frames of a recording that must be held so that `reach` frames can be played at a ratio, bent or not."""
    return -(-reach * mul(ratio, HIGHEST_BEND) // ONE) + TAPS + _fade(ratio, rate) if reach else 0


def _fade(ratio: int, rate: int) -> int:
    """Frames of a recording in which what is held of it fades: RAMP_SECONDS, as they are played."""
    return -(-ramp(rate) * max(ONE, ratio) // ONE)
