"""When a session's chunks are due, at 1000 Hz in chunks of 10 frames."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netaudio.wire.rtcp import UNKNOWN_SLACK, Report
from tests.session.test_session import CHUNK, SSRC, due, flow, render, started
from tests.support.scores import RATE
from tests.support.wire import RATE as STAGE_RATE
from tests.support.wire import Stage


def test_the_stream_begins_a_buffer_and_the_way_ahead() -> None:
    session = started()
    session.take(Report(SSRC, 0, 1000, 0, UNKNOWN_SLACK, 50, 20_000, 0), 0.0, 0.0)
    assert session.pacer.lead == 50 + 20 + CHUNK
    chunk = due(session)
    assert (chunk.first, chunk.overdue) == (1080, 0)


def test_chunks_become_due_as_time_passes() -> None:
    session = started()
    flow(session)
    begun = session.cursor
    made = 0
    for millisecond in range(1, 101):
        if due(session, millisecond / 1000).overdue >= 0:
            render(session, millisecond / 1000)
            made += 1
    assert made == 10
    assert session.cursor == begun + 100


def test_without_reports_nothing_is_sent() -> None:
    session = started()
    flow(session)
    assert due(session, 1.0).overdue > 0
    assert session.due(1.001) is None


def test_what_is_already_played_is_skipped_and_counted() -> None:
    session = started()
    flow(session)
    begun = session.cursor
    chunk = due(session, 0.5)
    assert chunk.overdue > 0 and chunk.first == 500
    assert session.skipped == (500 - begun) // CHUNK


@settings(max_examples=12)
@given(st.integers(0, 99), st.sampled_from((0.0, 0.01, 0.03)), st.sampled_from((30, 80)), st.sampled_from((0, 100)))
def test_slack_settles_near_the_buffer_size(seed: int, jitter: float, buffer_size: int, ppm: int) -> None:
    """The p1 that the client measures, after 15 s, with a way of 10 ms and more."""
    rng, session = np.random.default_rng(seed), started()
    coming: list[tuple[float, int]] = []
    slacks: list[tuple[float, int]] = []
    for step in range(9_000):
        now = step / 500
        playhead = int(now * RATE * (1 + ppm / 1e6))
        if step % 25 == 0:
            recent = [s for t, s in slacks if t > now - 1]
            slack = round(float(np.quantile(recent, 0.01))) if recent else UNKNOWN_SLACK
            mean = round(jitter * RATE / 3)
            sent = round(now * 1e6)
            figures = Report(SSRC, step, playhead, 0, slack, buffer_size, 20_000, sent, jitter=mean)
            session.take(figures, now + 0.01, now + 0.01)
        chunk = session.due(now)
        if chunk and chunk.overdue >= 0:
            coming.append((now + 0.01 + rng.uniform(0, jitter), chunk.first))
            render(session, now)
        slacks += [(now, position - playhead) for at, position in coming if at <= now]
        coming = [(at, position) for at, position in coming if at > now]
    settled = np.quantile([s for t, s in slacks if t > 15], 0.01)
    assert buffer_size - 6 <= settled <= buffer_size + 2 * CHUNK


@pytest.mark.parametrize(("slow", "honest"), [(0.0, True), (0.05, False), (0.3, True)])
def test_a_card_that_is_far_too_slow_costs_no_more_than_another(
    slow: float, honest: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor is anything skipped that it has yet to play, though the server is 20 ms late at times. A software clock
    that hopes to catch up is not honest: it tells when its blocks were due."""
    stage = Stage([], skew=-1e6 * slow)
    render, player = stage.player.render, stage.player
    if not honest:
        monkeypatch.setattr(player, "render", lambda out, _: render(out, player.position / STAGE_RATE))
    stage.connect()
    for _ in range(20):
        stage.run(0.48)
        stage.server_stopped = True
        stage.run(0.02)
        stage.server_stopped = False
    assert (
        stage.session.packets_sent * stage.chunk <= stage.time * STAGE_RATE + stage.session.pacer.lead + stage.chunk
    )
    assert stage.session.skipped == 0
