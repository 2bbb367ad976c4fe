from hypothesis import given
from hypothesis import strategies as st

from netaudio.player.report_times import BURST, REPORT_SECONDS, ReportTimes


@given(st.lists(st.tuples(st.floats(0.0, 0.03), st.booleans()), max_size=30))
def test_a_report_goes_out_when_it_is_due_and_not_before(steps: list[tuple[float, bool]]) -> None:
    times, now, early = ReportTimes(), 1.0, 0
    assert times.take(now, probing=False)
    for wait, events in steps:
        now += wait
        if events:
            times.resend(now)
        due = times.due
        taken = times.take(now, probing=False)
        early += taken
        assert not (taken and now < due)
        assert taken or now < due or early >= BURST, "only after many it has to wait"
        assert times.due <= now + REPORT_SECONDS


def test_what_was_heard_is_not_sent_again() -> None:
    times = ReportTimes()
    assert times.take(1.0, probing=False)
    times.resend(1.01)
    assert times.take(1.01, probing=False)
    times.rest()
    assert times.due == 1.01 + REPORT_SECONDS


def test_events_on_end_share_reports() -> None:
    """A thousand a second."""
    times, count = ReportTimes(), 0
    for millisecond in range(1000):
        times.resend(1 + millisecond / 1000)
        count += times.take(1 + millisecond / 1000, probing=False)
    assert BURST < count <= BURST + 100
