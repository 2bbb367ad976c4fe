"""Headers and sound of many sessions, as the packets that their clients parse."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netaudio.wire.payload import MAX_PAYLOAD, PAYLOADS
from netaudio.wire.rtp import Audio

NUMBERS = st.integers(0, (1 << 62) - 1)
HEADS = st.lists(
    st.tuples(NUMBERS, NUMBERS, st.integers(0, (1 << 32) - 1), st.integers(0, 1000), st.integers(1000, 2000)),
    min_size=1, max_size=4,
)  # fmt: skip


@pytest.mark.parametrize("name", PAYLOADS)
@given(heads=HEADS, count=st.integers(1, 700))
def test_each_session_gets_its_sound_under_its_own_headers(
    name: str, heads: list[tuple[int, int, int, int, int]], count: int
) -> None:
    payload = PAYLOADS[name]
    sound = np.random.default_rng(count).uniform(-7, 7, (len(heads), count, 2)).astype(np.float32)
    made = payload.packets(sound, heads)
    for number, (sequence, position, ssrc, before, heard) in enumerate(heads):
        parts = []
        for k, audio in enumerate(Audio.parse(bytes(datagram)) for datagram in made.of(number)):
            at = position + k * payload.packet_frames(count)
            assert audio[:4] == (payload.type, sequence + k & 0xFFFF, at & 0xFFFF_FFFF, ssrc)
            assert (audio.before, audio.heard) == (heard if k else before, heard), "only the first one fades"
            assert len(audio.payload) <= MAX_PAYLOAD
            parts.append(payload.decode(audio.payload))
        assert np.abs(np.concatenate(parts) - sound[number]).max() <= 2.0**-13
