"""A song of everything, played by the programs in each mode at once, compared frame by frame."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from typing import NamedTuple

import numpy as np
import pytest

from netaudio.sampler.pitch import ONE
from netaudio.sampler.region import needed
from netaudio.timing.latency_budget import HYBRID_CHUNK
from tests.support.programs import OFFSET, RATE, Result, difference, playing, write_midi
from tests.support.relay import dead_port, tcp_relay
from tests.support.songs import EPIANO, GUITAR, ORGAN, PIANO, RAMP, notes_in, piece, reference, voices

SONG = piece(seed=2, measures=4, programs=(PIANO, EPIANO, GUITAR, ORGAN))


class Played(NamedTuple):
    local: Result
    whole: Result  # hybrid, with whole samples held
    heads: Result  # hybrid, with heads alone
    remote: Result
    delays: Mapping[int, int]  # of the remote client's notes that were heard late
    blocked: Result  # hybrid, without UDP
    port: int  # that did not answer it


@pytest.fixture(scope="module")
def played(address: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    folder = tmp_path_factory.mktemp("playing")
    song = write_midi(folder / "song.mid", SONG)
    with ExitStack() as stack:
        port = stack.enter_context(dead_port())
        relay = stack.enter_context(tcp_relay(address))
        firewall = stack.enter_context(tcp_relay(address, lambda _: port))
        clients = [
            stack.enter_context(playing(folder / name, song, server, mode, *flags))
            for name, server, mode, flags in (
                ("local", None, "local", ()),
                ("whole", address, "hybrid", ("--held", "10s")),
                ("heads", address, "hybrid", ("--held", "1")),
                ("remote", relay.address, "remote", ()),
                ("blocked", firewall.address, "hybrid", ("--held", "1")),
            )
        ]
        local, whole, heads, remote, blocked = (client.result() for client in clients)
        yield Played(local, whole, heads, remote, relay.delays, blocked, port)


def test_the_song_has_everything(played: Played) -> None:
    local = played.local
    assert notes_in(SONG) == local.report["notes"] > 150
    assert voices(reference(SONG), len(local.sound)).max() > 32
    assert local.report["stolen"] > 10
    assert np.abs(local.sound).max() > 0.1


def test_local_is_the_readable_mix(played: Played) -> None:
    local = played.local
    assert difference(local.sound, reference(SONG).mix(len(local.sound)).astype(np.float32)) < 1
    assert local.report["frames"]["uncovered"] == 0 and local.spans == []


def test_hybrid_with_whole_samples_is_local_on_every_frame(played: Played) -> None:
    whole = played.whole
    assert whole.report["packets"]["received"] > 0, whole.figures()
    assert whole.spans == [] and whole.report["frames"]["uncovered"] == 0, whole.figures()
    assert difference(whole.sound, played.local.sound) <= 1, whole.figures()


def test_hybrid_with_heads_is_local_but_where_it_says(played: Played) -> None:
    heads = played.heads
    frames = heads.report["frames"]
    reach = OFFSET + 2 * HYBRID_CHUNK + RAMP
    assert heads.report["held_frames"] == needed(reach, ONE, RATE) and "HELD raised for piano" in heads.text
    assert frames["streamed"] > 0, heads.figures()
    assert difference(heads.sound, played.local.sound, heads.spans) <= 1, heads.figures()
    assert sum(end - first for first, end in heads.spans) == frames["uncovered"] + frames["deferred"], heads.figures()


def test_remote_is_local_later_by_offset(played: Played) -> None:
    """Or by more, note by note, as the server said."""
    remote = played.remote
    assert remote.report["frames"]["streamed"] > 0, remote.figures()
    assert remote.report["late_notes"] == len(played.delays), remote.figures()
    exact = reference(SONG, delays=played.delays).mix(len(remote.sound)).astype(np.float32)
    assert difference(remote.sound, exact, remote.spans, OFFSET) <= 1, remote.figures()


def test_without_udp_nothing_is_streamed(played: Played) -> None:
    blocked, local = played.blocked, played.local
    frames = blocked.report["frames"]
    assert frames["streamed"] == 0 and frames["missing"] > 0.5 * frames["played"], blocked.figures()
    assert difference(blocked.sound, local.sound) > 1000
    assert f"UDP port {played.port}" in blocked.text, blocked.text
    # Even so what is said to be exact is exact.
    assert difference(blocked.sound, local.sound, blocked.spans) <= 1, blocked.figures()
