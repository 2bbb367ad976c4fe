"""FluidSynth through its library, offline: the field's best known sampler, as a measure."""

import ctypes
import ctypes.util
from pathlib import Path

import numpy as np

SOUNDFONT = Path("/usr/share/sounds/sf2/FluidR3_GM.sf2")  # Debian: fluid-soundfont-gm
INTERPOLATION = {"no interpolation": 0, "linear": 1, "4th order": 4, "7th order": 7}
CHANNELS = [channel for channel in range(128) if channel % 16 != 9]  # without drums
KEYS = range(36, 84)
PROGRAMS = (*range(16, 24), *range(40, 55), *range(88, 96))  # organs, strings, voices, pads: they hold


class FluidError(Exception):
    """Why there is no FluidSynth to compare with."""


class Synth:
    """A synth without effects that plays a SoundFont."""

    def __init__(self, soundfont: Path, rate: int, voices: int, interpolation: int, chunk: int) -> None:
        self._library = library = _library()
        settings = library.new_fluid_settings()
        for name, value in {"synth.polyphony": voices, "synth.midi-channels": 128, "synth.reverb.active": 0,
                            "synth.chorus.active": 0, "synth.dynamic-sample-loading": 1}.items():  # fmt: skip
            library.fluid_settings_setint(settings, name.encode(), value)
        library.fluid_settings_setnum(settings, b"synth.sample-rate", float(rate))
        library.fluid_settings_setnum(settings, b"synth.gain", 0.01)
        self._synth = library.new_fluid_synth(settings)
        if library.fluid_synth_sfload(self._synth, str(soundfont).encode(), 0) < 0:
            raise FluidError(f"FluidSynth cannot read {soundfont}")
        library.fluid_synth_set_interp_method(self._synth, -1, interpolation)
        self.out = np.zeros((2, chunk), np.float32)
        self._left, self._right = (self.out[side].ctypes.data for side in (0, 1))

    def select(self, channel: int, program: int) -> None:
        self._library.fluid_synth_bank_select(self._synth, channel, 0)
        self._library.fluid_synth_program_change(self._synth, channel, program)

    def play(self, channel: int, key: int) -> None:
        self._library.fluid_synth_noteon(self._synth, channel, key, 100)

    def sounding(self) -> int:
        """Voices, which are mono: a stereo note costs it two."""
        return int(self._library.fluid_synth_get_active_voice_count(self._synth))

    def render(self) -> None:
        """The next chunk, into `out`."""
        frames = self.out.shape[1]
        self._library.fluid_synth_write_float(self._synth, frames, self._left, 0, 1, self._right, 0, 1)


class Fluid(Synth):
    """A synth whose voices all sound."""

    def __init__(self, rate: int, voices: int, interpolation: int, chunk: int) -> None:
        if not SOUNDFONT.exists():
            raise FluidError(f"{SOUNDFONT} is missing: apt-get install fluid-soundfont-gm")
        super().__init__(SOUNDFONT, rate, voices, interpolation, chunk)
        for channel in CHANNELS:
            self.select(channel, PROGRAMS[channel % len(PROGRAMS)])
        for channel, key in ((channel, key) for key in KEYS for channel in CHANNELS):
            if self.sounding() >= voices:
                break
            self.play(channel, key)
        for _ in range(400):  # past the attack
            self.render()
        if self.sounding() < voices:
            raise FluidError(f"only {self.sounding()} of {voices} FluidSynth voices sound")


def _library() -> ctypes.CDLL:
    name = ctypes.util.find_library("fluidsynth")
    if name is None:
        raise FluidError("FluidSynth is missing: apt-get install libfluidsynth3")
    library = ctypes.CDLL(name)
    pointer, text, integer = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int
    signatures = {
        "new_fluid_settings": (pointer, ()),
        "new_fluid_synth": (pointer, (pointer,)),
        "fluid_settings_setint": (integer, (pointer, text, integer)),
        "fluid_settings_setnum": (integer, (pointer, text, ctypes.c_double)),
        "fluid_synth_sfload": (integer, (pointer, text, integer)),
        "fluid_synth_set_interp_method": (integer, (pointer, integer, integer)),
        "fluid_synth_bank_select": (integer, (pointer, integer, integer)),
        "fluid_synth_program_change": (integer, (pointer, integer, integer)),
        "fluid_synth_noteon": (integer, (pointer, integer, integer, integer)),
        "fluid_synth_get_active_voice_count": (integer, (pointer,)),
        "fluid_synth_write_float": (
            integer,
            (pointer, integer, pointer, integer, integer, pointer, integer, integer),
        ),
    }
    for function, (result, arguments) in signatures.items():
        getattr(library, function).restype = result
        getattr(library, function).argtypes = arguments
    return library
