"""Names as they stand in usual sample packs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netaudio.readers.sample_names import DYNAMICS, SampleName, parse_name
from netaudio.sampler.instrument import note_name

P, MP, MF, F, FF, PP = (DYNAMICS.index(name) for name in ("p", "mp", "mf", "f", "ff", "pp"))


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("C4", SampleName(60)),
        ("60", SampleName(60)),
        ("c#4", SampleName(61)),
        ("Db4", SampleName(61)),
        ("C-1", SampleName(0)),
        ("C-4", SampleName(60)),
        ("0", SampleName(0)),
        ("Piano_A#4_v3", SampleName(70, 3)),
        ("060-C4", SampleName(60)),
        ("060-C3", SampleName(60)),
        ("048_C4", SampleName(48)),
        ("C4_mf", SampleName(60, MF)),
        ("C4mf", SampleName(60, MF)),
        ("A0v1", SampleName(21, 1)),
        ("D#1v16", SampleName(27, 16)),
        ("Piano.ff.Bb3", SampleName(58, FF)),
        ("Piano.pp.C4", SampleName(60, PP)),
        ("violin_A3_025_mezzo-forte_arco-normal", SampleName(57)),
        ("cello_As2_1_forte_arco-normal", SampleName(46)),
        ("1st-violins-sus-a#3", SampleName(58)),
        ("Vibes_C4_v1_rr2", SampleName(60, 1, 2)),
        ("harp_F#5_f_rr3", SampleName(78, F, 3)),
        ("Harp G3 p", SampleName(55, P)),
        ("Grand-060-127", SampleName(60)),
        ("Piano-C4-V127-ABCD", SampleName(60, 127)),
        ("MyPiano_60_C4_v100", SampleName(60, 100)),
        ("Bass E1 (take 2)", SampleName(28, None, 2)),
        ("Bass_E1_take2", SampleName(28, None, 2)),
        ("kick_vel3", None),
        ("Rhodes Mk1 C2 vel2 RR1", SampleName(36, 2, 1)),
        ("Player_dyn1_rr1_048", SampleName(48, 1, 1)),
        ("E-Bass_C2", SampleName(36)),
        ("A4 Grand C2", SampleName(36)),
        ("hello", None),
        ("v3", None),
        ("loop 2", None),
        ("Upright 200", None),
        ("G10", None),
        ("", None),
    ],
)
def test_a_name_tells_note_layer_and_turn(name: str, told: SampleName | None) -> None:
    assert parse_name(name) == told
    assert parse_name(name.upper()) == told


@given(st.integers(0, 127), st.sampled_from(("{}", "Piano_{}", "{}_v2", "pad {} mf", "x-{}", "{}.rr1")))
def test_every_note_is_found_by_letters_and_by_number(note: int, pattern: str) -> None:
    for text in (note_name(note), f"{note:03}"):
        found = parse_name(pattern.format(text))
        assert found and found.note == note


@given(st.text(max_size=30))
def test_any_text_is_a_name_or_none(text: str) -> None:
    found = parse_name(text)
    assert found is None or 0 <= found.note < 128
