"""Voices a core can mix: ours, FluidSynth's, and a C loop as the limit, side by side."""

import ctypes
import itertools
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.fluid import INTERPOLATION, Fluid, FluidError
from benchmarks.measure import Work, side_by_side
from benchmarks.sfizz import Sfizz, SfizzError
from netaudio import midi
from netaudio.compiler import prepare
from netaudio.sampler import kernel
from netaudio.sampler.instrument import Instrument
from netaudio.sampler.pitch import CENT, ratio
from netaudio.sampler.region import GUARD, Region
from netaudio.sampler.voice import LONGEST
from netaudio.sampler.voices import Event, Score
from netaudio.units import Frames

RATE = 48000
CHUNK, CHUNKS = 128, (128, 512)
BANK_SECONDS = 500  # 192 MB: larger than the caches
CLIENTS = (5, 50)
VOICES = 32
LOOP = Path(__file__).parent / "loop.c"
RUN_FRAMES = 512_000  # that voices read on for before they begin anew


KINDS = ("held", "releasing", "heard late", "three of four shifted", "bent")
"""What all voices are; and which of C's loops is their limit: the one that ramps for the second and the third."""
RAMPING = frozenset(("releasing", "heard late"))
SHIFTS = (0, 100, -300, 700)  # cents, by turns


class Bench:
    """Voices that sound for ever, at random places of a bank, for some clients of VOICES each.

    Each contender has a seed of its own: no one finds in the caches what another has just read."""

    def __init__(self, bank: Frames, clients: int, kind: str, seed: int, chunk: int = CHUNK) -> None:
        rng = np.random.default_rng(seed)
        self.bank, self.clients, self.kind, self.chunk = bank, clients, kind, chunk
        self.run = RUN_FRAMES // chunk
        self.addresses = rng.integers(GUARD, len(bank) - 2 * RUN_FRAMES, (clients, VOICES))
        self.gains = rng.uniform(0.1, 1.0, (clients, VOICES)).astype(np.float32)
        # So gentle that no gain leaves what is sensible within a run.
        slopes = self.gains / RUN_FRAMES if kind in RAMPING else 0 * self.gains
        self.slopes = -slopes.astype(np.float32)
        self.scores = [self._score(*client) for client in zip(self.addresses, self.gains, strict=True)]

    def _score(self, addresses: NDArray[np.int64], gains: NDArray[np.float32]) -> Score:
        """One client's: its notes, and what was done to them, which ends when the run does."""
        shifted = self.kind == "three of four shifted"
        regions = [
            Region(int(address), LONGEST, LONGEST, None, ratio(CENT * SHIFTS[key % 4] if shifted else 0),
                   float(gain), float(gain), 1, LONGEST)
            for key, (address, gain) in enumerate(zip(addresses, gains, strict=True))
        ]  # fmt: skip
        instrument = Instrument("bench", RATE, (), tuple(regions))
        score = Score(RATE, VOICES, {0: instrument}.get)
        score.release = RUN_FRAMES
        messages = [midi.pitch_bend(0, 12000)] if self.kind == "bent" else []
        messages += [midi.note_on(0, key, 127) for key in range(VOICES)]
        if self.kind in RAMPING:
            messages += [midi.note_off(0, key) for key in range(VOICES)]
        for seq, message in enumerate(messages, 1):
            score.apply(Event(seq, 0, message))
        return score

    def ours(self) -> Work:
        """The server's way: one call of the kernel for all clients, a chunk further each time."""
        heard = self.scores[0].seq
        before = VOICES if self.kind == "heard late" else heard
        at, release = 0, self.scores[0].release

        def work() -> object:
            nonlocal at
            at = at + self.chunk if at < RUN_FRAMES - 2 * self.chunk else 0
            jobs = [score.job(at, 0, before, heard, 0, self.chunk) for score in self.scores]
            return kernel.tails(self.bank, jobs, self.chunk, self.scores[0].ramp, release)[0]

        return work

    def loop(self, mix: Any) -> Work:
        """The same in C, called with arrays that are ready."""
        chunk = self.chunk
        addresses, gains, step = self.addresses.astype(np.int64), self.gains.copy(), self.slopes * chunk
        out = np.zeros((self.clients, chunk, 2), np.float32)
        slopes = self.slopes.ctypes.data if self.slopes.any() else None
        sizes = [ctypes.c_long(size) for size in (self.clients, VOICES, chunk)]
        at = addresses.ctypes.data, gains.ctypes.data, slopes, out.ctypes.data
        chunks = 0

        def work() -> object:
            nonlocal chunks
            chunks += 1
            if chunks == self.run:
                chunks = 0
                addresses[:], gains[:] = self.addresses, self.gains
            np.add(addresses, chunk, out=addresses)
            if slopes:
                np.add(gains, step, out=gains)
            mix(self.bank.ctypes.data, *at, *sizes)
            return out

        return work


def compiled(*flags: str) -> Any:
    """loop.c's `mix`; raises FileNotFoundError without gcc."""
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "loop.so"
        subprocess.run(["gcc", "-O3", *flags, "-shared", "-fPIC", "-o", library, LOOP], check=True)
        mix = ctypes.CDLL(str(library)).mix
    mix.argtypes = [ctypes.c_void_p] * 5 + [ctypes.c_long] * 3
    mix.restype = None
    return mix


def check(bank: Frames, mix: Any) -> None:
    """That the C loop and the kernel do the same work."""
    for kind in ("held", "releasing"):
        bench = Bench(bank, 3, kind, 0)
        ours, limit = bench.ours()(), bench.loop(mix)()
        assert isinstance(ours, np.ndarray) and isinstance(limit, np.ndarray)
        assert np.abs(ours - limit).max() < 1e-4, "the C loop and the kernel differ"


def measure(rounds: int = 60, clients: Sequence[int] = CLIENTS, chunks: Sequence[int] = CHUNKS) -> dict[str, Any]:
    """Nanoseconds for each frame of a voice, by chunk size, how many clients of VOICES and what mixes; and what was
    missing."""
    prepare(kernel.free)
    rng = np.random.default_rng(0)
    bank = rng.random((BANK_SECONDS * RATE, 2), np.float32) - np.float32(0.5)
    loops = {"C loop, gcc -O3": compiled(), "C loop, gcc -O3 -march=native": compiled("-march=native")}
    for mix in loops.values():
        check(bank, mix)
    found: dict[str, Any] = {"notes": [], "voices": VOICES, "clients": list(clients), "ns": {}}
    for chunk, count in itertools.product(chunks, clients):
        work: dict[str, Work] = {}
        for kind in KINDS:
            work[f"NetAudio, {kind}"] = Bench(bank, count, kind, len(work), chunk).ours()
        for kind, suffix in (("held", ""), ("releasing", ", every voice ramps")):
            for name, mix in loops.items():
                work[f"{name}{suffix}"] = Bench(bank, count, kind, len(work), chunk).loop(mix)
        try:
            for name, method in INTERPOLATION.items():
                work[f"FluidSynth, {name} (mono)"] = Fluid(RATE, count * VOICES, method, chunk).render
        except FluidError as error:
            found["notes"].append(str(error))
        try:
            work["sfizz, linear"] = Sfizz(RATE, count * VOICES, chunk).render
        except SfizzError as error:
            found["notes"].append(str(error))
        seconds = side_by_side(work, rounds=rounds)
        ns = {name: 1e9 * span / (count * VOICES * chunk) for name, span in seconds.items()}
        found["ns"].setdefault(str(chunk), {})[str(count)] = ns
    return found
