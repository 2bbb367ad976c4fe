"""What a client's settings and a server's offer come to."""

import asyncio

import pytest

from netaudio.client.setup import as_offered, set_up
from netaudio.config.load import client_parser, client_settings
from netaudio.config.settings import ClientSettings
from netaudio.timing.latency_budget import HYBRID_CHUNK
from netaudio.wire.control import VERSION, Welcome

OFFER = Welcome(
    VERSION, "session", "00" * 16, 2, 5000, 48000, HYBRID_CHUNK, 32, ["piano"], "100ms", "40ms", "hybrid", "piano", 96
)


def settings(*flags: str) -> ClientSettings:
    return client_settings("", client_parser().parse_args(flags))


def test_the_device_asks_for_what_is_set_or_else_offered() -> None:
    assert as_offered(settings(), OFFER).chunk_size == 96
    assert as_offered(settings("--chunk-size", "64"), OFFER).chunk_size == 64


@pytest.mark.parametrize(
    ("flags", "block", "chunk"),
    [
        (("--mode", "hybrid"), 128, HYBRID_CHUNK),
        (("--mode", "local", "--chunk-size", "64"), 64, HYBRID_CHUNK),
        (("--mode", "remote", "--chunk-size", "64"), 64, 64),
        (("--mode", "hybrid", "--chunk-size", "512"), 512, 512),
    ],
)
def test_without_a_server_the_mode_says_what_will_be_streamed(flags: tuple[str, ...], block: int, chunk: int) -> None:
    async def run() -> None:
        setup = set_up(settings(*flags), None, None, print)
        assert (setup.settings.chunk_size, setup.player.chunk) == (block, chunk)

    asyncio.run(run())
