"""Voices a core can mix: ours, FluidSynth's, and a C loop as the limit, side by side."""

import ctypes
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.fluid import INTERPOLATION, Fluid, FluidError
from benchmarks.measure import Work, side_by_side
from benchmarks.sfizz import Sfizz, SfizzError
from netaudio.sampler.mixer import Mixer, Rows

RATE = 48000
CHUNK = 128
BANK_SECONDS = 500  # 192 MB: larger than the caches
CLIENTS = (5, 50)
VOICES = 32
LOOP = Path(__file__).parent / "loop.c"
RUN_CHUNKS = 4000  # that voices read on for before they begin anew


class Bench:
    """Voices that sound for ever, at random places of a bank, for some clients of VOICES each.

    Each contender has a seed of its own: no one finds in the caches what another has just read."""

    def __init__(self, bank: np.ndarray[Any, np.dtype[np.float32]], clients: int, ramps: bool, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.bank, self.clients = bank, clients
        self.addresses = rng.integers(0, len(bank) - (RUN_CHUNKS + 1) * CHUNK, (clients, VOICES))
        self.gains = rng.uniform(0.1, 1.0, (clients, VOICES)).astype(np.float32)
        # So gentle that no gain leaves what is sensible within a run.
        self.slopes = (self.gains / (RUN_CHUNKS * CHUNK) if ramps else 0 * self.gains).astype(np.float32)
        self._begin()

    def _begin(self) -> None:
        self._chunks, self._jobs = 0, []
        for addresses, gains, slopes in zip(self.addresses, self.gains, self.slopes, strict=True):
            rows = Rows()
            for voice in zip(addresses.tolist(), gains.tolist(), slopes.tolist(), strict=True):
                rows.add(*voice)
            self._jobs.append(rows)

    def ours(self) -> Work:
        """The server's way: rows of straight voices are read on."""
        mixer = Mixer()

        def work() -> object:
            self._chunks += 1
            if self._chunks == RUN_CHUNKS:
                self._begin()
            for rows in self._jobs:
                rows.advance(CHUNK)
            return mixer.mix(self.bank, self._jobs, CHUNK)

        return work

    def loop(self, mix: Any) -> Work:
        """The same in C, called with arrays that are ready."""
        addresses, gains, step = self.addresses.astype(np.int64), self.gains.copy(), self.slopes * CHUNK
        out = np.zeros((self.clients, CHUNK, 2), np.float32)
        slopes = self.slopes.ctypes.data if self.slopes.any() else None
        sizes = [ctypes.c_long(size) for size in (self.clients, VOICES, CHUNK)]
        at = addresses.ctypes.data, gains.ctypes.data, slopes, out.ctypes.data
        chunks = 0

        def work() -> object:
            nonlocal chunks
            chunks += 1
            if chunks == RUN_CHUNKS:
                chunks = 0
                addresses[:], gains[:] = self.addresses, self.gains
            np.add(addresses, CHUNK, out=addresses)
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


def check(bank: np.ndarray[Any, np.dtype[np.float32]], mix: Any) -> None:
    """That the C loop and our mixer do the same work."""
    for ramps in (False, True):
        bench = Bench(bank, 3, ramps, 0)
        loop = bench.loop(mix)
        ours, limit = bench.ours()(), loop()
        assert isinstance(ours, np.ndarray) and isinstance(limit, np.ndarray)
        assert np.abs(ours - limit).max() < 1e-4, "the C loop and the mixer differ"


def measure(rounds: int = 60, clients: Sequence[int] = CLIENTS) -> dict[str, Any]:
    """Nanoseconds for each frame of a voice, by what mixes and how many clients of VOICES; and what was missing."""
    rng = np.random.default_rng(0)
    bank = rng.random((BANK_SECONDS * RATE, 2), np.float32) - np.float32(0.5)
    loops = {"C loop, gcc -O3": compiled(), "C loop, gcc -O3 -march=native": compiled("-march=native")}
    for mix in loops.values():
        check(bank, mix)
    found: dict[str, Any] = {"notes": [], "chunk": CHUNK, "voices": VOICES, "clients": list(clients), "ns": {}}
    for count in clients:
        work: dict[str, Work] = {}
        for ramps, suffix in ((False, ""), (True, ", every voice ramps")):
            work[f"NetAudio{suffix}"] = Bench(bank, count, ramps, len(work)).ours()
            for name, mix in loops.items():
                work[f"{name}{suffix}"] = Bench(bank, count, ramps, len(work)).loop(mix)
        try:
            for name, method in INTERPOLATION.items():
                work[f"FluidSynth, {name} (mono)"] = Fluid(RATE, count * VOICES, method, CHUNK).render
        except FluidError as error:
            found["notes"].append(str(error))
        try:
            work["sfizz, linear"] = Sfizz(RATE, count * VOICES, CHUNK).render
        except SfizzError as error:
            found["notes"].append(str(error))
        seconds = side_by_side(work, rounds=rounds)
        found["ns"][str(count)] = {name: 1e9 * span / (count * VOICES * CHUNK) for name, span in seconds.items()}
    return found
