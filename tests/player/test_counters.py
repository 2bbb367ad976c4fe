"""What the callback counts, and the difference of two readings."""

import numpy as np

from netaudio.player.counters import Tally

ALL, NONE = np.ones(10, np.bool_), np.zeros(10, np.bool_)


def test_a_part_of_a_run_is_the_difference_of_two_readings() -> None:
    tally = Tally()
    tally.mark(0, ALL[:5], NONE[:5], NONE[:5])
    tally.mark(20, ALL, ALL, NONE)
    tally.margins.extend([5, -3])
    tally.late = 1
    then = tally.reading()
    tally.mark(30, ALL, ALL, ALL)  # the last span goes on
    tally.mark(50, NONE[:2], NONE[:2], ALL[:2])
    tally.margins.append(7)
    part = tally.since(then)
    assert (part.uncovered, part.deferred, part.missing, part.late) == (10, 2, 10, 0)
    assert (part.spans, list(part.margins)) == ([[30, 40], [50, 52]], [7])
    assert tally.since(Tally()) == tally


def test_a_reading_stays() -> None:
    tally = Tally()
    tally.mark(0, ALL, NONE, NONE)
    then = tally.reading()
    tally.mark(10, ALL, NONE, NONE)
    assert (then.uncovered, then.spans) == (10, [[0, 10]])
    assert tally.since(tally.reading()) == Tally()
