"""What a SoundFont's presets and samples come out as."""

from pathlib import Path

import numpy as np
import pytest

from netaudio.readers.soundfont import LEFT, RIGHT, SoundFont, Zone
from netaudio.readers.soundfont_generators import Generator as G
from netaudio.readers.soundfont_modulators import DEFAULT_MODULATORS, Modulator
from netaudio.readers.soundfont_settings import LoopMode
from tests.support import soundfonts as sf
from tests.support.soundfonts import WrittenPreset, WrittenSample, WrittenZone, one_zone, soundfont, tone

SAMPLE = WrittenSample(tone(1000), name="tone", rate=32000, loop=(100, 900), key=64, correction=-3)


def opened(folder: Path, content: bytes) -> SoundFont:
    path = folder / "bank.sf2"
    path.write_bytes(content)
    return SoundFont(path)


def first_zones(folder: Path, content: bytes) -> tuple[Zone, ...]:
    font = opened(folder, content)
    return font.zones(font.presets[0])


def only_zone(folder: Path, zone: WrittenZone, sample: WrittenSample = SAMPLE) -> Zone:
    (found,) = first_zones(folder, one_zone(zone, sample))
    return found


def layered(folder: Path, *, outer: WrittenZone, inner: WrittenZone) -> tuple[Zone, ...]:
    """A preset's zone over an instrument's."""
    return first_zones(folder, soundfont([WrittenPreset([outer])], [[inner]], [SAMPLE]))


def amounts(zone: Zone) -> dict[tuple[int, bool, G], int]:
    return {(m.source.number, m.source.is_controller, m.destination): m.amount for m in zone.modulators}


def test_what_a_zone_does_not_say_is_as_the_format_says(tmp_path: Path) -> None:
    zone = only_zone(tmp_path, WrittenZone(0))
    settings = zone.settings
    assert (zone.keys, zone.velocities, zone.root_key) == ((0, 127), (0, 127), 64)
    assert (zone.start, zone.end, zone.loop) == (0, 1000, None)
    assert (settings.filter_cutoff, settings.scale_tuning, settings.attenuation, settings.pan) == (13500, 100, 0, 0)
    assert (settings.fixed_key, settings.fixed_velocity, settings.exclusive_class) == (None, None, 0)
    assert settings.volume_envelope.attack == settings.vibrato_lfo.delay == -12000
    assert zone.sample.name == "tone"
    assert (zone.sample.rate, zone.sample.key, zone.sample.correction) == (32000, 64, -3)


def test_an_instruments_value_replaces_and_a_presets_is_added_within_the_limits(tmp_path: Path) -> None:
    inner = WrittenZone(0, {G.PAN: 400, G.VOLUME_ENVELOPE_RELEASE: -1200, G.FINE_TUNE: -50, G.ROOT_KEY: 70})
    outer = WrittenZone(0, {G.PAN: 300, G.VOLUME_ENVELOPE_RELEASE: 600, G.ATTENUATION: 40, G.FINE_TUNE: -60})
    (zone,) = layered(tmp_path, outer=outer, inner=inner)
    assert zone.settings.pan == 500
    assert zone.settings.volume_envelope.release == -600
    assert zone.settings.attenuation == 40
    assert zone.settings.fine_tune == -99
    assert zone.root_key == 70


def test_what_only_an_instrument_may_say_is_not_taken_from_a_preset(tmp_path: Path) -> None:
    said: dict[int, sf.Amount] = {G.ROOT_KEY: 20, G.LOOP_MODE: 1, G.EXCLUSIVE_CLASS: 3, G.START: 10, G.FIXED_KEY: 5}
    outer = WrittenZone(0, said)
    (zone,) = layered(tmp_path, outer=outer, inner=WrittenZone(0))
    assert (zone.root_key, zone.loop, zone.start) == (64, None, 0)
    assert (zone.settings.exclusive_class, zone.settings.fixed_key) == (0, None)


def test_a_global_zone_stands_for_what_the_others_do_not_say(tmp_path: Path) -> None:
    instrument = [
        WrittenZone(None, {G.ATTENUATION: 100, G.PAN: -200}),
        WrittenZone(0, {G.PAN: 50}),
        WrittenZone(0),
    ]
    preset = [WrittenZone(None, {G.ATTENUATION: 7}), WrittenZone(0), WrittenZone(0, {G.ATTENUATION: 1})]
    zones = first_zones(tmp_path, soundfont([WrittenPreset(preset)], [instrument], [SAMPLE]))
    assert [(zone.settings.attenuation, zone.settings.pan) for zone in zones] == [
        (107, 50), (107, -200), (101, 50), (101, -200),
    ]  # fmt: skip


def test_ranges_are_cut_and_zones_that_no_key_reaches_are_not_there(tmp_path: Path) -> None:
    outer = WrittenZone(0, {G.KEYS: (40, 80), G.VELOCITIES: (0, 99)})
    instrument = [
        WrittenZone(0, {G.KEYS: (60, 127), G.VELOCITIES: (50, 127)}),
        WrittenZone(0, {G.KEYS: (0, 39)}),
        WrittenZone(0, {G.VELOCITIES: (100, 127)}),
        WrittenZone(0, {G.KEYS: (0, 255)}),
    ]
    zones = first_zones(tmp_path, soundfont([WrittenPreset([outer])], [instrument], [SAMPLE]))
    assert [(zone.keys, zone.velocities) for zone in zones] == [((60, 80), (50, 99)), ((40, 80), (0, 99))]


def test_offsets_move_the_bounds_of_one_zone(tmp_path: Path) -> None:
    generators: dict[int, sf.Amount] = {G.START: 10, G.END: -100, G.LOOP_START: 50, G.LOOP_END: -20, G.LOOP_MODE: 3}
    zone = only_zone(tmp_path, WrittenZone(0, generators))
    assert (zone.start, zone.end, zone.loop) == (10, 900, (150, 880))
    assert zone.settings.loop_mode is LoopMode.WHILE_HELD


def test_coarse_offsets_count_32768_frames(tmp_path: Path) -> None:
    sample = WrittenSample(np.zeros(100_000, np.int32), loop=(0, 100_000))
    zone = only_zone(tmp_path, WrittenZone(0, {G.START_COARSE: 1, G.START: 2, G.END_COARSE: -1}), sample)
    assert (zone.start, zone.end) == (32770, 100_000 - 32768)


def test_a_zone_has_the_ten_modulators_of_the_format(tmp_path: Path) -> None:
    zone = only_zone(tmp_path, WrittenZone(0))
    assert len(DEFAULT_MODULATORS) == 10
    assert amounts(zone)[2, False, G.ATTENUATION] == 960
    assert amounts(zone)[7, True, G.ATTENUATION] == amounts(zone)[11, True, G.ATTENUATION] == 960
    assert amounts(zone)[1, True, G.VIBRATO_LFO_TO_PITCH] == 50
    assert amounts(zone)[14, False, G.FINE_TUNE] == 12700


def test_a_files_modulators_replace_cancel_and_add(tmp_path: Path) -> None:
    inner = WrittenZone(0, {}, [(0x0502, G.ATTENUATION, 500, 0, 0), (0x0081, G.VIBRATO_LFO_TO_PITCH, 0, 0, 0)])
    outer = WrittenZone(0, {}, [(0x0502, G.ATTENUATION, -100, 0, 0), (0x0094, G.FILTER_CUTOFF, 1200, 0x0294, 2)])
    (zone,) = layered(tmp_path, outer=outer, inner=inner)
    found = amounts(zone)
    assert found[2, False, G.ATTENUATION] == 400
    assert (1, True, G.VIBRATO_LFO_TO_PITCH) not in found
    (own,) = [modulator for modulator in zone.modulators if modulator.source.number == 20]
    assert isinstance(own, Modulator)
    assert own.amount == 1200
    assert own.amount_source is not None
    assert own.amount_source.bipolar
    assert own.absolute


def test_a_zones_own_modulator_goes_before_the_global_one(tmp_path: Path) -> None:
    instrument = [
        WrittenZone(None, {}, [(0x0502, G.ATTENUATION, 100, 0, 0)]),
        WrittenZone(0, {}, [(0x0502, G.ATTENUATION, 200, 0, 0), (0x0502, G.ATTENUATION, 300, 0, 0)]),
        WrittenZone(0),
    ]
    zones = first_zones(tmp_path, soundfont([WrittenPreset([WrittenZone(0)])], [instrument], [SAMPLE]))
    assert [amounts(zone)[2, False, G.ATTENUATION] for zone in zones] == [300, 100]


def test_presets_are_sorted_and_have_names_of_their_own(tmp_path: Path) -> None:
    zones = [WrittenZone(0)]
    presets = [
        WrittenPreset(zones, 128, 0, b"Kit"),
        WrittenPreset(zones, 0, 5, b"  Piano \0rest"),
        WrittenPreset(zones, 0, 1, b"Piano"),
        WrittenPreset(zones, 0, 2, "Flöte\x1b[31m".encode()),
        WrittenPreset(zones, 0, 3, "Flöte".encode("latin-1")),
        WrittenPreset(zones, 0, 4, b""),
        WrittenPreset(zones, 0, 6, "abcdefghijklmnopqrsé".encode()[:20]),
        WrittenPreset(zones, 0, 1, b"again"),
        WrittenPreset(zones, 0, 200, b"beyond"),
    ]
    font = opened(tmp_path, soundfont(presets, [zones], [SAMPLE]))
    assert [(preset.bank, preset.program, preset.name) for preset in font.presets] == [
        (0, 1, "Piano"),
        (0, 2, "Flöte [31m"),
        (0, 3, "Flöte"),
        (0, 4, "(0:4)"),
        (0, 5, "Piano (0:5)"),
        (0, 6, "abcdefghijklmnopqrs"),
        (128, 0, "Kit"),
    ]


def test_frames_come_as_they_were_written(tmp_path: Path) -> None:
    other = WrittenSample(np.array([-32768, 32767, 1, 0], np.int32), name="other")
    content = soundfont([WrittenPreset([WrittenZone(0)])], [[WrittenZone(0), WrittenZone(1)]], [SAMPLE, other])
    font = opened(tmp_path, content)
    first, second = (font.read(zone.sample) for zone in font.zones(font.presets[0]))
    assert first.dtype == np.float32
    assert first.shape == (1000, 1)
    assert np.array_equal(first[:, 0] * 32768, SAMPLE.frames)
    assert second[:, 0].tolist() == [-1, 32767 / 32768, 1 / 32768, 0]


def test_frames_of_24_bits_are_exact(tmp_path: Path) -> None:
    frames = np.array([-(1 << 23), (1 << 23) - 1, 1, -1, 255, 256, 123_456], np.int32)
    content = soundfont(
        [WrittenPreset([WrittenZone(0)])], [[WrittenZone(1)]], [SAMPLE, WrittenSample(frames)], bits=24
    )
    font = opened(tmp_path, content)
    (zone,) = font.zones(font.presets[0])
    assert (font.read(zone.sample)[:, 0] * (1 << 23)).tolist() == frames.tolist()


def test_an_sf3_is_decoded_and_its_loops_count_from_each_samples_start(tmp_path: Path) -> None:
    samples = [WrittenSample(tone(9000), name="a"), WrittenSample(tone(20_000, 50), loop=(500, 19_500), rate=48000)]
    zones = [WrittenZone(0), WrittenZone(1, {G.LOOP_MODE: 1})]
    font = opened(tmp_path, soundfont([WrittenPreset([WrittenZone(0)])], [zones], samples, vorbis=True, version=3))
    first, second = font.zones(font.presets[0])
    assert (first.sample.frames, second.sample.frames, second.loop) == (9000, 20_000, (500, 19_500))
    assert font.read(first.sample).shape == (9000, 1)
    decoded = font.read(second.sample)[:, 0]
    assert np.abs(decoded - samples[1].frames / 32768).max() < 0.05
    assert font.remarks == ()


def stereo(*, links: tuple[int, int] = (1, 0), right: dict[int, sf.Amount] | None = None) -> bytes:
    samples = [
        WrittenSample(tone(1000), name="Piano C4(L)", kind=sf.LEFT, link=links[0]),
        WrittenSample(-tone(1000), name="Piano C4(R)", kind=sf.RIGHT, link=links[1]),
    ]
    zones = [WrittenZone(0, {G.PAN: LEFT}), WrittenZone(1, {G.PAN: RIGHT} | (right or {}))]
    return soundfont([WrittenPreset([WrittenZone(0)])], [zones], samples)


@pytest.mark.parametrize("links", [(1, 0), (0, 0), (9, 9)], ids=["linked", "by name", "linked nowhere"])
def test_two_sides_that_agree_are_one_recording(tmp_path: Path, links: tuple[int, int]) -> None:
    font = opened(tmp_path, stereo(links=links))
    (layer,) = font.layers(font.presets[0])
    frames = font.read_layer(layer)
    assert frames.shape == (1000, 2)
    assert np.array_equal(frames[:, 0], -frames[:, 1])


@pytest.mark.parametrize(
    "right",
    [{G.FINE_TUNE: 5}, {G.PAN: 400}, {G.END: -1}, {G.VOLUME_ENVELOPE_RELEASE: 0}],
    ids=["tuning", "pan", "end", "envelope"],
)
def test_sides_that_differ_stay_two_mono_recordings(tmp_path: Path, right: dict[int, sf.Amount]) -> None:
    font = opened(tmp_path, stereo(right=right))
    layers = font.layers(font.presets[0])
    assert [layer.right for layer in layers] == [None, None]
    assert [layer.left for layer in layers] == [*font.zones(font.presets[0])]
    assert font.read_layer(layers[0]).shape == (1000, 1)
