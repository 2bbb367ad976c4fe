"""Rows that are kept from chunk to chunk sound as rows that are made anew for each."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from netaudio.bank import Bank
from netaudio.instrument import ENDLESS, GUARD, Instrument, Sample
from netaudio.mixer import Mixer
from netaudio.score import Event, Score
from netaudio.tails import Tails

RATE, CHUNK = 1000, 10
LOOP = 7, 25
BANK = Bank()


def instrument() -> Instrument:
    """Keys 0 and 1 loop, 2 to 5 end after 12 to 200 frames."""
    noise = np.random.default_rng(0).uniform(-1, 1, (200, 2)).astype(np.float32)
    looped = np.concatenate((noise[: LOOP[1]], np.resize(noise[slice(*LOOP)], (GUARD, 2))))
    lengths = 12, 30, 90, 200
    addresses = BANK.extend([looped, *(noise[:length] for length in lengths)])
    endless = Sample(addresses[0], ENDLESS, ENDLESS, ENDLESS, LOOP)
    ending = [Sample(at, n, n, n, None) for at, n in zip(addresses[1:], lengths, strict=True)]
    return Instrument("one", RATE, (), (endless, endless, *ending))


INSTRUMENT = instrument()
NOTES = st.tuples(st.sampled_from((0x90, 0x90, 0x80)), st.integers(0, 5), st.integers(1, 127))
CONTROLS = st.tuples(st.just(0xB0), st.sampled_from((7, 11, 64, 120, 123)), st.sampled_from((0, 50, 127)))
EVENTS = st.lists(st.tuples(st.one_of(NOTES, NOTES, CONTROLS), st.integers(-20, 30), st.sampled_from((0, 0, 7, 35))))
STEPS = st.sampled_from((1, 1, 1, 1, 1, 1, 3, 30, -1))  # chunks; some are skipped, some made again


@given(st.lists(st.tuples(EVENTS, STEPS, st.booleans()), max_size=25), st.sampled_from((10, 4)), st.integers(2, 6))
def test_what_is_kept_sounds_as_what_is_made_anew(
    chunks: list[tuple[list[tuple[tuple[int, int, int], int, int]], int, bool]], fade: int, polyphony: int
) -> None:
    score = Score(RATE, polyphony, lambda _: INSTRUMENT)
    kept, one, other = Tails(score, CHUNK, fade), Mixer(), Mixer()
    first = before = 0
    for events, step, forget in chunks:
        for message, apart, cut in events:
            at = max(first + apart, score.position)
            score.apply(Event(score.seq + 1, at, bytes(message), cut if message[0] == 0x90 else 0))
        heard = score.seq
        rows, anew = kept.chunk(first, before, heard), Tails(score, CHUNK, fade).chunk(first, before, heard)
        was, right = (mixer.mix(BANK.frames, [of], CHUNK)[0] for mixer, of in ((one, rows), (other, anew)))
        loud = max(1, rows.voices)
        assert np.abs(was - right).max() <= loud * 2.0**-20
        before, first = heard, first + step * CHUNK
        if step < 0:
            kept.forget()
        elif forget:
            score.forget(first, heard)
