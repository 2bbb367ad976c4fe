"""A wheel that moves all the time: a note that streams is bent as smoothly as one that the server plays alone."""

import numpy as np
import pytest

from netaudio import midi
from netaudio.modes import Mode
from tests.performance.test_law import EXACT, OFFSET, RAMP, check_law
from tests.support.reference import Recording
from tests.support.wire import RATE, Stage

TONE = 100  # Hz: what 1 kHz is to 48
STEP = 48  # frames from one bend to the next: a hundred a second
FIRST, COUNT = 4800, 9600  # frames that are looked at


def bent(mode: Mode, held: int | None) -> Stage:
    """Four seconds of a tone under a vibrato of five turns a second."""
    wave = 0.2 * np.sin(2 * np.pi * TONE * np.arange(6 * RATE) / RATE)
    tone = Recording(np.stack((wave, wave), axis=1).astype(np.float32))
    stage = Stage([[tone]], mode=mode, held=held, offset=OFFSET, jitter=0.005)
    stage.connect()
    stage.run(0.2)
    wheel = [
        (at, midi.pitch_bend(0, round(8192 + 8000 * np.sin(2 * np.pi * 5 * at / RATE))))
        for at in range(1, 4 * RATE, STEP)
    ]
    stage.player.post(stage.player.play, [(0, midi.note_on(0, 0, 127)), *wheel])
    stage.run(4.0)
    return stage


def beside(sound: np.ndarray, start: int) -> float:
    """dB of what lies more than two octaves from the tone, to all."""
    parts = sound[start + FIRST :][:COUNT, 0].reshape(-1, 960) * np.blackman(960)
    power = (np.abs(np.fft.rfft(parts)) ** 2).sum(axis=0)
    hertz = np.fft.rfftfreq(960, 1 / RATE)
    far = (hertz > 4 * TONE) | (hertz < TONE / 4)
    return float(10 * np.log10(power[far].sum() / power.sum()))


def test_a_streamed_note_bends_as_smoothly_as_in_remote_mode() -> None:
    hybrid, remote = bent("hybrid", OFFSET + 2 * 32 + RAMP), bent("remote", None)
    found = [beside(check_law(stage).out, stage.player.song_start or 0) for stage in (hybrid, remote)]
    assert hybrid.player.knit.tally.streamed > COUNT
    assert hybrid.player.knit.tally.uncovered == remote.player.knit.tally.uncovered == 0
    assert found[0] == pytest.approx(found[1], abs=2) and max(found) < -40


def test_what_is_bent_past_its_reach_is_the_local_sound_later_and_is_told() -> None:
    stage = bent("hybrid", OFFSET + 2 * 32 + RAMP)
    outcome, tally = check_law(stage), stage.player.knit.tally
    assert outcome.error <= EXACT
    assert tally.deferred > COUNT and tally.missing == 0
