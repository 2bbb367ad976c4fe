"""The chunks and events of MIDI files (Standard MIDI Files 1.0), read as far as they make sense.

Other programs write what the standard forbids, and a damaged file is full of whole notes: what cannot be read is
counted and skipped, what can be read is read.
"""

import re
from collections import Counter
from dataclasses import dataclass, field

MOST_EVENTS = 2_000_000
"""Of one file: all others are left out."""
MOST_TRACKS = 0xFFFF
MOST_DAMAGE = 300
"""Places of one file at which the next event that makes sense is looked for; the rest of a track is left out then."""
_SEARCHES = ((16, True), (64, False), (1024, True))  # how far, and whether only for events with a status of their own
_RUN = 4  # events in a row that are believed

_SYSEX, _ESCAPE, _META = 0xF0, 0xF7, 0xFF
_TEMPO, _KEY, _END = 0x51, 0x59, 0x2F
_META_SIZES = {0x00: (0, 2), 0x20: (1,), 0x21: (1,), _END: (0,), _TEMPO: (3,), 0x54: (5,), 0x58: (4,), _KEY: (2,)}
_SYSTEM_SIZES = {0xF1: 1, 0xF2: 2, 0xF3: 1}  # data bytes of messages that have no place in a file
_LONGEST, _HIGHEST = 4, 0x0FFF_FFFF  # bytes of a number, and the highest that they can tell
_LONG_DELTA = 1 << 14  # ticks that do not follow on damage
_HIGHEST_TEMPO = 0xFF_FFFF
_HEADER, _TRACK = b"MThd", b"MTrk"
_NAME = re.compile(rb"[A-Za-z0-9][A-Za-z0-9 _-]{3}")

Event = tuple[int, bytes | int]
"""A tick, and a channel message, or a tempo in microseconds a beat; a track's end is a message without bytes."""


class _Damaged(Exception):
    """Here is no event."""


@dataclass
class MidiData:
    """What a file holds."""

    kind: int
    """0 and 1: tracks sound together; 2: one after the other."""
    division: int
    """Ticks a beat; if negative, film frames a second in its high byte and ticks a frame in its low one."""
    tracks: list[list[Event]] = field(default_factory=list)
    """Each by tick."""
    events: int = 0
    """Of all tracks."""
    skipped: Counter[str] = field(default_factory=Counter)
    """What was skipped or put right, and how often."""


def read_midi(data: bytes) -> MidiData | None:
    """All that can be read of a file; None if it has no MIDI header."""
    header = data.find(_HEADER)
    if header < 0 or len(data) < header + 14:
        return None
    size = int.from_bytes(data[header + 4 : header + 8], "big")
    kind, count, division = (int.from_bytes(data[header + at : header + at + 2], "big") for at in (8, 10, 12))
    found = MidiData(kind, division - 0x10000 if division & 0x8000 else division)
    if header and data[:4] != b"RIFF":  # inside of a RIFF file it is where it belongs
        found.skipped["bytes before the header"] = header
    if kind > 2:
        found.kind, found.skipped[f"format {kind}, which there is not"] = 1, 1
    at = header + 8 + size
    if size < 6 or not _NAME.match(data, at):
        at = header + 14
    _read_tracks(data, at, found)
    if len(found.tracks) != count:
        found.skipped[f"a count of {count} tracks, where {len(found.tracks)} can be read"] = 1
    return found


def _read_tracks(data: bytes, at: int, found: MidiData) -> None:
    """Adds all tracks from there on."""
    while at < len(data):
        name, end = data[at : at + 4], at + 8 + int.from_bytes(data[at + 4 : at + 8], "big")
        # What follows a chunk of the right size is the file's end, another chunk or padding.
        sized = end == len(data) or (end < len(data) and bool(_NAME.match(data, end) or not any(data[end : end + 8])))
        if len(found.tracks) == MOST_TRACKS:
            found.skipped[f"all but {MOST_TRACKS} tracks"] = 1
            return
        if name == _TRACK and at + 8 <= len(data):
            track = _Track(data, end if sized else len(data), sized, found)
            stop = track.read(at + 8)
            found.tracks.append(track.events)
            found.events += len(track.events)
            if not sized:
                found.skipped["a wrong size of a track" if track.ended else "the end, which is cut off"] += 1
            more = data.find(_TRACK, stop, track.end)
            at = track.end if more < 0 else more
        elif name == _HEADER:
            found.skipped["a second song"] = 1
            return
        elif sized and _NAME.fullmatch(name):
            at = end  # a chunk of another kind: readers are to ignore it
        else:
            more = data.find(_TRACK, at + 1)
            stop = len(data) if more < 0 else more
            if data[at:stop].strip(b"\0"):
                found.skipped["bytes between the tracks"] += stop - at
            at = stop


class _Track:
    """Reads the events of one track; `sized` says whether its end is known, else it is that of the file."""

    def __init__(self, data: bytes, end: int, sized: bool, found: MidiData) -> None:
        self.end = end
        self.ended = False
        self._data, self._sized, self._skipped = data, sized, found.skipped
        self.events: list[Event] = []
        self._room = MOST_EVENTS - found.events

    def read(self, at: int) -> int:
        """Reads from a byte on, and returns where it stopped."""
        data, end, events, tick, running = self._data, self.end, self.events, 0, 0
        known: dict[bytes, bytes] = {}  # most messages come often: one copy of each
        while at < end and not self.ended:
            if not self._sized and data.startswith(_TRACK, at):
                self.ended = True
                break
            if len(events) >= self._room:
                self._skipped[f"all but {MOST_EVENTS} events"] = 1
                return end
            try:
                delta, status, kind, first, after, flaw = _event(data, at, end, running)
            except _Damaged:
                at = self._next(at, running)
                continue
            tick += delta
            if flaw:
                self._skipped[flaw] += 1
            if status < _SYSEX:
                running = status
                message = bytes((status, *data[first:after]))
                if flaw:
                    message = bytes((status, *(min(value, 127) for value in message[1:])))
                events.append((tick, known.setdefault(message, message)))
            elif status == _META:
                self._meta(tick, kind, data[first:after])
            at = after
        if not self.ended:
            events.append((tick, b""))
        return at

    def _meta(self, tick: int, kind: int, content: bytes) -> None:
        """Tempos and the track's end are taken."""
        sizes = _META_SIZES.get(kind)
        odd = sizes is not None and len(content) not in sizes
        if kind == _END:
            self.ended = True
            self.events.append((tick, b""))
        elif kind == _TEMPO:
            tempo = int.from_bytes(content[:4], "big")
            if tempo > _HIGHEST_TEMPO:
                tempo = int.from_bytes(content[:3], "big")
            if len(content) >= 3 and tempo:
                self.events.append((tick, tempo))
                if odd:
                    self._skipped[f"the size of a tempo, taken as {60e6 / tempo:.4g} beats a minute"] += 1
                return
            odd = True
        elif kind == _KEY and not odd:
            odd = not (-7 <= int.from_bytes(content[:1], "big", signed=True) <= 7 and content[1] <= 1)
        if odd:
            names = {_TEMPO: "tempo", _KEY: "key signature"}
            self._skipped[f"a {names.get(kind, 'meta event')} that makes no sense"] += 1

    def _next(self, at: int, running: int) -> int:
        """Where the next event is that makes sense, or else the track's end."""
        data = self._data
        more = data.find(_TRACK, at, self.end)
        end = self.end if more < 0 or self._sized else more
        if not self._sized and end == len(data) and end - at < _LONGEST + 3:
            return end  # an event is cut off with the file: that is told of the track
        self._skipped["a damaged event"] += 1
        if self._skipped["a damaged event"] <= MOST_DAMAGE:
            for reach, own_status in _SEARCHES:
                for start in range(at + 1, min(at + reach, end)):
                    if _believed(data, start, end, 0 if own_status else running, running):
                        return start
        self._skipped["the rest of a damaged track"] += 1
        return end


def _event(data: bytes, at: int, end: int, running: int) -> tuple[int, int, int, int, int, str]:
    """(delta, status, meta type, first byte of what it says, first byte after it, what is wrong); raises _Damaged.

    Meta events and sysex leave the running status as it was, since there are files that count on it.
    """
    delta, first = _number(data, at, end)
    if first >= end:
        raise _Damaged
    flaw, status, kind = "a number of too many bytes" * (first - at > _LONGEST), data[first], 0
    if delta > _HIGHEST:
        delta = 0
    if status < 0x80:
        status, own = running, False
    else:
        first, own = first + 1, True
    if not status:
        raise _Damaged
    if status < _SYSEX:
        after = first + (1 if status & 0xE0 == 0xC0 else 2)
        if after <= end and (data[first] > 127 or data[after - 1] > 127):
            if not own:
                raise _Damaged
            flaw = "a value above 127, taken as 127"
    elif status in (_SYSEX, _ESCAPE, _META):
        if status == _META:
            if first >= end:
                raise _Damaged
            kind, first = data[first], first + 1
        size, begin = _number(data, first, end)
        if begin - first > _LONGEST:
            flaw = "a number of too many bytes"
        first, after = begin, begin + size
    else:
        after = first + _SYSTEM_SIZES.get(status, 0)
        flaw = "a message that belongs in no file"
    if after > end:
        raise _Damaged
    return delta, status, kind, first, after, flaw


def _number(data: bytes, at: int, end: int) -> tuple[int, int]:
    """A number of 7 bits a byte, and the first byte after it; of at most twice as many bytes as are allowed."""
    value = 0
    for place in range(at, min(end, at + 2 * _LONGEST)):
        byte = data[place]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, place + 1
    raise _Damaged


def _believed(data: bytes, at: int, end: int, first_running: int, running: int) -> bool:
    """Whether a run of flawless events, close together, begins there, or some and the track's end."""
    try:
        for number in range(_RUN):
            if at == end:
                return number > 0
            delta, status, kind, _, at, flaw = _event(data, at, end, running if number else first_running)
            if flaw or delta >= _LONG_DELTA:
                return False
            if status == _META and kind == _END:
                return True
            if status < _SYSEX:
                running = status
    except _Damaged:
        return False
    return True
