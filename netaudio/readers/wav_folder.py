"""Instruments from folders of sound files: decoded and brought to the bank's rate."""

import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from netaudio.errors import InstrumentError
from netaudio.readers.looping import Shape, shaped
from netaudio.readers.wav_loops import Loop, read_loops
from netaudio.sampler.bank import Bank, finished, unrolled
from netaudio.sampler.instrument import (
    IDENTITY_BLOCK,
    Instrument,
    Plan,
    Source,
    Stored,
    assembled,
    digests,
    holdings,
    parse_note,
    plan,
)

LOWEST_RATE, HIGHEST_RATE = 8000, 384_000
SUFFIXES = frozenset({".wav", ".flac", ".aif", ".aiff"})

# soxr's: 143 dB below a tone at full scale is what it adds, as much as 24 bits do. HQ adds 124 dB, and what it makes
# of a part differs in the last bits from what it makes of the whole.
_QUALITY = "VHQ"
_WORKERS = 2  # decoder and resampler let go of the interpreter lock

Frames = NDArray[np.float32]


@dataclass(frozen=True)
class Loaded:
    instrument: Instrument
    problems: tuple[str, ...]
    """One line for each file that was left out, or used otherwise than it says."""


@dataclass(frozen=True)
class _File:
    path: Path
    source: Source  # without digests until it is read
    shape: Shape  # what is made of its frames


@dataclass(frozen=True)
class _Recording:
    source: Source
    frames: Frames  # (n, 2), clipped to +-1: as many as are needed
    warning: str  # empty if there is none


@dataclass(frozen=True)
class _Made:
    """An instrument whose frames are not in the bank yet."""

    name: str
    rate: int
    sources: tuple[Source, ...]
    parts: list[tuple[Plan, int, Frames, float]]  # of each source: how it was made, how much of it, that, its gain
    problems: list[str]

    def placed(self, bank: Bank) -> Loaded:
        addresses = bank.extend([frames for _, _, frames, _ in self.parts])
        stored = {
            source.note: Stored(plan, kept, address, gain)
            for source, (plan, kept, _, gain), address in zip(self.sources, self.parts, addresses, strict=True)
        }
        return Loaded(assembled(self.name, self.sources, self.rate, stored), tuple(self.problems))


def list_instruments(folder: Path) -> list[str]:
    """Sorted names of the subfolders with a sound file named by a note; none if `folder` is missing."""
    return [inner.name for inner in _folders(folder) if _has_notes(inner)]


def need_instruments(folder: Path) -> list[str]:
    """The same; raises InstrumentError if there are none."""
    if names := list_instruments(folder):
        return names
    raise InstrumentError(f"no instruments in {folder}: expected folders of sound files named by note (C4.wav)")


def without_notes(folder: Path) -> list[str]:
    """What there is to say of the other subfolders."""
    others = [inner.name for inner in _folders(folder) if not _has_notes(inner)]
    return [f"{name}: left out, no sound file in it is named by a note; name them like C4.wav" for name in others]


def whole_size(folder: Path, rate: int) -> int:
    """Frames that all of the instrument in a folder takes in a bank, as its files' headers say; raises
    InstrumentError if the folder cannot be read."""
    return sum(plan(file.source, rate).kept(None) for file in _inspect_all(folder, []))


def _folders(folder: Path) -> list[Path]:
    try:
        inner = sorted(path for path in folder.iterdir() if path.is_dir())
    except FileNotFoundError:
        return []
    except OSError as error:
        raise InstrumentError(f"{folder} cannot be read ({error.strerror}): it should hold instruments") from None
    return [path for path in inner if path.name[0] not in "._"]


def _has_notes(folder: Path) -> bool:
    try:
        return any(parse_note(path.stem) is not None for path in _sound_files(folder))
    except InstrumentError:
        return True  # it may have: who loads it is told why not


def load(
    folder: Path,
    names: Sequence[str],
    rate: int,
    held: int | None,
    bank: Bank,
    progress: Callable[[str, float], None] | None = None,
    reach: int = 0,
) -> dict[str, Loaded]:
    """Loads instruments into the bank, keeping `held` frames at its rate of each recording (None: all), or more
    where a key needs that to play `reach` frames.

    One of them at a time is in memory besides, and its files are read no further than that takes.
    `progress(name, fraction)` is called on this thread. An instrument of which nothing can be loaded is left
    out, and the first that is loaded tells of it among its problems; if none can be loaded at all, raises
    InstrumentError.
    """
    known = list_instruments(folder)
    loaded: dict[str, Loaded] = {}
    failures: list[str] = []
    with ThreadPoolExecutor(_WORKERS, "load") as pool:
        for name in dict.fromkeys(names):
            try:
                if name not in known:
                    raise InstrumentError(f"there is no instrument {name!r} in {folder}: {_choice(known)}")
                loaded[name] = _make(folder / name, rate, held, reach, pool, progress).placed(bank)
            except InstrumentError as error:
                failures.append(str(error))
    if failures:
        if not loaded:
            raise InstrumentError("; ".join(failures))
        name, first = next(iter(loaded.items()))
        loaded[name] = replace(first, problems=(*first.problems, *failures))
    return loaded


def _sound_files(folder: Path) -> list[Path]:
    try:
        paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and path.is_file())
    except OSError as error:
        raise InstrumentError(f"{folder.name}: left out, it cannot be read ({error.strerror})") from None
    return [path for path in paths if not path.name.startswith(".")]  # macOS puts a ._C4.wav beside each C4.wav


def _label(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


def _choice(known: Sequence[str]) -> str:
    return f"choose from {', '.join(known)}" if known else "put a folder there with files such as C4.wav"


def _make(
    folder: Path,
    rate: int,
    held: int | None,
    reach: int,
    pool: ThreadPoolExecutor,
    progress: Callable[[str, float], None] | None,
) -> _Made:
    """Decodes and resamples all recordings of one instrument; raises InstrumentError if it has no good file."""
    problems: list[str] = []
    recordings = _read_all(_inspect_all(folder, problems), rate, held, reach, pool, problems)
    if not recordings:
        raise InstrumentError(f"nothing in {folder} can be played: {'; '.join(problems)}")
    sources = tuple(recording.source for recording in recordings)
    kept = holdings(sources, rate, held, reach)

    def part(recording: _Recording) -> tuple[Plan, int, Frames, float]:
        plan, count = kept[recording.source.note]
        return plan, count, *_part(recording, plan, count)

    parts = []
    for made in pool.map(part, recordings):
        parts.append(made)
        if progress:
            progress(folder.name, len(parts) / len(recordings))
    return _Made(folder.name, rate, sources, parts, problems)


def _inspect_all(folder: Path, problems: list[str]) -> list[_File]:
    """The folder's files that seem playable, one for each note, by note."""
    files: dict[int, _File] = {}
    for path in _sound_files(folder):
        note = parse_note(path.stem)
        if note is None:
            problems.append(f"{_label(path)}: left out, its name is no note; name it like C4 or 60")
        elif note in files:
            problems.append(f"{_label(path)}: left out, {files[note].path.name} is the same note")
        else:
            try:
                files[note] = _inspect(path, note, problems)
            except InstrumentError as error:
                problems.append(f"{_label(path)}: left out, {error}")
    return [files[note] for note in sorted(files)]


def _inspect(path: Path, note: int, problems: list[str]) -> _File:
    """What the file says about itself; raises InstrumentError if that cannot be played."""
    try:
        path.open("rb").close()  # says why not, which libsndfile does not
        with soundfile.SoundFile(path) as file:
            rate, frames, channels = file.samplerate, file.frames, file.channels
        told = read_loops(path)
    except soundfile.LibsndfileError as error:
        raise InstrumentError(f"it is not a sound file that can be read ({error.error_string})") from error
    except OSError as error:
        raise InstrumentError(f"it cannot be read ({error.strerror})") from error
    if channels > 2:
        raise InstrumentError(f"it has {channels} channels; make it mono or stereo")
    if not LOWEST_RATE <= rate <= HIGHEST_RATE:
        raise InstrumentError(f"its rate is {rate} Hz; it must be {LOWEST_RATE} to {HIGHEST_RATE} Hz")
    source = Source(note, rate, frames, None, ())
    if flaw := source.flaw():
        raise InstrumentError(flaw)
    shape, remark = _looped(told.loops, frames, rate)
    remarks = [text for text in (told.remark, remark) if text]
    if remarks:
        problems.append(f"{_label(path)}: {'; '.join(remarks)}")
    return _File(path, replace(source, frames=shape.frames, loop=shape.loop), shape)


def _looped(loops: Sequence[Loop], frames: int, rate: int) -> tuple[Shape, str]:
    """By the first loop that can be played, and what is odd about the first of all."""
    first, remark = shaped(loops[0] if loops else None, frames, rate)
    if not first.loop and remark:
        for loop in loops[1:]:
            if (other := shaped(loop, frames, rate)[0]).loop:
                return other, f"plays its next loop, since {remark.partition(', ')[2]}"
    return first, remark


def _read_all(
    files: list[_File],
    rate: int,
    held: int | None,
    reach: int,
    pool: ThreadPoolExecutor,
    problems: list[str],
) -> list[_Recording]:
    """Reads each file as far as needed. If some fail, the others stand in for them and are read anew."""
    while files:
        kept = holdings([file.source for file in files], rate, held, reach)
        needs = [plan.needs(count) for plan, count in (kept[file.source.note] for file in files)]
        results = list(pool.map(_read, files, needs))
        recordings = [result for result in results if isinstance(result, _Recording)]
        if len(recordings) == len(files):
            problems += [recording.warning for recording in recordings if recording.warning]
            return recordings
        problems += [result for result in results if isinstance(result, str)]
        files = [file for file, result in zip(files, results, strict=True) if isinstance(result, _Recording)]
    return []


def _read(file: _File, need: int) -> _Recording | str:
    """The first `need` frames, or all up to its loop's end, in whole blocks; or why it is left out."""
    whole, label = file.source.frames, _label(file.path)
    need = min(need, file.source.loop[1] if file.source.loop else whole)
    made = min(whole, -(-need // IDENTITY_BLOCK) * IDENTITY_BLOCK)
    count = file.shape.reading(made)
    blocks = [np.zeros((0, 2), np.float32)]
    try:
        with soundfile.SoundFile(file.path) as sound:
            # In blocks, since a broken file may promise more frames than there is memory for.
            for first in range(0, count, IDENTITY_BLOCK):
                size = min(IDENTITY_BLOCK, count - first)
                block = sound.read(size, dtype="float32", always_2d=True)
                if len(block) < size:
                    return f"{label}: left out, it is cut short, {first + len(block)} of {sound.frames} frames"
                blocks.append(block if block.shape[1] == 2 else np.repeat(block, 2, axis=1))
    except soundfile.LibsndfileError as error:
        return f"{label}: left out, its sound cannot be read ({error.error_string})"
    frames = np.concatenate(blocks)
    peak = float(np.abs(frames).max(initial=0))
    if not math.isfinite(peak):
        return f"{label}: left out, its sound holds values that are not numbers"
    frames = file.shape.made(frames, made)
    excess = f"{label}: clipped, it is {20 * math.log10(peak):.1f} dB louder than full scale" if peak > 1 else ""
    return _Recording(replace(file.source, digests=digests(frames)), np.clip(frames, -1, 1), excess)


def _part(recording: _Recording, plan: Plan, kept: int) -> tuple[Frames, float]:
    """What goes into the bank of a recording, and its gain."""
    sound = unrolled(recording.frames, recording.source.loop, plan.needs(kept))
    return finished(sound if plan.ratio == 1 else soxr.resample(sound, 1.0, plan.ratio, _QUALITY), plan, kept)
