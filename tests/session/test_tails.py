"""Rows that are kept from chunk to chunk sound as rows that are made anew for each."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from netaudio.sampler.bank import Bank
from netaudio.sampler.instrument import ENDLESS, GUARD, Instrument, Sample
from netaudio.sampler.mixer import Mixer, Rows
from netaudio.sampler.voices import Event, Score
from netaudio.session.tails import Tails

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
EVENTS = st.lists(
    st.tuples(st.one_of(NOTES, NOTES, CONTROLS), st.integers(-20, 30), st.sampled_from((0, 0, 7, 35, ENDLESS)))
)
STEPS = st.sampled_from((1, 1, 1, 1, 1, 1, 3, 30, -1))  # chunks; some are skipped, some made again


CHUNKS = st.lists(st.tuples(EVENTS, STEPS, st.booleans(), st.booleans(), st.booleans()), max_size=25)


@given(CHUNKS, st.sampled_from((10, 4)), st.integers(2, 6))
def test_what_is_kept_sounds_as_what_is_made_anew(
    chunks: list[tuple[list[tuple[tuple[int, int, int], int, int]], int, bool, bool, bool]], fade: int, polyphony: int
) -> None:
    """Also where the mixer has another job before it, now and then, and where events are heard in time."""
    score = Score(RATE, polyphony, lambda _: INSTRUMENT)
    kept, one, other = Tails(score, CHUNK, fade), Mixer(), Mixer()
    first = before = 0
    for events, step, forget, in_time, moved in chunks:
        for message, apart, cut in events:
            at = max(first + (abs(apart) if in_time else apart), score.position)
            score.apply(Event(score.seq + 1, at, bytes(message), cut if message[0] == 0x90 else 0))
        heard = score.seq
        before = heard if in_time else before
        rows, anew = kept.chunk(first, before, heard), Tails(score, CHUNK, fade).chunk(first, before, heard)
        was = one.mix(BANK.frames, [Rows(), rows] if moved else [rows], CHUNK)[-1]
        right = other.mix(BANK.frames, [anew], CHUNK)[0]
        loud = max(1, rows.voices)
        assert np.abs(was - right).max() <= loud * 2.0**-20
        before, first = heard, first + step * CHUNK
        if step < 0:
            kept.forget()
        elif forget:
            score.forget(first, heard)


def test_voices_take_room_only_while_they_may_sound() -> None:
    """Room that one session takes, all others have in their rows."""
    score = Score(RATE, 99, lambda _: INSTRUMENT)
    tails = Tails(score, CHUNK, CHUNK)
    for key, cut in enumerate((0, ENDLESS, 200)):
        score.apply(Event(score.seq + 1, 0, bytes((0x90, key, 99)), cut))
    assert len(tails.chunk(0, 0, 3).addresses) == 1
    assert len(tails) == 3
    score.apply(Event(4, 20, bytes((0x80, 1, 0))))
    score.apply(Event(5, 20, bytes((0x80, 2, 0))))
    for first in range(10, 400, 10):
        rows = tails.chunk(first, 3 if first == 10 else 5, 5)
        assert len(rows.addresses) == 1
    score.apply(Event(6, 400, b"\xb0\x07\x7f"))
    tails.chunk(400, 6, 6)
    assert len(tails) == 1
