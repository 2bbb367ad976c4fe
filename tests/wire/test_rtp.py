import pytest
from hypothesis import given
from hypothesis import strategies as st

from netaudio.errors import ProtocolError
from netaudio.wire.rtp import Audio
from tests.support.packets import pack_audio

WORDS = st.integers(0, (1 << 32) - 1)
AUDIO = st.builds(
    Audio, st.integers(0, 127), st.integers(0, 0xFFFF), WORDS, WORDS, st.integers(0, 1000), st.integers(1000, 2000),
    st.binary(max_size=60),
)  # fmt: skip
WHOLE = pack_audio(Audio(96, 1, 2, 3, 4, 5, bytes(12)))


@given(AUDIO)
def test_audio_comes_back(audio: Audio) -> None:
    assert Audio.parse(pack_audio(audio)) == audio


@pytest.mark.parametrize(
    "data",
    [
        b"", WHOLE[:23], b"\x80" + WHOLE[1:], WHOLE[:12] + b"NB" + WHOLE[14:], WHOLE[:15] + b"\x03" + WHOLE[16:],
        pack_audio(Audio(96, 1, 2, 3, 6, 5, bytes(12))),
    ],
    ids=["empty", "cut", "without extension", "another profile", "a longer extension", "heard before what it heard"],
)  # fmt: skip
def test_what_does_not_say_what_was_heard_is_refused(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        Audio.parse(data)
