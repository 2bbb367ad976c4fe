"""What shifting adds to a pure tone, in dB below it: ours, FluidSynth's and sfizz's.

    python -m benchmarks.shifting

Added is all that is no tone of the new pitch: images, aliases, noise. The worst of SHIFTS, and lower is better.
Each reads what it can: we float32, sfizz a float32 file, FluidSynth a SoundFont of 24 bits.
"""

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from benchmarks import fluid, sfizz
from benchmarks.rows import Rows
from benchmarks.soundfont import ROOT, write_soundfont
from netaudio.compiler import prepare
from netaudio.midi import note_on
from netaudio.sampler import kernel
from netaudio.sampler.bank import Bank
from netaudio.sampler.instrument import Instrument
from netaudio.sampler.pitch import ONE
from netaudio.sampler.region import Region
from netaudio.sampler.voices import Event, Score

RATE, CHUNK = 48000, 128  # the longer chunks are, the worse sfizz shifts
SHIFTS = (-12, -7, -1, 1, 7, 12)  # semitones
TONES = (100, 1000, 5000, 10000)  # Hz, before they are shifted
SETTLE, COUNT = 9600, 8192  # frames until attacks are over; frames that are measured
PEAK = 0.25
SFIZZ = {"linear": 1, "16 points": 5, "72 points": 10}  # sample_quality: as it comes, like ours, the best
FLUID = ("4th order", "7th order")

Sound = NDArray[np.float32]
Shift = Callable[[Sound, int, int], Sound]  # stereo frames, semitones, how many to make of them


def ours(frames: Sound, ratio: float, count: int) -> Sound:
    """So many frames, read `ratio` apart from the first on, by the kernel."""
    bank = Bank()
    (address,) = bank.extend([frames])
    region = Region(address, len(frames), len(frames), None, round(ratio * ONE), 1.0, 1.0, 1, len(frames))
    score = Score(RATE, 1, {0: Instrument("tone", RATE, (), (region,) * 128)}.get)
    score.apply(Event(1, 0, note_on(0, 60, 127)))
    chunks = [
        kernel.tails(bank.frames, [score.job(at, 0, 1, 1)], CHUNK, score.ramp, score.release)[0][0]
        for at in range(0, count, CHUNK)
    ]
    return np.concatenate(chunks)[:count]


def _ours(frames: Sound, semitones: int, count: int) -> Sound:
    return ours(frames, 2 ** (semitones / 12), count)


def _fluid(interpolation: int, frames: Sound, semitones: int, count: int) -> Sound:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tone.sf2"
        write_soundfont(path, frames[:, 0], RATE)
        synth = fluid.Synth(path, RATE, 1, interpolation, CHUNK)
        synth.select(0, 0)
        synth.play(0, ROOT + semitones)
        chunks = []
        for _ in range(0, count, CHUNK):
            synth.render()
            chunks.append(synth.out.T.copy())
    return np.concatenate(chunks)[:count]


def _sfizz(quality: int, frames: Sound, semitones: int, count: int) -> Sound:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tone.wav"
        soundfile.write(path, frames, RATE, subtype="FLOAT")
        region = f"<region> sample={path} pitch_keycenter={ROOT} sample_quality={quality}\n"
        synth = sfizz.load(f"<control> hint_ram_based=1\n{region}", RATE, CHUNK)  # all is there from the start
        synth.note_on(0, ROOT + semitones, 100)
        chunks = [np.stack(synth.render_block(), axis=1) for _ in range(0, count, CHUNK)]
    return np.concatenate(chunks)[:count]


CONTENDERS: dict[str, Shift] = {
    "NetAudio": _ours,
    **{f"FluidSynth, {name}": partial(_fluid, fluid.INTERPOLATION[name]) for name in FLUID},
    **{f"sfizz, {name}": partial(_sfizz, quality) for name, quality in SFIZZ.items()},
}


def added(sound: NDArray[np.floating[Any]], hertz: float) -> float:
    """dB of all but the tone of about that frequency, to the tone; the frequency is found to the last digit."""
    at = np.arange(len(sound)) / RATE
    at -= at.mean()
    for _ in range(5):
        turn = 2 * np.pi * hertz * at
        tone = np.stack((np.cos(turn), np.sin(turn)), axis=1)
        basis = np.concatenate((tone, tone * at[:, None]), axis=1)
        (a, b, c, d), *_ = np.linalg.lstsq(basis, sound, rcond=None)
        hertz += (a * d - b * c) / (a * a + b * b) / (2 * np.pi)
    level = np.linalg.lstsq(tone, sound, rcond=None)[0]
    return float(20 * np.log10(np.linalg.norm(sound - tone @ level) / np.linalg.norm(tone @ level)))


def measure() -> dict[str, Any]:
    """dB by contender, tone and shift, and what was missing."""
    prepare(kernel.free)
    found: dict[str, Any] = {"tones": list(TONES), "shifts": list(SHIFTS), "dB": {}, "notes": []}
    for name, shift in CONTENDERS.items():
        try:
            found["dB"][name] = [[_one(shift, hertz, semitones) for semitones in SHIFTS] for hertz in TONES]
        except (fluid.FluidError, sfizz.SfizzError) as error:
            found["notes"].append(f"{name}: {error}")
    return found


def _one(shift: Shift, hertz: int, semitones: int) -> float:
    ratio = 2 ** (semitones / 12)
    at = np.arange(int((SETTLE + COUNT) * ratio) + RATE // 2) / RATE
    tone = (PEAK * np.sin(2 * np.pi * hertz * at)).astype(np.float32)
    sound = shift(np.stack((tone, tone), axis=1), semitones, SETTLE + COUNT)
    return added(sound[SETTLE:, 0].astype(float), hertz * ratio)


def show(found: dict[str, Any]) -> None:
    low, high = min(found["shifts"]), max(found["shifts"])
    print(f"\nwhat shifting by {low} to {high} semitones adds at worst, dB below the tone")
    rows = Rows({"": 26, **{f"{hertz} Hz": 12 for hertz in found["tones"]}})
    for name, tones in found["dB"].items():
        rows.line(name, *(f"{max(shifts):.1f}" for shifts in tones))
    for note in found["notes"]:
        print(note)


if __name__ == "__main__":
    show(measure())
