"""Render the instruments: `python wav/render.py [--out DIR] [name | name/note ...]`.

Whatever decays is a sum of damped modes: strings, bodies, and the room they stand in.
Whatever sustains is made of whole cycles of its loop, so the seam is exact.
"""

import argparse
import functools
import math
import struct
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

RATE = 48000
NOTES = {"C4": 60, "D4": 62, "E4": 64, "F4": 65, "G4": 67, "A4": 69, "B4": 71, "C5": 72}
LOUDNESS = -17.0  # LUFS of each channel in the first second: both together make -14
CEILING = 10 ** (-0.5 / 20)

Real = npt.NDArray[np.float64]
Complex = npt.NDArray[np.complex128]


class Sound(NamedTuple):
    """Frames of shape (frames, 2); one that sustains loops from the frame `loop` to its end."""

    frames: Real
    loop: int | None = None


# Building blocks


def dice(*names: object) -> np.random.Generator:
    """A generator that always falls alike for the same names."""
    return np.random.default_rng(zlib.crc32(repr(names).encode()))


def seconds(frames: int) -> Real:
    return np.arange(frames) / RATE


def smooth(x: Real) -> Real:
    """A rise from 0 (x <= 0) to 1 (x >= 1) without corners."""
    return 0.5 - 0.5 * np.cos(np.pi * np.clip(x, 0, 1))


def partials(pitch: float, stiffness: float) -> tuple[Real, Real]:
    """The numbers and frequencies of a stiff string's partials up to 13 kHz; the first is in tune."""
    number = np.arange(1.0, 60.0)
    freq = number * pitch * np.sqrt((1 + stiffness * number**2) / (1 + stiffness))
    return number[freq < 13000], freq[freq < 13000]


def modes(poles: Complex, left: Complex, right: Complex, frames: int) -> Real:
    """The sum of gain * exp(pole * t), poles in rad/s, as (frames, 2): one matrix product per channel."""
    block = 512
    starts = np.exp(np.outer(np.arange(0, frames, block) / RATE, poles))
    steps = np.exp(np.outer(poles, seconds(block)))
    return np.stack([((starts * gains) @ steps).imag.ravel()[:frames] for gains in (left, right)], axis=1)


def noise(rng: np.random.Generator, frames: int, decay: float, low: float, high: float) -> Real:
    """A burst of noise between two frequencies that dies away in `decay` seconds, peaking near 1."""
    burst = rng.standard_normal(frames) * np.exp(-seconds(frames) / decay)
    freq = np.fft.rfftfreq(2 * frames, 1 / RATE)
    band = freq / (freq - 1j * low) / (1 + 1j * freq / high) ** 2
    shaped: Real = np.fft.irfft(np.fft.rfft(burst, 2 * frames) * band)[:frames]
    return shaped / float(np.abs(shaped).max())


def convolve(sound: Real, response: Real) -> Real:
    size = 1 << (len(sound) + len(response) - 1).bit_length()
    spectrum = np.fft.rfft(sound, size, axis=0) * np.fft.rfft(response, size, axis=0)
    out: Real = np.fft.irfft(spectrum, size, axis=0)[: len(sound)]
    return out


@functools.cache
def space(name: str, count: int, low: float, high: float, ring: float, slope: float, length: float) -> Real:
    """The response (frames, 2) of a body or a room to an impulse: `count` modes, of even gain.

    A mode at 1 kHz rings for `ring` seconds (to 1/e), others for ring * kHz**-slope.
    """
    rng = dice(name)
    octaves = math.log(high / low)
    freq = low * np.exp(rng.uniform(0, octaves, count))
    decay = ring * (freq / 1000) ** -slope
    even = np.sqrt(8 * freq * octaves / count / decay) / RATE  # many or long modes are weak ones
    mid, side = rng.standard_normal((2, count)) * [[1.0], [0.4]] * even
    frames = round(length * RATE)
    fade = smooth(4 * (1 - seconds(frames) / length))
    return modes(-1 / decay + 2j * np.pi * freq, mid + side, mid - side, frames) * fade[:, None]


def room(sound: Real, wet: float, length: float = 1.0) -> Real:
    return sound + wet * convolve(sound, space("room", 3000, 110, 9000, 0.13, 0.45, length))


def die_away(sound: Real, onset: float, fade: float) -> Sound:
    """Let the sound begin and end in nothing."""
    time = seconds(len(sound))[:, None]
    return Sound(sound * smooth(time / onset) * smooth((time[-1] - time) / fade))


# The instruments


def piano(pitch: float, rng: np.random.Generator) -> Sound:
    """Three strings on one bridge: upright they sing as one and are soon spent, sideways they ring on."""
    frames = round(4.8 * RATE)
    number, freq = partials(pitch, 3.8e-4 * (pitch / 261.6) ** 1.5)
    count = len(freq)
    hammer = np.sin(np.pi * number / 8.4) / (1 + (freq / 900) ** 2) / number**0.6

    detuning = np.array([-0.27, 0.02, 0.25]) + rng.normal(0, 0.03, 3)
    own = 2j * np.pi * freq[:, None] * (2 ** (detuning / 1200) - 1) - (0.35 + 2e-7 * freq**2)[:, None]
    bridge = 0.75 * (freq / 262) ** 0.25 * rng.uniform(0.7, 1.35, count)
    roots, shapes = np.linalg.eig(own[:, :, None] * np.eye(3) - bridge[:, None, None] / 3)
    blow = np.linalg.solve(shapes, np.tile([[1.0], [0.93], [1.04]], (count, 1, 1)))
    upright = shapes * blow.swapaxes(1, 2)
    level = 0.25 * np.eye(3) * np.exp(1j * rng.normal(0, 0.5, (count, 1, 3)))
    strings = np.concatenate([upright, level], axis=2) * hammer[:, None, None]
    # a side that is turned by a quarter is wide and loses little in mono
    place = 1j * (0.26 * rng.choice([-1, 1], (count, 1, 1)) + rng.normal(0, 0.2, (count, 3, 1)))
    mid, side = strings.sum(axis=1).ravel(), (strings * place).sum(axis=1).ravel()
    poles = (np.concatenate([roots, own], axis=1) + 2j * np.pi * freq[:, None]).ravel()
    sound = modes(poles, mid + side, mid - side, frames)

    felt = noise(rng, frames, 0.004, 90, 1600)[:, None]
    board = space("sitka", 400, 65, 7000, 0.022, 0.55, 0.4)
    sound += 0.4 * convolve(sound + 0.5 * np.abs(hammer).sum() * felt, board)
    return die_away(room(sound, 0.16), 0.0006, 1.4)


def epiano(pitch: float, rng: np.random.Generator) -> Sound:
    """A tine swings before a magnet: struck hard it leaves the even field, so it barks, then mellows."""
    frames = round(4.1 * RATE)
    time = seconds(frames)
    swing = (0.45 * np.exp(-time / 0.28) + 0.62 * np.exp(-time / 1.5)) * np.sin(2 * np.pi * pitch * time)
    for ratio, size, decay in ((7.11, 0.035, 0.16), (18.6, 0.006, 0.06)):
        swing += size * np.exp(-time / decay) * np.sin(2 * np.pi * pitch * ratio * time)
    flux = 1 / (1 + (1.1 * swing - 0.42) ** 2)
    tone = np.gradient(flux) * RATE / pitch
    tone += 0.25 * noise(rng, frames, 0.005, 120, 900)

    sweep = 0.0014 * np.sin(2 * np.pi * 0.7 * time)
    early, late = (np.interp(time - 0.007 - way * sweep, time, tone, left=0) for way in (1, -1))
    pan = 0.28 * np.sin(2 * np.pi * 4.6 * time) * smooth(time / 0.5)
    side = pan * tone + 0.22 * (early - late)
    sound = np.stack([tone + side, tone - side], axis=1)
    return die_away(room(sound, 0.12), 0.0006, 1.4)


def guitar(pitch: float, rng: np.random.Generator) -> Sound:
    """A steel string, plucked near the hole, swinging in two planes over a wooden box."""
    frames = round(4.1 * RATE)
    number, freq = partials(pitch, 6e-5 * (pitch / 261.6) ** 0.5)
    count = len(freq)
    pluck = np.sin(np.pi * number * (0.19 + rng.uniform(-0.01, 0.01))) / number / (1 + (freq / 3800) ** 2)
    loss = (0.5 + 4.0e-7 * freq**2) * rng.uniform(0.85, 1.2, count)
    upright = -2.2 * loss + 2j * np.pi * freq * (1 + rng.uniform(0, 2e-4, count))
    level = -loss + 2j * np.pi * freq
    force = np.concatenate([pluck, 0.6 * pluck]) * np.exp(1j * rng.normal(0.9, 0.3, 2 * count))
    place = 0.27j * np.tile(rng.choice([-1, 1], count), 2)
    poles = np.concatenate([upright, level])
    sound = modes(poles, force * (1 + place), force * (1 - place), frames)

    scrape = noise(rng, frames, 0.0025, 700, 6000)[:, None]
    excited = (sound + 0.25 * scrape) * smooth(seconds(frames) / 0.0005)[:, None]
    box = space("rosewood", 260, 95, 6500, 0.012, 0.75, 0.4)
    sound = 0.75 * excited + 0.4 * convolve(excited, box)
    return die_away(room(sound, 0.15), 0.0006, 1.4)


def organ(pitch: float, rng: np.random.Generator) -> Sound:
    """Tonewheels, a scanner chorus, a warm amplifier, and a slow rotary speaker between two microphones."""
    attack = round(0.5 * RATE)
    cycles = round(2.4 * pitch / 2)
    loop = round(cycles * RATE / (pitch / 2))
    time = seconds(loop)
    round_trip = 2 * np.pi / (loop / RATE)
    wheels = np.array([-12, 7, 0, 12, 19, 24, 28, 31, 36])
    levels = np.array([0.8, 0.55, 1.0, 0.6, 0.28, 0.2, 0.06, 0.05, 0.09])
    omega = np.rint(cycles * 2 * 2 ** (wheels / 12)) * round_trip
    phase = rng.uniform(0, 2 * np.pi, len(wheels))
    horn = 1 / (1 + (700 * 2 * np.pi / omega) ** 4)

    def amplified(share: Real, at: Real) -> Real:
        scanner = 0.0004 * np.sin(17 * round_trip * at)
        angle = [omega[:, None] * late + phase[:, None] for late in (at, at - scanner)]
        return np.tanh(0.55 * ((levels * share) @ (np.sin(angle[0]) + 0.45 * np.sin(angle[1]))))

    def speaker(share: Real, turn: float, radius: float, depth: float, from_side: float) -> Real:
        out = np.zeros(len(time))
        for strength, wall in ((1.0, 0.0), (0.25, 2.4)):
            facing = np.cos(turn * round_trip * time + from_side + wall)
            arrived = time + radius / 343 * facing - 0.002 * wall
            out += strength * (1 + depth * facing) * amplified(share, arrived)
        return out

    heard = [speaker(horn, 2, 0.15, 0.4, s) + speaker(1 - horn, -1, 0.07, 0.2, s) for s in (0.0, 1.2)]
    spectrum = np.fft.rfft(heard)
    spectrum[:, : round(50 * loop / RATE)] = 0
    turning = np.fft.irfft(spectrum, loop).T
    time = seconds(attack + loop)
    sound = np.concatenate([turning[-attack:], turning]) * smooth(time / 0.004)[:, None]
    struck = 0.5 * np.sin(omega[3] * time) * np.exp(-time / 0.07) * smooth(5 - time / 0.04)
    struck += 0.12 * noise(rng, len(time), 0.003, 900, 5000) * smooth(2 - time / 0.015)
    return Sound(room(sound + struck[:, None], 0.15, 0.28), attack)


INSTRUMENTS: dict[str, Callable[[float, np.random.Generator], Sound]] = {
    "epiano": epiano,
    "guitar": guitar,
    "organ": organ,
    "piano": piano,
}


# Level and file


def loudness(frames: Real) -> Real:
    """The LUFS of each channel's first second: its power under the K weighting of ITU-R BS.1770."""
    spectrum = np.fft.rfft(frames[:RATE], 2 * RATE, axis=0)
    z = np.exp(-2j * np.pi * np.arange(RATE + 1) / (2 * RATE))
    weight = np.polyval([1.19839281085285, -2.69169618940638, 1.53512485958697], z)
    weight /= np.polyval([0.73248077421585, -1.69065929318241, 1], z)
    weight *= (1 - z) ** 2 / np.polyval([0.99007225036621, -1.99004745483398, 1], z)
    power = np.sum(np.abs(spectrum * weight[:, None]) ** 2, axis=0) / RATE**2
    return np.asarray(10 * np.log10(power) - 0.691)


def wav(sound: Sound, key: int, rng: np.random.Generator) -> bytes:
    """A RIFF file of 16 bit stereo, dithered, at rest at both ends; a loop stands in its `smpl` chunk."""
    scaled = sound.frames * 10 ** ((LOUDNESS - loudness(sound.frames)) / 20)
    peak = np.abs(scaled).max()
    assert peak <= CEILING, f"peak {20 * math.log10(peak):+.1f} dBFS is above -0.5: lower LOUDNESS"
    dither = rng.random(scaled.shape) - rng.random(scaled.shape)
    pcm = np.rint(scaled * 32767 + dither).astype("<i2")
    pcm[0] = 0
    if sound.loop is None:
        pcm[-1] = 0
    chunks = [(b"fmt ", struct.pack("<HHIIHH", 1, 2, RATE, 4 * RATE, 4, 16)), (b"data", pcm.tobytes())]
    if sound.loop is not None:
        header = struct.pack("<9I", 0, 0, round(1e9 / RATE), key, 0, 0, 0, 1, 0)
        chunks.append((b"smpl", header + struct.pack("<6I", 0, 0, sound.loop, len(pcm) - 1, 0, 0)))
    body = b"".join(name + struct.pack("<I", len(data)) + data for name, data in chunks)
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WAVE" + body


def render(name: str, note: str) -> bytes:
    """The wav file of one note, the same bytes each time."""
    key = NOTES[note]
    rng = dice(name, note)
    return wav(INSTRUMENTS[name](440 * 2 ** ((key - 69) / 12), rng), key, rng)


def main() -> None:
    parser = argparse.ArgumentParser(description="Render the instruments to OUT/<name>/<note>.wav.")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, help="default: this folder")
    parser.add_argument("names", nargs="*", default=list(INSTRUMENTS), help="such as piano or piano/C4")
    arguments = parser.parse_args()
    for wanted in arguments.names:
        name, _, only = wanted.partition("/")
        if name not in INSTRUMENTS or (only and only not in NOTES):
            sys.exit(f"{wanted}: expected one of {', '.join(INSTRUMENTS)}, or as {name}/C4")
        for note in [only] if only else NOTES:
            path = arguments.out / name / f"{note}.wav"
            path.parent.mkdir(parents=True, exist_ok=True)
            data = render(name, note)
            path.write_bytes(data)
            print(f"{path}  {len(data) / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
