"""PortAudio's outputs: listing, finding, and beginning anew after a device has gone."""

import atexit
import difflib
import importlib.util
import shutil
import sys
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any

from netaudio.errors import DeviceError

JACK = "JACK Audio Connection Kit"
_BAD_RATE, _BAD_CHANNELS = -9997, -9998  # PaErrorCode: paInvalidSampleRate, paInvalidChannelCount
_OTHER = "choose another (--list-devices) or play without sound (--device null)"


class AbsentError(DeviceError):
    """There is no such output now."""


class _PortAudio:
    """The sounddevice module in use."""

    module: ModuleType | None = None
    dead = False


def portaudio() -> ModuleType:
    """The sounddevice module, with PortAudio begun; raises DeviceError."""
    if _PortAudio.module is not None:
        return _PortAudio.module
    try:
        import sounddevice
    except OSError:
        raise DeviceError(
            "the PortAudio library is missing: apt install libportaudio2, or brew install portaudio (on Windows "
            "it comes with sounddevice), or play without sound (--device null)"
        ) from None
    except Exception as error:  # its PortAudioError, which has no name where the import failed
        raise DeviceError(f"PortAudio does not start: {error}; play without sound (--device null)") from error
    module: ModuleType = sounddevice
    _PortAudio.module = module
    return module


def abandon(module: ModuleType) -> None:
    """Never end this PortAudio, not even at the exit: a stream of it cannot be closed."""
    atexit.unregister(module._exit_handler)
    if module is _PortAudio.module:
        _PortAudio.dead = True


def renew() -> None:
    """Begin PortAudio anew, for its list of devices is fixed when it begins; raises DeviceError.

    No stream may be open but those of an abandoned PortAudio.
    """
    module = portaudio()
    try:
        if _PortAudio.dead or any(api["name"] == JACK for api in module.query_hostapis()):
            # as a client of a JACK server that has died it would end the program when it ends
            abandon(module)
            _PortAudio.module, _PortAudio.dead = _copy(module), False
        else:
            module._terminate()
            module._initialize()
    except Exception as error:  # PortAudioErrors of two kinds: each copy of the module has its own
        raise DeviceError(f"PortAudio does not start again: {error}") from error


def _copy(dead: ModuleType) -> ModuleType:
    """sounddevice on a library of its own: a copy of the file is loaded apart from the abandoned one."""
    spec = importlib.util.find_spec("sounddevice")
    assert spec and spec.loader
    module: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        module._lib = module._ffi.dlopen(shutil.copy(_library(dead), folder))
    module._initialized = 0
    module._initialize()
    copy: ModuleType = module
    return copy


def _library(module: ModuleType) -> str:
    """The path of the PortAudio library in use; sounddevice may know but its name."""
    maps = Path("/proc/self/maps")
    if not Path(module._libname).is_absolute() and maps.exists():
        for line in maps.read_text().splitlines():
            path = line.rpartition(" ")[2]
            if Path(path).name.startswith(Path(module._libname).name):
                return path
    return str(module._libname)


def list_devices() -> list[str]:
    """A line for each output: * if it is the default, the number that --device takes; raises DeviceError."""
    sounddevice = portaudio()
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
    """The default output's index, or -1. On Windows it is WASAPI's: PortAudio's own choice there is slow."""
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
