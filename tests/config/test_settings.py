"""What is left open, and who settles it: the server's offer, then the defaults."""

from netaudio.units import Span
from tests.config.test_load import client, server


def test_the_client_beats_the_offer_which_beats_the_default() -> None:
    settled = client("OFFSET = 70ms\nMODE = remote").offered(mode="local", offset=Span(9), instrument="organ")
    assert (settled.mode, settled.offset, settled.instrument) == ("remote", Span.parse("70ms"), "organ")
    assert (settled.buffer_size, settled.chunk_size) == (Span.parse("40ms"), 128)


def test_what_nobody_offers_is_the_servers_default() -> None:
    settled, base = client("VOLUME = -6").defaults(), server()
    assert settled.volume == -6
    for name in ("mode", "offset", "buffer_size", "instrument", "chunk_size"):
        assert getattr(settled, name) == getattr(base, name)


def test_settling_twice_changes_nothing() -> None:
    settled = client().offered(chunk_size=64, mode="local")
    assert settled.offered(chunk_size=256, mode="remote") == settled
