"""Which instrument a program of General MIDI (Level 1) means, by its name."""

import re
from collections.abc import Sequence

_LIST = """
    Acoustic Grand Piano, Bright Acoustic Piano, Electric Grand Piano, Honky-tonk Piano, Electric Piano 1,
    Electric Piano 2, Harpsichord, Clavinet, Celesta, Glockenspiel, Music Box, Vibraphone, Marimba, Xylophone,
    Tubular Bells, Dulcimer, Drawbar Organ, Percussive Organ, Rock Organ, Church Organ, Reed Organ, Accordion,
    Harmonica, Tango Accordion, Acoustic Guitar (nylon), Acoustic Guitar (steel), Electric Guitar (jazz),
    Electric Guitar (clean), Electric Guitar (muted), Overdriven Guitar, Distortion Guitar, Guitar Harmonics,
    Acoustic Bass, Electric Bass (finger), Electric Bass (pick), Fretless Bass, Slap Bass 1, Slap Bass 2,
    Synth Bass 1, Synth Bass 2, Violin, Viola, Cello, Contrabass, Tremolo Strings, Pizzicato Strings,
    Orchestral Harp, Timpani, String Ensemble 1, String Ensemble 2, Synth Strings 1, Synth Strings 2, Choir Aahs,
    Voice Oohs, Synth Voice, Orchestra Hit, Trumpet, Trombone, Tuba, Muted Trumpet, French Horn, Brass Section,
    Synth Brass 1, Synth Brass 2, Soprano Sax, Alto Sax, Tenor Sax, Baritone Sax, Oboe, English Horn, Bassoon,
    Clarinet, Piccolo, Flute, Recorder, Pan Flute, Blown Bottle, Shakuhachi, Whistle, Ocarina, Lead 1 (square),
    Lead 2 (sawtooth), Lead 3 (calliope), Lead 4 (chiff), Lead 5 (charang), Lead 6 (voice), Lead 7 (fifths),
    Lead 8 (bass + lead), Pad 1 (new age), Pad 2 (warm), Pad 3 (polysynth), Pad 4 (choir), Pad 5 (bowed),
    Pad 6 (metallic), Pad 7 (halo), Pad 8 (sweep), FX 1 (rain), FX 2 (soundtrack), FX 3 (crystal),
    FX 4 (atmosphere), FX 5 (brightness), FX 6 (goblins), FX 7 (echoes), FX 8 (sci-fi), Sitar, Banjo, Shamisen,
    Koto, Kalimba, Bagpipe, Fiddle, Shanai, Tinkle Bell, Agogo, Steel Drums, Woodblock, Taiko Drum, Melodic Tom,
    Synth Drum, Reverse Cymbal, Guitar Fret Noise, Breath Noise, Seashore, Bird Tweet, Telephone Ring, Helicopter,
    Applause, Gunshot
    """

NAMES = tuple(name.strip() for name in _LIST.split(","))
"""Of the programs, from 0."""

_FAMILIES = {
    "piano": (0, 4), "grand": (0, 2), "grandpiano": (0, 2), "epiano": (4, 6), "electricpiano": (4, 6),
    "rhodes": (4, 5), "organ": (16, 21), "guitar": (24, 32), "acousticguitar": (24, 26), "electricguitar": (26, 31),
    "bass": (32, 40), "strings": (48, 52), "harp": (46, 47), "choir": (52, 55), "brass": (61, 64), "sax": (64, 68),
    "horn": (60, 61), "doublebass": (43, 44), "vibes": (11, 12),
}  # fmt: skip
"""First program, and the one after the last, that a name of fewer words means."""


def meant(program: int, names: Sequence[str]) -> str | None:
    """The instrument that is named as the program is, or as its family; None if there is none."""
    plain = {_plain(name): name for name in reversed(names)}
    exact = _plain(NAMES[program].partition("(")[0]), _plain(NAMES[program])
    for name in reversed(exact):
        if name in plain:
            return plain[name]
    spans = [(last - first, family) for family, (first, last) in _FAMILIES.items() if first <= program < last]
    return next((plain[family] for _, family in sorted(spans) if family in plain), None)


def _plain(name: str) -> str:
    """Its letters and digits; "Electric Piano 1", "electric_piano_1" and "ElectricPiano1" are one name."""
    return re.sub(r"[\W_]", "", name.casefold())
