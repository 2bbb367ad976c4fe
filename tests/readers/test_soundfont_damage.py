"""SoundFonts with which something is wrong: what can be read plays, and the rest is one line."""

import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from netaudio.errors import InstrumentError
from netaudio.readers.soundfont import SoundFont
from netaudio.readers.soundfont_generators import Generator as G
from netaudio.readers.soundfont_modulators import MOST_MODULATORS
from netaudio.readers.soundfont_zones import MOST_PAIRS
from tests.readers.test_soundfont import SAMPLE, first_zones, opened
from tests.support import soundfonts as sf
from tests.support.soundfonts import WrittenPreset, WrittenSample, WrittenZone, one_zone, soundfont, tone

GOOD = WrittenZone(0, {G.LOOP_MODE: 1})
PLAIN = one_zone(GOOD, SAMPLE)


def rich(*, vorbis: bool) -> bytes:
    """Something of everything."""
    modulators = [(0x0502, G.ATTENUATION, 100, 0, 0), (0x0094, G.FILTER_CUTOFF, 1200, 0x0294, 2)]
    instrument = [
        WrittenZone(None, {G.PAN: 3}, modulators),
        WrittenZone(0, {G.KEYS: (0, 60), G.VELOCITIES: (0, 99), G.LOOP_MODE: 1, G.START: 3}),
        WrittenZone(1, {G.KEYS: (61, 127), G.LOOP_MODE: 3, G.END_COARSE: -1}, modulators),
    ]
    samples = [
        WrittenSample(tone(500), name="a(L)", kind=sf.LEFT, link=1, loop=(10, 400)),
        WrittenSample(tone(500), name="a(R)", kind=sf.RIGHT, loop=(10, 400)),
    ]
    presets = [
        WrittenPreset([WrittenZone(None, {G.PAN: 1}), WrittenZone(0)]),
        WrittenPreset([WrittenZone(1)], 128, 1),
    ]
    return soundfont(presets, [instrument, [WrittenZone(1)]], samples, bits=24, vorbis=vorbis)


BANKS = {"sf2": rich(vorbis=False), "sf3": rich(vorbis=True)}


def played(path: Path) -> int:
    """How many frames can be read; a bank may be refused, or a sample of it."""
    try:
        font = SoundFont(path)
    except InstrumentError as error:
        assert "\n" not in str(error)
        return 0
    count = 0
    for preset in font.presets:
        assert preset.name.isprintable()
        for layer in font.layers(preset):
            zone = layer.left
            assert 0 <= zone.start < zone.end <= zone.sample.frames
            assert zone.loop is None or zone.start <= zone.loop[0] < zone.loop[1] <= zone.end
            assert zone.keys.low <= zone.keys.high
            try:
                frames = font.read_layer(layer)
            except InstrumentError as error:
                assert "\n" not in str(error)
                continue
            assert np.isfinite(frames).all()
            count += len(frames)
    assert all(line.isprintable() for line in font.remarks)
    return count


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "it is no SoundFont"),
        (b"RIFF\0\0\0\0WAVEfmt ", "it is no SoundFont"),
        (b"this is text, which is long enough to be read", "it is no SoundFont"),
        (PLAIN[:100], "cut short or damaged"),
        (PLAIN[:-300], "cut short or damaged"),
        (soundfont([], [[GOOD]], [SAMPLE]), "it has no presets"),
        (soundfont([WrittenPreset([WrittenZone(0)])], [[GOOD]], [SAMPLE], version=1), "version 1"),
        (PLAIN.replace(b"smpl", b"SMPL"), "it has no sound"),
    ],
    ids=["empty", "wav", "text", "cut in the sound", "cut in the tables", "no presets", "version 1", "no sound"],
)
def test_what_is_no_bank_is_refused_in_one_line(tmp_path: Path, content: bytes, text: str) -> None:
    with pytest.raises(InstrumentError, match=rf"^bank\.sf2: .*{text}"):
        opened(tmp_path, content)


def test_a_missing_file_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(InstrumentError, match=r"^none\.sf2: it cannot be read \(No such file or directory\)$"):
        SoundFont(tmp_path / "none.sf2")


def lying(content: bytes, kind: bytes, size: int) -> bytes:
    place = content.index(kind) + 4
    return content[:place] + struct.pack("<I", size) + content[place + 4 :]


@pytest.mark.parametrize("kind", [b"RIFF", b"LIST", b"shdr"])
@pytest.mark.parametrize("size", [0xFFFF_FFF0, 92, 0])
def test_a_part_that_lies_about_its_size_is_read_as_far_as_it_goes(tmp_path: Path, kind: bytes, size: int) -> None:
    font = opened(tmp_path, lying(PLAIN, kind, size))
    frames = [zone.sample.frames for zone in font.zones(font.presets[0])]
    assert frames == ([1000] if kind != b"shdr" or size else [])


def test_a_cut_table_of_samples_leaves_out_what_is_cut(tmp_path: Path) -> None:
    content = soundfont([WrittenPreset([WrittenZone(0)])], [[GOOD, WrittenZone(1)]], [SAMPLE, SAMPLE])
    font = opened(tmp_path, content[:-50])
    assert len(font.zones(font.presets[0])) == 1
    assert any("their sample is not there" in line for line in font.remarks)


@pytest.mark.parametrize(
    ("sample", "remark"),
    [
        (WrittenSample(tone(0)), "without frames"),
        (WrittenSample(tone(10), rate=0), "rates not of"),
        (WrittenSample(tone(10), kind=sf.ROM), "ROM"),
    ],
    ids=["no frames", "no rate", "rom"],
)
def test_a_sample_that_cannot_be_played_is_left_out_and_the_others_play(
    tmp_path: Path, sample: WrittenSample, remark: str
) -> None:
    content = soundfont([WrittenPreset([WrittenZone(0)])], [[WrittenZone(1), GOOD, WrittenZone(1)]], [SAMPLE, sample])
    font = opened(tmp_path, content)
    assert [zone.sample.index for zone in font.zones(font.presets[0])] == [0]
    (line,) = font.remarks
    assert line.startswith("bank.sf2: ")
    assert remark in line


@pytest.mark.parametrize(
    ("loop", "expected"),
    [
        ((100, 5000), (100, 1000)),
        ((-50, 500), (0, 500)),
        ((600, 600), None),
        ((900, 100), None),
        ((2000, 3000), None),
    ],
)
def test_a_loop_is_kept_inside_its_sample(
    tmp_path: Path, loop: tuple[int, int], expected: tuple[int, int] | None
) -> None:
    before = WrittenSample(tone(100))
    content = soundfont(
        [WrittenPreset([WrittenZone(0)])],
        [[WrittenZone(1, {G.LOOP_MODE: 1})]],
        [before, WrittenSample(tone(1000), loop=loop)],
    )
    font = opened(tmp_path, content)
    (zone,) = font.zones(font.presets[0])
    assert zone.loop == expected
    assert font.remarks


def test_a_zone_that_starts_past_its_end_is_left_out(tmp_path: Path) -> None:
    font = opened(tmp_path, one_zone(WrittenZone(0, {G.START: 2000}), SAMPLE))
    assert font.zones(font.presets[0]) == ()
    assert "start past their end" in font.remarks[0]


def test_indices_out_of_range_are_left_out_with_a_line_each_kind(tmp_path: Path) -> None:
    preset = WrittenPreset([WrittenZone(0), WrittenZone(7), WrittenZone(8)])
    font = opened(tmp_path, soundfont([preset], [[WrittenZone(500), GOOD, WrittenZone(501)]], [SAMPLE]))
    assert len(font.zones(font.presets[0])) == 1
    assert len(font.remarks) == 2


def test_modulators_that_mean_nothing_are_left_out(tmp_path: Path) -> None:
    strange = [(0x007F, 48, 1, 0, 0), (0x0001, 48, 1, 0, 0), (0x0081, 0x8001, 1, 0, 0), (0x0081, 48, 1, 0xFFFF, 0)]
    plain = first_zones(tmp_path, PLAIN)[0].modulators
    font = opened(tmp_path, one_zone(WrittenZone(0, {}, strange), SAMPLE))
    assert font.zones(font.presets[0])[0].modulators == plain
    assert len(font.remarks) == 1


def test_a_bank_of_more_than_one_can_hold_has_an_end(tmp_path: Path) -> None:
    many = [WrittenZone(0, {G.KEYS: (0, 9)})] * 1000
    font = opened(tmp_path, soundfont([WrittenPreset(many)], [many], [SAMPLE]))
    assert len(font.zones(font.presets[0])) == MOST_PAIRS
    assert any("more than" in line for line in font.remarks)


def test_a_zone_of_very_many_modulators_keeps_the_first(tmp_path: Path) -> None:
    modulators = [(0x80 + 8 + number % 20, 5 + number // 20, 1, 0, 0) for number in range(2 * MOST_MODULATORS)]
    font = opened(tmp_path, one_zone(WrittenZone(0, {}, modulators), SAMPLE))
    assert len(font.zones(font.presets[0])[0].modulators) < 10 + MOST_MODULATORS + 1
    assert any("more than" in line for line in font.remarks)


def test_a_file_that_changed_since_is_refused(tmp_path: Path) -> None:
    font = opened(tmp_path, PLAIN)
    (zone,) = font.zones(font.presets[0])
    (tmp_path / "bank.sf2").write_bytes(PLAIN + b"more")
    with pytest.raises(InstrumentError, match="it has changed since it was opened"):
        font.read(zone.sample)


def test_a_stream_that_is_no_vorbis_is_refused(tmp_path: Path) -> None:
    content = bytearray(soundfont([WrittenPreset([WrittenZone(0)])], [[WrittenZone(0)]], [SAMPLE], vorbis=True))
    place = content.index(b"OggS")
    content[place : place + 40] = bytes(40)
    font = opened(tmp_path, bytes(content))
    (zone,) = font.zones(font.presets[0])
    with pytest.raises(InstrumentError, match="sample 'tone' cannot be decoded"):
        font.read(zone.sample)


def test_a_bank_that_is_opened_holds_none_of_its_sound(tmp_path: Path) -> None:
    path = tmp_path / "bank.sf2"
    path.write_bytes(one_zone(WrittenZone(0), WrittenSample(np.zeros(4_000_000, np.int32))))
    SoundFont(path)
    tracemalloc.start()
    font = SoundFont(path)
    font.zones(font.presets[0])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 200_000


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(
    kind=st.sampled_from(sorted(BANKS)),
    changes=st.lists(st.tuples(st.integers(0, 1 << 16), st.binary(min_size=1, max_size=4)), max_size=12),
    from_end=st.booleans(),
    cut=st.one_of(st.just(0), st.integers(1, 2000)),
)
def test_any_bytes_end_in_frames_or_in_one_line(
    tmp_path: Path, kind: str, changes: list[tuple[int, bytes]], from_end: bool, cut: int
) -> None:
    content = bytearray(BANKS[kind])
    for place, new in changes:
        place %= len(content)
        # The tables are at the end, and most of the file is sound.
        place = len(content) - 1 - place % 1000 if from_end else place
        content[place : place + len(new)] = new
    path = tmp_path / "bank.sf2"
    path.write_bytes(bytes(content[: max(len(content) - cut, 0)]))
    assert played(path) <= 1_000_000


@pytest.mark.parametrize("kind", sorted(BANKS))
def test_the_bank_that_is_damaged_plays_whole(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "bank.sf2"
    path.write_bytes(BANKS[kind])
    assert played(path) > 0
