"""The PortAudio library in this process: begun once, and anew after a device has gone."""

import atexit
import importlib.util
import shutil
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any

from netaudio.errors import DeviceError

JACK = "JACK Audio Connection Kit"


class _InUse:
    """The sounddevice module in use."""

    module: ModuleType | None = None
    dead = False


def load() -> ModuleType:
    """The sounddevice module, with PortAudio begun; raises DeviceError."""
    if _InUse.module is not None:
        return _InUse.module
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
    _InUse.module = module
    return module


def abandon(module: ModuleType) -> None:
    """Never end this PortAudio, not even at the exit: a stream of it cannot be closed."""
    atexit.unregister(module._exit_handler)
    if module is _InUse.module:
        _InUse.dead = True


def renew() -> None:
    """Begin PortAudio anew, for its list of devices is fixed when it begins; raises DeviceError.

    No stream may be open but those of an abandoned PortAudio.
    """
    module = load()
    try:
        if _InUse.dead or any(api["name"] == JACK for api in module.query_hostapis()):
            # as a client of a JACK server that has died it would end the program when it ends
            abandon(module)
            _InUse.module, _InUse.dead = _copy(module), False
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
    """The path of the PortAudio library in use; sounddevice may know only its name."""
    maps = Path("/proc/self/maps")
    if not Path(module._libname).is_absolute() and maps.exists():
        for line in maps.read_text().splitlines():
            path = line.rpartition(" ")[2]
            if Path(path).name.startswith(Path(module._libname).name):
                return path
    return str(module._libname)
