import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from netaudio.errors import ProtocolError
from netaudio.units import Frames
from netaudio.wire.packing import FULL_SCALE
from netaudio.wire.payload import MAX_PAYLOAD, PAYLOADS
from tests.support.packets import encode

FRAMES = hnp.arrays(
    np.float32, st.tuples(st.integers(1, 40), st.just(2)), elements=st.floats(-8, 7.75, width=32)
)  # fmt: skip


@pytest.mark.parametrize(("name", "step"), [("L16", 2.0**-12), ("L24", 2.0**-20), ("F32", 0.0)])
@given(frames=FRAMES)
def test_a_payload_comes_back_within_half_its_step(name: str, step: float, frames: Frames) -> None:
    payload = PAYLOADS[name]
    data = encode(payload, frames)
    assert len(data) == frames.size * payload.width
    assert np.abs(payload.decode(data) - frames).max() <= step / 2


@pytest.mark.parametrize("name", ["L16", "L24", "F32"])
@given(data=st.data())
def test_what_was_decoded_encodes_to_the_same_bytes(name: str, data: st.DataObject) -> None:
    payload = PAYLOADS[name]
    size = 2 * payload.width
    frames = st.binary(min_size=size, max_size=size)
    if name == "F32":  # not all bytes are sound
        sample = st.floats(-FULL_SCALE, FULL_SCALE, width=32)
        frames = st.tuples(sample, sample).map(lambda frame: np.array(frame, ">f4").tobytes())
    wire = data.draw(frames) * 3
    assert encode(payload, payload.decode(wire)) == wire


def test_integers_are_big_endian_and_carry_an_eighth() -> None:
    one = np.array([[1.0, -1.0]], np.float32)
    assert encode(PAYLOADS["L16"], one) == b"\x10\x00\xf0\x00"
    assert encode(PAYLOADS["L24"], one) == b"\x10\x00\x00\xf0\x00\x00"


@pytest.mark.parametrize("name", ["L16", "L24", "F32"])
def test_what_is_too_loud_is_clipped(name: str) -> None:
    loud = np.array([[99.0, -99.0]], np.float32)
    assert PAYLOADS[name].decode(encode(PAYLOADS[name], loud)) == pytest.approx(
        np.array([[FULL_SCALE, -FULL_SCALE]]), rel=1e-4
    )


@pytest.mark.parametrize("name", ["L16", "L24", "F32"])
@pytest.mark.parametrize("excess", [-1, 1, 2])
def test_what_is_not_whole_frames_is_refused(name: str, excess: int) -> None:
    with pytest.raises(ProtocolError, match=name):
        PAYLOADS[name].decode(bytes(6 * PAYLOADS[name].width + excess))


@pytest.mark.parametrize("name", ["L16", "L24", "F32"])
def test_an_empty_payload_is_refused(name: str) -> None:
    with pytest.raises(ProtocolError):
        PAYLOADS[name].decode(b"")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 8.001, -3.4e38])
def test_floats_are_finite_and_within_full_scale(value: float) -> None:
    with pytest.raises(ProtocolError, match="beyond 8, or not finite"):
        PAYLOADS["F32"].decode(np.array([0, value], ">f4").tobytes())


@pytest.mark.parametrize("name", ["L16", "L24", "F32"])
@given(chunk=st.integers(1, 1024))
def test_a_chunk_is_cut_evenly(name: str, chunk: int) -> None:
    payload = PAYLOADS[name]
    size = payload.packet_frames(chunk)
    packets = -(-chunk // size)
    assert packets == -(-chunk * 2 * payload.width // MAX_PAYLOAD)
    assert (packets - 1) * size < chunk <= packets * size


@pytest.mark.parametrize("name", ["L16", "L24", "F32"])
@given(chunk=st.integers(1, 1024))
def test_no_packet_is_larger_than_the_limit(name: str, chunk: int) -> None:
    payload = PAYLOADS[name]
    assert 2 * payload.width * payload.packet_frames(chunk) <= MAX_PAYLOAD
