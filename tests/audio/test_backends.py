"""Which backend a device's name asks for; those of PortAudio are tried in `system`."""

import pytest

from netaudio.audio.backends import need_output, open_output
from netaudio.audio.null import NullOutput


@pytest.mark.parametrize("name", ["null", " NULL\t"])
def test_null_is_always_there(name: str) -> None:
    need_output(name)
    assert isinstance(open_output(name, 48000, 128, lambda out, now, xrun: None), NullOutput)
