"""PortAudio's outputs: listing and finding them, and why one does not open."""

import difflib
import sys
from types import ModuleType
from typing import Any

from netaudio.audio import libportaudio
from netaudio.errors import DeviceError

_BAD_RATE, _BAD_CHANNELS = -9997, -9998  # PaErrorCode: paInvalidSampleRate, paInvalidChannelCount
_OTHER = "choose another (--list-devices) or play without sound (--device null)"


class AbsentError(DeviceError):
    """There is no such output now."""


def list_devices() -> list[str]:
    """A line for each output: * if it is the default, the number that --device takes; raises DeviceError."""
    sounddevice = libportaudio.load()
    marks = {_default(sounddevice): "*"}
    lines = [f"{marks.get(info['index'], ' ')} {_described(info)}" for info in _outputs(sounddevice)]
    return [*lines, "  null: no sound, a clock of its own"]


def _outputs(sounddevice: ModuleType) -> list[dict[str, Any]]:
    apis = sounddevice.query_hostapis()
    return [
        {**info, "api": apis[info["hostapi"]]["name"]}
        for info in sounddevice.query_devices()
        if info["max_output_channels"] > 0
    ]


def identity(info: dict[str, Any]) -> str:
    """A name by which `find` finds this output again, at whatever index."""
    return f"{info['name']}, {info['api']}"


def _described(info: dict[str, Any]) -> str:
    channels = "" if info["max_output_channels"] > 1 else ", mono: of no use here"
    return f"{info['index']}: {info['name']} ({info['api']}, {info['default_samplerate']:.0f} Hz{channels})"


def _default(sounddevice: ModuleType) -> int:
    """The default output's index, or -1. On Windows it is WASAPI's: PortAudio's own, MME, has a long latency."""
    if sys.platform == "win32":
        for api in sounddevice.query_hostapis():
            if api["name"] == "Windows WASAPI" and api["default_output_device"] >= 0:
                return int(api["default_output_device"])
    return int(sounddevice.default.device[1])


def find(sounddevice: ModuleType, device: str) -> dict[str, Any]:
    """PortAudio's facts of the output that `device` names: "" (the default), an index or a part of a name;
    raises DeviceError."""
    outputs = _outputs(sounddevice)
    if not outputs:
        named = f" is called {device!r}, nor is there any other" if device else " found"
        raise AbsentError(f"no sound output{named}: plug one in, or play without sound (--device null)")
    if not device or device.isdecimal():
        wanted = int(device) if device else _default(sounddevice)
        matches = [info for info in outputs if info["index"] == wanted]
    else:
        name = device.lower()
        matches = [info for info in outputs if name in identity(info).lower()]
        exact = [info for info in matches if name in (info["name"].lower(), identity(info).lower())]
        matches = exact or matches
        best = [info for info in matches if info["api"] == "Windows WASAPI"]
        matches = best or matches
    if len(matches) == 1:
        info = matches[0]
        if info["max_output_channels"] < 2:
            raise DeviceError(f"sound output {_described(info)}: stereo is needed; {_OTHER}")
        return info
    if matches:
        several = "; ".join(map(_described, matches))
        raise DeviceError(f"several sound outputs are called {device!r}: give the number of one: {several}")
    if not device:
        raise AbsentError(f"the system has no default sound output: {_OTHER}")
    names = {info["name"].lower(): info for info in outputs}
    near = [names[name] for name in difflib.get_close_matches(device.lower(), names, 3, 0.5)] or outputs
    raise AbsentError(f"no sound output is called {device!r}; there are {'; '.join(map(_described, near))}")


def extra(sounddevice: ModuleType, info: dict[str, Any]) -> Any:
    """PortAudio's settings for an output. WASAPI refuses every rate but its own unless it is told to convert."""
    return sounddevice.WasapiSettings(auto_convert=True) if info["api"] == "Windows WASAPI" else None


def refusal(info: dict[str, Any], rate: int, error: Exception) -> str:
    """A line on why an output does not open."""
    name, own = info["name"], round(info["default_samplerate"])
    code = error.args[1] if len(error.args) > 1 else 0
    if code == _BAD_RATE:
        return f"sound output {name!r} plays at {own} Hz, not {rate}: start the server with --rate {own}, {_OTHER}"
    if code == _BAD_CHANNELS:
        return f"sound output {name!r} has no stereo: {_OTHER}"
    return f"sound output {name!r} does not open: {error}; {_OTHER}"
