"""Whatever a client says is played or refused: states, events and reports at the ends of all ranges.

The kernel checks no bounds: a frame outside the bank would end this process.
"""

from collections.abc import Sequence

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from netaudio.errors import ProtocolError
from netaudio.midi import CHANNELS
from netaudio.sampler import kernel
from netaudio.sampler.automation import LONG_AGO, Change
from netaudio.sampler.instrument import Instrument
from netaudio.sampler.layout import BEND, ENDLESS, LINES
from netaudio.sampler.pitch import ONE
from netaudio.sampler.region import GUARD
from netaudio.sampler.snapshot import MOST_BEND, NEVER, ChannelState, ScoreState, VoiceState
from netaudio.sampler.voices import Event
from netaudio.server.ahead import reads
from netaudio.session.session import ServerSession
from netaudio.wire.payload import PAYLOADS
from netaudio.wire.rtcp import UNKNOWN_SLACK, Report
from tests.support.packets import sent
from tests.support.reference import Recording
from tests.support.scores import BANK, RAMP, RATE, counting, instrument, region

POLYPHONY, SSRC = 4, 2
INSTRUMENTS: dict[int, Instrument] = {
    number: instrument("one", region(recording, held))
    for number, (recording, held) in enumerate((
        (Recording(counting()), None), (Recording(counting(), ratio=3 * ONE + 7), None),
        (Recording(counting(), (480, 500)), None), (Recording(counting(), (100, 150), ONE // 3), None),
        (Recording(counting(), ratio=40 * ONE + 1), None), (Recording(counting(), (100, 150), 5 * ONE), 60),
    ))
}  # fmt: skip
ENDS = (0, 1, 500, (1 << 31) - 1, 1 << 31, 1 << 32, ENDLESS - 1, ENDLESS, 1 << 59, NEVER - 1)
NEAR = st.tuples(st.sampled_from(ENDS), st.integers(-300, 300)).map(lambda found: max(0, sum(found)))
POSITIONS, SPANS = NEAR.map(lambda at: min(at, NEVER - 1)), NEAR.map(lambda span: min(span, ENDLESS))
PARTS = st.integers(0, 10)
"""Tenths of the way between two numbers."""


def between(low: int, high: int, part: int) -> int:
    return low + (high - low) * part // 10


@st.composite
def voices(draw: st.DrawFn, seq: int, position: int) -> list[VoiceState]:
    """Some, with all marks, up to a seq and a position."""
    found = []
    for number in range(draw(st.integers(0, 4))):
        own, start = 1 + number, between(0, position, number)

        def mark(own: int = own, start: int = start) -> tuple[int, int]:
            part = draw(st.one_of(st.none(), PARTS))
            return (NEVER, NEVER) if part is None else (between(own + 1, seq, part), between(start, position, part))

        anchor = max(start, draw(st.one_of(st.just(start), POSITIONS)))
        found.append(VoiceState(
            draw(st.integers(0, 2)), draw(st.integers(0, len(INSTRUMENTS))), 60, 127, own, start, draw(SPANS),
            draw(SPANS), draw(SPANS), draw(SPANS), *mark(), *mark(), anchor, draw(POSITIONS), draw(st.booleans()),
        ))  # fmt: skip
    return found


@st.composite
def states(draw: st.DrawFn) -> ScoreState:
    seq, position = 1000 + draw(POSITIONS) // 2, draw(POSITIONS)

    def line(number: int) -> list[Change]:
        ends = (ONE / MOST_BEND, float(ONE * MOST_BEND), ONE + 12345.0) if number == BEND else (0.0, 1.0, 0.3)
        count = draw(st.sampled_from((1, 2, 50, 255)))
        last = between(position - 300 * RAMP, position, draw(PARTS))
        changes = [Change(seq - count + k, last - RAMP * (count - 1 - k), ends[k % 3]) for k in range(count)]
        return changes if count > 1 else [Change(0, LONG_AGO, ends[draw(st.integers(0, 2))])]

    lines = [line(number) for number in range(LINES)]
    return ScoreState(
        seq, position, draw(voices(seq, position)), [ChannelState(0, False, lines, (24, 0), (0, 0))] * CHANNELS
    )


MESSAGES = st.sampled_from(("903c7f", "913c7f", "803c00", "e00000", "e07f7f", "b00700", "b00b7f", "b07800", "c003"))
EVENTS = st.lists(
    st.tuples(st.sampled_from((0, RAMP, RAMP, 500, 1 << 40)), MESSAGES, SPANS, SPANS, SPANS), max_size=8
)


def played(session: ServerSession, now: float, chunks: int) -> None:
    for _ in range(chunks):
        chunk = session.due(now)
        if chunk is None:
            return
        job, score = session.job(chunk), session.score
        sound, facts = kernel.tails(BANK.frames, [job], session.chunk, score.ramp, score.release)
        faded, _, spent = facts[0].tolist()
        assert spent or np.isfinite(sound).all()
        sent(session, chunk, sound[0], bool(faded))


@settings(max_examples=300)
@given(states(), st.lists(st.tuples(POSITIONS, EVENTS), min_size=1, max_size=4), st.sampled_from((10, 128)))
def test_the_ends_of_all_ranges_are_played_or_refused(
    state: ScoreState, turns: Sequence[tuple[int, Sequence[tuple[int, str, int, int, int]]]], chunk: int
) -> None:
    session = ServerSession(RATE, chunk, PAYLOADS["F32"], POLYPHONY, SSRC)
    session.instruments |= INSTRUMENTS
    try:
        session.resume(session.restored(state))
        at = state.position
        for counter, (position, events) in enumerate(turns):
            said = []
            for seq, (wait, message, *spans) in enumerate(events, session.score.seq + 1):
                at = min(at + wait, NEVER - 1)
                said.append(Event(seq, at, bytes.fromhex(message), *spans))
            told = [position, state.position, *(voice.begin + voice.cut for voice in session.score.voices)]
            report = Report(
                SSRC,
                counter,
                min(told[counter % len(told)], NEVER - 1),
                0,
                UNKNOWN_SLACK,
                50,
                0,
                counter,
                events=tuple(said),
            )
            session.check(report)
            session.take(report, float(counter), float(counter))
            played(session, float(counter), 30)
            for voice in session.score.voices:
                for first, end in reads(session.score, voice, session.cursor, session.cursor + RATE):
                    assert 0 <= first < end and end - first < 500 + 4 * GUARD
    except ProtocolError:
        return
