"""The demo's piece: a few bars for guitar, organ, piano and electric piano."""

from collections.abc import Sequence

from netaudio.midi import SUSTAIN, VOLUME, control_change, note_off, note_on, program_change

BEAT = 60 / 92  # seconds
PARTS = {"guitar": 0, "organ": 1, "piano": 2, "epiano": 3}  # channels
PROGRAMS = {"guitar": 24, "organ": 16, "piano": 0, "epiano": 4}
CHORDS = (  # by bar: the bass, then the chord
    (52, (57, 60, 64, 67)),
    (53, (57, 60, 65, 69)),
    (48, (55, 60, 64, 67)),
    (50, (55, 59, 62, 69)),
    (52, (57, 60, 64, 71)),
    (53, (57, 60, 65, 67)),
    (50, (57, 60, 62, 65)),
    (55, (59, 62, 65, 67)),
    (48, (55, 60, 64, 74)),
)
PICKING = (0, 1, 2, 3, 2, 1, 3, 2)  # eighths; a string rings until it is plucked again
MELODY = (  # (bar, beat, key, beats)
    (2, 0.0, 76, 1.5), (2, 1.5, 74, 0.5), (2, 2.0, 72, 1.0), (2, 3.0, 67, 1.0),
    (3, 0.0, 69, 1.5), (3, 1.5, 71, 0.5), (3, 2.0, 74, 2.0),
    (4, 0.0, 76, 1.0), (4, 1.0, 79, 1.0), (4, 2.0, 76, 0.5), (4, 2.5, 74, 0.5), (4, 3.0, 72, 1.0),
    (5, 0.0, 69, 2.0), (5, 2.0, 72, 0.5), (5, 2.5, 74, 0.5), (5, 3.0, 76, 1.0),
    (6, 0.0, 77, 1.5), (6, 1.5, 76, 0.5), (6, 2.0, 74, 1.0), (6, 3.0, 69, 1.0),
    (7, 0.0, 71, 1.0), (7, 1.0, 74, 1.0), (7, 2.0, 79, 2.0),
    (8, 0.0, 76, 4.0), (8, 0.0, 84, 4.0),
)  # fmt: skip


def piece(instruments: Sequence[str]) -> tuple[list[tuple[float, bytes]], float]:
    """Channel messages by time in seconds, and the length. A part whose
    instrument is missing keeps the one that was chosen."""
    events: list[tuple[float, bytes]] = []

    def note(part: str, bar: float, beat: float, key: int, beats: float, velocity: int) -> None:
        start, channel = (4 * bar + beat) * BEAT, PARTS[part]
        events.append((start, note_on(channel, key, velocity)))
        events.append((start + beats * BEAT, note_off(channel, key)))

    for part, channel in PARTS.items():
        if part in instruments:
            events.append((0.0, program_change(channel, PROGRAMS[part])))
    events.append((0.0, control_change(PARTS["organ"], VOLUME, 60)))
    last = len(CHORDS) - 1
    for bar, (bass, chord) in enumerate(CHORDS):
        for step, voice in enumerate(PICKING if bar < last else range(4)):
            again = PICKING.index(voice, step + 1) if voice in PICKING[step + 1 :] and bar < last else len(PICKING)
            note("guitar", bar, step / 2, chord[voice], (again - step) / 2 - 0.02, 78 + 14 * (step == 0))
        note("guitar", bar, 0, bass, 3.5, 84)
        if bar >= 2:
            for key in chord[:3]:
                note("organ", bar, 0, key, 3.9, 70)
        if bar >= 4:
            for beat in (1.0, 2.5):
                for key in chord[1:]:
                    note("epiano", bar, beat, key, 0.8, 62)
    for bar, beat, key, beats in MELODY:
        note("piano", bar, beat, key, beats, 96)
    for bar in range(2, last + 1):  # the piano's pedal, changed with each chord
        events.append(((4 * bar + 0.02) * BEAT, control_change(PARTS["piano"], SUSTAIN, 127)))
        events.append(((4 * bar + 3.95) * BEAT, control_change(PARTS["piano"], SUSTAIN, 0)))
    return sorted(events, key=lambda event: event[0]), (4 * last + 4) * BEAT
