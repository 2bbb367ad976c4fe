"""One tree of errors, whose branches say whose fault it was. Every text is one clear line."""


class NetAudioError(Exception):
    """Ends or refuses something; its text says what was wrong, what was expected and what to do."""


class SettingError(NetAudioError):
    """A flag or a line of config.ini that makes no sense: the user's to mend."""


class InstrumentError(NetAudioError):
    """A sound file or an instrument folder that cannot be played."""


class DeviceError(NetAudioError):
    """A sound card, MIDI port or keyboard that is missing or refuses."""


class ProtocolError(NetAudioError):
    """The peer sent what the protocol does not allow."""


class RefusedError(NetAudioError):
    """The server is out of reach, full, of another version, or wants a token."""
