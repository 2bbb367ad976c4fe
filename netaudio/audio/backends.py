"""Which backend a device's name asks for."""

from netaudio.audio import libportaudio
from netaudio.audio.devices import find
from netaudio.audio.null import NullOutput
from netaudio.audio.output import Output, Render
from netaudio.audio.portaudio import PortAudioOutput


def open_output(device: str, rate: int, block: int, render: Render, skew: float = 0.0) -> Output:
    """The output that `device` names: "" (the default), "null", an index or a part of a name.

    `rate` in Hz; `block` frames per render; `skew` (ppm) makes null's clock fast, and is nothing to a card.
    Raises DeviceError.
    """
    if _null(device):
        return NullOutput(rate, block, render, skew)
    return PortAudioOutput(device.strip(), rate, block, render)


def need_output(device: str) -> None:
    """Raises DeviceError if there is no output that `device` names."""
    if not _null(device):
        find(libportaudio.load(), device.strip())


def _null(device: str) -> bool:
    return device.strip().lower() == "null"
